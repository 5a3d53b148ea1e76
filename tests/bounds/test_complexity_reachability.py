"""Largest occupancies and coverage: closed forms, definitions by enumeration, invariants, data that do not cover."""

import itertools

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from bounds import complexity
from experiments import instances
from tabular import planning
from tabular.errors import ParameterError
from tabular.models import BernoulliBandit, ContextualBandit, DiscountedMDP, EpisodicMDP
from tabular.testing import discounted_mdps, episodic_mdps, policies

SEEDS = st.integers(0, 2**16)


def tree(A, H):
    """Complete A-ary tree: the state is the path so far."""
    sizes = [A**h for h in range(H)]
    first = np.cumsum([0, *sizes])
    S = first[-1]
    P = np.zeros((S, A, S))
    for h in range(H):
        for i in range(sizes[h]):
            for a in range(A):
                P[first[h] + i, a, first[h + 1] + i * A + a if h + 1 < H else 0] = 1.0
    return EpisodicMDP(P, np.zeros((S, A)), np.eye(S)[0], H=H)


def river(H, S=6):
    one = instances.riverswim(S)
    return EpisodicMDP(one.P, one.r, one.mu0, H=H)


RIVER = (2, 3.2, 3.62, 4.187, 4.6448, 5.1176, 5.565, 5.9962, 6.3999, 6.7746)


@pytest.mark.parametrize(
    ("model", "value"),
    [
        (BernoulliBandit([0.1, 0.2, 0.3, 0.4]), 4),
        (ContextualBandit([0.2, 0.8], np.zeros((2, 3))), 3),
        (instances.combination_lock(1, 3), 3),
        (instances.combination_lock(2, 3), 6),
        (instances.combination_lock(7, 4), 8),
        (instances.deep_sea(3), 6),
        (instances.deep_sea(8), 16),
        (instances.deep_sea(4, grid=True), 8),
        (tree(2, 4), 16),
        (tree(3, 3), 27),
    ],
)
def test_coverability_in_closed_form(model, value):
    found = complexity.coverability(model)
    assert found.lower <= value <= found.upper
    assert found.width <= 1e-11 * value


def test_coverability_of_riverswim_over_layers():
    layers = complexity.largest_occupancies(river(20)).value.sum(axis=(1, 2))
    np.testing.assert_allclose(layers[:10], RIVER, atol=5e-5)
    assert layers[19] == pytest.approx(8.7761, abs=5e-5)
    assert complexity.coverability(river(20)).value == pytest.approx(layers.max())


def test_a_single_policy_falls_below_and_a_class_is_not_the_dynamic_program():
    model = river(6)
    right = np.ones((6, 6), dtype=int)
    alone = complexity.coverability(model, policies=[right])
    assert alone.value == pytest.approx(1.0)
    both = complexity.coverability(model, policies=[right, 0 * right])
    assert 1.0 < both.lower < both.upper < complexity.coverability(model).lower - 1.0
    found = complexity.largest_occupancies(model, policies=[0 * right, right])
    occupancies = np.array([planning.occupancy(model, policy) for policy in (0 * right, right)])
    assert np.array_equal(found.value > 0.0, occupancies.max(axis=0) > 0.0)
    np.testing.assert_allclose(
        np.take_along_axis(occupancies, found.witness[None], axis=0)[0], occupancies.max(axis=0), atol=1e-14
    )


def test_discounted_occupancies_of_each_pair_by_enumeration():
    for seed, gamma in itertools.product(range(4), (0.0, 0.5, 0.99)):
        model = instances.random_discounted(4, 2, gamma, alpha=0.3, rng=seed)
        every = [planning.occupancy(model, np.array(pi)) for pi in itertools.product(range(2), repeat=4)]
        found = complexity.largest_occupancies(model)
        best = np.max(every, axis=0)
        assert (found.lower <= best * (1 + 1e-12)).all()
        assert (best <= found.upper * (1 + 1e-12) + 1e-15).all()
        assert found.width < 1e-10
        listed = complexity.largest_occupancies(model, policies=np.array(list(itertools.product(range(2), repeat=4))))
        np.testing.assert_allclose(listed.value, best, atol=1e-12)


