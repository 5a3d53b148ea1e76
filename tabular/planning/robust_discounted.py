"""Robust value iteration for discounted models, certified from both sides."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from .. import _check as check
from ..models import DiscountedMDP
from ._backup import Enclosure, enclose, require
from ._kernels import _centre
from ._robust_backup import DualStep, Step, ambiguity, sa_backup
from ._robust_s import s_backup
from .results import Plan
from .robust_results import RobustPlan
from .value_iterations import not_converged

__all__ = ["discounted", "iterate", "parts", "robust_value_iteration"]

Array = npt.NDArray[np.float64]
OneStep = TypeVar("OneStep", bound=Step)
Result = TypeVar("Result", bound=Plan)


def robust_value_iteration(
    mdp: DiscountedMDP,
    *,
    divergence: str,
    penalty: npt.ArrayLike | None = None,
    radius: npt.ArrayLike | None = None,
    rectangularity: str = "sa",
    support: bool = False,
    tol: float = 1e-10,
    max_sweeps: int = 1_000_000,
) -> RobustPlan:
    r"""Optimal discounted values against an adversary that picks the kernel, enclosed from both sides.

    The adversary chooses :math:`p(\cdot\mid s,a)` for every pair, at a price that counts like a reward of the same
    step, or within a radius:

    .. math:: (TV)(s) = \max_a r(s,a) + \min_p\{\gamma\,p\cdot V + \lambda D(p\,\|\,P(\cdot\mid s,a))\}
              \qquad\text{or}\qquad \max_a r(s,a) + \gamma\min\{p\cdot V : D(p\,\|\,P(\cdot\mid s,a))\le\rho\}.

    ``rectangularity="s"`` lets the policy mix and the adversary spread one budget over the actions of a state, see
    `robust_backward_induction`. Each operator is monotone and turns ``V + c`` into ``TV + gamma c``, so MacQueen's
    bounds hold as they do without an adversary (`value_iteration`), and the fixed point is the value against
    adversaries that may change the kernel at every step as well as against those that may not (Iyengar 2005;
    Wiesemann, Kuhn and Rustem 2013).

    Parameters
    ----------
    mdp : DiscountedMDP
        The nominal model; a sparse one is made dense.
    divergence : {"tv", "kl", "chi2"}
    penalty, radius : float or array
        Exactly one, as in `robust_backward_induction`; broadcast to (S, A), or (S,) for ``"s"``.
    rectangularity : {"sa", "s"}
    support : bool
        Confines the adversary of total variation to the support of the nominal rows.
    tol : float
        Largest accepted width of the enclosure, in reward units; > 0.
    max_sweeps : int

    Returns
    -------
    RobustPlan
        ``V[s]`` (middle of the enclosure), ``Q[s,a]``, ``policy``, ``worst[s,a,s']``, ``dual``, ``lower``, ``upper``.
        The robust values of ``policy`` are at least ``lower`` up to the rounding allowance.

    Raises
    ------
    NotConverged
        The enclosure is still wider than ``tol``; the partial `RobustPlan` is attached.
    ParameterError
        A model, divergence, penalty, radius or option that is not accepted.

    Examples
    --------
    >>> from tabular import DiscountedMDP
    >>> mdp = DiscountedMDP([[[0.5, 0.5]], [[0.0, 1.0]]], [[0.0], [1.0]], 0.5)
    >>> robust_value_iteration(mdp, divergence="tv", radius=0.25).V.round(6).tolist()
    [0.333333, 1.666667]
    """
    return discounted(
        mdp,
        None,
        "robust-value-iteration",
        check.number(tol, "tol", low=0.0, open_low=True),
        check.count(max_sweeps, "max_sweeps"),
        divergence=divergence,
        penalty=penalty,
        radius=radius,
        rectangularity=rectangularity,
        support=support,
    )


def discounted(
    mdp: DiscountedMDP, policy: npt.ArrayLike | None, solver: str, tol: float, max_sweeps: int, **options: Any
) -> RobustPlan:
    """Iterate the robust operator of ``policy``, or of the best one (None), until the enclosure is ``tol`` wide."""
    require(mdp, DiscountedMDP, solver=solver.replace("-", "_"))
    nature = ambiguity({"sa": (mdp.S, mdp.A), "s": (mdp.S,)}, **options)
    pi = None if policy is None else mdp.policy(policy)
    P = mdp.dense_P()
    backup = s_backup if nature.rectangularity == "s" else sa_backup

    def apply(w: Array) -> DualStep:
        return backup(P, mdp.r, mdp.gamma * w, nature, nature.levels, pi, 0.0)

    def plan(found: DualStep, bounds: Enclosure, sweeps: int, converged: bool) -> RobustPlan:
        fields = parts(mdp, found, bounds, sweeps, converged)
        return RobustPlan(**fields, dual=found.dual, method=f"{solver}/{nature.label}")

    return iterate(mdp, apply, plan, tol, max_sweeps)


def iterate(
    mdp: DiscountedMDP,
    apply: Callable[[Array], OneStep],
    plan: Callable[[OneStep, Enclosure, int, bool], Result],
    tol: float,
    max_sweeps: int,
    E: float = 0.0,
) -> Result:
    """Apply a robust operator until its fixed point is enclosed to ``tol``, or rounding or ``max_sweeps`` forbids it.

    ``apply`` gives the operator's values at a vector; its rows sum to 1 within ``E``. ``plan`` makes the result of the
    latest step, its enclosure, the number of sweeps, and whether the enclosure is narrow enough.
    """
    w = np.empty(mdp.S)
    _centre(mdp.r.max(axis=1), w)
    best, stalled, sweeps = np.inf, 0, 0
    while True:
        found = apply(w)
        bounds = enclose(w, found.V, mdp.gamma, E, found.error)
        sweeps += 1
        width, floor = bounds.width, 2.0 * found.error / (1.0 - mdp.gamma)
        stalled = 0 if width < best else stalled + 1
        best = min(best, width)
        hopeless = floor > tol and (stalled >= 3 or width <= 2.0 * floor)
        if width <= tol or sweeps >= max_sweeps or hopeless or width == np.inf:
            result = plan(found, bounds, sweeps, width <= tol)
            if result.converged:
                return result
            raise not_converged(result, tol, floor)
        _centre(found.V, w)


def parts(mdp: DiscountedMDP, found: Step, bounds: Enclosure, sweeps: int, converged: bool) -> dict[str, Any]:
    """Fields of the plan that one step and its enclosure make."""
    V = found.V + bounds.shift
    return {
        "V": V,
        "Q": found.Q + bounds.shift,
        "value": float(mdp.mu0 @ V),
        "lower": bounds.lower,
        "upper": bounds.upper,
        "worst": found.worst,
        "policy": found.policy,
        "sweeps": sweeps,
        "converged": converged,
    }
