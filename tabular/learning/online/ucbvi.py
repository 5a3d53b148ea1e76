r"""Upper-confidence-bound value iteration: UCBVI-CH and UCBVI-BF.

Azar, Osband and Munos, *Minimax Regret Bounds for Reinforcement Learning* (ICML 2017), Algorithms 1 to 4. Transitions
do not depend on the step and are estimated from all visits of a pair; rewards lie in [0, 1] and are known. Every
episode plans backwards, with steps :math:`h = 0..H-1` here,

.. math:: Q_h(s,a) \leftarrow \min\{Q_h(s,a),\ H-h,\ r_h(s,a) + \hat P V_{h+1}(s,a) + b_h(s,a)\}, \quad
   V_h(s) = \max_a Q_h(s,a),

from :math:`Q_h = H-h`, where a pair never seen keeps what it has. With :math:`L = \log(5SAT/\delta)`, :math:`T = KH`
and N visits of the pair,

- UCBVI-CH: :math:`b = 7HL/\sqrt N`;
- UCBVI-BF: :math:`b_h = \sqrt{8L\,\mathrm{Var}_{\hat P}(V_{h+1})/N} + 14HL/(3N) + \sqrt{\frac8N \sum_y \hat P(y)
  \min\{10^4 H^3S^2AL^2/N'_{h+1}(y),\ H^2\}}`, where :math:`N'_{h+1}(y)` counts the episodes whose step h+1 began in y.

The constant 7 of CH is recalled, not yet seen in a source.

Why CH is optimistic: if :math:`(P - \hat P)V^\star_{h+1} \le b` at every seen pair, then :math:`Q_h \ge Q^\star_h` by
induction over episodes and, backwards, over steps. By Hoeffding's inequality, one-sided, over the HSAT choices of step,
pair and count, that holds with probability at least :math:`1-\delta` already for
:math:`b = H\sqrt{\log(HSAT/\delta)/(2N)}`, and :math:`\log(HSAT/\delta) \le 2L \le 98L^2` since :math:`H \le T`.

Deviations from the paper
-------------------------
1. The clip is H - h rather than H. It is as valid, since no more than H - h can still be earned, and tighter.
2. ``stage_dependent=True`` keeps separate counts for each step, for models whose transitions depend on it. CH keeps
   its L: a pair of a step is seen at most K times, so there are HSAK = SAT choices in the argument above. In BF the
   term :math:`10^4H^3S^2AL^2` stands for a squared bound on :math:`V_{h+1}(y) - V^\star_{h+1}(y)` times :math:`N'`; we
   put HSA, the number of pairs to be learned, for SA in it (:math:`10^4H^4S^2AL^2`; an analogy, not proved).
3. ``rewards="estimated"`` plans with the mean of the rewards seen plus :math:`\sqrt{L/(2N)}`, at most 1, and 1 where
   nothing was seen. By Hoeffding's inequality, one-sided, over SAT pairs and counts, all of these are above the true
   means with probability at least :math:`1-\delta/5`; that is spent on top of :math:`\delta`.
4. ``bonus="none"`` is a broken variant: no bonus, nothing assumed about pairs never seen (0 follows), and no minimum
   with the old Q. ``scale=0`` removes the bonus alone: pairs never seen still promise H - h.
"""

import math

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ...errors import ParameterError
from ...models import EpisodicMDP
from ...planning import backward_induction
from ...streams import generator
from ._counts import empty_counts
from ._episodes import dynamics, require_unit_rewards
from ._played import Agent, noise_code, require_model
from ._ucbvi_kernels import UcbviRule, _ucbvi_learn, _ucbvi_plan, _ucbvi_run, empty_path, optimist
from .results import OptimisticRun

