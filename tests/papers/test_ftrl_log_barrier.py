"""ftrl-log-barrier from studies to verdicts at reduced size, its controls, and its figures."""

import math

import numpy as np
import pytest
from paper_evidence import gather, of

import bounds
from bounds.claims import Evidence, Record, Status
from experiments.papers._ftrl_estimates import concentration_failure
from experiments.papers._ftrl_regret import regret_bound
from experiments.papers.ftrl_log_barrier import STUDIES
from paper_figures.ftrl_log_barrier import FIGURES
from paper_figures.style import applied
from tabular.learning.adversarial import published_tuning

SLUG = "ftrl-log-barrier"
CLAIMS = bounds.claims(SLUG)
INCONCLUSIVE = {f"{SLUG}/linmdp-rate"}
NAMES = (
    "ftrl-step lemma per-round hedge-fails hedge-condition small-step dilated-identity dilated-inequality "
    "dilated-regret mre-unbiased mre-magnitude bias mgr-mean direct-concentration lb-regret mre-regret actions "
    "simulator-rate linmdp-rate prior-rate"
)


def shrunk(study, cell):
    """The quick cell with fewer instances, or None where it is dropped."""
    name = study.id.partition("/")[2]
    small = dict(cell)
    if name == "sequences":
        return small | {"count": 2000 if cell["variant"] == "log-barrier" else 1000}
    if name in ("dilation", "estimates"):
        return small | {"count": 80} if cell["block"] == 0 else None
    if name == "steps":
        return small | {"count": 400}
    if name == "one-sided":
        return small | {"steps": 11}
    if name == "regret" and cell["adversary"] in ("stochastic", "reversal"):
        return None
    if name == "regret":
        return small | {"runs": 3}
    if name == "ablations":
        return small | {"runs": 2, "K": 1024}
    return small


@pytest.fixture(scope="module")
def evidence():
    return gather(STUDIES, shrunk)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_claims_hold_on_small_studies(claim, evidence):
    verdict = claim.judge.judge(claim.measure(of(claim, evidence)))
    assert verdict.status is (Status.INCONCLUSIVE if claim.id in INCONCLUSIVE else Status.SUPPORTED), verdict.reason


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_controls_are_refuted(claim, evidence):
    verdict = claim.judge.judge(claim.control.measure(of(claim, evidence)))
    assert verdict.status is Status.REFUTED, verdict.reason


def test_every_row_of_the_claim_table_is_a_claim():
    assert {claim.id.partition("/")[2] for claim in CLAIMS} == set(NAMES.split())


def test_a_rate_of_low_power_is_never_supported(evidence):
    claim = bounds.claim(f"{SLUG}/linmdp-rate")
    assert claim.judge.inner.judge(claim.measure(of(claim, evidence))).status is Status.SUPPORTED
    assert claim.judge.judge(claim.measure(of(claim, evidence))).status is Status.INCONCLUSIVE


def test_two_step_instance_is_the_one_of_the_page(evidence):
    record = evidence.where(f"{SLUG}/one-sided").records[0]
    assert math.isclose(float(record["two_step_regret"][0]), 990.0, abs_tol=1e-5)
    assert math.isclose(float(record["two_step_bound"][0]), 200.7, abs_tol=0.01)


def test_stability_tends_to_one_quarter(evidence):
    record = evidence.where(f"{SLUG}/one-sided").records[0]
    assert 0.2499 < float(record["sharp"][0]) <= 0.25 + 1e-9
    assert record["log_barrier"].max() <= 0.25
    assert record["hedge"][-1] > 1e6


def test_tuning_on_which_assumptions_hold():
    claim = bounds.claim(f"{SLUG}/lb-regret")
    shape = {"algorithm": "log-barrier", "H": 1, "A": 40, "d": 1}
    holds = claim.assumptions[0].holds
    assert not holds(Record(f"{SLUG}/regret", shape | {"K": 100}, {}))
    assert holds(Record(f"{SLUG}/regret", shape | {"K": 100_000}, {}))


def test_bounds_are_those_of_the_claims():
    K, H, A, d = 4096, 2, 3, 5
    for name, algorithm in (("lb-regret", "log-barrier"), ("mre-regret", "magnitude-reduced")):
        claim = bounds.claim(f"{SLUG}/{name}")
        eta = published_tuning(algorithm, episodes=K, H=H, A=A, d=d).eta
        values = {"K": K, "H": H, "A": A, "d": d, "eta": eta}
        symbolic = claim.bound.subs({s: values[s.name] for s in claim.bound.free_symbols})
        assert math.isclose(float(symbolic), regret_bound(algorithm, K=K, H=H, A=A, d=d), rel_tol=1e-12)
    claim = bounds.claim(f"{SLUG}/direct-concentration")
    values = {"d": 3, "t": 0.5, "M": 700, "gamma": 0.1}
    symbolic = claim.bound.subs({s: values[s.name] for s in claim.bound.free_symbols})
    assert math.isclose(float(symbolic), concentration_failure(3, 0.1, 700, 0.5), rel_tol=1e-12)


def test_simulator_mode_has_the_regret_of_exact_mode(evidence):
    for record in evidence.where(f"{SLUG}/simulator"):
        gap = record["regret"] - record["exact_regret"]
        assert abs(gap.mean()) < 0.1 * record["exact_regret"].mean()


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.id)
def test_figures_draw_from_their_table(figure, evidence):
    table = figure.table(Evidence(tuple(record for record in evidence if record.study in figure.studies)))
    lengths = {len(column) for column in table.values()}
    assert len(lengths) == 1
    assert lengths.pop() > 3
    with applied():
        drawn = figure.draw(table)
    assert drawn.axes
    assert all(np.all(np.isfinite(column)) for column in table.values() if column.dtype.kind == "f")


def test_exponents_table_orders_the_learners(evidence):
    figure = next(one for one in FIGURES if one.id.endswith("table_exponents"))
    table = figure.table(Evidence(tuple(record for record in evidence if record.study in figure.studies)))

    def interval(learner, symbol="K"):
        part = (table["learner"] == learner) & (table["in"] == symbol)
        return float(table["low"][part][0]), float(table["high"][part][0])

    assert interval("magnitude-reduced")[1] < interval("dilated Hedge")[0]
    assert interval("magnitude-reduced", "A")[1] < interval("log barrier", "A")[0]
