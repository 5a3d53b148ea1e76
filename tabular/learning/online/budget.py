r"""Budget exploration: conservative in the running sum of values, not in each episode.

The scheme of Yang, Wu, Zhong, Garcelon, Pirotta, Lazaric, Wang and Du, *A Reduction-Based Framework for Conservative
Bandits and Reinforcement Learning* (ICLR 2022): playing the baseline earns a budget, which optimistic episodes spend.
Here with a threshold :math:`\gamma` below the value of the baseline :math:`\pi^b`, and with the certificates of
`stepmix`: the account :math:`B_k` is a lower bound on :math:`\sum_{j\le k}V^{\pi^j}`, and episode :math:`k` plays the
optimistic policy :math:`\bar\pi^k` if and only if

.. math::  B_{k-1} + \mathrm{LCB}_k(\bar\pi^k) \ge k\gamma,

adding :math:`\mathrm{LCB}_k(\bar\pi^k)`; otherwise it plays :math:`\pi^b`, adding
:math:`\max(\mathrm{LCB}_k(\pi^b), \gamma)`. Then :math:`B_k\ge k\gamma` for every :math:`k` whatever the certificates
are, and :math:`\sum_{j\le k}V^{\pi^j}\ge k\gamma` where they are valid. Single episodes may fall below :math:`\gamma`.

Deviations from the paper
-------------------------
1. Its certificates are those of the learner it wraps; these are stated for the known threshold and known rewards.
2. The constraint there is :math:`\sum_{j\le k}V^{\pi^j}\ge(1-\alpha)kV^{\pi^b}`: here
   :math:`\gamma = (1-\alpha)V^{\pi^b}`.
"""

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ..._jit import kernel
from ...models import EpisodicMDP
from ...planning.finite_horizon import backward_induction
from ...simulation.sampling import _draw
from ._conservative import setting
from ._counts import empty_counts
from ._episodes import Dynamics, _next_state, _policy_value, _stochastic_policy_value, require_unit_rewards
from ._stepmix_kernels import Learned, Log, Task, _assemble, _certificate, _learn, _plan, learned
from .results import ConservativeRun
from .stepmix import evaluating, planning

__all__ = ["budget_exploration"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Seed = int | np.random.SeedSequence | np.random.Generator


@kernel
def _run_budget(
    model: Dynamics, task: Task, mind: Learned, rng: np.random.Generator, log: Log, executed: Floats, visits: Ints
) -> None:
    """Play K episodes; ``executed`` (H, S, A) is left as the policy of the last one.

    The account is kept as the surplus ``B_k - k threshold``, which never falls below 0.
    """
    H = visits.shape[0]
    surplus = 0.0
    for k in range(log.values.shape[0]):
        _plan(task, mind)
        log.lcb[k] = _certificate(task, mind, 0)
        log.optimistic_values[k] = _policy_value(model, mind.optimistic, mind.work)
        steps = 0 if surplus + (log.lcb[k] - task.threshold) >= 0.0 else H
        if steps == H:
            log.lcb[k] = max(_certificate(task, mind, H), task.threshold)
        surplus += log.lcb[k] - task.threshold
        log.baseline_steps[k], log.rho[k] = steps, 0.0
        log.certified[k] = log.lcb[k] >= task.threshold
        _assemble(task, mind, steps, 0.0, executed)
        log.values[k] = _stochastic_policy_value(model, executed, mind.work)
        s = _draw(model.mu0, rng.random())
        for h in range(H):
            a = _draw(executed[h, s], rng.random())
            s_next = _next_state(model, h, s, a, rng.random())
            _learn(mind, h, s, a, s_next)
            visits[h, s, a] += 1
            s = s_next


def budget_exploration(
    mdp: EpisodicMDP,
    *,
    episodes: int,
    baseline: npt.ArrayLike,
    kappa: float | None = None,
    threshold: float | None = None,
    delta: float = 0.05,
    planner: str = "kl",
    evaluator: str = "kl",
    scale: float = 1.0,
    planner_scale: float = 1.0,
    rng: Seed,
) -> ConservativeRun:
    r"""Budget exploration in the manner of Yang et al. (2022), with the certificates of `stepmix`.

    Parameters
    ----------
    mdp : EpisodicMDP
        Rewards in [0, 1], known to the learner.
    episodes : int
        K, >= 1.
    baseline : array
        Policy of known value above the threshold, int (H, S) or stochastic (H, S, A).
    kappa, threshold : float
        Exactly one: the tolerated loss ``kappa > 0``, or the threshold, below the baseline's value.
    delta : float
        Confidence in (0, 1).
    planner, evaluator : str
        As of `stepmix`.
    scale, planner_scale : float
        As of `stepmix`.
    rng : int, SeedSequence or Generator
        Randomness of the episodes.

    Returns
    -------
    ConservativeRun
        ``lcb`` is what each episode adds to the account, so that ``np.cumsum(run.lcb)`` is the account. ``bonus``
        names the evaluator.

    Raises
    ------
    ParameterError
        As `stepmix`.
    PolicyError
        If the baseline is no policy.
    """
    task = setting(mdp, baseline, kappa, threshold, rng)
    require_unit_rewards(mdp)
    episodes, delta = check.count(episodes, "episodes"), check.fraction(delta, "delta")
    H, S, A = mdp.r.shape
    counts = empty_counts(H, S, A)
    mind = learned(counts, planning(planner, planner_scale, delta, counts), evaluating(evaluator, scale, delta, counts))
    known = Task(task.model.r, task.model.mu0, np.ones(S), task.baseline, task.threshold)
    log = Log(
        values=np.empty(episodes),
        baseline_steps=np.empty(episodes, dtype=np.int64),
        rho=np.empty(episodes),
        lcb=np.empty(episodes),
        certified=np.empty(episodes, dtype=np.bool_),
        optimistic_values=np.empty(episodes),
    )
    executed, visits = np.empty((H, S, A)), np.zeros((H, S, A), dtype=np.int64)
    _run_budget(task.model, known, mind, task.rng, log, executed, visits)
    return ConservativeRun(
        algorithm="budget-exploration",
        bonus=evaluator,
        scale=float(scale),
        delta=delta,
        optimal_value=backward_induction(mdp).value,
        policy=executed,
        visits=visits,
        threshold=task.threshold,
        baseline_value=task.baseline_value,
        kappa=task.kappa,
        **log._asdict(),
    )
