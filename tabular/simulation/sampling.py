"""Draws from finite distributions, and the kernels that draw inside other kernels.

Numba compiles no ``Generator.choice``, ``multinomial`` or ``dirichlet``; these
kernels take their place. Each spends a fixed number of variates wherever it can,
so that changing one probability never shifts the stream of what is drawn later.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _check as check
from .._jit import kernel
from ..errors import ParameterError
from ..streams import generator

__all__ = ["categorical", "dirichlet", "multinomial"]

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Seed = int | np.random.SeedSequence | np.random.Generator


@kernel
def _draw(row: Array, u: float) -> int:
    """First cell whose cumulative mass exceeds ``u``, for ``0 <= u < 1``.

    ``row`` holds (n,) probabilities. If rounding leaves the total at or below ``u``, the
    last cell with positive mass takes the draw; an empty cell never does.
    """
    total = 0.0
    last = 0
    for i in range(row.shape[0]):
        if row[i] > 0.0:
            last = i
            total += row[i]
            if u < total:
                return i
    return last


@kernel
def _draw_sparse(data: Array, indices: Any, indptr: Any, row: int, states: int, u: float) -> int:
    """Draw from one row of a transition table, dense or CSR.

    A dense table is given flat: row ``k`` is ``data[k*states : (k+1)*states]`` and ``indptr`` is empty.
    """
    if indptr.shape[0] == 0:
        return _draw(data[row * states : (row + 1) * states], u)
    low = indptr[row]
    return int(indices[low + _draw(data[low : indptr[row + 1]], u)])


@kernel
def _alias_table(p: Array, accept: Array, alias: Indices, stack: Indices) -> None:
    """Fill Walker's tables for probabilities ``p`` (n,) by Vose's method; ``stack`` (n,) is workspace.

    A cell that rounding leaves unpaired is paired with the most likely cell, so an empty cell is never drawn.
    """
    n = p.shape[0]
    best = 0
    total = 0.0
    for i in range(n):
        total += p[i]
        if p[i] > p[best]:
            best = i
    small = 0
    large = n
    for i in range(n):
        accept[i] = p[i] / total * n
        alias[i] = best
        if accept[i] < 1.0:
            stack[small] = i
            small += 1
        else:
            large -= 1
            stack[large] = i
    while small > 0 and large < n:
        small -= 1
        poor = stack[small]
        rich = stack[large]
        alias[poor] = rich
        accept[rich] -= 1.0 - accept[poor]
        if accept[rich] < 1.0:
            large += 1
            stack[small] = rich
            small += 1


@kernel
def _draw_alias(accept: Array, alias: Indices, u: float) -> int:
    """One draw in constant time from Walker's tables, with one uniform ``0 <= u < 1``."""
    n = accept.shape[0]
    scaled = u * n
    i = min(int(scaled), n - 1)
    if scaled - i < accept[i]:
        return i
    return int(alias[i])


@kernel
def _draws(accept: Array, alias: Indices, rng: np.random.Generator, out: Indices) -> None:
    for k in range(out.shape[0]):
        out[k] = _draw_alias(accept, alias, rng.random())


@kernel
def _dirichlet(alpha: Array, rng: np.random.Generator, out: Array) -> None:
    """Fill ``out`` (n,) with one Dirichlet(``alpha``) draw; a zero parameter gives a zero weight.

    Works with logarithms of gamma variates, and for ``a < 1`` with
    ``Gamma(a) = Gamma(a + 1) * U**(1/a)``, so that small parameters do not underflow to 0/0.
    """
    top = -math.inf
    for i in range(alpha.shape[0]):
        if alpha[i] >= 1.0:
            out[i] = math.log(rng.standard_gamma(alpha[i]))
        elif alpha[i] > 0.0:
            boost = math.log(1.0 - rng.random()) / alpha[i]
            out[i] = math.log(rng.standard_gamma(alpha[i] + 1.0)) + boost
        else:
            out[i] = -math.inf
        top = max(top, out[i])
    total = 0.0
    for i in range(alpha.shape[0]):
        out[i] = math.exp(out[i] - top)
        total += out[i]
    for i in range(alpha.shape[0]):
        out[i] /= total


@kernel
def _dirichlets(alpha: Array, rng: np.random.Generator, out: Array) -> None:
    for k in range(out.shape[0]):
        _dirichlet(alpha, rng, out[k])


