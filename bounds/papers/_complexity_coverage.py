"""Claims on coverage: coverability, concentrability and its order, linear classes, spanning capacity."""

from __future__ import annotations

import numpy as np
import sympy as sp

from bounds.claims import Assumption, Claim, Control, Evidence, Kind
from bounds.judges import AllOf, Comparison, IdentityJudge, InequalityJudge

from ._complexity_common import SLUG, derived, not_empty, rows_of
from ._measures import joined

__all__ = ["CLAIMS"]


def _identity(evidence: Evidence, value: str = "value") -> tuple[Comparison, Comparison, Comparison]:
    table = rows_of(evidence, "coverability", "identity")
    law = rows_of(evidence, "coverability", "law")
    return (
        joined(table, (table[value], table["enumerated"])),
        joined(table, (table["attained"], table[value])),
        joined(law, (law["value"], law["covered"]), scale=law["covered"]),
    )


COV_IDENTITY = Claim(
    id=f"{SLUG}/cov-identity",
    paper="xie2023, Lemma 3",
    kind=Kind.IDENTITY,
    statement=(
        r"C_{\mathrm{cov}}(\Pi) = \inf_{\mu} \sup_{\pi \in \Pi} \max_{h,s,a} \frac{d_h^\pi(s,a)}{\mu_h(s,a)} = "
        r"\max_h \sum_{s,a} \max_{\pi \in \Pi} d_h^\pi(s,a), \quad \text{attained at } "
        r"\mu_h \propto \max_{\pi \in \Pi} d_h^\pi"
    ),
    judge=AllOf((IdentityJudge(), IdentityJudge(), InequalityJudge())),
    studies=(f"{SLUG}/coverability",),
    measure=_identity,
    control=Control(
        "one-policy",
        "the occupancies of a single policy in place of the largest ones: the sum is 1, below the true value",
        lambda e: _identity(e, value="single"),
    ),
    provenance=derived("cov-identity"),
    assumptions=(not_empty("identity"),),
)

_RANK, _ACTIONS = sp.symbols("d A", positive=True)


def _bounds(evidence: Evidence, with_actions: bool = True) -> tuple[Comparison, ...]:
    law = rows_of(evidence, "coverability", "law")
    structure = rows_of(evidence, "structure", "structure")
    contexts = rows_of(evidence, "structure", "contexts")
    limit = structure["rank"] * (structure["actions"] if with_actions else 1.0)
    return (
        joined(law, (1.0, law["value"]), (law["value"], law["pairs"])),
        joined(law, (law["value"], law["dynamic_covered"]), scale=law["dynamic_covered"]),
        joined(structure, (structure["value"], limit)),
        joined(contexts, (contexts["value"], contexts["actions"])),
    )


COV_BOUNDS = Claim(
    id=f"{SLUG}/cov-bounds",
    paper="xie2023, Sec 3",
    kind=Kind.INEQUALITY,
    statement=(
        r"1 \le C_{\mathrm{cov}} \le \min\left\{SA, C_{\mathrm{conc}}(\mu)\right\} \text{ for every } \mu; \quad "
        r"\text{linear MDP, features on the simplex: } C_{\mathrm{cov}} \le dA; \quad "
        r"\text{block MDP: } C_{\mathrm{cov}} \le |Z| A; \quad \text{contextual bandit: } C_{\mathrm{cov}} = A"
    ),
    judge=AllOf((InequalityJudge(), InequalityJudge(), InequalityJudge(), IdentityJudge())),
    studies=(f"{SLUG}/coverability", f"{SLUG}/structure"),
    measure=_bounds,
    control=Control(
        "without-actions", "the rank alone, d or |Z|, as the bound", lambda e: _bounds(e, with_actions=False)
    ),
    provenance=derived("cov-bounds"),
    bound=_RANK * _ACTIONS,
)


def _order(evidence: Evidence, least: str = "single") -> tuple[Comparison, Comparison, Comparison]:
    table = rows_of(evidence, "concentrability", "order")
    size = np.maximum(table["all"], 1.0)
    return (
        joined(
            table,
            (1.0, table[least]),
            (1.0, table["square"]),
            (table["square"], table["single"]),
            (table["single"], table["all"]),
            (table["clipped"], table["single"]),
            scale=size,
        ),
        joined(table, (table["distance"], 1.0 - 1.0 / table["single"])),
        joined(table, (table["own"], 1.0)),
    )


CONC_ORDER = Claim(
    id=f"{SLUG}/conc-order",
    paper="rashidinejad2021, Def 1; xie2020",
    kind=Kind.INEQUALITY,
    statement=(
        r"1 \le C_{L_2} \le C^\pi \le C_{\mathrm{conc}}, \quad C_{\mathrm{clipped}} \le C^\pi; \quad "
        r"\mathrm{TV}(d^\pi, \mu) \le 1 - 1/C^\pi, \text{ hence } C^\pi = 1 \text{ exactly if } \mu = d^\pi"
    ),
    judge=AllOf((InequalityJudge(), InequalityJudge(), IdentityJudge())),
    studies=(f"{SLUG}/concentrability",),
    measure=_order,
    control=Control(
        "clipped-at-least-one",
        "the clipped coefficient held to be at least 1, as the others are; it may be as small as 1/S",
        lambda e: _order(e, least="clipped"),
    ),
    provenance=derived("conc-order"),
    assumptions=(not_empty("order"),),
)


