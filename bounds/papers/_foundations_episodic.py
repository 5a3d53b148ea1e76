"""Claims on learners that act in episodes: optimism, the bounds of UCBVI, rates on RiverSwim, depth of exploration."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp

from bounds.claims import Assumption, Claim, Control, Evidence, Finding, Kind, Provenance
from bounds.judges import AllOf, CoverageJudge, Curve, Curves, RateJudge, Violations

from ._foundations_common import DOCS, SLUG
from ._measures import numbers

__all__ = ["CLAIMS"]

S, A, H, K, delta = sp.symbols("S A H K delta", positive=True)
_LOG = sp.log(5 * S * A * H**2 * K / delta)
#: Regret of UCBVI after K episodes, T = K H; Azar et al. (2017), Theorems 1 and 2.
_REGRET = {
    "UCBVI-CH": 20 * H ** sp.Rational(3, 2) * _LOG * sp.sqrt(S * A * K) + 250 * H**2 * S**2 * A * _LOG**2,
    "UCBVI-BF": 30 * H * _LOG * sp.sqrt(S * A * K)
    + 2500 * H**2 * S**2 * A * _LOG**2
    + 4 * H ** sp.Rational(3, 2) * sp.sqrt(K * _LOG),
}
#: Depths of the sea and the lock at which a polynomial and an exponential tell themselves apart.
_DEPTHS = f"{SLUG}/depth"

CONFIDENCE = Assumption(
    "confidence", r"0 < \delta < 1", lambda record: 0.0 < float(record.params.get("delta", 0.0)) < 1.0
)
HORIZON = Assumption("horizon", r"H \ge 1", lambda record: int(record.params.get("H", 0)) >= 1)
DEPTH = Assumption("depth", r"N \ge 1", lambda record: int(record.params.get("N", 0)) >= 1)

# ---------------------------------------------------------------- optimism


def _optimism(bonus: str) -> Callable[[Evidence], Violations]:
    def measure(evidence: Evidence) -> Violations:
        kept = list(evidence.where(f"{SLUG}/optimism", bonus=bonus))
        return Violations(
            [int(np.sum(record["margin"] < -1e-9)) for record in kept],
            [record["margin"].size for record in kept],
            [float(record.params["delta"]) for record in kept],
            labels=[record.label for record in kept],
        )

    return measure


OPTIMISM = Claim(
    id=f"{SLUG}/optimism",
    paper="azar2017, Lemma 18; jin2018, Lemma 4.3; jin2020, Lemma B.5",
    kind=Kind.HIGH_PROBABILITY,
    statement=(
        r"\mathbb P\big(\exists k,h,s,a:\ Q_{k,h}(s,a)<Q^\star_h(s,a)\big)\le\delta"
        r"\quad\text{for UCBVI, optimistic Q-learning and LSVI-UCB at the published bonuses}"
    ),
    judge=CoverageJudge(),
    studies=(f"{SLUG}/optimism",),
    measure=_optimism("published"),
    control=Control("no-bonus", "the same learners without their bonus", _optimism("none")),
    provenance=Provenance(
        "recalled",
        "numbers of the lemmas; the free constants of Q-learning and LSVI-UCB are taken as 1",
        {"c = 1": "recalled", "7 in the bonus of UCBVI-CH": "recalled"},
    ),
    assumptions=(CONFIDENCE,),
)

# ---------------------------------------------------------------- bounds


def _bound(factor: float) -> Callable[[Evidence], Violations]:
    def measure(evidence: Evidence) -> Violations:
        count, runs, level, labels, bounds, trivial, quantile = [], [], [], [], [], [], []
        for (name, episodes), cell in evidence.where(f"{SLUG}/ucbvi-bound").groups("learner", "episodes"):
            params = next(iter(cell)).params
            values = {S: params["S"], A: params["A"], H: params["H"], K: episodes, delta: params["delta"]}
            bound = factor * float(numbers(_REGRET[name], values))
            regret = cell.column("regret")
            count.append(int(np.sum(regret > bound)))
            runs.append(regret.size)
            level.append(params["delta"])
            labels.append(f"{name}, K={episodes}")
            bounds.append(bound)
            trivial.append(float(params["H"] * episodes))
            quantile.append(float(np.quantile(regret, 1 - params["delta"])))
        return Violations(
            count, runs, level, labels=labels, bound=bounds, trivial=trivial, quantile=quantile,
            informative_from="K of about 5 million episodes at S = A = H = 2",
        )  # fmt: skip

    return measure


UCBVI_REGRET = Claim(
    id=f"{SLUG}/ucbvi-regret",
    paper="azar2017, Theorems 1 and 2",
    kind=Kind.HIGH_PROBABILITY,
    statement=(
        r"\mathbb P\big(R_K>20H^{3/2}L\sqrt{SAK}+250H^2S^2AL^2\big)\le\delta\ \text{(UCBVI-CH)},\quad"
        r"\mathbb P\big(R_K>30HL\sqrt{SAK}+2500H^2S^2AL^2+4H^{3/2}\sqrt{KL}\big)\le\delta\ \text{(UCBVI-BF)},\quad "
        r"L=\log(5SAH^2K/\delta)"
    ),
    judge=CoverageJudge(),
    studies=(f"{SLUG}/ucbvi-bound",),
    measure=_bound(1.0),
    control=Control("bound-over-10000", "the bounds divided by 10,000", _bound(1e-4)),
    provenance=Provenance(
        "confirmed",
        "public formalised statements of both theorems",
        {"20, 250": "confirmed", "30, 2500, 4": "confirmed", "7 in the bonus of UCBVI-CH": "recalled"},
    ),
    assumptions=(CONFIDENCE, HORIZON),
    bound=_REGRET["UCBVI-CH"],
    finding=Finding(
        title="At their published constants the optimistic learners do not begin to learn on a laptop",
        text=r"On RiverSwim (6 states, 20 steps) UCBVI-CH has after 5,000 episodes the regret of a learner that never "
        r"leaves the left bank, and Q-learning and RLSVI come within a few per cent of it; PSRL is done after about a "
        r"hundred episodes. The bound of UCBVI-CH is below the trivial $HK$ only from about $5\cdot10^6$ episodes on, "
        r"at two states, two actions and two steps.",
        docs=f"{DOCS}#published-constants-and-riverswim",
    ),
)

# ---------------------------------------------------------------- rates


def _curve(evidence: Evidence, learner: str, scale: float, first: float) -> Curve:
    """Return the regret on RiverSwim from episode ``first`` on, one replicate a seed."""
    records = list(evidence.where(f"{SLUG}/riverswim-regret", learner=learner, scale=scale))
    episode = records[0]["episode"]
    late = episode >= first
    return Curve(
        episode[late],
        np.stack([record["regret"][late] for record in records], axis=1),
        label=f"{learner}, {scale:g} times the published bonus" if scale else f"{learner} without bonus",
    )


def _scale(evidence: Evidence, learner: str) -> float:
    """Return the factor on the bonus of the runs that are to learn something: the smallest positive one."""
    kept = evidence.where(f"{SLUG}/riverswim-regret", learner=learner)
    return min(float(record.params["scale"]) for record in kept if record.params["scale"] > 0.0)


def _rates(*learners: str, broken: str | None = None) -> Callable[[Evidence], Curves]:
    """Regret of the learners over the last decade of episodes, or of ``broken`` in their place."""

    def measure(evidence: Evidence) -> Curves:
        last = max(int(r.params["episodes"]) for r in evidence.where(f"{SLUG}/riverswim-regret"))
        if broken is not None:
            return Curves((_curve(evidence, broken, 0.0 if broken != "epsilon-greedy" else 1.0, last / 10),))
        return Curves(tuple(_curve(evidence, name, _scale(evidence, name), last / 10) for name in learners))

    return measure


def _rate(name: str, paper: str, published: str, learners: tuple[str, ...], broken: str, why: str) -> Claim:
    return Claim(
        id=f"{SLUG}/{name}",
        paper=paper,
        kind=Kind.RATE,
        statement=(
            rf"R_K={published};\quad\text{{judged on RiverSwim, with bonuses scaled as said: "
            r"the exponent of } K\text{ is at most }\tfrac12\text{ over the last decade}"
        ),
        judge=RateJudge(0.5, "at-most", tolerance=0.1),
        studies=(f"{SLUG}/riverswim-regret",),
        measure=_rates(*learners),
        control=Control(broken.lower().replace(" ", "-"), why, _rates(broken=broken)),
        provenance=Provenance("recalled", "order only; on one fixed model the exponent tends to 0"),
        assumptions=(HORIZON,),
    )


RATES = (
    _rate(
        "ucbvi-rate",
        "azar2017",
        r"\tilde O(\sqrt{H^2SAT})\text{ and }\tilde O(\sqrt{HSAT})",
        ("UCBVI-CH", "UCBVI-BF", "KL-UCBVI"),
        "UCBVI-BF",
        "UCBVI-BF without its bonus, which settles for the small reward at the left end",
    ),
    _rate(
        "q-learning-rate",
        "jin2018, Theorem 1",
        r"\tilde O(\sqrt{H^4SAT})",
        ("Q-learning, Hoeffding",),
        "epsilon-greedy",
        "dithering in the place of bonuses",
    ),
    _rate(
        "randomised-rate",
        "osband2013; russo2019",
        r"\tilde O(HS\sqrt{AT})\text{ (PSRL, mean over the prior)},\ \tilde O(H^3S^{3/2}\sqrt{AK})\text{ (RLSVI)}",
        ("PSRL", "RLSVI"),
        "RLSVI",
        "RLSVI without its noise",
    ),
)

# ---------------------------------------------------------------- depth


def _found(evidence: Evidence, model: str, learner: str) -> Curve:
    """Return episodes until the good policy is found against the depth; a run that did not find it is not a number."""
    depths, columns = [], []
    for (N,), cell in evidence.where(_DEPTHS, model=model, learner=learner).groups("N"):
        found = cell.column("found").astype(np.float64)
        depths.append(N)
        columns.append(np.where(found == 0.0, np.nan, found))
    y = np.stack(columns)
    return Curve(np.array(depths, dtype=np.float64), y if y.shape[1] > 1 else y[:, 0], label=f"{learner}, {model}")


def _depth(ditherer: str) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> Any:
        models = ("deep-sea", "lock")
        slow = Curves(tuple(_found(evidence, model, ditherer) for model in models))
        names = ("UCBVI-CH", "UCBVI-BF", "RLSVI", "PSRL")
        return slow, Curves(tuple(_found(evidence, model, name) for name in names for model in models))

    return measure


DITHERING_FAILS = Claim(
    id=f"{SLUG}/dithering-fails",
    paper="osband2019, Sec. 4",
    kind=Kind.SEPARATION,
    statement=(
        r"\text{Episodes until the one good policy is found at depth } N=H:\ \ge A^{N}\text{ for }\varepsilon"
        r"\text{-greedy},\quad \mathrm{poly}(S,A,H)\text{, here at most of order }N^4\text{, for UCBVI, RLSVI, PSRL}"
    ),
    judge=AllOf((RateJudge(math.log(2), "at-least", exponential=True), RateJudge(4.0, "at-most"))),
    studies=(_DEPTHS,),
    measure=_depth("epsilon-greedy"),
    control=Control("deep-explorer", "posterior sampling in the place of the dithering", _depth("PSRL")),
    provenance=Provenance("derived", f"docs/{DOCS}#dithering-fails", {"N^4": "recalled", "A^N": "derived"}),
    assumptions=(DEPTH,),
)

CLAIMS = (OPTIMISM, UCBVI_REGRET, *RATES, DITHERING_FAILS)
