r"""Log-barrier FTRL for adversarial linear MDPs without a simulator: policy cover, blocks, direct covariances.

The third algorithm of Dai, Luo, Wei and Zimmert (ICML 2023). Its structure is recalled, its constants are not
known here.

1. A reward-free phase plays policies that seek the directions least seen and keeps them as the *cover*.
2. The other episodes go in blocks of W with a frozen policy. With probability ``explore`` an episode follows a
   policy of the cover up to and including a uniformly random step; the steps before the switch enter no estimate.
3. The first half of a block estimates the covariances, directly; the second half Q and, by least squares, the bonus
   of the next step. States whose widths under the cover are at most ``threshold`` are known; only these get a bonus
   of their own.
4. One log-barrier step for each block, on the sum of block estimates minus bonuses.
"""

import math

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ...errors import ParameterError
from ...models import AdversarialMDP
from ...streams import generator
from ._comparator import features_of, run_of
from ._cover_kernels import Blocks, _play_without_simulator, _policy_cover
from ._linear_kernels import Arena, Rule
from .results import AdversarialRun

__all__ = ["covered_log_barrier", "policy_cover"]

Floats = npt.NDArray[np.float64]
Seed = int | np.random.SeedSequence | np.random.Generator


def _arena(mdp: AdversarialMDP, features: npt.ArrayLike | None) -> Arena:
    design = np.full((mdp.S, mdp.A), 1.0 / mdp.A)
    design.setflags(write=False)
    return Arena(mdp.transitions(), mdp.mu0, mdp.losses, features_of(mdp, features), design)


def policy_cover(
    mdp: AdversarialMDP,
    *,
    policies: int,
    features: npt.ArrayLike | None = None,
    planner: str = "exact",
    rng: Seed,
) -> tuple[Floats, Floats]:
    r"""Play policies that seek the directions least seen, one after the other.

    Each maximises :math:`\sum_h\min(1,\|\phi\|^2_{\Gamma_h^{-1}})` with :math:`\Gamma_h=I+\sum\phi\phi^\top` over the
    episodes so far; ties go to the smallest action.

    Parameters
    ----------
    mdp : AdversarialMDP
        Its losses are not looked at.
    policies : int
        How many, one episode each.
    features : array, shape (S, A, d) or (H, S, A, d), optional
        One-hot by default.
    planner : {"exact", "least-squares"}
        Plan on the true transitions, or optimistically on the episodes so far (LSVI-UCB with that reward).
    rng : int, SeedSequence or Generator

    Returns
    -------
    cover : ndarray, shape (policies, H, S, A)
    inverse : ndarray, shape (H, d, d)
        :math:`\Gamma_h^{-1}` after all episodes.

    Raises
    ------
    ParameterError
        For an argument out of range.
    """
    check.choice(planner, "planner", ("exact", "least-squares"))
    arena = _arena(mdp, features)
    d = arena.phi.shape[3]
    cover = np.empty((check.count(policies, "policies"), mdp.H, mdp.S, mdp.A))
    inverse = np.empty((mdp.H, d, d))
    _policy_cover(arena, cover.shape[0], planner == "exact", generator(rng), cover, inverse)
    return cover, inverse


def covered_log_barrier(
    mdp: AdversarialMDP,
    *,
    features: npt.ArrayLike | None = None,
    eta: float | None = None,
    beta: float | None = None,
    gamma: float | None = None,
    explore: float | None = None,
    length: int | None = None,
    cover: int | None = None,
    threshold: float = 0.5,
    planner: str = "least-squares",
    rng: Seed,
) -> AdversarialRun:
    r"""Log-barrier FTRL without a simulator.

    Parameters
    ----------
    mdp : AdversarialMDP
        Its transitions are played, and known to the learner only with ``planner="exact"``.
    features : array, shape (S, A, d) or (H, S, A, d), optional
        Of norm at most 1; one-hot by default.
    eta, beta, gamma : float, optional
        Learning rate a block, size of the bonus, regularisation of the covariance.
    explore : float, optional
        Probability of an exploring episode, in [0, 1].
    length : int, optional
        Episodes of a block, W.
    cover : int, optional
        Episodes of the cover phase.
    threshold : float
        Largest width of a known state, > 0.
    planner : {"exact", "least-squares"}
        Of the cover; see `policy_cover`.
    rng : int, SeedSequence or Generator

    Returns
    -------
    AdversarialRun

    Raises
    ------
    ParameterError
        For an argument out of range, or no episode left after the cover phase.

    Notes
    -----
    The defaults are powers of K, chosen by the small grid reported in docs/papers/ftrl-log-barrier.md, not the paper's:
    :math:`\eta=4K^{-1/3}/H`, :math:`\beta=\eta/4`, :math:`\gamma=K^{-1/3}`, ``explore`` :math:`=K^{-1/3}`,
    ``length`` and ``cover`` :math:`=\lceil K^{1/3}\rceil`.
    """
    check.choice(planner, "planner", ("exact", "least-squares"))
    arena = _arena(mdp, features)
    third = mdp.K ** (1.0 / 3.0)
    eta = check.number(4.0 / (third * mdp.H) if eta is None else eta, "eta", low=1e-150, high=1e150)
    beta = check.number(eta / 4.0 if beta is None else beta, "beta", low=0.0)
    gamma = check.number(1.0 / third if gamma is None else gamma, "gamma", low=0.0, high=1.0, open_low=True)
    explore = check.number(1.0 / third if explore is None else explore, "explore", low=0.0, high=1.0)
    length = check.count(max(2, math.ceil(third)) if length is None else length, "length", low=2)
    cover = check.count(math.ceil(third) if cover is None else cover, "cover")
    threshold = check.number(threshold, "threshold", low=0.0, open_low=True)
    if cover >= mdp.K:
        raise ParameterError(f"cover is {cover}; of {mdp.K} episodes none is left after the cover phase")
    losses, policy, known = np.empty(mdp.K), np.empty((mdp.H, mdp.S, mdp.A)), np.empty((mdp.H, mdp.S))
    rule = Rule(eta, beta, gamma, 0.0, False, False, False, 0)
    blocks = Blocks(cover, length, explore, threshold, planner == "exact")
    _play_without_simulator(arena, rule, blocks, generator(rng), losses, policy, known)
    numbers = {"eta": eta, "beta": beta, "gamma": gamma, "explore": explore, "length": float(length)}
    numbers |= {"cover": float(cover), "threshold": threshold, "known": float(known.mean())}
    return run_of(mdp, "covered log-barrier", numbers, losses, policy)
