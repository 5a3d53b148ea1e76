"""lsd-bandits from studies to verdicts at reduced size, faults that must be seen, and its figures."""

import math

import numpy as np
import pytest
from paper_evidence import gather, status

import bounds
from bounds.claims import Status
from experiments.papers import _lsd_exact, _lsd_runs
from experiments.papers.lsd_bandits import STUDIES
from paper_figures.lsd_bandits import FIGURES
from paper_figures.style import applied

SLUG = "lsd-bandits"
CLAIMS = {claim.id.partition("/")[2]: claim for claim in bounds.claims(SLUG)}


def shrunk(study, cell):
    """The quick cell with fewer instances, or None where it is dropped."""
    name = study.id.partition("/")[2]
    if name in ("random", "coupling") and cell["block"] > 0:
        return None
    if name == "simulation" and cell["family"] == "random" and cell["index"] > 3:
        return None
    return dict(cell)


def measured(*names):
    return gather([study for study in STUDIES if not names or study.id.partition("/")[2] in names], shrunk)


@pytest.fixture(scope="module")
def evidence():
    return measured()


@pytest.mark.parametrize("name", CLAIMS)
def test_claim_holds_and_its_control_fails(name, evidence):
    claim = CLAIMS[name]
    assert status(claim, claim.measure, evidence) is Status.SUPPORTED
    assert status(claim, claim.control.measure, evidence) is Status.REFUTED


def test_controls_stand_at_paper_scale_sizes():
    """The paper's grids hold the quick ones, or larger ones of the same kind, so that no control loses its evidence."""
    for study in STUDIES:
        quick, paper = study.cells("quick"), study.cells("paper")
        assert len(paper) >= len(quick)
        assert {tuple(cell) for cell in quick} == {tuple(cell) for cell in paper}


def test_measured_constants(evidence):
    tight = evidence.where(f"{SLUG}/tight")
    assert [float(r["rounding"][0]) for r in tight][:4] == pytest.approx([0.75, 19 / 27, 175 / 256, 2101 / 3125])
    periods = evidence.where(f"{SLUG}/periods", kept=False)
    assert periods.column("opt") == pytest.approx([7 / 8, 8 / 9, 11 / 12])
    spikes = {r["n"]: np.asarray(r["spike"]) for r in evidence.where(f"{SLUG}/spike")}
    for n, x in spikes.items():
        law = [math.comb(n, g) * (1 / n) ** g * (1 - 1 / n) ** (n - g) for g in range(n + 1)]
        exact = sum(law[g] / g for g in range(1, n + 1))
        assert x.mean() == pytest.approx(exact, abs=4 * x.std() / math.sqrt(x.size))


def test_constant_of_interleaving_is_the_smallest_ratio():
    """min(1 + Poisson, a) over its cap, for all means and caps up to 12."""
    worst = 1.0
    for a in range(1, 13):
        for mean in np.linspace(0.0, 12.0, 241):
            law = [math.exp(-mean) * mean**k / math.factorial(k) for k in range(a)]
            value = a - sum((a - 1 - k) * w for k, w in enumerate(law))
            worst = min(worst, value / min(1.0 + mean, a))
    assert worst == pytest.approx(1 - 1 / (2 * math.e), abs=1e-12)


FAULTS = {
    "lp-upper": (_lsd_exact, "solve_last_switch", "random", lambda f: lambda b: _Gain(1.2 * f(b).gain)),
    "finite-n": (_lsd_exact, "rounding_value", "random", lambda f: lambda b, plan, **how: 0.8 * f(b, plan, **how)),
    "tight-rounding": (_lsd_exact, "rounding_value", "tight", lambda f: lambda b, p, **how: f(b, p, **how) + 1e-9),
    "recharging-lp": (_lsd_exact, "rate_program", "recharging", lambda f: lambda curves: f(curves, pulls=0.99)),
    "recharging-k": (_lsd_exact, "rounding_value", "pulls", lambda f: lambda b, p, **how: 0.8 * f(b, p, **how)),
    "interleaving": (_lsd_exact, "interleaved_value", "interleaving", lambda f: lambda b, plan: 0.9 * f(b, plan)),
    "greedy-fails": (
        _lsd_exact,
        "lookahead_last_switch",
        "greedy",
        lambda f: lambda b, depth=1: f(b, depth=b.M + 1),
    ),
    "offsets": (_lsd_runs, "rounding_value", "simulation", lambda f: lambda b, plan: 0.95 * f(b, plan)),
}


class _Gain:
    def __init__(self, gain):
        self.gain = gain


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


def test_ratios_of_the_figure_are_ratios(evidence):
    table = next(f for f in FIGURES if f.id.endswith("fig_ratios")).table(evidence)
    virtual = table["ratio"][table["schedule"] == "virtual states"]
    best = table["ratio"][table["schedule"] == "optimum"]
    assert np.all(virtual <= best + 1e-9)
    assert np.all(best <= 1.0 + 1e-7)
    for schedule in ("greedy", "lookahead 5", "round robin"):
        assert np.all(table["ratio"][table["schedule"] == schedule] <= best + 1e-9)
