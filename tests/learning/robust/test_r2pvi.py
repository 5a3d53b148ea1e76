"""R2PVI against its definition, and what theory promises of it."""

import math

import naive_r2pvi as naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from robust_data import RIDGES, one_hot, problems, reordered, tables

from tabular.learning.robust import FeatureData, drpvi, pevi, r2pvi, r2pvi_width, va_drpvi, va_r2pvi
from tabular.learning.robust._regression_kernels import Fit, Moves, Points, _variance_weights
from tabular.models import LinearMDP
from tabular.planning import worst_case
from tabular.simulation import OfflineDataset, sample_trajectories

PENALTIES = st.sampled_from((0.02, 0.1, 0.5, 2.0))
BETAS = st.sampled_from((0.0, 0.1, 1.0))
DIVERGENCES = ("tv", "kl", "chi2")
TOLERANCE = {"rtol": 1e-9, "atol": 1e-9}


def twice(data):
    return reordered(data, np.tile(np.arange(data.N), 2))


def learn(divergence, data, model, **options):
    options = {"penalty": 0.3, "beta": 0.2, "ridge": 0.5, **options}
    return r2pvi(data, model.phi, model.theta, divergence=divergence, **options)


@given(problems(), RIDGES, PENALTIES, BETAS, st.sampled_from(["l1", "l2"]), st.sampled_from(["states", "data"]))
def test_tv_is_the_definition(problem, ridge, penalty, beta, combine, minimum):
    model, data = problem
    found = learn("tv", data, model, ridge=ridge, penalty=penalty, beta=beta, combine=combine, minimum=minimum)
    Q, weights = naive.learn(
        data, model.phi, model.theta, naive.tv(penalty, minimum), beta=beta, ridge=ridge, combine=combine
    )
    np.testing.assert_allclose(found.Q, Q, **TOLERANCE)
    np.testing.assert_allclose(found.weights, weights, **TOLERANCE)
    assert (found.policy == found.Q.argmax(-1)).all()
    np.testing.assert_array_equal(found.V[:-1], found.Q.max(-1))


@given(problems(), RIDGES, st.sampled_from((0.1, 0.5, 2.0)), BETAS)
def test_kl_is_the_definition(problem, ridge, penalty, beta):
    model, data = problem
    found = learn("kl", data, model, ridge=ridge, penalty=penalty, beta=beta)
    Q, weights = naive.learn(data, model.phi, model.theta, naive.kl(penalty, model.H), beta=beta, ridge=ridge)
    # a regression near 0 is a difference of large numbers, and its logarithm magnifies what is lost
    kept = weights < 0.9 * model.H
    np.testing.assert_allclose(found.weights[kept], weights[kept], rtol=1e-6, atol=1e-6)
    if kept.all():
        np.testing.assert_allclose(found.Q, Q, rtol=1e-6, atol=1e-6)


@given(problems(), RIDGES, PENALTIES, BETAS, st.booleans())
def test_chi2_is_at_least_every_threshold_and_attained(problem, ridge, penalty, beta, clip):
    model, data = problem
    found = learn("chi2", data, model, ridge=ridge, penalty=penalty, beta=beta, clip=clip)
    for h in range(model.H - 1):
        rows = np.flatnonzero(data.h == h)
        features, y = model.phi[data.s[rows], data.a[rows]], found.V[h + 1][data.s_next[rows]]

        def objective(at, features=features, y=y, h=h):
            return naive.chi2_objective(found.inverse[h], features, y, at, penalty, model.H, clip)

        # rounding is relative to the terms of the objective, of order H^2 / penalty
        slack = 1e-10 * (1.0 + model.H**2 / penalty)
        grid = np.stack([objective(at) for at in np.linspace(0.0, model.H, 400)])
        assert (found.weights[h] >= grid.max(axis=0) - slack).all()
        attained = [objective(at)[i] for i, at in enumerate(found.dual[h])]
        np.testing.assert_allclose(found.weights[h], attained, rtol=0.0, atol=slack)


