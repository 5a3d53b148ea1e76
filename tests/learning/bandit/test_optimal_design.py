"""G-optimal designs: their certificate, their support, and what least squares on them predicts."""

import time

import naive_linear_bandits as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from tabular.errors import NotConverged, ParameterError
from tabular.learning.bandit import design_variances, g_optimal_design, prediction_map
from tabular.learning.bandit.optimal_design import _design_steps, design_in_span, reduced_support, span_coordinates
from tabular.testing import linear_bandits

SPANNING = linear_bandits(max_arms=10, max_features=4, spanning=True)


@given(SPANNING, st.sampled_from((0.1, 0.01, 1e-6)))
@settings(max_examples=60)
def test_certificate_is_what_the_definition_gives(bandit, tau):
    design = g_optimal_design(bandit.actions, tau=tau)
    variances = naive.variances(bandit.actions, design.weights)
    assert design.weights.min() >= 0.0
    assert design.weights.sum() == pytest.approx(1.0)
    assert design.g == pytest.approx(variances.max(), rel=1e-7)
    assert bandit.d * (1 - 1e-9) <= design.g <= (1 + tau) * bandit.d * (1 + 1e-9)
    assert design.weights @ variances == pytest.approx(bandit.d)
    assert design.gap == pytest.approx(design.g - bandit.d)
    assert design.support.tolist() == np.flatnonzero(design.weights).tolist()
    assert design.support.size <= bandit.d * (bandit.d + 1) // 2


def test_known_designs():
    angles = np.pi * np.arange(3) / 3
    lines = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert g_optimal_design(lines, tau=1e-9).g == pytest.approx(2.0)
    assert g_optimal_design([[0.5]]).weights.tolist() == [1.0]
    # the line segment {(1, t)}: half at each end
    points = np.stack([np.ones(21), np.linspace(-1, 1, 21)], axis=1)
    design = g_optimal_design(points, tau=1e-8)
    assert design.weights[[0, -1]] == pytest.approx([0.5, 0.5], abs=1e-6)
    # quadratic regression: 1/3 at -1, 0, 1
    t = np.linspace(-1, 1, 21)
    design = g_optimal_design(np.stack([np.ones(21), t, t**2], axis=1), tau=1e-8)
    assert design.weights[[0, 10, 20]] == pytest.approx([1 / 3] * 3, abs=1e-6)


@given(SPANNING)
@settings(max_examples=30)
def test_log_det_gap_bounds_what_a_better_design_gains(bandit):
    rough, fine = (g_optimal_design(bandit.actions, tau=tau) for tau in (0.3, 1e-7))

    def log_det(design):
        return np.linalg.slogdet((bandit.actions * design.weights[:, None]).T @ bandit.actions)[1]

    assert log_det(fine) - log_det(rough) <= rough.log_det_gap + 1e-9
    assert log_det(fine) >= log_det(rough) - fine.log_det_gap - 1e-9


def best_step(x, weights):
    """Weights after one step of Fedorov and Wynn with away steps, the best along its line, and which kind it was."""
    d = x.shape[1]
    variances = naive.variances(x, weights)
    used = np.flatnonzero(weights)
    up, down = int(variances.argmax()), int(used[variances[used].argmin()])
    toward = variances[up] - d >= d - variances[down]
    arm, reach = (up, (0.0, 1.0)) if toward else (down, (-weights[down] / (1.0 - weights[down]), 0.0))

    def moved(share):
        return (1.0 - share) * weights + share * (np.arange(weights.size) == arm)

    found = optimize.minimize_scalar(
        lambda share: -np.linalg.slogdet((x * moved(share)[:, None]).T @ x)[1],
        bounds=reach,
        method="bounded",
        options={"xatol": 1e-12},
    )
    emptied = not toward and found.x < reach[0] + 1e-6
    return moved(reach[0] if emptied else found.x), "toward" if toward else "emptied" if emptied else "away"


def test_every_step_is_the_best_along_its_line():
    kinds = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        x, weights = rng.normal(size=(7, 3)), rng.dirichlet(np.full(7, 0.7))
        several, fresh, inverse, variances = weights.copy(), weights.copy(), np.empty((3, 3)), np.empty(7)
        for _ in range(9):
            expected, kind = best_step(x, weights)
            assert _design_steps(x, weights, 0.0, 0, 64, inverse, variances) == 1
            assert weights == pytest.approx(expected, abs=1e-6)
            assert weights.min() >= 0.0
            kinds.append(kind)
        assert np.allclose(variances, naive.variances(x, weights), rtol=1e-9)
        # the same nine at once, on an inverse computed anew before each, and on one that is only updated
        assert _design_steps(x, fresh, 0.0, 8, 1, inverse, variances) == 9
        assert np.array_equal(fresh, weights)
        assert _design_steps(x, several, 0.0, 8, 64, inverse, variances) == 9
        assert np.allclose(several, weights, rtol=0, atol=1e-10)
        assert np.allclose(variances, naive.variances(x, several), rtol=1e-9)
    assert set(kinds) == {"toward", "away", "emptied"}


