"""What the claims of the foundations share: rows of evidence, comparisons of one table, provenance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bounds.claims import Assumption, Evidence, Provenance
from bounds.judges import Comparison

from ._measures import Rows, joined

__all__ = ["DISCOUNTED", "DOCS", "SLUG", "derived", "measured", "rows_of"]

SLUG = "tabular-foundations"
DOCS = "papers/tabular-foundations.md"


def rows_of(evidence: Evidence, study: str, table: str) -> Rows:
    """Return the rows of one table of one study of this paper."""
    return Rows(evidence.where(f"{SLUG}/{study}"), table)


def measured(
    study: str, table: str, pairs: Callable[[Rows], tuple[tuple[Any, Any], ...]], *, exact: bool = False
) -> Any:
    """Return the function ``Evidence -> Comparison`` that compares ``pairs`` of one table."""

    def measure(evidence: Evidence) -> Comparison:
        rows = rows_of(evidence, study, table)
        return joined(rows, *pairs(rows), exact=exact)

    return measure


def derived(anchor: str, **constants: str) -> Provenance:
    """Return the provenance of a statement whose proof stands in the docs under ``anchor``."""
    return Provenance("derived", f"docs/{DOCS}#{anchor}", constants)


DISCOUNTED = Assumption(
    "discounted", r"0 \le \gamma < 1", lambda record: 0.0 <= float(record.params.get("gamma", 0.0)) < 1.0
)
