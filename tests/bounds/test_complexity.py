"""Average-reward quantities and gaps: published numbers, definitions, enclosures."""

from fractions import Fraction

import naive_average
import numpy as np
import pytest
from hypothesis import given, settings

from bounds import complexity
from experiments import instances
from tabular import planning
from tabular.errors import ModelError
from tabular.models import AverageRewardMDP, BernoulliBandit

TABLES = naive_average.dyadic_tables(max_states=4, max_actions=2)


def test_certified_says_how_well_a_number_is_known():
    exact = complexity.Certified(np.inf, np.inf, "by definition")
    assert exact.exact
    assert exact.value == np.inf
    assert exact.width == 0.0
    near = complexity.Certified(Fraction(1), Fraction(2), "bracketed")
    assert not near.exact
    assert near.value == Fraction(3, 2)
    arrays = complexity.Certified(np.array([0.0, np.inf]), np.array([0.5, np.inf]), "bracketed")
    assert arrays.width == 0.5
    with pytest.raises(ValueError, match="lower <= upper"):
        complexity.Certified(2.0, 1.0, "wrong way round")


@pytest.mark.parametrize(("variant", "exact"), [("osband", "106045/7203"), ("ucrl3", "555245/62208")])
def test_riverswim_diameter(variant, exact):
    river = instances.riverswim(6, variant=variant)
    found = complexity.diameter(river, max_denominator=1000)
    assert found.exact
    assert found.value == Fraction(exact)
    assert found.witness == (0, 5)
    enclosed = complexity.diameter(river)
    assert enclosed.lower <= found.value <= enclosed.upper
    assert enclosed.width < 1e-11


def test_riverswim_mixing_spectrum_and_gaps():
    river = instances.riverswim(6)
    right = np.ones(6, dtype=int)
    assert complexity.mixing_time(river, right).exact
    assert complexity.mixing_time(river, right).value == 13
    assert complexity.second_eigenvalue_modulus(river, right) == pytest.approx(0.80542, abs=5e-6)
    assert complexity.spectral_gap(river, right) == pytest.approx(1 - 0.80542, abs=5e-6)
    gaps = complexity.suboptimality_gaps(river)
    np.testing.assert_allclose(
        gaps.value[:, 0], [0.423622, 1.142993, 1.755311, 1.842785, 1.855281, 1.857066], atol=5e-7
    )
    exact = complexity.suboptimality_gaps(river, max_denominator=1000)
    assert exact.exact
    assert set(exact.value[:, 1]) == {0}
    assert (gaps.lower <= exact.value.astype(float)).all()
    assert (exact.value.astype(float) <= gaps.upper).all()
    assert complexity.bias_span(river, max_denominator=1000).value == Fraction(21209, 3361)
    assert complexity.bias_span(river).lower <= Fraction(21209, 3361) <= complexity.bias_span(river).upper


@given(TABLES)
def test_diameter_and_span_enclose_the_exact_ones(tables):
    P, r = tables
    mdp = AverageRewardMDP(P, r)
    exact, found = complexity.diameter(mdp, max_denominator=8), complexity.diameter(mdp)
    assert found.lower <= exact.value <= found.upper
    span, exact_span = complexity.bias_span(mdp), complexity.bias_span(mdp, max_denominator=8)
    assert span.lower <= exact_span.value <= span.upper
    assert span.width < 1e-8
    if np.isfinite(float(exact.value)):
        assert exact_span.value <= (r.max() - r.min()) * exact.value
        S, A = r.shape
        assert exact.value >= (np.log(S) / np.log(A) if A > 1 else 0) - 3


@settings(max_examples=30)
@given(naive_average.dyadic_tables(max_states=4, max_actions=1))
def test_mixing_time_is_the_first_time_within_eps(tables):
    P = tables[0][:, 0]
    if planning.recurrent_classes(P).max() > 0:
        with pytest.raises(ModelError, match="recurrent classes"):
            complexity.mixing_time(P)
        return
    found = complexity.mixing_time(P)
    law = planning.stationary_distribution(P)
    distances, power = [], np.eye(len(P))
    for _ in range(400):
        distances.append(0.5 * np.abs(power - law).sum(axis=1).max())
        power = power @ P
    late = [t for t, x in enumerate(distances) if x > 0.25 + 1e-12]
    if found.value == np.inf:
        assert distances[-1] > 0.25
    else:
        early = [t for t, x in enumerate(distances) if x <= 0.25 + 1e-9]
        assert found.lower == early[0]
        assert found.upper >= (late[-1] + 1 if late else 0)


def test_mixing_time_of_the_lazy_coin_is_exact_and_a_period_never_mixes():
    slow = np.array([[1 - 2.0**-20, 2.0**-20], [2.0**-20, 1 - 2.0**-20]])
    found = complexity.mixing_time(slow)
    assert found.exact
    assert found.value == int(np.ceil(np.log(0.5) / np.log1p(-(2.0**-19))))
    assert complexity.mixing_time(instances.two_cycle(), [0, 0]).value == np.inf
    assert complexity.mixing_time(np.ones((1, 1))).value == 0


@given(TABLES)
def test_gaps_vanish_at_the_optimal_policy_only(tables):
    P, r = tables
    mdp = AverageRewardMDP(P, r)
    found = complexity.suboptimality_gaps(mdp, max_denominator=8)
    assert all(found.value[s, a] == 0 for s, a in enumerate(found.witness))
    if planning.classify(mdp).weakly_communicating:
        assert found.value.min() >= 0


def test_gaps_of_bandits_and_finite_horizons():
    bandit = complexity.suboptimality_gaps(BernoulliBandit([0.25, 0.75, 0.5]))
    np.testing.assert_allclose(bandit.value, [0.5, 0.0, 0.25], atol=1e-15)
    lock = complexity.suboptimality_gaps(instances.combination_lock(3))
    assert lock.value.shape == (3, 4, 2)
    np.testing.assert_allclose([lock.value[h, h, 0] for h in range(3)], 1.0, atol=1e-12)
    for mdp, plan in [
        (m := instances.random_discounted(4, 3, 0.9, rng=0), planning.policy_iteration(m)),
        (m := instances.random_episodic(4, 3, 5, rng=0), planning.backward_induction(m)),
    ]:
        V = plan.V[:-1] if plan.V.ndim == 2 else plan.V
        gaps = complexity.suboptimality_gaps(mdp)
        assert (gaps.lower <= V[..., None] - plan.Q + 1e-12).all()
        assert (V[..., None] - plan.Q <= gaps.upper + 1e-12).all()
        assert gaps.width < 1e-9
