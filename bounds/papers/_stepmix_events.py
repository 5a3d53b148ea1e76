"""Claims of stepmix without a learner: mixtures of policies, and the event on which every bound rests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp

from bounds.claims import Claim, Control, Evidence, Kind
from bounds.judges import AllOf, Comparison, CoverageJudge, IdentityJudge, InequalityJudge, Violations

from ._measures import entry_labels, record_labels
from ._stepmix_common import KEY, SLUG, derived

__all__ = ["CLAIMS"]

n, S, A, H, delta = sp.symbols("n S A H delta", positive=True)


def _mixture(suffix: str) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> Comparison:
        kept = evidence.where(f"{SLUG}/mixtures")
        return Comparison(
            kept.column("value" + suffix),
            kept.column("mixed" + suffix),
            scale=np.repeat(kept.column("H"), kept.column("instances")),
            labels=entry_labels(kept, "value"),
        )

    return measure


MIXTURE = Claim(
    id=f"{SLUG}/mixture-linear",
    paper=f"{KEY}, Sec. 4",
    kind=Kind.IDENTITY,
    statement=(
        r"\pi,\pi'\text{ differ at one step only}:\quad V^{(1-\rho)\pi+\rho\pi'}=(1-\rho)V^{\pi}+\rho V^{\pi'},"
        r"\ \text{the mixture drawn afresh in every state of that step}"
    ),
    judge=IdentityJudge(tolerance=1e-12),
    studies=(f"{SLUG}/mixtures",),
    measure=_mixture(""),
    control=Control("two-steps", "the two policies differ at two steps, and are mixed at both", _mixture("_two")),
    provenance=derived("mixture-linear"),
)


def _event(suffix: str) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> tuple[Any, ...]:
        exact = evidence.where(f"{SLUG}/kl-exact")
        count: list[int] = []
        runs: list[int] = []
        levels: list[float] = []
        names: list[str] = []
        for _, blocks in evidence.where(f"{SLUG}/kl-paths").groups("S", "law"):
            total = sum(record["count" + suffix] for record in blocks)
            count += total.tolist()
            runs += [int(blocks.column("runs").sum())] * total.size
            levels += blocks.records[0]["deltas"].tolist()
            names += [f"{blocks.records[0].label}, delta={level:g}" for level in blocks.records[0]["deltas"]]
        return (
            Comparison(
                exact.column("failure" + suffix), exact.column("delta"), trivial=1.0, labels=record_labels(exact)
            ),
            Violations(count, runs, levels, names),
        )

    return measure


KL_EVENT = Claim(
    id=f"{SLUG}/kl-event",
    paper=f"{KEY}, Sec. 4; jonsson2020, Prop. 1",
    kind=Kind.HIGH_PROBABILITY,
    statement=(
        r"\beta_{\mathrm{KL}}(n,\delta)=\log\tfrac{SAH}{\delta}+(S-1)\log\big(e(1+\tfrac{n}{S-1})\big):\quad "
        r"\Pr\{\exists h,s,a,n:\ n\,\mathrm{KL}(\hat P_n\|P)>\beta_{\mathrm{KL}}(n,\delta)\}\le\delta,"
        r"\ \text{tested for one row at level }\delta/(SAH)"
    ),
    judge=AllOf((InequalityJudge(slack=1e-12), CoverageJudge())),
    studies=(f"{SLUG}/kl-exact", f"{SLUG}/kl-paths"),
    measure=_event(""),
    control=Control("no-volume-term", "the radius log(SAH/delta) without its (S-1) log term", _event("_small")),
    provenance=derived("kl-event"),
    bound=sp.log(S * A * H / delta) + (S - 1) * sp.log(sp.E * (1 + n / (S - 1))),
)

CLAIMS = (MIXTURE, KL_EVENT)
