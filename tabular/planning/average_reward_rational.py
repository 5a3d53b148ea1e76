"""Average-reward planning in exact fractions."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from .average_reward_arithmetic import RATIONAL, Vector, rational_model
from .average_reward_policy_iteration import howard
from .results import _ReadOnly

__all__ = ["ExactAverageRewardPlan", "exact_average_reward"]


@dataclass(frozen=True, eq=False)
class ExactAverageRewardPlan(_ReadOnly):
    """Optimal gain and bias as fractions.

    Attributes
    ----------
    gain, bias : object arrays of `Fraction`, shape (S,)
        ``bias`` is the optimal bias: ``P* bias = 0`` under ``policy``.
    policy : int array, shape (S,)
        Bias-optimal; the smallest action among exact ties.
    span : Fraction
        Largest minus smallest bias.
    iterations : int
        Policies evaluated.
    """

    gain: Vector
    bias: Vector
    policy: npt.NDArray[np.int64]
    span: Fraction
    iterations: int


def exact_average_reward(P: Any, r: Any, *, max_denominator: int | None = None) -> ExactAverageRewardPlan:
    """Return the optimal gain, bias and policy in exact arithmetic.

    Parameters
    ----------
    P : array (S, A, S)
        Anything `Fraction` accepts; rows must sum to exactly 1.
    r : array (S, A)
        The same.
    max_denominator : int, optional
        Read each entry as the nearest fraction with at most this denominator,
        so that a model of floats means what its decimals say.

    Returns
    -------
    ExactAverageRewardPlan

    Raises
    ------
    ModelError
        If a row does not sum to exactly 1, or an entry is no number.

    Examples
    --------
    >>> plan = exact_average_reward([[["1/3", "2/3"]], [[1, 0]]], [[0], [1]])
    >>> print(plan.gain[0], plan.span)
    2/5 3/5
    """
    chances, rewards = rational_model(P, r, max_denominator)
    policy, (gain, bias, _), iterations = howard(chances, rewards, None, RATIONAL)
    return ExactAverageRewardPlan(gain, bias, policy, max(bias) - min(bias), iterations)
