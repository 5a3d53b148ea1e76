"""Sampling rules, regression oracles, contextual learners and the batch loop."""

import itertools
import math

import naive_contextual as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.instances import random_contextual, waves_on_a_grid
from tabular import ContextualBandit, ParameterError
from tabular.learning import bandit as learners
from tabular.learning.bandit import (
    FiniteClass,
    LinearClass,
    TabularClass,
    contextual_epsilon_greedy,
    contextual_lin_ucb,
    epsilon_greedy_weights,
    falcon,
    fast_cb,
    fast_cb_weights,
    inverse_gap_weighting,
    normalised_inverse_gap_weighting,
    oracle_regret,
    propensity_weighted_value,
    retrain,
    square_cb,
)
from tabular.learning.bandit._contextual_play import _play_contexts
from tabular.learning.bandit._retraining_kernels import _retrain, _solve
from tabular.testing import contextual_bandits

UNIT = st.floats(0.0, 1.0, allow_subnormal=False)
ROWS = st.lists(UNIT, min_size=1, max_size=8)
GAMMA = st.floats(1e-3, 1e5)


def stream(seed, run=0):
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(run,))))


@given(ROWS, GAMMA)
def test_rules_are_their_definitions(row, gamma):
    assert np.allclose(inverse_gap_weighting(row, gamma), naive.igw(row, gamma), rtol=0, atol=1e-13)
    assert np.allclose(normalised_inverse_gap_weighting(row, gamma), naive.normalised(row, gamma), rtol=0, atol=1e-12)
    losses = [0.01 + y for y in row]
    assert np.allclose(fast_cb_weights(losses, gamma), naive.fast(losses, gamma), rtol=0, atol=1e-13)
    assert np.allclose(epsilon_greedy_weights(row, 0.3), naive.greedy_mix(row, 0.3), rtol=0, atol=1e-15)


@given(ROWS, GAMMA, st.randoms(use_true_random=False))
def test_weights_are_probabilities_that_fall_with_the_gap(row, gamma, random):
    K = len(row)
    order = list(range(K))
    random.shuffle(order)
    for rule in (inverse_gap_weighting, normalised_inverse_gap_weighting):
        p = rule(row, gamma)
        assert p.sum() == pytest.approx(1.0, abs=1e-12)
        assert p.min() >= 1.0 / (K + 2.0 * gamma) - 1e-12
        best = int(np.argmax(row))
        assert p[best] >= 1.0 / K - 1e-12
        ranked = sorted(range(K), key=lambda a: (-row[a], a))
        assert all(p[i] >= p[j] - 1e-12 for i, j in itertools.pairwise(ranked))
        assert np.allclose(rule([f + 3.0 for f in row], gamma), p, atol=1e-9)
        if len(set(row)) == K:
            assert np.allclose(rule([row[i] for i in order], gamma), p[order], atol=1e-12)
    losses = [0.1 + y for y in row]
    assert np.allclose(fast_cb_weights([7.0 * y for y in losses], gamma), fast_cb_weights(losses, gamma), atol=1e-12)


def test_limits_of_gamma_are_greedy_and_uniform():
    row = [0.2, 0.9, 0.4]
    for rule in (inverse_gap_weighting, normalised_inverse_gap_weighting):
        assert rule(row, math.inf).tolist() == [0.0, 1.0, 0.0]
        assert np.allclose(rule(row, 1e-12), 1 / 3)
    assert epsilon_greedy_weights([0.5, 0.5], 0.0).tolist() == [1.0, 0.0]


@given(ROWS, GAMMA, st.integers(0, 255))
def test_actions_that_are_not_available_do_not_count(row, gamma, bits):
    mask = np.array([bool(bits >> a & 1) for a in range(len(row))])
    if not mask.any():
        with pytest.raises(ParameterError, match="empty"):
            inverse_gap_weighting(row, gamma, available=mask)
        return
    p = inverse_gap_weighting(row, gamma, available=mask)
    assert np.all(p[~mask] == 0.0)
    assert np.allclose(p[mask], inverse_gap_weighting(np.array(row)[mask], gamma), atol=1e-13)
    assert np.allclose(p, naive.igw(row, gamma, mask), atol=1e-13)


@pytest.mark.parametrize("rule", [inverse_gap_weighting, normalised_inverse_gap_weighting, fast_cb_weights])
@pytest.mark.parametrize("gamma", [0.0, -1.0, math.nan, -math.inf, True, "3", None])
def test_gamma_that_is_not_positive_is_refused(rule, gamma):
    with pytest.raises(ParameterError, match="gamma"):
        rule([0.5, 0.4], gamma)


