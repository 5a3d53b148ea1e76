"""Small kernels that every online learner is made of, met directly, each against one line of mathematics."""

import itertools
import math

import numpy as np
import pytest

from experiments.instances import random_episodic
from tabular import EpisodicMDP
from tabular.learning.online import _confidence as confidence
from tabular.learning.online import _evaluators as evaluators
from tabular.learning.online._counts import _is_dense, _mean_ahead, _record, counts_of, empty_counts
from tabular.learning.online._episodes import (
    _margin,
    _policy_value,
    _same_policy,
    _stochastic_policy_value,
    dynamics,
)
from tabular.learning.online._evaluators import BERNSTEIN, KL, L1, radii_of
from tabular.learning.online._lp_episodes import empirical_rows
from tabular.learning.online._stepmix_kernels import _mixing
from tabular.planning import evaluate


@pytest.mark.parametrize(("S", "A", "H"), [(2, 3, 4), (5, 1, 2), (3, 2, 1)])
@pytest.mark.parametrize("delta", [0.5, 0.01])
def test_radii_are_the_published_formulas(S, A, H, delta):
    for n in (1.0, 2.0, 7.0, 1000.0):
        pairs = math.log(3 * S * A * H / delta)
        arguments = (n, delta, S, A, H)
        assert confidence._beta(*arguments) == pytest.approx(pairs + S * math.log(8 * math.e * (n + 1)), rel=1e-14)
        assert confidence._beta_star(*arguments) == pytest.approx(pairs + math.log(8 * math.e * (n + 1)), rel=1e-14)
        kl = math.log(S * A * H / delta) + (S - 1) * math.log(math.e * (1 + n / (S - 1)))
        assert confidence._beta_kl(*arguments) == pytest.approx(kl, rel=1e-14)
    assert confidence._beta_kl(4.0, delta, 1, A, H) == 0.0


@pytest.mark.parametrize("size", range(14))
def test_the_margin_looks_everywhere(size):
    rng = np.random.default_rng(size)
    optimal = rng.random(size)
    assert _margin(optimal, optimal) == (0.0 if size else math.inf)
    for i in range(size):
        Q = optimal + 1.0
        Q[i] -= 3.0
        assert _margin(Q, optimal) == pytest.approx(-2.0, abs=1e-12)


@pytest.mark.parametrize("stationary", [True, False])
@pytest.mark.parametrize("sparse", [True, False])
def test_values_of_policies_are_those_of_the_planner(stationary, sparse):
    rng = np.random.default_rng(3)
    for H, A in itertools.product((1, 2, 5), (1, 3)):
        S = 4
        mdp = random_episodic(S, A, H, rng=rng, stationary=stationary)
        P = mdp.P * (rng.random(mdp.P.shape[1 if stationary else 0 :]) < 0.6) if sparse else mdp.P
        P = np.where(P.sum(axis=-1, keepdims=True) > 0.0, P, np.eye(S)[0])
        P /= P.sum(axis=-1, keepdims=True)
        mdp = EpisodicMDP(P[0], mdp.r, H=H) if stationary else EpisodicMDP(P, mdp.r)
        model, work = dynamics(mdp), np.full((2, S), 7.0)
        policy = rng.integers(0, A, (H, S))
        assert _policy_value(model, policy, work) == pytest.approx(evaluate(mdp, policy).value, abs=1e-12)
        mixed = rng.dirichlet(np.ones(A), (H, S))
        mixed[0, 0] = np.eye(A)[0]
        assert _stochastic_policy_value(model, mixed, work) == pytest.approx(evaluate(mdp, mixed).value, abs=1e-12)


def test_policies_are_the_same_only_where_every_action_is():
    one = np.arange(6).reshape(3, 2) % 2
    assert _same_policy(one, one.copy())
    for h, s in np.ndindex(3, 2):
        other = one.copy()
        other[h, s] = 1 - other[h, s]
        assert not _same_policy(one, other)


def transitions(seed, H=3, S=4, A=2):
    """Visits of each successor; some pairs unseen, some seen once."""
    rng = np.random.default_rng(seed)
    seen = rng.integers(0, 4, (H, S, A, S)) * (rng.random((H, S, A, S)) < 0.5)
    seen[0, 0, 0], seen[0, 0, 1] = 0, np.eye(S)[2]
    return seen


