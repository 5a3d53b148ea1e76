"""Properties that tie models, simulation and planning together."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular import DiscountedMDP, EpisodicMDP
from tabular.planning import backward_induction, evaluate, occupancy, policy_iteration
from tabular.simulation import OfflineDataset
from tabular.testing import discounted_mdps, episodic_mdps, policies
from tabular.testing.obligations import best_value, value
from tabular.testing.offline_learners import proportional_data
from tabular.testing.planners import relabelled


@given(st.data())
def test_values_equal_those_of_plain_linear_algebra(data):
    mdp = data.draw(st.one_of(episodic_mdps(), discounted_mdps(sparse=None)))
    policy = data.draw(policies(mdp))
    V = evaluate(mdp, policy).V
    reference = value(mdp, mdp.policy(policy))
    np.testing.assert_allclose(V[0] if V.ndim == 2 else V, reference, rtol=1e-10, atol=1e-12)


@given(st.data())
def test_the_value_is_the_occupancy_times_the_reward(data):
    mdp = data.draw(st.one_of(episodic_mdps(), discounted_mdps()))
    policy = data.draw(policies(mdp))
    total = (occupancy(mdp, policy) * mdp.r).sum()
    scale = 1.0 if isinstance(mdp, EpisodicMDP) else 1.0 / (1.0 - mdp.gamma)
    np.testing.assert_allclose(scale * total, mdp.mu0 @ value(mdp, mdp.policy(policy)), rtol=1e-9, atol=1e-12)


@given(episodic_mdps())
def test_backward_induction_is_optimal(mdp):
    np.testing.assert_allclose(backward_induction(mdp).V[0], best_value(mdp), rtol=1e-12, atol=1e-14)


@settings(max_examples=30)
@given(discounted_mdps(max_states=3, max_actions=2))
def test_no_deterministic_policy_beats_policy_iteration(mdp):
    np.testing.assert_allclose(policy_iteration(mdp).V, best_value(mdp), rtol=1e-9, atol=1e-12)


@given(st.data())
def test_names_do_not_matter(data):
    mdp = data.draw(discounted_mdps())
    states = np.array(data.draw(st.permutations(range(mdp.S))))
    actions = np.array(data.draw(st.permutations(range(mdp.A))))
    twin = relabelled(mdp, states, actions)
    s, a = np.meshgrid(np.arange(mdp.S), np.arange(mdp.A), indexing="ij")
    assert np.array_equal(twin.r[states[s], actions[a]], mdp.r)
    assert np.array_equal(twin.P[states[s], actions[a]][:, :, states], mdp.P)
    np.testing.assert_allclose(policy_iteration(twin).V[states], policy_iteration(mdp).V, rtol=1e-9, atol=1e-12)


@given(st.one_of(episodic_mdps(), discounted_mdps()))
def test_proportional_data_reproduce_the_model_exactly(mdp):
    data = proportional_data(mdp, 64)
    by_step = isinstance(mdp, EpisodicMDP)
    assert isinstance(data, OfflineDataset)
    assert (data.counts(by_step=by_step) == 64).all()
    assert np.array_equal(data.transition_counts(by_step=by_step) / 64, mdp.P)
    assert np.array_equal(data.mean_rewards(by_step=by_step), mdp.r)


@given(discounted_mdps())
def test_a_long_horizon_is_the_discounted_problem_with_a_reset(mdp):
    """Discounting is stopping: an absorbing extra state entered with probability 1 - gamma has the same value."""
    S, A = mdp.S, mdp.A
    P = np.zeros((S + 1, A, S + 1))
    P[:S, :, :S] = mdp.gamma * mdp.P
    P[:S, :, S] = 1.0 - mdp.gamma
    P[S, :, S] = 1.0
    stopped = EpisodicMDP(P, np.vstack([mdp.r, np.zeros((1, A))]), np.append(mdp.mu0, 0.0), H=2500)
    assert isinstance(mdp, DiscountedMDP)
    np.testing.assert_allclose(backward_induction(stopped).V[0][:S], policy_iteration(mdp).V, rtol=1e-9, atol=1e-10)
