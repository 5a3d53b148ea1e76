"""Figures of stepmix: values and regret over episodes, sweeps, what is learned offline, mixing, waiting, violations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bounds.claims import Evidence
from paper_figures._stepmix_episodes import (
    GUIDE,
    LOOKS,
    NAMES,
    SLUG,
    columns,
    cumulative_table,
    draw_cumulative,
    draw_mixing,
    draw_regret,
    draw_values,
    interval,
    legend,
    line,
    mixing_table,
    quartiles,
    regret_table,
    values_table,
)
from paper_figures.figure import Figure, Table
from paper_figures.style import new_grid, slope_guide

if TYPE_CHECKING:
    import matplotlib.figure


# ---------------------------------------------------------------- sweeps, kappa


def sweep_table(evidence: Evidence) -> Table:
    """Regret over the quality of the baseline, and over the threshold; median over problems with quartiles."""
    kept = evidence.where(f"{SLUG}/sweep")
    rows = []
    for record in kept:
        panels = [name for name, other in (("eta", "fraction"), ("fraction", "eta"))
                  if record[other] == _common(kept, other)]  # fmt: skip
        rows += [
            (panel, float(record[panel]), NAMES[learner], *quartiles(record[learner]))
            for panel in panels
            for learner in ("stepmix", "epsmix", "unconstrained")
        ]
    return columns(rows, ("panel", "x", "learner", "regret", "low", "high"))


def _common(evidence: Evidence, name: str) -> Any:
    """Return the value of a parameter that most cells have."""
    values = [record[name] for record in evidence]
    return max(values, key=values.count)


def draw_sweep(table: Table) -> matplotlib.figure.Figure:
    """Draw the quality of the baseline on the left, the threshold on the right."""
    figure, axes = new_grid("double-column", 1, 2, aspect=0.66, share_y=True)
    labels = {"eta": "inverse temperature η of the baseline", "fraction": "threshold, as part of the baseline's value"}
    for ax, panel in zip(axes[0], labels, strict=True):
        for learner in ("StepMix", "EpsMix", "unconstrained"):
            part = (table["panel"] == panel) & (table["learner"] == learner)
            order = np.argsort(table["x"][part])
            x, y, low, high = (table[name][part][order] for name in ("x", "regret", "low", "high"))
            ax.fill_between(x, np.maximum(low, 1e-2), high, color=LOOKS[learner].colour, alpha=0.15, linewidth=0)
            line(ax, x, y, learner, marker=LOOKS[learner].marker)
        ax.set(yscale="log", xlabel=labels[panel])
        ax.set_xticks(np.unique(table["x"][table["panel"] == panel]))
    axes[0, 0].set_ylabel("regret after all episodes")
    legend(figure, axes[0, 0], 3)
    return figure


def kappa_table(evidence: Evidence) -> Table:
    """Episodes before the baseline is first left over the tolerated loss: mean over runs with an interval."""
    rows = [
        (NAMES[learner], float(share), float(kappa), *interval(part.column("first")))
        for (learner, share, kappa), part in evidence.where(f"{SLUG}/kappa").groups("learner", "share", "kappa")
    ]
    return columns(rows, ("learner", "share", "kappa", "wait", "low", "high"))


def draw_kappa(table: Table) -> matplotlib.figure.Figure:
    """Draw the wait over kappa, log-log, with a guide of slope -2."""
    figure, axes = new_grid("wide", 1, 1, aspect=0.66)
    ax = axes[0, 0]
    for learner in ("StepMix", "EpsMix"):
        for share in np.unique(table["share"])[::-1]:
            part = (table["learner"] == learner) & (table["share"] == share)
            if not part.any():
                continue
            order = np.argsort(table["kappa"][part])
            x, y, low, high = (table[name][part][order] for name in ("kappa", "wait", "low", "high"))
            kind = "deterministic baseline" if share == 1.0 else f"baseline, {share:g} on its action"
            look = LOOKS[learner]
            ax.errorbar(x, y, (y - low, high - y), color=look.colour, marker=look.marker, linewidth=1.2,
                        linestyle="-" if share == 1.0 else ":", label=f"{learner}, {kind}")  # fmt: skip
    x, y = float(table["kappa"].min()), float(table["wait"].min())
    slope_guide(ax, -2.0, start=(x, 0.6 * y * (float(table["kappa"].max()) / x) ** 2),
                stop=float(table["kappa"].max()), label="−2")  # fmt: skip
    ticks = np.unique(table["kappa"])
    ax.set(xscale="log", yscale="log", xlabel="tolerated loss κ", ylabel="episodes before the first mixture")
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.legend(loc="upper right")
    return figure


# ---------------------------------------------------------------- violations


def violations_table(evidence: Evidence) -> Table:
    """Violating episodes of every run on the trap that all learners share."""
    kept = evidence.where(f"{SLUG}/safety")
    family = kept.where(learner="budget").records[0]["family"]
    rows = [
        (NAMES[record["learner"]], family, float(count))
        for record in kept.where(family=family)
        for count in record["violating"]
    ]
    return columns(rows, ("learner", "family", "violating"))


def draw_violations(table: Table) -> matplotlib.figure.Figure:
    """Draw one row a learner, a mark a run, and the share of runs with a violation on the right."""
    names = [name for name in NAMES.values() if (table["learner"] == name).any()][::-1]
    figure, axes = new_grid("wide", 1, 1, aspect=0.72)
    ax = axes[0, 0]
    for i, name in enumerate(names):
        counts = np.sort(table["violating"][table["learner"] == name])
        spread = ((np.arange(counts.size) * 0.618034) % 1.0 - 0.5) * 0.6
        colour = LOOKS[name.partition(",")[0]].colour
        ax.plot(counts, i + spread, linestyle="", marker="o", markersize=2.8, color=colour, alpha=0.6)
        ax.annotate(f"{np.count_nonzero(counts)}/{counts.size}", (1.01, i), xycoords=("axes fraction", "data"),
                    va="center", fontsize=8)  # fmt: skip
    ax.set_yticks(range(len(names)), names)
    ax.annotate("runs with\na violation", (1.01, len(names) - 0.45), xycoords=("axes fraction", "data"), va="bottom",
                fontsize=7.5, color=GUIDE)  # fmt: skip
    ax.set_xscale("symlog", linthresh=1.0)
    ax.set(xlabel="episodes below the threshold", xlim=(-0.3, None), ylim=(-0.6, len(names) - 0.4))
    return figure


# ---------------------------------------------------------------- offline


def offline_table(evidence: Evidence) -> Table:
    """Regret of StepMix with a learned baseline (panel run), and logged episodes that a certificate needs (panel need).

    ``x`` is the episode or the tolerated loss; ``series`` the number of logged episodes or the concentrability.
    """
    rows = []
    for record in evidence.where(f"{SLUG}/offline-runs"):
        for i, at in enumerate(record["at"]):
            rows.append(("run", float(record["logged"]), bool(record["initial"]), float(at),
                         *interval(record["regret"][:, i])))  # fmt: skip
    needs = evidence.where(f"{SLUG}/offline-needs")
    rows += [
        ("need", float(record["cover"]), False, float(record["kappa"]), *interval(record["needed"]))
        for record in needs.where(cover=_common(needs, "cover"))
    ]
    return columns(rows, ("panel", "series", "initial", "x", "y", "low", "high"))


def draw_offline(table: Table) -> matplotlib.figure.Figure:
    """Draw regret over episodes for each number of logged ones, and the need over kappa with a guide of slope -2."""
    figure, axes = new_grid("double-column", 1, 2, aspect=0.76)
    left, right = axes[0]
    run = table["panel"] == "run"
    logs = np.unique(table["series"][run])
    for i, (count, colour) in enumerate(zip(logs, ("#56B4E9", "#0072B2", "#D55E00", "#000000"), strict=False)):
        for initial in (False, True):
            part = run & (table["series"] == count) & (table["initial"] == initial)
            left.fill_between(table["x"][part], np.maximum(table["low"][part], 1e-2), table["high"][part], color=colour,
                              alpha=0.12, linewidth=0)  # fmt: skip
            dashes = "-" if initial else (3.0 * i, (1.5, 4.5))
            left.plot(table["x"][part], table["y"][part], color=colour, linestyle=dashes,
                      label=f"{count:.0f}" + (" (kept)" if initial else ""))  # fmt: skip
    left.set(xscale="log", yscale="log", xlabel="episode", ylabel="cumulative regret")
    left.legend(title="logged episodes", ncols=2, loc="upper left", fontsize=7.5, title_fontsize=7.5)
    left.set_ylim(top=float(table["high"][run].max()) * 12.0)
    need = ~run
    order = np.argsort(table["x"][need])
    x, y, low, high = (table[name][need][order] for name in ("x", "y", "low", "high"))
    right.errorbar(x, y, (y - low, high - y), color="#0072B2", marker="o",
                   label=f"C* = {float(table['series'][need][0]):g}")  # fmt: skip
    slope_guide(right, -2.0, start=(float(x[0]), 1.8 * float(y[0])), stop=float(x[-1]), label="−2")
    right.set(xscale="log", yscale="log", xlabel="tolerated loss κ", ylabel="logged episodes until certified")
    right.set_xticks(x, [f"{tick:g}" for tick in x])
    levels = [v for v in (200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000) if low.min() < v < 2.0 * high.max()]
    right.set_yticks(levels, [f"{level}" for level in levels])
    right.minorticks_off()
    right.legend(loc="lower left")
    return figure


_TIGHT = (
    "OptPess-LP and DOPE with the KL-based penalties at scale 1, valid as StepMix's bounds are, solving anew when a "
    "count has doubled; with their published constants both are the baseline throughout."
)

FIGURES = (
    Figure(
        id=f"{SLUG}/fig_values",
        title="Value of what is executed, over episodes",
        caption=(
            "Exact value of the executed policy (for EpsMix of the mixture), on the scale where the threshold is 0 and "
            "the optimum 1, in bins that grow geometrically. Above: median over runs, band: quartiles. Below: "
            "the lowest single episode of any run. " + _TIGHT
        ),
        studies=(f"{SLUG}/traces",),
        table=values_table,
        draw=draw_values,
        claims=(f"{SLUG}/zero-violation", f"{SLUG}/cumulative-not-enough"),
        differences=(
            "the paper's axes, seeds and instances are recalled; the trap is ours",
            "exact values and quartiles, where means and deviations are recalled; a second row for the lowest episode",
        ),
    ),
    Figure(
        id=f"{SLUG}/fig_regret",
        title="Cumulative regret",
        caption="Exact regret, median over runs, band: quartiles. " + _TIGHT,
        studies=(f"{SLUG}/traces",),
        table=regret_table,
        draw=draw_regret,
        claims=(f"{SLUG}/regret", f"{SLUG}/epsmix-regret", f"{SLUG}/constant-price"),
        differences=("the paper's axes, seeds and instances are recalled; the trap is ours",),
    ),
    Figure(
        id=f"{SLUG}/fig_sweeps",
        title="Quality of the baseline, and the threshold",
        caption="Regret after all episodes on random problems, the same in every point; median, band: quartiles.",
        studies=(f"{SLUG}/sweep",),
        table=sweep_table,
        draw=draw_sweep,
        claims=(f"{SLUG}/constant-price",),
        differences=("the paper sweeps the baseline (recalled); S = A = H = 3 here instead of 5, 5, 3",),
    ),
    Figure(
        id=f"{SLUG}/fig_offline",
        title="A baseline learned offline",
        caption=(
            "Left: regret of StepMix with a baseline learned from logged episodes, which are counted as seen (kept) or "
            "not (the dotted lines of the larger logs coincide while the baseline is played); an episode without a "
            "certified baseline costs the optimum minus the threshold. Right: logged episodes until the certificate "
            "reaches the threshold. Means, 95 % normal intervals."
        ),
        studies=(f"{SLUG}/offline-runs", f"{SLUG}/offline-needs"),
        table=offline_table,
        draw=draw_offline,
        claims=(f"{SLUG}/offline",),
        differences=("the paper's sizes are recalled; the second panel is ours",),
    ),
    Figure(
        id=f"{SLUG}/fig_mixing",
        title="How the mixture moves",
        caption="Mean mixing weight, and mean number of first steps that follow the baseline, on the trap.",
        studies=(f"{SLUG}/traces",),
        table=mixing_table,
        draw=draw_mixing,
        claims=(f"{SLUG}/rho",),
        differences=("not in the paper",),
    ),
    Figure(
        id=f"{SLUG}/fig_kappa",
        title="Waiting for the first mixture",
        caption=(
            "Trap; mean number of episodes before something else than the baseline is executed, 95 % normal interval."
        ),
        studies=(f"{SLUG}/kappa",),
        table=kappa_table,
        draw=draw_kappa,
        claims=(f"{SLUG}/kappa-scaling", f"{SLUG}/lower-bound"),
        differences=("not in the paper",),
    ),
    Figure(
        id=f"{SLUG}/fig_violations",
        title="Episodes below the threshold",
        caption=(
            "Trap; one mark a run (spread vertically so that marks stay apart). For EpsMix the value is that of the "
            "mixture, coin included."
        ),
        studies=(f"{SLUG}/safety",),
        table=violations_table,
        draw=draw_violations,
        claims=(f"{SLUG}/zero-violation", f"{SLUG}/cumulative-not-enough"),
        differences=("not in the paper",),
    ),
    Figure(
        id=f"{SLUG}/fig_cumulative",
        title="A cumulative constraint is not an episode-wise one",
        caption=(
            "Trap; value minus threshold, smallest of all runs: mean over the first k episodes, and in one episode."
        ),
        studies=(f"{SLUG}/traces",),
        table=cumulative_table,
        draw=draw_cumulative,
        claims=(f"{SLUG}/cumulative-not-enough",),
        differences=("not in the paper",),
    ),
)
