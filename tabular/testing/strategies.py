"""Hypothesis strategies for models, policies and data, with the corner cases that break algorithms.

Probabilities are multiples of 1/64 and rewards multiples of 1/8 unless
``dyadic=False``: the float model then *is* the exact model, and no tolerance
hides in the input. Tables contain impossible transitions, sure ones, absorbing
states, duplicated actions (exact ties), single states and actions, and rewards
at 0 and at 1.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from ..errors import MissingExtra
from ..models import (
    AdversarialBandit,
    AverageRewardMDP,
    BernoulliBandit,
    ContextualBandit,
    DiscountedMDP,
    EpisodicMDP,
    GaussianBandit,
    MatrixGame,
    normalise,
)
from ..simulation import OfflineDataset

try:
    from hypothesis import strategies as st
    from hypothesis.strategies import DrawFn, SearchStrategy
except ImportError:
    raise MissingExtra("hypothesis", "test", "tabular.testing.strategies") from None

__all__ = [
    "adversarial_bandits",
    "average_reward_mdps",
    "bandits",
    "contextual_bandits",
    "discounted_mdps",
    "distributions",
    "episodic_mdps",
    "gaussian_bandits",
    "matrix_games",
    "offline_datasets",
    "policies",
]

Array = npt.NDArray[np.float64]
AnyMDP = EpisodicMDP | DiscountedMDP | AverageRewardMDP

#: Denominators of dyadic probabilities and rewards.
_PARTS = 64
_LEVELS = 8


@st.composite
def _distributions(draw: DrawFn, n: int, dyadic: bool) -> Array:
    if n == 1:
        return np.ones(1)
    kind = draw(st.sampled_from(("sure", "spread")))
    if kind == "sure":
        row = np.zeros(n)
        row[draw(st.integers(0, n - 1))] = 1.0
        return row
    if dyadic:
        cuts = sorted(draw(st.lists(st.integers(0, _PARTS), min_size=n - 1, max_size=n - 1)))
        return np.diff([0, *cuts, _PARTS]) / _PARTS
    weight = st.one_of(st.just(0.0), st.floats(1e-9, 1.0))
    weights = draw(st.lists(weight, min_size=n, max_size=n).filter(any))
    return normalise(weights)


def distributions(n: int, *, dyadic: bool = True) -> "SearchStrategy[Array]":
    """Probability vectors of shape (n,): sure outcomes, impossible ones, and everything between.

    Parameters
    ----------
    n : int
        Number of outcomes, >= 1.
    dyadic : bool
        Whether probabilities are multiples of 1/64 (rows then sum to 1 exactly).

    Returns
    -------
    SearchStrategy
    """
    return _distributions(n, dyadic)


def _unit(dyadic: bool) -> "SearchStrategy[float]":
    """Numbers in [0, 1], the ends included often."""
    if dyadic:
        return st.one_of(st.sampled_from((0.0, 1.0)), st.integers(0, _LEVELS).map(lambda k: k / _LEVELS))
    return st.one_of(st.sampled_from((0.0, 1.0)), st.floats(0.0, 1.0, allow_subnormal=False))


@st.composite
def _tables(draw: DrawFn, S: int, A: int, dyadic: bool) -> tuple[Array, Array]:
    """One step's ``P[s, a, s']`` and ``r[s, a]``."""
    P = np.empty((S, A, S))
    r = np.empty((S, A))
    for s in range(S):
        shape = draw(st.sampled_from(("free", "free", "absorbing", "tied")))
        for a in range(A):
            P[s, a] = draw(_distributions(S, dyadic))
            r[s, a] = draw(_unit(dyadic))
        if shape == "absorbing":
            P[s] = np.eye(S)[s]
        elif shape == "tied":
            P[s], r[s] = P[s, 0], r[s, 0]
    return P, r


def _size(largest: int) -> "SearchStrategy[int]":
    return st.integers(1, largest)


@st.composite
def episodic_mdps(
    draw: DrawFn, *, max_states: int = 4, max_actions: int = 3, max_horizon: int = 4, dyadic: bool = True
) -> EpisodicMDP:
    """Finite-horizon models, stationary ones among them.

    Parameters
    ----------
    max_states, max_actions, max_horizon : int
        Largest sizes; the smallest is 1.
    dyadic : bool
        Whether probabilities are multiples of 1/64 and rewards of 1/8.

    Returns
    -------
    SearchStrategy
        Of `EpisodicMDP`, with rewards in [0, 1].
    """
    S, A, H = draw(_size(max_states)), draw(_size(max_actions)), draw(_size(max_horizon))
    mu0 = draw(_distributions(S, dyadic))
    if draw(st.booleans()):
        P, r = draw(_tables(S, A, dyadic))
        return EpisodicMDP(P, r, mu0, H=H)
    steps = [draw(_tables(S, A, dyadic)) for _ in range(H)]
    return EpisodicMDP(np.stack([P for P, _ in steps]), np.stack([r for _, r in steps]), mu0)


@st.composite
def _stationary(draw: DrawFn, max_states: int, max_actions: int, dyadic: bool, sparse: bool | None) -> Any:
    S, A = draw(_size(max_states)), draw(_size(max_actions))
    P, r = draw(_tables(S, A, dyadic))
    mu0 = draw(_distributions(S, dyadic))
    compressed = draw(st.booleans()) if sparse is None else sparse
    return (sp.csr_array(P.reshape(S * A, S)) if compressed else P), r, mu0


@st.composite
def discounted_mdps(
    draw: DrawFn,
    *,
    max_states: int = 4,
    max_actions: int = 3,
    dyadic: bool = True,
    sparse: bool | None = False,
    max_gamma: float = 0.984375,
) -> DiscountedMDP:
    """Discounted models; ``gamma`` is 0, or a multiple of 1/64 with ``dyadic``, up to ``max_gamma``.

    Parameters
    ----------
    max_states, max_actions : int
        Largest sizes; the smallest is 1.
    dyadic : bool
        Whether probabilities and discounts are multiples of 1/64 and rewards of 1/8.
    sparse : bool or None
        Whether transitions are stored in CSR form; None draws both.
    max_gamma : float
        Largest discount, in [0, 1).

    Returns
    -------
    SearchStrategy
        Of `DiscountedMDP`, with rewards in [0, 1].
    """
    P, r, mu0 = draw(_stationary(max_states, max_actions, dyadic, sparse))
    gammas = st.integers(0, int(max_gamma * _PARTS)).map(lambda k: k / _PARTS) if dyadic else st.floats(0.0, max_gamma)
    gamma = draw(gammas)
    return DiscountedMDP(P, r, gamma, mu0)


@st.composite
def average_reward_mdps(
    draw: DrawFn, *, max_states: int = 4, max_actions: int = 3, dyadic: bool = True, sparse: bool | None = False
) -> AverageRewardMDP:
    """Average-reward models: multichain, periodic and transient ones among them.

    Parameters
    ----------
    max_states, max_actions : int
        Largest sizes; the smallest is 1.
    dyadic : bool
        Whether probabilities are multiples of 1/64 and rewards of 1/8.
    sparse : bool or None
        Whether transitions are stored in CSR form; None draws both.

    Returns
    -------
    SearchStrategy
        Of `AverageRewardMDP`, with rewards in [0, 1].
    """
    P, r, mu0 = draw(_stationary(max_states, max_actions, dyadic, sparse))
    return AverageRewardMDP(P, r, mu0)


def _vectors(size: int, dyadic: bool) -> "SearchStrategy[list[float]]":
    free = st.lists(_unit(dyadic), min_size=size, max_size=size)
    return st.one_of(free, _unit(dyadic).map(lambda mean: [mean] * size))


def bandits(*, max_arms: int = 5, dyadic: bool = True) -> "SearchStrategy[BernoulliBandit]":
    """`BernoulliBandit` models: means at 0 and 1, ties, a single arm.

    Parameters
    ----------
    max_arms : int
        Largest number of arms; the smallest is 1.
    dyadic : bool
        Whether means are multiples of 1/8.

    Returns
    -------
    SearchStrategy
    """
    return (
        _size(max_arms).flatmap(lambda size: _vectors(size, dyadic)).map(lambda means: BernoulliBandit(np.array(means)))
    )


@st.composite
def gaussian_bandits(draw: DrawFn, *, max_arms: int = 5, dyadic: bool = True) -> GaussianBandit:
    """`GaussianBandit` models with means in [-1, 1] and standard deviations from 0 to 2.

    Parameters
    ----------
    max_arms : int
        Largest number of arms; the smallest is 1.
    dyadic : bool
        Whether means and deviations are multiples of 1/4.

    Returns
    -------
    SearchStrategy
    """
    A = draw(_size(max_arms))
    means = 2.0 * np.array(draw(_vectors(A, dyadic))) - 1.0
    return GaussianBandit(means, 2.0 * np.array(draw(_vectors(A, dyadic))))


@st.composite
def adversarial_bandits(
    draw: DrawFn, *, max_rounds: int = 12, max_arms: int = 4, dyadic: bool = True
) -> AdversarialBandit:
    """`AdversarialBandit` models; rounds in which all arms cost the same among them.

    Parameters
    ----------
    max_rounds, max_arms : int
        Largest sizes; the smallest is 1.
    dyadic : bool
        Whether losses are multiples of 1/8.

    Returns
    -------
    SearchStrategy
    """
    T, A = draw(_size(max_rounds)), draw(_size(max_arms))
    return AdversarialBandit(np.array([draw(_vectors(A, dyadic)) for _ in range(T)]))


@st.composite
def contextual_bandits(
    draw: DrawFn, *, max_contexts: int = 4, max_arms: int = 4, dyadic: bool = True
) -> ContextualBandit:
    """`ContextualBandit` models; contexts that never occur among them.

    Parameters
    ----------
    max_contexts, max_arms : int
        Largest sizes; the smallest is 1.
    dyadic : bool
        Whether probabilities are multiples of 1/64 and means of 1/8.

    Returns
    -------
    SearchStrategy
    """
    S, A = draw(_size(max_contexts)), draw(_size(max_arms))
    return ContextualBandit(draw(_distributions(S, dyadic)), np.array([draw(_vectors(A, dyadic)) for _ in range(S)]))


@st.composite
def matrix_games(draw: DrawFn, *, max_actions: int = 4, dyadic: bool = True) -> MatrixGame:
    """`MatrixGame` models with payoffs in [-1, 1]; games with a pure saddle and constant games among them.

    Parameters
    ----------
    max_actions : int
        Largest number of actions of each player; the smallest is 1.
    dyadic : bool
        Whether payoffs are multiples of 1/4.

    Returns
    -------
    SearchStrategy
    """
    rows, columns = draw(_size(max_actions)), draw(_size(max_actions))
    return MatrixGame(2.0 * np.array(draw(_vectors(rows * columns, dyadic))).reshape(rows, columns) - 1.0)


@st.composite
def policies(
    draw: DrawFn, mdp: AnyMDP, *, stochastic: bool | None = None, stationary: bool | None = None, dyadic: bool = True
) -> npt.NDArray[Any]:
    """Policies of ``mdp``.

    Parameters
    ----------
    mdp : EpisodicMDP, DiscountedMDP or AverageRewardMDP
        The model that they are for.
    stochastic : bool or None
        Probabilities (a last axis ``A``) or actions; None draws both.
    stationary : bool or None
        For an `EpisodicMDP`: one rule for all steps, or one a step; None draws both.
    dyadic : bool
        Whether probabilities are multiples of 1/64.

    Returns
    -------
    SearchStrategy
        Of int64 arrays ``(S,)`` or ``(H, S)``, or float64 arrays with a last axis ``A``.
    """
    shape = mdp.r.shape[:-1]
    if isinstance(mdp, EpisodicMDP) and (draw(st.booleans()) if stationary is None else stationary):
        shape = shape[1:]
    size = int(np.prod(shape))
    if draw(st.booleans()) if stochastic is None else stochastic:
        rows = [draw(_distributions(mdp.A, dyadic)) for _ in range(size)]
        return np.array(rows).reshape(*shape, mdp.A)
    actions = draw(st.lists(st.integers(0, mdp.A - 1), min_size=size, max_size=size))
    return np.array(actions, dtype=np.int64).reshape(shape)


@st.composite
def offline_datasets(
    draw: DrawFn, mdp: AnyMDP | None = None, *, min_rows: int = 0, max_rows: int = 20
) -> OfflineDataset:
    """Datasets that ``mdp`` can have produced; unseen pairs and repeated rows among them.

    Parameters
    ----------
    mdp : EpisodicMDP, DiscountedMDP or AverageRewardMDP, optional
        Where next states come from (impossible ones never occur). Drawn from `discounted_mdps` by default.
    min_rows, max_rows : int
        Range of the number of rows.

    Returns
    -------
    SearchStrategy
        Of `OfflineDataset`, with rewards 0 or 1, and with the step ``h`` for an `EpisodicMDP`.
    """
    model: AnyMDP = draw(discounted_mdps()) if mdp is None else mdp
    episodic = isinstance(model, EpisodicMDP)
    H = model.r.shape[0] if isinstance(model, EpisodicMDP) else 1
    P = model.P if isinstance(model, EpisodicMDP) else model.dense_P()[None]
    cells = st.tuples(st.integers(0, H - 1), st.integers(0, model.S - 1), st.integers(0, model.A - 1))
    h, s, a, r, s_next = [], [], [], [], []
    for _ in range(draw(st.integers(min_rows, max_rows))):
        cell = draw(cells)
        h.append(cell[0])
        s.append(cell[1])
        a.append(cell[2])
        s_next.append(draw(st.sampled_from(np.flatnonzero(P[cell]).tolist())))
        r.append(draw(st.sampled_from((0.0, 1.0))))
    columns = [np.array(column, dtype=np.int64) for column in (s, a, s_next, h)]
    return OfflineDataset(
        columns[0], columns[1], np.array(r), columns[2], model.S, model.A,
        h=columns[3] if episodic else None, H=H if episodic else None,
    )  # fmt: skip
