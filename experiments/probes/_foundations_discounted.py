"""Probes of the discounted claims: one model, one or two value vectors."""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from bounds.claims import Record
from experiments.falsify.probe import Probe
from experiments.falsify.simplexes import Simplex
from experiments.falsify.spaces import Box, Instance, Space, Whole
from experiments.papers import _foundations_discounted as study
from experiments.papers._foundations_exact import run_exact
from experiments.papers._foundations_identities import _discounted_difference, _discounted_variance, _episodic
from experiments.papers._table import Table
from tabular import planning, streams
from tabular.models import DiscountedMDP

from ._rational import Model, joined, laws, norm, rational, span, table

__all__ = ["PROBES"]

SLUG = "tabular-foundations"
Array = npt.NDArray[Any]

SIZES = {"S": (1, 5), "A": (1, 3)}
MODEL: Mapping[str, Space] = {
    "P": Simplex(("S", "A"), "S"),
    "r": Box(("S", "A")),
    "gamma": Box((), 0.0, 0.99, "gap"),
}
VALUES = Box(("S",), -8.0, 8.0)
START = Simplex((), "S")
SEED = Whole((), 0, 2**20)


def _mdp(x: Instance) -> DiscountedMDP:
    start = x.values["mu0"] if "mu0" in x.values else np.full(x["S"], 1.0 / x["S"])
    return DiscountedMDP(x["P"], x["r"], x["gamma"], start)


def _record(name: str, x: Instance, arrays: Mapping[str, Array]) -> Record:
    return Record(f"{SLUG}/{name}", {"family": "given", "gamma": x["gamma"]}, arrays)


def _exact_record(name: str, model: Model, arrays: Mapping[str, Array]) -> Record:
    return Record(f"{SLUG}/{name}", {"family": "given", "gamma": model.gamma}, arrays)


def _tables(*tables: Table) -> dict[str, Array]:
    return {key: value for one in tables for key, value in one.arrays().items()}


# ---------------------------------------------------------------- contraction


def contraction(x: Instance) -> tuple[Record, ...]:
    """Distances and spans of two vectors and of their images."""
    mdp, u, v = _mdp(x), x["u"], x["v"]
    image = study._bellman(mdp, u)[0] - study._bellman(mdp, v)[0]
    distances, spans = Table("contraction", "distance", "image"), Table("spans", "span", "span_image", "delta")
    distances.add("instance", distance=study._norm(u - v), image=study._norm(image))
    spans.add("instance", span=study._span(u - v), span_image=study._span(image), delta=study._dobrushin(mdp))
    return (_record("operators", x, _tables(distances, spans)),)


def contraction_exact(x: Instance) -> tuple[Record, ...]:
    """Return the same over the rationals."""
    model, u, v = Model(x["P"], x["r"], x["gamma"]), rational(x["u"]), rational(x["v"])
    image = model.bellman(u)[0] - model.bellman(v)[0]
    return (
        _exact_record("operators", model, {
            **table("contraction", "instance", distance=norm(u - v), image=norm(image)),
            **table("spans", "instance", span=span(u - v), span_image=span(image), delta=model.overlap()),
        }),
    )  # fmt: skip


# ---------------------------------------------------------------- value iteration


def _swept(x: Instance) -> tuple[DiscountedMDP, Array, Table, Table]:
    """Make eleven sweeps of value iteration from the vector of the instance, through the study's own function."""
    mdp = _mdp(x)
    stop = Table("stop", "change", "change_span", "policy_error", "previous_policy_error", "value_error")
    macqueen = Table("macqueen", "Tv", "d_min", "d_max", "V_policy", "V_star")
    V_star = planning.policy_iteration(mdp).V
    study._iterate(mdp, V_star, np.array(x["v"]), "instance", stop, macqueen)
    return mdp, V_star, stop, macqueen


def stops(x: Instance) -> tuple[Record, ...]:
    """Return changes and errors along eleven sweeps."""
    _, _, stop, _ = _swept(x)
    return (_record("operators", x, _tables(stop)),)


