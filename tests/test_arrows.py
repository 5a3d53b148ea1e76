"""The rooms import leftwards only: tabular <- bounds <- experiments <- paper_figures."""

import ast
from pathlib import Path

import pytest

ROOMS = ("tabular", "bounds", "experiments", "paper_figures")
ROOT = Path(__file__).resolve().parents[1]


def forbidden_imports(source: str, room: str) -> list[str]:
    """Rooms to the right of ``room`` that ``source`` imports, at any level."""
    later = ROOMS[ROOMS.index(room) + 1 :]
    found = []
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        found += [name for name in names if name.partition(".")[0] in later]
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_room_imports_leftwards_only(room):
    files = sorted((ROOT / room).rglob("*.py"))
    assert files, f"no module in {room}"
    offences = {str(f.relative_to(ROOT)): bad for f in files if (bad := forbidden_imports(f.read_text(), room))}
    assert offences == {}


@pytest.mark.parametrize(
    ("source", "room"),
    [
        ("import bounds.claims", "tabular"),
        ("def f():\n    from experiments.study import Study", "bounds"),
        ("from paper_figures import style", "experiments"),
    ],
)
def test_control_a_rightward_import_is_seen(source, room):
    assert forbidden_imports(source, room)


def test_nothing_of_ours_is_imported_from_the_tests():
    for room in ROOMS:
        for file in (ROOT / room).rglob("*.py"):
            assert "import tests" not in file.read_text(), file


def test_kernels_are_compiled_by_our_decorator_only():
    """A bare numba.njit would be cached without regard to its callees."""
    for room in ROOMS:
        for file in (ROOT / room).rglob("*.py"):
            if file.name == "_jit.py":
                continue
            for node in ast.walk(ast.parse(file.read_text())):
                names = []
                if isinstance(node, ast.Import):
                    names = [a.name for a in node.names]
                elif isinstance(node, ast.ImportFrom):
                    names = [f"{node.module}.{a.name}" for a in node.names]
                for name in names:
                    assert not name.startswith(("numba.njit", "numba.jit", "pickle", "joblib")), (file, name)
                if isinstance(node, ast.Attribute) and node.attr in ("njit", "jit", "vectorize", "guvectorize"):
                    raise AssertionError(f"{file}:{node.lineno} compiles without tabular._jit.kernel")
