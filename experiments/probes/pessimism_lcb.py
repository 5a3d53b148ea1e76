"""Probes of the claims of pessimism-lcb that speak about one instance."""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from bounds.claims import Record
from bounds.exact_risk import binomial_tail_below_half, choice_probability
from experiments.falsify.probe import Probe
from experiments.falsify.simplexes import Simplex
from experiments.falsify.spaces import Box, Instance, Space, Whole
from experiments.papers import _pessimism_bandit as bandit
from experiments.papers import _pessimism_mdp as study
from tabular import planning, streams
from tabular.learning.offline._pessimism_kernels import _bandit_lcb
from tabular.learning.offline.pessimism_lcb import vi_lcb_width
from tabular.models import DiscountedMDP

from ._rational import Model, laws

__all__ = ["PROBES"]

SLUG = "pessimism-lcb"
Array = npt.NDArray[Any]


def _record(name: str, params: Mapping[str, Any], **arrays: Any) -> Record:
    return Record(f"{SLUG}/{name}", params, {key: np.atleast_1d(value) for key, value in arrays.items()})


# ---------------------------------------------------------------- choices inside the good event


def _choice(x: Instance, c: float, sign: float) -> Record:
    """One context: counts, means, and empirical means that miss them by at most the Hoeffding width."""
    n, means, delta = x["n"].astype(np.float64), x["means"], x["delta"]
    A = n.shape[0]
    width = bandit.hoeffding(1.0, 1, A, delta)
    radius = width / np.sqrt(np.maximum(n, 1.0))
    seen = np.clip(means + x["miss"] * radius, 0.0, 1.0)
    out, lcb = np.zeros(1, dtype=np.int64), np.empty((1, A))
    ranks = -np.arange(A, dtype=np.float64)[None, :]
    _bandit_lcb(n[None, :], seen[None, :], sign * c * width, math.inf, -math.inf, ranks, out, lcb)
    best, chosen = int(np.argmax(means)), int(out[0])
    gap = float(means[best] - means[chosen])
    return _record(
        "choices",
        {"S": 1, "A": A, "N": int(n.sum()), "c": c, "sign": sign, "instances": 1},
        gap=gap,
        bound=float((c + 1.0) * radius[best]),
        ratio=float(n[best] / n[chosen]) if gap > 0.0 else 0.0,
    )


def choices(x: Instance) -> tuple[Record, ...]:
    """Return what CB-LCB chooses at c and at 2, and what it would with the sign of the penalty turned."""
    return _choice(x, x["c"], 1.0), _choice(x, 2.0, 1.0), _choice(x, x["c"], -1.0)


_CHOICES: Mapping[str, Space] = {
    "n": Whole(("A",), 1, 100_000, log=True),
    "means": Box(("A",)),
    "miss": Box(("A",), -1.0, 1.0),
    "delta": Box((), 1e-4, 0.5, "log"),
    "c": Box((), 1.0, 4.0),
}


# ---------------------------------------------------------------- exact risks of bandits


def risk(x: Instance) -> tuple[Record, ...]:
    """Return the exact risk of MAB-LCB on two coins, and of the best empirical arm."""
    N, C = x["N"], x["C"]
    low, high = sorted((x["first"], x["second"]))
    p = 1.0 / C
    width = bandit.hoeffding(1.0, 1, 2, 1.0 / N)
    found = {
        name: (high - low) * choice_probability(N, (p, 1.0 - p), (high, low), rule=rule, width=penalty)
        for name, rule, penalty in (("lcb", "lcb", width), ("empirical", "empirical", 0.0))
    }
    return (
        _record("mab-risk", {"C": C, "N": N}, risk=found["lcb"]),
        _record("greedy-trap", {"N": N}, lcb=found["lcb"], empirical=found["empirical"], concentrability=C),
    )


def most_played(x: Instance) -> tuple[Record, ...]:
    """Return the exact probability that the best arm is not in the majority."""
    return (_record("most-played", {"C": x["C"]}, N=x["N"], failure=binomial_tail_below_half(x["N"], 1.0 / x["C"])),)


# ---------------------------------------------------------------- coverage


def _mass(x: Instance) -> Array:
    mass: Array = x["state"][:, None] * x["action"]
    return mass / mass.sum()


def coverage(x: Instance) -> tuple[Record, ...]:
    """Mass of the data off the optimal policy, and its concentrability; data partly from the policy itself."""
    mdp = DiscountedMDP(x["P"], x["r"], x["gamma"], x["mu0"])
    policy = planning.policy_iteration(mdp).policy
    d = planning.occupancy(mdp, policy)
    mu = x["part"] * _mass(x) + (1.0 - x["part"]) * d
    chosen = np.arange(mdp.S), policy
    if study._concentrability(d, mu) == math.inf:
        return ()
    return (
        _record(
            "coverage", {"S": mdp.S, "A": mdp.A},
            off_mass=mu.sum() - mu[chosen].sum(),
            concentrability=study._concentrability(d, mu),
            state_ratio=study._concentrability(d.sum(axis=1), mu.sum(axis=1)),
        ),
    )  # fmt: skip


