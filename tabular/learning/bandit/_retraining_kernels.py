"""Kernels of the batch loop: logs in, least squares, deployed weights and their logs out."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..._jit import kernel
from ._action_weights import _action_weights
from ._contextual_play import Contexts
from ._play import _draw_weighted

__all__ = ["Loop", "Trace", "_retrain"]

Floats = npt.NDArray[np.float64]


class Loop(NamedTuple):
    """Options of the loop."""

    rule: int  # of `_action_weights`
    parameter: float
    rows: int  # of a generation's log; 0: its expectation
    memory: int  # generations a fit looks back; 0: all
    delay: int  # generations that a log is late
    propensity: bool  # whether rows are weighted by 1 / probability
    balanced: bool  # whether rewards 1 and 0 have equal weight in all
    ridge: float


class Trace(NamedTuple):
    """What a run of G generations fills."""

    weights: Floats  # (G, S, A) deployed
    predictions: Floats  # (G, S, A)
    seen: Floats  # (G, S, A) weight of the log on each cell
    paid: Floats  # (G, S, A) weight of its rows with reward 1
    deployed: Floats  # (G,) value
    greedy: Floats  # (G,) value of the greedy policy


@kernel
def _solve(matrix: Floats, vector: Floats) -> None:
    """Solve a symmetric positive semidefinite system in place by elimination; null directions get 0."""
    d = vector.shape[0]
    largest = 0.0
    for i in range(d):
        largest = max(largest, matrix[i, i])
    for i in range(d):
        if matrix[i, i] <= 1e-13 * largest:
            for j in range(d):
                matrix[i, j], matrix[j, i] = 0.0, 0.0
            matrix[i, i] = 1.0
            vector[i] = 0.0
            continue
        for k in range(i + 1, d):
            factor = matrix[k, i] / matrix[i, i]
            if factor != 0.0:
                for j in range(i, d):
                    matrix[k, j] -= factor * matrix[i, j]
                vector[k] -= factor * vector[i]
    for i in range(d - 1, -1, -1):
        for j in range(i + 1, d):
            vector[i] -= matrix[i, j] * vector[j]
        vector[i] /= matrix[i, i]


@kernel
def _fit_table(features: Floats, seen: Floats, paid: Floats, balanced: bool, ridge: float, out: Floats) -> None:
    """Fill ``out`` (S, A) with each action's least-squares predictions from features (S, d); cells have weights."""
    S, d = features.shape
    ones, zeros = 0.0, 0.0
    for s in range(S):
        for a in range(out.shape[1]):
            ones += paid[s, a]
            zeros += seen[s, a] - paid[s, a]
    up, down = 1.0, 1.0
    if balanced and ones > 0.0 and zeros > 0.0:
        up, down = 0.5 * (ones + zeros) / ones, 0.5 * (ones + zeros) / zeros
    matrix, vector = np.empty((d, d)), np.empty(d)
    for a in range(out.shape[1]):
        matrix[:] = 0.0
        vector[:] = 0.0
        for i in range(d):
            matrix[i, i] = ridge
        for s in range(S):
            hits = up * paid[s, a]
            mass = hits + down * (seen[s, a] - paid[s, a])
            for i in range(d):
                vector[i] += hits * features[s, i]
                for j in range(d):
                    matrix[i, j] += mass * features[s, i] * features[s, j]
        _solve(matrix, vector)
        for s in range(S):
            value = 0.0
            for i in range(d):
                value += features[s, i] * vector[i]
            out[s, a] = value


@kernel
def _log(contexts: Contexts, p: Floats, loop: Loop, rng: np.random.Generator, seen: Floats, paid: Floats) -> None:
    """Fill the cells of one generation's log: its expectation, or ``rows`` draws of context, action and reward."""
    S, A = p.shape
    if loop.rows == 0:
        for s in range(S):
            for a in range(A):
                mass = contexts.probability[s] * p[s, a]
                if loop.propensity:
                    mass = contexts.probability[s] if p[s, a] > 0.0 else 0.0
                seen[s, a] = mass
                paid[s, a] = mass * contexts.means[s, a]
        return
    seen[:] = 0.0
    paid[:] = 0.0
    for _ in range(loop.rows):
        s = _draw_weighted(contexts.probability, 1.0, rng.random())
        a = _draw_weighted(p[s], 1.0, rng.random())
        mass = 1.0 / loop.rows
        if loop.propensity:
            mass /= p[s, a]
        seen[s, a] += mass
        if rng.random() < contexts.means[s, a]:
            paid[s, a] += mass


@kernel
def _retrain(contexts: Contexts, features: Floats, loop: Loop, rng: np.random.Generator, trace: Trace) -> None:
    """Run the loop: uniform weights until the first log is in, then a fit a generation."""
    S, A = contexts.means.shape
    seen, paid = np.empty((S, A)), np.empty((S, A))
    for g in range(trace.deployed.shape[0]):
        last = g - 1 - loop.delay
        fitted, p = trace.predictions[g], trace.weights[g]
        fitted[:] = 0.0
        if last >= 0:
            first = 0 if loop.memory == 0 else max(0, last + 1 - loop.memory)
            seen[:] = 0.0
            paid[:] = 0.0
            for past in range(first, last + 1):
                for s in range(S):
                    for a in range(A):
                        seen[s, a] += trace.seen[past, s, a]
                        paid[s, a] += trace.paid[past, s, a]
            _fit_table(features, seen, paid, loop.balanced, loop.ridge, fitted)
        value, greedy = 0.0, 0.0
        for s in range(S):
            if last >= 0:
                best = _action_weights(loop.rule, fitted[s], contexts.available[s], loop.parameter, p[s])
            else:
                best = _action_weights(3, fitted[s], contexts.available[s], 1.0, p[s])
            greedy += contexts.probability[s] * contexts.means[s, best]
            for a in range(A):
                value += contexts.probability[s] * p[s, a] * contexts.means[s, a]
        trace.deployed[g], trace.greedy[g] = value, greedy
        _log(contexts, p, loop, rng, trace.seen[g], trace.paid[g])
