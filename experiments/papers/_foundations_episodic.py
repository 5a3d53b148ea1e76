"""Evidence on learners that act in episodes: optimism, regret on RiverSwim, bounds, how deep each of them explores."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments import instances
from experiments.study import Cell, Scale
from tabular.learning import online
from tabular.models import EpisodicMDP

__all__ = [
    "bound_cells",
    "depth_cells",
    "optimism_cells",
    "regret_cells",
    "run_bound",
    "run_depth",
    "run_optimism",
    "run_regret",
]

Arrays = Mapping[str, npt.NDArray[Any]]
Learner = Callable[..., online.OnlineRun]

#: Name in the figures and learner; each takes ``(mdp, episodes=..., rng=...)`` and, but for the last, a ``scale``.
LEARNERS: Mapping[str, Learner] = {
    "UCBVI-CH": online.ucbvi_ch,
    "UCBVI-BF": online.ucbvi_bf,
    "KL-UCBVI": online.kl_ucbvi,
    "Q-learning, Hoeffding": online.q_learning_hoeffding,
    "RLSVI": online.rlsvi,
    "PSRL": online.psrl,
    "epsilon-greedy": online.epsilon_greedy,
}
#: Factors on the published bonuses (in RLSVI: on the variance of the noise) with which a laptop sees them learn.
SCALES = {"UCBVI-CH": 0.01, "UCBVI-BF": 0.03, "Q-learning, Hoeffding": 0.003, "RLSVI": 1e-5}
#: Learners whose table of values is meant to lie above the optimal one.
OPTIMISTIC: Mapping[str, Learner] = {
    "UCBVI-CH": online.ucbvi_ch,
    "UCBVI-BF": online.ucbvi_bf,
    "Q-learning, Hoeffding": online.q_learning_hoeffding,
    "Q-learning, Bernstein": online.q_learning_bernstein,
    "LSVI-UCB": online.lsvi_ucb,
}
#: Probability of a random action where epsilon-greedy looks for the treasure.
DITHER = 0.5


def river(S: int, H: int) -> EpisodicMDP:
    """Return RiverSwim as a model of ``H`` steps."""
    model = instances.riverswim(S)
    return EpisodicMDP(model.dense_P(), model.r, model.mu0, H=H)


def _grid(K: int, points: int = 24) -> npt.NDArray[np.int64]:
    """Return about ``points`` episode numbers, evenly spaced in their logarithm, up to ``K``."""
    return np.unique(np.round(np.geomspace(10, K, points)).astype(np.int64))


# ---------------------------------------------------------------- optimism


def optimism_cells(scale: Scale) -> list[Cell]:
    """Return the grid: optimistic learner, with and without its bonus, and kind of model."""
    runs, episodes = (40, 200) if scale == "quick" else (200, 2000)
    return [
        {"learner": name, "bonus": bonus, "model": model, "runs": runs, "episodes": episodes, "delta": 0.1}
        for name in OPTIMISTIC
        for bonus in ("published", "none")
        for model in ("random", "riverswim")
    ]


def run_optimism(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Run a learner on fresh models.

    Returns
    -------
    mapping
        ``margin``: for each run, the smallest difference between the learner's Q and the optimal one over all episodes,
        steps, states and actions.
    """
    learner, tabular = OPTIMISTIC[cell["learner"]], cell["learner"] != "LSVI-UCB"
    margins = []
    for seed in np.random.SeedSequence(int(rng.integers(2**63))).spawn(cell["runs"]):
        source = np.random.Generator(np.random.PCG64(seed))
        mdp: Any = river(4, 6) if cell["model"] == "riverswim" else _random(source)
        if not tabular:
            mdp = instances.tabular_as_linear(mdp)
        run = learner(mdp, episodes=cell["episodes"], delta=cell["delta"], bonus=cell["bonus"], rng=source)
        margins.append(run.margin.min())  # type: ignore[attr-defined]
    return {"margin": np.array(margins)}


def _random(rng: np.random.Generator) -> EpisodicMDP:
    return instances.random_episodic(4, 2, 4, alpha=0.5, rng=rng, stationary=True)


# ---------------------------------------------------------------- regret


def regret_cells(scale: Scale) -> list[Cell]:
    """Return the grid: learner, factor on its bonus (1 is the published one; 0 switches it off), and seed."""
    size = {"S": 5, "H": 12, "episodes": 5_000} if scale == "quick" else {"S": 6, "H": 20, "episodes": 100_000}
    factors = {name: {1.0, SCALES.get(name, 1.0)} for name in LEARNERS}
    for name in ("UCBVI-BF", "RLSVI"):
        factors[name].add(0.0)
    return [
        {"learner": name, "scale": factor, **size, "seed": seed}
        for name in LEARNERS
        for factor in sorted(factors[name], reverse=True)
        for seed in range(8 if factor == SCALES.get(name, 1.0) else 3)
    ]


