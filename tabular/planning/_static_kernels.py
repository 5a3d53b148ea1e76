"""Compiled loops over uncertain transition tables: values, adversaries, robust backups.

A rectangular set is given as ``(kind, P, level)``: for ``kind == VERTICES`` the rows ``P[k, s, a, :]`` are the
choices of the adversary at ``(s, a)``; any other ``kind`` is a code of `_robust_kernels`, ``P[0, s, a, :]`` the centre
of a ball and ``level[s, a]`` its radius. A kernel ``T[s, a, s']`` is the adversary's policy. Arrays are writable and
C-contiguous, so that each loop compiles once; loops, not BLAS, since values feed an argmin.
"""

import math
from typing import Any

import numpy as np

from .._jit import kernel
from ._robust_kernels import _worst_case

__all__: list[str] = []

VERTICES = -1
#: Differences of values below this fraction of the largest value are rounding, and count as ties.
_TIE = 1e-13
_MOST_STEPS = 100_000


@kernel
def _solve(M: Any, x: Any) -> None:
    """Solve ``M y = x`` in place, for a row diagonally dominant ``M``: elimination without row exchanges."""
    n = x.shape[0]
    for k in range(n):
        for i in range(k + 1, n):
            factor = M[i, k] / M[k, k]
            if factor != 0.0:
                for j in range(k + 1, n):
                    M[i, j] -= factor * M[k, j]
                x[i] -= factor * x[k]
    for k in range(n - 1, -1, -1):
        total = x[k]
        for j in range(k + 1, n):
            total -= M[k, j] * x[j]
        x[k] = total / M[k, k]


@kernel
def _dot(row: Any, V: Any) -> float:
    total = 0.0
    for j in range(V.shape[0]):
        total += row[j] * V[j]
    return total


@kernel
def _largest(V: Any) -> float:
    most = 0.0
    for s in range(V.shape[0]):
        most = max(most, abs(V[s]))
    return most


@kernel
def _policy_values(T: Any, r: Any, gamma: float, pi: Any, M: Any, V: Any) -> None:
    """V = values of the stochastic policy pi[s, a] under the kernel T[s, a, s']; M (S, S) is a workspace."""
    S, A = r.shape
    for s in range(S):
        V[s] = 0.0
        for j in range(S):
            M[s, j] = 0.0
        for a in range(A):
            if pi[s, a] > 0.0:
                V[s] += pi[s, a] * r[s, a]
                for j in range(S):
                    M[s, j] -= gamma * pi[s, a] * T[s, a, j]
        M[s, s] += 1.0
    _solve(M, V)


@kernel
def _respond(kind: int, P: Any, level: Any, s: int, a: int, V: Any, tie: float, row: Any, work: Any) -> bool:
    """Replace ``row`` by a row of the set of smaller expectation of ``V``, if one is smaller by more than ``tie``."""
    now = _dot(row, V)
    if kind == VERTICES:
        best, choice = now - tie, -1
        for k in range(P.shape[0]):
            value = _dot(P[k, s, a], V)
            if value < best:
                best, choice = value, k
        if choice >= 0:
            row[:] = P[choice, s, a]
        return choice >= 0
    _worst_case(kind, P[0, s, a], V, level[s, a], False, work)
    if _dot(work, V) < now - tie:
        row[:] = work
        return True
    return False


@kernel
def _adversary(kind: int, P: Any, level: Any, r: Any, gamma: float, pi: Any, T: Any, V: Any, M: Any, work: Any) -> int:
    """Policy iteration of the adversary against pi[s, a]; returns the number of evaluations.

    T : in: a kernel of the set; out: one that minimises the values of ``pi`` in every state. Rows of actions that
    ``pi`` does not take, and rows that are as bad as any, stay as they were. V : those values.
    """
    S, A = r.shape
    for step in range(_MOST_STEPS):
        _policy_values(T, r, gamma, pi, M, V)
        tie = _TIE * _largest(V)
        changed = False
        for s in range(S):
            for a in range(A):
                if pi[s, a] > 0.0 and _respond(kind, P, level, s, a, V, tie, T[s, a], work):
                    changed = True
        if not changed:
            return step + 1
    return -1


@kernel
def _complete(kind: int, P: Any, level: Any, pi: Any, V: Any, T: Any, work: Any) -> None:
    """Let the adversary minimise ``V`` after the actions that ``pi`` does not take, too."""
    S, A = pi.shape
    tie = _TIE * _largest(V)
    for s in range(S):
        for a in range(A):
            if pi[s, a] == 0.0:
                _respond(kind, P, level, s, a, V, tie, T[s, a], work)


@kernel
def _one_hot(policy: Any, pi: Any) -> None:
    for s in range(pi.shape[0]):
        for a in range(pi.shape[1]):
            pi[s, a] = 1.0 if policy[s] == a else 0.0


@kernel
def _greedy_policy(Q: Any, policy: Any) -> None:
    """Smallest action within rounding of the largest Q[s, a]."""
    S, A = Q.shape
    for s in range(S):
        best = Q[s, 0]
        for a in range(1, A):
            best = max(best, Q[s, a])
        for a in range(A):
            if Q[s, a] >= best - _TIE * abs(best):
                policy[s] = a
                break


@kernel
def _improve(Q: Any, tie: float, policy: Any) -> bool:
    """Switch each state to its best action where that gains more than ``tie``."""
    S, A = Q.shape
    changed = False
    for s in range(S):
        best, choice = Q[s, policy[s]] + tie, policy[s]
        for a in range(A):
            if Q[s, a] > best:
                best, choice = Q[s, a], a
        if choice != policy[s]:
            policy[s] = choice
            changed = True
    return changed


