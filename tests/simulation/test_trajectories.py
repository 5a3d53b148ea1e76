"""Trajectories and returns against occupancies and values computed exactly."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tabular import AverageRewardMDP, DiscountedMDP, EpisodicMDP, ParameterError, PolicyError
from tabular.planning import evaluate, occupancy
from tabular.simulation import sample_trajectories, simulate_returns
from tabular.simulation._tables import tables
from tabular.simulation.trajectories import _returns, _trajectories
from tabular.testing import discounted_mdps, episodic_mdps, policies

P = np.array([[[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]], [[0.0, 0.0, 1.0], [0.5, 0.5, 0.0]], [[1.0, 0.0, 0.0]] * 2])
r = np.arange(6.0).reshape(3, 2) / 8
MU0 = np.array([0.25, 0.75, 0.0])
MDP = DiscountedMDP(P, r, 0.75, MU0)
EPISODIC = EpisodicMDP(np.stack([P, P[::-1, ::-1], P]), np.stack([r, 1 - r, r]), MU0)
PI = np.array([[0.5, 0.5], [0.25, 0.75], [1.0, 0.0]])


def z(sample, mean):
    return (np.mean(sample) - mean) / (np.std(sample) / np.sqrt(len(sample)))


@pytest.mark.statistical
def test_episodes_visit_pairs_as_the_occupancy_says():
    data = sample_trajectories(EPISODIC, PI, episodes=40_000, reward_noise="none", rng=1)
    d = occupancy(EPISODIC, PI)
    counts = data.counts(by_step=True)
    assert counts[d == 0].sum() == 0
    for h in range(3):
        seen = d[h] > 0
        assert stats.chisquare(counts[h][seen], d[h][seen] * 40_000).pvalue > 1e-6
    assert np.array_equal(data.r, EPISODIC.r[data.h, data.s, data.a])


@pytest.mark.statistical
def test_geometric_stopping_visits_pairs_as_the_discounted_occupancy_says():
    data = sample_trajectories(MDP, PI, episodes=50_000, rng=2)
    share = data.counts() / data.N
    np.testing.assert_allclose(share, occupancy(MDP, PI), atol=0.01)
    lengths = np.diff([*np.flatnonzero(data.h == 0), data.N])
    counts = np.bincount(np.minimum(lengths, 30), minlength=31)[1:]
    expected = stats.geom(0.25).pmf(np.arange(1, 30))
    assert stats.chisquare(counts, np.append(expected, 1 - expected.sum()) * 50_000).pvalue > 1e-6


@given(st.data())
def test_trajectories_are_connected_and_possible(data):
    mdp = data.draw(st.one_of(episodic_mdps(), discounted_mdps(sparse=None, max_gamma=0.75)))
    policy = data.draw(policies(mdp))
    log = sample_trajectories(mdp, policy, episodes=3, rng=0)
    starts = log.h == 0
    assert starts.sum() == 3
    assert (mdp.mu0[log.s[starts]] > 0).all()
    inside = ~starts[1:]
    assert np.array_equal(log.s[1:][inside], log.s_next[:-1][inside])
    assert np.array_equal(log.h[1:][inside], log.h[:-1][inside] + 1)
    shape = mdp.r.shape[:-1]
    canonical = mdp.policy(policy)
    pi = np.broadcast_to(canonical if canonical.dtype == float else np.eye(mdp.A)[canonical], (*shape, mdp.A))
    if isinstance(mdp, EpisodicMDP):
        assert log.N == 3 * mdp.H
        assert (pi[log.h, log.s, log.a] > 0).all()
        assert (mdp.P[log.h, log.s, log.a, log.s_next] > 0).all()
    else:
        assert (pi[log.s, log.a] > 0).all()
        assert (mdp.dense_P()[log.s, log.a, log.s_next] > 0).all()


def cell(row, u):
    return int(np.searchsorted(np.cumsum(row), u, side="right"))


def paid(mean, kind, rng):
    if kind == "bernoulli":
        return float(rng.random() < mean)
    return mean + 0.5 * rng.standard_normal() if kind == "gaussian" else mean


@pytest.mark.parametrize("mdp", [MDP, EPISODIC], ids=["stationary", "episodic"])
@pytest.mark.parametrize("kind", ["none", "bernoulli", "gaussian"])
def test_trajectories_and_returns_are_their_definitions_draw_by_draw(mdp, kind):
    """Step by step: an action, a reward, whether to go on, a successor."""
    episodic = isinstance(mdp, EpisodicMDP)
    how = {"reward_noise": kind, "std": 0.5 if kind == "gaussian" else None}
    pi = np.stack([PI, PI[:, ::-1], PI]) if episodic else PI[None]
    P, r = (mdp.P, mdp.r) if episodic else (mdp.dense_P()[None], mdp.r[None])
    length = {} if episodic else {"steps": 3}
    log = sample_trajectories(mdp, pi if episodic else PI, episodes=40, rng=9, **length, **how)
    rng, rows = np.random.default_rng(np.random.SeedSequence(9)), []
    for _ in range(40):
        s = cell(MU0, rng.random())
        for h in range(3):
            a = cell(pi[h % len(pi), s], rng.random())
            reward = paid(r[h % len(r), s, a], kind, rng)
            y = cell(P[h % len(P), s, a], rng.random())
            rows.append((h, s, a, reward, y))
            s = y
    assert np.array_equal(np.stack([log.h, log.s, log.a, log.r, log.s_next], axis=1), np.array(rows))

    discount, stops = (1.0, [False] * 2) if episodic else (0.75, [False, True])
    for stop in stops:
        length = {"steps": 3} if not (episodic or stop) else {}
        found = simulate_returns(mdp, pi if episodic else PI, episodes=30, rng=9, **length, **how)
        rng, totals = np.random.default_rng(np.random.SeedSequence(9)), []
        for _ in range(30):
            s, h, total = cell(MU0, rng.random()), 0, 0.0
            while stop or h < 3:
                a = cell(pi[h % len(pi), s], rng.random())
                total += (1.0 if stop else discount**h) * paid(r[h % len(r), s, a], kind, rng)
                if stop and rng.random() >= discount:
                    break
                s, h = cell(P[h % len(P), s, a], rng.random()), h + 1
            totals.append(total)
        np.testing.assert_allclose(found, totals, rtol=1e-12, atol=1e-12)


def test_steps_fix_the_length():
    for mdp in (MDP, AverageRewardMDP(P, r)):
        assert sample_trajectories(mdp, PI, steps=7, rng=0).h.tolist() == list(range(7))
        assert sample_trajectories(mdp, PI, steps=2, episodes=3, rng=0).h.tolist() == [0, 1] * 3
    assert sample_trajectories(EPISODIC, PI, episodes=0, rng=0).N == 0


def test_sparse_and_dense_models_play_the_same_game():
    sparse = DiscountedMDP(sp.csr_array(P.reshape(6, 3)), r, 0.75, MU0)
    one, other = (sample_trajectories(mdp, PI, steps=200, rng=1) for mdp in (MDP, sparse))
    assert one.fingerprint() == other.fingerprint()
    paid, same = (simulate_returns(mdp, PI, episodes=20, steps=30, rng=1) for mdp in (MDP, sparse))
    assert np.array_equal(paid, same)


@pytest.mark.statistical
@pytest.mark.parametrize("noise", ["none", "bernoulli", "gaussian"])
@pytest.mark.compiled
def test_mean_returns_are_values(noise):
    n = 40_000
    assert (
        abs(z(simulate_returns(EPISODIC, PI, episodes=n, reward_noise=noise, rng=3), evaluate(EPISODIC, PI).value))
        < 4.9
    )
    assert abs(z(simulate_returns(MDP, PI, episodes=n, reward_noise=noise, rng=4), evaluate(MDP, PI).value)) < 4.9
    cut = simulate_returns(MDP, PI, episodes=n, steps=100, reward_noise=noise, rng=5)
    assert abs(z(cut, evaluate(MDP, PI).value)) < 4.9


@settings(max_examples=20)
@given(episodic_mdps(), st.integers(1, 30))
def test_returns_sum_the_rewards_of_the_same_trajectories(mdp, episodes):
    policy = np.zeros(mdp.S, dtype=int)
    log = sample_trajectories(mdp, policy, episodes=episodes, reward_noise="none", rng=6)
    totals = log.r.reshape(episodes, mdp.H)
    returns = simulate_returns(mdp, policy, episodes=episodes, rng=6)
    np.testing.assert_allclose(returns, totals.sum(axis=1), rtol=1e-14)
    assert np.array_equal(returns[:1], simulate_returns(mdp, policy, episodes=1, rng=6))


def test_truncated_returns_are_discounted_step_by_step():
    chain = DiscountedMDP([[[0.0, 1.0]], [[0.0, 1.0]]], [[1.0], [0.5]], 0.5, [1.0, 0.0])
    assert simulate_returns(chain, [0, 0], episodes=2, steps=3, rng=0).tolist() == [1.0 + 0.25 + 0.125] * 2
    gain = AverageRewardMDP(chain.P, chain.r, chain.mu0)
    assert simulate_returns(gain, [0, 0], episodes=1, steps=3, rng=0).tolist() == [2.0]
    myopic = DiscountedMDP(chain.P, chain.r, 0.0, chain.mu0)
    assert simulate_returns(myopic, [0, 0], episodes=4, rng=0).tolist() == [1.0] * 4


@pytest.mark.parametrize(
    ("mdp", "arguments", "words"),
    [
        (MDP, {}, "give at least one"),
        (EPISODIC, {"steps": 3}, "whole episodes"),
        (EPISODIC, {"steps": 3, "episodes": 2}, "whole episodes"),
        (AverageRewardMDP(P, r), {"episodes": 2}, "never stops"),
        (MDP, {"steps": 0}, "steps is 0"),
        (MDP, {"episodes": -1}, "episodes is -1"),
        (DiscountedMDP(P, r, 1 - 2.0**-53), {"episodes": 1}, "at most"),
        (P, {"episodes": 1}, "mdp is a ndarray"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(mdp, arguments, words):
    with pytest.raises(ParameterError, match=words):
        sample_trajectories(mdp, PI, rng=0, **arguments)


def test_policies_of_another_model_are_refused():
    with pytest.raises(PolicyError):
        sample_trajectories(MDP, [0, 1], steps=3, rng=0)
    with pytest.raises(PolicyError, match=r"policy\[2\] is 2"):
        simulate_returns(MDP, [0, 1, 2], episodes=3, rng=0)
    with pytest.raises(ParameterError, match="never stops"):
        simulate_returns(AverageRewardMDP(P, r), PI, episodes=3, rng=0)
    with pytest.raises(ParameterError, match="always has H steps"):
        simulate_returns(EPISODIC, PI, episodes=3, steps=2, rng=0)


@pytest.mark.parametrize("mdp", [MDP, EPISODIC], ids=["stationary", "episodic"])
@pytest.mark.parametrize("code", [0, 1, 2])
@pytest.mark.compiled
def test_compiled_kernels_equal_the_plain_ones_bitwise(mdp, code):
    flat = tables(mdp)
    pi, std, lengths = PI[None].copy(), np.ones(1), np.array([3, 1, 5])
    for array in (pi, std):
        array.setflags(write=False)
    head = (flat.data, flat.indices, flat.indptr, flat.A, flat.r, std, code, mdp.mu0, pi)
    results = []
    for play, total in ((_trajectories, _returns), (_trajectories.py_func, _returns.py_func)):
        rng = np.random.default_rng(7)
        s, a, s_next, h = (np.empty(9, np.int64) for _ in range(4))
        reward, out = np.empty(9), np.empty(5)
        play(*head, lengths, rng, s, a, reward, s_next, h)
        total(*head, 6, 0.5, 0.75, rng, out)
        results.append([array.tobytes() for array in (s, a, reward, s_next, h, out)])
    assert results[0] == results[1]
    assert len(_trajectories.signatures) == 1
    assert len(_returns.signatures) == 1
