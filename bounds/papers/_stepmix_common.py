"""What the claims of stepmix share: names, words of provenance."""

from __future__ import annotations

from bounds.claims import Provenance

__all__ = ["BPI_KEY", "DOCS", "KEY", "PAGE", "RECALLED", "SLUG", "derived"]

SLUG = "stepmix"
KEY = "li2023"
BPI_KEY = "menard2021"
PAGE = "papers/stepmix.md"
DOCS = f"docs/{PAGE}"
RECALLED = "recalled: published constant, not seen in a source"


def derived(anchor: str, **constants: str) -> Provenance:
    """Return the provenance of a statement whose proof stands in the docs under ``anchor``."""
    return Provenance("derived", f"{DOCS}#{anchor}", constants)
