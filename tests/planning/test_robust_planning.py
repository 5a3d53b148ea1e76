"""Robust planners against brute force over adversaries and policies, conic solvers, and each other."""

import math

import naive_robust as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular import DiscountedMDP, EpisodicMDP, LinearMDP, NotConverged, ParameterError, PolicyError
from tabular.planning import (
    backward_induction,
    evaluate,
    robust_backward_induction,
    robust_evaluate,
    robust_value_iteration,
    value_iteration,
    worst_case,
)
from tabular.testing.linear_strategies import linear_mdps
from tabular.testing.strategies import discounted_mdps, episodic_mdps

KINDS = ("tv", "kl", "chi2")
FORMS = ("penalty", "radius")
OPERATORS = [(kind, form) for kind in KINDS for form in FORMS]
operators = st.sampled_from(OPERATORS)
levels = st.sampled_from((1e-3, 0.05, 0.3, 1.0, 5.0))


def linear_model(rng, S=4, A=2, d=3, H=3):
    return LinearMDP(
        rng.dirichlet(np.ones(d), (S, A)), rng.dirichlet(np.ones(S), (H, d)), rng.random((H, d)), np.eye(S)[0]
    )


def table(rng, S=4, A=3, H=3, zeros=0.0):
    P = rng.dirichlet(np.ones(S), (H, S, A))
    P[rng.random(P.shape) < zeros] = 0.0
    P[..., 0] += P.sum(axis=-1) == 0.0
    return EpisodicMDP(P / P.sum(axis=-1, keepdims=True), rng.random((H, S, A)))


def one_hot(model):
    S, A, H = model.S, model.A, model.H
    mu = np.stack([model.P[h].reshape(S * A, S) for h in range(H)])
    theta = np.stack([model.r[h].reshape(S * A) for h in range(H)])
    return LinearMDP(np.eye(S * A).reshape(S, A, S * A), mu, theta, model.mu0)


# ---------------------------------------------------------------------------------------------- d-rectangular


@pytest.mark.parametrize(("kind", "form"), OPERATORS)
def test_the_recursion_from_its_definition(kind, form):
    rng = np.random.default_rng(0)
    for _ in range(5):
        model, level = linear_model(rng), rng.uniform(0.05, 1.0)

        def operator(h, i, V, model=model, level=level):
            return float(naive.optimum(kind, V, model.mu[h, i], **{form: level}, digits=40))

        plan = robust_backward_induction(model, divergence=kind, **{form: level})
        assert pytest.approx(naive.bellman(model, operator), abs=1e-13) == plan.V
        assert (plan.lower <= plan.V).all()
        assert (plan.upper >= plan.V).all()
        assert plan.upper.max() - plan.upper.min() < 10.0
        assert plan.policy.tolist() == plan.Q.argmax(axis=-1).tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_no_adversary_of_thousands_does_better_and_the_worst_attains(kind):
    """Values of every deterministic policy: below every sampled adversary's, and equal to that of ``worst``."""
    rng = np.random.default_rng(1)
    model, price = linear_model(rng, S=3, A=2, d=2, H=2), 0.4
    best = np.full(3, -np.inf)
    for policy in naive.policies(2, 3, 2):
        found = robust_evaluate(model, policy, divergence=kind, penalty=price)
        attained = naive.payoff(model, policy, found.worst, price, kind)
        assert attained == pytest.approx(found.V, abs=1e-12)
        for _ in range(40):
            nearby = rng.choice([0.01, 0.3, 1.0])
            mu = (1.0 - nearby) * found.worst + nearby * rng.dirichlet(np.ones(3), found.worst.shape[:2])
            assert (naive.payoff(model, policy, mu, price, kind) >= found.V - 1e-12).all()
        best = np.maximum(best, found.V[0])
    plan = robust_backward_induction(model, divergence=kind, penalty=price)
    assert plan.V[0] == pytest.approx(best, abs=1e-12)


