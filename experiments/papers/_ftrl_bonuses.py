"""Dilated bonuses on random models: the identity, its inequality, and what it does to regret."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.instances.random_mdp import dirichlet_rows
from experiments.study import Cell, Scale
from tabular.learning.adversarial import dilated_bonus
from tabular.learning.adversarial._comparator import best_fixed_policy, occupancies
from tabular.models import AdversarialMDP

__all__ = ["dilation_cells", "run_dilation"]

Arrays = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]


def dilation_cells(scale: Scale) -> list[Cell]:
    """Return the grid: blocks of random models."""
    return [{"block": i, "count": 250} for i in range(20 if scale == "paper" else 2)]


def _model(rng: np.random.Generator, K: int) -> AdversarialMDP:
    H, S, A = int(rng.integers(1, 7)), int(rng.integers(1, 6)), int(rng.integers(2, 5))
    alpha = float(rng.choice([0.1, 1.0]))
    return AdversarialMDP(
        dirichlet_rows((H, S, A, S), alpha, rng), rng.random((K, H, S, A)), dirichlet_rows((S,), 1.0, rng)
    )


def _bonus(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Return a non-negative bonus: everywhere, in a few places, or in the last step only."""
    b = rng.standard_gamma(0.5, size=shape)
    kind = rng.integers(3)
    if kind == 1:
        b *= rng.random(shape) < 0.2
    elif kind == 2:
        b[:-1] = 0.0
    return b


def _aimed(law: Floats, visits: Floats) -> Floats:
    """Return a bonus of 1 in the states that the comparator visits five times as often as the learner."""
    chosen = 5.0 * law.sum(axis=2) <= visits
    return np.repeat(chosen[:, :, None], law.shape[2], axis=2).astype(np.float64)


def _on_path(law: Floats, x: Floats) -> Floats:
    """Return E_{s_h ~ law} x(h, s) for each h; ``law`` (H, S), ``x`` (H, S)."""
    return np.einsum("hs,hs->h", law, x)


def _sides(
    mdp: AdversarialMDP, law_star: Floats, star: Floats, pi: Floats, b: Floats, B: Floats
) -> tuple[float, float]:
    """Return both sides of the identity of the dilated bonus, for the comparator ``star`` (H, S, A)."""
    own, shift = (pi * B).sum(axis=2), ((pi - star) * B).sum(axis=2)
    visits = law_star.sum(axis=2)
    left = _on_path(visits, shift).sum() + (law_star * b).sum() + _on_path(visits, own).sum() / mdp.H
    return float(left), float((1.0 + 1.0 / mdp.H) * mdp.mu0 @ own[0])


def _q_values(mdp: AdversarialMDP, policy: Floats, losses: Floats) -> Floats:
    """Return the Q-function of ``policy`` under ``losses`` (H, S, A), backwards."""
    Q, ahead = np.empty_like(losses), np.zeros(mdp.S)
    for h in reversed(range(mdp.H)):
        Q[h] = losses[h] + mdp.P[h] @ ahead
        ahead = (policy[h] * Q[h]).sum(axis=1)
    return Q


def run_dilation(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Measure both sides of the three statements; ``_wrong`` follows the comparator, ``_flat`` has factor 1."""
    K = 3
    names = (
        "left", "right", "left_wrong", "left_flat", "first", "second", "third", "first_steep",
        "regret", "regret_bound", "regret_flat", "regret_bound_flat", "difference", "H",
    )  # fmt: skip
    rows = np.empty((cell["count"], len(names)))
    for row in rows:
        mdp = _model(rng, K)
        H, shape = mdp.H, (mdp.H, mdp.S, mdp.A)
        best = best_fixed_policy(mdp)
        star = np.eye(mdp.A)[best]
        law_star = occupancies(mdp, best)
        visits = law_star.sum(axis=2)
        pis = [dirichlet_rows(shape, 0.3, rng) for _ in range(K)]
        bonuses = [_bonus(rng, shape) for _ in range(K)]
        if rng.integers(4) == 0:
            bonuses = [_aimed(occupancies(mdp, pi), visits) * (visits > 0.0)[:, :, None] for pi in pis]
        pi, b = pis[0], bonuses[0]
        B = dilated_bonus(mdp, pi, b)
        row[0], row[1] = _sides(mdp, law_star, star, pi, b, B)
        row[2] = _sides(mdp, law_star, star, pi, b, dilated_bonus(mdp, best, b))[0] - row[1]
        flat_left, flat_right = _sides(mdp, law_star, star, pi, b, dilated_bonus(mdp, pi, b, factor=1.0))
        row[3] = flat_left - flat_right
        value = float((occupancies(mdp, pi) * b).sum())
        row[4], row[5], row[6] = row[1], (1.0 + 1.0 / H) ** H * value, np.e * value
        steep = dilated_bonus(mdp, pi, b, factor=1.0 + 2.0 / H)
        row[7] = _sides(mdp, law_star, star, pi, b, steep)[1]
        regret, difference, values, consts = 0.0, 0.0, 0.0, [0.0, 0.0]
        for k in range(K):
            law = occupancies(mdp, pis[k])
            Q = _q_values(mdp, pis[k], mdp.losses[k])
            regret += float(((law - law_star) * mdp.losses[k]).sum())
            advantage = ((pis[k] - star) * Q).sum(axis=2)
            difference += float(_on_path(visits, advantage).sum())
            values += float((law * bonuses[k]).sum())
            for i, factor in enumerate((None, 1.0)):
                B = dilated_bonus(mdp, pis[k], bonuses[k], factor=factor)
                shift = ((pis[k] - star) * (Q - B)).sum(axis=2)
                own = (pis[k] * B).sum(axis=2)
                consts[i] += float(
                    _on_path(visits, shift).sum() - (law_star * bonuses[k]).sum() - _on_path(visits, own).sum() / H
                )
        row[8], row[9] = regret, consts[0] + np.e * values
        row[10], row[11] = regret, consts[1] + np.e * values
        row[12], row[13] = difference, H
    return {name: rows[:, j].copy() for j, name in enumerate(names)}
