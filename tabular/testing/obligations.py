"""What the checks share: how an obligation fails, how an algorithm is called, small instances without ties."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ..models import DiscountedMDP, EpisodicMDP
from ..streams import stream

__all__ = ["ObligationError"]

Array = npt.NDArray[np.float64]
MDP = DiscountedMDP | EpisodicMDP
#: Discount of every discounted instance that the checks use.
GAMMA = 0.875


class ObligationError(AssertionError):
    """An algorithm does not do what every algorithm of its kind owes.

    Parameters
    ----------
    obligation : str
        Short name of what is owed.
    detail : str
        What was seen instead.

    Attributes
    ----------
    obligation : str
        Short name of what is owed.
    """

    def __init__(self, obligation: str, detail: str) -> None:
        super().__init__(f"{obligation}: {detail}")
        self.obligation = obligation


def require(condition: bool, obligation: str, detail: str) -> None:
    """Raise `ObligationError` unless ``condition`` holds."""
    if not condition:
        raise ObligationError(obligation, detail)


def call(algorithm: Callable[..., Any], argument: Any, seed: int) -> Any:
    """Call ``algorithm(argument)``, with ``rng=seed`` if it takes such a keyword."""
    try:
        parameters = inspect.signature(algorithm).parameters
    except (TypeError, ValueError):
        return algorithm(argument)
    return algorithm(argument, rng=seed) if "rng" in parameters else algorithm(argument)


def attempt(algorithm: Callable[..., Any], argument: Any, seed: int, what: str) -> Any:
    """`call`, with any exception turned into a failed obligation ``runs``."""
    try:
        return call(algorithm, argument, seed)
    except Exception as problem:
        raise ObligationError("runs", f"{type(problem).__name__} on {what}: {problem}") from problem


def policy_of(result: Any, mdp: MDP, what: str) -> npt.NDArray[Any]:
    """Return the policy that ``result`` is or carries, in the model's canonical form."""
    found = getattr(result, "policy", result)
    try:
        return mdp.policy(found)
    except ValueError as problem:
        raise ObligationError("valid policy", f"on {what}: {problem}") from problem


def instance(setting: str, S: int, A: int, index: int, H: int = 3) -> MDP:
    """Return a model without ties: transitions multiples of 1/64, few successors each; rewards in (0.25, 1).

    States differ enough in value that a policy without foresight is not optimal (a test says so).
    """
    rng = stream(0, "tabular.testing", setting, S, A, index)
    steps = (H,) if setting == "episodic" else ()
    P = rng.multinomial(64, rng.dirichlet(np.full(S, 0.25), size=(*steps, S, A))) / 64
    level = np.linspace(0.0, 1.0, S)[:, None]  # where one is pays more than what one does
    r = 0.25 + 0.5 * level + 0.25 * rng.random((*steps, S, A))
    mu0 = np.full(S, 1.0 / S)
    return EpisodicMDP(P, r, mu0) if steps else DiscountedMDP(P, r, GAMMA, mu0)


def value(mdp: MDP, policy: npt.NDArray[Any]) -> Array:
    """Return the value of ``policy`` at the first step, shape (S,): from the definition, by plain linear algebra."""
    pi = policy if policy.dtype == np.float64 else np.eye(mdp.A)[policy]
    if isinstance(mdp, EpisodicMDP):
        V = np.zeros(mdp.S)
        for h in reversed(range(mdp.P.shape[0])):
            V = np.einsum("sa,sa->s", pi[h], mdp.r[h] + mdp.P[h] @ V)
        return V
    chain = np.einsum("sa,sat->st", pi, mdp.dense_P())
    solution: Array = np.linalg.solve(np.eye(mdp.S) - mdp.gamma * chain, np.einsum("sa,sa->s", pi, mdp.r))
    return solution


def best_value(mdp: MDP) -> Array:
    """Return the optimal value at the first step, by trying every deterministic policy (discounted), or backwards."""
    if isinstance(mdp, EpisodicMDP):
        V = np.zeros(mdp.S)
        for h in reversed(range(mdp.P.shape[0])):
            V = (mdp.r[h] + mdp.P[h] @ V).max(axis=1)
        return V
    every = [value(mdp, np.array(choice)) for choice in np.ndindex(*(mdp.A,) * mdp.S)]
    best: Array = np.max(every, axis=0)
    return best
