"""The numerical steps of bandit learners: KL-UCB's index, the simplex steps, the estimates, the variates."""

import itertools
import math
import types

import mpmath
import naive_bandits as naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tabular import BernoulliBandit, ParameterError
from tabular.learning import bandit as learners
from tabular.learning.bandit import kullback_leibler, tsallis
from tabular.learning.bandit._play import _draw_weighted
from tabular.learning.bandit.exponential_weights import _exponentials
from tabular.learning.bandit.kullback_leibler import _kl_index
from tabular.learning.bandit.posterior import _gamma, _set_gamma
from tabular.learning.bandit.tsallis import _tsallis_step
from tabular.learning.bandit.ucb import _growth, _width

UNIT = st.floats(0.0, 1.0, allow_subnormal=False)


def exact_kl_index(p, level):
    """The index in 50 digits, by bisection in log(1 - q)."""
    with mpmath.workdps(50):
        p, low, high = mpmath.mpf(p), -mpmath.log(1 - mpmath.mpf(p)), mpmath.mpf(2) ** 12
        for _ in range(200):
            y = (low + high) / 2
            q = 1 - mpmath.exp(-y)
            value = (1 - p) * (mpmath.log(1 - p) + y) + (p * mpmath.log(p / q) if p > 0 and q > 0 else 0)
            low, high = (low, y) if value > level else (y, high)
        return float(1 - mpmath.exp(-high))


@given(st.one_of(UNIT, st.sampled_from([0.0, 1.0, 1e-12, 0.5, 1 - 1e-9])), st.floats(1e-6, 40.0))
def test_kl_index_is_the_root_within_rounding(p, level):
    q = learners.kl_ucb_index(p, level)
    assert p <= q <= 1.0
    if p < 1.0:
        assert q == pytest.approx(exact_kl_index(p, level), abs=1e-12)


@given(st.floats(0.01, 0.99), st.floats(1e-3, 5.0))
def test_divergence_at_the_kl_index_is_the_level(p, level):
    q = learners.kl_ucb_index(p, level)
    if q < 1.0 - 1e-6:
        assert naive.kl(p, q) == pytest.approx(level, rel=1e-8)


def test_few_steps_of_newton_reach_the_kl_index(monkeypatch):
    """Counted in plain Python by their exponentials, the last of which is the answer: the search begins close by."""
    calls = []
    counting = types.SimpleNamespace(
        sqrt=math.sqrt, log=math.log, log1p=math.log1p, expm1=lambda y: calls.append(y) or math.expm1(y)
    )
    monkeypatch.setattr(kullback_leibler, "math", counting)
    steps = []
    for p, level in itertools.product((0.0, 0.01, 0.1, 0.3, 0.5, 0.8, 0.95), (1e-4, 1e-2, 0.1, 0.5, 2.0)):
        entropy = -sum(x * math.log(x) for x in (p, 1.0 - p) if x > 0.0)
        calls.clear()
        getattr(_kl_index, "py_func", _kl_index)(p, entropy, level)
        steps.append(len(calls) - 1)
    assert max(steps) <= 5
    assert np.mean(steps) < 3.7


@given(UNIT, st.floats(0.0, 10.0), st.floats(0.0, 10.0))
def test_kl_index_grows_with_the_level(p, one, other):
    low, high = sorted((one, other))
    assert learners.kl_ucb_index(p, low) <= learners.kl_ucb_index(p, high) + 1e-12
    assert learners.kl_ucb_index(p, 0.0) == p


@given(st.floats(0.02, 0.98), st.floats(1e-3, 3.0), st.floats(1.0, 1.5))
def test_the_tangent_lies_above_the_kl_index(p, level, factor):
    """What lets KL-UCB skip arms: the index is concave in the level."""
    q = learners.kl_ucb_index(p, level)
    tangent = q + (factor - 1.0) * level * q * (1.0 - q) / (q - p)
    assert learners.kl_ucb_index(p, factor * level) <= tangent + 1e-12


