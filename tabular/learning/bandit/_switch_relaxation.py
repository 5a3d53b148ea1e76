"""The occupancy program of a last-switch-dependent bandit, and the same program in pull rates."""

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from ...errors import CertificateError
from ...models import LastSwitchBandit

__all__ = ["concave_hull", "hull_program", "occupancy_program"]

Floats = npt.NDArray[np.float64]

#: Largest accepted residual of an optimality condition; payoffs lie in [0, 1].
_TOLERANCE = 1e-8
_HIGHS: tuple[dict[str, float], ...] = (
    {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    {},
)


@functools.lru_cache(maxsize=64)
def _constraints(n: int, m: int, M: int) -> tuple[Any, Any]:
    """Flow balance and mass of each arm, (n (m+M+1), 2 n (m+M)); total pull rate, (1, 2 n (m+M)).

    Variable ``2 (i (m+M) + x) + a`` is how often arm i is in its x-th state and pulled (a = 1) or idle (a = 0).
    """
    X = m + M
    idle, pulled = LastSwitchBandit(np.zeros((1, X)), m).successors()
    own = np.zeros((X + 1, 2 * X))
    for x in range(X):
        for a, to in ((0, idle[x]), (1, pulled[x])):
            own[x, 2 * x + a] += 1.0
            own[to, 2 * x + a] -= 1.0
    own[X] = 1.0
    pulls = np.tile([0.0, 1.0], n * X)[None]
    return sp.csr_array(sp.block_diag([own] * n)), sp.csr_array(pulls)


def occupancy_program(payoffs: Floats, m: int, pulls: float) -> tuple[Floats, float, float, float]:
    """Return occupancies (n, m+M, 2), their payoff, a proved upper bound on the optimum, and the price of a pull.

    The bound is that of the multipliers, whatever they are: with price p >= 0 and potentials h the value is at most
    ``p pulls + sum_i max_{x,a} (a (payoff_i(x) - p) + h_i(next) - h_i(x))``.
    """
    from scipy import optimize

    n, X = payoffs.shape
    flow, budget = _constraints(n, m, X - m)
    cost = np.zeros((n, X, 2))
    cost[:, :, 1] = -payoffs
    balance = np.zeros((n, X + 1))
    balance[:, X] = 1.0
    linprog: Any = optimize.linprog
    for options in _HIGHS:
        result: Any = linprog(
            cost.ravel(), A_eq=flow, b_eq=balance.ravel(), A_ub=budget, b_ub=[pulls], method="highs-ds", options=options
        )
        if result.status == 0:
            break
    else:
        raise CertificateError(f"HiGHS did not solve the occupancy program: {result.message}")
    mu = np.maximum(result.x, 0.0)
    error = max(float(np.abs(flow @ mu - balance.ravel()).max()), float((budget @ mu)[0]) - pulls)
    if not error <= _TOLERANCE:
        raise CertificateError(f"the occupancies violate a constraint by {error:.3g}, above {_TOLERANCE:g}")
    price = max(0.0, -float(result.ineqlin.marginals[0]))
    potential = result.eqlin.marginals.reshape(n, X + 1)[:, :X]
    idle, pulled = LastSwitchBandit(np.zeros((1, X)), m).successors()
    advantage = np.maximum(potential - potential[:, idle], payoffs - price + potential - potential[:, pulled])
    upper = price * pulls + float(advantage.max(axis=1).sum())
    occupancy = mu.reshape(n, X, 2)
    value = float((payoffs * occupancy[:, :, 1]).sum())
    if not upper - value <= _TOLERANCE * max(1.0, pulls):
        raise CertificateError(f"the multipliers prove {upper:.12g}, the occupancies pay {value:.12g}")
    return occupancy, value, upper, price


def concave_hull(rate: Floats, payoff: Floats) -> Floats:
    """Return the vertices (k, 2) of the smallest concave function on [0, max rate] above the points and the origin."""
    points = sorted({(0.0, 0.0), *zip(rate.tolist(), payoff.tolist(), strict=True)})
    hull: list[tuple[float, float]] = []
    for x, y in points:
        if hull and hull[-1][0] == x:
            if hull[-1][1] >= y:
                continue
            hull.pop()
        while len(hull) > 1:
            (x0, y0), (x1, y1) = hull[-2:]
            if (y1 - y0) * (x - x1) > (y - y1) * (x1 - x0):
                break
            hull.pop()
        hull.append((x, y))
    return np.array(hull)


def hull_program(hulls: list[Floats], pulls: float) -> float:
    """Return the largest ``sum_i G_i(x_i)`` with ``sum_i x_i <= pulls`` for concave G_i given by their vertices.

    The steepest pieces first, as long as they rise and the budget lasts.
    """
    pieces = sorted(
        ((piece[1] / piece[0], piece[0]) for hull in hulls for piece in np.diff(hull, axis=0)), reverse=True
    )
    total, left = 0.0, pulls
    for slope, width in pieces:
        used = min(width, left)
        if slope <= 0.0 or used <= 0.0:
            break
        total += slope * used
        left -= used
    return total
