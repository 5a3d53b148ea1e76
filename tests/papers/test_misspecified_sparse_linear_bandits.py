"""misspecified-sparse-linear-bandits from studies to verdicts at reduced size, its families, exact numbers, figures."""

import math

import naive_linear_bandits as naive
import numpy as np
import pytest
from paper_evidence import gather, of

import bounds
from bounds.claims import Evidence, Record, Status
from bounds.papers._sparse_regret import order
from bounds.query_complexity import hidden_arm_queries, optimal_queries
from experiments.instances import (
    coherence,
    equiangular_lines,
    hidden_arm,
    separated_vectors,
    sparse_misspecified,
    unit_vectors,
)
from experiments.instances.linear_bandits import MISSPECIFICATIONS
from experiments.papers._sparse_designs import worst_prediction, worst_suboptimality
from experiments.papers._sparse_phased import misled
from experiments.papers.misspecified_sparse_linear_bandits import STUDIES
from paper_figures.misspecified_sparse_linear_bandits import FIGURES
from paper_figures.style import applied
from tabular import LinearBandit
from tabular.errors import ParameterError
from tabular.learning import bandit as learners

SLUG = "misspecified-sparse-linear-bandits"
CLAIMS = bounds.claims(SLUG)
SPECIFICATION = """net-guarantee net-queries no-exp-d lower-s exp-s poly-s design-pred design-opt sqrt-d-barrier
oracle-support phased-regret du-exp"""


def shrunk(study, cell):
    """The quick cell with fewer instances."""
    small = dict(cell)
    name = study.id.partition("/")[2]
    if name == "net":
        small["instances"] = 4
    elif name == "misled":
        small["runs"] = 20
    elif name in ("frontier", "growth", "coherence", "barrier"):
        small["runs"] = 3
    return small


@pytest.fixture(scope="module")
def evidence():
    return gather(STUDIES, shrunk)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_claims_hold_on_small_studies(claim, evidence):
    verdict = claim.judge.judge(claim.measure(of(claim, evidence)))
    assert verdict.status is Status.SUPPORTED, verdict.reason


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_controls_are_refuted(claim, evidence):
    verdict = claim.judge.judge(claim.control.measure(of(claim, evidence)))
    assert verdict.status is Status.REFUTED, verdict.reason


def test_every_row_of_the_claim_table_is_a_claim():
    names = {claim.id.partition("/")[2] for claim in CLAIMS}
    assert names == {*SPECIFICATION.split(), "net-noisy", "index-sets"}


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.id)
def test_figures_draw_from_their_table(figure, evidence):
    table = figure.table(Evidence(tuple(record for record in evidence if record.study in figure.studies)))
    lengths = {len(column) for column in table.values()}
    assert len(lengths) == 1
    assert lengths.pop() > 3
    with applied():
        assert figure.draw(table).axes


def test_a_learner_that_knew_the_hidden_arm_would_be_seen(evidence):
    claim = bounds.claim(f"{SLUG}/lower-s")
    told = [
        Record(record.study, record.params, {**record.arrays, "mean": record["mean"] * 0.99})
        if record.study.endswith("hidden") and record["part"] == "played"
        else record
        for record in of(claim, evidence)
    ]
    assert claim.judge.judge(claim.measure(Evidence(tuple(told)))).status is Status.REFUTED


def test_a_coarse_net_with_the_slack_of_a_fine_one_is_exhausted():
    x = unit_vectors(100, 4, np.random.default_rng(0))
    bandit = sparse_misspecified(x, 2, 0.1, "null", np.random.default_rng(0))
    how = {"sparsity": 2, "epsilon": 0.1}
    assert learners.net_elimination(bandit, **how).stopped
    assert not learners.net_elimination(bandit, **how, resolution=0.25, slack=0.2).stopped


# Instances


