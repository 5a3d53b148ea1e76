"""Last-switch-dependent bandits: what an arm pays depends on how long ago its pulls began or ended."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from .. import _check as check
from ..errors import ModelError, ParameterError
from ._base import Array, Model, assign
from .mdp import AverageRewardMDP

__all__ = ["LastSwitchBandit"]

#: Largest number of joint states for which the product model is built.
_JOINT_STATES = 200_000


@dataclass(frozen=True, slots=True, eq=False)
class LastSwitchBandit(Model):
    r"""Arms whose mean payoff depends on the time since they last switched between being pulled and being idle.

    An arm's state is a non-zero integer: :math:`\tau = j \ge 1` after j idle rounds, :math:`\tau = -j` after j pulls in
    a row. A pull pays :math:`p_i(\tau)` and moves :math:`\tau \ge 1` to -1 and -j to -(j+1); an idle round moves
    :math:`\tau < 0` to 1 and j to j+1. States stop at -m and M, beyond which payoffs are constant. One arm a round is
    pulled, or none. The time since the last pull, which delay-dependent models count, is the idle count plus one.

    Inside the package a state is its position x in the order -m, ..., -1, 1, ..., M, so ``x < m`` iff the arm was
    pulled in the last round.

    Parameters
    ----------
    payoffs : array, shape (n, m + M)
        ``payoffs[i, x]`` in [0, 1]: mean payoff of arm i in its x-th state.
    m : int
        Number of satiated states, at least 1; M, that of rested ones, is at least 1 too.

    Raises
    ------
    ModelError
        Naming the first offending entry.

    References
    ----------
    .. [1] Laforgue, Clerici, Cesa-Bianchi, Gilad-Bachrach (2022), A last switch dependent analysis of satiation and
       seasonality in bandits, AISTATS.

    Examples
    --------
    >>> LastSwitchBandit([[0.0, 0.5, 1.0]], m=1).M
    2
    """

    payoffs: Array
    m: int

    def __post_init__(self) -> None:
        payoffs = check.as_array(self.payoffs, "payoffs", ndim=2)
        outside = (payoffs < 0.0) | (payoffs > 1.0)
        if outside.any():
            i, x = (int(k) for k in np.argwhere(outside)[0])
            raise ModelError(f"payoffs[{i}, {x}] is {payoffs[i, x]:.17g}; payoffs lie in [0, 1]")
        m = check.count(self.m, "m", error=ModelError)
        if m >= payoffs.shape[1]:
            raise ModelError(f"m is {m} of {payoffs.shape[1]} states an arm; at least one rested state is needed")
        assign(self, payoffs=payoffs, m=m)

    @property
    def A(self) -> int:
        """Number of arms, n."""
        return int(self.payoffs.shape[0])

    @property
    def states(self) -> int:
        """Number of states of one arm, m + M."""
        return int(self.payoffs.shape[1])

    @property
    def M(self) -> int:
        """Number of rested states of one arm."""
        return self.states - self.m

    @property
    def S(self) -> int:
        """Number of joint states, ``(m + M) ** n``."""
        return self.states**self.A

    @property
    def monotone(self) -> bool:
        """Whether rest never lowers a payoff and pulls never raise one."""
        return bool(np.all(np.diff(self.payoffs, axis=1) >= 0.0))

    @property
    def recharging(self) -> bool:
        """Whether payoffs depend on the delay since the last pull only: the same in all satiated states."""
        return bool(np.all(self.payoffs[:, : self.m] == self.payoffs[:, :1]))

    def delays(self) -> Array:
        """Return ``R[i, j]``, the payoff of recharging arm i at delay j + 1, shape (n, M + 1).

        Raises
        ------
        ParameterError
            If the payoff depends on the number of pulls in a row.
        """
        if not self.recharging:
            raise ParameterError("the satiated payoffs of some arm differ; only a recharging bandit is given by delays")
        return np.ascontiguousarray(self.payoffs[:, self.m - 1 :])

    def successors(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return the next state of an arm from each of its states, when idle and when pulled, each shape (m + M,)."""
        x = np.arange(self.states)
        idle = np.where(x < self.m, self.m, np.minimum(x + 1, self.states - 1))
        pulled = np.where(x < self.m, np.maximum(x - 1, 0), self.m - 1)
        return idle.astype(np.int64), pulled.astype(np.int64)

    def to_average_reward(self) -> AverageRewardMDP:
        """Return the product model: a state for each tuple of states, arm 0 in the highest digit; action n rests.

        It starts with all arms fully rested. Transitions are sparse.

        Raises
        ------
        ParameterError
            If there are more than 200,000 joint states.
        """
        if self.S > _JOINT_STATES:
            raise ParameterError(f"the product has {self.states}**{self.A} states; at most {_JOINT_STATES:,} are built")
        S, n = self.S, self.A
        digits = np.array(np.unravel_index(np.arange(S), (self.states,) * n))
        idle, pulled = self.successors()
        following = np.empty((S, n + 1), dtype=np.int64)
        r = np.zeros((S, n + 1))
        for a in range(n + 1):
            after = idle[digits]
            if a < n:
                after[a] = pulled[digits[a]]
                r[:, a] = self.payoffs[a, digits[a]]
            following[:, a] = np.ravel_multi_index(tuple(after), (self.states,) * n)
        rows = S * (n + 1)
        P: Any = sp.csr_array((np.ones(rows), (np.arange(rows), following.ravel())), shape=(rows, S))
        mu0 = np.zeros(S)
        mu0[-1] = 1.0
        return AverageRewardMDP(P, r, mu0)
