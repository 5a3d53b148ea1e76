"""The judge of bounds on expectations."""

import math

import numpy as np
import pytest
from scipy import stats

from bounds.claims import Status
from bounds.judges import Comparison, MeanBound, MeanBoundJudge
from tabular.errors import ParameterError

JUDGE = MeanBoundJudge()


def normal(mean, n=100, seed=0):
    draws = np.random.default_rng(seed).normal(size=n)
    return mean + (draws - draws.mean()) / draws.std(ddof=1)


@pytest.mark.parametrize(
    ("mean", "status"),
    [(0.7, Status.SUPPORTED), (0.9, Status.INCONCLUSIVE), (1.1, Status.INCONCLUSIVE), (1.3, Status.REFUTED)],
)
def test_status_is_students_test(mean, status):
    verdict = JUDGE.judge(MeanBound([normal(mean)], 1.0))
    assert verdict.status is status
    p = stats.ttest_1samp(normal(mean), 1.0, alternative="greater").pvalue
    assert verdict.p_value == pytest.approx(p)
    assert verdict.statistic == pytest.approx(mean)
    assert verdict.threshold == 1.0
    assert verdict.tightness == pytest.approx(mean)
    assert verdict.n == 100


def test_every_point_must_hold_and_points_are_corrected_for():
    good, bad = normal(0.0), normal(1.3)
    verdict = JUDGE.judge(MeanBound([good, bad, normal(0.0, 30)], [1.0, 1.0, 1.0], labels=("a", "b", "c")))
    assert verdict.status is Status.REFUTED
    assert verdict.worst == "b"
    assert verdict.p_value == pytest.approx(3 * stats.ttest_1samp(bad, 1.0, alternative="greater").pvalue)
    assert JUDGE.judge(MeanBound([good, normal(0.9)], 1.0)).status is Status.INCONCLUSIVE


def test_bounds_belong_to_their_points():
    values = [normal(0.0), normal(10.0)]
    assert JUDGE.judge(MeanBound(values, [1.0, 11.0])).status is Status.SUPPORTED
    assert JUDGE.judge(MeanBound(values, [11.0, 1.0])).status is Status.REFUTED


def test_replicates_that_do_not_vary_are_not_certain():
    assert JUDGE.judge(MeanBound([[2.0, 2.0, 2.0]], 1.0)).p_value == 0.125
    assert JUDGE.judge(MeanBound([[0.0] * 3], 1.0)).status is Status.INCONCLUSIVE
    assert JUDGE.judge(MeanBound([[0.0] * 5], 1.0)).status is Status.SUPPORTED
    assert JUDGE.judge(MeanBound([[2.0] * 5], 1.0)).status is Status.REFUTED
    assert JUDGE.judge(MeanBound([[1.0] * 50], 1.0)).status is Status.INCONCLUSIVE


def test_vacuous_where_no_bound_beats_the_trivial_one():
    values = [normal(0.0), normal(0.0)]
    verdict = JUDGE.judge(MeanBound(values, [5.0, 6.0], trivial=[5.0, 5.0], informative_from="later"))
    assert verdict.vacuous
    assert verdict.informative_from == "later"
    assert not JUDGE.judge(MeanBound(values, [4.0, 6.0], trivial=5.0)).vacuous


def test_reason_says_how_many_replicates_would_decide():
    verdict = JUDGE.judge(MeanBound([normal(0.9)], 1.0))
    assert "replicates would support" in verdict.reason
    needed = int(verdict.reason.split("about ")[1].split()[0])
    assert JUDGE.judge(MeanBound([normal(0.9, needed + 10)], 1.0)).status is Status.SUPPORTED
    assert "would refute" in JUDGE.judge(MeanBound([normal(1.1)], 1.0)).reason


def test_the_number_of_replicates_in_the_reason_is_that_of_the_normal_law():
    """(z error / room)^2 times as many, at the level of one point to support and of all of them to refute."""
    room, error = 0.1, 0.1
    below = JUDGE.judge(MeanBound([normal(0.9), normal(0.0)], 1.0))
    needed = math.ceil(100 * (stats.norm.ppf(0.95) * error / room) ** 2)
    assert below.reason == (
        f"the mean is 0.1 below its bound, standard error 0.1; about {needed} replicates would support"
    )
    above = JUDGE.judge(MeanBound([normal(1.1), normal(0.0), normal(0.0)], 1.0))
    needed = math.ceil(100 * (stats.norm.ppf(1 - 0.05 / 3) * error / room) ** 2)
    assert above.reason == (
        f"the mean is 0.1 above its bound, standard error 0.1; about {needed} replicates would refute"
    )
    few = MeanBoundJudge(confidence=0.8).judge(MeanBound([normal(0.15, 2)], 1.0))
    assert (few.status, few.reason.split("; ")[1]) == (Status.INCONCLUSIVE, "about 2 replicates would support")


