"""Claims of r2pvi about Figure 1(d), the American put, and about Figure 2, the cost of a step."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt

from bounds.claims import Claim, Control, Evidence, Finding, Kind, Provenance, Status
from bounds.judges import AllOf, Comparison, InequalityJudge, SeparationJudge, TwoSamples

from ._measures import Measure, all_of
from ._r2pvi_common import DOCS, KEY, PAGE, SLUG
from ._r2pvi_published import DIGITS, EPISODES, ERRORS, OPTION, UP

__all__ = ["CLAIMS"]

Array = npt.NDArray[np.float64]

# ---------------------------------------------------------------- Figure 1(d): the American put

FIGURE = Provenance("confirmed", "the paper's figure, its plotting notebook and the released code")
PRICES = (1.0, 3.0, 5.0)
#: Radii at which the released script prints the three DRPVI curves of the figure, named after the lambda beside each.
RADII = {0.2: 1, 0.1: 3, 0.025: 5}
UNCLIPPED = ("R2PVI-TV", 100.0)


def _reproduced(curves: dict[str, tuple[str, float]]) -> Measure:
    """Compare published points with exact payoffs on the released script's data.

    ``curves`` maps the names of published curves to learners and levels. The script plays the same 100 paths for all
    three replications, so that the error of the mean over these is that of one.
    """

    def measure(evidence: Evidence) -> Comparison:
        left: list[float] = []
        right: list[float] = []
        labels: list[str] = []
        for name, (learner, level) in curves.items():
            (record,) = evidence.where(f"{SLUG}/option", learner=learner, level=level, data="released")
            for up, published, ours, noise in zip(UP, OPTION[name], record["payoff"][0], record["noise"], strict=True):
                left.append(abs(published - ours))
                right.append(ERRORS * float(np.sqrt(noise / EPISODES)) + DIGITS)
                labels.append(f"{record.label}, up {up:g}: published {published:.3f}, ours {ours:.3f}")
        return Comparison(left, right, labels=labels)

    return measure


def _ordered(curves: dict[str, tuple[str, float]]) -> Measure:
    """Order of the curves on fresh data: where prices mostly fall, where they mostly rise, and where they only rise."""

    def measure(evidence: Evidence) -> TwoSamples:
        def payoff(name: str, place: int) -> Array:
            learner, level = curves[name]
            (record,) = evidence.where(f"{SLUG}/option", learner=learner, level=level, data="fresh")
            found: Array = record["payoff"][:, place]
            return found

        falling = list(itertools.pairwise(("PEVI", "R2PVI-TV, 5", "R2PVI-TV, 3", "R2PVI-TV, 1")))
        orders = [(0, high, low) for high, low in falling] + [(3, low, high) for high, low in falling]
        orders.append((4, "R2PVI-TV, 1", "R2PVI-TV, 3"))
        return TwoSamples(
            np.array([payoff(high, place) for place, high, _ in orders]),
            np.array([payoff(low, place) for place, _, low in orders]),
            [f"up {UP[place]:g}: {high} over {low}" for place, high, low in orders],
        )

    return measure


def _figure_d(clipped: bool) -> Measure:
    robust = {f"R2PVI-TV, {level:g}": ("R2PVI-TV", level) if clipped else UNCLIPPED for level in PRICES}
    curves = {"PEVI": ("PEVI", 0.0), **robust}
    return all_of(_reproduced(curves), _ordered(curves))


FIG_1D = Claim(
    id=f"{SLUG}/fig1d",
    paper=f"{KEY}, Fig. 1(d): PEVI and R2PVI-TV",
    kind=Kind.SEPARATION,
    statement=r"\text{American put, data of the released script: PEVI and R2PVI-TV at }\lambda=1,3,5\text{ are within "
    r"3 standard errors of all published points; on fresh data, at }p_{\mathrm{up}}=0.2:\ \text{PEVI}>5>3>1,\ "
    r"\text{at }0.8:\ 1>3>5>\text{PEVI},\ \text{at }1:\ 1>3",
    judge=AllOf((InequalityJudge(), SeparationJudge())),
    studies=(f"{SLUG}/option",),
    measure=_figure_d(True),
    control=Control("unclipped", "lambda = 100, which cuts no value, in place of 1, 3 and 5", _figure_d(False)),
    provenance=FIGURE,
)


FIG_1D_RADIUS = Claim(
    id=f"{SLUG}/fig1d-drpvi",
    paper=f"{KEY}, Fig. 1(d): DRPVI",
    kind=Kind.INEQUALITY,
    statement=r"\text{on the same data DRPVI at }\rho=0.2,0.1,0.025\text{, its dual maximised exactly, is within 3 "
    r"standard errors of the three dashed curves}",
    judge=InequalityJudge(),
    studies=(f"{SLUG}/option",),
    measure=_reproduced({f"DRPVI, over {beside}": ("DRPVI", radius) for radius, beside in RADII.items()}),
    control=Control(
        "unclipped",
        "R2PVI-TV with lambda = 100 in place of DRPVI",
        _reproduced({f"DRPVI, over {beside}": UNCLIPPED for beside in RADII.values()}),
    ),
    provenance=FIGURE,
    finding=Finding(
        title="The DRPVI curves of Figure 1(d) depend on a search that stops at local maxima",
        text=r"The paper does not state their radii. The released script prints the published points, to every digit, "
        r"at $\rho=0.2$, $0.1$ and $0.025$. Its Nelder-Mead search starts at $H/2$ and stops at the first local "
        r"maximum of an estimated objective that has several. Maximised exactly, on the same data, the curves begin "
        r"at $2.14$, $3.78$ and $5.74$ instead of $1.49$, $3.85$ and $4.96$. No order of the figure changes.",
        docs=f"{PAGE}#figure-1d-the-american-put",
        explains=Status.REFUTED,
    ),
)

# ---------------------------------------------------------------- Figure 2: cost

NUMERICAL = ("DRPVI", "DRVI-L")
REGULARISED = ("R2PVI-TV", "R2PVI-KL")


def _work(evidence: Evidence, method: str, name: str = "multiplied", **params: Any) -> tuple[Array, list[str]]:
    kept = evidence.where(f"{SLUG}/work", method=method, **params)
    return np.array([record[name].mean() for record in kept]), [f"{method}, d={r['d']}, N={r['N']}" for r in kept]


def _searches(constrained: tuple[str, ...]) -> Measure:
    """Responses regressed in a step: one, as in PEVI; at least one a feature where a radius is searched for."""

    def measure(evidence: Evidence) -> tuple[Comparison, Comparison]:
        one = [_work(evidence, method, "solved") for method in REGULARISED]
        base = np.concatenate([_work(evidence, "PEVI", "solved")[0]] * 2)
        first = Comparison(
            np.concatenate([x for x, _ in one]), base, labels=[name for _, names in one for name in names]
        )
        many = [_work(evidence, method, "solved") for method in constrained]
        d = np.concatenate([evidence.where(f"{SLUG}/work", method=method).column("d") for method in constrained])
        second = Comparison(
            d, np.concatenate([x for x, _ in many]), labels=[name for _, names in many for name in names]
        )
        return first, second

    return measure


COST = Claim(
    id=f"{SLUG}/cost",
    paper=f"{KEY}, cost of a step",
    kind=Kind.INEQUALITY,
    statement=r"\text{R2PVI-TV and R2PVI-KL regress one response a step, as PEVI does; DRPVI and DRVI-L with numerical "
    r"searches at least }d\text{ (counted, not timed)}",
    judge=AllOf((InequalityJudge(slack=0.0), InequalityJudge(slack=0.0))),
    studies=(f"{SLUG}/work",),
    measure=_searches(NUMERICAL),
    control=Control(
        "sorted", "DRPVI with the exact search over sorted values in place of both", _searches(("DRPVI, sorted",))
    ),
    provenance=Provenance("derived", f"{DOCS}#figure-2"),
    finding=Finding(
        title="Figure 2 times numerical searches that regress anew at every evaluation",
        text=r"The objective of DRPVI is linear between the sorted values ahead, so that one sort and one pass give "
        r"every coordinate's maximum exactly. Counted on dense features, a step then multiplies at most 1.05 times as "
        r"often as one of PEVI, instead of nine times. In seconds, on the two-entry features of the option, the "
        r"library's R2PVI-TV takes as long as its PEVI and its DRPVI two to seven times as long.",
        docs=f"{PAGE}#figure-2",
    ),
)


def _ratios(constrained: tuple[str, ...], **params: Any) -> Measure:
    """Multiplications of a step over those of PEVI: at most 1 where regularised, above 1.5 where constrained."""

    def measure(evidence: Evidence) -> tuple[Comparison, TwoSamples]:
        pevi = _work(evidence, "PEVI", **params)[0]
        cheap = [_work(evidence, method, **params) for method in REGULARISED]
        dear = [_work(evidence, method, **params) for method in constrained]
        first = Comparison(
            np.concatenate([x / pevi for x, _ in cheap]),
            np.full(len(cheap) * pevi.size, 1.5),
            labels=[name for _, names in cheap for name in names],
        )
        second = TwoSamples(
            np.concatenate([x for x, _ in dear]),
            np.concatenate([pevi] * len(dear)),
            [name for _, names in dear for name in names],
        )
        return first, second

    return measure


def _figure_2(name: str, over: str, statement: str, **params: Any) -> Claim:
    return Claim(
        id=f"{SLUG}/{name}",
        paper=f"{KEY}, Fig. 2({name[-1]})",
        kind=Kind.SEPARATION,
        statement=statement,
        judge=AllOf((InequalityJudge(), SeparationJudge(factor=1.5))),
        studies=(f"{SLUG}/work",),
        measure=_ratios(NUMERICAL, **params),
        control=Control(
            "sorted",
            f"DRPVI with the exact search over sorted values, over {over}",
            _ratios(("DRPVI, sorted",), **params),
        ),
        provenance=Provenance("derived", f"{DOCS}#figure-2"),
    )


FIG_2A = _figure_2(
    "fig2a",
    "d",
    r"N=1000,\ d\in\{30,60,120\}:\ \text{a step of DRPVI or DRVI-L with numerical searches multiplies more than 1.5 "
    r"times as often as one of PEVI, a step of R2PVI-TV or R2PVI-KL at most 1.5 times (counted, not timed)}",
    N=1000,
)
FIG_2B = _figure_2(
    "fig2b",
    "N",
    r"d=30,\ N\in\{1,5,10\}\cdot10^3:\ \text{the same}",
    d=30,
)

CLAIMS = (FIG_1D, FIG_1D_RADIUS, COST, FIG_2A, FIG_2B)
