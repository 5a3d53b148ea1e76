"""Every model with occupancies as a sequence of steps, so that coverage is defined once."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tabular import _check as check
from tabular import planning
from tabular.errors import ParameterError
from tabular.models import BernoulliBandit, ContextualBandit, DiscountedMDP, EpisodicMDP, GaussianBandit

__all__ = ["Steps", "as_steps", "behaviour", "policy_occupancy"]

Array = npt.NDArray[np.float64]
_EPS = float(np.finfo(float).eps)


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """A model as an episodic or discounted one, with the shape that its occupancies have.

    Attributes
    ----------
    mdp : EpisodicMDP or DiscountedMDP
        Bandits become episodes of one step.
    shape : tuple
        (H, S, A) episodic, (S, A) discounted and contextual, (A,) bandit.
    """

    mdp: Any
    shape: tuple[int, ...]

    @property
    def discounted(self) -> bool:
        """Whether there is one occupancy instead of one a step."""
        return isinstance(self.mdp, DiscountedMDP)

    @property
    def table(self) -> tuple[int, int, int]:
        """(H, S, A), with H = 1 where discounted."""
        return (1 if self.discounted else int(self.mdp.H), self.mdp.S, self.mdp.A)

    def index(self, entry: tuple[Any, ...]) -> tuple[int, ...]:
        """Return an index into (H, S, A) as one into ``shape``."""
        return tuple(int(i) for i in entry)[3 - len(self.shape) :]


def as_steps(model: Any) -> Steps:
    """Return ``model`` in the common form; ParameterError for a model without occupancies."""
    if isinstance(model, EpisodicMDP):
        return Steps(model, (int(model.P.shape[0]), model.S, model.A))
    if isinstance(model, DiscountedMDP):
        return Steps(model, (model.S, model.A))
    if isinstance(model, ContextualBandit):
        rho, means = model.context_distribution, model.means
    elif isinstance(model, BernoulliBandit | GaussianBandit):
        rho, means = np.ones(1), model.means[None, :]
    else:
        raise ParameterError(
            f"a {type(model).__name__} has no occupancies here; give an EpisodicMDP, a DiscountedMDP or a bandit"
        )
    S, A = means.shape
    anywhere = np.zeros((S, A, S))
    anywhere[:, :, 0] = 1.0
    shape = (S, A) if isinstance(model, ContextualBandit) else (A,)
    return Steps(EpisodicMDP(anywhere, means, rho, H=1), shape)


def behaviour(steps: Steps, mu: npt.ArrayLike) -> Array:
    """Return the data distribution ``mu`` as (H, S, A); each step sums to 1.

    Episodic models accept (S, A) too, used at every step.
    """
    array = check.as_array(mu, "mu", ndim=(1, 2, 3), error=ParameterError)
    H, S, A = steps.table
    if array.shape != steps.shape and not (len(steps.shape) == 3 and array.shape == (S, A)):
        raise ParameterError(f"mu has shape {array.shape}; {steps.shape} is needed")
    full = np.broadcast_to(array.reshape(-1, S, A), (H, S, A))
    check.stochastic_rows(full.reshape(H, S * A), "mu", ParameterError)
    return full


def policy_occupancy(steps: Steps, policy: npt.ArrayLike) -> tuple[Array, Array]:
    """Return the occupancy (H, S, A) of a policy and a bound on the error of its non-zero entries.

    Entries that the policy cannot reach are exactly 0. Over a finite horizon occupancies are sums of products of
    numbers >= 0, so that each has a small error relative to itself; discounted ones carry the residual of their flow
    equations, state by state.
    """
    array = np.asarray(policy)
    if len(steps.shape) == 1:
        array = array.reshape(1) if array.ndim == 0 else array
        array = array[None, :] if array.shape == (steps.mdp.A,) and array.dtype.kind == "f" else array
    mdp = steps.mdp
    H, S, A = steps.table
    d = planning.occupancy(mdp, array)
    if not steps.discounted:
        return d, d * (2.0 * H * (S * A + 4) * _EPS + H * mdp.row_error)
    state = d.sum(axis=1)
    flow = (1.0 - mdp.gamma) * mdp.mu0 + mdp.gamma * np.einsum("sa,sat->t", d, mdp.dense_P())
    rounding = 2.0 * (S * A + A + 8) * _EPS
    wrong = np.abs(state - flow) + rounding * (state + flow)
    share = mdp.policy(array)
    if share.dtype == np.int64:
        share = np.eye(A)[share]
    system = np.eye(S) - mdp.gamma * np.einsum("sa,sat->ts", share, mdp.dense_P())
    visits = np.maximum(np.linalg.solve(system, wrong), 0.0)  # what is wrong at one state travels on from there
    rest = (np.abs(wrong - system @ visits).sum() + rounding * (wrong.sum() + visits.sum())) / (1.0 - mdp.gamma)
    return d[None], ((visits + rest)[:, None] * share + rounding * d)[None]
