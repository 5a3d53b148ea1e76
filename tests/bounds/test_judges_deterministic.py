"""Judges of statements without chance: what passes, what refutes, and what is refused."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounds.claims import Status
from bounds.judges import Comparison, CoverageJudge, IdentityJudge, InequalityJudge, LowerBoundJudge
from tabular.errors import ParameterError

finite = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.floats(1e-3, 1e3), st.booleans())
def test_identity_perturbed_by_a_trillionth_is_refuted_in_exact_mode(value, upward):
    perturbed = value * (1 + (1 if upward else -1) * 2.0**-40)
    left, right = [1.0, value], [1.0, perturbed]
    verdict = IdentityJudge().judge(Comparison(left, right, exact=True, labels=("same", "off")))
    assert verdict.status is Status.REFUTED
    assert verdict.p_value is None
    assert verdict.worst == "off"
    assert IdentityJudge().judge(Comparison(left, right)).status is Status.SUPPORTED
    strict = IdentityJudge(tolerance=2.0**-41)
    assert strict.judge(Comparison(left, right, scale=value)).status is Status.REFUTED


def test_exact_mode_compares_fractions_below_float_resolution():
    third = Fraction(1, 3)
    off = third + Fraction(1, 10**30)
    assert float(off) == float(third)
    same = IdentityJudge().judge(Comparison([third, Fraction(2)], [third, Fraction(2)], exact=True))
    assert (same.status, same.statistic, same.n) == (Status.SUPPORTED, 0.0, 2)
    refuted = IdentityJudge().judge(Comparison([third], [off], exact=True))
    assert (refuted.status, refuted.threshold) == (Status.REFUTED, 0.0)
    below_every_float = third + Fraction(1, 10**400)
    assert IdentityJudge().judge(Comparison([third], [below_every_float], exact=True)).status is Status.REFUTED
    attained = InequalityJudge().judge(Comparison([third, 0.25], [third, 0.25], exact=True))
    assert (attained.status, attained.tightness) == (Status.SUPPORTED, 1.0)
    assert InequalityJudge().judge(Comparison([off], [third], exact=True)).status is Status.REFUTED
    assert InequalityJudge().judge(Comparison([third], [off], exact=True)).status is Status.SUPPORTED


@given(finite, st.floats(1e-12, 1e-2), st.floats(0.1, 100))
def test_identity_tolerance_is_relative_to_the_largest_of_scale_and_sides(value, tolerance, scale):
    size = max(scale, abs(value))
    judge = IdentityJudge(tolerance=tolerance)
    inside = judge.judge(Comparison([value], [value + 0.9 * tolerance * size], scale=scale))
    outside = judge.judge(Comparison([value], [value + 1.2 * tolerance * size + 1e-9 * size], scale=scale))
    if abs(value) * 2**-50 < 1e-3 * tolerance * size:
        assert inside.status is Status.SUPPORTED
    assert outside.status is Status.REFUTED
    assert outside.statistic > outside.threshold


@pytest.mark.parametrize("judge", [InequalityJudge(), LowerBoundJudge()])
def test_one_violated_point_among_many_refutes(judge):
    left, right = np.zeros(1000), np.full(1000, 0.5)
    assert judge.judge(Comparison(left, right)).status is Status.SUPPORTED
    left[617] = 0.5 + 1e-9
    verdict = judge.judge(Comparison(left, right, labels=[f"seed {i}" for i in range(1000)]))
    assert (verdict.status, verdict.worst, verdict.p_value, verdict.n) == (Status.REFUTED, "seed 617", None, 1000)
    assert verdict.statistic == pytest.approx(1e-9, rel=1e-6)


def test_slack_is_counted_in_units_of_the_scale_and_vanishes_in_exact_mode():
    judge = InequalityJudge(slack=1e-3)
    assert judge.judge(Comparison([1.005], [1.0], scale=10.0)).status is Status.SUPPORTED
    assert judge.judge(Comparison([1.005], [1.0], scale=1.0)).status is Status.REFUTED
    assert judge.judge(Comparison([1.0 + 2**-52], [1.0], scale=10.0, exact=True)).status is Status.REFUTED


def test_violation_at_a_point_of_small_scale_is_not_hidden_by_a_larger_harmless_excess():
    verdict = InequalityJudge(slack=1e-3).judge(Comparison([1.0, 0.0], [0.0, 1.0], scale=[1.0, 1.0], labels=("a", "b")))
    assert (verdict.status, verdict.worst) == (Status.REFUTED, "a")


def test_tightness_is_the_worst_quotient():
    assert InequalityJudge().judge(Comparison([1.0, 3.0], [10.0, 4.0])).tightness == 0.75
    assert InequalityJudge().judge(Comparison([-1.0], [0.0])).tightness is None
    assert InequalityJudge().judge(Comparison([0.25], [-0.5])).tightness is None
    assert InequalityJudge().judge(Comparison([1.0], [5e-324], scale=1.0)).tightness < np.inf


def test_bounds_within_the_allowance_for_rounding_say_nothing_of_tightness():
    judge = InequalityJudge(slack=0.1)
    assert judge.judge(Comparison([0.1, 1.0], [0.15, 2.0], scale=2.0)).tightness == 0.5
    assert judge.judge(Comparison([0.1, 1.0], [0.25, 2.0], scale=2.0)).tightness == 0.5
    assert judge.judge(Comparison([0.2, 1.0], [0.25, 2.0], scale=2.0)).tightness == 0.8
    violated = judge.judge(Comparison([0.9, 1.0], [0.1, 2.0], scale=2.0))
    assert (violated.status, violated.tightness) == (Status.REFUTED, pytest.approx(9.0))


def test_reasons_count_the_points_and_measure_the_worst():
    left, right, labels = [1.0, 4.0, 2.0], [1.0, 2.0, 1.0], ("same", "twice", "also twice")
    differ = IdentityJudge().judge(Comparison(left, right, labels=labels))
    assert differ.reason == "the sides differ at 2 of 3 points, by 0.5 relative at worst"
    assert (differ.worst, differ.statistic, differ.n) == ("twice", 0.5, 3)
    agree = IdentityJudge().judge(Comparison(right, right))
    assert (agree.reason, agree.threshold) == ("the sides agree at all 3 points within 1e-09 relative", 1e-9)
    exact = IdentityJudge().judge(Comparison(right, right, exact=True))
    assert exact.reason == "the sides agree at all 3 points in rational arithmetic"
    violated = InequalityJudge().judge(Comparison(left, right, scale=[1.0, 4.0, 1.0], labels=labels))
    assert violated.reason == "violated at 2 of 3 points, by 1 of the scale at worst"
    assert (violated.worst, violated.statistic) == ("also twice", 1.0)
    assert InequalityJudge().judge(Comparison(right, left)).reason == "held at all 3 points"
    held = InequalityJudge().judge(Comparison(right, left, exact=True, trivial=0.0))
    assert (
        held.reason == "held at all 3 points in rational arithmetic, where the bound is no better than the trivial one"
    )


def test_the_worst_point_of_an_exact_identity_is_one_that_differs():
    """Below the resolution of floats, where every relative gap is 0."""
    third = Fraction(1, 3)
    off = third + Fraction(1, 10**400)
    verdict = IdentityJudge().judge(Comparison([third, third], [third, off], exact=True, labels=("same", "off")))
    assert (verdict.worst, verdict.statistic) == ("off", 0.0)


def test_the_worst_point_of_a_bound_is_the_tightest_or_one_that_violates_it():
    verdict = InequalityJudge().judge(Comparison([0.5, 0.75], [1.0, 1.0], labels=("loose", "tight")))
    assert (verdict.status, verdict.worst, verdict.statistic) == (Status.SUPPORTED, "tight", -0.25)
    third = Fraction(1, 3)
    above = third + Fraction(1, 10**400)
    exact = Comparison([third, above], [third, third], exact=True, labels=("attained", "violated"))
    assert InequalityJudge().judge(exact).worst == "violated"


def test_fractions_beyond_the_floats_are_compared():
    huge = Fraction(10**400)
    opposite = IdentityJudge().judge(Comparison([huge], [-huge], exact=True))
    assert (opposite.status, opposite.statistic) == (Status.REFUTED, 1.0)
    below = InequalityJudge().judge(Comparison([-huge], [huge], exact=True))
    assert (below.status, below.statistic) == (Status.SUPPORTED, -np.finfo(np.float64).max)
    above = InequalityJudge().judge(Comparison([huge], [Fraction(1)], exact=True))
    assert (above.status, above.statistic) == (Status.REFUTED, np.finfo(np.float64).max)


def test_one_side_may_hold_fractions():
    mixed = IdentityJudge().judge(Comparison([Fraction(1, 2), 1], [0.5, 1.0], exact=True))
    assert (mixed.status, mixed.threshold) == (Status.SUPPORTED, 0.0)
    floats = Comparison([0.5], [0.5], exact=True)
    assert floats.left.dtype == np.float64
    assert Comparison(Fraction(1, 2), Fraction(1, 2), exact=True).left.tolist() == [Fraction(1, 2)]


def test_a_bound_no_better_than_the_trivial_one_is_flagged_at_every_point_or_not_at_all():
    vacuous = InequalityJudge().judge(Comparison([0.1, 0.2], [1.0, 7.0], trivial=1.0, informative_from="n = 10^6"))
    assert (vacuous.status, vacuous.vacuous, vacuous.informative_from) == (Status.SUPPORTED, True, "n = 10^6")
    assert "trivial" in vacuous.reason
    once = InequalityJudge().judge(Comparison([0.1, 0.2], [0.9, 7.0], trivial=1.0, informative_from="n = 10^6"))
    assert (once.vacuous, once.informative_from) == (False, "")
    assert LowerBoundJudge().judge(Comparison([0.0, -1.0], [0.1, 0.2], trivial=0.0)).vacuous
    assert not LowerBoundJudge().judge(Comparison([0.0, 0.05], [0.1, 0.2], trivial=0.0)).vacuous


@pytest.mark.parametrize("judge", [IdentityJudge(), InequalityJudge(), LowerBoundJudge()])
def test_verdicts_stay_finite_where_differences_overflow(judge):
    verdict = judge.judge(Comparison([1e308, 0.0], [-1e308, 0.0], scale=1e-3))
    assert verdict.status is Status.REFUTED
    assert np.isfinite(verdict.statistic)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("side", ["left", "right", "scale", "trivial"])
@pytest.mark.parametrize("exact", [False, True])
def test_what_is_not_finite_is_refused(bad, side, exact):
    arguments = {"left": [0.0, 0.0], "right": [1.0, 1.0], "scale": [1.0, 1.0], "trivial": [2.0, 2.0]}
    arguments[side] = [1.0, bad]
    with pytest.raises(ParameterError):
        Comparison(**arguments, exact=exact)


def test_a_nan_among_fractions_is_refused():
    with pytest.raises(ParameterError):
        Comparison([Fraction(1), float("nan")], [Fraction(1), Fraction(1)], exact=True)


@pytest.mark.parametrize(
    "arguments",
    [
        {"left": [], "right": []},
        {"left": [1.0], "right": [1.0, 2.0]},
        {"left": [[1.0]], "right": [[1.0]]},
        {"left": [1.0], "right": [1.0], "scale": 0.0},
        {"left": [1.0], "right": [1.0], "scale": -1.0},
        {"left": [1.0], "right": [1.0], "labels": ("a", "b")},
        {"left": ["1"], "right": [1.0]},
    ],
)
def test_malformed_samples_are_refused(arguments):
    with pytest.raises(ParameterError):
        Comparison(**arguments)


def test_a_sample_is_a_read_only_copy():
    left = np.zeros(3)
    sample = Comparison(left, np.ones(3))
    left[0] = 5.0
    assert sample.left[0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        sample.left[0] = 5.0


def test_a_judge_refuses_a_sample_of_another_type():
    with pytest.raises(ParameterError, match="CoverageJudge judges a Violations"):
        CoverageJudge().judge(Comparison([0.0], [1.0]))


@pytest.mark.parametrize(
    "make",
    [
        lambda: IdentityJudge(tolerance=-0.5),
        lambda: IdentityJudge(tolerance=1.0),
        lambda: IdentityJudge(tolerance=1.5),
        lambda: InequalityJudge(slack=float("nan")),
        lambda: InequalityJudge(slack=-0.5),
        lambda: LowerBoundJudge(slack=-0.5),
    ],
)
def test_senseless_tolerances_are_refused(make):
    with pytest.raises(ParameterError):
        make()


def test_no_allowance_and_a_large_one_are_options():
    pair = Comparison([1.0], [1.0 + 2**-52])
    assert IdentityJudge(tolerance=0.0).judge(pair).status is Status.REFUTED
    assert IdentityJudge(tolerance=0.9).judge(Comparison([1.0], [5.0])).status is Status.SUPPORTED
    assert InequalityJudge(slack=0.0).judge(Comparison([1.0 + 2**-52], [1.0])).status is Status.REFUTED
    assert LowerBoundJudge(slack=0.0).judge(pair).status is Status.SUPPORTED
    assert LowerBoundJudge(slack=2.0).judge(Comparison([2.5], [1.0])).status is Status.SUPPORTED
