"""Claims on gap-visitation programs and on one-step variances."""

from __future__ import annotations

import sympy as sp

from bounds.claims import Claim, Control, Evidence, Kind
from bounds.judges import AllOf, Comparison, IdentityJudge, InequalityJudge

from ._complexity_common import SLUG, derived, not_empty, rows_of
from ._measures import joined, numbers

__all__ = ["CLAIMS"]


def _program(evidence: Evidence, value: str = "upper") -> tuple[Comparison, Comparison]:
    table = rows_of(evidence, "visitation", "program")
    return (
        joined(table, (table["lower"], table["upper"])),
        joined(table, (table[value], table["mixture"])),
    )


GAP_LP = Claim(
    id=f"{SLUG}/gap-lp",
    paper="wagenmaker2022, Def 1",
    kind=Kind.IDENTITY,
    statement=(
        r"\inf_\pi \max_{s,a} \frac{c(s,a)}{d_h^\pi(s,a)} = \frac{1}{\max\left\{u : d \text{ an occupancy},\ "
        r"d_h \ge u\,c\right\}}, \quad \text{with the dual } \max\left\{u\right\} = \min\left\{\max_\pi \langle y, "
        r"d_h^\pi \rangle : y \ge 0,\ \langle y, c \rangle = 1\right\}"
    ),
    judge=AllOf((IdentityJudge(), IdentityJudge(1e-6))),
    studies=(f"{SLUG}/visitation",),
    measure=_program,
    control=Control(
        "uniform-policy", "the uniform policy in place of the best", lambda e: _program(e, value="uniform")
    ),
    provenance=derived("gap-lp"),
    assumptions=(not_empty("program"),),
)

span, H, rewards = sp.symbols("sp H R", nonnegative=True)
_SPREAD = span**2 / 4
_HORIZON = rewards**2 / 4 + (rewards * (H - 1)) ** 2 / 4


def _variance(evidence: Evidence, spread: sp.Expr = _SPREAD) -> tuple[Comparison, ...]:
    one = rows_of(evidence, "variances", "spread")
    whole = rows_of(evidence, "variances", "horizon")
    sure = rows_of(evidence, "variances", "sure")
    limit = numbers(_HORIZON, {H: whole["steps"], rewards: whole["reward_range"]})
    return (
        joined(one, (one["variance"], numbers(spread, {span: one["span"]}))),
        joined(whole, (whole["optimal"], limit)),
        joined(sure, (sure["norm"], 0.0), (sure["optimal"], 0.0), (sure["returns"], 0.0)),
    )


VARIANCE_SANDWICH = Claim(
    id=f"{SLUG}/variance-sandwich",
    paper="maillard2014; zanette2019",
    kind=Kind.INEQUALITY,
    statement=(
        r"\max_{s,a} \mathrm{Var}_{P(s,a)} V^*_{h+1} \le \mathrm{sp}(V^*_{h+1})^2 / 4, \quad "
        r"\max_{h,s,a} (\mathrm{Var} R + \mathrm{Var}\, V^*_{h+1}) \le R^2/4 + (R(H-1))^2/4 "
        r"\text{ for rewards in an interval of length } R; \quad \text{all } 0 \text{ in deterministic models}"
    ),
    judge=AllOf((InequalityJudge(), InequalityJudge(), IdentityJudge())),
    studies=(f"{SLUG}/variances",),
    measure=_variance,
    control=Control("eighth-of-the-span", "sp^2/8 in place of sp^2/4", lambda e: _variance(e, span**2 / 8)),
    provenance=derived("variance-sandwich"),
    bound=_HORIZON,
    assumptions=(not_empty("spread"),),
)

CLAIMS = (GAP_LP, VARIANCE_SANDWICH)
