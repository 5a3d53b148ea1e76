"""AdversarialMDP validates once and refuses the rest."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import given

from tabular import AdversarialMDP, ModelError
from tabular.testing import adversarial_mdps

P = np.array([[[0.5, 0.5], [1.0, 0.0]], [[0.0, 1.0], [0.25, 0.75]]])
LOSSES = np.arange(48.0).reshape(3, 4, 2, 2) / 48


@given(adversarial_mdps())
def test_models_are_read_only_and_survive_a_pickle(mdp):
    copy = pickle.loads(pickle.dumps(mdp))  # noqa: S301
    assert copy.fingerprint() == mdp.fingerprint()
    assert mdp.losses.shape == (mdp.K, mdp.H, mdp.S, mdp.A)
    assert mdp.P.shape == (mdp.H, mdp.S, mdp.A, mdp.S)
    assert not mdp.losses.flags.writeable
    assert mdp.transitions().shape[0] in (1, mdp.H)


def test_shared_dynamics_are_stored_once():
    mdp = AdversarialMDP(P, LOSSES)
    assert mdp.P.shape == (4, 2, 2, 2)
    assert mdp.transitions().shape == (1, 2, 2, 2)
    assert np.array_equal(mdp.mu0, [0.5, 0.5])


@pytest.mark.parametrize(
    ("value", "words"),
    [(math.nan, r"losses\[1, 2, 0, 1\] is nan"), (1.5, r"losses\[1, 2, 0, 1\] is 1.5"), (-1e-9, r"is -1e-09|is -1\.0")],
)
def test_losses_outside_the_range_are_named(value, words):
    bad = LOSSES.copy()
    bad[1, 2, 0, 1] = value
    with pytest.raises(ModelError, match=words):
        AdversarialMDP(P, bad)


def test_shapes_must_agree():
    with pytest.raises(ModelError, match="losses has shape"):
        AdversarialMDP(P, LOSSES[..., :1])
    with pytest.raises(ModelError, match="losses has shape"):
        AdversarialMDP(np.stack([P] * 3), LOSSES)
    with pytest.raises(ModelError, match="4 axes"):
        AdversarialMDP(P, LOSSES[0])
    with pytest.raises(ModelError, match="sums to"):
        AdversarialMDP(0.9 * P, LOSSES)
