"""Claims of ftrl-log-barrier about regret."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import sympy as sp
from scipy import special

from bounds.claims import Assumption, Claim, Control, Evidence, Finding, Kind, Record
from bounds.judges import AllOf, Comparison, Curve, Curves, InequalityJudge, RateJudge

from ._ftrl_common import DOCS, KEY, PAGE, SLUG, A, H, K, d, derived, recalled
from ._pessimism_mdp import MeasurementOnly

__all__ = ["CLAIMS"]

LB, MRE, LUO = "log-barrier", "magnitude-reduced", "dilated-hedge"
BOTH = (LB, MRE)

#: Allowance of every slope for finite K: the learning rates of the theorems are so small that half of the range
#: is still the first encounter with the better arm.
TOLERANCE = 0.1


def _upper_mean(values: Any) -> float:
    """Return the one-sided 99 % Student limit of a mean."""
    found = np.asarray(values, dtype=np.float64)
    n = found.size
    return float(found.mean() + special.stdtrit(n - 1, 0.99) * found.std(ddof=1) / math.sqrt(n))


def _curve(kept: Iterable[Record], name: str, x: str, label: str, *, root_log: bool = False) -> Curve:
    records = sorted(kept, key=lambda record: float(record[x]))
    sizes = np.array([float(record[x]) for record in records])
    y = np.array([np.asarray(record[name], dtype=np.float64) for record in records])
    if root_log:
        y = y / np.sqrt(np.log(sizes))[:, None]
    return Curve(sizes, y, label)


def _bounded(algorithm: str, name: str) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> tuple[Any, ...]:
        kept = evidence.where(f"{SLUG}/regret", algorithm=algorithm)
        over_k = evidence.where(f"{SLUG}/exponents", algorithm=algorithm)
        curve = _curve(over_k, name, "K", algorithm, root_log=algorithm == LB)
        return (
            Comparison(
                [_upper_mean(record[name]) for record in kept],
                kept.column("bound"),
                scale=kept.column("K"),
                trivial=kept.column("K") * kept.column("H"),
                labels=[record.label for record in kept],
                informative_from=SPEAKS[algorithm],
            ),
            Curves((curve,)),
        )

    return measure


SPEAKS = {
    LB: "K about 229 A d ln K for H = 1, about 2e5 for H = S = A = 2 tabular",
    MRE: "K about 403 d ln A for H = 1",
}


def _regularised(record: Record) -> bool:
    """Whether the published tuning has gamma = 6.88 H^2 beta eta <= 1 on this record."""
    K, H, A, d = (float(record[name]) for name in ("K", "H", "A", "d"))
    if record["algorithm"] == LB:
        return 55.04 * H**4 * A * math.log(K) <= d * K * (13.76 * H**4 + 43.5 * H**2)
    return 110.08 * H**4 * math.log(A) <= d * K * (13.76 * H**4 + 87.0 * H**2)


TUNED = Assumption("regularisation-at-most-one", r"\gamma\le1", _regularised)
UNIFORM = "uniform play, which never learns, stands in for the learner"

LB_REGRET = Claim(
    id=f"{SLUG}/lb-regret",
    paper=f"{KEY}, first algorithm",
    kind=Kind.INEQUALITY,
    statement=r"\mathbb E R_K\le2\sqrt{AdK\ln K\,H^4(13.76H^2+43.5)}+2H^2(1+\sqrt d)+1/\eta;\quad"
    r"\text{slope of }R_K/\sqrt{\ln K}\text{ at most }\tfrac12",
    judge=AllOf((InequalityJudge(), RateJudge(0.5, "at-most", tolerance=TOLERANCE))),
    studies=(f"{SLUG}/regret", f"{SLUG}/exponents"),
    measure=_bounded(LB, "regret"),
    control=Control("uniform", UNIFORM, _bounded(LB, "uniform")),
    provenance=derived("lb-regret", order="recalled: sqrt(A d H^6 K)"),
    bound=2 * sp.sqrt(A * d * K * sp.log(K) * H**4 * (sp.Rational(1376, 100) * H**2 + sp.Rational(435, 10)))
    + 2 * H**2 * (1 + sp.sqrt(d))
    + 1 / sp.Symbol("eta", positive=True),
    assumptions=(TUNED,),
    finding=Finding(
        title="At the tuning that the proofs need, learning takes a large part of any affordable horizon",
        text=r"The learning rate of the first theorem is $\sqrt{A\ln K/(57dK)}$ at $H=1$ and smaller beyond. On a "
        r"tabular model with $H=2$, $K=2^{13}$ and one action better by 1 both learners keep about half of the regret "
        r"of uniform play, where O-REPS at its ordinary tuning keeps a twentieth. Without bonus regret hardly changes "
        r"there, with $\eta$ a hundred times larger it falls: neither can serve as a control.",
        docs=f"{PAGE}#the-price-of-the-proof",
    ),
)

MRE_REGRET = Claim(
    id=f"{SLUG}/mre-regret",
    paper=f"{KEY}, second algorithm",
    kind=Kind.INEQUALITY,
    statement=r"\mathbb E R_K\le2\sqrt{dK\ln A\,H^4(13.76H^2+87)};\quad\text{slope of }R_K\text{ at most }\tfrac12",
    judge=AllOf((InequalityJudge(), RateJudge(0.5, "at-most", tolerance=TOLERANCE))),
    studies=(f"{SLUG}/regret", f"{SLUG}/exponents"),
    measure=_bounded(MRE, "regret"),
    control=Control("uniform", UNIFORM, _bounded(MRE, "uniform")),
    provenance=derived("mre-regret", order="recalled: sqrt(d H^6 K), no polynomial in A"),
    bound=2 * sp.sqrt(d * K * sp.log(A) * H**4 * (sp.Rational(1376, 100) * H**2 + 87)),
    assumptions=(TUNED,),
)


def _actions(features: str) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> tuple[Any, ...]:
        kept = evidence.where(f"{SLUG}/actions", features=features)
        return tuple(
            Curves((_curve(kept.where(algorithm=name), "regret", "A", f"{name}, {features}"),)) for name in (LB, MRE)
        )

    return measure


ACTIONS = Claim(
    id=f"{SLUG}/actions",
    paper=f"{KEY}, comparison of the two algorithms",
    kind=Kind.RATE,
    statement=r"\text{arms that are copies of four:}\quad R_K=O(\sqrt A)\ \text{(log barrier)},\qquad "
    r"R_K=O(A^0)\ \text{up to logarithms (magnitude-reduced)}",
    judge=AllOf((RateJudge(0.5, "at-most", tolerance=0.1), RateJudge(0.0, "at-most", tolerance=0.1))),
    studies=(f"{SLUG}/actions",),
    measure=_actions("anchors"),
    control=Control("one-hot", "the features do not say that the arms are copies", _actions("one-hot")),
    provenance=recalled("order of the two theorems in A; the absence of poly(A) is in the abstract"),
)


def _simulator(name: str) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> Curves:
        kept = evidence.where(f"{SLUG}/simulator")
        return Curves(
            tuple(_curve(kept.where(algorithm=one), name, "K", f"{one}, simulator", root_log=one == LB) for one in BOTH)
        )

    return measure


SIMULATOR = Claim(
    id=f"{SLUG}/simulator-rate",
    paper=f"{KEY}, first and second algorithm with a simulator",
    kind=Kind.RATE,
    statement=r"\text{covariances, corrections and bonuses from }\gamma^{-2}\text{ simulated episodes: }"
    r"R_K=\tilde O(\sqrt K)",
    judge=RateJudge(0.5, "at-most", tolerance=TOLERANCE),
    studies=(f"{SLUG}/simulator",),
    measure=_simulator("regret"),
    control=Control("uniform", UNIFORM, _simulator("uniform")),
    provenance=recalled("order of the rate, and of the number of trajectories"),
)


def _without(name: str) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> Curves:
        kept = evidence.where(f"{SLUG}/without-simulator")
        return Curves((_curve(kept, name, "K", "simulator-free"),))

    return measure


WITHOUT = Claim(
    id=f"{SLUG}/linmdp-rate",
    paper=f"{KEY}, third algorithm",
    kind=Kind.RATE,
    statement=r"\text{linear MDP without a simulator: }R_K=\tilde O(K^{8/9})\ \text{(against }K^{14/15}\text{)}",
    judge=MeasurementOnly(RateJudge(8 / 9, "at-most")),
    studies=(f"{SLUG}/without-simulator",),
    measure=_without("regret"),
    control=Control("uniform", UNIFORM, _without("uniform")),
    provenance=recalled(
        "exponents as in the abstract; structure of the algorithm recalled, constants not known: a measurement only"
    ),
)


def _prior(algorithm: str) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> tuple[Any, ...]:
        kept = evidence.where(f"{SLUG}/exponents")
        curves = [_curve(kept.where(algorithm=algorithm), "regret", "K", algorithm)]
        for name in (LB, MRE):
            curves.append(_curve(kept.where(algorithm=name), "regret", "K", name, root_log=name == LB))
        return Curves((curves[0],)), Curves(tuple(curves[1:]))

    return measure


PRIOR = Claim(
    id=f"{SLUG}/prior-rate",
    paper=f"{KEY}, comparison to Luo, Wei and Lee (2021)",
    kind=Kind.RATE,
    statement=r"\text{Hedge with plain estimates under }\eta\le\gamma/(2H)\text{, tuned for }K^{2/3}:\ "
    r"R_K\propto K^{2/3}\text{; the two algorithms here: }R_K=\tilde O(\sqrt K)",
    judge=AllOf((RateJudge(2 / 3, "equal", tolerance=0.05), RateJudge(0.5, "at-most", tolerance=TOLERANCE))),
    studies=(f"{SLUG}/exponents",),
    measure=_prior(LUO),
    control=Control("magnitude-reduced", "the magnitude-reduced learner stands in for Hedge", _prior(MRE)),
    provenance=recalled(f"exponent as in the abstract; tuning {DOCS}, prior-rate"),
)

CLAIMS = (LB_REGRET, MRE_REGRET, ACTIONS, SIMULATOR, WITHOUT, PRIOR)
