"""One run, wherever it happens: this process, a thread, a worker process, another machine."""

import functools
import importlib
import os
import time
import traceback
from dataclasses import dataclass
from typing import Any

from bounds.claims import Record
from experiments.study import Study
from tabular import _source, streams
from tabular.errors import ParameterError

from .record import canonical, encode, environment, normal_cell, run_key

__all__ = ["Done", "Failed", "Task", "plan", "run_task", "single_threaded", "source_of"]

_THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@dataclass(frozen=True, slots=True)
class Task:
    """A run to do: where its code is, its cell, and the key under which the result is filed."""

    key: bytes
    study: str
    module: str
    function: str
    cell: dict[str, Any]
    seed: int
    source: str

    @property
    def text(self) -> str:
        """Canonical text of the cell."""
        return canonical(self.cell)

    @property
    def label(self) -> str:
        """The run in one line, enough to do it again."""
        return Record(self.study, self.cell, {}, self.seed).label


@dataclass(frozen=True, slots=True)
class Done:
    """What a run measured, with the sources and versions that the worker really had."""

    arrays: bytes
    seconds: float
    source: str
    environment: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Why a run has no result."""

    message: str
    details: str = ""


@functools.cache
def source_of(module: str) -> str:
    """Digest of the sources of ``module``, taken once in a process: what it imported is what it goes on running."""
    return _source.digest(module, importlib.import_module(module).__file__)


def plan(study: Study, scale: str) -> list[Task]:
    """Return the runs of a study in the order of its grid.

    Raises
    ------
    ParameterError
        If ``run`` is not a module-level function, the grid is empty, a cell repeats, or its sources were edited after
        this process imported them.
    """
    module, function = study.run.__module__, study.run.__qualname__
    if "<" in function or module == "__main__":
        raise ParameterError(f"study {study.id}: run must be a function at the top level of an importable module")
    source = source_of(module)
    if _source.digest(module, importlib.import_module(module).__file__) != source:
        raise ParameterError(f"the sources of {study.id} changed while this process ran; start a new one")
    tasks: dict[bytes, Task] = {}
    for raw in study.cells(scale):
        cell = normal_cell(raw)
        key = run_key(study.id, canonical(cell), study.seed, source)
        task = Task(key, study.id, module, function, cell, study.seed, source)
        if key in tasks:
            raise ParameterError(f"study {study.id} has the cell {task.label} twice at scale {scale!r}")
        tasks[key] = task
    if not tasks:
        raise ParameterError(f"study {study.id} has no cells at scale {scale!r}")
    return list(tasks.values())


def single_threaded() -> None:
    """Give this process one thread in BLAS and OpenMP, whether they are loaded already or will be."""
    from threadpoolctl import threadpool_limits

    for name in _THREAD_LIMITS:
        os.environ[name] = "1"
    threadpool_limits(1)


def run_task(task: Task) -> Done | Failed:
    """Do one run; an exception of the study becomes a `Failed`."""
    try:
        run: Any = importlib.import_module(task.module)
        source = source_of(task.module)
        for name in task.function.split("."):
            run = getattr(run, name)
        rng = streams.stream(task.seed, task.study, task.text)
        start = time.perf_counter()
        arrays = run(dict(task.cell), rng)
        seconds = time.perf_counter() - start
        return Done(encode(arrays, task.label), seconds, source, environment())
    except Exception as problem:  # noqa: BLE001 - whatever a study raises is reported with its cell
        return Failed(f"{type(problem).__name__}: {problem}", traceback.format_exc())
