"""Learners that act, from their definitions in plain Python: everything is computed anew from the whole history."""

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


def first_best(row):
    """Smallest index of the largest entry."""
    row = list(row)
    return row.index(max(row))


def value(mdp, policy):
    """Value of a policy (H, S) or (H, S, A) from the initial distribution, by matrices."""
    pi = policy if np.ndim(policy) == 3 else np.eye(mdp.A)[np.asarray(policy)]
    V = np.zeros(mdp.S)
    for h in reversed(range(mdp.H)):
        V = (pi[h] * (mdp.r[h] + mdp.P[h] @ V)).sum(axis=1)
    return float(mdp.mu0 @ V)


def play(mdp, policy, rng, noisy, plan=None, learn=None):
    """One episode as rows ``(h, s, a, r, s')``.

    ``policy`` is deterministic or stochastic; ``plan()`` makes it once the first state is drawn, ``learn(row)`` is
    called after each step.
    """
    s = draw(mdp.mu0, rng.random())
    if plan is not None:
        policy = plan()
    rows = []
    for h in range(mdp.H):
        a = int(policy[h][s]) if np.ndim(policy) == 2 else draw(policy[h][s], rng.random())
        r = mdp.r[h, s, a]
        if noisy:
            r = float(rng.random() < r)
        rows.append((h, s, a, float(r), draw(mdp.P[h, s, a], rng.random())))
        if learn is not None:
            learn(rows[-1])
        s = rows[-1][4]
    return policy, rows


def weights(H, t, harmonic):
    """Weights of samples 1..t, each the product of its step and of one minus the later ones."""
    steps = [1 / i if harmonic else (H + 1) / (H + i) for i in range(1, t + 1)]
    return [steps[i] * math.prod(1 - later for later in steps[i + 1 :]) for i in range(t)]


def hoeffding_bonus(H, iota, c):
    """Bonuses of UCB-H for the visits whose successors had the values ``ahead``."""
    return lambda ahead, harmonic: [c * math.sqrt(H**3 * iota / t) for t in range(1, len(ahead) + 1)]


def bernstein_bonus(S, A, H, iota, c1, c2):
    """Bonuses of UCB-B, from the variance of the first t values, t = 1, 2, ..."""

    def bonus(ahead, harmonic):
        betas, result = [0.0], []
        for t in range(1, len(ahead) + 1):
            W = float(np.var(ahead[:t]))
            first = c1 * (math.sqrt(H / t * (W + H) * iota) + math.sqrt(H**7 * S * A) * iota / t)
            betas.append(min(first, c2 * math.sqrt(H**3 * iota / t)))
            alpha = 1 / t if harmonic else (H + 1) / (H + t)
            result.append((betas[t] - (1 - alpha) * betas[t - 1]) / (2 * alpha))
        return result

    return bonus


def q_learning(mdp, K, bonus, seed, start, ceiling, harmonic=False, noisy=False, epsilon=None):
    """Policies and tables of K episodes; Q is the weighted sum of its targets, ``start[h]`` where there are none.

    With ``epsilon`` the policy is epsilon-greedy instead of greedy.
    """
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
    H, S, A = mdp.r.shape
    seen = {(h, s, a): [] for h in range(H) for s in range(S) for a in range(A)}
    Q = [[[start[h]] * A for _ in range(S)] for h in range(H)]
    V = [[start[h]] * S for h in range(H)] + [[0.0] * S]

    def learn(row):
        h, s, a, r, s_next = row
        seen[h, s, a].append((r, V[h + 1][s_next]))
        ahead = [v for _, v in seen[h, s, a]]
        targets = [r + v + b for (r, v), b in zip(seen[h, s, a], bonus(ahead, harmonic), strict=True)]
        Q[h][s][a] = sum(w * y for w, y in zip(weights(H, len(targets), harmonic), targets, strict=True))
        V[h][s] = min(ceiling[h], max(Q[h][s]))

    policies, tables = [], []
    for _ in range(K):
        tables.append(np.array(Q))
        policy = [[first_best(row) for row in step] for step in Q]
        if epsilon is not None:
            policy = dithered(np.array(Q), epsilon, spread=False)
        policies.append(np.array(policy))
        play(mdp, policies[-1], rng, noisy, learn=learn)
    return policies, tables


