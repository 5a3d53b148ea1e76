r"""Baselines of R2PVI: PEVI, and pessimistic value iteration with a hard constraint on the adversary.

Jin, Yang and Wang (ICML 2021), *Is Pessimism Provably Efficient for Offline RL?* (PEVI); Liu and Xu (2024), *Minimax
Optimal and Computationally Efficient Algorithms for Distributionally Robust Offline Reinforcement Learning* (DRPVI and
VA-DRPVI: total variation). ``drvi_l`` and ``drvi_chi2`` are their analogues for relative entropy and chi-square, as
coded by Tang, Liu and Xu (2025) (the second by its formula). Coordinate i has radius :math:`\rho_i`:

* TV: :math:`w_i = \max_{0\le\alpha\le c} z_i(\alpha) - \rho_i(\alpha - \min V)`;
* KL: :math:`w_i = \max_{0<\alpha\le c} -\alpha\log\max(1 + (\Lambda^{-1}\sum\phi_\tau(e^{-y_\tau/\alpha}-1))_i,
  10^{-6}) - \alpha\rho_i`;
* chi-square: :math:`w_i = \max_{0\le\alpha\le c} z_i(\alpha) - \sqrt{\rho_i (z_{2,i}(\alpha) - z_i(\alpha)^2)_+}`.

Deviations: the searches of TV and chi-square are exact, that of KL scans 49 temperatures over six decades and refines
the best by Brent's method. Released code of the variance-adaptive versions never trains its pilot; here it is trained.
"""

import numpy.typing as npt

from ... import _check as check
from ...planning._robust_kernels import CHI2_RADIUS, KL_RADIUS, TV_RADIUS
from ._arguments import AnyData, AnyFeatures, Cap, Minimum, method, radii, rule, run, seen
from ._dual_kernels import MEAN
from .results import RobustOfflineResult

__all__ = ["drpvi", "drvi_chi2", "drvi_l", "pevi", "va_drpvi"]


def pevi(
    data: AnyData,
    phi: AnyFeatures = None,
    theta: npt.ArrayLike | None = None,
    *,
    beta: float,
    ridge: float = 1.0,
    combine: str = "norm",
    rewards: str = "regressed",
    cap: Cap = "horizon",
    floor: float | None = 0.0,
) -> RobustOfflineResult:
    r"""PEVI: pessimistic value iteration without robustness.

    Parameters
    ----------
    data, phi, theta, ridge, cap, floor
        As of `r2pvi`.
    beta : float
        Factor of the pessimism, >= 0.
    combine : {"norm", "l1", "l2"}
        Penalty :math:`\beta\lVert\phi\rVert_{\Lambda^{-1}}`, or R2PVI's.
    rewards : {"regressed", "known"}
        Whether the rewards received are regressed together with the values ahead, or the known rewards are added.

    Returns
    -------
    RobustOfflineResult
        ``weights`` are the regression; with ``rewards="regressed"`` they contain the rewards.

    Raises
    ------
    ModelError, ParameterError
        As `r2pvi`.
    """
    view = seen(data, phi, theta)
    known = check.choice(rewards, "rewards", ("regressed", "known")) == "known"
    values = rule(view, beta, combine, cap, floor, known=known, choices=("norm", "l1", "l2"))
    return run("pevi", view, ridge, method(view, MEAN, None, values), values)


def _constrained(
    name: str, code: int, data: AnyData, phi: AnyFeatures, theta: npt.ArrayLike | None, radius: npt.ArrayLike,
    beta: float, ridge: float, combine: str, cap: Cap, floor: float | None, ceiling: float | None,
    minimum: Minimum = 0.0, adaptive: bool = False,
) -> RobustOfflineResult:  # fmt: skip
    view = seen(data, phi, theta)
    values = rule(view, beta, combine, cap, floor)
    levels = radii(radius, (view.d,), (view.H, view.d))
    estimate = method(view, code, levels, values, minimum=minimum, ceiling=ceiling)
    return run(name, view, ridge, estimate, values, adaptive=adaptive)


