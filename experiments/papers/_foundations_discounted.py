"""Evidence on discounted planning: operators and stopping rules, policy iteration, linear programs."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.study import Cell
from tabular import planning
from tabular.models import DiscountedMDP

from ._foundations_models import discounted_models
from ._table import Table

__all__ = ["run_linear_programs", "run_operators", "run_policy_iteration"]

Array = npt.NDArray[np.float64]
Arrays = Mapping[str, npt.NDArray[Any]]


def _span(v: Array) -> float:
    return float(v.max() - v.min())


def _norm(v: Array) -> float:
    return float(np.abs(v).max())


def _bellman(mdp: DiscountedMDP, v: Array) -> tuple[Array, npt.NDArray[np.int64]]:
    Tv, greedy = planning.bellman_operator(mdp, v)
    return Tv, greedy


def _bounds_at_start(mdp: DiscountedMDP) -> tuple[Array, Array]:
    low, high = mdp.reward_range
    return np.full(mdp.S, low / (1 - mdp.gamma)), np.full(mdp.S, high / (1 - mdp.gamma))


def _dobrushin(mdp: DiscountedMDP) -> float:
    """Return 1 - min over pairs of rows of their common mass."""
    rows = mdp.dense_P().reshape(-1, mdp.S)
    return 1.0 - min(float(np.minimum(row, rows).sum(axis=1).min()) for row in rows)


def run_operators(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Measure the Bellman operator, its stopping rules and its enclosures on every model of a cell."""
    contraction = Table("contraction", "distance", "image")
    spans = Table("spans", "span", "span_image", "delta")
    stop = Table("stop", "change", "change_span", "policy_error", "previous_policy_error", "value_error")
    macqueen = Table("macqueen", "Tv", "d_min", "d_max", "V_policy", "V_star")
    interval = Table("interval", "L", "L_next", "V_star", "U_next", "U")
    plans = Table("plans", "lower", "V_star", "upper")
    certificates = Table("certificates", "lower", "V_star", "upper")
    proposal = Table("proposal", "accepted", "V_star", "U")
    for name, mdp in discounted_models(cell, rng):
        V_star = planning.policy_iteration(mdp).V
        low, high = _bounds_at_start(mdp)
        u = rng.uniform(low, high)
        bump = np.zeros(mdp.S)
        bump[rng.integers(mdp.S)] = 1.0
        delta = _dobrushin(mdp)
        for kind, v in (("random", rng.uniform(low, high)), ("bump", u + bump), ("shift", u + 1.0)):
            image = _bellman(mdp, u)[0] - _bellman(mdp, v)[0]
            contraction.add(f"{name}, {kind}", distance=_norm(u - v), image=_norm(image))
            if kind != "shift":
                spans.add(f"{name}, {kind}", span=_span(u - v), span_image=_span(image), delta=delta)
        for start in (low, u, V_star - 1.0):
            _iterate(mdp, V_star, start, name, stop, macqueen)
        _enclosures(mdp, V_star, name, (interval, plans, certificates, proposal))
    return {
        key: value
        for t in (contraction, spans, stop, macqueen, interval, plans, certificates, proposal)
        for key, value in t.arrays().items()
    }


def _iterate(mdp: DiscountedMDP, V_star: Array, v: Array, name: str, stop: Table, macqueen: Table) -> None:
    """Iterate from ``v``; measured after 0, 1, 3 and 10 sweeps."""
    for sweep in range(11):
        Tv, greedy = _bellman(mdp, v)
        if sweep in (0, 1, 3, 10):
            d = Tv - v
            V_greedy = planning.evaluate(mdp, greedy).V
            V_next_greedy = planning.evaluate(mdp, _bellman(mdp, Tv)[1]).V
            stop.add(
                f"{name}, sweep {sweep}",
                change=_norm(d),
                change_span=_span(d),
                policy_error=_norm(V_next_greedy - V_star),
                previous_policy_error=_norm(V_greedy - V_star),
                value_error=_norm(Tv - V_star),
            )
            if sweep in (0, 3):
                where = f"{name}, sweep {sweep}"
                macqueen.add(where, Tv=Tv, d_min=d.min(), d_max=d.max(), V_policy=V_greedy, V_star=V_star)
        v = Tv


