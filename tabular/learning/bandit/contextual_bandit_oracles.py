r"""Contextual bandits with a regression oracle: SquareCB, FastCB, FALCON, epsilon-greedy, LinUCB.

In each round a context is drawn, a regression predicts the mean reward of every action, a rule turns the predictions
into probabilities, and the reward of the drawn action is learned. Vangara and Egg (2024) deploy such a system; the
theory is that of the learners:

- `square_cb`: online square-loss regression and inverse-gap weighting (Foster and Rakhlin 2020);
- `fast_cb`: log-loss regression and weighting by relative gaps of losses (Foster and Krishnamurthy 2021);
- `falcon`: least squares on the previous epoch, epochs doubling, inverse-gap weighting (Simchi-Levi and Xu 2022);
- `contextual_epsilon_greedy`: least squares on everything so far, refitted after 2, 4, 8, ... rounds;
- `contextual_lin_ucb`: ridge regression with optimism (Li, Chu, Langford, Schapire 2010).

Deviations from the papers
--------------------------
1. The published constants of FALCON (1/30) and of FastCB's tuning are recalled, not seen in a source.
2. FastCB's predictions of losses are floored at 1/T, members of a class moved into [1/T, 1 - 1/T] for the log loss.
3. `normalised=True` uses :math:`1/(\lambda + \gamma g_a)` in place of :math:`1/(K + \gamma g_a)`, the exact minimiser
   of the worst case that the analysis of SquareCB bounds.
"""

import math

import numpy.typing as npt

from ... import _check as check
from ...errors import ParameterError
from ...models import ContextualBandit
from ._action_weights import EPSILON, FAST, INVERSE_GAP, NORMALISED
from ._contextual_play import ContextualRun, Record, Rule, Seed, play_contextual, playable_contexts
from .action_weights import positive_gamma
from .regression_oracles import FiniteClass, LinearClass, RegressionClass, TabularClass, oracle

__all__ = ["contextual_epsilon_greedy", "contextual_lin_ucb", "falcon", "fast_cb", "oracle_regret", "square_cb"]

Mask = npt.ArrayLike | None


def oracle_regret(regression: RegressionClass, *, rounds: int, contexts: int, actions: int) -> float:
    r"""Bound on the square-loss regret of the online oracle, for targets in [0, 1].

    Parameters
    ----------
    regression : FiniteClass, LinearClass or TabularClass
    rounds, contexts, actions : int

    Returns
    -------
    float
        Finite: :math:`2\ln N` for N members (the exponentially weighted average with rate 1/2).
        Linear: :math:`d\ln(1 + TB^2/(d\rho)) + \rho d` with the largest norm B of the features and the ridge
        :math:`\rho`, for parameters of squared norm at most d.
        Tabular: the same with one feature a cell and squared distance 1/4 from the prior; an order, as its oracle is
        plain ridge regression.
    """
    T = check.count(rounds, "rounds")
    if isinstance(regression, FiniteClass):
        return 2.0 * math.log(regression.members.shape[0])
    if isinstance(regression, LinearClass):
        d = regression.features.shape[2]
        largest = float((regression.features**2).sum(axis=2).max())
        return d * math.log1p(T * largest / (d * regression.ridge)) + regression.ridge * d
    if isinstance(regression, TabularClass):
        cells = check.count(contexts, "contexts") * check.count(actions, "actions")
        return cells * math.log1p(T / (cells * regression.ridge)) + 0.25 * regression.ridge * cells
    raise ParameterError(f"regression is a {type(regression).__name__}; a regression class is needed")


