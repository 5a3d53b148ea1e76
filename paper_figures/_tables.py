"""What the tables behind figures share: columns from rows, and intervals of means."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

__all__ = ["columns", "mean_interval", "stacked"]


def columns(rows: Sequence[tuple[Any, ...]], names: tuple[str, ...]) -> dict[str, npt.NDArray[Any]]:
    """Return rows of scalars as one column for each of ``names``."""
    return {name: np.array([row[i] for row in rows]) for i, name in enumerate(names)}


def stacked(blocks: Sequence[Mapping[str, Any]]) -> dict[str, npt.NDArray[Any]]:
    """Return blocks of columns, scalars repeated along their block, as one table."""
    sizes = [max(np.size(value) for value in block.values()) for block in blocks]
    return {
        name: np.concatenate([np.broadcast_to(block[name], (n,)) for block, n in zip(blocks, sizes, strict=True)])
        for name in blocks[0]
    }


def mean_interval(runs: npt.ArrayLike) -> tuple[float, float, float]:
    """Return the mean of independent runs (n,), and the ends of Student's 95 % interval; a single value is exact."""
    values = np.asarray(runs, dtype=np.float64)
    n, mean = values.size, float(values.mean())
    half = float(special.stdtrit(n - 1, 0.975) * values.std(ddof=1) / math.sqrt(n)) if n > 1 else 0.0
    return mean, mean - half, mean + half
