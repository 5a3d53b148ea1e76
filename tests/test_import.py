"""What an import costs: nothing heavy, nothing compiled."""

import json
import subprocess
import sys

import pytest

HEAVY = ("numba", "scipy.stats", "cvxpy", "sympy", "matplotlib", "gymnasium", "hypothesis", "dask", "typer", "jinja2")


def modules_after(statement: str, tmp_path) -> set[str]:
    """Names of the modules in a fresh interpreter after ``statement``; fails if anything was compiled."""
    code = f"{statement}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**__import__("os").environ, "RL_THEOREMS_CACHE": str(tmp_path)},
    )
    compiled = list(tmp_path.rglob("*.nbi"))
    assert compiled == []
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("package", ["tabular", "bounds", "experiments", "paper_figures"])
def test_importing_a_room_imports_nothing_heavy(package, tmp_path):
    loaded = modules_after(f"import {package}", tmp_path)
    assert [name for name in HEAVY if name in loaded] == []


@pytest.mark.parametrize(
    "statement", ["from tabular.planning import value_iteration", "from tabular.learning.offline import vi_lcb"]
)
def test_planners_and_learners_import_without_plotting_or_modelling_layers(statement, tmp_path):
    loaded = modules_after(statement, tmp_path)
    assert "numba" in loaded
    assert [name for name in HEAVY[1:] if name in loaded] == []


def test_every_exported_name_resolves():
    import tabular

    seen = 0
    queue = [tabular]
    while queue:
        package = queue.pop()
        for name in package.__all__:
            value = getattr(package, name)
            seen += 1
            if hasattr(value, "__path__"):
                queue.append(value)
    assert seen > 60
