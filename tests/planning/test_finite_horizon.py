"""Finite-horizon planning against textbook numbers, exact backward induction and enumerated trajectories."""

from fractions import Fraction as F

import naive_planning as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular import EpisodicMDP, ParameterError, PolicyError
from tabular.planning import backward_induction, evaluate, exact, occupancy, return_distribution, return_variance


def inventory():
    """Puterman 1994, section 3.2.2: stock 0..3, demand 0/1/2 with 1/4, 1/2, 1/4, revenue 8, order 4 + 2u, holding s."""
    demand = [0.25, 0.5, 0.25]
    P, r = np.zeros((4, 4, 4)), np.full((4, 4), -1e6)
    for s in range(4):
        for u in range(4):
            stock = min(s + u, 3)
            for need, p in enumerate(demand):
                P[s, u, max(stock - need, 0)] += p
            if s + u <= 3:
                sold = sum(p * 8.0 * min(need, stock) for need, p in enumerate(demand))
                r[s, u] = sold - (4.0 + 2.0 * u if u else 0.0) - (s + u)
    return EpisodicMDP(P, r, H=3)


def random_episodic(H, S, A, seed):
    rng = np.random.default_rng(seed)
    return EpisodicMDP(rng.dirichlet(np.full(S, 0.4), (H, S, A)), rng.random((H, S, A)), rng.dirichlet(np.ones(S)))


@st.composite
def small_problems(draw):
    P, r = draw(naive.tables(max_states=3, max_actions=3))
    H = draw(st.integers(1, 3))
    mdp = EpisodicMDP(P, r, draw(naive.rows(P.shape[0])), H)
    policy = np.array([[draw(st.integers(0, mdp.A - 1)) for _ in range(mdp.S)] for _ in range(H)])
    return mdp, policy


def test_puterman_inventory_values_and_decisions():
    plan = backward_induction(inventory())
    np.testing.assert_array_equal(plan.V[0], [67 / 16, 129 / 16, 194 / 16, 227 / 16])
    np.testing.assert_array_equal(plan.V[1], [2.0, 25 / 4, 10.0, 21 / 2])
    np.testing.assert_array_equal(plan.V[2], [0.0, 5.0, 6.0, 5.0])
    np.testing.assert_array_equal(plan.V[3], np.zeros(4))
    np.testing.assert_array_equal(plan.policy, [[3, 0, 0, 0], [2, 0, 0, 0], [0, 0, 0, 0]])


@given(problem=small_problems())
def test_backward_induction_encloses_the_exact_optimum(problem):
    mdp, _ = problem
    plan = backward_induction(mdp)
    V, policy = naive.backward_values(np.array(mdp.P), np.array(mdp.r), mdp.H)
    for h in range(mdp.H + 1):
        for s in range(mdp.S):
            assert F(plan.lower[h, s]) <= V[h][s] <= F(plan.upper[h, s])
    np.testing.assert_array_equal(plan.policy, policy)
    assert float(np.max(plan.upper - plan.lower)) <= 1e-13
    assert plan.value == pytest.approx(float(sum(F(m) * v for m, v in zip(mdp.mu0.tolist(), V[0], strict=True))))


def test_step_dependent_tables_are_read_at_their_own_step():
    mdp = random_episodic(4, 3, 2, 0)
    plan = backward_induction(mdp)
    V, policy = naive.backward_values(np.array(mdp.P), np.array(mdp.r), 4)
    np.testing.assert_allclose(plan.V, [[float(v) for v in row] for row in V], atol=1e-13)
    np.testing.assert_array_equal(plan.policy, policy)


@given(problem=small_problems())
def test_evaluate_variance_and_distribution_match_enumerated_trajectories(problem):
    mdp, policy = problem
    outcomes = {}
    for path, p in naive.trajectories(mdp, policy):
        total = sum(F(mdp.r[h, s, a]) for h, (s, a) in enumerate(path))
        outcomes[total] = outcomes.get(total, F(0)) + p
    mean = sum(x * p for x, p in outcomes.items())
    result = evaluate(mdp, policy)
    assert result.value == pytest.approx(float(mean), abs=1e-13)
    atoms, probabilities = return_distribution(mdp, policy, step=1 / 16)
    found = {F(x): p for x, p in zip(atoms.tolist(), probabilities.tolist(), strict=True) if p > 0.0}
    assert found.keys() == {x for x, p in outcomes.items() if p > 0}
    for x, p in found.items():
        assert p == pytest.approx(float(outcomes[x]), abs=1e-13)
    variance = sum((x - mean) ** 2 * p for x, p in outcomes.items())
    V0, spread = result.V[0], return_variance(mdp, policy)[0]
    total = mdp.mu0 @ spread + mdp.mu0 @ (V0 - result.value) ** 2
    assert total == pytest.approx(float(variance), abs=1e-12)


@given(problem=small_problems())
def test_occupancy_matches_enumerated_trajectories(problem):
    mdp, policy = problem
    expected = np.zeros((mdp.H, mdp.S, mdp.A))
    for path, p in naive.trajectories(mdp, policy):
        for h, (s, a) in enumerate(path):
            expected[h, s, a] += float(p)
    d = occupancy(mdp, policy)
    np.testing.assert_allclose(d, expected, atol=1e-14)
    assert ((d == 0.0) == (expected == 0.0)).all()


