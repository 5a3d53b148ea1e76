"""Claims of contextual-bandit-oracles about the batch loop."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bounds.claims import Claim, Control, Evidence, Finding, Kind
from bounds.judges import Comparison, IdentityJudge, SeparationJudge, TwoSamples

from ._contextual_common import KEY, PAGE, SLUG, PairedSeparationJudge, Pairs, derived

__all__ = ["CLAIMS"]

#: A generation's greedy value that moves by more than this does not stand still.
THRESHOLD = 0.005
GAMMAS = (30, 100, 300, 1000)


def _times(evidence: Evidence, variant: str) -> np.ndarray:
    """Return for each instance at how many of the four gammas it oscillates."""
    return np.asarray((evidence.column(f"amplitude, {variant}") > THRESHOLD).sum(axis=1), dtype=np.float64)


def _oscillation(variant: str) -> Callable[[Evidence], tuple[Pairs, ...]]:
    def measure(evidence: Evidence) -> tuple[Pairs, ...]:
        kept = evidence.where(f"{SLUG}/loops")
        mine = _times(kept, variant)
        return tuple(Pairs(mine, _times(kept, other), f"{variant} against {other}") for other in ("all", "tabular"))

    return measure


OSCILLATION = Claim(
    id=f"{SLUG}/oscillation",
    paper=f"{KEY}, oscillation of successive generations; the comparison of proportions is ours",
    kind=Kind.SEPARATION,
    statement=r"\text{last log only, lines: }\max-\min\text{ of the greedy value over generations }41\text{ to }60"
    r"\text{ exceeds }0.005\text{ more often than with all logs, and than with tables (sign test, }p<0.01)",
    judge=PairedSeparationJudge(0.99),
    studies=(f"{SLUG}/loops",),
    measure=_oscillation("memory 1"),
    control=Control("tabular", "the realisable class stands in for the lines", _oscillation("tabular")),
    provenance=derived("oscillation, measured", **{"0.005": "derived: threshold of this page"}),
    finding=Finding(
        title="Generations of a deployed bandit oscillate without any noise",
        text="A model refitted on the last generation's log alone keeps changing its greedy policy on many random "
        "instances, in the limit of infinite logs, as soon as its class is misspecified: what is explored "
        "decides where the fit is good, and the fit decides what is explored. More exploitation (a larger gamma) makes "
        "it more frequent. All logs together make it rare and small; a realisable class or inverse-propensity weights "
        "stop it.",
        docs=f"{PAGE}#why-generations-oscillate",
    ),
)


def _constant(*variants: str) -> Callable[[Evidence], Comparison]:
    def measure(evidence: Evidence) -> Comparison:
        kept = evidence.where(f"{SLUG}/loops")
        left = np.concatenate([kept.column(f"farthest, {name}").ravel() for name in variants])
        right = np.concatenate([kept.column(f"second, {name}").ravel() for name in variants])
        named = [
            f"{record.label}, {name} [{i}]"
            for name in variants
            for record in kept
            for i in range(np.size(record[f"second, {name}"]))
        ]
        return Comparison(left, right, labels=named)

    return measure


NO_OSCILLATION = Claim(
    id=f"{SLUG}/no-oscillation",
    paper=f"{KEY}, the remedy; proved here",
    kind=Kind.IDENTITY,
    statement=r"\text{infinite logs, positive weights, and a realisable class or inverse-propensity weights:}\quad "
    r"V(p_g)=V(p_2)\ \text{ for all generations }g\ge2",
    judge=IdentityJudge(tolerance=1e-9),
    studies=(f"{SLUG}/loops",),
    measure=_constant("tabular", "propensity"),
    control=Control("lines", "lines, rows not weighted", _constant("memory 1")),
    provenance=derived("no-oscillation"),
)


def _drops(variant: str) -> Callable[[Evidence], TwoSamples]:
    def measure(evidence: Evidence) -> TwoSamples:
        kept = evidence.where(f"{SLUG}/loops")
        largest = kept.column(f"drop, {variant}").max(axis=0)
        named = [f"{variant}, gamma = {gamma}" for gamma in GAMMAS]
        return TwoSamples(largest, np.zeros(largest.shape), labels=named)

    return measure


DEGRADE = Claim(
    id=f"{SLUG}/improve-then-degrade",
    paper=f"{KEY}, a better logging policy can yield a worse next policy; existence, by search",
    kind=Kind.SEPARATION,
    statement=r"\exists\text{ instance, }g:\quad V(p_{g+1})>V(p_g)+0.005\ \text{ and yet }\ V(p_{g+2})<V(p_{g+1})"
    r"-0.005,\ \text{where }p_{g+1}\text{ was learned from the log of }p_g\text{ alone}",
    judge=SeparationJudge(margin=THRESHOLD),
    studies=(f"{SLUG}/loops",),
    measure=_drops("memory 1"),
    control=Control("tabular", "the realisable class", _drops("tabular")),
    provenance=derived("improve-then-degrade, by example"),
)

CLAIMS = (OSCILLATION, NO_OSCILLATION, DEGRADE)
