"""Evidence on times: one-way diameters, spans of values, mixing, Kemeny's constant."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bounds import complexity
from experiments import instances
from experiments.study import Cell
from tabular.models import AverageRewardMDP, EpisodicMDP

from ._complexity_models import communicating_model
from ._table import Table

__all__ = ["multiply", "run_diameters", "run_kemeny", "run_mixing", "settle", "subtract", "sum_times", "travel"]

Array = npt.NDArray[np.float64]
Arrays = Mapping[str, npt.NDArray[Any]]

LEVELS = (0.25, 0.1, 0.01)
HORIZONS = (1, 2, 5, 20)


def run_diameters(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Measure one-way times, the diameter under other rewards and fewer actions, and spans over a finite horizon."""
    triangle = Table("triangle", "direct", "detour", "detour_half")
    same = Table("same", "diameter", "other_rewards")
    fewer = Table("fewer", "diameter", "first_action")
    spans = Table("spans", "span", "reward_range", "diameter", "left")
    for i in range(cell["count"]):
        mdp = communicating_model(rng)
        other = AverageRewardMDP(mdp.dense_P(), rng.normal(size=mdp.r.shape), rng.dirichlet(np.ones(mdp.S)))
        travel(f"model {i} (S={mdp.S}, A={mdp.A})", mdp, other, (triangle, same, fewer, spans))
    return {key: value for table in (triangle, same, fewer, spans) for key, value in table.arrays().items()}


def travel(
    name: str, mdp: AverageRewardMDP, other: AverageRewardMDP, tables: tuple[Table, Table, Table, Table]
) -> None:
    """Add one model, and the same with other rewards and another start, to the four tables of diameters."""
    triangle, same, fewer, spans = tables
    P = mdp.dense_P()
    times = complexity.one_way_times(mdp).value
    diameter = complexity.diameter(mdp).value
    s, t, u = np.meshgrid(*[np.arange(mdp.S)] * 3, indexing="ij")
    detour = times[s, t] + times[t, u]
    triangle.add(name, direct=times[s, u], detour=detour, detour_half=detour / 2)
    same.add(name, diameter=diameter, other_rewards=complexity.diameter(other).value)
    alone = AverageRewardMDP(P[:, :1], mdp.r[:, :1])
    fewer.add(name, diameter=diameter, first_action=complexity.diameter(alone).value)
    for H in HORIZONS:
        found = complexity.value_span(EpisodicMDP(P, mdp.r, mdp.mu0, H=H)).value
        spans.add(
            f"{name}, H={H}",
            span=found,
            reward_range=float(np.ptp(mdp.r)),
            diameter=diameter,
            left=np.arange(H, 0, -1),
        )


def _apart(power: Array) -> float:
    """Return the largest total-variation distance between two rows."""
    return float(0.5 * np.abs(power[:, None] - power[None]).sum(axis=2).max())


def _reversible(rng: np.random.Generator) -> Array:
    """Return a walk on a weighted graph: a path that joins all states, and some edges and loops beside it."""
    S = int(rng.integers(2, 9))
    half = rng.integers(0, 9, size=(S, S)) * (rng.random((S, S)) < 0.4)
    weight = half + half.T + np.eye(S, k=1) + np.eye(S, k=-1)
    weight[0, 0] += 1.0
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


def run_mixing(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Measure distances of powers of random chains, and mixing times of reversible ones against their gap."""
    powers = Table("powers", "whole", "product", "law_whole", "law_product")
    times = Table("times", "eps", "mixing", "gap", "least")
    for i in range(cell["count"]):
        S = int(rng.integers(2, 7))
        chain = instances.dirichlet_rows((S, S), float(rng.choice([0.1, 0.5, 1.0])), rng)
        chain = 0.95 * chain + 0.05 / S
        multiply(f"chain {i} (S={S})", chain, powers)
        walk = _reversible(rng)
        settle(f"walk {i} (S={walk.shape[0]})", walk, LEVELS, times)
    return {**powers.arrays(), **times.arrays()}


def multiply(name: str, chain: Array, powers: Table) -> None:
    """Add distances between the powers of one chain to the table of powers."""
    law = complexity.stationary_law(chain).value
    seen = [np.linalg.matrix_power(chain, t) for t in range(9)]
    apart = np.array([_apart(power) for power in seen])
    far = np.array([0.5 * np.abs(power - law).sum(axis=1).max() for power in seen])
    first, second = np.meshgrid(np.arange(1, 5), np.arange(1, 5), indexing="ij")
    powers.add(
        name,
        whole=apart[first + second],
        product=apart[first] * apart[second],
        law_whole=far[first + second],
        law_product=far[first] * far[second],
    )


def settle(name: str, walk: Array, levels: Sequence[float], times: Table) -> None:
    """Add mixing times of one reversible chain at some levels to the table of times."""
    for eps in levels:
        times.add(
            f"{name}, eps={eps:g}",
            eps=eps,
            mixing=float(complexity.mixing_time(walk, eps=eps).upper),
            gap=complexity.spectral_gap(walk),
            least=complexity.stationary_law(walk).value.min(),
        )


def run_kemeny(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Compute Kemeny's constant from each start, by the trace, from eigenvalues, and in fractions."""
    floats = Table("floats", "from_state", "trace", "eigenvalues", "returns")
    exact = Table("exact", "difference", "returns_difference")
    for i in range(cell["count"]):
        S = int(rng.integers(2, 8))
        chain = np.roll(np.eye(S), 1, axis=1) * 0.125
        for row in chain:
            for _ in range(7):
                row[rng.integers(S)] += 0.125
        name = f"chain {i} (S={S})"
        sum_times(name, chain, floats)
        if S <= 5:
            subtract(name, chain, 8, exact)
    return {**floats.arrays(), **exact.arrays()}


def sum_times(name: str, chain: Array, floats: Table) -> None:
    """Add Kemeny's constant of one chain, from each start and by two formulas, to the table of floats."""
    S = chain.shape[0]
    times, law = complexity.mean_hitting_times(chain).value, complexity.stationary_law(chain).value
    limit = np.broadcast_to(law, (S, S))
    roots = np.linalg.eigvals(chain - limit)
    others = np.delete(roots, int(np.abs(roots).argmin())) if S > 1 else roots
    floats.add(
        name,
        from_state=times @ law,
        trace=float(np.trace(np.linalg.inv(np.eye(S) - chain + limit))) - 1.0,
        eigenvalues=float((1.0 / (1.0 - others)).sum().real),
        returns=times @ law + 1.0,
    )


def subtract(name: str, chain: Array, max_denominator: int, exact: Table) -> None:
    """Add what the sum from each start misses of Kemeny's constant, in fractions, to the table of exact numbers."""
    known = complexity.mean_hitting_times(chain, max_denominator=max_denominator).value
    weights = complexity.stationary_law(chain, max_denominator=max_denominator).value
    constant = complexity.kemeny_constant(chain, max_denominator=max_denominator).value
    for s in range(chain.shape[0]):
        difference = known[s] @ weights - constant
        exact.add(f"{name}, start {s}", difference=float(difference), returns_difference=float(difference + 1))
