"""Kernels of the linear-Q learners: policies, occupancies, covariances, estimates, dilated bonuses, the run."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..._jit import kernel
from ...simulation.sampling import _draw
from ._steps import _NEWTON, _hedge, _log_barrier

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Arena(NamedTuple):
    """A model with losses and features, all arrays read-only; T is 1 where all steps share a table, else H."""

    P: Floats  # (T, S, A, S)
    mu0: Floats  # (S,)
    losses: Floats  # (K, H, S, A)
    phi: Floats  # (T, S, A, d)
    design: Floats  # (S, A), exploration mixed into every policy


class Rule(NamedTuple):
    """What sets the learners apart."""

    eta: float
    beta: float
    gamma: float
    mixing: float  # weight of the exploration design
    hedge: bool  # exponential weights instead of the log barrier
    reduced: bool  # magnitude-reduced estimates
    centred: bool  # with their mean correction
    trajectories: int  # of the simulator, an episode; 0: exact expectations


@kernel
def _policies(G: Floats, rule: Rule, design: Floats, pi: Floats) -> None:
    """Write the policies that the cumulative estimates ``G`` (H, S, A) call for."""
    H, S, A = G.shape
    for h in range(H):
        for s in range(S):
            if rule.hedge:
                _hedge(G[h, s], rule.eta, pi[h, s])
            else:
                _log_barrier(G[h, s], rule.eta, _NEWTON, pi[h, s])
            if rule.mixing > 0.0:
                for a in range(A):
                    pi[h, s, a] = (1.0 - rule.mixing) * pi[h, s, a] + rule.mixing * design[s, a]


@kernel
def _occupancies(P: Floats, mu0: Floats, pi: Floats, d: Floats) -> None:
    """Write the occupancies ``d`` (H, S, A) of ``pi``."""
    H, S, A = pi.shape
    here, ahead = mu0.copy(), np.empty(S)
    for h in range(H):
        t = h % P.shape[0]
        ahead[:] = 0.0
        for s in range(S):
            for a in range(A):
                mass = here[s] * pi[h, s, a]
                d[h, s, a] = mass
                if mass > 0.0 and h + 1 < H:
                    for y in range(S):
                        ahead[y] += mass * P[t, s, a, y]
        here[:] = ahead


@kernel
def _rollout(P: Floats, mu0: Floats, pi: Floats, rng: np.random.Generator, states: Ints, actions: Ints) -> None:
    """Draw one episode: initial state, then action and successor of each step."""
    H = pi.shape[0]
    s = _draw(mu0, rng.random())
    for h in range(H):
        a = _draw(pi[h, s], rng.random())
        states[h], actions[h] = s, a
        if h + 1 < H:
            s = _draw(P[h % P.shape[0], s, a], rng.random())


@kernel
def _inverse(matrix: Floats, factor: Floats, out: Floats) -> bool:
    """Invert a symmetric positive definite matrix by Cholesky's factor; False where it is not definite."""
    d = matrix.shape[0]
    for j in range(d):
        pivot = matrix[j, j]
        for k in range(j):
            pivot -= factor[j, k] * factor[j, k]
        if not pivot > 1e-14 * matrix[j, j]:
            return False
        factor[j, j] = math.sqrt(pivot)
        for i in range(j + 1, d):
            x = matrix[i, j]
            for k in range(j):
                x -= factor[i, k] * factor[j, k]
            factor[i, j] = x / factor[j, j]
    for j in range(d):  # the factor's inverse, in the lower triangle
        factor[j, j] = 1.0 / factor[j, j]
        for i in range(j + 1, d):
            x = 0.0
            for k in range(j, i):
                x -= factor[i, k] * factor[k, j]
            factor[i, j] = x / factor[i, i]
    for i in range(d):
        for j in range(i + 1):
            x = 0.0
            for k in range(i, d):
                x += factor[k, i] * factor[k, j]
            out[i, j] = x
            out[j, i] = x
    return True


