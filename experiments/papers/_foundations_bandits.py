"""Regret of bandit learners on the instances where their theorems speak, and where their broken variants fail."""

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.instances import minimax_bandits
from experiments.study import Cell, Scale
from tabular.learning import bandit as learners
from tabular.learning.bandit import BanditRun
from tabular.models import AdversarialBandit, BernoulliBandit, GaussianBandit

__all__ = ["losses", "lower_cells", "regret_cells", "run_lower", "run_regret", "stochastic_means"]

Arrays = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]
Learner = Callable[..., BanditRun]

#: Learner, and what breaks it.
LEARNERS: Mapping[str, tuple[Learner, Mapping[str, Any]]] = {
    "ucb1": (learners.ucb1, {"scale": 0.0}),
    "ucb-delta": (learners.ucb_delta, {"delta": 1.0}),
    "ucb-asymptotic": (learners.ucb_asymptotic, {"scale": 0.0}),
    "kl-ucb": (learners.kl_ucb, {"scale": 0.0}),
    "moss": (learners.moss, {"scale": -1.0}),
    "thompson": (learners.thompson, {"sample": "mean"}),
    "exp3": (learners.exp3, {"scale": 50.0}),
    "exp3-ix": (learners.exp3_ix, {"scale": 50.0}),
    "tsallis-iw": (learners.tsallis_inf, {"estimator": "unweighted"}),
    "tsallis-rv": (functools.partial(learners.tsallis_inf, estimator="rv"), {"estimator": "unweighted"}),
}
STOCHASTIC = ("ucb1", "ucb-delta", "ucb-asymptotic", "kl-ucb")
ADVERSARIAL = ("exp3", "tsallis-iw", "tsallis-rv")
ADVERSARIES = ("alternating", "constant", "phases")


def stochastic_means(k: int, gap: float, kind: str) -> Floats:
    """Return the means: the last arm is best by ``gap``, around 1/2 for coins and above 0 for normal rewards."""
    means = np.full(k, 0.5 - gap / 2.0 if kind == "bernoulli" else 0.0)
    means[-1] += gap
    return means


def losses(kind: str, k: int, gap: float, n: int) -> Floats:
    """Return losses (n, k).

    ``"alternating"``: arm ``t mod k`` costs nothing, the others 1. ``"constant"``: the last arm costs less by ``gap``
    in every round, around 1/2. ``"phases"``: the first arm costs less by ``gap`` throughout, while the level of all
    jumps between the ends of [0, 1] in phases that grow by 1.6 each.
    """
    if kind == "constant":
        return np.ascontiguousarray(np.broadcast_to(1.0 - stochastic_means(k, gap, "bernoulli"), (n, k)))
    if kind == "alternating":
        table = np.ones((n, k))
        table[np.arange(n), np.arange(n) % k] = 0.0
        return table
    ends = np.cumsum(np.ceil(1.6 ** np.arange(60)))
    high = np.searchsorted(ends, np.arange(n), side="right") % 2 == 1
    table = np.where(high, 1.0, gap)[:, None] * np.ones(k)
    table[:, 0] -= gap
    return table


