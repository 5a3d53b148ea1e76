"""Studies of stepmix on random counts: bounds, candidates and mixtures held against exact values.

No learner plays here. What one would know after some visits of every pair is drawn from the model directly, from no
visit at all to so many that the bounds are tight, so that statements about *every* state of knowledge are tried on more
than what a learner happens to meet.
"""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments import instances
from experiments.study import Cell, Scale
from tabular._jit import kernel
from tabular.learning.online._confidence import _beta_kl
from tabular.learning.online._counts import Counts, empty_counts
from tabular.learning.online._episodes import Dynamics, _stochastic_policy_value, dynamics
from tabular.learning.online._evaluators import KL, Radii, _bound_policy, radii_of
from tabular.learning.online._stepmix_kernels import (
    Learned,
    Task,
    _assemble,
    _certificate,
    _episode_choice,
    _plan,
    _step_choice,
    learned,
)
from tabular.models import EpisodicMDP
from tabular.planning import backward_induction, evaluate

__all__ = ["candidate_cells", "evaluator_cells", "random_counts", "run_candidates", "run_evaluators"]

Arrays = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]

DELTA = 0.1
MOST_POLICIES = 4096


def random_counts(mdp: EpisodicMDP, most: float, rng: np.random.Generator, share: Floats | float = 1.0) -> Counts:
    """Return counts of every pair at every step: log-uniform numbers of visits up to ``most``, one pair in ten unseen.

    ``share``, (H, S, A) or a number, multiplies them.
    """
    H, S, A = mdp.r.shape
    counts = empty_counts(H, S, A)
    visits = np.floor(share * most ** rng.random((H, S, A)))
    counts.n[:] = np.where(rng.random((H, S, A)) < 0.1, 0.0, visits)
    for index in np.ndindex(H, S, A):
        seen = rng.multinomial(int(counts.n[index]), mdp.P[index])
        successor = rng.permutation(np.flatnonzero(seen))
        counts.degree[index] = successor.size
        counts.successor[index][: successor.size] = successor
        counts.weight[index][: successor.size] = seen[successor]
    return counts


def on_event(mdp: EpisodicMDP, counts: Counts, delta: float) -> bool:
    """Whether every row lies in its KL ball."""
    H, S, A = counts.n.shape
    for index in np.ndindex(H, S, A):
        m, n = int(counts.degree[index]), float(counts.n[index])
        weight, p = counts.weight[index][:m], mdp.P[index][counts.successor[index][:m]]
        if n > 0 and float(np.sum(weight * np.log(weight / (n * p)))) > _beta_kl(n, delta, S, A, H):
            return False
    return True


def prepared(
    mdp: EpisodicMDP, baseline: Floats, threshold: float, counts: Counts, scale: float
) -> tuple[Task, Learned]:
    """Return task and learner with KL planner and KL evaluator, planned at ``counts``."""
    task = Task(dynamics(mdp).r, mdp.mu0, np.ones(mdp.S), baseline, threshold)
    mind = learned(counts, radii_of(KL, 1.0, DELTA, counts), radii_of(KL, scale, DELTA, counts))
    _plan(task, mind)
    return task, mind


@kernel
def _gaps(
    model: Dynamics, radii: Radii, counts: Counts, policies: Floats, upper: Floats, work: Floats, bound: Floats,
    out: Floats,
) -> None:  # fmt: skip
    """Write the lower bound, the exact value and the upper bound of each policy (H, S, A) to ``out`` (n, 3)."""
    for i in range(policies.shape[0]):
        out[i, 1] = _stochastic_policy_value(model, policies[i], work)
        for side, sign in ((0, -1.0), (2, 1.0)):
            _bound_policy(radii, counts, model.r, policies[i], upper, sign, bound)
            out[i, side] = 0.0
            for s in range(bound.shape[1]):
                out[i, side] += model.mu0[s] * bound[0, s]


