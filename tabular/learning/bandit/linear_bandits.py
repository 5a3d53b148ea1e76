r"""Learners for linear bandits: LinUCB, phased elimination on G-optimal designs, EXP2 with their exploration.

- `lin_ucb` (OFUL; Abbasi-Yadkori, Pál and Szepesvári 2011; Lattimore and Szepesvári 2020, Theorem 19.2) pulls the arm
  of largest :math:`\langle x_a,\hat\theta\rangle+\sqrt{\beta}\,\lVert x_a\rVert_{V^{-1}}`.
- `phased_elimination` (there, Algorithm 12; with misspecification Lattimore, Szepesvári and Weisz 2020) splits the
  pulls of each phase by a G-optimal design over the arms left, and drops those whose estimate falls short.
- `exp2` (Bubeck, Cesa-Bianchi and Kakade 2012; Lattimore and Szepesvári 2020, Theorem 27.1) is exponential weights on
  least-squares estimates of adversarial linear losses, mixed with the G-optimal design.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ..._jit import kernel
from ...errors import ParameterError
from ...models import LinearBandit
from ._play import ADVERSARIAL, GAUSSIAN, Arms, Horizon, Seed, _draw_weighted, _reward, play
from .optimal_design import _invert, design_in_span, g_optimal_design
from .results import BanditRun

__all__ = ["exp2", "lin_ucb", "phased_elimination"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Record = Sequence[int] | npt.ArrayLike | None

DESIGN_STEPS = 100_000
TAU = 0.01


@kernel
def _play_lin_ucb(
    arms: Arms, x: Floats, ridge: float, offset: float, sigma: float, level: float, scale: float, what: Horizon,
    rng: np.random.Generator, spent: Floats, pulls: Ints, actions: Ints,
) -> None:  # fmt: skip
    """One run; the radius is ``scale (offset + sigma sqrt(level + log det V / ridge^d))``."""
    k, d = x.shape
    inverse, moment, theta = np.eye(d) / ridge, np.zeros(d), np.zeros(d)
    square, direction = np.empty(k), np.empty(d)
    for a in range(k):
        square[a] = 0.0
        for i in range(d):
            square[a] += x[a, i] * x[a, i] / ridge
    log_det, recorded, cost = 0.0, 0, 0.0
    for t in range(what.n):
        for i in range(d):
            theta[i] = 0.0
            for j in range(d):
                theta[i] += inverse[i, j] * moment[j]
        radius = scale * (offset + sigma * math.sqrt(level + log_det))
        pulled, best = 0, -math.inf
        for a in range(k):
            index = radius * math.sqrt(max(square[a], 0.0))
            for i in range(d):
                index += x[a, i] * theta[i]
            if index > best:
                best, pulled = index, a
        reward = _reward(arms, t, pulled, rng)
        growth = 1.0 + square[pulled]
        log_det += math.log(growth)
        for i in range(d):
            moment[i] += reward * x[pulled, i]
            direction[i] = 0.0
            for j in range(d):
                direction[i] += inverse[i, j] * x[pulled, j]
        for i in range(d):
            for j in range(d):
                inverse[i, j] -= direction[i] * direction[j] / growth
        for a in range(k):
            product = 0.0
            for i in range(d):
                product += x[a, i] * direction[i]
            square[a] -= product * product / growth
        pulls[pulled] += 1
        cost += arms.cost[0, pulled]
        if t < actions.shape[0]:
            actions[t] = pulled
        if recorded < what.rounds.shape[0] and t + 1 == what.rounds[recorded]:
            spent[recorded] = cost
            recorded += 1


def _linear_arms(bandit: LinearBandit, name: str) -> Arms:
    if not isinstance(bandit, LinearBandit):
        raise ParameterError(f"{name} plays a LinearBandit, not a {type(bandit).__name__}")
    means = bandit.means
    gaps = (means.max() - means)[None]
    std = np.full(bandit.A, bandit.noise_std)
    for part in (means, gaps, std):
        part.setflags(write=False)
    return Arms(GAUSSIAN, means, std, gaps, 0)


def _deviation(bandit: LinearBandit, sigma: float | None) -> float:
    return bandit.noise_std if sigma is None else check.number(sigma, "sigma", low=0.0)


def _level(delta: float | None, horizon: int) -> float:
    """Return delta: 1/n where none is given, and 1/2 for a single round."""
    return 1.0 / max(horizon, 2) if delta is None else check.fraction(delta, "delta")


def lin_ucb(
    bandit: LinearBandit,
    *,
    horizon: int,
    delta: float | None = None,
    regularisation: float = 1.0,
    theta_bound: float = 1.0,
    sigma: float | None = None,
    scale: float = 1.0,
    runs: int = 1,
    first_run: int = 0,
    record: Record = None,
    actions: bool = False,
    rng: Seed,
) -> BanditRun:
    r"""LinUCB (OFUL): optimism over an ellipsoid around the ridge estimate.

    Parameters
    ----------
    bandit : LinearBandit
    horizon : int
        Rounds of a run, n.
    delta : float, optional
        Failure probability of the ellipsoid; 1/n by default.
    regularisation : float
        Ridge penalty lambda, at least 1e-12.
    theta_bound : float
        Bound on the norm of theta, >= 0.
    sigma : float, optional
        Subgaussian constant of the noise; that of the bandit by default.
    scale : float
        Factor on the radius
        :math:`\sqrt\lambda\,m+\sigma\sqrt{2\log(1/\delta)+\log(\det V/\lambda^d)}`; 1 in the theorem, 0 is greedy.
    runs : int
        Independent runs. Run i draws from child i of ``rng``, whichever runs are made together.
    first_run : int
        Index of the first run.
    record : array of int, optional
        Rounds at which the regret is kept, increasing; about 200 spaced evenly on a logarithmic scale by default.
    actions : bool
        Whether to keep the pulled arms; the memory is then O(runs n).
    rng : int, SeedSequence or Generator
        Parent of the streams of the runs. A round draws one normal.

    Returns
    -------
    BanditRun

    Raises
    ------
    ParameterError
        For an argument out of range, or a bandit of another kind.

    References
    ----------
    .. [1] Lattimore, Szepesvári (2020), Bandit Algorithms, Theorem 19.2.

    Examples
    --------
    >>> bandit = LinearBandit([[1.0, 0.0], [0.0, 1.0]], [0.9, 0.1], 0.1)
    >>> bool(lin_ucb(bandit, horizon=1000, rng=0).regret[0, -1] < 20.0)
    True
    """
    n, arms = check.count(horizon, "horizon"), _linear_arms(bandit, "lin_ucb")
    ridge = check.number(regularisation, "regularisation", low=1e-12)
    offset = math.sqrt(ridge) * check.number(theta_bound, "theta_bound", low=0.0)
    level, factor, spread = -2.0 * math.log(_level(delta, n)), check.number(scale, "scale"), _deviation(bandit, sigma)

    def one_run(what: Horizon, stream: np.random.Generator, spent: Floats, pulls: Ints, history: Ints) -> None:
        _play_lin_ucb(arms, bandit.actions, ridge, offset, spread, level, factor, what, stream, spent, pulls, history)

    how: dict[str, Any] = {"runs": runs, "first_run": first_run, "record": record, "actions": actions, "rng": rng}
    return play("LinUCB", arms, one_run, horizon=n, regret="pulled", **how)


def _phase(schedule: str, phase: int, d: int, k: int, level: float, sigma: float) -> tuple[float, float]:
    """Return how many pulls a phase (from 1) has, and by how much an arm may fall short after it."""
    log = math.log(k * phase * (phase + 1) / level)
    if schedule == "textbook":
        accuracy = 2.0**-phase
        return 2.0 * sigma * sigma * d * log / accuracy**2, 2.0 * accuracy
    least = 4.0 * d * max(0.0, math.log(math.log(d))) + 16.0 if d > 1 else 16.0
    pulls = 2.0**phase * least
    return pulls, 4.0 * sigma * math.sqrt(d / pulls * log)


def phased_elimination(
    bandit: LinearBandit,
    *,
    horizon: int,
    delta: float | None = None,
    schedule: str = "doubling",
    epsilon: float = 0.0,
    sigma: float | None = None,
    scale: float = 1.0,
    runs: int = 1,
    first_run: int = 0,
    record: Record = None,
    actions: bool = False,
    rng: Seed,
) -> BanditRun:
    r"""Phased elimination: each phase pulls a G-optimal design over the arms left, and drops those far from the best.

    Parameters
    ----------
    bandit : LinearBandit
        Features that do not span their space are taken in coordinates of their span.
    horizon : int
        Rounds of a run, n.
    delta : float, optional
        Failure probability; 1/n by default.
    schedule : {"doubling", "textbook"}
        ``"doubling"``: phase l has :math:`m_l=2^l(4d\log\log d+16)` pulls, and an arm may fall short by
        :math:`4\sigma\sqrt{(d/m_l)\log(kl(l+1)/\delta)}` [2]_. ``"textbook"``:
        :math:`2\sigma^2d\,4^l\log(kl(l+1)/\delta)` pulls and :math:`2\cdot2^{-l}` [1]_. An arm of weight w in the
        design has :math:`\lceil wm_l\rceil` pulls.
    epsilon : float
        Known bound on the misspecification, >= 0; :math:`2\epsilon\sqrt{2d}` is added to what an arm may fall short by.
    sigma : float, optional
        Subgaussian constant of the noise; that of the bandit by default.
    scale : float
        Factor on what an arm may fall short by, >= 0: 1 is published, 0 keeps the best estimate alone.
    runs, first_run, record, actions
        As for `lin_ucb`.
    rng : int, SeedSequence or Generator
        Parent of the streams of the runs. A phase draws one normal for each arm that it pulls: the error of its mean.

    Returns
    -------
    BanditRun

    Raises
    ------
    ParameterError
        For an argument out of range, or a bandit of another kind.

    References
    ----------
    .. [1] Lattimore, Szepesvári (2020), Bandit Algorithms, Algorithm 12, Theorem 22.1.
    .. [2] Lattimore, Szepesvári, Weisz (2020), Learning with good feature representations in bandits and in RL.
    """
    n, arms = check.count(horizon, "horizon"), _linear_arms(bandit, "phased_elimination")
    level, spread = _level(delta, n), _deviation(bandit, sigma)
    which = check.choice(schedule, "schedule", ("doubling", "textbook"))
    known, factor = check.number(epsilon, "epsilon", low=0.0), check.number(scale, "scale", low=0.0)
    designs: dict[bytes, tuple[Any, Floats]] = {}

    def design(active: Ints) -> tuple[Any, Floats]:
        key = active.tobytes()
        if key not in designs:
            designs[key] = design_in_span(np.ascontiguousarray(bandit.actions[active]), TAU, DESIGN_STEPS)
        return designs[key]

    def one_run(what: Horizon, stream: np.random.Generator, spent: Floats, pulls: Ints, history: Ints) -> None:
        active, played, phase = np.arange(bandit.A), 0, 0
        ends, costs = [0.0], [0.0]
        while played < n:
            phase += 1
            found, z = design(active)
            budget, shortfall = _phase(which, phase, max(found.d, 1), bandit.A, level, spread)
            wanted = np.ceil(np.minimum(found.weights[found.support] * budget, float(n))).astype(np.int64)
            wanted = np.maximum(wanted, 1)
            if active.size == 1:
                wanted = np.array([n - played])
            for a, m in zip(active[found.support], wanted, strict=True):
                m = min(int(m), n - played)
                history[played : min(played + m, history.shape[0])] = a
                pulls[a] += m
                played += m
                ends.append(float(played))
                costs.append(costs[-1] + m * arms.cost[0, a])
            if played < n and found.d:
                part = z[found.support]
                means = arms.means[active[found.support]]
                seen = means + stream.normal(size=means.shape[0]) * bandit.noise_std / np.sqrt(wanted)
                theta = np.linalg.solve((part * wanted[:, None]).T @ part, part.T @ (wanted * seen))
                estimate = z @ theta
                allowed = factor * (shortfall + 2.0 * known * math.sqrt(2.0 * found.d))
                active = active[estimate >= estimate.max() - allowed]
        spent[:] = np.interp(what.rounds, ends, costs)

    how: dict[str, Any] = {"runs": runs, "first_run": first_run, "record": record, "actions": actions, "rng": rng}
    return play(f"phased elimination ({which})", arms, one_run, horizon=n, regret="pulled", **how)


@kernel
def _play_exp2(
    arms: Arms, x: Floats, design: Floats, eta: float, gamma: float, what: Horizon, rng: np.random.Generator,
    spent: Floats, pulls: Ints, actions: Ints,
) -> None:  # fmt: skip
    """One run of exponential weights on least-squares estimates; ``design`` (k,) is mixed in with weight ``gamma``."""
    k, d = x.shape
    estimate, weight, probability = np.zeros(k), np.empty(k), np.empty(k)
    information, inverse, slope = np.empty((d, d)), np.empty((d, d)), np.empty(d)
    recorded, cost = 0, 0.0
    for t in range(what.n):
        least = np.min(estimate)
        total = 0.0
        for a in range(k):
            weight[a] = math.exp(-eta * (estimate[a] - least))
            total += weight[a]
        information[:] = 0.0
        for a in range(k):
            probability[a] = (1.0 - gamma) * weight[a] / total + gamma * design[a]
            for i in range(d):
                for j in range(d):
                    information[i, j] += probability[a] * x[a, i] * x[a, j]
        pulled = _draw_weighted(probability, 1.0, rng.random())
        if what.expected:
            for a in range(k):
                cost += probability[a] * arms.cost[t, a]
        else:
            cost += arms.cost[t, pulled]
        loss = 1.0 - _reward(arms, t, pulled, rng)
        _invert(information, inverse)
        for i in range(d):
            slope[i] = 0.0
            for j in range(d):
                slope[i] += inverse[i, j] * x[pulled, j] * loss
        for a in range(k):
            for i in range(d):
                estimate[a] += x[a, i] * slope[i]
        pulls[pulled] += 1
        if t < actions.shape[0]:
            actions[t] = pulled
        if recorded < what.rounds.shape[0] and t + 1 == what.rounds[recorded]:
            spent[recorded] = cost
            recorded += 1


def exp2(
    actions: npt.ArrayLike,
    coefficients: npt.ArrayLike,
    *,
    eta: float | None = None,
    gamma: float | None = None,
    exploration: str = "optimal",
    regret: str = "expected",
    runs: int = 1,
    first_run: int = 0,
    record: Record = None,
    history: bool = False,
    rng: Seed,
) -> BanditRun:
    r"""EXP2 with Kiefer-Wolfowitz exploration: adversarial losses that are linear in features.

    Parameters
    ----------
    actions : array, shape (k, d)
        Features of the arms, which span the space.
    coefficients : array, shape (n, d)
        Row t fixes the losses of round t, ``actions @ coefficients[t]``, all in [-1, 1].
    eta : float, optional
        Learning rate, > 0; :math:`\sqrt{\log k/(3dn)}` by default, as in the theorem.
    gamma : float, optional
        Share of exploration in (0, 1]; :math:`\min(1, \eta d)` by default.
    exploration : {"optimal", "uniform"}
        What is mixed in: the G-optimal design, or all arms alike, for which the theorem does not hold.
    regret : {"expected", "pulled"}
        What a round costs: ``"expected"`` sums ``p(a) loss(a)``, ``"pulled"`` takes the loss of the pulled arm.
    runs, first_run, record
        As for `lin_ucb`.
    history : bool
        Whether to keep the pulled arms; the memory is then O(runs n).
    rng : int, SeedSequence or Generator
        Parent of the streams of the runs. A round draws one uniform.

    Returns
    -------
    BanditRun

    Raises
    ------
    ParameterError
        For an argument out of range, arms that do not span the space, or a loss outside of [-1, 1].

    References
    ----------
    .. [1] Lattimore, Szepesvári (2020), Bandit Algorithms, Theorem 27.1: regret at most
       :math:`2\sqrt{3dn\log k}` for losses in [-1, 1] and k >= 2 arms.

    Examples
    --------
    >>> run = exp2([[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0]] * 500, rng=0)
    >>> bool(run.regret[0, -1] < 2 * math.sqrt(3 * 2 * 500 * math.log(2)))
    True
    """
    x = check.as_array(actions, "actions", ndim=2, error=ParameterError)
    theta = check.as_array(coefficients, "coefficients", ndim=2, error=ParameterError)
    (k, d), n = x.shape, theta.shape[0]
    if theta.shape[1] != d:
        raise ParameterError(f"coefficients has {theta.shape[1]} columns; {d} are needed, one for each feature")
    cost = np.ascontiguousarray(theta @ x.T)
    outside = ~(np.abs(cost) <= 1.0 + 1e-12)
    if outside.any():
        t, a = np.argwhere(outside)[0]
        raise ParameterError(f"the loss of arm {a} in round {t} is {cost[t, a]:.17g}; losses lie in [-1, 1]")
    rate = math.sqrt(math.log(max(k, 2)) / (3.0 * d * n)) if eta is None else eta
    rate = check.number(rate, "eta", low=0.0, open_low=True)
    share = min(1.0, rate * d) if gamma is None else gamma
    share = check.number(share, "gamma", low=0.0, high=1.0, open_low=True)
    optimal = check.choice(exploration, "exploration", ("optimal", "uniform")) == "optimal"
    design = np.array(g_optimal_design(x, tau=TAU).weights)
    mixed = design if optimal else np.full(k, 1.0 / k)
    nothing = np.zeros(k)
    for part in (cost, nothing, mixed):
        part.setflags(write=False)
    arms = Arms(ADVERSARIAL, nothing, nothing, cost, 1)

    def one_run(what: Horizon, stream: np.random.Generator, spent: Floats, pulls: Ints, kept: Ints) -> None:
        _play_exp2(arms, x, mixed, rate, share, what, stream, spent, pulls, kept)

    how: dict[str, Any] = {"runs": runs, "first_run": first_run, "record": record, "actions": history, "rng": rng}
    return play("EXP2", arms, one_run, horizon=n, regret=regret, **how)
