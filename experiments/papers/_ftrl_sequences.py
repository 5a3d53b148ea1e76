"""FTRL on sequences of losses: regret and stability of log barrier and Hedge against their bounds."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.study import Cell, Scale
from tabular._jit import kernel
from tabular.learning.adversarial._steps import _NEWTON, _hedge, _log_barrier, _log_barrier_certificate

__all__ = ["NAMES", "one_sided_cells", "run_one_sided", "run_sequences", "run_steps", "sequence_cells", "step_cells"]

Arrays = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]

#: What a sequence is measured by: regret and its bound without the penalty, for the comparator at which the bound is
#: tightest and for a smoothed vertex, with the penalty of each; the worst round's stability and its two bounds.
NAMES = (
    "regret", "bound", "penalty", "vertex_regret", "vertex_penalty", "size", "stability", "round_bound",
    "round_size", "small", "small_bound", "small_size", "A", "T", "eta", "kind",
)  # fmt: skip

#: Weight of the uniform distribution in a smoothed vertex.
SMOOTHING = 1e-3

#: A learning rate for each kind of restriction on the losses.
VARIANTS = {
    "log-barrier": (False, math.inf, math.inf),
    "hedge": (True, math.inf, math.inf),
    "hedge, eta c >= -1": (True, 1.0, math.inf),
    "hedge, eta c >= -1.793": (True, 1.793, math.inf),
    "log-barrier, eta p |c| <= 1/2": (False, math.inf, 0.5),
}


@kernel
def _losses(kind: int, scale: float, eta: float, p: Floats, rng: np.random.Generator, c: Floats) -> None:
    """Draw losses: Gaussian, Cauchy of one sign or the other, sparse Cauchy, or aimed at the least likely arm."""
    A = c.shape[0]
    if kind == 4:
        least = 0
        for i in range(A):
            c[i] = 0.0
            if p[i] < p[least]:
                least = i
        c[least] = -3.0 * rng.random() / (eta * max(p[least], 1e-12))
        return
    for i in range(A):
        if kind == 0:
            c[i] = scale * rng.normal()
        else:
            c[i] = scale * math.tan(math.pi * (rng.random() - 0.5))
            if kind == 1:
                c[i] = abs(c[i])
            elif kind == 2:
                c[i] = -abs(c[i])
            elif rng.random() < 0.7:
                c[i] = 0.0


@kernel
def _stability(p: Floats, x: Floats, c: Floats, eta: float, hedge: bool) -> tuple[float, float]:
    """Return <p - x, c> - D(x, p) at the next iterate ``x``, and the size of its terms."""
    gain, size, divergence = 0.0, 1.0, 0.0
    if hedge:  # the supremum in closed form: <p, c> + ln(sum p exp(-eta c)) / eta
        least = math.inf
        for i in range(p.shape[0]):
            if p[i] > 0.0:
                least = min(least, c[i])
        mean = 0.0
        for i in range(p.shape[0]):
            gain += p[i] * c[i]
            size += p[i] * abs(c[i])
            mean += p[i] * math.exp(-eta * max(c[i] - least, 0.0))
        return gain - least + math.log(mean) / eta, size + abs(least)
    for i in range(p.shape[0]):
        ratio = x[i] / p[i]
        divergence += (ratio - 1.0 - math.log(ratio)) / eta
        gain += (p[i] - x[i]) * c[i]
        size += (p[i] + x[i]) * abs(c[i])
    return gain - divergence, size + divergence


@kernel
def _sequence(
    kind: int, A: int, T: int, eta: float, scale: float, hedge: bool, floor: float, clip: float,
    rng: np.random.Generator, out: Floats,
) -> None:  # fmt: skip
    """Play one sequence; write what `NAMES` names, the last four left out."""
    G, c, p, x = np.zeros(A), np.empty(A), np.empty(A), np.empty(A)
    played, bound, size = 0.0, 0.0, 1.0
    worst, tight = -math.inf, -math.inf
    if hedge:
        _hedge(G, eta, x)
    else:
        _log_barrier(G, eta, _NEWTON, x)
    for _ in range(T):
        p[:] = x
        _losses(kind, scale, eta, p, rng, c)
        second, fourth = 0.0, 0.0
        for i in range(A):
            c[i] = max(c[i], -floor / eta)
            if clip < math.inf:
                c[i] = min(max(c[i], -clip / (eta * p[i])), clip / (eta * p[i]))
            played += p[i] * c[i]
            size += p[i] * abs(c[i])
            second += eta * p[i] * c[i] * c[i]
            fourth += eta * p[i] * p[i] * c[i] * c[i]
            G[i] += c[i]
        bound += second
        if hedge:
            _hedge(G, eta, x)
        else:
            _log_barrier(G, eta, _NEWTON, x)
        found, about = _stability(p, x, c, eta, hedge)
        if found - second > worst * about or not worst > -math.inf:
            worst = (found - second) / about
            out[6], out[7], out[8] = found, second, about
        if found - fourth > tight * about or not tight > -math.inf:
            tight = (found - fourth) / about
            out[9], out[10], out[11] = found, fourth, about
    best = 0
    for i in range(A):
        if G[i] < G[best]:
            best = i
    if hedge:
        total = G[best]
        penalty = math.log(A) / eta
        size += abs(total)
        out[3], out[4] = played - total, penalty
    else:  # the comparator at which the bound is tightest is the next iterate
        total, penalty, vertex, smooth = 0.0, 0.0, 0.0, 0.0
        for i in range(A):
            total += x[i] * G[i]
            penalty -= math.log(x[i] * A) / eta
            y = SMOOTHING / A + (1.0 - SMOOTHING if i == best else 0.0)
            vertex += y * G[i]
            smooth -= math.log(y * A) / eta
            size += (x[i] + y) * abs(G[i])
        out[3], out[4] = played - vertex, smooth
    out[0], out[1], out[2], out[5] = played - total, bound, penalty, size


def sequence_cells(scale: Scale) -> list[Cell]:
    """Return the grid: 10^4 sequences of the log barrier at least, and its contrasts."""
    blocks = 10 if scale == "paper" else 1
    counts = {name: 12_000 if name == "log-barrier" else 3_000 for name in VARIANTS}
    return [{"variant": name, "block": i, "count": count} for name, count in counts.items() for i in range(blocks)]


def run_sequences(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Play random and adaptive sequences: A in 2..12, T in 1..60, eta in 10^[-3, 2], scales 10^[-2, 4]."""
    hedge, floor, clip = VARIANTS[cell["variant"]]
    rows = np.empty((cell["count"], len(NAMES)))
    for i, row in enumerate(rows):
        A, T, kind = int(rng.integers(2, 13)), int(rng.integers(1, 61)), i % 5
        eta, scale = 10.0 ** rng.uniform(-3.0, 2.0), 10.0 ** rng.uniform(-2.0, 4.0)
        _sequence(kind, A, T, eta, scale, hedge, floor, clip, rng, row)
        row[-4:] = A, T, eta, kind
    return {name: rows[:, j].copy() for j, name in enumerate(NAMES)}


