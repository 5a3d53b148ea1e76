"""Gymnasium's toy-text tables against values known exactly, and models that go out and come back."""

import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

from tabular import AverageRewardMDP, DiscountedMDP, EpisodicMDP, MissingExtra, ParameterError
from tabular.interop import from_gymnasium, to_gymnasium
from tabular.planning import backward_induction, evaluate, policy_iteration
from tabular.testing import discounted_mdps, episodic_mdps

gymnasium = pytest.importorskip("gymnasium")
from gymnasium.utils.env_checker import check_env  # noqa: E402

#: Optimal values from the start at discount 0.99, recomputed by an exact model checker.
DISCOUNTED = {
    "FrozenLake-v1": 0.542025932000,
    "FrozenLake8x8-v1": 0.414640361800,
    "CliffWalking-v1": -12.247897700103,
    "Taxi-v4": 6.327464314919,
}


@pytest.mark.parametrize("name", list(DISCOUNTED))
def test_optimal_values_at_discount_0_99(name):
    assert policy_iteration(from_gymnasium(name, gamma=0.99)).value == pytest.approx(DISCOUNTED[name], abs=1e-11)


@pytest.mark.parametrize(
    ("name", "H", "value"),
    [("FrozenLake-v1", 4000, Fraction(14, 17)), ("CliffWalking-v1", 40, -13), ("Taxi-v4", 40, Fraction(793, 100))],
)
def test_optimal_values_at_discount_1(name, H, value):
    assert backward_induction(from_gymnasium(name, H=H)).value == pytest.approx(float(value), abs=1e-11)


def test_the_large_lake_is_crossed_almost_surely_given_time():
    values = [backward_induction(from_gymnasium("FrozenLake8x8-v1", H=H)).value for H in (100, 1000, 4000)]
    assert values[0] < values[1] < values[2] <= 1.0 + 1e-12
    assert values[2] > 0.9999


@pytest.mark.parametrize("name", ["FrozenLake-v1", "CliffWalking-v1", "CliffWalkingSlippery-v1", "Taxi-v4"])
def test_tables_keep_the_dynamics_of_the_environment(name):
    env = gymnasium.make(name).unwrapped
    mdp = from_gymnasium(env, gamma=0.9)
    assert mdp.row_error < 1e-15
    ended = 0
    for s in range(len(env.P)):
        if (mdp.P[s, :, s] == 1.0).all() and (mdp.r[s] == 0.0).all():
            ended += 1
            continue
        for a in range(mdp.A):
            assert mdp.r[s, a] == pytest.approx(sum(p * r for p, _, r, _ in env.P[s][a]), rel=1e-15, abs=0)
            expected = np.zeros(mdp.S)
            for p, s_next, _, over in env.P[s][a]:
                expected[-1 if over and len(env.P) < mdp.S else s_next] += p
            np.testing.assert_allclose(mdp.P[s, a], expected, rtol=0, atol=1e-15)
    assert ended == {"FrozenLake-v1": 5, "CliffWalking-v1": 1, "CliffWalkingSlippery-v1": 1, "Taxi-v4": 0}[name]


def test_taxi_ends_in_one_extra_state_and_starts_in_300():
    mdp = from_gymnasium("Taxi-v4", gamma=0.9)
    assert (mdp.S, mdp.A) == (501, 6)
    assert mdp.P[500, :, 500].tolist() == [1.0] * 6
    assert mdp.r[500].tolist() == [0.0] * 6
    assert np.count_nonzero(mdp.mu0) == 300
    sparse = from_gymnasium("Taxi-v4", gamma=0.9, sparse=True)
    assert sparse.sparse
    assert np.array_equal(sparse.dense_P(), mdp.P)


def test_repeated_successors_are_added_up():
    env = gymnasium.make("FrozenLake-v1").unwrapped
    assert len({s_next for _, s_next, _, _ in env.P[0][0]}) < 3
    assert from_gymnasium(env, gamma=0.9).P[0, 0, 0] == pytest.approx(2 / 3)


class Flagged(gymnasium.Env):
    """Two states; the same move from 0 to 1 ends the episode under action 0 and goes on under action 1."""

    P = {  # noqa: RUF012
        0: {0: [(1.0, 1, 2.0, True)], 1: [(0.5, 1, 4.0, False), (0.5, 1, 0.0, True)]},
        1: {0: [(1.0, 1, 1.0, False)], 1: [(1.0, 0, 1.0, False)]},
    }


def test_termination_that_depends_on_the_transition_goes_to_an_extra_state():
    mdp = from_gymnasium(Flagged(), gamma=0.5)
    assert mdp.S == 3
    assert mdp.P[0].tolist() == [[0.0, 0.0, 1.0], [0.0, 0.5, 0.5]]
    assert mdp.r.tolist() == [[2.0, 2.0], [1.0, 1.0], [0.0, 0.0]]
    assert mdp.mu0.tolist() == [0.5, 0.5, 0.0]


