"""Bandits whose mean rewards are linear in features, up to a misspecification."""

from dataclasses import dataclass

import numpy as np

from .. import _check as check
from ..errors import ModelError
from ._base import Array, Model, assign

__all__ = ["LinearBandit"]


@dataclass(frozen=True, slots=True, eq=False)
class LinearBandit(Model):
    r"""Arms with features; arm a pays a normal reward of mean :math:`\langle x_a,\theta\rangle+\Delta_a`.

    Parameters
    ----------
    actions : array, shape (A, d)
        Row a holds the features of arm a; any finite numbers.
    theta : array, shape (d,)
        Coefficients of the linear part.
    noise_std : float
        Standard deviation of a reward, >= 0. With 0 a pull is a query that returns the mean.
    misspecification : array, shape (A,), optional
        What the mean of each arm adds to its linear part; 0 by default.

    Raises
    ------
    ModelError
        Naming the first offending entry.

    Examples
    --------
    >>> bandit = LinearBandit([[1.0, 0.0], [0.0, 1.0]], [0.5, 0.25], 1.0, misspecification=[0.0, 0.125])
    >>> bandit.means.tolist(), bandit.epsilon
    ([0.5, 0.375], 0.125)
    """

    actions: Array
    theta: Array
    noise_std: float
    misspecification: Array = None  # type: ignore[assignment]  # zeros when not given; never None afterwards

    def __post_init__(self) -> None:
        actions = check.as_array(self.actions, "actions", ndim=2)
        A, d = actions.shape
        theta = check.as_array(self.theta, "theta", ndim=1)
        if theta.shape[0] != d:
            raise ModelError(f"theta has {theta.shape[0]} entries; {d} are needed, one for each feature of actions")
        noise_std = check.number(self.noise_std, "noise_std", low=0.0, error=ModelError)
        given = np.zeros(A) if self.misspecification is None else self.misspecification
        misspecification = check.as_array(given, "misspecification", ndim=1)
        if misspecification.shape[0] != A:
            raise ModelError(
                f"misspecification has {misspecification.shape[0]} entries; {A} are needed, one for each arm"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            means = _products(actions, theta) + misspecification
        if not np.isfinite(means).all():
            a = int(np.argmin(np.isfinite(means)))
            raise ModelError(f"the mean of arm {a} is {means[a]}; actions, theta and misspecification are too large")
        assign(self, actions=actions, theta=theta, noise_std=noise_std, misspecification=misspecification)

    @property
    def A(self) -> int:
        """Number of arms."""
        return int(self.actions.shape[0])

    @property
    def S(self) -> int:
        """Number of states: 1."""
        return 1

    @property
    def d(self) -> int:
        """Number of features."""
        return int(self.actions.shape[1])

    @property
    def means(self) -> Array:
        """Mean reward of each arm, shape (A,)."""
        return _products(self.actions, self.theta) + self.misspecification

    @property
    def epsilon(self) -> float:
        """Size of the misspecification: the largest of its absolute values."""
        return float(np.abs(self.misspecification).max())


def _products(actions: Array, theta: Array) -> Array:
    """Inner products of the rows with ``theta``, feature by feature: equal rows have equal products."""
    total = np.zeros(actions.shape[0])
    for i in range(theta.shape[0]):
        total += actions[:, i] * theta[i]
    return total
