"""Claims of lsd-bandits about the coupling, simulated runs, and learning."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from bounds.claims import Claim, Control, Evidence, Finding, Kind, Provenance
from bounds.judges import (
    Comparison,
    Curve,
    Curves,
    IdentityJudge,
    InequalityJudge,
    MeanBound,
    MeanBoundJudge,
    RateJudge,
)

from ._lsd_common import DOCS, KEY, ONE_OVER_E, PAGE, SLUG, comparison, derived

__all__ = ["CLAIMS"]

COUPLING = Claim(
    id=f"{SLUG}/coupling",
    paper=f"{KEY}, mirrored virtual states",
    kind=Kind.IDENTITY,
    statement=r"\#\{(i,t):\ \tau_i^{\mathrm{real}}(t)<\tau_i^{\mathrm{virtual}}(t)\}=0\quad"
    r"\text{(any payoffs, any policies)}",
    judge=IdentityJudge(tolerance=0.0),
    studies=(f"{SLUG}/coupling",),
    measure=comparison("coupling", ("below",), lambda below: (below, np.zeros_like(below))),
    control=Control(
        "stray",
        "a random arm is pulled where no arm is a candidate",
        comparison("coupling", ("stray",), lambda stray: (stray, np.zeros_like(stray))),
    ),
    provenance=derived("coupling"),
)


def _draws(evidence: Evidence) -> Comparison:
    """Compare the mean over draws with the exact value, in four standard errors."""
    kept = evidence.where(f"{SLUG}/simulation")
    return _within(kept, "promised")


def _one_draw(evidence: Evidence) -> Comparison:
    """Do the same with blocks of one draw of the tight family."""
    return _within(evidence.where(f"{SLUG}/simulation", family="tight"), "single")


def _within(kept: Evidence, name: str) -> Comparison:
    values = [np.asarray(record[name], dtype=np.float64) for record in kept]
    exact = np.array([float(record["exact"][0]) for record in kept])
    off = np.abs(np.array([one.mean() for one in values]) - exact)
    error = np.array([one.std(ddof=1) / np.sqrt(one.size) for one in values])
    return Comparison(off, 4.0 * error, labels=[record.label for record in kept])


OFFSETS = Claim(
    id=f"{SLUG}/offsets",
    paper=f"{KEY}, mirrored virtual states",
    kind=Kind.INEQUALITY,
    statement=r"\text{the mean promised payoff over independent draws of the virtual states}"
    r"\text{ is within 4 standard errors of the exact sum}",
    judge=InequalityJudge(slack=1e-7),
    studies=(f"{SLUG}/simulation",),
    measure=_draws,
    control=Control("one-draw", "time averages of one draw, ties to the smallest arm: the run is periodic", _one_draw),
    provenance=derived("offsets"),
)


def _spikes(name: str) -> Callable[[Evidence], MeanBound]:
    def measure(evidence: Evidence) -> MeanBound:
        kept = evidence.where(f"{SLUG}/spike")
        return MeanBound(
            [np.asarray(record[name]) for record in kept],
            [(1.0 - ONE_OVER_E) * float(record[f"{name}_lp"][0]) for record in kept],
            labels=[record.label for record in kept],
            trivial=1.0,
        )

    return measure


MONOTONE = Claim(
    id=f"{SLUG}/monotone-needed",
    paper=f"{KEY}, role of monotonicity",
    kind=Kind.SEPARATION,
    statement=r"p_i(\tau)=1\{\tau=n-1\}:\ \text{real payoff of mirrored virtual states, ties at random,}\ "
    r"<(1-1/e)\,\mathrm{LP}^*",
    judge=MeanBoundJudge(confidence=0.99),
    studies=(f"{SLUG}/spike",),
    measure=_spikes("spike"),
    control=Control("monotone", "the same arms paying 1 after n - 1 idle rounds or more", _spikes("tight")),
    provenance=derived("monotone-needed"),
    bound=(1 - sp.exp(-1)) * sp.Symbol("LP", positive=True),
)


def _regret(rested: str, instance: str = "unique") -> Callable[[Evidence], Curves]:
    def measure(evidence: Evidence) -> Curves:
        found = evidence.where(f"{SLUG}/regret", instance=instance, learner="commit", rested=rested)
        kept = sorted(found, key=lambda record: int(record["horizon"]))
        sizes = [float(record["horizon"]) for record in kept]
        regret = np.array([np.asarray(record["regret"])[:, 0] for record in kept])
        return Curves((Curve(sizes, regret, f"explore and commit, {instance}, rest {rested}"),))

    return measure


REGRET = Claim(
    id=f"{SLUG}/regret",
    paper=f"{KEY}, learning",
    kind=Kind.RATE,
    statement=r"\text{explore and commit, unique optimum of the program: regret against the informed rounding}"
    r"=\tilde O(T^{2/3});\ \text{judged: slope at most }\tfrac23+\tfrac1{12}=\tfrac34",
    judge=RateJudge(2 / 3, "at-most", tolerance=1 / 12),
    studies=(f"{SLUG}/regret",),
    measure=_regret("explored"),
    control=Control("rest-assumed", "states of two idle rounds and more are not explored", _regret("assumed")),
    provenance=Provenance("recalled", "sublinear regret as in the abstract", {"exponent": f"derived: {DOCS}, regret"}),
)

TIE = Claim(
    id=f"{SLUG}/regret-near-tie",
    paper=f"{KEY}, learning: what the comparison may be",
    kind=Kind.RATE,
    statement=r"\text{nearly two optima of the program, one of which rounds worse: regret against the informed}"
    r"\text{ rounding grows like }T\text{; judged: slope at least }1-\tfrac16",
    judge=RateJudge(1.0, "at-least", tolerance=1 / 6),
    studies=(f"{SLUG}/regret",),
    measure=_regret("explored", "near-tie"),
    control=Control("unique", "the instance with a unique optimum", _regret("explored")),
    provenance=derived("regret-near-tie"),
    finding=Finding(
        title="A learner cannot compete with the rounding itself, only with its guarantee",
        text=r"The rounding of an optimal solution of the program is no continuous function of the payoffs. Where two "
        r"solutions nearly tie and one rounds worse, estimates choose the wrong one about as often as not, and regret "
        r"against the rounding that knows the payoffs is linear until the tie is resolved. Against "
        r"$(1-1/e)\,\mathrm{LP}^*$ explore-and-commit has regret $\tilde O(T^{2/3})$ on every monotone instance.",
        docs=f"{PAGE}#regret-near-tie",
    ),
)

CLAIMS = (COUPLING, OFFSETS, MONOTONE, REGRET, TIE)
