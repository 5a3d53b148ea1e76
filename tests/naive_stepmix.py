"""Confidence balls, bounds on policies and the choice of StepMix from their definitions, in plain Python.

Nothing here uses the package's kernels; extremes over KL balls are found from the primal side.
"""

import itertools
import math
from fractions import Fraction

import numpy as np


def divergence(p, q):
    """KL(p || q)."""
    total = 0.0
    for x, y in zip(p, q, strict=True):
        if x > 0.0:
            if y <= 0.0:
                return math.inf
            total += x * math.log(x / y)
    return total


def kl_extreme(p, v, radius, sign):
    """Extreme of q.v over KL(p || q) <= radius, by bisection over the family of its optimal distributions."""
    best = max(v) if sign > 0 else min(v)
    d = [abs(x - best) for x in v]
    mean = sum(x * y for x, y in zip(p, d, strict=True))
    if radius == math.inf:
        return best
    if radius == 0.0 or mean == 0.0:
        return best - sign * mean

    def tilted(x):
        q = [a / (x + b) if a > 0.0 else 0.0 for a, b in zip(p, d, strict=True)]
        total = sum(q)
        return [a / total for a in q]

    nearest = min(b for a, b in zip(p, d, strict=True) if a > 0.0)
    if nearest > 0.0 and divergence(p, tilted(0.0)) <= radius:
        # all rows tilted(0) scaled down; the rest of the mass lies on the unseen extreme
        q = tilted(0.0)
        keep = math.exp(divergence(p, q) - radius)
        return best - sign * keep * sum(a * b for a, b in zip(q, d, strict=True))
    low, high = -700.0, 100.0
    for _ in range(300):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if divergence(p, tilted(math.exp(middle))) > radius else (low, middle)
    return best - sign * sum(a * b for a, b in zip(tilted(math.exp(high)), d, strict=True))


def l1_extreme(p, v, radius, sign):
    """Extreme of q.v over sum |q - p| <= radius: dual min_c E_p max(v, c) + radius (max v - c) / 2, in fractions."""
    w = [Fraction(sign) * Fraction(one) for one in v]
    mass = Fraction(min(radius, 2.0)) / 2
    weights = [Fraction(one) for one in p]
    duals = (sum(q * max(x, c) for q, x in zip(weights, w, strict=True)) + mass * (max(w) - c) for c in w)
    return sign * float(min(duals))


def simplex_grid(S, parts):
    """All distributions over S states with multiples of 1/parts."""
    for cut in itertools.combinations(range(parts + S - 1), S - 1):
        edges = (-1, *cut, parts + S - 1)
        yield [(edges[i + 1] - edges[i] - 1) / parts for i in range(S)]


def beta_kl(n, delta, S, A, H):
    return 0.0 if S == 1 else math.log(S * A * H / delta) + (S - 1) * math.log(math.e * (1 + n / (S - 1)))


def beta(n, delta, S, A, H):
    return math.log(3 * S * A * H / delta) + S * math.log(8 * math.e * (n + 1))


def beta_star(n, delta, S, A, H):
    return math.log(3 * S * A * H / delta) + math.log(8 * math.e * (n + 1))


def backup(N, V, U, h, H, A, reward, kind, scale, delta, sign):
    """Bound on one pair's value; N the transition counts of the pair, V and U bounds and optimistic values ahead."""
    S, n = len(V), sum(N)
    if kind == "bernstein":
        if n == 0:
            return 0.0 if sign < 0 else float(H - h)
        p = [x / n for x in N]
        mean_v, mean_u = (sum(x * y for x, y in zip(p, W, strict=True)) for W in (V, U))
        variance = sum(x * (y - mean_u) ** 2 for x, y in zip(p, U, strict=True))
        penalty = 3 * math.sqrt(variance * beta_star(n, delta, S, A, H) / n)
        penalty += 22 * H**2 * beta(n, delta, S, A, H) / n
        penalty += 2 / H * (mean_u - mean_v if sign < 0 else mean_v)
        return min(max(reward + mean_v + sign * scale * penalty, 0.0), float(H - h))
    if n == 0:
        return reward + (max(V) if sign > 0 else min(V))
    p, radius = [x / n for x in N], scale * beta_kl(n, delta, S, A, H) / n
    if kind == "hoeffding":
        return reward + l1_extreme(p, V, min(math.sqrt(2 * radius), 2.0), sign)
    return reward + kl_extreme(p, V, radius, sign)


def bounds(N, r, policy, U, kind, scale, delta, sign):
    """Bounds (H+1, S) on the values of a stochastic policy (H, S, A); N (H, S, A, S), U (H+1, S)."""
    H, S, A = r.shape
    V = [[0.0] * S for _ in range(H + 1)]
    for h in reversed(range(H)):
        for s in range(S):
            for a in range(A):
                if policy[h][s][a] > 0.0:
                    value = backup(
                        N[h, s, a].tolist(), V[h + 1], U[h + 1], h, H, A, r[h, s, a], kind, scale, delta, sign
                    )
                    V[h][s] += policy[h][s][a] * value
    return V


def optimistic(N, r, scale, delta):
    """Optimistic values (H+1, S) over KL balls, and all Q (H, S, A)."""
    H, S, A = r.shape
    U, Q = [[0.0] * S for _ in range(H + 1)], np.empty((H, S, A))
    for h in reversed(range(H)):
        for s in range(S):
            for a in range(A):
                Q[h, s, a] = backup(
                    N[h, s, a].tolist(), U[h + 1], U[h + 1], h, H, A, r[h, s, a], "kl", scale, delta, 1.0
                )
            U[h][s] = float(Q[h, s].max())
    return U, Q


def candidate(baseline, greedy, h0):
    """Policy (H, S, A) with ``h0`` baseline steps, then the greedy ones."""
    mixed = np.array(baseline)
    mixed[h0:] = np.eye(mixed.shape[2])[greedy[h0:]]
    return mixed


def choose(N, r, mu0, baseline, greedy, U, threshold, kind, scale, delta):
    """Candidates' lower bounds, and StepMix's (h, rho, certified)."""
    H = r.shape[0]
    lcb = []
    for h0 in range(H + 1):
        first = bounds(N, r, candidate(baseline, greedy, h0), U, kind, scale, delta, -1.0)[0]
        lcb.append(sum(m * x for m, x in zip(mu0, first, strict=True)))
    for h, value in enumerate(lcb):
        if value >= threshold:
            return lcb, h, (value - threshold) / (value - lcb[h - 1]) if h else 0.0, True
    return lcb, H, 0.0, False


def value(mdp, policy):
    """Exact value of a stochastic policy (H, S, A)."""
    V = np.zeros(mdp.S)
    for h in reversed(range(mdp.H)):
        V = np.array(
            [sum(policy[h][s][a] * (mdp.r[h, s, a] + mdp.P[h, s, a] @ V) for a in range(mdp.A)) for s in range(mdp.S)]
        )
    return float(mdp.mu0 @ V)
