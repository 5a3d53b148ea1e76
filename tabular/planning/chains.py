"""Finite Markov chains: recurrent classes, stationary law, Cesaro limit, deviation matrix, gain and bias."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.sparse.csgraph import breadth_first_order, connected_components

from .. import _check as check
from ..errors import CertificateError, ModelError
from .average_reward_arithmetic import FLOAT, Arithmetic, Vector
from .results import _ReadOnly

__all__ = [
    "GainBias",
    "chain_values",
    "dense",
    "deviation_matrix",
    "gain_bias",
    "is_sparse",
    "limiting_matrix",
    "period",
    "policy_chain",
    "recurrent_classes",
    "stationary_distribution",
]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class GainBias(_ReadOnly):
    """Long-run behaviour of one stationary policy.

    Attributes
    ----------
    gain : array, shape (S,)
        Long-run average reward from each state.
    bias : array, shape (S,)
        Expected total excess of the reward over the gain (Cesaro sense where the
        chain is periodic): ``gain + bias = r + P bias`` and ``P* bias = 0``.
    """

    gain: Array
    bias: Array

    @property
    def span(self) -> float:
        """Largest minus smallest bias."""
        return float(self.bias.max() - self.bias.min())


def is_sparse(P: Any) -> bool:
    """Whether ``P`` is a SciPy sparse array or matrix."""
    return bool(sp.issparse(P))


def dense(P: Any) -> Any:
    """Return ``P`` as a dense array, whatever its storage."""
    return P.toarray() if is_sparse(P) else P


def _chain(P: Any) -> Array:
    array = check.as_array(dense(P), "P", ndim=2)
    if array.shape[0] != array.shape[1]:
        raise ModelError(f"P has shape {array.shape}; the transition matrix of a chain is square")
    check.stochastic_rows(array, "P")
    return array


def recurrent_classes(P: Any) -> npt.NDArray[np.int64]:
    """Return the recurrent class of each state of a chain.

    Parameters
    ----------
    P : array or sparse, shape (S, S)
        Transition matrix; only the pattern of positive entries matters.

    Returns
    -------
    array of int64, shape (S,)
        Classes numbered by their smallest state; -1 for a transient state.
    """
    graph: Any = sp.csr_array((P if is_sparse(P) else np.asarray(P)) > 0).astype(np.int8)
    parts, label = connected_components(graph, directed=True, connection="strong")
    source = np.repeat(np.arange(graph.shape[0]), np.diff(graph.indptr))
    closed = np.ones(parts, dtype=bool)
    closed[label[source[label[source] != label[graph.indices]]]] = False
    labels = np.full(graph.shape[0], -1, dtype=np.int64)
    seen: dict[int, int] = {}
    for s in np.flatnonzero(closed[label]):
        labels[s] = seen.setdefault(int(label[s]), len(seen))
    return labels


def period(P: Any) -> int:
    """Return the least common multiple of the periods of a chain's recurrent classes.

    Parameters
    ----------
    P : array or sparse, shape (S, S)
        Transition matrix.

    Returns
    -------
    int
        1 exactly if the powers of ``P`` converge.
    """
    matrix: Any = sp.csr_array(P if is_sparse(P) else np.asarray(P, dtype=np.float64))
    labels = recurrent_classes(matrix)
    result = 1
    for c in range(labels.max() + 1):
        inside = np.flatnonzero(labels == c)
        block = sp.csr_array(matrix[inside][:, inside] > 0).astype(np.int8)
        order, parent = breadth_first_order(block, 0)
        depth = np.zeros(inside.size, dtype=np.int64)
        for s in order[1:]:
            depth[s] = depth[parent[s]] + 1
        source = np.repeat(np.arange(inside.size), np.diff(block.indptr))
        result = int(np.lcm(result, np.gcd.reduce(depth[source] + 1 - depth[block.indices])))
    return result


def _cycle_values(P: Vector, excess: Vector, C: Vector, law: Vector, arithmetic: Arithmetic) -> Vector:
    """Return x on the recurrent class C with ``x = excess + P x`` and ``law x = 0``.

    By cycles to the most frequent state: to a rare one they could be too long for the rounding of ``excess``.
    """
    home = int(law.argmax())
    others = np.delete(C, home)
    x = np.zeros(C.size, dtype=arithmetic.dtype)
    x[np.arange(C.size) != home] = arithmetic.absorb(P[np.ix_(others, others)], P[others, C[home]], excess[others])
    return x - law @ x


def chain_values(P: Vector, r: Vector, arithmetic: Arithmetic = FLOAT) -> tuple[Vector, Vector, Vector]:
    """Return gain, bias and second-order bias of a chain with rewards.

    With the Cesaro limit ``P*`` and the deviation matrix ``Z``: ``g = P* r``,
    ``h = Z r``, ``w = -Z h``. They are found class by class: each recurrent class
    through its stationary law, then the transient states by absorption.

    Parameters
    ----------
    P : array (S, S)
        Transition matrix in the number system of ``arithmetic``.
    r : array (S,)
        Reward of each state.
    arithmetic : Arithmetic
        Float64 or exact fractions.

    Returns
    -------
    tuple of three arrays, shape (S,)
        Gain, bias, second-order bias.

    Raises
    ------
    CertificateError
        If a bias is beyond the range of floats: it grows with the time that the
        chain takes to leave a state, its second order with the square of it.
    """
    labels = recurrent_classes(P)
    laws = _laws(P, labels, arithmetic)
    g, h = _gain_and_bias(P, r, labels, laws, arithmetic)
    w = np.zeros(P.shape[0], dtype=arithmetic.dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        for C, law in laws:
            w[C] = _cycle_values(P, -h, C, law, arithmetic)
        T, R = np.flatnonzero(labels < 0), np.flatnonzero(labels >= 0)
        if T.size:
            into = P[np.ix_(T, R)]
            w[T] = arithmetic.absorb(P[np.ix_(T, T)], into.sum(axis=1), into @ w[R] - h[T])
    _require_finite(w, "second-order bias", arithmetic)
    return g, h, w


def _laws(P: Vector, labels: npt.NDArray[np.int64], arithmetic: Arithmetic) -> list[tuple[Vector, Vector]]:
    """Return the states of each recurrent class with their stationary law."""
    classes = [np.flatnonzero(labels == c) for c in range(labels.max() + 1)]
    return [(C, arithmetic.stationary(P[np.ix_(C, C)])) for C in classes]


def _gain_and_bias(
    P: Vector, r: Vector, labels: npt.NDArray[np.int64], laws: list[tuple[Vector, Vector]], arithmetic: Arithmetic
) -> tuple[Vector, Vector]:
    g, h = (np.zeros(P.shape[0], dtype=arithmetic.dtype) for _ in range(2))
    with np.errstate(over="ignore", invalid="ignore"):
        for C, law in laws:
            g[C] = law @ r[C]
            h[C] = _cycle_values(P, r - g, C, law, arithmetic)
        T, R = np.flatnonzero(labels < 0), np.flatnonzero(labels >= 0)
        if T.size:
            inner, into = P[np.ix_(T, T)], P[np.ix_(T, R)]
            leave = into.sum(axis=1)
            least = g[R].min()
            g[T] = least + arithmetic.absorb(inner, leave, into @ (g[R] - least))
            h[T] = arithmetic.absorb(inner, leave, r[T] - g[T] + into @ h[R])
    _require_finite(g, "gain", arithmetic)
    _require_finite(h, "bias", arithmetic)
    return g, h


def _require_finite(values: Vector, name: str, arithmetic: Arithmetic) -> None:
    if arithmetic.exact or np.isfinite(values).all():
        return
    s = int(np.flatnonzero(~np.isfinite(values))[0])
    raise CertificateError(
        f"the {name} of state {s} is beyond the range of floats: some state is left too rarely; "
        "use exact_average_reward, or drop the smallest probabilities"
    )


def stationary_distribution(P: Any) -> Array:
    """Return the stationary law of a chain with a single recurrent class.

    Parameters
    ----------
    P : array or sparse, shape (S, S)
        Transition matrix; it may be periodic and may have transient states.

    Returns
    -------
    array, shape (S,)
        Each entry is accurate to a few units in the last place relative to
        itself, however small (elimination without subtractions [1]_).

    Raises
    ------
    ModelError
        If ``P`` is no transition matrix, or has several recurrent classes (use
        `limiting_matrix`).

    References
    ----------
    .. [1] Grassmann, Taksar, Heyman (1985), Regenerative analysis and steady
       state distributions for Markov chains.
    """
    chain = _chain(P)
    labels = recurrent_classes(chain)
    if labels.max() > 0:
        other = int(np.argmax(labels == 1))
        raise ModelError(
            f"P has {labels.max() + 1} recurrent classes (states {int(np.argmax(labels == 0))} and {other} lie in "
            "different ones), so its stationary law is not unique; use limiting_matrix"
        )
    C = np.flatnonzero(labels == 0)
    law = np.zeros(chain.shape[0])
    law[C] = FLOAT.stationary(chain[np.ix_(C, C)])
    return law


def limiting_matrix(P: Any) -> Array:
    """Return the Cesaro limit of a chain: the limit of ``(I + P + ... + P^(n-1)) / n``.

    Parameters
    ----------
    P : array or sparse, shape (S, S)
        Any transition matrix: periodic, multichain, with transient states.

    Returns
    -------
    array, shape (S, S)
        Row ``s`` is the long-run fraction of time in each state from ``s``.

    References
    ----------
    .. [1] Puterman (1994), Markov Decision Processes, appendix A.4.
    """
    chain = _chain(P)
    labels = recurrent_classes(chain)
    limit = np.zeros_like(chain)
    for c in range(labels.max() + 1):
        C = np.flatnonzero(labels == c)
        limit[np.ix_(C, C)] = FLOAT.stationary(chain[np.ix_(C, C)])
    T, R = np.flatnonzero(labels < 0), np.flatnonzero(labels >= 0)
    if T.size:
        inner, into = chain[np.ix_(T, T)], chain[np.ix_(T, R)]
        absorbed = [FLOAT.absorb(inner, into.sum(axis=1), column) for column in into.T]
        limit[T] = np.stack(absorbed, axis=1) @ limit[R]
    return limit


def deviation_matrix(P: Any) -> Array:
    """Return the deviation matrix ``Z = (I - P + P*)^{-1} (I - P*)`` of a chain.

    ``Z r`` is the bias of the reward ``r``; ``Z`` is the group inverse of ``I - P``.

    Parameters
    ----------
    P : array or sparse, shape (S, S)
        Any transition matrix.

    Returns
    -------
    array, shape (S, S)

    Raises
    ------
    CertificateError
        If ``I - P + P*`` is singular in floating point: some state is left with a probability below rounding.

    References
    ----------
    .. [1] Puterman (1994), Markov Decision Processes, appendix A.5.
    """
    chain = _chain(P)
    limit = limiting_matrix(chain)
    one = np.eye(chain.shape[0])
    try:
        result: Array = np.asarray(np.linalg.solve(one - chain + limit, one - limit), dtype=np.float64)
    except np.linalg.LinAlgError:
        raise CertificateError(
            "I - P + P* is singular in floating point: some state is left with a probability below rounding; "
            "gain_bias evaluates single rewards without this matrix"
        ) from None
    return result


def policy_chain(mdp: Any, policy: npt.ArrayLike) -> tuple[Any, Array]:
    """Return transition matrix and reward of a stationary policy.

    Parameters
    ----------
    mdp : AverageRewardMDP or DiscountedMDP
        Dense or CSR.
    policy : array (S,) or (S, A)
        Deterministic or stochastic.

    Returns
    -------
    P : array or csr_array, shape (S, S)
        CSR where the model is.
    r : array, shape (S,)

    Raises
    ------
    PolicyError
        If ``policy`` is no policy of ``mdp``.
    """
    chosen = mdp.policy(policy)
    S, A = mdp.S, mdp.A
    if chosen.dtype == np.int64:
        rows = np.arange(S) * A + chosen
        P = mdp.P[rows] if mdp.sparse else np.ascontiguousarray(mdp.P[np.arange(S), chosen])
        return P, mdp.r[np.arange(S), chosen]
    reward = (chosen * mdp.r).sum(axis=1)
    if mdp.sparse:
        weights = sp.csr_array((chosen.ravel(), np.arange(S * A), np.arange(0, S * A + 1, A)), shape=(S, S * A))
        return sp.csr_array(weights @ mdp.P), reward
    return np.einsum("sa,sat->st", chosen, mdp.P), reward


def gain_bias(mdp: Any, policy: npt.ArrayLike) -> GainBias:
    """Return gain and bias of a stationary policy, for any chain structure.

    Parameters
    ----------
    mdp : AverageRewardMDP
        Dense or CSR (made dense for the policy's chain: O(S^2) memory, O(S^3) time).
    policy : array (S,) or (S, A)
        Deterministic or stochastic.

    Returns
    -------
    GainBias
        ``gain[s]``, ``bias[s]`` with ``P* bias = 0``.

    Raises
    ------
    PolicyError
        If ``policy`` is no policy of ``mdp``.
    CertificateError
        If a bias is beyond the range of floats (a state is left with probability near 1e-308).

    Notes
    -----
    Which states are recurrent is read off the graph of positive entries, not
    off numbers. The gain of a recurrent class is accurate to rounding; elsewhere
    errors grow with the expected time to absorption.

    References
    ----------
    .. [1] Puterman (1994), Markov Decision Processes, section 8.2.
    """
    P, r = policy_chain(mdp, policy)
    chain = dense(P)
    labels = recurrent_classes(chain)
    return GainBias(*_gain_and_bias(chain, r, labels, _laws(chain, labels, FLOAT), FLOAT))