def _cells(rows: Iterable[dict[str, Any]], scale: Scale, quick_runs: Callable[[Mapping[str, Any]], int]) -> list[Cell]:
    """Return the cells of rows: one block of runs at quick scale, 500 runs in blocks at paper scale."""
    if scale == "quick":
        return [{**row, "runs": quick_runs(row), "block": 0} for row in rows]
    cells: list[Cell] = []
    for row in rows:
        size = 50 if row["n"] > 10_000 else 100
        cells += [{**row, "runs": size, "block": block} for block in range(500 // size)]
    return cells


def _quick_runs(row: Mapping[str, Any]) -> int:
    """Return enough runs for a decision: many where regret is all or nothing, 59 at least for a violation rate."""
    if row["broken"] and row["learner"] == "moss":
        return 150
    if row["broken"] and row["learner"] in (*STOCHASTIC, "thompson"):
        return 300
    return 60 if row["learner"] == "exp3-ix" else 40


def _row(
    learner: str, instance: str, k: int, n: int, gap: float = 1.0, *, b: float = 0.0, delta: float = 0.0,
    broken: bool = False,
) -> dict[str, Any]:  # fmt: skip
    return {
        "learner": learner, "instance": instance, "k": k, "n": n, "gap": gap, "b": b, "delta": delta, "broken": broken,
    }  # fmt: skip


def _noise(learner: str) -> str:
    return "gaussian" if learner in ("ucb-delta", "ucb-asymptotic") else "bernoulli"


def regret_cells(scale: Scale) -> list[Cell]:
    """Return the grid: learner, instance, number of arms, horizon, gap; broken variants where they show.

    ``b`` is positive where the means are drawn from Beta(1, b), ``delta`` where EXP3-IX is tuned to it.
    """
    quick = scale == "quick"
    arms = (2, 5) if quick else (2, 5, 20)
    horizons = (1000, 10_000) if quick else (1000, 10_000, 100_000)
    rows = []
    for k in arms:
        for n in horizons:
            for learner in STOCHASTIC:
                rows += [_row(learner, _noise(learner), k, n, gap) for gap in (0.1, 0.5)]
            rows += [_row("thompson", "prior", k, n, b=b) for b in (1.0, 3.0)]
            for learner in ADVERSARIAL:
                rows += [_row(learner, kind, k, n, 0.1) for kind in ADVERSARIES]
                rows += [_row(learner, "bernoulli", k, n, gap) for gap in (0.1, 0.5)]
            for delta in (0.0, 0.05):
                rows += [_row("exp3-ix", kind, k, n, 0.3, delta=delta) for kind in ADVERSARIES]
            rows += [_row("moss", "gaussian", k, n, gap) for gap in (0.1, 0.5)]
        rows += [_row(learner, _noise(learner), k, 10_000, 0.5, broken=True) for learner in STOCHASTIC]
        rows.append(_row("thompson", "prior", k, 10_000, b=1.0, broken=True))
        rows += [_row("exp3", kind, k, 10_000, 0.1, broken=True) for kind in ("alternating", "constant")]
        rows.append(_row("exp3-ix", "constant", k, 10_000, 0.3, broken=True))
        rows += [_row(learner, "bernoulli", k, 10_000, 0.5, broken=True) for learner in ("tsallis-iw", "tsallis-rv")]
    # MOSS: a constant of 39 takes a horizon and a gap at which pessimism can cost more than that.
    rows += [_row("moss", "gaussian", 10, 150_000, 1.5, broken=broken) for broken in (False, True)]
    return _cells(rows, scale, _quick_runs)


def _prior_runs(cell: Cell, learner: Learner, options: Mapping[str, Any], rng: np.random.Generator) -> list[BanditRun]:
    """Return runs on as many bandits drawn from the prior, which the learner is told."""
    found = []
    for _ in range(cell["runs"]):
        bandit = BernoulliBandit(np.asarray(rng.beta(1.0, cell["b"], size=cell["k"])))
        found.append(learner(bandit, horizon=cell["n"], prior=(1.0, cell["b"]), rng=rng, **options))
    return found


def run_regret(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Run one learner on one instance.

    Returns
    -------
    mapping
        ``final`` (runs,): regret at the horizon. ``rounds``, ``mean``, ``error`` (m,): the curve of the mean and its
        standard error.
    """
    learner, breaks = LEARNERS[cell["learner"]]
    options: dict[str, Any] = dict(breaks) if cell["broken"] else {}
    if cell["learner"] == "exp3-ix" and cell["delta"] > 0.0:
        options["delta"] = cell["delta"]
    k, gap, n = cell["k"], cell["gap"], cell["n"]
    if cell["instance"] == "prior":
        runs = _prior_runs(cell, learner, options, rng)
    else:
        bandit: BernoulliBandit | GaussianBandit | AdversarialBandit
        if cell["instance"] in ADVERSARIES:
            bandit = AdversarialBandit(losses(cell["instance"], k, gap, n))
        elif cell["instance"] == "gaussian":
            bandit = GaussianBandit(stochastic_means(k, gap, "gaussian"))
        else:
            bandit = BernoulliBandit(stochastic_means(k, gap, "bernoulli"))
        runs = [learner(bandit, horizon=n, runs=cell["runs"], rng=rng, **options)]
    regret = np.concatenate([run.regret for run in runs])
    return {
        "final": np.ascontiguousarray(regret[:, -1]),
        "rounds": runs[0].rounds,
        "mean": regret.mean(axis=0),
        "error": regret.std(axis=0, ddof=1) / np.sqrt(regret.shape[0]),
    }


def lower_cells(scale: Scale) -> list[Cell]:
    """Return the grid of the minimax lower bound: learner, number of arms, horizon."""
    horizons = (1000, 5000) if scale == "quick" else (1000, 10_000, 100_000)
    arms = (2, 5) if scale == "quick" else (2, 5, 20)
    rows = [
        {"learner": learner, "k": k, "n": n}
        for learner in ("ucb-delta", "moss", "thompson")
        for k in arms
        for n in horizons
    ]
    return _cells(rows, scale, lambda _: 60)


def run_lower(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Run one learner on the two bandits of the minimax lower bound.

    The first has means (gap, 0, ..., 0), gap = sqrt((k-1)/(4n)); a pilot of 60 runs says which other arm is pulled
    least there, and the second bandit has that arm raised to 2 gap.

    Returns
    -------
    mapping
        ``half_sum`` (runs,): half the sum of the regrets of a run on the first and a run on the second bandit, whose
        mean is at most the larger of the two expected regrets. ``told`` (runs,): the same for a policy that is told
        the bandit and pulls its best arm.
    """
    learner, _ = LEARNERS[cell["learner"]]
    k, n = cell["k"], cell["n"]
    family = minimax_bandits(k, float(np.sqrt((k - 1) / (4.0 * n))))
    pilot = learner(family[0], horizon=n, runs=60, record=[n], rng=rng)
    least = 1 + int(np.argmin(pilot.pulls[:, 1:].mean(axis=0)))
    pair = (family[0], family[least])
    runs = [learner(bandit, horizon=n, runs=cell["runs"], record=[n], rng=rng) for bandit in pair]
    told = [n * (bandit.means.max() - bandit.means[int(np.argmax(bandit.means))]) for bandit in pair]
    return {
        "half_sum": 0.5 * (runs[0].regret[:, -1] + runs[1].regret[:, -1]),
        "told": np.full(cell["runs"], 0.5 * sum(told)),
        "least": np.array([least]),
    }
