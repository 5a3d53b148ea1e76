"""Dimensions of finite classes from their definitions, in rational arithmetic and without any cleverness."""

import itertools
from fractions import Fraction


def differences(functions):
    rows = [[Fraction(x) for x in row] for row in functions]
    return [[a - b for a, b in zip(f, g, strict=True)] for f, g in itertools.combinations(rows, 2)]


def valid(order, pairs, squared_scale):
    """Whether each point of ``order`` is independent of those before it at eps' = sqrt(squared_scale)."""
    return all(
        any(sum(d[u] ** 2 for u in order[:i]) <= squared_scale and d[x] ** 2 > squared_scale for d in pairs)
        for i, x in enumerate(order)
    )


def eluder(functions, eps, pairs=None, larger_scales=True):
    """Longest independent sequence; the left condition changes only at sums of squares over sets of points."""
    pairs = differences(functions) if pairs is None else pairs
    n = len(pairs[0])
    scales = {Fraction(eps) ** 2}
    if larger_scales:
        for d in pairs:
            for size in range(1, n + 1):
                scales |= {sum(d[x] ** 2 for x in part) for part in itertools.combinations(range(n), size)}
    scales = [scale for scale in scales if scale >= Fraction(eps) ** 2]

    def grow(order, scale):
        best = len(order)
        for x in range(n):
            if x not in order and valid((*order, x), pairs, scale):
                best = max(best, grow((*order, x), scale))
        return best

    return max(grow((), scale) for scale in scales)


def star(functions):
    rows, n = [tuple(f) for f in functions], len(functions[0])
    return max(
        len(part)
        for size in range(n + 1)
        for part in itertools.combinations(range(n), size)
        for centre in rows
        if all(any([x for x in part if f[x] != centre[x]] == [y] for f in rows) for y in part)
    )


def threshold(functions):
    rows, n = [tuple(f) for f in functions], len(functions[0])
    return max(
        size
        for size in range(n + 1)
        for order in itertools.permutations(range(n), size)
        for centre in rows
        if all(
            any([f[x] != centre[x] for x in order] == [j >= i for j in range(size)] for f in rows) for i in range(size)
        )
    )
