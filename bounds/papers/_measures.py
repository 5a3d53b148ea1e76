"""What the measures of all papers share: tables of evidence, bounds as numbers, comparisons put together, labels."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy as sp

from bounds.claims import Evidence, Record
from bounds.judges import Comparison
from tabular.errors import ParameterError

__all__ = ["Array", "Measure", "Rows", "all_of", "columns", "entry_labels", "joined", "numbers", "record_labels"]

Array = npt.NDArray[Any]
Measure = Callable[[Evidence], Any]


def all_of(*measures: Measure) -> Callable[[Evidence], tuple[Any, ...]]:
    """Return the measure of a statement in several parts."""
    return lambda evidence: tuple(measure(evidence) for measure in measures)


def record_labels(evidence: Evidence) -> tuple[str, ...]:
    """Return the label of each record."""
    return tuple(record.label for record in evidence)


def entry_labels(evidence: Evidence, name: str) -> tuple[str, ...]:
    """Return one label for each entry of array ``name``, joined over records."""
    return tuple(f"{record.label} [{i}]" for record in evidence for i in range(len(np.atleast_1d(record[name]))))


def columns(evidence: Evidence, *names: str) -> tuple[list[Array], tuple[str, ...]]:
    """Return arrays joined over records, and a label for each entry of the first."""
    return [np.asarray(evidence.column(name), dtype=np.float64) for name in names], entry_labels(evidence, names[0])


def _column(value: Any) -> Array:
    """Return an array of float64, or of Fractions as it stands."""
    array = np.asarray(value)
    return array if array.dtype == object else array.astype(np.float64)


class Rows:
    """The rows of one table of some records, with the parameters of their cells.

    Parameters
    ----------
    records : iterable of Record
    table : str
        The arrays ``<table>.<column>`` hold the columns; ``<table>.where`` names the instances, and ``<table>.rows``
        says how many rows each of them has. Columns of Fractions stay Fractions, and what is compared with them is
        compared in rational arithmetic.
    keep : array of bool, optional
        Which rows count; all by default.
    """

    def __init__(self, records: Iterable[Record], table: str, keep: npt.NDArray[np.bool_] | None = None) -> None:
        self._records = tuple(records)
        self._table = table
        self._keep = keep

    def only(self, column: str) -> Rows:
        """Return the rows whose ``column`` is not 0."""
        return Rows(self._records, self._table, self[column] != 0.0)

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


def joined(table: Rows, *pairs: tuple[Any, Any], scale: Any = 1.0, exact: bool = False) -> Comparison:
    """Return one comparison of several pairs (left, right), each with one entry a row of ``table``."""
    rows = len(table.labels)
    left = np.concatenate([np.broadcast_to(_column(one), (rows,)) for one, _ in pairs])
    right = np.concatenate([np.broadcast_to(_column(two), (rows,)) for _, two in pairs])
    exact = exact or left.dtype == object or right.dtype == object
    size = np.tile(np.broadcast_to(np.asarray(scale, dtype=np.float64), (rows,)), len(pairs))
    return Comparison(left, right, scale=size, labels=table.labels * len(pairs), exact=exact)
