"""Claims on what no learner can do: arms hidden among nearly orthogonal ones; and what sparsity changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp

from bounds.claims import Claim, Control, Evidence, Kind, Provenance
from bounds.judges import AllOf, Comparison, Curve, Curves, InequalityJudge, LowerBoundJudge, RateJudge
from bounds.query_complexity import hidden_arm_queries

from ._sparse_common import DOCS, KEY, SLUG, derived

__all__ = ["CLAIMS"]

HIDDEN = f"{SLUG}/hidden"
FAMILY = f"{SLUG}/family"
GROWTH = f"{SLUG}/growth"
k = sp.Symbol("k", positive=True)


def _hidden(without: bool) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> tuple[Comparison, Comparison, Comparison]:
        exact = evidence.where(HIDDEN, part="exact")
        played = evidence.where(HIDDEN, part="played")
        everything = evidence.where(HIDDEN)
        bound, value, names = [], [], []
        for record in exact:
            arms = record["k"]
            bound += [hidden_arm_queries(arms)] + [hidden_arm_queries(arms, q) for q in record["failure"]]
            value += [record["without" if without else "queries"][0], *record["failing"]]
            names += [f"{record.label}: best learner"] + [f"{record.label}: failing {q:g}" for q in record["failure"]]
        left, right, learners = [], [], []
        for record in played:
            left += [hidden_arm_queries(record["k"])] * record["mean"].size
            right += record["mean"].tolist()
            learners += [f"{record.label}: {name}" for name in record["learner"]]
        excess = everything.column("excess")
        return (
            Comparison(bound, value, labels=names),
            Comparison(left, right, labels=learners),
            Comparison(np.abs(excess), np.zeros(excess.shape), labels=[record.label for record in everything]),
        )

    return measure


LOWER_S = Claim(
    id=f"{SLUG}/lower-s",
    paper=f"{KEY}, lower bound; lattimore2020misspecified",
    kind=Kind.LOWER_BOUND,
    statement=(
        r"k\text{ unit vectors of coherence }\mu,\ \theta=\Delta x_{i^\star},\ r=\Delta1\{a=i^\star\}:\ "
        r"\epsilon=\Delta\mu,"
        r"\text{ and error}<\Delta\text{ takes }\ge(k+1)/2-1/k\text{ queries on average; failing w.p. }q:\text{ times }"
        r"(1-qk/(k-1))_+"
    ),
    judge=AllOf((LowerBoundJudge(), LowerBoundJudge(), InequalityJudge(slack=1e-12))),
    studies=(HIDDEN,),
    measure=_hidden(False),
    control=Control(
        "well-specified",
        "the same arms and theta without misspecification: one or two queries tell theta",
        _hidden(True),
    ),
    provenance=derived("lower-s"),
    bound=(k + 1) / 2 - 1 / k,
)


def _families(column: str, powers: tuple[float, ...]) -> Callable[[Evidence], Curves]:
    """Curves of log queries against s^(1 - 2 power), which is d itself for power 0."""

    def measure(evidence: Evidence) -> Curves:
        curves = []
        for power in powers:
            kept = evidence.where(FAMILY, power=power)
            x = kept.column("d").astype(np.float64) ** (1.0 - 2.0 * power)
            curves.append(Curve(x, kept.column(column), f"coherence d^-{power:g}" if power else "coherence 1/2"))
        return Curves(tuple(curves))

    return measure


TOLD = Control(
    "well-specified",
    "the same arms without misspecification: one generic query tells theta",
    lambda evidence: _families("without", (0.1, 0.25))(evidence),
)

EXP_S = Claim(
    id=f"{SLUG}/exp-s",
    paper=f"{KEY}, abstract",
    kind=Kind.LOWER_BOUND,
    statement=(
        r"\text{error below }s^\delta\epsilon,\ 0<\delta<1,\text{ takes }\Omega(\exp(s))\text{ queries; judged "
        r"for }\delta\in"
        r"\{0.1,0.25\}\text{ on arms of coherence }s^{-\delta}:\ \log\text{queries grows at least like "
        r"}\tfrac14s^{1-2\delta}"
    ),
    judge=RateJudge(0.25, "at-least", exponential=True),
    studies=(FAMILY,),
    measure=_families("queries", (0.1, 0.25)),
    control=TOLD,
    provenance=Provenance(
        "confirmed", "abstract, order only; delta in [1/2, 1) needs an instance that is not reconstructed",
        {"1/4, 1 - 2 delta": f"derived: {DOCS}#exp-s"},
    ),
)  # fmt: skip

DU_EXP = Claim(
    id=f"{SLUG}/du-exp",
    paper="du2020; lattimore2020misspecified",
    kind=Kind.LOWER_BOUND,
    statement=(
        r"\text{without sparsity }O(\epsilon)\text{-optimal arms take }\Omega(\exp(d))\text{ queries; judged for "
        r"error below }"
        r"2\epsilon\text{ on arms of coherence }\tfrac12:\ \log\text{queries grows at least like }d/16"
    ),
    judge=RateJudge(1.0 / 16.0, "at-least", exponential=True),
    studies=(FAMILY,),
    measure=_families("queries", (0.0,)),
    control=Control(
        "well-specified",
        "the same arms without misspecification: one generic query tells theta",
        _families("without", (0.0,)),
    ),
    provenance=Provenance(
        "confirmed", "quoted in the abstract, order only", {"1/16": f"derived: mu^2/4 at mu = 1/2, {DOCS}#exp-s"}
    ),
)


def _growth(dense: bool) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> tuple[Any, ...]:
        parts = []
        hidden = evidence.where(FAMILY, power=0.0)
        for s in (1, 2, 3):
            cells = [cell for _, cell in evidence.where(GROWTH, axis="d", s=s).groups("d")]
            if dense and s == 1:
                parts.append(Curves((Curve(hidden.column("d"), hidden.column("queries"), "hidden arms, dense theta"),)))
                continue
            x = [cell.records[0]["d"] for cell in cells]
            curves = [Curve(x, [cell.column("null").mean() for cell in cells], f"s={s}, nothing pays")]
            parts.append(Curves(tuple(curves)))
        for s in (1, 2):
            cells = [cell for _, cell in evidence.where(GROWTH, axis="eps", s=s).groups("eps")]
            x = [1.0 / cell.records[0]["eps"] for cell in cells]
            parts.append(Curves((Curve(x, [cell.column("null").mean() for cell in cells], f"s={s}, over 1/eps"),)))
        parts.append(_families("queries", (0.0,))(evidence))
        return tuple(parts)

    return measure


NO_EXP_D = Claim(
    id=f"{SLUG}/no-exp-d",
    paper=f"{KEY}, abstract",
    kind=Kind.SEPARATION,
    statement=(
        r"\text{net elimination: queries grow at most like }d^s\text{ and }\epsilon^{-s}\ (+0.2);\text{ for dense "
        r"}\theta\text{ and "
        r"arms of coherence }\tfrac12\text{ every learner needs }\exp(d/16)\text{ or more}"
    ),
    judge=AllOf(
        (
            *(RateJudge(float(s), "at-most", tolerance=0.2) for s in (1, 2, 3, 1, 2)),
            RateJudge(1.0 / 16.0, "at-least", exponential=True),
        )
    ),
    studies=(GROWTH, FAMILY),
    measure=_growth(False),
    control=Control("dense", "what a dense theta costs, held against the growth that s = 1 allows", _growth(True)),
    provenance=Provenance(
        "confirmed", "abstract, order only", {"s": f"derived: {DOCS}#net-queries", "1/16": f"derived: {DOCS}#exp-s"}
    ),
)

CLAIMS = (NO_EXP_D, LOWER_S, EXP_S, DU_EXP)
