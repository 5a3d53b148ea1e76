"""Exact robust planning in the five-state simulator: the first action against a regularised adversary."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.instances import five_state_simulator, modified_nominal
from experiments.study import Cell, Scale
from tabular.models import LinearMDP
from tabular.planning import backward_induction, robust_backward_induction

__all__ = ["OPTIONS", "constrained_first", "constrained_first_cells", "first", "first_cells", "tilts_of"]

Arrays = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]

PRICES = (0.05, 0.1, 0.2, 0.3, 0.6, 1.0, 1.3, 3.0)

#: Divergence, multiple of the price, and whether total variation stays in the support.
OPTIONS = {
    "tv": ("tv", 1.0, False),
    "tv-support": ("tv", 1.0, True),
    "tv-l1": ("tv", 2.0, False),
    "kl": ("kl", 1.0, False),
    "chi2": ("chi2", 1.0, False),
}


def tilts_of(model: LinearMDP) -> Floats:
    """Return b of every action: what it adds to the chance of leaving for x5."""
    tilts: Floats = model.phi[0, :, 3] - model.phi[0, :, 3].mean()
    return tilts


def _advantage(tilts: Floats, Q: Floats, wanted: float) -> float:
    """Return how much the actions with tilt ``wanted`` are worth more than all others."""
    own = np.isclose(tilts, wanted, rtol=0.0, atol=1e-12)
    return float(Q[own].max() - Q[~own].max())


def first_cells(scale: Scale) -> list[Cell]:
    """Return norms of xi and ways to measure divergence, for the simulator and the modified nominal model."""
    return [
        {"xi": xi, "option": option, "leak": leak}
        for xi in (0.1, 0.2, 0.3)
        for option in OPTIONS
        for leak in (0.0, 0.05)
    ]


def first(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Plan exactly at every price.

    ``advantage``: by how much the nominal first action (all those with its b) is worth more, robustly, than any other;
    ``flipped``: whether the optimal first action has the smallest b instead of the nominal one's. With ``leak`` > 0
    coordinate 4 fails with that probability at step 1.
    """
    kind, multiple, support = OPTIONS[cell["option"]]
    model = modified_nominal(five_state_simulator(cell["xi"]), cell["leak"])
    tilts = tilts_of(model)
    nominal = tilts[backward_induction(model.to_episodic()).policy[0, 0]]
    plans = [
        robust_backward_induction(model, divergence=kind, penalty=multiple * lam, support=support) for lam in PRICES
    ]
    chosen = np.array([tilts[plan.policy[0, 0]] for plan in plans])
    return {
        "lam": np.array(PRICES),
        "advantage": np.array([_advantage(tilts, plan.Q[0, 0], nominal) for plan in plans]),
        "robust": np.array([plan.value for plan in plans]),
        "nominal_tilt": np.full(len(PRICES), nominal),
        "flipped": np.abs(chosen - nominal) > 1e-9,
    }


def constrained_first_cells(scale: Scale) -> list[Cell]:
    """Return norms of xi at which the flip under a constraint is located."""
    return [{"xi": xi} for xi in (0.1, 0.2, 0.3)]


def constrained_first(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Locate the radius of total variation, on coordinate 4 of step 1 alone, from which the first action flips.

    ``flip`` after 45 bisections of [0, 1]; ``predicted`` equates what the two coordinates lead to: x5 is worth 2 and
    the fail state nothing, so that ``2 (1 - rho)`` meets ``(1 - p) V_2(x2)``. ``everywhere`` is the flip for the same
    radius at every step.
    """
    model = five_state_simulator(cell["xi"])
    tilts = tilts_of(model)
    plan = backward_induction(model.to_episodic())
    nominal = tilts[plan.policy[0, 0]]

    def flip(steps: slice) -> float:
        below, above = 0.0, 1.0
        for _ in range(45):
            middle = 0.5 * (below + above)
            radius = np.zeros((model.H, model.d))
            radius[steps, 3] = middle
            found = robust_backward_induction(model, divergence="tv", radius=radius)
            if abs(tilts[found.policy[0, 0]] - nominal) > 1e-9:
                above = middle
            else:
                below = middle
        return above

    predicted = 1.0 - float(model.mu[0, 0] @ plan.V[1]) / float(model.mu[0, 3] @ plan.V[1])
    return {
        "flip": np.array([flip(slice(0, 1))]),
        "everywhere": np.array([flip(slice(None))]),
        "predicted": np.array([predicted]),
    }
