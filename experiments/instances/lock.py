"""The combination lock: one wrong action and the episode is lost."""

import numpy as np
import numpy.typing as npt

from tabular import _check as check
from tabular.errors import ParameterError
from tabular.models import EpisodicMDP

__all__ = ["combination_lock"]


def combination_lock(H: int, A: int = 2, *, code: npt.ArrayLike | None = None) -> EpisodicMDP:
    """Return the lock of ``H`` digits over ``A`` actions; opening it pays 1.

    State ``i < H`` has seen ``i`` right digits; action ``code[i]`` leads on, any
    other to the absorbing dead state ``H``. The last right digit pays 1. A
    uniform policy opens it with probability ``A**-H``.

    Parameters
    ----------
    H : int
        Number of digits, and horizon.
    A : int
        Number of actions.
    code : int array (H,), optional
        The digits; all ``A - 1`` by default, which no tie-break to the smallest
        action finds by accident.

    Returns
    -------
    EpisodicMDP
        ``S = H + 1``, stationary, starting in state 0; optimum 1.

    Raises
    ------
    ParameterError
        If ``code`` is not H integers in 0..A-1.
    """
    H, A = check.count(H, "H"), check.count(A, "A")
    digits = np.full(H, A - 1) if code is None else np.asarray(code)
    if digits.shape != (H,) or digits.dtype.kind not in "iu" or digits.min() < 0 or digits.max() >= A:
        raise ParameterError(f"code is {digits.tolist()}; {H} integers in 0..{A - 1} are needed")
    P = np.zeros((H + 1, A, H + 1))
    P[:, :, H] = 1.0
    steps = np.arange(H - 1)
    P[steps, digits[:-1], H] = 0.0
    P[steps, digits[:-1], steps + 1] = 1.0
    r = np.zeros((H + 1, A))
    r[H - 1, digits[-1]] = 1.0
    return EpisodicMDP(P, r, np.eye(H + 1)[0], H=H)
