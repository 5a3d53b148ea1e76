"""Policy iteration (Howard, simplex) and modified policy iteration, with two-sided bounds."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from .. import _check as check
from ..errors import NotConverged, PolicyError
from ..models import DiscountedMDP
from ._backup import Backup, require
from ._kernels import _centre, _change
from .policy_evaluation import solve_policy
from .results import Plan
from .value_iterations import Watch, assemble

__all__ = ["modified_policy_iteration", "policy_iteration"]

Array = npt.NDArray[np.float64]

#: Applications of one policy between two greedy steps.
_MOST_INNER = 100_000


def policy_iteration(
    mdp: DiscountedMDP,
    *,
    policy: npt.ArrayLike | None = None,
    switch: str = "howard",
    tol: float = 1e-9,
    max_iterations: int = 100_000,
) -> Plan:
    r"""Policy iteration, finished by a certificate.

    Evaluates the policy (as `evaluate` does), then switches every state
    (``"howard"``), or the one state of largest advantage (``"simplex"``), where
    some action improves on the old one by more than the error of the computed
    values. States without such an action keep the old one, so no cycling
    through ties is possible [1]_.

    Parameters
    ----------
    mdp : DiscountedMDP
        Dense or CSR.
    policy : int array, shape (S,), optional
        First policy; greedy for the rewards by default.
    switch : {"howard", "simplex"}
    tol : float
        Largest accepted width of the enclosure relative to ``max(1, max|V|)``.
    max_iterations : int

    Returns
    -------
    Plan
        ``sweeps`` counts evaluations. The enclosure is MacQueen's, from the last
        application of the operator; ``policy`` has ties broken by the
        smallest action like every `Plan`.

    Raises
    ------
    PolicyError
        If ``policy`` is not a deterministic policy of the model.
    NotConverged
        After ``max_iterations``, or if no improvement can be told from
        rounding while the enclosure is wider than ``tol`` allows; the partial
        `Plan` is attached.

    References
    ----------
    .. [1] Puterman (1994), Markov Decision Processes, section 6.4.
    """
    require(mdp, DiscountedMDP, solver="policy_iteration")
    switch = check.choice(switch, "switch", ("howard", "simplex"))
    tol = check.number(tol, "tol", low=0.0, open_low=True)
    max_iterations = check.count(max_iterations, "max_iterations")
    backup = Backup(mdp)
    states = np.arange(mdp.S)
    current = np.argmax(mdp.r, axis=1) if policy is None else check.policy(policy, (mdp.S,), mdp.A)
    if current.ndim != 1:
        raise PolicyError("policy iteration starts from a deterministic policy: integers of shape (S,)")
    w = np.zeros(mdp.S)
    method = f"policy-iteration/{switch}"
    for iteration in range(1, max_iterations + 1):
        w = solve_policy(backup.restrict(current), w)
        y = backup(w)
        kept = backup.q[states, current]
        tie = 2.0 * backup.rounding(w) + 2.0 * mdp.gamma * float(np.ptp(kept - w)) / (1.0 - mdp.gamma)
        gain = y - kept
        if not (gain > tie).any():
            return _finish(assemble(mdp, backup, w, iteration, True, method), tol)
        if switch == "howard":
            current = np.where(gain > tie, backup.argmax, current)
        else:
            state = int(np.argmax(gain))
            current = current.copy()
            current[state] = backup.argmax[state]
    raise NotConverged(
        f"{method}: some action still improves after {max_iterations} iterations; allow more",
        assemble(mdp, backup, w, max_iterations, False, method),
    )


def _finish(plan: Plan, tol: float) -> Plan:
    """Return the plan if its enclosure is narrow enough, else raise."""
    scale = max(1.0, float(np.abs(plan.V).max()))
    if plan.width <= tol * scale:
        return plan
    raise NotConverged(
        f"{plan.method}: the values are enclosed to {plan.width:.3g}, not to {tol * scale:.3g}, and rounding hides any "
        "further improvement; ask for a larger tol, or use exact.solve",
        replace(plan, converged=False),
    )


def modified_policy_iteration(
    mdp: DiscountedMDP, *, tol: float = 1e-10, inner: int | None = None, max_sweeps: int = 100_000
) -> Plan:
    r"""Iterate policies with a few evaluation steps each, until MacQueen's bounds meet.

    :math:`\pi_{k+1}` is greedy for :math:`v_k`, and
    :math:`v_{k+1} = T_{\pi_{k+1}}^{m+1} v_k` [1]_. Each sweep over all actions
    also encloses the optimum, so the last one is the proof.

    Parameters
    ----------
    mdp : DiscountedMDP
        Dense or CSR.
    tol : float
        Largest accepted width of the enclosure, in reward units; > 0.
    inner : int, optional
        Applications m of :math:`T_\pi` after each greedy step; 0 is value
        iteration. By default they stop when the span of their change is 3 % of
        the span left by the greedy step and no longer falls fast, or meets ``tol``.
    max_sweeps : int
        Sweeps over all actions.

    Returns
    -------
    Plan
        ``sweeps`` counts sweeps over all actions, not the inner ones.

    Raises
    ------
    NotConverged
        As in `value_iteration`.

    References
    ----------
    .. [1] Puterman (1994), Markov Decision Processes, section 6.5.
    """
    require(mdp, DiscountedMDP, solver="modified_policy_iteration")
    tol = check.number(tol, "tol", low=0.0, open_low=True)
    max_sweeps = check.count(max_sweeps, "max_sweeps")
    if inner is not None:
        inner = check.count(inner, "inner", low=0)
    backup = Backup(mdp)
    watch = Watch(mdp, backup, tol, max_sweeps, "modified-policy-iteration")
    w = np.empty(mdp.S)
    _centre(mdp.r.max(axis=1), w)
    target = 0.25 * tol * (1.0 - mdp.gamma) / max(mdp.gamma, 0.5)
    sweeps = 0
    while True:
        y = backup(w)
        sweeps += 1
        plan = watch.plan(w, sweeps)
        if plan is not None:
            return plan
        low, high = _change(w, y)
        _centre(y, w)
        if inner is None:
            w = _apply_repeatedly(backup, w, _MOST_INNER, 0.03 * (high - low), target)
        else:
            w = _apply_repeatedly(backup, w, inner, -1.0, -1.0)


def _apply_repeatedly(backup: Backup, w: Array, limit: int, stop: float, target: float) -> Array:
    """Apply the operator of the greedy policy to ``w``, at most ``limit`` times.

    Stops when the span of the change is at most ``stop``, unless the last application cut
    it to a quarter or less: then going on, down to ``target``, is cheaper than a full sweep.
    A span that no longer falls is rounding. Negative ``stop`` and ``target`` mean exactly ``limit`` times.
    """
    if limit == 0:
        return w
    operator = backup.restrict(backup.argmax)
    y = np.empty_like(w)
    previous = np.inf
    for _ in range(limit):
        low, high = operator(w, y)
        w, y = y, w
        span = high - low
        if span <= target or (span <= stop and span > 0.25 * previous) or (stop >= 0.0 and span >= previous):
            break
        previous = span
    _centre(w, w)
    return w
