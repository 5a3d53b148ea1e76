"""Suboptimality gaps."""

from typing import Any

import numpy as np

from tabular import planning
from tabular.models import AverageRewardMDP, DiscountedMDP, EpisodicMDP
from tabular.planning.average_reward_arithmetic import rational_model

from .certified import Certified
from .steps import as_steps

__all__ = ["suboptimality_gaps"]

_EPS = float(np.finfo(float).eps)


def suboptimality_gaps(model: Any, *, max_denominator: int | None = None) -> Certified:
    """Return how much each action loses against the best one, acting optimally afterwards.

    Parameters
    ----------
    model : EpisodicMDP, DiscountedMDP, AverageRewardMDP or bandit
        Average reward: ``g(s) + h(s) - r(s,a) - P(s,a) h`` with the optimal gain
        and bias.
    max_denominator : int, optional
        Average reward only: answer in exact fractions for the model whose
        entries are the nearest fractions with at most this denominator.

    Returns
    -------
    Certified
        Arrays of shape (H, S, A), (S, A) or (A,); ``lower >= 0`` except for
        average reward with several end components, where an action that loses
        gain may have a negative entry. Average reward in floats: the enclosure
        allows for rounding of this expression at the computed ``g, h`` only.
    """
    if isinstance(model, AverageRewardMDP):
        return _average(model, max_denominator)
    steps = as_steps(model)
    mdp = steps.mdp
    if isinstance(mdp, EpisodicMDP):
        plan = planning.backward_induction(mdp)
        after_low, after_high = plan.lower[1:], plan.upper[1:]
        q_low = mdp.r + np.einsum("hsat,ht->hsa", mdp.P, after_low)
        q_high = mdp.r + np.einsum("hsat,ht->hsa", mdp.P, after_high)
        low, high = plan.lower[:-1], plan.upper[:-1]
    else:
        assert isinstance(mdp, DiscountedMDP)
        plan = planning.policy_iteration(mdp)
        P = mdp.dense_P()
        q_low, q_high = mdp.r + mdp.gamma * P @ plan.lower, mdp.r + mdp.gamma * P @ plan.upper
        low, high = plan.lower, plan.upper
    rounding = (mdp.S + 4) * _EPS * float(np.abs(mdp.r).max() + np.abs(plan.V).max())
    lower = np.maximum(0.0, low[..., None] - q_high - rounding)
    upper = np.maximum(0.0, high[..., None] - q_low + rounding)
    return Certified(lower.reshape(steps.shape), upper.reshape(steps.shape), plan.method, plan.policy)


def _average(mdp: AverageRewardMDP, max_denominator: int | None) -> Certified:
    if max_denominator is not None:
        P, r = rational_model(mdp.dense_P(), mdp.r, max_denominator)
        plan = planning.exact_average_reward(P, r)
        gaps = (plan.gain + plan.bias)[:, None] - r - P @ plan.bias
        return Certified(gaps, gaps, "policy iteration in exact fractions", plan.policy)
    found = planning.average_reward(mdp, method="policy-iteration")
    value = (found.gain + found.bias)[:, None] - mdp.r - mdp.dense_P() @ found.bias
    slack = (mdp.S + 4) * _EPS * float(np.abs(mdp.r).max() + 2.0 * np.abs(found.bias).max())
    slack += float(np.max(found.gain_upper - found.gain_lower))
    single = np.ptp(found.gain) == 0.0
    lower = np.maximum(0.0, value - slack) if single else value - slack
    return Certified(lower, np.maximum(lower, value + slack), found.method, found.policy)
