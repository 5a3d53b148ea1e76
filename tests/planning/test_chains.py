"""Stationary laws, Cesaro limits, deviation matrices and biases against a linear system in fractions."""

from fractions import Fraction

import naive_average
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given

from experiments import instances
from tabular import planning
from tabular.errors import CertificateError, ModelError, PolicyError
from tabular.models import AverageRewardMDP
from tabular.planning.chains import chain_values, period

TABLES = naive_average.dyadic_tables(max_states=5, max_actions=2)


@given(TABLES)
def test_gain_and_bias_equal_the_naive_linear_system(tables):
    P, r = tables
    found = planning.gain_bias(AverageRewardMDP(P, r), np.zeros(P.shape[0], dtype=int))
    gain, bias = naive_average.gain_bias(P[:, 0], r[:, 0])
    np.testing.assert_allclose(found.gain, [float(x) for x in gain], atol=1e-13)
    np.testing.assert_allclose(found.bias, [float(x) for x in bias], atol=1e-10)


@given(TABLES)
def test_limit_and_deviation_satisfy_their_defining_identities(tables):
    P = tables[0][:, 0]
    limit, deviation = planning.limiting_matrix(P), planning.deviation_matrix(P)
    one = np.eye(len(P))
    for left, right in [
        (limit @ P, limit),
        (P @ limit, limit),
        (limit @ limit, limit),
        (deviation @ (one - P), one - limit),
        (deviation @ limit, 0 * limit),
        (limit @ deviation, 0 * limit),
    ]:
        np.testing.assert_allclose(left, right, atol=1e-9 * max(1.0, np.abs(deviation).max()))
    np.testing.assert_allclose(limit.sum(axis=1), 1.0, atol=1e-12)
    bias = planning.gain_bias(AverageRewardMDP(tables[0], tables[1]), np.zeros(len(P), dtype=int)).bias
    np.testing.assert_allclose(deviation @ tables[1][:, 0], bias, atol=1e-9 * max(1.0, np.abs(deviation).max()))


@given(TABLES)
def test_limit_is_the_cesaro_average(tables):
    P = tables[0][:, 0]
    total, power = np.zeros_like(P), np.eye(len(P))
    for _ in range(2520):
        total += power
        power = power @ P
    np.testing.assert_allclose(total / 2520, planning.limiting_matrix(P), atol=0.1)


@given(TABLES)
def test_stochastic_policy_is_the_chain_of_its_mixture(tables):
    P, r = tables
    S, A = r.shape
    mixed = planning.gain_bias(AverageRewardMDP(P, r), np.full((S, A), 1.0 / A))
    chain = AverageRewardMDP(P.mean(axis=1, keepdims=True), r.mean(axis=1, keepdims=True))
    single = planning.gain_bias(chain, np.zeros(S, dtype=int))
    np.testing.assert_allclose(mixed.gain, single.gain, atol=1e-12)
    sparse = AverageRewardMDP(sp.csr_array(P.reshape(-1, S)), r)
    np.testing.assert_allclose(planning.gain_bias(sparse, np.full((S, A), 1.0 / A)).gain, mixed.gain, atol=1e-13)


def test_recurrent_classes_are_numbered_by_their_smallest_state():
    P = np.zeros((5, 5))
    P[0, [1, 4]] = 0.5
    P[1, 2] = P[2, 1] = P[3, 3] = 1.0
    P[4, [3, 1]] = 0.5
    assert planning.recurrent_classes(P).tolist() == [-1, 0, 0, 1, -1]
    assert planning.recurrent_classes(sp.csr_array(P)).tolist() == [-1, 0, 0, 1, -1]
    with pytest.raises(ModelError, match="2 recurrent classes"):
        planning.stationary_distribution(P)
    np.testing.assert_allclose(planning.limiting_matrix(P)[0], [0, 0.375, 0.375, 0.25, 0], atol=1e-15)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_period_of_a_cycle_and_of_a_lazy_one(n):
    cycle = np.roll(np.eye(n), 1, axis=1)
    assert period(cycle) == n
    assert period(0.5 * cycle + 0.5 * np.eye(n)) == 1
    both = np.zeros((n + 2, n + 2))
    both[:n, :n] = cycle
    both[n, n + 1] = both[n + 1, n] = 1.0
    assert period(both) == np.lcm(n, 2)
    np.testing.assert_allclose(planning.stationary_distribution(cycle), 1 / n, rtol=1e-15)


def test_riverswim_stationary_law():
    river = instances.riverswim(6)
    law = planning.stationary_distribution(river.P[:, 1])
    np.testing.assert_allclose(law, [0.00012, 0.00143, 0.01, 0.06998, 0.48985, 0.42862], atol=5e-6)


def test_stationary_law_is_accurate_relative_to_each_entry():
    # A walk with drift: the law of state k is proportional to 3**k, down to 3**-59 of the largest.
    n = 60
    P = np.zeros((n, n))
    for s in range(n):
        P[s, max(s - 1, 0)] += 0.25
        P[s, min(s + 1, n - 1)] += 0.75
    law = planning.stationary_distribution(P)
    total = (3**n - 1) // 2
    exact = np.array([float(Fraction(3**k, total)) for k in range(n)])
    np.testing.assert_allclose(law, exact, rtol=1e-13)


@pytest.mark.parametrize("rare", [1e-12, 1e-160, 1e-295])
def test_a_state_that_is_hardly_ever_left_has_a_large_finite_bias(rare):
    P, r = np.array([[1.0, rare], [rare, 1.0]]), np.array([0.0, 1.0])
    found = planning.gain_bias(AverageRewardMDP(P[:, None], r[:, None]), [0, 0])
    np.testing.assert_allclose(found.gain, 0.5)
    np.testing.assert_allclose(found.bias * rare, [-0.25, 0.25], rtol=1e-12)


def test_a_bias_beyond_the_range_of_floats_is_an_error_and_not_nan():
    def plan(rare):
        P = np.array([[1.0, rare], [rare, 1.0]])
        return AverageRewardMDP(P[:, None], np.array([[0.0], [1.0]]))

    with pytest.raises(CertificateError, match="the bias of state 0 is beyond the range"):
        planning.gain_bias(plan(1e-309), [0, 0])
    with pytest.raises(CertificateError, match="second-order bias of state 0"):
        chain_values(plan(1e-295).P[:, 0], np.array([0.0, 1.0]))
    with pytest.raises(CertificateError, match="gain_bias evaluates"):
        planning.deviation_matrix(plan(1e-295).P[:, 0])


def test_refusals():
    with pytest.raises(ModelError, match="square"):
        planning.stationary_distribution(np.ones((1, 2)) / 2)
    with pytest.raises(ModelError, match="sums to"):
        planning.limiting_matrix([[0.5, 0.4], [0.0, 1.0]])
    with pytest.raises(PolicyError):
        planning.gain_bias(instances.two_cycle(), [0, 1])