def test_states_out_of_reach_have_occupancy_exactly_zero():
    P = np.zeros((3, 1, 3))
    P[[0, 1], 0, [1, 0]] = 1.0
    P[2, 0, 2] = 1.0
    for model in (
        DiscountedMDP(P, np.ones((3, 1)), 0.9, np.eye(3)[0]),
        EpisodicMDP(P, np.ones((3, 1)), np.eye(3)[0], H=4),
    ):
        found = complexity.largest_occupancies(model)
        assert not found.upper[..., 2, :].any()
    assert complexity.coverability(DiscountedMDP(P, np.ones((3, 1)), 0.9, np.eye(3)[0])).value == pytest.approx(1.0)


def test_without_a_future_only_the_start_must_be_covered():
    P = np.full((2, 1, 2), 0.5)
    blind = DiscountedMDP(P, np.ones((2, 1)), 0.0, [1.0, 0.0])
    assert complexity.all_policy_concentrability(blind, [[1.0], [0.0]]).value == pytest.approx(1.0)
    assert complexity.all_policy_concentrability(DiscountedMDP(P, blind.r, 0.5, [1.0, 0.0]), [[1.0], [0.0]]).exact


def test_data_that_miss_a_pair_in_use_give_infinity_and_no_large_number():
    model = instances.random_episodic(3, 2, 3, rng=0)
    mu = np.full((3, 2), 0.2)
    mu[1, 1] = 0.0
    uniform = np.full((3, 3, 2), 0.5)
    for found in (
        complexity.single_policy_concentrability(model, mu, uniform),
        complexity.all_policy_concentrability(model, mu),
        complexity.all_policy_concentrability(model, mu, policies=[uniform]),
        complexity.chi_square_concentrability(model, mu, uniform),
        complexity.clipped_concentrability(model, mu, uniform),
        complexity.feature_coverage(model, mu, uniform, np.eye(6).reshape(3, 2, 6)),
    ):
        assert found.lower == found.upper == np.inf
    elsewhere = np.zeros((3, 3), dtype=int)
    assert complexity.all_policy_concentrability(model, mu, policies=[elsewhere]).upper < np.inf
    tiny = np.full((3, 2), (1 - 1e-300) / 5)
    tiny[1, 1] = 1e-300
    assert complexity.all_policy_concentrability(model, tiny).upper < np.inf


@given(st.data(), st.one_of(episodic_mdps(), discounted_mdps(max_gamma=0.95)))
def test_no_policy_exceeds_the_largest_occupancy(data, model):
    found = complexity.largest_occupancies(model)
    d = planning.occupancy(model, data.draw(policies(model)))
    assert (d <= found.upper + 1e-12).all()
    assert not d[found.upper == 0.0].any()


@given(st.data(), st.one_of(episodic_mdps(), discounted_mdps(max_gamma=0.95)))
def test_classes_grow_up_to_all_policies(data, model):
    chosen = [data.draw(policies(model)) for _ in range(3)]
    values = [complexity.coverability(model, policies=chosen[: k + 1]).value for k in range(3)]
    values.append(complexity.coverability(model).value)
    assert all(one <= two * (1 + 1e-9) for one, two in itertools.pairwise(values))
    assert values[0] == pytest.approx(1.0)


@settings(max_examples=30)
@given(st.data(), episodic_mdps(), SEEDS)
def test_coverage_ignores_rewards_and_names(data, model, seed):
    rng = np.random.default_rng(seed)
    states, actions = rng.permutation(model.S), rng.permutation(model.A)
    P = model.P[:, states][:, :, actions][:, :, :, states]
    other = EpisodicMDP(P, rng.normal(size=model.r.shape), model.mu0[states])
    one, two = complexity.largest_occupancies(model), complexity.largest_occupancies(other)
    np.testing.assert_allclose(two.value, one.value[:, states][:, :, actions], atol=1e-12)
    assert complexity.coverability(other).value == pytest.approx(complexity.coverability(model).value)


