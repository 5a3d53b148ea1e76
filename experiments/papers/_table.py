"""Rows of measured numbers as the arrays of a record."""

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Table"]

Array = npt.NDArray[np.float64]


class Table:
    """Rows of measured numbers with the name of the instance they were measured on.

    Parameters
    ----------
    name : str
        Prefix of the arrays, ``<name>.<column>``.
    *columns : str
        Names of the columns.
    """

    def __init__(self, name: str, *columns: str) -> None:
        self.name = name
        self.columns: dict[str, list[Array]] = {column: [] for column in columns}
        self.where: list[str] = []
        self.rows: list[int] = []

    def add(self, where: str, **values: Any) -> None:
        """Append one row, or one for each entry of the arrays among ``values`` (scalars serve them all)."""
        if values.keys() != self.columns.keys():
            raise KeyError(f"table {self.name} has columns {list(self.columns)}, not {list(values)}")
        columns = np.broadcast_arrays(
            *(np.atleast_1d(np.asarray(value, dtype=np.float64)) for value in values.values())
        )
        for name, column in zip(values, columns, strict=True):
            self.columns[name].append(column.ravel())
        self.where.append(where)
        self.rows.append(columns[0].size)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the columns as arrays, the instances as ``<name>.where``, their numbers of rows as ``<name>.rows``."""
        out: dict[str, npt.NDArray[Any]] = {
            f"{self.name}.where": np.array(self.where, dtype=np.str_),
            f"{self.name}.rows": np.array(self.rows, dtype=np.int64),
        }
        for column, parts in self.columns.items():
            out[f"{self.name}.{column}"] = np.concatenate(parts) if parts else np.empty(0)
        return out
