"""What R2PVI is in special cases (one feature a pair, unit variances), and without the parts of its caution."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.instances import five_state_simulator, modified_nominal, random_episodic, tabular_as_linear
from experiments.study import Cell, Scale
from tabular.learning.robust import FeatureData, r2pvi, va_r2pvi
from tabular.models import LinearMDP
from tabular.simulation import OfflineDataset

from ._r2pvi_events import behaved, trapped_model
from ._r2pvi_simulator import tilts_of

__all__ = ["ablation", "ablation_cells", "shrinkage", "shrinkage_cells", "shrunk_weights", "variance", "variance_cells"]

Arrays = Mapping[str, npt.NDArray[Any]]


def shrinkage_cells(scale: Scale) -> list[Cell]:
    """Return divergences and numbers of episodes."""
    count = 25 if scale == "paper" else 6
    return [{"divergence": kind, "K": K, "count": count} for kind in ("tv", "kl") for K in (5, 50, 500)]


def shrinkage(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Compare the weights of R2PVI, one feature a pair, with means over the data of each pair, taken here anew.

    ``weight`` is the learner's, ``shrunk`` the statistic of ``n / (n + ridge)`` times the mean, ``plain`` that of the
    mean alone; pairs without data and the last step left out.
    """
    kind = cell["divergence"]
    out: dict[str, list[float]] = {name: [] for name in ("weight", "shrunk", "plain")}
    for _ in range(cell["count"]):
        table = random_episodic(4, 2, 3, rng=rng)
        model = tabular_as_linear(table)
        lam, ridge = float(rng.uniform(0.1, 1.0)), float(rng.uniform(0.1, 2.0))
        for name, values in shrunk_weights(model, behaved(table, cell["K"], rng), kind, lam, ridge).items():
            out[name] += values
    return {name: np.array(found) for name, found in out.items()}


def shrunk_weights(
    model: LinearMDP, data: OfflineDataset, kind: str, lam: float, ridge: float
) -> dict[str, list[float]]:
    """Return the columns of `shrinkage` for one data set of a model with one feature a pair."""
    out: dict[str, list[float]] = {name: [] for name in ("weight", "shrunk", "plain")}
    found = r2pvi(data, model.phi, model.theta, divergence=kind, penalty=lam, ridge=ridge, beta=0.1)
    assert data.h is not None
    for h in range(model.H - 1):
        ahead = found.V[h + 1]
        for pair in range(model.d):
            seen = (data.h == h) & (data.s * model.A + data.a == pair)
            n = int(seen.sum())
            if n == 0:
                continue
            y = ahead[data.s_next[seen]]
            out["weight"].append(float(found.weights[h, pair]))
            if kind == "tv":
                mean = float(np.minimum(y, ahead.min() + lam).mean())
                shrunk, plain = mean * n / (n + ridge), mean
            else:
                mean = float(np.exp(-y / lam).mean())
                floor = np.exp(-model.H / lam)
                shrunk, plain = (-lam * float(np.log(max(m, floor))) for m in (mean * n / (n + ridge), mean))
            out["shrunk"].append(shrunk)
            out["plain"].append(plain)
    return out


def variance_cells(scale: Scale) -> list[Cell]:
    """Return numbers of episodes."""
    return [{"K": K, "count": 40 if scale == "paper" else 8} for K in (20, 100, 500)]


def variance(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Run VA-R2PVI on the trapped model over 8 steps, as it is and with every variance forced to 1.

    ``weight`` of R2PVI, ``one`` and ``estimated`` of the two, flattened; ``least`` and ``largest`` variance.
    """
    out: dict[str, list[npt.NDArray[np.float64]]] = {}
    model = trapped_model(8, start=0.5)
    table = model.to_episodic()
    for _ in range(cell["count"]):
        data = FeatureData(behaved(table, cell["K"], rng), model.phi, theta=model.theta)
        how: dict[str, Any] = {"penalty": float(rng.uniform(1.0, 6.0)), "beta": 0.1}
        own = va_r2pvi(data, **how)
        parts = {
            "weight": r2pvi(data, divergence="tv", **how).weights,
            "one": va_r2pvi(data, variance="one", **how).weights,
            "estimated": own.weights,
            "least": own.variance.min(),
            "largest": own.variance.max(),
        }
        for name, part in parts.items():
            out.setdefault(name, []).append(np.ravel(part))
    return {name: np.concatenate(found) for name, found in out.items()}


#: What is taken out of the learner of Figure 1: its penalty, its ridge (up to the inverse), both; and, with the true
#: minimum over all states, both again (which is another learner for total variation only).
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "published": {},
    "no-penalty": {"beta": 0.0},
    "no-ridge": {"ridge": 1e-6},
    "neither": {"beta": 0.0, "ridge": 1e-6},
    "true-minimum": {"beta": 0.0, "ridge": 1e-6, "minimum": "states"},
}


def ablation_cells(scale: Scale) -> list[Cell]:
    """Return divergences, variants of the learner of Figure 1(a), and failure probabilities of coordinate 4."""
    runs = 600 if scale == "paper" else 120
    settings = [*((name, 0.0) for name in VARIANTS), ("neither", 0.05)]
    return [
        {"divergence": kind, "variant": variant, "leak": leak, "runs": runs}
        for kind in ("tv", "kl", "chi2")
        for variant, leak in settings
        if kind == "tv" or variant != "true-minimum"
    ]


def ablation(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Learn from 100 episodes of the simulator, ``|xi|_1 = 0.2``, lambda = 0.1, as the released code does, or less so.

    ``tilt``: b of the first action chosen, between -0.2 (the cautious action) and 0.2 (the nominal one).
    """
    model = modified_nominal(five_state_simulator(0.2), cell["leak"])
    tilts = tilts_of(model)
    how: dict[str, Any] = {"beta": 1.0, "ridge": 0.1, "combine": "l2", "minimum": "data", "floor": None}
    how |= {"divergence": cell["divergence"], "penalty": 0.1, **VARIANTS[cell["variant"]]}
    table = model.to_episodic()
    found = [r2pvi(behaved(table, 100, rng), model.phi, model.theta, **how) for _ in range(cell["runs"])]
    return {"tilt": tilts[[result.policy[0, 0] for result in found]]}
