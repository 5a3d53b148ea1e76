"""Claims on bandits: regret bounds with their published constants, and the minimax lower bound."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from bounds.claims import Assumption, Claim, Control, Evidence, Judge, Kind, Provenance, Record
from bounds.judges import (
    AllOf,
    CoverageJudge,
    MeanBound,
    MeanBoundJudge,
    SeparationJudge,
    TwoSamples,
    Violations,
)

from . import _foundations_bandit_bounds as right_sides
from ._foundations_common import DOCS, SLUG

__all__ = ["CLAIMS"]

REGRET = f"{SLUG}/bandit-regret"
FAMILY = f"{SLUG}/bandit-minimax"
LEVEL = 0.1
"""Level at which the bound of EXP3-IX that serves every level is tried."""

n, k, delta = sp.symbols("n k delta", positive=True)
GAPS = Assumption("positive-gap", r"\Delta > 0", lambda record: float(record.params.get("gap", 0.0)) > 0.0)
LONG = Assumption(
    "long-enough", r"n \ge k - 1", lambda record: record.params.get("k", np.inf) <= record.params["n"] + 1
)
CONFIRMED = "public formalised statement citing theorem and page"


def _means(record: Record) -> Any:
    """Return the means of the arms of a stochastic record: the last arm is best by the gap."""
    means = np.full(record["k"], 0.5 - record["gap"] / 2.0)
    means[-1] += record["gap"]
    return means


def _gaps(record: Record) -> Any:
    return np.array([record["gap"]] * (record["k"] - 1) + [0.0])


BOUNDS: dict[str, Callable[[Record], float]] = {
    "ucb1": lambda r: right_sides.ucb1(r["n"], _gaps(r)),
    "ucb-delta": lambda r: right_sides.ucb_delta(r["n"], _gaps(r)),
    "ucb-asymptotic": lambda r: right_sides.ucb_asymptotic(r["n"], _gaps(r)),
    "kl-ucb": lambda r: right_sides.kl_ucb(r["n"], _means(r)),
    "moss": lambda r: right_sides.moss(r["n"], _gaps(r)),
    "thompson": lambda r: right_sides.thompson(r["n"], r["k"]),
    "exp3": lambda r: right_sides.exp3(r["n"], r["k"]),
    "tsallis-iw": lambda r: right_sides.tsallis_iw(r["n"], r["k"]),
    "tsallis-rv": lambda r: right_sides.tsallis_rv(r["n"], r["k"]),
    "tsallis-stochastic": lambda r: right_sides.tsallis_stochastic(r["n"], _gaps(r)),
}
STOCHASTIC = ("bernoulli", "gaussian")
KEYS = ("learner", "instance", "k", "gap", "b", "n", "delta", "broken")


def _trivial(record: Record) -> float:
    """Return what is known without a theorem: n times the largest cost of a round, or that of a random arm."""
    if record["instance"] == "prior":
        x = (np.arange(4000) + 0.5) / 4000
        best = float(np.mean(1.0 - (1.0 - (1.0 - x) ** record["b"]) ** record["k"]))
        return float(record["n"]) * (best - 1.0 / (1.0 + record["b"]))
    return float(record["n"]) * (1.0 if record["instance"] == "alternating" else float(record["gap"]))


def _mean(row: str, broken: bool) -> Callable[[Evidence], MeanBound]:
    learner = "tsallis-rv" if row == "tsallis-stochastic" else row

    def measure(evidence: Evidence) -> MeanBound:
        kept = evidence.where(REGRET, learner=learner, broken=broken)
        if row == "tsallis-stochastic":
            kept = kept.where(instance="bernoulli")
        values, bound, trivial, labels = [], [], [], []
        for _, cell in kept.groups(*KEYS):
            first = cell.records[0]
            values.append(cell.column("final"))
            bound.append(BOUNDS[row](first))
            trivial.append(_trivial(first))
            labels.append(first.label + (f" and {len(cell) - 1} more blocks" if len(cell) > 1 else ""))
        return MeanBound(values, bound, labels, trivial, informative_from="a horizon at which the bound is below n gap")

    return measure


def _ix_bound(record: Record) -> tuple[float, float]:
    """Return the level and the bound of a record of EXP3-IX."""
    tuned = record["delta"] > 0.0
    level = record["delta"] if tuned else LEVEL
    return level, right_sides.exp3_ix(record["n"], record["k"], level, tuned=tuned)


def _violations(broken: bool) -> Callable[[Evidence], Violations]:
    def measure(evidence: Evidence) -> Violations:
        count, runs, levels, bounds, trivial, quantile, labels = [], [], [], [], [], [], []
        for _, cell in evidence.where(REGRET, learner="exp3-ix", broken=broken).groups(*KEYS):
            first, final = cell.records[0], cell.column("final")
            level, bound = _ix_bound(first)
            count.append(int(np.count_nonzero(final > bound)))
            runs.append(final.shape[0])
            levels.append(level)
            bounds.append(bound)
            trivial.append(_trivial(first))
            quantile.append(float(np.quantile(final, 1.0 - level)))
            labels.append(first.label)
        return Violations(count, runs, levels, labels, bounds, trivial, quantile)

    return measure


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of the table of bounds."""

    name: str
    paper: str
    statement: str
    control: tuple[str, str]
    provenance: Provenance
    bound: sp.Expr | None = None

    @property
    def judge(self) -> Judge:
        """A mean against its bound, or a count of violations against delta."""
        return CoverageJudge() if self.name == "exp3-ix" else MeanBoundJudge()

    def measure(self, broken: bool) -> Callable[[Evidence], Any]:
        """Return the measure of the published learner, or of its broken variant."""
        return _violations(broken) if self.name == "exp3-ix" else _mean(self.name, broken)


