"""BPI-UCBVI against its definition; its bounds hold, and it does not stop before its policy is good enough."""

import naive_online as naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.instances import random_episodic
from tabular.errors import ParameterError
from tabular.learning.online import bpi_ucbvi
from tabular.learning.online._bpi_kernels import _bpi_plan, empty_bpi_plan
from tabular.learning.online._counts import _is_dense, _record, empty_counts
from tabular.models import DiscountedMDP, EpisodicMDP
from tabular.planning import backward_induction, evaluate
from tabular.testing.strategies import episodic_mdps


@pytest.mark.parametrize("scale", [1.0, 0.01, 0.001])
@pytest.mark.parametrize("gap_bonus", ["published", "none"])
def test_a_run_is_its_definition(scale, gap_bonus):
    mdp = random_episodic(3, 2, 3, rng=4)
    eps = 0.02 if gap_bonus == "none" else 0.5
    values, gaps, (upper, lower, policy, _) = naive.bpi_ucbvi(
        mdp, 40, eps, 0.1, np.random.default_rng(2), scale=scale, gap_scale=scale if gap_bonus == "published" else 0.0
    )
    run = bpi_ucbvi(
        mdp, episodes=40, eps=eps, delta=0.1, scale=scale, gap_bonus=gap_bonus, rng=np.random.default_rng(2)
    )
    assert run.episodes == len(values)
    assert np.allclose(run.values, values, rtol=0, atol=1e-12)
    assert np.allclose(run.gap, gaps, rtol=0, atol=1e-12)
    assert np.allclose(run.upper, upper, rtol=0, atol=1e-12)
    assert np.allclose(run.lower, lower, rtol=0, atol=1e-12)
    assert np.array_equal(run.best_policy, policy)
    assert run.stopped == (gaps[-1] <= eps)


def drawn(mdp, rng, visits):
    """Counts of independent transitions of the model, up to ``visits`` a pair."""
    H, S, A = mdp.r.shape
    counts, rows = empty_counts(H, S, A), []
    for h in range(H):
        for s in range(S):
            for a in range(A):
                for _ in range(int(rng.integers(0, visits + 1))):
                    rows.append((h, s, a, 0.0, naive.draw(mdp.P[h, s, a], rng.random())))
                    _record(counts, h, s, a, rows[-1][-1])
    return counts, rows


