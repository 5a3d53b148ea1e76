r"""G-optimal designs: which arms to measure, and how often, so that every arm is predicted well.

A design is a distribution w over arms; its information is :math:`V(w)=\sum_aw_ax_ax_a^\top` and its worst variance
:math:`g(w)=\max_a\lVert x_a\rVert^2_{V(w)^{-1}}`. Kiefer and Wolfowitz (1960): :math:`g(w)\ge d` for every w, and a w
attains d iff it maximises :math:`\log\det V(w)`. So g itself certifies how far w is from optimal.

The steps are those of Fedorov and Wynn (Frank-Wolfe with exact line search) with away steps (Todd and Yildirim 2007),
from d arms that span the space; one step costs O(A d). Support is then reduced as in Caratheodory's theorem. All runs
in coordinates in which the arms have identity covariance: designs do not depend on the basis.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg

from ... import _check as check
from ..._jit import kernel
from ...errors import NotConverged, ParameterError

__all__ = [
    "OptimalDesign",
    "design_in_span",
    "design_variances",
    "g_optimal_design",
    "prediction_map",
    "reduced_support",
    "span_coordinates",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Steps between recomputations of the inverse, which rank-one updates let drift.
REFRESH = 64
#: Arms that one factorisation helps to empty.
BATCH = 64


@dataclass(frozen=True, slots=True, eq=False)
class OptimalDesign:
    """A design with its certificate.

    Attributes
    ----------
    weights : ndarray, shape (A,)
        On the simplex.
    support : ndarray of int64
        Arms of positive weight, increasing.
    d : int
        Dimension of the span of the arms.
    g : float
        Largest variance over all arms, computed from the weights returned; at least ``d`` up to rounding.
    iterations : int
        Steps made.
    """

    weights: Floats
    support: Ints
    d: int
    g: float
    iterations: int

    @property
    def gap(self) -> float:
        """Kiefer-Wolfowitz gap ``g - d``: 0 iff the design is optimal."""
        return self.g - self.d

    @property
    def log_det_gap(self) -> float:
        """Certified bound ``d log(g / d)`` on what the log-determinant lacks of its maximum; at least 0."""
        return max(0.0, self.d * float(np.log(self.g / self.d))) if self.d else 0.0


@kernel
def _variances(x: Floats, inverse: Floats, out: Floats) -> None:
    """Fill ``out`` (A,) with the squared norms of the rows of ``x`` (A, d) in ``inverse`` (d, d)."""
    for a in range(x.shape[0]):
        total = 0.0
        for i in range(x.shape[1]):
            part = 0.0
            for j in range(x.shape[1]):
                part += inverse[i, j] * x[a, j]
            total += x[a, i] * part
        out[a] = total


@kernel
def _invert(matrix: Floats, out: Floats) -> None:
    """Fill ``out`` with the inverse of a positive definite ``matrix`` (d, d), by Cholesky; spoils ``matrix``."""
    d = matrix.shape[0]
    for j in range(d):
        for i in range(j, d):
            total = matrix[i, j]
            for m in range(j):
                total -= matrix[i, m] * matrix[j, m]
            if i == j:
                matrix[j, j] = math.sqrt(total)
            else:
                matrix[i, j] = total / matrix[j, j]
    for c in range(d):
        for i in range(d):
            total = 1.0 if i == c else 0.0
            for m in range(i):
                total -= matrix[i, m] * out[m, c]
            out[i, c] = total / matrix[i, i]
        for i in range(d - 1, -1, -1):
            total = out[i, c]
            for m in range(i + 1, d):
                total -= matrix[m, i] * out[m, c]
            out[i, c] = total / matrix[i, i]


@kernel
def _inverse_information(x: Floats, weights: Floats, out: Floats) -> None:
    """Fill ``out`` (d, d) with the inverse of the information of ``weights``."""
    d = x.shape[1]
    information = np.zeros((d, d))
    for a in range(x.shape[0]):
        if weights[a] > 0.0:
            for i in range(d):
                for j in range(d):
                    information[i, j] += weights[a] * x[a, i] * x[a, j]
    _invert(information, out)


@kernel
def _design_steps(
    x: Floats, weights: Floats, target: float, limit: int, refresh: int, inverse: Floats, variances: Floats
) -> int:
    """Improve ``weights`` in place until the largest variance is at most ``target``; return the number of steps.

    A step moves weight to the arm of largest variance, or away from the one of smallest among those in use, whichever
    is further from d. Returns ``limit + 1`` if the target was not met.
    """
    k, d = x.shape
    direction = np.empty(d)
    for step in range(limit + 1):
        if step % refresh == 0:
            _inverse_information(x, weights, inverse)
            _variances(x, inverse, variances)
        up, down = 0, -1
        for a in range(k):
            if variances[a] > variances[up]:
                up = a
            if weights[a] > 0.0 and (down < 0 or variances[a] < variances[down]):
                down = a
        if variances[up] <= target:
            _inverse_information(x, weights, inverse)
            _variances(x, inverse, variances)
            if np.max(variances) <= target:
                return step
            continue
        if variances[up] - d >= d - variances[down]:
            arm = up
            share = (variances[up] / d - 1.0) / (variances[up] - 1.0)
        else:
            arm = down
            share = -weights[down] / (1.0 - weights[down])
            if variances[down] > 1.0:
                share = max(share, (variances[down] / d - 1.0) / (variances[down] - 1.0))
        emptied = arm == down and share <= -weights[down] / (1.0 - weights[down])
        for a in range(k):
            weights[a] *= 1.0 - share
        weights[arm] += share
        if emptied:
            weights[arm] = 0.0
        # V' = (1 - share) V + share x x^T
        factor = share / (1.0 - share + share * variances[arm])
        for i in range(d):
            direction[i] = 0.0
            for j in range(d):
                direction[i] += inverse[i, j] * x[arm, j]
        for i in range(d):
            for j in range(d):
                inverse[i, j] = (inverse[i, j] - factor * direction[i] * direction[j]) / (1.0 - share)
        for a in range(k):
            product = 0.0
            for i in range(d):
                product += x[a, i] * direction[i]
            variances[a] = (variances[a] - factor * product * product) / (1.0 - share)
    return limit + 1


def span_coordinates(actions: Floats) -> Floats:
    """Return coordinates (A, r) of the rows in a basis of their span, with identity covariance; r = 0 for zero rows."""
    left, scale, _ = np.linalg.svd(actions, full_matrices=False)
    rank = int(np.count_nonzero(scale > scale[0] * max(actions.shape) * np.finfo(np.float64).eps)) if scale[0] else 0
    return np.ascontiguousarray(left[:, :rank] * np.sqrt(actions.shape[0]))


def reduced_support(actions: Floats, weights: Floats) -> Floats:
    r"""Return a design on at most d(d+1)/2 arms whose information is at least that of ``weights``.

    Along a linear dependency of the matrices :math:`x_ax_a^\top` weight is moved without changing the information, in
    the direction in which the total weight does not grow, until an arm is empty; the rest is rescaled to total 1
    (Caratheodory's theorem). No variance grows.

    Parameters
    ----------
    actions : ndarray, shape (A, d)
    weights : ndarray, shape (A,)
        On the simplex.

    Returns
    -------
    ndarray, shape (A,)
    """
    d = actions.shape[1]
    most = d * (d + 1) // 2
    rows, columns = np.triu_indices(d)
    result = weights.copy()
    used = np.flatnonzero(result > 0.0)
    while used.size > most:
        part = used[: most + BATCH]
        basis, _ = linalg.qr(actions[part][:, rows] * actions[part][:, columns])
        dependencies = basis[:, most:].copy()
        for j in range(dependencies.shape[1]):
            along = dependencies[:, j] if dependencies[:, j].sum() > 0.0 else -dependencies[:, j]
            positive = along > 0.0
            steps = np.where(positive, result[part] / np.where(positive, along, 1.0), np.inf)
            emptied = int(np.argmin(steps))
            result[part] = np.maximum(result[part] - steps[emptied] * along, 0.0)
            result[part[emptied]] = 0.0
            rest = dependencies[:, j + 1 :]
            rest -= np.outer(along, rest[emptied] / along[emptied])
            rest[emptied] = 0.0
        used = np.flatnonzero(result > 0.0)
    return np.asarray(result / result.sum())


def design_in_span(actions: Floats, tau: float, max_iterations: int) -> tuple[OptimalDesign, Floats]:
    """Return a design for arms that need not span their space, and the coordinates in which it was found."""
    x = span_coordinates(actions)
    k, d = x.shape
    weights = np.zeros(k)
    if d == 0:
        weights[0] = 1.0
        return OptimalDesign(weights, np.array([0]), 0, 0.0, 0), x
    _, _, pivots = linalg.qr(x.T, mode="economic", pivoting=True)
    weights[pivots[:d]] = 1.0 / d
    inverse, variances = np.empty((d, d)), np.empty(k)
    steps = _design_steps(x, weights, (1.0 + tau) * d, max_iterations, REFRESH, inverse, variances)
    weights = reduced_support(x, weights)
    _inverse_information(x, weights, inverse)
    _variances(x, inverse, variances)
    found = OptimalDesign(weights, np.flatnonzero(weights > 0.0), d, float(variances.max()), min(steps, max_iterations))
    if steps > max_iterations:
        raise NotConverged(f"the design has g = {found.g:.6g} > (1 + {tau:g}) {d} after {max_iterations} steps", found)
    return found, x


def g_optimal_design(actions: npt.ArrayLike, *, tau: float = 0.01, max_iterations: int = 100_000) -> OptimalDesign:
    r"""Return a nearly G-optimal design with certificate :math:`d\le g\le(1+\tau)d` and small support.

    Parameters
    ----------
    actions : array, shape (A, d)
        Features of the arms, which span the space.
    tau : float
        Relative accuracy, at least 1e-9.
    max_iterations : int
        Steps allowed; away steps make the number needed grow like log(1/tau) eventually.

    Returns
    -------
    OptimalDesign
        With at most d(d+1)/2 arms in its support.

    Raises
    ------
    ParameterError
        For an argument out of range, or arms that do not span the space.
    NotConverged
        With the design reached.

    References
    ----------
    .. [1] Kiefer, Wolfowitz (1960), The equivalence of two extremum problems.
    .. [2] Todd, Yildirim (2007), On Khachiyan's algorithm for the computation of minimum-volume enclosing ellipsoids.

    Examples
    --------
    >>> design = g_optimal_design([[1.0, 0.0], [0.0, 1.0], [0.1, 0.1]])
    >>> design.weights.round(9).tolist(), round(design.g, 9)
    ([0.5, 0.5, 0.0], 2.0)
    """
    x = check.as_array(actions, "actions", ndim=2, error=ParameterError)
    accuracy = check.number(tau, "tau", low=1e-9)
    limit = check.count(max_iterations, "max_iterations")
    rank = span_coordinates(x).shape[1]
    if rank < x.shape[1]:
        raise ParameterError(f"actions span {rank} of {x.shape[1]} dimensions; a G-optimal design needs all of them")
    return design_in_span(x, accuracy, limit)[0]


def prediction_map(actions: npt.ArrayLike, weights: npt.ArrayLike) -> Floats:
    r"""Return the matrix B for which weighted least squares predicts ``B @ r`` from rewards r.

    :math:`B_{ab}=w_b\,x_a^\top V(w)^+x_b`: the prediction of arm a, where each reward is weighed by the design.

    Parameters
    ----------
    actions : array, shape (A, d)
    weights : array, shape (A,)
        On the simplex; the arms of positive weight span what all arms span.

    Returns
    -------
    ndarray, shape (A, A)

    Raises
    ------
    ParameterError
        For weights off the simplex, or on arms that span less than all arms do.

    Examples
    --------
    >>> prediction_map([[1.0], [0.5]], [1.0, 0.0]).round(9).tolist()
    [[1.0, 0.0], [0.5, 0.0]]
    """
    x, w, information = _information(actions, weights)
    return np.asarray(x @ np.linalg.solve(information, x.T * w))


def design_variances(actions: npt.ArrayLike, weights: npt.ArrayLike) -> Floats:
    r"""Return :math:`x_a^\top V(w)^+x_a` for every arm, shape (A,); their mean under ``weights`` is the dimension.

    Parameters and errors are those of `prediction_map`.

    Examples
    --------
    >>> design_variances([[1.0], [0.5]], [1.0, 0.0]).round(9).tolist()
    [1.0, 0.25]
    """
    x, _, information = _information(actions, weights)
    return np.asarray((x * np.linalg.solve(information, x.T).T).sum(axis=1))


def _information(actions: npt.ArrayLike, weights: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Return coordinates (A, r), weights (A,) and the information matrix (r, r)."""
    x = span_coordinates(check.as_array(actions, "actions", ndim=2, error=ParameterError))
    w = check.distribution(weights, "weights", x.shape[0], error=ParameterError)
    information = (x * w[:, None]).T @ x
    rank = int(np.linalg.matrix_rank(information)) if x.shape[1] else 0
    if rank < x.shape[1]:
        raise ParameterError(f"weights lie on arms that span {rank} of the {x.shape[1]} dimensions that all arms span")
    return x, w, information
