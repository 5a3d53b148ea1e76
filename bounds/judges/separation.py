"""Judge of separations: one quantity is larger than another, at every point of a grid."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from bounds.claims import Status, Verdict
from tabular import _check as check

from ._common import finite, require
from .samples import TwoSamples

__all__ = ["SeparationJudge"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SeparationJudge:
    """``larger > factor * smaller + margin`` at every point.

    Exact values decide by comparison: a point without the strict inequality refutes. Replicates are judged by
    Welch's unequal-variance t-test of the means at each point; ``supported`` iff it is significant at level
    ``1 - confidence`` at *every* point, and the p-value of the opposite (``larger < factor * smaller + margin``
    somewhere) is the smallest of the points' times their number. No p-value falls below one over the number
    of ways to deal the replicates to the two sides: that is the most that so many draws can say, so that two
    samples which happen not to vary are not taken for certainty.

    Attributes
    ----------
    factor : float
        > 0.
    margin : float
    confidence : float
    """

    factor: float = 1.0
    margin: float = 0.0
    confidence: float = 0.95

    def __post_init__(self) -> None:
        check.number(self.factor, "factor", low=0.0, open_low=True)
        check.number(self.margin, "margin")
        check.fraction(self.confidence, "confidence")

    def judge(self, sample: TwoSamples) -> Verdict:
        """Judge the two sides; the statistic is the smallest ``mean(larger) - factor * mean(smaller)``."""
        require(sample, TwoSamples, self)
        if sample.larger.ndim == 1 and sample.smaller.ndim == 1:
            return self._exact(sample)
        return self._noisy(sample)

    def _exact(self, sample: TwoSamples) -> Verdict:
        gap = sample.larger - self.factor * sample.smaller
        failed = int(np.count_nonzero(gap <= self.margin))
        worst = int(np.argmin(gap))
        points = gap.shape[0]
        return Verdict(
            status=Status.REFUTED if failed else Status.SUPPORTED,
            statistic=finite(gap[worst]),
            threshold=float(self.margin),
            p_value=None,
            n=points,
            worst=sample.labels[worst],
            reason=f"no separation at {failed} of {points} points" if failed else f"separated at all {points} points",
        )

    def _noisy(self, sample: TwoSamples) -> Verdict:
        gap, error, dof, floor = _welch(sample, self.factor)
        excess = gap - self.margin
        t = np.divide(excess, error, out=np.where(excess > 0, np.inf, -np.inf), where=error > 0)
        t[excess == 0] = 0.0
        supports = np.maximum(special.stdtr(dof, -t), floor)
        contradicts = np.maximum(special.stdtr(dof, t), floor)
        points = gap.shape[0]
        level = 1 - self.confidence
        p_value = min(1.0, points * float(contradicts.min()))
        worst = int(np.argmax(supports))
        if p_value <= level:
            status, worst = Status.REFUTED, int(np.argmin(contradicts))
        else:
            status = Status.SUPPORTED if np.all(supports <= level) else Status.INCONCLUSIVE
        replicates = max(side.shape[1] if side.ndim == 2 else 1 for side in (sample.larger, sample.smaller))
        return Verdict(
            status=status,
            statistic=finite(gap[worst]),
            threshold=float(self.margin),
            p_value=p_value,
            n=int(sample.larger.size + sample.smaller.size),
            worst=sample.labels[worst],
            reason=self._reason(status, float(excess[worst]), float(error[worst]), points, replicates),
        )

    def _reason(self, status: Status, excess: float, error: float, points: int, replicates: int) -> str:
        seen = f"difference beyond the margin {excess:.4g} with standard error {error:.3g}"
        if status is Status.REFUTED:
            return f"{seen}: significantly the other way"
        if status is Status.SUPPORTED:
            return f"significantly separated at all {points} points; the least: {seen}"
        if excess == 0 or error == 0:
            return f"{seen}: more replicates are needed, how many cannot be said from these"
        level = (1 - self.confidence) / (1 if excess > 0 else points)
        needed = math.ceil(replicates * max(1.0, (float(special.ndtri(1 - level)) * error / excess) ** 2))
        return f"{seen}; about {needed} replicates would {'show the separation' if excess > 0 else 'refute'}"


def _welch(sample: TwoSamples, factor: float) -> tuple[Array, Array, Array, float]:
    """Return difference of means, its standard error, degrees of freedom, and the smallest p-value possible."""
    larger, smaller = sample.larger, factor * sample.smaller
    points = larger.shape[0]
    means, variances, freedoms, sizes = [], [], [], []
    for side in (larger, smaller):
        if side.ndim == 1:
            means.append(side)
            continue
        n = side.shape[1]
        means.append(side.mean(axis=1))
        variances.append(side.var(axis=1, ddof=1) / n)
        freedoms.append(n - 1)
        sizes.append(n)
    total = np.sum(variances, axis=0)
    spread = np.sum([v**2 / nu for v, nu in zip(variances, freedoms, strict=True)], axis=0)
    dof = np.divide(total**2, spread, out=np.full(points, float(min(freedoms))), where=spread > 0)
    if len(sizes) == 2:
        floor = math.exp(-(math.lgamma(sum(sizes) + 1) - math.lgamma(sizes[0] + 1) - math.lgamma(sizes[1] + 1)))
    else:
        floor = 0.5 ** sizes[0]
    return means[0] - means[1], np.sqrt(total), dof, floor
