"""Bandit learners written from their definitions, in plain Python; nothing here uses the package's kernels.

Draws are made in the order that the package documents, so that the same stream gives the same run.
"""

import math

import numpy as np
from scipy import optimize


def stream(seed, run=0):
    """Generator of run ``run`` under root seed ``seed``."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(run,))))


def bernoulli(means):
    return lambda t, a, rng: 1.0 if rng.random() < means[a] else 0.0


def gaussian(means, std):
    return lambda t, a, rng: means[a] + std[a] * rng.normal()


def adversarial(losses):
    return lambda t, a, rng: 1.0 - losses[t][a]


def first_largest(values):
    return max(range(len(values)), key=lambda i: (values[i], -i))


def play_index(k, n, index, reward, rng):
    """Pull each arm once, then the arm of largest ``index(t, mean, N)``; t counts rounds from 1."""
    rewards = [[] for _ in range(k)]
    actions = []
    for t in range(1, n + 1):
        a = t - 1 if t <= k else first_largest([index(t, sum(seen) / len(seen), len(seen)) for seen in rewards])
        rewards[a].append(reward(t - 1, a, rng))
        actions.append(a)
    return actions


def log_f(t):
    return math.log(1 + t * math.log(t) ** 2)


def ucb1(t, mean, N):
    return mean + math.sqrt(2 * math.log(t - 1) / N)


def ucb_delta(delta):
    return lambda t, mean, N: mean + math.sqrt(2 * math.log(1 / delta) / N)


def ucb_asymptotic(t, mean, N):
    return mean + math.sqrt(2 * log_f(t) / N)


def moss(n, k):
    return lambda t, mean, N: mean + math.sqrt(4 / N * max(0.0, math.log(n / (k * N))))


def kl(p, q):
    left = 0.0 if p == 0 else p * math.log(p / q)
    return left + (0.0 if p == 1 else (1 - p) * math.log((1 - p) / (1 - q)))


def kl_upper(p, level):
    """Largest q with kl(p, q) <= level, by bisection."""
    if p >= 1:
        return 1.0
    low, high = p, 1.0
    for _ in range(80):
        middle = (low + high) / 2
        if middle >= 1.0 or kl(p, middle) > level:
            high = middle
        else:
            low = middle
    return low


def kl_ucb(t, mean, N):
    return kl_upper(mean, log_f(t) / N)


def draw(weights, u):
    """First arm at which the running sum passes ``u`` times the total."""
    total, acc = sum(weights), 0.0
    for a, weight in enumerate(weights):
        acc += weight
        if u * total < acc:
            return a
    return max(a for a, weight in enumerate(weights) if weight > 0)


def exp3_probabilities(estimate, eta):
    least = min(estimate)
    weights = [math.exp(-eta * (x - least)) for x in estimate]
    return [w / sum(weights) for w in weights]


def play_exp3(k, n, eta, gamma, reward, rng, cost, weighted=True):
    """Return actions and the sum of ``p(a) cost(t, a)``."""
    estimate, actions, expected = [0.0] * k, [], 0.0
    for t in range(n):
        p = exp3_probabilities(estimate, eta)
        a = draw(p, rng.random())
        expected += sum(p[i] * cost(t, i) for i in range(k))
        loss = 1.0 - reward(t, a, rng)
        estimate[a] += loss / (p[a] + gamma) if weighted else loss
        actions.append(a)
    return actions, expected


def tsallis_probabilities(estimate, eta):
    """Weights 4/(eta (L - x))^2 with x found by bracketing."""
    least, k = min(estimate), len(estimate)

    def excess(below):
        return sum(4 / (eta * (x - least + below)) ** 2 for x in estimate) - 1

    below = optimize.brentq(excess, 2 / eta * (1 - 1e-12), 2 * math.sqrt(k) / eta * (1 + 1e-12), xtol=1e-13, rtol=1e-14)
    return [4 / (eta * (x - least + below)) ** 2 for x in estimate]


def play_tsallis(k, n, estimator, reward, rng, cost):
    estimate, actions, expected = [0.0] * k, [], 0.0
    for t in range(n):
        eta = (4 if estimator == "rv" else 2) / math.sqrt(t + 1)
        w = tsallis_probabilities(estimate, eta)
        a = draw(w, rng.random())
        expected += sum(w[i] * cost(t, i) for i in range(k))
        loss = 1.0 - reward(t, a, rng)
        for i in range(k):
            base = 0.5 if estimator == "rv" and w[i] >= eta**2 else 0.0
            if estimator == "unweighted":
                estimate[i] += loss if i == a else 0.0
            else:
                estimate[i] += base + ((loss - base) / w[i] if i == a else 0.0)
        actions.append(a)
    return actions, expected


def gamma_variate(shape, rng):
    """Marsaglia and Tsang (2000), with their boost for shapes below 1."""
    d = (shape if shape >= 1 else shape + 1) - 1 / 3
    while True:
        x = rng.standard_normal()
        v = (1 + x / math.sqrt(9 * d)) ** 3
        if v <= 0:
            continue
        u = rng.random()
        if u < 1 - 0.0331 * x**4 or math.log(1 - u) < 0.5 * x * x + d * (1 - v + math.log(v)):
            break
    return d * v * ((1 - rng.random()) ** (1 / shape) if shape < 1 else 1.0)


def play_beta(k, n, prior, reward, rng, greedy=False):
    shape = [list(prior) for _ in range(k)]
    actions = []
    for t in range(n):
        draws = []
        for a, b in shape:
            x, y = (a, b) if greedy else (gamma_variate(a, rng), gamma_variate(b, rng))
            draws.append(x / (x + y))
        arm = first_largest(draws)
        shape[arm][0 if reward(t, arm, rng) == 1.0 else 1] += 1
        actions.append(arm)
    return actions


def play_normal(k, n, std, reward, rng, prior=None):
    """Normal posteriors with known noise; the flat prior where none is given."""
    rewards = [[] for _ in range(k)]
    actions = []
    for t in range(n):
        if prior is None and t < k:
            arm = t
        else:
            draws = []
            for a in range(k):
                m0, s0 = prior or (0.0, math.inf)
                precision = 1 / s0**2 + len(rewards[a]) / std[a] ** 2
                mean = (m0 / s0**2 + sum(rewards[a]) / std[a] ** 2) / precision
                draws.append(mean + rng.standard_normal() / math.sqrt(precision))
            arm = first_largest(draws)
        rewards[arm].append(reward(t, arm, rng))
        actions.append(arm)
    return actions


def play_epsilon_greedy(k, n, chance, reward, rng):
    """``chance(t)`` is the probability of exploration in round t, counted from 1."""
    rewards = [[] for _ in range(k)]
    actions = []
    for t in range(1, n + 1):
        if t <= k:
            a = t - 1
        else:
            u, p = rng.random(), chance(t)
            a = int(u / p * k) if u < p else first_largest([sum(seen) / len(seen) for seen in rewards])
        rewards[a].append(reward(t - 1, a, rng))
        actions.append(a)
    return actions
