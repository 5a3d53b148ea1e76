r"""Inherent Bellman error: how far a class is from being closed under Bellman's optimality operator."""

from __future__ import annotations

import heapq
import itertools

import numpy as np
import numpy.typing as npt

from tabular import _check as check
from tabular.errors import CertificateError, ParameterError
from tabular.models import EpisodicMDP

from .certified import Certified

__all__ = ["inherent_bellman_error", "linear_bellman_error"]

Floats = npt.NDArray[np.float64]
_EPS = float(np.finfo(float).eps)


def inherent_bellman_error(
    mdp: EpisodicMDP, functions: npt.ArrayLike, *, weights: npt.ArrayLike | None = None
) -> Certified:
    r"""Return :math:`\max_h\max_{f\in F_{h+1}}\min_{g\in F_h}\|g-T_hf\|` of a finite class.

    Parameters
    ----------
    mdp : EpisodicMDP
    functions : array, shape (N, H, S, A)
        ``functions[:, h]`` is the class of step h; that of step H is the zero function.
    weights : array, shape (H, S, A), optional
        Distributions for the norm of the mean square; by default the largest absolute value.

    Returns
    -------
    Certified
        Up to rounding. Witness: ``(h, f, g)``, the step, the function of step h + 1 (-1 for the zero function) and the
        nearest one to its backup.

    Raises
    ------
    ParameterError
        For shapes that do not fit, or weights that are no distributions.

    References
    ----------
    .. [1] Munos, Szepesvari (2008), Finite-time bounds for fitted value iteration, section 4.

    Examples
    --------
    >>> mdp = EpisodicMDP([[[1.0]]], [[0.5]], [1.0], H=1)
    >>> inherent_bellman_error(mdp, [[[[0.0]]], [[[1.0]]]]).value
    0.5
    """
    f = check.as_array(functions, "functions", ndim=4, error=ParameterError)
    if f.shape[1:] != mdp.r.shape:
        raise ParameterError(f"functions has shape {f.shape}; (N, {', '.join(map(str, mdp.r.shape))}) is needed")
    mu = None
    if weights is not None:
        mu = check.as_array(weights, "weights", ndim=3, error=ParameterError)
        if mu.shape != mdp.r.shape:
            raise ParameterError(f"weights has shape {mu.shape}; {mdp.r.shape} is needed")
        check.stochastic_rows(mu.reshape(mdp.r.shape[0], -1), "weights", ParameterError)
    H = f.shape[1]
    worst, witness = -1.0, (0, -1, 0)
    for h in range(H):
        targets = (
            mdp.r[h][None] if h == H - 1 else mdp.r[h] + np.einsum("sat,nt->nsa", mdp.P[h], f[:, h + 1].max(axis=2))
        )
        apart = f[None, :, h] - targets[:, None]
        size = np.abs(apart).max(axis=(2, 3)) if mu is None else np.sqrt((mu[h] * apart**2).sum(axis=(2, 3)))
        nearest = size.argmin(axis=1)
        i = int(size.min(axis=1).argmax())
        if float(size[i, nearest[i]]) > worst:
            worst, witness = float(size[i, nearest[i]]), (h, i if h < H - 1 else -1, int(nearest[i]))
    rounding = 8.0 * _EPS * (mdp.S + 4) * float(np.abs(f).max() + np.abs(mdp.r).max())
    return Certified(max(0.0, worst - rounding), worst + rounding, "all pairs of functions", witness)


