"""A look at the machine and the installation, and a few answers that are known."""

import math
import os
import platform
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["CHECKS", "examine", "facts"]

_PACKAGES = (
    "rl-theorems",
    "numpy",
    "scipy",
    "numba",
    "llvmlite",
    "cvxpy",
    "highspy",
    "sympy",
    "matplotlib",
    "python-flint",
    "gymnasium",
    "distributed",
)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def facts(store: Path | None = None) -> Iterator[tuple[str, str]]:
    """Yield what determines results and speed on this machine, as names and values."""
    import llvmlite.binding
    import scipy.linalg  # noqa: F401 - loads its BLAS, so that it is listed
    from threadpoolctl import threadpool_info

    from tabular._jit import cache_directory

    from .engine import Store, default_store

    yield "python", f"{platform.python_version()} ({sys.executable})"
    for package in _PACKAGES:
        yield package, _version(package)
    yield "sqlite", sqlite3.sqlite_version
    yield "system", f"{platform.system()} {platform.release()} {platform.machine()}"
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield "cpu", f"{llvmlite.binding.get_host_cpu_name()}, {cpus} for this process"
    for pool in threadpool_info():
        yield "threads", f"{pool['internal_api']} {pool.get('version') or ''} {pool['num_threads']}"
    cache = cache_directory()
    yield "compiled kernels", f"{cache} ({'writable' if _writable(cache) else 'NOT WRITABLE: compiled at every start'})"
    place = Path(store or default_store())
    file = place if place.suffix == ".sqlite" else place / "store.sqlite"
    if file.exists():
        with Store(place) as opened:
            yield "store", f"{opened.path} ({opened.count()} runs)"
    else:
        yield "store", f"{file} (none yet)"


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _loop(gamma: float) -> Any:
    from tabular.models import DiscountedMDP

    return DiscountedMDP(np.ones((1, 1, 1)), np.ones((1, 1)), gamma, np.ones(1))


def _value_iteration() -> bool:
    from tabular.planning import value_iteration

    return math.isclose(value_iteration(_loop(0.5)).value, 2.0, rel_tol=1e-9)


def _policy_iteration() -> bool:
    from tabular.planning import policy_iteration

    return math.isclose(policy_iteration(_loop(0.9)).value, 10.0, rel_tol=1e-9)


def _linear_program() -> bool:
    from tabular.planning import linear_program

    return math.isclose(linear_program(_loop(0.75)).value, 4.0, rel_tol=1e-7)


def _exact() -> bool:
    from tabular.planning import exact

    return exact.solve(_loop(0.875)).value == 8


def _backward_induction() -> bool:
    from tabular.models import EpisodicMDP
    from tabular.planning import backward_induction

    mdp = EpisodicMDP(np.ones((1, 1, 1)), np.ones((1, 1)), np.ones(1), H=3)
    return backward_induction(mdp).value == 3.0


def _average_reward() -> bool:
    from tabular.models import AverageRewardMDP
    from tabular.planning import average_reward

    swap = np.array([[[0.0, 1.0]], [[1.0, 0.0]]])
    mdp = AverageRewardMDP(swap, np.array([[1.0], [0.0]]), np.array([1.0, 0.0]))
    return bool(np.allclose(average_reward(mdp).gain, 0.5, atol=1e-9))


def _clopper_pearson() -> bool:
    from bounds.statistics import clopper_pearson_upper

    return math.isclose(float(clopper_pearson_upper(0, 59)), 1.0 - 0.05 ** (1 / 59), rel_tol=1e-9)


def _streams() -> bool:
    from tabular.streams import stream

    return bool(stream(1, "a", 2).random() == stream(1, "a", 2).random() != stream(1, "a", 3).random())


def _compiled_stream() -> bool:
    from tabular._jit import kernel
    from tabular.streams import stream

    compiled = kernel(_draws)
    return bool(compiled(stream(0), 100) == _draws(stream(0), 100))


def _draws(rng: np.random.Generator, n: int) -> float:
    total = 0.0
    for _ in range(n):
        total += rng.random() * rng.normal()
    return total


#: What must come out right on any machine: a name and a check.
CHECKS: tuple[tuple[str, Callable[[], bool]], ...] = (
    ("value iteration: 1/(1-gamma)", _value_iteration),
    ("policy iteration: 1/(1-gamma)", _policy_iteration),
    ("linear program: 1/(1-gamma)", _linear_program),
    ("exact arithmetic: 1/(1-gamma)", _exact),
    ("backward induction: three steps of reward 1", _backward_induction),
    ("average reward: half of the time", _average_reward),
    ("Clopper-Pearson: closed form at no violation", _clopper_pearson),
    ("streams: same address, same numbers", _streams),
    ("compiled and plain code draw the same numbers", _compiled_stream),
)


def examine(store: Path | None = None) -> bool:
    """Print facts and checks; return whether every check passed."""
    for name, value in facts(store):
        print(f"{name:18} {value}")
    healthy = True
    for name, check in CHECKS:
        try:
            passed, why = check(), ""
        except Exception as problem:  # noqa: BLE001 - an installation can be broken in any way
            passed, why = False, f" ({type(problem).__name__}: {problem})"
        healthy &= passed
        print(f"{'ok' if passed else 'WRONG':5} {name}{why}")
    return healthy
