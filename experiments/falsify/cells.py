"""The search over cells of a claim's studies, for claims that have no probe.

Random cells of the grids with fresh seeds first (one cell of each study of the
claim, equal in the parameters that they share), then a local search over the
numeric parameters of the tightest found, within the ranges of the grids. Where no
cell alone can be judged, whole grids are run under fresh seeds. A refutation is
shrunk: integers move towards the smallest value of the grid while the claim is
still refuted.

A search looks at many instances, so a small p-value among them means little. A
refutation that rests on one counts only if the same cells are refuted again under
a seed that the search has not seen, the k-th such test at level 0.05/(k(k+1)): over
a whole search of a true claim the chance of a false counterexample is at most 5 %.
"""

import itertools
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bounds.claims import Claim, Evidence, Record, Status, Verdict
from experiments import discovery
from experiments.engine.record import canonical, normal_cell
from experiments.study import Study
from tabular import streams

__all__ = ["Attempt", "CellSearch", "Run", "evaluate", "judge_runs", "reproduce"]

LEVEL = 0.05
#: Trials of single cells after which whole grids are run, if none could be judged; and the budget that takes, seconds.
_BARREN = 60
_GRID_BUDGET = 5.0

Run = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Attempt:
    """Some runs held against a claim.

    Attributes
    ----------
    runs : tuple
        Pairs of the id of a study and a cell.
    seed : int
        Root seed of the runs; with them it reproduces the instance.
    verdict : Verdict
        Of the claim's judge on these runs alone.
    """

    runs: tuple[Run, ...]
    seed: int
    verdict: Verdict

    @property
    def study(self) -> str:
        """Study of the first run."""
        return self.runs[0][0]

    @property
    def cell(self) -> Mapping[str, Any]:
        """Cell of the first run."""
        return self.runs[0][1]

    @property
    def label(self) -> str:
        """The instance in one line."""
        if len(self.runs) > 4:
            studies = ", ".join(dict.fromkeys(study for study, _ in self.runs))
            return f"the whole grids of {studies} ({len(self.runs)} cells; seed={self.seed})"
        return " with ".join(Record(study, cell, {}, self.seed).label for study, cell in self.runs)

    @property
    def ratio(self) -> float | None:
        """Largest measured/bound, as the judge reports it."""
        return self.verdict.tightness

    @property
    def score(self) -> tuple[bool, float, float]:
        """Larger is closer to breaking the claim: refuted, measured/bound, statistic beyond its threshold."""
        return (
            self.refuted,
            -math.inf if self.ratio is None else self.ratio,
            self.verdict.statistic - self.verdict.threshold,
        )

    @property
    def refuted(self) -> bool:
        """Whether the judge refuted the claim on this instance."""
        return self.verdict.status is Status.REFUTED


def _record(study: Study, cell: Mapping[str, Any], seed: int) -> Record:
    """Run one cell under a root seed."""
    arrays = study.run(dict(cell), streams.stream(seed, study.id, canonical(cell)))
    return Record(study.id, cell, {name: np.asarray(value) for name, value in arrays.items()}, seed)


def _judge(claim: Claim, records: tuple[Record, ...]) -> Verdict | None:
    if not all(assumption.holds(record) for assumption in claim.assumptions for record in records):
        return None
    verdict = claim.judge.judge(claim.measure(Evidence(records)))
    return None if verdict.status is Status.SKIPPED else verdict


def judge_runs(claim: Claim, runs: tuple[Run, ...], seed: int, studies: Mapping[str, Study]) -> Attempt | None:
    """Run some cells under ``seed`` and judge the claim on them alone.

    Returns
    -------
    Attempt or None
        None where an assumption fails, or where the claim needs other records or another range.
    """
    runs = tuple((id, normal_cell(cell)) for id, cell in runs)
    try:
        verdict = _judge(claim, tuple(_record(studies[id], cell, seed) for id, cell in runs))
    except (ArithmeticError, LookupError, RuntimeError, ValueError):
        return None
    return None if verdict is None else Attempt(runs, seed, verdict)


def evaluate(claim: Claim, study: Study, cell: Mapping[str, Any], seed: int) -> Attempt | None:
    """Run one cell under ``seed`` and judge the claim on it alone; None as in `judge_runs`."""
    return judge_runs(claim, ((study.id, cell),), seed, {study.id: study})


def reproduce(claim: Claim, study: str, cell: Mapping[str, Any], seed: int) -> Attempt | None:
    """Return the attempt that a search reported, run again."""
    return evaluate(claim, discovery.study(study), cell, seed)


@dataclass(frozen=True, slots=True)
class _Ranges:
    """Smallest and largest value of each numeric parameter of some grids."""

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

    def free(self, runs: tuple[Run, ...]) -> dict[str, Any]:
        """Return the parameters of some cells that the grids vary, with their values."""
        return {
            name: value
            for _, cell in runs
            for name, value in cell.items()
            if name in self.low and self.low[name] < self.high[name]
        }


def _with(runs: tuple[Run, ...], moved: Mapping[str, Any]) -> tuple[Run, ...]:
    """Return the runs with parameters changed, in every cell that has them."""
    return tuple((id, {name: moved.get(name, value) for name, value in cell.items()}) for id, cell in runs)


def _neighbour(runs: tuple[Run, ...], ranges: _Ranges, rng: np.random.Generator) -> tuple[Run, ...]:
    """Return the runs with one to all of their free parameters moved, within the ranges of the grids."""
    free = ranges.free(runs)
    names = rng.permutation(np.array(list(free), dtype=object))[: 1 + int(rng.integers(len(free)))] if free else ()
    moved = {}
    for name in names:
        low, high, value = ranges.low[name], ranges.high[name], free[name]
        step = float(rng.normal()) * (high - low) * 10.0 ** -float(rng.uniform(0.0, 3.0))
        new = min(max(value + step, low), high)
        moved[name] = round(new) if isinstance(value, int) else new
    return _with(runs, moved)


