"""Exact worst cases of one round: sampling rules on random predictions, the supremum itself, its minimum."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from bounds.complexity import decision_estimation, worst_case_regret
from experiments.study import Cell, Scale
from tabular.learning.bandit import inverse_gap_weighting, normalised_inverse_gap_weighting
from tabular.learning.bandit._action_weights import EPSILON, INVERSE_GAP, NORMALISED, _action_weights_rows

__all__ = [
    "program_cells",
    "round_cells",
    "run_programs",
    "run_rounds",
    "run_suprema",
    "run_value_curve",
    "supremum_cells",
    "value_curve_cells",
]

Arrays = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]

#: Actions of the largest instance; smaller ones are random subsets of these, as in a dynamic set of actions.
ACTIONS = 9

RULES = {
    "igw": (INVERSE_GAP, 1.0),
    "igw, wide": (INVERSE_GAP, 1.0),
    "igw, gamma halved": (INVERSE_GAP, 0.5),
    "normalised": (NORMALISED, 1.0),
    "minimax": (NORMALISED, 2.0),
    "normalised, gamma halved": (NORMALISED, 0.5),
}


def _normalised_rows(weights: Floats) -> Floats:
    """Return the rows rescaled to sum 1, all available actions kept positive."""
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _weights(rule: str, f: Floats, available: npt.NDArray[np.bool_], gamma: Floats) -> Floats:
    """Return the probabilities (n, K) of a rule, or of one of its broken variants."""
    out: Floats = np.empty(f.shape)
    sizes = np.asarray(available.sum(axis=1))
    if rule in RULES:
        kind, factor = RULES[rule]
        _action_weights_rows(kind, f, available, factor * gamma, out)
    elif rule == "epsilon-greedy":
        _action_weights_rows(EPSILON, f, available, sizes / (sizes + gamma), out)
    else:  # "1 / (1 + gamma gap)": the number of actions forgotten, what the best action lacks cut off at 1e-6
        _action_weights_rows(EPSILON, f, available, np.zeros(gamma.shape), out)
        best = np.asarray(out > 0.0)
        gaps = np.where(available, f[best][:, None] - f, 0.0)
        out = np.asarray(np.where(available, 1.0 / (1.0 + gamma[:, None] * gaps), 0.0))
        rest = 1.0 - np.asarray(np.where(best, 0.0, out).sum(axis=1))
        out[best] = np.maximum(rest, 1e-6)
        out = _normalised_rows(out)
    return out


def round_cells(scale: Scale) -> list[Cell]:
    """Return the grid: blocks of random predictions for each rule."""
    blocks, n = (10, 20_000) if scale == "paper" else (2, 10_000)
    names = (*RULES, "1 / (1 + gamma gap)", "epsilon-greedy")
    return [{"rule": rule, "block": block, "instances": n} for rule in names for block in range(blocks)]


def run_rounds(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Compute the exact worst case of one rule on random predictions.

    K in 2..9 actions available out of 9, gamma = 10^U[-1, 3], predictions uniform in [0, spread] with spread
    10^U[-3, 0] (``igw, wide``: three times that). Half of the instances have one gap at most that is not the spread
    itself, which comes close to the bound. ``value`` is the worst case with c = gamma/4 (``minimax`` and
    ``normalised``: c = gamma), ``floor`` the smallest probability.
    """
    n, rule = int(cell["instances"]), str(cell["rule"])
    K = rng.integers(2, ACTIONS + 1, size=n)
    gamma = 10.0 ** rng.uniform(-1.0, 3.0, size=n)
    available = np.argsort(rng.random((n, ACTIONS)), axis=1) < K[:, None]
    spread = 10.0 ** rng.uniform(-3.0, 0.0, size=n) * (3.0 if rule == "igw, wide" else 1.0)
    shape = rng.random((n, ACTIONS))
    low = rng.integers(0, ACTIONS, size=n)
    lonely = np.where(np.arange(ACTIONS) == low[:, None], 1.0, 0.0)
    f = spread[:, None] * np.where(rng.random(n)[:, None] < 0.5, shape, lonely)
    p = _weights(rule, f, available, gamma)
    c = gamma if RULES.get(rule, (INVERSE_GAP,))[0] == NORMALISED else gamma / 4.0
    return {
        "value": worst_case_regret(f, p, c),
        "K": K.astype(np.float64),
        "gamma": gamma,
        "floor": np.where(available, p, np.inf).min(axis=1),
    }


def supremum_cells(scale: Scale) -> list[Cell]:
    """Return the grid: blocks of instances for each number of actions."""
    n = 4000 if scale == "paper" else 500
    return [{"K": K, "instances": n} for K in range(2, ACTIONS + 1)]


def _objective(truth: Floats, f: Floats, p: Floats, c: Floats) -> Floats:
    """Return regret minus c times the expected squared error, from the definition."""
    regret = truth.max(axis=-1) - (p * truth).sum(axis=-1)
    return np.asarray(regret - c * (p * (f - truth) ** 2).sum(axis=-1))


