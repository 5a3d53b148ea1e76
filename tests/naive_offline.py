"""Offline learners and exact risks written from their definitions, in plain Python.

Nothing here uses the package's kernels.
"""

import itertools
import math
import statistics
from fractions import Fraction


def group(data):
    """Return rewards seen at each pair, in order."""
    seen = {(s, a): [] for s in range(data.S) for a in range(data.A)}
    for s, a, r in zip(data.s.tolist(), data.a.tolist(), data.r.tolist(), strict=True):
        seen[s, a].append(r)
    return seen


def argmax(scores):
    """First index of the largest score."""
    return scores.index(max(scores))


def lcb(data, width, unseen, cap=math.inf):
    """A1 and A4: mean minus width/sqrt(n), `unseen` where never played."""
    seen = group(data)
    policy = []
    for s in range(data.S):
        scores = []
        for a in range(data.A):
            rewards = seen[s, a]
            if rewards:
                scores.append(sum(rewards) / len(rewards) - min(width / math.sqrt(len(rewards)), cap))
            else:
                scores.append(unseen)
        policy.append(argmax(scores))
    return policy


def most_played(rows, S, A):
    """A3 and A5."""
    return [argmax([sum(1 for row in rows if row[0] == s and row[1] == a) for a in range(A)]) for s in range(S)]


def vi_lcb(data, gamma, penalty, T, monotone=True, split=True):
    """A6 from the pseudocode, with empirical rewards and transition frequencies of each part.

    ``penalty`` maps a pair's backup targets ``r + gamma V(s')`` in its part to b.

    Returns the lists of V_t and pi_t for t = 0..T.
    """
    S, A = data.S, data.A
    rows = list(zip(data.s.tolist(), data.a.tolist(), data.r.tolist(), data.s_next.tolist(), strict=True))
    N = len(rows)
    size = N // (2 * T)
    half = rows[: N // 2] if split else rows
    V, policy = [[0.0] * S], [most_played(half, S, A)]
    for t in range(1, T + 1):
        part = rows[N // 2 + (t - 1) * size : N // 2 + t * size] if split else rows
        Q = [[0.0] * A for _ in range(S)]
        for s in range(S):
            for a in range(A):
                here = [row for row in part if row[0] == s and row[1] == a]
                n = len(here)
                reward = sum(row[2] for row in here) / n if n else 0.0
                follow = sum(V[-1][row[3]] for row in here) / n if n else 0.0
                b = penalty([row[2] + gamma * V[-1][row[3]] for row in here])
                Q[s][a] = reward - b + gamma * follow
        values, actions = [], []
        for s in range(S):
            best = argmax(Q[s])
            if monotone and Q[s][best] <= V[-1][s]:
                values.append(V[-1][s])
                actions.append(policy[-1][s])
            else:
                values.append(Q[s][best])
                actions.append(best)
        V.append(values)
        policy.append(actions)
    return V, policy


def bernstein(targets, log_term, top):
    """Maurer and Pontil's width for samples in [0, top], cut at ``top``; two samples are the fewest with a variance."""
    if len(targets) < 2:
        return top
    spread = statistics.variance(map(Fraction, targets))
    n = len(targets)
    return min(math.sqrt(2 * spread * Fraction(log_term) / n) + 7 * top * log_term / (3 * (n - 1)), top)


def binomial(n, k, p):
    """Exact binomial probability as a Fraction."""
    return math.comb(n, k) * p**k * (1 - p) ** (n - k)


def choice(N, mass, means, score):
    """Probability that arm 1 has the larger ``score(n, k)``, over every (n0, n1, k0, k1), ties one half; Fractions."""
    total = Fraction(0)
    rest = 1 - mass[0] - mass[1]
    for n0 in range(N + 1):
        for n1 in range(N - n0 + 1):
            ways = math.comb(N, n0) * math.comb(N - n0, n1)
            weight = ways * mass[0] ** n0 * mass[1] ** n1 * rest ** (N - n0 - n1)
            for k0, k1 in itertools.product(range(n0 + 1), range(n1 + 1)):
                one, two = score(n0, k0), score(n1, k1)
                half = Fraction(1) if two > one else Fraction(1, 2) if two == one else Fraction(0)
                total += weight * binomial(n0, k0, means[0]) * binomial(n1, k1, means[1]) * half
    return total


def bayes(N, mass, means):
    """Bayes risk of a fair coin between two instances, over every dataset; mass and means are [instance][arm]."""
    total = Fraction(0)
    for n0 in range(N + 1):
        for k0, k1 in itertools.product(range(n0 + 1), range(N - n0 + 1)):
            loss = []
            for i in range(2):
                p = binomial(N, n0, mass[i][0]) * binomial(n0, k0, means[i][0]) * binomial(N - n0, k1, means[i][1])
                loss.append(p * abs(means[i][0] - means[i][1]))
            total += min(loss)
    return total / 2