def test_total_variation_balls_by_their_vertices():
    """Every vertex adversary (all h, i) against every policy: the maximin value, by brute force."""
    rng = np.random.default_rng(2)
    for _ in range(3):
        model, radius = linear_model(rng, S=3, A=2, d=2, H=2), 0.2
        corners = [[naive.vertices_tv(model.mu[h, i], radius) for i in range(2)] for h in range(2)]
        best = np.full(3, -np.inf)
        for policy in naive.policies(2, 3, 2):
            smallest = np.full(3, np.inf)
            for last in np.ndindex(len(corners[1][0]), len(corners[1][1])):
                for first in np.ndindex(len(corners[0][0]), len(corners[0][1])):
                    mu = np.array(
                        [[corners[0][i][first[i]] for i in range(2)], [corners[1][i][last[i]] for i in range(2)]]
                    )
                    V1 = np.einsum("si,i->s", model.phi[np.arange(3), policy[1]], model.theta[1])
                    V0 = model.phi[np.arange(3), policy[0]] @ (model.theta[0] + mu[0] @ V1)
                    smallest = np.minimum(smallest, V0)
                break  # the last transition carries no value
            best = np.maximum(best, smallest)
        assert robust_backward_induction(model, divergence="tv", radius=radius).V[0] == pytest.approx(best, abs=1e-12)


@given(episodic_mdps(max_states=3, max_actions=2, max_horizon=3), operators, levels)
def test_one_hot_features_are_the_sa_rectangle_to_the_last_bit(model, operator, level):
    kind, form = operator
    linear = robust_backward_induction(one_hot(model), divergence=kind, **{form: level})
    plan = robust_backward_induction(model, divergence=kind, rectangularity="sa", **{form: level})
    assert linear.V.tolist() == plan.V.tolist()
    assert linear.Q.tolist() == plan.Q.tolist()


@given(linear_mdps(max_horizon=3), operators, levels)
def test_between_the_pessimist_and_the_nominal_plan_and_above_the_rectangle(model, operator, level):
    kind, form = operator
    plan = robust_backward_induction(model, divergence=kind, **{form: level})
    nominal = backward_induction(model.to_episodic())
    assert (plan.V <= nominal.V + 1e-12).all()
    tight = robust_backward_induction(model, divergence=kind, **{form: 0.5 * level})
    low, high = (tight, plan) if form == "penalty" else (plan, tight)
    assert (low.V <= high.V + 1e-12).all()
    if form == "penalty":
        rectangle = robust_backward_induction(model, divergence=kind, penalty=level, rectangularity="sa")
        assert (plan.V >= rectangle.V - 1e-12).all()


@given(linear_mdps(max_horizon=3), st.sampled_from(KINDS), st.sampled_from(("d", "sa", "s")))
def test_a_prohibitive_price_and_an_empty_ball_are_the_nominal_model(model, kind, rectangularity):
    nominal = backward_induction(model.to_episodic())
    for level in ({"penalty": 1e12}, {"radius": 0.0}):
        plan = robust_backward_induction(model, divergence=kind, rectangularity=rectangularity, **level)
        assert pytest.approx(nominal.V, abs=1e-10) == plan.V


@given(linear_mdps(max_horizon=3), operators, levels, st.sampled_from(("d", "sa", "s")))
def test_the_plan_is_worth_what_it_says(model, operator, level, rectangularity):
    kind, form = operator
    how = {"divergence": kind, form: level, "rectangularity": rectangularity}
    plan = robust_backward_induction(model, **how)
    found = robust_evaluate(model, plan.policy, **how)
    assert pytest.approx(plan.V, abs=1e-12) == found.V
    assert (found.lower <= plan.upper).all()
    assert (plan.lower <= found.upper).all()
    assert plan.width <= 1e-11


@pytest.mark.parametrize("rectangularity", ["d", "sa", "s"])
@pytest.mark.parametrize(("kind", "form"), OPERATORS)
def test_no_policy_beats_the_plan(kind, form, rectangularity):
    rng = np.random.default_rng(3)
    model, how = linear_model(rng), {"divergence": kind, form: 0.3, "rectangularity": rectangularity}
    plan = robust_backward_induction(model, **how)
    for _ in range(20):
        policy = rng.dirichlet(np.full(2, 0.5), (3, 4))
        assert (robust_evaluate(model, policy, **how).V <= plan.V + 1e-12).all()
    for policy in list(naive.policies(3, 4, 2))[::257]:
        assert (robust_evaluate(model, policy, **how).V <= plan.V + 1e-12).all()


