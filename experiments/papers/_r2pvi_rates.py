"""Suboptimality of R2PVI over the number of episodes, the worst gap at each, beside the coverage term of the theorems.

One feature a pair, so that coverage is plain: two decision states whose actions lead to reward 1 with probability 1/2
or 1/2 + gap, and back to a decision state half of the time. The suboptimality at one gap falls to 0 exponentially once
the data tell the actions apart; the theorem is about the worst gap, which shrinks as data grow.
"""

import math
from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.instances import tabular_as_linear
from experiments.study import Cell, Scale
from tabular.learning.robust import FeatureData, RobustOfflineResult, r2pvi
from tabular.models import EpisodicMDP, LinearMDP
from tabular.planning import RobustPlan, robust_backward_induction, robust_evaluate, worst_case

from ._r2pvi_duals import DIVERGENCES
from ._r2pvi_events import behaved

__all__ = ["CALIBRATED", "decisions", "rates", "rates_cells"]

Arrays = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]

LAM = 1.0
DELTA = 0.05
CALIBRATED = 0.25
GAPS = tuple(0.32 / 2**j for j in range(8))
NAMES = ("risk", "cover", "published", "bound")


def decisions(gap: float) -> LinearMDP:
    """Return the model: states 0, 1 decide, state 2 is worth 1, state 3 nothing; H = 2, one feature a pair.

    Action 0 is better by ``gap`` in state 0, action 1 in state 1.
    """
    P, r = np.zeros((4, 2, 4)), np.zeros((4, 2))
    for s in range(2):
        for a in range(2):
            good = 0.5 + (gap if a == s else 0.0)
            P[s, a] = 0.25, 0.25, 0.5 * good, 0.5 * (1.0 - good)
    P[2, :, 2] = P[3, :, 3] = 1.0
    r[2] = 1.0
    return tabular_as_linear(EpisodicMDP(P, r, np.array([0.5, 0.5, 0.0, 0.0]), H=2))


def _coverage(model: LinearMDP, kind: str, found: RobustOfflineResult, best: RobustPlan) -> float:
    """Return the largest expected width of an optimal policy over the robustly admissible kernels, from ``mu0``.

    These are the kernels within the radius ``(max V* - min V*) / lambda`` of every coordinate, so that the supremum is
    robust dynamic programming with the sign turned.
    """
    states = np.arange(model.S)
    total = np.zeros(model.S)
    for h in range(model.H - 1, -1, -1):
        radius = float(np.ptp(best.V[h + 1])) / LAM
        ahead = [-worst_case(-total, q, divergence=kind, radius=radius).value for q in model.mu[h]]
        chosen = best.policy[h]
        total = found.width[h, states, chosen] + model.phi[states, chosen] @ np.array(ahead)
    return float(model.mu0 @ total)


def rates_cells(scale: Scale) -> list[Cell]:
    """Return numbers of episodes and gaps; the smallest gaps matter for the largest numbers only."""
    steps, runs, gaps = (6, 150, 8) if scale == "paper" else (4, 160, 6)
    return [{"K": 100 * 4**j, "gap": gap, "runs": runs} for j in range(steps) for gap in GAPS[:gaps]]


def rates(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Run R2PVI, lambda = 1, with the factor ``0.25 sqrt(log(2 d H K / delta))`` and with the theorem's own.

    For each divergence: ``risk`` is the exact suboptimality from ``mu0`` on independent datasets, ``cover`` the
    coverage term on the first twenty; ``published`` and ``bound`` are suboptimality and bound on the very first, with
    the constants of the theorem as recalled.
    """
    K = cell["K"]
    model = decisions(cell["gap"])
    table = model.to_episodic()
    beta = CALIBRATED * math.sqrt(math.log(2.0 * model.d * model.H * K / DELTA))
    best = {kind: robust_backward_induction(model, divergence=kind, penalty=LAM) for kind in DIVERGENCES}
    loss = {}
    for kind, pair in product(DIVERGENCES, product(range(2), repeat=2)):
        plan = robust_evaluate(model, [[*pair, 0, 0]] * 2, divergence=kind, penalty=LAM)
        loss[kind, *pair] = max(0.0, best[kind].value - plan.value)
    out: dict[str, list[float]] = {f"{name}_{kind}": [] for kind in DIVERGENCES for name in NAMES}
    for i in range(cell["runs"]):
        data = FeatureData(behaved(table, K, rng), model.phi, theta=model.theta)
        for kind in DIVERGENCES:
            how: dict[str, Any] = {"divergence": kind, "penalty": LAM, "ridge": 1.0}
            found = r2pvi(data, beta=beta, **how)
            out[f"risk_{kind}"].append(loss[kind, *found.policy[0, :2].tolist()])
            if i < 20:
                out[f"cover_{kind}"].append(_coverage(model, kind, found, best[kind]))
            if i == 0:
                frozen = r2pvi(data, beta="theorem", delta=DELTA, **how)
                out[f"published_{kind}"].append(loss[kind, *frozen.policy[0, :2].tolist()])
                out[f"bound_{kind}"].append(frozen.beta * out[f"cover_{kind}"][0])
    return {name: np.array(found) for name, found in out.items()}
