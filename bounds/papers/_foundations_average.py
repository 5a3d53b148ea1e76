"""Claims on the average-reward criterion: enclosures, span and diameter, multichain equations, classes."""

import sympy as sp

from bounds.claims import Assumption, Claim, Control, Evidence, Kind
from bounds.judges import AllOf, Comparison, IdentityJudge, InequalityJudge

from ._foundations_common import SLUG, derived, measured, rows_of
from ._measures import joined, numbers

__all__ = ["CLAIMS"]

STUDIES = (f"{SLUG}/average-reward",)
_STUDY = "average-reward"

NOT_EMPTY = Assumption("states", r"S \ge 1", lambda record: record["enclosure.where"].shape[0] > 0)
COMMUNICATING = Assumption(
    "communicating",
    r"\text{the cell holds a communicating model; other models are left out of the table of spans}",
    lambda record: record["spans.where"].shape[0] > 0,
)

AVG_BOUNDS = Claim(
    id=f"{SLUG}/avg-bounds",
    paper="puterman1994, Sec 8.5 and 9.4",
    kind=Kind.INEQUALITY,
    statement=r"\gamma = 1: \quad \min(Tv - v) \le g^{\pi_v}(s) \le g^*(s) \le \max(Tv - v) \text{ for all } v, s",
    judge=InequalityJudge(),
    studies=STUDIES,
    measure=measured(
        _STUDY,
        "enclosure",
        lambda p: ((p["low"], p["gain_policy"]), (p["gain_policy"], p["gain_star"]), (p["gain_star"], p["high"])),
    ),
    control=Control(
        "middle-as-bound",
        "the middle of the interval taken for a bound on both sides",
        measured(_STUDY, "enclosure", lambda p: ((p["gain_star"], p["middle"]), (p["middle"], p["gain_policy"]))),
    ),
    provenance=derived("avg-bounds"),
    assumptions=(NOT_EMPTY,),
)

gamma, h, rewards, D, S, A = sp.symbols("gamma sp R D S A", positive=True)
_SPAN = rewards * D
_DISCOUNTED_GAIN = (1 - gamma) * h
_DIAMETER = sp.log(S) / sp.log(A) - 3


def _spans(evidence: Evidence, factor: float = 2.0) -> tuple[Comparison, ...]:
    p = rows_of(evidence, _STUDY, "spans")
    choice = p.only("choice")
    vanishing = rows_of(evidence, _STUDY, "vanishing")
    return (
        joined(p, (p["span"], numbers(_SPAN, {rewards: p["reward_range"], D: p["diameter"]}))),
        joined(choice, (numbers(_DIAMETER, {S: choice["states"], A: choice["actions"]}), choice["diameter"])),
        joined(
            vanishing,
            (vanishing["span_gamma"], factor * vanishing["span"]),
            (vanishing["gain_gap"], numbers(_DISCOUNTED_GAIN, {gamma: vanishing["gamma"], h: vanishing["span"]})),
        ),
    )


SPAN_DIAMETER = Claim(
    id=f"{SLUG}/span-diameter",
    paper="jaksch2010, Sec 1 and 3.1",
    kind=Kind.INEQUALITY,
    statement=(
        r"\text{communicating: } \mathrm{sp}(h^*) \le (r_{\max} - r_{\min}) D, \quad D \ge \log_A S - 3; \quad "
        r"\text{weakly communicating: } \mathrm{sp}(V_\gamma^*) \le 2\,\mathrm{sp}(h^*), \quad "
        r"|g^* - (1-\gamma)V_\gamma^*(s)| \le (1-\gamma)\,\mathrm{sp}(h^*)"
    ),
    judge=AllOf((InequalityJudge(), InequalityJudge(), InequalityJudge())),
    studies=STUDIES,
    measure=_spans,
    control=Control(
        "factor-one", "sp(V*_gamma) <= sp(h*): the factor 2 replaced by 1", lambda e: _spans(e, factor=1.0)
    ),
    provenance=derived("span-diameter"),
    bound=_SPAN,
    assumptions=(COMMUNICATING,),
)


def _multichain(evidence: Evidence, right: str = "right") -> tuple[Comparison, Comparison]:
    equations = rows_of(evidence, _STUDY, "equations")
    gains = rows_of(evidence, _STUDY, "gains")
    return (
        joined(equations, (equations["left"], equations[right])),
        joined(gains, (gains["planner"], gains["reference"])),
    )


MULTICHAIN = Claim(
    id=f"{SLUG}/multichain",
    paper="puterman1994, Sec 9.1 to 9.3",
    kind=Kind.IDENTITY,
    statement=(
        r"g^*(s) = \max_a P(s,a) g^*, \quad h^*(s) + g^*(s) = \max_{a:\, P(s,a)g^* = g^*(s)} [r(s,a) + P(s,a)h^*], "
        r"\quad \text{and } g^* \text{ is that of the linear program and of the best of all } A^S \text{ policies}"
    ),
    judge=AllOf((IdentityJudge(), IdentityJudge())),
    studies=STUDIES,
    measure=_multichain,
    control=Control(
        "all-actions",
        "the second equation maximised over all actions instead of those that conserve the gain",
        lambda e: _multichain(e, right="right_unrestricted"),
    ),
    provenance=derived("multichain"),
    assumptions=(NOT_EMPTY,),
)

CLASSIFICATION = Claim(
    id=f"{SLUG}/classification",
    paper="puterman1994, Sec 8.3",
    kind=Kind.INEQUALITY,
    statement=(
        r"\text{recurrent} \Rightarrow \text{unichain} \Rightarrow g^* \text{ is constant}; \quad "
        r"\text{communicating} \Leftrightarrow D < \infty; \quad "
        r"\text{weakly communicating} \Rightarrow g^* \text{ constant and } \mathrm{sp}(h^*) < \infty"
    ),
    judge=InequalityJudge(slack=0.0),
    studies=STUDIES,
    measure=measured(_STUDY, "classes", lambda p: ((p["premise"], p["conclusion"]),)),
    control=Control(
        "one-closed-class",
        "weak communication tested by 'one closed class of the union graph', blind to loops outside it",
        measured(_STUDY, "shortcut", lambda p: ((p["premise"], p["conclusion"]),)),
    ),
    provenance=derived("classification"),
    assumptions=(NOT_EMPTY,),
)

CLAIMS = (AVG_BOUNDS, SPAN_DIAMETER, MULTICHAIN, CLASSIFICATION)
