"""What the claims of ftrl-log-barrier share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy as sp

from bounds.claims import Evidence, Provenance
from bounds.judges import Comparison

from ._measures import entry_labels

__all__ = [
    "DOCS",
    "KEY",
    "PAGE",
    "SLUG",
    "A",
    "Columns",
    "H",
    "K",
    "comparison",
    "d",
    "derived",
    "eta",
    "gamma",
    "recalled",
]

SLUG = "ftrl-log-barrier"
KEY = "dai2023"
DOCS = f"docs/papers/{SLUG}.md"
PAGE = f"papers/{SLUG}.md"

A, H, K, d, eta, gamma = sp.symbols("A H K d eta gamma", positive=True)

Array = npt.NDArray[np.float64]


def derived(name: str, **constants: str) -> Provenance:
    """Return the provenance of a statement proved in the docs."""
    return Provenance("derived", f"{DOCS}, {name}", constants)


def recalled(what: str, **constants: str) -> Provenance:
    """Return the provenance of a statement that no source seen confirms."""
    return Provenance("recalled", what, constants)


class Columns:
    """The arrays of one study's records, one row an instance, with a label each."""

    def __init__(self, evidence: Evidence, study: str, **params: Any) -> None:
        self._kept = evidence.where(f"{SLUG}/{study}", **params)

    def __getitem__(self, name: str) -> Array:
        """Return array ``name`` of all records."""
        return np.asarray(self._kept.column(name), dtype=np.float64)

    def labels(self, name: str) -> tuple[str, ...]:
        """Return one label for each entry of array ``name``."""
        return entry_labels(self._kept, name)


def comparison(
    study: str, pairs: Callable[[Columns], tuple[tuple[Any, Any, Any], ...]], anchor: str, **params: Any
) -> Callable[[Evidence], Comparison]:
    """Return the measure that compares ``pairs`` of (left, right, scale), each with one entry a row of ``anchor``."""

    def measure(evidence: Evidence) -> Comparison:
        columns = Columns(evidence, study, **params)
        rows = columns[anchor].shape
        parts = [
            tuple(np.broadcast_to(np.asarray(x, dtype=np.float64), rows) for x in triple) for triple in pairs(columns)
        ]
        left, right, scale = (np.concatenate(side) for side in zip(*parts, strict=True))
        return Comparison(left, right, scale=scale, labels=columns.labels(anchor) * len(parts))

    return measure