@kernel
def _add_outer(weight: float, x: Floats, matrix: Floats) -> None:
    """Add ``weight`` times the outer square of ``x``."""
    for i in range(x.shape[0]):
        for j in range(x.shape[0]):
            matrix[i, j] += weight * x[i] * x[j]


@kernel
def _covariance(weights: Floats, phi: Floats, gamma: float, matrix: Floats) -> None:
    """Write ``gamma I`` plus the sum of ``weights`` (S, A) times outer squares of ``phi`` (S, A, d)."""
    matrix[:] = 0.0
    for i in range(matrix.shape[0]):
        matrix[i, i] = gamma
    for s in range(phi.shape[0]):
        for a in range(phi.shape[1]):
            if weights[s, a] > 0.0:
                _add_outer(weights[s, a], phi[s, a], matrix)


@kernel
def _widths(phi: Floats, inverse: Floats, image: Floats, n: Floats) -> None:
    """Write ``image[s, a]`` = inverse phi(s, a) and ``n[s, a]`` = phi(s, a)' inverse phi(s, a)."""
    S, A, d = phi.shape
    for s in range(S):
        for a in range(A):
            total = 0.0
            for i in range(d):
                x = 0.0
                for j in range(d):
                    x += inverse[i, j] * phi[s, a, j]
                image[s, a, i] = x
                total += x * phi[s, a, i]
            n[s, a] = total


@kernel
def _dot(x: Floats, y: Floats) -> float:
    """Inner product, summed in order."""
    total = 0.0
    for i in range(x.shape[0]):
        total += x[i] * y[i]
    return total


@kernel
def _negative_part(weights: Floats, phi: Floats, image: Floats) -> float:
    """Mean of min(phi' image, 0) under ``weights`` (S, A)."""
    total = 0.0
    for s in range(phi.shape[0]):
        for a in range(phi.shape[1]):
            if weights[s, a] > 0.0:
                total += weights[s, a] * min(_dot(phi[s, a], image), 0.0)
    return total


@kernel
def _estimate(z: float, loss: float, H: int, reduced: bool, mean: float) -> float:
    """Estimate of Q from z = phi(s, a)' inverse phi(seen): plain z L, or reduced z L - H min(z, 0) + mean."""
    if reduced:
        return z * loss - H * min(z, 0.0) + mean
    return z * loss


@kernel
def _dilate(P: Floats, pi: Floats, b: Floats, factor: float, B: Floats) -> None:
    """Write B_h = b_h + factor P_h <pi_{h+1}, B_{h+1}> backwards; all arrays (H, S, A)."""
    H, S, A = b.shape
    ahead = np.zeros(S)
    for back in range(H):
        h = H - 1 - back
        for s in range(S):
            for a in range(A):
                mean = 0.0
                if h + 1 < H:
                    for y in range(S):
                        mean += P[h % P.shape[0], s, a, y] * ahead[y]
                B[h, s, a] = b[h, s, a] + factor * mean
        for s in range(S):
            ahead[s] = _dot(pi[h, s], B[h, s])


@kernel
def _dilate_sampled(P: Floats, pi: Floats, b: Floats, factor: float, rng: np.random.Generator, B: Floats) -> None:
    """Estimate the dilated bonus from one successor and one action for each (h, s, a), used wherever it recurs."""
    H, S, A = b.shape
    for back in range(H):
        h = H - 1 - back
        for s in range(S):
            for a in range(A):
                B[h, s, a] = b[h, s, a]
                if h + 1 < H:
                    y = _draw(P[h % P.shape[0], s, a], rng.random())
                    B[h, s, a] += factor * B[h + 1, y, _draw(pi[h + 1, y], rng.random())]


@kernel
def _multinomial(count: int, p: Floats, rng: np.random.Generator, out: Ints) -> None:
    """Split ``count`` draws over the cells of ``p``: one binomial a cell, the last positive cell takes what is left."""
    left, mass, last = count, 1.0, 0
    for i in range(p.shape[0]):
        out[i] = 0
        if p[i] > 0.0:
            last = i
    for i in range(last):
        if p[i] > 0.0 and left > 0:
            out[i] = rng.binomial(left, min(p[i] / mass, 1.0)) if p[i] < mass else left
            left -= out[i]
            mass -= p[i]
    out[last] = left


