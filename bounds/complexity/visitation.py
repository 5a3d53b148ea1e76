"""Gap-visitation complexity: how often each pair must be seen to tell it apart, at the best rate policies allow."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from tabular import _check as check
from tabular import planning
from tabular.errors import CertificateError, ParameterError
from tabular.models import EpisodicMDP

from .certified import Certified
from .gaps import suboptimality_gaps
from .reachability import enclose_occupancies
from .steps import Steps, as_steps, policy_occupancy

__all__ = ["gap_visitation", "visitation_value", "visitation_weights"]

Array = npt.NDArray[np.float64]
_EPS = float(np.finfo(float).eps)


def visitation_weights(model: Any, eps: float, *, tie: float = 1e-9) -> Array:
    r"""Return ``c_h(s,a) = min(1 / gap^2, W_h(s)^2 / eps^2)``, with ``W_h(s)`` the largest probability of being in s.

    Parameters
    ----------
    model : EpisodicMDP or bandit
    eps : float
        Accuracy of the policy that is sought, > 0.
    tie : float
        Gaps up to ``tie`` times the scale of the values count as 0.

    Returns
    -------
    array, shape (H, S, A)
        The gap of a state's only optimal action is that of the second best one; where several are optimal, all
        their gaps are 0. Zero where no policy arrives.

    References
    ----------
    .. [1] Wagenmaker, Simchowitz, Jamieson (2022), Beyond no regret: instance-dependent PAC reinforcement learning.
    """
    steps = _episodic(model)
    eps = check.number(eps, "eps", low=0.0, open_low=True)
    gaps = np.asarray(suboptimality_gaps(model).value).reshape(steps.table).copy()
    scale = max(float(gaps.max()), float(np.abs(steps.mdp.r).max()))
    gaps[gaps <= tie * scale] = 0.0
    zero = gaps == 0.0
    others = np.where(zero, np.inf, gaps).min(axis=2)
    alone = zero & (zero.sum(axis=2, keepdims=True) == 1)
    gaps = np.where(alone, others[:, :, None], gaps)
    low, high, _, _ = enclose_occupancies(steps)
    arrive = (low + high) / 2.0
    with np.errstate(divide="ignore"):
        return np.asarray(np.where(arrive > 0.0, np.minimum(1.0 / gaps**2, arrive**2 / eps**2), 0.0))


def _episodic(model: Any) -> Steps:
    steps = as_steps(model)
    if not isinstance(steps.mdp, EpisodicMDP):
        raise ParameterError(f"gap-visitation is defined over steps; a {type(model).__name__} has none")
    return steps


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """The program of one layer: flow equations over the pairs of the steps up to it."""

    balance: sp.csc_array
    inflow: Array


def _layer(mdp: EpisodicMDP, h: int) -> _Layer:
    S, A = mdp.S, mdp.A
    pairs = S * A
    own = np.repeat(np.eye(S), A, axis=1)
    block = np.zeros(((h + 1) * S, (h + 1) * pairs))
    for k in range(h + 1):
        block[k * S : (k + 1) * S, k * pairs : (k + 1) * pairs] = own
        if k < h:
            block[(k + 1) * S : (k + 2) * S, k * pairs : (k + 1) * pairs] = -mdp.P[k].reshape(pairs, S).T
    inflow = np.zeros((h + 1) * S)
    inflow[:S] = mdp.mu0
    return _Layer(sp.csc_array(block), inflow)


def visitation_value(model: Any, weights: npt.ArrayLike) -> Certified:
    r"""Return ``sum_h inf_pi max_{s,a} c_h(s,a) / d_h^pi(s,a)`` for given weights.

    Parameters
    ----------
    model : EpisodicMDP or bandit
    weights : array, shape (H, S, A)
        Non-negative; 0/0 counts as 0.

    Returns
    -------
    Certified
        ``inf`` where a pair of positive weight is never reached. Witness: array
        (H, H, S, A), for each layer a stochastic policy that attains ``upper``.

    Raises
    ------
    CertificateError
        If the two bounds of a layer differ by more than 1e-6 of the value.

    Notes
    -----
    One linear program a layer: ``1 / max{u : d an occupancy, d_h >= u c}``.
    ``upper`` is evaluated on the policy that solves it. ``lower``: for prices
    ``y >= 0`` with ``sum y c = 1``, no occupancy has ``u`` above the largest
    value of the rewards ``y`` at step ``h``, which backward induction encloses.
    """
    steps = _episodic(model)
    mdp = steps.mdp
    H, S, A = steps.table
    c = check.as_array(weights, "weights", ndim=3, error=ParameterError)
    if c.shape != (H, S, A) or c.min() < 0.0:
        raise ParameterError(f"weights has shape {c.shape} and minimum {c.min():g}; {(H, S, A)}, >= 0, is needed")
    reached = enclose_occupancies(steps)[2]
    if (c[~reached] > 0.0).any():
        h = int(np.argwhere(~reached & (c > 0.0))[0][0])
        return Certified(np.inf, np.inf, f"a pair of positive weight at step {h} is out of reach")
    low, high = 0.0, 0.0
    policies = np.full((H, H, S, A), 1.0 / A)
    for h in range(H):
        if not c[h].any():
            continue
        below, above, policies[h] = _solve(mdp, h, c[h])
        low, high = low + below, high + above
    rounding = 1.0 + (H + 2) * _EPS
    return Certified(low / rounding, high * rounding, "a linear program a layer: policy above, prices below", policies)


def _solve(mdp: EpisodicMDP, h: int, c: Array) -> tuple[float, float, Array]:
    """Return lower bound, upper bound and policy (H, S, A) of one layer."""
    from scipy.optimize import linprog

    H, S, A = mdp.r.shape
    scale = float(c.max())
    cost = c.reshape(-1) / scale
    layer = _layer(mdp, h)
    n = layer.balance.shape[1]
    wanted = np.flatnonzero(cost)
    hstack: Any = sp.hstack
    pick = sp.csc_array((-np.ones(wanted.size), (np.arange(wanted.size), n - S * A + wanted)), shape=(wanted.size, n))
    demand = hstack([pick, cost[wanted][:, None]], format="csc")
    balance = hstack([layer.balance, np.zeros((layer.inflow.size, 1))], format="csc")
    objective = np.zeros(n + 1)
    objective[-1] = -1.0
    answer = linprog(
        objective, A_ub=demand, b_ub=np.zeros(wanted.size), A_eq=balance, b_eq=layer.inflow, method="highs"
    )
    if answer.x is None:
        raise CertificateError(f"HiGHS gave no solution of layer {h}: {answer.message}")
    mass = np.maximum(answer.x[:n], 0.0).reshape(h + 1, S, A)
    total = mass.sum(axis=2, keepdims=True)
    policy = np.full((H, S, A), 1.0 / A)
    policy[: h + 1] = np.where(total > 0.0, mass / np.where(total > 0.0, total, 1.0), 1.0 / A)
    policy /= policy.sum(axis=2, keepdims=True)
    d, error = policy_occupancy(as_steps(mdp), policy)
    least = np.maximum((d[h] - error[h]).reshape(-1)[wanted], np.finfo(float).tiny)
    above = scale * float((cost[wanted] / least).max())
    prices = np.zeros(S * A)
    prices[wanted] = np.maximum(-answer.ineqlin.marginals, 0.0)
    prices /= float(prices @ cost)
    reward = np.zeros((H, S, A))
    reward[h] = prices.reshape(S, A)
    plan = planning.backward_induction(EpisodicMDP(mdp.P, reward, mdp.mu0))
    most = float(mdp.mu0 @ plan.upper[0]) * (1.0 + (S + 4) * _EPS)
    below = scale / most
    if not below <= above * (1.0 + 1e-9) or above > below * (1.0 + 1e-6):
        raise CertificateError(f"layer {h}: prices prove {below:.12g}, the policy attains {above:.12g}")
    return min(below, above), above, policy


def gap_visitation(model: Any, eps: float, *, tie: float = 1e-9) -> Certified:
    r"""Return the gap-visitation complexity ``sum_h inf_pi max_{s,a} c_h(s,a) / d_h^pi(s,a)``.

    The weights ``c`` are those of `visitation_weights`. The published
    complexity adds a term of order ``H^2 |OPT(eps)| / eps^2``, left out here.

    Parameters
    ----------
    model : EpisodicMDP or bandit
    eps : float
        Accuracy, > 0.
    tie : float
        As in `visitation_weights`.

    Returns
    -------
    Certified
        As in `visitation_value`; the weights themselves are taken as given.

    References
    ----------
    .. [1] Wagenmaker, Simchowitz, Jamieson (2022), Beyond no regret: instance-dependent PAC reinforcement learning.
    """
    return visitation_value(model, visitation_weights(model, eps, tie=tie))
