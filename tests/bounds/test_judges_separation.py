"""The separation judge: its level, its power, and what too few replicates may not say."""

import math

import numpy as np
import pytest
from scipy import stats

from bounds.claims import Status
from bounds.judges import SeparationJudge, TwoSamples
from tabular.errors import ParameterError
from tabular.streams import stream


def test_exact_values_decide_by_comparison():
    judge = SeparationJudge(factor=2.0, margin=0.5)
    held = judge.judge(TwoSamples([2.6, 9.0], [1.0, 1.0], labels=("a", "b")))
    assert (held.status, held.p_value, held.worst, held.n) == (Status.SUPPORTED, None, "a", 2)
    assert held.statistic == pytest.approx(0.6)
    touching = judge.judge(TwoSamples([2.5, 9.0], [1.0, 1.0]))
    assert (touching.status, touching.p_value) == (Status.REFUTED, None)
    assert held.reason == "separated at all 2 points"
    assert touching.reason == "no separation at 1 of 2 points"


def test_the_test_is_welchs():
    rng = np.random.default_rng(1)
    larger, smaller = rng.normal(0.2, 1, (1, 30)), rng.normal(0.5, 3, (1, 12))
    verdict = SeparationJudge().judge(TwoSamples(larger, smaller))
    reference = stats.ttest_ind(larger[0], smaller[0], equal_var=False, alternative="less")
    assert verdict.p_value == pytest.approx(reference.pvalue, rel=1e-9)
    assert verdict.statistic == pytest.approx(larger.mean() - smaller.mean())
    one_sided = SeparationJudge(factor=2.0, margin=0.1).judge(TwoSamples(larger, np.array([0.3])))
    reference = stats.ttest_1samp(larger[0], 0.7, alternative="less")
    assert one_sided.p_value == pytest.approx(reference.pvalue, rel=1e-9)


def rates(larger, smaller, points, rng, repetitions=2000, replicates=20):
    judge = SeparationJudge()
    found = [
        judge.judge(TwoSamples(larger(rng, (points, replicates)), smaller(rng, (points, replicates)))).status
        for _ in range(repetitions)
    ]
    return np.mean([s is Status.SUPPORTED for s in found]), np.mean([s is Status.REFUTED for s in found])


ALLOWED = 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2000)
EQUAL = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "bernoulli": lambda rng, shape: (rng.random(shape) < 0.3).astype(float),
    "rare": lambda rng, shape: (rng.random(shape) < 0.02).astype(float),
    "log-normal": lambda rng, shape: rng.lognormal(0, 1, shape),
}


@pytest.mark.statistical
@pytest.mark.parametrize("law", sorted(EQUAL))
@pytest.mark.parametrize("points", [1, 5])
def test_equal_means_are_seldom_called_separated_or_refuted(law, points):
    """2,000 repetitions; each error at most 5 % within 3 binomial standard deviations."""
    supported, refuted = rates(EQUAL[law], EQUAL[law], points, stream(0, "separation at equal means", law, points))
    assert supported <= ALLOWED
    assert refuted <= ALLOWED


@pytest.mark.statistical
def test_a_difference_of_one_standard_deviation_is_seen_either_way():
    higher = lambda rng, shape: 1.0 + rng.standard_normal(shape)  # noqa: E731
    supported, refuted = rates(higher, EQUAL["normal"], 1, stream(0, "higher"), 500)
    exact = stats.nct.sf(stats.t.ppf(0.95, 38), 38, np.sqrt(10))
    assert supported == pytest.approx(exact, abs=3 * np.sqrt(exact * (1 - exact) / 500))
    assert refuted == 0
    assert rates(EQUAL["normal"], higher, 1, stream(0, "lower"), 500)[1] == pytest.approx(
        exact, abs=3 * np.sqrt(exact * (1 - exact) / 500)
    )


def test_samples_that_do_not_vary_cannot_say_more_than_their_number():
    """Two draws against two: even the most extreme outcome has probability 1/6 under equality."""
    judge = SeparationJudge()
    few = judge.judge(TwoSamples(np.ones((1, 2)), np.zeros((1, 2))))
    assert few.status is Status.INCONCLUSIVE
    many = judge.judge(TwoSamples(np.ones((1, 20)), np.zeros((1, 20))))
    assert many.status is Status.SUPPORTED
    reverse = judge.judge(TwoSamples(np.zeros((1, 2)), np.ones((1, 2))))
    assert (reverse.status, reverse.p_value) == (Status.INCONCLUSIVE, pytest.approx(1 / 6))
    assert judge.judge(TwoSamples(np.zeros((1, 20)), np.ones((1, 20)))).status is Status.REFUTED
    assert judge.judge(TwoSamples(np.zeros((1, 20)), np.zeros((1, 20)))).status is Status.INCONCLUSIVE


