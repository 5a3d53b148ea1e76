"""Studies of robust-static-iwocs on other sets: joint kernels, balls, the windy walk, garnets, sampled evaluation."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.instances import robust_garnet, split_promise, windy_walk
from experiments.study import Cell, Scale
from tabular.errors import NotConverged
from tabular.learning.robust import iwocs, iwocs_sampled
from tabular.models import DiscountedMDP
from tabular.planning import (
    BallSet,
    KernelSet,
    policy_iteration,
    rectangular_policy_iteration,
    robust_operator,
    robust_value_iteration,
    static_evaluation,
    static_optimum,
)

__all__ = [
    "ball_cells",
    "garnet_cells",
    "joint_cells",
    "run_balls",
    "run_garnets",
    "run_joint",
    "run_sampled",
    "run_windy",
    "sampled_cells",
    "windy_cells",
]

Arrays = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]


def joint_cells(scale: Scale) -> list[Cell]:
    """Return the grid: the two kernels that swap two actions, and the widest gap among random pairs of kernels."""
    blocks = 10 if scale == "paper" else 2
    named: list[Cell] = [{"family": "split", "gamma": gamma, "block": 0} for gamma in (0.3, 0.5, 0.8, 0.9)]
    return named + [{"family": "random", "gamma": 0.9, "block": i} for i in range(blocks)]


def run_joint(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Return the best guarantees on two joint kernels, the smallest optimum, and the same for their rectangular hull.

    ``random``: of 20 instances with S = 3, A = 2 and two successors a row, the one whose deterministic gap is widest.
    """
    if cell["family"] == "split":
        mdp, kernels = split_promise(cell["gamma"])
        plain = static_optimum(mdp, kernels)
        widest = plain.dual - plain.value
    else:
        widest = -math.inf
        for _ in range(20):
            model, vertices = robust_garnet(3, 2, 2, cell["gamma"], branching=2, rng=rng)
            found = static_optimum(model, KernelSet(vertices.P))
            if found.dual - found.value > widest:
                mdp, kernels, plain, widest = model, KernelSet(vertices.P), found, found.dual - found.value
    try:
        mixed = static_optimum(mdp, kernels, policies="randomised", tol=2e-3, max_boxes=600)
    except NotConverged as partial:
        mixed = partial.partial
    run = iwocs(mdp, kernels)
    hull = kernels.rectangular_hull()
    rectangular = rectangular_policy_iteration(mdp, hull)
    return {
        "deterministic": np.array([plain.value]),
        "randomised": np.array([mixed.value]),
        "randomised_upper": np.array([mixed.upper]),
        "dual": np.array([plain.dual]),
        "promised": np.array([run.promised[-1]]),
        "attained": np.array([run.attained.max()]),
        "hull_value": np.array([static_evaluation(mdp, rectangular.policy, hull).value]),
        "hull_dual": np.array([policy_iteration(DiscountedMDP(rectangular.worst, mdp.r, mdp.gamma, mdp.mu0)).value]),
    }


def ball_cells(scale: Scale) -> list[Cell]:
    """Return the grid: divergence, radius (of L1 balls; of the divergence itself otherwise), blocks."""
    blocks = 10 if scale == "paper" else 1
    return [
        {"ball": ball, "radius": radius, "block": i, "count": 4}
        for ball, radii in (("l1", (0.1, 0.5, 1.0)), ("kl", (0.1, 0.5)), ("chi2", (0.1, 0.5)))
        for radius in radii
        for i in range(blocks)
    ]


