"""The largest occupancy of each state-action pair, over all policies or over a finite class."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tabular import _check as check
from tabular.errors import NotConverged, ParameterError
from tabular.models import DiscountedMDP

from .certified import Certified
from .steps import Steps, as_steps, policy_occupancy

__all__ = ["enclose_occupancies", "largest_occupancies"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_EPS = float(np.finfo(float).eps)
#: Sweeps of value iteration that choose the first policies.
_SWEEPS = 25
_MAX_ITERATIONS = 1_000
#: Targets solved together: the systems of one batch take 8 S^2 bytes each.
_BATCH = 50


def largest_occupancies(model: Any, *, policies: Sequence[npt.ArrayLike] | npt.ArrayLike | None = None) -> Certified:
    r"""Return ``m(s,a)``, the largest occupancy of each pair over policies.

    Parameters
    ----------
    model : EpisodicMDP, DiscountedMDP, ContextualBandit, BernoulliBandit, GaussianBandit
        Rewards play no part.
    policies : sequence of policies, optional
        A finite class, deterministic or stochastic ones; by default all
        policies. The value of a class is found by enumeration: the dynamic
        program's may be far larger.

    Returns
    -------
    Certified
        Arrays in the shape of the model's occupancies, (H, S, A), (S, A) or
        (A,); exactly 0 where no policy arrives. Witness, for a finite class: the
        index of a policy that attains each entry; else None.

    Raises
    ------
    ParameterError
        If ``policies`` is empty.

    Notes
    -----
    Episodic, all policies: backward induction with the reward
    :math:`1\{s_h = s\}` for each ``(h, s)``, O(H^2 S^3 A) in all; any action may
    be taken on arrival, so that ``m_h(s, a)`` does not depend on ``a``.
    Discounted, one planning problem a state: with the largest expected
    ``W(x) = gamma**(time from x to s)``, ``m(s, a) = (1 - gamma) mu0 W / (1 -
    gamma P(s,a) W)``, the value of arriving soonest and then repeating ``a``.
    """
    steps = as_steps(model)
    low, high, _, index = enclose_occupancies(steps, policies)
    method = "one planning problem a state" if policies is None else "enumeration of the given policies"
    return Certified(
        low.reshape(steps.shape),
        high.reshape(steps.shape),
        method,
        None if index is None else index.reshape(steps.shape),
    )


def enclose_occupancies(steps: Steps, policies: Any = None) -> tuple[Array, Array, Mask, npt.NDArray[np.int64] | None]:
    """Enclose the largest occupancies of a model in the common form.

    Parameters
    ----------
    steps : Steps
    policies : sequence of policies, optional
        All by default.

    Returns
    -------
    low, high : arrays (H, S, A)
    reached : bool array (H, S, A)
        Whether some policy arrives, read off the graph.
    index : int array (H, S, A) or None
        For a finite class, the policy that attains each entry.
    """
    if policies is not None:
        return _enumerated(steps, policies)
    reached = np.broadcast_to(_reachable(steps)[:, :, None], steps.table).copy()
    low, high = _discounted(steps.mdp) if steps.discounted else _episodic(steps)
    return np.where(reached, low, 0.0), np.where(reached, high, 0.0), reached, None


def _enumerated(steps: Steps, policies: Any) -> tuple[Array, Array, Mask, npt.NDArray[np.int64]]:
    low, high = np.zeros(steps.table), np.zeros(steps.table)
    index, best = np.zeros(steps.table, dtype=np.int64), np.zeros(steps.table)
    check.count(len(policies), "the number of policies", error=ParameterError)
    for i, policy in enumerate(policies):
        d, error = policy_occupancy(steps, policy)
        used = d > 0.0
        index[d > best] = i
        best = np.maximum(best, d)
        low = np.maximum(low, np.where(used, np.maximum(0.0, d - error), 0.0))
        high = np.maximum(high, np.where(used, np.minimum(1.0, d + error), 0.0))
    return low, high, high > 0.0, index


def _episodic(steps: Steps) -> tuple[Array, Array]:
    mdp = steps.mdp
    H, S, A = steps.table
    low, high = np.empty((H, S, A)), np.empty((H, S, A))
    for h in range(H):
        reach = np.eye(S)
        for k in range(h - 1, -1, -1):
            reach = (mdp.P[k].reshape(S * A, S) @ reach).reshape(S, A, S).max(axis=1)
        best = mdp.mu0 @ reach
        error = (h + 1) * ((S + 2) * _EPS + mdp.row_error)
        low[h], high[h] = (best * (1.0 - error))[:, None], (best * (1.0 + error))[:, None]
    return low, high


def _discounted(mdp: DiscountedMDP) -> tuple[Array, Array]:
    P, gamma = mdp.dense_P(), mdp.gamma
    S, A = mdp.S, mdp.A
    low, high = np.empty((1, S, A)), np.empty((1, S, A))
    rows = P.reshape(S * A, S)
    for first in range(0, S, _BATCH):
        targets = np.arange(first, min(first + _BATCH, S))
        W, error = _arrivals(rows, gamma, S, targets)
        for side, out in ((-1.0, low), (1.0, high)):
            near = np.clip(W + side * error, 0.0, 1.0)
            near[targets, np.arange(targets.size)] = 1.0
            again = 1.0 - gamma * np.einsum("tax,xt->ta", P[targets], near)
            start = (1.0 - gamma) * (mdp.mu0 @ near)[:, None]
            rounding = (S + 4) * _EPS / again + (S + 4) * _EPS
            out[0, targets] = np.clip(start / again * (1.0 + side * rounding), 0.0, 1.0)
    return low, high


def _arrivals(rows: Array, gamma: float, S: int, targets: npt.NDArray[np.int64]) -> tuple[Array, float]:
    """Return ``W[x, k]``, the largest expected ``gamma**(time from x to targets[k])``, and a bound on its error.

    Policy iteration for all targets at once; the error follows from one application of the operator.
    """
    A, T = rows.shape[0] // S, targets.size
    each, states = np.arange(T), np.arange(S)
    W = np.zeros((S, T))
    W[targets, each] = 1.0

    def backup(W: Array) -> Array:
        return gamma * (rows @ W).reshape(S, A, W.shape[1])

    for _ in range(_SWEEPS):
        W = backup(W).max(axis=1)
        W[targets, each] = 1.0
    policy = backup(W).argmax(axis=1)
    open_ = each
    for _ in range(_MAX_ITERATIONS):
        W[:, open_] = _follow(rows, gamma, S, targets[open_], policy[:, open_])
        Q = backup(W[:, open_])
        better = Q.max(axis=1) > W[:, open_] + 1e-13
        better[targets[open_], np.arange(open_.size)] = False
        policy[:, open_] = np.where(better, Q.argmax(axis=1), policy[:, open_])
        open_ = open_[better.any(axis=0)]
        if not open_.size:
            break
    else:
        raise NotConverged(f"arrival values are not settled after {_MAX_ITERATIONS} policy iterations")
    residual = np.abs(backup(W).max(axis=1) - W)
    residual[targets, each] = 0.0
    reach = np.broadcast_to(states[:, None], (S, T)) != targets
    return W, (float(residual[reach].max(initial=0.0)) + (S + 4) * _EPS) / (1.0 - gamma)


def _follow(rows: Array, gamma: float, S: int, targets: Any, policy: npt.NDArray[np.int64]) -> Array:
    """Return the arrival values (S, T) of one stationary policy a target."""
    A = rows.shape[0] // S
    systems = -gamma * rows[np.arange(S) * A + policy.T]
    each, states = np.arange(targets.size), np.arange(S)
    systems[each, targets] = 0.0
    systems[:, states, states] += 1.0
    right = np.zeros((targets.size, S))
    right[each, targets] = 1.0
    solved: Array = np.linalg.solve(systems, right[:, :, None])[:, :, 0].T
    return np.array(solved)


def _reachable(steps: Steps) -> Mask:
    """Return whether some policy is in each state at each step (discounted: at any time), (H, S)."""
    H, S, _ = steps.table
    now = np.asarray(steps.mdp.mu0 > 0.0)
    result = np.empty((H, S), dtype=bool)
    if steps.discounted:
        edges = (steps.mdp.dense_P() > 0.0).any(axis=1)
        while True:
            more = now | edges[now].any(axis=0) if steps.mdp.gamma > 0.0 else now
            if np.array_equal(more, now):
                result[0] = now
                return result
            now = more
    for h in range(H):
        result[h] = now
        now = (steps.mdp.P[h][now] > 0.0).any(axis=(0, 1))
    return result
