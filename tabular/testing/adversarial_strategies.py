"""Hypothesis strategy for models whose losses an adversary chooses."""

import numpy as np

from ..errors import MissingExtra
from ..models import AdversarialMDP
from .strategies import episodic_mdps

try:
    from hypothesis import strategies as st
    from hypothesis.strategies import DrawFn
except ImportError:
    raise MissingExtra("hypothesis", "test", "tabular.testing.adversarial_strategies") from None

__all__ = ["adversarial_mdps"]


@st.composite
def adversarial_mdps(
    draw: DrawFn,
    *,
    max_states: int = 4,
    max_actions: int = 3,
    max_horizon: int = 4,
    max_episodes: int = 8,
    dyadic: bool = True,
) -> AdversarialMDP:
    """Adversarial models: constant, switching and arbitrary losses on the dynamics of `episodic_mdps`.

    Parameters
    ----------
    max_states, max_actions, max_horizon, max_episodes : int
        Largest sizes; the smallest is 1.
    dyadic : bool
        Whether probabilities are multiples of 1/64 and losses of 1/8.

    Returns
    -------
    SearchStrategy
        Of `AdversarialMDP`.
    """
    mdp = draw(episodic_mdps(max_states=max_states, max_actions=max_actions, max_horizon=max_horizon, dyadic=dyadic))
    K = draw(st.integers(1, max_episodes))
    kind = draw(st.sampled_from(("constant", "switching", "free")))
    shape = (K, mdp.H, mdp.S, mdp.A)
    losses = np.broadcast_to(mdp.r, shape)
    if kind == "switching":
        odd = (np.arange(K) % 2 == 1)[:, None, None, None]
        losses = np.where(odd, 1.0 - losses, losses)
    elif kind == "free":
        levels = draw(st.lists(st.integers(0, 8), min_size=8, max_size=8))
        losses = np.resize(np.array(levels) / 8.0, shape)
    return AdversarialMDP(mdp.P[0] if mdp.P.strides[0] == 0 else mdp.P, losses, mdp.mu0)
