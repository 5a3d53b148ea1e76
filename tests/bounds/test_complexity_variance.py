"""Variances: published norm, extremes, laws of returns, enclosures."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounds import complexity
from experiments import instances
from experiments.papers._complexity_gaps import _fair_coin
from tabular import planning
from tabular.errors import ParameterError
from tabular.models import AverageRewardMDP, BernoulliBandit, DiscountedMDP, EpisodicMDP
from tabular.testing import average_reward_mdps, episodic_mdps, policies


def test_norm_of_riverswim_is_a_deviation_of_the_bias():
    found = complexity.value_norm(instances.riverswim(6))
    assert found.value == pytest.approx(0.795116, abs=5e-7)
    assert found.witness == (4, 1)
    P, r = instances.riverswim_fractions(6)
    bias = planning.exact_average_reward(P, r).bias
    mean = P[4, 1] @ bias
    variance = P[4, 1] @ (bias - mean) ** 2
    assert isinstance(variance, Fraction)
    assert found.lower**2 <= variance <= found.upper**2
    assert complexity.optimal_variance(instances.riverswim(6)).value == pytest.approx(float(variance))
    assert complexity.optimal_variance(instances.riverswim(6)).witness == (4, 1)
    assert found.width < 1e-9


def test_the_fair_coin_has_the_largest_variance_a_span_allows():
    for H in (2, 5):
        coin = _fair_coin(H)
        assert complexity.value_norm(coin).value == pytest.approx((H - 1) / 2)
        assert complexity.value_span(coin).value[1] == pytest.approx(H - 1)
        assert complexity.optimal_variance(coin, reward_noise="bernoulli").value == pytest.approx(
            0.25 + (H - 1) ** 2 / 4
        )
        one = complexity.policy_return_variance(coin, np.zeros((H, 3), dtype=int))
        assert one.value == pytest.approx((H - 1) ** 2 / 4)


def test_values_after_the_step_count_and_not_before():
    coin = EpisodicMDP(_fair_coin(1).P, _fair_coin(1).r, np.eye(3)[0], H=1)
    assert complexity.value_norm(coin).value == 0.0
    assert complexity.value_norm(BernoulliBandit([0.2, 0.8])).value == 0.0
    assert complexity.optimal_variance(BernoulliBandit([0.2, 0.5]), reward_noise="bernoulli").value == pytest.approx(
        0.25
    )


@given(episodic_mdps(), st.data())
def test_variance_of_a_return_is_that_of_its_law(model, data):
    policy = data.draw(policies(model))
    found = complexity.policy_return_variance(model, policy)
    atoms, law = planning.return_distribution(model, policy, step=0.125)
    mean = atoms @ law
    assert found.lower - 1e-12 <= law @ (atoms - mean) ** 2 <= found.upper + 1e-12
    assert found.width < 1e-9


@given(episodic_mdps())
def test_no_variance_exceeds_a_quarter_of_the_squared_span(model):
    norm, span = complexity.value_norm(model), np.append(complexity.value_span(model).upper[1:], 0.0)
    assert norm.lower**2 <= span.max() ** 2 / 4 + 1e-12
    V = planning.backward_induction(model).V[1:]
    mean = np.einsum("hsat,ht->hsa", model.P, V)
    second = np.einsum("hsat,ht->hsa", model.P, V**2) - mean**2
    assert norm.lower**2 - 1e-9 <= second.max() <= norm.upper**2 + 1e-9


@settings(max_examples=30)
@given(average_reward_mdps(), st.integers(0, 2**16))
def test_norm_scales_with_affine_rewards_and_follows_names(mdp, seed):
    rng = np.random.default_rng(seed)
    states, actions = rng.permutation(mdp.S), rng.permutation(mdp.A)
    P = mdp.dense_P()[states][:, actions][:, :, states]
    other = AverageRewardMDP(P, 2.0 * mdp.r[states][:, actions] + 3.0)
    one, two = complexity.bias_span(mdp), complexity.bias_span(other)
    assert two.value == pytest.approx(2.0 * one.value, abs=1e-9)
    assert complexity.value_norm(other).value == pytest.approx(2.0 * complexity.value_norm(mdp).value, abs=1e-7)


def test_deterministic_models_have_none():
    sea = instances.deep_sea(6)
    assert complexity.value_norm(sea).lower == 0.0
    assert complexity.value_norm(sea).upper < 1e-12
    assert complexity.optimal_variance(sea).upper < 1e-24
    assert complexity.policy_return_variance(sea, np.ones((6, 6), dtype=int)).upper < 1e-11


def test_discounted_norm_uses_the_optimal_values():
    mdp = instances.random_discounted(4, 2, 0.9, rng=0)
    V, P = planning.policy_iteration(mdp).V, mdp.dense_P()
    assert complexity.value_norm(mdp).value == pytest.approx(np.sqrt((P @ V**2 - (P @ V) ** 2).max()))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda m: complexity.optimal_variance(m, reward_noise="gaussian"), "reward_noise"),
        (
            lambda m: complexity.optimal_variance(EpisodicMDP(m.P, 3 * m.r, m.mu0), reward_noise="bernoulli"),
            "coin flip",
        ),
        (lambda m: complexity.policy_return_variance(DiscountedMDP(m.P[0], m.r[0], 0.5), [0, 0]), "episode"),
    ],
)
def test_refusals(call, text):
    with pytest.raises(ParameterError, match=text):
        call(instances.random_episodic(2, 2, 2, rng=0))
