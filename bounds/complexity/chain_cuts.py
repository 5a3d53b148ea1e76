"""Cheeger's constant of a finite Markov chain: the narrowest passage between two parts of the states."""

from typing import Any

import numpy as np
import numpy.typing as npt

from tabular import _check as check
from tabular import planning
from tabular._jit import kernel

from .certified import Certified
from .chain_mixing import as_chain

__all__ = ["cheeger_constant"]

_EPS = float(np.finfo(float).eps)


@kernel
def _narrowest(flow: Any, law: Any, half: float) -> tuple[float, int]:
    """Least escape probability among the sets of mass at most ``half``, and the set as bits.

    flow (S, S) = law_i P_ij; law (S,). Mass and flow across are summed anew for each set, so that no error builds up.
    """
    S = law.shape[0]
    best, where = np.inf, 0
    for code in range(1, 2**S - 1):
        mass = 0.0
        for i in range(S):
            if (code >> i) & 1:
                mass += law[i]
        if mass > half or mass <= 0.0:
            continue
        across = 0.0
        for i in range(S):
            if (code >> i) & 1:
                for j in range(S):
                    if not (code >> j) & 1:
                        across += flow[i, j]
        if across < best * mass:
            best, where = across / mass, code
    return best, where


def cheeger_constant(model: Any, policy: npt.ArrayLike | None = None, *, max_states: int = 16) -> Certified:
    r"""Return ``min Q(B, B^c) / pi(B)`` over the sets ``B`` of states with ``0 < pi(B) <= 1/2``.

    ``Q(B, C)`` is the stationary probability of a step from ``B`` to ``C``. By
    stationarity :math:`Q(B, B^c) = Q(B^c, B)`, so a chain and its additive
    reversibilisation have the same constant, and Cheeger's inequalities
    :math:`g/2 \le \Phi \le \sqrt{2 g}` hold with the gap ``g`` of the latter [1]_.

    Parameters
    ----------
    model, policy
        As in `mixing_time`.
    max_states : int
        Up to this many recurrent states (at most 24) every set is tried: exact up to rounding. Beyond,
        Cheeger's inequality below, and above the best of the sets that the
        second eigenvector orders.

    Returns
    -------
    Certified
        ``inf`` for a single recurrent state: no set qualifies. Witness: the
        states of the set that attains ``upper``.

    Raises
    ------
    ModelError
        If the chain has several recurrent classes (the constant is then that of no single law).

    References
    ----------
    .. [1] Levin, Peres, Wilmer (2009), Markov Chains and Mixing Times, section 13.3.
    """
    check.count(max_states, "max_states", high=24)
    chain = as_chain(model, policy)
    whole = planning.stationary_distribution(chain)
    inside = np.flatnonzero(whole > 0.0)
    if inside.size == 1:
        return Certified(np.inf, np.inf, "one recurrent state: no set has mass between 0 and 1/2")
    law, P = whole[inside], chain[np.ix_(inside, inside)]
    flow = law[:, None] * P
    rounding = 8.0 * inside.size * (inside.size + 2) * _EPS
    if inside.size <= max_states:
        value, code = _narrowest(flow, law, 0.5 * (1.0 + rounding))
        chosen = inside[(int(code) >> np.arange(inside.size)) & 1 == 1]
        return Certified(value * (1.0 - rounding), value * (1.0 + rounding), "every set of states", chosen)
    root = np.sqrt(law)
    symmetric = (flow + flow.T) / (2.0 * root[:, None] * root[None, :])
    size, vectors = np.linalg.eigh((symmetric + symmetric.T) / 2.0)
    gap = max(0.0, 1.0 - float(size[-2]) - rounding)
    order = np.argsort(vectors[:, -2] / root)
    best, chosen = np.inf, order[:1]
    for k in range(1, inside.size):
        for part, rest in ((order[:k], order[k:]), (order[k:], order[:k])):
            mass = float(law[part].sum())
            ratio = float(flow[np.ix_(part, rest)].sum()) / mass
            if mass <= 0.5 * (1.0 + rounding) and ratio < best:
                best, chosen = ratio, part
    return Certified(
        min(gap / 2.0, best),
        best * (1.0 + rounding),
        "Cheeger's inequality and its eigenvector",
        inside[np.sort(chosen)],
    )
