"""Robust one-step problems from their definitions, in exact or 60-digit arithmetic: objectives, duals, Bellman trees.

Weak duality does the work: the dual function at *any* admissible dual variable is at most the optimum, and the
objective of *any* admissible distribution is at least the optimum. Neither needs a solver.
"""

import itertools
from fractions import Fraction

import mpmath as mp
import numpy as np


def exact(vector):
    return [mp.mpf(float(x)) for x in vector]


def divergence(kind, mu, q):
    """``D(mu || q)`` of two lists that sum to 1; infinite where mu leaves the support (KL, chi2)."""
    if kind == "tv":
        return sum(abs(a - b) for a, b in zip(mu, q, strict=True)) / 2
    if any(a > 0 and b == 0 for a, b in zip(mu, q, strict=True)):
        return mp.inf
    pairs = [(a, b) for a, b in zip(mu, q, strict=True) if b > 0]
    if kind == "kl":
        return sum(a * mp.log(a / b) for a, b in pairs if a > 0)
    return sum((a - b) ** 2 / b for a, b in pairs)


def mean(p, v):
    return sum(a * b for a, b in zip(p, v, strict=True))


def clipped(q, v, a):
    """Mean and variance of ``min(v, a)`` under q."""
    low = [min(x, a) for x in v]
    m = mean(q, low)
    return m, sum(p * (x - m) ** 2 for p, x in zip(q, low, strict=True))


def dual(kind, v, q, dual_variable, *, penalty=None, radius=None, support=False):
    """The dual function: at most the optimum, whatever the (admissible) variable."""
    v, q = exact(v), exact(q)
    total = sum(q)
    q = [x / total for x in q]
    seen = [x for x, p in zip(v, q, strict=True) if p > 0]
    lowest = min(seen) if support or kind != "tv" else min(v)
    a = mp.mpf(float(dual_variable))
    if kind == "tv":
        if penalty is not None:
            a = min(a, lowest + mp.mpf(float(penalty)))
            return clipped(q, v, a)[0]
        a = max(a, lowest)
        return clipped(q, v, a)[0] - mp.mpf(float(radius)) * (a - lowest)
    if kind == "chi2":
        m, variance = clipped(q, v, a)
        return m - (
            variance / (4 * mp.mpf(float(penalty)))
            if penalty is not None
            else mp.sqrt(mp.mpf(float(radius)) * variance)
        )
    if penalty is None and a == 0:
        return lowest
    if penalty is None and a == mp.inf:
        return mean(q, v) if radius == 0 else -mp.inf
    lam = mp.mpf(float(penalty)) if penalty is not None else a
    shifted = sum(p * mp.exp(-(x - lowest) / lam) for p, x in zip(q, v, strict=True) if p > 0)
    return lowest - lam * mp.log(shifted) - (0 if penalty is not None else lam * mp.mpf(float(radius)))


def objective(kind, v, q, mu, *, penalty=None, radius=None):
    """What ``mu`` costs, at least the optimum; for a radius, after mixing in what ``q`` admissibility needs."""
    v, q, mu = exact(v), exact(q), exact(mu)
    q = [x / sum(q) for x in q]
    mu = [x / sum(mu) for x in mu]
    d = divergence(kind, mu, q)
    if penalty is not None:
        return mean(mu, v) + mp.mpf(float(penalty)) * d
    keep = min(mp.mpf(1), mp.mpf(float(radius)) / d) if d > 0 else mp.mpf(1)
    return mean([keep * a + (1 - keep) * b for a, b in zip(mu, q, strict=True)], v)


def enclosure(kind, v, q, found, **level):
    """Lower and upper bound on the optimum from the dual variable and the distribution of ``found``."""
    with mp.workdps(60):
        support = level.pop("support", False)
        low = dual(kind, v, q, found.dual, support=support, **level)
        return low, objective(kind, v, q, found.distribution, **level)


