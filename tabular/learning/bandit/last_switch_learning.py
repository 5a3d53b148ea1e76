r"""Learning a last-switch-dependent bandit: explore and commit, and optimism, on top of the relaxation's rounding.

Both know that payoffs are monotone in the state and that a pull pays 1 or 0. What they lose is counted against the
rounding that knows the payoffs.

Deviations from the paper
-------------------------
1. The paper's learner was not seen. Explore-and-commit, with about :math:`n(T/n)^{2/3}` rounds of exploration, is
   derived; its regret is of the order :math:`T^{2/3}`. The optimistic learner has no proof here.
2. Estimates, and upper bounds, are made monotone. ``rested="assumed"`` is broken on purpose.
"""

import math

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ..._jit import kernel
from ...errors import ParameterError
from ...models import LastSwitchBandit
from ...simulation.sampling import _draw
from ...streams import generator
from ._switch_relaxation import occupancy_program
from ._switch_rounding import Rounding, _virtual_round
from .lsd_bandits import relax_last_switch, require, rounding, rounding_value
from .switch_results import LastSwitchLearning

__all__ = ["explore_then_commit_last_switch", "optimistic_last_switch"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Seed = int | np.random.SeedSequence | np.random.Generator


def _isotonic(estimates: Floats) -> Floats:
    """Return the nearest nondecreasing sequence, by pooling adjacent violators."""
    values: list[float] = []
    sizes: list[int] = []
    for x in estimates.tolist():
        values.append(x)
        sizes.append(1)
        while len(values) > 1 and values[-2] >= values[-1]:
            size = sizes[-2] + sizes[-1]
            values[-2] = (sizes[-2] * values[-2] + sizes[-1] * values[-1]) / size
            sizes[-2] = size
            values.pop()
            sizes.pop()
    return np.repeat(values, sizes)


def _batch(bandit: LastSwitchBandit, everything: bool) -> tuple[int, Floats]:
    """Return the rounds of one batch on one arm and what it pays for each arm, from full rest and back to it.

    The arm is pulled 1 + m times in a row, then after 1, 2, ..., M - 1 idle rounds, then rests M rounds: every state is
    met once. Without ``everything`` it is pulled after a single idle round only, and met in the states -m to 1.
    """
    m, M, p = bandit.m, bandit.M, bandit.payoffs
    last = M - 1 if everything else min(1, M - 1)
    rounds = 1 + m + sum(j + 1 for j in range(1, last + 1)) + M
    return rounds, p[:, :m].sum(axis=1) + p[:, m : m + last].sum(axis=1) + p[:, -1]


def explore_then_commit_last_switch(
    bandit: LastSwitchBandit, *, horizon: int, runs: int, rested: str = "explored", rng: Seed
) -> LastSwitchLearning:
    r"""Pull every arm equally often in every state, plan on the estimates, and round that plan to the end.

    Exploration takes about :math:`n(T/n)^{2/3}` of the T rounds: batches in which one arm is met once in each state
    while the others rest. The regret is exact given the estimates: what the fixed exploration pays, and the expected
    payoff of the committed rounding in its virtual states, which bounds its real payoff from below.

    Parameters
    ----------
    bandit : LastSwitchBandit
        Monotone.
    horizon : int
        T; at least the rounds of one batch on each arm.
    runs : int
        Independent runs.
    rested : {"explored", "assumed"}
        Whether states of two idle rounds and more are explored, or assumed to pay what one idle round does (broken).
    rng : int, SeedSequence or Generator
        A run draws one binomial for each arm and state, in order.

    Returns
    -------
    LastSwitchLearning
        One recorded round, the horizon.

    Raises
    ------
    ParameterError
        If the payoffs are not monotone, or the horizon leaves no time for a batch on each arm.
    """
    T, count = check.count(horizon, "horizon"), check.count(runs, "runs")
    everything = check.choice(rested, "rested", ("explored", "assumed")) == "explored"
    value = _informed(bandit, "explore_then_commit_last_switch")
    stream, n, m = generator(rng), bandit.A, bandit.m
    rounds, paid = _batch(bandit, everything)
    batches = max(1, math.floor((T / n) ** (2 / 3) / rounds))
    explored = n * batches * rounds
    if explored > T:
        raise ParameterError(f"horizon is {T}; one batch of {rounds} rounds on each of {n} arms does not fit")
    spent = explored * value - batches * float(paid.sum())
    regret = np.empty((count, 1))
    for run in range(count):
        estimates = stream.binomial(batches, bandit.payoffs) / batches
        if not everything:
            estimates[:, m + 1 :] = estimates[:, m : m + 1]
        estimates = np.array([_isotonic(row) for row in estimates])
        mu = occupancy_program(estimates, m, 1.0)[0]
        committed = rounding_value(bandit, mu, scores=estimates)
        regret[run, 0] = spent + (T - explored) * (value - committed)
    return LastSwitchLearning(
        algorithm="explore-then-commit" if everything else "explore-then-commit, rest assumed useless",
        rounds=np.array([T], dtype=np.int64),
        regret=regret,
        value=value,
    )


def _informed(bandit: LastSwitchBandit, name: str) -> float:
    """Return the value of the rounding that knows the payoffs, after checking that they are monotone."""
    require(bandit, name)
    if not bandit.monotone:
        i = int(np.argmax((np.diff(bandit.payoffs, axis=1) < 0.0).any(axis=1)))
        raise ParameterError(f"payoffs[{i}] falls somewhere; {name} relies on monotone payoffs")
    return rounding_value(bandit, relax_last_switch(bandit))


@kernel
def _episode(
    how: Rounding, rounds: int, stretch: int, rest: int, tries: Ints, wins: Ints, rng: np.random.Generator
) -> float:  # fmt: skip
    """Play an episode of the rounding with 0-1 rewards; return the mean payoffs collected.

    In the first ``rest`` of every ``stretch`` rounds all arms rest; virtual states are then drawn anew.
    """
    n, X = how.payoffs.shape
    virtual, real, candidate = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    total = 0.0
    for t in range(rounds):
        if t % stretch < rest:
            continue
        if t % stretch == rest:
            for i in range(n):
                virtual[i] = _draw(how.law[i], rng.random())
                real[i] = X - 1
        before = real.copy()
        total += _virtual_round(how, virtual, real, candidate, rng)[0]
        for i in range(n):
            if candidate[i] >= 2:
                tries[i, before[i]] += 1
                if rng.random() < how.payoffs[i, before[i]]:
                    wins[i, before[i]] += 1
    return total


def optimistic_last_switch(
    bandit: LastSwitchBandit, *, horizon: int, runs: int, delta: float = 0.05, rng: Seed
) -> LastSwitchLearning:
    r"""Plan on upper confidence bounds, round the plan for an episode, and plan again when the rounds have doubled.

    The bound of a state is :math:`\hat p + \sqrt{\ln(2 n (m+M) \log_2(T)/\delta)/(2N)}`, at most 1, and at most the
    bound of any more rested state. An episode of L rounds is cut into stretches of about :math:`(M+1)\sqrt L`; each
    begins with M rounds of rest, so that real states are not below virtual ones, and draws its virtual states anew, so
    that the average over an episode comes near the expectation.

    Parameters
    ----------
    bandit : LastSwitchBandit
        Monotone.
    horizon : int
        T, at least 2.
    runs : int
    delta : float
        In (0, 1).
    rng : int, SeedSequence or Generator

    Returns
    -------
    LastSwitchLearning
        The recorded rounds are the ends of the episodes. The regret counts mean payoffs in real states, which can
        exceed those promised in virtual ones: it may be negative.

    Raises
    ------
    ParameterError
        If the payoffs are not monotone.
    """
    T, count = check.count(horizon, "horizon", low=2), check.count(runs, "runs")
    level = check.fraction(delta, "delta")
    value = _informed(bandit, "optimistic_last_switch")
    stream, n, X, M = generator(rng), bandit.A, bandit.states, bandit.M
    ends = [min(2**k, T) for k in range(max(3, math.ceil(math.log2(4 * M + 4))), math.ceil(math.log2(T)) + 1)] or [T]
    width = math.log(2 * n * X * max(1.0, math.log2(T)) / level) / 2
    regret = np.empty((count, len(ends)))
    for run in range(count):
        tries, wins = np.zeros((n, X), dtype=np.int64), np.zeros((n, X), dtype=np.int64)
        earned, played = 0.0, 0
        for k, end in enumerate(ends):
            seen = np.maximum(tries, 1)
            upper = np.where(tries > 0, np.minimum(1.0, wins / seen + np.sqrt(width / seen)), 1.0)
            upper = np.ascontiguousarray(np.minimum.accumulate(upper[:, ::-1], axis=1)[:, ::-1])
            mu = occupancy_program(upper, bandit.m, 1.0)[0]
            how = rounding(bandit, mu, upper, 1, "payoff", "random", "rest")
            stretch = (M + 1) * math.ceil(math.sqrt(end - played))
            earned += _episode(how, end - played, stretch, M, tries, wins, stream)
            played = end
            regret[run, k] = end * value - earned
    return LastSwitchLearning(algorithm="optimistic", rounds=np.array(ends, dtype=np.int64), regret=regret, value=value)