def test_reasons_of_decisions_and_of_doubt():
    supported = JUDGE.judge(MeanBound([normal(0.0), normal(0.5)], 1.0))
    seen = "the mean is 0.5 below its bound, standard error 0.1"
    assert supported.reason == f"significantly below its bound at all 2 points; the least: {seen}"
    assert JUDGE.judge(MeanBound([normal(1.5)], 1.0)).reason == (
        "the mean is 0.5 above its bound, standard error 0.1: significantly above"
    )
    doubt = "more replicates are needed, how many cannot be said from these"
    for values in ([0.0, 0.0], [2.0, 2.0], [1.0, 1.0], [0.0, 2.0]):
        verdict = JUDGE.judge(MeanBound([values], 1.0))
        assert (verdict.status, doubt in verdict.reason) == (Status.INCONCLUSIVE, True)
        assert (verdict.reason.split(" its bound")[0].split()[-1] == "above") == (values[0] == values[1] == 2.0)


@pytest.mark.parametrize(("t", "status"), [(0.68, Status.INCONCLUSIVE), (0.75, Status.SUPPORTED)])
def test_two_replicates_leave_one_degree_of_freedom(t, status):
    """Cauchy's tail at 0.68 is 0.309, at 0.75 it is 0.295."""
    sample = MeanBound([normal(1.0 - t * math.sqrt(0.5), 2)], 1.0)
    assert MeanBoundJudge(confidence=0.7).judge(sample).status is status


def test_a_mean_at_its_bound_is_no_evidence():
    at = [1.0, 1.0, 1.0]
    assert JUDGE.judge(MeanBound([at], 1.0)).p_value == 0.5
    assert JUDGE.judge(MeanBound([at, [0.0] * 9], 1.0)).p_value == 1.0
    assert JUDGE.judge(MeanBound([[0.0] * 9, [-1.0] * 9], 1.0)).p_value == 1.0
    assert JUDGE.judge(MeanBound([at, [0.0] * 9], 1.0, labels=("at", "below"))).worst == "at"


def test_tightness_is_the_largest_quotient_of_the_positive_bounds():
    assert JUDGE.judge(MeanBound([normal(1.0), normal(3.0)], [4.0, 4.0])).tightness == pytest.approx(0.75)
    assert JUDGE.judge(MeanBound([normal(-4.0), normal(1.0)], [-2.0, 4.0])).tightness == pytest.approx(0.25)
    assert JUDGE.judge(MeanBound([normal(-4.0), normal(-1.0)], [-2.0, 0.0])).tightness is None


def test_false_support_is_rare():
    """Where the mean is at the bound: 5 %, a little more for so skewed a law."""
    rng = np.random.default_rng(1)
    held = sum(JUDGE.judge(MeanBound([rng.exponential(size=200)], 1.0)).status is Status.SUPPORTED for _ in range(400))
    assert 0.02 * 400 <= held <= 0.1 * 400


@pytest.mark.parametrize(
    "bad",
    [
        lambda: MeanBound([], 1.0),
        lambda: MeanBound([[1.0]], 1.0),
        lambda: MeanBound([[1.0, np.nan]], 1.0),
        lambda: MeanBound([[1.0, 2.0]], np.inf),
        lambda: MeanBound([[1.0, 2.0]], [1.0, 2.0]),
        lambda: MeanBound([[1.0, 2.0]] * 3, [1.0, 2.0, 3.0], trivial=[1.0, 2.0]),
        lambda: MeanBound([[1.0, 2.0]], 1.0, labels=("a", "b")),
        lambda: MeanBoundJudge(confidence=1.0),
        lambda: JUDGE.judge(Comparison([1.0], [2.0])),
    ],
)
def test_bad_samples_are_refused(bad):
    with pytest.raises(ParameterError):
        bad()
