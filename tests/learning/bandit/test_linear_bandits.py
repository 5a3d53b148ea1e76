"""Linear-bandit learners against plain definitions, and what their theorems promise."""

import math

import naive_linear_bandits as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular import BernoulliBandit, LinearBandit, ParameterError
from tabular.learning import bandit as learners
from tabular.testing import linear_bandits


def unit(k, d, rng):
    x = rng.normal(size=(k, d))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def stream(seed, run=0):
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(run,))))


RNG = np.random.default_rng(7)
PROBLEM = LinearBandit(unit(6, 3, RNG), [0.5, -0.25, 0.125], 0.5, RNG.uniform(-0.1, 0.1, 6))


# Net elimination


@given(linear_bandits(max_arms=6, max_features=3), st.sampled_from((0.3, 0.5, 0.8)), st.sampled_from((0.0, 0.25, 1.0)))
@settings(max_examples=40)
def test_net_elimination_follows_its_definition(bandit, resolution, slack):
    quiet = LinearBandit(bandit.actions, bandit.theta, 0.0, bandit.misspecification)
    for s in range(1, min(bandit.d, 2) + 1):
        run = learners.net_elimination(quiet, sparsity=s, epsilon=0.1, resolution=resolution, slack=slack)
        arm, seen, stopped = naive.net_elimination(bandit.actions, quiet.means, s, resolution, slack)
        assert (run.arm, run.arms.tolist(), run.stopped) == (arm, seen, stopped)
        assert run.pulls == run.queries == len(seen)
        assert run.suboptimality == quiet.means.max() - quiet.means[arm]
        assert not run.stopped or run.arm in run.arms


@pytest.mark.parametrize(("d", "s", "eps"), [(3, 1, 0.3), (4, 2, 0.25), (3, 3, 0.4)])
def test_every_sparse_parameter_is_close_to_the_net(d, s, eps):
    rng = np.random.default_rng(d)
    net = np.array(naive.net_points(d, s, eps))
    assert len(net) <= learners.sparse_net_bound(d, s, eps)
    assert learners.elimination_order(np.eye(d), sparsity=s, resolution=eps).size == len(net)
    for _ in range(200):
        theta = np.zeros(d)
        values = rng.normal(size=s)
        theta[rng.choice(d, s, replace=False)] = values / np.linalg.norm(values) * rng.choice([1.0, rng.random()])
        assert np.linalg.norm(net - theta, axis=1).min() <= eps * (1 + 1e-9)


def test_values_do_not_increase_along_the_order_and_orders_are_shared():
    x = unit(40, 4, np.random.default_rng(0))
    order = learners.elimination_order(x, sparsity=2, resolution=0.25)
    assert np.all(np.diff(order.values) <= 0.0)
    bandit = LinearBandit(x, [0.6, 0.0, 0.8, 0.0], 0.0)
    how = {"sparsity": 2, "epsilon": 0.25}
    alone, shared = learners.net_elimination(bandit, **how), learners.net_elimination(bandit, **how, order=order)
    assert alone.arms.tolist() == shared.arms.tolist()
    with pytest.raises(ParameterError, match="order was made for sparsity 2"):
        learners.net_elimination(bandit, sparsity=1, epsilon=0.25, order=order)
    with pytest.raises(ParameterError, match=r"order knows arm \d+; the bandit has 1 arms"):
        learners.net_elimination(LinearBandit(x[:1], np.zeros(4), 0.0), **how, order=order)


def test_scaling_a_problem_scales_errors_not_queries():
    rng = np.random.default_rng(5)
    x = unit(60, 5, rng)
    theta, delta = np.array([0.0, 0.5, 0.0, -0.5, 0.0]), rng.uniform(-0.1, 0.1, 60)
    whole = learners.one_shot_design(LinearBandit(x, theta, 0.0, delta))
    half = learners.one_shot_design(LinearBandit(x, theta / 2, 0.0, delta / 2))
    assert whole.arms.tolist() == half.arms.tolist()
    assert half.suboptimality == pytest.approx(whole.suboptimality / 2)


def test_noise_needs_repeats():
    x = unit(50, 4, np.random.default_rng(2))
    bandit = LinearBandit(x, [0.8, 0.0, 0.6, 0.0], 1.0)
    how = {"sparsity": 2, "epsilon": 0.2, "rng": 0}
    order = learners.elimination_order(x, sparsity=2, resolution=0.2)
    run = learners.noisy_net_elimination(bandit, **how)
    assert run.pulls == run.queries * math.ceil(8 * math.log(2 * order.size / 0.05) / 0.04)
    assert run.suboptimality <= 6 * 0.2
    assert learners.noisy_net_elimination(bandit, **how, repeats=3).pulls % 3 == 0
    with pytest.raises(ParameterError, match="net_elimination needs queries without noise"):
        learners.net_elimination(bandit, sparsity=2, epsilon=0.2)


