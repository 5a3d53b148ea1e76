"""The coverage judge as an instrument: its level, its power and its error rates, computed from the binomial law."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bounds.claims import Status
from bounds.judges import CoverageJudge, Violations
from bounds.statistics import binomial_tail, clopper_pearson_upper, holm, runs_to_refute, runs_to_support
from tabular.errors import ParameterError

LEVEL_OF_A_LARGE_LEDGER = 1e-4


def characteristics(runs, delta, rate):
    """Probabilities of support and of a p-value below the ledger's level, summed over all counts (no simulation)."""
    counts = np.arange(runs + 1)
    law = stats.binom.pmf(counts, runs, rate)
    supported = refuted = 0.0
    for count in counts[law > 1e-15]:
        verdict = CoverageJudge().judge(Violations([count], [runs], delta))
        supported += law[count] * (verdict.status is Status.SUPPORTED)
        refuted += law[count] * (verdict.p_value <= LEVEL_OF_A_LARGE_LEDGER)
    return supported, refuted


@pytest.mark.parametrize(("runs", "expected"), [(59, 0.048), (400, 0.036)])
def test_at_exactly_delta_support_is_rare_and_refutation_rarer(runs, expected):
    supported, refuted = characteristics(runs, 0.05, 0.05)
    assert supported == pytest.approx(expected, abs=0.001)
    assert supported <= 0.05
    assert refuted <= LEVEL_OF_A_LARGE_LEDGER


@pytest.mark.parametrize("delta", [0.01, 0.05, 0.1, 0.3])
@pytest.mark.parametrize("runs", [20, 100, 1000])
def test_false_support_at_exactly_delta_never_exceeds_its_level(delta, runs):
    supported, _ = characteristics(runs, delta, delta)
    assert supported <= 0.05


@pytest.mark.parametrize(("runs", "factor", "power"), [(400, 2, 0.59), (400, 4, 1.0), (1000, 2, 0.99), (1000, 4, 1.0)])
def test_power_against_a_rate_of_twice_and_four_times_delta(runs, factor, power):
    supported, refuted = characteristics(runs, 0.05, factor * 0.05)
    assert refuted == pytest.approx(power, abs=0.006)
    assert supported < 1e-5


@pytest.mark.parametrize(("runs", "least"), [(400, 0.79), (1000, 0.99)])
def test_half_of_delta_is_supported(runs, least):
    assert characteristics(runs, 0.05, 0.025)[0] >= least


@given(st.integers(1, 500), st.floats(0.001, 0.999), st.data())
def test_tails_and_limits_agree_with_scipy(runs, p, data):
    count = data.draw(st.integers(0, runs))
    tail = float(binomial_tail(count, runs, p))
    assert tail == pytest.approx(stats.binom.sf(count - 1, runs, p), rel=1e-9, abs=1e-300)
    limit = float(clopper_pearson_upper(count, runs))
    exact = stats.binomtest(count, runs).proportion_ci(confidence_level=0.90, method="exact").high
    assert limit == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize(("delta", "runs"), [(0.05, 59), (0.01, 299)])
def test_the_least_number_of_clean_runs(delta, runs):
    assert CoverageJudge().judge(Violations([0], [runs], delta)).status is Status.SUPPORTED
    short = CoverageJudge().judge(Violations([0], [runs - 1], delta))
    assert short.status is Status.INCONCLUSIVE
    assert f"about {runs} runs" in short.reason


def test_support_needs_every_point_and_refutation_pays_for_the_number_of_points():
    one = CoverageJudge().judge(Violations([32], [400], 0.05))
    many = CoverageJudge().judge(Violations([32] + [0] * 99, 400, 0.05, labels=[f"n = {i}" for i in range(100)]))
    assert one.status is Status.REFUTED
    assert many.p_value == pytest.approx(min(1.0, 100 * one.p_value), rel=1e-12)
    assert (many.status, many.worst) == (Status.INCONCLUSIVE, "n = 0")


