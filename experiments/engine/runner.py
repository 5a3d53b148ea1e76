"""The runner: what is missing, in which order, and into the store."""

import time
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from bounds.claims import Evidence, Record
from experiments.errors import CellError
from experiments.study import Study
from tabular.errors import ParameterError, StoreError

from .backends import Backend, open_backend
from .progress import Progress, State
from .record import environment
from .store import Row, Store
from .work import Done, Failed, Task, plan

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SCALES", "Estimate", "Summary", "estimate", "evidence", "gather", "plan"]

SCALES = ("quick", "paper")
_POLL = 0.2


@dataclass(frozen=True, slots=True)
class Summary:
    """What a sweep did.

    Attributes
    ----------
    total : int
        Runs of the studies at this scale.
    kept : int
        Already in the store, or finished meanwhile by another process.
    computed : int
        Finished now.
    outdated : int
        Runs of these studies in the store that belong to other sources, versions, seeds or scales; never served.
    seconds : float
        Wall-clock time.
    """

    total: int
    kept: int
    computed: int
    outdated: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a sweep would do: runs missing, how many of them have never been timed, expected seconds of the others."""

    total: int
    missing: int
    untimed: int
    seconds: float


class _Clock:
    """Expected seconds of runs, and from the pace so far the time left."""

    def __init__(self, tasks: Sequence[Task], store: Store) -> None:
        stored = {study: store.seconds(study) for study in {task.study for task in tasks}}
        self._known = {task.key: stored[task.study].get(task.text) for task in tasks}
        self._of_study: dict[str, list[float]] = {study: list(known.values()) for study, known in stored.items()}
        self._start = time.monotonic()
        self._left = {task.key: task for task in tasks}
        self._worked = 0.0

    def expected(self, task: Task) -> float | None:
        """Seconds the task took before, else the mean of its study, else None."""
        known = self._known[task.key]
        similar = self._of_study[task.study]
        return known if known is not None else (sum(similar) / len(similar) if similar else None)

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._start

    def finish(self, task: Task, seconds: float | None) -> None:
        """Note that a task is over; ``seconds`` is None where this process did not run it."""
        del self._left[task.key]
        if seconds is not None:
            before = self.expected(task)
            self._worked += seconds if before is None else before
            self._of_study[task.study].append(seconds)

    def left(self) -> float | None:
        """Return the expected work left over the pace so far."""
        if self._worked <= 0.0:
            return None
        timed = [self.expected(task) for task in self._left.values()]
        known = [seconds for seconds in timed if seconds is not None]
        measured = [seconds for study in self._of_study.values() for seconds in study]
        typical = sum(measured) / len(measured)
        return (sum(known) + typical * (len(timed) - len(known))) * self.elapsed / self._worked


def _check_scale(scale: str) -> None:
    if scale not in SCALES:
        raise ParameterError(f"scale is {scale!r}; choose one of {', '.join(SCALES)}")


def _unique(studies: Iterable[Study]) -> list[Study]:
    return list({study.id: study for study in studies}.values())


def estimate(studies: Iterable[Study], *, scale: str, store: Store) -> Estimate:
    """Return what `gather` would have to do; runs nothing."""
    _check_scale(scale)
    tasks = [task for study in _unique(studies) for task in plan(study, scale)]
    missing = [task for task in tasks if not store.has(task.key)]
    clock = _Clock(missing, store)
    timed = [clock.expected(task) for task in missing]
    known = [seconds for seconds in timed if seconds is not None]
    return Estimate(len(tasks), len(missing), len(timed) - len(known), sum(known))


def _row(task: Task, done: Done) -> Row:
    """Return what is stored; refuse the outcome of a worker that ran other code than the key says."""
    if done.source != task.source:
        raise StoreError(f"a worker ran other sources than this process planned for {task.study}; start again")
    if done.environment != environment():
        raise StoreError(f"a worker has versions {done.environment}, this process {environment()}; install the same")
    return Row(task.key, task.study, task.text, task.seed, task.source, done.environment, done.seconds, done.arrays)


@contextmanager
def _one_thread_here(backend: str) -> "Iterator[None]":
    """Hold BLAS at one thread while runs happen in this process, as in the workers of the other backends."""
    if backend not in ("serial", "threads"):
        yield
        return
    import scipy.linalg  # noqa: F401 - its BLAS must be loaded before it can be limited
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield


def gather(
    studies: Iterable[Study],
    *,
    scale: str,
    store: Store,
    backend: str = "processes",
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Run what the store lacks of the studies' grids; each finished run is stored at once.

    Parameters
    ----------
    studies : iterable of Study
    scale : {"quick", "paper"}
    store : Store
    backend : {"processes", "threads", "serial", "dask"}
        Where runs happen; the evidence is the same, bit for bit.
    workers : int or None
        Number of threads or processes; all CPUs if None.
    scheduler : str or None
        Address of a dask scheduler.
    progress : callable or None
        Receives a `State` when the sweep begins and after each run.

    Returns
    -------
    Summary

    Raises
    ------
    CellError
        If runs failed, after all others were finished.
    ParameterError, MissingExtra
        If the grid, the scale or the backend is not possible.
    StoreError
        If the store cannot be written; finished runs are kept.
    """
    _check_scale(scale)
    chosen = _unique(studies)
    tasks = [task for study in chosen for task in plan(study, scale)]
    missing = [task for task in tasks if not store.has(task.key)]
    clock = _Clock(missing, store)
    kept = len(tasks) - len(missing)
    computed = 0
    if missing:
        missing.sort(key=lambda task: -(clock.expected(task) or float("inf")))
        with _one_thread_here(backend), open_backend(backend, workers=workers, scheduler=scheduler) as pool:
            computed = _Sweep(missing, kept, store, clock, progress).drain(pool)
    stored = sum(store.count(study.id) for study in chosen)
    return Summary(len(tasks), len(tasks) - computed, computed, stored - len(tasks), clock.elapsed)


