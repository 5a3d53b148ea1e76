"""The two-state lower-bound model of Jaksch, Ortner and Auer (2010), alone and copied along a tree."""

import numpy as np

from tabular import _check as check
from tabular.errors import ParameterError
from tabular.models import AverageRewardMDP

__all__ = ["joa", "joa_tree"]


def _rates(delta: float, epsilon: float) -> tuple[float, float]:
    delta = check.number(delta, "delta", low=0.0, high=1.0, open_low=True)
    epsilon = check.number(epsilon, "epsilon", low=0.0)
    if delta + epsilon > 1.0:
        raise ParameterError(f"delta + epsilon is {delta + epsilon:g}; it is a probability, at most 1")
    return delta, epsilon


def joa(delta: float, epsilon: float, A: int = 2) -> AverageRewardMDP:
    """Return the two-state model: reward 1 in state 1, and one action that gets there slightly sooner.

    State 0 reaches state 1 with probability ``delta``, by the last action with
    ``delta + epsilon``; state 1 is left with probability ``delta``. The gain is
    ``(delta + epsilon) / (2 delta + epsilon)``, the span of the bias
    ``1 / (2 delta + epsilon)``, the diameter ``1 / delta``.

    Parameters
    ----------
    delta : float
        In (0, 1].
    epsilon : float
        At least 0, ``delta + epsilon <= 1``.
    A : int
        Number of actions.

    Returns
    -------
    AverageRewardMDP
        ``S = 2``, starting in state 0.

    References
    ----------
    .. [1] Jaksch, Ortner, Auer (2010), Near-optimal regret bounds for
       reinforcement learning, section 6 (figure 3).
    """
    delta, epsilon = _rates(delta, epsilon)
    A = check.count(A, "A")
    P = np.empty((2, A, 2))
    P[0] = (1.0 - delta, delta)
    P[0, A - 1] = (1.0 - delta - epsilon, delta + epsilon)
    P[1] = (delta, 1.0 - delta)
    r = np.zeros((2, A))
    r[1] = 1.0
    return AverageRewardMDP(P, r, np.eye(2)[0])


def joa_tree(copies: int, arms: int, delta: float, epsilon: float, *, special: int | None = None) -> AverageRewardMDP:
    """Return copies of the two-state model joined by a tree; one of them has the better action.

    States ``0..copies-1`` are the poor states, arranged as an ``arms``-ary tree;
    state ``copies + i`` is the rich state of copy ``i``. In a poor state, actions
    ``0..arms-1`` try to reach the rich one, action ``arms`` goes to the parent,
    and the next ``arms`` actions go to the children (staying where there is
    none). In a rich state all actions are alike.

    Parameters
    ----------
    copies : int
        Number of copies; ``S = 2 * copies``.
    arms : int
        Trying actions of a copy, at least 2; ``A = 2 * arms + 1``.
    delta, epsilon : float
        As in `joa`.
    special : int, optional
        Copy whose last trying action succeeds with ``delta + epsilon``; the last
        leaf by default.

    Returns
    -------
    AverageRewardMDP
        Starting at the root.

    References
    ----------
    .. [1] Jaksch, Ortner, Auer (2010), section 6 (figure 4).
    """
    delta, epsilon = _rates(delta, epsilon)
    copies, arms = check.count(copies, "copies"), check.count(arms, "arms", low=2)
    special = copies - 1 if special is None else check.count(special, "special", low=0, high=copies - 1)
    A = 2 * arms + 1
    P = np.zeros((2 * copies, A, 2 * copies))
    r = np.zeros((2 * copies, A))
    for i in range(copies):
        rich = copies + i
        P[i, :arms, i], P[i, :arms, rich] = 1.0 - delta, delta
        P[i, arms, (i - 1) // arms if i else 0] = 1.0
        for j in range(arms):
            child = arms * i + j + 1
            P[i, arms + 1 + j, child if child < copies else i] = 1.0
        P[rich, :, rich], P[rich, :, i] = 1.0 - delta, delta
        r[rich] = 1.0
    P[special, arms - 1, special] = 1.0 - delta - epsilon
    P[special, arms - 1, copies + special] = delta + epsilon
    return AverageRewardMDP(P, r, np.eye(2 * copies)[0])
