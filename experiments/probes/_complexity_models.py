"""Probes of the claims of complexity-measures about one model: coverage, capacity, times, variances."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from bounds import complexity
from bounds.claims import Record
from experiments.falsify.probe import Probe
from experiments.falsify.simplexes import Simplex
from experiments.falsify.spaces import Box, Instance, Space, Whole
from experiments.papers import _complexity_chains as chains
from experiments.papers import _complexity_coverage as coverage
from experiments.papers import _complexity_gaps as gaps
from experiments.papers import _complexity_spanning as spanning
from experiments.papers._table import Table
from tabular import planning
from tabular.models import AverageRewardMDP, ContextualBandit, EpisodicMDP, LinearMDP

__all__ = ["EPISODIC", "LINEAR", "PROBES", "SLUG", "episodic", "linear_model", "record"]

SLUG = "complexity-measures"
Array = npt.NDArray[np.float64]


def record(study: str, *tables: Table) -> Record:
    """Return the record of a study that holds some tables."""
    arrays = {key: value for table in tables for key, value in table.arrays().items()}
    return Record(f"{SLUG}/{study}", {"block": 0, "count": 1}, arrays)


def episodic(x: Instance) -> EpisodicMDP:
    """Return the finite-horizon model of an instance."""
    return EpisodicMDP(x["P"], x["r"], x["mu0"])


def linear_model(x: Instance) -> LinearMDP:
    """Return the linear model of an instance."""
    return LinearMDP(x["phi"], x["mu"], x["theta"])


def _law(x: Instance) -> Array:
    """Return a data law (H, S, A) that covers every pair, some of them hardly."""
    law = 0.999 * x["state"][:, :, None] * x["action"] + 0.001 / (x["S"] * x["A"])
    return np.asarray(law / law.sum(axis=(1, 2), keepdims=True))


# ---------------------------------------------------------------- coverage


def coverability(x: Instance) -> tuple[Record, ...]:
    """Coverability of one model, for all policies and for a class, and of a linear model and a contextual bandit."""
    model = episodic(x)
    identity = Table("identity", "value", "enumerated", "attained", "single")
    law = Table("law", "value", "covered", "dynamic_covered", "pairs")
    for name, policies in (("all policies", None), ("class", list(x["policies"]))):
        coverage.cover(name, model, policies, [_law(x)], identity, law)
    return (record("coverability", identity, law),)


def structured(x: Instance) -> tuple[Record, ...]:
    """Return the same, with coverability of a linear model and of a contextual bandit."""
    structure, contexts = Table("structure", "value", "rank", "actions"), Table("contexts", "value", "actions")
    linear = linear_model(x)
    value = complexity.coverability(linear.to_episodic()).value
    structure.add("linear", value=value, rank=linear.d, actions=linear.A)
    bandit = ContextualBandit(x["mu0"], x["r"][0])
    contexts.add("contexts", value=complexity.coverability(bandit).value, actions=bandit.A)
    return *coverability(x), record("structure", structure, contexts)


def concentrability(x: Instance) -> tuple[Record, ...]:
    """Return every coefficient of one policy under one data law."""
    model, policy = episodic(x), x["policy"]
    mu = (1.0 - x["share"]) * _law(x) + x["share"] * planning.occupancy(model, policy)
    order = Table("order", "single", "square", "all", "clipped", "distance", "own")
    linear = Table("linear", "quotient", "single", "one_hot", "trace")
    coverage.concentrate("instance", model, policy, mu, x["features"], order, linear)
    return (record("concentrability", order, linear),)


def capacity(x: Instance) -> tuple[Record, ...]:
    """Spanning capacity of one class, its coverability in one model, and a deterministic model."""
    bounds = Table("bounds", "capacity", "policies", "paths", "pairs", "part")
    models = Table("models", "coverability", "capacity")
    witness = Table("witness", "coverability", "capacity", "fixed")
    fixed = x["start"], list(x["moves"][:-1])
    spanning.span("class", x["policies"], x["A"], {"model": episodic(x)}, fixed, bounds, models, witness)
    return (record("spanning", bounds, models, witness),)


# ---------------------------------------------------------------- times


def _round(S: int) -> Array:
    return np.roll(np.eye(S), 1, axis=1)


def diameters(x: Instance) -> tuple[Record, ...]:
    """One-way times of a model whose first action follows a cycle with some probability, and spans of its values."""
    P = np.array(x["P"])
    P[:, 0] = (1.0 - x["pull"]) * P[:, 0] + x["pull"] * _round(x["S"])
    mdp = AverageRewardMDP(P, x["r"])
    tables = (
        Table("triangle", "direct", "detour", "detour_half"),
        Table("same", "diameter", "other_rewards"),
        Table("fewer", "diameter", "first_action"),
        Table("spans", "span", "reward_range", "diameter", "left"),
    )
    chains.travel("instance", mdp, AverageRewardMDP(P, x["other"], x["mu0"]), tables)
    return (record("diameters", *tables),)


def mixing(x: Instance) -> tuple[Record, ...]:
    """Return powers of one chain, and the mixing time of a walk on a weighted graph."""
    S = x["S"]
    powers = Table("powers", "whole", "product", "law_whole", "law_product")
    times = Table("times", "eps", "mixing", "gap", "least")
    chains.multiply("chain", 0.95 * x["chain"] + 0.05 / S, powers)
    weight = x["weight"] + x["weight"].T + x["thin"] * (np.eye(S, k=1) + np.eye(S, k=-1))
    weight[0, 0] += x["thin"]
    chains.settle("walk", weight / weight.sum(axis=1, keepdims=True), [x["eps"]], times)
    return (record("mixing", powers, times),)


def kemeny(x: Instance) -> tuple[Record, ...]:
    """Return Kemeny's constant of one chain in floats, and of one with rows in eighths in fractions."""
    S = x["S"]
    floats = Table("floats", "from_state", "trace", "eigenvalues", "returns")
    exact = Table("exact", "difference", "returns_difference")
    chains.sum_times("chain", (1.0 - x["pull"]) * x["chain"] + x["pull"] * _round(S), floats)
    eighths = 0.125 * (_round(S) + np.eye(S)[x["eighths"]].sum(axis=1))
    chains.subtract("eighths", eighths, 8, exact)
    return (record("kemeny", floats, exact),)


