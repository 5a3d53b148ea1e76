"""Structure of the transition graph: end components, and the classes of average-reward theory."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from .._jit import kernel
from ..errors import ModelError
from .chains import is_sparse
from .results import _ReadOnly

__all__ = ["Classification", "EndComponents", "classify", "maximal_end_components"]

#: Policies that the brute-force unichain test is willing to enumerate.
MAX_POLICIES = 1_000_000


@dataclass(frozen=True, eq=False)
class EndComponents(_ReadOnly):
    """The maximal end components of a transition graph.

    Attributes
    ----------
    labels : array of int64, shape (S,)
        Component of each state, numbered by the smallest state in it; -1 where
        a state lies in none.
    actions : array of bool, shape (S, A)
        Whether action ``a`` keeps the process inside the component of ``s``.
        Each component is strongly connected under these actions.
    count : int
        Number of components, at least 1.
    """

    labels: npt.NDArray[np.int64]
    actions: npt.NDArray[np.bool_]
    count: int


@dataclass(frozen=True, slots=True, eq=False)
class Classification:
    """Where a model stands in the hierarchy of average-reward theory.

    Attributes
    ----------
    recurrent : bool
        Every stationary deterministic policy gives an irreducible chain.
    communicating : bool
        Every state can be reached from every other under some policy.
    weakly_communicating : bool
        One closed set of mutually reachable states; all others are transient
        under every policy. The optimal gain is then the same in every state.
    unichain : bool or None
        Every stationary deterministic policy has a single recurrent class;
        None where the question was not decided (it is NP-hard).
    unichain_reason : str
        What decided `unichain`, or why it is None.
    """

    recurrent: bool
    communicating: bool
    weakly_communicating: bool
    unichain: bool | None
    unichain_reason: str


def _support(P: Any) -> sp.csr_array:
    """Return the positive entries of a model or a transition table as CSR of shape (S*A, S), data True."""
    table: Any = getattr(P, "P", P)
    if is_sparse(table):
        rows, states = table.shape
        if states == 0 or rows == 0 or rows % states:
            raise ModelError(f"sparse P has shape {table.shape}; (S*A, S) with S >= 1 and A >= 1 is needed")
        matrix = sp.csr_array(table > 0)
    else:
        array = np.asarray(table)
        if array.ndim != 3 or array.shape[0] != array.shape[2] or array.size == 0:
            raise ModelError(f"P has shape {array.shape}; (S, A, S) is needed for a stationary transition graph")
        matrix = sp.csr_array(array.reshape(-1, array.shape[2]) > 0)
    empty = np.flatnonzero(np.diff(matrix.indptr) == 0)
    if empty.size:
        actions = matrix.shape[0] // matrix.shape[1]
        raise ModelError(f"P[{empty[0] // actions}, {empty[0] % actions}] has no positive entry; a row needs one")
    return matrix


def maximal_end_components(P: Any) -> EndComponents:
    """Return the maximal end components of a transition graph.

    An end component is a set of states with, for each, a non-empty set of
    actions that never leave it, strongly connected under those actions: where a
    policy can stay for ever. Every recurrent class of every policy lies in one.

    Parameters
    ----------
    P : model, array (S, A, S) or sparse (S*A, S)
        Transition probabilities, or a boolean table of possible transitions.
        Only the pattern of positive entries matters.

    Returns
    -------
    EndComponents
        ``labels[s]`` (-1: in none), ``actions[s, a]``, ``count``.

    Raises
    ------
    ModelError
        If the table has the wrong shape or a row without positive entry.

    References
    ----------
    .. [1] de Alfaro (1997), Formal verification of probabilistic systems, algorithm 3.1.
    """
    support = _support(P)
    S = support.shape[1]
    A = support.shape[0] // S
    row = np.repeat(np.arange(S * A), np.diff(support.indptr))
    source, target = row // A, support.indices
    enabled = np.ones(S * A, dtype=bool)
    while True:
        used = enabled[row]
        graph = sp.csr_array((np.ones(used.sum()), (source[used], target[used])), shape=(S, S))
        _, label = connected_components(graph, directed=True, connection="strong")
        stays = np.ones(S * A, dtype=bool)
        stays[row[label[source] != label[target]]] = False
        if not (enabled & ~stays).any():
            break
        enabled &= stays
    actions = enabled.reshape(S, A)
    labels = np.full(S, -1, dtype=np.int64)
    inside = actions.any(axis=1)
    _, first, inverse = np.unique(label[inside], return_index=True, return_inverse=True)
    rank = np.empty(first.size, dtype=np.int64)
    rank[np.argsort(first)] = np.arange(first.size)
    labels[inside] = rank[inverse]
    return EndComponents(labels, actions, int(first.size))


def _avoids(support: sp.csr_array, state: int) -> bool:
    """Whether some policy, from some other state, never visits ``state``."""
    S = support.shape[1]
    row = np.repeat(np.arange(support.shape[0]), np.diff(support.indptr))
    inside = np.ones(S, dtype=bool)
    inside[state] = False
    while True:
        stays = np.ones(support.shape[0], dtype=bool)
        stays[row[~inside[support.indices]]] = False
        smaller = inside & stays.reshape(S, -1).any(axis=1)
        if np.array_equal(smaller, inside):
            return bool(inside.any())
        inside = smaller


@kernel
def _two_closed_classes(edges: Any, counts: Any, choice: Any, stack: Any, seen: Any) -> bool:
    """Whether some choice of one edge set a state leaves two closed classes.

    edges[s, k, t]: the k-th edge set of s leads to t; counts[s] edge sets of s.
    choice (S,) int64, stack (S,) int64, seen (S,) bool: workspace; on True,
    choice holds the witness. A chain has one closed class iff some state is
    reachable from all; the root of the last tree of a backward search is the
    only candidate.
    """
    S = counts.shape[0]
    choice[:] = 0
    while True:
        root = 0
        for attempt in range(2):
            seen[:] = False
            reached = 0
            for step in range(S):
                start = root if attempt == 1 else step
                if seen[start]:
                    continue
                root = start
                seen[start] = True
                stack[0] = start
                top = 1
                reached += 1
                while top > 0:
                    top -= 1
                    t = stack[top]
                    for s in range(S):
                        if not seen[s] and edges[s, choice[s], t]:
                            seen[s] = True
                            reached += 1
                            stack[top] = s
                            top += 1
            if attempt == 1 and reached < S:
                return True
        s = 0
        while s < S:
            choice[s] += 1
            if choice[s] < counts[s]:
                break
            choice[s] = 0
            s += 1
        if s == S:
            return False


def _minimal_supports(support: sp.csr_array, states: npt.NDArray[np.int64]) -> list[list[npt.NDArray[np.bool_]]]:
    """For each of the closed ``states``, its action supports that contain no other one, as boolean rows."""
    A = support.shape[0] // support.shape[1]
    minimal = []
    for s in states:
        rows = np.unique(support[s * A : (s + 1) * A].toarray()[:, states], axis=0)
        keep = [i for i, x in enumerate(rows) if not any(j != i and not (y & ~x).any() for j, y in enumerate(rows))]
        minimal.append([rows[i] for i in keep])
    return minimal


def _unichain(support: sp.csr_array, ends: EndComponents, max_policies: int) -> tuple[bool | None, str]:
    """Decide whether every policy has one recurrent class; two disjoint end components are what forbids it."""
    if ends.count > 1:
        return False, "two disjoint maximal end components"
    core = np.flatnonzero(ends.labels == 0)
    for t in core:
        if not _avoids(support, int(t)):
            return True, f"state {t} is recurrent under every policy"
    choices = _minimal_supports(support, core)
    counts = np.array([len(c) for c in choices], dtype=np.int64)
    policies = float(np.prod(counts.astype(float)))
    if policies > max_policies:
        return None, f"undecided: {policies:.3g} policies, more than the {max_policies} that are enumerated"
    n = core.size
    edges = np.zeros((n, int(counts.max()), n), dtype=bool)
    for i, sets in enumerate(choices):
        edges[i, : len(sets)] = sets
    split = _two_closed_classes(edges, counts, np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.bool_))
    return not split, f"enumeration of {int(policies)} policies"


def classify(mdp: Any, *, max_policies: int = MAX_POLICIES) -> Classification:
    """Return the classes of average-reward theory that a model belongs to.

    Parameters
    ----------
    mdp : AverageRewardMDP, DiscountedMDP, array (S, A, S) or sparse (S*A, S)
        Only the pattern of positive transition probabilities matters.
    max_policies : int
        Largest number of policies that the unichain test enumerates, after it
        has reduced each state to its minimal sets of successors.

    Returns
    -------
    Classification
        ``recurrent``, ``communicating``, ``weakly_communicating``, ``unichain``
        (None where undecided) and ``unichain_reason``.

    Notes
    -----
    Recurrent: no state can be avoided for ever. Communicating: the graph of all
    actions is strongly connected. Weakly communicating: exactly one maximal end
    component. (The closed strongly connected component of the graph is one; a
    second one, closed or not, is a place where a policy may stay for ever.)
    These three take polynomial time. Unichain is NP-hard [2]_; it is decided by
    a second end component, by a state that no policy avoids, or by enumeration.

    References
    ----------
    .. [1] Puterman (1994), Markov Decision Processes, sections 8.3 and 9.5.
    .. [2] Tsitsiklis (2007), NP-hardness of checking the unichain condition.
    """
    support = _support(mdp)
    S = support.shape[1]
    A = support.shape[0] // S
    source = np.repeat(np.arange(S * A), np.diff(support.indptr)) // A
    graph = sp.csr_array((np.ones(source.size), (source, support.indices)), shape=(S, S))
    parts, _ = connected_components(graph, directed=True, connection="strong")
    ends = maximal_end_components(support)
    unichain, reason = _unichain(support, ends, max_policies)
    communicating = parts == 1
    recurrent = communicating and not any(_avoids(support, t) for t in range(S))
    return Classification(recurrent, communicating, ends.count == 1, unichain, reason)