__all__ = ["UCBVI", "ucbvi_bf", "ucbvi_ch"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Seed = int | np.random.SeedSequence | np.random.Generator


def _rule(
    S: int, A: int, H: int, episodes: int, delta: float, variant: str, bonus: str, scale: float, known: bool,
    stage_dependent: bool,
) -> UcbviRule:  # fmt: skip
    """Return the validated rule."""
    bernstein = check.choice(variant, "variant", ("ch", "bf")) == "bf"
    optimistic = check.choice(bonus, "bonus", ("published", "none")) == "published"
    factor = check.number(scale, "scale", low=0.0) if optimistic else 0.0
    L = math.log(5.0 * S * A * H * check.count(episodes, "episodes") / check.fraction(delta, "delta"))
    return UcbviRule(
        bernstein=bernstein,
        optimistic=optimistic,
        learns_rewards=not known,
        first=0.0 if bernstein else factor * 7.0 * H * L,
        second=factor * 14.0 * H * L / 3.0 if bernstein else 0.0,
        third=factor * math.sqrt(8.0) if bernstein else 0.0,
        L=L,
        crowd=1e4 * H ** (4 if stage_dependent else 3) * S**2 * A * L**2,
        reward_width=factor * math.sqrt(L / 2.0),
    )


def _require_shared(mdp: EpisodicMDP, known: bool) -> None:
    """Raise ParameterError where counts that all steps share would mix different laws."""
    tables = (("transitions", mdp.P),) if known else (("transitions", mdp.P), ("rewards", mdp.r))
    for name, table in tables:
        if table.strides[0] != 0 and not (table == table[:1]).all():
            raise ParameterError(
                f"the {name} of mdp differ between steps, but UCBVI estimates one table for all of them; "
                "use stage_dependent=True"
            )


def _learn(
    mdp: EpisodicMDP, variant: str, episodes: int, delta: float, bonus: str, scale: float, rewards: str,
    reward_noise: str, stage_dependent: bool, rng: Seed,
) -> OptimisticRun:  # fmt: skip
    mdp = require_model(mdp)
    require_unit_rewards(mdp)
    known, code = noise_code(mdp, rewards, reward_noise)
    rule = _rule(mdp.S, mdp.A, mdp.H, episodes, delta, variant, bonus, scale, known, stage_dependent)
    if not stage_dependent:
        _require_shared(mdp, known)
    H, S, A = mdp.r.shape
    T = H if stage_dependent else 1
    me, counts = optimist(mdp.r if known else None, T, S, A, H, rule.optimistic), empty_counts(T, S, A)
    values, margin, visits = np.empty(episodes), np.empty(episodes), np.zeros((H, S, A), dtype=np.int64)
    plan = backward_induction(mdp)
    _ucbvi_run(
        dynamics(mdp), np.array(plan.Q), me, counts, rule, code, generator(rng), empty_path(H), values, margin, visits,
        np.empty((2, S)),
    )  # fmt: skip
    return OptimisticRun(
        algorithm=f"UCBVI-{variant.upper()}", bonus=bonus, scale=float(scale), delta=float(delta), values=values,
        optimal_value=float(plan.value), policy=me.policy, visits=visits, margin=margin,
    )  # fmt: skip


def ucbvi_ch(
    mdp: EpisodicMDP,
    *,
    episodes: int,
    delta: float = 0.05,
    bonus: str = "published",
    scale: float = 1.0,
    rewards: str = "known",
    reward_noise: str = "none",
    stage_dependent: bool = False,
    rng: Seed,
) -> OptimisticRun:
    r"""UCBVI with Chernoff-Hoeffding bonuses (Azar et al. 2017, Algorithms 1 to 3).

    Parameters
    ----------
    mdp : EpisodicMDP
        Rewards in [0, 1]; one transition table for all steps unless ``stage_dependent``.
    episodes : int
        K, >= 1; the bonus contains log K.
    delta : float
        Confidence in (0, 1).
    bonus : {"published", "none"}
        :math:`7HL/\sqrt N`, or the greedy policy of the empirical model.
    scale : float
        Factor on the bonus, >= 0.
    rewards : {"known", "estimated"}
        Whether the learner knows the mean rewards.
    reward_noise : {"none", "bernoulli"}
        What a learner of rewards sees: mean rewards, or coins.
    stage_dependent : bool
        Whether each step has counts of its own.
    rng : int, SeedSequence or Generator
        Source of randomness.

    Returns
    -------
    OptimisticRun
        ``values`` and ``regret`` are exact.

    Raises
    ------
    ParameterError
        For a parameter out of range, a reward outside [0, 1], or a model that changes from step to step without
        ``stage_dependent``.

    Notes
    -----
    With probability at least 1 - ``delta`` the regret is at most :math:`20H^{3/2}L'\sqrt{SAK} + 250H^2S^2AL'^2`,
    :math:`L' = \log(5HSAT/\delta)` (Theorem 1). At laptop sizes that exceeds HK, and 7HL/sqrt(N) exceeds H until
    :math:`N = 49L^2`: the published learner explores almost uniformly for thousands of visits of every pair.

    Cost of an episode: HSA times the mean number of successors seen of a pair, at most HS^2A.

    Examples
    --------
    >>> from tabular import EpisodicMDP
    >>> mdp = EpisodicMDP([[[1.0], [1.0]]], [[0.25, 1.0]], H=2)
    >>> run = ucbvi_ch(mdp, episodes=100, scale=0.01, rng=0)
    >>> run.optimal_value, float(run.values[0]), float(run.values[-1])
    (2.0, 0.5, 2.0)
    """
    return _learn(mdp, "ch", episodes, delta, bonus, scale, rewards, reward_noise, stage_dependent, rng)


def ucbvi_bf(
    mdp: EpisodicMDP,
    *,
    episodes: int,
    delta: float = 0.05,
    bonus: str = "published",
    scale: float = 1.0,
    rewards: str = "known",
    reward_noise: str = "none",
    stage_dependent: bool = False,
    rng: Seed,
) -> OptimisticRun:
    r"""UCBVI with Bernstein-Freedman bonuses (Azar et al. 2017, Algorithms 1, 2 and 4).

    Parameters
    ----------
    mdp : EpisodicMDP
        Rewards in [0, 1]; one transition table for all steps unless ``stage_dependent``.
    episodes : int
        K, >= 1; the bonus contains log K.
    delta : float
        Confidence in (0, 1).
    bonus : {"published", "none"}
        The bonus at the head of this module, or the greedy policy of the empirical model.
    scale : float
        Factor on the bonus, >= 0.
    rewards : {"known", "estimated"}
        Whether the learner knows the mean rewards.
    reward_noise : {"none", "bernoulli"}
        What a learner of rewards sees: mean rewards, or coins.
    stage_dependent : bool
        Whether each step has counts of its own.
    rng : int, SeedSequence or Generator
        Source of randomness.

    Returns
    -------
    OptimisticRun
        ``values`` and ``regret`` are exact.

    Raises
    ------
    ParameterError
        For a parameter out of range, a reward outside [0, 1], or a model that changes from step to step without
        ``stage_dependent``.

    Notes
    -----
    With probability at least 1 - ``delta`` the regret is at most :math:`30HL'\sqrt{SAK} + 2500H^2S^2AL'^2 +
    4H^{3/2}\sqrt{KL'}`, :math:`L' = \log(5HSAT/\delta)` (Theorem 2). The last sum of the bonus is :math:`H^2` until
    some state was reached more than :math:`10^4HS^2AL^2` times at one step.

    Cost of an episode: as `ucbvi_ch`, two or three times.

    Examples
    --------
    >>> from tabular import EpisodicMDP
    >>> mdp = EpisodicMDP([[[1.0], [1.0]]], [[0.25, 1.0]], H=2)
    >>> run = ucbvi_bf(mdp, episodes=100, scale=0.01, rng=0)
    >>> run.optimal_value, float(run.values[0]), float(run.values[-1])
    (2.0, 0.5, 2.0)
    """
    return _learn(mdp, "bf", episodes, delta, bonus, scale, rewards, reward_noise, stage_dependent, rng)


class UCBVI(Agent):
    """UCBVI for an environment that is not a model of ours: it learns rewards and transitions from what it sees.

    Call ``act(0, s)`` when an episode begins, which plans, then ``observe`` and ``act(h, s)`` in turn. An episode may
    end early: say so by ``terminated=True``.

    Parameters
    ----------
    S, A, H : int
        Numbers of states and actions, and most steps of an episode.
    episodes : int
        K, >= 1: how many are meant to be played; the bonus contains log K.
    delta : float
        Confidence in (0, 1).
    variant : {"bf", "ch"}
        Bernstein-Freedman or Chernoff-Hoeffding bonuses.
    bonus : {"published", "none"}
        As in `ucbvi_ch`.
    scale : float
        Factor on the bonuses, >= 0.
    stage_dependent : bool
        Whether each step has counts of its own; needed where the environment changes from step to step.

    Attributes
    ----------
    Q : ndarray, shape (H, S, A)
        Optimistic values of the last plan.
    policy : ndarray of int64, shape (H, S)
        Its greedy policy.

    Raises
    ------
    ParameterError
        For a parameter out of range; from ``observe`` for a reward outside [0, 1].

    Examples
    --------
    >>> agent = UCBVI(S=1, A=2, H=1, episodes=100, scale=0.01)
    >>> for _ in range(100):
    ...     a = agent.act(0, 0)
    ...     agent.observe(0, 0, a, [0.25, 1.0][a], 0)
    >>> agent.act(0, 0)
    1
    """

    def __init__(
        self,
        S: int,
        A: int,
        H: int,
        *,
        episodes: int,
        delta: float = 0.05,
        variant: str = "bf",
        bonus: str = "published",
        scale: float = 1.0,
        stage_dependent: bool = False,
    ) -> None:
        super().__init__(S, A, H)
        self._rule = _rule(self.S, self.A, self.H, episodes, delta, variant, bonus, scale, False, stage_dependent)
        T = self.H if stage_dependent else 1
        self._state = optimist(None, T, self.S, self.A, self.H, self._rule.optimistic)
        self._counts = empty_counts(T, self.S, self.A)
        self._path, self._steps = empty_path(self.H), 0

    @property
    def Q(self) -> Floats:
        """Optimistic values of the last plan, shape (H, S, A); a copy."""
        return self._state.Q.copy()

    @property
    def policy(self) -> Ints:
        """Greedy policy of the last plan, shape (H, S); a copy."""
        return self._state.policy.copy()

    def act(self, h: int, s: int) -> int:
        """Return the action for state ``s`` at step ``h``; ``h = 0`` begins an episode and plans."""
        h, s = self._visit(h, s)
        if h == 0:
            self._learn()
            self.episode += 1
            _ucbvi_plan(self._state, self._counts, self._rule)
        return int(self._state.policy[h, s])

    def observe(self, h: int, s: int, a: int, r: float, s_next: int, *, terminated: bool = False) -> None:
        """Take note of one transition; it is learned from when the next episode begins.

        Parameters
        ----------
        h, s, a : int
            Step, state and action.
        r : float
            Reward in [0, 1].
        s_next : int
            State that was reached.
        terminated : bool
            Whether the episode ended there though steps were left: nothing more is ever earned from ``s_next``. A state
            must not sometimes end an episode and sometimes not; give what follows such an end a number of its own.
        """
        h, s, a, r, s_next = self._transition(h, s, a, r, s_next)
        check.number(r, "r", low=0.0, high=1.0)
        if h != self._steps:
            raise ParameterError(f"h is {h}; the next step to observe in this episode is {self._steps}")
        self._path.s[h], self._path.a[h], self._path.r[h], self._path.s[h + 1] = s, a, r, s_next
        self._steps += 1
        if terminated and h + 1 < self.H:
            self._state.Q[:, s_next] = 0.0

    def _learn(self) -> None:
        """Learn from the episode observed so far."""
        _ucbvi_learn(self._state, self._counts, self._rule, self._path, self._steps)
        self._steps = 0
