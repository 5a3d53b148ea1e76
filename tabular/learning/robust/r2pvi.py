r"""R2PVI: pessimistic value iteration for robust Markov decision processes with a linear f-divergence regulariser.

Tang, Liu and Xu, *Robust Offline Reinforcement Learning with Linearly Structured f-Divergence Regularization*
(ICML 2025). In a linear MDP whose features lie on the simplex, :math:`P_h(\cdot\mid s,a) = \sum_i \phi_i(s,a)
\mu_{h,i}`, an adversary may replace every :math:`\mu_{h,i}` at the price :math:`\lambda D(\mu\|\mu_{h,i})`. Backwards
in time the learner regresses, on the next value :math:`y_\tau` of trajectory :math:`\tau`,

* total variation: :math:`w = \Lambda^{-1}\sum\phi_\tau\min(y_\tau, \min V + \lambda)`;
* relative entropy: :math:`w_i = -\lambda\log\max\{(\Lambda^{-1}\sum\phi_\tau e^{-y_\tau/\lambda})_i, e^{-c/\lambda}\}`;
* chi-square: :math:`w_i = \max_{0\le\alpha\le c} z_i(\alpha) + z_i(\alpha)^2/4\lambda - z_{2,i}(\alpha)/4\lambda`,
  with the regressions :math:`z, z_2` of :math:`\min(y,\alpha)` and of its square,

and acts greedily on :math:`\phi^\top(\theta+w)` minus the penalty :math:`\beta\sum_i\phi_i\sqrt{(\Lambda^{-1})_{ii}}`.

Deviations from the paper
-------------------------
1. Nothing follows the last step, so its dual values are 0 and not a regression of a constant (as in the released
   code); for relative entropy the regression would give :math:`\lambda\log((n+\gamma)/n) > 0`.
2. The search of chi-square is exact between sorted values, where the released code calls a numeric optimiser.
   Relative entropy is evaluated relative to the smallest value ahead, so that nothing underflows before it is cut.
3. ``combine="l2"``, ``minimum="data"`` and ``floor=None`` are what the released code does.
   ``search="released-minimum"`` minimises the chi-square dual, a slip of the released simulator script, to within
   c/2000 in the threshold.
4. The variance-adaptive version uses all data for the pilot and again afterwards.
"""

import math

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ...errors import ParameterError
from ...planning._robust_kernels import CHI2_PENALTY, KL_PENALTY, TV_PENALTY
from ._arguments import AnyData, AnyFeatures, Cap, Minimum, method, rule, run, seen
from .results import RobustOfflineResult

__all__ = ["r2pvi", "r2pvi_width", "va_r2pvi"]

_CODES = {"tv": TV_PENALTY, "kl": KL_PENALTY, "chi2": CHI2_PENALTY}


def r2pvi_width(divergence: str, *, d: int, H: int, K: int, penalty: float, delta: float) -> float:
    r"""Factor of the penalty in the paper's upper bounds; their constants are recalled, not seen in a source.

    TV: :math:`16Hd\sqrt{2\log(1024Hd^{1/2}K^2/\delta)}`; KL:
    :math:`16d\lambda e^{H/\lambda}\sqrt{H/\lambda+\log(1024d\lambda^2K^3H/\delta)}`; chi-square:
    :math:`8dH^2(1+1/\lambda)\sqrt{\log(192K^5H^6d^3(1+H/2\lambda)^3/\delta)}`.

    Parameters
    ----------
    divergence : {"tv", "kl", "chi2"}
        Divergence of the regulariser.
    d, H, K : int
        Features, steps, trajectories.
    penalty : float
        :math:`\lambda > 0`.
    delta : float
        Failure probability, in (0, 1).

    Returns
    -------
    float
        Infinite where relative entropy's factor exceeds the floating-point range.

    Raises
    ------
    ParameterError
        For a parameter out of range.

    Examples
    --------
    >>> round(r2pvi_width("tv", d=4, H=3, K=100, penalty=0.1, delta=0.01), 1)
    1289.1
    """
    check.choice(divergence, "divergence", tuple(_CODES))
    d, H, K = check.count(d, "d"), check.count(H, "H"), check.count(K, "K")
    lam, delta = check.number(penalty, "penalty", low=0.0, open_low=True), check.fraction(delta, "delta")
    if divergence == "tv":
        return 16.0 * H * d * math.sqrt(2.0 * math.log(1024.0 * H * math.sqrt(d) * K**2 / delta))
    if divergence == "chi2":
        log_term = math.log(192.0 * K**5 * H**6 * d**3 / delta) + 3.0 * math.log1p(H / (2.0 * lam))
        return 8.0 * d * H**2 * (1.0 + 1.0 / lam) * math.sqrt(log_term)
    if H / lam > 700.0:
        return math.inf
    log_term = max(math.log(1024.0 * d * K**3 * H / delta) + 2.0 * math.log(lam), 0.0)
    return 16.0 * d * lam * math.exp(H / lam) * math.sqrt(H / lam + log_term)


