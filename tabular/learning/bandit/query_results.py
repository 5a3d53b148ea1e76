"""What learners return that look for a good arm with few queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import ParameterError
from ...models import LinearBandit

__all__ = ["DesignRun", "QueryRun", "noiseless", "outcome"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class QueryRun:
    """What a learner queried, and the arm that it put out.

    Attributes
    ----------
    algorithm : str
    arm : int
        The output.
    arms : ndarray of int64, shape (m,)
        Distinct queried arms in the order of their first query.
    pulls : int
        Rewards drawn in all; ``m`` where a query is not repeated.
    suboptimality : float
        Exact: largest mean minus that of the output.
    stopped : bool
        Whether the learner's own criterion ended the run; where it ran out of candidates or queries instead, the output
        is the best arm that it saw.
    """

    algorithm: str
    arm: int
    arms: Ints
    pulls: int
    suboptimality: float
    stopped: bool

    @property
    def queries(self) -> int:
        """Number of distinct queried arms."""
        return int(self.arms.shape[0])


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class DesignRun(QueryRun):
    """A run that predicts all arms from the queries of a design.

    Attributes
    ----------
    predictions : ndarray, shape (k,)
        Predicted rewards.
    weights : ndarray, shape (k,)
        The design.
    g : float
        Its largest variance.
    """

    predictions: Floats
    weights: Floats
    g: float


def noiseless(bandit: LinearBandit, name: str) -> Floats:
    """Return the rewards (k,) that queries reveal, or raise ParameterError where there are none without noise."""
    if not isinstance(bandit, LinearBandit):
        raise ParameterError(f"{name} queries a LinearBandit, not a {type(bandit).__name__}")
    if bandit.noise_std > 0.0:
        raise ParameterError(f"noise_std is {bandit.noise_std:g}; {name} needs queries without noise")
    return bandit.means


def outcome(
    name: str, bandit: LinearBandit, arm: int, arms: Ints | Sequence[int], stopped: bool, pulls: int | None = None
) -> dict[str, Any]:
    """Return the fields of a `QueryRun` whose output is ``arm``."""
    means = bandit.means
    queried = np.array(arms, dtype=np.int64)
    return {
        "algorithm": name,
        "arm": arm,
        "arms": queried,
        "pulls": queried.shape[0] if pulls is None else pulls,
        "suboptimality": float(means.max() - means[arm]),
        "stopped": stopped,
    }
