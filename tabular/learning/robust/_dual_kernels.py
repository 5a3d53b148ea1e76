r"""Estimated dual values of one step, one number a feature coordinate.

Coordinate i sees the data through the signed weights :math:`g_\tau = (\Lambda^{-1}\phi_\tau)_i`. On sorted values
:math:`y_1\le y_2\le\dots` the regressions :math:`z(\alpha) = \sum_\tau g_\tau\min(y_\tau,\alpha)` and
:math:`z_2(\alpha) = \sum_\tau g_\tau\min(y_\tau,\alpha)^2` are, between neighbours,
:math:`z = a_0 + a_1\alpha` and :math:`z_2 = a_2 + a_1\alpha^2`: each search is exact, piece by piece, whatever the
signs.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from ..._jit import kernel
from ...planning._robust_kernels import CHI2_PENALTY, CHI2_RADIUS, TV_RADIUS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: What a step estimates where it is none of the operators of `_robust_kernels`: the mean. It comes before their codes.
MEAN = -1
#: Temperatures of the KL search: this many a decade, from ``ceiling * 10**-_DECADES`` up to the ceiling.
_PER_DECADE, _DECADES = 8, 6
#: Smallest argument of the logarithm in the KL search, as in the released code.
_LOG_FLOOR = 1e-6
_GOLDEN = 0.3819660112501051


@kernel
def _cut(value: float, clip: bool, top: float) -> float:
    """``value``, cut to [0, top] where asked."""
    return min(max(value, 0.0), top) if clip else value


@kernel
def _objective(
    method: int, a0: float, a1: float, a2: float, at: float, level: float, least: float, clip: bool, ceiling: float
) -> float:
    """Dual objective at threshold ``at``, on the piece of coefficients a0, a1, a2."""
    z = _cut(a0 + a1 * at, clip, ceiling)
    if method == TV_RADIUS:
        return z - level * (at - least)
    z2 = _cut(a2 + a1 * at * at, clip, ceiling * ceiling)
    if method == CHI2_PENALTY:
        return z + (z * z - z2) / (4.0 * level)
    return z - math.sqrt(level * max(z2 - z * z, 0.0))


@kernel
def _turning_points(
    method: int, a0: float, a1: float, a2: float, level: float, clip: bool, ceiling: float, out: Floats
) -> int:
    r"""Fill ``out`` with thresholds at which the objective of one piece may turn or bend; return how many.

    TV: none, it is linear. chi2 penalty: the vertex and, clipped, where a regression meets a bound. chi2 radius, with
    :math:`q = z_2 - z^2`: the roots of :math:`q` and of :math:`4 z'^2 q = \rho q'^2`.
    """
    n = 0
    if method == CHI2_PENALTY:
        bend = a1 * a1 - a1
        if bend != 0.0:
            out[n] = -(2.0 * level + a0) * a1 / bend
            n += 1
        if clip and a1 != 0.0:
            for bound in (0.0, ceiling):
                out[n] = (bound - a0) / a1
                n += 1
                square = (bound * bound - a2) / a1
                if square >= 0.0:
                    out[n] = math.sqrt(square)
                    n += 1
    elif method == CHI2_RADIUS:
        u, v, w = a1 - a1 * a1, -2.0 * a0 * a1, a2 - a0 * a0
        n = _roots(u, v, w, out, n)
        s = 4.0 * a1 * a1
        n = _roots(s * u - 4.0 * level * u * u, s * v - 4.0 * level * u * v, s * w - level * v * v, out, n)
    return n


@kernel
def _roots(a: float, b: float, c: float, out: Floats, n: int) -> int:
    """Append the real roots of ``a t^2 + b t + c``; return the new length."""
    if a == 0.0:
        if b != 0.0:
            out[n] = -c / b
            n += 1
        return n
    discriminant = b * b - 4.0 * a * c
    if discriminant < 0.0:
        return n
    q = -0.5 * (b + math.copysign(math.sqrt(discriminant), b))
    out[n] = q / a
    n += 1
    if q != 0.0:
        out[n] = c / q
        n += 1
    return n


@kernel
def _search(
    method: int, y: Floats, g: Floats, level: float, least: float, ceiling: float, clip: bool, turns: Floats,
    out: Floats,
) -> None:  # fmt: skip
    """Fill ``out`` with the largest dual value over thresholds in [0, ceiling] and where it is attained.

    y, g : (n,) sorted values and the coordinate's weights. ``turns`` (8,) is workspace.
    """
    n = y.shape[0]
    a0, a1, a2 = 0.0, 0.0, 0.0
    for i in range(n):
        a1 += g[i]
    k = 0
    low = 0.0
    best, where = -math.inf, 0.0
    while True:
        while k < n and y[k] <= low:
            a0 += g[k] * y[k]
            a1 -= g[k]
            a2 += g[k] * y[k] * y[k]
            k += 1
        high = min(y[k], ceiling) if k < n else ceiling
        if k == n:
            a1 = 0.0
        value = _objective(method, a0, a1, a2, low, level, least, clip, ceiling)
        if value > best:
            best, where = value, low
        if high <= low:
            break
        for t in range(_turning_points(method, a0, a1, a2, level, clip, ceiling, turns)):
            if low < turns[t] < high:
                value = _objective(method, a0, a1, a2, turns[t], level, least, clip, ceiling)
                if value > best:
                    best, where = value, turns[t]
        low = high
    out[0] = best
    out[1] = where


@kernel
def _chi2_at(y: Floats, g: Floats, at: float, level: float) -> float:
    """Chi-square dual objective at threshold ``at``, from its definition."""
    z, z2 = 0.0, 0.0
    for i in range(y.shape[0]):
        v = min(y[i], at)
        z += g[i] * v
        z2 += g[i] * v * v
    return z + (z * z - z2) / (4.0 * level)


@kernel
def _released_descent(y: Floats, g: Floats, level: float, ceiling: float, out: Floats) -> None:
    """Fill ``out`` with the local minimum of the chi-square dual that lies downhill from ``ceiling / 2``.

    That is what the released script's optimiser (Nelder and Mead, started there with a step of 5 %) finds of the
    objective whose sign it forgot: it goes right where that is downhill, else left, and stays on a plateau.
    """
    start = 0.5 * ceiling
    here = _chi2_at(y, g, start, level)
    if _chi2_at(y, g, 1.05 * start, level) < here:
        side = 1.0
    elif _chi2_at(y, g, 0.95 * start, level) < here:
        side = -1.0
    else:
        out[0] = here
        out[1] = start
        return
    step = ceiling / 2000.0
    at = start
    while 0.0 <= at + side * step <= ceiling:
        ahead = _chi2_at(y, g, at + side * step, level)
        if ahead > here:
            break
        here = ahead
        at += side * step
    out[0] = here
    out[1] = at


@kernel
def _tempered(y: Floats, g: Floats, temperature: float, level: float) -> float:
    """KL dual at one temperature: ``-T log max(1 + sum g (exp(-y/T) - 1), 1e-6) - T level``."""
    total = 0.0
    per = 1.0 / temperature
    for i in range(y.shape[0]):
        total += g[i] * (math.exp(-y[i] * per) - 1.0)
    return -temperature * (math.log(max(1.0 + total, _LOG_FLOOR)) + level)


@kernel
def _temperature_search(y: Floats, g: Floats, level: float, at: Floats, known: Floats, out: Floats) -> None:
    """Fill ``out`` with the largest KL dual for temperatures in ``[at[0], at[2]]``, by Brent's method in logarithms.

    ``known`` are the duals at the temperatures ``at`` (3,), of which the second is the largest. The logarithm errs by
    about 1e-6, the dual by the square of that.
    """
    tolerance = 1e-6
    a, b = math.log(at[0]), math.log(at[2])
    x, fx = math.log(at[1]), -known[1]
    w, fw, v, fv = a, -known[0], b, -known[2]
    if fv < fw:
        w, fw, v, fv = v, fv, w, fw
    step = previous = b - a
    for _ in range(60):
        middle = 0.5 * (a + b)
        if abs(x - middle) <= 2.0 * tolerance - 0.5 * (b - a):
            break
        golden = True
        if abs(previous) > tolerance:
            r = (x - w) * (fx - fv)
            q = (x - v) * (fx - fw)
            p = (x - v) * q - (x - w) * r
            q = 2.0 * (q - r)
            if q > 0.0:
                p = -p
            q = abs(q)
            before, previous = previous, step
            if abs(p) < abs(0.5 * q * before) and q * (a - x) < p < q * (b - x):
                step = p / max(q, 1e-300)
                golden = False
                if min(x + step - a, b - x - step) < 2.0 * tolerance:
                    step = math.copysign(tolerance, middle - x)
        if golden:
            previous = (b if x < middle else a) - x
            step = _GOLDEN * previous
        u = x + (step if abs(step) >= tolerance else math.copysign(tolerance, step))
        fu = -_tempered(y, g, math.exp(u), level)
        if fu <= fx:
            if u < x:
                b = x
            else:
                a = x
            v, w, x, fv, fw, fx = w, x, u, fw, fx, fu
        else:
            if u < x:
                a = u
            else:
                b = u
            if fu <= fw or w == x:
                v, w, fv, fw = w, u, fw, fu
            elif fu <= fv or v in (x, w):
                v, fv = u, fu
    out[0] = -fx
    out[1] = math.exp(x)


@kernel
def _coordinate_weights(start: Ints, index: Ints, entry: Floats, row: Any, g: Floats) -> None:
    """Fill ``g`` with the inner products of ``row`` (d,) with the rows of a sparse table."""
    for i in range(g.shape[0]):
        total = 0.0
        for k in range(start[i], start[i + 1]):
            total += row[index[k]] * entry[k]
        g[i] = total
