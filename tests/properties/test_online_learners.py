"""Our own learners that act owe what the testing kit asks of everybody's."""

import functools

import pytest

from tabular.learning import online
from tabular.testing import check_online_learner

#: Each learner with options under which it learns within the budget, and what it promises beyond the rest.
#: Published constants are too large for that; the scale is the only thing that is tuned.
RUNS = {
    "q_learning_hoeffding": (functools.partial(online.q_learning_hoeffding, scale=0.05), {}),
    "q_learning_bernstein": (functools.partial(online.q_learning_bernstein, scale=0.1), {}),
    "psrl": (online.psrl, {"anytime": True}),
    "psrl, rewards estimated": (functools.partial(online.psrl, rewards="estimated"), {"anytime": True}),
    "rlsvi": (functools.partial(online.rlsvi, scale=0.01), {"anytime": True, "episodes": 10_000}),
    "epsilon_greedy": (functools.partial(online.epsilon_greedy, epsilon=1.0, decay=0.5), {"anytime": True}),
    "epsilon_greedy, q-learning": (
        functools.partial(online.epsilon_greedy, epsilon=1.0, decay=0.5, method="q-learning"),
        {"anytime": True},
    ),
}
#: With the published constants nothing is learned so soon; everything else is owed all the same.
PUBLISHED = {
    "q_learning_hoeffding": online.q_learning_hoeffding,
    "q_learning_bernstein": online.q_learning_bernstein,
    "rlsvi": online.rlsvi,
}
AGENTS = {
    "QLearning": functools.partial(online.QLearning, episodes=2000, scale=0.05),
    "PSRL": functools.partial(online.PSRL, stage_dependent=True),
    "EpsilonGreedy": functools.partial(online.EpsilonGreedy, epsilon=1.0, decay=0.5, stage_dependent=True),
}


@pytest.mark.parametrize("stationary", [False, True])
@pytest.mark.parametrize("name", list(RUNS))
def test_runs(name, stationary):
    learner, promises = RUNS[name]
    check_online_learner(learner, stationary=stationary, **promises)


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_runs_with_published_constants(name):
    check_online_learner(PUBLISHED[name], consistent=False, episodes=200)


@pytest.mark.parametrize("name", list(AGENTS))
def test_agents(name):
    check_online_learner(AGENTS[name], interface="agent", instances=1)


def test_an_agent_that_needs_longer():
    check_online_learner(functools.partial(online.RLSVI, scale=0.01), interface="agent", consistent=False, episodes=200)