def test_kl_index_ignores_nothing_at_the_edges():
    assert learners.kl_ucb_index(0.0, 1.0) == pytest.approx(1.0 - math.exp(-1.0), abs=1e-15)
    assert learners.kl_ucb_index(1.0, 1.0) == 1.0
    assert _kl_index(0.3, 0.0, -1.0) == 0.3
    for bad in ({"mean": 1.1, "level": 1.0}, {"mean": 0.5, "level": -1.0}, {"mean": math.nan, "level": 1.0}):
        with pytest.raises(ParameterError):
            learners.kl_ucb_index(**bad)


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 50))
def test_radius_of_moss_is_never_negative_and_ends_at_its_share(N, n, k):
    assert _width(3, 1.0, N, n, k) >= 0.0
    assert (_width(3, 1.0, N, n, k) == 0.0) == (N * k >= n)
    assert _growth(3, 7) == _growth(0, 7) == 1.0


@pytest.mark.parametrize("t", [2, 5, 600])
def test_growth_of_the_radius(t):
    assert _growth(1, t + 1) == math.sqrt(2.0 * math.log(t))
    assert _growth(2, t) == pytest.approx(math.sqrt(2.0 * naive.log_f(t)), rel=1e-15)


LOSSES = st.lists(st.floats(0.0, 1e3), min_size=1, max_size=12)


