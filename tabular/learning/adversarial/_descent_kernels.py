"""Kernels of mirror descent on occupancy measures."""

import math

import numpy as np
import numpy.typing as npt

from ..._jit import kernel
from ._linear_kernels import _dot, _inverse, _occupancies, _rollout

Floats = npt.NDArray[np.float64]


@kernel
def _tilted(P: Floats, weights: Floats, v: Floats, q: Floats) -> float:
    """Write q = weights exp(-v_h(s) + P v_{h+1}); return their sum. ``v`` (H + 1, S) ends in zeros."""
    H, S, A = weights.shape
    total = 0.0
    for h in range(H):
        for s in range(S):
            for a in range(A):
                exponent = -v[h, s]
                if h + 1 < H:
                    exponent += _dot(P[h % P.shape[0], s, a], v[h + 1])
                q[h, s, a] = weights[h, s, a] * math.exp(min(exponent, 600.0))
                total += q[h, s, a]
    return total


@kernel
def _project_flow(P: Floats, mu0: Floats, weights: Floats, tol: float, v: Floats, q: Floats) -> bool:
    """Write the relative-entropy projection of ``weights`` (H, S, A) onto the occupancies of ``P``: damped Newton."""
    H, S, A = weights.shape
    n = H * S
    gradient, hessian = np.empty(n), np.empty((n, n))
    factor, inverse = np.empty((n, n)), np.empty((n, n))
    step, trial, x = np.zeros((H + 1, S)), np.zeros((H + 1, S)), np.empty(n)
    value = _tilted(P, weights, v, q) + _dot(mu0, v[0])
    for _ in range(100):
        gradient[:] = 0.0
        hessian[:] = 0.0
        for s in range(S):
            gradient[s] = mu0[s]
        for h in range(H):
            for s in range(S):
                for a in range(A):
                    mass = q[h, s, a]
                    gradient[h * S + s] -= mass
                    x[h * S + s] = -1.0
                    if h + 1 < H:
                        for y in range(S):
                            x[(h + 1) * S + y] = P[h % P.shape[0], s, a, y]
                            gradient[(h + 1) * S + y] += mass * x[(h + 1) * S + y]
                    if mass > 0.0:
                        stop = (h + 2) * S if h + 1 < H else n
                        for i in range(h * S, stop):
                            if i < (h + 1) * S and i != h * S + s:
                                continue
                            for j in range(h * S, stop):
                                if j < (h + 1) * S and j != h * S + s:
                                    continue
                                hessian[i, j] += mass * x[i] * x[j]
        worst = 0.0
        for i in range(n):
            worst = max(worst, abs(gradient[i]))
            hessian[i, i] += 1e-13
        if worst <= tol:
            return True
        if not _inverse(hessian, factor, inverse):
            for i in range(n):
                hessian[i, i] += 1e-8
            if not _inverse(hessian, factor, inverse):
                return False
        slope = 0.0
        for i in range(n):
            step[i // S, i % S] = -_dot(inverse[i], gradient)
            slope += step[i // S, i % S] * gradient[i]
        length = 1.0
        for _halving in range(60):
            for h in range(H):
                for s in range(S):
                    trial[h, s] = v[h, s] + length * step[h, s]
            found = _tilted(P, weights, trial, q) + _dot(mu0, trial[0])
            if found <= value + 1e-4 * length * slope + 1e-15:
                break
            length *= 0.5
        value = found
        v[:] = trial
    return False


@kernel
def _play_o_reps(
    P: Floats, mu0: Floats, losses: Floats, eta: float, implicit: float, tol: float, rng: np.random.Generator,
    values: Floats, pi: Floats,
) -> int:  # fmt: skip
    """Play all episodes; write exact losses (K,) and the last policy. Returns the episode that failed, or -1."""
    K, H, S, A = losses.shape
    law, q = np.empty((H, S, A)), np.empty((H, S, A))
    v = np.zeros((H + 1, S))
    states, actions = np.empty(H, dtype=np.int64), np.empty(H, dtype=np.int64)
    pi[:] = 1.0 / A
    for k in range(K):
        _occupancies(P, mu0, pi, law)
        total = 0.0
        for h in range(H):
            for s in range(S):
                total += _dot(law[h, s], losses[k, h, s])
        values[k] = total
        _rollout(P, mu0, pi, rng, states, actions)
        for h in range(H):
            s, a = states[h], actions[h]
            law[h, s, a] *= math.exp(-eta * losses[k, h, s, a] / (law[h, s, a] + implicit))
        v[:] = 0.0
        if not _project_flow(P, mu0, law, tol, v, q):
            return k
        for h in range(H):
            for s in range(S):
                mass = 0.0
                for a in range(A):
                    mass += q[h, s, a]
                for a in range(A):
                    pi[h, s, a] = q[h, s, a] / mass if mass > 0.0 else 1.0 / A
    return -1


@kernel
def _largest_mean(low: Floats, high: Floats, f: Floats, order: npt.NDArray[np.int64]) -> float:
    """Largest mean of ``f`` over rows between ``low`` and ``high``: mass goes to the largest entries first."""
    left, total = 1.0, 0.0
    for y in range(f.shape[0]):
        left -= low[y]
        total += low[y] * f[y]
    for i in range(f.shape[0] - 1, -1, -1):
        y = order[i]
        more = min(high[y] - low[y], left)
        if more > 0.0:
            total += more * f[y]
            left -= more
    return total


@kernel
def _largest_visit(low: Floats, high: Floats, mu0: Floats, pi: Floats, step: int, state: int) -> float:
    """Largest probability that ``pi`` is in ``state`` at ``step``, over the confidence set."""
    S, A = pi.shape[1:]
    f = np.zeros(S)
    f[state] = 1.0
    for back in range(step):
        h = step - 1 - back
        order = np.argsort(f)
        following = np.zeros(S)
        for s in range(S):
            for a in range(A):
                following[s] += pi[h, s, a] * _largest_mean(low[h, s, a], high[h, s, a], f, order)
        f = following
    return _dot(mu0, f)
