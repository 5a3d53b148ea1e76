"""Claims on policy iteration, modified policy iteration and the linear programs of discounted models."""

import sympy as sp

from bounds.claims import Assumption, Claim, Control, Evidence, Kind, Provenance
from bounds.judges import AllOf, Comparison, IdentityJudge, InequalityJudge

from ._foundations_common import DISCOUNTED, SLUG, derived, measured, rows_of
from ._measures import joined, numbers

__all__ = ["CLAIMS"]

S, A, gamma, k, x = sp.symbols("S A gamma k x", positive=True)

STEPS = (f"{SLUG}/policy-iteration",)
PROGRAMS = (f"{SLUG}/linear-programs",)
EXACT = f"{SLUG}/exact"

#: Bound on the error after k iterations, and on the number of iterations.
_RATE = gamma**k * x
_ITERATIONS = S * (A - 1) * sp.ceiling(sp.log(1 / (1 - gamma)) / (1 - gamma))


def _policy_iteration(evidence: Evidence, successor: str = "V_next") -> tuple[Comparison, ...]:
    step = rows_of(evidence, "policy-iteration", "step")
    rate = rows_of(evidence, "policy-iteration", "rate")
    optimum = rows_of(evidence, "policy-iteration", "optimum")
    exact = rows_of(evidence, "exact", "optimum")
    at = {gamma: rate["gamma"], k: rate["iteration"], x: rate["first_error"]}
    return (
        joined(step, (step["V"], step["TV"]), (step["TV"], step[successor])),
        joined(rate, (rate["error"], numbers(_RATE, at))),
        joined(optimum, (optimum["V_last"], optimum["TV_last"]), (optimum["V_last"], optimum["V_planner"])),
        joined(exact, (exact["to_enumeration"], 0.0), exact=True),
    )


PI = Claim(
    id=f"{SLUG}/pi",
    paper="puterman1994, Sec 6.4",
    kind=Kind.INEQUALITY,
    statement=(
        r"V^{\pi_{k+1}} \ge T V^{\pi_k} \ge V^{\pi_k}, \quad "
        r"\|V^* - V^{\pi_k}\| \le \gamma^k \|V^* - V^{\pi_0}\|, \quad \text{and the last } V^{\pi_k} \text{ is } V^*"
    ),
    judge=AllOf((InequalityJudge(), InequalityJudge(), IdentityJudge(), IdentityJudge())),
    studies=(*STEPS, EXACT),
    measure=_policy_iteration,
    control=Control(
        "hasty-improvement",
        "the next policy is greedy for random values instead of the values of the current policy",
        lambda e: _policy_iteration(e, successor="V_next_hasty"),
    ),
    provenance=derived("pi"),
    bound=_RATE,
    assumptions=(DISCOUNTED,),
)


def _iterations(evidence: Evidence, *, states_and_actions: bool = True) -> Comparison:
    p = rows_of(evidence, "policy-iteration", "count")
    bound = numbers(_ITERATIONS, {S: p["S"], A: p["A"], gamma: p["gamma"]})
    per_pair = numbers(_ITERATIONS / (S * (A - 1)), {gamma: p["gamma"]})
    sample = joined(p, (p["iterations"], bound if states_and_actions else per_pair))
    return Comparison(sample.left, sample.right, trivial=p["A"] ** p["S"] - 1, labels=sample.labels)


PI_ITERATIONS = Claim(
    id=f"{SLUG}/pi-iterations",
    paper="scherrer2016",
    kind=Kind.INEQUALITY,
    statement=(
        r"\text{Howard's policy iteration from any policy makes at most } "
        r"S(A-1)\left\lceil \frac{1}{1-\gamma}\log\frac{1}{1-\gamma} \right\rceil \text{ improvements}"
    ),
    judge=InequalityJudge(),
    studies=STEPS,
    measure=_iterations,
    control=Control(
        "once-for-all-pairs",
        "the factor S(A-1) dropped: the time after which one action is eliminated, taken for the time of all",
        lambda e: _iterations(e, states_and_actions=False),
    ),
    provenance=Provenance(
        "recalled", "Scherrer (2016); Ye (2011) has the same order", {"S(A-1)": "recalled: Scherrer (2016)"}
    ),
    bound=_ITERATIONS,
    assumptions=(
        Assumption("discount-positive", r"0 < \gamma < 1", lambda record: 0.0 < float(record.params["gamma"]) < 1.0),
    ),
)


