"""stepmix from studies to verdicts at reduced size: claims, controls, and the parts that its studies are made of."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from paper_evidence import gather, of

import bounds
from bounds.claims import Evidence, Kind, Status
from bounds.papers._stepmix_safety import least_wait, relative_entropy
from experiments import instances
from experiments.papers import _stepmix_audit as audit
from experiments.papers import _stepmix_exact as exact
from experiments.papers import _stepmix_offline as offline
from experiments.papers import _stepmix_rates as rates
from experiments.papers._stepmix_bpi import on_bpi_event
from experiments.papers._stepmix_problems import FAMILIES, checkpoints, play
from experiments.papers.stepmix import STUDIES
from tabular.learning.online._confidence import _beta_kl
from tabular.planning import backward_induction, evaluate
from tabular.simulation import sample_trajectories
from tabular.streams import stream

SLUG = "stepmix"
CLAIMS = bounds.claims(SLUG)
DRAWN_ONLY = {"traces", "sweep"}


def shrunk(study, cell):
    """The quick cell with less to do where that decides nothing, or None where no claim looks at it."""
    name = study.id.partition("/")[2]
    if name in DRAWN_ONLY:
        return None
    small = dict(cell)
    for key, most in (("tables", 25), ("instances", 20)):
        if key in small:
            small[key] = min(small[key], most)
    if name == "constants":
        small["episodes"] = 3000
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
    table = (
        "mixture-linear kl-event lcb-uniform safe-implication zero-violation rho bpi-optimism bpi-gap regret "
        "epsmix-regret constant-price kappa-scaling lower-bound cumulative-not-enough offline"
    )
    assert names == {*table.split(), "const-vacuous"}
    assert all(str(claim.provenance) == "recalled" for claim in CLAIMS if claim.kind is Kind.RATE)


# ---------------------------------------------------------------- measures see what they should see


def tampered(evidence, study, name, change, **params):
    """The evidence with array ``name`` of the matching records changed."""
    found = []
    for record in evidence:
        if record.study == f"{SLUG}/{study}" and all(record.params[key] == value for key, value in params.items()):
            record = replace(record, arrays={**record.arrays, name: change(record.arrays[name])})
        found.append(record)
    return Evidence(tuple(found))


@pytest.mark.parametrize(
    ("claim", "study", "name", "change", "params"),
    [
        ("mixture-linear", "mixtures", "value", lambda v: v + 1e-10, {}),
        ("kl-event", "kl-exact", "failure", lambda v: v + 0.2, {}),
        ("kl-event", "kl-paths", "count", lambda v: v + 200, {}),
        ("lcb-uniform", "evaluators", "above", lambda v: v + 2.0, {}),
        ("lcb-uniform", "evaluators", "optimism", lambda v: v + 2.0, {}),
        ("lcb-uniform", "evaluators", "event", lambda v: 0.0 * v, {"S": 2}),
        ("safe-implication", "candidates", "value", lambda v: v - 0.5, {}),
        ("safe-implication", "candidates", "eps_value", lambda v: v - 0.5, {}),
        ("rho", "candidates", "rho", lambda v: v + 0.5, {}),
        ("rho", "candidates", "eps_rho", lambda v: v - 1e-9, {}),
        ("bpi-optimism", "bpi-optimism", "below", lambda v: v + 2.0, {}),
        ("bpi-gap", "bpi-stops", "loss", lambda v: v + 0.6, {"eps": 0.45}),
        ("bpi-gap", "bpi-stops", "episodes", lambda v: v * 3.0, {"eps": 0.45}),
        ("zero-violation", "safety", "violating", lambda v: v + 1.0, {"learner": "epsmix", "family": "lock"}),
        ("cumulative-not-enough", "safety", "cumulative", lambda v: v - 9.0, {"learner": "budget"}),
        ("cumulative-not-enough", "safety", "violating", lambda v: 0.0 * v, {"learner": "budget"}),
        ("cumulative-not-enough", "safety", "violating", lambda v: v + 1.0, {"learner": "stepmix"}),
        ("lower-bound", "departures", "wait", lambda v: v / 100.0, {"learner": "epsmix, hoeffding"}),
        ("regret", "price", "stepmix", lambda v: v * np.geomspace(1, 30, 8), {}),
        ("epsmix-regret", "price", "epsmix", lambda v: v * np.geomspace(1, 30, 8), {}),
        ("constant-price", "price", "stepmix", lambda v: v * np.geomspace(1, 30, 8), {}),
        ("kappa-scaling", "kappa", "first", lambda v: v * 9.0, {"kappa": 0.075}),
        ("kappa-scaling", "kappa", "extra", lambda v: v * 9.0, {"kappa": 0.22}),
        ("const-vacuous", "constants", "left", lambda v: v + 1, {"learner": "epsmix, published"}),
        ("const-vacuous", "constants", "per_episode", lambda v: 0.0 * v, {"learner": "bpi"}),
        ("offline", "offline-runs", "violating", lambda v: v + 1, {"logged": 200}),
        ("offline", "offline-needs", "needed", lambda v: v * 9, {"cover": 6.0}),
    ],
)  # fmt: skip
def test_a_tampered_record_refutes(evidence, claim, study, name, change, params):
    one = bounds.claim(f"{SLUG}/{claim}")
    verdict = one.judge.judge(one.measure(of(one, tampered(evidence, study, name, change, **params))))
    assert verdict.status is Status.REFUTED, verdict.reason


def test_violating_control_is_the_variant_that_violates_least(evidence):
    claim = bounds.claim(f"{SLUG}/zero-violation")
    sample = claim.control.measure(of(claim, evidence))
    counts = {
        record["learner"]: np.count_nonzero(record["violating"])
        for record in evidence.where(f"{SLUG}/safety", family="wide trap")
        if record["learner"] not in ("stepmix", "epsmix", "budget")
    }
    assert len(counts) == 5
    assert sample.count.tolist() == [min(counts.values())]


def test_runs_of_the_zero_violation_claim_do_explore(evidence):
    """Never leaving the baseline would be safe, and would say nothing."""
    for record in evidence.where(f"{SLUG}/safety"):
        if record["learner"] in ("stepmix", "epsmix"):
            assert record["left"].mean() > 0.3 * record["episodes"]
            assert record["free"].mean() > 0.2 * record["episodes"]


# ---------------------------------------------------------------- exact events


@pytest.mark.parametrize("law", ["skewed", "likely"])
@pytest.mark.parametrize("radius", [0.5, 1.2])
def test_exact_failure_is_the_sum_over_all_sequences(law, radius):
    N, p = 7, exact.LAWS[law]
    radii = np.linspace(radius, 1.5 * radius, N + 1)
    total = 0.0
    for sequence in itertools.product(range(len(p)), repeat=N):
        for n in range(1, N + 1):
            share = np.bincount(sequence[:n], minlength=len(p)) / n
            divergence = sum(q * math.log(q / r) for q, r in zip(share, p, strict=True) if q > 0)
            if n * divergence > radii[n]:
                total += math.prod(p[i] for i in sequence)
                break
    padded = np.array(p if len(p) == 3 else (p[0], 0.0, p[1]))
    assert 0.0 < total < 1.0
    assert exact._exact_failure(padded, radii, exact._xlogx(N)) == pytest.approx(total, abs=1e-13)


def test_simulated_paths_agree_with_the_exact_probability():
    runs, horizon, delta = 20_000, 60, 0.1
    law = np.array(exact.LAWS["likely"])
    out = np.empty((runs, 2))
    cumulative = np.cumsum(law)
    cumulative[-1] = 1.0
    volume, xlogx = exact.radii(3, 1.0, horizon), exact._xlogx(horizon)
    exact._path_maxima(cumulative, np.log(law), volume, xlogx, stream(0, "paths"), out)
    for column, with_volume in ((0, True), (1, False)):
        p = exact._exact_failure(law, exact.radii(3, delta, horizon, with_volume), xlogx)
        seen = np.mean(out[:, column] > math.log(1.0 / delta))
        assert abs(seen - p) < 4.0 * math.sqrt(p * (1.0 - p) / runs)


@pytest.mark.parametrize(("S", "delta"), [(2, 0.1), (5, 0.01)])
def test_the_radius_tried_is_that_of_the_learners(S, delta):
    tried = exact.radii(S, delta, 50)
    used = [_beta_kl(float(n), delta * S, S, 1, 1) for n in range(51)]  # one row: SAH/delta becomes 1/delta
    np.testing.assert_allclose(tried, used, rtol=1e-13)
    np.testing.assert_allclose(exact.radii(S, delta, 50, volume=False), math.log(1.0 / delta))


def test_mixtures_of_one_step_only_are_linear():
    arrays = exact.run_mixture(dict(S=3, A=2, H=3, block=0, instances=30), stream(0, "mixtures"))
    assert np.abs(arrays["value"] - arrays["mixed"]).max() < 1e-14
    assert np.abs(arrays["value_two"] - arrays["mixed_two"]).max() > 1e-3


# ---------------------------------------------------------------- random counts


def test_random_counts_are_draws_of_the_model():
    mdp = instances.random_episodic(3, 2, 2, rng=0)
    counts = audit.random_counts(mdp, 1e6, stream(0, "counts"))
    assert (counts.n == 0).any()
    for index in np.ndindex(2, 3, 2):
        m = counts.degree[index]
        assert counts.weight[index][:m].sum() == counts.n[index]
        assert len(set(counts.successor[index][:m])) == m
        if counts.n[index] > 1e5:
            seen = np.zeros(3)
            seen[counts.successor[index][:m]] = counts.weight[index][:m] / counts.n[index]
            np.testing.assert_allclose(seen, mdp.P[index], atol=0.01)


def test_events_fail_where_one_row_is_far_off():
    mdp = instances.random_episodic(2, 2, 2, rng=1)
    counts = audit.random_counts(mdp, 1e4, stream(1, "counts"))
    V = backward_induction(mdp).V
    assert audit.on_event(mdp, counts, 0.1)
    assert on_bpi_event(mdp, counts, V, 0.1)
    counts.n[0, 0, 0], counts.degree[0, 0, 0] = 1e4, 1
    counts.successor[0, 0, 0, 0], counts.weight[0, 0, 0, 0] = 0, 1e4
    assert mdp.P[0, 0, 0, 0] < 0.9
    assert not audit.on_event(mdp, counts, 0.1)
    assert not on_bpi_event(mdp, counts, V, 0.1)


def test_all_deterministic_policies_are_tried_where_there_are_few():
    few = audit._policies(2, 2, 2, 3, stream(0, "few"))
    assert few.shape == (3 + 16, 2, 2, 2)
    assert len({one.tobytes() for one in few[3:]}) == 16
    assert set(np.unique(few[3:])) == {0.0, 1.0}
    assert audit._policies(5, 5, 3, 3, stream(0, "many")).shape == (3, 3, 5, 5)


# ---------------------------------------------------------------- waiting, offline, traces


@pytest.mark.parametrize(("delta", "kappa"), [(0.1, 0.1), (0.01, 0.2)])
def test_least_wait_solves_for_the_probability_of_an_early_departure(delta, kappa):
    divergence = float(relative_entropy(0.5, 0.5 + kappa))
    total = 0.0
    for n in range(400):
        low, high = delta, 1.0
        for _ in range(80):
            q = 0.5 * (low + high)
            kl = delta * math.log(delta / q) + (1 - delta) * math.log((1 - delta) / (1 - q)) if q < 1.0 else math.inf
            low, high = (q, high) if kl <= n * divergence else (low, q)
        total += 1.0 - high
    assert least_wait(delta, divergence, 400) == pytest.approx(total, rel=1e-9)
    assert least_wait(delta, divergence, 1) == pytest.approx(1.0 - delta, rel=1e-9)


def test_least_wait_scales_with_the_inverse_square():
    waits = [least_wait(0.1, float(relative_entropy(0.5, 0.5 + kappa)), 50_000) for kappa in (0.08, 0.04, 0.02)]
    np.testing.assert_allclose(np.divide(waits[1:], waits[:-1]), 4.0, rtol=0.02)


def test_least_wait_is_below_the_wait_of_a_safe_learner_by_its_own_test():
    """A learner that leaves when a one-sided test at level delta says so is safe; it waits longer than the bound."""
    delta, kappa, episodes, runs = 0.1, 0.15, 400, 2000
    rng = stream(0, "test of one hypothesis")
    step = np.where(rng.random((runs, episodes)) < 0.5 + kappa, math.log(1 + 2 * kappa), math.log(1 - 2 * kappa))
    wait = np.argmax(np.cumsum(step, axis=1) >= math.log(1 / delta), axis=1) + 1
    bound = least_wait(delta, float(relative_entropy(0.5, 0.5 + kappa)), episodes)
    assert bound < wait.mean() < 8.0 * bound


def test_first_episodes_are_a_prefix():
    mdp, behaviour, _ = offline.logging_problem(0.2, 3.0)
    data = sample_trajectories(mdp, behaviour, episodes=50, reward_noise="none", rng=0)
    part = offline.first_episodes(data, 20)
    assert part.N == 20 * offline.H
    np.testing.assert_array_equal(part.s_next, data.s_next[: part.N])
    np.testing.assert_array_equal(part.transition_counts(by_step=True).sum(axis=(1, 2, 3)), [20, 20])


@pytest.mark.parametrize("cover", [1.5, 6.0])
def test_logging_problem_has_the_coverage_and_the_loss_it_says(cover):
    mdp, behaviour, threshold = offline.logging_problem(0.2, cover)
    safe = evaluate(mdp, np.full((offline.H, 3), offline.SAFE)).value
    assert safe - threshold == pytest.approx(0.2)
    assert max(evaluate(mdp, np.full((offline.H, 3), a)).value for a in range(3)) == pytest.approx(threshold - 0.2)
    assert behaviour[0, 0, offline.SAFE] == pytest.approx(1.0 / cover)
    np.testing.assert_allclose(behaviour.sum(axis=2), 1.0)


def test_traces_of_all_learners_are_of_the_same_problems_and_bins_tile_the_run():
    cells = [dict(family="small random", learner=name, episodes=60, runs=2) for name in ("stepmix", "unconstrained")]
    found = [rates.run_traces(cell, stream(0, "traces", cell["learner"])) for cell in cells]
    np.testing.assert_array_equal(found[0]["threshold"], found[1]["threshold"])
    for arrays in found:
        size = np.diff(arrays["at"], prepend=0)
        total = arrays["optimal_value"] * 60 - (arrays["mean"] * size).sum(axis=1)
        np.testing.assert_allclose(total, arrays["regret"][:, -1], atol=1e-9)
        assert np.all(arrays["lowest"] <= arrays["mean"] + 1e-12)


def test_checkpoints_end_with_the_run():
    at = checkpoints(4000, 400, 8)
    assert (at[0], at[-1], at.size) == (400, 4000, 8)
    assert np.all(np.diff(at) > 0)


@pytest.mark.parametrize("family", FAMILIES)
def test_families_tolerate_a_loss_and_leave_room(family):
    problem = FAMILIES[family](stream(0, family))
    assert problem.kappa > 0.0
    assert problem.baseline_value < problem.optimal_value
    run = play("stepmix", problem, 3, stream(1, family))
    assert run.optimal_value == pytest.approx(problem.optimal_value)
