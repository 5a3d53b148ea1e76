"""Exact studies of r2pvi on small random models: robust dynamic programming against searches that do not use it."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.instances import random_episodic, random_linear_mdp, tabular_as_linear
from experiments.study import Cell, Scale
from tabular.models import EpisodicMDP, LinearMDP
from tabular.planning import backward_induction, robust_backward_induction, robust_evaluate, worst_case

from ._r2pvi_duals import DIVERGENCES, divergence, random_step

__all__ = [
    "ADMISSIBLE",
    "FAR",
    "ORDERED",
    "admissible",
    "admissible_cells",
    "bellman",
    "bellman_cells",
    "entropic",
    "entropic_cells",
    "levels",
    "mixed",
    "one_hot",
    "ordered",
    "ordered_cells",
    "paid_and_gained",
    "rectangles",
    "rectangles_cells",
    "value_and_risk",
]

Arrays = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]

PRICES = np.array([0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0])
FAR = 1e6
ORDERED = ("drop", "drop_radius", "missing", "missing_small", "above", "limit")
ADMISSIBLE = ("paid", "gain", "paid_early", "gain_early", "range")


# ---------------------------------------------------------------- Bellman


def bellman_cells(scale: Scale) -> list[Cell]:
    """Return blocks of small linear models for each divergence."""
    blocks = 8 if scale == "paper" else 1
    return [{"divergence": kind, "block": i, "count": 5} for kind in DIVERGENCES for i in range(blocks)]


def _rolled(features: Floats, model: LinearMDP, mu: Floats, price: float, kind: str) -> Floats:
    """Return the penalised return from each first state, rolled forward under the adversary ``mu`` (H, d, S).

    ``features`` (H, S, d) are those of the policy. No backward recursion: expected features, step after step.
    """
    law, total = np.eye(model.S), np.zeros(model.S)
    for h in range(model.H):
        expected = law @ features[h]
        paid = np.array([divergence(kind, mu[h, i], model.mu[h, i]) for i in range(model.d)])
        total += expected @ (model.theta[h] + price * paid)
        law = expected @ mu[h]
    return total


def _searched(features: Floats, model: LinearMDP, price: float, kind: str, rng: np.random.Generator) -> Floats:
    """Return the least return from each state that mirror descent on the adversary finds from two random starts."""
    H, S = model.H, model.S
    least = np.full(S, np.inf)
    for _ in range(2):
        mu = model.mu * rng.exponential(size=model.mu.shape) + (0.05 if kind == "tv" else 0.0)
        mu /= mu.sum(axis=-1, keepdims=True)
        for step in range(320 if kind == "tv" else 160):
            V = np.zeros(S)
            for h in range(H - 1, -1, -1):
                q = model.mu[h]
                if kind == "tv":
                    slope, paid = 0.5 * np.sign(mu[h] - q), 0.5 * np.abs(mu[h] - q).sum(axis=1)
                elif kind == "kl":
                    slope = np.log(mu[h] / q)
                    paid = (mu[h] * slope).sum(axis=1)
                else:
                    slope, paid = 2.0 * (mu[h] / q - 1.0), ((mu[h] - q) ** 2 / q).sum(axis=1)
                ahead = V
                V = features[h] @ (model.theta[h] + price * paid + mu[h] @ ahead)
                gradient = ahead[None] + price * slope
                rate = 8.0 * 0.97**step if kind == "tv" else 0.5 / (price * (1.0 + (kind == "chi2") * 20.0))
                mu[h] *= np.exp(np.clip(-rate * (gradient - (mu[h] * gradient).sum(axis=1)[:, None]), -20.0, 20.0))
                mu[h] = np.maximum(mu[h], 1e-15)
                mu[h] /= mu[h].sum(axis=1, keepdims=True)
            if step % 40 == 39:
                least = np.minimum(least, _rolled(features, model, mu, price, kind))
    return least


def bellman(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Hold robust backward induction against all deterministic policies and searched adversaries.

    S, A, H, d = 3, 2, 2, 3 or 2, 2, 3, 2. For one random deterministic and one random mixed policy of each model:
    ``value`` by the recursion, ``rolled`` the return under its worst kernels rolled forward, ``searched`` the least
    that mirror descent finds, ``rectangle`` the recursion with one adversary a pair. ``optimum`` is the recursion's,
    ``best`` the largest value of all deterministic policies, ``mixed`` that of 10 random mixed ones.
    """
    kind = cell["divergence"]
    single: dict[str, list[Floats]] = {name: [] for name in ("value", "rolled", "searched", "rectangle")}
    whole: dict[str, list[Floats]] = {name: [] for name in ("optimum", "best", "mixed")}
    for k in range(cell["count"]):
        S, A, H, d = (3, 2, 2, 3) if k % 2 == 0 else (2, 2, 3, 2)
        model = random_linear_mdp(S, A, d, H, rng, alpha=1.0)
        price = float(rng.uniform(0.1, 1.0))
        levels = {"divergence": kind, "penalty": price}
        policies = np.array(list(itertools.product(range(A), repeat=H * S))).reshape(-1, H, S)
        chosen = [np.eye(A)[policies[rng.integers(len(policies))]], rng.dirichlet(np.ones(A), (H, S))]
        for pi in chosen:
            features = np.einsum("hsa,sad->hsd", pi, model.phi)
            plan = robust_evaluate(model, pi, **levels)
            single["value"].append(plan.V[0])
            single["rolled"].append(_rolled(features, model, plan.worst, price, kind))
            single["searched"].append(_searched(features, model, price, kind, rng))
            single["rectangle"].append(robust_evaluate(model, pi, rectangularity="sa", **levels).V[0])
        found = robust_backward_induction(model, **levels)
        every = [robust_evaluate(model, pi, **levels).V[0] for pi in policies]
        mixed = [robust_evaluate(model, rng.dirichlet(np.ones(A), (H, S)), **levels).V[0] for _ in range(10)]
        whole["optimum"].append(found.V[0])
        whole["best"].append(np.max(every, axis=0))
        whole["mixed"].append(np.max(mixed, axis=0))
    return {name: np.concatenate(found) for name, found in (single | whole).items()}


