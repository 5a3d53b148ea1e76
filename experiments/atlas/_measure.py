"""What a column of the atlas is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bounds.complexity import Certified

__all__ = ["Measure", "largest"]


@dataclass(frozen=True, slots=True)
class Measure:
    r"""One number an instance.

    Attributes
    ----------
    name : str
        On the command line.
    symbol : str
        Its name in formulas, or words: prose with LaTeX between dollars.
    title : str
        In words.
    kinds : tuple of str
        What it applies to.
    function : str
        The function of `bounds.complexity` that computes it.
    source : str
        Keys of references.bib, separated by commas; empty for what everybody uses.
    definition : str
        Prose with LaTeX between dollars; the parameters used here included.
    of : callable
        ``instance -> Certified``, scalar.
    """

    name: str
    symbol: str
    title: str
    kinds: tuple[str, ...]
    function: str
    source: str
    definition: str
    of: Callable[[Any], Certified]


def largest(found: Certified, what: str) -> Certified:
    """Return the enclosure of the largest entry of an enclosed array."""
    return Certified(np.max(found.lower), np.max(found.upper), f"{found.method}; the largest over {what}")
