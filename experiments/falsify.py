"""Searching for the instance that comes closest to breaking a claim.

Random cells of the claim's grid with fresh seeds first, then a local search over
the numeric parameters of the tightest cell found, within the ranges of the grid.
A refutation is shrunk: integers move towards the smallest value of the grid while
the claim is still refuted.

A search looks at many instances, so a small p-value among them means little. A
refutation that rests on one counts only if the same cell is refuted again under a
seed that the search has not seen, the k-th such test at level 0.05/(k(k+1)): over
a whole search of a true claim the chance of a false counterexample is at most 5 %.
"""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bounds.claims import Claim, Evidence, Kind, Record, Status, Verdict
from tabular import streams
from tabular.errors import ParameterError

from . import discovery
from .engine.record import canonical, normal_cell
from .study import Study

__all__ = ["Attempt", "Search", "evaluate", "falsify", "reproduce"]

LEVEL = 0.05
_SEARCHED = (Kind.INEQUALITY, Kind.HIGH_PROBABILITY, Kind.IDENTITY, Kind.LOWER_BOUND)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One instance held against a claim.

    Attributes
    ----------
    study : str
    cell : mapping
    seed : int
        Root seed of the run; with study and cell it reproduces the instance.
    verdict : Verdict
        Of the claim's judge on this run alone.
    """

    study: str
    cell: Mapping[str, Any]
    seed: int
    verdict: Verdict

    @property
    def label(self) -> str:
        """The instance in one line."""
        return Record(self.study, self.cell, {}, self.seed).label

    @property
    def score(self) -> tuple[bool, float, float]:
        """Larger is closer to breaking the claim: refuted, measured/bound, statistic beyond its threshold."""
        tightness = self.verdict.tightness
        return (
            self.refuted,
            -math.inf if tightness is None else tightness,
            self.verdict.statistic - self.verdict.threshold,
        )

    @property
    def refuted(self) -> bool:
        """Whether the judge refuted the claim on this instance."""
        return self.verdict.status is Status.REFUTED


@dataclass(frozen=True, slots=True)
class Search:
    """Outcome of a search.

    Attributes
    ----------
    claim : str
    best : Attempt
        The tightest instance found; after a refutation, the smallest one found that still refutes.
    refuted : bool
        Whether it is a counterexample (see above on probabilities).
    attempts : int
        Instances on which the claim's assumptions held.
    skipped : int
        Instances on which they did not, or which do not allow a judgement alone.
    seconds : float
    """

    claim: str
    best: Attempt
    refuted: bool
    attempts: int
    skipped: int
    seconds: float


def evaluate(claim: Claim, study: Study, cell: Mapping[str, Any], seed: int) -> Attempt | None:
    """Run one cell under ``seed`` and judge the claim on it alone.

    Returns
    -------
    Attempt or None
        None where an assumption fails, or where the claim needs more than one record or another range.
    """
    cell = normal_cell(cell)
    try:
        arrays = study.run(dict(cell), streams.stream(seed, study.id, canonical(cell)))
        record = Record(study.id, cell, {name: np.asarray(value) for name, value in arrays.items()}, seed)
        if not all(assumption.holds(record) for assumption in claim.assumptions):
            return None
        verdict = claim.judge.judge(claim.measure(Evidence((record,))))
    except (ArithmeticError, LookupError, RuntimeError, ValueError):
        return None
    return None if verdict.status is Status.SKIPPED else Attempt(study.id, cell, seed, verdict)


def reproduce(claim: Claim, study: str, cell: Mapping[str, Any], seed: int) -> Attempt | None:
    """Return the attempt that a search reported, run again."""
    return evaluate(claim, discovery.study(study), cell, seed)


@dataclass(frozen=True, slots=True)
class _Ranges:
    """Smallest and largest value of each numeric parameter of a grid."""

    low: Mapping[str, float]
    high: Mapping[str, float]

    @classmethod
    def of(cls, cells: list[dict[str, Any]]) -> "_Ranges":
        values: dict[str, list[float]] = {}
        for cell in cells:
            for name, value in cell.items():
                if isinstance(value, int | float) and not isinstance(value, bool):
                    values.setdefault(name, []).append(value)
        return cls({n: min(v) for n, v in values.items()}, {n: max(v) for n, v in values.items()})

    def free(self, cell: Mapping[str, Any]) -> list[str]:
        """Names of the parameters of a cell that the grid varies."""
        return [name for name in cell if name in self.low and self.low[name] < self.high[name]]


def _neighbour(cell: dict[str, Any], ranges: _Ranges, rng: np.random.Generator) -> dict[str, Any]:
    """Return the cell with one to all of its free parameters moved, within the ranges of the grid."""
    free = ranges.free(cell)
    moved = dict(cell)
    for name in rng.permutation(np.array(free, dtype=object))[: 1 + int(rng.integers(len(free)))] if free else ():
        low, high, value = ranges.low[name], ranges.high[name], cell[name]
        step = float(rng.normal()) * (high - low) * 10.0 ** -float(rng.uniform(0.0, 3.0))
        new = min(max(value + step, low), high)
        moved[name] = round(new) if isinstance(value, int) else new
    return moved


def _smaller(cell: dict[str, Any], ranges: _Ranges) -> Iterator[dict[str, Any]]:
    """Yield cells with one integer nearer to the smallest of its grid: all the way, half way, one step."""
    for name in ranges.free(cell):
        value, low = cell[name], int(ranges.low[name])
        if isinstance(value, int) and value > low:
            for new in dict.fromkeys((low, (low + value) // 2, value - 1)):
                yield {**cell, name: new}


class _Searcher:
    """The state of one search."""

    def __init__(self, claim: Claim, studies: list[Study], scale: str, budget: float, seed: int) -> None:
        self.claim = claim
        self.studies = studies
        self.cells = {study.id: [normal_cell(cell) for cell in study.cells(scale)] for study in studies}
        self.ranges = {id: _Ranges.of(cells) for id, cells in self.cells.items()}
        self.rng = streams.stream(seed, "falsify", claim.id)
        self.start = time.monotonic()
        self.budget = budget
        self.attempts = 0
        self.skipped = 0
        self.best: Attempt | None = None
        self.tests = 0

    @property
    def spent(self) -> float:
        return time.monotonic() - self.start

    def look(self, study: Study, cell: dict[str, Any], seed: int) -> Attempt | None:
        """Evaluate one instance and remember the best."""
        attempt = evaluate(self.claim, study, cell, seed)
        if attempt is None:
            self.skipped += 1
            return None
        self.attempts += 1
        if self.best is None or attempt.score > self.best.score:
            self.best = attempt
        return attempt

    def confirmed(self, attempt: Attempt) -> bool:
        """Whether an attempt refutes the claim, by a fresh seed where its judge speaks of probabilities."""
        if not attempt.refuted or attempt.verdict.p_value is None:
            return attempt.refuted
        self.tests += 1
        study = next(one for one in self.studies if one.id == attempt.study)
        again = evaluate(self.claim, study, attempt.cell, int(self.rng.integers(2**31)))
        if again is None or again.verdict.p_value is None:
            return False
        return again.verdict.p_value <= LEVEL / (self.tests * (self.tests + 1))

    def restart(self) -> Attempt | None:
        """Try a random cell with a fresh seed, then climb from it while that helps; return a counterexample, if one."""
        study = self.studies[int(self.rng.integers(len(self.studies)))]
        cells = self.cells[study.id]
        cell = cells[int(self.rng.integers(len(cells)))]
        here = self.look(study, cell, int(self.rng.integers(2**31)))
        misses = 0
        while here is not None and misses < 12 and self.spent < self.budget:
            if misses == 0 and self.confirmed(here):
                return here
            fresh = self.rng.random() < 0.3
            seed = int(self.rng.integers(2**31)) if fresh else here.seed
            there = self.look(study, _neighbour(dict(here.cell), self.ranges[study.id], self.rng), seed)
            if there is not None and there.score > here.score:
                here, misses = there, 0
            else:
                misses += 1
        return here if here is not None and misses == 0 and self.confirmed(here) else None

    def shrink(self, found: Attempt) -> Attempt:
        """Return the smallest instance reached from a refutation by steps that all refute."""
        study = next(one for one in self.studies if one.id == found.study)
        again = True
        while again:
            again = False
            for cell in _smaller(dict(found.cell), self.ranges[study.id]):
                there = self.look(study, cell, found.seed)
                if there is not None and self.confirmed(there):
                    found, again = there, True
                    break
        return found


def falsify(
    claim: Claim, *, budget: float = 60.0, seed: int = 0, scale: str = "quick", studies: tuple[Study, ...] | None = None
) -> Search:
    """Search, within a time budget, for the instance that comes closest to breaking a claim.

    Parameters
    ----------
    claim : Claim
        Of kind identity, inequality, high-probability or lower-bound, judged on single records.
    budget : float
        Seconds, > 0. At least one restart is made; shrinking a counterexample comes on top.
    seed : int
        Of the search. The instances tried are the same for the same seed; how many are tried depends on the machine.
    scale : {"quick", "paper"}
        Whose grids give the starting points and the ranges.
    studies : tuple of Study, optional
        Instead of the claim's own.

    Returns
    -------
    Search

    Raises
    ------
    ParameterError
        If the kind cannot be searched, the budget is not positive, or no instance tried allows a judgement.
    """
    if claim.kind not in _SEARCHED:
        kinds = ", ".join(kind.value for kind in _SEARCHED)
        raise ParameterError(f"{claim.id} is of kind {claim.kind}; a search needs a claim on instances: {kinds}")
    if not (budget > 0.0 and math.isfinite(budget)):
        raise ParameterError(f"budget is {budget}; it must be a positive number of seconds")
    chosen = [discovery.study(id) for id in claim.studies] if studies is None else list(studies)
    searcher = _Searcher(claim, chosen, scale, budget, seed)
    broken = searcher.restart()
    while broken is None and searcher.spent < budget:
        broken = searcher.restart()
    best = searcher.best
    if best is None:
        raise ParameterError(
            f"none of {searcher.skipped} instances of {claim.id} allows a judgement on its own; "
            "it compares several runs, or its assumptions fail on all"
        )
    if broken is not None:
        best = searcher.shrink(broken)
    return Search(claim.id, best, broken is not None, searcher.attempts, searcher.skipped, searcher.spent)
