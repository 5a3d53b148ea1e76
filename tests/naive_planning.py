"""Planning from the definitions, in fractions, sharing no code with the package; and random dyadic models.

Probabilities are multiples of 1/64 and rewards of 1/16, so the float model and the
rational one are the same model and no tolerance hides in the input.
"""

import itertools
from fractions import Fraction as F

import numpy as np
from hypothesis import strategies as st


def solve(matrix, right):
    """Gauss-Jordan elimination over the rationals."""
    n = len(right)
    rows = [[F(x) for x in row] + [F(b)] for row, b in zip(matrix, right, strict=True)]
    for k in range(n):
        pivot = next(i for i in range(k, n) if rows[i][k] != 0)
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [x / rows[k][k] for x in rows[k]]
        for i in range(n):
            if i != k and rows[i][k] != 0:
                rows[i] = [x - rows[i][k] * y for x, y in zip(rows[i], rows[k], strict=True)]
    return [row[n] for row in rows]


def policy_values(P, r, gamma, policy):
    """Discounted values of a deterministic policy as Fractions."""
    S, g = len(policy), F(gamma)
    system = [[(s == x) - g * F(float(P[s, policy[s], x])) for x in range(S)] for s in range(S)]
    return solve(system, [F(float(r[s, policy[s]])) for s in range(S)])


def stochastic_policy_values(P, r, gamma, pi):
    """Discounted values of a stochastic policy as Fractions."""
    S, A, g = P.shape[0], P.shape[1], F(gamma)
    w = [[F(float(x)) for x in row] for row in pi]
    mixed = [[sum(w[s][a] * F(float(P[s, a, x])) for a in range(A)) for x in range(S)] for s in range(S)]
    system = [[(s == x) - g * mixed[s][x] for x in range(S)] for s in range(S)]
    return solve(system, [sum(w[s][a] * F(float(r[s, a])) for a in range(A)) for s in range(S)])


def optimal_values(P, r, gamma):
    """Best values over all A^S deterministic policies (one policy is best in every state at once)."""
    S, A = r.shape
    every = [policy_values(P, r, gamma, pi) for pi in itertools.product(range(A), repeat=S)]
    best = [max(v[s] for v in every) for s in range(S)]
    assert best in every
    return best


def backward_values(P, r, H):
    """Finite-horizon optimal values and the smallest optimal actions, for stationary or per-step tables."""
    S, A = r.shape[-2:]
    V = [[F(0)] * S]
    policy = []
    for h in reversed(range(H)):
        Ph, rh = (P, r) if P.ndim == 3 else (P[h], r[h])
        q = [
            [F(float(rh[s, a])) + sum(F(float(Ph[s, a, x])) * V[0][x] for x in range(S)) for a in range(A)]
            for s in range(S)
        ]
        V.insert(0, [max(row) for row in q])
        policy.insert(0, [row.index(max(row)) for row in q])
    return V, policy


def trajectories(mdp, policy):
    """Every trajectory ((s, a) per step) of positive probability under a deterministic policy, with it."""
    paths = [((), s, F(float(mdp.mu0[s]))) for s in range(mdp.S) if mdp.mu0[s] > 0]
    for h in range(mdp.H):
        paths = [
            ((*path, (s, int(policy[h, s]))), x, p * F(float(mdp.P[h, s, policy[h, s], x])))
            for path, s, p in paths
            for x in range(mdp.S)
            if mdp.P[h, s, policy[h, s], x] > 0
        ]
    return [(path, p) for path, _, p in paths]


def reach_probabilities(P, goal, policy):
    """Probability of reaching ``goal`` (a set) under a deterministic policy, as Fractions."""
    S = len(policy)
    row = [[F(float(P[s, policy[s], x])) for x in range(S)] for s in range(S)]
    can = set(goal)
    while True:
        more = {s for s in range(S) if any(row[s][x] > 0 for x in can)} - can
        if not more:
            break
        can |= more
    unknown = sorted(can - set(goal))
    system = [[(s == x) - row[s][x] for x in unknown] for s in unknown]
    found = solve(system, [sum(row[s][x] for x in goal) for s in unknown])
    out = [F(int(s in goal)) for s in range(S)]
    for s, value in zip(unknown, found, strict=True):
        out[s] = value
    return out


def optimal_reach(P, goal, best):
    """Best (``max`` or ``min``) reachability probability over all deterministic policies."""
    S, A = P.shape[:2]
    every = [reach_probabilities(P, goal, pi) for pi in itertools.product(range(A), repeat=S)]
    return [best(v[s] for v in every) for s in range(S)]


@st.composite
def rows(draw, size):
    """A probability vector with entries k/64; often with zeros."""
    cuts = sorted(draw(st.lists(st.integers(0, 64), min_size=size - 1, max_size=size - 1)))
    edges = [0, *cuts, 64]
    return [(b - a) / 64 for a, b in itertools.pairwise(edges)]


@st.composite
def tables(draw, max_states=4, max_actions=3, shape=None):
    """``(P, r)`` with dyadic entries; ties, absorbing states, S = 1 and A = 1 included."""
    S, A = shape or (draw(st.integers(1, max_states)), draw(st.integers(1, max_actions)))
    P = np.array([[draw(rows(S)) for _ in range(A)] for _ in range(S)])
    r = np.array([[draw(st.integers(-16, 16)) / 16 for _ in range(A)] for _ in range(S)])
    return P, r


discounts = st.sampled_from([0.0, 0.5, 0.875, 0.96875])
