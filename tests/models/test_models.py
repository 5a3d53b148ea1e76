"""What models hold, how they are identified, and how they are copied."""

import copy
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from tabular import (
    AverageRewardMDP,
    BernoulliBandit,
    ContextualBandit,
    DiscountedMDP,
    EpisodicMDP,
    GaussianBandit,
    MatrixGame,
    ModelError,
    PolicyError,
    normalise,
)
from tabular._check import stochastic_policy
from tabular.testing import (
    adversarial_bandits,
    average_reward_mdps,
    bandits,
    contextual_bandits,
    discounted_mdps,
    episodic_mdps,
    gaussian_bandits,
    matrix_games,
    policies,
)

P = np.array([[[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]], [[0.0, 0.0, 1.0], [0.5, 0.5, 0.0]], [[1.0, 0.0, 0.0]] * 2])
r = np.arange(6.0).reshape(3, 2) / 8
ANY = st.one_of(
    episodic_mdps(), discounted_mdps(sparse=None), average_reward_mdps(sparse=None), bandits(), gaussian_bandits(),
    contextual_bandits(), adversarial_bandits(), matrix_games(),
)  # fmt: skip


def arrays(model):
    for name in model.__dataclass_fields__:
        value = getattr(model, name)
        if sp.issparse(value):
            yield from (value.data, value.indices, value.indptr)
        elif isinstance(value, np.ndarray):
            yield value


@given(ANY)
def test_arrays_are_read_only_float64_and_survive_copies_as_such(model):
    for twin in (model, copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):  # noqa: S301
        assert twin.fingerprint() == model.fingerprint()
        for array in arrays(twin):
            assert not array.flags.writeable
            assert array.dtype == np.float64 or array.dtype.kind == "i"


def test_pickling_keeps_shared_tables_shared():
    model = EpisodicMDP(P, r, H=1000)
    packed = pickle.dumps(model)
    assert len(packed) < 5000
    again = pickle.loads(packed)  # noqa: S301  (our own bytes)
    assert again.stationary
    assert again.H == 1000
    assert again.P.shape == (1000, 3, 2, 3)


def test_stationary_tables_are_views_of_one_step():
    model = EpisodicMDP(P, r, H=1000)
    assert model.P.strides[0] == model.r.strides[0] == 0
    assert np.array_equal(model.P[17], P)
    mixed = EpisodicMDP(P, np.stack([r, 1 - r]), H=2)
    assert mixed.P.strides[0] == 0
    assert not mixed.stationary
    assert EpisodicMDP(P[None], r[None]).stationary


def test_sizes_and_ranges():
    for model in (EpisodicMDP(P, r, H=4), DiscountedMDP(P, r, 0.5), AverageRewardMDP(P, r)):
        assert (model.S, model.A, model.reward_range) == (3, 2, (0.0, 0.625))
        assert np.array_equal(model.mu0, np.full(3, 1 / 3))
    assert (BernoulliBandit([0.5, 1]).S, BernoulliBandit([0.5, 1]).A) == (1, 2)
    assert (GaussianBandit([-9, 9]).S, GaussianBandit([-9, 9]).std.tolist()) == (1, [1.0, 1.0])
    assert (ContextualBandit([1.0], [[0.5, 0.5]]).S, ContextualBandit([1.0], [[0.5, 0.5]]).A) == (1, 2)
    assert (MatrixGame([[1, 2, 3]]).A, MatrixGame([[1, 2, 3]]).B) == (1, 3)


def test_fingerprints_separate_different_problems_and_join_equal_ones():
    models = [
        EpisodicMDP(P, r, H=2),
        EpisodicMDP(P, r, H=3),
        EpisodicMDP(P, r, [1, 0, 0], H=2),
        EpisodicMDP(P, r + 2.0**-50, H=2),
        DiscountedMDP(P, r, 0.5),
        DiscountedMDP(P, r, 0.5 + 2.0**-53),
        AverageRewardMDP(P, r),
        AverageRewardMDP(P[[1, 0, 2]], r),
        AverageRewardMDP(sp.csr_array(P.reshape(6, 3)), r),
        BernoulliBandit([0.5]),
        GaussianBandit([0.5]),
        GaussianBandit([0.5], 2.0),
        MatrixGame([[1, 2]]),
        MatrixGame([[1], [2]]),
        ContextualBandit([1.0], [[0.5]]),
    ]
    assert len({model.fingerprint() for model in models}) == len(models)
    assert MatrixGame([[-0.0, 1.0]]).fingerprint() == MatrixGame([[0.0, 1.0]]).fingerprint()
    assert DiscountedMDP(P, r, 0).fingerprint() == DiscountedMDP(P, r, -0.0).fingerprint()


