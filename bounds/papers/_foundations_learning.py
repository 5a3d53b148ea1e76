"""Claims on the ingredients of learners: Q-learning's step sizes, posterior sampling."""

import numpy as np
import sympy as sp

from bounds.claims import Assumption, Claim, Control, Evidence, Kind
from bounds.judges import AllOf, Comparison, IdentityJudge, InequalityJudge

from ._foundations_common import SLUG, derived, measured, rows_of
from ._measures import joined, numbers

__all__ = ["CLAIMS"]

H, t = sp.symbols("H t", positive=True)
_SQUARES = 2 * H / t


def _weights(evidence: Evidence, excess: str = "excess") -> tuple[Comparison, ...]:
    total = rows_of(evidence, "step-sizes", "total")
    column = rows_of(evidence, "step-sizes", "column")
    p = rows_of(evidence, "step-sizes", "norms")
    bound = numbers(_SQUARES, {H: p["H"], t: p["t"]})
    root = 1 / np.sqrt(p["t"])
    return (
        joined(total, (total["excess"], 0.0), exact=True),
        joined(column, (column[excess], 0.0), exact=True),
        joined(p, (p["squares"], bound), (p["largest"], bound), (root, p["roots"]), (p["roots"], 2 * root)),
    )


Q_WEIGHTS = Claim(
    id=f"{SLUG}/q-weights",
    paper="jin2018, Lemma 4.1",
    kind=Kind.IDENTITY,
    statement=(
        r"\alpha_t = \tfrac{H+1}{H+t},\ \alpha_i^t = \alpha_i \textstyle\prod_{j=i+1}^t (1 - \alpha_j): \quad "
        r"\sum_{i \le t} \alpha_i^t = 1, \quad \sum_{t \ge i} \alpha_i^t = 1 + \tfrac1H, \quad "
        r"\max_i \alpha_i^t \le \tfrac{2H}{t}, \quad \sum_i (\alpha_i^t)^2 \le \tfrac{2H}{t}, \quad "
        r"\tfrac{1}{\sqrt t} \le \sum_i \tfrac{\alpha_i^t}{\sqrt i} \le \tfrac{2}{\sqrt t}"
    ),
    judge=AllOf((IdentityJudge(), IdentityJudge(), InequalityJudge(slack=1e-12))),
    studies=(f"{SLUG}/step-sizes",),
    measure=_weights,
    control=Control(
        "harmonic-steps",
        "alpha_t = 1/t: the weights of sample i over all later times do not sum to 1 + 1/H",
        lambda e: _weights(e, excess="excess_harmonic"),
    ),
    provenance=derived("q-weights"),
    bound=_SQUARES,
    assumptions=(Assumption("steps", r"t \ge 1,\ H \ge 1", lambda record: int(record.params["H"]) >= 1),),
)

POSTERIOR_MATCHING = Claim(
    id=f"{SLUG}/posterior-matching",
    paper="osband2013, Lemma 1",
    kind=Kind.IDENTITY,
    statement=(
        r"M_k \text{ drawn from the posterior given } H_k: \quad "
        r"\mathbb{E}[f(M_k) \mid H_k] = \mathbb{E}[f(M^*) \mid H_k] "
        r"\text{ for every history of positive probability, here with } f = V^*"
    ),
    judge=IdentityJudge(tolerance=1e-12),
    studies=(f"{SLUG}/posterior-matching",),
    measure=measured("posterior-matching", "matching", lambda p: ((p["sampled"], p["true"]),)),
    control=Control(
        "stale-posterior",
        "models drawn from the prior at every history",
        measured("posterior-matching", "matching", lambda p: ((p["sampled_stale"], p["true"]),)),
    ),
    provenance=derived("posterior-matching"),
    assumptions=(Assumption("resampling", r"\tau \ge 1", lambda record: int(record.params["tau"]) >= 1),),
)

CLAIMS = (Q_WEIGHTS, POSTERIOR_MATCHING)
