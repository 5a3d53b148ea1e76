r"""What regret can exceed c times the squared error by, in the worst case over the truth.

For predictions :math:`\hat f\in\mathbb R^K`, probabilities p of the actions and c > 0,

.. math::
    \sup_{f\in\mathbb R^K}\Big\{\max_a f_a-\langle p,f\rangle-c\sum_ap_a(\hat f_a-f_a)^2\Big\}
    =\max_i\Big\{\hat f_i-\langle p,\hat f\rangle+\frac1{4c}\Big(\frac1{p_i}-1\Big)\Big\},

and its minimum over p is :math:`(K-1)/(4c)` whatever the predictions (docs/papers/contextual-bandit-oracles.md).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from tabular import _check as check
from tabular.errors import CertificateError, ParameterError, PolicyError

from .certified import Certified

__all__ = ["decision_estimation", "worst_case_regret"]

Floats = npt.NDArray[np.float64]


def worst_case_regret(predictions: npt.ArrayLike, weights: npt.ArrayLike, c: npt.ArrayLike) -> Floats:
    """Return the largest regret minus ``c`` times the expected squared error, over all truths.

    Parameters
    ----------
    predictions : array, shape (K,) or (n, K)
        Predicted rewards.
    weights : array, shape of ``predictions``
        Probabilities of the actions. An action of probability 0 is not available: neither regret nor error counts it.
    c : float or array, shape (n,)
        > 0.

    Returns
    -------
    ndarray, shape () or (n,)

    Raises
    ------
    ParameterError, PolicyError
        For numbers that are not finite, rows that do not sum to 1, or c <= 0.

    Examples
    --------
    >>> float(worst_case_regret([0.5, 0.5], [0.5, 0.5], 1.0))
    0.25
    """
    f = check.as_array(predictions, "predictions", ndim=(1, 2), error=ParameterError)
    p = check.as_array(weights, "weights", ndim=f.ndim, error=PolicyError)
    if p.shape != f.shape:
        raise PolicyError(f"weights has shape {p.shape}, predictions {f.shape}")
    check.stochastic_rows(p, "weights", PolicyError)
    factor = check.as_array(c, "c", ndim=(0, 1), error=ParameterError)
    if factor.min() <= 0.0 or (factor.ndim and factor.shape != f.shape[:1]):
        raise ParameterError("c must be positive, one number or one a row")
    inverse = np.divide(1.0, p, out=np.ones_like(p), where=p > 0.0)
    # gaps to the mean prediction, exact to the last bits where the predictions hardly differ
    top = f.max(axis=-1, keepdims=True)
    lead = (f - top) - np.sum(p * (f - top), axis=-1, keepdims=True)
    each = lead + (inverse - 1.0) / (4.0 * factor[..., None])
    return np.asarray(np.where(p > 0.0, each, -np.inf).max(axis=-1))


def decision_estimation(predictions: npt.ArrayLike, c: float) -> Certified:
    r"""Return the minimum of `worst_case_regret` over the probabilities, a convex program solved by cvxpy.

    Parameters
    ----------
    predictions : array, shape (K,)
    c : float
        > 0.

    Returns
    -------
    Certified
        ``upper`` is `worst_case_regret` at the ``witness`` p; ``lower`` is the value of the dual at weights w = p and
        multiplier :math:`\nu=-1/(4cp_b)`: :math:`\nu-\sum w_ig_i-\tfrac1{4c}+\sum\sqrt{w_i(g_i-\nu)/c}` with
        the gaps g, which bounds the minimum from below for all w in the simplex and all :math:`\nu<0`.

    Raises
    ------
    ParameterError
        For numbers that are not finite or c <= 0.
    CertificateError
        If the program was not solved.
    """
    import cvxpy

    f = check.as_array(predictions, "predictions", ndim=1, error=ParameterError)
    factor = check.number(c, "c", low=0.0, open_low=True)
    gaps = 4.0 * factor * (f.max() - f)
    p, t = cvxpy.Variable(f.shape[0]), cvxpy.Variable()
    program = cvxpy.Problem(cvxpy.Minimize(gaps @ p + t), [cvxpy.inv_pos(p) - 1.0 - gaps <= t, cvxpy.sum(p) == 1.0])
    try:
        program.solve(solver=cvxpy.CLARABEL)
    except cvxpy.error.SolverError as problem:
        raise CertificateError(f"cvxpy did not solve the program: {problem}") from None
    if p.value is None or np.min(p.value) <= 0.0:
        raise CertificateError("cvxpy returned no probabilities in the interior of the simplex")
    weights = np.asarray(p.value) / np.sum(p.value)
    upper = float(worst_case_regret(f, weights, factor))
    nu = -1.0 / weights[int(np.argmax(f))]
    dual = nu - float(weights @ gaps) - 1.0 + 2.0 * math.fsum(np.sqrt(weights * (gaps - nu)))
    weights.setflags(write=False)
    return Certified(min(dual / (4.0 * factor), upper), upper, "convex program, with its dual bound", weights)
