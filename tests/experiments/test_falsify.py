"""The search: finds what is there to find, shrinks it, and cries no wolf."""

from dataclasses import replace

import numpy as np
import pytest
from toy_claims import BUMP, CALIBRATED, EXCEEDED, FAIR, FALSE, HIDDEN, TRUE, UNFAIR
from toy_studies import WALK

from bounds.claims import Kind, Status
from bounds.judges import Comparison
from experiments.falsify import evaluate, falsify
from tabular.errors import ParameterError


def test_a_true_claim_is_not_refuted_and_its_tightest_instance_is_told():
    found = falsify(TRUE, budget=0.5, studies=(WALK,))
    assert not found.refuted
    assert 0.9 < found.best.verdict.tightness <= 1.0 + 1e-9
    again = evaluate(TRUE, WALK, found.best.cell, found.best.seed)
    assert again.verdict == found.best.verdict


def test_a_false_claim_is_refuted_at_once_and_shrunk():
    found = falsify(FALSE, budget=0.5, studies=(WALK,))
    assert found.refuted
    assert found.best.verdict.status is Status.REFUTED
    assert (found.best.cell["n"], found.best.cell["seed"]) == (1, 0)


def test_the_local_search_finds_what_the_grid_does_not_show():
    assert all(not evaluate(HIDDEN, BUMP, cell, 0).refuted for cell in BUMP.cells("quick"))
    found = falsify(HIDDEN, budget=5.0, studies=(BUMP,))
    assert found.refuted
    n, a = found.best.cell["n"], found.best.cell["a"]
    assert a * n > 100.0
    assert isinstance(n, int)
    assert 2 <= n <= 40
    assert 2.0 <= a <= 10.0
    assert a * (n - 1) <= 100.0


def test_the_search_is_reproducible_from_its_seed():
    one, two = (falsify(HIDDEN, budget=5.0, seed=3, studies=(BUMP,)) for _ in range(2))
    assert one.best.cell == two.best.cell
    assert one.best.seed == two.best.seed


def test_chance_alone_is_no_counterexample():
    assert not any(falsify(CALIBRATED, budget=0.4, seed=seed, studies=(FAIR,)).refuted for seed in range(5))


def test_a_rate_that_is_exceeded_is_found():
    found = falsify(EXCEEDED, budget=5.0, studies=(UNFAIR,))
    assert found.refuted
    assert found.best.verdict.p_value < 0.05


def test_control_without_confirmation_chance_would_be_called_a_counterexample(monkeypatch):
    monkeypatch.setattr("experiments.falsify.cells.CellSearch.confirmed", lambda self, attempt: attempt.refuted)
    assert any(falsify(CALIBRATED, budget=2.0, seed=seed, studies=(FAIR,)).refuted for seed in range(5))


def _both(evidence):
    """Needs one record of each study, equal in their n."""
    walk, bump = evidence.where("toy/walk"), evidence.where("toy/bump")
    (one,), (two,) = walk, bump
    if one["n"] != two["n"]:
        raise ParameterError("of different sizes")
    return Comparison([two["a"]], [9.5])


TWO = replace(FALSE, id="toy/two", studies=("toy/walk", "toy/bump"), measure=_both)


def test_a_claim_over_two_studies_is_searched_on_cells_that_agree(tmp_path):
    found = falsify(TWO, budget=20.0, studies=(WALK, BUMP))
    assert found.refuted
    assert [study for study, _ in found.best.runs] == ["toy/walk", "toy/bump"]
    (_, one), (_, two) = found.best.runs
    assert one["n"] == two["n"] == 1 or one["n"] == two["n"] == 2
    assert two["a"] > 9.5
    assert " with " in found.best.label


def _grid(evidence):
    """Compares cells with each other."""
    if len(evidence) < 3:
        raise ParameterError("needs the grid")
    return Comparison(evidence.column("left"), 1.0 + np.zeros(len(evidence)))


def test_a_claim_that_compares_cells_is_judged_on_whole_grids():
    claim = replace(HIDDEN, measure=_grid)
    found = falsify(claim, budget=5.0, studies=(BUMP,))
    assert not found.refuted
    assert len(found.best.runs) == 3
    assert "whole grids" in found.best.label or "toy/bump" in found.best.label
    with pytest.raises(ParameterError, match="tries whole grids"):
        falsify(claim, budget=0.2, studies=(BUMP,))


@pytest.mark.parametrize(
    ("claim", "options", "message"),
    [
        ("rate", {}, "of kind rate"),
        ("true", {"budget": 0.0}, "budget"),
        ("true", {"budget": float("inf")}, "budget"),
        ("needs-two", {"budget": 0.1}, "allows a judgement"),
    ],
)
def test_what_cannot_be_searched(claim, options, message):
    def nothing(evidence):
        raise ParameterError("needs two records")

    claims = {"rate": replace(TRUE, kind=Kind.RATE), "true": TRUE, "needs-two": replace(TRUE, measure=nothing)}
    with pytest.raises(ParameterError, match=message):
        falsify(claims[claim], studies=(WALK,), **options)


def test_instances_outside_the_assumptions_do_not_count():
    from bounds.claims import Assumption

    never = replace(FALSE, assumptions=(Assumption("never", "0=1", lambda record: False),))
    with pytest.raises(ParameterError, match="assumptions fail"):
        falsify(never, budget=0.1, studies=(WALK,))
    large = replace(FALSE, assumptions=(Assumption("large", "n>=2", lambda record: record["n"] >= 2),))
    found = falsify(large, budget=2.0, studies=(WALK,))
    assert found.refuted
    assert found.best.cell["n"] == 2
