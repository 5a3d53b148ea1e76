"""What the claims of complexity-measures share: names, provenance, rows of evidence."""

from __future__ import annotations

from bounds.claims import Assumption, Evidence, Provenance
from bounds.judges import Comparison

from ._measures import Measure, Rows, joined

__all__ = ["DOCS", "PAGE", "SLUG", "compared", "derived", "not_empty", "rows_of"]

SLUG = "complexity-measures"
PAGE = f"papers/{SLUG}.md"
DOCS = f"docs/{PAGE}"


def rows_of(evidence: Evidence, study: str, table: str) -> Rows:
    """Return the rows of one table of one study of this paper."""
    return Rows(evidence.where(f"{SLUG}/{study}"), table)


def compared(study: str, table: str, *pairs: tuple[str, str | float]) -> Measure:
    """Return the function that compares pairs of columns (or numbers) of one table."""

    def measure(evidence: Evidence) -> Comparison:
        rows = rows_of(evidence, study, table)
        sides = [tuple(rows[one] if isinstance(one, str) else one for one in pair) for pair in pairs]
        return joined(rows, *((left, right) for left, right in sides))

    return measure


def derived(anchor: str, **constants: str) -> Provenance:
    """Return the provenance of a statement whose proof stands in the docs under ``anchor``."""
    return Provenance("derived", f"{DOCS}#{anchor}", constants)


def not_empty(table: str) -> Assumption:
    """Return the premise that a cell holds an instance in ``table``."""
    return Assumption(
        "instances", r"\text{the cell holds an instance}", lambda record: record.arrays[f"{table}.rows"].size > 0
    )
