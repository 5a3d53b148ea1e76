"""Evidence on identities of values: performance difference, simulation lemma, law of total variance."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.study import Cell
from tabular import planning
from tabular.models import AverageRewardMDP, DiscountedMDP, EpisodicMDP

from ._foundations_models import discounted_models
from ._table import Table

__all__ = ["run_identities"]

Array = npt.NDArray[np.float64]
Arrays = Mapping[str, npt.NDArray[Any]]

HORIZON = 4


def _random_policy(shape: tuple[int, ...], actions: int, rng: np.random.Generator) -> Array:
    return rng.dirichlet(np.ones(actions), size=shape)


def run_identities(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Evaluate both sides of the identities on every model of a cell."""
    difference = Table("difference", "gap", "advantage", "advantage_wrong")
    simulation = Table("simulation", "gap", "formula")
    norm = Table("norm", "gap", "eps_r", "eps_1", "span")
    variance = Table("variance", "variance", "sum", "sum_wrong")
    for name, mdp in discounted_models(cell, rng):
        _discounted_difference(mdp, name, rng, difference)
        _average_difference(mdp, name, rng, difference)
        _simulation(mdp, name, rng, simulation, norm)
        _discounted_variance(mdp, name, rng, variance)
        _episodic(mdp, name, rng, difference, variance)
    return {key: value for t in (difference, simulation, norm, variance) for key, value in t.arrays().items()}


def _discounted_difference(mdp: DiscountedMDP, name: str, rng: np.random.Generator, table: Table) -> None:
    first, second = (_random_policy((mdp.S,), mdp.A, rng) for _ in range(2))
    one, two = planning.evaluate(mdp, first), planning.evaluate(mdp, second)
    advantage = two.Q - two.V[:, None]
    table.add(
        f"{name}, discounted",
        gap=one.value - two.value,
        advantage=(planning.occupancy(mdp, first) * advantage).sum() / (1 - mdp.gamma),
        advantage_wrong=(planning.occupancy(mdp, second) * advantage).sum() / (1 - mdp.gamma),
    )


def _average_difference(mdp: DiscountedMDP, name: str, rng: np.random.Generator, table: Table) -> None:
    """Average reward, on the transitions mixed with the uniform law: every chain then has one recurrent class."""
    P = 0.9 * mdp.dense_P() + 0.1 / mdp.S
    model = AverageRewardMDP(P, mdp.r)
    first, second = (_random_policy((mdp.S,), mdp.A, rng) for _ in range(2))
    one, two = planning.gain_bias(model, first), planning.gain_bias(model, second)
    advantage = mdp.r + P @ two.bias - two.gain[:, None] - two.bias[:, None]

    def stationary(policy: Array) -> Array:
        mu: Array = planning.stationary_distribution(np.einsum("sa,sat->st", policy, P))[:, None] * policy
        return mu

    table.add(
        f"{name}, average reward",
        gap=one.gain[0] - two.gain[0],
        advantage=(stationary(first) * advantage).sum(),
        advantage_wrong=(stationary(second) * advantage).sum(),
    )


def _episodic(mdp: DiscountedMDP, name: str, rng: np.random.Generator, gap: Table, variance: Table) -> None:
    """Four steps with their own transitions; rewards are multiples of 1/4, so the law of the return is a short list."""
    S, A = mdp.S, mdp.A
    P = np.stack([mdp.dense_P()[rng.permutation(S)] for _ in range(HORIZON)])
    model = EpisodicMDP(P, np.round(4 * rng.random((HORIZON, S, A))) / 4, mdp.mu0)
    first, second = (_random_policy((HORIZON, S), A, rng) for _ in range(2))
    one, two = planning.evaluate(model, first), planning.evaluate(model, second)
    advantage = two.Q - two.V[:HORIZON, :, None]
    gap.add(
        f"{name}, finite horizon",
        gap=one.value - two.value,
        advantage=(planning.occupancy(model, first) * advantage).sum(),
        advantage_wrong=(planning.occupancy(model, second) * advantage).sum(),
    )
    policy = rng.integers(A, size=(HORIZON, S))
    V = planning.evaluate(model, policy).V
    d = planning.occupancy(model, policy)
    mean, square = np.einsum("hsat,ht->hsa", P, V[1:]), np.einsum("hsat,ht->hsa", P, V[1:] ** 2)
    local = float((d * (square - mean**2)).sum())
    start = float(model.mu0 @ V[0] ** 2 - (model.mu0 @ V[0]) ** 2)
    for kind, value in (
        ("enumerated", _variance_by_enumeration(model, policy)),
        ("recursive", start + float(model.mu0 @ planning.return_variance(model, policy)[0])),
    ):
        variance.add(
            f"{name}, finite horizon, {kind}", variance=value, sum=start + local, sum_wrong=start + 0.5 * local
        )


