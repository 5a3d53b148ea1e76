"""UCBVI and BPI-UCBVI from their definitions, with plain loops over dense tables; nothing is cached."""

import math

import numpy as np


def draw(p, u):
    """First index whose cumulative probability exceeds ``u``."""
    total = 0.0
    for i, mass in enumerate(p):
        total += mass
        if u < total:
            return i
    return int(np.flatnonzero(p)[-1])


def value(mdp, policy):
    """Value of a deterministic policy (H, S)."""
    V = np.zeros(mdp.S)
    for h in reversed(range(mdp.H)):
        V = np.array([mdp.r[h, s, policy[h, s]] + mdp.P[h, s, policy[h, s]] @ V for s in range(mdp.S)])
    return float(mdp.mu0 @ V)


def play(mdp, policy, noisy, rng):
    """One episode as rows (h, s, a, r, s')."""
    rows, s = [], draw(mdp.mu0, rng.random())
    for h in range(mdp.H):
        a = int(policy[h, s])
        reward = mdp.r[h, s, a]
        if noisy:
            reward = 1.0 if rng.random() < reward else 0.0
        s_next = draw(mdp.P[h, s, a], rng.random())
        rows.append((h, s, a, reward, s_next))
        s = s_next
    return rows


def first_best(row):
    """Smallest index of the largest entry."""
    row = list(row)
    return row.index(max(row))


def ucbvi_plan(Q_before, rows, r, K, delta, variant, scale=1.0, bonus=True, known=True, apart=False, thin=1):
    """Azar et al. (2017), Algorithms 2 to 4, from all transitions ``rows`` so far: Q (H, S, A) and greedy policy.

    ``thin`` divides the numerator of the last term of BF, which otherwise matters after millions of episodes only.
    """
    H, S, A = Q_before.shape
    T = K * H
    L = math.log(5 * S * A * T / delta)
    Q, V, policy = np.zeros((H, S, A)), np.zeros((H + 1, S)), np.zeros((H, S), dtype=int)
    arrived = np.zeros((H + 1, S))
    for h, _, _, _, s_next in rows:
        arrived[h + 1, s_next] += 1
    for h in reversed(range(H)):
        N, M, earned = np.zeros((S, A)), np.zeros((S, A, S)), np.zeros((S, A))
        for g, s, a, reward, s_next in rows:
            if not apart or g == h:
                N[s, a] += 1
                M[s, a, s_next] += 1
                earned[s, a] += reward
        crowd = 10_000 * H ** (4 if apart else 3) * S**2 * A * L**2 / thin
        share = np.array([min(crowd / N_y, H**2) if N_y else H**2 for N_y in arrived[h + 1]])
        for s in range(S):
            for a in range(A):
                n = N[s, a]
                reward = r[h, s, a] if known else earned[s, a] / max(n, 1)
                if not known and bonus:
                    reward = min(1.0, reward + scale * math.sqrt(L / (2 * n))) if n else 1.0
                p = M[s, a] / max(n, 1)
                if bonus and n == 0:
                    Q[h, s, a] = min(Q_before[h, s, a], H - h)
                    continue
                b = 0.0
                if bonus and variant == "ch":
                    b = scale * 7 * H * L / math.sqrt(n)
                elif bonus:
                    variance = p @ (V[h + 1] - p @ V[h + 1]) ** 2
                    b = math.sqrt(8 * L * variance / n) + 14 * H * L / (3 * n) + math.sqrt(8 / n * (p @ share))
                    b *= scale
                Q[h, s, a] = min(H - h, reward + p @ V[h + 1] + b)
                if bonus:
                    Q[h, s, a] = min(Q[h, s, a], Q_before[h, s, a])
            policy[h, s] = first_best(Q[h, s])
            V[h, s] = max(Q[h, s])
    return Q, policy


def ucbvi(mdp, K, delta, variant, rng, *, noisy=False, **options):
    """Values of the executed policies, all Q tables and all policies."""
    Q = np.tile(np.arange(mdp.H, 0, -1.0)[:, None, None], (1, mdp.S, mdp.A))
    rows, values, tables, policies = [], [], [], []
    for _ in range(K):
        Q, policy = ucbvi_plan(Q, rows, mdp.r, K, delta, variant, **options)
        tables.append(Q)
        policies.append(policy)
        values.append(value(mdp, policy))
        rows += play(mdp, policy, noisy, rng)
    return np.array(values), tables, policies


def bpi_plan(rows, r, delta, scale=1.0, gap_scale=1.0):
    """Upper and lower Q (H, S, A), the policy (H, S), and the gaps (H, S) of its actions."""
    H, S, A = r.shape
    upper, lower, policy = np.zeros((H, S, A)), np.zeros((H, S, A)), np.zeros((H, S), dtype=int)
    U, low, G = np.zeros((H + 1, S)), np.zeros((H + 1, S)), np.zeros((H + 1, S))
    for h in reversed(range(H)):
        for s in range(S):
            gaps = []
            for a in range(A):
                seen = [s_next for g, x, b, _, s_next in rows if (g, x, b) == (h, s, a)]
                n = len(seen)
                if n == 0:
                    upper[h, s, a], lower[h, s, a] = H - h, 0.0
                    gaps.append(H)
                    continue
                p = np.bincount(seen, minlength=S) / n
                beta = math.log(3 * S * A * H / delta) + S * math.log(8 * math.e * (n + 1))
                beta_star = math.log(3 * S * A * H / delta) + math.log(8 * math.e * (n + 1))
                variance = p @ (U[h + 1] - p @ U[h + 1]) ** 2
                w = scale * (3 * math.sqrt(variance * beta_star / n) + 14 * H**2 * beta / n)
                w += p @ (U[h + 1] - low[h + 1]) / H
                upper[h, s, a] = np.clip(r[h, s, a] + p @ U[h + 1] + w, 0, H - h)
                lower[h, s, a] = np.clip(r[h, s, a] + p @ low[h + 1] - w, 0, H - h)
                gap = gap_scale * (6 * math.sqrt(variance * beta_star / n) + 36 * H**2 * beta / n)
                gaps.append(np.clip(gap + (1 + 3 / H) * (p @ G[h + 1]), 0, H))
            policy[h, s] = first_best(upper[h, s])
            U[h, s], low[h, s], G[h, s] = max(upper[h, s]), max(lower[h, s]), gaps[policy[h, s]]
    return upper, lower, policy, G[:H]


def bpi_ucbvi(mdp, K, eps, delta, rng, **options):
    """Values of the executed policies, the gaps before each episode and after the last, and the last plan."""
    rows, values, gaps = [], [], []
    while True:
        plan = bpi_plan(rows, mdp.r, delta, **options)
        gaps.append(float(mdp.mu0 @ plan[3][0]))
        if gaps[-1] <= eps or len(values) == K:
            return np.array(values), np.array(gaps), plan
        values.append(value(mdp, plan[2]))
        rows += play(mdp, plan[2], False, rng)
