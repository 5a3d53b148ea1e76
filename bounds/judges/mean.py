"""Judge of bounds on an expectation that is measured in replicates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from bounds.claims import Status, Verdict
from tabular import _check as check
from tabular.errors import ParameterError

from ._common import finite, require
from .samples import _labels, _per_point, _values

__all__ = ["MeanBound", "MeanBoundJudge"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class MeanBound:
    """Replicates of a quantity whose expectation is bounded from above, at each point of a grid.

    Attributes
    ----------
    values : sequence of ndarray
        Independent replicates of each point, at least two; points may have different numbers of them.
    bound : float or ndarray, shape (n,)
    labels : tuple of str
        One a point.
    trivial : float or ndarray, shape (n,), or None
        What is known without the theorem: a bound >= trivial says nothing.
    informative_from : str
        For a bound that says nothing here: the size from which on it does.

    Raises
    ------
    ParameterError
        For an empty sample, a NaN, an infinity, lengths that differ, or a single replicate.
    """

    values: Sequence[Any]
    bound: Any
    labels: Sequence[str] = ()
    trivial: Any = None
    informative_from: str = ""

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        values = tuple(_values(one, f"values[{i}]") for i, one in enumerate(self.values))
        if not values:
            raise ParameterError("values is empty; a bound needs a point at which it is tried")
        for i, one in enumerate(values):
            if one.shape[0] < 2:
                raise ParameterError(f"values[{i}] has one replicate; give at least 2")
        set_(self, "values", values)
        set_(self, "bound", _per_point(self.bound, "bound", len(values)))
        if self.trivial is not None:
            set_(self, "trivial", _per_point(self.trivial, "trivial", len(values)))
        set_(self, "labels", _labels(self.labels, len(values)))


@dataclass(frozen=True, slots=True)
class MeanBoundJudge:
    """The expectation is at most its bound at every point of a grid.

    Student's one-sample test at each point. ``supported`` iff the mean lies significantly below the bound, at level
    ``1 - confidence``, at *every* point. The p-value, of the hypothesis that it lies at or below the bound everywhere,
    is the smallest of the points' times their number. No p-value falls below ``2**-n`` for n replicates, so that
    replicates which happen not to vary are not taken for certainty. The tightness is the largest mean/bound.

    Attributes
    ----------
    confidence : float
    """

    confidence: float = 0.95

    def __post_init__(self) -> None:
        check.fraction(self.confidence, "confidence")

    def judge(self, sample: MeanBound) -> Verdict:
        """Judge the means; statistic and threshold are mean and bound of the worst point."""
        require(sample, MeanBound, self)
        size = np.array([one.shape[0] for one in sample.values])
        mean = np.array([one.mean() for one in sample.values])
        error = np.array([one.std(ddof=1) for one in sample.values]) / np.sqrt(size)
        room = sample.bound - mean
        t = np.divide(room, error, out=np.where(room > 0, np.inf, -np.inf), where=error > 0)
        t[room == 0] = 0.0
        floor = 0.5**size
        supports = np.maximum(special.stdtr(size - 1, -t), floor)
        contradicts = np.maximum(special.stdtr(size - 1, t), floor)
        points = size.shape[0]
        level = 1 - self.confidence
        p_value = min(1.0, points * float(contradicts.min()))
        if p_value <= level:
            status, worst = Status.REFUTED, int(np.argmin(contradicts))
        else:
            status = Status.SUPPORTED if np.all(supports <= level) else Status.INCONCLUSIVE
            worst = int(np.argmax(supports))
        positive = sample.bound > 0
        tightness = finite(np.max(mean[positive] / sample.bound[positive])) if positive.any() else None
        vacuous = sample.trivial is not None and bool(np.all(sample.bound >= sample.trivial))
        return Verdict(
            status=status,
            statistic=finite(mean[worst]),
            threshold=finite(sample.bound[worst]),
            p_value=p_value,
            n=int(size.sum()),
            tightness=tightness,
            vacuous=vacuous,
            informative_from=sample.informative_from if vacuous else "",
            worst=sample.labels[worst],
            reason=self._reason(status, float(room[worst]), float(error[worst]), points, int(size[worst])),
        )

    def _reason(self, status: Status, room: float, error: float, points: int, size: int) -> str:
        seen = f"the mean is {abs(room):.4g} {'below' if room >= 0 else 'above'} its bound, standard error {error:.3g}"
        if status is Status.SUPPORTED:
            return f"significantly below its bound at all {points} points; the least: {seen}"
        if status is Status.REFUTED:
            return f"{seen}: significantly above"
        if room == 0 or error == 0:
            return f"{seen}: more replicates are needed, how many cannot be said from these"
        level = (1 - self.confidence) / (1 if room > 0 else points)
        needed = math.ceil(size * max(1.0, (float(special.ndtri(1 - level)) * error / room) ** 2))
        return f"{seen}; about {needed} replicates would {'support' if room > 0 else 'refute'}"