def test_one_point_without_separation_withholds_support_and_is_named():
    rng = np.random.default_rng(2)
    larger, smaller = rng.normal(3, 1, (4, 30)), rng.normal(0, 1, (4, 30))
    assert SeparationJudge().judge(TwoSamples(larger, smaller)).status is Status.SUPPORTED
    larger[2] -= larger[2].mean() - smaller[2].mean() - 0.05
    verdict = SeparationJudge().judge(TwoSamples(larger, smaller, labels=("a", "b", "c", "d")))
    assert (verdict.status, verdict.worst) == (Status.INCONCLUSIVE, "c")
    assert "replicates would show the separation" in verdict.reason


def draws(mean, deviation, n):
    """Replicates with exactly this mean and standard deviation."""
    found = np.random.default_rng(n).standard_normal(n)
    return mean + deviation * (found - found.mean()) / found.std(ddof=1)


def test_of_several_points_each_has_its_own_test():
    larger = np.array([draws(0.0, 1.0, 12), draws(0.5, 1.0, 12), draws(0.2, 2.0, 12)])
    smaller = np.array([draws(0.0, 1.0, 25), draws(0.0, 2.0, 25), draws(0.6, 1.0, 25)])
    welch = [
        stats.ttest_ind(a, b, equal_var=False, alternative="less").pvalue for a, b in zip(larger, smaller, strict=True)
    ]
    verdict = SeparationJudge().judge(TwoSamples(larger, smaller, labels=("a", "b", "c")))
    assert verdict.p_value == pytest.approx(3 * min(welch), rel=1e-9)
    assert (verdict.worst, verdict.statistic) == ("c", pytest.approx(-0.4))
    assert verdict.n == 3 * (12 + 25)


def test_the_means_at_the_margin_are_no_evidence():
    judge = SeparationJudge(margin=1.0)
    verdict = judge.judge(TwoSamples([[2.0, 2.0, 2.0]], [[1.0, 1.0, 1.0]]))
    assert (verdict.status, verdict.p_value, verdict.threshold) == (Status.INCONCLUSIVE, 0.5, 1.0)
    assert judge.judge(TwoSamples([[9.0, 9.0, 9.0]], [[1.0, 1.0, 1.0]])).p_value == 1.0
    assert judge.judge(TwoSamples(np.full((3, 9), 5.0), np.zeros((3, 9)))).p_value == 1.0
    one_varies = SeparationJudge().judge(TwoSamples([[1.0, 3.0], [5.0, 5.0]], [[2.0, 2.0], [1.0, 1.0]]))
    assert one_varies.p_value == 1.0


@pytest.mark.parametrize(("sizes", "ways"), [((3, 4), 35), ((4, 3), 35), ((2, 2), 6), ((5, 2), 21)])
def test_replicates_that_do_not_vary_are_dealt_at_random(sizes, ways):
    for difference in (0.5, 2.0):
        below = TwoSamples(np.zeros((1, sizes[0])), np.full((1, sizes[1]), difference))
        assert SeparationJudge().judge(below).p_value == pytest.approx(1 / ways, rel=1e-12)


def test_one_side_without_noise():
    """n equal replicates against a number are n coin tosses."""
    judge = SeparationJudge()
    assert judge.judge(TwoSamples(np.zeros((1, 3)), [1.0])).p_value == 0.125
    assert judge.judge(TwoSamples([0.0], np.ones((1, 4)))).p_value == 0.0625
    noisy = TwoSamples([0.0], [draws(0.5, 1.0, 12)])
    reference = stats.ttest_1samp(draws(0.5, 1.0, 12), 0.0, alternative="greater").pvalue
    assert judge.judge(noisy).p_value == pytest.approx(reference, rel=1e-9)


