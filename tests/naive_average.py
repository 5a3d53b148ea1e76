"""Slow references for the average-reward criterion: exact fractions, plain loops, enumeration of policies.

Nothing here uses the decomposition into classes on which the library is built: gain and bias are read off one
linear system, structure off the transitive closure.
"""

import itertools
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st


def solve_least(rows, unknowns):
    """Reduced row echelon form of [A | b] in fractions; returns the value of each uniquely determined unknown."""
    rows = [list(map(Fraction, row)) for row in rows]
    pivots = []
    for column in range(unknowns):
        pivot = next((i for i in range(len(pivots), len(rows)) if rows[i][column]), None)
        if pivot is None:
            continue
        k = len(pivots)
        rows[k], rows[pivot] = rows[pivot], rows[k]
        scale = rows[k][column]
        rows[k] = [x / scale for x in rows[k]]
        for i in range(len(rows)):
            if i != k and rows[i][column]:
                factor = rows[i][column]
                rows[i] = [x - factor * y for x, y in zip(rows[i], rows[k], strict=True)]
        pivots.append(column)
    assert not any(row[-1] for row in rows[len(pivots) :]), "inconsistent system"
    free = set(range(unknowns)) - set(pivots)
    return {c: row[-1] for c, row in zip(pivots, rows, strict=False) if not any(row[f] for f in free)}


def gain_bias(P, r):
    """Gain and bias of a chain: (I-P)g = 0, g + (I-P)h = r, h + (I-P)w = 0 fixes g and h, not w."""
    n = len(r)
    rows = []
    for s in range(n):
        d = [Fraction(int(s == t)) - Fraction(P[s][t]) for t in range(n)]
        one = [Fraction(int(s == t)) for t in range(n)]
        zero = [Fraction(0)] * n
        rows.append([*d, *zero, *zero, 0])
        rows.append([*one, *d, *zero, r[s]])
        rows.append([*zero, *one, *d, 0])
    found = solve_least(rows, 3 * n)
    return [found[i] for i in range(n)], [found[n + i] for i in range(n)]


def policies(S, A):
    return itertools.product(range(A), repeat=S)


def optimal_gain_bias(P, r):
    """Largest gain of each state over all policies, and largest bias of each among the gain-optimal policies."""
    S, A = r.shape
    all_values = [
        gain_bias([P[s, a] for s, a in enumerate(p)], [r[s, a] for s, a in enumerate(p)]) for p in policies(S, A)
    ]
    gain = [max(g[s] for g, _ in all_values) for s in range(S)]
    bias = [max(h[s] for g, h in all_values if g == gain) for s in range(S)]
    return gain, bias


def closure(edges):
    """Reachability in at least zero steps."""
    reach = np.array(edges, dtype=bool) | np.eye(len(edges), dtype=bool)
    for k in range(len(reach)):
        for i in range(len(reach)):
            if reach[i, k]:
                reach[i] |= reach[k]
    return reach


def recurrent_states(edges):
    """State -> its recurrent class as a frozenset, for recurrent states only."""
    reach = closure(edges)
    n = len(reach)
    return {
        s: frozenset(np.flatnonzero(reach[s]).tolist())
        for s in range(n)
        if all(reach[t, s] for t in range(n) if reach[s, t])
    }


def classify(P):
    """(recurrent, communicating, weakly communicating, unichain), all from the definitions."""
    S, A = P.shape[:2]
    ever, recurrent, unichain = set(), True, True
    for p in policies(S, A):
        classes = recurrent_states([[P[s, a, t] > 0 for t in range(S)] for s, a in enumerate(p)])
        ever |= set(classes)
        unichain &= len(set(classes.values())) == 1
        recurrent &= len(classes) == S and len(set(classes.values())) == 1
    union = closure([[any(P[s, a, t] > 0 for a in range(A)) for t in range(S)] for s in range(S)])
    weakly = all(union[s, t] for s in ever for t in ever)
    return recurrent, bool(union.all()), weakly, unichain


def hitting_times(P):
    """Least expected hitting times by enumeration; None where no policy arrives with probability 1."""
    S, A = P.shape[:2]
    best = [[None] * S for _ in range(S)]
    for p in policies(S, A):
        for t in range(S):
            chain = [[Fraction(P[s, a, x]) for x in range(S)] for s, a in enumerate(p)]
            chain[t] = [Fraction(int(x == t)) for x in range(S)]
            classes = recurrent_states([[x > 0 for x in row] for row in chain])
            reach = closure([[x > 0 for x in row] for row in chain])
            sure = [s for s in range(S) if all(c == {t} for u, c in classes.items() if reach[s, u])]
            others = [s for s in sure if s != t]
            rows = [[int(s == x) - chain[s][x] for x in others] + [1] for s in others]
            times = solve_least(rows, len(others)) if others else {}
            for s, time in [(t, Fraction(0)), *((others[i], v) for i, v in times.items())]:
                if best[s][t] is None or time < best[s][t]:
                    best[s][t] = time
    return best


@st.composite
def dyadic_tables(draw, max_states=4, max_actions=2, rewards=True):
    """(P, r) with probabilities k/8 on at most three successors: periodic, transient, absorbing, unreachable states.

    Dyadic numbers, so that the floats and the fractions are the same model.
    """
    S = draw(st.integers(1, max_states))
    A = draw(st.integers(1, max_actions))
    P = np.zeros((S, A, S))
    for s in range(S):
        for a in range(A):
            weights = draw(st.sampled_from([(8,), (8,), (4, 4), (1, 7), (2, 3, 3)]))
            for w in weights:
                P[s, a, draw(st.integers(0, S - 1))] += w / 8
    r = np.array([[draw(st.integers(0, 4)) / 4 if rewards else 0.0 for _ in range(A)] for _ in range(S)])
    return P, r
