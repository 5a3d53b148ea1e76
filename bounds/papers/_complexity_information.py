"""Claims of complexity-measures about observations, designs and information."""

from __future__ import annotations

import numpy as np
import sympy as sp

from bounds.claims import Claim, Control, Evidence, Finding, Kind, Provenance
from bounds.judges import AllOf, Comparison, Curve, Curves, IdentityJudge, InequalityJudge, RateJudge

from ._complexity_common import PAGE, SLUG, compared, derived, rows_of
from ._measures import Measure, all_of

__all__ = ["CLAIMS"]


def _designs(mean: str) -> Measure:
    return all_of(
        compared("designs", "designs", (mean, "d"), ("least", "d")),
        compared("designs", "designs", ("d", "worst"), ("short", "sharper"), ("sharper", "allowed")),
        lambda evidence: _within(evidence, 1e-3),
    )


def _within(evidence: Evidence, tau: float) -> Comparison:
    rows = rows_of(evidence, "designs", "designs")
    return Comparison(rows["attained"], (1.0 + tau) * rows["d"], labels=rows.labels)


KW = Claim(
    id=f"{SLUG}/kw",
    paper="kiefer1960",
    kind=Kind.IDENTITY,
    statement=r"\sum_ap_a\|a\|^2_{V(p)^{-1}}=d\ \text{ for all }p\text{ with }V(p)\succ0,\quad\min_pg(p)=d,\quad"
    r"\max_{p'}\ln\det V(p')-\ln\det V(p)\le d\ln\frac{g(p)}d\le g(p)-d",
    judge=AllOf((IdentityJudge(tolerance=1e-9), InequalityJudge(slack=1e-8), InequalityJudge(slack=1e-9))),
    studies=(f"{SLUG}/designs",),
    measure=_designs("mean"),
    control=Control("unweighted", "the plain mean of the variances in place of that under p", _designs("plain_mean")),
    provenance=derived("designs"),
)


def _revealing(exact: str) -> Measure:
    def spectral(evidence: Evidence) -> Comparison:
        rows = rows_of(evidence, "revealing", "revealing")
        return Comparison(rows["spectral"] / np.sqrt(rows["states"]), rows["upper"], labels=rows.labels)

    return all_of(
        compared("revealing", "revealing", (exact, "upper")),
        compared("revealing", "revealing", ("pseudo", "upper"), ("lower", 1.0), ("garbled", "upper")),
        spectral,
    )


REVEALING = Claim(
    id=f"{SLUG}/revealing",
    paper="chen2023revealing, definition 2 (norm 1 -> 1); liu2022scary, assumption 1",
    kind=Kind.INEQUALITY,
    statement=r"\alpha_1=1/\min_{LE=I}\|L\|_{1\to1}:\quad\frac1{\|E^+\|_{1\to1}}\le\alpha_1\le1,\quad"
    r"\alpha_1\ge\sigma_S(E)/\sqrt S,\quad\alpha_1(GE)\le\alpha_1(E)\text{ for every channel }G",
    judge=AllOf((IdentityJudge(tolerance=1e-8), InequalityJudge(slack=1e-9), InequalityJudge(slack=1e-9))),
    studies=(f"{SLUG}/revealing",),
    measure=_revealing("lower"),
    control=Control("moore-penrose", "the Moore-Penrose inverse taken for the best left inverse", _revealing("pseudo")),
    provenance=derived("revealing-constants"),
    finding=Finding(
        title="Garbled observations can have a larger smallest singular value",
        text=r"Only the 1 -> 1 constant cannot grow when observations are garbled. One state that emits two symbols "
        r"with probability 1/2 each has $\sigma=1/\sqrt2$; merging the symbols makes it 1. A stochastic matrix may "
        r"have spectral norm above 1.",
        docs=f"{PAGE}#revealing-constants",
    ),
)


def _curves(evidence: Evidence, relative: bool, end: str = "upper") -> Curves:
    curves = []
    for (K,), kept in evidence.where(f"{SLUG}/dec").groups("K"):
        if end not in kept.records[0].arrays:
            continue
        gamma, value = kept.column("gamma"), kept.column(end)
        formula = (K - 1.0) ** 2 / (4.0 * K * gamma)
        y = np.abs(value / formula - 1.0) if relative else value
        curves.append(Curve(gamma, y, f"K={K}"))
    return Curves(tuple(curves))


