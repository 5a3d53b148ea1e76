"""Hypothesis strategies for bandits that are linear in features up to a misspecification."""

import numpy as np

from ..models import LinearBandit
from .strategies import _size

try:
    from hypothesis import strategies as st
    from hypothesis.strategies import DrawFn
except ImportError:
    from ..errors import MissingExtra

    raise MissingExtra("hypothesis", "test", "tabular.testing.linear_bandit_strategies") from None

__all__ = ["linear_bandits"]


@st.composite
def linear_bandits(
    draw: DrawFn, *, max_arms: int = 8, max_features: int = 4, spanning: bool = False, dyadic: bool = True
) -> LinearBandit:
    """`LinearBandit` models with features, coefficients and misspecification in [-1, 1].

    A single arm, repeated arms, arms of zero features, tied means, sparse and zero coefficients, well-specified models
    and rewards without noise all occur; unless ``spanning``, so do features that do not span their space.

    Parameters
    ----------
    max_arms, max_features : int
        Largest sizes; the smallest is 1.
    spanning : bool
        Whether the arms span the space of features (there are then at least as many arms).
    dyadic : bool
        Whether features, coefficients and misspecification are multiples of 1/8; means are then exact.

    Returns
    -------
    SearchStrategy
        Of `LinearBandit`.
    """
    d = draw(_size(max_features))
    k = draw(_size(max_arms))
    entry = st.integers(-8, 8).map(lambda i: i / 8) if dyadic else st.floats(-1.0, 1.0, allow_subnormal=False)
    rows = draw(st.lists(st.lists(entry, min_size=d, max_size=d), min_size=k, max_size=k))
    if spanning:
        rows += np.eye(d).tolist()
    if draw(st.booleans()):
        rows.append(rows[0])
    actions = np.array(rows)
    theta = np.array(draw(st.lists(st.one_of(st.just(0.0), entry), min_size=d, max_size=d)))
    error = draw(st.one_of(st.none(), st.lists(entry, min_size=len(rows), max_size=len(rows))))
    noise_std = draw(st.sampled_from((0.0, 0.5, 1.0)))
    if error is None:
        return LinearBandit(actions, theta, noise_std)
    return LinearBandit(actions, theta, noise_std, np.array(error))