@pytest.mark.parametrize(("d", "mu"), [(2, 1 / 2), (3, 1 / math.sqrt(5)), (7, 1 / 3)])
def test_equiangular_lines(d, mu):
    x = equiangular_lines(d)
    gram = np.abs(x @ x.T)
    assert x.shape == (d * (d + 1) // 2, d)
    assert np.allclose(np.diag(gram), 1.0)
    assert np.allclose(gram[~np.eye(len(x), dtype=bool)], mu)
    assert coherence(x) == pytest.approx(mu)
    bandit = hidden_arm(x, 1, reward=0.5)
    assert bandit.epsilon == pytest.approx(0.5 * mu)
    assert bandit.means == pytest.approx(0.5 * (np.arange(len(x)) == 1))


def test_orthonormal_arms_hide_nothing():
    bandit = hidden_arm(np.eye(4), 2)
    assert bandit.epsilon == 0.0
    assert learners.one_shot_design(bandit).suboptimality == 0.0


@pytest.mark.parametrize("kind", MISSPECIFICATIONS)
def test_misspecifications_have_their_size(kind):
    x = unit_vectors(100, 6, np.random.default_rng(0))
    bandit = sparse_misspecified(x, 2, 0.1, kind, np.random.default_rng(1))
    assert bandit.epsilon <= 0.1 + 1e-12
    assert np.count_nonzero(bandit.theta) == (0 if kind == "null" else 2)
    assert np.linalg.norm(bandit.theta) <= 1.0
    if kind == "decoys":
        assert np.count_nonzero(bandit.misspecification == 0.1) >= 25


def test_packed_vectors_keep_their_distance():
    x = separated_vectors(6, 0.4, attempts=500, rng=np.random.default_rng(0))
    assert 1 < len(x) < 500
    assert coherence(x) <= 0.4
    assert np.allclose(np.linalg.norm(x, axis=1), 1.0)


def test_unknown_instances_are_refused():
    with pytest.raises(ParameterError, match="dimensions 2, 3 and 7"):
        equiangular_lines(4)
    with pytest.raises(ParameterError, match="kind is 'other'"):
        sparse_misspecified(np.eye(2), 1, 0.1, "other", np.random.default_rng(0))


def test_misled_problems_mislead():
    x = unit_vectors(12, 4, np.random.default_rng(0))
    bandit = misled(x, 0.1, 0.01, np.random.default_rng(3))
    quiet = LinearBandit(x, bandit.theta, 0.0, bandit.misspecification)
    run = learners.one_shot_design(quiet)
    assert bandit.epsilon <= 0.1
    assert np.linalg.norm(bandit.theta) <= 1.0 + 1e-12
    assert run.suboptimality > 0.05
    lead = np.sort(run.predictions)[-1] - np.sort(run.predictions)[-2]
    assert lead >= 0.01 - 1e-9


# Exact numbers


@pytest.mark.parametrize("k", [1, 2, 3, 6, 8])
def test_hidden_arm_queries_by_dynamic_programming(k):
    assert optimal_queries(np.eye(k), 0.5) == pytest.approx(hidden_arm_queries(k))
    if k > 1:
        assert hidden_arm_queries(k) == pytest.approx((k + 1) / 2 - 1 / k)
    for failure in (0.05, 0.3, 0.7):
        prices = (0.0, k / 4, (k + 1) / 2, (k + 2) / 2, (k + 3) / 2, k + 1.0)
        dual = max(optimal_queries(np.eye(k), 0.5, price=price) - price * failure for price in prices)
        assert dual == pytest.approx(hidden_arm_queries(k, failure), abs=1e-9)


def test_optimal_queries_by_all_decision_trees():
    rng = np.random.default_rng(0)
    for _ in range(20):
        rewards = rng.integers(0, 3, size=(4, 4)).astype(float)
        for tolerance in (0.5, 1.5):
            assert optimal_queries(rewards, tolerance) == pytest.approx(
                naive.optimal_queries(rewards.tolist(), tolerance)
            )
    with pytest.raises(ParameterError, match="17 problems"):
        optimal_queries(np.zeros((17, 2)), 0.5)


def test_worst_cases_of_a_design_are_attained():
    rng = np.random.default_rng(2)
    x = unit_vectors(6, 2, rng)
    weights = learners.g_optimal_design(x).weights
    fit = learners.prediction_map(x, weights)
    rows = fit - np.eye(6)
    a = int(np.argmax(np.abs(rows).sum(axis=1)))
    run = learners.one_shot_design(LinearBandit(x, [0.0, 0.0], 0.0, np.sign(rows[a])), weights=weights)
    worst = worst_prediction(x, weights)
    assert np.abs(run.predictions - np.sign(rows[a])).max() == pytest.approx(worst)
    # no random problem is worse than the linear programs say, and the search comes close
    most = worst_suboptimality(x, weights)
    assert most <= 2.0 * (1.0 + math.sqrt(2.02))
    seen = 0.0
    for _ in range(2000):
        error = np.sign(rng.normal(size=6))
        theta = 3.0 * rng.normal(size=2)
        seen = max(seen, learners.one_shot_design(LinearBandit(x, theta, 0.0, error), weights=weights).suboptimality)
    assert 0.5 * most < seen <= most + 1e-9


def test_order_of_the_regret():
    assert order(100.0, 4, 10, 0.5, 0.0) == pytest.approx(0.5 * math.sqrt(400 * math.log(1000)))
    assert order(100.0, 4, 10, 0.0, 0.1) == pytest.approx(0.1 * 100 * 2 * math.log(100))


def test_arms_that_do_not_pay_are_all_alike():
    x = unit_vectors(60, 20, np.random.default_rng(0))
    for arm in (0, 17, 59):
        assert np.all(np.delete(hidden_arm(x, arm).means, arm) == 0.0)
