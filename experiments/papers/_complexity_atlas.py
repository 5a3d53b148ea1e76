"""The study of the atlas: one measure of one instance a run."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.atlas.families import FAMILIES, instance
from experiments.atlas.measures import MEASURES
from experiments.study import Cell, Scale, Study
from tabular.errors import CertificateError, NotConverged

__all__ = ["STUDY"]

_FAMILIES = {family.name: family for family in FAMILIES}
_MEASURES = {measure.name: measure for measure in MEASURES}


def atlas_cells(scale: Scale) -> list[Cell]:
    """Return the grid: each family at each of its sizes, with each measure of its kind."""
    return [
        {"family": family.name, "size": size, "measure": measure.name}
        for family in FAMILIES
        for size in family.sizes(scale)
        for measure in MEASURES
        if family.kind in measure.kinds and measure.name not in family.without
    ]


def run_atlas(cell: Cell, rng: np.random.Generator) -> Mapping[str, npt.NDArray[Any]]:
    """Measure one instance: both ends, the fraction where the answer is one, the method.

    What its own certificate rejects, or an iteration did not reach, is no number: the method then says why, and
    the ends are those of ignorance. The instance depends on family and size alone, so ``rng`` is not used.
    """
    measure = _MEASURES[str(cell["measure"])]
    try:
        found = measure.of(instance(_FAMILIES[str(cell["family"])], int(cell["size"])))
    except (CertificateError, NotConverged) as problem:
        ends, fraction, certified, method = (-np.inf, np.inf), "", False, str(problem)
    else:
        ends, certified, method = (float(found.lower), float(found.upper)), True, found.method
        whole = isinstance(found.lower, Fraction) and found.exact
        fraction = str(found.lower) if whole and found.lower.denominator > 1 else ""
    return {
        "ends": np.array(ends),
        "certified": np.array(certified),
        "fraction": np.array(fraction),
        "method": np.array(method),
    }


STUDY = Study(
    "complexity-measures/atlas", "Every measure of the atlas on every instance of its kind", atlas_cells, run_atlas
)