def certificates(x: Instance) -> tuple[Record, ...]:
    """Return the enclosures of the sweeps, and that of the planner."""
    mdp, V_star, _, macqueen = _swept(x)
    plans = Table("certificates", "lower", "V_star", "upper")
    plan = planning.value_iteration(mdp, tol=0.01 / (1 - mdp.gamma), update="standard")
    plans.add("instance", lower=plan.lower, V_star=V_star, upper=plan.upper)
    return (_record("operators", x, _tables(macqueen, plans)),)


def sweeps_exact(x: Instance) -> tuple[Record, ...]:
    """Return the same eleven sweeps over the rationals."""
    model, v = Model(x["P"], x["r"], x["gamma"]), rational(x["v"])
    V_star = model.optimal()
    found = []
    for sweep in range(11):
        Tv, greedy = model.bellman(v)
        if sweep in (0, 1, 3, 10):
            d, where = Tv - v, f"sweep {sweep}"
            V_greedy = model.evaluate(greedy)
            found.append(
                table(
                    "stop", where,
                    change=norm(d), change_span=span(d),
                    policy_error=norm(model.evaluate(model.bellman(Tv)[1]) - V_star),
                    previous_policy_error=norm(V_greedy - V_star),
                    value_error=norm(Tv - V_star),
                )
            )  # fmt: skip
            if sweep in (0, 3):
                found.append(
                    table("macqueen", where, Tv=Tv, d_min=min(d), d_max=max(d), V_policy=V_greedy, V_star=V_star)
                )
        v = Tv
    found.append(table("certificates", "none", lower=V_star, V_star=V_star, upper=V_star))
    return (_exact_record("operators", model, joined(*found)),)


def enclosures(x: Instance) -> tuple[Record, ...]:
    """Interval iteration, proposals and the planners' certificates."""
    mdp = _mdp(x)
    interval = Table("interval", "L", "L_next", "V_star", "U_next", "U")
    plans, certificates = (Table(name, "lower", "V_star", "upper") for name in ("plans", "certificates"))
    proposal = Table("proposal", "accepted", "V_star", "U")
    V_star = planning.policy_iteration(mdp).V
    study._enclosures(mdp, V_star, "instance", (interval, plans, certificates, proposal))
    return (_record("operators", x, _tables(interval, plans, certificates, proposal)),)


# ---------------------------------------------------------------- policy iteration and programs


@functools.cache
def _enumeration() -> Record:
    """Return the part of the claims that is enumerated in rational arithmetic: it does not depend on the instance."""
    return Record(f"{SLUG}/exact", {}, run_exact({"S": 2, "A": 2, "count": 1}, streams.stream(0, "falsify")))


def _everywhere(x: Instance) -> Array:
    """Return a start that reaches every state, as the programs ask for."""
    start: Array = 0.9 * x["mu0"] + 0.1 / x["S"]
    return start


def howard(x: Instance) -> tuple[Record, ...]:
    """Follow Howard's iteration from the worst policy, through the study's own function."""
    mdp, rng = _mdp(x), streams.stream(x["seed"], "falsify")
    step, rate = Table("step", "V", "TV", "V_next", "V_next_hasty"), Table("rate", "iteration", "error", "first_error")
    count, optimum = Table("count", "iterations", "S", "A"), Table("optimum", "V_last", "TV_last", "V_planner")
    study._howard(mdp, planning.policy_iteration(mdp).V, "instance", rng, (step, rate, count, optimum))
    return _record("policy-iteration", x, _tables(step, rate, count, optimum)), _enumeration()


def modified(x: Instance) -> tuple[Record, ...]:
    """Follow modified policy iteration beside value iteration, through the study's own function."""
    mdp, rng = _mdp(x), streams.stream(x["seed"], "falsify")
    mpi = Table("mpi", "sound_start", "unsound_start", "V_vi", "V", "V_next", "V_star")
    planned = Table("planned", "lower", "V_star", "upper")
    V_star = planning.policy_iteration(mdp).V
    study._modified(mdp, V_star, "instance", rng, mpi)
    plan = planning.modified_policy_iteration(mdp, tol=1e-6)
    planned.add("instance", lower=plan.lower, V_star=V_star, upper=plan.upper)
    return (_record("policy-iteration", x, _tables(mpi, planned)),)


