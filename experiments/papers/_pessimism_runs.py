"""Monte-Carlo kernels of the pessimism-lcb studies: replicates drawn through counts, judged against the known model.

Counts of independent rows are multinomial, so a replicate costs the same at any N. The learners are the kernels behind
`tabular.learning.offline`; nothing is written twice.
"""

import math

import numpy as np
import numpy.typing as npt

from tabular._jit import kernel
from tabular.learning.offline._pessimism_kernels import _bandit_lcb, _most_played, _vi_lcb
from tabular.models import DiscountedMDP
from tabular.simulation.sampling import _multinomial

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@kernel
def _event_runs(
    N: int, mu: Floats, means: Floats, width: float, rng: np.random.Generator, out: Ints, out_gap: Floats,
    out_bound: Floats, out_ratio: Floats, scale: float, sign: float, priority: Floats,
) -> None:  # fmt: skip
    """Replicates of CB-LCB with penalty ``sign * scale`` Hoeffding widths and what the good event says about each.

    out[i]: 1 where some played pair misses its mean by more than the Hoeffding width (the event fails).
    On the event and over contexts whose best action was played: out_gap[i], out_bound[i] are the gap and (scale+1)
    h(a*)
    at the context of largest difference; out_ratio[i] the largest n(a*) / n(chosen) where the choice is wrong.
    """
    S, A = means.shape
    p = mu.ravel()
    tail, counts = np.empty(S * A), np.empty(S * A, dtype=np.int64)
    n, mean, lcb = np.empty((S, A)), np.empty((S, A)), np.empty((S, A))
    chosen = np.empty(S, dtype=np.int64)
    for i in range(out.shape[0]):
        _multinomial(N, p, rng, tail, counts)
        failed = 0
        for s in range(S):
            for a in range(A):
                m = counts[s * A + a]
                n[s, a] = m
                mean[s, a] = rng.binomial(m, means[s, a]) / m if m > 0 else 0.0
                if m > 0 and abs(mean[s, a] - means[s, a]) > width / math.sqrt(m):
                    failed = 1
        _bandit_lcb(n, mean, sign * scale * width, math.inf, -math.inf, priority, chosen, lcb)
        out[i] = failed
        out_gap[i], out_bound[i], out_ratio[i] = 0.0, 1.0, 0.0
        if failed:
            continue
        worst = -math.inf
        for s in range(S):
            best = 0
            for a in range(1, A):
                if means[s, a] > means[s, best]:
                    best = a
            if n[s, best] == 0.0:
                continue
            gap = means[s, best] - means[s, chosen[s]]
            bound = (scale + 1.0) * width / math.sqrt(n[s, best])
            if gap - bound > worst:
                worst = gap - bound
                out_gap[i], out_bound[i] = gap, bound
            if gap > 0.0:
                out_ratio[i] = max(out_ratio[i], n[s, best] / n[s, chosen[s]])


@kernel
def _policy_value(P: Floats, r: Floats, gamma: float, policy: Ints, work: Floats, out: Floats) -> None:
    """Value of a deterministic policy by elimination; ``I - gamma P`` is diagonally dominant.

    So no pivoting is needed.
    """
    S = P.shape[0]
    for s in range(S):
        for x in range(S):
            work[s, x] = (1.0 if s == x else 0.0) - gamma * P[s, policy[s], x]
        out[s] = r[s, policy[s]]
    for k in range(S):
        for i in range(k + 1, S):
            if work[i, k] != 0.0:
                factor = work[i, k] / work[k, k]
                for j in range(k, S):
                    work[i, j] -= factor * work[k, j]
                out[i] -= factor * out[k]
    for k in range(S - 1, -1, -1):
        for j in range(k + 1, S):
            out[k] -= work[k, j] * out[j]
        out[k] /= work[k, k]


