"""Gaps and gap-visitation: published sums, closed forms of bandits, scaling, programs that lie."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounds import complexity
from experiments import instances
from tabular import planning
from tabular.errors import CertificateError, ParameterError
from tabular.models import AverageRewardMDP, BernoulliBandit, ContextualBandit, DiscountedMDP, EpisodicMDP
from tabular.testing import episodic_mdps


def test_sums_over_riverswim():
    river = instances.riverswim(6)
    exact = complexity.inverse_gap_sum(river, max_denominator=1000)
    assert exact.exact
    assert float(exact.value) == pytest.approx(5.425331, abs=5e-7)
    found = complexity.inverse_gap_sum(river)
    assert found.lower <= exact.value <= found.upper
    assert found.width < 1e-9
    shifted = sum(1 / (float(x) + 0.1) for x in complexity.suboptimality_gaps(river).value[:, 0])
    assert abs(shifted - found.value) > 0.5
    assert complexity.smallest_gap(river).value == pytest.approx(0.423622, abs=5e-7)
    assert complexity.smallest_gap(river).witness == (0, 0)
    squares = complexity.inverse_gap_sum(river, power=2, max_denominator=1000)
    gaps = complexity.suboptimality_gaps(river, max_denominator=1000).value[:, 0]
    assert squares.value == sum(1 / x**2 for x in gaps)
    assert complexity.tied_optimal_pairs(river).value == 0


def test_only_reachable_pairs_count_and_ties_are_seen():
    lock = instances.combination_lock(4)
    assert complexity.inverse_gap_sum(lock).value == pytest.approx(4.0)
    assert complexity.smallest_gap(lock).value == pytest.approx(1.0)
    ties = complexity.tied_optimal_pairs(lock)
    assert ties.value == 2 * 3
    assert ties.witness[1:, 4].all()
    flat = BernoulliBandit([0.5, 0.5, 0.25])
    assert complexity.tied_optimal_pairs(flat).value == 2
    assert complexity.smallest_gap(BernoulliBandit([0.5, 0.5])).value == np.inf
    assert complexity.inverse_gap_sum(BernoulliBandit([0.5, 0.5])).value == 0.0


@settings(max_examples=30)
@given(episodic_mdps(), st.integers(0, 2**16))
def test_gaps_scale_with_affine_rewards_and_follow_names(model, seed):
    rng = np.random.default_rng(seed)
    states, actions = rng.permutation(model.S), rng.permutation(model.A)
    P = model.P[:, states][:, :, actions][:, :, :, states]
    other = EpisodicMDP(P, 4.0 * model.r[:, states][:, :, actions] - 1.0, model.mu0[states])
    one, two = complexity.smallest_gap(model), complexity.smallest_gap(other)
    assert two.value == pytest.approx(4.0 * one.value, rel=1e-9)
    assert complexity.inverse_gap_sum(other).value == pytest.approx(
        complexity.inverse_gap_sum(model).value / 4, rel=1e-9
    )
    assert complexity.tied_optimal_pairs(other).value == complexity.tied_optimal_pairs(model).value
    assert complexity.value_norm(other).value == pytest.approx(4.0 * complexity.value_norm(model).value, abs=1e-10)


def test_visitation_of_bandits_is_the_sum_of_the_weights():
    bandit = BernoulliBandit([0.5, 0.25, 0.0])
    weights = complexity.visitation_weights(bandit, 0.01)
    np.testing.assert_allclose(weights[0, 0], [16.0, 16.0, 4.0])
    found = complexity.gap_visitation(bandit, 0.01)
    assert found.lower <= 36.0 * (1 + 1e-12)
    assert found.upper >= 36.0 * (1 - 1e-12)
    assert found.width < 1e-6
    assert complexity.gap_visitation(bandit, 10.0).value == pytest.approx(0.03)
    contexts = ContextualBandit([0.25, 0.75], [[0.5, 0.0], [1.0, 0.5]])
    coarse = complexity.visitation_weights(contexts, 10.0)[0]
    np.testing.assert_allclose(coarse, [[0.25**2 / 100] * 2, [0.75**2 / 100] * 2])
    value = complexity.gap_visitation(contexts, 0.01).value
    assert value == pytest.approx(max(8.0 / 0.25, 8.0 / 0.75))


def test_tied_optima_count_by_accuracy_alone():
    weights = complexity.visitation_weights(BernoulliBandit([0.5, 0.5, 0.25]), 0.1)
    np.testing.assert_allclose(weights[0, 0], [100.0, 100.0, 16.0])


def test_each_layer_of_the_witness_attains_its_part():
    model = instances.random_episodic(3, 2, 3, rng=4)
    c = complexity.visitation_weights(model, 0.2)
    found = complexity.visitation_value(model, c)
    total = 0.0
    for h in range(3):
        d = planning.occupancy(model, found.witness[h])[h]
        total += (c[h][c[h] > 0] / d[c[h] > 0]).max()
    assert total == pytest.approx(found.upper, rel=1e-9)
    rng = np.random.default_rng(0)
    for _ in range(20):
        d = planning.occupancy(model, rng.dirichlet(np.ones(2), size=(3, 3)))
        assert sum((c[h] / d[h]).max() for h in range(3)) >= found.lower * (1 - 1e-9)


def test_weights_out_of_reach_cost_infinity_and_impossible_states_nothing():
    lock = instances.combination_lock(3)
    weights = np.zeros((3, 4, 2))
    weights[0, 2, 0] = 1.0
    assert complexity.visitation_value(lock, weights).value == np.inf
    assert complexity.visitation_value(lock, np.zeros((3, 4, 2))).value == 0.0
    found = complexity.visitation_weights(lock, 0.1)
    assert not found[0, 1:].any()
    assert complexity.gap_visitation(lock, 0.1).upper < np.inf


@settings(max_examples=25)
@given(episodic_mdps(max_states=3, max_actions=2, max_horizon=3), st.sampled_from([0.05, 0.5, 5.0]))
def test_the_two_bounds_of_every_layer_meet(model, eps):
    found = complexity.gap_visitation(model, eps)
    assert found.lower <= found.upper <= found.lower * (1 + 1e-6) + 1e-12
    assert complexity.gap_visitation(model, 2 * eps).lower <= found.upper * (1 + 1e-9)


def test_a_solver_that_lies_is_caught(monkeypatch):
    import scipy.optimize

    honest = scipy.optimize.linprog
    model = instances.random_episodic(3, 2, 2, rng=1)

    def lying(*args, **options):
        answer = honest(*args, **options)
        answer.x[:-1] = answer.x[:-1][::-1].copy()
        return answer

    monkeypatch.setattr(scipy.optimize, "linprog", lying)
    with pytest.raises(CertificateError, match="prices prove"):
        complexity.gap_visitation(model, 0.1)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda m: complexity.gap_visitation(m, 0.0), "eps"),
        (lambda m: complexity.visitation_value(m, np.zeros((2, 2))), "weights"),
        (lambda m: complexity.visitation_value(m, -np.ones((2, 2, 2))), "weights"),
        (lambda m: complexity.gap_visitation(DiscountedMDP(m.P[0], m.r[0], 0.5), 0.1), "steps"),
        (lambda m: complexity.inverse_gap_sum(m, power=0), "power"),
        (lambda m: complexity.smallest_gap(m, tie=-1.0), "tie"),
        (lambda m: complexity.tied_optimal_pairs("model"), "str"),
    ],
)
def test_refusals(call, text):
    with pytest.raises(ParameterError, match=text):
        call(instances.random_episodic(2, 2, 2, rng=0))


def test_average_reward_gaps_of_a_tie():
    P = np.full((2, 2, 2), 0.5)
    mdp = AverageRewardMDP(P, np.array([[1.0, 1.0], [0.0, 0.5]]))
    assert complexity.tied_optimal_pairs(mdp, max_denominator=4).value == 2
    assert complexity.smallest_gap(mdp, max_denominator=4).value == 0.5
