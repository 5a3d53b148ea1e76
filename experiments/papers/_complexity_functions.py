"""Evidence on function classes: eluder dimension, Bellman rank, inherent Bellman error, effective horizons."""

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from bounds import complexity
from experiments import instances
from experiments.study import Cell, Scale, Study
from tabular import planning
from tabular.models import EpisodicMDP, LinearMDP

from ._complexity_models import cells, episodic_model
from ._table import Table

__all__ = ["STUDIES", "enclose", "fit", "rank_linear", "rank_tabular"]

Array = npt.NDArray[np.float64]
Arrays = Mapping[str, npt.NDArray[Any]]

SLUG = "complexity-measures"
#: Longest sequence 3 at eps' near 1, but 2 at eps' = 0.01; three functions in units of 1/10.
THREE = np.array([[0.0, 0.0, 0.0], [6.0, 11.0, 0.0], [12.0, 11.0, 11.0]])


def longest_by_orderings(f: Array, eps: float, *, larger_scales: bool = True) -> int:
    """Return the eluder dimension of integer-valued functions by trying all orderings at every scale that matters.

    Sums of squares are integers, so both conditions change at square roots of integers only.
    """
    i, j = np.triu_indices(f.shape[0], k=1)
    squares = (f[i] - f[j]) ** 2
    scales = [eps**2]
    if larger_scales:
        scales += list(range(math.floor(eps**2) + 1, int(squares.max(initial=0.0))))

    def extend(left: frozenset[int], sums: Array, scale: float) -> int:
        usable = squares[sums <= scale]
        independent = [x for x in left if np.any(usable[:, x] > scale)]
        return max((1 + extend(left - {x}, sums + squares[:, x], scale) for x in independent), default=0)

    points = frozenset(range(f.shape[1]))
    return max(extend(points, np.zeros(len(squares)), scale) for scale in scales)


