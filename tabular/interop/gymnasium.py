"""Gymnasium environments as models, and models as Gymnasium environments."""

import importlib
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from .. import _check as check
from ..errors import MissingExtra, ModelError, ParameterError
from ..models import DiscountedMDP, EpisodicMDP
from ..simulation._tables import noise

if TYPE_CHECKING:
    from .environment import TabularEnv

__all__ = ["from_gymnasium", "to_gymnasium"]


def _gymnasium(purpose: str) -> Any:
    try:
        return importlib.import_module("gymnasium")
    except ImportError:
        raise MissingExtra("gymnasium", "interop", purpose) from None


def from_gymnasium(
    env: Any, *, gamma: float | None = None, H: int | None = None, sparse: bool = False
) -> DiscountedMDP | EpisodicMDP:
    """Return the model of an environment that carries its transition table.

    Parameters
    ----------
    env : gymnasium.Env or str
        An environment whose ``env.unwrapped.P[s][a]`` lists ``(probability, s', reward, terminated)``,
        as the toy-text ones do (FrozenLake, CliffWalking, Taxi), or the id of one.
    gamma : float, optional
        Discount in [0, 1): the result is a `DiscountedMDP`.
    H : int, optional
        Horizon, >= 1: the result is a stationary `EpisodicMDP`. Give exactly one of ``gamma`` and ``H``.
    sparse : bool
        Whether a `DiscountedMDP` stores its transitions in CSR form.

    Returns
    -------
    DiscountedMDP or EpisodicMDP
        ``mu0`` is ``env.unwrapped.initial_state_distrib`` where it exists, uniform otherwise.

    Raises
    ------
    ParameterError
        If not exactly one of ``gamma`` and ``H`` is given, or the environment is unknown or has no table.
    ModelError
        If the table is not a model.
    MissingExtra
        If Gymnasium is not installed.

    Notes
    -----
    Repeated successors of a pair are added up, and ``r[s, a]`` is the mean reward, that of
    terminating transitions included. Termination is a flag on a transition. Where every transition
    into a state carries it, and no episode starts there, that state itself is made absorbing with
    reward 0 (FrozenLake, CliffWalking). Where the flag depends on the transition (Taxi), transitions
    that carry it lead to one extra absorbing state with reward 0, numbered last. Time limits
    (truncation) are not part of the table, and are ignored.
    """
    if (gamma is None) == (H is None):
        raise ParameterError(f"gamma is {gamma!r} and H is {H!r}; give exactly one of them")
    gymnasium = _gymnasium("from_gymnasium")
    if isinstance(env, str):
        try:
            made = gymnasium.make(env)
        except (gymnasium.error.Error, ImportError) as problem:
            raise ParameterError(f"env is {env!r}, which Gymnasium cannot make: {problem}") from None
        try:
            return from_gymnasium(made, gamma=gamma, H=H, sparse=sparse)
        finally:
            made.close()
    if not isinstance(env, gymnasium.Env):
        raise ParameterError(f"env is a {type(env).__name__}; give a gymnasium.Env or the id of one")
    inner = env.unwrapped
    table = getattr(inner, "P", None)
    if table is None:
        raise ParameterError(
            f"{type(inner).__name__} has no transition table env.unwrapped.P; only environments that list their "
            "transitions (such as FrozenLake, CliffWalking and Taxi) can be converted"
        )
    start = getattr(inner, "initial_state_distrib", None)
    P, r, mu0 = _arrays(table, None if start is None else np.asarray(start, dtype=np.float64))
    if H is not None:
        return EpisodicMDP(P.toarray().reshape(*r.shape, r.shape[0]), r, mu0, H=H)
    assert gamma is not None
    return DiscountedMDP(P if sparse else P.toarray().reshape(*r.shape, r.shape[0]), r, gamma, mu0)


