"""Figures of robust-static-iwocs: the windy walk, early stops, methods on garnets, gaps of joint sets."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from bounds.claims import Evidence
from paper_figures._tables import columns
from paper_figures.figure import Figure, Table
from paper_figures.style import Look, band_line, new_figure, new_grid

if TYPE_CHECKING:
    import matplotlib.figure

SLUG = "robust-static-iwocs"
GREY = "#7b828c"

#: One look for each method and rule, in every figure of this paper.
LOOKS = {
    "robust value iteration": Look("#000000", "", (0, (5, 1.6))),
    "IWOCS": Look("#0072B2", "o", "-"),
    "keep": Look("#0072B2", "o", "-"),
    "worst": Look("#009E73", "^", (0, (1.2, 1.2))),
    "nominal": Look("#D55E00", "s", (0, (5, 1.6))),
    "hull": Look("#CC79A7", "D", (0, (8, 2))),
}
RULES = ("nominal", "keep", "worst", "hull")
FLOOR = 1e-13


def windy_table(evidence: Evidence) -> Table:
    """Errors over backups, and values over winds, for the grid of 25 winds."""
    record = next(iter(evidence.where(f"{SLUG}/windy", winds=25)))
    static = float(record["static"][0])
    rows: list[tuple[Any, ...]] = []
    for name, array in (("IWOCS", "sequence"), ("robust value iteration", "robust")):
        errors = np.maximum(np.abs(np.asarray(record[array]) - static), FLOOR)
        rows += [("error", name, float(n + 1), float(error)) for n, error in enumerate(errors)]
    for name, array in (("optimum", "optimum"), ("first policy", "nominal"), ("second policy", "policy")):
        rows += [
            ("value", name, float(alpha), float(v)) for alpha, v in zip(record["alpha"], record[array], strict=True)
        ]
    rows += [("line", "static", 0.0, static), ("line", "hull", 0.0, float(record["hull"][0]))]
    return columns(rows, ("part", "series", "x", "y"))


def draw_windy(table: Table) -> matplotlib.figure.Figure:
    """Draw the errors on the left, the values on the right."""
    figure, axes = new_grid("double-column", 1, 2, aspect=0.8)
    left, right = axes[0]
    for name in ("robust value iteration", "IWOCS"):
        part = (table["part"] == "error") & (table["series"] == name)
        band_line(left, table["x"][part], table["y"][part], label=name, look=LOOKS[name])
    left.axvline(100.0, color=GREY, linewidth=0.7, linestyle=":")
    left.set(yscale="log", ylim=(1e-14, 1e5), xlabel="Bellman backups n", ylabel=r"$|V_n(s_0)-V^\star(s_0)|$")
    left.legend(loc="upper right")
    looks = {
        "optimum": Look("#000000", "", "-"),
        "first policy": LOOKS["nominal"],
        "second policy": LOOKS["IWOCS"],
    }
    for name, look in looks.items():
        part = (table["part"] == "value") & (table["series"] == name)
        order = np.argsort(table["x"][part])
        label = "optimum of each wind" if name == "optimum" else name
        band_line(
            right, table["x"][part][order], table["y"][part][order], label=label, look=look, markers=name != "optimum"
        )
    static, hull = (float(table["y"][table["series"] == name][0]) for name in ("static", "hull"))
    right.axhline(static, color=GREY, linewidth=0.8, label="static optimum")
    right.axhline(hull, color="#E69F00", linewidth=1.2, linestyle=":", label="optimum of the hull")
    right.set(xlabel="wind α", ylabel="value of the start")
    right.legend(loc="lower left")
    return figure


def stops_table(evidence: Evidence) -> Table:
    """Share of instances on which each rule ends below the robust optimum, by family and discount."""
    rows = []
    for (family, gamma), part in evidence.where(f"{SLUG}/search").groups("family", "gamma"):
        scale = np.asarray(part.column("scale"))
        for rule in RULES:
            below = np.asarray(part.column(f"{rule}_loss")) > 1e-9 * np.maximum(scale, 1e-3)
            n, share = below.size, float(below.mean())
            half = 1.96 * np.sqrt(max(share * (1.0 - share), 1.0 / n) / n)
            rows.append((family, rule, float(gamma), share, max(share - half, 0.0), share + half, n))
    return columns(rows, ("family", "rule", "gamma", "share", "low", "high", "instances"))


def draw_stops(table: Table) -> matplotlib.figure.Figure:
    """Draw one panel a family."""
    figure, axes = new_grid("double-column", 1, 3, aspect=0.95, share_y=True)
    for ax, family in zip(axes[0], ("dense", "sparse", "deterministic"), strict=True):
        for rule in RULES:
            part = (table["family"] == family) & (table["rule"] == rule)
            x, y, low, high = (table[name][part] for name in ("gamma", "share", "low", "high"))
            band_line(ax, x, y, low, high, label=rule, look=LOOKS[rule], markers=True)
        ax.set(title=family, xlabel="discount")
        ax.set_yscale("symlog", linthresh=0.001)
        ax.set_ylim(-0.0002, 1.0)
    axes[0, 0].set_ylabel("share below the optimum")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure


METHODS = {
    "nominal": "nominal",
    "randomised": "domain randomisation",
    "grid": "IWOCS, 100 kernels",
    "keep": "IWOCS, keep",
    "worst": "IWOCS, worst",
    "hull": "IWOCS, hull values",
    "robust": "robust optimum",
}


def garnets_table(evidence: Evidence) -> Table:
    """Worst-case value of each method's policy over the robust optimum."""
    rows = []
    for record in evidence.where(f"{SLUG}/garnets"):
        best = float(record["robust"][0])
        rows += [(label, record["garnet"], float(record[name][0]) / best) for name, label in METHODS.items()]
    return columns(rows, ("method", "garnet", "ratio"))


