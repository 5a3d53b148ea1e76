"""Judges of statements without chance: one exact counterexample refutes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bounds.claims import Status, Verdict
from tabular import _check as check

from ._common import finite, ratio, require
from .samples import Comparison

__all__ = ["IdentityJudge", "InequalityJudge", "LowerBoundJudge"]


@dataclass(frozen=True, slots=True)
class IdentityJudge:
    r"""Two quantities are equal at every point.

    A point passes iff ``|left - right| <= tolerance * max(scale, |left|, |right|)``; with ``exact`` samples
    the tolerance is 0.

    Attributes
    ----------
    tolerance : float
        Relative allowance for rounding, in [0, 1).
    """

    tolerance: float = 1e-9

    def __post_init__(self) -> None:
        check.number(self.tolerance, "tolerance", low=0.0, high=1.0, open_high=True)

    def judge(self, sample: Comparison) -> Verdict:
        """Return ``supported`` if the sides agree at every point, else ``refuted``; the statistic is the worst gap."""
        require(sample, Comparison, self)
        tolerance = 0.0 if sample.exact else self.tolerance
        with np.errstate(over="ignore"):
            gap = abs(sample.left - sample.right)
            largest = [finite(one) for one in np.maximum(abs(sample.left), abs(sample.right))]
            size = np.maximum(sample.scale, largest)
            error = np.array([finite(one) for one in gap]) / size
        unequal = np.asarray(sample.left != sample.right) if sample.exact else error > tolerance
        worst = int(np.argmax(error + unequal))
        failed = int(np.count_nonzero(unequal))
        points = sample.left.shape[0]
        if failed:
            status = Status.REFUTED
            reason = f"the sides differ at {failed} of {points} points, by {error[worst]:.3g} relative at worst"
        else:
            status = Status.SUPPORTED
            reason = f"the sides agree at all {points} points" + (
                " in rational arithmetic" if sample.exact else f" within {tolerance:g} relative"
            )
        return Verdict(
            status=status,
            statistic=finite(error[worst]),
            threshold=tolerance,
            p_value=None,
            n=points,
            worst=sample.labels[worst],
            reason=reason,
        )


def _one_sided(sample: Comparison, slack: float, *, vacuous: bool) -> Verdict:
    """Judge ``left <= right + slack * scale`` at every point."""
    slack = 0.0 if sample.exact else slack
    with np.errstate(over="ignore"):
        difference = sample.left - sample.right
        beyond = np.asarray(sample.left > sample.right) if sample.exact else difference > slack * sample.scale
        excess = np.array([finite(one) for one in difference]) / sample.scale
    failed = int(np.count_nonzero(beyond))
    worst = int(np.argmax(np.where(beyond, excess, -np.inf) if failed else excess))
    points = sample.left.shape[0]
    telling = beyond | np.asarray(sample.right > slack * sample.scale, dtype=bool)
    if failed:
        status = Status.REFUTED
        reason = f"violated at {failed} of {points} points, by {excess[worst]:.3g} of the scale at worst"
    else:
        status = Status.SUPPORTED
        reason = f"held at all {points} points" + (" in rational arithmetic" if sample.exact else "")
        if vacuous:
            reason += ", where the bound is no better than the trivial one"
    return Verdict(
        status=status,
        statistic=finite(excess[worst]),
        threshold=slack,
        p_value=None,
        n=points,
        tightness=ratio(sample.left[telling], sample.right[telling]),
        vacuous=vacuous,
        informative_from=sample.informative_from if vacuous else "",
        worst=sample.labels[worst],
        reason=reason,
    )


@dataclass(frozen=True, slots=True)
class InequalityJudge:
    """What was measured (``left``) is at most its bound (``right``) at every point.

    A point passes iff ``left - right <= slack * scale``; with ``exact`` samples the slack is 0. The statistic is
    the worst ``(left - right) / scale``, the tightness the worst ``left / right``, bounds within the allowance for
    rounding left out. The bound is vacuous iff ``right >= trivial`` at every point.

    Attributes
    ----------
    slack : float
        Allowance for rounding, in units of the sample's scale.
    """

    slack: float = 1e-10

    def __post_init__(self) -> None:
        check.number(self.slack, "slack", low=0.0)

    def judge(self, sample: Comparison) -> Verdict:
        """Return ``supported`` if the bound held at every point, else ``refuted``."""
        require(sample, Comparison, self)
        vacuous = sample.trivial is not None and bool(np.all(sample.right >= sample.trivial))
        return _one_sided(sample, self.slack, vacuous=vacuous)


@dataclass(frozen=True, slots=True)
class LowerBoundJudge:
    """The lower bound (``left``) is at most the risk (``right``) at every point.

    ``right`` is the exact Bayes risk of an instance family, or the risk of an algorithm; the labels say which.
    The statistic is the worst ``(left - right) / scale``, the tightness the worst ``left / right``. The bound is
    vacuous iff ``left <= trivial`` at every point.

    Attributes
    ----------
    slack : float
        Allowance for rounding, in units of the sample's scale.
    """

    slack: float = 1e-10

    def __post_init__(self) -> None:
        check.number(self.slack, "slack", low=0.0)

    def judge(self, sample: Comparison) -> Verdict:
        """Return ``supported`` if no risk falls below the bound, else ``refuted``."""
        require(sample, Comparison, self)
        vacuous = sample.trivial is not None and bool(np.all(sample.left <= sample.trivial))
        return _one_sided(sample, self.slack, vacuous=vacuous)
