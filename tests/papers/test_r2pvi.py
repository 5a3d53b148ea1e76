"""r2pvi from studies to verdicts at reduced size (all but its figures), faults that must be seen, exact references."""

import itertools
import math

import numpy as np
import pytest
from paper_evidence import gather, status
from scipy.optimize import linprog

import bounds
from bounds.claims import Evidence, Status
from experiments.instances import five_state_simulator, hypercube_family
from experiments.papers import (
    _r2pvi_duals,
    _r2pvi_events,
    _r2pvi_learners,
    _r2pvi_lower,
    _r2pvi_models,
    _r2pvi_rates,
    _r2pvi_simulator,
)
from experiments.papers.r2pvi import STUDIES
from tabular.learning.robust import FeatureData, r2pvi
from tabular.planning import RobustPlan, WorstCase, robust_backward_induction, worst_case
from tabular.streams import stream

SLUG = "r2pvi"
FIGURES = {"simulator", "population", "option", "work"}
CLAIMS = {
    claim.id.partition("/")[2]: claim
    for claim in bounds.claims(SLUG)
    if not FIGURES & {study.partition("/")[2] for study in claim.studies}
}


def shrunk(study, cell):
    """The quick cell with fewer instances."""
    name = study.id.partition("/")[2]
    most = {"duals": 30, "constrained": 21, "bellman": 2, "rectangles": 8, "events": 4, "ablation": 60}
    small = dict(cell)
    for key in ("count", "runs"):
        if key in small and name in most:
            small[key] = min(small[key], most[name])
    if "solved" in small:
        small["solved"] = small["count"] if small["divergence"] == "tv" else 4
    if name == "first-action" and cell["xi"] != 0.2:
        return None
    if name == "first-action-radius" and cell["xi"] != 0.2:
        return None
    if name == "hypercube" and cell["lam"] == 2.0:
        return None
    return small


def measured(*names):
    chosen = [study for study in STUDIES if study.id.partition("/")[2] not in FIGURES]
    return gather([study for study in chosen if not names or study.id.partition("/")[2] in names], shrunk)


@pytest.fixture(scope="module")
def evidence():
    return measured()


@pytest.mark.parametrize("name", CLAIMS)
def test_claim_holds_and_its_control_fails(name, evidence):
    claim = CLAIMS[name]
    verdict = claim.judge.judge(claim.measure(evidence))
    assert verdict.status is Status.SUPPORTED, verdict.reason
    assert status(claim, claim.control.measure, evidence) is Status.REFUTED


def test_every_row_of_the_claim_table_is_a_claim():
    exact = "dual-tv dual-kl dual-chi2 dual-con lagrange bellman onehot kl-entropic less-conservative monotone-lam"
    learned = "admissible good-event upper-tv upper-kl upper-chi2 lower fig1-source"
    assert set(CLAIMS) >= set(f"{exact} {learned}".split())


def test_vacuous_bounds_say_so(evidence):
    for kind in ("tv", "kl", "chi2"):
        verdict = CLAIMS[f"upper-{kind}"].judge.judge(CLAIMS[f"upper-{kind}"].measure(evidence))
        assert verdict.vacuous
        assert verdict.informative_from


def test_paper_grids_hold_every_kind_of_cell():
    for study in STUDIES:
        quick, paper = study.cells("quick"), study.cells("paper")
        assert len(paper) >= len(quick)
        assert {tuple(cell) for cell in quick} == {tuple(cell) for cell in paper}


# ---------------------------------------------------------------- faults


def _moved(function):
    """The operator, its value a hair too large."""

    def broken(*args, **how):
        found = function(*args, **how)
        return WorstCase(found.value + 1e-6, found.dual, found.distribution)

    return broken


def _one_step_late(function):
    """The planner with the values of each step one step late."""

    def broken(*args, **how):
        found = function(*args, **how)
        V = np.concatenate([found.V[1:], found.V[-1:]])
        return RobustPlan(**{**{name: getattr(found, name) for name in found.__dataclass_fields__}, "V": V})

    return broken


def _wasteful(function):
    """A family whose data are worth a quarter."""

    class Family:
        def __init__(self, d, gap):
            self.inner = function(d, gap)

        def bayes_risk(self, visits, *how):
            return self.inner.bayes_risk(visits, *how) * 0.3

        def coverage(self, *how):
            return self.inner.coverage(*how)

    return Family


