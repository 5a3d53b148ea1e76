"""The foundations: every claim holds and every control falls at a reduced scale, and planted faults are seen."""

import dataclasses
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from paper_evidence import record

from bounds import concentration
from bounds.claims import Evidence, Record, Status
from bounds.ledger import judge_ledger
from bounds.papers.tabular_foundations import CLAIMS
from experiments import instances
from experiments.papers.tabular_foundations import STUDIES
from tabular import planning
from tabular.errors import NotConverged
from tabular.streams import stream

BY_NAME = {claim.id.partition("/")[2]: claim for claim in CLAIMS}
STUDY = {study.id: study for study in STUDIES}
_gathered: dict[str, tuple[Record, ...]] = {}


def reduced(cells):
    """Every kind of cell, with fewer random models and fewer, shorter paths."""
    smaller = {"count": 8, "runs": 1000, "horizon": 500}
    return [{name: min(value, smaller[name]) if name in smaller else value for name, value in c.items()} for c in cells]


def gather(study_id):
    study = STUDY[study_id]
    return tuple(record(study, cell) for cell in reduced(study.cells("quick")))


def evidence(claim, fresh=False):
    records = []
    for study in claim.studies:
        if fresh:
            found = gather(study)
        else:
            if study not in _gathered:
                _gathered[study] = gather(study)
            found = _gathered[study]
        records += [r for r in found if all(premise.holds(r) for premise in claim.assumptions)]
    return Evidence(tuple(records))


@pytest.mark.parametrize("name", BY_NAME)
def test_claim_is_supported(name):
    claim = BY_NAME[name]
    verdict = claim.judge.judge(claim.measure(evidence(claim)))
    assert verdict.status is Status.SUPPORTED, f"{verdict.reason} at {verdict.worst}"
    assert verdict.n > 0


@pytest.mark.parametrize("name", BY_NAME)
def test_control_is_refuted(name):
    claim = BY_NAME[name]
    verdict = claim.judge.judge(claim.control.measure(evidence(claim)))
    assert verdict.status is Status.REFUTED, verdict.reason


@pytest.mark.parametrize("name", BY_NAME)
def test_assumptions_are_checked_and_can_fail(name):
    claim = BY_NAME[name]
    assert claim.assumptions
    broken = {"gamma": 1.5, "delta": 2.0, "n": 1, "S": 1, "ridge": 0.0, "H": 0, "tau": 0}
    empty = {"spans.where": np.empty(0), "enclosure.where": np.empty(0)}
    record = Record("tabular-foundations/none", broken, empty)
    assert not any(premise.holds(record) for premise in claim.assumptions)


def off(function, change):
    """The function with its result changed."""
    return lambda *args, **kwargs: change(function(*args, **kwargs))


def replaced(**changes):
    return lambda result: dataclasses.replace(result, **{name: change(result) for name, change in changes.items()})


