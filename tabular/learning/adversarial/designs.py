"""Optimal designs: which arms to explore so that every direction is measured."""

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ...errors import NotConverged, ParameterError

__all__ = ["g_optimal_design"]

Floats = npt.NDArray[np.float64]


def g_optimal_design(arms: npt.ArrayLike, *, tol: float = 1e-3, max_iterations: int = 100_000) -> Floats:
    r"""Nearly G-optimal design by Frank-Wolfe steps (Kiefer and Wolfowitz 1960).

    Parameters
    ----------
    arms : array, shape (A, d)
        Arms that span the space.
    tol : float
        Stops when :math:`\max_a x_a^\top\Sigma(w)^{-1}x_a\le(1+\mathrm{tol})\,d`.
    max_iterations : int

    Returns
    -------
    ndarray, shape (A,)
        Weights ``w >= 0``, summing to 1; :math:`\Sigma(w)=\sum_aw_ax_ax_a^\top`.

    Raises
    ------
    ParameterError
        For arms that do not span the space.
    NotConverged
        With the weights reached, when the iterations do not suffice.

    Examples
    --------
    >>> g_optimal_design([[1.0, 0.0], [0.0, 1.0], [0.1, 0.1]]).round(3).tolist()
    [0.5, 0.5, 0.0]
    """
    x = check.as_array(arms, "arms", ndim=2, error=ParameterError)
    tol = check.number(tol, "tol", low=0.0, open_low=True)
    A, d = x.shape
    if np.linalg.matrix_rank(x) < d:
        raise ParameterError(f"arms has rank {np.linalg.matrix_rank(x)}; they must span all {d} dimensions")
    w = np.full(A, 1.0 / A)
    for _ in range(check.count(max_iterations, "max_iterations")):
        inverse = np.linalg.inv(np.einsum("a,ai,aj->ij", w, x, x))
        widths = np.einsum("ai,ij,aj->a", x, inverse, x)
        # the arm to move to, and the worst one in use to move away from
        up, down = int(np.argmax(widths)), int(np.argmin(np.where(w > 0.0, widths, np.inf)))
        if widths[up] <= (1.0 + tol) * d:
            return w
        if widths[up] / d - 1.0 >= 1.0 - widths[down] / d:
            step = (widths[up] / d - 1.0) / (widths[up] - 1.0)
            w *= 1.0 - step
            w[up] += step
        else:
            step = w[down] / (1.0 - w[down])
            if widths[down] > 1.0:
                step = min(step, (1.0 - widths[down] / d) / (widths[down] - 1.0))
            w *= 1.0 + step
            w[down] = max(w[down] - step, 0.0)
    raise NotConverged(f"the design is {widths.max() / d - 1.0:.3g} from optimal after {max_iterations} steps", w)