def _dec(end: str) -> Measure:
    def below(evidence: Evidence) -> Comparison:
        kept = evidence.where(f"{SLUG}/dec")
        K, gamma = kept.column("K"), kept.column("gamma")
        bound = (K - 1.0) ** 2 / (4.0 * K * gamma)
        two = evidence.where(f"{SLUG}/dec", K=2)
        all_bound = 1.0 / (4.0 * two.column("gamma"))
        labels = [f"{r.label}, one arm raised" for r in kept] + [f"{r.label}, both arms shifted" for r in two]
        right = np.concatenate([bound, all_bound])
        return Comparison(
            np.concatenate([kept.column("lower"), two.column("lower_all")]), right, scale=right, labels=labels
        )

    return all_of(below, lambda evidence: _curves(evidence, False, end), lambda evidence: _curves(evidence, True, end))


K_, gamma_ = sp.symbols("K gamma", positive=True)

DEC = Claim(
    id=f"{SLUG}/dec",
    paper="foster2021dec, definition 2, on coins with one better arm",
    kind=Kind.RATE,
    statement=r"\text{coins, one of }K\text{ above the reference }\tfrac12:\ \mathrm{DEC}_\gamma\le\frac{(K-1)^2}"
    r"{4K\gamma}=\mathrm{DEC}_\gamma(1+o(1));\quad\text{any coins}:\ \mathrm{DEC}_\gamma\le\frac{K-1}{4\gamma}",
    judge=AllOf(
        (
            InequalityJudge(slack=1e-7),
            RateJudge(-1.0, "equal", tolerance=0.02),
            RateJudge(-1.0, "at-most", tolerance=0.0),
        )
    ),
    studies=(f"{SLUG}/dec",),
    measure=_dec("upper"),
    control=Control(
        "all-coins",
        "both coins may leave 1/2, in either direction: the relative distance from the formula stays near 1",
        _dec("upper_all"),
    ),
    provenance=derived("decision-estimation-coefficient", **{"1/4": "derived: Hellinger distance of coins at 1/2"}),
    bound=(K_ - 1) ** 2 / (4 * K_ * gamma_),
    finding=Finding(
        title="The leading constant of the coefficient depends on which coins are in the class",
        text=r"$(K-1)^2/(4K\gamma)$ belongs to the class in which one arm is above the reference and the others are at "
        r"it. If all arms may leave it the coefficient tends to $(K-1)/(4\gamma)$, larger by $K/(K-1)$: twice for two.",
        docs=f"{PAGE}#decision-estimation-coefficient",
    ),
)


def _capacity(low: str) -> Measure:
    return all_of(
        compared("capacity", "capacity", (low, "upper")),
        compared("capacity", "capacity", ("tried", "upper"), ("lower", "dual"), ("drop", 0.0)),
    )


CAPACITY = Claim(
    id=f"{SLUG}/capacity",
    paper="blahut1972; arimoto1972",
    kind=Kind.INEQUALITY,
    statement=r"I(p)\le\max_{p'}I(p')\le\max_a\mathrm{KL}(P_a\|q)\text{ for all }p,q;\quad\text{Blahut-Arimoto "
    r"ascends, and closes the gap (to }10^{-6})",
    judge=AllOf((IdentityJudge(tolerance=1.1e-6), InequalityJudge(slack=1e-12))),
    studies=(f"{SLUG}/capacity",),
    measure=_capacity("lower"),
    control=Control("uniform-input", "the information of uniform inputs taken for the capacity", _capacity("uniform")),
    provenance=derived("channel-capacity"),
)


def _ratio(squared: str, allowed: str) -> Measure:
    return all_of(
        compared(
            "information", "information", (squared, allowed), ("thompson", "thompson_allowed"), ("lower", "tried")
        ),
        compared("information", "information", ("lower", "upper")),
    )


RATIO = Claim(
    id=f"{SLUG}/information-ratio",
    paper="russo2016, proposition 3; russo2018ids, proposition 7",
    kind=Kind.INEQUALITY,
    statement=r"\text{coins}:\ (\textstyle\sum_ap_ar_a)^2\le\frac K2\sum_ap_aI_a\text{ for Thompson's }p\text{ and the "
    r"minimiser; the minimum over }p\text{ is attained on two actions}",
    judge=AllOf((InequalityJudge(slack=1e-12), IdentityJudge(tolerance=1e-7))),
    studies=(f"{SLUG}/information",),
    measure=_ratio("squared", "allowed"),
    control=Control(
        "greedy", "the action of least regret in place of the minimiser", _ratio("greedy", "greedy_allowed")
    ),
    provenance=Provenance(
        "recalled", "Russo and Van Roy (2016, 2018); two actions proved in the docs", {"1/2": "recalled: Pinsker"}
    ),
)

CLAIMS = (KW, REVEALING, DEC, CAPACITY, RATIO)
