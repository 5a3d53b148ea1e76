"""What the judges look at: checked once, when made, and read-only from then on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from tabular._check import as_array
from tabular.errors import ParameterError

__all__ = ["Comparison", "Curve", "Curves", "TwoSamples", "Violations"]

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def _values(value: Any, name: str, *, ndim: int | tuple[int, ...] = 1) -> Array:
    """Return a finite, non-empty, read-only float64 array; scalars become arrays of one point."""
    return as_array(np.atleast_1d(value), name, ndim=ndim, error=ParameterError)


def _per_point(value: Any, name: str, points: int) -> Array:
    """Return one value a point; a scalar serves them all."""
    array = _values(value, name)
    if array.shape[0] not in (1, points):
        raise ParameterError(f"{name} has {array.shape[0]} entries for {points} points")
    return np.broadcast_to(array, (points,))


def _integers(value: Any, name: str) -> Integers:
    """Return counts as int64; floats are taken only when they are whole."""
    array = _values(value, name)
    if np.any(array != np.floor(array)) or np.any(array < 0) or np.any(array > 2**53):
        raise ParameterError(f"{name} must hold whole numbers >= 0")
    whole = array.astype(np.int64)
    whole.setflags(write=False)
    return whole


def _labels(labels: Sequence[str], points: int) -> tuple[str, ...]:
    found = tuple(str(label) for label in labels)
    if found and len(found) != points:
        raise ParameterError(f"labels has {len(found)} entries for {points} points")
    return found or tuple(f"point {i}" for i in range(points))


def _rationals(value: Any, name: str) -> npt.NDArray[Any] | None:
    """Return an object array of Fractions if ``value`` holds any, else None."""
    source = np.atleast_1d(np.asarray(value, dtype=object)).ravel()
    if not any(isinstance(entry, Fraction) for entry in source):
        return None
    try:
        return np.array([Fraction(entry) for entry in source], dtype=object)
    except (TypeError, ValueError, OverflowError) as problem:
        raise ParameterError(f"{name} holds something that is not a rational number: {problem}") from None


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Two sides of an identity or an inequality, point by point.

    Attributes
    ----------
    left, right : ndarray, shape (n,)
        The two sides; for an upper bound ``left`` is measured and ``right`` is the bound, for a lower bound
        ``left`` is the bound and ``right`` is measured. With ``exact`` they may hold `fractions.Fraction`,
        which are then compared as such.
    scale : float or ndarray, shape (n,)
        Size of the quantities, > 0: tolerances are multiples of it.
    trivial : float or ndarray, shape (n,), or None
        What is known without the theorem: an upper bound >= trivial (a lower bound <= trivial) says nothing.
    labels : tuple of str
        One a point, enough to make the point again.
    exact : bool
        Whether both sides were computed in rational arithmetic; the allowance for rounding is then 0.
    informative_from : str
        For a bound that says nothing here: the size from which on it does.

    Raises
    ------
    ParameterError
        For an empty sample, a NaN, an infinity, or lengths that differ.
    """

    left: Any
    right: Any
    scale: Any = 1.0
    trivial: Any = None
    labels: Sequence[str] = ()
    exact: bool = False
    informative_from: str = ""

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        for name in ("left", "right"):
            value = getattr(self, name)
            rational = _rationals(value, name) if self.exact else None
            if rational is None:
                set_(self, name, _values(value, name))
            else:
                set_(self, name, rational)
        points = self.left.shape[0]
        if self.right.shape[0] != points:
            raise ParameterError(f"left has {points} points, right has {self.right.shape[0]}")
        set_(self, "scale", _per_point(self.scale, "scale", points))
        if np.any(self.scale <= 0):
            raise ParameterError(f"scale is {self.scale.min():g}; it must be positive")
        if self.trivial is not None:
            set_(self, "trivial", _per_point(self.trivial, "trivial", points))
        set_(self, "labels", _labels(self.labels, points))


