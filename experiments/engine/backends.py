"""Where runs happen: here, in threads, in worker processes, or on a dask cluster.

A backend takes tasks and hands back outcomes in any order. It neither orders
nor stores anything, so the evidence cannot depend on it.
"""

import concurrent.futures
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, Protocol

from tabular.errors import MissingExtra, ParameterError

from .work import Done, Failed, Task, run_task, single_threaded

__all__ = ["BACKENDS", "Backend", "open_backend"]

Outcome = Done | Failed
_PATIENCE = "20s"
BACKENDS = ("processes", "threads", "serial", "dask")


class Backend(Protocol):
    """What the runner needs of a backend."""

    #: How many tasks it is worth handing over at a time.
    window: int

    def submit(self, task: Task) -> None:
        """Take a task."""

    def finished(self) -> list[tuple[Task, Outcome]]:
        """Wait for at least one outcome among the tasks taken, and return those there are."""

    def close(self, *, abandon: bool) -> None:
        """Stop; with ``abandon``, without waiting for what still runs."""


class _Serial:
    window = 1

    def __init__(self) -> None:
        self._tasks: list[Task] = []

    def submit(self, task: Task) -> None:
        self._tasks.append(task)

    def finished(self) -> list[tuple[Task, Outcome]]:
        task = self._tasks.pop(0)
        return [(task, run_task(task))]

    def close(self, *, abandon: bool) -> None:
        pass


class _Threads:
    def __init__(self, workers: int) -> None:
        self.window = 2 * workers
        self._pool = concurrent.futures.ThreadPoolExecutor(workers)
        self._tasks: dict[concurrent.futures.Future[Outcome], Task] = {}

    def submit(self, task: Task) -> None:
        self._tasks[self._pool.submit(run_task, task)] = task

    def finished(self) -> list[tuple[Task, Outcome]]:
        done, _ = concurrent.futures.wait(self._tasks, return_when=concurrent.futures.FIRST_COMPLETED)
        return [(self._tasks.pop(future), future.result()) for future in done]

    def close(self, *, abandon: bool) -> None:
        self._pool.shutdown(wait=not abandon, cancel_futures=True)


