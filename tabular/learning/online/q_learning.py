r"""Q-learning with upper-confidence bonuses: UCB-H and UCB-B.

Jin, Allen-Zhu, Bubeck and Jordan, *Is Q-Learning Provably Efficient?* (NeurIPS 2018), Algorithms 1 and 2. Rewards lie
in [0, 1], steps are :math:`h = 0..H-1` here. At the t-th visit of :math:`(h, s, a)`

.. math:: Q_h(s,a) \leftarrow (1-\alpha_t) Q_h(s,a) + \alpha_t\,[r + V_{h+1}(s') + b_t], \quad
   V_h(s) \leftarrow \min\{H, \max_a Q_h(s,a)\}, \quad \alpha_t = \frac{H+1}{H+t},

from :math:`Q_h = V_h = H`, with :math:`\iota = \log(SAT/\delta)` and :math:`T = KH`. UCB-H takes
:math:`b_t = c\sqrt{H^3\iota/t}`. UCB-B takes :math:`b_t = (\beta_t - (1-\alpha_t)\beta_{t-1})/(2\alpha_t)`, where
:math:`\beta_t = \min\{c_1(\sqrt{H(W_t+H)\iota/t} + \sqrt{H^7SA}\,\iota/t),\ c_2\sqrt{H^3\iota/t}\}`,
:math:`\beta_0 = 0`, and :math:`W_t` is the variance (divided by t) of the t values :math:`V_{h+1}(s')` that were used.

The paper proves its theorems for some absolute constants. For UCB-H, :math:`c = 1` is enough for
:math:`Q_k \ge Q^\star` at all times with probability at least :math:`1-\delta`: the martingale
:math:`\sum_i \alpha_t^i (r + V^\star_{h+1}(s'_i) - Q^\star_h)` has increments of range at most :math:`\alpha_t^i H`,
with :math:`\sum_i (\alpha_t^i)^2 \le 2H/t`, so one-sided Azuma-Hoeffding at level :math:`\delta/(SAT)` is
:math:`\sqrt{H^3\iota/t}`, and :math:`\sum_i \alpha_t^i b_i \ge \sqrt{H^3\iota/t}`. In UCB-B
:math:`\sum_i \alpha_t^i b_i = \beta_t/2`, so that the branch of :math:`c_2` matches :math:`c = 1` at
:math:`c_2 = 2`; the other branch is the smaller one only after about :math:`H^4 SA\,\iota` visits.

Q is not clipped, only V is. As long as :math:`r + V_{h+1} + b_t` exceeds H, an action that was tried therefore looks
better than one that was not, and the learner holds on to it: at :math:`c = 1` exploration starts late.

A step h touches only :math:`Q_h(s_h, \cdot)`, after its action was chosen: the policy executed in an episode is exactly
the greedy policy of the table at its start.

Deviations from the paper
-------------------------
1. ``clip="remaining"`` clips V_h at H - h and starts Q_h there, which is as valid and tighter.
2. ``step_size="harmonic"`` (:math:`\alpha_t = 1/t`) and ``bonus="none"`` are broken variants.
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
from ._episodes import Dynamics, _margin, _next_state, _policy_value, dynamics, require_unit_rewards
from ._played import CountingAgent, _best, _replaces, noise_code, require_model
from ._q_kernels import QRule, QTables, _q_update, _step_size, q_tables
from .results import OptimisticRun

__all__ = ["QLearning", "q_learning_bernstein", "q_learning_hoeffding", "q_learning_weights"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Seed = int | np.random.SeedSequence | np.random.Generator


@kernel
def _run(
    model: Dynamics, optimal_Q: Floats, tables: QTables, rule: QRule, code: int, rng: np.random.Generator, policy: Ints,
    values: Floats, margin: Floats,
) -> None:  # fmt: skip
    """Fill ``values`` and ``margin`` (K,); ``policy`` (H, S), greedy in ``tables``, ends as the last one executed."""
    H, S = policy.shape
    occupancy = np.empty((2, S))
    greedy = np.zeros((H, S), dtype=np.int64)
    least = _margin(tables.Q.reshape(-1), optimal_Q.reshape(-1))
    for k in range(values.shape[0]):
        changed = _replaces(greedy, policy)
        values[k] = _policy_value(model, policy, occupancy) if changed or k == 0 else values[k - 1]
        margin[k] = least
        s = _draw(model.mu0, rng.random())
        for h in range(H):
            a = policy[h, s]
            reward = _reward(model.r[h, s, a], 0.0, code, rng)
            s_next = _next_state(model, h, s, a, rng.random())
            _q_update(tables, rule, h, s, a, reward, s_next)
            least = min(least, tables.Q[h, s, a] - optimal_Q[h, s, a])
            greedy[h, s] = _best(tables.Q[h, s])
            s = s_next


def _rule(
    S: int, A: int, H: int, episodes: int, delta: float, bonus: str, scale: float, step_size: str,
    constants: tuple[float, float] | None,
) -> QRule:  # fmt: skip
    """Return the validated rule; ``constants`` are c1 and c2 of UCB-B, None for UCB-H."""
    harmonic = check.choice(step_size, "step_size", ("published", "harmonic")) == "harmonic"
    factor = check.number(scale, "scale", low=0.0)
    if check.choice(bonus, "bonus", ("published", "none")) == "none":
        factor = 0.0
    iota = math.log(S * A * H * check.count(episodes, "episodes") / check.fraction(delta, "delta"))
    hoeffding = factor * math.sqrt(H**3 * iota)
    if constants is None:
        return QRule(harmonic, False, hoeffding, 0.0, 0.0)
    c1 = factor * check.number(constants[0], "c1", low=0.0)
    c2 = check.number(constants[1], "c2", low=0.0)
    return QRule(harmonic, True, c2 * hoeffding, c1 * math.sqrt(H * iota), c1 * math.sqrt(H**7 * S * A) * iota)


def _tables(S: int, A: int, H: int, clip: str) -> QTables:
    published = check.choice(clip, "clip", ("published", "remaining")) == "published"
    ceiling = np.array([float(H) if published else float(H - h) for h in range(H)])
    return q_tables(S, A, H, ceiling, ceiling)


def _learn(
    mdp: EpisodicMDP, name: str, episodes: int, delta: float, bonus: str, scale: float, step_size: str, clip: str,
    constants: tuple[float, float] | None, reward_noise: str, rng: Seed,
) -> OptimisticRun:  # fmt: skip
    mdp = require_model(mdp)
    require_unit_rewards(mdp)
    rule = _rule(mdp.S, mdp.A, mdp.H, episodes, delta, bonus, scale, step_size, constants)
    _, code = noise_code(mdp, "estimated", reward_noise)
    tables = _tables(mdp.S, mdp.A, mdp.H, clip)
    plan = backward_induction(mdp)
    values, margin = np.empty(episodes), np.empty(episodes)
    policy = np.zeros((mdp.H, mdp.S), dtype=np.int64)
    _run(dynamics(mdp), np.array(plan.Q), tables, rule, code, generator(rng), policy, values, margin)
    return OptimisticRun(
        algorithm=name, bonus=bonus, scale=float(scale), delta=float(delta), values=values,
        optimal_value=float(plan.value), policy=policy, visits=tables.n.astype(np.int64), margin=margin,
    )  # fmt: skip


def q_learning_hoeffding(
    mdp: EpisodicMDP,
    *,
    episodes: int,
    delta: float = 0.05,
    bonus: str = "published",
    scale: float = 1.0,
    step_size: str = "published",
    clip: str = "published",
    reward_noise: str = "none",
    rng: Seed,
) -> OptimisticRun:
    r"""Q-learning with Hoeffding bonuses, UCB-H (Jin et al. 2018, Algorithm 1).

    Parameters
    ----------
    mdp : EpisodicMDP
        Rewards in [0, 1].
    episodes : int
        K, >= 1; the bonus contains log K.
    delta : float
        Confidence in (0, 1); p in the paper.
    bonus : {"published", "none"}
        ``"none"`` is Q-learning that starts from H and adds nothing.
    scale : float
        c, >= 0; free in the paper. At 1 the table is optimistic with probability at least 1 - ``delta``.
    step_size : {"published", "harmonic"}
        :math:`(H+1)/(H+t)`, or 1/t, whose regret can be exponential in H.
    clip : {"published", "remaining"}
        Whether V_h is clipped (and starts) at H or at H - h.
    reward_noise : {"none", "bernoulli"}
        Whether the learner sees mean rewards or coins.
    rng : int, SeedSequence or Generator
        Source of randomness.

    Returns
    -------
    OptimisticRun

    Raises
    ------
    ParameterError
        For a parameter or a mean reward out of range.

    Notes
    -----
    With probability at least 1 - ``delta`` the regret is :math:`O(\sqrt{H^4 S A T \iota})` (Theorem 1), constant free.
    Cost: O(A) a step, and O(HS) times the number of successors for each episode that changes the policy.

    Examples
    --------
    >>> from tabular import EpisodicMDP
    >>> mdp = EpisodicMDP([[[1.0], [1.0]]], [[0.25, 1.0]], H=2)
    >>> run = q_learning_hoeffding(mdp, episodes=500, scale=0.1, rng=0)
    >>> run.optimal_value, bool(run.values[-100:].mean() > run.values[:100].mean()), bool(run.margin[-1] >= 0)
    (2.0, True, True)
    """
    name = "Q-learning, Hoeffding"
    return _learn(mdp, name, episodes, delta, bonus, scale, step_size, clip, None, reward_noise, rng)


def q_learning_bernstein(
    mdp: EpisodicMDP,
    *,
    episodes: int,
    delta: float = 0.05,
    bonus: str = "published",
    scale: float = 1.0,
    c1: float = 1.0,
    c2: float = 1.0,
    step_size: str = "published",
    clip: str = "published",
    reward_noise: str = "none",
    rng: Seed,
) -> OptimisticRun:
    r"""Q-learning with Bernstein bonuses, UCB-B (Jin et al. 2018, Algorithm 2).

    Parameters
    ----------
    mdp, episodes, delta, bonus, step_size, clip, reward_noise, rng
        As in `q_learning_hoeffding`.
    scale : float
        Factor on :math:`\beta_t`, >= 0.
    c1, c2 : float
        Factors of the two branches of :math:`\beta_t`, >= 0; free in the paper.

    Returns
    -------
    OptimisticRun

    Raises
    ------
    ParameterError
        For a parameter or a mean reward out of range.

    Notes
    -----
    With probability at least 1 - ``delta`` the regret is
    :math:`O(\sqrt{H^3 S A T \iota} + \sqrt{H^9 S^3 A^3}\,\iota^2)` (Theorem 2), constants free.
    """
    name = "Q-learning, Bernstein"
    return _learn(mdp, name, episodes, delta, bonus, scale, step_size, clip, (c1, c2), reward_noise, rng)


def q_learning_weights(H: int, t: int, *, step_size: str = "published") -> Floats:
    r"""Weights of the samples in Q after t visits: :math:`\alpha_t^i = \alpha_i \prod_{j=i+1}^t (1-\alpha_j)`.

    Parameters
    ----------
    H : int
        Horizon, >= 1.
    t : int
        Number of visits, >= 1.
    step_size : {"published", "harmonic"}
        As in `q_learning_hoeffding`.

    Returns
    -------
    array, shape (t,)
        Entry ``i - 1`` is the weight of the i-th sample; they sum to 1.

    Examples
    --------
    >>> q_learning_weights(3, 2).round(12).tolist()
    [0.2, 0.8]
    """
    harmonic = check.choice(step_size, "step_size", ("published", "harmonic")) == "harmonic"
    horizon = check.count(H, "H")
    steps = np.array([_step_size(horizon, float(i), harmonic) for i in range(1, check.count(t, "t") + 1)])
    later = np.append(np.cumprod((1.0 - steps)[:0:-1])[::-1], 1.0)
    weights: Floats = steps * later
    return weights


class QLearning(CountingAgent):
    """UCB-H or UCB-B for an environment that is not a model; the kernels of `q_learning_hoeffding`.

    Call ``a = act(h, s)``, then ``observe(h, s, a, r, s_next)``, for h = 0..H-1. An episode may end early: tell
    `observe` where it terminated.

    Parameters
    ----------
    S, A, H : int
        Numbers of states, actions and steps.
    episodes : int
        K in the bonus; nothing stops the agent after it.
    variant : {"hoeffding", "bernstein"}
        UCB-H or UCB-B.
    delta, bonus, scale, step_size, clip, c1, c2
        As in `q_learning_hoeffding` and `q_learning_bernstein`.

    Attributes
    ----------
    Q : ndarray, shape (H, S, A)
        The table.
    episode : int
        Number of episodes begun.

    Raises
    ------
    ParameterError
        For a parameter out of range; from ``act`` and ``observe`` for an index or a reward out of range.
    """

    def __init__(
        self, S: int, A: int, H: int, *, episodes: int, variant: str = "hoeffding", delta: float = 0.05,
        bonus: str = "published", scale: float = 1.0, step_size: str = "published", clip: str = "published",
        c1: float = 1.0, c2: float = 1.0,
    ) -> None:  # fmt: skip
        super().__init__(S, A, H)
        hoeffding = check.choice(variant, "variant", ("hoeffding", "bernstein")) == "hoeffding"
        constants = None if hoeffding else (c1, c2)
        self._rule = _rule(self.S, self.A, self.H, episodes, delta, bonus, scale, step_size, constants)
        self._tables = _tables(self.S, self.A, self.H, clip)

    @property
    def Q(self) -> Floats:
        """The table, shape (H, S, A)."""
        return self._tables.Q.copy()

    def act(self, h: int, s: int) -> int:
        """Return the greedy action; ``h == 0`` begins an episode."""
        h, s = self._visit(h, s)
        self.episode += h == 0
        return int(_best(self._tables.Q[h, s]))

    def _learn(self, h: int, s: int, a: int, r: float, s_next: int) -> None:
        check.number(r, "r", low=0.0, high=1.0)
        _q_update(self._tables, self._rule, h, s, a, r, s_next)
