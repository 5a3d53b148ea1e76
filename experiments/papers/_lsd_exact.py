"""Exact studies of lsd-bandits: optimum, relaxation and roundings of random and named instances."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.instances import (
    greedy_trap,
    interleaving_trap,
    learning_bandit,
    periodic_bandit,
    random_last_switch,
    tight_bandit,
)
from experiments.study import Cell, Scale
from tabular.learning.bandit import (
    arm_cycles,
    earliest_deadline,
    interleaved_value,
    lookahead_last_switch,
    rate_program,
    relax_last_switch,
    round_robin,
    rounding_value,
    solve_last_switch,
)

__all__ = [
    "cycle_cells",
    "greedy_cells",
    "interleaving_cells",
    "period_cells",
    "pull_cells",
    "random_cells",
    "recharging_cells",
    "run_cycles",
    "run_greedy",
    "run_interleaving",
    "run_periods",
    "run_pulls",
    "run_random",
    "run_recharging",
    "run_tight",
    "tight_cells",
]

Arrays = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]

KINDS = ("monotone", "recharging", "satiation", "any")


def _table(rows: Sequence[tuple[float, ...]], names: tuple[str, ...]) -> Arrays:
    table = np.array(rows, dtype=np.float64)
    return {name: table[:, j].copy() for j, name in enumerate(names)}


def random_cells(scale: Scale) -> list[Cell]:
    """Return the grid: blocks of random instances of each kind."""
    blocks, count = (10, 50) if scale == "paper" else (2, 15)
    return [{"kind": kind, "block": i, "count": count} for kind in KINDS for i in range(blocks)]


def run_random(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Plan random instances, n in 2..4, m in 1..3, M in 2..5, with everything there is.

    ``half`` is the program with half a pull a round; ``wasteful`` rounds without contention resolution, ``random``
    pulls a random candidate.
    """
    rows = []
    for _ in range(cell["count"]):
        n, m, M = int(rng.integers(2, 5)), int(rng.integers(1, 4)), int(rng.integers(2, 6))
        bandit = random_last_switch(n, m, M, kind=cell["kind"], rng=rng)
        plan = relax_last_switch(bandit)
        rows.append(
            (
                n,
                solve_last_switch(bandit).gain,
                plan.value,
                relax_last_switch(bandit, pulls=0.5).value,
                rounding_value(bandit, plan),
                rounding_value(bandit, plan, contention="none"),
                rounding_value(bandit, plan, contention="random"),
                lookahead_last_switch(bandit).gain,
                lookahead_last_switch(bandit, depth=5).gain,
                round_robin(bandit),
                earliest_deadline(bandit, rounds=400),
                float(bandit.payoffs.max()),
            )
        )
    names = (
        "n", "opt", "lp", "half", "rounding", "wasteful", "random", "greedy", "lookahead", "robin", "deadline",
        "largest",
    )  # fmt: skip
    return _table(rows, names)


def tight_cells(scale: Scale) -> list[Cell]:
    """Return the grid: numbers of arms."""
    return [{"n": n} for n in range(2, 9)]


