"""Probes of average reward, concentration, elliptical potentials and step sizes."""

from collections.abc import Callable, Mapping

import numpy as np

from bounds import concentration
from bounds.claims import Record
from experiments.falsify.probe import Probe
from experiments.falsify.simplexes import Simplex
from experiments.falsify.spaces import Box, Instance, Space, Whole
from experiments.papers._foundations_average import run_average_reward
from experiments.papers._foundations_exact import run_step_sizes
from experiments.papers._table import Table
from tabular import streams
from tabular.models import AverageRewardMDP

__all__ = ["PROBES"]

SLUG = "tabular-foundations"


def average_reward(x: Instance) -> tuple[Record, ...]:
    """Gain, bias, span, diameter and classes of one model, through the study's own function."""
    cell = {"family": "given", "model": AverageRewardMDP(x["P"], x["r"])}
    arrays = run_average_reward(cell, streams.stream(x["seed"], "falsify"))
    return (Record(f"{SLUG}/average-reward", {"family": "given", "gamma": 1.0}, arrays),)


def _coverage(*names: str) -> Callable[[Instance], tuple[Record, ...]]:
    """Return the exact failure probabilities of some inequalities, and of their broken variants, at one law."""
    every = [variant for name in names for variant in (name, concentration.CONTROLS[name])]

    def evidence(x: Instance) -> tuple[Record, ...]:
        n, delta, p = x["n"], x["delta"], x["p"]
        return tuple(
            Record(
                f"{SLUG}/coverage-curves",
                {"inequality": name, "n": n, "delta": delta, "S": np.size(p) if np.ndim(p) else 2},
                {
                    "p": np.atleast_1d(p if np.ndim(p) == 0 else p[0]),
                    "failure": np.atleast_1d(concentration.exact_failure(name, n, delta, p)),
                },
            )
            for name in every
        )

    return evidence


hoeffding, bernstein, maurer_pontil = (_coverage(name) for name in ("hoeffding", "bernstein", "maurer-pontil"))
kl_chernoff = _coverage("kl-chernoff", "kl-chernoff-uniform")
weissman = _coverage("weissman")


def elliptical(x: Instance) -> tuple[Record, ...]:
    """Elliptical potential of a sequence of vectors in the unit ball."""
    lengths = np.sqrt((x["direction"] ** 2).sum(axis=1))
    actions = (x["length"] / np.maximum(lengths, 1e-300))[:, None] * x["direction"]
    total, bound = concentration.elliptical_potential(actions, x["ridge"])
    found = Table("potential", "sum", "log_det_bound", "n", "d", "ridge")
    found.add("instance", sum=total, log_det_bound=bound, n=x["n"], d=x["d"], ridge=x["ridge"])
    return (Record(f"{SLUG}/elliptical", {"d": x["d"], "ridge": x["ridge"], "steps": x["n"]}, found.arrays()),)


def step_sizes(x: Instance) -> tuple[Record, ...]:
    """Weights of the step sizes at one horizon, whose sums are compared as rational numbers."""
    cell = {"H": x["H"], "last": x["last"]}
    return (Record(f"{SLUG}/step-sizes", cell, run_step_sizes(cell, streams.stream(0))),)


_LAW: Mapping[str, Space] = {
    "n": Whole((), 2, 200, log=True),
    "delta": Box((), 1e-4, 0.9, "log"),
    "p": Box((), 0.001, 0.999),
}
_AVERAGE: Mapping[str, Space] = {
    "P": Simplex(("S", "A"), "S"), "r": Box(("S", "A")), "seed": Whole((), 0, 2**20),
}  # fmt: skip
_SIZES = {"S": (1, 5), "A": (1, 3)}

PROBES = (
    *(
        Probe(f"{SLUG}/{name}", _SIZES, _AVERAGE, average_reward)
        for name in ("avg-bounds", "span-diameter", "multichain", "classification")
    ),
    Probe(f"{SLUG}/hoeffding", {}, _LAW, hoeffding),
    Probe(f"{SLUG}/bernstein", {}, _LAW, bernstein),
    Probe(f"{SLUG}/maurer-pontil", {}, _LAW, maurer_pontil),
    Probe(f"{SLUG}/kl-chernoff", {}, _LAW, kl_chernoff),
    Probe(
        f"{SLUG}/weissman",
        {"S": (2, 4)},
        {"n": Whole((), 1, 30, log=True), "delta": Box((), 1e-4, 0.9, "log"), "p": Simplex((), "S")},
        weissman,
    ),
    Probe(
        f"{SLUG}/elliptical",
        {"n": (1, 8), "d": (1, 3)},
        {"direction": Box(("n", "d"), -1.0, 1.0), "length": Box(("n",)), "ridge": Box((), 1e-3, 1e3, "log")},
        elliptical,
    ),
    Probe(f"{SLUG}/q-weights", {}, {"H": Whole((), 1, 40, log=True), "last": Whole((), 1, 60, log=True)}, step_sizes),
)
