"""robust-static-iwocs from studies to verdicts at reduced size, faults that must be seen, and its figures."""

import numpy as np
import pytest
from paper_evidence import gather, status

import bounds
from bounds.claims import Status
from experiments.papers import _iwocs_exact, _iwocs_sets
from experiments.papers.robust_static_iwocs import STUDIES
from paper_figures.robust_static_iwocs import FIGURES
from paper_figures.style import applied

SLUG = "robust-static-iwocs"
CLAIMS = {claim.id.partition("/")[2]: claim for claim in bounds.claims(SLUG)}
#: Claims that the evidence refutes; each carries its finding.
FALSE = {"coincides-at-s0", "complete-keep"}


def shrunk(study, cell):
    """The quick cell with fewer instances, or None where it is dropped."""
    name, small = study.id.partition("/")[2], dict(cell)
    if name == "sequences" and cell["block"] > 2:
        return None
    if name == "search":
        small["count"] = 60
    return small


def measured(*names):
    return gather([study for study in STUDIES if not names or study.id.partition("/")[2] in names], shrunk)


@pytest.fixture(scope="module")
def evidence():
    return measured()


@pytest.mark.parametrize("name", CLAIMS)
def test_claim_has_its_verdict_and_its_control_fails(name, evidence):
    claim = CLAIMS[name]
    expected = Status.REFUTED if name in FALSE else Status.SUPPORTED
    assert status(claim, claim.measure, evidence) is expected
    assert status(claim, claim.control.measure, evidence) is Status.REFUTED
    assert (claim.finding is not None and claim.finding.explains is Status.REFUTED) == (name in FALSE)


def test_controls_stand_at_paper_scale_sizes():
    """The paper's grids hold the quick ones, or larger ones of the same kind, so that no control loses its evidence."""
    for study in STUDIES:
        quick, paper = study.cells("quick"), study.cells("paper")
        assert len(paper) >= len(quick)
        assert {tuple(cell) for cell in quick} == {tuple(cell) for cell in paper}


def test_early_stops_are_always_repeats_and_hull_values_have_none(evidence):
    for name in ("sequences", "search"):
        kept = evidence.where(f"{SLUG}/{name}")
        for rule in _iwocs_exact.RULES:
            stop, loss = kept.column(f"{rule}_stop"), kept.column(f"{rule}_loss")
            assert set(stop.tolist()) <= ({0.0} if rule == "hull" else {0.0, 1.0})
            assert loss[stop == 0.0].max() <= 1e-9


def test_spec_numbers_of_the_nominal_rule(evidence):
    """About half of the dense runs under `nominal` end at a repeat, a third below the optimum."""
    dense = evidence.where(f"{SLUG}/sequences", family="dense")
    assert 0.25 < dense.column("nominal_stop").mean() < 0.6
    assert 0.1 < (dense.column("nominal_loss") > 1e-9).mean() < 0.5


class _Shifted:
    """A run whose policies claim to attain more than they do."""

    def __init__(self, run):
        self.run = run

    def __getattr__(self, name):
        return getattr(self.run, name)

    @property
    def gaps(self):
        return self.run.gaps - 1e-3

    @property
    def Q(self):
        return self.run.Q - 1e-3 * np.arange(1, self.run.iterations + 1)[:, None, None]


FAULTS = {
    "static-dynamic": (_iwocs_exact, "dynamic_evaluation", "identities", lambda f: lambda *a, **k: f(*a, steps=40)),
    "min-of-optima": (_iwocs_exact, "rectangular_value_iteration", "identities",
                      lambda f: lambda mdp, v, tol: f(mdp, v, tol=0.1)),
    "prop1": (_iwocs_exact, "iwocs", "sequences", lambda f: lambda *a, **k: _Shifted(f(*a, **k))),
    "certificate": (_iwocs_exact, "iwocs", "sequences", lambda f: lambda *a, **k: _Shifted(f(*a, **k))),
    "finite": (_iwocs_exact, "iwocs", "finite", lambda f: lambda *a, **k: f(*a, **(k | {"stop_at_repeat": False}))),
    "balls": (_iwocs_sets, "robust_value_iteration", "balls",
              lambda f: lambda mdp, **k: f(mdp, **(k | {"radius": 1.01 * k["radius"]}))),
    "windy": (_iwocs_sets, "static_evaluation", "windy",
              lambda f: lambda m, p, u: f(m, p, _iwocs_sets.KernelSet(u.P[:1]))),
    "garnets": (_iwocs_sets, "iwocs", "garnets", lambda f: lambda *a, **k: f(*a, iterations=1)),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_seen(name, monkeypatch):
    module, function, study, broken = FAULTS[name]
    monkeypatch.setattr(module, function, broken(getattr(module, function)))
    claim = CLAIMS[name]
    assert status(claim, claim.measure, measured(study)) is Status.REFUTED


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.id)
def test_figures_draw_their_tables(figure, evidence):
    table = figure.table(evidence)
    sizes = {len(column) for column in table.values()}
    assert len(sizes) == 1
    assert sizes.pop() > 10
    with applied():
        drawn = figure.draw(table)
    assert drawn.axes
    assert set(figure.claims) <= {claim.id for claim in CLAIMS.values()}


def test_staircase_of_the_walk(evidence):
    """The sequence stays at the first kernel's value for a block, then falls to the optimum."""
    table = next(f for f in FIGURES if f.id.endswith("fig_windy")).table(evidence)
    sequence = table["y"][(table["part"] == "error") & (table["series"] == "IWOCS")]
    robust = table["y"][(table["part"] == "error") & (table["series"] == "robust value iteration")]
    assert sequence.size == robust.size == 200
    assert np.ptp(sequence[60:100]) < 1e-6 < 1.0 < sequence[99]
    assert sequence[-1] < 1e-6
    assert robust[-1] < 1e-6
    assert np.all(np.diff(robust) <= 1e-12)