FAULTS = {
    "operator-forgets-a-little": ("macqueen", planning, "bellman_operator", lambda r: (r[0] - 1e-6, r[1])),
    "operator-stretches": ("contraction", planning, "bellman_operator", lambda r: (1.001 * r[0], r[1])),
    "optimum-too-low": ("vi-stop", planning, "policy_iteration", replaced(V=lambda p: p.V - 1.0)),
    "upper-bound-too-low": ("interval-and-ovi", planning, "value_iteration", replaced(upper=lambda p: p.lower - 1e-6)),
    "evaluation-biased": ("span-stop", planning, "evaluate", replaced(V=lambda e: e.V - 1e-3)),
    "enclosure-misses": ("mpi", planning, "modified_policy_iteration", replaced(lower=lambda p: p.lower + 1.0)),
    "exact-optimum-off-by-2^-80": (
        "pi",
        planning.exact,
        "solve",
        replaced(V=lambda p: p.V - Fraction(1, 2**80)),
    ),
    "program-occupancy-scaled": ("lp", planning, "linear_program", replaced(d=lambda p: p.d * (1 + 1e-6))),
    "occupancy-unnormalised": ("flow", planning, "occupancy", lambda d: 0.999 * d),
    "occupancy-shuffled": ("pdl", planning, "occupancy", lambda d: d[..., ::-1]),
    "values-without-discount": ("simulation", planning, "evaluate", replaced(V=lambda e: 0.9 * e.V)),
    "variance-without-first-step": ("total-variance", planning, "return_variance", lambda v: v[1:]),
    "gain-too-high": ("avg-bounds", planning, "average_reward", replaced(gain=lambda p: p.gain + 10.0)),
    "gain-off": ("multichain", planning, "average_reward", replaced(gain=lambda p: p.gain * (1 + 1e-6) + 1e-6)),
    "times-halved": ("span-diameter", planning, "hitting_times", lambda t: t / 2),
    "everything-communicates": ("classification", planning, "classify", replaced(communicating=lambda c: True)),
    "determinant-halved": ("elliptical", concentration, "elliptical_potential", lambda r: (r[0], r[1] / 2)),
    "sound-bounds-wrong": ("naive-stop-unsound", planning, "reachability", replaced(V=lambda p: p.V * 0)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_fault_is_seen(fault, monkeypatch):
    name, module, attribute, change = FAULTS[fault]
    claim = BY_NAME[name]
    monkeypatch.setattr(module, attribute, off(getattr(module, attribute), change))
    verdict = claim.judge.judge(claim.measure(evidence(claim, fresh=True)))
    assert verdict.status is Status.REFUTED


@pytest.mark.parametrize("name", ["hoeffding", "bernstein", "maurer-pontil", "kl-chernoff", "weissman"])
def test_radius_of_a_larger_level_is_seen(name, monkeypatch):
    claim, true = BY_NAME[name], concentration.exact_failure
    looser = {"hoeffding": 9.0, "bernstein": 9.0, "maurer-pontil": 9.0, "kl-chernoff": 1.2, "weissman": 9.0}[name]
    monkeypatch.setattr(
        concentration, "exact_failure", lambda which, n, delta, p: true(which, n, min(0.95, looser * delta), p)
    )
    verdict = claim.judge.judge(claim.measure(evidence(claim, fresh=True)))
    assert verdict.status is Status.REFUTED


# Reference values that the specification of the foundations lists, and closed forms.

OSBAND_BIAS = (0.0, 0.714371, 2.041059, 3.455222, 4.881880, 6.310324)
OSBAND_LAW = (0.00012, 0.00143, 0.01000, 0.06998, 0.48985, 0.42862)
OSBAND_GAPS_OF_LEFT = (0.423622, 1.142993, 1.755311, 1.842785, 1.855281, 1.857066)


def exact_riverswim(S, variant="osband"):
    P, r = instances.riverswim_fractions(S, variant=variant)
    return P, r, planning.exact_average_reward(P, r), planning.exact_hitting_times(P)


def test_riverswim_of_osband_has_its_exact_gain_bias_and_diameter():
    P, r, plan, times = exact_riverswim(6)
    assert set(plan.gain) == {Fraction(7203, 16805)}
    assert plan.policy.tolist() == [1] * 6
    assert times.max() == times[0, 5] == Fraction(106045, 7203)
    bias = np.array([float(h - plan.bias[0]) for h in plan.bias])
    assert bias == pytest.approx(OSBAND_BIAS, abs=1e-6)
    assert float(plan.span) == pytest.approx(OSBAND_BIAS[-1], abs=1e-6)
    left = [plan.gain[s] + plan.bias[s] - r[s, 0] - sum(P[s, 0] * plan.bias) for s in range(6)]
    assert [float(gap) for gap in left] == pytest.approx(OSBAND_GAPS_OF_LEFT, abs=1e-6)


def test_riverswim_chain_of_the_optimal_policy():
    chain = instances.riverswim(6).dense_P()[:, 1]
    law = planning.stationary_distribution(chain)
    assert law == pytest.approx(OSBAND_LAW, abs=5e-6)
    moduli = np.sort(np.abs(np.linalg.eigvals(chain)))
    assert moduli[-2] == pytest.approx(0.80542, abs=5e-6)
    distances = [0.5 * np.abs(np.linalg.matrix_power(chain, t) - law).sum(axis=1).max() for t in (12, 13)]
    assert distances[0] > 0.25 >= distances[1]


@pytest.mark.parametrize(
    ("S", "variant", "gain", "span", "diameter"),
    [
        (12, "osband", 0.428571429005, 14.880952, 34.722222),
        (20, "osband", None, 26.309524, 61.388889),
        (6, "ucrl3", Fraction(248832, 271453), 8.181822, Fraction(555245, 62208)),
        (12, "ucrl3", None, 18.181818, 19.834711),
    ],
)
def test_longer_rivers_and_the_other_variant(S, variant, gain, span, diameter):
    _, _, plan, times = exact_riverswim(S, variant)
    if isinstance(gain, Fraction):
        assert set(plan.gain) == {gain}
    elif gain is not None:
        assert float(plan.gain[0]) == pytest.approx(gain, abs=1e-12)
    assert float(plan.span) == pytest.approx(span, abs=1e-6)
    if isinstance(diameter, Fraction):
        assert times.max() == diameter
    else:
        assert float(times.max()) == pytest.approx(diameter, abs=1e-6)


@pytest.mark.parametrize(("delta", "eps"), [(Fraction(1, 4), Fraction(1, 8)), (Fraction(1, 10), Fraction(0))])
def test_two_state_model_has_its_closed_form(delta, eps):
    better = [1 - delta - eps, delta + eps]
    P = np.array([[[1 - delta, delta], better], [[delta, 1 - delta], [delta, 1 - delta]]], dtype=object)
    plan = planning.exact_average_reward(P, np.array([[0, 0], [1, 1]], dtype=object))
    assert set(plan.gain) == {(delta + eps) / (2 * delta + eps)}
    assert plan.span == 1 / (2 * delta + eps)
    assert planning.exact_hitting_times(P).max() == 1 / delta


COVERAGE = {
    ("hoeffding", 50): 0.02204,
    ("bernstein", 50): 0.02082,
    ("maurer-pontil", 50): 0.00045,
    ("kl-chernoff", 50): 0.09493,
    ("hoeffding", 200): 0.01875,
    ("bernstein", 200): 0.01868,
    ("maurer-pontil", 200): 0.00065,
    ("kl-chernoff", 200): 0.08941,
    ("maurer-pontil/no-range-term", 50): 0.951,
    ("kl-chernoff/half-radius", 50): 0.312,
}


@pytest.mark.parametrize(("name", "n"), COVERAGE)
def test_largest_failure_probability_on_the_grid_of_thousandths(name, n):
    grid = np.arange(1, 1000) / 1000
    worst = np.max(concentration.exact_failure(name, n, 0.1, grid))
    assert worst == pytest.approx(COVERAGE[name, n], abs=5e-4 if COVERAGE[name, n] > 0.3 else 5e-6)


def test_failure_probability_of_weissman_at_the_uniform_law():
    assert concentration.exact_failure("weissman", 40, 0.1, [1 / 3] * 3) == pytest.approx(0.0060, abs=5e-5)


def test_relative_values_without_the_aperiodic_transform_oscillate_on_the_cycle():
    cycle = instances.two_cycle()
    assert planning.average_reward(cycle, method="relative-value-iteration").scalar_gain == pytest.approx(0.5, abs=1e-8)
    with pytest.raises(NotConverged):
        planning.average_reward(cycle, method="relative-value-iteration-untransformed", max_sweeps=1000)


# The studies themselves.


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.id)
def test_cells_are_unique_and_larger_at_paper_scale(study):
    quick, paper = study.cells("quick"), study.cells("paper")
    for cells in (quick, paper):
        assert len({tuple(sorted(cell.items())) for cell in cells}) == len(cells)
    assert len(paper) >= len(quick) > 0
    assert study.title


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.id)
def test_a_cell_is_a_pure_function_of_its_address(study):
    cell = reduced(study.cells("quick"))[0]
    first, second = (study.run(cell, stream(study.seed, study.id, "same")) for _ in range(2))
    assert first.keys() == second.keys()
    for name, array in first.items():
        assert np.array_equal(array, second[name]), name
        assert array.dtype.kind in "fibU", name


