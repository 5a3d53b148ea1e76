r"""Lower-confidence-bound offline learning: MAB-LCB, CB-LCB, VI-LCB, and the baselines they are compared with.

Rashidinejad, Zhu, Ma, Jiao and Russell, *Bridging Offline Reinforcement Learning and Imitation Learning: A Tale of
Pessimism* (NeurIPS 2021; IEEE Transactions on Information Theory 2022), Algorithms 1 to 3. The data are N
independent tuples (s, a, r, s') with (s, a) drawn from an unknown distribution; rewards lie in [0, 1].

With :math:`\ell = \log(2SA/\delta)` and :math:`h(s,a) = \sqrt{\ell/(2 n(s,a))}`, the bandit algorithms return, in each
context, the action of largest :math:`\hat r(s,a) - c\,h(s,a)`. VI-LCB iterates the same on backups, each on its own
part of the data, and changes value and action of a state only when the lower bound improves.

Deviations from the paper
-------------------------
1. ``unseen="never"`` (default) does not choose an unplayed pair while a played one exists; ``unseen="published"``
   scores
   it -1 as printed. As printed, an unplayed pair beats every played pair whose penalty exceeds ``1 + mean``.
2. The penalty is ``c`` times Hoeffding's width, with ``c=1`` for MAB-LCB (the paper's own), ``c=2`` for CB-LCB and
   ``c=1`` for VI-LCB; ``penalty="published"`` restores ``sqrt(2000 log(.) / n)`` for CB-LCB and VI-LCB (for MAB-LCB
   the two agree at ``c=1``). The constant 2000 is recalled, not yet seen in a source.
3. Ties go to the smallest action, or, when ``rng`` is given, to the first in one uniformly random order a state, drawn
   before the data are looked at.
4. ``cap``, ``split=False``, ``monotone=False``, ``penalty="bernstein"`` and ``c=0`` are not in the paper. The theorems
   about VI-LCB hold for ``split=True`` and ``monotone=True`` only.
"""

import math

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ...errors import ParameterError
from ...simulation.dataset import OfflineDataset
from ...streams import generator
from ._pessimism_kernels import _bandit_lcb, _most_played, _vi_lcb
from .results import OfflineResult, ValueIterationTrace

