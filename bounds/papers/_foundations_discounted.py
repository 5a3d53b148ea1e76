"""Claims on the discounted Bellman operator: contraction, stopping rules, enclosures, reachability."""

import sympy as sp

from bounds.claims import Assumption, Claim, Control, Evidence, Kind
from bounds.judges import AllOf, Comparison, InequalityJudge, SeparationJudge, TwoSamples

from ._foundations_common import DISCOUNTED, SLUG, derived, measured, rows_of
from ._measures import joined, numbers

__all__ = ["CLAIMS"]

gamma, x = sp.symbols("gamma x", nonnegative=True)

OPERATORS = (f"{SLUG}/operators",)


def _contraction(evidence: Evidence, modulus: float = 1.0) -> tuple[Comparison, Comparison]:
    p = rows_of(evidence, "operators", "contraction")
    spans = rows_of(evidence, "operators", "spans")
    bound = modulus * gamma * x
    at = {gamma: spans["gamma"], x: spans["delta"] * spans["span"]}
    return (
        joined(p, (p["image"], numbers(bound, {gamma: p["gamma"], x: p["distance"]}))),
        joined(spans, (spans["span_image"], numbers(bound, at))),
    )


CONTRACTION = Claim(
    id=f"{SLUG}/contraction",
    paper="puterman1994, Sec 6.2 and 6.6",
    kind=Kind.INEQUALITY,
    statement=(
        r"\|Tu - Tv\|_\infty \le \gamma \|u - v\|_\infty, \quad "
        r"\mathrm{sp}(Tu - Tv) \le \gamma\,\delta\,\mathrm{sp}(u - v), \quad "
        r"\delta = 1 - \min_{(s,a),(s',a')} \sum_j \min(P(j \mid s,a), P(j \mid s',a'))"
    ),
    judge=AllOf((InequalityJudge(), InequalityJudge())),
    studies=OPERATORS,
    measure=_contraction,
    control=Control(
        "half-modulus", "gamma/2 in place of gamma in both inequalities", lambda e: _contraction(e, modulus=0.5)
    ),
    provenance=derived("contraction"),
    bound=gamma * x,
    assumptions=(DISCOUNTED,),
)

_POLICY_STOP = 2 * gamma * x / (1 - gamma)
_VALUE_STOP = gamma * x / (1 - gamma)


def _vi_stop(evidence: Evidence) -> Comparison:
    p = rows_of(evidence, "operators", "stop")
    at = {gamma: p["gamma"], x: p["change"]}
    return joined(p, (p["policy_error"], numbers(_POLICY_STOP, at)), (p["value_error"], numbers(_VALUE_STOP, at)))


VI_STOP = Claim(
    id=f"{SLUG}/vi-stop",
    paper="puterman1994, Sec 6.3",
    kind=Kind.INEQUALITY,
    statement=(
        r"v_{n+1} = T v_n: \quad \|V^{\pi_{v_{n+1}}} - V^*\| \le \frac{2\gamma}{1-\gamma}\|v_{n+1} - v_n\|, \quad "
        r"\|v_{n+1} - V^*\| \le \frac{\gamma}{1-\gamma}\|v_{n+1} - v_n\|"
    ),
    judge=InequalityJudge(),
    studies=OPERATORS,
    measure=_vi_stop,
    control=Control(
        "change-below-eps",
        "the rule 'stop when the change is below eps', without (1-gamma)/(2 gamma), read as: the policy is eps-optimal",
        measured("operators", "stop", lambda p: ((p["policy_error"], p["change"]),)),
    ),
    provenance=derived("vi-stop"),
    bound=_POLICY_STOP,
    assumptions=(DISCOUNTED,),
)

SPAN_STOP = Claim(
    id=f"{SLUG}/span-stop",
    paper="puterman1994, Sec 6.6",
    kind=Kind.INEQUALITY,
    statement=(
        r"v_{n+1} = T v_n: \quad "
        r"\|V^{\pi_{v_n}} - V^*\| \le \frac{\gamma}{1-\gamma}\,\mathrm{sp}(v_{n+1} - v_n)"
    ),
    judge=InequalityJudge(),
    studies=OPERATORS,
    measure=measured(
        "operators",
        "stop",
        lambda p: ((p["previous_policy_error"], numbers(_VALUE_STOP, {gamma: p["gamma"], x: p["change_span"]})),),
    ),
    control=Control(
        "uncentred-values",
        "the span rule read as a statement on the values: |v_{n+1} - V*| instead of the loss of the policy",
        measured(
            "operators",
            "stop",
            lambda p: ((p["value_error"], numbers(_VALUE_STOP, {gamma: p["gamma"], x: p["change_span"]})),),
        ),
    ),
    provenance=derived("span-stop"),
    bound=_VALUE_STOP,
    assumptions=(DISCOUNTED,),
)


