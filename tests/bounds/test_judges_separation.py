"""The separation judge: its level, its power, and what too few replicates may not say."""

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


@pytest.mark.parametrize(
    ("larger", "smaller"),
    [
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


@pytest.mark.parametrize("options", [{"factor": 0.0}, {"margin": np.nan}, {"confidence": 0.0}])
def test_senseless_options_are_refused(options):
    with pytest.raises(ParameterError):
        SeparationJudge(**options)
