"""Figures of complexity-measures: coverability over layers, coverage against losses, and those of function classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bounds.claims import Evidence
from paper_figures import _complexity_functions
from paper_figures._tables import columns
from paper_figures.figure import Figure, Table
from paper_figures.style import Look, new_grid

if TYPE_CHECKING:
    import matplotlib.figure

__all__ = ["FIGURES"]

SLUG = "complexity-measures"

LOOKS = {"VI-LCB": Look("#0072B2", "o", "-"), "no penalty": Look("#E69F00", "s", "-")}

#: Family and name of its size.
FAMILIES = (("RiverSwim", "states $S$"), ("DeepSea", "depth $N$"), ("lock", "actions $A$"))


def layers_table(evidence: Evidence) -> Table:
    """Coverability of each horizon: family, size, horizon, sum of the last layer, largest sum so far."""
    rows: list[tuple[Any, ...]] = []
    for record in evidence.where(f"{SLUG}/layers"):
        sums = record["layer"]
        rows.extend(
            (record["family"], record["size"], h + 1, value, top)
            for h, (value, top) in enumerate(zip(sums, np.maximum.accumulate(sums), strict=True))
        )
    return columns(rows, ("family", "size", "horizon", "layer", "coverability"))


def draw_layers(table: Table) -> matplotlib.figure.Figure:
    """Draw one heat-map a family: size against horizon, coverability as colour."""
    figure, axes = new_grid("double-column", 1, 3, aspect=1.0)
    for ax, (family, label) in zip(axes[0], FAMILIES, strict=True):
        part = table["family"] == family
        sizes, last = np.unique(table["size"][part]), int(table["horizon"][part].max())
        values = np.full((sizes.size, last), np.nan)
        rows = np.searchsorted(sizes, table["size"][part])
        values[rows, table["horizon"][part].astype(int) - 1] = table["coverability"][part]
        image = ax.imshow(
            values,
            origin="lower",
            aspect="auto",
            cmap="viridis",
            extent=(0.5, last + 0.5, sizes[0] - 0.5, sizes[-1] + 0.5),
        )
        ax.grid(visible=False)
        ax.set(title=family, xlabel="horizon $H$", ylabel=label)
        ax.xaxis.get_major_locator().set_params(integer=True)
        figure.colorbar(image, ax=ax, location="bottom", shrink=0.9)
    return figure


def risks_table(evidence: Evidence) -> Table:
    """Mean loss against the coefficient, one row a model, data law and learner."""
    rows: list[tuple[Any, ...]] = []
    for record in evidence.where(f"{SLUG}/risks"):
        for label, name in zip(LOOKS, ("pessimistic", "empirical"), strict=True):
            rows.extend(
                (label, record["model"], c, loss, record["N"])
                for c, loss in zip(record["coefficient"], record[name], strict=True)
            )
    return columns(rows, ("learner", "model", "coefficient", "loss", "N"))


def draw_risks(table: Table) -> matplotlib.figure.Figure:
    """Draw losses over the coefficient, one panel a learner; a loss of 0 lies on the axis."""
    figure, axes = new_grid("double-column", 1, 2, aspect=0.74, share_x=True, share_y=True)
    for ax, (name, look) in zip(axes[0], LOOKS.items(), strict=True):
        part = table["learner"] == name
        ax.scatter(
            table["coefficient"][part],
            table["loss"][part],
            s=14,
            color=look.colour,
            marker=look.marker,
            alpha=0.7,
            linewidths=0,
            clip_on=False,
        )
        ax.set(xscale="log", title=name, xlabel=r"$C^{\pi^*} = \max d^{\pi^*}/\mu$")
        ax.set_yscale("symlog", linthresh=1e-2)
        ax.set_ylim(0.0, 3.0)
    axes[0, 0].set_ylabel(r"$V^*(\rho) - V^{\hat\pi}(\rho)$")
    return figure


FIGURES = (
    Figure(
        id=f"{SLUG}/fig_coverability",
        title="Coverability over the horizon",
        caption=(
            "Largest sum over pairs of the largest occupancy, over the steps up to the horizon; exact. RiverSwim "
            "starts at the left end; DeepSea of depth N lasts N steps; the lock has 12 digits, whatever the horizon."
        ),
        studies=(f"{SLUG}/layers",),
        table=layers_table,
        draw=draw_layers,
        claims=(f"{SLUG}/cov-identity", f"{SLUG}/cov-bounds"),
        differences=("no published figure",),
    ),
    Figure(
        id=f"{SLUG}/fig_concentrability",
        title="Coverage of the optimal policy and the loss of value iteration from data",
        caption=(
            "Random models (S=8, A=3, discount 0.9), 4000 rows, data between the optimal policy's occupancy and a "
            "random law; each point is the mean loss over data sets of one model and law. Left: VI-LCB with 0.05 "
            "Hoeffding widths and all rows in every iteration (no theorem covers these two choices); right: no "
            "penalty. Losses below 0.01 are drawn on a linear scale."
        ),
        studies=(f"{SLUG}/risks",),
        table=risks_table,
        draw=draw_risks,
        claims=(f"{SLUG}/conc-order",),
        differences=("no published figure; pessimism-lcb judges the rates",),
    ),
    *_complexity_functions.FIGURES,
)