def _variance_by_enumeration(mdp: EpisodicMDP, policy: npt.NDArray[np.int64]) -> float:
    """Return the variance of the return from its full law: mass[s, k] of being in s with return k/4."""
    top = 4 * HORIZON
    mass = np.zeros((mdp.S, top + 1))
    mass[:, 0] = mdp.mu0
    for h in range(mdp.H or HORIZON):
        following = np.zeros_like(mass)
        for s in range(mdp.S):
            shift = round(4 * mdp.r[h, s, policy[h, s]])
            moved = np.zeros(top + 1)
            moved[shift:] = mass[s, : top + 1 - shift]
            following += mdp.P[h, s, policy[h, s]][:, None] * moved
        mass = following
    law, values = mass.sum(axis=0), np.arange(top + 1) / 4
    mean = float(law @ values)
    return float(law @ (values - mean) ** 2)


def _simulation(mdp: DiscountedMDP, name: str, rng: np.random.Generator, identity: Table, norm: Table) -> None:
    """Two errors of the model: a random one, and the one that moves mass from the worst to the best next state."""
    gamma, states = mdp.gamma, np.arange(mdp.S)
    model = DiscountedMDP(0.8 * mdp.dense_P() + 0.2 / mdp.S, mdp.r, gamma, mdp.mu0)
    P_hat = model.dense_P()
    policy = rng.integers(mdp.A, size=mdp.S)
    V_hat = planning.evaluate(model, policy).V
    shift = np.zeros(mdp.S)
    shift[V_hat.argmax()] += 0.1 / mdp.S
    shift[V_hat.argmin()] -= 0.1 / mdp.S
    noise = 0.9 * P_hat + 0.1 * rng.dirichlet(np.ones(mdp.S), size=P_hat.shape[:2])
    errors = (
        ("random error", noise, mdp.r + rng.uniform(-0.1, 0.1, mdp.r.shape)),
        ("worst error", P_hat + shift, mdp.r + 0.05),
    )
    for kind, P, r in errors:
        truth = DiscountedMDP(P, r, gamma, mdp.mu0)
        gap = planning.evaluate(truth, policy).V - V_hat
        one_step = (r - mdp.r)[states, policy] + gamma * (P - P_hat)[states, policy] @ V_hat
        resolvent = np.eye(mdp.S) - gamma * P[states, policy]
        identity.add(f"{name}, {kind}", gap=gap, formula=np.linalg.solve(resolvent, one_step))
        norm.add(
            f"{name}, {kind}",
            gap=np.abs(gap).max(),
            eps_r=np.abs(r - mdp.r).max(),
            eps_1=np.abs(P - P_hat).sum(axis=-1).max(),
            span=V_hat.max() - V_hat.min(),
        )


def _discounted_variance(mdp: DiscountedMDP, name: str, rng: np.random.Generator, table: Table) -> None:
    """Variance of the discounted return by its second moment, and by the sum of one-step variances."""
    gamma, states = mdp.gamma, np.arange(mdp.S)
    policy = rng.integers(mdp.A, size=mdp.S)
    P, r = mdp.dense_P()[states, policy], mdp.r[states, policy]
    V = planning.evaluate(mdp, policy).V
    second = np.linalg.solve(np.eye(mdp.S) - gamma**2 * P, r**2 + 2 * gamma * r * (P @ V))
    local = P @ V**2 - (P @ V) ** 2
    discounted = DiscountedMDP(P[:, None, :], (gamma**2 * local)[:, None], gamma**2)
    total = planning.evaluate(discounted, np.zeros(mdp.S, dtype=np.int64)).V
    table.add(f"{name}, discounted", variance=second - V**2, sum=total, sum_wrong=total / gamma**2)
