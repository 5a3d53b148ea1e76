"""Figures of pessimism-lcb: risks over N and C*, the penalty dilemma, a table of rates, grid worlds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from bounds.claims import Evidence
from bounds.judges import Curve, RateJudge
from paper_figures._tables import columns, mean_interval
from paper_figures.figure import Figure, Table
from paper_figures.style import Look, new_figure, new_grid, slope_guide

if TYPE_CHECKING:
    import matplotlib.figure

SLUG = "pessimism-lcb"

#: One look for each algorithm, in every figure of this paper.
LOOKS = {
    "LCB": Look("#0072B2", "o", "-"),
    "LCB, small penalty": Look("#56B4E9", "v", "-"),
    "best empirical": Look("#E69F00", "s", (0, (5, 1.6))),
    "imitation": Look("#D55E00", "^", (0, (1.2, 1.2))),
    "imitation, F4": Look("#CC79A7", "D", (0, (1.2, 1.2))),
    "Bayes": Look("#000000", "", (0, (5, 1.4, 1.2, 1.4))),
}
COLUMNS = (1.0, 1.05, 1.5, 2.0, 4.0)
FLOOR = 1e-6


def rates_table(evidence: Evidence) -> Table:
    """Risk of each rule over N, one row a point: setting, C*, series, N, risk with its interval."""
    rows: list[tuple[Any, ...]] = []

    def add(setting: str, kept: Evidence, series: dict[str, str]) -> None:
        for record in kept:
            for name, label in series.items():
                if record["C"] in COLUMNS:
                    rows.append(
                        (
                            setting,
                            record["C"],
                            label,
                            record["N"],
                            *mean_interval(record[name]),
                        )
                    )

    exact = {"lcb": "LCB", "empirical": "best empirical", "imitation": "imitation", "bayes": "Bayes"}
    add("bandit", evidence.where(f"{SLUG}/curves"), exact)
    add("contextual", evidence.where(f"{SLUG}/contexts"), exact)
    add("contextual", evidence.where(f"{SLUG}/imitation-bias"), {"imitation": "imitation, F4"})
    mdp = {"risk": "LCB", "imitation": "imitation", "bayes": "Bayes"}
    add("MDP", evidence.where(f"{SLUG}/vi-risk", gamma=0.9), mdp)
    return columns(rows, ("setting", "concentrability", "series", "N", "risk", "low", "high"))


def _short(size: int) -> str:
    """Return a size in few characters: 8100, 32k, 4M."""
    for unit, suffix in ((1_000_000, "M"), (10_000, "k")):
        if size >= unit:
            return f"{size / (1000 if suffix == 'k' else unit):.3g}{suffix}"
    return str(size)


def draw_rates(table: Table) -> matplotlib.figure.Figure:
    """Draw settings as rows and C* as columns, log-log."""
    settings = ("bandit", "contextual", "MDP")
    titles = {"bandit": "bandit", "contextual": "contextual, S=10", "MDP": "MDP, γ=0.9"}
    figure, axes = new_grid("double-column", 3, len(COLUMNS), aspect=1.05, share_y=False)
    for i, setting in enumerate(settings):
        for j, cover in enumerate(COLUMNS):
            ax = axes[i, j]
            here = (table["setting"] == setting) & (table["concentrability"] == cover)
            for name, look in LOOKS.items():
                part = here & (table["series"] == name) & (table["risk"] > 0.0)
                if not part.any():
                    continue
                order = np.argsort(table["N"][part])
                x, y, low, high = (table[column][part][order] for column in ("N", "risk", "low", "high"))
                if np.any(high > low):
                    ax.fill_between(x, np.maximum(low, FLOOR), high, color=look.colour, alpha=0.18, linewidth=0)
                ax.plot(x, y, color=look.colour, linestyle=look.dash, marker=look.marker, markersize=2.6, linewidth=1.1)
            ax.set(xscale="log", yscale="log", ylim=(FLOOR if i < 2 else 1e-3, 1.0 if i < 2 else 3.0))
            ax.minorticks_off()
            sizes = table["N"][here]
            ends = (int(sizes.min()), int(sizes.max()))
            ax.set_xticks(ends, [_short(size) for size in ends])
            if i == 0:
                ax.set_title("C* → 1" if cover == 1.0 else f"C* = {cover:g}")
            if j > 0:
                ax.set_yticklabels([])
            else:
                ax.set_ylabel(f"{titles[setting]}\nrisk")
            if i == 2:
                ax.set_xlabel("N")
    handles = [
        axes[0, 0].plot([], [], color=look.colour, linestyle=look.dash, marker=look.marker, markersize=3, label=name)[0]
        for name, look in LOOKS.items()
        if name in set(table["series"])
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def interpolation_table(evidence: Evidence) -> Table:
    """Risk over C* at fixed N: the larger of F6 at this C* and F5 (C* = 1).

    Of which every class contains the second.
    """
    kept = evidence.where(f"{SLUG}/interpolation")
    base = kept.where(C=1.0).records[0]
    rows: list[tuple[Any, ...]] = []
    for record in kept:
        if record["C"] > 1.0:
            pairs = (("lcb", "LCB"), ("bayes", "Bayes"))
            rows.extend(
                (record["C"] - 1.0, label, max(float(record[name][0]), float(base[name][0])), record["N"])
                for name, label in pairs
            )
    return columns(rows, ("excess", "series", "risk", "N"))


def draw_interpolation(table: Table) -> matplotlib.figure.Figure:
    """Draw risk over C*-1: a plateau of S/N, then slope 1/2."""
    figure, ax = new_figure("single-column", aspect=0.8)
    size = int(table["N"][0])
    for name in ("LCB", "Bayes"):
        part = table["series"] == name
        look = LOOKS[name]
        ax.plot(
            table["excess"][part],
            table["risk"][part],
            color=look.colour,
            linestyle=look.dash,
            marker=look.marker,
            label=name,
        )
    ax.axvline(10 / size, color="#7b828c", linewidth=0.9, linestyle=":")
    ax.annotate("C* − 1 = S/N", (10 / size, float(table["risk"].max())), xytext=(4, 0), textcoords="offset points",
                ha="left", va="top", fontsize=8, color="#7b828c")  # fmt: skip
    top = float(table["risk"][table["series"] == "LCB"].max())
    slope_guide(ax, 0.5, start=(0.02, 1.5 * top * math.sqrt(0.02)), stop=0.4, label="1/2")
    ax.set(xscale="log", yscale="log", xlabel="C* − 1", ylabel=f"risk at N = {size}")
    ax.legend(loc="upper left")
    return figure


def penalty_table(evidence: Evidence) -> Table:
    """Largest risk of LCB with penalty sqrt(L/n), times sqrt(N), at each N."""
    rows = []
    for record in evidence.where(f"{SLUG}/penalty"):
        for i, size in enumerate(record["N"]):
            rows.append((record["C"], record["L"], int(size), float(record["lcb"][i]) * math.sqrt(size)))
    return columns(rows, ("concentrability", "L", "N", "scaled_risk"))


def draw_penalty(table: Table) -> matplotlib.figure.Figure:
    """Draw two curves that move in opposite directions."""
    figure, axes = new_grid("wide", 1, 2, aspect=0.85)
    sizes = np.unique(table["N"]).tolist()
    marks = dict(zip(sizes, "os^vD", strict=False))
    for ax, cover, colour in zip(axes[0], (1.5, 6.0), ("#0072B2", "#D55E00"), strict=True):
        for size, mark in marks.items():
            part = (table["concentrability"] == cover) & (table["N"] == size)
            order = np.argsort(table["L"][part])
            ax.plot(
                table["L"][part][order], table["scaled_risk"][part][order], color=colour, marker=mark, linewidth=1.0,
                linestyle="-" if size == sizes[-1] else ":", label=f"N = {size}",
            )  # fmt: skip
        ax.set(xscale="log", xlabel="L", title=f"C* = {cover:g}", ylim=(0.0, None))
        ticks = sorted(set(table["L"].tolist()))
        ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.minorticks_off()
        ax.legend(loc="lower left" if cover < 2 else "upper left")
    axes[0, 0].set_ylabel("√N × largest risk of LCB")
    return figure


#: Published rates (recalled; logarithms dropped), by row of the table.
PUBLISHED = {
    "MAB-LCB, C* = 2": "−1/2",
    "MAB-LCB, C* = 4": "−1/2",
    "Bayes, MAB, C* = 4": "−1/2",
    "CB-LCB, C* = 1": "−1",
    "CB-LCB, C* = 1.5": "−1/2",
    "CB-LCB, C* = 4": "−1/2",
    "Bayes, CB, C* = 1.5": "−1/2",
    "VI-LCB, C* = 1": "−1",
    "VI-LCB, C* = 1.5": "−1/2",
    "VI-LCB, C* = 4": "−1/2",
    "most played, MAB, C* = 1.5": "−0.059 a sample",
    "Bayes, MAB, C* = 1.5": "≥ −0.693 a sample",
}


def exponents_table(evidence: Evidence) -> Table:
    """Measured exponent in N with a 95 % interval beside the published one; exponential rates are per sample."""
    rows = []

    def add(label: str, kept: Evidence, name: str, exponential: bool = False, smallest: float = 0.0) -> None:
        part = sorted((r for r in kept if r["N"] >= smallest), key=lambda record: int(record["N"]))
        values = np.array([np.asarray(record[name], dtype=np.float64) for record in part])
        y = values[:, 0] if values.shape[1] == 1 else values
        fit = RateJudge(0.0, exponential=exponential).fit(Curve([float(r["N"]) for r in part], y))
        span = f"{part[0]['N']}–{part[-1]['N']}"
        rows.append((label, fit.slope, fit.lower, fit.upper, PUBLISHED[label], span))

    points, contexts = evidence.where(f"{SLUG}/two-point"), evidence.where(f"{SLUG}/contexts")
    runs, swapped = evidence.where(f"{SLUG}/vi-risk", gamma=0.9), evidence.where(f"{SLUG}/swapped", C=1.5)
    for cover in (2.0, 4.0):
        add(f"MAB-LCB, C* = {cover:g}", points.where(C=cover), "lcb")
    add("Bayes, MAB, C* = 4", points.where(C=4.0), "bayes")
    for cover in (1.0, 1.5, 4.0):
        add(f"CB-LCB, C* = {cover:g}", contexts.where(C=cover), "lcb")
    add("Bayes, CB, C* = 1.5", contexts.where(C=1.5), "bayes")
    for cover in (1.0, 1.5, 4.0):
        add(f"VI-LCB, C* = {cover:g}", runs.where(C=cover), "risk", smallest=0.0 if cover == 1.0 else 32000)
    add("most played, MAB, C* = 1.5", swapped, "imitation", exponential=True)
    add("Bayes, MAB, C* = 1.5", swapped, "bayes", exponential=True)
    return columns(rows, ("row", "exponent", "low", "high", "published", "range"))


def draw_exponents(table: Table) -> matplotlib.figure.Figure:
    """Draw the table."""
    figure, ax = new_figure("double-column", aspect=0.46)
    ax.set_axis_off()
    ax.set(xlim=(0.0, 1.0), ylim=(0.0, 1.0))
    rows = [
        [row, span, f"{slope:.3f}", f"[{low:.3f}, {high:.3f}]", published]
        for row, span, slope, low, high, published in zip(
            *(table[name].tolist() for name in ("row", "range", "exponent", "low", "high", "published")), strict=True
        )
    ]
    head = ["risk of", "N", "exponent", "95 % interval", "published (recalled)"]
    cells = [head, *rows]
    x = (0.0, 0.30, 0.52, 0.68, 0.82)
    step = 1.0 / (len(cells) + 0.5)
    for i, line in enumerate(cells):
        y = 1.0 - (i + 0.5) * step
        for place, text, column in zip(x, line, range(5), strict=True):
            anchor = "center" if column in (2, 3) else "left"
            ax.text(place, y, text, ha=anchor, va="center", transform=ax.transAxes, fontsize=8.5,
                    fontweight="bold" if i == 0 else "normal")  # fmt: skip
    for level in (1.0, 1.0 - step, 0.5 * step):
        ax.plot([0.0, 1.0], [level, level], color="#22252b", linewidth=0.7, transform=ax.transAxes, clip_on=False)
    return figure


WORLD_SHARE = 0.5


def worlds_table(evidence: Evidence) -> Table:
    """Risk of each learner relative to the uniform policy's, over C* and over N; mean and range over datasets."""
    series = {
        "vi_lcb": "LCB",
        "vi_lcb_small": "LCB, small penalty",
        "empirical": "best empirical",
        "imitation": "imitation",
    }
    rows = []
    for record in evidence.where(f"{SLUG}/grid-worlds"):
        for name, label in series.items():
            risk = 1.0 - record[name]
            rows.append(
                (record["env"], record["share"], float(record["concentrability"][0]), record["N"], label,
                 float(risk.mean()), float(risk.min()), float(risk.max()))
            )  # fmt: skip
    return columns(rows, ("env", "share", "concentrability", "N", "series", "risk", "low", "high"))