def test_quick_scale_has_five_hundred_random_models():
    cells = STUDY["tabular-foundations/operators"].cells("quick")
    assert sum(cell.get("count", 0) for cell in cells) >= 500


def test_convergence_certificates_cover_the_error():
    study = STUDY["tabular-foundations/convergence"]
    for cell in study.cells("quick"):
        run = study.run(cell, stream(0, "unused"))
        assert np.all(np.diff(run["operations"]) > 0), cell
        assert np.all(run["error"] <= 0.5 * run["width"] + 1e-10), cell
        assert run["width"][-1] <= 1e-9, cell


def test_ledger_of_the_foundations_is_in_order():
    ledger = judge_ledger(CLAIMS, evidence)
    assert ledger.ok
    assert {entry.status for entry in ledger.entries} == {Status.SUPPORTED}


def test_proofs_named_in_the_provenance_are_written():
    page = (Path(__file__).resolve().parents[2] / "docs/papers/tabular-foundations.md").read_text()
    headings = {line.lstrip("# ").strip() for line in page.splitlines() if line.startswith("#")}
    named = [claim.provenance.source for claim in CLAIMS if "#" in claim.provenance.source]
    assert named
    for source in named:
        assert source.partition("#")[2].split()[0] in headings, source


def test_cited_keys_are_in_the_bibliography():
    bibliography = (Path(__file__).resolve().parents[2] / "references.bib").read_text()
    for claim in CLAIMS:
        for part in claim.paper.split(";"):
            key = part.strip().partition(",")[0].partition(" ")[0]
            assert f"{{{key},\n" in bibliography, f"{claim.id} cites {key}"
