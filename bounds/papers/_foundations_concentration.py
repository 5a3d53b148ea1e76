"""Claims on concentration: exact failure probabilities, time-uniform bounds, elliptical potentials."""

from collections.abc import Callable

import numpy as np
import sympy as sp

from bounds import concentration
from bounds.claims import Assumption, Claim, Control, Evidence, Kind, Provenance
from bounds.judges import AllOf, Comparison, CoverageJudge, InequalityJudge, Violations

from ._foundations_common import SLUG, derived, rows_of
from ._measures import joined, numbers

__all__ = ["CLAIMS"]

COVERAGE = f"{SLUG}/coverage-curves"
PATHS = f"{SLUG}/paths"

LEVEL = Assumption("level", r"0 < \delta < 1", lambda record: 0.0 < float(record.params.get("delta", 0.5)) < 1.0)
TWO_DRAWS = Assumption("two-draws", r"n \ge 2", lambda record: int(record.params["n"]) >= 2)
TWO_OUTCOMES = Assumption("two-outcomes", r"S \ge 2", lambda record: int(record.params["S"]) >= 2)


def _coverage(*names: str) -> Callable[[Evidence], Comparison]:
    """Return the comparison of exact failure probabilities with delta, for the inequalities ``names``."""

    def measure(evidence: Evidence) -> Comparison:
        failure, delta, labels = [], [], []
        for name in names:
            for record in evidence.where(COVERAGE, inequality=name):
                for at, value in (("p", "failure"), ("worst_p", "worst")):
                    if value in record.arrays:
                        failure.append(record[value])
                        delta.append(np.full(record[value].shape, record["delta"]))
                        labels += [f"{record.label}: {at}={p:g}" for p in record[at]]
        return Comparison(np.concatenate(failure), np.concatenate(delta), labels=labels)

    return measure


def _exact_claim(
    name: str,
    paper: str,
    statement: str,
    provenance: Provenance,
    assumptions: tuple[Assumption, ...],
    *inequalities: str,
) -> Claim:
    """Return a claim judged by exact failure probabilities, with the first inequality's broken variant as control."""
    first = inequalities[0]
    variant = concentration.CONTROLS[first]
    return Claim(
        id=f"{SLUG}/{name}",
        paper=paper,
        kind=Kind.HIGH_PROBABILITY,
        statement=statement,
        judge=InequalityJudge(slack=1e-12),
        studies=(COVERAGE,),
        measure=_coverage(*inequalities),
        control=Control(
            variant.partition("/")[2], f"the broken variant {variant} of the inequality", _coverage(variant)
        ),
        provenance=provenance,
        bound=concentration.expression(first),
        assumptions=(LEVEL, *assumptions),
    )


HOEFFDING = _exact_claim(
    "hoeffding",
    "hoeffding1963, Thm 1",
    r"X_i \in [0,1]: \quad \Pr\Big(\mu - \hat\mu > \sqrt{\tfrac{\ln(1/\delta)}{2n}}\Big) \le \delta",
    derived("hoeffding"),
    (),
    "hoeffding",
)
BERNSTEIN = _exact_claim(
    "bernstein",
    "boucheron2013, Sec 2.8",
    r"X_i \in [0,1]: \quad \Pr\Big(\mu - \hat\mu > \sqrt{\tfrac{2\sigma^2\ln(1/\delta)}{n}} + "
    r"\tfrac{\ln(1/\delta)}{3n}\Big) \le \delta",
    derived("bernstein"),
    (),
    "bernstein",
)
MAURER_PONTIL = _exact_claim(
    "maurer-pontil",
    "maurer2009, Thm 4",
    r"X_i \in [0,1],\ V_n \text{ the unbiased sample variance}: \quad "
    r"\Pr\Big(\mu - \hat\mu > \sqrt{\tfrac{2V_n\ln(2/\delta)}{n}} + \tfrac{7\ln(2/\delta)}{3(n-1)}\Big) \le \delta",
    Provenance("recalled", "Maurer and Pontil (2009), Theorem 4", {"7/3": "recalled: Maurer and Pontil (2009)"}),
    (TWO_DRAWS,),
    "maurer-pontil",
)
KL_CHERNOFF = _exact_claim(
    "kl-chernoff",
    "chernoff1952; garivier2011, Thm 10",
    r"\Pr\big(\hat\mu_n < \mu,\ n\,\mathrm{kl}(\hat\mu_n,\mu) > \ln(1/\delta)\big) \le \delta, \quad "
    r"\Pr\big(\exists n \le t: \hat\mu_n < \mu,\ n\,\mathrm{kl}(\hat\mu_n,\mu) > x\big) \le "
    r"e \lceil x \log t \rceil e^{-x}",
    Provenance(
        "recalled",
        "docs/papers/tabular-foundations.md#kl-chernoff (fixed n); Garivier and Cappé (2011), Theorem 10 (all n <= t)",
        {"e ceil(x log t)": "recalled: Garivier and Cappé (2011)"},
    ),
    (),
    "kl-chernoff",
    "kl-chernoff-uniform",
)
WEISSMAN = _exact_claim(
    "weissman",
    "weissman2003, Thm 2.1",
    r"\hat P \text{ from } n \text{ draws of } P \text{ on } S \text{ outcomes}: \quad "
    r"\Pr\Big(\|\hat P - P\|_1 \ge \sqrt{\tfrac{2\ln((2^S-2)/\delta)}{n}}\Big) \le \delta",
    derived("weissman"),
    (TWO_OUTCOMES,),
    "weissman",
)


