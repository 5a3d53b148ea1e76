"""Exact number of queries that finding a good arm takes, by enumeration of what a learner can know."""

import functools

import numpy as np
import numpy.typing as npt

from tabular import _check as check
from tabular.errors import ParameterError

__all__ = ["hidden_arm_queries", "optimal_queries"]

#: Largest number of problems: sets of them are enumerated.
MOST_PROBLEMS = 16


def optimal_queries(rewards: npt.ArrayLike, tolerance: float, *, price: float | None = None) -> float:
    r"""Return the least expected number of noiseless queries on a uniformly drawn problem, over all learners.

    A learner knows the table, queries arms one by one, and puts out an arm whose suboptimality is below ``tolerance``
    whatever the problem is; randomisation does not help. What it knows is the set of problems that agree with all
    answers, and dynamic programming over these sets is exact.

    Parameters
    ----------
    rewards : array, shape (problems, k)
        What each arm pays in each problem; at most 16 problems. Answers closer than 1e-9 count as the same.
    tolerance : float
        > 0.
    price : float, optional
        With it a learner may put out a bad arm, and pays ``price`` times the probability of that; the value is then the
        least expected cost, a Lagrangian of the problem with a given failure probability.

    Returns
    -------
    float

    Raises
    ------
    ParameterError
        For an argument out of range, or too many problems.

    Examples
    --------
    >>> optimal_queries([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], 1.0)  # a hidden arm: (k+1)/2 - 1/k
    1.6666666666666665
    >>> optimal_queries([[0.1, 1.0], [0.2, 1.0]], 0.5)
    0.0
    """
    table = check.as_array(rewards, "rewards", ndim=2, error=ParameterError)
    problems, k = table.shape
    if problems > MOST_PROBLEMS:
        raise ParameterError(f"rewards has {problems} problems; sets of at most {MOST_PROBLEMS} are enumerated")
    accuracy = check.number(tolerance, "tolerance", low=0.0, open_low=True)
    cost = None if price is None else check.number(price, "price", low=0.0)
    good = table.max(axis=1, keepdims=True) - table < accuracy
    answers = np.round(table / 1e-9).astype(np.int64)

    @functools.cache
    def value(known: frozenset[int]) -> float:
        members = sorted(known)
        right = int(good[members].sum(axis=0).max())
        if right == len(members):
            return 0.0
        best = np.inf if cost is None else cost * (1.0 - right / len(members))
        for a in range(k):
            parts: dict[int, set[int]] = {}
            for problem in members:
                parts.setdefault(int(answers[problem, a]), set()).add(problem)
            if len(parts) > 1:
                ahead = sum(len(part) * value(frozenset(part)) for part in parts.values())
                best = min(best, 1.0 + ahead / len(members))
        return float(best)

    return value(frozenset(range(problems)))


def hidden_arm_queries(k: int, failure: float = 0.0) -> float:
    r"""Return the least expected number of queries that find the one of ``k`` arms that pays.

    Queries of arms that do not pay all have the same answer, so a learner is an order of arms and a time to give up.
    j queries cost :math:`j-j(j-1)/(2k)` on average and fail with probability :math:`(k-1-j)/k`: concave, so the best
    learner of failure probability q either asks nothing or looks until it knows (the last arm needs no query),
    :math:`((k+1)/2-1/k)(1-qk/(k-1))_+`.

    Parameters
    ----------
    k : int
    failure : float
        In [0, 1].

    Examples
    --------
    >>> hidden_arm_queries(4)
    2.25
    >>> hidden_arm_queries(4, 0.75)
    0.0
    """
    arms = check.count(k, "k")
    allowed = check.number(failure, "failure", low=0.0, high=1.0)
    if arms == 1:
        return 0.0
    return ((arms + 1.0) / 2.0 - 1.0 / arms) * max(0.0, 1.0 - allowed * arms / (arms - 1.0))
