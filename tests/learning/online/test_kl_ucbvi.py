"""KL-UCBVI against plain Python, and what optimism over balls owes."""

import naive_stepmix as naive
import numpy as np
import pytest

from experiments.instances import random_episodic
from tabular import EpisodicMDP, ParameterError
from tabular.learning.online import kl_ucbvi
from tabular.planning import evaluate
from tabular.testing import check_online_learner


def told(mdp, episodes, scale, seed):
    """Plan from the definition, play, count."""
    H, S, A = mdp.r.shape
    rng, N, values = np.random.default_rng(seed), np.zeros((H, S, A, S)), []
    for _ in range(episodes):
        _, Q = naive.optimistic(N, mdp.r, scale, 0.1)
        policy = Q.argmax(axis=2)
        values.append(evaluate(mdp, policy).value)
        s = int(np.searchsorted(np.cumsum(mdp.mu0), rng.random(), side="right"))
        for h in range(H):
            a = policy[h, s]
            s_next = int(np.searchsorted(np.cumsum(mdp.P[h, s, a]), rng.random(), side="right"))
            N[h, s, a, s_next] += 1
            s = s_next
    return np.array(values), policy, N.sum(axis=3)


@pytest.mark.parametrize("scale", [1.0, 0.02])
@pytest.mark.parametrize("seed", [0, 1])
def test_it_is_the_algorithm_told_step_by_step(seed, scale):
    mdp = random_episodic(3, 2, 3, rng=seed)
    run = kl_ucbvi(mdp, episodes=60, delta=0.1, scale=scale, rng=np.random.default_rng(seed))
    values, policy, visits = told(mdp, 60, scale, seed)
    assert run.values == pytest.approx(values, abs=1e-12)
    assert run.policy.tolist() == policy.tolist()
    assert run.visits.tolist() == visits.tolist()
    assert scale == 1.0 or np.ptp(values) > 0.0


def test_it_keeps_what_every_online_learner_owes():
    check_online_learner(kl_ucbvi, instances=1, anytime=True)


def test_without_its_bonus_it_stays_with_an_unlucky_first_draw():
    chances = [0.5, 0.75]
    P = np.zeros((3, 2, 3))
    P[0, :, 1], P[0, :, 2] = chances, [1 - p for p in chances]
    P[1, :, 1] = P[2, :, 2] = 1.0
    mdp = EpisodicMDP(P, [[0.0, 0.0], [1.0, 1.0], [0.0, 0.0]], [1.0, 0.0, 0.0], H=2)
    stuck = sum(kl_ucbvi(mdp, episodes=400, bonus="none", rng=seed).values[-1] == 0.5 for seed in range(20))
    learnt = sum(kl_ucbvi(mdp, episodes=400, scale=0.1, rng=seed).values[-100:].mean() > 0.7 for seed in range(20))
    assert stuck >= 3
    assert learnt >= 18


def test_errors():
    mdp = random_episodic(2, 2, 2, rng=0)
    for options in ({"episodes": 0}, {"delta": 1.0}, {"scale": -1.0}, {"bonus": "other"}):
        with pytest.raises(ParameterError, match=next(iter(options))):
            kl_ucbvi(mdp, **({"episodes": 5, "rng": 0} | options))
    with pytest.raises(ParameterError, match=r"r\[0, 0, 0\] is 2"):
        kl_ucbvi(EpisodicMDP([[[1.0]]], [[2.0]], H=1), episodes=1, rng=0)
    with pytest.raises(ParameterError, match="EpisodicMDP"):
        kl_ucbvi({"S": 1}, episodes=1, rng=0)
