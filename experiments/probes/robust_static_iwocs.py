"""Probes of the claims of robust-static-iwocs about one rectangular set of vertices."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from bounds.claims import Record
from experiments.falsify.probe import Probe
from experiments.falsify.simplexes import Simplex
from experiments.falsify.spaces import Box, Instance, Space
from experiments.papers import _iwocs_exact as study
from tabular.models import DiscountedMDP
from tabular.planning import VertexSet

__all__ = ["PROBES"]

SLUG = "robust-static-iwocs"


def _record(name: str, params: Mapping[str, Any], columns: Mapping[str, npt.ArrayLike]) -> Record:
    return Record(f"{SLUG}/{name}", params, {key: np.atleast_1d(np.asarray(v)) for key, v in columns.items()})


def _set(x: Instance) -> tuple[DiscountedMDP, VertexSet]:
    """Return the model, which starts in state 0, and its set of ``m`` rows a pair."""
    return DiscountedMDP(x["P"][0], x["r"], x["gamma"], np.eye(x["S"])[0]), VertexSet(x["P"])


def identities(x: Instance) -> tuple[Record, ...]:
    """Enumerate policies and kernels of one set."""
    columns = study.enumerated(*_set(x), x["free"], joint=False)
    return (_record("identities", {"kind": "rectangular", "block": 0, "count": 1}, columns),)


def sequences(x: Instance) -> tuple[Record, ...]:
    """Run every rule on one set; the instance on which the sequence stops early is that of the study."""
    row = study.followed(*_set(x))
    named = {"instance": "sequence"}
    return (
        _record("sequences", {"family": "given", "block": 0, "count": 1}, row),
        _record("named", named, study.run_named(named, np.random.Generator(np.random.PCG64(0)))),
    )


_SET: Mapping[str, Space] = {
    "P": Simplex(("m", "S", "A"), "S"),
    "r": Box(("S", "A")),
    "gamma": Box((), 0.0, 0.9, "gap"),
}

PROBES = (
    *(
        Probe(
            f"{SLUG}/{name}",
            {"m": (1, 2), "S": (1, 3), "A": (2, 2), "n": (1, 2)},
            {**_SET, "free": Box(("n", "S"))},
            identities,
        )
        for name in ("static-dynamic", "no-gap", "min-of-optima")
    ),
    *(
        Probe(f"{SLUG}/{name}", {"m": (1, 3), "S": (1, 4), "A": (1, 3)}, _SET, sequences)
        for name in ("prop1", "prop2", "certificate")
    ),
)
