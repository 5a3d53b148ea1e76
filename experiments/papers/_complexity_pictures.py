"""What the figures show beside the claims: coverability layer by layer, and coverage against the risk of pessimism."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from bounds import complexity
from experiments import instances
from experiments.instances import pessimism
from experiments.study import Cell, Scale
from tabular import planning
from tabular.learning.offline import empirical_value_iteration, vi_lcb
from tabular.models import EpisodicMDP
from tabular.simulation import sample_dataset

__all__ = ["layer_cells", "risk_cells", "run_layers", "run_risks"]

Arrays = Mapping[str, npt.NDArray[Any]]

GAMMA = 0.9
#: Penalty of pessimistic value iteration, in units of Hoeffding's width; small, because all rows serve every iteration.
PENALTY = 0.05


def layer_cells(scale: Scale) -> list[Cell]:
    """Return the grid: sizes of RiverSwim and DeepSea, numbers of actions of the lock."""
    last = 16 if scale == "paper" else 10
    cells: list[Cell] = [{"family": "RiverSwim", "size": size, "layers": 20} for size in range(3, last + 1)]
    cells += [{"family": "DeepSea", "size": size, "layers": size} for size in range(3, last + 1)]
    cells += [{"family": "lock", "size": size, "layers": 12} for size in range(2, last - 1)]
    return cells


def run_layers(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Sum the largest occupancies of each layer: the coverability of a horizon is the largest up to it."""
    size, H = cell["size"], cell["layers"]
    if cell["family"] == "RiverSwim":
        river = instances.riverswim(size)
        model = EpisodicMDP(river.dense_P(), river.r, river.mu0, H=H)
    else:
        model = instances.deep_sea(size) if cell["family"] == "DeepSea" else instances.combination_lock(H, size)
    return {"layer": complexity.largest_occupancies(model).value.sum(axis=(1, 2))}


def risk_cells(scale: Scale) -> list[Cell]:
    """Return the grid: random models, data between the optimal policy's and a random law."""
    models = 60 if scale == "paper" else 12
    return [{"N": 4000, "model": index, "seeds": 20 if scale == "paper" else 5} for index in range(models)]


def run_risks(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Learn from data of shrinking coverage; record the coefficient and the loss, with and without pessimism."""
    mdp, noise = pessimism.random_mdp(8, 3, GAMMA, rng)
    plan = planning.policy_iteration(mdp)
    best = planning.occupancy(mdp, plan.policy)
    shares = np.array([0.0, 0.5, 0.9, 0.99])
    out = {name: np.empty(shares.size) for name in ("coefficient", "pessimistic", "empirical")}
    for i, share in enumerate(shares):
        mu = (1.0 - share) * best + share * noise
        mu /= mu.sum()
        out["coefficient"][i] = complexity.single_policy_concentrability(mdp, mu, plan.policy).value
        losses = np.empty((2, cell["seeds"]))
        for j in range(cell["seeds"]):
            data = sample_dataset(mdp, mu, cell["N"], rng=rng)
            for row, learned in enumerate(
                (
                    vi_lcb(data, gamma=GAMMA, c=PENALTY, split=False),
                    empirical_value_iteration(data, gamma=GAMMA),
                )
            ):
                losses[row, j] = plan.value - planning.evaluate(mdp, learned.policy).value
        out["pessimistic"][i], out["empirical"][i] = np.maximum(losses.mean(axis=1), 0.0)
    return out
