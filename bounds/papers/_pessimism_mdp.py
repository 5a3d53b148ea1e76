"""MDP claims of pessimism-lcb."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy as sp

from bounds.claims import (
    Assumption,
    Claim,
    Control,
    Evidence,
    Finding,
    Judge,
    Kind,
    Provenance,
    Record,
    Status,
    Verdict,
)
from bounds.judges import (
    AllOf,
    Comparison,
    CoverageJudge,
    Curve,
    Curves,
    IdentityJudge,
    InequalityJudge,
    LowerBoundJudge,
    RateJudge,
    SeparationJudge,
    TwoSamples,
    Violations,
)

from ._measures import entry_labels, record_labels
from ._pessimism_bandit import DOCS, KEY, PAGE, PINSKER, RECALLED, SLUG, A, C, L, N, S, curve, delta, n

T, gamma = sp.symbols("T gamma", positive=True)
V_MAX = 1 / (1 - gamma)
SPLIT = Assumption(
    "data-splitting",
    r"\mathcal D_0,\dots,\mathcal D_T\ \text{disjoint}",
    lambda record: bool(record.params.get("split", True)),
)


@dataclass(frozen=True, slots=True)
class MeasurementOnly:
    """A judge for conjectures: passes refutations on, and turns support into ``inconclusive`` with the measurement.

    Attributes
    ----------
    inner : Judge
        What measures.
    """

    inner: Judge

    def judge(self, sample: Any) -> Verdict:
        """Return the inner verdict, never as supported."""
        found = self.inner.judge(sample)
        if found.status is not Status.SUPPORTED:
            return found
        reason = f"a conjecture, and a measurement does not prove it; measured: {found.reason}"
        return replace(found, status=Status.INCONCLUSIVE, reason=reason)


# ---------------------------------------------------------------- coverage


def _offmass(name: str) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> Comparison:
        kept = evidence.where(f"{SLUG}/coverage")
        left, right = kept.column("off_mass"), 1 - 1 / kept.column(name)
        return Comparison(left, right, trivial=1.0, labels=entry_labels(kept, "off_mass"), exact=left.dtype == object)

    return measure


OFFMASS = Claim(
    id=f"{SLUG}/offmass",
    paper=f"{KEY}, Sec. 2",
    kind=Kind.INEQUALITY,
    statement=r"\sum_s\mu(s,\,a\ne\pi^\star(s))\le1-1/C^\star",
    judge=InequalityJudge(),
    studies=(f"{SLUG}/coverage",),
    measure=_offmass("concentrability"),
    control=Control(
        "states-only", "the ratio of state marginals, blind to actions, stands in for C*", _offmass("state_ratio")
    ),
    provenance=Provenance("derived", f"{DOCS}, offmass"),
    bound=1 - 1 / C,
)

# ---------------------------------------------------------------- VI-LCB, run by run


def _inside(record: Record, name: str) -> np.ndarray:
    """Entries of an array on the event, of one record."""
    found: np.ndarray = record[name][record["event"] <= 1e-9]
    return found


def _invariant(monotone: bool) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> Comparison:
        left: list[Any] = []
        names: list[str] = []
        for record in evidence.where(f"{SLUG}/audit", monotone=monotone):
            parts = [_inside(record, name) for name in ("increase", "below_policy", "below_optimal", "backup")]
            left.append(np.max(parts, axis=0))
            names.extend(f"{record.label} [{i}]" for i in range(left[-1].size))
        joined = np.concatenate(left)
        return Comparison(joined, np.zeros(joined.shape), scale=5.0, labels=names)

    return measure


VI_INVARIANT = Claim(
    id=f"{SLUG}/vi-invariant",
    paper=f"{KEY}, proof of Thm 6",
    kind=Kind.INEQUALITY,
    statement=r"\text{On the event } |r-r_t+\gamma(P-P_t)V_{t-1}|\le b_t:\quad V_{t-1}\le V_t\le V^{\pi_t}\le V^\star,"
    r"\quad Q_t\le r+\gamma PV_{t-1}",
    judge=InequalityJudge(slack=1e-9),
    studies=(f"{SLUG}/audit",),
    measure=_invariant(True),
    control=Control("no-monotone-update", "every state is updated at every iteration", _invariant(False)),
    provenance=Provenance("derived", f"{DOCS}, vi-invariant"),
    assumptions=(SPLIT,),
)


def _decomposition(drop: bool) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> Comparison:
        left: list[Any] = []
        right: list[Any] = []
        names: list[str] = []
        for record in evidence.where(f"{SLUG}/audit", monotone=True):
            left.append(_inside(record, "risk"))
            right.append(_inside(record, "bias") + (0.0 if drop else 1.0) * _inside(record, "penalty"))
            names.extend(f"{record.label} [{i}]" for i in range(left[-1].size))
        return Comparison(np.concatenate(left), np.concatenate(right), scale=5.0, trivial=5.0, labels=names)

    return measure


VI_DECOMP = Claim(
    id=f"{SLUG}/vi-decomp",
    paper=f"{KEY}, proof of Thm 6",
    kind=Kind.INEQUALITY,
    statement=r"J^\star-J(\pi_T)\le\frac{\gamma^T}{1-\gamma}+2\sum_{i=1}^T\gamma^{T-i}\,"
    r"\mathbb E_{s\sim\Pr(s_{T-i}=\cdot\mid\pi^\star)}\,b_i(s,\pi^\star(s))",
    judge=InequalityJudge(slack=1e-9),
    studies=(f"{SLUG}/audit",),
    measure=_decomposition(False),
    control=Control("penalties-dropped", "the bound without the sum of penalties", _decomposition(True)),
    provenance=Provenance("derived", f"{DOCS}, vi-decomp"),
    assumptions=(SPLIT,),
)


def _vi_event(name: str) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> Violations:
        kept = evidence.where(f"{SLUG}/vi-events")
        return Violations(kept.column(name), kept.column("runs"), kept.column("delta"), record_labels(kept))

    return measure


VI_EVENT = Claim(
    id=f"{SLUG}/vi-event-prob",
    paper=f"{KEY}, proof of Thm 6",
    kind=Kind.HIGH_PROBABILITY,
    statement=r"b_t=\frac1{1-\gamma}\sqrt{\frac{\log(2TSA/\delta)}{2\max(n_t,1)}}:\quad"
    r"\Pr\{|r-r_t+\gamma(P-P_t)V_{t-1}|\le b_t\ \forall t,s,a\}\ge1-\delta",
    judge=CoverageJudge(),
    studies=(f"{SLUG}/vi-events",),
    measure=_vi_event("count"),
    control=Control("small-penalty", "the penalty is 0.2 times as large", _vi_event("count_small")),
    provenance=Provenance("derived", f"{DOCS}, vi-event-prob"),
    bound=V_MAX * sp.sqrt(sp.log(2 * T * S * A / delta) / (2 * n)),
    assumptions=(
        SPLIT,
        Assumption("penalty-at-least-V_max-when-unsampled", r"\log(2TSA/\delta)\ge2",
                   lambda record: math.log(30 / float(record["delta"])) >= 2.0),
    ),
)  # fmt: skip

# ---------------------------------------------------------------- rates


def _mean(record: Record, name: str = "risk") -> float:
    return float(np.mean(record[name]))


def _vi_curves(kept: Evidence, expert: bool) -> Curves:
    # F7 with C* > 1 leaves the cap on its gap behind before it shows a power law
    free = Evidence(tuple(record for record in kept if record["C"] == 1.0 or float(record["gap"][0]) < 0.25))
    groups = [(key, part) for key, part in free.groups("gamma", "C") if (key[1] == 1.0) is expert]
    return Curves(tuple(curve(part, "risk", label=f"gamma={key[0]:g}, C*={key[1]:g}") for key, part in groups))


VI_UPPER_SPEAKS = "N about 2e5 at gamma = 0.5, 5e6 at 0.8, 5e7 at 0.9"


def _vi_upper(drop: bool) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> tuple[Any, ...]:
        kept = evidence.where(f"{SLUG}/vi-risk")
        horizon = 1 / (1 - kept.column("gamma"))
        left = np.array([_mean(record) for record in kept])
        right = kept.column("bound") if not drop else 2 * horizon / kept.column("N")
        first = Comparison(
            left, right, scale=horizon, trivial=horizon, labels=record_labels(kept), informative_from=VI_UPPER_SPEAKS,
        )  # fmt: skip
        return first, _vi_curves(kept, True), _vi_curves(kept, False)

    return measure


VI_UPPER = Claim(
    id=f"{SLUG}/vi-upper",
    paper=f"{KEY}, Thm 6",
    kind=Kind.RATE,
    statement=r"\text{VI-LCB}:\ \mathbb E[J^\star-J(\hat\pi)]\lesssim\min\left(\tfrac1{1-\gamma},"
    r"\sqrt{\tfrac{SC^\star\log}{(1-\gamma)^5N}}\right);\quad C^\star\le1+O(\tfrac{\log N}{(1-\gamma)N}):\ "
    r"\lesssim\tfrac{S\log}{(1-\gamma)^4N}",
    judge=AllOf(
        (InequalityJudge(), RateJudge(-1.0, "at-most", tolerance=0.1), RateJudge(-0.5, "at-most", tolerance=0.05))
    ),
    studies=(f"{SLUG}/vi-risk",),
    measure=_vi_upper(False),
    control=Control("square-root-dropped", "the bound without its square-root term", _vi_upper(True)),
    provenance=Provenance(
        "recalled",
        f"orders of Thm 6 recalled; explicit form derived in {DOCS}, vi-upper",
        {"(1-gamma)^-5": RECALLED, "1/200": "recalled: near-expert window", "2 sqrt(2)": "derived: vi-decomp"},
    ),
    bound=2 * V_MAX**2 * sp.sqrt(2 * L * S * C * 2 * T / N) + V_MAX * (1 / N + gamma**T),
    assumptions=(SPLIT,),
    finding=Finding(
        title="At laptop sizes VI-LCB with its proven penalty is behaviour cloning on half of the data",
        text=r"With $c=1$ (no published constant involved) the penalty exceeds the value of every action on F7 until "
        r"$N$ is in the millions: on every dataset with $N\le500000$ the returned policy has exactly the risk of the "
        r"most-played action of part 0. The $1/N$ slope at $C^\star=1$ is that of imitation, and the explicit "
        r"bound is below $1/(1-\gamma)$ only from about $N=2\cdot10^5$ ($\gamma=0.5$), $5\cdot10^6$ "
        r"(0.8) and $5\cdot10^7$ (0.9).",
        docs=f"{PAGE}#vi-lcb-is-behaviour-cloning-for-a-long-time",
    ),
)  # fmt: skip


def _mdp_bound(record: Record) -> float:
    g, cover, hard, size = (float(record[name]) for name in ("gamma", "C", "hard", "N"))
    if cover == 1.0:
        return g * hard / (8 * (1 - g) ** 2 * size)
    return PINSKER * g * math.sqrt(hard * (cover - 1) / (2 * (1 - g) ** 3 * size))


def _room(record: Record) -> bool:
    """Whether the gap of the proof, (sqrt(3)/8)/sqrt(N mass), is within min(1/4, (1-gamma)/(2 gamma))."""
    if "hard" not in record.params or float(record["C"]) == 1.0:
        return True
    g, cover, hard, size = (float(record[name]) for name in ("gamma", "C", "hard", "N"))
    limit = min(0.25, (1 - g) / (2 * g))
    mass = (1 - g) * min(1.0, (cover - 1) / ((1 - g) + 2 * limit * g)) / (hard * cover)
    return math.sqrt(3) / 8 / math.sqrt(size * mass) <= limit


def _mdp_lower(oracle: bool) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> tuple[Any, ...]:
        kept = evidence.where(f"{SLUG}/decisions")
        runs = evidence.where(f"{SLUG}/vi-risk")
        bound = np.array([_mdp_bound(record) for record in kept])
        bayes = kept.column("bayes") * (0.0 if oracle else 1.0)
        return (
            Comparison(bound, bayes, trivial=0.0, labels=record_labels(kept)),
            Comparison(kept.column("concentrability"), kept.column("C"), labels=record_labels(kept)),
            TwoSamples(np.array([record["risk"] for record in runs]), runs.column("bayes"), record_labels(runs)),
        )

    return measure


MDP_LOWER = Claim(
    id=f"{SLUG}/mdp-lower",
    paper=f"{KEY}, Thm 7",
    kind=Kind.LOWER_BOUND,
    statement=r"\gamma\ge\tfrac12:\quad\inf\sup\mathbb "
    r"E[J^\star-J(\hat\pi)]\ge\gamma\max\left\{\tfrac{S-3}{8(1-\gamma)^2N},\ "
    r"\tfrac{\sqrt3}{32}\sqrt{\tfrac{(S-3)(C^\star-1)}{2(1-\gamma)^3N}}\right\}"
    r"\gtrsim\min\left(\tfrac1{1-\gamma},\tfrac{S}{(1-\gamma)^2N}+\sqrt{\tfrac{S(C^\star-1)}{(1-\gamma)^3N}}\right)",
    judge=AllOf((LowerBoundJudge(), IdentityJudge(tolerance=1e-8), SeparationJudge())),
    studies=(f"{SLUG}/decisions", f"{SLUG}/vi-risk"),
    measure=_mdp_lower(False),
    control=Control(
        "oracle", "a learner that is told the instance (risk 0) stands in for the Bayes rule", _mdp_lower(True)
    ),
    provenance=Provenance(
        "recalled",
        "order of Thm 7 recalled; family F7 and constants derived in " + DOCS,
        {"1/8": f"derived: {DOCS}, mdp-lower", "sqrt(3)/32": f"derived: {DOCS}, mab-lower-ge2"},
    ),
    bound=gamma
    * sp.Max(
        (S - 3) / (8 * (1 - gamma) ** 2 * N), sp.sqrt(3) / 32 * sp.sqrt((S - 3) * (C - 1) / (2 * (1 - gamma) ** 3 * N))
    ),
    assumptions=(
        Assumption("discount", r"\gamma\ge\tfrac12", lambda record: float(record["gamma"]) >= 0.5),
        Assumption(
            "room-for-the-gap", r"\tfrac{\sqrt3}8(N\mu)^{-1/2}\le\min(\tfrac14,\tfrac{1-\gamma}{2\gamma})", _room
        ),
    ),
)


def _conjecture(frozen: bool) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> Curves:
        kept = evidence.where(f"{SLUG}/vi-risk")
        found = []
        for one in _vi_curves(Evidence(tuple(r for r in kept if 1.0 < r["C"] < 2.0)), False).curves:
            found.append(Curve(one.x, np.repeat(one.y[:1], one.x.size, axis=0), one.label) if frozen else one)
        return Curves(tuple(found))

    return measure


CONJECTURE = Claim(
    id=f"{SLUG}/conjecture",
    paper=f"{KEY}, Conjecture",
    kind=Kind.RATE,
    statement=(
        r"\text{(conjectured) VI-LCB attains } \sqrt{S(C^\star-1)/N}\text{-type rates also for } "
        r"1+O(1/N)\ll C^\star<2"
    ),
    judge=MeasurementOnly(RateJudge(-0.5, "at-most", tolerance=0.05)),
    studies=(f"{SLUG}/vi-risk",),
    measure=_conjecture(False),
    control=Control("no-learning", "the risk at the smallest N at every N", _conjecture(True)),
    provenance=Provenance("recalled", "a conjecture of the paper; measured on F7 only, never reported as supported"),
    assumptions=(SPLIT,),
)


def _vacuous(broken: bool) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> tuple[Any, ...]:
        kept = evidence.where(f"{SLUG}/published")
        moved = kept.column("moved_small" if broken else "moved").astype(np.float64)
        played = kept.column("played_never" if broken else "played").astype(np.float64)
        zero = np.zeros(moved.shape)
        return (
            Comparison(moved, zero, labels=entry_labels(kept, "moved")),
            Comparison(played, zero, labels=entry_labels(kept, "played")),
        )

    return measure


VACUOUS = Claim(
    id=f"{SLUG}/const-vacuous",
    paper=f"{KEY}, Algs. 2 and 3 with their constant",
    kind=Kind.INEQUALITY,
    statement=r"L=2000\log(\cdot):\quad \max n_t\le L\Rightarrow\pi_T=\pi_0\ \text{(A6)};\qquad "
    r"n(s,a)<L/4\ \forall a\text{ played}\Rightarrow\text{A4 as printed chooses an unplayed action if there is one}",
    judge=AllOf((InequalityJudge(slack=0.0), InequalityJudge(slack=0.0))),
    studies=(f"{SLUG}/published",),
    measure=_vacuous(False),
    control=Control("small-constant", "0.02 Hoeffding widths for A6, and unseen='never' for A4", _vacuous(True)),
    provenance=Provenance("derived", f"{DOCS}, const-vacuous", {"2000": "recalled: penalty of Algs. 2 and 3"}),
    assumptions=(
        Assumption("few-samples", r"\max n_t\le L", lambda record: bool(np.all(record["largest"] <= 1.0))),
    ),
    finding=Finding(
        title="With the published constant VI-LCB is behaviour cloning, and in CB-LCB unplayed actions win",
        text=r"The penalty $\sqrt{2000\log(\cdot)/n}$ exceeds every value while $n\le2000\log(\cdot)$, so A6 "
        r"returns its imitation start, and A4 as printed (unplayed actions score $-1$) prefers an action never seen "
        r"to every action seen fewer than $500\log(\cdot)$ times. Neither contradicts the theorems, which are about "
        r"orders; both decide what an experiment shows.",
        docs=f"{PAGE}#the-published-constant",
    ),
)  # fmt: skip

CLAIMS = (OFFMASS, VI_INVARIANT, VI_DECOMP, VI_EVENT, VI_UPPER, MDP_LOWER, CONJECTURE, VACUOUS)
