r"""Concentration inequalities: each radius as a float function and as a sympy expression, and how often it fails.

Everything is addressed by name:

=======================  =====================================================================================
name                     failure, of probability at most delta
=======================  =====================================================================================
``hoeffding``            :math:`\mu-\hat\mu > \sqrt{\ln(1/\delta)/(2n)}`
``bernstein``            :math:`\mu-\hat\mu > \sqrt{2\sigma^2\ln(1/\delta)/n} + \ln(1/\delta)/(3n)`
``maurer-pontil``        :math:`\mu-\hat\mu > \sqrt{2V_n\ln(2/\delta)/n} + 7\ln(2/\delta)/(3(n-1))`
``kl-chernoff``          :math:`\hat\mu<\mu` and :math:`\mathrm{kl}(\hat\mu,\mu) > \ln(1/\delta)/n`
``kl-chernoff-uniform``  at some :math:`s\le n`: :math:`s\,\mathrm{kl} > x`, :math:`e\lceil x\ln n\rceil e^{-x}=\delta`
``weissman``             :math:`\|\hat P-P\|_1 \ge \sqrt{2\ln((2^S-2)/\delta)/n}`
``self-normalised``      :math:`|\hat\mu_s-\mu| > \sigma\sqrt{2(1+1/s)\ln(\sqrt{s+1}/\delta)/s}` at some :math:`s\le n`
=======================  =====================================================================================

Each has one broken variant, its negative control: ``CONTROLS["maurer-pontil"]`` is ``"maurer-pontil/no-range-term"``,
a name that every function below takes as well.

``get(name)``
    The `Inequality`: ``statement`` (LaTeX), ``source``, ``provenance`` (confirmed, derived or recalled), ``law``.
``radius(name, n, delta, **more)``
    The float. ``bernstein`` needs ``variance``, ``maurer-pontil`` ``sample_variance`` (unbiased), ``weissman`` ``S``;
    ``self-normalised`` takes ``sigma`` (default 1/2, right for [0,1]); for the two KL bounds it is the level of the
    divergence, ``ln(1/delta)/n`` and ``x``.
``expression(name)``
    The same as a sympy expression in ``n, delta, sigma, V_n, S`` (all positive); for ``kl-chernoff-uniform`` the
    failure probability in ``n, x``.
``exact_failure(name, n, delta, p)``
    Probability of the failure under Bernoulli(p) draws, exactly: the binomial law is summed, or the law of the walk for
    the time-uniform bounds. ``p`` is a float or an array; for ``weissman`` one probability vector.
``worst_case(name, n, delta)``
    Its supremum over p, a `WorstCase`: the supremum ``value`` at ``p``, and the maximum ``grid_value`` over a grid.

No Monte Carlo is involved; the rounding errors of the sums are bounded in `bounds._laws`.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tabular import _check as check
from tabular.errors import CertificateError, ParameterError

from . import _laws
from ._inequalities import CONTROLS, TABLE, Inequality

if TYPE_CHECKING:
    import sympy

__all__ = [
    "CONTROLS",
    "Inequality",
    "WorstCase",
    "elliptical_bound",
    "elliptical_potential",
    "exact_failure",
    "expression",
    "get",
    "kl_upper_limits",
    "names",
    "radius",
    "self_normalised_ellipsoid",
    "worst_case",
]

Array = npt.NDArray[np.float64]

#: Most outcomes of a multinomial that are enumerated (about two seconds).
OUTCOMES_LIMIT = 100_000_000
#: Longest walk whose worst case is searched at every breakpoint (n^2/2 of them, n^2 operations each).
WALK_LIMIT = 100
#: How far behind its breakpoints a walk is evaluated, so that rounding misses no jump (relative loss: n times this).
PAST = 1e-12


@dataclass(frozen=True, slots=True)
class WorstCase:
    """The largest failure probability over the parameter of the law.

    Attributes
    ----------
    value : float
        The supremum. It is the limit from the right at ``p``, so that it need not be attained.
    p : float or tuple of float
        Where; for ``weissman`` a probability vector.
    grid_value, grid_p : float, float or tuple of float
        Largest value on the grid, and where; never above ``value``.
    exact : bool
        Whether ``value`` is the supremum; otherwise it is the largest value found, hence a lower bound of it.
    """

    value: float
    p: float | tuple[float, ...]
    grid_value: float
    grid_p: float | tuple[float, ...]
    exact: bool


def names() -> tuple[str, ...]:
    """Return the names of the inequalities, without the broken variants."""
    return tuple(CONTROLS)


def get(name: str) -> Inequality:
    """Return an inequality or a broken variant by name.

    Raises
    ------
    ParameterError
        If there is none of that name.
    """
    if name not in TABLE:
        raise ParameterError(f"inequality is {name!r}; choose one of {', '.join(TABLE)}")
    return TABLE[name]


def radius(name: str, n: int, delta: float, **more: Any) -> float:
    """Return the radius (for KL: the level of the divergence) as a float.

    Parameters
    ----------
    name : str
    n : int
        Number of draws, >= 1.
    delta : float
        Failure probability, in (0, 1).
    **more
        ``variance``, ``sample_variance``, ``S`` or ``sigma``, as the inequality needs.
    """
    inequality = get(name)
    try:
        return inequality.radius(check.count(n, "n"), check.fraction(delta, "delta"), **more)
    except TypeError as problem:
        raise ParameterError(f"radius of {name}: {problem}") from None


def expression(name: str) -> sympy.Expr:
    """Return the radius as a sympy expression of positive symbols ``n``, ``delta``, ``sigma``, ``V_n``, ``S``.

    For ``kl-chernoff-uniform`` it is the bound on the failure probability, in ``n`` and ``x``.
    """
    return get(name).expression()


def exact_failure(name: str, n: int, delta: float, p: Any) -> Any:
    """Return the probability that the inequality fails, exactly.

    Parameters
    ----------
    name : str
    n : int
        Number of draws; for a time-uniform inequality the last time that counts.
    delta : float
        Level at which the radius is computed, in (0, 1).
    p : float or array of float
        Mean of the Bernoulli draws, in [0, 1]; for ``weissman`` one probability vector of length S >= 2.

    Returns
    -------
    float or ndarray
        Of the shape of ``p``; a float for ``weissman``.

    Raises
    ------
    ParameterError
        If a parameter lies outside its range, or a multinomial has more outcomes than can be enumerated.
    """
    inequality = get(name)
    n, delta = check.count(n, "n"), check.fraction(delta, "delta")
    if inequality.law == "multinomial":
        return _multinomial_failure(inequality, n, delta, p)
    flat = check.as_array(np.atleast_1d(p), "p", ndim=(1, 2), error=ParameterError)
    if flat.min() < 0 or flat.max() > 1:
        raise ParameterError("p must lie in [0, 1]")
    out = np.empty(flat.size)
    if inequality.limits is not None:
        _laws._failures(n, inequality.limits(n, delta), flat.ravel(), np.empty(n + 1), out)
    else:
        for i, one in enumerate(flat.ravel()):
            out[i] = _walk_failure(inequality, n, delta, float(one))
    return float(out[0]) if np.ndim(p) == 0 else out.reshape(flat.shape)


def _walk_failure(inequality: Inequality, n: int, delta: float, p: float) -> float:
    assert inequality.barriers is not None
    low, high = inequality.barriers(n, delta, p)
    return float(_laws._exit_probability(p, low, high, np.empty(n + 1)))


def _multinomial_failure(inequality: Inequality, n: int, delta: float, p: Any) -> float:
    P = check.distribution(p, "p", np.size(p), ParameterError)
    S = P.shape[0]
    outcomes = math.comb(n + S - 1, S - 1)
    if outcomes > OUTCOMES_LIMIT:
        raise ParameterError(f"{n} draws of {S} outcomes can fall in {outcomes} ways; at most {OUTCOMES_LIMIT:g}")
    tables = np.zeros((S, n + 1))
    _laws._tables(n, P, tables)
    counts, left = np.empty(S, dtype=np.int64), np.empty(S, dtype=np.int64)
    level = inequality.radius(n, delta, S=S)
    return float(_laws._multinomial_failure(n, P, level, tables, counts, left, np.empty(S), np.empty(S)))


def worst_case(name: str, n: int, delta: float, *, grid: int = 1000, S: int = 3) -> WorstCase:
    r"""Return the supremum over p of the exact failure probability.

    For the one-sided binomial inequalities outcome k fails for every mean above a limit :math:`c_k`, and the limits
    below 1 increase in k. The failure probability is then :math:`P_p(K \le m)` with m constant between limits: it falls
    there, jumps up just after each limit, and its supremum is the largest of :math:`P_{c_k}(K \le k)`. The same
    holds for the exit of a walk through a lower barrier. For the two-sided walk and for ``weissman``, the
    result is the largest value found (``exact`` is False).

    Parameters
    ----------
    name : str
    n : int
    delta : float
    grid : int
        The grid is ``1/grid, ..., (grid-1)/grid``; for ``weissman`` all sorted vectors of multiples of ``1/grid``
        (24 unless another number than 1000 is asked for) and the uniform one; they serve every order of the outcomes.
    S : int
        Number of outcomes, for ``weissman``.
    """
    inequality = get(name)
    n, delta = check.count(n, "n"), check.fraction(delta, "delta")
    grid = check.count(grid, "grid", low=2)
    if inequality.law == "multinomial":
        return _worst_multinomial(name, n, delta, 24 if grid == 1000 else grid, check.count(S, "S", low=2))
    points = np.arange(1, grid) / grid
    values = exact_failure(name, n, delta, points)
    best = int(np.argmax(values))
    grid_value, grid_p = float(values[best]), float(points[best])
    if inequality.limits is None:
        return _worst_walk(inequality, n, delta, grid_value, grid_p)
    limits = inequality.limits(n, delta)
    inside = limits[limits < 1]
    if np.any(np.diff(inside) < 0):
        raise CertificateError(f"the limits of {name} do not increase, so that the supremum may lie between them")
    suprema = np.empty(n + 1)
    _laws._suprema(n, limits, np.empty(n + 1), suprema)
    k = int(np.argmax(suprema))
    if not inside.size or grid_value > suprema[k]:
        return WorstCase(grid_value, grid_p, grid_value, grid_p, True)
    return WorstCase(float(suprema[k]), float(limits[k]), grid_value, grid_p, True)


def _worst_walk(inequality: Inequality, n: int, delta: float, grid_value: float, grid_p: float) -> WorstCase:
    one_sided = inequality.name.startswith("kl-")
    value, p = grid_value, grid_p
    if not one_sided or n > WALK_LIMIT:
        return WorstCase(value, p, grid_value, grid_p, False)
    level = inequality.radius(n, delta)
    limits = np.concatenate([kl_upper_limits(s, level / s)[:s] for s in range(1, n + 1)])
    for one in np.unique(limits[limits < 1]):
        found = _walk_failure(inequality, n, delta, min(float(one) + PAST, 1.0))
        if found > value:
            value, p = found, float(one)
    return WorstCase(value, p, grid_value, grid_p, True)


def _worst_multinomial(name: str, n: int, delta: float, grid: int, S: int) -> WorstCase:
    best: tuple[float, ...] = (1.0 / S,) * S
    value = exact_failure(name, n, delta, np.full(S, 1.0 / S))
    for cuts in itertools.combinations_with_replacement(range(grid, -1, -1), S - 1):
        counts = (*cuts, grid - sum(cuts))
        if not 0 <= counts[-1] <= counts[-2]:
            continue
        found = exact_failure(name, n, delta, np.array(counts) / grid)
        if found > value:
            value, best = found, tuple(count / grid for count in counts)
    return WorstCase(value, best, value, best, False)


def kl_upper_limits(n: int, level: float) -> Array:
    """Return for k = 0..n the largest mean y with kl(k/n, y) <= level; inf for k = n, where no mean is refused.

    Parameters
    ----------
    n : int
    level : float
        >= 0, ``ln(1/delta)/n`` for a limit of confidence 1 - delta.

    Returns
    -------
    ndarray, shape (n+1,)
    """
    limits = np.empty(check.count(n, "n") + 1)
    _laws._kl_limits(n, check.number(level, "level", low=0.0), limits)
    return limits


def self_normalised_ellipsoid(log_det_ratio: float, delta: float, R: float = 1.0) -> float:
    r"""Return :math:`2R^2\log(\det(V_t)^{1/2}\det(V_0)^{-1/2}/\delta)`.

    With probability at least 1 - delta, :math:`\|S_t\|^2_{V_t^{-1}}` stays below it at all times
    (Abbasi-Yadkori, Pál and Szepesvári 2011, Theorem 1).

    Parameters
    ----------
    log_det_ratio : float
        ``log det V_t - log det V_0``, >= 0.
    delta : float
    R : float
        Sub-Gaussian constant of the noise, > 0.
    """
    R = check.number(R, "R", low=0.0, open_low=True)
    return (
        2
        * R**2
        * (0.5 * check.number(log_det_ratio, "log_det_ratio", low=0.0) - math.log(check.fraction(delta, "delta")))
    )


def elliptical_potential(actions: Any, regularisation: float) -> tuple[float, float]:
    r"""Return both sides of the elliptical potential lemma on a sequence of actions.

    Parameters
    ----------
    actions : array, shape (n, d)
    regularisation : float
        lambda > 0; ``V_0 = lambda I``.

    Returns
    -------
    potential : float
        :math:`\sum_t \min(1, \|a_t\|^2_{V_{t-1}^{-1}})`.
    log_det_bound : float
        :math:`2\log(\det V_n/\det V_0)`, which is at least ``potential`` (Lattimore and Szepesvári 2020, Lemma 19.4).
    """
    a = check.as_array(actions, "actions", ndim=2, error=ParameterError)
    V = check.number(regularisation, "regularisation", low=0.0, open_low=True) * np.eye(a.shape[1])
    start = float(np.linalg.slogdet(V)[1])
    potential = 0.0
    for row in a:
        potential += min(1.0, float(row @ np.linalg.solve(V, row)))
        V += np.outer(row, row)
    return potential, 2 * (float(np.linalg.slogdet(V)[1]) - start)


def elliptical_bound(n: int, d: int, L: float, regularisation: float) -> float:
    r"""Return :math:`2d\log(1 + nL^2/(d\lambda))`, for actions of norm at most L."""
    lam = check.number(regularisation, "regularisation", low=0.0, open_low=True)
    n, d = check.count(n, "n"), check.count(d, "d")
    return 2 * d * math.log1p(n * check.number(L, "L", low=0.0) ** 2 / (d * lam))
