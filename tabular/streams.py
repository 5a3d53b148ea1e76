"""Addressable random streams.

A stream is named by a seed and a path, not by the order in which it was asked
for, so that run 17 draws the same numbers alone, in a pool, or resumed.
"""

import hashlib

import numpy as np

from .errors import ParameterError

__all__ = ["generator", "stream"]


def stream(seed: int, *path: object) -> np.random.Generator:
    """Return the generator that belongs to ``path`` under ``seed``.

    Parameters
    ----------
    seed : int
        Root seed, >= 0.
    *path : object
        Names that address the stream: strings, numbers or tuples of them, used through their ``repr``.

    Returns
    -------
    numpy.random.Generator
        PCG64 seeded by ``SeedSequence(seed, spawn_key=sha256(path))``.

    Examples
    --------
    >>> bool(stream(1, "run", 17).random() == stream(1, "run", 17).random())
    True
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ParameterError(f"seed is {seed!r}; it must be an integer >= 0")
    digest = hashlib.sha256("\x1f".join(_name(part) for part in path).encode()).digest()
    key = tuple(int.from_bytes(digest[i : i + 4], "little") for i in range(0, 32, 4))
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(int(seed), spawn_key=key)))


def _name(part: object) -> str:
    """Text of one part of a path; a NumPy scalar counts as the Python number it holds."""
    return repr(part.item() if isinstance(part, np.generic) else part)


def generator(rng: "int | np.random.SeedSequence | np.random.Generator") -> np.random.Generator:
    """Return a PCG64 generator from what a public function accepts as ``rng``.

    Parameters
    ----------
    rng : int, SeedSequence or Generator
        An integer >= 0 seeds a fresh generator; a Generator is used, and
        advanced, as it is.

    Raises
    ------
    ParameterError
        For anything else, ``None`` included: results must be reproducible.
    """
    if isinstance(rng, np.random.Generator):
        return rng
    if isinstance(rng, np.random.SeedSequence):
        return np.random.Generator(np.random.PCG64(rng))
    if isinstance(rng, int | np.integer) and not isinstance(rng, bool) and rng >= 0:
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(int(rng))))
    raise ParameterError(f"rng is {rng!r}; give an integer >= 0, a numpy SeedSequence or a numpy Generator")
