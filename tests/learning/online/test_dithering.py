"""Epsilon-greedy against plain Python, its two ends, and the locks that it does not open."""

import naive_online_values as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.instances import combination_lock, deep_sea, random_episodic
from tabular.errors import ParameterError
from tabular.learning.online import epsilon_greedy, psrl, q_learning_hoeffding
from tabular.learning.online.dithering import _run
from tabular.testing import episodic_mdps


@pytest.mark.parametrize(
    ("stationary", "stage_dependent", "known", "noisy", "epsilon", "decay", "ties"),
    [
        (True, None, True, False, 0.3, 0.0, "smallest"),
        (True, True, False, True, 1.0, 0.5, "uniform"),
        (False, None, True, False, 0.5, 0.25, "uniform"),
        (False, None, False, False, 0.3, 0.0, "smallest"),
    ],
)
def test_it_dithers_around_the_empirical_model(stationary, stage_dependent, known, noisy, epsilon, decay, ties):
    mdp = random_episodic(3, 2, 3, rng=2, stationary=stationary)
    T = mdp.H if stage_dependent or not stationary else 1
    run = epsilon_greedy(
        mdp, episodes=60, epsilon=epsilon, decay=decay, ties=ties, stage_dependent=stage_dependent, rng=5,
        rewards="known" if known else "estimated", reward_noise="bernoulli" if noisy else "none",
    )  # fmt: skip
    policies = naive.epsilon_greedy(mdp, 60, 5, T, epsilon, decay, ties == "uniform", known, noisy)
    np.testing.assert_allclose(run.values, [naive.value(mdp, policy) for policy in policies], atol=1e-12)
    np.testing.assert_allclose(run.policy, policies[-1], atol=1e-15)
    assert len({policy.tobytes() for policy in policies}) > 3


@pytest.mark.parametrize("noisy", [False, True])
def test_it_dithers_around_a_plain_q_learning_table(noisy):
    mdp = random_episodic(3, 2, 3, rng=2)
    noise = "bernoulli" if noisy else "none"
    run = epsilon_greedy(mdp, episodes=60, epsilon=0.3, method="q-learning", reward_noise=noise, rng=5)

    def nothing(ahead, harmonic):
        return [0.0] * len(ahead)

    policies, _ = naive.q_learning(mdp, 60, nothing, 5, [0.0] * 3, [np.inf] * 3, noisy=noisy, epsilon=0.3)
    np.testing.assert_allclose(run.values, [naive.value(mdp, policy) for policy in policies], atol=1e-12)
    np.testing.assert_allclose(run.policy, policies[-1], atol=1e-15)
    assert len({policy.tobytes() for policy in policies}) > 5


@pytest.mark.parametrize("method", ["certainty-equivalence", "q-learning"])
def test_epsilon_zero_is_greedy_and_epsilon_one_is_uniform(method):
    mdp = random_episodic(4, 3, 3, rng=0)
    greedy = epsilon_greedy(mdp, episodes=30, epsilon=0.0, method=method, rng=0)
    assert set(np.unique(greedy.policy)) == {0.0, 1.0}
    uniform = epsilon_greedy(mdp, episodes=30, epsilon=1.0, method=method, rng=0)
    np.testing.assert_allclose(uniform.policy, 1 / 3, rtol=1e-15)
    np.testing.assert_allclose(uniform.values, naive.value(mdp, np.full((3, 4, 3), 1 / 3)), atol=1e-12)
    assert np.ptp(uniform.visits.sum(axis=(0, 1))) < 40


def test_ties_are_spread_or_not():
    lock = combination_lock(3, A=4)
    spread = epsilon_greedy(lock, episodes=1, epsilon=0.4, ties="uniform", rng=0).policy
    np.testing.assert_allclose(spread[0, :2], 0.25, rtol=1e-15)  # nothing is known to pay before the last digit
    first = epsilon_greedy(lock, episodes=1, epsilon=0.4, ties="smallest", rng=0).policy
    np.testing.assert_allclose(first[0, :2], np.tile([0.7, 0.1, 0.1, 0.1], (2, 1)), rtol=1e-15)
    for policy in (spread, first):
        np.testing.assert_allclose(policy[0, 2], [0.1, 0.1, 0.1, 0.7], rtol=1e-15)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.compiled
