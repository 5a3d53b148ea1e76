"""Studies of stepmix with a baseline learned from logged episodes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.instances import ConservativeProblem, conservative_trap
from experiments.study import Cell, Scale
from tabular.learning.offline import OfflineBaseline, offline_baseline
from tabular.learning.online import stepmix
from tabular.models import EpisodicMDP
from tabular.planning import evaluate
from tabular.simulation import OfflineDataset, sample_trajectories

from ._stepmix_problems import checkpoints

__all__ = ["need_cells", "online_cells", "run_needs", "run_online"]

Arrays = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]

#: Half of delta = 0.1: one for the certificate of the baseline, one for the run.
HALF = 0.05
SAFE, H = 3, 2
GROWTH = 1.25


def logging_problem(kappa: float, cover: float) -> tuple[EpisodicMDP, Floats, float]:
    """Return a trap in which action 3 is safe, the behaviour policy of the logs, and the threshold.

    Action 3 is worth 0.6, the others kappa less than the threshold 0.6 - kappa. The behaviour plays action 3 with
    probability 1/cover and the others equally often, so that the concentrability of the safe policy is ``cover``;
    ties between actions go to smaller ones, which are traps.
    """
    chances = [0.6 - 2.0 * kappa] * 3 + [0.6]
    mdp = conservative_trap(-1.0, chances=chances, H=H).mdp
    behaviour = np.zeros((H, 3, 4))
    behaviour[:, :, 0] = 1.0
    behaviour[:, 0] = (1.0 - 1.0 / cover) / 3.0
    behaviour[:, 0, SAFE] = 1.0 / cover
    return mdp, behaviour, 0.6 - kappa


def first_episodes(data: OfflineDataset, n: int) -> OfflineDataset:
    """Return the first ``n`` trajectories."""
    rows = slice(0, n * H)
    h = np.asarray(data.h)[rows]
    return OfflineDataset(data.s[rows], data.a[rows], data.r[rows], data.s_next[rows], data.S, data.A, h, H)


def need_cells(scale: Scale) -> list[Cell]:
    """Tolerated losses at one coverage, and coverages at one tolerated loss."""
    quick = scale == "quick"
    kappas, covers = (
        ((0.25, 0.18, 0.13, 0.095), (1.5, 3.0, 6.0)) if quick else ((0.18, 0.13, 0.09, 0.065), (1.5, 3.0, 6.0, 12.0))
    )
    pairs = dict.fromkeys([(kappa, 3.0) for kappa in kappas] + [(kappas[0], cover) for cover in covers])
    return [dict(kappa=kappa, cover=cover, runs=60 if quick else 100, delta=HALF * 2) for kappa, cover in pairs]


def run_needs(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Learn a baseline from growing numbers of logged episodes, until its certificate reaches the threshold.

    Returns
    -------
    mapping
        One entry a run. ``needed``: smallest number of episodes, on a grid of ratio 1.25, whose certificate reaches the
        threshold; ``unsafe``: whether some policy certified at one of those numbers has a value below the
        threshold; ``unsafe_plug_in``: the same with the value under the empirical model for a certificate, at any
        number of episodes up to there. ``sizes`` (shared grid) and ``share_unsafe``: fraction of runs whose learned
        policy, certified or not, is worth less than the threshold.
    """
    mdp, behaviour, threshold = logging_problem(cell["kappa"], cell["cover"])
    limit = round(150.0 * cell["cover"] / cell["kappa"] ** 2)
    sizes = np.unique(np.round(GROWTH ** np.arange(5, np.log(limit) / np.log(GROWTH))).astype(np.int64))
    worth = [evaluate(mdp, np.full((H, 3), a)).value for a in range(4)]
    needed, unsafe, unsafe_plug_in, bad = [], [], [], np.zeros(sizes.size)
    for _ in range(cell["runs"]):
        data = sample_trajectories(mdp, behaviour, episodes=int(sizes[-1]), reward_noise="none", rng=rng)
        certified, wrong, wrong_plug_in = sizes[-1], False, False
        for i in range(sizes.size - 1, -1, -1):
            part = first_episodes(data, int(sizes[i]))
            for evaluator in ("kl", "plug-in"):
                found = offline_baseline(part, mdp.r, mu0=mdp.mu0, delta=HALF, evaluator=evaluator)
                below = worth[found.policy[0, 0]] < threshold - 1e-12
                sure = found.lcb >= threshold
                if evaluator == "kl":
                    bad[i] += below
                    certified, wrong = (sizes[i] if sure else certified), wrong or (sure and below)
                else:
                    wrong_plug_in = wrong_plug_in or (sure and below)
        needed.append(certified)
        unsafe.append(wrong)
        unsafe_plug_in.append(wrong_plug_in)
    return {
        "needed": np.array(needed),
        "unsafe": np.array(unsafe),
        "unsafe_plug_in": np.array(unsafe_plug_in),
        "sizes": sizes,
        "share_unsafe": bad / cell["runs"],
    }


def online_cells(scale: Scale) -> list[Cell]:
    """Numbers of logged episodes; whether the logs are counted as initial data."""
    quick = scale == "quick"
    logged, episodes, runs = ((200, 800, 3200), 600, 30) if quick else ((200, 800, 3200, 12_800), 20_000, 50)
    return [
        dict(logged=n, initial=initial, episodes=episodes, runs=runs, delta=HALF * 2)
        for n in logged
        for initial in (False, True)
    ]


def run_online(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Run StepMix with a baseline learned offline, on a trap with a better action that was hardly logged.

    Returns
    -------
    mapping
        One entry a run. ``certified``: whether the certificate of the learned baseline is above the threshold, 0.4
        (only then the run is made); ``violating``: episodes below the threshold, counting a certified baseline that is
        not safe as one; ``at`` and ``regret`` (runs, 12): cumulative regret, that of the optimum minus the threshold
        for every episode where no run was made.
    """
    mdp, baseline_value = conservative_trap(-1.0, chances=(0.2, 0.2, 0.7, 0.6), H=H).mdp, 0.6
    behaviour = np.zeros((H, 3, 4))
    behaviour[:, :, 0] = 1.0
    behaviour[:, 0] = (0.1, 0.1, 0.01, 0.79)
    threshold = 0.4
    at = checkpoints(cell["episodes"], 10, 12)
    certified, violating, curves = [], [], []
    for _ in range(cell["runs"]):
        data = sample_trajectories(mdp, behaviour, episodes=cell["logged"], reward_noise="none", rng=rng)
        found: OfflineBaseline = offline_baseline(data, mdp.r, mu0=mdp.mu0, delta=HALF)
        certified.append(found.lcb > threshold)
        curve, wrong = (0.7 - threshold) * at, 0
        if certified[-1] and evaluate(mdp, found.policy).value <= threshold:
            wrong = 1
        elif certified[-1]:
            problem = ConservativeProblem(mdp, np.eye(4)[found.policy], threshold)
            run = stepmix(
                mdp, episodes=cell["episodes"], baseline=problem.baseline, threshold=threshold, delta=HALF, rng=rng,
                initial_data=data if cell["initial"] else None,
            )  # fmt: skip
            curve, wrong = run.regret[at - 1], int(run.violations.sum())
        violating.append(wrong)
        curves.append(curve)
    return {
        "certified": np.array(certified),
        "violating": np.array(violating),
        "at": at,
        "regret": np.array(curves),
        "baseline_value": np.array([baseline_value]),
    }
