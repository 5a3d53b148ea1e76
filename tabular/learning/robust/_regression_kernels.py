"""Ridge regression on features, and the pessimistic values that it leads to.

Features are held by their nonzero entries: those of pair ``p = s * A + a`` are ``entry[start[p]:start[p + 1]]`` at the
coordinates ``coordinate[...]``. Every sum runs in a fixed order, so pairs of equal features get equal bits.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..._jit import kernel
from ..online._lsvi_kernels import _inverse_root

__all__ = ["Fit", "Moves", "Points", "Rule"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

#: Ways to combine the uncertainties of the coordinates into the penalty of a pair.
L1, L2, NORM = 0, 1, 2


class Points(NamedTuple):
    """Features and known rewards of all pairs."""

    coordinate: Ints  # (nonzeros,)
    entry: Floats  # (nonzeros,)
    start: Ints  # (S * A + 1,)
    r: Floats  # (1 or H, S, A)
    fail: Flags  # (S,) points worth 0


class Moves(NamedTuple):
    """Distinct moves; those of step h are ``first[h]:first[h + 1]``."""

    first: Ints  # (H + 1,)
    pair: Ints  # (moves,)
    ahead: Ints  # (moves,) next point
    times: Floats  # (moves,)
    received: Floats  # (moves,) sum of the rewards received


class Rule(NamedTuple):
    """How weights become values."""

    beta: float
    combine: int  # L1, L2 or NORM
    cap: Floats  # (H, A) values above are cut
    floor: float  # values below are cut
    known: bool  # whether known rewards are added to the weights' part


class Fit(NamedTuple):
    """What is learned, filled backwards in time."""

    weights: Floats  # (H, d)
    inverse: Floats  # (H, d, d) inverse of the ridge covariance
    dual: Floats  # (H, d) threshold or temperature of each coordinate
    clipped: Ints  # (H, d) 1 where the dual value was cut at the ceiling


@kernel
def _covariance(points: Points, moves: Moves, weight: Floats, h: int, ridge: float, gram: Any) -> None:
    """Fill the upper triangle of ``gram`` (d, d) with ``ridge I`` plus the sum of ``weight * phi phi'`` over step h."""
    gram[:] = 0.0
    for i in range(gram.shape[0]):
        gram[i, i] = ridge
    at = moves.first[h]
    last = moves.first[h + 1]
    while at < last:
        p = moves.pair[at]
        total = 0.0
        while at < last and moves.pair[at] == p:
            total += weight[at]
            at += 1
        for k in range(points.start[p], points.start[p + 1]):
            i = points.coordinate[k]
            f = total * points.entry[k]
            for m in range(k, points.start[p + 1]):
                gram[i, points.coordinate[m]] += f * points.entry[m]


@kernel
def _invert(gram: Any, ridge: float, root: Any, inverse: Any) -> None:
    """Fill ``inverse`` (d, d) with that of the matrix in the upper triangle of ``gram``; ``root`` is workspace."""
    d = gram.shape[0]
    _inverse_root(gram, ridge, root)
    inverse[:] = 0.0
    for k in range(d):
        row = root[k]
        for i in range(k + 1):
            f = row[i]
            if f != 0.0:
                target = inverse[i]
                for j in range(i + 1):
                    target[j] += f * row[j]
    for i in range(d):
        for j in range(i):
            inverse[j, i] = inverse[i, j]


@kernel
def _apply(inverse: Any, b: Floats, w: Any) -> None:
    """Fill ``w`` (d,) with ``inverse @ b``."""
    for i in range(b.shape[0]):
        total = 0.0
        for j in range(b.shape[0]):
            total += inverse[i, j] * b[j]
        w[i] = total


@kernel
def _width(index: Any, entry: Any, inverse: Any, combine: int) -> float:
    r"""Uncertainty of one feature vector: its :math:`\Lambda^{-1}` norm, or its coordinates' own norms combined."""
    total = 0.0
    for k in range(index.shape[0]):
        i = index[k]
        if combine == 0:
            total += entry[k] * math.sqrt(inverse[i, i])
        elif combine == 1:
            total += entry[k] * entry[k] * inverse[i, i]
        else:
            for m in range(index.shape[0]):
                total += entry[k] * entry[m] * inverse[i, index[m]]
    return total if combine == 0 else math.sqrt(max(total, 0.0))


