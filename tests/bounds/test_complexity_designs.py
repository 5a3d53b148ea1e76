"""Optimal designs as certified numbers: closed forms, invariance, random designs that never beat the certificate."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounds import complexity
from tabular.errors import NotConverged, ParameterError
from tabular.learning.bandit import design_variances

SEEDS = st.integers(0, 2**16).map(np.random.default_rng)


def test_closed_forms():
    basis = complexity.least_worst_variance(np.eye(4), tau=1e-6)
    assert basis.lower == 4.0
    assert basis.upper == pytest.approx(4.0)
    np.testing.assert_allclose(basis.witness.weights, 0.25)
    angles = 2 * np.pi * np.arange(7) / 7
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert complexity.least_worst_variance(circle, tau=1e-6).upper == pytest.approx(2.0, rel=1e-5)
    assert complexity.log_det_information(circle, tau=1e-6).value == pytest.approx(np.log(0.25), abs=1e-5)
    assert complexity.log_det_information([[3.0]]).value == pytest.approx(np.log(9.0))


@settings(max_examples=25)
@given(SEEDS)
def test_no_design_beats_the_certificates(rng):
    d = int(rng.integers(1, 5))
    x = rng.normal(size=(int(rng.integers(d + 1, 15)), d))
    best, value = complexity.least_worst_variance(x), complexity.log_det_information(x)
    assert best.lower == d <= best.upper <= 1.01 * d * (1 + 1e-12)
    assert value.lower <= value.upper <= value.lower + 0.01 * d + 1e-9
    for alpha in (0.3, 3.0):
        p = rng.dirichlet(np.full(len(x), alpha)) * 0.99 + 0.01 / len(x)
        variance = design_variances(x, p)
        assert p @ variance == pytest.approx(d)
        assert variance.max() >= d - 1e-9
        own = np.linalg.slogdet((x * p[:, None]).T @ x)[1]
        assert own <= value.upper
        assert value.lower - own <= d * np.log(variance.max() / d) + 1e-9 <= variance.max() - d + 2e-9


@settings(max_examples=20)
@given(SEEDS)
def test_invertible_maps_change_nothing_but_the_log_determinant_by_that_of_the_map(rng):
    x = rng.normal(size=(9, 3))
    T = rng.normal(size=(3, 3)) + 3.0 * np.eye(3)
    here, there = (complexity.least_worst_variance(one, tau=1e-6) for one in (x, x @ T))
    assert there.upper == pytest.approx(here.upper, rel=1e-6)
    shift = 2.0 * np.linalg.slogdet(T)[1]
    mapped, own = complexity.log_det_information(x @ T, tau=1e-6), complexity.log_det_information(x, tau=1e-6)
    assert mapped.lower - shift <= own.upper + 1e-9
    assert own.lower <= mapped.upper - shift + 1e-9


def test_coarse_designs_bound_what_fine_ones_attain():
    rng = np.random.default_rng(0)
    for _ in range(20):
        x = rng.normal(size=(12, 3)) * np.exp(rng.normal(size=(12, 1)))
        coarse, fine = (complexity.log_det_information(x, tau=tau) for tau in (2.0, 1e-6))
        assert fine.lower <= coarse.upper
        g = design_variances(x, coarse.witness.weights).max()
        assert coarse.width == pytest.approx(3.0 * np.log(g / 3.0), rel=1e-6, abs=1e-9)


def test_actions_that_do_not_span():
    flat = np.array([[1.0, 1.0, 0.0], [1.0, -1.0, 0.0], [0.5, 0.0, 0.0]])
    with pytest.raises(ParameterError, match="span 2 of 3"):
        complexity.least_worst_variance(flat)
    with pytest.raises(ParameterError, match="span 2 of 3"):
        complexity.log_det_information(flat)
    found = complexity.least_worst_variance(flat, in_span=True)
    assert found.lower == 2.0
    assert found.upper <= 2.02
    assert complexity.least_worst_variance(np.zeros((2, 3)), in_span=True).upper == 0.0


def test_a_budget_that_is_too_small_is_reported():
    x = np.random.default_rng(0).normal(size=(60, 6))
    with pytest.raises(NotConverged):
        complexity.least_worst_variance(x, tau=1e-6, max_iterations=2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: complexity.least_worst_variance([1.0, 2.0]), "actions"),
        (lambda: complexity.least_worst_variance([[1.0]], tau=0.0), "tau"),
        (lambda: complexity.least_worst_variance([[1.0]], tau=0.0, in_span=True), "tau"),
        (lambda: complexity.log_det_information([[np.nan]]), "actions"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ParameterError, match=message):
        call()