@kernel
def _visit_frequencies(arena: Arena, pi: Floats, count: int, rng: np.random.Generator, out: Floats) -> None:
    """Write the frequencies (H, S, A) of visits in ``count`` simulated episodes.

    The episodes are drawn together, step by step: how many go where is multinomial, at a cost that does not depend
    on their number.
    """
    H, S, A = pi.shape
    here, ahead = np.empty(S, dtype=np.int64), np.empty(S, dtype=np.int64)
    following, taken = np.empty(S, dtype=np.int64), np.empty(A, dtype=np.int64)
    _multinomial(count, arena.mu0, rng, here)
    for h in range(H):
        ahead[:] = 0
        for s in range(S):
            _multinomial(here[s], pi[h, s], rng, taken)
            for a in range(A):
                out[h, s, a] = taken[a] / count
                if h + 1 < H and taken[a] > 0:
                    _multinomial(taken[a], arena.P[h % arena.P.shape[0], s, a], rng, following)
                    for y in range(S):
                        ahead[y] += following[y]
        here[:] = ahead


@kernel
def _play(arena: Arena, rule: Rule, rng: np.random.Generator, values: Floats, pi: Floats) -> bool:
    """Play all episodes; write exact losses (K,) and the last policy (H, S, A). False for a singular covariance."""
    K, H, S, A = arena.losses.shape
    d = arena.phi.shape[3]
    G, Q = np.zeros((H, S, A)), np.empty((H, S, A))
    law, drawn, fresh = np.empty((H, S, A)), np.empty((H, S, A)), np.empty((H, S, A))
    b, B, n, image = np.empty((H, S, A)), np.zeros((H, S, A)), np.empty((S, A)), np.empty((S, A, d))
    matrix, factor, inverse = np.empty((d, d)), np.empty((d, d)), np.empty((d, d))
    states, actions = np.empty(H, dtype=np.int64), np.empty(H, dtype=np.int64)
    for k in range(K):
        _policies(G, rule, arena.design, pi)
        _occupancies(arena.P, arena.mu0, pi, law)
        total = 0.0
        for h in range(H):
            for s in range(S):
                for a in range(A):
                    total += law[h, s, a] * arena.losses[k, h, s, a]
        values[k] = total
        _rollout(arena.P, arena.mu0, pi, rng, states, actions)
        if rule.trajectories > 0:
            _visit_frequencies(arena, pi, rule.trajectories, rng, drawn)
            if rule.reduced:
                _visit_frequencies(arena, pi, rule.trajectories, rng, fresh)
        else:
            drawn[:] = law
            fresh[:] = law
        ahead = 0.0
        for back in range(H):
            h = H - 1 - back
            phi = arena.phi[h % arena.phi.shape[0]]
            ahead += arena.losses[k, h, states[h], actions[h]]
            _covariance(drawn[h], phi, rule.gamma, matrix)
            if not _inverse(matrix, factor, inverse):
                return False
            _widths(phi, inverse, image, n)
            seen = phi[states[h], actions[h]]
            for s in range(S):
                own = _dot(pi[h, s], n[s])
                for a in range(A):
                    mean = 0.0
                    if rule.reduced and rule.centred:
                        mean = H * _negative_part(fresh[h], phi, image[s, a])
                    Q[h, s, a] = _estimate(_dot(image[s, a], seen), ahead, H, rule.reduced, mean)
                    b[h, s, a] = rule.beta * (n[s, a] + own)
        if rule.beta > 0.0:
            if rule.trajectories > 0:
                _dilate_sampled(arena.P, pi, b, 1.0 + 1.0 / H, rng, B)
            else:
                _dilate(arena.P, pi, b, 1.0 + 1.0 / H, B)
        for h in range(H):
            for s in range(S):
                for a in range(A):
                    G[h, s, a] += Q[h, s, a] - B[h, s, a]
    return True
