"""Adversarial learning written from the definitions, slowly, on plain NumPy; draws in the order of the learners."""

import itertools
import math

import numpy as np
from scipy.optimize import linprog


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


def play(mdp, phi, eta, beta, gamma, rng, *, reduced):
    """Exact losses (K,) of the two simulator algorithms in exact mode."""
    K, H, S, A = mdp.losses.shape
    G, values = np.zeros((H, S, A)), []
    for k in range(K):
        step = hedge if reduced else log_barrier
        pi = np.array([[step(G[h, s], eta) for s in range(S)] for h in range(H)])
        d = occupancies(mdp, pi)
        values.append((d * mdp.losses[k]).sum())
        path = rollout(mdp, pi, rng)
        b = np.zeros((H, S, A))
        for h in range(H):
            L = sum(mdp.losses[k, i, s, a] for i, (s, a) in enumerate(path) if i >= h)
            sigma = np.einsum("sa,sai,saj->ij", d[h], phi, phi)
            inverse = np.linalg.inv(gamma * np.eye(phi.shape[2]) + sigma)
            z = phi @ inverse @ phi[path[h]]
            estimate = z * L
            if reduced:
                cross = np.einsum("sai,ij,xuj->saxu", phi, inverse, phi)
                estimate -= H * np.minimum(z, 0.0)
                estimate += H * np.einsum("saxu,xu->sa", np.minimum(cross, 0.0), d[h])
            G[h] += estimate
            n = np.einsum("sai,ij,saj->sa", phi, inverse, phi)
            b[h] = beta * (n + (pi[h] * n).sum(axis=1, keepdims=True))
        G -= dilated(mdp, pi, b)
    return np.array(values)


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
