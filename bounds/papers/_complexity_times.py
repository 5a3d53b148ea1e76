"""Claims on times: diameters and spans, mixing, Kemeny's constant."""

from __future__ import annotations

import numpy as np
import sympy as sp

from bounds.claims import Claim, Control, Evidence, Kind
from bounds.judges import AllOf, Comparison, IdentityJudge, InequalityJudge

from ._complexity_common import SLUG, derived, not_empty, rows_of
from ._measures import joined, numbers

__all__ = ["CLAIMS"]


def _diameter(evidence: Evidence, detour: str = "detour") -> tuple[Comparison, ...]:
    triangle = rows_of(evidence, "diameters", "triangle")
    same = rows_of(evidence, "diameters", "same")
    fewer = rows_of(evidence, "diameters", "fewer")
    spans = rows_of(evidence, "diameters", "spans")
    limit = spans["reward_range"] * np.minimum(spans["diameter"], spans["left"])
    return (
        joined(triangle, (triangle["direct"], triangle[detour])),
        joined(same, (same["other_rewards"], same["diameter"])),
        joined(fewer, (fewer["diameter"], fewer["first_action"])),
        joined(spans, (spans["span"], limit)),
    )


DIAMETER = Claim(
    id=f"{SLUG}/diameter",
    paper="jaksch2010, Sec 1",
    kind=Kind.INEQUALITY,
    statement=(
        r"T(s \to u) \le T(s \to t) + T(t \to u); \quad D \text{ is the same for all rewards, and no larger with "
        r"more actions}; \quad \text{stationary model, } V^*_h \text{ over } H-h \text{ steps: } "
        r"\mathrm{sp}(V^*_h) \le (r_{\max} - r_{\min}) \min\left\{D, H - h\right\}"
    ),
    judge=AllOf((InequalityJudge(), IdentityJudge(), InequalityJudge(), InequalityJudge())),
    studies=(f"{SLUG}/diameters",),
    measure=_diameter,
    control=Control(
        "half-the-detour", "half the detour in the triangle inequality", lambda e: _diameter(e, detour="detour_half")
    ),
    provenance=derived("diameter"),
    assumptions=(not_empty("triangle"),),
)

eps, relaxation, least = sp.symbols("epsilon t_rel pi_min", positive=True)
_LOWER = (relaxation - 1) * sp.log(1 / (2 * eps))
_UPPER = sp.ceiling(relaxation * sp.log(1 / (eps * least)))


def _mixing(evidence: Evidence, distance: str = "") -> tuple[Comparison, Comparison]:
    powers = rows_of(evidence, "mixing", "powers")
    times = rows_of(evidence, "mixing", "times")
    slowness = 1.0 / times["gap"]
    return (
        joined(powers, (powers[f"{distance}whole"], powers[f"{distance}product"])),
        joined(
            times,
            (numbers(_LOWER, {relaxation: slowness, eps: times["eps"]}), times["mixing"]),
            (times["mixing"], numbers(_UPPER, {relaxation: slowness, eps: times["eps"], least: times["least"]})),
            scale=slowness,
        ),
    )


MIXING = Claim(
    id=f"{SLUG}/mixing",
    paper="levin2017, Lemma 4.11, Thm 12.4 and 12.5",
    kind=Kind.INEQUALITY,
    statement=(
        r"\bar d(t) = \max_{s,s'} \mathrm{TV}(P^t(s), P^t(s')): \quad \bar d(s+t) \le \bar d(s)\,\bar d(t); \quad "
        r"\text{reversible, } t_{\mathrm{rel}} = 1/\gamma_*: \quad (t_{\mathrm{rel}} - 1)\log\frac{1}{2\varepsilon} "
        r"\le t_{\mathrm{mix}}(\varepsilon) \le \left\lceil t_{\mathrm{rel}} \log\frac{1}{\varepsilon \pi_{\min}} "
        r"\right\rceil"
    ),
    judge=AllOf((InequalityJudge(), InequalityJudge())),
    studies=(f"{SLUG}/mixing",),
    measure=_mixing,
    control=Control(
        "distance-to-the-law",
        "submultiplicativity of d(t), the distance to the stationary law, in place of the distance between starts",
        lambda e: _mixing(e, distance="law_"),
    ),
    provenance=derived(
        "mixing", **{"(t_rel - 1) log(1/2eps)": "derived: on the page", "log(1/(eps pi_min))": "derived: on the page"}
    ),
    bound=_UPPER,
    assumptions=(not_empty("powers"),),
)


def _kemeny(evidence: Evidence, sums: str = "from_state", difference: str = "difference") -> tuple[Comparison, ...]:
    floats = rows_of(evidence, "kemeny", "floats")
    exact = rows_of(evidence, "kemeny", "exact")
    return (
        joined(floats, (floats[sums], floats["trace"])),
        joined(floats, (floats["trace"], floats["eigenvalues"]), scale=floats["trace"]),
        joined(exact, (exact[difference], 0.0), exact=True),
    )


KEMENY = Claim(
    id=f"{SLUG}/kemeny",
    paper="kemeny1960, Sec 4.4",
    kind=Kind.IDENTITY,
    statement=(
        r"\text{irreducible, } T_i = 0 \text{ at the start } i: \quad \sum_j \pi_j \mathbb{E}_i[T_j] = "
        r"\mathrm{tr}\left((I - P + 1\pi^\top)^{-1}\right) - 1 = \sum_{k \ge 2} \frac{1}{1 - \lambda_k} "
        r"\text{ for every } i"
    ),
    judge=AllOf((IdentityJudge(), IdentityJudge(1e-6), IdentityJudge(0.0))),
    studies=(f"{SLUG}/kemeny",),
    measure=_kemeny,
    control=Control(
        "return-times",
        "the time from a state to itself taken as its return time: one too large",
        lambda e: _kemeny(e, sums="returns", difference="returns_difference"),
    ),
    provenance=derived("kemeny"),
    assumptions=(not_empty("floats"),),
)

CLAIMS = (DIAMETER, MIXING, KEMENY)