GREEDY = ("no-radius", "the radius is 0: the arm of largest mean so far")
UNWEIGHTED = ("no-importance-weights", "the estimate grows by the loss itself, not divided by the probability")
FAST = ("fifty-times-the-rate", "the learning rate is fifty times the published one")

ROWS = (
    _Row(
        "ucb1",
        "auer2002, Thm 1",
        r"\text{UCB1, rewards in } [0,1]: \quad R_n \le 8\sum_i \tfrac{\ln n}{\Delta_i} + "
        r"\big(1+\tfrac{\pi^2}{3}\big)\sum_i\Delta_i",
        GREEDY,
        Provenance("recalled", "Auer, Cesa-Bianchi and Fischer (2002), Theorem 1"),
    ),
    _Row(
        "ucb-delta",
        "lattimore2020, Thm 7.1",
        r"\text{UCB}(n^{-2}), \text{ 1-subgaussian}: \quad R_n \le 3\sum_i\Delta_i + \sum_i\tfrac{16\log n}{\Delta_i}",
        ("delta-one", "delta = 1: the radius is 0"),
        Provenance("confirmed", CONFIRMED),
    ),
    _Row(
        "ucb-asymptotic",
        "lattimore2020, Thm 8.1",
        r"\text{index with } \log f(t),\ f(t) = 1+t\log^2 t: \quad R_n \le \sum_i\inf_{0<\varepsilon<\Delta_i}\Delta_i"
        r"\Big(1+\tfrac{5}{\varepsilon^2}+\tfrac{2(\log f(n)+\sqrt{\pi\log f(n)}+1)}{(\Delta_i-\varepsilon)^2}\Big)",
        GREEDY,
        Provenance("confirmed", CONFIRMED),
    ),
    _Row(
        "kl-ucb",
        "lattimore2020, Thm 10.6; garivier2011",
        r"\text{KL-UCB, coins}: \quad R_n \le \sum_i\inf_{\varepsilon_1+\varepsilon_2<\Delta_i}\Delta_i"
        r"\Big(\tfrac{\log f(n)}{\mathrm{kl}(\mu_i+\varepsilon_1,\mu^*-\varepsilon_2)}+\tfrac{1}{2\varepsilon_1^2}"
        r"+\tfrac{2}{\varepsilon_2^2}\Big)",
        ("level-zero", "the level of the confidence interval is 0: the arm of largest mean so far"),
        Provenance("confirmed", CONFIRMED),
    ),
    _Row(
        "moss",
        "lattimore2020, Thm 9.1",
        r"\text{MOSS, 1-subgaussian}: \quad R_n \le 39\sqrt{kn} + \sum_i\Delta_i",
        ("pessimism", "the radius is subtracted instead of added"),
        Provenance("confirmed", CONFIRMED),
    ),
    _Row(
        "thompson",
        "lattimore2020, Ch 36",
        r"\text{Thompson sampling under its own prior, rewards in } [0,1]: \quad "
        r"\mathbb{E}\,R_n \le \sqrt{\tfrac{kn\log k}{2}}",
        ("posterior-mean", "the arm of largest posterior mean is pulled instead of that of largest draw"),
        Provenance("confirmed", CONFIRMED),
        sp.sqrt(k * n * sp.log(k) / 2),
    ),
    _Row(
        "exp3",
        "lattimore2020, Thm 11.2",
        r"\text{EXP3, } \eta = \sqrt{2\log k/(nk)}, \text{ losses in } [0,1]: \quad R_n \le \sqrt{2nk\log k}",
        FAST,
        Provenance("confirmed", CONFIRMED),
        sp.sqrt(2 * n * k * sp.log(k)),
    ),
    _Row(
        "exp3-ix",
        "lattimore2020, Thm 12.1; neu2015",
        r"\text{EXP3-IX, w.p. } 1-\delta: \quad \hat R_n \le \sqrt{8nk\log(k+1)} + "
        r"\sqrt{\tfrac{nk}{2\log(k+1)}}\log\tfrac1\delta + \log\tfrac{k+1}{\delta}; \quad \text{tuned to } \delta: "
        r"\hat R_n \le 2\sqrt{(2\log(k+1)+\log\tfrac1\delta)nk} + \log\tfrac{k+1}{\delta}",
        FAST,
        Provenance("confirmed", CONFIRMED),
        2 * sp.sqrt((2 * sp.log(k + 1) + sp.log(1 / delta)) * n * k) + sp.log((k + 1) / delta),
    ),
    _Row(
        "tsallis-iw",
        "zimmert2021, Thm 1",
        r"\tfrac12\text{-Tsallis-INF, importance weights, } \eta_t = 2/\sqrt t: \quad R_n \le 4\sqrt{kn} + 1",
        UNWEIGHTED,
        Provenance("confirmed", CONFIRMED),
        4 * sp.sqrt(k * n) + 1,
    ),
    _Row(
        "tsallis-rv",
        "zimmert2021, Thm 1",
        r"\tfrac12\text{-Tsallis-INF, reduced variance, } \eta_t = 4/\sqrt t: \quad "
        r"R_n \le 2\sqrt{kn} + 10k\log n + 16",
        UNWEIGHTED,
        Provenance("confirmed", CONFIRMED, {"10": "confirmed: as published; its proof supports 14"}),
        2 * sp.sqrt(k * n) + 10 * k * sp.log(n) + 16,
    ),
    _Row(
        "tsallis-stochastic",
        "zimmert2021, Thm 1",
        r"\text{the same, one best arm, no corruption}: \quad R_n \le \sum_{i}\tfrac{\log n+3}{\Delta_i} + "
        r"\tfrac{2}{\Delta_{\min}} + 28k\log n + \tfrac32\sqrt k + 32",
        UNWEIGHTED,
        Provenance("confirmed", CONFIRMED),
    ),
)


