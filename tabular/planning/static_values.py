r"""What a policy is worth when the adversary chooses one kernel for good, and the best that a policy can do then.

The *static* value of a stationary policy is :math:`\min_T V^\pi_T`, the *dynamic* one lets the adversary choose anew
at every step. For sa-rectangular sets they agree, and adversary policy iteration computes both. For finitely many
kernels the static value is a minimum of finitely many, and the best policy is found by enumeration (deterministic
policies) or by branch and bound (stationary randomised ones, and mixtures of kernels against a policy). The bound on a
box of weights lets them differ between states, for each kernel by itself, which makes the problem a decision process.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _check as check
from ..errors import NotConverged, ParameterError
from ..models import DiscountedMDP
from ._backup import require
from ._static_kernels import (
    VERTICES,
    _adversary,
    _best_deterministic,
    _box_program,
    _dynamic_backup,
    _optimal_values,
    _policy_values,
)
from .results import _ReadOnly
from .uncertainty_sets import (
    BallSet,
    KernelHull,
    KernelSet,
    RectangularSet,
    UncertaintySet,
    VertexSet,
    compiled,
    require_set,
)

__all__ = ["StaticEvaluation", "StaticOptimum", "dynamic_evaluation", "static_evaluation", "static_optimum"]

Array = npt.NDArray[np.float64]

#: Rounding of one evaluation, in units of the largest value over 1 - gamma; tested, not proved.
_ROUNDING = 64 * 2.0**-53


@dataclass(frozen=True, eq=False)
class StaticEvaluation(_ReadOnly):
    """What a policy is worth under the worst kernel of a set.

    Attributes
    ----------
    V : array, shape (S,)
        Values under ``kernel``; for a rectangular set the smallest in every state at once.
    value : float
        ``mu0 . V``, attained by ``kernel``.
    lower, upper : float
        Enclosure of the smallest value from ``mu0``.
    kernel : array, shape (S, A, S)
        A worst kernel; after actions that the policy does not take, any of the set.
    evaluations : int
        Kernels (or relaxations) evaluated.
    """

    V: Array
    value: float
    lower: float
    upper: float
    kernel: Array
    evaluations: int


@dataclass(frozen=True, eq=False)
class StaticOptimum(_ReadOnly):
    """The best policy against the worst of finitely many kernels.

    Attributes
    ----------
    policy : array
        Deterministic, int (S,), or stationary randomised, float (S, A).
    value : float
        ``min_k`` of its value from ``mu0``.
    lower, upper : float
        Enclosure of the best such value.
    dual : float
        ``min_k max_pi``: the smallest optimal value of a kernel. No policy does better.
    boxes : int
        Boxes of policies examined (0 for an enumeration).
    """

    policy: npt.NDArray[Any]
    value: float
    lower: float
    upper: float
    dual: float
    boxes: int


def static_evaluation(
    mdp: DiscountedMDP,
    policy: npt.ArrayLike,
    uncertainty: UncertaintySet,
    *,
    tol: float = 1e-6,
    max_boxes: int = 100_000,
) -> StaticEvaluation:
    """Value of a stationary policy under the worst kernel, chosen once.

    Parameters
    ----------
    mdp : DiscountedMDP
        Rewards, discount and start; its kernel plays no part.
    policy : array
        Integers (S,) or probabilities (S, A).
    uncertainty : VertexSet, BallSet, KernelSet or KernelHull
        Rectangular sets are solved by adversary policy iteration, a `KernelSet` by enumeration, a `KernelHull` by
        branch and bound over the weights.
    tol : float
        Largest accepted width of the enclosure for a `KernelHull`, relative to ``max(1, |value|)``.
    max_boxes : int
        Boxes of weights examined at most.

    Returns
    -------
    StaticEvaluation

    Raises
    ------
    PolicyError
        If ``policy`` is not a policy of the model.
    ModelError
        For a set of other sizes than the model.
    NotConverged
        After ``max_boxes``; the partial result is attached.

    Examples
    --------
    >>> mdp = DiscountedMDP([[[1.0, 0.0]], [[0.0, 1.0]]], [[1.0], [0.0]], 0.5, [1.0, 0.0])
    >>> lose = [[[0.0, 1.0]], [[0.0, 1.0]]]
    >>> static_evaluation(mdp, [0, 0], KernelSet([mdp.P, lose])).value
    1.0
    """
    require(mdp, DiscountedMDP, solver="static_evaluation")
    require_set(uncertainty, mdp, VertexSet, BallSet, KernelSet, KernelHull, solver="static_evaluation")
    pi = _probabilities(mdp, policy)
    if isinstance(uncertainty, KernelHull):
        return _hull_evaluation(mdp, pi, uncertainty, check.number(tol, "tol", low=0.0, open_low=True), max_boxes)
    M, r = np.empty((mdp.S, mdp.S)), mdp.r.copy()
    if isinstance(uncertainty, KernelSet):
        rows = [np.empty(mdp.S) for _ in range(uncertainty.size)]
        for T, V in zip(uncertainty.P, rows, strict=True):
            _policy_values(T.copy(), r, mdp.gamma, pi, M, V)
        worst = int(np.argmin([mdp.mu0 @ V for V in rows]))
        return _finished(mdp, rows[worst], uncertainty.P[worst].copy(), len(rows))
    kind, P, level = compiled(uncertainty)
    T, V = P[0].copy(), np.empty(mdp.S)
    steps = _adversary(kind, P, level, r, mdp.gamma, pi, T, V, M, np.empty(mdp.S))
    return _finished(mdp, V, T, steps)


def _probabilities(mdp: DiscountedMDP, policy: npt.ArrayLike) -> Array:
    return check.stochastic_policy(policy, (mdp.S,), mdp.A).copy()


def _slack(mdp: DiscountedMDP, V: Array) -> float:
    """Return the rounding allowance of ``mu0 . V``."""
    return _ROUNDING * max(1.0, float(np.abs(V).max())) / (1.0 - mdp.gamma)


def _finished(mdp: DiscountedMDP, V: Array, T: Array, evaluations: int) -> StaticEvaluation:
    value, slack = float(mdp.mu0 @ V), _slack(mdp, V)
    return StaticEvaluation(V, value, value - slack, value + slack, T, evaluations)


def _search(
    low: Array,
    high: Array,
    bound: Callable[[Array, Array], tuple[float, float, Any]],
    tol: float,
    max_boxes: int,
) -> tuple[float, float, Any, int, bool]:
    """Minimise over a box of weights by best-first branch and bound.

    ``bound(low, high)`` returns a lower bound on the box, the value of a point of it, and that point. Boxes are
    bisected along their longest edge. Returns both bounds, the best point, the boxes examined, and success.
    """
    floor, best, point = bound(low, high)
    heap: list[tuple[float, int, Array, Array]] = [(floor, 0, low, high)]
    boxes = 1
    while heap:
        floor, _, low, high = heapq.heappop(heap)
        if best - floor <= tol * max(1.0, abs(best)):
            return floor, best, point, boxes, True
        if boxes >= max_boxes:
            return floor, best, point, boxes, False
        edge = np.unravel_index(int(np.argmax(high - low)), low.shape)
        middle = 0.5 * (low[edge] + high[edge])
        for side in (0, 1):
            child_low, child_high = low.copy(), high.copy()
            (child_high if side == 0 else child_low)[edge] = middle
            if not _tighten(child_low, child_high):
                continue
            below, value, candidate = bound(child_low, child_high)
            boxes += 1
            if value < best:
                best, point = value, candidate
            heapq.heappush(heap, (max(below, floor), boxes, child_low, child_high))
    return best, best, point, boxes, True


def _tighten(low: Array, high: Array) -> bool:
    """Shrink a box to what distributions along the last axis can use; False where it holds none."""
    np.minimum(high, 1.0 - (low.sum(axis=-1, keepdims=True) - low), out=high)
    np.maximum(low, 1.0 - (high.sum(axis=-1, keepdims=True) - high), out=low)
    return bool((low <= high + 1e-15).all())


def _hull_evaluation(mdp: DiscountedMDP, pi: Array, hull: KernelHull, tol: float, max_boxes: int) -> StaticEvaluation:
    S, K = mdp.S, hull.P.shape[0]
    D = np.ascontiguousarray(np.einsum("sa,ksaj->skj", pi, hull.P))
    R = np.repeat(np.einsum("sa,sa->s", pi, mdp.r)[:, None], K, axis=1)
    V, M = np.empty(S), np.empty((S, S))

    def evaluate(weights: Array) -> float:
        _policy_values(D, R, mdp.gamma, np.repeat(weights[None], S, axis=0), M, V)
        return float(mdp.mu0 @ V)

    def bound(low: Array, high: Array) -> tuple[float, float, Array]:
        start = _inside(low[None], high[None])[0]
        value = evaluate(start)
        w = np.repeat(start[None], S, axis=0)
        _box_program(R, D, mdp.gamma, np.repeat(low[None], S, 0), np.repeat(high[None], S, 0), 1.0, w, V, M)
        below = float(mdp.mu0 @ V) - _slack(mdp, V)
        mean = w.mean(axis=0)
        other = evaluate(mean)
        return (below, value, start) if value <= other else (below, other, mean)

    limit = check.count(max_boxes, "max_boxes")
    lower, upper, weights, boxes, done = _search(np.zeros(K), np.ones(K), bound, tol, limit)
    evaluate(weights)
    T = np.einsum("k,ksaj->saj", weights, hull.P)
    result = StaticEvaluation(V.copy(), float(mdp.mu0 @ V), min(lower, upper), upper, T, boxes)
    if not done:
        raise NotConverged(f"the value is enclosed to {upper - lower:.3g} after {boxes} boxes; allow more", result)
    return result


def _inside(low: Array, high: Array) -> Array:
    """Return the distributions at equal fractions of the way from ``low`` to ``high``."""
    room = (high - low).sum(axis=-1, keepdims=True)
    missing = 1.0 - low.sum(axis=-1, keepdims=True)
    part = np.divide(missing, room, out=np.zeros_like(missing), where=room > 0.0)
    return np.ascontiguousarray(low + part * (high - low))


def dynamic_evaluation(
    mdp: DiscountedMDP, policy: npt.ArrayLike, uncertainty: RectangularSet | KernelSet, *, steps: int
) -> Array:
    """Smallest total discounted reward of a policy over ``steps`` steps when the adversary chooses anew at each.

    Parameters
    ----------
    mdp : DiscountedMDP
        Rewards and discount; its kernel plays no part.
    policy : array
        Integers (S,) or probabilities (S, A).
    uncertainty : VertexSet, BallSet or KernelSet
        With a `KernelSet` the adversary picks one kernel a step, after seeing the state and before the action is drawn.
    steps : int
        Horizon; what lies beyond is worth at most ``gamma**steps * max|r| / (1 - gamma)``.

    Returns
    -------
    array, shape (S,)

    Raises
    ------
    PolicyError
        If ``policy`` is not a policy of the model.
    ModelError
        For a set of other sizes than the model.
    """
    require(mdp, DiscountedMDP, solver="dynamic_evaluation")
    require_set(uncertainty, mdp, VertexSet, BallSet, KernelSet, solver="dynamic_evaluation")
    pi = _probabilities(mdp, policy)
    joint = isinstance(uncertainty, KernelSet)
    if isinstance(uncertainty, KernelSet):
        kind, P, level = VERTICES, uncertainty.P.copy(), np.zeros((mdp.S, mdp.A))
    else:
        kind, P, level = compiled(uncertainty)
    V, out, T, work, r = np.zeros(mdp.S), np.empty(mdp.S), P[0].copy(), np.empty(mdp.S), mdp.r.copy()
    for _ in range(check.count(steps, "steps")):
        _dynamic_backup(joint, kind, P, level, r, mdp.gamma, pi, V, T, out, work)
        V, out = out, V
    return V


def static_optimum(
    mdp: DiscountedMDP,
    uncertainty: KernelSet,
    *,
    policies: str = "deterministic",
    tol: float = 1e-3,
    max_boxes: int = 20_000,
) -> StaticOptimum:
    """Best stationary policy against the worst of finitely many kernels, and the value it cannot exceed.

    Parameters
    ----------
    mdp : DiscountedMDP
        Rewards, discount and start; its kernel plays no part.
    uncertainty : KernelSet
    policies : {"deterministic", "randomised"}
        Enumeration of all A^S policies, at most 10^6 of them, or branch and bound over action probabilities.
    tol : float
        Largest accepted width of the enclosure for randomised policies, relative to ``max(1, |value|)``.
    max_boxes : int
        Boxes of policies examined at most.

    Returns
    -------
    StaticOptimum

    Raises
    ------
    ModelError
        For another kind of set, or one of other sizes than the model.
    ParameterError
        For too many policies, or an unknown kind of them.
    NotConverged
        After ``max_boxes``; the partial result is attached.
    """
    require(mdp, DiscountedMDP, solver="static_optimum")
    require_set(uncertainty, mdp, KernelSet, solver="static_optimum")
    check.choice(policies, "policies", ("deterministic", "randomised"))
    S, A = mdp.S, mdp.A
    P, r, mu0 = uncertainty.P.copy(), mdp.r.copy(), mdp.mu0.copy()
    pi, V, Q, M = np.empty((S, A)), np.empty(S), np.empty((S, A)), np.empty((S, S))
    best = np.zeros(S, dtype=np.int64)
    optima = []
    for T in P:
        _optimal_values(T, r, mdp.gamma, best, pi, V, Q, M)
        optima.append(float(mu0 @ V))
    dual = min(optima)
    if policies == "deterministic":
        if A**S > 10**6:
            raise ParameterError(f"there are {A}**{S} policies; at most 10**6 are enumerated")
        value = float(_best_deterministic(P, r, mdp.gamma, mu0, best, pi, V, M))
        slack = _slack(mdp, V)
        return StaticOptimum(best, value, value - slack, value + slack, dual, 0)

    def worst(probabilities: Array) -> float:
        values = []
        for T in P:
            _policy_values(T, r, mdp.gamma, probabilities, M, V)
            values.append(float(mu0 @ V))
        return min(values)

    def bound(low: Array, high: Array) -> tuple[float, float, Array]:
        start = _inside(low, high)
        above, found = np.inf, []
        for T in P:
            found.append(start.copy())
            _box_program(r, T, mdp.gamma, low, high, -1.0, found[-1], V, M)
            above = min(above, float(mu0 @ V) + _slack(mdp, V))
        tried = [found[-1], start, found[0]]
        scores = [worst(w) for w in tried]
        k = int(np.argmax(scores))
        return -above, -scores[k], tried[k]

    limit, tol = check.count(max_boxes, "max_boxes"), check.number(tol, "tol", low=0.0, open_low=True)
    low, high, point, boxes, done = _search(np.zeros((S, A)), np.ones((S, A)), bound, tol, limit)
    result = StaticOptimum(point, worst(point), -high, max(-low, -high), dual, boxes)
    if not done:
        raise NotConverged(f"the value is enclosed to {result.upper - result.lower:.3g}; allow more boxes", result)
    return result
