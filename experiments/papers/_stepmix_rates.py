"""Studies of stepmix on regret: its growth, its price, its constants, and how it depends on baseline and threshold."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.instances import conservative_random
from experiments.study import Cell, Scale
from tabular.learning.online.results import ConservativeRun
from tabular.streams import stream

from ._stepmix_problems import FAMILIES, checkpoints, play

__all__ = [
    "constant_cells",
    "price_cells",
    "run_constants",
    "run_price",
    "run_sweep",
    "run_traces",
    "sweep_cells",
    "trace_cells",
]

Arrays = Mapping[str, npt.NDArray[Any]]

PRICED = ("stepmix", "epsmix", "unconstrained", "stepmix, published")


def price_cells(scale: Scale) -> list[Cell]:
    """Blocks of random problems, every learner on each of them."""
    episodes, blocks, runs = (4000, 2, 8) if scale == "quick" else (100_000, 40, 1)
    return [dict(family="small random", episodes=episodes, block=block, runs=runs) for block in range(blocks)]


def run_price(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Regret of StepMix, EpsMix, the KL planner alone, and StepMix with the published constants, on the same problems.

    Returns
    -------
    mapping
        ``at``: episode numbers over the last decade, shape (8,); ``stepmix``, ``epsmix``, ``unconstrained``,
        ``published``: cumulative regret there, shape (runs, 8).
    """
    at = checkpoints(cell["episodes"], cell["episodes"] // 10, 8)
    found: dict[str, list[Any]] = {name: [] for name in PRICED}
    for _ in range(cell["runs"]):
        problem = FAMILIES[cell["family"]](rng)
        for name in PRICED:
            found[name].append(play(name, problem, cell["episodes"], rng).regret[at - 1])
    return {"at": at, **{name.partition(", ")[2] or name: np.array(curves) for name, curves in found.items()}}


def constant_cells(scale: Scale) -> list[Cell]:
    """Learners with the published constants, and with the KL radii; blocks of runs."""
    episodes, blocks, runs = (10_000, 1, 2) if scale == "quick" else (200_000, 3, 1)
    learners = ("stepmix, published", "epsmix, published", "bpi", "stepmix", "epsmix", "unconstrained")
    return [
        dict(learner=learner, episodes=episodes, block=block, runs=runs)
        for learner in learners
        for block in range(blocks)
    ]


def run_constants(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Run a learner on random problems (S = A = 5, H = 3, threshold 0.95 of the baseline's value).

    Returns
    -------
    mapping
        ``left``: per run, episodes that executed something else than the baseline (all, for learners without one);
        ``at``: episode numbers over the last decade; ``regret``: shape (runs, 8), cumulative; ``per_episode``: regret
        an episode over the last half; ``baseline_loss``: optimal value minus that of the baseline.
    """
    episodes = cell["episodes"]
    at = checkpoints(episodes, episodes // 10, 8)
    left, curves, late, loss = [], [], [], []
    for _ in range(cell["runs"]):
        problem = FAMILIES["random"](rng)
        run = play(cell["learner"], problem, episodes, rng)
        left.append(int(np.count_nonzero(~run.pure_baseline)) if isinstance(run, ConservativeRun) else episodes)
        curves.append(run.regret[at - 1])
        late.append(float((run.optimal_value - run.values[episodes // 2 :]).mean()))
        loss.append(problem.optimal_value - problem.baseline_value)
    return {
        "left": np.array(left),
        "at": at,
        "regret": np.array(curves),
        "per_episode": np.array(late),
        "baseline_loss": np.array(loss),
    }


def sweep_cells(scale: Scale) -> list[Cell]:
    """Quality of the baseline and threshold, one varied at a time."""
    episodes, runs = (1500, 5) if scale == "quick" else (20_000, 20)
    grid = [(eta, 0.95) for eta in (2.0, 5.0, 10.0, 20.0)] + [(5.0, part) for part in (0.8, 0.9, 0.98)]
    return [dict(eta=eta, fraction=fraction, episodes=episodes, runs=runs) for eta, fraction in grid]


def run_sweep(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Regret after all episodes on random problems (S = A = H = 3), the same models in every cell; one entry a run.

    Returns
    -------
    mapping
        ``stepmix``, ``epsmix``, ``unconstrained``: regret; ``kappa``: tolerated loss; ``loss``: optimal value minus
        that of the baseline.
    """
    rows = []
    for i in range(cell["runs"]):
        source = stream(0, "stepmix/sweep", i)
        problem = conservative_random(3, 3, 3, eta=cell["eta"], fraction=cell["fraction"], rng=source)
        regrets = [
            play(name, problem, cell["episodes"], rng).regret[-1] for name in ("stepmix", "epsmix", "unconstrained")
        ]
        rows.append((*regrets, problem.kappa, problem.optimal_value - problem.baseline_value))
    names = ("stepmix", "epsmix", "unconstrained", "kappa", "loss")
    return {name: np.array([row[i] for row in rows]) for i, name in enumerate(names)}


def trace_cells(scale: Scale) -> list[Cell]:
    """Every learner on a trap and on random problems; the two that solve linear programs in fewer runs."""
    quick = scale == "quick"
    families = (("wide trap", 3000, 6), ("small random", 1500, 6)) if quick else (
        ("trap, 0.52", 20_000, 10), ("random", 20_000, 10))  # fmt: skip
    learners = ("stepmix", "epsmix", "unconstrained", "budget", "optpess-lp", "dope")
    return [
        dict(family=family, learner=learner, episodes=episodes, runs=2 if quick and learner in learners[4:] else runs)
        for family, episodes, runs in families
        for learner in learners
    ]


def run_traces(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Follow a learner over its episodes, in bins that grow geometrically; run i of every learner has the same problem.

    The LP learners use the KL-based ("tight") bonus at scale 1, and solve anew when some count has doubled.

    Returns
    -------
    mapping
        ``at``: last episode of each bin, (bins,). Per run and bin, (runs, bins): ``mean`` and ``lowest`` value of the
        executed policies in the bin, ``regret`` up to its end, ``rho`` (mean mixing weight) and ``baseline_steps``
        (mean number of baseline steps; both 0 for learners without a baseline). Per run: ``threshold``,
        ``baseline_value``, ``optimal_value``, ``violating`` (episodes below the threshold).
    """
    at = checkpoints(cell["episodes"], 1, 40)
    start = np.concatenate(([0], at[:-1]))
    size = at - start
    found: dict[str, list[Any]] = {}
    for i in range(cell["runs"]):
        problem = FAMILIES[cell["family"]](stream(0, "stepmix/traces", cell["family"], i))
        run = play(cell["learner"], problem, cell["episodes"], rng)
        rho = steps = np.zeros(run.episodes)
        if isinstance(run, ConservativeRun):
            rho, steps = run.rho, run.baseline_steps.astype(np.float64)
        row = {
            "mean": np.add.reduceat(run.values, start) / size,
            "lowest": np.minimum.reduceat(run.values, start),
            "regret": run.regret[at - 1],
            "rho": np.add.reduceat(rho, start) / size,
            "baseline_steps": np.add.reduceat(steps, start) / size,
            "threshold": problem.threshold,
            "baseline_value": problem.baseline_value,
            "optimal_value": problem.optimal_value,
            "violating": float(np.count_nonzero(run.values < problem.threshold - 1e-12)),
        }
        for name, value in row.items():
            found.setdefault(name, []).append(value)
    return {"at": at, **{name: np.array(values) for name, values in found.items()}}
