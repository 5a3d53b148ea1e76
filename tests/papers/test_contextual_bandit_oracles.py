"""contextual-bandit-oracles from studies to verdicts at reduced size, its worst cases, its judge, and its figures."""

from fractions import Fraction

import naive_contextual as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paper_evidence import gather, of

import bounds
from bounds.claims import Evidence, Status
from bounds.complexity import decision_estimation, worst_case_regret
from bounds.papers._contextual_common import PairedSeparationJudge, Pairs
from experiments.instances import misleading_contexts, small_loss_contexts, waves_on_a_grid
from experiments.papers._contextual_fast import _largest_ratio
from experiments.papers.contextual_bandit_oracles import STUDIES
from paper_figures.contextual_bandit_oracles import FIGURES
from paper_figures.style import applied
from tabular.errors import ParameterError, PolicyError
from tabular.learning.bandit import fast_cb_weights, inverse_gap_weighting, normalised_inverse_gap_weighting

SLUG = "contextual-bandit-oracles"
CLAIMS = bounds.claims(SLUG)


def shrunk(study, cell):
    """The quick cell with fewer runs and instances, or None where it is dropped."""
    name = study.id.partition("/")[2]
    small = dict(cell)
    if name in ("rounds", "fast", "programs") and cell["block"] > 0:
        return None
    if name == "rounds":
        small["instances"] = 3000
    if name == "regret":
        return small | {"runs": 8} if cell["T"] <= 2**13 else None
    if name == "misspecified":
        return small if cell["error"] in (0.05, 0.2) and cell["T"] <= 2**13 else None
    if name == "epochs" and cell["algorithm"] == "FALCON":
        return None
    if name == "exploration":
        return small | {"runs": 12} if cell["K"] == 2 else None
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
    rounds = "igw-round igw-exact igw-normalised igw-optimal igw-support fastcb-round"
    regret = "squarecb-regret squarecb-misspecified fastcb-first-order falcon-rate eps-rate"
    loop = "oscillation no-oscillation improve-then-degrade"
    assert {claim.id.partition("/")[2] for claim in CLAIMS} == set(f"{rounds} {regret} {loop}".split())


@pytest.mark.parametrize("rule", ["igw, gamma halved", "1 / (1 + gamma gap)", "epsilon-greedy"])
def test_every_broken_rule_breaks_the_round_inequality(rule, evidence):
    kept = evidence.where(f"{SLUG}/rounds", rule=rule)
    assert np.any(kept.column("value") > 2.02 * (kept.column("K") - 1.0) / kept.column("gamma"))


def test_the_bounds_of_a_round_are_approached(evidence):
    igw = evidence.where(f"{SLUG}/rounds", rule="igw")
    assert np.max(igw.column("value") * igw.column("gamma") / (igw.column("K") - 1.0)) > 1.99
    normalised = evidence.where(f"{SLUG}/rounds", rule="normalised")
    assert np.max(normalised.column("value") * normalised.column("gamma") / (normalised.column("K") - 1.0)) > 0.49


ROW = st.lists(st.floats(0.0, 1.0, allow_subnormal=False), min_size=2, max_size=7)


@given(ROW, ROW, st.floats(0.01, 100.0))
def test_no_truth_exceeds_the_worst_case(f, truth, c):
    K = min(len(f), len(truth))
    f, truth = np.array(f[:K]), np.array(truth[:K])
    for p in (inverse_gap_weighting(f, 4.0 * c), np.full(K, 1.0 / K)):
        regret = truth.max() - p @ truth - c * (p @ (f - truth) ** 2)
        assert regret <= worst_case_regret(f, p, c) + 1e-9


@given(ROW, st.floats(0.01, 100.0))
def test_the_worst_case_of_each_rule_in_closed_form(f, c):
    K, g = len(f), max(f) - np.array(f)
    igw = worst_case_regret(f, inverse_gap_weighting(f, 4.0 * c), c)
    assert igw == pytest.approx((K - 1) / (4 * c) + np.sum(g / (K + 4.0 * c * g)), rel=1e-8)
    lam = 1.0 / max(naive.normalised(f, c))
    value = worst_case_regret(f, normalised_inverse_gap_weighting(f, c), c)
    assert value == pytest.approx((2 * K - 1 - lam) / (4 * c), rel=1e-8)
    assert worst_case_regret(f, normalised_inverse_gap_weighting(f, 2.0 * c), c) == pytest.approx(
        (K - 1) / (4 * c), rel=1e-8
    )


@settings(max_examples=30)
@given(ROW, st.floats(0.05, 50.0), st.integers(0, 2**32))
def test_no_weights_beat_the_minimum(f, c, seed):
    least = (len(f) - 1) / (4.0 * c)
    for p in np.random.default_rng(seed).dirichlet(np.ones(len(f)), size=20):
        assert worst_case_regret(f, p, c) >= least * (1.0 - 1e-9)


def test_decision_estimation_encloses_the_closed_form():
    found = decision_estimation([0.9, 0.5, 0.1], 2.0)
    assert found.lower <= 0.25 * (1.0 + 1e-9)
    assert found.upper >= 0.25 * (1.0 - 1e-9)
    assert found.upper - found.lower < 0.01 * 0.25
    assert np.allclose(found.witness, normalised_inverse_gap_weighting([0.9, 0.5, 0.1], 4.0), atol=1e-2)