@kernel
def _draw_parts(
    half: int, size: int, p: Floats, s: Ints, a: Ints, rng: np.random.Generator, tail: Floats, counts: Ints,
    first: Floats, weight: Floats,
) -> None:  # fmt: skip
    """Draw part 0 (counts of pairs, into `first`) and parts 1..T (multiplicities of the outcomes, part after part)."""
    K = p.shape[0]
    first[:] = 0.0
    _multinomial(half, p, rng, tail, counts)
    for k in range(K):
        first[s[k], a[k]] += counts[k]
    for t in range(weight.shape[0] // K):
        _multinomial(size, p, rng, tail, counts)
        for k in range(K):
            weight[t * K + k] = counts[k]


@kernel
def _vi_risks(
    half: int, size: int, p: Floats, s: Ints, a: Ints, r_seen: Floats, s_next: Ints, start: Ints, stop: Ints, P: Floats,
    r: Floats, gamma: float, mu0: Floats, optimal: float, width: float, rng: np.random.Generator, out: Floats,
) -> None:  # fmt: skip
    """Exact risk of VI-LCB (split, monotone), imitation of part 0, and imitation of everything.

    On ``out.shape[1]`` datasets.
    """
    S, A = r.shape
    T, K = start.shape[0], p.shape[0]
    tail, counts, weight = np.empty(K), np.empty(K, dtype=np.int64), np.empty(T * K)
    n, total, square, priority = np.empty((S, A)), np.empty((S, A)), np.empty((S, A)), np.empty((S, A))
    V, policy = np.zeros((T + 1, S)), np.zeros((T + 1, S), dtype=np.int64)
    Q, b = np.empty((1, S, A)), np.empty((1, S, A))
    work, value, whole = np.empty((S, S)), np.empty(S), np.empty(S, dtype=np.int64)
    for i in range(out.shape[1]):
        for x in range(S):
            for u in range(A):
                priority[x, u] = rng.random()
        _draw_parts(half, size, p, s[:K], a[:K], rng, tail, counts, n, weight)
        _most_played(n, priority, policy[0])
        for k in range(T * K):
            n[s[k], a[k]] += weight[k]
        _most_played(n, priority, whole)
        _vi_lcb(
            s, a, r_seen, s_next, weight, start, stop, gamma, width, math.inf, False, True, priority, n, total, square,
            V, policy, Q, b,
        )  # fmt: skip
        for j in range(3):
            _policy_value(P, r, gamma, policy[T] if j == 0 else (policy[0] if j == 1 else whole), work, value)
            out[j, i] = optimal
            for x in range(S):
                out[j, i] -= mu0[x] * value[x]


@kernel
def _vi_audit(
    P: Floats, r: Floats, gamma: float, mu0: Floats, best: Ints, v_star: Floats, V: Floats, policy: Ints, Q: Floats,
    b: Floats, out: Floats,
) -> None:  # fmt: skip
    """Hold a trace of VI-LCB against the truth.

    out[0] largest of |empirical - true backup| - b (the event holds iff <= 0); out[1..4] largest of V_{t-1} - V_t,
    V_t - V^{pi_t}, V^{pi_t} - V*, Q_t - true backup; out[5] risk of pi_T; out[6] gamma^T/(1-gamma); out[7] the
    penalty sum
    2 sum_i gamma^{T-i} E b_i(s_{T-i}, pi*(s_{T-i})); out[8] largest V_T.
    """
    S, A = r.shape
    T = Q.shape[0]
    work, value = np.empty((S, S)), np.empty(S)
    for j in range(9):
        out[j] = -math.inf
    for t in range(1, T + 1):
        _policy_value(P, r, gamma, policy[t], work, value)
        for x in range(S):
            out[1] = max(out[1], V[t - 1, x] - V[t, x])
            out[2] = max(out[2], V[t, x] - value[x])
            out[3] = max(out[3], value[x] - v_star[x])
            for u in range(A):
                truth = r[x, u]
                for y in range(S):
                    truth += gamma * P[x, u, y] * V[t - 1, y]
                out[0] = max(out[0], abs(Q[t - 1, x, u] + b[t - 1, x, u] - truth) - b[t - 1, x, u])
                out[4] = max(out[4], Q[t - 1, x, u] - truth)
    out[5], out[6], out[7] = 0.0, gamma**T / (1.0 - gamma), 0.0
    for x in range(S):
        out[5] += mu0[x] * (v_star[x] - value[x])
        out[8] = max(out[8], V[T, x])
    law, following, discount = mu0.copy(), np.empty(S), 1.0
    for step in range(T):
        following[:] = 0.0
        for x in range(S):
            out[7] += 2.0 * discount * law[x] * b[T - step - 1, x, best[x]]
            for y in range(S):
                following[y] += law[x] * P[x, best[x], y]
        law[:] = following
        discount *= gamma


@kernel
def _vi_audits(
    half: int, size: int, p: Floats, s: Ints, a: Ints, r_seen: Floats, s_next: Ints, start: Ints, stop: Ints, P: Floats,
    r: Floats, gamma: float, mu0: Floats, best: Ints, v_star: Floats, widths: Floats, monotone: bool,
    rng: np.random.Generator, out: Floats,
) -> None:  # fmt: skip
    """Audit VI-LCB at each width on the same datasets; out (runs, widths, 9). Without splitting.

    Pass one part T times.
    """
    S, A = r.shape
    T = start.shape[0]
    rows, K = stop[T - 1], p.shape[0]
    tail, counts, weight = np.empty(K), np.empty(K, dtype=np.int64), np.empty(rows)
    n, first, total, square = np.empty((S, A)), np.empty((S, A)), np.empty((S, A)), np.empty((S, A))
    priority = np.empty((S, A))
    V, policy = np.zeros((T + 1, S)), np.zeros((T + 1, S), dtype=np.int64)
    Q, b = np.empty((T, S, A)), np.empty((T, S, A))
    for i in range(out.shape[0]):
        for x in range(S):
            for u in range(A):
                priority[x, u] = rng.random()
        _draw_parts(half, size, p, s[:K], a[:K], rng, tail, counts, first, weight)
        for j in range(widths.shape[0]):
            _most_played(first, priority, policy[0])
            _vi_lcb(
                s, a, r_seen, s_next, weight, start, stop, gamma, widths[j], math.inf, False, monotone, priority, n,
                total, square, V, policy, Q, b,
            )  # fmt: skip
            _vi_audit(P, r, gamma, mu0, best, v_star, V, policy, Q, b, out[i, j])


def outcomes(mdp: DiscountedMDP, mu: Floats, noise: bool) -> tuple[Floats, Ints, Ints, Floats, Ints]:
    """Every row (s, a, r, s') that can occur, with its probability first; rewards are coins with `noise`.

    Else means.
    """
    p, s, a, r, s_next = [], [], [], [], []
    P = mdp.dense_P()
    for x in range(mdp.S):
        for u in range(mdp.A):
            mean = float(mdp.r[x, u])
            seen = ((1.0, mean), (0.0, 1.0 - mean)) if noise else ((mean, 1.0),)
            for y in range(mdp.S):
                for reward, chance in seen:
                    weight = mu[x, u] * P[x, u, y] * chance
                    if weight > 0.0:
                        p.append(weight)
                        s.append(x)
                        a.append(u)
                        r.append(reward)
                        s_next.append(y)
    law = np.array(p)
    return law / law.sum(), np.array(s), np.array(a), np.array(r), np.array(s_next)
