"""Sets of kernels, robust planning on them, static values: enumeration in fractions, LAPACK, grids, bad input."""

import itertools
from fractions import Fraction

import naive_iwocs as naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabular import DiscountedMDP, ModelError, NotConverged, ParameterError, PolicyError
from tabular.planning import (
    BallSet,
    KernelHull,
    KernelSet,
    VertexSet,
    dynamic_evaluation,
    policy_iteration,
    rectangular_policy_iteration,
    rectangular_value_iteration,
    robust_operator,
    robust_value_iteration,
    static_evaluation,
    static_optimum,
    worst_case,
)
from tabular.planning.static_values import _search


@st.composite
def problems(draw, max_states=3, max_actions=2, max_vertices=3):
    """Dyadic rows with zeros and repeated vertices, rewards with ties, discounts from 0 to 15/16."""
    S, A, m = draw(st.integers(1, max_states)), draw(st.integers(1, max_actions)), draw(st.integers(1, max_vertices))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    parts = rng.multinomial(8, np.full(S, 1.0 / S), size=(m, S, A)) / 8.0
    r = rng.integers(0, 5, (S, A)) / 4.0
    gamma = draw(st.sampled_from((0.0, 0.5, 0.75, 0.9375)))
    mu0 = rng.multinomial(4, np.full(S, 1.0 / S)) / 4.0
    return DiscountedMDP(parts[0], r, gamma, mu0), VertexSet(parts)


def fractions(mdp, vertices):
    return vertices.P.tolist(), mdp.r.tolist(), Fraction(mdp.gamma)


@given(problems(max_states=2))
def test_robust_optimum_is_that_of_the_enumeration(problem):
    mdp, vertices = problem
    exact = np.array([float(v) for v in naive.robust_optimum(*fractions(mdp, vertices))])
    iterated = rectangular_value_iteration(mdp, vertices)
    solved = rectangular_policy_iteration(mdp, vertices)
    for plan in (iterated, solved):
        assert plan.converged
        assert np.all(plan.lower <= exact)
        assert np.all(exact <= plan.upper)
        assert pytest.approx(exact, abs=1e-7) == plan.V
    assert pytest.approx(exact, abs=1e-9) == static_evaluation(mdp, solved.policy, vertices).V


@given(problems(max_states=2), st.integers(0, 2**32))
def test_static_values_are_minima_over_all_kernels(problem, seed):
    mdp, vertices = problem
    policy = np.random.default_rng(seed).integers(0, mdp.A, mdp.S)
    P, r, gamma = fractions(mdp, vertices)
    under = [naive.values(T, r, gamma, policy.tolist()) for T in naive.products(P)]
    exact = np.array([float(min(column)) for column in zip(*under, strict=True)])
    found = static_evaluation(mdp, policy, vertices)
    assert pytest.approx(exact, abs=1e-9) == found.V
    assert found.lower <= float(mdp.mu0 @ exact) <= found.upper
    assert np.linalg.solve(
        np.eye(mdp.S) - mdp.gamma * found.kernel[np.arange(mdp.S), policy], mdp.r[np.arange(mdp.S), policy]
    ) == pytest.approx(exact, abs=1e-9)
    joint = static_evaluation(mdp, policy, KernelSet(vertices.P))
    few = [
        sum(float(m) * float(v) for m, v in zip(mdp.mu0, naive.values(T, r, gamma, policy.tolist()), strict=True))
        for T in P
    ]
    assert joint.value == pytest.approx(min(few), abs=1e-9)


@given(problems(), st.integers(0, 2**32))
def test_operator_is_monotone_and_contracts(problem, seed):
    mdp, vertices = problem
    rng = np.random.default_rng(seed)
    V, above = rng.normal(size=mdp.S), rng.random(mdp.S)
    low, high = robust_operator(mdp, vertices, V)[0], robust_operator(mdp, vertices, V + above)[0]
    assert np.all(low <= high + 1e-12)
    assert np.abs(high - low).max() <= mdp.gamma * above.max() + 1e-12


@given(problems(), st.integers(0, 2**32))
def test_larger_sets_are_worse_and_no_kernel_is_worse_than_the_set(problem, seed):
    mdp, vertices = problem
    whole = rectangular_policy_iteration(mdp, vertices)
    part = rectangular_policy_iteration(mdp, VertexSet(vertices.P[:1]))
    assert np.all(whole.V <= part.V + 1e-9)
    assert pytest.approx(policy_iteration(mdp).V, abs=1e-9) == part.V
    choice = np.random.default_rng(seed).integers(0, vertices.size, (mdp.S, mdp.A))
    s, a = np.indices(choice.shape)
    assert np.all(whole.V <= policy_iteration(DiscountedMDP(vertices.P[choice, s, a], mdp.r, mdp.gamma)).V + 1e-9)


@given(problems(max_states=3), st.integers(0, 2**32))
def test_dynamic_values_are_those_of_the_tree(problem, seed):
    mdp, vertices = problem
    policy = np.random.default_rng(seed).integers(0, mdp.A, mdp.S)
    found = dynamic_evaluation(mdp, policy, vertices, steps=3)
    for s in range(mdp.S):
        assert found[s] == pytest.approx(
            naive.tree_value(vertices.P.tolist(), mdp.r.tolist(), mdp.gamma, policy.tolist(), s, 3), abs=1e-12
        )


