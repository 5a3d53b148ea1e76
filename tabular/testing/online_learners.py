"""What every learner that acts owes."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _check as check
from ..models import EpisodicMDP
from ..streams import stream
from .obligations import ObligationError, attempt, best_value, call, instance, policy_of, require, value

__all__ = ["check_online_learner"]

Array = npt.NDArray[np.float64]
#: Sizes (S, A, H) of the models that learners are run on.
SIZES = ((1, 1, 1), (1, 3, 1), (3, 1, 3), (2, 2, 3), (3, 2, 3))
#: What rounding may do to a value.
ROUNDING = 1e-9
#: Episodes of the runs that need not learn anything.
SHORT = 20


def check_online_learner(
    learner: Callable[..., Any],
    *,
    interface: str = "run",
    instances: int = 2,
    episodes: int = 2000,
    stationary: bool = False,
    consistent: bool = True,
    tolerance: float = 0.05,
    exact: bool = True,
    anytime: bool = False,
    seed: int = 0,
) -> None:
    """Check a learner of your own against what every learner that acts owes.

    Parameters
    ----------
    learner : callable
        With ``interface="run"``: ``learner(mdp, episodes=K)``, or ``learner(mdp, episodes=K, rng=seed)`` if it has
        such a parameter. Returns an object with ``values``, shape (K,), the exact value of each executed policy; or
        with ``policies``, shape (K, H, S) or (K, H, S, A), the policies themselves; or with both. If it has them, also
        ``policy`` (the last one executed), ``optimal_value``, ``regret`` (K,) and ``visits`` (H, S, A) are checked.
        With ``interface="agent"``: ``learner(S, A, H)`` or ``learner(S, A, H, rng=seed)`` returns an agent with
        ``act(h, s)`` and ``observe(h, s, a, r, s_next)``, where ``act(0, s)`` begins an episode.
        Rewards are deterministic and lie in [0.25, 1]; bind what else is needed (``functools.partial``).
    interface : {"run", "agent"}
        Whether the learner plays a model, or is played step by step.
    instances : int
        Number of models of each size, >= 1.
    episodes : int
        Length of a run, >= 8.
    stationary : bool
        Whether all steps of the models share one table.
    consistent : bool
        Whether the learner must have learned to act well by the last quarter of a run.
    tolerance : float
        Largest accepted mean regret of an episode in that quarter, >= 0.
    exact : bool
        Whether the last value must be that of ``policy``. False for learners that draw their policy at the start of an
        episode, and whose values are those of the mixture.
    anytime : bool
        Whether a shorter run must be the beginning of a longer one; not so for learners that use the number of
        episodes.
    seed : int
        Passed on as ``rng``.

    Raises
    ------
    ObligationError
        Naming the first obligation that fails: ``runs`` (also on one state, one action, one step, one episode; an
        agent also where an episode ends early), ``values`` (a finite one for each episode, at most the optimum, at
        least the worst policy's, and the exact value of what was executed), ``valid policy``, ``valid action``,
        ``optimal value``, ``regret`` (the cumulative sum of optimum minus value), ``visits`` (one a step and episode),
        ``determinism`` (equal ``rng``, equal run), ``inputs untouched``, ``anytime``, ``consistency``, ``refusal``
        (something that is no model, or sizes that are none, must raise).

    Notes
    -----
    The regret of an agent is that of its actions: the sum of optimal value minus optimal action value at the states
    that it met. Its expectation is the regret of its policies, whether it has any or not.

    Examples
    --------
    >>> from tabular.learning.online import psrl
    >>> check_online_learner(psrl, instances=1, anytime=True)
    """
    as_agent = check.choice(interface, "interface", ("run", "agent")) == "agent"
    length, limit = check.count(episodes, "episodes", low=8), check.number(tolerance, "tolerance", low=0.0)
    for S, A, H in SIZES:
        for index in range(check.count(instances, "instances")):
            mdp = model(S, A, H, index, stationary)
            what = f"model {index} with S={S}, A={A}, H={H}"
            if as_agent:
                regret = _check_agent(learner, mdp, length, what, seed)
            else:
                regret = _check_run(learner, mdp, length, what, exact, anytime, seed)
            if consistent:
                late = float(regret[-(length // 4) :].mean())
                asked = f"{length} episodes of {what}"
                require(late <= limit, "consistency", f"an episode still loses {late:g} at the end of {asked}")
    nothing: Any = functools.partial(_of_size, learner, 0, 1, 1) if as_agent else functools.partial(learner, episodes=8)
    try:
        call(nothing, {} if as_agent else {"S": 1}, seed)
    except Exception:  # noqa: BLE001  (whatever it raises, it refused)
        return
    what = "an agent for 0 states was made" if as_agent else "a dict that is no model was accepted"
    raise ObligationError("refusal", f"{what}; raise an error")


def model(S: int, A: int, H: int, index: int, stationary: bool) -> EpisodicMDP:
    """Return a model without ties, rewards in [0.25, 1]."""
    mdp = instance("episodic", S, A, index, 1 if stationary else H)
    assert isinstance(mdp, EpisodicMDP)
    return EpisodicMDP(mdp.P[0], mdp.r[0], mdp.mu0, H=H) if stationary else mdp


def _start_value(mdp: EpisodicMDP, policy: npt.NDArray[Any]) -> float:
    return float(mdp.mu0 @ value(mdp, policy))


def _check_run(
    learner: Callable[..., Any], mdp: EpisodicMDP, episodes: int, what: str, exact: bool, anytime: bool, seed: int
) -> Array:
    """Return the regret of each episode, shape (K,)."""
    before = mdp.fingerprint()
    run = functools.partial(learner, episodes=episodes)
    result = attempt(run, mdp, seed, what)
    require(mdp.fingerprint() == before, "inputs untouched", f"the model changed on {what}")
    values = _values(result, mdp, episodes, what)
    again = _values(attempt(run, mdp, seed, what), mdp, episodes, what)
    require(np.array_equal(values, again), "determinism", f"two runs with equal rng on {what} differ")
    for few in (1, SHORT):
        short = _values(attempt(functools.partial(learner, episodes=few), mdp, seed, what), mdp, few, what)
        if anytime and few <= episodes:
            same = np.array_equal(short, values[:few])
            require(same, "anytime", f"a run of {few} episodes is not the beginning of one of {episodes} on {what}")
    best = float(mdp.mu0 @ best_value(mdp))
    worst = -float(mdp.mu0 @ best_value(EpisodicMDP(mdp.P, -mdp.r, mdp.mu0)))
    require(bool((values <= best + ROUNDING).all()), "values", f"{values.max():.12g} exceeds the optimum on {what}")
    require(bool((values >= worst - ROUNDING).all()), "values", f"{values.min():.12g} is below any policy's on {what}")
    _check_attributes(result, mdp, values, best, exact, what)
    return best - values


def _values(result: Any, mdp: EpisodicMDP, episodes: int, what: str) -> Array:
    """Return the values that ``result`` carries, or those of the policies that it carries."""
    values: Array | None = None
    if hasattr(result, "values"):
        values = np.asarray(result.values, dtype=np.float64)
        good = values.shape == (episodes,) and bool(np.isfinite(values).all())
        require(good, "values", f"finite values of shape ({episodes},) are needed on {what}; shape {values.shape}")
    if hasattr(result, "policies"):
        found = np.empty(episodes)
        policies = np.asarray(result.policies)
        require(len(policies) == episodes, "values", f"{len(policies)} policies of {episodes} episodes on {what}")
        for k in range(episodes):
            same = k > 0 and np.array_equal(policies[k], policies[k - 1])
            found[k] = found[k - 1] if same else _start_value(mdp, policy_of(policies[k], mdp, what))
        if values is not None:
            error = float(np.abs(values - found).max())
            require(error <= ROUNDING, "values", f"values differ by {error:g} from those of policies on {what}")
        values = found
    if values is None:
        raise ObligationError("values", f"the result has neither values nor policies on {what}")
    return values


def _check_attributes(result: Any, mdp: EpisodicMDP, values: Array, best: float, exact: bool, what: str) -> None:
    """Check whatever else a run carries."""
    episodes = values.shape[0]
    if getattr(result, "policy", None) is not None:
        last = _start_value(mdp, policy_of(result, mdp, what))
        wrong = abs(last - values[-1])
        if exact:
            require(wrong <= ROUNDING, "values", f"the last value is off by {wrong:g} from that of policy on {what}")
    if hasattr(result, "optimal_value"):
        wrong = abs(float(result.optimal_value) - best)
        require(wrong <= ROUNDING, "optimal value", f"optimal_value is off by {wrong:g} on {what}")
    if hasattr(result, "regret"):
        regret = np.asarray(result.regret, dtype=np.float64)
        owed = np.cumsum(best - values)
        good = regret.shape == owed.shape and bool((np.abs(regret - owed) <= ROUNDING * episodes).all())
        require(good, "regret", f"regret is not the cumulative sum of optimum minus value on {what}")
    if hasattr(result, "visits"):
        visits = np.asarray(result.visits)
        good = visits.shape == mdp.r.shape and bool((visits >= 0).all())
        good = good and bool((visits.sum(axis=(1, 2)) == episodes).all())
        require(good, "visits", f"visits do not add up to {episodes} at each step on {what}")


def _check_agent(learner: Callable[..., Any], mdp: EpisodicMDP, episodes: int, what: str, seed: int) -> Array:
    """Return the regret of the actions of each episode, shape (K,)."""
    actions = _drive(learner, mdp, episodes, 1.0, what, seed)
    again = _drive(learner, mdp, min(episodes, 10 * SHORT), 1.0, what, seed)
    same = np.array_equal(actions[: again.shape[0]], again)
    require(same, "determinism", f"two agents with equal rng and equal observations differ on {what}")
    _drive(learner, mdp, SHORT, 0.5, f"{what}, where episodes end early", seed)
    return _gaps(mdp)[np.arange(mdp.H), actions[..., 0], actions[..., 1]].sum(axis=1)


def _gaps(mdp: EpisodicMDP) -> Array:
    """Optimal value minus optimal action value, shape (H, S, A)."""
    V, gaps = np.zeros(mdp.S), np.empty(mdp.r.shape)
    for h in reversed(range(mdp.H)):
        Q = mdp.r[h] + mdp.P[h] @ V
        V = Q.max(axis=1)
        gaps[h] = V[:, None] - Q
    return gaps


def _of_size(learner: Callable[..., Any], S: int, A: int, H: int, extra: dict[str, Any]) -> Any:
    return learner(S, A, H, **extra)


def _drive(
    learner: Callable[..., Any], mdp: EpisodicMDP, episodes: int, survival: float, what: str, seed: int
) -> npt.NDArray[np.int64]:
    """Make an agent and play it, with any exception turned into a failed obligation ``runs``; see `_play_agent`."""
    extra = {"rng": seed} if _takes_rng(learner) else {}
    agent = attempt(functools.partial(_of_size, learner, mdp.S, mdp.A, mdp.H), extra, seed, what)
    try:
        return _play_agent(agent, mdp, episodes, survival, what)
    except ObligationError:
        raise
    except Exception as problem:
        raise ObligationError("runs", f"{type(problem).__name__} on {what}: {problem}") from problem


def _play_agent(agent: Any, mdp: EpisodicMDP, episodes: int, survival: float, what: str) -> npt.NDArray[np.int64]:
    """Return states and actions, shape (K, H, 2), zeros where an episode was cut short."""
    random = stream(0, "tabular.testing", "drive", mdp.S, mdp.A, mdp.H)
    first, ahead = mdp.mu0.cumsum(), mdp.P.cumsum(axis=-1)
    seen = np.zeros((episodes, mdp.H, 2), dtype=np.int64)
    for k in range(episodes):
        s = _pick(first, random)
        for h in range(mdp.H):
            a = agent.act(h, s)
            valid = isinstance(a, int | np.integer) and not isinstance(a, bool) and 0 <= a < mdp.A
            require(bool(valid), "valid action", f"act({h}, {s}) returned {a!r} on {what}; actions are 0..{mdp.A - 1}")
            s_next = _pick(ahead[h, s, a], random)
            agent.observe(h, s, int(a), float(mdp.r[h, s, a]), s_next)
            seen[k, h] = s, a
            s = s_next
            if survival < 1.0 and random.random() >= survival:
                break
    return seen


def _takes_rng(learner: Callable[..., Any]) -> bool:
    try:
        return "rng" in inspect.signature(learner).parameters
    except (TypeError, ValueError):
        return False


def _pick(cumulative: Array, random: np.random.Generator) -> int:
    return int(min(np.searchsorted(cumulative, random.random(), side="right"), cumulative.shape[0] - 1))