class _Sweep:
    """The state of one call of `gather`."""

    def __init__(self, tasks: list[Task], kept: int, store: Store, clock: _Clock, progress: Progress | None) -> None:
        self.waiting = tasks
        self.total = len(tasks)
        self.kept = kept
        self.store = store
        self.clock = clock
        self.progress = progress
        self.computed = 0
        self.elsewhere = 0
        self.failures: list[tuple[str, str, str]] = []

    def show(self, label: str = "") -> None:
        if self.progress is not None:
            done = self.computed + self.elsewhere
            left = self.clock.left()
            state = State(self.total, done, len(self.failures), self.kept, self.clock.elapsed, left, label)
            self.progress(state)

    def drain(self, pool: Backend) -> int:
        """Hand tasks to the pool and outcomes to the store until nothing is left; return the number computed."""
        running = 0
        self.show()
        try:
            while self.waiting or running:
                while self.waiting and running < pool.window:
                    task = self._next()
                    if task is None:
                        break
                    pool.submit(task)
                    running += 1
                if running:
                    for task, outcome in pool.finished():
                        running -= 1
                        self._take(task, outcome)
                elif self.waiting:
                    time.sleep(_POLL)
        finally:
            self.store.release()
        if self.failures:
            raise CellError(self.failures)
        return self.computed

    def _next(self) -> Task | None:
        """First task that nobody else is at; those that another process finished meanwhile are struck off."""
        for task in list(self.waiting):
            if self.store.claim(task.key):
                self.waiting.remove(task)
                return task
            if self.store.has(task.key):
                self.waiting.remove(task)
                self.elsewhere += 1
                self.clock.finish(task, None)
                self.show(task.label)
        return None

    def _take(self, task: Task, outcome: Done | Failed) -> None:
        if isinstance(outcome, Done):
            written = self.store.put(_row(task, outcome))
            self.computed += written
            self.elsewhere += not written
            self.clock.finish(task, outcome.seconds)
        else:
            self.failures.append((task.label, outcome.message, outcome.details))
            self.clock.finish(task, None)
        self.show(task.label)


def evidence(store: Store, studies: Iterable[Study], scale: str) -> Evidence:
    """Return the stored records of studies, in the order of their grids.

    Raises
    ------
    StoreError
        If a run is missing, outdated or damaged; evidence is complete or it is not given.
    """
    _check_scale(scale)
    records: list[Record] = []
    for study in _unique(studies):
        tasks = plan(study, scale)
        absent = 0
        for task in tasks:
            arrays = store.get(task.key)
            if arrays is None:
                absent += 1
            else:
                records.append(Record(study.id, MappingProxyType(task.cell), MappingProxyType(arrays), task.seed))
        if absent:
            raise StoreError(
                f"{store.path} lacks {absent} of the {len(tasks)} runs of {study.id} at scale {scale}; "
                f"gather them with: rl-theorems run {study.id.partition('/')[0]} --scale {scale}"
            )
    return Evidence(tuple(records))
