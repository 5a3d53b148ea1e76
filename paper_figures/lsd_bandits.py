"""Figures of lsd-bandits: ratios on random instances, the tight family, cycles and hulls, learning."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from bounds.claims import Evidence
from paper_figures._tables import columns
from paper_figures.figure import Figure, Table
from paper_figures.style import Look, band_line, new_figure, new_grid, slope_guide

if TYPE_CHECKING:
    import matplotlib.figure

SLUG = "lsd-bandits"
MONOTONE = ("monotone", "recharging", "satiation")
LIMIT = 1.0 - math.exp(-1.0)
GREY = "#7b828c"

#: One look for each schedule, in every figure of this paper.
LOOKS = {
    "optimum": Look("#000000", "", "-"),
    "virtual states": Look("#0072B2", "o", "-"),
    "random candidate": Look("#56B4E9", "v", (0, (5, 1.4, 1.2, 1.4))),
    "no contention resolution": Look("#D55E00", "s", (0, (5, 1.6))),
    "greedy": Look("#E69F00", "<", (0, (5, 1.6))),
    "lookahead 5": Look("#009E73", "^", (0, (1.2, 1.2))),
    "round robin": Look("#CC79A7", "D", (0, (8, 2))),
    "earliest deadline": Look("#D55E00", "s", (0, (5, 1.4, 1.2, 1.4))),
}
COLUMNS = {
    "optimum": "opt",
    "virtual states": "rounding",
    "random candidate": "random",
    "greedy": "greedy",
    "lookahead 5": "lookahead",
    "round robin": "robin",
    "earliest deadline": "deadline",
}


def ratios_table(evidence: Evidence) -> Table:
    """Payoff over LP* of every schedule on every monotone random instance."""
    rows = []
    for kind in MONOTONE:
        kept = evidence.where(f"{SLUG}/random", kind=kind)
        lp, arms = kept.column("lp"), kept.column("n")
        for label, name in COLUMNS.items():
            value = kept.column(name)
            rows += [(kind, label, int(n), float(v / c)) for n, v, c in zip(arms, value, lp, strict=True)]
    return columns(rows, ("kind", "schedule", "n", "ratio"))


def draw_ratios(table: Table) -> matplotlib.figure.Figure:
    """Draw distribution functions, one panel a family."""
    figure, axes = new_grid("double-column", 1, 3, aspect=0.95, share_y=True)
    for ax, kind in zip(axes[0], MONOTONE, strict=True):
        for label in COLUMNS:
            part = (table["kind"] == kind) & (table["schedule"] == label)
            ratio = np.sort(table["ratio"][part])
            share = np.arange(1, ratio.size + 1) / ratio.size
            x, y = np.concatenate([ratio[:1], ratio, [1.0]]), np.concatenate([[0.0], share, [1.0]])
            ax.step(x, y, where="post", color=LOOKS[label].colour, linestyle=LOOKS[label].dash, label=label)
        for level in (LIMIT, *(1.0 - (1.0 - 1.0 / n) ** n for n in (2, 3, 4))):
            ax.axvline(level, color=GREY, linewidth=0.7, linestyle=":" if level != LIMIT else "-", zorder=0.5)
        ax.set(title=kind, xlabel="payoff / LP*", xlim=(0.3, 1.01))
    axes[0, 0].set_ylabel("share of instances")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure


def tight_table(evidence: Evidence) -> Table:
    """Exact and simulated ratios on the tight family, and on the spikes."""
    rows: list[tuple[Any, ...]] = []
    for record in evidence.where(f"{SLUG}/tight"):
        for label, name in (("virtual states", "rounding"), ("no contention resolution", "wasteful")):
            ratio = float(record[name][0] / record["lp"][0])
            rows.append((label, record["n"], ratio, ratio, ratio))
    for series, kept, name in (
        ("virtual states, simulated", evidence.where(f"{SLUG}/simulation", family="tight"), "payoff"),
        ("spikes, simulated", evidence.where(f"{SLUG}/spike"), "spike"),
    ):
        for record in kept:
            x = np.asarray(record[name], dtype=np.float64)
            half = float(special.stdtrit(x.size - 1, 0.975) * x.std(ddof=1) / math.sqrt(x.size))
            rows.append((series, record["n"], float(x.mean()), float(x.mean()) - half, float(x.mean()) + half))
    return columns(rows, ("series", "n", "ratio", "low", "high"))


def draw_tight(table: Table) -> matplotlib.figure.Figure:
    """Draw exact lines and simulated points with their intervals."""
    figure, ax = new_figure("single-column", aspect=0.85)
    for series in ("virtual states", "no contention resolution"):
        part = table["series"] == series
        band_line(ax, table["n"][part], table["ratio"][part], label=series, look=LOOKS[series], markers=False)
    for series, look in (
        ("virtual states, simulated", LOOKS["virtual states"]),
        ("spikes, simulated", LOOKS["lookahead 5"]),
    ):
        part = table["series"] == series
        middle, low, high = (table[name][part] for name in ("ratio", "low", "high"))
        ax.errorbar(
            table["n"][part], middle, yerr=np.array([middle - low, high - middle]), fmt=look.marker, color=look.colour,
            capsize=2.5, linestyle="none", label=series,
        )  # fmt: skip
    ax.axhline(LIMIT, color=GREY, linewidth=0.8)
    ax.annotate(
        "1 − 1/e", (8.0, LIMIT), xytext=(0, -10), textcoords="offset points", fontsize=8, color=GREY, ha="right"
    )
    ax.set(xlabel="arms n", ylabel="payoff / LP*", ylim=(0.3, 1.02))
    ax.legend(loc="upper right")
    return figure


def cycles_table(evidence: Evidence) -> Table:
    """Cycles of each arm, their hull, and the rate the program chose."""
    rows: list[tuple[Any, ...]] = []
    for record in evidence.where(f"{SLUG}/cycles"):
        arm = int(record["arm"])
        for j, pulled, x, y in zip(record["idle"], record["pulled"], record["rate"], record["payoff"], strict=True):
            rows.append((arm, "cycle", int(j), int(pulled), float(x), float(y)))
        rows += [(arm, "hull", 0, 0, float(x), float(y)) for x, y in zip(record["grid"], record["hull"], strict=True)]
        chosen = float(record["chosen"][0])
        height = float(np.interp(chosen, record["grid"], record["hull"]))
        rows.append((arm, "chosen", 0, 0, chosen, height))
    return columns(rows, ("arm", "part", "idle", "pulled", "rate", "payoff"))


def draw_cycles(table: Table) -> matplotlib.figure.Figure:
    """Draw one panel an arm; each point is named by its idle and pulled rounds."""
    figure, axes = new_grid("double-column", 1, 3, aspect=0.95, share_y=True)
    for arm, ax in enumerate(axes[0]):
        here = table["arm"] == arm
        hull, cycle, chosen = (here & (table["part"] == name) for name in ("hull", "cycle", "chosen"))
        ax.plot(table["rate"][hull], table["payoff"][hull], color="#0072B2", label="concave hull")
        ax.plot(table["rate"][cycle], table["payoff"][cycle], "o", color="#22252b", label="cycle (idle, pulled)")
        ax.plot(
            table["rate"][chosen], table["payoff"][chosen], "s", color="#D55E00", markersize=7.0, fillstyle="none",
            label="rate in the program",
        )  # fmt: skip
        seen: set[tuple[float, float]] = set()
        for j, pulled, x, y in zip(
            *(table[n][cycle].tolist() for n in ("idle", "pulled", "rate", "payoff")), strict=True
        ):
            if (x, y) not in seen:
                side, anchor = ((4, -8), "left") if pulled > 1 or j == 0 else ((-3, 3), "right")
                ax.annotate(f"{j},{pulled}", (x, y), xytext=side, textcoords="offset points", fontsize=7, ha=anchor)
            seen.add((x, y))
        ax.set(title=f"arm {arm + 1}", xlabel="pulls a round", xlim=(0.0, 1.12))
    axes[0, 0].set_ylabel("payoff a round")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


LEARNERS = {
    ("unique", "commit", "explored"): "explore and commit",
    ("unique", "commit", "assumed"): "the same, rest assumed useless",
    ("near-tie", "commit", "explored"): "explore and commit, near tie",
    ("unique", "optimistic", "explored"): "optimistic",
}
LEARNER_LOOKS = {
    "explore and commit": Look("#0072B2", "o", "-"),
    "the same, rest assumed useless": Look("#D55E00", "s", (0, (5, 1.6))),
    "explore and commit, near tie": Look("#CC79A7", "D", (0, (8, 2))),
    "optimistic": Look("#009E73", "^", (0, (1.2, 1.2))),
}


def regret_table(evidence: Evidence) -> Table:
    """Mean regret from 2^10 rounds on, with Student's 95 % intervals over runs."""
    rows = []
    for key, part in evidence.where(f"{SLUG}/regret").groups("instance", "learner", "rested"):
        for record in part:
            regret = np.asarray(record["regret"], dtype=np.float64)
            half = special.stdtrit(regret.shape[0] - 1, 0.975) * regret.std(axis=0, ddof=1) / math.sqrt(regret.shape[0])
            for t, mean, wide in zip(record["rounds"], regret.mean(axis=0), half, strict=True):
                if t >= 2**10:
                    rows.append((LEARNERS[key], int(t), float(mean), float(mean - wide), float(mean + wide)))
    return columns(rows, ("learner", "T", "regret", "low", "high"))


