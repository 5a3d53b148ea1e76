"""Digests of sources, and the compiled kernels that are filed under them: an edit anywhere below is seen."""

import subprocess
import sys

import pytest
import toy_run

from tabular import _source

KERNEL = """
from {package}.inner import inner

{decorator}
def outer(x):
    return inner(x) + 1.0
"""
INNER = """
{decorator}
def inner(x):
    return x * {factor}
"""
OURS = "from tabular._jit import kernel\n@kernel"
PLAIN = "import numba\n@numba.njit(cache=True)"


@pytest.fixture
def package(tmp_path):
    """Write and run a package whose kernel `outer` calls `inner` of another file."""
    folder = tmp_path / "twofiles"
    folder.mkdir()
    (folder / "__init__.py").write_text("")

    def run(factor, decorator, offset=1.0):
        outer = KERNEL.format(package="twofiles", decorator=decorator).replace("1.0", repr(offset))
        (folder / "outer.py").write_text(outer) if offset != 1.0 or not (folder / "outer.py").exists() else None
        (folder / "inner.py").write_text(INNER.format(decorator=decorator, factor=factor))
        code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from twofiles.outer import outer; print(outer(1.0))"
        environment = toy_run.environment(RL_THEOREMS_CACHE=tmp_path / "cache", NUMBA_CACHE_DIR=tmp_path / "plain")
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return float(done.stdout)

    return run


def test_an_edit_of_a_callee_in_another_file_is_compiled(package):
    assert package(2.0, OURS) == 3.0
    assert package(2.0, OURS) == 3.0
    assert package(5.0, OURS) == 6.0
    assert package(2.0, OURS) == 3.0


def test_an_edit_in_the_same_file_is_compiled(package):
    assert package(2.0, OURS) == 3.0
    assert package(2.0, OURS, offset=4.0) == 6.0


def test_control_plain_numba_goes_on_running_the_old_code(package):
    assert package(2.0, PLAIN) == 3.0
    assert package(5.0, PLAIN) == 3.0


def test_a_second_process_compiles_nothing(package, tmp_path):
    package(2.0, OURS)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.nb[ci]")}
    assert before
    package(2.0, OURS)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.nb[ci]")} == before


def write(tmp_path, **files):
    for name, text in files.items():
        path = tmp_path.joinpath("pkg", *name.split("__in__")[::-1]).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "pkg" / "__init__.py").touch()
    return tmp_path / "pkg" / "a.py"


@pytest.mark.parametrize(
    "text",
    [
        "from pkg import b",
        "from pkg.b import f",
        "import pkg.b",
        "from . import b",
        "from .b import f as g",
        "def f():\n    from .b import f",
        "if True:\n    import pkg.b as z",
        "from .c import x",
    ],
)
def test_every_form_of_import_is_followed(tmp_path, text):
    start = write(tmp_path, a=text, b="f = 1\n", c="from .b import f as x\n", d="unrelated = 1\n")
    found = _source.closure("pkg.a", start)
    assert "pkg.b" in found
    assert "pkg.d" not in found
    before = _source.digest("pkg.a", start)
    write(tmp_path, d="unrelated = 2\n")
    assert _source.digest("pkg.a", start) == before
    write(tmp_path, b="f = 2222\n")
    assert _source.digest("pkg.a", start) != before


def test_imports_in_a_circle(tmp_path):
    start = write(tmp_path, a="from . import b\n", b="from . import a\n")
    assert {"pkg.a", "pkg.b"} <= set(_source.closure("pkg.a", start))


def test_a_lazy_package_leads_to_the_module_that_defines_the_name():
    found = _source.closure("experiments.doctor")
    assert "tabular.planning.value_iterations" in found
    assert "tabular.models.mdp" in found
    assert "tabular._jit" in found


def test_other_peoples_code_is_left_out():
    assert {name.partition(".")[0] for name in _source.closure("experiments.engine.runner")} <= set(_source._PACKAGES)


RUN = """
import sys
sys.path.insert(0, sys.argv[1])
from twostudies.study import STUDY
from experiments import engine
with engine.Store(sys.argv[1]) as store:
    summary = engine.gather([STUDY], scale="quick", store=store, backend="serial")
    (record,) = engine.evidence(store, [STUDY], "quick")
    print(summary.computed, summary.outdated, record.arrays["x"][0])
"""
STUDY = """
import numpy as np
from experiments.study import Study
from .outer import outer

def run(cell, rng):
    return {"x": np.array([outer(cell["x"])])}

def cells(scale):
    return [{"x": 1.0}]

STUDY = Study("twostudies/one", "One", cells, run)
"""


def test_an_edit_of_a_callee_makes_records_outdated(tmp_path):
    folder = tmp_path / "twostudies"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "study.py").write_text(STUDY)
    (folder / "outer.py").write_text(KERNEL.format(package="twostudies", decorator=OURS))

    def run(factor):
        (folder / "inner.py").write_text(INNER.format(decorator=OURS, factor=factor))
        command = [sys.executable, "-c", RUN, str(tmp_path)]
        environment = toy_run.environment(RL_THEOREMS_CACHE=tmp_path / "cache")
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    assert run(2.0) == ["1", "0", "3.0"]
    assert run(2.0) == ["0", "0", "3.0"]
    assert run(5.0) == ["1", "1", "6.0"]
    assert run(2.0) == ["0", "1", "3.0"]
