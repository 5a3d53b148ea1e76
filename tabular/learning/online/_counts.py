"""Counts of visits and transitions: sparse rows, the same as dense columns, and expectations over either.

In these and the other kernels of a learner's inner loop nothing can raise: divisions are by ``max(n, 1)``, and the
table of a step is ``min(h, T - 1)`` rather than a remainder. Arrays are taken out of their tuples once, before a loop.
Compiled code otherwise counts references inside it, which costs more than the arithmetic (measured).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..._jit import kernel

__all__ = ["Counts", "counts_of", "empty_counts"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: A dense column costs about a sixth as much an entry as a sparse row (measured), but has an entry for every state.
_DENSE_ADVANTAGE = 6


class Counts(NamedTuple):
    """What was seen of the transitions, with one table for all steps (T = 1) or one for each (T = H).

    Entry ``(t, s, a, i)``, ``i < degree[t, s, a]``, is the i-th distinct successor, in increasing order. The
    empirical transition row is ``weight / n`` at these.
    """

    n: Floats  # (T, S, A) visits
    degree: Ints  # (T, S, A) distinct successors seen
    successor: Ints  # (T, S, A, S)
    weight: Floats  # (T, S, A, S) visits of each
    column: Floats  # (T, S, S * A) the same by successor: column[t, s_next, s * A + a]
    distinct: Ints  # (T,) sum of degree


def empty_counts(T: int, S: int, A: int) -> Counts:
    """Return counts of nothing."""
    shape = (T, S, A)
    return Counts(
        n=np.zeros(shape),
        degree=np.zeros(shape, dtype=np.int64),
        successor=np.zeros((*shape, S), dtype=np.int64),
        weight=np.zeros((*shape, S)),
        column=np.zeros((T, S, S * A)),
        distinct=np.zeros(T, dtype=np.int64),
    )


def counts_of(transitions: npt.ArrayLike) -> Counts:
    """Return the counts with ``transitions`` (T, S, A, S) visits of each successor."""
    seen = np.array(transitions, dtype=np.float64)
    T, S, A, _ = seen.shape
    order = np.argsort(seen == 0.0, axis=-1, kind="stable")
    degree = np.count_nonzero(seen, axis=-1)
    return Counts(
        n=seen.sum(axis=-1),
        degree=degree,
        successor=np.where(np.arange(S) < degree[..., None], order, 0),
        weight=np.take_along_axis(seen, order, axis=-1),
        column=np.ascontiguousarray(np.moveaxis(seen.reshape(T, S * A, S), -1, 1)),
        distinct=degree.sum(axis=(1, 2)),
    )


@kernel
def _record(counts: Counts, h: int, s: int, a: int, s_next: int) -> None:
    """Count one transition at step ``h``."""
    t = min(h, counts.n.shape[0] - 1)
    counts.n[t, s, a] += 1.0
    counts.column[t, s_next, s * counts.n.shape[2] + a] += 1.0
    degree = counts.degree[t, s, a]
    i = 0
    while i < degree and counts.successor[t, s, a, i] < s_next:
        i += 1
    if i < degree and counts.successor[t, s, a, i] == s_next:
        counts.weight[t, s, a, i] += 1.0
        return
    for j in range(degree, i, -1):
        counts.successor[t, s, a, j] = counts.successor[t, s, a, j - 1]
        counts.weight[t, s, a, j] = counts.weight[t, s, a, j - 1]
    counts.successor[t, s, a, i] = s_next
    counts.weight[t, s, a, i] = 1.0
    counts.degree[t, s, a] = degree + 1
    counts.distinct[t] += 1


@kernel
def _mean_ahead(counts: Counts, h: int, s: int, a: int, V: Floats) -> float:
    """Empirical mean of ``V`` (S,) at the successor of ``(h, s, a)``; 0 where nothing was seen."""
    t = min(h, counts.n.shape[0] - 1)
    total = 0.0
    for i in range(counts.degree[t, s, a]):
        total += counts.weight[t, s, a, i] * V[counts.successor[t, s, a, i]]
    return total / max(counts.n[t, s, a], 1.0)


@kernel
def _is_dense(counts: Counts, t: int) -> bool:
    """Whether the columns of table ``t`` are cheaper to read than its rows."""
    return bool(counts.distinct[t] * _DENSE_ADVANTAGE > counts.column.shape[1] * counts.column.shape[2])


@kernel
def _dense_means(column: Floats, n: Floats, t: int, V: Floats, h: int, mean: Floats) -> None:
    """Fill ``mean`` (S * A,) with the empirical means of ``V[h]`` from columns: their sum, in order; vectorises.

    column : (T, S, S * A); n : (T, S * A).
    """
    for i in range(mean.shape[0]):
        mean[i] = 0.0
    for j in range(V.shape[1]):
        v = V[h, j]
        if v != 0.0:  # as in all of V[H]
            for i in range(mean.shape[0]):
                mean[i] += column[t, j, i] * v
    for i in range(mean.shape[0]):
        mean[i] /= max(n[t, i], 1.0)


@kernel
def _sparse_means(
    degree: Ints, successor: Ints, weight: Floats, n: Floats, t: int, V: Floats, h: int, mean: Floats
) -> None:
    """Fill ``mean`` as `_dense_means` does, bitwise the same, from rows.

    degree, n : (T, S * A); successor, weight : (T, S * A, S).
    """
    for x in range(mean.shape[0]):
        total = 0.0
        for i in range(degree[t, x]):
            total += weight[t, x, i] * V[h, successor[t, x, i]]
        mean[x] = total / max(n[t, x], 1.0)


@kernel
def _dense_variances(column: Floats, n: Floats, t: int, V: Floats, h: int, mean: Floats, variance: Floats) -> None:
    """Fill ``variance`` (S * A,) with those of ``V[h]`` around ``mean``, from columns; shapes as in `_dense_means`."""
    for i in range(mean.shape[0]):
        variance[i] = 0.0
    for j in range(V.shape[1]):
        v = V[h, j]
        for i in range(mean.shape[0]):
            gap = v - mean[i]
            variance[i] += column[t, j, i] * (gap * gap)
    for i in range(mean.shape[0]):
        variance[i] /= max(n[t, i], 1.0)


@kernel
def _sparse_variances(
    degree: Ints, successor: Ints, weight: Floats, n: Floats, t: int, V: Floats, h: int, mean: Floats, variance: Floats
) -> None:
    """Fill ``variance`` as `_dense_variances` does, bitwise the same, from rows."""
    for x in range(mean.shape[0]):
        total = 0.0
        for i in range(degree[t, x]):
            gap = V[h, successor[t, x, i]] - mean[x]
            total += weight[t, x, i] * (gap * gap)
        variance[x] = total / max(n[t, x], 1.0)
