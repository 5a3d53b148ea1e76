"""Concentration inequalities: exact failure probabilities against rational enumeration and published numbers."""

import math
from fractions import Fraction

import naive_concentration as naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bounds import _laws
from bounds import concentration as c
from tabular.errors import ParameterError

BINOMIAL = ["hoeffding", "bernstein", "maurer-pontil", "kl-chernoff", "maurer-pontil/no-range-term"]
MORE = {"bernstein": {"variance": 0.21}, "maurer-pontil": {"sample_variance": 0.17}, "weissman": {"S": 4}}
#: Largest failure probability at delta = 0.1 over p = 0.001, ..., 0.999, as the specification states it.
STATED = {
    ("hoeffding", 50): 0.02204,
    ("bernstein", 50): 0.02082,
    ("maurer-pontil", 50): 0.00045,
    ("kl-chernoff", 50): 0.09493,
    ("hoeffding", 200): 0.01875,
    ("bernstein", 200): 0.01868,
    ("maurer-pontil", 200): 0.00065,
    ("kl-chernoff", 200): 0.08941,
    ("maurer-pontil/no-range-term", 50): 0.951,
    ("kl-chernoff/half-radius", 50): 0.312,
}


@pytest.mark.parametrize("name", [*BINOMIAL, "kl-chernoff/half-radius"])
@given(n=st.integers(2, 30), p=st.floats(0.001, 0.999), delta=st.floats(0.01, 0.5))
def test_failures_agree_with_rational_enumeration(name, n, p, delta):
    assert c.exact_failure(name, n, delta, p) == pytest.approx(naive.binomial_failure(name, n, delta, p), rel=1e-12)


@pytest.mark.parametrize(("name", "n"), sorted(STATED))
def test_the_stated_maxima_over_the_grid_of_thousandths(name, n):
    found = c.worst_case(name, n, 0.1)
    digits = 3 if "/" in name else 5
    assert round(found.grid_value, digits) == STATED[name, n]
    assert found.exact
    assert found.value >= found.grid_value


def test_the_stated_value_of_weissman_at_the_uniform_law():
    assert round(c.exact_failure("weissman", 40, 0.1, np.full(3, 1 / 3)), 4) == 0.0060


@pytest.mark.parametrize("n", [1, 5, 50, 200, 1000])
@pytest.mark.parametrize("delta", [0.01, 0.1, 0.5])
def test_kl_chernoff_is_attained_where_no_success_is_seen(n, delta):
    """With k = 0 the limit is 1 - delta^(1/n), at which no success has probability delta exactly."""
    found = c.worst_case("kl-chernoff", n, delta)
    assert found.value == pytest.approx(delta, rel=1e-11)
    assert c.worst_case("kl-chernoff/half-radius", n, delta).value == pytest.approx(math.sqrt(delta), rel=1e-11)


def test_without_its_range_term_the_empirical_bernstein_bound_fails_almost_surely():
    found = c.worst_case("maurer-pontil/no-range-term", 50, 0.1)
    assert (found.value, found.p) == (1.0, 0.0)
    assert c.exact_failure("maurer-pontil/no-range-term", 50, 0.1, 1e-9) == pytest.approx(1.0, abs=1e-7)


def radius_is_vacuous(name, n, delta):
    """Whether even all zeros exclude no mean below 1."""
    return not any(naive.fails(name, n, delta, 0, p) for p in np.linspace(0.001, 0.999999, 50))


@pytest.mark.parametrize("name", [*BINOMIAL, *(c.CONTROLS[n] for n in ("kl-chernoff",))])
@given(n=st.integers(2, 60), delta=st.floats(0.01, 0.5))
def test_the_supremum_bounds_a_fine_grid_and_is_approached_from_the_right(name, n, delta):
    found = c.worst_case(name, n, delta, grid=3001)
    assert found.grid_value <= found.value * (1 + 1e-12)
    assert 0 <= found.p < 1
    if found.value == 0.0:
        assert radius_is_vacuous(name, n, delta)
        return
    just_after = np.nextafter(found.p + 1e-13, 1.0)
    assert c.exact_failure(name, n, delta, just_after) == pytest.approx(found.value, rel=1e-9)


@pytest.mark.parametrize("name", sorted(set(c.names()) - {"weissman"}))
@pytest.mark.parametrize("delta", [0.02, 0.1, 0.3])
def test_every_inequality_keeps_its_level(name, delta):
    for n in (2, 10, 60):
        assert c.worst_case(name, n, delta, grid=200).value <= delta * (1 + 1e-11)


