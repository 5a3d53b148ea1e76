"""Claims about the toy studies: true ones, a false one, and one that only a search can break."""

import numpy as np

from bounds.claims import Claim, Control, Evidence, Kind, Paper, Provenance
from bounds.judges import Comparison, CoverageJudge, InequalityJudge, Violations
from experiments.study import Study

PAPER = Paper("toy", "A toy", "Nobody", 2000, "toy2000", None, "Nothing.")


def _cauchy_schwarz(evidence: Evidence) -> Comparison:
    left = [abs(record["gram"][0, 1]) for record in evidence]
    right = [np.sqrt(record["gram"][0, 0] * record["gram"][1, 1]) for record in evidence]
    return Comparison(left, right, labels=[record.label for record in evidence])


def _broken(evidence: Evidence) -> Comparison:
    sample = _cauchy_schwarz(evidence)
    return Comparison(sample.left, -np.asarray(sample.right), labels=sample.labels)


def _claim(name, measure, control=_broken, studies=("toy/walk",), kind=Kind.INEQUALITY, judge=None):
    return Claim(
        id=f"toy/{name}",
        paper="toy2000, Thm 1",
        kind=kind,
        statement="x",
        judge=judge or InequalityJudge(),
        studies=studies,
        measure=measure,
        control=Control("negated", "the bound negated", control),
        provenance=Provenance("derived", "here"),
    )


def bump(cell, rng):
    """A bound a*n/100 <= 1 that the grid's own cells satisfy and cells between them break."""
    return {"left": np.array([cell["a"] * cell["n"] / 100.0]), "noise": rng.random(1)}


def bump_cells(scale):
    return [{"n": 2, "a": 10.0}, {"n": 40, "a": 2.0}, {"n": 10, "a": 9.0}]


BUMP = Study("toy/bump", "A product", bump_cells, bump)


def _at_most_one(evidence: Evidence) -> Comparison:
    left = evidence.column("left")
    return Comparison(left, np.ones_like(left))


def fair(cell, rng):
    """Violations at exactly the claimed rate, or at three times that."""
    return {"bad": rng.random(200) < cell["rate"]}


def fair_cells(scale):
    return [{"rate": 0.05, "i": i} for i in range(3)]


def unfair_cells(scale):
    return [{"rate": 0.15, "i": i} for i in range(3)]


FAIR = Study("toy/fair", "Fair coins", fair_cells, fair)
UNFAIR = Study("toy/unfair", "Unfair coins", unfair_cells, fair)


def _violations(evidence: Evidence) -> Violations:
    return Violations(
        np.array([record["bad"].sum() for record in evidence]),
        np.array([record["bad"].size for record in evidence]),
        0.05,
    )


TRUE = _claim("cauchy-schwarz", _cauchy_schwarz)
FALSE = _claim("negative", _broken)
HIDDEN = _claim("at-most-one", _at_most_one, studies=("toy/bump",))
CALIBRATED = _claim("calibrated", _violations, studies=("toy/fair",), kind=Kind.HIGH_PROBABILITY, judge=CoverageJudge())
EXCEEDED = _claim("exceeded", _violations, studies=("toy/unfair",), kind=Kind.HIGH_PROBABILITY, judge=CoverageJudge())
