"""What learners from a fixed dataset return."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["OfflineResult", "ValueIterationTrace"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class OfflineResult:
    """What an offline learner returns.

    Attributes
    ----------
    policy : ndarray of int64, shape (S,)
        The action chosen in each state.
    value : ndarray, shape (S,)
        Lower bound that the learner attaches to its choice (a count for the imitation rules).
    lcb, penalty, counts : ndarray, shape (S, A)
        Scores compared by the last argmax, the penalty in them, and the sample counts they rest on.
    iterations : int
        Number of value-iteration steps; 0 for bandits.
    """

    policy: Ints
    value: Floats
    lcb: Floats
    penalty: Floats
    counts: Floats
    iterations: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class ValueIterationTrace:
    """Every iteration of VI-LCB.

    Attributes
    ----------
    V : ndarray, shape (T+1, S)
        ``V[0]`` is 0.
    policy : ndarray of int64, shape (T+1, S)
        ``policy[0]`` imitates part 0 of the data.
    Q, penalty : ndarray, shape (T, S, A)
        Iteration t is row ``t-1``.
    counts : ndarray, shape (S, A)
        Counts of the last part.
    """

    V: Floats
    policy: Ints
    Q: Floats
    penalty: Floats
    counts: Floats
