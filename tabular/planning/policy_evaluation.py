"""Values and occupancies of a given policy, with certified error."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.sparse as sp
import scipy.sparse.linalg as spla

from .. import _check as check
from ..errors import NotConverged
from ..models import AverageRewardMDP, DiscountedMDP, EpisodicMDP
from ._backup import UNIT, Backup, PolicyBackup, enclose, require
from ._kernels import _centre
from .finite_horizon import evaluate_episodic, occupancy_episodic
from .results import Evaluation

__all__ = ["evaluate", "occupancy", "solve_policy"]

Array = npt.NDArray[np.float64]

#: Sparse systems up to this size are factorised; larger ones are solved by BiCGSTAB.
_FACTORISE_UP_TO = 2000
_MOST_REFINEMENTS = 8
#: Fixed-point sweeps after BiCGSTAB has stopped improving.
_MOST_SWEEPS = 200_000


def evaluate(mdp: EpisodicMDP | DiscountedMDP | AverageRewardMDP, policy: npt.ArrayLike, *, tol: float = 1e-9) -> Any:
    r"""Values of a policy, deterministic or stochastic.

    Episodic: backward recursion. Discounted: :math:`(I-\gamma P_\pi)V = r_\pi`
    by LU factorisation (dense, or sparse with at most 2,000 states), by
    BiCGSTAB finished by fixed-point sweeps (larger sparse models); one further
    application of the operator then gives the enclosure. Average reward: gain
    and bias, as `gain_bias` returns them.

    Parameters
    ----------
    mdp : EpisodicMDP, DiscountedMDP or AverageRewardMDP
    policy : array
        Integers (S,) or (H, S), or probabilities with a last axis A. A
        stationary policy is accepted for a finite horizon.
    tol : float
        Largest accepted width of the enclosure relative to ``max(1, max|V|)``;
        only solves of discounted models can miss it.

    Returns
    -------
    Evaluation
        ``V``, ``Q``, ``value = mu0 . V``, and ``lower <= V_pi <= upper``.
        (`GainBias` for average reward.)

    Raises
    ------
    PolicyError
        If ``policy`` is not a policy of the model.
    NotConverged
        If the enclosure is wider than ``tol`` allows; the `Evaluation` is attached.

    Examples
    --------
    >>> from tabular import DiscountedMDP
    >>> mdp = DiscountedMDP([[[0.5, 0.5]], [[0.0, 1.0]]], [[0.0], [1.0]], 0.5)
    >>> evaluate(mdp, [0, 0]).V.round(12).tolist()
    [0.666666666667, 2.0]
    """
    if isinstance(mdp, EpisodicMDP):
        return evaluate_episodic(mdp, policy)
    if isinstance(mdp, AverageRewardMDP):
        from .chains import gain_bias

        return gain_bias(mdp, policy)
    require(mdp, DiscountedMDP, solver="evaluate")
    return _evaluate_discounted(mdp, mdp.policy(policy), check.number(tol, "tol", low=0.0, open_low=True))


def _evaluate_discounted(mdp: DiscountedMDP, policy: npt.NDArray[Any], tol: float) -> Evaluation:
    backup = Backup(mdp)
    w = solve_policy(backup.restrict(policy))
    backup(w)
    q = backup.q
    eta = backup.rounding(w)
    if policy.ndim == 1:
        y = q[np.arange(mdp.S), policy]
        E = backup.E
    else:
        y = np.einsum("sa,sa->s", policy, q)
        E = backup.E + 2e-8 if not _sums_to_one(policy) else backup.E + 4.0 * mdp.A * UNIT
        eta = eta * (1.0 + 2e-8) + 1.01 * UNIT * (mdp.A + 2) * float(np.abs(q).max())
    bounds = enclose(w, y, mdp.gamma, E, eta)
    values = y + bounds.shift
    result = Evaluation(
        V=values, Q=q + bounds.shift, value=float(mdp.mu0 @ values), lower=bounds.lower, upper=bounds.upper
    )
    scale = max(1.0, float(np.abs(values).max()))
    if not bounds.width <= tol * scale:
        raise NotConverged(
            f"the values are enclosed to {bounds.width:.3g}, not to {tol * scale:.3g}; "
            "allow a larger tol, or use exact.evaluate",
            result,
        )
    return result


def _sums_to_one(policy: Array) -> bool:
    """Whether every row sums to 1 up to the rounding of the sum."""
    return bool(np.abs(policy.sum(axis=-1) - 1.0).max() <= 2.0 * policy.shape[-1] * UNIT)


def solve_policy(operator: PolicyBackup, start: Array | None = None) -> Array:
    """Solve ``V = r_pi + gamma P_pi V`` numerically, up to a constant.

    The answer is centred (largest = -smallest entry) and refined on the centred
    residual, so that differences of values stay accurate however large
    ``1/(1-gamma)`` makes the values themselves. The caller certifies it.

    Parameters
    ----------
    operator : PolicyBackup
    start : array, shape (S,), optional
        First guess.
    """
    solve = _linear_solver(operator)
    S = operator.S
    w = np.zeros(S) if start is None else np.array(start)
    image, rest, previous = np.empty(S), np.empty(S), np.inf
    for _ in range(_MOST_REFINEMENTS):
        low, high = operator(w, image)
        size = high - low
        if size <= _noise(operator, w) or not size < 0.5 * previous:
            break
        previous = size
        np.subtract(image, w, out=rest)
        _centre(rest, rest)
        candidate = w + solve(rest, size)
        if not np.isfinite(candidate).all():
            break
        _centre(candidate, candidate)
        low, high = operator(candidate, image)
        if high - low < size:
            w = candidate
    return w if operator.dense is not None or S <= _FACTORISE_UP_TO else _sweep_on(operator, w, image)


def _noise(operator: PolicyBackup, w: Array) -> float:
    """Residual below which rounding hides all progress."""
    return 4.0 * UNIT * ((operator.terms + 2) * float(np.abs(w).max()) + float(np.abs(operator.r).max()))


def _linear_solver(operator: PolicyBackup) -> Callable[[Array, float], Array]:
    """Return an approximate solver ``(right side, its size) -> x`` of ``(I - gamma P_pi) x = right side``."""
    gamma = operator.gamma
    if not operator.sparse:
        system = -gamma * operator.dense
        system.flat[:: operator.S + 1] += 1.0
        factors = scipy.linalg.lu_factor(system.T, overwrite_a=True, check_finite=False)
        return lambda right, size: scipy.linalg.lu_solve(factors, right, trans=1, check_finite=False)
    matrix = _resolvent(operator.matrix, gamma)
    if operator.S <= _FACTORISE_UP_TO:
        sparse_factors = spla.splu(matrix.tocsc())
        return lambda right, size: np.asarray(sparse_factors.solve(right))

    def krylov(right: Array, size: float) -> Array:
        with np.errstate(all="ignore"):  # a breakdown shows as an answer that is not finite
            x, _ = spla.bicgstab(matrix, right, rtol=0.0, atol=1e-6 * size, maxiter=500)
        return x

    return krylov


def _sweep_on(operator: PolicyBackup, w: Array, image: Array) -> Array:
    """Apply the operator until the change is rounding, where the Krylov solver has left more than that."""
    for _ in range(min(int(np.ceil(40.0 / (1.0 - operator.gamma))), _MOST_SWEEPS)):
        low, high = operator(w, image)
        if high - low <= _noise(operator, w):
            break
        _centre(image, w)
    return w


def _resolvent(P: Any, gamma: float) -> Any:
    """``I - gamma P`` in CSR form."""
    identity: Any = sp.eye_array(P.shape[0], format="csr")
    return sp.csr_array(identity - gamma * P)


def occupancy(mdp: EpisodicMDP | DiscountedMDP, policy: npt.ArrayLike) -> Array:
    r"""State-action occupancy of a policy.

    Episodic: :math:`d_h(s,a) = \Pr(s_h=s, a_h=a)`, each step sums to 1.
    Discounted: :math:`d(s,a) = (1-\gamma)\sum_t\gamma^t\Pr(s_t=s, a_t=a)`, sums
    to 1. Pairs that the policy cannot reach from ``mu0`` get exactly 0.

    Parameters
    ----------
    mdp : EpisodicMDP or DiscountedMDP
    policy : array
        Deterministic or stochastic, as in `evaluate`.

    Returns
    -------
    array, shape (H, S, A) or (S, A)
        Non-negative. Discounted: the flow equations hold within ``1e-9`` in L1
        distance to the exact occupancy.

    Raises
    ------
    PolicyError
        If ``policy`` is not a policy of the model.
    NotConverged
        If that accuracy is not reached.
    """
    if isinstance(mdp, EpisodicMDP):
        return occupancy_episodic(mdp, policy)
    require(mdp, EpisodicMDP, DiscountedMDP, solver="occupancy")
    pi: npt.NDArray[Any] = mdp.policy(policy)
    S, gamma = mdp.S, mdp.gamma
    operator = Backup(mdp).restrict(pi)
    transposed = sp.csr_array(operator.matrix.T) if operator.sparse else np.ascontiguousarray(operator.dense.T)
    state = _stationary_flow(transposed, (1.0 - gamma) * np.asarray(mdp.mu0), gamma)
    d = np.zeros((S, mdp.A))
    if pi.ndim == 1:
        d[np.arange(S), pi] = state
    else:
        d[:] = state[:, None] * pi
    return d


def _stationary_flow(transposed: Any, inflow: Array, gamma: float) -> Array:
    """Solve ``x = inflow + gamma P' x`` for ``x >= 0``, to 1e-9 in L1.

    ``I - gamma P'`` is diagonally dominant by columns, so elimination never swaps rows
    and states without inflow stay exactly 0; the Krylov vectors keep these zeros too.
    """
    n = inflow.shape[0]
    if not sp.issparse(transposed):
        mass = np.linalg.solve(np.eye(n) - gamma * transposed, inflow)
    elif n <= _FACTORISE_UP_TO:
        mass = np.atleast_1d(spla.splu(_resolvent(transposed, gamma).tocsc()).solve(inflow))
    else:
        mass, _ = spla.bicgstab(
            _resolvent(transposed, gamma), inflow, x0=inflow / (1.0 - gamma), rtol=0.0, atol=1e-14, maxiter=2000
        )
    mass = np.maximum(mass, 0.0)
    goal = 1e-9 * (1.0 - gamma)
    for _ in range(100_000):
        image = inflow + gamma * (transposed @ mass)
        change = float(np.abs(image - mass).sum())
        mass = image
        if change <= goal:
            return mass
    raise NotConverged(f"the occupancy is certain to {change / (1.0 - gamma):.3g} only, not to 1e-9", mass)
