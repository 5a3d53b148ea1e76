"""Longest sequences of independent points: branch and bound over subsets, for one scale and over all of them.

At scale eps' just below the value v of rank k, row p of the table of sizes is *alive* at a set U of points if the
squares of its entries in U sum to less than v^2, and x is independent of U if some alive row has an entry of rank at
least k there. An entry of rank k or more kills its row. Independence depends on the set U only: each set is entered
once.
"""

import numpy as np
import numpy.typing as npt

from tabular._jit import kernel

__all__ = ["_best_over_scales", "_chain_length", "_greedy_over_scales", "_star_size"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@kernel
def _bits(mask: int) -> int:
    total = 0
    while mask:
        mask &= mask - 1
        total += 1
    return total


@kernel
def _longest(
    ranks: Ints,
    squares: Floats,
    big: int,
    kill: int,
    room: float,
    best: int,
    stop_early: bool,
    stamp: int,
    visited: npt.NDArray[np.int32],
    rows: Ints,
    sums: Floats,
    found: Ints,
) -> int:
    """Return the length of the longest sequence if it exceeds ``best``, else ``best``; the sequence goes to ``found``.

    ranks, squares : (p, n); an entry of rank >= ``big`` makes its point independent, one of rank >= ``kill`` >= ``big``
    kills its row, as does a sum of squares that is not below ``room``. ``stop_early`` stops at the first sequence that
    is longer than ``best``. visited : (2^n,) of stamps; rows, sums : (n + 1, p) workspaces.
    """
    p, n = ranks.shape
    large = np.zeros(p, dtype=np.int64)
    sets, todo = np.zeros(n + 1, dtype=np.int64), np.zeros(n + 1, dtype=np.int64)
    count, order = np.zeros(n + 1, dtype=np.int64), np.zeros(n + 1, dtype=np.int64)
    everything = 0
    for i in range(p):
        mask = 0
        for x in range(n):
            if ranks[i, x] >= big:
                mask |= 1 << x
        large[i] = mask
        if mask:
            rows[0, count[0]] = i
            sums[0, count[0]] = 0.0
            count[0] += 1
            everything |= mask
    if _bits(everything) <= best:
        return best
    todo[0] = everything
    depth = 0
    while depth >= 0:
        if todo[depth] == 0:
            depth -= 1
            continue
        x = 0
        while not (todo[depth] >> x) & 1:
            x += 1
        todo[depth] &= ~(1 << x)
        chosen = sets[depth] | (1 << x)
        if visited[chosen] == stamp:
            continue
        visited[chosen] = stamp
        order[depth] = x
        if depth + 1 > best:
            best = depth + 1
            for j in range(best):
                found[j] = order[j]
            if stop_early:
                return best
        kept, mask = 0, 0
        for j in range(count[depth]):
            i = rows[depth, j]
            if ranks[i, x] >= kill:
                continue
            total = sums[depth, j] + squares[i, x]
            if total < room:
                rows[depth + 1, kept] = i
                sums[depth + 1, kept] = total
                kept += 1
                mask |= large[i]
        mask &= ~chosen
        left = _bits(mask)
        if big == kill and kept < left:
            left = kept
        if depth + 1 + left > best:
            depth += 1
            sets[depth], todo[depth], count[depth] = chosen, mask, kept
    return best


@kernel
def _best_over_scales(
    ranks: Ints, squares: Floats, levels: Floats, first: int, slack: float, best: int, budget: int, found: Ints
) -> tuple[int, int, int]:
    """Return ``(length, upper, rank)``: the longest sequence over the scales just below ``levels[first:]``.

    ``levels`` (m,) holds the distinct values, increasing; ``slack`` is the relative allowance added to every comparison
    of a sum with a square. Intervals of scales are searched with the left side of their upper end and the right side
    of their lower end, and split only if a sequence longer than the best one passes. After ``budget`` such searches the
    rest is left open, and ``upper`` is the number of points; ``rank`` is -1 if nothing beats ``best``.
    """
    p, n = ranks.shape
    visited = np.zeros(1 << n, dtype=np.int32)
    rows, sums = np.empty((n + 1, p), dtype=np.int64), np.empty((n + 1, p))
    stack = np.empty((2 * levels.size + 2, 2), dtype=np.int64)
    trial = np.zeros(n + 1, dtype=np.int64)
    where, top, stamp = -1, 0, 0
    if first < levels.size:
        stack[0, 0], stack[0, 1] = first, levels.size - 1
        top = 1
    while top > 0:
        if stamp >= budget:
            return best, n, where
        top -= 1
        low, high = stack[top, 0], stack[top, 1]
        stamp += 1
        room = levels[high] ** 2 * (1.0 + slack)
        length = _longest(ranks, squares, low, high, room, best, low < high, stamp, visited, rows, sums, trial)
        if length <= best:
            continue
        if low == high:
            best, where = length, low
            for j in range(best):
                found[j] = trial[j]
        else:
            middle = (low + high) // 2
            stack[top, 0], stack[top, 1] = middle + 1, high
            stack[top + 1, 0], stack[top + 1, 1] = low, middle
            top += 2
    return best, best, where


@kernel
def _greedy(
    ranks: Ints,
    squares: Floats,
    level: int,
    room: float,
    rng: np.random.Generator,
    alive: npt.NDArray[np.bool_],
    sums: Floats,
    order: Ints,
) -> int:
    """Return the length of one greedy sequence: of the independent points, one that kills the fewest rows is next."""
    p, n = ranks.shape
    used = np.zeros(n, dtype=np.bool_)
    losses, independent = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.bool_)
    for i in range(p):
        alive[i], sums[i] = True, 0.0
    for length in range(n):
        losses[:] = 0
        independent[:] = False
        for i in range(p):
            if alive[i]:
                for x in range(n):
                    if not used[x]:
                        if ranks[i, x] >= level:
                            independent[x] = True
                            losses[x] += 1
                        elif not sums[i] + squares[i, x] < room:
                            losses[x] += 1
        pick, ties = -1, 0
        for x in range(n):
            if independent[x] and (pick < 0 or losses[x] <= losses[pick]):
                ties = ties + 1 if pick >= 0 and losses[x] == losses[pick] else 1
                if rng.random() * ties < 1.0:
                    pick = x
        if pick < 0:
            return length
        used[pick] = True
        order[length] = pick
        for i in range(p):
            if alive[i]:
                sums[i] += squares[i, pick]
                alive[i] = ranks[i, pick] < level and sums[i] < room
    return n