def _arrays(table: Any, start: Any) -> tuple[sp.csr_array, Any, Any]:
    """Transitions (S*A, S) in CSR form, mean rewards (S, A) and initial distribution of a Gymnasium table."""
    states, actions = len(table), len(table[0])
    entries = []
    for s in range(states):
        for a in range(actions):
            for probability, s_next, reward, terminated in table[s][a]:
                if probability != 0.0:
                    entries.append((s, a, float(probability), int(s_next), float(reward), bool(terminated)))
    flagged = np.zeros(states, dtype=bool)
    plain = np.zeros(states, dtype=bool)
    for s, _, _, s_next, _, terminated in entries:
        if not 0 <= s_next < states:
            raise ModelError(f"P[{s}] leads to state {s_next}; states are 0..{states - 1}")
        if s != s_next:
            (flagged if terminated else plain)[s_next] = True
    terminal = flagged & ~plain & (np.zeros(states) if start is None else start == 0.0).astype(bool)
    extra = any(terminated and not terminal[s] and not terminal[s_next] for s, _, _, s_next, _, terminated in entries)
    size = states + extra
    rows: list[int] = []
    columns: list[int] = []
    weights: list[float] = []
    gains: list[list[list[float]]] = [[[] for _ in range(actions)] for _ in range(size)]
    for s, a, probability, s_next, reward, terminated in entries:
        if not terminal[s]:
            rows.append(s * actions + a)
            columns.append(states if terminated and not terminal[s_next] else s_next)
            weights.append(probability)
            gains[s][a].append(probability * reward)
    for s in [*np.flatnonzero(terminal), *([states] if extra else [])]:
        rows.extend(int(s) * actions + a for a in range(actions))
        columns.extend([int(s)] * actions)
        weights.extend([1.0] * actions)
    P = sp.coo_array((weights, (rows, columns)), shape=(size * actions, size)).tocsr()
    r = np.array([[math.fsum(gain) for gain in row] for row in gains])
    mu0 = start
    if extra:
        mu0 = np.append(np.full(states, 1.0 / states) if start is None else start, 0.0)
    return P, r, mu0


def to_gymnasium(
    mdp: DiscountedMDP | EpisodicMDP,
    *,
    stop: str = "discount",
    reward_noise: str = "none",
    std: float | None = None,
) -> "TabularEnv":
    """Return a Gymnasium environment that plays ``mdp``.

    Parameters
    ----------
    mdp : EpisodicMDP or DiscountedMDP
        The model. Observations are states ``0..S-1`` and actions ``0..A-1``, both ``Discrete``.
    stop : {"discount", "never"}
        When an episode of a `DiscountedMDP` ends. ``"discount"``: after each step it *terminates*
        with probability ``1 - gamma``, so that the mean undiscounted return is the discounted
        value. ``"never"``: it goes on; wrap it in ``gymnasium.wrappers.TimeLimit`` to truncate it.
        An `EpisodicMDP` always terminates after ``H`` steps: the horizon is part of the problem,
        and nothing is earned beyond it.
    reward_noise : {"none", "bernoulli", "gaussian"}
        As in `tabular.simulation.sample_dataset`.
    std : float, optional
        Standard deviation of Gaussian noise; 1 by default.

    Returns
    -------
    TabularEnv
        ``reset(seed=...)`` makes everything that follows reproducible. ``info["h"]`` is the step.
        Stationary models carry ``P`` and ``initial_state_distrib`` as toy-text environments do, so
        `from_gymnasium` takes them back.

    Raises
    ------
    ParameterError
        If the model is neither kind, or an option does not fit.
    MissingExtra
        If Gymnasium is not installed.
    """
    _gymnasium("to_gymnasium")
    if not isinstance(mdp, EpisodicMDP | DiscountedMDP):
        raise ParameterError(f"mdp is a {type(mdp).__name__}; give an EpisodicMDP or a DiscountedMDP")
    check.choice(stop, "stop", ("discount", "never"))
    code, scale = noise(mdp, reward_noise, std)
    from .environment import TabularEnv

    return TabularEnv(mdp, stop, code, float(scale[0]))