# ---------------------------------------------------------------- one feature a pair


def rectangles_cells(scale: Scale) -> list[Cell]:
    """Return blocks of random models for each divergence, priced and bounded."""
    blocks, count = (8, 25) if scale == "paper" else (1, 25)
    return [
        {"divergence": kind, "level": level, "block": i, "count": count}
        for kind in DIVERGENCES
        for level in ("penalty", "radius")
        for i in range(blocks)
    ]


def rectangles(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Compare the adversary of one kernel a feature (d) with that of one kernel a pair (sa).

    ``onehot_d``, ``onehot_sa``: optimal values of a tabular model, seen as linear with one feature a pair and as
    itself. ``mixed_d``, ``mixed_sa``: those of a linear model with features on the simplex. ``dearer_sa``: the last
    with three times the price, or a third of the radius.
    """
    kind, level = cell["divergence"], cell["level"]
    out: dict[str, list[Floats]] = {k: [] for k in ("onehot_d", "onehot_sa", "mixed_d", "mixed_sa", "dearer_sa")}
    for _ in range(cell["count"]):
        S, A, H = int(rng.integers(2, 6)), int(rng.integers(2, 4)), int(rng.integers(2, 5))
        size = float(rng.uniform(0.05, 2.0) if level == "penalty" else rng.uniform(0.02, 0.5))
        table = random_episodic(S, A, H, rng=rng)
        linear = random_linear_mdp(S, A, int(rng.integers(2, 6)), H, rng)
        for name, V in {**one_hot(table, kind, level, size), **mixed(linear, kind, level, size)}.items():
            out[name].append(V)
    return {name: np.concatenate(found) for name, found in out.items()}


def one_hot(table: EpisodicMDP, kind: str, level: str, size: float) -> dict[str, Floats]:
    """Return the robust values of a tabular model with one kernel a feature, which is a pair, and with one a pair."""
    how: dict[str, Any] = {"divergence": kind, level: size}
    return {
        "onehot_d": robust_backward_induction(tabular_as_linear(table), **how).V[0],
        "onehot_sa": robust_backward_induction(table, rectangularity="sa", **how).V[0],
    }


def mixed(linear: LinearMDP, kind: str, level: str, size: float) -> dict[str, Floats]:
    """Return the robust values of a linear model with one kernel a feature, one a pair, and one a pair, dearer."""
    how: dict[str, Any] = {"divergence": kind, level: size}
    dearer = how | {level: 3.0 * size if level == "penalty" else size / 3.0}
    return {
        "mixed_d": robust_backward_induction(linear, **how).V[0],
        "mixed_sa": robust_backward_induction(linear, rectangularity="sa", **how).V[0],
        "dearer_sa": robust_backward_induction(linear, rectangularity="sa", **dearer).V[0],
    }


# ---------------------------------------------------------------- risk-sensitive returns


def entropic_cells(scale: Scale) -> list[Cell]:
    """Return blocks of random models with deterministic policies."""
    return [{"block": i, "count": 50} for i in range(4 if scale == "paper" else 1)]


def _entropic_return(model: LinearMDP, policy: npt.NDArray[np.int64], lam: float) -> Floats:
    """Return ``-lam log E exp(-sum r / lam)`` from each first state under the nominal model, path by path."""
    table = model.to_episodic()
    H, S, _ = table.r.shape
    out = np.empty(S)
    for first in range(S):
        chance, state, total = np.ones(1), np.array([first]), np.zeros(1)
        for h in range(H):
            action = policy[h, state]
            total = np.repeat(total + table.r[h, state, action], S)
            chance = (chance[:, None] * table.P[h, state, action]).ravel()
            state = np.tile(np.arange(S), state.size)
        least = total.min()
        out[first] = least - lam * np.log(chance @ np.exp(-(total - least) / lam))
    return out


def entropic(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Compare the KL-regularised value of a deterministic policy with the entropic risk of its nominal return.

    ``value``, ``risk`` with one feature a pair; ``mixed_value``, ``mixed_risk`` with features inside the simplex.
    """
    out: dict[str, list[Floats]] = {name: [] for name in ("value", "risk", "mixed_value", "mixed_risk")}
    for _ in range(cell["count"]):
        S, A, H = int(rng.integers(2, 4)), 2, int(rng.integers(2, 5))
        lam = float(rng.uniform(0.1, 2.0))
        policy = rng.integers(A, size=(H, S))
        pair = tabular_as_linear(random_episodic(S, A, H, rng=rng))
        mixture = random_linear_mdp(S, A, 3, H, rng)
        for name, model in (("", pair), ("mixed_", mixture)):
            value, risk = value_and_risk(model, policy, lam)
            out[f"{name}value"].append(value)
            out[f"{name}risk"].append(risk)
    return {name: np.concatenate(found) for name, found in out.items()}


def value_and_risk(model: LinearMDP, policy: npt.NDArray[np.int64], lam: float) -> tuple[Floats, Floats]:
    """Return the KL-regularised value of a policy and the entropic risk of its nominal return, by first state."""
    return robust_evaluate(model, policy, divergence="kl", penalty=lam).V[0], _entropic_return(model, policy, lam)


# ---------------------------------------------------------------- order in the price


def ordered_cells(scale: Scale) -> list[Cell]:
    """Return blocks of random linear models for each divergence."""
    blocks, count = (8, 25) if scale == "paper" else (1, 25)
    return [{"divergence": kind, "block": i, "count": count} for kind in DIVERGENCES for i in range(blocks)]


def ordered(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Optimal values over growing prices, and over radii equal to them.

    ``drop``, ``drop_radius``: largest decrease from one level to the next; ``missing``: nominal value minus the value
    at the price 1e6, ``missing_small`` that at the price 1; ``limit`` H^3 / (8 price) at the first, both of horizon H.
    """
    kind = cell["divergence"]
    rows = []
    for _ in range(cell["count"]):
        S, A, H = int(rng.integers(2, 6)), int(rng.integers(2, 4)), int(rng.integers(2, 5))
        rows.append(levels(random_linear_mdp(S, A, int(rng.integers(2, 6)), H, rng), kind, PRICES, FAR))
    return {name: column.copy() for name, column in zip(ORDERED, np.array(rows).T, strict=True)}


def levels(model: LinearMDP, kind: str, prices: npt.ArrayLike, far: float) -> tuple[float, ...]:
    """Return one row of `ordered`, in the order of `ORDERED`: growing prices (or radii), the fifth the small one."""
    grid = np.asarray(prices, dtype=np.float64)
    nominal = backward_induction(model.to_episodic()).V[0]
    priced = np.array([robust_backward_induction(model, divergence=kind, penalty=p).V[0] for p in (*grid, far)])
    bounded = np.array([robust_backward_induction(model, divergence=kind, radius=p).V[0] for p in grid])
    return (
        (priced[:-1] - priced[1:]).max(),
        (bounded[:-1] - bounded[1:]).max(),
        (nominal - priced[-1]).max(),
        (nominal - priced[4]).max(),
        (priced[-1] - nominal).max(),
        model.H**3 / (8.0 * far),
    )


# ---------------------------------------------------------------- robustly admissible kernels


def admissible_cells(scale: Scale) -> list[Cell]:
    """Return blocks of random steps for each divergence."""
    blocks, count = (10, 100) if scale == "paper" else (1, 100)
    return [{"divergence": kind, "block": i, "count": count} for kind in DIVERGENCES for i in range(blocks)]


def admissible(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Price of the worst-case distribution, what it gains and the range of the values; ``paid_early``, ``gain_early``.

    The last two are of the worst case for a quarter of the price, at the whole price.
    """
    kind = cell["divergence"]
    rows = []
    for i in range(cell["count"]):
        V, q = random_step(rng, zeros=i % 3 == 0)
        rows.append(paid_and_gained(kind, V, q, float(rng.uniform(0.05, 2.0))))
    return {name: column.copy() for name, column in zip(ADMISSIBLE, np.array(rows).T, strict=True)}


def paid_and_gained(kind: str, V: Floats, q: Floats, lam: float) -> tuple[float, ...]:
    """Return one row of `admissible`, in the order of `ADMISSIBLE`."""
    row = []
    for price in (lam, lam / 4.0):
        mu = worst_case(V, q, divergence=kind, penalty=price).distribution
        row += [lam * divergence(kind, mu, q), float(q @ V - mu @ V)]
    return *row, float(np.ptp(V))
