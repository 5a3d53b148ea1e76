"""Figures of misspecified-sparse-linear-bandits: growth of queries, errors against queries, coherence, regret."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bounds.claims import Evidence
from paper_figures._tables import columns
from paper_figures.figure import Figure, Table
from paper_figures.style import GUIDE, band_line, looks, new_figure, new_grid, slope_guide

if TYPE_CHECKING:
    import matplotlib.figure

__all__ = ["FIGURES"]

SLUG = "misspecified-sparse-linear-bandits"
LEARNERS = (
    "net elimination",
    "index-set elimination",
    "one-shot design",
    "sparse fit",
    "LASSO",
    "exhaustive search",
)


def growth_table(evidence: Evidence) -> Table:
    """Return mean queries over the dimension: net elimination by sparsity, and hidden arms with a dense theta."""
    rows: list[tuple[Any, ...]] = []
    for (s, d), cell in evidence.where(f"{SLUG}/growth", axis="d").groups("s", "d"):
        rows.append((f"net elimination, s={s}", s, d, cell.column("null").mean()))
    for record in evidence.where(f"{SLUG}/family", power=0.0):
        rows.append(("dense, coherence 1/2", 0, record["d"], record["queries"][0]))
    return columns(rows, ("series", "s", "d", "queries"))


def draw_growth(table: Table) -> matplotlib.figure.Figure:
    """Draw queries over d, on log-log axes (left) and with d linear (right), where an exponential is straight."""
    figure, axes = new_grid("double-column", 1, 2, aspect=0.8, share_y=True)
    names = list(dict.fromkeys(table["series"].tolist()))
    look = looks(names)
    for ax, scale in zip(axes[0], ("log", "linear"), strict=True):
        for name in names:
            part = table["series"] == name
            band_line(ax, table["d"][part], table["queries"][part], label=name, look=look[name], markers=True)
        ax.set(xscale=scale, yscale="log", xlabel="dimension $d$")
    ticks = [4, 6, 8, 12, 16, 32]
    axes[0, 0].set_xticks(ticks, [str(t) for t in ticks])
    axes[0, 0].minorticks_off()
    axes[0, 0].set_ylabel("distinct queries")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return figure


def frontier_table(evidence: Evidence) -> Table:
    """Return mean and largest error (in eps) and mean queries of each learner, and the two barriers."""
    (record,) = evidence.where(f"{SLUG}/frontier")
    rows = []
    for name, queries, error in zip(record["learner"], record["queries"], record["error"], strict=True):
        rows.append((str(name), queries.mean(), error.mean(), error.max(), record["s"], record["d"]))
    return columns(rows, ("learner", "queries", "mean", "largest", "s", "d"))


def draw_frontier(table: Table) -> matplotlib.figure.Figure:
    """Draw each learner as a point (mean error) with a line up to its largest error; levels at sqrt(s) and sqrt(d)."""
    figure, ax = new_figure("wide", aspect=0.62)
    look = looks(LEARNERS)
    for name in LEARNERS:
        (i,) = np.flatnonzero(table["learner"] == name)
        x, mean, most = (float(table[column][i]) for column in ("queries", "mean", "largest"))
        ax.plot([x, x], [mean, most], color=look[name].colour, linewidth=1.0)
        ax.plot([x], [most], color=look[name].colour, marker="_", markersize=7)
        ax.plot([x], [mean], color=look[name].colour, marker=look[name].marker, linestyle="", markersize=5, label=name)
    for value, text in ((float(table["s"][0]), r"$\sqrt{s}$"), (float(table["d"][0]), r"$\sqrt{d}$")):
        ax.axhline(math.sqrt(value), color=GUIDE, linewidth=0.8, linestyle=(0, (4, 2)))
        ax.annotate(text, (1.0, math.sqrt(value)), xycoords=("axes fraction", "data"), xytext=(3, 0),
                    textcoords="offset points", va="center", color=GUIDE)  # fmt: skip
    ax.set(xscale="log", xlabel="distinct queries", ylabel=r"suboptimality $/\,\epsilon$")
    ax.set_ylim(bottom=-0.1)
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def coherence_table(evidence: Evidence) -> Table:
    """Return measured coherence (mean, least, largest) and the guarantee sqrt(8 ln k / (d - 1))."""
    rows = []
    for record in evidence.where(f"{SLUG}/coherence"):
        values = record["coherence"]
        guarantee = math.sqrt(8.0 * math.log(record["k"]) / (record["d"] - 1))
        rows.append((record["d"], record["k"], values.mean(), values.min(), values.max(), guarantee))
    rows.sort()
    return columns(rows, ("d", "k", "mean", "low", "high", "guarantee"))


def draw_coherence(table: Table) -> matplotlib.figure.Figure:
    """Draw measured coherence (filled) under its guarantee (hollow) over the dimension, with the number of vectors."""
    figure, ax = new_figure("single-column", aspect=0.85)
    spread = np.abs(np.stack([table["low"], table["high"]]) - table["mean"])
    ax.plot(
        table["d"], table["guarantee"], color="#000000", marker="o", fillstyle="none", linestyle="", label="guarantee"
    )
    ax.errorbar(
        table["d"],
        table["mean"],
        yerr=spread,
        color="#0072B2",
        marker="o",
        linestyle="",
        linewidth=0.9,
        label="measured",
    )
    for d, k, y in zip(table["d"], table["k"], table["low"], strict=True):
        ax.annotate(f"{k}", (d, y), xytext=(0, -9), textcoords="offset points", fontsize=7.0, ha="center")
    ax.set(xscale="log", ylim=(0.0, None), xlabel="dimension $d$", ylabel="coherence")
    ticks = [10, 20, 30, 60, 120, 200]
    ax.set_xticks(ticks, [str(tick) for tick in ticks])
    ax.minorticks_off()
    ax.legend()
    return figure


def barrier_table(evidence: Evidence) -> Table:
    """Return the exact worst prediction error in eps over the dimension, and its upper bound."""
    rows = []
    for (d,), cell in evidence.where(f"{SLUG}/barrier").groups("d"):
        worst = cell.column("worst")
        rows.append((d, worst.mean(), worst.min(), worst.max(), 1.0 + math.sqrt(1.01 * d), math.sqrt(d)))
    return columns(rows, ("d", "mean", "low", "high", "bound", "root"))


def draw_barrier(table: Table) -> matplotlib.figure.Figure:
    """Draw the worst prediction error between 0.7 sqrt(d) and 1 + sqrt((1 + tau) d)."""
    figure, ax = new_figure("single-column", aspect=0.85)
    look = looks(["one-shot design", "bound"])
    band_line(
        ax, table["d"], table["mean"], table["low"], table["high"], label="one-shot design",
        look=look["one-shot design"], markers=True,
    )  # fmt: skip
    ax.plot(table["d"], table["bound"], color=look["bound"].colour, linewidth=0.9, label=r"$1+\sqrt{(1+\tau)d}$")
    ax.plot(table["d"], 0.7 * table["root"], color=GUIDE, linewidth=0.9, linestyle=(0, (4, 2)), label=r"$0.7\sqrt{d}$")
    ax.set(xscale="log", yscale="log", xlabel="dimension $d$", ylabel=r"worst prediction error $/\,\epsilon$")
    ticks = [int(d) for d in table["d"]][::2]
    ax.set_xticks(ticks, [str(t) for t in ticks])
    heights = [h for h in (2, 3, 4, 5, 6, 8) if 0.65 * table["root"].min() < h < 1.1 * table["bound"].max()]
    ax.set_yticks(heights, [str(h) for h in heights])
    ax.minorticks_off()
    ax.legend()
    return figure


def regret_table(evidence: Evidence) -> Table:
    """Return mean regret of phased elimination over rounds with 1.96 standard errors: worst norm, and misled."""
    rows: list[tuple[Any, ...]] = []

    def add(panel: int, series: str, x: float, values: npt.NDArray[np.float64]) -> None:
        half = 1.96 * values.std(ddof=1) / math.sqrt(values.size)
        rows.append((panel, series, x, values.mean(), max(values.mean() - half, 1e-9), values.mean() + half))

    for (n,), cells in evidence.where(f"{SLUG}/specified").groups("n"):
        runs = [cell for _, cell in cells.groups("shrinking", "norm")]
        for name, label in (("phased", "doubling"), ("textbook", "textbook"), ("hasty", "first phase decides")):
            worst = max((cell.column(name) for cell in runs), key=lambda one: float(one.mean()))
            add(0, label, n, worst)
    for record in evidence.where(f"{SLUG}/misled", eps=0.1):
        for j, n in enumerate(record["rounds"]):
            if record["d"] in (2, 16):
                add(1, f"d={record['d']}, eps unknown", n, record["regret"][:, j] / 0.1)
                add(1, f"d={record['d']}, eps known", n, record["told"][:, j] / 0.1)
    return columns(rows, ("panel", "series", "rounds", "mean", "low", "high"))


def draw_regret(table: Table) -> matplotlib.figure.Figure:
    """Draw regret at the worst norm of theta (left) and regret over eps on misleading problems (right)."""
    figure, axes = new_grid("double-column", 1, 2, aspect=0.85)
    for panel, (title, unit) in enumerate(
        (("well specified", "regret"), (r"misled, $\epsilon=0.1$", r"regret $/\,\epsilon$"))
    ):
        ax = axes[0, panel]
        names = list(dict.fromkeys(table["series"][table["panel"] == panel].tolist()))
        look = looks(names)
        for name in names:
            part = (table["panel"] == panel) & (table["series"] == name)
            x, mean, low, high = (table[column][part] for column in ("rounds", "mean", "low", "high"))
            band_line(ax, x, mean, low, high, label=name, look=look[name], markers=True)
        ax.set(title=title, xscale="log", yscale="log", xlabel="rounds $T$", ylabel=unit)
        ax.legend()
    left = table["panel"] == 0
    first = float(table["rounds"][left].min())
    base = 0.6 * float(table["mean"][left & (table["rounds"] == first)].min())
    slope_guide(axes[0, 0], 0.5, start=(first, base), stop=float(table["rounds"][left].max()), label="1/2")
    return figure


FIGURES = (
    Figure(
        id=f"{SLUG}/fig_growth",
        title="Queries over the dimension",
        caption=(
            "Distinct queries of net elimination where nothing can be found (theta = 0, every arm pays -eps), "
            "which is its "
            "longest run, for s = 1, 2, 3 at eps = 0.2, 0.4, 0.6, and the least expected number of queries that "
            "find an arm "
            "hidden among as many unit vectors of coherence at most 1/2 as were packed, with dense theta. Both panels "
            "show the same numbers: polynomials are straight on the left, exponentials on the right. At these "
            "sizes the "
            "exponential is still the smaller number; what is judged are the slopes."
        ),
        studies=(f"{SLUG}/growth", f"{SLUG}/family"),
        table=growth_table,
        draw=draw_growth,
        claims=(f"{SLUG}/no-exp-d", f"{SLUG}/du-exp", f"{SLUG}/net-queries"),
    ),
    Figure(
        id=f"{SLUG}/fig_frontier",
        title="Error against queries",
        caption=(
            "Every learner on random unit features with a 2-sparse theta and the misspecification that raises the "
            "dense least-squares prediction of a mediocre arm over that of the best the most. Points: means over "
            "runs; lines reach up to the largest error. Levels at the square roots of s and d, in units of eps."
        ),
        studies=(f"{SLUG}/frontier",),
        table=frontier_table,
        draw=draw_frontier,
        claims=(f"{SLUG}/net-guarantee", f"{SLUG}/index-sets", f"{SLUG}/design-opt"),
    ),
    Figure(
        id=f"{SLUG}/fig_barrier",
        title="The barrier at sqrt(d)",
        caption=(
            "Largest prediction error of the one-shot design over all misspecifications of size eps, exactly, on d^2 "
            "random unit vectors (mean and range over families), between its bound and 0.7 sqrt(d)."
        ),
        studies=(f"{SLUG}/barrier",),
        table=barrier_table,
        draw=draw_barrier,
        claims=(f"{SLUG}/sqrt-d-barrier", f"{SLUG}/design-pred"),
    ),
    Figure(
        id=f"{SLUG}/fig_coherence",
        title="Coherence of random unit vectors",
        caption=(
            "Largest absolute inner product of k independent uniform unit vectors in dimension d (mean and range over "
            "families; the number below a point is k), and the value sqrt(8 ln k / (d - 1)) that is guaranteed "
            "attainable."
        ),
        studies=(f"{SLUG}/coherence",),
        table=coherence_table,
        draw=draw_coherence,
        claims=(f"{SLUG}/lower-s", f"{SLUG}/exp-s"),
    ),
    Figure(
        id=f"{SLUG}/fig_regret",
        title="Regret of phased elimination",
        caption=(
            "Mean regret with 1.96 standard errors. Left: no misspecification, d = 4, 30 arms, noise 0.1, at each "
            "horizon for the norm of theta whose regret is largest; keeping only the best estimate of the first phase "
            "costs linear regret. Right: misspecification 0.1 that misleads least squares, noise 0.05, 3 d arms, "
            "in units of eps."
        ),
        studies=(f"{SLUG}/specified", f"{SLUG}/misled"),
        table=regret_table,
        draw=draw_regret,
        claims=(f"{SLUG}/phased-regret",),
    ),
)
