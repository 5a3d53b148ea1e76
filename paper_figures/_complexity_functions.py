"""Figures of complexity-measures about function classes: eluder staircases, effective horizons, coefficients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bounds.claims import Evidence
from paper_figures._tables import columns, stacked
from paper_figures.figure import Figure, Table
from paper_figures.style import Look, new_figure, new_grid

if TYPE_CHECKING:
    import matplotlib.figure

__all__ = ["FIGURES"]

SLUG = "complexity-measures"

CLASSES = {
    "singletons": Look("#000000", "o", "-"),
    "thresholds": Look("#56B4E9", "s", "-"),
    "linear, d=2": Look("#0072B2", "^", "-"),
    "linear, d=3": Look("#009E73", "v", "-"),
    "smooth": Look("#E69F00", "D", "-"),
    "random": Look("#CC79A7", "P", "-"),
}
FAMILIES = {
    "lock": Look("#D55E00", "o", "-"),
    "dense chain": Look("#0072B2", "s", (0, (5, 1.6))),
    "riverswim": Look("#009E73", "^", (0, (5, 1.4, 1.2, 1.4))),
    "lure": Look("#CC79A7", "D", (0, (1.2, 1.2))),
}
ARMS = (
    Look("#0072B2", "o", "-"),
    Look("#009E73", "s", "-"),
    Look("#D55E00", "^", "-"),
    Look("#CC79A7", "D", "-"),
    Look("#E69F00", "v", "-"),
    Look("#56B4E9", "P", "-"),
    Look("#000000", "X", "-"),
)


def staircase_table(evidence: Evidence) -> Table:
    """Eluder dimension over eps, with both ends of its enclosure."""
    return stacked(
        [
            {"series": record["family"], "eps": record["eps"], "dimension": record["lower"], "upper": record["upper"]}
            for record in evidence.where(f"{SLUG}/staircases")
        ]
    )


def draw_staircases(table: Table) -> matplotlib.figure.Figure:
    """Draw one step function a family; families are moved apart by a twentieth where they coincide."""
    figure, ax = new_figure("wide", aspect=0.6)
    for i, (name, look) in enumerate(CLASSES.items()):
        part = table["series"] == name
        x, y = table["eps"][part], table["dimension"][part] + 0.05 * i
        ax.step(x, y, where="mid", color=look.colour, linewidth=1.2)
        ax.plot(x, y, linestyle="none", marker=look.marker, color=look.colour, markersize=3.0)
        ax.plot([], [], color=look.colour, marker=look.marker, label=name)
    ax.set(xlabel=r"$\epsilon$", ylabel=r"$\dim_E(F,\epsilon)$")
    ax.set_ylim(-0.3, float(table["dimension"].max()) + 0.9)
    ax.set_yticks(range(0, int(table["dimension"].max()) + 1, 2))
    figure.legend(*ax.get_legend_handles_labels(), loc="outside right center")
    return figure


def horizon_table(evidence: Evidence) -> Table:
    """Least depth and effective horizon over the length of episodes."""
    rows: list[tuple[Any, ...]] = []
    for record in evidence.where(f"{SLUG}/horizons"):
        low, high = (float(x) for x in record["depth"])
        rows.append((record["family"], record["H"], low, high, *(float(x) for x in record["horizon"])))
    return columns(rows, ("series", "H", "depth", "depth_upper", "horizon", "horizon_upper"))


def draw_horizons(table: Table) -> matplotlib.figure.Figure:
    """Draw depth on the left, effective horizon on the right."""
    figure, axes = new_grid("double-column", 1, 2, aspect=0.8)
    for ax, column, label in (
        (axes.flat[0], "depth_upper", r"depth $k^\star$"),
        (axes.flat[1], "horizon_upper", r"effective horizon $\bar H$"),
    ):
        for i, (name, look) in enumerate(FAMILIES.items()):
            part = table["series"] == name
            shift = 0.04 * i if column == "depth_upper" else 0.0
            ax.plot(
                table["H"][part],
                table[column][part] + shift,
                color=look.colour,
                marker=look.marker,
                linestyle=look.dash,
                label=name,
            )
        ax.set(xlabel="length of an episode H", ylabel=label)
    axes.flat[1].plot([2, table["H"].max()], [2, table["H"].max()], color="#7b828c", linewidth=0.8, label="H")
    axes.flat[0].set_yticks(range(1, int(table["depth_upper"].max()) + 2))
    figure.legend(*axes.flat[1].get_legend_handles_labels(), loc="outside right center")
    return figure


def dec_table(evidence: Evidence) -> Table:
    """Coefficient times gamma over gamma, measured and by formula; for two arms also when both may move."""
    rows: list[tuple[Any, ...]] = []
    for record in evidence.where(f"{SLUG}/dec"):
        K, gamma = record["K"], record["gamma"]
        rows.append(("one arm raised", K, gamma, gamma * float(record["upper"][0]), (K - 1) ** 2 / (4.0 * K)))
        if "upper_all" in record.arrays:
            rows.append(("both arms move", K, gamma, gamma * float(record["upper_all"][0]), (K - 1) / 4.0))
    return columns(rows, ("series", "K", "gamma", "scaled", "formula"))


def draw_dec(table: Table) -> matplotlib.figure.Figure:
    """Draw measured values as markers on the constants as lines."""
    figure, ax = new_figure("wide", aspect=0.6)
    for look, K in zip(ARMS, np.unique(table["K"]), strict=False):
        for name, fill in (("one arm raised", look.colour), ("both arms move", "white")):
            part = (table["series"] == name) & (table["K"] == K)
            if part.any():
                x, y, line = (table[column][part] for column in ("gamma", "scaled", "formula"))
                ax.plot(x, line, color=look.colour, linewidth=0.9)
                label = f"K={K}" if name == "one arm raised" else f"K={K}, both arms move"
                ax.plot(
                    x, y, linestyle="none", marker=look.marker, color=look.colour, markerfacecolor=fill, label=label
                )
    ax.set(xscale="log", yscale="log", xlabel=r"$\gamma$", ylabel=r"$\gamma\cdot\mathrm{DEC}_\gamma$")
    ax.minorticks_off()
    ax.set_yticks([0.125, 0.25, 0.5, 1.0, 2.0], ["1/8", "1/4", "1/2", "1", "2"])
    figure.legend(*ax.get_legend_handles_labels(), loc="outside right center")
    return figure


FIGURES = (
    Figure(
        id=f"{SLUG}/fig_eluder",
        title="Eluder dimension over the scale",
        caption=(
            "Exact eluder dimension of classes of 10 to 20 functions on ten points, by search over all subsets and "
            "scales. Curves are moved apart by a twentieth each; there is no noise."
        ),
        studies=(f"{SLUG}/staircases",),
        table=staircase_table,
        draw=draw_staircases,
        claims=(f"{SLUG}/eluder-exact",),
    ),
    Figure(
        id=f"{SLUG}/fig_horizons",
        title="Depth and effective horizon of families",
        caption=(
            "Least depth at which greedy play is optimal, and the stochastic effective horizon, over the length of "
            "episodes; upper ends of the enclosures. The grey line is the length itself."
        ),
        studies=(f"{SLUG}/horizons",),
        table=horizon_table,
        draw=draw_horizons,
        claims=(f"{SLUG}/qvi",),
        differences=("The published figures compare with deep learners; these models are finite.",),
    ),
    Figure(
        id=f"{SLUG}/fig_dec",
        title="Decision-estimation coefficient of coins",
        caption=(
            "gamma times the coefficient at the reference 1/2, by linear programs (markers), and its limit (lines): "
            "(K-1)^2/(4K) if one arm is raised, (K-1)/4 if all arms may move."
        ),
        studies=(f"{SLUG}/dec",),
        table=dec_table,
        draw=draw_dec,
        claims=(f"{SLUG}/dec",),
    ),
)