@pytest.mark.parametrize("bad", [[], [math.nan, 0.1], [[0.1, math.inf]], [[]], "ab", [[0.1], [0.2, 0.3]]])
def test_predictions_that_are_no_numbers_are_refused(bad):
    for rule in (inverse_gap_weighting, normalised_inverse_gap_weighting, fast_cb_weights):
        with pytest.raises(ParameterError):
            rule(bad, 1.0)
    with pytest.raises(ParameterError):
        epsilon_greedy_weights(bad, 0.5)


def test_losses_must_be_positive_and_epsilon_a_probability():
    with pytest.raises(ParameterError, match=r"losses\[1\] is 0"):
        fast_cb_weights([0.1, 0.0], 1.0)
    with pytest.raises(ParameterError, match="epsilon"):
        epsilon_greedy_weights([0.1], 1.5)
    with pytest.raises(ParameterError, match="booleans"):
        inverse_gap_weighting([0.1, 0.2], 1.0, available=[1, 0])


@pytest.fixture(scope="module")
def problem():
    return random_contextual(4, 3, members=6, rng=1)


def ended(run, i=0):
    return [run.regret[i, -1], run.error[i, -1]]


def test_square_cb_is_its_definition(problem):
    bandit, members = problem
    run = square_cb(bandit, members, horizon=60, gamma=20.0, runs=2, rng=5)
    plain = square_cb(bandit, members, horizon=60, gamma=20.0, normalised=True, rng=5)
    for i in range(2):
        oracle = naive.Mixture(members.members, "square")
        expected = naive.play(bandit, oracle, lambda f: naive.igw(f, 20.0), 60, stream(5, i))
        assert ended(run, i) == pytest.approx(expected, rel=1e-9)
    oracle = naive.Mixture(members.members, "square")
    expected = naive.play(bandit, oracle, lambda f: naive.normalised(f, 10.0), 60, stream(5))
    assert ended(plain) == pytest.approx(expected, rel=1e-9)


def test_fast_cb_is_its_definition(problem):
    bandit, members = problem
    run = fast_cb(bandit, members, horizon=60, gamma=12.0, rng=5)
    oracle = naive.Mixture(members.members, "log", floor=1 / 60)

    def weights(f):
        return naive.fast([max(1 / 60, 1.0 - y) for y in f], 12.0)

    assert ended(run) == pytest.approx(naive.play(bandit, oracle, weights, 60, stream(5)), rel=1e-9)


def test_epochs_are_their_definition(problem):
    bandit, members = problem
    run = falcon(bandit, members, horizon=70, scale=50.0, rng=5)
    expected = naive.epochs(bandit, members.members, 70, stream(5), delta=0.05, scale=50.0)
    assert ended(run) == pytest.approx(expected, rel=1e-9)
    assert run.fits == 6
    run = contextual_epsilon_greedy(bandit, members, horizon=70, epsilon=0.2, rng=5)
    assert ended(run) == pytest.approx(naive.epochs(bandit, members.members, 70, stream(5), eps=0.2), rel=1e-9)


def test_linear_oracle_is_vovk_azoury_warmuth(problem):
    bandit, _ = problem
    features = np.random.default_rng(2).normal(size=(4, 3, 2))
    run = square_cb(bandit, LinearClass(features, ridge=0.7), horizon=50, gamma=20.0, rng=5)
    expected = naive.play(bandit, naive.Forecaster(features, 0.7), lambda f: naive.igw(f, 20.0), 50, stream(5))
    assert ended(run) == pytest.approx(expected, rel=1e-8)


def test_lin_ucb_is_its_definition(problem):
    bandit, _ = problem
    features = np.random.default_rng(2).normal(size=(4, 3, 2))
    run = contextual_lin_ucb(bandit, LinearClass(features, ridge=0.7), horizon=60, width=0.8, rng=5)
    oracle = naive.Optimist(features, 0.7, 0.8)
    expected = naive.play(bandit, oracle, lambda f: naive.greedy_mix(f, 0.0), 60, stream(5))
    assert ended(run) == pytest.approx(expected, rel=1e-8)