@pytest.mark.statistical
def test_many_points_at_exactly_delta_keep_the_level():
    """2,000 samples of 20 points: refuted at most 5 % of the time, within 3 binomial standard deviations."""
    rng = np.random.default_rng(20240101)
    judge = CoverageJudge()
    verdicts = [judge.judge(Violations(rng.binomial(200, 0.1, 20), 200, 0.1)) for _ in range(2000)]
    allowed = 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2000)
    assert np.mean([v.status is Status.REFUTED for v in verdicts]) <= allowed
    assert np.mean([v.status is Status.SUPPORTED for v in verdicts]) <= allowed


def test_the_worst_point_is_reported_with_its_own_delta():
    verdict = CoverageJudge().judge(Violations([0, 30, 0], [100, 100, 100], [0.3, 0.1, 0.2], labels=("a", "b", "c")))
    assert (verdict.status, verdict.worst, verdict.statistic, verdict.threshold) == (Status.REFUTED, "b", 0.3, 0.1)
    assert verdict.n == 300


def test_short_of_a_refutation_the_worst_point_is_the_one_furthest_from_its_delta():
    """Equal limits, at half of one delta and at six times the other."""
    verdict = CoverageJudge().judge(Violations([0, 0], 50, [0.12, 0.01], labels=("near", "far")))
    assert (verdict.status, verdict.worst) == (Status.INCONCLUSIVE, "far")


def test_what_would_decide_does_decide():
    """The number of runs in the reason is enough, and a tenth less is not."""
    needed = runs_to_support(0.03, 0.05)
    assert clopper_pearson_upper(np.ceil(0.03 * needed), needed) <= 0.05
    assert clopper_pearson_upper(np.ceil(0.03 * 0.9 * needed), int(0.9 * needed)) > 0.05
    against = runs_to_refute(0.07, 0.05)
    assert binomial_tail(np.floor(0.07 * against), against, 0.05) <= 0.05
    assert runs_to_support(0.05, 0.05) is None
    assert runs_to_refute(0.05, 0.05) is None
    at_delta = CoverageJudge().judge(Violations([5], [100], 0.05))
    assert (at_delta.status, "no number of runs" in at_delta.reason) == (Status.INCONCLUSIVE, True)


def test_the_reason_tells_how_many_runs_would_decide():
    """At the rate seen, the number stated decides, and a tenth less does not."""
    slow = CoverageJudge().judge(Violations([6], [200], 0.05))
    assert slow.reason.startswith("6 violations in 200 runs, upper limit 0.0583 > delta = 0.05; at this rate about ")
    assert slow.reason.endswith(" runs would bring the upper limit to delta")
    needed = int(slow.reason.rpartition("about ")[2].split()[0])
    assert needed == runs_to_support(0.03, 0.05)

    points = [Violations(count, 200, 0.05) for count in ([14], [14, 0, 0])]
    alone, among = (CoverageJudge().judge(point) for point in points)
    for verdict, share in ((alone, 1), (among, 3)):
        assert (verdict.status, verdict.reason[-12:]) == (Status.INCONCLUSIVE, "would refute")
        against = int(verdict.reason.rpartition("about ")[2].split()[0])
        assert against == runs_to_refute(0.07, 0.05, 0.05 / share)
    hardly = CoverageJudge().judge(Violations([500_001], [10_000_000], 0.05))
    assert (hardly.status, "more than a billion runs" in hardly.reason) == (Status.INCONCLUSIVE, True)


def test_the_reason_of_a_decision_names_its_numbers():
    supported = CoverageJudge().judge(Violations([0, 1], 400, 0.05))
    limit = stats.binomtest(1, 400).proportion_ci(0.90, method="exact").high
    assert supported.reason == (f"upper limit of the violation rate at most delta at all 2 points; largest {limit:.3g}")
    assert supported.p_value == 1.0
    refuted = CoverageJudge().judge(Violations([0, 100], 400, 0.05))
    assert refuted.reason == "100 violations in 400 runs where at most a fraction 0.05 may fail"


