"""Suboptimality gaps, and numbers that summarise them: the least, sums of inverse powers, tied optimal actions."""

from typing import Any

import numpy as np
import numpy.typing as npt

from tabular import _check as check
from tabular import planning
from tabular.models import AverageRewardMDP, DiscountedMDP, EpisodicMDP
from tabular.planning.average_reward_arithmetic import rational_model

from .certified import Certified
from .reachability import enclose_occupancies
from .steps import as_steps

__all__ = ["inverse_gap_sum", "smallest_gap", "suboptimality_gaps", "tied_optimal_pairs"]

Mask = npt.NDArray[np.bool_]
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


def _sorted_gaps(model: Any, tie: float, max_denominator: int | None) -> tuple[Certified, Mask, Mask]:
    """Return the gaps, which pairs count (a policy can be there), and which of the gaps are positive."""
    gaps = suboptimality_gaps(model, max_denominator=max_denominator)
    if isinstance(model, AverageRewardMDP):
        counts = np.ones(np.shape(gaps.lower), dtype=bool)
    else:
        steps = as_steps(model)
        counts = enclose_occupancies(steps)[2].reshape(steps.shape)
    if max_denominator is not None:
        return gaps, counts, np.asarray(gaps.lower > 0, dtype=bool)
    scale = max(float(np.abs(gaps.upper).max()), float(np.abs(np.asarray(_model_rewards(model))).max()))
    return gaps, counts, np.asarray(gaps.lower > tie * scale)


def _model_rewards(model: Any) -> Any:
    """Return the mean rewards of a model or bandit."""
    return model.r if hasattr(model, "r") else model.means


def smallest_gap(model: Any, *, tie: float = 1e-9, max_denominator: int | None = None) -> Certified:
    """Return the least positive suboptimality gap among the pairs that some policy can visit.

    Parameters
    ----------
    model
        As in `suboptimality_gaps`; for average reward all pairs count.
    tie : float
        In floats a gap counts as positive if it surely exceeds ``tie`` times the scale of gaps and rewards.
    max_denominator : int, optional
        Average reward only: exact fractions, without ``tie``.

    Returns
    -------
    Certified
        ``inf`` where every action is optimal. Witness: index of a pair that attains it.
    """
    gaps, counts, positive = _sorted_gaps(model, check.number(tie, "tie", low=0.0), max_denominator)
    chosen = counts & positive
    if not chosen.any():
        return Certified(np.inf, np.inf, "every action is optimal")
    where = [tuple(int(i) for i in index) for index in np.argwhere(chosen)]
    least = min(where, key=lambda index: gaps.lower[index])
    return Certified(min(gaps.lower[chosen].tolist()), min(gaps.upper[chosen].tolist()), gaps.method, least)


def inverse_gap_sum(model: Any, *, power: int = 1, tie: float = 1e-9, max_denominator: int | None = None) -> Certified:
    """Return the sum of ``gap**-power`` over the pairs of positive gap that some policy can visit.

    Parameters
    ----------
    model, tie, max_denominator
        As in `smallest_gap`.
    power : int
        1 or 2 in most bounds. Nothing is added to the gaps: sums of ``1/(gap + 0.1)``, as some benchmark
        code has them, are other numbers.

    Returns
    -------
    Certified
        0 where every action is optimal.
    """
    power = check.count(power, "power")
    gaps, counts, positive = _sorted_gaps(model, check.number(tie, "tie", low=0.0), max_denominator)
    chosen = counts & positive
    low = sum((1 / x**power for x in gaps.upper[chosen].tolist()), 0)
    high = sum((1 / x**power for x in gaps.lower[chosen].tolist()), 0)
    return Certified(low, high, gaps.method)


def tied_optimal_pairs(model: Any, *, tie: float = 1e-9, max_denominator: int | None = None) -> Certified:
    """Return the number of optimal pairs in states with several optimal actions (states that can be visited).

    Parameters
    ----------
    model, tie, max_denominator
        As in `smallest_gap`.

    Returns
    -------
    Certified
        Integers; in floats ties are decided by ``tie``. Witness: boolean array of the pairs.
    """
    _, counts, positive = _sorted_gaps(model, check.number(tie, "tie", low=0.0), max_denominator)
    optimal = counts & ~positive
    pairs = optimal & (optimal.sum(axis=-1, keepdims=True) > 1)
    total = int(pairs.sum())
    method = "ties in exact fractions" if max_denominator is not None else f"ties up to {tie:g} of the scale"
    return Certified(total, total, method, pairs)
