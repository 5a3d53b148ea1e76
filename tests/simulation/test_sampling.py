"""The samplers against chi-square tests at level 1e-6, exact edge cases, and their own uncompiled selves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tabular import ParameterError
from tabular.simulation import categorical, dirichlet, multinomial
from tabular.simulation.sampling import (
    _alias_table,
    _dirichlet,
    _draw,
    _draw_alias,
    _draw_sparse,
    _multinomial,
    alias_table,
)
from tabular.testing import distributions

LAST = 1.0 - 2.0**-53
LEVEL = 1e-6
ROWS = {
    "uniform": np.full(7, 1 / 7),
    "skewed": np.array([0.5, 0.25, 0.125, 0.0625, 0.03125, 0.03125]),
    "holes": np.array([0.0, 0.3, 0.0, 0.0, 0.7, 0.0]),
    "rare": np.array([1e-9, 0.4, 1e-9, 0.6 - 3e-9, 1e-9]),
    "sure": np.array([0.0, 1.0, 0.0]),
    "single": np.ones(1),
    "many": np.arange(1.0, 101.0) / 5050,
}


def readonly(values):
    array = np.array(values, dtype=np.float64)
    array.setflags(write=False)
    return array


def g_test(counts, p):
    """p-value of the likelihood-ratio test that ``counts`` come from ``p``; rare cells are pooled."""
    assert counts[p == 0.0].sum() == 0
    common = p * counts.sum() >= 5
    observed = np.append(counts[common], counts[~common].sum())
    expected = np.append(p[common], p[~common].sum()) * counts.sum()
    if expected[-1] < 5:
        assert stats.poisson.sf(observed[-1] - 1, expected[-1]) > LEVEL
        observed, expected = observed[:-1], expected[:-1] * observed[:-1].sum() / expected[:-1].sum()
    if observed.size == 1:
        return 1.0
    return stats.power_divergence(observed, expected, lambda_="log-likelihood").pvalue


@pytest.mark.statistical
@pytest.mark.parametrize("name", list(ROWS))
def test_categorical_draws_follow_the_probabilities(name):
    p = ROWS[name]
    counts = np.bincount(categorical(p, 10**6, rng=1), minlength=p.size)
    assert g_test(counts, p) > LEVEL


@pytest.mark.statistical
@pytest.mark.parametrize("name", ["skewed", "holes", "rare"])
def test_inverse_cdf_draws_follow_the_probabilities(name):
    p = readonly(ROWS[name])
    counts = np.zeros(p.size)
    for u in np.random.default_rng(2).random(10**6):
        counts[_draw(p, u)] += 1
    assert g_test(counts, p) > LEVEL


def test_the_g_test_itself_rejects_a_wrong_distribution():
    counts = np.bincount(categorical(ROWS["skewed"], 10**6, rng=1), minlength=6)
    wrong = ROWS["skewed"] + np.array([0.003, -0.003, 0, 0, 0, 0])
    assert g_test(counts, wrong) < LEVEL


@given(st.integers(1, 9).flatmap(lambda n: distributions(n, dyadic=False)))
def test_the_extreme_uniforms_land_on_the_extreme_positive_cells(p):
    positive = np.flatnonzero(p)
    p = readonly(p)
    assert _draw(p, 0.0) == positive[0]
    assert _draw(p, LAST) == positive[-1]
    accept, alias = alias_table(p)
    for u in (0.0, LAST, 0.5, np.nextafter(0.5, 0), np.nextafter(0.5, 1)):
        assert p[_draw_alias(accept, alias, u)] > 0.0


def test_rounding_never_selects_an_empty_last_cell():
    short = readonly([0.5, 0.5 - 1e-9, 0.0])
    assert _draw(short, LAST) == 1
    assert _draw(readonly([0.1] * 10 + [0.0]), LAST) == 9


@given(st.integers(1, 9).flatmap(lambda n: distributions(n, dyadic=False)))
def test_alias_tables_hold_exactly_the_given_probabilities(p):
    accept, alias = alias_table(readonly(p))
    mass = accept.clip(max=1.0) / p.size
    held = mass + np.bincount(alias, weights=1 / p.size - mass, minlength=p.size)
    np.testing.assert_allclose(held, p, rtol=0, atol=4e-16 * p.size)
    assert (held[p == 0] == 0).all()


def test_a_row_of_a_sparse_table_is_drawn_like_the_dense_row():
    dense = np.array([[0.0, 0.25, 0.75], [0.5, 0.0, 0.5]])
    data, indices, indptr = (
        readonly([0.25, 0.75, 0.5, 0.5]),
        np.array([1, 2, 0, 2], np.int32),
        np.array([0, 2, 4], np.int32),
    )
    none = np.empty(0, np.int32)
    for array in (indices, indptr, none):
        array.setflags(write=False)
    for row in (0, 1):
        for u in np.linspace(0, LAST, 33):
            wanted = _draw(readonly(dense[row]), u)
            assert _draw_sparse(data, indices, indptr, row, 3, u) == wanted
            assert _draw_sparse(readonly(dense.ravel()), none, none, row, 3, u) == wanted


def test_a_draw_stays_in_its_row_where_the_row_falls_short_of_1():
    table, none = readonly([0.5, 0.5 - 1e-9, 0.0, 0.25, 0.25, 0.5]), np.empty(0, np.int32)
    none.setflags(write=False)
    assert [_draw_sparse(table, none, none, row, 3, LAST) for row in (0, 1)] == [1, 2]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.compiled
def test_compiled_kernels_equal_the_plain_ones_bitwise(seed):
    p = readonly(np.random.default_rng(seed).dirichlet(np.full(8, 0.3)))
    alpha = readonly([0.0, 1e-3, 0.5, 1.0, 3.0, 1e-300, 40.0, 2.0])
    for u in np.random.default_rng(seed).random(50):
        assert _draw(p, u) == _draw.py_func(p, u)
    tables = []
    for fill in (_alias_table, _alias_table.py_func):
        accept, alias, stack = np.empty(8), np.empty(8, np.int64), np.empty(8, np.int64)
        fill(p, accept, alias, stack)
        tables.append((accept.tobytes(), alias.tobytes()))
    assert tables[0] == tables[1]
    weights, counts = [], []
    for dirichlet_kernel, multinomial_kernel in (
        (_dirichlet, _multinomial),
        (_dirichlet.py_func, _multinomial.py_func),
    ):
        rng = np.random.default_rng(seed)
        out = np.empty(8)
        dirichlet_kernel(alpha, rng, out)
        weights.append(out.tobytes())
        n = np.empty(8, np.int64)
        multinomial_kernel(1000, p, rng, np.empty(8), n)
        counts.append((n.tobytes(), rng.random()))
    assert weights[0] == weights[1]
    assert counts[0] == counts[1]


@pytest.mark.statistical
def test_dirichlet_marginals_are_beta():
    alpha = np.array([0.05, 0.5, 1.0, 4.0])
    draws = dirichlet(alpha, 20000, rng=3)
    for i, a in enumerate(alpha):
        assert stats.kstest(draws[:, i], stats.beta(a, alpha.sum() - a).cdf).pvalue > LEVEL
    assert np.abs(draws.sum(axis=1) - 1.0).max() < 1e-15


def test_dirichlet_edges():
    draws = dirichlet([1e-300, 1e-300, 0.0], 200, rng=4)
    assert np.isfinite(draws).all()
    assert set(np.unique(draws)) == {0.0, 1.0}
    assert draws[:, 2].max() == 0.0
    assert 60 < draws[:, 0].sum() < 140
    assert dirichlet([1e12, 1e12], 5, rng=0) == pytest.approx(0.5, abs=1e-4)
    assert dirichlet([2.0], 3, rng=0).tolist() == [[1.0]] * 3


@pytest.mark.statistical
def test_multinomial_marginals_are_binomial():
    p = np.array([0.1, 0.0, 0.6, 0.3])
    draws = multinomial(20, p, 50000, rng=5)
    assert (draws.sum(axis=1) == 20).all()
    for i in (0, 2, 3):
        counts = np.bincount(draws[:, i], minlength=21)
        assert g_test(counts, stats.binom.pmf(np.arange(21), 20, p[i])) > LEVEL
    assert draws[:, 1].max() == 0


@given(st.integers(1, 6).flatmap(lambda n: distributions(n, dyadic=False)), st.integers(0, 2**53))
def test_multinomial_counts_add_up_and_stay_on_the_support(p, n):
    draws = multinomial(n, p, 3, rng=6)
    assert (draws.sum(axis=1) == n).all()
    assert (draws >= 0).all()
    assert draws[:, p == 0].sum() == 0


@pytest.mark.parametrize(
    "call",
    [
        lambda: categorical([0.5, 0.6], 3, rng=0),
        lambda: categorical([-0.5, 1.5], 3, rng=0),
        lambda: categorical([1.0], -1, rng=0),
        lambda: categorical([1.0], 2.0, rng=0),
        lambda: categorical([1.0], 2, rng=None),
        lambda: dirichlet([-1.0, 2.0], 1, rng=0),
        lambda: dirichlet([0.0, 0.0], 1, rng=0),
        lambda: multinomial(-1, [1.0], 1, rng=0),
        lambda: multinomial(1, [[1.0]], 1, rng=0),
    ],
)
def test_bad_arguments_are_refused(call):
    with pytest.raises(ParameterError):
        call()


def test_no_draws_are_an_empty_array():
    assert categorical([1.0], 0, rng=0).shape == (0,)
    assert multinomial(0, [0.5, 0.5], 2, rng=0).tolist() == [[0, 0], [0, 0]]


def test_cells_are_half_open_intervals():
    p = readonly([0.25, 0.0, 0.25, 0.5])
    edges = {0.0: 0, np.nextafter(0.25, 0): 0, 0.25: 2, np.nextafter(0.5, 0): 2, 0.5: 3, LAST: 3}
    assert {u: _draw(p, u) for u in edges} == edges
