r"""Randomized least-squares value iteration, tabular: RLSVI.

Russo, *Worst-Case Regret Bounds for Exploration via Randomized Value Functions* (NeurIPS 2019), Algorithm 1. At the
start of episode k = 1, 2, ... it regresses, from the last step back, noisy targets
:math:`r + \max_a Q_{h+1}(s', a) + w` with :math:`w \sim N(0, \beta_k)` on the pairs seen, and regularises towards a
draw from :math:`N(0, \beta_k)`:

.. math:: Q_h(s,a) = \frac{N}{N+1}\Bigl(\hat r_h(s,a)
   + \sum_{s'} \hat P_h(s' \mid s,a) \max_{a'} Q_{h+1}(s',a')\Bigr) + \xi,
   \quad \xi \sim N\Bigl(0, \frac{\beta_k}{N+1}\Bigr), \quad \beta_k = \tfrac12 S H^3 \log(2HSAk),

N the visits of :math:`(h, s, a)` before. The noises of the N targets and of the regulariser are drawn as the one normal
variate that they add up to.

Deviations from the paper
-------------------------
1. ``rewards="known"`` regresses on mean rewards; the same thing where rewards are deterministic.
2. ``stage_dependent=False`` shares the counts of all steps, for stationary models; each step still draws its own noise.
3. ``scale`` multiplies :math:`\beta_k`, ``bonus="none"`` adds no noise, and does not explore: the broken variant.
"""

