"""Estimates of Q-functions and of inverse covariances, against their exact moments."""

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.instances.random_mdp import dirichlet_rows
from experiments.study import Cell, Scale
from tabular.learning.adversarial import direct_inverse, matrix_geometric_resampling, resampling_mean
from tabular.learning.adversarial._linear_kernels import _covariance, _estimate, _inverse, _negative_part, _widths

__all__ = [
    "concentration_cells",
    "concentration_failure",
    "draws_cells",
    "estimate_cells",
    "resampling_cells",
    "run_concentration",
    "run_draws",
    "run_estimates",
    "run_resampling",
]

Arrays = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]


def estimate_cells(scale: Scale) -> list[Cell]:
    """Return the grid: blocks of random finite laws of features and losses."""
    return [{"block": i, "count": 150} for i in range(20 if scale == "paper" else 2)]


def _law(rng: np.random.Generator) -> tuple[Floats, Floats, Floats, int, float]:
    """Return features (n, d), their law (n,), coefficients theta (d,) with 0 <= phi'theta <= H, H and gamma.

    One law in three leaves its first feature unplayed and has the largest theta in its direction.
    """
    n, d, H = int(rng.integers(2, 9)), int(rng.integers(2, 6)), int(rng.integers(1, 6))
    gamma = 10.0 ** rng.uniform(-5.0, 0.0)
    weights = dirichlet_rows((n,), 0.5, rng)
    if rng.integers(3) == 0:
        phi = np.eye(d)[rng.integers(d, size=n)]
        weights[0] = 0.0
        return phi, weights / weights.sum(), np.full(d, float(H)), H, gamma
    u = rng.standard_normal((n, d - 1))
    u *= (rng.random(n) / np.linalg.norm(u, axis=1))[:, None]
    phi = np.column_stack((u, np.ones(n))) / math.sqrt(2.0)
    v = rng.standard_normal(d - 1)
    v *= rng.random() / np.linalg.norm(v)
    return phi, weights, np.append(v, 1.0) * (H / math.sqrt(2.0)), H, gamma