def step_cells(scale: Scale) -> list[Cell]:
    """Return the grid: steps at moderate and at extreme spreads."""
    count = 20_000 if scale == "paper" else 4_000
    return [{"newton": newton, "count": count} for newton in (_NEWTON, 1)]


def run_steps(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Take log-barrier steps at eta times spread up to 1e12: gap, size of the objective, residual, error of the sum.

    ``newton = 1`` stops after one Newton step.
    """
    rows = np.empty((cell["count"], 4))
    for row in rows:
        A, eta = int(rng.integers(1, 201)), 10.0 ** rng.uniform(-6.0, 6.0)
        spread = 10.0 ** rng.uniform(-3.0, 12.0) / eta
        G = spread * (rng.random(A) ** rng.choice([0.2, 1.0, 8.0])) + rng.choice([0.0, -1e3, 1e6])
        p = np.empty(A)
        nu, _ = _log_barrier(G, eta, cell["newton"], p)
        gap, residual, mass = _log_barrier_certificate(G, eta, nu, p)
        objective = float(p @ (G - G.min()) - np.log(p).sum() / eta)
        row[:] = gap, 1.0 + abs(objective), residual, mass
    return {name: rows[:, j].copy() for j, name in enumerate(("gap", "size", "residual", "mass"))}


def one_sided_cells(scale: Scale) -> list[Cell]:
    """Return the grid: loss -u/eta of the first of two arms."""
    steps = 81 if scale == "paper" else 41
    return [{"largest": 20.0, "steps": steps}]


def run_one_sided(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Find the largest stability over eta sum p c^2 at losses (-u/eta, 0), over p_1 in 1e-12..1-1e-12.

    The two-step instance on which the bound fails for Hedge is played as well. The log barrier is also measured at
    the loss -2/(eta p_1), where its ratio is largest.
    """
    u = np.linspace(0.25, cell["largest"], cell["steps"])
    odds = np.linspace(-27.6, 27.6, 2001)
    ratio = {"hedge": np.full(u.size, -np.inf), "log_barrier": np.full(u.size, -np.inf)}
    sharp = -np.inf
    for first in 1.0 / (1.0 + np.exp(-odds)):
        p = np.array([first, 1.0 - first])
        barrier = 1.0 / p
        for i, size in enumerate((*u, 2.0 / first)):
            c, x = np.array([-size, 0.0]), np.empty(2)
            _log_barrier(barrier + c, 1.0, _NEWTON, x)
            found = _stability(p, x, c, 1.0, False)[0] / (first * size * size)
            if i == u.size:
                sharp = max(sharp, found)
                continue
            ratio["log_barrier"][i] = max(ratio["log_barrier"][i], found)
            found = _stability(p, x, c, 1.0, True)[0] / (first * size * size)
            ratio["hedge"][i] = max(ratio["hedge"][i], found)
    G = np.zeros(2)
    x = np.empty(2)
    regret, bound = 0.0, math.log(2.0)
    barrier_regret = 0.0
    for c in (np.array([20.0, 0.0]), np.array([-1000.0, 0.0])):
        _hedge(G, 1.0, x)
        regret += float(x @ c)
        bound += float(x @ (c * c))
        _log_barrier(G, 1.0, _NEWTON, x)
        barrier_regret += float(x @ c)
        G += c
    _log_barrier(G, 1.0, _NEWTON, x)
    return {
        "u": u, **ratio, "sharp": np.array([sharp]), "two_step_regret": np.array([regret - G.min()]),
        "two_step_bound": np.array([bound]), "two_step_barrier_regret": np.array([barrier_regret - float(x @ G)]),
    }  # fmt: skip