def test_a_looser_confidence_supports_sooner_and_refutes_sooner():
    """Of 45 clean runs: upper limit 1 - 0.1^(1/45) = 0.0499 at 90 %, and 0.0644 at 95 %."""
    assert CoverageJudge(confidence=0.9).judge(Violations([0], [45], 0.05)).status is Status.SUPPORTED
    assert CoverageJudge().judge(Violations([0], [45], 0.05)).status is Status.INCONCLUSIVE
    seven = Violations([7], [80], 0.05)  # P(Bin(80, 0.05) >= 7) = 0.107
    eight = Violations([8], [80], 0.05)  # P(Bin(80, 0.05) >= 8) = 0.0455
    assert CoverageJudge(confidence=0.9).judge(seven).status is Status.INCONCLUSIVE
    assert CoverageJudge(confidence=0.9).judge(eight).status is Status.REFUTED
    assert CoverageJudge(confidence=0.99).judge(eight).status is Status.INCONCLUSIVE


def test_tightness_and_vacuity():
    plain = CoverageJudge().judge(Violations([2], [100], 0.1))
    assert plain.tightness == pytest.approx(0.2)
    assert CoverageJudge().judge(Violations([2, 3], [100, 50], [0.1, 0.3])).tightness == pytest.approx(0.2)
    unmeasured = CoverageJudge().judge(Violations([2], [100], 0.1, bound=3.0))
    assert (unmeasured.tightness, unmeasured.vacuous) == (pytest.approx(0.2), False)
    unbounded = CoverageJudge().judge(Violations([2], [100], 0.1, quantile=3.0, trivial=2.0))
    assert (unbounded.tightness, unbounded.vacuous) == (pytest.approx(0.2), False)
    silent = Violations([0], [100], 0.1, bound=1.0, trivial=2.0, informative_from="n = 40")
    assert CoverageJudge().judge(silent).informative_from == ""
    bounded = CoverageJudge().judge(
        Violations([0], [100], 0.1, bound=[2.0], quantile=[1.5], trivial=2.0, informative_from="n = 40")
    )
    assert bounded.tightness == 0.75
    assert (bounded.vacuous, bounded.informative_from) == (True, "n = 40")
    assert not CoverageJudge().judge(Violations([0], [100], 0.1, bound=[1.9], trivial=2.0)).vacuous
    assert not CoverageJudge().judge(Violations([0, 0], 100, 0.1, bound=[1.9, 5.0], trivial=2.0)).vacuous


@pytest.mark.parametrize(
    "arguments",
    [
        {"count": [], "runs": [], "delta": 0.1},
        {"count": [3], "runs": [2], "delta": 0.1},
        {"count": [-1], "runs": [2], "delta": 0.1},
        {"count": [0.5], "runs": [2], "delta": 0.1},
        {"count": [np.nan], "runs": [2], "delta": 0.1},
        {"count": [0], "runs": [0], "delta": 0.1},
        {"count": [0, 1, 2], "runs": [5, 5], "delta": 0.1},
        {"count": [0], "runs": [2], "delta": 0.0},
        {"count": [0], "runs": [2], "delta": 1.0},
        {"count": [0], "runs": [2], "delta": np.nan},
        {"count": [0], "runs": [2], "delta": 0.1, "bound": [np.inf]},
    ],
)
def test_impossible_counts_are_refused(arguments):
    with pytest.raises(ParameterError):
        Violations(**arguments)


def test_counts_are_taken_up_to_the_last_exact_float():
    assert Violations([1], [1], 0.1).labels == ("point 0",)
    assert Violations([0.0], [2.0**53], 0.1).runs.tolist() == [2**53]
    with pytest.raises(ParameterError):
        Violations([0.0], [2.0**53 + 2.0], 0.1)


def test_holm_steps_down_and_stops_at_the_first_failure():
    assert holm([0.01, 0.04, 0.03], 0.05).tolist() == [True, False, False]
    assert holm([0.01, 0.025, 0.03], 0.05).tolist() == [True, True, True]
    assert holm([0.04, 0.03], 0.05).tolist() == [False, False]
    assert holm([0.01, 0.03, 0.0301], 0.05).tolist() == [True, False, False]
    assert holm([], 0.05).tolist() == []
    with pytest.raises(ParameterError):
        holm([0.5, np.nan])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_agrees_with_its_definition(p):
    alpha, m = 0.05, len(p)
    rejected = set()
    for rank, i in enumerate(sorted(range(m), key=lambda i: p[i])):
        if p[i] > alpha / (m - rank):
            break
        rejected.add(i)
    assert set(np.flatnonzero(holm(p, alpha))) == rejected