def test_tables_of_means_are_their_definition_where_some_actions_are_missing(problem):
    bandit, _ = problem
    mask = np.array([[True, False, True], [True, True, True], [False, True, False], [True, True, False]])
    run = square_cb(bandit, TabularClass(ridge=2.0, prior=0.3), horizon=80, gamma=9.0, available=mask, rng=5)
    oracle = naive.Means(4, 3, 2.0, 0.3)
    expected = naive.play(bandit, oracle, lambda f, seen: naive.igw(f, 9.0, seen), 80, stream(5), mask)
    assert ended(run) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("horizon", [1, 2, 3, 4, 5, 64, 65])
def test_fits_count_the_powers_of_two_before_the_end(problem, horizon):
    run = falcon(*problem, horizon=horizon, rng=0)
    assert run.fits == sum(2**i < horizon for i in range(1, 30))


def test_lin_ucb_and_tables_learn(problem):
    bandit, _ = problem
    T = 4000
    worst = T * float((bandit.means.max(axis=1, keepdims=True) - bandit.means).mean())
    one_hot = LinearClass(np.eye(12).reshape(4, 3, 12))
    for run in (
        contextual_lin_ucb(bandit, one_hot, horizon=T, width=1.0, rng=3),
        square_cb(bandit, TabularClass(), horizon=T, rng=3),
        square_cb(bandit, one_hot, horizon=T, rng=3),
        contextual_epsilon_greedy(bandit, TabularClass(), horizon=T, rng=3),
    ):
        assert run.regret[0, -1] < 0.5 * worst, run.algorithm


def test_runs_are_prefixes_and_pure(problem):
    bandit, members = problem
    long = square_cb(bandit, members, horizon=80, gamma=9.0, runs=3, record=[40, 80], actions=True, rng=8)
    short = square_cb(bandit, members, horizon=40, gamma=9.0, first_run=2, record=[40], actions=True, rng=8)
    assert long.regret[2, 0] == short.regret[0, 0]
    assert long.error[2, 0] == short.error[0, 0]
    assert long.actions[2, :40].tolist() == short.actions[0].tolist()
    assert (long.pulls.sum(axis=1) == 80).all()


def test_pulled_and_expected_regret_have_one_mean(problem):
    bandit, members = problem
    how = {"horizon": 50, "gamma": 5.0, "runs": 600, "record": [50], "rng": 3}
    expected = square_cb(bandit, members, **how)
    pulled = square_cb(bandit, members, regret="pulled", **how)
    difference = pulled.regret[:, 0] - expected.regret[:, 0]
    assert abs(difference.mean()) < 4.0 * difference.std() / math.sqrt(600)
    assert difference.std() > 0.1


def test_unavailable_actions_are_never_played(problem):
    bandit, members = problem
    mask = np.ones((4, 3), dtype=bool)
    mask[:, 1] = False
    run = square_cb(bandit, members, horizon=200, available=mask, rng=0)
    assert run.pulls[0, 1] == 0
    assert run.regret[0, 0] >= 0.0


def test_learners_refuse_what_they_cannot_play(problem):
    bandit, members = problem
    for bad in (
        lambda: square_cb(bandit, FiniteClass(np.full((2, 3, 3), 0.5)), horizon=5, rng=0),
        lambda: square_cb(bandit, members, horizon=5, gamma=0.0, rng=0),
        lambda: square_cb(bandit, members, horizon=0, rng=0),
        lambda: square_cb("bandit", members, horizon=5, rng=0),
        lambda: square_cb(bandit, "class", horizon=5, rng=0),
        lambda: square_cb(bandit, members, horizon=5, available=np.zeros((4, 3), dtype=bool), rng=0),
        lambda: fast_cb(bandit, members, horizon=5, rng=0),
        lambda: fast_cb(bandit, TabularClass(), horizon=5, gamma=3.0, rng=0),
        lambda: falcon(bandit, members, horizon=5, delta=0.0, rng=0),
        lambda: falcon(bandit, LinearClass(np.ones((4, 3, 1))), horizon=5, rng=0),
        lambda: contextual_lin_ucb(bandit, members, horizon=5, rng=0),
        lambda: contextual_epsilon_greedy(bandit, members, horizon=5, epsilon=-0.1, rng=0),
        lambda: FiniteClass(np.full((1, 1, 1), 1.5)),
        lambda: FiniteClass(np.full((1, 1, 1), np.nan)),
        lambda: LinearClass(np.ones((1, 1, 1)), ridge=0.0),
        lambda: TabularClass(prior=2.0),
        lambda: retrain(bandit, gamma=-1.0),
        lambda: retrain(bandit, np.ones((3, 1))),
        lambda: retrain(bandit, rule="epsilon-greedy", gamma=3.0),
        lambda: retrain(bandit, epsilon=0.1),
        lambda: retrain(bandit, memory=0),
        lambda: retrain(bandit, available=np.zeros((4, 3), dtype=bool)),
    ):
        with pytest.raises(ParameterError):
            bad()


