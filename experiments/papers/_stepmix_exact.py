"""Studies of stepmix that need no learner: values of mixtures, and how often the KL event fails."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments import instances
from experiments.study import Cell, Scale
from tabular._jit import kernel
from tabular.planning import evaluate

__all__ = ["event_cells", "mixture_cells", "path_cells", "run_event", "run_mixture", "run_paths"]

Arrays = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]

#: Laws on two or three outcomes whose exact failure probability is computed.
LAWS: dict[str, tuple[float, ...]] = {
    "fair": (0.5, 0.5),
    "skewed": (0.9, 0.1),
    "rare": (0.99, 0.01),
    "uniform": (1 / 3, 1 / 3, 1 / 3),
    "likely": (0.8, 0.15, 0.05),
    "almost sure": (0.98, 0.01, 0.01),
}
DELTAS = (0.05, 0.1)


def mixture_cells(scale: Scale) -> list[Cell]:
    """Shapes of random models, and blocks of instances."""
    shapes = ((1, 2, 1), (2, 2, 2), (4, 3, 3), (5, 5, 4))
    blocks, each = (1, 60) if scale == "quick" else (5, 100)
    return [
        dict(S=S, A=A, H=H, block=block, instances=each) for S, A, H in shapes for block in range(blocks)
    ]  # fmt: skip


def run_mixture(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Compare the value of a mixture of two policies with the mixture of their values.

    Returns
    -------
    mapping
        One entry an instance. ``value``, ``mixed``: the two sides where the policies differ at one step only;
        ``value_two``, ``mixed_two``: where they differ at two steps (at all steps, if H = 1: equal to the former).
        A third of the policies are deterministic.
    """
    S, A, H = cell["S"], cell["A"], cell["H"]
    rows = []
    for _ in range(cell["instances"]):
        mdp = instances.random_episodic(S, A, H, rng=rng)
        alpha = float(rng.choice([1.0, 0.2, 1e-3]))
        first = instances.dirichlet_rows((H, S, A), alpha, rng)
        other = instances.dirichlet_rows((H, S, A), alpha, rng)
        rho = float(rng.choice([0.0, 0.5, 1.0 - 1e-9, rng.random()]))
        steps = rng.permutation(H)
        row = []
        for changed in (steps[:1], steps[:2]):
            second = first.copy()
            second[changed] = other[changed]
            value = evaluate(mdp, (1.0 - rho) * first + rho * second).value
            row += [value, (1.0 - rho) * evaluate(mdp, first).value + rho * evaluate(mdp, second).value]
        rows.append(row)
    names = ("value", "mixed", "value_two", "mixed_two")
    return {name: np.array([row[i] for row in rows]) for i, name in enumerate(names)}


def radii(S: int, delta: float, horizon: int, volume: bool = True) -> Floats:
    r"""Return the KL radius of one row at n = 0, ..., horizon.

    :math:`\log(1/\delta)+(S-1)\log(e(1+n/(S-1)))`, or its first term alone without ``volume``: the part that pays for
    S unknown probabilities and for all n at once.
    """
    n = np.arange(horizon + 1.0)
    return math.log(1.0 / delta) + (S - 1) * np.log(math.e * (1.0 + n / (S - 1))) * volume


def _xlogx(horizon: int) -> Floats:
    n = np.arange(horizon + 1.0)
    n[1:] *= np.log(n[1:])
    return n


@kernel
def _exact_failure(p: Floats, radius: Floats, xlogx: Floats) -> float:
    """P(some n <= N: n KL(p_n || p) > radius[n]) for a law on three outcomes, or two if ``p[1]`` is 0.

    alive[x, y]: probability of x first and y second outcomes so far, and no violation.
    """
    N = radius.shape[0] - 1
    most = N if p[1] > 0.0 else 0
    alive = np.zeros((N + 1, most + 1))
    alive[0, 0] = 1.0
    log_p = np.log(np.where(p > 0.0, p, 1.0))
    failed = 0.0
    for n in range(1, N + 1):
        for x in range(n, -1, -1):
            for y in range(min(n - x, most), -1, -1):
                mass = alive[x, y] * p[2]
                if x > 0:
                    mass += alive[x - 1, y] * p[0]
                if y > 0:
                    mass += alive[x, y - 1] * p[1]
                if mass > 0.0:
                    z = n - x - y
                    divergence = xlogx[x] + xlogx[y] + xlogx[z] - xlogx[n] - x * log_p[0] - y * log_p[1] - z * log_p[2]
                    if divergence > radius[n]:
                        failed += mass
                        mass = 0.0
                alive[x, y] = mass
    return failed


