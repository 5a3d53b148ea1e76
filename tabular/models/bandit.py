"""Bandits: finite arms, known exactly."""

from dataclasses import dataclass

import numpy as np

from .. import _check as check
from ..errors import ModelError
from ._base import Array, Model, assign

__all__ = ["AdversarialBandit", "BernoulliBandit", "ContextualBandit", "GaussianBandit"]


@dataclass(frozen=True, slots=True, eq=False)
class BernoulliBandit(Model):
    """Arms that pay 1 with probability ``means[a]`` and 0 otherwise.

    Parameters
    ----------
    means : array, shape (A,)
        In [0, 1].

    Raises
    ------
    ModelError
        Naming the first offending entry.
    """

    means: Array

    def __post_init__(self) -> None:
        means = check.as_array(self.means, "means", ndim=1)
        _unit_interval(means, "means")
        assign(self, means=means)

    @property
    def A(self) -> int:
        """Number of arms."""
        return int(self.means.shape[0])

    @property
    def S(self) -> int:
        """Number of states: 1."""
        return 1


@dataclass(frozen=True, slots=True, eq=False)
class GaussianBandit(Model):
    """Arms that pay a normal reward of mean ``means[a]``.

    Parameters
    ----------
    means : array, shape (A,)
        Any finite numbers.
    std : float or array, shape (A,)
        Standard deviation, >= 0.

    Raises
    ------
    ModelError
        Naming the first offending entry.
    """

    means: Array
    std: "Array | float" = 1.0

    def __post_init__(self) -> None:
        means = check.as_array(self.means, "means", ndim=1)
        std = check.as_array(self.std, "std", ndim=(0, 1))
        if std.ndim and std.shape != means.shape:
            raise ModelError(f"std has shape {std.shape}; () or {means.shape} is needed to match means")
        if std.min() < 0.0:
            index = int(np.argmax(np.atleast_1d(std) < 0.0))
            raise ModelError(f"std[{index}] is {np.atleast_1d(std)[index]:.17g}; a standard deviation is >= 0")
        std = np.full(means.shape, std) if std.ndim == 0 else std
        std.setflags(write=False)
        assign(self, means=means, std=std)

    @property
    def A(self) -> int:
        """Number of arms."""
        return int(self.means.shape[0])

    @property
    def S(self) -> int:
        """Number of states: 1."""
        return 1


@dataclass(frozen=True, slots=True, eq=False)
class ContextualBandit(Model):
    """Contexts drawn i.i.d., Bernoulli-range rewards with mean ``means[s, a]``.

    Parameters
    ----------
    context_distribution : array, shape (S,)
        Probability of each context.
    means : array, shape (S, A)
        Mean rewards in [0, 1].

    Raises
    ------
    ModelError
        Naming the first offending entry.
    """

    context_distribution: Array
    means: Array

    def __post_init__(self) -> None:
        means = check.as_array(self.means, "means", ndim=2)
        _unit_interval(means, "means")
        rho = check.distribution(self.context_distribution, "context_distribution", means.shape[0])
        assign(self, context_distribution=rho, means=means)

    @property
    def A(self) -> int:
        """Number of actions."""
        return int(self.means.shape[1])

    @property
    def S(self) -> int:
        """Number of contexts."""
        return int(self.means.shape[0])


@dataclass(frozen=True, slots=True, eq=False)
class AdversarialBandit(Model):
    """Losses of every arm in every round, fixed before the first.

    Parameters
    ----------
    losses : array, shape (T, A)
        In [0, 1]; row t is what the arms cost in round t.

    Raises
    ------
    ModelError
        Naming the first offending entry.
    """

    losses: Array

    def __post_init__(self) -> None:
        losses = check.as_array(self.losses, "losses", ndim=2)
        _unit_interval(losses, "losses")
        assign(self, losses=losses)

    @property
    def A(self) -> int:
        """Number of arms."""
        return int(self.losses.shape[1])

    @property
    def S(self) -> int:
        """Number of states: 1."""
        return 1

    @property
    def T(self) -> int:
        """Number of rounds."""
        return int(self.losses.shape[0])


def _unit_interval(array: Array, name: str) -> None:
    outside = (array < 0.0) | (array > 1.0)
    if outside.any():
        index = tuple(np.argwhere(outside)[0])
        raise ModelError(f"{name}[{', '.join(map(str, index))}] is {array[index]:.17g}; {name} lie in [0, 1]")
