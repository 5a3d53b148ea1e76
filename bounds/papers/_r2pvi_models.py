"""Claims of r2pvi about robust dynamic programming, exact on small models."""

from __future__ import annotations

from bounds.claims import Claim, Control, Kind
from bounds.judges import AllOf, IdentityJudge, InequalityJudge

from ._measures import Measure, all_of
from ._r2pvi_common import KEY, SLUG, compared, derived

__all__ = ["CLAIMS"]


def _bellman(value: str) -> Measure:
    return all_of(
        compared("bellman", value, "rolled"),
        compared("bellman", value, "searched"),
        compared("bellman", "searched", value),
        compared("bellman", "optimum", "best"),
        compared("bellman", "mixed", "optimum"),
    )


BELLMAN = Claim(
    id=f"{SLUG}/bellman",
    paper=f"{KEY}, robust Bellman equations",
    kind=Kind.IDENTITY,
    statement=r"V_h=\max_a\phi^\top(\theta_h+z_h),\ z_{h,i}=\mathrm{Reg}_\lambda(V_{h+1};\mu^0_{h,i}):\quad "
    r"V_1=\max_\pi\inf_\mu\mathbb E^{\pi,\mu}\sum_h r_h+\lambda\langle\phi_h,D(\mu_h\,\Vert\,\mu^0_h)\rangle",
    judge=AllOf(
        (
            IdentityJudge(1e-10),
            InequalityJudge(1e-10),
            IdentityJudge(0.02),
            IdentityJudge(1e-10),
            InequalityJudge(1e-10),
        )
    ),
    studies=(f"{SLUG}/bellman",),
    measure=_bellman("value"),
    control=Control(
        "expectation-first",
        "the adversary acts after the features were mixed: one kernel a pair instead of one a feature",
        _bellman("rectangle"),
    ),
    provenance=derived("bellman"),
)

ENTROPIC = Claim(
    id=f"{SLUG}/kl-entropic",
    paper=f"{KEY}, KL regularisation",
    kind=Kind.IDENTITY,
    statement=r"\phi=e_{(s,a)},\ \pi\text{ deterministic}:\quad "
    r"V^\pi_1=-\lambda\log\mathbb E^{\pi,P^0}\exp\left(-\tfrac1\lambda\sum_h r_h\right)",
    judge=IdentityJudge(1e-10),
    studies=(f"{SLUG}/entropic",),
    measure=compared("entropic", "value", "risk"),
    control=Control(
        "mixed-features",
        "features inside the simplex: the adversary does not see which one was drawn",
        compared("entropic", "mixed_value", "mixed_risk"),
    ),
    provenance=derived("kl-entropic"),
)


def _less(sa: str) -> Measure:
    return all_of(
        compared("rectangles", sa, "mixed_d", level="penalty"), compared("rectangles", sa, "mixed_d", level="radius")
    )


LESS = Claim(
    id=f"{SLUG}/less-conservative",
    paper=f"{KEY}, d-rectangular against sa-rectangular",
    kind=Kind.INEQUALITY,
    statement=r"V^{d}_\lambda\ge V^{sa}_\lambda,\quad V^{d}_\rho\ge V^{sa}_\rho\quad\text{state by state}",
    judge=AllOf((InequalityJudge(1e-10), InequalityJudge(1e-10))),
    studies=(f"{SLUG}/rectangles",),
    measure=_less("mixed_sa"),
    control=Control("dearer-adversary", "the sa-rectangular adversary pays 3 lambda, or has rho/3", _less("dearer_sa")),
    provenance=derived("less-conservative"),
)


def _monotone(drop: str, missing: str) -> Measure:
    return all_of(
        compared("ordered", drop, 0.0),
        compared("ordered", missing, "limit"),
        compared("ordered", "above", 0.0),
    )


MONOTONE = Claim(
    id=f"{SLUG}/monotone-lam",
    paper=f"{KEY}, role of lambda",
    kind=Kind.INEQUALITY,
    statement=r"\lambda\le\lambda'\Rightarrow V_\lambda\le V_{\lambda'}\le V^{\mathrm{nominal}}\le "
    r"V_{\lambda'}+\tfrac{H^3}{8\lambda'}",
    judge=AllOf((InequalityJudge(1e-10), InequalityJudge(1e-9), InequalityJudge(1e-9))),
    studies=(f"{SLUG}/ordered",),
    measure=_monotone("drop", "missing"),
    control=Control(
        "radius-for-price",
        "a radius grows in place of the price, and the limit is read off at lambda = 1",
        _monotone("drop_radius", "missing_small"),
    ),
    provenance=derived("monotone-lam"),
)

CLAIMS = (BELLMAN, ENTROPIC, LESS, MONOTONE)
