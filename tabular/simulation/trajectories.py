"""Trajectories of a behaviour policy, and their returns."""

import numpy as np
import numpy.typing as npt

from .. import _check as check
from .._jit import kernel
from ..errors import ParameterError
from ..models import AverageRewardMDP, DiscountedMDP, EpisodicMDP
from ..streams import generator
from ._tables import Tables, noise, tables
from .dataset import OfflineDataset
from .offline import _reward
from .sampling import Seed, _draw, _draw_sparse

__all__ = ["sample_trajectories", "simulate_returns"]

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
AnyMDP = EpisodicMDP | DiscountedMDP | AverageRewardMDP

#: Largest number of rows of one dataset (five arrays of eight bytes a row).
_MAX_ROWS = 2**31


@kernel
def _trajectories(
    data: Array, indices: Indices, indptr: Indices, actions: int, r: Array, std: Array, code: int, mu0: Array,
    pi: Array, lengths: Indices, rng: np.random.Generator, s: Indices, a: Indices, reward: Array, s_next: Indices,
    h: Indices,
) -> None:  # fmt: skip
    """Play one trajectory after the other; ``pi`` is (H, S, A), or (1, S, A) for a stationary policy."""
    states = mu0.shape[0]
    rows = indptr.shape[0] - 1 if indptr.shape[0] > 0 else data.shape[0] // states
    k = 0
    for length in lengths:
        state = _draw(mu0, rng.random())
        for step in range(length):
            action = _draw(pi[step % pi.shape[0], state], rng.random())
            cell = (step * states + state) * actions + action
            s[k] = state
            a[k] = action
            h[k] = step
            reward[k] = _reward(r[cell % r.shape[0]], std[0], code, rng)
            state = _draw_sparse(data, indices, indptr, cell % rows, states, rng.random())
            s_next[k] = state
            k += 1


@kernel
def _returns(
    data: Array, indices: Indices, indptr: Indices, actions: int, r: Array, std: Array, code: int, mu0: Array,
    pi: Array, steps: int, discount: float, survival: float, rng: np.random.Generator, out: Array,
) -> None:  # fmt: skip
    """Fill ``out`` with sums of ``discount**t`` times reward over at most ``steps`` steps (no limit if < 0).

    After each step the trajectory goes on with probability ``survival``; 1 spends no variate on it.
    """
    states = mu0.shape[0]
    rows = indptr.shape[0] - 1 if indptr.shape[0] > 0 else data.shape[0] // states
    for k in range(out.shape[0]):
        state = _draw(mu0, rng.random())
        total = 0.0
        weight = 1.0
        step = 0
        while step != steps:
            action = _draw(pi[step % pi.shape[0], state], rng.random())
            cell = (step * states + state) * actions + action
            total += weight * _reward(r[cell % r.shape[0]], std[0], code, rng)
            if survival < 1.0 and rng.random() >= survival:
                break
            state = _draw_sparse(data, indices, indptr, cell % rows, states, rng.random())
            weight *= discount
            step += 1
        out[k] = total


def sample_trajectories(
    mdp: AnyMDP,
    policy: npt.ArrayLike,
    *,
    episodes: int | None = None,
    steps: int | None = None,
    reward_noise: str = "bernoulli",
    std: float | None = None,
    rng: Seed,
) -> OfflineDataset:
    """Play ``policy`` and log every transition.

    Parameters
    ----------
    mdp : EpisodicMDP, DiscountedMDP or AverageRewardMDP
        The model to play.
    policy : array
        Behaviour policy, deterministic or stochastic.
    episodes : int, optional
        Number of trajectories, >= 0; 1 where only ``steps`` is given. Required for an `EpisodicMDP`.
    steps : int, optional
        Length of each trajectory, >= 1. An episode of an `EpisodicMDP` always has ``H`` steps. In a
        `DiscountedMDP` without ``steps``, a trajectory stops after each step with probability
        ``1 - gamma``: a row is then distributed as the normalised discounted occupancy.
    reward_noise : {"bernoulli", "gaussian", "none"}
        As in `sample_dataset`.
    std : float, optional
        Standard deviation of Gaussian noise; 1 by default.
    rng : int, SeedSequence or Generator
        Source of randomness.

    Returns
    -------
    OfflineDataset
        Trajectories one after the other; ``h`` is the step, and ``h == 0`` starts a trajectory.

    Raises
    ------
    PolicyError, ParameterError
        If an argument does not fit the model, or the data would exceed 2**31 rows.
    """
    flat, mu0, pi = _setting(mdp, policy)
    code, scale = noise(mdp, reward_noise, std)
    source = generator(rng)
    if steps is None and episodes is None:
        raise ParameterError("episodes and steps are both missing; give at least one of them")
    count = 1 if episodes is None else check.count(episodes, "episodes", low=0)
    horizon: int | None = None
    if isinstance(mdp, EpisodicMDP):
        horizon = mdp.P.shape[0]
        if episodes is None or steps is not None:
            raise ParameterError("an EpisodicMDP is played in whole episodes; give episodes, and no steps")
        lengths = np.full(count, horizon, dtype=np.int64)
    elif steps is not None:
        lengths = np.full(count, check.count(steps, "steps"), dtype=np.int64)
    elif isinstance(mdp, DiscountedMDP):
        lengths = source.geometric(1.0 - mdp.gamma, size=count).astype(np.int64)
    else:
        raise ParameterError("steps is missing; an AverageRewardMDP never stops by itself")
    total = float(lengths.astype(np.float64).sum())
    if total > _MAX_ROWS:
        raise ParameterError(
            f"the data would have {total:g} rows; at most {_MAX_ROWS} fit (give fewer steps or episodes)"
        )
    size = int(lengths.sum())
    s, a, s_next, h = (np.empty(size, dtype=np.int64) for _ in range(4))
    reward = np.empty(size)
    _trajectories(
        flat.data, flat.indices, flat.indptr, flat.A, flat.r, scale, code, mu0, pi, lengths, source,
        s, a, reward, s_next, h,
    )  # fmt: skip
    return OfflineDataset(s, a, reward, s_next, flat.S, flat.A, h, horizon)


