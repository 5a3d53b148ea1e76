"""The models that the complexity claims are tried on, and their policies by enumeration."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments import instances
from experiments.study import Cell, Scale
from tabular import planning
from tabular.models import AverageRewardMDP, DiscountedMDP, EpisodicMDP

__all__ = [
    "block_model",
    "cells",
    "communicating_model",
    "data_law",
    "deterministic_policies",
    "episodic_model",
    "occupancies",
    "random_policy",
    "small_models",
]

Array = npt.NDArray[np.float64]

#: Sizes (S, A, H) whose deterministic policies are few enough to enumerate.
SIZES = ((2, 2, 3), (3, 2, 2), (2, 3, 2), (4, 2, 1), (2, 2, 2), (1, 3, 3), (3, 1, 3))


def cells(scale: Scale, *, quick: int = 60, paper: int = 1000, block: int = 50) -> list[Cell]:
    """Return the grid: blocks of random instances, ``quick`` or ``paper`` of them in all."""
    total = paper if scale == "paper" else quick
    return [{"block": first // block, "count": min(block, total - first)} for first in range(0, total, block)]


def episodic_model(S: int, A: int, H: int, rng: np.random.Generator) -> EpisodicMDP:
    """Return a model of sparse dyadic rows: impossible transitions, unreachable states and ties are common."""
    P = np.zeros((H, S, A, S))
    for row in P.reshape(-1, S):
        for _ in range(4):
            row[rng.integers(S)] += 0.25
    mu0 = np.zeros(S)
    for _ in range(2):
        mu0[rng.integers(S)] += 0.5
    return EpisodicMDP(P, rng.integers(0, 5, size=(H, S, A)) / 4.0, mu0)


def small_models(count: int, rng: np.random.Generator) -> Iterator[tuple[str, Any]]:
    """Yield episodic models, then every third time a discounted one, small enough to enumerate policies."""
    for i in range(count):
        S, A, H = SIZES[int(rng.integers(len(SIZES)))]
        model = episodic_model(S, A, H, rng)
        if i % 3 == 2:
            gamma = float(rng.choice([0.0, 0.5, 0.9, 0.99]))
            yield (
                f"discounted {i} (S={S}, A={A}, gamma={gamma:g})",
                DiscountedMDP(model.P[0], model.r[0], gamma, model.mu0),
            )
        else:
            yield f"episodic {i} (S={S}, A={A}, H={H})", model


def deterministic_policies(model: Any) -> Iterator[npt.NDArray[np.int64]]:
    """Yield every deterministic policy of a model: Markov for a finite horizon, stationary for a discounted one."""
    shape = model.r.shape[:-1]
    for choice in itertools.product(range(model.A), repeat=int(np.prod(shape))):
        yield np.array(choice, dtype=np.int64).reshape(shape)


def occupancies(model: Any, policies: Any = None) -> Array:
    """Return the occupancies of all deterministic policies (or of those given), shape (n, H, S, A); H=1: discounted."""
    chosen = deterministic_policies(model) if policies is None else policies
    every = np.array([planning.occupancy(model, policy) for policy in chosen])
    return every if every.ndim == 4 else every[:, None]


def random_policy(model: Any, rng: np.random.Generator) -> npt.NDArray[Any]:
    """Return a policy: deterministic or, half of the time, stochastic."""
    shape = model.r.shape[:-1]
    if rng.random() < 0.5:
        return np.asarray(rng.integers(model.A, size=shape))
    return rng.dirichlet(np.ones(model.A), size=shape)


def data_law(model: Any, rng: np.random.Generator) -> Array:
    """Return a data distribution that covers every pair, some of them hardly: Dirichlet(1/2) beside the uniform law."""
    S, A = model.S, model.A
    H = model.r.shape[0] if model.r.ndim == 3 else 1
    weights = 0.99 * rng.dirichlet(np.full(S * A, 0.5), size=H) + 0.01 / (S * A)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights.reshape(model.r.shape)


def block_model(Z: int, copies: int, A: int, H: int, rng: np.random.Generator) -> EpisodicMDP:
    """Return a block MDP: ``Z`` latent states, each shown as one of ``copies`` observations of its own."""
    S = Z * copies
    emission = np.zeros((Z, S))
    for z in range(Z):
        emission[z, z * copies : (z + 1) * copies] = instances.dirichlet_rows((copies,), 1.0, rng)
    latent = instances.dirichlet_rows((H, Z, A, Z), 0.5, rng)
    P = np.repeat(np.einsum("hzay,ys->hzas", latent, emission), copies, axis=1)
    return EpisodicMDP(P / P.sum(axis=-1, keepdims=True), rng.random((H, S, A)), emission[int(rng.integers(Z))])


def communicating_model(rng: np.random.Generator) -> AverageRewardMDP:
    """Return a communicating model of 2 to 6 states: sparse rows, and a first action that steps round a cycle."""
    S, A = int(rng.integers(2, 7)), int(rng.integers(1, 4))
    P = np.zeros((S, A, S))
    for row in P.reshape(S * A, S):
        support = rng.choice(S, size=min(S, int(rng.integers(1, 4))), replace=False)
        row[support] = rng.integers(1, 9, size=support.size)
    P /= P.sum(axis=-1, keepdims=True)
    cycle = np.roll(np.eye(S), 1, axis=1)
    stay = float(rng.choice([0.0, 0.5, 0.875]))
    P[:, 0] = (1.0 - stay) * cycle + stay * np.eye(S)
    return AverageRewardMDP(P, rng.integers(0, 9, size=(S, A)) / 8.0)
