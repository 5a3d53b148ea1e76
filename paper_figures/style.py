"""The look of every figure: sizes, type, colours that survive colour blindness, and three drawing helpers.

Figures are built on :class:`matplotlib.figure.Figure` directly; nothing here touches pyplot or leaves a global
changed. Colours belong to names: an algorithm has the same colour in every figure, and a marker and a dash pattern
beside it, so that colour is never the only difference between two curves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tabular.errors import ParameterError

__all__ = [
    "COLOURS",
    "RC",
    "WIDTHS",
    "Look",
    "applied",
    "band_line",
    "looks",
    "new_figure",
    "new_grid",
    "slope_guide",
]

WIDTHS: Mapping[str, float] = MappingProxyType({"single-column": 3.5, "wide": 5.2, "double-column": 7.2})
"""Figure widths in inches by name."""

INK = "#22252b"
GUIDE = "#7b828c"

RC: Any = MappingProxyType(
    {
        "font.family": "serif",
        "font.serif": ["STIXGeneral", "DejaVu Serif"],
        "mathtext.fontset": "stix",
        "font.size": 9.0,
        "axes.titlesize": 9.0,
        "axes.labelsize": 9.0,
        "xtick.labelsize": 8.0,
        "ytick.labelsize": 8.0,
        "legend.fontsize": 8.0,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.grid": True,
        "grid.color": "#e3e5e8",
        "grid.linewidth": 0.5,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "xtick.minor.width": 0.4,
        "ytick.minor.width": 0.4,
        "lines.linewidth": 1.4,
        "lines.markersize": 3.5,
        "legend.frameon": False,
        "legend.handlelength": 2.4,
        "figure.facecolor": "white",
        "savefig.facecolor": "white",
        "savefig.dpi": 200.0,
        "pdf.fonttype": 42,
    }
)
"""Matplotlib settings of the house, applied over matplotlib's defaults and not over the user's."""

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "<", ">")
_DASHES: tuple[Any, ...] = ("-", (0, (5, 1.6)), (0, (1.2, 1.2)), (0, (5, 1.4, 1.2, 1.4)), (0, (8, 2)))

COLOURS: Mapping[str, str] = MappingProxyType(
    {
        "Hoeffding": "#0072B2",
        "Bernstein": "#009E73",
        "Maurer-Pontil": "#D55E00",
        "KL-Chernoff": "#CC79A7",
        "Weissman": "#56B4E9",
        "KL-Chernoff, all times": "#E69F00",
        "self-normalised": "#000000",
        "value iteration": "#0072B2",
        "Gauss-Seidel": "#CC79A7",
        "modified policy iteration": "#009E73",
        "policy iteration": "#D55E00",
        "UCB": "#0072B2",
        "KL-UCB": "#CC79A7",
        "Thompson": "#009E73",
        "UCB(delta)": "#D55E00",
        "asymptotic UCB": "#56B4E9",
        "MOSS": "#E69F00",
        "EXP3": "#D55E00",
        "EXP3-IX": "#CC79A7",
        "Tsallis-INF, IW": "#E69F00",
        "Tsallis-INF, RV": "#000000",
        "LCB": "#0072B2",
        "imitation": "#D55E00",
        "empirical best": "#E69F00",
        "bound": "#000000",
        "StepMix": "#0072B2",
        "EpsMix": "#D55E00",
        "unconstrained": "#009E73",
        "budget exploration": "#CC79A7",
        "OptPess-LP": "#56B4E9",
        "DOPE": "#E69F00",
        "UCBVI-CH": "#56B4E9",
        "UCBVI-BF": "#0072B2",
        "KL-UCBVI": "#000000",
        "PSRL": "#009E73",
        "RLSVI": "#E69F00",
        "Q-learning, Hoeffding": "#CC79A7",
        "epsilon-greedy": "#D55E00",
    }
)
"""Colours fixed by name; a name that is not listed gets one from its hash (see `looks`)."""


@dataclass(frozen=True, slots=True)
class Look:
    """How one curve is drawn: `colour`, `marker` and the dash pattern `dash`."""

    colour: str
    marker: str
    dash: Any


def looks(names: Iterable[str]) -> dict[str, Look]:
    """Give each name its look; within one call no two names share one.

    Parameters
    ----------
    names : iterable of str
        The curves of one figure, repeats ignored.

    Returns
    -------
    dict of str to Look
        In the order given. A name of `COLOURS` has its colour there. Any other prefers the colour that its hash
        points to and takes the next free one, so it keeps its colour from figure to figure unless a neighbour has
        claimed it. Colours repeat, with another marker and dash, only when there are more names than colours.
    """
    ordered = list(dict.fromkeys(names))
    slots: dict[str, int] = {}
    used = [0] * len(PALETTE)
    for name in ordered:
        if name in COLOURS:
            slots[name] = PALETTE.index(COLOURS[name])
            used[slots[name]] += 1
    for name in sorted(set(ordered) - set(slots)):
        preferred = hashlib.sha256(name.encode()).digest()[0]
        fewest = min(used)
        free = [slot for slot, count in enumerate(used) if count == fewest]
        slots[name] = min(free, key=lambda slot: (slot - preferred) % len(PALETTE))
        used[slots[name]] += 1
    turn = [0] * len(PALETTE)
    found = {}
    for name in ordered:
        slot = slots[name]
        found[name] = Look(
            PALETTE[slot],
            _MARKERS[(slot + turn[slot]) % len(_MARKERS)],
            _DASHES[(slot + turn[slot]) % len(_DASHES)],
        )
        turn[slot] += 1
    return found


@contextmanager
def applied() -> Iterator[None]:
    """Run a block under matplotlib's defaults with `RC` on top; the caller's settings come back after it."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(RC)
        yield


