"""Evidence on coverage: coverability against enumeration, bounds by structure, concentrability in its variants."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bounds import complexity
from experiments import instances
from experiments.study import Cell
from tabular import planning
from tabular.models import ContextualBandit

from ._complexity_models import block_model, data_law, occupancies, random_policy, small_models
from ._table import Table

__all__ = ["concentrate", "cover", "run_concentrability", "run_coverability", "run_structure"]

Array = npt.NDArray[np.float64]
Arrays = Mapping[str, npt.NDArray[Any]]


def _ratio(largest: Array, mu: Array) -> float:
    """Return the largest ratio, 0/0 counted as 0."""
    used = largest > 0.0
    return float((largest[used] / mu.reshape(largest.shape)[used]).max())


def run_coverability(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Compare coverability with its definition by enumeration, for all policies and for random finite classes."""
    identity = Table("identity", "value", "enumerated", "attained", "single")
    law = Table("law", "value", "covered", "dynamic_covered", "pairs")
    for name, model in small_models(cell["count"], rng):
        for kind in ("all policies", "class"):
            policies = None if kind == "all policies" else [random_policy(model, rng) for _ in range(3)]
            laws = [data_law(model, rng) for _ in range(2)]
            cover(f"{name}, {kind}", model, policies, laws, identity, law)
    return {**identity.arrays(), **law.arrays()}


def cover(name: str, model: Any, policies: Any, laws: Sequence[Array], identity: Table, law: Table) -> None:
    """Add one model, with a class of policies (None: all of them) and some data laws, to the tables of coverability."""
    every = occupancies(model, policies)
    largest = every.max(axis=0)
    found = complexity.coverability(model, policies=policies)
    total = largest.sum(axis=(1, 2)).max()
    identity.add(
        name,
        value=found.value,
        enumerated=total,
        attained=_ratio(largest, found.witness),
        single=every[0].sum(axis=(1, 2)).max(),
    )
    for trial, mu in enumerate(laws):
        law.add(
            f"{name}, law {trial}",
            value=total,
            covered=_ratio(largest, mu),
            dynamic_covered=complexity.all_policy_concentrability(model, mu, policies=policies).value,
            pairs=model.S * model.A,
        )


def run_structure(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Measure coverability of linear MDPs, block MDPs and contextual bandits."""
    structure = Table("structure", "value", "rank", "actions")
    contexts = Table("contexts", "value", "actions")
    for i in range(cell["count"]):
        S, A, d, H = (int(rng.integers(low, high)) for low, high in ((2, 7), (2, 6), (1, 4), (1, 5)))
        linear = instances.random_linear_mdp(S, A, d, H, rng)
        structure.add(
            f"linear {i} (S={S}, A={A}, d={d}, H={H})",
            value=complexity.coverability(linear.to_episodic()).value,
            rank=d,
            actions=A,
        )
        block = block_model(d, int(rng.integers(1, 4)), A, H, rng)
        structure.add(f"block {i} (Z={d}, A={A}, H={H})", value=complexity.coverability(block).value, rank=d, actions=A)
        bandit = ContextualBandit(rng.dirichlet(np.ones(S)), rng.random((S, A)))
        contexts.add(f"contexts {i} (S={S}, A={A})", value=complexity.coverability(bandit).value, actions=A)
    return {**structure.arrays(), **contexts.arrays()}


def _distance(d: Array, mu: Array) -> float:
    """Return the largest total-variation distance of a step."""
    return float(0.5 * np.abs(d - mu).reshape(-1, *d.shape[-2:]).sum(axis=(1, 2)).max())


def run_concentrability(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Measure every coefficient of one policy under one data law, and the quotients that linear functions see."""
    order = Table("order", "single", "square", "all", "clipped", "distance", "own")
    linear = Table("linear", "quotient", "single", "one_hot", "trace")
    for name, model in small_models(cell["count"], rng):
        policy, share = random_policy(model, rng), float(rng.choice([0.0, 0.5, 0.9]))
        mu = (1.0 - share) * data_law(model, rng) + share * planning.occupancy(model, policy)
        phi = rng.normal(size=(model.S, model.A, int(rng.integers(1, 6))))
        concentrate(name, model, policy, mu, phi, order, linear)
    return {**order.arrays(), **linear.arrays()}


def concentrate(name: str, model: Any, policy: Any, mu: Array, phi: Array, order: Table, linear: Table) -> None:
    """Add one policy under one data law, seen by features phi (S, A, d), to the tables of concentrability.

    ``quotient`` is attained by a named function: the upper end of its enclosure grows with the features' condition.
    """
    d = planning.occupancy(model, policy)
    single = complexity.single_policy_concentrability(model, mu, policy).value
    order.add(
        name,
        single=single,
        square=complexity.chi_square_concentrability(model, mu, policy).value,
        all=complexity.all_policy_concentrability(model, mu).value,
        clipped=complexity.clipped_concentrability(model, mu, policy).value,
        distance=_distance(d, mu),
        own=complexity.single_policy_concentrability(model, d, policy).value,
    )
    pairs = model.S * model.A
    weights = np.divide(d, mu, out=np.zeros(d.shape), where=d > 0.0).reshape(-1, pairs)
    linear.add(
        f"{name}, {phi.shape[-1]} features",
        quotient=complexity.feature_coverage(model, mu, policy, phi).lower,
        single=single,
        one_hot=complexity.feature_coverage(model, mu, policy, np.eye(pairs).reshape(model.S, model.A, -1)).value,
        trace=weights.sum(axis=1).max(),
    )
