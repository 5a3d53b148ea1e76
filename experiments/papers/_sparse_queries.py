"""Studies of query learners: guarantees of elimination, hidden arms, how the number of queries grows."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from bounds.query_complexity import hidden_arm_queries, optimal_queries
from experiments.instances import (
    coherence,
    equiangular_lines,
    hidden_arm,
    separated_vectors,
    sparse_misspecified,
    unit_vectors,
)
from experiments.instances.linear_bandits import MISSPECIFICATIONS
from experiments.study import Cell, Scale
from tabular.learning import bandit as learners
from tabular.learning.bandit import QueryRun
from tabular.models import LinearBandit
from tabular.streams import generator

__all__ = [
    "coherence_cells",
    "family_cells",
    "growth_cells",
    "hidden_cells",
    "net_cells",
    "noisy_cells",
    "run_coherence",
    "run_family",
    "run_growth",
    "run_hidden",
    "run_net",
    "run_noisy",
]

Arrays = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]


def _columns(rows: list[dict[str, float]]) -> Arrays:
    return {name: np.array([row[name] for row in rows], dtype=np.float64) for name in rows[0]}


def net_cells(scale: Scale) -> list[Cell]:
    """Dimension, sparsity, epsilon; at paper scale the whole grid."""
    if scale == "quick":
        grid = [(4, 1, 0.05, 200), (10, 1, 0.2, 200), (8, 2, 0.15, 300), (6, 3, 0.2, 200)]
        return [dict(d=d, s=s, eps=eps, k=k, instances=12, block=0) for d, s, eps, k in grid]
    return [
        dict(d=d, s=s, eps=eps, k=k, instances=5 if s == 3 and eps == 0.05 else 25, block=block)
        for d in (4, 6, 8, 10)
        for s in (1, 2, 3)
        for eps in (0.05, 0.1, 0.2)
        for block, k in enumerate((200, 500))
    ]


def run_net(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Both eliminations on random unit features with every kind of misspecification.

    Returns
    -------
    mapping
        One entry an instance: ``kind``; ``error``, ``queries``, ``stopped`` of net elimination, ``candidates`` of its
        net; ``half_stopped``, ``half_error``: with slack eps/2; ``index_error``, ``index_queries``, ``index_stopped``:
        index-set elimination, and ``unsure_stopped`` of it with slack 0.
    """
    d, s, eps = cell["d"], cell["s"], cell["eps"]
    rows = []
    for _ in range(cell["instances"]):
        x = unit_vectors(cell["k"], d, rng)
        order = learners.elimination_order(x, sparsity=s, resolution=eps)
        designs = learners.index_set_designs(x, sparsity=s)
        for kind in MISSPECIFICATIONS:
            bandit = sparse_misspecified(x, s, eps, kind, rng)
            run = learners.net_elimination(bandit, sparsity=s, epsilon=eps, order=order)
            half = learners.net_elimination(bandit, sparsity=s, epsilon=eps, order=order, slack=eps / 2)
            index = learners.index_set_elimination(bandit, sparsity=s, epsilon=eps, designs=designs)
            unsure = learners.index_set_elimination(bandit, sparsity=s, epsilon=eps, slack=0.0, designs=designs)
            rows.append(
                {
                    "kind": MISSPECIFICATIONS.index(kind),
                    "error": run.suboptimality,
                    "queries": run.queries,
                    "stopped": run.stopped,
                    "candidates": order.size,
                    "half_stopped": half.stopped,
                    "half_error": half.suboptimality,
                    "index_error": index.suboptimality,
                    "index_queries": index.queries,
                    "index_stopped": index.stopped,
                    "unsure_stopped": unsure.stopped,
                }
            )
    return _columns(rows)


def noisy_cells(scale: Scale) -> list[Cell]:
    """Blocks of runs with unit noise."""
    runs, blocks = (150, 1) if scale == "quick" else (500, 4)
    grid = [(6, 1, 0.1), (6, 2, 0.2)]
    return [dict(d=d, s=s, eps=eps, k=200, runs=runs, delta=0.05, block=b) for d, s, eps in grid for b in range(blocks)]


