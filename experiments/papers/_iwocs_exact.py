"""Exact studies of robust-static-iwocs: identities by enumeration, and the sequence on random instances."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.instances import deterministic_vertices, robust_garnet, stuck_nominal, stuck_sequence
from experiments.study import Cell, Scale
from tabular.learning.robust import IwocsRun, iwocs
from tabular.models import DiscountedMDP
from tabular.planning import (
    KernelSet,
    VertexSet,
    dynamic_evaluation,
    policy_iteration,
    rectangular_policy_iteration,
    rectangular_value_iteration,
    static_evaluation,
)

__all__ = [
    "RULES",
    "enumerated",
    "finite_cells",
    "followed",
    "identity_cells",
    "named_cells",
    "run_finite",
    "run_identities",
    "run_named",
    "run_search",
    "run_sequences",
    "search_cells",
    "sequence_cells",
]

Arrays = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]

#: Every rule of the sequence, as options of `iwocs`.
RULES: Mapping[str, Mapping[str, str]] = {
    "keep": {"completion": "keep"},
    "worst": {"completion": "worst"},
    "nominal": {"completion": "nominal"},
    "hull": {"completion": "keep", "values": "hull"},
}
STOPS = ("certificate", "repeat", "limit")


def _instance(family: str, gamma: float, rng: np.random.Generator, S: int = 5) -> tuple[DiscountedMDP, VertexSet]:
    if family == "deterministic":
        return deterministic_vertices(S, 3, 3, gamma, rng=rng)
    return robust_garnet(S, 3, 3, gamma, branching=2 if family == "sparse" else None, rng=rng)


def identity_cells(scale: Scale) -> list[Cell]:
    """Return the grid: blocks of instances whose two rows (or kernels) are chosen freely or jointly."""
    blocks = 10 if scale == "paper" else 1
    return [{"kind": kind, "block": i, "count": 20} for kind in ("rectangular", "joint") for i in range(blocks)]


def _products(P: Floats) -> Floats:
    """Return every kernel that takes each row from any of the ``P[k]``."""
    m, S, A, _ = P.shape
    s, a = np.divmod(np.arange(S * A), A)
    return np.array([P[list(choice), s, a].reshape(S, A, S) for choice in itertools.product(range(m), repeat=S * A)])


def _all_values(kernels: Floats, r: Floats, gamma: float, policy: Floats) -> Floats:
    """Return the values of a stochastic policy under each kernel by LAPACK, shape (K, S)."""
    transitions = np.einsum("sa,ksaj->ksj", policy, kernels)
    rewards = (policy * r).sum(axis=1)
    return np.linalg.solve(np.eye(r.shape[0]) - gamma * transitions, np.tile(rewards[:, None], (len(kernels), 1, 1)))[
        ..., 0
    ]


def run_identities(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Enumerate policies and kernels of random instances with S = 3, A = 2, m = 2, discount 0.9.

    ``static`` is the smallest value of each policy (eight deterministic, two random) and state over all kernels;
    ``dynamic`` and ``recursive`` let the adversary choose at every step (300 steps; adversary policy iteration).
    """
    found: dict[str, list[Floats]] = {
        name: [] for name in ("static", "dynamic", "recursive", "maximin", "minimax", "iterated", "optima")
    }
    for _ in range(cell["count"]):
        mdp, vertices = robust_garnet(3, 2, 2, 0.9, rng=rng)
        free = rng.random((2, 3))
        for name, values in enumerated(mdp, vertices, free, joint=cell["kind"] == "joint").items():
            found[name].append(values)
    return {name: np.concatenate(parts) for name, parts in found.items()}