def test_the_reason_tells_how_many_replicates_would_decide():
    """By the normal law: (z error / difference)^2 times as many; with twice that they do, with half they do not."""

    def judged(gap, replicates, points=1):
        larger = np.array([draws(gap, 1.0, replicates)] + [draws(4.0, 1.0, replicates)] * (points - 1))
        return SeparationJudge().judge(TwoSamples(larger, np.array([draws(0.0, 1.0, 60)] * points)))

    error = math.sqrt(1 / 80 + 1 / 60)
    above = judged(0.1, 80, points=3)
    needed = math.ceil(80 * (stats.norm.ppf(0.95) * error / 0.1) ** 2)
    assert above.reason == (
        f"difference beyond the margin 0.1 with standard error {error:.3g}; "
        f"about {needed} replicates would show the separation"
    )
    below = judged(-0.1, 80, points=3)
    needed = math.ceil(80 * (stats.norm.ppf(1 - 0.05 / 3) * error / 0.1) ** 2)
    assert below.reason.endswith(f"; about {needed} replicates would refute")
    hair = SeparationJudge().judge(TwoSamples([draws(0.6, 1.0, 5)], [draws(0.0, 0.1, 9)]))
    nearly = SeparationJudge(confidence=0.75).judge(TwoSamples([draws(0.7, 1.0, 4)], [0.0]))
    assert (hair.status, nearly.status) == (Status.INCONCLUSIVE, Status.SUPPORTED)
    enough = SeparationJudge(confidence=0.8).judge(TwoSamples([draws(0.85, 1.0, 2)], [0.0]))
    assert (enough.status, "about 2 replicates" in enough.reason) == (Status.INCONCLUSIVE, True)


def test_the_reason_where_nothing_can_be_said_and_where_all_is():
    unknown = "more replicates are needed, how many cannot be said from these"
    for larger in ([[1.0, 1.0]], [[0.0, 0.0]], [[-1.0, 1.0]]):
        verdict = SeparationJudge().judge(TwoSamples(larger, [[0.0, 0.0]]))
        assert (verdict.status, unknown in verdict.reason) == (Status.INCONCLUSIVE, True)
    larger, smaller = [draws(3.5, 1.0, 20), draws(3.0, 1.0, 20)], [draws(1.0, 1.0, 20)] * 2
    seen = f"difference beyond the margin 1 with standard error {math.sqrt(0.1):.3g}"
    held = SeparationJudge(margin=1.0).judge(TwoSamples(larger, smaller))
    assert held.reason == f"significantly separated at all 2 points; the least: {seen}"
    refuted = SeparationJudge(margin=1.0).judge(TwoSamples(smaller, larger))
    assert refuted.reason == f"{seen.replace('margin 1', 'margin -3.5')}: significantly the other way"


def test_two_replicates_are_enough_and_points_have_names():
    sample = TwoSamples([[1.0, 2.0]], [[0.0, 1.0]])
    assert (sample.larger.shape, sample.labels) == ((1, 2), ("point 0",))


@pytest.mark.parametrize(
    ("larger", "smaller"),
    [
        (np.ones((2, 5)), np.ones((2, 1))),
        (np.ones((2, 3)), np.ones((3, 2))),
        ([], []),
        ([1.0], [1.0, 2.0]),
        ([np.nan], [1.0]),
        ([1.0], [np.inf]),
        (np.ones((2, 1)), np.ones((2, 5))),
        (np.ones((1, 1, 1)), np.ones(1)),
    ],
)
def test_malformed_samples_are_refused(larger, smaller):
    with pytest.raises(ParameterError):
        TwoSamples(np.array(larger), np.array(smaller))


@pytest.mark.parametrize("options", [{"factor": 0.0}, {"factor": -0.5}, {"margin": np.nan}, {"confidence": 0.0}])
def test_senseless_options_are_refused(options):
    with pytest.raises(ParameterError):
        SeparationJudge(**options)


def test_a_factor_below_one_is_an_option():
    assert SeparationJudge(factor=0.5).judge(TwoSamples([1.0], [1.5])).status is Status.SUPPORTED
    assert SeparationJudge(factor=0.5).judge(TwoSamples([1.0], [2.5])).status is Status.REFUTED


@pytest.mark.parametrize(("t", "status"), [(0.55, Status.INCONCLUSIVE), (0.75, Status.SUPPORTED)])
def test_three_replicates_leave_two_degrees_of_freedom(t, status):
    """Student's tail at 0.55 is 0.319 (at 3 degrees 0.310), at 0.75 it is 0.266."""
    sample = TwoSamples([draws(t / math.sqrt(3.0), 1.0, 3)], [0.0])
    assert SeparationJudge(confidence=0.685).judge(sample).status is status
