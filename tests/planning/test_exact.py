"""Rational planning against enumeration, both arithmetics, and corrupted certificates."""

from fractions import Fraction as F

import naive_planning as naive
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular import CertificateError, DiscountedMDP, EpisodicMDP, ModelError, PolicyError
from tabular.planning import _rational, exact, policy_iteration


@given(table=naive.tables(), gamma=naive.discounts)
def test_optimum_equals_enumeration_fraction_for_fraction(table, gamma):
    P, r = table
    plan = exact.solve(DiscountedMDP(P, r, gamma))
    assert plan.V.tolist() == naive.optimal_values(P, r, gamma)
    S, A = r.shape
    for s in range(S):
        q = [F(r[s, a]) + F(gamma) * sum(F(P[s, a, x]) * plan.V[x] for x in range(S)) for a in range(A)]
        assert plan.Q[s].tolist() == q
        assert plan.policy[s] == q.index(max(q))
        assert plan.optimal[s].tolist() == [x == max(q) for x in q]


@given(table=naive.tables(max_states=3), H=st.integers(1, 4))
def test_backward_induction_equals_the_naive_one(table, H):
    P, r = table
    plan = exact.solve(EpisodicMDP(P, r, H=H))
    V, policy = naive.backward_values(P, r, H)
    assert plan.V.tolist() == V
    assert plan.policy.tolist() == policy


@given(table=naive.tables(), gamma=naive.discounts, data=st.data())
def test_stochastic_evaluation_equals_the_naive_one(table, gamma, data):
    P, r = table
    pi = np.array([data.draw(naive.rows(r.shape[1])) for _ in range(r.shape[0])])
    for mdp in (DiscountedMDP(P, r, gamma), DiscountedMDP(sp.csr_array(P.reshape(r.size, -1)), r, gamma)):
        assert exact.evaluate(mdp, pi).V.tolist() == naive.stochastic_policy_values(P, r, gamma, pi)


@pytest.mark.skipif(_rational.flint is None, reason="python-flint is not installed")
def test_both_arithmetics_give_the_same_fractions(monkeypatch):
    rng = np.random.default_rng(0)
    mdp = DiscountedMDP(rng.dirichlet(np.ones(6), (6, 2)), rng.random((6, 2)), 0.9)
    fast = exact.solve(mdp)
    monkeypatch.setattr(_rational, "flint", None)
    slow = exact.solve(mdp)
    assert fast.V.tolist() == slow.V.tolist()
    assert fast.value == slow.value


def test_float_rows_are_taken_as_they_stand():
    """0.1 + 0.2 + 0.7 is not 1 in exact arithmetic; the system with the stated floats is what is solved."""
    row = [0.1, 0.2, 0.7]
    mdp = DiscountedMDP([[row], [row], [row]], [[1.0]] * 3, 0.9)
    total = sum(F(x) for x in row)
    assert total != 1
    assert exact.solve(mdp).V.tolist() == [1 / (1 - F(0.9) * total)] * 3


@given(table=naive.tables(), gamma=st.sampled_from([0.5, 0.875]), data=st.data())
@settings(max_examples=30)
def test_certify_accepts_exactly_the_optimal_policies(table, gamma, data):
    P, r = table
    S, A = r.shape
    mdp = DiscountedMDP(P, r, gamma)
    policy = [data.draw(st.integers(0, A - 1)) for _ in range(S)]
    if naive.policy_values(P, r, gamma, policy) == naive.optimal_values(P, r, gamma):
        assert exact.certify(mdp, policy).policy.tolist() == policy
    else:
        with pytest.raises(CertificateError, match="is not optimal: action"):
            exact.certify(mdp, policy)


def test_certify_sees_a_difference_of_one_part_in_2_to_the_40():
    r = np.array([[1.0, 1.0 + 2.0**-40]])
    mdp = DiscountedMDP([[[1.0], [1.0]]], r, 0.5)
    assert exact.certify(mdp, [1]).value == 2 + F(1, 2**39)
    with pytest.raises(CertificateError, match="1/1099511627776"):
        exact.certify(mdp, [0])


def test_an_advantage_below_float_resolution_is_found():
    """One unit in the last place of a reward: a tie for the float solver, which starts the exact one."""
    mdp = DiscountedMDP([[[1.0], [1.0]]], [[1.0, 1.0 + 2.0**-52]], 0.5)
    assert policy_iteration(mdp).policy.tolist() == [0]
    plan = exact.solve(mdp)
    assert plan.policy.tolist() == [1]
    assert plan.V.tolist() == [2 + F(1, 2**51)]


def test_certify_refuses_the_other_forms():
    episodic = EpisodicMDP([[[1.0], [1.0]]], [[0.0, 1.0]], H=2)
    assert exact.certify(episodic, [[1], [1]]).value == 2
    with pytest.raises(CertificateError, match=r"policy\[1, 0\] = 0"):
        exact.certify(episodic, [[1], [0]])
    with pytest.raises(CertificateError, match="deterministic"):
        exact.certify(episodic, np.full((2, 1, 2), 0.5))
    with pytest.raises(PolicyError):
        exact.certify(episodic, [3])


def test_float_solver_is_certified_on_a_model_of_three_hundred_pairs():
    if _rational.flint is None:
        pytest.skip("python-flint is not installed")
    rng = np.random.default_rng(1)
    mdp = DiscountedMDP(rng.multinomial(64, np.ones(100) / 100, (100, 3)) / 64, rng.integers(0, 65, (100, 3)) / 64, 0.9)
    plan = exact.certify(mdp, policy_iteration(mdp).policy)
    bounds = policy_iteration(mdp)
    assert all(F(a) <= v <= F(b) for a, v, b in zip(bounds.lower, plan.V, bounds.upper, strict=True))


def test_rows_that_create_more_than_gamma_discounts_are_refused():
    mdp = DiscountedMDP([[[1.0 + 9e-9]]], [[1.0]], 1.0 - 1e-9)
    for call in (exact.solve, lambda m: exact.evaluate(m, [0])):
        with pytest.raises(ModelError, match=r"P\[0, 0\]"):
            call(mdp)


def test_elimination_swaps_rows_where_it_must():
    matrix, right = [[F(0), F(1)], [F(2), F(1, 3)]], [F(5), F(1)]
    assert _rational._by_elimination(matrix, right) == _rational.solve_linear(matrix, right) == [F(-1, 3), F(5)]


def test_singular_systems_are_reported():
    with pytest.raises(ZeroDivisionError):
        _rational.solve_linear([[F(1), F(2)], [F(2), F(4)]], [F(1), F(1)])
    with pytest.raises(ZeroDivisionError):
        _rational._by_elimination([[F(1), F(2)], [F(2), F(4)]], [F(1), F(1)])
