"""Budget exploration: its account, its rule, a run told step by step, and what it does not promise."""

import numpy as np
import pytest

from experiments.instances import conservative_trap, random_episodic
from tabular import ParameterError
from tabular.learning.online import budget_exploration
from tabular.learning.online._counts import _record, empty_counts
from tabular.learning.online._evaluators import BERNSTEIN, KL, L1, _ball_plan, _bound_policy, radii_of
from tabular.planning import evaluate

KINDS = {"kl": (KL, 1.0), "hoeffding": (L1, 1.0), "bernstein": (BERNSTEIN, 1.0), "plug-in": (KL, 0.0)}


def trap():
    """First action i reaches the good state, worth 1 in all, with p_i; the three last ones are traps."""
    problem = conservative_trap(0.52)
    return problem.mdp, problem.baseline


def told(mdp, baseline, threshold, episodes, seed, evaluator, scale):
    """The algorithm as its definition says, with the account in place of the surplus and every bound computed anew."""
    H, S, A = mdp.r.shape
    rng, counts, account = np.random.default_rng(seed), empty_counts(H, S, A), 0.0
    kind, factor = KINDS[evaluator]
    record = []
    for k in range(1, episodes + 1):
        upper, greedy, lower = np.zeros((H + 1, S)), np.zeros((H, S), dtype=np.int64), np.zeros((H + 1, S))
        _ball_plan(radii_of(KL, 1.0, 0.05, counts), counts, mdp.r, 1.0, upper, greedy)
        bounds, optimistic = {}, np.eye(A)[greedy]
        for name, policy in (("optimistic", optimistic), ("baseline", baseline)):
            _bound_policy(radii_of(kind, factor * scale, 0.05, counts), counts, mdp.r, policy, upper, -1.0, lower)
            bounds[name] = float(mdp.mu0 @ lower[0])
        explores = account + bounds["optimistic"] >= k * threshold - 1e-12
        credit = bounds["optimistic"] if explores else max(bounds["baseline"], threshold)
        policy = optimistic if explores else baseline
        account += credit
        record.append((explores, credit, evaluate(mdp, policy).value, evaluate(mdp, optimistic).value))
        s = int(np.searchsorted(np.cumsum(mdp.mu0), rng.random(), side="right"))
        for h in range(H):
            a = int(np.searchsorted(np.cumsum(policy[h, s]), rng.random(), side="right"))
            s_next = int(np.searchsorted(np.cumsum(mdp.P[h, s, a]), rng.random(), side="right"))
            _record(counts, h, s, a, s_next)
            s = s_next
    return [np.array(column) for column in zip(*record, strict=True)]


@pytest.mark.parametrize(
    ("evaluator", "scale"), [("kl", 1.0), ("kl", 0.01), ("hoeffding", 0.01), ("bernstein", 1e-6), ("plug-in", 1.0)]
)
@pytest.mark.parametrize("instance", ["trap", "random"])
def test_it_is_the_algorithm_told_step_by_step(instance, evaluator, scale):
    mdp, baseline = trap()
    if instance == "random":
        mdp = random_episodic(3, 2, 3, rng=4)
        baseline = np.random.default_rng(0).dirichlet(np.ones(2), (3, 3))
    run = budget_exploration(
        mdp, episodes=120, baseline=baseline, kappa=0.1, evaluator=evaluator, scale=scale, rng=np.random.default_rng(8)
    )
    explores, credit, values, optimistic = told(mdp, baseline, run.threshold, 120, 8, evaluator, scale)
    np.testing.assert_array_equal(run.baseline_steps == 0, explores)
    np.testing.assert_allclose(run.lcb, credit, rtol=0, atol=1e-9)
    np.testing.assert_allclose(run.values, values, rtol=0, atol=1e-12)
    np.testing.assert_allclose(run.optimistic_values, optimistic, rtol=0, atol=1e-12)
    assert run.visits.sum(axis=(1, 2)).tolist() == [120] * mdp.H


def test_the_cases_explore_and_return_to_the_baseline():
    """Otherwise the comparison above would compare one policy with itself."""
    mdp, baseline = trap()
    for evaluator, scale in (("kl", 0.01), ("hoeffding", 0.01), ("bernstein", 1e-6), ("plug-in", 1.0)):
        run = budget_exploration(
            mdp, episodes=120, baseline=baseline, kappa=0.1, evaluator=evaluator, scale=scale, rng=8
        )
        assert 1 < (run.baseline_steps == 0).sum() < 120, evaluator


@pytest.mark.parametrize("evaluator", ["kl", "plug-in"])
def test_the_account_never_falls_below_k_times_the_threshold(evaluator):
    mdp, baseline = trap()
    run = budget_exploration(mdp, episodes=12000, baseline=baseline, threshold=0.52, evaluator=evaluator, rng=2)
    k = np.arange(1, 12001)
    assert np.all(np.cumsum(run.lcb) >= k * run.threshold - 1e-8)
    assert (run.lcb < run.threshold).any()  # it does spend
    explores = run.baseline_steps == 0
    before = np.cumsum(run.lcb) - run.lcb
    assert np.all((before + run.lcb >= k * run.threshold - 1e-8)[explores])
    assert np.all(run.lcb[~explores] >= run.threshold)


@pytest.mark.compiled
def test_sums_are_safe_and_single_episodes_are_not():
    mdp, baseline = trap()
    broken = 0
    for seed in range(4):
        run = budget_exploration(mdp, episodes=20000, baseline=baseline, threshold=0.52, rng=seed)
        assert np.all(np.cumsum(run.values - run.threshold) >= -1e-9)
        assert np.all(run.lcb <= run.values + 1e-12)
        broken += run.violations.any()
    assert broken >= 1


def test_a_run_is_a_function_of_its_arguments_and_a_longer_one_begins_with_it():
    mdp, baseline = trap()
    how = dict(baseline=baseline, threshold=0.52, scale=0.05)
    long, short, again = (budget_exploration(mdp, episodes=K, rng=5, **how) for K in (300, 200, 200))
    for name in ("values", "lcb", "baseline_steps", "optimistic_values"):
        assert np.array_equal(getattr(short, name), getattr(again, name)), name
        assert np.array_equal(getattr(long, name)[:200], getattr(short, name)), name
    other = budget_exploration(mdp, episodes=200, rng=6, **how)
    assert not np.array_equal(other.lcb, short.lcb)


def test_a_threshold_that_nothing_can_miss_lets_it_play_the_optimistic_policy_always():
    mdp, baseline = trap()
    run = budget_exploration(mdp, episodes=50, baseline=baseline, threshold=0.0, rng=0)
    assert np.all(run.baseline_steps == 0)
    assert np.array_equal(run.values, run.optimistic_values)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (dict(episodes=0), "episodes"),
        (dict(kappa=None), "exactly one"),
        (dict(threshold=0.5), "exactly one"),
        (dict(kappa=-0.1), "kappa"),
        (dict(kappa=None, threshold=0.7), "threshold"),
        (dict(delta=0.0), "delta"),
        (dict(evaluator="exact"), "evaluator"),
        (dict(scale=-1.0), "scale"),
        (dict(planner_scale=float("nan")), "planner_scale"),
    ],
)
def test_bad_input_is_refused(change, match):
    mdp, baseline = trap()
    arguments = dict(episodes=10, baseline=baseline, kappa=0.05, rng=0) | change
    with pytest.raises(ParameterError, match=match):
        budget_exploration(mdp, **arguments)
