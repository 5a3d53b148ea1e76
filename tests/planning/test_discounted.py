"""Discounted planning against enumeration in fractions, closed forms and the other solvers."""

import itertools
from fractions import Fraction as F
from functools import partial

import naive_planning as naive
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular import AverageRewardMDP, DiscountedMDP, EpisodicMDP, NotConverged, ParameterError, PolicyError
from tabular.planning import (
    backward_induction,
    bellman_operator,
    evaluate,
    exact,
    linear_program,
    modified_policy_iteration,
    occupancy,
    policy_iteration,
    value_iteration,
)

SOLVERS = {
    "standard": value_iteration,
    "gauss-seidel": partial(value_iteration, update="gauss-seidel"),
    "interval": partial(value_iteration, update="interval"),
    "optimistic": partial(value_iteration, update="optimistic"),
    "modified": modified_policy_iteration,
    "modified-m3": partial(modified_policy_iteration, inner=3),
    "modified-m0": partial(modified_policy_iteration, inner=0),
    "howard": policy_iteration,
    "simplex": partial(policy_iteration, switch="simplex"),
}


def sparse(mdp):
    return DiscountedMDP(sp.csr_array(mdp.P.reshape(mdp.S * mdp.A, mdp.S)), mdp.r, mdp.gamma, mdp.mu0)


def encloses(plan, truth):
    return all(F(float(a)) <= v <= F(float(b)) for a, v, b in zip(plan.lower, truth, plan.upper, strict=True))


def random_mdp(S, A, gamma, seed, concentration=0.3):
    rng = np.random.default_rng(seed)
    return DiscountedMDP(rng.dirichlet(np.full(S, concentration), (S, A)), rng.random((S, A)), gamma)


def puterman_two_states(beta):
    """Puterman 1994, Example 3.1: a1 in s1 gives 5 and stays with 1/2, a2 gives 10 and leaves; s2 costs 1."""
    P = [[[0.5, 0.5], [0.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]]]
    return DiscountedMDP(P, [[5.0, 10.0], [-1.0, -1.0]], beta)


@pytest.mark.parametrize("name", SOLVERS)
@given(table=naive.tables(), gamma=naive.discounts)
@settings(max_examples=25)
def test_every_enclosure_contains_the_optimum_found_by_enumeration(name, table, gamma):
    P, r = table
    truth = naive.optimal_values(P, r, gamma)
    for mdp in (DiscountedMDP(P, r, gamma), sparse(DiscountedMDP(P, r, gamma))):
        plan = SOLVERS[name](mdp)
        assert plan.converged
        assert plan.width <= 1e-10
        assert encloses(plan, truth)
        assert (plan.lower <= plan.V).all()
        assert (plan.upper >= plan.V).all()
        np.testing.assert_allclose(plan.Q.max(axis=1), plan.V, atol=1e-9)
        own = naive.policy_values(P, r, gamma, plan.policy)
        assert all(float(t - v) <= 3e-10 for t, v in zip(truth, own, strict=True))


@pytest.mark.parametrize("name", SOLVERS)
def test_dense_and_csr_agree_on_a_larger_model(name):
    mdp = random_mdp(30, 4, 0.9, 0, concentration=0.05)
    plans = [SOLVERS[name](m) for m in (mdp, sparse(mdp))]
    np.testing.assert_allclose(plans[0].V, plans[1].V, atol=2e-10)
    np.testing.assert_array_equal(plans[0].policy, plans[1].policy)


@pytest.mark.parametrize("beta", [0.5, 0.9, 0.95, 0.999])
@pytest.mark.parametrize("name", SOLVERS)
def test_puterman_example_3_1_in_closed_form(name, beta):
    mdp = puterman_two_states(beta)
    second = -1.0 / (1.0 - beta)
    stay = (5.0 - 5.5 * beta) / ((1.0 - 0.5 * beta) * (1.0 - beta))
    leave = 10.0 + beta * second
    tol = 1e-10 if beta < 0.999 else 1e-8
    plan = SOLVERS[name](mdp, tol=tol)
    np.testing.assert_allclose(plan.V, [max(stay, leave), second], rtol=1e-13, atol=tol)
    assert plan.policy[0] == (0 if beta > 10 / 11 else 1)


