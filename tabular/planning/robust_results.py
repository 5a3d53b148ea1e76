"""What the robust planners return: plans and evaluations with the kernels of the adversary."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .results import Evaluation, Plan

__all__ = ["RobustEvaluation", "RobustPlan"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RobustPlan(Plan):
    """An optimal robust policy, its values, and an adversary that attains them.

    Attributes
    ----------
    V, value, lower, upper, sweeps, converged, method
        As `Plan`, for the robust values.
    Q : array, shape (S, A) or (H, S, A)
        Robust value of each first action; s-rectangular: its value against ``worst``, prices left out.
    policy : array
        d- and sa-rectangular: the smallest action whose ``Q`` reaches the maximum up to the rounding allowance, int
        (H, S) or (S,). s-rectangular: probabilities, float (H, S, A) or (S, A).
    worst : array
        Worst kernels: ``mu[h, i, s']``, shape (H, d, S), for d-rectangular ambiguity; ``P[h, s, a, s']``, shape
        (H, S, A, S), or (S, A, S) for discounted models, for the others.
    dual : array
        Dual variable of each one-step problem (`WorstCase.dual`), shape (H, d), (H, S, A) or (S, A); s-rectangular:
        the price of a unit of divergence, shape (H, S) or (S,).
    """

    policy: npt.NDArray[Any]
    worst: Array
    dual: Array


@dataclass(frozen=True, eq=False)
class RobustEvaluation(Evaluation):
    """The robust values of one policy, and an adversary that attains them.

    Attributes
    ----------
    V, value, lower, upper
        As `Evaluation`, for the robust values.
    Q, worst, dual : arrays
        As `RobustPlan`.
    """

    worst: Array
    dual: Array
