"""Instance families of offline learning under single-policy concentrability (F1 to F8 of docs/papers/pessimism-lcb.md).

Two-armed families are pairs ``(mass, means)`` for `bounds.exact_risk`; the others are models with a data distribution.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tabular import _check as check
from tabular.models import ContextualBandit, DiscountedMDP

__all__ = [
    "DecisionFamily",
    "TwoArms",
    "expert_contexts",
    "expert_decisions",
    "greedy_trap",
    "hard_contexts",
    "hard_decisions",
    "imitation_bias",
    "random_contexts",
    "random_mdp",
    "swapped_arms",
    "unknown_arm",
]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TwoArms:
    """Two Bernoulli arms: arm i pays ``payoff[i]`` with probability ``means[i]``; ``mass`` is the data distribution."""

    mass: tuple[float, float]
    means: tuple[float, float]
    payoff: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True, slots=True)
class DecisionFamily:
    """An MDP family whose only decisions are made once, in hard states (F7).

    Attributes
    ----------
    mdp : DiscountedMDP
        States 0..S'-1 are hard, then the safe start, the reward-1 state and the reward-0 state.
    mu : ndarray, shape (S, A)
    mass : float
        Data mass of each decisive pair of a hard state.
    rho_hard : float
        Probability to start in some hard state.
    concentrability : float
        C*, exact.
    """

    mdp: DiscountedMDP
    mu: Floats
    mass: float
    rho_hard: float
    concentrability: float

    @property
    def hard(self) -> int:
        """Number of hard states S'."""
        return self.mdp.S - 3


def greedy_trap(N: int, q: float = 0.39, lam: float = 1.55) -> TwoArms:
    """F1: arm 0 pays just below 1 surely, arm 1 is Bernoulli(1-q) and hardly ever played; C* = 1/(1-lam/N)."""
    rare = lam / N
    return TwoArms(mass=(1.0 - rare, rare), means=(1.0, 1.0 - q), payoff=(1.0 - 1e-9, 1.0))


def unknown_arm(concentrability: float, d: float) -> TwoArms:
    """F2: the arm of mass 1/C* is Bernoulli(1/2 + d), d of either sign, the other a fair coin."""
    return TwoArms(mass=(1.0 / concentrability, 1.0 - 1.0 / concentrability), means=(0.5 + d, 0.5))


def swapped_arms(concentrability: float, d: float) -> tuple[TwoArms, TwoArms]:
    """F3: the better arm has mass 1/C* > 1/2 and mean 1/2 + d; in the second instance the arms are swapped."""
    p = 1.0 / concentrability
    return TwoArms((p, 1.0 - p), (0.5 + d, 0.5)), TwoArms((1.0 - p, p), (0.5, 0.5 + d))


def imitation_bias(concentrability: float) -> tuple[ContextualBandit, Floats]:
    """F4: two contexts; in the second, of probability 0.9 (C*-1), the worse action dominates the data."""
    w = 0.9 * (concentrability - 1.0)
    bandit = ContextualBandit(np.array([1.0 - w, w]), np.array([[1.0, 0.0], [1.0, 0.0]]))
    mu = np.array([[(1.0 - w), 0.0], [w, concentrability - 1.0]]) / concentrability
    return bandit, mu


def expert_contexts(S: int, N: int, better: npt.ArrayLike) -> tuple[ContextualBandit, Floats]:
    """F5: expert data (C* = 1); contexts 1..S-1 have probability 1/(N+1), ``better[s]`` is the paying action."""
    rho = np.full(S, 1.0 / (N + 1))
    rho[0] = 1.0 - (S - 1) / (N + 1)
    best = check.policy(better, (S,), 2, "better")
    means = np.zeros((S, 2))
    means[np.arange(S), best] = 1.0
    return ContextualBandit(rho, means), means * rho[:, None]


def hard_contexts(S: int, concentrability: float, gap: float, sign: npt.ArrayLike) -> tuple[ContextualBandit, Floats]:
    """F6: S-1 hard contexts share probability C*-1 (at most 1); both actions have mass rho(s)/C*.

    Action 0 of a hard context is Bernoulli(1/2 + sign * gap), action 1 a fair coin; context 0 is easy. For C* >= 2 the
    hard contexts have all the probability and mass 1/((S-1) C*) on the unknown action, the rest on the coin.
    """
    share = min(concentrability - 1.0, 1.0)
    rho = np.full(S, share / (S - 1))
    rho[0] = 1.0 - share
    means = np.full((S, 2), 0.5)
    means[0] = 1.0, 0.0
    means[1:, 0] += gap * np.broadcast_to(np.asarray(sign, dtype=np.float64), (S - 1,))
    mu = np.zeros((S, 2))
    mu[:, 0] = rho / concentrability
    mu[1:, 1] = rho[1:] * (1.0 - 1.0 / concentrability) if concentrability > 2.0 else rho[1:] / concentrability
    return ContextualBandit(rho, means), mu


