"""Finite horizon: backward induction, policy values and occupancies, each with its rounding error bounded."""

from typing import Any

import numpy as np
import numpy.typing as npt

from ..models import EpisodicMDP
from ._backup import UNIT, require, smallest_maximiser
from .results import Evaluation, Plan

__all__ = ["backward_induction", "evaluate_episodic", "occupancy_episodic"]

Array = npt.NDArray[np.float64]


def _step_error(error: float, S: int, V: Array, r: Array, Q: Array) -> float:
    """Error of ``r + P V`` when every ``V[s']`` is off by at most ``error``; row sums are at most 1 + 2e-8."""
    scale = (1.0 + 2e-8) * float(np.abs(V).max())
    rounding = 1.01 * UNIT * ((S + 2) * scale + float(np.abs(Q).max()) + float(np.abs(r).max()))
    return error * (1.0 + 2e-8) + rounding if error or scale or r.any() else 0.0


def backward_induction(mdp: EpisodicMDP) -> Plan:
    r"""Optimal values of a finite-horizon model.

    :math:`V_H = 0`, :math:`Q_h = r_h + P_h V_{h+1}`, :math:`V_h = \max_a Q_h`
    (Puterman 1994, section 4.5). Cost O(H S^2 A).

    Parameters
    ----------
    mdp : EpisodicMDP

    Returns
    -------
    Plan
        ``V[h,s]`` with ``V[H] = 0``, ``Q[h,s,a]``, ``policy[h,s]``. The
        enclosure ``lower``, ``upper`` is ``V`` plus and minus a bound on the
        accumulated rounding, about ``(H-h) S eps max|V|``; two actions whose
        ``Q`` differ by less than twice that bound count as tied, and the
        smaller one is chosen.

    Examples
    --------
    >>> from tabular import EpisodicMDP
    >>> mdp = EpisodicMDP([[[0.5, 0.5]], [[0.0, 1.0]]], [[0.0], [1.0]], [1.0, 0.0], H=3)
    >>> backward_induction(mdp).V.tolist()
    [[1.25, 3.0], [0.5, 2.0], [0.0, 1.0], [0.0, 0.0]]
    """
    require(mdp, EpisodicMDP, solver="backward_induction")
    H, S, A = mdp.r.shape
    V = np.zeros((H + 1, S))
    Q = np.empty((H, S, A))
    policy = np.empty((H, S), dtype=np.int64)
    errors = np.zeros((H + 1, 1))
    for h in range(H - 1, -1, -1):
        Q[h] = mdp.r[h] + mdp.P[h] @ V[h + 1]
        V[h] = Q[h].max(axis=1)
        errors[h] = _step_error(float(errors[h + 1, 0]), S, V[h + 1], mdp.r[h], Q[h])
        policy[h] = smallest_maximiser(Q[h], V[h], 2.0 * float(errors[h, 0]))
    return Plan(
        V=V,
        Q=Q,
        policy=policy,
        value=float(mdp.mu0 @ V[0]),
        lower=V - errors,
        upper=V + errors,
        sweeps=H,
        converged=True,
        method="backward-induction",
    )


def evaluate_episodic(mdp: EpisodicMDP, policy: npt.ArrayLike) -> Evaluation:
    """Values of ``policy``, int (H, S) or stochastic (H, S, A); see `evaluate`."""
    pi: npt.NDArray[Any] = mdp.policy(policy)
    H, S, A = mdp.r.shape
    V = np.zeros((H + 1, S))
    Q = np.empty((H, S, A))
    errors = np.zeros((H + 1, 1))
    states = np.arange(S)
    for h in range(H - 1, -1, -1):
        Q[h] = mdp.r[h] + mdp.P[h] @ V[h + 1]
        errors[h] = _step_error(float(errors[h + 1, 0]), S, V[h + 1], mdp.r[h], Q[h])
        if pi.ndim == 2:
            V[h] = Q[h, states, pi[h]]
        else:
            V[h] = np.einsum("sa,sa->s", pi[h], Q[h])
            errors[h] += 1.01 * UNIT * (A + 2) * float(np.abs(Q[h]).max()) + 2e-8 * float(errors[h, 0])
    return Evaluation(V=V, Q=Q, value=float(mdp.mu0 @ V[0]), lower=V - errors, upper=V + errors)


def occupancy_episodic(mdp: EpisodicMDP, policy: npt.ArrayLike) -> Array:
    """Probabilities ``d[h,s,a]`` of being in ``s`` and taking ``a`` at step ``h``; see `occupancy`."""
    pi: npt.NDArray[Any] = mdp.policy(policy)
    H, S, A = mdp.r.shape
    d = np.zeros((H, S, A))
    states = np.arange(S)
    mass: Array = np.asarray(mdp.mu0)
    for h in range(H):
        if pi.ndim == 2:
            d[h, states, pi[h]] = mass
            mass = mass @ mdp.P[h, states, pi[h]]
        else:
            d[h] = mass[:, None] * pi[h]
            mass = d[h].reshape(-1) @ mdp.P[h].reshape(S * A, S)
    return d
