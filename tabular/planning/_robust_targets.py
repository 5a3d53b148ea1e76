"""The least divergence from a distribution that brings its mean down to a target, and what the next step costs.

The counterpart of `_robust_kernels` for s-rectangular ambiguity (`_robust_s_kernels`): there the adversary knows what
a unit of divergence costs and asks how low it can go, here it knows how low it must go. Entries are in increasing
order of their values, which lie in [0, 1].
"""

import math

import numpy as np
import numpy.typing as npt

from .._jit import kernel
from ._robust_kernels import _LAST_STEP, _LEAST, _TINY, _below, _tilt

__all__: list[str] = []

Floats = npt.NDArray[np.float64]

_TV, _KL, _CHI2 = 0, 1, 2
#: Stands for an infinite slope or price.
_HUGE = 1e150
_MOST_STEPS = 200
#: A relative step of Newton's method below this is rounding, which may lead out of the bracket.
_ROUNDING_STEP = 1e-14
#: A distance of means below this is rounding.
_NEGLIGIBLE = 1e-15


@kernel
def _tv_to(w: Floats, u: Floats, lowest: int, excess: float, out: Floats) -> tuple[float, float]:
    """Least mass to move to state ``lowest`` so that the mean falls by ``excess``, and its rate.

    What is left of ``excess`` when it is down to its rounding is not worth a move: next to a kink it could be dear.
    """
    moved, rate = 0.0, 0.0
    for k in range(w.shape[0] - 1, lowest, -1):
        gain = u[k] - u[lowest]
        if excess <= _NEGLIGIBLE or gain <= 0.0:
            break
        if w[k] <= 0.0:
            continue
        rate = 1.0 / gain
        taken = min(w[k], excess * rate)
        out[k] -= taken
        moved += taken
        excess = excess - taken * gain if taken == w[k] else 0.0
    out[lowest] += moved
    return moved, rate


@kernel
def _kl_to(w: Floats, u: Floats, lowest: int, mean: float, target: float, out: Floats) -> tuple[float, float]:
    r"""Least divergence of a tilt with mean ``target`` < ``mean``, and its rate, the inverse temperature.

    Newton's method in a bracket, on the logarithm of the distance of the mean from the smallest value, which is close
    to linear in the inverse temperature far out.
    """
    S = w.shape[0]
    m = 0
    for k in range(S):
        if w[k] > 0.0:
            m += 1
    mass, v, mu, where = np.empty(m), np.empty(m), np.empty(m), np.empty(m, dtype=np.int64)
    m, variance, vertex = 0, 0.0, 0.0
    for k in range(S):
        if w[k] > 0.0:
            where[m], mass[m], v[m] = k, w[k], u[k] - u[lowest]
            variance += w[k] * (u[k] - mean) ** 2
            if v[m] == 0.0:
                vertex += w[k]
            m += 1
    goal = target - u[lowest]
    if goal <= 0.0:
        for i in range(m):
            out[where[i]] = mass[i] / vertex if v[i] == 0.0 else 0.0
        return -math.log(vertex), _HUGE
    low, high = 0.0, math.inf
    beta = max((mean - target) / max(variance, _TINY), _TINY)
    divergence = 0.0
    for _ in range(_MOST_STEPS):
        _, divergence, now, variance = _tilt(mass, v, beta, mu)
        if now > goal:
            low = beta
        else:
            high = beta
        ahead = -1.0
        if variance > 0.0 and now > 0.0:
            ahead = beta + math.log(now / goal) * (now / max(variance, _LEAST))
        if abs(ahead - beta) <= _ROUNDING_STEP * beta:
            break
        if not low < ahead < high:
            ahead = 8.0 * low if high == math.inf else 0.125 * high if low == 0.0 else math.sqrt(low) * math.sqrt(high)
        step = abs(ahead - beta)
        if step <= _LAST_STEP * beta or not ahead < _HUGE:
            break
        beta = ahead
    for i in range(m):
        out[where[i]] = mu[i]
    return divergence, beta


@kernel
def _chi2_to(w: Floats, u: Floats, target: float, out: Floats) -> tuple[float, float]:
    """Least chi-squared divergence with mean ``target``, and its rate; pieces as in `_robust_kernels._chi2`."""
    S = w.shape[0]
    dropped = np.empty(S)
    mass = 0.0
    for k in range(S - 1, -1, -1):
        dropped[k] = mass
        mass += w[k]
    kept, mean, squares, x, last, after = 0.0, 0.0, 0.0, 0.0, S - 1, math.inf
    for k in range(S):
        if w[k] <= 0.0:
            continue
        before = kept
        kept += w[k]
        step = u[k] - mean
        mean += step * (w[k] / max(kept, _LEAST))
        squares += step * step * (w[k] * (before / max(kept, _LEAST)))
        after = math.inf
        for j in range(k + 1, S):
            if w[j] > 0.0:
                after = u[j]
                break
        if after == u[k] or (mean <= target and squares > 0.0):
            continue
        if squares <= 0.0:
            if mean < target:
                continue
            x, last = 0.0, k
            break
        x = squares / (kept * (mean - target))
        if mean + x <= after:
            last = k
            break
    _below(w, u, last, mean, x, out)
    if x > 0.0:
        return ((mean - target) / x + dropped[last]) / kept, 2.0 / (kept * x)
    return dropped[last] / kept, 2.0 / (kept * (after - mean))


@kernel
def _least(
    kind: int, w: Floats, u: Floats, lowest: int, mean: float, target: float, out: Floats
) -> tuple[float, float]:
    """Least divergence from ``w`` that brings the mean of ``u`` down to ``target``, and its rate.

    w, u : (S,) masses summing to 1; values in [0, 1], increasing. lowest : where the adversary's smallest value lies.
    mean : of ``u`` under ``w``. The rate is minus the derivative by ``target``, one of the two at a kink.
    """
    for k in range(w.shape[0]):
        out[k] = w[k]
    if target > mean or mean <= u[lowest]:
        return 0.0, 0.0
    if kind == _TV:
        return _tv_to(w, u, lowest, mean - target, out)
    if target >= mean:
        return 0.0, 0.0
    if kind == _KL:
        return _kl_to(w, u, lowest, mean, target, out)
    return _chi2_to(w, u, target, out)
