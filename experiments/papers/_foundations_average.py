"""Evidence on the average-reward criterion: enclosures, span and diameter, multichain equations, classes."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.study import Cell
from tabular import planning
from tabular.models import AverageRewardMDP, DiscountedMDP

from ._foundations_models import GAMMAS, average_reward_models
from ._table import Table

__all__ = ["run_average_reward"]

Array = npt.NDArray[np.float64]
Arrays = Mapping[str, npt.NDArray[Any]]

#: Models with at most this many deterministic policies are also solved by enumeration.
ENUMERABLE = 256


def _span(v: Array) -> float:
    return float(v.max() - v.min())


def run_average_reward(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Solve every model of a cell and measure the quantities of the average-reward claims."""
    enclosure = Table("enclosure", "low", "gain_policy", "gain_star", "high", "middle")
    spans = Table("spans", "span", "reward_range", "diameter", "states", "actions", "choice")
    vanishing = Table("vanishing", "gamma", "span_gamma", "span", "gain_gap")
    equations = Table("equations", "left", "right", "right_unrestricted")
    gains = Table("gains", "planner", "reference")
    classes = Table("classes", "premise", "conclusion")
    shortcut = Table("shortcut", "premise", "conclusion")
    for name, mdp in average_reward_models(cell, rng):
        plan = planning.average_reward(mdp, method="policy-iteration")
        found = planning.classify(mdp)
        _enclose(mdp, plan, name, rng, enclosure)
        _equations(mdp, plan, name, equations, gains)
        diameter = float(np.max(planning.hitting_times(mdp)))
        constant = _span(plan.gain) <= 1e-9
        if found.communicating and mdp.S > 1:
            spans.add(
                name,
                span=plan.span,
                reward_range=float(np.ptp(mdp.r)),
                diameter=diameter,
                states=mdp.S,
                actions=mdp.A,
                choice=float(mdp.A > 1),
            )
        if found.weakly_communicating:
            _vanishing(mdp, plan, name, vanishing)
        implications = (
            ("recurrent => unichain", found.recurrent, found.unichain),
            ("recurrent => communicating", found.recurrent, found.communicating),
            ("communicating => weakly communicating", found.communicating, found.weakly_communicating),
            ("unichain => one gain", bool(found.unichain), constant),
            ("weakly communicating => one gain", found.weakly_communicating, constant),
            ("communicating => finite diameter", found.communicating, np.isfinite(diameter)),
            ("finite diameter => communicating", np.isfinite(diameter), found.communicating),
        )
        for text, premise, conclusion in implications:
            classes.add(f"{name}, {text}", premise=float(premise), conclusion=float(bool(conclusion)))
        shortcut.add(name, premise=float(_one_closed_class(mdp)), conclusion=float(constant))
    tables = (enclosure, spans, vanishing, equations, gains, classes, shortcut)
    return {key: value for t in tables for key, value in t.arrays().items()}


def _enclose(mdp: AverageRewardMDP, plan: Any, name: str, rng: np.random.Generator, table: Table) -> None:
    """Enclose the gain by the differences Tv - v, for v random, near the bias, and after 30 sweeps."""
    P, r = mdp.dense_P(), mdp.r
    v = np.zeros(mdp.S)
    for _ in range(30):
        v = (r + P @ v).max(axis=1)
    for kind, start in (("random", rng.normal(size=mdp.S)), ("bias", plan.bias), ("30 sweeps", v)):
        Q = r + P @ start
        d = Q.max(axis=1) - start
        gain = planning.gain_bias(mdp, Q.argmax(axis=1)).gain
        low, high = d.min(), d.max()
        table.add(f"{name}, {kind}", low=low, gain_policy=gain, gain_star=plan.gain, high=high, middle=(low + high) / 2)


def _vanishing(mdp: AverageRewardMDP, plan: Any, name: str, table: Table) -> None:
    """Discounted values against gain and bias."""
    for gamma in GAMMAS:
        V = planning.policy_iteration(DiscountedMDP(mdp.P, mdp.r, gamma)).V
        table.add(
            f"{name}, gamma={gamma:g}",
            gamma=gamma,
            span_gamma=_span(V),
            span=plan.span,
            gain_gap=np.abs(plan.gain - (1 - gamma) * V).max(),
        )


def _equations(mdp: AverageRewardMDP, plan: Any, name: str, equations: Table, gains: Table) -> None:
    """Both optimality equations, then the gain against the linear program and, where few, all policies."""
    P, r, g, h = mdp.dense_P(), mdp.r, plan.gain, plan.bias
    Pg = P @ g
    conserving = Pg >= Pg.max(axis=1, keepdims=True) - 1e-9
    Q = r + P @ h
    equations.add(f"{name}, gain", left=g, right=Pg.max(axis=1), right_unrestricted=Pg.max(axis=1))
    equations.add(
        f"{name}, bias",
        left=h + g,
        right=np.where(conserving, Q, -np.inf).max(axis=1),
        right_unrestricted=Q.max(axis=1),
    )
    program = planning.average_reward(mdp, method="linear-program")
    gains.add(f"{name}, linear program", planner=g, reference=program.gain)
    if mdp.A**mdp.S <= ENUMERABLE:
        policies = itertools.product(range(mdp.A), repeat=mdp.S)
        best = np.max([planning.gain_bias(mdp, np.array(policy)).gain for policy in policies], axis=0)
        gains.add(f"{name}, enumeration", planner=g, reference=best)


def _one_closed_class(mdp: AverageRewardMDP) -> bool:
    """Return the shortcut for weak communication: one closed class of the union graph, loops outside it unseen."""
    reach = (mdp.dense_P() > 0).any(axis=1) | np.eye(mdp.S, dtype=bool)
    for k in range(mdp.S):
        reach |= reach[:, k : k + 1] & reach[k : k + 1]
    closed = {tuple(reach[s]) for s in range(mdp.S) if np.array_equal(reach[s], reach[s] & reach[:, s])}
    return len(closed) == 1
