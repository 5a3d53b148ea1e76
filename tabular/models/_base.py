"""What all models share: read-only arrays, a fingerprint, transition tables."""

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from .. import _check as check
from ..errors import ModelError

Array = npt.NDArray[np.float64]
_CSR_PARTS = ("data", "indices", "indptr")


class Model:
    """Base of every model: immutable, compared by identity, identified by its fingerprint."""

    __slots__ = ()

    def fingerprint(self) -> str:
        """Return a SHA-256 hex digest of the class, and of the shape and bytes of every field.

        ``-0.0`` counts as ``0.0``; a table shared by all steps is hashed once. Two models with equal
        fingerprints are the same problem.
        """
        total = hashlib.sha256(type(self).__name__.encode())
        for name in self.__dataclass_fields__:  # type: ignore[attr-defined]
            value = getattr(self, name)
            parts = [getattr(value, part) for part in _CSR_PARTS] if sp.issparse(value) else [value]
            total.update(name.encode())
            for part in parts:
                array = np.asarray(part)
                if array.dtype == object:  # an absent optional field
                    total.update(b"none")
                    continue
                shape = array.shape
                array = base(array)
                array = array + 0.0 if array.dtype.kind == "f" else array.astype(np.int64)
                total.update(repr((shape, array.dtype.str)).encode() + array.tobytes())
        return total.hexdigest()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy through the constructor, so that the arrays arrive validated and read-only."""
        names = self.__dataclass_fields__  # type: ignore[attr-defined]
        return type(self), tuple(getattr(self, name) for name in names)


def base(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return ``array`` without the copies that broadcasting along its first axis pretends to hold."""
    return array[:1] if array.ndim and array.strides[0] == 0 else array


def assign(model: Any, **values: Any) -> None:
    """Set fields of a frozen model inside its ``__post_init__``."""
    for name, value in values.items():
        object.__setattr__(model, name, value)


def rewards(value: Any, shape: tuple[int, ...], name: str = "r") -> Array:
    """Return a reward table of exactly ``shape``."""
    array = check.as_array(value, name, ndim=len(shape))
    if array.shape != shape:
        raise ModelError(f"{name} has shape {array.shape}; {shape} is needed to match P")
    return array


def start(value: Any, states: int) -> Array:
    """Return the initial distribution; ``None`` means uniform over states."""
    if value is None:
        array = np.full(states, 1.0 / states)
        array.setflags(write=False)
        return array
    return check.distribution(value, "mu0", states)


def dense_transitions(value: Any, ndim: int | tuple[int, ...]) -> Array:
    """Return transition probabilities ``P[..., s, a, s']`` as a validated dense array."""
    array = check.as_array(value, "P", ndim=ndim)
    if array.shape[-3] != array.shape[-1]:
        raise ModelError(
            f"P has shape {array.shape}; its first state axis has {array.shape[-3]} entries and its last has "
            f"{array.shape[-1]}, and they must agree (P[s, a, s'])"
        )
    check.stochastic_rows(array, "P")
    return array


def sparse_transitions(value: Any) -> sp.csr_array:
    """Return transition probabilities in CSR form, shape ``(S*A, S)``, validated, sorted, read-only."""
    if value.ndim != 2:
        raise ModelError(f"sparse P has {value.ndim} axes; shape (S*A, S) is needed")
    if value.dtype.kind not in "biuf":
        raise ModelError(f"sparse P has dtype {value.dtype}; real numbers are needed")
    rows, states = value.shape
    if states == 0 or rows == 0 or rows % states:
        raise ModelError(f"sparse P has shape {value.shape}; (S*A, S) with S >= 1 and A >= 1 is needed")
    try:
        with np.errstate(over="ignore"):
            matrix = sp.csr_array(value, dtype=np.float64, copy=True)
        matrix.check_format(full_check=True)
    except ValueError as problem:
        raise ModelError(f"sparse P is malformed: {problem}") from None
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    actions = rows // states

    def entry(k: int) -> str:
        row = int(np.searchsorted(matrix.indptr, k, side="right")) - 1
        return f"P[{row // actions}, {row % actions}, {int(matrix.indices[k])}]"

    finite = np.isfinite(matrix.data)
    if not finite.all():
        k = int(np.argmin(finite))
        raise ModelError(f"{entry(k)} is {matrix.data[k]}; every entry must be finite")
    if matrix.data.size and matrix.data.min() < 0.0:
        k = int(np.argmax(matrix.data < 0.0))
        raise ModelError(f"{entry(k)} is {matrix.data[k]:.17g}; probabilities must be >= 0")
    with np.errstate(over="ignore"):
        sums = np.asarray(matrix.sum(axis=1)).ravel()
    deviation = np.abs(sums - 1.0)
    if deviation.max() > check.ROW_TOLERANCE:
        row = int(np.argmax(deviation > check.ROW_TOLERANCE))
        raise ModelError(
            f"P[{row // actions}, {row % actions}] sums to {sums[row]:.12g}; expected 1 within "
            f"{check.ROW_TOLERANCE:g} (use tabular.normalise to rescale)"
        )
    index = np.int32 if matrix.nnz < 2**31 and states < 2**31 else np.int64
    matrix = sp.csr_array(
        (matrix.data, matrix.indices.astype(index, copy=False), matrix.indptr.astype(index, copy=False)),
        shape=matrix.shape,
    )
    for part in (matrix.data, matrix.indices, matrix.indptr):
        part.setflags(write=False)
    return matrix


def row_error(P: "Array | sp.csr_array") -> float:
    """Return the largest deviation of a row sum from 1."""
    return float(np.abs(np.asarray(P.sum(axis=-1)) - 1.0).max())


def normalise(P: npt.ArrayLike) -> Array:
    """Return a copy of non-negative weights ``P`` with every row (last axis) rescaled to sum to 1.

    Raises
    ------
    ModelError
        If an entry is negative or not finite, or a row sums to 0.
    """
    array = check.as_array(P, "P", ndim=tuple(range(1, 9)))
    if array.min() < 0.0:
        index = tuple(np.argwhere(array < 0.0)[0])
        raise ModelError(f"P[{', '.join(map(str, index))}] is {array[index]:.17g}; weights must be >= 0")
    scale = array.max(axis=-1, keepdims=True)
    if not scale.all():
        index = tuple(np.argwhere(scale[..., 0] == 0.0)[0])
        raise ModelError(f"P[{', '.join(map(str, index))}] sums to 0; a row needs positive weight to be rescaled")
    scaled = array / scale
    result: Array = scaled / scaled.sum(axis=-1, keepdims=True)
    return result
