"""Arrays of fractions: read from floats, scaled to integers, and their rank."""

from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
import numpy.typing as npt

from tabular import _check as check
from tabular.errors import ParameterError

__all__ = ["as_fractions", "rank_of_fractions", "scaled_integers"]

Objects = npt.NDArray[Any]


def as_fractions(
    value: Any, name: str, max_denominator: int | None, *, ndim: int | tuple[int, ...], error: Any = ParameterError
) -> Objects:
    """Return an object array of fractions: the nearest with a small denominator, or with None the floats themselves.

    Fractions and integers given as such are taken as they are.
    """
    source = np.asarray(value, dtype=object)
    floats = check.as_array(value, name, ndim=ndim, error=error)
    limit = None if max_denominator is None else check.count(max_denominator, "max_denominator")
    result = np.empty(floats.shape, dtype=object)
    for index in np.ndindex(floats.shape):
        item: Any = source[index]
        if isinstance(item, Fraction) or limit is None:
            result[index] = Fraction(item)
        else:
            result[index] = Fraction(float(floats[index])).limit_denominator(limit)
    return result


def scaled_integers(values: Objects, name: str) -> tuple[npt.NDArray[np.float64], int]:
    """Return floats that are integers, and what they must be divided by to give ``values``.

    Raises
    ------
    ParameterError
        If the common denominator makes them too large for exact floats.
    """
    common = lcm(*(entry.denominator for entry in values.ravel()))
    whole = np.array([int(entry * common) for entry in values.ravel()], dtype=object)
    if max(abs(entry) for entry in whole) >= 2**52:
        raise ParameterError(f"{name} has the common denominator {common}; give a smaller max_denominator")
    return whole.astype(np.float64).reshape(values.shape), common


def rank_of_fractions(matrix: Objects) -> int:
    """Return the rank of a matrix of fractions, by elimination without fractions (Bareiss 1968)."""
    rows = []
    for row in matrix:
        common = lcm(*(Fraction(entry).denominator for entry in row))
        rows.append([int(Fraction(entry) * common) for entry in row])
    rank, previous = 0, 1
    for column in range(matrix.shape[1]):
        pivot = next((i for i in range(rank, len(rows)) if rows[i][column]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        lead = rows[rank]
        for i in range(rank + 1, len(rows)):
            factor = rows[i][column]
            rows[i] = [(x * lead[column] - factor * y) // previous for x, y in zip(rows[i], lead, strict=True)]
        previous = lead[column]
        rank += 1
    return rank
