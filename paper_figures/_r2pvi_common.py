"""What the figures of r2pvi share: the look of each learner, curves with published points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from paper_figures.figure import Table
from paper_figures.style import Look

if TYPE_CHECKING:
    import matplotlib.axes

__all__ = ["LOOKS", "SHADES", "SLUG", "curve", "label", "published_key"]

SLUG = "r2pvi"

#: One look for each learner, in every figure of this paper.
LOOKS = {
    "PEVI": Look("#000000", "D", (0, (5, 1.4, 1.2, 1.4))),
    "R2PVI-TV": Look("#0072B2", "o", "-"),
    "R2PVI-KL": Look("#009E73", "s", (0, (5, 1.6))),
    "R2PVI-chi2": Look("#CC79A7", "^", (0, (1.2, 1.2))),
    "DRPVI": Look("#D55E00", "v", (0, (8, 2))),
    "DRVI-L": Look("#E69F00", "<", (0, (5, 1.4, 1.2, 1.4))),
    "DRPVI, sorted": Look("#56B4E9", ">", "-"),
}
NAMES = {"R2PVI-chi2": "R2PVI-χ²"}
#: Looks of the levels of lambda in Figures 1(b) and 1(d), from the most to the least robust.
SHADES = (
    Look("#0072B2", "o", "-"),
    Look("#009E73", "s", (0, (5, 1.6))),
    Look("#E69F00", "^", (0, (8, 2))),
    Look("#D55E00", "v", (0, (1.2, 1.2))),
)


def curve(ax: matplotlib.axes.Axes, table: Table, part: Any, look: Look, label: str) -> None:
    """Draw ours as a line in its band, the published points as hollow markers."""
    order = np.argsort(table["x"][part])
    x, ours, low, high, published = (table[name][part][order] for name in ("x", "ours", "low", "high", "published"))
    ax.fill_between(x, low, high, color=look.colour, alpha=0.13, linewidth=0)
    ax.plot(x, ours, color=look.colour, linestyle=look.dash, label=label)
    ax.plot(
        x, published, linestyle="none", marker=look.marker, markersize=5.5, markerfacecolor="white",
        markeredgecolor=look.colour, markeredgewidth=1.1, zorder=3, clip_on=False,
    )  # fmt: skip


def published_key(ax: matplotlib.axes.Axes) -> None:
    """Add the entry of the legend for hollow markers."""
    ax.plot([], [], linestyle="none", marker="o", markersize=5.5, markerfacecolor="white", markeredgecolor="#22252b",
            markeredgewidth=1.1, label="published")  # fmt: skip


def label(series: str) -> str:
    learner, comma, rest = series.partition(",")
    return NAMES.get(learner, learner) + comma + rest
