r"""Rules that turn predicted rewards into probabilities of actions.

With K available actions, b the one of largest prediction and :math:`g_a = \hat f_b - \hat f_a`:

- `inverse_gap_weighting`: :math:`p_a = 1/(K + \gamma g_a)` for :math:`a \ne b`, the rest on b (SquareCB);
- `normalised_inverse_gap_weighting`: :math:`p_a = 1/(\lambda + 2\gamma g_a)`, with :math:`\lambda \in [1, K]` such that
  they sum to 1;
- `fast_cb_weights`: for predicted losses :math:`\hat y`, b the smallest,
  :math:`p_a = \hat y_b/(K\hat y_b + \gamma(\hat y_a - \hat y_b))`, the rest on b;
- `epsilon_greedy_weights`: :math:`\varepsilon/K` each, and :math:`1 - \varepsilon` more on b.

Ties for b go to the smallest action.
"""

import math

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ...errors import ParameterError
from ._action_weights import EPSILON, FAST, INVERSE_GAP, NORMALISED, _action_weights_rows

__all__ = [
    "epsilon_greedy_weights",
    "fast_cb_weights",
    "inverse_gap_weighting",
    "normalised_inverse_gap_weighting",
]

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]


def available_actions(value: "npt.ArrayLike | None", shape: tuple[int, ...], name: str = "available") -> Booleans:
    """Return a read-only mask of ``shape`` (all True for None) with an action in every row, or raise ParameterError."""
    if value is None:
        mask = np.ones(shape, dtype=np.bool_)
    else:
        given = np.asarray(value)
        if given.dtype != np.bool_ or given.shape not in (shape, shape[-1:]):
            raise ParameterError(f"{name} has shape {given.shape} and dtype {given.dtype}; booleans {shape} are needed")
        mask = np.array(np.broadcast_to(given, shape), order="C")
    empty = ~mask.any(axis=-1)
    if empty.any():
        where = f"{name}[{int(np.argmax(empty))}]" if empty.ndim else name
        raise ParameterError(f"{where} is empty; at least one action must be available")
    mask.setflags(write=False)
    return mask


def positive_gamma(value: float, name: str = "gamma") -> float:
    """Return ``value`` > 0, infinity included, or raise ParameterError."""
    if isinstance(value, float) and value == math.inf:
        return math.inf
    return check.number(value, name, low=0.0, high=1e150, open_low=True)


def _apply(rule: int, predictions: npt.ArrayLike, available: "npt.ArrayLike | None", parameter: float) -> Floats:
    given = check.as_array(predictions, "losses" if rule == FAST else "predictions", ndim=(1, 2), error=ParameterError)
    if np.abs(given).max() > 1e150:
        raise ParameterError("predictions beyond 1e150 have gaps that overflow")
    if rule == FAST:
        if given.min() <= 0.0:
            at = ", ".join(map(str, np.argwhere(given <= 0.0)[0]))
            raise ParameterError(f"losses[{at}] is {given.min():g}; predicted losses must be > 0 (floor them at 1/T)")
        given = -given
        given.setflags(write=False)
    mask = available_actions(available, given.shape)
    out = np.empty(given.shape)
    rows = given.reshape(-1, given.shape[-1])
    parameters = np.full(rows.shape[0], parameter)
    _action_weights_rows(rule, rows, mask.reshape(rows.shape), parameters, out.reshape(rows.shape))
    return out


def inverse_gap_weighting(
    predictions: npt.ArrayLike, gamma: float, *, available: "npt.ArrayLike | None" = None
) -> Floats:
    r"""Inverse-gap weighting: :math:`p_a = 1/(K + \gamma g_a)`, the rest on the best action.

    Parameters
    ----------
    predictions : array, shape (K,) or (n, K)
        Predicted rewards, finite; adding a constant changes nothing.
    gamma : float
        > 0; small is nearly uniform, infinity is greedy.
    available : array of bool, shape (K,) or (n, K), optional
        Which actions may be played, at least one in each row; K counts those. All by default.

    Returns
    -------
    ndarray, shape of ``predictions``
        Probabilities; 0 for actions that are not available.

    Raises
    ------
    ParameterError
        For a NaN, an empty set of actions, or gamma <= 0.

    References
    ----------
    .. [1] Foster, Rakhlin (2020), Beyond UCB: Optimal and Efficient Contextual Bandits with Regression Oracles.

    Examples
    --------
    >>> inverse_gap_weighting([0.5, 0.1, 0.5], 10.0).round(4).tolist()
    [0.5238, 0.1429, 0.3333]
    """
    return _apply(INVERSE_GAP, predictions, available, positive_gamma(gamma))


def normalised_inverse_gap_weighting(
    predictions: npt.ArrayLike, gamma: float, *, available: "npt.ArrayLike | None" = None
) -> Floats:
    r"""Inverse-gap weighting with its normaliser: :math:`p_a = 1/(\lambda + 2\gamma g_a)`.

    Parameters
    ----------
    predictions, gamma, available
        As for `inverse_gap_weighting`.

    Returns
    -------
    ndarray, shape of ``predictions``

    Raises
    ------
    ParameterError
        For a NaN, an empty set of actions, or gamma <= 0.

    Notes
    -----
    With :math:`\gamma = 2c` it minimises the worst case of regret minus c times the squared error
    (docs/papers/contextual-bandit-oracles.md, igw-optimal). The normaliser is found by Newton's method, not bisection.
    """
    return _apply(NORMALISED, predictions, available, positive_gamma(gamma))


def fast_cb_weights(losses: npt.ArrayLike, gamma: float, *, available: "npt.ArrayLike | None" = None) -> Floats:
    r"""Return FastCB's weights, :math:`p_a = \hat y_b/(K\hat y_b + \gamma(\hat y_a - \hat y_b))`, the rest on b.

    Parameters
    ----------
    losses : array, shape (K,) or (n, K)
        Predicted losses, > 0; a common factor changes nothing.
    gamma : float
        > 0; the theory needs at least 2K.
    available
        As for `inverse_gap_weighting`.

    Returns
    -------
    ndarray, shape of ``losses``

    Raises
    ------
    ParameterError
        For a NaN, a loss <= 0, an empty set of actions, or gamma <= 0.

    References
    ----------
    .. [1] Foster, Krishnamurthy (2021), Efficient First-Order Contextual Bandits: Prediction, Allocation, and
       Triangular Discrimination.
    """
    return _apply(FAST, losses, available, positive_gamma(gamma))


def epsilon_greedy_weights(
    predictions: npt.ArrayLike, epsilon: float, *, available: "npt.ArrayLike | None" = None
) -> Floats:
    r"""Epsilon-greedy: uniform with probability ``epsilon``, else the best action.

    Parameters
    ----------
    predictions, available
        As for `inverse_gap_weighting`.
    epsilon : float
        In [0, 1]; 0 is greedy, 1 uniform.

    Returns
    -------
    ndarray, shape of ``predictions``

    Raises
    ------
    ParameterError
        For a NaN, an empty set of actions, or epsilon outside [0, 1].
    """
    return _apply(EPSILON, predictions, available, check.number(epsilon, "epsilon", low=0.0, high=1.0))
