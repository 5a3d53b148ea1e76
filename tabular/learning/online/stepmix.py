r"""StepMix and EpsMix: exploration in which every episode's policy stays above a known threshold.

Li, Huang, Shen and Yang, *Near-optimal Conservative Exploration in Reinforcement Learning under Episode-wise
Constraints* (ICML 2023). The learner is given a baseline policy :math:`\pi^b` and a threshold
:math:`\gamma < V^{\pi^b}`; the value of the policy it executes must be at least :math:`\gamma` in *every* episode.

Each episode plans an optimistic policy :math:`\bar\pi` and certifies candidates by a lower confidence bound L. The
candidates of StepMix follow :math:`\pi^b` for the first :math:`h` steps and :math:`\bar\pi` from then on, h = 0..H.
With h the smallest whose bound is at least :math:`\gamma`, it executes the candidate if h = 0, and otherwise its step
mixture with the candidate h - 1: at step h (the last of the baseline's) :math:`\bar\pi` with probability

.. math::  \rho = \frac{L^{h}-\gamma}{L^{h}-L^{h-1}} \in [0, 1).

EpsMix has two candidates, :math:`\bar\pi` and :math:`\pi^b`, and throws the coin once, at the start of the episode.
Where no candidate is certified, :math:`\pi^b` is executed.

If the bounds of the two candidates used are valid, the executed value is at least
:math:`(1-\rho)L^h + \rho L^{h-1} = \gamma`: safety needs valid bounds and nothing else. Those of ``evaluator="kl"``
and ``"hoeffding"`` are valid for all policies at once, data-dependent ones included, on the event that every true
row lies in its ball, which has probability at least :math:`1-\delta`: the successors of a pair are independent draws of
its row, whoever chose to visit it, and the radius is uniform over the number of draws.

Deviations from the paper
-------------------------
1. The default planner and evaluator are optimistic and pessimistic dynamic programs over KL balls, tighter than the
   published forms, which are ``planner="bpi"`` and ``evaluator="bernstein"``; the constants of these are recalled.
2. The first state may be random with a known distribution: bounds are averaged over it.
3. Values are clipped at H - h, the most that can still be earned from step h (counted from 0).
4. Rewards are known, so that all of delta is spent on transitions.
5. ``initial_data``: transitions logged before the run are counted as if the run had seen them. The event above
   covers them, because the radius is uniform over the number of draws: it does not matter which of the draws of a pair
   were made offline, as long as what was logged was not selected by its outcome.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ...errors import ParameterError
from ...models import EpisodicMDP
from ...planning.finite_horizon import backward_induction
from ...simulation.dataset import OfflineDataset
from ...simulation.sampling import _draw
from ...streams import generator
from ._conservative import setting
from ._counts import Counts, counts_of, empty_counts
from ._episodes import require_unit_rewards
from ._evaluators import BERNSTEIN, BPI, KL, L1, Radii, radii_of
from ._played import CountingAgent
from ._stepmix_kernels import Log, Task, _commit, _decide, _learn, _run, learned
from .results import ConservativeRun

__all__ = ["StepMix", "epsmix", "stepmix"]

Floats = npt.NDArray[np.float64]
Seed = int | np.random.SeedSequence | np.random.Generator

EVALUATORS = {"kl": KL, "bernstein": BERNSTEIN, "hoeffding": L1, "plug-in": KL}
PLANNERS = {"kl": KL, "bpi": BPI}


def stepmix(
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
    initial_data: OfflineDataset | None = None,
    rng: Seed,
) -> ConservativeRun:
    r"""StepMix (Li et al. 2023): mix baseline and optimistic policy at one step, as far as a lower bound allows.

    Parameters
    ----------
    mdp : EpisodicMDP
        Rewards in [0, 1], known to the learner.
    episodes : int
        K, >= 1.
    baseline : array
        Policy whose value is above the threshold, int (H, S) or stochastic (H, S, A).
    kappa, threshold : float
        Exactly one: the tolerated loss ``kappa > 0``, or the threshold, below the baseline's value.
    delta : float
        Confidence in (0, 1).
    planner : {"kl", "bpi"}
        The optimistic policy: dynamic program over KL balls, or the upper values of BPI-UCBVI.
    evaluator : {"kl", "hoeffding", "bernstein", "plug-in"}
        Lower bounds on values: over KL balls, over the L1 balls around them, or the published Bernstein form.
        ``"plug-in"`` takes the value under the empirical model (the worst successor where there is none): the broken
        variant.
    scale : float
        Factor on the radii of the evaluator (on the penalty of ``"bernstein"``), >= 0; safety needs 1.
    planner_scale : float
        Factor on those of the planner, >= 0.
    initial_data : OfflineDataset, optional
        Logged transitions with their steps, counted before the first episode.
    rng : int, SeedSequence or Generator
        An episode draws one uniform for its first state, then at each step one for the action and one for the
        successor.

    Returns
    -------
    ConservativeRun
        ``bonus`` names the evaluator.

    Raises
    ------
    ParameterError
        For a parameter out of range, a reward outside [0, 1], a threshold not below the baseline's value, data of
        another shape.
    PolicyError
        If the baseline is no policy.

    Notes
    -----
    Regret: :math:`\tilde O(\sqrt{H^3SAK} + H^3S^2A + H^3SA\Delta_0(1/\kappa^2 + S/\kappa))` with
    :math:`\Delta_0 = V^\star - V^{\pi^b}` (order as recalled). Candidates share their last steps, and the search
    stops at the first that is certified: at most H + 2 times one plan an episode, in practice about two or three times.

    Examples
    --------
    >>> from tabular import EpisodicMDP
    >>> mdp = EpisodicMDP([[[1.0], [1.0]]], [[0.5, 1.0]], H=1)
    >>> run = stepmix(mdp, episodes=3, baseline=[[0]], threshold=0.25, rng=0)
    >>> run.values.tolist(), int(run.violations.sum())
    ([1.0, 1.0, 1.0], 0)
    """
    return _conservative(
        mdp, "stepmix", episodes, baseline, kappa, threshold, delta, planner, evaluator, scale, planner_scale,
        initial_data, rng,
    )  # fmt: skip


def epsmix(
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
    initial_data: OfflineDataset | None = None,
    rng: Seed,
) -> ConservativeRun:
    """EpsMix (Li et al. 2023): follow the optimistic policy in a random part of the episodes, the baseline in the rest.

    The constraint is on the value of the mixture, the coin included; so are `values` and `regret`.

    Parameters
    ----------
    mdp : EpisodicMDP
        Rewards in [0, 1], known to the learner.
    episodes : int
        K, >= 1.
    baseline : array
        Policy whose value is above the threshold, int (H, S) or stochastic (H, S, A).
    kappa, threshold : float
        Exactly one, as of `stepmix`.
    delta : float
        Confidence in (0, 1).
    planner, evaluator : str
        As of `stepmix`.
    scale, planner_scale : float
        As of `stepmix`.
    initial_data : OfflineDataset, optional
        As of `stepmix`.
    rng : int, SeedSequence or Generator
        As of `stepmix`, with one uniform for the coin after that of the first state.

    Returns
    -------
    ConservativeRun
        ``policy`` is the one that the coin of the last episode chose.

    Raises
    ------
    ParameterError
        As `stepmix`.
    PolicyError
        If the baseline is no policy.
    """
    return _conservative(
        mdp, "epsmix", episodes, baseline, kappa, threshold, delta, planner, evaluator, scale, planner_scale,
        initial_data, rng,
    )  # fmt: skip


def _conservative(
    mdp: EpisodicMDP, algorithm: str, episodes: int, baseline: npt.ArrayLike, kappa: float | None,
    threshold: float | None, delta: float, planner: str, evaluator: str, scale: float, planner_scale: float,
    data: OfflineDataset | None, rng: Any,
) -> ConservativeRun:  # fmt: skip
    task = setting(mdp, baseline, kappa, threshold, rng)
    require_unit_rewards(mdp)
    K, delta = check.count(episodes, "episodes"), check.fraction(delta, "delta")
    H, S, A = mdp.r.shape
    counts = empty_counts(H, S, A) if data is None else logged(data, S, A, H)
    mind = learned(counts, planning(planner, planner_scale, delta, counts), evaluating(evaluator, scale, delta, counts))
    known = Task(task.model.r, task.model.mu0, np.ones(S), task.baseline, task.threshold)
    log = Log(
        values=np.empty(K),
        baseline_steps=np.empty(K, dtype=np.int64),
        rho=np.empty(K),
        lcb=np.empty(K),
        certified=np.empty(K, dtype=np.bool_),
        optimistic_values=np.empty(K),
    )
    executed, visits = np.empty((H, S, A)), np.zeros((H, S, A), dtype=np.int64)
    _run(task.model, known, mind, algorithm == "epsmix", task.rng, log, executed, visits)
    return ConservativeRun(
        algorithm=algorithm,
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


class StepMix(CountingAgent):
    """StepMix or EpsMix for an environment that is not one of our models.

    ``act(0, s)`` begins an episode, plans and chooses. An episode may end early: tell `observe` where it terminated
    (the known rewards of that state should be 0). With an environment that draws from the same generator as the
    agent, in the order of `stepmix`, the two agree bitwise.

    Parameters
    ----------
    S, A, H : int
        Numbers of states, actions and steps of an episode.
    r : array, shape (S, A) or (H, S, A)
        Rewards, known and in [0, 1].
    mu0 : array, shape (S,)
        Distribution of the first state.
    baseline : array
        Policy whose value is at least the threshold, int (H, S) or stochastic (H, S, A). This cannot be checked here.
    threshold : float
        Smallest value allowed in every episode.
    mixture : {"step", "episode"}
        StepMix or EpsMix.
    delta, planner, evaluator, scale, planner_scale, initial_data
        As of `stepmix`.
    rng : int, SeedSequence or Generator
        Source of the actions.

    Attributes
    ----------
    policy : ndarray, shape (H, S, A)
        What the current episode follows; for an episode mixture the part that the coin chose.
    baseline_steps, rho, lcb, certified
        Of the current episode, as in `ConservativeRun`.

    Raises
    ------
    ParameterError
        For an argument out of range.
    PolicyError
        If the baseline is no policy.

    Examples
    --------
    >>> agent = StepMix(1, 2, 1, r=[[0.5, 1.0]], mu0=[1.0], baseline=[[0]], threshold=0.25, rng=0)
    >>> agent.act(0, 0), agent.baseline_steps
    (1, 0)
    """

    def __init__(
        self,
        S: int,
        A: int,
        H: int,
        *,
        r: npt.ArrayLike,
        mu0: npt.ArrayLike,
        baseline: npt.ArrayLike,
        threshold: float,
        mixture: str = "step",
        delta: float = 0.05,
        planner: str = "kl",
        evaluator: str = "kl",
        scale: float = 1.0,
        planner_scale: float = 1.0,
        initial_data: OfflineDataset | None = None,
        rng: Seed,
    ) -> None:
        super().__init__(S, A, H)
        self._episodic = check.choice(mixture, "mixture", ("step", "episode")) == "episode"
        delta = check.fraction(delta, "delta")
        counts = empty_counts(H, S, A) if initial_data is None else logged(initial_data, S, A, H)
        self._mind = learned(
            counts, planning(planner, planner_scale, delta, counts), evaluating(evaluator, scale, delta, counts)
        )
        self._task = Task(
            unit_rewards(r, S, A, H),
            check.distribution(mu0, "mu0", S, ParameterError),
            np.ones(S),
            check.stochastic_policy(baseline, (H, S), A, "baseline"),
            check.number(threshold, "threshold"),
        )
        self._random = generator(rng)
        self.policy = self._task.baseline.copy()
        self.baseline_steps, self.rho, self.lcb, self.certified = H, 0.0, 0.0, False

    @property
    def transitions(self) -> npt.NDArray[np.int64]:
        """Transitions counted so far, shape (H, S, A, S)."""
        column = self._mind.counts.column.reshape(self.H, self.S, self.S, self.A)
        return np.ascontiguousarray(np.moveaxis(column, 1, -1)).astype(np.int64)

    def act(self, h: int, s: int) -> int:
        """Return an action at step ``h`` in state ``s``; ``h == 0`` begins an episode.

        Parameters
        ----------
        h, s : int
            Step and state.
        """
        h, s = self._visit(h, s)
        if h == 0:
            self.episode += 1
            chosen = _decide(self._task, self._mind, self._episodic)
            self.baseline_steps, self.rho, self.lcb, self.certified = chosen
            _commit(self._task, self._mind, self._episodic, self.baseline_steps, self.rho, self._random, self.policy)
        return int(_draw(self.policy[h, s], self._random.random()))

    def _learn(self, h: int, s: int, a: int, r: float, s_next: int) -> None:
        _learn(self._mind, h, s, a, s_next)


def unit_rewards(r: npt.ArrayLike, S: int, A: int, H: int) -> Floats:
    """Return a table of rewards, shape (H, S, A), read-only; ParameterError unless it fits and lies in [0, 1]."""
    table = check.as_array(r, "r", ndim=(2, 3), error=ParameterError)
    if table.shape not in ((S, A), (H, S, A)):
        raise ParameterError(f"r has shape {table.shape}; {(S, A)} or {(H, S, A)} is needed")
    if table.min() < 0.0 or table.max() > 1.0:
        index = tuple(int(i) for i in np.argwhere((table < 0.0) | (table > 1.0))[0])
        raise ParameterError(f"r{list(index)} is {float(table[index])}; rewards must lie in [0, 1]")
    rewards = np.ascontiguousarray(np.broadcast_to(table, (H, S, A)))
    rewards.setflags(write=False)
    return rewards


def planning(planner: str, scale: float, delta: float, counts: Counts) -> Radii:
    """Return the radii of a planner named in `PLANNERS`; ParameterError for another name or a negative factor."""
    kind = PLANNERS[check.choice(planner, "planner", tuple(PLANNERS))]
    return radii_of(kind, check.number(scale, "planner_scale", low=0.0), delta, counts)


def evaluating(evaluator: str, scale: float, delta: float, counts: Counts) -> Radii:
    """Return the radii of an evaluator named in `EVALUATORS`; ParameterError for another name or a negative factor."""
    kind = EVALUATORS[check.choice(evaluator, "evaluator", tuple(EVALUATORS))]
    factor = check.number(scale, "scale", low=0.0)
    return radii_of(kind, 0.0 if evaluator == "plug-in" else factor, delta, counts)


def logged(data: Any, S: int, A: int, H: int) -> Counts:
    """Return the counts of each step of a dataset; ParameterError unless it has these sizes."""
    if not isinstance(data, OfflineDataset):
        raise ParameterError(f"initial_data is a {type(data).__name__}; give an OfflineDataset with h")
    if (data.S, data.A, data.H) != (S, A, H):
        found, needed = f"S={data.S}, A={data.A}, H={data.H}", f"S={S}, A={A}, H={H}"
        raise ParameterError(f"initial_data has {found}; {needed} are needed, with the step h of each row")
    return counts_of(data.transition_counts(by_step=True))
