"""One-step variances of optimal values and biases, and the variance of a policy's return."""

from typing import Any

import numpy as np
import numpy.typing as npt

from tabular import _check as check
from tabular import planning
from tabular.errors import ParameterError
from tabular.models import AverageRewardMDP, EpisodicMDP

from .certified import Certified
from .spans import bias_span
from .steps import as_steps

__all__ = ["optimal_variance", "policy_return_variance", "value_norm"]

Array = npt.NDArray[np.float64]
_EPS = float(np.finfo(float).eps)


def _deviation(P: Array, V: Array) -> Array:
    """Return the standard deviation of ``V`` after each pair: P (S, A, S), V (S,)."""
    centred = V[None, None, :] - (P @ V)[:, :, None]
    return np.asarray(np.sqrt((P * centred**2).sum(axis=2)))


def _deviations(model: Any) -> tuple[Array, float, str]:
    """Return the deviation of the next optimal value for every pair, a bound on its error, and the method."""
    if isinstance(model, AverageRewardMDP):
        found = planning.average_reward(model, method="policy-iteration")
        value, error, method = _deviation(model.dense_P(), found.bias), bias_span(model).width / 2.0, found.method
        size = float(np.abs(found.bias).max())
    else:
        mdp = as_steps(model).mdp
        if isinstance(mdp, EpisodicMDP):
            plan = planning.backward_induction(mdp)
            value = np.stack([_deviation(mdp.P[h], plan.V[h + 1]) for h in range(mdp.r.shape[0])])
            after = slice(1, None)
        else:
            plan = planning.policy_iteration(mdp)
            value = _deviation(mdp.dense_P(), plan.V)
            after = slice(None)
        error, method = float((plan.upper - plan.lower)[after].max()) / 2.0, plan.method
        size = float(np.abs(plan.V[after]).max())
    return value, error + (value.shape[-2] + 6) * _EPS * size, method


def value_norm(model: Any) -> Certified:
    r"""Return the environmental norm: the largest standard deviation of the next optimal value.

    ``max sqrt(Var_{s' ~ P(s,a)} V(s'))`` over all pairs (and steps), with V the
    optimal values (episodic, discounted: :math:`V^*_{h+1}`, :math:`V^*`, not
    multiplied by gamma) or the optimal bias (average reward).

    Parameters
    ----------
    model : EpisodicMDP, DiscountedMDP, AverageRewardMDP or bandit

    Returns
    -------
    Certified
        Witness: index of the pair. The enclosure uses that a standard deviation
        moves by at most the distance of the values in sup norm.

    References
    ----------
    .. [1] Maillard, Mann, Mannor (2014), How hard is my MDP? The distribution-norm to the rescue.
    .. [2] Zanette, Brunskill (2019), Tighter problem-dependent regret bounds in reinforcement learning.
    """
    value, error, method = _deviations(model)
    index = tuple(int(i) for i in np.unravel_index(int(value.argmax()), value.shape))
    top = float(value[index])
    return Certified(max(0.0, top - error), top + error, method, index)


def optimal_variance(model: Any, *, reward_noise: str = "none") -> Certified:
    """Return ``max (Var R(s,a) + Var V*_{h+1})`` over pairs and steps.

    Parameters
    ----------
    model : EpisodicMDP, DiscountedMDP, AverageRewardMDP or bandit
        Average reward: with the optimal bias in place of ``V*``.
    reward_noise : {"none", "bernoulli"}
        Rewards equal to their means, or coin flips with those means (in [0, 1]).

    Returns
    -------
    Certified
        A variance, where `value_norm` is a standard deviation. Witness: index of the pair.

    Raises
    ------
    ParameterError
        If a mean outside [0, 1] is to be a coin flip.
    """
    check.choice(reward_noise, "reward_noise", ("none", "bernoulli"))
    value, error, method = _deviations(model)
    noise = np.zeros(value.shape)
    if reward_noise == "bernoulli":
        r = np.asarray(model.r if isinstance(model, AverageRewardMDP) else as_steps(model).mdp.r)
        if r.min() < 0.0 or r.max() > 1.0:
            raise ParameterError(f"rewards span [{r.min():g}, {r.max():g}]; a coin flip has a mean in [0, 1]")
        noise = r * (1.0 - r)
    low = noise + np.maximum(0.0, value - error) ** 2
    high = noise + (value + error) ** 2
    index = tuple(int(i) for i in np.unravel_index(int(high.argmax()), high.shape))
    return Certified(float(low.max()) * (1.0 - 4.0 * _EPS), float(high.max()) * (1.0 + 4.0 * _EPS), method, index)


def policy_return_variance(mdp: EpisodicMDP, policy: npt.ArrayLike) -> Certified:
    """Return the variance of a policy's return over an episode, the start drawn from ``mu0``, rewards at their means.

    Parameters
    ----------
    mdp : EpisodicMDP
    policy : array
        Deterministic or stochastic.

    Returns
    -------
    Certified
        The law of total variance; the enclosure is a bound of first order on rounding.
    """
    if not isinstance(mdp, EpisodicMDP):
        raise ParameterError(f"the return of a {type(mdp).__name__} is not that of an episode; give an EpisodicMDP")
    values = planning.evaluate(mdp, policy).V[0]
    inner = planning.return_variance(mdp, policy)[0]
    mean = float(mdp.mu0 @ values)
    total = float(mdp.mu0 @ inner) + float(mdp.mu0 @ (values - mean) ** 2)
    H, S, A = mdp.r.shape
    reach = float(np.abs(mdp.r).max(axis=(1, 2)).sum())
    error = 4.0 * H * (S + A + 6) * _EPS * reach * (reach + 1.0)
    return Certified(max(0.0, total - error), total + error, "law of total variance")