def _linear(evidence: Evidence, one_hot: str = "one_hot") -> tuple[Comparison, Comparison]:
    table = rows_of(evidence, "concentrability", "linear")
    return (
        joined(table, (table["quotient"], table["single"]), scale=table["single"]),
        joined(table, (table[one_hot], table["single"])),
    )


LIN_COVERAGE = Claim(
    id=f"{SLUG}/lin-coverage",
    paper="xie2023, Sec 3",
    kind=Kind.INEQUALITY,
    statement=(
        r"\sup_\theta \frac{\mathbb{E}_{d^\pi}(\theta^\top\phi)^2}{\mathbb{E}_\mu(\theta^\top\phi)^2} = "
        r"\lambda_{\max}(\Sigma_\mu^{-1/2}\Sigma_{d^\pi}\Sigma_\mu^{-1/2}) \le C^\pi, \quad "
        r"\text{with equality for one-hot features}"
    ),
    judge=AllOf((InequalityJudge(slack=1e-9), IdentityJudge())),
    studies=(f"{SLUG}/concentrability",),
    measure=_linear,
    control=Control("trace", "the trace in place of the largest eigenvalue", lambda e: _linear(e, one_hot="trace")),
    provenance=derived("lin-coverage"),
    assumptions=(not_empty("linear"),),
)


def _capacity(evidence: Evidence, capacity: str = "capacity") -> tuple[Comparison, ...]:
    table = rows_of(evidence, "spanning", "bounds")
    models = rows_of(evidence, "spanning", "models")
    witness = rows_of(evidence, "spanning", "witness")
    whole = table["capacity"]
    return (
        joined(table, (whole, table["policies"]), (whole, table["paths"]), (whole, table["pairs"])),
        joined(table, (table["part"], whole)),
        joined(models, (models["coverability"], models["capacity"])),
        joined(witness, (witness["coverability"], witness[capacity])),
    )


SPAN_CAP_BOUNDS = Claim(
    id=f"{SLUG}/span-cap-bounds",
    paper="jia2023, Sec 3",
    kind=Kind.INEQUALITY,
    statement=(
        r"\mathfrak{C}(\Pi) \le \min\left\{|\Pi|, A^H, \max_h S_h A\right\}; \quad "
        r"\Pi' \subseteq \Pi \Rightarrow \mathfrak{C}(\Pi') \le \mathfrak{C}(\Pi); \quad "
        r"\max_M C_{\mathrm{cov}}(\Pi; M) = \mathfrak{C}(\Pi) \text{ over stochastic layered models } M"
    ),
    judge=AllOf((InequalityJudge(0.0), InequalityJudge(0.0), InequalityJudge(), IdentityJudge())),
    studies=(f"{SLUG}/spanning",),
    measure=_capacity,
    control=Control(
        "one-model",
        "the pairs reached in one deterministic model drawn at random, in place of the largest number",
        lambda e: _capacity(e, capacity="fixed"),
    ),
    provenance=derived("span-cap-bounds"),
    assumptions=(not_empty("bounds"),),
)


def _singleton(evidence: Evidence, enough: bool = True) -> Comparison:
    kept = evidence.where(f"{SLUG}/singleton", enough=enough)
    ends = [(record, end) for record in kept for end in ("lower", "upper")]
    return Comparison(
        [float(record[end][0]) for record, end in ends],
        [len(record["sizes"]) + 1.0 for record, _ in ends],
        labels=[f"{record.label}, {end}" for record, end in ends],
        exact=True,
    )


SINGLETON = Claim(
    id=f"{SLUG}/singleton",
    paper="jia2023, Sec 3",
    kind=Kind.IDENTITY,
    statement=(
        r"A = 2,\ \Pi = \left\{\text{always } 0\right\} \cup \left\{1 \text{ at one } (h,s) \text{ only}\right\}: "
        r"\quad \mathfrak{C}(\Pi) = H + 1 \text{ as soon as layer } h \text{ has at least } h \text{ states for all } "
        r"h \le H"
    ),
    judge=IdentityJudge(0.0),
    studies=(f"{SLUG}/singleton",),
    measure=_singleton,
    control=Control(
        "too-few-states",
        "H - 1 states in every layer: the last layer cannot keep the H paths apart",
        lambda e: _singleton(e, enough=False),
    ),
    provenance=derived("singleton"),
    assumptions=(Assumption("horizon", r"H \ge 2", lambda record: len(record["sizes"]) >= 2),),
)

CLAIMS = (COV_IDENTITY, COV_BOUNDS, CONC_ORDER, LIN_COVERAGE, SPAN_CAP_BOUNDS, SINGLETON)