def draw_worlds(table: Table) -> matplotlib.figure.Figure:
    """Draw, for each environment, the risk over C* at one size and over N at one C*."""
    environments = list(dict.fromkeys(table["env"].tolist()))
    figure, axes = new_grid("double-column", len(environments), 2, aspect=0.6)
    names = {"LCB": "VI-LCB (c=1, split)", "LCB, small penalty": "VI-LCB (c=0.01, no split)",
             "best empirical": "unpenalised value iteration", "imitation": "behaviour cloning"}  # fmt: skip
    for (left, right), env in zip(axes, environments, strict=True):
        here = table["env"] == env
        middle = max(set(table["N"][here].tolist()), key=table["N"][here].tolist().count)
        covers = {}
        for ax, column, kept in (
            (left, "concentrability", here & (table["N"] == middle)),
            (right, "N", here & (table["share"] == WORLD_SHARE)),
        ):
            values = np.unique(table[column][kept])
            covers[column] = values
            place = {value: i for i, value in enumerate(values.tolist())}
            for name, label in names.items():
                part = kept & (table["series"] == name)
                x = np.array([place[value] for value in table[column][part].tolist()])
                order, look = np.argsort(x), LOOKS[name]
                ax.fill_between(
                    x[order], table["low"][part][order], table["high"][part][order], color=look.colour, alpha=0.15,
                    linewidth=0,
                )  # fmt: skip
                ax.plot(
                    x[order], table["risk"][part][order], color=look.colour, linestyle=look.dash, marker=look.marker,
                    label=label, linewidth=4.0 if "small" in name else 1.4, markersize=6.0 if "small" in name else 3.5,
                    zorder=1.8 if "small" in name else 2.0,
                )  # fmt: skip
            ax.set_xticks(range(len(values)), [f"{v:.0f}" if v >= 100 else f"{v:.3g}" for v in values])
            ax.axhline(1.0, color="#7b828c", linewidth=0.6)
        cover = float(table["concentrability"][here & (table["share"] == WORLD_SHARE)][0])
        left.set(title=f"{env}, N = {middle}", xlabel="C*", ylabel="risk / risk of uniform play")
        right.set(title=f"{env}, C* = {cover:.3g}", xlabel="N")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure


