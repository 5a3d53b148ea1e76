"""Baselines that query arms without a guarantee: every arm, or the optimum of a sparse fit to what was seen."""

import itertools
import math

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ..._jit import kernel
from ...models import LinearBandit
from ...streams import generator
from .query_results import QueryRun, noiseless, outcome

__all__ = ["exhaustive_search", "lasso_search", "sparse_fit_search"]

Floats = npt.NDArray[np.float64]
Seed = int | np.random.SeedSequence | np.random.Generator


@kernel
def _lasso(x: Floats, y: Floats, penalty: float, sweeps: int, theta: Floats) -> None:
    """Cyclic coordinate descent on ``|y - x theta|^2 / (2 n) + penalty |theta|_1``, in place from ``theta`` (d,)."""
    n, d = x.shape
    residual = np.empty(n)
    for i in range(n):
        residual[i] = y[i]
        for j in range(d):
            residual[i] -= x[i, j] * theta[j]
    for _ in range(sweeps):
        moved = 0.0
        for j in range(d):
            square, product = 0.0, 0.0
            for i in range(n):
                square += x[i, j] * x[i, j]
                product += x[i, j] * residual[i]
            if square == 0.0:
                continue
            target = (product + square * theta[j]) / n
            size = max(abs(target) - penalty, 0.0)
            new = math.copysign(size, target) * n / square
            change = new - theta[j]
            if change != 0.0:
                theta[j] = new
                moved = max(moved, abs(change))
                for i in range(n):
                    residual[i] -= change * x[i, j]
        if moved <= 1e-12:
            return


def exhaustive_search(bandit: LinearBandit, *, rng: Seed) -> QueryRun:
    """Query every arm once, in uniformly random order, and put out the best.

    Parameters
    ----------
    bandit : LinearBandit
        Without noise.
    rng : int, SeedSequence or Generator
        One permutation is drawn.

    Returns
    -------
    QueryRun

    Raises
    ------
    ParameterError
        For a bandit with noise.
    """
    rewards = noiseless(bandit, "exhaustive_search")
    order = generator(rng).permutation(bandit.A)
    return QueryRun(**outcome("exhaustive search", bandit, int(np.argmax(rewards)), order, True))


def _best_subset(x: Floats, y: Floats, s: int) -> Floats:
    """Coefficients (d,) of the least-squares fit on the support of size s with the least residual; first on ties."""
    best, least = np.zeros(x.shape[1]), math.inf
    for support in itertools.combinations(range(x.shape[1]), s):
        columns = x[:, support]
        theta = np.linalg.lstsq(columns, y, rcond=None)[0]
        residual = float(((columns @ theta - y) ** 2).sum())
        if residual < least - 1e-15:
            least = residual
            best = np.zeros(x.shape[1])
            best[list(support)] = theta
    return best


def sparse_fit_search(bandit: LinearBandit, *, sparsity: int, queries: int, rng: Seed) -> QueryRun:
    """Fit the best subset of features to what was seen, query the optimum of the fit, and so on until it was seen.

    Parameters
    ----------
    bandit : LinearBandit
        Without noise.
    sparsity : int
        Features in the fit, between 1 and d.
    queries : int
        Largest number of queries.
    rng : int, SeedSequence or Generator
        One integer is drawn, the first arm.

    Returns
    -------
    QueryRun
        Puts out the best arm it saw; ``stopped`` where the optimum of the last fit had been queried.

    Raises
    ------
    ParameterError
        For an argument out of range, or a bandit with noise.
    """
    rewards = noiseless(bandit, "sparse_fit_search")
    s = check.count(sparsity, "sparsity", high=bandit.d)
    most = check.count(queries, "queries")
    seen = [int(generator(rng).integers(bandit.A))]
    stopped = False
    while not stopped and len(seen) < most:
        arm = int(np.argmax(bandit.actions @ _best_subset(bandit.actions[seen], rewards[seen], s)))
        stopped = arm in seen
        if not stopped:
            seen.append(arm)
    best = max(seen, key=lambda a: (rewards[a], -a))
    return QueryRun(**outcome("sparse fit", bandit, best, seen, stopped))


def lasso_search(bandit: LinearBandit, *, penalty: float, queries: int, rng: Seed) -> QueryRun:
    """Query random arms, fit the LASSO to them, query the optimum of the fit as well, and put out the best arm seen.

    Parameters
    ----------
    bandit : LinearBandit
        Without noise.
    penalty : float
        Weight of the sum of absolute coefficients against half the mean square residual, >= 0.
    queries : int
        Random arms, without repetition; all of them if there are no more.
    rng : int, SeedSequence or Generator
        One permutation is drawn.

    Returns
    -------
    QueryRun

    Raises
    ------
    ParameterError
        For an argument out of range, or a bandit with noise.
    """
    rewards = noiseless(bandit, "lasso_search")
    weight = check.number(penalty, "penalty", low=0.0)
    seen = generator(rng).permutation(bandit.A)[: check.count(queries, "queries")].tolist()
    theta = np.zeros(bandit.d)
    _lasso(np.ascontiguousarray(bandit.actions[seen]), rewards[seen], weight, 1000, theta)
    arm = int(np.argmax(bandit.actions @ theta))
    if arm not in seen:
        seen.append(arm)
    best = max(seen, key=lambda a: (rewards[a], -a))
    return QueryRun(**outcome("LASSO", bandit, best, seen, True))
