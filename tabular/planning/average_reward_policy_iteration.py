"""Multichain policy iteration, once for floats and for exact fractions."""

from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import NotConverged
from .average_reward_arithmetic import FLOAT, Arithmetic, Vector
from .chains import chain_values

__all__ = ["MAX_ITERATIONS", "TOLERANCE", "howard"]

Policy = npt.NDArray[np.int64]

#: In floats, an action is switched only where it gains more than this times the scale of the values compared.
TOLERANCE = 1e-11
MAX_ITERATIONS = 10_000


def _levels(P: Vector, r: Vector, values: tuple[Vector, Vector, Vector], exact: bool) -> Any:
    """Yield the action values of each level with the tolerance of their comparison: gain, bias, second order."""
    g, h, w = values
    size = 0 if exact else float(np.abs(r).max())
    scales = (0, 0, 0) if exact else (size, size + np.abs(h).max(), np.abs(h).max() + np.abs(w).max())
    for q, scale in zip((P @ g, r + P @ h, P @ w), scales, strict=True):
        yield q, TOLERANCE * scale if scale else 0


def howard(
    P: Vector, r: Vector, start: Policy | None = None, arithmetic: Arithmetic = FLOAT
) -> tuple[Policy, tuple[Vector, Vector, Vector], int]:
    r"""Policy iteration on gain, then bias, then the second-order bias.

    A policy is evaluated by ``g = P* r``, ``h = Z r``, ``w = -Z h``. It is
    improved on ``P(s,a) g``; where no action improves that, among the
    maximisers on ``r(s,a) + P(s,a) h``; where none improves that, among those
    on ``P(s,a) w``. The old action stays on ties. When nothing improves, the
    policy is gain- and bias-optimal, in any chain structure [1]_.

    Parameters
    ----------
    P : array (S, A, S)
        Transitions in the number system of ``arithmetic``.
    r : array (S, A)
        Rewards.
    start : int array (S,), optional
        First policy; the best immediate reward by default.
    arithmetic : Arithmetic
        Exact fractions compare exactly; floats ignore improvements up to
        `TOLERANCE` times the scale of the values compared.

    Returns
    -------
    policy : int array (S,)
        The smallest action among the maximisers of all three levels.
    values : (gain, bias, second-order bias) of ``policy``, each (S,)
    iterations : int
        Policies evaluated.

    Raises
    ------
    NotConverged
        If rounding makes the iteration return to a policy it has left.

    References
    ----------
    .. [1] Puterman (1994), Markov Decision Processes, sections 9.2 and 10.3.
    """
    S = r.shape[0]
    each = np.arange(S)
    policy = np.argmax(r, axis=1).astype(np.int64) if start is None else np.array(start, dtype=np.int64)
    left: set[bytes] = set()
    for iteration in range(1, MAX_ITERATIONS + 1):
        values = chain_values(P[each, policy], r[each, policy], arithmetic)
        allowed = np.ones(r.shape, dtype=bool)
        for q, tolerance in _levels(P, r, values, arithmetic.exact):
            open_q = np.where(allowed, q, -np.inf)
            best = open_q.max(axis=1)
            improves = np.asarray(best > q[each, policy] + tolerance, dtype=bool)
            if improves.any():
                left.add(policy.tobytes())
                policy = np.where(improves, open_q.argmax(axis=1), policy).astype(np.int64)
                break
            allowed &= np.asarray(open_q >= (best - tolerance)[:, None], dtype=bool)
        else:
            first = allowed.argmax(axis=1).astype(np.int64)
            if not np.array_equal(first, policy):
                policy = first
                values = chain_values(P[each, policy], r[each, policy], arithmetic)
            return policy, values, iteration
        if policy.tobytes() in left:
            break
    raise NotConverged(
        f"policy iteration came back to a policy after {iteration} iterations: differences between policies are "
        "below rounding; use exact_average_reward",
        partial=(policy, values, iteration),
    )
