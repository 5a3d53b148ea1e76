"""Probes of the claims of r2pvi that speak about one step, one model or one data set."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from bounds.claims import Record
from experiments.falsify.probe import Probe
from experiments.falsify.simplexes import Simplex
from experiments.falsify.spaces import Box, Instance, Space, Whole
from experiments.instances import tabular_as_linear
from experiments.papers import _r2pvi_duals as duals
from experiments.papers import _r2pvi_models as models
from experiments.papers._r2pvi_events import behaved
from experiments.papers._r2pvi_learners import shrunk_weights
from tabular import streams
from tabular.models import EpisodicMDP, LinearMDP

__all__ = ["PROBES"]

SLUG = "r2pvi"
Evidence = Callable[[Instance], tuple[Record, ...]]

KINDS = ("tv", "kl", "chi2")


def _record(name: str, params: Mapping[str, Any], columns: Mapping[str, npt.ArrayLike]) -> Record:
    return Record(f"{SLUG}/{name}", params, {key: np.atleast_1d(np.asarray(v)) for key, v in columns.items()})


# ---------------------------------------------------------------- one step


def _step(study: str, kind: str, names: tuple[str, ...], row: tuple[float, ...]) -> Record:
    """Return a row of one-step evidence; the end of the enclosure stands in for the conic solver, which is left out."""
    columns = dict(zip(names, row, strict=True))
    if np.isnan(columns["solver"]):
        columns["solver"] = columns["lower"]
    return _record(study, {"divergence": kind, "block": 0, "count": 1, "solved": 1}, columns)


def _priced(kind: str) -> Evidence:
    def evidence(x: Instance) -> tuple[Record, ...]:
        row = duals.priced_step(kind, x["V"], x["q"], x["lam"], solved=False)
        return (_step("duals", kind, duals.PRICED, row),)

    return evidence


def bounded(x: Instance) -> tuple[Record, ...]:
    """Return the constrained operator of every divergence on one step."""
    return tuple(
        _step("constrained", kind, duals.BOUNDED, duals.bounded_step(kind, x["V"], x["q"], x["rho"], solved=False))
        for kind in KINDS
    )


def admissible(x: Instance) -> tuple[Record, ...]:
    """Return what the worst case of every divergence pays and gains on one step."""
    return tuple(
        _record(
            "admissible",
            {"divergence": kind, "block": 0, "count": 1},
            dict(zip(models.ADMISSIBLE, models.paid_and_gained(kind, x["V"], x["q"], x["lam"]), strict=True)),
        )
        for kind in KINDS
    )


# ---------------------------------------------------------------- one model


def _linear(x: Instance) -> LinearMDP:
    return LinearMDP(x["phi"], x["mu"], x["theta"])


def _tabular(x: Instance) -> EpisodicMDP:
    return EpisodicMDP(x["P"], x["r"])


def ordered(x: Instance) -> tuple[Record, ...]:
    """Values of one model over six growing prices and the far one of the instance."""
    prices = x["low"] * (1.0 + x["step"]) ** np.arange(6)
    return tuple(
        _record(
            "ordered",
            {"divergence": kind, "block": 0, "count": 1},
            dict(zip(models.ORDERED, models.levels(_linear(x), kind, prices, max(x["far"], prices[-1])), strict=True)),
        )
        for kind in KINDS
    )


def rectangles(x: Instance) -> tuple[Record, ...]:
    """Return the values of one linear model with one kernel a feature and with one a pair, priced and bounded."""
    return tuple(
        _record(
            "rectangles",
            {"divergence": kind, "level": level, "block": 0, "count": 1},
            models.mixed(_linear(x), kind, level, x[level]),
        )
        for kind in KINDS
        for level in ("penalty", "radius")
    )


def one_hot(x: Instance) -> tuple[Record, ...]:
    """Return both values of one tabular model, and the weights of R2PVI on episodes of it."""
    table = _tabular(x)
    found = [
        _record(
            "rectangles",
            {"divergence": kind, "level": level, "block": 0, "count": 1},
            models.one_hot(table, kind, level, x[level]),
        )
        for kind in KINDS
        for level in ("penalty", "radius")
    ]
    data = behaved(table, x["K"], streams.stream(x["seed"], "falsify"))
    for kind in ("tv", "kl"):
        columns = shrunk_weights(tabular_as_linear(table), data, kind, x["penalty"], x["ridge"])
        found.append(_record("shrinkage", {"divergence": kind, "K": x["K"], "count": 1}, columns))
    return tuple(found)


def entropic(x: Instance) -> tuple[Record, ...]:
    """Return value and entropic risk of one policy of a tabular model."""
    value, risk = models.value_and_risk(tabular_as_linear(_tabular(x)), x["policy"], x["lam"])
    return (_record("entropic", {"block": 0, "count": 1}, {"value": value, "risk": risk}),)


_STEP: Mapping[str, Space] = {"V": Box(("S",), 0.0, 3.0), "q": Simplex((), "S")}
_PRICED: Mapping[str, Space] = {**_STEP, "lam": Box((), 0.01, 10.0, "log")}
_LINEAR: Mapping[str, Space] = {
    "phi": Simplex(("S", "A"), "d"),
    "theta": Box(("H", "d")),
    "mu": Simplex(("H", "d"), "S"),
}
_LEVELS: Mapping[str, Space] = {"penalty": Box((), 0.02, 5.0, "log"), "radius": Box((), 0.005, 0.9, "log")}
_TABULAR: Mapping[str, Space] = {"P": Simplex(("H", "S", "A"), "S"), "r": Box(("H", "S", "A"))}
_SIZES = {"H": (2, 3), "S": (2, 4), "A": (1, 2)}  # in one step, or from one state, the adversary has no choice
_STATES = {"S": (2, 6)}

PROBES = (
    *(Probe(f"{SLUG}/dual-{kind}", _STATES, _PRICED, _priced(kind)) for kind in KINDS),
    *(
        Probe(f"{SLUG}/{name}", _STATES, {**_STEP, "rho": Box((), 0.005, 0.95)}, bounded)
        for name in ("dual-con", "lagrange")
    ),
    Probe(f"{SLUG}/admissible", _STATES, _PRICED, admissible),
    Probe(
        f"{SLUG}/monotone-lam",
        {**_SIZES, "d": (1, 3)},
        {
            **_LINEAR,
            "low": Box((), 0.02, 1.0, "log"),
            "step": Box((), 0.001, 2.0, "log"),
            "far": Box((), 1.0, 1e6, "log"),
        },
        ordered,
    ),
    Probe(f"{SLUG}/less-conservative", {**_SIZES, "d": (1, 3)}, {**_LINEAR, **_LEVELS}, rectangles),
    Probe(
        f"{SLUG}/onehot",
        _SIZES,
        {
            **_TABULAR,
            **_LEVELS,
            "ridge": Box((), 0.1, 2.0),
            "K": Whole((), 1, 100, log=True),
            "seed": Whole((), 0, 2**20),
        },
        one_hot,
    ),
    Probe(
        f"{SLUG}/kl-entropic",
        _SIZES,
        {**_TABULAR, "policy": Whole(("H", "S"), 0, "A"), "lam": Box((), 0.02, 5.0, "log")},
        entropic,
    ),
)
