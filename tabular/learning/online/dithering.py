r"""Dithering: epsilon-greedy, the exploration that does not look ahead.

With probability :math:`\varepsilon` a uniformly random action, otherwise one that the estimates so far call best: the
optimal policy of the empirical model (``method="certainty-equivalence"``), or the greedy policy of a Q-learning table
without bonus (``method="q-learning"``, step sizes of Jin et al. 2018). Where reward lies behind H right actions in a
row, nothing on the way tells them from wrong ones. The first success then takes about :math:`A^H` episodes with
``ties="uniform"``, and up to :math:`(A/\varepsilon)^H` with ``ties="smallest"`` (compare Osband, Van Roy, Russo and
Wen, *Deep Exploration via Randomized Value Functions*, JMLR 2019).
"""

import math

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ..._jit import kernel
from ...models import EpisodicMDP
from ...planning import backward_induction
from ...simulation.offline import _reward
from ...simulation.sampling import _draw
from ...streams import generator
from ._counts import Counts, _mean_ahead, _record, empty_counts
from ._episodes import Dynamics, _next_state, _stochastic_policy_value, dynamics
from ._played import (
    CountingAgent,
    Earned,
    _best,
    _earn,
    _mean_reward,
    known_table,
    no_rewards,
    noise_code,
    require_model,
    rewards_of,
    steps_apart,
)
from ._q_kernels import QRule, QTables, _q_update, q_tables
from .results import OnlineRun

