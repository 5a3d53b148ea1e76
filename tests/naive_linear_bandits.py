"""Linear-bandit learners and designs written from their definitions; nothing here uses the package's kernels."""

import itertools
import math

import numpy as np


def inner(x, theta):
    total = 0.0
    for a, b in zip(x, theta, strict=True):
        total += a * b
    return total


def first_largest(values):
    return max(range(len(values)), key=lambda i: (values[i], -i))


def net_points(d, s, resolution):
    """All candidates as full vectors, support by support, grid points in lexicographic order."""
    width = 2.0 * resolution / math.sqrt(s)
    cells = math.ceil(math.sqrt(s) / resolution * (1.0 - 1e-12))
    axis = [(i - 0.5 * (cells - 1)) * width for i in range(cells)]
    found = []
    for support in itertools.combinations(range(d), s):
        for point in itertools.product(axis, repeat=s):
            if math.sqrt(sum(p * p for p in point)) <= (1.0 + resolution) * (1.0 + 1e-12):
                theta = [0.0] * d
                for i, p in zip(support, point, strict=True):
                    theta[i] = p
                found.append(theta)
    return found


def net_elimination(actions, rewards, s, resolution, slack):
    """Output, distinct queries in order, and whether a candidate was confirmed."""
    candidates = []
    for n, theta in enumerate(net_points(len(actions[0]), s, resolution)):
        values = [inner(x, theta) for x in actions]
        arm = first_largest(values)
        candidates.append((values[arm], n, arm))
    candidates.sort(key=lambda c: (-c[0], c[1]))
    seen = []
    for value, _, arm in candidates:
        if arm not in seen:
            seen.append(arm)
        if rewards[arm] >= value - slack * (1.0 + 1e-12):
            return arm, seen, True
    return max(seen, key=lambda a: (rewards[a], -seen.index(a))), seen, False


def variances(actions, weights):
    """Squared norms of the arms in the pseudo-inverse of the information matrix."""
    x = np.asarray(actions)
    inverse = np.linalg.pinv(sum(w * np.outer(row, row) for w, row in zip(weights, x, strict=True)))
    return np.array([row @ inverse @ row for row in x])


def lin_ucb(actions, means, std, horizon, delta, ridge, bound, sigma, rng):
    """Pulled arms of one run."""
    x = np.asarray(actions)
    d = x.shape[1]
    V, moment, pulled = ridge * np.eye(d), np.zeros(d), []
    for _ in range(horizon):
        theta = np.linalg.solve(V, moment)
        log_det = math.log(np.linalg.det(V) / ridge**d)
        radius = math.sqrt(ridge) * bound + sigma * math.sqrt(2.0 * math.log(1.0 / delta) + log_det)
        index = [row @ theta + radius * math.sqrt(row @ np.linalg.solve(V, row)) for row in x]
        a = first_largest(index)
        reward = means[a] + std * rng.normal()
        V = V + np.outer(x[a], x[a])
        moment = moment + reward * x[a]
        pulled.append(a)
    return pulled


def exp2(actions, coefficients, design, eta, gamma, rng):
    """Pulled arms and expected losses of one run."""
    x = np.asarray(actions)
    estimate, pulled, losses = np.zeros(len(x)), [], []
    for theta in coefficients:
        weight = np.exp(-eta * (estimate - estimate.min()))
        p = (1.0 - gamma) * weight / weight.sum() + gamma * design
        u, a = rng.random(), 0
        while u >= p[: a + 1].sum() and a < len(x) - 1:
            a += 1
        losses.append(float(p @ (x @ theta)))
        information = sum(q * np.outer(row, row) for q, row in zip(p, x, strict=True))
        estimate = estimate + x @ np.linalg.solve(information, x[a]) * float(x[a] @ theta)
        pulled.append(a)
    return pulled, losses


def optimal_queries(rewards, tolerance):
    """Least expected number of queries, by trying every decision tree: the arms queried next in every state."""
    problems, k = len(rewards), len(rewards[0])

    def search(known, asked):
        for a in range(k):
            if all(max(rewards[i]) - rewards[i][a] < tolerance for i in known):
                return 0.0
        best = math.inf
        for a in range(k):
            if a in asked:
                continue
            answers = {rewards[i][a] for i in known}
            ahead = 0.0
            for answer in answers:
                part = [i for i in known if rewards[i][a] == answer]
                ahead += len(part) * search(part, asked | {a})
            best = min(best, 1.0 + ahead / len(known))
        return best

    return search(list(range(problems)), frozenset())