def test_the_adversary_sees_the_action_unless_the_rectangle_is_the_state():
    """Two actions that fear opposite moves: mixing pays only where the budget is shared."""
    P = np.array([[[0.5, 0.5, 0.0], [0.5, 0.0, 0.5]], [[0.0, 1.0, 0.0]] * 2, [[0.0, 0.0, 1.0]] * 2])
    model = EpisodicMDP(P, [[0.0, 0.0], [1.0, 1.0], [1.0, 1.0]], [1.0, 0.0, 0.0], H=2)
    how = {"divergence": "tv", "radius": 0.2}
    shared = robust_backward_induction(model, rectangularity="s", **how)
    assert shared.policy[0, 0] == pytest.approx([0.5, 0.5])
    assert shared.V[0, 0] == pytest.approx(0.4, abs=1e-15)
    apart = robust_backward_induction(model, rectangularity="sa", **how)
    assert apart.V[0, 0] == pytest.approx(0.3, abs=1e-15)


def test_ties_go_to_the_smallest_action():
    model = EpisodicMDP(np.full((1, 3, 4, 3), 1 / 3), np.full((1, 3, 4), 0.1))
    assert not robust_backward_induction(model, divergence="kl", penalty=1.0, rectangularity="sa").policy.any()


@pytest.mark.parametrize(("rectangularity", "shape"), [("d", (3, 3)), ("sa", (3, 4, 2)), ("s", (3, 4))])
def test_levels_broadcast(rectangularity, shape):
    rng = np.random.default_rng(4)
    model = linear_model(rng)
    each = rng.uniform(0.1, 2.0, shape)
    for kind in KINDS:
        full = robust_backward_induction(model, divergence=kind, penalty=each, rectangularity=rectangularity)
        again = robust_backward_induction(model, divergence=kind, penalty=each.tolist(), rectangularity=rectangularity)
        assert full.V.tolist() == again.V.tolist()
        assert full.dual.shape == shape
        row = robust_backward_induction(model, divergence=kind, penalty=each[0], rectangularity=rectangularity)
        stacked = np.broadcast_to(each[0], shape)
        same = robust_backward_induction(model, divergence=kind, penalty=stacked, rectangularity=rectangularity)
        assert row.V.tolist() == same.V.tolist()


def test_the_level_of_a_step_and_a_feature_is_its_own():
    rng = np.random.default_rng(5)
    model = linear_model(rng)
    plan = robust_backward_induction(model, divergence="tv", radius=[[0.0, 0.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 0.0]])
    assert np.abs(plan.worst - model.mu).sum(axis=-1)[[0, 2]].max() < 1e-15
    assert plan.worst[1, [0, 2]] == pytest.approx(model.mu[1, [0, 2]], abs=1e-15)
    expected = worst_case(plan.V[2], model.mu[1, 1], divergence="tv", radius=0.5)
    assert plan.worst[1, 1].tolist() == expected.distribution.tolist()


# ---------------------------------------------------------------------------------------------- s-rectangular


def conic(kind, form, level, q, r, V, x=None):
    """One state's value by a conic solver: the adversary's problem, against the best action or the mixture ``x``."""
    import cvxpy as cp

    A, S = q.shape
    p = cp.Variable((A, S), nonneg=True)
    rules, spent = [cp.sum(p, axis=1) == 1.0], 0.0
    for a in range(A):
        seen = q[a] > 0.0
        if kind == "tv":
            spent += 0.5 * cp.norm1(p[a] - q[a])
            continue
        if not seen.all():
            rules.append(p[a, ~seen] == 0.0)
        inside, centre = p[a, seen], q[a, seen]
        spent += (
            cp.sum(cp.rel_entr(inside, centre))
            if kind == "kl"
            else cp.sum(cp.multiply(1.0 / centre, cp.square(inside - centre)))
        )
    values = r + p @ V
    cost = cp.max(values) if x is None else values @ x
    if form == "penalty":
        cost = cost + level * spent
    else:
        rules.append(spent <= level)
    problem = cp.Problem(cp.Minimize(cost), rules)
    problem.solve(solver=cp.CLARABEL)
    return problem.value


@pytest.mark.parametrize(("kind", "form"), OPERATORS)
def test_a_shared_budget_against_a_conic_solver(kind, form):
    rng = np.random.default_rng(6)
    for trial in range(3):
        model = table(rng, H=2, zeros=0.3 * (trial % 2))
        level = float(rng.uniform(0.05, 1.0))
        how = {"divergence": kind, form: level, "rectangularity": "s"}
        plan = robust_backward_induction(model, **how)
        policy = rng.dirichlet(np.ones(3), (2, 4))
        mixed = robust_evaluate(model, policy, **how)
        for s in range(3):
            arguments = kind, form, level, model.P[0, s], model.r[0, s]
            assert plan.V[0, s] == pytest.approx(conic(*arguments, plan.V[1]), abs=2e-6)
            assert mixed.V[0, s] == pytest.approx(conic(*arguments, mixed.V[1], policy[0, s]), abs=2e-6)


