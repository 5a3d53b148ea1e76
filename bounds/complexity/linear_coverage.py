"""How well data cover a policy in the directions that linear functions can see."""

from typing import Any

import numpy as np
import numpy.typing as npt

from tabular import _check as check
from tabular.errors import ParameterError

from .certified import Certified
from .steps import as_steps, behaviour, policy_occupancy

__all__ = ["feature_coverage"]

Array = npt.NDArray[np.float64]
_EPS = float(np.finfo(float).eps)


def feature_coverage(
    model: Any, mu: npt.ArrayLike, policy: npt.ArrayLike, features: npt.ArrayLike, *, tau: float = 1e-10
) -> Certified:
    r"""Return ``sup_theta E_d (theta . phi)^2 / E_mu (theta . phi)^2``, for an episodic model the largest over steps.

    The largest generalised eigenvalue of the two second moments of the
    features; with one-hot features it is ``max d / mu``, with any others at most
    that.

    Parameters
    ----------
    model, mu, policy
        As in `single_policy_concentrability`.
    features : array
        ``phi`` of shape (H, S, A, d), or one axis for each of the model's
        occupancies and a last one of length d; (S, A, d) serves every step.
    tau : float
        A feature in use lies in the span of the data's features if its distance
        from it is at most ``tau`` times its norm; directions of the data's
        features whose singular value is at most ``tau`` of the largest do not
        count. Neither depends on the weights ``mu``.

    Returns
    -------
    Certified
        ``inf`` where a feature that the policy uses lies outside the span of
        the features with ``mu > 0``. Witness: the pair (step, theta). ``lower``
        is the quotient at that ``theta``; ``upper`` adds a bound on rounding,
        of first order in the condition number.

    Raises
    ------
    ParameterError
        If ``features`` has the wrong shape.
    """
    steps = as_steps(model)
    data = behaviour(steps, mu)
    d, error = policy_occupancy(steps, policy)
    phi = _features(steps.shape, steps.table, features)
    tau = check.number(tau, "tau", low=0.0, high=1.0, open_high=True)
    worst, low, high, smallest = (0, np.zeros(phi.shape[-1])), 0.0, 0.0, 1.0
    for h in range(steps.table[0]):
        known, used = phi[h][data[h] > 0.0], phi[h][d[h] > 0.0]
        basis, gap = _span(known, tau)
        outside = used - used @ basis @ basis.T
        size = np.linalg.norm(used, axis=1)
        if (np.linalg.norm(outside, axis=1) > tau * np.maximum(size, np.abs(phi[h]).max())).any():
            row = outside[int(np.linalg.norm(outside, axis=1).argmax())]
            return Certified(np.inf, np.inf, "a feature in use lies outside the span of the data's", (h, row))
        if not basis.shape[1]:
            continue
        smallest = min(smallest, gap)
        here = _quotient(known @ basis, data[h][data[h] > 0.0], used @ basis, d[h][d[h] > 0.0], error[h][d[h] > 0.0])
        if here[1] > high:
            high, worst = here[1], (h, basis @ here[2])
        low = max(low, here[0])
    return Certified(low, high, f"generalised eigenvalues; smallest singular ratio that was kept {smallest:.2g}", worst)


def _features(shape: tuple[int, ...], table: tuple[int, int, int], features: npt.ArrayLike) -> Array:
    array = check.as_array(features, "features", ndim=(2, 3, 4), error=ParameterError)
    wanted, d = (*shape, array.shape[-1]), array.shape[-1]
    if array.shape != wanted and not (len(shape) == 3 and array.shape == wanted[1:]):
        raise ParameterError(f"features has shape {array.shape}; {(*shape, 'd')} is needed")
    return np.broadcast_to(array.reshape(-1, *table[1:], d), (*table, d))


def _span(rows: Array, tau: float) -> tuple[Array, float]:
    """Return an orthonormal basis (d, rank) of the rows' span, and the smallest singular ratio that was kept."""
    _, size, right = np.linalg.svd(rows, full_matrices=False)
    keep = size > tau * size.max(initial=0.0)
    ratio = float(size[keep].min() / size.max()) if keep.any() else 0.0
    if np.count_nonzero(keep) == rows.shape[1]:
        return np.eye(rows.shape[1]), ratio  # as they are: features that are orthogonal under the data stay so
    return np.ascontiguousarray(right[keep].T), ratio


def _quotient(known: Array, mu: Array, used: Array, d: Array, error: Array) -> tuple[float, float, Array]:
    """Return lower and upper bound of the largest quotient, and the direction that attains the lower one.

    The quotient is the same for features in other units; in those in which the data's have second moment 1, the
    condition number is almost the smallest there is.
    """
    unit = np.sqrt(mu @ known**2)
    known, used = known / unit, used / unit
    triangle = np.linalg.qr(np.sqrt(mu)[:, None] * known, mode="r")
    inverse = np.linalg.inv(triangle)
    _, size, right = np.linalg.svd(np.sqrt(d)[:, None] * (used @ inverse), full_matrices=False)
    theta = inverse @ right[0]
    n = known.shape[0] + used.shape[0] + 8
    rounding = 4.0 * n * _EPS
    above, below = d @ (used @ theta) ** 2, mu @ (known @ theta) ** 2
    fault = float(error @ (used @ theta) ** 2)
    low = max(0.0, float(above - fault)) / float(below) * (1.0 - rounding)
    condition = float(np.linalg.norm(triangle, 2) * np.linalg.norm(inverse, 2))
    spread = float(error @ np.linalg.norm(used @ inverse, axis=1) ** 2)
    high = float(size[0] ** 2) * (1.0 + rounding * condition) + spread
    return low, max(low, high), theta / unit