def dithered(Q, epsilon, spread):
    """Epsilon-greedy policy of ``Q`` (H, S, A)."""
    A = Q.shape[-1]
    policy = np.full(Q.shape, epsilon / A)
    for index in np.ndindex(Q.shape[:-1]):
        best = np.flatnonzero(Q[index] == Q[index].max())
        chosen = best if spread else best[:1]
        policy[index][chosen] += (1 - epsilon) / len(chosen)
    return policy


def tally(mdp, history, T):
    """Counts ``N[t][s][a][s']`` and sums of rewards, with one table for all steps or one a step."""
    N, total = np.zeros((T, mdp.S, mdp.A, mdp.S)), np.zeros((T, mdp.S, mdp.A))
    for h, s, a, r, s_next in history:
        N[h % T, s, a, s_next] += 1
        total[h % T, s, a] += r
    return N, total


def dirichlet(alpha, rng):
    """One draw: normalised gamma variates, those below 1 by Gamma(a) = Gamma(a + 1) U^(1/a)."""
    gammas = []
    for a in alpha:
        if a < 1:
            power = (1 - rng.random()) ** (1 / a)
            gammas.append(rng.standard_gamma(a + 1) * power)
        else:
            gammas.append(rng.standard_gamma(a))
    return np.array(gammas) / sum(gammas)


def psrl(mdp, K, seed, prior, T, known=True, noisy=False, mean=False):
    """Policies of K episodes."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
    H, S, A = mdp.r.shape
    history, policies = [], []

    def plan():
        N, total = tally(mdp, history, T)
        r = np.array(mdp.r)
        if not known:
            sampled = np.empty((T, S, A))
            for index in np.ndindex(T, S, A):
                won, lost = 1 + total[index], 1 + N[index].sum() - total[index]
                sampled[index] = won / (won + lost) if mean else rng.beta(won, lost)
            r = sampled[np.arange(H) % T]
        P = np.empty((T, S, A, S))
        for index in np.ndindex(T, S, A):
            alpha = prior + N[index]
            P[index] = alpha / alpha.sum() if mean else dirichlet(alpha, rng)
        V, policy = np.zeros(S), np.empty((H, S), dtype=int)
        for h in reversed(range(H)):
            Q = r[h] + P[h % T] @ V
            policy[h], V = Q.argmax(axis=1), Q.max(axis=1)
        policies.append(policy)
        return policy

    for _ in range(K):
        history += play(mdp, None, rng, noisy, plan=plan)[1]
    return policies


def rlsvi(mdp, K, seed, T, scale, known=True, noisy=False):
    """Policies of K episodes."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
    H, S, A = mdp.r.shape
    history, policies = [], []

    def plan():
        k = len(policies) + 1
        beta = scale * 0.5 * S * H**3 * math.log(2 * H * S * A * k)
        N, total = tally(mdp, history, T)
        V, policy = np.zeros(S), np.empty((H, S), dtype=int)
        for h in reversed(range(H)):
            Q = np.empty((S, A))
            for s, a in np.ndindex(S, A):
                n = N[h % T, s, a].sum()
                reward = n * mdp.r[h, s, a] if known else total[h % T, s, a]
                noise = math.sqrt(beta / (n + 1)) * rng.standard_normal()
                Q[s, a] = (reward + N[h % T, s, a] @ V) / (n + 1) + noise
            policy[h], V = Q.argmax(axis=1), Q.max(axis=1)
        policies.append(policy)
        return policy

    for _ in range(K):
        history += play(mdp, None, rng, noisy, plan=plan)[1]
    return policies


def epsilon_greedy(mdp, K, seed, T, epsilon, decay=0.0, spread=False, known=True, noisy=False):
    """Policies of K episodes, each optimal in the empirical model but for dithering."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
    H, S, A = mdp.r.shape
    history, policies = [], []
    for k in range(1, K + 1):
        N, total = tally(mdp, history, T)
        Q, V = np.empty((H, S, A)), np.zeros(S)
        for h in reversed(range(H)):
            n = np.maximum(N[h % T].sum(axis=-1), 1)
            Q[h] = mdp.r[h] if known else total[h % T] / n
            Q[h] += np.array([[sum(N[h % T, s, a] * V) for a in range(A)] for s in range(S)]) / n
            V = Q[h].max(axis=1)
        policies.append(dithered(Q, epsilon / k**decay, spread))
        history += play(mdp, policies[-1], rng, noisy)[1]
    return policies
