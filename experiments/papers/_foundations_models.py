"""The models that the planning claims are tried on: random ensembles and structured instances."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments import instances
from experiments.study import Cell, Scale
from tabular.models import AverageRewardMDP, DiscountedMDP

__all__ = ["GAMMAS", "average_reward_models", "cells", "discounted_models", "lure", "random_model"]

Array = npt.NDArray[np.float64]

ALPHAS = (0.1, 0.5, 1.0)
GAMMAS = (0.5, 0.9, 0.99)

#: Random models of one cell; nine cells make the 504 of the quick scale.
COUNT = 56


def cells(scale: Scale, *, count: int = COUNT, gammas: tuple[float, ...] = GAMMAS) -> list[Cell]:
    """Return the grid: random models by Dirichlet parameter and discount, then the structured instances.

    Parameters
    ----------
    scale : str
        ``paper`` repeats every random cell ten times.
    count : int
        Random models a cell.
    gammas : tuple of float
    """
    blocks = 10 if scale == "paper" else 1
    grid: list[Cell] = [
        {"family": "random", "alpha": alpha, "gamma": gamma, "block": block, "count": count}
        for alpha in ALPHAS
        for gamma in gammas
        for block in range(blocks)
    ]
    grid += [{"family": "structured", "gamma": gamma} for gamma in gammas]
    return grid


def random_model(alpha: float, gamma: float, rng: np.random.Generator) -> DiscountedMDP:
    """Return a model of 2 to 12 states and 1 to 5 actions, Dirichlet(``alpha``) rows, every start possible."""
    S, A = int(rng.integers(2, 13)), int(rng.integers(1, 6))
    P, r = instances.dirichlet_rows((S, A, S), alpha, rng), rng.random((S, A))
    return DiscountedMDP(P, r, gamma, 0.9 * instances.dirichlet_rows((S,), 1.0, rng) + 0.1 / S)


def lure(length: int) -> DiscountedMDP:
    """Return a corridor whose first state pays 0.02 for staying and whose far end pays 1 for ever.

    Value iteration from 0 changes little from sweep to sweep long before the far end is felt at the start.
    """
    P = np.zeros((length, 2, length))
    r = np.zeros((length, 2))
    P[np.arange(length), 0, np.arange(length)] = 1.0
    P[np.arange(length), 1, np.minimum(np.arange(length) + 1, length - 1)] = 1.0
    r[0, 0] = 0.02
    r[-1] = 1.0
    return DiscountedMDP(P, r, 0.99)


def _structured() -> Iterator[tuple[str, Any]]:
    yield "riverswim-6", instances.riverswim(6)
    yield "riverswim-12", instances.riverswim(12)
    yield "riverswim-ucrl3-6", instances.riverswim(6, variant="ucrl3")
    yield "riverswim-ucrl3-12", instances.riverswim(12, variant="ucrl3")
    yield "joa", instances.joa(0.05, 0.02)
    yield "joa-tree", instances.joa_tree(3, 2, 0.1, 0.05)
    yield "two-cycle", instances.two_cycle()
    yield "islands", instances.islands()
    yield "slow-chain-8", instances.slow_reachability(8)
    yield "lure-40", lure(40)


def discounted_models(cell: Cell, rng: np.random.Generator) -> Iterator[tuple[str, DiscountedMDP]]:
    """Yield the discounted models of a cell with their names; of a cell of the family ``given``, its own model."""
    if cell["family"] == "given":
        yield "instance", cell["model"]
        return
    if cell["family"] == "structured":
        for name, model in _structured():
            yield name, DiscountedMDP(model.P, model.r, cell["gamma"])
        return
    for i in range(cell["count"]):
        mdp = random_model(cell["alpha"], cell["gamma"], rng)
        yield f"model {i} (S={mdp.S}, A={mdp.A})", mdp


def average_reward_models(cell: Cell, rng: np.random.Generator) -> Iterator[tuple[str, AverageRewardMDP]]:
    """Yield the average-reward models of a cell with their names.

    The random ones are sparse (each row reaches 1 to 3 states), so that every class from recurrent to
    multichain occurs among them. A cell of the family ``given`` brings its own model.
    """
    if cell["family"] == "given":
        yield "instance", cell["model"]
        return
    if cell["family"] == "structured":
        for name, model in _structured():
            yield name, AverageRewardMDP(model.P, model.r)
        yield "two-cycle with a transient loop", _transient_loop()
        yield "crossroads", _crossroads()
        yield "shift register of 5 bits", _shift_register(5)
        return
    for i in range(cell["count"]):
        S, A = int(rng.integers(2, 7)), int(rng.integers(1, 4))
        P = np.zeros((S, A, S))
        for row in P.reshape(S * A, S):
            support = rng.choice(S, size=min(S, int(rng.integers(1, 4))), replace=False)
            row[support] = rng.integers(1, 9, size=support.size)
        P /= P.sum(axis=-1, keepdims=True)
        yield f"sparse model {i} (S={S}, A={A})", AverageRewardMDP(P, rng.integers(0, 9, size=(S, A)) / 8.0)


def _transient_loop() -> AverageRewardMDP:
    """Return one closed class {0, 1} beside state 2, which may stay for reward 1 or leave: multichain."""
    P = np.zeros((3, 2, 3))
    P[0, :, 1] = P[1, :, 0] = 1.0
    P[2, 0, 2] = P[2, 1, 0] = 1.0
    return AverageRewardMDP(P, np.array([[0.0, 0.0], [0.5, 0.5], [1.0, 0.0]]))


def _crossroads() -> AverageRewardMDP:
    """Return a state with two exits: reward 0 towards a loop of gain 1, reward 1 towards a loop of gain 1/2."""
    P = np.zeros((3, 2, 3))
    P[0, 0, 1] = P[0, 1, 2] = 1.0
    P[1, :, 1] = P[2, :, 2] = 1.0
    return AverageRewardMDP(P, np.array([[0.0, 1.0], [1.0, 1.0], [0.5, 0.5]]))


def _shift_register(bits: int) -> AverageRewardMDP:
    """Return the model whose action shifts one bit into the state: the smallest diameter there is, log2(S)."""
    S = 2**bits
    P = np.zeros((S, 2, S))
    for s in range(S):
        P[s, 0, 2 * s % S] = P[s, 1, (2 * s + 1) % S] = 1.0
    return AverageRewardMDP(P, np.tile(np.arange(S)[:, None] / S, 2))
