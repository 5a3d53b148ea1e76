"""Occupancy programs against backward induction, duality and a hand-solved instance; the learners that solve them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.instances import random_episodic
from tabular import EpisodicMDP, ParameterError
from tabular.learning.online import dope, optpess_lp
from tabular.learning.online._counts import _record, empty_counts
from tabular.learning.online._lp_episodes import empirical_rows, pessimistic_value
from tabular.learning.online._occupancy_lp import BoxProgram, OccupancyProgram, policy_of
from tabular.learning.online.dope_lp import _bernstein_box, _EntropyBox
from tabular.learning.online.optpess import _penalty
from tabular.planning import evaluate

SLACK = -1e3


def tables(H, S, A, seed):
    """Transitions, two tables of rewards, a start."""
    rng = np.random.default_rng(seed)
    P = rng.dirichlet(np.full(S, 0.6), (H, S, A))
    return P, rng.random((H, S, A)), rng.random((H, S, A)), rng.dirichlet(np.ones(S)), rng


def best(P, f, mu0):
    """Optimal value by backward induction."""
    V = np.zeros(len(mu0))
    for h in reversed(range(f.shape[0])):
        V = (f[h] + P[h] @ V).max(axis=-1)
    return mu0 @ V


def best_in_box(lower, upper, f, mu0):
    """Optimal value when the transitions are chosen too: mass goes to the best successors first."""
    H, S, A = f.shape
    V = np.zeros(S)
    for h in reversed(range(H)):
        order, Q = np.argsort(-V), np.empty((S, A))
        for s, a in np.ndindex(S, A):
            row, left = lower[h, s, a].copy(), 1.0 - lower[h, s, a].sum()
            for j in order:
                more = min(left, upper[h, s, a, j] - lower[h, s, a, j])
                row[j] += more
                left -= more
            Q[s, a] = f[h, s, a] + row @ V
        V = Q.max(axis=-1)
    return mu0 @ V


def dual(value, f, g, threshold):
    """min over y >= 0 of value(f + y g) - y threshold, a convex function, by ternary search."""
    low, high = 0.0, 200.0
    for _ in range(200):
        one, two = low + (high - low) / 3, high - (high - low) / 3
        if value(f + one * g) - one * threshold <= value(f + two * g) - two * threshold:
            high = two
        else:
            low = one
    return value(f + low * g) - low * threshold


def box_around(P, width):
    return np.maximum(P - width, 0.0), np.minimum(P + width, 1.0)


SIZES = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), st.integers(0, 10**6))


@given(SIZES)
def test_without_a_binding_constraint_the_programs_are_backward_inductions(size):
    P, f, g, mu0, _ = tables(*size)
    H, _, A, _ = size
    plain = OccupancyProgram(mu0, H, A, SLACK).solve(P, f, g)
    assert plain.objective == pytest.approx(best(P, f, mu0), abs=1e-9)
    lower, upper = box_around(P, 0.15)
    extended = BoxProgram(mu0, H, A, SLACK).solve(lower, upper, f, g)
    assert extended.objective == pytest.approx(best_in_box(lower, upper, f, mu0), abs=1e-9)
    exact = BoxProgram(mu0, H, A, SLACK).solve(P, P, f, g)
    assert exact.objective == pytest.approx(plain.objective, abs=1e-9)


@given(SIZES, st.floats(0.0, 1.0))
def test_a_binding_constraint_meets_its_dual_and_the_policy_attains_both_values(size, share):
    P, f, g, mu0, _ = tables(*size)
    H, S, A, _ = size
    elsewhere = np.full((H, S, A), 1.0 / A)
    lower, upper = box_around(P, 0.1)
    for value, found in (
        (lambda x: best(P, x, mu0), lambda c: OccupancyProgram(mu0, H, A, c).solve(P, f, g)),
        (lambda x: best_in_box(lower, upper, x, mu0), lambda c: BoxProgram(mu0, H, A, c).solve(lower, upper, f, g)),
    ):
        free = found(SLACK)
        threshold = free.constraint + 0.9 * share * (value(g) - free.constraint)
        solution = found(threshold)
        assert solution.objective == pytest.approx(dual(value, f, g, threshold), abs=1e-5)
        policy = policy_of(solution.occupancy, elsewhere)
        for reward, reported in ((f, solution.objective), (g, solution.constraint)):
            assert pessimistic_value(solution.transitions, reward, policy, mu0) == pytest.approx(reported, abs=1e-6)
        assert solution.constraint >= threshold - 1e-7
        np.testing.assert_allclose(solution.transitions.sum(axis=-1), 1.0, atol=1e-9)
        assert found(value(g) + 0.01) is None


@given(SIZES)
def test_no_model_inside_the_box_and_no_policy_does_better(size):
    P, f, g, mu0, rng = tables(*size)
    H, S, A, _ = size
    lower, upper = box_around(P, 0.2)
    threshold = 0.9 * best(P, g, mu0)
    solution = BoxProgram(mu0, H, A, threshold).solve(lower, upper, f, g)
    assert np.all(solution.transitions >= lower)
    assert np.all(solution.transitions <= upper)
    for _ in range(20):
        other = rng.dirichlet(np.ones(S), (H, S, A))
        step = rng.random() * 0.2
        inside = P + step * (other - P)
        policy = rng.dirichlet(np.full(A, 0.3), (H, S))
        if pessimistic_value(inside, g, policy, mu0) >= threshold:
            assert pessimistic_value(inside, f, policy, mu0) <= solution.objective + 1e-9
        constrained = OccupancyProgram(mu0, H, A, threshold).solve(inside, f, g)
        assert constrained is None or constrained.objective <= solution.objective + 1e-9


def test_the_instance_solved_by_hand():
    """One state, one step, f = (1, 0), g = (0, 1), g.q >= 0.3: the constraint takes 0.3 of the mass."""
    solution = OccupancyProgram(np.ones(1), 1, 2, 0.3).solve(
        np.ones((1, 1, 2, 1)), np.array([[[1.0, 0.0]]]), np.array([[[0.0, 1.0]]])
    )
    np.testing.assert_allclose(solution.occupancy, [[[0.7, 0.3]]], atol=1e-9)
    assert (solution.objective, solution.constraint) == pytest.approx((0.7, 0.3))


def test_the_extended_instance_solved_by_hand():
    """Two steps; the row of action 0 is [.5, .5] +- .1 and state 0 pays f = 1, state 1 pays g = 1, g.q >= 0.45."""
    P = np.broadcast_to([0.5, 0.5], (2, 2, 1, 2))
    f, g = np.zeros((2, 2, 1)), np.zeros((2, 2, 1))
    f[1, 0], g[1, 1] = 1.0, 1.0
    solution = BoxProgram(np.array([1.0, 0.0]), 2, 1, 0.45).solve(*box_around(P, 0.1), f, g)
    assert (solution.objective, solution.constraint) == pytest.approx((0.55, 0.45))
    np.testing.assert_allclose(solution.transitions[0, 0, 0], [0.55, 0.45], atol=1e-9)
    assert BoxProgram(np.array([1.0, 0.0]), 2, 1, 0.61).solve(*box_around(P, 0.1), f, g) is None


def test_a_program_solved_after_changes_is_the_program_solved_anew():
    P, f, g, mu0, rng = tables(3, 4, 3, 5)
    kept, kept_box, infeasible = OccupancyProgram(mu0, 3, 3, 2.1), BoxProgram(mu0, 3, 3, 2.2), 0
    for _ in range(150):
        h, s, a = rng.integers(3), rng.integers(4), rng.integers(3)
        P[h, s, a] = np.eye(4)[rng.integers(4)] if rng.random() < 0.5 else rng.dirichlet(np.ones(4))
        f[h, s, a], g[h, s, a] = rng.random(2)
        boxes = box_around(P, 0.05)
        for one, new in (
            (kept.solve(P, f, g), OccupancyProgram(mu0, 3, 3, 2.1).solve(P, f, g)),
            (kept_box.solve(*boxes, f, g), BoxProgram(mu0, 3, 3, 2.2).solve(*boxes, f, g)),
        ):
            assert (one is None) == (new is None)
            if one is None:
                infeasible += 1
            else:
                assert one.objective == pytest.approx(new.objective, abs=1e-9)
    assert 20 < infeasible < 280


def test_a_state_out_of_reach_is_given_the_other_policy():
    occupancy = np.array([[[0.25, 0.75], [0.0, 0.0]]])
    elsewhere = np.array([[[1.0, 0.0], [0.4, 0.6]]])
    np.testing.assert_array_equal(policy_of(occupancy, elsewhere), [[[0.25, 0.75], [0.4, 0.6]]])


# ---------------------------------------------------------------- confidence


def seen(P, n, rng):
    """Counts of ``n`` successors of every pair."""
    H, S, A, _ = P.shape
    counts = empty_counts(H, S, A)
    for h, s, a in np.ndindex(H, S, A):
        for _ in range(n):
            _record(counts, h, s, a, int(rng.choice(S, p=P[h, s, a])))
    return counts


def on_bernstein(counts, scale):
    rows = empirical_rows(counts)
    width = scale * np.log(2.0 * counts.n.size * 100 / 0.05)
    return rows, *_bernstein_box(counts.n, rows, width)


def on_entropy(counts, scale):
    return empirical_rows(counts), *_EntropyBox(*counts.n.shape, scale, 0.05).update(counts)


def around(counts, penalty):
    rows = empirical_rows(counts)
    return rows, rows, rows, penalty


PENALTIES = {
    "dope published": on_bernstein,
    "dope tight": on_entropy,
    "optpess published": lambda counts, scale: around(counts, _penalty(counts, "published", scale, 0.05, 100)),
    "optpess tight": lambda counts, scale: around(counts, _penalty(counts, "tight", scale, 0.05, 100)),
}


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("n", [0, 1, 5, 400])
def test_pessimistic_values_lie_below_the_true_ones(name, n):
    """At every model of the box, for every policy; without the penalty they do not, so the check can fail."""
    rng = np.random.default_rng(n)
    model = random_episodic(3, 2, 3, rng=1)
    counts = seen(model.P, n, rng)
    rows, lower, upper, penalty = PENALTIES[name](counts, 1.0)
    if name.startswith("dope"):
        assert np.all(lower <= model.P)
        assert np.all(upper >= model.P)
    broken = 0
    for _ in range(200):
        policy = np.eye(2)[rng.integers(2, size=(3, 3))]
        chosen = rows
        if name.startswith("dope"):
            chosen = BoxProgram(model.mu0, 3, 2, SLACK).solve(lower, upper, rng.random((3, 3, 2)), model.r).transitions
        truth = evaluate(model, policy).value
        assert pessimistic_value(chosen, model.r - penalty, policy, model.mu0) <= truth + 1e-12
        broken += pessimistic_value(chosen, model.r, policy, model.mu0) > truth
    assert broken > 0


def test_penalties_and_boxes_by_hand():
    P = np.zeros((3, 2, 1, 2))
    P[..., 0] = 1.0
    counts = seen(P, 4, np.random.default_rng(0))
    L = np.log(32 * 2 * 1 * 3 * 50 / 0.1)
    np.testing.assert_allclose(_penalty(counts, "published", 0.5, 0.1, 50), 0.5 * 2 * 3 * np.sqrt(L / 4))
    beta = np.log(2 * 1 * 3 / 0.1) + np.log(np.e * (1 + 4 / 1))
    pinsker = np.sqrt(0.01 * beta / (2 * 4))
    wanted = np.array([2.0, 1.0, 0.0])[:, None, None] * pinsker
    np.testing.assert_allclose(_penalty(counts, "tight", 0.01, 0.1, 50), np.broadcast_to(wanted, (3, 2, 1)))
    lower, upper, penalty = _EntropyBox(3, 2, 1, 0.01, 0.1).update(counts)
    kept = np.exp(-0.01 * beta / 4)
    np.testing.assert_allclose(lower[0, 0, 0], [kept, 0.0], atol=1e-9)
    np.testing.assert_allclose(upper[0, 0, 0], [1.0, 1.0 - kept], atol=1e-9)
    np.testing.assert_allclose(penalty[:, 0, 0], np.array([2.0, 1.0, 0.0]) * (1.0 - kept), atol=1e-9)
    rows = np.broadcast_to([0.25, 0.75], (3, 1, 1, 2))
    lower, upper, penalty = _bernstein_box(np.full((3, 1, 1), 1200.0), rows, 3.0)
    half = 2.0 * np.sqrt(0.25 * 0.75 * 3.0 / 1200.0) + 14.0 * 3.0 / (3.0 * 1200.0)
    np.testing.assert_allclose(lower, rows - half)
    np.testing.assert_allclose(upper, rows + half)
    np.testing.assert_allclose(penalty, 3.0 * 2.0 * half)


def test_a_box_kept_up_to_date_is_the_box_computed_anew():
    P, *_, rng = tables(2, 3, 2, 0)
    counts, kept = empty_counts(2, 3, 2), _EntropyBox(2, 3, 2, 1.0, 0.05)
    for _ in range(60):
        h, s, a = rng.integers(2), rng.integers(3), rng.integers(2)
        _record(counts, h, s, a, int(rng.choice(3, p=P[h, s, a])))
        for one, new in zip(kept.update(counts), _EntropyBox(2, 3, 2, 1.0, 0.05).update(counts), strict=True):
            np.testing.assert_array_equal(one, new)


# ---------------------------------------------------------------- learners


def lure():
    """One decision: action 0 wins with 0.6, the others with 0.5; the baseline mostly takes action 0."""
    P = np.zeros((2, 2, 4, 2))
    P[0, 0] = [[0.4, 0.6], [0.5, 0.5], [0.5, 0.5], [0.5, 0.5]]
    P[0, 1, :, 1] = 1.0
    P[1, :, :, 0] = 1.0
    r = np.zeros((2, 2, 4))
    r[1, 1] = 1.0
    baseline = np.full((2, 2, 4), 0.25)
    baseline[0, 0] = [0.85, 0.05, 0.05, 0.05]
    return EpisodicMDP(P, r, [1.0, 0.0]), baseline


LEARNERS = [optpess_lp, dope]


@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize("bonus", ["published", "tight", "none"])
def test_a_run_is_a_function_of_its_arguments_and_its_record_is_consistent(learner, bonus):
    mdp, baseline = lure()
    runs = [learner(mdp, episodes=150, baseline=baseline, kappa=0.05, bonus=bonus, scale=1e-4, rng=3) for _ in range(2)]
    for name in ("values", "lcb", "visits", "policy", "baseline_steps"):
        assert np.array_equal(getattr(runs[0], name), getattr(runs[1], name)), name
    run = runs[0]
    assert run.values[-1] == pytest.approx(evaluate(mdp, run.policy).value, abs=1e-12)
    assert run.baseline_value == pytest.approx(evaluate(mdp, baseline).value, abs=1e-12)
    assert run.threshold == pytest.approx(run.baseline_value - 0.05)
    assert run.visits.sum(axis=(1, 2)).tolist() == [150, 150]
    assert set(run.baseline_steps.tolist()) == {0, 2}
    played = run.baseline_steps == 2
    assert np.all(run.values[played] == run.baseline_value)
    assert np.all(run.lcb[~played] >= run.threshold)
    assert not run.rho.any()


@pytest.mark.parametrize("learner", LEARNERS)
def test_with_its_published_constants_it_is_the_baseline(learner):
    mdp, baseline = lure()
    run = learner(mdp, episodes=300, baseline=baseline, kappa=0.05, rng=0)
    assert np.all(run.baseline_steps == 2)
    assert not run.violations.any()
    assert np.all(run.lcb <= run.baseline_value)


@pytest.mark.parametrize("learner", LEARNERS)
def test_trusting_the_empirical_model_breaks_the_constraint(learner):
    """An action looks good after a few lucky episodes."""
    mdp, baseline = lure()
    runs = [learner(mdp, episodes=200, baseline=baseline, kappa=0.05, bonus="none", rng=seed) for seed in range(10)]
    assert any(run.violations.any() for run in runs)
    safe = [
        learner(mdp, episodes=200, baseline=baseline, kappa=0.05, bonus="tight", rng=seed).violations.any()
        for seed in range(10)
    ]
    assert not any(safe)


@pytest.mark.parametrize("learner", LEARNERS)
def test_once_feasible_it_leaves_the_baseline_and_stays_safe(learner):
    mdp, baseline = lure()
    run = learner(mdp, episodes=4000, baseline=baseline, kappa=0.25, bonus="tight", replan="doubling", rng=1)
    assert not run.violations.any()
    assert (run.baseline_steps == 0).any()
    assert (run.baseline_steps[:20] == 2).all()


@pytest.mark.parametrize(
    ("learner", "program", "weight"),
    [
        (optpess_lp, OccupancyProgram, lambda H, kappa: 1.0 + 4.0 * H / kappa),
        (dope, BoxProgram, lambda H, kappa: H / kappa),
    ],
)
def test_the_penalty_is_a_bonus_in_the_objective(monkeypatch, learner, program, weight):
    mdp, baseline = lure()
    asked, solve = [], program.solve

    def spy(self, *args):
        asked.append(args[-2:])
        return solve(self, *args)

    monkeypatch.setattr(program, "solve", spy)
    learner(mdp, episodes=30, baseline=baseline, kappa=0.1, bonus="published", scale=1e-6, rng=0)
    assert asked
    for objective, constraint in asked:
        penalty = mdp.r - constraint
        assert np.all(penalty > 0.0)
        np.testing.assert_allclose(objective - mdp.r, weight(2, 0.1) * penalty, rtol=1e-6)


def test_optpess_waits_for_the_pessimistic_value_of_its_baseline_to_pass_the_middle():
    mdp, baseline = lure()
    run = optpess_lp(mdp, episodes=400, baseline=baseline, kappa=0.1, bonus="tight", scale=0.003, rng=0)
    waits = run.baseline_steps == 2
    middle = 0.5 * (run.threshold + run.baseline_value)
    assert 5 < waits.sum() < 395
    assert np.all(run.lcb[waits] <= middle)
    eager = dope(mdp, episodes=400, baseline=baseline, kappa=0.1, bonus="tight", scale=0.003, rng=0)
    asked = eager.baseline_steps == 2
    assert np.all(eager.lcb[asked] < eager.threshold)  # the baseline itself would have been feasible


@pytest.mark.parametrize("learner", LEARNERS)
def test_doubling_replans_rarely(learner):
    mdp, baseline = lure()
    how = dict(episodes=300, baseline=baseline, kappa=0.05, bonus="tight", rng=2)
    every, rarely = learner(mdp, **how), learner(mdp, replan="doubling", **how)
    assert len(np.unique(every.lcb)) > 200
    assert len(np.unique(rarely.lcb)) < 60


@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize(
    ("change", "match"),
    [
        (dict(episodes=0), "episodes"),
        (dict(kappa=None), "exactly one"),
        (dict(threshold=0.5), "exactly one"),
        (dict(kappa=0.0), "kappa"),
        (dict(kappa=None, threshold=0.595), "threshold"),
        (dict(delta=1.0), "delta"),
        (dict(bonus="hoeffding"), "bonus"),
        (dict(scale=-1.0), "scale"),
        (dict(replan="never"), "replan"),
    ],
)
def test_bad_input_is_refused(learner, change, match):
    mdp, baseline = lure()
    arguments = dict(episodes=10, baseline=baseline, kappa=0.05, rng=0) | change
    with pytest.raises(ParameterError, match=match):
        learner(mdp, **arguments)


@pytest.mark.parametrize("learner", LEARNERS)
def test_one_state_one_action_one_step(learner):
    mdp = EpisodicMDP(np.ones((1, 1, 1, 1)), np.full((1, 1, 1), 0.5))
    run = learner(mdp, episodes=3, baseline=np.zeros((1, 1), dtype=int), kappa=0.1, bonus="tight", rng=0)
    np.testing.assert_array_equal(run.values, 0.5)