# Designs and searches


@given(linear_bandits(max_arms=10, max_features=4))
@settings(max_examples=60)
def test_one_shot_design_meets_its_certificate(bandit):
    quiet = LinearBandit(bandit.actions, bandit.theta, 0.0, bandit.misspecification)
    run = learners.one_shot_design(quiet)
    certificate = quiet.epsilon * (1 + math.sqrt(run.g))
    assert np.abs(run.predictions - quiet.means).max() <= certificate + 1e-9
    assert run.suboptimality <= 2 * certificate + 1e-9
    rank = np.linalg.matrix_rank(quiet.actions)
    assert run.queries <= max(rank * (rank + 1) // 2, 1)
    same = learners.one_shot_design(quiet, weights=run.weights) if rank else run
    assert np.allclose(same.predictions, run.predictions, atol=1e-8)


@given(linear_bandits(max_arms=8, max_features=3), st.integers(1, 2))
@settings(max_examples=60)
def test_index_set_elimination_meets_its_certificate(bandit, s):
    s = min(s, bandit.d)
    theta = np.array(bandit.theta)
    theta[s:] = 0.0
    quiet = LinearBandit(bandit.actions, theta, 0.0, bandit.misspecification)
    run = learners.index_set_elimination(quiet, sparsity=s, epsilon=quiet.epsilon)
    assert run.stopped
    assert run.suboptimality <= 2 * quiet.epsilon * (1 + math.sqrt(1.01 * s)) + 1e-9
    assert run.queries <= math.comb(bandit.d, s) * (s * (s + 1) // 2 + 1)
    assert run.arm in run.arms


def test_wrong_columns_mislead():
    x = unit(50, 4, np.random.default_rng(0))
    bandit = LinearBandit(x, [0.0, 0.0, 0.6, 0.8], 0.0)
    assert learners.one_shot_design(bandit, columns=[2, 3]).suboptimality == 0.0
    assert learners.one_shot_design(bandit, columns=[0, 1]).suboptimality > 0.1
    for columns in ([], [1, 1], [4]):
        with pytest.raises(ParameterError, match="columns"):
            learners.one_shot_design(bandit, columns=columns)


def test_searches():
    x = unit(40, 5, np.random.default_rng(1))
    bandit = LinearBandit(x, [0.0, 1.0, 0.0, 0.0, 0.0], 0.0)
    every = learners.exhaustive_search(bandit, rng=0)
    assert sorted(every.arms.tolist()) == list(range(40))
    assert every.suboptimality == 0.0
    sparse = learners.sparse_fit_search(bandit, sparsity=1, queries=40, rng=0)
    assert sparse.stopped
    assert sparse.suboptimality == 0.0
    assert sparse.queries <= 8
    lasso = learners.lasso_search(bandit, penalty=1e-4, queries=20, rng=0)
    assert lasso.suboptimality == 0.0
    assert lasso.queries <= 21
    # a penalty above max |x^T y| / n leaves nothing: the output is the best of the random arms, or arm 0
    empty = learners.lasso_search(bandit, penalty=10.0, queries=20, rng=0)
    assert set(empty.arms.tolist()) == {0, *np.random.default_rng(0).permutation(40)[:20].tolist()}


def test_lasso_satisfies_its_optimality_conditions():
    from tabular.learning.bandit.sparse_searches import _lasso

    rng = np.random.default_rng(3)
    x, y, theta, penalty = rng.normal(size=(30, 6)), rng.normal(size=30), np.zeros(6), 0.1
    x[:, 2] = 0.0
    _lasso(x, y, penalty, 5000, theta)
    slope = x.T @ (y - x @ theta) / 30
    assert 0 < np.count_nonzero(theta) < 6
    assert np.allclose(slope[theta != 0.0], penalty * np.sign(theta[theta != 0.0]), atol=1e-9)
    assert np.all(np.abs(slope[theta == 0.0]) <= penalty + 1e-9)


# Noisy learners


def test_lin_ucb_follows_its_definition():
    run = learners.lin_ucb(
        PROBLEM, horizon=60, delta=0.1, regularisation=0.5, theta_bound=2.0, sigma=0.7, runs=2, actions=True, rng=3
    )
    for i in range(2):
        expected = naive.lin_ucb(PROBLEM.actions, PROBLEM.means, 0.5, 60, 0.1, 0.5, 2.0, 0.7, stream(3, i))
        assert run.actions[i].tolist() == expected
    gaps = PROBLEM.means.max() - PROBLEM.means
    assert run.regret[:, -1] == pytest.approx(gaps[run.actions].sum(axis=1))


def test_lin_ucb_regret_stays_below_its_theorem():
    n, d, delta = 2000, 3, 0.05
    x = unit(20, d, np.random.default_rng(0))
    run = learners.lin_ucb(LinearBandit(x, x[0], 1.0), horizon=n, delta=delta, runs=20, rng=0)
    beta = (1 + math.sqrt(2 * math.log(1 / delta) + d * math.log((d + n) / d))) ** 2
    assert np.all(run.regret[:, -1] <= math.sqrt(8 * d * n * beta * math.log((d + n) / d)))
    assert run.mean_regret[-1] < 0.2 * n * 1.0


@pytest.mark.parametrize("schedule", ["doubling", "textbook"])
def test_phased_elimination_keeps_to_its_schedule(schedule):
    d, k, n, delta, sigma = 2, 2, 5000, 0.1, 0.5
    bandit = LinearBandit(np.eye(2), [1.0, 0.0], sigma)
    run = learners.phased_elimination(bandit, horizon=n, delta=delta, schedule=schedule, actions=True, rng=0)
    log = math.log(k * 1 * 2 / delta)
    first = 2 * 16.0 if schedule == "doubling" else 2 * sigma**2 * d * log * 4
    half = math.ceil(first / 2)  # the design on two orthonormal arms is uniform
    assert run.actions[0][: 2 * half].tolist() == [0] * half + [1] * half
    assert run.pulls[0].sum() == n
    gaps = bandit.means.max() - bandit.means
    assert run.regret[0] == pytest.approx(gaps[run.actions[0]].cumsum()[run.rounds - 1])
    assert np.all(run.actions[0][-1000:] == 0)


def test_phased_elimination_keeps_the_best_arm_and_knows_epsilon():
    rng = np.random.default_rng(0)
    x = unit(12, 3, rng)
    bandit = LinearBandit(x, x[4], 0.1)
    how = {"horizon": 20_000, "runs": 10, "rng": 1}
    plain = learners.phased_elimination(bandit, **how)
    assert np.all(np.argmax(plain.pulls, axis=1) == np.argmax(bandit.means))
    told = learners.phased_elimination(bandit, epsilon=0.5, **how)
    assert np.all(told.mean_regret[-1] > plain.mean_regret[-1])  # keeps more arms
    hasty = learners.phased_elimination(LinearBandit(x, [0.05, 0.05, 0.0], 1.0), scale=0.0, **how)
    assert np.count_nonzero(hasty.pulls > 10_000) == 10  # one arm survives the first phase


def test_phased_elimination_of_arms_that_do_not_span():
    run = learners.phased_elimination(LinearBandit([[1.0, 1.0], [0.5, 0.5]], [0.5, 0.5], 0.1), horizon=1000, rng=0)
    assert run.pulls[0, 0] > 900
    nothing = learners.phased_elimination(LinearBandit([[0.0], [0.0]], [1.0], 1.0, [0.5, 0.0]), horizon=50, rng=0)
    assert nothing.pulls.sum() == 50


def test_exp2_follows_its_definition():
    rng = np.random.default_rng(4)
    x = unit(5, 2, rng)
    coefficients = rng.uniform(-0.7, 0.7, size=(80, 2))
    design = learners.g_optimal_design(x, tau=0.01).weights
    run = learners.exp2(x, coefficients, eta=0.2, gamma=0.3, history=True, runs=2, rng=9)
    losses = coefficients @ x.T
    for i in range(2):
        pulled, paid = naive.exp2(x, coefficients, design, 0.2, 0.3, stream(9, i))
        assert run.actions[i].tolist() == pulled
        assert run.pulls[i].tolist() == np.bincount(pulled, minlength=5).tolist()
        assert run.regret[i, -1] == pytest.approx(sum(paid) - losses.sum(axis=0).min())
    pulled = learners.exp2(x, coefficients, eta=0.2, gamma=0.3, history=True, regret="pulled", rng=9)
    assert pulled.regret[0, -1] == pytest.approx(losses[np.arange(80), pulled.actions[0]].sum() - losses.sum(0).min())


@pytest.mark.statistical
def test_exp2_regret_stays_below_its_theorem():
    x = unit(20, 4, np.random.default_rng(0))
    n = 1000
    coefficients = np.where(np.arange(n)[:, None] < n // 2, x[0], -x[0]) + 0.0
    coefficients[: n // 4] = -x[1]
    run = learners.exp2(x, coefficients, runs=10, rng=0)
    bound = 2 * math.sqrt(3 * 4 * n * math.log(20))
    assert run.mean_regret[-1] <= bound
    assert learners.exp2(x, coefficients, eta=50.0, gamma=0.01, runs=10, rng=0).mean_regret[-1] > run.mean_regret[-1]


def test_runs_are_addressed_by_index():
    for learner in (learners.lin_ucb, learners.phased_elimination):
        both = learner(PROBLEM, horizon=100, runs=2, actions=True, rng=5)
        second = learner(PROBLEM, horizon=100, first_run=1, actions=True, rng=5)
        assert both.actions[1].tolist() == second.actions[0].tolist()


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: learners.lin_ucb(BernoulliBandit([0.5]), horizon=5, rng=0), "plays a LinearBandit"),
        (lambda: learners.lin_ucb(PROBLEM, horizon=0, rng=0), "horizon"),
        (lambda: learners.lin_ucb(PROBLEM, horizon=5, delta=1.0, rng=0), "delta"),
        (lambda: learners.lin_ucb(PROBLEM, horizon=5, regularisation=0.0, rng=0), "regularisation"),
        (lambda: learners.lin_ucb(PROBLEM, horizon=5, sigma=math.nan, rng=0), "sigma"),
        (lambda: learners.phased_elimination(PROBLEM, horizon=5, schedule="other", rng=0), "schedule"),
        (lambda: learners.phased_elimination(PROBLEM, horizon=5, epsilon=-0.1, rng=0), "epsilon"),
        (lambda: learners.exp2(np.eye(2), [[1.5, 0.0]], rng=0), "loss of arm 0 in round 0 is 1.5; losses lie in"),
        (lambda: learners.exp2(np.eye(2), [[0.5]], rng=0), "coefficients has 1 columns; 2 are needed"),
        (lambda: learners.exp2([[1.0, 1.0]], [[0.1, 0.1]], rng=0), "actions span 1 of 2 dimensions"),
        (lambda: learners.exp2(np.empty((0, 2)), [[0.1, 0.1]], rng=0), "at least one entry"),
        (lambda: learners.exp2(np.eye(2), [[math.nan, 0.0]], rng=0), r"coefficients\[0, 0\] is nan"),
        (lambda: learners.exp2(np.eye(2), [[0.5, 0.0]], eta=0.0, rng=0), "eta is 0.0"),
        (lambda: learners.exp2(np.eye(2), [[0.5, 0.0]], eta=-1.0, rng=0), "eta is -1.0"),
        (lambda: learners.exp2(np.eye(2), [[0.5, 0.0]], gamma=1.5, rng=0), "gamma is 1.5"),
        (lambda: learners.exhaustive_search(PROBLEM, rng=0), "needs queries without noise"),
        (lambda: learners.elimination_order(np.eye(2), sparsity=3, resolution=0.1), "sparsity"),
        (lambda: learners.elimination_order(np.eye(2), sparsity=1, resolution=0.0), "resolution"),
        (lambda: learners.elimination_order(np.eye(9), sparsity=9, resolution=0.01), "on each support"),
        (lambda: learners.elimination_order([[math.inf]], sparsity=1, resolution=0.1), r"actions\[0, 0\] is inf"),
        (lambda: learners.net_elimination(BernoulliBandit([0.5]), sparsity=1, epsilon=0.1), "queries a LinearBandit"),
    ],
)
def test_bad_input_is_refused(call, match):
    with pytest.raises(ParameterError, match=match):
        call()


def test_designs_of_index_sets_are_shared():
    x = unit(30, 4, np.random.default_rng(0))
    bandit = LinearBandit(x, [0.6, 0.0, 0.8, 0.0], 0.0)
    designs = learners.index_set_designs(x, sparsity=2)
    how = {"sparsity": 2, "epsilon": 0.1}
    alone = learners.index_set_elimination(bandit, **how)
    assert learners.index_set_elimination(bandit, **how, designs=designs).arms.tolist() == alone.arms.tolist()
    with pytest.raises(ParameterError, match=r"designs were made for features of shape \(30, 4\) and sparsity 2"):
        learners.index_set_elimination(bandit, sparsity=1, epsilon=0.1, designs=designs)
