r"""What exploration costs in finite classes: decision-estimation coefficient, information ratio.

Both are minima over probabilities of decisions: of the worst case over models of regret less gamma times the squared
Hellinger distance to a reference, a linear program; of squared expected regret over information gained, attained on
two actions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from scipy import special

from tabular import _check as check
from tabular.errors import CertificateError, ParameterError

from .certified import Certified

__all__ = [
    "RegretInformation",
    "bernoulli_outcomes",
    "decision_estimation_coefficient",
    "information_ratio",
    "posterior_regret_information",
    "raised_arms",
    "squared_hellinger",
]

Floats = npt.NDArray[np.float64]
_EPS = float(np.finfo(float).eps)


def bernoulli_outcomes(means: npt.ArrayLike) -> Floats:
    """Return the laws of 0 and 1, shape (..., 2), for means in [0, 1] of any shape (...)."""
    mean = np.asarray(means, dtype=np.float64)
    if mean.size == 0 or not np.all((mean >= 0.0) & (mean <= 1.0)):
        raise ParameterError("means must hold numbers in [0, 1]")
    return np.stack([1.0 - mean, mean], axis=-1)


def squared_hellinger(p: npt.ArrayLike, q: npt.ArrayLike) -> Floats:
    """Return the sum of squared differences of square roots, along the last axis; between 0 and 2."""
    return np.asarray(((np.sqrt(p) - np.sqrt(q)) ** 2).sum(axis=-1))


def raised_arms(K: int, gaps: npt.ArrayLike, reference: float = 0.5) -> Floats:
    """Return means (1 + K G, K): the reference, and the models in which one arm is better by one of the G gaps."""
    size = check.as_array(gaps, "gaps", ndim=1, error=ParameterError)
    arms = np.eye(check.count(K, "K"))
    raised = (arms[None] * size[:, None, None]).reshape(-1, arms.shape[0])
    return np.asarray(check.number(reference, "reference", low=0.0, high=1.0) + np.vstack([0.0 * arms[:1], raised]))


def decision_estimation_coefficient(
    values: npt.ArrayLike, outcomes: npt.ArrayLike, reference: npt.ArrayLike, gamma: float
) -> Certified:
    r"""Return the decision-estimation coefficient of a finite class at a reference.

    .. math::
        \min_p\max_M\sum_\pi p_\pi\big(f^M(\pi_M)-f^M(\pi)-\gamma D_H^2(M(\pi),\bar M(\pi))\big),\quad
        D_H^2(P,Q)=\sum(\sqrt P-\sqrt Q)^2.

    Parameters
    ----------
    values : array, shape (M, K)
        Expected reward of each decision under each model.
    outcomes : array, shape (M, K, O)
        Laws of what is observed.
    reference : array, shape (K, O)
        Laws of the reference model.
    gamma : float
        >= 0.

    Returns
    -------
    Certified
        ``upper``: the worst case of the witness, probabilities (K,); ``lower``: that of a prior on the models.

    Raises
    ------
    ParameterError
        For shapes that do not fit, rows that are no distributions, gamma < 0.
    CertificateError
        If the program was not solved.

    References
    ----------
    .. [1] Foster, Kakade, Qian, Rakhlin (2021), The statistical complexity of interactive decision making.

    Examples
    --------
    >>> means = raised_arms(2, [0.1])
    >>> round(decision_estimation_coefficient(means, bernoulli_outcomes(means), [[0.5, 0.5]] * 2, 1.0).value, 6)
    0.044949
    """
    f = check.as_array(values, "values", ndim=2, error=ParameterError)
    laws = check.as_array(outcomes, "outcomes", ndim=3, error=ParameterError)
    base = check.as_array(reference, "reference", ndim=2, error=ParameterError)
    factor = check.number(gamma, "gamma", low=0.0)
    if laws.shape[:2] != f.shape or base.shape != laws.shape[1:]:
        raise ParameterError(f"values, outcomes, reference have shapes {f.shape}, {laws.shape}, {base.shape}")
    check.stochastic_rows(laws, "outcomes", ParameterError)
    check.stochastic_rows(base, "reference", ParameterError)
    payoff = f.max(axis=1, keepdims=True) - f - factor * squared_hellinger(laws, base[None])
    return _saddle(payoff)


def _saddle(payoff: Floats) -> Certified:
    """Return min over p of max over rows of ``payoff @ p``, by a linear program with both mixed strategies."""
    from scipy.optimize import linprog

    M, K = payoff.shape
    scale = float(np.abs(payoff).max()) or 1.0  # the solver's tolerances are absolute
    table = np.hstack([payoff / scale, -np.ones((M, 1))])
    cost = np.r_[np.zeros(K), 1.0]
    answer = linprog(
        cost,
        A_ub=table,
        b_ub=np.zeros(M),
        A_eq=np.r_[np.ones(K), 0.0][None],
        b_eq=[1.0],
        bounds=[(0.0, None)] * K + [(None, None)],
        method="highs",
    )
    if answer.x is None:
        raise CertificateError(f"HiGHS did not solve the program: {answer.message}")
    p = np.maximum(answer.x[:K], 0.0)
    q = np.maximum(-answer.ineqlin.marginals, 0.0)
    if p.sum() <= 0.0 or q.sum() <= 0.0:
        raise CertificateError("HiGHS returned no mixed strategies")
    p, q = p / p.sum(), q / q.sum()
    rounding = _EPS * (M + K + 8) * scale
    p.setflags(write=False)
    return Certified(
        float((q @ payoff).min()) - rounding,
        float((payoff @ p).max()) + rounding,
        "linear program: named probabilities above, prior on models below",
        p,
    )


@dataclass(frozen=True, slots=True, eq=False)
class RegretInformation:
    """Expected regret and information of each action under a posterior.

    Attributes
    ----------
    regret : ndarray, shape (K,)
        Expected reward of the optimal action less that of the action.
    information : ndarray, shape (K,)
        Mutual information, in nats, of the action's outcome and the optimal action.
    thompson : ndarray, shape (K,)
        Probability that each action is optimal.
    """

    regret: Floats
    information: Floats
    thompson: Floats


def posterior_regret_information(prior: npt.ArrayLike, means: npt.ArrayLike) -> RegretInformation:
    """Return regret and information of Bernoulli arms under a prior on finitely many models.

    Parameters
    ----------
    prior : array, shape (M,)
    means : array, shape (M, K)
        In [0, 1]; ties of the optimal action go to the smallest.

    Raises
    ------
    ParameterError
        For means outside [0, 1] or a prior off the simplex.
    """
    mean = check.as_array(means, "means", ndim=2, error=ParameterError)
    weights = check.distribution(prior, "prior", mean.shape[0], error=ParameterError)
    laws = bernoulli_outcomes(mean)
    best = mean.argmax(axis=1)
    thompson = np.zeros(mean.shape[1])
    np.add.at(thompson, best, weights)
    joint = np.zeros((mean.shape[1], *laws.shape[1:]))  # (optimal action, action, outcome)
    np.add.at(joint, best, weights[:, None, None] * laws)
    product = thompson[:, None, None] * joint.sum(axis=0)
    information = np.maximum(0.0, np.asarray(special.rel_entr(joint, product)).sum(axis=(0, 2)))
    regret = weights @ (mean.max(axis=1, keepdims=True) - mean)  # a sum of parts >= 0: accurate relative to itself
    return RegretInformation(regret, information, thompson)


def information_ratio(regret: npt.ArrayLike, information: npt.ArrayLike) -> Certified:
    r"""Return the least information ratio :math:`\min_p(\sum_ap_ar_a)^2/\sum_ap_aI_a`: information-directed sampling.

    Parameters
    ----------
    regret, information : array, shape (K,)
        >= 0.

    Returns
    -------
    Certified
        0 if some action has no regret; ``inf`` if no action has information and all have regret. Witness:
        probabilities (K,) on at most two actions. The ratio is convex in p, so tangents bound it below: for every
        :math:`\rho\ge0` it is at least :math:`\min_a2\rho r_a-\rho^2I_a`. At :math:`\rho=r_a/I_a` of one action, or
        :math:`2(r_a-r_b)/(I_a-I_b)` of two, this is the minimum itself; it is evaluated in fractions, because
        :math:`\rho` is large where regret is small, and the difference cancels.

    Raises
    ------
    ParameterError
        For negative numbers.

    References
    ----------
    .. [1] Russo, Van Roy (2018), Learning to optimize via information-directed sampling, propositions 6 and 7.

    Examples
    --------
    >>> information_ratio([0.1, 0.2], [0.1, 0.4]).upper
    0.1
    """
    r = check.as_array(regret, "regret", ndim=1, error=ParameterError)
    info = check.as_array(information, "information", ndim=1, error=ParameterError)
    if r.shape != info.shape:
        raise ParameterError(f"regret has {r.shape[0]} entries, information {info.shape[0]}")
    for array, name in ((r, "regret"), (info, "information")):
        if array.min() < 0.0:
            raise ParameterError(f"{name}[{int(array.argmin())}] is {array.min():g}; it must be >= 0")
    p = np.zeros(r.shape[0])
    if r.min() == 0.0:
        p[int(r.argmin())] = 1.0
        return Certified(0.0, 0.0, "an action without regret", p)
    if info.max() == 0.0:
        return Certified(np.inf, np.inf, "no action has information")
    share = _shares(r, info)
    mixed_r = share * r[:, None] + (1.0 - share) * r
    mixed_i = share * info[:, None] + (1.0 - share) * info
    ratio = np.full(share.shape, np.inf)
    np.divide(mixed_r**2, mixed_i, out=ratio, where=mixed_i > 0.0)
    a, b = (int(i) for i in np.unravel_index(int(ratio.argmin()), ratio.shape))
    p[a] += share[a, b]
    p[b] += 1.0 - share[a, b]
    upper = float(ratio[a, b]) * (1.0 + 16.0 * _EPS)
    return Certified(min(_tangent(r, info, a, b), upper), upper, "pairs of actions above, tangent below", p)


def _tangent(r: Floats, info: Floats, a: int, b: int) -> float:
    """Return the largest tangent, least over actions, at the slopes that belong to a, to b and to both; rounded down.

    The minimum over actions is exact: only its last step leaves the fractions.
    """
    regret, gained = [Fraction(float(x)) for x in r], [Fraction(float(x)) for x in info]
    slopes = [regret[c] / gained[c] for c in (a, b) if gained[c]]
    if gained[a] != gained[b]:
        slopes.append(max(Fraction(0), 2 * (regret[a] - regret[b]) / (gained[a] - gained[b])))
    best = max(min(rho * (2 * x - rho * y) for x, y in zip(regret, gained, strict=True)) for rho in slopes)
    near = float(best)
    return max(0.0, near if Fraction(near) <= best else math.nextafter(near, -math.inf))


def _shares(r: Floats, info: Floats) -> Floats:
    """Return the share of a that minimises the ratio of a and b, shape (K, K): derivative zero, or an end."""
    dr, di = r[:, None] - r, info[:, None] - info
    # (q dr + r_b)^2 / (q di + I_b): zero of 2 dr (q di + I_b) - di (q dr + r_b)
    slope, level = dr * di, 2.0 * dr * info - di * r
    inner = np.zeros(dr.shape)
    np.divide(-level, slope, out=inner, where=slope != 0.0)
    options = np.stack([np.zeros(dr.shape), np.ones(dr.shape), np.clip(inner, 0.0, 1.0)])
    value = np.full(options.shape, np.inf)
    bottom = options * di + info
    np.divide((options * dr + r) ** 2, bottom, out=value, where=bottom > 0.0)
    return np.asarray(np.take_along_axis(options, value.argmin(axis=0)[None], axis=0)[0])