@given(st.integers(0, 2**32), operators, st.floats(-8.0, 8.0))
@settings(max_examples=60)
def test_the_enclosure_of_a_shared_budget_is_tight_and_its_adversary_admissible(seed, operator, exponent):
    kind, form = operator
    rng = np.random.default_rng(seed)
    model = table(rng, S=int(rng.integers(1, 6)), A=int(rng.integers(1, 5)), H=2, zeros=float(rng.choice([0.0, 0.4])))
    level = 10.0**exponent
    plan = robust_backward_induction(model, divergence=kind, rectangularity="s", **{form: level})
    assert plan.width <= 1e-12
    assert plan.policy.min() >= 0.0
    assert plan.policy.sum(axis=-1) == pytest.approx(1.0, abs=1e-14)
    assert plan.worst.min() >= 0.0
    assert plan.worst.sum(axis=-1) == pytest.approx(1.0, abs=1e-14)
    for s in range(model.S):
        spent = sum(
            float(naive.divergence(kind, list(plan.worst[0, s, a]), list(model.P[0, s, a]))) for a in range(model.A)
        )
        left = (model.r[0, s] + plan.worst[0, s] @ plan.V[1]).max()
        if form == "radius":
            assert spent <= level * (1.0 + 1e-9) + 1e-14
            assert left == pytest.approx(plan.V[0, s], abs=1e-12)
        else:
            assert left + level * spent == pytest.approx(plan.V[0, s], abs=1e-12 + 1e-15 * level)


@given(st.integers(0, 2**32), operators, levels)
def test_one_action_shares_nothing(seed, operator, level):
    kind, form = operator
    model = table(np.random.default_rng(seed), A=1)
    shared = robust_backward_induction(model, divergence=kind, rectangularity="s", **{form: level})
    apart = robust_backward_induction(model, divergence=kind, rectangularity="sa", **{form: level})
    assert pytest.approx(apart.V, abs=1e-13) == shared.V


# ---------------------------------------------------------------------------------------------- discounted


@given(discounted_mdps(max_states=3, max_actions=2), operators, levels, st.sampled_from(("sa", "s")))
@settings(max_examples=60)
def test_the_discounted_values_are_the_fixed_point(mdp, operator, level, rectangularity):
    kind, form = operator
    how = {"divergence": kind, form: level, "rectangularity": rectangularity}
    if mdp.gamma > 0.95:
        return
    plan = robust_value_iteration(mdp, tol=1e-9, **how)
    assert plan.width <= 1e-9
    assert (plan.V <= value_iteration(mdp).V + 1e-9).all()
    step = EpisodicMDP(mdp.dense_P(), mdp.r, H=1)
    P = np.asarray(step.P[0])
    image = robust_backward_induction(
        EpisodicMDP(np.stack([P, P]), np.stack([mdp.r, np.tile((mdp.gamma * plan.V)[:, None], (1, mdp.A))])), **how
    )
    assert image.V[0] == pytest.approx(plan.V, abs=1e-8)
    found = robust_evaluate(mdp, plan.policy, tol=1e-9, **how)
    assert pytest.approx(plan.V, abs=1e-8) == found.V


@pytest.mark.parametrize("kind", KINDS)
def test_the_worst_kernel_is_a_stationary_adversary(kind):
    rng = np.random.default_rng(7)
    mdp = DiscountedMDP(rng.dirichlet(np.ones(4), (4, 3)), rng.random((4, 3)), 0.9)
    plan = robust_value_iteration(mdp, divergence=kind, radius=0.2, tol=1e-11)
    static = DiscountedMDP(plan.worst, mdp.r, 0.9)
    assert pytest.approx(plan.V, abs=1e-9) == evaluate(static, plan.policy).V
    assert pytest.approx(plan.V, abs=1e-9) == value_iteration(static).V
    assert (plan.lower <= value_iteration(static).upper).all()


