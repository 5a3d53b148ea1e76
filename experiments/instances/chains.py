"""Small models with one awkward property each: slow reachability, a period, several classes."""

import numpy as np

from tabular import _check as check
from tabular.models import AverageRewardMDP

__all__ = ["haddad_monmege", "islands", "slow_reachability", "two_cycle"]


def slow_reachability(n: int) -> AverageRewardMDP:
    """Return the chain on which value iteration looks finished long before it has begun.

    State ``i < n`` moves forward to ``i + 1`` or back to 0 with probability 1/2
    each, state ``n - 1`` forward to the goal (state ``n``) or to failure
    (state ``n + 1``) with probability 1/2 each. Every state before the goal
    reaches it with probability exactly 1/2.

    Parameters
    ----------
    n : int
        Length of the chain, at least 1.

    Returns
    -------
    AverageRewardMDP
        ``S = n + 2``, one action, start in state 0; reward 1 in the goal, so the
        gain is the probability of reaching it.

    References
    ----------
    .. [1] Haddad, Monmege (2018), Interval iteration algorithm for MDPs and IMDPs.
    """
    n = check.count(n, "n")
    P = np.zeros((n + 2, 1, n + 2))
    for i in range(n - 1):
        P[i, 0, i + 1] += 0.5
        P[i, 0, 0] += 0.5
    P[n - 1, 0, n] = P[n - 1, 0, n + 1] = 0.5
    P[n, 0, n] = P[n + 1, 0, n + 1] = 1.0
    r = np.zeros((n + 2, 1))
    r[n] = 1.0
    return AverageRewardMDP(P, r, np.eye(n + 2)[0])


def haddad_monmege(n: int) -> AverageRewardMDP:
    """Return the symmetric chain with a goal at one end, failure at the other and a reset to the middle.

    States ``0..2n``. The middle ``n`` steps to either neighbour; any other inner
    state steps one further outwards or back to the middle, all with probability
    1/2. State ``2n`` is the goal, state 0 failure.

    Parameters
    ----------
    n : int
        Steps from the middle to either end, at least 2.

    Returns
    -------
    AverageRewardMDP
        ``S = 2n + 1``, one action, start in the middle, where the probability of
        the goal is exactly 1/2; reward 1 in the goal.

    References
    ----------
    .. [1] Haddad, Monmege (2014), Reachability in MDPs: refining convergence of value iteration.
    """
    n = check.count(n, "n", low=2)
    P = np.zeros((2 * n + 1, 1, 2 * n + 1))
    P[0, 0, 0] = P[2 * n, 0, 2 * n] = 1.0
    for i in range(1, 2 * n):
        outwards = i + 1 if i >= n else i - 1
        P[i, 0, outwards] += 0.5
        P[i, 0, n if i != n else n - 1] += 0.5
    r = np.zeros((2 * n + 1, 1))
    r[2 * n] = 1.0
    return AverageRewardMDP(P, r, np.eye(2 * n + 1)[n])


def two_cycle() -> AverageRewardMDP:
    """Return the two-state cycle with rewards 0 and 1: gain 1/2, period 2.

    Relative value iteration without the aperiodic transform never settles on it.
    """
    return AverageRewardMDP(np.array([[[0.0, 1.0]], [[1.0, 0.0]]]), np.array([[0.0], [1.0]]), np.eye(2)[0])


def islands() -> AverageRewardMDP:
    """Return two islands that are never left, and a sea state that may choose between them.

    States 0, 1: first island, gain 1/4. States 2, 3: second island, gain 1/2.
    State 4, the sea: action 0 reaches the first island and pays 1, action 1
    reaches the second, or stays, with probability 1/2 each. The optimal gain is
    1/4 on the first island and 1/2 elsewhere: a multichain model.
    """
    P = np.zeros((5, 2, 5))
    P[0, :, 1] = P[1, :, 0] = 1.0
    P[2, :, 2:4] = P[3, :, 2:4] = 0.5
    P[4, 0, 0] = 1.0
    P[4, 1, 2] = P[4, 1, 4] = 0.5
    r = np.array([[0.0, 0.0], [0.5, 0.25], [0.0, 0.0], [1.0, 0.5], [1.0, 0.0]])
    return AverageRewardMDP(P, r, np.eye(5)[4])