def test_oracle_regret_bounds_the_error():
    bandit, members = random_contextual(4, 3, members=20, rng=4)
    T, features = 2000, np.eye(12).reshape(4, 3, 12)
    for regression in (members, LinearClass(features), TabularClass()):
        run = square_cb(bandit, regression, horizon=T, gamma=30.0, runs=20, record=[T], rng=6)
        limit = oracle_regret(regression, rounds=T, contexts=4, actions=3)
        assert run.error.mean() + 4.0 * run.error.std() / math.sqrt(20) < limit


@pytest.mark.parametrize("memory", [1, 3, None])
@pytest.mark.parametrize(("propensity", "delay"), [(False, 0), (True, 0), (False, 2)])
def test_population_loop_is_its_definition(memory, propensity, delay):
    bandit, features = waves_on_a_grid(8, 3, rng=11)
    run = retrain(
        bandit, features, gamma=50.0, generations=9, memory=memory, propensity_weights=propensity, delay=delay
    )
    expected, greedy = naive.loop(bandit, features, 50.0, 9, memory, propensity=propensity, delay=delay)
    assert np.allclose(run.deployed, expected, atol=1e-8)
    assert np.allclose(run.greedy, greedy, atol=1e-12)


@pytest.mark.parametrize(("propensity", "balanced"), [(False, False), (True, False), (False, True), (True, True)])
def test_loop_on_drawn_logs_is_its_definition(propensity, balanced):
    bandit, features = waves_on_a_grid(8, 3, rng=11)
    run = retrain(
        bandit, features, gamma=10.0, generations=7, memory=2, rows=40, ridge=0.01, delay=1,
        propensity_weights=propensity, class_weights=balanced, rng=4,
    )  # fmt: skip
    expected, greedy = naive.loop(
        bandit, features, 10.0, 7, 2, propensity=propensity, balanced=balanced, delay=1, ridge=0.01, rows=40,
        rng=np.random.default_rng(np.random.SeedSequence(4)),
    )  # fmt: skip
    assert np.allclose(run.deployed, expected, atol=1e-8)
    assert np.allclose(run.greedy, greedy, atol=1e-12)


def test_tables_reproduce_weighted_means_and_class_weights_do_not():
    bandit, _ = waves_on_a_grid(6, 3, rng=2)
    run = retrain(bandit, gamma=40.0, generations=4)
    assert (run.predictions[0] == 0.0).all()  # nothing is known yet
    assert np.allclose(run.predictions[1:], bandit.means, atol=1e-12)
    assert np.allclose(run.bias[1:], 0.0, atol=1e-12)
    tilted = retrain(bandit, gamma=40.0, generations=2, class_weights=True)
    share = float(bandit.means.mean())
    up, down = bandit.means / share, (1.0 - bandit.means) / (1.0 - share)
    assert np.allclose(tilted.predictions[1], up / (up + down), atol=1e-12)
    noisy = retrain(bandit, gamma=40.0, generations=3, rows=500, rng=1)
    seen, paid = noisy.seen[1], noisy.paid[1]
    known = seen > 0
    assert np.allclose(noisy.predictions[2][known], (paid[known] / seen[known]), atol=1e-12)
    assert seen.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("off", [1.0, -1.0, 0.0])
def test_small_systems_are_solved_exactly(off):
    vector = np.array([1.0, 3.0])
    _solve(np.array([[1.0, off], [off, 2.0]]), vector)
    assert vector.tolist() == np.linalg.solve([[1.0, off], [off, 2.0]], [1.0, 3.0]).tolist()


def test_null_directions_get_0_whatever_rounding_leaves_of_them():
    for seed in range(12):
        x = np.random.default_rng(seed).normal(size=(20, 3))
        x = np.column_stack([x, x @ [0.3, -1.7, 0.9]])
        matrix, vector = x.T @ x, x.T @ np.arange(20.0)
        expected = np.linalg.lstsq(x[:, :3], np.arange(20.0), rcond=None)[0]
        _solve(matrix, vector)
        assert np.allclose(vector[:3], expected, atol=1e-10)
        assert vector[3] == 0.0


