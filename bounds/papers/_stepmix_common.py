"""What the claims of stepmix share: names, words of provenance, labels."""

from __future__ import annotations

import numpy as np

from bounds.claims import Evidence, Provenance

__all__ = ["BPI_KEY", "DOCS", "KEY", "PAGE", "RECALLED", "SLUG", "derived", "labels", "spread"]

SLUG = "stepmix"
KEY = "li2023"
BPI_KEY = "menard2021"
PAGE = "papers/stepmix.md"
DOCS = f"docs/{PAGE}"
RECALLED = "recalled: published constant, not seen in a source"


def derived(anchor: str, **constants: str) -> Provenance:
    """Return the provenance of a statement whose proof stands in the docs under ``anchor``."""
    return Provenance("derived", f"{DOCS}#{anchor}", constants)


def labels(evidence: Evidence) -> list[str]:
    """Return one label a record."""
    return [record.label for record in evidence]


def spread(evidence: Evidence, name: str) -> list[str]:
    """Return one label an entry of array ``name``."""
    return [f"{record.label} [{i}]" for record in evidence for i in range(np.atleast_1d(record[name]).shape[0])]