@given(seed=st.integers(0, 50), data=st.data())
@settings(max_examples=25)
def test_stochastic_policy_flow_value_and_performance_difference(seed, data):
    mdp = random_episodic(4, 3, 3, seed)
    p, q = (np.array([[data.draw(naive.rows(3)) for _ in range(3)] for _ in range(4)]) for _ in range(2))
    d, ep, eq = occupancy(mdp, p), evaluate(mdp, p), evaluate(mdp, q)
    np.testing.assert_allclose(d.sum(axis=(1, 2)), 1.0, atol=1e-13)
    np.testing.assert_allclose(d[1:].sum(axis=2), np.einsum("hsa,hsax->hx", d[:-1], mdp.P[:-1]), atol=1e-13)
    np.testing.assert_allclose((d * mdp.r).sum(), ep.value, atol=1e-12)
    advantage = eq.Q - eq.V[:-1, :, None]
    np.testing.assert_allclose((d * advantage).sum(), ep.value - eq.value, atol=1e-12)


def test_evaluate_encloses_the_exact_values_of_a_stochastic_policy():
    mdp = random_episodic(5, 3, 2, 7)
    pi = np.random.default_rng(1).dirichlet(np.ones(2), (5, 3))
    result, truth = evaluate(mdp, pi), exact.evaluate(mdp, pi)
    for index in np.ndindex(result.V.shape):
        assert F(result.lower[index]) <= truth.V[index] <= F(result.upper[index])


def test_total_variance_of_a_stochastic_policy_by_second_moments():
    mdp = random_episodic(4, 3, 2, 3)
    pi = np.random.default_rng(2).dirichlet(np.ones(2), (4, 3))
    first, second = np.zeros(3), np.zeros(3)
    for h in reversed(range(4)):
        q1 = mdp.r[h] + mdp.P[h] @ first
        q2 = mdp.r[h] ** 2 + 2 * mdp.r[h] * (mdp.P[h] @ first) + mdp.P[h] @ second
        first, second = (pi[h] * q1).sum(1), (pi[h] * q2).sum(1)
    np.testing.assert_allclose(return_variance(mdp, pi)[0], second - first**2, atol=1e-12)


def test_variance_of_a_nearly_certain_large_return_is_not_lost():
    P = np.array([[[0.5, 0.5]], [[0.5, 0.5]]])
    mdp = EpisodicMDP(P, np.array([[1e9], [1e9 + 1.0]]), H=2)
    np.testing.assert_allclose(return_variance(mdp, [0, 0])[0], 0.25, rtol=1e-6)


@pytest.mark.parametrize("H", [1, 2, 1000, 100_000])
def test_long_horizons_neither_recurse_nor_drift(H):
    mdp = EpisodicMDP([[[1.0]]], [[0.1]], H=H)
    plan = backward_induction(mdp)
    assert abs(F(plan.V[0, 0]) - H * F(0.1)) <= F(4 * H * 2.0**-52 * H * 0.1)
    assert F(plan.lower[0, 0]) <= H * F(0.1) <= F(plan.upper[0, 0])


def test_ties_go_to_the_smallest_action_even_when_rounding_breaks_them():
    rng = np.random.default_rng(0)
    row, r = rng.dirichlet(np.ones(5), (4, 5)), rng.random((4, 5, 1))
    P = np.stack([row, row], axis=2)
    P[..., 1, :] = row
    mdp = EpisodicMDP(P, np.repeat(r, 2, axis=2))
    assert (backward_induction(mdp).policy == 0).all()
    weights = np.zeros((4, 2, 4))
    weights[0] = [[0.0, 0.1, 0.2, 0.7], [0.0, 0.2, 0.7, 0.1]]
    weights[1:, :, 0] = 1.0
    rewards = np.full((4, 2), 1.0 / 3.0)
    assert (backward_induction(EpisodicMDP(weights, rewards, H=9)).policy == 0).all()


def test_a_stationary_policy_is_used_at_every_step():
    mdp = random_episodic(3, 3, 2, 5)
    np.testing.assert_array_equal(evaluate(mdp, [1, 0, 1]).V, evaluate(mdp, [[1, 0, 1]] * 3).V)


@given(problem=small_problems(), order=st.permutations(range(3)))
def test_renaming_actions_permutes_q(problem, order):
    mdp, _ = problem
    if mdp.A != 3:
        return
    order = np.array(order)
    renamed = EpisodicMDP(np.array(mdp.P)[:, :, order], np.array(mdp.r)[:, :, order], mdp.mu0)
    np.testing.assert_array_equal(backward_induction(renamed).Q, backward_induction(mdp).Q[:, :, order])


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda m: evaluate(m, [[0, 0]]), PolicyError, "shape"),
        (lambda m: occupancy(m, [0, 5, 0]), PolicyError, r"policy\[1\] is 5"),
        (lambda m: return_variance(m, np.full((3, 2), 0.7)), PolicyError, "sums to 1.4"),
        (lambda m: return_distribution(m, [0, 0, 0], step=0.5), ParameterError, r"r\[0, 0, 0\]"),
        (lambda m: return_distribution(m, [0, 0, 0], step=0.0), ParameterError, "step"),
    ],
)
def test_bad_arguments_are_refused_by_name(call, error, match):
    with pytest.raises(error, match=match):
        call(random_episodic(2, 3, 2, 0))


def test_a_lattice_that_is_too_large_is_refused():
    mdp = EpisodicMDP([[[1.0]]], [[0.0]], H=3)
    fine = EpisodicMDP(np.full((2, 1, 2), 0.5), [[0.0], [1.0]], H=3)
    assert return_distribution(mdp, [0], step=1.0)[0].tolist() == [0.0]
    with pytest.raises(ParameterError, match="max_atoms"):
        return_distribution(fine, [0, 0], step=0.25, max_atoms=10)
