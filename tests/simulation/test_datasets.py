"""Datasets: validation, counts against plain loops, sampling against the model it came from."""

import copy
import pickle
from collections import Counter

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tabular import (
    BernoulliBandit,
    ContextualBandit,
    DiscountedMDP,
    EpisodicMDP,
    GaussianBandit,
    MatrixGame,
    ModelError,
    ParameterError,
)
from tabular.simulation import OfflineDataset, sample_dataset
from tabular.simulation.offline import _transitions
from tabular.simulation.sampling import alias_table
from tabular.testing import discounted_mdps, episodic_mdps, offline_datasets

GOOD = {"s": [0, 1, 2], "a": [0, 1, 1], "r": [0.0, 1.0, 0.5], "s_next": [2, 1, 0], "S": 3, "A": 2}
P = np.array([[[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]], [[0.0, 0.0, 1.0], [0.5, 0.5, 0.0]], [[1.0, 0.0, 0.0]] * 2])
r = np.arange(6.0).reshape(3, 2) / 8
MDP = DiscountedMDP(P, r, 0.75)
MU = np.array([[0.5, 0.125], [0.0, 0.25], [0.125, 0.0]])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"s": [0, 3, 0]}, r"s\[1\] is 3; it must lie in 0\.\.2"),
        ({"a": [0, 0, -1]}, r"a\[2\] is -1"),
        ({"s_next": [3, 0, 0]}, r"s_next\[0\] is 3"),
        ({"r": [0.0, np.nan, 1.0]}, r"r\[1\] is nan"),
        ({"s": [0.0, 1.0, 2.0]}, "vector of integers"),
        ({"s": [True, False, True]}, "vector of integers"),
        ({"a": [[0, 1, 1]]}, "vector of integers"),
        ({"a": [0, 1]}, "a has 2 rows; 3 are needed"),
        ({"r": [0.0]}, "r has 1 rows"),
        ({"S": 0}, "S is 0"),
        ({"A": 2.0}, "A is 2.0"),
        ({"h": [0, 1, 2], "H": 2}, r"h\[2\] is 2"),
        ({"H": 2}, "h is missing"),
        ({"s": np.array([2**64 - 1, 0, 0], dtype=np.uint64)}, r"s\[0\] is 18446744073709551615"),
    ],
)
def test_bad_rows_are_named(change, words):
    with pytest.raises(ModelError, match=words):
        OfflineDataset(**(GOOD | change))


@given(offline_datasets())
def test_counts_equal_plain_loops(data):
    rows = list(zip(data.s.tolist(), data.a.tolist(), data.s_next.tolist(), data.r.tolist(), strict=True))
    pairs = Counter((s, a) for s, a, _, _ in rows)
    triples = Counter((s, a, t) for s, a, t, _ in rows)
    for s, a in np.ndindex(data.S, data.A):
        assert data.counts()[s, a] == pairs[s, a]
        paid = [reward for s_, a_, _, reward in rows if (s_, a_) == (s, a)]
        assert data.mean_rewards()[s, a] == (sum(paid) / len(paid) if paid else 0.0)
        for t in range(data.S):
            assert data.transition_counts()[s, a, t] == triples[s, a, t]
    assert data.counts().sum() == data.N


@given(episodic_mdps().flatmap(offline_datasets))
def test_counts_by_step_split_the_counts(data):
    assert data.counts(by_step=True).shape == (data.H, data.S, data.A)
    assert np.array_equal(data.counts(by_step=True).sum(axis=0), data.counts())
    assert np.array_equal(data.transition_counts(by_step=True).sum(axis=-1), data.counts(by_step=True))
    for h in range(data.H):
        at = data.h == h
        part = OfflineDataset(data.s[at], data.a[at], data.r[at], data.s_next[at], data.S, data.A)
        assert np.array_equal(data.transition_counts(by_step=True)[h], part.transition_counts())
        assert np.array_equal(data.mean_rewards(by_step=True)[h], part.mean_rewards())


