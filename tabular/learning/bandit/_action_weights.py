"""Kernels: from the predictions of one context to the probabilities of its actions."""

import math

import numpy as np
import numpy.typing as npt

from ..._jit import kernel

__all__ = ["EPSILON", "FAST", "INVERSE_GAP", "NORMALISED", "_action_weights", "_action_weights_rows", "_best_action"]

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]

INVERSE_GAP, NORMALISED, FAST, EPSILON = 0, 1, 2, 3


@kernel
def _best_action(predictions: Floats, available: Booleans) -> int:
    """Available action of largest prediction, the smallest of several; -1 where none is available."""
    best = -1
    for a in range(predictions.shape[0]):
        if available[a] and (best < 0 or predictions[a] > predictions[best]):
            best = a
    return best


@kernel
def _normaliser(gaps: Floats, available: Booleans, slope: float) -> float:
    """Root L >= 1 of ``sum_a 1 / (L + slope * gaps[a]) = 1``, the gaps >= 0 and one of them 0.

    1 over the sum is a harmonic mean of affine functions of L, hence concave and increasing: Newton's method from
    L = 1, where the sum is at least 1, increases to the root.
    """
    root = 1.0
    for _ in range(100):
        total, squares = 0.0, 0.0
        for a in range(gaps.shape[0]):
            if available[a]:
                p = 1.0 / (root + slope * gaps[a])
                total += p
                squares += p * p
        step = total * (total - 1.0) / squares
        if step <= 1e-16 * root:
            break
        root += step
    return root


@kernel
def _action_weights(rule: int, predictions: Floats, available: Booleans, parameter: float, out: Floats) -> int:
    """Fill ``out`` (K,) with the probabilities of the actions; return the greedy action.

    ``predictions`` are rewards (FAST: minus losses). ``parameter`` is gamma (EPSILON: the probability of exploration);
    infinity is greedy. An action that is not available has probability 0; one at least must be.
    """
    K = predictions.shape[0]
    best = _best_action(predictions, available)
    actions = 0
    for a in range(K):
        out[a] = 0.0
        actions += 1 if available[a] else 0
    if rule == 3:
        for a in range(K):
            if available[a]:
                out[a] = parameter / actions
        out[best] += 1.0 - parameter
        return best
    if math.isinf(parameter):
        out[best] = 1.0
        return best
    start = float(actions)
    if rule == 1:
        for a in range(K):
            out[a] = predictions[best] - predictions[a]
        start = _normaliser(out, available, 2.0 * parameter)
    rest = 1.0
    for a in range(K):
        gap = predictions[best] - predictions[a]
        if not available[a]:
            out[a] = 0.0
        elif a != best:
            if rule == 2:
                smallest = -predictions[best]
                out[a] = smallest / (actions * smallest + parameter * gap)
            else:
                out[a] = 1.0 / (start + (2.0 if rule == 1 else 1.0) * parameter * gap)
            rest -= out[a]
    out[best] = rest
    return best


@kernel
def _action_weights_rows(rule: int, predictions: Floats, available: Booleans, parameters: Floats, out: Floats) -> None:
    """Fill ``out`` (n, K) row by row, with a parameter for each."""
    for i in range(predictions.shape[0]):
        _action_weights(rule, predictions[i], available[i], parameters[i], out[i])