__all__ = ["EpsilonGreedy", "epsilon_greedy"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Seed = int | np.random.SeedSequence | np.random.Generator

METHODS = ("certainty-equivalence", "q-learning")
#: Q-learning without bonus, with the published step sizes.
_PLAIN = QRule(False, False, 0.0, 0.0, 0.0)


@kernel
def _plan(counts: Counts, earned: Earned, Q: Floats, V: Floats) -> None:
    """Fill ``Q`` (H, S, A) with the optimal values of the empirical model; what was never tried leads nowhere."""
    H, S, A = Q.shape
    V[H] = 0.0
    for h in range(H - 1, -1, -1):
        for s in range(S):
            for a in range(A):
                Q[h, s, a] = _mean_reward(earned, h, s, a) + _mean_ahead(counts, h, s, a, V[h + 1])
            V[h, s] = Q[h, s, _best(Q[h, s])]


@kernel
def _dither(Q: Floats, epsilon: float, spread: bool, policy: Floats) -> bool:
    """Fill ``policy`` (H, S, A) with the epsilon-greedy one of ``Q``; whether it changed.

    The greedy part goes to the smallest best action, or to all of them equally.
    """
    H, S, A = Q.shape
    changed = False
    for h in range(H):
        for s in range(S):
            top = Q[h, s, _best(Q[h, s])]
            tied = 0
            for a in range(A):
                if Q[h, s, a] == top:
                    tied += 1
            share = 1.0 / tied if spread else 1.0
            for a in range(A):
                mass = epsilon / A
                if Q[h, s, a] == top:
                    mass += (1.0 - epsilon) * share
                    share = share if spread else 0.0
                changed = changed or mass != policy[h, s, a]
                policy[h, s, a] = mass
    return changed


@kernel
def _epsilon(epsilon: float, decay: float, k: float) -> float:
    """Probability of dithering in episode k = 1, 2, ..."""
    return epsilon / math.pow(k, decay)


@kernel
def _run(
    model: Dynamics, counts: Counts, earned: Earned, tables: QTables, rule: QRule, model_based: bool, known: bool,
    code: int, epsilon: float, decay: float, spread: bool, rng: np.random.Generator, policy: Floats, visits: Ints,
    values: Floats,
) -> None:  # fmt: skip
    """Fill ``values`` (K,); at the end ``policy`` (H, S, A) is the last one executed. It is greedy in ``tables.Q``."""
    H, S, _ = policy.shape
    occupancy = np.empty((2, S))
    for k in range(values.shape[0]):
        if model_based:
            _plan(counts, earned, tables.Q, tables.V)
        changed = _dither(tables.Q, _epsilon(epsilon, decay, k + 1.0), spread, policy)
        if changed or k == 0:
            values[k] = _stochastic_policy_value(model, policy, occupancy)
        else:
            values[k] = values[k - 1]
        s = _draw(model.mu0, rng.random())
        for h in range(H):
            a = _draw(policy[h, s], rng.random())
            reward = _reward(model.r[h, s, a], 0.0, code, rng)
            s_next = _next_state(model, h, s, a, rng.random())
            if model_based:
                _record(counts, h, s, a, s_next)
                if not known:
                    _earn(earned, h, s, a, reward)
            else:
                _q_update(tables, rule, h, s, a, reward, s_next)
            visits[h, s, a] += 1
            s = s_next


def _options(epsilon: float, decay: float, method: str, ties: str) -> tuple[float, float, bool, bool]:
    """Return epsilon, decay, whether the method is model-based and whether ties are spread."""
    return (
        check.number(epsilon, "epsilon", low=0.0, high=1.0),
        check.number(decay, "decay", low=0.0),
        check.choice(method, "method", METHODS) == "certainty-equivalence",
        check.choice(ties, "ties", ("smallest", "uniform")) == "uniform",
    )


def _blank(S: int, A: int, H: int) -> QTables:
    """Tables that start at 0 and have no ceiling."""
    return q_tables(S, A, H, np.zeros(H), np.full(H, math.inf))


def epsilon_greedy(
    mdp: EpisodicMDP,
    *,
    episodes: int,
    epsilon: float = 0.1,
    decay: float = 0.0,
    method: str = "certainty-equivalence",
    ties: str = "smallest",
    rewards: str = "known",
    reward_noise: str = "none",
    stage_dependent: bool | None = None,
    rng: Seed,
) -> OnlineRun:
    r"""Play what looks best, and now and then anything: the method that fails where exploration must be deep.

    Parameters
    ----------
    mdp : EpisodicMDP
    episodes : int
        K, >= 1.
    epsilon : float
        Probability, in [0, 1], of a uniformly random action at each step of the first episode.
    decay : float
        Episode k = 1, 2, ... uses ``epsilon / k**decay``; >= 0.
    method : {"certainty-equivalence", "q-learning"}
        Whether actions look best in the empirical model (where a pair never tried has its reward, if known, and no
        future), or in a Q-learning table that starts at 0. The latter learns from the rewards it sees.
    ties : {"smallest", "uniform"}
        Which of several best actions is greedy: the smallest, or each equally often.
    rewards : {"known", "estimated"}
        Whether the empirical model has the true mean rewards; ``"q-learning"`` never looks at them.
    reward_noise : {"none", "bernoulli"}
        Whether rewards are their means or coins, where they are seen.
    stage_dependent : bool, optional
        Whether each step has its own counts; by default only where the transitions change from step to step.
    rng : int, SeedSequence or Generator
        Source of randomness.

    Returns
    -------
    OnlineRun
        ``values`` are those of the stochastic policy, dithering included; ``policy`` has shape (H, S, A). ``bonus`` is
        ``"none"``, ``scale`` is ``epsilon``.

    Raises
    ------
    ParameterError
        For a parameter out of range.

    Examples
    --------
    >>> from tabular import EpisodicMDP
    >>> mdp = EpisodicMDP([[[1.0], [1.0]]], [[0.25, 1.0]], H=2)
    >>> run = epsilon_greedy(mdp, episodes=10, epsilon=0.5, rng=0)
    >>> run.optimal_value, run.values[-1].round(6).tolist()
    (2.0, 1.625)
    """
    mdp = require_model(mdp)
    start, rate, model_based, spread = _options(epsilon, decay, method, ties)
    known, code = noise_code(mdp, rewards if model_based else "estimated", reward_noise)
    check.choice(rewards, "rewards", ("known", "estimated"))
    T = steps_apart(mdp, stage_dependent)
    values = np.empty(check.count(episodes, "episodes"))
    policy = np.zeros((mdp.H, mdp.S, mdp.A))
    visits = np.zeros((mdp.H, mdp.S, mdp.A), dtype=np.int64)
    _run(
        dynamics(mdp), empty_counts(T, mdp.S, mdp.A), rewards_of(mdp, T, known), _blank(mdp.S, mdp.A, mdp.H), _PLAIN,
        model_based, known, code, start, rate, spread, generator(rng), policy, visits, values,
    )  # fmt: skip
    return OnlineRun(
        algorithm="epsilon-greedy", bonus="none", scale=start, delta=None, values=values,
        optimal_value=float(backward_induction(mdp).value), policy=policy, visits=visits,
    )  # fmt: skip


class EpsilonGreedy(CountingAgent):
    """Epsilon-greedy for an environment that is not a model; the kernels of `epsilon_greedy`.

    Call ``a = act(h, s)``, then ``observe(h, s, a, r, s_next)``, for h = 0..H-1; ``act(0, s)`` begins an episode and
    plans. An episode may end early: tell `observe` where it terminated.

    Parameters
    ----------
    S, A, H : int
        Numbers of states, actions and steps.
    r : array, shape (S, A) or (H, S, A), optional
        Mean rewards, where they are known; estimated otherwise. ``method="q-learning"`` does not look at them.
    epsilon, decay, method, ties
        As in `epsilon_greedy`.
    stage_dependent : bool
        Whether each step has its own counts.
    rng : int, SeedSequence or Generator
        Source of the actions: one uniform a step.

    Attributes
    ----------
    policy : ndarray, shape (H, S, A)
        Policy of the current episode.
    episode : int
        Number of episodes begun.

    Raises
    ------
    ParameterError
        For a parameter out of range; from ``act`` and ``observe`` for an index out of range or a reward that is no
        number.
    """

    def __init__(
        self, S: int, A: int, H: int, *, r: npt.ArrayLike | None = None, epsilon: float = 0.1, decay: float = 0.0,
        method: str = "certainty-equivalence", ties: str = "smallest", stage_dependent: bool = False, rng: Seed,
    ) -> None:  # fmt: skip
        super().__init__(S, A, H)
        self._start, self._decay, self._model_based, self._spread = _options(epsilon, decay, method, ties)
        T = self.H if stage_dependent else 1
        self._known = r is not None
        self._counts = empty_counts(T, self.S, self.A)
        self._earned = no_rewards(T, self.S, self.A) if r is None else known_table(r, self.S, self.A, self.H)
        self._tables = _blank(self.S, self.A, self.H)
        self._rng = generator(rng)
        self.policy = np.zeros((self.H, self.S, self.A))

    def act(self, h: int, s: int) -> int:
        """Draw an action of the current policy; ``h == 0`` begins an episode."""
        h, s = self._visit(h, s)
        if h == 0:
            self.episode += 1
            if self._model_based:
                _plan(self._counts, self._earned, self._tables.Q, self._tables.V)
            _dither(self._tables.Q, _epsilon(self._start, self._decay, self.episode), self._spread, self.policy)
        return int(_draw(self.policy[h, s], self._rng.random()))

    def _learn(self, h: int, s: int, a: int, r: float, s_next: int) -> None:
        if not self._model_based:
            _q_update(self._tables, _PLAIN, h, s, a, r, s_next)
            return
        if not self._known:
            _earn(self._earned, h, s, a, r)
        _record(self._counts, h, s, a, s_next)
