"""The one decorator for compiled kernels.

Numba's on-disk cache looks only at the file of the function it compiled: after
an edit of a kernel in another file, the caller would go on running the old
machine code. Kernels are therefore cached in a directory named by the digest of
all sources they depend on (`tabular._source`).
"""

import functools
import inspect
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numba
import platformdirs

from ._source import digest

__all__ = ["cache_directory", "kernel"]

F = TypeVar("F", bound=Callable[..., object])
_lock = threading.Lock()


def cache_directory() -> Path:
    """Directory of compiled kernels: ``$RL_THEOREMS_CACHE``, or the user's cache directory."""
    chosen = os.environ.get("RL_THEOREMS_CACHE")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("rl-theorems"))


@functools.cache
def _directory_for(module: str, file: str) -> str:
    return str(cache_directory() / "kernels" / digest(module, file)[:24])


def kernel(function: F) -> F:
    """Compile a pure function of arrays and scalars; cached on disk, releases the GIL.

    The function is compiled at its first call, never at import. Where the cache
    directory cannot be written, it is compiled anew in each process.
    """
    with _lock:
        previous = numba.config.CACHE_DIR
        numba.config.CACHE_DIR = _directory_for(function.__module__, inspect.getfile(function))
        try:
            compiled = numba.njit(cache=True, nogil=True)(function)
        except (RuntimeError, OSError):
            compiled = numba.njit(nogil=True)(function)
        finally:
            numba.config.CACHE_DIR = previous
    return compiled