def test_worst_case_refuses_bad_input():
    with pytest.raises(ParameterError, match="c must be positive"):
        worst_case_regret([0.1, 0.2], [0.5, 0.5], 0.0)
    with pytest.raises(PolicyError, match="sums to"):
        worst_case_regret([0.1, 0.2], [0.5, 0.6], 1.0)
    with pytest.raises(PolicyError, match="shape"):
        worst_case_regret([0.1, 0.2], [1.0], 1.0)
    with pytest.raises(ParameterError, match="predictions"):
        decision_estimation([np.nan, 0.2], 1.0)


def test_fast_cb_constants_one_and_one_are_false():
    """K = 9, gamma = 900: weights, both sides and their ratio in fractions."""
    K, gamma = 9, 900
    y = [Fraction(1, 1000)] * 2 + [Fraction(1)] * 7
    truth = [y[0], y[1] * Fraction(119, 120), *y[2:]]
    p = [y[0] / (K * y[0] + gamma * (loss - y[0])) for loss in y]
    p[0] = 1 - sum(p[1:])
    assert np.allclose(fast_cb_weights([float(v) for v in y], gamma), [float(v) for v in p], atol=1e-12)
    regret = sum(w * (f - min(truth)) for w, f in zip(p, truth, strict=True))
    loss = sum(w * f for w, f in zip(p, truth, strict=True))
    error = sum(w * (v - f) ** 2 / (v + f) for w, v, f in zip(p, y, truth, strict=True))
    assert regret > Fraction(112, 100) * (Fraction(K, gamma) * loss + gamma * error)
    assert regret < Fraction(1, 4) * (Fraction(5 * K, gamma) * loss + 7 * gamma * error)


@given(st.lists(st.floats(1e-4, 1.0), min_size=2, max_size=5), st.floats(2.0, 100.0), st.integers(0, 2**32))
def test_no_truth_exceeds_the_largest_ratio(y, sharpness, seed):
    y = np.array(y)
    K, rng = len(y), np.random.default_rng(seed)
    gamma = sharpness * K
    p, best = fast_cb_weights(y, gamma), np.empty(K)
    largest = _largest_ratio(p, y, K / gamma, gamma, best)
    for truth in (*rng.random((20, K)), *np.clip(best + 0.1 * rng.normal(size=(20, K)) * y, 1e-9, 1.0), best):
        bound = K / gamma * (p @ truth) + gamma * (p @ ((y - truth) ** 2 / (y + truth)))
        assert p @ truth - truth.min() <= largest * bound * (1 + 1e-9) + 1e-15


def test_paired_judge_is_the_sign_test():
    judge = PairedSeparationJudge(0.99)
    ones, zeros = np.ones(7), np.zeros(7)
    assert judge.judge((Pairs(ones, zeros),)).status is Status.SUPPORTED
    assert judge.judge((Pairs(ones[:6], zeros[:6]),)).status is Status.INCONCLUSIVE
    assert judge.judge((Pairs(ones, ones),)).status is Status.INCONCLUSIVE
    refuted = judge.judge((Pairs(ones, zeros), Pairs(zeros, np.ones(7))))
    assert refuted.status is Status.INCONCLUSIVE
    refuted = judge.judge((Pairs(np.ones(9), np.zeros(9)), Pairs(np.zeros(9), np.ones(9))))
    assert refuted.status is Status.REFUTED
    assert refuted.p_value == pytest.approx(2 * 0.5**9)
    with pytest.raises(ParameterError, match="entries"):
        Pairs(ones, zeros[:3])


@pytest.mark.parametrize("error", [0.02, 0.25])
def test_misleading_classes_are_as_far_from_the_truth_as_they_say(error):
    bandit, members = misleading_contexts(6, 4, error=error, rng=0)
    near = members.members[0]
    assert np.abs(near - bandit.means).max() == pytest.approx(error)
    chosen = bandit.means[np.arange(6), near.argmax(axis=1)]
    assert np.allclose(bandit.means.max(axis=1) - chosen, 1.8 * error)


def test_small_loss_contexts_have_the_loss_they_say():
    bandit, members = small_loss_contexts(6, 4, loss=0.01, rng=0)
    assert np.allclose(1.0 - bandit.means.max(axis=1), 0.01)
    assert np.sort(1.0 - bandit.means, axis=1)[:, 1].min() >= 0.3
    assert np.array_equal(members.members[0], bandit.means)


def test_waves_are_not_lines():
    bandit, features = waves_on_a_grid(20, 3, rng=0)
    residual = np.linalg.lstsq(features, bandit.means, rcond=None)[1]
    assert residual.min() > 1e-4


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.id)
def test_figures_draw_from_their_table(figure, evidence):
    table = figure.table(Evidence(tuple(record for record in evidence if record.study in figure.studies)))
    lengths = {len(column) for column in table.values()}
    assert len(lengths) == 1
    assert lengths.pop() > 3
    with applied():
        drawn = figure.draw(table)
    assert drawn.axes


def test_figures_show_what_their_titles_say(evidence):
    def table(name):
        figure = next(one for one in FIGURES if one.id.endswith(name))
        return figure.table(Evidence(tuple(record for record in evidence if record.study in figure.studies)))

    value = table("fig_value")
    assert np.allclose(value["mean"][value["series"] == "minimax"], 1.0, rtol=1e-8)
    assert value["largest"][value["series"] == "IGW"].max() <= 2.0
    assert value["mean"][value["series"] == "epsilon-greedy"][-1] > 2.0
    shares = table("fig_oscillation")
    for still in ("tabular", "propensity"):
        assert np.all(shares["share"][shares["series"] == still] == 0.0)
    assert np.all(np.diff(shares["share"][shares["series"] == "memory 1"]) >= 0.0)
