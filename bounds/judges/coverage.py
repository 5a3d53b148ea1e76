"""Judge of statements that hold with probability at least 1 - delta."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bounds.claims import Status, Verdict
from bounds.statistics import binomial_tail, clopper_pearson_upper, runs_to_refute, runs_to_support
from tabular import _check as check

from ._common import finite, ratio, require
from .samples import Violations

__all__ = ["CoverageJudge"]


@dataclass(frozen=True, slots=True)
class CoverageJudge:
    """The failure probability is at most delta at every point of a grid.

    ``supported`` iff the one-sided Clopper-Pearson upper limit of the violation rate is at most delta at *every*
    point (if delta is exceeded at some point, this happens with probability at most ``1 - confidence``). The
    p-value is the smallest exact binomial tail P(Bin(runs, delta) >= count) times the number of points
    (Bonferroni). The runs of each point were fixed beforehand: counts peeked at until they please have other
    tails.

    Attributes
    ----------
    confidence : float
        Of the Clopper-Pearson limit.
    """

    confidence: float = 0.95

    def __post_init__(self) -> None:
        check.fraction(self.confidence, "confidence")

    def judge(self, sample: Violations) -> Verdict:
        """Judge the counts; the statistic is the violation rate at the worst point, the threshold its delta."""
        require(sample, Violations, self)
        points = sample.count.shape[0]
        level = 1 - self.confidence
        tails = binomial_tail(sample.count, sample.runs, sample.delta)
        upper = clopper_pearson_upper(sample.count, sample.runs, self.confidence)
        p_value = min(1.0, points * float(tails.min()))
        held = upper <= sample.delta
        if p_value <= level:
            status, worst = Status.REFUTED, int(np.argmin(tails))
        else:
            status = Status.SUPPORTED if held.all() else Status.INCONCLUSIVE
            worst = int(np.argmax(upper / sample.delta))
        rate = sample.count[worst] / sample.runs[worst]
        if sample.bound is not None and sample.quantile is not None:
            tightness = ratio(sample.quantile, sample.bound)
        else:
            tightness = finite(np.max(sample.count / sample.runs / sample.delta))
        vacuous = (
            sample.bound is not None and sample.trivial is not None and bool(np.all(sample.bound >= sample.trivial))
        )
        return Verdict(
            status=status,
            statistic=float(rate),
            threshold=float(sample.delta[worst]),
            p_value=p_value,
            n=int(sample.runs.sum()),
            tightness=tightness,
            vacuous=vacuous,
            informative_from=sample.informative_from if vacuous else "",
            worst=sample.labels[worst],
            reason=self._reason(sample, status, worst, float(upper[worst])),
        )

    def _reason(self, sample: Violations, status: Status, worst: int, upper: float) -> str:
        points = sample.count.shape[0]
        count, runs, delta = int(sample.count[worst]), int(sample.runs[worst]), float(sample.delta[worst])
        seen = f"{count} violations in {runs} runs"
        if status is Status.REFUTED:
            return f"{seen} where at most a fraction {delta:g} may fail"
        if status is Status.SUPPORTED:
            return f"upper limit of the violation rate at most delta at all {points} points; largest {upper:.3g}"
        rate = count / runs
        if rate == delta:
            return f"{seen}: the rate equals delta = {delta:g}, and no number of runs decides that"
        if rate < delta:
            needed, outcome = runs_to_support(rate, delta, self.confidence), "bring the upper limit to delta"
        else:
            needed, outcome = runs_to_refute(rate, delta, (1 - self.confidence) / points), "refute"
        many = "more than a billion" if needed is None else f"about {needed}"
        return f"{seen}, upper limit {upper:.3g} > delta = {delta:g}; at this rate {many} runs would {outcome}"