import math

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ..._jit import kernel
from ...models import EpisodicMDP
from ...planning import backward_induction
from ...simulation.sampling import _draw
from ...streams import generator
from ._counts import Counts, _mean_ahead, _record, empty_counts
from ._episodes import Dynamics, _policy_value, dynamics
from ._played import (
    CountingAgent,
    Earned,
    _best,
    _earn,
    _mean_reward,
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

__all__ = ["RLSVI", "rlsvi"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Seed = int | np.random.SeedSequence | np.random.Generator


@kernel
def _noise_variance(S: int, A: int, H: int, k: float, scale: float) -> float:
    """Variance beta_k of episode k = 1, 2, ..."""
    return 0.5 * scale * S * H**3 * math.log(2.0 * H * S * A * k)


@kernel
def _plan(
    counts: Counts, earned: Earned, variance: float, rng: np.random.Generator, V: Floats, Q: Floats, policy: Ints
) -> None:
    """Fill ``V`` (H + 1, S), ``Q`` (H, S, A) and ``policy`` (H, S) by one noisy regression.

    One normal variate for each ``(h, s, a)``, from the last step back.
    """
    H, S, A = Q.shape
    T = counts.n.shape[0]
    V[H] = 0.0
    for h in range(H - 1, -1, -1):
        for s in range(S):
            for a in range(A):
                n = counts.n[h % T, s, a]
                target = _mean_reward(earned, h, s, a) + _mean_ahead(counts, h, s, a, V[h + 1])
                Q[h, s, a] = n / (n + 1.0) * target + math.sqrt(variance / (n + 1.0)) * rng.standard_normal()
            policy[h, s] = _best(Q[h, s])
            V[h, s] = Q[h, s, policy[h, s]]


@kernel
def _run(
    model: Dynamics, counts: Counts, earned: Earned, known: bool, code: int, scale: float, rng: np.random.Generator,
    policy: Ints, visits: Ints, values: Floats,
) -> None:  # fmt: skip
    """Fill ``values`` (K,); at the end ``policy`` (H, S) is the last one executed."""
    H, S = policy.shape
    A = counts.n.shape[2]
    V, Q = np.empty((H + 1, S)), np.empty((H, S, A))
    occupancy = np.empty((2, S))
    previous = np.empty((H, S), dtype=np.int64)
    for k in range(values.shape[0]):
        s = _draw(model.mu0, rng.random())
        _plan(counts, earned, _noise_variance(S, A, H, k + 1.0, scale), rng, V, Q, policy)
        changed = _replaces(policy, previous)
        values[k] = _policy_value(model, policy, occupancy) if changed or k == 0 else values[k - 1]
        _play(model, policy, s, code, known, rng, counts, earned, visits)


def _factor(bonus: str, scale: float) -> float:
    factor = check.number(scale, "scale", low=0.0)
    return 0.0 if check.choice(bonus, "bonus", ("published", "none")) == "none" else factor


def rlsvi(
    mdp: EpisodicMDP,
    *,
    episodes: int,
    bonus: str = "published",
    scale: float = 1.0,
    rewards: str = "known",
    reward_noise: str = "none",
    stage_dependent: bool | None = True,
    rng: Seed,
) -> OnlineRun:
    r"""Play what is greedy in one randomly perturbed regression, episode after episode (Russo 2019, Algorithm 1).

    Parameters
    ----------
    mdp : EpisodicMDP
        The theory wants rewards in [0, 1].
    episodes : int
        K, >= 1.
    bonus : {"published", "none"}
        ``"none"`` adds no noise.
    scale : float
        Factor on the variance :math:`\beta_k`, >= 0.
    rewards : {"known", "estimated"}
        Whether the targets contain the mean rewards or those seen.
    reward_noise : {"none", "bernoulli"}
        Whether rewards are their means or coins, where they are estimated.
    stage_dependent : bool, optional
        Whether each step has its own counts, as in the paper; None shares them where the model allows it.
    rng : int, SeedSequence or Generator
        Source of randomness: in each episode one uniform for the first state, then H S A normal variates, then the
        steps.

    Returns
    -------
    OnlineRun
        ``delta`` is None.

    Raises
    ------
    ParameterError
        For a parameter out of range.

    Notes
    -----
    The expected regret is :math:`\tilde O(H^3 S^{3/2} \sqrt{AK})` in every model (Theorem 1), constant free. At
    ``scale=1`` the standard deviation of the noise exceeds H until a pair has been visited about S H times, so short
    runs look random. Cost of an episode: O(H S A) times the number of successors seen.

    Examples
    --------
    >>> from tabular import EpisodicMDP
    >>> mdp = EpisodicMDP([[[1.0], [1.0]]], [[0.25, 1.0]], H=2)
    >>> run = rlsvi(mdp, episodes=200, scale=0.1, rng=0)
    >>> run.optimal_value, bool(run.values[-100:].mean() > run.values[:100].mean())
    (2.0, True)
    """
    mdp = require_model(mdp)
    factor = _factor(bonus, scale)
    known, code = noise_code(mdp, rewards, reward_noise)
    T = steps_apart(mdp, stage_dependent)
    values = np.empty(check.count(episodes, "episodes"))
    policy = np.zeros((mdp.H, mdp.S), dtype=np.int64)
    visits = np.zeros((mdp.H, mdp.S, mdp.A), dtype=np.int64)
    counts, earned = empty_counts(T, mdp.S, mdp.A), rewards_of(mdp, T, known)
    _run(dynamics(mdp), counts, earned, known, code, factor, generator(rng), policy, visits, values)
    return OnlineRun(
        algorithm="RLSVI", bonus=bonus, scale=float(scale), delta=None, values=values,
        optimal_value=float(backward_induction(mdp).value), policy=policy, visits=visits,
    )  # fmt: skip


class RLSVI(CountingAgent):
    """RLSVI for an environment that is not a model; the kernels of `rlsvi`.

    Call ``a = act(h, s)``, then ``observe(h, s, a, r, s_next)``, for h = 0..H-1; ``act(0, s)`` begins an episode and
    plans. An episode may end early: tell `observe` where it terminated.

    Parameters
    ----------
    S, A, H : int
        Numbers of states, actions and steps.
    r : array, shape (S, A) or (H, S, A), optional
        Mean rewards, where they are known; estimated otherwise.
    bonus, scale
        As in `rlsvi`.
    stage_dependent : bool
        Whether each step has its own counts.
    rng : int, SeedSequence or Generator
        Source of the noise.

    Attributes
    ----------
    policy : ndarray, shape (H, S)
        Policy of the current episode.
    Q : ndarray, shape (H, S, A)
        Randomized values that it is greedy in.
    episode : int
        Number of episodes begun.

    Raises
    ------
    ParameterError
        For a parameter out of range; from ``act`` and ``observe`` for an index out of range or a reward that is no
        number.
    """

    def __init__(
        self, S: int, A: int, H: int, *, r: npt.ArrayLike | None = None, bonus: str = "published", scale: float = 1.0,
        stage_dependent: bool = True, rng: Seed,
    ) -> None:  # fmt: skip
        super().__init__(S, A, H)
        self._factor = _factor(bonus, scale)
        T = self.H if stage_dependent else 1
        self._known = r is not None
        self._counts = empty_counts(T, self.S, self.A)
        self._earned = no_rewards(T, self.S, self.A) if r is None else known_table(r, self.S, self.A, self.H)
        self._rng = generator(rng)
        self._V, self.Q = np.empty((self.H + 1, self.S)), np.zeros((self.H, self.S, self.A))
        self.policy = np.zeros((self.H, self.S), dtype=np.int64)

    def act(self, h: int, s: int) -> int:
        """Return the action of the current policy; ``h == 0`` begins an episode with new noise."""
        h, s = self._visit(h, s)
        if h == 0:
            self.episode += 1
            variance = _noise_variance(self.S, self.A, self.H, float(self.episode), self._factor)
            _plan(self._counts, self._earned, variance, self._rng, self._V, self.Q, self.policy)
        return int(self.policy[h, s])

    def _learn(self, h: int, s: int, a: int, r: float, s_next: int) -> None:
        if not self._known:
            _earn(self._earned, h, s, a, r)
        _record(self._counts, h, s, a, s_next)
