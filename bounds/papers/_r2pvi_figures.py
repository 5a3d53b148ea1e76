"""Claims of r2pvi about Figure 1(a) to (c): exact returns of learned policies, held against the published points."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from bounds.claims import Claim, Control, Evidence, Finding, Kind, Provenance, Record, Status
from bounds.judges import AllOf, Comparison, InequalityJudge, SeparationJudge, TwoSamples

from ._measures import Measure, all_of
from ._r2pvi_common import KEY, PAGE, SLUG
from ._r2pvi_option import CLAIMS as _OPTION
from ._r2pvi_published import EPISODES, ERRORS, REPLICATIONS, SIMULATOR

__all__ = ["CLAIMS"]

Array = npt.NDArray[np.float64]

CONFIRMED = Provenance("confirmed", "the paper's figure and the released code")

# ---------------------------------------------------------------- Figure 1(a) to (c): the five-state simulator


def _curves(evidence: Evidence, **params: Any) -> Iterator[Record]:
    """Yield records of the simulator; the settings of the released code where ``params`` say nothing else."""
    yield from evidence.where(f"{SLUG}/simulator", **{"beta": 1.0, "combine": "l2", "dual": "largest", **params})


def _returns(evidence: Evidence, q: float, **params: Any) -> Array:
    """Exact returns at target shift ``q``, one a dataset, of the one curve that ``params`` name."""
    (record,) = _curves(evidence, **params)
    place = int(np.argmin(np.abs(record["shift"] - q)))
    found: Array = record["returns"][:, place]
    return found


def _error(record: Record, place: int) -> tuple[float, float]:
    """Return our mean, and the standard error of its difference from a published mean of the same learner.

    The latter is over 20 datasets, and over 100 episodes for each: their variances are those of our runs.
    """
    returns = record["returns"][:, place]
    between, within = float(returns.var(ddof=1)), float(record["noise"][place])
    published = (between + within / EPISODES) / REPLICATIONS
    return float(returns.mean()), float(np.sqrt(published + between / returns.size))


def _reproduced(*keys: tuple[str, str, float], **params: Any) -> Measure:
    """Return the measure that compares published points with ours: |difference| against `ERRORS` standard errors."""

    def measure(evidence: Evidence) -> Comparison:
        left: list[float] = []
        right: list[float] = []
        labels: list[str] = []
        for figure, learner, level in keys:
            points = SIMULATOR[figure, learner, level]
            (record,) = _curves(evidence, learner=learner, level=level, xi=XI[figure], **params)
            for q, published in points.items():
                mean, error = _error(record, int(np.argmin(np.abs(record["shift"] - q))))
                left.append(abs(published - mean))
                right.append(ERRORS * error)
                labels.append(f"{record.label}, q={q:g}: published {published:.3f}, ours {mean:.3f}")
        return Comparison(left, right, labels=labels)

    return measure


#: Norm of xi in the three figures.
XI = {"1a": 0.2, "1b": 0.3, "1c": 0.2}

LATE = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def _crossing(beta: float) -> Measure:
    """PEVI is better without a shift, R2PVI-TV from q = 0.5 on."""

    def measure(evidence: Evidence) -> TwoSamples:
        def at(q: float, learner: str, level: float) -> Array:
            return _returns(evidence, q, learner=learner, level=level, xi=0.2, beta=beta)

        pevi, robust = ("PEVI", 0.0), ("R2PVI-TV", 0.1)
        larger = [at(0.0, *pevi), *(at(q, *robust) for q in LATE)]
        smaller = [at(0.0, *robust), *(at(q, *pevi) for q in LATE)]
        return TwoSamples(np.array(larger), np.array(smaller), [f"q={q:g}" for q in (0.0, *LATE)])

    return measure


def _drops(beta: float) -> Measure:
    """Compare what each loses between q = 0 and q = 1."""

    def measure(evidence: Evidence) -> TwoSamples:
        lost = []
        for learner, level in (("PEVI", 0.0), ("R2PVI-TV", 0.1)):
            ends = [_returns(evidence, q, learner=learner, level=level, xi=0.2, beta=beta) for q in (0.0, 1.0)]
            lost.append(ends[0] - ends[1])
        return TwoSamples(lost[0][None], lost[1][None], ["return lost from q=0 to q=1"])

    return measure


def _figure_a(beta: float) -> Measure:
    keys = (("1a", "PEVI", 0.0), ("1a", "R2PVI-TV", 0.1))
    return all_of(_reproduced(*keys, beta=beta), _crossing(beta), _drops(beta))


FIG_1A = Claim(
    id=f"{SLUG}/fig1a",
    paper=f"{KEY}, Fig. 1(a): PEVI and R2PVI-TV",
    kind=Kind.SEPARATION,
    statement=r"\|\xi\|_1=0.2,\ \lambda=0.1:\ \text{PEVI and R2PVI-TV end within 3 standard errors of the published }"
    r"(1.545\to0.747,\ 1.390\to1.004);\ \text{PEVI is ahead at }q=0,\ \text{R2PVI-TV from }q=0.5\text{ on; PEVI "
    r"loses more than 1.5 times as much}",
    judge=AllOf((InequalityJudge(), SeparationJudge(), SeparationJudge(factor=1.5))),
    studies=(f"{SLUG}/simulator",),
    measure=_figure_a(1.0),
    control=Control("no-pessimism", "beta = 0: the same regressions without a penalty", _figure_a(0.0)),
    provenance=CONFIRMED,
)

KL_FINDING = Finding(
    title="R2PVI-KL of Figure 1(a) does not come out of the formula with which R2PVI-TV does",
    text=r"Published: $1.397\to1.000$ at $\lambda=0.1$. With the penalty of the released code (an $\ell_2$ norm over "
    r"coordinates), which reproduces PEVI, TV and Figures 1(b) and 1(c), KL gives $1.49\to0.85$, more than three "
    r"standard errors away; the released script, run as it stands, gives $1.480\to0.845$. With the penalty as the "
    r"algorithm states it (their sum) KL comes within the error, but TV leaves it ($1.325\to1.125$ on every dataset). "
    r"What made the published curve is not known. More than half of KL's estimated coordinates are cut at "
    r"$e^{-H/\lambda}$.",
    docs=f"{PAGE}#the-kl-and-chi2-curves-of-figure-1a",
    explains=Status.REFUTED,
)

FIG_1A_KL = Claim(
    id=f"{SLUG}/fig1a-kl",
    paper=f"{KEY}, Fig. 1(a): R2PVI-KL",
    kind=Kind.INEQUALITY,
    statement=r"\lambda=0.1,\ \ell_2\text{ penalty: R2PVI-KL ends within 3 standard errors of }1.397\to1.000",
    judge=InequalityJudge(),
    studies=(f"{SLUG}/simulator",),
    measure=_reproduced(("1a", "R2PVI-KL", 0.1)),
    control=Control("no-pessimism", "beta = 0", _reproduced(("1a", "R2PVI-KL", 0.1), beta=0.0)),
    provenance=CONFIRMED,
    finding=KL_FINDING,
)

FIG_1A_PENALTY = Claim(
    id=f"{SLUG}/fig1a-penalty",
    paper=f"{KEY}, Fig. 1(a): which penalty",
    kind=Kind.INEQUALITY,
    statement=r"\text{R2PVI-KL with }\Gamma=\beta\sum_i\|\phi_i\mathbf 1_i\|_{\Lambda^{-1}}\text{ and R2PVI-TV with }"
    r"\beta(\sum_i\|\phi_i\mathbf 1_i\|^2_{\Lambda^{-1}})^{1/2}\text{ end within 3 standard errors of their curves}",
    judge=AllOf((InequalityJudge(), InequalityJudge())),
    studies=(f"{SLUG}/simulator",),
    measure=all_of(
        _reproduced(("1a", "R2PVI-KL", 0.1), combine="l1"), _reproduced(("1a", "R2PVI-TV", 0.1), combine="l2")
    ),
    control=Control(
        "exchanged",
        "the two penalties exchanged",
        all_of(_reproduced(("1a", "R2PVI-KL", 0.1), combine="l2"), _reproduced(("1a", "R2PVI-TV", 0.1), combine="l1")),
    ),
    provenance=CONFIRMED,
)

CHI2_FINDING = Finding(
    title="R2PVI-chi2 of Figure 1(a): the released script minimises the dual that the algorithm maximises",
    text=r"With the formulas as stated, $\chi^2$ gives $1.51\to0.81$ at $\lambda=0.1$, nearly six standard errors from "
    r"the published $1.350\to1.084$. The released simulator script takes the minimum over the threshold where the "
    r"algorithm has a maximum (its script for the option takes the maximum). With that sign, and its local search, our "
    r"run gives $1.33\to1.11$; the released script, run as it stands, $1.326\to1.120$. Maximised, the curve comes near "
    r"the published one only at a $\lambda$ ten times smaller.",
    docs=f"{PAGE}#the-kl-and-chi2-curves-of-figure-1a",
    explains=Status.REFUTED,
)

FIG_1A_CHI2 = Claim(
    id=f"{SLUG}/fig1a-chi2",
    paper=f"{KEY}, Fig. 1(a): R2PVI-chi2",
    kind=Kind.INEQUALITY,
    statement=r"\lambda=0.1:\ \text{R2PVI-}\chi^2\text{ ends within 3 standard errors of }1.350\to1.084",
    judge=InequalityJudge(),
    studies=(f"{SLUG}/simulator",),
    measure=_reproduced(("1a", "R2PVI-chi2", 0.1)),
    control=Control("no-pessimism", "beta = 0", _reproduced(("1a", "R2PVI-chi2", 0.1), beta=0.0)),
    provenance=CONFIRMED,
    finding=CHI2_FINDING,
)


def _nearer(near: str, far: str) -> Callable[[Evidence], TwoSamples]:
    """Distances from the published end points: of the curve called ``far``, and of the one called ``near``."""

    def measure(evidence: Evidence) -> TwoSamples:
        points = SIMULATOR["1a", "R2PVI-chi2", 0.1]
        sides = [
            [
                abs(float(_returns(evidence, q, learner="R2PVI-chi2", level=0.1, xi=0.2, dual=dual).mean()) - published)
                for q, published in points.items()
            ]
            for dual in (far, near)
        ]
        return TwoSamples(sides[0], sides[1], [f"q={q:g}" for q in points])

    return measure


def _sign(near: str, far: str) -> Measure:
    return all_of(_reproduced(("1a", "R2PVI-chi2", 0.1), dual=near), _nearer(near, far))


FIG_1A_SIGN = Claim(
    id=f"{SLUG}/fig1a-sign",
    paper=f"{KEY}, Fig. 1(a): the sign in the released script",
    kind=Kind.SEPARATION,
    statement=r"\text{the run that minimises }z_i(\alpha)+\tfrac{z_i(\alpha)^2-z^{(2)}_i(\alpha)}{4\lambda}\text{, "
    r"from }\alpha=\tfrac H2\text{ down to a local minimum, ends within 3 standard errors of the published "
    r"R2PVI-}\chi^2;\ \text{the run that maximises it ends more than 3 times as far}",
    judge=AllOf((InequalityJudge(), SeparationJudge(factor=3.0))),
    studies=(f"{SLUG}/simulator",),
    measure=_sign("smallest", "largest"),
    control=Control("exchanged", "the two runs exchanged", _sign("largest", "smallest")),
    provenance=CONFIRMED,
)

LEVELS = (0.1, 0.2, 0.3, 0.6)


def _less_robust(beta: float) -> Measure:
    """Compare each lambda with the next: the larger earns less at q = 1 and more at q = 0."""

    def measure(evidence: Evidence) -> TwoSamples:
        ends = {
            (q, level): _returns(evidence, q, learner="R2PVI-TV", level=level, xi=0.3, beta=beta)
            for q in (0.0, 1.0)
            for level in LEVELS
        }
        pairs = list(itertools.pairwise(LEVELS))
        larger = [ends[1.0, low] for low, _ in pairs] + [ends[0.0, high] for _, high in pairs]
        smaller = [ends[1.0, high] for _, high in pairs] + [ends[0.0, low] for low, _ in pairs]
        labels = [f"q={q}, lambda={low:g} and {high:g}" for q in (1, 0) for low, high in pairs]
        return TwoSamples(np.array(larger), np.array(smaller), labels)

    return measure


def _figure_b(beta: float) -> Measure:
    keys = tuple(("1b", "R2PVI-TV", level) for level in LEVELS)
    return all_of(_reproduced(*keys, beta=beta), _less_robust(beta))


FIG_1B = Claim(
    id=f"{SLUG}/fig1b",
    paper=f"{KEY}, Fig. 1(b)",
    kind=Kind.SEPARATION,
    statement=r"\|\xi\|_1=0.3,\ \lambda\in\{0.1,0.2,0.3,0.6\}:\ \text{R2PVI-TV ends within 3 standard errors of the "
    r"published points; from each }\lambda\text{ to the next it earns more at }q=0\text{ and less at }q=1",
    judge=AllOf((InequalityJudge(), SeparationJudge())),
    studies=(f"{SLUG}/simulator",),
    measure=_figure_b(1.0),
    control=Control("no-pessimism", "beta = 0: the curves of all lambda fall together", _figure_b(0.0)),
    provenance=CONFIRMED,
)

THIRDS = (0.0, 3.0 / 9.0, 6.0 / 9.0, 1.0)


#: Least change of the return with every third of Figure 1(c): less than a quarter of a third of the published rise.
#: "More" alone has no control: without pessimism neighbouring levels often earn the same.
STEP = 0.02


def _opposite(beta: float) -> Measure:
    """DRPVI rises with its radius, R2PVI-TV falls with lambda up to 2/3, at q = 0.9."""

    def measure(evidence: Evidence) -> TwoSamples:
        def at(learner: str, level: float) -> Array:
            return _returns(evidence, 0.9, learner=learner, level=level, xi=0.2, beta=beta)

        steps = list(itertools.pairwise(THIRDS))
        larger = [at("DRPVI", high) for _, high in steps] + [at("R2PVI-TV", low) for low, _ in steps[:2]]
        smaller = [at("DRPVI", low) for low, _ in steps] + [at("R2PVI-TV", high) for _, high in steps[:2]]
        labels = [f"DRPVI, rho={low:.2f} and {high:.2f}" for low, high in steps]
        labels += [f"R2PVI-TV, lambda={low:.2f} and {high:.2f}" for low, high in steps[:2]]
        return TwoSamples(np.array(larger), np.array(smaller), labels)

    return measure


def _figure_c(beta: float) -> Measure:
    keys = tuple(("1c", learner, level) for learner in ("DRPVI", "R2PVI-TV") for level in (0.0, 1.0))
    return all_of(_reproduced(*keys, beta=beta), _opposite(beta))


FIG_1C = Claim(
    id=f"{SLUG}/fig1c",
    paper=f"{KEY}, Fig. 1(c)",
    kind=Kind.SEPARATION,
    statement=r"q=0.9:\ \text{DRPVI earns at least 0.02 more with every third of }\rho\in[0,1],\ \text{R2PVI-TV 0.02 "
    r"less with every third of }\lambda\in[0,\tfrac23];\ \text{the ends are within 3 standard errors of the published }"
    r"0.769\to1.029,\ 1.066\to0.760",
    judge=AllOf((InequalityJudge(), SeparationJudge(margin=STEP))),
    studies=(f"{SLUG}/simulator",),
    measure=_figure_c(1.0),
    control=Control("no-pessimism", "beta = 0", _figure_c(0.0)),
    provenance=CONFIRMED,
)

CLAIMS = (FIG_1A, FIG_1A_KL, FIG_1A_PENALTY, FIG_1A_CHI2, FIG_1A_SIGN, FIG_1B, FIG_1C, *_OPTION)
