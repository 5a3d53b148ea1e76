"""Studies of stepmix on its base layer, BPI-UCBVI: optimism at random counts, and when it stops."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments import instances
from experiments.study import Cell, Scale
from tabular.learning.online import bpi_ucbvi
from tabular.learning.online._bpi_kernels import _bpi_plan, empty_bpi_plan
from tabular.learning.online._confidence import _beta, _beta_star
from tabular.learning.online._counts import Counts
from tabular.models import EpisodicMDP
from tabular.planning import backward_induction

from ._stepmix_audit import DELTA, random_counts

__all__ = ["optimism_cells", "run_optimism", "run_stops", "stop_cells"]

Arrays = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]


def optimism_cells(scale: Scale) -> list[Cell]:
    """Shapes of random models, largest number of visits, blocks of count tables."""
    blocks, tables = (1, 40) if scale == "quick" else (4, 250)
    return [
        dict(S=S, A=A, H=H, most=most, block=block, tables=tables, delta=DELTA)
        for S, A, H in ((2, 2, 2), (3, 2, 4), (5, 5, 3))
        for most in (1e4, 1e7)
        for block in range(blocks)
    ]


def on_bpi_event(mdp: EpisodicMDP, counts: Counts, V: Floats, delta: float) -> bool:
    r"""Whether the event of the radii holds.

    :math:`n\,KL(\hat P\|P)\le\beta` and
    :math:`|(\hat P-P)V^\star|\le\sqrt{2Var_P(V^\star)\beta^\star/n}+3H\beta^\star/n` in every row.
    """
    H, S, A = counts.n.shape
    for h, s, a in np.ndindex(H, S, A):
        n, m = float(counts.n[h, s, a]), int(counts.degree[h, s, a])
        if n == 0:
            continue
        weight, where, p = counts.weight[h, s, a][:m], counts.successor[h, s, a][:m], mdp.P[h, s, a]
        star = _beta_star(n, delta, S, A, H) / n
        mean = float(p @ V[h + 1])
        variance = max(float(p @ V[h + 1] ** 2) - mean**2, 0.0)
        if float(np.sum(weight * np.log(weight / (n * p[where])))) > _beta(n, delta, S, A, H):
            return False
        if abs(float(weight @ V[h + 1][where]) / n - mean) > np.sqrt(2.0 * variance * star) + 3.0 * H * star:
            return False
    return True


def run_optimism(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Hold the upper and lower tables of BPI-UCBVI against the optimal one, on random counts of random models.

    Returns
    -------
    mapping
        One entry a table of counts. ``event``: whether the two inequalities behind the radii hold in every row;
        ``above``: largest Q* minus upper; ``below``: largest lower minus Q*; ``above_none``: ``above`` without the
        confidence terms; ``width``: mean upper minus lower, in units of the trivial width.
    """
    S, A, H = cell["S"], cell["A"], cell["H"]
    rows = []
    for _ in range(cell["tables"]):
        mdp = instances.random_episodic(S, A, H, rng=rng)
        counts = random_counts(mdp, cell["most"], rng)
        exact = backward_induction(mdp)
        plan = empty_bpi_plan(S, A, H)
        _bpi_plan(plan, counts, mdp.r, DELTA, 1.0, 1.0)
        above, below = float((exact.Q - plan.upper).max()), float((plan.lower - exact.Q).max())
        trivial = np.arange(H, 0, -1.0)[:, None, None]
        width = float(((plan.upper - plan.lower) / trivial).mean())
        _bpi_plan(plan, counts, mdp.r, DELTA, 0.0, 1.0)
        event = on_bpi_event(mdp, counts, exact.V, DELTA)
        rows.append((float(event), above, below, float((exact.Q - plan.upper).max()), width))
    names = ("event", "above", "below", "above_none", "width")
    return {name: np.array([row[i] for row in rows]) for i, name in enumerate(names)}


def stop_cells(scale: Scale) -> list[Cell]:
    """Accuracies."""
    accuracies, runs = ((0.45, 0.52, 0.59), 15) if scale == "quick" else ((0.2, 0.26, 0.34, 0.45, 0.59), 40)
    return [dict(eps=eps, runs=runs, delta=0.2) for eps in accuracies]


def run_stops(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Play BPI-UCBVI with its published constants until it stops, on one choice between chances 0.4 and 1.

    Two states, two actions, H = 2: state 1 pays 1 and is reached from the start by the action's chance. The wrong
    action loses 0.6, more than every accuracy tried.

    Returns
    -------
    mapping
        One entry a run: ``episodes`` until the stop; ``loss``: optimal value minus that of the policy returned;
        ``episodes_none``, ``loss_none``: without the confidence terms in the gap.
    """
    rows = np.array([[[0.6, 0.4], [0.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]]])
    mdp = EpisodicMDP(rows, np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([1.0, 0.0]), H=2)
    found = []
    for _ in range(cell["runs"]):
        run = bpi_ucbvi(mdp, episodes=2_000_000, eps=cell["eps"], delta=cell["delta"], rng=rng)
        none = bpi_ucbvi(mdp, episodes=10_000, eps=cell["eps"], delta=cell["delta"], gap_bonus="none", rng=rng)
        found.append(
            (run.episodes, run.optimal_value - run.best_value, none.episodes, none.optimal_value - none.best_value)
        )
    names = ("episodes", "loss", "episodes_none", "loss_none")
    return {name: np.array([float(row[i]) for row in found]) for i, name in enumerate(names)}
