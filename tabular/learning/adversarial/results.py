"""What learners against an adversary return."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["AdversarialRun"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AdversarialRun:
    """What a learner did in K episodes against fixed losses.

    Attributes
    ----------
    algorithm : str
        Name of the learner.
    parameters : tuple of (str, float)
        Every number the learner was run with: learning rate, bonus, regularisation, ...
    losses : ndarray, shape (K,)
        Exact expected loss of the policy executed in each episode.
    comparator_losses : ndarray, shape (K,)
        Exact expected loss, in each episode, of the policy that is best over all K episodes.
    comparator : ndarray of int64, shape (H, S)
        That policy; ties go to the smallest action.
    policy : ndarray, shape (H, S, A)
        Policy executed in the last episode.
    """

    algorithm: str
    parameters: tuple[tuple[str, float], ...]
    losses: Floats
    comparator_losses: Floats
    comparator: npt.NDArray[np.int64]
    policy: Floats

    @property
    def episodes(self) -> int:
        """Number of episodes, K."""
        return int(self.losses.shape[0])

    @property
    def regret(self) -> Floats:
        """Cumulative loss above that of the comparator, shape (K,); the last entry is the regret."""
        return np.cumsum(self.losses - self.comparator_losses)
