"""Studies of complexity measures: what is measured, on which instances, at which scale."""

import functools

from experiments.study import Study

from . import _complexity_atlas as atlas
from . import _complexity_chains as chains
from . import _complexity_coverage as coverage
from . import _complexity_functions as functions
from . import _complexity_gaps as gaps
from . import _complexity_information as information
from . import _complexity_models as models
from . import _complexity_pictures as pictures
from . import _complexity_spanning as spanning

__all__ = ["STUDIES"]

SLUG = "complexity-measures"

STUDIES = (
    Study(
        f"{SLUG}/coverability",
        "Coverability against its definition by enumeration, for all policies and for classes",
        models.cells,
        coverage.run_coverability,
    ),
    Study(
        f"{SLUG}/structure",
        "Coverability of linear MDPs, block MDPs and contextual bandits",
        models.cells,
        coverage.run_structure,
    ),
    Study(
        f"{SLUG}/concentrability",
        "Every coefficient of one policy under one data law, and what linear functions see of it",
        models.cells,
        coverage.run_concentrability,
    ),
    Study(
        f"{SLUG}/spanning",
        "Spanning capacity of random classes, and their coverability in models",
        models.cells,
        spanning.run_spanning,
    ),
    Study(
        f"{SLUG}/singleton",
        "Spanning capacity of singleton classes",
        spanning.singleton_cells,
        spanning.run_singleton,
    ),
    Study(
        f"{SLUG}/diameters",
        "One-way times, diameters and spans of values over a finite horizon",
        models.cells,
        chains.run_diameters,
    ),
    Study(
        f"{SLUG}/mixing",
        "Distances between powers of chains; mixing times and gaps of reversible ones",
        models.cells,
        chains.run_mixing,
    ),
    Study(
        f"{SLUG}/kemeny",
        "Kemeny's constant from each start, by the trace and by eigenvalues",
        models.cells,
        chains.run_kemeny,
    ),
    Study(
        f"{SLUG}/visitation",
        "Gap-visitation programs against mixtures of all deterministic policies",
        functools.partial(models.cells, quick=24, paper=500, block=24),
        gaps.run_visitation,
    ),
    Study(
        f"{SLUG}/variances",
        "One-step variances of optimal values, against spans and horizons",
        models.cells,
        gaps.run_variances,
    ),
    Study(
        f"{SLUG}/layers",
        "Largest occupancies summed layer by layer on classic models",
        pictures.layer_cells,
        pictures.run_layers,
    ),
    Study(
        f"{SLUG}/risks",
        "Single-policy coverage against the loss of pessimistic and of plain value iteration",
        pictures.risk_cells,
        pictures.run_risks,
    ),
    *functions.STUDIES,
    *information.STUDIES,
    atlas.STUDY,
)
