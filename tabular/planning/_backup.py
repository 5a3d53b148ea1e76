"""One application of a Bellman operator, and what it proves about the optimum.

All solvers work on a centred vector ``w``: values up to an additive constant.
For a model with row sums ``1 + e[s,a]``, ``|e| <= E``, and ``y = max_a(r + gamma P w)``
known up to ``eta``, the number ``B`` satisfies ``T(w + B) <= w + B`` as soon as

    B (1 - gamma) - gamma |B| E >= max(y - w) + eta,

and then ``V* <= T(w + B) <= y + eta + gamma B + gamma |B| E``; the lower bound is
the mirror image. With ``E = eta = 0`` these are MacQueen's bounds (Puterman 1994,
Theorem 6.6.3), which do not depend on the constant.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from ..errors import ParameterError
from ..models import AverageRewardMDP, DiscountedMDP
from ._kernels import (
    _apply_csr,
    _backup_csr,
    _change,
    _extent,
    _gather_csr,
    _greedy,
    _row_sum_error_compensated,
    _row_sum_error_csr,
    _row_sum_error_dense,
)

__all__ = [
    "UNIT",
    "Backup",
    "Enclosure",
    "PolicyBackup",
    "constants",
    "enclose",
    "require",
    "smallest_maximiser",
    "unsigned",
    "widths",
]

Array = npt.NDArray[np.float64]

#: Unit roundoff of float64.
UNIT = 2.0**-53
#: Larger than the underflow error of any sum of products here.
_TINY = 2.0**-1000
_BLOCK_BYTES = 1 << 22
#: Dense tables up to this many entries have their row sums taken with compensation at once.
_SMALL = 1 << 20


def require(mdp: Any, *kinds: type, solver: str) -> None:
    """Refuse a model of a kind that ``solver`` does not take.

    Raises
    ------
    ParameterError
        Naming the solver, the model found and the kinds it takes.
    """
    if not isinstance(mdp, kinds):
        names = " or ".join(kind.__name__ for kind in kinds)
        raise ParameterError(f"{solver} takes {names}, not {type(mdp).__name__}")


def constants(low: float, high: float, gamma: float, E: float) -> tuple[float, float]:
    """Return ``(B_low, B_high)`` with ``w + B_low <= V* <= w + B_high``.

    Parameters
    ----------
    low, high : float
        ``low <= T w - w <= high`` in every state, rounding included.
    gamma, E : float
        Discount, and the largest deviation of a row sum from 1.
    """
    gap = (1.0 - gamma) * (1.0 - 4.0 * UNIT)
    defect = gamma * E * (1.0 + 4.0 * UNIT)
    outward = 1.0 + 8.0 * UNIT
    inward = 1.0 - 8.0 * UNIT
    if gap <= 2.0 * defect:
        return -np.inf, np.inf
    near = (1.0 - gamma) * (1.0 + 4.0 * UNIT) + defect
    far = gap - defect
    B_high = high / far * outward if high >= 0.0 else high / near * inward
    B_low = low / far * outward if low <= 0.0 else low / near * inward
    return B_low, B_high


def smallest_maximiser(q: Array, y: Array, slack: float) -> npt.NDArray[np.int64]:
    """Return the smallest action of each row of ``q`` within ``slack`` of its maximum ``y``."""
    policy: npt.NDArray[np.int64] = np.argmax(q >= (y - slack)[..., None], axis=-1).astype(np.int64)
    return policy


@dataclass(frozen=True, slots=True, eq=False)
class Enclosure:
    """Bounds on a fixed point; ``shift`` turns the centred vector into values."""

    lower: Array
    upper: Array
    shift: float

    @property
    def width(self) -> float:
        """Largest width."""
        return float(np.max(self.upper - self.lower))


def enclose(w: Array, y: Array, gamma: float, E: float, eta: float) -> Enclosure:
    """Bounds on the fixed point of an operator from one application ``y = T w``, exact up to ``eta``."""
    low, high, _, reach = _extent(w, y)
    B_low, B_high, margin = _shifts(low, high, reach, gamma, E, eta)
    if not np.isfinite(B_high - B_low):
        infinite = np.full_like(y, np.inf)
        return Enclosure(-infinite, infinite, 0.0)
    return Enclosure(y + (gamma * B_low - margin), y + (gamma * B_high + margin), 0.5 * gamma * (B_low + B_high))


def _shifts(low: float, high: float, reach: float, gamma: float, E: float, eta: float) -> tuple[float, float, float]:
    """Constants ``B_low, B_high`` and the margin that covers all rounding of ``y + gamma B``."""
    smear = 2.0 * UNIT * max(abs(low), abs(high)) + eta
    B_low, B_high = constants(low - smear, high + smear, gamma, E)
    size = max(abs(B_low), abs(B_high))
    margin = (eta + gamma * size * E) * (1.0 + 8.0 * UNIT) + 6.0 * UNIT * (reach + gamma * size)
    return B_low, B_high, margin


def widths(low: float, high: float, reach: float, gamma: float, E: float, eta: float) -> tuple[float, float]:
    """Return the width of the enclosure, and what would be left of it if ``y - w`` were constant."""
    B_low, B_high, margin = _shifts(low, high, reach, gamma, E, eta)
    width = gamma * (B_high - B_low) + 2.0 * margin
    middle = 0.5 * low + 0.5 * high
    B_low, B_high, margin = _shifts(middle, middle, reach, gamma, E, eta)
    floor = gamma * (B_high - B_low) + 2.0 * margin
    return (width, floor) if np.isfinite(width) else (np.inf, np.inf)


class Backup:
    """The optimality operator ``q = r + gamma P w`` of a stationary model, dense or CSR.

    Parameters
    ----------
    mdp : DiscountedMDP or AverageRewardMDP
    gamma : float, optional
        Discount; the model's own by default, 1 for average reward.
    """

    def __init__(self, mdp: DiscountedMDP | AverageRewardMDP, gamma: float | None = None) -> None:
        self.S, self.A, self.r = mdp.S, mdp.A, mdp.r
        self.gamma = float(getattr(mdp, "gamma", 1.0) if gamma is None else gamma)
        P: Any = mdp.P
        self.matrix: Any = P if mdp.sparse else P.reshape(self.S * self.A, self.S)
        self.sparse = mdp.sparse
        self.csr: Any = unsigned(self.matrix) if self.sparse else None
        self.terms = int(np.diff(self.matrix.indptr).max()) if self.sparse else self.S
        self.reward_scale = float(np.abs(self.r).max())
        self._E: float | None = None
        self._refined = False
        self.q = np.empty((self.S, self.A))
        self.y = np.empty(self.S)
        self.argmax = np.empty(self.S, dtype=np.int64)

    @property
    def E(self) -> float:
        """Upper bound on ``|sum_s' P[s,a,s'] - 1|``, rounding included."""
        if self._E is None:
            self.refine()
        assert self._E is not None
        return self._E

    def refine(self) -> bool:
        """Take the row sums to twice the working precision; whether this had not been done before."""
        if self._refined:
            return False
        indptr, _, data = self.csr if self.sparse else (None, None, None)
        found = float(_row_sum_error_csr(indptr, data) if self.sparse else _row_sum_error_compensated(self.matrix))
        self._E = found * (1.0 + 4.0 * UNIT) + 2.0 * (self.terms * UNIT) ** 2
        self._refined = True
        return True

    def rounding(self, w: Array) -> float:
        """Upper bound on the error of every entry of ``q`` (and ``y``), whatever the order of summation."""
        return self.rounding_at(float(np.abs(w).max()))

    def rounding_at(self, scale: float) -> float:
        """Return the `rounding` of vectors with entries up to ``scale`` in size."""
        scale *= self.gamma * (1.0 + 1e-7)
        return 1.01 * UNIT * ((self.terms + 3) * scale + self.reward_scale) + _TINY

    def __call__(self, w: Array) -> Array:
        """Return ``y = max_a q`` for ``q = r + gamma P w``; ``q``, ``y`` and ``argmax`` are kept and reused."""
        if self.sparse:
            indptr, indices, data = self.csr
            _backup_csr(indptr, indices, data, self.r, self.gamma, w, self.q, self.y, self.argmax)
            return self.y
        flat = self.q.reshape(-1)
        if self._E is None and flat.size * self.S > _SMALL:
            self._first(w, flat)
        else:
            np.matmul(self.matrix, w, out=flat)
        flat *= self.gamma
        self.q += self.r
        _greedy(self.q, self.y, self.argmax)
        return self.y

    def _first(self, w: Array, flat: Array) -> None:
        """First product with a dense matrix: the row sums are taken while each block is in the cache."""
        rows = max(1, _BLOCK_BYTES // (8 * self.S))
        found = 0.0
        for start in range(0, self.matrix.shape[0], rows):
            block = self.matrix[start : start + rows]
            np.matmul(block, w, out=flat[start : start + rows])
            found = max(found, float(_row_sum_error_dense(block)))
        additions = min(self.S, 256) // 8 + self.S // 256 + 12
        self._E = found + 2.0 * (additions + 2) * UNIT

    def enclose(self, w: Array) -> Enclosure:
        """Return bounds on ``V*`` from the latest application, which must have been to ``w``."""
        return enclose(w, self.y, self.gamma, self.E, self.rounding(w))

    def progress(self, w: Array) -> tuple[float, float]:
        """Return the width that `enclose` would give, and the part of it due to rounding alone."""
        low, high, scale, reach = _extent(w, self.y)
        return widths(low, high, reach, self.gamma, self.E, self.rounding_at(scale))

    def policy(self, w: Array) -> npt.NDArray[np.int64]:
        """Return the greedy policy of the latest application; ties within the rounding go to the smallest action."""
        return smallest_maximiser(self.q, self.y, 2.0 * self.rounding(w))

    def restrict(self, policy: npt.NDArray[Any]) -> "PolicyBackup":
        """Return the operator of one policy, deterministic (S,) or stochastic (S, A)."""
        return PolicyBackup(self, policy)


class PolicyBackup:
    """The operator ``w -> r_pi + gamma P_pi w`` of one policy."""

    def __init__(self, parent: Backup, policy: npt.NDArray[Any]) -> None:
        S, A = parent.S, parent.A
        self.gamma, self.S, self.sparse = parent.gamma, S, parent.sparse
        states = np.arange(S)
        self.csr: Any = None
        self.dense: Any = None
        self.terms = parent.terms
        if policy.ndim == 1:
            rows = states * A + policy
            self.r: Array = parent.r[states, policy]
            if self.sparse:
                self.csr = _gather(parent.csr, rows)
            else:
                self.dense = parent.matrix[rows]
            return
        self.r = np.einsum("sa,sa->s", policy, parent.r)
        if self.sparse:
            weights = sp.csr_array((policy.reshape(-1), np.arange(S * A), np.arange(0, S * A + 1, A)), shape=(S, S * A))
            product = sp.csr_array(weights @ parent.matrix)
            product.sort_indices()
            self.csr = unsigned(product)
            self.terms *= A
        else:
            self.dense = np.einsum("sa,sax->sx", policy, parent.matrix.reshape(S, A, S))
            self.terms += A

    @property
    def matrix(self) -> Any:
        """``P_pi`` as a dense array or a CSR array, shape (S, S)."""
        if not self.sparse:
            return self.dense
        indptr, indices, data = self.csr
        return sp.csr_array((data, _signed(indices), _signed(indptr)), shape=(self.S, self.S))

    def __call__(self, w: Array, out: Array) -> tuple[float, float]:
        """Write ``r_pi + gamma P_pi w`` into ``out``; return the smallest and largest change."""
        if self.sparse:
            indptr, indices, data = self.csr
            low, high = _apply_csr(indptr, indices, data, self.r, self.gamma, w, out)
        else:
            np.matmul(self.dense, w, out=out)
            out *= self.gamma
            out += self.r
            low, high = _change(w, out)
        return low, high


def unsigned(matrix: Any) -> tuple[Any, Any, Any]:
    """Return ``(indptr, indices, data)`` with the index arrays viewed as unsigned, as the kernels want them."""
    kind = np.uint32 if matrix.indices.dtype == np.int32 else np.uint64
    return matrix.indptr.astype(matrix.indices.dtype, copy=False).view(kind), matrix.indices.view(kind), matrix.data


def _signed(index: Any) -> Any:
    return index.view(np.int32 if index.dtype == np.uint32 else np.int64)


def _gather(csr: tuple[Any, Any, Any], rows: npt.NDArray[Any]) -> tuple[Any, Any, Any]:
    """Return the given rows of a CSR matrix, as `unsigned` parts."""
    indptr, indices, data = csr
    out_ptr = np.zeros(rows.shape[0] + 1, dtype=indptr.dtype)
    np.cumsum(indptr[rows + 1] - indptr[rows], out=out_ptr[1:])
    out_indices = np.empty(int(out_ptr[-1]), dtype=indices.dtype)
    out_data = np.empty(int(out_ptr[-1]))
    _gather_csr(indptr, indices, data, rows, out_ptr, out_indices, out_data)
    return out_ptr, out_indices, out_data