def new_grid(
    width: str = "double-column",
    rows: int = 1,
    columns: int = 2,
    *,
    aspect: float = 0.74,
    share_x: bool = False,
    share_y: bool = False,
) -> tuple[Figure, npt.NDArray[Any]]:
    """Return a figure with a grid of axes.

    Parameters
    ----------
    width : str
        A key of `WIDTHS`.
    rows, columns : int
    aspect : float
        Height of one panel over its width.
    share_x, share_y : bool
        Whether all panels share an axis.

    Returns
    -------
    figure : matplotlib.figure.Figure
    axes : (rows, columns) array of matplotlib.axes.Axes

    Raises
    ------
    ParameterError
        If the width is not a known name.
    """
    if width not in WIDTHS:
        raise ParameterError(f"width is {width!r}; choose one of {', '.join(WIDTHS)}")
    inches = WIDTHS[width]
    figure = Figure(figsize=(inches, inches / columns * aspect * rows), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, sharex=share_x, sharey=share_y)


def new_figure(width: str = "single-column", *, aspect: float = 0.74) -> tuple[Figure, Axes]:
    """Return a figure with one axes; `width` is a key of `WIDTHS`, `aspect` is height over width.

    Raises
    ------
    ParameterError
        If the width is not a known name.
    """
    figure, axes = new_grid(width, 1, 1, aspect=aspect)
    return figure, axes[0, 0]


def band_line(
    ax: Axes,
    x: npt.ArrayLike,
    middle: npt.ArrayLike,
    low: npt.ArrayLike | None = None,
    high: npt.ArrayLike | None = None,
    *,
    label: str,
    look: Look | None = None,
    markers: bool = False,
) -> None:
    """Draw a line and, where `low` and `high` are given, the band between them.

    What the band is (runs, level, method) belongs in the caption.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    x, middle : (n,) array_like
    low, high : (n,) array_like, optional
        Both or neither.
    label : str
        Name in the legend.
    look : Look, optional
        From `looks`, so that the curves of a figure stay apart; the label's own look by default.
    markers : bool
        Whether to mark the points, for curves measured at few of them.

    Raises
    ------
    ParameterError
        If only one edge of the band is given.
    """
    if (low is None) != (high is None):
        raise ParameterError("a band needs both low and high")
    look = look or looks([label])[label]
    if low is not None and high is not None:
        ax.fill_between(np.asarray(x), np.asarray(low), np.asarray(high), color=look.colour, alpha=0.18, linewidth=0)
    ax.plot(
        np.asarray(x),
        np.asarray(middle),
        color=look.colour,
        linestyle=look.dash,
        marker=look.marker if markers else "",
        label=label,
    )


def slope_guide(
    ax: Axes, slope: float, *, start: tuple[float, float], stop: float, label: str | None = None
) -> npt.NDArray[np.float64]:
    """Draw a reference line of a given slope on log-log axes, and name it at its end.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    slope : float
        Exponent of the power law.
    start : (x, y)
        Where the line begins, both positive.
    stop : float
        Abscissa of its end, positive.
    label : str, optional
        ``slope <value>`` by default.

    Returns
    -------
    (2, 2) ndarray
        The end points, one a row.

    Raises
    ------
    ParameterError
        If a coordinate is not positive: a power law has no place there.
    """
    x0, y0 = start
    if min(x0, y0, stop) <= 0.0:
        raise ParameterError(f"a slope guide lives on log-log axes; got start={start}, stop={stop}")
    y1 = y0 * (stop / x0) ** slope
    ax.plot([x0, stop], [y0, y1], color=GUIDE, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1.5)
    ax.annotate(
        label or f"slope {slope:g}",
        (stop, y1),
        xytext=(3, 0),
        textcoords="offset points",
        color=GUIDE,
        fontsize=8.0,
        va="center",
    )
    return np.array([[x0, y0], [stop, y1]])
