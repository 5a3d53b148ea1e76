"""Reachability against enumeration, the Haddad-Monmege chain, and the unsound rule as a control."""

from fractions import Fraction as F

import naive_planning as naive
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular import AverageRewardMDP, ModelError, NotConverged, ParameterError
from tabular.planning import reachability, reachability_bounds


def haddad_monmege(N, p=0.7):
    """Start in the middle; each side walks outward with 1/2 and falls back to the start with 1/2. Truth at N: p."""
    S = 2 * N + 1
    P = np.zeros((S, S))
    P[0, 0] = P[S - 1, S - 1] = 1.0
    P[N, N - 1], P[N, N + 1] = 1.0 - p, p
    for s in range(1, N):
        P[s, s - 1] = P[s, N] = 0.5
        P[2 * N - s, 2 * N - s + 1] = P[2 * N - s, N] = 0.5
    return P


def slow_chain(n):
    """States 1..n: forward with 1/2, back to 1 with 1/2; n goes to the goal or the trap with 1/2 each. Truth 1/2."""
    P = np.zeros((n + 2, n + 2))
    goal, trap = n, n + 1
    P[goal, goal] = P[trap, trap] = 1.0
    for s in range(n - 1):
        P[s, s + 1] += 0.5
        P[s, 0] += 0.5
    P[n - 1, goal] = P[n - 1, trap] = 0.5
    return P, goal


@given(table=naive.tables(), data=st.data(), objective=st.sampled_from(["max", "min"]))
@settings(max_examples=150)
def test_enclosure_contains_the_enumerated_optimum(table, data, objective):
    P, _ = table
    S, A = P.shape[:2]
    goal = data.draw(st.sets(st.integers(0, S - 1)))
    best = max if objective == "max" else min
    truth = naive.optimal_reach(P, goal, best)
    for form in (P, sp.csr_array(P.reshape(S * A, S))):
        plan = reachability(form, sorted(goal), objective=objective)
        assert all(F(a) <= v <= F(b) for a, v, b in zip(plan.lower, truth, plan.upper, strict=True))
        assert plan.converged
        own = naive.reach_probabilities(P, goal, plan.policy)
        assert max(abs(float(v - w)) for v, w in zip(truth, own, strict=True)) <= 1e-7


@pytest.mark.parametrize("N", [5, 10, 15, 20, 30, 60])
def test_haddad_monmege_is_enclosed_or_refused(N):
    """Up to N = 20 the answer is delivered; where rounding times the expected time is too large it is refused."""
    P = haddad_monmege(N)
    try:
        plan = reachability(P, [2 * N], tol=1e-6, max_sweeps=2000)
    except NotConverged as problem:
        assert N > 20
        plan = problem.partial
    assert plan.lower[N] <= 0.7 <= plan.upper[N]
    assert plan.converged == (float(np.max(plan.upper - plan.lower)) <= 1e-6)


@pytest.mark.parametrize(("N", "sweeps"), [(10, 9360), (20, 21)])
def test_control_the_change_rule_is_wrong_on_haddad_monmege(N, sweeps):
    plan = reachability(haddad_monmege(N), [2 * N], tol=1e-6, stop="change")
    assert plan.converged
    assert plan.sweeps == sweeps
    assert not plan.lower[N] <= 0.7 <= plan.upper[N]
    assert "unsound" in plan.method


@pytest.mark.parametrize("n", [4, 12, 20])
def test_slow_reachability_chain(n):
    """Sweep k from 0 moves no value by more than 2^-k: the change rule returns 0 where the truth is 1/2."""
    P, goal = slow_chain(n)
    plan = reachability(P, [goal], tol=1e-6)
    assert (plan.lower[:n] <= 0.5).all()
    assert (plan.upper[:n] >= 0.5).all()
    eps = 2.0 ** (1 - n)
    assert reachability(P, [goal], tol=eps, stop="change").V[0] <= eps


