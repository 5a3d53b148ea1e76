"""What every learner from logged data owes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _check as check
from ..models import EpisodicMDP
from ..simulation import OfflineDataset
from .obligations import MDP, ObligationError, attempt, best_value, call, instance, policy_of, require, value

__all__ = ["check_offline_learner"]


def check_offline_learner(
    learner: Callable[..., Any],
    *,
    setting: str = "discounted",
    instances: int = 3,
    rows: int = 4096,
    consistent: bool = True,
    relabelling: bool = True,
    tolerance: float = 0.05,
    seed: int = 0,
) -> None:
    """Check a learner of your own against what every learner from logged data owes.

    Parameters
    ----------
    learner : callable
        ``learner(data)``, or ``learner(data, rng=seed)`` if it has such a parameter; ``data`` is an
        `OfflineDataset`. Returns a policy, or an object with ``policy``. Bind what else it needs
        (``functools.partial``): the discount is 0.875, rewards lie in [0.25, 1], horizons are 3.
    setting : {"discounted", "episodic", "bandit"}
        Where the data come from. ``"bandit"`` is one state, and a policy of shape (1,), a single arm,
        or probabilities of shape (A,) or (1, A).
    instances : int
        Number of models of each size, >= 1.
    rows : int
        Rows of data for each ``(h, s, a)``, rounded up to a multiple of 64.
    consistent : bool
        Whether enough data, in exact proportion to the model, must lead to an optimal policy.
    relabelling : bool
        Whether renaming states and actions in the data must rename the policy.
    tolerance : float
        Largest accepted loss of a consistent learner, in value.
    seed : int
        Passed on as ``rng``.

    Raises
    ------
    ObligationError
        Naming the first obligation that fails: ``runs`` (also on one state, one action, and pairs never
        seen), ``valid policy``, ``determinism``, ``inputs untouched``, ``consistency``, ``relabelling``,
        ``refusal`` (something that is no dataset must raise, not return).
    """
    check.choice(setting, "setting", ("discounted", "episodic", "bandit"))
    sizes = ((1, 1), (1, 3)) if setting == "bandit" else ((1, 1), (1, 3), (3, 1), (2, 2), (3, 2))
    kind = "discounted" if setting == "bandit" else setting
    for S, A in sizes:
        for index in range(check.count(instances, "instances")):
            mdp = instance(kind, S, A, index)
            what = f"{setting} data {index} with S={S}, A={A}"
            data = proportional_data(mdp, check.count(rows, "rows"))
            policy = _learn(learner, data, mdp, what, seed)
            if consistent:
                loss = float((best_value(mdp) - value(mdp, policy)).max())
                require(loss <= tolerance, "consistency", f"the policy loses {loss:g} on {what}, in exact proportion")
            if relabelling:
                _check_relabelling(learner, data, mdp, policy, what, seed)
            _learn(learner, _take(data, np.arange(min(data.N, 5))), mdp, f"five rows of {what}", seed)
    try:
        call(learner, {"s": [0]}, seed)
    except Exception:  # noqa: BLE001  (whatever it raises, it refused)
        return
    raise ObligationError("refusal", "a dict that is no dataset was accepted; raise an error")


def _learn(learner: Callable[..., Any], data: OfflineDataset, mdp: MDP, what: str, seed: int) -> npt.NDArray[Any]:
    """Call twice; return the policy."""
    before = data.fingerprint()
    policy = _policy(attempt(learner, data, seed, what), mdp, what)
    require(data.fingerprint() == before, "inputs untouched", f"the dataset changed on {what}")
    again = _policy(attempt(learner, data, seed, what), mdp, what)
    require(np.array_equal(policy, again), "determinism", f"two calls on {what} returned different policies")
    return policy


def _policy(result: Any, mdp: MDP, what: str) -> npt.NDArray[Any]:
    """`policy_of`, which for one state also takes an arm or a distribution over arms."""
    found = np.asarray(getattr(result, "policy", result))
    if mdp.S == 1 and not isinstance(mdp, EpisodicMDP) and (found.ndim == 0 or found.dtype.kind == "f"):
        found = found.reshape(1, -1) if found.dtype.kind == "f" else found.reshape(1)
    return policy_of(found, mdp, what)


def _check_relabelling(
    learner: Callable[..., Any], data: OfflineDataset, mdp: MDP, policy: npt.NDArray[Any], what: str, seed: int
) -> None:
    states, actions = np.roll(np.arange(mdp.S), 1), np.roll(np.arange(mdp.A), 1)
    twin = OfflineDataset(states[data.s], actions[data.a], data.r, states[data.s_next], data.S, data.A, data.h, data.H)
    renamed = _learn(learner, twin, mdp, f"renamed {what}", seed)
    if policy.dtype == np.float64:
        same = renamed.shape == policy.shape and np.allclose(renamed[..., states, :][..., actions], policy, atol=1e-6)
    else:
        same = np.array_equal(renamed[..., states], actions[policy])
    require(bool(same), "relabelling", f"renaming states and actions does not rename the policy on {what}")


def proportional_data(mdp: MDP, rows: int) -> OfflineDataset:
    """Return data in which every ``(h, s, a)`` has the same count, and next states occur exactly in proportion.

    Rewards are the means. The probabilities of ``mdp`` must be multiples of 1/64.
    """
    repeat = -(-rows // 64)
    episodic = isinstance(mdp, EpisodicMDP)
    P = mdp.P if isinstance(mdp, EpisodicMDP) else mdp.dense_P()[None]
    r = mdp.r.reshape(P.shape[:3])
    counts = np.rint(P * 64).astype(np.int64).ravel()
    cell = np.tile(np.repeat(np.arange(counts.shape[0]), counts), repeat)
    h, s, a, s_next = np.unravel_index(cell, P.shape)
    steps = (h, P.shape[0]) if episodic else (None, None)
    return OfflineDataset(s, a, r[h, s, a], s_next, mdp.S, mdp.A, *steps)


def _take(data: OfflineDataset, rows: npt.NDArray[np.int64]) -> OfflineDataset:
    h = None if data.h is None else data.h[rows]
    return OfflineDataset(data.s[rows], data.a[rows], data.r[rows], data.s_next[rows], data.S, data.A, h, data.H)
