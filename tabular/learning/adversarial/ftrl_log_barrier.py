r"""Adversarial MDPs with linear Q-functions and a simulator: log-barrier FTRL and magnitude-reduced estimates.

Dai, Luo, Wei and Zimmert, *Refined Regret for Adversarial MDPs with Linear Function Approximation* (ICML 2023).
Features :math:`\phi(s,a)\in\mathbb R^d`, :math:`\|\phi\|\le1`; every policy has
:math:`Q^\pi_{k,h}=\phi^\top\theta^\pi_{k,h}` with :math:`\|\theta\|\le\sqrt d\,H`. In each episode, with :math:`L_h`
the loss of the trajectory from step h on and
:math:`\Sigma^+_h=(\gamma I+\Sigma_h)^{-1}`, :math:`n_h(s,a)=\phi^\top\Sigma_h^+\phi`:

- estimates :math:`z L_h` with :math:`z=\phi(s,a)^\top\Sigma^+_h\phi(s_h,a_h)`, or magnitude-reduced
  :math:`zL_h-H\min(z,0)+H\,\mathbb E\min(z,0)`;
- bonus :math:`b_h=\beta(n_h+\langle\pi_h,n_h\rangle)`, dilated:
  :math:`B_h=b_h+(1+\frac1H)P_h\langle\pi_{h+1},B_{h+1}\rangle`;
- the next policy is one step of FTRL, at each state, on the sum of estimates minus bonuses.

Deviations from the paper
-------------------------
1. The constants of `published_tuning` are derived in docs/papers/ftrl-log-barrier.md; the paper's own are not
   known here.
2. ``trajectories=None`` computes every expectation over the learner's policy exactly, from the model.
3. ``bonus="none"``, ``correction="none"`` and free ``eta``, ``beta``, ``gamma`` carry no theorem.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ...errors import ParameterError
from ...models import AdversarialMDP
from ...streams import generator
from ..bandit.optimal_design import g_optimal_design
from ._comparator import features_of, run_of
from ._linear_kernels import Arena, Rule, _dilate, _play
from .results import AdversarialRun

__all__ = [
    "Tuning",
    "dilated_bonus",
    "dilated_hedge",
    "linear_exp3",
    "log_barrier",
    "magnitude_reduced",
    "published_tuning",
]

Floats = npt.NDArray[np.float64]
Seed = int | np.random.SeedSequence | np.random.Generator


class Tuning(NamedTuple):
    """Learning rate, size of the bonus, regularisation of the covariance."""

    eta: float
    beta: float
    gamma: float


def published_tuning(algorithm: str, *, episodes: int, H: int, A: int, d: int) -> Tuning:
    r"""Return the tuning for which the regret bounds are proved, or, for ``"dilated-hedge"``, its exponents.

    Parameters
    ----------
    algorithm : {"log-barrier", "magnitude-reduced", "dilated-hedge"}
    episodes, H, A, d : int
        Episodes (at least 2), horizon, actions (at least 2) and dimension of the features.

    Returns
    -------
    Tuning
        Log barrier: :math:`\eta^2=\frac{A\ln K}{dK(13.76H^4+43.5H^2)}`, :math:`\beta=8\eta H^2`,
        :math:`\gamma=6.88H^2\beta\eta`. Magnitude-reduced: :math:`\eta^2=\frac{\ln A}{dK(13.76H^4+87H^2)}`,
        :math:`\beta=16\eta H^2`, :math:`\gamma=6.88H^2\beta\eta`. Dilated Hedge (Luo, Wei and Lee 2021; exponents
        recalled): :math:`\gamma=\beta=K^{-1/3}`, :math:`\eta=\min(K^{-2/3},\gamma/(2H))`.

    Raises
    ------
    ParameterError
        Where ``gamma`` would exceed 1: that many episodes are too few for the bound to say anything.

    Examples
    --------
    >>> round(published_tuning("log-barrier", episodes=4096, H=1, A=4, d=4).gamma, 6)
    0.001952
    """
    check.choice(algorithm, "algorithm", ("log-barrier", "magnitude-reduced", "dilated-hedge"))
    K, H = check.count(episodes, "episodes", low=2), check.count(H, "H")
    A, d = check.count(A, "A", low=2), check.count(d, "d")
    if algorithm == "dilated-hedge":
        gamma = K ** (-1 / 3)
        return Tuning(min(K ** (-2 / 3), gamma / (2 * H)), gamma, gamma)
    if algorithm == "log-barrier":
        eta, factor = math.sqrt(A * math.log(K) / (d * K * (13.76 * H**4 + 43.5 * H**2))), 8.0
    else:
        eta, factor = math.sqrt(math.log(A) / (d * K * (13.76 * H**4 + 87.0 * H**2))), 16.0
    beta = factor * eta * H**2
    gamma = 6.88 * H**2 * beta * eta
    if gamma > 1.0:
        raise ParameterError(
            f"episodes is {K}; the tuning needs gamma <= 1 and has {gamma:.3g}, so that its bound says nothing"
        )
    return Tuning(eta, beta, gamma)


def _tuning(algorithm: str, mdp: AdversarialMDP, d: int, given: tuple[float | None, ...], bonus: str) -> Tuning:
    """Return the published tuning with what the caller gave instead."""
    check.choice(bonus, "bonus", ("dilated", "none"))
    eta, beta, gamma = given
    if eta is None or beta is None or gamma is None:
        known = published_tuning(algorithm, episodes=mdp.K, H=mdp.H, A=mdp.A, d=d)
        eta, beta, gamma = (k if g is None else g for k, g in zip(known, given, strict=True))
    eta = check.number(eta, "eta", low=1e-150, high=1e150)
    beta = 0.0 if bonus == "none" else check.number(beta, "beta", low=0.0)
    return Tuning(eta, beta, check.number(gamma, "gamma", low=0.0, high=1.0, open_low=True))


def _run(
    mdp: AdversarialMDP, algorithm: str, phi: Floats, tuning: Tuning, rng: Seed, *, hedge: bool, reduced: bool = False,
    centred: bool = True, trajectories: int | None = None, mixing: float = 0.0, design: Floats | None = None,
) -> AdversarialRun:  # fmt: skip
    """Play and wrap."""
    M = 0 if trajectories is None else check.count(trajectories, "trajectories")
    if design is None:
        design = np.full((mdp.S, mdp.A), 1.0 / mdp.A)
    design.setflags(write=False)
    arena = Arena(mdp.transitions(), mdp.mu0, mdp.losses, phi, design)
    rule = Rule(tuning.eta, tuning.beta, tuning.gamma, mixing, hedge, reduced, centred, M)
    losses, policy = np.empty(mdp.K), np.empty((mdp.H, mdp.S, mdp.A))
    if not _play(arena, rule, generator(rng), losses, policy):
        raise ParameterError(
            f"gamma is {tuning.gamma:g}; the covariance of the features was singular within rounding, a larger gamma "
            "(or, where gamma is 0, features that span their space) is needed"
        )
    parameters = {"eta": tuning.eta, "beta": tuning.beta, "gamma": tuning.gamma, "mixing": mixing}
    return run_of(mdp, algorithm, {**parameters, "trajectories": float(M)}, losses, policy)


def log_barrier(
    mdp: AdversarialMDP,
    *,
    features: npt.ArrayLike | None = None,
    eta: float | None = None,
    beta: float | None = None,
    gamma: float | None = None,
    bonus: str = "dilated",
    trajectories: int | None = None,
    rng: Seed,
) -> AdversarialRun:
    r"""Log-barrier FTRL with plain estimates and dilated bonus, the paper's first algorithm.

    Parameters
    ----------
    mdp : AdversarialMDP
    features : array, shape (S, A, d) or (H, S, A, d), optional
        Feature vectors of norm at most 1 in which all Q-functions are linear; one-hot by default.
    eta, beta, gamma : float, optional
        Instead of `published_tuning`: ``eta > 0``, ``beta >= 0``, ``0 < gamma <= 1``.
    bonus : {"dilated", "none"}
        ``"none"`` leaves the bonus out: the bound does not hold then.
    trajectories : int, optional
        Simulator mode: covariances from this many fresh episodes, one sampled successor in each bonus. Exact
        expectations by default.
    rng : int, SeedSequence or Generator

    Returns
    -------
    AdversarialRun

    Raises
    ------
    ParameterError
        For a parameter out of range, too few episodes for the published tuning, or a singular covariance.

    Notes
    -----
    Exact mode has expected regret at most
    :math:`2\sqrt{AdK\ln K\,H^4(13.76H^2+43.5)}+2H^2(1+\sqrt d)+1/\eta`. Cost an episode: O(H S A (d^2 + S) + H d^3).
    """
    phi = features_of(mdp, features)
    tuning = _tuning("log-barrier", mdp, phi.shape[-1], (eta, beta, gamma), bonus)
    return _run(mdp, "log-barrier", phi, tuning, rng, hedge=False, trajectories=trajectories)


def magnitude_reduced(
    mdp: AdversarialMDP,
    *,
    features: npt.ArrayLike | None = None,
    eta: float | None = None,
    beta: float | None = None,
    gamma: float | None = None,
    bonus: str = "dilated",
    correction: str = "mean",
    trajectories: int | None = None,
    rng: Seed,
) -> AdversarialRun:
    r"""Hedge with magnitude-reduced estimates and dilated bonus, the paper's second algorithm.

    Parameters
    ----------
    mdp, features, eta, beta, gamma, bonus, rng
        As in `log_barrier`.
    correction : {"mean", "none"}
        ``"none"`` leaves out the mean of the negative part, which makes the estimates biased.
    trajectories : int, optional
        Simulator mode: this many fresh episodes for the covariances, and as many again for the correction.

    Returns
    -------
    AdversarialRun

    Raises
    ------
    ParameterError
        As `log_barrier`.

    Notes
    -----
    Exact mode has expected regret at most :math:`2\sqrt{dK\ln A\,H^4(13.76H^2+87)}`. Cost an episode:
    O(H S A (d^2 + S A d) + H d^3).
    """
    check.choice(correction, "correction", ("mean", "none"))
    phi = features_of(mdp, features)
    tuning = _tuning("magnitude-reduced", mdp, phi.shape[-1], (eta, beta, gamma), bonus)
    return _run(
        mdp, "magnitude-reduced", phi, tuning, rng, hedge=True, reduced=True, centred=correction == "mean",
        trajectories=trajectories,
    )  # fmt: skip


def dilated_hedge(
    mdp: AdversarialMDP,
    *,
    features: npt.ArrayLike | None = None,
    eta: float | None = None,
    beta: float | None = None,
    gamma: float | None = None,
    bonus: str = "dilated",
    trajectories: int | None = None,
    rng: Seed,
) -> AdversarialRun:
    """Hedge with plain estimates and dilated bonus (Luo, Wei and Lee 2021), at its K^(2/3) exponents.

    Parameters
    ----------
    mdp, features, eta, beta, gamma, bonus, trajectories, rng
        As in `log_barrier`; the analysis needs ``eta <= gamma/(2H)``.

    Returns
    -------
    AdversarialRun

    Raises
    ------
    ParameterError
        As `log_barrier`.
    """
    phi = features_of(mdp, features)
    tuning = _tuning("dilated-hedge", mdp, phi.shape[-1], (eta, beta, gamma), bonus)
    return _run(mdp, "dilated Hedge", phi, tuning, rng, hedge=True, trajectories=trajectories)


def linear_exp3(
    mdp: AdversarialMDP, *, features: npt.ArrayLike | None = None, eta: float | None = None, rng: Seed
) -> AdversarialRun:
    r"""LinExp3 for adversarial linear bandits: Hedge on plain estimates, with a G-optimal design mixed in.

    ``eta`` is :math:`\sqrt{\ln A/(3dK)}` by default, the weight of the design ``eta d`` (Bubeck, Cesa-Bianchi and
    Kakade 2012; constants recalled).

    Parameters
    ----------
    mdp : AdversarialMDP
        With ``H = S = 1``.
    features : array, shape (1, A, d), optional
        Arms, of norm at most 1, that span the space; one-hot by default.
    eta : float, optional
        Learning rate in (0, 1/d].
    rng : int, SeedSequence or Generator

    Returns
    -------
    AdversarialRun

    Raises
    ------
    ParameterError
        For several steps or states, arms that do not span, or a parameter out of range.
    """
    if mdp.H != 1 or mdp.S != 1:
        raise ParameterError(f"mdp has H={mdp.H} and S={mdp.S}; linear_exp3 plays bandits, H = S = 1")
    phi = features_of(mdp, features)
    d = phi.shape[-1]
    rate = math.sqrt(math.log(max(mdp.A, 2)) / (3.0 * d * mdp.K)) if eta is None else eta
    rate = check.number(rate, "eta", low=0.0, high=1.0 / d, open_low=True)
    design = np.array(g_optimal_design(phi[0, 0], tau=1e-3).weights)[None]
    return _run(
        mdp, "LinExp3", phi, Tuning(rate, 0.0, 0.0), rng, hedge=True, mixing=rate * d, design=design
    )  # fmt: skip


def dilated_bonus(
    mdp: AdversarialMDP, policy: npt.ArrayLike, bonus: npt.ArrayLike, *, factor: float | None = None
) -> Floats:
    r"""Dilate a bonus: :math:`B_h=b_h+(1+\frac1H)\,P_h\langle\pi_{h+1},B_{h+1}\rangle`.

    Parameters
    ----------
    mdp : AdversarialMDP
    policy : array, shape (H, S) or (H, S, A)
    bonus : array, shape (H, S, A)
        Any finite numbers; the inequalities of the paper need them >= 0.
    factor : float, optional
        Instead of ``1 + 1/H``; 1 gives the Q-function of the bonus.

    Returns
    -------
    ndarray, shape (H, S, A)

    Raises
    ------
    ParameterError, PolicyError
        For a bonus or a policy of another shape.
    """
    pi = check.stochastic_policy(policy, (mdp.H, mdp.S), mdp.A)
    b = check.as_array(bonus, "bonus", ndim=3, error=ParameterError)
    if b.shape != pi.shape:
        raise ParameterError(f"bonus has shape {b.shape}; {pi.shape} is needed")
    scale = 1.0 + 1.0 / mdp.H if factor is None else check.number(factor, "factor", low=0.0)
    B = np.empty(b.shape)
    _dilate(mdp.transitions(), pi, b, scale, B)
    return B