def test_steps_are_needed_to_count_by_step():
    with pytest.raises(ModelError, match="no steps"):
        OfflineDataset(**GOOD).counts(by_step=True)


def test_an_empty_dataset_is_a_dataset():
    for data in (OfflineDataset([], [], [], [], 2, 3), sample_dataset(MDP, MU, 0, rng=0)):
        assert data.N == 0
        assert data.counts().sum() == 0
        assert data.mean_rewards().max() == 0.0


def test_a_dataset_is_immutable_and_survives_copies():
    mine = np.array([0, 1, 2])
    data = OfflineDataset(**(GOOD | {"s": mine}))
    before = data.fingerprint()
    mine[0] = 2
    for other in (data, copy.deepcopy(data), pickle.loads(pickle.dumps(data))):  # noqa: S301  (our own bytes)
        assert other.fingerprint() == before
        for name in ("s", "a", "r", "s_next"):
            with pytest.raises(ValueError, match="read-only"):
                getattr(other, name)[0] = 0


@pytest.mark.statistical
@pytest.mark.parametrize("noise", ["none", "bernoulli", "gaussian"])
def test_rows_follow_the_data_distribution_and_the_model(noise):
    data = sample_dataset(MDP, MU, 400_000, reward_noise=noise, rng=1)
    triples = data.transition_counts()
    expected = MU[:, :, None] * P
    assert triples[expected == 0].sum() == 0
    held = expected > 0
    assert stats.chisquare(triples[held], expected[held] * data.N).pvalue > 1e-6
    rewards = {(s, a): data.r[(data.s == s) & (data.a == a)] for s, a in zip(*np.nonzero(MU), strict=True)}
    for (s, a), paid in rewards.items():
        if noise == "none":
            assert set(paid.tolist()) == {r[s, a]}
        elif noise == "bernoulli":
            assert set(paid.tolist()) <= {0.0, 1.0}
            assert stats.binomtest(int(paid.sum()), paid.size, r[s, a]).pvalue > 1e-6
        else:
            assert stats.kstest(paid[:20000], stats.norm(r[s, a], 1.0).cdf).pvalue > 1e-6


@pytest.mark.statistical
def test_episodic_rows_use_the_tables_of_their_step():
    tables = np.stack([P, P[::-1, ::-1]])
    rewards = np.stack([r, 1 - r])
    mdp = EpisodicMDP(tables, rewards)
    mu = np.stack([MU, MU]) / 2
    data = sample_dataset(mdp, mu, 200_000, reward_noise="none", rng=2)
    expected = mu[..., None] * tables
    counts = data.transition_counts(by_step=True)
    assert counts[expected == 0].sum() == 0
    assert stats.chisquare(counts[expected > 0], expected[expected > 0] * data.N).pvalue > 1e-6
    assert np.array_equal(data.r, rewards[data.h, data.s, data.a])


def test_one_table_for_all_steps_equals_its_copies_bitwise():
    mu = np.stack([MU, MU, MU]) / 3
    shared, copied = EpisodicMDP(P, r, H=3), EpisodicMDP(np.stack([P] * 3), np.stack([r] * 3))
    assert sample_dataset(shared, mu, 500, rng=3).fingerprint() == sample_dataset(copied, mu, 500, rng=3).fingerprint()


def test_sparse_and_dense_models_give_the_same_rows_bitwise():
    sparse = DiscountedMDP(sp.csr_array(P.reshape(6, 3)), r, 0.75)
    assert sample_dataset(sparse, MU, 500, rng=3).fingerprint() == sample_dataset(MDP, MU, 500, rng=3).fingerprint()


@given(st.integers(0, 40), st.integers(0, 40))
def test_the_first_rows_do_not_depend_on_how_many_follow(m, n):
    few, many = sample_dataset(MDP, MU, m, rng=4), sample_dataset(MDP, MU, m + n, rng=4)
    for name in ("s", "a", "r", "s_next"):
        assert np.array_equal(getattr(few, name), getattr(many, name)[:m])