def optimum(kind, v, q, *, penalty=None, radius=None, support=False, digits=400):
    """The optimum from its dual, maximised over all candidates of each piece (KL radius: bisection), in many digits."""
    with mp.workdps(digits):
        level = mp.mpf(float(radius if penalty is None else penalty))
        q, v = exact(q), exact(v)
        q = [p / sum(q) for p in q]
        seen = sorted((x, p) for x, p in zip(v, q, strict=True) if p > 0)
        lowest = seen[0][0] if support or kind != "tv" else min(v)
        points = sorted({x for x, _ in seen} | {lowest})
        if kind == "tv":
            if penalty is not None:
                return clipped(q, v, lowest + level)[0]
            return max(clipped(q, v, a)[0] - level * (a - lowest) for a in points)
        if kind == "kl":
            return _kl_optimum(seen, level, penalty is not None)

        def dual_at(a):
            m, variance = clipped(q, v, a)
            return m - (variance / (4 * level) if penalty is not None else mp.sqrt(level * variance))

        candidates = list(points)
        for k in range(1, len(seen) + 1):
            mass = sum(p for _, p in seen[:k])
            m = sum(p * x for x, p in seen[:k]) / mass
            variance = sum(p * (x - m) ** 2 for x, p in seen[:k]) / mass
            if penalty is not None:
                candidates.append(m + 2 * level / mass)
            elif (1 + level) * mass > 1:
                candidates.append(m + mp.sqrt(variance / ((1 + level) * mass - 1)))
        return max(dual_at(a) for a in candidates)


def _kl_optimum(seen, level, priced):
    lowest = seen[0][0]

    def log_mean(beta):
        return mp.log(sum(p * mp.exp(-beta * (x - lowest)) for x, p in seen))

    if priced:
        return lowest - level * log_mean(1 / level)
    vertex = sum(p for x, p in seen if x == lowest)
    if level == 0:
        return sum(p * x for x, p in seen)
    if vertex == 1 or level >= -mp.log(vertex):
        return lowest

    def spent(beta):
        z = [p * mp.exp(-beta * (x - lowest)) for x, p in seen]
        m = sum(a * (x - lowest) for a, (x, _) in zip(z, seen, strict=True)) / sum(z)
        return -mp.log(sum(z)) - beta * m

    scale = seen[-1][0] - lowest
    low, high = mp.mpf(0), 1 / scale
    while spent(high) < level:
        low, high = high, high * 16
    while low == 0:
        if spent(high / 16) < level:
            low = high / 16
        else:
            high = high / 16
    for _ in range(110):
        middle = (low + high) / 2
        low, high = (middle, high) if spent(middle) < level else (low, middle)
    return lowest + (-log_mean(low) - level) / low


def bellman(model, operator):
    """Robust optimal values by plain recursion over deterministic policies and one-step minima.

    model : LinearMDP; operator : ``(h, i, V) -> float``. Returns V (H + 1, S), from the definition of the coordinates.
    """
    V = np.zeros((model.H + 1, model.S))
    for h in reversed(range(model.H)):
        z = [operator(h, i, V[h + 1]) for i in range(model.d)]
        for s in range(model.S):
            V[h, s] = max(
                sum(float(model.phi[s, a, i]) * (float(model.theta[h, i]) + z[i]) for i in range(model.d))
                for a in range(model.A)
            )
    return V


def policies(H, S, A):
    """Every deterministic policy (H, S)."""
    for choice in itertools.product(range(A), repeat=H * S):
        yield np.array(choice).reshape(H, S)


def payoff(model, policy, mu, price, kind):
    """Values (H + 1, S) of a policy when the measures are ``mu`` (H, d, S) and a unit of divergence costs ``price``."""
    V = np.zeros((model.H + 1, model.S))
    for h in reversed(range(model.H)):
        cost = [float(divergence(kind, list(mu[h, i]), list(model.mu[h, i]))) for i in range(model.d)]
        for s in range(model.S):
            phi = model.phi[s, policy[h, s]]
            V[h, s] = sum(
                phi[i] * (model.theta[h, i] + price * cost[i] + float(mu[h, i] @ V[h + 1])) for i in range(model.d)
            )
    return V


def vertices_tv(q, radius):
    """Extreme points of the total variation ball within the simplex: a superset, by moving mass from a set of states.

    Every extreme point keeps all entries but two at 0 or at q, so each is reached by emptying a set of states in full,
    one more in part, and putting the mass on one state.
    """
    n = len(q)
    points = [tuple(q)]
    for to in range(n):
        for order in itertools.permutations([i for i in range(n) if i != to]):
            p, left = list(q), radius
            for i in order:
                taken = min(p[i], left)
                p[i] -= taken
                p[to] += taken
                left -= taken
            points.append(tuple(p))
    return np.array(sorted(set(points)))


def fractions(vector):
    return [Fraction(float(x)) for x in vector]
