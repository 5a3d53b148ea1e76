"""Figures of r2pvi: the simulator and the option beside the published points, exact solutions, the cost of a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bounds.claims import Evidence, Record
from bounds.papers._r2pvi_published import EPISODES, REPLICATIONS, SIMULATOR
from paper_figures._r2pvi_common import LOOKS, SHADES, SLUG, curve, label, published_key
from paper_figures._r2pvi_option import cost_table, draw_cost, draw_option, option_table
from paper_figures._tables import columns
from paper_figures.figure import Figure, Table
from paper_figures.style import Look, new_grid

if TYPE_CHECKING:
    import matplotlib.figure

POINTS = ("panel", "series", "x", "ours", "low", "high", "published")


def _spread(record: Record, place: int) -> tuple[float, float, float]:
    """Return the mean return, and 1.96 standard errors of an experiment of the published size around it."""
    returns = record["returns"][:, place]
    error = np.sqrt((returns.var(ddof=1) + record["noise"][place] / EPISODES) / REPLICATIONS)
    mean = float(returns.mean())
    return mean, mean - 1.96 * float(error), mean + 1.96 * float(error)


def _simulated(evidence: Evidence, **params: Any) -> Record:
    settings = {"beta": 1.0, "combine": "l2", "dual": "largest", **params}
    (record,) = evidence.where(f"{SLUG}/simulator", **settings)
    return record


def _over_shift(panel: str, series: str, record: Record, key: tuple[str, str, float]) -> list[tuple[Any, ...]]:
    """Return one row a shift; published is nan where the figure was not read."""
    points = SIMULATOR.get(key, {})
    return [
        (panel, series, float(q), *_spread(record, place), points.get(float(q), np.nan))
        for place, q in enumerate(record["shift"])
    ]


AS_STATED = "as stated, released penalty"
VARIANTS = "variants"


def first_table(evidence: Evidence) -> Table:
    """Figure 1(a): return over the shift, as stated, and with other penalties, sign and lambda."""
    rows: list[tuple[Any, ...]] = []
    for learner in ("PEVI", "R2PVI-TV", "R2PVI-KL", "R2PVI-chi2"):
        level = 0.0 if learner == "PEVI" else 0.1
        record = _simulated(evidence, learner=learner, level=level, xi=0.2)
        rows += _over_shift(AS_STATED, learner, record, ("1a", learner, level))
    for series, learner, variant in (
        ("R2PVI-TV, sum penalty", "R2PVI-TV", {"combine": "l1"}),
        ("R2PVI-KL, sum penalty", "R2PVI-KL", {"combine": "l1"}),
        ("R2PVI-chi2, minimised", "R2PVI-chi2", {"dual": "smallest"}),
        ("R2PVI-chi2, λ = 0.01", "R2PVI-chi2", {"level": 0.01}),
    ):
        record = _simulated(evidence, **{"learner": learner, "level": 0.1, "xi": 0.2, **variant})
        rows += _over_shift(VARIANTS, series, record, ("1a", learner, 0.1))
    return columns(rows, POINTS)


def draw_first(table: Table) -> matplotlib.figure.Figure:
    """Draw what is stated on the left, variants on the right, with the same published points."""
    figure, axes = new_grid("double-column", 1, 2, aspect=0.8, share_y=True)
    variants = dict(zip(dict.fromkeys(table["series"][table["panel"] == VARIANTS].tolist()), SHADES, strict=False))
    for ax, panel in zip(axes[0], (AS_STATED, VARIANTS), strict=True):
        here = table["panel"] == panel
        for series in dict.fromkeys(table["series"][here].tolist()):
            look = LOOKS.get(series) or Look(variants[series].colour, LOOKS[series.partition(",")[0]].marker,
                                             variants[series].dash)  # fmt: skip
            curve(ax, table, here & (table["series"] == series), look, label(series))
        published_key(ax)
        ax.set(xlabel="target shift q", title=panel)
        ax.legend(loc="lower left")
    axes[0, 0].set_ylabel("average return")
    return figure


LEVELS = (0.1, 0.2, 0.3, 0.6)


def second_table(evidence: Evidence) -> Table:
    """Figure 1(b): R2PVI-TV over the shift at four lambdas."""
    rows: list[tuple[Any, ...]] = []
    for level in LEVELS:
        record = _simulated(evidence, learner="R2PVI-TV", level=level, xi=0.3)
        rows += _over_shift("", f"λ = {level:g}", record, ("1b", "R2PVI-TV", level))
    return columns(rows, POINTS)


def draw_second(table: Table) -> matplotlib.figure.Figure:
    """Draw four lambdas."""
    figure, axes = new_grid("single-column", 1, 1, aspect=0.85)
    ax = axes[0, 0]
    for level, look in zip(LEVELS, SHADES, strict=True):
        series = f"λ = {level:g}"
        curve(ax, table, table["series"] == series, look, series)
    published_key(ax)
    ax.set(xlabel="target shift q", ylabel="average return")
    ax.legend(loc="lower left")
    return figure


def third_table(evidence: Evidence) -> Table:
    """Figure 1(c): return at q = 0.9 over the radius or lambda."""
    rows = []
    for learner in ("DRPVI", "R2PVI-TV"):
        for k in range(10):
            record = _simulated(evidence, learner=learner, level=k / 9.0, xi=0.2)
            point = SIMULATOR.get(("1c", learner, k / 9.0), {}).get(0.9, np.nan)
            rows.append(("", learner, k / 9.0, *_spread(record, 9), point))
    return columns(rows, POINTS)


def draw_third(table: Table) -> matplotlib.figure.Figure:
    """Draw the two learners, which move in opposite directions."""
    figure, axes = new_grid("single-column", 1, 1, aspect=0.85)
    ax = axes[0, 0]
    for learner in ("DRPVI", "R2PVI-TV"):
        curve(ax, table, table["series"] == learner, LOOKS[learner], learner)
    published_key(ax)
    ax.set(xlabel="ρ (DRPVI) or λ (R2PVI-TV)", ylabel="average return at q = 0.9")
    ax.legend(loc="upper center")
    return figure


DIVERGENCES = {"tv": "R2PVI-TV", "kl": "R2PVI-KL", "chi2": "R2PVI-chi2"}


def exact_table(evidence: Evidence) -> Table:
    """Exact robust solutions over the shift: nominal model, way of robustness, level, chance of x5 chosen first."""
    rows: list[tuple[Any, ...]] = []
    for record in evidence.where(f"{SLUG}/population"):
        for q, value in zip(record["shift"], record["returns"], strict=True):
            chance = float(record["effect"][0])
            rows.append((record["nominal"], record["divergence"], record["level"], float(q), float(value), chance))
    return columns(rows, ("nominal", "divergence", "level", "x", "value", "chance"))


def draw_exact(table: Table) -> matplotlib.figure.Figure:
    """Draw the exact solutions at lambda = 0.1 for both models, and where the first action flips."""
    figure, axes = new_grid("double-column", 1, 3, aspect=1.05, share_y=False)
    for ax, nominal in zip(axes[0, :2], ("published", "modified"), strict=True):
        for width, kind in zip((6.0, 4.2, 2.6, 1.2), ("none", *DIVERGENCES), strict=True):
            part = (table["nominal"] == nominal) & (table["divergence"] == kind)
            part &= table["level"] == (0.0 if kind == "none" else 0.1)
            look = LOOKS[DIVERGENCES[kind]] if kind != "none" else Look("#c3c7cd", "", "-")
            name = "not robust" if kind == "none" else label(DIVERGENCES[kind]).removeprefix("R2PVI-")
            ax.plot(table["x"][part], table["value"][part], color=look.colour, linewidth=width, label=name)
        ax.set(xlabel="target shift q", title=f"exact, λ = 0.1, {nominal} model", ylim=(0.55, 1.7))
        ax.legend(loc="lower left")
    axes[0, 0].set_ylabel("return")
    ax = axes[0, 2]
    places = {kind: i for i, kind in enumerate(DIVERGENCES)}
    shown = (table["x"] == 0.0) & np.isin(table["divergence"], list(DIVERGENCES))
    levels = sorted(set(table["level"][shown].tolist()))
    for nominal, shift, size in (("published", -0.14, 3.5), ("modified", 0.14, 5.5)):
        for kind, row in places.items():
            part = shown & (table["nominal"] == nominal) & (table["divergence"] == kind)
            x = np.array([levels.index(level) for level in table["level"][part].tolist()])
            flips = table["chance"][part] < 0.3
            look = LOOKS[DIVERGENCES[kind]]
            shape = "o" if nominal == "published" else "s"
            for chosen, face in ((flips, look.colour), (~flips, "white")):
                ax.plot(
                    x[chosen], np.full(chosen.sum(), row + shift), linestyle="none", color=look.colour, marker=shape,
                    markersize=size, markerfacecolor=face,
                )  # fmt: skip
    ax.set_xticks(range(len(levels)), [f"{level:g}" for level in levels])
    ax.set_yticks(range(len(places)), [label(name).removeprefix("R2PVI-") for name in DIVERGENCES.values()])
    ax.set(xlabel="λ", title="filled: the first action flips", ylim=(-0.5, len(places) + 0.2))
    ax.grid(visible=False)
    for marker, name in (("o", "published model"), ("s", "modified model")):
        ax.plot([], [], linestyle="none", marker=marker, color="#22252b", markerfacecolor="white", label=name)
    ax.legend(loc="upper center", ncols=1)
    return figure


BAND = (
    "Bands: 1.96 standard errors of a mean over 20 datasets of 100 test episodes each, the published size, around our "
    "mean of exact values over many more datasets. Hollow markers: published end points, read from the vector graphics."
)
EVALUATION = "every policy is evaluated exactly, where the paper plays 100 episodes"

FIGURES = (
    Figure(
        id=f"{SLUG}/fig1a",
        title="Figure 1(a): average return on shifted models",
        caption=(
            "Left: PEVI and R2PVI at λ = 0.1 with the penalty of the released code. Right: the penalty summed over "
            "coordinates, as the algorithm states it; the χ² dual minimised from H/2 down, as in the released script; "
            f"χ² at λ = 0.01. {BAND}"
        ),
        studies=(f"{SLUG}/simulator",),
        table=first_table,
        draw=draw_first,
        claims=tuple(f"{SLUG}/fig1a{name}" for name in ("", "-kl", "-penalty", "-chi2", "-sign")),
        differences=(EVALUATION, "KL and χ² are not reproduced with the formulas as stated (left)"),
    ),
    Figure(
        id=f"{SLUG}/fig1b",
        title="Figure 1(b): R2PVI-TV, a larger λ is less robust",
        caption=f"Norm of ξ 0.3. {BAND}",
        studies=(f"{SLUG}/simulator",),
        table=second_table,
        draw=draw_second,
        claims=(f"{SLUG}/fig1b",),
        differences=(EVALUATION,),
    ),
    Figure(
        id=f"{SLUG}/fig1c",
        title="Figure 1(c): radius and λ act in opposite directions",
        caption=f"Return at q = 0.9, norm of ξ 0.2; the radius holds for all coordinates and steps. {BAND}",
        studies=(f"{SLUG}/simulator",),
        table=third_table,
        draw=draw_third,
        claims=(f"{SLUG}/fig1c",),
        differences=(EVALUATION,),
    ),
    Figure(
        id=f"{SLUG}/fig1d",
        title="Figure 1(d): the American put",
        caption=(
            "Lines: exact payoff from 99.17 of policies learned on fresh price paths, mean over three first prices; "
            "bands: Student's 95 % of the mean over runs. Crosses: the same on the paths of the released script. "
            "Hollow: published, means over 100 paths. The radii, which the paper does not state, are those at which "
            "the released script prints the published points."
        ),
        studies=(f"{SLUG}/option",),
        table=option_table,
        draw=draw_option,
        claims=(f"{SLUG}/fig1d", f"{SLUG}/fig1d-drpvi"),
        differences=(
            EVALUATION,
            "DRPVI's dual is maximised exactly; the released search stops at local maxima",
            "the published curves are one draw of price paths; the lines are means over draws",
        ),
    ),
    Figure(
        id=f"{SLUG}/fig1_exact",
        title="Figure 1(a) without data: exact robust solutions",
        caption=(
            "Optimal policies of the regularised problem on the published nominal model, all of them the nominal "
            "policy, and on a nominal model in which x5's coordinate fails with probability 0.05. Right: where the "
            "first action flips to the one least likely to reach x5, filled, and where it does not."
        ),
        studies=(f"{SLUG}/population",),
        table=exact_table,
        draw=draw_exact,
        claims=(f"{SLUG}/fig1-source",),
        differences=("not in the paper",),
    ),
    Figure(
        id=f"{SLUG}/fig2",
        title="Figure 2: work of a step over that of PEVI",
        caption=(
            "Bars: multiplications of one step, counted as the formulas are written. Hollow: seconds published, over "
            "those of PEVI. The last bars are DRPVI with one sort and one pass instead of numerical searches."
        ),
        studies=(f"{SLUG}/work",),
        table=cost_table,
        draw=draw_cost,
        claims=tuple(f"{SLUG}/{name}" for name in ("cost", "fig2a", "fig2b")),
        differences=("counted, not timed: seconds are in benchmarks/bench_r2pvi.py and on the page of the paper",),
    ),
)
