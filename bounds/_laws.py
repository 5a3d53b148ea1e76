"""Exact probabilities of events under the binomial law, the multinomial law and the Bernoulli random walk.

All sums have positive terms, so that nothing cancels. With u = 2^-53 the relative error is at most
12 n u for a binomial probability or a sum of them (1.4e-12 at n = 1000), 8 n u for a multinomial event and
4 n u for the exit of a walk, plus an absolute 1e-300 for underflow. (A weight is reached from the mode by at most n
multiplications, each with at most 5 roundings; the total adds n roundings, and the division one.)
"""

import numpy as np
import numpy.typing as npt

from tabular._jit import kernel

__all__ = [
    "_binomial_row",
    "_exit_probability",
    "_failures",
    "_kl",
    "_kl_barrier",
    "_kl_limits",
    "_multinomial_failure",
    "_suprema",
    "_tables",
]

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@kernel
def _binomial_row(n: int, p: float, row: Array) -> None:
    """row[k] = P(Bin(n, p) = k), k = 0..n: ratios outward from the mode, then normalised."""
    if p <= 0.0 or p >= 1.0:
        for k in range(n + 1):
            row[k] = 0.0
        row[0 if p <= 0.0 else n] = 1.0
        return
    mode = min(n, int((n + 1) * p))
    odds = p / (1.0 - p)
    row[mode] = 1.0
    for k in range(mode, n):
        row[k + 1] = row[k] * ((n - k) * odds / (k + 1))
    for k in range(mode, 0, -1):
        row[k - 1] = row[k] * (k / ((n - k + 1) * odds))
    below, above = 0.0, 0.0
    for k in range(mode):
        below += row[k]
    for k in range(n, mode - 1, -1):
        above += row[k]
    total = below + above
    for k in range(n + 1):
        row[k] /= total


@kernel
def _failures(n: int, limits: Array, p: Array, row: Array, out: Array) -> None:
    """out[i] = P(limits[K] < p[i]) for K ~ Bin(n, p[i]); limits has n+1 entries, row is workspace."""
    for i in range(p.shape[0]):
        _binomial_row(n, p[i], row)
        total = 0.0
        for k in range(n + 1):
            if limits[k] < p[i]:
                total += row[k]
        out[i] = total


@kernel
def _suprema(n: int, limits: Array, row: Array, out: Array) -> None:
    """out[k] = limit from the right of P(limits[K] < p) at p = limits[k]; 0 where limits[k] >= 1."""
    for i in range(n + 1):
        out[i] = 0.0
        if limits[i] < 1.0:
            _binomial_row(n, max(limits[i], 0.0), row)
            total = 0.0
            for k in range(n + 1):
                if limits[k] <= limits[i]:
                    total += row[k]
            out[i] = total


@kernel
def _kl(x: float, y: float) -> float:
    """Divergence between Bernoulli(x) and Bernoulli(y); inf where it is infinite."""
    total = 0.0
    if x > 0.0:
        if y <= 0.0:
            return np.inf
        total += x * np.log(x / y)
    if x < 1.0:
        if y >= 1.0:
            return np.inf
        total += (1.0 - x) * np.log((1.0 - x) / (1.0 - y))
    return max(total, 0.0)


@kernel
def _kl_limits(n: int, level: float, out: Array) -> None:
    """out[k] = largest y with kl(k/n, y) <= level, k = 0..n-1; out[n] = inf (no y exceeds 1)."""
    for k in range(n):
        x = k / n
        low, high = x, 1.0
        for _ in range(200):
            middle = 0.5 * (low + high)
            if middle <= low or middle >= high:
                break
            if _kl(x, middle) <= level:
                low = middle
            else:
                high = middle
        out[k] = low
    out[n] = np.inf


@kernel
def _kl_barrier(p: float, level: float, low: Integers) -> None:
    """low[s-1] = number of outcomes k < s p with s kl(k/s, p) > level, s = 1..n; they are the smallest ones."""
    k = 0
    for s in range(1, low.shape[0] + 1):
        while k < s * p and s * _kl(k / s, p) > level:
            k += 1
        low[s - 1] = k


@kernel
def _exit_probability(p: float, low: Integers, high: Integers, alive: Array) -> float:
    """P(K_s < low[s-1] or K_s > high[s-1] for some s <= n), K_s a sum of s Bernoulli(p) draws; alive: (n+1,)."""
    n = low.shape[0]
    alive[:] = 0.0
    alive[0] = 1.0
    gone = 0.0
    for s in range(1, n + 1):
        for k in range(s, 0, -1):
            alive[k] = alive[k] * (1.0 - p) + alive[k - 1] * p
        alive[0] *= 1.0 - p
        for k in range(min(low[s - 1], s + 1)):
            gone += alive[k]
            alive[k] = 0.0
        for k in range(max(high[s - 1] + 1, 0), s + 1):
            gone += alive[k]
            alive[k] = 0.0
    return gone


@kernel
def _tables(n: int, P: Array, out: Array) -> None:
    """out[i, k] proportional to P[i]^k / k!, scaled to 1 at its mode, k = 0..n."""
    for i in range(P.shape[0]):
        mean = n * P[i]
        mode = min(n, int(mean))
        out[i, mode] = 1.0
        for k in range(mode, n):
            out[i, k + 1] = out[i, k] * (mean / (k + 1))
        for k in range(mode, 0, -1):
            out[i, k - 1] = out[i, k] * (k / mean)


@kernel
def _multinomial_failure(
    n: int, P: Array, eps: float, tables: Array, counts: Integers, left: Integers, weight: Array, distance: Array
) -> float:
    """P(sum_i |N_i/n - P[i]| >= eps) for N ~ Multinomial(n, P), over all outcomes; the last four are workspace (S,)."""
    S = P.shape[0]
    total, total_rest, failed, failed_rest = 0.0, 0.0, 0.0, 0.0
    counts[:] = -1
    left[0], weight[0], distance[0] = n, 1.0, 0.0
    i = 0
    while i >= 0:
        if i == S - 1:
            k = left[i]
            w = weight[i] * tables[i, k]
            y = w - total_rest
            t = total + y
            total_rest = (t - total) - y
            total = t
            if distance[i] + abs(k / n - P[i]) >= eps:
                y = w - failed_rest
                t = failed + y
                failed_rest = (t - failed) - y
                failed = t
            i -= 1
            continue
        counts[i] += 1
        k = counts[i]
        if k > left[i]:
            counts[i] = -1
            i -= 1
            continue
        left[i + 1] = left[i] - k
        weight[i + 1] = weight[i] * tables[i, k]
        distance[i + 1] = distance[i] + abs(k / n - P[i])
        i += 1
    return failed / total
