"""What the planners return: values with an enclosure of the truth."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Evaluation", "ExactEvaluation", "ExactPlan", "LinearProgramPlan", "Plan", "ReachabilityPlan"]

Array = npt.NDArray[np.float64]
Policy = npt.NDArray[np.int64]


class _ReadOnly:
    """Marks every array field read-only once the result exists."""

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:  # type: ignore[attr-defined]
            value = getattr(self, name)
            if isinstance(value, np.ndarray):
                value.setflags(write=False)


@dataclass(frozen=True, eq=False)
class Plan(_ReadOnly):
    """An optimal policy and its values, enclosed from both sides.

    Attributes
    ----------
    V : array, shape (S,) or (H + 1, S)
        Optimal values; episodic ``V[H] = 0``. Inside ``[lower, upper]``.
    Q : array, shape (S, A) or (H, S, A)
        State-action values; ``V`` is their maximum over actions.
    policy : int array, shape (S,) or (H, S)
        Smallest action whose ``Q`` reaches the maximum up to the rounding
        allowance of the computation (a few ``eps`` times the scale of ``V``).
    value : float
        ``mu0 . V`` (episodic: ``mu0 . V[0]``).
    lower, upper : arrays, shape of ``V``
        ``lower <= V* <= upper`` for the model exactly as its floats state it;
        the rounding of the computation is included.
    sweeps : int
        Passes over all state-action pairs (policy iteration: iterations).
    converged : bool
        Whether the requested accuracy is certified. Always true for a returned
        plan; false only in `NotConverged.partial`.
    method : str
        The algorithm and its variant.
    """

    V: Array
    Q: Array
    policy: Policy
    value: float
    lower: Array
    upper: Array
    sweeps: int
    converged: bool
    method: str

    @property
    def width(self) -> float:
        """Largest width of the enclosure."""
        return float(np.max(self.upper - self.lower))


@dataclass(frozen=True, eq=False)
class LinearProgramPlan(Plan):
    """A `Plan` from a linear program, with the checked certificate.

    Attributes
    ----------
    d : array, shape (S, A)
        Optimal normalised occupancy (the dual solution), sums to 1.
    primal_residual, dual_residual, complementarity, gap : float
        Largest violation of each optimality condition, computed from the raw
        arrays and divided by the scale of the quantities compared.
    """

    d: Array
    primal_residual: float
    dual_residual: float
    complementarity: float
    gap: float


@dataclass(frozen=True, eq=False)
class Evaluation(_ReadOnly):
    """The values of one policy.

    Attributes
    ----------
    V : array, shape (S,) or (H + 1, S)
    Q : array, shape (S, A) or (H, S, A)
        First action free, the policy afterwards.
    value : float
        ``mu0 . V`` (episodic: ``mu0 . V[0]``).
    lower, upper : arrays, shape of ``V``
        Enclosure of the true values, rounding included.
    """

    V: Array
    Q: Array
    value: float
    lower: Array
    upper: Array


@dataclass(frozen=True, eq=False)
class ReachabilityPlan(_ReadOnly):
    """Probabilities of reaching a goal, enclosed from both sides.

    Attributes
    ----------
    V : array, shape (S,)
        Midpoint of the enclosure.
    lower, upper : arrays, shape (S,)
    policy : int array, shape (S,)
        An action attaining the objective up to the width of the enclosure.
    sweeps : int
    converged : bool
    method : str
    """

    V: Array
    lower: Array
    upper: Array
    policy: Policy
    sweeps: int
    converged: bool
    method: str


@dataclass(frozen=True, eq=False)
class ExactPlan(_ReadOnly):
    """An optimal policy and its values as rational numbers.

    Attributes
    ----------
    V : object array of Fraction, shape (S,) or (H + 1, S)
    Q : object array of Fraction, shape (S, A) or (H, S, A)
    policy : int array, shape (S,) or (H, S)
        Smallest optimal action.
    optimal : bool array, shape of ``Q``
        All optimal actions.
    value : Fraction
        ``mu0 . V``.
    iterations : int
        Exact policy evaluations.
    """

    V: npt.NDArray[Any]
    Q: npt.NDArray[Any]
    policy: Policy
    optimal: npt.NDArray[np.bool_]
    value: Fraction
    iterations: int


@dataclass(frozen=True, eq=False)
class ExactEvaluation(_ReadOnly):
    """The values of one policy as rational numbers; shapes as in `ExactPlan`."""

    V: npt.NDArray[Any]
    Q: npt.NDArray[Any]
    value: Fraction
