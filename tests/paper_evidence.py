"""Evidence of a paper's studies at reduced size, for the tests of its claims."""

from bounds.claims import Evidence, Record
from tabular.streams import stream


def record(study, cell):
    """Run one cell; its stream depends on nothing but the study and the cell."""
    rng = stream(study.seed, study.id, tuple(sorted(cell.items())))
    return Record(study.id, dict(cell), dict(study.run(cell, rng)), study.seed)


def gather(studies, shrunk=lambda study, cell: dict(cell)):
    """Run the quick grids; ``shrunk`` makes a cell smaller, or drops it by returning None."""
    small = ((study, shrunk(study, cell)) for study in studies for cell in study.cells("quick"))
    return Evidence(tuple(record(study, cell) for study, cell in small if cell is not None))


def of(claim, evidence):
    """The records of the claim's studies on which its assumptions hold."""
    kept = (one for one in evidence if one.study in claim.studies)
    return Evidence(tuple(one for one in kept if all(premise.holds(one) for premise in claim.assumptions)))


def status(claim, measure, evidence):
    """What the claim's judge says of a measure, its own or its control's."""
    return claim.judge.judge(measure(evidence)).status
