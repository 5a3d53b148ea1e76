"""Figures of ftrl-log-barrier: stability, a table of exponents, regret over K, draws for an inverse, variants."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bounds.claims import Evidence, Record
from bounds.judges import Curve, RateJudge
from paper_figures._tables import columns, mean_interval
from paper_figures.figure import Figure, Table
from paper_figures.style import Look, band_line, new_figure, new_grid, slope_guide

if TYPE_CHECKING:
    import matplotlib.figure

SLUG = "ftrl-log-barrier"

#: One look for each learner, in every figure of this paper.
LOOKS = {
    "log barrier": Look("#0072B2", "o", "-"),
    "magnitude-reduced": Look("#D55E00", "s", "-"),
    "Hedge": Look("#CC79A7", "D", (0, (5, 1.6))),
    "dilated Hedge": Look("#CC79A7", "D", (0, (5, 1.6))),
    "LinExp3": Look("#009E73", "^", (0, (1.2, 1.2))),
    "simulator-free": Look("#56B4E9", "v", (0, (5, 1.4, 1.2, 1.4))),
    "uniform play": Look("#000000", "", (0, (1.2, 1.2))),
    "direct": Look("#0072B2", "o", "-"),
    "geometric resampling": Look("#E69F00", "s", (0, (5, 1.6))),
}
NAMES = {
    "log-barrier": "log barrier",
    "magnitude-reduced": "magnitude-reduced",
    "dilated-hedge": "dilated Hedge",
    "LinExp3": "LinExp3",
    "covered": "simulator-free",
}


def stability_table(evidence: Evidence) -> Table:
    """Largest stability over its bound, over the loss of the first of two arms."""
    record = evidence.where(f"{SLUG}/one-sided").records[0]
    rows = [
        (label, float(u), float(ratio))
        for label, name in (("Hedge", "hedge"), ("log barrier", "log_barrier"))
        for u, ratio in zip(record["u"], record[name], strict=True)
    ]
    return columns(rows, ("series", "u", "ratio"))


def draw_stability(table: Table) -> matplotlib.figure.Figure:
    """Draw one curve that explodes and one that does not."""
    figure, ax = new_figure("single-column", aspect=0.8)
    for name in ("Hedge", "log barrier"):
        part = table["series"] == name
        band_line(ax, table["u"][part], table["ratio"][part], label=name, look=LOOKS[name])
    ax.axhline(1.0, color="#22252b", linewidth=0.8)
    ax.axhline(0.25, color="#7b828c", linewidth=0.8, linestyle=":")
    ax.annotate("1/4", (20.0, 0.25), xytext=(0, 3), textcoords="offset points", ha="right", fontsize=8, color="#7b828c")
    ax.set(yscale="log", xlabel=r"$\eta|c_1|$, with $c_1<0$", ylabel=r"stability / $\eta\,\Sigma\,p\,c^2$")
    ax.legend(loc="upper left")
    return figure


#: Published orders (exponents in K as in the abstract; the rest recalled), by learner.
PUBLISHED = {
    "dilated Hedge": ("2/3", "0"),
    "log barrier": ("1/2", "1/2"),
    "magnitude-reduced": ("1/2", "0"),
    "LinExp3": ("1/2", "0"),
    "simulator-free": ("8/9", "1/9"),
}


def exponents_table(evidence: Evidence) -> Table:
    """Measured exponents in K and in A, with 95 % intervals, beside the published ones."""
    rows: list[tuple[Any, ...]] = []

    def add(label: str, symbol: str, published: str, kept: Sequence[Record], x: str) -> None:
        part = sorted(kept, key=lambda record: int(record[x]))
        y = np.array([np.asarray(record["regret"], dtype=np.float64) for record in part])
        sizes = [float(record[x]) for record in part]
        fit = RateJudge(0.0).fit(Curve(sizes, y))
        span = f"{int(sizes[0])}–{int(sizes[-1])}"
        rows.append((label, symbol, span, fit.slope, fit.lower, fit.upper, published))

    for (algorithm,), part in evidence.where(f"{SLUG}/exponents").groups("algorithm"):
        add(NAMES[algorithm], "K", PUBLISHED[NAMES[algorithm]][0], tuple(part), "K")
    free = evidence.where(f"{SLUG}/without-simulator")
    add("simulator-free", "K", PUBLISHED["simulator-free"][0], tuple(free), "K")
    for (algorithm,), part in evidence.where(f"{SLUG}/actions", features="anchors").groups("algorithm"):
        add(NAMES[algorithm], "A", PUBLISHED[NAMES[algorithm]][1], tuple(part), "A")
    return columns(rows, ("learner", "in", "range", "exponent", "low", "high", "published"))


def _signed(value: float) -> str:
    """Return a number with a real minus sign."""
    return f"{value:.3f}".replace("-", "−")


def draw_exponents(table: Table) -> matplotlib.figure.Figure:
    """Draw the table."""
    figure, ax = new_figure("double-column", aspect=0.36)
    ax.set_axis_off()
    ax.set(xlim=(0.0, 1.0), ylim=(0.0, 1.0))
    names = ("learner", "in", "range", "exponent", "low", "high", "published")
    lines = [["regret of", "in", "range", "exponent", "95 % interval", "published order"]]
    for learner, symbol, span, slope, low, high, published in zip(*(table[n].tolist() for n in names), strict=True):
        lines.append([learner, symbol, span, _signed(slope), f"[{_signed(low)}, {_signed(high)}]", published])
    x = (0.0, 0.27, 0.34, 0.56, 0.74, 0.88)
    step = 1.0 / (len(lines) + 0.5)
    for i, line in enumerate(lines):
        y = 1.0 - (i + 0.5) * step
        for column, (place, text) in enumerate(zip(x, line, strict=True)):
            anchor = "center" if column in (3, 4) else "left"
            weight = "bold" if i == 0 else "normal"
            ax.text(place, y, text, ha=anchor, va="center", transform=ax.transAxes, fontsize=8.5, fontweight=weight)
    for level in (1.0, 1.0 - step, 0.5 * step):
        ax.plot([0.0, 1.0], [level, level], color="#22252b", linewidth=0.7, transform=ax.transAxes, clip_on=False)
    return figure


#: Panels: family, horizon, and whether the gap is 1.
PANELS = {
    "bandit, gap 1": ("bandit", "needle, gap 1"),
    "contextual bandit": ("contextual", "needle"),
    "tabular, H = 2": ("tabular", "needle"),
    "linear MDP, H = 2": ("linear", "needle"),
}


def regret_table(evidence: Evidence) -> Table:
    """Regret over K with the explicit bounds, for the needle adversary of each family."""
    rows: list[tuple[Any, ...]] = []

    def add(panel: str, record: Record, series: str) -> None:
        rows.append((panel, series, record["K"], *mean_interval(record["regret"])))

    kept = evidence.where(f"{SLUG}/regret")
    for panel, (family, adversary) in PANELS.items():
        horizon = 1 if family in ("bandit", "contextual") else 2
        for record in kept.where(family=family, adversary=adversary, H=horizon):
            if panel == "bandit, gap 1":
                continue
            add(panel, record, NAMES[record["algorithm"]])
            _bounds(rows, panel, record)
    for record in evidence.where(f"{SLUG}/exponents"):
        add("bandit, gap 1", record, NAMES[record["algorithm"]])
        _bounds(rows, "bandit, gap 1", record)
    return columns(rows, ("panel", "series", "K", "regret", "low", "high"))


def _bounds(rows: list[tuple[Any, ...]], panel: str, record: Record) -> None:
    """Append the bound and, once a size, uniform play."""
    if record["algorithm"] not in ("log-barrier", "magnitude-reduced"):
        return
    bound = float(record["bound"][0])
    rows.append((panel, f"bound, {NAMES[record['algorithm']]}", record["K"], bound, bound, bound))
    if record["algorithm"] == "log-barrier":
        uniform = np.asarray(record["uniform"], dtype=np.float64)
        rows.append(
            (panel, "uniform play", record["K"], float(uniform.mean()), float(uniform.min()), float(uniform.max()))
        )


def draw_regret(table: Table) -> matplotlib.figure.Figure:
    """Draw the families, log-log."""
    figure, axes = new_grid("double-column", 2, 2, aspect=0.68)
    for ax, panel in zip(axes.ravel(), PANELS, strict=True):
        here = table["panel"] == panel
        for series in dict.fromkeys(table["series"][here].tolist()):
            part = here & (table["series"] == series)
            order = np.argsort(table["K"][part])
            x, y, low, high = (table[name][part][order] for name in ("K", "regret", "low", "high"))
            if series.startswith("bound"):
                look = LOOKS[series.removeprefix("bound, ")]
                ax.plot(x, y, color=look.colour, linewidth=0.8, linestyle=(0, (4, 2)), label=series)
            elif series == "uniform play":
                ax.plot(x, y, color="#000000", linewidth=0.9, linestyle=LOOKS[series].dash, label=series)
            else:
                band_line(ax, x, y, np.maximum(low, 1e-9), high, label=series, look=LOOKS[series], markers=True)
        ax.set(xscale="log", yscale="log", title=panel)
        ax.minorticks_off()
        sizes = np.unique(table["K"][here])
        ax.set_xticks(sizes, [f"$2^{{{round(math.log2(size))}}}$" for size in sizes])
    for ax in axes[:, 0]:
        ax.set_ylabel("regret")
    for ax in axes[1]:
        ax.set_xlabel("K")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def draws_table(evidence: Evidence) -> Table:
    """Draws until the relative error is at most 1/2 in nine runs of ten."""
    rows = []
    for record in evidence.where(f"{SLUG}/draws"):
        for name, label in (("direct", "direct"), ("resampling", "geometric resampling")):
            rows.append((label, 1.0 / record["gamma"], float(record[name][0])))
    return columns(rows, ("series", "inverse_gamma", "draws"))


def draw_draws(table: Table) -> matplotlib.figure.Figure:
    """Draw both, log-log, with a slope of 1."""
    figure, ax = new_figure("single-column", aspect=0.8)
    for name in ("direct", "geometric resampling"):
        part = table["series"] == name
        order = np.argsort(table["inverse_gamma"][part])
        x, y = (table[column][part][order] for column in ("inverse_gamma", "draws"))
        band_line(ax, x, y, label=name, look=LOOKS[name], markers=True)
    low, high = float(table["inverse_gamma"].min()), float(table["inverse_gamma"].max())
    slope_guide(ax, 1.0, start=(low, 0.5 * float(table["draws"].min())), stop=0.6 * high)
    ax.set(xscale="log", yscale="log", xlabel="1/γ", ylabel="draws for relative error 1/2")
    ax.legend(loc="upper left")
    return figure


def variants_table(evidence: Evidence) -> Table:
    """Regret of each variant over that of uniform play, by adversary."""
    rows = []
    for (adversary,), part in evidence.where(f"{SLUG}/ablations").groups("adversary"):
        uniform = float(np.mean(part.where(variant="uniform").column("regret")))
        for record in part:
            if record["variant"] != "uniform":
                ratio = np.asarray(record["regret"], dtype=np.float64) / uniform
                rows.append((adversary, record["variant"], *mean_interval(ratio)))
    return columns(rows, ("adversary", "variant", "ratio", "low", "high"))


def draw_variants(table: Table) -> matplotlib.figure.Figure:
    """Draw intervals, one line a variant."""
    adversaries = list(dict.fromkeys(table["adversary"].tolist()))
    figure, axes = new_grid("double-column", 1, len(adversaries), aspect=0.6, share_y=True)
    for ax, adversary in zip(axes[0], adversaries, strict=True):
        here = table["adversary"] == adversary
        names = table["variant"][here].tolist()
        y = np.arange(len(names))[::-1]
        middle, low, high = (table[name][here] for name in ("ratio", "low", "high"))
        ax.errorbar(middle, y, xerr=np.array([middle - low, high - middle]), fmt="o", color="#0072B2", capsize=2.5)
        ax.axvline(1.0, color="#7b828c", linewidth=0.8)
        ax.set(title=adversary, xlabel="regret / regret of uniform play", ylim=(-0.6, len(names) - 0.4))
        ax.set_yticks(y, names)
    return figure


_figure = functools.partial(
    Figure.of,
    SLUG,
    differences=("the paper has no experiments (recalled)",),
)

FIGURES = (
    _figure(
        "fig_stability",
        "One very negative loss: Hedge leaves its bound, the log barrier stays at a quarter of it",
        "Two arms, eta = 1, losses (c1, 0). Largest stability over eta sum p c^2, over p1 from 1e-12 to 1 - 1e-12 on "
        "2001 points. The lemma's constant is 1; the dotted line is 1/4. Exact, no bands.",
        ("one-sided",),
        stability_table,
        draw_stability,
        ("lemma", "per-round", "hedge-fails"),
    ),
    _figure(
        "table_exponents",
        "Measured and published exponents",
        "Slope of log regret in log K (three arms in the plane, losses 1, 1/2 and 0; simulator-free: a linear MDP) and "
        "in log A (arms that are copies of four), with the wider of Student's and a studentised bootstrap's 95 % "
        "interval. Published: in K from the abstract, in A recalled, logarithms dropped. No learner has a smaller "
        "exponent in K than 1/2 on linear bandits.",
        ("exponents", "without-simulator", "actions"),
        exponents_table,
        draw_exponents,
        ("prior-rate", "actions", "linmdp-rate"),
    ),
    _figure(
        "fig_regret",
        "Regret over K with the explicit bounds",
        "Mean over independent runs with Student's 95 % bands; the explicit bounds dashed, uniform play dotted. Upper "
        "left: three arms in the plane, losses 1, 1/2 and 0. The others: needle with a gap of sqrt(dA/K), at which the "
        "learners at their published tuning hardly leave uniform play.",
        ("regret", "exponents"),
        regret_table,
        draw_regret,
        ("lb-regret", "mre-regret"),
    ),
    _figure(
        "fig_draws",
        "Draws for an inverse covariance",
        "Draws until the estimate is within 1/2 of the truth, in spectral norm relative to it, in nine of ten runs "
        "(numbers of draws, or of blocks, go up by factors of 2); d = 4, one feature played with probability gamma.",
        ("draws",),
        draws_table,
        draw_draws,
        ("direct-concentration", "mgr-mean"),
    ),
    _figure(
        "fig_variants",
        "What the published tuning costs",
        "Tabular model, H = 2, S = 3, A = 2. Regret over that of uniform play, mean with Student's 95 % interval over "
        "runs. Left: one action in one state better by 1. Right: a good action that changes eight times, with a gap "
        "of sqrt(dA/K).",
        ("ablations",),
        variants_table,
        draw_variants,
        ("lb-regret", "mre-regret"),
    ),
)
