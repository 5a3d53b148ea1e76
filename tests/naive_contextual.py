"""Contextual learners and the batch loop from their definitions, one number at a time."""

import math

import numpy as np


def igw(predictions, gamma, available=None):
    actions = [a for a in range(len(predictions)) if available is None or available[a]]
    b = max(actions, key=lambda a: (predictions[a], -a))
    p = [0.0] * len(predictions)
    for a in actions:
        if a != b:
            p[a] = 1.0 / (len(actions) + gamma * (predictions[b] - predictions[a]))
    p[b] = 1.0 - sum(p)
    return p


def normalised(predictions, gamma):
    """By bisection: the sum falls with lambda."""
    top = max(predictions)
    low, high = 1.0, float(len(predictions))
    for _ in range(200):
        middle = (low + high) / 2
        if sum(1.0 / (middle + 2.0 * gamma * (top - f)) for f in predictions) > 1.0:
            low = middle
        else:
            high = middle
    return [1.0 / (low + 2.0 * gamma * (top - f)) for f in predictions]


def fast(losses, gamma):
    K, b = len(losses), min(range(len(losses)), key=lambda a: (losses[a], a))
    p = [losses[b] / (K * losses[b] + gamma * (y - losses[b])) for y in losses]
    p[b] = 1.0 - sum(p[a] for a in range(K) if a != b)
    return p


def greedy_mix(predictions, eps):
    K, b = len(predictions), max(range(len(predictions)), key=lambda a: (predictions[a], -a))
    return [eps / K + (1.0 - eps if a == b else 0.0) for a in range(K)]


def draw(p, u):
    for i, mass in enumerate(p):
        u -= mass
        if u < 0.0:
            return i
    return len(p) - 1


class Mixture:
    """Weights of the members from all losses so far, anew in each round."""

    def __init__(self, members, loss, floor=0.0):
        self.members, self.loss = np.clip(members, floor, 1.0 - floor), loss
        self.past = []

    def predict(self, s):
        score = np.zeros(len(self.members))
        for x, a, y in self.past:
            f = self.members[:, x, a]
            score -= 0.5 * (f - y) ** 2 if self.loss == "square" else -np.log(f if y else 1.0 - f)
        weight = np.exp(score - score.max())
        return weight @ self.members[:, s] / weight.sum()

    def learn(self, s, a, y):
        self.past.append((s, a, y))


class Forecaster:
    """Vovk-Azoury-Warmuth with the system solved anew in each round."""

    def __init__(self, features, ridge):
        self.features, self.ridge, self.past = features, ridge, []

    def predict(self, s):
        d = self.features.shape[2]
        A, b = self.ridge * np.eye(d), np.zeros(d)
        for x, a, y in self.past:
            phi = self.features[x, a]
            A, b = A + np.outer(phi, phi), b + y * phi
        return np.array([phi @ np.linalg.solve(A + np.outer(phi, phi), b) for phi in self.features[s]])

    def learn(self, s, a, y):
        self.past.append((s, a, y))


class Optimist:
    """Ridge regression plus ``width`` standard widths, the system solved anew in each round."""

    def __init__(self, features, ridge, width):
        self.features, self.ridge, self.width, self.past = features, ridge, width, []

    def predict(self, s):
        x = np.array([self.features[s, a] for s, a, _ in self.past]).reshape(-1, self.features.shape[2])
        A = self.ridge * np.eye(x.shape[1]) + x.T @ x
        theta = np.linalg.solve(A, x.T @ np.array([y for _, _, y in self.past]))
        return [phi @ theta + self.width * math.sqrt(phi @ np.linalg.solve(A, phi)) for phi in self.features[s]]

    def learn(self, s, a, y):
        self.past.append((s, a, y))


class Means:
    """Mean reward of each cell, with ``weight`` observations of ``prior`` added."""

    def __init__(self, S, A, weight, prior):
        self.seen = [[[weight * prior, weight] for _ in range(A)] for _ in range(S)]

    def predict(self, s):
        return [total / times for total, times in self.seen[s]]

    def learn(self, s, a, y):
        self.seen[s][a][0] += y
        self.seen[s][a][1] += 1


