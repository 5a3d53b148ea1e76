"""Logged transitions, validated once."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _check as check
from ..errors import ModelError
from ..models._base import Model, assign

__all__ = ["OfflineDataset"]

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class OfflineDataset(Model):
    """Transitions ``(s, a, r, s_next)`` that a learner is given; immutable.

    Parameters
    ----------
    s, a : array of integers, shape (N,)
        State and action of each row; 0 throughout for the state of a bandit. ``N`` may be 0.
    r : array, shape (N,)
        Reward received; any finite numbers.
    s_next : array of integers, shape (N,)
        Next state; 0 where the model has none (bandits, contextual bandits).
    S, A : int
        Number of states and actions, >= 1.
    h : array of integers, shape (N,), optional
        Step of each row within its episode, from 0; a row with ``h == 0`` starts a trajectory
        in data drawn by trajectories.
    H : int, optional
        Number of steps; the largest ``h`` plus 1 where only ``h`` is given.

    Raises
    ------
    ModelError
        Naming the first offending row.

    Examples
    --------
    >>> data = OfflineDataset(s=[0, 0], a=[1, 1], r=[1.0, 0.0], s_next=[0, 1], S=2, A=2)
    >>> data.counts().tolist(), data.mean_rewards()[0, 1]
    ([[0, 2], [0, 0]], np.float64(0.5))
    """

    s: Indices
    a: Indices
    r: Array
    s_next: Indices
    S: int
    A: int
    h: "Indices | None" = None
    H: int | None = None

    def __post_init__(self) -> None:
        S = check.count(self.S, "S", error=ModelError)
        A = check.count(self.A, "A", error=ModelError)
        s = _indices(self.s, "s", S)
        rows = s.shape[0]
        a = _indices(self.a, "a", A, rows)
        s_next = _indices(self.s_next, "s_next", S, rows)
        H = None if self.H is None else check.count(self.H, "H", error=ModelError)
        h = None
        if self.h is not None:
            h = _indices(self.h, "h", 2**53 if H is None else H, rows)
            H = int(h.max(initial=0)) + 1 if H is None else H
        elif H is not None:
            raise ModelError(f"H is {H} but h is missing; give the step h of each row, or drop H")
        assign(self, s=s, a=a, r=_rewards(self.r, rows), s_next=s_next, S=S, A=A, h=h, H=H)

    @property
    def N(self) -> int:
        """Number of rows."""
        return int(self.s.shape[0])

    def counts(self, *, by_step: bool = False) -> Indices:
        """Return how often each pair occurs, ``n[s, a]``, or ``n[h, s, a]`` with ``by_step``."""
        shape = self._shape(by_step)
        return np.bincount(self._cell(by_step), minlength=int(np.prod(shape))).reshape(shape)

    def mean_rewards(self, *, by_step: bool = False) -> Array:
        """Return the average reward of each pair, shape (S, A) or (H, S, A); 0 where a pair never occurs."""
        shape = self._shape(by_step)
        total = np.bincount(self._cell(by_step), weights=self.r, minlength=int(np.prod(shape))).reshape(shape)
        mean: Array = total / np.maximum(self.counts(by_step=by_step), 1)
        return mean

    def transition_counts(self, *, by_step: bool = False) -> Indices:
        """Return how often each transition occurs, shape (S, A, S) or (H, S, A, S)."""
        shape = (*self._shape(by_step), self.S)
        cell = self._cell(by_step) * self.S + self.s_next
        return np.bincount(cell, minlength=int(np.prod(shape))).reshape(shape)

    def _shape(self, by_step: bool) -> tuple[int, ...]:
        if not by_step:
            return (self.S, self.A)
        if self.H is None:
            raise ModelError("by_step is True but the dataset has no steps; give h when it is built")
        return (self.H, self.S, self.A)

    def _cell(self, by_step: bool) -> Indices:
        cell = self.s * self.A + self.a
        if by_step and self.h is not None:
            cell = cell + self.h * (self.S * self.A)
        return cell


def _indices(value: Any, name: str, size: int, rows: int | None = None) -> Indices:
    """Return ``value`` as a fresh read-only int64 vector with entries in ``0..size-1``."""
    try:
        source = np.asarray(value)
    except (ValueError, TypeError, OverflowError) as problem:
        raise ModelError(f"{name} is not a vector of integers: {problem}") from None
    if source.size == 0 and source.ndim == 1:
        source = source.astype(np.int64) if source.dtype.kind in "iuf" else source
    if source.ndim != 1 or source.dtype.kind not in "iu":
        raise ModelError(f"{name} has shape {source.shape} and dtype {source.dtype}; a vector of integers is needed")
    if rows is not None and source.shape[0] != rows:
        raise ModelError(f"{name} has {source.shape[0]} rows; {rows} are needed, as in s")
    outside = (source < 0) | (source >= size)
    if outside.any():
        row = int(np.argmax(outside))
        raise ModelError(f"{name}[{row}] is {source[row]}; it must lie in 0..{size - 1}")
    array = np.array(source, dtype=np.int64, order="C", copy=True)
    array.setflags(write=False)
    return array


def _rewards(value: Any, rows: int) -> Array:
    if rows == 0 and np.shape(value) == (0,):
        array = np.empty(0)
        array.setflags(write=False)
        return array
    array = check.as_array(value, "r", ndim=1)
    if array.shape[0] != rows:
        raise ModelError(f"r has {array.shape[0]} rows; {rows} are needed, as in s")
    return array
