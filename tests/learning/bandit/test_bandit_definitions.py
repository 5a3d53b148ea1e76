"""Every bandit learner pulls the arms that its definition pulls, on the same draws."""

import math

import naive_bandits as naive
import numpy as np
import pytest

from tabular import AdversarialBandit, BernoulliBandit, GaussianBandit
from tabular.learning import bandit as learners

N = 600
MEANS = [0.3, 0.7, 0.55, 0.1]
STD = [1.0, 0.5, 2.0, 1.0]
LOSSES = np.random.default_rng(5).random((N, 4))
COIN, NORMAL, ADVERSARY = BernoulliBandit(MEANS), GaussianBandit(MEANS, STD), AdversarialBandit(LOSSES)
REWARDS = {
    "coin": (COIN, naive.bernoulli(MEANS)),
    "normal": (NORMAL, naive.gaussian(MEANS, STD)),
    "adversary": (ADVERSARY, naive.adversarial(LOSSES)),
}
GAPS = [max(MEANS) - mean for mean in MEANS]
COST = {"coin": lambda t, a: GAPS[a], "adversary": lambda t, a: LOSSES[t, a]}


def actions(learner, bandit, seed=7, **options):
    return learner(bandit, horizon=N, runs=2, actions=True, rng=seed, **options).actions.tolist()


INDICES = {
    "ucb1": naive.ucb1,
    "ucb_delta": naive.ucb_delta(N**-2.0),
    "ucb_asymptotic": naive.ucb_asymptotic,
    "moss": naive.moss(N, 4),
    "kl_ucb": naive.kl_ucb,
}


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for name in INDICES for kind in REWARDS if (name, kind) != ("kl_ucb", "normal")]
)
def test_index_learners(name, kind):
    learner, index = getattr(learners, name), INDICES[name]
    bandit, reward = REWARDS[kind]
    expected = [naive.play_index(4, N, index, reward, naive.stream(7, run)) for run in range(2)]
    assert actions(learner, bandit) == expected


@pytest.mark.parametrize("scale", [0.0, -1.0, 0.3])
def test_scale_multiplies_the_radius(scale):
    def scaled(t, mean, N):
        return mean + scale * (naive.ucb1(t, mean, N) - mean)

    expected = naive.play_index(4, N, scaled, naive.bernoulli(MEANS), naive.stream(3))
    assert actions(learners.ucb1, COIN, seed=3, scale=scale)[0] == expected


def test_sigma_and_delta_enter_the_radius():
    def index(t, mean, N):
        return mean + 0.5 * math.sqrt(2 * math.log(1 / 0.2) / N)

    expected = naive.play_index(4, N, index, naive.bernoulli(MEANS), naive.stream(3))
    assert actions(learners.ucb_delta, COIN, seed=3, sigma=0.5, delta=0.2)[0] == expected


@pytest.mark.parametrize("kind", ["coin", "adversary"])
@pytest.mark.parametrize("estimator", ["iw", "unweighted"])
def test_exp3(kind, estimator):
    bandit, reward = REWARDS[kind]
    eta = math.sqrt(2 * math.log(4) / (4 * N))
    run = learners.exp3(bandit, horizon=N, estimator=estimator, actions=True, record=[N], rng=7)
    expected, spent = naive.play_exp3(4, N, eta, 0.0, reward, naive.stream(7), COST[kind], weighted=estimator == "iw")
    assert run.actions[0].tolist() == expected
    best = LOSSES.sum(axis=0).min() if kind == "adversary" else 0.0
    assert run.regret[0, 0] == pytest.approx(spent - best, rel=1e-9)


def test_exp3_once_all_weights_have_shrunk():
    """A rate at which the exponentials of all estimates soon leave the floats; played losses are summed as they are."""
    run = learners.exp3(ADVERSARY, horizon=N, eta=16.0, estimator="unweighted", actions=True, rng=7)
    reward, cost = REWARDS["adversary"][1], COST["adversary"]
    expected, _ = naive.play_exp3(4, N, 16.0, 0.0, reward, naive.stream(7), cost, weighted=False)
    assert run.actions[0].tolist() == expected
    assert run.pulls[0].tolist() == np.bincount(expected).tolist()
    assert np.bincount(expected[N // 2 :], minlength=4).min() > 10


@pytest.mark.parametrize("kind", ["coin", "adversary"])
@pytest.mark.parametrize("delta", [None, 0.05])
def test_exp3_ix(kind, delta):
    bandit, reward = REWARDS[kind]
    level = 2 * math.log(5) if delta is None else math.log(4) + math.log(5 / delta)
    eta = math.sqrt(level / (4 * N))
    expected, _ = naive.play_exp3(4, N, eta, eta / 2, reward, naive.stream(7), COST[kind])
    assert actions(learners.exp3_ix, bandit, delta=delta)[0] == expected


@pytest.mark.parametrize("kind", ["coin", "adversary"])
@pytest.mark.parametrize("estimator", ["iw", "rv", "unweighted"])
def test_tsallis_inf(kind, estimator):
    bandit, reward = REWARDS[kind]
    run = learners.tsallis_inf(bandit, horizon=N, estimator=estimator, actions=True, record=[N], rng=7)
    expected, spent = naive.play_tsallis(4, N, estimator, reward, naive.stream(7), COST[kind])
    assert run.actions[0].tolist() == expected
    best = LOSSES.sum(axis=0).min() if kind == "adversary" else 0.0
    assert run.regret[0, 0] == pytest.approx(spent - best, rel=1e-7)


@pytest.mark.parametrize("prior", [(1.0, 1.0), (0.5, 0.5), (2.0, 0.25)])
@pytest.mark.parametrize("sample", ["posterior", "mean"])
def test_thompson_with_coins(prior, sample):
    expected = naive.play_beta(4, N, prior, naive.bernoulli(MEANS), naive.stream(7), greedy=sample == "mean")
    assert actions(learners.thompson, COIN, prior=prior, sample=sample)[0] == expected


@pytest.mark.parametrize("prior", [None, (0.5, 0.3)])
def test_thompson_with_normal_rewards(prior):
    expected = naive.play_normal(4, N, STD, naive.gaussian(MEANS, STD), naive.stream(7), prior)
    assert actions(learners.thompson, NORMAL, prior=prior)[0] == expected


@pytest.mark.parametrize("options", [{"epsilon": 0.2}, {"gap": 0.5, "c": 6.0}, {"epsilon": 0.0}])
def test_epsilon_greedy(options):
    def chance(t):
        return min(1.0, 6.0 * 4 / (0.25 * t)) if "gap" in options else options["epsilon"]

    expected = naive.play_epsilon_greedy(4, N, chance, naive.bernoulli(MEANS), naive.stream(7))
    assert actions(learners.epsilon_greedy, COIN, **options)[0] == expected
