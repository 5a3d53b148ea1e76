"""Optimal long-run average reward: gain, bias and an optimal policy, in any chain structure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _check as check
from ..errors import CertificateError, NotConverged, ParameterError
from .average_reward_policy_iteration import howard
from .average_reward_programs import multichain_program, weakly_communicating_program
from .average_reward_relative import gain_bounds, relative_values, rounding
from .chains import recurrent_classes
from .classification import EndComponents, maximal_end_components
from .results import _ReadOnly

__all__ = ["AverageRewardPlan", "average_reward"]

Array = npt.NDArray[np.float64]

_METHODS = (
    "auto",
    "policy-iteration",
    "relative-value-iteration",
    "relative-value-iteration-untransformed",
    "linear-program",
)
#: Models with at most this many states are solved by policy iteration under ``method="auto"``.
_DENSE_STATES = 600
#: Sweeps of value iteration that choose the first policy: a bad one may have a bias beyond float64.
_WARM_SWEEPS = 100
#: Probability of doing nothing in the aperiodic transform.
_STAY = 0.1


@dataclass(frozen=True, eq=False)
class AverageRewardPlan(_ReadOnly):
    """An optimal policy under the long-run average reward.

    Unpacks as ``gain, bias, policy, span``.

    Attributes
    ----------
    gain : array, shape (S,)
        Optimal gain; constant in a weakly communicating model.
    bias : array, shape (S,)
        Policy iteration and linear program: the optimal bias, ``P* bias = 0``
        under ``policy``. Relative value iteration: a solution of the optimality
        equation up to ``tol``, with ``bias[0] = 0``; it differs from the optimal
        bias by a constant where that solution is unique.
    policy : int array, shape (S,)
        Policy iteration and linear program: bias-optimal, the smallest action
        among ties. Relative value iteration: greedy for ``bias``.
    gain_lower, gain_upper : arrays, shape (S,)
        ``gain_lower <= g* <= gain_upper``.
    method : str
        The algorithm that was used.
    iterations : int
        Policies evaluated, or sweeps.
    converged : bool
        False only in the partial result of `NotConverged`.
    """

    gain: Array
    bias: Array
    policy: npt.NDArray[np.int64]
    gain_lower: Array
    gain_upper: Array
    method: str
    iterations: int
    converged: bool

    @property
    def span(self) -> float:
        """Largest minus smallest bias."""
        return float(self.bias.max() - self.bias.min())

    @property
    def scalar_gain(self) -> float:
        """The gain as one number; ParameterError where it depends on the state."""
        if np.ptp(self.gain) > 1e-9 * max(1.0, float(np.abs(self.gain).max())):
            raise ParameterError(
                f"the gain depends on the state (from {self.gain.min():.6g} to {self.gain.max():.6g}); use gain[s]"
            )
        return float(self.gain[0])

    def __iter__(self) -> Iterator[Any]:
        return iter((self.gain, self.bias, self.policy, self.span))


def _enclosure(mdp: Any, plan: AverageRewardPlan, ends: EndComponents, P: Array) -> tuple[Array, Array]:
    """Enclose the optimal gain of every state by one application of the optimality operator.

    One end component: ``min(Th - h) <= g* <= max(Th - h)``. Several: the same
    bounds hold inside each component for the actions that stay in it, and each
    recurrent class of the policy for its own operator; the largest of their
    widths is added everywhere, since any policy ends in a component.
    """
    g, h, policy = plan.gain, plan.bias, plan.policy
    lower, upper = gain_bounds(mdp, h)
    if ends.count == 1:
        return np.full(mdp.S, lower), np.full(mdp.S, upper)
    change = mdp.r + P @ h - h[:, None]
    slack = rounding(mdp, h)
    above = np.where(ends.actions, change - g[:, None], -np.inf).max()
    each = np.arange(mdp.S)
    recurrent = recurrent_classes(P[each, policy]) >= 0
    below = (change[each, policy] - g)[recurrent].min()
    return g + min(0.0, below) - slack, g + max(0.0, above) + slack


def _by_policies(mdp: Any, ends: EndComponents, start: Any, method: str) -> AverageRewardPlan:
    P = mdp.dense_P()
    if start is None:
        start = relative_values(mdp, 0.0, _WARM_SWEEPS, _STAY).policy
    policy, (gain, bias, _), iterations = howard(P, mdp.r, start)
    if ends.count == 1:
        gain = np.full(mdp.S, gain[0])
    plan = AverageRewardPlan(gain, bias, policy, gain, gain, method, iterations, True)
    lower, upper = _enclosure(mdp, plan, ends, P)
    return replace(plan, gain_lower=lower, gain_upper=upper)


def _by_program(mdp: Any, ends: EndComponents) -> AverageRewardPlan:
    """Gain by linear program; bias and policy by policy iteration from the program's solution."""
    P = mdp.dense_P()
    if ends.count == 1:
        value, h = weakly_communicating_program(mdp)
        gain = np.full(mdp.S, value)
    else:
        gain, h = multichain_program(mdp)
    harmonic = P @ gain
    conserving = harmonic >= harmonic.max(axis=1, keepdims=True) - 1e-7 * max(1.0, float(np.abs(mdp.r).max()))
    start = np.where(conserving, mdp.r + P @ h, -np.inf).argmax(axis=1)
    plan = _by_policies(mdp, ends, start, "linear-program")
    error = float(np.abs(plan.gain - gain).max())
    if error > 1e-6 * max(1.0, float(np.abs(mdp.r).max())):
        raise CertificateError(
            f"the program's gain is off by {error:.3g} from the gain of the policy that its solution leads to"
        )
    return plan


