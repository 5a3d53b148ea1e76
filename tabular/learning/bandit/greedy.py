r"""Epsilon-greedy, the baseline that explores without looking at what it has learned.

With probability :math:`\varepsilon_t` a uniformly random arm is pulled in round t, otherwise the arm of largest mean
reward so far. A constant :math:`\varepsilon` has linear regret; :math:`\varepsilon_t = \min(1, ck/(d^2 t))` with
:math:`0 < d \le \min\Delta_i` has logarithmic regret for c large enough (Auer, Cesa-Bianchi and Fischer 2002, Theorem
3).

Every arm is pulled once first, in order; ties go to the smallest arm.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ..._jit import kernel
from ...models import AdversarialBandit, BernoulliBandit, GaussianBandit
from ._play import Arms, Bandit, Horizon, Seed, _reward, play, playable
from .results import BanditRun

__all__ = ["epsilon_greedy"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Record = Sequence[int] | npt.ArrayLike | None


@kernel
def _play_epsilon_greedy(
    arms: Arms, epsilon: float, growth: float, what: Horizon, rng: np.random.Generator, spent: Floats, pulls: Ints,
    actions: Ints,
) -> None:  # fmt: skip
    """One run exploring with probability ``epsilon``, or ``min(1, growth / t)`` where ``growth`` is positive."""
    k = arms.means.shape[0]
    total, mean = np.zeros(k), np.zeros(k)
    recorded, cost = 0, 0.0
    for t in range(what.n):
        a = t
        if t >= k:
            chance = min(1.0, growth / (t + 1.0)) if growth > 0.0 else epsilon
            u = rng.random()
            if u < chance:
                a = min(int(u / chance * k), k - 1)
            else:
                a = 0
                for i in range(1, k):
                    if mean[i] > mean[a]:
                        a = i
        total[a] += _reward(arms, t, a, rng)
        pulls[a] += 1
        mean[a] = total[a] / pulls[a]
        cost += arms.cost[t * arms.moves, a]
        if t < actions.shape[0]:
            actions[t] = a
        if recorded < what.rounds.shape[0] and t + 1 == what.rounds[recorded]:
            spent[recorded] = cost
            recorded += 1


def epsilon_greedy(
    bandit: Bandit,
    *,
    horizon: int,
    epsilon: float = 0.1,
    gap: float | None = None,
    c: float = 5.0,
    runs: int = 1,
    first_run: int = 0,
    record: Record = None,
    actions: bool = False,
    rng: Seed,
) -> BanditRun:
    r"""Epsilon-greedy with a constant or a decreasing probability of exploration.

    Parameters
    ----------
    bandit : BernoulliBandit, GaussianBandit or AdversarialBandit
        A loss l of the last pays the reward 1 - l.
    horizon : int
        Rounds of a run.
    epsilon : float
        Probability of exploration, in [0, 1]; used where ``gap`` is not given.
    gap : float, optional
        A lower bound d > 0 on the smallest gap; exploration then has probability :math:`\min(1, ck/(d^2 t))`.
    c : float
        Its constant, > 0; the theorem needs more than 5.
    runs : int
        Independent runs. Run i draws from child i of ``rng``, whichever runs are made together.
    first_run : int
        Index of the first run.
    record : array of int, optional
        Rounds at which the regret is kept, increasing; about 200 spaced evenly on a logarithmic scale by default.
    actions : bool
        Whether to keep the pulled arms; the memory is then O(runs n).
    rng : int, SeedSequence or Generator
        Parent of the streams of the runs. A round draws one uniform for the arm, then the reward.

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
    .. [1] Auer, Cesa-Bianchi, Fischer (2002), Finite-time analysis of the multiarmed bandit problem, Figure 3.
    """
    n = check.count(horizon, "horizon")
    arms = playable(bandit, "epsilon_greedy", (BernoulliBandit, GaussianBandit, AdversarialBandit), n)
    chance = check.number(epsilon, "epsilon", low=0.0, high=1.0)
    constant = check.number(c, "c", low=0.0, open_low=True)
    growth = 0.0
    if gap is not None:
        d = check.number(gap, "gap", low=0.0, open_low=True)
        growth = min(constant * bandit.A / d / d, 2.0**60)

    def one_run(what: Horizon, rng: np.random.Generator, spent: Floats, pulls: Ints, actions: Ints) -> None:
        _play_epsilon_greedy(arms, chance, growth, what, rng, spent, pulls, actions)

    return play(
        "epsilon-greedy",
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
