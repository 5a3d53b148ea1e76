r"""DOPE: optimism over a box of transitions and in the objective, pessimism in the constraint.

Bura, HasanzadeZonuzy, Kalathil, Shakkottai and Chamberland, *DOPE: Doubly Optimistic and Pessimistic Exploration for
Safe Reinforcement Learning* (NeurIPS 2022), with the reward in the place of their cost: the constraint is
:math:`V^{\pi}\ge\gamma`, the known baseline :math:`\pi^b` has :math:`V^{\pi^b} = \gamma + \kappa`.

Transitions are known up to a box :math:`\ell_h\le P_h\le u_h` around :math:`\hat P_h`, and :math:`p_h(s,a)` bounds
:math:`(P' - P)_h V` over two members of the box and every :math:`V` with values in :math:`[0, H-h]`. Each episode plays
the policy of

.. math::
    \max_{q, P'} \langle r + \tfrac H\kappa p,\; q\rangle \quad\text{subject to}\quad
    \langle r - p, q\rangle\ge\gamma,\ q\text{ an occupancy of some }P'\text{ in the box},

a linear program in :math:`q_h(s,a,s')` (`BoxProgram`), and the baseline where it is infeasible. By the
value-difference lemma the constraint implies :math:`V^\pi\ge\gamma` wherever the box contains :math:`P`.

Deviations from the paper
-------------------------
1. Rewards are known, so that nothing is added to the penalty for them.
2. ``bonus="published"``: half-width
   :math:`\epsilon^p = \min(1, 2\sqrt{\hat P(1-\hat P)L/n} + 14L/(3n))`, :math:`L = \log(2SAHK/\delta)`,
   :math:`p = H\sum_{s'}\epsilon^p`. The radius was confirmed in notes on the paper, the program in the authors' public
   implementation, which takes a larger L; the paper itself was not at hand. The box contains :math:`P` with probability
   at least :math:`1-\delta` by the empirical Bernstein bound of Maurer and Pontil (2009).
3. The paper plays the baseline in the first episodes, of the order :math:`S^2AH^3/\kappa^2`, so that the program
   becomes feasible. Here the program is asked each time, as in the implementation after these episodes.
4. ``bonus="tight"`` is ours: entry by entry the smallest and the largest probability in the KL ball of radius
   :math:`\beta_{KL}/n`, and :math:`p_h = (H-h)\min(1, \tfrac12\sum_{s'}(u-\ell))` (steps counted from 1).
5. A state that the occupancy does not reach is given the baseline's actions.
"""

import math

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ..._jit import kernel
from ...models import EpisodicMDP
from ...planning.confidence_balls import _kl_extreme
from ._conservative import setting
from ._counts import Counts
from ._episodes import require_unit_rewards
from ._evaluators import KL, radii_of
from ._lp_episodes import Decision, empirical_rows, pessimistic_value, result, run
from ._occupancy_lp import MARGIN, BoxProgram, policy_of
from .results import ConservativeRun

__all__ = ["dope"]

Floats = npt.NDArray[np.float64]
Seed = int | np.random.SeedSequence | np.random.Generator