def run_balls(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Compare three routes to the robust optimum on random instances with S = 10, A = 4, discount 0.9.

    ``halved`` treats the L1 radius as one of total variation, twice too large.
    """
    rows = []
    for _ in range(cell["count"]):
        mdp, _ = robust_garnet(10, 4, 1, 0.9, branching=4, rng=rng)
        divergence, radius = ("tv", 0.5 * cell["radius"]) if cell["ball"] == "l1" else (cell["ball"], cell["radius"])
        ball = BallSet(mdp.dense_P(), divergence, np.array(radius))
        iterated = robust_value_iteration(mdp, divergence=divergence, radius=radius, tol=1e-11)
        published, hull = iwocs(mdp, ball, completion="worst"), iwocs(mdp, ball, completion="worst", values="hull")
        wrong = rectangular_policy_iteration(mdp, BallSet(mdp.dense_P(), divergence, np.array(2.0 * radius)))
        rows.append(
            (
                iterated.value,
                rectangular_policy_iteration(mdp, ball).value,
                hull.value,
                hull.iterations,
                published.value,
                published.iterations,
                float(published.stop == "certificate"),
                wrong.value,
            )
        )
    names = ("iterated", "exact", "hull", "hull_iterations", "published", "iterations", "certified", "wrong")
    table = np.array(rows)
    return {name: table[:, j].copy() for j, name in enumerate(names)}


def windy_cells(scale: Scale) -> list[Cell]:
    """Return the one walk of the paper, at finer grids of winds at paper scale."""
    return [{"winds": winds, "gamma": 0.95} for winds in ((25, 7, 101) if scale == "paper" else (25,))]


def run_windy(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Trace values of the start over Bellman backups: 100 a kernel for IWOCS, robust ones for RVI; both from 0."""
    mdp, kernels = windy_walk(np.linspace(0.0, 0.5, cell["winds"]), gamma=cell["gamma"])
    winds = np.linspace(0.0, 0.5, cell["winds"])
    run = iwocs(mdp, kernels, first=0)
    static = static_evaluation(mdp, run.policy, kernels).value
    hull = kernels.rectangular_hull()
    rectangular = rectangular_policy_iteration(mdp, hull)
    start = int(mdp.mu0.argmax())
    sequence, least = [], np.full(mdp.r.shape, np.inf)
    for T in run.kernels[: run.iterations]:
        V = np.zeros(mdp.S)
        for _ in range(100):
            Q = mdp.r + mdp.gamma * (T @ V)
            V = Q.max(axis=1)
            sequence.append(np.minimum(least, Q)[start].max())
        least = np.minimum(least, Q)
    robust, V = [], np.zeros(mdp.S)
    for _ in range(100 * run.iterations):
        Q, _ = robust_operator(mdp, hull, V)
        V = Q.max(axis=1)
        robust.append(V[start])
    sampled = iwocs_sampled(mdp, kernels, eps=0.1, rollouts=300, rng=rng)
    chosen = [int(np.abs(kernels.P - T).max(axis=(1, 2, 3)).argmin()) for T in run.kernels]
    return {
        "sequence": np.array(sequence),
        "robust": np.array(robust),
        "static": np.array([static]),
        "hull": np.array([rectangular.value]),
        "dual": np.array([min(policy_iteration(DiscountedMDP(T, mdp.r, mdp.gamma, mdp.mu0)).value for T in kernels.P)]),
        "iterations": np.array([run.iterations]),
        "winds": winds[chosen],
        "sampled_promised": sampled.promised,
        "sampled_attained": sampled.attained,
        "alpha": winds,
        "optimum": np.array([policy_iteration(DiscountedMDP(T, mdp.r, mdp.gamma, mdp.mu0)).value for T in kernels.P]),
        "policy": np.array([static_evaluation(mdp, run.policy, KernelSet(T[None])).value for T in kernels.P]),
        "nominal": np.array([static_evaluation(mdp, run.policies[0], KernelSet(T[None])).value for T in kernels.P]),
    }


def garnet_cells(scale: Scale) -> list[Cell]:
    """Return ten garnets."""
    return [{"garnet": i} for i in range(10)]


def run_garnets(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Return what each method's policy is worth under the worst kernel; S = 10, A = 4, m = 4, discount 0.9.

    ``randomised`` plans for the mean of the vertices, ``nominal`` for the first; ``grid`` runs the sequence on 100
    random kernels of the set.
    """
    mdp, vertices = robust_garnet(10, 4, 4, 0.9, branching=3, rng=rng)
    optimum = rectangular_policy_iteration(mdp, vertices)
    s, a = np.indices((10, 4))
    grid = KernelSet(np.array([vertices.P[rng.integers(0, 4, (10, 4)), s, a] for _ in range(100)]))
    mean = vertices.P.mean(axis=0)
    policies = {
        "nominal": policy_iteration(mdp).policy,
        "randomised": policy_iteration(DiscountedMDP(mean / mean.sum(axis=-1, keepdims=True), mdp.r, mdp.gamma)).policy,
        "grid": iwocs(mdp, grid).policy,
        "keep": iwocs(mdp, vertices).policy,
        "worst": iwocs(mdp, vertices, completion="worst").policy,
        "hull": iwocs(mdp, vertices, values="hull").policy,
    }
    values = {name: np.array([static_evaluation(mdp, p, vertices).value]) for name, p in policies.items()}
    return values | {"robust": np.array([optimum.value])}


def sampled_cells(scale: Scale) -> list[Cell]:
    """Return the grid: instances, rule of stopping, accuracy, and blocks of runs."""
    blocks = 10 if scale == "paper" else 1
    return [
        {"family": family, "stop": stop, "eps": eps, "block": i, "count": 100 if family == "split" else 60}
        for family in ("split", "random")
        for stop in ("gap", "interval")
        for eps in (0.05, 1.0)
        for i in range(blocks)
    ]


def _sampled_instance(family: str, rng: np.random.Generator) -> tuple[DiscountedMDP, KernelSet]:
    if family == "split":
        return split_promise(0.8, tilt=0.1)
    mdp, vertices = robust_garnet(5, 3, 6, 0.9, rng=rng)
    near = 0.7 * vertices.P[0] + 0.3 * vertices.P[1:]
    return mdp, KernelSet(near / near.sum(axis=-1, keepdims=True))


def run_sampled(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Run the sequence on estimates of 300 rollouts, at most five iterations.

    ``split``: a gap of 0.098 that never closes, about twice the standard error of an estimate. ``random``: five kernels
    near each other, S = 5, A = 3. A stop is false if the exact worst value of the policy is below what was promised
    less ``eps``.
    """
    stopped, false = [], []
    for _ in range(cell["count"]):
        mdp, kernels = _sampled_instance(cell["family"], rng)
        run = iwocs_sampled(
            mdp, kernels, rollouts=300, horizon=120, stop=cell["stop"], eps=cell["eps"], iterations=5, rng=rng
        )
        exact = static_evaluation(mdp, run.policy, kernels).value
        stopped.append(run.stop == "certificate")
        false.append(stopped[-1] and exact < run.promised[-1] - cell["eps"])
    return {"stopped": np.array(stopped), "false": np.array(false)}