FIGURES = (
    Figure(
        id=f"{SLUG}/fig_rates",
        title="Risk over N by setting and concentrability",
        caption=(
            "Rows: bandit (worst exact risk over F1 and F2 or F3 with any gap), contextual bandit (exact "
            "average risk on F5, F6; "
            "imitation on F4 beside it), MDP (F7; mean over datasets with Student's 95 % bands). Columns: C*. "
            "Bayes: exact Bayes "
            "risk of the family, which no learner beats. Risks below the axis (1e-6) are not shown. In the "
            "MDP row VI-LCB is imitation "
            "of half of the data until N is in the millions (see the findings)."
        ),
        studies=(f"{SLUG}/curves", f"{SLUG}/contexts", f"{SLUG}/imitation-bias", f"{SLUG}/vi-risk"),
        table=rates_table,
        draw=draw_rates,
        claims=tuple(
            f"{SLUG}/{name}" for name in ("mab-greedy-fail", "mab-mostplayed", "il-bias", "cb-upper", "vi-upper")
        ),
        differences=("the paper has no such plot: it states these rates in a table",),
    ),
    Figure(
        id=f"{SLUG}/fig_interp",
        title="From imitation to offline learning at fixed N",
        caption=(
            "CB-LCB (c = 2, S = 10) and the exact Bayes risk at N = 9600: the larger of F5 and F6 at "
            "each C*. Exact, no bands."
        ),
        studies=(f"{SLUG}/interpolation",),
        table=interpolation_table,
        draw=draw_interpolation,
        claims=(f"{SLUG}/cb-upper", f"{SLUG}/cb-lower", f"{SLUG}/cb-regimes"),
        differences=("the paper draws the data spectrum without numbers",),
    ),
    Figure(
        id=f"{SLUG}/fig_nonadapt",
        title="No penalty suits both ends in a bandit",
        caption="Largest exact risk over gaps of LCB with penalty sqrt(L/n), times sqrt(N). Exact, no bands.",
        studies=(f"{SLUG}/penalty",),
        table=penalty_table,
        draw=draw_penalty,
        claims=(f"{SLUG}/mab-nonadaptive",),
        differences=("the paper proves this (Thm 3) and draws nothing",),
    ),
    Figure(
        id=f"{SLUG}/table_rates",
        title="Measured and published exponents",
        caption=(
            "Slope of log risk in log N (in N for the rows marked 'a sample') with a 95 % interval: "
            "Student's on the residuals of "
            "exact curves, studentised bootstrap over datasets for VI-LCB. The published rates are recalled, "
            "logarithms dropped."
        ),
        studies=(f"{SLUG}/two-point", f"{SLUG}/contexts", f"{SLUG}/vi-risk", f"{SLUG}/swapped"),
        table=exponents_table,
        draw=draw_exponents,
        claims=tuple(
            f"{SLUG}/{name}" for name in ("mab-lower-ge2", "mab-lower-12", "cb-upper", "cb-lower", "vi-upper")
        ),
    ),
    Figure(
        id=f"{SLUG}/fig_frozenlake",
        title="Grid worlds from expert to uniform data",
        caption=(
            "Gymnasium's FrozenLake 8x8 (slippery, gamma 0.95) and Taxi (gamma 0.9), rewards rescaled to [0, 1], data "
            "drawn i.i.d. from a mixture of the optimal and the uniform policy's occupancies; C* grows with the share "
            "of the latter (right: one half). Exact risk of the returned policy over that of uniform play (line at 1); "
            "mean and range over datasets."
        ),
        studies=(f"{SLUG}/grid-worlds",),
        table=worlds_table,
        draw=draw_worlds,
        claims=(f"{SLUG}/vi-upper",),
        differences=("not in the paper",),
    ),
)
