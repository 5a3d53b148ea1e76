"""Adversarial learning written from the definitions, slowly, on plain NumPy; draws in the order of the learners."""

import itertools
import math

import numpy as np
from scipy.optimize import linprog, root


def log_barrier(G, eta):
    """Minimise <p, G> - (1/eta) sum ln p over the simplex, by bisection on the multiplier."""
    d = np.asarray(G, dtype=np.longdouble) - np.min(G)
    low, high = np.longdouble(1.0) / eta, np.longdouble(len(d)) / eta
    for _ in range(300):
        middle = (low + high) / 2
        low, high = (middle, high) if np.sum(1.0 / (eta * (d + middle))) > 1.0 else (low, middle)
    p = 1.0 / (eta * (d + high))
    return np.asarray(p / p.sum(), dtype=np.float64)


def hedge(G, eta):
    """Exponential weights."""
    w = np.exp(-eta * (np.asarray(G) - np.min(G)))
    return w / w.sum()


def paths(mdp):
    """Every trajectory ((s, a), ...) of the model."""
    return itertools.product(itertools.product(range(mdp.S), range(mdp.A)), repeat=mdp.H)


def probability(mdp, pi, path, start=0):
    """Probability of the actions and successors of ``path`` from step ``start`` on, its first pair given."""
    total = 1.0
    for h in range(start, mdp.H - 1):
        (s, a), (y, b) = path[h], path[h + 1]
        total *= mdp.P[h, s, a, y] * pi[h + 1, y, b]
    return total


def occupancies(mdp, pi):
    """Occupancies (H, S, A), summed over trajectories."""
    d = np.zeros((mdp.H, mdp.S, mdp.A))
    for path in paths(mdp):
        s, a = path[0]
        chance = mdp.mu0[s] * pi[0, s, a] * probability(mdp, pi, path)
        for h, (x, u) in enumerate(path):
            d[h, x, u] += chance
    return d


def dilated(mdp, pi, b):
    """B_h(s, a): the sum over trajectories from (s, a) of b, with the factor 1 + 1/H for each later step."""
    B = np.zeros(b.shape)
    for h in range(mdp.H):
        tails = itertools.product(itertools.product(range(mdp.S), range(mdp.A)), repeat=mdp.H - h)
        for tail in tails:
            path = [(0, 0)] * h + list(tail)
            chance = probability(mdp, pi, path, h)
            bonus = sum((1 + 1 / mdp.H) ** (i - h) * b[i, s, a] for i, (s, a) in enumerate(path) if i >= h)
            B[(h, *path[h])] += chance * bonus
    return B


def draw(row, u):
    """The first cell whose cumulative mass exceeds u."""
    return int(np.searchsorted(np.cumsum(row), u, side="right"))


def rollout(mdp, pi, rng):
    """Draw one episode as the learners do."""
    s = draw(mdp.mu0, rng.random())
    path = []
    for h in range(mdp.H):
        a = draw(pi[h, s], rng.random())
        path.append((s, a))
        if h + 1 < mdp.H:
            s = draw(mdp.P[h, s, a], rng.random())
    return path


def split(count, p, rng):
    """Split ``count`` over the cells of ``p`` by binomials, in order; the last cell that can be hit takes the rest."""
    last, mass, out = max(i for i, x in enumerate(p) if x > 0), 1.0, [0] * len(p)
    for i in range(last):
        if p[i] > 0 and count > 0:
            out[i] = int(rng.binomial(count, min(p[i] / mass, 1.0))) if p[i] < mass else count
            count -= out[i]
            mass -= p[i]
    out[last] = count
    return out


def frequencies(mdp, pi, count, rng):
    """Share of ``count`` simulated episodes in each (h, s, a), all episodes moved on step by step."""
    out, here = np.zeros((mdp.H, mdp.S, mdp.A)), split(count, mdp.mu0, rng)
    for h in range(mdp.H):
        ahead = np.zeros(mdp.S, dtype=int)
        for s in range(mdp.S):
            for a, taken in enumerate(split(here[s], pi[h, s], rng)):
                out[h, s, a] = taken / count
                if h + 1 < mdp.H and taken:
                    ahead += split(taken, mdp.P[h, s, a], rng)
        here = ahead.tolist()
    return out


def dilated_sampled(mdp, pi, b, rng):
    """The dilated bonus with one successor and one action drawn for each (h, s, a) in place of their means."""
    B = b.copy()
    for h in range(mdp.H - 2, -1, -1):
        for s in range(mdp.S):
            for a in range(mdp.A):
                y = draw(mdp.P[h, s, a], rng.random())
                B[h, s, a] += (1 + 1 / mdp.H) * B[h + 1, y, draw(pi[h + 1, y], rng.random())]
    return B


