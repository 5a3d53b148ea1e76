r"""OptPess-LP: optimism in the objective, pessimism in the constraint, one occupancy program an episode.

Liu, Zhou, Kalathil, Kumar and Tian, *Learning Policies with Zero or Bounded Constraint Violation for Constrained MDPs*
(NeurIPS 2021), with the reward in the place of their cost: the constraint is :math:`V^{\pi}\ge\gamma`, the known
baseline :math:`\pi^b` has :math:`V^{\pi^b} = \gamma + \kappa`.

At step :math:`h` a pair costs the *penalty* :math:`p_h(s,a)`, a bound on :math:`(\hat P - P)_h V` for every
:math:`V` with values in :math:`[0, H-h]`. While the pessimistic value :math:`\langle r - p, q^{\pi^b}\rangle` of the
baseline under :math:`\hat P` is at most :math:`(\gamma + V^{\pi^b})/2`, the baseline is played; then the policy of

.. math::
    \max_q \langle r + (1 + 4H/\kappa)\,p,\; q\rangle
    \quad\text{subject to}\quad \langle r - p, q\rangle\ge\gamma,\ q\text{ an occupancy of }\hat P .

By the value-difference lemma the constraint implies :math:`V^\pi\ge\gamma` wherever the penalties are valid.

Deviations from the paper
-------------------------
1. Rewards are known, so that nothing is added to the penalty for them.
2. ``bonus="published"``: :math:`p = SH\sqrt{L/n}`, :math:`L = \log(32SAHK/\delta)`, the constants of the public
   implementation that accompanies Bura et al. (2022); the paper itself was not at hand. Valid: by Hoeffding's
   inequality every entry of :math:`\hat P` is off by at most :math:`\sqrt{L/n}` with probability at least
   :math:`1-\delta`.
3. ``bonus="tight"`` is ours: :math:`p_h = (H-h)\min(1, \sqrt{\beta_{KL}/(2n)})`, valid by Pinsker's inequality on the
   event of the KL radii (steps counted from 1).
4. A state that the occupancy does not reach is given the baseline's actions.
"""

import math

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ...models import EpisodicMDP
from ._conservative import setting
from ._counts import Counts
from ._episodes import require_unit_rewards
from ._evaluators import L1, radii_of
from ._lp_episodes import Decision, empirical_rows, pessimistic_value, result, run
from ._occupancy_lp import MARGIN, OccupancyProgram, policy_of
from .results import ConservativeRun

__all__ = ["optpess_lp"]

Floats = npt.NDArray[np.float64]
Seed = int | np.random.SeedSequence | np.random.Generator


def optpess_lp(
    mdp: EpisodicMDP,
    *,
    episodes: int,
    baseline: npt.ArrayLike,
    kappa: float | None = None,
    threshold: float | None = None,
    delta: float = 0.05,
    bonus: str = "published",
    scale: float = 1.0,
    replan: str = "every",
    rng: Seed,
) -> ConservativeRun:
    r"""OptPess-LP of Liu et al. (2021), rewards known.

    Parameters
    ----------
    mdp : EpisodicMDP
        Rewards in [0, 1].
    episodes : int
        K, >= 1; the published penalty depends on it.
    baseline : array
        Policy of known value above the threshold, int (H, S) or stochastic (H, S, A).
    kappa, threshold : float
        Exactly one: the tolerated loss ``kappa > 0``, or the threshold, below the baseline's value.
    delta : float
        Confidence in (0, 1).
    bonus : {"published", "tight", "none"}
        Penalty of uncertainty; see the module. ``"none"`` trusts the empirical model: the broken variant.
    scale : float
        Factor on the penalty (on the KL radius for ``"tight"``), >= 0; the theorem needs 1.
    replan : {"every", "doubling"}
        Before each episode, as published, or only when the count of some pair has doubled.
    rng : int, SeedSequence or Generator
        Randomness of the episodes.

    Returns
    -------
    ConservativeRun
        ``lcb`` is the pessimistic value of what was executed.

    Raises
    ------
    ParameterError
        For a parameter out of range, a reward outside [0, 1], or a threshold not below the baseline's value.
    PolicyError
        If the baseline is no policy.
    CertificateError
        If HiGHS fails, or its answer violates a constraint.
    """
    task = setting(mdp, baseline, kappa, threshold, rng)
    require_unit_rewards(mdp)
    check.choice(bonus, "bonus", ("published", "tight", "none"))
    scale = check.number(scale, "scale", low=0.0)
    episodes, delta = check.count(episodes, "episodes"), check.fraction(delta, "delta")
    every = check.choice(replan, "replan", ("every", "doubling")) == "every"
    program = OccupancyProgram(mdp.mu0, mdp.H, mdp.A, task.threshold + MARGIN)
    gate = 0.5 * (task.threshold + task.baseline_value)
    eagerness = 1.0 + 4.0 * mdp.H / task.kappa

    def decide(counts: Counts) -> Decision:
        P, penalty = empirical_rows(counts), _penalty(counts, bonus, scale, delta, episodes)
        lower = mdp.r - penalty
        lcb = pessimistic_value(P, lower, task.baseline, mdp.mu0)
        if lcb <= gate:
            return Decision(None, lcb)
        found = program.solve(P, mdp.r + eagerness * penalty, lower)
        if found is None or found.constraint < task.threshold:
            return Decision(None, lcb)
        return Decision(policy_of(found.occupancy, task.baseline), found.constraint)

    log = run(task, decide, episodes=episodes, every=every)
    return result(task, log, algorithm="optpess-lp", bonus=bonus, scale=scale, delta=delta)


def _penalty(counts: Counts, bonus: str, scale: float, delta: float, episodes: int) -> Floats:
    """Bound on the error of the empirical mean of any value ahead, (H, S, A)."""
    H, S, A = counts.n.shape
    if bonus == "none":
        return np.zeros((H, S, A))
    if bonus == "published":
        width = math.log(32.0 * S * A * H * episodes / delta)
        return scale * S * H * np.sqrt(width / np.maximum(counts.n, 1.0))
    distance = 0.5 * radii_of(L1, scale, delta, counts).first
    return np.arange(H - 1.0, -1.0, -1.0)[:, None, None] * np.minimum(distance, 1.0)
