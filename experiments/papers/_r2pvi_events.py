"""What follows from the good event of R2PVI, dataset by dataset.

The event says that every estimated worst-case backup of the learner's own values misses the true one by at most its
penalty. Whether it holds, and from which factor of the penalty on, is computed from the model; the inequalities that
follow from it are then checked without any slack for chance.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.instances import random_linear_mdp
from experiments.study import Cell, Scale
from tabular.learning.robust import FeatureData, RobustOfflineResult, r2pvi
from tabular.models import EpisodicMDP, LinearMDP
from tabular.planning import robust_backward_induction, robust_evaluate, worst_case
from tabular.simulation import OfflineDataset, sample_trajectories

__all__ = ["behaved", "events", "events_cells", "trap", "trap_cells", "trapped_model"]

Arrays = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]

NAMES = ("beta", "below_policy", "below_optimal", "risk", "bound", "bound_nominal", "naive_below_policy")


def behaved(model: EpisodicMDP, episodes: int, rng: np.random.Generator) -> OfflineDataset:
    """Return episodes of the uniform policy."""
    uniform = np.full((model.H, model.S, model.A), 1.0 / model.A)
    return sample_trajectories(model, uniform, episodes=episodes, reward_noise="none", rng=rng)


def _true_step(model: LinearMDP, kind: str, lam: float, V: Floats) -> tuple[Floats, Floats]:
    """Return the worst-case backup of the coordinates of each step, (H, d), and its kernels, (H, d, S)."""
    H, d, S = model.mu.shape
    z, worst = np.empty((H, d)), np.empty((H, d, S))
    for h in range(H):
        for i in range(d):
            found = worst_case(V[h + 1], model.mu[h, i], divergence=kind, penalty=lam)
            z[h, i], worst[h, i] = found.value, found.distribution
    return z, worst


def _needed(model: LinearMDP, kind: str, lam: float, found: RobustOfflineResult) -> float:
    """Return the smallest factor of the penalty for which the event holds at the learner's own values."""
    z, _ = _true_step(model, kind, lam, found.V)
    error = np.abs(np.einsum("sad,hd->hsa", model.phi, z - found.weights))
    return float((error / found.width).max())


def _summed(model: LinearMDP, kernels: Floats, policy: npt.NDArray[np.int64], penalty: Floats) -> Floats:
    """Return ``2 sum_h E[penalty_h]`` from each first state under ``policy`` and the kernels mixed by the features."""
    states = np.arange(model.S)
    total = np.zeros(model.S)
    for h in range(model.H - 1, -1, -1):
        chosen = policy[h]
        total = 2.0 * penalty[h, states, chosen] + model.phi[states, chosen] @ kernels[h] @ total
    return total


def _audited(model: LinearMDP, data: FeatureData, kind: str, lam: float) -> dict[str, Floats]:
    """Run R2PVI at the smallest factor found for which its event holds, and compare what follows with the truth."""

    def learned(beta: float) -> RobustOfflineResult:
        return r2pvi(data, divergence=kind, penalty=lam, ridge=1.0, beta=beta)

    naive = learned(0.0)
    low, high = 0.0, _needed(model, kind, lam, naive)
    while (more := _needed(model, kind, lam, learned(high))) > high:
        low, high = high, 1.001 * more
    for _ in range(8):
        middle = 0.5 * (low + high)
        if _needed(model, kind, lam, learned(middle)) <= middle:
            high = middle
        else:
            low = middle
    found = learned(high)
    how: dict[str, Any] = {"divergence": kind, "penalty": lam}
    best = robust_backward_induction(model, **how)
    value = robust_evaluate(model, found.policy, **how).V
    _, worst = _true_step(model, kind, lam, found.V)
    return {
        "beta": np.array([high]),
        "below_policy": np.array([(found.V - value).max()]),
        "below_optimal": np.array([(value - best.V).max()]),
        "risk": best.V[0] - value[0],
        "bound": _summed(model, worst, best.policy, found.penalty),
        "bound_nominal": _summed(model, np.asarray(model.mu), best.policy, found.penalty),
        "naive_below_policy": np.array([(naive.V - robust_evaluate(model, naive.policy, **how).V).max()]),
    }


def _joined(found: list[dict[str, Floats]]) -> Arrays:
    return {name: np.concatenate([one[name] for one in found]) for name in NAMES}


def events_cells(scale: Scale) -> list[Cell]:
    """Return blocks of datasets for each divergence and number of episodes."""
    blocks, count = (8, 7) if scale == "paper" else (1, 10)
    return [
        {"divergence": kind, "K": K, "block": i, "count": count}
        for kind in ("tv", "kl", "chi2")
        for K in (50, 200, 1000)
        for i in range(blocks)
    ]


def events(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Audit R2PVI on random linear models: d in 3..5, S = 6, A = 3, H = 4, lambda in [0.2, 2], one dataset each."""
    found = []
    for _ in range(cell["count"]):
        model = random_linear_mdp(6, 3, int(rng.integers(3, 6)), 4, rng)
        lam = float(rng.uniform(0.2, 2.0))
        data = FeatureData(behaved(model.to_episodic(), cell["K"], rng), model.phi, theta=model.theta)
        found.append(_audited(model, data, cell["divergence"], lam))
    return _joined(found)


def trapped_model(H: int = 3, *, start: float = 0.005) -> LinearMDP:
    """Return a model whose nominal path avoids the state that an adversary of total variation sends it to.

    State 0 pays 1/2 and leads to state 1, which pays 1 and stays; the trap 2 pays nothing and leads to state 1 with
    probability 0.1 (action 0) or 0.9 (action 1), else back. Episodes start in the trap with probability ``start``.
    """
    phi = np.zeros((3, 2, 4))
    phi[0, :, 0] = phi[1, :, 1] = phi[2, 0, 2] = phi[2, 1, 3] = 1.0
    mu = np.array([[0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.1, 0.9], [0.0, 0.9, 0.1]])
    return LinearMDP(phi, mu, np.array([0.5, 1.0, 0.0, 0.0]), np.array([1.0 - start, 0.0, start]), H=H)


def trap_cells(scale: Scale) -> list[Cell]:
    """Return blocks of datasets from the trapped model."""
    blocks = 6 if scale == "paper" else 1
    return [{"K": K, "block": i, "count": 20} for K in (300, 1000) for i in range(blocks)]


def trap(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Audit R2PVI-TV, lambda = 0.5, on datasets of the trapped model."""
    model = trapped_model()
    table = model.to_episodic()
    found = []
    for _ in range(cell["count"]):
        data = FeatureData(behaved(table, cell["K"], rng), model.phi, theta=model.theta)
        found.append(_audited(model, data, "tv", 0.5))
    return _joined(found)
