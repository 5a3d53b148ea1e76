"""How well a data distribution covers policies: concentrability in its variants, and coverability."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .certified import Certified
from .optimal_coverage import least_concentrability
from .reachability import enclose_occupancies
from .steps import Steps, as_steps, behaviour, policy_occupancy

__all__ = [
    "all_policy_concentrability",
    "chi_square_concentrability",
    "clipped_concentrability",
    "coverability",
    "single_policy_concentrability",
]

Array = npt.NDArray[np.float64]
_EPS = float(np.finfo(float).eps)
_METHOD = "one planning problem a state"
_CLASS = "enumeration of the given policies"


def single_policy_concentrability(
    model: Any, mu: npt.ArrayLike, policy: npt.ArrayLike | None = None, *, tie: float = 1e-9
) -> Certified:
    r"""Return ``max d(s,a) / mu(s,a)``, for a policy or for the best covered optimal policy.

    Parameters
    ----------
    model : EpisodicMDP, DiscountedMDP, ContextualBandit, BernoulliBandit, GaussianBandit
    mu : array
        Data distribution of shape (H, S, A) (each step sums to 1; (S, A) serves
        every step), (S, A) or (A,).
    policy : array, optional
        The policy that must be covered. By default the least value over all
        optimal policies, stochastic ones included: the linear program
        ``min c`` over optimal occupancies ``d <= c mu``.
    tie : float
        Without ``policy``: an action counts as optimal if its gap is at most this
        times the scale of the values.

    Returns
    -------
    Certified
        At least 1 (up to rounding); ``inf`` where a state-action pair in use has
        ``mu = 0`` (0/0 counts as 0). Witness: with ``policy``, the index of the
        worst pair; without, the optimal policy that attains ``upper``.

    Raises
    ------
    ParameterError
        If ``mu`` has the wrong shape or does not sum to 1.
    CertificateError
        If the program's primal and dual values do not agree to 1e-6.

    Notes
    -----
    With ``policy=None``, ``upper`` is the value of the witness, a named policy,
    and ``lower`` a dual bound: for any ``y``,
    ``mu0 y / sum(mu max(0, y - P y))`` over the optimal pairs.

    References
    ----------
    .. [1] Rashidinejad, Zhu, Ma, Jiao, Russell (2021), Bridging offline
       reinforcement learning and imitation learning, definition 1.
    """
    steps = as_steps(model)
    data = behaviour(steps, mu)
    if policy is None:
        return least_concentrability(steps, data, tie)
    d, error = policy_occupancy(steps, policy)
    return _worst_ratio(steps, d, error, data, "occupancy of the policy")


def _worst_ratio(steps: Steps, d: Array, error: Array, mu: Array, method: str) -> Certified:
    """Enclose ``max d / mu`` over the pairs with ``d > 0``."""
    used = d > 0.0
    naked = used & (mu == 0.0)
    if naked.any():
        return Certified(np.inf, np.inf, method, steps.index(tuple(np.argwhere(naked)[0])))
    weight = np.where(used, mu, 1.0)
    high = np.where(used, (d + error) / weight, 0.0) * (1.0 + 2.0 * _EPS)
    low = np.where(used, np.maximum(0.0, d - error) / weight, 0.0) * (1.0 - 2.0 * _EPS)
    worst = np.unravel_index(int(np.argmax(np.where(used, d / weight, 0.0))), d.shape)
    return Certified(float(low.max()), float(high.max()), method, steps.index(worst))


def clipped_concentrability(model: Any, mu: npt.ArrayLike, policy: npt.ArrayLike) -> Certified:
    """Return ``max min(d(s,a), 1/S) / mu(s,a)``, the clipped coefficient; it may be as small as 1/S.

    Parameters
    ----------
    model, mu
        As in `single_policy_concentrability`.
    policy : array
        Usually a deterministic optimal policy.

    Returns
    -------
    Certified
        Witness: index of the worst pair.

    References
    ----------
    .. [1] Li, Shi, Chen, Chi, Wei (2022), Settling the sample complexity of
       model-based offline reinforcement learning, definition 1.
    """
    steps = as_steps(model)
    data = behaviour(steps, mu)
    d, error = policy_occupancy(steps, policy)
    used = d > 0.0
    naked = used & (data == 0.0)
    if naked.any():
        return Certified(np.inf, np.inf, "occupancy of the policy", steps.index(tuple(np.argwhere(naked)[0])))
    cap = 1.0 / steps.mdp.S
    weight = np.where(used, data, 1.0)
    ratio = np.where(used, np.minimum(d, cap) / weight, 0.0)
    low = np.where(used, np.minimum(np.maximum(0.0, d - error), cap) / weight, 0.0) * (1.0 - 2.0 * _EPS)
    high = np.where(used, np.minimum(d + error, cap) / weight, 0.0) * (1.0 + 2.0 * _EPS)
    worst = np.unravel_index(int(ratio.argmax()), d.shape)
    return Certified(float(low.max()), float(high.max()), "occupancy of the policy", steps.index(worst))


def chi_square_concentrability(model: Any, mu: npt.ArrayLike, policy: npt.ArrayLike) -> Certified:
    r"""Return ``E_mu[(d/mu)^2] = sum d^2/mu``: one plus the chi-square divergence of ``d`` from ``mu``.

    It lies between 1 and `single_policy_concentrability`; for an episodic model
    it is the largest over steps.

    Parameters
    ----------
    model, mu, policy
        As in `clipped_concentrability`.

    Returns
    -------
    Certified
        Witness: the step that attains it.

    References
    ----------
    .. [1] Xie, Jiang (2020), Q* approximation schemes for batch reinforcement learning, section 3.
    """
    steps = as_steps(model)
    data = behaviour(steps, mu)
    d, error = policy_occupancy(steps, policy)
    used = d > 0.0
    if (used & (data == 0.0)).any():
        step = int(np.argwhere(used & (data == 0.0))[0][0])
        return Certified(np.inf, np.inf, "occupancy of the policy", step)
    weight = np.where(used, data, 1.0)
    rounding = (steps.mdp.S * steps.mdp.A + 4) * _EPS
    low = (np.where(used, np.maximum(0.0, d - error), 0.0) ** 2 / weight).sum(axis=(1, 2)) * (1.0 - rounding)
    high = (np.where(used, d + error, 0.0) ** 2 / weight).sum(axis=(1, 2)) * (1.0 + rounding)
    return Certified(float(low.max()), float(high.max()), "occupancy of the policy", int(high.argmax()))


def all_policy_concentrability(
    model: Any, mu: npt.ArrayLike, *, policies: Sequence[npt.ArrayLike] | npt.ArrayLike | None = None
) -> Certified:
    """Return the largest ``d(s,a) / mu(s,a)`` over policies and pairs.

    Parameters
    ----------
    model, mu
        As in `single_policy_concentrability`.
    policies : sequence of policies, optional
        A finite class; all policies by default.

    Returns
    -------
    Certified
        ``inf`` where a pair that some policy reaches has ``mu = 0``. Witness:
        index of the worst pair.

    References
    ----------
    .. [1] Chen, Jiang (2019), Information-theoretic considerations in batch reinforcement learning, assumption 1.
    """
    steps = as_steps(model)
    data = behaviour(steps, mu)
    low, high, reached, _ = enclose_occupancies(steps, policies)
    method = _METHOD if policies is None else _CLASS
    naked = reached & (data == 0.0)
    if naked.any():
        return Certified(np.inf, np.inf, method, steps.index(tuple(np.argwhere(naked)[0])))
    weight = np.where(reached, data, 1.0)
    lower, upper = np.where(reached, low / weight, 0.0), np.where(reached, high / weight, 0.0)
    worst = np.unravel_index(int(upper.argmax()), upper.shape)
    return Certified(float(lower.max()), float(upper.max()), method, steps.index(worst))


def coverability(model: Any, *, policies: Sequence[npt.ArrayLike] | npt.ArrayLike | None = None) -> Certified:
    r"""Return the least coverage any data distribution can have: ``inf_mu sup_pi max d / mu``.

    It equals ``sum over (s,a) of max_pi d(s,a)``, for an episodic model the
    largest over steps [1]_; between 1 and ``S * A``.

    Parameters
    ----------
    model : EpisodicMDP, DiscountedMDP or bandit
    policies : sequence of policies, optional
        A finite class, deterministic or stochastic; all policies by default.

    Returns
    -------
    Certified
        Witness: the distribution ``mu`` that attains it, proportional to
        ``max_pi d``, in the shape of the model's occupancies.

    References
    ----------
    .. [1] Xie, Foster, Bai, Jiang, Kakade (2023), The role of coverage in online reinforcement learning, lemma 3.
    """
    steps = as_steps(model)
    low, high, _, _ = enclose_occupancies(steps, policies)
    rounding = steps.mdp.S * steps.mdp.A * _EPS
    best = (low + high) / 2.0
    mu = best / best.sum(axis=(1, 2), keepdims=True)
    return Certified(
        float(low.sum(axis=(1, 2)).max() * (1.0 - rounding)),
        float(high.sum(axis=(1, 2)).max() * (1.0 + rounding)),
        _METHOD if policies is None else _CLASS,
        mu.reshape(steps.shape),
    )
