"""PSRL against plain Python, and its posterior against what Bayes' rule says."""

import math

import naive_online_values as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.instances import combination_lock, deep_sea, random_episodic
from tabular import EpisodicMDP
from tabular.errors import ParameterError
from tabular.learning.online import PSRL, psrl
from tabular.learning.online._counts import _record, empty_counts
from tabular.learning.online._played import known_rewards, no_rewards
from tabular.learning.online.posterior_sampling import _run, _sample_rewards, _sample_transitions
from tabular.testing import episodic_mdps


@pytest.mark.parametrize("mean", [False, True])
@pytest.mark.parametrize(
    ("stationary", "stage_dependent", "known", "noisy", "prior"),
    [
        (True, None, True, False, 1.0),
        (True, True, False, True, 0.25),
        (True, False, False, False, 2.0),
        (False, None, True, False, 0.5),
        (False, None, False, True, 1.0),
    ],
)
def test_it_is_posterior_sampling(stationary, stage_dependent, known, noisy, prior, mean):
    mdp = random_episodic(3, 2, 3, rng=2, stationary=stationary)
    T = mdp.H if stage_dependent or not stationary else 1
    run = psrl(
        mdp, episodes=50, prior=prior, stage_dependent=stage_dependent, bonus="none" if mean else "published", rng=5,
        rewards="known" if known else "estimated", reward_noise="bernoulli" if noisy else "none",
    )  # fmt: skip
    policies = naive.psrl(mdp, 50, 5, prior, T, known, noisy, mean)
    np.testing.assert_allclose(run.values, [naive.value(mdp, policy) for policy in policies], atol=1e-12)
    assert np.array_equal(run.policy, policies[-1])
    assert mean or len({policy.tobytes() for policy in policies}) > 5


def test_rewards_that_change_while_transitions_do_not_share_counts_only_of_transitions():
    base = random_episodic(3, 2, 3, rng=2, stationary=True)
    mdp = EpisodicMDP(base.P[0], base.r[0], base.mu0, H=3)
    moving = EpisodicMDP(base.P, np.array(base.r) * np.array([0.2, 0.5, 1.0])[:, None, None], base.mu0)
    assert psrl(mdp, episodes=2000, rng=0).values[-200:].mean() > 0.98 * psrl(mdp, episodes=1, rng=0).optimal_value
    run = psrl(moving, episodes=3000, rewards="estimated", rng=0)
    assert run.optimal_value - run.values[-300:].mean() < 0.05


def observed(rows, T=1, S=3, A=2):
    counts = empty_counts(T, S, A)
    for row in rows:
        _record(counts, *row)
    return counts


def test_samples_of_a_row_have_the_moments_of_the_posterior():
    """Dirichlet with total a: mean a_i / a, variance m(1 - m) / (a + 1), covariance -m_i m_j / (a + 1)."""
    counts = observed([(0, 1, 0, 2)] * 3 + [(0, 1, 0, 0)] * 2)
    alpha = np.array([2.5, 0.5, 3.5])
    rng, n = np.random.default_rng(0), 20_000
    P, rows = np.empty((1, 3, 2, 3)), np.empty((n, 3))
    for k in range(n):
        _sample_transitions(counts, 0.5, False, rng, P)
        rows[k] = P[0, 1, 0]
    mean = alpha / alpha.sum()
    covariance = (np.diag(mean) - np.outer(mean, mean)) / (alpha.sum() + 1)
    # five standard errors of a mean; of a covariance of bounded variables at most 5 * 0.25 / sqrt(n)
    assert (np.abs(rows.mean(axis=0) - mean) < 5 * np.sqrt(np.diag(covariance) / n)).all()
    assert (np.abs(np.cov(rows.T) - covariance) < 1.25 / math.sqrt(n)).all()
    np.testing.assert_allclose(P.sum(axis=-1), 1.0, atol=1e-14)
    _sample_transitions(counts, 0.5, True, rng, P)
    np.testing.assert_allclose(P[0, 1, 0], mean, rtol=1e-14)
    np.testing.assert_allclose(P[0, 0, 0], np.full(3, 1 / 3), rtol=1e-14)


