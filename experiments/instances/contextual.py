"""Contextual bandits with a class of candidate regressions: realisable, misspecified, of small loss; and on a grid."""

import numpy as np
import numpy.typing as npt

from tabular import _check as check
from tabular.learning.bandit import FiniteClass
from tabular.models import ContextualBandit
from tabular.streams import generator

__all__ = ["clear_contexts", "misleading_contexts", "random_contextual", "small_loss_contexts", "waves_on_a_grid"]

Floats = npt.NDArray[np.float64]
Seed = int | np.random.SeedSequence | np.random.Generator
Problem = tuple[ContextualBandit, FiniteClass]


def _uniform(S: int, means: Floats) -> ContextualBandit:
    return ContextualBandit(np.full(S, 1.0 / S), means)


def random_contextual(S: int = 10, A: int = 5, *, members: int = 50, rng: Seed) -> Problem:
    """Return uniform contexts with uniform mean rewards, and a class of random tables that holds the true one.

    Parameters
    ----------
    S, A : int
    members : int
        Size N of the class, at least 2; the truth is its first member.
    rng : int, SeedSequence or Generator
    """
    S, A, N = check.count(S, "S"), check.count(A, "A"), check.count(members, "members", low=2)
    table = generator(rng).random((N, S, A))
    return _uniform(S, table[0]), FiniteClass(table)


def clear_contexts(S: int = 10, A: int = 5, *, members: int = 50, rng: Seed) -> Problem:
    """Return contexts whose best action pays 0.8 to 0.9 and every other 0.1 to 0.3; other members deal them anew.

    Parameters
    ----------
    S, A, members, rng
        As for `random_contextual`.
    """
    S, A, N = check.count(S, "S"), check.count(A, "A"), check.count(members, "members", low=2)
    random = generator(rng)
    table = random.uniform(0.1, 0.3, size=(N, S, A))
    best = random.integers(0, A, size=(N, S))
    np.put_along_axis(table, best[:, :, None], random.uniform(0.8, 0.9, size=(N, S, 1)), axis=2)
    return _uniform(S, table[0]), FiniteClass(table)


def misleading_contexts(S: int = 10, A: int = 5, *, error: float, members: int = 50, rng: Seed) -> Problem:
    r"""Return a class whose best member is everywhere within ``error`` of the truth and prefers wrong actions.

    In each context one action pays :math:`0.5 + \varepsilon`, a second :math:`0.5 - 0.8\varepsilon`, the others at most
    0.2. The best member predicts :math:`0.5 + 0.2\varepsilon` for the second and :math:`0.5` for the first, so that
    greedy play of it loses :math:`1.8\varepsilon` a round; the other members are random.

    Parameters
    ----------
    S, A, members, rng
        As for `random_contextual`; A is at least 2.
    error : float
        :math:`\varepsilon`, in (0, 0.25].
    """
    S, A, N = check.count(S, "S"), check.count(A, "A", low=2), check.count(members, "members", low=2)
    eps = check.number(error, "error", low=0.0, high=0.25, open_low=True)
    random = generator(rng)
    table = random.random((N, S, A))
    truth = random.uniform(0.0, 0.2, size=(S, A))
    for s in range(S):
        first, second = random.permutation(A)[:2]
        truth[s, first], truth[s, second] = 0.5 + eps, 0.5 - 0.8 * eps
        table[0, s] = truth[s]
        table[0, s, first], table[0, s, second] = 0.5, 0.5 + 0.2 * eps
    return _uniform(S, truth), FiniteClass(table)


def small_loss_contexts(S: int = 10, A: int = 5, *, loss: float, members: int = 50, rng: Seed) -> Problem:
    """Return contexts whose best action has mean loss ``loss`` and every other 0.3 to 0.6; others deal them anew.

    Parameters
    ----------
    S, A, members, rng
        As for `random_contextual`.
    loss : float
        Loss 1 - reward of the optimal policy a round, in (0, 0.3].
    """
    S, A, N = check.count(S, "S"), check.count(A, "A"), check.count(members, "members", low=2)
    least = check.number(loss, "loss", low=0.0, high=0.3, open_low=True)
    random = generator(rng)
    table = 1.0 - random.uniform(0.3 + least, 0.6, size=(N, S, A))
    best = random.integers(0, A, size=(N, S))
    np.put_along_axis(table, best[:, :, None], 1.0 - least, axis=2)
    return _uniform(S, table[0]), FiniteClass(table)


def waves_on_a_grid(S: int = 10, A: int = 3, *, rng: Seed) -> tuple[ContextualBandit, Floats]:
    r"""Return smooth mean rewards over a grid, and the features (1, z) under which they are not linear.

    Contexts z are S equidistant points of [-1, 1], equally likely; the mean reward of action a is the logistic
    function of :math:`1.2\sum_{j=0}^5c_{aj}\cos(j\pi z/2+\varphi_j)/(1+j)`, coefficients standard normal, phases
    uniform in [0, 2 pi) and common to the actions.

    Parameters
    ----------
    S : int
        At least 2.
    A : int
    rng : int, SeedSequence or Generator

    Returns
    -------
    bandit : ContextualBandit
    features : ndarray, shape (S, 2)
    """
    S, A = check.count(S, "S", low=2), check.count(A, "A")
    random = generator(rng)
    z = np.linspace(-1.0, 1.0, S)
    c = random.normal(size=(A, 6))
    phase = random.uniform(0.0, 2.0 * np.pi, size=6)
    order = np.arange(6)
    waves = np.cos(order[:, None] * np.pi * z[None] / 2.0 + phase[:, None]) / (1.0 + order[:, None])
    means = 1.0 / (1.0 + np.exp(-1.2 * (c @ waves)))
    return _uniform(S, means.T), np.stack([np.ones(S), z], axis=1)
