"""What an instance of a claim is made of: named arrays, each in a declared space.

Shapes are given by the names of axes (``("S", "A")``), so that one declaration
serves every size and a state can be dropped from all arrays at once. Every
space maps its values to coordinates and back: a point of a box to [0, 1], a row
of a simplex to itself, with the Euclidean projection on the way back, which
reaches faces and vertices exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tabular.errors import ParameterError

__all__ = ["Box", "Instance", "Space", "Whole", "bits"]

Array = npt.NDArray[Any]
Size = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance of a claim.

    Attributes
    ----------
    size : mapping
        Length of each axis.
    values : mapping
        Arrays by name: float64, or int64.
    """

    size: Mapping[str, int]
    values: Mapping[str, Array] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        """Return an array, a scalar where it has no axes, or the length of an axis."""
        if name in self.size:
            return self.size[name]
        value = self.values[name]
        return value.item() if value.ndim == 0 else value

    @property
    def complexity(self) -> tuple[int, int]:
        """Total length of the axes, then the digits that it takes to write the numbers down: what shrinking lowers."""
        return sum(self.size.values()), sum(bits(float(x)) for v in self.values.values() for x in v.flat)


def bits(x: float) -> int:
    """Return the binary digits of numerator and denominator of a float; 0 for 0."""
    numerator, denominator = x.as_integer_ratio()
    return abs(numerator).bit_length() + denominator.bit_length() - 1


