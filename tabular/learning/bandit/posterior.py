r"""Thompson sampling: pull the arm whose mean is largest in one draw from the posterior.

Thompson (1933); Lattimore and Szepesvári (2020), chapter 36. Arms are independent under the posterior. Bernoulli arms
have Beta priors; a Beta variate is made of two Gamma variates (Marsaglia and Tsang 2000) whose constants change only
when the arm is pulled. Gaussian arms have normal priors and their own known standard deviation; the default is the flat
prior, under which every arm is pulled once first and the draw is :math:`N(\hat\mu_a, \sigma_a^2/N_a)`.

Ties go to the smallest arm.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ..._jit import kernel
from ...errors import ParameterError
from ...models import BernoulliBandit, GaussianBandit
from ._play import Arms, Horizon, Seed, _reward, play, playable
from .results import BanditRun

__all__ = ["thompson"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Record = Sequence[int] | npt.ArrayLike | None


@kernel
def _set_gamma(constants: Floats, shape: float) -> None:
    """Constants of Marsaglia and Tsang's method: d, c and, for a shape below 1, the power of the boost (else 0)."""
    boosted = shape < 1.0
    constants[0] = (shape + 1.0 if boosted else shape) - 1.0 / 3.0
    constants[1] = 1.0 / math.sqrt(9.0 * constants[0])
    constants[2] = 1.0 / shape if boosted else 0.0


@kernel
def _gamma(constants: Floats, rng: np.random.Generator) -> float:
    """One Gamma variate of unit scale; one normal and one uniform an attempt, and one uniform for the boost."""
    d, c = constants[0], constants[1]
    while True:
        x = rng.standard_normal()
        v = 1.0 + c * x
        if v > 0.0:
            v = v * v * v
            u = rng.random()
            square = x * x
            if u < 1.0 - 0.0331 * square * square or math.log(1.0 - u) < 0.5 * square + d * (1.0 - v + math.log(v)):
                break
    if constants[2] > 0.0:
        return d * v * math.pow(1.0 - rng.random(), constants[2])
    return d * v


@kernel
def _play_beta(
    arms: Arms, prior: Floats, greedy: bool, what: Horizon, rng: np.random.Generator, spent: Floats, pulls: Ints,
    actions: Ints,
) -> None:  # fmt: skip
    """One run with priors Beta(prior[i, 0], prior[i, 1]); ``greedy`` compares posterior means instead of draws."""
    k = arms.means.shape[0]
    shape = prior.copy()
    gamma = np.empty((k, 2, 3))
    for i in range(k):
        _set_gamma(gamma[i, 0], shape[i, 0])
        _set_gamma(gamma[i, 1], shape[i, 1])
    recorded, cost = 0, 0.0
    for t in range(what.n):
        a, best = 0, -1.0
        for i in range(k):
            if greedy:
                success, failure = shape[i, 0], shape[i, 1]
            else:
                success, failure = _gamma(gamma[i, 0], rng), _gamma(gamma[i, 1], rng)
            draw = success / (success + failure) if success > 0.0 else 0.0
            if draw > best:
                best = draw
                a = i
        outcome = 0 if _reward(arms, t, a, rng) > 0.5 else 1
        shape[a, outcome] += 1.0
        _set_gamma(gamma[a, outcome], shape[a, outcome])
        pulls[a] += 1
        cost += arms.cost[0, a]
        if t < actions.shape[0]:
            actions[t] = a
        if recorded < what.rounds.shape[0] and t + 1 == what.rounds[recorded]:
            spent[recorded] = cost
            recorded += 1


@kernel
def _play_normal(
    arms: Arms, prior: Floats, width: float, what: Horizon, rng: np.random.Generator, spent: Floats, pulls: Ints,
    actions: Ints,
) -> None:  # fmt: skip
    """One run with prior mean prior[i, 0] and precision prior[i, 1], a multiple of one observation's; 0 is flat."""
    k = arms.means.shape[0]
    total, mean, std = np.zeros(k), np.zeros(k), np.zeros(k)
    for i in range(k):
        if prior[i, 1] > 0.0:
            mean[i] = prior[i, 0]
            std[i] = width * arms.std[i] / math.sqrt(prior[i, 1])
    recorded, cost = 0, 0.0
    for t in range(what.n):
        a, best = -1, -math.inf
        if t < k:
            for i in range(k):
                if prior[i, 1] == 0.0 and pulls[i] == 0:
                    a = i
                    break
        if a < 0:
            for i in range(k):
                draw = mean[i] + std[i] * rng.standard_normal()
                if draw > best:
                    best = draw
                    a = i
        total[a] += _reward(arms, t, a, rng)
        pulls[a] += 1
        precision = prior[a, 1] + pulls[a]
        mean[a] = (prior[a, 0] * prior[a, 1] + total[a]) / precision
        std[a] = width * arms.std[a] / math.sqrt(precision)
        cost += arms.cost[0, a]
        if t < actions.shape[0]:
            actions[t] = a
        if recorded < what.rounds.shape[0] and t + 1 == what.rounds[recorded]:
            spent[recorded] = cost
            recorded += 1


