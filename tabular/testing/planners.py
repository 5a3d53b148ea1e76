"""What every planner owes."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import _check as check
from ..models import DiscountedMDP, EpisodicMDP
from .obligations import MDP, attempt, best_value, instance, policy_of, require, value

__all__ = ["check_planner"]


def check_planner(
    planner: Callable[..., Any],
    *,
    setting: str = "discounted",
    instances: int = 5,
    tolerance: float = 1e-6,
    optimal: bool = True,
    seed: int = 0,
) -> None:
    """Check a planner of your own against what every planner owes.

    Parameters
    ----------
    planner : callable
        ``planner(mdp)``, or ``planner(mdp, rng=seed)`` if it has such a parameter. Returns a policy, or
        an object with ``policy`` and, if it has them, ``V``, ``lower`` and ``upper``.
    setting : {"discounted", "episodic"}
        Whether it plans in a `DiscountedMDP` (discount 0.875) or an `EpisodicMDP`.
    instances : int
        Number of models of each size, >= 1.
    tolerance : float
        Largest accepted error of a value.
    optimal : bool
        Whether the planner promises optimal policies.
    seed : int
        Passed on as ``rng``.

    Raises
    ------
    ObligationError
        Naming the first obligation that fails: ``runs`` (also on one state, one action), ``valid policy``,
        ``determinism``, ``inputs untouched``, ``optimality`` (against the enumeration of all policies),
        ``values`` (``V`` is the value that it claims), ``enclosure``, ``relabelling`` (renaming states and
        actions renames the answer).

    Examples
    --------
    >>> from tabular.planning import policy_iteration
    >>> check_planner(policy_iteration)
    """
    check.choice(setting, "setting", ("discounted", "episodic"))
    for S, A in ((1, 1), (1, 3), (3, 1), (2, 2), (3, 3)):
        for index in range(check.count(instances, "instances")):
            mdp = instance(setting, S, A, index)
            _check_instance(planner, mdp, f"{setting} instance {index} with S={S}, A={A}", tolerance, optimal, seed)


def _check_instance(
    planner: Callable[..., Any], mdp: MDP, what: str, tolerance: float, optimal: bool, seed: int
) -> None:
    before = mdp.fingerprint()
    result = attempt(planner, mdp, seed, what)
    require(mdp.fingerprint() == before, "inputs untouched", f"the model changed on {what}")
    policy = policy_of(result, mdp, what)
    again = policy_of(attempt(planner, mdp, seed, what), mdp, what)
    require(np.array_equal(policy, again), "determinism", f"two calls on {what} returned different policies")
    best = best_value(mdp)
    if optimal:
        gap = float((best - value(mdp, policy)).max())
        require(gap <= tolerance, "optimality", f"the policy loses {gap:g} on {what}")
        for name, sign in (("V", 0), ("lower", -1), ("upper", 1)):
            if hasattr(result, name):
                found = np.asarray(getattr(result, name), dtype=np.float64)
                error = (found[0] if found.ndim == 2 else found) - best
                wrong = np.abs(error) if sign == 0 else -sign * error
                owed = "values" if sign == 0 else "enclosure"
                require(bool((wrong <= tolerance).all()), owed, f"{name} is off by {float(wrong.max()):g} on {what}")
    states, actions = np.roll(np.arange(mdp.S), 1), np.roll(np.arange(mdp.A), 1)
    twin = relabelled(mdp, states, actions)
    renamed = policy_of(attempt(planner, twin, seed, what), twin, what)
    difference = float(np.abs(value(twin, renamed)[states] - value(mdp, policy)).max())
    require(
        difference <= tolerance,
        "relabelling",
        f"renaming states and actions moves the value by {difference:g} on {what}",
    )


def relabelled(mdp: MDP, states: Any, actions: Any) -> MDP:
    """Return the model in which state ``s`` is called ``states[s]`` and action ``a`` is called ``actions[a]``."""
    s, a = np.argsort(states), np.argsort(actions)
    assert mdp.mu0 is not None
    if isinstance(mdp, EpisodicMDP):
        h = np.arange(mdp.P.shape[0])
        return EpisodicMDP(mdp.P[np.ix_(h, s, a, s)], mdp.r[np.ix_(h, s, a)], mdp.mu0[s])
    return DiscountedMDP(mdp.dense_P()[np.ix_(s, a, s)], mdp.r[np.ix_(s, a)], mdp.gamma, mdp.mu0[s])
