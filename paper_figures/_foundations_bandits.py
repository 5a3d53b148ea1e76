"""Bandit figures of the foundations: regret under its bounds, and how much of each bound is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import matplotlib.figure
import numpy as np
import numpy.typing as npt

from bounds.claims import Evidence, Record
from bounds.papers import _foundations_bandit_bounds as right_sides
from paper_figures import style
from paper_figures.figure import Figure, Table

__all__ = ["FIGURES"]

SLUG = "tabular-foundations"
REGRET = f"{SLUG}/bandit-regret"
MINIMAX = f"{SLUG}/bandit-minimax"
HORIZON = 10_000
GAP = 0.5

NAMES = {
    "ucb1": "UCB",
    "kl-ucb": "KL-UCB",
    "ucb-delta": "UCB(delta)",
    "ucb-asymptotic": "asymptotic UCB",
    "moss": "MOSS",
    "thompson": "Thompson",
    "exp3": "EXP3",
    "exp3-ix": "EXP3-IX",
    "tsallis-iw": "Tsallis-INF, IW",
    "tsallis-rv": "Tsallis-INF, RV",
}


def _gaps(record: Record) -> npt.NDArray[np.float64]:
    return np.array([record["gap"]] * (record["k"] - 1) + [0.0])


def _means(record: Record) -> npt.NDArray[np.float64]:
    return 0.5 - record["gap"] / 2.0 + record["gap"] * (np.arange(record["k"]) == record["k"] - 1)


def _tsallis_rv(n: float, record: Record) -> float:
    """Return the better of the two bounds of reduced variance."""
    return min(right_sides.tsallis_rv(n, record["k"]), right_sides.tsallis_stochastic(n, _gaps(record)))


#: Panels: title, instance and gap, and the learners in it with their bounds in every round.
PANELS: tuple[tuple[str, str, float, Mapping[str, Callable[[float, Record], float]]], ...] = (
    (
        "coins",
        "bernoulli",
        GAP,
        {
            "ucb1": lambda n, r: right_sides.ucb1(n, _gaps(r)),
            "kl-ucb": lambda n, r: right_sides.kl_ucb(n, _means(r), points=40),
            "tsallis-rv": _tsallis_rv,
        },
    ),
    (
        "unit normal rewards",
        "gaussian",
        GAP,
        {
            "ucb-delta": lambda n, r: right_sides.ucb_delta(r["n"], _gaps(r)),
            "ucb-asymptotic": lambda n, r: right_sides.ucb_asymptotic(n, _gaps(r)),
            "moss": lambda n, r: right_sides.moss(r["n"], _gaps(r)),
        },
    ),
    (
        "losses in phases",
        "phases",
        0.1,
        {
            "exp3": lambda n, r: right_sides.exp3(r["n"], r["k"]),
            "tsallis-iw": lambda n, r: right_sides.tsallis_iw(n, r["k"]),
            "tsallis-rv": lambda n, r: right_sides.tsallis_rv(n, r["k"]),
        },
    ),
)


def _pooled(cell: Evidence) -> dict[str, Any]:
    """Return the curve of the mean over all blocks of a cell, with 1.96 standard errors on each side."""
    mean = np.mean([record["mean"] for record in cell], axis=0)
    error = np.sqrt(np.sum([record["error"] ** 2 for record in cell], axis=0)) / len(cell)
    return {"round": cell.records[0]["rounds"], "mean": mean, "low": mean - 1.96 * error, "high": mean + 1.96 * error}


def regret_table(evidence: Evidence) -> Table:
    """Return mean regret, its band, the bound and the trivial bound at every recorded round, by panel and learner."""
    rows: dict[str, list[Any]] = {}
    for panel, (_, instance, gap, learners) in enumerate(PANELS):
        for learner, bound in learners.items():
            cell = evidence.where(REGRET, learner=learner, instance=instance, gap=gap, k=5, n=HORIZON, broken=False)
            curve = _pooled(cell)
            first = cell.records[0]
            columns = {
                "panel": panel,
                "learner": NAMES[learner],
                **curve,
                "bound": [bound(float(t), first) if t > 1 else np.nan for t in curve["round"]],
                "trivial": curve["round"] * gap,
            }
            for name, value in columns.items():
                rows.setdefault(name, []).append(np.broadcast_to(np.asarray(value), curve["round"].shape))
    table = {name: np.concatenate(parts) for name, parts in rows.items()}
    keep = np.isfinite(table["bound"])
    return {name: column[keep] for name, column in table.items()}


def draw_regret(table: Table) -> matplotlib.figure.Figure:
    """Draw regret (lines, bands) under its bounds (thin lines); above the trivial bound nothing is said (shaded)."""
    figure, axes = style.new_grid("double-column", 1, len(PANELS), aspect=1.05)
    looks = style.looks(dict.fromkeys(table["learner"].tolist()))
    for panel, (title, _, _, _) in enumerate(PANELS):
        ax = axes[0, panel]
        inside = table["panel"] == panel
        top = 3.0 * float(table["bound"][inside].max())
        x = table["round"][inside]
        order = np.argsort(x, kind="stable")
        ax.fill_between(
            x[order], table["trivial"][inside][order], top, color="#d9dce1", alpha=0.6, linewidth=0, zorder=0
        )
        for name in dict.fromkeys(table["learner"][inside].tolist()):
            chosen = inside & (table["learner"] == name)
            look = looks[name]
            low = np.maximum(table["low"][chosen], 1e-3)
            style.band_line(
                ax, table["round"][chosen], np.maximum(table["mean"][chosen], 1e-3), low, table["high"][chosen],
                label=name, look=look,
            )  # fmt: skip
            ax.plot(table["round"][chosen], table["bound"][chosen], color=look.colour, linewidth=0.7, alpha=0.9)
        ax.set(title=title, xscale="log", yscale="log", xlabel="round $t$", xlim=(10, HORIZON), ylim=(0.5, top))
        ax.text(0.03, 0.97, "vacuous", transform=ax.transAxes, va="top", fontsize=7.5, color=style.GUIDE)
    axes[0, 0].set_ylabel("regret")
    entries = dict(item for ax in axes[0] for item in zip(*ax.get_legend_handles_labels()[::-1], strict=True))
    figure.legend(list(entries.values()), list(entries), loc="outside lower center", ncols=4)
    return figure


def minimax_table(evidence: Evidence) -> Table:
    """Return half the sum of both regrets, in units of sqrt((k-1) n), by learner, number of arms and horizon."""
    rows: dict[str, list[Any]] = {name: [] for name in ("learner", "k", "n", "mean", "low", "high")}
    for (learner, k, n), cell in evidence.where(MINIMAX).groups("learner", "k", "n"):
        values = cell.column("half_sum") / np.sqrt((k - 1) * n)
        error = 1.96 * values.std(ddof=1) / np.sqrt(values.size)
        entries = (NAMES[learner], k, n, values.mean(), values.mean() - error, values.mean() + error)
        for name, value in zip(rows, entries, strict=True):
            rows[name].append(value)
    return {name: np.array(values) for name, values in rows.items()}


def draw_minimax(table: Table) -> matplotlib.figure.Figure:
    """Draw the normalised regrets over the line at 1/27 that no policy crosses."""
    arms = sorted(set(table["k"].tolist()))
    figure, axes = style.new_grid("double-column", 1, len(arms), aspect=0.8, share_y=True)
    looks = style.looks(dict.fromkeys(table["learner"].tolist()))
    for ax, k in zip(axes[0], arms, strict=True):
        ax.axhline(1.0 / 27.0, color=style.INK, linewidth=0.9, linestyle=(0, (4, 2)))
        for name, look in looks.items():
            chosen = (table["learner"] == name) & (table["k"] == k)
            style.band_line(
                ax, table["n"][chosen], table["mean"][chosen], table["low"][chosen], table["high"][chosen],
                label=name, look=look, markers=True,
            )  # fmt: skip
        ax.set(title=f"{k} arms", xscale="log", xlabel="horizon $n$", ylim=(0.0, 1.1 * float(table["high"].max())))
    axes[0, 0].annotate("1/27", (float(table["n"].min()), 1.0 / 27.0), xytext=(2, 3), textcoords="offset points")
    axes[0, 0].set_ylabel(r"regret $/ \sqrt{(k-1)n}$")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


_UPPER = (
    "ucb1",
    "ucb-delta",
    "ucb-asymptotic",
    "kl-ucb",
    "moss",
    "exp3",
    "tsallis-iw",
    "tsallis-rv",
    "tsallis-stochastic",
)

FIGURES = (
    Figure(
        id=f"{SLUG}/fig_bandit_regret",
        title="Regret of bandit learners under their bounds",
        caption=(
            "Mean regret (thick, with 1.96 standard errors on each side; 40 runs at quick scale, 500 at paper scale) "
            "and the bound of its theorem (thin, same colour), five arms, horizon $10^4$. Left: coins with means 0.75 "
            "and 0.25, Tsallis-INF under the better of its two bounds. Middle: normal rewards of unit variance, gap "
            "0.5; the bounds of UCB(delta) and MOSS speak about the horizon only and are drawn level. Right: an "
            "adversary whose first arm is better by 0.1 while the level of all jumps in growing phases; EXP3's bound "
            "speaks about the horizon only. In the shaded region a bound exceeds gap times rounds and says nothing."
        ),
        studies=(REGRET,),
        table=regret_table,
        draw=draw_regret,
        claims=tuple(f"{SLUG}/bandit-upper-{name}" for name in _UPPER),
    ),
    Figure(
        id=f"{SLUG}/fig_bandit_minimax",
        title="Regret on the two bandits of the minimax lower bound",
        caption=(
            "Half the sum of the expected regrets on the two bandits with gaps of $\\sqrt{(k-1)/(4n)}$, divided by "
            "$\\sqrt{(k-1)n}$, with 1.96 standard errors (60 runs at quick scale, 500 at paper scale). The larger of "
            "the two regrets is at least what is drawn; no policy brings it below 1/27 (dashed)."
        ),
        studies=(MINIMAX,),
        table=minimax_table,
        draw=draw_minimax,
        claims=(f"{SLUG}/bandit-lower",),
    ),
)
