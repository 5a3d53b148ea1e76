"""Evidence on value iteration for reachability, on elliptical potentials, and on the convergence of planners."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from bounds import concentration
from experiments import instances
from experiments.study import Cell, Scale
from tabular import planning
from tabular.models import DiscountedMDP
from tabular.streams import stream

from ._foundations_models import GAMMAS
from ._table import Table

__all__ = [
    "convergence_cells",
    "elliptical_cells",
    "reachability_cells",
    "run_convergence",
    "run_elliptical",
    "run_reachability",
]

Array = npt.NDArray[np.float64]
Arrays = Mapping[str, npt.NDArray[Any]]


def reachability_cells(scale: Scale) -> list[Cell]:
    """Return the grid: lengths of the slow chain."""
    return [{"n": n} for n in ((5, 10, 15, 20) if scale == "quick" else (5, 10, 15, 20, 25, 30))]


def run_reachability(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Stop value iteration on the slow chain when the change falls below eps, and compare with sound bounds.

    Table ``changes``: largest change of sweep k beside 2**-k. Table ``stopped``, for eps = 1.5, 2.5 and 8 times
    2**-n: what the naive rule returns at the first state, its error and that of interval iteration (the truth is 1/2).
    """
    n = cell["n"]
    chain = instances.slow_reachability(n)
    goal = np.array([n])
    rows = chain.dense_P()[:, 0]
    changes = Table("changes", "change", "limit")
    stopped = Table("stopped", "returned", "limit", "naive", "sound")
    x = np.zeros(n + 2)
    x[n] = 1.0
    for sweep in range(1, n + 1):
        x_next = rows @ x
        changes.add(f"sweep {sweep}", change=np.abs(x_next - x).max(), limit=0.5**sweep)
        x = x_next
    sound = planning.reachability(chain, goal, tol=1e-3)
    for factor in (1.5, 2.5, 8.0):
        naive = planning.reachability(chain, goal, tol=factor * 0.5**n, stop="change")
        stopped.add(
            f"eps={factor:g}*2^-n",
            returned=naive.V[0],
            limit=0.5**n,
            naive=abs(0.5 - naive.V[0]),
            sound=abs(0.5 - sound.V[0]),
        )
    return {**changes.arrays(), **stopped.arrays()}


def elliptical_cells(scale: Scale) -> list[Cell]:
    """Return the grid: dimension, ridge and how the vectors are chosen."""
    steps = 5000 if scale == "paper" else 500
    return [
        {"d": d, "ridge": ridge, "kind": kind, "steps": steps}
        for d in (1, 2, 5, 10)
        for ridge in (0.1, 1.0)
        for kind in ("random", "axes", "most-uncertain")
    ]


def run_elliptical(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Sum the elliptical potentials of a sequence of vectors of norm at most L = 1."""
    d, ridge, steps = cell["d"], cell["ridge"], cell["steps"]
    table = Table("potential", "sum", "log_det_bound", "n", "d", "ridge")
    actions = np.empty((steps, d))
    V = ridge * np.eye(d)
    for n in range(steps):
        if cell["kind"] == "random":
            direction = rng.standard_normal((d,))
            actions[n] = direction / np.sqrt(direction @ direction)
        elif cell["kind"] == "axes":
            actions[n] = np.eye(d)[n % d]
        else:
            actions[n] = np.linalg.eigh(V)[1][:, 0]
        V += np.outer(actions[n], actions[n])
    for n in [n for n in (1, 2, 5, 10, 50, 100, 500, 1000, 2000, 5000) if n <= steps]:
        total, bound = concentration.elliptical_potential(actions[:n], ridge)
        table.add(f"n={n}", sum=total, log_det_bound=bound, n=n, d=d, ridge=ridge)
    return table.arrays()


METHODS = ("vi", "vi-gs", "mpi", "pi")


def convergence_cells(scale: Scale) -> list[Cell]:
    """Return the grid: planner and discount."""
    return [{"method": method, "gamma": gamma} for method in METHODS for gamma in GAMMAS]


def convergence_model(gamma: float) -> DiscountedMDP:
    """Return the model of the convergence curves: 50 states, 4 actions, Dirichlet(0.1) rows, at each discount."""
    rng = stream(0, "tabular-foundations/convergence model")
    return instances.random_discounted(50, 4, gamma, alpha=0.1, rng=rng)


def run_convergence(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Follow a planner and record its work, its error and the width of its certificate.

    Returns
    -------
    mapping
        ``operations``: multiplications so far (``S*S*A`` a sweep, ``S*S`` an evaluation sweep, ``S**3/3`` a linear
        solve); ``error``: sup-norm error of the centre of the MacQueen enclosure around the current values;
        ``width``: width of that enclosure.
    """
    mdp = convergence_model(cell["gamma"])
    P, r, gamma, S, A = mdp.dense_P(), mdp.r, mdp.gamma, mdp.S, mdp.A
    states = np.arange(S)
    V_star = planning.policy_iteration(mdp).V
    v, work = np.zeros(S), 0.0
    operations, errors, widths = [], [], []
    for _ in range(2000):
        Q = r + gamma * P @ v
        Tv, greedy = Q.max(axis=1), Q.argmax(axis=1)
        d = Tv - v
        work += float(S * S * A)
        width = gamma * float(np.ptp(d)) / (1 - gamma)
        centre = Tv + gamma * (d.min() + d.max()) / (2 * (1 - gamma))
        operations.append(work)
        widths.append(width)
        errors.append(float(np.abs(centre - V_star).max()))
        if width <= 1e-9:
            break
        if cell["method"] == "vi":
            v = Tv
        elif cell["method"] == "vi-gs":
            v = v.copy()
            for s in range(S):
                v[s] = (r[s] + gamma * P[s] @ v).max()
        elif cell["method"] == "mpi":
            v = Tv
            for _ in range(9):
                v = r[states, greedy] + gamma * P[states, greedy] @ v
            work += 9.0 * S * S
        else:
            v = planning.evaluate(mdp, greedy).V
            work += S**3 / 3
    return {"operations": np.array(operations), "error": np.array(errors), "width": np.array(widths)}