@given(problems(), RIDGES, BETAS, st.sampled_from(["norm", "l1", "l2"]))
def test_pevi_is_the_definition(problem, ridge, beta, combine):
    model, data = problem
    found = pevi(data, model.phi, model.theta, beta=beta, ridge=ridge, combine=combine)
    Q, _ = naive.learn(
        data, model.phi, model.theta, naive.mean, beta=beta, ridge=ridge, combine=combine, regress_rewards=True
    )
    np.testing.assert_allclose(found.Q, Q, **TOLERANCE)


@given(problems(), RIDGES, PENALTIES, st.sampled_from([None, -1.0, 0.0]))
def test_fail_states_and_floors(problem, ridge, penalty, floor):
    model, data = problem
    view = FeatureData(data, model.phi, model.theta, fail=[model.S - 1])
    found = r2pvi(view, divergence="tv", penalty=penalty, beta=1.0, ridge=ridge, floor=floor)
    Q, _ = naive.learn(
        data, model.phi, model.theta, naive.tv(penalty), beta=1.0, ridge=ridge, fail=[model.S - 1],
        floor=-math.inf if floor is None else floor,
    )  # fmt: skip
    np.testing.assert_allclose(found.Q, Q, **TOLERANCE)
    assert (found.width[:, -1] == 0.0).all()


@given(problems(), st.sampled_from(DIVERGENCES), RIDGES, PENALTIES, BETAS, st.sampled_from(["l1", "l2"]))
def test_values_lie_between_zero_and_the_steps_to_go(problem, divergence, ridge, penalty, beta, combine):
    model, data = problem
    found = learn(divergence, data, model, ridge=ridge, penalty=penalty, beta=beta, combine=combine)
    left = np.arange(model.H, 0, -1)[:, None, None]
    assert np.isfinite(found.weights).all()
    assert (found.Q >= 0.0).all()
    assert (left >= found.Q).all()
    assert 0.0 <= found.clipped <= 1.0
    assert divergence == "kl" or found.clipped == 0.0


@given(problems(), st.sampled_from(DIVERGENCES), st.integers(0, 2**32))
def test_the_order_of_the_data_does_not_matter_to_the_last_bit(problem, divergence, seed):
    model, data = problem
    order = np.random.default_rng(seed).permutation(data.N)
    first, second = (learn(divergence, rows, model) for rows in (data, reordered(data, order)))
    np.testing.assert_array_equal(first.weights, second.weights)
    np.testing.assert_array_equal(first.Q, second.Q)


@given(problems(), st.sampled_from(DIVERGENCES), RIDGES)
def test_doubled_data_with_a_doubled_ridge_leave_the_weights(problem, divergence, ridge):
    model, data = problem
    first = learn(divergence, data, model, ridge=ridge, beta=0.0)
    second = learn(divergence, twice(data), model, ridge=2.0 * ridge, beta=0.0)
    np.testing.assert_allclose(second.weights, first.weights, **TOLERANCE)


@given(problems(), RIDGES, BETAS, st.sampled_from(["l1", "l2"]))
def test_a_large_penalty_is_pevi_with_known_rewards(problem, ridge, beta, combine):
    model, data = problem
    robust = learn("tv", data, model, penalty=1e6, ridge=ridge, beta=beta, combine=combine)
    plain = pevi(data, model.phi, model.theta, beta=beta, ridge=ridge, combine=combine, rewards="known")
    np.testing.assert_array_equal(robust.Q, plain.Q)


