r"""LSVI-UCB: optimistic least-squares value iteration in linear MDPs.

Jin, Yang, Wang and Jordan, *Provably Efficient Reinforcement Learning with Linear Function Approximation* (COLT 2020),
Algorithm 1. The learner knows the features :math:`\phi(s,a)` of length d, and that rewards lie in [0, 1]. Before each
episode, backwards from :math:`V_H = 0`,

.. math::

    \Lambda_h &= \lambda I + \sum_\tau \phi_\tau\phi_\tau^\top, \qquad
    w_h = \Lambda_h^{-1} \sum_\tau \phi_\tau\,[\,r_\tau + V_{h+1}(s'_\tau)\,], \\
    Q_h &= \min\{\, w_h^\top\phi + \beta\lVert\phi\rVert_{\Lambda_h^{-1}},\; H - h \,\}, \qquad V_h = \max_a Q_h,

with sums over the past visits of step h; it then plays the greedy policy. With :math:`\lambda = 1` and
:math:`\beta = c\,d H\sqrt{\log(2dT/p)}`, T = KH, regret is :math:`\tilde O(\sqrt{d^3H^3T})` with probability at least
1 - p, for norms at most 1 of the features and some absolute constant c (Theorem 3.1).

Cost
----
As states are finite, :math:`\sum_\tau\phi_\tau V_{h+1}(s'_\tau) = \sum_{s'}M_h(s')V_{h+1}(s')`, where :math:`M_h(s')`
sums the features of the visits that led to :math:`s'`. An episode costs O(H (S A d^2 + d^3)), however many went before.

Accuracy
--------
Sums are compensated (Kahan), and :math:`\Lambda_h` is factored anew in every episode (Cholesky): neither the sums nor
the inverse get worse as episodes pass. What is left is the rounding of one factorisation, about ``d eps``, which the
condition number of :math:`\Lambda_h`, at most ``1 + k / ridge`` after k episodes, multiplies in the weights, and its
root in the bonus. Tests hold both to exact rational arithmetic.

Deviations from the paper
-------------------------
1. Values at step h (from 0) are capped at H - h, the most that can still be earned; the paper caps them at H. As there,
   they are not cut off at 0.
2. The paper leaves c open. It is ``scale`` here, 1 by default.
3. ``bonus="none"`` is not in the paper: least-squares value iteration without exploration.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ...errors import ParameterError
from ...models import EpisodicMDP, LinearMDP
from ...planning import backward_induction
from ...simulation._tables import noise
from ...streams import generator
from ._episodes import dynamics
from ._lsvi_kernels import _learn, _lsvi, _run_lsvi, empty_plan, empty_regression
from ._played import Agent
from .results import LinearRun

__all__ = ["LSVIUCB", "lsvi_ucb", "lsvi_width"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Seed = int | np.random.SeedSequence | np.random.Generator

#: Smaller ridges leave no digits to a direction that was never visited: see Accuracy.
LEAST_RIDGE = 1e-8

#: How far rewards may lie outside [0, 1], and feature norms above 1, before they are refused: a few roundings.
_SLACK = 1e-9


def lsvi_width(d: int, H: int, episodes: int, delta: float) -> float:
    r"""Factor :math:`\beta` of the bonus of LSVI-UCB, with constant 1: :math:`dH\sqrt{\log(2dT/\delta)}`, T = KH.

    Parameters
    ----------
    d : int
        Number of features.
    H : int
        Horizon.
    episodes : int
        Number of episodes, K.
    delta : float
        Failure probability in (0, 1); the paper's p.

    Raises
    ------
    ParameterError
        For a parameter out of range.

    Examples
    --------
    >>> round(lsvi_width(d=2, H=3, episodes=100, delta=0.05), 3)
    19.055
    """
    d, H, K = check.count(d, "d"), check.count(H, "H"), check.count(episodes, "episodes")
    return d * H * math.sqrt(math.log(2.0 * d * K * H / check.fraction(delta, "delta")))


def _features(features: Any, pairs: tuple[int, int] | None) -> Floats:
    """Return features (S, A, d) as kernels take them: (d, S*A)."""
    phi = check.as_array(features, "features", ndim=3, error=ParameterError)
    if pairs is not None and phi.shape[:2] != pairs:
        raise ParameterError(f"features has shape {phi.shape}; (S, A, d) with S, A = {pairs} is needed to match mdp")
    with np.errstate(over="ignore"):
        norms = np.sqrt(np.square(phi).sum(axis=2))
    if norms.max() > 1.0 + _SLACK:
        s, a = np.unravel_index(int(norms.argmax()), norms.shape)
        raise ParameterError(
            f"features[{s}, {a}] has norm {norms[s, a]:.6g}; the bonus is made for norms of at most 1 "
            "(dividing all features by the largest norm leaves the model linear)"
        )
    columns = np.ascontiguousarray(phi.reshape(-1, phi.shape[2]).T)
    columns.setflags(write=False)
    return columns


def _constants(
    d: int, H: int, episodes: int, delta: float, ridge: float, bonus: str, scale: float
) -> tuple[float, float, float, float]:
    """Return ``delta, ridge, scale, beta``, checked."""
    check.choice(bonus, "bonus", ("published", "none"))
    ridge = check.number(ridge, "ridge", low=LEAST_RIDGE)
    scale = check.number(scale, "scale", low=0.0, high=1e100)
    width = lsvi_width(d, H, episodes, delta)
    return float(delta), ridge, scale, scale * width if bonus == "published" else 0.0


def lsvi_ucb(
    mdp: LinearMDP | EpisodicMDP,
    *,
    episodes: int,
    delta: float = 0.05,
    ridge: float = 1.0,
    bonus: str = "published",
    scale: float = 1.0,
    features: npt.ArrayLike | None = None,
    reward_noise: str = "none",
    rng: Seed,
) -> LinearRun:
    r"""LSVI-UCB (Jin et al. 2020, Algorithm 1) played for K episodes, with its exact regret.

    Parameters
    ----------
    mdp : LinearMDP or EpisodicMDP
        What is played; rewards in [0, 1]. Of a `LinearMDP` the learner knows ``phi``.
    episodes : int
        K >= 1. The bonus depends on it.
    delta : float
        Failure probability in (0, 1); the paper's p.
    ridge : float
        :math:`\lambda`, at least 1e-8; the paper's is 1.
    bonus : {"published", "none"}
        ``"none"`` explores by nothing but ties: a control.
    scale : float
        Factor on the bonus, >= 0; the paper's constant c.
    features : array, shape (S, A, d), optional
        What the learner uses instead of ``phi``; required for an `EpisodicMDP`, which need not be linear in them.
        Norms at most 1.
    reward_noise : {"none", "bernoulli"}
        Whether observed rewards are the means, or 0 and 1 with these means.
    rng : int, SeedSequence or Generator
        Source of randomness: one uniform for the first state, then in each step one for the reward (if noisy) and one
        for the successor.

    Returns
    -------
    LinearRun

    Raises
    ------
    ParameterError
        For a parameter out of range, a reward outside [0, 1], or a feature of norm above 1.

    Examples
    --------
    The second of two actions pays more; a tenth of the bonus tries both, then settles:

    >>> from tabular import LinearMDP
    >>> mdp = LinearMDP([[[1.0, 0.0], [0.0, 1.0]]], mu=[[1.0], [1.0]], theta=[0.25, 0.75], H=2)
    >>> run = lsvi_ucb(mdp, episodes=200, scale=0.1, rng=0)
    >>> run.optimal_value, run.policy.tolist(), float(run.regret[-1])
    (1.5, [[1], [1]], 35.0)
    """
    if not isinstance(mdp, LinearMDP | EpisodicMDP):
        raise ParameterError(f"mdp is a {type(mdp).__name__}; give a LinearMDP, or an EpisodicMDP with features")
    if features is None and not isinstance(mdp, LinearMDP):
        raise ParameterError("mdp is an EpisodicMDP; give the features that the learner uses, shape (S, A, d)")
    phi = _features(mdp.phi if isinstance(mdp, LinearMDP) and features is None else features, (mdp.S, mdp.A))
    model = mdp.to_episodic() if isinstance(mdp, LinearMDP) else mdp
    low, high = model.reward_range
    if low < -_SLACK or high > 1.0 + _SLACK:
        raise ParameterError(f"mdp has rewards from {low:g} to {high:g}; LSVI-UCB is made for rewards in [0, 1]")
    code, _ = noise(model, check.choice(reward_noise, "reward_noise", ("none", "bernoulli")), None)
    (H, S, A), d = model.r.shape, phi.shape[0]
    delta, ridge, scale, beta = _constants(d, H, episodes, delta, ridge, bonus, scale)
    best = backward_induction(model)
    plan = empty_plan(H, S, A, d)
    values, margin = np.empty(episodes), np.empty(episodes)
    visits = np.zeros((H, S, A), dtype=np.int64)
    _run_lsvi(
        phi, dynamics(model), empty_regression(H, S, d, ridge), plan, ridge, beta, best.Q, code, generator(rng), values,
        margin, visits,
    )  # fmt: skip
    return LinearRun(
        algorithm="LSVI-UCB", bonus=bonus, scale=scale, delta=delta, values=values, optimal_value=best.value,
        policy=plan.policy, visits=visits, beta=beta, ridge=ridge, weights=plan.w, Q=plan.Q, margin=margin,
    )  # fmt: skip


class LSVIUCB(Agent):
    r"""LSVI-UCB for an environment that is not ours: the kernels of `lsvi_ucb`, driven from outside.

    ``act(0, s)`` begins an episode and plans anew. An episode may end early: tell `observe` where it terminated, or
    just begin the next one.

    Parameters
    ----------
    features : array, shape (S, A, d)
        Norms at most 1.
    H : int
        Horizon; a step is numbered 0..H-1.
    episodes : int
        Number of episodes that the bonus is set for.
    delta, ridge, bonus, scale
        As in `lsvi_ucb`.

    Attributes
    ----------
    S, A, d, H : int
        Sizes.
    beta : float
        Factor of the bonus.
    policy : int array, shape (H, S)
        Of the current episode.
    weights : array, shape (H, d)
        Of the current plan.

    Raises
    ------
    ParameterError
        For a parameter out of range.

    Examples
    --------
    >>> import numpy as np
    >>> agent = LSVIUCB(np.eye(2).reshape(1, 2, 2), H=1, episodes=50, scale=0.1)
    >>> for _ in range(50):
    ...     a = agent.act(0, 0)
    ...     agent.observe(0, 0, a, r=0.9 * a, s_next=0)
    >>> agent.act(0, 0)
    1
    """

    def __init__(
        self,
        features: npt.ArrayLike,
        H: int,
        *,
        episodes: int,
        delta: float = 0.05,
        ridge: float = 1.0,
        bonus: str = "published",
        scale: float = 1.0,
    ) -> None:
        self._phi = _features(features, None)
        S, A = np.shape(features)[:2]
        super().__init__(int(S), int(A), H)
        self.d = int(self._phi.shape[0])
        _, self._ridge, _, self.beta = _constants(self.d, self.H, episodes, delta, ridge, bonus, scale)
        self._sums = empty_regression(self.H, self.S, self.d, self._ridge)
        self._plan = empty_plan(self.H, self.S, self.A, self.d)

    @property
    def policy(self) -> Ints:
        """Policy of the current episode, int (H, S)."""
        return self._plan.policy.copy()

    @property
    def weights(self) -> Floats:
        """Weights of the current plan, (H, d)."""
        return self._plan.w.copy()

    def act(self, h: int, s: int) -> int:
        """Return the action for state ``s`` at step ``h``; step 0 begins an episode and plans."""
        h, s = self._visit(h, s)
        if h == 0:
            self.episode += 1
            _lsvi(self._phi, self._sums, self._ridge, self.beta, self._plan)
        return int(self._plan.policy[h, s])

    def observe(self, h: int, s: int, a: int, r: float, s_next: int, *, terminated: bool = False) -> None:
        """Learn from one transition.

        Parameters
        ----------
        h, s, a : int
            Step, state and action.
        r : float
            Reward in [0, 1].
        s_next : int
            State that was reached.
        terminated : bool
            Whether the episode ended there though steps were left: this visit then counts as earning nothing more.

        Raises
        ------
        ParameterError
            For an argument out of range.
        """
        h, s, a, r, s_next = self._transition(h, s, a, r, s_next)
        reward = check.number(r, "r", low=0.0, high=1.0)
        _learn(self._phi, self._sums, h, s * self.A + a, reward, -1 if terminated else s_next)
