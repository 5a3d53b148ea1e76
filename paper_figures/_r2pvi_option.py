"""Figures 1(d) and 2 of r2pvi: the American put, and the work of a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bounds.claims import Evidence
from bounds.papers._r2pvi_published import OPTION, TIME_OVER_D, TIME_OVER_N, UP
from paper_figures._r2pvi_common import LOOKS, SHADES, SLUG, curve, published_key
from paper_figures._tables import columns, mean_interval
from paper_figures.figure import Table
from paper_figures.style import new_grid

if TYPE_CHECKING:
    import matplotlib.figure

__all__ = ["cost_table", "draw_cost", "draw_option", "option_table"]

OPTIONS = (
    ("PEVI", "PEVI", 0.0),
    ("R2PVI-TV, 5", "R2PVI-TV", 5.0),
    ("R2PVI-TV, 3", "R2PVI-TV", 3.0),
    ("R2PVI-TV, 1", "R2PVI-TV", 1.0),
    ("DRPVI, over 5", "DRPVI", 0.025),
    ("DRPVI, over 3", "DRPVI", 0.1),
    ("DRPVI, over 1", "DRPVI", 0.2),
)


def option_table(evidence: Evidence) -> Table:
    """Figure 1(d): payoff over the price-up probability, on fresh data and on the released script's."""
    rows = []
    for name, learner, level in OPTIONS:
        fresh, released = (
            evidence.where(f"{SLUG}/option", learner=learner, level=level, data=data).records[0]
            for data in ("fresh", "released")
        )
        for k, up in enumerate(UP):
            ours = mean_interval(fresh["payoff"][:, k])
            rows.append((name, learner, level, up, *ours, float(released["payoff"][0, k]), OPTION[name][k]))
    return columns(rows, ("name", "series", "level", "x", "ours", "low", "high", "released", "published"))


def draw_option(table: Table) -> matplotlib.figure.Figure:
    """Draw regularised learners on the left, constrained ones on the right, PEVI in both."""
    figure, axes = new_grid("double-column", 1, 2, aspect=0.8, share_y=True)
    pevi = LOOKS["PEVI"]
    for ax, learner, letter in zip(axes[0], ("R2PVI-TV", "DRPVI"), "λρ", strict=True):
        levels = sorted(set(table["level"][table["series"] == learner].tolist()), reverse=learner == "DRPVI")
        looks = [(level, look) for level, look in zip(levels, SHADES, strict=False)]
        for level, look in [(0.0, pevi), *looks]:
            part = (table["level"] == level) & (table["series"] == (learner if level else "PEVI"))
            curve(ax, table, part, look, f"{letter} = {level:g}" if level else "PEVI")
            ax.plot(table["x"][part], table["released"][part], linestyle="none", marker="x", color=look.colour,
                    markersize=4.5, markeredgewidth=1.1, zorder=3)  # fmt: skip
        published_key(ax)
        ax.plot([], [], linestyle="none", marker="x", color="#22252b", markersize=4.5, label="ours, released data")
        ax.set(xlabel="price-up probability", title=learner, xticks=UP)
        ax.legend(loc="upper right")
    axes[0, 0].set_ylabel("average payoff")
    return figure


METHODS = ("PEVI", "R2PVI-TV", "R2PVI-KL", "DRPVI", "DRVI-L", "DRPVI, sorted")


def cost_table(evidence: Evidence) -> Table:
    """Figure 2: counted multiplications and published seconds, each over PEVI's at the same size."""
    kept = evidence.where(f"{SLUG}/work")
    size = {(r["method"], r["d"], r["N"]): float(r["multiplied"].mean()) for r in kept}
    rows = []
    for panel, seconds, sizes in (
        ("d", TIME_OVER_D, [(d, 1000) for d in (30, 60, 120)]),
        ("N", TIME_OVER_N, [(30, n) for n in (1000, 5000, 10000)]),
    ):
        for method in METHODS:
            for d, n in sizes:
                x = d if panel == "d" else n
                published = seconds[method][x] if method in seconds else np.nan
                rows.append(
                    (panel, method, x, size[method, d, n], size[method, d, n] / size["PEVI", d, n], published,
                     published / seconds["PEVI"][x])
                )  # fmt: skip
    names = ("panel", "series", "x", "multiplications", "counted_ratio", "published_seconds", "published_ratio")
    return columns(rows, names)


def draw_cost(table: Table) -> matplotlib.figure.Figure:
    """Draw ratios to PEVI over d and over N, counted as bars and published as hollow markers."""
    figure, axes = new_grid("double-column", 1, 2, aspect=0.75, share_y=True)
    for ax, panel, label in zip(axes[0], "dN", ("features d, N = 1000", "trajectories N, d = 30"), strict=True):
        here = table["panel"] == panel
        sizes = sorted(set(table["x"][here].tolist()))
        for k, method in enumerate(METHODS):
            part = here & (table["series"] == method)
            x = np.arange(len(sizes)) + 0.14 * (k - 2.5)
            ratio, look = table["counted_ratio"][part], LOOKS[method]
            ax.bar(x, ratio - 0.3, width=0.12, bottom=0.3, color=look.colour, alpha=0.75, label=method)
            ax.plot(x, table["published_ratio"][part], linestyle="none", marker="o", markersize=5.0,
                    markerfacecolor="white", markeredgecolor="#22252b", markeredgewidth=1.0)  # fmt: skip
        ax.axhline(1.0, color="#7b828c", linewidth=0.7)
        ax.axhline(1.5, color="#7b828c", linewidth=0.7, linestyle=":")
        ax.set_xticks(range(len(sizes)), [f"{size:g}" for size in sizes])
        ax.set(yscale="log", xlabel=label, ylim=(0.3, 30.0))
        ax.set_yticks([0.5, 1.0, 2.0, 5.0, 10.0], ["0.5", "1", "2", "5", "10"])
        ax.minorticks_off()
    axes[0, 0].set_ylabel("work of a step over PEVI's")
    axes[0, 0].plot([], [], linestyle="none", marker="o", markersize=5.0, markerfacecolor="white",
                    markeredgecolor="#22252b", label="published seconds")  # fmt: skip
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure
