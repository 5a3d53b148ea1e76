"""Studies behind Figure 1 of r2pvi: policies learned on the simulator and the option, evaluated exactly."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from bounds.complexity import policy_return_variance
from experiments.instances import AmericanPut, five_state_simulator, modified_nominal, shifted
from experiments.instances.robust_linear import FAIL
from experiments.study import Cell, Scale
from tabular.learning.robust import FeatureData, RobustOfflineResult, drpvi, pevi, r2pvi
from tabular.planning import backward_induction, evaluate, robust_backward_induction
from tabular.simulation import OfflineDataset

from ._r2pvi_events import behaved

__all__ = [
    "option",
    "option_cells",
    "population",
    "population_cells",
    "simulator",
    "simulator_cells",
]

Arrays = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]

SHIFT = np.linspace(0.0, 1.0, 11)
UP = np.array([0.2, 0.4, 0.6, 0.8, 1.0])
TRAJECTORIES = 100
#: The smallest lambda of Figure 1(c) is 0, where the penalty is not defined; this one cuts at the smallest value ahead.
LEAST = 1e-12
DIVERGENCES = {"R2PVI-TV": "tv", "R2PVI-KL": "kl", "R2PVI-chi2": "chi2"}


# ---------------------------------------------------------------- the five-state simulator


def simulator_cells(scale: Scale) -> list[Cell]:
    """Return the curves of Figure 1(a) to (c), with their variants: other penalties, the other sign, no pessimism.

    Every cell draws its own datasets, so that curves are independent.
    """
    many, runs = (5000, 1000) if scale == "paper" else (400, 120)

    def cell(learner: str, level: float, xi: float = 0.2, datasets: int = runs, **variant: Any) -> Cell:
        settings = {"beta": 1.0, "combine": "l2", "dual": "largest", **variant}
        return {"learner": learner, "level": level, "xi": xi, **settings, "datasets": datasets}

    first = [("PEVI", 0.0), ("R2PVI-TV", 0.1), ("R2PVI-KL", 0.1), ("R2PVI-chi2", 0.1)]
    found = [cell(*curve, datasets=many) for curve in first]
    found += [cell(*curve, beta=0.0) for curve in first]
    found += [cell(*curve, datasets=many, combine="l1") for curve in first[1:]]
    found += [cell("R2PVI-chi2", 0.1, datasets=many, dual="smallest"), cell("R2PVI-chi2", 0.01)]
    found += [cell("R2PVI-TV", level, 0.3) for level in (0.1, 0.2, 0.3, 0.6)]
    found += [cell("R2PVI-TV", level, 0.3, beta=0.0) for level in (0.1, 0.2, 0.3, 0.6)]
    for learner in ("DRPVI", "R2PVI-TV"):
        found += [cell(learner, k / 9.0, datasets=3 * runs) for k in range(10)]
        found += [cell(learner, k / 9.0, datasets=3 * runs, beta=0.0) for k in (0, 3, 6, 9)]
    return found


def _learn(cell: Cell, view: FeatureData) -> RobustOfflineResult:
    """Run the cell's learner with the settings of the released code: ridge 0.1, least value in the data, no floor."""
    shared: dict[str, Any] = {"beta": cell["beta"], "ridge": 0.1, "floor": None}
    if cell["learner"] == "PEVI":
        return pevi(view, **shared)
    if cell["learner"] == "DRPVI":
        return drpvi(view, radius=cell["level"], combine=cell["combine"], **shared)
    return r2pvi(
        view,
        divergence=DIVERGENCES[cell["learner"]],
        penalty=max(cell["level"], LEAST),
        combine=cell["combine"],
        minimum="data",
        search="released-minimum" if cell["dual"] == "smallest" else "maximum",
        **shared,
    )


