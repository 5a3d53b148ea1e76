"""Least expected times to reach each state: stochastic shortest paths with unit costs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import NotConverged
from .average_reward_arithmetic import FLOAT, RATIONAL, Arithmetic, Vector, rational_model
from .results import _ReadOnly

__all__ = ["HittingTimes", "exact_hitting_times", "hitting_times", "minimal_hitting_times"]

Array = npt.NDArray[np.float64]
_MAX_ITERATIONS = 10_000
#: In floats, an action is switched only where it saves more than this share of the longest time.
_TOLERANCE = 1e-12


@dataclass(frozen=True, eq=False)
class HittingTimes(_ReadOnly):
    """Least expected times between all pairs of states.

    Attributes
    ----------
    times : array, shape (S, S)
        ``times[s, t]``: least expected number of steps from ``s`` to ``t`` over
        all policies; 0 where ``s = t``, inf where no policy reaches ``t`` with
        probability 1.
    lower, upper : arrays, shape (S, S)
        Enclosure of the same, rounding included.
    policies : int array, shape (S, S)
        ``policies[t, s]``: action at ``s`` of a policy that attains them.
    """

    times: Array
    lower: Array
    upper: Array
    policies: npt.NDArray[np.int64]


def _proper(edges: npt.NDArray[np.bool_], target: int) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Return the states that some policy leads to ``target`` with probability 1, and such a policy."""
    S = edges.shape[0]
    inside = np.ones(S, dtype=bool)
    while True:
        stays: npt.NDArray[np.bool_] = ~np.any(edges[:, :, ~inside], axis=2)
        policy = np.zeros(S, dtype=np.int64)
        reached = np.zeros(S, dtype=bool)
        reached[target] = True
        while True:
            closer = stays & edges[:, :, reached].any(axis=2)
            new = closer.any(axis=1) & ~reached & inside
            if not new.any():
                break
            policy[new] = closer[new].argmax(axis=1)
            reached |= new
        if np.array_equal(reached, inside):
            return inside, policy
        inside = reached


def _to_target(P: Vector, target: int, arithmetic: Arithmetic) -> tuple[Vector, npt.NDArray[np.int64]]:
    """Least expected times to ``target`` from every state, by policy iteration from a proper policy."""
    S, A = P.shape[:2]
    edges = np.asarray(P > 0, dtype=bool)
    inside, policy = _proper(edges, target)
    times = np.full(S, np.inf, dtype=arithmetic.dtype)
    times[target] = 0
    X = np.flatnonzero(inside & (np.arange(S) != target))
    if not X.size:
        return times, policy
    usable = ~edges[X][:, :, ~inside].any(axis=2)
    among = P[np.ix_(X, np.arange(A), X)]
    arrive = P[X, :, target]
    each = np.arange(X.size)
    chosen = policy[X]
    for _ in range(_MAX_ITERATIONS):
        x = arithmetic.absorb(among[each, chosen], arrive[each, chosen], np.ones(X.size, dtype=np.int64))
        q = np.where(usable, among @ x + 1, np.inf)
        tolerance = 0 if arithmetic.exact else _TOLERANCE * x.max()
        improves = np.asarray(q.min(axis=1) < x - tolerance, dtype=bool)
        if not improves.any():
            times[X] = x
            policy[X] = chosen
            return times, policy
        chosen = np.where(improves, q.argmin(axis=1), chosen).astype(np.int64)
    raise NotConverged(f"least times to state {target} are not settled after {_MAX_ITERATIONS} policy iterations")


def minimal_hitting_times(mdp: Any) -> HittingTimes:
    r"""Return the least expected hitting times of all pairs, enclosed.

    Parameters
    ----------
    mdp : AverageRewardMDP or DiscountedMDP
        Dense or CSR (made dense); rewards and discount play no part.

    Returns
    -------
    HittingTimes

    Raises
    ------
    NotConverged
        If rounding keeps policy iteration from settling.

    Notes
    -----
    Enclosure, for a target ``t`` and the computed times ``x``: if
    ``x <= (1 + e) + min_a P x`` then ``x / (1 + e)`` is a lower bound, and if
    ``x >= (1 - e) + P_\pi x`` then ``x / (1 - e)`` is an upper bound.

    References
    ----------
    .. [1] Bertsekas, Tsitsiklis (1991), An analysis of stochastic shortest path problems.
    """
    P = mdp.dense_P()
    S = mdp.S
    times, lower, upper = (np.empty((S, S)) for _ in range(3))
    policies = np.empty((S, S), dtype=np.int64)
    for t in range(S):
        x, policy = _to_target(P, t, FLOAT)
        times[:, t], policies[t] = x, policy
        X = np.isfinite(x) & (np.arange(S) != t)
        if not X.any():
            lower[:, t] = upper[:, t] = x
            continue
        flat = np.where(np.isfinite(x), x, 0.0)
        usable = ~(P[:, :, ~np.isfinite(x)] > 0).any(axis=2)
        q = np.where(usable, P @ flat + 1.0, np.inf)
        rounding = (S + 4) * np.finfo(float).eps * (1.0 + 2.0 * flat.max())
        low = max(0.0, float((flat - q.min(axis=1))[X].max())) + rounding
        high = max(0.0, float((q[np.arange(S), policy] - flat)[X].max())) + rounding
        lower[:, t] = x / (1.0 + low)
        upper[:, t] = x / (1.0 - high) if high < 1.0 else np.where(x > 0, np.inf, 0.0)
    return HittingTimes(times, lower, upper, policies)


def hitting_times(mdp: Any) -> Array:
    """Return ``times[s, t]``: least expected number of steps from ``s`` to ``t`` over all policies.

    Parameters
    ----------
    mdp : AverageRewardMDP or DiscountedMDP
        Dense or CSR (made dense).

    Returns
    -------
    array, shape (S, S)
        0 on the diagonal; inf where no policy reaches ``t`` with probability 1.
        The largest entry is the diameter. `minimal_hitting_times` adds bounds
        and policies.
    """
    return minimal_hitting_times(mdp).times


def exact_hitting_times(P: Any, *, max_denominator: int | None = None) -> Vector:
    """Return the least expected hitting times as fractions.

    Parameters
    ----------
    P : array (S, A, S)
        Anything `Fraction` accepts; rows must sum to exactly 1.
    max_denominator : int, optional
        Read each entry as the nearest fraction with at most this denominator.

    Returns
    -------
    object array, shape (S, S)
        `Fraction` entries, or the float inf where no policy reaches the target
        with probability 1.

    Raises
    ------
    ModelError
        If a row does not sum to exactly 1.
    """
    source = np.asarray(P, dtype=object)
    chances, _ = rational_model(source, np.zeros(source.shape[:2], dtype=np.int64), max_denominator)
    return np.stack([_to_target(chances, t, RATIONAL)[0] for t in range(chances.shape[0])], axis=1)
