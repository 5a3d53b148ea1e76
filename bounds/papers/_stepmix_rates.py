"""Claims of stepmix on rates: regret, its price, the tolerated loss, a baseline learned offline."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from bounds.claims import Claim, Control, Evidence, Finding, Kind, Provenance, Record
from bounds.judges import AllOf, Comparison, CoverageJudge, Curve, Curves, InequalityJudge, RateJudge, Violations

from ._measures import entry_labels, record_labels
from ._stepmix_common import BPI_KEY, DOCS, KEY, PAGE, RECALLED, SLUG

__all__ = ["CLAIMS"]

PRICE = f"{SLUG}/price"


def _regret(name: str, minus: str = "") -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> Curves:
        kept = evidence.where(PRICE)
        regret = np.concatenate([record[name] for record in kept])
        if minus:
            regret = regret - np.concatenate([record[minus] for record in kept])
        return Curves((Curve(kept.records[0]["at"], regret.T, f"{kept.records[0]['family']}: {name}"),))

    return measure


ORDER = r"\tilde O\big(\sqrt{H^3SAK}+H^3S^2A+H^3SA\Delta_0(\tfrac1{\kappa^2}+\tfrac S\kappa)\big)"
FOREVER = Control(
    "published-constants",
    "the published constants: nothing is ever certified, and regret grows like K",
    _regret("published"),
)

REGRET = Claim(
    id=f"{SLUG}/regret",
    paper=f"{KEY}, Thm on StepMix",
    kind=Kind.RATE,
    statement=(
        rf"\text{{StepMix: regret }}{ORDER}\text{{ w.p. }}1-\delta;\text{{ judged: exponent in }}K\text{{ at most "
        r"}\tfrac12\ (+0.1)\text{ over the last decade of }K,\text{ KL planner and evaluator, factor 1}"
    ),
    judge=RateJudge(0.5, "at-most", tolerance=0.1),
    studies=(PRICE,),
    measure=_regret("stepmix"),
    control=FOREVER,
    provenance=Provenance("recalled", "order of the regret recalled, constants unknown"),
)

EPSMIX_REGRET = Claim(
    id=f"{SLUG}/epsmix-regret",
    paper=f"{KEY}, Thm on EpsMix",
    kind=Kind.RATE,
    statement=(
        rf"\text{{EpsMix: regret }}{ORDER};\text{{ judged: exponent in }}K\text{{ at most }}\tfrac12\ (+0.1)"
        r"\text{ over the last decade of }K,\text{ KL planner and evaluator, factor 1}"
    ),
    judge=RateJudge(0.5, "at-most", tolerance=0.1),
    studies=(PRICE,),
    measure=_regret("epsmix"),
    control=FOREVER,
    provenance=Provenance("recalled", "order of the regret recalled, constants unknown"),
)

CONSTANT_PRICE = Claim(
    id=f"{SLUG}/constant-price",
    paper=f"{KEY}, consequence of the regret bound",
    kind=Kind.RATE,
    statement=(
        r"\mathrm{Regret}_K(\text{StepMix})-\mathrm{Regret}_K(\text{KL planner alone})\text{ stays bounded in }K:"
        r"\text{ exponent at most }0\ (+0.1)\text{ over the last decade of }K"
    ),
    judge=RateJudge(0.0, "at-most", tolerance=0.1),
    studies=(PRICE,),
    measure=_regret("stepmix", "unconstrained"),
    control=Control(
        "published-constants", "StepMix with the published constants against the same planner",
        _regret("published", "unconstrained"),
    ),
    provenance=Provenance("recalled", "follows from the recalled regret bound: its additive terms do not grow with K"),
)  # fmt: skip


def _kappa(kept: Evidence, name: str) -> Curve:
    """Return array ``name`` over 1/kappa for one learner and one baseline; columns are independent runs."""
    groups = sorted(kept.groups("kappa"), key=lambda group: -float(group[0][0]))
    runs = min(part.column(name).size for _, part in groups)
    y = np.array([part.column(name)[:runs] for _, part in groups])
    first = kept.records[0]
    return Curve([1.0 / key[0] for key, _ in groups], y, f"{first['learner']}, share {first['share']:g}: {name}")


def _scaling(flat: bool) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> tuple[Curves, Curves]:
        kept = evidence.where(f"{SLUG}/kappa")
        most = max(record["length"] for record in kept)
        all_sizes = [part for _, part in kept.groups("learner", "share")]
        finished = [part for _, part in kept.where(length=most).groups("learner", "share")]
        first = [_kappa(part, "first") for part in all_sizes if part.records[0]["share"] == 1.0]
        rest = [_kappa(part, "pure") for part in all_sizes] + [_kappa(part, "extra") for part in finished]
        if flat:
            first = [Curve(one.x, np.repeat(one.y[:1], one.x.size, axis=0), one.label) for one in first]
        return Curves(tuple(first)), Curves(tuple(rest))

    return measure


KAPPA = Claim(
    id=f"{SLUG}/kappa-scaling",
    paper=f"{KEY}, consequence of the regret bound",
    kind=Kind.RATE,
    statement=(
        r"\text{Trap, }\Delta_0\text{ fixed: with a deterministic baseline the episodes before the first mixture grow }"
        r"\text{like }\kappa^{-2}\ (\pm0.4);\text{ with any, pure-baseline episodes and the regret of all episodes }"
        r"\text{that are not fully optimistic at most like }"
        r"\kappa^{-2}\ (+0.4);\text{ KL evaluator, factor 1}"
    ),
    judge=AllOf((RateJudge(2.0, "equal", tolerance=0.4), RateJudge(2.0, "at-most", tolerance=0.4))),
    studies=(f"{SLUG}/kappa",),
    measure=_scaling(False),
    control=Control("no-dependence", "the wait at the largest kappa at every kappa", _scaling(True)),
    provenance=Provenance(
        "recalled", "1/kappa^2 recalled from the regret bound", {"-2": f"derived: lower side, {DOCS}#lower-bound"}
    ),
)


def _vacuous(learners: tuple[str, str, str]) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> tuple[Any, ...]:
        kept = evidence.where(f"{SLUG}/constants")
        stay = Evidence(tuple(record for record in kept if record["learner"] in learners[:2]))
        alone = kept.where(learner=learners[2])
        left = stay.column("left").astype(np.float64)
        return (
            Comparison(
                left, np.zeros(left.shape), scale=stay.column("episodes").max(), labels=entry_labels(stay, "left")
            ),
            Comparison(alone.column("baseline_loss"), alone.column("per_episode"), labels=entry_labels(alone, "left")),
        )

    return measure


VACUOUS = Claim(
    id=f"{SLUG}/const-vacuous",
    paper=f"{KEY} and {BPI_KEY}, with their constants",
    kind=Kind.INEQUALITY,
    statement=(
        r"\text{Constants }3,14H^2\text{ (planner) and }22H^2,2/H\text{ (evaluator), }S=A=5,H=3:\ \text{no episode "
        r"up to }K\text{ is certified, StepMix and EpsMix are the baseline; and over the last half of them BPI-UCBVI "
        r"alone loses more an episode than the baseline.}\ \text{Proved: the lower bound of a pair is }0\text{ while }"
        r"n\le22H\beta(n),\text{ its upper one trivial while }n\le14H\beta(n)"
    ),
    judge=AllOf((InequalityJudge(slack=0.0), InequalityJudge(slack=0.0))),
    studies=(f"{SLUG}/constants",),
    measure=_vacuous(("stepmix, published", "epsmix, published", "bpi")),
    control=Control(
        "kl-radii",
        "the same learners with KL planner and KL evaluator",
        _vacuous(("stepmix", "epsmix", "unconstrained")),
    ),
    provenance=Provenance(
        "derived", f"{DOCS}#const-vacuous", {"3, 14, 1/H": RECALLED, "22, 2/H": "recalled: low confidence"}
    ),
    finding=Finding(
        title="With its published constants StepMix never leaves the baseline at laptop sizes",
        text=r"On random problems of the paper's size ($S=A=5$, $H=3$, $\gamma=0.95V^{\pi^b}$) no episode is "
        r"certified, neither at quick scale ($K=10^4$) nor at paper scale ($K=2\cdot10^5$): the lower bound of a pair "
        r"is 0 until it was visited $22H\beta\approx4\,000$ times. The upper bounds of the planner, BPI-UCBVI, are "
        r"trivial about as long, so that it plays the smallest action, and one action after the other later: over the "
        r"last half of these episodes it loses more in each than the baseline does. The constants are recalled, with "
        r"low confidence for the evaluator's; the orders stand. Every rate here is judged with KL radii instead, which "
        r"are derived and valid at factor 1.",
        docs=f"{PAGE}#the-published-constants",
    ),
)


def _over_radius(record: Record) -> Any:
    """Return the episodes needed, divided by the KL radius of the safe action at that number (S = 3, A = 4, H = 2)."""
    needed = record["needed"].astype(np.float64)
    volume = 2.0 * (1.0 + np.log1p(needed / record["cover"] / 2.0))
    return needed / (math.log(24.0 / 0.05) + volume)


def _offline(unsafe: str) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> tuple[Any, ...]:
        needs, online = evidence.where(f"{SLUG}/offline-needs"), evidence.where(f"{SLUG}/offline-runs")
        wrong = [int(np.count_nonzero(record[unsafe])) for record in needs]
        broken = [int(np.count_nonzero(record["violating"])) for record in online]
        cover, loss = needs.records[0]["cover"], max(record["kappa"] for record in needs)
        by_loss = sorted((record for record in needs if record["cover"] == cover), key=lambda r: -float(r["kappa"]))
        by_cover = sorted((record for record in needs if record["kappa"] == loss), key=lambda r: float(r["cover"]))
        return (
            Violations(wrong, needs.column("runs"), needs.column("delta"), record_labels(needs)),
            Violations(broken, online.column("runs"), online.column("delta"), record_labels(online)),
            Curves((Curve([1.0 / r["kappa"] for r in by_loss], [_over_radius(r) for r in by_loss], f"C*={cover:g}"),)),
            Curves((Curve([r["cover"] for r in by_cover], [_over_radius(r) for r in by_cover], f"kappa={loss:g}"),)),
        )

    return measure


OFFLINE = Claim(
    id=f"{SLUG}/offline",
    paper=f"{KEY}, Sec. on an unknown baseline",
    kind=Kind.HIGH_PROBABILITY,
    statement=(
        r"n\ge\tilde O(H^3SC^\star/\kappa^2)\text{ logged episodes: a baseline learned by pessimistic value "
        r"iteration and certified is safe, and StepMix with it violates in no episode, each w.p. }1-\delta;"
        r"\text{ judged: these, and that the episodes until the certificate reaches }\gamma,\text{ over "
        r"}\beta_{\mathrm{KL}}\text{ there (the logarithm), grow like }\kappa^{-2}\ (\pm0.4)\text{ and at most like }"
        r"C^\star\ (+0.3)"
    ),
    judge=AllOf(
        (
            CoverageJudge(),
            CoverageJudge(),
            RateJudge(2.0, "equal", tolerance=0.4),
            RateJudge(1.0, "at-most", tolerance=0.3),
        )
    ),
    studies=(f"{SLUG}/offline-needs", f"{SLUG}/offline-runs"),
    measure=_offline("unsafe"),
    control=Control(
        "plug-in", "policy and certificate from the empirical model, without pessimism", _offline("unsafe_plug_in")
    ),
    provenance=Provenance(
        "recalled", "sample size recalled, order only; safety derived in " + f"{DOCS}#offline",
        {"H^3 S C*/kappa^2": "recalled: order only"},
    ),
)  # fmt: skip

CLAIMS = (REGRET, EPSMIX_REGRET, CONSTANT_PRICE, KAPPA, VACUOUS, OFFLINE)
