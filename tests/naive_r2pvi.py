"""R2PVI and its baselines from their definitions: one row at a time, dense matrices, thresholds on a fine grid.

Nothing here uses the package's kernels.
"""

import math

import numpy as np
from scipy.optimize import linprog


def combined(phi, inverse, combine):
    """Uncertainty of one feature vector."""
    if combine == "norm":
        return math.sqrt(phi @ inverse @ phi)
    each = [phi[i] * math.sqrt(inverse[i, i]) for i in range(len(phi))]
    return sum(each) if combine == "l1" else math.sqrt(sum(x * x for x in each))


def action_values(phi, reward, w, inverse, beta, combine, cap, floor):
    """Q of one step, shape (S, A)."""
    S, A, _ = phi.shape
    Q = np.empty((S, A))
    for s in range(S):
        for a in range(A):
            q = reward[s, a] + phi[s, a] @ w - beta * combined(phi[s, a], inverse, combine)
            Q[s, a] = max(min(q, cap), floor)
    return Q


def learn(data, phi, theta, estimate, *, beta, ridge, combine="l1", floor=0.0, regress_rewards=False, fail=()):
    """Backward induction; ``estimate(inverse, features, y, V_next)`` returns the dual values of one step.

    Returns Q (H, S, A) and the weights (H, d).
    """
    H = data.H
    S, A, d = phi.shape
    V = np.zeros(S)
    Q, weights = np.zeros((H, S, A)), np.zeros((H, d))
    for h in range(H - 1, -1, -1):
        rows = [i for i in range(data.N) if data.h[i] == h]
        features = np.array([phi[data.s[i], data.a[i]] for i in rows]).reshape(len(rows), d)
        inverse = np.linalg.inv(ridge * np.eye(d) + features.T @ features)
        y = np.array([V[data.s_next[i]] for i in rows])
        if regress_rewards:
            y = y + data.r[rows]
        if h < H - 1 or regress_rewards:
            weights[h] = estimate(inverse, features, y, V)
        reward = np.zeros((S, A)) if regress_rewards else phi @ theta[h]
        Q[h] = action_values(phi, reward, weights[h], inverse, beta, combine, H - h, floor)
        for s in fail:
            Q[h, s] = 0.0
        V = Q[h].max(axis=1)
    return Q, weights


def mean(inverse, features, y, V):
    return inverse @ features.T @ y


def tv(penalty, minimum="states"):
    def estimate(inverse, features, y, V):
        low = V.min() if minimum == "states" else y.min() if y.size else 0.0
        return inverse @ features.T @ np.minimum(y, low + penalty)

    return estimate


def kl(penalty, H):
    def estimate(inverse, features, y, V):
        w = inverse @ features.T @ np.exp(-y / penalty)
        return np.array([-penalty * math.log(max(x, math.exp(-H / penalty))) for x in w])

    return estimate


def regressions(inverse, features, y, at):
    low = np.minimum(y, at)
    return inverse @ features.T @ low, inverse @ features.T @ low**2


def chi2_objective(inverse, features, y, at, penalty, H, clip=False):
    z, z2 = regressions(inverse, features, y, at)
    if clip:
        z, z2 = np.clip(z, 0.0, H), np.clip(z2, 0.0, H * H)
    return z + z**2 / (4 * penalty) - z2 / (4 * penalty)


def tv_radius_objective(inverse, features, y, at, radius):
    return regressions(inverse, features, y, at)[0] - radius * at


def chi2_radius_objective(inverse, features, y, at, radius):
    z, z2 = regressions(inverse, features, y, at)
    return z - np.sqrt(radius * np.maximum(z2 - z**2, 0.0))


def kl_radius_objective(inverse, features, y, at, radius):
    z = inverse @ features.T @ (np.exp(-y / at) - 1.0)
    return -at * np.log(np.maximum(1.0 + z, 1e-6)) - at * radius


def variances(inverse, features, y, H):
    """Return the variance of every row, from the regressions of the pilot's values ahead."""
    z1, z2 = inverse @ features.T @ y, inverse @ features.T @ y**2
    return np.array([max(1.0, min(max(f @ z2, 0.0), H * H) - min(max(f @ z1, 0.0), H) ** 2) for f in features])


def double_minimum(p, V, confidence, radius):
    """Smallest q @ V with TV(q, m) <= radius and TV(m, p) <= confidence, by one linear program."""
    n = len(p)
    # variables: q, m, |q - m|, |m - p|
    eye, zero = np.eye(n), np.zeros((n, n))
    upper = np.block(
        [
            [eye, -eye, -eye, zero],
            [-eye, eye, -eye, zero],
            [zero, eye, zero, -eye],
            [zero, -eye, zero, -eye],
            [np.zeros((1, 2 * n)), np.ones((1, n)), np.zeros((1, n))],
            [np.zeros((1, 3 * n)), np.ones((1, n))],
        ]
    )
    limit = np.concatenate([np.zeros(2 * n), p, -p, [2 * radius, 2 * confidence]])
    equal = np.zeros((2, 4 * n))
    equal[0, :n] = equal[1, n : 2 * n] = 1.0
    found = linprog(np.concatenate([V, np.zeros(3 * n)]), upper, limit, equal, [1.0, 1.0], method="highs")
    return found.fun