def _enclosures(mdp: DiscountedMDP, V_star: Array, name: str, tables: tuple[Table, Table, Table, Table]) -> None:
    interval, plans, certificates, proposal = tables
    L, U = _bounds_at_start(mdp)
    for sweep in range(21):
        L_next, U_next = _bellman(mdp, L)[0], _bellman(mdp, U)[0]
        if sweep in (0, 1, 5, 20):
            interval.add(f"{name}, sweep {sweep}", L=L, L_next=L_next, V_star=V_star, U_next=U_next, U=U)
            for eps in (0.01, 0.3, 3.0):
                candidate = L_next + eps
                accepted = bool(np.all(_bellman(mdp, candidate)[0] <= candidate))
                proposal.add(
                    f"{name}, sweep {sweep}, eps={eps:g}", accepted=float(accepted), V_star=V_star, U=candidate
                )
        L, U = L_next, U_next
    for update, table in (
        ("standard", certificates),
        ("gauss-seidel", certificates),
        ("interval", plans),
        ("optimistic", plans),
    ):
        plan = planning.value_iteration(mdp, tol=0.01 / (1 - mdp.gamma), update=update)
        table.add(f"{name}, update={update}", lower=plan.lower, V_star=V_star, upper=plan.upper)


def _worst_policy(mdp: DiscountedMDP) -> npt.NDArray[np.int64]:
    """Return a policy that minimises the return: the longest way for policy iteration to go."""
    return planning.policy_iteration(DiscountedMDP(mdp.P, -mdp.r, mdp.gamma, mdp.mu0)).policy


