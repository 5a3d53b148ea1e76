"""Claims of robust-static-iwocs about the sequence: its values, its certificate, and where it stops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bounds.claims import Claim, Control, Evidence, Finding, Kind, Status
from bounds.judges import AllOf, Comparison, InequalityJudge, SeparationJudge, TwoSamples

from ._iwocs_common import KEY, PAGE, RULES, SLUG, arrays, compared_pairs, confirmed, derived

__all__ = ["CLAIMS"]


def _checks(*pairs: tuple[str, str]) -> Callable[[Evidence], Comparison]:
    """Return the comparison of two recorded sides under every completion rule."""
    every = tuple((f"{rule}_{one}", f"{rule}_{other}") for rule in RULES for one, other in pairs)
    return lambda evidence: compared_pairs(evidence, "sequences", every)


PROP1 = Claim(
    id=f"{SLUG}/prop1",
    paper=f"{KEY}, property 1",
    kind=Kind.INEQUALITY,
    statement=r"Q_i\ge Q^\star_{\tilde{\mathcal T}_i}\ge Q^\star_{\mathcal T},\quad \tilde{\mathcal T}_i="
    r"\text{rectangular hull of }T_0,\dots,T_i",
    judge=InequalityJudge(),
    studies=(f"{SLUG}/sequences",),
    measure=_checks(("hull", "q"), ("robust", "hull_robust")),
    control=Control(
        "policy-values",
        "the smallest values of the previous policy in place of optimal ones",
        lambda evidence: compared_pairs(evidence, "sequences", (("policies_hull", "policies_q"),)),
    ),
    provenance=confirmed("property 1"),
)


def _monotone(measure: Callable[[Evidence], Comparison], rule: str) -> Callable[[Evidence], Any]:
    def both(evidence: Evidence) -> Any:
        record = next(iter(evidence.where(f"{SLUG}/named", instance="sequence")))
        last = np.asarray(record[f"{rule}_promised"])[-1:]
        return measure(evidence), TwoSamples(last, record["optimum"], [record.label])

    return both


PROP2 = Claim(
    id=f"{SLUG}/prop2",
    paper=f"{KEY}, property 2",
    kind=Kind.INEQUALITY,
    statement=r"Q_{i+1}\le Q_i\text{, hence convergent; on an instance the limit is above }Q^\star_{\mathcal T}",
    judge=AllOf((InequalityJudge(), SeparationJudge(margin=1e-3))),
    studies=(f"{SLUG}/sequences", f"{SLUG}/named"),
    measure=_monotone(_checks(("next", "previous")), "keep"),
    control=Control(
        "latest",
        "optimal values of the latest kernel only, and the limit with hull values",
        _monotone(
            lambda evidence: compared_pairs(evidence, "sequences", (("latest_next", "latest_previous"),)), "hull"
        ),
    ),
    provenance=confirmed("property 2"),
)

CERTIFICATE = Claim(
    id=f"{SLUG}/certificate",
    paper=f"{KEY}, stopping rule",
    kind=Kind.INEQUALITY,
    statement=r"\text{sa-rectangular: }V^\star_{\mathcal T}(s_0)-\min_T V^{\pi_i}_T(s_0)\le"
    r"\left|V^{\pi_i}_{T_{i+1}}(s_0)-\max_a Q_i(s_0,a)\right|",
    judge=InequalityJudge(),
    studies=(f"{SLUG}/sequences",),
    measure=_checks(("lost", "gap")),
    control=Control(
        "stale-kernel",
        "the policy valued under T_i, the kernel it was made for",
        lambda evidence: compared_pairs(evidence, "sequences", (("stale_lost", "stale_gap"),)),
    ),
    provenance=derived("certificate"),
)


def _worse(instance: str, *rules: str) -> Callable[[Evidence], TwoSamples]:
    def measure(evidence: Evidence) -> TwoSamples:
        record = next(iter(evidence.where(f"{SLUG}/named", instance=instance)))
        values = np.array([float(record[f"{rule}_value"][0]) for rule in rules])
        best = np.full(len(rules), float(record["optimum"][0]))
        return TwoSamples(best, values, [f"{rule}, {record.label}" for rule in rules])

    return measure


REPEAT = Claim(
    id=f"{SLUG}/repeat",
    paper=f"{KEY}, remark on premature stopping",
    kind=Kind.SEPARATION,
    statement=r"\text{a repeated kernel can stop the sequence at a suboptimal policy: it does under the rule nominal}",
    judge=SeparationJudge(margin=1e-3),
    studies=(f"{SLUG}/named",),
    measure=_worse("nominal", "nominal"),
    control=Control("keep", "free rows kept from the last kernel, on the same instance", _worse("nominal", "keep")),
    provenance=confirmed(
        "remark on premature stopping", instance="derived: docs/papers/robust-static-iwocs.md, repeat"
    ),
)

ANY_RULE = Claim(
    id=f"{SLUG}/any-rule",
    paper="this project",
    kind=Kind.SEPARATION,
    statement=r"\text{on three states the sequence stops at }280/61\text{, the optimum being }6\text{, whatever the }"
    r"\text{completion rule}",
    judge=SeparationJudge(margin=1.0),
    studies=(f"{SLUG}/named",),
    measure=_worse("sequence", *RULES),
    control=Control("hull", "values of the rectangular hull", _worse("sequence", "hull")),
    provenance=derived("any-rule"),
)


def _lost(*rules: str) -> Callable[[Evidence], Comparison]:
    """Return the measure of what the rules lose on the random instances and on the two named ones, against 0."""

    def measure(evidence: Evidence) -> Comparison:
        losses, scales, names = [], [], []
        for rule in rules:
            (loss, optimum), labels = arrays(evidence, "sequences", f"{rule}_loss", "optimum")
            (value, best), known = arrays(evidence, "named", f"{rule}_value", "optimum")
            losses += [loss, best - value]
            scales += [optimum, best]
            names += [f"{rule}, {label}" for label in (*labels, *known)]
        joint = np.concatenate(losses)
        return Comparison(joint, np.zeros(joint.size), scale=np.maximum(np.concatenate(scales), 1e-3), labels=names)

    return measure


KEEP = Claim(
    id=f"{SLUG}/complete-keep",
    paper="this project",
    kind=Kind.INEQUALITY,
    statement=r"\text{vertex sets: the rules keep and worst end at }\max_\pi\min_T V^\pi_T(s_0)",
    judge=InequalityJudge(slack=1e-9),
    studies=(f"{SLUG}/sequences", f"{SLUG}/named"),
    measure=_lost("keep", "worst"),
    control=Control("nominal", "free rows reset to those of T_0", _lost("nominal")),
    provenance=derived("complete-keep"),
    finding=Finding(
        "No completion rule makes IWOCS complete",
        "On most random sets keep and worst end at the robust optimum, but not on all, and on a set of three states "
        "with two uncertain rows every rule repeats a kernel at a policy worth 280/61 where 6 is possible. With the "
        "robust optimum of the rectangular hull in place of the minimum of optimal values it is complete, with proof.",
        f"{PAGE}#complete-keep",
        explains=Status.REFUTED,
    ),
)


def _search(rule: str) -> Callable[[Evidence], Comparison]:
    def measure(evidence: Evidence) -> Comparison:
        first = _lost(rule)(evidence)
        (loss, scale), labels = arrays(evidence, "search", f"{rule}_loss", "scale")
        return Comparison(
            np.concatenate([first.left, loss]),
            np.zeros(first.left.size + loss.size),
            scale=np.maximum(np.concatenate([first.scale, scale]), 1e-3),
            labels=(*first.labels, *labels),
        )

    return measure


HULL = Claim(
    id=f"{SLUG}/hull-complete",
    paper="this project",
    kind=Kind.INEQUALITY,
    statement=r"\text{vertex sets, }Q_i=Q^\star_{\tilde{\mathcal T}_i}:\text{ the sequence ends at }"
    r"\max_\pi\min_T V^\pi_T(s_0)",
    judge=InequalityJudge(slack=1e-9),
    studies=(f"{SLUG}/sequences", f"{SLUG}/named", f"{SLUG}/search"),
    measure=_search("hull"),
    control=Control("published", "the paper's values, rule keep", _search("keep")),
    provenance=derived("hull-complete"),
)


def _counted(name: str) -> Callable[[Evidence], Comparison]:
    def measure(evidence: Evidence) -> Comparison:
        kept = evidence.where(f"{SLUG}/finite")
        counts = np.concatenate([np.asarray(record[name]) for record in kept])
        sizes = np.concatenate([np.full(np.size(record[name]), float(record["K"])) for record in kept])
        labels = [f"{record.label} [{i}]" for record in kept for i in range(np.size(record[name]))]
        return Comparison(counts, sizes, labels=labels)

    return measure


FINITE = Claim(
    id=f"{SLUG}/finite",
    paper=f"{KEY}, finite sets",
    kind=Kind.INEQUALITY,
    statement=r"\text{finite }\mathcal T\text{, ended at a repeat: at most }\#\mathcal T\text{ kernels are solved}",
    judge=InequalityJudge(),
    studies=(f"{SLUG}/finite",),
    measure=_counted("ended"),
    control=Control("endless", "the sequence goes on after a repeat", _counted("endless")),
    provenance=derived("finite"),
)

CLAIMS = (PROP1, PROP2, CERTIFICATE, REPEAT, ANY_RULE, KEEP, HULL, FINITE)