@given(tables(), RIDGES, PENALTIES)
def test_one_hot_weights_are_shrunk_clipped_means(problem, ridge, penalty):
    data, r = problem
    found = r2pvi(one_hot(data, r), divergence="tv", penalty=penalty, beta=0.1, ridge=ridge)
    counts = data.transition_counts(by_step=True).astype(float)
    for h in range(data.H - 1):
        clipped = np.minimum(found.V[h + 1], found.V[h + 1].min() + penalty)
        n = counts[h].sum(axis=-1)
        expected = np.where(n > 0, n / (n + ridge) * (counts[h] @ clipped) / np.maximum(n, 1.0), 0.0)
        np.testing.assert_allclose(found.weights[h], expected.ravel(), **TOLERANCE)
        np.testing.assert_allclose(found.penalty[h], 0.1 / np.sqrt(n + ridge), rtol=1e-12)


@given(tables(), RIDGES, st.integers(0, 2**32))
def test_more_data_never_widen_the_penalty_of_a_pair(problem, ridge, seed):
    data, _ = problem
    i = int(np.random.default_rng(seed).integers(data.N))
    more = reordered(data, np.append(np.arange(data.N), i))
    before, after = (
        r2pvi(one_hot(rows), divergence="tv", penalty=0.1, beta=1.0, ridge=ridge).penalty for rows in (data, more)
    )
    assert (after <= before).all()
    assert after[data.h[i], data.s[i], data.a[i]] < before[data.h[i], data.s[i], data.a[i]]


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_many_data_give_the_population_value(divergence):
    """One pair, frequencies exactly the probabilities: the estimate is the one-step operator up to the ridge."""
    q, values, n = np.array([0.5, 0.25, 0.25]), np.array([0.0, 1.0, 0.4]), 4_000_000
    counts = (q * n).astype(int)
    s_next = np.repeat([1, 2, 3], counts)
    zeros = np.zeros(n, dtype=int)
    ends = np.arange(4)
    data = OfflineDataset(
        np.append(zeros, ends), np.append(zeros, 0 * ends), np.zeros(n + 4), np.append(s_next, ends), 4, 1,
        h=np.append(zeros, 0 * ends + 1), H=2,
    )  # fmt: skip
    view = FeatureData(data, np.eye(4)[:, None], r=[[0.0], *values[:, None]])
    for penalty in (0.05, 0.3, 2.0):
        found = r2pvi(view, divergence=divergence, penalty=penalty, beta=0.0, ridge=1e-6)
        exact = worst_case(values, q, divergence=divergence, penalty=penalty).value
        assert found.weights[0, 0] == pytest.approx(exact, abs=1e-9)


def test_kl_reports_what_it_clips_and_does_not_underflow():
    """exp(-V / lambda) is 0 in floating point at lambda = 1e-4; relative to the smallest value ahead it is 1."""
    zeros = np.zeros(6, dtype=int)
    data = OfflineDataset(
        np.append(zeros, [1, 1]), np.append(zeros, [0, 0]), np.zeros(8), np.ones(8, dtype=int), 2, 1,
        h=np.append(zeros, [1, 1]), H=2,
    )  # fmt: skip
    view = FeatureData(data, np.eye(2)[:, None], r=[[0.0], [0.75]])
    found = r2pvi(view, divergence="kl", penalty=1e-4, beta=0.0, ridge=1e-3)
    assert found.weights[0, 0] == pytest.approx(0.75, abs=1e-6)
    assert found.weights[0, 1] == 2.0  # never seen at step 0: cut at H
    assert found.clipped == 0.5


@given(problems(), RIDGES, PENALTIES, BETAS)
def test_unit_variances_change_nothing(problem, ridge, penalty, beta):
    model, data = problem
    options = {"beta": beta, "ridge": ridge}
    plain = r2pvi(data, model.phi, model.theta, divergence="tv", penalty=penalty, **options)
    one = va_r2pvi(data, model.phi, model.theta, penalty=penalty, variance="one", **options)
    np.testing.assert_array_equal(one.Q, plain.Q)
    plain = drpvi(data, model.phi, model.theta, radius=0.2, **options)
    one = va_drpvi(data, model.phi, model.theta, radius=0.2, variance="one", **options)
    np.testing.assert_array_equal(one.Q, plain.Q)


