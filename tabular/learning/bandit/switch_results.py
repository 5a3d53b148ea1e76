"""What planners and learners of last-switch-dependent bandits return."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["LastSwitchLearning", "LastSwitchOptimum", "LastSwitchRelaxation", "LastSwitchRuns"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LastSwitchRelaxation:
    """A solution of the occupancy program.

    Attributes
    ----------
    occupancy : array, shape (n, m + M, 2)
        ``occupancy[i, x, a]``: how often arm i is in its x-th state and pulled (a = 1) or idle.
    value : float
        Payoff of the occupancies, LP* within 1e-8.
    upper : float
        Bound on LP* that the multipliers prove.
    rates : array, shape (n,)
        Pulls a round of each arm.
    price : float
        Multiplier of the limit on pulls.
    pulls : float
        That limit.
    """

    occupancy: Floats
    value: float
    upper: float
    rates: Floats
    price: float
    pulls: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LastSwitchOptimum:
    """The best long-run average payoff.

    Attributes
    ----------
    gain : float
        Average payoff of `cycle`.
    upper : float
        Bound on every schedule's average that the potentials prove, at most 1e-9 above `gain`.
    cycle : int array
        Arms pulled over and over by an optimal schedule, n for a round of rest.
    iterations : int
        Policies evaluated.
    """

    gain: float
    upper: float
    cycle: Ints
    iterations: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LastSwitchRuns:
    """Simulated rounds of mirrored virtual states.

    Attributes
    ----------
    payoff : array, shape (runs, blocks)
        Mean payoff a round, in the real states of the pulled arms.
    promised : array, shape (runs, blocks)
        The same in their virtual states.
    below : int array, shape (runs,)
        Number of pairs of an arm and a round after which the real state was below the virtual one.
    rounds, burn : int
        Rounds of a block, and before the first.
    """

    payoff: Floats
    promised: Floats
    below: Ints
    rounds: int
    burn: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LastSwitchLearning:
    """What a learner lost against the rounding that knows the payoffs.

    Attributes
    ----------
    algorithm : str
    rounds : int array, shape (k,)
        Recorded rounds.
    regret : array, shape (runs, k)
        Round by round the value of the informed rounding minus the mean payoff of what was pulled.
    value : float
        Expected payoff a round of the informed rounding, in its virtual states.
    """

    algorithm: str
    rounds: Ints
    regret: Floats
    value: float
