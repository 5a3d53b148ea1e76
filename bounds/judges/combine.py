"""Judge of statements in several parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bounds.claims import Judge, Status, Verdict
from tabular.errors import ParameterError

from ._common import worst_status

__all__ = ["AllOf"]


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part of a statement holds, each by its own judge.

    The worst status wins (refuted, skipped, inconclusive, supported). The p-value is the smallest of the parts'
    times the number of parts that have one; it is None where a part was refuted by an exact counterexample,
    which needs no correction, and where no part has one. A statement one of whose parts is vacuous is marked so.

    Attributes
    ----------
    judges : tuple of Judge
        At least one; the sample is a tuple with one sample a judge.
    """

    judges: tuple[Judge, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "judges", tuple(self.judges))
        if not self.judges:
            raise ParameterError("judges is empty; a statement has at least one part")

    def judge(self, sample: tuple[Any, ...]) -> Verdict:
        """Judge all parts; statistic, threshold, tightness and worst instance are those of the worst part."""
        if not isinstance(sample, tuple) or len(sample) != len(self.judges):
            raise ParameterError(f"AllOf of {len(self.judges)} judges needs a tuple of as many samples")
        parts = [judge.judge(one) for judge, one in zip(self.judges, sample, strict=True)]
        status = worst_status(part.status for part in parts)
        p_values = [part.p_value for part in parts if part.p_value is not None]
        counterexample = any(part.status is Status.REFUTED and part.p_value is None for part in parts)
        p_value = None if counterexample or not p_values else min(1.0, len(p_values) * min(p_values))

        def rank(i: int) -> tuple[bool, float]:
            part = parts[i]
            return part.status is not status, -1.0 if part.p_value is None else part.p_value

        worst = min(range(len(parts)), key=rank)
        chosen = parts[worst]
        tightness = [part.tightness for part in parts if part.tightness is not None]
        vacuous = any(part.vacuous for part in parts)
        return Verdict(
            status=status,
            statistic=chosen.statistic,
            threshold=chosen.threshold,
            p_value=p_value,
            n=sum(part.n for part in parts),
            tightness=chosen.tightness if chosen.tightness is not None else max(tightness, default=None),
            vacuous=vacuous,
            informative_from="; ".join(part.informative_from for part in parts if part.informative_from),
            worst=chosen.worst,
            reason=chosen.reason if len(parts) == 1 else f"part {worst + 1} of {len(parts)}: {chosen.reason}",
        )
