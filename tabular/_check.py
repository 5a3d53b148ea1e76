"""Validation of arguments. Every function returns the canonical value or raises."""

import math
import numbers
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import ModelError, ParameterError, PolicyError

__all__ = [
    "as_array",
    "choice",
    "count",
    "distribution",
    "fraction",
    "number",
    "policy",
    "stochastic_policy",
    "stochastic_rows",
]

Array = npt.NDArray[np.float64]

#: A typing-error catcher, not an accuracy: rows further than this from 1 are refused.
ROW_TOLERANCE = 1e-8


def _at(name: str, index: tuple[int, ...]) -> str:
    return f"{name}[{', '.join(str(int(i)) for i in index)}]" if index else name


def _show(value: Any) -> str:
    """Return a short ``repr`` of whatever a caller passed, however long or broken its own is."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001  (a huge int has no decimal repr; a foreign __repr__ may do anything)
        return f"a {type(value).__name__}"
    return text if len(text) <= 80 else text[:77] + "..."


def as_array(value: Any, name: str, *, ndim: int | tuple[int, ...], error: type[ValueError] = ModelError) -> Array:
    """Return ``value`` as a fresh, finite, C-contiguous float64 array of the given rank(s), read-only."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.getmaskarray(value).any():
        raise error(f"{name} has masked entries; fill them first")
    try:
        source = np.asarray(value)
    except (ValueError, TypeError, OverflowError, RecursionError) as problem:
        raise error(f"{name} is not a rectangular array of numbers: {problem}") from None
    if source.dtype.kind == "O":
        source = _from_objects(source, name, error)
    if source.dtype.kind not in "biuf":
        raise error(f"{name} has dtype {source.dtype}; real numbers are needed")
    allowed = (ndim,) if isinstance(ndim, int) else ndim
    if source.ndim not in allowed:
        ranks = " or ".join(str(n) for n in allowed)
        raise error(f"{name} has shape {source.shape}; an array with {ranks} axes is needed")
    if source.size == 0:
        raise error(f"{name} has shape {source.shape}; every axis must have at least one entry")
    with np.errstate(over="ignore"):  # a long double beyond the range becomes inf, refused below
        array = np.array(source, dtype=np.float64, order="C", copy=True)
    bad = ~np.isfinite(array)
    if bad.any():
        index = tuple(np.argwhere(bad)[0]) if array.ndim else ()
        raise error(f"{_at(name, index)} is {array[index]}; every entry must be finite")
    array.setflags(write=False)
    return array


def _from_objects(source: npt.NDArray[Any], name: str, error: type[ValueError]) -> Array:
    """Return an array of Python numbers (such as fractions) as float64."""
    result = np.empty(source.shape)
    for index in np.ndindex(source.shape):
        item: Any = source[index]
        try:
            if not isinstance(item, numbers.Real):
                raise TypeError
            result[index] = float(item)
        except (TypeError, ValueError, OverflowError):
            raise error(f"{_at(name, index)} is {_show(item)}; a real number is needed") from None
    return result


def stochastic_rows(array: Array, name: str, error: type[ValueError] = ModelError) -> None:
    """Refuse ``array`` unless every row along its last axis is a probability vector."""
    if array.min() < 0.0:
        index = tuple(np.argwhere(array < 0.0)[0])
        raise error(f"{_at(name, index)} is {array[index]:.17g}; probabilities must be >= 0")
    with np.errstate(over="ignore"):
        deviation = np.abs(array.sum(axis=-1) - 1.0)
    if np.max(deviation) > ROW_TOLERANCE:
        index = tuple(np.argwhere(deviation > ROW_TOLERANCE)[0]) if deviation.ndim else ()
        with np.errstate(over="ignore"):
            row = array[index].sum() if index else array.sum()
        raise error(
            f"{_at(name, index)} sums to {row:.12g}; expected 1 within {ROW_TOLERANCE:g} "
            "(use tabular.normalise to rescale)"
        )


def distribution(value: Any, name: str, size: int, error: type[ValueError] = ModelError) -> Array:
    """Return ``value`` as a probability vector of length ``size``."""
    array = as_array(value, name, ndim=1, error=error)
    if array.shape[0] != size:
        raise error(f"{name} has {array.shape[0]} entries; {size} are needed, one for each element")
    stochastic_rows(array, name, error)
    return array


