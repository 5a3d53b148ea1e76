"""Claims of lsd-bandits about the relaxation and its rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy as sp

from bounds.claims import Claim, Control, Evidence, Kind, Provenance
from bounds.judges import (
    AllOf,
    Comparison,
    IdentityJudge,
    InequalityJudge,
    MeanBound,
    MeanBoundJudge,
    SeparationJudge,
    TwoSamples,
)

from ._lsd_common import DOCS, KEY, ONE_OVER_E, SLUG, columns, comparison, derived

__all__ = ["CLAIMS"]

Array = npt.NDArray[np.float64]

n, k, LP = sp.symbols("n k LP", positive=True)

MONOTONE = ("monotone", "recharging", "satiation")
WASTEFUL = "no contention resolution: nothing is pulled in a round with more candidates than pulls"


def _joined(name: str, bound: Callable[[Array, Array], Array]) -> Callable[[Evidence], Comparison]:
    """Return the measure ``bound(n, LP*) <= name`` over the monotone random instances."""

    def measure(evidence: Evidence) -> Comparison:
        kept = Evidence(tuple(record for record in evidence if record.params.get("kind") in MONOTONE))
        (arms, lp, value), labels = columns(kept, "random", "n", "lp", name)
        return Comparison(bound(arms, lp), value, labels=labels)

    return measure


UPPER = Claim(
    id=f"{SLUG}/lp-upper",
    paper=f"{KEY}, relaxation",
    kind=Kind.INEQUALITY,
    statement=r"\mathrm{OPT}\le\mathrm{LP}^*\quad\text{(any payoffs)}",
    judge=InequalityJudge(slack=1e-7),
    studies=(f"{SLUG}/random",),
    measure=comparison("random", ("opt", "lp", "largest"), lambda opt, lp, _: (opt, lp), trivial=2),
    control=Control(
        "half-a-pull",
        "the program may pull half an arm a round only",
        comparison("random", ("opt", "half", "largest"), lambda opt, half, _: (opt, half), trivial=2),
    ),
    provenance=derived("lp-upper", form="derived: the abstract names a higher-dimensional relaxation, not its form"),
    bound=LP,
)


def _losses(name: str) -> Callable[[Evidence], MeanBound]:
    """Return the measure of the part of LP* that simulated runs lose, against 1/e."""

    def measure(evidence: Evidence) -> MeanBound:
        kept = evidence.where(f"{SLUG}/simulation")
        return MeanBound(
            [1.0 - np.asarray(record[name]) / float(record["lp"][0]) for record in kept],
            ONE_OVER_E,
            labels=[record.label for record in kept],
            trivial=1.0,
        )

    return measure


def _approximation(exact: str, simulated: str) -> Callable[[Evidence], Any]:
    value, loss = _joined(exact, lambda arms, lp: (1.0 - ONE_OVER_E) * lp), _losses(simulated)
    return lambda evidence: (value(evidence), loss(evidence))


APPROX = Claim(
    id=f"{SLUG}/approx",
    paper=f"{KEY}, approximation guarantee",
    kind=Kind.INEQUALITY,
    statement=r"\text{monotone payoffs: expected average payoff of mirrored virtual states}\ \ge(1-1/e)\,\mathrm{LP}^*",
    judge=AllOf((InequalityJudge(slack=1e-7), MeanBoundJudge(confidence=0.99))),
    studies=(f"{SLUG}/random", f"{SLUG}/simulation"),
    measure=_approximation("rounding", "payoff"),
    control=Control("wasteful", WASTEFUL, _approximation("wasteful", "wasted")),
    provenance=derived("approx", ratio="derived: the paper's constant was not seen"),
    bound=(1 - sp.exp(-1)) * LP,
)

FINITE = Claim(
    id=f"{SLUG}/finite-n",
    paper=f"{KEY}, approximation guarantee for n arms",
    kind=Kind.INEQUALITY,
    statement=r"\text{monotone payoffs, }n\text{ arms: rounding}\ \ge\left(1-(1-1/n)^n\right)\mathrm{LP}^*",
    judge=InequalityJudge(slack=1e-7),
    studies=(f"{SLUG}/random",),
    measure=_joined("rounding", lambda arms, lp: (1.0 - (1.0 - 1.0 / arms) ** arms) * lp),
    control=Control(
        "wasteful", WASTEFUL, _joined("wasteful", lambda arms, lp: (1.0 - (1.0 - 1.0 / arms) ** arms) * lp)
    ),
    provenance=derived("finite-n"),
    bound=(1 - (1 - 1 / n) ** n) * LP,
)


def _tight(name: str) -> Callable[[Evidence], Comparison]:
    def measure(evidence: Evidence) -> Comparison:
        arrays, labels = columns(evidence, "tight", "lp", "opt", name)
        arms = np.array([float(record["n"]) for record in evidence.where(f"{SLUG}/tight")])
        one = np.ones_like(arms)
        right = np.concatenate([one, one, 1.0 - (1.0 - 1.0 / arms) ** arms])
        names = [f"{what}, {label}" for what in ("LP*", "OPT", "rounding") for label in labels]
        return Comparison(np.concatenate(arrays), right, labels=names)

    return measure


TIGHT = Claim(
    id=f"{SLUG}/tight-rounding",
    paper=f"{KEY}, tightness of the analysis",
    kind=Kind.IDENTITY,
    statement=r"p_i(\tau)=1\{\tau\ge n-1\}:\quad \mathrm{LP}^*=\mathrm{OPT}=1,\quad\text{rounding}=1-(1-1/n)^n",
    judge=IdentityJudge(tolerance=1e-12),
    studies=(f"{SLUG}/tight",),
    measure=_tight("rounding"),
    control=Control("wasteful", WASTEFUL, _tight("wasteful")),
    provenance=derived("tight-rounding"),
    bound=1 - (1 - 1 / n) ** n,
)

RECHARGING = Claim(
    id=f"{SLUG}/recharging-lp",
    paper=f"{KEY}, special case of recharging arms",
    kind=Kind.IDENTITY,
    statement=r"\text{recharging arms: }\mathrm{LP}^*=\max_{\sum_i x_i\le1}\sum_i G_i(x_i),\quad "
    r"G_i=\text{concave hull of }R_i(d)/d\text{ at }x=1/d",
    judge=IdentityJudge(tolerance=1e-8),
    studies=(f"{SLUG}/recharging",),
    measure=comparison("recharging", ("lp", "hull"), lambda lp, hull: (lp, hull)),
    control=Control(
        "one-delay-an-arm",
        "no mixing: every arm keeps one delay",
        comparison("recharging", ("lp", "fixed"), lambda lp, fixed: (lp, fixed)),
    ),
    provenance=derived("recharging-lp"),
)


def _pulls(name: str) -> Callable[[Evidence], Comparison]:
    def measure(evidence: Evidence) -> Comparison:
        left: list[Array] = []
        right: list[Array] = []
        labels: list[str] = []
        for (pulls,), part in evidence.where(f"{SLUG}/pulls").groups("k"):
            arrays, found = columns(part, "pulls", "lp", name)
            left.append((1.0 - float(pulls**pulls / (sp.E**pulls * sp.factorial(pulls)))) * arrays[0])
            right.append(arrays[1])
            labels += found
        return Comparison(np.concatenate(left), np.concatenate(right), labels=labels)

    return measure


SEVERAL = Claim(
    id=f"{SLUG}/recharging-k",
    paper="papadigenopoulos2022, guarantee for k pulls a round",
    kind=Kind.INEQUALITY,
    statement=r"\text{recharging arms, }k\text{ pulls a round: rounding}\ \ge"
    r"\left(1-\tfrac{k^k}{e^k k!}\right)\mathrm{LP}^*_k",
    judge=InequalityJudge(slack=1e-7),
    studies=(f"{SLUG}/pulls",),
    measure=_pulls("rounding"),
    control=Control("wasteful", WASTEFUL, _pulls("wasteful")),
    provenance=Provenance(
        "recalled",
        "statement as recalled; proved for this rounding in the docs",
        {"ratio": f"derived: {DOCS}, recharging-k"},
    ),
    bound=(1 - k**k / (sp.exp(k) * sp.factorial(k))) * LP,
)


def _interleaved(*families: str) -> Callable[[Evidence], Comparison]:
    def measure(evidence: Evidence) -> Comparison:
        kept = Evidence(tuple(record for record in evidence if record.params.get("family") in families))
        (lp, value), labels = columns(kept, "interleaving", "lp", "interleaved")
        return Comparison((1.0 - ONE_OVER_E / 2.0) * lp, value, labels=labels)

    return measure


INTERLEAVING = Claim(
    id=f"{SLUG}/interleaving",
    paper="immorlica2018, interleaved rounding",
    kind=Kind.INEQUALITY,
    statement=r"\text{recharging arms, concave in the delay: interleaved rounding}\ \ge"
    r"\left(1-\tfrac1{2e}\right)\mathrm{LP}^*",
    judge=InequalityJudge(slack=1e-7),
    studies=(f"{SLUG}/interleaving",),
    measure=_interleaved("random", "concave"),
    control=Control("sharp", "payoffs that jump from 0 to 1 at a delay, not concave", _interleaved("sharp")),
    provenance=Provenance(
        "recalled", "order of the guarantee as recalled", {"constant": f"derived: {DOCS}, interleaving"}
    ),
    bound=(1 - sp.exp(-1) / 2) * LP,
)


def _periods(*, kept: bool) -> Callable[[Evidence], TwoSamples]:
    def measure(evidence: Evidence) -> TwoSamples:
        arrays, labels = columns(evidence, "periods", "lp", "opt", kept=kept)
        return TwoSamples(arrays[0], arrays[1], labels)

    return measure


HARDNESS = Claim(
    id=f"{SLUG}/hardness",
    paper=f"{KEY}, hardness of planning",
    kind=Kind.SEPARATION,
    statement=r"\text{planning is NP-hard (no finite check); judged: }"
    r"\mathrm{OPT}<\mathrm{LP}^*\text{ where periods clash}",
    judge=SeparationJudge(margin=1e-3),
    studies=(f"{SLUG}/periods",),
    measure=_periods(kept=False),
    control=Control("kept", "periods that one schedule keeps, where the program is exact", _periods(kept=True)),
    provenance=Provenance("recalled", "NP-hardness as recalled", {"gap": f"derived: {DOCS}, hardness"}),
)

_GREEDY_JUDGE = AllOf(
    (IdentityJudge(tolerance=1e-12), InequalityJudge(), InequalityJudge(slack=1e-7), SeparationJudge(factor=10.0))
)


def _greedy(name: str) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> Any:
        arrays, labels = columns(evidence, "greedy", "delta", "opt", "lp", "rounding", name)
        delta, opt, lp, value, stand_in = arrays
        rests = np.array([float(record["M"]) for record in evidence.where(f"{SLUG}/greedy")])
        return (
            Comparison(stand_in, delta, labels=labels, scale=delta),
            Comparison(1.0 / (rests + 1.0), opt, labels=labels),
            Comparison((1.0 - ONE_OVER_E) * lp, value, labels=labels),
            TwoSamples(opt, stand_in, labels),
        )

    return measure


GREEDY = Claim(
    id=f"{SLUG}/greedy-fails",
    paper=f"{KEY}, myopic play",
    kind=Kind.SEPARATION,
    statement=r"p(\tau)=1\{\tau\ge M\}+\delta\,1\{\tau<M\}:\ \text{greedy earns }\delta\text{ a round},\ "
    r"\mathrm{OPT}\ge\tfrac1{M+1};\text{ judged: OPT}>10\,\text{greedy at }\delta\le\tfrac1{20(M+1)}",
    judge=_GREEDY_JUDGE,
    studies=(f"{SLUG}/greedy",),
    measure=_greedy("greedy"),
    control=Control("rounding", "the rounding stands in for greedy", _greedy("rounding")),
    provenance=derived("greedy-fails"),
)

CLAIMS = (UPPER, APPROX, FINITE, TIGHT, RECHARGING, SEVERAL, INTERLEAVING, HARDNESS, GREEDY)