def test_an_unattainable_tolerance_is_refused_with_the_partial_plan():
    mdp = DiscountedMDP([[[0.5, 0.5]], [[0.0, 1.0]]], [[0.0], [1.0]], 0.99)
    for options in ({"tol": 1e-300}, {"tol": 1e-10, "max_sweeps": 3}):
        with pytest.raises(NotConverged) as caught:
            robust_value_iteration(mdp, divergence="chi2", penalty=1.0, **options)
        assert not caught.value.partial.converged
        assert caught.value.partial.worst.shape == (2, 1, 2)


# ---------------------------------------------------------------------------------------------- what is refused

MODEL = LinearMDP([[[1.0, 0.0], [0.5, 0.5]], [[1.0, 0.0], [0.0, 1.0]]], [[1.0, 0.0], [0.0, 1.0]], [0.0, 1.0], H=2)
TABLE = MODEL.to_episodic()
DISCOUNTED = DiscountedMDP([[[0.5, 0.5]], [[0.0, 1.0]]], [[0.0], [1.0]], 0.5)


@pytest.mark.parametrize(
    ("model", "change", "words"),
    [
        (MODEL, {"penalty": 0.0}, "penalty is 0; it must be > 0"),
        (MODEL, {"penalty": [1.0, -1.0]}, r"penalty\[1\] is -1; it must be > 0"),
        (MODEL, {"penalty": [[1.0, 1.0], [1.0, math.nan]]}, r"penalty\[1, 1\] is nan"),
        (MODEL, {"penalty": None, "radius": [[0.0, -0.5]]}, r"radius\[0, 1\] is -0.5; it must be >= 0"),
        (MODEL, {"penalty": [1.0, 1.0, 1.0]}, r"penalty has shape \(3,\); it must broadcast to \(2, 2\)"),
        (MODEL, {"penalty": None}, "neither of penalty and radius"),
        (MODEL, {"radius": 1.0}, "both of penalty and radius"),
        (MODEL, {"rectangularity": "r"}, "rectangularity is 'r'"),
        (MODEL, {"divergence": "l2"}, "divergence is 'l2'"),
        (TABLE, {}, "rectangularity 'd' takes a LinearMDP, not EpisodicMDP"),
        (DISCOUNTED, {"rectangularity": "sa"}, "takes EpisodicMDP or LinearMDP, not DiscountedMDP"),
        (
            LinearMDP([[[2.0, -1.0]]], [[1.0], [1.0]], [0.0, 0.0], H=1),
            {},
            r"phi\[0, 0, 1\] is -1; d-rectangular ambiguity needs features and measures that are distributions",
        ),
        (LinearMDP([[[2.0, 0.0]]], [[0.5], [1.0]], [0.0, 0.0], H=1), {}, r"phi\[0, 0\] sums to 2"),
        (
            LinearMDP([[[0.5, 0.5]], [[0.5, 0.5]]], [[1.5, -0.5], [0.0, 1.0]], [0.0, 0.0], H=1),
            {},
            r"mu\[0, 0, 1\] is -0.5",
        ),
        (EpisodicMDP([[[1.0]]], [[1e308]], H=3), {"rectangularity": "sa"}, "overflow"),
    ],
)
def test_finite_horizon_errors(model, change, words):
    with pytest.raises(ParameterError, match=words):
        robust_backward_induction(model, **({"divergence": "kl", "penalty": 1.0} | change))
    if model is not DISCOUNTED:
        with pytest.raises(ParameterError, match=words):
            robust_evaluate(model, np.zeros(model.S, dtype=int), **({"divergence": "kl", "penalty": 1.0} | change))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rectangularity": "d"}, "rectangularity is 'd'; choose one of 'sa', 's'"),
        ({"penalty": [[1.0], [0.0]]}, r"penalty\[1, 0\] is 0; it must be > 0"),
        ({"tol": 0.0}, "tol is 0.0"),
        ({"max_sweeps": 0}, "max_sweeps is 0"),
    ],
)
def test_discounted_errors(change, words):
    with pytest.raises(ParameterError, match=words):
        robust_value_iteration(DISCOUNTED, **({"divergence": "kl", "penalty": 1.0} | change))


def test_policy_errors():
    with pytest.raises(PolicyError, match=r"policy\[1\] is 2"):
        robust_evaluate(MODEL, [0, 2], divergence="kl", penalty=1.0)
    with pytest.raises(ParameterError, match="robust_value_iteration takes DiscountedMDP, not EpisodicMDP"):
        robust_value_iteration(TABLE, divergence="kl", penalty=1.0)
