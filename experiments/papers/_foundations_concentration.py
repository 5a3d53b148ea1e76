"""Exact failure probabilities of concentration inequalities, and simulated paths for those uniform in time.

Nothing here is Monte Carlo except `run_paths`: a failure probability is the sum of the law of the draws over the
outcomes on which the inequality fails (`bounds.concentration.exact_failure`).
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from bounds import concentration
from experiments.study import Cell, Scale
from tabular._jit import kernel

__all__ = ["coverage_cells", "path_cells", "run_coverage", "run_paths"]

Array = npt.NDArray[np.float64]
Arrays = Mapping[str, npt.NDArray[Any]]

#: Bernoulli means: every 0.005, and both ends, where variances vanish.
GRID = np.concatenate(([0.001, 0.002], np.arange(1, 200) / 200.0, [0.998, 0.999]))
#: Means for the statements about every time up to n, and first probabilities of the multinomial.
COARSE = np.concatenate(([0.01], np.arange(1, 20) / 20.0, [0.99]))

FIXED_TIME = ("hoeffding", "bernstein", "maurer-pontil", "kl-chernoff")
ALL_TIMES = ("kl-chernoff-uniform", "self-normalised")


def coverage_cells(scale: Scale) -> list[Cell]:
    """Return the grid: inequality (or its broken variant), sample size (or last time), level and number of outcomes."""
    quick = scale == "quick"
    deltas = (0.05, 0.1) if quick else (0.001, 0.01, 0.05, 0.1, 0.3)
    designs = [
        (name, n, 2) for name in FIXED_TIME for n in ((10, 50, 200) if quick else (5, 10, 20, 50, 100, 200, 500, 1000))
    ]
    designs += [(name, n, 2) for name in ALL_TIMES for n in ((30, 300) if quick else (30, 300, 3000))]
    designs += [
        ("weissman", n, S) for S, n in (((2, 40), (3, 40), (8, 12)) if quick else ((2, 200), (3, 80), (4, 40), (8, 12)))
    ]
    return [
        {"inequality": variant, "n": n, "delta": delta, "S": S}
        for name, n, S in designs
        for variant in (name, concentration.CONTROLS[name])
        for delta in deltas
    ]


def run_coverage(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Compute the exact failure probability of one inequality over a grid of laws.

    Returns
    -------
    mapping
        ``p``: mean of the Bernoulli law (multinomial: probability of the first outcome, the others share the rest
        equally); ``failure``: probability that the inequality fails there. For the inequalities of a fixed time
        also ``worst``, the supremum over all means, and ``worst_p``, where it is approached.
    """
    inequality, n, delta, S = cell["inequality"], cell["n"], cell["delta"], cell["S"]
    if inequality.partition("/")[0] == "weissman":
        grid = np.concatenate(([1.0 / S], np.arange(1, 20) / 20.0))
        laws = [np.concatenate(([p], np.full(S - 1, (1 - p) / (S - 1)))) for p in grid]
        return {
            "p": grid,
            "failure": np.array([float(concentration.exact_failure(inequality, n, delta, law)) for law in laws]),
        }
    if inequality.partition("/")[0] in ALL_TIMES:
        return {"p": COARSE, "failure": np.asarray(concentration.exact_failure(inequality, n, delta, COARSE))}
    worst = concentration.worst_case(inequality, n, delta)
    return {
        "p": GRID,
        "failure": np.asarray(concentration.exact_failure(inequality, n, delta, GRID)),
        "worst": np.array([worst.value]),
        "worst_p": np.array([worst.p]),
    }


def path_cells(scale: Scale) -> list[Cell]:
    """Return the grid: dimension (0 for the scalar statement), level and block of independent paths."""
    blocks, runs, horizon = (1, 2000, 2000) if scale == "quick" else (10, 1000, 10_000)
    return [
        {"d": d, "delta": delta, "block": block, "runs": runs, "horizon": horizon}
        for d in (0, 2, 5)
        for delta in (0.05, 0.1)
        for block in range(blocks)
    ]


@kernel
def _scalar_paths(runs, horizon, delta, rng, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Count in ``out`` the Gaussian paths that leave the mixture radius, and the fixed-time radius."""
    for _ in range(runs):
        total, left, left_fixed = 0.0, False, False
        for n in range(1, horizon + 1):
            total += rng.normal()
            mean = abs(total) / n
            if mean > math.sqrt(2.0 * (1.0 + 1.0 / n) * math.log(math.sqrt(n + 1.0) / delta) / n):
                left = True
            if mean > math.sqrt(2.0 * math.log(2.0 / delta) / n):
                left_fixed = True
        out[0] += left
        out[1] += left_fixed


@kernel
def _vector_paths(runs, horizon, delta, inverse, weight, rng, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Count in ``out`` the self-normalised paths that leave the ellipsoid, and the one without its volume term.

    inverse : (d, d) workspace for V^-1, V_0 = I. weight : (3, d) workspace for S, the action and V^-1 times it.
    The action depends on the past: every second step it is the axis with the largest |S|, otherwise it is random.
    """
    d = inverse.shape[0]
    for _ in range(runs):
        left, left_volume, log_det = False, False, 0.0
        for i in range(d):
            weight[0, i] = 0.0
            for j in range(d):
                inverse[i, j] = 1.0 if i == j else 0.0
        for n in range(horizon):
            norm = 0.0
            if n % 2:
                best = 0
                for i in range(d):
                    weight[1, i] = 0.0
                    if abs(weight[0, i]) > abs(weight[0, best]):
                        best = i
                weight[1, best] = 1.0
                norm = 1.0
            else:
                for i in range(d):
                    weight[1, i] = rng.normal()
                    norm += weight[1, i] * weight[1, i]
            noise = rng.normal()
            quadratic = 0.0
            for i in range(d):
                weight[1, i] /= math.sqrt(norm)
            for i in range(d):
                weight[0, i] += noise * weight[1, i]
                weight[2, i] = 0.0
                for j in range(d):
                    weight[2, i] += inverse[i, j] * weight[1, j]
                quadratic += weight[1, i] * weight[2, i]
            log_det += math.log(1.0 + quadratic)
            for i in range(d):
                for j in range(d):
                    inverse[i, j] -= weight[2, i] * weight[2, j] / (1.0 + quadratic)
            potential = 0.0
            for i in range(d):
                for j in range(d):
                    potential += weight[0, i] * inverse[i, j] * weight[0, j]
            if potential > log_det + 2.0 * math.log(1.0 / delta):
                left = True
            if potential > 2.0 * math.log(1.0 / delta):
                left_volume = True
        out[0] += left
        out[1] += left_volume


def run_paths(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Count the Gaussian paths on which a time-uniform statement fails before the horizon, and its broken variant."""
    out = np.zeros(2, dtype=np.int64)
    if cell["d"] == 0:
        _scalar_paths(cell["runs"], cell["horizon"], cell["delta"], rng, out)
    else:
        work = np.empty((3, cell["d"]))
        _vector_paths(cell["runs"], cell["horizon"], cell["delta"], np.eye(cell["d"]), work, rng, out)
    return {"violations": out[:1], "violations_control": out[1:]}