def test_samples_of_a_reward_have_the_moments_of_the_posterior():
    earned = no_rewards(1, 1, 2)
    earned.n[0, 0, 1], earned.total[0, 0, 1] = 5.0, 4.0
    rng, n = np.random.default_rng(0), 20_000
    r, seen = np.empty((1, 1, 2)), np.empty((n, 2))
    for k in range(n):
        _sample_rewards(earned, False, False, rng, r)
        seen[k] = r[0, 0]
    mean, variance = np.array([1 / 2, 5 / 7]), np.array([1 / 12, 10 / 49 / 8])
    assert (np.abs(seen.mean(axis=0) - mean) < 5 * np.sqrt(variance / n)).all()
    assert (np.abs(seen.var(axis=0) - variance) < 1.25 / math.sqrt(n)).all()
    _sample_rewards(earned, False, True, rng, r)
    np.testing.assert_allclose(r[0, 0], mean, rtol=1e-14)
    _sample_rewards(known_rewards(np.array([[[0.25, 0.75]]])), True, False, rng, r)
    assert r.tolist() == [[[0.25, 0.75]]]


def test_the_posterior_concentrates_on_what_was_seen():
    rows = [(0, 0, 1, 2)] * 3 + [(0, 0, 1, 1)]
    rng, P = np.random.default_rng(1), np.empty((1, 3, 2, 3))
    errors = []
    for times in (1, 100, 10_000):
        counts = observed(rows * times)
        draws = []
        for _ in range(50):
            _sample_transitions(counts, 1.0, False, rng, P)
            draws.append(np.abs(P[0, 0, 1] - [0.0, 0.25, 0.75]).max())
        errors.append(max(draws))
    assert errors[0] > 0.1 > errors[1] > 0.01 > errors[2]


@pytest.mark.parametrize("seed", range(3))
def test_it_opens_locks_and_dives_deep(seed):
    for mdp in (combination_lock(8), deep_sea(10)):
        run = psrl(mdp, episodes=1000, rng=seed)
        assert run.values[-100:].mean() > 0.9 * run.optimal_value


def test_the_posterior_mean_never_tries_an_arm_that_the_prior_puts_below_what_it_has():
    """The prior mean is 1/2: having seen 0.75 of one arm, only a sample looks at the other, which pays 1."""
    arms = EpisodicMDP([[[1.0], [1.0]]], [[0.75, 1.0]], H=1)
    stuck = psrl(arms, episodes=500, rewards="estimated", bonus="none", rng=0)
    assert stuck.regret[-1] == pytest.approx(125.0, abs=1e-9)
    assert psrl(arms, episodes=500, rewards="estimated", rng=0).regret[-1] < 12.5


@settings(max_examples=25)
@given(episodic_mdps(), st.booleans(), st.sampled_from([0.01, 1.0]))
def test_its_record_is_consistent(mdp, known, prior):
    run = psrl(mdp, episodes=20, prior=prior, rewards="known" if known else "estimated", rng=0)
    assert run.visits.sum(axis=(1, 2)).tolist() == [20] * mdp.H
    assert run.values[-1] == pytest.approx(naive.value(mdp, run.policy), abs=1e-12)
    assert run.values.max() <= run.optimal_value + 1e-12


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"episodes": 0}, "episodes is 0"),
        ({"prior": 0.0}, r"prior is 0\.0"),
        ({"bonus": "some"}, "bonus is 'some'"),
        ({"rewards": "unknown"}, "rewards is 'unknown'"),
        ({"reward_noise": "bernoulli"}, "rewards are known; use rewards='estimated'"),
        ({"stage_dependent": False}, "stage_dependent is False but the transitions change"),
        ({"stage_dependent": 1}, "stage_dependent is 1; give True, False or None"),
        ({"rng": -1}, "rng is -1"),
    ],
)
def test_parameters_out_of_range_are_refused(change, match):
    with pytest.raises(ParameterError, match=match):
        psrl(random_episodic(2, 2, 2, rng=0), **({"episodes": 3, "rng": 0} | change))


def test_models_and_tables_that_do_not_fit_are_refused():
    with pytest.raises(ParameterError, match="mdp is a list"):
        psrl([], episodes=3, rng=0)
    costly = EpisodicMDP([[[1.0], [1.0]]], [[0.0, -0.5]], H=2)
    assert psrl(costly, episodes=3, rng=0).optimal_value == 0.0
    with pytest.raises(ParameterError, match=r"r\[0, 0, 1\] is -0\.5"):
        psrl(costly, episodes=3, rewards="estimated", rng=0)
    with pytest.raises(ParameterError, match=r"r has shape \(2, 3\); \(3, 2\) or \(4, 3, 2\) is needed"):
        PSRL(3, 2, 4, r=np.zeros((2, 3)), rng=0)


@pytest.mark.compiled
def test_the_run_kernel_has_one_specialisation():
    for rewards in ("known", "estimated"):
        for stationary in (True, False):
            psrl(random_episodic(2, 2, 2, rng=0, stationary=stationary), episodes=2, rewards=rewards, rng=0)
    assert len(_run.signatures) <= 1
