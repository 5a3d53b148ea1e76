"""RiverSwim: a current pushes left; a large reward waits at the right end, a small one at the left."""

from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from tabular import _check as check
from tabular.models import AverageRewardMDP

__all__ = ["riverswim", "riverswim_fractions"]

#: (back, stay, forward) of swimming right inside the river; reward at the left end; (back, stay) at the right end.
_VARIANTS = {
    "osband": (("1/20", "3/5", "7/20"), "1/200", ("2/5", "3/5")),
    "ucrl3": (("1/20", "7/20", "3/5"), "1/10", ("1/20", "19/20")),
}

Fractions = npt.NDArray[Any]


def riverswim_fractions(S: int = 6, *, variant: str = "osband") -> tuple[Fractions, Fractions]:
    """Return RiverSwim's transitions and rewards as exact fractions.

    Parameters
    ----------
    S : int
        Number of states, at least 2.
    variant : {"osband", "ucrl3"}
        Which numbers from the literature; see `riverswim`.

    Returns
    -------
    P : object array (S, 2, S) of `Fraction`
    r : object array (S, 2) of `Fraction`
    """
    S = check.count(S, "S", low=2)
    check.choice(variant, "variant", tuple(_VARIANTS))
    swim, small, end = _VARIANTS[variant]
    P = np.full((S, 2, S), Fraction(0), dtype=object)
    r = np.full((S, 2), Fraction(0), dtype=object)
    for s in range(S):
        P[s, 0, max(s - 1, 0)] = Fraction(1)
    P[0, 1, 0], P[0, 1, 1] = Fraction(2, 5), Fraction(3, 5)
    for s in range(1, S - 1):
        P[s, 1, s - 1 : s + 2] = [Fraction(x) for x in swim]
    P[S - 1, 1, S - 2 :] = [Fraction(x) for x in end]
    r[0, 0], r[S - 1, 1] = Fraction(small), Fraction(1)
    return P, r


def riverswim(S: int = 6, *, variant: str = "osband") -> AverageRewardMDP:
    """Return RiverSwim, starting at the left end.

    Action 0 swims left and succeeds surely; action 1 swims right. All rewards
    are 0 except at ``(0, left)`` and, reward 1, at ``(S - 1, right)``.

    Parameters
    ----------
    S : int
        Number of states, at least 2.
    variant : {"osband", "ucrl3"}
        ``"osband"``: right moves back .05, stays .60, forward .35; at the left
        end stays .4, forward .6; at the right end back .4, stays .6; small
        reward .005 [1]_. ``"ucrl3"``: back .05, stays .35, forward .60; at the
        left end stays .4, forward .6; at the right end back .05, stays .95; small
        reward .1 [2]_.

    Returns
    -------
    AverageRewardMDP
        ``P`` and ``r`` also serve as a discounted or an episodic model.

    Raises
    ------
    ParameterError
        For fewer than two states or an unknown variant.

    References
    ----------
    .. [1] Osband, Russo, Van Roy (2013), (More) efficient reinforcement learning
       via posterior sampling.
    .. [2] Bourel, Maillard, Talebi (2020), Tightening exploration in upper
       confidence reinforcement learning.
    """
    P, r = riverswim_fractions(S, variant=variant)
    return AverageRewardMDP(P.astype(np.float64), r.astype(np.float64), np.eye(S)[0])
