"""DeepSea: only an unbroken run of one action pays, and it costs a little all the way."""

import numpy as np

from tabular import _check as check
from tabular.models import EpisodicMDP

__all__ = ["deep_sea"]


def deep_sea(N: int, *, grid: bool = False, shifted: bool = False) -> EpisodicMDP:
    """Return DeepSea of depth ``N``: N steps, optimum 0.99.

    The diver starts in the leftmost column and sinks one row a step. Action 0
    moves left, action 1 moves right and costs ``0.01 / N``; right in the last
    column pays 1. Only N moves right in a row reach it, so a uniform policy
    succeeds with probability ``2**-N``.

    Parameters
    ----------
    N : int
        Depth and width, at least 1.
    grid : bool
        Whether the state is the cell ``row * N + column`` (S = N**2) instead of
        the column alone (S = N, the row being the step).
    shifted : bool
        Whether every reward is raised by ``0.01 / N``, so that all lie in [0, 1], as learners may demand; every
        policy is then worth 0.01 more.

    Returns
    -------
    EpisodicMDP
        ``H = N``, ``A = 2``, stationary.

    References
    ----------
    .. [1] Osband, Van Roy, Russo, Wen (2019), Deep exploration via randomized value functions.
    """
    N = check.count(N, "N")
    rows = N if grid else 1
    P = np.zeros((rows * N, 2, rows * N))
    cost = 0.01 / N
    r = np.full((rows * N, 2), cost if shifted else 0.0)
    for row in range(rows):
        below = min(row + 1, rows - 1) * N
        for column in range(N):
            s = row * N + column
            P[s, 0, below + max(column - 1, 0)] = 1.0
            P[s, 1, below + min(column + 1, N - 1)] = 1.0
            r[s, 1] -= cost
            if column == N - 1:
                r[s, 1] = 1.0 if shifted else 1.0 - cost
    return EpisodicMDP(P, r, np.eye(rows * N)[0], H=N)
