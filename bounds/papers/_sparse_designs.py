"""Claims on least squares over one design: errors of predictions and outputs, their barrier, a known support."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp

from bounds.claims import Claim, Control, Evidence, Kind, Provenance
from bounds.judges import AllOf, Comparison, Curve, Curves, InequalityJudge, RateJudge, SeparationJudge, TwoSamples

from ._measures import entry_labels
from ._sparse_common import KEY, SLUG, derived, label, per_entry

__all__ = ["CLAIMS"]

DESIGN = f"{SLUG}/design"
BARRIER = f"{SLUG}/barrier"
ORACLE = f"{SLUG}/oracle"
POLYNOMIAL = f"{SLUG}/polynomial"
TAU = 0.01
LOWER = 0.7
"""Least worst prediction error in units of eps sqrt(d) that is judged."""

eps, g, s, tau = sp.symbols("epsilon g s tau", positive=True)


def _design(part: str, factor: float, uniform: bool) -> Callable[[Evidence], Any]:
    """Errors against ``factor (1 + sqrt g)``; the uniform design is held against sqrt((1 + tau) d) instead."""

    def measure(evidence: Evidence) -> tuple[Comparison, Comparison]:
        kept = evidence.where(DESIGN, part=part)
        names = entry_labels(kept, "g")
        dimension = per_entry(kept, [record["d"] for record in kept], "g")
        variance = kept.column("uniform_g" if uniform else "g")
        most = (1.0 + TAU) * dimension
        bound = factor * (1.0 + np.sqrt(most if uniform else variance))
        worst = kept.column("uniform_worst" if uniform else "worst")
        return (
            Comparison(worst, bound, scale=bound, labels=names),
            Comparison(variance, most, scale=most, labels=names),
        )

    return measure


UNIFORM = "uniform weights in place of the design, some features with a rare direction, held against g = (1+tau) d"

DESIGN_PRED = Claim(
    id=f"{SLUG}/design-pred",
    paper="lattimore2020misspecified, without noise",
    kind=Kind.INEQUALITY,
    statement=(
        r"\max_a\lvert\langle x_a,\hat\theta\rangle-r(a)\rvert\le\epsilon(1+\sqrt g),\ g\le(1+\tau)d;\text{ "
        r"exactly maximised "
        r"over all misspecifications}"
    ),
    judge=AllOf((InequalityJudge(slack=1e-8), InequalityJudge(slack=1e-9))),
    studies=(DESIGN,),
    measure=_design("prediction", 1.0, False),
    control=Control("uniform-weights", UNIFORM, _design("prediction", 1.0, True)),
    provenance=derived("design-pred"),
    bound=eps * (1 + sp.sqrt(g)),
)

DESIGN_OPT = Claim(
    id=f"{SLUG}/design-opt",
    paper="lattimore2020misspecified, without noise",
    kind=Kind.INEQUALITY,
    statement=(
        r"r^\star-r(\hat a)\le2\epsilon(1+\sqrt g),\ g\le(1+\tau)d;\text{ exactly maximised over all }\theta\text{ and "
        r"misspecifications}"
    ),
    judge=AllOf((InequalityJudge(slack=1e-8), InequalityJudge(slack=1e-9))),
    studies=(DESIGN,),
    measure=_design("output", 2.0, False),
    control=Control("uniform-weights", UNIFORM, _design("output", 2.0, True)),
    provenance=derived("design-opt"),
    bound=2 * eps * (1 + sp.sqrt(g)),
)


def _barrier(name: str) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> tuple[Any, ...]:
        cells = [cell for _, cell in evidence.where(BARRIER).groups("d")]
        d = np.array([cell.records[0]["d"] for cell in cells], dtype=np.float64)
        worst = np.array([cell.column(name) for cell in cells])
        silent = np.array([cell.column("exhaustive").max() for cell in cells])
        names = [label(cell) for cell in cells]
        return (
            TwoSamples(worst.min(axis=1), LOWER * np.sqrt(d), names),
            Comparison(silent, np.zeros(d.shape), labels=names),
            Comparison(worst.max(axis=1), 1.0 + np.sqrt((1.0 + TAU) * d), scale=np.sqrt(d), labels=names),
        )

    return measure


SQRT_D = Claim(
    id=f"{SLUG}/sqrt-d-barrier",
    paper="lattimore2020misspecified, tightness",
    kind=Kind.SEPARATION,
    statement=(
        r"d^2\text{ random unit vectors: the worst prediction error of the one-shot design lies between "
        r"}0.7\,\epsilon\sqrt d"
        r"\text{ and }\epsilon(1+\sqrt{(1+\tau)d});\text{ exhaustive search errs by }0"
    ),
    judge=AllOf((SeparationJudge(), InequalityJudge(), InequalityJudge(slack=1e-9))),
    studies=(BARRIER,),
    measure=_barrier("worst"),
    control=Control("orthonormal", "d orthonormal arms, each its own prediction", _barrier("basis")),
    provenance=Provenance("derived", "docs/papers/misspecified-sparse-linear-bandits.md#sqrt-d-barrier", {
        "0.7": "derived: measured constant; sqrt(2/pi) = 0.798 is the limit for uniform directions",
    }),
)  # fmt: skip


def _oracle(error: str) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> tuple[Comparison, Comparison]:
        kept = evidence.where(ORACLE)
        names = entry_labels(kept, error)
        bound = [2.0 * r["eps"] * (1.0 + np.sqrt(r["s"]) * (1.0 + r["tau"])) for r in kept]
        right = per_entry(kept, bound, error)
        most = per_entry(kept, [r["s"] * (r["s"] + 1) // 2 for r in kept], error)
        return (
            Comparison(kept.column(error), right, scale=right, trivial=2.0, labels=names),
            Comparison(kept.column("queries"), most, scale=most, labels=names),
        )

    return measure


ORACLE_SUPPORT = Claim(
    id=f"{SLUG}/oracle-support",
    paper=f"{KEY}, against the sparse oracle",
    kind=Kind.INEQUALITY,
    statement=(
        r"\text{given the support, one design errs by at most }2\epsilon(1+\sqrt s(1+\tau))\text{ with at most }"
        r"s(s+1)/2\text{ queries}"
    ),
    judge=AllOf((InequalityJudge(slack=1e-9), InequalityJudge())),
    studies=(ORACLE,),
    measure=_oracle("error"),
    control=Control("wrong-support", "the design on another support", _oracle("wrong_error")),
    provenance=derived("oracle-support"),
    bound=2 * eps * (1 + sp.sqrt(s) * (1 + tau)),
)


def _polynomial(queries: Callable[[Evidence], Any]) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> tuple[Any, ...]:
        kept = evidence.where(POLYNOMIAL)
        ratio = kept.column("ratio")
        return (
            Comparison(ratio, np.full(ratio.shape, 4.0), labels=entry_labels(kept, "ratio")),
            Curves((queries(evidence),)),
        )

    return measure


def _design_queries(evidence: Evidence) -> Curve:
    cells = [cell for _, cell in evidence.where(POLYNOMIAL).groups("s")]
    x = [cell.records[0]["s"] for cell in cells]
    return Curve(x, [cell.column("queries").mean() for cell in cells], "one-shot design")


def _hidden_queries(evidence: Evidence) -> Curve:
    kept = evidence.where(f"{SLUG}/family", power=0.1)
    return Curve(kept.column("d"), kept.column("queries"), "hidden arms, coherence s^-0.1")


POLY_S = Claim(
    id=f"{SLUG}/poly-s",
    paper=f"{KEY}, abstract",
    kind=Kind.RATE,
    statement=(
        r"\text{error }s^\delta\epsilon,\ \delta\ge1:\ \mathrm{poly}(s/\epsilon)\text{ queries; judged where all "
        r"features are in "
        r"use }(d=s):\ \text{error at most }4s\epsilon\text{, queries of one design grow like }s^2\ (+0.2)\text{ "
        r"at most}"
    ),
    judge=AllOf((InequalityJudge(), RateJudge(2.0, "at-most", tolerance=0.2))),
    studies=(POLYNOMIAL, f"{SLUG}/family"),
    measure=_polynomial(_design_queries),
    control=Control(
        "smaller-error", "what the error s^0.1 epsilon costs instead: an arm hidden among exp(s) of them",
        _polynomial(_hidden_queries),
    ),
    provenance=Provenance("confirmed", "abstract, order only; what features are good is not confirmed and not judged", {
        "4, 2": "derived: 2 (1 + sqrt(1.01 s)) <= 4 s + 0.02 and s (s + 1) / 2 queries",
    }),
)  # fmt: skip

CLAIMS = (DESIGN_PRED, DESIGN_OPT, SQRT_D, ORACLE_SUPPORT, POLY_S)
