"""Quantities of the average-reward criterion: diameter, bias span, mixing time, spectrum."""

from typing import Any

import numpy as np
import numpy.typing as npt

from tabular import _check as check
from tabular import planning
from tabular.errors import NotConverged
from tabular.planning.chains import dense, period, policy_chain, recurrent_classes

from .certified import Certified

__all__ = [
    "as_chain",
    "bias_span",
    "diameter",
    "mixing_time",
    "one_way_times",
    "second_eigenvalue_modulus",
    "spectral_gap",
]

Array = npt.NDArray[np.float64]
_EPS = float(np.finfo(float).eps)


def diameter(mdp: Any, *, max_denominator: int | None = None) -> Certified:
    """Return the diameter: the longest of the least expected times between two states.

    Parameters
    ----------
    mdp : AverageRewardMDP or DiscountedMDP
        Rewards play no part.
    max_denominator : int, optional
        Read each probability as the nearest fraction with at most this
        denominator, and answer exactly, as a `Fraction`.

    Returns
    -------
    Certified
        ``inf`` exactly if the model is not communicating; 0 for one state. The
        witness is the pair ``(s, t)`` of states.

    Raises
    ------
    ModelError
        If the fractions of a row do not sum to 1.

    References
    ----------
    .. [1] Jaksch, Ortner, Auer (2010), Near-optimal regret bounds for reinforcement learning, definition 1.
    """
    if max_denominator is not None:
        times = planning.exact_hitting_times(mdp.dense_P(), max_denominator=max_denominator)
        pair = _largest(times)
        return Certified(times[pair], times[pair], "policy iteration in exact fractions", pair)
    found = planning.minimal_hitting_times(mdp)
    return Certified(
        float(found.lower.max()), float(found.upper.max()), "policy iteration, residual bounds", _largest(found.times)
    )


def one_way_times(mdp: Any, *, max_denominator: int | None = None) -> Certified:
    """Return the one-way diameters: the least expected time from each state to each other.

    Parameters
    ----------
    mdp : AverageRewardMDP or DiscountedMDP
        Rewards play no part.
    max_denominator : int, optional
        As in `diameter`.

    Returns
    -------
    Certified
        Arrays ``[s, t]`` of shape (S, S): 0 on the diagonal, ``inf`` where no
        policy arrives with probability 1. Witness: ``policies[t, s]``, the
        action at ``s`` on the way to ``t``; None in exact mode.
    """
    if max_denominator is not None:
        times = planning.exact_hitting_times(mdp.dense_P(), max_denominator=max_denominator)
        return Certified(times, times, "policy iteration in exact fractions")
    found = planning.minimal_hitting_times(mdp)
    return Certified(found.lower, found.upper, "policy iteration, residual bounds", found.policies)


def _largest(times: Any) -> tuple[int, int]:
    s, t = np.unravel_index(int(times.argmax()), times.shape)
    return int(s), int(t)


def bias_span(mdp: Any, *, max_denominator: int | None = None) -> Certified:
    r"""Return the span of the optimal bias.

    Parameters
    ----------
    mdp : AverageRewardMDP
        Any chain structure.
    max_denominator : int, optional
        As in `diameter`: an exact answer for the model of the nearest fractions.

    Returns
    -------
    Certified
        The witness is the bias-optimal policy. In floats the enclosure holds
        for the bias of that policy, whose optimality is decided up to the
        tolerance of `tabular.planning.average_reward`.

    Notes
    -----
    In floats, the computed bias ``x`` of a policy with residual
    ``e = |r + P x - g - x|`` is within ``|Z| e`` of the truth, up to a constant
    on each class; the span is off by at most twice that.
    """
    if max_denominator is not None:
        plan = planning.exact_average_reward(mdp.dense_P(), mdp.r, max_denominator=max_denominator)
        return Certified(plan.span, plan.span, "policy iteration in exact fractions", plan.policy)
    found = planning.average_reward(mdp, method="policy-iteration")
    P, r = policy_chain(mdp, found.policy)
    chain = dense(P)
    residual = float(np.abs(r + chain @ found.bias - found.gain - found.bias).max())
    residual += (mdp.S + 4) * _EPS * float(np.abs(r).max() + 2.0 * np.abs(found.bias).max())
    inverse = float(np.abs(planning.deviation_matrix(chain)).sum(axis=1).max())
    error = 2.0 * inverse * residual
    return Certified(
        max(0.0, found.span - error),
        found.span + error,
        "policy iteration, residual bounds for its policy",
        found.policy,
    )


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


def second_eigenvalue_modulus(model: Any, policy: npt.ArrayLike | None = None) -> float:
    """Return the second largest modulus among the eigenvalues of a chain.

    Parameters
    ----------
    model, policy
        As in `mixing_time`.

    Returns
    -------
    float
        Exactly 1.0 for a periodic or multichain one, which the graph tells; 0.0 for one state. Not
        certified otherwise: eigenvalues of a non-normal matrix may be ill-conditioned.
    """
    chain = as_chain(model, policy)
    if recurrent_classes(chain).max() > 0 or period(chain) > 1:
        return 1.0
    moduli = np.sort(np.abs(np.linalg.eigvals(chain)))
    return float(moduli[-2]) if moduli.size > 1 else 0.0


def spectral_gap(model: Any, policy: npt.ArrayLike | None = None) -> float:
    """Return one minus `second_eigenvalue_modulus` (the absolute spectral gap); not certified."""
    return 1.0 - second_eigenvalue_modulus(model, policy)
