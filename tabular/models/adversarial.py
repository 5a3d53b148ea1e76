"""Episodic Markov decision processes whose losses an adversary chooses, episode by episode."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _check as check
from ..errors import ModelError
from ._base import Array, Model, assign, base, dense_transitions, start

__all__ = ["AdversarialMDP"]


@dataclass(frozen=True, slots=True, eq=False)
class AdversarialMDP(Model):
    """Finite-horizon Markov decision process with one table of losses for each episode.

    The adversary is oblivious: all losses are fixed before the first episode. A bandit is ``H = S = 1``, a
    contextual bandit ``H = 1``.

    Parameters
    ----------
    P : array, shape (H, S, A, S) or (S, A, S)
        Transition probabilities ``P[h, s, a, s']``, or ``P[s, a, s']`` for dynamics that all steps share. Rows sum to
        1 within 1e-8. The rows of the last step are never played.
    losses : array, shape (K, H, S, A)
        Loss ``losses[k, h, s, a]`` in [0, 1] of step ``h`` of episode ``k``.
    mu0 : array, shape (S,), optional
        Distribution of the first state; uniform by default.

    Raises
    ------
    ModelError
        Naming the first offending entry.

    Examples
    --------
    >>> bandit = AdversarialMDP([[[1.0], [1.0]]], [[[[0.0, 1.0]]], [[[1.0, 0.0]]]])
    >>> bandit.K, bandit.H, bandit.S, bandit.A
    (2, 1, 1, 2)
    """

    P: Array
    losses: Array
    mu0: Array = None  # type: ignore[assignment]  # uniform when not given; never None afterwards

    def __post_init__(self) -> None:
        losses = check.as_array(self.losses, "losses", ndim=4)
        outside = (losses < 0.0) | (losses > 1.0)
        if outside.any():
            index = tuple(np.argwhere(outside)[0])
            where = ", ".join(str(int(i)) for i in index)
            raise ModelError(f"losses[{where}] is {losses[index]:.17g}; losses lie in [0, 1]")
        H = losses.shape[1]
        P = dense_transitions(self.P, ndim=(3, 4))
        if P.ndim == 3:
            P = np.broadcast_to(P, (H, *P.shape))
        if losses.shape[1:] != P.shape[:3]:
            raise ModelError(f"losses has shape {losses.shape}; (K, {', '.join(map(str, P.shape[:3]))}) is needed")
        assign(self, P=P, losses=losses, mu0=start(self.mu0, P.shape[1]))

    @property
    def K(self) -> int:
        """Number of episodes."""
        return int(self.losses.shape[0])

    @property
    def H(self) -> int:
        """Horizon."""
        return int(self.losses.shape[1])

    @property
    def S(self) -> int:
        """Number of states."""
        return int(self.losses.shape[2])

    @property
    def A(self) -> int:
        """Number of actions."""
        return int(self.losses.shape[3])

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle transitions that all steps share once."""
        P = self.P[0] if self.P.strides[0] == 0 else self.P
        return type(self), (P, self.losses, self.mu0)

    def transitions(self) -> Array:
        """Return the transitions as kernels play them: ``(H, S, A, S)``, or ``(1, S, A, S)`` where steps share them."""
        P = np.ascontiguousarray(base(self.P))
        P.setflags(write=False)
        return P

    def policy(self, policy: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return ``policy`` in canonical form, int64 (H, S) or float64 (H, S, A); PolicyError otherwise."""
        return check.policy(policy, (self.H, self.S), self.A)
