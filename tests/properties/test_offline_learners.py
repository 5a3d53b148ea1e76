"""Our own offline learners and planners owe what the testing kit asks of everybody's."""

import functools

import pytest

from tabular.learning.offline import best_empirical_arm, empirical_value_iteration, mab_lcb, vi_lcb
from tabular.planning import backward_induction, modified_policy_iteration, policy_iteration, value_iteration
from tabular.testing import check_offline_learner, check_planner
from tabular.testing.obligations import GAMMA


@pytest.mark.parametrize("planner", [policy_iteration, value_iteration, modified_policy_iteration])
def test_discounted_planners(planner):
    check_planner(planner)


def test_backward_induction():
    check_planner(backward_induction, setting="episodic")


def test_empirical_value_iteration():
    check_offline_learner(functools.partial(empirical_value_iteration, gamma=GAMMA))


def test_vi_lcb():
    check_offline_learner(functools.partial(vi_lcb, gamma=GAMMA, c=0.01))


@pytest.mark.parametrize("learner", [best_empirical_arm, mab_lcb])
def test_bandit_learners(learner):
    check_offline_learner(learner, setting="bandit")
