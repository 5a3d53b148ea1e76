"""The instances of the atlas: what each kind is, and how each family builds its own."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bounds import complexity
from experiments import instances
from tabular.models import AverageRewardMDP, ContextualBandit, DiscountedMDP, EpisodicMDP

__all__ = [
    "DENOMINATOR",
    "AverageModel",
    "Chain",
    "FunctionClass",
    "ModelClass",
    "PolicyClass",
    "Rng",
    "all_policies",
    "arms",
    "bits",
    "blocks",
    "circle",
    "coins",
    "contexts",
    "cycle",
    "directed_cycle",
    "erasure",
    "of_scale_half",
    "path",
    "river",
    "river_chain",
    "river_discounted",
    "river_episodes",
    "singletons",
    "symmetric",
    "three_functions",
    "tree",
    "two_states",
]

Array = npt.NDArray[np.float64]
Rng = np.random.Generator

#: Largest denominator of the fractions in which a rational instance is read.
DENOMINATOR = 1000
HORIZON = 20


class AverageModel(NamedTuple):
    """A model of average reward; ``denominator`` is set where its entries are fractions, to be answered exactly."""

    mdp: AverageRewardMDP
    denominator: int | None


class Chain(NamedTuple):
    """Transition matrix (S, S) of a chain; ``denominator`` as in `AverageModel`."""

    P: Array
    denominator: int | None


class FunctionClass(NamedTuple):
    """Values (functions, points), and the scale at which differences count."""

    values: Array
    eps: float


class PolicyClass(NamedTuple):
    """Actions (policies, states) for each layer, and their number."""

    layers: tuple[npt.NDArray[np.int64], ...]
    A: int


class ModelClass(NamedTuple):
    """Means (models, arms) of Bernoulli arms, and the price ``gamma`` of information."""

    means: Array
    gamma: float


def _episodes(mdp: AverageRewardMDP, H: int) -> EpisodicMDP:
    return EpisodicMDP(mdp.dense_P(), mdp.r, mdp.mu0, H=H)


def arms(A: int, rng: Rng) -> EpisodicMDP:
    return EpisodicMDP(np.ones((1, A, 1)), np.linspace(0.0, 1.0, A)[None], np.ones(1), H=1)


def contexts(contexts: int, rng: Rng) -> EpisodicMDP:
    bandit = ContextualBandit(np.full(contexts, 1.0 / contexts), rng.random((contexts, 3)))
    P = np.broadcast_to(bandit.context_distribution, (contexts, 3, contexts))
    return EpisodicMDP(P, bandit.means, bandit.context_distribution, H=1)


def tree(depth: int, rng: Rng) -> EpisodicMDP:
    """Return the complete binary tree: one node a history of actions, a reward in its last leaf."""
    S = 2**depth
    P = np.zeros((depth, S, 2, S))
    for h in range(depth):
        for s in range(S):
            for a in range(2):
                P[h, s, a, (2 * s + a) % S] = 1.0
    r = np.zeros((depth, S, 2))
    r[-1, 2 ** (depth - 1) - 1, 1] = 1.0
    return EpisodicMDP(P, r, np.eye(S)[0])


def blocks(latent: int, rng: Rng) -> EpisodicMDP:
    """Return a block MDP of 4 steps: every latent state shows one of three observations of its own."""
    copies, A, H = 3, 2, 4
    emission = np.zeros((latent, latent * copies))
    for z in range(latent):
        emission[z, z * copies : (z + 1) * copies] = instances.dirichlet_rows((copies,), 1.0, rng)
    moves = instances.dirichlet_rows((H, latent, A, latent), 0.5, rng)
    P = np.repeat(np.einsum("hzay,ys->hzas", moves, emission), copies, axis=1)
    P /= P.sum(axis=-1, keepdims=True)
    return EpisodicMDP(P, rng.random((H, latent * copies, A)), emission[0])


def directed_cycle(n: int, rng: Rng) -> AverageModel:
    P = np.roll(np.eye(n), 1, axis=1)[:, None]
    return AverageModel(AverageRewardMDP(P, np.eye(n)[:, :1], np.eye(n)[0]), DENOMINATOR)


def river(variant: str) -> Callable[[int, Rng], AverageModel]:
    def build(S: int, rng: Rng) -> AverageModel:
        return AverageModel(instances.riverswim(S, variant=variant), DENOMINATOR)

    return build


def river_episodes(variant: str) -> Callable[[int, Rng], EpisodicMDP]:
    def build(S: int, rng: Rng) -> EpisodicMDP:
        return _episodes(instances.riverswim(S, variant=variant), HORIZON)

    return build


def river_discounted(S: int, rng: Rng) -> DiscountedMDP:
    river = instances.riverswim(S)
    return DiscountedMDP(river.dense_P(), river.r, 0.95, river.mu0)


def river_chain(S: int, rng: Rng) -> Chain:
    """Return RiverSwim under its optimal policy, which always swims right."""
    return Chain(instances.riverswim(S).dense_P()[:, 1], DENOMINATOR)


def two_states(percent: int, rng: Rng) -> Chain:
    p, q = percent / 100, percent / 200
    return Chain(np.array([[1 - p, p], [q, 1 - q]]), DENOMINATOR)


def cycle(n: int, rng: Rng) -> Chain:
    return Chain(0.5 * (np.roll(np.eye(n), 1, axis=1) + np.roll(np.eye(n), -1, axis=1)), DENOMINATOR)


def path(n: int, rng: Rng) -> Chain:
    P = np.zeros((n + 1, n + 1))
    for i in range(n + 1):
        P[i, max(i - 1, 0) if i else 1] += 0.5
        P[i, min(i + 1, n) if i < n else n - 1] += 0.5
    return Chain(P, DENOMINATOR)


def bits(n: int) -> Array:
    return np.array([[(i >> j) & 1 for j in range(n)] for i in range(2**n)], dtype=np.float64)


def of_scale_half(values: Callable[[int], Array]) -> Callable[[int, Rng], FunctionClass]:
    def build(n: int, rng: Rng) -> FunctionClass:
        return FunctionClass(values(n), 0.5)

    return build


def three_functions(n: int, rng: Rng) -> FunctionClass:
    return FunctionClass(np.array([[0.0, 0.0, 0.0], [0.6, 1.1, 0.0], [1.2, 1.1, 1.1]]), 0.01)


def singletons(H: int, rng: Rng) -> PolicyClass:
    """Return "always 0" and, for every layer and state, the policy that plays 1 there only; h states at layer h."""
    widths = range(1, H + 1)
    n = 1 + sum(widths)
    layers, first = [], 1
    for width in widths:
        actions = np.zeros((n, width), dtype=np.int64)
        actions[first + np.arange(width), np.arange(width)] = 1
        layers.append(actions)
        first += width
    return PolicyClass(tuple(layers), 2)


def all_policies(width: int, rng: Rng) -> PolicyClass:
    """Return all policies on a first layer of one state and a second of ``width``."""
    every = bits(width + 1).astype(np.int64)
    return PolicyClass((every[:, :1], every[:, 1:]), 2)


def symmetric(percent: int, rng: Rng) -> Array:
    p = percent / 100
    return np.array([[1 - p, p], [p, 1 - p]])


def erasure(percent: int, rng: Rng) -> Array:
    e = percent / 100
    return np.array([[1 - e, e, 0.0], [0.0, e, 1 - e]])


def coins(K: int, rng: Rng) -> ModelClass:
    gamma = 200.0
    return ModelClass(complexity.raised_arms(K, np.linspace(0.05, 3.0, 60) * (K - 1) / (2.0 * gamma)), gamma)


def circle(k: int, rng: Rng) -> Array:
    angle = 2.0 * np.pi * np.arange(k) / k
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)
