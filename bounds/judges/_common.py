"""Helpers that the judges share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from bounds.claims import Status
from tabular.errors import ParameterError

__all__ = ["finite", "ratio", "require", "worst_status"]

Array = npt.NDArray[np.float64]
_LARGEST = float(np.finfo(np.float64).max)
_ORDER = (Status.REFUTED, Status.SKIPPED, Status.INCONCLUSIVE, Status.SUPPORTED)


def require(sample: Any, kind: type, judge: object) -> None:
    """Refuse a sample of another type."""
    if not isinstance(sample, kind):
        raise ParameterError(f"{type(judge).__name__} judges a {kind.__name__}, not a {type(sample).__name__}")


def finite(value: Any) -> float:
    """Return ``value`` as a float inside the finite range (a rational or a quotient may lie beyond it)."""
    try:
        number = float(value)
    except OverflowError:
        number = _LARGEST if value > 0 else -_LARGEST
    return min(max(number, -_LARGEST), _LARGEST)


def ratio(measured: Any, bound: Any) -> float | None:
    """Return the worst measured/bound over the points whose bound is positive; None if there is none."""
    positive = np.asarray(bound > 0, dtype=bool)
    if not positive.any():
        return None
    with np.errstate(over="ignore"):
        return finite(np.max(measured[positive] / bound[positive]))


def worst_status(statuses: Iterable[Status]) -> Status:
    """Return the worst of several statuses: refuted, skipped, inconclusive, supported."""
    found = set(statuses)
    return next(status for status in _ORDER if status in found)
