r"""One state of s-rectangular robust dynamic programming: a budget of divergence that the actions share, compiled.

The planner mixes actions by ``x`` and the adversary answers with one distribution per action,

.. math:: \max_{x\in\Delta}\;\min_{p}\; \sum_a x_a(r_a + p_a\cdot V) + \lambda\sum_a D(p_a\,\|\,q_a)
          \qquad\text{or}\qquad \sum_a D(p_a\,\|\,q_a)\le\rho .

The order of max and min does not matter (Sion), and for a fixed ``p`` the best ``x`` is one action. With
:math:`D_a(\eta) = \min\{D(p\,\|\,q_a) : r_a + p\cdot V\le\eta\}`, convex and nonincreasing, the value is

.. math:: \min_\eta\; \eta + \lambda\sum_a D_a(\eta) \qquad\text{or}\qquad \min\{\eta : \sum_a D_a(\eta)\le\rho\},

a search over one number. Stationarity gives the policy: :math:`x_a = -\nu D_a'(\eta)` with :math:`\nu=\lambda`, or
the price that makes ``x`` sum to 1. Each state is certified from both sides by other means than the search: from
above by what ``p`` leaves to the best action, from below by what the operators of `_robust_kernels` leave of ``x`` at
the price ``nu``, which is weak duality and needs no search to be right.

Rewards enter relative to the largest and everything is divided by the spread of ``V``.
"""

import math

import numpy as np
import numpy.typing as npt

from .._jit import kernel
from ._robust_kernels import _LAST_STEP, _TINY, _worst_case
from ._robust_targets import _CHI2, _HUGE, _MOST_STEPS, _TV, _least

__all__: list[str] = []

Floats = npt.NDArray[np.float64]

#: Width of the final bracket of a level, relative to the spread of the values.
_BRACKET = 1e-16


@kernel
def _all(
    kind: int,
    w: Floats,
    u: Floats,
    c: Floats,
    lowest: npt.NDArray[np.int64],
    means: Floats,
    eta: float,
    rates: Floats,
    p: Floats,
) -> tuple[float, float]:
    """Sum over actions of the least divergences that bring ``c + mean`` down to ``eta``, and of their rates."""
    divergence, rate = 0.0, 0.0
    for a in range(w.shape[0]):
        target = max(eta - c[a], u[lowest[a]])
        d, rates[a] = _least(kind, w[a], u, lowest[a], means[a], target, p[a])
        divergence += d
        rate += rates[a]
    return divergence, rate


@kernel
def _divergence(kind: int, p: Floats, q: Floats, total: float) -> float:
    """Divergence of ``p`` from ``q / total``."""
    result = 0.0
    for i in range(p.shape[0]):
        w = q[i] / total
        if kind == _TV:
            result += 0.5 * abs(p[i] - w)
        elif w > 0.0:
            ratio = p[i] / w
            if kind == _CHI2:
                result += w * (ratio - 1.0) ** 2
            elif abs(ratio - 1.0) < 1e-2:
                e = ratio - 1.0
                series = 0.5 - e * (1 / 6 - e * (1 / 12 - e * (1 / 20 - e * (1 / 30 - e * (1 / 42 - e / 56)))))
                result += w * e * e * series
            else:
                result += w * ((ratio * math.log(ratio) if ratio > 0.0 else 0.0) - (ratio - 1.0))
    return result


@kernel
def _against(
    kind: int, q: Floats, r: Floats, V: Floats, price: float, support: bool, x: Floats, worst: Floats
) -> float:
    """Smallest mixed value when a unit of divergence costs ``price``; the adversary's choice goes to ``worst``."""
    value = 0.0
    for a in range(q.shape[0]):
        if x[a] > _TINY:
            found, _ = _worst_case(kind, q[a], V, min(price / x[a], _HUGE * 1e150), support, worst[a])
            value += x[a] * (r[a] + found)
        else:
            total = q[a].sum()
            for i in range(q.shape[1]):
                worst[a, i] = q[a, i] / total
            if x[a] > 0.0:
                value += x[a] * (r[a] + V.min())
    return value


