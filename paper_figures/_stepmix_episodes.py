"""Figures of stepmix over episodes: values, regret, mixing weights, running means; and the looks of its learners."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bounds.claims import Evidence, Record
from paper_figures.figure import Table
from paper_figures.style import Look, new_grid

if TYPE_CHECKING:
    import matplotlib.figure
    from matplotlib.axes import Axes

SLUG = "stepmix"

#: One look for each learner, in every figure of this paper.
LOOKS = {
    "StepMix": Look("#0072B2", "o", "-"),
    "EpsMix": Look("#D55E00", "s", (0, (5, 1.6))),
    "unconstrained": Look("#009E73", "^", (0, (1.2, 1.2))),
    "budget exploration": Look("#CC79A7", "D", (0, (5, 1.4, 1.2, 1.4))),
    "OptPess-LP": Look("#56B4E9", "v", "-"),
    "DOPE": Look("#E69F00", "<", (0, (8, 2))),
}

#: Names of the studies' learners.
NAMES = {
    "stepmix": "StepMix",
    "epsmix": "EpsMix",
    "unconstrained": "unconstrained",
    "budget": "budget exploration",
    "optpess-lp": "OptPess-LP",
    "dope": "DOPE",
    "stepmix, plug-in": "StepMix, plug-in",
    "epsmix, plug-in": "EpsMix, plug-in",
    "stepmix, small radius": "StepMix, radius × 0.05",
    "epsmix, small radius": "EpsMix, radius × 0.05",
}
GUIDE = "#7b828c"


def columns(rows: list[tuple[Any, ...]], names: tuple[str, ...]) -> dict[str, npt.NDArray[Any]]:
    """Turn rows into the columns of a table."""
    return {name: np.array([row[i] for row in rows]) for i, name in enumerate(names)}


def interval(values: npt.ArrayLike) -> tuple[float, float, float]:
    """Return the mean with a 95 % normal interval."""
    data = np.asarray(values, dtype=np.float64)
    mean = float(data.mean())
    half = 1.96 * float(data.std(ddof=1)) / np.sqrt(data.size) if data.size > 1 else 0.0
    return mean, mean - half, mean + half


def quartiles(values: npt.ArrayLike) -> tuple[float, float, float]:
    """Return the median, the lower and the upper quartile."""
    low, middle, high = np.quantile(np.asarray(values, dtype=np.float64), (0.25, 0.5, 0.75))
    return float(middle), float(low), float(high)


def line(ax: Axes, x: npt.ArrayLike, y: npt.ArrayLike, name: str, **style: Any) -> None:
    """Draw a curve of the learner called ``name``."""
    look = LOOKS[name]
    ax.plot(x, y, **{"color": look.colour, "linestyle": look.dash, "label": name, "linewidth": 1.3, **style})


def legend(figure: matplotlib.figure.Figure, ax: Axes, columns: int) -> None:
    """Put the legend of ``ax`` below the figure."""
    handles, labels = ax.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    figure.legend(unique.values(), unique.keys(), loc="outside lower center", ncols=columns)


def _share(record: Record, name: str) -> npt.NDArray[np.float64]:
    """Values (runs, bins) on the scale where the threshold is 0 and the optimum 1."""
    low = np.asarray(record["threshold"])[:, None]
    found: npt.NDArray[np.float64] = (record[name] - low) / (np.asarray(record["optimal_value"])[:, None] - low)
    return found


# ---------------------------------------------------------------- over episodes


def values_table(evidence: Evidence) -> Table:
    """Value over episodes, threshold at 0 and optimum at 1: median over runs, and the lowest of any run."""
    rows = []
    for record in evidence.where(f"{SLUG}/traces"):
        mean, lowest = _share(record, "mean"), _share(record, "lowest")
        low = np.asarray(record["threshold"])
        base = float(((record["baseline_value"] - low) / (record["optimal_value"] - low)).mean())
        for i, at in enumerate(record["at"]):
            rows.append((record["family"], NAMES[record["learner"]], int(at), base, *quartiles(mean[:, i]),
                         float(lowest[:, i].min())))  # fmt: skip
    return columns(rows, ("family", "learner", "episode", "baseline", "median", "low", "high", "lowest"))


def draw_values(table: Table) -> matplotlib.figure.Figure:
    """Draw families as columns; above the median, below the lowest episode."""
    families = list(dict.fromkeys(table["family"].tolist()))
    figure, axes = new_grid("double-column", 2, len(families), aspect=0.62, share_x=False)
    for column, family in enumerate(families):
        here = table["family"] == family
        base = float(table["baseline"][here][0])
        for row, name in enumerate(("median", "lowest")):
            ax = axes[row, column]
            for learner in LOOKS:
                part = here & (table["learner"] == learner)
                if not part.any():
                    continue
                x = table["episode"][part]
                if name == "median":
                    ax.fill_between(x, table["low"][part], table["high"][part], color=LOOKS[learner].colour, alpha=0.15,
                                    linewidth=0)  # fmt: skip
                line(ax, x, table[name][part], learner)
            for level, label in ((0.0, "γ"), (base, "baseline"), (1.0, "optimum")):
                ax.axhline(level, color=GUIDE, linewidth=0.8, linestyle=":")
                ax.annotate(label, (1.0, level), xycoords=("axes fraction", "data"), xytext=(2, 0),
                            textcoords="offset points", va="center", fontsize=7.5, color=GUIDE)  # fmt: skip
            ax.set(xscale="log", ylim=(min(-0.15, 1.08 * float(table["lowest"][here].min())), 1.1))
            if column == 0:
                ax.set_ylabel("median value" if row == 0 else "lowest value")
            if row == 0:
                ax.set_title(family)
            else:
                ax.set_xlabel("episode")
    legend(figure, axes[0, 0], 6)
    return figure


def regret_table(evidence: Evidence) -> Table:
    """Cumulative regret over episodes: median over runs with quartiles."""
    rows = [
        (record["family"], NAMES[record["learner"]], int(at), *quartiles(record["regret"][:, i]))
        for record in evidence.where(f"{SLUG}/traces")
        for i, at in enumerate(record["at"])
    ]
    return columns(rows, ("family", "learner", "episode", "regret", "low", "high"))


def draw_regret(table: Table) -> matplotlib.figure.Figure:
    """Draw one panel a family, log-log."""
    families = list(dict.fromkeys(table["family"].tolist()))
    figure, axes = new_grid("double-column", 1, len(families), aspect=0.72)
    for ax, family in zip(axes[0], families, strict=True):
        for learner in LOOKS:
            part = (table["family"] == family) & (table["learner"] == learner)
            if not part.any():
                continue
            x = table["episode"][part]
            ax.fill_between(x, np.maximum(table["low"][part], 1e-3), table["high"][part], color=LOOKS[learner].colour,
                            alpha=0.15, linewidth=0)  # fmt: skip
            line(ax, x, table["regret"][part], learner)
        ax.set(xscale="log", yscale="log", xlabel="episode", title=family, ylim=(1e-2, None))
    axes[0, 0].set_ylabel("cumulative regret")
    legend(figure, axes[0, 0], 6)
    return figure


def mixing_table(evidence: Evidence) -> Table:
    """Mean mixing weight and mean number of baseline steps of StepMix and EpsMix over episodes, on the trap."""
    rows = [
        (NAMES[record["learner"]], int(at), float(record["rho"][:, i].mean()),
         float(record["baseline_steps"][:, i].mean()))
        for record in evidence.where(f"{SLUG}/traces")
        if record["learner"] in ("stepmix", "epsmix") and "trap" in record["family"]
        for i, at in enumerate(record["at"])
    ]  # fmt: skip
    return columns(rows, ("learner", "episode", "rho", "baseline_steps"))


def draw_mixing(table: Table) -> matplotlib.figure.Figure:
    """Draw the weight and the number of baseline steps side by side."""
    figure, axes = new_grid("double-column", 1, 2, aspect=0.62)
    for ax, name, label in (
        (axes[0, 0], "rho", "mixing weight ρ (mean)"),
        (axes[0, 1], "baseline_steps", "baseline steps h (mean)"),
    ):
        for learner in ("StepMix", "EpsMix"):
            part = table["learner"] == learner
            line(ax, table["episode"][part], table[name][part], learner)
        ax.set(xscale="log", xlabel="episode", ylabel=label, ylim=(0.0, None))
    legend(figure, axes[0, 0], 2)
    return figure


def cumulative_table(evidence: Evidence) -> Table:
    """Trap: smallest running mean of value minus threshold over runs, and lowest value minus threshold, per bin."""
    rows = []
    for record in evidence.where(f"{SLUG}/traces"):
        if "trap" in record["family"] and record["learner"] in ("stepmix", "budget"):
            gap = (np.asarray(record["optimal_value"]) - record["threshold"])[:, None]
            running = gap - record["regret"] / record["at"]
            lowest = (record["lowest"] - np.asarray(record["threshold"])[:, None]).min(axis=0)
            rows += [
                (NAMES[record["learner"]], int(at), float(running[:, i].min()), float(lowest[i]))
                for i, at in enumerate(record["at"])
            ]
    return columns(rows, ("learner", "episode", "running", "lowest"))


def draw_cumulative(table: Table) -> matplotlib.figure.Figure:
    """Draw the running mean and the lowest episode side by side; below 0 is a violation."""
    figure, axes = new_grid("double-column", 1, 2, aspect=0.62, share_y=True)
    for ax, name, title in (
        (axes[0, 0], "running", "mean over episodes 1..k"),
        (axes[0, 1], "lowest", "lowest single episode"),
    ):
        for learner in ("StepMix", "budget exploration"):
            part = table["learner"] == learner
            line(ax, table["episode"][part], table[name][part], learner)
        ax.axhline(0.0, color="#22252b", linewidth=0.8)
        ax.set(xscale="log", xlabel="episode", title=title)
    axes[0, 0].set_ylabel("value − γ, smallest of all runs")
    legend(figure, axes[0, 0], 2)
    return figure
