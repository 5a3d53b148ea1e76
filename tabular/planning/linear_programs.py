"""The linear programs of a discounted model, solved by others and checked here."""

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import scipy.sparse.linalg as spl

from .. import _check as check
from ..errors import CertificateError, ParameterError
from ..models import DiscountedMDP
from ._backup import Backup, require
from ._kernels import _centre
from .results import LinearProgramPlan

__all__ = ["linear_program"]

Array = npt.NDArray[np.float64]

#: Largest accepted scaled violation of an optimality condition.
_TOLERANCE = 1e-8


def linear_program(
    mdp: DiscountedMDP, *, form: str = "primal", solver: str = "highs", rho: npt.ArrayLike | None = None
) -> LinearProgramPlan:
    r"""Optimal values and occupancy by linear programming, with a checked certificate.

    Primal: minimise :math:`(1-\gamma)\rho^\top v` subject to
    :math:`v(s) \ge r(s,a) + \gamma P(s,a) v`. Dual: maximise :math:`\langle d, r\rangle`
    subject to :math:`\sum_a d(s',a) = (1-\gamma)\rho(s') + \gamma\sum_{s,a} d(s,a)P(s'|s,a)`,
    :math:`d \ge 0` (Puterman 1994, section 6.9). Each form hands over the other's solution
    as its multipliers.

    Parameters
    ----------
    mdp : DiscountedMDP
    form : {"primal", "dual"}
        The program given to the solver.
    solver : {"highs", "cvxpy"}
        HiGHS through SciPy, or cvxpy's default solver.
    rho : array, shape (S,), optional
        Positive weights of the states, summing to 1; uniform by default, so
        that the values of all states are determined.

    Returns
    -------
    LinearProgramPlan
        ``d`` is optimal for the start ``rho``; the residuals were computed by
        us from ``P``, ``r`` and the returned arrays.

    Raises
    ------
    CertificateError
        If the solver fails, or a scaled residual exceeds 1e-8.
    ParameterError
        If ``rho`` is not a positive probability vector.
    """
    require(mdp, DiscountedMDP, solver="linear_program")
    form = check.choice(form, "form", ("primal", "dual"))
    solver = check.choice(solver, "solver", ("highs", "cvxpy"))
    weights = _weights(rho, mdp.S)
    program = _Program(mdp, weights)
    solve = {"highs": _by_highs, "cvxpy": _by_cvxpy}[solver]
    method = f"linear-program/{form}/{solver}"
    answer = solve(program, form)
    _residuals(program, *answer, method)
    return _certified(mdp, program, *_from_basis(program, *answer), method)


def _weights(rho: npt.ArrayLike | None, S: int) -> Array:
    if rho is None:
        return np.full(S, 1.0 / S)
    weights = check.distribution(rho, "rho", S, error=ParameterError)
    if weights.min() <= 0.0:
        s = int(np.argmin(weights))
        raise ParameterError(f"rho[{s}] is {weights[s]:.17g}; every state needs positive weight")
    return weights


class _Program:
    """Rewards, the constraint matrix ``E - gamma P`` (S*A, S) and the weights."""

    def __init__(self, mdp: DiscountedMDP, rho: Array) -> None:
        S, A = mdp.S, mdp.A
        P: Any = mdp.P
        P = P if mdp.sparse else sp.csr_array(P.reshape(S * A, S))
        own: Any = sp.csr_array((np.ones(S * A), (np.arange(S * A), np.repeat(np.arange(S), A))), shape=(S * A, S))
        self.matrix: Any = sp.csr_array(own - mdp.gamma * P)
        self.r = np.array(mdp.r.reshape(-1))
        self.rho = (1.0 - mdp.gamma) * rho


