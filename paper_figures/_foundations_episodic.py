"""Figures of learners that act in episodes: regret on RiverSwim, and the depth of DeepSea that each of them fathoms."""

from __future__ import annotations

import matplotlib.figure
import numpy as np

from bounds.claims import Evidence
from paper_figures import style
from paper_figures._tables import stacked
from paper_figures.figure import Figure, Table

__all__ = ["FIGURES"]

SLUG = "tabular-foundations"
REGRET = f"{SLUG}/riverswim-regret"
DEPTH = f"{SLUG}/depth"
ORDER = ("UCBVI-CH", "UCBVI-BF", "KL-UCBVI", "Q-learning, Hoeffding", "RLSVI", "PSRL", "epsilon-greedy")


def regret_table(evidence: Evidence) -> Table:
    """Return mean, smallest and largest cumulative regret over the seeds, by learner and factor on its bonus."""
    rows = []
    groups = {key: cell for key, cell in evidence.where(REGRET).groups("learner", "scale")}
    for name in ORDER:
        for factor in sorted({scale for learner, scale in groups if learner == name and scale > 0.0}, reverse=True):
            records = list(groups[name, factor])
            regret = np.stack([record["regret"] for record in records])
            rows.append(
                {
                    "learner": name,
                    "scale": factor,
                    "episode": records[0]["episode"],
                    "regret": regret.mean(axis=0),
                    "low": regret.min(axis=0),
                    "high": regret.max(axis=0),
                    "uniform": records[0]["optimal_value"],
                    "runs": len(records),
                }
            )
    return stacked(rows)


def draw_regret(table: Table) -> matplotlib.figure.Figure:
    """Draw regret against episodes: published bonuses on the left, scaled ones on the right."""
    figure, axes = style.new_grid("double-column", 1, 2, aspect=0.8, share_y=True)
    looks = style.looks(table["learner"].tolist())
    for ax, published in zip(axes[0], (True, False), strict=True):
        for name, look in looks.items():
            mine = table["learner"] == name
            factors = sorted(set(table["scale"][mine].tolist()))
            factor = factors[-1] if published else factors[0]
            chosen = mine & (table["scale"] == factor)
            label = name if factor == 1.0 else f"{name} \N{MULTIPLICATION SIGN} {factor:g}"
            style.band_line(
                ax, table["episode"][chosen], table["regret"][chosen], table["low"][chosen], table["high"][chosen],
                label=label, look=look,
            )  # fmt: skip
        episode = np.array([table["episode"].min(), table["episode"].max()])
        ax.plot(episode, episode * table["uniform"][0], color=style.GUIDE, linewidth=0.8, linestyle=(0, (4, 2)))
        ax.set(
            xscale="log",
            yscale="log",
            xlabel="episodes",
            title="published constants" if published else "bonuses scaled as said",
        )
        ax.legend(loc="upper left", fontsize=7)
    axes[0, 0].set_ylabel("cumulative regret")
    return figure


def depth_table(evidence: Evidence) -> Table:
    """Return the mean number of episodes until the good policy is found, with its standard error, by depth."""
    rows = []
    for (model, name, N), cell in evidence.where(DEPTH).groups("model", "learner", "N"):
        found = cell.column("found").astype(np.float64)
        error = found.std(ddof=1) / np.sqrt(found.size) if found.size > 1 else 0.0
        rows.append(
            {"model": model, "learner": name, "N": N, "episodes": found.mean(), "error": error, "runs": found.size}
        )
    return stacked(rows)


def draw_depth(table: Table) -> matplotlib.figure.Figure:
    """Draw episodes against depth, logarithmic in the episodes: an exponential is a straight line."""
    figure, axes = style.new_grid("double-column", 1, 2, aspect=0.8, share_y=True)
    looks = style.looks(table["learner"].tolist())
    titles = {"deep-sea": "DeepSea", "lock": "combination lock"}
    for ax, (model, title) in zip(axes[0], titles.items(), strict=True):
        inside = table["model"] == model
        for name, look in looks.items():
            chosen = inside & (table["learner"] == name)
            mean, error = table["episodes"][chosen], table["error"][chosen]
            style.band_line(
                ax, table["N"][chosen], mean, np.maximum(mean - error, 0.5), mean + error, label=name, look=look,
                markers=True,
            )  # fmt: skip
        depth = np.arange(table["N"].min(), table["N"][inside].max() + 1)
        ax.plot(depth, 2.0**depth, color=style.GUIDE, linewidth=0.8, linestyle=(0, (4, 2)), label="$2^N$")
        ax.set(yscale="log", ylim=(0.8, 4.0 * table["episodes"].max()), xlabel="depth $N$", title=title)
    axes[0, 0].set_ylabel("episodes until found")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


FIGURES = (
    Figure(
        id=f"{SLUG}/fig_riverswim",
        title="Regret on RiverSwim: published constants, and bonuses scaled down",
        caption=(
            "Cumulative regret, exact in every episode, on RiverSwim (6 states, 20 steps at paper scale; 5, 12 at "
            "quick). Lines are means over seeds, bands reach from the smallest to the largest run. The dashed line is "
            "a loss of the whole optimal value in every episode. A factor behind a name multiplies the published bonus "
            "(in RLSVI the variance of the noise)."
        ),
        studies=(REGRET,),
        table=regret_table,
        draw=draw_regret,
        claims=(
            f"{SLUG}/optimism", f"{SLUG}/ucbvi-regret", f"{SLUG}/ucbvi-rate", f"{SLUG}/q-learning-rate",
            f"{SLUG}/randomised-rate",
        ),
    ),
    Figure(
        id=f"{SLUG}/fig_depth",
        title="Episodes until the one good policy is found, against the depth",
        caption=(
            "Mean number of episodes until the executed policy is worth more than half of the best that its dithering "
            "permits; bands are one standard error of the mean over seeds (deterministic learners have none on these "
            "models). Epsilon-greedy dithers with $\\varepsilon = 1/2$ and needs $(2/\\varepsilon)^N = 4^N$ "
            "episodes in the mean; the dashed line is $2^N$, the uniformly random policy."
        ),
        studies=(DEPTH,),
        table=depth_table,
        draw=draw_depth,
        claims=(f"{SLUG}/dithering-fails",),
    ),
)  # fmt: skip
