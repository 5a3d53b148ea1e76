"""The sequence of static problems: exact twins in fractions, its invariants, its certificate, bad input."""

from fractions import Fraction

import naive_iwocs as naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.instances import (
    deterministic_vertices,
    robust_garnet,
    split_promise,
    stuck_nominal,
    stuck_sequence,
    windy_kernel,
    windy_walk,
)
from tabular import DiscountedMDP, ModelError, ParameterError
from tabular.learning.robust import iwocs, iwocs_sampled
from tabular.learning.robust._iwocs_kernels import _draw, _worst_kernel, _worst_sampled
from tabular.planning import (
    BallSet,
    KernelHull,
    KernelSet,
    VertexSet,
    rectangular_policy_iteration,
    static_evaluation,
    static_optimum,
)

RULES = ("keep", "worst", "nominal")


@pytest.mark.parametrize("rule", RULES)
def test_the_counterexample_in_fractions(rule):
    """Every rule repeats a kernel at 280/61 where 6 is possible."""
    mdp, vertices = stuck_sequence()
    r, P = mdp.r.tolist(), vertices.P.tolist()
    found, stop = naive.sequence(P, r, Fraction(4, 5), rule)
    assert stop == "repeat"
    assert found == [(8, Fraction(280, 61)), (Fraction(56, 9), Fraction(280, 61))]
    assert naive.robust_optimum(P, r, Fraction(4, 5)) == [6, 6, 5]
    run = iwocs(mdp, vertices, completion=rule)
    assert run.stop == "repeat"
    assert run.promised == pytest.approx([8.0, 56 / 9], abs=1e-12)
    assert run.attained == pytest.approx([280 / 61] * 2, abs=1e-12)
    assert iwocs(mdp, vertices, values="hull", completion=rule).value == pytest.approx(6.0, abs=1e-12)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("seed", range(12))
def test_it_is_the_sequence_of_the_definition(rule, seed):
    """Generic rewards, so that no tie is broken by rounding."""
    rng = np.random.default_rng(seed)
    S, A, m = 3, 2, 2
    P = rng.multinomial(8, np.full(S, 1.0 / S), size=(m, S, A)) / 8.0
    r = rng.integers(0, 2**20, (S, A)) / 2.0**20
    mdp = DiscountedMDP(P[0], r, 0.875, [1.0, 0.0, 0.0])
    found, stop = naive.sequence(P.tolist(), r.tolist(), Fraction(7, 8), rule)
    run = iwocs(mdp, VertexSet(P), completion=rule)
    assert run.stop == stop
    assert run.promised == pytest.approx([float(a) for a, _ in found], abs=1e-10)
    assert run.attained == pytest.approx([float(b) for _, b in found], abs=1e-10)


