r"""The smallest expectation an adversary near a distribution can reach: six one-step operators, compiled.

All six are computed on ``u = (V - V_min) / spread``, with values in [0, 1] and the smallest equal to 0, for the level
divided by the spread where it is a price (`TV_PENALTY`, `KL_PENALTY`, `CHI2_PENALTY`) and for the level itself where
it is a radius: the operators commute with shifts and positive factors. Sums then have terms of one sign and nothing
overflows. ``q`` is divided by its sum.
"""

import math

import numpy as np
import numpy.typing as npt

from .._jit import kernel

__all__ = ["CHI2_PENALTY", "CHI2_RADIUS", "KL_PENALTY", "KL_RADIUS", "TV_PENALTY", "TV_RADIUS"]

Floats = npt.NDArray[np.float64]

TV_PENALTY, KL_PENALTY, CHI2_PENALTY, TV_RADIUS, KL_RADIUS, CHI2_RADIUS = 0, 1, 2, 3, 4, 5

_TINY = 1e-300
#: The smallest positive number, where a divisor must not be zero.
_LEAST = 5e-324
#: Beyond this price (for a spread of 1) the adversary's gain is below 1e-100.
_DEAR = 1e100
#: Below this argument, ``z e^z - (e^z - 1)`` is summed as a series.
_SERIES = 1e-2
_LARGEST_BETA = 1e300
_MOST_STEPS = 400
_LAST_STEP = 1e-15
#: Newton's method doubles the digits: a relative step below this leaves an error far below rounding.
_NEWTON_STEP = 1e-9


@kernel
def _tilt(w: Floats, u: Floats, beta: float, out: Floats) -> tuple[float, float, float, float]:
    r"""Exponential tilt :math:`\mu\propto w e^{-\beta u}`, written to ``out``.

    w, u : (m,) masses summing to 1 and values in [0, 1], smallest 0; 0 <= beta < inf.
    Returns ``log sum w e^{-beta u}``, ``KL(mu || w)``, and the mean and variance of ``u`` under ``mu``. The first is
    accurate to its last digits for beta near 0 (where it vanishes like beta), the second too (where it vanishes like
    beta squared).
    """
    m = w.shape[0]
    total, less = 0.0, 0.0
    for i in range(m):
        total += w[i] * math.exp(-beta * u[i])
        less += w[i] * math.expm1(-beta * u[i])
    log_total = math.log1p(less) if less > -0.5 else math.log(total)
    divergence, mean = 0.0, 0.0
    for i in range(m):
        z = max(-beta * u[i] - log_total, -745.0)
        out[i] = w[i] * math.exp(-beta * u[i]) / max(total, _LEAST)
        if abs(z) < _SERIES:
            divergence += w[i] * z * z * (0.5 + z * (1 / 3 + z * (0.125 + z * (1 / 30 + z * (1 / 144 + z / 840)))))
        else:
            divergence += out[i] * z - (out[i] - w[i])
        mean += out[i] * u[i]
    variance = 0.0
    for i in range(m):
        variance += out[i] * (u[i] - mean) ** 2
    return log_total, divergence, mean, variance


@kernel
def _kl_beta(w: Floats, u: Floats, radius: float, vertex: float, out: Floats) -> float:
    r"""Inverse temperature of the tilt with divergence ``radius``, for ``0 < radius < -log(vertex)``.

    ``vertex`` is the mass at 0. Newton's method in a bracket, on :math:`\log\mathrm{KL}` against :math:`\log\beta`
    (linear near 0, where KL grows like :math:`\beta^2`) for a radius in the lower half of its range, and on the
    logarithm of what is left of the range against :math:`\beta` (linear far out) in the upper half.
    """
    m = w.shape[0]
    mean, variance = 0.0, 0.0
    for i in range(m):
        mean += w[i] * u[i]
    for i in range(m):
        variance += w[i] * (u[i] - mean) ** 2
    largest = -math.log(vertex)
    upper_half = radius > 0.5 * largest
    low, high = 0.0, math.inf
    beta = min(math.sqrt(2.0 * radius / max(variance, _TINY)), 1e100)
    for _ in range(_MOST_STEPS):
        _, divergence, mean, variance = _tilt(w, u, beta, out)
        if divergence < radius:
            low = beta
        else:
            high = beta
        ahead = -1.0
        slope = beta * variance
        if slope > 0.0 and divergence > 0.0:
            if upper_half:
                rest = 0.0
                for i in range(m):
                    if u[i] > 0.0:
                        rest += w[i] * math.exp(-beta * u[i])
                left = math.log1p(rest / max(vertex, _LEAST)) + beta * mean
                if left > 0.0:
                    ahead = beta + math.log(left / (largest - radius)) * left / slope
            else:
                relative = math.log(radius / divergence) * (divergence / max(slope * beta, _LEAST))
                ahead = beta * math.exp(min(relative, 2.0))
            ahead = min(ahead, 8.0 * beta)  # on a plateau the tangent points anywhere
        newton = low < ahead < high or abs(ahead - beta) <= _NEWTON_STEP * beta
        if not newton:
            ahead = 8.0 * low if high == math.inf else 0.125 * high if low == 0.0 else math.sqrt(low) * math.sqrt(high)
        step, beta = abs(ahead - beta), ahead
        if step <= (_NEWTON_STEP if newton else _LAST_STEP) * beta or not beta < _LARGEST_BETA:
            break
    return min(beta, _LARGEST_BETA)


