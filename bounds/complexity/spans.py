"""Spans of optimal values and of the optimal bias."""

from typing import Any

import numpy as np

from tabular import planning
from tabular.models import DiscountedMDP, EpisodicMDP
from tabular.planning.chains import dense, policy_chain

from .certified import Certified
from .steps import as_steps

__all__ = ["bias_span", "value_span"]

_EPS = float(np.finfo(float).eps)


def bias_span(mdp: Any, *, max_denominator: int | None = None) -> Certified:
    r"""Return the span of the optimal bias.

    Parameters
    ----------
    mdp : AverageRewardMDP
        Any chain structure.
    max_denominator : int, optional
        As in `diameter`: an exact answer for the model of the nearest fractions.

    Returns
    -------
    Certified
        The witness is the bias-optimal policy. In floats the enclosure holds
        for the bias of that policy, whose optimality is decided up to the
        tolerance of `tabular.planning.average_reward`.

    Notes
    -----
    In floats, the computed bias ``x`` of a policy with residual
    ``e = |r + P x - g - x|`` is within ``|Z| e`` of the truth, up to a constant
    on each class; the span is off by at most twice that.
    """
    if max_denominator is not None:
        plan = planning.exact_average_reward(mdp.dense_P(), mdp.r, max_denominator=max_denominator)
        return Certified(plan.span, plan.span, "policy iteration in exact fractions", plan.policy)
    found = planning.average_reward(mdp, method="policy-iteration")
    P, r = policy_chain(mdp, found.policy)
    chain = dense(P)
    residual = float(np.abs(r + chain @ found.bias - found.gain - found.bias).max())
    residual += (mdp.S + 4) * _EPS * float(np.abs(r).max() + 2.0 * np.abs(found.bias).max())
    inverse = float(np.abs(planning.deviation_matrix(chain)).sum(axis=1).max())
    error = 2.0 * inverse * residual
    return Certified(
        max(0.0, found.span - error),
        found.span + error,
        "policy iteration, residual bounds for its policy",
        found.policy,
    )


def value_span(model: Any) -> Certified:
    """Return the span ``max V* - min V*`` of the optimal values: at each step, or of the discounted values.

    Parameters
    ----------
    model : EpisodicMDP or DiscountedMDP
        Of average reward, the corresponding number is `bias_span`.

    Returns
    -------
    Certified
        Arrays of shape (H,), or scalars. States that no policy reaches count.
        Witness: an optimal policy.
    """
    mdp = as_steps(model).mdp
    if isinstance(mdp, EpisodicMDP):
        plan = planning.backward_induction(mdp)
        low, high = plan.lower[:-1], plan.upper[:-1]
    else:
        assert isinstance(mdp, DiscountedMDP)
        plan = planning.policy_iteration(mdp)
        low, high = plan.lower, plan.upper
    upper = high.max(axis=-1) - low.min(axis=-1)
    lower = np.maximum(0.0, low.max(axis=-1) - high.min(axis=-1))
    return Certified(lower, upper, plan.method, plan.policy)
