"""Lower-confidence-bound learners against plain Python, and the invariants that the theory promises."""

import math

import naive_offline as naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabular.errors import ParameterError
from tabular.learning.offline import (
    best_empirical_arm,
    cb_imitation,
    cb_lcb,
    empirical_value_iteration,
    mab_lcb,
    most_played_arm,
    vi_lcb,
    vi_lcb_trace,
)
from tabular.learning.offline.pessimism_lcb import vi_lcb_width
from tabular.models import DiscountedMDP
from tabular.planning import evaluate, value_iteration
from tabular.simulation import OfflineDataset, sample_dataset


@st.composite
def datasets(draw, max_states=3, max_actions=3, max_rows=40, min_rows=1, quantum=8):
    S, A = draw(st.integers(1, max_states)), draw(st.integers(1, max_actions))
    N = draw(st.integers(min_rows, max_rows))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    skew = rng.dirichlet(np.full(S * A, 0.6))
    cell = rng.choice(S * A, size=N, p=skew)
    return OfflineDataset(
        cell // A, cell % A, rng.integers(0, quantum + 1, size=N) / quantum, rng.integers(0, S, size=N), S, A
    )


def width(data, c, delta):
    return c * math.sqrt(math.log(2 * data.S * data.A / delta) / 2)


@given(datasets(), st.floats(0.0, 3.0), st.sampled_from(["never", "published"]), st.booleans())
def test_cb_lcb_is_the_definition(data, c, unseen, cap):
    found = cb_lcb(data, delta=0.1, c=c, unseen=unseen, cap=cap)
    score = -1.0 if unseen == "published" else -math.inf
    assert found.policy.tolist() == naive.lcb(data, width(data, c, 0.1), score, 1.0 if cap else math.inf)


@given(datasets(max_states=1))
def test_mab_lcb_is_the_definition_with_the_published_penalty(data):
    expected = naive.lcb(data, math.sqrt(math.log(2 * data.A * max(data.N, 2)) / 2), -math.inf)
    assert mab_lcb(data).policy.tolist() == expected
    assert mab_lcb(data, unseen="published").policy.tolist() == naive.lcb(
        data, math.sqrt(math.log(2 * data.A * max(data.N, 2)) / 2), -1.0
    )


@given(datasets())
def test_baselines_are_their_definitions(data):
    rows = list(zip(data.s.tolist(), data.a.tolist(), strict=True))
    assert best_empirical_arm(data).policy.tolist() == naive.lcb(data, 0.0, 0.0)
    assert cb_imitation(data).policy.tolist() == naive.most_played(rows, data.S, data.A)


@given(
    datasets(max_rows=120, min_rows=4),
    st.sampled_from([0.0, 0.5, 0.8]),
    st.sampled_from([0.0, 0.05, 0.3, 1.0]),
    st.booleans(),
    st.booleans(),
    st.integers(1, 6),
)
def test_vi_lcb_is_the_pseudocode(data, gamma, c, monotone, split, T):
    trace = vi_lcb_trace(data, gamma=gamma, c=c, delta=0.1, monotone=monotone, split=split, iterations=T)
    w = vi_lcb_width(data.S, data.A, T, 0.1, c=c)
    V, policy = naive.vi_lcb(data, gamma, lambda y: w / ((1 - gamma) * math.sqrt(max(len(y), 1))), T, monotone, split)
    assert np.allclose(trace.V, V, rtol=1e-12, atol=1e-12)
    if c not in (0.0,):  # an unpenalised tie of different sums is decided by the last bit
        assert trace.policy.tolist() == policy
    result = vi_lcb(data, gamma=gamma, c=c, delta=0.1, monotone=monotone, split=split, iterations=T)
    assert result.policy.tolist() == trace.policy[-1].tolist()
    assert np.array_equal(result.lcb, trace.Q[-1])


@given(
    datasets(max_rows=120, min_rows=4), st.sampled_from([0.0, 0.5, 0.8]), st.sampled_from([0.05, 0.2, 0.6]),
    st.booleans(), st.integers(1, 4),
)  # fmt: skip
def test_vi_lcb_with_bernstein_widths_is_the_pseudocode(data, gamma, c, split, T):
    options = {"c": c, "delta": 0.1, "penalty": "bernstein", "split": split, "monotone": False, "iterations": T}
    found = vi_lcb_trace(data, gamma=gamma, **options)
    log_term = vi_lcb_width(data.S, data.A, T, 0.1, c=c, penalty="bernstein") ** 2
    assert log_term == pytest.approx(c * c * math.log(4 * T * data.S * data.A / 0.1))
    V, _ = naive.vi_lcb(data, gamma, lambda y: naive.bernstein(y, log_term, 1 / (1 - gamma)), T, False, split)
    # a variance of equal targets is what rounding leaves of it, and its root is taken
    assert np.allclose(found.V, V, rtol=0.0, atol=1e-6)
    top = 1.0 / (1.0 - gamma)
    assert np.all((found.penalty >= 0.0) & (found.penalty <= top))
    for s, a in np.argwhere(found.counts < 2.0):
        assert found.penalty[-1, s, a] == pytest.approx(top)


