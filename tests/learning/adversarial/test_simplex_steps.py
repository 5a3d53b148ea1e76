"""The two steps on the simplex: definition, certificate, invariants, extremes, refusals."""

import math

import cvxpy as cp
import naive_adversarial as naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabular.errors import ParameterError
from tabular.learning.adversarial import _steps, hedge_step, log_barrier_step
from tabular.learning.adversarial._steps import _log_barrier, _log_barrier_certificate

losses = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=12).map(np.array)
rates = st.floats(-6.0, 6.0).map(lambda x: 10.0**x)


@given(losses, rates)
def test_log_barrier_agrees_with_bisection_in_long_doubles(G, eta):
    step = log_barrier_step(G, eta)
    assert np.allclose(step.p, naive.log_barrier(G, eta), rtol=1e-10, atol=0.0)
    assert step.iterations < 30


@given(losses, rates)
def test_log_barrier_step_is_certified(G, eta):
    step, shifted = log_barrier_step(G, eta), G - G.min()
    primal = float(step.p @ shifted - np.log(step.p).sum() / eta)
    dual = -step.multiplier + float((1.0 + np.log(eta * (shifted + step.multiplier))).sum()) / eta
    scale = 1.0 + abs(primal) + abs(dual) + G.size * (1.0 + abs(math.log(eta))) / eta
    assert 0.0 <= step.gap <= 1e-12 * (1.0 + abs(primal))
    assert abs((primal - dual) - step.gap) <= 1e-12 * scale
    assert step.residual <= 1e-12


@given(losses, rates, st.integers(0, 2**31))
def test_log_barrier_step_has_its_invariants(G, eta, seed):
    p, shifted = log_barrier_step(G, eta).p, G - G.min()
    assert math.isclose(p.sum(), 1.0, rel_tol=1e-14)
    assert np.all(p * (eta * shifted + G.size) >= 1.0 - 1e-12)
    order = np.argsort(G, kind="stable")
    assert np.all(np.diff(p[order]) <= 1e-15)
    shuffle = np.random.default_rng(seed).permutation(G.size)
    assert np.allclose(log_barrier_step(G[shuffle], eta).p, p[shuffle], rtol=1e-12, atol=0.0)
    assert np.allclose(log_barrier_step(np.round(G) + 1024.0, eta).p, log_barrier_step(np.round(G), eta).p, rtol=1e-12)


@pytest.mark.parametrize("seed", range(50))
def test_log_barrier_agrees_with_a_conic_solver(seed):
    rng = np.random.default_rng(seed)
    A, eta = int(rng.integers(2, 9)), 10.0 ** rng.uniform(-1.0, 1.0)
    G = rng.standard_normal(A) * 10.0 ** rng.uniform(-1.0, 1.0)
    p = cp.Variable(A)
    problem = cp.Problem(cp.Minimize(p @ (eta * G) - cp.sum(cp.log(p))), [cp.sum(p) == 1.0])
    problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11)
    assert np.allclose(log_barrier_step(G, eta).p, p.value, atol=1e-6)


def test_control_one_newton_step_has_a_gap():
    G, p = np.array([0.0, 1.0, 5.0, 30.0]), np.empty(4)
    nu, _ = _log_barrier(G, 1.0, 1, p)
    assert _log_barrier_certificate(G, 1.0, nu, p)[0] > 1e-6


@pytest.mark.parametrize("scale", [1e12, 1e100, 1e280])
@pytest.mark.parametrize("eta", [1e-9, 1.0, 1e9])
def test_steps_survive_huge_losses(scale, eta):
    G = scale * np.array([1.0, -0.5, 0.25, -0.5])
    step = log_barrier_step(G, eta)
    assert np.all(step.p > 0.0)
    assert step.p[1] == step.p[3]
    assert math.isfinite(step.gap)
    assert step.residual < 1e-12
    h = hedge_step(G, eta)
    assert math.isclose(h.sum(), 1.0, rel_tol=1e-15)
    assert h[1] == h[3] >= h[0]


