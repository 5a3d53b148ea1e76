"""FastCB in one round: the largest ratio of regret to its bound, exactly maximised over the truth."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.study import Cell, Scale
from tabular._jit import kernel
from tabular.learning.bandit._action_weights import _action_weights

__all__ = ["fast_cells", "run_fast"]

Arrays = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]


@kernel
def _sides(p: Floats, y: Floats, truth: Floats, first: float, second: float) -> tuple[float, float]:
    """Return regret against the smallest true loss, and its bound with the two coefficients."""
    least = math.inf
    for a in range(p.shape[0]):
        least = min(least, truth[a])
    regret, bound = 0.0, 0.0
    for a in range(p.shape[0]):
        regret += p[a] * (truth[a] - least)
        distance = (y[a] - truth[a]) * (y[a] - truth[a]) / (y[a] + truth[a])
        bound += p[a] * (first * truth[a] + second * distance)
    return regret, bound


@kernel
def _largest_ratio(p: Floats, y: Floats, first: float, second: float, truth: Floats) -> float:
    """Largest ratio of regret to bound over truths in [0, 1]^K, by Dinkelbach's iteration; ``truth`` attains it.

    For a ratio r, regret minus r times the bound is, action i being the best, a sum of concave functions of one
    coordinate each, maximised in closed form: (y + f)^2 = 4 y^2 B / (B - s) with B = r * second and the slope
    s = 1 - r * first - [a = i] / p_i.
    """
    K = p.shape[0]
    trial = np.empty(K)
    ratio = 0.0
    for _ in range(60):
        best = -math.inf
        for i in range(K):
            B = ratio * second
            value = 0.0
            for a in range(K):
                s = 1.0 - ratio * first
                if a == i:
                    s -= 1.0 / p[a]
                f = 1.0
                if s < B:
                    f = min(1.0, max(0.0, y[a] * (2.0 * math.sqrt(B / (B - s)) - 1.0)))
                trial[a] = f
                value += p[a] * (s * f - B * (y[a] - f) * (y[a] - f) / (y[a] + f))
            if value > best:
                best = value
                for a in range(K):
                    truth[a] = trial[a]
        regret, bound = _sides(p, y, truth, first, second)
        if bound <= 0.0 or regret <= ratio * bound * (1.0 + 1e-14):
            break
        ratio = regret / bound
    return ratio


@kernel
def _search(
    rule: int, low: float, high: float, first: float, second: float, steps: int, rng: np.random.Generator, out: Floats
) -> None:
    """Climb from a random (K, gamma, predictions) of each row: ratio, K, gamma / K, smallest prediction.

    ``low`` and ``high`` bound gamma / K; coefficients are ``first * K / gamma`` and ``second * gamma``.
    """
    for row in range(out.shape[0]):
        K = rng.integers(2, 10)
        available = np.ones(K, dtype=np.bool_)
        p, truth, y, moved = np.empty(K), np.empty(K), np.empty(K), np.empty(K)
        sharpness = low * math.exp(rng.random() * math.log(high / low))
        for a in range(K):
            y[a] = math.exp(-12.0 * rng.random())
        best, width = -1.0, 3.0
        for step in range(steps):
            tried = sharpness
            for a in range(K):
                moved[a] = y[a]
            if step > 0:
                tried = min(high, max(low, sharpness * math.exp(width * rng.normal())))
                for a in range(K):
                    if rng.random() < 0.5:
                        moved[a] = min(1.0, max(1e-9, y[a] * math.exp(width * rng.normal())))
            gamma = tried * K
            _action_weights(rule, -moved, available, gamma, p)
            ratio = _largest_ratio(p, moved, first * K / gamma, second * gamma, truth)
            if ratio > best:
                best, sharpness = ratio, tried
                for a in range(K):
                    y[a] = moved[a]
            else:
                width = max(0.01, 0.97 * width)
        out[row, 0], out[row, 1], out[row, 2], out[row, 3] = best, K, sharpness, np.min(y)


#: Name to rule (see `_action_weights`), range of gamma / K, and the two constants.
VARIANTS = {
    "fast-cb": (2, 2.0, 200.0, 5.0, 7.0),
    "fast-cb, constants 1 and 1": (2, 2.0, 200.0, 1.0, 1.0),
    "fast-cb, gamma below K/2": (2, 0.001, 0.5, 5.0, 7.0),
    "igw": (0, 2.0, 200.0, 5.0, 7.0),
}


def fast_cells(scale: Scale) -> list[Cell]:
    """Return the grid: searches for each rule and constants."""
    blocks, n, steps = (10, 200, 400) if scale == "paper" else (2, 50, 200)
    return [
        {"variant": variant, "block": block, "instances": n, "steps": steps}
        for variant in VARIANTS
        for block in range(blocks)
    ]


def run_fast(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Search for the largest ratio; exact over the truth, local search over predictions, K and gamma."""
    rule, low, high, first, second = VARIANTS[cell["variant"]]
    out = np.empty((cell["instances"], 4))
    _search(rule, low, high, first, second, cell["steps"], rng, out)
    return {name: out[:, i].copy() for i, name in enumerate(("ratio", "K", "sharpness", "smallest"))}
