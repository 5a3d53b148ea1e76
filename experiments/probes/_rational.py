"""The twins in rational arithmetic: dynamic programming on object arrays of Fractions, and tables of them."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from tabular.planning._rational import solve_linear

__all__ = ["Model", "laws", "norm", "rational", "span", "table"]

Array = npt.NDArray[Any]


def rational(array: Any) -> Array:
    """Return the floats of an array as Fractions, of the same shape."""
    source = np.asarray(array)
    out = np.empty(source.shape, dtype=object)
    for index, x in np.ndenumerate(source):
        out[index] = Fraction(x.item())
    return out


def laws(P: Array) -> Array:
    """Return probability vectors as Fractions that sum to exactly 1 (floats do so up to rounding)."""
    exact = rational(P)
    rows = exact.reshape(-1, exact.shape[-1])
    for row in rows:
        row[:] = row / sum(row, Fraction(0))
    return rows.reshape(exact.shape)


def norm(v: Array) -> Fraction:
    """Return the largest absolute value."""
    return max((abs(x) for x in np.asarray(v).flat), default=Fraction(0))


def span(v: Array) -> Fraction:
    """Return the largest value minus the smallest."""
    return max(v.flat) - min(v.flat)


def table(name: str, where: str, **columns: Any) -> dict[str, Array]:
    """Return the arrays of one row group of a table, as `_table.Table` names them."""
    whole = np.broadcast_arrays(*(np.atleast_1d(np.asarray(value, dtype=object)) for value in columns.values()))
    found: dict[str, Array] = {f"{name}.where": np.array([where]), f"{name}.rows": np.array([whole[0].size])}
    for column, values in zip(columns, whole, strict=True):
        found[f"{name}.{column}"] = np.array(values, dtype=object).ravel()
    return found


class Model:
    """A discounted model over the rationals.

    Parameters
    ----------
    P : ndarray, shape (S, A, S)
    r : ndarray, shape (S, A)
    gamma : float
    """

    def __init__(self, P: Array, r: Array, gamma: float) -> None:
        self.P, self.r, self.gamma = laws(P), rational(r), Fraction(gamma)
        self.S, self.A = self.r.shape
        self.states = np.arange(self.S)

    def bellman(self, v: Array) -> tuple[Array, npt.NDArray[np.int64]]:
        """Return ``T v`` and the smallest greedy action of each state."""
        Q = self.r + self.gamma * (self.P @ v)
        best = Q.max(axis=1)
        return best, np.argmax(best[:, None] == Q, axis=1)

    def evaluate(self, policy: npt.NDArray[np.int64]) -> Array:
        """Return the values of a deterministic policy."""
        return self.solve(self.P[self.states, policy], self.r[self.states, policy])

    def solve(self, rows: Array, right: Array) -> Array:
        """Return the solution of ``x = right + gamma * rows @ x``."""
        eye = rational(np.eye(self.S, dtype=np.int64))
        system = eye - self.gamma * rows
        out = np.empty(self.S, dtype=object)
        out[:] = solve_linear([list(row) for row in system], list(right))
        return out

    def optimal(self) -> Array:
        """Return the optimal values, by Howard's policy iteration."""
        policy = np.zeros(self.S, dtype=np.int64)
        while True:
            V = self.evaluate(policy)
            Q = self.r + self.gamma * (self.P @ V)
            best = Q.max(axis=1)
            if not (best > V).any():
                return V
            policy = np.where(best > V, np.argmax(best[:, None] == Q, axis=1), policy)

    def overlap(self) -> Fraction:
        """Return 1 minus the smallest common mass of two rows."""
        rows = self.P.reshape(-1, self.S)
        return 1 - min(sum((min(a, b) for a, b in zip(p, q, strict=True)), Fraction(0)) for p in rows for q in rows)


def joined(*tables: Mapping[str, Array]) -> dict[str, Array]:
    """Return the arrays of several row groups, which of equal names concatenated."""
    found: dict[str, Array] = {}
    for one in tables:
        for name, value in one.items():
            found[name] = np.concatenate([found[name], value]) if name in found else value
    return found