def run_eluder(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Compare the eluder dimension with all orderings, on integer-valued classes of at most 6 points."""
    table = Table("eluder", "dimension", "upper", "orderings", "one_scale")
    for i in range(cell["count"]):
        n, size = int(rng.integers(2, cell["points"] + 1)), int(rng.integers(2, 7))
        f = rng.integers(0, int(rng.integers(2, 7)), size=(size, n)).astype(np.float64)
        eps = float(rng.choice([0.0, 0.5, 1.0, 1.5]))
        name = f"class {i} ({size} functions, {n} points, eps={eps:g})"
        if i == 0:
            f, eps, name = THREE, 0.1, "three functions, eps=0.1"
        found = complexity.eluder_dimension(f, eps)
        table.add(
            name,
            dimension=found.lower,
            upper=found.upper,
            orderings=longest_by_orderings(f, eps),
            one_scale=longest_by_orderings(f, eps, larger_scales=False),
        )
    return table.arrays()


def run_sandwich(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Measure star number, threshold dimension and eluder dimension of random binary classes, and of unions of two."""
    table = Table("sandwich", "star", "threshold", "dimension", "power", "trivial", "larger_part", "union")
    for i in range(cell["count"]):
        n = int(rng.integers(2, 9))
        sizes = rng.integers(2, 13, size=2)
        f, g = (np.unique(rng.random((size, n)) < rng.choice([0.2, 0.5]), axis=0).astype(float) for size in sizes)
        enclose(f"classes {i} ({len(f)} and {len(g)} functions, {n} points)", f, g, table)
    return table.arrays()


def enclose(name: str, f: Array, g: Array, table: Table) -> None:
    """Add two binary classes (functions by points) to the table of `run_sandwich`."""
    star, threshold = complexity.star_number(f).value, complexity.threshold_dimension(f).value
    dims = [complexity.eluder_dimension(one, 0.5).value for one in (f, g, np.vstack([f, g]))]
    table.add(
        name,
        star=star,
        threshold=threshold,
        dimension=dims[0],
        power=4.0 ** max(star, threshold),
        trivial=min(f.shape[1], len(f) - 1),
        larger_part=max(dims[:2]),
        union=dims[2],
    )


def _linear_class(model: Any, size: int, rng: np.random.Generator) -> Array:
    """Return functions (N, H, S, A) that are linear in the model's features."""
    return np.asarray(np.einsum("sad,nhd->nhsa", model.phi, rng.normal(size=(size, model.H, model.d))))


def run_rank(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Measure Bellman ranks of tabular and linear models, and Bellman eluder dimensions against the bound by rank."""
    rank = Table("rank", "v", "v_bound", "q", "q_bound", "states")
    eluder = Table("eluder", "dimension", "bound", "trivial")
    for i in range(cell["count"]):
        S, A, H, N = (int(rng.integers(low, high)) for low, high in ((1, 4), (2, 4), (1, 4), (8, 13)))
        model = episodic_model(S, A, H, rng)
        f = rng.random((N, H, S, A)) * H
        rank_tabular(f"tabular {i} (S={S}, A={A}, H={H}, N={N})", model, f, rank)
        d = int(rng.integers(1, 4))
        linear = instances.random_linear_mdp(S + 2, A, d, H, rng)
        g = _linear_class(linear, N, rng)
        share = float(rng.choice([0.03, 0.2, 0.7]))
        rank_linear(f"linear {i} (S={S + 2}, A={A}, d={d}, H={H}, N={N})", linear, g, share, rank, eluder)
    return {**rank.arrays(), **eluder.arrays()}


def rank_tabular(name: str, model: EpisodicMDP, f: Array, rank: Table) -> None:
    """Add the Bellman ranks of some functions (N, H, S, A) in a model to the table of ranks."""
    v, q = (complexity.bellman_rank(model, f, kind=kind) for kind in ("V", "Q"))
    rank.add(name, v=v.upper, v_bound=model.S, q=q.upper, q_bound=model.S * model.A, states=model.S)


def rank_linear(name: str, linear: LinearMDP, g: Array, share: float, rank: Table, eluder: Table) -> None:
    """Add functions that are linear in the features of a model to both tables, at eps = ``share`` of their size."""
    episodic = linear.to_episodic()
    v, q = (complexity.bellman_rank(episodic, g, kind=kind) for kind in ("V", "Q"))
    ranks, sizes = [], []
    for matrix in complexity.bellman_error_matrices(episodic, g, kind="Q"):
        left, values, right = np.linalg.svd(matrix, full_matrices=False)
        used = values > 1e-12 * max(values[0], 1e-300)
        root = np.sqrt(values[used])
        longest = np.linalg.norm(left[:, used] * root, axis=1).max(initial=0.0)
        longest *= np.linalg.norm(root[:, None] * right[used], axis=0).max(initial=0.0)
        ranks.append(int(used.sum()))
        sizes.append(longest * (1.0 + 1e-9))
    eps = max(sizes) * share
    bound = max(complexity.linear_eluder_bound(*pair) for pair in zip(ranks, np.array(sizes) / eps, strict=True))
    rank.add(name, v=v.upper, v_bound=linear.d, q=q.upper, q_bound=linear.d, states=linear.S)
    found = complexity.bellman_eluder_dimension(episodic, g, eps, families=("occupancy",))
    eluder.add(f"{name}, eps={eps:g}", dimension=found.upper, bound=bound, trivial=len(g))


def run_qvi(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Compute iterates in fractions; whether depth 1 suffices also by enumeration of greedy policies."""
    table = Table("qvi", "depth", "H", "one", "enumerated")
    iterates = Table("iterates", "before", "after", "first", "last", "optimal")
    for i in range(cell["count"]):
        S, A, H = (int(n) for n in rng.choice([(2, 2, 2), (3, 2, 2), (2, 2, 3), (2, 3, 2), (1, 3, 4)]))
        model = episodic_model(S, A, H, rng)
        found = complexity.qvi_depth(model, max_denominator=64)
        name = f"model {i} (S={S}, A={A}, H={H})"
        best = planning.backward_induction(model)
        table.add(
            name,
            depth=found.value,
            H=H,
            one=float(found.value == 1),
            enumerated=float(_greedy_is_optimal(model, best.value)),
        )
        Q = np.asarray(found.witness.Q, dtype=np.float64)
        after = np.concatenate([Q[1:], Q[-1:]])
        iterates.add(name, before=Q, after=after, first=Q[:1], last=Q[-1:], optimal=best.Q[None])
    return {**table.arrays(), **iterates.arrays()}


def _greedy_is_optimal(model: EpisodicMDP, value: float) -> bool:
    """Whether every policy greedy for the uniform policy's values is optimal, each evaluated on its own."""
    H, S, A = model.r.shape
    q = planning.evaluate(model, np.full((H, S, A), 1.0 / A)).Q
    choices = [np.flatnonzero(row >= row.max() - 1e-12) for row in q.reshape(-1, A)]
    return all(
        planning.evaluate(model, np.reshape(choice, (H, S))).value >= value - 1e-9
        for choice in itertools.product(*choices)
    )


def run_closure(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Run fitted value iteration with exact projections, on classes that hold the optimal values."""
    table = Table("closure", "error", "bound", "mean_square", "closed")
    for i in range(cell["count"]):
        S, A, H = (int(rng.integers(low, high)) for low, high in ((1, 5), (2, 4), (1, 5)))
        model = episodic_model(S, A, H, rng)
        best = planning.backward_induction(model).Q
        f = np.concatenate([best[None], best[None] + rng.normal(size=(6, H, S, A)) * rng.choice([0.05, 0.5])])
        f = f[rng.permutation(len(f))] if rng.random() < 0.5 else f + 0.02 * rng.normal(size=(1, H, S, A))
        fit(f"class {i} (S={S}, A={A}, H={H})", model, f, table)
    return table.arrays()


def fit(name: str, model: EpisodicMDP, f: Array, table: Table) -> None:
    """Add fitted value iteration on a class (N, H, S, A) to the table of `run_closure`."""
    H, S, A = model.r.shape
    best = planning.backward_induction(model).Q
    inherent = complexity.inherent_bellman_error(model, f).upper
    fitted: Array = np.zeros((S, A))
    error = 0.0
    for h in range(H - 1, -1, -1):
        target = model.r[h] if h == H - 1 else model.r[h] + model.P[h] @ fitted.max(axis=1)
        fitted = f[np.abs(f[:, h] - target).max(axis=(1, 2)).argmin(), h]
        error = max(error, float(np.abs(fitted - best[h]).max()) / (H - h))
    uniform = np.full((H, S, A), 1.0 / (S * A))
    mean_square = complexity.inherent_bellman_error(model, f, weights=uniform).upper
    closed = complexity.inherent_bellman_error(model, np.repeat(best[None], 2, axis=0)).lower
    table.add(name, error=error, bound=inherent, mean_square=mean_square, closed=closed)


def staircase_cells(scale: Scale) -> list[Cell]:
    """Return one cell a family of functions on 10 points."""
    return [{"family": name} for name in ("singletons", "thresholds", "linear, d=2", "linear, d=3", "smooth", "random")]


def staircase_class(family: str, rng: np.random.Generator) -> Array:
    """Return the functions (F, n) of one family, in [0, 1] or [-1, 1]."""
    n = 10
    grid = np.linspace(0.0, 1.0, n)
    if family == "singletons":
        return np.eye(n)
    if family == "thresholds":
        return np.tri(n + 1, n, -1)
    if family.startswith("linear"):
        d = int(family[-1])
        x, w = (rng.normal(size=(size, d)) for size in (n, 20))
        return np.asarray((w / np.linalg.norm(w, axis=1)[:, None]) @ (x / np.linalg.norm(x, axis=1)[:, None]).T)
    if family == "smooth":
        centres = np.linspace(0.0, 1.0, 20)[:, None]
        return np.asarray(np.exp(-0.5 * ((grid - centres) / 0.15) ** 2))
    return rng.random((20, n))


def run_staircases(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Compute the eluder dimension over eps."""
    f = staircase_class(str(cell["family"]), rng)
    eps = np.linspace(0.1, 2.1, 26)
    found = [complexity.eluder_dimension(f, float(one)) for one in eps]
    return {
        "eps": eps,
        "lower": np.array([one.lower for one in found], dtype=np.float64),
        "upper": np.array([one.upper for one in found], dtype=np.float64),
    }


def horizon_cells(scale: Scale) -> list[Cell]:
    """Return structured families by length."""
    lengths = (2, 3, 4, 6, 8) if scale == "quick" else (2, 3, 4, 6, 8, 10, 12)
    return [{"family": name, "H": H} for name in ("lock", "dense chain", "riverswim", "lure") for H in lengths]


def horizon_model(family: str, H: int, rng: np.random.Generator) -> EpisodicMDP:
    """Return one model of a family.

    The dense chain pays 1/H for each right step and goes on either way. A lure of 0.3 ends the episode at its start;
    H right steps earn 1.
    """
    if family == "lock":
        return instances.combination_lock(H)
    if family == "riverswim":
        swim = instances.riverswim(6)
        return EpisodicMDP(swim.dense_P(), swim.r, swim.mu0, H=H)
    if family == "lure":
        P, r = np.zeros((H + 1, 2, H + 1)), np.zeros((H + 1, 2))
        P[:, 0, H] = P[H, 1, H] = 1.0
        P[np.arange(H), 1, np.arange(H) + 1] = 1.0
        r[0, 0], r[H - 1, 1] = 0.3, 1.0
        return EpisodicMDP(P, r, np.eye(H + 1)[0], H=H)
    return EpisodicMDP(np.ones((1, 2, 1)), np.array([[0.0, 1.0 / H]]), np.ones(1), H=H)


def run_horizons(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Compute depth and effective horizon of one model."""
    model = horizon_model(str(cell["family"]), int(cell["H"]), rng)
    depth, horizon = complexity.qvi_depth(model), complexity.effective_horizon(model)
    return {
        "depth": np.array([depth.lower, depth.upper], dtype=np.float64),
        "horizon": np.array([horizon.lower, horizon.upper]),
    }


def eluder_cells(scale: Scale) -> list[Cell]:
    """Return blocks of random classes, of at most 5 points at quick scale."""
    return [{**cell, "points": 6 if scale == "paper" else 5} for cell in cells(scale)]


STUDIES = tuple(
    Study(f"{SLUG}/{name}", title, grid, run)
    for name, title, grid, run in (
        ("eluder", "Eluder dimension by subsets and by orderings", eluder_cells, run_eluder),
        ("sandwich", "Star number, threshold dimension and eluder dimension of binary classes", cells, run_sandwich),
        ("bellman-rank", "Bellman rank and Bellman eluder dimension", cells, run_rank),
        ("qvi", "Iterates of Q-value iteration from the uniform policy", cells, run_qvi),
        ("closure", "Inherent Bellman error and fitted value iteration", cells, run_closure),
        ("staircases", "Eluder dimension over the scale", staircase_cells, run_staircases),
        ("horizons", "Effective horizons of families", horizon_cells, run_horizons),
    )
)
