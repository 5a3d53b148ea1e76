"""One-step studies of r2pvi: every worst-case operator against a primal problem that knows nothing of its dual.

A smooth primal (KL, chi2) is enclosed by convexity alone: the objective at the returned distribution is at least the
infimum, and that minus the Frank-Wolfe gap at the same point is at most the infimum. No solver's tolerance enters. A
conic solver's value is recorded beside it. The total-variation primal is linear by parts: its vertices are enumerated.
"""

import functools
import itertools
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.study import Cell, Scale
from tabular.planning import worst_case

__all__ = [
    "BOUNDED",
    "PRICED",
    "bounded_step",
    "constrained",
    "constrained_cells",
    "divergence",
    "duals",
    "duals_cells",
    "priced_step",
    "random_step",
]

Arrays = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]

DIVERGENCES = ("tv", "kl", "chi2")
GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0
UNDERFLOW = np.exp(-700.0)
PRICED = ("value", "upper", "lower", "solver", "broken", "mass_error", "least")
BOUNDED = ("value", "upper", "lower", "solver", "broken", "rho", "spent", "lagrange", "fixed")


def random_step(rng: np.random.Generator, *, zeros: bool) -> tuple[Floats, Floats]:
    """Return values in [0, 3] of 2 to 8 states and a distribution over them; with ``zeros`` some entries are 0.

    The state of smallest value is among the zeros, so that the minimum over the support is not that over all states.
    """
    S = int(rng.integers(2, 9))
    V = rng.uniform(0.0, 3.0, S)
    q = rng.exponential(size=S)
    if zeros:
        out = rng.random(S) < 0.3
        out[np.argmin(V)] = True
        out[np.argmax(V)] = False
        q[out] = 0.0
    return V, q / q.sum()


def divergence(kind: str, mu: Floats, q: Floats) -> float:
    """Return D(mu || q), infinite where a smooth divergence finds mass outside the support."""
    if kind == "tv":
        return 0.5 * float(np.abs(mu - q).sum())
    support = q > 0.0
    if np.any(mu[~support] > 0.0):
        return np.inf
    p, base = mu[support], q[support]
    if kind == "chi2":
        return float(((p - base) ** 2 / base).sum())
    kept = p > 0.0
    return float((p[kept] * np.log(p[kept] / base[kept])).sum())


def _gap(kind: str, V: Floats, q: Floats, mu: Floats, level: float) -> float:
    """Frank-Wolfe gap of ``mu'V + level D(mu||q)`` at mu: the largest of ``<gradient, mu - nu>`` over nu << q.

    KL's slope is minus infinity at 0, where a mass has underflowed: it is taken at ``q e^-700`` instead.
    """
    on = q > 0.0
    ratio = mu[on] / q[on]
    slope = 2.0 * (ratio - 1.0) if kind == "chi2" else np.log(np.maximum(ratio, UNDERFLOW)) + 1.0
    gradient = V[on] + level * slope
    return float(mu[on] @ gradient - gradient.min())


@functools.cache
def _subsets(S: int) -> Floats:
    """Return the indicators of all sets of states, shape (2^S, S)."""
    return np.array(list(itertools.product((0.0, 1.0), repeat=S)))


def _least_vertex(V: Floats, q: Floats, *, penalty: float = 0.0, radius: float | None = None) -> float:
    """Return the least ``mu'V + penalty TV(mu, q)`` over the simplex, with ``TV <= radius`` where one is given.

    The objective is linear between the planes ``mu_i = q_i``, so that a vertex attains it: all states but one, which
    receives the rest, keep their mass or lose it; where the radius binds, one more state loses a part. All of them are
    tried. A solver's tolerances are absolute, and ignore masses below them.
    """
    every = _subsets(V.size)
    least = np.inf
    for j in range(V.size):
        zero = every[every[:, j] == 0.0] * q
        lost = zero.sum(axis=1)
        value = q @ V + lost * V[j] - zero @ V + penalty * lost
        if radius is None:
            least = min(least, value.min())
            continue
        least = min(least, value[lost <= radius].min())
        for k in np.flatnonzero(np.arange(V.size) != j):
            part = radius - lost
            binds = (zero[:, k] == 0.0) & (part >= 0.0) & (part <= q[k])
            least = min(least, (value + part * (V[j] - V[k] + penalty))[binds].min(initial=np.inf))
    return float(least)


