r"""Optimal designs as certified numbers: the least worst variance, and the largest log-determinant."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tabular import _check as check
from tabular.errors import ParameterError
from tabular.learning.bandit.optimal_design import OptimalDesign, design_in_span, g_optimal_design

from .certified import Certified

__all__ = ["least_worst_variance", "log_det_information"]

Floats = npt.NDArray[np.float64]
_EPS = float(np.finfo(float).eps)


def least_worst_variance(
    actions: npt.ArrayLike, *, tau: float = 0.01, in_span: bool = False, max_iterations: int = 100_000
) -> Certified:
    r"""Return :math:`\min_p\max_a\|a\|^2_{V(p)^{-1}}`, which is the dimension (Kiefer and Wolfowitz).

    Parameters
    ----------
    actions : array, shape (A, d)
    tau : float
        Relative accuracy of the design.
    in_span : bool
        Whether actions that do not span the space are taken in coordinates of their span. By default they are an error.
    max_iterations : int

    Returns
    -------
    Certified
        ``lower`` is the dimension of the span, ``upper`` the worst variance of the witness, an `OptimalDesign`
        found by `tabular.learning.bandit.g_optimal_design`.

    Raises
    ------
    ParameterError
        For actions that do not span the space.
    NotConverged
        With the design reached.

    Examples
    --------
    >>> least_worst_variance([[1.0, 0.0], [0.0, 1.0]]).upper
    2.0
    """
    found = _design(actions, tau, in_span, max_iterations)
    return Certified(
        float(found.d),
        max(float(found.d), found.g),
        "Kiefer-Wolfowitz: the dimension below, a named design above",
        found,
    )


def log_det_information(actions: npt.ArrayLike, *, tau: float = 0.01, max_iterations: int = 100_000) -> Certified:
    r"""Return :math:`\max_p\ln\det V(p)` with :math:`V(p)=\sum_ap_aaa^\top`.

    Parameters
    ----------
    actions : array, shape (A, d)
        They span the space.
    tau, max_iterations
        As in `least_worst_variance`.

    Returns
    -------
    Certified
        ``lower``: the value of the witness, an `OptimalDesign`; ``upper``: :math:`d\ln(g/d)\le g-d` more.

    Raises
    ------
    ParameterError, NotConverged
        As in `least_worst_variance`.

    Notes
    -----
    For any p', concavity gives :math:`\ln\det V(p')V(p)^{-1}\le d\ln(\mathrm{tr}(V(p')V(p)^{-1})/d)\le d\ln(g(p)/d)`.
    """
    x = check.as_array(actions, "actions", ndim=2, error=ParameterError)
    found = _design(x, tau, False, max_iterations)
    V = (x * found.weights[:, None]).T @ x
    value = float(np.linalg.slogdet(V)[1])
    rounding = 8.0 * _EPS * found.d * (found.d + float(np.linalg.cond(V)))
    return Certified(
        value - rounding, value + found.log_det_gap + rounding, "a named design below, its worst variance above", found
    )


def _design(actions: npt.ArrayLike, tau: float, in_span: bool, max_iterations: int) -> OptimalDesign:
    if not in_span:
        return g_optimal_design(actions, tau=tau, max_iterations=max_iterations)
    x = check.as_array(actions, "actions", ndim=2, error=ParameterError)
    return design_in_span(x, check.number(tau, "tau", low=1e-9), check.count(max_iterations, "max_iterations"))[0]