@given(st.data(), st.one_of(episodic_mdps(), discounted_mdps(max_gamma=0.95)), SEEDS)
def test_any_data_cover_no_better_and_a_share_of_the_best_law_suffices(data, model, seed):
    rng = np.random.default_rng(seed)
    cover = complexity.coverability(model)
    H = model.r.shape[0] if model.r.ndim == 3 else 1
    law = rng.dirichlet(np.ones(model.S * model.A), size=H).reshape(model.r.shape)
    assert complexity.all_policy_concentrability(model, law).upper >= cover.lower * (1 - 1e-9)
    assert complexity.all_policy_concentrability(model, cover.witness).value == pytest.approx(cover.value, rel=1e-9)
    policy = data.draw(policies(model))
    mixed = complexity.single_policy_concentrability(model, 0.75 * law + 0.25 * cover.witness, policy)
    assert mixed.lower <= 4.0 * cover.upper * (1 + 1e-9)


@settings(max_examples=40)
@given(st.data(), episodic_mdps(), SEEDS)
def test_feature_coverage_is_the_generalised_eigenvalue(data, model, seed):
    rng = np.random.default_rng(seed)
    policy = data.draw(policies(model))
    mu = rng.dirichlet(np.ones(model.S * model.A), size=model.r.shape[0]).reshape(model.r.shape)
    mu = 0.9 * mu + 0.1 / (model.S * model.A)
    d = planning.occupancy(model, policy)
    size = int(rng.integers(1, model.S * model.A + 1))
    phi = rng.normal(size=(model.S, model.A, size))
    rows = phi.reshape(-1, size)
    largest = max(
        scipy.linalg.eigh(rows.T @ (one.reshape(-1, 1) * rows), rows.T @ (two.reshape(-1, 1) * rows))[0][-1]
        for one, two in zip(d, mu, strict=True)
    )
    found = complexity.feature_coverage(model, mu, policy, phi)
    assert found.value == pytest.approx(largest, rel=1e-6)
    assert found.width <= 1e-6 * found.upper
    single = complexity.single_policy_concentrability(model, mu, policy)
    assert found.lower <= single.upper * (1 + 1e-9)
    h, theta = found.witness
    seen = (d[h].ravel() @ (rows @ theta) ** 2) / (mu[h].ravel() @ (rows @ theta) ** 2)
    assert seen == pytest.approx(found.lower, rel=1e-9)
    turned = complexity.feature_coverage(model, mu, policy, phi @ (rng.normal(size=(size, size)) + 3 * np.eye(size)))
    assert turned.value == pytest.approx(found.value, rel=1e-5)
    one_hot = complexity.feature_coverage(model, mu, policy, np.eye(len(rows)).reshape(*phi.shape[:2], -1))
    assert one_hot.value == pytest.approx(single.value, rel=1e-9)


def test_features_decide_what_data_must_cover():
    bandit = BernoulliBandit([0.5, 0.5, 0.5])
    mu = np.array([0.5, 0.5, 0.0])
    same = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    assert complexity.feature_coverage(bandit, mu, 2, same).value == pytest.approx(4.0)
    apart = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 1e-6]])
    found = complexity.feature_coverage(bandit, mu, 2, apart)
    assert found.exact
    assert found.value == np.inf
    flat = np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])
    assert complexity.feature_coverage(bandit, mu, 2, flat).value == pytest.approx(9 / 2.5)
    assert complexity.feature_coverage(bandit, mu, 2, np.zeros((3, 2))).value == 0.0


def test_refusals_of_classes_and_features():
    model = instances.random_episodic(2, 2, 2, rng=0)
    mu, policy = np.full((2, 2), 0.25), np.zeros((2, 2), dtype=int)
    with pytest.raises(ParameterError, match="number of policies"):
        complexity.coverability(model, policies=[])
    with pytest.raises(ParameterError, match="features has shape"):
        complexity.feature_coverage(model, mu, policy, np.zeros((2, 3, 2)))
    with pytest.raises(ParameterError, match="tau"):
        complexity.feature_coverage(model, mu, policy, np.zeros((2, 2, 2)), tau=2.0)
    with pytest.raises(ValueError, match="policy"):
        complexity.largest_occupancies(model, policies=[np.full((2, 2), 2)])
