"""The few statistics that verdicts rest on, vectorised; special functions come from SciPy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from tabular.errors import ParameterError
from tabular.streams import stream

__all__ = [
    "SlopeFit",
    "binomial_tail",
    "clopper_pearson_upper",
    "fit_exact_slope",
    "fit_replicated_slope",
    "holm",
    "runs_to_refute",
    "runs_to_support",
    "student_tail",
]

Array = npt.NDArray[np.float64]

#: Beyond this many runs a verdict says "more than a billion" rather than a number.
RUNS_LIMIT = 10**9
#: Entries of one batch of resamples; bounds the memory at about 50 MB.
BATCH = 2_000_000
#: An interval whose resamples mostly fail reaches this many times as far as Student's: it decides nothing.
LOST = 1000.0


def binomial_tail(count: Any, runs: Any, p: Any) -> Array:
    """Return P(Bin(runs, p) >= count), exactly (regularised incomplete beta function).

    Parameters
    ----------
    count, runs : int or array of int
        ``0 <= count <= runs``.
    p : float or array
        Strictly between 0 and 1.
    """
    count, runs, p = np.broadcast_arrays(count, runs, p)
    inside = np.maximum(count, 1)
    return np.where(count <= 0, 1.0, special.betainc(inside, runs - inside + 1.0, p))


def clopper_pearson_upper(count: Any, runs: Any, confidence: float = 0.95) -> Array:
    """Return the one-sided upper Clopper-Pearson limit of a probability.

    The chance that it falls below the true probability is at most ``1 - confidence``
    (Clopper and Pearson 1934).
    """
    count, runs = np.broadcast_arrays(count, runs)
    below = np.minimum(count, runs - 1)
    return np.where(count >= runs, 1.0, special.betaincinv(below + 1.0, runs - below, confidence))


def student_tail(t: Any, dof: float) -> Any:
    """Return P(T >= t) for Student's distribution with ``dof`` degrees of freedom."""
    return special.stdtr(dof, -np.asarray(t, dtype=np.float64))


