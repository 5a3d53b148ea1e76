"""Claims of stepmix at any state of knowledge: valid bounds, safe candidates, mixing weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bounds.claims import Claim, Control, Evidence, Kind
from bounds.judges import AllOf, Comparison, CoverageJudge, InequalityJudge, Violations

from ._measures import entry_labels
from ._stepmix_common import KEY, SLUG, derived

__all__ = ["CLAIMS"]


def _uniform(below: str) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> tuple[Any, ...]:
        kept = evidence.where(f"{SLUG}/evaluators")
        inside = kept.column("event") > 0.0
        names = [name for name, one in zip(entry_labels(kept, "event"), inside, strict=True) if one]
        size = np.repeat(kept.column("H"), kept.column("tables"))[inside]
        parts = [
            Comparison(kept.column(name)[inside], np.zeros(size.shape), scale=size, labels=names)
            for name in (below, "above", "optimism")
        ]
        count = int(np.count_nonzero(~inside))
        return (*parts, Violations([count], [inside.size], [float(kept.records[0]["delta"])], ["all tables"]))

    return measure


LCB_UNIFORM = Claim(
    id=f"{SLUG}/lcb-uniform",
    paper=f"{KEY}, Sec. 4 (KL form derived here)",
    kind=Kind.HIGH_PROBABILITY,
    statement=(
        r"L^\pi_h=\sum_a\pi_h(a|s)\Big[r_h+\min_{n\mathrm{KL}(\hat P\|q)\le\beta_{\mathrm{KL}}}q\cdot L^\pi_{h+1}\Big]:"
        r"\quad\text{on the KL event, of probability}\ge1-\delta,\ L^\pi\le V^\pi\le U^\pi"
        r"\text{ for all Markov }\pi\text{ at once, and }\tilde U\ge V^\star"
    ),
    judge=AllOf((*[InequalityJudge(slack=1e-12)] * 3, CoverageJudge())),
    studies=(f"{SLUG}/evaluators",),
    measure=_uniform("below"),
    control=Control("plug-in", "the value under the empirical model stands in for the lower bound",
                    _uniform("below_plug_in")),
    provenance=derived("lcb-uniform"),
)  # fmt: skip


def _safe(broken: bool) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> Comparison:
        kept = evidence.where(f"{SLUG}/candidates")
        left: list[Any] = []
        right: list[Any] = []
        names: list[str] = []
        for prefix in ("", "eps_"):
            valid = kept.column(prefix + "valid") > 0.0
            mixed = kept.column(prefix + "rho") > 0.0
            use = valid & (mixed if broken else True)
            left.append(kept.column("threshold")[use])
            right.append(kept.column(prefix + ("value_refused" if broken else "value"))[use])
            names += [prefix + name for name, one in zip(entry_labels(kept, "threshold"), use, strict=True) if one]
        return Comparison(np.concatenate(left), np.concatenate(right), labels=names)

    return measure


SAFE_IMPLICATION = Claim(
    id=f"{SLUG}/safe-implication",
    paper=f"{KEY}, proof of the safety theorem",
    kind=Kind.INEQUALITY,
    statement=(
        r"V^{\pi^b}\ge\gamma,\ L^{k,h}\le V^{\pi^{k,h}}\text{ for the two candidates used}\ \Rightarrow\ "
        r"V^{\pi^k}\ge\gamma\ \text{(StepMix)},\quad(1-\rho)V^{\pi^b}+\rho V^{\bar\pi^k}\ge\gamma\ \text{(EpsMix)}"
    ),
    judge=InequalityJudge(slack=1e-12),
    studies=(f"{SLUG}/candidates",),
    measure=_safe(False),
    control=Control(
        "refused-candidate", "wherever the learner mixes, the refused candidate is executed in full", _safe(True)
    ),
    provenance=derived("safe-implication"),
)


def _weights(last: bool) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> Comparison:
        kept = evidence.where(f"{SLUG}/candidates")
        column = kept.column
        threshold, rho, eps_rho = column("threshold"), column("rho"), column("eps_rho")
        certified, mixing = column("certified") > 0.0, (column("certified") > 0.0) & (column("steps") > 0.0)
        accepted, refused, earlier = column("accepted"), column("refused"), column("earlier")
        if last:
            accepted, refused = column("last_accepted"), column("last_refused")
            earlier, mixing = refused, accepted >= threshold
            certified = mixing
        names = np.array(entry_labels(kept, "threshold"))
        below = np.nextafter(threshold, -np.inf)
        pairs = (
            (-np.concatenate([rho, eps_rho]), np.zeros(2 * rho.size), np.tile(names, 2)),
            (np.concatenate([rho, eps_rho]), np.full(2 * rho.size, np.nextafter(1.0, 0.0)), np.tile(names, 2)),
            (threshold[certified], accepted[certified], names[certified]),
            (refused[mixing], below[mixing], names[mixing]),
            (earlier[mixing], below[mixing], names[mixing]),
        )
        left, right, where = (np.concatenate(column) for column in zip(*pairs, strict=True))
        return Comparison(left, right, labels=where.tolist())

    return measure


RHO = Claim(
    id=f"{SLUG}/rho",
    paper=f"{KEY}, Algorithm 1",
    kind=Kind.INEQUALITY,
    statement=(
        r"h^k=\min\{h_0:L^{k,h_0}\ge\gamma\}:\quad L^{k,h^k-1}<\gamma\le L^{k,h^k},\quad"
        r"\rho=\tfrac{L^{k,h^k}-\gamma}{L^{k,h^k}-L^{k,h^k-1}}\in[0,1)\ \text{(and the same for EpsMix)}"
    ),
    judge=InequalityJudge(slack=0.0),
    studies=(f"{SLUG}/candidates",),
    measure=_weights(False),
    control=Control(
        "last-candidate",
        "mixing at the last step whenever the baseline is certified, instead of at the smallest index",
        _weights(True),
    ),
    provenance=derived("rho"),
)

CLAIMS = (LCB_UNIFORM, SAFE_IMPLICATION, RHO)