@pytest.mark.compiled
def test_a_spread_that_overflows_with_eta_is_refused():
    with pytest.raises(ParameterError, match="below 1e300"):
        log_barrier_step([0.0, 1e300], 1e9)
    assert hedge_step([0.0, 1e300], 1e9).tolist() == [1.0, 0.0]


def test_bisection_takes_over_where_newton_is_cut_short(monkeypatch):
    G, p, q = np.array([0.0, 3.0, 1e6]), np.empty(3), np.empty(3)
    _log_barrier(G, 0.5, 60, p)
    monkeypatch.setattr(_steps, "_NEWTON", 0)
    getattr(_log_barrier, "py_func", _log_barrier)(G, 0.5, 0, q)
    assert np.allclose(p, q, rtol=1e-12, atol=0.0)


@given(losses, rates)
def test_hedge_is_the_softmax(G, eta):
    p = hedge_step(G, eta)
    assert np.allclose(p, naive.hedge(G, eta), rtol=1e-12, atol=0.0)
    assert math.isclose(p.sum(), 1.0, rel_tol=1e-14)


@pytest.mark.parametrize("step", [log_barrier_step, hedge_step])
@pytest.mark.parametrize(
    ("G", "eta", "words"),
    [
        ([0.0, math.nan], 1.0, r"losses\[1\] is nan"),
        ([math.inf, 0.0], 1.0, r"losses\[0\] is inf"),
        ([], 1.0, "losses has shape"),
        ([[0.0, 1.0]], 1.0, "losses has shape"),
        (["a"], 1.0, "dtype"),
        ([-1.7e308, 1.7e308], 1.0, "spread"),
        ([0.0, 1.0], 0.0, "eta is 0.0"),
        ([0.0, 1.0], -1.0, "eta is -1.0"),
        ([0.0, 1.0], math.nan, "eta is nan"),
        ([0.0, 1.0], "fast", "eta is 'fast'"),
    ],
)
def test_bad_input_is_named(step, G, eta, words):
    with pytest.raises(ParameterError, match=words):
        step(G, eta)


def test_inputs_are_not_touched():
    G = np.array([3.0, 1.0, 2.0])
    log_barrier_step(G, 1.0)
    hedge_step(G, 1.0)
    assert G.tolist() == [3.0, 1.0, 2.0]
    assert G.flags.writeable


@given(
    st.lists(st.floats(-12.0, 0.0), min_size=2, max_size=8),
    st.lists(st.floats(-1e3, 1e3), min_size=8, max_size=8),
    rates,
)
def test_stability_of_the_log_barrier_is_bounded_for_any_losses(exponents, c, eta):
    p = 10.0 ** np.array(exponents)
    p /= p.sum()
    c = np.array(c[: p.size]) / np.maximum(eta * p, 1e-6)
    x = log_barrier_step(c + 1.0 / (eta * p), eta).p
    terms = np.concatenate(((p - x) * c, -(x / p - 1.0 - np.log(x / p)) / eta))
    assert math.fsum(terms) <= eta * float(p @ c**2) + 1e-9 * (1.0 + np.abs(terms).sum() + np.abs(p * c).sum())


def test_two_step_instance_breaks_hedge_and_not_the_log_barrier():
    first, second = np.array([20.0, 0.0]), np.array([-1000.0, 0.0])
    regret, bound = {}, {}
    for name, step in (("hedge", hedge_step), ("barrier", lambda G, eta: log_barrier_step(G, eta).p)):
        plays = [step(np.zeros(2), 1.0), step(first, 1.0)]
        y = np.array([1.0, 0.0]) if name == "hedge" else np.array([0.999, 0.001])
        regret[name] = sum(float((p - y) @ c) for p, c in zip(plays, (first, second), strict=True))
        penalty = math.log(2.0) if name == "hedge" else float(-np.log(y).sum() - 2.0 * math.log(2.0))
        bound[name] = penalty + sum(float(p @ c**2) for p, c in zip(plays, (first, second), strict=True))
    assert math.isclose(regret["hedge"], 990.0 - 1000.0 / (1.0 + math.exp(20.0)), rel_tol=1e-12)
    assert math.isclose(bound["hedge"], 200.6952, rel_tol=1e-5)
    assert regret["barrier"] <= bound["barrier"]
