r"""Tsallis-INF: follow the regularised leader with the 1/2-Tsallis entropy.

In round t the arms are drawn from

.. math:: w = \arg\min_{w} \langle w, \hat L\rangle - \frac{4}{\eta_t}\sum_a\Big(\sqrt{w_a} - \frac{w_a}{2}\Big)
    = \Big(\frac{4}{(\eta_t(\hat L_a - x))^2}\Big)_a

over the simplex, x being the number below all estimates that makes the weights sum to 1 (Zimmert and Seldin 2021).
After :math:`\ell` was seen at arm A, the estimate of arm a grows by

- ``"iw"`` (importance weighting), :math:`\eta_t = 2/\sqrt t`: :math:`1\{A=a\}\,\ell/w_a`;
- ``"rv"`` (reduced variance), :math:`\eta_t = 4/\sqrt t`: :math:`1\{A=a\}(\ell - B_a)/w_a + B_a`, with
  :math:`B_a = \tfrac12 1\{w_a \ge \eta_t^2\}`.

The normaliser solves :math:`g(x) = (\sum_a w_a(x))^{-1/2} = 1`. g is decreasing and concave (a power mean), and linear
where one arm has all the weight or all have the same; Newton's method from any x ends at the root from above. It starts
where the normaliser of the last round would move to first order, and two evaluations do.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ..._jit import kernel
from ...errors import ParameterError
from ...models import AdversarialBandit, BernoulliBandit
from ._play import Arms, Horizon, Seed, _draw_weighted, _reward, play, playable
from .results import BanditRun

__all__ = ["tsallis_inf", "tsallis_weights"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Record = Sequence[int] | npt.ArrayLike | None

ESTIMATORS = ("iw", "rv", "unweighted")


@kernel
def _tsallis_step(estimate: Floats, eta: float, x: float, weight: Floats) -> tuple[float, float]:
    """Fill ``weight`` with the minimiser; ``x`` is where to start. Return the normaliser and the sum of weights^(3/2).

    The root lies between ``least - 2 sqrt(k) / eta``, where the sum is at most 1, and ``least - 2 / eta``, where the
    largest weight is 1.
    """
    k = estimate.shape[0]
    least = estimate[0]
    for i in range(1, k):
        least = min(least, estimate[i])
    half = 0.5 * eta
    low, high = 1.0 / half, math.sqrt(k) / half
    below = min(max(least - x, low), high)
    total, slope, last = 1.0, 1.0, False
    for _ in range(60):
        for i in range(k):
            weight[i] = 1.0 / (half * (estimate[i] - least + below))
        total, slope = 0.0, 0.0
        for i in range(k):
            square = weight[i] * weight[i]
            total += square
            slope += square * weight[i]
        if last:
            break
        last = abs(total - 1.0) <= 1e-6  # the next step squares this
        below = min(max(below - total * (1.0 - math.sqrt(total)) / (half * slope), low), high)
    for i in range(k):
        weight[i] = weight[i] * weight[i] / total
    return least - below, slope


@kernel
def _play_tsallis(
    arms: Arms, estimator: int, rate: float, what: Horizon, rng: np.random.Generator, spent: Floats, pulls: Ints,
    actions: Ints,
) -> None:  # fmt: skip
    """One run with learning rate ``rate / sqrt(t)``; `estimator` counts in ESTIMATORS."""
    k = arms.means.shape[0]
    estimate, weight = np.zeros(k), np.empty(k)
    x, eta = -math.inf, rate
    recorded, cost = 0, 0.0
    for t in range(what.n):
        row = t * arms.moves
        x, slope = _tsallis_step(estimate, eta, x, weight)
        a = _draw_weighted(weight, 1.0, rng.random())
        if what.expected:
            for i in range(k):
                cost += weight[i] * arms.cost[row, i]
        else:
            cost += arms.cost[row, a]
        loss = 1.0 - _reward(arms, t, a, rng)
        moved, base = 0.0, 0.0
        if estimator == 1:
            square = eta * eta
            for i in range(k):
                if weight[i] >= square:
                    estimate[i] += 0.5
                    moved += 0.5 * weight[i] * math.sqrt(weight[i])
            base = 0.5 if weight[a] >= square else 0.0
        change = loss if estimator == 2 else (loss - base) / weight[a]
        estimate[a] += change
        moved += change * weight[a] * math.sqrt(weight[a])
        following = rate / math.sqrt(t + 2.0)
        x += (moved + 2.0 * (following - eta) / (eta * eta)) / slope  # where the normaliser goes, to first order
        eta = following
        pulls[a] += 1
        if t < actions.shape[0]:
            actions[t] = a
        if recorded < what.rounds.shape[0] and t + 1 == what.rounds[recorded]:
            spent[recorded] = cost
            recorded += 1


def tsallis_weights(losses: npt.ArrayLike, eta: float) -> Floats:
    r"""Return the minimiser of :math:`\langle w, L\rangle - \frac4\eta\sum(\sqrt{w_a} - w_a/2)` over the simplex.

    Parameters
    ----------
    losses : array, shape (k,)
        Cumulative losses L, of any finite size.
    eta : float
        Learning rate, between 1e-100 and 1e100.

    Returns
    -------
    array, shape (k,)
        Positive where it does not underflow; sums to 1 up to rounding. Each entry is within 1e-11 of the minimiser,
        relatively.

    Raises
    ------
    ParameterError
        For an empty array, an entry that is not finite, or a learning rate out of range.

    Examples
    --------
    >>> tsallis_weights([1.0, 1.0, 1.0, 1.0], 0.1).tolist()
    [0.25, 0.25, 0.25, 0.25]
    """
    estimate = check.as_array(losses, "losses", ndim=1, error=ParameterError)
    rate = check.number(eta, "eta", low=1e-100, high=1e100)
    weight = np.empty(estimate.shape)
    _tsallis_step(estimate, rate, -math.inf, weight)
    return weight


def tsallis_inf(
    bandit: BernoulliBandit | AdversarialBandit,
    *,
    horizon: int,
    estimator: str = "iw",
    scale: float = 1.0,
    regret: str = "expected",
    runs: int = 1,
    first_run: int = 0,
    record: Record = None,
    actions: bool = False,
    rng: Seed,
) -> BanditRun:
    r"""1/2-Tsallis-INF, optimal against stochastic and adversarial losses without being told which.

    Parameters
    ----------
    bandit : BernoulliBandit or AdversarialBandit
        Losses are 1 minus the reward of the former.
    horizon : int
        Rounds of a run; the learner does not use it.
    estimator : {"iw", "rv", "unweighted"}
        Importance weighting, reduced variance, or, which breaks the theorems, losses that are not divided by the
        probability.
    scale : float
        Factor on the learning rate :math:`2/\sqrt t` (``"rv"``: :math:`4/\sqrt t`), between 1e-9 and 1e9; 1 in the
        theorems.
    regret : {"expected", "pulled"}
        What a round costs: ``"expected"`` sums ``p(a) cost(a)``, ``"pulled"`` takes the cost of the pulled arm.
    runs : int
        Independent runs. Run i draws from child i of ``rng``, whichever runs are made together.
    first_run : int
        Index of the first run.
    record : array of int, optional
        Rounds at which the regret is kept, increasing; about 200 spaced evenly on a logarithmic scale by default.
    actions : bool
        Whether to keep the pulled arms; the memory is then O(runs n).
    rng : int, SeedSequence or Generator
        Parent of the streams of the runs. A round draws one uniform for the arm, and one for a Bernoulli reward.

    Returns
    -------
    BanditRun

    Raises
    ------
    ParameterError
        For an argument out of range, or a bandit of another kind.

    References
    ----------
    .. [1] Zimmert, Seldin (2021), Tsallis-INF: an optimal algorithm for stochastic and adversarial bandits, Theorem 1:
       pseudo-regret at most :math:`4\sqrt{kn} + 1` (``"iw"``), :math:`2\sqrt{kn} + 10k\log n + 16` (``"rv"``; the
       proof supports 14 for 10), and logarithmic where one arm is best by a gap.
    """
    n = check.count(horizon, "horizon")
    arms = playable(bandit, "tsallis_inf", (BernoulliBandit, AdversarialBandit), n)
    which = ESTIMATORS.index(check.choice(estimator, "estimator", ESTIMATORS))
    rate = (4.0 if estimator == "rv" else 2.0) * check.number(scale, "scale", low=1e-9, high=1e9)

    def one_run(what: Horizon, rng: np.random.Generator, spent: Floats, pulls: Ints, actions: Ints) -> None:
        _play_tsallis(arms, which, rate, what, rng, spent, pulls, actions)

    return play(
        f"Tsallis-INF ({estimator})",
        arms,
        one_run,
        horizon=n,
        runs=runs,
        first_run=first_run,
        record=record,
        actions=actions,
        regret=regret,
        rng=rng,
    )
