r"""KL-UCB for rewards in [0, 1]: the index is the end of a Kullback-Leibler confidence interval.

In round t (counted from 1) the arm of largest :math:`\max\{q : N_a\,\mathrm{kl}(\hat\mu_a, q) \le \log f(t)\}`,
:math:`f(t) = 1 + t\log^2 t`, is pulled (Lattimore and Szepesvári 2020, Algorithm 8, Theorem 10.6; Garivier and Cappé
2011; Cappé et al. 2013). Every arm is pulled once first, in order; ties go to the smallest arm.

Which arm is pulled is what computing every index would give, but few are computed: between two pulls of an arm its
index is a concave function of :math:`\log f(t)`, so that a tangent bounds it from above, and only arms whose bound
reaches the largest index need theirs.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ..._jit import kernel
from ...models import AdversarialBandit, BernoulliBandit
from ._play import Arms, Bandit, Horizon, Seed, _reward, play, playable
from .results import BanditRun

__all__ = ["kl_ucb", "kl_ucb_index"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Record = Sequence[int] | npt.ArrayLike | None


@kernel
def _entropy(p: float) -> float:
    """Entropy of a coin, in nats."""
    if p <= 0.0 or p >= 1.0:
        return 0.0
    return -p * math.log(p) - (1.0 - p) * math.log(1.0 - p)


@kernel
def _kl_index(p: float, entropy: float, level: float) -> float:
    """Largest ``q`` with ``kl(p, q) <= level``, by Newton's method; ``entropy`` is that of ``p``.

    In ``y = -log(1 - q)`` the divergence ``(1-p) y - p log(1 - exp(-y)) - entropy`` is convex and, for q > p,
    increasing: a step from the left ends on the right, and from there steps approach the root from above.
    """
    if level <= 0.0 or p >= 1.0:
        return min(p, 1.0)
    ceiling = (level + entropy) / (1.0 - p)
    start = p + math.sqrt(2.0 * p * (1.0 - p) * level) + 2.0 / 3.0 * (1.0 - 2.0 * p) * level
    y = ceiling
    if p < start < 1.0:
        y = min(y, -math.log1p(-start))
    for i in range(100):
        q = -math.expm1(-y)
        divergence = (1.0 - p) * y - entropy
        slope = 1.0 - p
        if p > 0.0:
            divergence -= p * math.log(q)
            slope -= p * (1.0 - q) / q
        step = (divergence - level) / slope
        if i > 0 and step <= 4e-16 * y:
            break
        y = min(y - step, ceiling)
    return max(p, -math.expm1(-y))


@kernel
def _play_kl_ucb(
    arms: Arms, scale: float, what: Horizon, rng: np.random.Generator, spent: Floats, pulls: Ints, actions: Ints
) -> None:
    """One run; writes costs (m,) at the recorded rounds, pulls (k,) and actions (n or 0,)."""
    k = arms.means.shape[0]
    total, mean, entropy = np.zeros(k), np.zeros(k), np.zeros(k)
    value, slope, seen_at = np.zeros(k), np.zeros(k), np.zeros(k)
    fresh = np.full(k, -1, dtype=np.int64)
    recorded, cost = 0, 0.0
    for t in range(what.n):
        a = t
        if t >= k:
            log_t = math.log(t + 1.0)
            x = scale * math.log(1.0 + (t + 1.0) * log_t * log_t)
            while True:
                best = -math.inf
                for i in range(k):
                    bound = value[i] if fresh[i] == t else value[i] + (x - seen_at[i]) * slope[i] + 1e-12
                    if bound > best:
                        best = bound
                        a = i
                if fresh[a] == t:
                    break
                q = _kl_index(mean[a], entropy[a], x / pulls[a])
                value[a] = q
                slope[a] = q * (1.0 - q) / (q - mean[a]) / pulls[a] if q > mean[a] else 0.0
                seen_at[a] = x
                fresh[a] = t
        total[a] += _reward(arms, t, a, rng)
        pulls[a] += 1
        mean[a] = min(total[a] / pulls[a], 1.0)
        entropy[a] = _entropy(mean[a])
        value[a], slope[a], fresh[a] = 2.0, 0.0, -1
        cost += arms.cost[t * arms.moves, a]
        if t < actions.shape[0]:
            actions[t] = a
        if recorded < what.rounds.shape[0] and t + 1 == what.rounds[recorded]:
            spent[recorded] = cost
            recorded += 1


def kl_ucb_index(mean: float, level: float) -> float:
    r"""Return the largest q with :math:`\mathrm{kl}(\text{mean}, q) \le \text{level}`, kl between coins.

    Parameters
    ----------
    mean : float
        In [0, 1].
    level : float
        At least 0; KL-UCB's is :math:`\log f(t)/N`.

    Returns
    -------
    float
        In [mean, 1]. Newton's method comes from above; rounding leaves the result within 1e-12 of the true index for
        levels from 1e-6 on.

    Raises
    ------
    ParameterError
        For an argument out of range.

    Examples
    --------
    >>> round(kl_ucb_index(0.0, math.log(2.0)), 12)
    0.5
    """
    p = check.number(mean, "mean", low=0.0, high=1.0)
    return float(_kl_index(p, _entropy(p), check.number(level, "level", low=0.0)))


def kl_ucb(
    bandit: Bandit,
    *,
    horizon: int,
    scale: float = 1.0,
    runs: int = 1,
    first_run: int = 0,
    record: Record = None,
    actions: bool = False,
    rng: Seed,
) -> BanditRun:
    r"""KL-UCB: index :math:`\max\{q : N\,\mathrm{kl}(\hat\mu, q) \le \log(1 + t\log^2 t)\}`.

    Parameters
    ----------
    bandit : BernoulliBandit or AdversarialBandit
        A loss l of the latter pays the reward 1 - l.
    horizon : int
        Rounds of a run; the index does not use it.
    scale : float
        Factor on :math:`\log f(t)`, >= 0: 1 is the published one, 0 is greedy.
    runs : int
        Independent runs. Run i draws from child i of ``rng``, whichever runs are made together.
    first_run : int
        Index of the first run.
    record : array of int, optional
        Rounds at which the regret is kept, increasing; about 200 spaced evenly on a logarithmic scale by default.
    actions : bool
        Whether to keep the pulled arms; the memory is then O(runs n).
    rng : int, SeedSequence or Generator
        Parent of the streams of the runs. A round draws one uniform (Bernoulli) or nothing.

    Returns
    -------
    BanditRun
        The regret counts the gaps of the pulled arms.

    Raises
    ------
    ParameterError
        For an argument out of range, or a bandit of another kind.

    References
    ----------
    .. [1] Lattimore, Szepesvári (2020), Bandit Algorithms, Theorem 10.6.
    """
    n = check.count(horizon, "horizon")
    arms = playable(bandit, "kl_ucb", (BernoulliBandit, AdversarialBandit), n)
    factor = check.number(scale, "scale", low=0.0)

    def one_run(what: Horizon, rng: np.random.Generator, spent: Floats, pulls: Ints, actions: Ints) -> None:
        _play_kl_ucb(arms, factor, what, rng, spent, pulls, actions)

    return play(
        "KL-UCB",
        arms,
        one_run,
        horizon=n,
        runs=runs,
        first_run=first_run,
        record=record,
        actions=actions,
        regret="pulled",
        rng=rng,
    )
