"""One step of s-rectangular robust dynamic programming: stochastic policies, certified state by state."""

from typing import Any

import numpy as np
import numpy.typing as npt

from ._robust_backup import Ambiguity, DualStep, rounding
from ._robust_s_kernels import _evaluate_state, _plan_state

__all__ = ["s_backup"]

Array = npt.NDArray[np.float64]


def s_backup(
    P: Array, r: Array, V: Array, nature: Ambiguity, levels: Array, policy: npt.NDArray[Any] | None, error: float
) -> DualStep:
    """Robust values of every state, of the best mixture of actions or of a given one.

    P, r : (S, A, S) and (S, A); V, levels : (S,); policy : None, (S,) or (S, A); error : of ``V``.
    """
    S, A = r.shape
    x, worst = np.zeros((S, A)), np.empty((S, A, S))
    lower, upper, price = np.empty(S), np.empty(S), np.empty(S)
    if policy is not None and policy.ndim == 1:
        x[np.arange(S), policy] = 1.0
    elif policy is not None:
        x[:] = policy
    given, order = policy is not None, np.argsort(V, kind="stable")
    kind, constrained, support = nature.kind % 3, nature.name == "radius", nature.support
    for s in range(S):
        level = float(levels[s])
        if given:
            lower[s], upper[s], price[s] = _evaluate_state(
                kind, constrained, P[s], r[s], V, level, support, x[s], worst[s]
            )
        else:
            lower[s], upper[s], price[s] = _plan_state(
                kind, constrained, P[s], r[s], V, level, support, order, x[s], worst[s]
            )
    Q = r + (worst * V).sum(axis=-1)
    gap = 0.5 * max(float((upper - lower).max()), 0.0)
    total = error * (1.0 + 2e-8 * given) + gap + A * rounding(S, A, V, Q, r)
    return DualStep(0.5 * lower + 0.5 * upper, Q, x, worst, total, price)
