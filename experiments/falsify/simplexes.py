"""Probability vectors as parts of an instance."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tabular.errors import ParameterError

from .spaces import _GRIDS, Array, Size, _dropped, _shape, _shaped

__all__ = ["Simplex"]

#: Random probabilities below this fraction of the largest of their row are 0; corner cases come that close on purpose.
_NEGLIGIBLE = 1e-9


def _project(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the nearest points of the simplex to the rows of a matrix (Held, Wolfe and Crowder 1974)."""
    ordered = -np.sort(-x, axis=1)
    excess = np.cumsum(ordered, axis=1) - 1.0
    count = np.arange(1, x.shape[1] + 1)
    last = np.count_nonzero(ordered * count > excess, axis=1)
    p = np.maximum(x - (excess[np.arange(x.shape[0]), last - 1] / last)[:, None], 0.0)
    found: npt.NDArray[np.float64] = p / p.sum(axis=1, keepdims=True)
    return found


def _on_grid(rows: npt.NDArray[np.float64], grid: float) -> npt.NDArray[np.float64]:
    """Round rows to multiples of ``1/grid`` that sum to 1: down, then up where the remainder is largest."""
    scaled = rows * grid
    floor = np.floor(scaled + 1e-9)
    missing = np.round(grid - floor.sum(axis=1)).astype(int)
    rank = np.argsort(np.argsort(floor - scaled, axis=1, kind="stable"), axis=1, kind="stable")
    found: npt.NDArray[np.float64] = (floor + (rank < missing[:, None])) / grid
    return found


@dataclass(frozen=True, slots=True)
class Simplex:
    """Probability vectors along a last axis.

    Attributes
    ----------
    axes : tuple of str
        Of the array without its last axis.
    over : str
        The last axis.
    """

    axes: tuple[str, ...]
    over: str

    def _rows(self, size: Size) -> tuple[int, int]:
        return math.prod(_shape(self.axes, size)), size[self.over]

    def _shaped(self, rows: Array, size: Size) -> Array:
        return rows.reshape((*_shape(self.axes, size), size[self.over]))

    def sample(self, size: Size, rng: np.random.Generator) -> Array:
        """Draw rows from a Dirichlet law whose parameter is drawn first, with some entries then set to 0."""
        n, k = self._rows(size)
        rows = rng.standard_gamma(rng.choice([0.1, 0.5, 1.0, 5.0]), size=(n, k))
        if rng.random() < 0.5:
            rows *= rng.random((n, k)) < 0.6
        rows[rows < _NEGLIGIBLE * rows.max(axis=1, keepdims=True)] = 0.0
        empty = rows.sum(axis=1) == 0.0
        rows[empty, rng.integers(k, size=n)[empty]] = 1.0
        return self._shaped(rows / rows.sum(axis=1, keepdims=True), size)

    def corner(self, size: Size, rng: np.random.Generator) -> Array:
        """Draw vertices (absorbing rows among them), rows 10^-k away from one, equal rows, or two-point rows."""
        n, k = self._rows(size)
        target = rng.integers(k, size=n)
        kind = int(rng.integers(6))
        if kind == 1 and self.over in self.axes:
            own = np.indices(_shape(self.axes, size))[self.axes.index(self.over)].ravel()
            target = np.where(rng.random(n) < 0.7, own, target)
        elif kind == 2:
            target = np.full(n, target[0])
        rows = np.eye(k)[target]
        if kind == 3:
            near = 10.0 ** -rng.uniform(1.0, 9.0)
            rows = (1.0 - near) * rows + near * np.eye(k)[rng.integers(k, size=n)]
        elif kind == 4:
            rows = 0.5 * rows + 0.5 * np.eye(k)[rng.integers(k, size=n)]
        elif kind == 5:
            rows = np.full((n, k), 1.0 / k)
        return self._shaped(rows, size)

    def encode(self, value: Array) -> npt.NDArray[np.float64]:
        """Return the probabilities."""
        return np.asarray(value, dtype=np.float64).ravel()

    def decode(self, size: Size, coordinates: npt.NDArray[np.float64]) -> Array:
        """Project every row on the simplex."""
        return self._shaped(_project(coordinates.reshape(self._rows(size))), size)

    def simpler(self, value: Array) -> Iterator[Array]:
        """Round all rows, then one at a time, to multiples of 1 (a vertex), 1/2, 1/4, ..."""
        rows = value.reshape(-1, value.shape[-1])
        for grid in _GRIDS:
            yield _on_grid(rows, grid).reshape(value.shape)
        for i in range(rows.shape[0]):
            for grid in _GRIDS[:5]:
                moved = np.array(rows)
                moved[i] = _on_grid(rows[i : i + 1], grid)[0]
                yield moved.reshape(value.shape)

    def rounded(self, value: Array) -> Array:
        """Round to multiples of 1/1024 that sum to 1."""
        return _on_grid(value.reshape(-1, value.shape[-1]), _GRIDS[-1]).reshape(value.shape)

    def without(self, value: Array, axis: str, index: int) -> Array:
        """Drop the rows of that index, and the outcome: its mass goes to the others, or to the first one."""
        kept = _dropped(value, self.axes, axis, index)
        if self.over != axis:
            return kept
        kept = np.delete(kept, index, axis=-1)
        mass = kept.sum(axis=-1, keepdims=True)
        first = np.eye(kept.shape[-1])[0]
        return np.where(mass > 0.0, kept / np.where(mass > 0.0, mass, 1.0), first)

    def check(self, value: Any, size: Size, name: str) -> Array:
        """Refuse negative entries and rows that do not sum to 1 within 1e-9."""
        array = _shaped(value, (*_shape(self.axes, size), size[self.over]), name, np.float64)
        if not np.all(array >= 0.0):
            at = [int(i) for i in np.argwhere(~(array >= 0.0))[0]]
            raise ParameterError(f"{name}{at} is {array[tuple(at)]:g}; probabilities are >= 0")
        sums = array.sum(axis=-1)
        if np.any(np.abs(sums - 1.0) > 1e-9):
            at = [int(i) for i in np.argwhere(np.abs(sums - 1.0) > 1e-9)[0]]
            raise ParameterError(f"{name}{at or ''} sums to {float(sums[tuple(at)])!r}, expected 1 within 1e-9")
        return array
