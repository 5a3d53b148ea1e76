"""pessimism-lcb from studies to verdicts at reduced size, its families, and its figures."""

import math

import numpy as np
import pytest
from paper_evidence import gather, of

import bounds
from bounds.claims import Evidence, Status
from experiments.instances import pessimism as families
from experiments.papers._pessimism_runs import _policy_value, outcomes
from experiments.papers.pessimism_lcb import STUDIES
from paper_figures.pessimism_lcb import FIGURES
from paper_figures.style import applied
from tabular.errors import MissingExtra
from tabular.learning.offline import best_empirical_arm, cb_imitation, cb_lcb
from tabular.planning import evaluate, occupancy, policy_iteration
from tabular.simulation import sample_dataset
from tabular.streams import stream

SLUG = "pessimism-lcb"
CLAIMS = bounds.claims(SLUG)
INCONCLUSIVE = {f"{SLUG}/conjecture"}


def shrunk(study, cell):
    """The quick cell with fewer runs and instances, or None where it is dropped."""
    name = study.id.partition("/")[2]
    small = dict(cell)
    if name == "grid-worlds":
        kept = cell["env"] == "FrozenLake" and cell["share"] in (0.0, 0.5) and cell["N"] <= 16_000
        return small | {"N": cell["N"] // 32, "seeds": 2} if kept else None
    if name == "contexts" and cell["C"] == 1.02:
        return None
    if name == "vi-risk" and cell["gamma"] != 0.9:
        return None
    if name == "audit" and cell["block"] > 0:
        return None
    for key, most in (("instances", 30), ("runs", 500)):
        if key in small:
            small[key] = min(small[key], most)
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
    names = {claim.id.partition("/")[2] for claim in CLAIMS}
    bandit = "mab-greedy-fail mab-upper mab-mostplayed mab-lower-ge2 mab-lower-12 mab-nonadaptive"
    contextual = "good-event lcb-key imitation-switch cb-upper cb-lower cb-regimes cb-adaptive il-bias il-expert"
    mdp = "offmass vi-invariant vi-decomp vi-event-prob vi-upper mdp-lower conjecture const-vacuous"
    assert names == set(f"{bandit} {contextual} {mdp}".split())


def test_a_conjecture_is_never_supported(evidence):
    claim = bounds.claim(f"{SLUG}/conjecture")
    assert claim.judge.inner.judge(claim.measure(of(claim, evidence))).status is Status.SUPPORTED
    assert claim.judge.judge(claim.measure(of(claim, evidence))).status is Status.INCONCLUSIVE


def test_reuse_of_data_is_an_assumption_that_fails(evidence):
    claim = bounds.claim(f"{SLUG}/vi-event-prob")
    assert {record["split"] for record in of(claim, evidence)} == {True}
    assert False in {record["split"] for record in evidence.where(f"{SLUG}/vi-events")}


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.id)
def test_figures_draw_from_their_table(figure, evidence):
    table = figure.table(Evidence(tuple(record for record in evidence if record.study in figure.studies)))
    lengths = {len(column) for column in table.values()}
    assert len(lengths) == 1
    assert lengths.pop() > 3
    with applied():
        drawn = figure.draw(table)
    assert drawn.axes


def test_rates_table_shows_what_the_paper_says(evidence):
    figure = next(one for one in FIGURES if one.id.endswith("fig_rates"))
    table = figure.table(Evidence(tuple(record for record in evidence if record.study in figure.studies)))

    def series(setting, cover, name):
        part = (table["setting"] == setting) & (table["concentrability"] == cover) & (table["series"] == name)
        order = np.argsort(table["N"][part])
        return table["risk"][part][order]

    flat = series("bandit", 1.0, "best empirical")
    assert np.all(flat > 0.13)
    assert np.all(np.diff(series("contextual", 1.5, "imitation, F4")) > 0)
    assert series("bandit", 1.5, "imitation")[-1] < 1e-2 * series("bandit", 1.5, "LCB")[-1]
    ratio = series("contextual", 1.5, "LCB") / series("contextual", 1.5, "Bayes")
    assert np.all((ratio >= 1.0) & (ratio < 4.0))


