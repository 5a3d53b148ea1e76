"""Constrained learners against their definitions on a grid of thresholds; P2MPO against a linear program."""

import naive_r2pvi as naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from robust_data import RIDGES, one_hot, problems, reordered, tables

from tabular.learning.robust import drpvi, drvi_chi2, drvi_l, p2mpo
from tabular.planning import worst_case
from tabular.simulation import OfflineDataset

RADII = st.sampled_from((0.0, 0.05, 0.3, 1.0))
LEARNERS = {
    "tv": (drpvi, naive.tv_radius_objective),
    "kl": (drvi_l, naive.kl_radius_objective),
    "chi2": (drvi_chi2, naive.chi2_radius_objective),
}


@given(problems(), st.sampled_from(sorted(LEARNERS)), RIDGES, RADII, st.sampled_from((0.0, 0.3)))
def test_constrained_weights_are_at_least_every_threshold_and_attained(problem, divergence, ridge, radius, beta):
    model, data = problem
    learner, objective = LEARNERS[divergence]
    found = learner(data, model.phi, model.theta, radius=radius, beta=beta, ridge=ridge)
    slack = {"tv": 1e-10, "kl": 1e-7, "chi2": 1e-6}[divergence]  # chi2: the root of a difference that rounds
    grid = np.linspace(0.0, model.H, 301)[1:] if divergence == "kl" else np.linspace(0.0, model.H, 301)
    if divergence == "kl":
        grid = np.append(grid, model.H * np.logspace(-5, -1, 100))
    for h in range(model.H - 1):
        rows = np.flatnonzero(data.h == h)
        features, y = model.phi[data.s[rows], data.a[rows]], found.V[h + 1][data.s_next[rows]]
        values = np.stack([objective(found.inverse[h], features, y, at, radius) for at in grid])
        assert (found.weights[h] >= values.max(axis=0) - slack).all()
        for i, at in enumerate(found.dual[h]):
            here = objective(found.inverse[h], features, y, max(at, 1e-300), radius)[i]
            assert found.weights[h, i] == pytest.approx(here, abs=slack)


@given(problems(), st.sampled_from(sorted(LEARNERS)), st.integers(0, 2**32))
def test_the_order_of_the_data_does_not_matter(problem, divergence, seed):
    model, data = problem
    learner, _ = LEARNERS[divergence]
    order = np.random.default_rng(seed).permutation(data.N)
    first, second = (
        learner(rows, model.phi, model.theta, radius=0.1, beta=0.2) for rows in (data, reordered(data, order))
    )
    np.testing.assert_array_equal(first.weights, second.weights)


@given(problems(), st.sampled_from(sorted(LEARNERS)), RIDGES)
def test_a_larger_radius_never_helps(problem, divergence, ridge):
    model, data = problem
    learner, _ = LEARNERS[divergence]
    levels = [
        learner(data, model.phi, model.theta, radius=radius, beta=0.0, ridge=ridge, floor=None).weights[-2:]
        for radius in (0.0, 0.1, 0.5)
    ]
    if model.H > 1:  # at the last step but one the values ahead are the same
        assert (np.diff([level[0] for level in levels], axis=0) <= 1e-7).all()


def test_each_coordinate_has_its_radius():
    data, r = OfflineDataset([0, 0, 1, 1], [0, 1, 0, 0], [0.0] * 4, [1, 1, 1, 1], 2, 2, h=[0, 0, 1, 1]), np.eye(2)[1]
    view = one_hot(data, np.repeat(r[:, None], 2, axis=1))
    radius = np.array([0.0, 0.25, 0.0, 0.0])
    found = drpvi(view, radius=radius, beta=0.0, ridge=1.0)
    assert found.weights[0, :2] == pytest.approx([0.5, 0.25])  # n / (n + ridge) = 1/2, less the radius
    table = np.stack([radius, 1.0 - radius])
    assert drpvi(view, radius=table, beta=0.0).weights[0].tolist() == found.weights[0].tolist()


