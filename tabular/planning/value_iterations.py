"""Value iteration with two-sided bounds: standard, Gauss-Seidel, interval and optimistic."""

import numpy as np
import numpy.typing as npt

from .. import _check as check
from ..errors import NotConverged
from ..models import DiscountedMDP
from ._backup import Backup, constants, require
from ._kernels import _centre, _gauss_seidel_csr, _gauss_seidel_dense
from .results import Plan

__all__ = ["Watch", "assemble", "value_iteration"]

Array = npt.NDArray[np.float64]

UPDATES = ("standard", "gauss-seidel", "interval", "optimistic")
#: In-place sweeps between two applications of the operator that certify and extrapolate.
_SWEEPS_BETWEEN_CHECKS = 8


def value_iteration(
    mdp: DiscountedMDP, *, tol: float = 1e-10, update: str = "standard", max_sweeps: int = 1_000_000
) -> Plan:
    r"""Optimal discounted values, enclosed from both sides.

    ``"standard"`` iterates :math:`w \leftarrow Tw`; with
    :math:`c = \gamma/(1-\gamma)` the optimum satisfies
    :math:`Tw + c\min(Tw-w) \le V^\star \le Tw + c\max(Tw-w)` [1]_, and the
    iteration stops when these bounds are ``tol`` apart. ``"gauss-seidel"``
    updates in place in the order of the states, and certifies by a standard
    sweep after every eighth. ``"interval"`` moves a lower and an upper bound
    towards each other [2]_. ``"optimistic"`` iterates from below, guesses
    ``U = L + tol`` once the changes are small, and accepts it only if
    :math:`TU \le U` [3]_.

    Parameters
    ----------
    mdp : DiscountedMDP
        Dense or CSR.
    tol : float
        Largest accepted width of the enclosure, in reward units; > 0.
    update : {"standard", "gauss-seidel", "interval", "optimistic"}
    max_sweeps : int
        A sweep costs O(S^2 A), or O(nnz); at most about
        ``log(1/tol)/(1-gamma)`` are needed, far fewer where the chain mixes.

    Returns
    -------
    Plan
        ``V`` is the middle of the enclosure for the first two variants and
        within it for all; ``policy`` is greedy for the last iterate and its
        values are at least ``lower`` up to the rounding allowance.

    Raises
    ------
    NotConverged
        The enclosure is still wider than ``tol`` after ``max_sweeps``, or
        rounding makes ``tol`` unattainable; the partial `Plan` is attached.

    Notes
    -----
    ``lower`` and ``upper`` hold for the real-number model with exactly the
    stated floats, row sums included: rounding of every product is bounded a
    priori, about ``S eps span(V)/(1-gamma)`` in all (rows of k successors: k
    for S). A tighter ``tol`` is refused, not pretended.

    References
    ----------
    .. [1] Puterman (1994), Markov Decision Processes, Theorem 6.6.3 (MacQueen; Porteus).
    .. [2] Haddad and Monmege (2018), Interval iteration algorithm for MDPs and IMDPs.
    .. [3] Hartmanns and Kaminski (2020), Optimistic value iteration, Algorithm 2.

    Examples
    --------
    >>> mdp = DiscountedMDP([[[0.5, 0.5]], [[0.0, 1.0]]], [[0.0], [1.0]], 0.5)
    >>> value_iteration(mdp).V.round(6).tolist()
    [0.666667, 2.0]
    """
    require(mdp, DiscountedMDP, solver="value_iteration")
    tol = check.number(tol, "tol", low=0.0, open_low=True)
    max_sweeps = check.count(max_sweeps, "max_sweeps")
    update = check.choice(update, "update", UPDATES)
    if update == "standard":
        return _standard(mdp, tol, max_sweeps)
    if update == "gauss-seidel":
        return _gauss_seidel(mdp, tol, max_sweeps)
    return _monotone(mdp, tol, max_sweeps, optimistic=update == "optimistic")


def assemble(mdp: DiscountedMDP, backup: Backup, w: Array, sweeps: int, converged: bool, method: str) -> Plan:
    """Build the plan from the latest application of ``backup``, which must have been to ``w``."""
    bounds = backup.enclose(w)
    V = backup.y + bounds.shift
    return Plan(
        V=V,
        Q=backup.q + bounds.shift,
        policy=backup.policy(w),
        value=float(mdp.mu0 @ V),
        lower=bounds.lower,
        upper=bounds.upper,
        sweeps=sweeps,
        converged=converged,
        method=method,
    )


class Watch:
    """Decides after each application of the operator whether to stop, go on or give up."""

    def __init__(self, mdp: DiscountedMDP, backup: Backup, tol: float, max_sweeps: int, method: str) -> None:
        self.mdp, self.backup, self.tol, self.max_sweeps, self.method = mdp, backup, tol, max_sweeps, method
        self.best, self.stalled = np.inf, 0

    def plan(self, w: Array, sweeps: int) -> Plan | None:
        """Return the plan if ``tol`` is met, None to go on; raise `NotConverged` if it will not be met."""
        width, floor = self.backup.progress(w)
        if width > self.tol and floor > self.tol and self.backup.refine():
            width, floor = self.backup.progress(w)
        if width <= self.tol:
            return assemble(self.mdp, self.backup, w, sweeps, True, self.method)
        self.stalled = 0 if width < self.best else self.stalled + 1
        self.best = min(self.best, width)
        hopeless = floor > self.tol and (self.stalled >= 3 or width <= 2.0 * floor)
        if sweeps >= self.max_sweeps or hopeless or width == np.inf:
            raise not_converged(assemble(self.mdp, self.backup, w, sweeps, False, self.method), self.tol, floor)
        return None