def run_regret(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Run a learner on RiverSwim.

    Returns
    -------
    mapping
        ``episode`` and ``regret``: cumulative regret at episodes evenly spaced in their logarithm; ``optimal_value``.
    """
    learner, factor = LEARNERS[cell["learner"]], cell["scale"]
    options = {} if cell["learner"] in ("PSRL", "epsilon-greedy") else {"scale": factor}
    if factor == 0.0:
        options = {"bonus": "none"}
    run = learner(river(cell["S"], cell["H"]), episodes=cell["episodes"], rng=rng, **options)
    episode = _grid(cell["episodes"])
    return {"episode": episode, "regret": run.regret[episode - 1], "optimal_value": np.array([run.optimal_value])}


# ---------------------------------------------------------------- the bounds of UCBVI


def bound_cells(scale: Scale) -> list[Cell]:
    """Return the grid: variant of UCBVI and number of episodes; the longest of paper scale is where a bound speaks."""
    longer = 4_000 if scale == "quick" else 100_000
    blocks = [(name, K, 4, 10) for name in ("UCBVI-CH", "UCBVI-BF") for K in (1_000, longer)]
    if scale == "paper":
        blocks.append(("UCBVI-CH", 6_000_000, 30, 1))
    return [
        {"learner": name, "S": 2, "A": 2, "H": 2, "episodes": K, "delta": 0.1, "part": part, "runs": runs}
        for name, K, parts, runs in blocks
        for part in range(parts)
    ]


def run_bound(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Run UCBVI with its published constants on random models.

    Returns
    -------
    mapping
        ``regret``: regret of each run after all episodes.
    """
    final = []
    for seed in np.random.SeedSequence(int(rng.integers(2**63))).spawn(cell["runs"]):
        source = np.random.Generator(np.random.PCG64(seed))
        mdp = instances.random_episodic(cell["S"], cell["A"], cell["H"], rng=source, stationary=True)
        run = LEARNERS[cell["learner"]](mdp, episodes=cell["episodes"], delta=cell["delta"], rng=source)
        final.append(run.regret[-1])
    return {"regret": np.array(final)}


# ---------------------------------------------------------------- depth


def depth_cells(scale: Scale) -> list[Cell]:
    """Return the grid: DeepSea or the lock, learner, depth and seed."""
    shallow, deep = ((2, 3, 4, 5), (4, 6, 8, 10)) if scale == "quick" else ((3, 4, 5, 6, 7), (5, 8, 12, 16, 20))
    return [
        {"model": model, "learner": name, "N": N, "seed": seed}
        for model in ("deep-sea", "lock")
        for name in ("UCBVI-CH", "UCBVI-BF", "RLSVI", "PSRL", "epsilon-greedy")
        for N in (shallow if name == "epsilon-greedy" else deep)
        for seed in range({"epsilon-greedy": 40, "UCBVI-CH": 1, "UCBVI-BF": 1}.get(name, 10))
    ]


def run_depth(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Count the episodes until a learner finds the one good policy.

    Found is the first episode whose executed policy is worth more than half of the best that its dithering permits:
    ``V* / 2``, and ``V* (1 - eps/2)**N / 2`` for epsilon-greedy.

    Returns
    -------
    mapping
        ``found``: number of that episode, 0 if there was none; ``episodes``: how many were played.
    """
    N, name = cell["N"], cell["learner"]
    mdp = instances.deep_sea(N, shifted=True) if cell["model"] == "deep-sea" else instances.combination_lock(N)
    options: dict[str, Any]
    permitted, episodes, options = 1.0, 4 * N**3, {"scale": SCALES.get(name, 1.0)}
    if name == "PSRL":
        options = {}
    elif name == "epsilon-greedy":
        permitted, episodes = (1.0 - DITHER / 2) ** N, round(12 * (2 / DITHER) ** N)
        options = {"epsilon": DITHER, "rewards": "estimated"}
    run = LEARNERS[name](mdp, episodes=episodes, rng=rng, **options)
    late = np.flatnonzero(run.values > 0.5 * permitted * run.optimal_value)
    return {"found": late[:1] + 1 if late.size else np.zeros(1, dtype=np.int64), "episodes": np.array([episodes])}