def run_suprema(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Maximise the objective over the truth without the formula: a linear system for each best action.

    ``attained`` is the objective at the best of the K stationary points, ``perturbed`` its largest value at random
    truths around it, ``confined`` that over truths in [0, 1]^K.
    """
    n, K = cell["instances"], cell["K"]
    f = rng.random((n, K))
    p = rng.dirichlet(np.ones(K), size=n) * 0.99 + 0.01 / K
    c = 10.0 ** rng.uniform(-1.0, 2.5, size=n)
    attained = np.full(n, -np.inf)
    confined = np.full(n, -np.inf)
    best = np.empty((n, K))
    hessian = 2.0 * c[:, None, None] * p[:, :, None] * np.eye(K)
    for i in range(K):
        gradient = np.eye(K)[i] - p
        truth = f + np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0]
        value = _objective(truth, f, p, c)
        best[value > attained] = truth[value > attained]
        attained = np.maximum(attained, value)
        inside = np.clip(truth, 0.0, 1.0)
        confined = np.maximum(confined, _objective(inside, f, p, c))
    perturbed = np.full(n, -np.inf)
    for size in (1e-6, 1e-3, 1e-1, 1.0, 10.0):
        for _ in range(10):
            moved = best + size * rng.normal(size=best.shape)
            perturbed = np.maximum(perturbed, _objective(moved, f, p, c))
    return {
        "formula": worst_case_regret(f, p, c),
        "attained": attained,
        "perturbed": perturbed,
        "confined": confined,
        "scale": 1.0 + 1.0 / (c * p.min(axis=1)),
    }


def program_cells(scale: Scale) -> list[Cell]:
    """Return the grid: blocks of convex programs."""
    return [{"block": block, "instances": 10} for block in range(40 if scale == "paper" else 4)]


def run_programs(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Minimise the worst case over the probabilities; K in 2..9, c = 10^U[-1, 2.5], spreads 10^U[-3, 0]."""
    names = ("lower", "upper", "closed_form", "minimax", "igw", "slope_halved")
    found = {name: np.empty(cell["instances"]) for name in names}
    for i in range(cell["instances"]):
        K = int(rng.integers(2, ACTIONS + 1))
        f = rng.random(K) * 10.0 ** rng.uniform(-3.0, 0.0)
        c = 10.0 ** rng.uniform(-1.0, 2.5)
        enclosure = decision_estimation(f, c)
        found["lower"][i], found["upper"][i] = enclosure.lower, enclosure.upper
        found["closed_form"][i] = (K - 1) / (4.0 * c)
        for name, p in (
            ("minimax", normalised_inverse_gap_weighting(f, 2.0 * c)),
            ("slope_halved", normalised_inverse_gap_weighting(f, c)),
            ("igw", inverse_gap_weighting(f, 4.0 * c)),
        ):
            found[name][i] = float(worst_case_regret(f, p, c))
    return found


def value_curve_cells(scale: Scale) -> list[Cell]:
    """Return the one cell of the curve over gamma."""
    return [{"K": 5, "instances": 400 if scale == "paper" else 100, "points": 41}]


def run_value_curve(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Compute mean and largest worst case times gamma over random predictions, c = gamma/4, for each rule."""
    K, n = cell["K"], cell["instances"]
    f = rng.random((n, K))
    everything = np.ones((n, K), dtype=np.bool_)
    grid = np.logspace(-1.0, 3.0, cell["points"])
    tuned = np.logspace(-4.0, 0.0, 60)
    found: dict[str, npt.NDArray[Any]] = {"gamma": grid}
    kinds = {"IGW": (INVERSE_GAP, 1.0), "normalised IGW": (NORMALISED, 0.25), "minimax": (NORMALISED, 0.5)}
    for name, (rule, factor) in kinds.items():
        rows = np.empty((grid.size, n))
        for i, gamma in enumerate(grid):
            out = np.empty((n, K))
            _action_weights_rows(rule, f, everything, np.full(n, factor * gamma), out)
            rows[i] = gamma * worst_case_regret(f, out, np.full(n, gamma / 4.0))
        found[f"{name}, mean"], found[f"{name}, max"] = rows.mean(axis=1), rows.max(axis=1)
    rows = np.full((grid.size, n), np.inf)
    for epsilon in tuned:
        out = np.empty((n, K))
        _action_weights_rows(EPSILON, f, everything, np.full(n, epsilon), out)
        for i, gamma in enumerate(grid):
            rows[i] = np.minimum(rows[i], gamma * worst_case_regret(f, out, np.full(n, gamma / 4.0)))
    found["epsilon-greedy, mean"], found["epsilon-greedy, max"] = rows.mean(axis=1), rows.max(axis=1)
    return found
