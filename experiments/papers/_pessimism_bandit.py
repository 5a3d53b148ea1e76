"""Bandit and contextual-bandit studies of pessimism-lcb."""

import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from bounds.exact_risk import (
    bayes_risk,
    bayes_risk_one_unknown_arm,
    binomial_tail_below_half,
    cb_upper_term,
    choice_probability,
    greedy_trap_risk,
    missing_mass,
)
from experiments.instances import pessimism as families
from experiments.study import Cell, Scale

from ._pessimism_runs import _event_runs

Arrays = Mapping[str, npt.NDArray[Any]]

#: Terms of a binomial law below this times its largest are left out where the risk is polynomial in N.
FLOOR = 1e-16


def hoeffding(c: float, S: int, A: int, delta: float) -> float:
    """Penalty times sqrt(n): ``c sqrt(log(2SA/delta)/2)``."""
    return c * math.sqrt(math.log(2.0 * S * A / delta) / 2.0)


def _grid(**axes: Sequence[Any]) -> list[Cell]:
    return [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]


def trap_cells(scale: Scale) -> list[Cell]:
    """N of F1."""
    return _grid(N=(50, 500, 5000) if scale == "quick" else (50, 500, 5000, 50000))


def trap(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Exact risks on F1 at (q, lambda) = (0.39, 1.55), and the largest risk of the greedy rule over a grid of both."""
    N, q, lam = cell["N"], 0.39, 1.55
    arms = families.greedy_trap(N, q, lam)
    exact = {
        name: (q - 1e-9) * choice_probability(N, arms.mass, arms.means, payoff=arms.payoff, rule=rule, width=width)
        for name, rule, width in (
            ("lcb", "lcb", hoeffding(1.0, 1, 2, 1.0 / N)),
            ("empirical", "empirical", 0.0),
            ("imitation", "most-played", 0.0),
        )
    }
    grid = [(greedy_trap_risk(N, a, b), a, b) for a in np.arange(0.2, 0.61, 0.01) for b in np.arange(0.5, 3.01, 0.05)]
    best = max(grid)
    return {
        **{name: np.array([value]) for name, value in exact.items()},
        "closed_form": np.array([greedy_trap_risk(N, q, lam)]),
        "sup": np.array([best[0]]),
        "argsup": np.array(best[1:]),
        "concentrability": np.array([1.0 / (1.0 - lam / N)]),
    }


def risk_cells(scale: Scale) -> list[Cell]:
    """C* and N of the explicit upper bound."""
    return _grid(C=(1.2, 2.0, 4.0, 8.0), N=(50, 100, 200) if scale == "quick" else (50, 100, 200, 400, 800))


def risk(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Exact risk of MAB-LCB (c = 1, delta = 1/N) where the optimal arm has mass 1/C*, over gaps 0.02..0.98."""
    N, p = cell["N"], 1.0 / cell["C"]
    gap = np.linspace(0.02, 0.98, 49)
    width = hoeffding(1.0, 1, 2, 1.0 / N)
    wrong = [choice_probability(N, (p, 1 - p), (0.5 + g / 2, 0.5 - g / 2), width=width, floor=FLOOR) for g in gap]
    return {"gap": gap, "risk": gap * np.array(wrong)}


def tail_cells(scale: Scale) -> list[Cell]:
    """C* of the imitation bound."""
    return _grid(C=(1.05, 1.2, 1.35, 1.5, 1.65, 1.8, 1.95))


def tail(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Exact P(n(a*) <= N/2)."""
    N = np.array([10, 20, 50, 100, 200, 500, 1000])
    return {"N": N, "failure": np.array([binomial_tail_below_half(int(n), 1.0 / cell["C"]) for n in N])}


def two_point_cells(scale: Scale) -> list[Cell]:
    """C* and N of F2."""
    return _grid(
        C=(2.0, 4.0, 8.0), N=(100, 200, 400, 800, 1600) if scale == "quick" else tuple(100 * 2**i for i in range(8))
    )


def two_point(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Largest exact Bayes risk of F2 over d, and the worst exact risk of each rule over the two instances there."""
    C, N = cell["C"], cell["N"]
    unit = math.sqrt(C / N)
    d, bayes = max(
        ((x * unit, bayes_risk_one_unknown_arm(N, 1.0 / C, x * unit, floor=FLOOR)) for x in np.linspace(0.2, 0.6, 21)),
        key=lambda pair: pair[1],
    )
    return {"d": np.array([d]), "bayes": np.array([bayes])} | _worst(
        N, [families.unknown_arm(C, e) for e in (d, -d)], d
    )


def _worst(N: int, pair: Sequence[families.TwoArms], gap: float, floor: float = FLOOR) -> dict[str, npt.NDArray[Any]]:
    """Worst exact risk over two instances, of LCB (c = 1), the best empirical arm and imitation."""
    rules = (
        ("lcb", "lcb", hoeffding(1.0, 1, 2, 1.0 / N)),
        ("empirical", "empirical", 0.0),
        ("imitation", "most-played", 0.0),
    )
    found = {}
    for name, rule, width in rules:
        risks = []
        for arms in pair:
            second = choice_probability(
                N, arms.mass, arms.means, rule=rule, width=width, payoff=arms.payoff, floor=floor
            )
            risks.append(gap * (second if arms.means[0] > arms.means[1] else 1.0 - second))
        found[name] = np.array([max(risks)])
    return found


def swapped_cells(scale: Scale) -> list[Cell]:
    """C* and N of F3."""
    return _grid(C=(1.2, 1.5, 1.8), N=(40, 80, 120, 160, 200) if scale == "quick" else tuple(range(50, 401, 50)))


def swapped(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Largest exact Bayes risk of F3 over d, and the exact risk of each rule there (equal on both instances)."""
    C, N = cell["C"], cell["N"]
    best = (0.0, 0.0)
    for d in np.geomspace(0.005, 0.5, 20):
        one, two = families.swapped_arms(C, float(d))
        value = bayes_risk(N, [one.mass, two.mass], [one.means, two.means])
        best = max(best, (value, float(d)))
    one, _ = families.swapped_arms(C, best[1])
    return {"d": np.array([best[1]]), "bayes": np.array([best[0]])} | _worst(N, [one], best[1], floor=0.0)


def curve_cells(scale: Scale) -> list[Cell]:
    """C* and N of the bandit curves; C* = 1 stands for F1, where C* tends to 1 with N."""
    return _grid(C=(1.0, 1.05, 1.5, 2.0, 4.0), N=(25, 50, 100, 200) if scale == "quick" else (25, 50, 100, 200, 400))


def curves(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Worst exact risk of each rule over F1 and, for C* > 1, over F3 (C* < 2) or F2 (C* >= 2) with any gap; Bayes risk.

    F1 belongs to every column: its C* is below each of them (N >= 50 at 1.05). The Bayes risk is that of F3 or F2.
    """
    C, N = cell["C"], cell["N"]
    q = 0.39
    trap = families.greedy_trap(N, q)
    worst = {name: float(value[0]) for name, value in _worst(N, [trap], q - 1e-9, floor=0.0).items()}
    best = 0.0
    for d in np.geomspace(0.01, 0.5, 16) if C > 1.0 else ():
        gap = float(d)
        if C < 2.0:
            one, two = families.swapped_arms(C, gap)
            pair = [one]
            best = max(best, bayes_risk(N, [one.mass, two.mass], [one.means, two.means]))
        else:
            pair = [families.unknown_arm(C, gap), families.unknown_arm(C, -gap)]
            best = max(best, bayes_risk_one_unknown_arm(N, 1.0 / C, gap))
        for name, value in _worst(N, pair, gap, floor=0.0).items():
            worst[name] = max(worst[name], float(value[0]))
    return {name: np.array([value]) for name, value in worst.items()} | {"bayes": np.array([best])}


def penalty_cells(scale: Scale) -> list[Cell]:
    """C* and L of the fixed penalty sqrt(L/n)."""
    sizes = (50, 100, 200) if scale == "quick" else (50, 100, 200, 400, 800)
    return _grid(C=(1.5, 6.0), L=(0.25, 0.5, 1.0, 2.0), sizes=(sizes,))


def penalty(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Largest exact risk of LCB over gaps, optimal arm of mass 1/C* and mean 1/2 + gap, at each N.

    The largest risk of imitation over the same instances stands beside it.
    """
    p, sizes = 1.0 / cell["C"], cell["sizes"]
    lcb, imitation = [], []
    for N in sizes:
        gaps = np.geomspace(0.1 / math.sqrt(N), 0.5, 60)
        wrong = [
            choice_probability(N, (p, 1 - p), (0.5 + g, 0.5), width=math.sqrt(cell["L"]), floor=FLOOR) for g in gaps
        ]
        lcb.append(float(np.max(gaps * wrong)))
        imitation.append(0.5 * choice_probability(N, (p, 1 - p), (1.0, 0.5), rule="most-played"))
    return {"N": np.array(sizes), "lcb": np.array(lcb), "imitation": np.array(imitation)}


CONTEXTS = 10


def contexts_cells(scale: Scale) -> list[Cell]:
    """C* and N of F5 and F6."""
    sizes = (300, 900, 2700, 8100) if scale == "quick" else (300, 900, 2700, 8100, 24300)
    return _grid(C=(1.0, 1.02, 1.05, 1.1, 1.5, 2.0, 4.0), N=sizes)


def interpolation_cells(scale: Scale) -> list[Cell]:
    """C* at fixed N, from the S/N plateau into the square-root regime."""
    excess = np.geomspace(1e-4, 1.0, 13 if scale == "quick" else 25)
    return _grid(C=[1.0] + [float(1.0 + x) for x in excess], N=(9600,))


def contexts(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Exact average risk over the signs of F6 (C* > 1) or over the better actions of F5 (C* = 1), S = 10, c = 2.

    All hard contexts are alike, so one of them is enumerated. ``upper`` is the semi-exact bound U(N) at the same
    instance, ``bayes`` the exact Bayes risk of the family, ``rate`` min(1, sqrt(S(C*-1)/N) + S/N).
    """
    S, C, N = CONTEXTS, cell["C"], cell["N"]
    delta = 1.0 / N
    ell = math.log(2.0 * S * 2 / delta)
    width = hoeffding(2.0, S, 2, delta)
    rate = min(1.0, math.sqrt(S * (C - 1.0) / N) + S / N)
    if C == 1.0:
        rho = 1.0 / (N + 1)
        risk = 0.5 * (S - 1) * missing_mass(N, [rho])
        easy = 1.0 - (S - 1) * rho
        upper = (
            delta + (S - 1) * rho * cb_upper_term(N, rho, 0.0, ell, 2.0) + easy * cb_upper_term(N, easy, 0.0, ell, 2.0)
        )
        every = {name: np.array([risk]) for name in ("lcb", "empirical", "imitation", "bayes")}
        return every | {"upper": np.array([upper]), "rate": np.array([rate]), "gap": np.array([1.0])}
    gap = min(0.5, 0.6 / math.sqrt(N * min(C - 1.0, 1.0) / ((S - 1) * C)))
    bandit, mu = families.hard_contexts(S, C, gap, 1.0)
    mass, share = (float(mu[1, 0]), float(mu[1, 1])), float(bandit.context_distribution[1:].sum())
    found = {}
    rules = (("lcb", "lcb", width), ("empirical", "empirical", 0.0), ("imitation", "most-played", 0.0))
    for name, rule, penalty in rules:
        better = choice_probability(N, mass, (0.5 + gap, 0.5), rule=rule, width=penalty, floor=1e-12)
        worse = choice_probability(N, mass, (0.5 - gap, 0.5), rule=rule, width=penalty, floor=1e-12)
        found[name] = np.array([share * gap * 0.5 * (better + 1.0 - worse)])
    easy = float(bandit.context_distribution[0])
    terms = [cb_upper_term(N, *pair, ell, 2.0) for pair in (mass, mass[::-1])]
    certain = easy * cb_upper_term(N, float(mu[0, 0]), 0.0, ell, 2.0) if easy > 0.0 else 0.0
    return found | {
        "bayes": np.array([share * bayes_risk_one_unknown_arm(N, mass[0], gap, floor=FLOOR)]),
        "upper": np.array([delta + certain + share * 0.5 * sum(terms)]),
        "rate": np.array([rate]),
        "gap": np.array([gap]),
    }


def bias_cells(scale: Scale) -> list[Cell]:
    """C* and N of F4."""
    return _grid(C=(1.05, 1.2, 1.5), N=(200, 800, 3200, 12800) if scale == "quick" else (200, 800, 3200, 12800, 51200))


def bias(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Exact risks on F4, both contexts, and the bound U(N) at the instance."""
    C, N = cell["C"], cell["N"]
    bandit, mu = families.imitation_bias(C)
    w = float(bandit.context_distribution[1])
    ell = math.log(2.0 * 2 * 2 * N)
    unseen = 0.5 * (1.0 - w) * (1.0 - float(mu[0, 0])) ** N
    mass = (float(mu[1, 0]), float(mu[1, 1]))
    rules = (
        ("imitation", "most-played", 0.0),
        ("empirical", "empirical", 0.0),
        ("lcb", "lcb", hoeffding(2.0, 2, 2, 1.0 / N)),
        ("lcb_hoeffding", "lcb", hoeffding(1.0, 2, 2, 1.0 / N)),
    )
    found = {
        name: np.array([unseen + w * choice_probability(N, mass, (1.0, 0.0), rule=rule, width=width, floor=FLOOR)])
        for name, rule, width in rules
    }
    upper = 1.0 / N + w * cb_upper_term(N, *mass, ell, 2.0) + (1 - w) * cb_upper_term(N, float(mu[0, 0]), 0.0, ell, 2.0)
    return found | {"upper": np.array([upper]), "limit": np.array([w])}


def expert_cells(scale: Scale) -> list[Cell]:
    """Contexts and sizes."""
    return _grid(S=(2, 5, 20, 100), block=(0, 1) if scale == "quick" else tuple(range(8)))


def expert(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Expert data on 50 random context laws and sizes: exact largest risk of imitation (gap 1.

    Unseen contexts lost).
    """
    N = rng.integers(5, 2000, size=50)
    rho = rng.dirichlet(np.full(cell["S"], 0.3), size=50)
    exact = np.array([missing_mass(int(n), law) for n, law in zip(N, rho, strict=True)])
    return {"N": N.astype(np.int64), "risk": exact, "bound": cell["S"] / (math.e * N)}


def event_cells(scale: Scale) -> list[Cell]:
    """Shapes and sizes of random contextual bandits; c scales the radius."""
    runs = 4000 if scale == "quick" else 40000
    return [dict(S=S, A=A, N=N, c=c, runs=runs, delta=0.05)
            for S, A in ((1, 2), (1, 5), (5, 3), (20, 4)) for N in (50, 1000) for c in (1.0, 0.2)]  # fmt: skip


def event(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Count the datasets in which some played pair misses its mean by more than c Hoeffding widths."""
    S, A, runs = cell["S"], cell["A"], cell["runs"]
    bandit, mu = families.random_contexts(S, A, rng)
    failed = np.zeros(runs, dtype=np.int64)
    gap, bound, ratio = np.empty(runs), np.empty(runs), np.empty(runs)
    width = hoeffding(cell["c"], S, A, cell["delta"])
    priority = np.tile(-np.arange(A, dtype=np.float64), (S, 1))
    _event_runs(cell["N"], mu, bandit.means, width, rng, failed, gap, bound, ratio, 1.0, 1.0, priority)
    return {"count": np.array([failed.sum()])}


def choice_cells(scale: Scale) -> list[Cell]:
    """Shapes, sizes, penalty scale and sign."""
    instances = 80 if scale == "quick" else 500
    return [dict(S=S, A=A, N=N, c=c, sign=sign, instances=instances)
            for S, A, N in ((1, 2, 100), (1, 5, 1000), (5, 3, 1000), (5, 3, 20000))
            for c, sign in ((1.0, 1.0), (2.0, 1.0), (1.0, -1.0))]  # fmt: skip


def choices(cell: Cell, rng: np.random.Generator) -> Arrays:
    """Worst of 20 datasets on each of many random bandits, inside the event: gap against bound, and the count ratio."""
    S, A, N = cell["S"], cell["A"], cell["N"]
    width = hoeffding(1.0, S, A, 1.0 / N)
    priority = np.tile(-np.arange(A, dtype=np.float64), (S, 1))
    found = np.zeros((3, cell["instances"]))
    failed = np.zeros(20, dtype=np.int64)
    gap, bound, ratio = np.empty(20), np.empty(20), np.empty(20)
    for i in range(cell["instances"]):
        bandit, mu = families.random_contexts(S, A, rng)
        _event_runs(N, mu, bandit.means, width, rng, failed, gap, bound, ratio, cell["c"], cell["sign"], priority)
        worst = int(np.argmax(gap - bound))
        found[:, i] = gap[worst], bound[worst], ratio.max()
    return {"gap": found[0], "bound": found[1], "ratio": found[2]}
