"""Claims of complexity-measures about function classes: eluder dimension, Bellman rank and error, horizons."""

from __future__ import annotations

from bounds.claims import Claim, Control, Evidence, Finding, Kind, Provenance
from bounds.judges import AllOf, Comparison, IdentityJudge, InequalityJudge

from ._complexity_common import PAGE, SLUG, compared, derived, rows_of
from ._measures import Measure, all_of, joined

__all__ = ["CLAIMS"]

ELUDER = Claim(
    id=f"{SLUG}/eluder-exact",
    paper="russo2013, definition 3",
    kind=Kind.IDENTITY,
    statement=r"\text{the search over subsets at scales just below the values }|D(x)|>\epsilon\text{ equals the "
    r"largest over all orderings of the points and all }\epsilon'\ge\epsilon",
    judge=IdentityJudge(tolerance=0.0),
    studies=(f"{SLUG}/eluder",),
    measure=compared("eluder", "eluder", ("dimension", "orderings"), ("upper", "orderings")),
    control=Control(
        "one-scale", "only eps' = eps is searched", compared("eluder", "eluder", ("one_scale", "orderings"))
    ),
    provenance=derived("scales-of-the-eluder-dimension"),
    finding=Finding(
        title="Eluder dimension: the scale matters, and |F| - 1 is no bound beyond two values",
        text=r"The three functions (0,0,0), (.6,1.1,0), (1.2,1.1,1.1) have eluder dimension 3 at eps = .01, reached "
        r"just below 1.1 and larger than |F| - 1; at eps' = eps alone the longest sequence has two points.",
        docs=f"{PAGE}#scales-of-the-eluder-dimension",
    ),
)


def _power(evidence: Evidence) -> Comparison:
    rows = rows_of(evidence, "sandwich", "sandwich")
    return Comparison(
        rows["dimension"],
        rows["power"],
        trivial=rows["trivial"],
        labels=rows.labels,
        informative_from="classes with more than 4^max(star, threshold) points and functions",
    )


SANDWICH = Claim(
    id=f"{SLUG}/eluder-sandwich",
    paper="li2022eluder, Theorem 8",
    kind=Kind.INEQUALITY,
    statement=r"F\subseteq\{0,1\}^X,\ \epsilon<1:\quad\max(\mathrm{star},\mathrm{threshold})\le\dim_E(F,\epsilon)\le"
    r"4^{\max(\mathrm{star},\mathrm{threshold})},\qquad\dim_E(F\cup G)\ge\max(\dim_EF,\dim_EG)",
    judge=AllOf((InequalityJudge(slack=0.0), InequalityJudge(slack=0.0))),
    studies=(f"{SLUG}/sandwich",),
    measure=all_of(
        compared("sandwich", "sandwich", ("star", "dimension"), ("threshold", "dimension"), ("larger_part", "union")),
        _power,
    ),
    control=Control(
        "no-power",
        "the upper bound without the exponential: max(star, threshold)",
        all_of(
            compared("sandwich", "sandwich", ("dimension", "star"), ("dimension", "threshold")),
            _power,
        ),
    ),
    provenance=Provenance("recalled", "Li, Kamath, Foster, Srebro (2022)", {"4": "recalled: the same"}),
)


def _bound_by_rank(evidence: Evidence) -> Comparison:
    rows = rows_of(evidence, "bellman-rank", "eluder")
    return Comparison(
        rows["dimension"],
        rows["bound"],
        trivial=rows["trivial"],
        labels=rows.labels,
        informative_from="classes much larger than the bound",
    )


RANK = Claim(
    id=f"{SLUG}/bellman-rank",
    paper="jiang2017, section 4; jin2021bellman, proposition 11",
    kind=Kind.INEQUALITY,
    statement=r"\text{V-type}\le S,\ \text{Q-type}\le SA;\quad\text{linear MDP of dimension }d,\ \text{linear "
    r"functions}:\ \text{both}\le d;\quad\dim_{BE}\le\max\left\{n:n\ln\tfrac32\le "
    r"r\ln(1+n\zeta^2/(r\epsilon^2))\right\}\text{ at rank }r",
    judge=AllOf((InequalityJudge(slack=0.0), InequalityJudge(slack=0.0))),
    studies=(f"{SLUG}/bellman-rank",),
    measure=all_of(compared("bellman-rank", "rank", ("v", "v_bound"), ("q", "q_bound")), _bound_by_rank),
    control=Control(
        "q-by-states",
        "the Q-type rank held against the number of states",
        all_of(compared("bellman-rank", "rank", ("q", "states")), _bound_by_rank),
    ),
    provenance=derived("bellman-rank-and-eluder-dimension", **{"ln(3/2)": "derived: determinant of the information"}),
)

CLOSURE = Claim(
    id=f"{SLUG}/inherent-bellman-error",
    paper="munos2008fitted, section 4 (finite horizon, exact projections)",
    kind=Kind.INEQUALITY,
    statement=r"\hat Q_h\in\mathrm{argmin}_{g\in F_h}\|g-T_h\hat Q_{h+1}\|_\infty:\quad\|\hat Q_h-Q^\star_h\|_\infty"
    r"\le(H-h)\max_h\sup_{f\in F_{h+1}}\min_{g\in F_h}\|g-T_hf\|_\infty;\quad F_h=\{Q^\star_h\}:\text{ error }0",
    judge=InequalityJudge(slack=1e-9),
    studies=(f"{SLUG}/closure",),
    measure=compared("closure", "closure", ("error", "bound"), ("closed", 0.0)),
    control=Control(
        "mean-square",
        "the inherent error in the uniform mean-square norm in place of the largest deviation",
        compared("closure", "closure", ("error", "mean_square")),
    ),
    provenance=derived("inherent-bellman-error"),
)


def _qvi(last: str) -> Measure:
    def iterates(evidence: Evidence) -> Comparison:
        rows = rows_of(evidence, "qvi", "iterates")
        return joined(rows, (rows["before"], rows["after"]), (rows["after"], rows["optimal"]))

    def optimal(evidence: Evidence) -> Comparison:
        rows = rows_of(evidence, "qvi", "iterates")
        return joined(rows, (rows[last], rows["optimal"]))

    return all_of(
        compared("qvi", "qvi", ("depth", "H")),
        compared("qvi", "qvi", ("one", "enumerated")),
        iterates,
        optimal,
    )


QVI = Claim(
    id=f"{SLUG}/qvi",
    paper="laidlaw2024, section 3",
    kind=Kind.IDENTITY,
    statement=r"Q^1\le Q^2\le\dots\le Q^H=Q^\star,\qquad k^\star\le H,\qquad k^\star=1\iff\text{every policy "
    r"greedy for }Q^{\mathrm{unif}}\text{ is optimal}",
    judge=AllOf(
        (InequalityJudge(slack=0.0), IdentityJudge(tolerance=0.0), InequalityJudge(), IdentityJudge(tolerance=1e-12))
    ),
    studies=(f"{SLUG}/qvi",),
    measure=_qvi("last"),
    control=Control(
        "mean-backup", "the backup averages over actions, so that iterates stay as they are", _qvi("first")
    ),
    provenance=derived("effective-horizon"),
)

CLAIMS = (ELUDER, SANDWICH, RANK, CLOSURE, QVI)
