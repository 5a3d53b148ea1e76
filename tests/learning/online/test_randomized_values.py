"""RLSVI against plain Python, and its noise against the regression that it stands for."""

import math

import naive_online_values as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.instances import combination_lock, deep_sea, random_episodic
from tabular import EpisodicMDP
from tabular.errors import ParameterError
from tabular.learning.online import RLSVI, rlsvi
from tabular.learning.online._counts import _record, empty_counts
from tabular.learning.online._played import known_rewards
from tabular.learning.online.randomized_values import _noise_variance, _plan, _run
from tabular.testing import episodic_mdps


@pytest.mark.parametrize(
    ("stationary", "stage_dependent", "known", "noisy", "scale"),
    [
        (True, True, True, False, 1.0),
        (True, None, False, True, 0.01),
        (True, False, True, False, 0.01),
        (False, True, False, False, 0.05),
        (False, None, True, False, 0.0),
    ],
)
def test_it_is_the_noisy_regression(stationary, stage_dependent, known, noisy, scale):
    mdp = random_episodic(3, 2, 3, rng=2, stationary=stationary)
    T = 1 if stationary and not stage_dependent else mdp.H
    run = rlsvi(
        mdp, episodes=50, stage_dependent=stage_dependent, scale=scale, rng=5,
        rewards="known" if known else "estimated", reward_noise="bernoulli" if noisy else "none",
    )  # fmt: skip
    policies = naive.rlsvi(mdp, 50, 5, T, scale, known, noisy)
    np.testing.assert_allclose(run.values, [naive.value(mdp, policy) for policy in policies], atol=1e-12)
    assert np.array_equal(run.policy, policies[-1])
    assert scale == 0.0 or len({policy.tobytes() for policy in policies}) > 5


def test_the_noise_of_every_episode_has_its_own_variance():
    """Two arms and noise of the size of the gap: a k that is off by one flips a choice in some of 200 short runs."""
    means = [0.5, 0.7]
    arms = EpisodicMDP(np.ones((1, 2, 1)), [means], H=1)
    for seed in range(200):
        run = rlsvi(arms, episodes=8, scale=0.5, rng=seed)
        assert np.array_equal(run.values, [means[policy[0, 0]] for policy in naive.rlsvi(arms, 8, seed, 1, 0.5)])


def test_the_agent_plans_with_the_noise_of_its_episode():
    """Without data Q at the last step is noise alone."""
    agent, normal = RLSVI(1, 2, 1, scale=0.5, rng=3), np.random.default_rng(3)
    for k in range(1, 6):
        action = agent.act(0, 0)
        owed = math.sqrt(0.25 * math.log(4 * k)) * normal.standard_normal(2)
        np.testing.assert_allclose(agent.Q[0, 0], owed, rtol=1e-14)
        assert action == int(owed[1] > owed[0])


def test_the_published_variance():
    """Half of S H^3 log(2 H S A k), by hand for S=3, A=2, H=4, k=5."""
    assert _noise_variance(3, 2, 4, 5.0, 1.0) == pytest.approx(96 * math.log(240), rel=1e-15)
    assert _noise_variance(3, 2, 4, 5.0, 0.25) == pytest.approx(24 * math.log(240), rel=1e-15)


def test_the_plan_has_the_law_of_a_ridge_regression_on_noisy_targets():
    """Exact mean and variance of the regression, N targets and a draw from the prior; 40000 plans meet both."""
    beta, y = 2.0, np.array([1.0, 0.0, 1.0])  # r + max_a Q of three visits; one step, so r alone
    ridge = np.linalg.solve(np.ones((1, 3)) @ np.ones((3, 1)) + np.eye(1), np.ones((1, 3)))  # on targets and noise
    mean, variance = (ridge @ y).item(), beta * (ridge @ ridge.T).item() + beta * ridge[0, 0] ** 2
    assert variance == pytest.approx(beta / 4, rel=1e-14)
    counts, earned = empty_counts(1, 1, 2), known_rewards(np.array([[[0.0, y.mean()]]]))
    for _ in y:
        _record(counts, 0, 0, 1, 0)
    rng, n = np.random.default_rng(0), 40_000
    V, Q, policy, found = np.empty((2, 1)), np.empty((1, 1, 2)), np.zeros((1, 1), dtype=np.int64), np.empty((n, 2))
    for k in range(n):
        _plan(counts, earned, beta, rng, V, Q, policy)
        found[k] = Q[0, 0]
        assert policy[0, 0] == int(Q[0, 0, 1] > Q[0, 0, 0])
    assert np.abs(found.mean(axis=0) - [0.0, mean]).max() < 5 * math.sqrt(beta / n)
    # the variance of n squared normal variates is 2 sigma^4 / n
    assert (np.abs(found.var(axis=0) / [beta, variance] - 1) < 5 * math.sqrt(2 / n)).all()


