"""A study: a grid of cells and a pure function from a cell to arrays."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Cell", "Scale", "Study"]

Scale = str
Cell = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Study:
    """A grid of cells (instance x learner x parameters x seed) and what to measure on each.

    Attributes
    ----------
    id : str
        ``<slug>/<name>``.
    title : str
        What is measured, in one line.
    cells : callable
        ``scale -> sequence of cells`` for the scales ``quick`` and ``paper``. A cell maps names
        to int, float, str, bool or tuples of them; equal cells may not repeat. A cell should take
        between 10 ms and a few seconds.
    run : callable
        ``run(cell, rng) -> {name: array}``: a module-level pure function (it must be importable in another
        process); all randomness comes from ``rng``, a Generator addressed by (seed, study id, cell).
        Arrays are float64, int64, bool or fixed-width unicode.
    seed : int
        Root seed.
    """

    id: str
    title: str
    cells: Callable[[Scale], Sequence[Cell]]
    run: Callable[[Cell, np.random.Generator], Mapping[str, npt.NDArray[Any]]]
    seed: int = 0
