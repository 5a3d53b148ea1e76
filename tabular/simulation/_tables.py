"""One flat view of every model, so that one kernel simulates them all.

A *cell* is a flat index of ``(h, s, a)`` (or ``(s, a)``, or ``a``). Transitions
and mean rewards are tables over cells; a table shared by all steps is stored
once, and cell ``k`` uses its row ``k % rows``.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from .. import _check as check
from ..errors import ParameterError
from ..models import (
    AverageRewardMDP,
    BernoulliBandit,
    ContextualBandit,
    DiscountedMDP,
    EpisodicMDP,
    GaussianBandit,
)

Array = npt.NDArray[np.float64]

AnyModel = EpisodicMDP | DiscountedMDP | AverageRewardMDP | BernoulliBandit | GaussianBandit | ContextualBandit
NOISES = ("none", "bernoulli", "gaussian")
_NO_INDICES = np.empty(0, dtype=np.int32)
_NO_INDICES.setflags(write=False)
_ONE = np.ones(1)
_ONE.setflags(write=False)


@dataclass(frozen=True, slots=True)
class Tables:
    """Flat tables of a model: ``data`` (dense rows, or CSR data with ``indices`` and ``indptr``) and ``r``."""

    data: Array
    indices: npt.NDArray[Any]
    indptr: npt.NDArray[Any]
    r: Array
    S: int
    A: int
    shape: tuple[int, ...]

    @property
    def rows(self) -> int:
        """Number of rows of the transition table."""
        return self.indptr.shape[0] - 1 if self.indptr.shape[0] else self.data.shape[0] // self.S


def tables(model: AnyModel) -> Tables:
    """Return the flat tables of ``model``; no array is copied except broadcast ones."""
    if isinstance(model, EpisodicMDP):
        P = model.P[0] if model.P.strides[0] == 0 else model.P
        r = model.r[0] if model.r.strides[0] == 0 else model.r
        return Tables(P.reshape(-1), _NO_INDICES, _NO_INDICES, r.reshape(-1), model.S, model.A, model.r.shape)
    if isinstance(model, DiscountedMDP | AverageRewardMDP):
        r = model.r.reshape(-1)
        if sp.issparse(model.P):
            return Tables(model.P.data, model.P.indices, model.P.indptr, r, model.S, model.A, model.r.shape)
        return Tables(model.P.reshape(-1), _NO_INDICES, _NO_INDICES, r, model.S, model.A, model.r.shape)
    if isinstance(model, BernoulliBandit | GaussianBandit | ContextualBandit):
        shape = model.means.shape
        return Tables(_ONE, _NO_INDICES, _NO_INDICES, model.means.reshape(-1), 1, model.A, shape)
    raise ParameterError(
        f"model is a {type(model).__name__}; give an EpisodicMDP, DiscountedMDP, AverageRewardMDP, "
        "BernoulliBandit, GaussianBandit or ContextualBandit"
    )


def noise(model: AnyModel, reward_noise: str | None, std: "float | None") -> tuple[int, Array]:
    """Return the code of the reward noise (index into `NOISES`) and the standard deviations over cells."""
    own = isinstance(model, GaussianBandit)
    if reward_noise is None:
        reward_noise = "gaussian" if own else "bernoulli"
    code = NOISES.index(check.choice(reward_noise, "reward_noise", NOISES))
    if std is not None and code != 2:
        raise ParameterError(f"std is given but reward_noise is {reward_noise!r}; use reward_noise='gaussian'")
    if code == 1:
        mean = model.means if isinstance(model, BernoulliBandit | GaussianBandit | ContextualBandit) else model.r
        if mean.min() < 0.0 or mean.max() > 1.0:
            index = tuple(int(i) for i in np.argwhere((mean < 0.0) | (mean > 1.0))[0])
            raise ParameterError(
                f"reward_noise is 'bernoulli' but the mean reward at {list(index)} is {mean[index]:.17g}; "
                "means must lie in [0, 1] (use 'none' or 'gaussian')"
            )
    if isinstance(model, GaussianBandit) and std is None:
        return code, np.asarray(model.std)
    scale = np.array([1.0 if std is None else check.number(std, "std", low=0.0)])
    scale.setflags(write=False)
    return code, scale
