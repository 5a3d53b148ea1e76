"""Agents: what they do is what the run does, in a model and in a Gymnasium environment."""

import functools

import numpy as np
import pytest

from experiments.instances import random_episodic
from tabular.errors import ParameterError
from tabular.interop import to_gymnasium
from tabular.learning import online
from tabular.learning.online import PSRL, RLSVI, EpsilonGreedy, QLearning
from tabular.simulation.sampling import _draw
from tabular.streams import generator

K = 80
STATIONARY = random_episodic(3, 2, 4, rng=3, stationary=True)
MOVING = random_episodic(3, 2, 4, rng=3)

#: Each case: the run, the agent, options of both, and what an agent is told instead of the model.
CASES = {
    "UCB-H": (online.q_learning_hoeffding, QLearning, {"scale": 0.05}, {"episodes": K}),
    "UCB-B": (online.q_learning_bernstein, QLearning, {"c2": 0.05}, {"episodes": K, "variant": "bernstein"}),
    "PSRL": (online.psrl, PSRL, {"prior": 0.5}, {}),
    "posterior mean": (online.psrl, PSRL, {"bonus": "none"}, {}),
    "RLSVI": (online.rlsvi, RLSVI, {"scale": 0.01}, {}),
    "certainty equivalence": (online.epsilon_greedy, EpsilonGreedy, {"epsilon": 0.5, "decay": 0.25}, {}),
    "ties": (online.epsilon_greedy, EpsilonGreedy, {"epsilon": 0.1, "ties": "uniform"}, {}),
    "plain": (online.epsilon_greedy, EpsilonGreedy, {"epsilon": 0.3, "method": "q-learning"}, {}),
}
LEARNS_REWARDS = ("UCB-H", "UCB-B")
each = pytest.mark.parametrize("name", list(CASES))


def play(mdp, agent, rng, noisy=False, episodes=K):
    """Visits (H, S, A), with the draws in the order of a run."""
    visits = np.zeros(mdp.r.shape, dtype=np.int64)
    for _ in range(episodes):
        s = int(_draw(mdp.mu0, rng.random()))
        for h in range(mdp.H):
            a = agent.act(h, s)
            r = mdp.r[h, s, a]
            if noisy:
                r = float(rng.random() < r)
            s_next = int(_draw(np.ascontiguousarray(mdp.P[h, s, a]), rng.random()))
            agent.observe(h, s, a, r, s_next)
            visits[h, s, a] += 1
            s = s_next
    return visits


def agent_of(name, mdp, rng, known):
    _, build, options, extra = CASES[name]
    keywords = dict(options) | extra
    if build is not QLearning:
        keywords |= {"rng": rng, "stage_dependent": mdp is MOVING or build is RLSVI}
        if known:
            keywords["r"] = mdp.r if mdp is MOVING else mdp.r[0]
    return build(mdp.S, mdp.A, mdp.H, **keywords)


@each
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("mdp", [STATIONARY, MOVING], ids=["stationary", "moving"])
def test_the_agent_is_the_run(name, known, mdp):
    run, _, options, _ = CASES[name]
    keywords = dict(options) | {"episodes": K, "reward_noise": "none" if known else "bernoulli"}
    if name not in LEARNS_REWARDS:
        keywords["rewards"] = "known" if known else "estimated"
    if "method" in options and known:
        keywords["reward_noise"] = "none"
    rng = generator(9)
    agent = agent_of(name, mdp, rng, known)
    visits = play(mdp, agent, rng, noisy=not known)
    recorded = run(mdp, rng=9, **keywords)
    assert np.array_equal(visits, recorded.visits)
    assert agent.episode == K
    if hasattr(agent, "policy"):
        assert np.array_equal(agent.policy, recorded.policy)
    assert name == "posterior mean" or (recorded.visits > 0).sum() > mdp.S * mdp.H


