"""Kernels of least-squares value iteration: sums over the past instead of the past, one exact factor an episode.

Features are held as ``phi[i, s * A + a]``, shape (d, S*A), so that the innermost loops run over pairs. Every entry of a
result is a sum in a fixed order: pairs of equal features get equal bits.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..._jit import kernel
from ...simulation.offline import _reward
from ...simulation.sampling import _draw
from ._episodes import Dynamics, _margin, _next_state, _policy_value, _same_policy
from ._played import _best

__all__ = ["LinearPlan", "Regression", "empty_plan", "empty_regression"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Regression(NamedTuple):
    """All that the past episodes matter for: sums over the visits of each step.

    Row 0 of the axis of length 2 is the sum, row 1 what its last additions lost to rounding (Kahan): the error of a
    sum is a few ``eps`` times the sum of the moduli, however many terms it has.
    """

    gram: Floats  # (H, d, 2, d) ridge * I + sum of phi phi'; its upper triangle
    reward: Floats  # (H, 2, d) sum of phi * reward
    ahead: Floats  # (H, S, 2, d) sum of phi over the visits that led to s'


class LinearPlan(NamedTuple):
    """One plan, and the factor of each Gram matrix that it was made with."""

    root: Floats  # (H, d, d) lower triangle: the inverse of the Cholesky factor L of gram = L L'
    w: Floats  # (H, d)
    Q: Floats  # (H, S, A) capped at H - h
    V: Floats  # (H + 1, S), V[H] = 0
    policy: Ints  # (H, S) greedy, smallest action on ties


def empty_regression(H: int, S: int, d: int, ridge: float) -> Regression:
    """Return the sums over nothing."""
    gram = np.zeros((H, d, 2, d))
    gram[:, :, 0] = ridge * np.eye(d)
    return Regression(gram, np.zeros((H, 2, d)), np.zeros((H, S, 2, d)))


def empty_plan(H: int, S: int, A: int, d: int) -> LinearPlan:
    """Return room for a plan."""
    policy = np.zeros((H, S), dtype=np.int64)
    return LinearPlan(np.zeros((H, d, d)), np.zeros((H, d)), np.zeros((H, S, A)), np.zeros((H + 1, S)), policy)


@kernel
def _add(sums: Any, i: int, term: float) -> None:
    """Add ``term`` to entry ``i`` of the sums in row 0, with the rounding errors in row 1."""
    term -= sums[1, i]
    total = sums[0, i] + term
    sums[1, i] = (total - sums[0, i]) - term
    sums[0, i] = total


@kernel
def _learn(phi: Floats, sums: Regression, h: int, pair: int, reward: float, s_next: int) -> None:
    """Add one transition of step ``h``; nothing follows where ``s_next`` is negative."""
    d = phi.shape[0]
    for i in range(d):
        f = phi[i, pair]
        if f != 0.0:
            _add(sums.reward[h], i, f * reward)
            if s_next >= 0:
                _add(sums.ahead[h, s_next], i, f)
            for j in range(i, d):
                _add(sums.gram[h, i], j, f * phi[j, pair])


@kernel
def _inverse_root(gram: Any, floor: float, root: Any) -> None:
    """Fill the lower triangle of ``root`` (d, d) with the inverse of the Cholesky factor of ``gram``.

    Only the upper triangle of ``gram`` is read. A squared pivot is at least the smallest eigenvalue, hence at least
    ``floor``, the ridge: rounding cannot push it below. The upper triangle of ``root`` is workspace.
    """
    d = gram.shape[0]
    for i in range(d):
        for j in range(i, d):
            root[i, j] = gram[i, j]
    for k in range(d):
        pivot = math.sqrt(max(root[k, k], floor))
        for j in range(k + 1, d):
            root[k, j] /= pivot
        for i in range(k + 1, d):
            f = root[k, i]
            if f != 0.0:
                for j in range(i, d):
                    root[i, j] -= f * root[k, j]
        root[k, k] = 1.0 / pivot
    for i in range(d):
        row = root[i]
        for j in range(i):
            row[j] = 0.0
        for k in range(i):
            f = root[k, i]
            if f != 0.0:
                for j in range(k + 1):
                    row[j] -= f * root[k, j]
        for j in range(i):
            row[j] *= row[i]


@kernel
def _solve(root: Any, b: Any, w: Any) -> None:
    """Fill ``w`` with the solution of ``gram w = b``; ``b`` (d,) is overwritten."""
    d = b.shape[0]
    for i in range(d - 1, -1, -1):
        total = 0.0
        for j in range(i + 1):
            total += root[i, j] * b[j]
        b[i] = total
    w[:] = 0.0
    for i in range(d):
        for j in range(i + 1):
            w[j] += root[i, j] * b[i]


@kernel
def _widths(phi: Floats, root: Any, one: Floats, out: Floats) -> None:
    """Fill ``out`` (S*A,) with the norms of the features in the inverse of the Gram matrix; ``one`` is workspace."""
    d = phi.shape[0]
    out[:] = 0.0
    for i in range(d):
        one[:] = 0.0
        for j in range(i + 1):
            f = root[i, j]
            if f != 0.0:
                for pair in range(one.shape[0]):
                    one[pair] += f * phi[j, pair]
        for pair in range(one.shape[0]):
            out[pair] += one[pair] * one[pair]
    for pair in range(one.shape[0]):
        out[pair] = math.sqrt(out[pair])


@kernel
def _lsvi(phi: Floats, sums: Regression, ridge: float, beta: float, plan: LinearPlan) -> None:
    """Plan backwards: ridge regression of reward plus value ahead, plus ``beta`` times the width, capped at H - h."""
    H, S, A = plan.Q.shape
    d = phi.shape[0]
    b = np.empty(d)
    one, score = np.empty(S * A), np.empty(S * A)
    for h in range(H - 1, -1, -1):
        _inverse_root(sums.gram[h, :, 0], ridge, plan.root[h])
        for i in range(d):
            b[i] = sums.reward[h, 0, i]
        for s in range(S):
            ahead = plan.V[h + 1, s]
            for i in range(d):
                b[i] += sums.ahead[h, s, 0, i] * ahead
        _solve(plan.root[h], b, plan.w[h])
        score[:] = 0.0
        if beta > 0.0:
            _widths(phi, plan.root[h], one, score)
        one[:] = 0.0
        for i in range(d):
            f = plan.w[h, i]
            for pair in range(S * A):
                one[pair] += f * phi[i, pair]
        cap = float(H - h)
        for s in range(S):
            for a in range(A):
                plan.Q[h, s, a] = min(one[s * A + a] + beta * score[s * A + a], cap)
            best = _best(plan.Q[h, s])
            plan.policy[h, s] = best
            plan.V[h, s] = plan.Q[h, s, best]


@kernel
def _run_lsvi(
    phi: Floats, model: Dynamics, sums: Regression, plan: LinearPlan, ridge: float, beta: float, optimum: Floats,
    code: int, rng: np.random.Generator, values: Floats, margin: Floats, visits: Ints,
) -> None:  # fmt: skip
    """Play ``values.shape[0]`` episodes; ``optimum`` is Q*, ``code`` that of the reward noise."""
    H, S, A = plan.Q.shape
    previous = np.empty((H, S), dtype=np.int64)
    occupancy = np.empty((2, S))
    least = math.inf
    for k in range(values.shape[0]):
        start = _draw(model.mu0, rng.random())
        for h in range(H):
            for s in range(S):
                previous[h, s] = plan.policy[h, s]
        _lsvi(phi, sums, ridge, beta, plan)
        least = min(least, _margin(plan.Q.reshape(-1), optimum.reshape(-1)))
        margin[k] = least
        if k > 0 and _same_policy(previous, plan.policy):
            values[k] = values[k - 1]
        else:
            values[k] = _policy_value(model, plan.policy, occupancy)
        s = start
        for h in range(H):
            a = plan.policy[h, s]
            reward = _reward(model.r[h, s, a], 0.0, code, rng)
            s_next = _next_state(model, h, s, a, rng.random())
            _learn(phi, sums, h, s * A + a, reward, s_next)
            visits[h, s, a] += 1
            s = s_next
