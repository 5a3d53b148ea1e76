"""The two number systems of average-reward planning: float64 and exact fractions.

Evaluation and policy iteration are written once, over arrays of either kind; an
`Arithmetic` supplies what differs: times and rewards until a chain leaves a set of states,
and stationary laws.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from .._jit import kernel
from ..errors import ModelError
from ._rational import solve_linear

__all__ = ["FLOAT", "RATIONAL", "Arithmetic", "rational_model"]

Vector = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Operations of one number system.

    Attributes
    ----------
    dtype : type
        Of the arrays: ``np.float64``, or ``object`` holding `Fraction`.
    absorb : callable
        ``absorb(Q, leave, b)`` solves ``x = b + Q x`` for the transient part Q
        (n, n) of a chain that is left with probabilities ``leave`` (n,).
    stationary : callable
        ``stationary(P)`` returns the stationary law of an irreducible chain.
    exact : bool
        Whether comparisons need no tolerance.
    """

    dtype: Any
    absorb: Callable[[Vector, Vector, Vector], Vector]
    stationary: Callable[[Vector], Vector]
    exact: bool


@kernel
def _gth(P: Any, law: Any) -> None:
    """Stationary law of an irreducible chain, by state reduction without subtractions; P is overwritten."""
    n = P.shape[0]
    for k in range(n - 1, 0, -1):
        leaving = 0.0
        for j in range(k):
            leaving += P[k, j]
        for i in range(k):
            P[i, k] /= leaving
            for j in range(k):
                P[i, j] += P[i, k] * P[k, j]
    total = 1.0
    law[0] = 1.0
    for k in range(1, n):
        law[k] = 0.0
        for i in range(k):
            law[k] += law[i] * P[i, k]
        total += law[k]
    for k in range(n):
        law[k] /= total


@kernel
def _reduce(Q: Any, leave: Any, x: Any) -> None:
    """Solve ``x = b + Q x`` by state reduction without subtractions; x holds b on entry; all are overwritten.

    Q (n, n), leave (n,) with ``sum_j Q[i, j] + leave[i] = 1``: the diagonal of
    ``I - Q`` is formed from the off-diagonal entries, so that a chain that is
    hardly ever left loses no accuracy.
    """
    n = Q.shape[0]
    for k in range(n - 1, -1, -1):
        out = leave[k]
        for j in range(k):
            out += Q[k, j]
        Q[k, k] = out
        for i in range(k):
            share = Q[i, k] / out
            if share > 0.0:
                for j in range(k):
                    Q[i, j] += share * Q[k, j]
                leave[i] += share * leave[k]
                x[i] += share * x[k]
    for k in range(n):
        for j in range(k):
            x[k] += Q[k, j] * x[j]
        x[k] /= Q[k, k]


def _float_absorb(Q: Vector, leave: Vector, b: Vector) -> Vector:
    x = np.array(b, dtype=np.float64)
    _reduce(np.array(Q, dtype=np.float64, order="C"), np.array(leave, dtype=np.float64), x)
    return x


def _float_stationary(P: Vector) -> Vector:
    law = np.empty(P.shape[0])
    _gth(np.array(P, dtype=np.float64, order="C"), law)
    return law


def _rational_solve(M: Vector, right: Vector) -> Vector:
    return np.array(solve_linear(M.tolist(), right.tolist()), dtype=object)


def _rational_absorb(Q: Vector, leave: Vector, b: Vector) -> Vector:
    one = np.eye(Q.shape[0], dtype=np.int64)
    return _rational_solve(one - Q, b)


def _rational_stationary(P: Vector) -> Vector:
    n = P.shape[0]
    M = np.array([[Fraction(int(i == j)) for j in range(n)] for i in range(n)], dtype=object) - P.T
    M[-1] = Fraction(1)
    right = np.array([Fraction(0)] * (n - 1) + [Fraction(1)], dtype=object)
    return _rational_solve(M, right)


FLOAT = Arithmetic(np.float64, _float_absorb, _float_stationary, exact=False)
RATIONAL = Arithmetic(object, _rational_absorb, _rational_stationary, exact=True)


def _fractions(values: Any, name: str, ndim: int, max_denominator: int | None) -> Vector:
    source = np.asarray(values, dtype=object)
    if source.ndim != ndim or source.size == 0:
        raise ModelError(f"{name} has shape {source.shape}; a non-empty array with {ndim} axes is needed")
    result = np.empty(source.shape, dtype=object)
    for index in np.ndindex(source.shape):
        entry: Any = source[index]
        try:
            value = Fraction(entry)
        except (TypeError, ValueError, OverflowError):
            raise ModelError(f"{name}{list(index)} is {entry!r}; a rational number is needed") from None
        result[index] = value if max_denominator is None else value.limit_denominator(max_denominator)
    return result


def rational_model(P: Any, r: Any, max_denominator: int | None = None) -> tuple[Vector, Vector]:
    """Return transitions and rewards as object arrays of `Fraction`.

    Parameters
    ----------
    P : array (S, A, S)
        Entries are anything `Fraction` accepts: integers, fractions, decimal
        strings, floats (taken at their exact binary value).
    r : array (S, A)
        The same.
    max_denominator : int, optional
        Replace each entry by the nearest fraction with at most this denominator,
        so that the float 0.35 means 7/20.

    Raises
    ------
    ModelError
        If an entry is negative or a row does not sum to exactly 1.
    """
    chances = _fractions(P, "P", 3, max_denominator)
    rewards = _fractions(r, "r", 2, max_denominator)
    S, A = chances.shape[:2]
    if chances.shape != (S, A, S) or rewards.shape != (S, A):
        raise ModelError(f"P has shape {chances.shape} and r {rewards.shape}; (S, A, S) and (S, A) are needed")
    for s, a in np.ndindex(S, A):
        row = chances[s, a]
        if min(row) < 0:
            raise ModelError(f"P[{s}, {a}, {int(np.argmin(row))}] is {min(row)}; probabilities must be >= 0")
        if sum(row) != 1:
            raise ModelError(
                f"P[{s}, {a}] sums to 1 {float(sum(row) - 1):+.3g}; exact arithmetic needs rows that sum to exactly 1 "
                "(give fractions, or max_denominator=)"
            )
    return chances, rewards