@kernel
def _optimal_values(T: Any, r: Any, gamma: float, policy: Any, pi: Any, V: Any, Q: Any, M: Any) -> int:
    """Policy iteration under the kernel T from ``policy`` (changed in place); Q = the optimal values."""
    S, A = r.shape
    for step in range(_MOST_STEPS):
        _one_hot(policy, pi)
        _policy_values(T, r, gamma, pi, M, V)
        for s in range(S):
            for a in range(A):
                Q[s, a] = r[s, a] + gamma * _dot(T[s, a], V)
        if not _improve(Q, _TIE * _largest(V), policy):
            return step + 1
    return -1


@kernel
def _robust_backup(kind: int, P: Any, level: Any, r: Any, gamma: float, V: Any, T: Any, Q: Any, work: Any) -> None:
    """Q[s, a] = r[s, a] + gamma * min over the set of the expectation of V; T holds the minimising rows."""
    S, A = r.shape
    for s in range(S):
        for a in range(A):
            _respond(kind, P, level, s, a, V, 0.0, T[s, a], work)
            Q[s, a] = r[s, a] + gamma * _dot(T[s, a], V)


@kernel
def _robust_optimum(
    kind: int, P: Any, level: Any, r: Any, gamma: float, policy: Any, pi: Any, T: Any, V: Any, Q: Any, M: Any, work: Any
) -> int:
    """Policy iteration with exact robust evaluation (Hoffman and Karp); changes policy, T, V and Q in place."""
    for step in range(_MOST_STEPS):
        _one_hot(policy, pi)
        if _adversary(kind, P, level, r, gamma, pi, T, V, M, work) < 0:
            return -1
        _robust_backup(kind, P, level, r, gamma, V, T, Q, work)
        if not _improve(Q, _TIE * _largest(V), policy):
            return step + 1
    return -1


@kernel
def _dynamic_backup(
    joint: bool, kind: int, P: Any, level: Any, r: Any, gamma: float, pi: Any, V: Any, T: Any, out: Any, work: Any
) -> None:
    """Out = values of ``pi`` when the adversary chooses anew now, and is worth V from then on.

    joint : the choice is one k for all actions of a state, P[k]; else one row for each action.
    """
    S, A = r.shape
    for s in range(S):
        out[s] = 0.0
        if joint:
            for k in range(P.shape[0]):
                value = 0.0
                for a in range(A):
                    value += pi[s, a] * (r[s, a] + gamma * _dot(P[k, s, a], V))
                out[s] = value if k == 0 else min(out[s], value)
        else:
            for a in range(A):
                if pi[s, a] > 0.0:
                    _respond(kind, P, level, s, a, V, 0.0, T[s, a], work)
                    out[s] += pi[s, a] * (r[s, a] + gamma * _dot(T[s, a], V))


@kernel
def _best_deterministic(P: Any, r: Any, gamma: float, mu0: Any, best: Any, pi: Any, V: Any, M: Any) -> float:
    """Largest worst value over P[k] of any deterministic policy, by enumeration; ``best`` becomes the first one."""
    S, A = r.shape
    policy = np.zeros(S, dtype=np.int64)
    top = -math.inf
    while True:
        _one_hot(policy, pi)
        worst = math.inf
        for k in range(P.shape[0]):
            _policy_values(P[k], r, gamma, pi, M, V)
            worst = min(worst, _dot(mu0, V))
        if worst > top + _TIE * abs(worst):
            top = worst
            best[:] = policy
        s = S - 1
        while s >= 0 and policy[s] == A - 1:
            policy[s] = 0
            s -= 1
        if s < 0:
            return top
        policy[s] += 1


@kernel
def _fill(x: Any, low: Any, high: Any, w: Any) -> float:
    """W = the distribution between ``low`` and ``high`` of smallest expectation of x; returns that expectation."""
    order = np.argsort(x)
    rest, total = 1.0, 0.0
    for i in range(x.shape[0]):
        w[i] = low[i]
        rest -= low[i]
    for k in range(x.shape[0]):
        i = order[k]
        extra = min(max(rest, 0.0), high[i] - low[i])
        w[i] += extra
        rest -= extra
    for i in range(x.shape[0]):
        total += w[i] * x[i]
    return total


@kernel
def _box_program(R: Any, D: Any, gamma: float, low: Any, high: Any, sign: float, w: Any, V: Any, M: Any) -> int:
    """Optimal values of a controller that mixes components in each state, within bounds on the weights.

    R : (S, n) rewards and D : (S, n, S) transitions of the components; low, high : (S, n) bounds on w[s, :].
    sign : 1 to minimise, -1 to maximise. w : in: feasible weights; out: optimal ones. Policy iteration.
    """
    S, n = R.shape
    x, new = np.empty(n), np.empty(n)
    for step in range(_MOST_STEPS):
        _policy_values(D, R, gamma, w, M, V)
        tie = _TIE * _largest(V)
        changed = False
        for s in range(S):
            now = 0.0
            for k in range(n):
                x[k] = sign * (R[s, k] + gamma * _dot(D[s, k], V))
                now += w[s, k] * x[k]
            if _fill(x, low[s], high[s], new) < now - tie:
                w[s] = new
                changed = True
        if not changed:
            return step + 1
    return -1
