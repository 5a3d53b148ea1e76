"""Figures of the foundations: what they plot is what the studies measured."""

import numpy as np
import pytest

import bounds
from bounds.claims import Evidence, Record
from experiments import discovery
from paper_figures import style
from paper_figures._foundations_bandits import HORIZON
from paper_figures._foundations_bandits import REGRET as BANDITS
from paper_figures.tabular_foundations import COVERAGE, DELTA, FIGURES, LABELS, METHODS, PANELS
from tabular.errors import ParameterError

BY_NAME = {figure.id.partition("/")[2]: figure for figure in FIGURES}


@pytest.fixture(scope="module")
def evidence():
    """The real studies of the figures at quick scale, the cells that are drawn."""
    records = []
    for id in dict.fromkeys(study for figure in FIGURES for study in figure.studies):
        study = discovery.study(id)
        for cell in study.cells("quick"):
            if id == BANDITS and (cell["k"] != 5 or cell["n"] != HORIZON or cell["broken"]):
                continue
            if id != COVERAGE or cell["delta"] == DELTA:
                records.append(Record(id, cell, study.run(cell, np.random.default_rng(0))))
    return Evidence(tuple(records))


def test_coverage_curves_are_the_measured_ones_and_stay_below_the_level(evidence):
    table = BY_NAME["fig_coverage"].table(evidence)
    assert set(table["inequality"]) == set(LABELS.values())
    assert (table["failure"] <= DELTA).all()
    for panel, (_, curves) in enumerate(PANELS):
        for name, n, S in curves:
            chosen = (table["panel"] == panel) & (table["inequality"] == LABELS[name])
            record = next(iter(evidence.where(COVERAGE, inequality=name, n=n, S=S)))
            assert (np.diff(table["p"][chosen]) >= 0).all()
            assert dict(zip(table["p"][chosen], table["failure"][chosen], strict=True)) == dict(
                zip(record["p"], record["failure"], strict=True)
            )


def test_coverage_shows_the_reference_suprema(evidence):
    """Suprema over p at delta = 0.1 and n = 50, over a finer grid: Hoeffding 0.02204, Maurer-Pontil 0.00045."""
    table = BY_NAME["fig_coverage"].table(evidence)
    for name, supremum in (("Hoeffding", 0.02204), ("Maurer-Pontil", 0.00045), ("KL-Chernoff", 0.09493)):
        worst = table["failure"][(table["panel"] == 0) & (table["inequality"] == name)].max()
        assert 0.75 * supremum <= worst <= supremum * 1.005


def test_controls_stand_beside_every_inequality(evidence):
    table = BY_NAME["fig_controls"].table(evidence)
    for name in LABELS.values():
        stated = table["failure"][(table["inequality"] == name) & (table["variant"] == "as stated")]
        broken = table["failure"][(table["inequality"] == name) & (table["variant"] != "as stated")]
        assert stated.max() <= DELTA < broken.max(), name
        assert stated.shape == broken.shape
        assert (broken > stated).all()


def test_controls_report_where_the_worst_mean_is(evidence):
    table = BY_NAME["fig_controls"].table(evidence)
    row = int(np.flatnonzero((table["inequality"] == "Hoeffding") & (table["n"] == 200))[0])
    record = next(iter(evidence.where(COVERAGE, inequality="hoeffding", n=200)))
    assert (
        record["failure"][list(record["p"]).index(table["p"][row])] == table["failure"][row] == record["failure"].max()
    )


def test_certificates_are_sound_and_planners_end_exact(evidence):
    table = BY_NAME["fig_certificates"].table(evidence)
    scale = 1 / (1 - table["gamma"])
    assert (table["error"] <= table["width"] / 2 + 64 * np.finfo(float).eps * scale**2).all()
    for name in METHODS.values():
        for gamma in set(table["gamma"].tolist()):
            chosen = (table["method"] == name) & (table["gamma"] == gamma)
            assert (np.diff(table["operations"][chosen]) > 0).all()
            assert table["error"][chosen][-1] < 1e-8


def test_an_unknown_method_is_not_dropped_silently():
    odd = Evidence(
        (Record("tabular-foundations/convergence", {"method": "magic", "gamma": 0.5}, {"operations": np.ones(1)}),)
    )
    with pytest.raises(ParameterError, match="magic"):
        BY_NAME["fig_planners"].table(odd)


@pytest.mark.parametrize("name", BY_NAME)
def test_every_figure_draws_its_table(evidence, name):
    figure = BY_NAME[name]
    table = figure.table(evidence)
    with style.applied():
        drawing = figure.draw(table)
    plotted = np.concatenate([np.ravel(line.get_ydata()) for ax in drawing.axes for line in ax.lines])
    column = {
        "fig_coverage": "failure",
        "fig_planners": "error",
        "fig_certificates": "width",
        "fig_bandit_regret": "bound",
        "fig_bandit_minimax": "mean",
        "fig_riverswim": "regret",
        "fig_depth": "episodes",
    }.get(name)
    if column is not None:
        assert set(table[column].tolist()) <= set(plotted.tolist())
    else:
        plotted = np.concatenate([np.ravel(line.get_xdata()) for ax in drawing.axes for line in ax.lines])
        assert set(table["failure"].tolist()) <= set(plotted.tolist())
    assert all(ax.get_xlabel() for ax in drawing.axes)


def test_bandit_curves_stay_under_their_bounds_and_end_at_the_measured_regret(evidence):
    table = BY_NAME["fig_bandit_regret"].table(evidence)
    assert (table["mean"] < table["bound"]).all()
    assert (table["low"] <= table["mean"]).all()
    last = (table["round"] == HORIZON) & (table["learner"] == "KL-UCB")
    record = evidence.where(BANDITS, learner="kl-ucb", gap=0.5).records[0]
    assert table["mean"][last] == pytest.approx([record["final"].mean()])
    assert table["trivial"][last].tolist() == [0.5 * HORIZON]


def test_minimax_table_is_in_units_of_its_rate(evidence):
    table = BY_NAME["fig_bandit_minimax"].table(evidence)
    record = evidence.where("tabular-foundations/bandit-minimax", learner="moss", k=5, n=5000).records[0]
    chosen = (table["learner"] == "MOSS") & (table["k"] == 5) & (table["n"] == 5000)
    assert table["mean"][chosen] == pytest.approx([record["half_sum"].mean() / np.sqrt(20_000)])
    assert (table["low"] > 1 / 27).all()


def test_figures_illustrate_claims_that_exist():
    known = {claim.id for claim in bounds.claims("tabular-foundations")}
    for figure in FIGURES:
        assert figure.claims
        assert set(figure.claims) <= known
