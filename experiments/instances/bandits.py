"""The bandits of the minimax lower bound."""

import numpy as np

from tabular import _check as check
from tabular.models import GaussianBandit

__all__ = ["minimax_bandits"]


def minimax_bandits(k: int, gap: float) -> tuple[GaussianBandit, ...]:
    """Return the family of unit-variance bandits between which no policy can tell soon enough.

    The first has means ``(gap, 0, ..., 0)``; the ``i``-th of the others has arm
    ``i`` raised to ``2 * gap`` besides.

    Parameters
    ----------
    k : int
        Number of arms, at least 2.
    gap : float
        In (0, 1/2], so that all means lie in [0, 1]; the bound takes
        ``sqrt((k - 1) / (4 n))``.

    Returns
    -------
    tuple of GaussianBandit
        ``k`` models.

    References
    ----------
    .. [1] Lattimore, Szepesvari (2020), Bandit Algorithms, theorem 15.2.
    """
    k = check.count(k, "k", low=2)
    gap = check.number(gap, "gap", low=0.0, high=0.5, open_low=True)
    base = np.zeros(k)
    base[0] = gap
    family = [GaussianBandit(base)]
    for i in range(1, k):
        raised = base.copy()
        raised[i] = 2.0 * gap
        family.append(GaussianBandit(raised))
    return tuple(family)
