"""Discovery of papers and claims, and what a wrong name answers."""

import subprocess
import sys
import types

import pytest

import bounds
from bounds import registry
from bounds.claims import Claim, Control, Kind, Paper, Provenance
from bounds.judges import InequalityJudge
from tabular.errors import ParameterError


def paper(slug):
    return Paper(slug, "A title", "A. Author", 2024, "author2024", None, "What it shows.")


def claim(id):
    return Claim(
        id=id,
        paper="author2024, Theorem 1",
        kind=Kind.INEQUALITY,
        statement="a",
        judge=InequalityJudge(),
        studies=(),
        measure=lambda evidence: None,
        control=Control("c", "d", lambda evidence: None),
        provenance=Provenance("derived", "here"),
    )


@pytest.fixture
def house(monkeypatch):
    """Replace the papers found by a dictionary of module name to contents."""

    def furnish(**modules):
        for name, contents in modules.items():
            module = types.ModuleType(f"bounds.papers.{name}")
            module.__dict__.update(contents)
            monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(
            registry.pkgutil, "iter_modules", lambda path: [types.SimpleNamespace(name=name) for name in modules]
        )
        registry._slugs.cache_clear()
        registry._module.cache_clear()

    yield furnish
    registry._slugs.cache_clear()
    registry._module.cache_clear()


TWO = {
    "step_mix": {"PAPER": paper("step-mix"), "CLAIMS": (claim("step-mix/a"), claim("step-mix/b"))},
    "other": {"PAPER": paper("other"), "CLAIMS": (claim("other/a"),)},
    "_shared": {},
}


def test_modules_are_found_by_slug_and_private_ones_are_not(house):
    house(**TWO)
    assert [p.slug for p in bounds.papers()] == ["other", "step-mix"]
    assert [c.id for c in bounds.claims()] == ["other/a", "step-mix/a", "step-mix/b"]
    assert [c.id for c in bounds.claims("step-mix")] == ["step-mix/a", "step-mix/b"]
    assert bounds.claim("step-mix/b").id == "step-mix/b"
    assert bounds.paper("other").title == "A title"


@pytest.mark.parametrize(
    ("ask", "hint"),
    [
        (lambda: bounds.paper("stepmix"), "did you mean step-mix"),
        (lambda: bounds.claims("stepmix"), "did you mean step-mix"),
        (lambda: bounds.claim("stepmix/a"), "did you mean step-mix"),
        (lambda: bounds.claim("step-mix/aa"), "did you mean step-mix/a"),
        (lambda: bounds.claim("step-mix"), "step-mix/a"),
        (lambda: bounds.claim("zzz"), "known: other/a, step-mix/a, step-mix/b"),
        (lambda: bounds.claim("_shared/x"), "unknown paper"),
    ],
)
def test_an_unknown_name_lists_close_matches(house, ask, hint):
    house(**TWO)
    with pytest.raises(ParameterError, match="unknown") as caught:
        ask()
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    "contents",
    [
        {},
        {"PAPER": paper("x")},
        {"PAPER": paper("y"), "CLAIMS": ()},
        {"PAPER": paper("x"), "CLAIMS": (claim("y/a"),)},
        {"PAPER": paper("x"), "CLAIMS": (claim("x/"),)},
        {"PAPER": paper("x"), "CLAIMS": (claim("x/a"), claim("x/a"))},
    ],
)
def test_a_malformed_module_is_refused(house, contents):
    house(x=contents)
    with pytest.raises(ParameterError):
        bounds.claims()


def test_submodules_that_share_a_name_with_a_function_answer_as_both(house):
    house(**TWO)
    from bounds.claims import Evidence

    assert bounds.claims.Evidence is Evidence
    assert len(bounds.claims()) == 3
    assert len(bounds.papers()) == 2


def test_importing_bounds_loads_nothing_heavy():
    code = (
        "import sys, bounds, bounds.judges, bounds.ledger, bounds.registry\n"
        "heavy = {'sympy', 'scipy.stats', 'scipy.special', 'matplotlib', 'cvxpy', 'numba'} & set(sys.modules)\n"
        "assert heavy <= {'scipy.special'}, heavy\n"
        "from bounds.judges import CoverageJudge, RateJudge, SeparationJudge\n"
        "import bounds.concentration\n"
        "assert not {'sympy', 'scipy.stats'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60)
