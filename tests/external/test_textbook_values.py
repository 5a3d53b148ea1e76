"""Values printed in textbooks, against every planner that can compute them.

Actions that a state does not have are written as staying put for a reward of -100, which no optimum takes.
"""

from fractions import Fraction

import numpy as np
import pytest

from tabular import planning
from tabular.models import AverageRewardMDP, DiscountedMDP, EpisodicMDP
from tabular.planning import exact

#: Puterman (1994), sections 3.2 and 4.6.1: inventory of 0..3 units, orders up to the capacity of 3.
DEMAND = (Fraction(1, 4), Fraction(1, 2), Fraction(1, 4))
INVENTORY_REWARD = ((0, -1, -2, -5), (5, 0, -3, None), (6, -1, None, None), (5, None, None, None))
INVENTORY_VALUES = (
    ("67/16", "129/16", "194/16", "227/16"),
    ("2", "25/4", "10", "21/2"),
    ("0", "5", "6", "5"),
    ("0", "0", "0", "0"),
)
INVENTORY_ORDERS = ((3, 0, 0, 0), (2, 0, 0, 0), (0, 0, 0, 0))


def inventory():
    P, r = np.zeros((4, 4, 4)), np.full((4, 4), -100.0)
    for s in range(4):
        for a in range(4):
            if INVENTORY_REWARD[s][a] is None:
                P[s, a, s] = 1.0
                continue
            r[s, a] = INVENTORY_REWARD[s][a]
            for demand, chance in enumerate(DEMAND):
                P[s, a, max(s + a - demand, 0)] += float(chance)
    return EpisodicMDP(P, r, H=3)


def test_puterman_inventory_by_backward_induction():
    plan = planning.backward_induction(inventory())
    assert plan.V.tolist() == [[float(Fraction(v)) for v in row] for row in INVENTORY_VALUES]
    assert plan.policy.tolist() == [list(row) for row in INVENTORY_ORDERS]


def test_puterman_inventory_in_fractions():
    plan = exact.solve(inventory())
    assert [[str(v) for v in row] for row in plan.V] == [[str(Fraction(v)) for v in row] for row in INVENTORY_VALUES]


def two_states():
    """Puterman (1994), section 3.1: the two-state example, discount 0.95."""
    P = [[[0.5, 0.5], [0.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]]]
    return DiscountedMDP(P, [[5.0, 10.0], [-1.0, -100.0]], 0.95)


DISCOUNTED_SOLVERS = {
    "policy iteration": planning.policy_iteration,
    "modified policy iteration": planning.modified_policy_iteration,
    "primal program": lambda mdp: planning.linear_program(mdp, form="primal"),
    "dual program": lambda mdp: planning.linear_program(mdp, form="dual"),
    **{
        update: lambda mdp, update=update: planning.value_iteration(mdp, update=update, tol=1e-9)
        for update in ("standard", "gauss-seidel", "interval", "optimistic")
    },
}


@pytest.mark.parametrize("solver", DISCOUNTED_SOLVERS)
def test_puterman_two_states(solver):
    plan = DISCOUNTED_SOLVERS[solver](two_states())
    np.testing.assert_allclose(plan.V, [-60 / 7, -20.0], atol=1e-8)
    assert plan.policy.tolist() == [0, 0]
    assert np.all(plan.lower <= [-60 / 7, -20.0])
    assert np.all(plan.upper >= [-60 / 7, -20.0])


def toymaker():
    """Howard (1960), chapters 3 and 7: the toymaker who may advertise or do research."""
    P = np.array([[[0.5, 0.5], [0.8, 0.2]], [[0.4, 0.6], [0.7, 0.3]]])
    return P, np.array([[6.0, 4.0], [-3.0, -5.0]])


@pytest.mark.parametrize("solver", DISCOUNTED_SOLVERS)
def test_howard_toymaker_discounted(solver):
    plan = DISCOUNTED_SOLVERS[solver](DiscountedMDP(*toymaker(), 0.9))
    assert plan.V.round(1).tolist() == [22.2, 12.3]
    assert plan.policy.tolist() == [1, 1]


AVERAGE_METHODS = ("auto", "relative-value-iteration", "policy-iteration", "linear-program")


@pytest.mark.parametrize("method", AVERAGE_METHODS)
def test_howard_toymaker_gain(method):
    plan = planning.average_reward(AverageRewardMDP(*toymaker()), method=method)
    assert plan.scalar_gain == pytest.approx(2.0, abs=1e-8)
    assert plan.bias[0] - plan.bias[1] == pytest.approx(10.0, abs=1e-7)
    assert plan.policy.tolist() == [1, 1]


def taxicab():
    """Howard (1960), chapter 4: towns A, B, C; cruise, wait at the stand, wait for a call (none in B)."""
    P = np.array(
        [
            [[1 / 2, 1 / 4, 1 / 4], [1 / 16, 3 / 4, 3 / 16], [1 / 4, 1 / 8, 5 / 8]],
            [[1 / 2, 0, 1 / 2], [1 / 16, 7 / 8, 1 / 16], [0, 1, 0]],
            [[1 / 4, 1 / 4, 1 / 2], [1 / 8, 3 / 4, 1 / 8], [3 / 4, 1 / 16, 3 / 16]],
        ]
    )
    fares = np.array(
        [
            [[10, 4, 8], [8, 2, 4], [4, 6, 4]],
            [[14, 0, 18], [8, 16, 8], [0, -100, 0]],
            [[10, 2, 8], [6, 4, 2], [4, 0, 8]],
        ]
    )
    return AverageRewardMDP(P, (P * fares).sum(axis=2))


@pytest.mark.parametrize("method", AVERAGE_METHODS)
def test_howard_taxicab(method):
    plan = planning.average_reward(taxicab(), method=method)
    assert round(plan.scalar_gain, 2) == 13.34
    assert plan.policy.tolist() == [1, 1, 1]


@pytest.mark.parametrize(("policy", "gain"), [((0, 0, 0), 9.20), ((0, 1, 1), 13.15), ((1, 1, 1), 13.34)])
def test_howard_taxicab_policies_on_the_way(policy, gain):
    assert planning.gain_bias(taxicab(), np.array(policy)).gain.round(2).tolist() == [gain] * 3
