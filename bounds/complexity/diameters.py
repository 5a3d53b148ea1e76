"""Least expected times between states: one-way diameters and the diameter."""

from typing import Any

import numpy as np

from tabular import planning

from .certified import Certified

__all__ = ["diameter", "one_way_times"]


def diameter(mdp: Any, *, max_denominator: int | None = None) -> Certified:
    """Return the diameter: the longest of the least expected times between two states.

    Parameters
    ----------
    mdp : AverageRewardMDP or DiscountedMDP
        Rewards play no part.
    max_denominator : int, optional
        Read each probability as the nearest fraction with at most this
        denominator, and answer exactly, as a `Fraction`.

    Returns
    -------
    Certified
        ``inf`` exactly if the model is not communicating; 0 for one state. The
        witness is the pair ``(s, t)`` of states.

    Raises
    ------
    ModelError
        If the fractions of a row do not sum to 1.

    References
    ----------
    .. [1] Jaksch, Ortner, Auer (2010), Near-optimal regret bounds for reinforcement learning, definition 1.
    """
    if max_denominator is not None:
        times = planning.exact_hitting_times(mdp.dense_P(), max_denominator=max_denominator)
        pair = _largest(times)
        return Certified(times[pair], times[pair], "policy iteration in exact fractions", pair)
    found = planning.minimal_hitting_times(mdp)
    return Certified(
        float(found.lower.max()), float(found.upper.max()), "policy iteration, residual bounds", _largest(found.times)
    )


def one_way_times(mdp: Any, *, max_denominator: int | None = None) -> Certified:
    """Return the one-way diameters: the least expected time from each state to each other.

    Parameters
    ----------
    mdp : AverageRewardMDP or DiscountedMDP
        Rewards play no part.
    max_denominator : int, optional
        As in `diameter`.

    Returns
    -------
    Certified
        Arrays ``[s, t]`` of shape (S, S): 0 on the diagonal, ``inf`` where no
        policy arrives with probability 1. Witness: ``policies[t, s]``, the
        action at ``s`` on the way to ``t``; None in exact mode.
    """
    if max_denominator is not None:
        times = planning.exact_hitting_times(mdp.dense_P(), max_denominator=max_denominator)
        return Certified(times, times, "policy iteration in exact fractions")
    found = planning.minimal_hitting_times(mdp)
    return Certified(found.lower, found.upper, "policy iteration, residual bounds", found.policies)


def _largest(times: Any) -> tuple[int, int]:
    s, t = np.unravel_index(int(times.argmax()), times.shape)
    return int(s), int(t)
