"""Simulated studies of lsd-bandits: the coupling, mirrored virtual states, spikes, and learning."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.instances import learning_bandit, near_tie_bandit, random_last_switch, spike_bandit, tight_bandit
from experiments.study import Cell, Scale
from tabular.learning.bandit import (
    explore_then_commit_last_switch,
    optimistic_last_switch,
    play_virtual_states,
    relax_last_switch,
    rounding_value,
)
from tabular.models import LastSwitchBandit

__all__ = [
    "coupling_cells",
    "regret_cells",
    "run_coupling",
    "run_regret",
    "run_simulation",
    "run_spike",
    "simulation_cells",
    "spike_cells",
]

Arrays = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]


def coupling_cells(scale: Scale) -> list[Cell]:
    """Return the grid: blocks of random instances and policies; a million rounds at paper scale."""
    return [{"block": i, "count": 20, "rounds": 2_500} for i in range(20 if scale == "paper" else 2)]


def _random_occupancy(bandit: LastSwitchBandit, rng: np.random.Generator) -> Floats:
    """Return the occupancies of arms that pull with random probabilities, different in each state."""
    idle, pulled = bandit.successors()
    n, X = bandit.payoffs.shape
    mu = np.empty((n, X, 2))
    for i in range(n):
        q = 0.02 + 0.96 * rng.random(X) ** rng.choice([0.3, 1.0, 3.0])
        P = np.zeros((X, X))
        P[np.arange(X), idle] += 1.0 - q
        P[np.arange(X), pulled] += q
        law = np.linalg.lstsq(np.vstack([P.T - np.eye(X), np.ones(X)]), np.append(np.zeros(X), 1.0), rcond=None)[0]
        law = np.maximum(law, 0.0)
        mu[i, :, 0], mu[i, :, 1] = law * (1.0 - q), law * q
    return mu


def run_coupling(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Count how often a real state is below its virtual one.

    Half of the virtual states follow the program's solution, half random policies; half of the payoffs are in no order.
    ``stray`` pulls a random arm where no arm is a candidate.
    """
    below, stray = np.zeros(cell["count"], dtype=np.int64), np.zeros(cell["count"], dtype=np.int64)
    for i in range(cell["count"]):
        n, m, M = int(rng.integers(1, 5)), int(rng.integers(1, 4)), int(rng.integers(1, 6))
        bandit = random_last_switch(n, m, M, kind="any" if i % 2 else "monotone", rng=rng)
        plan = relax_last_switch(bandit) if i % 4 < 2 else _random_occupancy(bandit, rng)
        how: dict[str, Any] = {
            "rounds": cell["rounds"] // 10,
            "runs": 10,
            "pulls": int(rng.integers(1, n + 1)),
            "contention": ("payoff", "random", "none")[i % 3],
        }
        below[i] = play_virtual_states(bandit, plan, rng=rng, **how).below.sum()
        stray[i] = play_virtual_states(bandit, plan, rng=rng, when_none="stray", **how).below.sum()
    return {"below": below, "stray": stray}


def simulation_cells(scale: Scale) -> list[Cell]:
    """Return the grid: the tight family and random monotone instances; the paper scale has 100 of these."""
    found: list[Cell] = [{"family": "tight", "n": n, "index": 0, "runs": 1000} for n in range(2, 7)]
    for i in range(100 if scale == "paper" else 10):
        found.append({"family": "random", "n": 2 + i % 3, "index": i, "runs": 400})
    return found


def run_simulation(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Play mirrored virtual states over independent draws of the virtual states.

    ``single`` holds blocks of one draw with ties to the smallest arm; ``wasted`` are payoffs without contention
    resolution.
    """
    n = cell["n"]
    if cell["family"] == "tight":
        bandit = tight_bandit(n)
    else:
        bandit = random_last_switch(n, int(rng.integers(1, 4)), int(rng.integers(2, 6)), rng=rng)
    plan = relax_last_switch(bandit)
    how: dict[str, Any] = {"burn": 60, "rounds": 240, "rng": rng}
    proper = play_virtual_states(bandit, plan, runs=cell["runs"], **how)
    wasteful = play_virtual_states(bandit, plan, runs=cell["runs"], contention="none", **how)
    single = play_virtual_states(bandit, plan, runs=1, blocks=20, ties="first", **how)
    return {
        "lp": np.array([plan.value]),
        "exact": np.array([rounding_value(bandit, plan)]),
        "payoff": proper.payoff[:, 0].copy(),
        "promised": proper.promised[:, 0].copy(),
        "wasted": wasteful.payoff[:, 0].copy(),
        "single": single.promised[0].copy(),
    }


def spike_cells(scale: Scale) -> list[Cell]:
    """Return the grid: numbers of arms. Two arms lie 0.007 below the bound and need the most draws."""
    many, few = (400_000, 20_000) if scale == "paper" else (60_000, 4_000)
    return [{"n": n, "runs": many if n == 2 else few} for n in (2, 3, 4, 6)]


def run_spike(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Play mirrored virtual states with random ties on the spike family, and on the tight family beside it."""
    n = cell["n"]
    found = {}
    for name, bandit in (("spike", spike_bandit(n)), ("tight", tight_bandit(n))):
        plan = relax_last_switch(bandit)
        runs = play_virtual_states(bandit, plan, rounds=10 * n, burn=6 * n, runs=cell["runs"], rng=rng)
        found[name] = runs.payoff[:, 0].copy()
        found[f"{name}_lp"] = np.array([plan.value])
    return found


def regret_cells(scale: Scale) -> list[Cell]:
    """Return the grid: horizons 2^10 to 2^16 for explore and commit and its broken variant; one for the optimist.

    The program has a unique optimum on one instance, and nearly two on the other.
    """
    runs, few = (200, 50) if scale == "paper" else (30, 8)
    variants = (("unique", "explored"), ("unique", "assumed"), ("near-tie", "explored"))
    found: list[Cell] = [
        {"instance": instance, "learner": "commit", "rested": rested, "horizon": 2**k, "runs": runs}
        for instance, rested in variants
        for k in range(10, 17)
    ]
    last: Cell = {
        "instance": "unique", "learner": "optimistic", "rested": "explored", "horizon": 2**16, "runs": few,
    }  # fmt: skip
    return [*found, last]


def run_regret(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Return regret against the rounding that knows the payoffs."""
    bandit = learning_bandit() if cell["instance"] == "unique" else near_tie_bandit()
    if cell["learner"] == "optimistic":
        run = optimistic_last_switch(bandit, horizon=cell["horizon"], runs=cell["runs"], rng=rng)
    else:
        run = explore_then_commit_last_switch(
            bandit, horizon=cell["horizon"], runs=cell["runs"], rested=cell["rested"], rng=rng
        )
    return {"rounds": run.rounds, "regret": run.regret, "value": np.array([run.value])}
