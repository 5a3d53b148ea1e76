"""Pytest plugin of the mutation run: plants a fault as its module is imported, or records which test calls what.

``FAULT_MODULE`` and ``FAULT_SOURCE`` name a file of the repository and the file with its damaged text. With
``FAULT_RECORD``, a folder, every function that can be damaged notes its calls, and each passed test leaves a line with
its duration and the functions it called. Kernels run as plain Python in both cases (``NUMBA_DISABLE_JIT``).
"""

import ast
import importlib.machinery
import json
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULE = os.environ.get("FAULT_MODULE", "")
SOURCE = os.environ.get("FAULT_SOURCE", "")
RECORD = os.environ.get("FAULT_RECORD", "")

called = set()
"""Functions called since the present test began, as ``file::name``."""


def _noting(path: str) -> ast.Module:
    """Return the syntax tree of a file in which each function begins by noting that it was called."""
    tree = ast.parse(Path(path).read_bytes())
    file = Path(path).relative_to(ROOT).as_posix()
    for owner in (tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))):
        for node in owner.body:
            if isinstance(node, ast.FunctionDef):
                name = node.name if owner is tree else f"{owner.name}.{node.name}"
                note = ast.parse(f"__import__('plant').called.add({f'{file}::{name}'!r})").body
                node.body[1 if ast.get_docstring(node) is not None else 0 : 0] = note
    return ast.fix_missing_locations(tree)


class _Loader(importlib.machinery.SourceFileLoader):
    """Loader that compiles the damaged or noting text under the original's name; nothing is cached."""

    def get_code(self, fullname):
        return compile(_noting(self.path) if RECORD else Path(SOURCE).read_bytes(), self.path, "exec")


class _Planter(importlib.machinery.PathFinder):
    """Finder that has the modules concerned loaded by `_Loader`."""

    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        if not fullname.startswith(("tabular.", "bounds.judges.")):
            return None
        spec = super().find_spec(fullname, path, target)
        if spec is None or not isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            return None
        if not RECORD and spec.origin != str(ROOT / MODULE):
            return None
        spec.loader = _Loader(fullname, spec.origin)
        return spec


sys.meta_path.insert(0, _Planter)


class _Recorder:
    """Writes, for each passed test, its duration and the functions it called."""

    def __init__(self, folder: Path) -> None:
        self.file = (folder / f"{os.getpid()}.jsonl").open("w", encoding="utf-8")
        self.outcome = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        called.clear()
        result = yield
        seconds, passed = self.outcome.pop(item.nodeid, (0.0, False))
        if passed:
            self.file.write(json.dumps({"test": item.nodeid, "seconds": seconds, "functions": sorted(called)}) + "\n")
            self.file.flush()
        return result

    def pytest_runtest_logreport(self, report):
        if report.when == "call":
            self.outcome[report.nodeid] = (report.duration, report.passed)


def pytest_configure(config):
    if RECORD:
        config.pluginmanager.register(_Recorder(Path(RECORD)))
