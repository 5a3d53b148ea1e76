r"""Planning in rational arithmetic.

The floats of a model are dyadic rationals, and these rationals are the model
that is solved: nothing is rounded, nothing is normalised. Rows whose floats do
not sum to exactly 1 are taken as they stand (a row of sum 0.999... leaks value,
one above 1 creates some), which is well defined as long as gamma times every
row sum stays below 1. Uses python-flint where it is installed and
`fractions` otherwise; the results are the same.

Cost: an exact solve of S equations for each policy tried, and the candidates
come from the float solvers, so usually one. A few hundred state-action pairs
take seconds with python-flint; with `fractions` stay below about 50 states.
"""

from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import CertificateError, ModelError, NotConverged
from ..models import DiscountedMDP, EpisodicMDP
from ._backup import require
from ._rational import solve_linear
from .policy_iterations import policy_iteration
from .results import ExactEvaluation, ExactPlan

__all__ = ["certify", "evaluate", "solve"]

Objects = npt.NDArray[Any]


def solve(mdp: DiscountedMDP | EpisodicMDP) -> ExactPlan:
    """Optimal values and all optimal actions, exactly.

    Policy iteration (Howard; started from the float solution) or backward
    induction over the rationals.

    Parameters
    ----------
    mdp : DiscountedMDP or EpisodicMDP

    Returns
    -------
    ExactPlan
        ``policy`` is the smallest optimal action, ``optimal`` marks all of them.

    Raises
    ------
    ModelError
        If gamma times a row sum is not below 1.

    Examples
    --------
    >>> mdp = DiscountedMDP([[[0.5, 0.5]], [[0.0, 1.0]]], [[0.0], [1.0]], 0.5)
    >>> [str(v) for v in solve(mdp).V]
    ['2/3', '2']
    """
    require(mdp, DiscountedMDP, EpisodicMDP, solver="exact.solve")
    if isinstance(mdp, EpisodicMDP):
        return _backward(mdp)
    _require_contraction(mdp)
    try:
        policy = np.array(policy_iteration(mdp).policy)
    except NotConverged as problem:
        policy = np.array(problem.partial.policy)
    return _howard(mdp, policy)


def certify(mdp: DiscountedMDP | EpisodicMDP, policy: npt.ArrayLike) -> ExactPlan:
    """Prove that a deterministic policy is optimal.

    Parameters
    ----------
    mdp : DiscountedMDP or EpisodicMDP
    policy : int array, shape (S,) or (H, S)

    Returns
    -------
    ExactPlan
        The exact optimum; ``policy`` is the one given.

    Raises
    ------
    CertificateError
        If it is not optimal, naming a state, a better action and the exact gain.
    """
    evaluation = evaluate(mdp, policy)
    chosen = np.asarray(mdp.policy(policy))
    if chosen.ndim != evaluation.Q.ndim - 1:
        raise CertificateError("certify takes a deterministic policy: integers of shape (S,) or (H, S)")
    best = evaluation.Q.max(axis=-1)
    values = evaluation.V[:-1] if isinstance(mdp, EpisodicMDP) else evaluation.V
    worse = np.argwhere(best > values)
    if worse.size:
        index = tuple(int(i) for i in worse[-1])
        gain = best[index] - values[index]
        action = int(np.argmax(evaluation.Q[index] == best[index]))
        where = ", ".join(str(i) for i in index)
        raise CertificateError(
            f"policy[{where}] = {int(chosen[index])} is not optimal: action {action} gains {gain} there"
        )
    return ExactPlan(
        V=evaluation.V,
        Q=evaluation.Q,
        policy=np.array(chosen, dtype=np.int64),
        optimal=best[..., None] == evaluation.Q,
        value=evaluation.value,
        iterations=1,
    )


def evaluate(mdp: DiscountedMDP | EpisodicMDP, policy: npt.ArrayLike) -> ExactEvaluation:
    """Values of a policy, deterministic or stochastic, exactly.

    Parameters
    ----------
    mdp : DiscountedMDP or EpisodicMDP
    policy : array
        Integers (S,) or (H, S), or probabilities (taken as dyadic rationals).

    Raises
    ------
    PolicyError
        If ``policy`` is not a policy of the model.
    ModelError
        If gamma times a row sum is not below 1.
    """
    require(mdp, DiscountedMDP, EpisodicMDP, solver="exact.evaluate")
    pi = _rational(mdp.policy(policy)) if np.asarray(policy).dtype.kind == "f" else mdp.policy(policy)
    mu0 = _rational(mdp.mu0)
    if isinstance(mdp, EpisodicMDP):
        H, S, A = mdp.r.shape
        V = _zeros((H + 1, S))
        Q = _zeros((H, S, A))
        for h in range(H - 1, -1, -1):
            Q[h] = _rational(mdp.r[h]) + _product(mdp.P[h].reshape(S * A, S), V[h + 1]).reshape(S, A)
            V[h] = _average(Q[h], pi[h])
        return ExactEvaluation(V=V, Q=Q, value=_dot(mu0, V[0]))
    _require_contraction(mdp)
    V, Q = _values(mdp, pi)
    return ExactEvaluation(V=V, Q=Q, value=_dot(mu0, V))


