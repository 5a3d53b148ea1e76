"""Exact solution of square linear systems of rational numbers."""

from fractions import Fraction
from math import lcm

try:
    import flint
except ImportError:  # optional: the same result, slower
    flint = None

__all__ = ["solve_linear"]


def solve_linear(matrix: list[list[Fraction]], right: list[Fraction]) -> list[Fraction]:
    """Return ``x`` with ``matrix @ x == right``, exactly.

    Raises
    ------
    ZeroDivisionError
        If the matrix is singular.
    """
    return _by_flint(matrix, right) if flint is not None else _by_elimination(matrix, right)


def _by_flint(matrix: list[list[Fraction]], right: list[Fraction]) -> list[Fraction]:
    def rational(x: Fraction) -> object:
        return flint.fmpq(int(x.numerator), int(x.denominator))

    n = len(right)
    system = flint.fmpq_mat(n, n, [rational(Fraction(x)) for row in matrix for x in row])
    answer = system.solve(flint.fmpq_mat(n, 1, [rational(Fraction(x)) for x in right]))
    return [Fraction(int(answer[i, 0].p), int(answer[i, 0].q)) for i in range(n)]


def _by_elimination(matrix: list[list[Fraction]], right: list[Fraction]) -> list[Fraction]:
    """Fraction-free elimination (Bareiss 1968) on integers: each division below is exact."""
    n = len(right)
    rows: list[list[int]] = []
    for coefficients, constant in zip(matrix, right, strict=True):
        entries = [Fraction(x) for x in coefficients] + [Fraction(constant)]
        scale = lcm(*(x.denominator for x in entries))
        rows.append([int(x * scale) for x in entries])
    previous = 1
    for k in range(n):
        pivot = next((i for i in range(k, n) if rows[i][k]), None)
        if pivot is None:
            raise ZeroDivisionError("the matrix is singular")
        rows[k], rows[pivot] = rows[pivot], rows[k]
        lead = rows[k]
        for i in range(k + 1, n):
            row = rows[i]
            factor = row[k]
            for j in range(k + 1, n + 1):
                row[j] = (row[j] * lead[k] - factor * lead[j]) // previous
            row[k] = 0
        previous = lead[k]
    solution = [Fraction(0)] * n
    for k in range(n - 1, -1, -1):
        rest = sum((rows[k][j] * solution[j] for j in range(k + 1, n)), Fraction(0))
        solution[k] = (rows[k][n] - rest) / rows[k][k]
    return solution