def _smaller(runs: tuple[Run, ...], ranges: _Ranges) -> Iterator[tuple[Run, ...]]:
    """Yield runs with one integer nearer to the smallest of its grid: all the way, half way, one step."""
    for name, value in ranges.free(runs).items():
        low = int(ranges.low[name])
        if isinstance(value, int) and value > low:
            for new in dict.fromkeys((low, (low + value) // 2, value - 1)):
                yield _with(runs, {name: new})


class CellSearch:
    """The state of one search.

    Parameters
    ----------
    claim : Claim
    studies : list of Study
    scale : str
        Whose grids give the starting points and the ranges.
    budget : float
        Seconds.
    seed : int
    """

    def __init__(self, claim: Claim, studies: list[Study], scale: str, budget: float, seed: int) -> None:
        self.claim = claim
        self.studies = {study.id: study for study in studies}
        self.cells = {study.id: [normal_cell(cell) for cell in study.cells(scale)] for study in studies}
        self.ranges = _Ranges.of([cell for cells in self.cells.values() for cell in cells])
        self.rng = streams.stream(seed, "falsify", claim.id)
        self.start = time.monotonic()
        self.budget = budget
        self.attempts = 0
        self.skipped = 0
        self.best: Attempt | None = None
        self.tests = 0
        self._barren: set[str] = set()

    @property
    def seconds(self) -> float:
        """Time since the search began."""
        return time.monotonic() - self.start

    def run(self) -> Attempt | None:
        """Search until a counterexample is found or the budget is spent; return the counterexample."""
        broken = self._restart()
        while broken is None and self.seconds < self.budget and not self._hopeless:
            broken = self._restart()
        if broken is None and self._hopeless and self.budget >= _GRID_BUDGET:
            broken = self._whole()
            while broken is None and self.seconds < self.budget:
                broken = self._whole()
        return broken

    @property
    def _hopeless(self) -> bool:
        """Whether no cell alone could be judged, after enough of them or a third of the time."""
        enough = min(_BARREN, 2 * sum(len(cells) for cells in self.cells.values()))
        return self.attempts == 0 and (self.skipped >= enough or self.seconds >= self.budget / 3)

    def look(self, runs: tuple[Run, ...], seed: int) -> Attempt | None:
        """Evaluate one instance and remember the best."""
        attempt = judge_runs(self.claim, runs, seed, self.studies)
        if attempt is None:
            self.skipped += 1
            self._barren.add(self._key(runs))
            return None
        self.attempts += 1
        if self.best is None or attempt.score > self.best.score:
            self.best = attempt
        return attempt

    @staticmethod
    def _key(runs: tuple[Run, ...]) -> str:
        return " ".join(id + canonical(cell) for id, cell in runs)

    def confirmed(self, attempt: Attempt) -> bool:
        """Whether an attempt refutes the claim, by a fresh seed where its judge speaks of probabilities."""
        if not attempt.refuted or attempt.verdict.p_value is None:
            return attempt.refuted
        self.tests += 1
        again = judge_runs(self.claim, attempt.runs, int(self.rng.integers(2**31)), self.studies)
        if again is None or again.verdict.p_value is None:
            return False
        return again.verdict.p_value <= LEVEL / (self.tests * (self.tests + 1))

    def _draw(self) -> tuple[Run, ...]:
        """Draw one cell of each study; of those that agree with the ones drawn before, if there are any."""
        drawn: list[Run] = []
        shared: dict[str, Any] = {}
        for id in self.rng.permutation(np.array(list(self.cells), dtype=object)):
            cells = self.cells[id]
            agreeing = [cell for cell in cells if all(shared.get(name, value) == value for name, value in cell.items())]
            cell = (agreeing or cells)[int(self.rng.integers(len(agreeing or cells)))]
            shared |= cell
            drawn.append((id, cell))
        order = list(self.cells)
        return tuple(sorted(drawn, key=lambda run: order.index(run[0])))

    def _restart(self) -> Attempt | None:
        """Try random cells with a fresh seed, then climb while that helps; return a counterexample, if one is met."""
        runs = next((r for r in (self._draw() for _ in range(20)) if self._key(r) not in self._barren), self._draw())
        here = self.look(runs, int(self.rng.integers(2**31)))
        misses = 0
        while here is not None and misses < 12 and self.seconds < self.budget:
            if misses == 0 and self.confirmed(here):
                return here
            fresh = self.rng.random() < 0.3
            seed = int(self.rng.integers(2**31)) if fresh else here.seed
            there = self.look(_neighbour(here.runs, self.ranges, self.rng), seed)
            if there is not None and there.score > here.score:
                here, misses = there, 0
            else:
                misses += 1
        return here if here is not None and misses == 0 and self.confirmed(here) else None

    def _whole(self) -> Attempt | None:
        """Run every cell of every study under a fresh seed, for claims that compare cells with each other."""
        runs = tuple(itertools.chain.from_iterable(((id, cell) for cell in cells) for id, cells in self.cells.items()))
        here = self.look(runs, int(self.rng.integers(2**31)))
        return here if here is not None and self.confirmed(here) else None

    def shrink(self, found: Attempt) -> Attempt:
        """Return the smallest instance reached from a refutation by steps that all refute."""
        again = len(found.runs) <= len(self.studies)
        while again:
            again = False
            for runs in _smaller(found.runs, self.ranges):
                there = self.look(runs, found.seed)
                if there is not None and self.confirmed(there):
                    found, again = there, True
                    break
        return found
