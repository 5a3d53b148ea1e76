"""Judge of rates: the exponent of a power law, or of an exponential."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from bounds.claims import Status, Verdict
from bounds.statistics import SlopeFit, fit_exact_slope, fit_replicated_slope
from tabular import _check as check
from tabular.errors import ParameterError

from ._common import finite, require, worst_status
from .samples import Curve, Curves

__all__ = ["RateJudge"]


@dataclass(frozen=True, slots=True)
class RateJudge:
    """The slope of ``log y`` against ``log x`` lies on the claimed side of an exponent.

    The judged statement is ``slope <= exponent + tolerance`` (``at-most``), ``slope >= exponent - tolerance``
    (``at-least``) or ``|slope - exponent| <= tolerance`` (``equal``), where the slope is that of the least-squares
    line through the logarithms of the true means at the sizes measured. ``supported`` iff the whole interval of
    every curve's slope satisfies it. The p-value is that of the curve that most contradicts it, times the
    number of curves.

    Replicated curves get the wider of a studentised bootstrap interval and Student's
    (`bounds.statistics.fit_replicated_slope`); where a mean is not positive, the verdict is inconclusive. Curves
    without noise get Student's interval of the residuals, which measures curvature instead of chance; its
    p-value says how far the deviation exceeds the curvature, and is no probability.

    Attributes
    ----------
    exponent : float
    side : {"at-most", "at-least", "equal"}
    tolerance : float
        Allowance for logarithmic factors and finite sizes, >= 0; > 0 for ``equal``, which could otherwise never be
        supported.
    confidence : float
        Of the two-sided interval.
    resamples : int
        Bootstrap resamples, at least 100.
    exponential : bool
        Fit ``log y`` against ``x`` itself: the exponent is then one a sample.
    """

    exponent: float
    side: str = "at-most"
    tolerance: float = 0.0
    confidence: float = 0.95
    resamples: int = 2000
    exponential: bool = False

    def __post_init__(self) -> None:
        check.number(self.exponent, "exponent")
        check.choice(self.side, "side", ("at-most", "at-least", "equal"))
        check.number(self.tolerance, "tolerance", low=0.0)
        check.fraction(self.confidence, "confidence")
        check.count(self.resamples, "resamples", low=100)
        if self.side == "equal" and self.tolerance == 0.0:
            raise ParameterError("tolerance is 0; an interval never lies inside a point, give 'equal' a tolerance > 0")

    def fit(self, curve: Curve) -> SlopeFit:
        """Return the slope of one curve with its interval."""
        if not self.exponential and curve.x[0] <= 0:
            raise ParameterError(f"x[0] is {curve.x[0]:g}; a power law needs positive sizes")
        z = curve.x if self.exponential else np.log(curve.x)
        if curve.y.ndim == 2:
            return fit_replicated_slope(z, curve.y, self.confidence, self.resamples)
        if np.any(curve.y <= 0):
            raise ParameterError(f"y is {curve.y.min():g} at some size; a rate needs positive values")
        return fit_exact_slope(z, np.log(curve.y), self.confidence)

    def judge(self, sample: Curves) -> Verdict:
        """Judge the curves; the statistic is the slope of the worst one."""
        require(sample, Curves, self)
        for i, curve in enumerate(sample.curves):
            if curve.y.ndim == 2 and np.any(curve.y.mean(axis=1) <= 0):
                return self._undefined(sample, i)
        fits = [self.fit(curve) for curve in sample.curves]
        p_values = [self._p_value(fit) for fit in fits]
        statuses = [self._status(fit) for fit in fits]
        p_value = min(1.0, len(fits) * min(p_values))
        status = worst_status(statuses)
        if p_value <= 1 - self.confidence:
            status = Status.REFUTED
        worst = min(range(len(fits)), key=lambda i: (p_values[i], -self._overhang(fits[i])))
        if status is Status.INCONCLUSIVE:
            worst = max(range(len(fits)), key=lambda i: self._overhang(fits[i]))
        label = sample.curves[worst].label or f"curve {worst}"
        return Verdict(
            status=status,
            statistic=finite(fits[worst].slope),
            threshold=self._edge(fits[worst]),
            p_value=p_value,
            n=sum(curve.y.size for curve in sample.curves),
            worst=label,
            reason=self._reason(fits[worst], sample.curves[worst], status, len(fits)),
        )

    def _undefined(self, sample: Curves, i: int) -> Verdict:
        """Return the verdict where some measured mean is not positive: no logarithm, no slope."""
        curve = sample.curves[i]
        where = int(np.argmin(curve.y.mean(axis=1)))
        return Verdict(
            status=Status.INCONCLUSIVE,
            statistic=0.0,
            threshold=self.exponent,
            p_value=1.0,
            n=sum(one.y.size for one in sample.curves),
            worst=curve.label or f"curve {i}",
            reason=f"the mean of {curve.y.shape[1]} replicates at x = {curve.x[where]:g} is"
            f" {curve.y[where].mean():g}, a slope needs positive means: more replicates, or smaller x",
        )

    def _edge(self, fit: SlopeFit) -> float:
        """Edge of the claimed side that this slope is nearest to leaving."""
        above = self.exponent + self.tolerance
        below = self.exponent - self.tolerance
        if self.side == "equal":
            return above if fit.slope >= self.exponent else below
        return above if self.side == "at-most" else below

    def _p_value(self, fit: SlopeFit) -> float:
        above = fit.tail_above(self.exponent + self.tolerance)
        below = fit.tail_below(self.exponent - self.tolerance)
        if self.side == "equal":
            return min(1.0, 2 * min(above, below))
        return above if self.side == "at-most" else below

    def _overhang(self, fit: SlopeFit) -> float:
        """How far the interval reaches beyond the claimed side (negative: not at all)."""
        above = fit.upper - (self.exponent + self.tolerance)
        below = (self.exponent - self.tolerance) - fit.lower
        return {"at-most": above, "at-least": below, "equal": max(above, below)}[self.side]

    def _status(self, fit: SlopeFit) -> Status:
        return Status.SUPPORTED if self._overhang(fit) <= 0 else Status.INCONCLUSIVE

    def _reason(self, fit: SlopeFit, curve: Curve, status: Status, curves: int) -> str:
        words = {"at-most": "at most", "at-least": "at least", "equal": "equal to"}[self.side]
        claimed = f"{words} {self.exponent:g}" + (f" within {self.tolerance:g}" if self.tolerance else "")
        seen = f"slope {fit.slope:.4g} in [{fit.lower:.4g}, {fit.upper:.4g}], claimed {claimed}"
        if status is Status.REFUTED:
            return seen
        if status is Status.SUPPORTED:
            return seen + ("" if curves == 1 else f"; the other {curves - 1} curves alike")
        outside = self._overhang(fit)
        edge = self._edge(fit)
        distance = abs(edge - fit.slope)
        if curve.y.ndim == 1:
            return f"{seen}; the curve bends too much over these sizes, larger ones would decide"
        if distance == 0:
            return f"{seen}; the slope lies on the edge, and no number of replicates decides that"
        inside = fit.slope <= edge if edge > self.exponent or self.side == "at-most" else fit.slope >= edge
        if inside:
            factor, outcome = ((outside + distance) / distance) ** 2, "bring the interval to the claimed side"
        else:
            level = (1 - self.confidence) / curves / (2 if self.side == "equal" else 1)
            factor, outcome = (float(special.ndtri(1 - level)) * fit.error / distance) ** 2, "refute"
        return f"{seen}; about {math.ceil(max(factor, 1.0) * curve.y.shape[1]):.3g} replicates would {outcome}"
