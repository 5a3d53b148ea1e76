"""Mirror descent on occupancies: projections, EXP3 as a special case, upper bounds on visits."""

import math

import naive_adversarial as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, minimize

from experiments.instances.random_mdp import dirichlet_rows
from tabular import AdversarialMDP
from tabular.learning.adversarial import o_reps, uob_reps
from tabular.learning.adversarial._descent_kernels import _largest_mean, _largest_visit, _project_flow
from tabular.learning.adversarial.occupancy_descent import _ConfidenceSet, _project


def random_model(rng, H=2, S=2, A=2, K=20):
    return AdversarialMDP(
        dirichlet_rows((H, S, A, S), 1.0, rng), rng.random((K, H, S, A)), dirichlet_rows((S,), 1.0, rng)
    )


def flow_error(mdp, q):
    into = np.concatenate((mdp.mu0[None], np.einsum("hsa,hsay->hy", q[:-1], mdp.P[:-1])))
    return np.abs(q.sum(axis=2) - into).max()


@settings(max_examples=25)
@given(st.integers(0, 2**31), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_projection_satisfies_the_conditions_of_optimality(seed, H, S, A):
    rng = np.random.default_rng(seed)
    mdp = random_model(rng, H, S, A, 1)
    weights = rng.standard_gamma(0.5, size=(H, S, A)) + 1e-6
    v, q = np.zeros((H + 1, S)), np.empty((H, S, A))
    assert _project_flow(mdp.transitions(), mdp.mu0, weights, 1e-10, v, q)
    assert flow_error(mdp, q) <= 1e-9
    ahead = np.concatenate((v[1:H], np.zeros((1, S)))) if H > 1 else np.zeros((1, S))
    shift = -v[:H, :, None] + np.einsum("hsay,hy->hsa", mdp.P, ahead)
    assert np.allclose(np.log(q / weights), shift, atol=1e-9)


def test_projection_has_the_least_divergence():
    rng = np.random.default_rng(4)
    mdp = random_model(rng, K=1)
    weights = rng.random((2, 2, 2)) + 0.05
    q = np.empty((2, 2, 2))
    _project_flow(mdp.transitions(), mdp.mu0, weights, 1e-12, np.zeros((3, 2)), q)

    def divergence(x):
        x = np.maximum(x, 1e-12)
        return float((x * np.log(x / weights.ravel()) - x).sum())

    rows, right = [], []
    for h in range(2):
        for s in range(2):
            row = np.zeros((2, 2, 2))
            row[h, s] = 1.0
            if h:
                row[0] -= mdp.P[0, :, :, s]
            rows.append(row.ravel())
            right.append(0.0 if h else mdp.mu0[s])
    start = naive.occupancies(mdp, np.full((2, 2, 2), 0.5)).ravel()
    found = minimize(
        divergence, start, method="SLSQP", bounds=[(1e-12, 1.0)] * 8, options={"ftol": 1e-14, "maxiter": 500},
        constraints={"type": "eq", "fun": lambda x: np.array(rows) @ x - right},
    )  # fmt: skip
    assert divergence(q.ravel()) <= found.fun + 1e-8
    assert np.allclose(q.ravel(), found.x, atol=1e-4)
    assert LinearConstraint(np.array(rows), right, right).residual(q.ravel())[0].min() > -1e-9


def test_o_reps_on_a_bandit_is_exp3():
    rng = np.random.default_rng(0)
    losses = rng.random((60, 3))
    mdp = AdversarialMDP(np.ones((1, 3, 1)), losses[:, None, None])
    run = o_reps(mdp, rng=5)
    eta, G, draws = math.sqrt(2 * math.log(3) / (60 * 3)), np.zeros(3), np.random.default_rng(np.random.SeedSequence(5))
    for k in range(60):
        p = naive.hedge(G, eta)
        assert math.isclose(run.losses[k], p @ losses[k], rel_tol=1e-8)
        draws.random()
        a = naive.draw(p, draws.random())
        G[a] += losses[k, a] / p[a]
    implicit = o_reps(mdp, implicit=0.1, rng=5)
    assert not np.allclose(implicit.losses, run.losses)


@pytest.mark.parametrize(("seed", "H", "implicit"), [(0, 2, 0.0), (1, 3, 0.0), (2, 3, 0.2)])
def test_o_reps_agrees_with_the_plain_one(seed, H, implicit):
    mdp = random_model(np.random.default_rng(seed), H=H, K=12)
    if seed == 1:  # one table of transitions for all steps
        mdp = AdversarialMDP(mdp.P[0], mdp.losses, mdp.mu0)
    run = o_reps(mdp, eta=0.3, implicit=implicit, rng=5)
    losses, policy = naive.o_reps(mdp, 0.3, implicit, np.random.default_rng(np.random.SeedSequence(5)))
    assert np.allclose(run.losses, losses, rtol=0.0, atol=1e-7)
    assert np.allclose(run.policy, policy, rtol=0.0, atol=1e-6)
    assert np.ptp(run.policy) > 0.1


def test_o_reps_survives_states_that_nothing_reaches():
    P = np.zeros((2, 3, 2, 3))
    P[..., 0] = 1.0
    mdp = AdversarialMDP(P, np.random.default_rng(0).random((200, 2, 3, 2)), [1.0, 0.0, 0.0])
    run = o_reps(mdp, eta=0.5, rng=0)
    assert np.all(np.isfinite(run.losses))
    assert np.allclose(run.policy.sum(axis=2), 1.0)


@given(st.integers(0, 2**31), st.integers(1, 5))
def test_largest_mean_is_that_of_a_linear_program(seed, S):
    rng = np.random.default_rng(seed)
    p, f = rng.dirichlet(np.ones(S)), np.round(rng.standard_normal(S), 1)
    width = rng.random(S) * 0.4
    low, high = np.maximum(p - width, 0.0), np.minimum(p + width, 1.0)
    assert math.isclose(
        _largest_mean(low, high, f, np.argsort(f)), naive.largest_mean(low, high, f), rel_tol=1e-8, abs_tol=1e-8
    )


def test_largest_visit_is_the_visit_where_nothing_is_uncertain_and_1_where_everything_is():
    rng = np.random.default_rng(1)
    mdp = random_model(rng, H=3, S=3)
    pi = rng.dirichlet(np.ones(2), size=(3, 3))
    visits = naive.occupancies(mdp, pi).sum(axis=2)
    for h in range(3):
        for s in range(3):
            exact = _largest_visit(mdp.P, mdp.P, mdp.mu0, pi, h, s)
            assert math.isclose(exact, visits[h, s], rel_tol=1e-12)
            if h:
                loose = _largest_visit(np.zeros(mdp.P.shape), np.ones(mdp.P.shape), mdp.mu0, pi, h, s)
                assert math.isclose(loose, 1.0, rel_tol=1e-12)
                some = _largest_visit(np.maximum(mdp.P - 0.1, 0), np.minimum(mdp.P + 0.1, 1), mdp.mu0, pi, h, s)
                assert exact <= some <= 1.0


def test_projection_onto_a_confidence_set_lies_in_it():
    rng = np.random.default_rng(2)
    mdp = random_model(rng, H=2, S=2, A=2)
    ball = _ConfidenceSet(mdp, 0.05)
    ball.low, ball.high = np.maximum(mdp.P[:1] - 0.1, 0.0), np.minimum(mdp.P[:1] + 0.1, 1.0)
    q, last = rng.random((1, 2, 2, 2)), rng.random((2, 2))
    new, new_last, _ = _project(q, last, mdp.mu0, ball, np.zeros(4 + 2 * 8))
    total = new.sum(axis=3, keepdims=True)
    assert np.allclose(new.sum(axis=(0, 2, 3)), mdp.mu0, atol=1e-4)
    assert np.allclose(new.sum(axis=(0, 1, 2)), new_last.sum(axis=1), atol=1e-4)
    assert np.all(new <= ball.high * total + 1e-4)
    assert np.all(new >= ball.low * total - 1e-4)
    free = _ConfidenceSet(mdp, 0.05)
    assert np.all(free.low == 0.0)
    assert np.all(free.high == 1.0)


def test_confidence_set_shrinks_as_the_width_says():
    mdp = random_model(np.random.default_rng(3), H=2, S=2, A=2, K=20)
    ball = _ConfidenceSet(mdp, 0.1)
    for i in range(4000):
        ball.record(np.array([0, i % 2]), np.array([1, 0]))
    n = ball.counted[0, 0, 1]
    assert n == 2048
    log = math.log(20 * 2 * 2 / 0.1)
    width = 2.0 * math.sqrt(0.5 * log / (n - 1)) + 14.0 * log / (3.0 * (n - 1))
    assert math.isclose(ball.high[0, 0, 1, 0], 0.5 + width, rel_tol=1e-9)
    assert math.isclose(ball.low[0, 0, 1, 1], 0.5 - width, rel_tol=1e-9)


@pytest.mark.statistical
def test_uob_reps_learns_the_better_action():
    losses = np.ones((120, 1, 1, 2))
    losses[..., 1] = 0.0
    run = uob_reps(AdversarialMDP(np.ones((1, 2, 1)), losses), eta=0.5, rng=0)
    assert run.losses[-10:].mean() < 0.1