def square_cb(
    bandit: ContextualBandit,
    regression: RegressionClass,
    *,
    horizon: int,
    gamma: float | None = None,
    misspecification: float = 0.0,
    normalised: bool = False,
    available: Mask = None,
    runs: int = 1,
    first_run: int = 0,
    record: Record = None,
    actions: bool = False,
    regret: str = "expected",
    rng: Seed,
) -> ContextualRun:
    r"""SquareCB: an online square-loss oracle and inverse-gap weighting.

    Parameters
    ----------
    bandit : ContextualBandit
        Rewards are Bernoulli.
    regression : FiniteClass, LinearClass or TabularClass
    horizon : int
        Rounds of a run, T.
    gamma : float, optional
        > 0. :math:`\sqrt{8KT/(R + \varepsilon^2T)}` by default, with R of `oracle_regret` and
        :math:`\varepsilon` the ``misspecification``.
    misspecification : float
        Sup-norm distance of the class to the truth, >= 0.
    normalised : bool
        Whether the weights carry their own normaliser in place of K.
    available : array of bool, shape (S, A), optional
        Actions that may be played in each context, at least one; regret is against the best of them.
    runs : int
        Independent runs. Run i draws from child i of ``rng``, whichever runs are made together.
    first_run : int
        Index of the first run.
    record : array of int, optional
        Rounds at which the regret is kept, increasing; about 200 spaced evenly on a logarithmic scale by default.
    actions : bool
        Whether to keep the played actions.
    regret : {"expected", "pulled"}
        Whether the regret counts the expected gap of a round or that of the played action.
    rng : int, SeedSequence or Generator
        A round draws three uniforms: context, action, reward.

    Returns
    -------
    ContextualRun

    Raises
    ------
    ParameterError
        For an argument out of range, an empty set of actions, or a class of another shape.

    References
    ----------
    .. [1] Foster, Rakhlin (2020), Beyond UCB, Theorem 1.

    Examples
    --------
    >>> from tabular import ContextualBandit
    >>> bandit = ContextualBandit([0.5, 0.5], [[0.9, 0.1], [0.2, 0.7]])
    >>> run = square_cb(bandit, TabularClass(), horizon=4000, rng=0)
    >>> bool(run.regret[0, -1] < 400.0)
    True
    """
    contexts = playable_contexts(bandit, available)
    T = check.count(horizon, "horizon")
    error = check.number(misspecification, "misspecification", low=0.0)
    if gamma is None:
        budget = oracle_regret(regression, rounds=T, contexts=bandit.S, actions=bandit.A) + error * error * T
        chosen = math.sqrt(8.0 * bandit.A * T / budget) if budget > 0.0 else math.inf
    else:
        chosen = positive_gamma(gamma)
    kind, parameter = (NORMALISED, chosen / 2.0) if normalised else (INVERSE_GAP, chosen)
    rule = Rule(kind, parameter, False, 0.0, 0.0, 0, 0.0, 0.0)
    return play_contextual(
        "SquareCB", contexts, oracle(regression, bandit.S, bandit.A), rule, chosen, T, runs=runs, first_run=first_run,
        record=record, actions=actions, regret=regret, rng=rng,
    )  # fmt: skip


def fast_cb(
    bandit: ContextualBandit,
    regression: FiniteClass,
    *,
    horizon: int,
    gamma: float | None = None,
    optimal_loss: float | None = None,
    available: Mask = None,
    runs: int = 1,
    first_run: int = 0,
    record: Record = None,
    actions: bool = False,
    regret: str = "expected",
    rng: Seed,
) -> ContextualRun:
    r"""FastCB: Bayes' mixture under the log loss, and weighting by relative gaps of the losses 1 - reward.

    Parameters
    ----------
    bandit : ContextualBandit
    regression : FiniteClass
    horizon : int
        Rounds of a run, T.
    gamma : float, optional
        > 0; :math:`\max(2K, \sqrt{KL^\star/\ln N})` by default (order recalled).
    optimal_loss : float, optional
        :math:`L^\star`, expected loss of the best policy over all rounds (an upper bound serves); needed without gamma.
    available, runs, first_run, record, actions, regret, rng
        As for `square_cb`.

    Returns
    -------
    ContextualRun

    Raises
    ------
    ParameterError
        For an argument out of range, or with neither gamma nor optimal_loss.

    References
    ----------
    .. [1] Foster, Krishnamurthy (2021), Efficient First-Order Contextual Bandits.
    """
    contexts = playable_contexts(bandit, available)
    T = check.count(horizon, "horizon")
    if not isinstance(regression, FiniteClass):
        raise ParameterError(f"fast_cb takes a FiniteClass, not a {type(regression).__name__}")
    if gamma is not None:
        chosen = positive_gamma(gamma)
    elif optimal_loss is None:
        raise ParameterError("give gamma or optimal_loss")
    else:
        loss = check.number(optimal_loss, "optimal_loss", low=0.0)
        N = max(2, regression.members.shape[0])
        chosen = max(2.0 * bandit.A, math.sqrt(bandit.A * loss / math.log(N)))
    floor = min(0.5, 1.0 / T)
    rule = Rule(FAST, chosen, True, floor, 0.0, 0, 0.0, 0.0)
    state = oracle(regression, bandit.S, bandit.A, loss="log", floor=floor)
    return play_contextual(
        "FastCB", contexts, state, rule, chosen, T, runs=runs, first_run=first_run, record=record, actions=actions,
        regret=regret, rng=rng,
    )  # fmt: skip