def enumerated(mdp: DiscountedMDP, vertices: VertexSet, free: Floats, *, joint: bool) -> dict[str, Floats]:
    """Return the columns of `run_identities` for one instance with two actions and a discount of at most 0.9.

    ``free`` (n, S) holds the probabilities of action 0 of the random policies.
    """
    uncertainty = KernelSet(vertices.P) if joint else vertices
    kernels = vertices.P if joint else _products(vertices.P)
    deterministic = [np.eye(2)[list(actions)] for actions in itertools.product(range(2), repeat=mdp.S)]
    policies = [*deterministic, *(np.stack([p, 1.0 - p], axis=1) for p in free)]
    values = np.array([_all_values(kernels, mdp.r, mdp.gamma, policy) for policy in policies])
    pure = values[: len(deterministic)]
    optima = [policy_iteration(DiscountedMDP(T, mdp.r, mdp.gamma)).V for T in kernels]
    return {
        "static": values.min(axis=1).ravel(),
        "dynamic": np.concatenate([dynamic_evaluation(mdp, policy, uncertainty, steps=300) for policy in policies]),
        "recursive": np.concatenate([static_evaluation(mdp, p, vertices).V for p in policies]),
        "maximin": pure.min(axis=1).max(axis=0),
        "minimax": pure.max(axis=0).min(axis=0),
        "iterated": rectangular_value_iteration(mdp, vertices, tol=1e-11).V,
        "optima": np.min(optima, axis=0),
    }


def sequence_cells(scale: Scale) -> list[Cell]:
    """Return the grid: 400 dense instances, and sparse and deterministic ones."""
    counts = {"dense": 8, "sparse": 8, "deterministic": 8} if scale == "paper" else {"dense": 8, "sparse": 1}
    counts.setdefault("deterministic", 1)
    return [{"family": family, "block": i, "count": 50} for family, n in counts.items() for i in range(n)]


def _largest(left: Floats, right: Floats) -> tuple[float, float]:
    """Return the two sides at the point where ``left - right`` is largest."""
    k = int(np.argmax(left - right))
    return float(left.ravel()[k]), float(right.ravel()[k])


def _checked(mdp: DiscountedMDP, run: IwocsRun, optimum: Any) -> tuple[float, ...]:
    """Return the points of a run that come closest to breaking properties 1 and 2 and the certificate."""
    hulls = [rectangular_policy_iteration(mdp, VertexSet(run.kernels[: i + 1])).Q for i in range(run.iterations)]
    above = [_largest(hull, Q) for hull, Q in zip(hulls, run.Q, strict=True)]
    below = [_largest(optimum.Q, hull) for hull in hulls]
    rises = [_largest(run.Q[i + 1], run.Q[i]) for i in range(run.iterations - 1)]
    worst = [max(pairs, key=lambda pair: pair[0] - pair[1]) for pairs in (above, below, rises or [(0.0, 0.0)])]
    losses = optimum.value - run.attained
    return (*worst[0], *worst[1], *worst[2], *_largest(losses, run.gaps))


_CHECKS = ("hull", "q", "robust", "hull_robust", "next", "previous", "lost", "gap")


def _unsolved(mdp: DiscountedMDP, run: IwocsRun, optimum: Any) -> tuple[float, float]:
    """Return loss and gap where each policy is valued under the kernel it was made for, not under a worst one."""
    stale = [
        static_evaluation(mdp, p, KernelSet(T[None])).value for p, T in zip(run.policies, run.kernels, strict=False)
    ]
    return _largest(optimum.value - run.attained, np.abs(np.array(stale) - run.promised))


