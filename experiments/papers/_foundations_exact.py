"""Evidence in rational arithmetic: a difference of 0 recorded here is a difference of 0."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.study import Cell, Scale
from tabular.models import DiscountedMDP
from tabular.planning import exact

from ._table import Table

__all__ = ["exact_cells", "posterior_cells", "run_exact", "run_posterior_matching", "run_step_sizes", "step_size_cells"]

Arrays = Mapping[str, npt.NDArray[Any]]
Matrix = list[list[Fraction]]


def exact_cells(scale: Scale) -> list[Cell]:
    """Return the grid: sizes small enough to enumerate every policy and every basis."""
    count = 40 if scale == "paper" else 6
    sizes = ((2, 2), (2, 3), (3, 2), (4, 2)) if scale == "paper" else ((2, 2), (2, 3), (3, 2))
    return [{"S": S, "A": A, "count": count} for S, A in sizes]


def _solve(matrix: Matrix, right: Sequence[Fraction]) -> list[Fraction] | None:
    """Solve a square rational system by Gauss-Jordan elimination; None where it is singular."""
    n = len(matrix)
    rows = [[*row, b] for row, b in zip(matrix, right, strict=True)]
    for col in range(n):
        pivot = next((i for i in range(col, n) if rows[i][col]), None)
        if pivot is None:
            return None
        rows[col], rows[pivot] = rows[pivot], rows[col]
        head = rows[col][col]
        rows[col] = [x / head for x in rows[col]]
        for i in range(n):
            if i != col and rows[i][col]:
                factor = rows[i][col]
                rows[i] = [x - factor * y for x, y in zip(rows[i], rows[col], strict=True)]
    return [row[n] for row in rows]


def _dyadic_model(S: int, A: int, rng: np.random.Generator) -> DiscountedMDP:
    """Return a model whose every number is a multiple of 1/64: its floats are its rationals."""

    def row() -> npt.NDArray[np.float64]:
        cuts = np.sort(rng.integers(0, 65, size=S - 1))
        return np.diff(np.concatenate(([0], cuts, [64]))) / 64

    P = np.array([[row() for _ in range(A)] for _ in range(S)])
    mu0 = np.full(S, 1.0 / 4) if S == 4 else np.array([0.25, 0.75] if S == 2 else [0.25, 0.25, 0.5])
    return DiscountedMDP(P, rng.integers(0, 9, size=(S, A)) / 8, float(rng.choice([0.5, 0.75, 0.875])), mu0)


def run_exact(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Compare policy iteration, enumeration of policies and enumeration of linear-program bases, exactly."""
    optimum = Table("optimum", "to_enumeration")
    vertices = Table("vertices", "actions_missed")
    program = Table("program", "to_planner")
    for i in range(cell["count"]):
        mdp = _dyadic_model(cell["S"], cell["A"], rng)
        S, A, gamma = mdp.S, mdp.A, Fraction(mdp.gamma)
        P = [[[Fraction(float(x)) for x in mdp.dense_P()[s, a]] for a in range(A)] for s in range(S)]
        r = [[Fraction(float(x)) for x in mdp.r[s]] for s in range(S)]
        rho = [Fraction(float(x)) for x in np.asarray(mdp.mu0)]
        plan = exact.solve(mdp)
        values = [_value(P, r, gamma, policy) for policy in itertools.product(range(A), repeat=S)]
        for s in range(S):
            optimum.add(f"model {i}, state {s}", to_enumeration=float(plan.V[s] - max(V[s] for V in values)))
        best: Fraction | None = None
        for basis, x in _vertices(P, gamma, rho):
            reward = sum((xi * r[k // A][k % A] for k, xi in zip(basis, x, strict=True)), Fraction(0))
            best = reward if best is None else max(best, reward)
            vertices.add(f"model {i}, basis {basis}", actions_missed=float(_missed(basis, x, S, A)))
        target = (1 - gamma) * sum((p * v for p, v in zip(rho, plan.V, strict=True)), Fraction(0))
        program.add(f"model {i}", to_planner=np.inf if best is None else float(best - target))
    return {**optimum.arrays(), **vertices.arrays(), **program.arrays()}


def _value(P: Any, r: Any, gamma: Fraction, policy: Sequence[int]) -> list[Fraction]:
    S = len(P)
    matrix = [[Fraction(int(s == t)) - gamma * P[s][policy[s]][t] for t in range(S)] for s in range(S)]
    solution = _solve(matrix, [r[s][policy[s]] for s in range(S)])
    assert solution is not None
    return solution


def _vertices(P: Any, gamma: Fraction, rho: Sequence[Fraction]) -> Iterator[tuple[tuple[int, ...], list[Fraction]]]:
    """Yield the basic feasible solutions of the occupancy program, as columns and their values."""
    S, A = len(P), len(P[0])
    right = [(1 - gamma) * p for p in rho]
    for basis in itertools.combinations(range(S * A), S):
        matrix = [[Fraction(int(k // A == t)) - gamma * P[k // A][k % A][t] for k in basis] for t in range(S)]
        x = _solve(matrix, right)
        if x is not None and min(x) >= 0:
            yield basis, x


def _missed(basis: Sequence[int], x: Sequence[Fraction], S: int, A: int) -> int:
    """Return how many states do not have exactly one action of positive occupancy."""
    chosen = [sum(1 for k, value in zip(basis, x, strict=True) if value > 0 and k // A == s) for s in range(S)]
    return sum(1 for number in chosen if number != 1)


def step_size_cells(scale: Scale) -> list[Cell]:
    """Return the grid: horizons of Q-learning's step sizes."""
    return [{"H": H, "last": 400 if scale == "paper" else 60} for H in (1, 2, 5, 10)]


def run_step_sizes(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Compute the weights of the step size (H+1)/(H+t), and of 1/t, as rational numbers.

    ``alpha[i, t]`` is the weight of sample ``i`` after ``t`` updates. The tail of the sum over ``t`` beyond ``last``
    telescopes: it is ``alpha[i, last] * last / H``. The sums of 1/t are not completed, and count where they
    already exceed the limit.
    """
    H, last = cell["H"], cell["last"]
    total = Table("total", "excess")
    column = Table("column", "excess", "excess_harmonic")
    norms = Table("norms", "t", "H", "squares", "largest", "roots")
    running = [Fraction(0)] * (last + 1)
    weights: list[Fraction] = []
    harmonic_sums = [Fraction(0)] * (last + 1)
    for t in range(1, last + 1):
        alpha = Fraction(H + 1, H + t)
        weights = [w * (1 - alpha) for w in weights] + [alpha]
        for i, w in enumerate(weights, start=1):
            running[i] += w
            harmonic_sums[i] += Fraction(1, t)
        total.add(f"H={H}, t={t}", excess=float(sum(weights) - 1))
        norms.add(
            f"H={H}, t={t}",
            t=t,
            H=H,
            squares=float(sum(w * w for w in weights)),
            largest=float(max(weights)),
            roots=float(sum(float(w) / np.sqrt(i) for i, w in enumerate(weights, start=1))),
        )
    for i in range(1, last + 1):
        tail = weights[i - 1] * Fraction(last, H)
        limit = 1 + Fraction(1, H)
        column.add(
            f"H={H}, i={i}",
            excess=float(running[i] + tail - limit),
            excess_harmonic=float(max(harmonic_sums[i] - limit, Fraction(0))),
        )
    return {**total.arrays(), **column.arrays(), **norms.arrays()}


def posterior_cells(scale: Scale) -> list[Cell]:
    """Return the grid: priors over six models, histories of length 6, a new sample from the posterior every ``tau``."""
    return [{"prior": index, "tau": tau} for index in range(10 if scale == "paper" else 2) for tau in (2, 3)]


def run_posterior_matching(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Enumerate every history of posterior sampling on a prior over six models.

    The joint law of the true and the sampled model is carried along each history; the sampler's posterior is
    computed on its own, by Bayes' rule one transition at a time. ``f`` is the optimal value of a model.
    """
    models, S, A, length = 6, 2, 2, 6
    P = [_dyadic_model(S, A, rng) for _ in range(models)]
    prior = rng.dirichlet(np.ones(models))
    plans = [exact.solve(mdp) for mdp in P]
    f = np.array([float(plan.value) for plan in plans])
    policies = np.array([plan.policy for plan in plans])
    tables = np.array([mdp.dense_P() for mdp in P])
    matching = Table("matching", "sampled", "true", "sampled_stale")

    def visit(
        step: int, s: int, joint: npt.NDArray[np.float64], posterior: npt.NDArray[np.float64], history: str
    ) -> None:
        if step % cell["tau"] == 0:
            truth = joint.sum(axis=1)
            if truth.sum() <= 0.0:
                return
            joint = truth[:, None] * posterior[None, :]
            probability = joint.sum()
            matching.add(
                f"history {history or 'empty'}",
                sampled=(joint.sum(axis=0) @ f) / probability,
                true=(truth @ f) / probability,
                sampled_stale=prior @ f,
            )
        if step == length:
            return
        for a in range(A):
            plays = policies[:, s] == a
            for following in range(S):
                likelihood = tables[:, s, a, following]
                later = joint * plays[None, :] * likelihood[:, None]
                if later.sum() <= 0.0:
                    continue
                updated = posterior * likelihood
                visit(step + 1, following, later, updated / updated.sum(), f"{history}{a}{following}")

    visit(0, 0, prior[:, None] * prior[None, :], prior, "")
    return matching.arrays()