def _modified(evidence: Evidence) -> tuple[Comparison, Comparison]:
    p = rows_of(evidence, "policy-iteration", "mpi").only("sound_start")
    plan = rows_of(evidence, "policy-iteration", "planned")
    return (
        joined(p, (p["V_vi"], p["V"]), (p["V"], p["V_next"]), (p["V_next"], p["V_star"])),
        joined(plan, (plan["lower"], plan["V_star"]), (plan["V_star"], plan["upper"])),
    )


def _modified_unsound(evidence: Evidence) -> tuple[Comparison, Comparison]:
    p = rows_of(evidence, "policy-iteration", "mpi").only("unsound_start")
    return joined(p, (p["V"], p["V_next"])), _modified(evidence)[1]


MPI = Claim(
    id=f"{SLUG}/mpi",
    paper="puterman1994, Sec 6.5",
    kind=Kind.INEQUALITY,
    statement=(r"T v_0 \ge v_0: \quad v_k^{\mathrm{VI}} \le v_k^{\mathrm{MPI}} \le v_{k+1}^{\mathrm{MPI}} \le V^*"),
    judge=AllOf((InequalityJudge(), InequalityJudge())),
    studies=STEPS,
    measure=_modified,
    control=Control("start-above", "monotonicity from a start where T v_0 >= v_0 fails", _modified_unsound),
    provenance=derived("mpi"),
    assumptions=(DISCOUNTED,),
)


def _programs(evidence: Evidence, induced: str = "d") -> tuple[Comparison, ...]:
    value = rows_of(evidence, "linear-programs", "value")
    state = rows_of(evidence, "linear-programs", "state")
    pair = rows_of(evidence, "linear-programs", "pair")
    support = rows_of(evidence, "linear-programs", "support")
    vertices = rows_of(evidence, "exact", "vertices")
    program = rows_of(evidence, "exact", "program")
    return (
        joined(
            value,
            (value["primal"], value["planner"]),
            (value["dual"], value["planner"]),
            (value["return_of_d"], value["planner"]),
        ),
        joined(state, (state["V_primal"], state["V_star"]), (state["V_dual"], state["V_star"])),
        joined(pair, (pair[induced] * pair["slack"], 0.0), (pair[induced], pair["d_of_policy"])),
        joined(support, (support["actions"], 1.0)),
        joined(vertices, (vertices["actions_missed"], 0.0), exact=True),
        joined(program, (program["to_planner"], 0.0), exact=True),
    )


LP = Claim(
    id=f"{SLUG}/lp",
    paper="puterman1994, Sec 6.9",
    kind=Kind.IDENTITY,
    statement=(
        r"\min\{(1-\gamma)\rho^\top v : v(s) \ge r(s,a) + \gamma P(s,a) v\} = (1-\gamma)\rho^\top V^* = "
        r"\max\{\langle x, r\rangle : x \ge 0 \text{ an occupancy}\}; \quad x(s,a)\,(V^* - r - \gamma P V^*)(s,a) = 0; "
        r"\quad \pi_x(a \mid s) = x(s,a)/\textstyle\sum_b x(s,b) \text{ has occupancy } x; \quad "
        r"\rho > 0 \Rightarrow \text{basic solutions choose one action a state}"
    ),
    judge=AllOf((*[IdentityJudge()] * 3, *[IdentityJudge(0.0)] * 3)),
    studies=(*PROGRAMS, EXACT),
    measure=_programs,
    control=Control(
        "occupancy-of-another-policy",
        "complementary slackness with the occupancy of the worst policy",
        lambda e: _programs(e, induced="d_wrong"),
    ),
    provenance=derived("lp"),
    assumptions=(DISCOUNTED,),
)


def _flow(evidence: Evidence, inflow: str = "inflow") -> tuple[Comparison, Comparison]:
    p = rows_of(evidence, "linear-programs", "flow")
    mass = rows_of(evidence, "linear-programs", "mass")
    return (
        joined(p, (p["outflow"], p[inflow])),
        joined(mass, (mass["total"], 1.0), (mass["value"], mass["return_of_d"])),
    )


FLOW = Claim(
    id=f"{SLUG}/flow",
    paper="puterman1994, Sec 6.9",
    kind=Kind.IDENTITY,
    statement=(
        r"\sum_a d^\pi(s',a) = (1-\gamma)\rho(s') + \gamma \sum_{s,a} d^\pi(s,a) P(s' \mid s,a), \quad "
        r"\sum d^\pi = 1, \quad \rho^\top V^\pi = \frac{\langle d^\pi, r\rangle}{1-\gamma}"
    ),
    judge=AllOf((IdentityJudge(), IdentityJudge())),
    studies=PROGRAMS,
    measure=_flow,
    control=Control("gamma-dropped", "the inflow without gamma", lambda e: _flow(e, inflow="inflow_undiscounted")),
    provenance=derived("flow"),
    assumptions=(DISCOUNTED,),
)

