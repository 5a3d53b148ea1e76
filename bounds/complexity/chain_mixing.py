"""The mixing time of a finite Markov chain."""

from typing import Any

import numpy as np
import numpy.typing as npt

from tabular import _check as check
from tabular import planning
from tabular.errors import NotConverged
from tabular.planning.chains import dense, period, policy_chain

from .certified import Certified

__all__ = ["as_chain", "mixing_time"]

Array = npt.NDArray[np.float64]
_EPS = float(np.finfo(float).eps)


def as_chain(model: Any, policy: Any) -> Array:
    """Return a transition matrix as it is, or that of a model under a stationary policy."""
    P = policy_chain(model, policy)[0] if policy is not None else model
    chain = check.as_array(dense(P), "P", ndim=2)
    check.stochastic_rows(chain, "P")
    return chain


def mixing_time(model: Any, policy: npt.ArrayLike | None = None, *, eps: float = 0.25) -> Certified:
    r"""Return the first time from which the chain is within ``eps`` of its stationary law, from any start.

    The least ``t`` with ``max_s TV(P^t(s, .), pi) <= eps``; distances do not
    increase with ``t``.

    Parameters
    ----------
    model : AverageRewardMDP or DiscountedMDP with ``policy``, or array (S, S)
        A model with a stationary policy, or a transition matrix.
    policy : array, optional
        Needed with a model.
    eps : float
        Total-variation distance in (0, 1).

    Returns
    -------
    Certified
        Integers; ``inf`` where the chain is periodic. Lower and upper differ
        where rounding leaves open on which side of ``eps`` a distance lies.

    Raises
    ------
    ModelError
        If the chain has several recurrent classes: no stationary law.
    NotConverged
        If it has not mixed after 2**40 steps.

    References
    ----------
    .. [1] Levin, Peres, Wilmer (2009), Markov Chains and Mixing Times, section 4.5.
    """
    chain = as_chain(model, policy)
    eps = check.fraction(eps, "eps")
    law = planning.stationary_distribution(chain)
    if period(chain) > 1:
        return Certified(np.inf, np.inf, "the chain is periodic")

    def distance(power: Array) -> float:
        return 0.5 * float(np.abs(power - law).sum(axis=1).max())

    def first(level: float, slack: float) -> int:
        """Least t whose distance is at most ``level + slack * max(t, 1)``, by doubling and bisection."""
        here = np.eye(chain.shape[0])
        if distance(here) <= level + slack:
            return 0
        powers = [chain]
        while distance(powers[-1]) > level + slack * 2 ** (len(powers) - 1):
            if len(powers) > 40:
                raise NotConverged(f"the chain is not within {eps:g} of its stationary law after 2**40 steps")
            powers.append(powers[-1] @ powers[-1])
        t = 0
        for k in range(len(powers) - 2, -1, -1):
            ahead = here @ powers[k]
            if distance(ahead) > level + slack * (t + 2**k):
                here, t = ahead, t + 2**k
        return t + 1

    rounding = (chain.shape[0] + 4) * _EPS
    return Certified(first(eps, rounding), first(eps, -rounding), "powers of the transition matrix", law)
