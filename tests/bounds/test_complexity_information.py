"""Decision-estimation coefficient, information ratio and capacity: closed forms, brute force, certificates."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounds import complexity
from bounds.complexity.capacity_bounds import _blahut_arimoto
from experiments import instances
from tabular.errors import ParameterError

SEEDS = st.integers(0, 2**16).map(np.random.default_rng)


def coins(means, gamma, reference=0.5):
    K = np.shape(means)[1]
    laws = complexity.bernoulli_outcomes(np.full(K, reference))
    return complexity.decision_estimation_coefficient(means, complexity.bernoulli_outcomes(means), laws, gamma)


@pytest.mark.parametrize("K", [2, 4, 8])
def test_one_raised_coin_has_the_coefficient_of_uniform_play(K):
    gaps = np.linspace(0.0005, 0.3, 600)
    found = coins(complexity.raised_arms(K, gaps), 200.0)
    hellinger = complexity.squared_hellinger(complexity.bernoulli_outcomes(0.5 + gaps), [0.5, 0.5])
    by_hand = max(0.0, (gaps * (1 - 1 / K) - 200.0 * hellinger / K).max())
    assert found.lower <= by_hand + 1e-12
    assert found.upper >= by_hand - 1e-12
    assert found.width < 1e-9
    assert found.value == pytest.approx((K - 1) ** 2 / (4 * K * 200.0), rel=2e-3)
    np.testing.assert_allclose(found.witness, 1 / K, atol=1e-4)


def test_control_coins_that_may_all_leave_the_reference_cost_twice_as_much():
    shifts = np.linspace(-0.01, 0.01, 41)
    means = 0.5 + np.array(list(itertools.product(shifts, repeat=2)))
    assert coins(means, 200.0).value == pytest.approx(1 / 800, rel=1e-3)
    assert coins(means, 200.0).upper <= 1 / 800


@settings(max_examples=25)
@given(SEEDS)
def test_coefficient_is_a_saddle_and_monotone(rng):
    M, K, gamma = int(rng.integers(1, 6)), int(rng.integers(1, 4)), float(rng.uniform(0, 5))
    means = rng.random((M, K))
    found = coins(means, gamma)
    payoff = means.max(axis=1, keepdims=True) - means
    payoff = payoff - gamma * complexity.squared_hellinger(complexity.bernoulli_outcomes(means), [0.5, 0.5])
    assert found.width < 1e-9
    assert (payoff @ found.witness).max() <= found.upper
    grid = rng.dirichlet(np.ones(K), size=300)
    assert found.lower <= (grid @ payoff.T).max(axis=1).min() + 1e-12
    order = rng.permutation(K)
    assert coins(means[:, order], gamma).value == pytest.approx(found.value, abs=1e-9)
    assert coins(means, gamma + 1.0).lower <= found.upper
    if M > 1:
        assert coins(means[:-1], gamma).lower <= found.upper


def test_hellinger_has_no_half():
    assert complexity.squared_hellinger([1.0, 0.0], [0.0, 1.0]) == 2.0
    assert complexity.squared_hellinger([0.5, 0.5], [0.5 + 1e-3, 0.5 - 1e-3]) == pytest.approx(1e-6, rel=1e-4)


@settings(max_examples=40)
@given(SEEDS)
def test_information_ratio_is_minimal_over_a_simplex_and_certified(rng):
    K = int(rng.integers(1, 5))
    r, info = rng.random(K) + 1e-3, rng.random(K) * (rng.random(K) < 0.7)
    found = complexity.information_ratio(r, info)
    if info.max() == 0.0:
        assert found.lower == np.inf
        return
    p = found.witness
    assert np.count_nonzero(p) <= 2
    assert p.sum() == pytest.approx(1.0)
    assert (p @ r) ** 2 / (p @ info) == pytest.approx(found.upper, rel=1e-9)
    assert found.width <= 1e-9 * (1 + found.upper)
    trials = rng.dirichlet(np.full(K, 0.5), size=500)
    with np.errstate(divide="ignore", over="ignore"):
        assert found.lower <= ((trials @ r) ** 2 / (trials @ info)).min() * (1 + 1e-9)
    assert complexity.information_ratio(3.0 * r, info).upper == pytest.approx(9.0 * found.upper, rel=1e-9)
    order = rng.permutation(K)
    assert complexity.information_ratio(r[order], info[order]).upper == pytest.approx(found.upper, rel=1e-9)


def test_information_ratio_by_hand():
    # actions (r, I) = (1, 0) and (2, 1): share q of the second has (1 + q)^2 / q, least at q = 1: 4
    assert complexity.information_ratio([1.0, 2.0], [0.0, 1.0]).value == pytest.approx(4.0)
    # (1, 0) and (4, 1): (1 + 3q)^2 / q is least at q = 1/3: 12
    found = complexity.information_ratio([1.0, 4.0], [0.0, 1.0])
    assert found.value == pytest.approx(12.0)
    np.testing.assert_allclose(found.witness, [2 / 3, 1 / 3])
    assert complexity.information_ratio([0.0, 1.0], [0.0, 1.0]).upper == 0.0


@pytest.mark.parametrize("regret", [1e-3, 1e-8, 3e-9, 1e-12, 1e-15])
def test_information_ratio_stays_tight_where_regret_is_small(regret):
    # a known action of regret r beside one of regret R and information I: least at share q = r/(R - r), 4 r (R - r)/I
    r, info = np.array([regret, 0.43]), np.array([0.0, 1.3e-8])
    found = complexity.information_ratio(r, info)
    assert found.lower <= found.upper <= found.lower * (1 + 1e-14)
    assert found.lower == pytest.approx(4.0 * regret * (0.43 - regret) / 1.3e-8, rel=1e-14)


def test_regret_is_accurate_relative_to_itself():
    # the known action is best except in a model of probability 2^-60
    small = 2.0**-60
    found = complexity.posterior_regret_information([1.0 - small, small], [[0.5, 0.25], [0.5, 0.75]])
    assert found.regret[0] == small / 4


@settings(max_examples=25)
@given(SEEDS)
def test_posterior_information_is_that_of_the_joint_law(rng):
    M, K = int(rng.integers(1, 7)), int(rng.integers(1, 4))
    prior, means = rng.dirichlet(np.ones(M)), rng.integers(0, 9, size=(M, K)) / 8.0
    found = complexity.posterior_regret_information(prior, means)
    best = [int(np.argmax(row)) for row in means]
    for a in range(K):
        information = 0.0
        for star, y in itertools.product(range(K), (0, 1)):
            joint = sum(prior[m] * (means[m, a] if y else 1 - means[m, a]) for m in range(M) if best[m] == star)
            outcome = sum(prior[m] * (means[m, a] if y else 1 - means[m, a]) for m in range(M))
            weight = sum(prior[m] for m in range(M) if best[m] == star)
            information += joint * np.log(joint / (outcome * weight)) if joint > 0 else 0.0
        assert found.information[a] == pytest.approx(information, abs=1e-12)
        assert found.regret[a] == pytest.approx(
            sum(prior[m] * (max(means[m]) - means[m, a]) for m in range(M)), abs=1e-12
        )
    assert found.thompson.sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("channel", "capacity"),
    [
        ([[0.9, 0.1], [0.1, 0.9]], np.log(2) + 0.9 * np.log(0.9) + 0.1 * np.log(0.1)),
        ([[0.7, 0.3, 0.0], [0.0, 0.3, 0.7]], 0.7 * np.log(2)),
        (np.eye(5), np.log(5)),
        ([[0.3, 0.7]] * 4, 0.0),
        ([[1.0, 0.0], [0.5, 0.5]], np.log(1.25)),
        ([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], np.log(2)),
    ],
    ids=["symmetric", "erasure", "noiseless", "useless", "Z", "repeated input"],
)
def test_capacities_of_known_channels(channel, capacity):
    found = complexity.channel_capacity(channel)
    assert found.lower <= capacity + 1e-15
    assert capacity <= found.upper
    assert found.width <= 2e-9


@settings(max_examples=40)
@given(SEEDS)
def test_capacity_is_enclosed_from_both_sides_and_processing_loses(rng):
    A, n = int(rng.integers(1, 6)), int(rng.integers(1, 6))
    channel = rng.dirichlet(np.full(n, rng.choice([0.2, 1.0])), size=A)
    found = complexity.channel_capacity(channel)
    assert found.width <= 2e-9
    p, q = rng.dirichlet(np.ones(A)), rng.dirichlet(np.ones(n))
    with np.errstate(divide="ignore", invalid="ignore"):
        information = np.nansum(p[:, None] * channel * np.log(channel / (p @ channel)))
        dual = np.nansum(channel * np.log(channel / q), axis=1).max()
    assert information <= found.upper + 1e-12
    assert found.lower <= dual + 1e-12
    garbled = complexity.channel_capacity(channel @ rng.dirichlet(np.ones(3), size=n))
    assert garbled.lower <= found.upper
    if A > 1:
        assert complexity.channel_capacity(channel[1:]).lower <= found.upper
    shuffled = complexity.channel_capacity(channel[rng.permutation(A)][:, rng.permutation(n)])
    assert shuffled.value == pytest.approx(found.value, abs=3e-9)


def test_plain_steps_ascend_and_slow_channels_still_close_their_gap():
    rng = np.random.default_rng(0)
    widest, slow = 0.0, 0
    for _ in range(150):
        channel = rng.dirichlet(np.full(int(rng.integers(2, 7)), 0.2), size=int(rng.integers(2, 7)))
        path = np.zeros(300)
        steps = _blahut_arimoto(channel, 1e-9, 300, 1.0, np.full(len(channel), 1 / len(channel)), path)[2]
        assert np.all(np.diff(path[:steps]) >= -1e-15)
        slow += steps == 300
        widest = max(widest, complexity.channel_capacity(channel).width)
    assert slow > 10
    assert widest <= 2e-9


def test_empowerment_counts_reachable_states():
    ring = np.zeros((5, 2, 5))
    for s in range(5):
        ring[s, 0, (s - 1) % 5] = ring[s, 1, (s + 1) % 5] = 1.0
    np.testing.assert_allclose(complexity.empowerment(ring).lower, np.log(2))
    np.testing.assert_allclose(complexity.empowerment(ring, n=2).lower, np.log(3), atol=1e-9)
    np.testing.assert_allclose(complexity.empowerment(ring, n=4).lower, np.log(5), atol=1e-9)
    swim = instances.riverswim(4)
    assert np.all(complexity.empowerment(swim).upper <= np.log(2) + 1e-9)


ONE = [[[0.5, 0.5]]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: complexity.decision_estimation_coefficient([[0.5, 0.4]], ONE, [[0.5, 0.5]], 1.0), "shapes"),
        (lambda: complexity.decision_estimation_coefficient([[0.5]], [[[0.5, 0.6]]], [[0.5, 0.5]], 1.0), "sums to"),
        (lambda: complexity.decision_estimation_coefficient([[0.5]], ONE, [[0.5, 0.5]], -1.0), "gamma"),
        (lambda: complexity.bernoulli_outcomes([1.5]), "means"),
        (lambda: complexity.bernoulli_outcomes([np.nan]), "means"),
        (lambda: complexity.raised_arms(0, [0.1]), "K"),
        (lambda: complexity.information_ratio([-0.1], [0.0]), "regret"),
        (lambda: complexity.information_ratio([0.1], [-1.0]), "information"),
        (lambda: complexity.information_ratio([0.1, 0.2], [0.1]), "entries"),
        (lambda: complexity.posterior_regret_information([0.5, 0.6], [[0.1], [0.2]]), "sums to"),
        (lambda: complexity.posterior_regret_information([1.0], [[1.2]]), "means"),
        (lambda: complexity.channel_capacity([[0.5, 0.6]]), "sums to"),
        (lambda: complexity.channel_capacity([[1.0]], tol=-1.0), "tol"),
        (lambda: complexity.empowerment([[[1.0], [1.0]]], n=40), "sequences"),
        (lambda: complexity.empowerment([[1.0]]), "P"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ParameterError, match=message):
        call()
