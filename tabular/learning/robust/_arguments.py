"""Arguments that all learners here share: checked, brought to the form of the kernels, and run."""

import math

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from ... import _check as check
from ...errors import ParameterError
from ...planning._robust_kernels import TV_PENALTY, TV_RADIUS
from ...simulation.dataset import OfflineDataset
from ._dual_kernels import MEAN
from ._learning_kernels import Method, _learn
from ._regression_kernels import L1, L2, NORM, Fit, Rule
from .features import FeatureData
from .results import RobustOfflineResult

__all__ = ["AnyData", "AnyFeatures", "Cap", "Minimum", "method", "radii", "rule", "run", "seen"]

Floats = npt.NDArray[np.float64]
AnyData = OfflineDataset | FeatureData
AnyFeatures = npt.ArrayLike | sp.csr_array | None
Cap = str | npt.ArrayLike
Minimum = str | float

_COMBINE = {"l1": L1, "l2": L2, "norm": NORM}


def seen(data: AnyData, phi: AnyFeatures, theta: npt.ArrayLike | None) -> FeatureData:
    """Return what the learner sees: `data` itself, or the dataset with its features and reward parameters."""
    if isinstance(data, FeatureData):
        if phi is not None or theta is not None:
            raise ParameterError("data is a FeatureData, which has its features and rewards; give no phi and no theta")
        return data
    if not isinstance(data, OfflineDataset):
        raise ParameterError(f"data is a {type(data).__name__}; give an OfflineDataset or a FeatureData")
    if phi is None or theta is None:
        raise ParameterError("phi or theta is missing; an OfflineDataset needs both (or give a FeatureData)")
    return FeatureData(data, phi, theta)


def rule(
    view: FeatureData, beta: float, combine: str, cap: Cap, floor: float | None, *, known: bool = True,
    choices: tuple[str, ...] = ("l1", "l2"),
) -> Rule:  # fmt: skip
    """Return how weights become values."""
    code = _COMBINE[check.choice(combine, "combine", choices)]
    low = -math.inf if floor is None else check.number(floor, "floor")
    return Rule(check.number(beta, "beta", low=0.0), code, _caps(cap, view), low, known)


def _caps(cap: Cap, view: FeatureData) -> Floats:
    """Return the largest value of every step and action, shape (H, A); infinite where nothing is cut."""
    H, A = view.H, view.A
    if isinstance(cap, str):
        check.choice(cap, "cap", ("horizon",))
        return np.repeat(np.arange(H, 0.0, -1.0)[:, None], A, axis=1)
    try:
        table = np.array(np.broadcast_to(np.asarray(cap, dtype=np.float64), (H, A)), order="C")
    except (ValueError, TypeError):
        raise ParameterError(
            f"cap does not broadcast to (H, A) = {(H, A)}; give 'horizon', a number or a table"
        ) from None
    bad = np.isnan(table) | (table < 0.0)
    if bad.any():
        h, a = (int(i) for i in np.argwhere(bad)[0])
        raise ParameterError(f"cap[{h}, {a}] is {table[h, a]}; it must lie in [0, inf]")
    return table


def radii(radius: npt.ArrayLike, *shapes: tuple[int, ...]) -> Floats:
    """Return the radius as a writable array of the last of ``shapes``; a number, or one of these shapes, is taken."""
    array = check.as_array(radius, "radius", ndim=(0, *map(len, shapes)), error=ParameterError)
    if array.shape not in ((), *shapes):
        wanted = " or ".join(map(str, shapes))
        raise ParameterError(f"radius has shape {array.shape}; a number or an array of shape {wanted} is needed")
    if array.min() < 0.0:
        index = tuple(int(i) for i in np.argwhere(array < 0.0)[0])
        raise ParameterError(f"{check._at('radius', index)} is {array[index]:g}; it must be >= 0")
    return np.array(np.broadcast_to(array, shapes[-1]), order="C")


def method(
    view: FeatureData, code: int, level: Floats | None, values: Rule, *, minimum: Minimum = 0.0,
    ceiling: float | None = None, clip: bool = False, descent: bool = False,
) -> Method:  # fmt: skip
    """Return what is estimated at each step."""
    if ceiling is None:
        finite = values.cap[np.isfinite(values.cap)]
        top = float(finite.max()) if finite.size else math.inf
    else:
        top = math.inf if ceiling == math.inf else check.number(ceiling, "ceiling", low=0.0, open_low=True)
    everywhere, least = False, math.nan
    if isinstance(minimum, str):
        chosen = check.choice(minimum, "minimum", ("states", "data"))
        everywhere = chosen == "states" and code in (TV_PENALTY, TV_RADIUS)  # only these use it
    else:
        least = check.number(minimum, "minimum")
    levels = np.zeros((view.H, view.d)) if level is None else level
    return Method(code, levels, everywhere, least, top, bool(clip), descent)


def run(
    name: str, view: FeatureData, ridge: float, estimate: Method, values: Rule, *, adaptive: bool = False
) -> RobustOfflineResult:
    """Learn; where `adaptive`, once to estimate variances and once more with them."""
    gamma = _ridge(ridge)
    weight = view.moves.times.copy()
    fit = _empty(view)
    _learn(view.points, view.moves, weight, gamma, estimate, values, False, fit, fit)
    if adaptive:
        pilot, fit = fit, _empty(view)
        _learn(view.points, view.moves, weight, gamma, estimate, values, True, pilot, fit)
    steps = view.H - 1 if estimate.code != MEAN else view.H
    clipped = float(fit.clipped.sum()) / max(steps * view.d, 1)
    return RobustOfflineResult(
        algorithm=name, data=view, weights=fit.weights, dual=fit.dual, inverse=fit.inverse, clipped=clipped,
        variance=view.moves.times / weight, _fit=fit, _rule=values,
    )  # fmt: skip


def _ridge(ridge: float) -> float:
    if isinstance(ridge, int | float) and not isinstance(ridge, bool) and ridge == 0:
        raise ParameterError("ridge is 0; it must be > 0: without it the covariance is singular where data are missing")
    return check.number(ridge, "ridge", low=0.0, open_low=True)


def _empty(view: FeatureData) -> Fit:
    H, d = view.H, view.d
    return Fit(np.zeros((H, d)), np.zeros((H, d, d)), np.zeros((H, d)), np.zeros((H, d), dtype=np.int64))