def coverage_exact(x: Instance) -> tuple[Record, ...]:
    """Return the same over the rationals, for the policy that the float solver finds."""
    model, rho, part = Model(x["P"], x["r"], x["gamma"]), laws(x["mu0"]), Fraction(x["part"])
    mdp = DiscountedMDP(x["P"], x["r"], x["gamma"], x["mu0"])
    policy = np.asarray(planning.policy_iteration(mdp).policy)
    visits = model.solve(model.P[model.states, policy].T, (1 - model.gamma) * rho)
    d = visits[:, None] * (policy[:, None] == np.arange(model.A))
    mass = laws((x["state"][:, None] * x["action"]).ravel()).reshape(d.shape)
    mu = part * mass + (1 - part) * d
    pairs = [(a, b) for a, b in zip(d.flat, mu.flat, strict=True) if a > 0]
    states = [(a, b) for a, b in zip(d.sum(axis=1), mu.sum(axis=1), strict=True) if a > 0]
    if any(b == 0 for _, b in pairs):
        return ()
    return (
        _record(
            "coverage", {"S": model.S, "A": model.A},
            off_mass=np.array([1 - mu[model.states, policy].sum()], dtype=object),
            concentrability=np.array([max(a / b for a, b in pairs)], dtype=object),
            state_ratio=np.array([max(a / b for a, b in states)], dtype=object),
        ),
    )  # fmt: skip


# ---------------------------------------------------------------- VI-LCB, run by run

_NAMES = ("event", "increase", "below_policy", "below_optimal", "backup", "risk", "bias", "penalty", "value")


def audit(x: Instance) -> tuple[Record, ...]:
    """Make three audited runs of VI-LCB at gamma = 0.8, with the monotone update and without."""
    mdp, N = DiscountedMDP(x["P"], x["r"], 0.8, x["mu0"]), x["N"]
    width = vi_lcb_width(mdp.S, mdp.A, study.iterations(N, 0.8), 1.0 / N)
    mu = x["part"] * _mass(x) + (1.0 - x["part"]) / (mdp.S * mdp.A)
    found = []
    for monotone in (True, False):
        rng = streams.stream(x["seed"], "falsify")
        rows = study._run_audits(mdp, mu / mu.sum(), N, np.array([width]), 3, True, monotone, rng)[:, 0]
        if not np.any(rows[:, 0] <= 1e-9):
            return ()
        arrays = {name: np.ascontiguousarray(rows[:, j]) for j, name in enumerate(_NAMES)}
        params = {"N": N, "block": 0, "monotone": monotone, "split": True, "instances": 3}
        found.append(Record(f"{SLUG}/audit", params, arrays))
    return tuple(found)


_DATA: Mapping[str, Space] = {"state": Simplex((), "S"), "action": Simplex(("S",), "A"), "part": Box()}
_MODEL: Mapping[str, Space] = {"P": Simplex(("S", "A"), "S"), "r": Box(("S", "A")), "mu0": Simplex((), "S"), **_DATA}
_SIZES = {"S": (1, 4), "A": (1, 3)}
_AUDIT: Mapping[str, Space] = {**_MODEL, "N": Whole((), 200_000, 2_000_000_000, log=True), "seed": Whole((), 0, 2**20)}

PROBES = (
    Probe(f"{SLUG}/lcb-key", {"A": (2, 4)}, _CHOICES, choices),
    Probe(f"{SLUG}/imitation-switch", {"A": (2, 4)}, _CHOICES, choices),
    Probe(
        f"{SLUG}/mab-upper",
        {},
        {"N": Whole((), 2, 150, log=True), "C": Box((), 1.001, 30.0, "log"), "first": Box(), "second": Box()},
        risk,
    ),
    Probe(
        f"{SLUG}/mab-mostplayed",
        {},
        {"N": Whole((), 1, 2000, log=True), "C": Box((), 1.001, 1.999)},
        most_played,
    ),
    Probe(f"{SLUG}/offmass", _SIZES, {**_MODEL, "gamma": Box((), 0.0, 0.95)}, coverage, coverage_exact),
    Probe(f"{SLUG}/vi-invariant", _SIZES, _AUDIT, audit),
    Probe(f"{SLUG}/vi-decomp", _SIZES, _AUDIT, audit),
)