def _paths(
    evidence: Evidence, column: str = "violations", inequality: str = "self-normalised"
) -> tuple[Comparison, Violations]:
    """Return exact failure probabilities of Bernoulli walks, and violations on Gaussian paths summed over blocks."""
    count, runs, deltas, labels = [], [], [], []
    for (_, delta), group in evidence.where(PATHS).groups("d", "delta"):
        count.append(int(group.column(column).sum()))
        runs.append(sum(int(record["runs"]) for record in group))
        deltas.append(delta)
        labels.append(
            f"{group.records[0].label} and {len(group) - 1} more blocks" if len(group) > 1 else group.records[0].label
        )
    return _coverage(inequality)(evidence), Violations(count, runs, deltas, labels=labels)


SELF_NORMALISED = Claim(
    id=f"{SLUG}/self-normalised",
    paper="abbasi2011, Thm 1",
    kind=Kind.HIGH_PROBABILITY,
    statement=(
        r"\text{with probability } 1-\delta, \text{ at all times } \|S_t\|^2_{V_t^{-1}} \le "
        r"2R^2 \log\frac{\det(V_t)^{1/2}}{\delta\,\det(V_0)^{1/2}}; \quad \text{for one arm } "
        r"|\hat\mu_n - \mu| \le \sigma\sqrt{\tfrac{2(1+1/n)\log(\sqrt{n+1}/\delta)}{n}}"
    ),
    judge=AllOf((InequalityJudge(slack=1e-12), CoverageJudge())),
    studies=(COVERAGE, PATHS),
    measure=_paths,
    control=Control(
        "one-time-radius",
        "simulated paths against the radius of one time (one arm: sqrt(2 log(2/delta)/n); vectors: no volume term)",
        lambda e: _paths(e, "violations_control"),
    ),
    provenance=derived("self-normalised"),
    bound=concentration.expression("self-normalised"),
    assumptions=(LEVEL,),
)

n, d, ridge = sp.symbols("n d lambda", positive=True)
_POTENTIAL = 2 * d * sp.log(1 + n / (d * ridge))


def _elliptical(evidence: Evidence, factor: float = 1.0) -> Comparison:
    p = rows_of(evidence, "elliptical", "potential")
    bound = numbers(_POTENTIAL, {n: p["n"], d: p["d"], ridge: p["ridge"]})
    return joined(p, (p["sum"], factor * p["log_det_bound"]), (p["log_det_bound"], bound))


ELLIPTICAL = Claim(
    id=f"{SLUG}/elliptical",
    paper="lattimore2020, Lemma 19.4; abbasi2011, Lemma 11",
    kind=Kind.INEQUALITY,
    statement=(
        r"V_0 = \lambda I,\ \|a_t\| \le 1: \quad \sum_{t \le n} \min(1, \|a_t\|^2_{V_{t-1}^{-1}}) \le "
        r"2\log\frac{\det V_n}{\det V_0} \le 2d\log\Big(1 + \frac{n}{d\lambda}\Big)"
    ),
    judge=InequalityJudge(),
    studies=(f"{SLUG}/elliptical",),
    measure=_elliptical,
    control=Control("no-factor-two", "log det without its factor 2", lambda e: _elliptical(e, factor=0.5)),
    provenance=derived("elliptical"),
    bound=_POTENTIAL,
    assumptions=(Assumption("ridge", r"\lambda > 0", lambda record: float(record.params["ridge"]) > 0.0),),
)

CLAIMS = (HOEFFDING, BERNSTEIN, MAURER_PONTIL, KL_CHERNOFF, WEISSMAN, SELF_NORMALISED, ELLIPTICAL)
