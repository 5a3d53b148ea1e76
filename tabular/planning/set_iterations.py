r"""Robust planning when the adversary's choices at different state-action pairs are free of each other.

The robust Bellman operator :math:`(LV)(s) = \max_a r(s,a) + \gamma\min_{p\in\mathcal P_{s,a}} p\cdot V` is
monotone, a :math:`\gamma`-contraction, and moves with constants; hence MacQueen's bounds hold for it as for the
ordinary one [1]_. Policy iteration with exact robust evaluation is that of Hoffman and Karp [2]_; the robust evaluation
is the adversary's own policy iteration against a fixed policy, whose choices are the rows of the kernel.

References
----------
.. [1] Iyengar (2005), Robust Dynamic Programming, theorems 3.1 and 3.2.
.. [2] Hoffman and Karp (1966), On Nonterminating Stochastic Games.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _check as check
from ..errors import NotConverged, ParameterError
from ..models import DiscountedMDP
from ._backup import UNIT, Enclosure, enclose, require, smallest_maximiser
from ._kernels import _row_sum_error_compensated
from ._robust_backup import Step, rounding
from ._static_kernels import _robust_backup, _robust_optimum
from .results import Plan
from .robust_discounted import iterate, parts
from .uncertainty_sets import BallSet, RectangularSet, VertexSet, compiled, require_set

__all__ = ["SetPlan", "rectangular_policy_iteration", "rectangular_value_iteration", "robust_operator"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SetPlan(Plan):
    """A robust optimal policy, its values, and a kernel of the set that attains them.

    Attributes
    ----------
    worst : array, shape (S, A, S)
        Kernel that minimises the expectation of ``V`` after every state and action.
    """

    worst: Array


class _Operator:
    """The robust Bellman operator of a rectangular set; ``T`` holds the minimising rows of the latest application."""

    def __init__(self, mdp: DiscountedMDP, uncertainty: Any, solver: str) -> None:
        require(mdp, DiscountedMDP, solver=solver)
        require_set(uncertainty, mdp, VertexSet, BallSet, solver=solver)
        self.gamma, self.r = mdp.gamma, mdp.r.copy()
        self.kind, self.P, self.level = compiled(uncertainty)
        self.T, self.Q, self.work = self.P[0].copy(), np.empty(self.r.shape), np.empty(mdp.S)

    @property
    def E(self) -> float:
        """Upper bound on the distance of the sums of rows from 1; minimisers in a ball sum to 1 up to rounding."""
        S = self.P.shape[-1]
        return float(_row_sum_error_compensated(self.P.reshape(-1, S))) * (1.0 + 4.0 * UNIT) + 2.0 * (S * UNIT) ** 2

    def __call__(self, V: Array) -> Step:
        """Return ``r + gamma min_p p . V``, its maximum, and the greedy policy."""
        _robust_backup(self.kind, self.P, self.level, self.r, self.gamma, V, self.T, self.Q, self.work)
        error = rounding(V.shape[0], 1, V, self.Q, self.r)
        values = self.Q.max(axis=1)
        return Step(values, self.Q.copy(), smallest_maximiser(self.Q, values, 2.0 * error), self.T.copy(), error)


def robust_operator(mdp: DiscountedMDP, uncertainty: RectangularSet, V: npt.ArrayLike) -> tuple[Array, Array]:
    r"""Return :math:`Q(s,a) = r(s,a) + \gamma\min_p p\cdot V` and the minimising rows.

    Parameters
    ----------
    mdp : DiscountedMDP
        Rewards and discount; its kernel plays no part.
    uncertainty : VertexSet or BallSet
    V : array, shape (S,)

    Returns
    -------
    Q : array, shape (S, A)
    worst : array, shape (S, A, S)

    Raises
    ------
    ModelError
        For a set that is not rectangular, or of other sizes than the model.
    ParameterError
        If ``V`` has another shape or an entry that is not finite.
    """
    operator = _Operator(mdp, uncertainty, "robust_operator")
    values = check.as_array(V, "V", ndim=1, error=ParameterError)
    if values.shape != (mdp.S,):
        raise ParameterError(f"V has shape {values.shape}; {(mdp.S,)} is needed, one value for each state")
    found = operator(values.copy())
    return found.Q, found.worst


def rectangular_value_iteration(
    mdp: DiscountedMDP, uncertainty: RectangularSet, *, tol: float = 1e-9, max_sweeps: int = 100_000
) -> SetPlan:
    """Iterate the robust Bellman operator until MacQueen's bounds meet.

    With a `BallSet` round the model's own kernel it is `robust_value_iteration` for a radius.

    Parameters
    ----------
    mdp : DiscountedMDP
        Rewards, discount and start; its kernel plays no part.
    uncertainty : VertexSet or BallSet
    tol : float
        Largest accepted width of the enclosure, in reward units; > 0.
    max_sweeps : int
        A sweep costs O(m S^2 A) for m vertices.

    Returns
    -------
    SetPlan

    Raises
    ------
    ModelError
        For a set that is not rectangular, or of other sizes than the model.
    NotConverged
        The enclosure is still wider than ``tol``; the partial plan is attached.

    Examples
    --------
    >>> mdp = DiscountedMDP([[[1.0, 0.0]], [[0.0, 1.0]]], [[1.0], [0.0]], 0.5)
    >>> slip = VertexSet([mdp.P, [[[0.0, 1.0]], [[0.0, 1.0]]]])
    >>> rectangular_value_iteration(mdp, slip).V.round(6).tolist()
    [1.0, 0.0]
    """
    operator = _Operator(mdp, uncertainty, "rectangular_value_iteration")

    def plan(found: Step, bounds: Enclosure, sweeps: int, converged: bool) -> SetPlan:
        return SetPlan(**parts(mdp, found, bounds, sweeps, converged), method="rectangular-value-iteration")

    tol, limit = check.number(tol, "tol", low=0.0, open_low=True), check.count(max_sweeps, "max_sweeps")
    return iterate(mdp, operator, plan, tol, limit, operator.E)


def rectangular_policy_iteration(mdp: DiscountedMDP, uncertainty: RectangularSet, *, tol: float = 1e-9) -> SetPlan:
    """Policy iteration with exact robust evaluation, finished by a certificate.

    Parameters
    ----------
    mdp : DiscountedMDP
        Rewards, discount and start; its kernel plays no part.
    uncertainty : VertexSet or BallSet
    tol : float
        Largest accepted width of the enclosure, in reward units; > 0.

    Returns
    -------
    SetPlan
        ``sweeps`` counts policies.

    Raises
    ------
    ModelError
        For a set that is not rectangular, or of other sizes than the model.
    NotConverged
        If rounding hides any further improvement while the enclosure is wider than ``tol`` allows.
    """
    operator = _Operator(mdp, uncertainty, "rectangular_policy_iteration")
    tol = check.number(tol, "tol", low=0.0, open_low=True)
    S, A = mdp.S, mdp.A
    nature = (operator.kind, operator.P, operator.level, operator.r, mdp.gamma)
    policy, V, Q, M = np.zeros(S, dtype=np.int64), np.empty(S), np.empty((S, A)), np.empty((S, S))
    steps = _robust_optimum(*nature, policy, np.empty((S, A)), operator.T, V, Q, M, operator.work)
    found = operator(V)
    bounds = enclose(V, found.V, mdp.gamma, operator.E, found.error)
    fields = parts(mdp, found, bounds, steps, bounds.width <= tol)
    plan = SetPlan(**fields, method="rectangular-policy-iteration")
    if not plan.converged:
        raise NotConverged(f"the values are enclosed to {plan.width:.3g}; ask for a larger tol", plan)
    return plan
