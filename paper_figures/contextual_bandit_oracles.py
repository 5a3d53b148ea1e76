"""Figures of contextual-bandit-oracles: worst case of a round, regret, generations, oscillation, finite logs."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from bounds.claims import Evidence
from paper_figures._tables import columns, mean_interval
from paper_figures.figure import Figure, Table
from paper_figures.style import Look, band_line, new_figure, new_grid, slope_guide

if TYPE_CHECKING:
    import matplotlib.figure

SLUG = "contextual-bandit-oracles"

#: One look for each name, in every figure of this paper.
LOOKS = {
    "IGW": Look("#0072B2", "o", "-"),
    "normalised IGW": Look("#56B4E9", "v", (0, (5, 1.4, 1.2, 1.4))),
    "minimax": Look("#000000", "", (0, (1.2, 1.2))),
    "epsilon-greedy": Look("#D55E00", "s", (0, (5, 1.6))),
    "SquareCB": Look("#0072B2", "o", "-"),
    "SquareCB, normalised": Look("#56B4E9", "v", (0, (5, 1.4, 1.2, 1.4))),
    "FastCB": Look("#009E73", "^", "-"),
    "FALCON": Look("#CC79A7", "D", (0, (1.2, 1.2))),
    "FALCON, constant 1": Look("#CC79A7", "D", "-"),
    "uniform": Look("#7b828c", "", (0, (1.2, 1.2))),
    "memory 1": Look("#D55E00", "o", "-"),
    "memory 5": Look("#E69F00", "s", (0, (5, 1.6))),
    "all": Look("#0072B2", "^", (0, (5, 1.4, 1.2, 1.4))),
    "tabular": Look("#009E73", "D", (0, (1.2, 1.2))),
    "propensity": Look("#CC79A7", "v", (0, (8, 2))),
}

#: How the variants of the loop are called in figures.
NAMES = {
    "memory 1": "lines, last log",
    "memory 5": "lines, last 5 logs",
    "all": "lines, all logs",
    "tabular": "tables, last log",
    "propensity": "lines, last log, 1/p",
}


def value_table(evidence: Evidence) -> Table:
    """Worst case times gamma over K - 1, mean and largest over predictions."""
    record = evidence.where(f"{SLUG}/value-curve").records[0]
    unit = record["K"] - 1.0
    rows: list[tuple[Any, ...]] = []
    for name in ("epsilon-greedy", "IGW", "normalised IGW", "minimax"):
        for values in zip(record["gamma"], record[f"{name}, mean"] / unit, record[f"{name}, max"] / unit, strict=True):
            rows.append((name, *(float(value) for value in values)))
    return columns(rows, ("series", "gamma", "mean", "largest"))


def draw_value(table: Table) -> matplotlib.figure.Figure:
    """Draw means with the range up to the largest."""
    figure, ax = new_figure("wide", aspect=0.62)
    for name in dict.fromkeys(table["series"].tolist()):
        part = table["series"] == name
        x, middle, high = (table[column][part] for column in ("gamma", "mean", "largest"))
        label = "minimum over p" if name == "minimax" else name
        band_line(ax, x, middle, middle, high, label=label, look=LOOKS[name])
    ax.set(xscale="log", yscale="log", xlabel=r"$\gamma$", ylabel=r"worst case $\times\,\gamma/(K-1)$")
    ax.set_ylim(0.9, 40.0)
    ax.set_yticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
    ax.minorticks_off()
    ax.legend(loc="upper left")
    return figure


def regret_table(evidence: Evidence) -> Table:
    """Mean regret over T for K = 5, with the explicit bound of SquareCB."""
    rows: list[tuple[Any, ...]] = []
    for record in evidence.where(f"{SLUG}/regret", K=5):
        rows.append((record["algorithm"], record["T"], *mean_interval(record["regret"])))
        if record["algorithm"] == "SquareCB":
            bound = float(record["bound"][0])
            rows.append(("bound of SquareCB", record["T"], bound, bound, bound))
    return columns(rows, ("series", "T", "regret", "low", "high"))


def draw_regret(table: Table) -> matplotlib.figure.Figure:
    """Draw regret, log-log."""
    figure, ax = new_figure("wide", aspect=0.7)
    for name in dict.fromkeys(table["series"].tolist()):
        part = table["series"] == name
        order = np.argsort(table["T"][part])
        x, y, low, high = (table[column][part][order] for column in ("T", "regret", "low", "high"))
        if name.startswith("bound"):
            ax.plot(x, y, color="#000000", linewidth=0.9, linestyle=(0, (4, 2)), label=name)
        else:
            band_line(ax, x, y, np.maximum(low, 1e-9), high, label=name, look=LOOKS[name], markers=name != "uniform")
    sizes = np.unique(table["T"])
    slope_guide(ax, 0.5, start=(float(sizes[2]), 20.0), stop=float(sizes[-1]))
    ax.set(xscale="log", yscale="log", xlabel="T", ylabel="regret")
    ax.minorticks_off()
    ax.set_xticks(sizes[::2], [f"$2^{{{round(math.log2(size))}}}$" for size in sizes[::2]])
    figure.legend(*ax.get_legend_handles_labels(), loc="outside right center")
    return figure


def loss_table(evidence: Evidence) -> Table:
    """Mean regret over the optimal loss."""
    rows = [
        (
            record["algorithm"],
            record["loss"] * record["T"],
            *mean_interval(record["regret"]),
        )
        for record in evidence.where(f"{SLUG}/first-order")
    ]
    return columns(rows, ("series", "optimal_loss", "regret", "low", "high"))


def draw_loss(table: Table) -> matplotlib.figure.Figure:
    """Draw both learners, log-log."""
    figure, ax = new_figure("single-column", aspect=0.8)
    for name in ("SquareCB", "FastCB"):
        part = table["series"] == name
        x, y, low, high = (table[column][part] for column in ("optimal_loss", "regret", "low", "high"))
        band_line(ax, x, y, np.maximum(low, 1e-9), high, label=name, look=LOOKS[name], markers=True)
    low_x, high_x = float(table["optimal_loss"].min()), float(table["optimal_loss"].max())
    slope_guide(ax, 0.5, start=(low_x, 0.6 * float(table["regret"].min())), stop=0.5 * high_x)
    ax.set(xscale="log", yscale="log", xlabel=r"optimal loss $L^\star$", ylabel="regret")
    ax.minorticks_off()
    ax.set_yticks([50, 100, 200, 500], ["50", "100", "200", "500"])
    ax.legend(loc="lower right")
    return figure


def generations_table(evidence: Evidence) -> Table:
    """Deployed and greedy value of each generation, by variant."""
    record = evidence.where(f"{SLUG}/generations").records[0]
    optimum = float(record["optimum"][0])
    rows: list[tuple[Any, ...]] = []
    for name in NAMES:
        for g, pair in enumerate(zip(record[f"deployed, {name}"], record[f"greedy, {name}"], strict=True)):
            rows.append((name, g + 1, float(pair[0]), float(pair[1]), optimum))
    return columns(rows, ("series", "generation", "deployed", "greedy", "optimum"))


def draw_generations(table: Table) -> matplotlib.figure.Figure:
    """Draw a panel for each value."""
    figure, axes = new_grid("double-column", 1, 2, aspect=0.72, share_y=True)
    for ax, what in zip(axes[0], ("deployed", "greedy"), strict=True):
        for name, label in NAMES.items():
            part = table["series"] == name
            band_line(ax, table["generation"][part], table[what][part], label=label, look=LOOKS[name])
        ax.axhline(float(table["optimum"][0]), color="#22252b", linewidth=0.8)
        ax.set(title=f"{what} policy", xlabel="generation")
    axes[0, 0].set_ylabel("value")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def oscillation_table(evidence: Evidence) -> Table:
    """Share of instances that oscillate, with Clopper-Pearson 95 % limits, by variant and gamma."""
    kept = evidence.where(f"{SLUG}/loops")
    rows: list[tuple[Any, ...]] = []
    for (size,), part in kept.groups("X"):
        for name in NAMES:
            moving = part.column(f"amplitude, {name}") > 0.005
            n = moving.shape[0]
            for gamma, k in zip((30.0, 100.0, 300.0, 1000.0), moving.sum(axis=0).tolist(), strict=True):
                low = float(special.betaincinv(k, n - k + 1, 0.025)) if k else 0.0
                high = float(special.betaincinv(k + 1, n - k, 0.975)) if k < n else 1.0
                rows.append((name, int(size), gamma, k / n, low, high))
    return columns(rows, ("series", "contexts", "gamma", "share", "low", "high"))


def draw_oscillation(table: Table) -> matplotlib.figure.Figure:
    """Draw a panel for each number of contexts."""
    sizes = np.unique(table["contexts"]).tolist()
    figure, axes = new_grid("double-column" if len(sizes) > 1 else "wide", 1, len(sizes), aspect=0.72, share_y=True)
    for ax, size in zip(axes[0], sizes, strict=True):
        for name, label in NAMES.items():
            part = (table["series"] == name) & (table["contexts"] == size)
            x, y, low, high = (table[column][part] for column in ("gamma", "share", "low", "high"))
            band_line(ax, x, y, low, high, label=label, look=LOOKS[name], markers=True)
        ax.set(xscale="log", xlabel=r"$\gamma$", title=f"{size} contexts", ylim=(-0.02, 0.85))
        ax.minorticks_off()
        ax.set_xticks([30, 100, 300, 1000], ["30", "100", "300", "1000"])
    axes[0, 0].set_ylabel("share of instances that oscillate")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


#: Diagnostic to the title of its panel.
DIAGNOSTICS = {
    "autocorrelation": "autocorrelation of value, lag 1",
    "amplitude": "range of greedy value",
    "rarest": "share of rarest action",
    "calibration": "mean |bias| of predictions",
}


def finite_table(evidence: Evidence) -> Table:
    """Diagnostics with finite logs, mean over instances with Student's 95 % interval."""
    rows: list[tuple[Any, ...]] = []
    for record in evidence.where(f"{SLUG}/finite-logs"):
        for name in DIAGNOSTICS:
            rows.append((record["variant"], name, *mean_interval(np.asarray(record[name], dtype=np.float64))))
    return columns(rows, ("series", "diagnostic", "mean", "low", "high"))