@pytest.mark.parametrize("divergence", sorted(LEARNERS))
@pytest.mark.parametrize("radius", [0.02, 0.3])
def test_many_data_give_the_population_value(divergence, radius):
    """Frequencies exactly the probabilities, a state worth 0 in sight, a tiny ridge."""
    q, values = np.array([0.5, 0.25, 0.25]), np.array([0.0, 1.0, 0.4])
    n = 400_000
    counts = (q * n).astype(int)
    zeros, ends = np.zeros(n, dtype=int), np.arange(4)
    data = OfflineDataset(
        np.append(zeros, ends), np.append(zeros, 0 * ends), np.zeros(n + 4),
        np.append(np.repeat([1, 2, 3], counts), ends), 4, 1, h=np.append(zeros, 0 * ends + 1), H=2,
    )  # fmt: skip
    view = one_hot(data, np.append(0.0, values)[:, None])
    found = LEARNERS[divergence][0](view, radius=radius, beta=0.0, ridge=1e-6)
    exact = worst_case(values, q, divergence=divergence, radius=radius).value
    assert found.weights[0, 0] == pytest.approx(exact, abs=1e-8)


def test_the_dual_of_a_drpvi_knows_the_smallest_value():
    """Without a state worth 0, the paper's dual at radius 1/2 is lower by radius * min V than the exact one."""
    values, q = np.array([0.5, 1.0]), np.array([0.5, 0.5])
    data = OfflineDataset([0, 0, 1, 2], [0] * 4, [0.0] * 4, [1, 2, 1, 2], 3, 1, h=[0, 0, 1, 1])
    view = one_hot(data, [[0.6], *values[:, None]])
    paper = drpvi(view, radius=0.25, beta=0.0, ridge=1e-9)
    exact = drpvi(view, radius=0.25, beta=0.0, ridge=1e-9, minimum="states")
    assert exact.weights[0, 0] == pytest.approx(worst_case(values, q, divergence="tv", radius=0.25).value, abs=1e-8)
    assert paper.weights[0, 0] == pytest.approx(exact.weights[0, 0] - 0.25 * 0.5, abs=1e-8)


@given(tables(max_rows=20), st.sampled_from((0.0, 0.2, 0.6)), st.sampled_from((0.0, 0.3, 1.5)))
def test_p2mpo_is_the_double_minimum(problem, radius, width):
    data, r = problem
    found = p2mpo(data, r, radius=radius, width=width)
    counts = data.transition_counts(by_step=True).astype(float)
    for h in range(data.H):
        for s in range(data.S):
            for a in range(data.A):
                n = counts[h, s, a].sum()
                worst = found.V[h + 1].min()
                if n > 0:
                    worst = naive.double_minimum(counts[h, s, a] / n, found.V[h + 1], width / np.sqrt(n), radius)
                assert found.weights[h, s * data.A + a] == pytest.approx(worst, abs=1e-8)
                assert found.Q[h, s, a] == pytest.approx(max(min(r[s, a] + worst, data.H - h), 0.0), abs=1e-8)
                expected = min(width / np.sqrt(n), 1.0) if n else 1.0
                assert found.deviation[h, s * data.A + a] == pytest.approx(expected)


@given(tables())
def test_p2mpo_without_pessimism_is_drpvi_without_ridge(problem):
    """Two routes to the same number, where every pair was seen at every step."""
    data, r = problem
    h, s, a = (x.ravel() for x in np.indices((data.H, data.S, data.A)))
    more = OfflineDataset(
        np.append(data.s, s), np.append(data.a, a), np.zeros(data.N + s.size), np.append(data.s_next, 0 * s),
        data.S, data.A, h=np.append(data.h, h), H=data.H,
    )  # fmt: skip
    first = p2mpo(more, r, radius=0.2, width=0.0)
    second = drpvi(one_hot(more, r), radius=0.2, beta=0.0, ridge=1e-9, minimum="states")
    np.testing.assert_allclose(first.Q, second.Q, atol=1e-7)


def test_p2mpo_width_is_weissmans():
    data = OfflineDataset([0] * 100, [0] * 100, [0.0] * 100, [0] * 100, 2, 1, h=[0] * 100, H=1)
    found = p2mpo(data, np.zeros((2, 1)), radius=0.0, delta=0.1)
    assert found.deviation[0, 0] == pytest.approx(np.sqrt((2 * np.log(2) + np.log(20)) / 200))
    assert found.deviation[0, 1] == 1.0
