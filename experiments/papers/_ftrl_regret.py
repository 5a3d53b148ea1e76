"""Regret of the learners on linear instances, each run against its own draw of instance and losses."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.instances.adversarial import ADVERSARIES, adversarial_instance
from experiments.study import Cell, Scale
from tabular.learning.adversarial import (
    AdversarialRun,
    covered_log_barrier,
    dilated_hedge,
    linear_exp3,
    log_barrier,
    magnitude_reduced,
    o_reps,
    published_tuning,
)
from tabular.learning.adversarial._comparator import best_fixed_policy, occupancies
from tabular.models import AdversarialMDP

__all__ = [
    "ablation_cells",
    "action_cells",
    "exponent_cells",
    "regret_bound",
    "regret_cells",
    "run_actions",
    "run_exponents",
    "run_regret",
    "simulator_cells",
    "without_cells",
]

Arrays = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]

LEARNERS: dict[str, Callable[..., AdversarialRun]] = {
    "log-barrier": log_barrier,
    "magnitude-reduced": magnitude_reduced,
    "dilated-hedge": dilated_hedge,
    "LinExp3": linear_exp3,
    "covered": covered_log_barrier,
}
THEORY = ("log-barrier", "magnitude-reduced")
WIDE = "needle, gap 1"


def regret_bound(algorithm: str, *, K: int, H: int, A: int, d: int) -> float:
    """Return the explicit bound on the expected regret at the published tuning."""
    if algorithm == "log-barrier":
        eta = published_tuning(algorithm, episodes=K, H=H, A=A, d=d).eta
        main = 2.0 * math.sqrt(A * d * K * math.log(K) * H**4 * (13.76 * H**2 + 43.5))
        return main + 2.0 * H**2 * (1.0 + math.sqrt(d)) + 1.0 / eta
    return 2.0 * math.sqrt(d * K * math.log(A) * H**4 * (13.76 * H**2 + 87.0))


def _instance(cell: Cell, rng: np.random.Generator) -> tuple[AdversarialMDP, Floats]:
    wide = cell["adversary"] == WIDE
    shape = {name: cell[name] for name in ("K", "H", "S", "A", "d")}
    adversary = "needle" if wide else cell["adversary"]
    return adversarial_instance(cell["family"], adversary, gap=0.5 if wide else None, rng=rng, **shape)


def _uniform(mdp: AdversarialMDP) -> float:
    """Return the regret of uniform play."""
    total = mdp.losses.sum(axis=0)
    law = occupancies(mdp, np.full((mdp.H, mdp.S, mdp.A), 1.0 / mdp.A))
    best = occupancies(mdp, best_fixed_policy(mdp))
    return float(((law - best) * total).sum())


def _trajectories(algorithm: str, cell: Cell) -> int:
    """Return the episodes of the simulator for each episode played: gamma to the power -``simulator``."""
    tuning = published_tuning(algorithm, episodes=cell["K"], H=cell["H"], A=cell["A"], d=cell["d"])
    return math.ceil(tuning.gamma ** -cell["simulator"])


def run_regret(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Measure the regret of one learner in independent runs, with that of uniform play beside it.

    Cells with ``simulator`` draw gamma to minus that power episodes from the simulator in each episode;
    ``exact_regret`` is that of the same learner with exact expectations on the same losses.
    """
    algorithm, runs = cell["algorithm"], cell["runs"]
    play, options = LEARNERS[algorithm], {}
    if "simulator" in cell:
        options["trajectories"] = _trajectories(algorithm, cell)
    regret, uniform, exact = np.empty(runs), np.empty(runs), np.empty(runs)
    for i in range(runs):
        mdp, phi = _instance(cell, rng)
        seed = int(rng.integers(2**31))
        regret[i] = play(mdp, features=phi, rng=seed, **options).regret[-1]
        uniform[i] = _uniform(mdp)
        exact[i] = play(mdp, features=phi, rng=seed).regret[-1] if options else regret[i]
    found = {"regret": regret, "uniform": uniform, "exact_regret": exact}
    if algorithm in THEORY:
        shape = {name: cell[name] for name in ("K", "H", "A", "d")}
        found["bound"] = np.array([regret_bound(algorithm, **shape)])
    return found


def _shape(family: str, H: int, S: int, A: int, d: int) -> dict[str, Any]:
    return {"family": family, "H": H, "S": S, "A": A, "d": d}


def regret_cells(scale: Scale) -> list[Cell]:
    """Return the grid: families by adversaries by K, and the widest needle at the K where the bounds speak."""
    full = scale == "paper"
    bandits = [(d, A) for d in (2, 4, 8) for A in (4, 16)] if full else [(4, 4)]
    shapes = [_shape("bandit", 1, 1, A, d) for d, A in bandits]
    shapes += [_shape("contextual", 1, 4, 4, 3), _shape("tabular", 2, 3, 2, 6), _shape("linear", 2, 8, 3, 3)]
    if full:
        shapes.append(_shape("tabular", 3, 3, 2, 6))
    runs = 50 if full else 5
    found: list[Cell] = []
    for algorithm in THEORY:
        for shape in shapes:
            sizes: tuple[int, ...] = (2**10, 2**12)
            if full:
                sizes = (2**10, 2**12, 2**14, 2**16) if shape["H"] == 1 else (2**10, 2**12, 2**14)
            found += [
                {"algorithm": algorithm, **shape, "adversary": adversary, "K": K, "runs": runs}
                for adversary in ADVERSARIES
                for K in sizes
            ]
        wide = (2**12, 2**14, 2**16, 2**18) if full else (2**14, 2**16)
        found += [
            {"algorithm": algorithm, **_shape("bandit", 1, 1, 3, 2), "adversary": WIDE, "K": K, "runs": runs}
            for K in wide
        ]
    return found


