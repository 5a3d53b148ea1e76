"""Studies of designs: predictions under the worst misspecification, the barrier sqrt(d), known supports, frontiers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize

from experiments.instances import coherence, hidden_arm, unit_vectors
from experiments.study import Cell, Scale
from tabular.learning import bandit as learners
from tabular.models import LinearBandit

__all__ = [
    "barrier_cells",
    "design_cells",
    "frontier_cells",
    "oracle_cells",
    "polynomial_cells",
    "run_barrier",
    "run_design",
    "run_frontier",
    "run_oracle",
    "run_polynomial",
]

Arrays = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]


def _columns(rows: list[dict[str, float]]) -> Arrays:
    return {name: np.array([row[name] for row in rows], dtype=np.float64) for name in rows[0]}


def worst_prediction(x: Floats, weights: Floats) -> float:
    """Largest prediction error over all misspecifications of size 1: the worst absolute row sum of ``B - I``."""
    return float(np.abs(learners.prediction_map(x, weights) - np.eye(x.shape[0])).sum(axis=1).max())


def worst_suboptimality(x: Floats, weights: Floats) -> float:
    """Largest suboptimality over all theta and all misspecifications of size 1, by a linear program for each pair.

    For arms a (the best) and b (the output): maximise r(a) - r(b) with r = x theta + error, given that b's prediction
    is the largest; theta is free. Ties go to the worse arm.
    """
    k, d = x.shape
    fit = learners.prediction_map(x, weights)
    box = [(None, None)] * d + [(-1.0, 1.0)] * k
    worst = 0.0
    for b in range(k):
        losing = np.delete(np.hstack([x - x[b], fit - fit[b]]), b, axis=0)
        for a in range(k):
            if a != b:
                gain = np.concatenate([x[a] - x[b], np.eye(k)[a] - np.eye(k)[b]])
                found = optimize.linprog(-gain, A_ub=losing, b_ub=np.zeros(k - 1), bounds=box, method="highs")
                if found.fun is None:
                    raise RuntimeError(f"the linear program of arms {a} and {b} was not solved: {found.message}")
                worst = max(worst, -float(found.fun))
    return worst


def _rare(k: int, d: int, rng: np.random.Generator) -> Floats:
    """Features with one rare direction: a single arm points there, the others have components of size k^{-1/2}."""
    x = unit_vectors(k, d, rng)
    x[:, -1] = rng.choice([-1.0, 1.0], size=k) / np.sqrt(k)
    x /= np.maximum(1.0, np.linalg.norm(x, axis=1, keepdims=True))
    x[-1] = np.eye(d)[-1]
    return x


def design_cells(scale: Scale) -> list[Cell]:
    """Dimensions with 40 arms (predictions), and with few arms (suboptimality by linear programs)."""
    many = 8 if scale == "quick" else 100
    cells = [dict(part="prediction", d=d, k=40, instances=many) for d in (2, 3, 5, 7)]
    if scale == "quick":
        return [*cells, *(dict(part="output", d=d, k=k, instances=2) for d, k in ((1, 4), (2, 6), (3, 8)))]
    return [*cells, *(dict(part="output", d=d, k=k, instances=10) for d, k in ((1, 5), (2, 8), (3, 10), (4, 12)))]


def run_design(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Exact worst cases of the one-shot design, in units of epsilon, on features with one rare direction among them.

    Returns
    -------
    mapping
        One entry an instance: ``g`` of the optimal design, ``support``, ``worst`` error; ``uniform_g`` and
        ``uniform_worst`` with uniform weights. Errors are those of predictions, or of the output.
    """
    measure = worst_prediction if cell["part"] == "prediction" else worst_suboptimality
    rows = []
    for i in range(cell["instances"]):
        d, k = cell["d"], cell["k"]
        x = _rare(k, d, rng) if i % 2 and d > 1 else unit_vectors(k, d, rng) * rng.uniform(0.2, 1.0, size=(k, 1))
        design = learners.g_optimal_design(x)
        uniform = np.full(k, 1.0 / k)
        rows.append(
            {
                "g": design.g,
                "support": design.support.size,
                "worst": measure(x, design.weights),
                "uniform_g": float(learners.design_variances(x, uniform).max()),
                "uniform_worst": measure(x, uniform),
            }
        )
    return _columns(rows)


def barrier_cells(scale: Scale) -> list[Cell]:
    """Dimensions of nearly orthogonal families of d^2 arms."""
    most = (4, 6, 8, 12, 16) if scale == "quick" else (4, 6, 8, 12, 16, 24, 32)
    return [dict(d=d, k=d * d, runs=4 if scale == "quick" else 10) for d in most]


