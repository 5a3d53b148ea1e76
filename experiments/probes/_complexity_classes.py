"""Probes of the claims of complexity-measures about classes of functions, designs, channels and posteriors."""

from collections.abc import Mapping

import numpy as np

from bounds.claims import Record
from experiments.falsify.probe import Probe
from experiments.falsify.simplexes import Simplex
from experiments.falsify.spaces import Box, Instance, Space, Whole
from experiments.papers import _complexity_functions as functions
from experiments.papers import _complexity_information as information
from experiments.papers._table import Table
from tabular import planning

from ._complexity_models import EPISODIC, LINEAR, SLUG, episodic, linear_model, record

__all__ = ["PROBES"]


# ---------------------------------------------------------------- classes of functions


def sandwich(x: Instance) -> tuple[Record, ...]:
    """Dimensions of two binary classes and of their union."""
    table = Table("sandwich", "star", "threshold", "dimension", "power", "trivial", "larger_part", "union")
    f, g = (np.unique(x[name], axis=0).astype(np.float64) for name in ("f", "g"))
    functions.enclose("classes", f, g, table)
    return (record("sandwich", table),)


def closure(x: Instance) -> tuple[Record, ...]:
    """Fitted value iteration on a class around the optimal values, which it holds or not."""
    model = episodic(x)
    best = planning.backward_induction(model).Q
    f = best + x["size"] * x["f"]
    if x["holds"]:
        f[0] = best
    table = Table("closure", "error", "bound", "mean_square", "closed")
    functions.fit("class", model, f, table)
    return (record("closure", table),)


def ranks(x: Instance) -> tuple[Record, ...]:
    """Bellman ranks of functions in a linear model, the same seen as a table, and the Bellman eluder dimension."""
    rank, eluder = (
        Table("rank", "v", "v_bound", "q", "q_bound", "states"),
        Table("eluder", "dimension", "bound", "trivial"),
    )
    linear = linear_model(x)
    functions.rank_tabular("tabular", linear.to_episodic(), x["f"], rank)
    g = np.einsum("sad,nhd->nhsa", linear.phi, x["w"])
    functions.rank_linear("linear", linear, g, x["share"], rank, eluder)
    return (record("bellman-rank", rank, eluder),)


# ---------------------------------------------------------------- observations, designs, information


def designs(x: Instance) -> tuple[Record, ...]:
    """Return variances and log-determinants of one design, on actions with short axes among them."""
    actions = np.concatenate([x["x"], x["short"] * np.eye(x["d"])])
    k = actions.shape[0]
    p = 0.99 * np.append(x["p"] * (1.0 - x["rest"]), np.full(x["d"], x["rest"] / x["d"])) + 0.01 / k
    table = Table("designs", *information.DESIGNS)
    information.design("actions", actions, p / p.sum(), table)
    return (record("designs", table),)


def revealing(x: Instance) -> tuple[Record, ...]:
    """Return constants of one emission matrix, as it is and garbled."""
    table = Table("revealing", *information.REVEALING)
    information.reveal("emissions", x["emissions"].T, x["channel"].T, table)
    return (record("revealing", table),)


def capacity(x: Instance) -> tuple[Record, ...]:
    """Capacity of one channel against laws of inputs and outputs."""
    table = Table("capacity", *information.CAPACITY)
    outputs = 0.99 * x["outputs"] + 0.01 / x["O"]
    information.transmit("channel", x["channel"], x["inputs"], outputs, table)
    return (record("capacity", table),)


def posteriors(x: Instance) -> tuple[Record, ...]:
    """Regret and information of coins under one posterior."""
    table = Table("information", *information.INFORMATION)
    trials = 0.99 * x["trials"] + 0.01 / x["K"]
    information.learn("posterior", x["posterior"], x["means"], trials, table)
    return (record("information", table),)


_CLASS: Mapping[str, Space] = {"f": Box(("N", "H", "S", "A"), -1.0, 1.0)}

PROBES = (
    Probe(
        f"{SLUG}/eluder-sandwich",
        {"n": (2, 6), "F": (2, 8), "G": (2, 8)},
        {"f": Whole(("F", "n"), 0, 1), "g": Whole(("G", "n"), 0, 1)},
        sandwich,
    ),
    Probe(
        f"{SLUG}/inherent-bellman-error",
        {"H": (1, 4), "S": (1, 3), "A": (1, 2), "N": (2, 6)},
        {**EPISODIC, **_CLASS, "size": Box((), 0.001, 3.0, "log"), "holds": Whole((), 0, 1)},
        closure,
    ),
    Probe(
        f"{SLUG}/bellman-rank",
        {"H": (1, 2), "S": (1, 4), "A": (1, 2), "d": (1, 3), "N": (4, 8)},
        {**LINEAR, **_CLASS, "w": Box(("N", "H", "d"), -3.0, 3.0), "share": Box((), 0.01, 0.9, "log")},
        ranks,
    ),
    Probe(
        f"{SLUG}/kw",
        {"k": (1, 6), "d": (1, 3)},
        {
            "x": Box(("k", "d"), -3.0, 3.0),
            "short": Box((), 0.01, 1.0, "log"),
            "p": Simplex((), "k"),
            "rest": Box(),
        },
        designs,
    ),
    Probe(
        f"{SLUG}/revealing",
        {"S": (2, 4), "O": (4, 6), "Y": (4, 6)},
        {"emissions": Simplex(("S",), "O"), "channel": Simplex(("O",), "Y")},
        revealing,
    ),
    Probe(
        f"{SLUG}/capacity",
        {"A": (2, 5), "O": (2, 5), "n": (2, 4)},
        {"channel": Simplex(("A",), "O"), "inputs": Simplex(("n",), "A"), "outputs": Simplex(("n",), "O")},
        capacity,
    ),
    Probe(
        f"{SLUG}/information-ratio",
        {"K": (2, 5), "M": (2, 6), "n": (2, 4)},
        {"posterior": Simplex((), "M"), "means": Box(("M", "K")), "trials": Simplex(("n",), "K")},
        posteriors,
    ),
)