def variances(x: Instance) -> tuple[Record, ...]:
    """Return variances of the next value of one model and of one without chance."""
    spread, horizon = Table("spread", "variance", "span"), Table("horizon", "optimal", "steps", "reward_range")
    sure = Table("sure", "norm", "optimal", "returns")
    gaps.vary("model", episodic(x), spread, horizon)
    sure_model = EpisodicMDP(np.eye(x["S"])[x["moves"]], x["r"], np.eye(x["S"])[x["start"]])
    gaps.no_variance("deterministic", sure_model, x["plan"], sure)
    return (record("variances", spread, horizon, sure),)


EPISODIC: Mapping[str, Space] = {
    "P": Simplex(("H", "S", "A"), "S"),
    "r": Box(("H", "S", "A")),
    "mu0": Simplex((), "S"),
}
LINEAR: Mapping[str, Space] = {
    "phi": Simplex(("S", "A"), "d"),
    "mu": Simplex(("H", "d"), "S"),
    "theta": Box(("H", "d")),
}
_LAW: Mapping[str, Space] = {"state": Simplex(("H",), "S"), "action": Simplex(("H", "S"), "A")}
_MOVES = Whole(("H", "S", "A"), 0, "S")
_CLASS = Whole(("n", "H", "S"), 0, "A")
_STATE = Whole((), 0, "S")
_SMALL = {"H": (1, 2), "S": (1, 3), "A": (1, 2)}
_COVERED: Mapping[str, Space] = {**EPISODIC, **_LAW, "policies": _CLASS}
_POLICY: Mapping[str, Space] = {
    **EPISODIC,
    **_LAW,
    "policy": Simplex(("H", "S"), "A"),
    "share": Box(),
    "features": Box(("S", "A", "d"), -1.0, 1.0),
}

PROBES = (
    Probe(f"{SLUG}/cov-identity", {**_SMALL, "n": (1, 3)}, _COVERED, coverability),
    Probe(f"{SLUG}/cov-bounds", {**_SMALL, "n": (1, 3), "d": (1, 2)}, {**_COVERED, **LINEAR}, structured),
    Probe(f"{SLUG}/conc-order", {**_SMALL, "d": (1, 2)}, _POLICY, concentrability),
    Probe(f"{SLUG}/lin-coverage", {**_SMALL, "d": (1, 3)}, _POLICY, concentrability),
    Probe(
        f"{SLUG}/span-cap-bounds",
        {"n": (1, 6), "H": (1, 3), "S": (1, 3), "A": (2, 3)},
        {**EPISODIC, "policies": _CLASS, "moves": _MOVES, "start": _STATE},
        capacity,
    ),
    Probe(
        f"{SLUG}/diameter",
        {"S": (2, 4), "A": (1, 2)},
        {
            "P": Simplex(("S", "A"), "S"),
            "r": Box(("S", "A")),
            "other": Box(("S", "A"), -1.0, 1.0),
            "mu0": Simplex((), "S"),
            "pull": Box((), 0.05, 1.0, "log"),
        },
        diameters,
    ),
    Probe(
        f"{SLUG}/mixing",
        {"S": (2, 5)},
        {
            "chain": Simplex(("S",), "S"),
            "weight": Box(("S", "S")),
            "thin": Box((), 0.01, 1.0, "log"),
            "eps": Box((), 0.001, 0.5, "log"),
        },
        mixing,
    ),
    Probe(
        f"{SLUG}/kemeny",
        {"S": (2, 5), "draws": (7, 7)},
        {
            "chain": Simplex(("S",), "S"),
            "pull": Box((), 0.02, 1.0, "log"),
            "eighths": Whole(("S", "draws"), 0, "S"),
        },
        kemeny,
    ),
    Probe(
        f"{SLUG}/variance-sandwich",
        {"H": (1, 4), "S": (1, 4), "A": (1, 2)},
        {**EPISODIC, "moves": _MOVES, "start": _STATE, "plan": Whole(("H", "S"), 0, "A")},
        variances,
    ),
)
