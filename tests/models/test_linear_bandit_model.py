"""The model LinearBandit: what it computes, what it refuses."""

import pickle

import numpy as np
import pytest
from hypothesis import given

from tabular import LinearBandit, ModelError
from tabular.testing import linear_bandits

X = [[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]


def test_means_and_sizes():
    bandit = LinearBandit(X, [0.5, 0.25], 1.0, [0.0, 0.125, -0.25])
    assert bandit.means.tolist() == [0.5, 0.375, 0.125]
    assert (bandit.A, bandit.S, bandit.d, bandit.epsilon, bandit.noise_std) == (3, 1, 2, 0.25, 1.0)
    assert LinearBandit(X, [0.5, 0.25], 0.0).misspecification.tolist() == [0.0] * 3


@given(linear_bandits())
def test_models_are_linear_up_to_epsilon(bandit):
    assert np.abs(bandit.means - bandit.actions @ bandit.theta).max() == pytest.approx(bandit.epsilon, abs=1e-12)
    assert pickle.loads(pickle.dumps(bandit)).fingerprint() == bandit.fingerprint()  # noqa: S301
    assert not bandit.actions.flags.writeable


def test_fingerprints_tell_problems_apart():
    models = (
        LinearBandit(X, [0.5, 0.25], 1.0),
        LinearBandit(X, [0.5, 0.25], 2.0),
        LinearBandit(X, [0.5, 0.5], 1.0),
        LinearBandit(X, [0.5, 0.25], 1.0, [0.0, 0.0, 0.1]),
    )
    assert len({model.fingerprint() for model in models}) == 4


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (([], [1.0], 1.0), "actions has shape"),
        ((np.empty((0, 2)), [1.0, 1.0], 1.0), "every axis must have at least one entry"),
        (([[np.nan, 0.0]], [1.0, 1.0], 1.0), r"actions\[0, 0\] is nan"),
        ((X, [1.0], 1.0), "theta has 1 entries; 2 are needed"),
        ((X, [1.0, np.inf], 1.0), r"theta\[1\] is inf"),
        ((X, [1.0, 1.0], -1.0), "noise_std is -1.0"),
        ((X, [1.0, 1.0], np.nan), "noise_std is nan"),
        ((X, [1.0, 1.0], 1.0, [0.0]), "misspecification has 1 entries; 3 are needed"),
        (([[1e200, 0.0]], [1e200, 0.0], 1.0), "the mean of arm 0 is inf"),
    ],
)
def test_bad_input_is_refused(arguments, match):
    with pytest.raises(ModelError, match=match):
        LinearBandit(*arguments)