def howard_exact(x: Instance) -> tuple[Record, ...]:
    """Howard's iteration from the worst policy over the rationals."""
    model = Model(x["P"], x["r"], x["gamma"])
    policy = np.array(study._worst_policy(_mdp(x)))
    V_star = model.optimal()
    hasty = rational(streams.stream(x["seed"], "falsify").random(model.S)) / (1 - model.gamma)
    values, found = [model.evaluate(policy)], []
    while True:
        V = values[-1]
        Q = model.r + model.gamma * (model.P @ V)
        TV = Q.max(axis=1)
        if not (TV > V).any():
            break
        better = np.where(TV > V, np.argmax(TV[:, None] == Q, axis=1), policy)
        V_next, V_hasty = model.evaluate(better), model.evaluate(model.bellman(hasty)[1])
        found.append(table("step", f"iteration {len(values) - 1}", V=V, TV=TV, V_next=V_next, V_next_hasty=V_hasty))
        policy = better
        values.append(V_next)
    errors = [norm(V_star - V) for V in values]
    found += [
        table("rate", f"iteration {k}", iteration=k, error=error, first_error=errors[0])
        for k, error in enumerate(errors)
    ]
    if len(values) == 1:
        found.append(table("step", "none", V=V, TV=V, V_next=V, V_next_hasty=V))
    found.append(table("count", "instance", iterations=len(errors) - 1, S=model.S, A=model.A))
    found.append(table("optimum", "instance", V_last=V, TV_last=TV, V_planner=V_star))
    return _exact_record("policy-iteration", model, joined(*found)), _enumeration()


def programs(x: Instance) -> tuple[Record, ...]:
    """Both linear programs, an occupancy and its flow."""
    mdp = DiscountedMDP(x["P"], x["r"], x["gamma"], _everywhere(x))
    cell = {"family": "given", "gamma": x["gamma"], "model": mdp}
    arrays = study.run_linear_programs(cell, streams.stream(x["seed"], "falsify"))
    return _record("linear-programs", x, arrays), _enumeration()


# ---------------------------------------------------------------- identities


def differences(x: Instance) -> tuple[Record, ...]:
    """Return the performance differences of two random policies."""
    rng = streams.stream(x["seed"], "falsify")
    found = Table("difference", "gap", "advantage", "advantage_wrong")
    variance = Table("variance", "variance", "sum", "sum_wrong")
    _discounted_difference(_mdp(x), "instance", rng, found)
    _episodic(_mdp(x), "instance", rng, found, variance)
    return (_record("identities", x, _tables(found)),)


def variances(x: Instance) -> tuple[Record, ...]:
    """Variance of the return by its second moment and by the sum of one-step variances."""
    rng = streams.stream(x["seed"], "falsify")
    found = Table("variance", "variance", "sum", "sum_wrong")
    gap = Table("difference", "gap", "advantage", "advantage_wrong")
    _discounted_variance(_mdp(x), "instance", rng, found)
    _episodic(_mdp(x), "instance", rng, gap, found)
    return (_record("identities", x, _tables(found)),)


def _error_sizes(
    found: Any, P: Array, r: Array, P_hat: Array, r_hat: Array, V: Array, V_hat: Array, formula: Array
) -> Any:
    """Return the two tables of the simulation lemma, by whichever way tables are made."""
    return (
        found("simulation", "instance", gap=V - V_hat, formula=formula),
        found(
            "norm", "instance",
            gap=abs(V - V_hat).max(), eps_r=abs(r - r_hat).max(), eps_1=abs(P - P_hat).sum(axis=-1).max(),
            span=V_hat.max() - V_hat.min(),
        ),
    )  # fmt: skip


def _float_table(name: str, where: str, **columns: Any) -> dict[str, Array]:
    made = Table(name, *columns)
    made.add(where, **columns)
    return made.arrays()


def simulation(x: Instance) -> tuple[Record, ...]:
    """Values of the policy that always plays the first action, in two models."""
    truth, model = _mdp(x), DiscountedMDP(x["P_hat"], x["r_hat"], x["gamma"])
    policy = np.zeros(truth.S, dtype=np.int64)
    P, r, P_hat, r_hat = truth.dense_P()[:, 0], truth.r[:, 0], model.dense_P()[:, 0], model.r[:, 0]
    V, V_hat = planning.evaluate(truth, policy).V, planning.evaluate(model, policy).V
    formula = np.linalg.solve(np.eye(truth.S) - truth.gamma * P, r - r_hat + truth.gamma * (P - P_hat) @ V_hat)
    identity, size = _error_sizes(_float_table, P, r, P_hat, r_hat, V, V_hat, formula)
    return (_record("identities", x, {**identity, **size}),)


