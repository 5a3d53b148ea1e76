r"""Online regression for contextual bandits: predict the reward of every action, then learn the reward of one.

- `FiniteClass`: exponentially weighted average of finitely many functions. With square loss and rate 1/2 its
  regret is at most :math:`2\ln N` for targets in [0, 1]; with log loss and rate 1 (Bayes' mixture) at most
  :math:`\ln N`.
- `LinearClass`: the forecaster of Vovk, and of Azoury and Warmuth: the prediction
  :math:`x^\top(A + xx^\top)^{-1}b` counts the present features already.
- `TabularClass`: the mean reward of each context and action, shrunk towards a prior.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ...errors import ParameterError

__all__ = ["FiniteClass", "LinearClass", "RegressionClass", "TabularClass"]

Floats = npt.NDArray[np.float64]

FINITE, LINEAR, TABULAR = 0, 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class FiniteClass:
    """Finitely many candidate tables of mean rewards.

    Parameters
    ----------
    members : array, shape (N, S, A)
        In [0, 1].

    Raises
    ------
    ParameterError
        Naming the first offending entry.
    """

    members: Floats

    def __post_init__(self) -> None:
        members = check.as_array(self.members, "members", ndim=3, error=ParameterError)
        outside = (members < 0.0) | (members > 1.0)
        if outside.any():
            index = tuple(int(i) for i in np.argwhere(outside)[0])
            raise ParameterError(f"members{list(index)} is {members[index]:.17g}; members lie in [0, 1]")
        object.__setattr__(self, "members", members)


@dataclass(frozen=True, slots=True, eq=False)
class LinearClass:
    """Linear functions of the features of each context and action.

    Parameters
    ----------
    features : array, shape (S, A, d)
    ridge : float
        Weight of the squared norm, > 0.

    Raises
    ------
    ParameterError
        For features that are not finite or a ridge that is not positive.
    """

    features: Floats
    ridge: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "features", check.as_array(self.features, "features", ndim=3, error=ParameterError))
        object.__setattr__(self, "ridge", check.number(self.ridge, "ridge", low=0.0, open_low=True))


@dataclass(frozen=True, slots=True, eq=False)
class TabularClass:
    """Every table of mean rewards.

    Parameters
    ----------
    ridge : float
        Weight of the prior, in observations, > 0.
    prior : float
        Mean of the prior, in [0, 1].

    Raises
    ------
    ParameterError
        For an argument out of range.
    """

    ridge: float = 1.0
    prior: float = 0.5

    def __post_init__(self) -> None:
        object.__setattr__(self, "ridge", check.number(self.ridge, "ridge", low=0.0, open_low=True))
        object.__setattr__(self, "prior", check.number(self.prior, "prior", low=0.0, high=1.0))


RegressionClass = FiniteClass | LinearClass | TabularClass


class Oracle(NamedTuple):
    """A regression class as kernels use it; all arrays read-only."""

    kind: int  # FINITE, LINEAR or TABULAR
    members: Floats  # (S, A, N): FINITE
    hit: Floats  # (S, A, N) factor on the weight of a member when the reward is 1
    miss: Floats  # (S, A, N) when it is 0
    features: Floats  # (S, A, d): LINEAR
    ridge: float
    prior: float


def oracle(regression: RegressionClass, S: int, A: int, *, loss: str = "square", floor: float = 0.0) -> Oracle:
    """Return ``regression`` as kernels use it, for S contexts and A actions.

    ``loss="log"`` makes the factors likelihoods; members are moved into [floor, 1 - floor] first.
    """
    none = np.zeros((1, 1, 1))
    members = hit = miss = features = none
    kind, ridge, prior = TABULAR, 1.0, 0.5
    if isinstance(regression, FiniteClass):
        if regression.members.shape[1:] != (S, A):
            raise ParameterError(f"members has shape {regression.members.shape}; (N, {S}, {A}) is needed")
        kind = FINITE
        members = np.ascontiguousarray(np.clip(regression.members, floor, 1.0 - floor).transpose(1, 2, 0))
        if loss == "log":
            hit, miss = members.copy(), 1.0 - members
        else:
            hit, miss = np.exp(-0.5 * (1.0 - members) ** 2), np.exp(-0.5 * members**2)
    elif isinstance(regression, LinearClass):
        if regression.features.shape[:2] != (S, A):
            raise ParameterError(f"features has shape {regression.features.shape}; ({S}, {A}, d) is needed")
        kind, features, ridge = LINEAR, regression.features, regression.ridge
    elif isinstance(regression, TabularClass):
        ridge, prior = regression.ridge, regression.prior
    else:
        raise ParameterError(f"regression is a {type(regression).__name__}; a regression class is needed")
    for part in (members, hit, miss, none):
        part.setflags(write=False)
    return Oracle(kind, members, hit, miss, features, ridge, prior)