@kernel
def _kl(w: Floats, u: Floats, level: float, constrained: bool, out: Floats) -> tuple[float, float]:
    """Value and temperature, for ``u`` in [0, 1] with smallest value 0; the minimiser goes to ``out``."""
    m = w.shape[0]
    vertex, mean = 0.0, 0.0
    for i in range(m):
        out[i] = w[i]
        mean += w[i] * u[i]
        if u[i] == 0.0:
            vertex += w[i]
    if (constrained and level <= 0.0) or (not constrained and level >= _DEAR):
        return mean, math.inf
    if (constrained and level >= -math.log(vertex)) or (not constrained and level < _TINY):
        for i in range(m):
            out[i] = w[i] / max(vertex, _LEAST) if u[i] == 0.0 else 0.0
        return 0.0, 0.0
    beta = _kl_beta(w, u, level, vertex, out) if constrained else 1.0 / max(level, _TINY)
    log_total = _tilt(w, u, beta, out)[0]
    gain = -log_total - level if constrained else -log_total
    return min(max(gain / max(beta, _TINY), 0.0), mean), 1.0 / max(beta, _TINY)


@kernel
def _below(w: Floats, u: Floats, last: int, mean: float, x: float, out: Floats) -> None:
    """Write the distribution proportional to ``w (mean + x - u)_+`` on the first ``last + 1`` entries.

    w, u : (m,) masses, values in increasing order; mean : of ``u`` over those entries, to within its rounding, which
    is measured and taken out: ``x`` may be small.
    """
    kept, residual, total = 0.0, 0.0, 0.0
    for k in range(last + 1):
        kept += w[k]
    for k in range(last + 1):
        residual += w[k] / max(kept, _LEAST) * (u[k] - mean)
    for k in range(w.shape[0]):
        out[k] = 0.0
        if k <= last:
            share = w[k] / max(kept, _LEAST)
            out[k] = max(share + share * ((mean - u[k]) + residual) / x, 0.0) if x > 0.0 else share
        total += out[k]
    for k in range(last + 1):
        out[k] /= max(total, _LEAST)


@kernel
def _chi2(w: Floats, u: Floats, level: float, constrained: bool, out: Floats) -> tuple[float, float]:
    r"""Value and threshold, for ``u`` in [0, 1] with smallest value 0; the minimiser goes to ``out``.

    The minimiser is :math:`w_i(a-u_i)_+/\sum_j w_j(a-u_j)_+`. On the piece of thresholds that keeps the ``k`` smallest
    values, with mass ``kept`` and mean and variance ``m``, ``v`` of those kept, ``x = a - m`` is
    :math:`2\lambda/kept` for a price and :math:`\sqrt{v/(\rho\,kept - dropped)}` for a radius; the pieces overlap in
    their end points, and exactly one contains its own ``a``.
    """
    m = w.shape[0]
    order = np.argsort(u)
    weight, height, chosen, dropped = np.empty(m), np.empty(m), np.empty(m), np.empty(m)
    mass = 0.0
    for k in range(m - 1, -1, -1):
        weight[k], height[k], dropped[k] = w[order[k]], u[order[k]], mass
        mass += weight[k]
    kept, mean, squares, x, value, last = 0.0, 0.0, 0.0, 0.0, 0.0, m - 1
    for k in range(m):
        before = kept
        kept += weight[k]
        share = weight[k] / max(kept, _LEAST)
        step = height[k] - mean
        mean += step * share
        squares += step * step * (before * share)
        if k < m - 1 and height[k + 1] == height[k]:
            continue
        variance = squares / max(kept, _LEAST)
        if constrained:
            room = level * kept - dropped[k]
            if room <= 0.0 and k < m - 1:
                continue
            spend = math.sqrt(max(room, 0.0))
            x = math.sqrt(variance) / spend if spend > 0.0 else math.inf
            value = mean - math.sqrt(variance) * spend
        else:
            x = 2.0 * level / max(kept, _LEAST)
            value = mean - 0.5 * variance / x + level * (dropped[k] / kept) if x > 0.0 else mean
        if k == m - 1 or mean + x <= height[k + 1]:
            last = k
            break
    _below(weight, height, last, mean, x, chosen)
    for k in range(m):
        out[order[k]] = chosen[k]
    return max(value, 0.0), min(mean + x, 1.0)


