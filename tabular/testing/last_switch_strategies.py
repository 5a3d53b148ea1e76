"""Hypothesis strategies for last-switch-dependent bandits."""

import numpy as np

from ..models import LastSwitchBandit
from .strategies import _size

try:
    from hypothesis import strategies as st
    from hypothesis.strategies import DrawFn
except ImportError:
    from ..errors import MissingExtra

    raise MissingExtra("hypothesis", "test", "tabular.testing.last_switch_strategies") from None

__all__ = ["last_switch_bandits"]


@st.composite
def last_switch_bandits(
    draw: DrawFn,
    *,
    max_arms: int = 3,
    max_satiated: int = 2,
    max_rested: int = 3,
    kind: str = "any",
) -> LastSwitchBandit:
    """Last-switch-dependent bandits with payoffs in eighths; single arms, equal arms, payoffs 0 and 1 among them.

    Parameters
    ----------
    max_arms, max_satiated, max_rested : int
        Largest sizes; the smallest is 1.
    kind : {"any", "monotone", "recharging"}
        Payoffs in any order; nondecreasing in the state; or nondecreasing and the same in all satiated states.

    Returns
    -------
    SearchStrategy
        Of `LastSwitchBandit`.
    """
    n, m, M = draw(_size(max_arms)), draw(_size(max_satiated)), draw(_size(max_rested))
    row = st.lists(st.integers(0, 8), min_size=m + M, max_size=m + M)
    rows = [draw(row)] * n if draw(st.booleans()) else [draw(row) for _ in range(n)]
    p = np.array(rows) / 8.0
    if kind != "any":
        p = np.sort(p, axis=1)
    if kind == "recharging":
        p[:, :m] = p[:, m - 1 : m]
    return LastSwitchBandit(p, m)