def play(bandit, oracle, weights, T, rng, available=None):
    """Regret and squared error of the predictions after T rounds; three uniforms a round."""
    regret, error, D, f = 0.0, 0.0, bandit.context_distribution, bandit.means
    for _ in range(T):
        s = draw(D, rng.random())
        predictions = oracle.predict(s)
        p = weights(predictions) if available is None else weights(predictions, available[s])
        best = max(mean for a, mean in enumerate(f[s]) if available is None or available[s, a])
        regret += sum(q * (best - mean) for q, mean in zip(p, f[s], strict=True))
        error += sum(q * (y - mean) ** 2 for q, y, mean in zip(p, predictions, f[s], strict=True))
        a = draw(p, rng.random())
        oracle.learn(s, a, 1.0 if rng.random() < f[s, a] else 0.0)
    return [regret, error]


def epochs(bandit, members, T, rng, *, delta=None, scale=1.0, eps=None):
    """Regret and squared error of FALCON (with delta) or epsilon-greedy over least squares (with eps).

    Fits are made after 2, 4, 8, ... rounds.
    """
    N, S, K = members.shape
    regret, error, past, start, fitted, gamma = 0.0, 0.0, [], 0, np.full((S, K), 0.5), 0.0
    for t in range(T):
        if t in (2**i for i in range(1, 40)):
            used = past[start:] if delta is not None else past
            errors = [sum((f[x, a] - y) ** 2 for x, a, y in used) for f in members]
            fitted, start = members[int(np.argmin(errors))], t
            if delta is not None:
                gamma = scale / 30.0 * math.sqrt(K * t / math.log(N * t / delta))
        s = draw(bandit.context_distribution, rng.random())
        p = igw(fitted[s], gamma) if delta is not None else greedy_mix(fitted[s], eps)
        regret += sum(q * (max(bandit.means[s]) - mean) for q, mean in zip(p, bandit.means[s], strict=True))
        error += sum(q * (y - mean) ** 2 for q, y, mean in zip(p, fitted[s], bandit.means[s], strict=True))
        a = draw(p, rng.random())
        past.append((s, a, 1.0 if rng.random() < bandit.means[s, a] else 0.0))
    return [regret, error]


def loop(
    bandit, features, gamma, generations, memory, *, propensity=False, balanced=False, delay=0, ridge=0.0, rows=None,
    rng=None,
):  # fmt: skip
    """Deployed and greedy values, by numpy's least squares on weighted rows; of the expected log, or of ``rows``."""
    S, K = bandit.means.shape
    D, f, d = bandit.context_distribution, bandit.means, features.shape[1]
    p, table = np.full((S, K), 1.0 / K), np.zeros((S, K))
    logs, values, greedy = [], [], []
    for g in range(generations):
        known = logs[: max(0, g - delay)]
        if known:
            seen, paid = sum(known[-memory:] if memory else known)
            if balanced:
                up, down = (0.5 * seen.sum() / part.sum() for part in (paid, seen - paid))
                seen, paid = up * paid + down * (seen - paid), up * paid
            for a in range(K):
                root = np.sqrt(seen[:, a])
                left = np.concatenate((root[:, None] * features, math.sqrt(ridge) * np.eye(d)))
                right = np.concatenate((paid[:, a] / np.where(root > 0, root, 1.0), np.zeros(d)))
                table[:, a] = features @ np.linalg.lstsq(left, right, rcond=None)[0]
            p = np.array([igw(row.tolist(), gamma) for row in table])
        values.append(float(D @ (p * f).sum(axis=1)))
        greedy.append(float(D @ f[np.arange(S), table.argmax(axis=1)]))
        log = np.zeros((2, S, K))
        if rows is None:
            log[0] = D[:, None] * (np.ones((S, K)) if propensity else p)
            log[1] = log[0] * f
        for _ in range(rows or 0):
            s = draw(D, rng.random())
            a = draw(p[s], rng.random())
            mass = 1 / rows / (p[s, a] if propensity else 1.0)
            log[:, s, a] += mass, mass if rng.random() < f[s, a] else 0.0
        logs.append(log)
    return values, greedy
