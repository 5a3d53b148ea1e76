r"""Sets of transition kernels for a discounted model: what an adversary may choose from.

A set is *sa-rectangular* if the adversary's choices at different state-action pairs are free of each other:

* `VertexSet`: finitely many rows for each pair, and with them their convex hulls, since an expectation is smallest at a
  vertex;
* `BallSet`: the rows within a radius of a centre, in total variation, relative entropy or chi-squared divergence.

It is not rectangular where one choice fixes all rows:

* `KernelSet`: finitely many kernels, such as one for each value of a parameter;
* `KernelHull`: their mixtures ``sum_k w_k P[k]`` with the same weights everywhere.

Rewards ``r[s, a]`` are the model's and certain. A reward that depends on the next state is brought to this form by an
extra state for each transition.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _check as check
from ..errors import ModelError
from ..models import DiscountedMDP
from ._static_kernels import VERTICES
from .robust_operators import DIVERGENCES, operator

__all__ = ["BallSet", "KernelHull", "KernelSet", "RectangularSet", "UncertaintySet", "VertexSet"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Kernels:
    """Finitely many kernels."""

    P: Array

    def __post_init__(self) -> None:
        array = check.as_array(self.P, "P", ndim=4)
        if array.shape[1] != array.shape[3]:
            raise ModelError(f"P has shape {array.shape}; P[k, s, a, s'] needs as many next states as states")
        check.stochastic_rows(array, "P")
        object.__setattr__(self, "P", array)

    @property
    def size(self) -> int:
        """Number of kernels; of a `VertexSet`, vertices at each pair."""
        return int(self.P.shape[0])


@dataclass(frozen=True, slots=True, eq=False)
class VertexSet(_Kernels):
    """Any of finitely many rows at each state-action pair, or a mixture of them (sa-rectangular).

    Parameters
    ----------
    P : array, shape (m, S, A, S)
        ``P[k, s, a, :]`` is the k-th vertex at ``(s, a)``; a pair with fewer vertices repeats one.

    Raises
    ------
    ModelError
        For an empty set, or naming the first row that is no distribution.

    Examples
    --------
    >>> VertexSet([[[[0.5, 0.5]], [[0.0, 1.0]]], [[[1.0, 0.0]], [[0.0, 1.0]]]]).size
    2
    """


@dataclass(frozen=True, slots=True, eq=False)
class KernelSet(_Kernels):
    """One of finitely many kernels (not rectangular).

    Parameters
    ----------
    P : array, shape (K, S, A, S)
        The k-th kernel is ``P[k]``.

    Raises
    ------
    ModelError
        For an empty set, or naming the first row that is no distribution.
    """

    def rectangular_hull(self) -> VertexSet:
        """Return the smallest sa-rectangular set that contains all kernels."""
        return VertexSet(self.P)


@dataclass(frozen=True, slots=True, eq=False)
class KernelHull(_Kernels):
    """Mixtures of finitely many kernels with the same weights everywhere (not rectangular).

    Parameters
    ----------
    P : array, shape (K, S, A, S)
        The kernels mixed.

    Raises
    ------
    ModelError
        For an empty set, or naming the first row that is no distribution.
    """


@dataclass(frozen=True, slots=True, eq=False)
class BallSet:
    r"""Rows within a radius of a centre at each state-action pair (sa-rectangular).

    Parameters
    ----------
    P : array, shape (S, A, S)
        Centre.
    divergence : {"tv", "kl", "chi2"}
        As in `worst_case`; the L1 ball of radius ``rho`` is the total-variation ball of radius ``rho / 2``.
    radius : float or array, shape (S, A)
        At least 0.

    Raises
    ------
    ModelError
        If the centre is not a transition table, or the radius has another shape or a negative entry.
    ParameterError
        For an unknown divergence.
    """

    P: Array
    divergence: str
    radius: Array

    def __post_init__(self) -> None:
        P = check.as_array(self.P, "P", ndim=3)
        if P.shape[0] != P.shape[2]:
            raise ModelError(f"P has shape {P.shape}; P[s, a, s'] needs as many next states as states")
        check.stochastic_rows(P, "P")
        check.choice(self.divergence, "divergence", DIVERGENCES)
        given = check.as_array(self.radius, "radius", ndim=(0, 2))
        if given.ndim and given.shape != P.shape[:2]:
            raise ModelError(f"radius has shape {given.shape}; one number or shape {P.shape[:2]} is needed")
        if given.min() < 0.0:
            index = tuple(int(i) for i in np.argwhere(given < 0.0)[0]) if given.ndim else ()
            raise ModelError(f"radius{list(index) if index else ''} is {given[index]:g}; it must be >= 0")
        radius = np.array(np.broadcast_to(given, P.shape[:2]))
        radius.setflags(write=False)
        object.__setattr__(self, "P", P)
        object.__setattr__(self, "radius", radius)


RectangularSet = VertexSet | BallSet
UncertaintySet = VertexSet | BallSet | KernelSet | KernelHull


def require_set(uncertainty: Any, mdp: DiscountedMDP, *kinds: type, solver: str) -> None:
    """Refuse a set of a kind that ``solver`` does not take, or of other sizes than the model.

    Raises
    ------
    ModelError
    """
    given: Any = uncertainty
    if not isinstance(given, kinds):
        names = " or ".join(kind.__name__ for kind in kinds)
        raise ModelError(f"{solver} takes {names}, not {type(uncertainty).__name__}")
    found, wanted = uncertainty.P.shape[-3:], (mdp.S, mdp.A, mdp.S)
    if found != wanted:
        raise ModelError(f"the set's kernels have shape {found}; {wanted} is needed to match the model")


def compiled(uncertainty: RectangularSet) -> tuple[int, Array, Array]:
    """Return ``(kind, P, level)`` as the kernels of `_static_kernels` take them, in fresh arrays."""
    if isinstance(uncertainty, BallSet):
        kind, _ = operator(uncertainty.divergence, None, uncertainty.radius)
        return kind, uncertainty.P[None].copy(), uncertainty.radius.copy()
    return VERTICES, uncertainty.P.copy(), np.zeros(uncertainty.P.shape[1:3])
