"""Counted work of one step of each learner: what Figure 2 of r2pvi times in seconds.

Seconds differ from run to run, so no evidence holds them. What is counted is the arithmetic of the formulas as they are
written: every estimate goes through one `Regression`, which keeps the account.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.instances import AmericanPut
from experiments.study import Cell, Scale

__all__ = ["METHODS", "Regression", "estimate", "work", "work_cells"]

Arrays = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]

METHODS = ("PEVI", "R2PVI-TV", "R2PVI-KL", "DRPVI", "DRVI-L", "DRPVI, sorted")
H, RIDGE = 20, 1.0
LAMBDA, RHO = 3.0, 0.03


class Regression:
    """Ridge regression on dense features that counts its multiplications.

    Parameters
    ----------
    phi : array, shape (N, d)
        Features of the rows.

    Attributes
    ----------
    solved : int
        Responses regressed so far.
    multiplied : int
        Multiplications so far: N d^2 for the covariance, d^3 for its inverse, N d + d^2 for a response, N d^2 for
        the weights of all rows or for the quadratic forms of N feature vectors.
    """

    def __init__(self, phi: Floats) -> None:
        self.phi = phi
        n, d = phi.shape
        self.inverse = np.linalg.inv(RIDGE * np.eye(d) + phi.T @ phi)
        self.solved = 0
        self.multiplied = n * d * d + d**3
        self._rows = self.inverse @ phi.T

    def coordinate(self, i: int, y: Floats) -> float:
        """Return coordinate ``i`` of the regression of ``y``; a search pays for the whole regression."""
        self.solved += 1
        n, d = self.phi.shape
        self.multiplied += n * d + d * d
        return float(self._rows[i] @ y)

    def solve(self, y: Floats) -> Floats:
        """Return the regression of ``y``, shape (d,)."""
        self.coordinate(0, y)
        found: Floats = self._rows @ y
        return found

    def weights(self) -> Floats:
        """Return the weights ``inverse phi'`` of all rows, shape (d, N)."""
        n, d = self.phi.shape
        self.multiplied += n * d * d
        return self._rows

    def widths(self, *, whole: bool) -> None:
        """Pay for the penalties of the values ahead: N quadratic forms, or N sums over coordinates."""
        n, d = self.phi.shape
        self.multiplied += n * d * d if whole else n * d


def _largest(objective: Callable[[float], float]) -> float:
    """Return the maximum that Nelder and Mead's method finds from H/2, as the released code does."""
    from scipy.optimize import minimize

    def loss(a: Floats) -> float:
        return -objective(float(a[0]))

    found = minimize(loss, [H / 2], method="Nelder-Mead", bounds=[(1e-6, float(H))])
    return -float(found.fun)


def _sorted_search(regression: Regression, y: Floats) -> Floats:
    """Return the same maxima for DRPVI from the breakpoints of the objective, after one sort."""
    order = np.argsort(y, kind="stable")
    rising = np.minimum(y[order], H)
    g = regression.weights()[:, order]
    below = np.cumsum(g * rising, axis=1)
    above = g.sum(axis=1, keepdims=True) - np.cumsum(g, axis=1)
    regression.multiplied += 3 * g.size
    return np.maximum(0.0, (below + (above - RHO) * rising).max(axis=1))


def estimate(method: str, regression: Regression, y: Floats) -> Floats:
    """Return the dual values (d,) of one step of ``method`` for the values ``y`` (N,) ahead."""
    d = regression.phi.shape[1]
    regression.widths(whole=method == "PEVI")
    if method == "PEVI":
        return regression.solve(y)
    if method == "R2PVI-TV":
        return regression.solve(np.minimum(y, y.min() + LAMBDA))
    if method == "R2PVI-KL":
        return -LAMBDA * np.log(np.maximum(regression.solve(np.exp(-y / LAMBDA)), np.exp(-H / LAMBDA)))
    if method == "DRPVI, sorted":
        return _sorted_search(regression, y)

    def total_variation(i: int, a: float) -> float:
        return regression.coordinate(i, np.minimum(y, a)) - RHO * a

    def relative_entropy(i: int, a: float) -> float:
        return -a * (np.log(max(1.0 + regression.coordinate(i, np.expm1(-y / a)), 1e-6)) + RHO)

    dual = total_variation if method == "DRPVI" else relative_entropy
    return np.array([_largest(functools.partial(dual, i)) for i in range(d)])


def work_cells(scale: Scale) -> list[Cell]:
    """Return the grid of Figure 2: features at 1000 trajectories, trajectories at 30 features; three steps at paper.

    The quick scale counts one step.
    """
    sizes = ((30, 1000), (60, 1000), (120, 1000), (30, 5000), (30, 10000))
    steps = (4, 9, 14) if scale == "paper" else (9,)
    return [{"method": method, "d": d, "N": n, "steps": steps} for method in METHODS for d, n in sizes]


def work(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Count, for some steps of the option's data, the responses regressed and the multiplications of one step.

    Prices follow the binomial tree from a start in [95, 105]; the values ahead are those of exercising at once.
    """
    n, place = cell["N"], AmericanPut(d=cell["d"])
    prices = rng.uniform(95.0, 105.0, size=n) * np.ones((H + 1, n))
    for h in range(H):
        prices[h + 1] = prices[h] * np.where(rng.random(n) < 0.5, place.rise, place.fall)
    solved, multiplied = [], []
    for h in cell["steps"]:
        regression = Regression(place.features(prices[h])[::2].toarray())
        estimate(cell["method"], regression, place.payoffs(prices[h + 1])[:, 1])
        solved.append(regression.solved)
        multiplied.append(regression.multiplied)
    return {"solved": np.array(solved), "multiplied": np.array(multiplied)}