@each
def test_an_agent_learns_in_a_gymnasium_environment(name):
    gymnasium = pytest.importorskip("gymnasium")
    env = to_gymnasium(STATIONARY)
    assert isinstance(env, gymnasium.Env)
    agents = [agent_of(name, STATIONARY, seed, known=False) for seed in (7, 7)]
    records = []
    for agent in agents:
        s, info = env.reset(seed=11)
        seen = []
        for _ in range(K):
            over = False
            while not over:
                a = agent.act(info["h"], s)
                h = info["h"]
                s_next, r, over, _, info = env.step(a)
                agent.observe(h, s, a, r, s_next)
                seen.append((h, s, a, r, s_next))
                s = s_next
            s, info = env.reset()
        records.append(seen)
    assert records[0] == records[1]
    assert len(records[0]) == K * STATIONARY.H
    assert {a for _, _, a, _, _ in records[0]} == {0, 1}


def test_an_episode_that_ends_early_gives_way_to_the_next():
    for name in CASES:
        agent = agent_of(name, MOVING, 0, known=False)
        for _ in range(10):
            a = agent.act(0, 1)
            agent.observe(0, 1, a, 0.5, 2)
        assert agent.episode == 10


def test_the_end_of_the_world_is_worth_nothing():
    """State 1 is where an environment stops at the first step; told so, UCB-H values it at 0 and not at H."""
    told, not_told = (QLearning(2, 1, 3, episodes=400, scale=0.01) for _ in range(2))
    for _ in range(400):
        told.observe(0, 0, told.act(0, 0), 0.0, 1, terminated=True)
        not_told.observe(0, 0, not_told.act(0, 0), 0.0, 1)
    assert told.Q[0, 0, 0] < 0.5
    assert not_told.Q[0, 0, 0] > 2.9


@each
def test_a_terminated_episode_is_one_that_stays_where_it_ended(name):
    told, stayed = (agent_of(name, MOVING, 0, known=False) for _ in range(2))
    for k in range(30):
        end = k % MOVING.H
        s = 0
        for h in range(MOVING.H):
            a = stayed.act(h, s)
            reward = 0.5 if h <= end else 0.0
            if h <= end:
                assert told.act(h, s) == a
                told.observe(h, s, a, reward, 1, terminated=h == end)
            stayed.observe(h, s, a, reward, 1)
            s = 1


@each
def test_what_an_environment_must_not_pass_is_refused(name):
    agent = agent_of(name, STATIONARY, 0, known=False)
    for call, match in (
        (lambda: agent.act(4, 0), "h is 4"),
        (lambda: agent.act(-1, 0), "h is -1"),
        (lambda: agent.act(0, 3), "s is 3"),
        (lambda: agent.act(0, 0.0), r"s is 0\.0"),
        (lambda: agent.observe(0, 0, 2, 0.5, 0), "a is 2"),
        (lambda: agent.observe(0, 0, 0, 0.5, 3), "s_next is 3"),
        (lambda: agent.observe(0, 0, 0, np.nan, 0), "r is nan"),
    ):
        with pytest.raises(ParameterError, match=match):
            call()


@pytest.mark.parametrize("name", ["UCB-H", "UCB-B", "PSRL", "posterior mean"])
def test_rewards_outside_their_range_are_refused_where_there_is_one(name):
    agent = agent_of(name, STATIONARY, 0, known=False)
    for reward in (1.25, -0.5):
        with pytest.raises(ParameterError, match=f"r is {reward}"):
            agent.observe(0, 0, 0, reward, 0)


@pytest.mark.parametrize("build", [PSRL, RLSVI, EpsilonGreedy, functools.partial(QLearning, episodes=3)])
def test_sizes_that_are_none_are_refused(build):
    extra = {} if isinstance(build, functools.partial) else {"rng": 0}
    for sizes in ((0, 1, 1), (1, 0, 1), (1, 1, 0), (1.5, 1, 1)):
        with pytest.raises(ParameterError):
            build(*sizes, **extra)
