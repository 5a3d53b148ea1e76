"""Least expected hitting times against enumeration in fractions and published diameters."""

from fractions import Fraction

import naive_average
import numpy as np
import pytest
from hypothesis import given

from experiments import instances
from tabular import planning
from tabular.models import AverageRewardMDP

TABLES = naive_average.dyadic_tables(max_states=4, max_actions=2, rewards=False)


@given(TABLES)
def test_exact_times_equal_enumeration(tables):
    P, _ = tables
    times = planning.exact_hitting_times(P)
    naive = naive_average.hitting_times(P)
    assert [[None if x == np.inf else x for x in row] for row in times] == naive


@given(TABLES)
def test_enclosure_contains_the_exact_times(tables):
    P, r = tables
    exact = planning.exact_hitting_times(P)
    found = planning.minimal_hitting_times(AverageRewardMDP(P, r))
    S = P.shape[0]
    for s in range(S):
        for t in range(S):
            assert found.lower[s, t] <= exact[s, t] <= found.upper[s, t]
            assert found.upper[s, t] == exact[s, t] or found.upper[s, t] - found.lower[s, t] < 1e-9 * exact[s, t]


@given(TABLES)
def test_times_are_finite_between_all_pairs_exactly_if_communicating(tables):
    P, r = tables
    mdp = AverageRewardMDP(P, r)
    assert np.isfinite(planning.hitting_times(mdp)).all() == planning.classify(mdp).communicating


@given(naive_average.dyadic_tables(max_actions=3))
def test_another_action_never_lengthens_a_time_and_rewards_play_no_part(tables):
    P, r = tables
    fewer = planning.exact_hitting_times(P[:, :1])
    more = planning.exact_hitting_times(P)
    assert (more <= fewer).all()
    one = planning.hitting_times(AverageRewardMDP(P, r))
    np.testing.assert_array_equal(one, planning.hitting_times(AverageRewardMDP(P, r * 0)))


@pytest.mark.parametrize(("variant", "diameter"), [("osband", "106045/7203"), ("ucrl3", "555245/62208")])
def test_riverswim_diameter_in_fractions(variant, diameter):
    P, _ = instances.riverswim_fractions(6, variant=variant)
    times = planning.exact_hitting_times(P)
    assert times.max() == times[0, 5] == Fraction(diameter)


@pytest.mark.parametrize(
    ("S", "variant", "diameter"), [(12, "osband", 34.722222), (20, "osband", 61.388889), (12, "ucrl3", 19.834711)]
)
def test_larger_rivers(S, variant, diameter):
    assert planning.hitting_times(instances.riverswim(S, variant=variant)).max() == pytest.approx(diameter, abs=5e-7)


def test_policy_attains_the_times():
    mdp = instances.riverswim(6)
    found = planning.minimal_hitting_times(mdp)
    for t in range(6):
        chain = mdp.P[np.arange(6), found.policies[t]].copy()
        others = [s for s in range(6) if s != t]
        times = np.linalg.solve(np.eye(5) - chain[np.ix_(others, others)], np.ones(5))
        np.testing.assert_allclose(found.times[others, t], times, rtol=1e-12)
