r"""BPI-UCBVI: best-policy identification, exploring until a policy is certified as good enough.

Menard, Domingues, Jonsson, Kaufmann, Leurent and Valko, *Fast active learning for pure exploration in reinforcement
learning* (ICML 2021). Transitions may depend on the step and are unknown; rewards lie in [0, 1] and are known. With n
visits of a pair, steps :math:`h = 0..H-1` here, and

.. math:: \beta(n) = \log\frac{3SAH}{\delta} + S\log(8e(n+1)), \qquad
   \beta^\star(n) = \log\frac{3SAH}{\delta} + \log(8e(n+1)),

every episode plans backwards :math:`\overline Q_h = r + \hat P\,\overline V_{h+1} + w_h` and
:math:`\underline Q_h = r + \hat P\,\underline V_{h+1} - w_h`, clipped to :math:`[0, H-h]`, where

.. math:: w_h = 3\sqrt{\mathrm{Var}_{\hat P}(\overline V_{h+1})\,\beta^\star/n} + 14H^2\beta/n +
   \tfrac1H \hat P(\overline V_{h+1} - \underline V_{h+1}),

plays the policy greedy in the upper values, and stops as soon as its gap
:math:`G_h = \min\{H, 6\sqrt{\mathrm{Var}_{\hat P}(\overline V_{h+1})\,\beta^\star/n} + 36H^2\beta/n +
(1 + \tfrac3H)\hat P G_{h+1}\}`, at its own actions, is at most eps in the first state. Then, with probability at least
:math:`1-\delta`, the policy is eps-optimal. The constants 3, 14, 6, 36 and 3/H are recalled, not yet seen in a source.

Deviations from the paper
-------------------------
1. The clip is H - h, the most that can still be earned, for the values (H for the gap, as recalled).
2. The first state may be random: the gap is averaged over it, which bounds the loss of value in the same way.
3. ``gap_bonus="none"`` leaves out the confidence terms of the gap: a broken variant, which stops as soon as its policy
   has been played along all that it leads to.
"""

import numpy as np

from ... import _check as check
from ...models import EpisodicMDP
from ...planning import backward_induction, evaluate
from ...streams import generator
from ._bpi_kernels import _bpi_run, empty_bpi_plan
from ._counts import empty_counts
from ._episodes import dynamics, require_unit_rewards
from ._played import require_model
from .results import BestPolicyRun

__all__ = ["bpi_ucbvi"]

Seed = int | np.random.SeedSequence | np.random.Generator


def bpi_ucbvi(
    mdp: EpisodicMDP,
    *,
    episodes: int,
    eps: float,
    delta: float = 0.05,
    bonus: str = "published",
    gap_bonus: str = "published",
    scale: float = 1.0,
    rng: Seed,
) -> BestPolicyRun:
    r"""BPI-UCBVI (Menard et al. 2021): play until a policy is certified as eps-optimal.

    Parameters
    ----------
    mdp : EpisodicMDP
        Rewards in [0, 1].
    episodes : int
        Most episodes to play, >= 1.
    eps : float
        Accuracy, > 0.
    delta : float
        Confidence in (0, 1).
    bonus : {"published", "none"}
        ``"none"`` leaves the confidence terms out of the upper and lower values; pairs never seen keep trivial ones.
    gap_bonus : {"published", "none"}
        ``"none"`` leaves them out of the gap: it then stops too early.
    scale : float
        Factor on all these terms, >= 0.
    rng : int, SeedSequence or Generator
        Source of randomness.

    Returns
    -------
    BestPolicyRun

    Raises
    ------
    ParameterError
        For a parameter out of range or a reward outside [0, 1].

    Notes
    -----
    The paper's bound on the number of episodes is :math:`\tilde O(H^3SA\log(1/\delta)/\varepsilon^2 +
    H^3S^2A/\varepsilon)`, constants not given.

    Cost of an episode: HSA times the mean number of successors seen of a pair, three times.

    Examples
    --------
    >>> from tabular import EpisodicMDP
    >>> mdp = EpisodicMDP([[[1.0], [1.0]]], [[0.25, 1.0]], H=1)
    >>> run = bpi_ucbvi(mdp, episodes=5000, eps=0.5, rng=0)
    >>> run.stopped, run.episodes < 5000, run.best_policy.tolist(), run.best_value
    (True, True, [[1]], 1.0)
    """
    mdp = require_model(mdp)
    require_unit_rewards(mdp)
    K = check.count(episodes, "episodes")
    eps = check.number(eps, "eps", low=0.0, open_low=True)
    delta = check.fraction(delta, "delta")
    factor = check.number(scale, "scale", low=0.0)
    width = factor if check.choice(bonus, "bonus", ("published", "none")) == "published" else 0.0
    gap_width = factor if check.choice(gap_bonus, "gap_bonus", ("published", "none")) == "published" else 0.0
    H, S, A = mdp.r.shape
    plan, counts, model = empty_bpi_plan(S, A, H), empty_counts(H, S, A), dynamics(mdp)
    values, gaps = np.empty(K), np.empty(K + 1)
    policy, visits = np.zeros((H, S), dtype=np.int64), np.zeros((H, S, A), dtype=np.int64)
    random = generator(rng)
    played = _bpi_run(model, plan, counts, eps, delta, width, gap_width, random, values, gaps, policy, visits)
    return BestPolicyRun(
        algorithm="BPI-UCBVI", bonus=bonus, scale=factor, delta=delta, values=values[:played].copy(),
        optimal_value=float(backward_induction(mdp).value), policy=policy, visits=visits, eps=eps,
        stopped=bool(gaps[played] <= eps), gap=gaps[: played + 1].copy(), best_policy=plan.policy,
        best_value=float(evaluate(mdp, plan.policy).value), lower=plan.lower, upper=plan.upper,
    )  # fmt: skip