def holm(p_values: Any, alpha: float = 0.05) -> npt.NDArray[np.bool_]:
    """Return which hypotheses Holm's step-down procedure rejects at family-wise level ``alpha`` (Holm 1979).

    Parameters
    ----------
    p_values : array-like, shape (m,)
        In [0, 1]; may be empty.
    alpha : float

    Returns
    -------
    ndarray of bool, shape (m,)
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not np.all((p >= 0) & (p <= 1)):
        raise ParameterError("p-values must be a flat array of numbers in [0, 1]")
    order = np.argsort(p, kind="stable")
    passed = np.logical_and.accumulate(p[order] <= alpha / np.arange(p.size, 0, -1))
    rejected = np.zeros(p.size, dtype=np.bool_)
    rejected[order] = passed
    return rejected


def _smallest(decided: Any, start: int) -> int | None:
    """Return about the smallest n >= start with ``decided(n)``, by doubling and bisection; None beyond the limit."""
    high = max(start, 1)
    while not decided(high):
        high *= 2
        if high > RUNS_LIMIT:
            return None
    low = high // 2
    while high - low > max(1, high // 1000):
        middle = (low + high) // 2
        low, high = (low, middle) if decided(middle) else (middle, high)
    return high


def runs_to_support(rate: float, delta: float, confidence: float = 0.95) -> int | None:
    """Return about how many runs bring the Clopper-Pearson limit to ``delta`` if ``rate`` persists; None if none do."""
    if rate >= delta:
        return None
    return _smallest(lambda n: clopper_pearson_upper(math.ceil(rate * n), n, confidence) <= delta, 1)


def runs_to_refute(rate: float, delta: float, level: float = 0.05) -> int | None:
    """Return about how many runs make P(Bin(n, delta) >= rate n) at most ``level``; None if none do."""
    if rate <= delta:
        return None
    return _smallest(lambda n: binomial_tail(math.floor(rate * n), n, delta) <= level, 1)


@dataclass(frozen=True, slots=True)
class SlopeFit:
    """A least-squares slope with an interval and one-sided tail probabilities.

    Attributes
    ----------
    slope, lower, upper : float
        Estimate and two-sided interval.
    error : float
        Standard error.
    dof : int
        Degrees of freedom of the Student tail.
    bias : float
        Estimated size of the bias, which interval and tails allow for on both sides.
    stretch_low, stretch_high : float
        Factors >= 1 by which the bootstrap found the tail towards small (large) true slopes to be wider than
        Student's at the interval's level.
    """

    slope: float
    lower: float
    upper: float
    error: float
    dof: int
    bias: float = 0.0
    stretch_low: float = 1.0
    stretch_high: float = 1.0

    def tail_above(self, edge: float) -> float:
        """Return the p-value of "the true slope is at most ``edge``"."""
        return self._tail(self.slope - edge, self.stretch_low)

    def tail_below(self, edge: float) -> float:
        """Return the p-value of "the true slope is at least ``edge``"."""
        return self._tail(edge - self.slope, self.stretch_high)

    def _tail(self, excess: float, stretch: float) -> float:
        if self.error == 0.0:
            return 0.0 if excess > 0 else 1.0
        return float(student_tail((excess - self.bias) / (self.error * stretch), self.dof))


def _weights(z: Array) -> Array:
    centred = z - z.mean()
    return centred / float(centred @ centred)


def fit_exact_slope(z: Array, u: Array, confidence: float = 0.95) -> SlopeFit:
    """Fit ``u = a + slope z`` to values without noise.

    The interval is Student's with the residuals for noise. Residuals of an exact curve are its curvature, not
    chance: the interval says how well one slope describes the range, and has no coverage to promise.

    Parameters
    ----------
    z, u : ndarray, shape (n,), n >= 3
    confidence : float
    """
    w = _weights(z)
    slope = float(w @ u)
    residual = u - u.mean() - slope * (z - z.mean())
    dof = z.size - 2
    rounding = 64 * np.finfo(np.float64).eps * max(1.0, float(np.abs(u).max())) * float(np.linalg.norm(w))
    error = max(math.sqrt(float(residual @ residual) / dof) * float(np.linalg.norm(w)), rounding)
    half = float(special.stdtrit(dof, 0.5 + confidence / 2)) * error
    return SlopeFit(slope, slope - half, slope + half, error, dof)


def fit_replicated_slope(z: Array, y: Array, confidence: float = 0.95, resamples: int = 2000) -> SlopeFit:
    """Fit ``log mean(y) = a + slope z`` to replicates.

    The estimated quantity is the least-squares slope of the logarithms of the true means. The interval reaches, on
    each side, as far as the wider of Student's interval with the delta-method standard error and the studentised
    bootstrap over whole replicates (columns; Efron and Tibshirani 1993, section 12.5), plus the estimated bias of the
    logarithm of a mean; it is therefore valid when a column is one run seen at every size. Tail probabilities
    beyond the reach of the resamples are Student's, stretched to agree with the interval.

    Measured coverage of the 95 % interval on power laws with 6 sizes (2,000 repetitions): 94.5 to 96 % for normal,
    Student-3, Pareto-3, log-normal (coefficient of variation 0.9) and autocorrelated noise at 100 replicates, 94 to
    96 % at 30; about 94 % where two runs in a hundred are eleven times too large.

    Parameters
    ----------
    z : ndarray, shape (n_x,)
    y : ndarray, shape (n_x, n_rep)
        Every row has a positive mean.
    confidence : float
    resamples : int

    Raises
    ------
    ParameterError
        If the mean at some size is not positive.
    """
    mean = y.mean(axis=1)
    if np.any(mean <= 0):
        raise ParameterError(f"the mean is {mean.min():g} at some size; a rate needs positive means")
    n = y.shape[1]
    w = _weights(z)
    scaled = y / mean[:, None]
    slope = float(w @ np.log(mean))
    influence = w @ scaled
    error = float(influence.std(ddof=1)) / math.sqrt(n)
    rounding = 64 * np.finfo(np.float64).eps * max(1.0, float(np.abs(np.log(mean)).max())) * float(np.linalg.norm(w))
    if error <= rounding:
        return fit_exact_slope(z, np.log(mean), confidence)
    bias = abs(float(w @ scaled.var(axis=1, ddof=1))) / (2 * n)
    student = float(special.stdtrit(n - 1, 0.5 + confidence / 2))
    t = _studentised(scaled, w, error, resamples)
    low, high = np.quantile(t, [0.5 - confidence / 2, 0.5 + confidence / 2], axis=1, method="inverted_cdf").diagonal()
    reach_low, reach_high = (min(max(student, float(q)), LOST * student) for q in (high, -low))
    return SlopeFit(
        slope=slope,
        lower=slope - reach_low * error - bias,
        upper=slope + reach_high * error + bias,
        error=error,
        bias=bias,
        dof=n - 1,
        stretch_low=reach_low / student,
        stretch_high=reach_high / student,
    )


def _studentised(scaled: Array, w: Array, error: float, resamples: int) -> Array:
    """Return the studentised slopes of bootstrap resamples of the columns of ``scaled`` (rows have mean 1).

    Resamples in which a mean is not positive, or which hardly vary, tell nothing; row 0 of the result counts them
    as -inf, row 1 as +inf, so that they widen an interval on both sides.
    """
    n = scaled.shape[1]
    rng = stream(0, "studentised bootstrap of a slope")
    batch = max(1, BATCH // n)
    parts = []
    for start in range(0, resamples, batch):
        counts = rng.multinomial(n, np.full(n, 1.0 / n), size=min(batch, resamples - start)).astype(np.float64)
        means = counts @ scaled.T / n
        positive = (means > 0).all(axis=1)
        means = np.where(means > 0, means, 1.0)
        influence = (w / means) @ scaled
        spread = (counts * influence**2).sum(axis=1) / n - ((counts * influence).sum(axis=1) / n) ** 2
        errors = np.sqrt(np.maximum(spread, 0.0) / (n - 1))
        usable = positive & (errors > 1e-3 * error)
        t = np.divide(np.log(means) @ w, errors, out=np.full(errors.shape, np.inf), where=usable)
        parts.append(np.stack([np.where(usable, t, -np.inf), t]))
    return np.concatenate(parts, axis=1)