def _conic(kind: str, V: Floats, q: Floats, *, penalty: float = 0.0, radius: float | None = None) -> float:
    """Return the same for KL or chi2 by a conic solver."""
    import cvxpy

    on = q > 0.0
    p, base = cvxpy.Variable(int(on.sum()), nonneg=True), q[on]
    spread = cvxpy.sum(cvxpy.kl_div(p, base)) if kind == "kl" else cvxpy.sum_squares((p - base) / np.sqrt(base))
    limits = [cvxpy.sum(p) == 1.0] + ([] if radius is None else [spread <= radius])
    problem = cvxpy.Problem(cvxpy.Minimize(V[on] @ p + penalty * spread), limits)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Solution may be inaccurate")  # its accuracy is what the claim judges
        return float(problem.solve(solver="CLARABEL", tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10))


def duals_cells(scale: Scale) -> list[Cell]:
    """Return blocks of random steps for each divergence; the conic solver sees the first ``solved`` of each."""
    blocks, count, solved = (10, 50, 50) if scale == "paper" else (1, 90, 15)
    return [
        {"divergence": kind, "block": i, "count": count, "solved": count if kind == "tv" else solved}
        for kind in DIVERGENCES
        for i in range(blocks)
    ]


def _broken(kind: str, V: Floats, q: Floats, lam: float) -> float:
    """Return the dual with one thing left out."""
    if kind == "tv":
        return worst_case(V, q, divergence="tv", penalty=lam, support=True).value
    mean = float(q @ V)
    if kind == "chi2":
        return mean - float(q @ (V - mean) ** 2) / (4.0 * lam)
    return lam * float(np.log(q @ np.exp(V / lam)))


