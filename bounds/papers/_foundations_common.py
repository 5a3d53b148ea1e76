"""What the claims of the foundations share: rows of evidence, bounds as numbers, comparisons put together."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy as sp

from bounds.claims import Assumption, Evidence, Provenance
from bounds.judges import Comparison
from tabular.errors import ParameterError

__all__ = ["DISCOUNTED", "DOCS", "SLUG", "Points", "derived", "joined", "measured", "numbers"]

SLUG = "tabular-foundations"
DOCS = "papers/tabular-foundations.md"

Array = npt.NDArray[Any]


def _column(value: Any) -> Array:
    """Return an array of float64, or of Fractions as it stands."""
    array = np.asarray(value)
    return array if array.dtype == object else array.astype(np.float64)


class Points:
    """The rows of one table of one study, with the parameters of their cells.

    Parameters
    ----------
    evidence : Evidence
    study : str
        Name of the study after the slug.
    table : str
        The arrays ``<table>.<column>`` hold the columns; ``<table>.where`` names the instances, and ``<table>.rows``
        says how many rows each of them has. Columns of Fractions stay Fractions, and what is compared with them is
        compared in rational arithmetic.
    """

    def __init__(self, evidence: Evidence, study: str, table: str) -> None:
        self._records = tuple(evidence.where(f"{SLUG}/{study}"))
        self._table = table
        self._keep: npt.NDArray[np.bool_] | None = None

    def only(self, column: str) -> Points:
        """Return the rows whose ``column`` is not 0."""
        chosen = object.__new__(Points)
        chosen._records, chosen._table, chosen._keep = self._records, self._table, self[column] != 0.0
        return chosen

    def __getitem__(self, column: str) -> Array:
        """Return a column, or a parameter of the cell repeated for each of its rows."""
        parts = []
        for record in self._records:
            rows = int(record.arrays[f"{self._table}.rows"].sum())
            value = record.arrays.get(f"{self._table}.{column}")
            parts.append(np.full(rows, record.params[column]) if value is None else value)
        whole = _column(np.concatenate(parts))
        return whole if self._keep is None else whole[self._keep]

    @property
    def labels(self) -> tuple[str, ...]:
        """Cell, instance and entry (state, or pair of state and action) of each row."""
        names = [
            f"{record.label}: {where}" + (f", entry {entry}" if rows > 1 else "")
            for record in self._records
            for where, rows in zip(record[f"{self._table}.where"], record[f"{self._table}.rows"], strict=True)
            for entry in range(rows)
        ]
        return tuple(names) if self._keep is None else tuple(itertools.compress(names, self._keep))


def numbers(bound: sp.Expr, values: Mapping[sp.Symbol, Any]) -> Array:
    """Evaluate ``bound`` with an array (or a number) for each of its symbols; with Fractions, exactly.

    Raises
    ------
    ParameterError
        If a symbol is a Fraction and the bound is not rational in it.
    """
    arrays = [_column(values[symbol]) for symbol in values]
    if any(array.dtype == object for array in arrays):
        above, below = _fraction(bound, tuple(values))
        result = np.asarray(above(*arrays) / below(*arrays))
        if not all(isinstance(value, Fraction | int) for value in result.flat):
            raise ParameterError(f"{bound} is not rational where its symbols are")
        return result
    return _column(_function(bound, tuple(values))(*arrays))


@functools.cache
def _function(bound: sp.Expr, symbols: tuple[sp.Symbol, ...]) -> Callable[..., Any]:
    function: Callable[..., Any] = sp.lambdify(symbols, bound, "numpy")
    return function


@functools.cache
def _fraction(bound: sp.Expr, symbols: tuple[sp.Symbol, ...]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return numerator and denominator, whose coefficients are whole numbers and hence lose nothing."""
    above, below = sp.together(sp.nsimplify(bound, rational=True)).as_numer_denom()
    return sp.lambdify(symbols, above, "numpy"), sp.lambdify(symbols, below, "numpy")


def joined(points: Points, *pairs: tuple[Any, Any], scale: Any = 1.0, exact: bool = False) -> Comparison:
    """Return one comparison of several pairs (left, right), each with one entry a row of ``points``."""
    rows = len(points.labels)
    left = np.concatenate([np.broadcast_to(_column(one), (rows,)) for one, _ in pairs])
    right = np.concatenate([np.broadcast_to(_column(two), (rows,)) for _, two in pairs])
    exact = exact or left.dtype == object or right.dtype == object
    size = np.tile(np.broadcast_to(np.asarray(scale, dtype=np.float64), (rows,)), len(pairs))
    return Comparison(left, right, scale=size, labels=points.labels * len(pairs), exact=exact)


def measured(
    study: str, table: str, pairs: Callable[[Points], tuple[tuple[Any, Any], ...]], *, exact: bool = False
) -> Any:
    """Return the function ``Evidence -> Comparison`` that compares ``pairs`` of one table."""

    def measure(evidence: Evidence) -> Comparison:
        points = Points(evidence, study, table)
        return joined(points, *pairs(points), exact=exact)

    return measure


def derived(anchor: str, **constants: str) -> Provenance:
    """Return the provenance of a statement whose proof stands in the docs under ``anchor``."""
    return Provenance("derived", f"docs/{DOCS}#{anchor}", constants)


DISCOUNTED = Assumption(
    "discounted", r"0 \le \gamma < 1", lambda record: 0.0 <= float(record.params.get("gamma", 0.0)) < 1.0
)
