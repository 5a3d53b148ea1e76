r"""Effective horizons: how many backups of a simple policy's values make greedy play optimal.

:math:`Q^1` are the values of an exploration policy (uniform unless given), :math:`Q^{i+1}=r+P\max Q^i`. The model is
k-QVI-solvable if every policy that is greedy for :math:`Q^k`, ties included, is optimal from the start.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tabular import _check as check
from tabular.errors import ModelError, ParameterError
from tabular.models import EpisodicMDP

from ._fractions import as_fractions
from .certified import Certified

__all__ = ["QviAnalysis", "effective_horizon", "gorp_horizon", "qvi_analysis", "qvi_depth"]

Floats = npt.NDArray[np.float64]
_EPS = float(np.finfo(float).eps)


@dataclass(frozen=True, slots=True, eq=False)
class QviAnalysis:
    """Exact analysis of all iterates; the first axis counts k = 1, ..., H. Fractions where asked for.

    Attributes
    ----------
    Q : ndarray, shape (H, H, S, A)
        ``Q[k - 1, h]`` is the k-th iterate at step h; ``Q[H - 1]`` is optimal.
    value : float or Fraction
        Of the optimal policy.
    least, most : ndarray, shape (H,)
        Values of the worst and the best policy greedy for each iterate.
    gap : ndarray, shape (H,)
        Smallest margin between the best action and the best suboptimal one, over the states that actions above all
        suboptimal ones reach; ``inf`` where no such state has a suboptimal action, at most 0 where one is greedy.
    slack : float
        Bound on the rounding error of values; 0 in fractions.
    """

    Q: Any
    value: Any
    least: Any
    most: Any
    gap: Any
    slack: float

    @property
    def surely(self) -> npt.NDArray[np.bool_]:
        """Which k are solvable beyond doubt."""
        return np.asarray(self.least >= self.value - 4.0 * self.slack, dtype=bool) if self.slack else self._exact

    @property
    def possibly(self) -> npt.NDArray[np.bool_]:
        """Which k are not known to be unsolvable."""
        return np.asarray(self.most >= self.value - 4.0 * self.slack, dtype=bool) if self.slack else self._exact

    @property
    def _exact(self) -> npt.NDArray[np.bool_]:
        return np.array([low == self.value for low in self.least])


def qvi_analysis(
    mdp: EpisodicMDP, *, exploration: npt.ArrayLike | None = None, max_denominator: int | None = None
) -> QviAnalysis:
    r"""Analyse all iterates of Q-value iteration from an exploration policy.

    Parameters
    ----------
    mdp : EpisodicMDP
    exploration : array, optional
        Policy whose values are :math:`Q^1`; uniform by default.
    max_denominator : int, optional
        Read the model as the nearest fractions with at most this denominator, and decide ties exactly.

    Returns
    -------
    QviAnalysis
        In floats, actions within the rounding error of the largest value count as greedy: ``least`` is then at most,
        ``most`` at least what it is exactly. Optimal are actions within the rounding error of the optimal value.

    Raises
    ------
    ParameterError
        For another model.
    ModelError
        If the fractions of a row do not sum to 1.

    References
    ----------
    .. [1] Laidlaw, Zhu, Russell, Dragan (2024), The effective horizon explains deep RL performance in stochastic
       environments, section 3.
    """
    if not isinstance(mdp, EpisodicMDP):
        raise ParameterError(f"a {type(mdp).__name__} has no effective horizon here; give an EpisodicMDP")
    H, S, A = mdp.r.shape
    uniform = np.full((H, S, A), 1.0 / A)
    pi = uniform if exploration is None else check.stochastic_policy(exploration, (H, S), A, "exploration")
    P, r, mu0 = mdp.P, mdp.r, mdp.mu0
    slack: float = 0  # an integer: Fractions minus 0.0 would be floats
    if max_denominator is not None:
        P, r, mu0, pi = (
            as_fractions(x, name, max(max_denominator, A) if name == "exploration" else max_denominator, ndim=x.ndim)
            for x, name in ((mdp.P, "P"), (mdp.r, "r"), (mdp.mu0, "mu0"), (pi, "exploration"))
        )
        if np.any(P.sum(axis=3) != 1) or mu0.sum() != 1 or np.any(pi.sum(axis=2) != 1):
            raise ModelError("the fractions of a row do not sum to 1; give a larger max_denominator")
    else:
        slack = H * ((S + A + 4) * _EPS + mdp.row_error) * H * max(float(np.abs(mdp.r).max()), 1e-300)
    Q = np.empty((H, H, S, A), dtype=np.asarray(r).dtype)
    first = Q[0]
    for h in range(H - 1, -1, -1):
        first[h] = r[h] if h == H - 1 else r[h] + P[h] @ (pi[h + 1] * first[h + 1]).sum(axis=1)
    for k in range(1, H):
        Q[k, H - 1] = r[H - 1]
        for h in range(H - 1):
            Q[k, h] = r[h] + P[h] @ Q[k - 1, h + 1].max(axis=1)
    best = Q[H - 1]
    optimal = best >= best.max(axis=2, keepdims=True) - 2 * slack
    least, most, gap = [], [], []
    for k in range(H):
        greedy = Q[k] >= Q[k].max(axis=2, keepdims=True) - 2 * slack
        least.append((mu0 * _extreme_value(P, r, greedy, worst=True)).sum())
        most.append((mu0 * _extreme_value(P, r, greedy, worst=False)).sum())
        gap.append(_gap(P, mu0, Q[k], optimal))
    value = (mu0 * best[0].max(axis=1)).sum()
    kind = Q.dtype
    return QviAnalysis(
        Q, value, np.array(least, dtype=kind), np.array(most, dtype=kind), np.array(gap, dtype=kind), slack
    )


def _extreme_value(P: Any, r: Any, allowed: npt.NDArray[np.bool_], *, worst: bool) -> Any:
    """Return the least or largest values (S,) at the start over policies that use allowed actions only."""
    H = r.shape[0]
    after: Any = None
    for h in range(H - 1, -1, -1):
        q = r[h] if after is None else r[h] + P[h] @ after
        out = np.inf if worst else -np.inf
        rows = np.where(allowed[h], q, out)
        after = rows.min(axis=1) if worst else rows.max(axis=1)
    return after


def _gap(P: Any, mu0: Any, q: Any, optimal: npt.NDArray[np.bool_]) -> Any:
    """Return the smallest margin over suboptimal actions where actions that beat all of these lead."""
    reached = np.asarray(mu0 > 0, dtype=bool)
    smallest: Any = math.inf
    for h in range(q.shape[0]):
        ahead = np.zeros(reached.shape, dtype=bool)
        for s in np.flatnonzero(reached):
            bad = q[h, s][~optimal[h, s]]
            beaten = max(bad) if bad.size else -math.inf
            if bad.size:
                smallest = min(smallest, max(q[h, s]) - beaten)
            for a in np.flatnonzero(np.asarray(q[h, s] > beaten, dtype=bool)):
                ahead |= np.asarray(P[h][s, a] > 0, dtype=bool)
        reached = ahead
    return smallest


def qvi_depth(
    mdp: EpisodicMDP, *, exploration: npt.ArrayLike | None = None, max_denominator: int | None = None
) -> Certified:
    """Return the least k for which every policy greedy for the k-th iterate is optimal; at most H.

    Parameters, errors and references are those of `qvi_analysis`.

    Returns
    -------
    Certified
        Integers; in floats ``lower < upper`` where ties or optimality cannot be told from rounding. Witness: the
        `QviAnalysis`.

    Examples
    --------
    >>> qvi_depth(EpisodicMDP([[[1.0], [1.0]]], [[0.0, 1.0]], [1.0], H=3)).value
    1
    """
    found = qvi_analysis(mdp, exploration=exploration, max_denominator=max_denominator)
    lower = 1 + int(np.argmax(found.possibly))
    upper = 1 + int(np.argmax(found.surely)) if found.surely.any() else len(found.least)
    how = "in exact fractions" if max_denominator is not None else "ties up to rounding"
    return Certified(lower, max(lower, upper), f"backward passes over all greedy actions, {how}", found)


def effective_horizon(mdp: EpisodicMDP, *, exploration: npt.ArrayLike | None = None) -> Certified:
    r"""Return the stochastic effective horizon :math:`\min_kk+\log_A(1/\Delta_k^2)` over solvable k.

    Parameters
    ----------
    mdp : EpisodicMDP
        Returns are rescaled to [0, 1] by the least and the largest value of any policy.
    exploration : array, optional
        As in `qvi_analysis`.

    Returns
    -------
    Certified
        Where no suboptimal action is met the gap counts as 1; for A = 1 the horizon is 1. Witness: the minimising k.

    References
    ----------
    .. [1] Laidlaw, Zhu, Russell, Dragan (2024), definition 3.2.
    """
    found = qvi_analysis(mdp, exploration=exploration)
    A = mdp.r.shape[2]
    if A == 1:
        return Certified(1.0, 1.0, "a single action", 1)
    everything = np.ones(mdp.r.shape, dtype=bool)
    scale = float(found.value - (mdp.mu0 * _extreme_value(mdp.P, mdp.r, everything, worst=True)).sum())
    if scale <= 8.0 * found.slack:
        return Certified(1.0, 1.0, "all policies have the same value, up to rounding", 1)
    ends = []
    for sure, sign in ((found.possibly, 1.0), (found.surely, -1.0)):
        margin = np.clip((found.gap + sign * 4.0 * found.slack) / (scale - sign * 8.0 * found.slack), 0.0, 1.0)
        with np.errstate(divide="ignore"):
            terms = 1.0 + np.arange(mdp.r.shape[0]) - 2.0 * np.log(margin) / math.log(A)
        ends.append(np.where(sure, terms, np.inf))
    lower, upper = float(ends[0].min()), float(ends[1].min())
    return Certified(min(lower, upper), upper, "backward passes, rounding allowed for", 1 + int(ends[1].argmin()))


def gorp_horizon(mdp: EpisodicMDP) -> Certified:
    r"""Enclose the deterministic effective horizon :math:`H=\min_kk+\log_Am_k` of greedy over random policies (GORP).

    :math:`m_k` is the least number of random continuations a sequence of k actions with which GORP is optimal with
    probability at least 1/2. Sufficient is
    :math:`m=\lceil\frac{28}3\frac{\max_aQ^k\,V^\star}{\Delta_k^2}\ln(2HA^k)\rceil`, the largest over the states met
    (docs/papers/complexity-measures.md).

    Parameters
    ----------
    mdp : EpisodicMDP
        Deterministic transitions and start, rewards >= 0.

    Returns
    -------
    Certified
        ``lower`` is 1, ``upper`` that of the sufficient sample sizes. Witness: ``(k, m)`` with the sample
        size for that k.

    Raises
    ------
    ParameterError
        For random transitions or negative rewards.

    References
    ----------
    .. [1] Laidlaw, Russell, Dragan (2023), Bridging RL theory and practice with the effective horizon, definition 5.2.
    """
    found = qvi_analysis(mdp)
    if not np.all((mdp.P == 0.0) | (mdp.P == 1.0)) or not np.all((mdp.mu0 == 0.0) | (mdp.mu0 == 1.0)):
        raise ParameterError("mdp has random transitions; GORP plays fixed sequences of actions")
    if mdp.r.min() < 0.0:
        raise ParameterError(f"r has the entry {mdp.r.min():g}; rewards must be >= 0")
    A = mdp.r.shape[2]
    best, witness = math.inf, (0, 0)
    for k in np.flatnonzero(found.surely) + 1:
        m = _sufficient(mdp, found, int(k))
        horizon = k + (math.log(m) / math.log(A) if A > 1 else 0.0)
        if horizon < best:
            best, witness = float(horizon), (int(k), m)
    return Certified(1.0, best, "one random play a sequence below, Bernstein's inequality above", witness)


def _sufficient(mdp: EpisodicMDP, found: QviAnalysis, k: int) -> int:
    H, _, A = mdp.r.shape
    q, best = found.Q[k - 1], found.Q[H - 1]
    optimal = best >= best.max(axis=2, keepdims=True) - 2.0 * found.slack
    reached = mdp.mu0 > 0.0
    worst = 0.0
    for h in range(H):
        ahead = np.zeros(reached.shape, dtype=bool)
        for s in np.flatnonzero(reached):
            bad = q[h, s][~optimal[h, s]]
            if bad.size:
                margin = float(q[h, s].max() - bad.max()) - 4.0 * found.slack
                if margin <= 0.0:
                    return 2**62
                worst = max(worst, float(q[h, s].max() * best[h, s].max()) / margin**2)
            beaten = bad.max() if bad.size else -math.inf
            for a in np.flatnonzero(q[h, s] > beaten):
                ahead |= mdp.P[h][s, a] > 0.0
        reached = ahead
    return max(1, math.ceil(28.0 / 3.0 * worst * math.log(2.0 * H * float(A) ** k)))