def r2pvi(
    data: AnyData,
    phi: AnyFeatures = None,
    theta: npt.ArrayLike | None = None,
    *,
    divergence: str,
    penalty: float,
    beta: float | str,
    ridge: float = 1.0,
    combine: str = "l1",
    minimum: Minimum = "states",
    cap: Cap = "horizon",
    floor: float | None = 0.0,
    ceiling: float | None = None,
    clip: bool = False,
    search: str = "maximum",
    delta: float = 0.01,
) -> RobustOfflineResult:
    r"""R2PVI with total variation, relative entropy or chi-square regularisation.

    Parameters
    ----------
    data : OfflineDataset or FeatureData
        Trajectories of the nominal model with their steps. A `FeatureData` has features and rewards of its own.
    phi, theta : array, shapes (S, A, d) and (d,) or (H, d)
        Features on the simplex and known reward parameters, for an `OfflineDataset`.
    divergence : {"tv", "kl", "chi2"}
        ``TV = sum |p - q| / 2``, ``KL = sum p log(p / q)``, ``chi2 = sum (p - q)^2 / q``.
    penalty : float
        Price :math:`\lambda > 0` of the adversary's deviation; the larger, the less robust.
    beta : float or "theorem"
        Factor of the pessimism, >= 0, or the paper's (`r2pvi_width`).
    ridge : float
        Ridge, > 0.
    combine : {"l1", "l2"}
        Penalty :math:`\beta\sum_i\phi_i\sqrt{(\Lambda^{-1})_{ii}}`, or
        :math:`\beta(\sum_i\phi_i^2(\Lambda^{-1})_{ii})^{1/2}`.
    minimum : {"states", "data"} or float
        Smallest value ahead for TV: over all points, over the observed next points, or a known number.
    cap : "horizon", float or array that broadcasts to (H, A)
        Values above are cut; ``"horizon"`` is H - h. ``inf`` cuts nothing.
    floor : float or None
        Values below are cut; None cuts nothing.
    ceiling : float, optional
        Largest threshold (chi2) and largest dual value (KL), c in the formulas above. By default H with
        ``cap="horizon"``, else the largest finite cap. ``inf``, or no finite cap: the largest value ahead in the data.
    clip : bool
        Whether chi2's regressions are cut to [0, c] and [0, c^2].
    search : {"maximum", "released-minimum"}
        ``"released-minimum"`` (chi2 only) is a slip of the released simulator script, kept to explain its figure: it
        goes downhill from the threshold c/2 and takes the local minimum of the dual.
    delta : float
        Failure probability for ``beta="theorem"``.

    Returns
    -------
    RobustOfflineResult

    Raises
    ------
    ModelError, ParameterError
        For data, features or parameters that do not fit.

    Notes
    -----
    Cost a step, with m distinct moves of b nonzero features each: O(m b^2 + d^3); chi2 adds d searches of O(m b), and a
    sort.

    Examples
    --------
    >>> from tabular.simulation import OfflineDataset
    >>> data = OfflineDataset([0, 0, 1, 2], [0, 1, 0, 0], [0.0] * 3 + [1.0], [1, 2, 1, 2], 3, 2, h=[0, 0, 1, 1])
    >>> phi = [[[1, 0, 0, 0], [0, 1, 0, 0]], [[0, 0, 1, 0]] * 2, [[0, 0, 0, 1]] * 2]
    >>> robust = r2pvi(data, phi, [0, 0, 0, 1.0], divergence="tv", penalty=0.5, beta=0.1, ridge=0.1)
    >>> robust.policy[0, 0], robust.Q[0, 0].round(3).tolist()
    (np.int64(1), [0.0, 0.359])
    """
    view = seen(data, phi, theta)
    code = _CODES[check.choice(divergence, "divergence", tuple(_CODES))]
    released = check.choice(search, "search", ("maximum", "released-minimum")) == "released-minimum"
    lam = check.number(penalty, "penalty", low=0.0, open_low=True)
    if isinstance(beta, str):
        check.choice(beta, "beta", ("theorem",))
        beta = r2pvi_width(divergence, d=view.d, H=view.H, K=max(view.K, 1), penalty=lam, delta=delta)
        beta = min(beta, np.finfo(np.float64).max)
    values = rule(view, beta, combine, cap, floor)
    if released and (divergence != "chi2" or clip):
        raise ParameterError("search is 'released-minimum', which is chi2 without clip")
    levels = np.full((view.H, view.d), lam)
    estimate = method(view, code, levels, values, minimum=minimum, ceiling=ceiling, clip=clip, descent=released)
    return run(f"r2pvi-{divergence}", view, ridge, estimate, values)


def va_r2pvi(
    data: AnyData,
    phi: AnyFeatures = None,
    theta: npt.ArrayLike | None = None,
    *,
    penalty: float,
    beta: float,
    ridge: float = 1.0,
    combine: str = "l1",
    minimum: Minimum = "states",
    cap: Cap = "horizon",
    floor: float | None = 0.0,
    ceiling: float | None = None,
    variance: str = "estimated",
) -> RobustOfflineResult:
    r"""Variance-adaptive R2PVI with total variation: regressions weighted by a pilot's estimate of the variance.

    The pilot is `r2pvi`. With the regressions :math:`z_1, z_2` of its values ahead and of their squares, a move counts
    :math:`1/\hat\sigma^2` with :math:`\hat\sigma^2 = \max(1, [\phi^\top z_2]_{[0,c^2]} - [\phi^\top z_1]_{[0,c]}^2)`.

    Parameters
    ----------
    data, phi, theta, penalty, beta, ridge, combine, minimum, cap, floor, ceiling
        As of `r2pvi`; `ceiling` is c.
    variance : {"estimated", "one"}
        ``"one"`` forces every variance to 1, which is `r2pvi`.

    Returns
    -------
    RobustOfflineResult
        With the ``variance`` of every distinct move.

    Raises
    ------
    ModelError, ParameterError
        As `r2pvi`.
    """
    view = seen(data, phi, theta)
    adaptive = check.choice(variance, "variance", ("estimated", "one")) == "estimated"
    lam = check.number(penalty, "penalty", low=0.0, open_low=True)
    values = rule(view, beta, combine, cap, floor)
    levels = np.full((view.H, view.d), lam)
    estimate = method(view, TV_PENALTY, levels, values, minimum=minimum, ceiling=ceiling)
    return run("va-r2pvi", view, ridge, estimate, values, adaptive=adaptive)
