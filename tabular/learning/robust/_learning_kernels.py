"""Pessimistic value iteration, backwards in time: covariance, values ahead, dual values, weights."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..._jit import kernel
from ...planning._robust_kernels import KL_PENALTY, KL_RADIUS, TV_PENALTY
from ._dual_kernels import (
    _DECADES,
    _LOG_FLOOR,
    _PER_DECADE,
    MEAN,
    _coordinate_weights,
    _released_descent,
    _search,
    _temperature_search,
)
from ._regression_kernels import (
    Fit,
    Moves,
    Points,
    Rule,
    _apply,
    _covariance,
    _invert,
    _values_ahead,
    _variance_weights,
)

__all__ = ["Method"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Method(NamedTuple):
    """What is estimated at each step."""

    code: int  # of the operator (`_robust_kernels`), or MEAN
    level: Floats  # (H, d) penalty lambda or radius rho
    everywhere: bool  # whether the smallest value is over all points
    least: float  # the smallest value, where it is given; nan otherwise
    ceiling: float  # largest threshold, temperature and KL dual value; inf is the largest value ahead
    clip: bool  # whether the two regressions of chi2 are cut to [0, ceiling] and [0, ceiling^2]
    descent: bool  # whether chi2's dual is minimised, as the released script does


@kernel
def _moments(points: Points, moves: Moves, h: int, target: Floats, b: Floats) -> None:
    """Fill ``b`` (d,) with the sum of ``target * phi`` over step h's moves."""
    b[:] = 0.0
    first = moves.first[h]
    for i in range(first, moves.first[h + 1]):
        p = moves.pair[i]
        for k in range(points.start[p], points.start[p + 1]):
            b[points.coordinate[k]] += target[i - first] * points.entry[k]


@kernel
def _linear_duals(
    points: Points, moves: Moves, weight: Floats, h: int, y: Floats, least: float, ceiling: float, method: Method,
    fit: Fit, known: bool, target: Floats, b: Floats,
) -> None:  # fmt: skip
    """One regression for all coordinates: mean, TV penalty or KL penalty; the mean takes rewards in unless `known`."""
    first = moves.first[h]
    n = moves.first[h + 1] - first
    level = method.level[h, 0]
    shift = math.inf
    for i in range(n):
        shift = min(shift, y[i])
    for i in range(n):
        c = weight[first + i]
        if method.code == MEAN:
            target[i] = c * y[i] + (0.0 if known else moves.received[first + i])
        elif method.code == TV_PENALTY:
            target[i] = c * min(y[i], least + level)
        else:
            target[i] = c * math.exp((shift - y[i]) / level)
    _moments(points, moves, h, target, b)
    _apply(fit.inverse[h], b, fit.weights[h])
    if method.code == TV_PENALTY:
        fit.dual[h] = least + level
    elif method.code == KL_PENALTY:
        fit.dual[h] = level
        for i in range(b.shape[0]):
            mean = fit.weights[h, i]
            value = shift - level * math.log(mean) if mean > 0.0 else math.inf
            fit.clipped[h, i] = 1 if value > ceiling else 0
            fit.weights[h, i] = min(value, ceiling)