def _from_basis(program: _Program, v: Array, d: Array) -> tuple[Array, Array]:
    """Solve both programs anew from the basis that ``d`` names, one action a state.

    Solvers drop small coefficients (HiGHS below 1e-9) and stop at tolerances; the basis does not suffer from
    either. Where it is not optimal, as an interior solution of a degenerate program may say, the given pair is kept.
    """
    S = v.shape[0]
    rows = np.arange(S) * (d.shape[0] // S) + np.argmax(d.reshape(S, -1), axis=1)
    basis: Any = spl.splu(sp.csc_array(program.matrix[rows]))
    values = basis.solve(program.r[rows])
    if (program.matrix @ values - program.r).min() < -_TOLERANCE * max(float(np.abs(values).max()), 1.0):
        return v, d
    occupancy = np.zeros_like(d)
    occupancy[rows] = np.maximum(basis.solve(program.rho, trans="T"), 0.0)
    return values, occupancy


#: HiGHS sometimes gives up at tight tolerances; at its own it then succeeds, and the checks stay the same.
_HIGHS: tuple[dict[str, float], ...] = (
    {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    {},
)


def _by_highs(program: _Program, form: str) -> tuple[Array, Array]:
    from scipy import optimize

    linprog: Any = optimize.linprog
    for options in _HIGHS:
        if form == "primal":
            limits = {"A_ub": -program.matrix, "b_ub": -program.r, "bounds": (None, None)}
            result: Any = linprog(program.rho, **limits, method="highs", options=options)
            if result.status == 0:
                return result.x, -result.ineqlin.marginals
        else:
            limits = {"A_eq": program.matrix.T, "b_eq": program.rho, "bounds": (0, None)}
            result = linprog(-program.r, **limits, method="highs", options=options)
            if result.status == 0:
                return -result.eqlin.marginals, result.x
    raise CertificateError(f"HiGHS did not solve the {form} program: {result.message}")


def _by_cvxpy(program: _Program, form: str) -> tuple[Array, Array]:
    import cvxpy

    try:
        if form == "primal":
            v = cvxpy.Variable(program.matrix.shape[1])
            constraint = program.matrix @ v >= program.r
            cvxpy.Problem(cvxpy.Minimize(program.rho @ v), [constraint]).solve()
            found = v.value, constraint.dual_value
        else:
            d = cvxpy.Variable(program.matrix.shape[0], nonneg=True)
            constraint = program.matrix.T @ d == program.rho
            cvxpy.Problem(cvxpy.Maximize(program.r @ d), [constraint]).solve()
            found = constraint.dual_value, d.value
    except cvxpy.error.SolverError as problem:
        raise CertificateError(f"cvxpy did not solve the {form} program: {problem}") from None
    if found[0] is None or found[1] is None:
        raise CertificateError(f"cvxpy returned no solution of the {form} program")
    values, occupancy = np.asarray(found[0], dtype=np.float64), np.asarray(found[1], dtype=np.float64)
    return values, occupancy


def _residuals(program: _Program, v: Array, d: Array, method: str) -> dict[str, float]:
    """Return the scaled violation of every optimality condition, from the raw arrays; refuse large ones."""
    v_scale = max(float(np.abs(v).max()), float(np.abs(program.r).max()), np.finfo(float).tiny)
    surplus = program.matrix @ v - program.r
    flow = program.matrix.T @ d - program.rho
    residuals = {
        "primal": max(0.0, -float(surplus.min())) / v_scale,
        "dual": max(max(0.0, -float(d.min())), float(np.abs(flow).max())),
        "complementarity": float(np.abs(d * surplus).sum()) / v_scale,
        "gap": abs(float(program.rho @ v) - float(program.r @ d)) / v_scale,
    }
    for name, size in residuals.items():
        if not size <= _TOLERANCE:
            raise CertificateError(
                f"{method}: the {name} residual is {size:.3g}, above {_TOLERANCE:g}; try the other form or solver"
            )
    return residuals


def _certified(mdp: DiscountedMDP, program: _Program, v: Array, d: Array, method: str) -> LinearProgramPlan:
    """Check the pair ``(v, d)``, then build the plan."""
    residuals = _residuals(program, v, d, method)
    backup = Backup(mdp)
    w = np.empty(mdp.S)
    _centre(v, w)
    backup(w)
    bounds = backup.enclose(w)
    V = backup.y + bounds.shift
    return LinearProgramPlan(
        V=V,
        Q=backup.q + bounds.shift,
        policy=backup.policy(w),
        value=float(mdp.mu0 @ V),
        lower=bounds.lower,
        upper=bounds.upper,
        sweeps=1,
        converged=True,
        method=method,
        d=d.reshape(mdp.S, mdp.A),
        primal_residual=residuals["primal"],
        dual_residual=residuals["dual"],
        complementarity=residuals["complementarity"],
        gap=residuals["gap"],
    )