def simulator(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Learn from independent datasets of 100 trajectories of uniform play; evaluate each policy exactly.

    returns : (datasets, 11) value on the target of each shift; noise : (11,) mean variance there of one episode;
    effect : (datasets,) ``phi_4`` of the first action, its chance of x5; clipped : (datasets,) fraction of dual values
    cut at the ceiling.
    """
    model = five_state_simulator(cell["xi"])
    nominal = model.to_episodic()
    targets = [shifted(model, float(q)).to_episodic() for q in SHIFT]
    known: dict[bytes, tuple[Floats, Floats]] = {}
    runs = cell["datasets"]
    returns, noise = np.empty((runs, SHIFT.size)), np.zeros(SHIFT.size)
    effect, clipped = np.empty(runs), np.empty(runs)
    for i in range(runs):
        data = behaved(nominal, TRAJECTORIES, rng)
        learned = _learn(cell, FeatureData(data, model.phi, model.theta, fail=(FAIL,)))
        policy = learned.policy
        key = policy.tobytes()
        if key not in known:
            values = np.array([evaluate(target, policy).value for target in targets])
            known[key] = values, np.array([policy_return_variance(target, policy).value for target in targets])
        returns[i] = known[key][0]
        noise += known[key][1] / runs
        effect[i], clipped[i] = model.phi[0, policy[0, 0], 3], learned.clipped
    return {"shift": SHIFT, "returns": returns, "noise": noise, "effect": effect, "clipped": clipped}


# ---------------------------------------------------------------- exact solutions of both nominal models


def population_cells(scale: Scale) -> list[Cell]:
    """Return divergences, lambdas and both nominal models; the same at both scales, for there is no chance in it."""
    del scale
    levels = (0.05, 0.1, 0.2, 0.3, 0.6, 1.0)
    ways = [(kind, level) for kind in ("tv", "kl", "chi2") for level in levels]
    ways += [("tv-radius", rho) for rho in (0.1, 0.3, 0.37, 0.38, 0.5)]
    return [
        {"nominal": nominal, "divergence": kind, "level": level}
        for nominal in ("published", "modified")
        for kind, level in [("none", 0.0), *ways]
    ]


def population(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Solve a model of the simulator exactly; ``tv-radius`` has its radius on coordinate 4 at the first step."""
    del rng
    published = five_state_simulator(0.2)
    model = published if cell["nominal"] == "published" else modified_nominal(published)
    if cell["divergence"] == "none":
        policy = backward_induction(model.to_episodic()).policy
    elif cell["divergence"] == "tv-radius":
        radius = np.zeros((model.H, model.d))
        radius[0, 3] = cell["level"]
        policy = robust_backward_induction(model, divergence="tv", radius=radius).policy
    else:
        policy = robust_backward_induction(model, divergence=cell["divergence"], penalty=cell["level"]).policy
    values = [evaluate(shifted(published, float(q)).to_episodic(), policy).value for q in SHIFT]
    return {"shift": SHIFT, "returns": np.array(values), "effect": model.phi[0, policy[0, :1], 3]}


# ---------------------------------------------------------------- the American put

#: First prices of the three replications: first draws of NumPy's legacy generator with seeds 0, 1, 2, on [95, 105].
STARTS = (100.48813503927325, 99.17022004702574, 99.35994902142004)


def option_cells(scale: Scale) -> list[Cell]:
    """Return the curves of Figure 1(d) on fresh data and on the released script's, and a lambda that cuts nothing."""
    runs = 100 if scale == "paper" else 12
    curves = [("PEVI", 0.0), *(("R2PVI-TV", level) for level in (1.0, 3.0, 5.0, 100.0))]
    curves += [("DRPVI", radius) for radius in (0.2, 0.1, 0.025)]
    return [
        {"learner": learner, "level": level, "data": data, "runs": runs if data == "fresh" else 1}
        for data in ("fresh", "released")
        for learner, level in curves
    ]


def _paths(place: AmericanPut, rises: npt.NDArray[np.bool_]) -> FeatureData:
    """Return what a learner sees of trajectories that hold and rise where ``rises`` (N, H) says so."""
    count, H = rises.shape
    steps = np.arange(H + 1)
    node = steps * (steps + 1) // 2 + np.concatenate([np.zeros((count, 1), int), rises.cumsum(axis=1)], axis=1)
    s, s_next, h = node[:, :-1].ravel(), node[:, 1:].ravel(), np.tile(steps[:-1], count)
    hold = np.zeros(s.size, dtype=np.int64)
    return place.view(OfflineDataset(s, hold, hold * 0.0, s_next, place.prices.size + 1, 2, h, H))


def _payoffs(place: AmericanPut, policy: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return mean and variance of the payoff of a policy at each price-up probability, down the lattice."""
    mean, second = np.zeros((2, UP.size, place.H + 1))
    up = UP[:, None]
    for h in range(place.H - 1, -1, -1):
        here = h * (h + 1) // 2 + np.arange(h + 1)
        exercised = policy[h, here] == 1
        paid = place.payoffs(place.prices[here])[:, 1]
        mean, second = (
            np.where(exercised, paid**power, up * ahead[:, 1 : h + 2] + (1.0 - up) * ahead[:, : h + 1])
            for power, ahead in ((1, mean), (2, second))
        )
    return mean[:, 0], np.maximum(second[:, 0] - mean[:, 0] ** 2, 0.0)


def option(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Learn from 100 price paths, the same from each of three first prices; evaluate from one of them, exactly.

    The released script seeds its generator anew for every replication, so that its three datasets differ in the first
    price only. ``released`` are its paths, ``fresh`` those of the cell's own generator.

    payoff : (runs, 5) mean over first prices at each price-up probability; noise : (5,) mean variance of one payoff.
    """
    place = AmericanPut()
    cap = np.stack([np.arange(place.H, 0.0, -1.0), np.full(place.H, np.inf)], axis=-1)
    shared: dict[str, Any] = {"beta": 0.1, "ridge": 1.0, "floor": None, "cap": cap}
    payoff, noise = np.zeros((cell["runs"], UP.size)), np.zeros(UP.size)
    for i in range(cell["runs"]):
        shape = (TRAJECTORIES, place.H)
        draws = np.random.RandomState(1).random_sample(shape) if cell["data"] == "released" else rng.random(shape)
        for start in STARTS:
            view = _paths(AmericanPut(start=start), draws < 0.5)
            if cell["learner"] == "PEVI":
                learned = pevi(view, rewards="known", **shared)
            elif cell["learner"] == "DRPVI":
                learned = drpvi(view, radius=cell["level"], combine="l2", ceiling=float(place.H), **shared)
            else:
                learned = r2pvi(view, divergence="tv", penalty=cell["level"], combine="l2", minimum="data", **shared)
            mean, variance = _payoffs(place, place.policy(learned))
            payoff[i] += mean / len(STARTS)
            noise += variance / (len(STARTS) * cell["runs"])
    return {"payoff": payoff, "noise": noise}
