"""Kernels of BPI-UCBVI: upper and lower values, their greedy policy, and a bound on how far it is from optimal."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..._jit import kernel
from ...simulation.sampling import _draw
from ._confidence import _beta, _beta_star
from ._counts import (
    Counts,
    _dense_means,
    _dense_variances,
    _is_dense,
    _mean_ahead,
    _record,
    _sparse_means,
    _sparse_variances,
)
from ._episodes import Dynamics, _next_state, _policy_value, _same_policy

__all__ = ["BpiPlan", "empty_bpi_plan"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class BpiPlan(NamedTuple):
    """A plan of BPI-UCBVI, and its workspaces."""

    upper: Floats  # (H, S, A)
    lower: Floats  # (H, S, A)
    U: Floats  # (H + 1, S) largest upper of each state; U[H] = 0, as are the next two
    L: Floats  # (H + 1, S) largest lower of each state
    gap: Floats  # (H + 1, S) bound on the optimal value minus that of the greedy policy
    policy: Ints  # (H, S) greedy in upper, the smallest action on ties
    mean_U: Floats  # (S * A,) workspace, as are the next two
    mean_L: Floats
    variance: Floats


def empty_bpi_plan(S: int, A: int, H: int) -> BpiPlan:
    """Return a plan not yet made."""
    steps, states, pairs = (H, S, A), (H + 1, S), S * A
    return BpiPlan(
        upper=np.zeros(steps),
        lower=np.zeros(steps),
        U=np.zeros(states),
        L=np.zeros(states),
        gap=np.zeros(states),
        policy=np.zeros((H, S), dtype=np.int64),
        mean_U=np.empty(pairs),
        mean_L=np.empty(pairs),
        variance=np.empty(pairs),
    )


@kernel
def _bpi_plan(plan: BpiPlan, counts: Counts, r: Floats, delta: float, scale: float, gap_scale: float) -> None:
    """Plan from counts of each step (T = H) and known rewards ``r`` (H, S, A).

    With n visits of a pair, at step h (from 0), and P the empirical transitions,
    ``upper = clip(r + P U + 3 sqrt(Var(U) beta* / n) + 14 H^2 beta / n + P (U - L) / H, 0, H - h)``,
    ``lower = clip(r + P L - ...the same..., 0, H - h)``, the trivial bounds where n = 0, and for the greedy action
    ``gap = clip(6 sqrt(Var(U) beta* / n) + 36 H^2 beta / n + (1 + 3/H) P gap, 0, H)``. ``scale`` multiplies the
    terms with beta in the bounds, ``gap_scale`` those in the gap.
    """
    H, S, A = r.shape
    horizon = float(H)
    n, degree, column = counts.n.reshape(H, S * A), counts.degree.reshape(H, S * A), counts.column
    successor, weight = counts.successor.reshape(H, S * A, S), counts.weight.reshape(H, S * A, S)
    for h in range(H - 1, -1, -1):
        most = float(H - h)
        if _is_dense(counts, h):
            _dense_means(column, n, h, plan.U, h + 1, plan.mean_U)
            _dense_means(column, n, h, plan.L, h + 1, plan.mean_L)
            _dense_variances(column, n, h, plan.U, h + 1, plan.mean_U, plan.variance)
        else:
            _sparse_means(degree, successor, weight, n, h, plan.U, h + 1, plan.mean_U)
            _sparse_means(degree, successor, weight, n, h, plan.L, h + 1, plan.mean_L)
            _sparse_variances(degree, successor, weight, n, h, plan.U, h + 1, plan.mean_U, plan.variance)
        for s in range(S):
            best, top, bottom = 0, -1.0, 0.0
            for a in range(A):
                i = s * A + a
                upper, lower = most, 0.0
                if n[h, i] > 0.0:
                    visits = max(n[h, i], 1.0)
                    deviation = math.sqrt(plan.variance[i] * _beta_star(visits, delta, S, A, H) / visits)
                    rest = horizon * horizon * _beta(visits, delta, S, A, H) / visits
                    spread = (plan.mean_U[i] - plan.mean_L[i]) / max(horizon, 1.0)
                    width = scale * (3.0 * deviation + 14.0 * rest) + spread
                    upper = min(max(r[h, s, a] + plan.mean_U[i] + width, 0.0), most)
                    lower = min(max(r[h, s, a] + plan.mean_L[i] - width, 0.0), most)
                plan.upper[h, s, a] = upper
                plan.lower[h, s, a] = lower
                bottom = max(bottom, lower)
                if upper > top:
                    best, top = a, upper
            plan.U[h, s] = top
            plan.L[h, s] = bottom
            plan.policy[h, s] = best
            plan.gap[h, s] = _gap(plan, counts, h, s, best, delta, gap_scale)


@kernel
def _gap(plan: BpiPlan, counts: Counts, h: int, s: int, a: int, delta: float, scale: float) -> float:
    """Gap of one state, whose greedy action is ``a``; the variances of step ``h`` are in the workspace."""
    H, S, A = plan.upper.shape
    n = counts.n[h, s, a]
    if n == 0.0:
        return float(H)
    deviation = math.sqrt(plan.variance[s * A + a] * _beta_star(n, delta, S, A, H) / max(n, 1.0))
    rest = H * H * _beta(n, delta, S, A, H) / max(n, 1.0)
    ahead = _mean_ahead(counts, h, s, a, plan.gap[h + 1])
    return min(scale * (6.0 * deviation + 36.0 * rest) + (1.0 + 3.0 / max(H, 1.0)) * ahead, float(H))


@kernel
def _bpi_run(
    model: Dynamics, plan: BpiPlan, counts: Counts, eps: float, delta: float, scale: float, gap_scale: float,
    rng: np.random.Generator, values: Floats, gaps: Floats, policy: Ints, visits: Ints,
) -> int:  # fmt: skip
    """Play until the mean gap of the first state is at most ``eps``, at most K episodes; values (K,), gaps (K + 1,).

    Returns the number of episodes played. ``policy`` (H, S) ends as the one executed last; `plan` and the last gap are
    those after it.
    """
    H, S = policy.shape
    occupancy = np.empty((2, S))
    value = 0.0
    for k in range(values.shape[0] + 1):
        _bpi_plan(plan, counts, model.r, delta, scale, gap_scale)
        gaps[k] = _first_gap(model, plan)
        if gaps[k] <= eps or k == values.shape[0]:
            return k
        if k == 0 or not _same_policy(policy, plan.policy):
            policy[:] = plan.policy
            value = _policy_value(model, policy, occupancy)
        values[k] = value
        s = _draw(model.mu0, rng.random())
        for h in range(H):
            a = policy[h, s]
            s_next = _next_state(model, h, s, a, rng.random())
            _record(counts, h, s, a, s_next)
            visits[h, s, a] += 1
            s = s_next
    return 0


@kernel
def _first_gap(model: Dynamics, plan: BpiPlan) -> float:
    """Mean over the first state of the gap."""
    total = 0.0
    for s in range(model.mu0.shape[0]):
        total += model.mu0[s] * plan.gap[0, s]
    return total