def test_of_equal_variances_the_first_arm_gains():
    weights = np.array([0.3, 0.2, 0.3, 0.2])
    assert _design_steps(np.eye(4), weights, 0.0, 0, 64, np.empty((4, 4)), np.empty(4)) == 1
    assert weights[1] == pytest.approx(0.25)
    assert weights[3] < 0.2


def test_a_heavy_arm_gives_up_a_part():
    """Arm 0 has the variance 1.9 of d = 3 and weight 0.4; without it the design would be too poor."""
    around = [[c, np.cos(angle), np.sin(angle)] for c in (-0.459, 0.459) for angle in np.pi / 2 * np.arange(4)]
    x, weights = np.array([[1.0, 0.0, 0.0], *around]), np.array([0.4, *[0.075] * 8])
    expected, kind = best_step(x, weights)
    assert kind == "away"
    assert _design_steps(x, weights, 0.0, 0, 64, np.empty((3, 3)), np.empty(9)) == 1
    assert weights == pytest.approx(expected, abs=1e-6)


def test_design_does_not_depend_on_the_basis():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(30, 4))
    mixed = x @ (rng.normal(size=(4, 4)) * 10.0 ** np.array([-4, 0, 2, 4]))
    assert g_optimal_design(mixed, tau=1e-6).g == pytest.approx(g_optimal_design(x, tau=1e-6).g, rel=1e-5)


def test_support_reduction_keeps_the_information():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    weights = rng.dirichlet(np.ones(200))
    small = reduced_support(x, weights)
    assert np.count_nonzero(small) <= 6
    before, after = ((x * w[:, None]).T @ x for w in (weights, small))
    assert small.sum() == pytest.approx(1.0)
    assert np.linalg.eigvalsh(after - before).min() >= -1e-9


@given(linear_bandits(max_arms=8, max_features=4))
@settings(max_examples=60)
def test_designs_in_the_span_of_few_arms(bandit):
    design, coordinates = design_in_span(np.asarray(bandit.actions), 0.01, 10_000)
    assert design.d == np.linalg.matrix_rank(bandit.actions) == coordinates.shape[1]
    gram = coordinates.T @ coordinates / bandit.A
    assert np.allclose(gram, np.eye(design.d), atol=1e-9)
    if design.d:
        assert design.g == pytest.approx(naive.variances(bandit.actions, design.weights).max(), rel=1e-6)


@given(linear_bandits(max_arms=8, max_features=4))
@settings(max_examples=60)
def test_predictions_of_linear_rewards_are_exact(bandit):
    uniform = np.full(bandit.A, 1.0 / bandit.A)
    fit = prediction_map(bandit.actions, uniform)
    linear = bandit.actions @ bandit.theta
    assert np.allclose(fit @ linear, linear, atol=1e-9)
    assert np.allclose(design_variances(bandit.actions, uniform), naive.variances(bandit.actions, uniform), atol=1e-7)
    # B is weighted least squares: residuals are orthogonal to the features
    rewards = bandit.means
    assert np.allclose(bandit.actions.T @ (uniform * (fit @ rewards - rewards)), 0.0, atol=1e-9)


@pytest.mark.compiled
def test_ten_thousand_arms_in_twenty_dimensions_take_less_than_five_seconds():
    x = np.random.default_rng(0).normal(size=(10_000, 20))
    g_optimal_design(x[:50])
    start = time.perf_counter()
    design = g_optimal_design(x, tau=0.01)
    assert time.perf_counter() - start < 5.0
    assert design.g <= 20.2 * (1 + 1e-9)


def test_bad_input_is_refused():
    for actions, match in (
        ([[1.0, 0.0], [2.0, 0.0]], "actions span 1 of 2 dimensions"),
        ([[0.0]], "actions span 0 of 1"),
        ([], "axes is needed"),
        (np.empty((0, 2)), "at least one entry"),
        ([[np.nan]], r"actions\[0, 0\] is nan"),
    ):
        with pytest.raises(ParameterError, match=match):
            g_optimal_design(actions)
    with pytest.raises(ParameterError, match="tau"):
        g_optimal_design([[1.0]], tau=0.0)
    with pytest.raises(ParameterError, match="max_iterations"):
        g_optimal_design([[1.0]], max_iterations=0)
    with pytest.raises(ParameterError, match="span 1 of the 2"):
        prediction_map(np.eye(2), [1.0, 0.0])
    with pytest.raises(ParameterError, match="weights"):
        design_variances(np.eye(2), [0.5, 0.6])


def test_an_unfinished_design_is_handed_over():
    x = np.random.default_rng(1).normal(size=(100, 5))
    with pytest.raises(NotConverged, match="after 2 steps") as caught:
        g_optimal_design(x, tau=1e-9, max_iterations=2)
    assert caught.value.partial.g > 5.0
    assert caught.value.partial.weights.sum() == pytest.approx(1.0)


def test_span_of_zero_rows():
    assert span_coordinates(np.zeros((3, 2))).shape == (3, 0)