__all__ = [
    "best_empirical_arm",
    "cb_imitation",
    "cb_lcb",
    "empirical_value_iteration",
    "mab_lcb",
    "most_played_arm",
    "vi_lcb",
    "vi_lcb_trace",
    "vi_lcb_width",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Seed = int | np.random.SeedSequence | np.random.Generator

#: The constant of the paper's penalty for CB-LCB and VI-LCB (recalled).
PUBLISHED_CONSTANT = 2000.0


def _priority(S: int, A: int, rng: Seed | None) -> Floats:
    """Rank of every action for ties: the smallest action first, or uniformly random."""
    if rng is None:
        return np.tile(-np.arange(A, dtype=np.float64), (S, 1))
    return generator(rng).random((S, A))


def _single_state(data: OfflineDataset, name: str) -> None:
    if data.S != 1:
        raise ParameterError(f"data has S={data.S} states; {name} takes bandit data, S=1")


def _delta(delta: float | None, rows: int) -> float:
    """Confidence; the paper's 1/N by default, 1/2 where that would not be below 1."""
    return 1.0 / max(rows, 2) if delta is None else check.fraction(delta, "delta")


def _bandit_width(data: OfflineDataset, delta: float | None, c: float, penalty: str) -> float:
    """Factor of 1/sqrt(n) in the penalty."""
    check.choice(penalty, "penalty", ("hoeffding", "published"))
    log_term = math.log(2.0 * data.S * data.A / _delta(delta, data.N))
    if penalty == "published":
        return math.sqrt(PUBLISHED_CONSTANT * log_term)
    return check.number(c, "c", low=0.0) * math.sqrt(log_term / 2.0)


def _lower_bounds(
    data: OfflineDataset, width: float, cap: bool, unseen: str, rng: Seed | None, unseen_mean: float = -1.0
) -> OfflineResult:
    check.choice(unseen, "unseen", ("never", "published"))
    n, mean = data.counts().astype(np.float64), data.mean_rewards()
    policy, lcb = np.empty(data.S, dtype=np.int64), np.empty((data.S, data.A))
    ceiling = 1.0 if cap else math.inf
    score = unseen_mean if unseen == "published" else -math.inf
    _bandit_lcb(n, mean, width, ceiling, score, _priority(data.S, data.A, rng), policy, lcb)
    penalty = np.where(n > 0, np.minimum(width / np.sqrt(np.maximum(n, 1.0)), ceiling), 1.0)
    value = lcb[np.arange(data.S), policy]
    return OfflineResult(policy=policy, value=value, lcb=lcb, penalty=penalty, counts=n)


def mab_lcb(
    data: OfflineDataset,
    *,
    delta: float | None = None,
    c: float = 1.0,
    unseen: str = "never",
    cap: bool = False,
    rng: Seed | None = None,
) -> OfflineResult:
    r"""MAB-LCB (Algorithm 1; A1 in the docs): the arm of largest lower confidence bound.

    Parameters
    ----------
    data : OfflineDataset
        With ``S=1``; rewards in [0, 1].
    delta : float, optional
        Confidence in (0, 1); 1/N by default.
    c : float
        Penalty in units of :math:`\sqrt{\log(2A/\delta)/(2n)}`, >= 0. The paper's is 1.
    unseen : {"never", "published"}
        Whether an unplayed arm is left out while a played one exists, or scores -1.
    cap : bool
        Whether penalties are cut at 1.
    rng : int, SeedSequence or Generator, optional
        Random order for ties; the smallest action wins without it.

    Returns
    -------
    OfflineResult

    Raises
    ------
    ParameterError
        For data with several states or a parameter out of range.

    Examples
    --------
    >>> from tabular.simulation import OfflineDataset
    >>> data = OfflineDataset(s=[0] * 9, a=[0] * 8 + [1], r=[1, 1, 1, 0, 1, 1, 1, 1, 1.0], s_next=[0] * 9, S=1, A=2)
    >>> int(mab_lcb(data).policy[0]), int(best_empirical_arm(data).policy[0])
    (0, 1)
    """
    _single_state(data, "mab_lcb")
    return _lower_bounds(data, _bandit_width(data, delta, c, "hoeffding"), cap, unseen, rng)


def best_empirical_arm(data: OfflineDataset, *, rng: Seed | None = None) -> OfflineResult:
    """Best empirical arm (A2) of every context: no penalty, and mean 0 for a pair never played.

    Parameters
    ----------
    data : OfflineDataset
        Bandit or contextual data.
    rng : int, SeedSequence or Generator, optional
        Random order for ties; the smallest action wins without it.
    """
    result = _lower_bounds(data, 0.0, False, "published", rng, unseen_mean=0.0)
    return OfflineResult(result.policy, result.value, result.lcb, np.zeros_like(result.lcb), result.counts)


def most_played_arm(data: OfflineDataset, *, rng: Seed | None = None) -> OfflineResult:
    """Most-played arm (A3): imitation of the behaviour, without looking at rewards.

    Parameters
    ----------
    data : OfflineDataset
        With ``S=1``.
    rng : int, SeedSequence or Generator, optional
        Random order for ties; the smallest action wins without it.

    Raises
    ------
    ParameterError
        For data with several states.
    """
    _single_state(data, "most_played_arm")
    return cb_imitation(data, rng=rng)


def cb_lcb(
    data: OfflineDataset,
    *,
    delta: float | None = None,
    c: float = 2.0,
    penalty: str = "hoeffding",
    unseen: str = "never",
    cap: bool = False,
    rng: Seed | None = None,
) -> OfflineResult:
    r"""CB-LCB (Algorithm 2; A4 in the docs): in each context, the action of largest lower confidence bound.

    Parameters
    ----------
    data : OfflineDataset
        State is the context; rewards in [0, 1].
    delta : float, optional
        Confidence in (0, 1); 1/N by default.
    c : float
        Penalty in units of :math:`\sqrt{\log(2SA/\delta)/(2n)}`, >= 0; unused with ``penalty="published"``.
    penalty : {"hoeffding", "published"}
        ``"published"`` is :math:`\sqrt{2000\log(2SA/\delta)/n}`.
    unseen : {"never", "published"}
        Whether an unplayed pair is left out while a played one exists, or scores -1.
    cap : bool
        Whether penalties are cut at 1.
    rng : int, SeedSequence or Generator, optional
        Random order for ties; the smallest action wins without it.

    Returns
    -------
    OfflineResult

    Raises
    ------
    ParameterError
        For a parameter out of range.
    """
    return _lower_bounds(data, _bandit_width(data, delta, c, penalty), cap, unseen, rng)


def cb_imitation(data: OfflineDataset, *, rng: Seed | None = None) -> OfflineResult:
    """Most-played action of each state (A5); in an MDP this is behaviour cloning.

    Parameters
    ----------
    data : OfflineDataset
    rng : int, SeedSequence or Generator, optional
        Random order for ties; the smallest action wins without it.
    """
    n = data.counts().astype(np.float64)
    policy = np.empty(data.S, dtype=np.int64)
    _most_played(n, _priority(data.S, data.A, rng), policy)
    return OfflineResult(policy, n[np.arange(data.S), policy], n.copy(), np.zeros_like(n), n)


def _iterations(rows: int, gamma: float, iterations: int | None) -> int:
    """Return T = ceil(log N / (1 - gamma)), at least 1."""
    if iterations is not None:
        return check.count(iterations, "iterations")
    return max(1, math.ceil(math.log(max(rows, 1)) / (1.0 - gamma)))


def _parts(rows: int, T: int, split: bool) -> tuple[int, Ints, Ints]:
    """Rows of part 0, and first and last-plus-one row of parts 1..T."""
    if not split:
        return rows, np.zeros(T, dtype=np.int64), np.full(T, rows, dtype=np.int64)
    size, half = rows // (2 * T), rows // 2
    first = half + size * np.arange(T, dtype=np.int64)
    return half, first, first + size


def vi_lcb_trace(
    data: OfflineDataset,
    *,
    gamma: float,
    delta: float | None = None,
    c: float = 1.0,
    penalty: str = "hoeffding",
    split: bool = True,
    monotone: bool = True,
    cap: bool = False,
    iterations: int | None = None,
    rng: Seed | None = None,
) -> ValueIterationTrace:
    """Run `vi_lcb` and keep every iteration; parameters as there."""
    return _value_iteration(data, True, gamma, delta, c, penalty, split, monotone, cap, iterations, rng)


def vi_lcb(
    data: OfflineDataset,
    *,
    gamma: float,
    delta: float | None = None,
    c: float = 1.0,
    penalty: str = "hoeffding",
    split: bool = True,
    monotone: bool = True,
    cap: bool = False,
    iterations: int | None = None,
    rng: Seed | None = None,
) -> OfflineResult:
    r"""VI-LCB (Algorithm 3; A6 in the docs): pessimistic value iteration for discounted MDPs.

    Part 0 (the first half of the rows) fixes the imitation policy ``pi_0``; iteration t uses its own part of
    ``floor(N/(2T))`` rows. Rows are used in the order given and must be independent of it.

    Parameters
    ----------
    data : OfflineDataset
        Rewards in [0, 1].
    gamma : float
        Discount in [0, 1).
    delta : float, optional
        Confidence in (0, 1); 1/N by default.
    c : float
        Penalty in units of :math:`\sqrt{\log(2TSA/\delta)/(2n)}/(1-\gamma)`, >= 0; 1 makes the good event hold with
        probability at least ``1 - delta``. Unused with ``penalty="published"``.
    penalty : {"hoeffding", "published", "bernstein"}
        ``"published"``: :math:`\sqrt{2000\log(2(T+1)SA/\delta)/n}/(1-\gamma)`. ``"bernstein"``: ``c`` squared times the
        logarithm of Maurer and Pontil's empirical Bernstein bound, for comparison.
    split : bool
        False reuses all rows in every iteration: the proofs do not cover it.
    monotone : bool
        False updates every state at every iteration; then the last policy is greedy.
    cap : bool
        Whether penalties are cut at ``1/(1-gamma)``.
    iterations : int, optional
        T; ``ceil(log N / (1 - gamma))`` by default.
    rng : int, SeedSequence or Generator, optional
        Random order for ties; the smallest action wins without it.

    Returns
    -------
    OfflineResult
        ``value`` is the pessimistic value ``V_T``.

    Raises
    ------
    ParameterError
        For a parameter out of range.

    Notes
    -----
    An unsampled pair has ``Q = -b < 0`` and ``V_0 = 0``, so the monotone update never chooses it: there is no
    ``unseen`` option. Cost: O(N + T S A), without splitting O(T (N + S A)).
    """
    trace = _value_iteration(data, False, gamma, delta, c, penalty, split, monotone, cap, iterations, rng)
    return OfflineResult(
        policy=trace.policy[-1].copy(),
        value=trace.V[-1].copy(),
        lcb=trace.Q[-1],
        penalty=trace.penalty[-1],
        counts=trace.counts,
        iterations=trace.V.shape[0] - 1,
    )


def empirical_value_iteration(
    data: OfflineDataset, *, gamma: float, iterations: int | None = None, rng: Seed | None = None
) -> OfflineResult:
    """Value iteration on the empirical model: VI-LCB with ``c=0`` and all rows in every iteration.

    Pairs without samples have value 0 and are chosen only where imitation already chose them.

    Parameters
    ----------
    data : OfflineDataset
        Rewards >= 0.
    gamma : float
        Discount in [0, 1).
    iterations : int, optional
        ``ceil(log N / (1 - gamma))`` by default.
    rng : int, SeedSequence or Generator, optional
        Random order for ties; the smallest action wins without it.
    """
    return vi_lcb(data, gamma=gamma, c=0.0, split=False, iterations=iterations, rng=rng)


def vi_lcb_width(S: int, A: int, T: int, delta: float, *, c: float = 1.0, penalty: str = "hoeffding") -> float:
    r"""Factor of :math:`1/((1-\gamma)\sqrt n)` in the penalty of `vi_lcb`.

    Its square is the logarithm for Bernstein.
    """
    check.choice(penalty, "penalty", ("hoeffding", "published", "bernstein"))
    c = check.number(c, "c", low=0.0)
    if penalty == "published":
        return math.sqrt(PUBLISHED_CONSTANT * math.log(2.0 * (T + 1) * S * A / delta))
    if penalty == "bernstein":
        return c * math.sqrt(math.log(4.0 * T * S * A / delta))
    return c * math.sqrt(0.5 * math.log(2.0 * T * S * A / delta))


def _value_iteration(
    data: OfflineDataset, keep: bool, gamma: float, delta: float | None, c: float, penalty: str, split: bool,
    monotone: bool, cap: bool, iterations: int | None, rng: Seed | None,
) -> ValueIterationTrace:  # fmt: skip
    gamma = check.number(gamma, "gamma", low=0.0, high=1.0, open_high=True)
    S, A, T = data.S, data.A, _iterations(data.N, gamma, iterations)
    width = vi_lcb_width(S, A, T, _delta(delta, data.N), c=c, penalty=penalty)
    # an infinite Bernstein width at n < 2 must not meet 0 * inf or an infinite value
    ceiling = 1.0 / (1.0 - gamma) if cap or penalty == "bernstein" else math.inf
    half, start, stop = _parts(data.N, T, split)
    priority = _priority(S, A, rng)
    V, policy = np.zeros((T + 1, S)), np.zeros((T + 1, S), dtype=np.int64)
    kept = T if keep else 1
    Q, b = np.empty((kept, S, A)), np.empty((kept, S, A))
    n, total, square = np.zeros((S, A)), np.zeros((S, A)), np.zeros((S, A))
    np.add.at(n, (data.s[:half], data.a[:half]), 1.0)
    _most_played(n, priority, policy[0])
    _vi_lcb(
        data.s, data.a, data.r, data.s_next, np.ones(data.N), start, stop, gamma, width, ceiling,
        penalty == "bernstein", monotone, priority, n, total, square, V, policy, Q, b,
    )  # fmt: skip
    return ValueIterationTrace(V=V, policy=policy, Q=Q, penalty=b, counts=n)