@dataclass(frozen=True, slots=True, eq=False)
class Violations:
    """How often a statement that may fail with probability delta did fail, at each point of a grid.

    Attributes
    ----------
    count, runs : ndarray of int64, shape (n,)
        Violations among independent runs, ``0 <= count <= runs``, ``runs >= 1``; ``runs`` was fixed beforehand.
    delta : float or ndarray, shape (n,)
        Claimed failure probability, strictly between 0 and 1.
    labels : tuple of str
        One a point.
    bound, trivial : float or ndarray, shape (n,), or None
        The bound that holds with probability 1 - delta, and the trivial bound on the same quantity.
    quantile : float or ndarray, shape (n,), or None
        Observed (1 - delta)-quantile of the bounded quantity; with ``bound`` it gives the tightness.
    informative_from : str
        For a bound that says nothing here: the size from which on it does.

    Raises
    ------
    ParameterError
        For an empty sample, a NaN, an infinity, impossible counts, or lengths that differ.
    """

    count: Any
    runs: Any
    delta: Any
    labels: Sequence[str] = ()
    bound: Any = None
    trivial: Any = None
    quantile: Any = None
    informative_from: str = ""

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "count", _integers(self.count, "count"))
        points = self.count.shape[0]
        runs = _integers(self.runs, "runs")
        if runs.shape[0] not in (1, points):
            raise ParameterError(f"runs has {runs.shape[0]} entries for {points} points")
        set_(self, "runs", np.broadcast_to(runs, (points,)))
        if np.any(self.runs < 1) or np.any(self.count > self.runs):
            raise ParameterError("every point needs runs >= 1 and 0 <= count <= runs")
        set_(self, "delta", _per_point(self.delta, "delta", points))
        if np.any(self.delta <= 0) or np.any(self.delta >= 1):
            raise ParameterError("delta must lie strictly between 0 and 1 at every point")
        for name in ("bound", "trivial", "quantile"):
            if getattr(self, name) is not None:
                set_(self, name, _per_point(getattr(self, name), name, points))
        set_(self, "labels", _labels(self.labels, points))


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A quantity over a size: computed exactly, or measured in replicates.

    Attributes
    ----------
    x : ndarray, shape (n_x,)
        Sizes, increasing.
    y : ndarray, shape (n_x,) or (n_x, n_rep)
        Values without noise, or replicates. Column j is one independent replicate: it may be one run seen at
        every ``x`` (then its entries may depend on each other), or independent runs at each ``x``.
    label : str

    Raises
    ------
    ParameterError
        For an empty sample, a NaN, an infinity, sizes that do not increase, or fewer than two replicates.
    """

    x: Any
    y: Any
    label: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "x", _values(self.x, "x"))
        object.__setattr__(self, "y", _values(self.y, "y", ndim=(1, 2)))
        if self.x.shape[0] != self.y.shape[0]:
            raise ParameterError(f"x has {self.x.shape[0]} entries, y has {self.y.shape[0]} rows")
        if self.x.shape[0] < 3:
            raise ParameterError(f"x has {self.x.shape[0]} entries; a rate needs at least 3 sizes")
        if np.any(np.diff(self.x) <= 0):
            raise ParameterError("x must increase strictly")
        if self.y.ndim == 2 and self.y.shape[1] < 2:
            raise ParameterError("y has one replicate; give at least 2, or a flat array of exact values")


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Several curves of which the same rate is claimed.

    Attributes
    ----------
    curves : tuple of Curve
        At least one.
    """

    curves: tuple[Curve, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "curves", tuple(self.curves))
        if not self.curves or not all(isinstance(curve, Curve) for curve in self.curves):
            raise ParameterError("curves must hold at least one Curve, and nothing else")


@dataclass(frozen=True, slots=True, eq=False)
class TwoSamples:
    """Two quantities of which one is claimed to be larger, at each point of a grid.

    Attributes
    ----------
    larger, smaller : ndarray, shape (n_points,) or (n_points, n_rep)
        Exact values, or independent replicates; the two sides are independent of each other and may have
        different numbers of replicates.
    labels : tuple of str
        One a point.

    Raises
    ------
    ParameterError
        For an empty sample, a NaN, an infinity, lengths that differ, or a single replicate.
    """

    larger: Any
    smaller: Any
    labels: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name in ("larger", "smaller"):
            array = _values(getattr(self, name), name, ndim=(1, 2))
            if array.ndim == 2 and array.shape[1] < 2:
                raise ParameterError(f"{name} has one replicate; give at least 2, or a flat array of exact values")
            object.__setattr__(self, name, array)
        points = self.larger.shape[0]
        if self.smaller.shape[0] != points:
            raise ParameterError(f"larger has {points} points, smaller has {self.smaller.shape[0]}")
        object.__setattr__(self, "labels", _labels(self.labels, points))
