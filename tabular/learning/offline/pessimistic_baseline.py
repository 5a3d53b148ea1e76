r"""A baseline policy learned from logged episodes, with a certificate: pessimistic value iteration, finite horizon.

The offline extension of Li, Huang, Shen and Yang, *Near-optimal Conservative Exploration in Reinforcement Learning
under Episode-wise Constraints* (ICML 2023): where no safe policy is known, learn one from trajectories of a safe
behaviour, and give it to `stepmix` as baseline, with or without the trajectories as initial data.

:math:`L_h(s) = \max_a [r_h(s,a) + \min\{q\cdot L_{h+1}: n\,\mathrm{KL}(\hat P_h(s,a)\,\|\,q)\le\beta_{KL}(n,\delta)\}]`
backwards from :math:`L_{H+1} = 0`; a pair without data has the whole simplex for its ball. The greedy policy has a
value of at least :math:`L_1` wherever every true row lies in its ball, an event of probability at least
:math:`1-\delta`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ...errors import ParameterError
from ...simulation.dataset import OfflineDataset
from ..online._bpi_kernels import _bpi_plan, empty_bpi_plan
from ..online._evaluators import KL, L1, _ball_plan, radii_of
from ..online.stepmix import logged, unit_rewards

__all__ = ["OfflineBaseline", "offline_baseline"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class OfflineBaseline:
    """A policy learned offline and what is certain about it.

    Attributes
    ----------
    policy : ndarray of int64, shape (H, S)
        Greedy in the lower bounds, the smallest action on ties.
    lower : ndarray, shape (H + 1, S)
        Lower bounds on its values; ``lower[H]`` is 0.
    lcb : float
        Lower bound on its value from the initial distribution.
    delta : float
        With probability at least ``1 - delta`` all these bounds hold.
    counts : ndarray, shape (H, S, A)
        Visits of each pair in the data.
    """

    policy: Ints
    lower: Floats
    lcb: float
    delta: float
    counts: Floats


def offline_baseline(
    data: OfflineDataset,
    r: npt.ArrayLike,
    *,
    mu0: npt.ArrayLike,
    delta: float = 0.05,
    evaluator: str = "kl",
    scale: float = 1.0,
) -> OfflineBaseline:
    r"""Learn a policy from logged episodes by pessimistic value iteration, and certify its value.

    Parameters
    ----------
    data : OfflineDataset
        With the step ``h`` of each row; its rewards are not used.
    r : array, shape (S, A) or (H, S, A)
        Rewards, known and in [0, 1].
    mu0 : array, shape (S,)
        Distribution of the first state.
    delta : float
        Confidence in (0, 1).
    evaluator : {"kl", "hoeffding", "bernstein", "plug-in"}
        Minimum over KL or L1 balls, or the lower values of BPI-UCBVI, which subtract a Bernstein bonus (constants
        recalled). ``"plug-in"`` trusts the empirical rows where there are any: the broken variant.
    scale : float
        Factor on the radii (or the bonus), >= 0; the certificate needs 1.

    Returns
    -------
    OfflineBaseline

    Raises
    ------
    ParameterError
        For data without steps, tables of another shape, or a parameter out of range.

    Notes
    -----
    The sample size of the paper is of the order :math:`H^3SC^\star/\kappa^2` for the single-policy concentrability
    :math:`C^\star` of a safe policy (recalled, order only).

    Examples
    --------
    >>> from tabular.simulation import OfflineDataset
    >>> data = OfflineDataset(s=[0], a=[0], r=[0.5], s_next=[0], S=1, A=2, h=[0])
    >>> found = offline_baseline(data, [[0.5, 0.25]], mu0=[1.0])
    >>> found.policy.tolist(), found.lcb
    ([[0]], 0.5)
    """
    if not isinstance(data, OfflineDataset) or data.H is None:
        raise ParameterError("data has no steps; give an OfflineDataset with h")
    S, A, H = data.S, data.A, data.H
    rewards = unit_rewards(r, S, A, H)
    start = check.distribution(mu0, "mu0", S, ParameterError)
    delta, factor = check.fraction(delta, "delta"), check.number(scale, "scale", low=0.0)
    kind = check.choice(evaluator, "evaluator", ("kl", "hoeffding", "bernstein", "plug-in"))
    counts = logged(data, S, A, H)
    policy, lower = np.zeros((H, S), dtype=np.int64), np.zeros((H + 1, S))
    if kind == "bernstein":
        plan = empty_bpi_plan(S, A, H)
        _bpi_plan(plan, counts, rewards, delta, factor, 1.0)
        policy[:], lower[:H] = plan.lower.argmax(axis=2), plan.lower.max(axis=2)
    else:
        width = 0.0 if kind == "plug-in" else factor
        radii = radii_of(L1 if kind == "hoeffding" else KL, width, delta, counts)
        _ball_plan(radii, counts, rewards, -1.0, lower, policy)
    return OfflineBaseline(policy=policy, lower=lower, lcb=float(start @ lower[0]), delta=delta, counts=counts.n)
