"""The batch loop on random waves: who oscillates, in the population limit and with finite logs."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.instances.contextual import waves_on_a_grid
from experiments.study import Cell, Scale
from tabular.learning.bandit import RetrainingRun, retrain

__all__ = [
    "GAMMAS",
    "finite_cells",
    "generation_cells",
    "loop_cells",
    "run_finite",
    "run_generations",
    "run_loops",
]

Arrays = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]

GAMMAS = (30.0, 100.0, 300.0, 1000.0)
GENERATIONS = 60

#: Name to (whether the class is that of lines, options).
VARIANTS: dict[str, tuple[bool, dict[str, Any]]] = {
    "memory 1": (True, {"memory": 1}),
    "memory 5": (True, {"memory": 5}),
    "all": (True, {"memory": None}),
    "tabular": (False, {"memory": 1}),
    "propensity": (True, {"memory": 1, "propensity_weights": True}),
}


def _improve_then_degrade(run: RetrainingRun) -> float:
    """Return the largest m such that some log is better than the one before by m, and the next policy worse by m."""
    step = np.diff(run.deployed)
    return max(0.0, float(np.minimum(step[:-1], -step[1:]).max()))


def loop_cells(scale: Scale) -> list[Cell]:
    """Return the grid: blocks of instances; a cell runs all variants at all gammas on each."""
    if scale == "paper":
        return [{"X": X, "K": 3, "block": block, "instances": 40} for X in (10, 20) for block in range(10)]
    return [{"X": 10, "K": 3, "block": block, "instances": 20} for block in range(4)]


def run_loops(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Run the loop in the population limit; arrays (instances, gammas) for each variant.

    ``amplitude`` is the range of the greedy value over the last 20 of 60 generations, ``drop`` by how much a better
    log made the next policy worse, ``second`` the deployed value of the second generation and ``farthest`` the
    deployed value of a later one that differs most from it.
    """
    shape = (cell["instances"], len(GAMMAS))
    found = {
        f"{what}, {name}": np.empty(shape) for name in VARIANTS for what in ("amplitude", "drop", "second", "farthest")
    }
    for i in range(cell["instances"]):
        bandit, features = waves_on_a_grid(cell["X"], cell["K"], rng=rng)
        for name, (lines, options) in VARIANTS.items():
            for j, gamma in enumerate(GAMMAS):
                run = retrain(bandit, features if lines else None, gamma=gamma, generations=GENERATIONS, **options)
                later = run.deployed[1:]
                found[f"amplitude, {name}"][i, j] = run.amplitude(20)
                found[f"drop, {name}"][i, j] = _improve_then_degrade(run)
                found[f"second, {name}"][i, j] = later[0]
                found[f"farthest, {name}"][i, j] = later[int(np.argmax(np.abs(later - later[0])))]
    return found


def generation_cells(scale: Scale) -> list[Cell]:
    """Return the one cell of the trajectories."""
    return [{"X": 10, "K": 3, "gamma": 300.0, "candidates": 40}]


def run_generations(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Trace the values over generations on the instance that oscillates most with memory 1, of some candidates."""
    best, chosen = -1.0, waves_on_a_grid(cell["X"], cell["K"], rng=rng)
    for _ in range(cell["candidates"] - 1):
        problem = waves_on_a_grid(cell["X"], cell["K"], rng=rng)
        amplitude = retrain(problem[0], problem[1], gamma=cell["gamma"], generations=GENERATIONS).amplitude(20)
        if amplitude > best:
            best, chosen = amplitude, problem
    bandit, features = chosen
    found: dict[str, npt.NDArray[Any]] = {}
    for name, (lines, options) in VARIANTS.items():
        run = retrain(bandit, features if lines else None, gamma=cell["gamma"], generations=GENERATIONS, **options)
        found[f"deployed, {name}"], found[f"greedy, {name}"] = run.deployed, run.greedy
    found["optimum"] = np.array([float(bandit.context_distribution @ bandit.means.max(axis=1))])
    return found


def finite_cells(scale: Scale) -> list[Cell]:
    """Return the grid of finite logs: 2000 rows a generation, one generation late."""
    n = 40 if scale == "paper" else 10
    return [{"variant": name, "X": 10, "K": 3, "gamma": 300.0, "rows": 2000, "instances": n} for name in VARIANTS]


def run_finite(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Measure the diagnostics of a deployed system; the same for the expectation of the logs is in ``run_loops``.

    ``autocorrelation`` of the deployed value at lag 1 over the last 40 generations, ``rarest`` the smallest share of an
    action in the last 20, ``calibration`` the mean absolute bias of the predictions there, ``amplitude`` as in
    `run_loops`.
    """
    n = cell["instances"]
    names = ("autocorrelation", "rarest", "calibration", "amplitude", "value")
    found = {name: np.empty(n) for name in names}
    lines, options = VARIANTS[cell["variant"]]
    for i in range(n):
        bandit, features = waves_on_a_grid(cell["X"], cell["K"], rng=rng)
        run = retrain(
            bandit, features if lines else None, gamma=cell["gamma"], generations=GENERATIONS, rows=cell["rows"],
            delay=1, rng=rng, **options,
        )  # fmt: skip
        found["autocorrelation"][i] = run.autocorrelation()
        found["rarest"][i] = run.action_share[-20:].min()
        found["calibration"][i] = np.abs(run.bias[-20:]).mean()
        found["amplitude"][i] = run.amplitude(20)
        found["value"][i] = run.deployed[-20:].mean()
    return found
