"""Statements in several parts."""

import numpy as np
import pytest

from bounds.claims import Status
from bounds.judges import (
    AllOf,
    Comparison,
    CoverageJudge,
    IdentityJudge,
    InequalityJudge,
    SeparationJudge,
    TwoSamples,
    Violations,
)
from tabular.errors import ParameterError

HOLDS = Comparison([1.0], [1.0], labels=("same",))
FAILS = Comparison([1.0], [2.0], labels=("different",))
CLEAN = Violations([0], [200], 0.05, labels=("clean",))
BROKEN = Violations([60], [200], 0.05, labels=("broken",))
UNDECIDED = Violations([9], [200], 0.05, labels=("undecided",))


def judged(*samples):
    kinds = {Comparison: IdentityJudge(), Violations: CoverageJudge(), TwoSamples: SeparationJudge()}
    return AllOf(tuple(kinds[type(sample)] for sample in samples)).judge(samples)


@pytest.mark.parametrize(
    ("samples", "status", "worst"),
    [
        ((HOLDS, CLEAN), Status.SUPPORTED, "clean"),
        ((CLEAN, HOLDS), Status.SUPPORTED, "clean"),
        ((HOLDS, UNDECIDED, CLEAN), Status.INCONCLUSIVE, "undecided"),
        ((HOLDS, UNDECIDED, BROKEN), Status.REFUTED, "broken"),
        ((FAILS, UNDECIDED), Status.REFUTED, "different"),
        ((BROKEN, FAILS), Status.REFUTED, "different"),
    ],
)
def test_the_worst_part_decides_and_is_named(samples, status, worst):
    verdict = judged(*samples)
    assert verdict.status is status
    if status is not Status.SUPPORTED:
        assert verdict.worst == worst
    assert verdict.n == sum(1 if sample in (HOLDS, FAILS) else 200 for sample in samples)


def test_p_values_are_corrected_for_the_parts_that_have_one():
    alone = CoverageJudge().judge(BROKEN).p_value
    assert judged(HOLDS, BROKEN, CLEAN).p_value == pytest.approx(2 * alone, rel=1e-12)
    assert judged(HOLDS, HOLDS).p_value is None


def test_an_exact_counterexample_needs_no_p_value():
    assert judged(FAILS, CLEAN).p_value is None


def test_vacuous_as_soon_as_one_part_is():
    empty = Comparison([0.5], [3.0], trivial=1.0, informative_from="n = 9")
    parts = AllOf((InequalityJudge(), InequalityJudge()))
    assert parts.judge((empty, empty)).vacuous
    assert parts.judge((empty, empty)).informative_from == "n = 9; n = 9"
    full = Comparison([0.5], [0.9], trivial=1.0)
    mixed = parts.judge((empty, full))
    assert (mixed.vacuous, mixed.informative_from) == (True, "n = 9")
    assert not parts.judge((full, full)).vacuous


def test_p_values_are_at_most_one():
    assert judged(CLEAN, CLEAN).p_value == 1.0


def test_among_parts_of_the_worst_status_the_smallest_p_value_speaks():
    worse = Violations([90], [200], 0.05, labels=("worse",))
    verdict = judged(HOLDS, BROKEN, worse)
    alone = CoverageJudge().judge(worse)
    assert (verdict.worst, verdict.statistic, verdict.threshold) == ("worse", alone.statistic, alone.threshold)
    assert verdict.reason == f"part 3 of 3: {alone.reason}"
    assert judged(BROKEN).reason == CoverageJudge().judge(BROKEN).reason


def test_a_counterexample_comes_before_the_smallest_p_value():
    certain = Violations([2000], [2000], 0.05, labels=("certain",))
    assert CoverageJudge().judge(certain).p_value == 0.0
    assert judged(certain, FAILS).worst == "different"


def test_tightness_is_that_of_the_worst_part_or_else_the_largest():
    verdict = judged(HOLDS, CLEAN, UNDECIDED)
    assert verdict.tightness == CoverageJudge().judge(UNDECIDED).tightness
    parts = AllOf((IdentityJudge(), InequalityJudge(), InequalityJudge()))
    loose, tight = Comparison([0.25], [1.0]), Comparison([0.75], [1.0])
    assert parts.judge((FAILS, tight, loose)).tightness == 0.75
    assert judged(FAILS, HOLDS).tightness is None


@pytest.mark.statistical
def test_parts_at_the_edge_keep_the_level():
    """2,000 samples of two coverage parts and a separation at equality; 5 % within 3 standard deviations."""
    rng = np.random.default_rng(9)
    found = [
        judged(
            Violations(rng.binomial(100, 0.2, 1), 100, 0.2),
            Violations(rng.binomial(400, 0.1, 1), 400, 0.1),
            TwoSamples(rng.standard_normal((1, 15)), rng.standard_normal((1, 15))),
        )
        for _ in range(2000)
    ]
    allowed = 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2000)
    assert np.mean([v.p_value <= 0.05 for v in found]) <= allowed
    assert np.mean([v.status is Status.SUPPORTED for v in found]) <= 0.001 + 3 * np.sqrt(0.001 / 2000)


@pytest.mark.parametrize("sample", [HOLDS, (HOLDS,), (HOLDS, HOLDS, HOLDS), [HOLDS, HOLDS]])
def test_the_sample_has_one_entry_a_judge(sample):
    with pytest.raises(ParameterError):
        AllOf((IdentityJudge(), IdentityJudge())).judge(sample)
    with pytest.raises(ParameterError):
        AllOf(())