def play(mdp, phi, eta, beta, gamma, rng, *, reduced, hedged=None, centred=True, trajectories=None):
    """Exact losses (K,) of the simulator algorithms, in exact mode or with ``trajectories`` simulated episodes."""
    K, H, S, A = mdp.losses.shape
    G, values = np.zeros((H, S, A)), []
    step = hedge if (reduced if hedged is None else hedged) else log_barrier
    phi = np.broadcast_to(phi, (H, S, A, phi.shape[-1]))
    for k in range(K):
        pi = np.array([[step(G[h, s], eta) for s in range(S)] for h in range(H)])
        d = fresh = occupancies(mdp, pi)
        values.append((d * mdp.losses[k]).sum())
        path = rollout(mdp, pi, rng)
        if trajectories:
            d = frequencies(mdp, pi, trajectories, rng)
            fresh = frequencies(mdp, pi, trajectories, rng) if reduced else None
        b = np.zeros((H, S, A))
        for h in range(H):
            L = sum(mdp.losses[k, i, s, a] for i, (s, a) in enumerate(path) if i >= h)
            sigma = np.einsum("sa,sai,saj->ij", d[h], phi[h], phi[h])
            inverse = np.linalg.inv(gamma * np.eye(phi.shape[-1]) + sigma)
            z = phi[h] @ inverse @ phi[h][path[h]]
            estimate = z * L
            if reduced:
                cross = np.einsum("sai,ij,xuj->saxu", phi[h], inverse, phi[h])
                estimate -= H * np.minimum(z, 0.0)
                if centred:
                    estimate += H * np.einsum("saxu,xu->sa", np.minimum(cross, 0.0), fresh[h])
            G[h] += estimate
            n = np.einsum("sai,ij,saj->sa", phi[h], inverse, phi[h])
            b[h] = beta * (n + (pi[h] * n).sum(axis=1, keepdims=True))
        G -= dilated_sampled(mdp, pi, b, rng) if trajectories and beta > 0 else dilated(mdp, pi, b)
    return np.array(values)


def cover_policy(mdp, phi, inverse, episodes, *, exact):
    """The greedy policy for rewards min(1, phi' inverse phi), planned on the model or on ``episodes`` (s, a, y)."""
    pi, ahead = np.zeros((mdp.H, mdp.S, mdp.A)), np.zeros(mdp.S)
    for h in reversed(range(mdp.H)):
        n = np.einsum("sai,ij,saj->sa", phi[h], inverse[h], phi[h])
        q, left = np.minimum(n, 1.0), mdp.H - 1 - h
        if left and exact:
            q = q + mdp.P[h] @ ahead
        elif left:
            seen = [phi[h][s, a] * ahead[y] for s, a, y in (path[h] for path in episodes)]
            w = inverse[h] @ np.sum(seen, axis=0) if seen else np.zeros(phi.shape[-1])
            q = q + np.minimum(np.sqrt(n), 1.0) * left + phi[h] @ w
        q = np.clip(q, 0.0, left + 1)
        pi[h, np.arange(mdp.S), q.argmax(axis=1)] = 1.0
        ahead = q.max(axis=1)
    return pi


def cover(mdp, phi, count, rng, *, exact):
    """Policies (count, H, S, A), one episode each, and the inverses (H, d, d) of I plus the outer squares seen."""
    policies, episodes, gram = [], [], np.stack([np.eye(phi.shape[-1])] * mdp.H)
    for _ in range(count):
        policies.append(cover_policy(mdp, phi, np.linalg.inv(gram), episodes, exact=exact))
        path = rollout(mdp, policies[-1], rng)
        following = [s for s, _ in path[1:]] + [0]
        episodes.append([(s, a, y) for (s, a), y in zip(path, following, strict=True)])
        for h, (s, a) in enumerate(path):
            gram[h] += np.outer(phi[h][s, a], phi[h][s, a])
    return np.array(policies), np.linalg.inv(gram)