def test_noise_is_independent_between_entries():
    counts, earned = empty_counts(1, 2, 2), known_rewards(np.zeros((1, 2, 2)))
    rng, n = np.random.default_rng(0), 5000
    V, Q, policy, found = np.empty((3, 2)), np.empty((2, 2, 2)), np.zeros((2, 2), dtype=np.int64), np.empty((n, 8))
    for k in range(n):
        _plan(counts, earned, 1.0, rng, V, Q, policy)
        found[k] = Q.ravel()
    assert np.abs(np.corrcoef(found.T) - np.eye(8)).max() < 5 / math.sqrt(n)


@pytest.mark.parametrize("seed", range(3))
def test_it_opens_locks_and_dives_deep_where_it_does_not_without_noise(seed):
    for mdp in (combination_lock(6), deep_sea(6)):
        run = rlsvi(mdp, episodes=4000, scale=1e-3, rng=seed)
        assert run.values[-400:].mean() > 0.5 * run.optimal_value
    assert rlsvi(combination_lock(6), episodes=4000, bonus="none", rng=seed).values.max() == 0.0


def test_the_published_noise_looks_random_for_long():
    lock = combination_lock(6)
    run = rlsvi(lock, episodes=2000, rng=0)
    assert run.values.mean() < 0.1


@settings(max_examples=25)
@given(episodic_mdps(), st.booleans())
def test_its_record_is_consistent(mdp, known):
    run = rlsvi(mdp, episodes=20, rewards="known" if known else "estimated", scale=0.1, rng=0)
    assert run.visits.sum(axis=(1, 2)).tolist() == [20] * mdp.H
    assert run.values[-1] == pytest.approx(naive.value(mdp, run.policy), abs=1e-12)
    assert run.values.max() <= run.optimal_value + 1e-12


def test_known_and_estimated_rewards_are_the_same_where_they_are_deterministic():
    mdp = random_episodic(3, 2, 3, rng=8)
    known, seen = (rlsvi(mdp, episodes=200, scale=0.01, rewards=kind, rng=1) for kind in ("known", "estimated"))
    np.testing.assert_allclose(known.values, seen.values, atol=1e-12)


def test_none_is_scale_zero():
    mdp = random_episodic(3, 2, 3, rng=1)
    none, zero = rlsvi(mdp, episodes=50, bonus="none", rng=3), rlsvi(mdp, episodes=50, scale=0.0, rng=3)
    assert np.array_equal(none.values, zero.values)
    assert (none.bonus, none.scale, zero.bonus, zero.scale) == ("none", 1.0, "published", 0.0)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"episodes": 1.5}, r"episodes is 1\.5"),
        ({"scale": -0.1}, r"scale is -0\.1"),
        ({"bonus": "some"}, "bonus is 'some'"),
        ({"rewards": "unknown"}, "rewards is 'unknown'"),
        ({"reward_noise": "bernoulli"}, "rewards are known; use rewards='estimated'"),
        ({"stage_dependent": False}, "stage_dependent is False but the transitions change"),
        ({"rng": 0.5}, r"rng is 0\.5"),
    ],
)
def test_parameters_out_of_range_are_refused(change, match):
    with pytest.raises(ParameterError, match=match):
        rlsvi(random_episodic(2, 2, 2, rng=0), **({"episodes": 3, "rng": 0} | change))


def test_models_and_tables_that_do_not_fit_are_refused():
    with pytest.raises(ParameterError, match="mdp is a str"):
        rlsvi("mdp", episodes=3, rng=0)
    with pytest.raises(ParameterError, match=r"r\[0, 1\] is nan"):
        RLSVI(1, 2, 4, r=[[0.0, math.nan]], rng=0)
    assert rlsvi(EpisodicMDP([[[1.0]]], [[-3.0]], H=2), episodes=3, rng=0).values.tolist() == [-6.0] * 3


@pytest.mark.compiled
def test_the_run_kernel_has_one_specialisation():
    for rewards in ("known", "estimated"):
        for stationary in (True, False):
            rlsvi(random_episodic(2, 2, 2, rng=0, stationary=stationary), episodes=2, rewards=rewards, rng=0)
    assert len(_run.signatures) <= 1