def test_puterman_example_3_1_exactly():
    plan = policy_iteration(puterman_two_states(0.95))
    np.testing.assert_allclose(plan.V, [-60 / 7, -20.0], rtol=1e-14)


@pytest.mark.parametrize("k", [1, 2, 4, 6, 8, 10, 12])
def test_enclosures_stay_valid_as_gamma_approaches_one(k):
    """R-11: the width grows with the rounding floor; an unattainable tolerance is refused, not pretended."""
    gamma = 1.0 - 10.0**-k
    P = np.array([[[0.5, 0.5], [0.25, 0.75]], [[0.75, 0.25], [0.125, 0.875]]])
    mdp = DiscountedMDP(P, [[1.0, 0.5], [0.0, 0.25]], gamma)
    truth = exact.solve(mdp).V
    widths = []
    for solver in (value_iteration, modified_policy_iteration, policy_iteration):
        try:
            plan = solver(mdp, tol=1e-9) if solver is not policy_iteration else solver(mdp)
        except NotConverged as problem:
            plan, message = problem.partial, str(problem)
        else:
            message = "rounding"
        assert "rounding" in message
        assert plan.converged or k >= 4
        assert encloses(plan, truth)
        widths.append(plan.width)
    assert max(widths) <= max(1e-9, 1e-14 / (1.0 - gamma) ** 2)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("gamma", [0.9, 1.0 - 1e-6, 1.0 - 1e-10])
def test_enclosures_of_models_with_full_mantissas_contain_the_exact_optimum(seed, gamma):
    """Nothing here is dyadic, so every product rounds: the allowance is needed, in the limit most of the width."""
    mdp = random_mdp(5, 2, gamma, seed)
    mdp = DiscountedMDP(mdp.P, mdp.r - policy_iteration(mdp, tol=1.0).value * (1.0 - gamma), gamma)
    truth = exact.solve(mdp).V
    for model in (mdp, sparse(mdp)):
        for solver in (policy_iteration, partial(modified_policy_iteration, tol=1e-13)):
            try:
                plan = solver(model)
            except NotConverged as problem:
                plan = problem.partial
            assert encloses(plan, truth)
        result = evaluate(model, exact.solve(mdp).policy, tol=1.0)
        assert encloses(result, truth)


def test_an_enclosure_that_ignored_row_sums_would_be_wrong():
    """Rows off by 1e-9 move the values by about 1e-9/(1-gamma)^2; the bounds must follow the stated floats."""
    P = np.array([[[0.5, 0.5 + 1e-9]], [[0.5, 0.5 + 1e-9]]])
    mdp = DiscountedMDP(P, [[1.0], [1.0]], 0.99)
    truth = exact.solve(mdp).V
    assert float(truth[0]) - 100.0 > 5e-6
    with pytest.raises(NotConverged) as caught:
        value_iteration(mdp)
    assert encloses(caught.value.partial, truth)


@given(table=naive.tables(), gamma=naive.discounts, shift=st.integers(-8, 8), scale=st.sampled_from([0.25, 1.0, 4.0]))
@settings(max_examples=25)
def test_affine_change_of_rewards(table, gamma, shift, scale):
    P, r = table
    plain = exact.solve(DiscountedMDP(P, r, gamma))
    moved = value_iteration(DiscountedMDP(P, scale * r + shift, gamma), tol=1e-9)
    truth = [F(scale) * v + F(shift) / (1 - F(gamma)) for v in plain.V]
    assert encloses(moved, truth)


@pytest.mark.parametrize("scale", [1e-250, 1e-12, 1.0, 1e12, 1e290])
def test_scaling_rewards_scales_the_answer(scale):
    mdp = random_mdp(5, 3, 0.9, 4)
    reference = value_iteration(mdp, tol=1e-9)
    plan = value_iteration(DiscountedMDP(mdp.P, mdp.r * scale, 0.9), tol=1e-9 * scale)
    np.testing.assert_allclose(plan.V / scale, reference.V, atol=2e-9)
    np.testing.assert_array_equal(plan.policy, reference.policy)


def test_a_large_constant_reward_does_not_eat_the_differences():
    mdp = random_mdp(6, 3, 0.5, 1)
    plain = policy_iteration(mdp)
    moved = policy_iteration(DiscountedMDP(mdp.P, mdp.r + 1e9, 0.5))
    np.testing.assert_array_equal(plain.policy, moved.policy)
    np.testing.assert_allclose(moved.V - 2e9, plain.V, atol=1e-5)