def draw_regret(table: Table) -> matplotlib.figure.Figure:
    """Draw regret over rounds: logarithmic axes, linear near 0, where the optimist's interval may reach below."""
    figure, ax = new_figure("wide", aspect=0.6)
    for learner, look in LEARNER_LOOKS.items():
        part = table["learner"] == learner
        order = np.argsort(table["T"][part])
        x, y, low, high = (table[name][part][order] for name in ("T", "regret", "low", "high"))
        band_line(ax, x, y, low, high, label=learner, look=look, markers=True)
    ax.set(xscale="log", xlabel="T", ylabel="regret")
    ax.set_yscale("symlog", linthresh=50.0)
    slope_guide(ax, 2.0 / 3.0, start=(2.0**11, 90.0), stop=2.0**15.3, label="slope 2/3")
    ax.legend(loc="upper left")
    return figure


_figure = functools.partial(
    Figure.of,
    SLUG,
    differences=("drawn from this project's own instances; whether the paper has a figure like it was not seen",),
)

FIGURES = (
    _figure(
        "fig_ratios",
        "Schedules over the relaxation, random instances",
        "Distribution over random monotone instances (2 to 4 arms) of the average payoff over LP*, everything exact "
        "except earliest deadline, averaged over 200 rounds. Grey lines: 1 - 1/e (solid) and 1 - (1 - 1/n)^n for "
        "n = 4, 3, 2 (dotted).",
        ("random",),
        ratios_table,
        draw_ratios,
        ("lp-upper", "approx", "finite-n"),
    ),
    _figure(
        "fig_tight",
        "The family on which the rounding loses most",
        "Lines: exact values. Points: mean real payoff of simulated runs over independent draws of the virtual states, "
        "with Student's 95 % interval. Spikes pay after exactly n - 1 idle rounds and are not monotone.",
        ("tight", "simulation", "spike"),
        tight_table,
        draw_tight,
        ("tight-rounding", "monotone-needed"),
    ),
    _figure(
        "fig_cycles",
        "What an arm can do over and over",
        "The three arms of the learning instance. Each point is a cycle of idle and pulled rounds, (0, 1) the arm "
        "pulled always; the line is their concave hull with the origin, the best payoff at a rate. Exact, no bands.",
        ("cycles",),
        cycles_table,
        draw_cycles,
        ("recharging-lp",),
    ),
    _figure(
        "fig_regret",
        "Regret of learners",
        "Mean over independent runs with Student's 95 % bands. Explore and commit: separate runs for each horizon, "
        "exact given the estimates, counted in virtual states. Optimistic: one set of runs, counted in real states, "
        "whose payoff can exceed the promised one. The vertical axis is linear between -50 and 50.",
        ("regret",),
        regret_table,
        draw_regret,
        ("regret", "regret-near-tie"),
    ),
)
