"""Offline data for the tests of robust learners."""

import numpy as np
from hypothesis import strategies as st

from tabular.learning.robust import FeatureData
from tabular.simulation import OfflineDataset, sample_trajectories
from tabular.testing.linear_strategies import linear_mdps

RIDGES = st.sampled_from((0.1, 1.0, 3.0))


@st.composite
def problems(draw, max_episodes=25):
    """A linear MDP with simplex features, and trajectories of a random behaviour policy."""
    model = draw(linear_mdps(max_states=4, max_actions=3, max_features=3, max_horizon=3))
    seed = draw(st.integers(0, 2**32))
    rng = np.random.default_rng(seed)
    behaviour = rng.dirichlet(np.full(model.A, 0.5), size=model.S)
    episodes = draw(st.integers(1, max_episodes))
    data = sample_trajectories(
        model.to_episodic(), behaviour / behaviour.sum(1, keepdims=True), episodes=episodes, rng=rng
    )
    return model, data


def reordered(data, order):
    """The same rows in another order."""
    return OfflineDataset(
        data.s[order], data.a[order], data.r[order], data.s_next[order], data.S, data.A, data.h[order], data.H
    )


def one_hot(data, r=None):
    pairs = data.S * data.A
    r = np.zeros((data.S, data.A)) if r is None else r
    return FeatureData(data, np.eye(pairs).reshape(data.S, data.A, pairs), r=r)


@st.composite
def tables(draw, max_rows=40):
    S, A, H = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(2, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    N = draw(st.integers(1, max_rows))
    s, a, s_next, h = (rng.integers(0, n, size=N) for n in (S, A, S, H))
    return OfflineDataset(s, a, np.zeros(N), s_next, S, A, h=h, H=H), rng.random((S, A))
