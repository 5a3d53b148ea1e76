"""Exact risks against Fractions, closed forms, scipy and the learners themselves."""

import math
from fractions import Fraction

import naive_offline as naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bounds.exact_risk import (
    bayes_risk,
    bayes_risk_one_unknown_arm,
    binomial_pmf,
    binomial_tail_below_half,
    cb_upper_term,
    choice_probability,
    greedy_trap_risk,
    missing_mass,
)
from tabular.errors import ParameterError

eighths = st.integers(0, 8).map(lambda k: Fraction(k, 8))


@pytest.mark.parametrize("n", [0, 1, 7, 400, 3000])
@pytest.mark.parametrize("p", [0.0, 1e-3, 0.3, 0.5, 0.999, 1.0])
def test_binomial_law_agrees_with_scipy(n, p):
    law, reference = binomial_pmf(n, p), stats.binom.pmf(np.arange(n + 1), n, p)
    solid = reference > 1e-250
    assert np.allclose(law[solid], reference[solid], rtol=1e-10, atol=0.0)
    assert math.isclose(math.fsum(law), 1.0, rel_tol=1e-12)


def score(rule, width):
    if rule == "most-played":
        return lambda n, k: n
    if rule == "empirical":
        return lambda n, k: Fraction(k, n) if n else Fraction(0)
    return lambda n, k: k / n - width / math.sqrt(n) if n else -math.inf


@given(eighths, eighths, eighths, st.integers(1, 6), st.sampled_from(["lcb", "empirical", "most-played"]))
def test_choice_probability_is_the_sum_over_all_datasets(first, p0, p1, N, rule):
    mass = (first, (1 - first) * Fraction(3, 4))
    reference = naive.choice(N, mass, (p0, p1), score(rule, 0.7))
    found = choice_probability(N, tuple(map(float, mass)), (float(p0), float(p1)), rule=rule, width=0.7)
    assert math.isclose(found, float(reference), rel_tol=1e-12, abs_tol=1e-15)


def test_floor_leaves_out_only_what_is_negligible():
    exact = choice_probability(300, (0.3, 0.2), (0.55, 0.5), width=1.5)
    assert math.isclose(choice_probability(300, (0.3, 0.2), (0.55, 0.5), width=1.5, floor=1e-14), exact, rel_tol=1e-10)


@given(st.integers(1, 6), st.integers(1, 7), st.integers(0, 4))
def test_bayes_risk_is_the_sum_over_all_datasets(N, share, gap):
    p, d = Fraction(share, 8), Fraction(gap, 8)
    mass = ((p, 1 - p), (1 - p, p))
    means = ((Fraction(1, 2) + d, Fraction(1, 2)), (Fraction(1, 2), Fraction(1, 2) + d))
    found = bayes_risk(N, np.array(mass, dtype=float), np.array(means, dtype=float))
    assert math.isclose(found, float(naive.bayes(N, mass, means)), rel_tol=1e-12, abs_tol=1e-16)


@given(st.integers(1, 6), st.integers(0, 8), st.integers(0, 4))
def test_one_unknown_arm_is_the_two_arm_problem(N, share, gap):
    p, d = Fraction(share, 8), Fraction(gap, 8)
    half = Fraction(1, 2)
    reference = naive.bayes(N, ((p, 1 - p),) * 2, ((half + d, half), (half - d, half)))
    assert math.isclose(
        bayes_risk_one_unknown_arm(N, float(p), float(d)), float(reference), rel_tol=1e-12, abs_tol=1e-16
    )


def test_no_rule_beats_the_bayes_risk():
    for d in (0.05, 0.2):
        bayes = bayes_risk_one_unknown_arm(60, 0.25, d)
        for rule, width in (("lcb", 1.0), ("empirical", 0.0), ("most-played", 0.0)):
            up = choice_probability(60, (0.25, 0.75), (0.5 + d, 0.5), rule=rule, width=width)
            down = 1.0 - choice_probability(60, (0.25, 0.75), (0.5 - d, 0.5), rule=rule, width=width)
            assert bayes <= d * (up + down) / 2 + 1e-15