def _policies(S: int, A: int, H: int, others: int, rng: np.random.Generator) -> Floats:
    """Return all deterministic policies where there are at most `MOST_POLICIES`, and ``others`` random ones."""
    found = [instances.dirichlet_rows((others, H, S, A), 0.5, rng)]
    if A ** (H * S) <= MOST_POLICIES:
        found.append(np.array([np.eye(A)[list(a)].reshape(H, S, A) for a in itertools.product(range(A), repeat=H * S)]))
    policies = np.concatenate(found)
    policies.setflags(write=False)
    return policies


def evaluator_cells(scale: Scale) -> list[Cell]:
    """Shapes of random models, largest number of visits, blocks of count tables."""
    quick = scale == "quick"
    shapes = ((2, 2, 2, 15), (3, 2, 2, 15), (5, 5, 3, 15)) if quick else (
        (2, 2, 2, 60), (3, 2, 3, 60), (2, 4, 3, 10), (5, 5, 3, 60))  # fmt: skip
    blocks, others = (1, 20) if quick else (2, 200)
    return [
        dict(S=S, A=A, H=H, most=most, block=block, tables=tables, others=others, delta=DELTA)
        for S, A, H, tables in shapes
        for most in (30.0, 1e4, 1e7)
        for block in range(blocks)
    ]