@kernel
def _greedy_over_scales(
    ranks: Ints,
    squares: Floats,
    levels: Floats,
    tried: Ints,
    slack: float,
    restarts: int,
    rng: np.random.Generator,
    found: Ints,
) -> tuple[int, int]:
    """Return ``(length, rank)`` of the best greedy sequence at the scales just below ``levels[tried]``."""
    p, n = ranks.shape
    alive, sums, order = np.empty(p, dtype=np.bool_), np.empty(p), np.empty(n, dtype=np.int64)
    best, where = 0, -1
    for level in tried:
        room = levels[level] ** 2 * (1.0 - slack)
        for _ in range(restarts):
            length = _greedy(ranks, squares, level, room, rng, alive, sums, order)
            if length > best:
                best, where = length, level
                for j in range(length):
                    found[j] = order[j]
    return best, where


@kernel
def _star_size(patterns: Ints, n: int) -> tuple[int, int]:
    """Return ``(size, set)``: the largest S such that every x in S is alone in S within some pattern.

    patterns : (p,) bit sets. Subsets of such an S are such sets, so S is grown from smaller ones.
    """
    good = np.zeros(1 << n, dtype=np.bool_)
    good[0] = True
    size, best = 0, 0
    for chosen in range(1, 1 << n):
        lowest = chosen & -chosen
        if not good[chosen ^ lowest]:
            continue
        alone = 0
        for pattern in patterns:
            inside = pattern & chosen
            if inside and inside & (inside - 1) == 0:
                alone |= inside
        if alone == chosen:
            good[chosen] = True
            if _bits(chosen) > size:
                size, best = _bits(chosen), chosen
    return size, best


@kernel
def _chain_length(patterns: Ints, n: int) -> tuple[int, int]:
    """Return ``(size, set)``: the largest S whose traces hold a chain {x_m} < {x_m-1, x_m} < ... < S."""
    good = np.zeros(1 << n, dtype=np.bool_)
    good[0] = True
    trace, chain = np.zeros(1 << n, dtype=np.int64), np.zeros(1 << n, dtype=np.int64)
    size, best = 0, 0
    for chosen in range(1, 1 << n):
        if not good[chosen & (chosen - 1)]:
            continue
        for pattern in patterns:
            trace[pattern & chosen] = chosen
        chain[0] = chosen
        part = (-chosen) & chosen  # the submasks of `chosen` in increasing order, from the smallest but the empty one
        while True:
            if trace[part] == chosen:
                rest = part
                while rest:
                    bit = rest & -rest
                    if chain[part ^ bit] == chosen:
                        chain[part] = chosen
                        break
                    rest ^= bit
            if part == chosen:
                break
            part = (part - chosen) & chosen
        if chain[chosen] == chosen:
            good[chosen] = True
            if _bits(chosen) > size:
                size, best = _bits(chosen), chosen
    return size, best