@given(discounted_mdps(sparse=None))
def test_nothing_impossible_is_ever_sampled(mdp):
    mu = np.zeros((mdp.S, mdp.A))
    mu[-1, 0] = 1.0
    data = sample_dataset(mdp, mu, 30, rng=5)
    assert set(data.s.tolist()) == {mdp.S - 1}
    assert (mdp.dense_P()[data.s, data.a, data.s_next] > 0).all()


def test_bandits_have_one_state_and_their_own_noise():
    data = sample_dataset(BernoulliBandit([0.0, 1.0, 0.5]), [0.5, 0.5, 0.0], 2000, rng=6)
    assert (data.S, data.A, data.s.max(), data.s_next.max()) == (1, 3, 0, 0)
    assert np.array_equal(data.r, data.a.astype(float))
    bandit = GaussianBandit([-5.0, 5.0], [0.0, 2.0])
    data = sample_dataset(bandit, [0.5, 0.5], 4000, rng=6)
    assert set(data.r[data.a == 0].tolist()) == {-5.0}
    assert stats.kstest(data.r[data.a == 1], stats.norm(5.0, 2.0).cdf).pvalue > 1e-6
    assert set(sample_dataset(bandit, [0.5, 0.5], 50, std=0.0, rng=6).r.tolist()) == {-5.0, 5.0}


def test_contexts_come_from_mu_and_next_states_are_dummies():
    bandit = ContextualBandit([0.5, 0.5], [[0.0, 1.0], [1.0, 0.0]])
    data = sample_dataset(bandit, [[0.5, 0.0], [0.25, 0.25]], 2000, rng=7)
    assert data.counts()[0, 1] == 0
    assert (data.counts()[[0, 1, 1], [0, 0, 1]] > 0).all()
    assert data.s_next.max() == 0
    assert np.array_equal(data.r, bandit.means[data.s, data.a])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"mu": MU[0]}, "mu has shape"),
        ({"mu": np.swapaxes(MU, 0, 1)}, r"mu has shape \(2, 3\); \(3, 2\) is needed"),
        ({"mu": 2 * MU}, "mu sums to 2; the whole array must sum to 1"),
        ({"mu": MU - np.array([[0.5, 0], [0.25, 0], [0, 0]])}, r"mu\[1, 0\] is -0.25"),
        ({"n": -1}, "n is -1"),
        ({"n": 2.5}, "n is 2.5"),
        ({"rng": None}, "rng is None"),
        ({"reward_noise": "cauchy"}, "reward_noise is 'cauchy'; choose one of"),
        ({"std": 1.0}, "use reward_noise='gaussian'"),
        ({"reward_noise": "gaussian", "std": -1.0}, "std is -1"),
        ({"model": DiscountedMDP(P, 2 * r, 0.5)}, r"mean reward at \[2, 1\] is 1.25"),
        ({"model": MatrixGame([[1.0]])}, "model is a MatrixGame"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(arguments, words):
    with pytest.raises(ParameterError, match=words):
        sample_dataset(**({"model": MDP, "mu": MU, "n": 5, "rng": 0} | arguments))


@pytest.mark.parametrize("code", [0, 1, 2])
@pytest.mark.compiled
def test_the_compiled_kernel_equals_the_plain_one_bitwise(code):
    accept, alias = alias_table(MU.ravel().copy())
    none = np.empty(0, np.int32)
    none.setflags(write=False)
    std = np.ones(1)
    std.setflags(write=False)
    results = []
    for run in (_transitions, _transitions.py_func):
        rng = np.random.default_rng(8)
        cell, reward, s_next = np.empty(300, np.int64), np.empty(300), np.empty(300, np.int64)
        run(accept, alias, MDP.P.reshape(-1), none, none, 3, MDP.r.reshape(-1), std, code, rng, cell, reward, s_next)
        results.append((cell.tobytes(), reward.tobytes(), s_next.tobytes(), rng.random()))
    assert results[0] == results[1]


@pytest.mark.compiled
def test_one_specialisation_serves_every_model():
    assert len(_transitions.signatures) == 1
