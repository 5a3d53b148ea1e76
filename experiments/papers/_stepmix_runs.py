"""Studies of stepmix on learning runs whose safety is judged: every radius as proved, except in the broken variants."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.instances import conservative_trap
from experiments.study import Cell, Scale
from tabular.learning.online.results import ConservativeRun

from ._stepmix_problems import DELTA, FAMILIES, hold, play

__all__ = ["departure_cells", "kappa_cells", "run_departures", "run_kappa", "run_safety", "safety_cells"]

Arrays = Mapping[str, npt.NDArray[Any]]

RIGOROUS = ("stepmix", "epsmix")
BROKEN = ("stepmix, plug-in", "epsmix, plug-in", "stepmix, small radius", "epsmix, small radius", "unconstrained")


def safety_cells(scale: Scale) -> list[Cell]:
    """Families and learners; blocks of runs."""
    if scale == "quick":
        grid = [(family, learner, episodes, 1, 30) for family, episodes in
                (("wide trap", 1000), ("random", 300), ("lock", 500)) for learner in RIGOROUS]  # fmt: skip
        grid += [("wide trap", learner, 1000, 1, 30) for learner in (*BROKEN, "budget")]
    else:
        traps = ("trap, 0.52", "trap, 0.55")
        grid = [(family, learner, 20_000, 40, 5) for family in (*traps, "random", "lock") for learner in RIGOROUS]
        grid += [(family, learner, 20_000, 8, 5) for family in traps for learner in BROKEN]
        grid.append(("trap, 0.52", "budget", 50_000, 10, 4))
    return [
        dict(family=family, learner=learner, episodes=episodes, block=block, runs=runs, delta=DELTA)
        for family, learner, episodes, blocks, runs in grid
        for block in range(blocks)
    ]


def run_safety(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Run a learner many times, on a fresh model each time where the family is random, and count violating episodes.

    Returns
    -------
    mapping
        One entry a run. ``violating``: episodes whose executed policy (for EpsMix: mixture, coin included) has an exact
        value below the threshold; ``lowest``: smallest value minus threshold; ``cumulative``: smallest sum over the
        first k episodes of value minus threshold, k = 1..K; ``left``: episodes that executed something else than the
        baseline; ``free``: episodes that executed the optimistic policy in full; ``regret``.
    """
    rows = []
    for _ in range(cell["runs"]):
        problem = FAMILIES[cell["family"]](rng)
        run = play(cell["learner"], problem, cell["episodes"], rng)
        left = free = run.episodes
        if isinstance(run, ConservativeRun):
            left, free = int(np.sum(~run.pure_baseline)), int(np.sum(run.baseline_steps == 0))
        excess = run.values - problem.threshold
        rows.append(
            (np.count_nonzero(excess < -1e-12), excess.min(), np.cumsum(excess).min(), left, free, run.regret[-1])
        )
    names = ("violating", "lowest", "cumulative", "left", "free", "regret")
    return {name: np.array([float(row[i]) for row in rows]) for i, name in enumerate(names)}


def kappa_cells(scale: Scale) -> list[Cell]:
    """Tolerated losses and learners on the trap, with a deterministic (share = 1) or the default baseline (0.9).

    A run lasts ``length`` / kappa^2 episodes: 60 are enough to see the first mixture, 150 to see the last.
    """
    if scale == "quick":
        grid = [("stepmix", 1.0, kappa, 30.0, 1, 16) for kappa in (0.16, 0.11, 0.075)]
        grid += [("stepmix", 1.0, kappa, 150.0, 1, 16) for kappa in (0.4, 0.3, 0.22)]
    else:
        kappas = (0.1, 0.075, 0.06, 0.045, 0.03)
        grid = [(learner, 1.0, kappa, 150.0, 8, 3) for learner in RIGOROUS for kappa in kappas]
        grid += [("stepmix", 0.9, kappa, 60.0, 32, 3) for kappa in kappas]
    return [
        dict(learner=learner, share=share, kappa=kappa, length=length, block=block, runs=runs)
        for learner, share, kappa, length, blocks, runs in grid
        for block in range(blocks)
    ]


def run_kappa(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Run StepMix or EpsMix on the trap, with the threshold kappa below the baseline.

    Returns
    -------
    mapping
        One entry a run. ``pure``: episodes that executed the baseline and nothing else; ``first``: number of episodes
        before something else was executed; ``extra``: regret of all episodes that did not execute the optimistic
        policy in full; ``free``: episodes that did.
    """
    kappa, share = cell["kappa"], cell["share"]
    problem = conservative_trap(conservative_trap(0.0, share=share).baseline_value - kappa, share=share)
    episodes = round(cell["length"] / kappa**2)
    rows = []
    for _ in range(cell["runs"]):
        run = hold(cell["learner"], problem, episodes, rng)
        pure, full = run.pure_baseline, run.baseline_steps == 0
        first = episodes if pure.all() else int(np.argmin(pure))
        rows.append((pure.sum(), first, (run.optimal_value - run.values)[~full].sum(), full.sum()))
    return {
        name: np.array([float(row[i]) for row in rows]) for i, name in enumerate(("pure", "first", "extra", "free"))
    }


def departure_cells(scale: Scale) -> list[Cell]:
    """Tolerated losses and learners; ``episodes`` cuts the runs."""
    kappas, runs = ((0.3, 0.2), 8) if scale == "quick" else ((0.2, 0.1, 0.05), 40)
    learners = ("stepmix", "epsmix", "stepmix, hoeffding", "epsmix, hoeffding", "stepmix, plug-in", "epsmix, plug-in")
    return [
        dict(kappa=kappa, learner=learner, episodes=round(40.0 / kappa**2), runs=runs, delta=DELTA)
        for kappa in kappas
        for learner in learners
    ]


def run_departures(cell: Cell, rng: np.random.Generator) -> Arrays:
    """How long a learner executes the baseline and nothing else, on a trap with a deterministic baseline.

    The baseline is worth 1/2 + kappa, the threshold is 1/2, and the best action is worth 1/10 more than the baseline.

    Returns
    -------
    mapping
        ``wait``: per run, episodes before something else is executed, at most the number of episodes.
    """
    kappa, episodes = cell["kappa"], cell["episodes"]
    problem = conservative_trap(0.5, chances=(0.5 + kappa, 0.6 + kappa, 0.3, 0.3, 0.3), share=1.0)
    wait = []
    for _ in range(cell["runs"]):
        run = hold(cell["learner"], problem, episodes, rng)
        pure = run.pure_baseline
        wait.append(float(episodes if pure.all() else np.argmin(pure)))
    return {"wait": np.array(wait)}
