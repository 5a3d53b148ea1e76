r"""Occupancy programs with one constraint on the value, solved by HiGHS and checked here.

Plain program, over occupancies :math:`q_h(s,a)` of a known table of transitions :math:`\hat P`:

.. math::
    \max_q \langle f, q\rangle \quad\text{subject to}\quad \langle g, q\rangle \ge \gamma, \quad
    \sum_a q_1(s,a) = \mu_0(s), \quad \sum_a q_{h+1}(s',a) = \sum_{s,a}\hat P_h(s'|s,a)\,q_h(s,a), \quad q \ge 0 .

Extended program: the transitions are free inside a box :math:`\ell \le P \le u`. With
:math:`q_h(s,a,s') = \ell_h(s'|s,a)\,q_h(s,a) + w_h(s,a,s')` the box is :math:`0 \le w \le (u-\ell)\,q` and
:math:`\sum_{s'} w_h(s,a,s') = (1 - \sum_{s'}\ell_h(s'|s,a))\,q_h(s,a)`.

A program keeps its HiGHS model between solves: from one episode to the next few coefficients change, and the last
basis is close to optimal.
"""

from typing import NamedTuple

import highspy
import numpy as np
import numpy.typing as npt

from ...errors import CertificateError

__all__ = ["MARGIN", "BoxProgram", "OccupancyProgram", "Solution", "policy_of"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Largest accepted violation of a flow, box or value constraint, times the size of its coefficients.
TOLERANCE = 1e-7

#: What is given to HiGHS; where it gives up, a cold start at its own tolerances follows, and the checks stay the same.
_FEASIBILITY = 1e-9

#: Added to the threshold by learners, so that an optimum within HiGHS's tolerances still meets it.
MARGIN = 1e-7

#: Occupancy below which a state counts as not reached.
_REACHED = 1e-9


class Solution(NamedTuple):
    """An optimal occupancy.

    Attributes
    ----------
    occupancy : ndarray, shape (H, S, A)
    transitions : ndarray, shape (H, S, A, S)
        Those of the plain program, or the ones inside the box that attain the optimum of the extended one.
    objective, constraint : float
        ``<f, q>`` and ``<g, q>``, recomputed from the occupancy.
    """

    occupancy: Array
    transitions: Array
    objective: float
    constraint: float


class _Highs:
    """A linear program ``max c x``, ``low <= M x <= high``, ``x >= 0`` whose coefficients change between solves."""

    def __init__(self, rows: Ints, columns: Ints, values: Array, low: Array, high: Array, width: int) -> None:
        self.rows, self.columns, self.values = rows, columns, values.copy()
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = width, low.size
        lp.sense_ = highspy.ObjSense.kMaximize
        lp.col_cost_ = np.zeros(width)
        lp.col_lower_, lp.col_upper_ = np.zeros(width), np.full(width, highspy.kHighsInf)
        lp.row_lower_, lp.row_upper_ = low, np.minimum(high, highspy.kHighsInf)
        kept = np.flatnonzero(values)
        order = kept[np.lexsort((rows[kept], columns[kept]))]
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_ = np.concatenate(([0], np.cumsum(np.bincount(columns[order], minlength=width))))
        lp.a_matrix_.index_, lp.a_matrix_.value_ = rows[order], values[order]
        self.highs = highspy.Highs()
        self.highs.setOptionValue("output_flag", False)
        self.highs.setOptionValue("threads", 1)
        self.highs.setOptionValue("presolve", "off")
        self._tolerate(_FEASIBILITY)
        self.highs.passModel(lp)
        self.every = np.arange(width, dtype=np.int32)

    def _tolerate(self, size: float) -> None:
        self.highs.setOptionValue("primal_feasibility_tolerance", size)
        self.highs.setOptionValue("dual_feasibility_tolerance", size)

    def update(self, values: Array, cost: Array) -> None:
        """Change the coefficients that differ from the last ones, and the objective."""
        for i in np.flatnonzero(values != self.values).tolist():
            self.highs.changeCoeff(int(self.rows[i]), int(self.columns[i]), float(values[i]))
        self.values = values.copy()
        largest = float(np.abs(cost).max())
        self.highs.changeColsCost(self.every.size, self.every, cost / largest if largest > 0.0 else cost)

    def solve(self) -> Array | None:
        """Return an optimal ``x``, or None where no ``x`` is feasible."""
        for tolerance in (_FEASIBILITY, 1e-7):
            self._tolerate(tolerance)
            self.highs.run()
            status = self.highs.getModelStatus()
            if status == highspy.HighsModelStatus.kOptimal:
                return np.maximum(np.asarray(self.highs.getSolution().col_value), 0.0)
            if status == highspy.HighsModelStatus.kInfeasible:
                return None
            self.highs.clearSolver()
        raise CertificateError(f"HiGHS did not solve the occupancy program: {self.highs.modelStatusToString(status)}")


def _flow(H: int, S: int, A: int) -> tuple[Ints, Ints]:
    """Rows and columns of the outflow terms: row ``h S + s`` collects the actions of ``s`` at step ``h``."""
    columns = np.arange(H * S * A)
    return columns // A, columns


class OccupancyProgram:
    """The plain program; see the module.

    Parameters
    ----------
    mu0 : ndarray, shape (S,)
        Initial distribution.
    H, A : int
        Horizon and number of actions.
    threshold : float
        Right-hand side of the constraint on the value.
    """

    def __init__(self, mu0: Array, H: int, A: int, threshold: float) -> None:
        S = mu0.shape[0]
        self.shape, self.mu0, self.threshold = (H, S, A), mu0, threshold
        pairs = H * S * A
        out_rows, out_columns = _flow(H, S, A)
        h, s, a, ahead = np.indices((H - 1, S, A, S)).reshape(4, -1)
        self.parts = (
            np.concatenate((out_rows, (h + 1) * S + ahead, np.full(pairs, H * S))),
            np.concatenate((out_columns, (h * S + s) * A + a, np.arange(pairs))),
        )
        self.program: _Highs | None = None

    def solve(self, P: Array, objective: Array, constraint: Array) -> Solution | None:
        """Solve for transitions (H, S, A, S), ``f`` (H, S, A) and ``g`` (H, S, A); None where infeasible."""
        H, S, A = self.shape
        values = np.concatenate((np.ones(H * S * A), -P[: H - 1].reshape(-1), constraint.reshape(-1)))
        if self.program is None:
            low = np.concatenate((self.mu0, np.zeros((H - 1) * S), [self.threshold]))
            high = np.concatenate((low[:-1], [np.inf]))
            self.program = _Highs(*self.parts, values, low, high, H * S * A)
        self.program.update(values, objective.reshape(-1))
        x = self.program.solve()
        if x is None:
            return None
        return _checked(x.reshape(H, S, A), P, self.mu0, objective, constraint, self.threshold)


class BoxProgram:
    """The extended program; see the module. Parameters as for `OccupancyProgram`."""

    def __init__(self, mu0: Array, H: int, A: int, threshold: float) -> None:
        S = mu0.shape[0]
        self.shape, self.mu0, self.threshold = (H, S, A), mu0, threshold
        pairs, steps = H * S * A, (H - 1) * S * A
        out_rows, out_columns = _flow(H, S, A)
        h, s, a, ahead = np.indices((H - 1, S, A, S)).reshape(4, -1)
        pair, free = (h * S + s) * A + a, pairs + np.arange(steps * S)
        into, total = (h + 1) * S + ahead, H * S + 1 + pair
        box = H * S + 1 + steps + np.arange(steps * S)
        self.parts = (
            np.concatenate(
                (out_rows, into, into, np.full(pairs, H * S), total, H * S + 1 + np.arange(steps), box, box)
            ),
            np.concatenate((out_columns, pair, free, np.arange(pairs), free, np.arange(steps), free, pair)),
        )
        self.program: _Highs | None = None

    def solve(self, lower: Array, upper: Array, objective: Array, constraint: Array) -> Solution | None:
        """Solve for bounds (H, S, A, S) on the transitions, ``f`` and ``g`` (H, S, A); None where infeasible.

        Every box must contain a distribution.
        """
        H, S, A = self.shape
        steps = (H - 1) * S * A
        low, spread = lower[: H - 1].reshape(-1), (upper - lower)[: H - 1].reshape(-1)
        rest = 1.0 - lower[: H - 1].sum(axis=-1).reshape(-1)
        one = np.ones(steps * S)
        values = np.concatenate((np.ones(H * S * A), -low, -one, constraint.reshape(-1), one, -rest, one, -spread))
        if self.program is None:
            equal = np.concatenate((self.mu0, np.zeros((H - 1) * S)))
            under = np.concatenate((equal, [self.threshold], np.zeros(steps), np.full(steps * S, -np.inf)))
            over = np.concatenate((equal, [np.inf], np.zeros(steps), np.zeros(steps * S)))
            self.program = _Highs(*self.parts, values, under, over, H * S * A + steps * S)
        self.program.update(values, np.concatenate((objective.reshape(-1), np.zeros(steps * S))))
        x = self.program.solve()
        if x is None:
            return None
        q, w = x[: H * S * A].reshape(H, S, A), x[H * S * A :].reshape(H - 1, S, A, S)
        P = _inside(q, w, lower, upper)
        return _checked(q, P, self.mu0, objective, constraint, self.threshold)


def _inside(q: Array, w: Array, lower: Array, upper: Array) -> Array:
    """Return transitions inside the box that carry the occupancy; where it is zero, some distribution of the box."""
    H = q.shape[0]
    # the share of every row's slack that fills the row up to 1: a distribution of the box
    slack = (upper - lower).sum(axis=-1, keepdims=True)
    missing = 1.0 - lower.sum(axis=-1, keepdims=True)
    P = lower + (upper - lower) * (missing / np.where(slack > 0.0, slack, 1.0))
    reached = q[: H - 1] > _REACHED
    rows = lower[: H - 1] + w / np.where(reached, q[: H - 1], 1.0)[..., None]
    gap = np.where(reached[..., None], np.maximum(rows - upper[: H - 1], lower[: H - 1] - rows), 0.0)
    if (gap * q[: H - 1, :, :, None]).max(initial=0.0) > TOLERANCE:
        raise CertificateError("the extended program's transitions leave their box")
    P[: H - 1][reached] = np.clip(rows, lower[: H - 1], upper[: H - 1])[reached]
    return P


def _checked(q: Array, P: Array, mu0: Array, objective: Array, constraint: Array, threshold: float) -> Solution:
    """Refuse an occupancy that violates the flow or the constraint on the value."""
    inflow = np.concatenate((mu0[None], np.einsum("hsax,hsa->hx", P[:-1], q[:-1])))
    error = float(np.abs(q.sum(axis=-1) - inflow).max())
    value = float((constraint * q).sum())
    if error > TOLERANCE or value < threshold - TOLERANCE * max(1.0, float(np.abs(constraint).max())):
        raise CertificateError(
            f"HiGHS reports an optimum, but the flow is off by {error:.3g} and the value by {threshold - value:.3g}"
        )
    return Solution(q, P, float((objective * q).sum()), value)


def policy_of(occupancy: Array, elsewhere: Array) -> Array:
    """Return the policy (H, S, A) of an occupancy, and ``elsewhere`` (H, S, A) in states that it does not reach."""
    mass = occupancy.sum(axis=-1, keepdims=True)
    policy = np.where(mass > _REACHED, occupancy / np.maximum(mass, _REACHED), elsewhere)
    return np.ascontiguousarray(policy / policy.sum(axis=-1, keepdims=True))