@kernel
def _plan_state(
    kind: int,
    constrained: bool,
    q: Floats,
    r: Floats,
    V: Floats,
    level: float,
    support: bool,
    order: npt.NDArray[np.int64],
    x: Floats,
    worst: Floats,
) -> tuple[float, float, float]:
    """Lower and upper bound on the value of one state, and the price; ``x`` and ``worst`` are written.

    q, worst : (A, S); r, x : (A,); V : (S,), increasing along ``order``; kind : 0, 1, 2 for TV, KL, chi2.
    """
    A, S = q.shape
    best, first = r[0], 0
    for a in range(A):
        x[a] = 0.0
        if r[a] > best:
            best, first = r[a], a
    bottom, spread = V[order[0]], V[order[S - 1]] - V[order[0]]
    if not spread > 0.0:
        x[first] = 1.0
        for a in range(A):
            total = q[a].sum()
            for i in range(S):
                worst[a, i] = q[a, i] / total
        return best + bottom, best + bottom, 0.0 if constrained else level
    w, u, c, p = np.empty((A, S)), np.empty(S), np.empty(A), np.empty((A, S))
    means, lowest = np.zeros(A), np.zeros(A, dtype=np.int64)
    for k in range(S):
        u[k] = (V[order[k]] - bottom) / spread
    for a in range(A):
        c[a] = (r[a] - best) / spread
        total = q[a].sum()
        seen = kind == _TV and not support
        for k in range(S):
            w[a, k] = q[a, order[k]] / total
            means[a] += w[a, k] * u[k]
            if not seen and w[a, k] > 0.0:
                lowest[a], seen = k, True
    low, high, vertex, nominal = -math.inf, -math.inf, 0, 0
    for a in range(A):
        if c[a] + u[lowest[a]] > low:
            low, vertex = c[a] + u[lowest[a]], a
        if c[a] + means[a] > high:
            high, nominal = c[a] + means[a], a
    scaled = level if constrained else level / spread
    before, after, rates = np.zeros(A), np.zeros(A), np.empty(A)
    trial = np.empty((A, S))
    p[:] = w
    price, steep, rate, eta = scaled, 0.0, 0.0, low
    while True:
        divergence, here = _all(kind, w, u, c, lowest, means, eta, rates, trial)
        if (divergence > scaled) if constrained else (scaled * here > 1.0):
            low, steep = eta, here
            before[:] = rates
        else:
            high, rate = eta, here
            after[:] = rates
            p[:] = trial
        eta = 0.5 * (low + high)
        if high - low <= _BRACKET * max(1.0, abs(high)) or not low < eta < high:
            break
    if steep <= 0.0:
        x[vertex] = 1.0
        if constrained:
            price = 0.0
        else:
            for a in range(A):
                if a != vertex:
                    x[a] = min(scaled * after[a], x[vertex])
                    x[vertex] -= x[a]
    elif constrained:
        if rate <= 0.0:
            rate = steep
            after[:] = before
        price = min(1.0 / max(rate, _TINY), _HUGE)
        for a in range(A):
            x[a] = after[a] / max(rate, _TINY)
    else:
        share = (1.0 / scaled - rate) / max(steep - rate, _TINY)
        share = min(max(share, 0.0), 1.0)
        total = 0.0
        for a in range(A):
            x[a] = share * before[a] + (1.0 - share) * after[a]
            total += x[a]
        for a in range(A):
            x[a] /= max(total, _TINY)
    if not x.sum() > 0.0:
        x[nominal] = 1.0
    divergence, upper = 0.0, -math.inf
    for a in range(A):
        divergence += _divergence(kind, p[a], w[a], 1.0)
    keep = scaled / divergence if constrained and divergence > scaled else 1.0
    for a in range(A):
        value = 0.0
        for k in range(S):
            p[a, k] = keep * p[a, k] + (1.0 - keep) * w[a, k]
            worst[a, order[k]] = p[a, k]
            value += p[a, k] * u[k]
        upper = max(upper, c[a] + value)
    if not constrained:
        upper += scaled * divergence
    price *= spread
    scratch = np.empty((A, S))
    lower = _against(kind, q, r, V, price, support, x, scratch)
    if constrained:
        lower -= price * level
    return lower, best + bottom + upper * spread, price


@kernel
def _evaluate_state(
    kind: int,
    constrained: bool,
    q: Floats,
    r: Floats,
    V: Floats,
    level: float,
    support: bool,
    x: Floats,
    worst: Floats,
) -> tuple[float, float, float]:
    """Lower and upper bound on the value of the mixture ``x`` in one state, and the price; ``worst`` is written.

    At a high enough price the adversary keeps to the budget, and the price that exhausts it is found by bisection.
    The adversary's choice jumps there for total variation: the two choices are mixed to spend the budget exactly.
    """
    A, S = q.shape
    trial, dear = np.empty((A, S)), np.empty((A, S))
    spread = V.max() - V.min()
    price = 0.0 if constrained else level
    low, high, lower, spent, frugal = -1.0, math.inf, -math.inf, 0.0, 0.0
    for _ in range(_MOST_STEPS):
        value = _against(kind, q, r, V, price, support, x, trial)
        here = 0.0
        for a in range(A):
            here += _divergence(kind, trial[a], q[a], q[a].sum())
        if low < 0.0 and (not constrained or here <= level or not spread > 0.0):
            worst[:] = trial
            return value, value, price
        lower = max(lower, value - price * level)
        if here > level:
            low, spent = price, here
            worst[:] = trial
        else:
            high, frugal = price, here
            dear[:] = trial
        if high < math.inf and (high - low <= _LAST_STEP * high or high < _TINY):
            break
        if high == math.inf:
            price = 8.0 * low if low > 0.0 else spread
            if price > _HUGE * max(spread, 1.0):
                for a in range(A):
                    total = q[a].sum()
                    for i in range(S):
                        dear[a, i] = q[a, i] / total
                high = price
                break
        else:
            price = math.sqrt(low) * math.sqrt(high) if low > 0.0 else 0.125 * high
    here = frugal
    share = (level - here) / (spent - here) if spent > here else 0.0
    share = min(max(share, 0.0), 1.0)
    upper = 0.0
    for a in range(A):
        value = 0.0
        for i in range(S):
            worst[a, i] = share * worst[a, i] + (1.0 - share) * dear[a, i]
            value += worst[a, i] * V[i]
        upper += x[a] * (r[a] + value)
    return lower, upper, high
