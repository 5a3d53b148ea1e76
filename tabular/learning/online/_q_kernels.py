"""Kernels of Q-learning, shaped like the pseudocode of Jin et al. (2018), Algorithms 1 and 2."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..._jit import kernel
from ._played import _best

__all__ = ["QRule", "QTables", "q_tables"]

Floats = npt.NDArray[np.float64]


class QTables(NamedTuple):
    """What Q-learning remembers."""

    Q: Floats  # (H, S, A)
    V: Floats  # (H + 1, S), V[H] = 0
    ceiling: Floats  # (H,) largest V of each step
    n: Floats  # (H, S, A) visits
    mean: Floats  # (H, S, A) mean of V[h + 1] at the successors, each as it was at its visit
    square: Floats  # (H, S, A) sum of squared deviations from that mean
    beta: Floats  # (H, S, A) beta of the last visit


class QRule(NamedTuple):
    """How Q-learning updates; every bonus 0 is plain Q-learning.

    ``hoeffding`` is the factor of 1/sqrt(t): in UCB-H the bonus itself, in UCB-B the cap of beta, whose other branch is
    ``deviation * sqrt((W + H) / t) + lower / t``.
    """

    harmonic: bool
    bernstein: bool
    hoeffding: float
    deviation: float
    lower: float


def q_tables(S: int, A: int, H: int, start: Floats, ceiling: Floats) -> QTables:
    """Return tables with ``Q[h] = V[h] = start[h]``; start and ceiling (H,)."""
    shape = (H, S, A)
    Q, V = np.empty(shape), np.zeros((H + 1, S))
    Q[:], V[:H] = start[:, None, None], start[:, None]
    return QTables(Q, V, ceiling, np.zeros(shape), np.zeros(shape), np.zeros(shape), np.zeros(shape))


@kernel
def _step_size(H: int, t: float, harmonic: bool) -> float:
    """Weight of the t-th sample, t >= 1: (H+1)/(H+t), or 1/t."""
    if harmonic:
        return 1.0 / t
    return (H + 1.0) / (H + t)


@kernel
def _bonus(tables: QTables, rule: QRule, h: int, s: int, a: int, t: float, alpha: float) -> float:
    """Bonus of the t-th visit, whose successor is already in ``mean`` and ``square``; updates ``beta``."""
    hoeffding = rule.hoeffding / math.sqrt(t)
    if not rule.bernstein:
        return hoeffding
    variance = tables.square[h, s, a] / t
    first = rule.deviation * math.sqrt((variance + tables.Q.shape[0]) / t) + rule.lower / t
    beta = min(first, hoeffding)
    bonus = (beta - (1.0 - alpha) * tables.beta[h, s, a]) / (2.0 * alpha)
    tables.beta[h, s, a] = beta
    return bonus


@kernel
def _q_update(tables: QTables, rule: QRule, h: int, s: int, a: int, reward: float, s_next: int) -> None:
    """Learn from one transition."""
    H = tables.Q.shape[0]
    ahead = tables.V[h + 1, s_next]
    tables.n[h, s, a] += 1.0
    t = tables.n[h, s, a]
    gap = ahead - tables.mean[h, s, a]
    tables.mean[h, s, a] += gap / t
    tables.square[h, s, a] += gap * (ahead - tables.mean[h, s, a])
    alpha = _step_size(H, t, rule.harmonic)
    target = reward + ahead + _bonus(tables, rule, h, s, a, t, alpha)
    tables.Q[h, s, a] = (1.0 - alpha) * tables.Q[h, s, a] + alpha * target
    tables.V[h, s] = min(tables.ceiling[h], tables.Q[h, s, _best(tables.Q[h, s])])
