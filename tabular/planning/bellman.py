"""The Bellman optimality operator by itself."""

from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _check as check
from ..errors import ParameterError
from ..models import AverageRewardMDP, DiscountedMDP
from ._backup import Backup, require

__all__ = ["bellman_operator"]


def bellman_operator(
    mdp: DiscountedMDP | AverageRewardMDP, V: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    r"""Return :math:`TV = \max_a (r + \gamma P V)` and its greedy policy.

    Parameters
    ----------
    mdp : DiscountedMDP or AverageRewardMDP
        For average reward the discount is 1.
    V : array, shape (S,)

    Returns
    -------
    TV : array, shape (S,)
    policy : int array, shape (S,)
        Smallest maximising action, up to the rounding of the product.

    Raises
    ------
    ParameterError
        If ``V`` has the wrong shape or a non-finite entry.
    """
    require(mdp, DiscountedMDP, AverageRewardMDP, solver="bellman_operator")
    vector: Any = check.as_array(V, "V", ndim=1, error=ParameterError)
    if vector.shape != (mdp.S,):
        raise ParameterError(f"V has shape {vector.shape}; {(mdp.S,)} is needed, one value for each state")
    backup = Backup(mdp)
    w = np.array(vector)
    TV = backup(w).copy()
    return TV, backup.policy(w)