def run_noisy(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Noisy net elimination, adversarial misspecification, with the pulls of the theorem and with one pull an arm.

    Returns
    -------
    mapping
        One entry a run: ``error`` and ``single_error``, and ``repeats``, the pulls of a queried arm.
    """
    d, s, eps = cell["d"], cell["s"], cell["eps"]
    x = unit_vectors(cell["k"], d, rng)
    order = learners.elimination_order(x, sparsity=s, resolution=eps)
    how: dict[str, Any] = {"sparsity": s, "epsilon": eps, "delta": cell["delta"], "order": order}
    rows = []
    for _ in range(cell["runs"]):
        clean = sparse_misspecified(x, s, eps, "adversarial", rng)
        bandit = LinearBandit(x, clean.theta, 1.0, clean.misspecification)
        run = learners.noisy_net_elimination(bandit, **how, rng=rng)
        single = learners.noisy_net_elimination(bandit, **how, repeats=1, rng=rng)
        rows.append(
            {
                "error": run.suboptimality,
                "single_error": single.suboptimality,
                "repeats": run.pulls / run.queries,
            }
        )
    return _columns(rows)


def hidden_cells(scale: Scale) -> list[Cell]:
    """Exact programs on small families, and learners on larger ones."""
    exact: list[Cell] = [dict(part="exact", family="lines", s=s, k=s * (s + 1) // 2) for s in (2, 3)]
    exact += [
        dict(part="exact", family="random", s=s, k=k) for s, k in ((4, 8), (6, 10), (8, 11 if scale == "quick" else 12))
    ]
    played = [("lines", 2, 3), ("lines", 3, 6), ("random", 20, 50)]
    if scale == "paper":
        played += [("lines", 7, 28), ("random", 100, 500)]
    return exact + [dict(part="played", family=family, s=s, k=k) for family, s, k in played]


def _family(cell: Cell, rng: np.random.Generator) -> Floats:
    return equiangular_lines(cell["s"]) if cell["family"] == "lines" else unit_vectors(cell["k"], cell["s"], rng)


def _completed(run: QueryRun, arm: int, k: int) -> int:
    """Count queries until the hidden arm is known: those of the run, then all others; the last needs none."""
    order = list(run.arms) + [a for a in range(k) if a not in set(run.arms.tolist())]
    return min(order.index(arm) + 1, k - 1)


def _searches(
    s: int, k: int, epsilon: float, x: Floats
) -> dict[str, Callable[[LinearBandit, np.random.Generator], QueryRun]]:
    """Every learner that can be run on features of this size."""
    found: dict[str, Callable[[LinearBandit, np.random.Generator], QueryRun]] = {
        "one-shot design": lambda bandit, _: learners.one_shot_design(bandit),
        "index-set elimination": lambda bandit, _: learners.index_set_elimination(bandit, sparsity=s, epsilon=epsilon),
        "LASSO": lambda bandit, rng: learners.lasso_search(bandit, penalty=0.05, queries=k // 2, rng=rng),
        "exhaustive search": lambda bandit, rng: learners.exhaustive_search(bandit, rng=rng),
    }
    if s <= 20:
        found["sparse fit"] = lambda bandit, rng: learners.sparse_fit_search(bandit, sparsity=s, queries=k, rng=rng)
    if s <= 7:
        order = learners.elimination_order(x, sparsity=s, resolution=epsilon)
        found["net elimination"] = lambda bandit, _: learners.net_elimination(
            bandit, sparsity=s, epsilon=epsilon, order=order
        )
    return found


def run_hidden(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Count the queries that finding a hidden arm takes, by dynamic programming or by playing every hidden arm.

    Returns
    -------
    mapping
        ``coherence`` mu of the features, ``excess``: largest misspecification over hidden arms minus mu. Exact part:
        ``queries`` of the best learner, ``failing``: of those that fail with probability ``failure``, ``without``: of
        the best learner when the misspecification is removed (rewards are the inner products). Played part: ``learner``
        and ``mean`` queries until the arm is known, over all hidden arms at the same random draws; a learner that stops
        earlier goes on with the arms it has not seen.
    """
    x = _family(cell, rng)
    k, s = x.shape
    mu = coherence(x)
    excess = max(hidden_arm(x, arm).epsilon for arm in range(k)) - mu
    shared = {"coherence": np.array([mu]), "excess": np.array([excess])}
    if cell["part"] == "exact":
        failure = np.array([0.0, 0.1, 0.25, 0.5])
        values = np.array([optimal_queries(np.eye(k), 1.0, price=price) for price in (0.0, (k + 2) / 2, float(k))])
        prices = np.array([0.0, (k + 2) / 2, float(k)])
        return shared | {
            "queries": np.array([optimal_queries(np.array([hidden_arm(x, a).means for a in range(k)]), 1.0 - 1e-9)]),
            "failure": failure,
            "failing": (values[:, None] - prices[:, None] * failure).max(axis=0),
            "without": np.array([optimal_queries(x @ x.T, 1e-9)]),
        }
    eps = mu * (1.0 + 1e-9)
    searches = _searches(s, k, eps, x)
    means = []
    for search in searches.values():
        seed = int(rng.integers(2**32))
        runs = [search(hidden_arm(x, arm), generator(seed)) for arm in range(k)]
        means.append(np.mean([_completed(run, arm, k) for arm, run in enumerate(runs)]))
    return shared | {"learner": np.array(list(searches)), "mean": np.array(means)}


def family_cells(scale: Scale) -> list[Cell]:
    """Families of vectors with a fixed coherence, or with coherence s^-delta, over the dimension."""
    attempts = 2000 if scale == "quick" else 20_000
    fixed: list[Cell] = [dict(power=0.0, mu=0.5, d=d, attempts=attempts) for d in (4, 6, 8, 10, 12, 14)]
    sizes = {0.1: (4, 6, 8, 10, 12), 0.25: (10, 20, 30, 40, 50, 60)}
    return fixed + [
        dict(power=power, mu=float(s**-power), d=s, attempts=attempts) for power, many in sizes.items() for s in many
    ]


def run_family(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Pack vectors of bounded coherence, and count what finding a hidden one takes.

    Returns
    -------
    mapping
        ``k`` vectors, their ``coherence``, ``queries``: the least expected number of queries that find the hidden arm,
        ``without``: queries after which theta is known when the misspecification is removed.
    """
    x = separated_vectors(cell["d"], cell["mu"], attempts=cell["attempts"], rng=rng)
    k = x.shape[0]
    without, classes = 0, np.zeros(k, dtype=np.int64)
    while np.unique(classes).size < k:
        pair = np.stack([classes, np.round((x @ x[without]) / 1e-9).astype(np.int64)], axis=1)
        classes = np.unique(pair, axis=0, return_inverse=True)[1].reshape(-1)
        without += 1
    return {
        "k": np.array([k]),
        "coherence": np.array([coherence(x)]),
        "queries": np.array([hidden_arm_queries(k)]),
        "without": np.array([max(without, 1)]),
    }


GROWTH = {
    1: ((4, 8, 16, 32), 0.2),
    2: ((6, 8, 12, 16), 0.4),
    3: ((6, 8, 10, 12, 14, 16), 0.6),
}


def growth_cells(scale: Scale) -> list[Cell]:
    """Net elimination over the dimension at fixed eps, and over eps at fixed dimension."""
    k, runs = (800, 5) if scale == "quick" else (4000, 20)
    over_d: list[Cell] = [
        dict(axis="d", s=s, d=d, eps=eps, k=k, runs=runs) for s, (many, eps) in GROWTH.items() for d in many
    ]
    over_eps = [dict(axis="eps", s=s, d=6, eps=eps, k=k, runs=runs) for s in (1, 2) for eps in (0.4, 0.2, 0.1)]
    return over_d + over_eps


def run_growth(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Count queries of net elimination where nothing can be found (null) and on sparse rewards (uniform).

    Returns
    -------
    mapping
        One entry a run: ``null``, ``uniform``; and ``candidates``, the same in all runs.
    """
    s, eps = cell["s"], cell["eps"]
    rows = []
    for _ in range(cell["runs"]):
        x = unit_vectors(cell["k"], cell["d"], rng)
        order = learners.elimination_order(x, sparsity=s, resolution=eps)
        row = {"candidates": float(order.size)}
        for kind in ("null", "uniform"):
            bandit = sparse_misspecified(x, s, eps, kind, rng)
            row[kind] = learners.net_elimination(bandit, sparsity=s, epsilon=eps, order=order).queries
        rows.append(row)
    return _columns(rows)


def coherence_cells(scale: Scale) -> list[Cell]:
    """Sizes of random families."""
    grid = [(20, 50), (100, 500), (200, 2000)] + [(d, 200) for d in (10, 30, 60, 120)]
    return [dict(d=d, k=k, runs=5 if scale == "quick" else 50) for d, k in grid]


def run_coherence(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Coherence of independent uniform unit vectors, one entry a run."""
    values = [coherence(unit_vectors(cell["k"], cell["d"], rng)) for _ in range(cell["runs"])]
    return {"coherence": np.array(values)}