def _on_leash(leash: Connection) -> None:
    """Set up a worker process: quiet on Ctrl-C, one thread in BLAS, dead as soon as its parent lets go."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    single_threaded()

    def watch() -> None:
        try:
            leash.recv()
        except (EOFError, OSError):
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class _Pool:
    """An executor whose workers live no longer than this process, however it ends.

    The workers wait on a pipe that only the parent can close; the system closes it for a parent that is killed.
    """

    def __init__(self, workers: int) -> None:
        methods = multiprocessing.get_all_start_methods()
        context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
        self._leash, self._hold = context.Pipe(duplex=False)
        self.executor = concurrent.futures.ProcessPoolExecutor(workers, context, _on_leash, (self._leash,))

    def close(self, *, abandon: bool) -> None:
        if abandon:
            self._hold.close()
        self.executor.shutdown(wait=True, cancel_futures=True)
        self._hold.close()
        self._leash.close()


class _Processes:
    def __init__(self, workers: int) -> None:
        self.window = 2 * workers
        self._workers = workers
        self._pool = _Pool(workers)
        self._tasks: dict[concurrent.futures.Future[Outcome], Task] = {}

    def submit(self, task: Task) -> None:
        try:
            future = self._pool.executor.submit(run_task, task)
        except BrokenProcessPool as problem:
            future = concurrent.futures.Future()
            future.set_exception(problem)
        self._tasks[future] = task

    def finished(self) -> list[tuple[Task, Outcome]]:
        done, _ = concurrent.futures.wait(self._tasks, return_when=concurrent.futures.FIRST_COMPLETED)
        outcomes: list[tuple[Task, Outcome]] = []
        suspects: list[Task] = []
        for future in done:
            task = self._tasks.pop(future)
            try:
                outcomes.append((task, future.result()))
            except BrokenProcessPool:
                suspects.append(task)
            except Exception as problem:  # noqa: BLE001 - an outcome that cannot travel is reported with its cell
                outcomes.append((task, Failed(f"{type(problem).__name__}: {problem}")))
        if suspects:
            for future, task in self._tasks.items():
                if future.exception() is None:
                    outcomes.append((task, future.result()))
                else:
                    suspects.append(task)
            self._tasks.clear()
            outcomes.extend(self._alone(suspects))
        return outcomes

    def _alone(self, suspects: list[Task]) -> Iterator[tuple[Task, Outcome]]:
        """Run each task that was under way when a worker died in a process of its own: the culprit dies again."""
        self._pool.close(abandon=True)
        pool = _Pool(1)
        for task in suspects:
            try:
                yield task, pool.executor.submit(run_task, task).result()
            except BrokenProcessPool:
                yield task, Failed("the worker process died: a crash in compiled code, or killed for want of memory")
                pool.close(abandon=True)
                pool = _Pool(1)
            except BaseException:
                pool.close(abandon=True)
                raise
        pool.close(abandon=True)
        self._pool = _Pool(self._workers)

    def close(self, *, abandon: bool) -> None:
        self._pool.close(abandon=abandon)


class _Dask:
    def __init__(self, workers: int, scheduler: str | None) -> None:
        try:
            import distributed
        except ImportError:
            raise MissingExtra("dask.distributed", "dist", "the dask backend") from None
        self._cluster: Any = None
        if scheduler is None:
            self._cluster = distributed.LocalCluster(
                n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None
            )
        try:
            self._client: Any = distributed.Client(self._cluster or scheduler, timeout=_PATIENCE)
        except (OSError, TimeoutError, ValueError) as problem:
            raise ParameterError(f"no dask scheduler answers at {scheduler}: {problem}") from problem
        self._client.run(single_threaded)
        self.window = 2 * max(1, len(self._client.scheduler_info(n_workers=-1)["workers"]))
        self._wait: Callable[..., Any] = distributed.wait
        self._tasks: dict[Any, Task] = {}

    def submit(self, task: Task) -> None:
        self._tasks[self._client.submit(run_task, task, pure=False)] = task

    def finished(self) -> list[tuple[Task, Outcome]]:
        outcomes: list[tuple[Task, Outcome]] = []
        for future in self._wait(list(self._tasks), return_when="FIRST_COMPLETED").done:
            task = self._tasks.pop(future)
            if future.status == "finished":
                outcomes.append((task, future.result()))
            else:
                outcomes.append((task, Failed(f"dask: {future.exception()}")))
        return outcomes

    def close(self, *, abandon: bool) -> None:
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()


def _cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def open_backend(name: str, *, workers: int | None, scheduler: str | None) -> Iterator[Backend]:
    """Yield a backend; closed afterwards, at once if an exception (Ctrl-C included) ends the block.

    Parameters
    ----------
    name : {"processes", "threads", "serial", "dask"}
    workers : int or None
        Number of threads or processes, >= 1; all CPUs of this process if None. A scheduler has its own workers.
    scheduler : str or None
        Address of a dask scheduler; None starts ``workers`` processes here.

    Raises
    ------
    ParameterError
        For an unknown name, workers < 1, or a scheduler without dask or that does not answer.
    MissingExtra
        If dask is not installed.
    """
    if name not in BACKENDS:
        raise ParameterError(f"backend is {name!r}; choose one of {', '.join(BACKENDS)}")
    if workers is not None and workers < 1:
        raise ParameterError(f"workers is {workers}; at least 1 is needed")
    if scheduler is not None and name != "dask":
        raise ParameterError(f"a scheduler goes with the dask backend, not with {name}")
    count = workers or _cpus()
    backend: Backend
    if name == "serial":
        backend = _Serial()
    elif name == "threads":
        backend = _Threads(count)
    elif name == "processes":
        backend = _Processes(count)
    else:
        backend = _Dask(count, scheduler)
    try:
        yield backend
    except BaseException:
        backend.close(abandon=True)
        raise
    else:
        backend.close(abandon=False)
