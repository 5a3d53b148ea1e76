"""Claims of ftrl-log-barrier about dilated bonuses, estimates of Q-functions, and inverse covariances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp

from bounds.claims import Assumption, Claim, Control, Evidence, Kind
from bounds.judges import AllOf, CoverageJudge, IdentityJudge, InequalityJudge, Violations

from ._ftrl_common import KEY, SLUG, Columns, H, comparison, d, derived, gamma

__all__ = ["CLAIMS"]

IDENTITY = Claim(
    id=f"{SLUG}/dilated-identity",
    paper=f"{KEY}, dilated bonus",
    kind=Kind.IDENTITY,
    statement=r"\sum_h\mathbb E_{\pi^*}\langle\pi-\pi^*,B\rangle(s_h)+V^{\pi^*}(b)+\frac1H\sum_h\mathbb E_{\pi^*}"
    r"\langle\pi,B\rangle(s_h)=\big(1+\tfrac1H\big)\mathbb E_\mu\langle\pi,B\rangle(s_1)",
    judge=IdentityJudge(tolerance=1e-10),
    studies=(f"{SLUG}/dilation",),
    measure=comparison("dilation", lambda c: ((c["left"], c["right"], 1.0),), "left"),
    control=Control(
        "comparator-in-the-recursion",
        "the bonus is dilated along the comparator instead of the learner; and with factor 1",
        comparison(
            "dilation", lambda c: ((c["left_wrong"] + c["right"], c["right"], 1.0), (c["left_flat"], 0.0, 1.0)), "left"
        ),
    ),
    provenance=derived("dilated-identity"),
)

INEQUALITY = Claim(
    id=f"{SLUG}/dilated-inequality",
    paper=f"{KEY}, dilated bonus",
    kind=Kind.INEQUALITY,
    statement=r"b\ge0:\quad\big(1+\tfrac1H\big)\mathbb E_\mu\langle\pi,B\rangle(s_1)\le\big(1+\tfrac1H\big)^HV^\pi(b)"
    r"\le e\,V^\pi(b)",
    judge=InequalityJudge(slack=1e-12),
    studies=(f"{SLUG}/dilation",),
    measure=comparison(
        "dilation",
        lambda c: (
            (c["first"], c["second"], np.maximum(1.0, c["second"])),
            (c["second"], c["third"], np.maximum(1.0, c["third"])),
        ),
        "left",
    ),
    control=Control(
        "steeper-factor",
        "the bonus is dilated with factor 1 + 2/H",
        comparison("dilation", lambda c: ((c["first_steep"], c["third"], np.maximum(1.0, c["third"])),), "left"),
    ),
    provenance=derived("dilated-inequality", e="derived: (1 + 1/H)^H < e; the paper's 3 is recalled"),
    bound=(1 + 1 / H) ** H,
)


def _regret(name: str, bound: str) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> tuple[Any, ...]:
        return (
            comparison("dilation", lambda c: ((c[name], c[bound], np.maximum(1.0, np.abs(c[bound]))),), "regret")(
                evidence
            ),
            comparison("dilation", lambda c: ((c["regret"], c["difference"], 1.0),), "regret")(evidence),
        )

    return measure


REGRET = Claim(
    id=f"{SLUG}/dilated-regret",
    paper=f"{KEY}, dilated bonus lemma",
    kind=Kind.INEQUALITY,
    statement=r"\sum_k\sum_h\mathbb E_{\pi^*}\langle\pi_k-\pi^*,Q_k-B_k\rangle\le c+\sum_kV^{\pi^*}(b_k)"
    r"+\frac1H\sum_k\sum_h\mathbb E_{\pi^*}\langle\pi_k,B_k\rangle\ \Rightarrow\ R_K\le c+e\sum_kV^{\pi_k}(b_k)",
    judge=AllOf((InequalityJudge(slack=1e-10), IdentityJudge(tolerance=1e-9))),
    studies=(f"{SLUG}/dilation",),
    measure=_regret("regret", "regret_bound"),
    control=Control(
        "factor-one",
        "the bonus is not dilated: its recursion has factor 1",
        _regret("regret_flat", "regret_bound_flat"),
    ),
    provenance=derived("dilated-regret"),
)


def _unbiased(name: str) -> Callable[[Evidence], Any]:
    def pairs(c: Columns) -> tuple[tuple[Any, Any, Any], ...]:
        scale = c["H"] / c["gamma"]  # the largest value of one estimate
        return ((c[name], c["plain"], scale), (c["plain"], c["target"], scale))

    return comparison("estimates", pairs, "plain")


UNBIASED = Claim(
    id=f"{SLUG}/mre-unbiased",
    paper=f"{KEY}, magnitude-reduced estimator",
    kind=Kind.IDENTITY,
    statement=r"\mathbb E\,\hat Q^{\mathrm{MRE}}=\mathbb E\,\hat Q=\phi^\top\Sigma^+\Sigma\theta",
    judge=IdentityJudge(tolerance=1e-12),
    studies=(f"{SLUG}/estimates",),
    measure=_unbiased("reduced"),
    control=Control("no-correction", "the mean of the negative part is left out", _unbiased("uncentred")),
    provenance=derived("mre-unbiased", estimator="recalled: formula of the estimator"),
)


def _magnitude(least: str, second: str) -> Callable[[Evidence], Any]:
    def pairs(c: Columns) -> tuple[tuple[Any, Any, Any], ...]:
        size, ceiling = np.maximum(1.0, -c["floor"]), c["H"] / np.sqrt(c["gamma"])
        return (
            (-c[least], -c["floor"], size),
            (-c["floor"], ceiling, ceiling),
            (c[second], c["second_bound"], np.maximum(1.0, c["second_bound"])),
        )

    return comparison("estimates", pairs, "plain")


MAGNITUDE = Claim(
    id=f"{SLUG}/mre-magnitude",
    paper=f"{KEY}, magnitude-reduced estimator",
    kind=Kind.INEQUALITY,
    statement=r"0\le L\le H:\quad\hat Q^{\mathrm{MRE}}\ge-H\sqrt{n}\ge-H/\sqrt\gamma,\qquad"
    r"\mathbb E\big(\hat Q^{\mathrm{MRE}}\big)^2\le2H^2n",
    judge=InequalityJudge(slack=1e-12),
    studies=(f"{SLUG}/estimates",),
    measure=_magnitude("least", "second"),
    control=Control(
        "whole-product", "H z is subtracted instead of H min(z, 0)", _magnitude("least_wrong", "second_wrong")
    ),
    provenance=derived("mre-magnitude", **{"2": "derived: mre-magnitude"}),
    bound=H / sp.sqrt(gamma),
)


def _bias(bound: str) -> Callable[[Evidence], Any]:
    def pairs(c: Columns) -> tuple[tuple[Any, Any, Any], ...]:
        return ((c["bias"], c[bound], c["H"]), (c["bias_bound"], c["split"], np.maximum(1.0, c["split"])))

    return comparison("estimates", pairs, "bias")


BIAS = Claim(
    id=f"{SLUG}/bias",
    paper=f"{KEY}, bias of regularisation",
    kind=Kind.INEQUALITY,
    statement=r"|\mathbb E\hat Q-Q|=\gamma|\phi^\top\Sigma^+\theta|\le\sqrt{\gamma d}\,H\sqrt n\le\frac\beta4n"
    r"+\frac{\gamma dH^2}\beta",
    judge=InequalityJudge(slack=1e-9),
    studies=(f"{SLUG}/estimates",),
    measure=_bias("bias_bound"),
    control=Control("gamma-for-its-root", "gamma in place of its square root", _bias("bias_gamma")),
    provenance=derived("bias"),
    bound=sp.sqrt(gamma * d * sp.Symbol("n", positive=True)) * H,
)

RESAMPLING = Claim(
    id=f"{SLUG}/mgr-mean",
    paper=f"{KEY}, Sec. on covariance estimation; Matrix Geometric Resampling",
    kind=Kind.IDENTITY,
    statement=r"\mathbb E[\mathrm{MGR}]=c\sum_{n=0}^N(I-c(\gamma I+\Sigma))^n=(\gamma I+\Sigma)^{-1}"
    r"\big(I-(I-c(\gamma I+\Sigma))^{N+1}\big)",
    judge=IdentityJudge(tolerance=1e-11),
    studies=(f"{SLUG}/resampling",),
    measure=comparison("resampling", lambda c: ((c["measured"], c["closed"], 1.0),), "measured"),
    control=Control(
        "one-term-less",
        "the geometric sum stops one term earlier",
        comparison("resampling", lambda c: ((c["measured"], c["short"], 1.0),), "measured"),
    ),
    provenance=derived("mgr-mean"),
)


def _concentration(name: str) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> Violations:
        kept = evidence.where(f"{SLUG}/concentration")
        labels = tuple(record.label for record in kept)
        return Violations(kept.column(name), kept.column("runs"), kept.column("failure"), labels)

    return measure


t, M = sp.symbols("t M", positive=True)
CONCENTRATION = Claim(
    id=f"{SLUG}/direct-concentration",
    paper=f"{KEY}, direct covariance estimate",
    kind=Kind.HIGH_PROBABILITY,
    statement=r"(1-t)(\gamma I+\Sigma)\preceq\gamma I+\tilde\Sigma\preceq(1+t)(\gamma I+\Sigma)\ \text{except with "
    r"probability}\ 2d\,e^{-t^2M\gamma/(3(1+\gamma))},\ t\in(0,1]",
    judge=CoverageJudge(),
    studies=(f"{SLUG}/concentration",),
    measure=_concentration("count"),
    control=Control("too-few-draws", "gamma = 0 and one draw fewer than dimensions", _concentration("count_few")),
    provenance=derived("direct-concentration", **{"3(1+gamma)": "derived: matrix Chernoff"}),
    bound=2 * d * sp.exp(-(t**2) * M * gamma / (3 * (1 + gamma))),
    assumptions=(Assumption("t-at-most-one", r"t\le1", lambda record: float(record.params.get("t", 1.0)) <= 1.0),),
)

CLAIMS = (IDENTITY, INEQUALITY, REGRET, UNBIASED, MAGNITUDE, BIAS, RESAMPLING, CONCENTRATION)
