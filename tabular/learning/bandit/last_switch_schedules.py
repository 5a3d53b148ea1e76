"""Schedules of last-switch-dependent bandits: the optimal one, and the simple ones it is compared with."""

import math

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ...errors import NotConverged, ParameterError
from ...models import LastSwitchBandit
from ._switch_graph import _finite, _howard, _lookahead, _tables, _values
from .lsd_bandits import arm_cycles, relax_last_switch, require
from .switch_results import LastSwitchOptimum

__all__ = [
    "earliest_deadline",
    "finite_last_switch",
    "lookahead_last_switch",
    "round_robin",
    "solve_last_switch",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Largest number of joint states.
_JOINT_STATES = 1_000_000
_POLICIES = 10_000
_TOLERANCE = 1e-9


def _graph(bandit: LastSwitchBandit, name: str) -> tuple[Ints, Floats]:
    """Return successors and payoffs of the product, each (S, n + 1)."""
    require(bandit, name)
    if bandit.S > _JOINT_STATES:
        raise ParameterError(
            f"the product has {bandit.states}**{bandit.A} states; {name} takes at most {_JOINT_STATES:,}"
        )
    following = np.empty((bandit.S, bandit.A + 1), dtype=np.int64)
    reward = np.empty((bandit.S, bandit.A + 1))
    idle, pulled = bandit.successors()
    _tables(bandit.payoffs, idle, pulled, following, reward)
    return following, reward


def solve_last_switch(bandit: LastSwitchBandit) -> LastSwitchOptimum:
    """Return the best long-run average payoff, OPT, with a cycle that attains it and a bound that proves it.

    Howard's policy iteration on the deterministic product graph; every state reaches every other's best cycle, by rest.

    Parameters
    ----------
    bandit : LastSwitchBandit
        With at most a million joint states.

    Returns
    -------
    LastSwitchOptimum

    Raises
    ------
    NotConverged
        If the bound stays more than 1e-9 above the cycle's average.
    """
    following, reward = _graph(bandit, "solve_last_switch")
    S = following.shape[0]
    policy = reward.argmax(axis=1).astype(np.int64)
    gain, bias = np.empty(S), np.empty(S)
    iterations, upper = _howard(following, reward, policy, gain, bias, _POLICIES)
    cycle, value = _cycle(following, reward, policy)
    found = LastSwitchOptimum(gain=value, upper=float(upper), cycle=cycle, iterations=iterations)
    if not upper - value <= _TOLERANCE:
        raise NotConverged(f"the bound {upper:.12g} is above the cycle's {value:.12g}", found)
    return found


def _cycle(following: Ints, reward: Floats, policy: Ints) -> tuple[Ints, float]:
    """Return the actions of the cycle that ``policy`` reaches from full rest, and their mean payoff."""
    s = following.shape[0] - 1
    seen: dict[int, int] = {}
    actions: list[int] = []
    paid: list[float] = []
    while s not in seen:
        seen[s] = len(actions)
        a = int(policy[s])
        actions.append(a)
        paid.append(float(reward[s, a]))
        s = int(following[s, a])
    first = seen[s]
    cycle = np.array(actions[first:], dtype=np.int64)
    cycle.setflags(write=False)
    return cycle, float(np.mean(paid[first:]))


def finite_last_switch(bandit: LastSwitchBandit, rounds: int) -> float:
    """Return the largest total payoff of a number of rounds, from full rest, by backward induction.

    Parameters
    ----------
    bandit : LastSwitchBandit
        With at most a million joint states.
    rounds : int

    Returns
    -------
    float
    """
    following, reward = _graph(bandit, "finite_last_switch")
    return float(_finite(following, reward, check.count(rounds, "rounds"))[-1])


def lookahead_last_switch(bandit: LastSwitchBandit, *, depth: int = 1) -> LastSwitchOptimum:
    """Return the cycle of the schedule that maximises the payoff of the next rounds, over and over, from full rest.

    Parameters
    ----------
    bandit : LastSwitchBandit
        With at most a million joint states.
    depth : int
        Rounds looked at; 1 is the greedy schedule. Ties go to the smallest arm.

    Returns
    -------
    LastSwitchOptimum
        Its ``upper`` is the gain itself: nothing is proved about other schedules.
    """
    following, reward = _graph(bandit, "lookahead_last_switch")
    policy = np.empty(following.shape[0], dtype=np.int64)
    _lookahead(following, reward, check.count(depth, "depth"), policy)
    gain, bias = np.empty(policy.shape[0]), np.empty(policy.shape[0])
    _values(following, reward, policy, gain, bias)
    cycle, value = _cycle(following, reward, policy)
    return LastSwitchOptimum(gain=value, upper=float(gain[-1]), cycle=cycle, iterations=1)


def round_robin(bandit: LastSwitchBandit) -> float:
    """Return the average payoff of the best subset of arms pulled in turn, without rest.

    Parameters
    ----------
    bandit : LastSwitchBandit

    Returns
    -------
    float
    """
    require(bandit, "round_robin")
    best = float(bandit.payoffs[:, 0].max())
    for size in range(2, bandit.A + 1):
        x = bandit.m + min(size - 1, bandit.M) - 1
        best = max(best, float(np.sort(bandit.payoffs[:, x])[-size:].mean()))
    return best


def _best_cycles(bandit: LastSwitchBandit) -> tuple[Ints, Ints]:
    """Return idle and pulled rounds of each arm's best cycle at the relaxation's price; (-1, 0) where none pays."""
    price = relax_last_switch(bandit).price
    waits, bursts = np.empty(bandit.A, dtype=np.int64), np.empty(bandit.A, dtype=np.int64)
    for i in range(bandit.A):
        idle, pulled, rate, payoff = arm_cycles(bandit, i)
        worth = payoff - price * rate
        best = int(np.argmax(worth))
        waits[i], bursts[i] = (idle[best], pulled[best]) if worth[best] > -_TOLERANCE else (-1, 0)
    return waits, bursts


def earliest_deadline(bandit: LastSwitchBandit, *, rounds: int = 10_000) -> float:
    """Return the average payoff when each arm keeps to its best cycle, the earliest deadline first.

    An arm's cycle, idle j rounds and pulled l rounds, is the one of largest payoff minus price times rate under the
    price of the relaxation. An arm is due after j idle rounds, with deadline j + l rounds later; once begun, its l
    pulls go on. Ties go to the smallest arm.

    Parameters
    ----------
    bandit : LastSwitchBandit
    rounds : int
        Played from all arms just due; the second half is averaged.

    Returns
    -------
    float
    """
    require(bandit, "earliest_deadline")
    total = check.count(rounds, "rounds", low=2)
    waits, bursts = _best_cycles(bandit)
    rested, burst = waits.copy(), np.zeros(bandit.A, dtype=np.int64)
    earned = 0.0
    for t in range(total):
        chosen, least = -1, math.inf
        for i in np.flatnonzero(waits >= 0):
            running = burst[i] > 0 and (burst[i] < bursts[i] or waits[i] == 0)
            due = burst[i] == 0 and rested[i] >= waits[i]
            left = -math.inf if running else float(2 * waits[i] + bursts[i] - rested[i])
            if (running or due) and left < least:
                chosen, least = int(i), left
        if chosen >= 0 and t >= total // 2:
            x = bandit.m + min(int(rested[chosen]), bandit.M) - 1 if burst[chosen] == 0 else bandit.m - burst[chosen]
            earned += float(bandit.payoffs[chosen, max(0, int(x))])
        rested += 1
        burst[np.arange(bandit.A) != chosen] = 0
        if chosen >= 0:
            rested[chosen] = 0
            burst[chosen] += 1
    return earned / (total - total // 2)
