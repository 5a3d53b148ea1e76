"""What the claims of robust-static-iwocs share."""

from __future__ import annotations

from typing import Any

import numpy as np

from bounds.claims import Evidence, Provenance
from bounds.judges import Comparison

from ._measures import Array, columns

__all__ = ["KEY", "PAGE", "RULES", "SLUG", "arrays", "compared_pairs", "confirmed", "derived"]

SLUG = "robust-static-iwocs"
KEY = "zouitine2024"
PAGE = f"papers/{SLUG}.md"
#: Completion rules under the paper's own values.
RULES = ("keep", "worst", "nominal")


def derived(name: str, **constants: str) -> Provenance:
    """Return the provenance of a statement proved on the docs page."""
    return Provenance("derived", f"docs/{PAGE}, {name}", constants)


def confirmed(where: str, **constants: str) -> Provenance:
    """Return the provenance of a statement seen in the full text."""
    return Provenance("confirmed", f"{KEY}, {where}", constants)


def arrays(evidence: Evidence, study: str, *names: str, **params: Any) -> tuple[list[Array], tuple[str, ...]]:
    """Return arrays of the records of ``study`` joined over records, and a label for each entry of the first."""
    return columns(evidence.where(f"{SLUG}/{study}", **params), *names)


def compared_pairs(evidence: Evidence, study: str, pairs: tuple[tuple[str, str], ...], **params: Any) -> Comparison:
    """Return the comparison of each pair of arrays, one after the other."""
    left, right, names = [], [], []
    for one, other in pairs:
        (first, second), labels = arrays(evidence, study, one, other, **params)
        left.append(first)
        right.append(second)
        names += [f"{one} against {other}, {label}" for label in labels]
    return Comparison(np.concatenate(left), np.concatenate(right), labels=names)