def not_converged(plan: Plan, tol: float, floor: float) -> NotConverged:
    """Return the error for a plan whose enclosure is wider than ``tol``."""
    if floor > tol:
        reason = f"rounding keeps it above {min(floor, plan.width):.3g}; ask for a larger tol, or use exact.solve"
    else:
        reason = "allow more sweeps, or ask for a larger tol"
    return NotConverged(
        f"{plan.method}: after {plan.sweeps} sweeps the values are enclosed to {plan.width:.3g}, not to {tol:.3g}; "
        + reason,
        plan,
    )


def _standard(mdp: DiscountedMDP, tol: float, max_sweeps: int) -> Plan:
    backup = Backup(mdp)
    watch = Watch(mdp, backup, tol, max_sweeps, "value-iteration/standard")
    w = np.empty(mdp.S)
    _centre(mdp.r.max(axis=1), w)
    sweeps = 0
    while True:
        y = backup(w)
        sweeps += 1
        plan = watch.plan(w, sweeps)
        if plan is not None:
            return plan
        _centre(y, w)


def _gauss_seidel(mdp: DiscountedMDP, tol: float, max_sweeps: int) -> Plan:
    backup = Backup(mdp)
    watch = Watch(mdp, backup, tol, max_sweeps, "value-iteration/gauss-seidel")
    values = np.full(mdp.S, 0.5 * sum(mdp.reward_range) / (1.0 - mdp.gamma))
    w = np.empty(mdp.S)
    sweeps = 0
    while True:
        for _ in range(min(_SWEEPS_BETWEEN_CHECKS, max_sweeps - sweeps - 1)):
            if mdp.sparse:
                indptr, indices, data = backup.csr
                _gauss_seidel_csr(indptr, indices, data, mdp.r, mdp.gamma, values)
            else:
                _gauss_seidel_dense(mdp.P, mdp.r, mdp.gamma, values)
            sweeps += 1
        _centre(values, w)
        backup(w)
        sweeps += 1
        plan = watch.plan(w, sweeps)
        if plan is not None:
            return plan
        values = backup.y + backup.enclose(w).shift


def _monotone(mdp: DiscountedMDP, tol: float, max_sweeps: int, *, optimistic: bool) -> Plan:
    """Interval and optimistic value iteration: bounds that only ever tighten."""
    backup = Backup(mdp)
    method = "value-iteration/" + ("optimistic" if optimistic else "interval")
    low, high = mdp.reward_range
    bottom, top = constants(low, high, mdp.gamma, backup.E)
    if not np.isfinite(top - bottom):
        raise NotConverged(
            f"{method}: gamma times the largest row sum may reach 1 (row sums are off by up to {backup.E:.3g}), so no "
            "bound exists; use a smaller gamma, or rows that sum to 1 more closely"
        )
    L, U = np.full(mdp.S, bottom), np.full(mdp.S, top)
    threshold, sweeps, floor = tol, 0, 0.0

    def finish(converged: bool) -> Plan:
        Q, V = np.array(backup.q), np.array(backup.y)
        return Plan(
            V=np.clip(0.5 * L + 0.5 * U, L, U),
            Q=Q + (0.5 * L + 0.5 * U - V)[:, None],
            policy=backup.policy(L),
            value=float(mdp.mu0 @ (0.5 * L + 0.5 * U)),
            lower=L,
            upper=U,
            sweeps=sweeps,
            converged=converged,
            method=method,
        )

    while sweeps < max_sweeps:
        fall = 0.0
        if not optimistic:
            U, fall = _tighten(backup, U, upper=True)
            sweeps += 1
        L, rise = _tighten(backup, L, upper=False)
        sweeps += 1
        if optimistic and rise <= threshold:
            guess = L + 0.9 * tol
            image = backup(guess) + backup.rounding(guess)
            sweeps += 1
            if (image <= guess).all():
                U = np.minimum(U, guess)
            threshold *= 0.5
            backup(L)
        if float((U - L).max()) <= tol:
            return finish(True)
        if rise == 0.0 and fall == 0.0:
            floor = np.inf
            break
    raise not_converged(finish(False), tol, floor)


def _tighten(backup: Backup, bound: Array, *, upper: bool) -> tuple[Array, float]:
    """Apply the operator to a bound, rounding outward; return the better bound and the largest change."""
    image = backup(bound)
    slack = backup.rounding(bound)
    tight = np.minimum(bound, image + slack) if upper else np.maximum(bound, image - slack)
    return tight, float(np.abs(tight - bound).max())
