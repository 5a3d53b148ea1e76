"""A number together with how well it is known."""

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Certified"]


@dataclass(frozen=True, slots=True, eq=False)
class Certified:
    """A quantity enclosed from both sides.

    Attributes
    ----------
    lower, upper : float, Fraction or array
        ``lower <= truth <= upper``; both infinite where the truth is.
    method : str
        How the enclosure was obtained, and what it takes for granted.
    witness : object
        What attains the value: a policy, a pair of states, ... as the function
        says; None where nothing does.
    """

    lower: Any
    upper: Any
    method: str
    witness: Any = None

    def __post_init__(self) -> None:
        if not np.all(np.asarray(self.lower <= self.upper)):
            raise ValueError(f"an enclosure needs lower <= upper, found {self.lower!r} and {self.upper!r}")

    @property
    def exact(self) -> bool:
        """Whether lower and upper agree everywhere."""
        return bool(np.all(np.asarray(self.lower == self.upper)))

    @property
    def value(self) -> Any:
        """The value where it is exact, else the middle of the enclosure (inf where the upper end is)."""
        if self.exact:
            return self.lower
        return self.lower + (self.upper - self.lower) / 2

    @property
    def width(self) -> float:
        """Largest distance between the ends; 0 where exact."""
        if self.exact:
            return 0.0
        same = np.asarray(self.lower == self.upper)
        low, high = np.where(same, 0.0, self.lower), np.where(same, 0.0, self.upper)
        return float(np.max(high - low))
