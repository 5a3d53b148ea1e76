"""Claims of stepmix on its base layer, BPI-UCBVI."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp

from bounds.claims import Claim, Control, Evidence, Kind, Provenance
from bounds.judges import AllOf, Comparison, CoverageJudge, Curve, Curves, InequalityJudge, RateJudge, Violations

from ._measures import entry_labels, record_labels
from ._stepmix_common import BPI_KEY, DOCS, RECALLED, SLUG

__all__ = ["CLAIMS"]


def _optimism(above: str) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> tuple[Any, ...]:
        kept = evidence.where(f"{SLUG}/bpi-optimism")
        inside = kept.column("event") > 0.0
        names = [name for name, one in zip(entry_labels(kept, "event"), inside, strict=True) if one]
        size = np.repeat(kept.column("H"), kept.column("tables"))[inside]
        parts = [
            Comparison(kept.column(name)[inside], np.zeros(size.shape), scale=size, labels=names)
            for name in (above, "below")
        ]
        count = int(np.count_nonzero(~inside))
        return (*parts, Violations([count], [inside.size], [float(kept.records[0]["delta"])], ["all tables"]))

    return measure


OPTIMISM = Claim(
    id=f"{SLUG}/bpi-optimism",
    paper=f"{BPI_KEY}, Lemma on optimism",
    kind=Kind.INEQUALITY,
    statement=(
        r"w=3\sqrt{\mathrm{Var}_{\hat P}(\tilde U)\beta^\star/n}+14H^2\beta/n+\tfrac1H\hat P(\tilde U-\tilde L):\quad"
        r"\text{on the event of }\beta,\beta^\star,\text{ of probability}\ge1-\delta,\quad"
        r"\underline Q_h\le Q^\star_h\le\overline Q_h"
    ),
    judge=AllOf((InequalityJudge(slack=1e-12), InequalityJudge(slack=1e-12), CoverageJudge())),
    studies=(f"{SLUG}/bpi-optimism",),
    measure=_optimism("above"),
    control=Control("no-bonus", "the terms with beta are left out", _optimism("above_none")),
    provenance=Provenance(
        "recalled", f"{DOCS}#bpi-optimism", {"3": RECALLED, "14": RECALLED, "1/H": RECALLED, "event": RECALLED}
    ),
)

eps, H, S, A, delta = sp.symbols("epsilon H S A delta", positive=True)


def _stops(suffix: str) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> tuple[Any, ...]:
        kept = evidence.where(f"{SLUG}/bpi-stops")
        wrong = [int(np.count_nonzero(record["loss" + suffix] > record["eps"])) for record in kept]
        order = np.argsort(-kept.column("eps"))
        episodes = np.array([kept.records[i]["episodes"] for i in order])
        return (
            Violations(wrong, kept.column("runs"), kept.column("delta"), record_labels(kept)),
            Curves((Curve(1.0 / kept.column("eps")[order], episodes, "episodes until the stop"),)),
        )

    return measure


GAP = Claim(
    id=f"{SLUG}/bpi-gap",
    paper=f"{BPI_KEY}, Thm on BPI-UCBVI",
    kind=Kind.HIGH_PROBABILITY,
    statement=(
        r"\text{BPI-UCBVI stopped at }G_1\le\varepsilon\text{ returns an }\varepsilon\text{-optimal policy with "
        r"probability}\ge1-\delta,\ \text{after }\tilde O(H^3SA\log(1/\delta)/\varepsilon^2+H^3S^2A/\varepsilon)"
        r"\text{ episodes; judged: that, and that the episodes grow at most as }\varepsilon^{-2}"
    ),
    judge=AllOf((CoverageJudge(), RateJudge(2.0, "at-most"))),
    studies=(f"{SLUG}/bpi-stops",),
    measure=_stops(""),
    control=Control("bare-gap", "the gap without its confidence terms stops too early", _stops("_none")),
    provenance=Provenance("recalled", "order and constants of Menard et al. (2021) recalled", {"6, 36, 3/H": RECALLED}),
)

CLAIMS = (OPTIMISM, GAP)