@kernel
def _multinomial(n: int, p: Array, rng: np.random.Generator, tail: Array, out: Indices) -> None:
    """Fill ``out`` (m,) with counts of ``n`` draws from ``p`` (m,), by conditional binomials; ``tail`` is workspace."""
    total = 0.0
    for i in range(p.shape[0] - 1, -1, -1):
        total += p[i]
        tail[i] = total
    left = n
    for i in range(p.shape[0]):
        out[i] = 0
        if p[i] > 0.0 and left > 0:
            if p[i] >= tail[i]:
                out[i] = left
            else:
                out[i] = rng.binomial(left, p[i] / tail[i])
            left -= out[i]


@kernel
def _multinomials(n: int, p: Array, rng: np.random.Generator, tail: Array, out: Indices) -> None:
    for k in range(out.shape[0]):
        _multinomial(n, p, rng, tail, out[k])


def alias_table(p: Array) -> tuple[Array, Indices]:
    """Return Walker's tables ``(accept, alias)`` of validated probabilities ``p``, shape (n,), read-only."""
    accept = np.empty(p.shape)
    alias = np.empty(p.shape, dtype=np.int64)
    _alias_table(p, accept, alias, np.empty(p.shape, dtype=np.int64))
    accept.setflags(write=False)
    alias.setflags(write=False)
    return accept, alias


def _probabilities(p: npt.ArrayLike) -> Array:
    array = check.as_array(p, "p", ndim=1, error=ParameterError)
    check.stochastic_rows(array, "p", ParameterError)
    return array


def categorical(p: npt.ArrayLike, size: int, *, rng: Seed) -> Indices:
    """Draw ``size`` indices from the distribution ``p`` (Walker's alias method).

    Parameters
    ----------
    p : array, shape (n,)
        Probabilities; sum to 1 within 1e-8.
    size : int
        Number of draws, >= 0.
    rng : int, SeedSequence or Generator
        Source of randomness; one uniform is spent a draw.

    Returns
    -------
    array of int64, shape (size,)
        An index of probability 0 never occurs.

    Raises
    ------
    ParameterError
        If ``p`` is not a distribution or ``size`` not a count.

    References
    ----------
    .. [1] Vose (1991), A linear algorithm for generating random numbers with a given distribution.
    """
    accept, alias = alias_table(_probabilities(p))
    out = np.empty(check.count(size, "size", low=0), dtype=np.int64)
    _draws(accept, alias, generator(rng), out)
    return out


def dirichlet(alpha: npt.ArrayLike, size: int, *, rng: Seed) -> Array:
    """Draw ``size`` probability vectors from the Dirichlet distribution.

    Parameters
    ----------
    alpha : array, shape (n,)
        Parameters >= 0, at least one positive; a zero fixes its weight at 0.
    size : int
        Number of draws, >= 0.
    rng : int, SeedSequence or Generator
        Source of randomness.

    Returns
    -------
    array, shape (size, n)
        Rows sum to 1 within rounding. Parameters down to 1e-300 are safe.

    Raises
    ------
    ParameterError
        Naming the first offending parameter.
    """
    array = check.as_array(alpha, "alpha", ndim=1, error=ParameterError)
    if array.min() < 0.0:
        index = int(np.argmax(array < 0.0))
        raise ParameterError(f"alpha[{index}] is {array[index]:.17g}; parameters must be >= 0")
    if array.max() == 0.0:
        raise ParameterError("alpha is 0 everywhere; at least one parameter must be positive")
    out = np.empty((check.count(size, "size", low=0), array.shape[0]))
    _dirichlets(array, generator(rng), out)
    return out


def multinomial(n: int, p: npt.ArrayLike, size: int, *, rng: Seed) -> Indices:
    """Draw ``size`` vectors of counts of ``n`` independent draws from ``p``.

    Parameters
    ----------
    n : int
        Draws a vector, >= 0.
    p : array, shape (m,)
        Probabilities; sum to 1 within 1e-8.
    size : int
        Number of vectors, >= 0.
    rng : int, SeedSequence or Generator
        Source of randomness.

    Returns
    -------
    array of int64, shape (size, m)
        Rows sum to ``n`` exactly; a cell of probability 0 has count 0.

    Raises
    ------
    ParameterError
        If an argument is outside its range.
    """
    array = _probabilities(p)
    draws = check.count(n, "n", low=0)
    out = np.empty((check.count(size, "size", low=0), array.shape[0]), dtype=np.int64)
    _multinomials(draws, array, generator(rng), np.empty(array.shape), out)
    return out
