"""What the claims of contextual-bandit-oracles share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy as sp
from scipy import special

from bounds.claims import Provenance, Status, Verdict
from tabular import _check as check
from tabular.errors import ParameterError

__all__ = ["DOCS", "KEY", "PAGE", "SLUG", "K", "N", "PairedSeparationJudge", "Pairs", "T", "derived", "gamma"]

SLUG = "contextual-bandit-oracles"
KEY = "vangara2024"
DOCS = f"docs/papers/{SLUG}.md"
PAGE = f"papers/{SLUG}.md"

K, N, T, gamma = sp.symbols("K N T gamma", positive=True)

Floats = npt.NDArray[np.float64]


def derived(name: str, **constants: str) -> Provenance:
    """Return the provenance of a statement proved in the docs."""
    return Provenance("derived", f"{DOCS}, {name}", constants)


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Two quantities measured on the same instances.

    Attributes
    ----------
    larger, smaller : ndarray, shape (n,)
    label : str

    Raises
    ------
    ParameterError
        For lengths that differ, or numbers that are not finite.
    """

    larger: Any
    smaller: Any
    label: str = ""

    def __post_init__(self) -> None:
        for name in ("larger", "smaller"):
            object.__setattr__(self, name, check.as_array(getattr(self, name), name, ndim=1, error=ParameterError))
        if self.larger.shape != self.smaller.shape:
            raise ParameterError(f"larger has {self.larger.shape[0]} entries, smaller has {self.smaller.shape[0]}")


@dataclass(frozen=True, slots=True)
class PairedSeparationJudge:
    """One quantity exceeds another on more instances than the other way round, for every pair of them.

    The exact sign test of the instances on which they differ; on indicators it is McNemar's. ``supported`` iff it is
    significant at level ``1 - confidence`` for every sample, refuted iff the opposite is for one.

    Attributes
    ----------
    confidence : float
    """

    confidence: float = 0.99

    def __post_init__(self) -> None:
        check.fraction(self.confidence, "confidence")

    def judge(self, sample: Sequence[Pairs]) -> Verdict:
        """Judge the pairs; the statistic is the smallest share of instances in favour, the threshold 1/2."""
        level = 1 - self.confidence
        more = [int(np.count_nonzero(one.larger > one.smaller)) for one in sample]
        less = [int(np.count_nonzero(one.larger < one.smaller)) for one in sample]
        supports = [_at_least(k, k + j) for k, j in zip(more, less, strict=True)]
        contradicts = [_at_least(j, k + j) for k, j in zip(more, less, strict=True)]
        p_value = min(1.0, len(sample) * min(contradicts))
        if p_value <= level:
            status, i = Status.REFUTED, int(np.argmin(contradicts))
        else:
            i = int(np.argmax(supports))
            status = Status.SUPPORTED if supports[i] <= level else Status.INCONCLUSIVE
        seen = f"larger on {more[i]} instances, smaller on {less[i]}, of {sample[i].larger.size}"
        share = (more[i] + 0.5) / (more[i] + less[i] + 1.0)
        reason = seen
        if status is Status.INCONCLUSIVE:
            excess = max(abs(share - 0.5), 1e-3)
            needed = math.ceil(float(special.ndtri(self.confidence)) ** 2 / (4.0 * excess**2))
            reason = f"{seen}: about {needed} instances that differ would decide"
        return Verdict(
            status=status,
            statistic=share,
            threshold=0.5,
            p_value=p_value,
            n=sum(one.larger.size for one in sample),
            worst=sample[i].label,
            reason=reason,
        )


def _at_least(k: int, n: int) -> float:
    """Return the probability of at least k heads in n tosses of a fair coin."""
    return 1.0 if k <= 0 else float(special.bdtrc(k - 1, n, 0.5))