FAULTS = {
    "dual-tv": (_r2pvi_duals, "worst_case", "duals", _moved),
    "dual-kl": (_r2pvi_duals, "worst_case", "duals", _moved),
    "dual-chi2": (_r2pvi_duals, "worst_case", "duals", _moved),
    "dual-con": (_r2pvi_duals, "worst_case", "constrained", _moved),
    "bellman": (_r2pvi_models, "robust_backward_induction", "bellman", _one_step_late),
    "kl-entropic": (_r2pvi_models, "robust_evaluate", "entropic", lambda f: lambda m, p, **how: f(m, 1 - p, **how)),
    "monotone-lam": (
        _r2pvi_models,
        "robust_backward_induction",
        "ordered",
        lambda f: lambda m, **how: f(m, divergence=how["divergence"], penalty=1 / how.get("penalty", 1.0)),
    ),
    "admissible": (
        _r2pvi_models,
        "worst_case",
        "admissible",
        lambda f: lambda V, q, *, penalty, **how: f(V, q, penalty=penalty / 2, **how),
    ),
    "good-event": (_r2pvi_events, "_needed", "events", lambda f: lambda *args: 0.2 * f(*args)),
    "onehot": (_r2pvi_learners, "r2pvi", "shrinkage", lambda f: lambda *a, ridge, **how: f(*a, ridge=ridge / 2, **how)),
    "lower": (_r2pvi_lower, "hypercube_family", "hypercube", _wasteful),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_seen(name, monkeypatch, evidence):
    module, function, study, broken = FAULTS[name]
    monkeypatch.setattr(module, function, broken(getattr(module, function)))
    claim = CLAIMS[name]
    others = tuple(record for record in evidence if record.study != f"{SLUG}/{study}")
    assert status(claim, claim.measure, Evidence((*others, *measured(study)))) is Status.REFUTED


def test_an_audit_that_never_asks_for_a_penalty_is_seen(monkeypatch):
    monkeypatch.setattr(_r2pvi_events, "_needed", lambda *args: 0.0)
    claim = CLAIMS["good-event"]
    assert status(claim, claim.measure, measured("events")) is Status.REFUTED


# ---------------------------------------------------------------- references of the studies


@pytest.mark.parametrize("kind", ["kl", "chi2"])
def test_enclosure_is_one(kind):
    """A point that is not optimal is enclosed too: the gap is no smaller than the distance to the optimum."""
    rng = stream(0, "enclosure", kind)
    for _ in range(50):
        V, q = _r2pvi_duals.random_step(rng, zeros=False)
        best = worst_case(V, q, divergence=kind, penalty=0.4).value
        mu = rng.dirichlet(np.ones(V.size))
        value = float(mu @ V) + 0.4 * _r2pvi_duals.divergence(kind, mu, q)
        assert best <= value + 1e-12
        assert value - _r2pvi_duals._gap(kind, V, q, mu, 0.4) <= best + 1e-12


def test_enclosure_survives_underflow():
    V, q = np.array([0.0, 1.0, 3.0]), np.array([0.2, 0.3, 0.5])
    mu = worst_case(V, q, divergence="kl", penalty=1e-3).distribution
    assert mu[2] == 0.0
    assert _r2pvi_duals._gap("kl", V, q, mu, 1e-3) == pytest.approx(0.0, abs=1e-12)


def _by_linear_program(V, q, penalty, radius):
    """Least mu'V + penalty TV over mu and the excess e >= mu - q, whose sum is the distance."""
    S = V.size
    A, b = np.hstack([np.eye(S), -np.eye(S)]), q
    if radius is not None:
        A, b = np.vstack([A, np.r_[np.zeros(S), np.ones(S)]]), np.append(q, radius)
    equal = np.r_[np.ones(S), np.zeros(S)][None]
    return linprog(np.r_[V, np.full(S, penalty)], A_ub=A, b_ub=b, A_eq=equal, b_eq=[1.0]).fun


@pytest.mark.parametrize("radius", [None, 0.05, 0.4])
def test_least_vertex_is_that_of_a_linear_program(radius):
    rng = stream(0, "vertices")
    for i in range(12):
        V, q = _r2pvi_duals.random_step(rng, zeros=i % 2 == 0)
        penalty = float(rng.uniform(0.0, 2.0)) if radius is None else 0.0
        found = _r2pvi_duals._least_vertex(V, q, penalty=penalty, radius=radius)
        assert found == pytest.approx(_by_linear_program(V, q, penalty, radius), abs=1e-7)


def test_least_vertex_sees_masses_below_a_solver_s_tolerance():
    # worth 0 and 1, with mass 1e-9 on the better one: moved for free, kept at a price of 2, halved by the radius
    V, q = np.array([0.0, 1.0]), np.array([1.0 - 1e-9, 1e-9])
    assert _r2pvi_duals._least_vertex(V, q) == 0.0
    assert _r2pvi_duals._least_vertex(V, q, penalty=2.0) == 1e-9
    assert _r2pvi_duals._least_vertex(V, q, radius=5e-10) == pytest.approx(5e-10, rel=1e-12)


def test_divergences_by_hand():
    mu, q = np.array([0.5, 0.5, 0.0]), np.array([0.25, 0.5, 0.25])
    assert _r2pvi_duals.divergence("tv", mu, q) == pytest.approx(0.25)
    assert _r2pvi_duals.divergence("kl", mu, q) == pytest.approx(0.5 * math.log(2.0))
    assert _r2pvi_duals.divergence("chi2", mu, q) == pytest.approx(0.5)
    assert _r2pvi_duals.divergence("kl", q, mu) == math.inf


@pytest.mark.parametrize("kind", ["tv", "kl", "chi2"])
@pytest.mark.parametrize("lam", [0.2, 0.5, 1.5])
def test_slope_at_zero_is_the_smallest_slope_of_a_coin(kind, lam):
    grid = np.linspace(0.0, 1.0, 401)
    coin = [worst_case(np.array([0.0, 1.0]), [1 - p, p], divergence=kind, penalty=lam).value for p in grid]
    slopes = np.diff(coin) / np.diff(grid)
    assert slopes.min() >= _r2pvi_lower.slope_at_zero(kind, lam) - 1e-9
    assert slopes[0] == pytest.approx(_r2pvi_lower.slope_at_zero(kind, lam), rel=0.02)


def test_bayes_risk_by_enumeration_of_all_data():
    """Two bits with gaps and counts of their own: every dataset, every decision, against the sum over bits."""
    gaps, counts, lam = (0.2, 0.1), (3, 2), 0.5
    stakes = [hypercube_family(1, gap).stakes("kl", lam) for gap in gaps]
    total = 0.0
    for data in itertools.product(*(itertools.product((0, 1), repeat=n) for n in counts)):
        likelihood = {}
        for signs in itertools.product((1, -1), repeat=2):
            chance = 0.25
            for gap, sign, flips in zip(gaps, signs, data, strict=True):
                for x in flips:
                    chance *= 0.5 + (2 * x - 1) * sign * gap
            likelihood[signs] = chance
        risks = []
        for chosen in itertools.product((0, 1), repeat=2):
            loss = 0.0
            for signs, chance in likelihood.items():
                wrong = [stakes[i][0 if signs[i] == 1 else 1] * ((chosen[i] == 0) != (signs[i] == 1)) for i in range(2)]
                loss += chance * sum(wrong) / 2
            risks.append(loss)
        total += min(risks)
    split = [hypercube_family(1, g).bayes_risk(np.array([n]), "kl", lam) for g, n in zip(gaps, counts, strict=True)]
    assert total == pytest.approx(float(np.mean(split)), rel=1e-12)


def test_nominal_path_of_the_trap_never_sees_it():
    model = _r2pvi_events.trapped_model()
    nominal = model.to_episodic()
    assert nominal.P[0, 0, :, 2].max() == 0.0
    assert nominal.P[0, 1, :, 2].max() == 0.0
    plan = robust_backward_induction(model, divergence="tv", penalty=0.5)
    assert plan.worst[0, 0, 2] == 1.0
    assert plan.policy[1, 2] == 1


def test_coverage_term_on_a_fully_covered_model():
    """Every width is 1/sqrt(n+1) of its pair; the adversary of radius 1 takes the worst state of the second step."""
    model = _r2pvi_rates.decisions(0.1)
    data = FeatureData(
        _r2pvi_events.behaved(model.to_episodic(), 400, stream(0, "cover")), model.phi, theta=model.theta
    )
    found = r2pvi(data, divergence="tv", penalty=1.0, beta=0.1)
    best = robust_backward_induction(model, divergence="tv", penalty=1.0)
    second = found.width[1, np.arange(4), best.policy[1]].max()
    first = found.width[0, np.arange(2), best.policy[0, :2]].mean()
    assert _r2pvi_rates._coverage(model, "tv", found, best) == pytest.approx(first + second)


def test_first_action_by_hand():
    """Total variation over all states: the two extreme actions differ by 2 |xi| p lambda."""
    model = five_state_simulator(0.2)
    for lam in (0.05, 0.3, 1.0):
        Q = robust_backward_induction(model, divergence="tv", penalty=lam).Q[0, 0]
        assert Q.max() - Q.min() == pytest.approx(2 * 0.2 * 0.001 * lam, rel=1e-9)
    plan = _r2pvi_simulator.first({"xi": 0.2, "option": "tv", "leak": 0.0}, stream(0))
    assert plan["advantage"][0] == pytest.approx(0.5 * 0.2 * 0.001 * 0.05, rel=1e-8)
