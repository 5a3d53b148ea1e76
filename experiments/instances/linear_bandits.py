"""Linear bandits that are hard: arms hidden among nearly orthogonal ones, adversarial misspecification."""

import itertools

import numpy as np
import numpy.typing as npt

from tabular.errors import ParameterError
from tabular.models import LinearBandit

__all__ = [
    "MISSPECIFICATIONS",
    "coherence",
    "equiangular_lines",
    "hidden_arm",
    "separated_vectors",
    "sparse_misspecified",
    "unit_vectors",
]

Floats = npt.NDArray[np.float64]

MISSPECIFICATIONS = ("uniform", "adversarial", "decoys", "null")


def unit_vectors(k: int, d: int, rng: np.random.Generator) -> Floats:
    """Return ``k`` independent uniform unit vectors, shape (k, d)."""
    x = rng.normal(size=(k, d))
    return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True))


def coherence(x: Floats) -> float:
    """Return the largest absolute inner product of two different rows; 0 for a single row."""
    gram = np.abs(x @ x.T)
    np.fill_diagonal(gram, 0.0)
    return float(gram.max())


def equiangular_lines(d: int) -> Floats:
    """Return d(d+1)/2 unit vectors, shape (k, d), whose inner products all have the same absolute value.

    3 lines in the plane (1/2), the 6 diagonals of the icosahedron (1/sqrt 5), 28 lines in dimension 7 (1/3).

    Parameters
    ----------
    d : {2, 3, 7}
    """
    if d == 2:
        angle = np.pi * np.arange(3) / 3.0
        return np.stack([np.cos(angle), np.sin(angle)], axis=1)
    if d == 3:
        golden = (1.0 + np.sqrt(5.0)) / 2.0
        corners = [np.roll([0.0, sign, golden], shift) for shift in range(3) for sign in (1.0, -1.0)]
        return np.array(corners) / np.sqrt(1.0 + golden**2)
    if d == 7:
        rows = np.full((28, 8), -1.0)
        for row, pair in zip(rows, itertools.combinations(range(8), 2), strict=True):
            row[list(pair)] = 3.0
        basis = np.linalg.svd(np.ones((1, 8)))[2][1:]
        return np.asarray(rows @ basis.T / np.sqrt(24.0))
    raise ParameterError(f"d is {d}; d(d+1)/2 equiangular lines are built in dimensions 2, 3 and 7")


def separated_vectors(d: int, mu: float, *, attempts: int, rng: np.random.Generator) -> Floats:
    """Return unit vectors of coherence at most ``mu``: random ones, each kept if it fits those kept before."""
    kept = np.empty((attempts, d))
    found = 0
    for candidate in unit_vectors(attempts, d, rng):
        if found == 0 or np.abs(kept[:found] @ candidate).max() <= mu:
            kept[found] = candidate
            found += 1
    return kept[:found].copy()


def hidden_arm(x: Floats, arm: int, *, reward: float = 1.0) -> LinearBandit:
    """Return the bandit whose ``arm`` pays ``reward`` and all others 0, as a misspecified linear one.

    Theta is ``reward * x[arm]``. For unit vectors of coherence mu the misspecification has size ``reward * mu``.

    Parameters
    ----------
    x : (k, d) array
        Unit vectors.
    arm : int
    reward : float
        In (0, 1].
    """
    theta = reward * x[arm]
    rewards = np.zeros(x.shape[0])
    rewards[arm] = reward
    linear = LinearBandit(x, theta, 0.0).means  # as the model rounds it, so that arms that do not pay do so exactly
    return LinearBandit(x, theta, 0.0, rewards - linear)


def sparse_misspecified(x: Floats, sparsity: int, epsilon: float, kind: str, rng: np.random.Generator) -> LinearBandit:
    """Return a bandit with a random sparse theta of norm 1 and a misspecification of size at most ``epsilon``.

    Parameters
    ----------
    x : (k, d) array
    sparsity : int
    epsilon : float
    kind : {"uniform", "adversarial", "decoys", "null"}
        Uniform in [-epsilon, epsilon]; -epsilon on the upper half of the linear rewards and epsilon on the rest;
        rewards moved towards 0 by at most epsilon, except for a random quarter of the arms which gain epsilon; or no
        signal at all: theta = 0 and -epsilon on every arm.
    rng : Generator
    """
    if kind not in MISSPECIFICATIONS:
        raise ParameterError(f"kind is {kind!r}; choose one of {', '.join(MISSPECIFICATIONS)}")
    k, d = x.shape
    theta = np.zeros(d)
    values = rng.normal(size=sparsity)
    theta[rng.choice(d, size=sparsity, replace=False)] = values / np.linalg.norm(values) * (1.0 - 1e-12)
    linear = x @ theta
    error: Floats
    if kind == "null":
        theta = np.zeros(d)
        error = np.full(k, -epsilon)
    elif kind == "uniform":
        error = np.asarray(rng.uniform(-epsilon, epsilon, size=k))
    elif kind == "adversarial":
        error = np.where(linear >= np.median(linear), -epsilon, epsilon)
    else:
        error = -np.clip(linear, -epsilon, epsilon)
        error[rng.permutation(k)[: k // 4]] = epsilon
    return LinearBandit(x, theta, 0.0, error)