@pytest.mark.parametrize(
    ("name", "n", "S"),
    [(c.CONTROLS[name], 200, 3) for name in sorted(set(c.names()) - {"weissman"})] + [(c.CONTROLS["weissman"], 40, 4)],
)
def test_every_control_breaks_its_level(name, n, S):
    assert c.worst_case(name, n, 0.1, grid=24 if "weissman" in name else 200, S=S).value > 0.1


@given(st.integers(1, 2000), st.floats(1e-9, 1 - 1e-9))
def test_binomial_rows_agree_with_scipy_and_sum_to_one(n, p):
    row = np.empty(n + 1)
    _laws._binomial_row(n, p, row)
    assert abs(math.fsum(row) - 1) <= 12 * n * 2.0**-53
    reference = stats.binom.pmf(np.arange(n + 1), n, p)
    likely = reference > 1e-250
    assert np.allclose(row[likely], reference[likely], rtol=2e-10, atol=0)


@pytest.mark.parametrize(("n", "p"), [(7, 0.5), (50, 0.1), (300, 0.999), (1000, 1e-4), (1000, 0.37)])
def test_binomial_rows_keep_the_stated_error_against_exact_fractions(n, p):
    row = np.empty(n + 1)
    _laws._binomial_row(n, p, row)
    q = Fraction(p)
    for k in range(0, n + 1, max(1, n // 40)):
        exact = math.comb(n, k) * q**k * (1 - q) ** (n - k)
        if exact > Fraction(1, 10**280):
            assert abs(Fraction(row[k]) - exact) <= 12 * n * Fraction(1, 2**53) * exact


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_certain_draws(p):
    assert c.exact_failure("hoeffding", 10, 0.1, p) == 0.0
    row = np.empty(4)
    _laws._binomial_row(3, p, row)
    assert row.tolist() == ([1, 0, 0, 0] if p == 0 else [0, 0, 0, 1])


@pytest.mark.parametrize("P", [(0.5, 0.5), (0.2, 0.3, 0.5), (0.0, 0.4, 0.6), (0.1, 0.2, 0.3, 0.4), (1.0, 0.0)])
@pytest.mark.parametrize("eps", [0.3, 0.77, 1.2])
def test_multinomial_failures_agree_with_rational_enumeration(P, eps):
    n = 9
    tables = np.zeros((len(P), n + 1))
    law = np.array(P)
    _laws._tables(n, law, tables)
    whole = [np.empty(len(P), dtype=np.int64) for _ in range(2)]
    found = _laws._multinomial_failure(n, law, eps, tables, *whole, np.empty(len(P)), np.empty(len(P)))
    assert found == pytest.approx(naive.multinomial_failure(n, P, eps), rel=1e-12, abs=1e-15)


def test_weissman_with_two_outcomes_is_a_two_sided_binomial_tail():
    n, delta, p = 60, 0.2, 0.3
    level = math.sqrt(2 * math.log(2 / delta) / n)
    row = stats.binom.pmf(np.arange(n + 1), n, p)
    expected = row[2 * np.abs(np.arange(n + 1) / n - p) >= level].sum()
    assert c.exact_failure("weissman", n, delta, [p, 1 - p]) == pytest.approx(expected, rel=1e-10)


@given(p=st.floats(0.01, 0.99), delta=st.floats(0.05, 0.9))
def test_walks_agree_with_all_paths(p, delta):
    n = 8
    x = c.radius("kl-chernoff-uniform", n, delta)
    expected = naive.walk_failure(n, p, lambda s, k: k / s < p and s * naive.kl(k / s, p) > x)
    assert c.exact_failure("kl-chernoff-uniform", n, delta, p) == pytest.approx(expected, rel=1e-12, abs=1e-15)
    x = math.log(1 / delta)
    expected = naive.walk_failure(n, p, lambda s, k: k / s < p and s * naive.kl(k / s, p) > x)
    assert c.exact_failure("kl-chernoff-uniform/fixed-time", n, delta, p) == pytest.approx(expected, rel=1e-12)
    expected = naive.walk_failure(
        n,
        p,
        lambda s, k: abs(k / s - p) > 0.5 * math.sqrt(2 * (1 + 1 / s) * math.log(math.sqrt(s + 1) / delta) / s),
    )
    assert c.exact_failure("self-normalised", n, delta, p) == pytest.approx(expected, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("name", ["kl-chernoff-uniform", "kl-chernoff-uniform/fixed-time"])
@pytest.mark.parametrize("n", [5, 20])
def test_the_worst_walk_bounds_a_fine_grid(name, n):
    found = c.worst_case(name, n, 0.3, grid=2000)
    assert found.exact
    finer = c.exact_failure(name, n, 0.3, np.arange(1, 20000) / 20000)
    assert finer.max() <= found.value * (1 + 1e-10)
    assert c.exact_failure(name, n, 0.3, found.p + 1e-10) == pytest.approx(found.value, rel=1e-6)


@pytest.mark.parametrize("delta", [0.001, 0.05, 0.3])
@pytest.mark.parametrize("n", [2, 10, 1000, 10**6])
def test_the_uniform_level_is_the_smallest_that_meets_delta(n, delta):
    x = c.radius("kl-chernoff-uniform", n, delta)
    failure = lambda y: math.e * math.ceil(y * math.log(n)) * math.exp(-y)  # noqa: E731
    assert failure(x * (1 - 1e-12)) == pytest.approx(delta, rel=1e-9)
    assert all(failure(y) > delta for y in np.linspace(0.01, x * (1 - 1e-6), 2000))


@pytest.mark.parametrize("name", [n for pair in c.CONTROLS.items() for n in pair if "uniform" not in n])
def test_the_expression_is_the_radius(name):
    values = {"n": 37, "delta": 0.03, "sigma": math.sqrt(0.21), "V_n": 0.17, "S": 4}
    more = next((v for k, v in MORE.items() if name.startswith(k)), {})
    if name.startswith("self-normalised"):
        more = {"sigma": math.sqrt(0.21)}
    expression = c.expression(name)
    value = expression.subs({symbol: values[symbol.name] for symbol in expression.free_symbols})
    assert float(value) == pytest.approx(c.radius(name, 37, 0.03, **more), rel=1e-14)


def test_the_uniform_bound_as_an_expression():
    expression = c.expression("kl-chernoff-uniform")
    x = c.radius("kl-chernoff-uniform", 50, 0.1)
    value = expression.subs(
        {symbol: {"n": 50, "x": x * (1 - 1e-13)}[symbol.name] for symbol in expression.free_symbols}
    )
    assert float(value) == pytest.approx(0.1, rel=1e-9)


@pytest.mark.parametrize("name", sorted(set(c.names()) - {"weissman"}))
def test_radii_shrink_with_draws_and_with_failure_probability(name):
    more = MORE.get(name, {})
    along_n = [c.radius(name, n, 0.1, **more) for n in (2, 3, 10, 100, 1000)]
    if name != "kl-chernoff-uniform":
        assert np.all(np.diff(along_n) < 0)
    assert np.all(np.diff([c.radius(name, 50, delta, **more) for delta in (0.001, 0.01, 0.1, 0.5)]) < 0)


@given(st.integers(1, 40), st.integers(1, 5), st.floats(0.1, 10))
def test_the_elliptical_potential_lies_below_both_its_bounds(n, d, lam):
    rng = np.random.default_rng(n * 7 + d)
    actions = rng.standard_normal((n, d))
    longest = float(np.linalg.norm(actions, axis=1).max())
    potential, log_det = c.elliptical_potential(actions, lam)
    assert potential <= log_det * (1 + 1e-10)
    assert log_det <= c.elliptical_bound(n, d, longest, lam) * (1 + 1e-10)
    V, expected = lam * np.eye(d), 0.0
    for a in actions:
        expected += min(1.0, a @ np.linalg.inv(V) @ a)
        V = V + np.outer(a, a)
    assert potential == pytest.approx(expected, rel=1e-8)
    assert log_det == pytest.approx(2 * math.log(np.linalg.det(V) / lam**d), rel=1e-6, abs=1e-12)


def test_the_ellipsoid_in_one_dimension_is_the_scalar_bound():
    """S^2/(n+1) <= level is |mean| <= radius."""
    n, delta = 30, 0.1
    level = c.self_normalised_ellipsoid(math.log(n + 1), delta, R=0.5)
    assert math.sqrt(level * (n + 1)) / n == pytest.approx(c.radius("self-normalised", n, delta), rel=1e-14)


@pytest.mark.parametrize(
    "call",
    [
        lambda: c.get("hoefding"),
        lambda: c.radius("hoeffding", 0, 0.1),
        lambda: c.radius("hoeffding", 10, 0.0),
        lambda: c.radius("bernstein", 10, 0.1),
        lambda: c.radius("maurer-pontil", 1, 0.1, sample_variance=0.1),
        lambda: c.radius("weissman", 10, 0.1, S=1),
        lambda: c.radius("kl-chernoff-uniform", 1, 0.1),
        lambda: c.exact_failure("hoeffding", 10, 0.1, 1.5),
        lambda: c.exact_failure("hoeffding", 10, 0.1, np.nan),
        lambda: c.exact_failure("maurer-pontil", 1, 0.1, 0.5),
        lambda: c.exact_failure("weissman", 10, 0.1, [0.5, 0.6]),
        lambda: c.exact_failure("weissman", 10**4, 0.1, np.full(5, 0.2)),
    ],
)
def test_wrong_parameters_are_refused(call):
    with pytest.raises(ParameterError):
        call()