@pytest.mark.parametrize("reward", [0.1, 0.3, 0.7])
def test_bernstein_widths_of_equal_rewards_have_no_variance(reward):
    """Rounding leaves less than nothing of some of these variances."""
    log_term = vi_lcb_width(1, 1, 1, 0.1, c=0.2, penalty="bernstein") ** 2
    for n in range(2, 40):
        data = OfflineDataset([0] * n, [0] * n, [reward] * n, [0] * n, 1, 1)
        found = vi_lcb(data, gamma=0.0, c=0.2, delta=0.1, penalty="bernstein", split=False, iterations=1)
        assert found.penalty[0, 0] == pytest.approx(min(7 * log_term / (3 * (n - 1)), 1.0), abs=1e-7)


def test_defaults_are_the_published_ones():
    rng = np.random.default_rng(0)
    data = OfflineDataset(
        rng.integers(0, 2, 500), rng.integers(0, 2, 500), rng.random(500), rng.integers(0, 2, 500), 2, 2
    )
    T = math.ceil(math.log(500) / 0.5)
    result = vi_lcb(data, gamma=0.5, penalty="published")
    assert result.iterations == T
    assert result.counts.sum() == 500 // (2 * T)
    L = 2000 * math.log(2 * (T + 1) * 4 * 500)
    assert np.allclose(result.penalty, 2.0 * np.sqrt(L / np.maximum(result.counts, 1)))
    bandit = cb_lcb(data, penalty="published")
    assert np.allclose(bandit.penalty, np.sqrt(2000 * math.log(8 * 500) / bandit.counts))
    assert np.allclose(mab_lcb_penalty(data), np.sqrt(math.log(4 * 500) / (2 * 500)))


def mab_lcb_penalty(data):
    one = OfflineDataset(np.zeros(500, int), np.zeros(500, int), data.r, np.zeros(500, int), 1, 2)
    return mab_lcb(one).penalty[0, 0]


@given(datasets(min_rows=5), st.randoms(use_true_random=False))
def test_renaming_actions_renames_the_answer(data, random):
    order = list(range(data.A))
    random.shuffle(order)
    renamed = OfflineDataset(data.s, np.array(order)[data.a], data.r, data.s_next, data.S, data.A)
    one, two = cb_lcb(data, c=1.0), cb_lcb(renamed, c=1.0)
    for s in range(data.S):
        scores = one.lcb[s]
        if np.count_nonzero(scores == scores.max()) == 1:
            assert two.policy[s] == order[one.policy[s]]


@given(datasets(max_states=2), st.sampled_from([0.25, 2.0, 8.0]), st.sampled_from([-1.0, 0.0, 0.5]))
def test_scaling_rewards_and_penalty_together_changes_nothing(data, factor, shift):
    # the penalty scale is c, so multiplying rewards by `factor` asks for c * factor
    scaled = OfflineDataset(data.s, data.a, factor * data.r + shift, data.s_next, data.S, data.A)
    one, two = cb_lcb(data, c=1.0, delta=0.1), cb_lcb(scaled, c=factor, delta=0.1)
    for s in range(data.S):
        ordered = np.sort(one.lcb[s][np.isfinite(one.lcb[s])])
        if ordered.size and (ordered.size == 1 or ordered[-1] - ordered[-2] > 1e-9):
            assert one.policy[s] == two.policy[s]


@given(datasets(max_states=1, min_rows=2))
def test_a_sample_at_the_mean_never_lowers_the_lower_bound(data):
    before = mab_lcb(data, delta=0.1)
    for a in range(data.A):
        if before.counts[0, a] == 0:
            continue
        mean = float(data.mean_rewards()[0, a])
        more = OfflineDataset(
            np.append(data.s, 0), np.append(data.a, a), np.append(data.r, mean), np.append(data.s_next, 0), 1, data.A
        )
        assert mab_lcb(more, delta=0.1).lcb[0, a] >= before.lcb[0, a] - 1e-12


@given(datasets())
def test_an_infinite_penalty_is_imitation(data):
    seen = data.counts()
    lcb, imitation = cb_lcb(data, c=1e9), cb_imitation(data)
    for s in range(data.S):
        if np.count_nonzero(seen[s] == seen[s].max()) == 1:
            assert lcb.policy[s] == imitation.policy[s]