def test_a_joint_adversary_picks_one_kernel_a_step():
    """Two actions of a fair coin: jointly one of them is spoiled, freely both are."""
    P = np.array([[[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0]] * 2], [[[0.0, 1.0], [1.0, 0.0]], [[0.0, 1.0]] * 2]])
    mdp = DiscountedMDP(P[0], [[1.0, 1.0], [0.0, 0.0]], 0.5, [1.0, 0.0])
    coin = np.full((2, 2), 0.5)
    assert dynamic_evaluation(mdp, coin, KernelSet(P), steps=60)[0] == pytest.approx(1.0 / 0.75)
    assert dynamic_evaluation(mdp, coin, VertexSet(P), steps=60)[0] == pytest.approx(1.0)


@pytest.mark.parametrize(("divergence", "radius"), [("tv", 0.05), ("tv", 0.5), ("kl", 0.2), ("chi2", 0.3)])
def test_balls_agree_with_robust_value_iteration(divergence, radius):
    rng = np.random.default_rng(1)
    P, r = rng.dirichlet(np.full(6, 0.4), (6, 3)), rng.random((6, 3))
    mdp, ball = DiscountedMDP(P, r, 0.9), BallSet(P, divergence, radius)
    plan = rectangular_policy_iteration(mdp, ball)
    assert pytest.approx(robust_value_iteration(mdp, divergence=divergence, radius=radius).V, abs=1e-8) == plan.V
    assert pytest.approx(plan.V, abs=1e-8) == rectangular_value_iteration(mdp, ball).V
    Q, rows = robust_operator(mdp, ball, plan.V)
    row = worst_case(plan.V, P[2, 1], divergence=divergence, radius=radius)
    assert Q[2, 1] == pytest.approx(r[2, 1] + 0.9 * row.value, abs=1e-12)
    assert rows[2, 1] @ plan.V == pytest.approx(row.value, abs=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_mixtures_of_kernels_against_a_grid_of_weights(seed):
    rng = np.random.default_rng(seed)
    P, r = rng.dirichlet(np.full(3, 0.3), (2, 3, 2)), rng.random((3, 2))
    mdp, pi = DiscountedMDP(P[0], r, 0.9, [1.0, 0.0, 0.0]), rng.dirichlet([1.0, 1.0], 3)
    found = static_evaluation(mdp, pi, KernelHull(P), tol=1e-5)
    grid = []
    for w in np.linspace(0.0, 1.0, 801):
        T = np.einsum("sa,saj->sj", pi, (1.0 - w) * P[0] + w * P[1])
        grid.append(np.linalg.solve(np.eye(3) - 0.9 * T, (pi * r).sum(axis=1))[0])
    assert found.lower <= min(grid) + 1e-12
    assert found.value <= min(grid) + 1e-4
    assert found.upper - found.lower <= 1e-5 * max(1.0, abs(found.value))
    assert found.lower <= static_evaluation(mdp, pi, KernelSet(P)).value


@pytest.mark.parametrize("seed", range(4))
def test_best_policies_against_a_grid(seed):
    rng = np.random.default_rng(10 + seed)
    P, r = rng.dirichlet(np.full(2, 0.3), (2, 2, 2)), rng.random((2, 2))
    mdp, kernels = DiscountedMDP(P[0], r, 0.9, [1.0, 0.0]), KernelSet(P)
    plain = static_optimum(mdp, kernels)
    assert plain.value == pytest.approx(
        max(static_evaluation(mdp, list(p), kernels).value for p in itertools.product(range(2), repeat=2)), abs=1e-12
    )
    mixed = static_optimum(mdp, kernels, policies="randomised", tol=1e-4)
    points = [np.array([[x, 1 - x], [y, 1 - y]]) for x in np.linspace(0, 1, 21) for y in np.linspace(0, 1, 21)]
    grid = max(static_evaluation(mdp, pi, kernels).value for pi in points)
    assert grid <= mixed.upper
    assert mixed.lower == pytest.approx(static_evaluation(mdp, mixed.policy, kernels).value, abs=1e-12)
    assert mixed.lower >= grid - 1e-3
    assert plain.value - 1e-12 <= mixed.upper <= mixed.dual + 1e-9


def test_an_unfinished_search_says_so_and_still_encloses():
    rng = np.random.default_rng(0)
    P, r = [(rng.dirichlet(np.full(3, 0.3), (2, 3, 2)), rng.random((3, 2))) for _ in range(3)][-1]
    mdp = DiscountedMDP(P[0], r, 0.9, [1.0, 0.0, 0.0])
    with pytest.raises(NotConverged) as raised:
        static_optimum(mdp, KernelSet(P), policies="randomised", tol=1e-12, max_boxes=2)
    exact = static_optimum(mdp, KernelSet(P), policies="randomised", tol=1e-3)
    assert raised.value.partial.upper >= exact.lower


ROWS = [[[0.5, 0.5], [1.0, 0.0]], [[0.0, 1.0], [0.5, 0.5]]]
MDP = DiscountedMDP(ROWS, [[1.0, 0.0], [0.0, 0.0]], 0.5, [1.0, 0.0])
SLOWER = DiscountedMDP(ROWS, [[0.0, 1.0], [0.0, 0.0]], 0.5)
OFF = [ROWS, [[[0.5, 0.5], [1.0, 0.0]], [[0.3, 0.3], [0.5, 0.5]]]]
OTHER = VertexSet([[[[1.0]]]])


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: VertexSet(OFF), ModelError, r"P\[1, 1, 0\] sums to 0.6"),
        (lambda: KernelSet(OFF), ModelError, r"P\[1, 1, 0\] sums to 0.6"),
        (lambda: KernelHull(OFF), ModelError, r"P\[1, 1, 0\] sums to 0.6"),
        (lambda: BallSet(OFF[1], "tv", 0.1), ModelError, r"P\[1, 0\] sums to 0.6"),
        (lambda: VertexSet([[[[1.5, -0.5]], [[1.0, 0.0]]]]), ModelError, r"P\[0, 0, 0, 1\] is -0.5"),
        (lambda: VertexSet(np.empty((0, 2, 2, 2))), ModelError, "at least one entry"),
        (lambda: KernelSet(np.empty((0, 2, 2, 2))), ModelError, "at least one entry"),
        (lambda: VertexSet(ROWS), ModelError, "4 axes"),
        (lambda: VertexSet(np.full((1, 3, 1, 2), 0.5)), ModelError, "as many next states"),
        (lambda: BallSet(np.full((3, 1, 2), 0.5), "tv", 0.1), ModelError, "as many next states"),
        (lambda: BallSet(ROWS, "l1", 0.1), ParameterError, "'tv', 'kl', 'chi2'"),
        (lambda: BallSet(ROWS, "tv", -0.1), ModelError, "radius is -0.1"),
        (lambda: BallSet(ROWS, "tv", [[0.1, 0.1], [0.1, -0.2]]), ModelError, r"radius\[1, 1\] is -0.2"),
        (lambda: BallSet(ROWS, "tv", [[0.1]]), ModelError, r"shape \(2, 2\)"),
        (lambda: rectangular_policy_iteration(MDP, OTHER), ModelError, r"\(2, 2, 2\) is needed"),
        (lambda: rectangular_value_iteration(MDP, KernelSet([ROWS])), ModelError, "not KernelSet"),
        (lambda: rectangular_value_iteration(MDP, VertexSet([ROWS]), tol=0.0), ParameterError, "tol"),
        (lambda: rectangular_value_iteration(SLOWER, VertexSet([ROWS]), max_sweeps=1), NotConverged, "1 sweeps"),
        (lambda: robust_operator(MDP, VertexSet([ROWS]), [0.0]), ParameterError, "one value for each state"),
        (lambda: static_evaluation(MDP, [0, 2], VertexSet([ROWS])), PolicyError, r"policy\[1\] is 2"),
        (lambda: static_evaluation(MDP, [0, 0], OTHER), ModelError, "to match the model"),
        (lambda: static_evaluation(MDP, [0, 0], "tv"), ModelError, "not str"),
        (lambda: dynamic_evaluation(MDP, [0, 0], VertexSet([ROWS]), steps=0), ParameterError, "steps"),
        (lambda: static_optimum(MDP, VertexSet([ROWS])), ModelError, "takes KernelSet"),
        (lambda: static_optimum(MDP, KernelSet([ROWS]), policies="mixed"), ParameterError, "policies"),
        (lambda: DiscountedMDP(ROWS, [[1.0, 0.0], [0.0, 0.0]], 1.0), ModelError, "gamma"),
    ],
)
def test_bad_input_is_refused_by_name(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_too_many_policies_are_refused():
    S = 20
    P = np.repeat(np.eye(S)[:, None], 2, axis=1)
    with pytest.raises(ParameterError, match=r"2\*\*20 policies"):
        static_optimum(DiscountedMDP(P, np.zeros((S, 2)), 0.5, np.eye(S)[0]), KernelSet(P[None]))


def test_sets_are_read_only_copies():
    source = np.array([ROWS])
    vertices = VertexSet(source)
    source[:] = 0.0
    assert vertices.P.sum() == 4.0
    assert not vertices.P.flags.writeable
    assert KernelSet([ROWS]).rectangular_hull().size == 1


@pytest.mark.parametrize("target", np.linspace(0.0, 1.0, 23).tolist())
def test_the_search_leaves_no_gap_between_its_boxes(target):
    """The distance to a point, with its Lipschitz bound: the smallest value is 0 wherever the point lies."""

    def bound(low, high):
        centre, half = 0.5 * (low[0] + high[0]), 0.5 * (high[0] - low[0])
        value = abs(centre - target)
        return max(value - half, 0.0), value, centre

    lower, best, point, _, done = _search(np.zeros(2), np.ones(2), bound, 1e-3, 1000)
    assert done
    assert lower <= 0.0
    assert best <= 1e-3
    assert point == pytest.approx(target, abs=1e-3)