@given(table=naive.tables(shape=(4, 2)), order=st.permutations(range(4)))
@settings(max_examples=25)
def test_renaming_states_permutes_the_plan(table, order):
    P, r = table
    order = np.array(order)
    plan = value_iteration(DiscountedMDP(P, r, 0.875))
    renamed = value_iteration(DiscountedMDP(P[order][:, :, order], r[order], 0.875))
    np.testing.assert_allclose(renamed.V, plan.V[order], atol=2e-10)


@pytest.mark.parametrize("name", SOLVERS)
def test_ties_go_to_the_smallest_action(name):
    rng = np.random.default_rng(0)
    P, r = rng.dirichlet(np.ones(4), (4, 1)), rng.random((4, 1))
    mdp = DiscountedMDP(np.repeat(P, 3, axis=1), np.repeat(r, 3, axis=1), 0.9)
    assert (SOLVERS[name](mdp).policy == 0).all()
    assert (policy_iteration(mdp, policy=[2, 1, 2, 1]).policy == 0).all()


def test_ties_that_rounding_breaks_are_still_ties():
    """Action 1 is action 0 with the successors in another order: equal in exact arithmetic only."""
    P = np.zeros((4, 2, 4))
    P[0, 0], P[0, 1] = [0.0, 0.1, 0.2, 0.7], [0.0, 0.2, 0.7, 0.1]
    P[1:, :, 0] = 1.0
    r = np.full((4, 2), 1.0)
    r[0] = 1.0 / 3.0
    for gamma in np.linspace(0.05, 0.95, 19):
        assert value_iteration(DiscountedMDP(P, r, gamma), tol=1e-9).policy[0] == 0
        assert policy_iteration(DiscountedMDP(P, r, gamma)).policy[0] == 0


@pytest.mark.parametrize("name", SOLVERS)
def test_one_state_and_one_action(name):
    plan = SOLVERS[name](DiscountedMDP([[[1.0]]], [[2.0]], 0.75))
    np.testing.assert_allclose(plan.V, [8.0], atol=1e-10)
    assert plan.policy.tolist() == [0]


@pytest.mark.parametrize("name", SOLVERS)
def test_gamma_zero_is_one_step(name):
    plan = SOLVERS[name](DiscountedMDP(np.full((2, 2, 2), 0.5), [[1.0, 3.0], [2.0, 0.0]], 0.0))
    np.testing.assert_allclose(plan.V, [3.0, 2.0], atol=1e-12)
    assert plan.policy.tolist() == [1, 0]


def test_naive_stopping_rule_is_caught():
    """Control: 'stop when the change is below eps' leaves an error far above eps at gamma = 0.99."""
    mdp = random_mdp(6, 2, 0.99, 0)
    V, change = np.zeros(6), 1.0
    while change > 1e-3:
        TV, _ = bellman_operator(mdp, V)
        V, change = TV, np.abs(TV - V).max()
    truth = np.array([float(v) for v in exact.solve(mdp).V])
    assert np.abs(truth - V).max() > 50 * 1e-3
    assert encloses(value_iteration(mdp, tol=1e-3), exact.solve(mdp).V)


def test_modified_policy_iteration_monotonicity_needs_its_assumption():
    """T v0 >= v0 makes the iterates increase; from a v0 that is too high they do not (control)."""
    mdp = random_mdp(5, 3, 0.9, 2)

    def iterates(v):
        out = [v]
        for _ in range(4):
            _, policy = bellman_operator(mdp, out[-1])
            for _ in range(4):
                Q = mdp.r + 0.9 * mdp.P @ v
                v = Q[np.arange(5), policy]
            out.append(v)
        return np.diff(np.array(out), axis=0).min()

    assert iterates(np.zeros(5)) >= -1e-12
    assert iterates(np.full(5, 50.0)) < -1.0


@pytest.mark.parametrize("name", ["standard", "gauss-seidel", "interval", "optimistic"])
def test_missing_the_tolerance_is_an_error_with_sound_partial_bounds(name):
    mdp = random_mdp(6, 2, 0.99, 0)
    with pytest.raises(NotConverged) as caught:
        value_iteration(mdp, update=name, max_sweeps=3)
    plan = caught.value.partial
    assert not plan.converged
    assert plan.sweeps <= 4
    assert encloses(plan, exact.solve(mdp).V)


