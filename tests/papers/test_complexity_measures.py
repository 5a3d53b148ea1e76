"""Complexity measures from studies to verdicts at reduced size: claims, controls, planted faults, figures."""

import dataclasses

import numpy as np
import pytest
from paper_evidence import record

import bounds
from bounds import complexity
from bounds.claims import Evidence, Record, Status
from experiments.papers.complexity_measures import STUDIES
from paper_figures.complexity_measures import FIGURES
from paper_figures.style import applied
from tabular import planning

SLUG = "complexity-measures"
CLAIMS = bounds.claims(SLUG)
BY_NAME = {claim.id.partition("/")[2]: claim for claim in CLAIMS}
STUDY = {study.id: study for study in STUDIES}
_gathered: dict[str, tuple[Record, ...]] = {}

#: Largest value of the parameters that decide how long a cell takes.
SMALLER = {"count": 15, "models": 15, "seeds": 2}


def gather(study):
    """Every kind of cell with fewer instances; of blocks that differ in nothing else, the first."""
    records, seen = [], set()
    for cell in study.cells("quick"):
        small = {
            name: min(value, SMALLER.get(name, value)) if name in SMALLER else value for name, value in cell.items()
        }
        kind = tuple(sorted((name, value) for name, value in small.items() if name != "block"))
        if kind in seen:
            continue
        seen.add(kind)
        records.append(record(study, small))
    return tuple(records)


def evidence(claim, fresh=False):
    records = []
    for name in claim.studies:
        if fresh:
            found = gather(STUDY[name])
        else:
            if name not in _gathered:
                _gathered[name] = gather(STUDY[name])
            found = _gathered[name]
        records += [record for record in found if all(premise.holds(record) for premise in claim.assumptions)]
    return Evidence(tuple(records))


@pytest.mark.parametrize("name", BY_NAME)
def test_claim_is_supported(name):
    claim = BY_NAME[name]
    verdict = claim.judge.judge(claim.measure(evidence(claim)))
    assert verdict.status is Status.SUPPORTED, f"{verdict.reason} at {verdict.worst}"


@pytest.mark.parametrize("name", BY_NAME)
def test_control_is_refuted(name):
    claim = BY_NAME[name]
    verdict = claim.judge.judge(claim.control.measure(evidence(claim)))
    assert verdict.status is Status.REFUTED, verdict.reason


def test_every_row_of_the_claim_table_is_a_claim():
    rows = (
        "cov-identity cov-bounds conc-order lin-coverage span-cap-bounds singleton diameter mixing kemeny gap-lp "
        "variance-sandwich eluder-exact eluder-sandwich bellman-rank kw revealing dec capacity qvi"
    )
    assert set(rows.split()) <= set(BY_NAME)


def scaled(factor):
    return lambda found: dataclasses.replace(found, lower=found.lower * factor, upper=found.upper * factor)


def louder(found):
    return dataclasses.replace(found, lower=found.lower + 0.25, upper=found.upper + 0.25)


FAULTS = {
    "coverability-too-small": ("cov-identity", complexity, "coverability", scaled(1 - 1e-6)),
    "law-not-proportional": (
        "cov-identity",
        complexity,
        "coverability",
        lambda found: dataclasses.replace(found, witness=np.full_like(found.witness, 1.0 / found.witness[0].size)),
    ),
    "coverability-too-large": ("cov-bounds", complexity, "coverability", scaled(1 + 1e-6)),
    "concentrability-too-small": ("conc-order", complexity, "single_policy_concentrability", scaled(0.9)),
    "square-too-large": ("conc-order", complexity, "chi_square_concentrability", scaled(1.7)),
    "quotient-too-large": ("lin-coverage", complexity, "feature_coverage", scaled(1 + 1e-6)),
    "capacity-too-small": (
        "span-cap-bounds",
        complexity,
        "spanning_capacity",
        lambda f: dataclasses.replace(f, lower=1),
    ),
    "capacity-off-by-one": (
        "singleton",
        complexity,
        "spanning_capacity",
        lambda f: dataclasses.replace(f, upper=f.upper + 1),
    ),
    "times-shifted": ("diameter", complexity, "one_way_times", lambda f: dataclasses.replace(f, lower=f.lower - 1)),
    "spans-doubled": ("diameter", complexity, "value_span", scaled(2.0)),
    "mixing-too-late": ("mixing", complexity, "mixing_time", scaled(20.0)),
    "gap-of-another-chain": ("mixing", complexity, "spectral_gap", lambda gap: 0.01 * gap),
    "law-shuffled": (
        "kemeny",
        complexity,
        "stationary_law",
        lambda f: dataclasses.replace(f, lower=f.lower[::-1], upper=f.upper[::-1]),
    ),
    "program-off": ("gap-lp", complexity, "gap_visitation", scaled(1 + 1e-4)),
    "norm-doubled": ("variance-sandwich", complexity, "value_norm", scaled(2.0)),
    "variance-where-none-is": ("variance-sandwich", complexity, "policy_return_variance", louder),
    "occupancy-scaled": ("cov-identity", planning, "occupancy", lambda d: 0.999 * d),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_fault_is_seen(fault, monkeypatch):
    name, module, attribute, change = FAULTS[fault]
    true = getattr(module, attribute)
    monkeypatch.setattr(module, attribute, lambda *args, **kwargs: change(true(*args, **kwargs)))
    claim = BY_NAME[name]
    verdict = claim.judge.judge(claim.measure(evidence(claim, fresh=True)))
    assert verdict.status is Status.REFUTED, verdict.reason


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.id)
def test_figures_draw_from_their_table(figure):
    for name in figure.studies:
        if name not in _gathered:
            _gathered[name] = gather(STUDY[name])
    table = figure.table(Evidence(tuple(record for name in figure.studies for record in _gathered[name])))
    lengths = {len(column) for column in table.values()}
    assert len(lengths) == 1
    assert lengths.pop() > 3
    with applied():
        assert figure.draw(table).axes


def test_the_coverability_map_shows_the_closed_forms():
    figure = next(one for one in FIGURES if one.id.endswith("fig_coverability"))
    table = figure.table(Evidence(gather(STUDY[f"{SLUG}/layers"])))
    lock = (table["family"] == "lock") & (table["horizon"] > 1)
    np.testing.assert_allclose(table["coverability"][lock], 2.0 * table["size"][lock])
    sea = (table["family"] == "DeepSea") & (table["horizon"] == table["size"])
    np.testing.assert_allclose(table["coverability"][sea], 2.0 * table["size"][sea])
    river = (table["family"] == "RiverSwim") & (table["size"] == 6) & (table["horizon"] == 20)
    np.testing.assert_allclose(table["coverability"][river], 8.7761, atol=5e-5)
