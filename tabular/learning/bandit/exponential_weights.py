r"""Exponential weights under bandit feedback: EXP3 and EXP3-IX.

In every round arm a is drawn with probability :math:`p_a \propto \exp(-\eta\hat L_a)`, and the estimate of the pulled
arm's cumulative loss grows by :math:`\ell/(p_a + \gamma)`. EXP3 has :math:`\gamma = 0` (Lattimore and Szepesvári 2020,
Algorithm 9, Theorem 11.2; Auer et al. 2002), which makes the estimate unbiased; EXP3-IX has :math:`\gamma = \eta/2`
(Neu 2015; there, Algorithm 10, Theorem 12.1), whose bias towards 0 tames its variance.

Weights are exponentials of differences of estimates, taken anew for the arm that changed and for all arms before they
underflow; an arm whose probability is below 1e-200 is not drawn.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ..._jit import kernel
from ...errors import ParameterError
from ...models import AdversarialBandit, BernoulliBandit
from ._play import Arms, Horizon, Seed, _draw_weighted, _reward, play, playable
from .results import BanditRun

__all__ = ["exp3", "exp3_ix"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Record = Sequence[int] | npt.ArrayLike | None


@kernel
def _exponentials(estimate: Floats, eta: float, weight: Floats) -> float:
    """Fill ``weight`` with ``exp(-eta (estimate - least))``; return the least estimate."""
    least = estimate[0]
    for i in range(1, estimate.shape[0]):
        least = min(least, estimate[i])
    for i in range(estimate.shape[0]):
        weight[i] = math.exp(-eta * (estimate[i] - least))
    return least


@kernel
def _play_exp3(
    arms: Arms, eta: float, gamma: float, weighted: bool, what: Horizon, rng: np.random.Generator, spent: Floats,
    pulls: Ints, actions: Ints,
) -> None:  # fmt: skip
    """One run; writes costs (m,) at the recorded rounds, pulls (k,) and actions (n or 0,)."""
    k = arms.means.shape[0]
    estimate, weight = np.zeros(k), np.ones(k)
    reference = 0.0
    recorded, cost = 0, 0.0
    for t in range(what.n):
        row = t * arms.moves
        total = 0.0
        for i in range(k):
            total += weight[i]
        if total < 1e-100:
            reference = _exponentials(estimate, eta, weight)
            total = 0.0
            for i in range(k):
                total += weight[i]
        a = _draw_weighted(weight, total, rng.random())
        if what.expected:
            mean_cost = 0.0
            for i in range(k):
                mean_cost += weight[i] * arms.cost[row, i]
            cost += mean_cost / total
        else:
            cost += arms.cost[row, a]
        loss = 1.0 - _reward(arms, t, a, rng)
        estimate[a] += loss / (weight[a] / total + gamma) if weighted else loss
        weight[a] = math.exp(-eta * (estimate[a] - reference))
        pulls[a] += 1
        if t < actions.shape[0]:
            actions[t] = a
        if recorded < what.rounds.shape[0] and t + 1 == what.rounds[recorded]:
            spent[recorded] = cost
            recorded += 1


def _runs(
    name: str,
    bandit: BernoulliBandit | AdversarialBandit,
    n: int,
    eta: float,
    gamma: float,
    estimator: str = "iw",
    **how: Any,
) -> BanditRun:
    arms = playable(bandit, name, (BernoulliBandit, AdversarialBandit), n)
    weighted = check.choice(estimator, "estimator", ("iw", "unweighted")) == "iw"

    def one_run(what: Horizon, rng: np.random.Generator, spent: Floats, pulls: Ints, actions: Ints) -> None:
        _play_exp3(arms, eta, gamma, weighted, what, rng, spent, pulls, actions)

    return play(name, arms, one_run, horizon=n, **how)


def _arms(bandit: BernoulliBandit | AdversarialBandit, name: str) -> int:
    if not isinstance(bandit, BernoulliBandit | AdversarialBandit):
        raise ParameterError(f"{name} plays a BernoulliBandit or AdversarialBandit, not a {type(bandit).__name__}")
    return bandit.A


def exp3(
    bandit: BernoulliBandit | AdversarialBandit,
    *,
    horizon: int,
    eta: float | None = None,
    scale: float = 1.0,
    estimator: str = "iw",
    regret: str = "expected",
    runs: int = 1,
    first_run: int = 0,
    record: Record = None,
    actions: bool = False,
    rng: Seed,
) -> BanditRun:
    r"""EXP3: exponential weights on importance-weighted losses.

    Parameters
    ----------
    bandit : BernoulliBandit or AdversarialBandit
        Losses are 1 minus the reward of the former.
    horizon : int
        Rounds of a run, n.
    eta : float, optional
        Learning rate, > 0; :math:`\sqrt{2\log k/(nk)}` by default, as in the theorem.
    scale : float
        Factor on the learning rate, > 0; 1 in the theorem.
    estimator : {"iw", "unweighted"}
        ``"unweighted"`` forgets to divide by the probability, which breaks the theorem.
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
    .. [1] Lattimore, Szepesvári (2020), Bandit Algorithms, Theorem 11.2: pseudo-regret at most
       :math:`\sqrt{2nk\log k}` for losses in [0, 1].

    Examples
    --------
    >>> from tabular import AdversarialBandit
    >>> run = exp3(AdversarialBandit([[0.0, 1.0], [1.0, 0.0]] * 500), horizon=1000, runs=5, rng=0)
    >>> bool(run.mean_regret[-1] < math.sqrt(2 * 1000 * 2 * math.log(2)))
    True
    """
    n, k = check.count(horizon, "horizon"), _arms(bandit, "exp3")
    published = math.sqrt(2.0 * math.log(k) / (n * k))
    rate = published if eta is None else check.number(eta, "eta", low=0.0, open_low=True)
    rate = check.number(rate * check.number(scale, "scale", low=0.0, open_low=True), "eta * scale")
    how: dict[str, Any] = {"runs": runs, "first_run": first_run, "record": record, "actions": actions, "rng": rng}
    return _runs("EXP3", bandit, n, rate, 0.0, estimator, regret=regret, **how)


def exp3_ix(
    bandit: BernoulliBandit | AdversarialBandit,
    *,
    horizon: int,
    delta: float | None = None,
    eta: float | None = None,
    gamma: float | None = None,
    scale: float = 1.0,
    regret: str = "pulled",
    runs: int = 1,
    first_run: int = 0,
    record: Record = None,
    actions: bool = False,
    rng: Seed,
) -> BanditRun:
    r"""EXP3-IX: exponential weights on losses estimated with implicit exploration.

    Parameters
    ----------
    bandit : BernoulliBandit or AdversarialBandit
        Losses are 1 minus the reward of the former.
    horizon : int
        Rounds of a run, n.
    delta : float, optional
        Confidence in (0, 1) for which the learning rate is tuned. Without it
        :math:`\eta = \sqrt{2\log(k+1)/(nk)}`, which serves every level; with it
        :math:`\eta = \sqrt{(\log k + \log((k+1)/\delta))/(nk)}`.
    eta : float, optional
        Learning rate, > 0, in place of these.
    gamma : float, optional
        Added to the probability in the estimate, >= 0; half the learning rate by default. 0 is EXP3.
    scale : float
        Factor on the learning rate, > 0; 1 in the theorem.
    regret : {"pulled", "expected"}
        What a round costs: ``"pulled"``, of which the theorem speaks, takes the cost of the pulled arm, ``"expected"``
        sums ``p(a) cost(a)``.
    runs, first_run, record, actions, rng
        As for `exp3`.

    Returns
    -------
    BanditRun

    Raises
    ------
    ParameterError
        For an argument out of range, or a bandit of another kind.

    References
    ----------
    .. [1] Lattimore, Szepesvári (2020), Bandit Algorithms, Theorem 12.1: with probability at least
       :math:`1-\delta` the regret is at most
       :math:`\sqrt{8nk\log(k+1)} + \sqrt{nk/(2\log(k+1))}\log(1/\delta) + \log((k+1)/\delta)` for the first learning
       rate, and :math:`2\sqrt{(2\log(k+1) + \log(1/\delta))nk} + \log((k+1)/\delta)` for the second.
    .. [2] Neu (2015), Explore no more: improved high-probability regret bounds for non-stochastic bandits.
    """
    n, k = check.count(horizon, "horizon"), _arms(bandit, "exp3_ix")
    if delta is None:
        published = math.sqrt(2.0 * math.log(k + 1) / (n * k))
    else:
        published = math.sqrt((math.log(k) + math.log((k + 1) / check.fraction(delta, "delta"))) / (n * k))
    rate = published if eta is None else check.number(eta, "eta", low=0.0, open_low=True)
    rate = check.number(rate * check.number(scale, "scale", low=0.0, open_low=True), "eta * scale")
    bias = rate / 2.0 if gamma is None else check.number(gamma, "gamma", low=0.0)
    how: dict[str, Any] = {"runs": runs, "first_run": first_run, "record": record, "actions": actions, "rng": rng}
    return _runs("EXP3-IX", bandit, n, rate, bias, regret=regret, **how)
