"""Claims of misspecified-sparse-linear-bandits on regret under noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bounds.claims import Claim, Control, Evidence, Kind, Provenance
from bounds.judges import AllOf, Curve, Curves, MeanBound, MeanBoundJudge, RateJudge

from ._sparse_common import SLUG

__all__ = ["CLAIMS", "order"]

SPECIFIED = f"{SLUG}/specified"
MISLED = f"{SLUG}/misled"
NOISE = {SPECIFIED: 0.1, MISLED: 0.05}


def order(n: Any, d: float, k: float, sigma: float, epsilon: float) -> Any:
    """Return what the regret is claimed to be of the order of, without its constant."""
    rounds = np.asarray(n, dtype=np.float64)
    noise = sigma * np.sqrt(d * rounds * np.log(k * rounds))
    return noise + epsilon * rounds * np.sqrt(d) * np.log(rounds)


def _over_horizons(name: str) -> Callable[[Evidence], Curves]:
    """Regret over its order, at each horizon for the norm of theta whose mean regret is largest."""

    def measure(evidence: Evidence) -> Curves:
        x, y = [], []
        for (n,), cells in evidence.where(SPECIFIED).groups("n"):
            first = cells.records[0]
            runs = [cell.column(name) for _, cell in cells.groups("shrinking", "norm")]
            worst = max(runs, key=lambda one: float(one.mean()))
            x.append(n)
            y.append(worst / order(n, first["d"], first["k"], NOISE[SPECIFIED], 0.0))
        return Curves((Curve(x, np.array(y), f"{name}: worst norm of theta, over horizons"),))

    return measure


def _misled(evidence: Evidence) -> tuple[Curves, MeanBound]:
    """Regret over its order: the curve of the learner that knows epsilon, and all rounds of both learners."""
    curves, points, names = [], [], []
    for record in evidence.where(MISLED):
        scale = order(record["rounds"], record["d"], record["k"], NOISE[MISLED], record["eps"])
        curves.append(Curve(record["rounds"], (record["told"] / scale).T, record.label))
        for name in ("regret", "told"):
            points += list((record[name] / scale).T)
            names += [f"{record.label}: {name}, round {n}" for n in record["rounds"]]
    return Curves(tuple(curves)), MeanBound(points, 1.0, names)


PHASED = Claim(
    id=f"{SLUG}/phased-regret",
    paper="lattimore2020misspecified, Thm on phased elimination",
    kind=Kind.RATE,
    statement=(
        r"\text{phased elimination: regret }O(\sigma\sqrt{dT\ln(kT)}+\epsilon T\sqrt d\ln T);\text{ judged: regret "
        r"over this order does not grow with }T\text{ (exponent at most }0.1\text{), and is below 1 at all }d,\epsilon"
    ),
    judge=AllOf(
        (
            RateJudge(0.0, "at-most", tolerance=0.1),
            RateJudge(0.0, "at-most", tolerance=0.1),
            MeanBoundJudge(),
        )
    ),
    studies=(SPECIFIED, MISLED),
    measure=lambda evidence: (_over_horizons("phased")(evidence), *_misled(evidence)),
    control=Control(
        "hasty",
        "only the best estimate survives the first phase",
        lambda evidence: (_over_horizons("hasty")(evidence), *_misled(evidence)),
    ),
    provenance=Provenance(
        "recalled", "order and the constant 4 d log log d + 16 recalled from Lattimore et al. (2020)"
    ),
)

CLAIMS = (PHASED,)