def test_policy_iteration_and_mpi_report_running_out():
    mdp = random_mdp(12, 6, 0.99, 0)
    first = np.zeros(12, dtype=np.int64)
    with pytest.raises(NotConverged) as caught:
        policy_iteration(mdp, switch="simplex", policy=first, max_iterations=2)
    assert encloses(caught.value.partial, exact.solve(mdp).V)
    with pytest.raises(NotConverged):
        modified_policy_iteration(mdp, inner=1, max_sweeps=2)


def test_simplex_switches_one_state_at_a_time_and_needs_more_iterations():
    mdp = random_mdp(12, 6, 0.99, 0)
    first = np.zeros(12, dtype=np.int64)
    howard, simplex = policy_iteration(mdp, policy=first), policy_iteration(mdp, policy=first, switch="simplex")
    assert simplex.sweeps > howard.sweeps
    np.testing.assert_array_equal(howard.policy, simplex.policy)
    bound = 12 * 5 * np.ceil(np.log(100) / 0.01)
    assert simplex.sweeps <= bound


@given(table=naive.tables(max_actions=3), gamma=naive.discounts, data=st.data())
@settings(max_examples=40)
def test_evaluate_encloses_the_exact_values(table, gamma, data):
    P, r = table
    S, A = r.shape
    deterministic = np.array(data.draw(st.lists(st.integers(0, A - 1), min_size=S, max_size=S)))
    stochastic = np.array([data.draw(naive.rows(A)) for _ in range(S)])
    for mdp in (DiscountedMDP(P, r, gamma), sparse(DiscountedMDP(P, r, gamma))):
        result = evaluate(mdp, deterministic)
        assert encloses(result, naive.policy_values(P, r, gamma, deterministic))
        np.testing.assert_allclose(result.Q[np.arange(S), deterministic], result.V, atol=1e-10)
        mixed = evaluate(mdp, stochastic)
        assert encloses(mixed, naive.stochastic_policy_values(P, r, gamma, stochastic))
        assert (mixed.upper - mixed.lower).max() < 1e-9
        np.testing.assert_allclose(mixed.value, mdp.mu0 @ mixed.V, atol=1e-12)


@pytest.mark.parametrize("gamma", [0.9, 0.999])
def test_evaluate_large_sparse_model(gamma):
    """Above the factorisation limit: BiCGSTAB; compared with a sparse LU of the same system."""
    S, rng = 3000, np.random.default_rng(0)
    columns = (np.arange(S)[:, None] + rng.integers(-5, 6, (S, 4))) % S
    weights = rng.dirichlet(np.ones(4), S)
    P = sp.csr_array((weights.ravel(), columns.ravel(), np.arange(0, 4 * S + 1, 4)), shape=(S, S))
    mdp = DiscountedMDP(P, rng.random((S, 1)), gamma)
    result = evaluate(mdp, np.zeros(S, dtype=int))
    direct = sp.linalg.spsolve((sp.eye_array(S) - gamma * mdp.P).tocsc(), mdp.r[:, 0])
    assert (result.lower <= direct + 1e-9).all()
    assert (direct - 1e-9 <= result.upper).all()
    assert (result.upper - result.lower).max() < 1e-9 / (1 - gamma)


def test_evaluate_periodic_sparse_chain_defeats_krylov_but_not_the_certificate():
    S = 3001
    P = sp.csr_array((np.ones(S), (np.arange(S), (np.arange(S) + 1) % S)), shape=(S, S))
    r = np.zeros((S, 1))
    r[0] = 1.0
    result = evaluate(DiscountedMDP(P, r, 0.99), np.zeros(S, dtype=int))
    expected = 0.99 ** ((S - np.arange(S)) % S) / (1 - 0.99**S)
    np.testing.assert_allclose(result.V, expected, atol=1e-9)


