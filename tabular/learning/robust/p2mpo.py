r"""P2MPO in its finite form: doubly pessimistic planning on an empirical tabular model.

Blanchet, Lu, Zhang and Zhong (NeurIPS 2023), *Double Pessimism is Provably Efficient for Distributionally Robust
Offline Reinforcement Learning*. The policy maximises the smallest robust value over a confidence set of models. With
one feature a pair and total variation, the set is a ball of radius :math:`b_h(s,a)` around every empirical row and the
adversary a ball of radius :math:`\rho` around every member. A distribution within :math:`b+\rho` of the centre can be
reached in two such steps, along the segment, so that the two minimisations are one, over a ball of radius
:math:`b+\rho`, solved exactly. The general algorithm optimises over function classes and is not implemented; the
constants of its confidence set are not those here.
"""

import math

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ..._jit import kernel
from ...errors import ParameterError
from ...planning.confidence_balls import _l1_extreme
from ...simulation.dataset import OfflineDataset
from ._arguments import Cap, radii, rule
from ._regression_kernels import Fit, Moves, Points, Rule, _point_value
from .features import FeatureData
from .results import RobustOfflineResult

__all__ = ["p2mpo"]

Floats = npt.NDArray[np.float64]


@kernel
def _plan(points: Points, moves: Moves, radius: Floats, confidence: float, fit: Fit, rule: Rule, width: Floats) -> None:
    """Fill the worst expectation of every pair in ``fit.weights`` (H, S * A), and the confidence radii in ``width``."""
    H, pairs = fit.weights.shape
    S = points.fail.shape[0]
    V = np.zeros(S)
    for h in range(H - 1, -1, -1):
        least = math.inf
        for s in range(S):
            V[s] = _point_value(points, h + 1, s, fit, rule) if h < H - 1 else 0.0
            least = min(least, V[s])
        at, last = moves.first[h], moves.first[h + 1]
        for p in range(pairs):
            low = at
            n = 0.0
            while at < last and moves.pair[at] == p:
                n += moves.times[at]
                at += 1
            width[h, p] = min(confidence / math.sqrt(n), 1.0) if n > 0.0 else 1.0
            ball = 2.0 * (width[h, p] + radius[h, p])
            fit.weights[h, p] = _l1_extreme(moves.times[low:at], moves.ahead[low:at], n, V, least, -1.0, ball)


def p2mpo(
    data: OfflineDataset,
    r: npt.ArrayLike,
    *,
    radius: npt.ArrayLike,
    width: float | None = None,
    delta: float = 0.01,
    fail: tuple[int, ...] = (),
    cap: Cap = "horizon",
    floor: float | None = 0.0,
) -> RobustOfflineResult:
    r"""Doubly pessimistic planning with total variation balls around the empirical rows.

    Parameters
    ----------
    data : OfflineDataset
        Rows with their step.
    r : array, shape (S, A) or (H, S, A)
        Known rewards.
    radius : float, or array of shape (H, S, A)
        Adversary's total variation radius :math:`\rho \ge 0`.
    width : float, optional
        The confidence radius of a pair seen n times is ``min(width / sqrt(n), 1)``, 1 where it was never seen. By
        default that of Weissman et al. (2003), :math:`\sqrt{(S\log 2 + \log(HSA/\delta))/2}`.
    delta : float
        Failure probability of the default.
    fail : tuple of int
        States known to be worth 0.
    cap, floor
        As of `r2pvi`.

    Returns
    -------
    RobustOfflineResult
        With one feature a pair, d = S A: ``weights`` are worst expectations, ``deviation`` the confidence radii.

    Raises
    ------
    ModelError, ParameterError
        For data or parameters that do not fit.

    Examples
    --------
    >>> data = OfflineDataset([0] * 4 + [1, 1, 2, 2], [0] * 8, [0.0] * 8, [1, 1, 1, 2, 1, 1, 2, 2], 3, 1,
    ...                       h=[0] * 4 + [1] * 4)
    >>> p2mpo(data, [[0.0], [1.0], [0.0]], radius=0.25, width=0.0).Q[0, 0].tolist()
    [0.5]
    """
    if not isinstance(data, OfflineDataset):
        raise ParameterError(f"data is a {type(data).__name__}; give an OfflineDataset")
    pairs = data.S * data.A
    view = FeatureData(data, np.eye(pairs).reshape(data.S, data.A, pairs), r=r, fail=fail)
    rho = radii(radius, (view.H, view.S, view.A))
    if width is None:
        log_term = view.S * math.log(2.0) + math.log(view.H * pairs / check.fraction(delta, "delta"))
        width = math.sqrt(log_term / 2.0)
    confidence = check.number(width, "width", low=0.0)
    values = rule(view, 0.0, "l1", cap, floor)
    shape = (view.H, pairs)
    fit = Fit(np.zeros(shape), np.zeros((*shape, pairs)), np.zeros(shape), np.zeros(shape, dtype=np.int64))
    spread = np.empty(shape)
    _plan(view.points, view.moves, rho.reshape(shape), confidence, fit, values, spread)
    fit.inverse[:, np.arange(pairs), np.arange(pairs)] = spread**2
    return RobustOfflineResult(
        algorithm="p2mpo", data=view, weights=fit.weights, dual=fit.dual, inverse=fit.inverse, clipped=0.0,
        variance=np.ones_like(view.moves.times), _fit=fit, _rule=values,
    )  # fmt: skip
