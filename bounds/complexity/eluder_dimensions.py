r"""Eluder dimension of finite classes on finite sets, also for distributions; star number, threshold dimension.

A point x is eps'-independent of a set U of points if some pair of functions has
:math:`\sum_{u\in U}D(u)^2\le\epsilon'^2` and :math:`|D(x)|>\epsilon'`, where D is their difference. The dimension at
eps is the length of the longest sequence whose points are eps'-independent of those before them, for one eps' >= eps.

Between two neighbouring values of abs(D) the second condition does not change while the first relaxes as eps' grows, so
only scales just below a value that exceeds eps need be tried. Values are compared exactly, as the real numbers that the
floats are; sums of squares with an allowance for rounding, unless all of them are exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from tabular import _check as check
from tabular.errors import ParameterError
from tabular.streams import generator

from ._eluder_kernels import _best_over_scales, _chain_length, _greedy_over_scales, _star_size
from ._fractions import as_fractions, scaled_integers
from .certified import Certified

__all__ = [
    "EluderSequence",
    "distributional_eluder_dimension",
    "eluder_dimension",
    "eluder_upper_bounds",
    "linear_eluder_bound",
    "star_number",
    "threshold_dimension",
]

Floats = npt.NDArray[np.float64]
Rng = int | np.random.SeedSequence | np.random.Generator
_EPS = float(np.finfo(float).eps)

#: Points up to which all subsets are searched.
MAX_POINTS = 16
#: Searches of intervals of scales after which the rest is left open.
BUDGET = 100_000
#: Scales at which the greedy search is tried, and restarts at each.
SCALES, RESTARTS = 64, 4


@dataclass(frozen=True, slots=True)
class EluderSequence:
    """A longest sequence found.

    Attributes
    ----------
    points : tuple of int
        In order; each is independent of those before it.
    level : float
        The scale is just below this value.
    """

    points: tuple[int, ...]
    level: float


@dataclass(frozen=True, slots=True, eq=False)
class _Sizes:
    """Distinct rows of sizes, as ranks (p, n) among ``levels`` and as squares (p, n); ``slack`` bounds rounding."""

    ranks: npt.NDArray[np.int64]
    squares: Floats
    levels: Floats
    first: int
    slack: float


def _exact_squares(size: Floats, n: int) -> bool:
    """Whether sums of n squares of these numbers are free of rounding."""
    top = float(size.max())
    if top == 0.0:
        return True
    scaled = np.ldexp(size, math.floor((52.0 - math.log2(n)) / 2.0 - math.log2(top)))
    return bool(np.all(scaled == np.floor(scaled)))


def _sizes(high: Floats, low: Floats, eps: float) -> _Sizes:
    """Return the table of |high + low|, rows (p, n) exact sums of two floats with ``high`` their rounded value."""
    sign = np.where((high < 0.0) | ((high == 0.0) & (low < 0.0)), -1.0, 1.0)
    pairs = np.stack([high * sign, low * sign + 0.0], axis=-1)
    pairs = pairs[(pairs > eps).any(axis=(1, 2)) | (pairs[..., 0] >= eps).any(axis=1)]
    n = high.shape[1]
    if pairs.shape[0] == 0:
        return _Sizes(np.empty((0, n), dtype=np.int64), np.empty((0, n)), np.empty(0), 0, 0.0)
    values, flat = np.unique(pairs.reshape(-1, 2), axis=0, return_inverse=True)
    ranks = np.unique(flat.reshape(-1, n).astype(np.int64), axis=0)
    levels = np.ascontiguousarray(values[:, 0])
    above = (levels > eps) | ((levels == eps) & (values[:, 1] > 0.0))
    first = int(np.argmax(above)) if above.any() else levels.size
    exact = not low.any() and _exact_squares(levels, n)
    return _Sizes(ranks, levels[ranks] ** 2, levels, first, 0.0 if exact else (2 * n + 16) * _EPS)


def _measured(sizes: _Sizes, n: int, max_points: int, rng: Rng, ceiling: int, what: str) -> Certified:
    """Enclose the longest sequence: greedily, then by all subsets if there are few enough points."""
    count = sizes.levels.size - sizes.first
    if count == 0:
        return Certified(0, 0, f"no {what} exceeds eps", EluderSequence((), math.inf))
    found = np.zeros(n + 1, dtype=np.int64)
    tried = np.unique(np.linspace(sizes.first, sizes.levels.size - 1, min(SCALES, count)).astype(np.int64))
    lower, where = _greedy_over_scales(
        sizes.ranks, sizes.squares, sizes.levels, tried, sizes.slack, RESTARTS, generator(rng), found
    )

    def sequence() -> EluderSequence:
        return EluderSequence(tuple(int(x) for x in found[:lower]), float(sizes.levels[where]))

    if n > max_points:
        return Certified(lower, max(lower, ceiling), "greedy search below, closed-form bounds above", sequence())
    found_above = np.zeros(n + 1, dtype=np.int64)
    length, reach, rank = _best_over_scales(
        sizes.ranks, sizes.squares, sizes.levels, sizes.first, -sizes.slack, lower, BUDGET, found_above
    )
    if rank >= 0:
        lower, where, found = int(length), int(rank), found_above
    upper = int(reach)
    if sizes.slack > 0.0 and upper == lower:
        upper = int(
            _best_over_scales(
                sizes.ranks, sizes.squares, sizes.levels, sizes.first, sizes.slack, lower, BUDGET, found_above.copy()
            )[1]
        )
    upper = max(lower, min(upper, ceiling))
    return Certified(lower, upper, "all subsets of points at all scales, by branch and bound", sequence())


def _differences(f: Floats) -> tuple[Floats, Floats]:
    """Return the differences of all pairs of rows as exact sums of two floats (Knuth's error-free subtraction)."""
    i, j = np.triu_indices(f.shape[0], k=1)
    a, b = f[i], -f[j]
    high = a + b
    back = high - a
    return high, (a - (high - back)) + (b - back)


def eluder_dimension(
    functions: npt.ArrayLike,
    eps: float,
    *,
    max_denominator: int | None = None,
    max_points: int = MAX_POINTS,
    rng: Rng = 0,
) -> Certified:
    r"""Return the eluder dimension of a finite class of functions on n points.

    Parameters
    ----------
    functions : array, shape (F, n)
        One function a row.
    eps : float
        Scale, >= 0; larger scales are searched as the definition says.
    max_denominator : int, optional
        Read each value as the nearest fraction with at most this denominator, so that ties such as
        :math:`0.3^2+0.4^2=0.5^2` are decided exactly.
    max_points : int
        Up to this many points all subsets are searched, at a cost of up to :math:`2^n` times the number of pairs for
        each scale that cannot be excluded; beyond it the lower end is greedy.
    rng : int, SeedSequence or Generator
        Breaks ties of the greedy search.

    Returns
    -------
    Certified
        Integers. With more than ``max_points`` points ``lower`` is that of a greedy sequence and ``upper`` the
        smallest of `eluder_upper_bounds`. Witness: an `EluderSequence` that attains ``lower``.

    Raises
    ------
    ParameterError
        For values that are not finite, eps < 0, or more than 24 points asked to be searched.

    References
    ----------
    .. [1] Russo, Van Roy (2013), Eluder dimension and the sample complexity of optimistic exploration, definition 3.

    Examples
    --------
    >>> eluder_dimension([[0, 0, 0], [0.6, 1.1, 0], [1.2, 1.1, 1.1]], 0.01, max_denominator=10).value
    3
    """
    level = check.number(eps, "eps", low=0.0)
    limit = check.count(max_points, "max_points", high=24)
    if max_denominator is None:
        f = check.as_array(functions, "functions", ndim=2, error=ParameterError)
        return _dimension(f, level, limit, rng)
    f, common = scaled_integers(as_fractions(functions, "functions", max_denominator, ndim=2), "functions")
    whole = math.floor(Fraction(level).limit_denominator(max_denominator) * common)
    found = _dimension(f, float(whole), limit, rng)
    witness = EluderSequence(found.witness.points, found.witness.level / common)
    return Certified(found.lower, found.upper, f"{found.method}, in exact fractions", witness)


def _dimension(f: Floats, level: float, limit: int, rng: Rng) -> Certified:
    if f.shape[0] == 1:
        return Certified(0, 0, "a single function", EluderSequence((), math.inf))
    ceiling = min(_upper_bounds(f, level).values())
    return _measured(_sizes(*_differences(f), level), f.shape[1], limit, rng, ceiling, "difference")


def eluder_upper_bounds(functions: npt.ArrayLike, eps: float) -> dict[str, int]:
    """Return upper bounds on the eluder dimension that need no search.

    Parameters
    ----------
    functions : array, shape (F, n)
    eps : float

    Returns
    -------
    dict of int
        ``points``: those on which some pair differs by more than eps (no point repeats). ``pairs``: pairs of functions
        that differ by more than eps somewhere, those with the same absolute differences counted once (each step uses
        one up).
        ``functions``: F - 1, only where there are at most two values (each step refines the partition of the class
        by its values so far); for other classes it is false.

    Examples
    --------
    >>> eluder_upper_bounds([[0, 0, 0], [1, 0, 0], [0, 1, 0]], 0.5)
    {'points': 2, 'pairs': 3, 'functions': 2}
    """
    level = check.number(eps, "eps", low=0.0)
    return _upper_bounds(check.as_array(functions, "functions", ndim=2, error=ParameterError), level)


def _upper_bounds(f: Floats, level: float) -> dict[str, int]:
    high, low = _differences(f)
    far = (np.abs(high) > level) | ((np.abs(high) == level) & (low * np.sign(high) > 0.0))
    used = far.any(axis=1)
    rows = np.unique(np.abs(high[used]), axis=0).shape[0] if not low[used].any() else int(used.sum())
    bounds = {"points": int(far.any(axis=0).sum()), "pairs": rows}
    if np.unique(f).size <= 2:
        bounds["functions"] = np.unique(f, axis=0).shape[0] - 1
    return bounds


def distributional_eluder_dimension(
    functions: npt.ArrayLike,
    distributions: npt.ArrayLike,
    eps: float,
    *,
    max_points: int = MAX_POINTS,
    rng: Rng = 0,
) -> Certified:
    r"""Return the distributional eluder dimension: independence of distributions, as seen by a class.

    mu is eps'-independent of a set U if some function of the class (not a difference) has
    :math:`\sum_{\nu\in U}(E_\nu g)^2\le\epsilon'^2` and :math:`|E_\mu g|>\epsilon'`.

    Parameters
    ----------
    functions : array, shape (G, X)
    distributions : array, shape (n, X)
        Rows sum to 1.
    eps, max_points, rng
        As in `eluder_dimension`.

    Returns
    -------
    Certified
        For the expectations as rounded to floats. Witness: an `EluderSequence` of rows of ``distributions``.

    Raises
    ------
    ParameterError
        As for `eluder_dimension`, and for rows that are no distributions.

    References
    ----------
    .. [1] Jin, Liu, Miryoosefi (2021), Bellman eluder dimension, definitions 6 and 7.
    """
    level = check.number(eps, "eps", low=0.0)
    limit = check.count(max_points, "max_points", high=24)
    g = check.as_array(functions, "functions", ndim=2, error=ParameterError)
    laws = check.as_array(distributions, "distributions", ndim=2, error=ParameterError)
    if laws.shape[1] != g.shape[1]:
        raise ParameterError(f"distributions has {laws.shape[1]} columns, functions {g.shape[1]}")
    check.stochastic_rows(laws, "distributions", ParameterError)
    expectations = g @ laws.T
    far = np.abs(expectations) > level
    rows = np.unique(np.abs(expectations[far.any(axis=1)]), axis=0).shape[0]
    ceiling = min(int(far.any(axis=0).sum()), rows)
    sizes = _sizes(expectations, np.zeros_like(expectations), level)
    return _measured(sizes, laws.shape[0], limit, rng, ceiling, "expectation")


def linear_eluder_bound(d: int, ratio: float) -> int:
    r"""Return an upper bound on the eluder dimension of linear functions.

    For :math:`x\mapsto\langle w,x\rangle` with :math:`\|w\|\|x\|\le` ``ratio`` :math:`\cdot\epsilon`: the largest n
    with :math:`n\ln\frac32\le d\ln(1+n\,\text{ratio}^2/d)`, by the determinant of the information matrix
    (docs/papers/complexity-measures.md).

    Parameters
    ----------
    d : int
        Dimension.
    ratio : float
        Largest size of w times largest size of x, over eps; for the class of differences twice the largest parameter.

    Examples
    --------
    >>> linear_eluder_bound(1, 1.0)
    3
    """
    dimension = check.count(d, "d", low=0)
    size = check.number(ratio, "ratio", low=0.0)
    n = dimension
    while dimension and (n + 1) * math.log(1.5) <= dimension * math.log1p((n + 1) * size**2 / dimension):
        n += 1
    return n


def _patterns(functions: npt.ArrayLike, eps: float) -> tuple[list[npt.NDArray[np.int64]], int]:
    """Return, for each function, the sets of points where others differ from it by more than eps, as bit sets."""
    f = check.as_array(functions, "functions", ndim=2, error=ParameterError)
    level = check.number(eps, "eps", low=0.0)
    n = f.shape[1]
    if n > MAX_POINTS:
        raise ParameterError(f"functions has {n} points; subsets of at most {MAX_POINTS} are searched")
    weights = np.left_shift(1, np.arange(n))
    return [np.unique((np.abs(f - row) > level) @ weights) for row in f], n


def star_number(functions: npt.ArrayLike, eps: float = 0.5) -> Certified:
    """Return the star number: the most points on each of which alone some function differs from a common one.

    Parameters
    ----------
    functions : array, shape (F, n)
        n <= 16.
    eps : float
        Values differ if they are more than this apart.

    Returns
    -------
    Certified
        Exact. Witness: the centre (index of a function) and the points.

    References
    ----------
    .. [1] Li, Kamath, Foster, Srebro (2022), Understanding the eluder dimension, definition 5.
    """
    return _extreme(functions, eps, _star_size, "all subsets, for every centre")


def threshold_dimension(functions: npt.ArrayLike, eps: float = 0.5) -> Certified:
    """Return the threshold dimension: the longest x_1, ..., x_m with f_i unlike a common f at x_i, ..., x_m only.

    Parameters, errors and result are those of `star_number`.

    References
    ----------
    .. [1] Li, Kamath, Foster, Srebro (2022), Understanding the eluder dimension, definition 6.
    """
    return _extreme(functions, eps, _chain_length, "chains of traces on all subsets, for every centre")


def _extreme(functions: npt.ArrayLike, eps: float, search: Any, method: str) -> Certified:
    size, centre, chosen = 0, 0, 0
    sets, n = _patterns(functions, eps)
    for i, patterns in enumerate(sets):
        here, points = search(patterns, n)
        if here > size:
            size, centre, chosen = int(here), i, int(points)
    return Certified(size, size, method, (centre, tuple(x for x in range(n) if chosen >> x & 1)))