def _backward(mdp: EpisodicMDP) -> ExactPlan:
    H, S, A = mdp.r.shape
    V, Q = _zeros((H + 1, S)), _zeros((H, S, A))
    for h in range(H - 1, -1, -1):
        Q[h] = _rational(mdp.r[h]) + _product(mdp.P[h].reshape(S * A, S), V[h + 1]).reshape(S, A)
        V[h] = Q[h].max(axis=1)
    optimal = V[:-1, :, None] == Q
    policy = np.argmax(optimal, axis=-1).astype(np.int64)
    return ExactPlan(V=V, Q=Q, policy=policy, optimal=optimal, value=_dot(_rational(mdp.mu0), V[0]), iterations=H)


def _howard(mdp: DiscountedMDP, policy: npt.NDArray[np.int64]) -> ExactPlan:
    """Policy iteration over the rationals; strict improvement only, hence finite."""
    iterations = 0
    while True:
        V, Q = _values(mdp, policy)
        iterations += 1
        best = Q.max(axis=1)
        better = best > V
        optimal = best[:, None] == Q
        if not better.any():
            return ExactPlan(
                V=V,
                Q=Q,
                policy=np.argmax(optimal, axis=1).astype(np.int64),
                optimal=optimal,
                value=_dot(_rational(mdp.mu0), V),
                iterations=iterations,
            )
        policy = np.where(better, np.argmax(optimal, axis=1), policy).astype(np.int64)


def _values(mdp: DiscountedMDP, pi: Objects) -> tuple[Objects, Objects]:
    """Exact ``V`` and ``Q`` of a policy."""
    S, A = mdp.S, mdp.A
    P, r, gamma = mdp.dense_P(), _rational(mdp.r), Fraction(mdp.gamma)
    if pi.ndim == 1:
        states = np.arange(S)
        rows, reward = _rational(P[states, pi]), r[states, pi]
    else:
        rows = np.array([[_dot(pi[s], _rational(P[s, :, x])) for x in range(S)] for s in range(S)], dtype=object)
        reward = _average(r, pi)
    system = [[(1 if s == x else 0) - gamma * rows[s, x] for x in range(S)] for s in range(S)]
    V = _objects(solve_linear(system, list(reward)))
    Q = r + gamma * _product(P.reshape(S * A, S), V).reshape(S, A)
    return V, Q


def _product(P: npt.NDArray[np.float64], V: Objects) -> Objects:
    """``P @ V`` over a common denominator of ``V``, so that the sums are sums of integers."""
    denominator = lcm(*(v.denominator for v in V))
    numerators = [int(v * denominator) for v in V]
    out = _zeros((P.shape[0],))
    for i, row in enumerate(P):
        ratios = [(j, *float(row[j]).as_integer_ratio()) for j in np.flatnonzero(row)]
        scale = max((q for _, _, q in ratios), default=1)
        total = sum(p * (scale // q) * numerators[j] for j, p, q in ratios)
        out[i] = Fraction(total, scale * denominator)
    return out


def _require_contraction(mdp: DiscountedMDP) -> None:
    """Refuse a model in which gamma times an exact row sum reaches 1."""
    P = mdp.dense_P().reshape(mdp.S * mdp.A, mdp.S)
    sums = [sum((Fraction(float(x)) for x in row[row != 0.0]), Fraction(0)) for row in P]
    worst = max(range(len(sums)), key=lambda i: sums[i])
    factor = Fraction(mdp.gamma) * sums[worst]
    if factor >= 1:
        raise ModelError(
            f"gamma * sum(P[{worst // mdp.A}, {worst % mdp.A}]) is {float(factor)!r}, not below 1 in exact arithmetic; "
            "use a smaller gamma, or rows that sum to at most 1"
        )


def _rational(array: Any) -> Objects:
    """Return the floats of an array as Fractions."""
    source = np.asarray(array, dtype=np.float64)
    flat = _objects([Fraction(float(x)) for x in source.reshape(-1)])
    return flat.reshape(source.shape)


def _objects(values: list[Any]) -> Objects:
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def _zeros(shape: tuple[int, ...]) -> Objects:
    out = np.empty(shape, dtype=object)
    out.fill(Fraction(0))
    return out


def _dot(x: Objects, y: Objects) -> Fraction:
    return sum((a * b for a, b in zip(x, y, strict=True) if a), Fraction(0))


def _average(Q: Objects, pi: Objects) -> Objects:
    """Value of following ``pi`` (integers, or rows of Fractions) for one step on ``Q[s,a]``."""
    if pi.ndim == 1:
        return Q[np.arange(Q.shape[0]), pi]
    return _objects([_dot(pi[s], Q[s]) for s in range(Q.shape[0])])