_DIFFERENCE = ("identities", "difference")

PDL = Claim(
    id=f"{SLUG}/pdl",
    paper="kakade2002, Lemma 6.1",
    kind=Kind.IDENTITY,
    statement=(
        r"V^\pi(\rho) - V^{\pi'}(\rho) = \frac{1}{1-\gamma}\,\mathbb{E}_{d^\pi} A^{\pi'}, \quad "
        r"\text{over } H \text{ steps } \sum_h \mathbb{E}_{d_h^\pi} A_h^{\pi'}, \quad "
        r"g^\pi - g^{\pi'} = \mathbb{E}_{\mu^\pi} A^{\pi'} \text{ (one recurrent class)}"
    ),
    judge=IdentityJudge(),
    studies=(f"{SLUG}/identities",),
    measure=measured(*_DIFFERENCE, lambda p: ((p["gap"], p["advantage"]),)),
    control=Control(
        "occupancy-of-the-wrong-policy",
        "the advantage of pi' averaged over the occupancy of pi' itself",
        measured(*_DIFFERENCE, lambda p: ((p["gap"], p["advantage_wrong"]),)),
    ),
    provenance=derived("pdl"),
    assumptions=(DISCOUNTED,),
)

eps_r, eps_1, span = sp.symbols("epsilon_r epsilon_1 sp", nonnegative=True)
_SIMULATION = (eps_r + gamma * eps_1 * span / 2) / (1 - gamma)


def _simulation(evidence: Evidence, bound: sp.Expr = _SIMULATION) -> tuple[Comparison, Comparison]:
    p = rows_of(evidence, "identities", "simulation")
    norm = rows_of(evidence, "identities", "norm")
    at = {eps_r: norm["eps_r"], eps_1: norm["eps_1"], span: norm["span"], gamma: norm["gamma"]}
    return joined(p, (p["gap"], p["formula"])), joined(norm, (norm["gap"], numbers(bound, at)))


SIMULATION = Claim(
    id=f"{SLUG}/simulation",
    paper="kearns2002, Lemma 4",
    kind=Kind.INEQUALITY,
    statement=(
        r"V_M^\pi - V_{\hat M}^\pi = (I - \gamma P_\pi)^{-1}\big[(r - \hat r)_\pi + "
        r"\gamma ((P - \hat P) V_{\hat M}^\pi)_\pi\big], \quad \|V_M^\pi - V_{\hat M}^\pi\| \le "
        r"\frac{\varepsilon_r + \gamma \varepsilon_1\,\mathrm{sp}(V_{\hat M}^\pi)/2}{1-\gamma}"
    ),
    judge=AllOf((IdentityJudge(), InequalityJudge())),
    studies=(f"{SLUG}/identities",),
    measure=_simulation,
    control=Control(
        "quarter-span",
        "sp/4 in place of sp/2",
        lambda e: _simulation(e, (eps_r + gamma * eps_1 * span / 4) / (1 - gamma)),
    ),
    provenance=derived("simulation"),
    bound=_SIMULATION,
    assumptions=(DISCOUNTED,),
)

_VARIANCE = ("identities", "variance")

TOTAL_VARIANCE = Claim(
    id=f"{SLUG}/total-variance",
    paper="sobel1982; azar2013, Lemma 7",
    kind=Kind.IDENTITY,
    statement=(
        r"\text{deterministic rewards and policy: } \mathrm{Var}\Big(\sum_t \gamma^t r_t\Big) = "
        r"\mathbb{E} \sum_t \gamma^{2t}\, \gamma^2\, \mathrm{Var}_{P(s_t,a_t)}(V^\pi); \quad "
        r"\text{over } H \text{ steps } \mathrm{Var}\Big(\sum_h r_h\Big) = \mathrm{Var}_{\rho}(V_0^\pi) + "
        r"\mathbb{E} \sum_h \mathrm{Var}_{P(s_h,a_h)}(V_{h+1}^\pi)"
    ),
    judge=IdentityJudge(),
    studies=(f"{SLUG}/identities",),
    measure=measured(*_VARIANCE, lambda p: ((p["variance"], p["sum"]),)),
    control=Control(
        "one-step-factor",
        "the factor gamma^2 of the one-step variance dropped (finite horizon: 1/2 in its place)",
        measured(*_VARIANCE, lambda p: ((p["variance"], p["sum_wrong"]),)),
    ),
    provenance=derived("total-variance"),
    assumptions=(DISCOUNTED,),
)

CLAIMS = (PI, PI_ITERATIONS, MPI, LP, FLOW, PDL, SIMULATION, TOTAL_VARIANCE)