def run_tight(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Plan the tight family; ``opt`` is between pulling in turn and the program where the product is too large."""
    n = cell["n"]
    bandit = tight_bandit(n)
    plan = relax_last_switch(bandit)
    opt = solve_last_switch(bandit).gain if n <= 6 else round_robin(bandit)
    return {
        "lp": np.array([plan.value]),
        "opt": np.array([opt]),
        "rounding": np.array([rounding_value(bandit, plan)]),
        "wasteful": np.array([rounding_value(bandit, plan, contention="none")]),
    }


def recharging_cells(scale: Scale) -> list[Cell]:
    """Return the grid: blocks of recharging instances, concave ones among them."""
    blocks = 10 if scale == "paper" else 1
    return [{"kind": kind, "block": i, "count": 25} for kind in ("recharging", "concave") for i in range(blocks)]


def _fixed_delays(delays: Floats) -> float:
    """Return the best payoff when each arm has one delay, or none, and rates sum to at most 1."""
    n, top = delays.shape
    best = 0.0
    for choice in itertools.product(range(top + 1), repeat=n):
        chosen = [(i, d) for i, d in enumerate(choice) if d > 0]
        if sum(1.0 / d for _, d in chosen) <= 1.0 + 1e-12:
            best = max(best, sum(float(delays[i, d - 1]) / d for i, d in chosen))
    return best


def run_recharging(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Compare the occupancy program with the program in rates, and with the one that may not mix delays."""
    rows = []
    for _ in range(cell["count"]):
        n, m, M = int(rng.integers(1, 4)), int(rng.integers(1, 4)), int(rng.integers(2, 5))
        bandit = random_last_switch(n, m, M, kind=cell["kind"], rng=rng)
        delays, d = bandit.delays(), np.arange(1, M + 2)
        hull = rate_program([(1.0 / d, row / d) for row in delays])
        rows.append((relax_last_switch(bandit).value, hull, _fixed_delays(delays)))
    return _table(rows, ("lp", "hull", "fixed"))


def pull_cells(scale: Scale) -> list[Cell]:
    """Return the grid: pulls a round, by blocks of recharging instances."""
    blocks = 10 if scale == "paper" else 1
    return [{"k": k, "block": i, "count": 25} for k in (1, 2, 3) for i in range(blocks)]


def run_pulls(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Round recharging instances of k+1 to k+3 arms with k pulls a round; every fifth pays 1 after a common period."""
    rows, k = [], cell["k"]
    for i in range(cell["count"]):
        n, m, M = k + int(rng.integers(1, 4)), int(rng.integers(1, 4)), int(rng.integers(2, 6))
        if i % 5:
            bandit = random_last_switch(n, m, M, kind="recharging", rng=rng)
        else:
            bandit = periodic_bandit((math.ceil(n / k),) * n)
        plan = relax_last_switch(bandit, pulls=k)
        wasteful = rounding_value(bandit, plan, pulls=k, contention="none")
        rows.append((n, plan.value, rounding_value(bandit, plan, pulls=k), wasteful))
    return _table(rows, ("n", "lp", "rounding", "wasteful"))


def interleaving_cells(scale: Scale) -> list[Cell]:
    """Return the grid: random concave instances, and one short period among many long ones, concave and sharp."""
    blocks, most = (10, 128) if scale == "paper" else (2, 32)
    found: list[Cell] = [{"family": "random", "block": i, "count": 25} for i in range(blocks)]
    others = [k for k in (4, 8, 16, 32, 64, 128) if k <= most]
    found += [{"family": "concave", "period": 2, "others": k} for k in others]
    found += [{"family": "sharp", "period": a, "others": 8 * (a - 1)} for a in (2, 3, 4)]
    return found


def run_interleaving(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Interleave, exactly."""
    if cell["family"] == "random":
        bandits = [
            random_last_switch(int(rng.integers(2, 6)), 1, int(rng.integers(2, 6)), kind="concave", rng=rng)
            for _ in range(cell["count"])
        ]
    else:
        bandits = [interleaving_trap(cell["period"], cell["others"], shape=cell["family"])]
    rows = []
    for bandit in bandits:
        plan = relax_last_switch(bandit)
        rows.append((bandit.A, plan.value, interleaved_value(bandit, plan), rounding_value(bandit, plan)))
    return _table(rows, ("n", "lp", "interleaved", "rounding"))


def period_cells(scale: Scale) -> list[Cell]:
    """Return the grid: periods whose reciprocals sum to 1, with and without a schedule that keeps them all."""
    clashing = [(2, 3, 6), (3, 4, 4, 6), (2, 5, 5, 10)]
    kept = [(2, 4, 4), (3, 3, 3), (2, 4, 8, 8)]
    if scale == "paper":
        clashing += [(2, 3, 12, 12), (3, 5, 5, 5, 15)]
        kept += [(3, 6, 6, 6, 6), (2, 6, 6, 6)]
    return [{"periods": p, "kept": k} for k, group in ((False, clashing), (True, kept)) for p in group]


def run_periods(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Return optimum and relaxation."""
    bandit = periodic_bandit(cell["periods"])
    return {
        "opt": np.array([solve_last_switch(bandit).gain]),
        "lp": np.array([relax_last_switch(bandit).value]),
    }


def greedy_cells(scale: Scale) -> list[Cell]:
    """Return the grid: rest needed, and what impatience pays as a part of 1/(M+1)."""
    rests = range(1, 21) if scale == "paper" else (1, 2, 4, 8)
    return [{"M": M, "part": part} for M in rests for part in (0.05, 0.005)]


def run_greedy(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Play greedily on the trap, beside optimum and rounding."""
    delta = cell["part"] / (cell["M"] + 1)
    bandit = greedy_trap(cell["M"], delta)
    plan = relax_last_switch(bandit)
    return {
        "delta": np.array([delta]),
        "greedy": np.array([lookahead_last_switch(bandit).gain]),
        "opt": np.array([solve_last_switch(bandit).gain]),
        "lp": np.array([plan.value]),
        "rounding": np.array([rounding_value(bandit, plan)]),
    }


def cycle_cells(scale: Scale) -> list[Cell]:
    """Return the arms of one instance."""
    return [{"arm": i} for i in range(3)]


def run_cycles(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Return the cycles of an arm of the learning instance, and the rate that the program gives it."""
    bandit = learning_bandit()
    idle, pulled, rate, payoff = arm_cycles(bandit, cell["arm"])
    chosen = float(relax_last_switch(bandit).rates[cell["arm"]])
    grid = np.linspace(1e-6, 1.0, 101)
    hull = np.array([rate_program([(rate, payoff)], pulls=float(x)) for x in grid])
    return {
        "idle": idle, "pulled": pulled, "rate": rate, "payoff": payoff, "grid": grid, "hull": hull,
        "chosen": np.array([chosen]),
    }  # fmt: skip
