"""Evidence on observations, designs and information: revealing constants, designs, coefficients, capacities."""

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from bounds import complexity
from bounds.complexity.capacity_bounds import _blahut_arimoto
from experiments.study import Cell, Scale, Study
from tabular.learning.bandit import design_variances

from ._complexity_functions import SLUG
from ._complexity_models import cells
from ._table import Table

__all__ = ["CAPACITY", "DESIGNS", "INFORMATION", "REVEALING", "STUDIES", "design", "learn", "reveal", "transmit"]

Array = npt.NDArray[np.float64]
Arrays = Mapping[str, npt.NDArray[Any]]

DESIGNS = ("d", "mean", "plain_mean", "worst", "least", "attained", "short", "allowed", "sharper")
REVEALING = ("lower", "upper", "pseudo", "spectral", "states", "garbled")
CAPACITY = ("lower", "upper", "tried", "dual", "uniform", "drop")
INFORMATION = (
    *("squared", "allowed", "thompson", "thompson_allowed", "greedy", "greedy_allowed"),
    *("lower", "upper", "tried"),
)


def run_designs(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Measure variances and log-determinants of random designs beside the optimal one's certificate."""
    table = Table("designs", *DESIGNS)
    for i in range(cell["count"]):
        d = int(rng.integers(1, 7))
        k = int(rng.integers(d + 2, 40))
        x = rng.normal(size=(k, d)) * np.exp(rng.normal(size=(k, 1)))
        p = rng.dirichlet(np.full(k, float(rng.choice([0.3, 1.0, 3.0])))) * 0.99 + 0.01 / k
        design(f"actions {i} (k={k}, d={d})", x, p, table)
    return table.arrays()


def design(name: str, x: Array, p: Array, table: Table) -> None:
    """Add one design p (k,) on actions x (k, d) to the table of `run_designs`."""
    d = x.shape[1]
    variance = design_variances(x, p)
    best = complexity.least_worst_variance(x, tau=1e-3)
    value = complexity.log_det_information(x, tau=1e-3)
    own = float(np.linalg.slogdet((x * p[:, None]).T @ x)[1])
    g = float(variance.max())
    table.add(
        name,
        d=d,
        mean=float(p @ variance),
        plain_mean=float(variance.mean()),
        worst=g,
        least=best.lower,
        attained=best.upper,
        short=value.lower - own,
        allowed=g - d,
        sharper=d * math.log(g / d),
    )


def run_revealing(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Measure revealing constants of random emissions, as they are and garbled."""
    table = Table("revealing", *REVEALING)
    for i in range(cell["count"]):
        S = int(rng.integers(2, 6))
        n = int(rng.integers(S, 9))
        E = rng.dirichlet(np.full(n, float(rng.choice([0.3, 1.0]))), size=S).T
        channel = rng.dirichlet(np.ones(int(rng.integers(S, 9))), size=n).T
        reveal(f"emissions {i} (O={n}, S={S})", E, channel, table)
    return table.arrays()


def reveal(name: str, E: Array, channel: Array, table: Table) -> None:
    """Add emissions E (O, S) and what a channel (O', O) leaves of them to the table of `run_revealing`."""
    alpha = complexity.revealing_constant(E)
    table.add(
        name,
        lower=alpha.lower,
        upper=alpha.upper,
        pseudo=complexity.pseudo_inverse_constant(E).lower,
        spectral=complexity.revealing_constant(E, norm="spectral").lower,
        states=E.shape[1],
        garbled=complexity.revealing_constant(channel @ E).lower,
    )


def dec_cells(scale: Scale) -> list[Cell]:
    """Return the grid over numbers of arms and gamma."""
    arms = (2, 4, 8) if scale == "quick" else (2, 3, 4, 6, 8, 12, 16)
    steps = 5 if scale == "quick" else 9
    return [{"K": K, "gamma": 25.0 * K * 2.0 ** (i * 4 / (steps - 1))} for K in arms for i in range(steps)]


def run_dec(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Solve the program at the reference 1/2: one arm raised by one of 60 gaps; for K = 2 also pairs of shifts."""
    K, gamma = int(cell["K"]), float(cell["gamma"])
    reference = np.full((K, 2), 0.5)
    means = complexity.raised_arms(K, np.linspace(0.05, 3.0, 60) * (K - 1) / (2.0 * gamma))
    one = complexity.decision_estimation_coefficient(means, complexity.bernoulli_outcomes(means), reference, gamma)
    found = {"lower": np.array([one.lower]), "upper": np.array([one.upper])}
    if K == 2:
        shifts = np.linspace(-2.0, 2.0, 41) / (2.0 * gamma)
        means = 0.5 + np.array(list(itertools.product(shifts, repeat=2)))
        every = complexity.decision_estimation_coefficient(
            means, complexity.bernoulli_outcomes(means), reference, gamma
        )
        found |= {"lower_all": np.array([every.lower]), "upper_all": np.array([every.upper])}
    return found


def run_capacity(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Enclose capacities of random channels, and hold both ends against random inputs and output laws."""
    table = Table("capacity", *CAPACITY)
    for i in range(cell["count"]):
        A, n = int(rng.integers(2, 7)), int(rng.integers(2, 7))
        channel = rng.dirichlet(np.full(n, float(rng.choice([0.2, 1.0]))), size=A)
        inputs, outputs = rng.dirichlet(np.ones(A), size=20), rng.dirichlet(np.ones(n), size=20)
        transmit(f"channel {i} ({A} inputs, {n} outputs)", channel, inputs, outputs, table)
    return table.arrays()


def transmit(name: str, channel: Array, inputs: Array, outputs: Array, table: Table) -> None:
    """Add one channel (A, O), held against laws of inputs (n, A) and of outputs (n, O), to that of `run_capacity`."""
    A = channel.shape[0]
    found = complexity.channel_capacity(channel, tol=1e-6)
    path = np.zeros(200)
    steps = _blahut_arimoto(channel, 1e-6, 200, 1.0, np.full(A, 1.0 / A), path)[2]
    table.add(
        name,
        lower=found.lower,
        upper=found.upper,
        tried=max(_information(channel, p) for p in inputs),
        dual=min(_divergences(channel, q).max() for q in outputs),
        uniform=_information(channel, np.full(A, 1.0 / A)),
        drop=float(-np.diff(path[:steps]).min(initial=0.0)),
    )


def _divergences(channel: Array, law: Array) -> Array:
    return np.asarray(special.rel_entr(channel, law).sum(axis=1))


def _information(channel: Array, p: Array) -> float:
    used = p > 0.0
    return float(p[used] @ _divergences(channel[used], p @ channel))


def run_information(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Measure regret and information of Bernoulli arms under random posteriors, some with one arm known."""
    table = Table("information", *INFORMATION)
    for i in range(cell["count"]):
        K, M = int(rng.integers(2, 7)), int(rng.integers(2, 15))
        means = rng.random((M, K))
        if i % 2:
            means[:, 0] = 0.6
        posterior = rng.dirichlet(np.full(M, float(rng.choice([0.2, 1.0]))))
        trials = rng.dirichlet(np.full(K, 0.5), size=200)
        learn(f"posterior {i} (K={K}, M={M})", posterior, means, trials, table)
    return table.arrays()


def learn(name: str, posterior: Array, means: Array, trials: Array, table: Table) -> None:
    """Add one posterior (M,) on means (M, K), and laws of actions (n, K) to try, to the table of `run_information`."""
    found = complexity.posterior_regret_information(posterior, means)
    r, info, K = found.regret, found.information, means.shape[1]
    ratio = complexity.information_ratio(r, info)
    p = ratio.witness if ratio.witness is not None else found.thompson
    greedy = int(r.argmin())
    tried = float(((trials @ r) ** 2 / (trials @ info)).min()) if info.max() > 0.0 else 0.0
    table.add(
        name,
        squared=float(p @ r) ** 2,
        allowed=K / 2.0 * float(p @ info),
        thompson=float(found.thompson @ r) ** 2,
        thompson_allowed=K / 2.0 * float(found.thompson @ info),
        greedy=float(r[greedy]) ** 2,
        greedy_allowed=K / 2.0 * float(info[greedy]),
        lower=ratio.lower,
        upper=ratio.upper,
        tried=tried,
    )


STUDIES = tuple(
    Study(f"{SLUG}/{name}", title, grid, run)
    for name, title, grid, run in (
        ("designs", "Variances and log-determinants of designs", cells, run_designs),
        ("revealing", "Revealing constants of random emissions", cells, run_revealing),
        ("dec", "Decision-estimation coefficient at 1/2", dec_cells, run_dec),
        ("capacity", "Capacity of random channels", cells, run_capacity),
        ("information", "Regret and information under random posteriors", cells, run_information),
    )
)