def _macqueen(evidence: Evidence, shift: sp.Expr = gamma * x / (1 - gamma)) -> tuple[Comparison, Comparison]:
    p = rows_of(evidence, "operators", "macqueen")
    plans = rows_of(evidence, "operators", "certificates")
    low = p["Tv"] + numbers(shift, {gamma: p["gamma"], x: p["d_min"]})
    high = p["Tv"] + numbers(shift, {gamma: p["gamma"], x: p["d_max"]})
    return (
        joined(p, (low, p["V_policy"]), (p["V_policy"], p["V_star"]), (p["V_star"], high)),
        joined(plans, (plans["lower"], plans["V_star"]), (plans["V_star"], plans["upper"])),
    )


MACQUEEN = Claim(
    id=f"{SLUG}/macqueen",
    paper="puterman1994, Sec 6.6",
    kind=Kind.INEQUALITY,
    statement=(
        r"d = Tv - v: \quad Tv + \frac{\gamma \min d}{1-\gamma} \le V^{\pi_v} \le V^* "
        r"\le Tv + \frac{\gamma \max d}{1-\gamma}"
    ),
    judge=AllOf((InequalityJudge(), InequalityJudge())),
    studies=OPERATORS,
    measure=_macqueen,
    control=Control(
        "no-discount", "min d/(1-gamma) and max d/(1-gamma), without gamma", lambda e: _macqueen(e, x / (1 - gamma))
    ),
    provenance=derived("macqueen"),
    bound=gamma * x / (1 - gamma),
    assumptions=(DISCOUNTED,),
)


def _enclosures(evidence: Evidence, *, check_proposals: bool = True) -> tuple[Comparison, ...]:
    p = rows_of(evidence, "operators", "interval")
    plans = rows_of(evidence, "operators", "plans")
    proposals = rows_of(evidence, "operators", "proposal")
    if check_proposals:
        proposals = proposals.only("accepted")
    return (
        joined(
            p,
            (p["L"], p["L_next"]),
            (p["L_next"], p["V_star"]),
            (p["V_star"], p["U_next"]),
            (p["U_next"], p["U"]),
        ),
        joined(plans, (plans["lower"], plans["V_star"]), (plans["V_star"], plans["upper"])),
        joined(proposals, (proposals["V_star"], proposals["U"])),
    )


INTERVAL_AND_OVI = Claim(
    id=f"{SLUG}/interval-and-ovi",
    paper="haddad2018; hartmanns2020",
    kind=Kind.INEQUALITY,
    statement=(
        r"L_0 = \frac{r_{\min}}{1-\gamma},\ U_0 = \frac{r_{\max}}{1-\gamma}: \quad "
        r"L_n \le L_{n+1} \le V^* \le U_{n+1} \le U_n; \qquad TU \le U \Rightarrow U \ge V^*"
    ),
    judge=AllOf((InequalityJudge(), InequalityJudge(), InequalityJudge())),
    studies=OPERATORS,
    measure=_enclosures,
    control=Control(
        "proposal-unchecked",
        "an upper bound guessed as L + eps is believed without checking TU <= U",
        lambda e: _enclosures(e, check_proposals=False),
    ),
    provenance=derived("interval-and-ovi"),
    assumptions=(DISCOUNTED,),
)


def _stopping_on_chains(evidence: Evidence, stopped: str = "naive") -> tuple[Comparison, Comparison, TwoSamples]:
    changes = rows_of(evidence, "reachability", "changes")
    p = rows_of(evidence, "reachability", "stopped")
    return (
        joined(changes, (changes["change"], changes["limit"])),
        joined(p, (p["returned"], p["limit"])),
        TwoSamples(p[stopped], p["sound"], labels=p.labels),
    )


NAIVE_STOP_UNSOUND = Claim(
    id=f"{SLUG}/naive-stop-unsound",
    paper="haddad2018, Sec 2",
    kind=Kind.SEPARATION,
    statement=(
        r"\text{Chain of length } n \text{ with all values } \tfrac12: \text{ sweep } k \le n \text{ from } 0 "
        r"\text{ changes no value by more than } 2^{-k}, \text{ so stopping when the change is below } "
        r"\varepsilon > 2^{-n} \text{ returns at most } 2^{-n} \text{ at the first state; "
        r"interval iteration errs by at most its width}"
    ),
    judge=AllOf((InequalityJudge(slack=0.0), InequalityJudge(slack=1e-12), SeparationJudge(margin=0.4))),
    studies=(f"{SLUG}/reachability",),
    measure=_stopping_on_chains,
    control=Control(
        "sound-stop",
        "interval iteration in place of the naive rule: no error is left to separate",
        lambda e: _stopping_on_chains(e, stopped="sound"),
    ),
    provenance=derived("naive-stop-unsound"),
    assumptions=(Assumption("chain", r"n \ge 5", lambda record: int(record["n"]) >= 5),),
)

CLAIMS = (CONTRACTION, VI_STOP, SPAN_STOP, MACQUEEN, INTERVAL_AND_OVI, NAIVE_STOP_UNSOUND)