def event_cells(scale: Scale) -> list[Cell]:
    """Laws and levels, and the last time looked at."""
    two, three = (400, 80) if scale == "quick" else (10_000, 1000)
    return [
        dict(law=law, delta=delta, horizon=two if len(p) == 2 else three) for law, p in LAWS.items() for delta in DELTAS
    ]


def run_event(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Compute the probability that a row ever leaves its KL ball, without simulation.

    Returns
    -------
    mapping
        ``failure``: probability with the radius of `radii`; ``failure_small``: without its volume term.
    """
    law = LAWS[cell["law"]]
    p = np.array(law if len(law) == 3 else (law[0], 0.0, law[1]))
    xlogx = _xlogx(cell["horizon"])
    return {
        name: np.array([_exact_failure(p, radii(len(law), cell["delta"], cell["horizon"], volume), xlogx)])
        for name, volume in (("failure", True), ("failure_small", False))
    }


#: Laws of the simulated paths.
PATH_LAWS = {
    "uniform": lambda S: np.full(S, 1.0 / S),
    "geometric": lambda S: 2.0 ** -np.arange(1, S + 1) / (1.0 - 2.0**-S),
    "almost sure": lambda S: np.array([1.0 - 0.01 * (S - 1)] + [0.01] * (S - 1)),
}


def path_cells(scale: Scale) -> list[Cell]:
    """Numbers of outcomes, laws, and blocks of independent paths."""
    blocks, runs, horizon = (1, 1000, 2000) if scale == "quick" else (10, 10_000, 10_000)
    return [
        dict(S=S, law=law, block=block, runs=runs, horizon=horizon)
        for S in (3, 5)
        for law in PATH_LAWS
        for block in range(blocks)
    ]


@kernel
def _path_maxima(cumulative: Floats, log_p: Floats, volume: Floats, xlogx: Floats, rng: np.random.Generator,
                 out: Floats) -> None:  # fmt: skip
    """Write to out[i] the largest n KL(p_n || p) - volume[n] of path i, and the largest n KL; out (runs, 2)."""
    S, N = cumulative.shape[0], volume.shape[0] - 1
    seen = np.empty(S, dtype=np.int64)
    for i in range(out.shape[0]):
        seen[:] = 0
        gain, most, most_bare = 0.0, -math.inf, -math.inf
        for n in range(1, N + 1):
            u, s = rng.random(), 0
            while u >= cumulative[s]:
                s += 1
            gain += xlogx[seen[s] + 1] - xlogx[seen[s]] - log_p[s]
            seen[s] += 1
            divergence = gain - xlogx[n]
            most = max(most, divergence - volume[n])
            most_bare = max(most_bare, divergence)
        out[i, 0], out[i, 1] = most, most_bare


def run_paths(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Simulate rows and count those that ever leave their KL ball.

    Returns
    -------
    mapping
        ``deltas``: levels; ``count``: paths that leave the ball of `radii` before the horizon, for each level;
        ``count_small``: the same without the volume term of the radius.
    """
    p = PATH_LAWS[cell["law"]](cell["S"])
    cumulative = np.cumsum(p)
    cumulative[-1] = 1.0
    out = np.empty((cell["runs"], 2))
    volume = radii(cell["S"], 1.0, cell["horizon"])
    _path_maxima(cumulative, np.log(p), volume, _xlogx(cell["horizon"]), rng, out)
    levels = np.log(1.0 / np.array(DELTAS))
    return {
        "deltas": np.array(DELTAS),
        "count": np.array([np.count_nonzero(out[:, 0] > level) for level in levels]),
        "count_small": np.array([np.count_nonzero(out[:, 1] > level) for level in levels]),
    }