def draw_finite(table: Table) -> matplotlib.figure.Figure:
    """Draw intervals, a panel for each diagnostic."""
    figure, axes = new_grid("double-column", 2, 2, aspect=0.5, share_y=True)
    order = list(NAMES)[::-1]
    for ax, (name, title) in zip(axes.ravel(), DIAGNOSTICS.items(), strict=True):
        for y, series in enumerate(order):
            part = (table["series"] == series) & (table["diagnostic"] == name)
            middle, low, high = (float(table[column][part][0]) for column in ("mean", "low", "high"))
            look = LOOKS[series]
            ax.errorbar(
                middle, y, xerr=[[middle - low], [high - middle]], fmt=look.marker, color=look.colour, capsize=2.5
            )
        ax.set(title=title, ylim=(-0.6, len(order) - 0.4))
        ax.set_yticks(range(len(order)), [NAMES[series] for series in order])
    return figure


_figure = functools.partial(
    Figure.of,
    SLUG,
    differences=("the paper's figures show proprietary logs; this one is on synthetic instances",),
)

FIGURES = (
    _figure(
        "fig_value",
        "Worst case of a round over the best possible, by sampling rule",
        "K = 5 uniform predictions, c = gamma/4; exact worst case over the truth, times gamma/(K-1), so that the "
        "minimum over all probabilities is 1. Lines: mean over predictions; bands: up to the largest. Normalised "
        "IGW: 1/(lambda + gamma gap/2). Epsilon-greedy: the best of 60 values of epsilon for each gamma and "
        "each prediction.",
        ("value-curve",),
        value_table,
        draw_value,
        ("igw-round", "igw-normalised", "igw-optimal"),
    ),
    _figure(
        "fig_regret",
        "Regret over T",
        "K = 5, ten contexts, 50 random tables with the true one among them; mean over independent runs, each on "
        "its own instance, with Student's 95 % bands. Dashed: the explicit bound on the regret of SquareCB.",
        ("regret",),
        regret_table,
        draw_regret,
        ("squarecb-regret", "eps-rate", "falcon-rate"),
    ),
    _figure(
        "fig_first_order",
        "Regret over the optimal loss",
        "K = 5; the best action of a context loses L*/T a round, every other between 0.3 and 0.6. Mean over "
        "independent runs with Student's 95 % bands.",
        ("first-order",),
        loss_table,
        draw_loss,
        ("fastcb-first-order",),
    ),
    _figure(
        "fig_generations",
        "Value of deployed and greedy policy over generations",
        "Population limit, gamma = 300, on the instance that oscillates most of 40 random ones. Thin line: optimal "
        "value. 1/p: rows weighted by inverse propensity. Exact, no bands.",
        ("generations",),
        generations_table,
        draw_generations,
        ("oscillation", "no-oscillation", "improve-then-degrade"),
    ),
    _figure(
        "fig_oscillation",
        "Share of instances that oscillate over gamma",
        "Population limit. An instance oscillates if the greedy value ranges over more than 0.005 in generations 41 "
        "to 60. Bands: Clopper-Pearson 95 % limits.",
        ("loops",),
        oscillation_table,
        draw_oscillation,
        ("oscillation", "no-oscillation"),
    ),
    _figure(
        "fig_finite_logs",
        "Diagnostics with finite logs",
        "2000 Bernoulli rows a generation, logs one generation late, gamma = 300; mean over random instances with "
        "Student's 95 % interval. Autocorrelation of the deployed value over the last 40 generations, the rest "
        "over the last 20.",
        ("finite-logs",),
        finite_table,
        draw_finite,
        ("oscillation",),
    ),
)
