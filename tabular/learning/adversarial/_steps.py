"""Kernels of the two regularised steps on the simplex."""

import math

import numpy as np
import numpy.typing as npt

from ..._jit import kernel

Floats = npt.NDArray[np.float64]

_NEWTON = 60
_BISECTIONS = 200


@kernel
def _sums(shifted: Floats, eta: float, nu: float) -> tuple[float, float]:
    """Return the sum of q_i = 1/(eta (d_i + nu)) and the sum of q_i squared; four accumulators each."""
    n = shifted.shape[0]
    a0, a1, a2, a3 = 0.0, 0.0, 0.0, 0.0
    b0, b1, b2, b3 = 0.0, 0.0, 0.0, 0.0
    i = 0
    while i + 3 < n:
        x0 = 1.0 / (shifted[i] + nu)
        x1 = 1.0 / (shifted[i + 1] + nu)
        x2 = 1.0 / (shifted[i + 2] + nu)
        x3 = 1.0 / (shifted[i + 3] + nu)
        a0 += x0
        a1 += x1
        a2 += x2
        a3 += x3
        b0 += x0 * x0
        b1 += x1 * x1
        b2 += x2 * x2
        b3 += x3 * x3
        i += 4
    while i < n:
        x0 = 1.0 / (shifted[i] + nu)
        a0 += x0
        b0 += x0 * x0
        i += 1
    return ((a0 + a1) + (a2 + a3)) / eta, ((b0 + b1) + (b2 + b3)) / (eta * eta)


@kernel
def _log_barrier(losses: Floats, eta: float, newton: int, p: Floats) -> tuple[float, int]:
    """Write the log-barrier step into ``p``; return the multiplier nu and the number of Newton steps.

    Newton on 1/sum - 1, which is concave and increasing in nu (a harmonic mean): started on the left, every step
    stays on the left and moves right. ``p`` serves as workspace for the shifted losses until the end.
    """
    n = losses.shape[0]
    least = losses[0]
    for i in range(1, n):
        if losses[i] < least:
            least = losses[i]
    for i in range(n):
        p[i] = losses[i] - least
    nu = 1.0 / eta
    steps = 0
    while steps < newton:
        total, square = _sums(p, eta, nu)
        if total - 1.0 <= 1e-14:
            break
        following = nu + total * (total - 1.0) / (eta * square)
        steps += 1
        if not following > nu:
            break
        nu = following
    if steps == _NEWTON:
        low, high = nu, n / eta
        for _ in range(_BISECTIONS):
            middle = 0.5 * (low + high)
            if not low < middle < high:
                break
            if _sums(p, eta, middle)[0] > 1.0:
                low = middle
            else:
                high = middle
        nu = low
    total = 0.0
    for i in range(n):
        p[i] = 1.0 / (eta * (p[i] + nu))
        total += p[i]
    for i in range(n):
        p[i] /= total
    return nu, steps


@kernel
def _log_barrier_certificate(losses: Floats, eta: float, nu: float, p: Floats) -> tuple[float, float, float]:
    """Return duality gap, largest relative residual of stationarity, and |sum p - 1|.

    With e_i = eta p_i (d_i + nu) - 1 the gap is (1/eta) sum_i (e_i - ln(1 + e_i)) + nu (1 - sum p): the same number as
    primal minus dual value, without their cancellation.
    """
    n = losses.shape[0]
    least = losses[0]
    for i in range(1, n):
        if losses[i] < least:
            least = losses[i]
    gap, residual, total = 0.0, 0.0, 0.0
    for i in range(n):
        e = eta * p[i] * ((losses[i] - least) + nu) - 1.0
        if abs(e) < 1e-4:
            gap += e * e * (0.5 - e * (1.0 / 3.0 - 0.25 * e))
        else:
            gap += e - math.log1p(e)
        residual = max(residual, abs(e))
        total += p[i]
    mass = abs(total - 1.0)
    return gap / eta + nu * mass, residual, mass


@kernel
def _hedge(losses: Floats, eta: float, p: Floats) -> None:
    """Write the exponential weights of ``losses`` into ``p``."""
    n = losses.shape[0]
    least = losses[0]
    for i in range(1, n):
        if losses[i] < least:
            least = losses[i]
    total = 0.0
    for i in range(n):
        p[i] = math.exp(-eta * (losses[i] - least))
        total += p[i]
    for i in range(n):
        p[i] /= total


@kernel
def _spread(losses: Floats) -> float:
    """Largest minus smallest entry; NaN or infinite where an entry is, or where the difference overflows."""
    low, high = losses[0], losses[0]
    clean = True
    for i in range(losses.shape[0]):
        x = losses[i]
        if not abs(x) < math.inf:
            clean = False
        low, high = min(low, x), max(high, x)
    return high - low if clean else math.nan


@kernel
def _certified_log_barrier(losses: Floats, eta: float, p: Floats) -> tuple[float, float, float, float, int]:
    """Return spread of the losses, nu, gap, residual and Newton steps; nothing is computed for a bad spread."""
    spread = _spread(losses)
    if not spread < math.inf:
        return spread, 0.0, 0.0, 0.0, 0
    nu, steps = _log_barrier(losses, eta, _NEWTON, p)
    gap, residual, _ = _log_barrier_certificate(losses, eta, nu, p)
    return spread, nu, gap, residual, steps
