r"""KL-UCBVI: optimistic value iteration over KL balls around the empirical transitions, run as a learner.

Every episode plans :math:`Q_h(s,a) = r_h(s,a) + \max\{q\cdot V_{h+1}: n\,\mathrm{KL}(\hat P_h(s,a)\,\|\,q)\le
\beta_{KL}(n,\delta)\}` backwards, :math:`\beta_{KL}(n,\delta) = \log(SAH/\delta) + (S-1)\log(e(1+n/(S-1)))`, and
plays the greedy policy. It is the finite-horizon form of KL-UCRL (Filippi, Cappe and Garivier 2010) with a radius that
is uniform over time, planned anew before every episode; `stepmix` without its constraint.
"""

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ..._jit import kernel
from ...models import EpisodicMDP
from ...planning.finite_horizon import backward_induction
from ...simulation.sampling import _draw
from ...streams import generator
from ._counts import Counts, _record, empty_counts
from ._episodes import Dynamics, _next_state, _policy_value, _same_policy, dynamics, require_unit_rewards
from ._evaluators import KL, Radii, _ball_plan, _set_radius, radii_of
from ._played import require_model
from .results import OnlineRun

__all__ = ["kl_ucbvi"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Seed = int | np.random.SeedSequence | np.random.Generator


@kernel
def _kl_run(
    model: Dynamics, counts: Counts, radii: Radii, upper: Floats, plan: Ints, rng: np.random.Generator, values: Floats,
    policy: Ints, visits: Ints,
) -> None:  # fmt: skip
    """Play K episodes; values (K,). ``policy`` (H, S) ends as the one executed last; upper (H + 1, S), plan (H, S)."""
    H, S = policy.shape
    occupancy = np.empty((2, S))
    value = 0.0
    for k in range(values.shape[0]):
        _ball_plan(radii, counts, model.r, 1.0, upper, plan)
        if k == 0 or not _same_policy(policy, plan):
            policy[:] = plan
            value = _policy_value(model, policy, occupancy)
        values[k] = value
        s = _draw(model.mu0, rng.random())
        for h in range(H):
            a = policy[h, s]
            s_next = _next_state(model, h, s, a, rng.random())
            _record(counts, h, s, a, s_next)
            _set_radius(radii, counts, h, s, a)
            visits[h, s, a] += 1
            s = s_next


def kl_ucbvi(
    mdp: EpisodicMDP,
    *,
    episodes: int,
    delta: float = 0.05,
    bonus: str = "published",
    scale: float = 1.0,
    rng: Seed,
) -> OnlineRun:
    """Optimism over KL balls (the planner of `stepmix`), with counts of each step and known rewards.

    Parameters
    ----------
    mdp : EpisodicMDP
        Rewards in [0, 1], known to the learner.
    episodes : int
        K, >= 1.
    delta : float
        Confidence in (0, 1): all optimistic values are at least the optimal ones in every episode with probability at
        least 1 - delta.
    bonus : {"published", "none"}
        ``"none"`` trusts the empirical rows where there are any: the broken variant.
    scale : float
        Factor on the radii, >= 0.
    rng : int, SeedSequence or Generator
        An episode draws one uniform for its first state and one for each successor.

    Returns
    -------
    OnlineRun

    Raises
    ------
    ParameterError
        For a parameter out of range or a reward outside [0, 1].

    Examples
    --------
    >>> from tabular import EpisodicMDP
    >>> mdp = EpisodicMDP([[[1.0], [1.0]]], [[0.25, 1.0]], H=2)
    >>> kl_ucbvi(mdp, episodes=3, rng=0).values.tolist()
    [2.0, 2.0, 2.0]
    """
    require_unit_rewards(require_model(mdp))
    K, delta = check.count(episodes, "episodes"), check.fraction(delta, "delta")
    factor = check.number(scale, "scale", low=0.0)
    trusting = check.choice(bonus, "bonus", ("published", "none")) == "none"
    H, S, A = mdp.r.shape
    counts = empty_counts(H, S, A)
    radii = radii_of(KL, 0.0 if trusting else factor, delta, counts)
    values, visits = np.empty(K), np.zeros((H, S, A), dtype=np.int64)
    plan, policy = np.zeros((H, S), dtype=np.int64), np.zeros((H, S), dtype=np.int64)
    _kl_run(dynamics(mdp), counts, radii, np.zeros((H + 1, S)), plan, generator(rng), values, policy, visits)
    return OnlineRun(
        algorithm="kl-ucbvi",
        bonus=bonus,
        scale=factor,
        delta=delta,
        values=values,
        optimal_value=backward_induction(mdp).value,
        policy=policy,
        visits=visits,
    )
