"""Kernels of StepMix and EpsMix: certify candidates, choose, mix, play."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..._jit import kernel
from ...simulation.sampling import _draw
from ._bpi_kernels import BpiPlan, _bpi_plan, empty_bpi_plan
from ._counts import Counts, _record
from ._episodes import Dynamics, _next_state, _policy_value, _stochastic_policy_value
from ._evaluators import BPI, Radii, _ball_plan, _follow, _set_radius

__all__ = ["Learned", "Log", "Task", "learned"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class Task(NamedTuple):
    """What the learner knows from the start."""

    r: Floats  # (H, S, A) rewards
    mu0: Floats  # (S,)
    everywhere: Floats  # (S,) ones
    baseline: Floats  # (H, S, A)
    threshold: float


class Learned(NamedTuple):
    """What it has learnt, its current plan, and workspaces."""

    counts: Counts  # one table a step
    planner: Radii
    evaluator: Radii
    bpi: BpiPlan  # the plan of BPI-UCBVI; the next two are its arrays, whichever planner fills them
    upper: Floats  # (H + 1, S) optimistic values
    optimistic: Ints  # (H, S) their greedy policy
    follows: Floats  # (H, S, A) the same as probabilities
    lower: Floats  # (H + 1, S) lower bounds on the values of that policy
    work: Floats  # (2, S)


class Log(NamedTuple):
    """What happened in each of K episodes; names as in `ConservativeRun`."""

    values: Floats
    baseline_steps: Ints
    rho: Floats
    lcb: Floats
    certified: Bools
    optimistic_values: Floats


def learned(counts: Counts, planner: Radii, evaluator: Radii) -> Learned:
    """Return the state of a learner that has seen ``counts``."""
    H, S, A = counts.n.shape
    bpi = empty_bpi_plan(S, A, H)
    return Learned(
        counts, planner, evaluator, bpi, bpi.U, bpi.policy, np.zeros((H, S, A)), np.zeros((H + 1, S)), np.zeros((2, S))
    )


@kernel
def _certificate(task: Task, mind: Learned, h0: int) -> float:
    """Lower bound on the value of the candidate that follows the baseline for ``h0`` steps, then the optimistic policy.

    ``mind.lower[h0]`` must be current.
    """
    source = mind.lower[h0]
    for h in range(h0 - 1, -1, -1):
        target = mind.work[h % 2]
        start = task.mu0 if h == 0 else task.everywhere
        _follow(mind.evaluator, mind.counts, task.r, task.baseline, h, source, mind.upper[h + 1], start, -1.0, target)
        source = target
    total = 0.0
    for s in range(source.shape[0]):
        total += task.mu0[s] * source[s]
    return total


@kernel
def _plan(task: Task, mind: Learned) -> None:
    """Optimistic policy of the counts, and lower bounds on its values (at step 0 where an episode can start)."""
    if mind.planner.kind == BPI:
        _bpi_plan(mind.bpi, mind.counts, task.r, mind.planner.delta, mind.planner.scale, 1.0)
    else:
        _ball_plan(mind.planner, mind.counts, task.r, 1.0, mind.upper, mind.optimistic)
    H, S, A = mind.follows.shape
    for h in range(H - 1, -1, -1):
        for s in range(S):
            for a in range(A):
                mind.follows[h, s, a] = 1.0 if a == mind.optimistic[h, s] else 0.0
        start = task.mu0 if h == 0 else task.everywhere
        _follow(
            mind.evaluator, mind.counts, task.r, mind.follows, h, mind.lower[h + 1], mind.upper[h + 1], start, -1.0,
            mind.lower[h],
        )  # fmt: skip


@kernel
def _mixing(certified: float, refused: float, threshold: float) -> tuple[float, float]:
    """Weight of the refused candidate that brings the bound down to the threshold, and that bound; below 1."""
    rho = min((certified - threshold) / max(certified - refused, 1e-300), 1.0 - 2.0**-53)
    return rho, (1.0 - rho) * certified + rho * refused


@kernel
def _step_choice(task: Task, mind: Learned) -> tuple[int, float, float, bool]:
    """StepMix: baseline steps, mixing weight, lower bound of what is executed, whether it is certified."""
    H = mind.optimistic.shape[0]
    refused = 0.0
    for h0 in range(H + 1):
        bound = _certificate(task, mind, h0)
        if bound >= task.threshold:
            if h0 == 0:
                return 0, 0.0, bound, True
            rho, lcb = _mixing(bound, refused, task.threshold)
            return h0, rho, lcb, True
        refused = bound
    return H, 0.0, refused, False


@kernel
def _episode_choice(task: Task, mind: Learned) -> tuple[int, float, float, bool]:
    """EpsMix: as `_step_choice`, with the optimistic policy and the baseline for candidates."""
    H = mind.optimistic.shape[0]
    refused = _certificate(task, mind, 0)
    if refused >= task.threshold:
        return 0, 0.0, refused, True
    bound = _certificate(task, mind, H)
    if bound < task.threshold:
        return H, 0.0, bound, False
    rho, lcb = _mixing(bound, refused, task.threshold)
    return H, rho, lcb, True


@kernel
def _assemble(task: Task, mind: Learned, baseline_steps: int, rho: float, out: Floats) -> None:
    """Step mixture (H, S, A): the baseline, mixed at its last step with the optimistic policy, which follows."""
    H, S, A = out.shape
    for h in range(H):
        weight = 1.0 if h >= baseline_steps else rho if h == baseline_steps - 1 else 0.0
        for s in range(S):
            for a in range(A):
                out[h, s, a] = (1.0 - weight) * task.baseline[h, s, a]
            out[h, s, mind.optimistic[h, s]] += weight


@kernel
def _learn(mind: Learned, h: int, s: int, a: int, s_next: int) -> None:
    """Count one transition and bring the radii up to date."""
    _record(mind.counts, h, s, a, s_next)
    _set_radius(mind.planner, mind.counts, h, s, a)
    _set_radius(mind.evaluator, mind.counts, h, s, a)


@kernel
def _decide(task: Task, mind: Learned, episodic: bool) -> tuple[int, float, float, bool]:
    """Plan and choose, for EpsMix where ``episodic``; returns what `_step_choice` does."""
    _plan(task, mind)
    if episodic:
        return _episode_choice(task, mind)
    return _step_choice(task, mind)


@kernel
def _commit(
    task: Task, mind: Learned, episodic: bool, steps: int, rho: float, rng: np.random.Generator, executed: Floats
) -> None:
    """Write the policy of this episode to ``executed`` (H, S, A); EpsMix throws its coin."""
    if episodic:
        _assemble(task, mind, 0 if rng.random() < rho else steps, 0.0, executed)
    else:
        _assemble(task, mind, steps, rho, executed)


@kernel
def _run(
    model: Dynamics, task: Task, mind: Learned, episodic: bool, rng: np.random.Generator, log: Log, executed: Floats,
    visits: Ints,
) -> None:  # fmt: skip
    """Play K episodes; ``executed`` (H, S, A) is left as the policy that the last one followed."""
    H = visits.shape[0]
    baseline_value = _stochastic_policy_value(model, task.baseline, mind.work)
    for k in range(log.values.shape[0]):
        steps, rho, log.lcb[k], log.certified[k] = _decide(task, mind, episodic)
        log.baseline_steps[k], log.rho[k] = steps, rho
        optimistic_value = _policy_value(model, mind.optimistic, mind.work)
        log.optimistic_values[k] = optimistic_value
        s = _draw(model.mu0, rng.random())
        _commit(task, mind, episodic, steps, rho, rng, executed)
        if not episodic:
            log.values[k] = _stochastic_policy_value(model, executed, mind.work)
        elif steps == 0:
            log.values[k] = optimistic_value
        else:
            log.values[k] = (1.0 - rho) * baseline_value + rho * optimistic_value
        for h in range(H):
            a = _draw(executed[h, s], rng.random())
            s_next = _next_state(model, h, s, a, rng.random())
            _learn(mind, h, s, a, s_next)
            visits[h, s, a] += 1
            s = s_next