@kernel
def _action_value(index: Any, entry: Any, reward: float, h: int, a: int, fit: Fit, rule: Rule) -> float:
    """Pessimistic value of one pair at step h: reward plus regression minus penalty, cut to its interval."""
    value = reward if rule.known else 0.0
    for k in range(index.shape[0]):
        value += entry[k] * fit.weights[h, index[k]]
    if rule.beta != 0.0:
        value -= rule.beta * _width(index, entry, fit.inverse[h], rule.combine)
    return max(min(value, rule.cap[h, a]), rule.floor)


@kernel
def _point_value(points: Points, h: int, s: int, fit: Fit, rule: Rule) -> float:
    """Pessimistic value of point s at step h: of its best action."""
    if points.fail[s]:
        return 0.0
    A = points.r.shape[2]
    best = -math.inf
    for a in range(A):
        low, high = points.start[s * A + a], points.start[s * A + a + 1]
        reward = points.r[h % points.r.shape[0], s, a]
        best = max(best, _action_value(points.coordinate[low:high], points.entry[low:high], reward, h, a, fit, rule))
    return best


@kernel
def _values_ahead(
    points: Points, moves: Moves, h: int, fit: Fit, rule: Rule, everywhere: bool, stamp: Ints, V: Floats, y: Floats
) -> float:
    """Fill ``y`` with the values of step h + 1 at the next points of step h's moves; return the smallest value.

    The smallest is over all points where `everywhere`, else over the next points. ``V`` and ``stamp`` (S,) hold what is
    known of step h + 1. Nothing follows the last step.
    """
    first, last = moves.first[h], moves.first[h + 1]
    if h == fit.weights.shape[0] - 1:
        for i in range(first, last):
            y[i - first] = 0.0
        return 0.0
    least = math.inf
    if everywhere:
        for s in range(V.shape[0]):
            V[s] = _point_value(points, h + 1, s, fit, rule)
            stamp[s] = h
            least = min(least, V[s])
    for i in range(first, last):
        s = moves.ahead[i]
        if stamp[s] != h:
            V[s] = _point_value(points, h + 1, s, fit, rule)
            stamp[s] = h
        y[i - first] = V[s]
        least = min(least, V[s])
    return least if least < math.inf else 0.0


@kernel
def _tables(points: Points, fit: Fit, rule: Rule, Q: Floats, width: Floats) -> None:
    """Fill ``Q`` and ``width`` (H, S, A); fail points are worth 0 and certain."""
    H, S, A = Q.shape
    for h in range(H):
        for s in range(S):
            for a in range(A):
                Q[h, s, a] = 0.0
                width[h, s, a] = 0.0
                if not points.fail[s]:
                    low, high = points.start[s * A + a], points.start[s * A + a + 1]
                    index, entry = points.coordinate[low:high], points.entry[low:high]
                    reward = points.r[h % points.r.shape[0], s, a]
                    Q[h, s, a] = _action_value(index, entry, reward, h, a, fit, rule)
                    width[h, s, a] = _width(index, entry, fit.inverse[h], rule.combine)


@kernel
def _variance_weights(
    points: Points, moves: Moves, h: int, fit: Fit, y: Floats, ceiling: float, b: Floats, moment: Floats,
    variance: Floats,
) -> None:  # fmt: skip
    r"""Fill ``variance`` of step h's moves with :math:`\max(1, [\phi'z_2]_{[0,c^2]} - [\phi'z_1]_{[0,c]}^2)`.

    ``y`` are the pilot's values ahead, ``fit.inverse`` the pilot's; ``b`` (d,) and ``moment`` (2, d) are workspace.
    """
    first, last = moves.first[h], moves.first[h + 1]
    for power in range(2):
        b[:] = 0.0
        for i in range(first, last):
            p = moves.pair[i]
            target = moves.times[i] * (y[i - first] if power == 0 else y[i - first] ** 2)
            for k in range(points.start[p], points.start[p + 1]):
                b[points.coordinate[k]] += target * points.entry[k]
        _apply(fit.inverse[h], b, moment[power])
    for i in range(first, last):
        p = moves.pair[i]
        one = 0.0
        two = 0.0
        for k in range(points.start[p], points.start[p + 1]):
            one += points.entry[k] * moment[0, points.coordinate[k]]
            two += points.entry[k] * moment[1, points.coordinate[k]]
        one = min(max(one, 0.0), ceiling)
        two = min(max(two, 0.0), ceiling * ceiling)
        variance[i] = max(1.0, two - one * one)