def test_greedy_trap_closed_form_is_the_enumeration_and_its_largest_value():
    for N in (20, 50, 500):
        law = (1 - 1.55 / N, 1.55 / N)
        exact = 0.39 * choice_probability(N, law, (1.0, 0.61), payoff=(1 - 1e-9, 1.0), rule="empirical")
        assert math.isclose(exact, greedy_trap_risk(N, 0.39, 1.55), rel_tol=1e-9)
    grid = {(q, lam): greedy_trap_risk(50_000, q / 100, lam / 100) for q in range(20, 60) for lam in range(100, 200, 5)}
    assert max(grid, key=grid.get) == (39, 155)
    assert round(max(grid.values()), 4) == 0.1303


@pytest.mark.compiled
def test_two_point_constant_tends_to_the_normal_limit():
    # at d = y sqrt(C*/N) the laws tend to normals 4y standard deviations apart: y Phi(-2y), maximised over y
    x = np.linspace(0.3, 2.0, 2001)
    limit = np.max(0.5 * x * stats.norm.sf(x))
    assert round(limit, 3) == 0.085
    for cover in (2.0, 8.0):
        unit = math.sqrt(cover / 1600)
        risks = [bayes_risk_one_unknown_arm(1600, 1 / cover, y * unit) for y in np.linspace(0.3, 0.5, 21)]
        assert math.isclose(max(risks) / unit, limit, rel_tol=3e-3)


def test_most_played_failure_is_below_its_exponential_bound():
    for cover in (1.05, 1.5, 1.95):
        p = 1 / cover
        for N in (10, 101):
            assert binomial_tail_below_half(N, p) <= math.exp(0.5 * N * math.log(4 * p * (1 - p)))
            assert math.isclose(binomial_tail_below_half(N, p), stats.binom.cdf(N // 2, N, p), rel_tol=1e-10)


def test_missing_mass_is_the_binomial_zero():
    assert math.isclose(missing_mass(7, [0.25, 0.75]), 0.25 * 0.75**7 + 0.75 * 0.25**7)
    assert missing_mass(0, [0.25, 0.75]) == 1.0
    assert math.isclose(missing_mass(3, [0.5, 0.5], [0.1, 0.2]), 0.5 * 0.9**3 + 0.5 * 0.8**3)


@given(st.integers(1, 7), st.integers(1, 8), st.integers(0, 8))
def test_upper_term_is_the_sum_over_counts(N, star, other):
    p, q = star / 16, other / 16
    ell, c = 0.5, 2.0
    reference = 0.0
    for n in range(N + 1):
        for m in range(N - n + 1):
            weight = math.comb(N, n) * math.comb(N - n, m) * p**n * q**m * (1 - p - q) ** (N - n - m)
            if n == 0:
                reference += weight
            elif n <= 9 * m:
                reference += weight * min(1.0, 3 * math.sqrt(ell / (2 * n)))
    assert math.isclose(cb_upper_term(N, p, q, ell, c), reference, rel_tol=1e-11, abs_tol=1e-15)


def test_bad_arguments_are_refused():
    with pytest.raises(ParameterError, match=r"mass sums to 1\.2"):
        choice_probability(5, (0.6, 0.6), (0.5, 0.5))
    with pytest.raises(ParameterError, match="rule"):
        choice_probability(5, (0.5, 0.5), (0.5, 0.5), rule="greedy")
    with pytest.raises(ParameterError, match="arm 0 must be optimal"):
        bayes_risk(5, [[0.5, 0.5]] * 2, [[0.2, 0.5], [0.5, 0.6]])
    with pytest.raises(ParameterError, match="c is"):
        cb_upper_term(5, 0.5, 0.5, 1.0, 1.0)
