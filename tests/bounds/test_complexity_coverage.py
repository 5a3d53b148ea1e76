"""Concentrability and coverability against enumeration of policies, closed forms and inequalities between them."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounds import complexity
from experiments import instances
from tabular import planning
from tabular.errors import CertificateError, ParameterError
from tabular.models import BernoulliBandit, ContextualBandit, DiscountedMDP, EpisodicMDP, MatrixGame

SMALL = st.integers(0, 2**16).map(np.random.default_rng)


def small_model(rng, kind):
    """A model with ties, zero-probability transitions and unreachable states."""
    S, A, H = (int(rng.integers(1, high)) for high in (4, 4, 4))
    P = np.zeros((H, S, A, S))
    for row in P.reshape(-1, S):
        row[rng.integers(S)] += 0.5
        row[rng.integers(S)] += 0.5
    mu0 = np.zeros(S)
    mu0[rng.integers(S)] = 1.0
    r = rng.integers(0, 3, size=(H, S, A)) / 2.0
    if kind == "episodic":
        return EpisodicMDP(P, r, mu0)
    return DiscountedMDP(P[0], r[0], 0.75, mu0)


def data_law(rng, shape, holes=0.0):
    weights = rng.random(shape) * (rng.random(shape) >= holes)
    if len(shape) == 3:
        weights[:, 0, 0] += 0.1
        return weights / weights.sum(axis=(1, 2), keepdims=True)
    weights.flat[0] += 0.1
    return weights / weights.sum()


def all_occupancies(model):
    """(value, occupancy) of every deterministic policy, the occupancy by plain loops."""
    if isinstance(model, EpisodicMDP):
        H, S, A = model.r.shape
        for choice in itertools.product(range(A), repeat=H * S):
            pi = np.reshape(choice, (H, S))
            d, state, value = np.zeros((H, S, A)), model.mu0, 0.0
            for h in range(H):
                after = np.zeros(S)
                for s in range(S):
                    d[h, s, pi[h, s]] = state[s]
                    after += state[s] * model.P[h, s, pi[h, s]]
                    value += state[s] * model.r[h, s, pi[h, s]]
                state = after
            yield value, d, pi
    else:
        S, A = model.r.shape
        for choice in itertools.product(range(A), repeat=S):
            pi = np.array(choice)
            state, total = model.mu0, np.zeros(S)
            for t in range(160):
                total = total + (1 - model.gamma) * model.gamma**t * state
                state = state @ model.P[np.arange(S), pi]
            d = np.zeros((S, A))
            d[np.arange(S), pi] = total
            yield float((d * model.r).sum()), d, pi


def ratio(d, mu):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(d > 0, d / mu, 0.0).max()


@pytest.mark.parametrize("kind", ["episodic", "discounted"])
@settings(max_examples=25)
@given(rng=SMALL)
def test_coverage_over_all_policies_equals_enumeration(kind, rng):
    model = small_model(rng, kind)
    if model.A ** (model.S * (model.r.shape[0] if kind == "episodic" else 1)) > 800:
        return
    shape = model.r.shape
    mu = data_law(rng, shape)
    best = np.zeros(shape)
    for _, d, _ in all_occupancies(model):
        best = np.maximum(best, d)
    found = complexity.all_policy_concentrability(model, mu)
    assert found.lower <= ratio(best, mu) * (1 + 1e-12)
    assert ratio(best, mu) <= found.upper * (1 + 1e-12)
    assert found.width < 1e-9 * max(1.0, found.upper)
    cover = complexity.coverability(model)
    total = best.reshape(-1, model.S * model.A).sum(axis=1).max()
    assert cover.value == pytest.approx(total, rel=1e-10)
    assert 1 - 1e-12 <= cover.value <= model.S * model.A + 1e-12
    attained = complexity.all_policy_concentrability(model, cover.witness)
    assert attained.value == pytest.approx(total, rel=1e-9)
    assert found.upper >= cover.lower * (1 - 1e-12)


@pytest.mark.parametrize("kind", ["episodic", "discounted"])
@settings(max_examples=25)
@given(rng=SMALL)
def test_named_policies_equal_the_definitions(kind, rng):
    model = small_model(rng, kind)
    mu = data_law(rng, model.r.shape, holes=0.3)
    for _, d, pi in itertools.islice(all_occupancies(model), 5):
        single = complexity.single_policy_concentrability(model, mu, pi)
        chi = complexity.chi_square_concentrability(model, mu, pi)
        clipped = complexity.clipped_concentrability(model, mu, pi)
        if ratio(d, mu) == np.inf:
            assert single.lower == chi.lower == clipped.lower == np.inf
            continue
        assert single.value == pytest.approx(ratio(d, mu), rel=1e-9)
        with np.errstate(divide="ignore", invalid="ignore"):
            square = np.where(d > 0, d**2 / mu, 0.0).reshape(-1, model.S * model.A).sum(axis=1).max()
        assert chi.value == pytest.approx(square, rel=1e-9)
        assert clipped.value == pytest.approx(ratio(np.minimum(d, 1 / model.S), mu), rel=1e-9)
        assert clipped.lower <= single.upper
        assert chi.upper >= 1 - 1e-9
        assert chi.lower <= single.upper * (1 + 1e-12)


@pytest.mark.parametrize("kind", ["episodic", "discounted"])
@settings(max_examples=40)
@given(rng=SMALL)
def test_best_covered_optimal_policy(kind, rng):
    model = small_model(rng, kind)
    if model.A ** (model.S * (model.r.shape[0] if kind == "episodic" else 1)) > 800:
        return
    mu = data_law(rng, model.r.shape, holes=0.3)
    every = list(all_occupancies(model))
    most = max(value for value, _, _ in every)
    optimal = [d for value, d, _ in every if value > most - 1e-9]
    found = complexity.single_policy_concentrability(model, mu)
    named = min(ratio(d, mu) for d in optimal)
    if found.upper == np.inf:
        assert named == np.inf
        return
    assert found.lower >= 1 - 1e-9
    assert found.upper <= named * (1 + 1e-6)
    assert found.upper - found.lower <= 1e-6 * found.upper
    mixture = sum(optimal) / len(optimal)
    assert found.lower <= ratio(mixture, mu) * (1 + 1e-9)
    witness = complexity.single_policy_concentrability(model, mu, found.witness)
    assert witness.upper == pytest.approx(found.upper, rel=1e-9)
    assert (found.witness * complexity.suboptimality_gaps(model).lower).max() < 1e-6
    value = planning.evaluate(model, found.witness).value
    best = planning.backward_induction(model) if kind == "episodic" else planning.policy_iteration(model)
    assert value == pytest.approx(best.value, abs=1e-7)


@pytest.mark.parametrize(
    "model", [instances.random_discounted(5, 3, 0.9, rng=1), instances.random_episodic(4, 3, 5, rng=1)]
)
def test_one_exactly_if_the_data_come_from_the_optimal_policy(model):
    plan = planning.policy_iteration(model) if isinstance(model, DiscountedMDP) else planning.backward_induction(model)
    d = planning.occupancy(model, plan.policy)
    assert complexity.single_policy_concentrability(model, d).value == pytest.approx(1.0, abs=1e-9)
    uniform = np.full(d.shape, 1.0 / (model.S * model.A))
    off = complexity.single_policy_concentrability(model, 0.9 * d + 0.1 * uniform)
    assert off.lower > 1.0 + 1e-3
    assert complexity.chi_square_concentrability(model, d, plan.policy).value == pytest.approx(1.0, abs=1e-9)


def test_bandits_in_closed_form():
    arms = BernoulliBandit([0.5, 0.5, 0.25])
    mu = np.array([0.125, 0.25, 0.625])
    assert complexity.single_policy_concentrability(arms, mu).value == pytest.approx(1 / 0.375, rel=1e-9)
    assert complexity.single_policy_concentrability(arms, mu, 1).value == pytest.approx(4.0)
    assert complexity.single_policy_concentrability(arms, mu, [0.5, 0.5, 0.0]).value == pytest.approx(4.0)
    assert complexity.all_policy_concentrability(arms, mu).value == pytest.approx(8.0)
    assert complexity.coverability(arms).value == pytest.approx(3.0)
    only_bad = complexity.single_policy_concentrability(arms, [0.0, 0.0, 1.0])
    assert only_bad.exact
    assert only_bad.value == np.inf
    contexts = ContextualBandit([0.25, 0.75], [[1.0, 0.0], [0.5, 0.5]])
    mu = np.array([[0.1, 0.2], [0.3, 0.4]])
    assert complexity.single_policy_concentrability(contexts, mu).value == pytest.approx(max(2.5, 0.75 / 0.7), rel=1e-9)
    assert complexity.coverability(contexts).value == pytest.approx(2.0)


def test_an_unreachable_gap_in_the_data_does_not_count():
    P = np.zeros((3, 1, 3))
    P[[0, 1], 0, [1, 0]] = 1.0
    P[2, 0, 2] = 1.0
    model = DiscountedMDP(P, np.ones((3, 1)), 0.5, [1.0, 0.0, 0.0])
    mu = np.array([[0.5], [0.5], [0.0]])
    assert complexity.single_policy_concentrability(model, mu).value == pytest.approx(4 / 3)
    assert complexity.all_policy_concentrability(model, mu).value == pytest.approx(4 / 3)
    assert complexity.all_policy_concentrability(model, [[1.0], [0.0], [0.0]]).value == np.inf


def test_a_solver_that_lies_is_caught(monkeypatch):
    import scipy.optimize

    honest = scipy.optimize.linprog
    model = instances.random_discounted(4, 3, 0.9, rng=2)
    model = DiscountedMDP(model.P, np.zeros((4, 3)), 0.9, model.mu0)
    mu = data_law(np.random.default_rng(0), (4, 3))

    def lying(cost, **options):
        answer = honest(cost, **options)
        answer.x[:-1] = answer.x[:-1][::-1].copy()
        return answer

    assert complexity.single_policy_concentrability(model, mu).width < 1e-9
    monkeypatch.setattr(scipy.optimize, "linprog", lying)
    with pytest.raises(CertificateError, match="disagree"):
        complexity.single_policy_concentrability(model, mu)


def test_refusals():
    arms = BernoulliBandit([0.5, 0.25])
    with pytest.raises(ParameterError, match="shape"):
        complexity.all_policy_concentrability(arms, [1.0])
    with pytest.raises(ParameterError, match="MatrixGame"):
        complexity.coverability(MatrixGame([[0.0]]))
    with pytest.raises(ParameterError, match="sums to"):
        complexity.all_policy_concentrability(arms, [0.5, 0.4])


def _rare_pairs(p):
    """Two states and two actions; the second of each has probability p at every step."""
    P = np.broadcast_to([1.0 - p, p], (3, 2, 2, 2)).copy()
    return EpisodicMDP(P, np.zeros((3, 2, 2)), np.array([1.0 - p, p])), np.array([1.0 - p, p])


@pytest.mark.parametrize("p", [1e-3, 1e-9, 1e-40])
def test_own_coverage_is_one_however_rare_a_pair(p):
    model, action = _rare_pairs(p)
    policy = np.broadcast_to(action, (3, 2, 2))
    d = planning.occupancy(model, policy)
    for found in (
        complexity.single_policy_concentrability(model, d, policy),
        complexity.chi_square_concentrability(model, d, policy),
    ):
        assert found.lower == pytest.approx(1.0, abs=1e-12)
        assert found.upper == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("gamma", [0.5, 0.99])
@pytest.mark.parametrize("p", [1e-3, 1e-6, 1e-9])
def test_own_discounted_coverage_is_one_however_rare_a_pair(p, gamma):
    episodic, action = _rare_pairs(p)
    model = DiscountedMDP(episodic.P[0], episodic.r[0], gamma, episodic.mu0)
    policy = np.tile(action, (2, 1))
    found = complexity.single_policy_concentrability(model, planning.occupancy(model, policy), policy)
    assert found.lower == pytest.approx(1.0, abs=1e-10)
    assert found.upper == pytest.approx(1.0, abs=1e-10)


@pytest.mark.parametrize("p", [1e-3, 1e-9, 1e-20])
def test_one_hot_features_are_certified_however_rare_a_pair(p):
    model, action = _rare_pairs(p)
    policy = np.broadcast_to(action, (3, 2, 2))
    d = planning.occupancy(model, policy)
    found = complexity.feature_coverage(model, d, policy, np.eye(4).reshape(2, 2, 4))
    assert found.lower == pytest.approx(1.0, abs=1e-12)
    assert found.upper == pytest.approx(1.0, abs=1e-12)
    h, theta = found.witness
    square = (np.eye(4) @ theta) ** 2
    assert d[h].ravel() @ square == pytest.approx(found.lower * (d[h].ravel() @ square))
