"""Kernels of lower-confidence-bound offline learning, shaped like the paper's pseudocode.

Arrays are indexed ``[s, a]``; a bandit has one state. `priority` ranks the
actions of a state for ties: the largest wins. Every function is pure and
writes only to the arguments named ``out``.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from ..._jit import kernel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@kernel
def _argmax(score: Any, priority: Any) -> int:
    """Index of the largest score; among equal scores, of the largest priority."""
    best = 0
    for a in range(1, score.shape[0]):
        if score[a] > score[best] or (score[a] == score[best] and priority[a] > priority[best]):
            best = a
    return best


@kernel
def _lcb_score(n: float, mean: float, width: float, cap: float, unseen: float) -> float:
    """Score of one pair: ``mean - min(width / sqrt(n), cap)``, or `unseen` where it was never played."""
    if n == 0.0:
        return unseen
    return mean - min(width / math.sqrt(n), cap)


@kernel
def _bandit_lcb(
    n: Floats, mean: Floats, width: float, cap: float, unseen: float, priority: Floats, out: Ints, out_lcb: Floats
) -> None:
    """CB-LCB (A4), and MAB-LCB (A1) for one context: in each context, the action of largest lower bound.

    n, mean, priority, out_lcb : (S, A); out : (S,). Where no action was played all scores are `unseen`
    and `priority` decides.
    """
    for s in range(n.shape[0]):
        for a in range(n.shape[1]):
            out_lcb[s, a] = _lcb_score(n[s, a], mean[s, a], width, cap, unseen)
        out[s] = _argmax(out_lcb[s], priority[s])


@kernel
def _most_played(n: Floats, priority: Floats, out: Ints) -> None:
    """A3 and A5: in each state the action with the largest count; n, priority (S, A), out (S,)."""
    for s in range(n.shape[0]):
        out[s] = _argmax(n[s], priority[s])


@kernel
def _penalty(n: float, variance: float, width: float, v_max: float, bernstein: bool, cap: float) -> float:
    """Penalty of one pair in A6: ``v_max * width / sqrt(max(n, 1))``, or the empirical Bernstein width.

    The Bernstein form of Maurer and Pontil (2009, Theorem 4) takes ``width**2`` for the logarithm and the sample
    variance of the backup target; with fewer than two samples it is infinite, hence the cap.
    """
    if not bernstein:
        return min(v_max * width / math.sqrt(max(n, 1.0)), cap)
    if n < 2.0:
        return cap
    log_term = width * width
    return min(math.sqrt(2.0 * variance * log_term / n) + 7.0 * v_max * log_term / (3.0 * (n - 1.0)), cap)


@kernel
def _vi_lcb(
    s: Ints,
    a: Ints,
    r: Floats,
    s_next: Ints,
    weight: Floats,
    start: Ints,
    stop: Ints,
    gamma: float,
    width: float,
    cap: float,
    bernstein: bool,
    monotone: bool,
    priority: Floats,
    n: Floats,
    total: Floats,
    square: Floats,
    V: Floats,
    policy: Ints,
    Q: Floats,
    b: Floats,
) -> None:
    """VI-LCB (A6) from the imitation policy in ``policy[0]``.

    s, a, r, s_next, weight : (rows,) distinct or repeated samples with their multiplicities; part t of the data,
    t = 1..T, is ``start[t-1]:stop[t-1]``. n, total, square : (S, A) workspaces. V : (T+1, S) with ``V[0] = 0``.
    policy : (T+1, S). Q, b : (K, S, A) keep the last K iterations, iteration t at ``(t-1) % K``.

    The empirical backup ``r_t + gamma P_t V_{t-1}`` is the mean of ``r + gamma V_{t-1}(s')`` over the samples of
    a pair; it is 0 where the pair was not sampled.
    """
    v_max = 1.0 / (1.0 - gamma)
    S, A = n.shape
    for t in range(1, V.shape[0]):
        slot = (t - 1) % Q.shape[0]
        n[:] = 0.0
        total[:] = 0.0
        square[:] = 0.0
        for i in range(start[t - 1], stop[t - 1]):
            target = r[i] + gamma * V[t - 1, s_next[i]]
            n[s[i], a[i]] += weight[i]
            total[s[i], a[i]] += weight[i] * target
            square[s[i], a[i]] += weight[i] * target * target
        for x in range(S):
            for u in range(A):
                count = max(n[x, u], 1.0)
                mean = total[x, u] / count
                variance = max(square[x, u] - count * mean * mean, 0.0) / max(count - 1.0, 1.0)
                b[slot, x, u] = _penalty(n[x, u], variance, width, v_max, bernstein, cap)
                Q[slot, x, u] = mean - b[slot, x, u]
            best = _argmax(Q[slot, x], priority[x])
            if monotone and Q[slot, x, best] <= V[t - 1, x]:
                V[t, x] = V[t - 1, x]
                policy[t, x] = policy[t - 1, x]
            else:
                V[t, x] = Q[slot, x, best]
                policy[t, x] = best
