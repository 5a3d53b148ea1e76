r"""Posterior sampling: PSRL.

Osband, Russo and Van Roy, *(More) Efficient Reinforcement Learning via Posterior Sampling* (NeurIPS 2013), Algorithm 1:
at the start of each episode, draw one model from the posterior, and play its optimal policy. Transition rows have a
symmetric Dirichlet prior; unknown rewards have a uniform (Beta(1, 1)) prior and a Bernoulli likelihood.

Deviations from the paper
-------------------------
1. The paper leaves the prior free; here it is ``prior`` for each successor, 1 by default.
2. A reward x strictly between 0 and 1 adds x to one parameter of the Beta distribution and 1 - x to the other.
3. ``bonus="none"`` plays the optimal policy of the posterior mean: the broken variant, which tries only what the prior
   makes look better than what it has seen.
"""

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ..._jit import kernel
from ...models import EpisodicMDP
from ...planning import backward_induction
from ...simulation.sampling import _dirichlet, _draw
from ...streams import generator
from ._counts import Counts, _record, empty_counts
from ._episodes import Dynamics, _policy_value, dynamics, require_unit_rewards
from ._played import (
    CountingAgent,
    Earned,
    _best,
    _earn,
    _play,
    _replaces,
    known_table,
    no_rewards,
    noise_code,
    require_model,
    rewards_of,
    steps_apart,
)
from .results import OnlineRun

