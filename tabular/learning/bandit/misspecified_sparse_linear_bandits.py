r"""Queries for a good arm where rewards are nearly linear and sparse (Dong and Yang 2023).

Mean rewards are :math:`\langle x_a,\theta\rangle+\Delta_a` with :math:`\lvert\Delta_a\rvert\le\epsilon`,
:math:`\lVert x_a\rVert,\lVert\theta\rVert\le1` and at most s entries of theta different from 0.

- `net_elimination` goes through a net of all sparse parameters, best predicted reward first, and stops at the first
  prediction that a query confirms: error :math:`4\epsilon`, a number of queries without exp(d).
- `noisy_net_elimination` does so with means of repeated pulls, error :math:`6\epsilon`.
- `design_queries` holds what works by least squares instead: elimination of index sets, and the fit on one design.

Two small numbers are kept apart: ``epsilon`` bounds the misspecification, ``resolution`` is that of the net.

Deviations from the paper, whose constants were not seen in a source: the net is a grid around 0, on each support, with
cells of half-diagonal ``resolution``.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ..._jit import kernel
from ...errors import ParameterError
from ...models import LinearBandit
from ...streams import generator
from .query_results import QueryRun, noiseless, outcome

__all__ = [
    "EliminationOrder",
    "elimination_order",
    "net_elimination",
    "noisy_net_elimination",
    "sparse_net_bound",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Seed = int | np.random.SeedSequence | np.random.Generator

#: Largest number of candidates that an order may have.
MOST_CANDIDATES = 50_000_000


@dataclass(frozen=True, slots=True, eq=False)
class EliminationOrder:
    """The candidates of a net, best predicted reward first; it depends on the features alone.

    Attributes
    ----------
    arms : ndarray of int64, shape (n,)
        The arm that each candidate thinks best (lowest index on ties).
    values : ndarray, shape (n,)
        What it predicts for that arm; non-increasing.
    sparsity : int
    resolution : float
    """

    arms: Ints
    values: Floats
    sparsity: int
    resolution: float

    @property
    def size(self) -> int:
        """Number of candidates."""
        return int(self.arms.shape[0])


@kernel
def _grid_points(s: int, cells: int, width: float, reach: float, out: Floats) -> int:
    """Write the centres of ``cells ** s`` cubes of ``width`` around 0 with norm <= ``reach``; return their number.

    With an ``out`` of no rows they are only counted.
    """
    index = np.zeros(s, dtype=np.int64)
    found = 0
    while True:
        square = 0.0
        for i in range(s):
            entry = (index[i] - 0.5 * (cells - 1)) * width
            square += entry * entry
        if math.sqrt(square) <= reach:
            if found < out.shape[0]:
                for i in range(s):
                    out[found, i] = (index[i] - 0.5 * (cells - 1)) * width
            found += 1
        i = s - 1
        while i >= 0 and index[i] == cells - 1:
            index[i] = 0
            i -= 1
        if i < 0:
            return found
        index[i] += 1


@kernel
def _candidate_values(x: Floats, supports: Ints, grid: Floats, values: Floats, arms: Ints) -> None:
    """Fill ``values`` and ``arms`` (supports * grid points): the largest inner product, and who attains it."""
    k, s = x.shape[0], supports.shape[1]
    columns = np.empty((k, s))
    n = 0
    for c in range(supports.shape[0]):
        for a in range(k):
            for i in range(s):
                columns[a, i] = x[a, supports[c, i]]
        for g in range(grid.shape[0]):
            best, arm = -math.inf, 0
            for a in range(k):
                product = 0.0
                for i in range(s):
                    product += columns[a, i] * grid[g, i]
                if product > best:
                    best, arm = product, a
            values[n], arms[n] = best, arm
            n += 1


@kernel
def _eliminate(arms: Ints, values: Floats, rewards: Floats, slack: float, seen: Ints) -> tuple[int, int]:
    """Query arms in order until a reward is within ``slack`` of its value; return how many were distinct, and where.

    ``seen`` (k,) receives the distinct queried arms in order. Where none was confirmed the second number is
    ``arms.shape[0]``.
    """
    known = np.zeros(rewards.shape[0], dtype=np.bool_)
    distinct = 0
    for n in range(arms.shape[0]):
        a = arms[n]
        if not known[a]:
            known[a] = True
            seen[distinct] = a
            distinct += 1
        if rewards[a] >= values[n] - slack:
            return distinct, n
    return distinct, arms.shape[0]


def sparse_net_bound(d: int, sparsity: int, resolution: float) -> float:
    r"""Return :math:`\binom ds(\sqrt s/\epsilon+2)^s`, which bounds the number of candidates of a net.

    Parameters
    ----------
    d, sparsity : int
    resolution : float
        Largest distance of a parameter to the net, > 0.
    """
    s = check.count(sparsity, "sparsity", high=check.count(d, "d"))
    eps = check.number(resolution, "resolution", low=0.0, open_low=True)
    return math.comb(d, s) * (math.sqrt(s) / eps + 2.0) ** s


def elimination_order(actions: npt.ArrayLike, *, sparsity: int, resolution: float) -> EliminationOrder:
    r"""Return the order in which `net_elimination` goes through the net; runs on the same features can share it.

    Parameters
    ----------
    actions : array, shape (k, d)
    sparsity : int
        Entries of theta different from 0, at most; between 1 and d.
    resolution : float
        Every parameter of norm at most 1 has a candidate within this distance, > 0.

    Returns
    -------
    EliminationOrder

    Raises
    ------
    ParameterError
        For an argument out of range, or a net of more than 5e7 candidates.

    Examples
    --------
    >>> order = elimination_order([[1.0, 0.0], [0.0, 1.0]], sparsity=1, resolution=0.5)
    >>> order.arms.tolist(), order.values.tolist()
    ([0, 1, 1, 0], [0.5, 0.5, 0.0, 0.0])
    """
    x = check.as_array(actions, "actions", ndim=2, error=ParameterError)
    d = x.shape[1]
    s = check.count(sparsity, "sparsity", high=d)
    eps = check.number(resolution, "resolution", low=1e-9)
    cells = math.ceil(math.sqrt(s) / eps * (1.0 - 1e-12))
    if math.comb(d, s) * float(cells) ** s > 16.0 * MOST_CANDIDATES:
        raise ParameterError(f"sparsity {s} and resolution {eps:g} make a net of {cells}^{s} points on each support")
    width = 2.0 * eps / math.sqrt(s)
    reach = (1.0 + eps) * (1.0 + 1e-12)
    points = _grid_points(s, cells, width, reach, np.empty((0, s)))
    size = points * math.comb(d, s)
    if size > MOST_CANDIDATES:
        raise ParameterError(
            f"sparsity {s} and resolution {eps:g} make {size} candidates, of {MOST_CANDIDATES} allowed"
        )
    grid = np.empty((points, s))
    _grid_points(s, cells, width, reach, grid)
    supports = np.array(list(itertools.combinations(range(d), s)), dtype=np.int64)
    values, arms = np.empty(size), np.empty(size, dtype=np.int64)
    _candidate_values(x, supports, grid, values, arms)
    order = np.argsort(-values, kind="stable")
    return EliminationOrder(arms[order], values[order], s, eps)


def _order_for(
    bandit: LinearBandit, order: EliminationOrder | None, sparsity: int, resolution: float
) -> EliminationOrder:
    if order is None:
        return elimination_order(bandit.actions, sparsity=sparsity, resolution=resolution)
    if order.sparsity != sparsity or order.resolution != resolution:
        raise ParameterError(
            f"order was made for sparsity {order.sparsity} and resolution {order.resolution:g}, not {sparsity} and "
            f"{resolution:g}"
        )
    if order.arms.max() >= bandit.A:
        raise ParameterError(f"order knows arm {order.arms.max()}; the bandit has {bandit.A} arms")
    return order


def net_elimination(
    bandit: LinearBandit,
    *,
    sparsity: int,
    epsilon: float,
    resolution: float | None = None,
    slack: float | None = None,
    order: EliminationOrder | None = None,
) -> QueryRun:
    r"""Find a :math:`2(\epsilon+\rho)`-optimal arm by elimination of the parameters of a net, rho its resolution.

    Candidates are taken by decreasing predicted reward; one is confirmed when the reward of its arm is within
    :math:`\epsilon+\rho` of its prediction, and its arm is put out. Queries are never repeated.

    Parameters
    ----------
    bandit : LinearBandit
        Without noise; features and theta of norm at most 1, at most ``sparsity`` entries of theta different from 0.
    sparsity : int
    epsilon : float
        Known bound on the misspecification, >= 0.
    resolution : float, optional
        Of the net, > 0; ``epsilon`` by default, which gives the error :math:`4\epsilon`.
    slack : float, optional
        In place of ``epsilon + resolution``, >= 0; a smaller one breaks the theorem.
    order : EliminationOrder, optional
        From `elimination_order` for the same features, sparsity and resolution.

    Returns
    -------
    QueryRun
        At most ``min(k, sparse_net_bound(d, sparsity, resolution))`` queries.

    Raises
    ------
    ParameterError
        For an argument out of range, a bandit with noise, or an order made for something else.

    Examples
    --------
    >>> bandit = LinearBandit([[1.0, 0.0], [0.0, 1.0]], [0.0, 1.0], 0.0)
    >>> run = net_elimination(bandit, sparsity=1, epsilon=0.1)
    >>> run.arm, run.arms.tolist(), run.stopped
    (1, [0, 1], True)
    """
    rewards = noiseless(bandit, "net_elimination")
    s = check.count(sparsity, "sparsity", high=bandit.d)
    eps = check.number(epsilon, "epsilon", low=0.0)
    fine = check.number(eps if resolution is None else resolution, "resolution", low=0.0, open_low=True)
    allowed = eps + fine if slack is None else check.number(slack, "slack", low=0.0)
    plan = _order_for(bandit, order, s, fine)
    return _run_net("net elimination", bandit, plan, rewards, allowed * (1.0 + 1e-12), 1)


def _run_net(
    name: str, bandit: LinearBandit, plan: EliminationOrder, rewards: Floats, slack: float, repeats: int
) -> QueryRun:
    seen = np.empty(bandit.A, dtype=np.int64)
    distinct, where = _eliminate(plan.arms, plan.values, rewards, slack, seen)
    queried = seen[:distinct]
    stopped = where < plan.size
    arm = int(plan.arms[where]) if stopped else int(queried[np.argmax(rewards[queried])])
    return QueryRun(**outcome(name, bandit, arm, queried, stopped, distinct * repeats))


def noisy_net_elimination(
    bandit: LinearBandit,
    *,
    sparsity: int,
    epsilon: float,
    delta: float = 0.05,
    repeats: int | None = None,
    order: EliminationOrder | None = None,
    rng: Seed,
) -> QueryRun:
    r"""Find a :math:`6\epsilon`-optimal arm with probability :math:`1-\delta` from rewards with normal noise.

    As `net_elimination` with a net of resolution epsilon, where the reward of an arm is the mean of
    :math:`\lceil8\sigma^2\log(2N/\delta)/\epsilon^2\rceil` pulls, N the number of candidates, and :math:`3\epsilon` is
    allowed instead of :math:`2\epsilon`. Every mean is then within :math:`\epsilon/2` except with probability delta.

    Parameters
    ----------
    bandit : LinearBandit
    sparsity : int
    epsilon : float
        Known bound on the misspecification, > 0.
    delta : float
        In (0, 1).
    repeats : int, optional
        Pulls of a queried arm in place of those above; fewer break the theorem.
    order : EliminationOrder, optional
        For resolution ``epsilon``.
    rng : int, SeedSequence or Generator
        One normal an arm is drawn before anything else, the error of its mean.

    Returns
    -------
    QueryRun
        ``pulls`` counts the repeats.

    Raises
    ------
    ParameterError
        For an argument out of range, or an order made for something else.
    """
    if not isinstance(bandit, LinearBandit):
        raise ParameterError(f"noisy_net_elimination queries a LinearBandit, not a {type(bandit).__name__}")
    s = check.count(sparsity, "sparsity", high=bandit.d)
    eps = check.number(epsilon, "epsilon", low=0.0, open_low=True)
    level = check.fraction(delta, "delta")
    plan = _order_for(bandit, order, s, eps)
    published = max(1, math.ceil(8.0 * bandit.noise_std**2 * math.log(2.0 * plan.size / level) / eps**2))
    n = published if repeats is None else check.count(repeats, "repeats")
    means = bandit.means + generator(rng).normal(size=bandit.A) * bandit.noise_std / math.sqrt(n)
    return _run_net("net elimination, noisy", bandit, plan, means, 3.0 * eps, n)