def duals(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Measure the regularised operators, lambda in [0.05, 2], a third of the steps with zeros in q.

    ``value`` is the operator's; ``upper`` its primal objective at the returned distribution and ``lower`` that minus
    the gap; ``solver`` a solver's infimum for the first ``solved`` steps; ``broken`` the support minimum for TV, the
    dual without truncation for chi2, the optimistic sign for KL.
    """
    kind = cell["divergence"]
    rows = []
    for i in range(cell["count"]):
        V, q = random_step(rng, zeros=i % 3 == 0)
        lam = float(rng.uniform(0.05, 2.0))
        rows.append(priced_step(kind, V, q, lam, solved=i < cell["solved"]))
    return _columns(PRICED, rows, cell["solved"])


def priced_step(kind: str, V: Floats, q: Floats, lam: float, *, solved: bool) -> tuple[float, ...]:
    """Return one row of `duals`, in the order of `PRICED`; the conic solver is left out unless ``solved``."""
    found = worst_case(V, q, divergence=kind, penalty=lam)
    mu = np.asarray(found.distribution)
    upper = float(mu @ V) + lam * divergence(kind, mu, q)
    if kind == "tv":
        lower = solver = _least_vertex(V, q, penalty=lam)
    else:
        lower = upper - _gap(kind, V, q, mu, lam)
        solver = _conic(kind, V, q, penalty=lam) if solved else np.nan
    return found.value, upper, lower, solver, _broken(kind, V, q, lam), abs(mu.sum() - 1.0), mu.min()


def _columns(names: tuple[str, ...], rows: list[tuple[float, ...]], solved: int) -> dict[str, Floats]:
    """Return the columns of a table; that of the solver as far as it was asked."""
    table = np.array(rows)
    out = {name: table[:, j].copy() for j, name in enumerate(names)}
    out["solver"] = out["solver"][:solved]
    return out


def constrained_cells(scale: Scale) -> list[Cell]:
    """Return blocks of random steps for each divergence."""
    blocks, count, solved = (10, 50, 50) if scale == "paper" else (1, 60, 12)
    return [
        {"divergence": kind, "block": i, "count": count, "solved": count if kind == "tv" else solved}
        for kind in DIVERGENCES
        for i in range(blocks)
    ]


def _multiplier(kind: str, V: Floats, q: Floats, mu: Floats, dual: float) -> float:
    """Price of the radius at its minimiser: KL's temperature, chi2's from stationarity at two states that kept mass."""
    if kind == "kl":
        return dual
    kept = np.flatnonzero(mu > 0.0)
    low, high = kept[np.argmin(V[kept])], kept[np.argmax(V[kept])]
    tilt = 2.0 * (mu[low] / q[low] - mu[high] / q[high])
    return float((V[high] - V[low]) / tilt) if tilt > 0.0 else 0.0


def _maximum(value: Callable[[float], float], low: float, high: float, steps: int = 90) -> float:
    """Return the largest of ``value`` over [low, high] where it is unimodal, by golden section."""
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_left, at_right = value(left), value(right)
    best = max(value(low), value(high), at_left, at_right)
    for _ in range(steps):
        if at_left >= at_right:
            high, right, at_right = right, left, at_left
            left = high - GOLDEN * (high - low)
            at_left = value(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + GOLDEN * (high - low)
            at_right = value(right)
        best = max(best, at_left, at_right)
    return best


def constrained(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Measure the constrained operators, rho in [0.02, 0.9], a third of the steps with zeros in q.

    ``value`` is the operator's; ``upper`` the expectation under the returned distribution, ``spent`` its divergence;
    ``lower`` is a Lagrangian's value at that distribution minus its Frank-Wolfe gap and the price of the radius;
    ``solver`` a solver's infimum; ``lagrange`` the largest of ``Reg_lam - lam rho`` over lambda, ``fixed`` that at
    lambda = 1; ``broken`` the value at twice the radius (the other convention of total variation).
    """
    kind = cell["divergence"]
    rows = []
    for i in range(cell["count"]):
        V, q = random_step(rng, zeros=i % 3 == 0)
        rho = float(rng.uniform(0.02, 0.9))
        rows.append(bounded_step(kind, V, q, rho, solved=i < cell["solved"]))
    return _columns(BOUNDED, rows, cell["solved"])


def bounded_step(kind: str, V: Floats, q: Floats, rho: float, *, solved: bool) -> tuple[float, ...]:
    """Return one row of `constrained`, in the order of `BOUNDED`; the conic solver is left out unless ``solved``."""
    found = worst_case(V, q, divergence=kind, radius=rho)
    mu = np.asarray(found.distribution)
    spent = divergence(kind, mu, q)
    if kind == "tv":
        lower = solver = _least_vertex(V, q, radius=rho)
    else:
        price = _multiplier(kind, V, q, mu, found.dual)
        least = _gap(kind, V, q, mu, price) if price > 1e-12 else float(mu @ V) - float(V[q > 0.0].min())
        lower = float(mu @ V) - least + (price * (spent - rho) if price > 1e-12 else 0.0)
        solver = _conic(kind, V, q, radius=rho) if solved else np.nan

    def priced(level: float) -> float:
        return worst_case(V, q, divergence=kind, penalty=level).value - level * rho

    if kind == "tv":
        best = _maximum(priced, 1e-13, float(np.ptp(V)) + 1.0)
    else:
        best = _maximum(lambda log: priced(float(np.exp(log))), np.log(1e-12), np.log(1e3))
    broken = worst_case(V, q, divergence=kind, radius=2.0 * rho).value
    return found.value, float(mu @ V), lower, solver, broken, rho, spent, best, priced(1.0)