def test_finite_logs_approach_the_population():
    """With and without inverse-propensity weights, which lead to different fits of a mean that bends."""
    z = np.linspace(-1.0, 1.0, 6)
    bandit = ContextualBandit(np.full(6, 1 / 6), np.stack([0.9 * np.maximum(z, 0.0) + 0.05, np.full(6, 0.5)], axis=1))
    features = np.stack([np.ones(6), z], axis=1)
    fits = {}
    for propensity in (False, True):
        limit, near = (
            retrain(bandit, features, gamma=20.0, generations=4, propensity_weights=propensity, rows=rows, rng=0)
            for rows in (None, 200_000)
        )
        assert np.allclose(near.deployed, limit.deployed, atol=0.01)
        assert np.abs(near.predictions - limit.predictions).max() < 0.03
        fits[propensity] = limit.predictions
    assert np.abs(fits[True] - fits[False]).max() > 0.1


def test_inverse_propensity_value_is_unbiased_by_enumeration():
    """All logs of two rows, each with its probability; with the probabilities of another policy it is biased."""
    D, f = np.array([0.3, 0.7]), np.array([[0.2, 0.9], [0.5, 0.4]])
    p, other, policy = np.array([[0.25, 0.75], [0.6, 0.4]]), np.full((2, 2), 0.5), np.array([[0.1, 0.9], [1.0, 0.0]])
    rows = [(x, a, r) for x in range(2) for a in range(2) for r in (0.0, 1.0)]

    def chance(row):
        x, a, r = row
        return D[x] * p[x, a] * (f[x, a] if r else 1.0 - f[x, a])

    mean, wrong = 0.0, 0.0
    for log in itertools.product(rows, rows):
        x, a, r = (list(column) for column in zip(*log, strict=True))
        weight = chance(log[0]) * chance(log[1])
        mean += weight * propensity_weighted_value(policy, x, a, r, p[x, a])
        wrong += weight * propensity_weighted_value(policy, x, a, r, other[x, a])
    truth = float(D @ (policy * f).sum(axis=1))
    assert mean == pytest.approx(truth, abs=1e-12)
    assert abs(wrong - truth) > 0.05


def test_log_entries_out_of_range_are_named():
    policy = [[0.5, 0.5]]
    with pytest.raises(ParameterError, match=r"probabilities\[1\] is 0"):
        propensity_weighted_value(policy, [0, 0], [0, 1], [1.0, 0.0], [0.5, 0.0])
    with pytest.raises(ParameterError, match="actions"):
        propensity_weighted_value(policy, [0], [2], [1.0], [0.5])
    with pytest.raises(ParameterError, match="lengths"):
        propensity_weighted_value(policy, [0, 0], [1], [1.0], [0.5])


def test_a_single_action_and_a_single_context_work():
    bandit = ContextualBandit([1.0], [[0.3]])
    assert square_cb(bandit, FiniteClass([[[0.3]]]), horizon=7, rng=0).regret[0, -1] == 0.0
    assert retrain(bandit, generations=3).greedy.tolist() == pytest.approx([0.3] * 3)


@settings(max_examples=40)
@given(bandit=contextual_bandits(), seed=st.integers(0, 2**32))
def test_every_contextual_bandit_is_played_and_logged(bandit, seed):
    """Contexts that never occur, ties, sure and single actions included."""
    members = FiniteClass(np.stack([bandit.means, 1.0 - bandit.means]))
    most = np.ptp(bandit.means, axis=1).max()
    for run in (
        square_cb(bandit, members, horizon=12, rng=seed),
        fast_cb(bandit, members, horizon=12, optimal_loss=3.0, rng=seed),
        falcon(bandit, members, horizon=12, rng=seed),
        contextual_epsilon_greedy(bandit, TabularClass(), horizon=12, rng=seed),
    ):
        assert run.pulls.sum() == 12
        assert np.all(run.regret <= most * run.rounds + 1e-9)
        assert np.all(np.diff(run.regret[0]) >= -1e-12)
    for rows in (None, 20):
        loop = retrain(bandit, generations=4, rows=rows, rng=seed)
        assert np.allclose(loop.weights.sum(axis=2), 1.0)
        assert np.all(loop.greedy <= bandit.context_distribution @ bandit.means.max(axis=1) + 1e-12)


@pytest.mark.compiled
def test_kernels_have_one_specialisation_and_names_are_exported(problem):
    square_cb(*problem, horizon=5, rng=0)
    retrain(problem[0], generations=2)
    assert len(_play_contexts.signatures) == 1
    assert len(_retrain.signatures) == 1
    for name in ("square_cb", "fast_cb", "falcon", "retrain", "inverse_gap_weighting"):
        assert hasattr(learners, name)
