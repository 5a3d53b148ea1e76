"""Compiled searches for the worst of finitely many kernels: exact, and by simulated returns."""

import math
from typing import Any

from ..._jit import kernel
from ...planning._static_kernels import _dot, _policy_values
from ...simulation.sampling import _draw

__all__: list[str] = []

#: Relative difference of values that counts as a tie.
_TIE = 1e-12


@kernel
def _sampled_return(T: Any, r: Any, gamma: float, mu0: Any, policy: Any, horizon: int, rollouts: int, rng: Any) -> Any:
    """Mean and sample variance of truncated discounted returns."""
    mean, squares = 0.0, 0.0
    for i in range(rollouts):
        s, total, weight = _draw(mu0, rng.random()), 0.0, 1.0
        for _ in range(horizon):
            a = policy[s]
            total += weight * r[s, a]
            weight *= gamma
            s = _draw(T[s, a], rng.random())
        step = total - mean
        mean += step / (i + 1)
        squares += step * (total - mean)
    return mean, squares / (rollouts - 1)


@kernel
def _worst_sampled(
    P: Any, r: Any, gamma: float, mu0: Any, policy: Any, horizon: int, rollouts: int, log: float, rng: Any
) -> Any:
    """Kernel of smallest estimated value, that estimate, and the smallest lower confidence limit of any kernel.

    The limit is the empirical Bernstein bound at ``log = ln(2 / delta)``, less the value that truncation leaves out.
    """
    low = high = r[0, 0]
    for s in range(r.shape[0]):
        for a in range(r.shape[1]):
            low, high = min(low, r[s, a]), max(high, r[s, a])
    whole = (1.0 - gamma**horizon) / (1.0 - gamma)
    rest = gamma**horizon / (1.0 - gamma)
    choice, best, limit = 0, math.inf, math.inf
    for k in range(P.shape[0]):
        mean, variance = _sampled_return(P[k], r, gamma, mu0, policy, horizon, rollouts, rng)
        half = math.sqrt(2.0 * variance * log / rollouts) + 7.0 * (high - low) * whole * log / (3.0 * (rollouts - 1))
        limit = min(limit, mean - half + min(rest * low, 0.0))
        if mean < best:
            choice, best = k, mean
    return choice, best, limit


@kernel
def _worst_kernel(P: Any, r: Any, gamma: float, mu0: Any, pi: Any, V: Any, M: Any) -> int:
    """Kernel of smallest value from ``mu0``, the first on ties; V = its values."""
    choice, best = 0, math.inf
    for k in range(P.shape[0]):
        _policy_values(P[k], r, gamma, pi, M, V)
        value = _dot(mu0, V)
        if value < best - _TIE * abs(value):
            choice, best = k, value
    _policy_values(P[choice], r, gamma, pi, M, V)
    return choice
