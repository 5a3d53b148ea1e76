"""Regret of the learners, each run on its own draw of the instance."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.instances.contextual import (
    clear_contexts,
    misleading_contexts,
    random_contextual,
    small_loss_contexts,
)
from experiments.study import Cell, Scale
from tabular.learning.bandit import ContextualRun, contextual_epsilon_greedy, falcon, fast_cb, square_cb

__all__ = [
    "epoch_cells",
    "exploration_cells",
    "first_order_cells",
    "misspecified_cells",
    "regret_cells",
    "run_epochs",
    "run_exploration",
    "run_first_order",
    "run_misspecified",
    "run_regret",
]

Arrays = Mapping[str, npt.NDArray[Any]]

#: Members of every class, contexts of every instance.
MEMBERS, CONTEXTS = 50, 10

#: A weight of the gaps so small that play is uniform, with the oracle of SquareCB beside it.
UNIFORM = 1e-9

LEARNERS: dict[str, Callable[..., ContextualRun]] = {
    "SquareCB": square_cb,
    "SquareCB, normalised": lambda *a, **k: square_cb(*a, normalised=True, **k),
    "uniform": lambda *a, **k: square_cb(*a, gamma=UNIFORM, **k),
    "epsilon-greedy": contextual_epsilon_greedy,
    "epsilon-greedy, fixed": lambda *a, **k: contextual_epsilon_greedy(*a, epsilon=0.1, **k),
    "FALCON": falcon,
    "FALCON, constant 1": lambda *a, **k: falcon(*a, scale=30.0, **k),
}


def _sizes(low: int, high: int) -> tuple[int, ...]:
    return tuple(2**i for i in range(low, high + 1))


def regret_cells(scale: Scale) -> list[Cell]:
    """Return the grid: learners by actions by horizons, on random tables."""
    full = scale == "paper"
    horizons = _sizes(8, 16) if full else _sizes(8, 14)
    return [
        {"algorithm": name, "K": K, "T": T, "runs": 100 if full else 20}
        for name in ("SquareCB", "SquareCB, normalised", "uniform", "epsilon-greedy", "FALCON", "FALCON, constant 1")
        for K in ((2, 5, 10) if full else (2, 5))
        for T in horizons
    ]


def _play(name: str, problem: tuple[Any, Any], T: int, rng: np.random.Generator, **options: Any) -> ContextualRun:
    bandit, members = problem
    return LEARNERS[name](bandit, members, horizon=T, record=[T], rng=int(rng.integers(2**31)), **options)


def run_regret(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Measure regret and squared error of independent runs."""
    regret, error = np.empty(cell["runs"]), np.empty(cell["runs"])
    for i in range(cell["runs"]):
        problem = random_contextual(CONTEXTS, cell["K"], members=MEMBERS, rng=rng)
        run = _play(cell["algorithm"], problem, cell["T"], rng)
        regret[i], error[i] = run.regret[0, -1], run.error[0, -1]
    budget = 2.0 * math.log(MEMBERS)
    bound = math.sqrt(2.0 * cell["K"] * cell["T"] * budget)
    return {"regret": regret, "error": error, "bound": np.array([bound]), "error_bound": np.array([budget])}


def misspecified_cells(scale: Scale) -> list[Cell]:
    """Return the grid: errors by horizons, on classes that prefer wrong actions."""
    full = scale == "paper"
    return [
        {"error": error, "K": 5, "T": T, "runs": 100 if full else 20}
        for error in (0.02, 0.05, 0.1, 0.2)
        for T in (_sizes(10, 16) if full else _sizes(10, 14))
    ]


