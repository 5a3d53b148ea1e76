"""Claims of robust-static-iwocs about sets: identities of rectangular ones, gaps of others, balls, the walk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp

from bounds.claims import Claim, Control, Evidence, Finding, Kind, Status
from bounds.judges import (
    AllOf,
    Comparison,
    CoverageJudge,
    IdentityJudge,
    InequalityJudge,
    SeparationJudge,
    TwoSamples,
    Violations,
)

from ._iwocs_common import KEY, PAGE, SLUG, arrays, compared_pairs, confirmed, derived

__all__ = ["CLAIMS"]

JOINT = "two kernels chosen jointly, which is not rectangular"


def _identity(*pairs: tuple[str, str], kind: str) -> Callable[[Evidence], Comparison]:
    return lambda evidence: compared_pairs(evidence, "identities", pairs, kind=kind)


def _enumerated(name: str, statement: str, *pairs: tuple[str, str]) -> Claim:
    return Claim(
        id=f"{SLUG}/{name}",
        paper=f"{KEY}, rectangular sets",
        kind=Kind.IDENTITY,
        statement=statement,
        judge=IdentityJudge(tolerance=1e-9),
        studies=(f"{SLUG}/identities",),
        measure=_identity(*pairs, kind="rectangular"),
        control=Control("joint", JOINT, _identity(*pairs, kind="joint")),
        provenance=derived(name),
    )


STATIC = _enumerated(
    "static-dynamic",
    r"\text{sa-rectangular, }\pi\text{ stationary: }\min_T V^\pi_T(s)=\text{value against an adversary that chooses "
    r"anew at every step, all }s",
    ("static", "dynamic"),
    ("static", "recursive"),
)
NO_GAP = _enumerated(
    "no-gap",
    r"\text{sa-rectangular: }\max_\pi\min_T V^\pi_T(s)=\min_T\max_\pi V^\pi_T(s)",
    ("maximin", "minimax"),
)
OPTIMA = _enumerated(
    "min-of-optima",
    r"\text{sa-rectangular: }V^\star_{\mathcal T}(s)=\min_T V^\star_T(s)\text{ in all }s\text{ at once}",
    ("iterated", "optima"),
)


def _two(larger: str, smaller: str, **params: Any) -> Callable[[Evidence], TwoSamples]:
    def measure(evidence: Evidence) -> TwoSamples:
        (left, right), labels = arrays(evidence, "joint", larger, smaller, **params)
        return TwoSamples(left, right, labels)

    return measure


GAP = Claim(
    id=f"{SLUG}/nonrect-gap",
    paper=f"{KEY}, rectangularity",
    kind=Kind.SEPARATION,
    statement=r"\text{not rectangular, on instances: }\max_\pi\min_T V^\pi_T(s_0)<\min_T\max_\pi V^\pi_T(s_0)"
    r"\text{, over stationary randomised }\pi",
    judge=SeparationJudge(margin=1e-3),
    studies=(f"{SLUG}/joint",),
    measure=_two("dual", "randomised_upper"),
    control=Control("hull", "the rectangular hull of the same kernels", _two("hull_dual", "hull_value")),
    provenance=derived("nonrect-gap"),
)


def _beaten(by: str) -> Callable[[Evidence], Any]:
    return lambda evidence: (
        compared_pairs(evidence, "joint", (("deterministic", "promised"),)),
        _two(by, "promised", family="split")(evidence),
    )


AGAINST = Claim(
    id=f"{SLUG}/nonrect-certificate",
    paper=f"{KEY}, stopping rule on sets that are not rectangular",
    kind=Kind.INEQUALITY,
    statement=r"\text{not rectangular: }\max_a Q_i(s_0,a)\ge\max_\pi\min_T V^\pi_T(s_0)\text{ over deterministic }\pi"
    r"\text{; on instances a randomised }\pi\text{ guarantees more}",
    judge=AllOf((InequalityJudge(), SeparationJudge(margin=1e-3))),
    studies=(f"{SLUG}/joint",),
    measure=_beaten("randomised"),
    control=Control(
        "deterministic", "the best deterministic policy in place of the randomised one", _beaten("deterministic")
    ),
    provenance=derived("nonrect-certificate"),
)


def _coincide(other: str) -> Callable[[Evidence], Comparison]:
    return lambda evidence: compared_pairs(evidence, "joint", (("promised", other),), family="split")


COINCIDES = Claim(
    id=f"{SLUG}/coincides-at-s0",
    paper=f"{KEY}, remark on Q_i",
    kind=Kind.IDENTITY,
    statement=r"\max_a Q_i(s_0,a)=\text{ static robust value of }\{T_0,\dots,T_i\}\text{ at }s_0",
    judge=IdentityJudge(tolerance=1e-9),
    studies=(f"{SLUG}/joint",),
    measure=_coincide("deterministic"),
    control=Control(
        "dual", "the smallest optimal value of a kernel in place of the largest guarantee", _coincide("dual")
    ),
    provenance=confirmed("remark on Q_i"),
    finding=Finding(
        "Q_i does not coincide at the start with the static robust value of the kernels so far",
        "Two kernels that swap two actions: the largest guarantee is 0 for deterministic policies and 2/3 for "
        "randomised ones, each kernel is worth 1, and max_a Q_1(s_0, a) is 1/2 (discount 1/2).",
        f"{PAGE}#coincides-at-s0",
        explains=Status.REFUTED,
    ),
)


def _balls(exact: str) -> Callable[[Evidence], Any]:
    return lambda evidence: (
        compared_pairs(evidence, "balls", ((exact, "iterated"),)),
        compared_pairs(evidence, "balls", (("hull", "iterated"),)),
    )


BALLS = Claim(
    id=f"{SLUG}/balls",
    paper=f"{KEY}, variants of the set",
    kind=Kind.IDENTITY,
    statement=r"\text{L1, KL and }\chi^2\text{ balls: policy iteration and the sequence with hull values reach the }"
    r"\text{value of robust value iteration}",
    judge=AllOf((IdentityJudge(tolerance=1e-8), IdentityJudge(tolerance=1e-8))),
    studies=(f"{SLUG}/balls",),
    measure=_balls("exact"),
    control=Control("twice-the-radius", "the L1 radius taken for one of total variation", _balls("wrong")),
    provenance=derived("balls"),
)


def _walked(blocks: int) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> Any:
        kept = evidence.where(f"{SLUG}/windy")
        labels = [record.label for record in kept]
        dual = np.concatenate([record["dual"] for record in kept])
        reached = np.array([float(record["sequence"][100 * blocks - 1]) for record in kept])
        return (
            Comparison(reached, dual, labels=labels),
            Comparison(np.concatenate([record["static"] for record in kept]), dual, labels=labels),
            Comparison(
                np.concatenate([record["iterations"] for record in kept]), np.full(len(labels), 2.0), labels=labels
            ),
        )

    return measure


WINDY = Claim(
    id=f"{SLUG}/windy",
    paper=f"{KEY}, figure 1",
    kind=Kind.IDENTITY,
    statement=r"\text{windy walk: after two kernels, }100\text{ backups each, }V(s_0)=\min_T V^\star_T(s_0)"
    r"\text{, and the policy guarantees it}",
    judge=AllOf((IdentityJudge(tolerance=1e-6), IdentityJudge(tolerance=1e-9), InequalityJudge())),
    studies=(f"{SLUG}/windy",),
    measure=_walked(2),
    control=Control("one-block", "the value after the first block of 100 backups", _walked(1)),
    provenance=confirmed("figure 1", layout="derived: docs/papers/robust-static-iwocs.md, windy"),
)


def _false_stops(stop: str) -> Callable[[Evidence], Violations]:
    def measure(evidence: Evidence) -> Violations:
        kept = evidence.where(f"{SLUG}/sampled", stop=stop)
        groups = [(key, np.asarray(part.column("false"))) for key, part in kept.groups("family", "eps")]
        return Violations(
            [int(false.sum()) for _, false in groups],
            [false.size for _, false in groups],
            0.05,
            labels=[f"{family}, eps={eps:g}" for (family, eps), _ in groups],
        )

    return measure


SAMPLED = Claim(
    id=f"{SLUG}/sampled-stop",
    paper=f"{KEY}, evaluation by rollouts",
    kind=Kind.HIGH_PROBABILITY,
    statement=r"\text{stop when the lower confidence limits of all kernels reach }\max_a Q_i(s_0,a)-\varepsilon:\quad "
    r"\Pr\{\text{the policy attains less}\}\le\delta",
    judge=CoverageJudge(),
    studies=(f"{SLUG}/sampled",),
    measure=_false_stops("interval"),
    control=Control("gap", "stop when the estimate is within eps of the promise, as published", _false_stops("gap")),
    provenance=derived("sampled-stop"),
    bound=sp.Symbol("delta", positive=True),
)


def _ordered(name: str) -> Callable[[Evidence], Any]:
    return lambda evidence: (
        compared_pairs(evidence, "garnets", ((name, "robust"),)),
        compared_pairs(evidence, "garnets", (("nominal", "robust"), ("randomised", "robust"), ("keep", "robust"))),
    )


GARNETS = Claim(
    id=f"{SLUG}/garnets",
    paper=f"{KEY}, comparison of methods",
    kind=Kind.IDENTITY,
    statement=r"\text{garnets: worst-case value of the sequence with hull values}=V^\star_{\mathcal T}(s_0)\ge"
    r"\text{that of nominal and randomised planning}",
    judge=AllOf((IdentityJudge(tolerance=1e-9), InequalityJudge())),
    studies=(f"{SLUG}/garnets",),
    measure=_ordered("hull"),
    control=Control("grid", "the sequence on 100 random kernels of the set", _ordered("grid")),
    provenance=derived("garnets"),
)

CLAIMS = (STATIC, NO_GAP, OPTIMA, GAP, AGAINST, COINCIDES, BALLS, WINDY, SAMPLED, GARNETS)
