"""Digests of source code: what a kernel or a study was computed with.

The digest of a module covers its own file and every file of the same
distribution that it imports, directly or not, at module level or inside a
function. Compiled kernels and stored results are filed under it, so neither
survives an edit of anything it depends on. Imports are read from the syntax
tree; nothing is executed.

Packages whose ``__init__`` loads lazily keep an ``__init__.pyi`` beside it. A
name imported from such a package resolves to the one module that defines it;
a package bound as a whole counts as everything it exports.
"""

import ast
import hashlib
import importlib.util
from functools import cache
from pathlib import Path

__all__ = ["closure", "digest"]

_HERE = Path(__file__).resolve().parents[1]
_PACKAGES = ("tabular", "bounds", "experiments", "paper_figures")


@cache
def _root(top: str) -> Path | None:
    """Directory that holds the top-level package or module ``top``, or None for other people's code."""
    if top in _PACKAGES:
        return _HERE
    return None


def _locate(name: str, home: tuple[str, Path]) -> Path | None:
    """File of module ``name``; ``home`` adds the top-level package of the module that asks."""
    top, _, rest = name.partition(".")
    root = home[1] if top == home[0] else _root(top)
    if root is None:
        return None
    base = root.joinpath(top, *rest.split(".")) if rest else root / top
    for path in (base / "__init__.py", base.with_name(base.name + ".py")):
        if path.is_file():
            return path
    return None


@cache
def _stub_exports(stub: Path, stamp: tuple[int, int]) -> dict[str, str]:
    """Map each name that an ``__init__.pyi`` exports to the relative module that defines it."""
    exports: dict[str, str] = {}
    for node in ast.parse(stub.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            for alias in node.names:
                exports[alias.asname or alias.name] = node.module or alias.name
    return exports


@cache
def _imports(path: Path, stamp: tuple[int, int]) -> tuple[tuple[int, str, tuple[str, ...]], ...]:
    """Every import statement of a file as (level, module, names); names empty for ``import module``."""
    found: list[tuple[int, str, tuple[str, ...]]] = []
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found.extend((0, alias.name, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.append((node.level, node.module or "", tuple(alias.name for alias in node.names)))
    return tuple(found)


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def _dependencies(name: str, path: Path, home: tuple[str, Path]) -> set[str]:
    """Names of the modules that module ``name`` in ``path`` imports."""
    wanted: set[str] = set()
    for level, module, names in _imports(path, _stamp(path)):
        if level:
            package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
            package = package[: len(package) - (level - 1)]
            module = ".".join([*package, module]) if module else ".".join(package)
        target = _locate(module, home)
        if target is None:
            continue
        stub = target.with_name("__init__.pyi")
        lazy = target.name == "__init__.py" and stub.is_file()
        exports = _stub_exports(stub, _stamp(stub)) if lazy else {}
        parts = module.split(".")
        wanted.update(".".join(parts[: i + 1]) for i in range(len(parts)))
        if not names or "*" in names:
            wanted.update(f"{module}.{source}" for source in exports.values())
        for imported in names:
            if imported in exports:
                wanted.add(f"{module}.{exports[imported]}")
            submodule = _locate(f"{module}.{imported}", home)
            if submodule is not None:
                wanted.add(f"{module}.{imported}")
                inner = submodule.with_name("__init__.pyi")
                if submodule.name == "__init__.py" and inner.is_file():
                    wanted.update(f"{module}.{imported}.{s}" for s in _stub_exports(inner, _stamp(inner)).values())
    return wanted


def closure(name: str, file: str | Path | None = None) -> dict[str, Path]:
    """Return every module of ours that module ``name`` depends on, itself included.

    Parameters
    ----------
    name : str
        Dotted module name.
    file : path, optional
        Its source file; needed only for a module outside this distribution.

    Returns
    -------
    dict
        Dotted name to source file, sorted by name.
    """
    top = name.partition(".")[0]
    if file is None:
        start = _locate(name, ("", _HERE))
        if start is None:
            spec = importlib.util.find_spec(name)
            start = Path(spec.origin) if spec is not None and spec.origin else None
        if start is None:
            raise ModuleNotFoundError(f"no source file for module {name!r}")
    else:
        start = Path(file).resolve()
    depth = name.count(".") + (start.name == "__init__.py")
    home = (top, start.parents[depth])
    found = {name: start}
    queue = [name]
    while queue:
        module = queue.pop()
        for wanted in _dependencies(module, found[module], home):
            if wanted not in found:
                path = _locate(wanted, home)
                if path is not None:
                    found[wanted] = path
                    queue.append(wanted)
    return dict(sorted(found.items()))


def digest(name: str, file: str | Path | None = None) -> str:
    """Return the SHA-256 hex digest of the sources that module ``name`` depends on."""
    total = hashlib.sha256()
    for module, path in closure(name, file).items():
        total.update(module.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()
