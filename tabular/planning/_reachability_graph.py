"""Qualitative reachability: where the answer is 0 or 1 whatever the probabilities, and end components.

Everything here looks only at which transitions are possible (Baier and Katoen 2008, section 10.6).
Rows of a CSR matrix of shape (S*A, S) are state-action pairs.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.sparse.csgraph import breadth_first_order

from ._kernels import _attract
from .classification import maximal_end_components

__all__ = ["Quotient", "can_reach", "collapse", "surely_maximal", "surely_minimal"]

Mask = npt.NDArray[np.bool_]


def can_reach(support: Any, target: Mask, rows: Mask | None = None) -> tuple[Mask, npt.NDArray[np.int64]]:
    """States with a path to ``target`` along allowed rows, and their distance order (target first).

    Returns
    -------
    mask : bool array, shape (S,)
    order : int array, shape (S,)
        Position in a breadth-first search backwards from the target; S where unreachable.
    """
    S = support.shape[1]
    A = support.shape[0] // S
    row = np.repeat(np.arange(S * A), np.diff(support.indptr))
    keep = slice(None) if rows is None else rows[row]
    sources, ends = (row // A)[keep], support.indices[keep]
    goals = np.flatnonzero(target)
    heads = np.concatenate([ends, np.full(goals.size, S)])
    tails = np.concatenate([sources, goals])
    backward = sp.csr_array((np.ones(heads.size), (heads, tails)), shape=(S + 1, S + 1))
    found = breadth_first_order(backward, S, return_predecessors=False)[1:]
    order = np.full(S, S, dtype=np.int64)
    order[found] = np.arange(found.size)
    return order < S, order


def _inside(support: Any, members: Mask) -> Mask:
    """Rows all of whose successors are members."""
    escapes: Mask = (support @ (~members).astype(np.float64)) == 0.0
    return escapes


def _closer(support: Any, order: npt.NDArray[np.int64], rows: Mask) -> npt.NDArray[np.int64]:
    """Per state the smallest allowed action with a successor earlier in ``order``; 0 where none is."""
    S = support.shape[1]
    A = support.shape[0] // S
    row = np.repeat(np.arange(S * A), np.diff(support.indptr))
    hits = np.zeros(S * A, dtype=bool)
    hits[row[order[support.indices] < order[row // A]]] = True
    choice: npt.NDArray[np.int64] = np.argmax((hits & rows).reshape(S, A), axis=1)
    return choice


def surely_maximal(support: Any, goal: Mask) -> tuple[Mask, Mask, npt.NDArray[np.int64]]:
    """States of maximal probability 0, of maximal probability 1, and a policy that attains the 1."""
    S = support.shape[1]
    zero = ~can_reach(support, goal)[0]
    members = np.ones(S, dtype=bool)
    while True:
        rows = _inside(support, members)
        reached, order = can_reach(support, goal, rows)
        if (reached == members).all():
            return zero, members, _closer(support, order, rows)
        members = reached


def surely_minimal(support: Any, goal: Mask) -> tuple[Mask, Mask, npt.NDArray[np.int64]]:
    """States of minimal probability 0, of minimal probability 1, and a policy that attains the 0."""
    S = support.shape[1]
    A = support.shape[0] // S
    backward = sp.csr_array(support.T)
    attracted = goal.copy()
    _attract(
        backward.indptr,
        backward.indices,
        np.full(S, A),
        np.zeros(S * A, dtype=bool),
        attracted,
        np.empty(S, dtype=np.int64),
    )
    zero = ~attracted
    stay = np.argmax(_inside(support, zero).reshape(S, A), axis=1)
    leave = np.repeat(~goal, A)
    one = ~can_reach(support, zero, leave)[0] | goal
    return zero, one, stay


@dataclass(frozen=True, eq=False)
class Quotient:
    """A model in which every remaining end component is one state.

    Attributes
    ----------
    block : int array, shape (S,)
        Block of each undecided state; -1 where the probability is already known.
    pairs : int array
        Original row of each kept row, grouped by block.
    start : int array, shape (blocks + 1,)
        Rows of block b are ``start[b]:start[b+1]``.
    matrix : CSR array, shape (rows, blocks)
        Probabilities between blocks.
    gain : array, shape (rows,)
        Probability of entering a state of probability 1.
    ends : EndComponents
        Of the model with the decided states made absorbing.
    """

    block: npt.NDArray[np.int64]
    pairs: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    matrix: Any
    gain: npt.NDArray[np.float64]
    ends: Any

    def choose(self, support: Any, best: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Lift a choice of one row per block to an action per state: inside a block, walk to the exit."""
        S = support.shape[1]
        A = support.shape[0] // S
        policy = np.zeros(S, dtype=np.int64)
        exits = self.pairs[best]
        chosen = exits // A
        target = np.zeros(S, dtype=bool)
        target[chosen] = True
        order = can_reach(support, target, self.ends.actions.reshape(-1))[1]
        walk = _closer(support, order, self.ends.actions.reshape(-1))
        undecided = self.block >= 0
        policy[undecided] = walk[undecided]
        policy[chosen] = exits % A
        return policy


def collapse(P: Any, zero: Mask, one: Mask) -> Quotient:
    """Remove the decided states and merge every end component among the others (Haddad and Monmege 2018, section 4)."""
    S = P.shape[1]
    A = P.shape[0] // S
    decided = zero | one
    row = np.repeat(np.arange(S * A), np.diff(P.indptr))
    free = ~decided[row // A]
    loops = np.flatnonzero(np.repeat(decided, A))
    pattern = sp.csr_array(
        (
            np.ones(int(free.sum()) + loops.size),
            (np.concatenate([row[free], loops]), np.concatenate([P.indices[free], loops // A])),
        ),
        shape=P.shape,
    )
    ends = maximal_end_components(pattern)
    states = np.flatnonzero(~decided)
    key = np.where(ends.labels[states] >= 0, ends.labels[states], ends.count + states)
    _, inverse = np.unique(key, return_inverse=True)
    block = np.full(S, -1, dtype=np.int64)
    block[states] = inverse
    blocks = int(inverse.max()) + 1 if states.size else 0
    pairs = np.flatnonzero(np.repeat(~decided, A) & ~ends.actions.reshape(-1))
    pairs = pairs[np.argsort(block[pairs // A], kind="stable")]
    start = np.searchsorted(block[pairs // A], np.arange(blocks + 1))
    rows = P[pairs]
    into = sp.csr_array((np.ones(states.size), (states, inverse)), shape=(S, max(blocks, 1)))
    matrix = sp.csr_array(rows @ into)
    matrix.sort_indices()
    gain = np.asarray(rows @ one.astype(np.float64))
    return Quotient(block, pairs, start, matrix, gain, ends)
