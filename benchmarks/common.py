"""What the benchmarks share: timing, thread limits, the measured memory bandwidth, tables."""

import contextlib
import importlib
import os
import statistics
import time

import numpy as np


def single_core(threads):
    """Pin the process to one core when one thread is asked for; call before numerical work starts."""
    if threads == 1 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


@contextlib.contextmanager
def limited(threads):
    """Limit BLAS and OpenMP to ``threads`` threads inside the block."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=threads):
        yield


def seconds(function, repeats=5):
    """Median wall time of ``function()`` after one warm-up call, and its last result."""
    result = function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - start)
    return statistics.median(times), result


def bandwidth(table):
    """Bytes a second at which ``table`` can be read: the better of a sum and a matrix-vector product."""
    flat = table.reshape(-1, table.shape[-1])
    vector = np.ones(flat.shape[1])
    best = min(seconds(table.sum)[0], seconds(lambda: flat @ vector)[0])
    return table.nbytes / best


def optional(name):
    """Import a peer, or None when it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def table(title, columns, rows):
    """Print rows of strings as a table."""
    from rich.console import Console
    from rich.table import Table

    out = Table(title=title)
    for i, column in enumerate(columns):
        out.add_column(column, justify="left" if i == 0 else "right")
    for row in rows:
        out.add_row(*row)
    Console(width=140).print(out)
