"""What the claims of r2pvi share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bounds.claims import Evidence, Provenance
from bounds.judges import Comparison

from ._measures import Array

__all__ = ["DOCS", "KEY", "PAGE", "RECALLED", "SLUG", "compared", "derived"]

SLUG = "r2pvi"
KEY = "tang2025"
PAGE = f"papers/{SLUG}.md"
DOCS = f"docs/{PAGE}"
RECALLED = "recalled: not seen in a source"


def derived(anchor: str, **constants: str) -> Provenance:
    """Return the provenance of a statement whose proof stands in the docs under ``anchor``."""
    return Provenance("derived", f"{DOCS}#{anchor}", constants)


def compared(
    study: str, left: str, right: str | float, *, scale: float = 1.0, first: str = "", **params: Any
) -> Callable[[Evidence], Comparison]:
    """Return the measure that compares array ``left`` with array (or number) ``right`` of the records of ``study``.

    With ``first``, only the leading entries of each record for which array ``first`` has one.
    """

    def measure(evidence: Evidence) -> Comparison:
        sides: tuple[list[Array], list[Array]] = ([], [])
        labels: list[str] = []
        for record in evidence.where(f"{SLUG}/{study}", **params):
            n = np.size(record[first or left])
            sides[0].append(np.asarray(record[left], dtype=np.float64)[:n])
            other = np.full(n, right) if isinstance(right, float) else np.asarray(record[right], dtype=np.float64)[:n]
            sides[1].append(other)
            labels += [f"{record.label} [{i}]" for i in range(n)]
        return Comparison(np.concatenate(sides[0]), np.concatenate(sides[1]), scale=scale, labels=labels)

    return measure
