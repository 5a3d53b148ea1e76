"""One run of a contextual learner: contexts, probabilities of actions, rewards, regression."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ..._jit import kernel
from ...errors import ParameterError
from ...models import ContextualBandit
from ._action_weights import _action_weights
from ._play import Arms, Horizon, Seed, _draw_weighted, play
from ._regression_kernels import _empty_fit, _learn, _least_squares, _predict, _reset
from .action_weights import available_actions
from .regression_oracles import Oracle
from .results import BanditRun

__all__ = ["Contexts", "ContextualRun", "Record", "Rule", "Seed", "play_contextual", "playable_contexts"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]
Record = Sequence[int] | npt.ArrayLike | None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ContextualRun(BanditRun):
    """What a contextual learner did; actions count in ``pulls`` whatever the context.

    Attributes
    ----------
    error : ndarray, shape (runs, m)
        Cumulative expected squared error of the predictions that were acted on,
        ``sum_t sum_a p_t(a) (prediction_t(a) - mean(x_t, a))**2``, after each recorded round.
    gamma : float
        Exploration parameter: gamma of the rule, or the probability of exploration.
    fits : int
        Regressions fitted, for learners that fit in epochs; 0 for online regression.
    """

    error: Floats
    gamma: float
    fits: int = 0


class Contexts(NamedTuple):
    """A contextual bandit as kernels play it; all arrays read-only."""

    probability: Floats  # (S,)
    means: Floats  # (S, A)
    gaps: Floats  # (S, A) to the best available action
    available: Booleans  # (S, A)


class Rule(NamedTuple):
    """How actions are drawn and when regressions are fitted."""

    kind: int  # of `_action_weights`
    parameter: float  # gamma, or the probability of exploration
    losses: bool  # whether the rule looks at losses 1 - reward, floored
    floor: float
    optimism: float  # LinUCB's width; 0 otherwise
    epochs: int  # 0: online predictions; 1: least squares after 2, 4, 8, ... rounds, on the last epoch; 2: on all
    growth: float  # epochs 1: gamma = growth * sqrt(K tau / ln(N tau / delta))
    confusion: float  # epochs 1: N / delta


@kernel
def _play_contexts(
    contexts: Contexts, oracle: Oracle, rule: Rule, what: Horizon, rng: np.random.Generator, spent: Floats,
    error: Floats, pulls: Ints, actions: Ints,
) -> None:  # fmt: skip
    """One run; a round draws three uniforms: context, action, reward."""
    S, A = contexts.means.shape
    fit = _empty_fit(oracle, S, A)
    fitted, predictions, seen, p = np.full((S, A), 0.5), np.empty(A), np.empty(A), np.empty(A)
    recorded, cost, squares, boundary = 0, 0.0, 0.0, 2
    parameter = rule.parameter
    if rule.epochs == 1:
        parameter = 0.0
    for t in range(what.n):
        if rule.epochs > 0 and t == boundary:
            _least_squares(oracle, fit, fitted)
            if rule.epochs == 1:
                parameter = rule.growth * math.sqrt(A * boundary / math.log(rule.confusion * boundary))
                _reset(fit)
            boundary *= 2
        s = _draw_weighted(contexts.probability, 1.0, rng.random())
        if rule.epochs > 0:
            for a in range(A):
                predictions[a] = fitted[s, a]
        else:
            _predict(oracle, fit, s, rule.optimism, predictions)
        for a in range(A):
            seen[a] = predictions[a]
            if rule.losses:
                seen[a] = -max(rule.floor, 1.0 - predictions[a])
        _action_weights(rule.kind, seen, contexts.available[s], parameter, p)
        a = _draw_weighted(p, 1.0, rng.random())
        reward = 1.0 if rng.random() < contexts.means[s, a] else 0.0
        _learn(oracle, fit, s, a, reward)
        pulls[a] += 1
        for b in range(A):
            distance = predictions[b] - contexts.means[s, b]
            squares += p[b] * distance * distance
            if what.expected:
                cost += p[b] * contexts.gaps[s, b]
        if not what.expected:
            cost += contexts.gaps[s, a]
        if t < actions.shape[0]:
            actions[t] = a
        if recorded < what.rounds.shape[0] and t + 1 == what.rounds[recorded]:
            spent[recorded] = cost
            error[recorded] = squares
            recorded += 1


def playable_contexts(bandit: ContextualBandit, available: "npt.ArrayLike | None") -> Contexts:
    """Return ``bandit`` with its available actions as kernels play it, or raise ParameterError."""
    if not isinstance(bandit, ContextualBandit):
        raise ParameterError(f"a ContextualBandit is needed, not a {type(bandit).__name__}")
    mask = available_actions(available, bandit.means.shape)
    best = np.where(mask, bandit.means, -np.inf).max(axis=1, keepdims=True)
    gaps = np.where(mask, best - bandit.means, 0.0)
    gaps.setflags(write=False)
    return Contexts(bandit.context_distribution, bandit.means, gaps, mask)


def play_contextual(
    name: str, contexts: Contexts, oracle: Oracle, rule: Rule, gamma: float, horizon: int, **how: Any
) -> ContextualRun:
    """Make the runs; ``how`` holds runs, first_run, record, actions, regret and rng."""
    n = check.count(horizon, "horizon")
    A = contexts.means.shape[1]
    errors: list[Floats] = []
    nothing = np.zeros((1, A))
    arms = Arms(0, nothing[0], nothing[0], nothing, 0)

    def one_run(what: Horizon, rng: np.random.Generator, spent: Floats, pulls: Ints, actions: Ints) -> None:
        error = np.empty(spent.shape)
        _play_contexts(contexts, oracle, rule, what, rng, spent, error, pulls, actions)
        errors.append(error)

    run = play(name, arms, one_run, horizon=n, **how)
    parts = {field.name: getattr(run, field.name) for field in fields(run)}
    fits = (n - 1).bit_length() - 1 if rule.epochs and n > 2 else 0
    return ContextualRun(**parts, error=np.array(errors), gamma=gamma, fits=fits)
