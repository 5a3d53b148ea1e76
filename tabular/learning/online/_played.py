"""What run kernels and agents share: an episode played, rewards counted, arguments checked."""

import abc
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ..._jit import kernel
from ...errors import ParameterError
from ...models import EpisodicMDP
from ...simulation._tables import noise
from ...simulation.offline import _reward
from ._counts import Counts, _record
from ._episodes import Dynamics, _next_state

__all__ = [
    "Agent",
    "CountingAgent",
    "Earned",
    "known_rewards",
    "known_table",
    "no_rewards",
    "noise_code",
    "require_model",
    "rewards_of",
    "steps_apart",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Earned(NamedTuple):
    """Rewards seen, with one table for all steps (T = 1) or one for each (T = H).

    Rewards known in advance count as seen once, and nothing is added to them.
    """

    n: Floats  # (T, S, A) rewards seen
    total: Floats  # (T, S, A) their sum


def no_rewards(T: int, S: int, A: int) -> Earned:
    """Return the record of nothing."""
    return Earned(np.zeros((T, S, A)), np.zeros((T, S, A)))


def known_rewards(r: Floats) -> Earned:
    """Return rewards known in advance, ``r`` of shape (T, S, A)."""
    return Earned(np.ones(r.shape), np.array(r, order="C"))


def known_table(r: npt.ArrayLike, S: int, A: int, H: int) -> Earned:
    """Return rewards known in advance, shape (S, A) or (H, S, A); ParameterError for anything else."""
    array = check.as_array(r, "r", ndim=(2, 3), error=ParameterError)
    if array.shape not in ((S, A), (H, S, A)):
        raise ParameterError(f"r has shape {array.shape}; {(S, A)} or {(H, S, A)} is needed")
    return known_rewards(array.reshape(-1, S, A))


@kernel
def _earn(earned: Earned, h: int, s: int, a: int, reward: float) -> None:
    """Add one reward of step ``h``."""
    t = h % earned.n.shape[0]
    earned.n[t, s, a] += 1.0
    earned.total[t, s, a] += reward


@kernel
def _mean_reward(earned: Earned, h: int, s: int, a: int) -> float:
    """Mean reward seen at ``(h, s, a)``; 0 where nothing was."""
    t = h % earned.n.shape[0]
    return float(earned.total[t, s, a] / max(earned.n[t, s, a], 1.0))


@kernel
def _best(row: Any) -> int:
    """Smallest index of the largest entry."""
    best = 0
    for a in range(1, row.shape[0]):
        if row[a] > row[best]:
            best = a
    return best


@kernel
def _replaces(policy: Ints, previous: Ints) -> bool:
    """Whether a policy (H, S) differs from ``previous``, which becomes a copy of it."""
    changed = False
    for h in range(policy.shape[0]):
        for s in range(policy.shape[1]):
            changed = changed or policy[h, s] != previous[h, s]
            previous[h, s] = policy[h, s]
    return changed


@kernel
def _play(
    model: Dynamics, policy: Ints, s: int, code: int, known: bool, rng: np.random.Generator, counts: Counts,
    earned: Earned, visits: Ints,
) -> None:  # fmt: skip
    """Play one episode of a deterministic policy (H, S) from ``s``; count it. ``code`` is that of the reward noise."""
    for h in range(policy.shape[0]):
        a = policy[h, s]
        reward = _reward(model.r[h, s, a], 0.0, code, rng)
        s_next = _next_state(model, h, s, a, rng.random())
        _record(counts, h, s, a, s_next)
        if not known:
            _earn(earned, h, s, a, reward)
        visits[h, s, a] += 1
        s = s_next


def require_model(mdp: Any) -> EpisodicMDP:
    """Return ``mdp`` if it is an `EpisodicMDP`; ParameterError otherwise."""
    if not isinstance(mdp, EpisodicMDP):
        raise ParameterError(f"mdp is a {type(mdp).__name__}; give an EpisodicMDP")
    return mdp


def noise_code(mdp: EpisodicMDP, rewards: str, reward_noise: str) -> tuple[bool, int]:
    """Return whether rewards are known, and the code of their noise; ParameterError where the two do not fit."""
    known = check.choice(rewards, "rewards", ("known", "estimated")) == "known"
    code, _ = noise(mdp, check.choice(reward_noise, "reward_noise", ("none", "bernoulli")), None)
    if known and code:
        raise ParameterError(f"reward_noise is {reward_noise!r} but rewards are known; use rewards='estimated'")
    return known, code


def steps_apart(mdp: EpisodicMDP, stage_dependent: bool | None) -> int:
    """Return T: 1 where all steps share their counts of transitions, H where each has its own."""
    shared = mdp.H == 1 or mdp.P.strides[0] == 0
    if stage_dependent is None:
        return 1 if shared else mdp.H
    if not isinstance(stage_dependent, bool):
        raise ParameterError(f"stage_dependent is {stage_dependent!r}; give True, False or None")
    if not stage_dependent and not shared:
        raise ParameterError(
            "stage_dependent is False but the transitions change from step to step; they cannot share counts"
        )
    return mdp.H if stage_dependent else 1


def rewards_of(mdp: EpisodicMDP, T: int, known: bool) -> Earned:
    """Return the record of rewards that a run starts with: the model's own, or nothing."""
    if known:
        return known_rewards(mdp.r)
    return no_rewards(T if mdp.H == 1 or mdp.r.strides[0] == 0 else mdp.H, mdp.S, mdp.A)


class Agent(abc.ABC):
    """Base of the agents: sizes, and the checks of what an environment passes.

    Parameters
    ----------
    S, A, H : int
        Numbers of states, actions and steps of an episode, >= 1.
    """

    def __init__(self, S: int, A: int, H: int) -> None:
        self.S, self.A, self.H = check.count(S, "S"), check.count(A, "A"), check.count(H, "H")
        self.episode = 0

    @abc.abstractmethod
    def act(self, h: int, s: int) -> int:
        """Return the action for state ``s`` at step ``h``; step 0 begins an episode."""

    @abc.abstractmethod
    def observe(self, h: int, s: int, a: int, r: float, s_next: int, *, terminated: bool = False) -> None:
        """Learn from one transition; ``terminated`` says that the episode ended there though steps were left."""

    def _visit(self, h: int, s: int) -> tuple[int, int]:
        """Return step and state as integers; ParameterError outside their ranges."""
        return _index(h, "h", self.H), _index(s, "s", self.S)

    def _transition(self, h: int, s: int, a: int, r: float, s_next: int) -> tuple[int, int, int, float, int]:
        """Return what was observed, checked."""
        h, s = self._visit(h, s)
        return h, s, _index(a, "a", self.A), check.number(r, "r"), _index(s_next, "s_next", self.S)


class CountingAgent(Agent):
    """Base of the agents to which the end of an episode is a state like any other, where nothing more is earned."""

    def observe(self, h: int, s: int, a: int, r: float, s_next: int, *, terminated: bool = False) -> None:
        """Learn from one transition.

        Parameters
        ----------
        h, s, a : int
            Step, state and action.
        r : float
            Reward.
        s_next : int
            State that was reached.
        terminated : bool
            Whether the episode ended there though steps were left: the agent then learns that nothing more is earned,
            as if it had stayed in ``s_next`` for the rest of the episode, with reward 0.

        Raises
        ------
        ParameterError
            For an argument out of range.
        """
        h, s, a, r, s_next = self._transition(h, s, a, r, s_next)
        self._learn(h, s, a, r, s_next)
        if terminated:
            for step in range(h + 1, self.H):
                self._learn(step, s_next, self.act(step, s_next), 0.0, s_next)

    @abc.abstractmethod
    def _learn(self, h: int, s: int, a: int, r: float, s_next: int) -> None:
        """Learn from one transition whose indices are known to be in range."""


def _index(value: Any, name: str, size: int) -> int:
    return check.count(value, name, low=0, high=size - 1)