def number(
    value: Any,
    name: str,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    open_low: bool = False,
    open_high: bool = False,
    error: type[ValueError] = ParameterError,
) -> float:
    """Return ``value`` as a finite float inside the interval from ``low`` to ``high``."""
    interval = f"{'(' if open_low else '['}{low:g}, {high:g}{')' if open_high else ']'}"
    if isinstance(value, np.ndarray) and value.shape == ():
        value = value[()]
    try:
        if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
            raise TypeError
        with np.errstate(over="ignore"):
            result = float(value)
    except (TypeError, ValueError, OverflowError):
        raise error(f"{name} is {_show(value)}; a real number in {interval} is needed") from None
    inside = (result > low if open_low else result >= low) and (result < high if open_high else result <= high)
    if not math.isfinite(result) or not inside:
        raise error(f"{name} is {result!r}; it must lie in {interval}")
    return result


def fraction(value: Any, name: str, error: type[ValueError] = ParameterError) -> float:
    """Return ``value`` as a float strictly between 0 and 1."""
    return number(value, name, low=0.0, high=1.0, open_low=True, open_high=True, error=error)


def count(value: Any, name: str, *, low: int = 1, high: int = 2**53, error: type[ValueError] = ParameterError) -> int:
    """Return ``value`` as an integer between ``low`` and ``high``."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise error(f"{name} is {_show(value)}; an integer >= {low} is needed")
    if not low <= int(value) <= high:
        raise error(f"{name} is {_show(int(value))}; it must lie between {low} and {high}")
    return int(value)


def choice(value: Any, name: str, options: tuple[str, ...]) -> str:
    """Return ``value`` if it is one of ``options``."""
    if not isinstance(value, str) or value not in options:
        raise ParameterError(f"{name} is {_show(value)}; choose one of {', '.join(repr(o) for o in options)}")
    return str(value)


def policy(value: Any, shape: tuple[int, ...], actions: int, name: str = "policy") -> npt.NDArray[Any]:
    """Return a policy in canonical form, read-only: int64 ``shape`` or float64 ``(*shape, actions)``.

    Parameters
    ----------
    value : array
        Deterministic (``shape``, integers in ``0..actions-1``) or stochastic
        (``(*shape, actions)``, rows sum to 1). A policy for ``(S,)`` is accepted
        where ``shape`` is ``(H, S)`` and then used at every step.
    shape : tuple
        ``(S,)`` or ``(H, S)``.
    actions : int
        Number of actions.

    Raises
    ------
    PolicyError
        Naming the first offending entry.
    """
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, OverflowError, RecursionError) as problem:
        raise PolicyError(f"{name} is not a rectangular array: {problem}") from None
    stationary = shape[1:] if len(shape) == 2 else shape
    if array.shape in ((*shape,), (*stationary,)) and array.dtype.kind in "iu":
        if array.min(initial=0) < 0 or array.max(initial=0) >= actions:
            index = tuple(np.argwhere((array < 0) | (array >= actions))[0])
            raise PolicyError(f"{_at(name, index)} is {array[index]}; actions are 0..{actions - 1}")
        return _read_only(np.array(np.broadcast_to(array, shape), dtype=np.int64, order="C", copy=True))
    if array.shape in ((*shape, actions), (*stationary, actions)) and array.dtype.kind == "f":
        rows = as_array(array, name, ndim=array.ndim, error=PolicyError)
        stochastic_rows(rows, name, PolicyError)
        return _read_only(np.array(np.broadcast_to(rows, (*shape, actions)), order="C", copy=True))
    raise PolicyError(
        f"{name} has shape {array.shape} and dtype {array.dtype}; needed: integers of shape {shape}"
        f" or probabilities (floats) of shape {(*shape, actions)}"
        + (f", or the stationary {stationary} and {(*stationary, actions)}" if stationary != shape else "")
    )


def stochastic_policy(value: Any, shape: tuple[int, ...], actions: int, name: str = "policy") -> Array:
    """Return a policy of either form as probabilities, shape ``(*shape, actions)``."""
    canonical = policy(value, shape, actions, name)
    if canonical.dtype == np.float64:
        return canonical
    result = np.zeros((*shape, actions))
    np.put_along_axis(result, canonical[..., None], 1.0, axis=-1)
    return _read_only(result)


def _read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    array.setflags(write=False)
    return array