def run_policy_iteration(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Follow Howard's policy iteration and modified policy iteration on every model of a cell."""
    step = Table("step", "V", "TV", "V_next", "V_next_hasty")
    rate = Table("rate", "iteration", "error", "first_error")
    count = Table("count", "iterations", "S", "A")
    optimum = Table("optimum", "V_last", "TV_last", "V_planner")
    mpi = Table("mpi", "sound_start", "unsound_start", "V_vi", "V", "V_next", "V_star")
    planned = Table("planned", "lower", "V_star", "upper")
    for name, mdp in discounted_models(cell, rng):
        V_star = planning.policy_iteration(mdp).V
        _howard(mdp, V_star, name, rng, (step, rate, count, optimum))
        _modified(mdp, V_star, name, rng, mpi)
        plan = planning.modified_policy_iteration(mdp, tol=1e-6)
        planned.add(name, lower=plan.lower, V_star=V_star, upper=plan.upper)
    return {key: value for t in (step, rate, count, optimum, mpi, planned) for key, value in t.arrays().items()}


def _howard(
    mdp: DiscountedMDP, V_star: Array, name: str, rng: np.random.Generator, tables: tuple[Table, Table, Table, Table]
) -> None:
    """Follow Howard's iteration from the worst policy; an action stays unless beaten by more than rounding."""
    step, rate, count, optimum = tables
    states = np.arange(mdp.S)
    policy = _worst_policy(mdp)
    allowance = 1e-13 / (1 - mdp.gamma) ** 2
    errors: list[float] = []
    while True:
        evaluation = planning.evaluate(mdp, policy)
        V, Q = evaluation.V, evaluation.Q
        errors.append(_norm(V_star - V))
        TV = _bellman(mdp, V)[0]
        improvable = Q.max(axis=1) > Q[states, policy] + allowance
        if not improvable.any():
            break
        better = np.where(improvable, Q.argmax(axis=1), policy)
        hasty = _bellman(mdp, rng.uniform(0.0, 1.0, mdp.S) / (1 - mdp.gamma))[1]
        step.add(
            f"{name}, iteration {len(errors) - 1}",
            V=V,
            TV=TV,
            V_next=planning.evaluate(mdp, better).V,
            V_next_hasty=planning.evaluate(mdp, hasty).V,
        )
        policy = better
    for iteration, error in enumerate(errors):
        rate.add(f"{name}, iteration {iteration}", iteration=iteration, error=error, first_error=errors[0])
    count.add(name, iterations=len(errors) - 1, S=mdp.S, A=mdp.A)
    optimum.add(name, V_last=V, TV_last=TV, V_planner=V_star)


def _modified(mdp: DiscountedMDP, V_star: Array, name: str, rng: np.random.Generator, table: Table) -> None:
    """Follow modified policy iteration (m = 5) beside value iteration, from a sound and from an unsound start."""
    P, r, gamma = mdp.dense_P(), mdp.r, mdp.gamma
    states = np.arange(mdp.S)
    u = rng.uniform(0.0, 1.0, mdp.S) / (1 - gamma)
    deficit = min(0.0, float((_bellman(mdp, u)[0] - u).min()))
    for sound, start in ((1.0, u + 2.0 * deficit / (1 - gamma)), (0.0, V_star + np.abs(u - V_star))):
        v_vi, v = start, start
        for k in range(8):
            policy = _bellman(mdp, v)[1]
            v_next = v
            for _ in range(5):
                v_next = r[states, policy] + gamma * P[states, policy] @ v_next
            where = f"{name}, {'' if sound else 'un'}sound start, k={k}"
            table.add(where, sound_start=sound, unsound_start=1.0 - sound, V_vi=v_vi, V=v, V_next=v_next, V_star=V_star)
            v_vi, v = _bellman(mdp, v_vi)[0], v_next


def run_linear_programs(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Solve both linear programs and one occupancy problem on every model of a cell."""
    value = Table("value", "primal", "dual", "planner", "return_of_d")
    state = Table("state", "V_primal", "V_dual", "V_star")
    pair = Table("pair", "d", "slack", "d_of_policy", "d_wrong")
    support = Table("support", "actions")
    flow = Table("flow", "outflow", "inflow", "inflow_undiscounted")
    mass = Table("mass", "total", "value", "return_of_d")
    for name, mdp in discounted_models(cell, rng):
        V_star = planning.policy_iteration(mdp).V
        primal = planning.linear_program(mdp, form="primal", rho=mdp.mu0)
        dual = planning.linear_program(mdp, form="dual", rho=mdp.mu0)
        P, r, gamma = mdp.dense_P(), mdp.r, mdp.gamma
        slack = V_star[:, None] - r - gamma * P @ V_star
        wrong = planning.occupancy(mdp, _worst_policy(mdp))
        for form, plan in (("primal", primal), ("dual", dual)):
            d = plan.d
            induced = planning.occupancy(mdp, d / d.sum(axis=1, keepdims=True))
            pair.add(f"{name}, {form}", d=d, slack=slack, d_of_policy=induced, d_wrong=wrong)
            support.add(f"{name}, {form}", actions=(d > 1e-9 * d.sum(axis=1, keepdims=True)).sum(axis=1))
        planner = (1 - gamma) * float(mdp.mu0 @ V_star)
        value.add(
            name,
            primal=(1 - gamma) * primal.value,
            dual=(1 - gamma) * dual.value,
            planner=planner,
            return_of_d=float((dual.d * r).sum()),
        )
        state.add(name, V_primal=primal.V, V_dual=dual.V, V_star=V_star)
        policy = rng.dirichlet(np.ones(mdp.A), size=mdp.S)
        d = planning.occupancy(mdp, policy)
        arriving = np.einsum("sa,sat->t", d, P)
        flow.add(
            name,
            outflow=d.sum(axis=1),
            inflow=(1 - gamma) * mdp.mu0 + gamma * arriving,
            inflow_undiscounted=(1 - gamma) * mdp.mu0 + arriving,
        )
        mass.add(
            name,
            total=d.sum(),
            value=(1 - gamma) * planning.evaluate(mdp, policy).value,
            return_of_d=float((d * r).sum()),
        )
    return {key: column for t in (value, state, pair, support, flow, mass) for key, column in t.arrays().items()}