def _decision_mdp(to_good: Floats, gamma: float, rho_hard: float) -> DiscountedMDP:
    hard = to_good.shape[0]
    S, safe, good, bad = hard + 3, hard, hard + 1, hard + 2
    P, r = np.zeros((S, 2, S)), np.zeros((S, 2))
    P[:hard, :, good], P[:hard, :, bad] = to_good, 1.0 - to_good
    for absorbing in (safe, good, bad):
        P[absorbing, :, absorbing] = 1.0
    r[good] = 1.0
    mu0 = np.zeros(S)
    mu0[:hard], mu0[safe] = rho_hard / hard, 1.0 - rho_hard
    return DiscountedMDP(P, r, gamma, mu0)


def hard_decisions(
    hard: int, concentrability: float, gamma: float, d: float, sign: npt.ArrayLike, *, widest: float | None = None
) -> DecisionFamily:
    """F7, C* > 1: action 0 of a hard state leads to reward 1 with probability 1/2 + sign * d, action 1 with 1/2.

    The data distribution is the same for every choice of the signs. Hard states start with the largest probability that
    the data can cover for every gap up to `widest` (at least d, and d by default), so that it does not change with d.
    """
    room = d if widest is None else check.number(widest, "widest", low=d, high=0.5)
    rho_hard = min(1.0, (concentrability - 1.0) / ((1.0 - gamma) + 2.0 * room * gamma))
    to_good = np.full((hard, 2), 0.5)
    to_good[:, 0] += d * np.broadcast_to(np.asarray(sign, dtype=np.float64), (hard,))
    mass = (1.0 - gamma) * rho_hard / (hard * concentrability)
    mu = np.zeros((hard + 3, 2))
    mu[:hard] = mass
    mu[hard + 1 :, 0] = gamma * rho_hard * (0.5 + d) / concentrability
    mu[hard, 0] = 1.0 - mu.sum()
    return DecisionFamily(_decision_mdp(to_good, gamma, rho_hard), mu, mass, rho_hard, concentrability)


def expert_decisions(hard: int, gamma: float, N: int, better: npt.ArrayLike) -> DecisionFamily:
    """F7, C* = 1: hard states start with probability 1/((1-gamma) N) each, ``better[s]`` leads to reward 1 surely."""
    best = check.policy(better, (hard,), 2, "better")
    to_good = np.zeros((hard, 2))
    to_good[np.arange(hard), best] = 1.0
    rho_hard = hard / ((1.0 - gamma) * N)
    mu = np.zeros((hard + 3, 2))
    mu[:hard] = to_good / N
    mu[hard + 1, 0] = gamma * rho_hard
    mu[hard, 0] = 1.0 - mu.sum()
    return DecisionFamily(_decision_mdp(to_good, gamma, rho_hard), mu, 1.0 / N, rho_hard, 1.0)


def random_contexts(S: int, A: int, rng: np.random.Generator) -> tuple[ContextualBandit, Floats]:
    """Random contextual bandit with a random data distribution."""
    rho = rng.dirichlet(np.ones(S))
    mu = rng.dirichlet(np.full(S * A, 0.5)).reshape(S, A)
    return ContextualBandit(rho / math.fsum(rho), rng.random((S, A))), mu / math.fsum(mu.ravel())


def random_mdp(S: int, A: int, gamma: float, rng: np.random.Generator) -> tuple[DiscountedMDP, Floats]:
    """F8: Dirichlet(0.3) rows, uniform rewards, Dirichlet(1) data distribution."""
    P = rng.dirichlet(np.full(S, 0.3), size=(S, A))
    mu = rng.dirichlet(np.ones(S * A)).reshape(S, A)
    mdp = DiscountedMDP(P / P.sum(axis=-1, keepdims=True), rng.random((S, A)), gamma, rng.dirichlet(np.ones(S)))
    return mdp, mu / mu.sum()