def average_reward(
    mdp: Any, *, method: str = "auto", tol: float = 1e-9, max_sweeps: int = 1_000_000
) -> AverageRewardPlan:
    r"""Return the optimal gain, bias and policy under the long-run average reward.

    Parameters
    ----------
    mdp : AverageRewardMDP
        Any chain structure; dense or CSR.
    method : str
        ``"policy-iteration"``: multichain policy iteration on gain, bias and
        second-order bias [1]_; makes a CSR model dense. ``"linear-program"``:
        HiGHS, then policy iteration from its solution. ``"relative-value-iteration"``:
        on the aperiodic transform, stays sparse, for weakly communicating
        models. ``"auto"``: policy iteration up to 600 states or where several
        end components exist, else relative value iteration.
        ``"relative-value-iteration-untransformed"`` omits the transform: it
        need not converge where a policy is periodic, and serves as a control.
    tol : float
        Relative value iteration: largest accepted width of the gain enclosure.
    max_sweeps : int
        Relative value iteration: each sweep costs one pass over ``P``.

    Returns
    -------
    AverageRewardPlan
        Unpacks as ``(gain, bias, policy, span)``.

    Raises
    ------
    NotConverged
        With the partial `AverageRewardPlan`, whose bounds hold.
    ParameterError
        Unknown method; relative value iteration of a model with several end
        components, whose gain may depend on the state.
    CertificateError
        A linear program's answer failed our check.

    Notes
    -----
    Accuracy: with one end component the enclosure holds for the model as its
    floats state it, rounding included. With several, the probabilities of
    ending in each component come from an elimination whose rounding (a few eps)
    is not included, and policies are compared up to 1e-11 of their values; use
    `exact_average_reward` where a verdict depends on it.

    References
    ----------
    .. [1] Puterman (1994), Markov Decision Processes, chapters 8 to 10.

    Examples
    --------
    >>> from tabular.models import AverageRewardMDP
    >>> two_cycle = AverageRewardMDP([[[0.0, 1.0]], [[1.0, 0.0]]], [[0.0], [1.0]])
    >>> gain, bias, policy, span = average_reward(two_cycle)
    >>> gain.tolist(), bias.tolist(), span
    ([0.5, 0.5], [-0.25, 0.25], 0.5)
    """
    check.choice(method, "method", _METHODS)
    tol = check.number(tol, "tol", low=0.0, open_low=True)
    max_sweeps = check.count(max_sweeps, "max_sweeps")
    ends = maximal_end_components(mdp)
    if method == "auto":
        small = mdp.S <= _DENSE_STATES or ends.count > 1
        method = "policy-iteration" if small else "relative-value-iteration"
    if method == "policy-iteration":
        return _by_policies(mdp, ends, None, method)
    if method == "linear-program":
        return _by_program(mdp, ends)
    if ends.count > 1:
        raise ParameterError(
            f"method is {method!r}, but the model has {ends.count} maximal end components, so its gain may depend on "
            "the state; use method='policy-iteration'"
        )
    found = relative_values(mdp, tol, max_sweeps, _STAY if method == "relative-value-iteration" else 0.0)
    middle = np.full(mdp.S, (found.lower + found.upper) / 2)
    plan = AverageRewardPlan(
        middle,
        found.v - found.v[0],
        found.policy,
        np.full(mdp.S, found.lower),
        np.full(mdp.S, found.upper),
        method,
        found.sweeps,
        found.converged,
    )
    if not found.converged:
        raise NotConverged(
            f"the gain is only known to lie in [{found.lower:.12g}, {found.upper:.12g}] after {found.sweeps} sweeps; "
            "raise max_sweeps or tol",
            partial=plan,
        )
    return plan