def run_sequences(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Run every rule on the same random instances, S = 5, A = 3, m = 3, discount 0.9."""
    rows = []
    for _ in range(cell["count"]):
        rows.append(followed(*_instance(cell["family"], 0.9, rng)))
    table = np.array([list(row.values()) for row in rows])
    return {name: table[:, j].copy() for j, name in enumerate(rows[0])}


def followed(mdp: DiscountedMDP, vertices: VertexSet) -> dict[str, float]:
    """Return one row of `run_sequences`: every rule on one instance."""
    optimum = rectangular_policy_iteration(mdp, vertices)
    row: list[float] = [optimum.value]
    names = ["optimum"]
    for rule in RULES:
        run = iwocs(mdp, vertices, **RULES[rule])  # type: ignore[arg-type]
        row += [STOPS.index(run.stop), run.iterations, optimum.value - run.value]
        names += [f"{rule}_{what}" for what in ("stop", "iterations", "loss")]
        if rule != "hull":
            row += _checked(mdp, run, optimum)
            names += [f"{rule}_{what}" for what in _CHECKS]
    latest = iwocs(mdp, vertices, values="latest", iterations=20)
    row += _checked(mdp, latest, optimum)[4:6]
    row += _checked(mdp, iwocs(mdp, vertices, values="policies", iterations=20), optimum)[:2]
    row += _unsolved(mdp, iwocs(mdp, vertices), optimum)
    names += ["latest_next", "latest_previous", "policies_hull", "policies_q", "stale_lost", "stale_gap"]
    return dict(zip(names, row, strict=True))


def search_cells(scale: Scale) -> list[Cell]:
    """Return the grid: family, discount and blocks of small instances, 99,000 in all at paper scale."""
    blocks, count = (11, 600) if scale == "paper" else (1, 150)
    return [
        {"family": family, "gamma": gamma, "block": i, "count": count}
        for family in ("dense", "sparse", "deterministic")
        for gamma in (0.5, 0.7, 0.8, 0.9, 0.95)
        for i in range(blocks)
    ]


def run_search(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Return the loss and the iterations of each rule, as a part of the largest value, on instances with S = 4."""
    rows = []
    for _ in range(cell["count"]):
        mdp, vertices = _instance(cell["family"], cell["gamma"], rng, S=4)
        optimum = rectangular_policy_iteration(mdp, vertices)
        row: list[float] = [float(np.abs(optimum.V).max())]
        for options in RULES.values():
            run = iwocs(mdp, vertices, **options)  # type: ignore[arg-type]
            row += [optimum.value - run.value, run.iterations, STOPS.index(run.stop)]
        rows.append(row)
    table = np.array(rows)
    names = ["scale", *(f"{rule}_{what}" for rule in RULES for what in ("loss", "iterations", "stop"))]
    return {name: table[:, j].copy() for j, name in enumerate(names)}


def named_cells(scale: Scale) -> list[Cell]:
    """Return the two small instances on which the sequence stops early."""
    return [{"instance": name} for name in ("sequence", "nominal")]


def run_named(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Run every rule on a named instance."""
    mdp, vertices = stuck_sequence() if cell["instance"] == "sequence" else stuck_nominal()
    found = {"optimum": np.array([rectangular_policy_iteration(mdp, vertices).value])}
    for rule, options in RULES.items():
        run = iwocs(mdp, vertices, **options)  # type: ignore[arg-type]
        found[f"{rule}_value"] = np.array([run.value])
        found[f"{rule}_promised"], found[f"{rule}_attained"] = run.promised, run.attained
        found[f"{rule}_stop"] = np.array([STOPS.index(run.stop)])
    return found


def finite_cells(scale: Scale) -> list[Cell]:
    """Return the grid: sizes of the set, by blocks."""
    blocks = 10 if scale == "paper" else 1
    return [{"K": K, "block": i, "count": 40} for K in (1, 2, 3, 5, 8) for i in range(blocks)]


def run_finite(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Count the kernels solved on joint sets of K random kernels, with and without an end at a repeat."""
    ended, endless = [], []
    for _ in range(cell["count"]):
        mdp, vertices = robust_garnet(4, 2, cell["K"], 0.9, branching=2, rng=rng)
        kernels = KernelSet(vertices.P)
        ended.append(iwocs(mdp, kernels).iterations)
        endless.append(iwocs(mdp, kernels, stop_at_repeat=False, iterations=2 * cell["K"] + 2).iterations)
    return {"ended": np.array(ended, dtype=np.float64), "endless": np.array(endless, dtype=np.float64)}
