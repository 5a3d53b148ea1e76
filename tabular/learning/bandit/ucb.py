r"""Optimism with an index of the form mean plus radius: UCB1, UCB(delta), asymptotic UCB, MOSS.

In round t (counted from 1) the arm of largest :math:`\hat\mu_a + \sigma\sqrt{x / N_a}` is pulled, where :math:`N_a` and
:math:`\hat\mu_a` are its number of pulls and its mean reward so far, and

- ``ucb1``: :math:`x = 2\ln(t-1)`, the pulls made so far (Auer, Cesa-Bianchi and Fischer 2002);
- ``ucb_delta``: :math:`x = 2\log(1/\delta)` (Lattimore and Szepesvári 2020, Algorithm 3, Theorem 7.1);
- ``ucb_asymptotic``: :math:`x = 2\log(1 + t\log^2 t)` (there, Algorithm 6, Theorem 8.1);
- ``moss``: :math:`x = 4\log^+(n/(kN_a))` (there, Algorithm 7, Theorem 9.1; Audibert and Bubeck 2009).

Every arm is pulled once first, in order. Ties go to the smallest arm. The indices are stated for rewards that are
1-subgaussian (``ucb1``: in [0, 1]); ``sigma`` rescales them for other rewards.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ..._jit import kernel
from ...models import AdversarialBandit, BernoulliBandit, GaussianBandit
from ._play import Arms, Bandit, Horizon, Seed, _reward, play, playable
from .results import BanditRun

__all__ = ["moss", "ucb1", "ucb_asymptotic", "ucb_delta"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Record = Sequence[int] | npt.ArrayLike | None

FIXED, UCB1, ASYMPTOTIC, MOSS = 0, 1, 2, 3


@kernel
def _growth(rule: int, t: int) -> float:
    """Square root of the part of ``x`` that changes with the round ``t`` (from 1)."""
    if rule == 1:
        return math.sqrt(2.0 * math.log(t - 1.0))
    if rule == 2:
        log_t = math.log(t)
        return math.sqrt(2.0 * math.log(1.0 + t * log_t * log_t))
    return 1.0


@kernel
def _width(rule: int, factor: float, N: int, n: int, k: int) -> float:
    """Radius of an arm pulled ``N`` times, without the part that changes with the round."""
    if rule == 3:
        return factor * math.sqrt(4.0 / N * max(0.0, math.log(n / (k * N))))
    return factor / math.sqrt(N)


@kernel
def _play_index(
    arms: Arms, rule: int, factor: float, what: Horizon, rng: np.random.Generator, spent: Floats, pulls: Ints,
    actions: Ints,
) -> None:  # fmt: skip
    """One run; writes costs (m,) at the recorded rounds, pulls (k,) and actions (n or 0,)."""
    k = arms.means.shape[0]
    total, mean, width = np.zeros(k), np.zeros(k), np.zeros(k)
    recorded, cost = 0, 0.0
    for t in range(what.n):
        a = t
        if t >= k:
            growth = _growth(rule, t + 1)
            best = -math.inf
            for i in range(k):
                index = mean[i] + growth * width[i]
                if index > best:
                    best = index
                    a = i
        total[a] += _reward(arms, t, a, rng)
        pulls[a] += 1
        mean[a] = total[a] / pulls[a]
        width[a] = _width(rule, factor, pulls[a], what.n, k)
        cost += arms.cost[t * arms.moves, a]
        if t < actions.shape[0]:
            actions[t] = a
        if recorded < what.rounds.shape[0] and t + 1 == what.rounds[recorded]:
            spent[recorded] = cost
            recorded += 1


def _index_runs(
    name: str, rule: int, factor: float, bandit: Bandit, horizon: int, scale: float, sigma: float, **how: Any
) -> BanditRun:
    n = check.count(horizon, "horizon")
    arms = playable(bandit, name, (BernoulliBandit, GaussianBandit, AdversarialBandit), n)
    unit = check.number(scale, "scale") * check.number(sigma, "sigma", low=0.0, open_low=True)
    whole = factor * check.number(unit, "scale * sigma", low=-1e100, high=1e100)

    def one_run(what: Horizon, rng: np.random.Generator, spent: Floats, pulls: Ints, actions: Ints) -> None:
        _play_index(arms, rule, whole, what, rng, spent, pulls, actions)

    return play(name, arms, one_run, horizon=n, regret="pulled", **how)


def ucb1(
    bandit: Bandit,
    *,
    horizon: int,
    scale: float = 1.0,
    sigma: float = 1.0,
    runs: int = 1,
    first_run: int = 0,
    record: Record = None,
    actions: bool = False,
    rng: Seed,
) -> BanditRun:
    r"""UCB1 of Auer, Cesa-Bianchi and Fischer: index :math:`\hat\mu + \sqrt{2\ln(t-1)/N}`.

    Parameters
    ----------
    bandit : BernoulliBandit, GaussianBandit or AdversarialBandit
        A loss l of the last pays the reward 1 - l.
    horizon : int
        Rounds of a run, n.
    scale : float
        Factor on the radius: 1 is the published one, 0 is greedy, a negative one shuns what is unknown.
    sigma : float
        Subgaussian constant of the rewards relative to the one the index is stated for, > 0.
    runs : int
        Independent runs. Run i draws from child i of ``rng``, whichever runs are made together.
    first_run : int
        Index of the first run.
    record : array of int, optional
        Rounds at which the regret is kept, increasing; about 200 spaced evenly on a logarithmic scale by default.
    actions : bool
        Whether to keep the pulled arms; the memory is then O(runs n).
    rng : int, SeedSequence or Generator
        Parent of the streams of the runs. A round draws one uniform (Bernoulli), one normal (Gaussian) or nothing.

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
    .. [1] Auer, Cesa-Bianchi, Fischer (2002), Finite-time analysis of the multiarmed bandit problem, Theorem 1:
       regret at most :math:`8\sum\ln n/\Delta_i + (1 + \pi^2/3)\sum\Delta_i` for rewards in [0, 1].

    Examples
    --------
    >>> from tabular import BernoulliBandit
    >>> run = ucb1(BernoulliBandit([0.9, 0.1]), horizon=1000, runs=20, rng=0)
    >>> run.regret.shape[0], bool(run.mean_regret[-1] < 8 * math.log(1000) / 0.8 + 3.5)
    (20, True)
    """
    how = {"runs": runs, "first_run": first_run, "record": record, "actions": actions, "rng": rng}
    return _index_runs("UCB1", UCB1, 1.0, bandit, horizon, scale, sigma, **how)


def ucb_delta(
    bandit: Bandit,
    *,
    horizon: int,
    delta: float | None = None,
    scale: float = 1.0,
    sigma: float = 1.0,
    runs: int = 1,
    first_run: int = 0,
    record: Record = None,
    actions: bool = False,
    rng: Seed,
) -> BanditRun:
    r"""UCB(delta): index :math:`\hat\mu + \sqrt{2\log(1/\delta)/N}`.

    Parameters
    ----------
    bandit : BernoulliBandit, GaussianBandit or AdversarialBandit
        A loss l of the last pays the reward 1 - l.
    horizon : int
        Rounds of a run, n.
    delta : float, optional
        In (0, 1]; :math:`n^{-2}` by default, as in the theorem. 1 removes the radius.
    scale, sigma : float
        Factor on the radius; subgaussian constant of the rewards. Both are 1 in the theorem.
    runs, first_run, record, actions, rng
        As for `ucb1`.

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
    .. [1] Lattimore, Szepesvári (2020), Bandit Algorithms, Theorem 7.1: regret at most
       :math:`3\sum\Delta_i + \sum 16\log n/\Delta_i` for 1-subgaussian rewards and :math:`\delta = n^{-2}`.
    """
    n = check.count(horizon, "horizon")
    default = 1.0 / (float(n) * float(n))
    level = default if delta is None else check.number(delta, "delta", low=0.0, high=1.0, open_low=True)
    how = {"runs": runs, "first_run": first_run, "record": record, "actions": actions, "rng": rng}
    factor = math.sqrt(-2.0 * math.log(level))
    return _index_runs("UCB(delta)", FIXED, factor, bandit, n, scale, sigma, **how)


def ucb_asymptotic(
    bandit: Bandit,
    *,
    horizon: int,
    scale: float = 1.0,
    sigma: float = 1.0,
    runs: int = 1,
    first_run: int = 0,
    record: Record = None,
    actions: bool = False,
    rng: Seed,
) -> BanditRun:
    r"""Asymptotically optimal UCB: index :math:`\hat\mu + \sqrt{2\log(1 + t\log^2 t)/N}`.

    Parameters
    ----------
    bandit : BernoulliBandit, GaussianBandit or AdversarialBandit
        A loss l of the last pays the reward 1 - l.
    horizon : int
        Rounds of a run; the index does not use it.
    scale, sigma : float
        Factor on the radius; subgaussian constant of the rewards. Both are 1 in the theorem.
    runs, first_run, record, actions, rng
        As for `ucb1`.

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
    .. [1] Lattimore, Szepesvári (2020), Bandit Algorithms, Theorem 8.1: for 1-subgaussian rewards
       :math:`\limsup R_n/\log n \le \sum 2/\Delta_i`, and a bound for every n.
    """
    how = {"runs": runs, "first_run": first_run, "record": record, "actions": actions, "rng": rng}
    return _index_runs("asymptotic UCB", ASYMPTOTIC, 1.0, bandit, horizon, scale, sigma, **how)


def moss(
    bandit: Bandit,
    *,
    horizon: int,
    scale: float = 1.0,
    sigma: float = 1.0,
    runs: int = 1,
    first_run: int = 0,
    record: Record = None,
    actions: bool = False,
    rng: Seed,
) -> BanditRun:
    r"""MOSS: index :math:`\hat\mu + \sqrt{(4/N)\log^+(n/(kN))}`.

    Parameters
    ----------
    bandit : BernoulliBandit, GaussianBandit or AdversarialBandit
        A loss l of the last pays the reward 1 - l.
    horizon : int
        Rounds of a run, n; part of the index.
    scale, sigma : float
        Factor on the radius; subgaussian constant of the rewards. Both are 1 in the theorem.
    runs, first_run, record, actions, rng
        As for `ucb1`.

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
    .. [1] Lattimore, Szepesvári (2020), Bandit Algorithms, Theorem 9.1: regret at most
       :math:`39\sqrt{kn} + \sum\Delta_i` for 1-subgaussian rewards.
    """
    how = {"runs": runs, "first_run": first_run, "record": record, "actions": actions, "rng": rng}
    return _index_runs("MOSS", MOSS, 1.0, bandit, horizon, scale, sigma, **how)
