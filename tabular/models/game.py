"""Games in matrix form."""

from dataclasses import dataclass

from .. import _check as check
from ._base import Array, Model, assign

__all__ = ["MatrixGame"]


@dataclass(frozen=True, slots=True, eq=False)
class MatrixGame(Model):
    """Two-player zero-sum game; the row player receives ``payoff[i, j]`` and maximises it.

    Parameters
    ----------
    payoff : array, shape (A, B)
        Any finite numbers.

    Raises
    ------
    ModelError
        Naming the first offending entry.
    """

    payoff: Array

    def __post_init__(self) -> None:
        assign(self, payoff=check.as_array(self.payoff, "payoff", ndim=2))

    @property
    def A(self) -> int:
        """Number of actions of the row player."""
        return int(self.payoff.shape[0])

    @property
    def B(self) -> int:
        """Number of actions of the column player."""
        return int(self.payoff.shape[1])
