"""Claims of r2pvi about its five-state simulator and about special cases of its learner, all exact."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bounds.claims import Claim, Control, Evidence, Finding, Kind
from bounds.judges import AllOf, Comparison, IdentityJudge, InequalityJudge, SeparationJudge, TwoSamples

from ._measures import Measure, all_of
from ._r2pvi_common import KEY, PAGE, SLUG, compared, derived

__all__ = ["CLAIMS"]


def _first(leak: float) -> Callable[[Evidence], TwoSamples]:
    def measure(evidence: Evidence) -> TwoSamples:
        kept = evidence.where(f"{SLUG}/first-action", leak=leak)
        labels = [f"{record.label} [lambda={lam:g}]" for record in kept for lam in record["lam"]]
        advantage = kept.column("advantage")
        return TwoSamples(advantage, np.zeros(advantage.shape), labels)

    return measure


FIG1_SOURCE = Claim(
    id=f"{SLUG}/fig1-source",
    paper=f"{KEY}, Fig. 1 (a project finding)",
    kind=Kind.SEPARATION,
    statement=r"\text{five-state simulator, exact d-RRMDP, TV (three forms), KL, }\chi^2,\ "
    r"\lVert\xi\rVert_1\in\{.1,.2,.3\},\ \lambda\in[.05,3]:\ "
    r"Q^\lambda_1(x_1,a^{\mathrm{nominal}})>Q^\lambda_1(x_1,a)\quad\text{for every }a\text{ with another }\xi^\top a",
    judge=SeparationJudge(margin=1e-9),
    studies=(f"{SLUG}/first-action",),
    measure=_first(0.0),
    control=Control(
        "leaky-nominal", "coordinate 4 fails with probability 0.05 at step 1 of the nominal model", _first(0.05)
    ),
    provenance=derived("fig1-source"),
    finding=Finding(
        title="The robustness of Figure 1 does not come from the robust objective",
        text=r"In the simulator of Figure 1 the exact solution of the regularised robust problem takes the nominal "
        r"first action, for every divergence, $\lVert\xi\rVert_1$ and $\lambda$ of the figure: the nominal coordinate "
        r"4 leads to the best state for certain, so no adversary can make it worse than coordinate 1. For total "
        r"variation over all states the objective is all but indifferent (a difference of at most "
        r"$2\lVert\xi\rVert_1p\lambda\le6\cdot10^{-4}$ when $\lambda\le1$); for KL and chi-squared it clearly prefers "
        r"the nominal action. What turns the learner of the figure towards the cautious actions is how it estimates: "
        r"without its penalty and ridge it takes the nominal action on about 96 of 100 datasets. This is no error of "
        r"the theorems, and the learner is robust to the shifts shown; the figure just does not show the objective at "
        r"work. With a nominal model that fails with probability 0.05 the objective itself turns the action, and "
        r"$\lambda$ decides when.",
        docs=f"{PAGE}#the-robustness-of-figure-1-does-not-come-from-the-robust-objective",
    ),
)

_KINDS = ("tv", "kl", "chi2")
NEARER = 0.15  # between the nominal action's b = 0.2 and the next one's 0.1


def _estimation(leak: float) -> Callable[[Evidence], tuple[TwoSamples, TwoSamples]]:
    def measure(evidence: Evidence) -> tuple[TwoSamples, TwoSamples]:
        runs = f"{SLUG}/ablation"
        bare = [evidence.where(runs, divergence=kind, variant="neither", leak=leak) for kind in _KINDS]
        full = [evidence.where(runs, divergence=kind, variant="published", leak=0.0) for kind in _KINDS]
        larger = np.array([part.column("tilt") for part in bare])
        labels = [part.records[0].label for part in bare]
        return (
            TwoSamples(larger, np.array([part.column("tilt") for part in full]), labels),
            TwoSamples(larger, np.full(len(_KINDS), NEARER), labels),
        )

    return measure


FIG1_ESTIMATION = Claim(
    id=f"{SLUG}/fig1-estimation",
    paper=f"{KEY}, Fig. 1(a) (a project finding)",
    kind=Kind.SEPARATION,
    statement=r"K=100,\ \lVert\xi\rVert_1=.2,\ \lambda=.1:\ \text{without penalty and ridge the mean }b=\xi^\top a"
    r"\text{ of the first action exceeds that of the learner of the figure, and is nearer to the nominal action's}",
    judge=AllOf((SeparationJudge(), SeparationJudge())),
    studies=(f"{SLUG}/ablation",),
    measure=_estimation(0.0),
    control=Control(
        "leaky-nominal", "data in which coordinate 4 fails with probability 0.05 at step 1", _estimation(0.05)
    ),
    provenance=derived("the-robustness-of-figure-1-does-not-come-from-the-robust-objective"),
)

#: Largest price at which the modified nominal model flips, for each divergence, and the next price tried.
_FLIPS = {"tv": 1.0, "kl": 0.3, "chi2": 0.05}
_TRIED = (0.05, 0.1, 0.2, 0.3, 0.6, 1.0)


def _flips(leak: float) -> Measure:
    def pattern(evidence: Evidence) -> Comparison:
        seen, said, labels = [], [], []
        for kind, last in _FLIPS.items():
            (record,) = evidence.where(f"{SLUG}/first-action", xi=0.2, option=kind, leak=leak)
            for lam, flipped in zip(record["lam"], record["flipped"], strict=True):
                if lam in _TRIED:
                    seen.append(float(flipped))
                    said.append(float(lam <= last))
                    labels.append(f"{record.label} [lambda={lam:g}]")
        return Comparison(np.array(seen), np.array(said), labels=labels)

    return all_of(pattern, compared("first-action-radius", "flip", "predicted"))


FIG1_MODIFIED = Claim(
    id=f"{SLUG}/fig1-modified",
    paper=f"{KEY}, Fig. 1 with another nominal model (a project finding)",
    kind=Kind.IDENTITY,
    statement=r"\lVert\xi\rVert_1=.2,\ \mu_{1,4}(x_4)=.05:\ \text{the first action flips iff }\lambda\le1\ "
    r"\text{(TV)},\ \lambda\le.3\ \text{(KL)},\ \lambda\le.05\ (\chi^2)\ \text{among }"
    r"\{.05,.1,.2,.3,.6,1\};\quad \text{TV radius on coordinate 4 of step 1: iff }2(1-\rho)<(1-p)V_2(x_2)",
    judge=AllOf((IdentityJudge(0.0), IdentityJudge(1e-10))),
    studies=(f"{SLUG}/first-action", f"{SLUG}/first-action-radius"),
    measure=_flips(0.05),
    control=Control("no-leak", "the simulator as published, where nothing flips", _flips(0.0)),
    provenance=derived("fig1-modified"),
)


def _onehot(d: str, weight: str) -> Measure:
    return all_of(compared("rectangles", d, "onehot_sa"), compared("shrinkage", weight, "weight"))


ONEHOT = Claim(
    id=f"{SLUG}/onehot",
    paper=f"{KEY}, one feature a pair",
    kind=Kind.IDENTITY,
    statement=r"\phi(s,a)=e_{(s,a)}:\quad V^d=V^{sa}\ \text{(price or radius)},\quad "
    r"w_{(s,a)}=\tfrac{n}{n+\gamma}\,\tfrac1n\sum_{\tau:(s,a)}[y_\tau]_{\alpha}\ "
    r"\text{(TV; the same for }e^{-y/\lambda}\text{ inside KL)}",
    judge=AllOf((IdentityJudge(1e-10), IdentityJudge(1e-10))),
    studies=(f"{SLUG}/rectangles", f"{SLUG}/shrinkage"),
    measure=_onehot("onehot_d", "shrunk"),
    control=Control("no-shrinkage", "the empirical mean without n/(n+ridge)", _onehot("onehot_d", "plain")),
    provenance=derived("onehot"),
)


def _variance(name: str) -> Measure:
    def least(evidence: Evidence) -> Comparison:
        found = evidence.where(f"{SLUG}/variance").column("least")
        return Comparison(np.ones(found.shape), found)

    return all_of(compared("variance", name, "weight"), least)


VA = Claim(
    id=f"{SLUG}/va",
    paper="liu2024minimax, VA-DRPVI; here regularised",
    kind=Kind.IDENTITY,
    statement=r"\hat\sigma^2_h\ge1;\quad \hat\sigma\equiv1\Rightarrow\text{VA-R2PVI}=\text{R2PVI}",
    judge=AllOf((IdentityJudge(1e-12), InequalityJudge(0.0))),
    studies=(f"{SLUG}/variance",),
    measure=_variance("one"),
    control=Control("estimated", "the estimated variances, which reach 3 and more here", _variance("estimated")),
    provenance=derived("va"),
)

CLAIMS = (FIG1_SOURCE, FIG1_ESTIMATION, FIG1_MODIFIED, ONEHOT, VA)
