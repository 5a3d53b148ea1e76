"""Validation of arguments. Every function returns the canonical value or raises."""

import math
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


def as_array(value: Any, name: str, *, ndim: int | tuple[int, ...], error: type[ValueError] = ModelError) -> Array:
    """Return ``value`` as a fresh, finite, C-contiguous float64 array of the given rank(s), read-only."""
    try:
        source = np.asarray(value)
    except (ValueError, TypeError, OverflowError) as problem:
        raise error(f"{name} is not a rectangular array of numbers: {problem}") from None
    if source.dtype.kind == "O":
        try:
            source = source.astype(np.float64)
        except (TypeError, ValueError, OverflowError) as problem:
            raise error(f"{name} holds objects that are not real numbers: {problem}") from None
    if source.dtype.kind not in "biuf":
        raise error(f"{name} has dtype {source.dtype}; real numbers are needed")
    allowed = (ndim,) if isinstance(ndim, int) else ndim
    if source.ndim not in allowed:
        ranks = " or ".join(str(n) for n in allowed)
        raise error(f"{name} has shape {source.shape}; an array with {ranks} axes is needed")
    if source.size == 0:
        raise error(f"{name} has shape {source.shape}; every axis must have at least one entry")
    array = np.array(source, dtype=np.float64, order="C", copy=True)
    bad = ~np.isfinite(array)
    if bad.any():
        index = tuple(np.argwhere(bad)[0]) if array.ndim else ()
        raise error(f"{_at(name, index)} is {array[index]}; every entry must be finite")
    array.setflags(write=False)
    return array


def stochastic_rows(array: Array, name: str, error: type[ValueError] = ModelError) -> None:
    """Refuse ``array`` unless every row along its last axis is a probability vector."""
    if array.min() < 0.0:
        index = tuple(np.argwhere(array < 0.0)[0])
        raise error(f"{_at(name, index)} is {array[index]:.17g}; probabilities must be >= 0")
    deviation = np.abs(array.sum(axis=-1) - 1.0)
    if np.max(deviation) > ROW_TOLERANCE:
        index = tuple(np.argwhere(deviation > ROW_TOLERANCE)[0]) if deviation.ndim else ()
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
    if isinstance(value, bool | np.bool_ | str | bytes | complex) or value is None:
        raise error(f"{name} is {value!r}; a real number in {interval} is needed")
    try:
        result = float(value)
    except (TypeError, ValueError, OverflowError):
        raise error(f"{name} is {value!r}; a real number in {interval} is needed") from None
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
        raise error(f"{name} is {value!r}; an integer >= {low} is needed")
    if not low <= int(value) <= high:
        raise error(f"{name} is {int(value)}; it must lie between {low} and {high}")
    return int(value)


def choice(value: Any, name: str, options: tuple[str, ...]) -> str:
    """Return ``value`` if it is one of ``options``."""
    if value not in options:
        raise ParameterError(f"{name} is {value!r}; choose one of {', '.join(repr(o) for o in options)}")
    return str(value)


def policy(value: Any, shape: tuple[int, ...], actions: int, name: str = "policy") -> npt.NDArray[Any]:
    """Return a policy in canonical form: int64 ``shape`` or float64 ``(*shape, actions)``.

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
    except (ValueError, TypeError) as problem:
        raise PolicyError(f"{name} is not a rectangular array: {problem}") from None
    stationary = shape[1:] if len(shape) == 2 else shape
    if array.shape in ((*shape,), (*stationary,)) and array.dtype.kind in "iu":
        if array.min(initial=0) < 0 or array.max(initial=0) >= actions:
            index = tuple(np.argwhere((array < 0) | (array >= actions))[0])
            raise PolicyError(f"{_at(name, index)} is {array[index]}; actions are 0..{actions - 1}")
        return np.ascontiguousarray(np.broadcast_to(array, shape), dtype=np.int64)
    if array.shape in ((*shape, actions), (*stationary, actions)) and array.dtype.kind == "f":
        rows = as_array(array, name, ndim=array.ndim, error=PolicyError)
        stochastic_rows(rows, name, PolicyError)
        return np.ascontiguousarray(np.broadcast_to(rows, (*shape, actions)))
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
    return result
