"""Datasets of independent transitions."""

import numpy as np
import numpy.typing as npt

from .. import _check as check
from .._jit import kernel
from ..errors import ParameterError
from ..models import EpisodicMDP
from ..streams import generator
from ._tables import AnyModel, noise, tables
from .dataset import OfflineDataset
from .sampling import Seed, _draw_alias, _draw_sparse, alias_table

__all__ = ["sample_dataset"]

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


@kernel
def _reward(mean: float, std: float, code: int, rng: np.random.Generator) -> float:
    """One reward: ``code`` 0 is the mean, 1 a coin, 2 a normal variate."""
    if code == 1:
        return 1.0 if rng.random() < mean else 0.0
    if code == 2:
        return float(mean + std * rng.standard_normal())
    return mean


@kernel
def _transitions(
    accept: Array, alias: Indices, data: Array, indices: Indices, indptr: Indices, states: int, r: Array, std: Array,
    code: int, rng: np.random.Generator, cell: Indices, reward: Array, s_next: Indices,
) -> None:  # fmt: skip
    """Fill ``cell``, ``reward``, ``s_next`` (N,) with independent draws, row after row."""
    rows = indptr.shape[0] - 1 if indptr.shape[0] > 0 else data.shape[0] // states
    for i in range(cell.shape[0]):
        k = _draw_alias(accept, alias, rng.random())
        cell[i] = k
        reward[i] = _reward(r[k % r.shape[0]], std[k % std.shape[0]], code, rng)
        s_next[i] = _draw_sparse(data, indices, indptr, k % rows, states, rng.random())


def sample_dataset(
    model: AnyModel,
    mu: npt.ArrayLike,
    n: int,
    *,
    reward_noise: str | None = None,
    std: float | None = None,
    rng: Seed,
) -> OfflineDataset:
    """Draw ``n`` independent transitions with state and action from ``mu``.

    Parameters
    ----------
    model : EpisodicMDP, DiscountedMDP, AverageRewardMDP, BernoulliBandit, GaussianBandit or ContextualBandit
        Where next states and rewards come from.
    mu : array
        Data distribution, sums to 1 in all: ``mu[a]`` for bandits, ``mu[h, s, a]`` for an
        `EpisodicMDP`, ``mu[s, a]`` otherwise. (An episodic occupancy sums to ``H``: divide it by ``H``.)
    n : int
        Number of rows, >= 0.
    reward_noise : {"bernoulli", "gaussian", "none"}, optional
        ``"bernoulli"``: rewards 0 or 1 with the right mean, which must lie in [0, 1];
        ``"gaussian"``: normal with standard deviation ``std``; ``"none"``: the mean itself.
        By default ``"gaussian"`` for a `GaussianBandit` and ``"bernoulli"`` for every other model.
    std : float, optional
        Standard deviation of Gaussian noise, >= 0; the model's own for a `GaussianBandit`, otherwise 1.
    rng : int, SeedSequence or Generator
        Source of randomness.

    Returns
    -------
    OfflineDataset
        With the step ``h`` of each row for an `EpisodicMDP`. The first ``m`` rows do not depend on
        ``n``. Pairs of probability 0 never occur.

    Raises
    ------
    ParameterError
        If ``mu`` is not a distribution of the shape that the model needs, or an option does not fit.
    """
    flat = tables(model)
    p = _behaviour(mu, flat.shape)
    code, scale = noise(model, reward_noise, std)
    size = check.count(n, "n", low=0)
    accept, alias = alias_table(p)
    cell = np.empty(size, dtype=np.int64)
    reward = np.empty(size)
    s_next = np.empty(size, dtype=np.int64)
    _transitions(
        accept, alias, flat.data, flat.indices, flat.indptr, flat.S, flat.r, scale, code, generator(rng),
        cell, reward, s_next,
    )  # fmt: skip
    pair = cell % (model.S * model.A)
    episodic = isinstance(model, EpisodicMDP)
    return OfflineDataset(
        s=pair // model.A,
        a=pair % model.A,
        r=reward,
        s_next=s_next,
        S=model.S,
        A=model.A,
        h=cell // (model.S * model.A) if episodic else None,
        H=flat.shape[0] if episodic else None,
    )


def _behaviour(mu: npt.ArrayLike, shape: tuple[int, ...]) -> Array:
    """Return the data distribution over ``shape`` as a flat read-only vector."""
    array = check.as_array(mu, "mu", ndim=len(shape), error=ParameterError)
    if array.shape != shape:
        raise ParameterError(f"mu has shape {array.shape}; {shape} is needed to match the model")
    if array.min() < 0.0:
        index = tuple(int(i) for i in np.argwhere(array < 0.0)[0])
        raise ParameterError(f"mu{list(index)} is {array[index]:.17g}; probabilities must be >= 0")
    if abs(array.sum() - 1.0) > check.ROW_TOLERANCE:
        raise ParameterError(
            f"mu sums to {array.sum():.12g}; the whole array must sum to 1 within {check.ROW_TOLERANCE:g} "
            "(divide it by its sum)"
        )
    return array.reshape(-1)
