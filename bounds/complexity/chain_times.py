"""Times of one finite Markov chain: its stationary law, expected hitting times, Kemeny's constant."""

from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from tabular import planning
from tabular.errors import ModelError
from tabular.models import AverageRewardMDP
from tabular.planning.average_reward_arithmetic import RATIONAL, rational_model

from .certified import Certified
from .chain_mixing import as_chain

__all__ = ["kemeny_constant", "mean_hitting_times", "stationary_law"]

Array = npt.NDArray[np.float64]
_EPS = float(np.finfo(float).eps)
_EXACT = "linear equations in exact fractions"


def _rational_chain(chain: Array, max_denominator: int) -> Any:
    """Return the chain of the nearest fractions."""
    table, _ = rational_model(chain[:, None, :], np.zeros((chain.shape[0], 1)), max_denominator)
    return table[:, 0]


def _single_class(chain: Array) -> npt.NDArray[np.int64]:
    """Return the recurrent states; refuse a chain that has several recurrent classes."""
    labels = planning.recurrent_classes(chain)
    if labels.max() > 0:
        planning.stationary_distribution(chain)
    return np.flatnonzero(labels == 0)


def stationary_law(model: Any, policy: npt.ArrayLike | None = None, *, max_denominator: int | None = None) -> Certified:
    """Return the stationary law of a chain with one recurrent class.

    Parameters
    ----------
    model : AverageRewardMDP or DiscountedMDP with ``policy``, or array (S, S)
        A model with a stationary policy, or a transition matrix.
    policy : array, optional
        Needed with a model.
    max_denominator : int, optional
        Read each probability as the nearest fraction with at most this
        denominator, and answer exactly, in `Fraction`.

    Returns
    -------
    Certified
        Arrays (S,), exactly 0 at transient states; it exists for periodic chains too. In floats the
        enclosure is that of elimination without subtractions, relative to each entry: a few units in the last
        place in practice, ``2 S^3 eps`` at worst [1]_.

    Raises
    ------
    ModelError
        If the chain has several recurrent classes.

    References
    ----------
    .. [1] O'Cinneide (1993), Entrywise perturbation theory and error analysis for Markov chains.
    """
    chain = as_chain(model, policy)
    inside = _single_class(chain)
    if max_denominator is not None:
        exact = np.full(chain.shape[0], Fraction(0), dtype=object)
        exact[inside] = RATIONAL.stationary(_rational_chain(chain, max_denominator)[np.ix_(inside, inside)])
        return Certified(exact, exact, _EXACT)
    law = planning.stationary_distribution(chain)
    S = chain.shape[0]
    error = min(1.0, 2.0 * S**3 * _EPS)
    return Certified(law * (1.0 - error), law * (1.0 + error), "elimination without subtractions")


def mean_hitting_times(
    model: Any, policy: npt.ArrayLike | None = None, *, max_denominator: int | None = None
) -> Certified:
    """Return the expected times ``E_i[T_j]`` of a chain from each state to each other, 0 on the diagonal.

    Parameters
    ----------
    model, policy, max_denominator
        As in `stationary_law`.

    Returns
    -------
    Certified
        Arrays ``[i, j]`` of shape (S, S), ``inf`` where ``j`` is missed with
        positive probability.
    """
    chain = as_chain(model, policy)
    table = chain[:, None, :]
    if max_denominator is not None:
        times = planning.exact_hitting_times(table, max_denominator=max_denominator)
        return Certified(times, times, _EXACT)
    found = planning.minimal_hitting_times(AverageRewardMDP(table, np.zeros((chain.shape[0], 1))))
    return Certified(found.lower, found.upper, "elimination without subtractions, residual bounds")


def kemeny_constant(
    model: Any, policy: npt.ArrayLike | None = None, *, max_denominator: int | None = None
) -> Certified:
    r"""Return Kemeny's constant ``sum_j pi_j E_i[T_j]``, the same from every state ``i``.

    It equals :math:`\sum_{k \ge 2} 1/(1-\lambda_k)`, over the eigenvalues but
    the first, and :math:`\mathrm{tr}(I - P + 1\pi^\top)^{-1} - 1`. The time from
    a state to itself counts 0; with return times the constant is one larger.

    Parameters
    ----------
    model, policy, max_denominator
        As in `stationary_law`.

    Returns
    -------
    Certified
        In floats: the intersection of the enclosures from all states. Witness:
        the stationary law.

    Raises
    ------
    ModelError
        If the chain is not irreducible.

    References
    ----------
    .. [1] Kemeny, Snell (1960), Finite Markov Chains, section 4.4.
    """
    chain = as_chain(model, policy)
    inside = _single_class(chain)
    if inside.size < chain.shape[0]:
        s = int(np.flatnonzero(~np.isin(np.arange(chain.shape[0]), inside))[0])
        raise ModelError(f"state {s} is transient; Kemeny's constant is that of an irreducible chain")
    law = stationary_law(chain, max_denominator=max_denominator)
    times = mean_hitting_times(chain, max_denominator=max_denominator)
    if max_denominator is not None:
        value = times.lower[0] @ law.lower
        return Certified(value, value, _EXACT, law.lower)
    rounding = 1.0 + (chain.shape[0] + 2) * _EPS
    lower = float((times.lower @ law.lower).max()) / rounding
    upper = float((times.upper @ law.upper).min()) * rounding
    return Certified(lower, max(lower, upper), f"hitting times and stationary law: {times.method}", law.value)
