"""The concentration inequalities and their broken variants: radius, expression, and which outcomes are failures."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tabular import _check as check
from tabular.errors import ParameterError

from . import _laws

if TYPE_CHECKING:
    import sympy

__all__ = ["CONTROLS", "TABLE", "Inequality"]

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Inequality:
    """One inequality, or a broken variant of one.

    Attributes
    ----------
    name : str
    statement : str
        LaTeX of the failure event (of the inequality as published), whose probability is claimed to be at most delta.
    source : str
    provenance : str
        ``confirmed``, ``derived`` or ``recalled``: of the constants.
    law : {"binomial", "walk", "multinomial"}
        What its exact failure probability is summed over.
    radius : callable
        ``(n, delta, **more) -> float``.
    expression : callable
        ``() -> sympy.Expr``.
    limits : callable or None
        For the binomial law: ``(n, delta) -> c``, shape (n+1,); outcome ``k`` fails for every mean above ``c[k]``.
    barriers : callable or None
        For the walk: ``(n, delta, p) -> low, high`` of shape (n,), where the sum K_s of s draws fails if
        ``K_s < low[s-1]`` or ``K_s > high[s-1]``.
    """

    name: str
    statement: str
    source: str
    provenance: str
    law: str
    radius: Callable[..., float]
    expression: Callable[[], sympy.Expr]
    limits: Callable[[int, float], Array] | None = None
    barriers: Callable[[int, float, float], tuple[Integers, Integers]] | None = None


def _log_inverse(delta: float) -> float:
    return math.log(1.0 / check.fraction(delta, "delta"))


def _means(n: int) -> Array:
    return np.asarray(np.arange(n + 1) / n)


def _hoeffding(n: int, delta: float) -> float:
    return math.sqrt(_log_inverse(delta) / (2 * n))


def _bernstein(n: int, delta: float, *, variance: float) -> float:
    return math.sqrt(2 * variance * _log_inverse(delta) / n) + _log_inverse(delta) / (3 * n)


def _bernstein_limits(n: int, delta: float, scale: float) -> Array:
    """Solve p - scale * radius(p (1-p)) = k/n for the larger root; failures lie above it."""
    y = _means(n) + scale * _log_inverse(delta) / (3 * n)
    a = 2 * scale**2 * _log_inverse(delta) / n
    root = np.sqrt(np.maximum(a * (a + 4 * y * (1 - y)), 0.0))
    return np.where(y < 1, (2 * y + a + root) / (2 * (1 + a)), np.inf)


def _sample_variance(n: int) -> Array:
    if n < 2:
        raise ParameterError(f"n is {n}; the sample variance needs at least 2 draws")
    return _means(n) * (1 - _means(n)) * n / (n - 1)


def _variance_term(n: int, delta: float, *, sample_variance: float) -> float:
    return math.sqrt(2 * sample_variance * (math.log(2) + _log_inverse(delta)) / n)


def _range_term(n: int, delta: float) -> float:
    if n < 2:
        raise ParameterError(f"n is {n}; the sample variance needs at least 2 draws")
    return 7 * (math.log(2) + _log_inverse(delta)) / (3 * (n - 1))


def _maurer_pontil(n: int, delta: float, *, sample_variance: float) -> float:
    return _variance_term(n, delta, sample_variance=sample_variance) + _range_term(n, delta)


def _variance_limits(n: int, delta: float) -> Array:
    return _means(n) + np.sqrt(2 * _sample_variance(n) * (math.log(2) + _log_inverse(delta)) / n)


def _kl_level(n: int, delta: float) -> float:
    return _log_inverse(delta) / n


def _kl_limits(n: int, level: float) -> Array:
    limits = np.empty(n + 1)
    _laws._kl_limits(n, level, limits)
    return limits


def _kl_uniform_level(n: int, delta: float) -> float:
    """Smallest x with e ceil(x log n) exp(-x) <= delta: where ceil(x log n) = j, that means x >= 1 + ln(j/delta)."""
    if n < 2:
        raise ParameterError(f"n is {n}; a bound for all times needs a horizon of at least 2")
    levels = ((j, 1.0 + math.log(j) + _log_inverse(delta)) for j in itertools.count(1))
    return next(x for j, x in levels if x * math.log(n) <= j)


def _kl_barriers(n: int, level: float, p: float) -> tuple[Integers, Integers]:
    low = np.empty(n, dtype=np.int64)
    _laws._kl_barrier(p, level, low)
    return low, np.arange(1, n + 1)


def _weissman(n: int, delta: float, *, S: int) -> float:
    if S < 2:
        raise ParameterError(f"S is {S}; at least 2 outcomes are needed")
    return math.sqrt(2 * (math.log(2.0**S - 2.0) + _log_inverse(delta)) / n)


def _weissman_one_subset(n: int, delta: float, *, S: int) -> float:
    if S < 2:
        raise ParameterError(f"S is {S}; at least 2 outcomes are needed")
    return math.sqrt(2 * _log_inverse(delta) / n)


def _self_normalised(n: int, delta: float, *, sigma: float = 0.5) -> float:
    return sigma * math.sqrt(2 * (1 + 1 / n) * (0.5 * math.log(n + 1.0) + _log_inverse(delta)) / n)


def _fixed_time(n: int, delta: float, *, sigma: float = 0.5) -> float:
    return sigma * math.sqrt(2 * (math.log(2) + _log_inverse(delta)) / n)


def _radius_barriers(
    radius: Callable[..., float],
) -> Callable[[int, float, float], tuple[Integers, Integers]]:
    def barriers(n: int, delta: float, p: float) -> tuple[Integers, Integers]:
        s = np.arange(1, n + 1)
        r = np.array([radius(int(one), delta) for one in s])
        return np.ceil(s * (p - r)).astype(np.int64), np.floor(s * (p + r)).astype(np.int64)

    return barriers


def _symbolic(build: Callable[..., Any]) -> Callable[[], Any]:
    """Turn ``build(sympy, symbols...)`` into a function without arguments; sympy is imported when it is called."""

    @functools.cache
    def made() -> Any:
        import sympy

        return build(sympy, *sympy.symbols("n delta sigma V_n S", positive=True))

    return made


TABLE: dict[str, Inequality] = {}
#: The broken variant of each inequality.
CONTROLS: dict[str, str] = {}


def _add(name: str, statement: str, source: str, provenance: str, law: str, *variants: tuple[Any, ...]) -> None:
    """Enter an inequality and its control, each as (suffix, radius, expression, limits or barriers)."""
    for suffix, radius, build, failures in variants:
        full = f"{name}/{suffix}" if suffix else name
        limits, barriers = (failures, None) if law == "binomial" else (None, failures)
        TABLE[full] = Inequality(
            full, statement, source, provenance, law, radius, _symbolic(build), limits=limits, barriers=barriers
        )
        if suffix:
            CONTROLS[name] = full


_add(
    "hoeffding",
    r"\mu - \hat\mu > \sqrt{\ln(1/\delta) / (2n)}",
    "Hoeffding 1963, Theorem 1",
    "derived",
    "binomial",
    (
        "",
        _hoeffding,
        lambda sp, n, delta, *_: sp.sqrt(sp.log(1 / delta) / (2 * n)),
        lambda n, delta: _means(n) + _hoeffding(n, delta),
    ),
    (
        "half-radius",
        lambda n, delta: _hoeffding(n, delta) / 2,
        lambda sp, n, delta, *_: sp.sqrt(sp.log(1 / delta) / (2 * n)) / 2,
        lambda n, delta: _means(n) + _hoeffding(n, delta) / 2,
    ),
)
_add(
    "bernstein",
    r"\mu - \hat\mu > \sqrt{2\sigma^2\ln(1/\delta)/n} + \ln(1/\delta)/(3n)",
    "Bernstein's inequality: Boucheron, Lugosi and Massart 2013, section 2.8",
    "derived",
    "binomial",
    (
        "",
        _bernstein,
        lambda sp, n, delta, s, *_: sp.sqrt(2 * s**2 * sp.log(1 / delta) / n) + sp.log(1 / delta) / (3 * n),
        lambda n, delta: _bernstein_limits(n, delta, 1.0),
    ),
    (
        "half-radius",
        lambda n, delta, *, variance: _bernstein(n, delta, variance=variance) / 2,
        lambda sp, n, delta, s, *_: sp.sqrt(2 * s**2 * sp.log(1 / delta) / n) / 2 + sp.log(1 / delta) / (6 * n),
        lambda n, delta: _bernstein_limits(n, delta, 0.5),
    ),
)
_add(
    "maurer-pontil",
    r"\mu - \hat\mu > \sqrt{2V_n\ln(2/\delta)/n} + 7\ln(2/\delta)/(3(n-1))",
    "Maurer and Pontil 2009, Theorem 4",
    "recalled",
    "binomial",
    (
        "",
        _maurer_pontil,
        lambda sp, n, delta, s, V, *_: sp.sqrt(2 * V * sp.log(2 / delta) / n) + 7 * sp.log(2 / delta) / (3 * (n - 1)),
        lambda n, delta: _variance_limits(n, delta) + _range_term(n, delta),
    ),
    (
        "no-range-term",
        _variance_term,
        lambda sp, n, delta, s, V, *_: sp.sqrt(2 * V * sp.log(2 / delta) / n),
        _variance_limits,
    ),
)
_add(
    "kl-chernoff",
    r"\hat\mu < \mu \text{ and } \mathrm{kl}(\hat\mu, \mu) > \ln(1/\delta)/n",
    "Chernoff 1952; Hoeffding 1963, Theorem 1 (first form)",
    "derived",
    "binomial",
    (
        "",
        _kl_level,
        lambda sp, n, delta, *_: sp.log(1 / delta) / n,
        lambda n, delta: _kl_limits(n, _kl_level(n, delta)),
    ),
    (
        "half-radius",
        lambda n, delta: _kl_level(n, delta) / 2,
        lambda sp, n, delta, *_: sp.log(1 / delta) / (2 * n),
        lambda n, delta: _kl_limits(n, _kl_level(n, delta) / 2),
    ),
)
_add(
    "kl-chernoff-uniform",
    r"\exists s \le n: \hat\mu_s < \mu \text{ and } s\,\mathrm{kl}(\hat\mu_s, \mu) > x,"
    r"\quad e\lceil x\ln n\rceil e^{-x} = \delta",
    "Garivier and Cappé 2011, Theorem 10",
    "recalled",
    "walk",
    (
        "",
        _kl_uniform_level,
        lambda sp, n, *_: (
            sp.E * sp.ceiling(sp.Symbol("x", positive=True) * sp.log(n)) * sp.exp(-sp.Symbol("x", positive=True))
        ),
        lambda n, delta, p: _kl_barriers(n, _kl_uniform_level(n, delta), p),
    ),
    (
        "fixed-time",
        lambda n, delta: _log_inverse(delta),
        lambda sp, n, *_: sp.exp(-sp.Symbol("x", positive=True)),
        lambda n, delta, p: _kl_barriers(n, _log_inverse(delta), p),
    ),
)
_add(
    "weissman",
    r"\|\hat P - P\|_1 \ge \sqrt{2\ln((2^S - 2)/\delta)/n}",
    "Weissman et al. 2003, Theorem 2.1",
    "derived",
    "multinomial",
    ("", _weissman, lambda sp, n, delta, s, V, S: sp.sqrt(2 * sp.log((2**S - 2) / delta) / n), None),
    (
        "no-union-over-subsets",
        _weissman_one_subset,
        lambda sp, n, delta, *_: sp.sqrt(2 * sp.log(1 / delta) / n),
        None,
    ),
)
_add(
    "self-normalised",
    r"\exists s \le n: |\hat\mu_s - \mu| > \sigma\sqrt{2(1 + 1/s)\ln(\sqrt{s + 1}/\delta)/s}",
    "Abbasi-Yadkori, Pál and Szepesvári 2011, Theorem 1, scalar case with unit regularisation",
    "derived",
    "walk",
    (
        "",
        _self_normalised,
        lambda sp, n, delta, s, *_: s * sp.sqrt(2 * (1 + 1 / n) * sp.log(sp.sqrt(n + 1) / delta) / n),
        _radius_barriers(_self_normalised),
    ),
    (
        "fixed-time",
        _fixed_time,
        lambda sp, n, delta, s, *_: s * sp.sqrt(2 * sp.log(2 / delta) / n),
        _radius_barriers(_fixed_time),
    ),
)
