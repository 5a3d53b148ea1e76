"""Sound reachability probabilities: graph analysis, end-component collapse, two-sided iteration."""

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from .. import _check as check
from ..errors import NotConverged, ParameterError
from ..models import AverageRewardMDP, DiscountedMDP
from ._backup import UNIT, Backup
from ._kernels import _tighten_bound
from ._reachability_graph import Quotient, collapse, surely_maximal, surely_minimal
from .results import ReachabilityPlan

__all__ = ["reachability"]

Array = npt.NDArray[np.float64]

#: Two-sided sweeps before a linear system is tried, and the largest system tried.
_SWEEPS_BEFORE_SOLVE = 64
_LARGEST_SYSTEM = 2000


def reachability(
    P: Any,
    goal: npt.ArrayLike,
    *,
    objective: str = "max",
    tol: float = 1e-8,
    stop: str = "certified",
    max_sweeps: int = 1_000_000,
) -> ReachabilityPlan:
    r"""Largest or smallest probability of ever reaching a set of states, enclosed from both sides.

    States of probability 0 and 1 are found from the graph alone, the end
    components among the others are merged (without which the bounds from above
    need not converge), and the rest is iterated from 0 and from 1 at once [1]_. When
    that is slow and at most 2,000 merged states are left, a linear
    system proposes bounds ``x - eps t`` and ``x + eps t`` (``t``: largest expected time
    to a decision), which count only after one application of the operator has
    proved them, as in [2]_.

    Parameters
    ----------
    P : model, array (S, A, S) or (S, S), or sparse (S*A, S)
        Transition probabilities; each row is understood as divided by its sum.
    goal : array
        States, or a boolean mask of shape (S,).
    objective : {"max", "min"}
    tol : float
        Largest accepted width of the enclosure; > 0.
    stop : {"certified", "change"}
        ``"change"`` is the textbook iteration from below that stops when no value
        moves by more than ``tol``. Its bounds are **unsound**: it exists
        as a negative control.
    max_sweeps : int

    Returns
    -------
    ReachabilityPlan
        ``lower <= probability <= upper``, rounding included; ``policy`` attains the
        objective up to the width.

    Raises
    ------
    ModelError, ParameterError
        If ``P`` or ``goal`` is malformed.
    NotConverged
        If the enclosure is still wider than ``tol``; the partial result is attached.

    References
    ----------
    .. [1] Haddad and Monmege (2018), Interval iteration algorithm for MDPs and IMDPs.
    .. [2] Hartmanns and Kaminski (2020), Optimistic value iteration.

    Examples
    --------
    >>> chain = [[0.25, 0.5, 0.25], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    >>> reachability(chain, [1]).V.round(6).tolist()
    [0.666667, 1.0, 0.0]
    """
    objective = check.choice(objective, "objective", ("max", "min"))
    stop = check.choice(stop, "stop", ("certified", "change"))
    tol = check.number(tol, "tol", low=0.0, open_low=True)
    max_sweeps = check.count(max_sweeps, "max_sweeps")
    mdp = _model(P)
    mask = _goal(goal, mdp.S)
    backup = Backup(mdp, gamma=1.0)
    P = mdp.P
    matrix: Any = P if mdp.sparse else sp.csr_array(P.reshape(mdp.S * mdp.A, mdp.S))
    if stop == "change":
        return _until_small_change(mdp, matrix, mask, objective, tol, max_sweeps)
    decide = surely_maximal if objective == "max" else surely_minimal
    support = sp.csr_array((np.ones(matrix.nnz), matrix.indices, matrix.indptr), shape=matrix.shape)
    zero, one, policy = decide(support, mask)
    lower, upper = one.astype(np.float64), (~zero).astype(np.float64)
    quotient = collapse(matrix, zero, one)
    sweeps = 0
    if quotient.start.size > 1:
        eta = 1.01 * (backup.E + (2 * backup.terms + 4) * UNIT)
        solver = _Enclosing(quotient, eta, objective == "max")
        sweeps = solver.run(tol, max_sweeps)
        open_states = quotient.block >= 0
        lower[open_states] = solver.L[quotient.block[open_states]]
        upper[open_states] = solver.U[quotient.block[open_states]]
        chosen = quotient.choose(support, solver.rows(solver.L if objective == "max" else solver.U))
        policy = np.where(open_states, chosen, policy)
    width = float((upper - lower).max())
    plan = ReachabilityPlan(
        V=0.5 * lower + 0.5 * upper,
        lower=lower,
        upper=upper,
        policy=np.asarray(policy, dtype=np.int64),
        sweeps=sweeps,
        converged=width <= tol,
        method=f"reachability/{objective}",
    )
    if not plan.converged:
        raise NotConverged(
            f"after {sweeps} sweeps the probabilities are enclosed to {width:.3g}, not to {tol:.3g}; "
            "allow more sweeps, or ask for a larger tol",
            plan,
        )
    return plan


