"""Figures of stepmix: tables against records whose summary is known, and what the drawings contain."""

import numpy as np
import pytest

from bounds.claims import Evidence, Record
from experiments import discovery
from paper_figures.stepmix import FIGURES, violations_table
from paper_figures.style import applied

BY_NAME = {figure.id.partition("/")[2]: figure for figure in FIGURES}
AT = np.array([1, 10, 100])


def trace(family, learner, low, high):
    """Two runs: threshold 1 and 2, optimum 3 and 6, values a share ``low`` and ``high`` of the way between."""
    gap, threshold = np.array([2.0, 4.0]), np.array([1.0, 2.0])
    value = threshold + gap * np.array([low, high])
    per_bin = np.repeat(value[:, None], 3, axis=1)
    return Record("stepmix/traces", dict(family=family, learner=learner, runs=2), dict(
        at=AT, mean=per_bin, lowest=per_bin - 0.1 * gap[:, None], regret=(3.0 * threshold - value)[:, None] * AT,
        rho=np.full((2, 3), 0.25), baseline_steps=np.array([[4.0, 2.0, 0.0], [4.0, 4.0, 2.0]]), threshold=threshold,
        baseline_value=threshold + 0.5 * gap, optimal_value=threshold + gap,
    ))  # fmt: skip


def records():
    learners = dict.fromkeys(("stepmix", "epsmix", "unconstrained", "budget", "optpess-lp", "dope"), (0.2, 0.6))
    found = [trace(family, name, *ends) for family in ("a trap", "random") for name, ends in learners.items()]
    for eta, fraction in ((2.0, 0.9), (5.0, 0.9), (5.0, 0.8), (8.0, 0.9)):
        arrays = {name: eta * fraction * np.array([1.0, 2.0, 6.0]) for name in ("stepmix", "epsmix", "unconstrained")}
        found.append(Record("stepmix/sweep", dict(eta=eta, fraction=fraction), arrays))
    for kappa in (0.1, 0.2):
        for name in ("stepmix", "epsmix"):
            cell = dict(learner=name, share=1.0, kappa=kappa)
            found.append(Record("stepmix/kappa", cell, dict(first=np.array([1.0, 3.0]) / kappa**2)))
    for name, counts in (("stepmix", [0, 0]), ("budget", [0, 7]), ("epsmix, plug-in", [3, 9])):
        found.append(Record("stepmix/safety", dict(family="a trap", learner=name), dict(violating=np.array(counts))))
    found.append(Record("stepmix/safety", dict(family="b", learner="stepmix"), dict(violating=np.array([99]))))
    for logged in (100, 200):
        for initial in (False, True):
            cell = dict(logged=logged, initial=initial)
            regret = np.full((4, 3), float(logged))
            found.append(Record("stepmix/offline-runs", cell, dict(at=AT, regret=regret)))
    for kappa, cover in ((0.1, 3.0), (0.2, 3.0), (0.2, 6.0)):
        arrays = dict(needed=np.array([1.0, 3.0]) / kappa**2)
        found.append(Record("stepmix/offline-needs", dict(kappa=kappa, cover=cover), arrays))
    return Evidence(tuple(found))


@pytest.mark.parametrize("name", BY_NAME)
def test_every_figure_is_drawn_from_columns_of_equal_length(name):
    table = BY_NAME[name].table(records())
    assert len({len(column) for column in table.values()}) == 1
    with applied():
        figure = BY_NAME[name].draw(table)
        figure.draw_without_rendering()
    assert all(ax.lines or ax.collections for ax in figure.axes)


def test_values_are_on_the_scale_from_threshold_to_optimum():
    table = BY_NAME["fig_values"].table(records())
    np.testing.assert_allclose(table["median"], 0.4)
    np.testing.assert_allclose(table["low"], 0.3)
    np.testing.assert_allclose(table["lowest"], 0.1)
    np.testing.assert_allclose(table["baseline"], 0.5)


def test_running_means_come_from_regret():
    table = BY_NAME["fig_cumulative"].table(records())
    np.testing.assert_allclose(table["running"], 0.4)
    np.testing.assert_allclose(table["lowest"], 0.2)
    assert set(table["learner"]) == {"StepMix", "budget exploration"}


def test_sweeps_vary_one_parameter_at_a_time():
    table = BY_NAME["fig_sweeps"].table(records())
    here = (table["learner"] == "StepMix") & (table["panel"] == "eta")
    assert sorted(table["x"][here]) == [2.0, 5.0, 8.0]
    np.testing.assert_allclose(np.sort(table["regret"][here]), [2 * 0.9 * 2, 5 * 0.9 * 2, 8 * 0.9 * 2])
    assert sorted(table["x"][(table["learner"] == "EpsMix") & (table["panel"] == "fraction")]) == [0.8, 0.9]


def test_violations_are_those_of_one_family():
    table = violations_table(records())
    assert set(table["family"]) == {"a trap"}
    assert table["violating"].tolist() == [0, 0, 0, 7, 3, 9]


def test_needs_and_waits_are_means_over_runs():
    table = BY_NAME["fig_offline"].table(records())
    need = table["panel"] == "need"
    np.testing.assert_allclose(table["x"][need], [0.1, 0.2])
    np.testing.assert_allclose(table["y"][need], [200.0, 50.0])
    table = BY_NAME["fig_kappa"].table(records())
    np.testing.assert_allclose(table["wait"] * table["kappa"] ** 2, 2.0)


def test_the_studies_and_their_learners_exist():
    names = {study for figure in FIGURES for study in figure.studies}
    learners = {cell["learner"] for cell in discovery.study("stepmix/traces").cells("quick")}
    assert all(discovery.study(name).cells("quick") for name in names)
    assert learners == {record["learner"] for record in records().where("stepmix/traces")}
