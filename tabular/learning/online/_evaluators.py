r"""Confidence bounds on the value of a policy, and the optimistic plan, as backups over balls around empirical rows.

One backup of the pair ``(h, s, a)`` with ``n`` visits, for the values ``V`` one step ahead:

* ``KL``: :math:`r + \min\{q\cdot V: n\,\mathrm{KL}(\hat P\|q)\le\beta_{KL}(n)\}`;
* ``L1``: the same over :math:`\|q-\hat P\|_1\le\sqrt{2\beta_{KL}(n)/n}`, which contains it by Pinsker's inequality;
* ``BERNSTEIN``: :math:`r + \hat P V - 3\sqrt{\mathrm{Var}_{\hat P}(U)\beta^*/n} - 22H^2\beta/n - (2/H)\hat P(U-V)`
  cut at 0, with ``U`` the optimistic values one step ahead; 0 without visits.

Upper bounds are their mirror images. A pair without visits has the whole simplex for its ball.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..._jit import kernel
from ...planning.confidence_balls import _kl_extreme, _l1_extreme
from ._confidence import _beta, _beta_kl, _beta_star
from ._counts import Counts

__all__ = ["BERNSTEIN", "BPI", "KL", "L1", "Radii", "radii_of"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Kinds of backup; BPI stands for a planner that computes its own (`_bpi_kernels`).
KL, L1, BERNSTEIN, BPI = 0, 1, 2, 3


class Radii(NamedTuple):
    """Radii of every pair at its current count, and how they are computed.

    With the kind ``KL`` or ``L1`` `first` is the radius of the ball, infinite without visits, and `scale` a factor on
    ``beta_KL``. With ``BERNSTEIN`` they are ``beta* / n`` and ``beta / n``, and `scale` a factor on the penalty.
    """

    kind: int
    scale: float
    delta: float
    first: Floats  # (H, S, A)
    second: Floats  # (H, S, A)


def radii_of(kind: int, scale: float, delta: float, counts: Counts) -> Radii:
    """Return the radii that belong to ``counts``, which hold one table a step."""
    table = Radii(kind, scale, delta, np.empty(counts.n.shape), np.zeros(counts.n.shape))
    _set_all(table, counts)
    return table


@kernel
def _set_radius(radii: Radii, counts: Counts, h: int, s: int, a: int) -> None:
    """Recompute the radii of one pair."""
    H, S, A = counts.n.shape
    n = counts.n[h, s, a]
    if n == 0.0:
        radii.first[h, s, a] = math.inf
    elif radii.kind == BERNSTEIN:
        radii.first[h, s, a] = _beta_star(n, radii.delta, S, A, H) / max(n, 1.0)
        radii.second[h, s, a] = _beta(n, radii.delta, S, A, H) / max(n, 1.0)
    else:
        width = radii.scale * _beta_kl(n, radii.delta, S, A, H) / max(n, 1.0)
        radii.first[h, s, a] = math.sqrt(2.0 * width) if radii.kind == L1 else width


@kernel
def _set_all(radii: Radii, counts: Counts) -> None:
    """Recompute the radii of all pairs."""
    H, S, A = counts.n.shape
    for h in range(H):
        for s in range(S):
            for a in range(A):
                _set_radius(radii, counts, h, s, a)


@kernel
def _extreme_of(V: Floats, sign: float) -> float:
    """Largest entry for sign 1, smallest for sign -1."""
    extreme = V[0]
    for s in range(1, V.shape[0]):
        if sign * V[s] > sign * extreme:
            extreme = V[s]
    return extreme


@kernel
def _ball(
    kind: int, weight: Floats, successor: Ints, m: int, n: float, V: Floats, extreme: float, sign: float, radius: float
) -> float:
    """Extreme expectation of ``V`` (S,) over a ball of the kind ``KL`` or ``L1``.

    weight, successor : (S,), of which the first ``m`` entries count; n : visits; extreme : that of `_extreme_of`.
    """
    if kind == L1:
        return _l1_extreme(weight[:m], successor[:m], n, V, extreme, sign, radius)
    return _kl_extreme(weight[:m], successor[:m], n, V, extreme, sign, radius)


@kernel
def _bernstein(
    weight: Floats, successor: Ints, m: int, n: float, V: Floats, upper: Floats, H: int, scale: float, first: float,
    second: float, sign: float,
) -> float:  # fmt: skip
    """Bernstein form of the expectation of ``V`` (S,); weight to n as of `_ball`, scale to second as of `Radii`.

    ``upper`` (S,) are optimistic values; ``n > 0``.
    """
    mean, mean_upper, square = 0.0, 0.0, 0.0
    for i in range(m):
        mean += weight[i] * V[successor[i]]
        mean_upper += weight[i] * upper[successor[i]]
    mean /= max(n, 1.0)
    mean_upper /= max(n, 1.0)
    for i in range(m):
        off = upper[successor[i]] - mean_upper
        square += weight[i] * (off * off)
    gap = mean_upper - mean if sign < 0.0 else mean
    penalty = 3.0 * math.sqrt(square / max(n, 1.0) * first) + 22.0 * H * H * second + 2.0 / max(H, 1) * gap
    return mean + sign * scale * penalty


@kernel
def _follow(
    radii: Radii, counts: Counts, r: Floats, policy: Floats, h: int, V: Floats, upper: Floats, start: Floats,
    sign: float, out: Floats,
) -> None:  # fmt: skip
    """One backup of bounds under a policy (H, S, A), at the states where `start` (S,) is positive.

    r : (H, S, A) rewards; V, upper : (S,) bounds and optimistic values ahead; sign : -1 for lower bounds, 1 for upper
    ones; out : (S,), 0 at the other states.
    """
    H, S, A = policy.shape
    extreme = _extreme_of(V, sign)
    n, degree, successor, weight = counts.n[h], counts.degree[h], counts.successor[h], counts.weight[h]
    radius = radii.first[h]
    for s in range(S):
        out[s] = 0.0
        if start[s] <= 0.0:
            continue
        for a in range(A):
            p = policy[h, s, a]
            if p <= 0.0:
                continue
            value = r[h, s, a]
            if radii.kind == BERNSTEIN:
                if n[s, a] > 0.0:
                    value += _bernstein(
                        weight[s, a], successor[s, a], degree[s, a], n[s, a], V, upper, H, radii.scale, radius[s, a],
                        radii.second[h, s, a], sign,
                    )  # fmt: skip
                elif sign > 0.0:
                    value = float(H)
                else:
                    value = 0.0
                value = min(max(value, 0.0), float(H - h))
            elif h < H - 1:
                value += _ball(
                    radii.kind, weight[s, a], successor[s, a], degree[s, a], n[s, a], V, extreme, sign, radius[s, a]
                )
            out[s] += p * value


@kernel
def _bound_policy(
    radii: Radii, counts: Counts, r: Floats, policy: Floats, upper: Floats, sign: float, out: Floats
) -> None:
    """Bounds (H + 1, S) on the values of a policy (H, S, A); ``upper`` (H + 1, S) are optimistic values."""
    everywhere = np.ones(out.shape[1])
    out[-1] = 0.0
    for h in range(policy.shape[0] - 1, -1, -1):
        _follow(radii, counts, r, policy, h, out[h + 1], upper[h + 1], everywhere, sign, out[h])


@kernel
def _ball_plan(radii: Radii, counts: Counts, r: Floats, sign: float, values: Floats, policy: Ints) -> None:
    """Best bounds (H + 1, S) over balls, and their greedy policy (H, S), the smallest action on ties.

    r : (H, S, A) rewards. Optimistic values for sign 1; for -1 lower bounds on the values of the policy.
    """
    H, S = policy.shape
    values[H] = 0.0
    for h in range(H - 1, -1, -1):
        V = values[h + 1]
        extreme = _extreme_of(V, sign)
        n, degree, successor, weight = counts.n[h], counts.degree[h], counts.successor[h], counts.weight[h]
        radius = radii.first[h]
        for s in range(S):
            best = -math.inf
            for a in range(r.shape[2]):
                value = r[h, s, a]
                if h < H - 1:
                    value += _ball(
                        radii.kind, weight[s, a], successor[s, a], degree[s, a], n[s, a], V, extreme, sign, radius[s, a]
                    )
                if value > best:
                    best = value
                    policy[h, s] = a
            values[h, s] = min(best, float(H - h))