def spread_out(rng, H=4, K=60):
    """States 0..4 with rewards that make values ahead vary by more than 1."""
    S, A = 5, 2
    phi = rng.dirichlet(np.ones(3), size=(S, A))
    phi[3], phi[4] = [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]
    mu = np.array([[0.0, 0.0, 0.0, 0.9, 0.1], [0.3, 0.3, 0.4, 0.0, 0.0], [0.1, 0.0, 0.0, 0.0, 0.9]])
    model = LinearMDP(phi, mu, [0.0, 0.3, 1.0], H=H)
    return model, sample_trajectories(model.to_episodic(), np.full((S, A), 0.5), episodes=K, rng=rng)


def test_estimated_variances_are_the_definition():
    rng = np.random.default_rng(7)
    model, data = spread_out(rng)
    pilot = r2pvi(data, model.phi, model.theta, divergence="tv", penalty=2.0, beta=0.05, ridge=0.1)
    found = va_r2pvi(data, model.phi, model.theta, penalty=2.0, beta=0.05, ridge=0.1)
    assert found.variance.min() >= 1.0
    assert found.variance.max() > 1.05  # the instance has something to adapt to
    moves = found.data.moves
    for h in range(model.H - 1):
        here = np.arange(moves.first[h], moves.first[h + 1])
        rows = np.repeat(here, moves.times[here].astype(int))
        s, a = moves.pair[rows] // data.A, moves.pair[rows] % data.A
        features, y = model.phi[s, a], pilot.V[h + 1][moves.ahead[rows]]
        variance = naive.variances(pilot.inverse[h], features, y, model.H)
        np.testing.assert_allclose(found.variance[rows], variance, rtol=1e-9)
        inverse = np.linalg.inv(0.1 * np.eye(3) + (features / variance[:, None]).T @ features)
        np.testing.assert_allclose(found.inverse[h], inverse, rtol=1e-9, atol=1e-12)
        ahead = found.V[h + 1]
        target = np.minimum(ahead[moves.ahead[rows]], ahead.min() + 2.0) / variance
        np.testing.assert_allclose(found.weights[h], inverse @ features.T @ target, rtol=1e-9, atol=1e-12)
    assert (found.variance[moves.first[-2] :] == 1.0).all()  # nothing follows the last step


def test_the_variance_of_a_rare_gain_is_that_of_a_coin():
    """One of four times 3 is ahead, else nothing: 9/4 - 9/16, with a mean below 1."""
    s = [0] * 12 + [1, 2] * 3
    data = OfflineDataset(
        s, [0] * 18, [0.0] * 18, [1] * 9 + [2] * 3 + [1, 2] * 3, 3, 1, h=[0] * 12 + [1, 1, 2, 2, 3, 3]
    )
    view = one_hot(data, [[0.0], [0.0], [1.0]])
    found = va_r2pvi(view, penalty=9.0, beta=0.0, ridge=1e-9)
    assert found.variance[:2] == pytest.approx(27 / 16, rel=1e-6)
    assert (found.variance[2:] == 1.0).all()
    assert found.weights[0] == pytest.approx([0.75, 0.0, 0.0], rel=1e-6)


def test_the_released_slip_is_no_maximum():
    rng = np.random.default_rng(3)
    model, data = spread_out(rng)
    right = learn("chi2", data, model, beta=0.0, penalty=0.1)
    slip = learn("chi2", data, model, beta=0.0, penalty=0.1, search="released-minimum")
    assert (slip.weights[-2] <= right.weights[-2] + 1e-12).all()
    assert (slip.weights[-2] < right.weights[-2] - 1e-3).any()
    rows = np.flatnonzero(data.h == model.H - 2)
    features, y = model.phi[data.s[rows], data.a[rows]], slip.V[-2][data.s_next[rows]]
    for i, at in enumerate(slip.dual[-2]):
        near = [
            naive.chi2_objective(slip.inverse[-2], features, y, min(max(at + move, 0.0), model.H), 0.1, model.H)[i]
            for move in (-0.01, 0.0, 0.01)
        ]
        assert near[1] <= min(near) + 1e-3  # downhill as far as it goes
        assert near[1] == pytest.approx(slip.weights[-2, i], abs=1e-9)


