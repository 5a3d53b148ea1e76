"""Counts of visits and transitions, in rows as long as the number of successors seen."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..._jit import kernel

__all__ = ["Counts", "empty_counts"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Counts(NamedTuple):
    """What was seen of the transitions, with one table for all steps (T = 1) or one for each (T = H).

    Entry ``(t, s, a, i)``, ``i < degree[t, s, a]``, is the i-th distinct successor in the order of first
    appearance. The empirical transition row is ``weight / n`` at these.
    """

    n: Floats  # (T, S, A) visits
    degree: Ints  # (T, S, A) distinct successors seen
    successor: Ints  # (T, S, A, S)
    weight: Floats  # (T, S, A, S) visits of each


def empty_counts(T: int, S: int, A: int) -> Counts:
    """Return counts of nothing."""
    shape = (T, S, A)
    return Counts(
        np.zeros(shape), np.zeros(shape, dtype=np.int64), np.zeros((*shape, S), dtype=np.int64), np.zeros((*shape, S))
    )


@kernel
def _record(counts: Counts, h: int, s: int, a: int, s_next: int) -> None:
    """Count one transition at step ``h``."""
    t = h % counts.n.shape[0]
    counts.n[t, s, a] += 1.0
    degree = counts.degree[t, s, a]
    for i in range(degree):
        if counts.successor[t, s, a, i] == s_next:
            counts.weight[t, s, a, i] += 1.0
            return
    counts.successor[t, s, a, degree] = s_next
    counts.weight[t, s, a, degree] = 1.0
    counts.degree[t, s, a] = degree + 1


@kernel
def _mean_ahead(counts: Counts, h: int, s: int, a: int, V: Floats) -> float:
    """Empirical mean of ``V`` (S,) at the successor of ``(h, s, a)``; 0 where nothing was seen."""
    t = h % counts.n.shape[0]
    total = 0.0
    for i in range(counts.degree[t, s, a]):
        total += counts.weight[t, s, a, i] * V[counts.successor[t, s, a, i]]
    return total / max(counts.n[t, s, a], 1.0)


@kernel
def _variance_ahead(counts: Counts, h: int, s: int, a: int, V: Floats, mean: float) -> float:
    """Empirical variance (divided by n) of ``V`` at the successor, around its empirical ``mean``."""
    t = h % counts.n.shape[0]
    total = 0.0
    for i in range(counts.degree[t, s, a]):
        gap = V[counts.successor[t, s, a, i]] - mean
        total += counts.weight[t, s, a, i] * gap * gap
    return total / max(counts.n[t, s, a], 1.0)
