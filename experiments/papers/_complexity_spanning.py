"""Evidence on spanning capacity: random classes, their coverability in random models, singleton classes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bounds import complexity
from experiments import instances
from experiments.study import Cell, Scale
from tabular.models import EpisodicMDP

from ._table import Table

__all__ = ["deterministic_model", "run_singleton", "run_spanning", "singleton_cells", "singleton_class", "span"]

Arrays = Mapping[str, npt.NDArray[Any]]
Integers = npt.NDArray[np.int64]


def deterministic_model(witness: tuple[int, Sequence[Integers]], S: int, A: int) -> EpisodicMDP:
    """Return the model of a start and of the moves of each layer but the last, as `spanning_capacity` returns them."""
    start, moves = witness
    P = np.zeros((len(moves) + 1, S, A, S))
    P[-1, :, :, 0] = 1.0
    for h, move in enumerate(moves):
        P[h] = np.eye(S)[move]
    return EpisodicMDP(P, np.zeros(P.shape[:3]), np.eye(S)[start])


def run_spanning(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Compute the capacity of random classes, of a part of each, and the class's coverability in models."""
    bounds = Table("bounds", "capacity", "policies", "paths", "pairs", "part")
    models = Table("models", "coverability", "capacity")
    witness = Table("witness", "coverability", "capacity", "fixed")
    for i in range(cell["count"]):
        n, H, S, A = (int(rng.integers(low, high)) for low, high in ((1, 9), (1, 5), (1, 4), (2, 4)))
        policies = rng.integers(A, size=(n, H, S))
        name = f"class {i} (n={n}, H={H}, S={S}, A={A})"
        tried = {
            f"{name}, Dirichlet({alpha:g})": instances.random_episodic(S, A, H, alpha=alpha, rng=rng)
            for alpha in (0.05, 1.0)
        }
        moves = [rng.integers(S, size=(S, A)) for _ in range(H - 1)]
        start = int(rng.integers(S)) if H > 1 else 0
        span(name, policies, A, tried, (start, moves), bounds, models, witness)
    return {**bounds.arrays(), **models.arrays(), **witness.arrays()}


def span(
    name: str,
    policies: Integers,
    A: int,
    tried: Mapping[str, EpisodicMDP],
    fixed: tuple[int, Sequence[Integers]],
    bounds: Table,
    models: Table,
    witness: Table,
) -> None:
    """Add one class of policies (n, H, S), some models, and one deterministic model to the tables of the capacity."""
    n, H, S = policies.shape
    found = complexity.spanning_capacity(policies, A=A)
    bounds.add(
        name,
        capacity=found.value,
        policies=n,
        paths=A**H,
        pairs=S * A,
        part=complexity.spanning_capacity(policies[: (n + 1) // 2], A=A).value,
    )
    for where, model in tried.items():
        models.add(where, coverability=complexity.coverability(model, policies=policies).value, capacity=found.value)
    start, moves = fixed
    witness.add(
        name,
        coverability=complexity.coverability(deterministic_model(found.witness, S, A), policies=policies).value,
        capacity=found.value,
        fixed=complexity.reached_pairs(policies, start, moves) if H > 1 else 1.0,
    )


def singleton_class(sizes: Sequence[int]) -> list[Integers]:
    """Return the baseline (action 0) and, for each state of each layer, the policy that plays 1 there only."""
    n = 1 + sum(sizes)
    layers, row = [np.zeros((n, size), dtype=np.int64) for size in sizes], 1
    for layer in layers:
        for s in range(layer.shape[1]):
            layer[row, s] = 1
            row += 1
    return layers


def singleton_cells(scale: Scale) -> list[Cell]:
    """Return the grid: h states at layer h, H at every layer (H up to 4), and H - 1 at every layer: too few."""
    last = 5 if scale == "paper" else 4
    cells: list[Cell] = [{"sizes": tuple(range(1, H + 1)), "enough": True} for H in range(2, last + 1)]
    cells += [{"sizes": (H,) * H, "enough": True} for H in range(2, 5)]
    return cells + [{"sizes": (H - 1,) * H, "enough": False} for H in range(2, 5)]


def run_singleton(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Compute the capacity of a singleton class."""
    found = complexity.spanning_capacity(singleton_class(cell["sizes"]), A=2, max_assignments=6_000_000)
    return {"lower": np.array([float(found.lower)]), "upper": np.array([float(found.upper)])}
