"""Relative value iteration with bounds on the gain at every sweep."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["RelativeValues", "gain_bounds", "relative_values", "rounding"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RelativeValues:
    """Where relative value iteration stopped: ``v``, its greedy policy, bounds on the gain, sweeps, success."""

    v: Array
    policy: npt.NDArray[np.int64]
    lower: float
    upper: float
    sweeps: int
    converged: bool


def _action_values(mdp: Any, v: Array) -> Array:
    P = mdp.P if mdp.sparse else mdp.P.reshape(-1, mdp.S)
    result: Array = mdp.r + (P @ v).reshape(mdp.S, mdp.A)
    return result


def gain_bounds(mdp: Any, v: Array) -> tuple[float, float]:
    """Return ``min(Tv - v)`` and ``max(Tv - v)``, widened by the rounding of their computation.

    In any model ``min(Tv - v) <= g*(s) <= max(Tv - v)`` for all ``s`` and any
    ``v`` [1]_: between them lies the gain, if it is the same in every state.

    References
    ----------
    .. [1] Puterman (1994), Markov Decision Processes, theorem 8.5.5 and section 9.1.
    """
    change = _action_values(mdp, v).max(axis=1) - v
    slack = rounding(mdp, v)
    return float(change.min()) - slack, float(change.max()) + slack


def rounding(mdp: Any, v: Array) -> float:
    """Bound the error of one entry of ``Tv - v`` from rounding and from rows of P that do not sum to 1."""
    size = float(np.abs(mdp.r).max() + 2.0 * np.abs(v).max())
    return ((mdp.S + 4) * float(np.finfo(float).eps) + mdp.row_error) * size


def relative_values(mdp: Any, tol: float, max_sweeps: int, stay: float) -> RelativeValues:
    """Iterate ``v <- v + (1 - stay) (Tv - v)`` until the bounds on the gain are within ``tol``.

    This is value iteration on the model in which every action does nothing with
    probability ``stay``: the same bias, the gain times ``1 - stay``, and no
    periodic policy [1]_. With ``stay = 0`` it need not converge.

    References
    ----------
    .. [1] Puterman (1994), Markov Decision Processes, section 8.5.4.
    """
    v = np.zeros(mdp.S)
    for sweep in range(1, max_sweeps + 1):
        q = _action_values(mdp, v)
        change = q.max(axis=1) - v
        if change.max() - change.min() <= tol or sweep == max_sweeps:
            break
        v = v + (1.0 - stay) * change
        v -= v[0]
    lower, upper = gain_bounds(mdp, v)
    return RelativeValues(
        v, q.argmax(axis=1).astype(np.int64), lower, upper, sweep, bool(change.max() - change.min() <= tol)
    )