@pytest.mark.parametrize("gamma", [0.5, 0.9])
@pytest.mark.parametrize("cover", [1.0, 1.05, 1.5, 4.0])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_decision_family_has_the_concentrability_it_says(gamma, cover, sign):
    if cover == 1.0:
        family = families.expert_decisions(6, gamma, 500, np.array([0, 1, 0, 1, 1, 0]))
    else:
        family = families.hard_decisions(6, cover, gamma, 0.05, sign, widest=0.2)
    d = occupancy(family.mdp, policy_iteration(family.mdp).policy)
    assert np.all(family.mu >= 0.0)
    assert math.isclose(family.mu.sum(), 1.0, rel_tol=1e-12)
    ratio = np.divide(d, family.mu, out=np.zeros_like(d), where=family.mu > 0)
    assert np.all(family.mu[d > 0] > 0)
    assert math.isclose(ratio.max(), cover, rel_tol=1e-9)


@pytest.mark.parametrize("cover", [1.1, 1.9, 3.0])
def test_contextual_families_have_the_concentrability_they_say(cover):
    pairs = [families.hard_contexts(5, cover, 0.1, sign) for sign in (1.0, -1.0)]
    if cover < 2.0:
        pairs.append(families.imitation_bias(cover))
    for bandit, mu in pairs:
        assert math.isclose(mu.sum(), 1.0, rel_tol=1e-12)
        assert np.all(mu >= 0.0)
        best = np.argmax(bandit.means, axis=1)
        played = mu[np.arange(bandit.S), best]
        rho = bandit.context_distribution
        assert np.max(rho[rho > 0] / played[rho > 0]) <= cover * (1 + 1e-12)


def test_expert_contexts_have_the_risk_of_missing_mass():
    S, N, runs = 6, 40, 2000
    bandit, mu = families.expert_contexts(S, N, np.array([0, 1, 0, 1, 1, 0]))
    exact = 0.5 * (S - 1) / (N + 1) * (1 - 1 / (N + 1)) ** N
    rng, rho = stream(1, "F5"), bandit.context_distribution
    for learn in (cb_lcb, best_empirical_arm, cb_imitation):
        risks = np.empty(runs)
        for i in range(runs):
            policy = learn(sample_dataset(bandit, mu, N, rng=rng), rng=rng).policy
            risks[i] = rho @ (1.0 - bandit.means[np.arange(S), policy])
        assert abs(risks.mean() - exact) < 4.0 * risks.std() / math.sqrt(runs)


def test_policy_values_by_elimination_are_those_of_the_planner():
    rng = np.random.default_rng(3)
    mdp, _ = families.random_mdp(6, 3, 0.95, rng)
    policy = rng.integers(0, 3, size=6)
    out = np.empty(6)
    _policy_value(mdp.P, mdp.r, mdp.gamma, policy, np.empty((6, 6)), out)
    assert np.allclose(out, evaluate(mdp, policy).V, rtol=1e-10)


def test_outcomes_are_the_law_of_a_row():
    mdp, mu = families.random_mdp(3, 2, 0.5, np.random.default_rng(4))
    p, s, a, r, s_next = outcomes(mdp, mu, noise=True)
    joint, reward = np.zeros((3, 2, 3)), np.zeros((3, 2))
    np.add.at(joint, (s, a, s_next), p)
    np.add.at(reward, (s, a), p * r)
    assert np.allclose(joint, mu[:, :, None] * mdp.P)
    assert np.allclose(reward, mu * mdp.r)


def test_grid_worlds_without_gymnasium_say_so(monkeypatch):
    import sys

    from experiments.papers import _pessimism_mdp as module

    module._world.cache_clear()
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(MissingExtra, match="rl-theorems\\[interop\\]"):
        module._world("FrozenLake")