def run_evaluators(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Hold the KL bounds of many policies at once against exact values, on random counts of random models.

    Returns
    -------
    mapping
        One entry a table of counts. ``event``: whether every row lies in its KL ball; ``below``: largest lower bound
        minus exact value over the policies; ``above``: largest exact value minus upper bound; ``optimism``: optimal
        value minus that of the KL planner; ``below_plug_in``, ``below_small``: as ``below``, with radius 0 and 0.05
        times the radius; ``slack``: mean exact value minus lower bound; ``policies``: number of policies.
    """
    S, A, H = cell["S"], cell["A"], cell["H"]
    rows = []
    for _ in range(cell["tables"]):
        mdp = instances.random_episodic(S, A, H, alpha=float(rng.choice([1.0, 0.3])), rng=rng)
        counts = random_counts(mdp, cell["most"], rng)
        policies = _policies(S, A, H, cell["others"], rng)
        model, work, bound = dynamics(mdp), np.empty((2, S)), np.empty((H + 1, S))
        _, mind = prepared(mdp, policies[0], 0.0, counts, 1.0)
        found = []
        for scale in (1.0, 0.0, 0.05):
            out = np.empty((policies.shape[0], 3))
            _gaps(model, radii_of(KL, scale, DELTA, counts), counts, policies, mind.upper, work, bound, out)
            found.append(out)
        exact = found[0]
        rows.append(
            (
                float(on_event(mdp, counts, DELTA)),
                (exact[:, 0] - exact[:, 1]).max(),
                (exact[:, 1] - exact[:, 2]).max(),
                backward_induction(mdp).value - float(mdp.mu0 @ mind.upper[0]),
                (found[1][:, 0] - exact[:, 1]).max(),
                (found[2][:, 0] - exact[:, 1]).max(),
                (exact[:, 1] - exact[:, 0]).mean(),
                policies.shape[0],
            )
        )
    names = ("event", "below", "above", "optimism", "below_plug_in", "below_small", "slack", "policies")
    return {name: np.array([row[i] for row in rows], dtype=np.float64) for i, name in enumerate(names)}


def candidate_cells(scale: Scale) -> list[Cell]:
    """Families and horizons, largest number of visits, factor on the radii, blocks."""
    blocks, tables = (1, 60) if scale == "quick" else (4, 250)
    return [
        dict(family=family, H=H, most=most, scale=factor, block=block, tables=tables)
        for family, H in (("random", 2), ("random", 3), ("trap", 2), ("trap", 4))
        for most, factor in ((1e4, 1.0), (1e7, 1.0), (1e4, 0.0))
        for block in range(blocks)
    ]


def _problem(family: str, H: int, rng: np.random.Generator) -> tuple[EpisodicMDP, Floats]:
    """Return a model and a baseline: random with a Boltzmann one, or a trap with random chances."""
    if family == "trap":
        chances = [0.6, *rng.random(4)]
        trap = instances.conservative_trap(0.0, chances=chances, H=H, share=float(rng.choice([0.9, 1.0])))
        return trap.mdp, trap.baseline
    problem = instances.conservative_random(4, 3, H, eta=float(rng.choice([2.0, 20.0])), rng=rng)
    return problem.mdp, problem.baseline


def run_candidates(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Let StepMix and EpsMix choose at random counts, with a random threshold, and evaluate exactly.

    Returns
    -------
    mapping
        One entry a table of counts. For StepMix: ``threshold``, ``steps`` (baseline steps h), ``rho``, ``certified``,
        ``accepted`` and ``refused`` (lower bounds of the candidates h and h-1; the latter the former if h = 0),
        ``earlier`` (largest lower bound of the candidates before h; minus infinity is written as -1),
        ``last_accepted``, ``last_refused`` (those of the candidates H and H-1), ``valid`` (whether the lower bounds of
        the candidates used are at most their exact values), ``value``, ``value_refused`` (exact values of what is
        executed and of the candidate h-1). For EpsMix ``eps_rho``, ``eps_certified``, ``eps_valid``, ``eps_value``
        (coin included) and ``eps_value_refused``.
    """
    names = (
        "threshold", "steps", "rho", "certified", "accepted", "refused", "earlier", "last_accepted", "last_refused",
        "valid", "value", "value_refused", "eps_rho", "eps_certified", "eps_valid", "eps_value", "eps_value_refused",
    )  # fmt: skip
    rows = []
    for _ in range(cell["tables"]):
        mdp, baseline = _problem(cell["family"], cell["H"], rng)
        H, S, A = mdp.r.shape
        counts = random_counts(mdp, cell["most"], rng, np.maximum(baseline, 1e-3))
        task, mind = prepared(mdp, baseline, 0.0, counts, cell["scale"])
        bounds = np.array([_certificate(task, mind, h0) for h0 in range(H + 1)])
        worth = evaluate(mdp, baseline).value
        aim = bounds[0] + rng.random() * (bounds.max() - bounds[0]) if rng.random() < 0.8 else rng.random() * worth
        threshold = min(float(aim), worth)
        task = task._replace(threshold=threshold)
        steps, rho, _, certified = _step_choice(task, mind)
        executed = np.empty((H, S, A))
        _assemble(task, mind, steps, rho, executed)
        exact = np.empty(H + 1)
        for h0 in range(H + 1):
            candidate = np.empty((H, S, A))
            _assemble(task, mind, h0, 0.0, candidate)
            exact[h0] = evaluate(mdp, candidate).value
        before = max(steps - 1, 0)
        used = [steps, before] if certified else []
        _, eps_rho, _, eps_certified = _episode_choice(task, mind)
        follows_optimist = bounds[0] >= threshold
        eps_value = exact[0] if follows_optimist else (1.0 - eps_rho) * exact[H] + eps_rho * exact[0]
        eps_used = [0] if follows_optimist else [0, H] if eps_certified else []
        rows.append(
            (
                threshold,
                steps,
                rho,
                certified,
                bounds[steps],
                bounds[before],
                max(bounds[:steps], default=-1.0),
                bounds[H],
                bounds[H - 1],
                _valid(bounds, exact, used),
                evaluate(mdp, executed).value,
                exact[before],
                eps_rho,
                eps_certified,
                _valid(bounds, exact, eps_used),
                eps_value,
                exact[0],
            )
        )
    return {name: np.array([float(row[i]) for row in rows]) for i, name in enumerate(names)}


def _valid(bounds: Floats, exact: Floats, used: list[int]) -> bool:
    return all(bounds[i] <= exact[i] + 1e-12 for i in used)