@given(table=naive.tables(), gamma=st.sampled_from([0.5, 0.875]), data=st.data())
@settings(max_examples=30)
def test_occupancy_satisfies_flow_and_reproduces_value(table, gamma, data):
    P, r = table
    S, A = r.shape
    pi = np.array([data.draw(naive.rows(A)) for _ in range(S)])
    mu0 = np.array(data.draw(naive.rows(S)))
    for mdp in (DiscountedMDP(P, r, gamma, mu0), sparse(DiscountedMDP(P, r, gamma, mu0))):
        d = occupancy(mdp, pi)
        assert d.min() >= 0.0
        np.testing.assert_allclose(d.sum(), 1.0, atol=1e-9)
        np.testing.assert_allclose(d.sum(1), (1 - gamma) * mu0 + gamma * np.einsum("sa,sax->x", d, P), atol=1e-9)
        truth = naive.stochastic_policy_values(P, r, gamma, pi)
        value = float(sum(F(m) * v for m, v in zip(mu0.tolist(), truth, strict=True)))
        np.testing.assert_allclose((d * r).sum() / (1 - gamma), value, atol=1e-8)


def test_occupancy_is_exactly_zero_where_the_policy_never_goes():
    P = np.zeros((4, 2, 4))
    P[0, :, 1] = P[1, :, 0] = P[2, :, 3] = 1.0
    P[3, :, 2] = 1.0
    P[1, 1] = [0.0, 0.0, 1.0, 0.0]
    mdp = DiscountedMDP(P, np.zeros((4, 2)), 0.9, [1.0, 0.0, 0.0, 0.0])
    for m in (mdp, sparse(mdp)):
        assert (occupancy(m, [0, 0, 0, 0])[2:] == 0.0).all()
        assert (occupancy(m, [0, 1, 0, 0])[2:, 0] > 0.0).all()


@pytest.mark.parametrize("seed", range(20))
def test_occupancy_zeros_are_exact_in_any_order_of_states(seed):
    """Unreachable states that feed the reachable ones, interleaved with them."""
    rng = np.random.default_rng(seed)
    P = np.zeros((12, 1, 12))
    for s in range(12):
        successors = np.arange(1, 12, 2) if s % 2 else np.arange(12)
        P[s, 0, successors] = rng.dirichlet(np.full(successors.size, 0.2))
    mu0 = np.zeros(12)
    mu0[1] = 1.0
    d = occupancy(DiscountedMDP(P, np.zeros((12, 1)), 0.99, mu0), np.zeros(12, dtype=int))
    assert (d[::2] == 0.0).all()
    np.testing.assert_allclose(d.sum(), 1.0, atol=1e-9)


@given(table=naive.tables(shape=(4, 3)), data=st.data())
@settings(max_examples=25)
def test_performance_difference_lemma(table, data):
    """Kakade and Langford: V^p(mu) - V^q(mu) = E_{d^p}[A^q] / (1 - gamma)."""
    P, r = table
    mdp = DiscountedMDP(P, r, 0.875, data.draw(naive.rows(4)))
    p, q = (np.array([data.draw(naive.rows(3)) for _ in range(4)]) for _ in range(2))
    ep, eq = evaluate(mdp, p), evaluate(mdp, q)
    advantage = eq.Q - eq.V[:, None]
    right = (occupancy(mdp, p) * advantage).sum() / (1 - 0.875)
    np.testing.assert_allclose(ep.value - eq.value, right, atol=1e-7)


@given(table=naive.tables(), gamma=naive.discounts, constant=st.integers(-8, 8))
@settings(max_examples=25)
def test_bellman_operator_is_monotone_and_commutes_with_constants(table, gamma, constant):
    P, r = table
    mdp = DiscountedMDP(P, r, gamma)
    V = np.linspace(-1.0, 1.0, mdp.S)
    TV, policy = bellman_operator(mdp, V)
    moved, same = bellman_operator(mdp, V + constant)
    np.testing.assert_allclose(moved, TV + gamma * constant, atol=1e-12)
    np.testing.assert_array_equal(policy, same)
    assert (bellman_operator(mdp, V + np.arange(mdp.S))[0] >= TV - 1e-12).all()
    by_hand = [max(r[s, a] + gamma * (P[s, a] @ V) for a in range(mdp.A)) for s in range(mdp.S)]
    np.testing.assert_allclose(TV, by_hand, atol=1e-12)