def draw_garnets(table: Table) -> matplotlib.figure.Figure:
    """Draw the instances as points and their means as bars."""
    figure, ax = new_figure("wide", aspect=0.5)
    for row, method in enumerate(reversed(tuple(METHODS.values()))):
        ratio = table["ratio"][table["method"] == method]
        ax.plot(ratio, np.full(ratio.size, row), "o", color="#56B4E9", markersize=4.0, alpha=0.8)
        ax.plot([ratio.mean()] * 2, [row - 0.3, row + 0.3], color="#22252b", linewidth=2.0)
    ax.set_yticks(range(len(METHODS)), list(reversed(tuple(METHODS.values()))))
    ax.set(xlabel="worst-case value / robust optimum")
    return figure


GUARANTEES = {
    "deterministic": ("best deterministic policy", "#D55E00", "s"),
    "randomised": ("best randomised policy", "#009E73", "^"),
    "promised": ("max of the last Q at the start", "#0072B2", "o"),
    "dual": ("smallest optimum of a kernel", "#000000", "_"),
    "hull_value": ("rectangular hull", "#CC79A7", "x"),
}


def joint_table(evidence: Evidence) -> Table:
    """Return the guarantees of each pair of kernels, over the smallest optimum."""
    rows = []
    for record in evidence.where(f"{SLUG}/joint"):
        name = f"γ = {record['gamma']:g}" if record["family"] == "split" else f"random {record['block'] + 1}"
        best = float(record["dual"][0])
        rows += [(name, key, float(record[key][0]) / best) for key in GUARANTEES]
    return columns(rows, ("instance", "quantity", "ratio"))


def draw_joint(table: Table) -> matplotlib.figure.Figure:
    """Draw one column of marks an instance."""
    figure, ax = new_figure("wide", aspect=0.6)
    names = list(dict.fromkeys(table["instance"].tolist()))
    for key, (label, colour, marker) in GUARANTEES.items():
        part = table["quantity"] == key
        x = [names.index(name) for name in table["instance"][part].tolist()]
        size = 9.0 if marker == "_" else 5.0
        ax.plot(x, table["ratio"][part], marker, color=colour, label=label, markersize=size, markeredgewidth=1.4)
    ax.set_xticks(range(len(names)), names, rotation=45, ha="right")
    ax.set(ylabel="value / smallest optimum", ylim=(-0.05, 1.08))
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


_figure = functools.partial(Figure.of, SLUG)

FIGURES = (
    _figure(
        "fig_windy",
        "The windy walk",
        "Left: distance of the start's value to the static optimum over Bellman backups, for robust value iteration on "
        "the rectangular hull and for the sequence, 100 backups a kernel (dotted line). Right: what the two policies "
        "of the sequence are worth at each wind, and the best possible. Exact, no bands.",
        ("windy",),
        windy_table,
        draw_windy,
        ("windy", "static-dynamic"),
        ("walls, start and goal are this project's: the paper's text does not give them",),
    ),
    _figure(
        "fig_stops",
        "How often the sequence ends below the robust optimum",
        "Random sets with S = 4, A = 3 and three vertices; share of instances with a loss above 1e-9 of the largest "
        "value, with normal 95 % bands. Rows over all states (dense), over two states (sparse), and with one next "
        "state (deterministic).",
        ("search",),
        stops_table,
        draw_stops,
        ("complete-keep", "hull-complete", "repeat"),
        ("the paper has no such figure",),
    ),
    _figure(
        "fig_garnets",
        "Worst-case values on garnets",
        "Ten rectangular garnets, S = 10, A = 4, four vertices: points are instances, bars their means.",
        ("garnets",),
        garnets_table,
        draw_garnets,
        ("garnets",),
        ("finite stand-in for the paper's deep experiments, which are out of scope",),
    ),
    _figure(
        "fig_joint",
        "Guarantees on two joint kernels",
        "Everything over the smallest optimal value of the two kernels. The first four are the swapped actions at four "
        "discounts. Randomised policies by branch and bound within 2e-3; the rest exact.",
        ("joint",),
        joint_table,
        draw_joint,
        ("nonrect-gap", "nonrect-certificate", "coincides-at-s0"),
        ("the paper has no such figure",),
    ),
)
