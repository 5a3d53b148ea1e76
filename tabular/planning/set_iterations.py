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
from ._backup import require
from ._static_kernels import _greedy_policy, _robust_backup, _robust_optimum
from .results import Plan
from .uncertainty_sets import BallSet, RectangularSet, VertexSet, compiled, require_set

__all__ = ["SetPlan", "rectangular_policy_iteration", "rectangular_value_iteration", "robust_operator"]

Array = npt.NDArray[np.float64]

#: Rounding of one backup, in units of the largest value; tested, not proved.
_ROUNDING = 64 * 2.0**-53


@dataclass(frozen=True, eq=False)
class SetPlan(Plan):
    """A robust optimal policy, its values, and a kernel of the set that attains them.

    Attributes
    ----------
    worst : array, shape (S, A, S)
        Kernel that minimises the expectation of ``V`` after every state and action.
    """

    worst: Array


def _workspace(mdp: DiscountedMDP, uncertainty: Any, solver: str) -> tuple[int, Array, Array, Array, Array]:
    require(mdp, DiscountedMDP, solver=solver)
    require_set(uncertainty, mdp, VertexSet, BallSet, solver=solver)
    kind, P, level = compiled(uncertainty)
    return kind, P, level, mdp.r.copy(), P[0].copy()


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
    kind, P, level, r, T = _workspace(mdp, uncertainty, "robust_operator")
    values = check.as_array(V, "V", ndim=1, error=ParameterError)
    if values.shape != (mdp.S,):
        raise ParameterError(f"V has shape {values.shape}; {(mdp.S,)} is needed, one value for each state")
    Q = np.empty((mdp.S, mdp.A))
    _robust_backup(kind, P, level, r, mdp.gamma, values.copy(), T, Q, np.empty(mdp.S))
    return Q, T


def rectangular_value_iteration(
    mdp: DiscountedMDP, uncertainty: RectangularSet, *, tol: float = 1e-9, max_sweeps: int = 100_000
) -> SetPlan:
    """Iterate the robust Bellman operator from 0 until MacQueen's bounds meet.

    Parameters
    ----------
    mdp : DiscountedMDP
        Rewards, discount and start; its kernel plays no part.
    uncertainty : VertexSet or BallSet
    tol : float
        Largest accepted width of the enclosure relative to ``max(1, max|V|)``.
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
        After ``max_sweeps``; the partial plan is attached.

    Examples
    --------
    >>> mdp = DiscountedMDP([[[1.0, 0.0]], [[0.0, 1.0]]], [[1.0], [0.0]], 0.5)
    >>> slip = VertexSet([mdp.P, [[[0.0, 1.0]], [[0.0, 1.0]]]])
    >>> rectangular_value_iteration(mdp, slip).V.round(6).tolist()
    [1.0, 0.0]
    """
    kind, P, level, r, T = _workspace(mdp, uncertainty, "rectangular_value_iteration")
    tol = check.number(tol, "tol", low=0.0, open_low=True)
    V, Q, work = np.zeros(mdp.S), np.empty((mdp.S, mdp.A)), np.empty(mdp.S)
    for sweep in range(1, check.count(max_sweeps, "max_sweeps") + 1):
        _robust_backup(kind, P, level, r, mdp.gamma, V, T, Q, work)
        plan = _enclosed(mdp, V, Q, T, sweep, "rectangular-value-iteration", tol)
        if plan.converged:
            return plan
        V = Q.max(axis=1)
    raise NotConverged(f"the values are enclosed to {plan.width:.3g} after {sweep} sweeps; allow more", plan)


def rectangular_policy_iteration(mdp: DiscountedMDP, uncertainty: RectangularSet, *, tol: float = 1e-9) -> SetPlan:
    """Policy iteration with exact robust evaluation, finished by a certificate.

    Parameters
    ----------
    mdp : DiscountedMDP
        Rewards, discount and start; its kernel plays no part.
    uncertainty : VertexSet or BallSet
    tol : float
        Largest accepted width of the enclosure relative to ``max(1, max|V|)``.

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
    kind, P, level, r, T = _workspace(mdp, uncertainty, "rectangular_policy_iteration")
    tol = check.number(tol, "tol", low=0.0, open_low=True)
    S, A = mdp.S, mdp.A
    policy, V, Q = np.zeros(S, dtype=np.int64), np.empty(S), np.empty((S, A))
    steps = _robust_optimum(
        kind, P, level, r, mdp.gamma, policy, np.empty((S, A)), T, V, Q, np.empty((S, S)), np.empty(S)
    )
    plan = _enclosed(mdp, V, Q, T, steps, "rectangular-policy-iteration", tol)
    if not plan.converged:
        raise NotConverged(f"the values are enclosed to {plan.width:.3g}; ask for a larger tol", plan)
    return plan


def _enclosed(mdp: DiscountedMDP, V: Array, Q: Array, T: Array, sweeps: int, method: str, tol: float) -> SetPlan:
    """Enclose the fixed point by one application, ``Q`` from ``V``."""
    image = Q.max(axis=1)
    change = image - V
    scale = max(1.0, float(np.abs(image).max()))
    slack = _ROUNDING * scale / (1.0 - mdp.gamma)
    factor = mdp.gamma / (1.0 - mdp.gamma)
    lower, upper = image + factor * change.min() - slack, image + factor * change.max() + slack
    policy = np.empty(mdp.S, dtype=np.int64)
    _greedy_policy(Q, policy)
    middle = 0.5 * (lower + upper)
    return SetPlan(
        V=middle,
        Q=Q + (middle - image)[0],
        policy=policy,
        value=float(mdp.mu0 @ middle),
        lower=lower,
        upper=upper,
        sweeps=sweeps,
        converged=bool((upper - lower).max() <= tol * scale),
        method=method,
        worst=T.copy(),
    )
