"""Claims on the elimination of nets and index sets: errors and numbers of queries."""

from __future__ import annotations

from collections.abc import Callable
from math import comb
from typing import Any

import numpy as np
import sympy as sp

from bounds.claims import Claim, Control, Evidence, Kind, Provenance
from bounds.judges import AllOf, Comparison, CoverageJudge, InequalityJudge, Violations

from ._measures import entry_labels
from ._sparse_common import KEY, SLUG, derived, per_entry

__all__ = ["CLAIMS"]

NET = f"{SLUG}/net"
NOISY = f"{SLUG}/noisy"
eps, d, s, k, g = sp.symbols("epsilon d s k g", positive=True)
ABSTRACT = "confirmed: abstract, order only"


def _guarantee(stopped: str, error: str, certificate: Callable[[Any], float]) -> Callable[[Evidence], Any]:
    """Compare the share of runs that did not stop with 0, and errors with the certificate of their cell."""

    def measure(evidence: Evidence) -> tuple[Comparison, Comparison]:
        kept = evidence.where(NET)
        names = entry_labels(kept, error)
        bound = per_entry(kept, [certificate(record) for record in kept], error)
        missed = 1.0 - kept.column(stopped)
        return (
            Comparison(missed, np.zeros(missed.shape), labels=names),
            Comparison(kept.column(error), bound, scale=bound, trivial=2.0, labels=names),
        )

    return measure


NET_GUARANTEE = Claim(
    id=f"{SLUG}/net-guarantee",
    paper=f"{KEY}, upper bound of the abstract",
    kind=Kind.INEQUALITY,
    statement=r"\text{net elimination stops, and } r^\star - r(\hat a) \le 4\epsilon",
    judge=AllOf((InequalityJudge(), InequalityJudge(slack=1e-9))),
    studies=(NET,),
    measure=_guarantee("stopped", "error", lambda record: 4.0 * record["eps"]),
    control=Control(
        "half-slack",
        "a candidate is confirmed within epsilon/2 instead of 2 epsilon: where nothing pays the net is exhausted",
        _guarantee("half_stopped", "half_error", lambda record: 4.0 * record["eps"]),
    ),
    provenance=derived("net-guarantee", **{"4": "derived: the paper states O(epsilon)"}),
    bound=4 * eps,
)


def _net_bound(record: Any, supports: bool) -> float:
    whole = comb(record["d"], record["s"]) if supports else 1
    return float(whole * (np.sqrt(record["s"]) / record["eps"] + 2.0) ** record["s"])


def _net_queries(supports: bool) -> Callable[[Evidence], Any]:
    def measure(evidence: Evidence) -> tuple[Comparison, Comparison]:
        kept = evidence.where(NET)
        names = entry_labels(kept, "queries")
        size = per_entry(kept, [_net_bound(record, supports) for record in kept], "queries")
        arms = per_entry(kept, [record["k"] for record in kept], "queries")
        most = np.minimum(size, arms)
        return (
            Comparison(kept.column("queries"), most, scale=most, trivial=arms, labels=names),
            Comparison(kept.column("candidates"), size, scale=size, labels=names),
        )

    return measure


NET_QUERIES = Claim(
    id=f"{SLUG}/net-queries",
    paper=f"{KEY}, upper bound of the abstract",
    kind=Kind.INEQUALITY,
    statement=r"\text{net elimination queries at most } \min\big(k,\tbinom ds(\sqrt s/\epsilon+2)^s\big)\text{ arms}",
    judge=AllOf((InequalityJudge(), InequalityJudge())),
    studies=(NET,),
    measure=_net_queries(True),
    control=Control("one-support", "the bound for a single support, without the binomial factor", _net_queries(False)),
    provenance=derived("net-queries", **{"order eps^-s d^s": ABSTRACT}),
    bound=sp.Min(k, sp.binomial(d, s) * (sp.sqrt(s) / eps + 2) ** s),
)


def _noisy(error: str) -> Callable[[Evidence], Violations]:
    def measure(evidence: Evidence) -> Violations:
        count, runs, delta, names, bounds, quantiles = [], [], [], [], [], []
        for (eps_, s_, level), cell in evidence.where(NOISY).groups("eps", "s", "delta"):
            values = cell.column(error)
            count.append(int(np.count_nonzero(values > 6.0 * eps_ + 1e-12)))
            runs.append(values.size)
            delta.append(level)
            bounds.append(6.0 * eps_)
            quantiles.append(float(np.quantile(values, 1.0 - level)))
            names.append(f"s={s_}, eps={eps_:g}: {cell.records[0].label}")
        return Violations(count, runs, delta, names, bound=bounds, quantile=quantiles)

    return measure


NET_NOISY = Claim(
    id=f"{SLUG}/net-noisy",
    paper=f"{KEY}, noisy form of the upper bound",
    kind=Kind.HIGH_PROBABILITY,
    statement=(
        r"\text{means of } \lceil8\sigma^2\ln(2N/\delta)/\epsilon^2\rceil\text{ pulls, slack }3\epsilon:\ "
        r"r^\star-r(\hat a)\le6\epsilon\text{ with probability }1-\delta"
    ),
    judge=CoverageJudge(),
    studies=(NOISY,),
    measure=_noisy("error"),
    control=Control("one-pull", "a single pull of a queried arm", _noisy("single_error")),
    provenance=derived("net-noisy"),
    bound=6 * eps,
)

INDEX_SETS = Claim(
    id=f"{SLUG}/index-sets",
    paper=f"{KEY}, elimination of index sets",
    kind=Kind.INEQUALITY,
    statement=(
        r"\text{index-set elimination stops, and } r^\star-r(\hat a)\le2\epsilon(1+\sqrt{(1+\tau)s})\text{ after "
        r"at most }"
        r"\tbinom ds(s(s+1)/2+1)\text{ queries}"
    ),
    judge=AllOf((InequalityJudge(), InequalityJudge(slack=1e-9), InequalityJudge())),
    studies=(NET,),
    measure=lambda evidence: (*_index_error("index_stopped")(evidence), _index_queries(evidence)),
    control=Control(
        "no-certificate",
        "a support is confirmed only if its prediction is not missed at all: no support is",
        lambda evidence: (*_index_error("unsure_stopped")(evidence), _index_queries(evidence)),
    ),
    provenance=Provenance(
        "derived", "docs/papers/misspecified-sparse-linear-bandits.md#index-sets",
        {"name and idea": "recalled: elimination of index sets"},
    ),
    bound=2 * eps * (1 + sp.sqrt(sp.Rational(101, 100) * s)),
)  # fmt: skip


def _index_error(stopped: str) -> Callable[[Evidence], Any]:
    return _guarantee(stopped, "index_error", lambda record: 2.0 * record["eps"] * (1.0 + np.sqrt(1.01 * record["s"])))


def _index_queries(evidence: Evidence) -> Comparison:
    kept = evidence.where(NET)
    most = [comb(r["d"], r["s"]) * (r["s"] * (r["s"] + 1) // 2 + 1) for r in kept]
    bound = per_entry(kept, most, "index_queries")
    return Comparison(kept.column("index_queries"), bound, scale=bound, labels=entry_labels(kept, "index_queries"))


CLAIMS = (NET_GUARANTEE, NET_QUERIES, NET_NOISY, INDEX_SETS)