def _beta_prior(prior: npt.ArrayLike | None, k: int) -> Floats:
    given = check.as_array((1.0, 1.0) if prior is None else prior, "prior", ndim=(1, 2), error=ParameterError)
    if given.shape not in ((2,), (k, 2)):
        raise ParameterError(
            f"prior has shape {given.shape}; (2,) or {(k, 2)} is needed: both parameters of a Beta law"
        )
    outside = (given <= 0.0) | (given > 1e15)
    if outside.any():
        index = tuple(int(i) for i in np.argwhere(outside)[0])
        raise ParameterError(f"prior{list(index)} is {given[index]:g}; parameters of a Beta law lie in (0, 1e15]")
    return np.array(np.broadcast_to(given, (k, 2)))


def _normal_prior(prior: npt.ArrayLike | None, std: Floats, k: int) -> Floats:
    if prior is None:
        return np.zeros((k, 2))
    given = check.as_array(prior, "prior", ndim=(1, 2), error=ParameterError)
    if given.shape not in ((2,), (k, 2)):
        raise ParameterError(f"prior has shape {given.shape}; (2,) or {(k, 2)} is needed: mean and standard deviation")
    table = np.array(np.broadcast_to(given, (k, 2)))
    if table[:, 1].min() <= 0.0:
        index = int(np.argmax(table[:, 1] <= 0.0))
        raise ParameterError(f"prior standard deviation of arm {index} is {table[index, 1]:g}; it must be > 0")
    with np.errstate(over="ignore"):
        table[:, 1] = (std / table[:, 1]) ** 2
    if not np.isfinite(table).all():
        raise ParameterError("prior has a standard deviation more than 1e150 times smaller than that of the rewards")
    return table


def thompson(
    bandit: BernoulliBandit | GaussianBandit,
    *,
    horizon: int,
    prior: npt.ArrayLike | None = None,
    sample: str = "posterior",
    runs: int = 1,
    first_run: int = 0,
    record: Record = None,
    actions: bool = False,
    rng: Seed,
) -> BanditRun:
    r"""Thompson sampling, with Beta or normal posteriors after the kind of the bandit.

    Parameters
    ----------
    bandit : BernoulliBandit or GaussianBandit
        The standard deviations of the latter are known to the learner.
    horizon : int
        Rounds of a run; the learner does not use it.
    prior : array, shape (2,) or (k, 2), optional
        Bernoulli: parameters of the Beta law, > 0; (1, 1), the uniform law, by default. Gaussian: mean and standard
        deviation (> 0) of the normal law; the flat prior by default.
    sample : {"posterior", "mean"}
        ``"mean"`` pulls the arm of largest posterior mean instead of a draw: greedy, which breaks the theorem.
    runs : int
        Independent runs. Run i draws from child i of ``rng``, whichever runs are made together.
    first_run : int
        Index of the first run.
    record : array of int, optional
        Rounds at which the regret is kept, increasing; about 200 spaced evenly on a logarithmic scale by default.
    actions : bool
        Whether to keep the pulled arms; the memory is then O(runs n).
    rng : int, SeedSequence or Generator
        Parent of the streams of the runs. A round draws the posteriors of arms 0, 1, ..., then the reward.

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
    .. [1] Lattimore, Szepesvári (2020), Bandit Algorithms, chapter 36: for every prior on arms with rewards in
       [0, 1], Bayesian regret at most :math:`\sqrt{kn\log(k)/2}`.
    .. [2] Marsaglia, Tsang (2000), A simple method for generating gamma variables.
    """
    n = check.count(horizon, "horizon")
    arms = playable(bandit, "thompson", (BernoulliBandit, GaussianBandit), n)
    check.choice(sample, "sample", ("posterior", "mean"))
    k = arms.means.shape[0]
    normal = isinstance(bandit, GaussianBandit)
    table = _normal_prior(prior, arms.std, k) if normal else _beta_prior(prior, k)
    greedy = sample == "mean"

    def one_run(what: Horizon, rng: np.random.Generator, spent: Floats, pulls: Ints, actions: Ints) -> None:
        if normal:
            _play_normal(arms, table, 0.0 if greedy else 1.0, what, rng, spent, pulls, actions)
        else:
            _play_beta(arms, table, greedy, what, rng, spent, pulls, actions)

    name = "posterior mean" if greedy else "Thompson"
    return play(
        name,
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