def test_caps_and_ceilings():
    rng = np.random.default_rng(5)
    model, data = spread_out(rng)
    free = learn("tv", data, model, cap=math.inf, beta=0.0, penalty=100.0)
    assert free.Q.max() > 1.5
    low = learn("tv", data, model, cap=0.25, beta=0.0, penalty=100.0)
    assert low.Q.max() == 0.25
    table = np.full((model.H, model.A), math.inf)
    table[:, 1] = 0.1
    one = learn("tv", data, model, cap=table, beta=0.0, penalty=100.0)
    assert one.Q[..., 1].max() == 0.1
    assert one.Q[..., 0].max() > 0.5
    for ceiling in (0.5, math.inf):
        found = learn("chi2", data, model, beta=0.0, ceiling=ceiling)
        assert found.dual.max() <= (0.5 if ceiling == 0.5 else found.V.max())


def test_new_states_get_the_values_of_the_table():
    rng = np.random.default_rng(11)
    model, data = spread_out(rng)
    found = learn("kl", data, model)
    for h in range(model.H):
        np.testing.assert_array_equal(found.action_values(h, model.phi, model.phi @ model.theta[h]), found.Q[h])


def test_the_theorems_penalty():
    d, H, K, lam, delta = 4, 3, 100, 0.5, 0.01
    xi = 2 * math.log(1024 * H * d**0.5 * K**2 / delta)
    arguments = {"d": d, "H": H, "K": K, "penalty": lam, "delta": delta}
    assert r2pvi_width("tv", **arguments) == pytest.approx(16 * H * d * math.sqrt(xi))
    xi = math.log(1024 * d * lam**2 * K**3 * H / delta)
    expected = 16 * d * lam * math.exp(H / lam) * math.sqrt(H / lam + xi)
    assert r2pvi_width("kl", **arguments) == pytest.approx(expected)
    xi = math.log(192 * K**5 * H**6 * d**3 * (1 + H / (2 * lam)) ** 3 / delta)
    assert r2pvi_width("chi2", **arguments) == pytest.approx(8 * d * H**2 * (1 + 1 / lam) * math.sqrt(xi))
    assert r2pvi_width("kl", **{**arguments, "penalty": 1e-3}) == math.inf
    rng = np.random.default_rng(2)
    model, data = spread_out(rng)
    found = learn("tv", data, model, beta="theorem")
    assert found.beta == pytest.approx(r2pvi_width("tv", d=3, H=4, K=60, penalty=0.3, delta=0.01))
    assert found.Q.max() == 0.0  # vacuous
    assert np.isfinite(learn("kl", data, model, beta="theorem", penalty=1e-3).Q).all()


def test_the_variance_of_a_negative_regression_is_that_of_its_cut():
    """One pair, one coordinate, so that both regressions are the values and their squares."""
    points = Points(np.zeros(1, dtype=int), np.ones(1), np.array([0, 1]), np.zeros((1, 1, 1)), np.zeros(1, dtype=bool))
    moves = Moves(np.array([0, 1]), np.zeros(1, dtype=int), np.zeros(1, dtype=int), np.ones(1), np.zeros(1))
    fit = Fit(np.zeros((1, 1)), np.ones((1, 1, 1)), np.zeros((1, 1)), np.zeros((1, 1), dtype=int))
    b, moment, variance = np.empty(1), np.empty((2, 1)), np.empty(1)
    for value, ceiling, expected in ((-2.0, 3.0, 4.0), (-5.0, 3.0, 9.0), (1.5, 3.0, 1.0)):
        _variance_weights(points, moves, 0, fit, np.array([value]), ceiling, b, moment, variance)
        assert variance[0] == pytest.approx(expected)
