"""Kernels of the regression oracles: state, predictions of one context, and the update by one reward."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..._jit import kernel
from .regression_oracles import Oracle

__all__ = ["Fit", "_empty_fit", "_learn", "_least_squares", "_predict", "_reset"]

Floats = npt.NDArray[np.float64]


class Fit(NamedTuple):
    """State of an oracle."""

    weight: Floats  # (N,) of the members, sum 1
    loss: Floats  # (N,) squared error so far of the members
    inverse: Floats  # (d, d) inverse of ridge I + sum x x'
    moment: Floats  # (d,) sum of x times reward
    work: Floats  # (d,)
    total: Floats  # (S, A) rewards
    times: Floats  # (S, A) observations


@kernel
def _empty_fit(oracle: Oracle, S: int, A: int) -> Fit:
    """Return the state before any observation."""
    N, d = oracle.members.shape[2], oracle.features.shape[2]
    inverse = np.zeros((d, d))
    for i in range(d):
        inverse[i, i] = 1.0 / oracle.ridge
    return Fit(np.full(N, 1.0 / N), np.zeros(N), inverse, np.zeros(d), np.zeros(d), np.zeros((S, A)), np.zeros((S, A)))


@kernel
def _reset(fit: Fit) -> None:
    """Forget what least squares uses: errors of the members, totals and counts."""
    fit.loss[:] = 0.0
    fit.total[:] = 0.0
    fit.times[:] = 0.0


@kernel
def _predict(oracle: Oracle, fit: Fit, s: int, optimism: float, out: Floats) -> None:
    """Fill ``out`` (A,) with the predictions; LINEAR with ``optimism`` > 0: ridge regression plus that many widths."""
    for a in range(out.shape[0]):
        value = 0.0
        if oracle.kind == 0:
            for i in range(fit.weight.shape[0]):
                value += fit.weight[i] * oracle.members[s, a, i]
        elif oracle.kind == 1:
            width = 0.0
            x = oracle.features[s, a]
            for i in range(x.shape[0]):
                inner = 0.0
                for j in range(x.shape[0]):
                    inner += fit.inverse[i, j] * x[j]
                width += x[i] * inner
                value += fit.moment[i] * inner
            if optimism > 0.0:
                value += optimism * np.sqrt(max(width, 0.0))
            else:
                value /= 1.0 + width
        else:
            value = (oracle.ridge * oracle.prior + fit.total[s, a]) / (oracle.ridge + fit.times[s, a])
        out[a] = value


@kernel
def _learn(oracle: Oracle, fit: Fit, s: int, a: int, reward: float) -> None:
    """Learn one reward in {0, 1}."""
    if oracle.kind == 0:
        total = 0.0
        for i in range(fit.weight.shape[0]):
            fit.weight[i] *= oracle.hit[s, a, i] if reward > 0.5 else oracle.miss[s, a, i]
            total += fit.weight[i]
            error = oracle.members[s, a, i] - reward
            fit.loss[i] += error * error
        for i in range(fit.weight.shape[0]):
            fit.weight[i] /= total
    elif oracle.kind == 1:
        x = oracle.features[s, a]
        width = 0.0
        for i in range(x.shape[0]):
            inner = 0.0
            for j in range(x.shape[0]):
                inner += fit.inverse[i, j] * x[j]
            fit.work[i] = inner
            width += x[i] * inner
        for i in range(x.shape[0]):
            fit.moment[i] += reward * x[i]
            for j in range(x.shape[0]):
                fit.inverse[i, j] -= fit.work[i] * fit.work[j] / (1.0 + width)
    fit.total[s, a] += reward
    fit.times[s, a] += 1.0


@kernel
def _least_squares(oracle: Oracle, fit: Fit, out: Floats) -> None:
    """Fill ``out`` (S, A) with the member of least squared error, the first of several; TABULAR: the shrunk means."""
    if oracle.kind == 0:
        best = 0
        for i in range(1, fit.loss.shape[0]):
            if fit.loss[i] < fit.loss[best]:
                best = i
        out[:] = oracle.members[:, :, best]
    else:
        for s in range(out.shape[0]):
            for a in range(out.shape[1]):
                out[s, a] = (oracle.ridge * oracle.prior + fit.total[s, a]) / (oracle.ridge + fit.times[s, a])