@kernel
def _tv(w: Floats, u: Floats, level: float, constrained: bool, out: Floats) -> tuple[float, float, float]:
    """Value, threshold and mass that leaves for the value 0; what stays of ``w`` goes to ``out``."""
    m = w.shape[0]
    value, moved = 0.0, 0.0
    if not constrained:
        for i in range(m):
            out[i] = w[i]
            value += w[i] * min(u[i], level)
            if u[i] > level:
                moved += w[i]
                out[i] = 0.0
        return value, min(level, 1.0), moved
    order = np.argsort(u)
    threshold = 1.0
    for k in range(m - 1, -1, -1):
        i = order[k]
        taken = min(w[i], max(level - moved, 0.0)) if u[i] > 0.0 else 0.0
        if moved < level or k == m - 1:
            threshold = u[i]
        out[i] = w[i] - taken
        moved += taken
    for i in range(m):
        value += out[i] * u[i]
    return value, threshold if moved >= level else 0.0, moved


@kernel
def _worst_case(kind: int, q: Floats, V: Floats, level: float, support: bool, out: Floats) -> tuple[float, float]:
    """Value and dual variable of one operator; the minimising distribution goes to ``out``.

    Parameters
    ----------
    kind : int
        One of the six constants of this module.
    q, V : (S,) non-negative masses with a positive sum; finite values whose range is finite.
    level : float
        Price > 0 or radius >= 0.
    support : bool
        Whether the adversary of total variation must stay in the support of ``q``; the others always do.
    out : (S,) written.
    """
    S = q.shape[0]
    anywhere = kind in (TV_PENALTY, TV_RADIUS) and not support
    total, m, lowest, highest, at = 0.0, 0, math.inf, -math.inf, 0
    for i in range(S):
        if q[i] > 0.0:
            total += q[i]
            m += 1
            highest = max(highest, V[i])
        if (anywhere or q[i] > 0.0) and V[i] < lowest:
            lowest, at = V[i], i
    spread = highest - lowest
    if not spread > 0.0:
        for i in range(S):
            out[i] = q[i] / total
        return lowest, 0.0 if kind == KL_RADIUS else level if kind == KL_PENALTY else lowest
    where = np.empty(m, dtype=np.int64)
    w, u, mu = np.empty(m), np.empty(m), np.empty(m)
    m = 0
    for i in range(S):
        out[i] = 0.0
        if q[i] > 0.0:
            where[m], w[m], u[m] = i, q[i] / total, (V[i] - lowest) / spread
            m += 1
    moved = 0.0
    constrained = kind in (TV_RADIUS, KL_RADIUS, CHI2_RADIUS)
    scaled = level if constrained else min(level / spread, _DEAR)
    if kind in (TV_PENALTY, TV_RADIUS):
        value, dual, moved = _tv(w, u, scaled, constrained, mu)
    elif kind in (KL_PENALTY, KL_RADIUS):
        value, dual = _kl(w, u, scaled, constrained, mu)
    else:
        value, dual = _chi2(w, u, scaled, constrained, mu)
    for k in range(m):
        out[where[k]] = mu[k]
    out[at] += moved
    if kind == KL_PENALTY:
        dual = level
    elif kind == KL_RADIUS:
        dual = dual * spread
    else:
        dual = lowest + dual * spread
    return lowest + value * spread, dual


@kernel
def _worst_rows(
    kind: int, q: Floats, V: Floats, levels: Floats, support: bool, values: Floats, duals: Floats, out: Floats
) -> None:
    """`_worst_case` for each row: ``q``, ``out`` (n, S); ``levels``, ``values``, ``duals`` (n,)."""
    for i in range(q.shape[0]):
        values[i], duals[i] = _worst_case(kind, q[i], V, levels[i], support, out[i])


@kernel
def _mixed(phi: Floats, x: Floats, out: Floats) -> None:
    """``out[s, a] = phi[s, a] . x``, summed in the order of the features."""
    for s in range(phi.shape[0]):
        for a in range(phi.shape[1]):
            total = 0.0
            for i in range(phi.shape[2]):
                total += phi[s, a, i] * x[i]
            out[s, a] = total