def simulate_returns(
    mdp: AnyMDP,
    policy: npt.ArrayLike,
    *,
    episodes: int,
    steps: int | None = None,
    reward_noise: str = "none",
    std: float | None = None,
    rng: Seed,
) -> Array:
    """Return the total reward of independent trajectories.

    Parameters
    ----------
    mdp : EpisodicMDP, DiscountedMDP or AverageRewardMDP
        The model to play.
    policy : array
        Deterministic or stochastic policy.
    episodes : int
        Number of trajectories, >= 1.
    steps : int, optional
        Length of each. `EpisodicMDP`: not accepted, the length is ``H``. `DiscountedMDP`: with
        ``steps``, rewards are weighted by ``gamma**t`` and cut off there; without, rewards count in
        full and the trajectory stops after each step with probability ``1 - gamma``, which has the
        exact value as its mean. `AverageRewardMDP`: required, rewards count in full.
    reward_noise : {"none", "bernoulli", "gaussian"}
        As in `sample_dataset`.
    std : float, optional
        Standard deviation of Gaussian noise; 1 by default.
    rng : int, SeedSequence or Generator
        Source of randomness.

    Returns
    -------
    array, shape (episodes,)
        Returns. The first ``m`` do not depend on ``episodes``.

    Raises
    ------
    PolicyError, ParameterError
        If an argument does not fit the model.
    """
    flat, mu0, pi = _setting(mdp, policy)
    code, scale = noise(mdp, reward_noise, std)
    out = np.empty(check.count(episodes, "episodes"))
    limit = -1 if steps is None else check.count(steps, "steps")
    discount = survival = 1.0
    if isinstance(mdp, EpisodicMDP):
        if steps is not None:
            raise ParameterError("steps is given; an episode of an EpisodicMDP always has H steps")
        limit = mdp.P.shape[0]
    elif isinstance(mdp, DiscountedMDP):
        discount, survival = (mdp.gamma, 1.0) if steps is not None else (1.0, mdp.gamma)
    elif steps is None:
        raise ParameterError("steps is missing; an AverageRewardMDP never stops by itself")
    _returns(
        flat.data, flat.indices, flat.indptr, flat.A, flat.r, scale, code, mu0, pi, limit, discount, survival,
        generator(rng), out,
    )  # fmt: skip
    return out


def _setting(mdp: AnyMDP, policy: npt.ArrayLike) -> tuple[Tables, Array, Array]:
    """Flat tables, initial distribution, and the policy as read-only probabilities (H or 1, S, A)."""
    if not isinstance(mdp, AnyMDP):
        raise ParameterError(f"mdp is a {type(mdp).__name__}; give an EpisodicMDP, DiscountedMDP or AverageRewardMDP")
    pi = check.stochastic_policy(mdp.policy(policy), mdp.r.shape[:-1], mdp.A)
    pi = np.ascontiguousarray(pi.reshape(-1, mdp.S, mdp.A))
    pi.setflags(write=False)
    assert mdp.mu0 is not None
    return tables(mdp), mdp.mu0, pi
