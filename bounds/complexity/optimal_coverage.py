"""The least concentrability over all optimal policies, as a linear program with our own certificate."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from tabular import planning
from tabular.errors import CertificateError
from tabular.models import EpisodicMDP

from .certified import Certified
from .steps import Steps, policy_occupancy

__all__ = ["least_concentrability"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_EPS = float(np.finfo(float).eps)


def _optimal_actions(steps: Steps, tie: float) -> tuple[Mask, npt.NDArray[np.int64]]:
    """Return which actions (H, S, A) are optimal up to ``tie``, and an optimal policy (H, S)."""
    if isinstance(steps.mdp, EpisodicMDP):
        plan = planning.backward_induction(steps.mdp)
        gaps = plan.V[:-1, :, None] - plan.Q
    else:
        plan = planning.policy_iteration(steps.mdp)
        gaps = plan.V[:, None] - plan.Q
    scale = float(np.abs(plan.V).max() + np.abs(steps.mdp.r).max())
    H, S, A = steps.table
    return (gaps <= tie * scale).reshape(H, S, A), plan.policy.reshape(H, S)


def _safe(steps: Steps, allowed: Mask) -> tuple[Mask, bool]:
    """Keep the allowed pairs from which allowed pairs can be followed for ever; say whether the start survives."""
    if steps.discounted:
        edges = steps.mdp.dense_P() > 0.0
        keep = allowed[0]
        while True:
            dead = ~keep.any(axis=1)
            smaller = keep & ~edges[:, :, dead].any(axis=2) if steps.mdp.gamma > 0.0 else keep
            if np.array_equal(smaller, keep):
                break
            keep = smaller
        keep = keep[None]
    else:
        keep = allowed.copy()
        for h in range(steps.table[0] - 2, -1, -1):
            dead = ~keep[h + 1].any(axis=1)
            keep[h] &= ~(steps.mdp.P[h][:, :, dead] > 0.0).any(axis=2)
    return keep, bool(keep[0].any(axis=1)[steps.mdp.mu0 > 0.0].all())


@dataclass(frozen=True, slots=True, eq=False)
class _Flow:
    """Flow equations ``matrix d = inflow`` over the kept pairs; ``pairs`` holds their (h, s, a)."""

    matrix: sp.csc_array
    inflow: Array
    pairs: npt.NDArray[np.int64]


def _flow(steps: Steps, keep: Mask) -> _Flow:
    H, S, _ = steps.table
    mdp = steps.mdp
    pairs = np.argwhere(keep)
    h, s, a = pairs.T
    columns = np.arange(len(pairs))
    leaving = sp.csc_array((np.ones(len(pairs)), (h * S + s, columns)), shape=(H * S, len(pairs)))
    inflow = np.zeros(H * S)
    if steps.discounted:
        arriving = mdp.gamma * sp.csc_array(mdp.dense_P()[s, a].T)
        inflow[:] = (1.0 - mdp.gamma) * mdp.mu0
    else:
        block = np.zeros((len(pairs), H * S))
        for step in range(H - 1):
            here = h == step
            block[here, (step + 1) * S : (step + 2) * S] = mdp.P[step][s[here], a[here]]
        arriving = sp.csc_array(block.T)
        inflow[:S] = mdp.mu0
    return _Flow(sp.csc_array(leaving - arriving), inflow, pairs)


def _program(flow: _Flow, mu: Array) -> tuple[Array, Array]:
    """Solve ``min c: matrix d = inflow, d <= c mu, d >= 0``; return ``d`` and the multipliers of the flow."""
    from scipy.optimize import linprog

    n = len(flow.pairs)
    hstack: Any = sp.hstack
    covered = hstack([sp.eye_array(n), -mu[:, None]], format="csc")
    balance = hstack([flow.matrix, np.zeros((flow.inflow.size, 1))], format="csc")
    cost = np.zeros(n + 1)
    cost[-1] = 1.0
    answer = linprog(cost, A_ub=covered, b_ub=np.zeros(n), A_eq=balance, b_eq=flow.inflow, method="highs")
    if answer.x is None:
        raise CertificateError(f"HiGHS gave no solution of the coverage program: {answer.message}")
    return np.maximum(answer.x[:n], 0.0), answer.eqlin.marginals


def _dual_bound(flow: _Flow, mu: Array, y: Array) -> float:
    """Return the lower bound on the program's value that the multipliers ``y`` prove, rounding included."""
    price = np.maximum(0.0, flow.matrix.T @ y)
    rounding = (flow.inflow.size + len(mu) + 8) * _EPS * float(np.abs(y).max())
    total = float((price + rounding) @ mu) * (1.0 + len(mu) * _EPS)
    return max(0.0, (float(flow.inflow @ y) - rounding) / total) if total > 0.0 else 0.0


def least_concentrability(steps: Steps, mu: Array, tie: float) -> Certified:
    """Return ``min max d/mu`` over the occupancies ``d`` of optimal policies.

    Parameters
    ----------
    steps : Steps
        The model.
    mu : array, shape (H, S, A)
        Data distribution.
    tie : float
        Gap, as a share of the values' scale, up to which an action is optimal.

    Returns
    -------
    Certified
        ``upper``: the ratio of the witness, an optimal policy. ``lower``: a dual bound.

    Raises
    ------
    CertificateError
        If the two differ by more than 1e-6 of the value.
    """
    optimal, fallback = _optimal_actions(steps, tie)
    keep, possible = _safe(steps, optimal & (mu > 0.0))
    method = "linear program over optimal occupancies: named policy above, dual bound below"
    if not possible:
        return Certified(np.inf, np.inf, "no optimal policy stays where mu > 0")
    flow = _flow(steps, keep)
    weight = mu[keep]
    solution, y = _program(flow, weight)
    mass = np.zeros(keep.shape)
    mass[keep] = solution
    policy = _policy(mass, keep, fallback)
    d, error = policy_occupancy(steps, policy if not steps.discounted else policy[0])
    used = d > 0.0
    upper = float(((d + error)[used] / mu[used]).max()) * (1.0 + 2.0 * _EPS)
    lower = _dual_bound(flow, weight, y)
    if not lower <= upper <= lower * (1.0 + 1e-6) + 1e-12:
        raise CertificateError(f"the coverage program's bounds disagree: dual {lower:.12g}, its policy {upper:.12g}")
    return Certified(lower, upper, method, _shaped(steps, policy))


def _policy(mass: Array, keep: Mask, fallback: npt.NDArray[np.int64]) -> Array:
    """Return the policy (H, S, A) with conditional probabilities of ``mass``; elsewhere one kept or optimal action."""
    policy = np.zeros(mass.shape)
    first = np.where(keep.any(axis=2), keep.argmax(axis=2), fallback)
    np.put_along_axis(policy, first[..., None], 1.0, axis=2)
    total = mass.sum(axis=2)
    reached = total > 0.0
    policy[reached] = mass[reached] / total[reached][:, None]
    return policy


def _shaped(steps: Steps, policy: Array) -> Any:
    return policy.reshape(steps.shape)
