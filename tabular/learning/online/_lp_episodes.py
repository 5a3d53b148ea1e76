"""What the two learners that plan by an occupancy program share: the loop over episodes, empirical rows, evaluation."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..._jit import kernel
from ...planning.finite_horizon import backward_induction
from ...simulation.sampling import _draw
from ._conservative import Setting
from ._counts import Counts, _record, empty_counts
from ._episodes import Dynamics, _next_state, _stochastic_policy_value
from .results import ConservativeRun

__all__ = ["Decision", "Log", "empirical_rows", "pessimistic_value", "result", "run"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Decision(NamedTuple):
    """What a learner decides: a policy (H, S, A), or None for the baseline, and its certificate."""

    policy: Floats | None
    lcb: float


class Log(NamedTuple):
    """What a run did: per episode the exact value, the certificate and whether the baseline was left."""

    values: Floats
    lcb: Floats
    left: npt.NDArray[np.bool_]
    policy: Floats
    visits: Ints


@kernel
def _play_stochastic(model: Dynamics, policy: Floats, rng: np.random.Generator, counts: Counts, visits: Ints) -> None:
    """Play one episode of a stochastic policy (H, S, A) and count it."""
    s = _draw(model.mu0, rng.random())
    for h in range(policy.shape[0]):
        a = _draw(policy[h, s], rng.random())
        s_next = _next_state(model, h, s, a, rng.random())
        _record(counts, h, s, a, s_next)
        visits[h, s, a] += 1
        s = s_next


@kernel
def _empirical(counts: Counts, rows: Floats) -> None:
    """Empirical transitions into ``rows`` (H, S, A, S); uniform where nothing was seen."""
    H, S, A = counts.n.shape
    for h in range(H):
        for s in range(S):
            for a in range(A):
                n = counts.n[h, s, a]
                rows[h, s, a] = 0.0 if n > 0.0 else 1.0 / S
                for i in range(counts.degree[h, s, a]):
                    rows[h, s, a, counts.successor[h, s, a, i]] = counts.weight[h, s, a, i] / n


def empirical_rows(counts: Counts) -> Floats:
    """Return empirical transitions (H, S, A, S), uniform where nothing was seen."""
    rows = np.empty(counts.weight.shape)
    _empirical(counts, rows)
    return rows


def pessimistic_value(P: Floats, reward: Floats, policy: Floats, mu0: Floats) -> float:
    """Value from ``mu0`` of a stochastic policy (H, S, A) under given transitions and rewards."""
    V = np.zeros(mu0.shape[0])
    for h in range(reward.shape[0] - 1, -1, -1):
        V = (policy[h] * (reward[h] + P[h] @ V)).sum(axis=-1)
    return float(mu0 @ V)


def result(task: Setting, log: Log, **how: Any) -> ConservativeRun:
    """Return the result of a run that never mixes."""
    H = task.baseline.shape[0]
    return ConservativeRun(
        **how,
        values=log.values,
        optimal_value=backward_induction(task.mdp).value,
        policy=log.policy,
        visits=log.visits,
        threshold=task.threshold,
        baseline_value=task.baseline_value,
        kappa=task.kappa,
        baseline_steps=np.where(log.left, 0, H),
        rho=np.zeros(log.values.shape),
        lcb=log.lcb,
        certified=log.left | (log.lcb >= task.threshold),
        optimistic_values=log.values.copy(),
    )


def run(task: Setting, decide: Callable[[Counts], Decision], *, episodes: int, every: bool) -> Log:
    """Play ``episodes`` episodes; decide anew before each, or only when some count has doubled since."""
    model, baseline = task.model, task.baseline
    H, S, A = baseline.shape
    counts, visits = empty_counts(H, S, A), np.zeros((H, S, A), dtype=np.int64)
    values, lcb, left = np.empty(episodes), np.empty(episodes), np.zeros(episodes, dtype=np.bool_)
    workspace = np.empty((2, S))
    limit, policy, value, decision = np.full(counts.n.shape, -1.0), baseline, 0.0, Decision(None, 0.0)
    for k in range(episodes):
        if every or np.any(counts.n >= limit):
            decision = decide(counts)
            limit = np.maximum(2.0 * counts.n, 1.0)
            policy = baseline if decision.policy is None else decision.policy
            value = (
                task.baseline_value if decision.policy is None else _stochastic_policy_value(model, policy, workspace)
            )
        values[k], lcb[k], left[k] = value, decision.lcb, decision.policy is not None
        _play_stochastic(model, policy, task.rng, counts, visits)
    return Log(values, lcb, left, policy, visits)
