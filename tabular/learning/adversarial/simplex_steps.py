r"""One step of follow-the-regularised-leader on the simplex: log barrier with a certificate, and Hedge.

Both minimise :math:`\langle p, G\rangle + \psi(p)/\eta` over probability vectors, for cumulative losses :math:`G` of
any sign and size: :math:`\psi(p) = -\sum_i \ln p_i` (log barrier) or :math:`\psi(p) = \sum_i p_i\ln p_i` (Hedge).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ...errors import ParameterError
from ._steps import _certified_log_barrier, _hedge, _spread

__all__ = ["LogBarrierStep", "hedge_step", "log_barrier_step"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LogBarrierStep:
    """A log-barrier step with its certificate.

    Attributes
    ----------
    p : ndarray, shape (A,)
        The minimiser; positive, sums to 1 within rounding.
    multiplier : float
        Root nu of ``sum_i 1/(eta (G_i - min G + nu)) = 1``, in [1/eta, A/eta].
    gap : float
        Duality gap of ``p``, >= 0: the objective at ``p`` exceeds the minimum by at most this.
    residual : float
        Largest ``|eta p_i (G_i - min G + nu) - 1|``.
    iterations : int
        Newton steps taken.
    """

    p: Floats
    multiplier: float
    gap: float
    residual: float
    iterations: int


def _vector(losses: npt.ArrayLike) -> Floats:
    """Return ``losses`` as a read-only float64 vector; finiteness is left to the kernel."""
    array: Any = losses
    if not (type(array) is np.ndarray and array.dtype == np.float64 and array.ndim == 1 and array.size):
        return check.as_array(losses, "losses", ndim=1, error=ParameterError)
    found: Floats = np.ascontiguousarray(array).view()
    found.flags.writeable = False
    return found


def _refuse(losses: Floats, spread: float) -> None:
    """Raise for losses whose spread is not a finite number."""
    check.as_array(losses, "losses", ndim=1, error=ParameterError)
    raise ParameterError(f"losses spread over {spread}; the largest minus the smallest must be a finite float")


def _eta(eta: float) -> float:
    return check.number(eta, "eta", low=1e-150, high=1e150)


def log_barrier_step(losses: npt.ArrayLike, eta: float) -> LogBarrierStep:
    r"""Minimise :math:`\langle p, G\rangle - \frac1\eta\sum_i\ln p_i` over the simplex, with a certificate.

    The minimiser is :math:`p_i = 1/(\eta(G_i-\min G+\nu))`. Newton's method on
    :math:`1/\sum_i q_i(\nu) - 1`, a concave increasing function, increases from the left end :math:`1/\eta` to the
    root and never overshoots; bisection takes over where 60 steps did not suffice.

    Parameters
    ----------
    losses : array, shape (A,)
        Cumulative losses ``G``; any finite numbers, of either sign, whose spread is finite.
    eta : float
        Learning rate, > 0 (between 1e-150 and 1e150).

    Returns
    -------
    LogBarrierStep

    Raises
    ------
    ParameterError
        For a loss that is not finite, no losses, ``eta <= 0``, or ``eta`` times the spread beyond 1e300.

    Notes
    -----
    Every coordinate has :math:`p_i \ge 1/(\eta(G_i-\min G)+A)`. Cost O(A) a Newton step, rarely more than 8 steps.

    Examples
    --------
    >>> step = log_barrier_step([0.0, 1e12], eta=1.0)
    >>> bool(step.p[1] > 0.9e-12), step.gap < 1e-12
    (True, True)
    """
    vector, rate = _vector(losses), _eta(eta)
    p = np.empty(vector.shape[0])
    spread, nu, gap, residual, iterations = _certified_log_barrier(vector, rate, p)
    if not spread < np.inf:
        _refuse(vector, spread)
    if not spread * rate < 1e300:
        raise ParameterError(f"losses spread over {spread:g}; eta times that, with eta = {rate:g}, must be below 1e300")
    return LogBarrierStep(p=p, multiplier=nu, gap=gap, residual=residual, iterations=iterations)


def hedge_step(losses: npt.ArrayLike, eta: float) -> Floats:
    r"""Exponential weights, :math:`p_i \propto \exp(-\eta G_i)`.

    Parameters
    ----------
    losses : array, shape (A,)
        Cumulative losses ``G``; any finite numbers whose spread is finite.
    eta : float
        Learning rate, > 0 (between 1e-150 and 1e150).

    Returns
    -------
    ndarray, shape (A,)
        Sums to 1 within rounding; weights of losses more than about 745/eta above the least are 0.

    Raises
    ------
    ParameterError
        For a loss that is not finite, no losses, or ``eta <= 0``.

    Examples
    --------
    >>> hedge_step([1e12, 1e12, 2e12], eta=1.0).tolist()
    [0.5, 0.5, 0.0]
    """
    vector, rate = _vector(losses), _eta(eta)
    spread = _spread(vector)
    if not spread < np.inf:
        _refuse(vector, spread)
    p = np.empty(vector.shape[0])
    _hedge(vector, rate, p)
    return p
