"""Studies of phased elimination: its regret without and with misspecification."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize

from experiments.instances import unit_vectors
from experiments.study import Cell, Scale
from tabular.learning import bandit as learners
from tabular.models import LinearBandit

__all__ = ["misled", "misled_cells", "run_misled", "run_specified", "specified_cells"]

Arrays = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]

#: Norms of theta in units of NOISE sqrt(d / n), where regret is largest, and norms that stay.
SHRINKING = (2.0, 8.0, 32.0)
FIXED = (0.03, 0.1, 1.0)
NOISE = 0.1


def specified_cells(scale: Scale) -> list[Cell]:
    """Horizons; norms of theta that shrink with them, and norms that do not."""
    horizons, runs = (
        ((10_000, 100_000, 1_000_000), 12) if scale == "quick" else ((10_000, 100_000, 1_000_000, 10_000_000), 60)
    )
    return [
        dict(n=n, d=4, k=30, norm=norm, shrinking=shrinking, runs=runs)
        for n in horizons
        for shrinking, norms in ((True, SHRINKING), (False, FIXED))
        for norm in norms
    ]


def run_specified(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Play without misspecification, one random problem a run; entries are regrets at the horizon.

    Returns
    -------
    mapping
        ``phased``, ``textbook``, and ``hasty``: phased elimination that keeps the best estimate alone.
    """
    n, d = cell["n"], cell["d"]
    norm = cell["norm"] * (NOISE * math.sqrt(d / n) if cell["shrinking"] else 1.0)
    rows: dict[str, list[float]] = {"phased": [], "textbook": [], "hasty": []}
    for _ in range(cell["runs"]):
        x = unit_vectors(cell["k"], d, rng)
        bandit = LinearBandit(x, norm * unit_vectors(1, d, rng)[0], NOISE)
        how: dict[str, Any] = {"horizon": n, "record": [n], "rng": rng}
        rows["phased"].append(learners.phased_elimination(bandit, **how).regret[0, -1])
        rows["textbook"].append(learners.phased_elimination(bandit, schedule="textbook", **how).regret[0, -1])
        rows["hasty"].append(learners.phased_elimination(bandit, scale=0.0, **how).regret[0, -1])
    return {name: np.array(values) for name, values in rows.items()}


def misled(x: Floats, epsilon: float, margin: float, rng: np.random.Generator) -> LinearBandit:
    """Return the bandit on which noiseless least squares on the optimal design errs most, for a random pair of arms.

    A linear program chooses theta and a misspecification of size ``epsilon`` so that the output's prediction leads all
    others by ``margin`` while the other arm pays as much more as possible. Pairs without a solution are passed over.
    """
    k, d = x.shape
    fit = learners.prediction_map(x, learners.g_optimal_design(x).weights)
    box = [(-(d**-0.5), d**-0.5)] * d + [(-epsilon, epsilon)] * k
    for _ in range(100):
        best, out = rng.choice(k, size=2, replace=False)
        losing = np.delete(np.hstack([x - x[out], fit - fit[out]]), out, axis=0)
        gain = np.concatenate([x[best] - x[out], np.eye(k)[best] - np.eye(k)[out]])
        found = optimize.linprog(-gain, A_ub=losing, b_ub=np.full(k - 1, -margin), bounds=box, method="highs")
        if found.x is not None and gain @ found.x > 0.0:
            return LinearBandit(x, found.x[:d], 0.05, np.clip(found.x[d:], -epsilon, epsilon))
    raise RuntimeError("no pair of arms admits a misspecification by which the worse one leads by the margin")


def misled_cells(scale: Scale) -> list[Cell]:
    """Dimension and size of the misspecification."""
    n, runs = (30_000, 24) if scale == "quick" else (100_000, 60)
    return [dict(d=d, k=3 * d, eps=eps, n=n, runs=runs) for d in (2, 4, 8, 16) for eps in (0.05, 0.1)]


def run_misled(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Play misspecified problems with noise of deviation 0.05; phased elimination is not told epsilon.

    Returns
    -------
    mapping
        ``rounds`` (6,); ``regret`` and ``told`` (runs, 6): of the learner, and of one that knows epsilon; ``gap``
        (runs,): how much the arm it pulled most pays less than the best.
    """
    n = cell["n"]
    at = np.unique(np.geomspace(n // 30, n, 6).round().astype(np.int64))
    rows: dict[str, list[Any]] = {"regret": [], "told": [], "gap": []}
    for _ in range(cell["runs"]):
        x = unit_vectors(cell["k"], cell["d"], rng)
        bandit = misled(x, cell["eps"], 0.1 * cell["eps"], rng)
        run = learners.phased_elimination(bandit, horizon=n, record=at, rng=rng)
        told = learners.phased_elimination(bandit, horizon=n, record=at, epsilon=cell["eps"], rng=rng)
        rows["regret"].append(run.regret[0])
        rows["told"].append(told.regret[0])
        rows["gap"].append(bandit.means.max() - bandit.means[int(np.argmax(run.pulls[0]))])
    return {"rounds": at, **{name: np.array(values) for name, values in rows.items()}}
