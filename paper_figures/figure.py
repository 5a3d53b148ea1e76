"""A figure: a pure function from evidence to a table, and one from the table to a drawing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy.typing as npt

from bounds.claims import Evidence

if TYPE_CHECKING:
    import matplotlib.figure

__all__ = ["Figure", "Table"]

Table = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a paper; it names studies and never runs one.

    Attributes
    ----------
    id : str
        ``<slug>/<name>``, for example ``pessimism-lcb/fig_rates``.
    title, caption : str
        The caption says what the bands are (runs, level, method).
    studies : tuple of str
        Ids of the studies it draws.
    table : callable
        ``Evidence -> Table``: columns of equal length, exactly the plotted numbers.
    draw : callable
        ``Table -> matplotlib Figure``.
    claims : tuple of str
        Claims that the figure illustrates.
    differences : tuple of str
        Where and why it differs from the paper's figure.
    """

    id: str
    title: str
    caption: str
    studies: tuple[str, ...]
    table: Callable[[Evidence], Table]
    draw: "Callable[[Table], matplotlib.figure.Figure]"
    claims: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        slug: str,
        name: str,
        title: str,
        caption: str,
        studies: tuple[str, ...],
        table: Callable[[Evidence], Table],
        draw: "Callable[[Table], matplotlib.figure.Figure]",
        claims: tuple[str, ...] = (),
        differences: tuple[str, ...] = (),
    ) -> Self:
        """Return a figure of paper ``slug``; its name, studies and claims are given without the slug."""
        return cls(
            id=f"{slug}/{name}",
            title=title,
            caption=caption,
            studies=tuple(f"{slug}/{study}" for study in studies),
            table=table,
            draw=draw,
            claims=tuple(f"{slug}/{claim}" for claim in claims),
            differences=differences,
        )