def test_models_are_compared_by_identity():
    one, other = BernoulliBandit([0.5]), BernoulliBandit([0.5])
    assert one != other
    assert len({one, other}) == 2


@given(discounted_mdps(sparse=True))
def test_sparse_and_dense_storage_hold_the_same_table(mdp):
    dense = DiscountedMDP(mdp.dense_P(), mdp.r, mdp.gamma, mdp.mu0)
    assert np.array_equal(dense.P.reshape(mdp.S * mdp.A, mdp.S), mdp.P.toarray())
    assert (mdp.sparse, dense.sparse) == (True, False)
    assert mdp.P.has_sorted_indices
    assert (mdp.P.data > 0).all()


@given(st.data())
def test_canonical_policies_are_their_own_copies(data):
    mdp = data.draw(st.one_of(episodic_mdps(), discounted_mdps()))
    mine = data.draw(policies(mdp))
    canonical = mdp.policy(mine)
    probabilities = stochastic_policy(mine, mdp.r.shape[:-1], mdp.A)
    assert canonical.flags.c_contiguous
    assert not canonical.flags.writeable
    assert not probabilities.flags.writeable
    assert not np.shares_memory(canonical, mine)
    assert np.array_equal(mdp.policy(canonical), canonical)
    assert probabilities.shape == mdp.r.shape
    if canonical.dtype == np.int64:
        assert np.array_equal(probabilities.argmax(axis=-1), canonical)
        assert set(np.unique(probabilities)) <= {0.0, 1.0}
    else:
        assert np.array_equal(probabilities, canonical)


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ([0, 1], "shape"),
        ([0, 1, 2], r"policy\[2\] is 2; actions are 0\.\.1"),
        ([0, -1, 0], r"policy\[1\] is -1"),
        ([0.0, 1.0, 0.0], "dtype float64"),
        ([True, False, True], "dtype bool"),
        ([[0.5, 0.5], [1.0, 0.0], [0.5, 0.6]], r"policy\[2\] sums to 1.1"),
        ([[0.5, 0.5], [1.5, -0.5], [0.5, 0.5]], r"policy\[1, 1\] is -0.5"),
        ([[0.5, 0.5], [1.0, 0.0], [np.nan, 0.5]], r"policy\[2, 0\] is nan"),
        ([[0, 1], [1, 0], [1, 0]], "shape"),
        ([[0, 1], [1]], "rectangular"),
        ("left", "shape"),
        (None, "shape"),
        ([10**400, 0, 0], "shape"),
    ],
)
def test_what_is_no_policy_is_refused(policy, words):
    with pytest.raises(PolicyError, match=words):
        DiscountedMDP(P, r, 0.5).policy(policy)


def test_policies_of_a_finite_horizon_may_be_stationary():
    mdp = EpisodicMDP(P, r, H=2)
    assert mdp.policy([0, 1, 0]).tolist() == [[0, 1, 0]] * 2
    assert mdp.policy(np.array([[0, 1, 0], [1, 1, 1]], dtype=np.uint8)).dtype == np.int64
    assert mdp.policy(np.full((3, 2), 0.5)).shape == (2, 3, 2)
    with pytest.raises(PolicyError, match="or the stationary"):
        mdp.policy(np.zeros((3, 3), dtype=int))


def test_normalise_rescales_rows_and_refuses_what_has_no_scale():
    assert normalise([[1, 3], [5, 0]]).tolist() == [[0.25, 0.75], [1.0, 0.0]]
    assert normalise([5e-324, 5e-324]).tolist() == [0.5, 0.5]
    assert normalise([1.7e308, 1.7e308]).tolist() == [0.5, 0.5]
    with pytest.raises(ModelError, match=r"P\[1\] sums to 0"):
        normalise([[1.0], [0.0]])
    with pytest.raises(ModelError, match=r"P\[0, 1\] is -1"):
        normalise([[2.0, -1.0]])
