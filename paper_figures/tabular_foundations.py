"""Figures of the foundations: exact coverage of concentration inequalities, and planners with their certificates."""

from __future__ import annotations

import matplotlib.figure
import numpy as np

from bounds.claims import Evidence
from paper_figures import _foundations_bandits, _foundations_episodic, style
from paper_figures._tables import stacked
from paper_figures.figure import Figure, Table
from tabular.errors import ParameterError

__all__ = ["FIGURES"]

SLUG = "tabular-foundations"
COVERAGE = f"{SLUG}/coverage-curves"
CONVERGENCE = f"{SLUG}/convergence"
DELTA = 0.1

LABELS = {
    "hoeffding": "Hoeffding",
    "bernstein": "Bernstein",
    "maurer-pontil": "Maurer-Pontil",
    "kl-chernoff": "KL-Chernoff",
    "kl-chernoff-uniform": "KL-Chernoff, all times",
    "self-normalised": "self-normalised",
    "weissman": "Weissman",
}
METHODS = {
    "vi": "value iteration",
    "vi-gs": "Gauss-Seidel",
    "mpi": "modified policy iteration",
    "pi": "policy iteration",
}
PANELS = (
    ("50 draws", tuple((name, 50, 2) for name in ("hoeffding", "bernstein", "maurer-pontil", "kl-chernoff"))),
    ("200 draws", tuple((name, 200, 2) for name in ("hoeffding", "bernstein", "maurer-pontil", "kl-chernoff"))),
    (
        "all times to 300; 12 draws of 8",
        (("kl-chernoff-uniform", 300, 2), ("self-normalised", 300, 2), ("weissman", 12, 8)),
    ),
)
"""Title of a panel, and the curves in it: inequality, number of draws (or last time), number of outcomes."""


def coverage_table(evidence: Evidence) -> Table:
    """Return the failure probabilities at level `DELTA`, by panel and inequality, in the order of the mean."""
    rows = []
    for panel, (_, curves) in enumerate(PANELS):
        for name, n, S in curves:
            for record in evidence.where(COVERAGE, inequality=name, n=n, delta=DELTA, S=S):
                order = np.argsort(record["p"], kind="stable")
                rows.append(
                    {
                        "panel": panel,
                        "inequality": LABELS[name],
                        "n": n,
                        "S": S,
                        "delta": DELTA,
                        "p": record["p"][order],
                        "failure": record["failure"][order],
                    }
                )
    return stacked(rows)


def draw_coverage(table: Table) -> matplotlib.figure.Figure:
    """Draw the curves of each panel under the line at the level."""
    figure, axes = style.new_grid("double-column", 1, len(PANELS), aspect=0.95, share_y=True)
    looks = style.looks(table["inequality"].tolist())
    for panel, (title, _) in enumerate(PANELS):
        ax = axes[0, panel]
        inside = table["panel"] == panel
        ax.axhline(DELTA, color=style.INK, linewidth=0.9, linestyle=(0, (4, 2)))
        for name in dict.fromkeys(table["inequality"][inside].tolist()):
            chosen = inside & (table["inequality"] == name)
            style.band_line(ax, table["p"][chosen], table["failure"][chosen], label=name, look=looks[name])
        ax.set(title=title, xlabel="mean $p$", xlim=(0, 1), yscale="log", ylim=(1e-5, 0.6))
        for line in ax.lines:
            line.set_linewidth(1.0)
    entries = dict(item for ax in axes[0] for item in zip(*ax.get_legend_handles_labels()[::-1], strict=True))
    figure.legend(list(entries.values()), list(entries), loc="outside lower center", ncols=4)
    axes[0, 0].set_ylabel("probability of failure")
    axes[0, 0].annotate(r"$\delta$", (0.02, DELTA), xytext=(0, 2), textcoords="offset points", va="bottom")
    return figure


def controls_table(evidence: Evidence) -> Table:
    """Return the largest failure probability over the mean for each inequality and for its broken variant."""
    rows = []
    for (name, n, S), cell in evidence.where(COVERAGE, delta=DELTA).groups("inequality", "n", "S"):
        stated, _, broken = name.partition("/")
        failure = cell.column("failure")
        worst = int(np.argmax(failure))
        rows.append(
            {
                "inequality": LABELS[stated],
                "n": n,
                "S": S,
                "delta": DELTA,
                "variant": broken or "as stated",
                "p": cell.column("p")[worst],
                "failure": failure[worst],
            }
        )
    return stacked(rows)


def draw_controls(table: Table) -> matplotlib.figure.Figure:
    """Draw one line a design: the inequality as stated, and with a term of its radius removed."""
    designs = list(dict.fromkeys(zip(table["inequality"], table["n"], table["S"], strict=True)))
    figure, ax = style.new_figure("wide", aspect=0.12 + 0.036 * len(designs))
    looks = style.looks(table["inequality"].tolist())
    ax.axvline(DELTA, color=style.INK, linewidth=0.9, linestyle=(0, (4, 2)))
    for place, (name, n, S) in enumerate(designs):
        chosen = (table["inequality"] == name) & (table["n"] == n) & (table["S"] == S)
        stated = chosen & (table["variant"] == "as stated")
        broken = chosen & (table["variant"] != "as stated")
        look = looks[str(name)]
        ends = [table["failure"][stated].max(), table["failure"][broken].max()]
        ax.plot(ends, [place, place], color=look.colour, linewidth=0.8, alpha=0.6, zorder=1)
        ax.plot(ends[0], place, look.marker, color=look.colour, label="as stated" if not place else None)
        ax.plot(
            ends[1],
            place,
            look.marker,
            color=look.colour,
            markerfacecolor="white",
            label="broken on purpose" if not place else None,
        )
    names = [f"{name}, {n} draws" + (f" of {S}" if S > 2 else "") for name, n, S in designs]
    ax.set_yticks(range(len(designs)), names, fontsize=7.5)
    ax.invert_yaxis()
    ax.annotate(r"$\delta$", (DELTA, -0.2), xytext=(3, 0), textcoords="offset points", va="center")
    ax.set(xscale="log", xlabel="largest probability of failure over the mean $p$")
    ax.legend(loc="lower left")
    return figure