def test_counts_are_what_was_recorded():
    seen = transitions(5)
    counts = empty_counts(*seen.shape[:3])
    rng = np.random.default_rng(0)
    rows = np.repeat(np.argwhere(seen > 0), seen[seen > 0], axis=0)
    for h, s, a, s_next in rng.permutation(rows):
        _record(counts, h, s, a, s_next)
    expected = counts_of(seen)
    for name in ("n", "degree", "column", "distinct", "successor", "weight"):
        assert getattr(counts, name).tolist() == getattr(expected, name).tolist(), name
    V = rng.random(4)
    for h, s, a in np.ndindex(seen.shape[:3]):
        assert _mean_ahead(counts, h, s, a, V) == pytest.approx(seen[h, s, a] @ V / max(seen[h, s, a].sum(), 1))


def test_empirical_rows_are_frequencies_and_uniform_where_nothing_was_seen():
    seen = transitions(6)
    n = seen.sum(axis=-1, keepdims=True)
    assert np.array_equal(empirical_rows(counts_of(seen)), np.where(n > 0, seen / np.maximum(n, 1), 0.25))


def test_columns_are_read_from_a_sixth_of_the_entries_on():
    """3 states, 2 actions: 18 entries of a table, so that 3 successors are few and 4 are many."""
    for distinct in range(7):
        seen = np.zeros((2, 3, 2, 3))
        seen[1].reshape(-1)[:distinct] = 5.0
        counts = counts_of(seen)
        assert _is_dense(counts, 1) == (distinct > 3)
        assert not _is_dense(counts, 0)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_extremes(sign):
    for V in itertools.permutations([-1.0, 0.5, 2.0]):
        assert evaluators._extreme_of(np.array(V), sign) == (2.0 if sign > 0 else -1.0)


@pytest.mark.parametrize("kind", [KL, L1, BERNSTEIN])
def test_radii_of_pairs_are_their_definitions(kind):
    seen, delta, scale = transitions(7), 0.1, 0.5
    H, S, A, _ = seen.shape
    radii = radii_of(kind, scale, delta, counts_of(seen))
    for h, s, a in np.ndindex(H, S, A):
        n = float(seen[h, s, a].sum())
        arguments = (n, delta, S, A, H)
        if n == 0.0:
            first, second = math.inf, 0.0
        elif kind == BERNSTEIN:
            first, second = confidence._beta_star(*arguments) / n, confidence._beta(*arguments) / n
        else:
            first, second = scale * confidence._beta_kl(*arguments) / n, 0.0
            first = math.sqrt(2.0 * first) if kind == L1 else first
        assert (radii.first[h, s, a], radii.second[h, s, a]) == (pytest.approx(first), pytest.approx(second))


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_bernstein_backups_are_their_definition(sign, scale):
    rng, H = np.random.default_rng(8), 3
    for m in (1, 2, 4):
        weight, successor = rng.integers(1, 5 if m > 1 else 2, m).astype(float), rng.permutation(5)[:m]
        V, upper, first, second = rng.random(5), 1.0 + rng.random(5), 0.3, 0.02
        n = weight.sum()
        p = weight / n
        mean, mean_upper = p @ V[successor], p @ upper[successor]
        variance = p @ (upper[successor] - mean_upper) ** 2
        gap = mean if sign > 0.0 else mean_upper - mean
        penalty = 3 * math.sqrt(variance * first) + 22 * H**2 * second + 2 / H * gap
        found = evaluators._bernstein(weight, successor, m, n, V, upper, H, scale, first, second, sign)
        assert found == pytest.approx(mean + sign * scale * penalty, rel=1e-12)


def test_mixtures_meet_the_threshold_with_a_weight_below_one():
    rho, bound = _mixing(1.5, 0.5, 0.75)
    assert (rho, bound) == (0.75, 0.75)
    assert _mixing(0.5, 0.25, 0.5) == (0.0, 0.5)
    assert _mixing(0.5, 0.5, 0.5) == (0.0, 0.5)
    assert 1.0 - 1e-15 < _mixing(1.0, 0.0, 1e-20)[0] < 1.0