class Space(Protocol):
    """The values that one array of an instance may take."""

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the axes of the array."""
        ...

    def sample(self, size: Size, rng: np.random.Generator) -> Array:
        """Draw a value of no particular kind."""
        ...

    def corner(self, size: Size, rng: np.random.Generator) -> Array:
        """Draw a hand-made extreme: ends, ties, vertices, absorbing rows, rows a little away from a vertex."""
        ...

    def encode(self, value: Array) -> npt.NDArray[np.float64]:
        """Return the coordinates of a value."""
        ...

    def decode(self, size: Size, coordinates: npt.NDArray[np.float64]) -> Array:
        """Return the nearest value to some coordinates."""
        ...

    def simpler(self, value: Array) -> Iterator[Array]:
        """Yield values of fewer digits near a value, the simplest first."""
        ...

    def rounded(self, value: Array) -> Array:
        """Return the value with few enough digits for sums and products of it to be exact in floating point."""
        ...

    def without(self, value: Array, axis: str, index: int) -> Array:
        """Return a value from which one index of an axis has been dropped."""
        ...

    def check(self, value: Any, size: Size, name: str) -> Array:
        """Return the array, or raise `ParameterError` naming what lies outside the space."""
        ...


def _shape(axes: tuple[str, ...], size: Size) -> tuple[int, ...]:
    return tuple(size[axis] for axis in axes)


def _dropped(value: Array, axes: tuple[str, ...], axis: str, index: int) -> Array:
    for position in [i for i, name in enumerate(axes) if name == axis]:
        value = np.delete(value, index, axis=position)
    return value


def _shaped(value: Any, shape: tuple[int, ...], name: str, dtype: type) -> Array:
    try:
        array: Array = np.asarray(value, dtype=dtype)
    except (TypeError, ValueError, OverflowError) as problem:
        raise ParameterError(f"{name} is not an array of numbers: {problem}") from None
    if array.shape != shape:
        raise ParameterError(f"{name} has shape {array.shape}, expected {shape}")
    return array


@dataclass(frozen=True, slots=True)
class Box:
    """Reals between two limits.

    Attributes
    ----------
    axes : tuple of str
        Empty for a scalar.
    low, high : float
    scale : {"linear", "log", "gap"}
        Where the coordinate lives: the number, its logarithm, or the logarithm of its distance from 1 (for discounts).
    """

    axes: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 1.0
    scale: str = "linear"

    def _forth(self, x: npt.ArrayLike) -> Array:
        x = np.asarray(x, dtype=np.float64)
        if self.scale == "log":
            return np.asarray(np.log(x))
        return np.asarray(-np.log1p(-x)) if self.scale == "gap" else x

    def _from_unit(self, t: Array) -> Array:
        low, high = self._forth(self.low), self._forth(self.high)
        z = low + np.clip(t, 0.0, 1.0) * (high - low)
        x = np.exp(z) if self.scale == "log" else (-np.expm1(-z) if self.scale == "gap" else z)
        found: Array = np.clip(x, self.low, self.high)
        return np.where(t <= 0.0, self.low, np.where(t >= 1.0, self.high, found))

    def sample(self, size: Size, rng: np.random.Generator) -> Array:
        """Draw uniformly, or (one time in three) among few levels, so that there are ties."""
        shape = _shape(self.axes, size)
        t = rng.random(shape)
        return self._from_unit(np.round(4.0 * t) / 4.0 if rng.random() < 1 / 3 else t)

    def corner(self, size: Size, rng: np.random.Generator) -> Array:
        """Draw ends, one value throughout, one entry unlike all others, or values close to the ends."""
        shape = _shape(self.axes, size)
        kind = int(rng.integers(4))
        t = np.asarray(rng.integers(2, size=shape), dtype=np.float64)
        if kind == 1:
            t = np.full(shape, rng.choice([0.0, 0.5, 1.0]))
        elif kind == 2:
            t = np.full(shape, float(rng.integers(2)))
            if t.size:
                t.flat[int(rng.integers(t.size))] = rng.random()
        elif kind == 3:
            near = 10.0 ** -rng.uniform(1.0, 6.0, size=shape)
            t = np.where(t == 1.0, 1.0 - near, near)
        return self._from_unit(t)

    def encode(self, value: Array) -> npt.NDArray[np.float64]:
        """Return positions between the limits, 0 to 1."""
        low, high = self._forth(self.low), self._forth(self.high)
        z = self._forth(value)
        return np.atleast_1d((z - low) / (high - low)).ravel()

    def decode(self, size: Size, coordinates: npt.NDArray[np.float64]) -> Array:
        """Clip to the box."""
        return self._from_unit(coordinates.reshape(_shape(self.axes, size)))

    def simpler(self, value: Array) -> Iterator[Array]:
        """Round all numbers, then one at a time, to multiples of 1, 1/2, 1/4, ..."""
        for grid in _GRIDS:
            yield np.clip(np.round(value * grid) / grid, self.low, self.high)
        for i in range(value.size):
            x = float(value.flat[i])
            rounded = [float(np.clip(np.round(x * grid) / grid, self.low, self.high)) for grid in _GRIDS[:5]]
            for new in (0.0, self.low, 0.5, 0.75, 0.875, *rounded, *(_short(x, digits) for digits in (1, 2, 4, 8))):
                if self.low <= new <= self.high and bits(new) < bits(x):
                    moved = np.array(value)
                    moved.flat[i] = new
                    yield moved

    def rounded(self, value: Array) -> Array:
        """Round to multiples of 1/1024 where these lie within the limits."""
        near = np.round(value * _GRIDS[-1]) / _GRIDS[-1]
        return np.where((near >= self.low) & (near <= self.high), near, value)

    def without(self, value: Array, axis: str, index: int) -> Array:
        """Drop the entries of that index."""
        return _dropped(value, self.axes, axis, index)

    def check(self, value: Any, size: Size, name: str) -> Array:
        """Refuse what is not finite or lies outside the limits."""
        array = _shaped(value, _shape(self.axes, size), name, np.float64)
        bad = np.argwhere(~((array >= self.low) & (array <= self.high)))
        if len(bad):
            at = tuple(int(i) for i in bad[0])
            raise ParameterError(
                f"{name}{list(at) if at else ''} is {array[at]:g}; it must lie in [{self.low:g}, {self.high:g}]"
            )
        return array


def _short(x: float, digits: int) -> float:
    """Return a float rounded to some binary digits."""
    mantissa, exponent = math.frexp(x)
    return math.ldexp(round(mantissa * 2**digits), exponent - digits)


_GRIDS = (1.0, 2.0, 4.0, 8.0, 16.0, 64.0, 1024.0)


@dataclass(frozen=True, slots=True)
class Whole:
    """Whole numbers between two limits.

    Attributes
    ----------
    axes : tuple of str
    low : int
    high : int or str
        The largest value; the name of an axis stands for its last index.
    log : bool
        Whether the coordinate is the logarithm (then ``low >= 1``).
    """

    axes: tuple[str, ...] = ()
    low: int = 0
    high: int | str = 1
    log: bool = False

    def _high(self, size: Size) -> int:
        return size[self.high] - 1 if isinstance(self.high, str) else self.high

    def sample(self, size: Size, rng: np.random.Generator) -> Array:
        """Draw uniformly (in the logarithm, where that is the coordinate)."""
        return self.decode(size, rng.random(math.prod(_shape(self.axes, size))) * self._width(size))

    def corner(self, size: Size, rng: np.random.Generator) -> Array:
        """Draw ends, or one value throughout."""
        shape, high = _shape(self.axes, size), self._high(size)
        if rng.random() < 0.5:
            return np.asarray(rng.choice([self.low, min(self.low + 1, high), high], size=shape), dtype=np.int64)
        return np.full(shape, self.sample({**size}, rng).flat[0] if math.prod(shape) else self.low, dtype=np.int64)

    def _width(self, size: Size) -> float:
        return 1.0 if self.log or not isinstance(self.high, str) else float(max(1, self._high(size) - self.low))

    def encode(self, value: Array) -> npt.NDArray[np.float64]:
        """Return positions between the limits, or the numbers themselves where the limit depends on the size."""
        flat = np.atleast_1d(np.asarray(value, dtype=np.float64)).ravel()
        if self.log:
            return np.log(flat / self.low) / math.log(float(self.high) / self.low)
        return (flat - self.low) / (1.0 if isinstance(self.high, str) else max(1, self.high - self.low))

    def decode(self, size: Size, coordinates: npt.NDArray[np.float64]) -> Array:
        """Round to a whole number within the limits."""
        high = self._high(size)
        t = coordinates.reshape(_shape(self.axes, size))
        if self.log:
            x = self.low * (high / self.low) ** np.clip(t, 0.0, 1.0)
        else:
            x = self.low + t * (1.0 if isinstance(self.high, str) else max(1, high - self.low))
        return np.asarray(np.clip(np.round(x), self.low, high), dtype=np.int64)

    def simpler(self, value: Array) -> Iterator[Array]:
        """Yield smaller numbers: the smallest, half way, one less; all together, then one at a time."""
        for new in (np.full_like(value, self.low), (value + self.low) // 2, np.maximum(value - 1, self.low)):
            yield np.asarray(new)
        for i in range(value.size):
            for one in (self.low, (int(value.flat[i]) + self.low) // 2, int(value.flat[i]) - 1):
                if self.low <= one < value.flat[i]:
                    moved = np.array(value)
                    moved.flat[i] = one
                    yield moved

    def rounded(self, value: Array) -> Array:
        """Return the value: whole numbers are exact."""
        return value

    def without(self, value: Array, axis: str, index: int) -> Array:
        """Drop the entries of that index; numbers that name later indices move down."""
        kept = _dropped(value, self.axes, axis, index)
        return np.maximum(kept - (kept >= max(index, 1)), 0) if self.high == axis else kept

    def check(self, value: Any, size: Size, name: str) -> Array:
        """Refuse what is not whole or lies outside the limits."""
        array = _shaped(value, _shape(self.axes, size), name, np.float64)
        high = self._high(size)
        if np.any(array != np.floor(array)) or np.any(array < self.low) or np.any(array > high):
            raise ParameterError(f"{name} must hold whole numbers from {self.low} to {high}")
        return array.astype(np.int64)