def simulation_exact(x: Instance) -> tuple[Record, ...]:
    """Return the same over the rationals."""
    truth, model = Model(x["P"], x["r"], x["gamma"]), Model(x["P_hat"], x["r_hat"], x["gamma"])
    policy = np.zeros(truth.S, dtype=np.int64)
    P, r, P_hat, r_hat = truth.P[:, 0], truth.r[:, 0], model.P[:, 0], model.r[:, 0]
    V, V_hat = truth.evaluate(policy), model.evaluate(policy)
    formula = truth.solve(P, r - r_hat + truth.gamma * ((P - P_hat) @ V_hat))
    identity, size = _error_sizes(table, P, r, P_hat, r_hat, V, V_hat, formula)
    return (_exact_record("identities", truth, {**identity, **size}),)


def flow_exact(x: Instance) -> tuple[Record, ...]:
    """Occupancy of the policy that the study draws, by its flow equations over the rationals."""
    model, rho = Model(x["P"], x["r"], x["gamma"]), laws(_everywhere(x))
    policy = laws(streams.stream(x["seed"], "falsify").dirichlet(np.ones(model.A), size=model.S))
    rows = (policy[:, :, None] * model.P).sum(axis=1)
    state = model.solve(rows.T, (1 - model.gamma) * rho)
    d = state[:, None] * policy
    arriving = (d[:, :, None] * model.P).sum(axis=(0, 1))
    V = model.solve(rows, (policy * model.r).sum(axis=1))
    reward = (d * model.r).sum()
    return (
        _exact_record("linear-programs", model, {
            **table(
                "flow", "instance", outflow=d.sum(axis=1), inflow=(1 - model.gamma) * rho + model.gamma * arriving,
                inflow_undiscounted=(1 - model.gamma) * rho + arriving,
            ),
            **table("mass", "instance", total=d.sum(), value=(1 - model.gamma) * (rho * V).sum(), return_of_d=reward),
        }),
    )  # fmt: skip


_WITH_SEED: Mapping[str, Space] = {**MODEL, "seed": SEED}
_WITH_START: Mapping[str, Space] = {**_WITH_SEED, "mu0": START}
_TWO_MODELS: Mapping[str, Space] = {
    **MODEL, "r": Box(("S", "A"), 0.0, 1.0), "P_hat": Simplex(("S", "A"), "S"), "r_hat": Box(("S", "A"), 0.0, 1.0),
}  # fmt: skip

PROBES = (
    Probe(f"{SLUG}/contraction", SIZES, {**MODEL, "u": VALUES, "v": VALUES}, contraction, contraction_exact),
    Probe(f"{SLUG}/vi-stop", SIZES, {**MODEL, "v": VALUES}, stops, sweeps_exact),
    Probe(f"{SLUG}/span-stop", SIZES, {**MODEL, "v": VALUES}, stops, sweeps_exact),
    Probe(f"{SLUG}/macqueen", SIZES, {**MODEL, "v": VALUES}, certificates, sweeps_exact),
    Probe(f"{SLUG}/interval-and-ovi", SIZES, MODEL, enclosures),
    Probe(f"{SLUG}/pi", SIZES, _WITH_SEED, howard, howard_exact),
    Probe(f"{SLUG}/pi-iterations", {"S": (1, 8), "A": (1, 4)}, _WITH_SEED, howard),
    Probe(f"{SLUG}/mpi", SIZES, _WITH_SEED, modified),
    Probe(f"{SLUG}/lp", SIZES, _WITH_START, programs),
    Probe(f"{SLUG}/flow", SIZES, _WITH_START, programs, flow_exact),
    Probe(f"{SLUG}/pdl", SIZES, _WITH_START, differences),
    Probe(f"{SLUG}/simulation", {"S": (1, 4), "A": (1, 1)}, _TWO_MODELS, simulation, simulation_exact),
    Probe(f"{SLUG}/total-variance", SIZES, {**_WITH_START, "gamma": Box((), 0.01, 0.99, "gap")}, variances),
)
