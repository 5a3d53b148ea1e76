"""Kernels of the simulator-free learner: a policy cover, blocks of frozen policies, least-squares bonuses."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..._jit import kernel
from ...simulation.sampling import _draw
from ._linear_kernels import Arena, Rule, _add_outer, _dot, _inverse, _occupancies, _policies, _rollout, _widths

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Blocks(NamedTuple):
    """How the simulator-free learner spends its episodes."""

    cover: int  # episodes of the cover phase
    length: int  # episodes of a block
    explore: float  # probability of an exploring episode
    threshold: float  # a state is known where all its widths under the cover are at most this
    planned: bool  # the cover is planned with the true transitions


@kernel
def _plan_cover(
    arena: Arena, inverse: Floats, trace: Ints, seen: int, planned: bool, width: Floats, image: Floats, pi: Floats
) -> None:
    """Write the greedy policy (H, S, A) for rewards min(1, phi' inverse phi): on the model, or by least squares.

    ``trace`` (episodes, H, 3) holds state, action and successor of the ``seen`` episodes so far.
    """
    H, S, A = pi.shape
    d = inverse.shape[1]
    ahead, w, x = np.zeros(S), np.empty(d), np.empty(d)
    for back in range(H):
        h = H - 1 - back
        phi = arena.phi[h % arena.phi.shape[0]]
        _widths(phi, inverse[h], image, width)
        x[:] = 0.0
        if h + 1 < H and not planned:
            for i in range(seen):
                for j in range(d):
                    x[j] += phi[trace[i, h, 0], trace[i, h, 1], j] * ahead[trace[i, h, 2]]
        for i in range(d):
            w[i] = _dot(inverse[h, i], x)
        following = np.zeros(S)
        for s in range(S):
            best, choice = -1.0, 0
            for a in range(A):
                q = min(1.0, width[s, a])
                if h + 1 < H and planned:
                    for y in range(S):
                        q += arena.P[h % arena.P.shape[0], s, a, y] * ahead[y]
                elif h + 1 < H:
                    q += min(width[s, a] ** 0.5, 1.0) * (H - 1 - h) + _dot(phi[s, a], w)
                q = min(max(q, 0.0), H - h)
                if q > best:
                    best, choice = q, a
            pi[h, s] = 0.0
            pi[h, s, choice] = 1.0
            following[s] = best
        ahead = following


@kernel
def _policy_cover(
    arena: Arena, count: int, planned: bool, rng: np.random.Generator, policies: Floats, inverse: Floats
) -> None:
    """Play ``count`` episodes that seek what is least known; write their policies and inverse covariances (H, d, d)."""
    H, S, A = policies.shape[1:]
    d = inverse.shape[1]
    gram, factor = np.zeros((H, d, d)), np.empty((d, d))
    width, image = np.empty((S, A)), np.empty((S, A, d))
    trace = np.zeros((count, H, 3), dtype=np.int64)
    states, actions = np.empty(H, dtype=np.int64), np.empty(H, dtype=np.int64)
    for h in range(H):
        for i in range(d):
            gram[h, i, i] = 1.0
            for j in range(d):
                inverse[h, i, j] = 1.0 if i == j else 0.0
    for k in range(count):
        _plan_cover(arena, inverse, trace, k, planned, width, image, policies[k])
        _rollout(arena.P, arena.mu0, policies[k], rng, states, actions)
        for h in range(H):
            trace[k, h, 0], trace[k, h, 1] = states[h], actions[h]
            if h + 1 < H:
                trace[k, h, 2] = states[h + 1]
            _add_outer(1.0, arena.phi[h % arena.phi.shape[0], states[h], actions[h]], gram[h])
            _inverse(gram[h], factor, inverse[h])


@kernel
def _mean_loss(law: Floats, losses: Floats) -> float:
    """Return the expected loss of an episode, from occupancies (H, S, A)."""
    total = 0.0
    for h in range(law.shape[0]):
        for s in range(law.shape[1]):
            total += _dot(law[h, s], losses[h, s])
    return total


@kernel
def _explore(
    arena: Arena, first: Floats, pi: Floats, switch: int, rng: np.random.Generator, states: Ints, actions: Ints
) -> None:
    """Draw one episode of ``first`` up to and including step ``switch``, and of ``pi`` after it."""
    H = pi.shape[0]
    s = _draw(arena.mu0, rng.random())
    for h in range(H):
        a = _draw(first[h, s] if h <= switch else pi[h, s], rng.random())
        states[h], actions[h] = s, a
        if h + 1 < H:
            s = _draw(arena.P[h % arena.P.shape[0], s, a], rng.random())


@kernel
def _play_without_simulator(
    arena: Arena, rule: Rule, blocks: Blocks, rng: np.random.Generator, values: Floats, pi: Floats, known: Floats
) -> None:
    """Cover phase, then blocks; write exact losses (K,), the last policy, and the known states (H, S) as 0 or 1."""
    K, H, S, A = arena.losses.shape
    d = arena.phi.shape[3]
    policies, cover = np.empty((blocks.cover, H, S, A)), np.empty((H, d, d))
    _policy_cover(arena, blocks.cover, blocks.planned, rng, policies, cover)
    width, image, law = np.empty((S, A)), np.empty((S, A, d)), np.empty((H, S, A))
    for k in range(blocks.cover):
        _occupancies(arena.P, arena.mu0, policies[k], law)
        values[k] = _mean_loss(law, arena.losses[k])
    # an exploring episode takes one policy of the cover up to a random step; its law is the mean over both
    explored, mixed, switched = np.zeros((H, S, A)), np.empty((H, S, A)), np.empty((H, S, A))
    for h in range(H):
        _widths(arena.phi[h % arena.phi.shape[0]], cover[h], image, width)
        for s in range(S):
            known[h, s] = 1.0 if width[s].max() <= blocks.threshold else 0.0
    G, Q, B = np.zeros((H, S, A)), np.empty((H, S, A)), np.empty((H, S, A))
    matrix, factor, inverse = np.empty((H, d, d)), np.empty((d, d)), np.empty((H, d, d))
    moment, w = np.empty((H, d)), np.empty(d)
    states, actions = np.empty(H, dtype=np.int64), np.empty(H, dtype=np.int64)
    fits = np.empty((blocks.length, H, 3), dtype=np.int64)
    start = blocks.cover
    while start < K:
        stop = min(start + blocks.length, K)
        _policies(G, rule, arena.design, pi)
        _occupancies(arena.P, arena.mu0, pi, law)
        explored[:] = 0.0
        for i in range(blocks.cover):
            for switch in range(H):
                for h in range(H):
                    switched[h] = policies[i, h] if h <= switch else pi[h]
                _occupancies(arena.P, arena.mu0, switched, mixed)
                for h in range(H):
                    for s in range(S):
                        for a in range(A):
                            explored[h, s, a] += mixed[h, s, a] / (blocks.cover * H)
        matrix[:] = 0.0
        moment[:] = 0.0
        half, stored = start + (stop - start) // 2, 0
        drawn = np.zeros((2, H))
        for k in range(start, stop):
            values[k] = (1.0 - blocks.explore) * _mean_loss(law, arena.losses[k])
            values[k] += blocks.explore * _mean_loss(explored, arena.losses[k])
            switch = -1
            if rng.random() < blocks.explore:
                switch = int(rng.random() * H)
                _explore(arena, policies[int(rng.random() * blocks.cover)], pi, switch, rng, states, actions)
            else:
                _rollout(arena.P, arena.mu0, pi, rng, states, actions)
            ahead = 0.0
            part = 0 if k < half else 1
            for back in range(H):
                h = H - 1 - back
                ahead += arena.losses[k, h, states[h], actions[h]]
                phi = arena.phi[h % arena.phi.shape[0], states[h], actions[h]]
                if h < switch:
                    break
                drawn[part, h] += 1.0
                if part == 0:
                    _add_outer(1.0, phi, matrix[h])
                else:
                    for i in range(d):
                        moment[h, i] += phi[i] * ahead
            if part == 1:
                for h in range(H):
                    fits[stored, h, 0] = states[h] if h >= switch else -1
                    fits[stored, h, 1] = actions[h]
                    fits[stored, h, 2] = states[h + 1] if h + 1 < H else 0
                stored += 1
        for back in range(H):
            h = H - 1 - back
            phi = arena.phi[h % arena.phi.shape[0]]
            for i in range(d):
                for j in range(d):
                    matrix[h, i, j] /= max(drawn[0, h], 1.0)
                matrix[h, i, i] += rule.gamma
                moment[h, i] /= max(drawn[1, h], 1.0)
            _inverse(matrix[h], factor, inverse[h])
            _widths(phi, inverse[h], image, width)
            w[:] = 0.0
            if h + 1 < H:
                for i in range(stored):
                    if fits[i, h, 0] >= 0:
                        y = fits[i, h, 2]
                        target = (1.0 + 1.0 / H) * _dot(pi[h + 1, y], B[h + 1, y]) / max(drawn[1, h], 1.0)
                        for j in range(d):
                            w[j] += phi[fits[i, h, 0], fits[i, h, 1], j] * target
            for s in range(S):
                own = _dot(pi[h, s], width[s])
                for a in range(A):
                    Q[h, s, a] = _dot(image[s, a], moment[h])
                    B[h, s, a] = max(_dot(image[s, a], w), 0.0)
                    if known[h, s] > 0.0:
                        B[h, s, a] += rule.beta * (width[s, a] + own)
                    G[h, s, a] += Q[h, s, a] - B[h, s, a]
        start = stop
