"""What bandit learners return."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["BanditRun"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class BanditRun:
    """What a learner did in independent runs on a known bandit.

    Attributes
    ----------
    algorithm : str
        Name of the learner, with its variant.
    horizon : int
        Rounds of each run, n.
    rounds : ndarray of int64, shape (m,)
        The recorded rounds, increasing, in ``1..n``.
    regret : ndarray, shape (runs, m)
        Exact cumulative pseudo-regret of each run after each recorded round: costs incurred minus those of the best
        arm. The cost of an arm is its gap (stochastic bandits) or its loss in that round (adversarial ones, whose best
        arm is the best one of the rounds so far).
    counted : {"pulled", "expected"}
        What was incurred in a round: the cost of the pulled arm, or its conditional expectation given the past,
        ``sum_a p(a) cost(a)``. Both have the same mean; the second varies less.
    pulls : ndarray of int64, shape (runs, k)
        How often each arm was pulled.
    actions : ndarray of int64, shape (runs, n), or (runs, 0)
        The pulled arms, where they were asked for.
    first_run : int
        Index of the first of these runs; run i is the same whichever others are made with it.
    """

    algorithm: str
    horizon: int
    rounds: Ints
    regret: Floats
    counted: str
    pulls: Ints
    actions: Ints
    first_run: int = 0

    @property
    def runs(self) -> int:
        """Number of runs."""
        return int(self.regret.shape[0])

    @property
    def mean_regret(self) -> Floats:
        """Mean regret over the runs, shape (m,)."""
        return np.asarray(self.regret.mean(axis=0))

    @property
    def standard_error(self) -> Floats:
        """Standard error of the mean regret, shape (m,); 0 for a single run, which has no estimate of it."""
        if self.runs == 1:
            return np.zeros(self.rounds.shape[0])
        return np.asarray(self.regret.std(axis=0, ddof=1) / np.sqrt(self.runs))