def linear_bellman_error(
    mdp: EpisodicMDP, phi: npt.ArrayLike, radius: float, *, tol: float = 0.02, max_boxes: int = 2000
) -> Certified:
    r"""Enclose the inherent Bellman error, in the largest absolute value, of linear functions with bounded parameters.

    The class of each step is :math:`\{\phi^\top\theta:\|\theta\|_\infty\le\text{radius}\}`, approximated by all linear
    functions:
    :math:`\max_h\max_{\|\theta\|_\infty\le R}\min_w\|\phi^\top w-T_h(\phi^\top\theta)\|_\infty`.

    Parameters
    ----------
    mdp : EpisodicMDP
    phi : array, shape (S, A, d)
        Features.
    radius : float
        > 0.
    tol : float
        Width of the enclosure asked for, as a share of the largest value of a function of the class.
    max_boxes : int
        Linear programs allowed a step.

    Returns
    -------
    Certified
        ``lower``: the error at the best centre or corner of a box of parameters; ``upper``: at the centres plus how
        much it can grow inside the box (Bellman's operator does not expand). Witness: ``(h, theta)`` of ``lower``.

    Raises
    ------
    ParameterError
        For shapes that do not fit.
    CertificateError
        If a linear program was not solved.

    References
    ----------
    .. [1] Zanette, Lazaric, Kochenderfer, Brunskill (2020), Learning near optimal policies with low inherent
       Bellman error.
    """
    features = check.as_array(phi, "phi", ndim=3, error=ParameterError)
    H, S, A = mdp.r.shape
    if features.shape[:2] != (S, A):
        raise ParameterError(f"phi has shape {features.shape}; ({S}, {A}, d) is needed")
    R = check.number(radius, "radius", low=0.0, open_low=True)
    d = features.shape[2]
    rows = features.reshape(S * A, d)
    spread = np.abs(rows).sum(axis=1).max()
    goal = check.number(tol, "tol", low=0.0) * R * float(spread)
    limit = check.count(max_boxes, "max_boxes")
    lower, witness = _projection_error(rows, mdp.r[H - 1].ravel()), (H - 1, np.zeros(d))
    upper = lower
    for h in range(H - 1):

        def error(theta: Floats, h: int = h) -> float:
            best = (features @ theta).max(axis=1)
            return _projection_error(rows, (mdp.r[h] + mdp.P[h] @ best).ravel())

        for corner in itertools.islice(itertools.product((-R, R), repeat=d), 256):
            value = error(np.array(corner))
            if value > lower:
                lower, witness = value, (h, np.array(corner))
        start = error(np.zeros(d))
        boxes = [(-(start + R * spread), 0, np.zeros(d), np.full(d, R))]
        solved = 1
        while -boxes[0][0] > lower + goal and solved < limit:
            _, _, centre, half = heapq.heappop(boxes)
            axis = int(np.argmax(half * np.abs(rows).max(axis=0)))
            smaller = half.copy()
            smaller[axis] /= 2.0
            for side in (-1.0, 1.0):
                here = centre.copy()
                here[axis] += side * smaller[axis]
                value = error(here)
                solved += 1
                if value > lower:
                    lower, witness = value, (h, here)
                grown = value + float((np.abs(rows) @ smaller).max())
                heapq.heappush(boxes, (-grown, solved, here, smaller))
        upper = max(upper, -boxes[0][0])
    rounding = 64.0 * _EPS * S * (R * float(spread) + float(np.abs(mdp.r).max()))
    return Certified(
        max(0.0, lower - rounding), max(upper, lower) + rounding, "linear programs, boxes of parameters", witness
    )


def _projection_error(rows: Floats, target: Floats) -> float:
    """Return the least largest deviation of a linear function of the rows (n, d) from ``target`` (n,)."""
    from scipy.optimize import linprog

    n, d = rows.shape
    ones = np.ones((n, 1))
    answer = linprog(
        np.r_[np.zeros(d), 1.0],
        A_ub=np.block([[rows, -ones], [-rows, -ones]]),
        b_ub=np.r_[target, -target],
        bounds=[(None, None)] * d + [(0.0, None)],
        method="highs",
    )
    if answer.x is None:
        raise CertificateError(f"HiGHS gave no nearest function: {answer.message}")
    return float(np.abs(rows @ answer.x[:d] - target).max())
