"""The planners against QuantEcon's solvers, on models that neither side chose for the other."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import instances
from tabular import planning
from tabular.models import DiscountedMDP

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    quantecon = pytest.importorskip("quantecon")


def reference(mdp, method):
    ddp = quantecon.markov.DiscreteDP(np.array(mdp.r), np.array(mdp.dense_P()), mdp.gamma)
    return ddp.solve(method=method, epsilon=1e-10, max_iter=100_000)


def models():
    return st.builds(
        lambda seed, S, A, gamma, alpha: instances.random_discounted(S, A, gamma, alpha=alpha, rng=seed),
        st.integers(0, 10**6),
        st.integers(1, 8),
        st.integers(1, 4),
        st.sampled_from([0.5, 0.9, 0.99]),
        st.sampled_from([0.1, 1.0]),
    )


@given(models())
def test_policy_iteration_agrees(mdp):
    theirs, ours = reference(mdp, "policy_iteration"), planning.policy_iteration(mdp)
    np.testing.assert_allclose(ours.V, theirs.v, rtol=1e-10)
    np.testing.assert_allclose(planning.evaluate(mdp, np.asarray(theirs.sigma)).V, ours.V, rtol=1e-10)


@given(models())
def test_their_value_iteration_lies_in_our_enclosure(mdp):
    theirs = reference(mdp, "modified_policy_iteration")
    ours = planning.value_iteration(mdp, tol=1e-8)
    assert np.all(np.abs(ours.V - theirs.v) <= 1e-8)


@given(st.integers(0, 10**6), st.integers(1, 10))
def test_stationary_law_agrees(seed, S):
    chain = 0.9 * instances.dirichlet_rows((S, S), 0.3, seed) + 0.1 / S
    theirs = quantecon.MarkovChain(chain).stationary_distributions[0]
    assert planning.stationary_distribution(chain) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("variant", ["osband", "ucrl3"])
def test_river_agrees(variant):
    river = instances.riverswim(6, variant=variant)
    mdp = DiscountedMDP(river.P, river.r, 0.99)
    theirs = reference(mdp, "policy_iteration")
    np.testing.assert_allclose(planning.policy_iteration(mdp).V, theirs.v, rtol=1e-10)
    assert planning.policy_iteration(mdp).policy.tolist() == theirs.sigma.tolist()


def test_control_their_default_stops_short_of_the_optimum():
    """At discount 0.9999 value iteration with 250 sweeps is thousands away; the enclosure says so."""
    mdp = instances.random_discounted(4, 2, 0.9999, rng=0)
    ddp = quantecon.markov.DiscreteDP(np.array(mdp.r), np.array(mdp.dense_P()), mdp.gamma)
    theirs = ddp.solve(method="value_iteration", epsilon=1e-3)
    plan = planning.policy_iteration(mdp)
    assert np.any(theirs.v < plan.lower - 100.0)
