"""What the claims of misspecified-sparse-linear-bandits share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bounds.claims import Evidence, Provenance

__all__ = ["DOCS", "KEY", "SLUG", "derived", "label", "per_entry"]

SLUG = "misspecified-sparse-linear-bandits"
KEY = "dong2023"
DOCS = f"docs/papers/{SLUG}.md"


def derived(anchor: str, **constants: str) -> Provenance:
    """Return the provenance of a statement whose proof stands in the docs under ``anchor``."""
    return Provenance("derived", f"{DOCS}#{anchor}", constants)


def per_entry(evidence: Evidence, values: Sequence[float], name: str) -> Any:
    """Return one value a record, repeated for each entry of array ``name``."""
    sizes = [record.arrays[name].shape[0] for record in evidence]
    return np.repeat(np.asarray(values, dtype=np.float64), sizes)


def label(evidence: Evidence) -> str:
    """Return the label of the first record of several."""
    return evidence.records[0].label