def test_where_exploration_must_be_deep_it_fails_and_others_do_not(seed):
    """A fixed budget of 2000 episodes, a hundredth of 2**18."""
    sea, lock = deep_sea(18, shifted=True), combination_lock(18)
    for method in ("certainty-equivalence", "q-learning"):
        for ties in ("smallest", "uniform"):
            options = {"episodes": 2000, "method": method, "ties": ties, "rng": seed}
            assert epsilon_greedy(lock, **options).values.max() < 0.01
            assert epsilon_greedy(sea, **options).values.max() < 0.02
    for mdp in (sea, lock):
        assert psrl(mdp, episodes=2000, rng=seed).values[-200:].mean() > 0.5
    lock = combination_lock(8)
    assert q_learning_hoeffding(lock, episodes=6000, scale=0.02, rng=seed).values[-600:].mean() > 0.5
    assert epsilon_greedy(lock, episodes=6000, rng=seed).values[-600:].mean() < 0.01


def test_it_does_learn_where_a_little_dithering_is_enough():
    mdp = random_episodic(4, 2, 3, rng=1)
    run = epsilon_greedy(mdp, episodes=4000, epsilon=1.0, decay=0.5, rng=0)
    assert run.optimal_value - run.values[-100:].mean() < 0.02 < run.optimal_value - run.values[:10].mean()


@settings(max_examples=25)
@given(episodic_mdps(), st.sampled_from(["certainty-equivalence", "q-learning"]), st.sampled_from([0.0, 0.25, 1.0]))
def test_its_record_is_consistent(mdp, method, epsilon):
    run = epsilon_greedy(mdp, episodes=20, epsilon=epsilon, method=method, rng=0)
    assert run.visits.sum(axis=(1, 2)).tolist() == [20] * mdp.H
    assert run.values[-1] == pytest.approx(naive.value(mdp, mdp.policy(run.policy)), abs=1e-12)
    assert run.values.max() <= run.optimal_value + 1e-12
    assert (run.algorithm, run.bonus, run.scale, run.delta) == ("epsilon-greedy", "none", epsilon, None)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"episodes": True}, "episodes is True"),
        ({"epsilon": 1.5}, r"epsilon is 1\.5"),
        ({"decay": -1.0}, r"decay is -1\.0"),
        ({"method": "sarsa"}, "method is 'sarsa'"),
        ({"ties": "random"}, "ties is 'random'"),
        ({"rewards": "unknown"}, "rewards is 'unknown'"),
        ({"rewards": "unknown", "method": "q-learning"}, "rewards is 'unknown'"),
        ({"reward_noise": "bernoulli"}, "rewards are known; use rewards='estimated'"),
        ({"stage_dependent": False}, "stage_dependent is False but the transitions change"),
        ({"rng": "0"}, "rng is '0'"),
    ],
)
def test_parameters_out_of_range_are_refused(change, match):
    with pytest.raises(ParameterError, match=match):
        epsilon_greedy(random_episodic(2, 2, 2, rng=0), **({"episodes": 3, "rng": 0} | change))


def test_what_is_no_model_is_refused():
    with pytest.raises(ParameterError, match="mdp is a NoneType"):
        epsilon_greedy(None, episodes=3, rng=0)


@pytest.mark.compiled
def test_the_run_kernel_has_one_specialisation():
    for method in ("certainty-equivalence", "q-learning"):
        for stationary in (True, False):
            epsilon_greedy(random_episodic(2, 2, 2, rng=0, stationary=stationary), episodes=2, method=method, rng=0)
    assert len(_run.signatures) <= 1