def test_end_components_do_not_fool_the_upper_bound():
    """State 0 can loop for ever or try the goal once: without the collapse the bound from 1 never falls."""
    P = np.zeros((4, 2, 4))
    P[0, 0, 1] = P[1, 0, 0] = 1.0
    P[0, 1] = P[1, 1] = [0.0, 0.0, 0.25, 0.75]
    P[2, :, 2] = P[3, :, 3] = 1.0
    plan = reachability(P, [2])
    np.testing.assert_allclose(plan.V, [0.25, 0.25, 1.0, 0.0], atol=1e-8)
    assert naive.reach_probabilities(P, {2}, plan.policy) == [F(1, 4), F(1, 4), 1, 0]
    lazy = reachability(P, [2], objective="min")
    assert lazy.V.tolist() == [0.0, 0.0, 1.0, 0.0]
    assert naive.reach_probabilities(P, {2}, lazy.policy) == [0, 0, 1, 0]


def test_the_policy_walks_through_an_end_component_to_its_best_exit():
    """A ring of five states; only state 3 can leave, and elsewhere action 0 stays where it is."""
    P = np.zeros((7, 2, 7))
    for s in range(5):
        P[s, 0, s] = P[s, 1, (s + 1) % 5] = 1.0
    P[3] = 0.0
    P[3, 0, 4] = 1.0
    P[3, 1] = [0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.5]
    P[5, :, 5] = P[6, :, 6] = 1.0
    plan = reachability(P, [5])
    assert naive.reach_probabilities(P, {5}, plan.policy)[:5] == [F(1, 2)] * 5


def test_a_wrong_proposal_is_not_believed(monkeypatch):
    """The linear systems only guess: with their answers spoilt the enclosure must still be true."""
    honest = reachability_bounds._Enclosing._fixed_point
    monkeypatch.setattr(reachability_bounds._Enclosing, "_fixed_point", lambda *args: 0.7 * honest(*args))
    P, goal = slow_chain(12)
    try:
        plan = reachability(P, [goal], tol=1e-6, max_sweeps=500)
    except NotConverged as problem:
        plan = problem.partial
    assert (plan.lower[:12] <= 0.5).all()
    assert (plan.upper[:12] >= 0.5).all()


def test_what_happens_after_the_goal_does_not_matter():
    plan = reachability([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]], [1], objective="min")
    assert plan.lower.tolist() == plan.upper.tolist() == [1.0, 1.0, 0.0]
    assert plan.sweeps == 0


def test_certain_and_impossible_states_are_exact():
    P, goal = slow_chain(6)
    P[goal + 1] = 0.0
    P[goal + 1, 0] = 1.0
    plan = reachability(P, [goal])
    assert (plan.lower == 1.0).all()
    assert plan.sweeps == 0
    assert reachability(P, []).V.tolist() == [0.0] * 8


def test_rows_are_understood_as_divided_by_their_sum():
    P = np.array([[0.5, 0.25 + 5e-9, 0.25], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    plan = reachability(P, [1], tol=1e-7)
    q = F(P[0, 1]) / (F(P[0, 1]) + F(P[0, 2]))
    assert F(plan.lower[0]) <= q <= F(plan.upper[0])


def test_masks_models_and_bad_goals():
    P, goal = slow_chain(3)
    mask = np.arange(5) == goal
    model = AverageRewardMDP(P[:, None, :], np.zeros((5, 1)))
    np.testing.assert_array_equal(reachability(model, mask).V, reachability(P, [goal]).V)
    for bad in ([5], [-1], [0.5], [[0]], [True, False]):
        with pytest.raises(ParameterError, match="goal"):
            reachability(P, bad)
    with pytest.raises(ParameterError, match="objective"):
        reachability(P, [0], objective="sup")
    with pytest.raises(ParameterError, match="tol"):
        reachability(P, [0], tol=0.0)
    with pytest.raises(ModelError, match="sums to"):
        reachability(P * 1.1, [0])