def _claim(row: _Row) -> Claim:
    return Claim(
        id=f"{SLUG}/bandit-upper-{row.name}",
        paper=row.paper,
        kind=Kind.HIGH_PROBABILITY if row.name == "exp3-ix" else Kind.INEQUALITY,
        statement=row.statement,
        judge=row.judge,
        studies=(REGRET,),
        measure=row.measure(False),
        control=Control(*row.control, row.measure(True)),
        provenance=row.provenance,
        bound=row.bound,
        assumptions=(GAPS,),
    )


def _every_row(broken: bool) -> Callable[[Evidence], tuple[Any, ...]]:
    return lambda evidence: tuple(row.measure(broken)(evidence) for row in ROWS)


UPPER = Claim(
    id=f"{SLUG}/bandit-upper",
    paper="lattimore2020, Chs 7 to 12, 36; zimmert2021, Thm 1; auer2002, Thm 1",
    kind=Kind.INEQUALITY,
    statement=r"\text{every bound of the claims bandit-upper-* at once}",
    judge=AllOf(tuple(row.judge for row in ROWS)),
    studies=(REGRET,),
    measure=_every_row(False),
    control=Control("all-broken", "every learner replaced by its broken variant", _every_row(True)),
    provenance=Provenance("recalled", f"docs/{DOCS}#bandit-upper", {"UCB1": "recalled: Auer et al. (2002)"}),
    assumptions=(GAPS,),
)


def _lower(column: str) -> Callable[[Evidence], TwoSamples]:
    def measure(evidence: Evidence) -> TwoSamples:
        values, bound, labels = [], [], []
        for (learner, arms, horizon), cell in evidence.where(FAMILY).groups("learner", "k", "n"):
            values.append(cell.column(column))
            bound.append(np.sqrt((arms - 1) * horizon) / 27.0)
            labels.append(f"{learner}, k={arms}, n={horizon}: {cell.records[0].label}")
        return TwoSamples(np.array(values), np.array(bound), labels)

    return measure


LOWER = Claim(
    id=f"{SLUG}/bandit-lower",
    paper="lattimore2020, Thm 15.2",
    kind=Kind.LOWER_BOUND,
    statement=(
        r"\text{every policy: some } \mu \in [0,1]^k \text{ with unit-variance normal rewards has } "
        r"R_n \ge \tfrac{1}{27}\sqrt{(k-1)n} \quad (n \ge k-1)"
    ),
    judge=SeparationJudge(),
    studies=(FAMILY,),
    measure=_lower("half_sum"),
    control=Control("told-the-bandit", "a policy that is told which bandit it plays has regret 0", _lower("told")),
    provenance=Provenance("confirmed", CONFIRMED),
    bound=sp.sqrt((k - 1) * n) / 27,
    assumptions=(LONG,),
)

CLAIMS = (UPPER, *(_claim(row) for row in ROWS), LOWER)