def dope(
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
    r"""DOPE of Bura et al. (2022), rewards known.

    Parameters
    ----------
    mdp : EpisodicMDP
        Rewards in [0, 1].
    episodes : int
        K, >= 1; the published radius depends on it.
    baseline : array
        Policy of known value above the threshold, int (H, S) or stochastic (H, S, A).
    kappa, threshold : float
        Exactly one: the tolerated loss ``kappa > 0``, or the threshold, below the baseline's value.
    delta : float
        Confidence in (0, 1).
    bonus : {"published", "tight", "none"}
        Box of the transitions and penalty; see the module. ``"none"`` trusts the empirical model: the broken variant.
    scale : float
        Factor on L (on the KL radius for ``"tight"``), >= 0; the theorem needs 1.
    replan : {"every", "doubling"}
        Before each episode, as published, or only when the count of some pair has doubled.
    rng : int, SeedSequence or Generator
        Randomness of the episodes.

    Returns
    -------
    ConservativeRun
        ``lcb`` is the pessimistic value of what was executed, at the transitions that the program chose, or at the
        empirical ones for the baseline.

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
    H, S, A = mdp.r.shape
    program = BoxProgram(mdp.mu0, H, A, task.threshold + MARGIN)
    width = 0.0 if bonus == "none" else scale * math.log(2.0 * S * A * H * episodes / delta)
    tight = _EntropyBox(H, S, A, scale, delta) if bonus == "tight" else None

    def decide(counts: Counts) -> Decision:
        P = empirical_rows(counts)
        lower, upper, penalty = _bernstein_box(counts.n, P, width) if tight is None else tight.update(counts)
        pessimistic = mdp.r - penalty
        found = program.solve(lower, upper, mdp.r + H / task.kappa * penalty, pessimistic)
        if found is None or found.constraint < task.threshold:
            return Decision(None, pessimistic_value(P, pessimistic, task.baseline, mdp.mu0))
        return Decision(policy_of(found.occupancy, task.baseline), found.constraint)

    log = run(task, decide, episodes=episodes, every=every)
    return result(task, log, algorithm="dope", bonus=bonus, scale=scale, delta=delta)


def _bernstein_box(n: Floats, P: Floats, width: float) -> tuple[Floats, Floats, Floats]:
    """Bounds (H, S, A, S) on the transitions and the penalty (H, S, A), for ``L = width``."""
    seen = np.maximum(n, 1.0)[..., None]
    half = np.minimum(2.0 * np.sqrt(P * (1.0 - P) * width / seen) + 14.0 * width / (3.0 * seen), 1.0)
    return np.maximum(P - half, 0.0), np.minimum(P + half, 1.0), P.shape[0] * half.sum(axis=-1)


class _EntropyBox:
    """The box around the KL ball, entry by entry; only rows whose count changed are computed anew."""

    def __init__(self, H: int, S: int, A: int, scale: float, delta: float) -> None:
        self.scale, self.delta = scale, delta
        self.done = np.zeros((H, S, A))
        self.lower, self.upper = np.full((H, S, A, S), float(S == 1)), np.ones((H, S, A, S))
        self.ahead = np.arange(H - 1.0, -1.0, -1.0)[:, None, None]

    def update(self, counts: Counts) -> tuple[Floats, Floats, Floats]:
        """Return bounds (H, S, A, S) on the transitions and the penalty (H, S, A)."""
        radii = radii_of(KL, self.scale, self.delta, counts)
        _entropy_box(counts, radii.first, self.done, self.lower, self.upper)
        width = np.minimum(0.5 * (self.upper - self.lower).sum(axis=-1), 1.0)
        return self.lower, self.upper, self.ahead * width


@kernel
def _entropy_box(counts: Counts, radii: Floats, done: Floats, lower: Floats, upper: Floats) -> None:
    """Smallest and largest probability of each successor within relative entropy ``radii``, where counts changed."""
    H, S, A = counts.n.shape
    one = np.zeros(S)
    for h in range(H):
        for s in range(S):
            for a in range(A):
                n, m = counts.n[h, s, a], counts.degree[h, s, a]
                if n == done[h, s, a] or S == 1:
                    continue
                done[h, s, a] = n
                weight, successor = counts.weight[h, s, a, :m], counts.successor[h, s, a, :m]
                for j in range(S):
                    one[j] = 1.0
                    low = _kl_extreme(weight, successor, n, one, 0.0, -1.0, radii[h, s, a])
                    high = _kl_extreme(weight, successor, n, one, 1.0, 1.0, radii[h, s, a])
                    lower[h, s, a, j], upper[h, s, a, j] = max(low, 0.0), min(high, 1.0)
                    one[j] = 0.0
