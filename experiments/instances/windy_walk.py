"""The windy walk: three corridors of different length, and a wind that hits the shorter ones harder."""

import numpy as np
import numpy.typing as npt

from tabular import _check as check
from tabular.errors import ParameterError
from tabular.models import DiscountedMDP
from tabular.planning import KernelSet

__all__ = ["GRID", "WALLS", "windy_kernel", "windy_walk"]

Array = npt.NDArray[np.float64]

#: Side of the square grid.
GRID = 6
#: Cells without floor; they are states that nothing leads to.
WALLS = frozenset((row, column) for row in (1, 4) for column in (1, 2, 3))
_NORTH, _SOUTH, _EAST, _WEST = (-1, 0), (1, 0), (0, 1), (0, -1)
_MOVES = (_NORTH, _SOUTH, _EAST, _WEST)
#: Corridor rows, columns 1 to 3, and the power of alpha that the wind has there.
_POWERS = {0: 1, 2: 3, 3: 3, 5: 6}


def _step(cell: tuple[int, int], move: tuple[int, int]) -> tuple[int, int]:
    row, column = cell[0] + move[0], cell[1] + move[1]
    inside = 0 <= row < GRID and 0 <= column < GRID and (row, column) not in WALLS
    return (row, column) if inside else cell


def windy_kernel(alpha: float) -> Array:
    """Return the transitions at wind ``alpha`` in [0, 1], ``P[s, a, s']`` with s = 6 row + column and N, S, E, W.

    In a corridor the wind blows West with probability alpha (North), alpha^3 (middle) or alpha^6 (South). Moves North
    and South stay in place in the North and middle corridors; West always moves West. Elsewhere nothing blows. The
    goal, the North-East corner, is never left.
    """
    alpha = check.number(alpha, "alpha", low=0.0, high=1.0)
    P = np.zeros((GRID * GRID, 4, GRID * GRID))
    goal = (0, GRID - 1)
    for row in range(GRID):
        for column in range(GRID):
            cell, s = (row, column), GRID * row + column
            corridor = row in _POWERS and 1 <= column <= 3
            wind = alpha ** _POWERS[row] if corridor else 0.0
            for a, move in enumerate(_MOVES):
                if cell == goal or cell in WALLS:
                    P[s, a, s] = 1.0
                    continue
                blocked = corridor and row != GRID - 1 and move in (_NORTH, _SOUTH)
                ahead, behind = cell if blocked else _step(cell, move), _step(cell, _WEST)
                P[s, a, GRID * ahead[0] + ahead[1]] += 1.0 - wind
                P[s, a, GRID * behind[0] + behind[1]] += wind
    return P


def windy_walk(alphas: npt.ArrayLike | None = None, *, gamma: float = 0.95) -> tuple[DiscountedMDP, KernelSet]:
    """Return the walk from the North-West to the North-East corner and one kernel for each wind.

    Parameters
    ----------
    alphas : array, shape (K,), optional
        Winds in [0, 1]; 25 equally spaced ones from 0 to 1/2 by default.
    gamma : float
        Discount in [0, 1).

    Returns
    -------
    mdp : DiscountedMDP
        Kernel of the first wind; reward -1 a step, 0 at the goal.
    uncertainty : KernelSet

    Raises
    ------
    ParameterError
        For no wind, or one outside [0, 1].
    """
    winds = check.as_array(
        np.linspace(0.0, 0.5, 25) if alphas is None else alphas, "alphas", ndim=1, error=ParameterError
    )
    P = np.array([windy_kernel(float(alpha)) for alpha in winds])
    r = np.full((GRID * GRID, 4), -1.0)
    r[GRID - 1] = 0.0
    return DiscountedMDP(P[0], r, gamma, np.eye(GRID * GRID)[0]), KernelSet(P)