def convergence_table(evidence: Evidence) -> Table:
    """Return operations, error and certificate width after every sweep, by discount and method."""
    rows = []
    for record in evidence.where(CONVERGENCE):
        if record["method"] not in METHODS:
            raise ParameterError(f"no name for method {record['method']!r}")
        rows.append(
            {
                "gamma": record["gamma"],
                "method": METHODS[record["method"]],
                "operations": record["operations"],
                "error": record["error"],
                "width": record["width"],
            }
        )
    return stacked(rows)


def draw_planners(table: Table) -> matplotlib.figure.Figure:
    """Draw the true error against the operations, one panel a discount."""
    gammas = sorted(set(table["gamma"].tolist()))
    figure, axes = style.new_grid("double-column", 1, len(gammas), aspect=0.95, share_y=True)
    looks = style.looks(table["method"].tolist())
    for ax, gamma in zip(axes[0], gammas, strict=True):
        for name, look in looks.items():
            chosen = (table["gamma"] == gamma) & (table["method"] == name)
            few = int(chosen.sum()) < 40
            style.band_line(ax, table["operations"][chosen], table["error"][chosen], label=name, look=look, markers=few)
        ax.set(title=rf"$\gamma = {gamma:g}$", xscale="log", yscale="log", xlabel="operations")
    axes[0, 0].set_ylabel(r"$\|v - V^\star\|_\infty$")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


def draw_certificates(table: Table) -> matplotlib.figure.Figure:
    """Draw certificate width against true error, with the line that no sound certificate crosses."""
    figure, ax = style.new_figure("wide", aspect=0.7)
    looks = style.looks(table["method"].tolist())
    for name, look in looks.items():
        chosen = table["method"] == name
        ax.plot(
            table["error"][chosen],
            table["width"][chosen],
            look.marker,
            color=look.colour,
            markersize=3,
            alpha=0.75,
            markeredgewidth=0,
            label=name,
        )
    low, high = float(table["error"].min()), float(table["error"].max())
    ax.plot([low, high], [2 * low, 2 * high], color=style.INK, linewidth=0.9, linestyle=(0, (4, 2)))
    middle = (low * high) ** 0.5
    ax.annotate("width = 2 error", (middle, 2 * middle), xytext=(10, -6), textcoords="offset points", va="top")
    ax.set(
        xscale="log",
        yscale="log",
        xlabel=r"true error of the centre, $\|v - V^\star\|_\infty$",
        ylabel="width of the certificate",
    )
    ax.legend(loc="upper left")
    return figure


_CONCENTRATION = tuple(
    f"{SLUG}/{name}"
    for name in ("hoeffding", "bernstein", "maurer-pontil", "kl-chernoff", "self-normalised", "weissman")
)

FIGURES = (
    Figure(
        id=f"{SLUG}/fig_coverage",
        title="Exact failure probability of concentration inequalities against the mean",
        caption=(
            "Probability that the stated inequality fails, under independent Bernoulli draws of mean $p$, at "
            "$\\delta = 0.1$ (dashed). Exact: the law of the draws is summed, nothing is simulated. Right: the "
            "inequalities that hold at all times up to 300, and Weissman's for 12 draws among 8 outcomes, where $p$ is "
            "the probability of the first and the others share the rest."
        ),
        studies=(COVERAGE,),
        table=coverage_table,
        draw=draw_coverage,
        claims=_CONCENTRATION,
    ),
    Figure(
        id=f"{SLUG}/fig_controls",
        title="The same inequalities with a term removed",
        caption=(
            "Largest failure probability over the grid of means at $\\delta = 0.1$ (dashed), for each inequality as "
            "stated (filled) and for its negative control (hollow). Exact; a hollow mark left of the line is a "
            "broken variant that this design would not catch."
        ),
        studies=(COVERAGE,),
        table=controls_table,
        draw=draw_controls,
        claims=_CONCENTRATION,
    ),
    Figure(
        id=f"{SLUG}/fig_planners",
        title="Error of exact planners against their work",
        caption=(
            "Sup-norm error of the centre of the MacQueen enclosure after every sweep, against multiplications so far, "
            "on one model with 50 states and 4 actions at three discounts. The model is deterministic given its seed; "
            "there is no band because nothing is random."
        ),
        studies=(CONVERGENCE,),
        table=convergence_table,
        draw=draw_planners,
        claims=(f"{SLUG}/vi-stop", f"{SLUG}/mpi", f"{SLUG}/pi"),
    ),
    Figure(
        id=f"{SLUG}/fig_certificates",
        title="Width of the certificate against the true error",
        caption=(
            "Width of the MacQueen enclosure against the true error of its centre, after every sweep of every planner "
            "and at every discount. A sound certificate stays above the dashed line, up to rounding at the lower end."
        ),
        studies=(CONVERGENCE,),
        table=convergence_table,
        draw=draw_certificates,
        claims=(f"{SLUG}/macqueen", f"{SLUG}/span-stop"),
    ),
    *_foundations_bandits.FIGURES,
    *_foundations_episodic.FIGURES,
)