@pytest.mark.parametrize("arguments", [{}, {"gamma": 0.9, "H": 3}])
def test_exactly_one_of_gamma_and_horizon(arguments):
    with pytest.raises(ParameterError, match="exactly one"):
        from_gymnasium("FrozenLake-v1", **arguments)


@pytest.mark.parametrize(
    ("env", "words"),
    [("Blackjack-v1", "no transition table"), ("NoSuchLake-v1", "cannot make"), (3, "give a gymnasium.Env")],
)
def test_environments_that_cannot_be_converted_are_refused(env, words):
    with pytest.raises(ParameterError, match=words):
        from_gymnasium(env, gamma=0.9)


@settings(max_examples=25)
@given(discounted_mdps(sparse=None))
def test_a_discounted_model_survives_the_round_trip(mdp):
    back = from_gymnasium(to_gymnasium(mdp, stop="never"), gamma=mdp.gamma)
    assert back.fingerprint() == DiscountedMDP(mdp.dense_P(), mdp.r, mdp.gamma, mdp.mu0).fingerprint()


@settings(max_examples=25)
@given(episodic_mdps())
def test_a_stationary_episodic_model_survives_the_round_trip(mdp):
    env = to_gymnasium(mdp)
    if mdp.stationary:
        again = from_gymnasium(env, H=mdp.H)
        assert np.array_equal(again.P, mdp.P)
        assert np.array_equal(again.r, mdp.r)
        assert np.array_equal(again.mu0, mdp.mu0)
    else:
        with pytest.raises(ParameterError, match="no transition table"):
            from_gymnasium(env, H=mdp.H)


@settings(max_examples=25)
@given(discounted_mdps(max_states=3, max_actions=2))
def test_stopping_with_probability_one_minus_gamma_keeps_the_value(mdp):
    total = from_gymnasium(to_gymnasium(mdp), H=4000)
    assert backward_induction(total).value == pytest.approx(policy_iteration(mdp).value, abs=1e-8)


@pytest.mark.parametrize("stop", ["discount", "never"])
@pytest.mark.filterwarnings("ignore:.*alternative render modes.*")
def test_gymnasiums_own_checker_passes(stop):
    check_env(to_gymnasium(from_gymnasium("FrozenLake-v1", gamma=0.9), stop=stop))
    check_env(to_gymnasium(from_gymnasium("FrozenLake-v1", H=10), reward_noise="bernoulli"))


def play(env, seed, steps=60):
    log = [env.reset(seed=seed)]
    for k in range(steps):
        log.append(env.step(k % int(env.action_space.n)))
        if log[-1][2]:
            log.append(env.reset())
    return log


def test_reset_with_a_seed_makes_everything_that_follows_the_same():
    env = to_gymnasium(from_gymnasium("FrozenLake-v1", gamma=0.9), reward_noise="gaussian")
    first = play(env, 3)
    assert play(env, 3) == first
    assert play(to_gymnasium(env.model, reward_noise="gaussian"), 3) == first
    assert play(env, 4) != first


@pytest.mark.statistical
def test_the_mean_return_of_played_episodes_is_the_value():
    P = np.array([[[[0.5, 0.5]], [[0.0, 1.0]]], [[[1.0, 0.0]], [[0.25, 0.75]]], [[[0.5, 0.5]], [[0.5, 0.5]]]])
    mdp = EpisodicMDP(P, np.array([[[0.0], [1.0]], [[0.5], [0.0]], [[1.0], [0.25]]]), np.array([0.75, 0.25]))
    env = to_gymnasium(mdp)
    env.reset(seed=0)
    returns = []
    for _ in range(4000):
        env.reset()
        total, over, steps = 0.0, False, 0
        while not over:
            _, reward, over, truncated, info = env.step(0)
            total += reward
            steps += 1
            assert info["h"] == steps
            assert not truncated
        assert steps == 3
        returns.append(total)
    error = (np.mean(returns) - evaluate(mdp, np.zeros((3, 2), dtype=int)).value) / (
        np.std(returns) / len(returns) ** 0.5
    )
    assert abs(error) < 4.9


def test_misuse_of_an_environment_is_refused():
    env = to_gymnasium(from_gymnasium("FrozenLake-v1", H=1))
    with pytest.raises(ParameterError, match="call reset"):
        env.step(0)
    env.reset(seed=0)
    with pytest.raises(ParameterError, match=r"0\.\.3"):
        env.step(4)
    assert env.step(0)[2]
    with pytest.raises(ParameterError, match="call reset"):
        env.step(0)
    with pytest.raises(ParameterError, match="give an EpisodicMDP"):
        to_gymnasium(AverageRewardMDP([[[1.0]]], [[0.0]]))
    with pytest.raises(ParameterError, match="stop is"):
        to_gymnasium(DiscountedMDP([[[1.0]]], [[0.0]], 0.5), stop="sometimes")


def test_without_gymnasium_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(MissingExtra, match=r"rl-theorems\[interop\]"):
        from_gymnasium("FrozenLake-v1", gamma=0.9)
    with pytest.raises(MissingExtra, match=r"rl-theorems\[interop\]"):
        to_gymnasium(DiscountedMDP([[[1.0]]], [[0.0]], 0.5))
