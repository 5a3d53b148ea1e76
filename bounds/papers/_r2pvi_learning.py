"""Claims of r2pvi about the learner: its good event, its rates, and what no learner can beat."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import sympy as sp

from bounds.claims import Claim, Control, Evidence, Kind, Provenance
from bounds.judges import (
    AllOf,
    Comparison,
    Curve,
    Curves,
    InequalityJudge,
    LowerBoundJudge,
    RateJudge,
)

from ._measures import Array, Measure, all_of
from ._r2pvi_common import DOCS, KEY, RECALLED, SLUG, compared, derived

__all__ = ["CLAIMS"]

H, d, K, lam, xi, cover = sp.symbols("H d K lambda xi coverage", positive=True)

GOOD_EVENT = Claim(
    id=f"{SLUG}/good-event",
    paper=f"{KEY}, proof of the upper bounds",
    kind=Kind.INEQUALITY,
    statement=r"|\mathrm{Reg}_\lambda(\hat V_{h+1})-\widehat{\mathrm{Reg}}_\lambda(\hat V_{h+1})|\le\Gamma_h"
    r"\ \text{everywhere}\ \Rightarrow\ \hat V\le V^{\hat\pi}\le V^\star",
    judge=AllOf((InequalityJudge(1e-9), InequalityJudge(1e-9))),
    studies=(f"{SLUG}/events",),
    measure=all_of(compared("events", "below_policy", 0.0), compared("events", "below_optimal", 0.0)),
    control=Control(
        "no-pessimism",
        "beta = 0, where the event does not hold",
        all_of(compared("events", "naive_below_policy", 0.0), compared("events", "below_optimal", 0.0)),
    ),
    provenance=derived("good-event"),
)


def _bound(name: str) -> Measure:
    return all_of(compared("events", "risk", "bound", first="risk"), compared("trap", "risk", name, first="risk"))


GOOD_EVENT_BOUND = Claim(
    id=f"{SLUG}/good-event-bound",
    paper=f"{KEY}, proof of the upper bounds",
    kind=Kind.INEQUALITY,
    statement=r"\text{on that event: } V^\star_1-V^{\hat\pi}_1\le2\sum_h\mathbb E^{\pi^\star,P^w}\Gamma_h,\quad "
    r"P^w\text{ the worst-case kernel for }\hat V",
    judge=AllOf((InequalityJudge(1e-9), InequalityJudge(1e-9))),
    studies=(f"{SLUG}/events", f"{SLUG}/trap"),
    measure=_bound("bound"),
    control=Control("nominal-kernel", "the expectation is taken under the nominal kernel", _bound("bound_nominal")),
    provenance=derived("good-event-bound"),
)

# ---------------------------------------------------------------- rates


def _sizes(evidence: Evidence) -> tuple[Array, list[Evidence]]:
    """Return the numbers of episodes, increasing, and the records of each."""
    parts = sorted(evidence.groups("K"), key=lambda pair: float(pair[0][0]))
    return np.array([float(key[0]) for key, _ in parts]), [part for _, part in parts]


def _worst_gap(evidence: Evidence, kind: str) -> Curve:
    """Return the suboptimality over the number of episodes, at each that of the gap where its mean is largest."""
    x, parts = _sizes(evidence)
    runs = [max((np.asarray(record[f"risk_{kind}"]) for record in part), key=np.mean) for part in parts]
    return Curve(x, np.array(runs), "suboptimality at the worst gap")


def _coverage(evidence: Evidence, kind: str) -> Curve:
    """Return the coverage term over the number of episodes, averaged over gaps."""
    x, parts = _sizes(evidence)
    return Curve(
        x, np.array([np.mean([record[f"cover_{kind}"] for record in part], axis=0) for part in parts]), "coverage"
    )


def _speaks(evidence: Evidence, kind: str) -> str:
    """Return from how many episodes on the bound is below the horizon 2, from its size at the largest K measured."""
    x, parts = _sizes(evidence)
    ratio = float(np.mean(parts[-1].column(f"bound_{kind}"))) / 2.0
    return f"K of about {x[-1] * ratio**2:.0e}, growth of the logarithm left out"


def _upper(kind: str, frozen: bool) -> Callable[[Evidence], tuple[Comparison, Curves, Curves]]:
    def measure(evidence: Evidence) -> tuple[Comparison, Curves, Curves]:
        kept = evidence.where(f"{SLUG}/rates")
        first = Comparison(
            kept.column(f"published_{kind}"), kept.column(f"bound_{kind}"), scale=2.0, trivial=2.0,
            labels=[record.label for record in kept], informative_from=_speaks(kept, kind),
        )  # fmt: skip
        risk, width = _worst_gap(kept, kind), _coverage(kept, kind)
        if frozen:
            risk, width = (Curve(c.x, np.repeat(c.y[:1], c.x.size, axis=0), c.label) for c in (risk, width))
        return first, Curves((risk,)), Curves((width,))

    return measure


_BETA = {
    "tv": 16 * H * d * sp.sqrt(xi),
    "kl": 16 * d * lam * sp.exp(H / lam) * sp.sqrt(H / lam + xi),
    "chi2": 8 * d * H**2 * (1 + 1 / lam) * sp.sqrt(xi),
}


def _rate(kind: str) -> Claim:
    return Claim(
        id=f"{SLUG}/upper-{kind}",
        paper=f"{KEY}, upper bound for R2PVI-{kind.upper()}",
        kind=Kind.RATE,
        statement=r"V^\star_1-V^{\hat\pi}_1\le\beta\sup_{P\in\mathcal U^\lambda}\sum_h\mathbb E^{\pi^\star,P}"
        r"\sum_i\lVert\phi_i1_i\rVert_{\Lambda_h^{-1}}=\tilde O(K^{-1/2})\quad\text{on the worst gap}",
        judge=AllOf((InequalityJudge(), RateJudge(-0.4, "at-most"), RateJudge(-0.5, "equal", tolerance=0.02))),
        studies=(f"{SLUG}/rates",),
        measure=_upper(kind, False),
        control=Control("no-more-data", "the smallest dataset at every size", _upper(kind, True)),
        provenance=Provenance(
            "recalled",
            f"order recalled; an instance of {DOCS}#upper-bounds",
            {"beta": RECALLED, "xi": RECALLED},
        ),
        bound=_BETA[kind] * cover,
    )


# ---------------------------------------------------------------- lower bound


def _lower(suffix: str) -> Callable[[Evidence], tuple[Comparison, Comparison]]:
    def measure(evidence: Evidence) -> tuple[Comparison, Comparison]:
        kept = Evidence(
            tuple(record for record in evidence.where(f"{SLUG}/hypercube") if record["d"] > 1 or not suffix)
        )
        labels = [f"{record.label} [n={n:g}]" for record in kept for n in record["n"]]
        risk, width = kept.column(f"bayes{suffix}"), kept.column(f"cover{suffix}")
        return (
            Comparison(kept.column("factor") * width, risk, trivial=0.0, labels=labels),
            Comparison(risk, math.sqrt(6.0) / 16.0 * width, labels=labels),
        )

    return measure


LOWER = Claim(
    id=f"{SLUG}/lower",
    paper=f"{KEY}, lower bound",
    kind=Kind.LOWER_BOUND,
    statement=r"\text{hypercube, } g_i=\tfrac{\sqrt3}8n_i^{-1/2}:\quad \tfrac{\sqrt3}{64}z'_\lambda(0)\,\mathcal C"
    r"\le\inf_{\text{alg}}\mathbb E[V^\star-V^{\hat\pi}]\le\tfrac{\sqrt6}{16}\,\mathcal C,\quad "
    r"\mathcal C=\sup_P\sum_h\mathbb E^{\pi^\star,P}\sum_i\lVert\phi_i1_i\rVert_{\Lambda_h^{-1}}",
    judge=AllOf((LowerBoundJudge(), InequalityJudge())),
    studies=(f"{SLUG}/hypercube",),
    measure=_lower(""),
    control=Control("one-bit", "all data are spent on the first bit, the gaps stay", _lower("_one")),
    provenance=Provenance(
        "recalled",
        "order recalled; the family and both constants are derived in " + f"{DOCS}#lower",
        {"sqrt(3)/64": f"derived: {DOCS}#lower", "sqrt(6)/16": f"derived: {DOCS}#lower"},
    ),
    bound=sp.sqrt(3) / 64 * sp.Symbol("slope", positive=True) * cover,
)

CLAIMS = (GOOD_EVENT, GOOD_EVENT_BOUND, *(_rate(kind) for kind in ("tv", "kl", "chi2")), LOWER)