def drpvi(
    data: AnyData,
    phi: AnyFeatures = None,
    theta: npt.ArrayLike | None = None,
    *,
    radius: npt.ArrayLike,
    beta: float,
    ridge: float = 1.0,
    combine: str = "l1",
    minimum: Minimum = 0.0,
    cap: Cap = "horizon",
    floor: float | None = 0.0,
    ceiling: float | None = None,
) -> RobustOfflineResult:
    r"""DRPVI: total variation within a radius of every coordinate's kernel.

    Parameters
    ----------
    data, phi, theta, beta, ridge, combine, cap, floor, ceiling
        As of `r2pvi`; thresholds lie between 0 and `ceiling`.
    radius : float, or array of shape (d,) or (H, d)
        :math:`\rho \ge 0`.
    minimum : {"states", "data"} or float
        Smallest value ahead; 0, that of a fail state, in the paper.

    Returns
    -------
    RobustOfflineResult

    Raises
    ------
    ModelError, ParameterError
        As `r2pvi`.
    """
    return _constrained(
        "drpvi", TV_RADIUS, data, phi, theta, radius, beta, ridge, combine, cap, floor, ceiling, minimum
    )  # fmt: skip


def drvi_l(
    data: AnyData,
    phi: AnyFeatures = None,
    theta: npt.ArrayLike | None = None,
    *,
    radius: npt.ArrayLike,
    beta: float,
    ridge: float = 1.0,
    combine: str = "l1",
    cap: Cap = "horizon",
    floor: float | None = 0.0,
    ceiling: float | None = None,
) -> RobustOfflineResult:
    r"""DRVI-L: relative entropy within a radius of every coordinate's kernel.

    Parameters
    ----------
    data, phi, theta, beta, ridge, combine, cap, floor, ceiling
        As of `r2pvi`; temperatures lie between ``ceiling * 1e-6`` and `ceiling`.
    radius : float, or array of shape (d,) or (H, d)
        :math:`\rho \ge 0`.

    Returns
    -------
    RobustOfflineResult

    Raises
    ------
    ModelError, ParameterError
        As `r2pvi`.
    """
    return _constrained("drvi-l", KL_RADIUS, data, phi, theta, radius, beta, ridge, combine, cap, floor, ceiling)


def drvi_chi2(
    data: AnyData,
    phi: AnyFeatures = None,
    theta: npt.ArrayLike | None = None,
    *,
    radius: npt.ArrayLike,
    beta: float,
    ridge: float = 1.0,
    combine: str = "l1",
    cap: Cap = "horizon",
    floor: float | None = 0.0,
    ceiling: float | None = None,
) -> RobustOfflineResult:
    r"""Chi-square divergence within a radius of every coordinate's kernel.

    Parameters
    ----------
    data, phi, theta, beta, ridge, combine, cap, floor, ceiling
        As of `r2pvi`; thresholds lie between 0 and `ceiling`.
    radius : float, or array of shape (d,) or (H, d)
        :math:`\rho \ge 0`.

    Returns
    -------
    RobustOfflineResult

    Raises
    ------
    ModelError, ParameterError
        As `r2pvi`.
    """
    return _constrained("drvi-chi2", CHI2_RADIUS, data, phi, theta, radius, beta, ridge, combine, cap, floor, ceiling)


def va_drpvi(
    data: AnyData,
    phi: AnyFeatures = None,
    theta: npt.ArrayLike | None = None,
    *,
    radius: npt.ArrayLike,
    beta: float,
    ridge: float = 1.0,
    combine: str = "l1",
    minimum: Minimum = 0.0,
    cap: Cap = "horizon",
    floor: float | None = 0.0,
    ceiling: float | None = None,
    variance: str = "estimated",
) -> RobustOfflineResult:
    r"""VA-DRPVI: `drpvi` with regressions weighted by a pilot's estimate of the variance, as in `va_r2pvi`.

    Parameters
    ----------
    data, phi, theta, radius, beta, ridge, combine, minimum, cap, floor, ceiling
        As of `drpvi`.
    variance : {"estimated", "one"}
        ``"one"`` forces every variance to 1, which is `drpvi`.

    Returns
    -------
    RobustOfflineResult
        With the ``variance`` of every distinct move.

    Raises
    ------
    ModelError, ParameterError
        As `r2pvi`.
    """
    adaptive = check.choice(variance, "variance", ("estimated", "one")) == "estimated"
    return _constrained(
        "va-drpvi", TV_RADIUS, data, phi, theta, radius, beta, ridge, combine, cap, floor, ceiling, minimum, adaptive
    )  # fmt: skip