def run_misspecified(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Measure the regret of SquareCB tuned for the error, with the bound that counts it and the one that does not."""
    K, T, error = cell["K"], cell["T"], cell["error"]
    regret = np.empty(cell["runs"])
    for i in range(cell["runs"]):
        problem = misleading_contexts(CONTEXTS, K, error=error, members=MEMBERS, rng=rng)
        regret[i] = _play("SquareCB", problem, T, rng, misspecification=error).regret[0, -1]
    budget = 2.0 * math.log(MEMBERS)
    return {
        "regret": regret,
        "bound": np.array([math.sqrt(2.0 * K * T * (budget + error**2 * T))]),
        "realisable_bound": np.array([math.sqrt(2.0 * K * T * budget)]),
    }


def first_order_cells(scale: Scale) -> list[Cell]:
    """Return the grid: optimal losses a round, for FastCB and SquareCB, at one horizon."""
    full = scale == "paper"
    return [
        {"algorithm": name, "loss": loss, "K": 5, "T": 2**17 if full else 2**16, "runs": 50 if full else 6}
        for name in ("FastCB", "SquareCB")
        for loss in (0.003, 0.01, 0.03, 0.1, 0.29)
    ]


def run_first_order(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Measure regret where the best action loses ``loss`` a round and every other 0.3 to 0.6 more or less."""
    T, loss = cell["T"], cell["loss"]
    regret = np.empty(cell["runs"])
    for i in range(cell["runs"]):
        bandit, members = small_loss_contexts(CONTEXTS, cell["K"], loss=loss, members=MEMBERS, rng=rng)
        seed = int(rng.integers(2**31))
        if cell["algorithm"] == "FastCB":
            run = fast_cb(bandit, members, horizon=T, optimal_loss=loss * T, record=[T], rng=seed)
        else:
            run = square_cb(bandit, members, horizon=T, record=[T], rng=seed)
        regret[i] = run.regret[0, -1]
    return {"regret": regret}


def exploration_cells(scale: Scale) -> list[Cell]:
    """Return the grid of epsilon-greedy, on instances whose best actions are clear."""
    full = scale == "paper"
    return [
        {"algorithm": name, "K": K, "T": T, "runs": 100 if full else 12}
        for name in ("epsilon-greedy", "epsilon-greedy, fixed")
        for K in ((2, 5, 10) if full else (2, 5))
        for T in (_sizes(10, 17) if full else _sizes(10, 15))
    ]


def run_exploration(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Measure regret where the least squares fit is right after few rounds, so that exploration is what costs."""
    regret = np.empty(cell["runs"])
    for i in range(cell["runs"]):
        problem = clear_contexts(CONTEXTS, cell["K"], members=MEMBERS, rng=rng)
        regret[i] = _play(cell["algorithm"], problem, cell["T"], rng).regret[0, -1]
    return {"regret": regret}


def epoch_cells(scale: Scale) -> list[Cell]:
    """Return the grid of FALCON: long horizons, on instances whose best actions are clear."""
    full = scale == "paper"
    few = 6 if full else 4
    return [
        {"algorithm": name, "K": K, "T": T, "runs": runs}
        for name, runs in (("FALCON, constant 1", 20 if full else 6), ("FALCON", few), ("uniform", few))
        for K in ((2, 5) if full else (2,))
        for T in (_sizes(17, 21) if full else _sizes(16, 19))
    ]


def run_epochs(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Measure regret over sqrt(ln(N T / delta)), the number of regressions, and regret over that of uniform play."""
    T, K = cell["T"], cell["K"]
    regret, share = np.empty(cell["runs"]), np.empty(cell["runs"])
    fits = 0
    for i in range(cell["runs"]):
        bandit, members = clear_contexts(CONTEXTS, K, members=MEMBERS, rng=rng)
        run = _play(cell["algorithm"], (bandit, members), T, rng)
        regret[i], fits = run.regret[0, -1], run.fits
        gaps = bandit.means.max(axis=1, keepdims=True) - bandit.means
        share[i] = regret[i] / (T * float(gaps.mean()))
    scaled = regret / math.sqrt(math.log(MEMBERS * T / 0.05))
    return {"regret": regret, "scaled": scaled, "share": share, "fits": np.array([fits], dtype=np.int64)}