def run_estimates(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Compute the exact moments of plain and magnitude-reduced estimates at every feature of random laws.

    Given the feature, the loss is 0 or H with mean phi'theta: the largest second moment there is.
    """
    names = (
        "target", "plain", "reduced", "uncentred", "least", "least_wrong", "floor", "plain_least", "second",
        "second_wrong", "second_bound", "width", "gamma", "H", "d", "bias", "bias_bound", "bias_gamma", "split",
    )  # fmt: skip
    rows: list[list[float]] = []
    for _ in range(cell["count"]):
        phi, weights, theta, H, gamma = _law(rng)
        n, d = phi.shape
        shaped, law = phi[None], weights[None]
        matrix, factor, inverse = np.empty((d, d)), np.empty((d, d)), np.empty((d, d))
        image, width = np.empty((1, n, d)), np.empty((1, n))
        _covariance(law, shaped, gamma, matrix)
        _inverse(matrix, factor, inverse)
        _widths(shaped, inverse, image, width)
        mean_loss = phi @ theta
        covariance = (phi * weights[:, None]).T @ phi
        played = np.flatnonzero(weights)
        for j in range(n):
            correction = H * _negative_part(law, shaped, image[0, j])
            moments = dict.fromkeys(("plain", "reduced", "uncentred", "second", "second_wrong"), 0.0)
            low = {"reduced": math.inf, "wrong": math.inf, "plain": math.inf}
            z_mean = float(weights @ (phi @ image[0, j]))
            for i in played:
                z = float(phi[i] @ image[0, j])
                for loss, chance in ((0.0, 1.0 - mean_loss[i] / H), (float(H), mean_loss[i] / H)):
                    p = float(weights[i] * chance)
                    plain = _estimate(z, loss, H, False, 0.0)
                    reduced = _estimate(z, loss, H, True, correction)
                    wrong = z * loss - H * z + H * z_mean
                    moments["plain"] += p * plain
                    moments["reduced"] += p * reduced
                    moments["uncentred"] += p * (reduced - correction)
                    moments["second"] += p * reduced**2
                    moments["second_wrong"] += p * wrong**2
                    if p > 0.0:
                        low = {
                            "reduced": min(low["reduced"], reduced),
                            "wrong": min(low["wrong"], wrong),
                            "plain": min(low["plain"], plain),
                        }
            w, beta = float(width[0, j]), 8.0 * 0.05 * H**2
            bias = abs(moments["plain"] - mean_loss[j])
            rows.append([
                float(phi[j] @ inverse @ covariance @ theta), moments["plain"], moments["reduced"],
                moments["uncentred"], low["reduced"], low["wrong"], -H * math.sqrt(w), low["plain"],
                moments["second"], moments["second_wrong"], 2.0 * H**2 * w, w, gamma, H, d, bias,
                math.sqrt(gamma * d * w) * H, gamma * math.sqrt(d * w) * H, beta / 4.0 * w + gamma * d * H**2 / beta,
            ])  # fmt: skip
    table = np.array(rows)
    return {name: table[:, j].copy() for j, name in enumerate(names)}


def resampling_cells(scale: Scale) -> list[Cell]:
    """Return the grid: dimensions and numbers of draws small enough to enumerate."""
    return [{"d": d, "count": 40 if scale == "paper" else 8} for d in (1, 2, 3, 4)]


def run_resampling(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Enumerate every sequence of N draws from two or three features: exact mean of the estimate, entry by entry."""
    d = cell["d"]
    measured, closed, short = [], [], []
    for _ in range(cell["count"]):
        n, N, gamma = int(rng.integers(2, 4)), int(rng.integers(1, 5)), 10.0 ** rng.uniform(-3.0, 0.0)
        phi = rng.standard_normal((n, d))
        phi *= (rng.random(n) / np.linalg.norm(phi, axis=1))[:, None]
        weights = dirichlet_rows((n,), 1.0, rng)
        mean = np.zeros((d, d))
        for draws in itertools.product(range(n), repeat=N):
            chosen = list(draws)
            mean += np.prod(weights[chosen]) * matrix_geometric_resampling(phi[chosen][None], gamma)
        covariance = (phi * weights[:, None]).T @ phi
        measured.append(mean.ravel())
        closed.append(resampling_mean(covariance, gamma, N).ravel())
        short.append(resampling_mean(covariance, gamma, N - 1).ravel())
    return {
        "measured": np.concatenate(measured),
        "closed": np.concatenate(closed),
        "short": np.concatenate(short),
    }


def concentration_failure(d: int, gamma: float, M: int, t: float) -> float:
    """Return the stated failure probability, 2 d exp(-t^2 M gamma / (3 (1 + gamma)))."""
    return 2.0 * d * math.exp(-(t**2) * M * gamma / (3.0 * (1.0 + gamma)))


def concentration_cells(scale: Scale) -> list[Cell]:
    """Return the grid: for each d, gamma and t, the least M with a stated failure probability of at most 1/20."""
    runs = 2000 if scale == "paper" else 400
    sizes = ((2, 0.5), (2, 0.2), (4, 0.2), (8, 0.5)) if scale == "quick" else ((2, 0.5), (2, 0.1), (4, 0.2), (8, 0.1))
    found: list[Cell] = []
    for d, gamma in sizes:
        for t in (0.5, 1.0):
            M = math.ceil(3.0 * (1.0 + gamma) * math.log(40.0 * d) / (t**2 * gamma))
            found.append({"d": d, "gamma": gamma, "t": t, "M": M, "runs": runs})
    return found


def run_concentration(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Count draws on which the direct estimate leaves (1 -+ t) times the truth; features are basis vectors.

    ``count_few``: the same with gamma = 0 and fewer draws than dimensions.
    """
    d, gamma, t, M = cell["d"], cell["gamma"], cell["t"], cell["M"]
    weights = dirichlet_rows((d,), 0.5, rng)
    basis = np.eye(d)
    truth = gamma * basis + np.diag(weights)
    root = np.linalg.inv(np.linalg.cholesky(truth))
    count, few = 0, 0
    for _ in range(cell["runs"]):
        drawn = basis[np.minimum(np.searchsorted(np.cumsum(weights), rng.random(M), side="right"), d - 1)]
        found = np.linalg.inv(direct_inverse(drawn, gamma))
        values = np.linalg.eigvalsh(root @ found @ root.T)
        count += bool(values[0] < 1.0 - t or values[-1] > 1.0 + t)
        rows = drawn[: d - 1]
        values = np.linalg.eigvalsh(rows.T @ rows / (d - 1))
        few += bool(values[0] < (1.0 - 0.999 * t) * weights.min())
    return {
        "count": np.array([count]),
        "count_few": np.array([few]),
        "failure": np.array([concentration_failure(d, gamma, M, t)]),
    }


def draws_cells(scale: Scale) -> list[Cell]:
    """Return the grid: regularisations at which the two estimates are compared."""
    gammas = (0.3, 0.1, 0.03, 0.01, 0.003) if scale == "paper" else (0.3, 0.1, 0.03, 0.01)
    return [{"gamma": gamma, "d": 4, "runs": 40 if scale == "paper" else 20} for gamma in gammas]


def run_draws(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Find how many draws each estimate needs for a relative error of 1/2 in nine runs of ten.

    The error is the spectral norm of T^(1/2) E T^(1/2) - I with T the true regularised covariance. The number of
    draws goes up by factors of 2; the resampling has blocks of N = ceil(ln(8) / (c gamma)) draws, whose bias is at
    most 1/8, and as many blocks as it needs. The first feature is seldom played.
    """
    d, gamma, runs = cell["d"], cell["gamma"], cell["runs"]
    phi = np.eye(d) * 0.7 + 0.3 / d
    phi /= np.linalg.norm(phi, axis=1)[:, None]
    weights = np.array([gamma, *np.full(d - 1, (1.0 - gamma) / (d - 1))])
    truth = gamma * np.eye(d) + (phi * weights[:, None]).T @ phi
    root = np.linalg.cholesky(truth)
    cumulative = np.cumsum(weights)

    def draw(size: tuple[int, ...]) -> Floats:
        found: Floats = phi[np.minimum(np.searchsorted(cumulative, rng.random(size), side="right"), d - 1)]
        return found

    def error(estimate: Floats) -> float:
        return float(np.linalg.norm(root.T @ estimate @ root - np.eye(d), 2))

    N = math.ceil(math.log(8.0) / (0.5 * gamma))

    def fails(method: str, M: int) -> int:
        bad = 0
        for _ in range(runs):
            if method == "direct":
                bad += error(direct_inverse(draw((M,)), gamma)) > 0.5
            else:
                bad += error(matrix_geometric_resampling(draw((M, N)), gamma)) > 0.5
            if bad > runs // 10:
                break
        return bad

    needed = {}
    for method in ("direct", "resampling"):
        M = 1
        while fails(method, M) > runs // 10:
            M *= 2
        needed[method] = M if method == "direct" else M * N
    return {name: np.array([value]) for name, value in needed.items()}
