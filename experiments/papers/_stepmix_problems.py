"""Problems and learners of the stepmix studies, by name."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.instances import ConservativeProblem, conservative_lock, conservative_random, conservative_trap
from tabular.learning.online import bpi_ucbvi, budget_exploration, dope, epsmix, kl_ucbvi, optpess_lp, stepmix
from tabular.learning.online.results import ConservativeRun, OnlineRun

__all__ = ["DELTA", "FAMILIES", "checkpoints", "hold", "play"]

Ints = npt.NDArray[np.int64]

#: Confidence parameter of every learner.
DELTA = 0.1

#: Chances of the wide trap: its traps lose so much that a threshold far below the baseline still excludes them.
WIDE = (0.6, 0.7, 0.1, 0.1, 0.1)

FAMILIES: dict[str, Callable[[np.random.Generator], ConservativeProblem]] = {
    "trap, 0.52": lambda rng: conservative_trap(0.52),
    "trap, 0.55": lambda rng: conservative_trap(0.55),
    "wide trap": lambda rng: conservative_trap(0.3, chances=WIDE),
    "random": lambda rng: conservative_random(fraction=0.95, rng=rng),
    "small random": lambda rng: conservative_random(3, 3, 3, eta=5.0, fraction=0.95, rng=rng),
    "lock": lambda rng: conservative_lock(fraction=0.7),
}

#: Learners that take a baseline and a threshold, with the options of each name.
CONSERVATIVE: dict[str, tuple[Callable[..., ConservativeRun], dict[str, Any]]] = {
    "stepmix": (stepmix, {}),
    "epsmix": (epsmix, {}),
    "stepmix, published": (stepmix, {"planner": "bpi", "evaluator": "bernstein"}),
    "epsmix, published": (epsmix, {"planner": "bpi", "evaluator": "bernstein"}),
    "stepmix, hoeffding": (stepmix, {"evaluator": "hoeffding"}),
    "epsmix, hoeffding": (epsmix, {"evaluator": "hoeffding"}),
    "stepmix, plug-in": (stepmix, {"evaluator": "plug-in"}),
    "epsmix, plug-in": (epsmix, {"evaluator": "plug-in"}),
    "stepmix, small radius": (stepmix, {"scale": 0.05}),
    "epsmix, small radius": (epsmix, {"scale": 0.05}),
    "budget": (budget_exploration, {}),
    "optpess-lp": (optpess_lp, {"bonus": "tight", "replan": "doubling"}),
    "dope": (dope, {"bonus": "tight", "replan": "doubling"}),
}


def hold(learner: str, problem: ConservativeProblem, episodes: int, rng: np.random.Generator) -> ConservativeRun:
    """Run a learner of `CONSERVATIVE` on a problem at delta = `DELTA`."""
    function, options = CONSERVATIVE[learner]
    return function(
        problem.mdp,
        episodes=episodes,
        baseline=problem.baseline,
        threshold=problem.threshold,
        delta=DELTA,
        rng=rng,
        **options,
    )


def play(learner: str, problem: ConservativeProblem, episodes: int, rng: np.random.Generator) -> OnlineRun:
    """Run a learner of `CONSERVATIVE`, or one without constraint, on a problem at delta = `DELTA`.

    Without constraint: ``"unconstrained"``, the KL planner alone, and ``"bpi"``, BPI-UCBVI with its published
    constants, played for all the episodes.
    """
    if learner == "unconstrained":
        return kl_ucbvi(problem.mdp, episodes=episodes, delta=DELTA, rng=rng)
    if learner == "bpi":
        return bpi_ucbvi(problem.mdp, episodes=episodes, eps=1e-9, delta=DELTA, rng=rng)
    return hold(learner, problem, episodes, rng)


def checkpoints(episodes: int, first: int, points: int) -> Ints:
    """Return about ``points`` episode numbers from ``first`` to ``episodes``, evenly spaced in their logarithm."""
    return np.unique(np.geomspace(first, episodes, points).round().astype(np.int64))
