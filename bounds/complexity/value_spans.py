"""Spans of optimal values."""

from typing import Any

import numpy as np

from tabular import planning
from tabular.models import DiscountedMDP, EpisodicMDP

from .certified import Certified
from .steps import as_steps

__all__ = ["value_span"]


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