@given(LOSSES, st.floats(1e-3, 10.0))
def test_tsallis_weights_meet_the_optimality_conditions(losses, eta):
    """L_a - (2/eta)(1/sqrt(w_a) - 1) is the same for all arms, and the weights are a distribution."""
    w = learners.tsallis_weights(losses, eta)
    assert w.sum() == pytest.approx(1.0, abs=1e-14)
    multiplier = np.array(losses) - 2.0 / eta * (1.0 / np.sqrt(w) - 1.0)
    assert np.ptp(multiplier) <= 1e-9 * (1.0 + np.abs(losses).max() + np.max(2.0 / eta / np.sqrt(w)))
    assert w == pytest.approx(naive.tsallis_probabilities(losses, eta), rel=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_tsallis_weights_are_the_minimiser_of_a_convex_program(seed):
    cp = pytest.importorskip("cvxpy")
    rng = np.random.default_rng(seed)
    losses, eta = rng.exponential(5.0, size=6), 0.7
    w = cp.Variable(6)
    objective = losses @ w - 4.0 / eta * cp.sum(cp.sqrt(w) - w / 2.0)
    cp.Problem(cp.Minimize(objective), [cp.sum(w) == 1, w >= 0]).solve(solver="CLARABEL")
    assert learners.tsallis_weights(losses, eta) == pytest.approx(w.value, abs=1e-5)


@given(LOSSES, st.floats(1e-3, 10.0), st.floats(-1e4, 1e4))
def test_tsallis_step_does_not_depend_on_where_it_starts(losses, eta, start):
    estimate = np.array(losses)
    cold, warm = np.empty(estimate.size), np.empty(estimate.size)
    _tsallis_step(estimate, eta, -math.inf, cold)
    _tsallis_step(estimate, eta, start, warm)
    assert warm == pytest.approx(cold, rel=1e-11)


@pytest.mark.parametrize("estimator", ["iw", "rv", "unweighted"])
def test_tsallis_inf_starts_each_step_near_its_root(monkeypatch, estimator):
    """The normaliser is extrapolated to first order: most starts are much nearer to the root than the last root is."""
    starts, roots = [], []

    def step(estimate, eta, x, weight):
        starts.append(x)
        roots.append(_tsallis_step(estimate, eta, x, weight)[0])
        return roots[-1], float((weight**1.5).sum())

    monkeypatch.setattr(tsallis, "_tsallis_step", step)
    monkeypatch.setattr(tsallis, "_play_tsallis", getattr(tsallis._play_tsallis, "py_func", tsallis._play_tsallis))
    learners.tsallis_inf(BernoulliBandit([0.3, 0.5, 0.7]), horizon=400, estimator=estimator, rng=0)
    start, root = np.array(starts[100:]), np.array(roots[99:])
    ratio = np.abs(start - root[1:]) / np.abs(np.diff(root))
    assert np.median(ratio) < 0.1


@given(st.permutations(range(5)), st.lists(st.floats(0.0, 100.0), min_size=5, max_size=5))
def test_simplex_steps_commute_with_renaming(order, losses):
    estimate = np.array(losses)
    plain, renamed = learners.tsallis_weights(estimate, 0.3), learners.tsallis_weights(estimate[order], 0.3)
    assert renamed == pytest.approx(plain[order], rel=1e-10)
    weight, other = np.empty(5), np.empty(5)
    assert _exponentials(estimate, 0.3, weight) == _exponentials(estimate[order], 0.3, other) == min(losses)
    assert np.array_equal(other, weight[order])


@pytest.mark.parametrize("losses", [[0.0, 1e12], [1e12, 1e12 + 1.0, 0.0], [-1e300, 1e300], [5.0] * 7, [0.0, 1e-320]])
@pytest.mark.parametrize("eta", [1e-100, 1e-3, 1.0, 1e12, 1e100])
def test_simplex_steps_survive_any_spread(losses, eta):
    w = learners.tsallis_weights(losses, eta)
    assert w.sum() == pytest.approx(1.0)
    assert np.all(w >= 0.0)
    weight = np.empty(len(losses))
    with np.errstate(over="ignore"):
        _exponentials(np.array(losses), eta, weight)
    assert weight.max() == 1.0
    assert np.isfinite(weight).all()


@pytest.mark.parametrize("losses", [[], [math.nan], [math.inf, 0.0], [[0.0]], ["a"]])
def test_bad_losses_of_a_step_are_refused(losses):
    with pytest.raises(ParameterError):
        learners.tsallis_weights(losses, 1.0)


@pytest.mark.parametrize("eta", [0.0, -1.0, math.nan, math.inf])
def test_bad_learning_rates_of_a_step_are_refused(eta):
    with pytest.raises(ParameterError, match="eta"):
        learners.tsallis_weights([0.0, 1.0], eta)


@given(
    st.lists(st.one_of(st.just(0.0), UNIT), min_size=1, max_size=6).filter(any), st.floats(0.0, 1.0, exclude_max=True)
)
def test_an_arm_of_weight_zero_is_never_drawn(weights, u):
    weight = np.array(weights)
    assert weight[_draw_weighted(weight, float(weight.sum()), u)] > 0.0


def test_draws_follow_the_weights():
    weight = np.array([1.0, 0.0, 2.0, 1.0])
    grid = (np.arange(4000) + 0.5) / 4000
    counts = np.bincount([_draw_weighted(weight, 4.0, u) for u in grid], minlength=4)
    assert counts.tolist() == [1000, 0, 2000, 1000]
    assert [_draw_weighted(weight, 4.0, u) for u in (0.0, 0.25, 0.75)] == [0, 2, 3]


@pytest.mark.parametrize("shape", [0.3, 1.0, 1.5, 40.0, 5000.0])
def test_gamma_variates_have_their_law(shape):
    constants = np.empty(3)
    _set_gamma(constants, shape)
    rng = np.random.default_rng(11)
    draws = [_gamma(constants, rng) for _ in range(4000)]
    assert stats.kstest(draws, stats.gamma(shape).cdf).pvalue > 1e-3


def test_implicit_exploration_lowers_estimates_and_importance_weights_do_not():
    """After one round the mean estimate of an arm with loss 1 is p/(p + gamma), against 1."""
    k, gamma = 4, 0.1
    run = learners.exp3_ix(BernoulliBandit([0.0] * k), horizon=2, eta=1.0, gamma=gamma, runs=4000, actions=True, rng=3)
    first, second = run.actions.T
    again = np.mean(first == second)
    silenced = math.exp(-1.0 / (1.0 / k + gamma))
    assert again == pytest.approx(silenced / (silenced + k - 1), abs=4 * math.sqrt(0.25 / 4000))
    plain = learners.exp3(BernoulliBandit([0.0] * k), horizon=2, eta=1.0, runs=4000, actions=True, rng=3)
    silenced = math.exp(-float(k))
    assert np.mean(plain.actions[:, 0] == plain.actions[:, 1]) == pytest.approx(
        silenced / (silenced + k - 1), abs=4 * math.sqrt(0.01 / 4000)
    )