@kernel
def _searched_duals(
    points: Points, moves: Moves, weight: Floats, h: int, y: Floats, least: float, ceiling: float, method: Method,
    fit: Fit, target: Floats, b: Floats,
) -> None:  # fmt: skip
    """One search a coordinate: chi2 penalty, and every radius."""
    first = moves.first[h]
    n = moves.first[h + 1] - first
    order = np.argsort(y[:n], kind="mergesort")
    start = np.zeros(n + 1, dtype=np.int64)
    for i in range(n):
        p = moves.pair[first + order[i]]
        start[i + 1] = start[i] + points.start[p + 1] - points.start[p]
    index, entry, rising, g = np.empty(start[n], dtype=np.int64), np.empty(start[n]), np.empty(n), np.empty(n)
    for i in range(n):
        move = first + order[i]
        p = moves.pair[move]
        rising[i] = y[order[i]]
        for k in range(start[i + 1] - start[i]):
            index[start[i] + k] = points.coordinate[points.start[p] + k]
            entry[start[i] + k] = weight[move] * points.entry[points.start[p] + k]
    turns, found = np.empty(8), np.empty(2)
    d = b.shape[0]
    if method.code != KL_RADIUS:
        for i in range(d):
            _coordinate_weights(start, index, entry, fit.inverse[h, i], g)
            if method.descent:
                _released_descent(rising, g, method.level[h, i], ceiling, found)
            else:
                _search(method.code, rising, g, method.level[h, i], least, ceiling, method.clip, turns, found)
            fit.weights[h, i] = found[0]
            fit.dual[h, i] = found[1]
        return
    if ceiling <= 0.0:
        fit.weights[h] = 0.0
        return
    grid = _PER_DECADE * _DECADES + 1
    mean = np.empty(d)
    values = np.empty((grid, d))
    at, known = np.empty(3), np.empty(3)
    for t in range(grid):
        temperature = _temperature(ceiling, t, grid)
        for i in range(n):
            target[i] = weight[first + i] * (math.exp(-y[i] / temperature) - 1.0)
        _moments(points, moves, h, target, b)
        _apply(fit.inverse[h], b, mean)
        for i in range(d):
            values[t, i] = -temperature * (math.log(max(1.0 + mean[i], _LOG_FLOOR)) + method.level[h, i])
    for i in range(d):
        _coordinate_weights(start, index, entry, fit.inverse[h, i], g)
        best = int(np.argmax(values[:, i]))
        for k in range(3):
            t = min(max(best + k - 1, 0), grid - 1)
            at[k] = _temperature(ceiling, t, grid)
            known[k] = values[t, i]
        _temperature_search(rising, g, method.level[h, i], at, known, found)
        fit.weights[h, i] = found[0]
        fit.dual[h, i] = found[1]


@kernel
def _temperature(ceiling: float, t: int, grid: int) -> float:
    """Entry ``t`` of the grid of temperatures, whose last entry is the ceiling."""
    return ceiling * 10.0 ** ((t - (grid - 1)) / _PER_DECADE)


@kernel
def _learn(
    points: Points, moves: Moves, weight: Floats, ridge: float, method: Method, rule: Rule, adaptive: bool, pilot: Fit,
    fit: Fit,
) -> None:  # fmt: skip
    """Fill ``fit`` backwards in time.

    ``weight`` (moves,) weighs the moves; where `adaptive`, it is overwritten with ``times / variance`` from the
    values of the ``pilot``. Without adaptation ``pilot`` is not read.
    """
    H, d = fit.weights.shape
    S = points.fail.shape[0]
    most = 0
    for h in range(H):
        most = max(most, moves.first[h + 1] - moves.first[h])
    y, target, b = np.empty(most), np.empty(most), np.empty(d)
    moment, gram, root = np.empty((2, d)), np.empty((d, d)), np.empty((d, d))
    V, stamp = np.empty(S), np.full(S, -1)
    for h in range(H - 1, -1, -1):
        first, last = moves.first[h], moves.first[h + 1]
        if adaptive:
            if h < H - 1:
                _values_ahead(points, moves, h, pilot, rule, method.everywhere, stamp, V, y)
                _variance_weights(points, moves, h, pilot, y, method.ceiling, b, moment, weight)
                for i in range(first, last):
                    weight[i] = moves.times[i] / weight[i]
            stamp[:] = -1
        _covariance(points, moves, weight, h, ridge, gram)
        _invert(gram, ridge, root, fit.inverse[h])
        least = _values_ahead(points, moves, h, fit, rule, method.everywhere, stamp, V, y)
        if not math.isnan(method.least):
            least = method.least
        ceiling = method.ceiling
        if ceiling == math.inf:
            ceiling = 0.0
            for i in range(last - first):
                ceiling = max(ceiling, y[i])
        if h == H - 1 and rule.known:
            fit.weights[h] = 0.0
        elif method.code <= KL_PENALTY:
            _linear_duals(points, moves, weight, h, y, least, ceiling, method, fit, rule.known, target, b)
        else:
            _searched_duals(points, moves, weight, h, y, least, ceiling, method, fit, target, b)
