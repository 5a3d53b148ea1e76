"""What the claims of lsd-bandits share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from bounds.claims import Evidence, Provenance
from bounds.judges import Comparison

from . import _measures

__all__ = ["DOCS", "KEY", "ONE_OVER_E", "PAGE", "SLUG", "columns", "comparison", "derived"]

SLUG = "lsd-bandits"
KEY = "foussoul2023"
DOCS = f"docs/papers/{SLUG}.md"
PAGE = f"papers/{SLUG}.md"
ONE_OVER_E = float(np.exp(-1.0))

Array = npt.NDArray[np.float64]


def derived(name: str, **constants: str) -> Provenance:
    """Return the provenance of a statement proved in the docs."""
    return Provenance("derived", f"{DOCS}, {name}", constants)


def columns(evidence: Evidence, study: str, *names: str, **params: Any) -> tuple[list[Array], tuple[str, ...]]:
    """Return arrays of the records of ``study`` joined over records, and a label for each entry."""
    return _measures.columns(evidence.where(f"{SLUG}/{study}", **params), *names)


def comparison(
    study: str,
    names: tuple[str, ...],
    sides: Callable[..., tuple[Any, Any]],
    *,
    trivial: int | None = None,
    **params: Any,
) -> Callable[[Evidence], Comparison]:
    """Return the measure that compares the two ``sides`` computed from the arrays ``names``.

    ``trivial`` is the position among ``names`` of what is known without the theorem.
    """

    def measure(evidence: Evidence) -> Comparison:
        arrays, labels = columns(evidence, study, *names, **params)
        left, right = sides(*arrays)
        return Comparison(left, right, labels=labels, trivial=None if trivial is None else arrays[trivial])

    return measure
