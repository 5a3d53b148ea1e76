"""Kernels of the roundings: the law of what is pulled, exactly, and simulated rounds."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..._jit import kernel
from ...simulation.sampling import _draw

__all__ = ["Rounding", "_interleaved_law", "_play_interleaved", "_play_virtual", "_selection", "_virtual_round"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Rounding(NamedTuple):
    """A relaxation's solution as kernels play it, and how contention is resolved; all arrays read-only."""

    payoffs: Floats  # (n, X) what a pull pays
    scores: Floats  # (n, X) the order of candidates, by their virtual states
    law: Floats  # (n, X) stationary law of each virtual state
    chance: Floats  # (n, X) probability of a virtual pull
    idle: Ints  # (X,) next state
    pulled: Ints  # (X,)
    pulls: int  # real pulls a round, at most
    random_ties: bool  # otherwise the smallest arm
    wasteful: bool  # nothing is pulled where there are more candidates than pulls
    stray: bool  # an arm that is no candidate is pulled where there is none


@kernel
def _selection(scores: Floats, weight: Floats, pulls: int, wasteful: bool) -> Floats:
    """Probability that a candidate in each of its states is pulled, uniformly random among equal scores.

    ``weight[i, x]`` is the probability that arm i is a candidate in state x, independent between arms. With A better
    candidates and T equal ones among the other arms it is pulled with probability ``min(1, (pulls - A)^+ / (1 + T))``;
    under ``wasteful`` iff no more than ``pulls`` arms are candidates.
    """
    n, X = scores.shape
    chance = np.zeros((n, X))
    for i in range(n):
        for x in range(X):
            if weight[i, x] <= 0.0:
                continue
            law = np.zeros((n + 1, n + 1))  # law[A, T]
            law[0, 0] = 1.0
            for j in range(n):
                if j == i:
                    continue
                above, equal = 0.0, 0.0
                for y in range(X):
                    if wasteful or scores[j, y] > scores[i, x]:
                        above += weight[j, y]
                    elif scores[j, y] == scores[i, x]:
                        equal += weight[j, y]
                none = max(0.0, 1.0 - above - equal)
                for a in range(n - 1, -1, -1):
                    for t in range(n - 1 - a, -1, -1):
                        mass = law[a, t]
                        law[a, t] = mass * none
                        law[a + 1, t] += mass * above
                        law[a, t + 1] += mass * equal
            for a in range(n):
                for t in range(n - a):
                    if wasteful:
                        share = 1.0 if a < pulls else 0.0
                    else:
                        share = min(1.0, max(0.0, float(pulls - a)) / (1.0 + t))
                    chance[i, x] += law[a, t] * share
    return chance


@kernel
def _virtual_round(
    how: Rounding, virtual: Ints, real: Ints, candidate: Ints, rng: np.random.Generator
) -> tuple[float, float]:
    """Play one round; return what the pulls pay in the real and in the virtual states.

    Marks in ``candidate`` 0 for idle, 1 for a virtual pull, 2 for a virtual and real one, 3 for a real one alone. Draws
    one uniform for each arm whose virtual action is random, in order, then one for each tie met.
    """
    n = virtual.shape[0]
    count = 0
    for i in range(n):
        p = how.chance[i, virtual[i]]
        pull = p >= 1.0
        if 0.0 < p < 1.0:
            pull = rng.random() < p
        candidate[i] = 1 if pull else 0
        count += candidate[i]
    paid, promised = 0.0, 0.0
    slots = 0 if how.wasteful and count > how.pulls else min(how.pulls, count)
    for _ in range(slots):
        best, ties = -1, 0
        for i in range(n):
            if candidate[i] != 1:
                continue
            score = how.scores[i, virtual[i]]
            if best < 0 or score > how.scores[best, virtual[best]]:
                best, ties = i, 1
            elif how.random_ties and score == how.scores[best, virtual[best]]:
                ties += 1
                if rng.random() * ties < 1.0:
                    best = i
        candidate[best] = 2
        paid += how.payoffs[best, real[best]]
        promised += how.payoffs[best, virtual[best]]
    if how.stray and count == 0:
        i = min(int(rng.random() * n), n - 1)
        candidate[i] = 3
        paid += how.payoffs[i, real[i]]
    for i in range(n):
        virtual[i] = how.pulled[virtual[i]] if candidate[i] == 1 or candidate[i] == 2 else how.idle[virtual[i]]
        real[i] = how.pulled[real[i]] if candidate[i] >= 2 else how.idle[real[i]]
    return paid, promised


@kernel
def _play_virtual(
    how: Rounding, burn: int, rounds: int, rng: np.random.Generator, paid: Floats, promised: Floats, below: Ints
) -> None:
    """Fill mean payoffs, (runs, blocks), and how often in each run a real state was below its virtual one.

    A run draws its virtual states anew and starts fully rested; ``burn`` rounds are played before the blocks of
    ``rounds``.
    """
    n, X = how.payoffs.shape
    virtual, real, candidate = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    runs, blocks = paid.shape
    for run in range(runs):
        for i in range(n):
            virtual[i] = _draw(how.law[i], rng.random())
            real[i] = X - 1
        below[run] = 0
        for t in range(burn + blocks * rounds):
            now, then = _virtual_round(how, virtual, real, candidate, rng)
            if t >= burn:
                block = (t - burn) // rounds
                paid[run, block] += now / rounds
                promised[run, block] += then / rounds
            for i in range(n):
                if real[i] < virtual[i]:
                    below[run] += 1


@kernel
def _interleaved_law(rates: Floats, arm: int, out: Floats) -> None:
    """Fill ``out[d]`` with the probability that ``arm`` is pulled again after d rounds; the last entry takes the rest.

    Between two of its pulls every other arm j is pulled floor(y) or ceil(y) times, y = x_j / x_arm, with mean y.
    """
    out[:] = 0.0
    out[1] = 1.0
    top = out.shape[0] - 1
    for j in range(rates.shape[0]):
        if j == arm or rates[j] <= 0.0:
            continue
        y = rates[j] / rates[arm]
        whole = int(np.floor(y))
        part = y - whole
        moved = np.zeros(top + 1)
        for d in range(top + 1):
            moved[min(d + whole, top)] += (1.0 - part) * out[d]
            moved[min(d + whole + 1, top)] += part * out[d]
        out[:] = moved


@kernel
def _play_interleaved(
    delays: Floats, rates: Floats, burn: int, rounds: int, rng: np.random.Generator, out: Floats
) -> None:
    """Fill the mean payoff of each run; ``delays[i, d-1]`` is the payoff at delay d, constant beyond the last.

    Arm i has the times (z + u_i) / x_i, z = 0, 1, ..., with u_i uniform; pulls are made in the order of all times.
    """
    n, top = delays.shape
    due, last = np.empty(n), np.empty(n, dtype=np.int64)
    for run in range(out.shape[0]):
        for i in range(n):
            u = rng.random()
            due[i] = u / rates[i] if rates[i] > 0.0 else np.inf
            last[i] = -top
        out[run] = 0.0
        for t in range(burn + rounds):
            i = 0
            for j in range(1, n):
                if due[j] < due[i]:
                    i = j
            if t >= burn:
                out[run] += delays[i, min(t - last[i], top) - 1] / rounds
            last[i] = t
            due[i] += 1.0 / rates[i]
