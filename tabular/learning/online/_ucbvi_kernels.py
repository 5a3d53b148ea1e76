"""Kernels of UCBVI, shaped like the pseudocode of Azar, Osband and Munos (2017), Algorithms 1 to 4."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..._jit import kernel
from ...simulation.offline import _reward
from ...simulation.sampling import _draw
from ._counts import (
    Counts,
    _dense_means,
    _dense_variances,
    _is_dense,
    _record,
    _sparse_means,
    _sparse_variances,
)
from ._episodes import Dynamics, _margin, _next_state, _policy_value

__all__ = ["Optimist", "UcbviRule", "optimist"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class UcbviRule(NamedTuple):
    """How UCBVI plans and learns.

    Beyond ``n`` visits the bonus is ``first / sqrt(n) + second / n``, in UCBVI-BF also
    ``third / sqrt(n) * (sqrt(L * variance) + sqrt(correction))``, where the correction is the empirical mean, over
    the next state y, of ``min(crowd / N'(y), H**2)``.
    """

    bernstein: bool
    optimistic: bool  # False: nothing is added for what is unknown, and values may rise again
    learns_rewards: bool
    first: float
    second: float
    third: float
    L: float
    crowd: float
    reward_width: float  # of the mean reward, in units of 1/sqrt(n)


class Optimist(NamedTuple):
    """What UCBVI knows beside its counts, its plan, and workspaces; T = 1 for shared counts, H for those of a step."""

    r: Floats  # (R, S, A) what the plan adds as reward; R is 1 or H
    earned: Floats  # (T, S, A) sum of the rewards seen
    arrivals: Floats  # (H + 1, S) how often each state was reached at each step
    known_part: Floats  # (T, S, A) part of the bonus that the count alone gives; infinite where unseen
    third_part: Floats  # (T, S, A) factor of the deviations in the bonus of UCBVI-BF
    Q: Floats  # (H, S, A) upper bounds
    V: Floats  # (H + 1, S), V[H] = 0
    policy: Ints  # (H, S)
    mean: Floats  # (S * A,) workspace, as are the next two
    variance: Floats
    correction: Floats
    share: Floats  # (1, S) workspace


def optimist(r: Floats | None, T: int, S: int, A: int, H: int, optimistic: bool) -> Optimist:
    """Return what UCBVI knows before the first episode; ``r`` (H, S, A) where rewards are known, None otherwise."""
    Q = np.empty((H, S, A))
    Q[:] = np.arange(H, 0, -1.0)[:, None, None]
    unseen = np.inf if optimistic else 0.0
    unknown = np.full((T, S, A), 1.0 if optimistic else 0.0)
    return Optimist(
        r=unknown if r is None else np.array(r, order="C"),
        earned=np.zeros((T, S, A)),
        arrivals=np.zeros((H + 1, S)),
        known_part=np.full((T, S, A), unseen),
        third_part=np.zeros((T, S, A)),
        Q=Q,
        V=np.zeros((H + 1, S)),
        policy=np.zeros((H, S), dtype=np.int64),
        mean=np.empty(S * A),
        variance=np.zeros(S * A),
        correction=np.empty(S * A),
        share=np.empty((1, S)),
    )


class Path(NamedTuple):
    """One episode as it was played."""

    s: Ints  # (H + 1,)
    a: Ints  # (H,)
    r: Floats  # (H,)


def empty_path(H: int) -> Path:
    """Return room for an episode."""
    return Path(np.zeros(H + 1, dtype=np.int64), np.zeros(H, dtype=np.int64), np.zeros(H))


@kernel
def _ucbvi_learn(me: Optimist, counts: Counts, rule: UcbviRule, path: Path, steps: int) -> None:
    """Learn from the first ``steps`` transitions of an episode."""
    arrivals, known, third, earned, r, n = me.arrivals, me.known_part, me.third_part, me.earned, me.r, counts.n
    for h in range(steps):
        s, a, s_next, t = path.s[h], path.a[h], path.s[h + 1], min(h, n.shape[0] - 1)
        _record(counts, h, s, a, s_next)
        arrivals[h + 1, s_next] += 1.0
        visits = max(n[t, s, a], 1.0)
        root = max(math.sqrt(visits), 1.0)
        known[t, s, a] = rule.first / root + rule.second / visits
        third[t, s, a] = rule.third / root
        if rule.learns_rewards:
            earned[t, s, a] += path.r[h]
            r[t, s, a] = min(earned[t, s, a] / visits + rule.reward_width / root, 1.0)


@kernel
def _crowd(arrivals: Floats, h: int, crowd: float, share: Floats) -> bool:
    """Fill ``share[0]`` with ``min(crowd / N'(y), H^2)`` for states y at step ``h``; whether any is below H^2."""
    ceiling = float((arrivals.shape[0] - 1) ** 2)
    crowded = False
    for y in range(share.shape[1]):
        share[0, y] = ceiling
        if arrivals[h, y] * ceiling > crowd:
            share[0, y] = crowd / max(arrivals[h, y], 1.0)
            crowded = True
    return crowded


@kernel
def _ucbvi_plan(me: Optimist, counts: Counts, rule: UcbviRule) -> bool:
    """Optimistic backward induction; returns whether the greedy policy changed.

    ``Q <- min(Q, H - h, r + P V + bonus)``, the smallest action on ties. Without optimism the old Q is not looked at.
    """
    H, S, A = me.Q.shape
    T, R = counts.n.shape[0], me.r.shape[0]
    n, degree, column = counts.n.reshape(T, S * A), counts.degree.reshape(T, S * A), counts.column
    successor, weight = counts.successor.reshape(T, S * A, S), counts.weight.reshape(T, S * A, S)
    r, known, third = me.r, me.known_part, me.third_part
    Q, V, policy, share = me.Q, me.V, me.policy, me.share
    mean, variance, correction = me.mean, me.variance, me.correction
    changed = False
    for h in range(H - 1, -1, -1):
        t = min(h, T - 1)
        dense = _is_dense(counts, t)
        if dense:
            _dense_means(column, n, t, V, h + 1, mean)
        else:
            _sparse_means(degree, successor, weight, n, t, V, h + 1, mean)
        if rule.bernstein:
            correction[:] = float(H * H)
            if _crowd(me.arrivals, h + 1, rule.crowd, share):
                _sparse_means(degree, successor, weight, n, t, share, 0, correction)
            if dense:
                _dense_variances(column, n, t, V, h + 1, mean, variance)
            else:
                _sparse_variances(degree, successor, weight, n, t, V, h + 1, mean, variance)
            for i in range(S * A):
                variance[i] = math.sqrt(rule.L * variance[i]) + math.sqrt(correction[i])
        for s in range(S):
            best, top = 0, -1.0
            for a in range(A):
                i = s * A + a
                most = min(Q[h, s, a], float(H - h)) if rule.optimistic else float(H - h)
                bonus = known[t, s, a] + third[t, s, a] * variance[i]
                upper = min(r[min(h, R - 1), s, a] + mean[i] + bonus, most)
                Q[h, s, a] = upper
                if upper > top:
                    best, top = a, upper
            V[h, s] = top
            changed = changed or policy[h, s] != best
            policy[h, s] = best
    return changed


@kernel
def _play(model: Dynamics, policy: Ints, code: int, rng: np.random.Generator, path: Path, visits: Ints) -> None:
    """Play one episode of ``policy`` (H, S); ``code`` is that of the reward noise."""
    r, s_path, a_path, r_path = model.r, path.s, path.a, path.r
    s = _draw(model.mu0, rng.random())
    s_path[0] = s
    for h in range(policy.shape[0]):
        a = policy[h, s]
        visits[h, s, a] += 1
        r_path[h] = _reward(r[h, s, a], 0.0, code, rng)
        a_path[h] = a
        s = _next_state(model, h, s, a, rng.random())
        s_path[h + 1] = s


@kernel
def _ucbvi_run(
    model: Dynamics, optimal: Floats, me: Optimist, counts: Counts, rule: UcbviRule, code: int,
    rng: np.random.Generator, path: Path, values: Floats, margin: Floats, visits: Ints, occupancy: Floats,
) -> None:  # fmt: skip
    """Play one episode for each entry of ``values`` and ``margin`` (K,).

    optimal : (H, S, A) optimal Q; code : that of the reward noise; occupancy : (2, S) workspace.
    """
    Q, best, policy, H = me.Q.reshape(-1), optimal.reshape(-1), me.policy, me.Q.shape[0]
    value, least = 0.0, np.inf
    for k in range(values.shape[0]):
        if _ucbvi_plan(me, counts, rule) or k == 0:
            value = _policy_value(model, policy, occupancy)
        values[k] = value
        least = min(least, _margin(Q, best))
        margin[k] = least
        _play(model, policy, code, rng, path, visits)
        _ucbvi_learn(me, counts, rule, path, H)