def falcon(
    bandit: ContextualBandit,
    regression: FiniteClass | TabularClass,
    *,
    horizon: int,
    delta: float = 0.05,
    scale: float = 1.0,
    available: Mask = None,
    runs: int = 1,
    first_run: int = 0,
    record: Record = None,
    actions: bool = False,
    regret: str = "expected",
    rng: Seed,
) -> ContextualRun:
    r"""FALCON: least squares on the previous epoch, epochs ending after 2, 4, 8, ... rounds.

    The first two rounds are uniform; after :math:`\tau` rounds the next epoch begins, with
    :math:`\gamma = \frac{\text{scale}}{30}\sqrt{K\tau/\ln(N\tau/\delta)}`.

    Parameters
    ----------
    bandit : ContextualBandit
    regression : FiniteClass or TabularClass
        N is the number of members; for a table, :math:`e^{SA}`.
    horizon : int
        Rounds of a run; the learner does not use it.
    delta : float
        In (0, 1).
    scale : float
        Factor on gamma, > 0; 1 is the published constant (recalled).
    available, runs, first_run, record, actions, regret, rng
        As for `square_cb`.

    Returns
    -------
    ContextualRun
        ``fits`` counts the regressions, ``gamma`` is that of the last epoch (of uniform play: 0).

    Raises
    ------
    ParameterError
        For an argument out of range.

    References
    ----------
    .. [1] Simchi-Levi, Xu (2022), Bypassing the Monster.
    """
    contexts = playable_contexts(bandit, available)
    T = check.count(horizon, "horizon")
    growth = check.number(scale, "scale", low=0.0, open_low=True) / 30.0
    if isinstance(regression, FiniteClass):
        size = math.log(regression.members.shape[0])
    elif isinstance(regression, TabularClass):
        size = float(bandit.S * bandit.A)
    else:
        raise ParameterError(f"falcon takes a FiniteClass or a TabularClass, not a {type(regression).__name__}")
    confusion = math.exp(min(700.0, size)) / check.fraction(delta, "delta")
    rule = Rule(INVERSE_GAP, 0.0, False, 0.0, 0.0, 1, growth, confusion)
    last = 2 ** ((T - 1).bit_length() - 1) if T > 2 else 0
    gamma = growth * math.sqrt(bandit.A * last / math.log(confusion * last)) if last else 0.0
    return play_contextual(
        "FALCON", contexts, oracle(regression, bandit.S, bandit.A), rule, gamma, T, runs=runs, first_run=first_run,
        record=record, actions=actions, regret=regret, rng=rng,
    )  # fmt: skip


def contextual_epsilon_greedy(
    bandit: ContextualBandit,
    regression: FiniteClass | TabularClass,
    *,
    horizon: int,
    epsilon: float | None = None,
    available: Mask = None,
    runs: int = 1,
    first_run: int = 0,
    record: Record = None,
    actions: bool = False,
    regret: str = "expected",
    rng: Seed,
) -> ContextualRun:
    r"""Epsilon-greedy over least squares on all rounds so far, refitted after 2, 4, 8, ... rounds.

    Parameters
    ----------
    bandit : ContextualBandit
    regression : FiniteClass or TabularClass
    horizon : int
        Rounds of a run, T.
    epsilon : float, optional
        Probability of exploration, in [0, 1]; :math:`\min(1, (K/T)^{1/3})` by default. 1 is uniform play, 0 greedy.
    available, runs, first_run, record, actions, regret, rng
        As for `square_cb`.

    Returns
    -------
    ContextualRun

    Raises
    ------
    ParameterError
        For an argument out of range.
    """
    contexts = playable_contexts(bandit, available)
    T = check.count(horizon, "horizon")
    if not isinstance(regression, FiniteClass | TabularClass):
        raise ParameterError(f"a FiniteClass or a TabularClass is needed, not a {type(regression).__name__}")
    default = min(1.0, (bandit.A / T) ** (1.0 / 3.0))
    chance = default if epsilon is None else check.number(epsilon, "epsilon", low=0.0, high=1.0)
    rule = Rule(EPSILON, chance, False, 0.0, 0.0, 2, 0.0, 0.0)
    return play_contextual(
        "epsilon-greedy", contexts, oracle(regression, bandit.S, bandit.A), rule, chance, T, runs=runs,
        first_run=first_run, record=record, actions=actions, regret=regret, rng=rng,
    )  # fmt: skip


def contextual_lin_ucb(
    bandit: ContextualBandit,
    regression: LinearClass,
    *,
    horizon: int,
    width: float | None = None,
    delta: float = 0.05,
    available: Mask = None,
    runs: int = 1,
    first_run: int = 0,
    record: Record = None,
    actions: bool = False,
    regret: str = "expected",
    rng: Seed,
) -> ContextualRun:
    r"""LinUCB: the action of largest ridge prediction plus ``width`` times :math:`\sqrt{x^\top A^{-1}x}`.

    Parameters
    ----------
    bandit : ContextualBandit
    regression : LinearClass
    horizon : int
        Rounds of a run, T.
    width : float, optional
        > 0; :math:`1 + \sqrt{\ln(2T/\delta)/2}` by default.
    delta : float
        In (0, 1).
    available, runs, first_run, record, actions, regret, rng
        As for `square_cb`.

    Returns
    -------
    ContextualRun
        ``error`` is that of the indices, width included.

    Raises
    ------
    ParameterError
        For an argument out of range.
    """
    contexts = playable_contexts(bandit, available)
    T = check.count(horizon, "horizon")
    if not isinstance(regression, LinearClass):
        raise ParameterError(f"contextual_lin_ucb takes a LinearClass, not a {type(regression).__name__}")
    level = check.fraction(delta, "delta")
    default = 1.0 + math.sqrt(math.log(2.0 * T / level) / 2.0)
    chosen = default if width is None else check.number(width, "width", low=0.0, open_low=True)
    rule = Rule(EPSILON, 0.0, False, 0.0, chosen, 0, 0.0, 0.0)
    return play_contextual(
        "LinUCB", contexts, oracle(regression, bandit.S, bandit.A), rule, 0.0, T, runs=runs, first_run=first_run,
        record=record, actions=actions, regret=regret, rng=rng,
    )  # fmt: skip
