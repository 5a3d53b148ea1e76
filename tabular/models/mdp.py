"""Finite Markov decision processes: finite horizon, discounted, average reward."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from .. import _check as check
from ..errors import ModelError
from ._base import Array, Model, assign, base, dense_transitions, rewards, row_error, sparse_transitions, start

__all__ = ["AverageRewardMDP", "DiscountedMDP", "EpisodicMDP"]


@dataclass(frozen=True, slots=True, eq=False)
class EpisodicMDP(Model):
    """Finite-horizon Markov decision process.

    Parameters
    ----------
    P : array, shape (H, S, A, S) or (S, A, S)
        Transition probabilities ``P[h, s, a, s']``, or ``P[s, a, s']`` for a
        stationary model, which then needs ``H``. Rows sum to 1 within 1e-8.
    r : array, shape (H, S, A) or (S, A)
        Mean reward of one step; any finite numbers, [0, 1] in most theorems.
    mu0 : array, shape (S,), optional
        Distribution of the first state; uniform by default.
    H : int, optional
        Horizon, >= 1. Required for a stationary ``P``; otherwise it must agree with ``P``.

    Attributes
    ----------
    P, r : arrays, shapes (H, S, A, S) and (H, S, A)
        Read-only. For a stationary model both are broadcast views: ``P`` takes
        no more memory than ``(S, A, S)``.
    stationary : bool
        Whether all steps share one table.

    Raises
    ------
    ModelError
        Naming the first offending entry.

    Examples
    --------
    >>> mdp = EpisodicMDP([[[0.5, 0.5]], [[0.0, 1.0]]], [[0.0], [1.0]], [1.0, 0.0], H=3)
    >>> mdp.H, mdp.S, mdp.A
    (3, 2, 1)
    """

    P: Array
    r: Array
    mu0: Array = None  # type: ignore[assignment]  # uniform when not given; never None afterwards
    H: int = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        given: Any = self.P
        horizon: Any = self.H
        if sp.issparse(given):
            raise ModelError("P is sparse; EpisodicMDP takes a dense array (use P.toarray())")
        P = dense_transitions(given, ndim=(3, 4))
        H = None if horizon is None else check.count(horizon, "H", error=ModelError)
        if P.ndim == 3:
            if H is None:
                raise ModelError(f"P has shape {P.shape}, which is stationary; give the horizon H")
            try:
                P = np.broadcast_to(P, (H, *P.shape))
            except ValueError:
                raise ModelError(f"H is {H}; a table of {H} steps of shape {P.shape} cannot be addressed") from None
        elif H is None:
            H = P.shape[0]
        elif P.shape[0] != H:
            raise ModelError(f"P has {P.shape[0]} steps but H is {H}; drop H or make them agree")
        r = check.as_array(self.r, "r", ndim=(2, 3))
        wanted = P.shape[:3]
        if r.shape not in (wanted, wanted[1:]):
            raise ModelError(f"r has shape {r.shape}; {wanted[1:]} or {wanted} is needed to match P")
        assign(self, P=P, r=np.broadcast_to(r, wanted), mu0=start(self.mu0, P.shape[1]), H=H)

    @property
    def S(self) -> int:
        """Number of states."""
        return int(self.P.shape[1])

    @property
    def A(self) -> int:
        """Number of actions."""
        return int(self.P.shape[2])

    @property
    def stationary(self) -> bool:
        """Whether transitions and rewards are the same at every step."""
        return self.P.shape[0] == 1 or (self.P.strides[0] == 0 and self.r.strides[0] == 0)

    @property
    def reward_range(self) -> tuple[float, float]:
        """Smallest and largest mean reward."""
        r = base(self.r)
        return float(r.min()), float(r.max())

    @property
    def row_error(self) -> float:
        """Largest deviation of a row of ``P`` from sum 1."""
        return row_error(base(self.P))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle tables that all steps share once."""
        P = self.P[0] if self.P.strides[0] == 0 else self.P
        r = self.r[0] if self.r.strides[0] == 0 else self.r
        return type(self), (P, r, self.mu0, self.H)

    def policy(self, policy: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return ``policy`` in canonical form, int64 (H, S) or float64 (H, S, A); PolicyError otherwise."""
        return check.policy(policy, (int(self.P.shape[0]), self.S), self.A)


class _Stationary(Model):
    """What the two infinite-horizon models share; ``P`` is dense (S, A, S) or CSR (S*A, S)."""

    __slots__ = ()
    P: "Array | sp.csr_array"
    r: Array
    mu0: Array

    def _validate(self) -> None:
        P: Array | sp.csr_array
        if sp.issparse(self.P):
            P = sparse_transitions(self.P)
            shape: tuple[int, ...] = (P.shape[1], P.shape[0] // P.shape[1])
        else:
            P = dense_transitions(self.P, ndim=3)
            shape = P.shape[:2]
        assign(self, P=P, r=rewards(self.r, shape), mu0=start(self.mu0, shape[0]))

    @property
    def S(self) -> int:
        """Number of states."""
        return int(self.r.shape[0])

    @property
    def A(self) -> int:
        """Number of actions."""
        return int(self.r.shape[1])

    @property
    def sparse(self) -> bool:
        """Whether ``P`` is stored in CSR form."""
        return bool(sp.issparse(self.P))

    @property
    def reward_range(self) -> tuple[float, float]:
        """Smallest and largest mean reward."""
        return float(self.r.min()), float(self.r.max())

    @property
    def row_error(self) -> float:
        """Largest deviation of a row of ``P`` from sum 1."""
        return row_error(self.P)

    def dense_P(self) -> Array:
        """Return the transitions as a dense array ``P[s, a, s']``, whatever the storage."""
        if sp.issparse(self.P):
            array: Array = self.P.toarray().reshape(self.S, self.A, self.S)
            array.setflags(write=False)
            return array
        return self.P

    def policy(self, policy: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return ``policy`` in canonical form, int64 (S,) or float64 (S, A); PolicyError otherwise."""
        return check.policy(policy, (self.S,), self.A)


@dataclass(frozen=True, slots=True, eq=False)
class DiscountedMDP(_Stationary):
    """Infinite-horizon discounted Markov decision process.

    Parameters
    ----------
    P : array, shape (S, A, S), or SciPy sparse, shape (S*A, S)
        Transition probabilities; row ``s*A + a`` of the sparse form is ``P[s, a, :]``.
    r : array, shape (S, A)
        Mean reward of one step; any finite numbers, [0, 1] in most theorems.
    gamma : float
        Discount in [0, 1).
    mu0 : array, shape (S,), optional
        Distribution of the first state; uniform by default.

    Raises
    ------
    ModelError
        Naming the first offending entry.

    Examples
    --------
    >>> DiscountedMDP([[[0.5, 0.5]], [[0.0, 1.0]]], [[0.0], [1.0]], 0.9).S
    2
    """

    P: "Array | sp.csr_array"
    r: Array
    gamma: float
    mu0: Array = None  # type: ignore[assignment]  # uniform when not given; never None afterwards

    def __post_init__(self) -> None:
        assign(self, gamma=check.number(self.gamma, "gamma", low=0.0, high=1.0, open_high=True, error=ModelError))
        self._validate()


@dataclass(frozen=True, slots=True, eq=False)
class AverageRewardMDP(_Stationary):
    """Infinite-horizon Markov decision process under the long-run average reward (gain).

    Parameters
    ----------
    P : array, shape (S, A, S), or SciPy sparse, shape (S*A, S)
        Transition probabilities; row ``s*A + a`` of the sparse form is ``P[s, a, :]``.
    r : array, shape (S, A)
        Mean reward of one step.
    mu0 : array, shape (S,), optional
        Distribution of the first state; uniform by default.

    Raises
    ------
    ModelError
        Naming the first offending entry.
    """

    P: "Array | sp.csr_array"
    r: Array
    mu0: Array = None  # type: ignore[assignment]  # uniform when not given; never None afterwards

    def __post_init__(self) -> None:
        self._validate()
