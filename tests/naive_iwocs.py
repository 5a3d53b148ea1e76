"""Robust sequences by definition, in rational arithmetic: every kernel and every policy is written out."""

import itertools
import math
import statistics
from fractions import Fraction


def solve(matrix, right):
    """Gauss-Jordan with fractions."""
    n = len(right)
    rows = [[Fraction(x) for x in row] + [Fraction(b)] for row, b in zip(matrix, right, strict=True)]
    for k in range(n):
        pivot = next(i for i in range(k, n) if rows[i][k] != 0)
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [x / rows[k][k] for x in rows[k]]
        for i in range(n):
            if i != k and rows[i][k] != 0:
                rows[i] = [x - rows[i][k] * y for x, y in zip(rows[i], rows[k], strict=True)]
    return [row[-1] for row in rows]


def values(T, r, gamma, policy):
    """V of a deterministic policy; T[s][a][s'], everything exact."""
    S = len(r)
    matrix = [[(s == j) - gamma * Fraction(T[s][policy[s]][j]) for j in range(S)] for s in range(S)]
    return solve(matrix, [Fraction(r[s][policy[s]]) for s in range(S)])


def action_values(T, r, gamma, V):
    S, A = len(r), len(r[0])
    return [
        [Fraction(r[s][a]) + gamma * sum(Fraction(T[s][a][j]) * V[j] for j in range(S)) for a in range(A)]
        for s in range(S)
    ]


def policies(S, A):
    return list(itertools.product(range(A), repeat=S))


def optimal(T, r, gamma):
    """V* and Q* by enumeration of all policies."""
    S, A = len(r), len(r[0])
    every = [values(T, r, gamma, policy) for policy in policies(S, A)]
    V = [max(v[s] for v in every) for s in range(S)]
    return V, action_values(T, r, gamma, V)


def products(P):
    """Every kernel of the rectangular set with vertices P[k][s][a]."""
    m, S, A = len(P), len(P[0]), len(P[0][0])
    for choice in itertools.product(range(m), repeat=S * A):
        yield [[P[choice[s * A + a]][s][a] for a in range(A)] for s in range(S)]


def robust_optimum(P, r, gamma):
    """max_pi min_T V(s) for every s, by enumeration of both."""
    S, A = len(r), len(r[0])
    kernels = list(products(P))
    worst = [
        [min(column) for column in zip(*(values(T, r, gamma, policy) for T in kernels), strict=True)]
        for policy in policies(S, A)
    ]
    return [max(v[s] for v in worst) for s in range(S)]


def sequence(P, r, gamma, completion, limit=50):
    """IWOCS from the first vertices: (promised, attained) in state 0 of each iteration, and why it ended."""
    S, A = len(r), len(r[0])
    kernels = list(products(P))
    made = [P[0]]
    Q = None
    found = []
    while len(found) < limit:
        _, new = optimal(made[-1], r, gamma)
        Q = new if Q is None else [[min(x, y) for x, y in zip(p, q, strict=True)] for p, q in zip(new, Q, strict=True)]
        policy = [max(range(A), key=lambda a: (row[a], -a)) for row in Q]
        under = [values(T, r, gamma, policy) for T in kernels]
        V = [min(v[s] for v in under) for s in range(S)]
        base = made[0] if completion == "nominal" else made[-1]
        free = [[list(base[s][a]) for a in range(A)] for s in range(S)]
        for s in range(S):
            for a in range(A):
                if policy[s] == a or completion == "worst":
                    rows = [base[s][a], *(vertices[s][a] for vertices in P)]
                    free[s][a] = list(
                        min(rows, key=lambda row: sum(Fraction(p) * v for p, v in zip(row, V, strict=True)))
                    )
        found.append((Q[0][policy[0]], V[0]))
        if Q[0][policy[0]] == V[0]:
            return found, "certificate"
        if any(free == [[list(row) for row in rows] for rows in other] for other in made):
            return found, "repeat"
        made.append(free)
    return found, "limit"


def worst_sampled(P, r, gamma, start, policy, horizon, rollouts, log, rng):
    """Smallest estimate, its kernel and the smallest lower limit, from returns drawn in order."""

    def draw(row):
        u = rng.random()
        return next(j for j in range(len(row)) if u < math.fsum(row[: j + 1]))

    rewards = [x for row in r for x in row]
    spread = (max(rewards) - min(rewards)) * sum(gamma**t for t in range(horizon))
    beyond = min(rewards) * (1.0 / (1.0 - gamma) - sum(gamma**t for t in range(horizon)))
    estimates, limits = [], []
    for T in P:
        returns = []
        for _ in range(rollouts):
            path = [draw(start)]
            for _ in range(horizon):
                path.append(draw(T[path[-1]][policy[path[-1]]]))
            returns.append(sum(gamma**t * r[s][policy[s]] for t, s in enumerate(path[:-1])))
        half = math.sqrt(2.0 * statistics.variance(returns) * log / rollouts)
        half += 7.0 * spread * log / (3.0 * (rollouts - 1))
        estimates.append(statistics.fmean(returns))
        limits.append(estimates[-1] - half + min(beyond, 0.0))
    return estimates.index(min(estimates)), min(estimates), min(limits)


def tree_value(P, r, gamma, policy, s, depth):
    """Value of state s over `depth` steps against an adversary that picks a row at every node of the tree."""
    if depth == 0:
        return 0.0
    a = policy[s]
    return r[s][a] + gamma * min(
        sum(p * tree_value(P, r, gamma, policy, j, depth - 1) for j, p in enumerate(vertices[s][a]) if p > 0.0)
        for vertices in P
    )
