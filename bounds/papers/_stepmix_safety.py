"""Claims of stepmix on safety: no violation, what a cumulative constraint leaves open, how long safe learners wait."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy as sp
from scipy import special

from bounds.claims import Assumption, Claim, Control, Evidence, Kind, Provenance
from bounds.judges import AllOf, Comparison, CoverageJudge, LowerBoundJudge, SeparationJudge, TwoSamples, Violations

from ._stepmix_common import DOCS, KEY, SLUG, derived

__all__ = ["CLAIMS", "least_wait"]

SAFETY = f"{SLUG}/safety"
RIGOROUS = ("stepmix", "epsmix")
BROKEN = ("stepmix, plug-in", "epsmix, plug-in", "stepmix, small radius", "epsmix, small radius", "unconstrained")


def _pooled(evidence: Evidence, learners: Sequence[str], column: str, failed: Callable[[Any], Any]) -> Violations:
    """Count runs in which ``failed(column)``, blocks of the same family and learner put together."""
    kept = Evidence(tuple(record for record in evidence.where(SAFETY) if record["learner"] in learners))
    count, runs, delta, names = [], [], [], []
    for _, blocks in kept.groups("family", "learner"):
        values = blocks.column(column)
        count.append(int(np.count_nonzero(failed(values))))
        runs.append(values.size)
        delta.append(float(blocks.records[0]["delta"]))
        names.append(blocks.records[0].label)
    return Violations(count, runs, delta, names)


def _violations(evidence: Evidence) -> Violations:
    return _pooled(evidence, RIGOROUS, "violating", lambda value: value > 0)


def _least_broken(evidence: Evidence) -> Violations:
    """Return the counts of the broken variant that violates least often, on the traps."""
    found = [_pooled(evidence, (name,), "violating", lambda value: value > 0) for name in BROKEN]
    worst = min(found, key=lambda one: float(np.max(one.count / one.runs)))
    return worst


ZERO_VIOLATION = Claim(
    id=f"{SLUG}/zero-violation",
    paper=f"{KEY}, Thms on StepMix and EpsMix",
    kind=Kind.HIGH_PROBABILITY,
    statement=(
        r"\Pr\{V^{\pi^k}_1(s_1)\ge\gamma\ \text{for all }k\le K\}\ge1-\delta\ \text{for StepMix, and for the mixture "
        r"value of EpsMix: KL evaluator, factor 1, }\delta=0.1"
    ),
    judge=CoverageJudge(),
    studies=(SAFETY,),
    measure=_violations,
    control=Control(
        "least-of-five",
        "of plug-in bounds (both learners), 0.05 times the radius (both), no constraint: the one that violates least",
        _least_broken,
    ),
    provenance=Provenance("derived", f"{DOCS}#zero-violation", {"1-delta": "confirmed: abstract of li2023"}),
)


def _not_enough(spender: str) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> tuple[Any, ...]:
        kept = evidence.where(SAFETY, learner="budget")
        family = kept.records[0]["family"]
        here = Evidence(tuple(record for record in evidence.where(SAFETY) if record["family"] == family))
        violating = {name: here.where(learner=name).column("violating") for name in (spender, "stepmix")}
        return (
            _pooled(here, (spender,), "cumulative", lambda value: value < -1e-9),
            TwoSamples(violating[spender][None] > 0, violating["stepmix"][None] > 0, [f"{family}: {spender}"]),
            _pooled(here, ("stepmix",), "violating", lambda value: value > 0),
        )

    return measure


NOT_ENOUGH = Claim(
    id=f"{SLUG}/cumulative-not-enough",
    paper=f"{KEY}, Sec. 1; yang2022",
    kind=Kind.SEPARATION,
    statement=(
        r"\text{Trap: budget exploration keeps }\sum_{j\le k}V^{\pi^j}\ge k\gamma\ \forall k\text{ (w.p. }1-\delta),"
        r"\text{ and yet }V^{\pi^k}<\gamma\text{ for some }k\text{ in more than half of the runs; StepMix has none}"
    ),
    judge=AllOf((CoverageJudge(), SeparationJudge(margin=0.5), CoverageJudge())),
    studies=(SAFETY,),
    measure=_not_enough("budget"),
    control=Control("other-learner", "StepMix stands in for budget exploration", _not_enough("stepmix")),
    provenance=derived("cumulative-not-enough"),
)  # fmt: skip


def relative_entropy(p: Any, q: Any) -> Any:
    """Return kl(p, q) of two Bernoulli laws."""
    return special.rel_entr(p, q) + special.rel_entr(1.0 - p, 1.0 - q)


def least_wait(delta: float, divergence: float, episodes: int) -> float:
    r"""Return a lower bound on the mean number of pure-baseline episodes, cut at ``episodes``, of any safe learner.

    :math:`\sum_{n<K}(1-u_n)` with :math:`u_n=\sup\{q\ge\delta:kl(\delta,q)\le nd\}`, where d is the relative
    entropy of one episode of the baseline under the two instances (``divergence``).
    """
    information = divergence * np.arange(episodes)
    low, high = np.full(episodes, delta), np.ones(episodes)
    for _ in range(60):
        middle = 0.5 * (low + high)
        inside = relative_entropy(delta, middle) <= information
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return float((1.0 - high).sum())


def _waits(broken: bool) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> Comparison:
        kept = [record for record in evidence.where(f"{SLUG}/departures") if ("plug-in" in record["learner"]) is broken]
        bound = [
            least_wait(
                float(record["delta"]), float(relative_entropy(0.5, 0.5 + record["kappa"])), int(record["episodes"])
            )
            for record in kept
        ]
        measured: npt.NDArray[np.float64] = np.array([record["wait"].mean() for record in kept])
        return Comparison(bound, measured, scale=np.array(bound), trivial=0.0, labels=[record.label for record in kept])

    return measure


kappa, delta = sp.symbols("kappa delta", positive=True)

LOWER_BOUND = Claim(
    id=f"{SLUG}/lower-bound",
    paper=f"yang2022, Thm on the lower bound (cumulative constraint); {KEY}, Sec. 2",
    kind=Kind.LOWER_BOUND,
    statement=(
        r"\text{Published: }\Omega\big(\sqrt{H^3SAK}+\tfrac{H^3SA\Delta_0}{\kappa(\kappa+\Delta_0)}\big)"
        r"\text{ under the cumulative constraint. Judged: on a trap with a deterministic baseline of chance }"
        r"\gamma+\kappa,\text{ any learner safe with probability }1-\delta\text{ at chance }\gamma\text{ plays on "
        r"average}\ \ge\sum_{n<K}(1-u_n)\sim\kappa^{-2}\text{ pure-baseline episodes, }"
        r"u_n=\sup\{q\ge\delta:\mathrm{kl}(\delta,q)\le n\,\mathrm{kl}(\gamma,\gamma+\kappa)\};\ "
        r"\text{StepMix and EpsMix, KL and L1 evaluators}"
    ),
    judge=LowerBoundJudge(),
    studies=(f"{SLUG}/departures",),
    measure=_waits(False),
    control=Control("plug-in", "learners that trust the empirical model leave the baseline too soon", _waits(True)),
    provenance=Provenance(
        "recalled", f"published order recalled and not judged; the judged bound is derived in {DOCS}#lower-bound",
        {"u_n": f"derived: {DOCS}#lower-bound"},
    ),
    assumptions=(
        Assumption("tolerated-loss", r"0<\kappa<\tfrac12", lambda record: 0.0 < float(record["kappa"]) < 0.5),
    ),
)  # fmt: skip

CLAIMS = (ZERO_VIOLATION, NOT_ENOUGH, LOWER_BOUND)