def test_unseen_arms_win_as_published_and_never_by_default():
    data = OfflineDataset([0] * 50, [0] * 50, [1.0] * 50, [0] * 50, 1, 2)
    assert cb_lcb(data, penalty="published", unseen="published").policy[0] == 1
    assert cb_lcb(data, penalty="published").policy[0] == 0
    # with L = 2000 log(.) the unseen arm loses from n = L/4 on where every reward was 1, not from n = L on
    n = 8000
    sure = OfflineDataset([0] * n, [0] * n, [1.0] * n, [0] * n, 1, 2)
    L = 2000 * math.log(4 * n)
    assert L / 4 < n < L
    assert cb_lcb(sure, penalty="published", unseen="published").policy[0] == 0


@pytest.mark.parametrize("seed", range(8))
def test_values_are_monotone_bounded_and_pessimistic_on_the_event(seed):
    rng = np.random.default_rng(seed)
    P = rng.dirichlet(np.full(4, 0.3), size=(4, 2))
    mdp = DiscountedMDP(P / P.sum(axis=-1, keepdims=True), rng.random((4, 2)), 0.6)
    data = sample_dataset(mdp, np.full((4, 2), 1 / 8), 60_000, rng=seed)
    trace = vi_lcb_trace(data, gamma=0.6, c=0.4)
    target = mdp.r + 0.6 * np.einsum("sax,tx->tsa", mdp.P, trace.V[:-1])
    on_event = np.all(np.abs(trace.Q + trace.penalty - target) <= trace.penalty, axis=(1, 2))
    assert np.all(np.diff(trace.V, axis=0) >= 0.0)
    assert np.all((trace.V >= 0.0) & (trace.V <= 1 / 0.4 + 1e-12))
    assert on_event.all(), "c is chosen so that this run lies inside the event; the checks below need it"
    assert np.all(target + 1e-12 >= trace.Q)
    for t in range(trace.V.shape[0]):
        assert np.all(trace.V[t] <= evaluate(mdp, trace.policy[t]).V + 1e-9)
    assert trace.V[-1].max() > 0.05, "a penalty that keeps every value at 0 would test nothing"


def test_without_the_monotone_update_values_fall():
    rng = np.random.default_rng(1)
    data = OfflineDataset(
        rng.integers(0, 3, 6000), rng.integers(0, 2, 6000), rng.random(6000), rng.integers(0, 3, 6000), 3, 2
    )
    trace = vi_lcb_trace(data, gamma=0.5, c=0.1, monotone=False)
    assert np.any(np.diff(trace.V, axis=0) < 0.0)


@pytest.mark.compiled
def test_much_data_recover_the_optimal_values():
    rng = np.random.default_rng(2)
    P = rng.dirichlet(np.ones(3), size=(3, 2))
    mdp = DiscountedMDP(P / P.sum(axis=-1, keepdims=True), rng.random((3, 2)), 0.5)
    data = sample_dataset(mdp, np.full((3, 2), 1 / 6), 400_000, rng=3)
    best = value_iteration(mdp).V
    assert np.allclose(empirical_value_iteration(data, gamma=0.5).value, best, atol=0.01)
    assert np.allclose(vi_lcb(data, gamma=0.5, c=0.01, split=False).value, best, atol=0.02)
    tight, wide = (vi_lcb(data, gamma=0.5, penalty=p).value for p in ("bernstein", "hoeffding"))
    assert np.all(tight <= best)
    assert np.all(wide <= best)
    assert tight.sum() > wide.sum()


def test_random_ties_are_fair_and_reproducible():
    data = OfflineDataset([0, 0], [0, 1], [1.0, 1.0], [0, 0], 1, 2)
    picks = [int(mab_lcb(data, rng=seed).policy[0]) for seed in range(400)]
    assert picks == [int(mab_lcb(data, rng=seed).policy[0]) for seed in range(400)]
    assert 150 < sum(picks) < 250
    assert int(mab_lcb(data).policy[0]) == 0


def test_no_data_and_few_data():
    empty = OfflineDataset([], [], [], [], 2, 3)
    assert cb_lcb(empty).policy.tolist() == [0, 0]
    assert vi_lcb(empty, gamma=0.5).policy.tolist() == [0, 0]
    one = OfflineDataset([1], [2], [1.0], [0], 2, 3)
    assert cb_lcb(one).policy.tolist() == [0, 2]


def test_bad_arguments_are_refused():
    data = OfflineDataset([0, 1], [0, 1], [1.0, 0.0], [0, 0], 2, 2)
    with pytest.raises(ParameterError, match="S=2 states"):
        mab_lcb(data)
    with pytest.raises(ParameterError, match="S=2 states"):
        most_played_arm(data)
    with pytest.raises(ParameterError, match="unseen"):
        cb_lcb(data, unseen="always")
    with pytest.raises(ParameterError, match="penalty"):
        vi_lcb(data, gamma=0.5, penalty="none")
    with pytest.raises(ParameterError, match="delta"):
        cb_lcb(data, delta=0.0)
    with pytest.raises(ParameterError, match="gamma"):
        vi_lcb(data, gamma=1.0)
    with pytest.raises(ParameterError, match="c is"):
        cb_lcb(data, c=-1.0)