@given(episodic_mdps(max_states=3, max_actions=2), st.integers(0, 2**32), st.sampled_from([1.0, 0.02]))
def test_a_plan_is_its_definition(mdp, seed, scale):
    counts, rows = drawn(mdp, np.random.default_rng(seed), 12)
    H, S, A = mdp.r.shape
    plan = empty_bpi_plan(S, A, H)
    _bpi_plan(plan, counts, np.array(mdp.r), 0.1, scale, scale)
    upper, lower, _, gap = naive.bpi_plan(rows, mdp.r, 0.1, scale, scale)
    assert np.allclose(plan.upper, upper, rtol=0, atol=1e-12)
    assert np.allclose(plan.lower, lower, rtol=0, atol=1e-12)
    assert np.array_equal(plan.U[:H], plan.upper.max(axis=2))
    assert np.array_equal(plan.L[:H], plan.lower.max(axis=2))
    assert np.array_equal(plan.policy, plan.upper.argmax(axis=2))
    clear = np.sort(upper, axis=2)[..., -1] - np.sort(upper, axis=2)[..., -2] > 1e-9 if A > 1 else np.full((H, S), True)
    if clear.all():
        assert np.allclose(plan.gap[:H], gap, rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_a_plan_from_few_successors_is_its_definition(seed):
    """Two successors a pair among twelve states, read as sparse rows; lower bounds above 0 at every step."""
    rng, (H, S, A) = np.random.default_rng(seed), (3, 12, 2)
    counts, rows, r = empty_counts(H, S, A), [], 0.2 + 0.8 * rng.random((H, S, A))
    for h, s, a in np.ndindex(H, S, A):
        for s_next in rng.choice(rng.integers(0, S, 2), size=6):
            rows.append((h, s, a, 0.0, int(s_next)))
            _record(counts, h, s, a, s_next)
    assert not any(_is_dense(counts, h) for h in range(H))
    plan = empty_bpi_plan(S, A, H)
    for _ in range(2):  # nothing of an earlier plan may remain
        _bpi_plan(plan, counts, r, 0.1, 5e-5, 2e-4)
    upper, lower, policy, gap = naive.bpi_plan(rows, r, 0.1, 5e-5, 2e-4)
    assert plan.lower[:-1].min() > 0.2
    assert np.allclose(plan.upper, upper, rtol=0, atol=1e-12)
    assert np.allclose(plan.lower, lower, rtol=0, atol=1e-12)
    assert np.array_equal(plan.policy, policy)
    assert np.allclose(plan.gap[:H], gap, rtol=0, atol=1e-12)


def test_a_plan_from_one_visit_is_its_definition():
    """Constants so small that the widths of a single visit are not cut."""
    rng, (H, S, A) = np.random.default_rng(0), (3, 3, 2)
    counts, rows, r = empty_counts(H, S, A), [], 0.2 + 0.5 * rng.random((H, S, A))
    for h, s, a in np.ndindex(H, S, A):
        rows.append((h, s, a, 0.0, int(rng.integers(0, S))))
        _record(counts, h, s, a, rows[-1][-1])
    plan = empty_bpi_plan(S, A, H)
    _bpi_plan(plan, counts, r, 0.1, 1e-5, 1e-5)
    upper, lower, _, gap = naive.bpi_plan(rows, r, 0.1, 1e-5, 1e-5)
    assert plan.lower.min() > 0.0
    assert (plan.upper < np.arange(H, 0, -1)[:, None, None]).all()
    assert np.allclose(plan.upper, upper, rtol=0, atol=1e-12)
    assert np.allclose(plan.lower, lower, rtol=0, atol=1e-12)
    assert np.allclose(plan.gap[:H], gap, rtol=0, atol=1e-12)


@given(episodic_mdps(), st.integers(0, 2**32))
def test_published_bounds_enclose_the_optimum(mdp, seed):
    counts, _ = drawn(mdp, np.random.default_rng(seed), 40)
    H, S, A = mdp.r.shape
    plan, best = empty_bpi_plan(S, A, H), backward_induction(mdp)
    _bpi_plan(plan, counts, np.array(mdp.r), 0.1, 1.0, 1.0)
    assert (plan.lower <= best.Q + 1e-12).all()
    assert (plan.upper + 1e-12 >= best.Q).all()
    loss = best.V[:H] - evaluate(mdp, plan.policy).V[:H]
    assert (loss <= plan.gap[:H] + 1e-12).all()


def heavy(mdp, rng, visits):
    """Counts of ``visits`` transitions of every pair, by multinomials."""
    H, S, A = mdp.r.shape
    counts = empty_counts(H, S, A)
    for h, s, a in np.ndindex(H, S, A):
        row = rng.multinomial(visits, mdp.P[h, s, a] / mdp.P[h, s, a].sum())
        seen = np.flatnonzero(row)
        counts.n[h, s, a], counts.degree[h, s, a] = visits, seen.size
        counts.successor[h, s, a, : seen.size], counts.weight[h, s, a, : seen.size] = seen, row[seen]
        counts.column[h, :, s * A + a] = row
        counts.distinct[h] += seen.size
    return counts


@pytest.mark.parametrize("seed", range(5))
def test_with_much_data_the_bounds_are_tight_and_still_hold(seed):
    mdp = random_episodic(4, 3, 3, rng=seed)
    best = backward_induction(mdp)
    plan, counts = empty_bpi_plan(4, 3, 3), heavy(mdp, np.random.default_rng(seed), 10**7)
    _bpi_plan(plan, counts, np.array(mdp.r), 0.1, 1.0, 1.0)
    assert (plan.lower <= best.Q + 1e-12).all()
    assert (plan.upper + 1e-12 >= best.Q).all()
    assert np.abs(plan.upper - plan.lower).max() < 0.05
    assert plan.gap[0].max() < 0.1
    _bpi_plan(plan, counts, np.array(mdp.r), 0.1, 0.0, 0.0)
    broken = (plan.upper < best.Q - 1e-9).any() or (plan.lower > best.Q + 1e-9).any()
    assert broken  # the confidence terms are needed: without them the bounds miss


@pytest.mark.compiled
def test_it_stops_with_a_good_policy_and_the_control_stops_too_early():
    losses = []
    for seed in range(6):
        mdp = random_episodic(2, 2, 2, rng=seed)
        run = bpi_ucbvi(mdp, episodes=200_000, eps=0.5, delta=0.1, rng=seed)
        assert run.stopped
        assert run.gap[-1] <= 0.5 < run.gap[:-1].min()
        assert run.gap.shape == (run.episodes + 1,)
        assert run.best_value == pytest.approx(naive.value(mdp, run.best_policy), abs=1e-12)
        assert run.optimal_value - run.best_value <= run.gap[-1]
        optimal = backward_induction(mdp).Q
        assert (run.lower <= optimal).all()
        assert (optimal <= run.upper).all()
        control = bpi_ucbvi(mdp, episodes=200_000, eps=0.05, delta=0.1, gap_bonus="none", rng=seed)
        assert control.stopped
        losses.append(control.optimal_value - control.best_value)
    assert max(losses) > 0.05


def test_the_cap_is_said():
    mdp = random_episodic(2, 2, 2, rng=0)
    run = bpi_ucbvi(mdp, episodes=100, eps=0.1, rng=0)
    assert not run.stopped
    assert run.episodes == 100
    assert run.visits.sum() == 200
    assert run.gap[-1] > 0.1
    at_once = bpi_ucbvi(mdp, episodes=100, eps=2.0, rng=0)
    assert at_once.stopped
    assert at_once.episodes == 0


def test_a_fixed_stream_gives_a_fixed_run():
    mdp = random_episodic(3, 2, 2, rng=0)
    one, two = (bpi_ucbvi(mdp, episodes=500, eps=0.1, scale=0.01, rng=4) for _ in range(2))
    assert np.array_equal(one.values, two.values)
    assert np.array_equal(one.gap, two.gap)


def test_renaming_states_and_actions_renames_the_plan():
    mdp = random_episodic(3, 3, 3, rng=7)
    states, actions = np.array([2, 0, 1]), np.array([1, 2, 0])
    here, there = np.ix_(range(3), range(3), range(3)), np.ix_(range(3), states, actions)
    r = np.empty_like(mdp.r)
    r[there] = mdp.r[here]
    one, two, counts, renamed = empty_bpi_plan(3, 3, 3), empty_bpi_plan(3, 3, 3), empty_counts(3, 3, 3), None
    renamed = empty_counts(3, 3, 3)
    rng = np.random.default_rng(0)
    for _ in range(800):
        h, s, a, s_next = (int(i) for i in rng.integers(0, 3, 4))
        _record(counts, h, s, a, s_next)
        _record(renamed, h, states[s], actions[a], states[s_next])
    _bpi_plan(one, counts, np.array(mdp.r), 0.1, 0.001, 0.001)
    _bpi_plan(two, renamed, r, 0.1, 0.001, 0.001)
    assert np.allclose(two.upper[there], one.upper, rtol=0, atol=1e-12)
    assert np.allclose(two.lower[there], one.lower, rtol=0, atol=1e-12)
    assert np.array_equal(two.policy[:, states], actions[one.policy])


BAD = [
    ({"episodes": 0}, "episodes"),
    ({"eps": 0.0}, "eps"),
    ({"delta": 1.0}, "delta"),
    ({"scale": -1.0}, "scale"),
    ({"bonus": "kl"}, "bonus"),
    ({"gap_bonus": "half"}, "gap_bonus"),
    ({"rng": -1}, "rng"),
]


@pytest.mark.parametrize(("arguments", "named"), BAD)
def test_bad_arguments_are_named(arguments, named):
    with pytest.raises(ParameterError, match=named):
        bpi_ucbvi(random_episodic(2, 2, 2, rng=0), **({"episodes": 5, "eps": 0.1, "rng": 0} | arguments))


def test_bad_models_are_refused():
    with pytest.raises(ParameterError, match="DiscountedMDP"):
        bpi_ucbvi(DiscountedMDP([[[1.0]]], [[0.0]], 0.5), episodes=5, eps=0.1, rng=0)
    with pytest.raises(ParameterError, match=r"r\[0, 0, 0\] is -0\.5"):
        bpi_ucbvi(EpisodicMDP([[[1.0], [1.0]]], [[-0.5, 0.5]], H=2), episodes=5, eps=0.1, rng=0)
