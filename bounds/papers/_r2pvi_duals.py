"""Claims of r2pvi about one worst-case step: its duals, its Lagrangian, its admissible kernels."""

from __future__ import annotations

from bounds.claims import Claim, Control, Kind
from bounds.judges import AllOf, IdentityJudge, InequalityJudge

from ._measures import Measure, all_of
from ._r2pvi_common import KEY, SLUG, compared, derived

__all__ = ["CLAIMS"]


def _smooth(kind: str, value: str) -> Claim:
    """Return the claim on a divergence whose primal is enclosed by convexity; ``value`` is the dual's formula."""
    broken = {"kl": "lambda log E exp(V/lambda), the optimistic sign", "chi2": "E V - Var(V)/(4 lambda), untruncated"}

    def parts(name: str) -> Measure:
        return all_of(
            compared("duals", name, "upper", divergence=kind),
            compared("duals", name, "lower", divergence=kind),
            compared("duals", name, "solver", first="solver", divergence=kind),
        )

    return Claim(
        id=f"{SLUG}/dual-{kind}",
        paper=f"{KEY}, dual form for {kind}",
        kind=Kind.IDENTITY,
        statement=value,
        judge=AllOf((IdentityJudge(1e-9), IdentityJudge(1e-9), IdentityJudge(1e-7))),
        studies=(f"{SLUG}/duals",),
        measure=parts("value"),
        control=Control(
            "untruncated" if kind == "chi2" else "optimistic",
            f"{broken[kind]} stands in for the dual",
            parts("broken"),
        ),
        provenance=derived(f"dual-{kind}"),
    )


def _tv(name: str) -> Measure:
    return all_of(
        compared("duals", name, "solver", divergence="tv"),
        compared("duals", name, "upper", divergence="tv"),
    )


DUAL_TV = Claim(
    id=f"{SLUG}/dual-tv",
    paper=f"{KEY}, dual form for TV",
    kind=Kind.IDENTITY,
    statement=r"\min_{\mu\in\Delta(S)}\mu^\top V+\lambda\,\mathrm{TV}(\mu,q)"
    r"=\mathbb E_q\min(V,\,\min_S V+\lambda),\quad \mathrm{TV}=\tfrac12\lVert\cdot\rVert_1",
    judge=AllOf((IdentityJudge(1e-12), IdentityJudge(1e-12))),
    studies=(f"{SLUG}/duals",),
    measure=_tv("value"),
    control=Control("support-minimum", "the minimum is taken over the support of q", _tv("broken")),
    provenance=derived("dual-tv"),
)

DUAL_KL = _smooth(
    "kl", r"\min_\mu\mu^\top V+\lambda\,\mathrm{KL}(\mu\,\Vert\,q)=-\lambda\log\mathbb E_q e^{-V/\lambda}"
)

DUAL_CHI2 = _smooth(
    "chi2",
    r"\min_\mu\mu^\top V+\lambda\,\chi^2(\mu\,\Vert\,q)=\max_{\alpha\in[V_{\min},V_{\max}]}"
    r"\mathbb E_q[V]_\alpha-\tfrac1{4\lambda}\mathrm{Var}_q[V]_\alpha,\quad [V]_\alpha=\min(V,\alpha)",
)


def _constrained(name: str) -> Measure:
    return all_of(
        compared("constrained", name, "upper"),
        compared("constrained", name, "lower"),
        compared("constrained", name, "solver", first="solver"),
        compared("constrained", "spent", "rho"),
    )


DUAL_CON = Claim(
    id=f"{SLUG}/dual-con",
    paper=f"{KEY}, duals of the constrained problem",
    kind=Kind.IDENTITY,
    statement=r"\min_{\mathrm{TV}(\mu,q)\le\rho}\mu^\top V=\max_\alpha\mathbb E[V]_\alpha-\rho(\alpha-\min_S V),\ "
    r"\min_{\mathrm{KL}(\mu\Vert q)\le\rho}\mu^\top V=\max_\lambda-\lambda\log\mathbb Ee^{-V/\lambda}-\lambda\rho,\ "
    r"\min_{\chi^2(\mu\Vert q)\le\rho}\mu^\top V=\max_\alpha\mathbb E[V]_\alpha-\sqrt{\rho\,\mathrm{Var}[V]_\alpha}",
    judge=AllOf((IdentityJudge(1e-9), IdentityJudge(1e-9), IdentityJudge(1e-7), InequalityJudge(1e-9))),
    studies=(f"{SLUG}/constrained",),
    measure=_constrained("value"),
    control=Control("other-convention", "twice the radius: total variation without its 1/2", _constrained("broken")),
    provenance=derived("dual-con"),
)

LAGRANGE = Claim(
    id=f"{SLUG}/lagrange",
    paper=f"{KEY}, regularised and constrained problems",
    kind=Kind.IDENTITY,
    statement=r"\mathrm{Con}_\rho(V)=\max_{\lambda\ge0}\ \mathrm{Reg}_\lambda(V)-\lambda\rho",
    judge=IdentityJudge(1e-9),
    studies=(f"{SLUG}/constrained",),
    measure=compared("constrained", "value", "lagrange"),
    control=Control("fixed-price", "lambda = 1 instead of the best", compared("constrained", "value", "fixed")),
    provenance=derived("lagrange"),
)


def _admissible(suffix: str) -> Measure:
    return all_of(
        compared("admissible", f"paid{suffix}", f"gain{suffix}"),
        compared("admissible", f"gain{suffix}", "range"),
    )


ADMISSIBLE = Claim(
    id=f"{SLUG}/admissible",
    paper=f"{KEY}, robustly admissible set",
    kind=Kind.INEQUALITY,
    statement=r"\mu\ \text{worst for }V:\quad \lambda D(\mu\,\Vert\,\mu^0)\le\mathbb E_{\mu^0}V-\mathbb E_\mu V"
    r"\le\max V-\min V",
    judge=AllOf((InequalityJudge(1e-10), InequalityJudge(1e-10))),
    studies=(f"{SLUG}/admissible",),
    measure=_admissible(""),
    control=Control("cheaper-adversary", "the worst case for lambda/4, held against lambda", _admissible("_early")),
    provenance=derived("admissible"),
)

CLAIMS = (DUAL_TV, DUAL_KL, DUAL_CHI2, DUAL_CON, LAGRANGE, ADMISSIBLE)
