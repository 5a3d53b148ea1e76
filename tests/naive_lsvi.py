"""Least-squares value iteration in plain Python: the definition with its history, and its one-hot form in counts."""

import numpy as np


def draw(p, u):
    """First index whose cumulative probability exceeds ``u``."""
    total = 0.0
    for i, mass in enumerate(p):
        total += mass
        if u < total:
            return i
    return int(np.flatnonzero(p)[-1])


def play(mdp, policy, s, rng, noisy):
    """Transitions ``(h, s, a, r, s')`` of one episode."""
    rows = []
    for h in range(mdp.H):
        a = int(policy[h, s])
        r = mdp.r[h, s, a]
        if noisy:
            r = float(rng.random() < r)
        s_next = draw(mdp.P[h, s, a], rng.random())
        rows.append((h, s, a, r, s_next))
        s = s_next
    return rows


def lsvi(mdp, phi, K, beta, ridge, seed, noisy=False):
    """Algorithm 1 of Jin et al. (2020) as printed, but for the cap H - h; it goes through the whole history.

    Returns weights and Q of the last plan, and the policies of all episodes.
    """
    rng = np.random.default_rng(seed)
    S, A, d = phi.shape
    H = mdp.H
    history, policies = [], []
    for _ in range(K):
        start = draw(mdp.mu0, rng.random())
        Q = np.zeros((H + 1, S, A))
        w = np.zeros((H, d))
        for h in reversed(range(H)):
            gram, target = ridge * np.eye(d), np.zeros(d)
            for step, s, a, r, s_next in history:
                if step == h:
                    gram += np.outer(phi[s, a], phi[s, a])
                    target += phi[s, a] * (r + Q[h + 1, s_next].max())
            w[h] = np.linalg.solve(gram, target)
            inverse = np.linalg.inv(gram)
            for s in range(S):
                for a in range(A):
                    width = np.sqrt(phi[s, a] @ inverse @ phi[s, a])
                    Q[h, s, a] = min(phi[s, a] @ w[h] + beta * width, H - h)
        policies.append(Q[:H].argmax(axis=2))
        history += play(mdp, policies[-1], start, rng, noisy)
    return w, Q[:H], policies


def shrunken(mdp, K, beta, ridge, seed):
    """Optimistic value iteration on counts: means times n / (n + ridge), bonus beta / sqrt(n + ridge)."""
    rng = np.random.default_rng(seed)
    H, S, A = mdp.r.shape
    n = np.zeros((H, S, A))
    total = np.zeros((H, S, A))
    successors = np.zeros((H, S, A, S))
    policies = []
    for _ in range(K):
        start = draw(mdp.mu0, rng.random())
        Q, V = np.zeros((H, S, A)), np.zeros((H + 1, S))
        for h in reversed(range(H)):
            mean = (total[h] + successors[h] @ V[h + 1]) / np.maximum(n[h], 1)
            w = n[h] / (n[h] + ridge) * mean
            Q[h] = np.minimum(w + beta / np.sqrt(n[h] + ridge), H - h)
            V[h] = Q[h].max(axis=1)
        policies.append(Q.argmax(axis=2))
        for h, s, a, r, s_next in play(mdp, policies[-1], start, rng, False):
            n[h, s, a] += 1
            total[h, s, a] += r
            successors[h, s, a, s_next] += 1
    return Q, policies
