"""Right-hand sides of the bandit theorems, as functions of the horizon and the instance.

``gaps`` and ``means`` list every arm; an arm of gap 0 adds nothing. All logarithms are natural.
"""

import math

import numpy as np
import numpy.typing as npt

__all__ = [
    "exp3",
    "exp3_ix",
    "kl_ucb",
    "moss",
    "thompson",
    "tsallis_iw",
    "tsallis_rv",
    "tsallis_stochastic",
    "ucb1",
    "ucb_asymptotic",
    "ucb_delta",
]

Floats = npt.NDArray[np.float64]


def _positive(gaps: npt.ArrayLike) -> Floats:
    array = np.asarray(gaps, dtype=np.float64)
    return array[array > 0.0]


def ucb1(n: float, gaps: npt.ArrayLike) -> float:
    r"""Return :math:`8\sum\ln n/\Delta_i + (1+\pi^2/3)\sum\Delta_i`."""
    d = _positive(gaps)
    return float(np.sum(8.0 * math.log(n) / d + (1.0 + math.pi**2 / 3.0) * d))


def ucb_delta(n: float, gaps: npt.ArrayLike) -> float:
    r"""Return :math:`3\sum\Delta_i + \sum 16\log n/\Delta_i`."""
    d = _positive(gaps)
    return float(np.sum(3.0 * d + 16.0 * math.log(n) / d))


def _log_f(n: float) -> float:
    return math.log1p(n * math.log(n) ** 2)


def ucb_asymptotic(n: float, gaps: npt.ArrayLike) -> float:
    r"""Return :math:`\sum_i\inf_\varepsilon\Delta_i(1+5/\varepsilon^2+2c/(\Delta_i-\varepsilon)^2)`.

    Here :math:`c=\log f(n)+\sqrt{\pi\log f(n)}+1`; the infimum is attained where
    :math:`\Delta/\varepsilon = 1 + (2c/5)^{1/3}`.
    """
    d = _positive(gaps)
    level = _log_f(n)
    c = level + math.sqrt(math.pi * level) + 1.0
    eps = d / (1.0 + (0.4 * c) ** (1.0 / 3.0))
    return float(np.sum(d * (1.0 + 5.0 / eps**2 + 2.0 * c / (d - eps) ** 2)))


def _kl(p: Floats, q: Floats) -> Floats:
    """Divergence of coins with means strictly between 0 and 1."""
    result: Floats = p * np.log(p / q) + (1.0 - p) * np.log((1.0 - p) / (1.0 - q))
    return result


def kl_ucb(n: float, means: npt.ArrayLike, points: int = 200) -> float:
    r"""Return :math:`\sum_i\Delta_i(\log f(n)/\mathrm{kl}(\mu_i+\varepsilon_1,\mu^*-\varepsilon_2)+1/(2\varepsilon_1^2)
    +2/\varepsilon_2^2)`, each term at the best pair of a grid: the bound holds for every pair.

    Means lie strictly between 0 and 1.
    """  # noqa: D205
    mu = np.asarray(means, dtype=np.float64)
    best = float(mu.max())
    share = (np.arange(points) + 0.5) / points
    total = 0.0
    for mean in mu[mu < best]:
        gap = best - mean
        one, two = np.meshgrid(share * gap, share * gap)
        inside = one + two < gap * (1.0 - 0.5 / points)
        one, two = one[inside], two[inside]
        term = _log_f(n) / _kl(mean + one, best - two) + 0.5 / one**2 + 2.0 / two**2
        total += gap * float(term.min())
    return total


def moss(n: float, gaps: npt.ArrayLike) -> float:
    r"""Return :math:`39\sqrt{kn} + \sum\Delta_i`."""
    d = np.asarray(gaps, dtype=np.float64)
    return 39.0 * math.sqrt(d.size * n) + float(d.sum())


def thompson(n: float, k: int) -> float:
    r"""Return :math:`\sqrt{kn\log(k)/2}`, a bound on the Bayesian regret."""
    return math.sqrt(k * n * math.log(k) / 2.0)


def exp3(n: float, k: int) -> float:
    r"""Return :math:`\sqrt{2nk\log k}`."""
    return math.sqrt(2.0 * n * k * math.log(k))


def exp3_ix(n: float, k: int, delta: float, *, tuned: bool) -> float:
    r"""Return the bound of probability :math:`1-\delta`, for a learning rate tuned to delta or not.

    Not tuned: :math:`\sqrt{8nk\log(k+1)}+\sqrt{nk/(2\log(k+1))}\log(1/\delta)+\log((k+1)/\delta)`. Tuned:
    :math:`2\sqrt{(2\log(k+1)+\log(1/\delta))nk}+\log((k+1)/\delta)`.
    """
    log_k, log_delta = math.log(k + 1.0), math.log(1.0 / delta)
    if tuned:
        return 2.0 * math.sqrt((2.0 * log_k + log_delta) * n * k) + log_k + log_delta
    return math.sqrt(8.0 * n * k * log_k) + math.sqrt(n * k / (2.0 * log_k)) * log_delta + log_k + log_delta


def tsallis_iw(n: float, k: int) -> float:
    r"""Return :math:`4\sqrt{kn} + 1`."""
    return 4.0 * math.sqrt(k * n) + 1.0


def tsallis_rv(n: float, k: int) -> float:
    r"""Return :math:`2\sqrt{kn} + 10k\log n + 16`."""
    return 2.0 * math.sqrt(k * n) + 10.0 * k * math.log(n) + 16.0


def tsallis_stochastic(n: float, gaps: npt.ArrayLike) -> float:
    r"""Return :math:`\sum(\log n+3)/\Delta_i + 2/\Delta_{\min} + 28k\log n + 1.5\sqrt k + 32`, for one best arm."""
    every = np.asarray(gaps, dtype=np.float64)
    d = _positive(every)
    spread = float(np.sum((math.log(n) + 3.0) / d)) + 2.0 / float(d.min())
    return spread + 28.0 * every.size * math.log(n) + 1.5 * math.sqrt(every.size) + 32.0