def exponent_cells(scale: Scale) -> list[Cell]:
    """Return the grid: three arms in the plane, losses 1, 1/2 and 0, over K; three tunings and LinExp3 beside them."""
    sizes = tuple(2**i for i in (range(13, 19) if scale == "paper" else range(13, 17)))
    return [
        {"algorithm": algorithm, **_shape("bandit", 1, 1, 3, 2), "adversary": WIDE, "K": K,
         "runs": 30 if scale == "paper" else 6}
        for algorithm in ("log-barrier", "magnitude-reduced", "dilated-hedge", "LinExp3")
        for K in sizes
    ]  # fmt: skip


def run_exponents(cell: Cell, rng: np.random.Generator) -> Arrays:
    """As `run_regret`."""
    return run_regret(cell, rng)


def simulator_cells(scale: Scale) -> list[Cell]:
    """Return the grid of simulator mode: both learners, gamma^-2 simulated episodes for each one played."""
    sizes = tuple(2**i for i in (range(13, 18) if scale == "paper" else range(13, 17)))
    return [
        {
            "algorithm": algorithm,
            **_shape("bandit", 1, 1, 3, 2),
            "adversary": WIDE,
            "K": K,
            "runs": 20 if scale == "paper" else 6,
            "simulator": 2.0,
        }
        for algorithm in THEORY
        for K in sizes
    ]


def without_cells(scale: Scale) -> list[Cell]:
    """Return the grid of the simulator-free learner: a linear MDP of three anchors."""
    sizes = tuple(2**i for i in ((10, 12, 14, 16, 18) if scale == "paper" else (10, 12, 14)))
    return [
        {"algorithm": "covered", **_shape("linear", 2, 4, 3, 3), "adversary": WIDE, "K": K,
         "runs": 20 if scale == "paper" else 8}
        for K in sizes
    ]  # fmt: skip


def action_cells(scale: Scale) -> list[Cell]:
    """Return the grid: numbers of arms that are copies of four, in three dimensions."""
    runs, K = (20, 2**14) if scale == "paper" else (5, 2**13)
    return [
        {"algorithm": algorithm, "A": A, "d": 3, "K": K, "runs": runs, "features": features}
        for algorithm in THEORY
        for features, sizes in (("anchors", (4, 16, 64)), ("one-hot", (4, 8, 16)))
        for A in sizes
    ]


def run_actions(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Measure regret with A arms that are copies of three unit vectors and their mean.

    One-hot features for contrast. The first unit vector costs 0, the others 1.
    """
    A, d, K = cell["A"], cell["d"], cell["K"]
    arms = np.vstack((np.eye(d), np.full(d, 1.0 / d)))
    copies = arms[np.arange(A) % (d + 1)]
    cost = copies @ np.where(np.arange(d) == 0, 0.0, 1.0)
    phi = copies[None] if cell["features"] == "anchors" else None
    regret = np.empty(cell["runs"])
    for i in range(cell["runs"]):
        mdp = AdversarialMDP(np.ones((1, A, 1)), np.tile(np.clip(cost, 0.0, 1.0), (K, 1, 1, 1)))
        seed = int(rng.integers(2**31))
        regret[i] = LEARNERS[cell["algorithm"]](mdp, features=phi, rng=seed).regret[-1]
    return {"regret": regret}


def ablation_cells(scale: Scale) -> list[Cell]:
    """Return the grid: broken and practical variants on a tabular model, with a good anchor that stays or moves."""
    runs, K = (30, 2**15) if scale == "paper" else (8, 2**13)
    return [
        {"variant": variant, **_shape("tabular", 2, 3, 2, 6), "adversary": adversary, "K": K, "runs": runs}
        for adversary in (WIDE, "switching")
        for variant in (
            "log-barrier",
            "no bonus",
            "eta x 100",
            "magnitude-reduced",
            "no correction",
            "O-REPS",
            "uniform",
        )
    ]


def run_ablations(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Measure the regret of one variant; ``eta x 100`` keeps the published bonus and regularisation."""
    regret = np.empty(cell["runs"])
    tuning = published_tuning("log-barrier", episodes=cell["K"], H=cell["H"], A=cell["A"], d=cell["d"])
    for i in range(cell["runs"]):
        mdp, phi = _instance(cell, rng)
        seed = int(rng.integers(2**31))
        variants: dict[str, Callable[..., AdversarialRun]] = {
            "log-barrier": lambda m, p, s: log_barrier(m, features=p, rng=s),
            "no bonus": lambda m, p, s: log_barrier(m, features=p, bonus="none", rng=s),
            "eta x 100": lambda m, p, s: log_barrier(
                m, features=p, eta=100.0 * tuning.eta, beta=tuning.beta, gamma=tuning.gamma, rng=s
            ),
            "magnitude-reduced": lambda m, p, s: magnitude_reduced(m, features=p, rng=s),
            "no correction": lambda m, p, s: magnitude_reduced(m, features=p, correction="none", rng=s),
            "O-REPS": lambda m, p, s: o_reps(m, rng=s),
        }
        if cell["variant"] == "uniform":
            regret[i] = _uniform(mdp)
        else:
            regret[i] = variants[cell["variant"]](mdp, phi, seed).regret[-1]
    return {"regret": regret}