def _model(P: Any) -> AverageRewardMDP | DiscountedMDP:
    if isinstance(P, AverageRewardMDP | DiscountedMDP):
        return P
    issparse: Any = sp.issparse
    if issparse(P):
        shape = (P.shape[1], max(1, P.shape[0] // max(1, P.shape[1])))
        return AverageRewardMDP(P, np.zeros(shape))
    table = np.asarray(P)
    table = table[:, None, :] if table.ndim == 2 else table
    return AverageRewardMDP(table, np.zeros(table.shape[:2]))


def _goal(goal: npt.ArrayLike, S: int) -> npt.NDArray[np.bool_]:
    given = np.asarray(goal)
    if given.dtype == np.bool_ and given.shape == (S,):
        return given.copy()
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
        raise ParameterError(
            f"goal has shape {given.shape} and dtype {given.dtype}; give states, or a mask of shape {(S,)}"
        )
    if given.size and (given.min() < 0 or given.max() >= S):
        i = int(np.argmax((given < 0) | (given >= S)))
        raise ParameterError(f"goal[{i}] is {given[i]}; states are 0..{S - 1}")
    mask = np.zeros(S, dtype=bool)
    mask[given.astype(np.int64)] = True
    return mask


class _Enclosing:
    """Bounds ``L <= x <= U`` on the fixed point of a quotient without end components."""

    def __init__(self, quotient: Quotient, eta: float, maximise: bool) -> None:
        self.quotient, self.eta, self.maximise = quotient, eta, maximise
        self.blocks = quotient.start.size - 1
        matrix = quotient.matrix
        self.csr = (quotient.start, matrix.indptr, matrix.indices, matrix.data, quotient.gain)
        self.L, self.U = np.zeros(self.blocks), np.ones(self.blocks)

    def run(self, tol: float, max_sweeps: int) -> int:
        """Tighten until ``tol``, a standstill, or ``max_sweeps``; return the sweeps made."""
        sweeps = 0
        solve_at = _SWEEPS_BEFORE_SOLVE
        while sweeps < max_sweeps and float((self.U - self.L).max()) > tol:
            forward = sweeps % 4 < 2
            rise = _tighten_bound(*self.csr, self.L, self.maximise, forward, -self.eta)
            fall = _tighten_bound(*self.csr, self.U, self.maximise, forward, self.eta)
            sweeps += 2
            if sweeps >= solve_at and self.blocks <= _LARGEST_SYSTEM:
                self._propose()
                solve_at = 16 * sweeps
            elif rise == 0.0 and fall == 0.0:
                break
        return sweeps

    def rows(self, x: Array) -> npt.NDArray[np.int64]:
        """Best row of each block for the values ``x``; ties go to the earlier row."""
        start = self.quotient.start
        q = self.quotient.gain + self.quotient.matrix @ x
        return self._best(q, start)

    def _best(self, q: Array, start: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        signed = q if self.maximise else -q
        top = np.maximum.reduceat(signed, start[:-1])
        block = np.repeat(np.arange(self.blocks), np.diff(start))
        hit = np.flatnonzero(signed >= top[block] - self.eta)
        _, first = np.unique(block[hit], return_index=True)
        best: npt.NDArray[np.int64] = hit[first]
        return best

    def _propose(self) -> None:
        """Try bounds from linear systems; keep them only where the operator confirms them."""
        x = self._fixed_point(self.quotient.gain, self.maximise, 0.5 * self.L + 0.5 * self.U)
        time = self._fixed_point(np.ones_like(self.quotient.gain), True, np.ones(self.blocks))
        if not (np.isfinite(x).all() and np.isfinite(time).all() and time.min() > 0.0):
            return
        matrix, start = self.quotient.matrix, self.quotient.start
        reduce = np.maximum.reduceat if self.maximise else np.minimum.reduceat
        image = reduce(self.quotient.gain + matrix @ x, start[:-1])
        eps = 1.1 * (float(np.abs(image - x).max()) + self.eta)
        for _ in range(8):
            U, L = x + eps * time, x - eps * time
            slack = self.eta * max(1.0, float(np.abs(U).max()), float(np.abs(L).max()))
            falls = reduce(self.quotient.gain + matrix @ U, start[:-1]) + slack <= U
            rises = reduce(self.quotient.gain + matrix @ L, start[:-1]) - slack >= L
            if falls.all() and rises.all():
                self.U, self.L = np.minimum(self.U, U), np.maximum(self.L, L)
                return
            eps *= 2.0

    def _fixed_point(self, gain: Array, maximise: bool, x: Array) -> Array:
        """Policy iteration in floats for ``x = opt(gain + matrix x)``; the caller checks the answer."""
        matrix, start = self.quotient.matrix, self.quotient.start
        sign = 1.0 if maximise else -1.0
        block = np.repeat(np.arange(self.blocks), np.diff(start))
        chosen: npt.NDArray[np.int64] | None = None
        for _ in range(200):
            signed = sign * (gain + matrix @ x)
            top = np.maximum.reduceat(signed, start[:-1])
            hit = np.flatnonzero(signed >= top[block])
            best = hit[np.unique(block[hit], return_index=True)[1]]
            if chosen is not None:
                slack = 1e-13 * max(1.0, float(np.abs(x).max()))
                best = np.where(signed[best] > signed[chosen] + slack, best, chosen)
                if (best == chosen).all():
                    break
            chosen = best
            try:
                x = np.linalg.solve(np.eye(self.blocks) - matrix[chosen].toarray(), gain[chosen])
            except np.linalg.LinAlgError:
                return np.full(self.blocks, np.nan)
        return x


def _until_small_change(
    mdp: Any, matrix: Any, goal: npt.NDArray[np.bool_], objective: str, tol: float, max_sweeps: int
) -> ReachabilityPlan:
    """Value iteration from below with the unsound stopping rule."""
    x = goal.astype(np.float64)
    sweeps = 0
    while True:
        sweeps += 1
        q = (matrix @ x).reshape(mdp.S, mdp.A)
        new = q.max(axis=1) if objective == "max" else q.min(axis=1)
        new[goal] = 1.0
        change = float(np.abs(new - x).max())
        x = new
        if change <= tol or sweeps == max_sweeps:
            break
    policy = np.argmax(q, axis=1) if objective == "max" else np.argmin(q, axis=1)
    return ReachabilityPlan(
        V=x,
        lower=np.maximum(0.0, x - tol),
        upper=np.minimum(1.0, x + tol),
        policy=policy.astype(np.int64),
        sweeps=sweeps,
        converged=change <= tol,
        method=f"reachability/{objective}/unsound-change-rule",
    )