__all__ = ["PSRL", "psrl"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Seed = int | np.random.SeedSequence | np.random.Generator


@kernel
def _sample_rewards(earned: Earned, known: bool, mean: bool, rng: np.random.Generator, r: Floats) -> None:
    """Fill ``r`` (T, S, A) with one draw from the posterior, with its mean, or with what is known."""
    T, S, A = r.shape
    for t in range(T):
        for s in range(S):
            for a in range(A):
                won, seen = earned.total[t, s, a], earned.n[t, s, a]
                if known:
                    r[t, s, a] = won
                elif mean:
                    r[t, s, a] = (1.0 + won) / (2.0 + seen)
                else:
                    r[t, s, a] = rng.beta(1.0 + won, 1.0 + max(seen - won, 0.0))


@kernel
def _sample_transitions(counts: Counts, prior: float, mean: bool, rng: np.random.Generator, P: Floats) -> None:
    """Fill ``P`` (T, S, A, S) with one draw from the posterior, or with its mean."""
    T, S, A, _ = P.shape
    alpha = np.empty(S)
    for t in range(T):
        for s in range(S):
            for a in range(A):
                for i in range(S):
                    alpha[i] = prior
                for i in range(counts.degree[t, s, a]):
                    alpha[counts.successor[t, s, a, i]] += counts.weight[t, s, a, i]
                if mean:
                    for i in range(S):
                        P[t, s, a, i] = alpha[i] / (S * prior + counts.n[t, s, a])
                else:
                    _dirichlet(alpha, rng, P[t, s, a])


@kernel
def _optimal_policy(P: Floats, r: Floats, V: Floats, q: Floats, policy: Ints) -> None:
    """Fill ``policy`` (H, S) by backward induction in ``P``, ``r``; workspaces V (H + 1, S) and q (A,)."""
    H, S = policy.shape
    A = q.shape[0]
    V[H] = 0.0
    for h in range(H - 1, -1, -1):
        for s in range(S):
            for a in range(A):
                row = P[h % P.shape[0], s, a]
                q[a] = r[h % r.shape[0], s, a]
                for i in range(S):
                    q[a] += row[i] * V[h + 1, i]
            policy[h, s] = _best(q)
            V[h, s] = q[policy[h, s]]


@kernel
def _plan(
    counts: Counts, earned: Earned, known: bool, prior: float, mean: bool, rng: np.random.Generator, P: Floats,
    r: Floats, V: Floats, q: Floats, policy: Ints,
) -> None:  # fmt: skip
    """Draw a model and solve it: rewards first, then transitions, each in the order of its table."""
    _sample_rewards(earned, known, mean, rng, r)
    _sample_transitions(counts, prior, mean, rng, P)
    _optimal_policy(P, r, V, q, policy)


@kernel
def _run(
    model: Dynamics, counts: Counts, earned: Earned, known: bool, code: int, prior: float, mean: bool,
    rng: np.random.Generator, policy: Ints, visits: Ints, values: Floats,
) -> None:  # fmt: skip
    """Fill ``values`` (K,); at the end ``policy`` (H, S) is the last one executed."""
    H, S = policy.shape
    A = counts.n.shape[2]
    P, r = np.empty((counts.n.shape[0], S, A, S)), np.empty(earned.n.shape)
    V, q = np.empty((H + 1, S)), np.empty(A)
    occupancy = np.empty((2, S))
    previous = np.empty((H, S), dtype=np.int64)
    for k in range(values.shape[0]):
        s = _draw(model.mu0, rng.random())
        _plan(counts, earned, known, prior, mean, rng, P, r, V, q, policy)
        changed = _replaces(policy, previous)
        values[k] = _policy_value(model, policy, occupancy) if changed or k == 0 else values[k - 1]
        _play(model, policy, s, code, known, rng, counts, earned, visits)


def _options(prior: float, bonus: str) -> tuple[float, bool]:
    mean = check.choice(bonus, "bonus", ("published", "none")) == "none"
    return check.number(prior, "prior", low=0.0, open_low=True), mean


def psrl(
    mdp: EpisodicMDP,
    *,
    episodes: int,
    prior: float = 1.0,
    rewards: str = "known",
    reward_noise: str = "none",
    stage_dependent: bool | None = None,
    bonus: str = "published",
    rng: Seed,
) -> OnlineRun:
    r"""Play the optimal policy of one model drawn from the posterior, episode after episode (Osband et al. 2013).

    Parameters
    ----------
    mdp : EpisodicMDP
        Rewards in [0, 1] where they are estimated.
    episodes : int
        K, >= 1.
    prior : float
        Parameter of the symmetric Dirichlet prior for each successor, > 0; 1 and 1/S are common.
    rewards : {"known", "estimated"}
        Whether the learner knows the mean rewards, or has a Beta posterior of them.
    reward_noise : {"none", "bernoulli"}
        Whether rewards are their means or coins, where they are estimated.
    stage_dependent : bool, optional
        Whether each step has its own counts; by default only where the transitions change from step to step.
    bonus : {"published", "none"}
        ``"none"`` plans in the posterior mean.
    rng : int, SeedSequence or Generator
        Source of randomness: in each episode one uniform for the first state, then the sample of the model, then the
        steps.

    Returns
    -------
    OnlineRun
        ``scale`` is 1 and ``delta`` None.

    Raises
    ------
    ParameterError
        For a parameter out of range.

    Notes
    -----
    The expected regret over models drawn from the prior is :math:`\tilde O(HS\sqrt{AT})`, T = KH (Theorem 1). Cost of
    an episode: a gamma variate for each entry of each table of counts, S^2 A of them a table, and O(H S^2 A) to plan.

    Examples
    --------
    >>> from tabular import EpisodicMDP
    >>> rows = [[1.0, 0.0], [0.0, 1.0]]  # either action leads to the state of its name
    >>> mdp = EpisodicMDP([rows, rows], [[0.0, 0.0], [0.0, 1.0]], [1.0, 0.0], H=3)
    >>> run = psrl(mdp, episodes=100, rng=0)
    >>> run.optimal_value, float(run.values[-50:].min())
    (2.0, 2.0)
    """
    mdp = require_model(mdp)
    weight, mean = _options(prior, bonus)
    known, code = noise_code(mdp, rewards, reward_noise)
    if not known:
        require_unit_rewards(mdp)
    T = steps_apart(mdp, stage_dependent)
    values = np.empty(check.count(episodes, "episodes"))
    policy = np.zeros((mdp.H, mdp.S), dtype=np.int64)
    visits = np.zeros((mdp.H, mdp.S, mdp.A), dtype=np.int64)
    counts, earned = empty_counts(T, mdp.S, mdp.A), rewards_of(mdp, T, known)
    _run(dynamics(mdp), counts, earned, known, code, weight, mean, generator(rng), policy, visits, values)
    return OnlineRun(
        algorithm="PSRL", bonus=bonus, scale=1.0, delta=None, values=values,
        optimal_value=float(backward_induction(mdp).value), policy=policy, visits=visits,
    )  # fmt: skip


class PSRL(CountingAgent):
    """PSRL for an environment that is not a model; the kernels of `psrl`.

    Call ``a = act(h, s)``, then ``observe(h, s, a, r, s_next)``, for h = 0..H-1; ``act(0, s)`` begins an episode and
    draws a model. An episode may end early: tell `observe` where it terminated.

    Parameters
    ----------
    S, A, H : int
        Numbers of states, actions and steps.
    r : array, shape (S, A) or (H, S, A), optional
        Mean rewards, where they are known; estimated otherwise, and then observed ones must lie in [0, 1].
    prior, bonus
        As in `psrl`.
    stage_dependent : bool
        Whether each step has its own counts.
    rng : int, SeedSequence or Generator
        Source of the samples.

    Attributes
    ----------
    policy : ndarray, shape (H, S)
        Policy of the current episode.
    episode : int
        Number of episodes begun.

    Raises
    ------
    ParameterError
        For a parameter out of range; from ``act`` and ``observe`` for an index or a reward out of range.
    """

    def __init__(
        self, S: int, A: int, H: int, *, r: npt.ArrayLike | None = None, prior: float = 1.0,
        stage_dependent: bool = False, bonus: str = "published", rng: Seed,
    ) -> None:  # fmt: skip
        super().__init__(S, A, H)
        self._prior, self._mean = _options(prior, bonus)
        T = self.H if stage_dependent else 1
        self._known = r is not None
        self._counts = empty_counts(T, self.S, self.A)
        self._earned = no_rewards(T, self.S, self.A) if r is None else known_table(r, self.S, self.A, self.H)
        self._rng = generator(rng)
        self._space = (
            np.empty((T, self.S, self.A, self.S)), np.empty(self._earned.n.shape),
            np.empty((self.H + 1, self.S)), np.empty(self.A),
        )  # fmt: skip
        self.policy = np.zeros((self.H, self.S), dtype=np.int64)

    def act(self, h: int, s: int) -> int:
        """Return the action of the current policy; ``h == 0`` begins an episode with a new sample."""
        h, s = self._visit(h, s)
        if h == 0:
            self.episode += 1
            _plan(
                self._counts, self._earned, self._known, self._prior, self._mean, self._rng, *self._space, self.policy
            )
        return int(self.policy[h, s])

    def _learn(self, h: int, s: int, a: int, r: float, s_next: int) -> None:
        if not self._known:
            _earn(self._earned, h, s, a, check.number(r, "r", low=0.0, high=1.0))
        _record(self._counts, h, s, a, s_next)
