"""Hypothesis strategies for models linear in features: tabular ones, aggregations, mixtures, a single feature."""

import numpy as np
import numpy.typing as npt

from ..models import LinearMDP, LinearMixtureMDP
from .strategies import _distributions, _size, _tables, _unit

try:
    from hypothesis import strategies as st
    from hypothesis.strategies import DrawFn
except ImportError:
    from ..errors import MissingExtra

    raise MissingExtra("hypothesis", "test", "tabular.testing.linear_strategies") from None

__all__ = ["linear_mdps", "linear_mixture_mdps"]

Array = npt.NDArray[np.float64]


def _features(draw: DrawFn, S: int, A: int, max_features: int, dyadic: bool) -> Array:
    """``phi[s, a, i]`` on the simplex: one unit vector a pair, a few unit vectors shared by all pairs, or mixtures."""
    kind = draw(st.sampled_from(("tabular", "aggregated", "mixed", "mixed")))
    if kind == "tabular":
        return np.eye(S * A).reshape(S, A, S * A)
    d = draw(_size(max_features))
    if kind == "aggregated":
        groups = draw(st.lists(st.integers(0, d - 1), min_size=S * A, max_size=S * A))
        return np.eye(d)[groups].reshape(S, A, d)
    phi = np.array([draw(_distributions(d, dyadic)) for _ in range(S * A)]).reshape(S, A, d)
    for s in range(S):
        if draw(st.booleans()):  # all actions the same
            phi[s] = phi[s, 0]
    return phi


@st.composite
def linear_mdps(
    draw: DrawFn,
    *,
    max_states: int = 4,
    max_actions: int = 3,
    max_features: int = 4,
    max_horizon: int = 4,
    dyadic: bool = True,
) -> LinearMDP:
    """Linear MDPs with features and measures on the simplex; stationary ones and tabular ones (``d = S A``) among them.

    Impossible and sure transitions, tied actions, pairs that share a feature, features that no pair uses, and a single
    feature (every pair the same) all occur.

    Parameters
    ----------
    max_states, max_actions, max_features, max_horizon : int
        Largest sizes; the smallest is 1. One-hot features take ``S * A`` of them, whatever ``max_features`` says.
    dyadic : bool
        Whether features and measures are multiples of 1/64 and reward parameters of 1/8; the implied transitions
        and rewards are then exact.

    Returns
    -------
    SearchStrategy
        Of `LinearMDP`, with rewards in [0, 1].
    """
    S, A, H = draw(_size(max_states)), draw(_size(max_actions)), draw(_size(max_horizon))
    phi = _features(draw, S, A, max_features, dyadic)
    d = phi.shape[-1]
    mu_steps, theta_steps = draw(st.sampled_from(((H, H), (1, 1), (H, 1), (1, H))))
    mu = np.array([draw(_distributions(S, dyadic)) for _ in range(mu_steps * d)]).reshape(mu_steps, d, S)
    theta = np.array([draw(_unit(dyadic)) for _ in range(theta_steps * d)]).reshape(theta_steps, d)
    if mu_steps < H:
        mu = mu[0]
    if theta_steps < H:
        theta = theta[0]
    return LinearMDP(phi, mu, theta, draw(_distributions(S, dyadic)), H=H)


@st.composite
def linear_mixture_mdps(
    draw: DrawFn,
    *,
    max_states: int = 4,
    max_actions: int = 3,
    max_features: int = 3,
    max_horizon: int = 4,
    dyadic: bool = True,
) -> LinearMixtureMDP:
    """Mixtures of up to ``max_features`` kernels with any rewards in [0, 1]; a single kernel among them.

    Kernels have absorbing states, tied actions, impossible and sure transitions; kernels of weight 0 occur.

    Parameters
    ----------
    max_states, max_actions, max_features, max_horizon : int
        Largest sizes; the smallest is 1.
    dyadic : bool
        Whether kernels and weights are multiples of 1/64 and rewards of 1/8; the implied transitions are then exact.

    Returns
    -------
    SearchStrategy
        Of `LinearMixtureMDP`.
    """
    S, A, H = draw(_size(max_states)), draw(_size(max_actions)), draw(_size(max_horizon))
    d = draw(_size(max_features))
    tables = [draw(_tables(S, A, dyadic)) for _ in range(d)]
    theta_steps, r_steps = draw(st.sampled_from(((H, H), (1, 1), (H, 1), (1, H))))
    theta = np.array([draw(_distributions(d, dyadic)) for _ in range(theta_steps)])
    r = np.array([draw(_tables(S, A, dyadic))[1] for _ in range(r_steps)])
    phi = np.stack([P for P, _ in tables], axis=-1)
    return LinearMixtureMDP(
        phi,
        theta if theta_steps == H else theta[0],
        r if r_steps == H else r[0],
        draw(_distributions(S, dyadic)),
        H=H,
    )