def covered(mdp, phi, rng, *, eta, beta, gamma, explore, length, count, threshold, exact):
    """Exact losses (K,), last policy, and share of known states of the learner without a simulator."""
    K, H, S, A = mdp.losses.shape
    phi = np.broadcast_to(phi, (H, S, A, phi.shape[-1]))
    policies, inverse = cover(mdp, phi, count, rng, exact=exact)
    values = [(occupancies(mdp, pi) * mdp.losses[k]).sum() for k, pi in enumerate(policies)]
    known = np.einsum("hsai,hij,hsaj->hsa", phi, inverse, phi).max(axis=2) <= threshold
    G, start = np.zeros((H, S, A)), count
    while start < K:
        stop = min(start + length, K)
        pi = np.array([[log_barrier(G[h, s], eta) for s in range(S)] for h in range(H)])
        mixed = [np.concatenate((first[: i + 1], pi[i + 1 :])) for first in policies for i in range(H)]
        law = (1 - explore) * occupancies(mdp, pi) + explore * np.mean([occupancies(mdp, x) for x in mixed], axis=0)
        halves = ([], [])
        for k in range(start, stop):
            values.append((law * mdp.losses[k]).sum())
            switch, played = -1, pi
            if rng.random() < explore:
                switch = int(rng.random() * H)
                first = policies[int(rng.random() * count)]
                played = np.concatenate((first[: switch + 1], pi[switch + 1 :]))
            path = rollout(mdp, played, rng)
            halves[k >= start + (stop - start) // 2].append((k, switch, path))
        B = np.zeros((H + 1, S, A))
        for h in reversed(range(H)):
            first, second = ([one for one in half if h >= one[1]] for half in halves)
            sigma = sum((np.outer(x, x) for x in (phi[h][path[h]] for _, _, path in first)), np.zeros(inverse[h].shape))
            matrix = np.linalg.inv(gamma * np.eye(len(sigma)) + sigma / max(len(first), 1))
            moment, w = np.zeros(len(sigma)), np.zeros(len(sigma))
            for k, _, path in second:
                x = phi[h][path[h]] / len(second)
                moment += x * sum(mdp.losses[k, i, s, a] for i, (s, a) in enumerate(path) if i >= h)
                if h + 1 < H:
                    y = path[h + 1][0]
                    w += x * (1 + 1 / H) * (pi[h + 1, y] @ B[h + 1, y])
            n = np.einsum("sai,ij,saj->sa", phi[h], matrix, phi[h])
            own = beta * (n + (pi[h] * n).sum(axis=1, keepdims=True))
            B[h] = np.maximum(phi[h] @ matrix @ w, 0.0) + known[h][:, None] * own
            G[h] += phi[h] @ matrix @ moment - B[h]
        start = stop
    return np.array(values), pi, known.mean()


def project(mdp, weights):
    """The occupancies nearest to ``weights`` (H, S, A) in relative entropy, from the roots of the dual's gradient."""
    H, S = weights.shape[:2]

    def primal(x):
        v = np.concatenate((x.reshape(H, S), np.zeros((1, S))))
        ahead = np.einsum("hsay,hy->hsa", mdp.P, np.concatenate((v[1:H], np.zeros((1, S)))))
        return weights * np.exp(ahead - v[:H, :, None])

    def excess(x):
        q = primal(x)
        into = np.concatenate((mdp.mu0[None], np.einsum("hsa,hsay->hy", q[:-1], mdp.P[:-1])))
        return (q.sum(axis=2) - into).ravel()

    found = root(excess, np.zeros(H * S), tol=1e-12)
    assert np.abs(excess(found.x)).max() < 1e-9
    return primal(found.x)


def o_reps(mdp, eta, implicit, rng):
    """Exact losses (K,) and last policy of mirror descent on occupancy measures."""
    values, pi = [], np.full((mdp.H, mdp.S, mdp.A), 1 / mdp.A)
    for losses in mdp.losses:
        d = occupancies(mdp, pi)
        values.append((d * losses).sum())
        for h, (s, a) in enumerate(rollout(mdp, pi, rng)):
            d[h, s, a] *= math.exp(-eta * losses[h, s, a] / (d[h, s, a] + implicit))
        q = project(mdp, d)
        pi = q / q.sum(axis=2, keepdims=True)
    return np.array(values), pi


def regret(mdp, losses):
    """Regret against the best of all deterministic policies, one by one."""
    best = math.inf
    for choice in itertools.product(range(mdp.A), repeat=mdp.H * mdp.S):
        pi = np.eye(mdp.A)[np.array(choice).reshape(mdp.H, mdp.S)]
        best = min(best, float((occupancies(mdp, pi) * mdp.losses.sum(axis=0)).sum()))
    return losses.sum() - best


def largest_mean(low, high, f):
    """Largest mean of f over rows between low and high, by linear programming."""
    found = linprog(-f, A_eq=np.ones((1, f.size)), b_eq=[1.0], bounds=list(zip(low, high, strict=True)))
    return -found.fun
