"""What learners that act return."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["OnlineRun"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class OnlineRun:
    """What a learner did in K episodes of a known model.

    Attributes
    ----------
    algorithm : str
        Name of the learner.
    bonus : str
        Which exploration bonus it used; ``"published"`` is the paper's, with its constants.
    scale : float
        Factor on that bonus; 1 for the published one.
    delta : float or None
        Confidence parameter, where the learner has one.
    values : ndarray, shape (K,)
        Exact value, from the initial distribution, of the policy executed in each episode.
    optimal_value : float
        Exact optimal value.
    policy : ndarray, shape (H, S) or (H, S, A)
        Policy executed in the last episode.
    visits : ndarray of int64, shape (H, S, A)
        How often each action was taken.
    """

    algorithm: str
    bonus: str
    scale: float
    delta: float | None
    values: Floats
    optimal_value: float
    policy: npt.NDArray[np.float64] | Ints
    visits: Ints

    @property
    def episodes(self) -> int:
        """Number of episodes, K."""
        return int(self.values.shape[0])

    @property
    def regret(self) -> Floats:
        """Cumulative regret, shape (K,): the sum of optimal value minus exact value of the executed policy."""
        return np.cumsum(self.optimal_value - self.values)