@st.composite
def problems(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    S, A, m = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    gamma = draw(st.sampled_from((0.0, 0.5, 0.8, 0.95)))
    if draw(st.booleans()):
        mdp, vertices = deterministic_vertices(S, A, m, gamma, rng=rng)
    else:
        mdp, vertices = robust_garnet(S, A, m, gamma, branching=min(S, 2), rng=rng)
    return DiscountedMDP(mdp.P, mdp.r, gamma, rng.dirichlet(np.ones(S))), vertices


@given(problems(), st.sampled_from(RULES), st.sampled_from(("optima", "hull")))
def test_invariants_of_every_run(problem, rule, values):
    mdp, vertices = problem
    run = iwocs(mdp, vertices, completion=rule, values=values)
    optimum = rectangular_policy_iteration(mdp, vertices)
    scale = 1e-9 * (1.0 + np.abs(optimum.V).max())
    n = run.iterations
    assert run.kernels.shape == (n + 1, mdp.S, mdp.A, mdp.S)
    assert np.all(np.diff(run.Q, axis=0) <= scale)
    assert np.all(run.attained <= optimum.value + scale)
    assert np.all(optimum.value - run.attained <= run.gaps + scale)
    for i in range(n):
        hull = rectangular_policy_iteration(mdp, VertexSet(run.kernels[: i + 1])).Q
        assert np.all(run.Q[i] >= hull - scale)
        assert np.all(hull >= optimum.Q - scale)
        chosen = run.Q[i][np.arange(mdp.S), run.policies[i]]
        assert chosen == pytest.approx(run.Q[i].max(axis=1), abs=scale)
        assert run.promised[i] == pytest.approx(mdp.mu0 @ chosen, abs=scale)
        exact = static_evaluation(mdp, run.policies[i], vertices).value
        assert run.attained[i] == pytest.approx(exact, abs=scale)
        alone = static_evaluation(mdp, run.policies[i], KernelSet(run.kernels[i + 1][None])).value
        assert alone == pytest.approx(exact, abs=scale)
    members = (np.abs(run.kernels[:, None] - vertices.P).max(axis=-1) == 0.0).any(axis=1)
    assert members.all()
    if values == "hull":
        assert run.stop == "certificate"
        assert run.value == pytest.approx(optimum.value, abs=scale)


@given(problems(), st.integers(1, 4))
def test_a_longer_run_begins_like_a_shorter_one_and_is_no_worse(problem, n):
    mdp, vertices = problem
    short, long = (iwocs(mdp, vertices, iterations=k) for k in (n, n + 3))
    assert np.array_equal(long.policies[: short.iterations], short.policies)
    assert long.attained[long.best] >= short.attained[short.best]


def test_completion_says_what_free_rows_are():
    mdp, vertices = robust_garnet(5, 3, 3, 0.9, rng=3)
    runs = {rule: iwocs(mdp, vertices, completion=rule) for rule in RULES}
    free = np.ones((5, 3), dtype=bool)
    free[np.arange(5), runs["keep"].policies[0]] = False
    assert np.array_equal(runs["keep"].kernels[1][free], vertices.P[0][free])
    assert np.array_equal(runs["nominal"].kernels[1][free], vertices.P[0][free])
    last = runs["nominal"]
    for i in range(last.iterations):
        free = np.ones((5, 3), dtype=bool)
        free[np.arange(5), last.policies[i]] = False
        assert np.array_equal(last.kernels[i + 1][free], vertices.P[0][free])
    V = static_evaluation(mdp, runs["worst"].policies[0], vertices).V
    assert runs["worst"].kernels[1] @ V == pytest.approx((vertices.P @ V).min(axis=0), abs=1e-12)


def test_nominal_gets_stuck_where_the_others_do_not():
    mdp, vertices = stuck_nominal()
    assert iwocs(mdp, vertices, completion="nominal").stop == "repeat"
    for rule in ("keep", "worst"):
        run = iwocs(mdp, vertices, completion=rule)
        assert (run.stop, run.value) == ("certificate", pytest.approx(2.0))


def test_joint_sets_are_enumerated_and_end_within_their_size():
    for seed in range(20):
        mdp, vertices = robust_garnet(4, 2, 3, 0.9, branching=2, rng=seed)
        kernels = KernelSet(vertices.P)
        run = iwocs(mdp, kernels)
        assert run.iterations <= 3
        assert static_optimum(mdp, kernels).value <= run.promised[-1] + 1e-9
        for i in range(run.iterations):
            assert run.attained[i] == pytest.approx(static_evaluation(mdp, run.policies[i], kernels).value, abs=1e-12)


@pytest.mark.parametrize("gamma", [0.3, 0.5, 0.9])
def test_four_numbers_at_the_start(gamma):
    mdp, kernels = split_promise(gamma)
    run = iwocs(mdp, kernels)
    assert run.promised[-1] == pytest.approx(gamma**2 / (1 - gamma))
    assert static_optimum(mdp, kernels).value == 0.0
    assert static_optimum(mdp, kernels).dual == pytest.approx(gamma / (1 - gamma))
    coin = static_optimum(mdp, kernels, policies="randomised")
    assert coin.value == pytest.approx(gamma / (2 - gamma) / (1 - gamma), abs=1e-9)


@pytest.mark.parametrize("values", ["latest", "policies"])
def test_broken_values_are_broken(values):
    """Over many sets, one of the properties that the right values have fails."""
    broken = 0
    for seed in range(40):
        mdp, vertices = robust_garnet(5, 3, 3, 0.9, rng=seed)
        run = iwocs(mdp, vertices, values=values, iterations=10)
        floor = rectangular_policy_iteration(mdp, vertices).Q
        rises = run.iterations > 1 and np.diff(run.Q, axis=0).max() > 1e-6
        broken += rises if values == "latest" else (floor - 1e-6 > run.Q).any()
    assert broken > 0


def test_balls_end_at_the_robust_optimum():
    mdp, _ = robust_garnet(6, 3, 1, 0.9, rng=0)
    for divergence in ("tv", "kl", "chi2"):
        ball = BallSet(mdp.P, divergence, 0.2)
        run = iwocs(mdp, ball, values="hull")
        assert run.stop == "certificate"
        assert run.value == pytest.approx(rectangular_policy_iteration(mdp, ball).value, abs=1e-8)


def test_windy_walk_is_solved_by_two_kernels():
    mdp, kernels = windy_walk()
    run = iwocs(mdp, kernels)
    assert run.iterations == 2
    assert np.array_equal(run.kernels[1], kernels.P[-1])
    assert run.value == pytest.approx(static_optimum_of(mdp, kernels), abs=1e-9)


def static_optimum_of(mdp, kernels):
    """Smallest optimal value of a wind: what no policy exceeds."""
    return min(rectangular_policy_iteration(mdp, VertexSet(T[None])).value for T in kernels.P)


def test_windy_moves():
    P = windy_kernel(0.5)
    north, middle, south = 2, 14, 32
    assert P[north, 2, 3] == P[north, 2, 1] == 0.5
    assert P[north, 1, north] == 0.5
    assert P[middle, 2, 13] == 0.125
    assert P[south, 0, 32] == pytest.approx(1 - 0.5**6)
    assert P[south, 2, 31] == 0.5**6
    assert P[5, :, 5].min() == 1.0
    with pytest.raises(ParameterError, match="alpha"):
        windy_kernel(1.5)


def test_sampled_runs_estimate_exact_values_and_repeat_themselves():
    mdp, kernels = windy_walk(np.linspace(0.0, 0.5, 5))
    first, again = (iwocs_sampled(mdp, kernels, eps=0.3, rollouts=400, rng=7) for _ in range(2))
    assert np.array_equal(first.attained, again.attained)
    exact = iwocs(mdp, kernels)
    assert first.attained[0] == pytest.approx(exact.attained[0], abs=5 * 6.0 / 20)
    assert first.promised[0] == exact.promised[0]


@pytest.mark.parametrize("shift", [-0.5, 0.25])
@pytest.mark.parametrize("seed", range(4))
def test_sampled_estimates_and_limits_are_their_definitions(seed, shift):
    """The same random numbers, so that the statistics must agree; `shift` puts rewards on either side of 0."""
    rng = np.random.default_rng(seed)
    P = rng.dirichlet(np.full(3, 0.5), size=(2, 3, 2))
    P /= P.sum(axis=-1, keepdims=True)
    r, start, policy = rng.random((3, 2)) + shift, np.array([0.25, 0.75, 0.0]), rng.integers(0, 2, size=3)
    options = {"horizon": 4, "rollouts": 7, "log": 1.5}
    found = _worst_sampled(P, r, 0.75, start, policy, *options.values(), np.random.default_rng(seed + 100))
    expected = naive.worst_sampled(
        P.tolist(), r.tolist(), 0.75, start.tolist(), policy.tolist(), **options, rng=np.random.default_rng(seed + 100)
    )
    assert found[0] == expected[0]
    assert found[1:] == pytest.approx(expected[1:], abs=1e-12)


@pytest.mark.parametrize(("less", "chosen"), [(0.0, 0), (1e-14, 0), (1e-9, 2)])
def test_the_worst_kernel_is_the_first_on_ties(less, chosen):
    """State 1 pays; the middle kernel reaches it more often, the last one less often by `less`."""
    up = np.array([0.5, 0.75, 0.5 - less])
    P = np.stack([[[[1.0 - p, p]], [[0.0, 1.0]]] for p in up])
    V, pi = np.empty(2), np.ones((2, 1))
    found = _worst_kernel(P, np.array([[0.0], [1.0]]), 0.5, np.array([1.0, 0.0]), pi, V, np.empty((2, 2)))
    assert found == chosen
    np.testing.assert_allclose(V, [2.0 * up[chosen] / (1.0 + up[chosen]), 2.0], rtol=1e-13)


def test_a_draw_skips_empty_states_and_survives_rounding():
    row = np.array([0.0, 0.25, 0.0, 0.625, 0.0])  # an eighth is missing
    drawn = [_draw(row, u) for u in (0.0, 0.2, 0.25, 0.5, 0.875, 0.99)]
    assert drawn == [1, 1, 3, 3, 3, 3]


@pytest.mark.compiled
def test_interval_stops_only_when_every_kernel_is_clear():
    mdp, kernels = split_promise(0.8, tilt=0.1)
    fooled = [iwocs_sampled(mdp, kernels, eps=0.05, iterations=5, horizon=120, rng=i).stop for i in range(30)]
    careful = [
        iwocs_sampled(mdp, kernels, eps=0.05, iterations=5, horizon=120, stop="interval", rng=i).stop for i in range(30)
    ]
    wide = iwocs_sampled(mdp, kernels, eps=4.0, iterations=5, horizon=120, stop="interval", rng=0)
    assert fooled.count("certificate") > 5
    assert careful.count("certificate") == 0
    assert wide.stop == "certificate"


MDP, SET = robust_garnet(2, 2, 2, 0.5, rng=0)
JOINT = KernelSet(SET.P)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: iwocs(MDP, SET, completion="best"), ParameterError, "'keep', 'worst', 'nominal'"),
        (lambda: iwocs(MDP, SET, values="mean"), ParameterError, "values is 'mean'"),
        (lambda: iwocs(MDP, SET, eps=-1e-3), ParameterError, "eps is -0.001"),
        (lambda: iwocs(MDP, SET, eps=float("nan")), ParameterError, "eps"),
        (lambda: iwocs(MDP, SET, iterations=0), ParameterError, "iterations"),
        (lambda: iwocs(MDP, SET, first=2), ParameterError, "first is 2"),
        (lambda: iwocs(MDP, KernelHull(SET.P)), ModelError, "not KernelHull"),
        (lambda: iwocs(MDP, VertexSet([[[[1.0]]]])), ModelError, "to match the model"),
        (lambda: iwocs(DiscountedMDP(MDP.P, MDP.r, 0.5), JOINT), ParameterError, "mu0 has several states"),
        (lambda: iwocs_sampled(MDP, SET, eps=0.1, rng=0), ModelError, "takes KernelSet"),
        (lambda: iwocs_sampled(MDP, JOINT, eps=0.1, rollouts=1, rng=0), ParameterError, "rollouts"),
        (lambda: iwocs_sampled(MDP, JOINT, eps=0.1, stop="never", rng=0), ParameterError, "stop"),
        (lambda: iwocs_sampled(MDP, JOINT, eps=0.1, delta=1.0, rng=0), ParameterError, "delta"),
        (lambda: iwocs_sampled(MDP, JOINT, eps=0.1, horizon=0, rng=0), ParameterError, "horizon"),
        (lambda: iwocs_sampled(MDP, JOINT, eps=0.1, rng=None), ParameterError, "rng"),
    ],
)
def test_bad_input_is_refused_by_name(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_results_are_read_only():
    run = iwocs(MDP, SET)
    for name in ("kernels", "Q", "policies", "promised", "attained"):
        assert not getattr(run, name).flags.writeable
    assert run.policy.tolist() == run.policies[-1].tolist()
