"""What every conservative learner is given, checked: a model, a baseline policy and a threshold below its value."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ...errors import ParameterError
from ...models import EpisodicMDP
from ...streams import generator
from ._episodes import Dynamics, _stochastic_policy_value, dynamics
from ._played import require_model

__all__ = ["Setting", "setting"]

Floats = npt.NDArray[np.float64]


class Setting(NamedTuple):
    """What a conservative learner is given, checked."""

    model: Dynamics
    mdp: EpisodicMDP
    baseline: Floats
    baseline_value: float
    threshold: float
    kappa: float
    rng: np.random.Generator


def setting(mdp: Any, baseline: npt.ArrayLike, kappa: float | None, threshold: float | None, rng: Any) -> Setting:
    """Check what a conservative learner is given."""
    require_model(mdp)
    policy = check.stochastic_policy(baseline, (mdp.H, mdp.S), mdp.A, "baseline")
    model = dynamics(mdp)
    value = float(_stochastic_policy_value(model, policy, np.empty((2, mdp.S))))
    if (kappa is None) == (threshold is None):
        raise ParameterError("give exactly one of kappa and threshold")
    if kappa is not None:
        kappa = check.number(kappa, "kappa", low=0.0, open_low=True)
        return Setting(model, mdp, policy, value, value - kappa, kappa, generator(rng))
    limit = check.number(threshold, "threshold", high=value, open_high=True)
    return Setting(model, mdp, policy, value, limit, value - limit, generator(rng))
