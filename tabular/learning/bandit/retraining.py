r"""The batch loop of a deployed system: log, refit on the last generations, deploy, log again.

Generation g plays weights :math:`p_g` made from the predictions of a regression; its log, of contexts, actions, rewards
and probabilities, arrives after a delay; the next regression is weighted least squares on the last w generations' logs.
In the population limit a log is its expectation, :math:`D(x)p_g(a\mid x)` on each cell with mean reward f(x, a), so
that whatever the loop does is no effect of noise.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ...errors import ParameterError
from ...models import ContextualBandit
from ...streams import generator
from ._action_weights import EPSILON, INVERSE_GAP, NORMALISED
from ._contextual_play import Seed, playable_contexts
from ._retraining_kernels import Loop, Trace, _retrain
from .action_weights import positive_gamma

__all__ = ["RetrainingRun", "propensity_weighted_value", "retrain"]

Floats = npt.NDArray[np.float64]
RULES = {"igw": INVERSE_GAP, "normalised-igw": NORMALISED, "epsilon-greedy": EPSILON}


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class RetrainingRun:
    """The generations of a batch loop.

    Attributes
    ----------
    deployed : ndarray, shape (G,)
        Exact value of the weights played in each generation.
    greedy : ndarray, shape (G,)
        Exact value of the greedy policy of each generation's predictions.
    weights, predictions : ndarray, shape (G, S, A)
        Predictions are 0 before the first log is in.
    seen, paid : ndarray, shape (G, S, A)
        Weight of each cell in a generation's log, and of its rows with reward 1.
    action_share : ndarray, shape (G, A)
        How often each action is played.
    bias : ndarray, shape (G,)
        Calibration: mean prediction minus mean reward, under the weights played; 0 before the first log is in.
    """

    deployed: Floats
    greedy: Floats
    weights: Floats
    predictions: Floats
    seen: Floats
    paid: Floats
    action_share: Floats
    bias: Floats

    def amplitude(self, last: int = 20) -> float:
        """Return largest minus smallest greedy value of the last generations."""
        tail = self.greedy[-check.count(last, "last", high=self.greedy.shape[0]) :]
        return float(tail.max() - tail.min())

    def autocorrelation(self, lag: int = 1, last: int = 40) -> float:
        """Autocorrelation of the deployed value at ``lag``, over the last generations; 0 where it does not vary."""
        count = check.count(last, "last", low=3, high=self.deployed.shape[0])
        step = check.count(lag, "lag", high=count - 2)
        tail = self.deployed[-count:] - self.deployed[-count:].mean()
        spread = float(tail @ tail)
        return float(tail[step:] @ tail[:-step]) / spread if spread > 1e-24 else 0.0


def retrain(
    bandit: ContextualBandit,
    features: "npt.ArrayLike | None" = None,
    *,
    generations: int = 60,
    rule: str = "igw",
    gamma: float | None = None,
    epsilon: float | None = None,
    rows: int | None = None,
    memory: int | None = 1,
    delay: int = 0,
    propensity_weights: bool = False,
    class_weights: bool = False,
    ridge: float = 0.0,
    available: "npt.ArrayLike | None" = None,
    rng: Seed = 0,
) -> RetrainingRun:
    """Run the batch loop: fit least squares on the last logs, deploy, log.

    Parameters
    ----------
    bandit : ContextualBandit
    features : array, shape (S, d), optional
        Each action's prediction is linear in them; all tables by default (a realisable class).
    generations : int
        G; the first plays uniformly.
    rule : {"igw", "normalised-igw", "epsilon-greedy"}
        How predictions become weights.
    gamma : float, optional
        > 0, for the first two rules; 100 by default.
    epsilon : float, optional
        In [0, 1], for the third; 0.1 by default.
    rows : int, optional
        Rows of a generation's log; by default its expectation, the limit of infinitely many.
    memory : int, optional
        Generations that a fit looks back; None for all.
    delay : int
        Generations that a log is late, >= 0.
    propensity_weights : bool
        Whether a row is weighted by 1 over the probability with which its action was played.
    class_weights : bool
        Whether rows of reward 1 and of reward 0 are weighted to count the same in all.
    ridge : float
        Weight of the squared norm, >= 0; a log weighs 1.
    available : array of bool, shape (S, A), optional
    rng : int, SeedSequence or Generator
        Used with ``rows`` only: a row draws context, action and reward.

    Returns
    -------
    RetrainingRun

    Raises
    ------
    ParameterError
        For an argument out of range, or one that the rule does not have.
    """
    contexts = playable_contexts(bandit, available)
    S, A = bandit.means.shape
    if features is None:
        table = np.eye(S)
        table.setflags(write=False)
    else:
        table = check.as_array(features, "features", ndim=2, error=ParameterError)
        if table.shape[0] != S:
            raise ParameterError(f"features has {table.shape[0]} rows for {S} contexts")
    kind = RULES[check.choice(rule, "rule", tuple(RULES))]
    if kind == EPSILON:
        if gamma is not None:
            raise ParameterError("epsilon-greedy has no gamma")
        parameter = check.number(0.1 if epsilon is None else epsilon, "epsilon", low=0.0, high=1.0)
    else:
        if epsilon is not None:
            raise ParameterError(f"{rule} has no epsilon")
        parameter = positive_gamma(100.0 if gamma is None else gamma)
    G = check.count(generations, "generations")
    for name, flag in (("propensity_weights", propensity_weights), ("class_weights", class_weights)):
        if not isinstance(flag, bool | np.bool_):
            raise ParameterError(f"{name} is {flag!r}; True or False is needed")
    loop = Loop(
        kind, parameter, 0 if rows is None else check.count(rows, "rows"),
        0 if memory is None else check.count(memory, "memory"), check.count(delay, "delay", low=0),
        bool(propensity_weights), bool(class_weights), check.number(ridge, "ridge", low=0.0),
    )  # fmt: skip
    weights, predictions, seen, paid = (np.empty((G, S, A)) for _ in range(4))
    trace = Trace(weights, predictions, seen, paid, np.empty(G), np.empty(G))
    _retrain(contexts, table, loop, generator(rng), trace)
    mass = bandit.context_distribution[:, None] * trace.weights
    bias = (mass * (trace.predictions - bandit.means)).sum(axis=(1, 2))
    bias[: 1 + loop.delay] = 0.0
    return RetrainingRun(
        deployed=trace.deployed, greedy=trace.greedy, weights=trace.weights, predictions=trace.predictions,
        seen=trace.seen, paid=trace.paid, action_share=mass.sum(axis=1), bias=bias,
    )  # fmt: skip


def propensity_weighted_value(
    policy: npt.ArrayLike, contexts: npt.ArrayLike, actions: npt.ArrayLike, rewards: npt.ArrayLike,
    probabilities: npt.ArrayLike,
) -> float:  # fmt: skip
    r"""Inverse-propensity estimate of a policy's value from a log, :math:`\frac1n\sum\pi(a_i\mid x_i)r_i/p_i`.

    Parameters
    ----------
    policy : array, shape (S, A)
        Probabilities.
    contexts, actions : array of int, shape (n,)
    rewards : array, shape (n,)
    probabilities : array, shape (n,)
        With which each logged action was played, in (0, 1]; those of the deployed mixture, or the estimate is biased.

    Returns
    -------
    float
        Unbiased wherever the logging weights are positive on the policy's actions.

    Raises
    ------
    ParameterError, PolicyError
        For entries out of range or lengths that differ.
    """
    pi = check.as_array(policy, "policy", ndim=2, error=ParameterError)
    check.stochastic_rows(pi, "policy", ParameterError)
    names = ("contexts", "actions", "rewards", "probabilities")
    columns = [
        check.as_array(column, name, ndim=1, error=ParameterError)
        for name, column in zip(names, (contexts, actions, rewards, probabilities), strict=True)
    ]
    x, a, r, p = columns
    if len({column.shape for column in columns}) > 1:
        raise ParameterError(f"the columns of the log have lengths {[column.shape[0] for column in columns]}")
    for name, column, most in (("contexts", x, pi.shape[0]), ("actions", a, pi.shape[1])):
        if np.any(column != np.floor(column)) or column.min() < 0 or column.max() >= most:
            raise ParameterError(f"{name} must hold whole numbers in 0..{most - 1}")
    if p.min() <= 0.0 or p.max() > 1.0:
        i = int(np.argmax((p <= 0.0) | (p > 1.0)))
        raise ParameterError(f"probabilities[{i}] is {p[i]:g}; it must lie in (0, 1]")
    return float(np.mean(pi[x.astype(np.int64), a.astype(np.int64)] * r / p))
