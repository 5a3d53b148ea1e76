"""Linear programs of average-reward planning, solved by HiGHS and checked here."""

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from ..errors import CertificateError

__all__ = ["multichain_program", "weakly_communicating_program"]

Array = npt.NDArray[np.float64]

#: Largest violation of a constraint that is accepted, times the scale of its terms.
FEASIBILITY = 1e-6


def _rows(mdp: Any) -> tuple[sp.csr_array, sp.csr_array, Array]:
    """Return P as CSR (S*A, S), the map from states to state-action rows, and the rewards (S*A,)."""
    P = mdp.P if mdp.sparse else sp.csr_array(mdp.P.reshape(-1, mdp.S))
    rows = np.arange(mdp.S * mdp.A)
    each = sp.csr_array((np.ones(rows.size), (rows, rows // mdp.A)), shape=(rows.size, mdp.S))
    return P, each, mdp.r.ravel()


def _minimise(cost: Array, matrix: sp.csr_array, right: Array, bounds: list[Any]) -> Array:
    """Minimise ``cost . x`` subject to ``matrix x <= right`` and bounds; refuse an answer that violates a row.

    The gain is kept between the smallest and the largest reward, so that rounding in the rows of P, along which h may
    be shifted freely, cannot make the program look unbounded.
    """
    from scipy.optimize import linprog

    minimise: Any = linprog
    answer = minimise(cost, A_ub=matrix, b_ub=right, bounds=bounds, method="highs")
    if answer.x is None:
        raise CertificateError(f"HiGHS gave no solution of the average-reward program: {answer.message}")
    solution: Array = answer.x
    violation = float((matrix @ solution - right).max())
    scale = max(1.0, float(np.abs(right).max()), float(np.abs(solution).max()))
    if violation > FEASIBILITY * scale:
        raise CertificateError(f"HiGHS reports success, but a constraint is violated by {violation:.3g}")
    return solution


def weakly_communicating_program(mdp: Any) -> tuple[float, Array]:
    """Solve ``min g`` subject to ``g + h(s) >= r(s,a) + P(s,a) h``.

    Parameters
    ----------
    mdp : AverageRewardMDP
        Weakly communicating (otherwise the value is the largest gain of any state).

    Returns
    -------
    gain : float
    h : array (S,)
        Feasible with ``gain`` up to the checked violation; ``h[0] = 0``.

    Raises
    ------
    CertificateError
        If HiGHS gives no solution, or one that violates a constraint.

    References
    ----------
    .. [1] Puterman (1994), Markov Decision Processes, section 8.8.
    """
    P, each, r = _rows(mdp)
    matrix = sp.csr_array(sp.hstack([sp.csr_array(-np.ones((r.size, 1))), P - each]))
    solution = _minimise(
        np.concatenate([[1.0], np.zeros(mdp.S)]),
        matrix,
        -r,
        [mdp.reward_range, (0.0, 0.0)] + [(None, None)] * (mdp.S - 1),
    )
    return float(solution[0]), solution[1:]


def multichain_program(mdp: Any) -> tuple[Array, Array]:
    """Solve ``min sum(g)`` subject to ``g >= P g`` and ``g + h >= r + P h``, for any structure.

    Parameters
    ----------
    mdp : AverageRewardMDP
        Dense or CSR.

    Returns
    -------
    gain, h : arrays (S,)
        The unique optimal gain, and one ``h`` that is feasible with it.

    Raises
    ------
    CertificateError
        If HiGHS gives no solution, or one that violates a constraint.

    References
    ----------
    .. [1] Puterman (1994), Markov Decision Processes, section 9.3.
    """
    P, each, r = _rows(mdp)
    zero = sp.csr_array(P.shape)
    matrix = sp.csr_array(sp.vstack([sp.hstack([P - each, zero]), sp.hstack([-each, P - each])]))
    right = np.concatenate([np.zeros(r.size), -r])
    solution = _minimise(
        np.concatenate([np.ones(mdp.S), np.zeros(mdp.S)]),
        matrix,
        right,
        [mdp.reward_range] * mdp.S + [(None, None)] * mdp.S,
    )
    return solution[: mdp.S], solution[mdp.S :]
