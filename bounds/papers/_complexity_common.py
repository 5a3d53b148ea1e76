"""What the claims of complexity-measures share: names, provenance, rows of evidence."""

from __future__ import annotations

from bounds.claims import Assumption, Evidence, Provenance

from ._foundations_common import Points

__all__ = ["DOCS", "SLUG", "Rows", "derived", "not_empty"]

SLUG = "complexity-measures"
DOCS = f"docs/papers/{SLUG}.md"


class Rows(Points):
    """The rows of one table of one study of this paper; as `Points` otherwise."""

    def __init__(self, evidence: Evidence, study: str, table: str) -> None:
        self._records = tuple(evidence.where(f"{SLUG}/{study}"))
        self._table = table
        self._keep = None


def derived(anchor: str, **constants: str) -> Provenance:
    """Return the provenance of a statement whose proof stands in the docs under ``anchor``."""
    return Provenance("derived", f"{DOCS}#{anchor}", constants)


def not_empty(table: str) -> Assumption:
    """Return the premise that a cell holds an instance in ``table``."""
    return Assumption(
        "instances", r"\text{the cell holds an instance}", lambda record: record.arrays[f"{table}.rows"].size > 0
    )
