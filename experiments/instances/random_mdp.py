"""Random models with Dirichlet transitions, whose rows sum to 1 to the last bit or two."""

import math

import numpy as np
import numpy.typing as npt

from tabular import _check as check
from tabular.models import AverageRewardMDP, DiscountedMDP, EpisodicMDP
from tabular.streams import generator

__all__ = ["dirichlet_rows", "random_average_reward", "random_discounted", "random_episodic"]

Array = npt.NDArray[np.float64]
Seed = int | np.random.SeedSequence | np.random.Generator


def dirichlet_rows(shape: tuple[int, ...], alpha: float, rng: Seed) -> Array:
    """Return probability rows along the last axis, symmetric Dirichlet, rounded to sum to 1.

    Parameters
    ----------
    shape : tuple of int
        Of the result; the last axis is the simplex.
    alpha : float
        Concentration, > 0; small values give nearly deterministic rows.
    rng : int, SeedSequence or Generator
        Source of randomness.

    Returns
    -------
    array, shape ``shape``
        Each row's exact sum is within 2**-52 of 1: the rounding of the division
        is put back into the largest entry.
    """
    alpha = check.number(alpha, "alpha", low=0.0, open_low=True)
    random = generator(rng)
    weights = random.standard_gamma(alpha, size=shape).reshape(-1, shape[-1])
    for row in weights:
        total = row.sum()
        if total > 0.0:
            row /= total
        else:
            row[random.integers(row.size)] = 1.0
        row[row.argmax()] += 1.0 - math.fsum(row)
    return weights.reshape(shape)


def random_average_reward(S: int, A: int, *, alpha: float = 1.0, rng: Seed) -> AverageRewardMDP:
    """Return a model with Dirichlet(alpha) transitions and uniform [0, 1] rewards, uniform start."""
    random = generator(rng)
    S, A = check.count(S, "S"), check.count(A, "A")
    return AverageRewardMDP(dirichlet_rows((S, A, S), alpha, random), random.random((S, A)))


def random_discounted(S: int, A: int, gamma: float, *, alpha: float = 1.0, rng: Seed) -> DiscountedMDP:
    """Return a model with Dirichlet(alpha) transitions and start, uniform [0, 1] rewards."""
    random = generator(rng)
    S, A = check.count(S, "S"), check.count(A, "A")
    P, r = dirichlet_rows((S, A, S), alpha, random), random.random((S, A))
    return DiscountedMDP(P, r, gamma, dirichlet_rows((S,), alpha, random))


def random_episodic(S: int, A: int, H: int, *, alpha: float = 1.0, rng: Seed, stationary: bool = False) -> EpisodicMDP:
    """Return a model with Dirichlet(alpha) transitions and start, uniform [0, 1] rewards.

    With ``stationary`` all steps share one table.
    """
    random = generator(rng)
    S, A, H = check.count(S, "S"), check.count(A, "A"), check.count(H, "H")
    steps = () if stationary else (H,)
    P, r = dirichlet_rows((*steps, S, A, S), alpha, random), random.random((*steps, S, A))
    return EpisodicMDP(P, r, dirichlet_rows((S,), alpha, random), H=H)