def test_sparse_model_with_unequal_rows_and_many_actions():
    rng = np.random.default_rng(3)
    P = np.zeros((7, 5, 7))
    for s, a in itertools.product(range(7), range(5)):
        where = rng.choice(7, size=rng.integers(1, 8), replace=False)
        P[s, a, where] = rng.dirichlet(np.ones(where.size))
    mdp = DiscountedMDP(P, rng.random((7, 5)), 0.9)
    truth = exact.solve(mdp)
    for solver in SOLVERS.values():
        assert encloses(solver(sparse(mdp)), truth.V)


def test_linear_program_agrees_with_policy_iteration():
    mdp = random_mdp(8, 3, 0.9, 5)
    plan = policy_iteration(mdp)
    np.testing.assert_allclose(linear_program(mdp).V, plan.V, atol=1e-9)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda m: value_iteration(m, tol=0.0), ParameterError, "tol"),
        (lambda m: value_iteration(m, tol=np.nan), ParameterError, "tol"),
        (lambda m: value_iteration(m, update="jacobi"), ParameterError, "'standard'"),
        (lambda m: value_iteration(m, max_sweeps=0), ParameterError, "max_sweeps"),
        (lambda m: modified_policy_iteration(m, inner=-1), ParameterError, "inner"),
        (lambda m: policy_iteration(m, switch="all"), ParameterError, "'howard'"),
        (lambda m: policy_iteration(m, policy=[0, 2, 0]), PolicyError, r"policy\[1\] is 2"),
        (lambda m: policy_iteration(m, policy=np.full((3, 2), 0.5)), PolicyError, "deterministic"),
        (lambda m: evaluate(m, [0, 0]), PolicyError, "shape"),
        (lambda m: evaluate(m, np.full((3, 2), 0.6)), PolicyError, "sums to 1.2"),
        (lambda m: evaluate(m, [0, 0, 0], tol=-1.0), ParameterError, "tol"),
        (lambda m: occupancy(m, [0, -1, 0]), PolicyError, r"policy\[1\] is -1"),
        (lambda m: bellman_operator(m, [0.0, np.nan, 0.0]), ParameterError, r"V\[1\] is nan"),
        (lambda m: bellman_operator(m, [0.0]), ParameterError, "shape"),
    ],
)
def test_bad_arguments_are_refused_by_name(call, error, match):
    with pytest.raises(error, match=match):
        call(random_mdp(3, 2, 0.9, 0))


@pytest.mark.parametrize("name", SOLVERS)
def test_row_sums_that_may_undo_the_discount_leave_no_bound(name):
    """Rows of 1 + 9e-9 at gamma = 1 - 1e-9: the values are infinite, so nothing finite may be returned."""
    mdp = DiscountedMDP([[[0.5, 0.5 + 9e-9]]] * 2, [[1.0], [0.5]], 1.0 - 1e-9)
    with pytest.raises(NotConverged):
        SOLVERS[name](mdp)


def test_models_of_the_wrong_kind_are_refused_by_name():
    episodic, average = EpisodicMDP([[[1.0]]], [[1.0]], H=2), AverageRewardMDP([[[1.0]]], [[1.0]])
    for call in (value_iteration, policy_iteration, modified_policy_iteration, linear_program):
        for model in (episodic, average):
            with pytest.raises(ParameterError, match=f"not {type(model).__name__}"):
                call(model)
    with pytest.raises(ParameterError, match="backward_induction takes EpisodicMDP"):
        backward_induction(average)
    with pytest.raises(ParameterError, match="occupancy takes EpisodicMDP or DiscountedMDP"):
        occupancy(average, [0])
    with pytest.raises(ParameterError, match=r"exact\.solve"):
        exact.solve(average)
    with pytest.raises(ParameterError, match="bellman_operator"):
        bellman_operator(episodic, [0.0])


def test_average_reward_models_are_evaluated_by_gain_and_bias():
    average = AverageRewardMDP([[[0.0, 1.0]], [[1.0, 0.0]]], [[1.0], [0.0]])
    np.testing.assert_allclose(evaluate(average, [0, 0]).gain, [0.5, 0.5])


def test_results_and_models_are_left_read_only_and_untouched():
    mdp = random_mdp(4, 2, 0.9, 0)
    before = mdp.fingerprint()
    plan = modified_policy_iteration(mdp)
    assert mdp.fingerprint() == before
    with pytest.raises(ValueError, match="read-only"):
        plan.V[0] = 0.0
