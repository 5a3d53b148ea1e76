"""Offline data as seen through linear features: validated, gathered and counted once, used by every learner here."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from ... import _check as check
from ...errors import ModelError, ParameterError
from ...simulation.dataset import OfflineDataset
from ._regression_kernels import Moves, Points

__all__ = ["FeatureData"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class FeatureData:
    r"""Trajectories, the features of every pair, and the known rewards: all that a learner of this package sees.

    States are points: those of a finite model, or the distinct states that continuous data visited (number them, and
    let ``data`` hold the numbers). Equal moves ``(h, s, a, s')`` are counted, so that what a learner returns does not
    depend on the order of the data, and its cost only on the number of distinct moves.

    Parameters
    ----------
    data : OfflineDataset
        Rows with their step ``h`` (and ``H``); ``s``, ``a`` and ``s_next`` number points and actions.
    phi : array, shape (S, A, d), or CSR of shape (S * A, d)
        Features on the simplex: entries >= 0 that sum to 1 for every pair.
    theta : array, shape (d,) or (H, d), optional
        Known reward parameters, ``r[h, s, a] = phi[s, a] @ theta[h]``.
    r : array, shape (S, A) or (H, S, A), optional
        Known rewards that are not linear in the features (the payoff of an option). Exactly one of `theta` and `r`.
    fail : sequence of int
        Points known to be worth 0 at every step (a fail state, or the end of an episode).
    partial : bool
        Whether features may sum to less than 1; what is missing leads to an end worth 0.

    Attributes
    ----------
    S, A, d, H, K : int
        Points, actions, features, steps, and trajectories (the largest number of rows of a step).

    Raises
    ------
    ModelError
        For features off the simplex, rows without a step, or tables whose sizes do not agree.
    ParameterError
        For an argument of the wrong kind.

    Examples
    --------
    >>> data = OfflineDataset(s=[0, 1, 0, 1], a=[0, 0, 0, 0], r=[0, 1, 0, 1], s_next=[1, 1, 1, 0], S=2, A=1,
    ...                       h=[0, 1, 0, 1])
    >>> seen = FeatureData(data, phi=[[[1.0, 0.0]], [[0.0, 1.0]]], theta=[0.0, 1.0])
    >>> seen.S, seen.A, seen.d, seen.H, seen.K, seen.moves.times.tolist()
    (2, 1, 2, 2, 2, [2.0, 1.0, 1.0])
    """

    data: OfflineDataset
    phi: "npt.ArrayLike | sp.csr_array"
    theta: npt.ArrayLike | None = None
    r: npt.ArrayLike | None = None
    fail: Sequence[int] = ()
    partial: bool = False
    points: Points = field(init=False, repr=False)
    moves: Moves = field(init=False, repr=False)
    d: int = field(init=False)

    def __post_init__(self) -> None:
        if not isinstance(self.data, OfflineDataset):
            raise ParameterError(f"data is a {type(self.data).__name__}; give an OfflineDataset")
        if self.data.h is None or self.data.H is None:
            raise ModelError("data has no steps; give the step h of each row when the dataset is built")
        features = sparse_features(self.phi, self.data.S, self.data.A, bool(self.partial), ModelError)
        d = int(features.shape[1])
        rewards = _known_rewards(features, self.theta, self.r, self.data)
        worthless = np.zeros(self.data.S, dtype=np.bool_)
        for place, point in enumerate(self.fail):
            worthless[check.count(point, f"fail[{place}]", low=0, high=self.data.S - 1)] = True
        points = points_of(features, rewards, worthless)
        for name, value in (("points", points), ("moves", _moves(self.data)), ("d", d)):
            object.__setattr__(self, name, value)

    @property
    def S(self) -> int:
        """Number of points."""
        return self.data.S

    @property
    def A(self) -> int:
        """Number of actions."""
        return self.data.A

    @property
    def H(self) -> int:
        """Number of steps."""
        assert self.data.H is not None
        return self.data.H

    @property
    def K(self) -> int:
        """Number of trajectories: the largest number of rows of a step."""
        assert self.data.h is not None
        return int(np.bincount(self.data.h, minlength=1).max())


def _frozen(array: Any) -> Any:
    array = np.ascontiguousarray(array)
    array.setflags(write=False)
    return array


def points_of(features: sp.csr_array, rewards: Floats, fail: npt.NDArray[np.bool_]) -> Points:
    """Return features and rewards as the kernels take them, read-only."""
    index, start = features.indices.astype(np.int64), features.indptr.astype(np.int64)
    return Points(*(_frozen(part) for part in (index, features.data, start, rewards, fail)))


def sparse_features(
    phi: "npt.ArrayLike | sp.csr_array", S: int | None, A: int, partial: bool, error: type[ValueError]
) -> sp.csr_array:
    """Return features as CSR of shape (S * A, d), columns sorted, on the simplex; any number S where it is None."""
    if sp.issparse(phi):
        features = sp.csr_array(cast(Any, phi)).astype(np.float64)
        if features.shape[0] % A or (S is not None and features.shape[0] != S * A):
            raise error(f"sparse phi has {features.shape[0]} rows; S * A are needed, with A={A} and S={S or 'any'}")
        features.sum_duplicates()
        features.eliminate_zeros()
        if not np.isfinite(features.data).all():
            raise error("sparse phi has an entry that is not finite")
    else:
        dense = check.as_array(phi, "phi", ndim=3, error=error)
        if dense.shape[1] != A or (S is not None and dense.shape[0] != S):
            raise error(f"phi has shape {dense.shape}; ({S or 'n'}, {A}, d) is needed to match data")
        features = sp.csr_array(dense.reshape(-1, dense.shape[2]))
    if not features.shape[1]:
        raise error("phi has no features; d >= 1 is needed")
    _require_simplex(features, partial, A, error)
    return features


def _require_simplex(features: sp.csr_array, partial: bool, A: int, error: type[ValueError]) -> None:
    """Refuse features that are negative or do not sum to 1 (at most 1 where `partial`); row ``s * A + a``."""
    pair = np.repeat(np.arange(features.shape[0]), np.diff(features.indptr))
    if features.data.size and features.data.min() < 0.0:
        k = int(np.argmax(features.data < 0.0))
        place = f"phi[{pair[k] // A}, {pair[k] % A}, {features.indices[k]}]"
        raise error(f"{place} is {features.data[k]:.17g}; features must be >= 0")
    sums = np.bincount(pair, weights=features.data, minlength=features.shape[0])
    wrong = sums > 1.0 + check.ROW_TOLERANCE if partial else np.abs(sums - 1.0) > check.ROW_TOLERANCE
    if wrong.any():
        k = int(np.argmax(wrong))
        wanted = "at most 1" if partial else "1"
        raise error(
            f"phi[{k // A}, {k % A}] sums to {sums[k]:.12g}; features must sum to {wanted} within "
            f"{check.ROW_TOLERANCE:g}"
        )


def _known_rewards(
    features: sp.csr_array, theta: npt.ArrayLike | None, r: npt.ArrayLike | None, data: OfflineDataset
) -> Floats:
    """Return rewards, shape (1 or H, S, A)."""
    if (theta is None) == (r is None):
        raise ParameterError("give exactly one of theta (reward parameters) and r (a table of known rewards)")
    H, S, A, d = data.H, data.S, data.A, features.shape[1]
    if theta is not None:
        parameters = check.as_array(theta, "theta", ndim=(1, 2))
        if parameters.shape not in ((d,), (H, d)):
            raise ModelError(f"theta has shape {parameters.shape}; ({d},) or ({H}, {d}) is needed to match phi and H")
        rows = np.atleast_2d(parameters)
        return np.stack([(features @ row).reshape(S, A) for row in rows])
    table = check.as_array(r, "r", ndim=(2, 3))
    if table.shape not in ((S, A), (H, S, A)):
        raise ModelError(f"r has shape {table.shape}; {(S, A)} or {(H, S, A)} is needed to match data")
    return table.reshape(-1, S, A)


def _moves(data: OfflineDataset) -> Moves:
    """Return the distinct moves in the order of ``(h, s, a, s')``, with their counts and summed rewards."""
    assert data.h is not None
    assert data.H is not None
    key = ((data.h * data.S + data.s) * data.A + data.a) * data.S + data.s_next
    distinct, inverse, count = np.unique(key, return_inverse=True, return_counts=True)
    received = np.bincount(inverse, weights=data.r, minlength=distinct.size).astype(np.float64)
    cell, ahead = distinct // data.S, distinct % data.S
    pairs = data.S * data.A
    first = np.searchsorted(cell // pairs, np.arange(data.H + 1))
    parts = (first.astype(np.int64), cell % pairs, ahead, count.astype(np.float64), received)
    return Moves(*(_frozen(part) for part in parts))
