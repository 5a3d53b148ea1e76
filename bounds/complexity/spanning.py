"""Spanning capacity: how many state-action pairs of one layer a class of policies can tell apart."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tabular import _check as check
from tabular.errors import ParameterError

from .certified import Certified

__all__ = ["reached_pairs", "spanning_capacity"]

Integers = npt.NDArray[np.int64]
#: A deterministic layered model: the start state, and for each layer but the last the next state of each pair.
Layers = tuple[int, list[Integers]]


def _layers(policies: Any, A: int | None) -> tuple[list[Integers], int]:
    """Return the actions (n, S_h) of each layer, without repeated policies, and the number of actions."""
    if isinstance(policies, np.ndarray) and policies.ndim == 3:
        policies = list(policies.swapaxes(0, 1))
    layers = [np.asarray(layer) for layer in policies]
    if not layers or any(x.ndim != 2 or x.size == 0 or x.dtype.kind not in "iu" for x in layers):
        raise ParameterError("policies must hold, for each layer, integers of shape (number of policies, states)")
    counts = {x.shape[0] for x in layers}
    if len(counts) > 1:
        raise ParameterError(f"the layers hold {sorted(counts)} policies; each must hold all of them")
    most = max(int(x.max()) for x in layers)
    actions = most + 1 if A is None else check.count(A, "A")
    if min(int(x.min()) for x in layers) < 0 or most >= actions:
        raise ParameterError(f"policies holds an action outside 0..{actions - 1}")
    whole = np.unique(np.concatenate(layers, axis=1).astype(np.int64), axis=0)
    cuts = np.cumsum([x.shape[1] for x in layers])[:-1]
    return [np.ascontiguousarray(part) for part in np.split(whole, cuts, axis=1)], actions


def reached_pairs(policies: Sequence[npt.ArrayLike] | npt.ArrayLike, start: int, moves: Sequence[npt.ArrayLike]) -> int:
    """Return the most pairs of one layer that the policies reach in one deterministic model.

    Parameters
    ----------
    policies
        As in `spanning_capacity`.
    start : int
        State of the first layer.
    moves : sequence of int arrays (S_h, A)
        Next state of each pair, for each layer but the last.

    Returns
    -------
    int
        At most the spanning capacity.
    """
    layers, _ = _layers(policies, np.asarray(moves[0]).shape[1] if len(moves) else None)
    n = layers[0].shape[0]
    state, best = np.full(n, start), 0
    for h, layer in enumerate(layers):
        action = layer[np.arange(n), state]
        best = max(best, len(set(zip(state.tolist(), action.tolist(), strict=True))))
        if h + 1 < len(layers):
            state = np.asarray(moves[h])[state, action]
    return best


def spanning_capacity(
    policies: Sequence[npt.ArrayLike] | npt.ArrayLike, *, A: int | None = None, max_assignments: int = 1_000_000
) -> Certified:
    r"""Return the spanning capacity of a finite class of deterministic policies.

    The largest number of state-action pairs of one layer that the policies
    reach in some deterministic layered model with these states: the worst
    coverability of the class over all layered models, deterministic or not.

    Parameters
    ----------
    policies : int array (n, H, S), or sequence of H int arrays (n, S_h)
        Action of each policy at each state of each layer.
    A : int, optional
        Number of actions; by default one more than the largest action.
    max_assignments : int
        Give up the exact search after this many successors of assignments.

    Returns
    -------
    Certified
        Integers. Always at most ``min(n, max_h min(A**h, S_h A))`` with
        ``h = 1`` for the first layer and n distinct policies; that is ``upper``
        where the search was given up, and ``lower`` what it had found. Witness:
        a deterministic model ``(start, moves)`` that attains ``lower``, as
        `reached_pairs` takes it.

    Notes
    -----
    A state of the search assigns to each policy the state it is in. Two
    policies that have done the same so far are in the same place, so an
    assignment has as many successors as there are maps from its occupied pairs
    to the states of the next layer. Equal assignments are searched once.

    References
    ----------
    .. [1] Jia, Li, Rakhlin, Sekhari, Srebro (2023), When is agnostic reinforcement learning statistically tractable?
    """
    layers, actions = _layers(policies, A)
    check.count(max_assignments, "max_assignments")
    n, H = layers[0].shape[0], len(layers)
    bound = min(n, max(min(actions ** min(h + 1, 63), x.shape[1] * actions) for h, x in enumerate(layers)))
    now = np.repeat(np.arange(layers[0].shape[1])[:, None], n, axis=1)
    parents: list[Integers] = []
    levels = [now]
    best, where, work = 0, (0, 0), 0
    for h in range(H):
        pairs = levels[h] * actions + layers[h][np.arange(n), levels[h]]
        ordered = np.sort(pairs, axis=1)
        counts = 1 + np.count_nonzero(np.diff(ordered, axis=1), axis=1)
        if int(counts.max()) > best:
            best, where = int(counts.max()), (h, int(counts.argmax()))
        if best == bound or h + 1 == H:
            break
        size = layers[h + 1].shape[1]
        work += sum(size ** int(k) for k in counts.tolist())
        if work > max_assignments:
            method = f"given up after layer {h}: more than {max_assignments} assignments"
            return Certified(best, bound, method, _model(where, levels, parents, layers, actions))
        following, origin = _successors(pairs, size)
        levels.append(following)
        parents.append(origin)
    return Certified(best, best, "search over assignments", _model(where, levels, parents, layers, actions))


def _successors(pairs: Integers, size: int) -> tuple[Integers, Integers]:
    """Return the distinct assignments that follow, and the row of ``pairs`` that each comes from."""
    blocks: list[Integers] = []
    origins: list[Integers] = []
    maps: dict[int, Integers] = {}
    for i, row in enumerate(pairs):
        _, group = np.unique(row, return_inverse=True)
        k = int(group.max()) + 1
        if k not in maps:
            maps[k] = np.array(list(itertools.product(range(size), repeat=k)), dtype=np.int64)
        blocks.append(maps[k][:, group])
        origins.append(np.full(maps[k].shape[0], i))
    every = np.concatenate(blocks)
    distinct, first = np.unique(every, axis=0, return_index=True)
    return distinct, np.concatenate(origins)[first]


def _model(where: Any, levels: Any, parents: Any, layers: Any, actions: int) -> Layers:
    """Return the deterministic model that leads to assignment ``where = (layer, row)``; other pairs go to state 0."""
    moves = [np.zeros((layer.shape[1], actions), dtype=np.int64) for layer in layers[:-1]]
    h, row = where
    while h > 0:
        before = int(parents[h - 1][row])
        state = levels[h - 1][before]
        action = layers[h - 1][np.arange(state.size), state]
        moves[h - 1][state, action] = levels[h][row]
        h, row = h - 1, before
    return int(levels[0][row][0]), moves