def run_barrier(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Worst prediction of the one-shot design in units of epsilon, and that of exhaustive search, one entry a run.

    Returns
    -------
    mapping
        ``worst``; ``basis``: the same for d orthonormal arms; ``exhaustive``: suboptimality of exhaustive search where
        one arm is hidden.
    """
    d, k = cell["d"], cell["k"]
    rows = []
    for _ in range(cell["runs"]):
        x = unit_vectors(k, d, rng)
        basis = np.linalg.qr(rng.normal(size=(d, d)))[0]
        bandit = hidden_arm(x, int(rng.integers(k)))
        rows.append(
            {
                "worst": worst_prediction(x, learners.g_optimal_design(x).weights),
                "basis": worst_prediction(basis, np.full(d, 1.0 / d)),
                "exhaustive": learners.exhaustive_search(bandit, rng=rng).suboptimality,
            }
        )
    return _columns(rows)


def oracle_cells(scale: Scale) -> list[Cell]:
    """Dimension and sparsity where the support is known."""
    grid = [(10, 1), (10, 2), (20, 3), (20, 5)]
    return [dict(d=d, s=s, k=300, eps=0.1, tau=0.01, instances=10 if scale == "quick" else 100) for d, s in grid]


def run_oracle(cell: Cell, rng: np.random.Generator) -> Arrays:
    """One-shot designs on the true support and on a wrong one; misspecification that misleads the most.

    The misspecification has the signs that raise the prediction of a random arm above that of the best arm the most.

    Returns
    -------
    mapping
        One entry an instance: ``error``, ``queries``, ``g`` on the true support, ``wrong_error`` on a disjoint one.
    """
    d, s, k, eps = cell["d"], cell["s"], cell["k"], cell["eps"]
    rows = []
    for _ in range(cell["instances"]):
        x = unit_vectors(k, d, rng)
        perm = rng.permutation(d)
        support, other = np.sort(perm[:s]), np.sort(perm[s : 2 * s])
        theta = np.zeros(d)
        theta[support] = rng.normal(size=s)
        theta /= np.linalg.norm(theta)
        part = np.ascontiguousarray(x[:, support])
        weights = learners.one_shot_design(LinearBandit(x, theta, 0.0), columns=support.tolist()).weights
        fit = learners.prediction_map(part, weights) - np.eye(k)
        best, rival = int(np.argmax(x @ theta)), int(rng.integers(k))
        bandit = LinearBandit(x, theta, 0.0, eps * np.sign(fit[rival] - fit[best]))
        run = learners.one_shot_design(bandit, columns=support.tolist(), tau=cell["tau"])
        wrong = learners.one_shot_design(bandit, columns=other.tolist(), tau=cell["tau"])
        rows.append(
            {"error": run.suboptimality, "queries": run.queries, "g": run.g, "wrong_error": wrong.suboptimality}
        )
    return _columns(rows)


def polynomial_cells(scale: Scale) -> list[Cell]:
    """Sparsities, where all features are in use (d = s)."""
    sizes, instances = ((4, 8, 12), 2) if scale == "quick" else ((4, 8, 12, 16, 24, 32), 20)
    return [dict(s=s, k=40 * s, instances=instances) for s in sizes]


def run_polynomial(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Run the one-shot design where all features are in use.

    Returns
    -------
    mapping
        One entry an instance: ``queries``; ``ratio``: twice the exact worst prediction error over ``s epsilon``, which
        bounds the suboptimality.
    """
    rows = []
    for _ in range(cell["instances"]):
        x = unit_vectors(cell["k"], cell["s"], rng)
        design = learners.g_optimal_design(x)
        rows.append({"queries": design.support.size, "ratio": 2.0 * worst_prediction(x, design.weights) / cell["s"]})
    return _columns(rows)


def frontier_cells(scale: Scale) -> list[Cell]:
    """Learners on nearly orthogonal features."""
    return [dict(d=12, s=2, k=144 if scale == "quick" else 400, eps=0.1, runs=20 if scale == "quick" else 200)]


def run_frontier(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Errors and queries of every learner on random sparse rewards with misleading misspecification.

    Returns
    -------
    mapping
        ``learner`` (m,); ``queries`` and ``error`` (m, runs), the latter in units of epsilon; ``coherence`` (runs,).
    """
    d, s, k, eps = cell["d"], cell["s"], cell["k"], cell["eps"]
    names = ("net elimination", "index-set elimination", "one-shot design", "sparse fit", "LASSO", "exhaustive search")
    queries, errors = np.empty((len(names), cell["runs"])), np.empty((len(names), cell["runs"]))
    mus = np.empty(cell["runs"])
    for i in range(cell["runs"]):
        x = unit_vectors(k, d, rng)
        mus[i] = coherence(x)
        theta = np.zeros(d)
        theta[rng.choice(d, size=s, replace=False)] = rng.normal(size=s)
        theta /= np.linalg.norm(theta)
        fit = learners.prediction_map(x, learners.g_optimal_design(x).weights) - np.eye(k)
        best = int(np.argmax(x @ theta))
        rival = int(np.argsort(x @ theta)[k // 2])
        bandit = LinearBandit(x, theta, 0.0, eps * np.sign(fit[rival] - fit[best]))
        runs = (
            learners.net_elimination(bandit, sparsity=s, epsilon=eps),
            learners.index_set_elimination(bandit, sparsity=s, epsilon=eps),
            learners.one_shot_design(bandit),
            learners.sparse_fit_search(bandit, sparsity=s, queries=k, rng=rng),
            learners.lasso_search(bandit, penalty=0.02, queries=k // 4, rng=rng),
            learners.exhaustive_search(bandit, rng=rng),
        )
        queries[:, i] = [run.queries for run in runs]
        errors[:, i] = [run.suboptimality / eps for run in runs]
    return {"learner": np.array(names), "queries": queries, "error": errors, "coherence": mus}
