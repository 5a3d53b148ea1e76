"""Effective horizons against enumeration of greedy policies, closed forms, and what scaling must not change."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounds import complexity
from experiments import instances
from experiments.papers._complexity_models import episodic_model
from tabular import planning
from tabular.errors import ModelError, ParameterError
from tabular.models import DiscountedMDP, EpisodicMDP

SEEDS = st.integers(0, 2**16).map(np.random.default_rng)
SIZES = [(2, 2, 2), (3, 2, 2), (2, 2, 3), (1, 3, 3)]


def depth_by_enumeration(mdp, exploration):
    """Least k for which every greedy policy, each evaluated on its own, is optimal."""
    H, S, A = mdp.r.shape
    best = planning.backward_induction(mdp).value
    q = planning.evaluate(mdp, exploration).Q
    for k in range(1, H + 1):
        ties = [np.flatnonzero(row >= row.max() - 1e-12) for row in q.reshape(-1, A)]
        values = [planning.evaluate(mdp, np.reshape(one, (H, S))).value for one in itertools.product(*ties)]
        if min(values) >= best - 1e-9:
            return k
        q = np.array([mdp.r[h] + (mdp.P[h] @ q[h + 1].max(axis=1) if h + 1 < H else 0.0) for h in range(H)])
    return None


@settings(max_examples=30)
@given(SEEDS, st.booleans())
def test_depth_equals_enumeration(rng, uniform):
    S, A, H = SIZES[int(rng.integers(len(SIZES)))]
    mdp = episodic_model(S, A, H, rng)
    pi = np.full((H, S, A), 1.0 / A) if uniform else rng.integers(0, A, size=(H, S))
    truth = depth_by_enumeration(mdp, pi)
    exact = complexity.qvi_depth(mdp, exploration=pi, max_denominator=64)
    assert exact.exact
    assert exact.value == truth
    found = complexity.qvi_depth(mdp, exploration=pi)
    assert found.lower <= truth <= found.upper


@settings(max_examples=20)
@given(SEEDS)
def test_iterates_rise_to_the_optimum_and_depth_ignores_scale_and_constants(rng):
    S, A, H = SIZES[int(rng.integers(len(SIZES)))]
    mdp = episodic_model(S, A, H, rng)
    found = complexity.qvi_analysis(mdp, max_denominator=64)
    assert all(np.all(found.Q[k] <= found.Q[k + 1]) for k in range(H - 1))
    np.testing.assert_allclose(found.Q[-1].astype(float), planning.backward_induction(mdp).Q, atol=1e-12)
    assert float(found.value) == pytest.approx(planning.backward_induction(mdp).value)
    assert np.all(found.least <= found.most)
    assert np.all(found.most <= found.value)
    scaled = EpisodicMDP(mdp.P, 4.0 * mdp.r + np.arange(H)[:, None, None], mdp.mu0)
    depth = complexity.qvi_depth(mdp, max_denominator=64).value
    assert complexity.qvi_depth(scaled, max_denominator=64).value == depth <= H
    relabelled = EpisodicMDP(mdp.P[:, ::-1, ::-1, ::-1], mdp.r[:, ::-1, ::-1], mdp.mu0[::-1])
    assert complexity.qvi_depth(relabelled, max_denominator=64).value == depth


def delayed(length, lure):
    """The right action pays 1 after a corridor of ``length`` right steps; leaving it at the start pays the lure."""
    S = length + 2
    P, r = np.zeros((S, 2, S)), np.zeros((S, 2))
    for s in range(length + 1):
        P[s, 0, S - 1] = 1.0
        P[s, 1, min(s + 1, S - 1)] = 1.0
    P[S - 1, :, S - 1] = 1.0
    r[0, 0], r[length, 1] = lure, 1.0
    return EpisodicMDP(P, r, np.eye(S)[0], H=length + 1)


@pytest.mark.parametrize(("lure", "depth"), [(0.2, 2), (0.1, 1), (0.3, 3), (0.6, 4), (0.125, 2), (0.25, 3), (0.5, 4)])
def test_depth_counts_the_steps_that_random_play_must_be_helped(lure, depth):
    # random play from s_1 earns 2^-3 of the prize; each backup doubles it; at a tie the lure is greedy too
    mdp = delayed(3, lure)
    assert complexity.qvi_depth(mdp, max_denominator=100).value == depth
    margin = 2.0 ** -(3 - depth + 1) - lure
    gap = complexity.qvi_analysis(mdp).gap[depth - 1]
    assert gap == pytest.approx(margin)


def test_float_ties_are_left_open():
    # at the lure 1/8 the first iterate has a tie: in floats it is open whether depth 1 suffices
    found = complexity.qvi_depth(delayed(3, 0.125))
    assert found.lower <= 2 <= found.upper


def test_stochastic_horizon_by_hand():
    # one step, gap 1 of returns in [0, 1]: 1 + log_A 1
    one = EpisodicMDP(np.ones((1, 4, 1)), [[0.0, 0.0, 0.0, 5.0]], [1.0], H=1)
    assert complexity.effective_horizon(one).value == pytest.approx(1.0)
    two = EpisodicMDP(np.ones((1, 4, 1)), [[0.0, 0.0, 2.5, 5.0]], [1.0], H=1)
    assert complexity.effective_horizon(two).value == pytest.approx(1.0 + math.log(4.0) / math.log(4.0))
    # the lock: Q^k of the right sequence is 2^(k-H), nothing else pays
    for H in (2, 4, 6):
        lock = complexity.effective_horizon(instances.combination_lock(H))
        assert lock.lower <= min(k + 2.0 * (H - k) for k in range(1, H + 1)) + 1e-9
        assert lock.upper >= H - 1e-9
        assert lock.witness == H
    dense = [EpisodicMDP(np.ones((1, 2, 1)), [[0.0, 1.0 / H]], [1.0], H=H) for H in (4, 8)]
    assert complexity.effective_horizon(dense[0]).value == pytest.approx(1.0 + 2.0 * math.log2(4))
    assert complexity.effective_horizon(EpisodicMDP([[[1.0]]], [[1.0]], [1.0], H=3)).value == 1.0
    assert complexity.effective_horizon(EpisodicMDP(np.ones((1, 2, 1)), [[1.0, 1.0]], [1.0], H=3)).value == 1.0


def test_gorp_sample_size_by_hand_and_it_suffices():
    mdp = delayed(3, 0.2)
    found = complexity.gorp_horizon(mdp)
    k, m = found.witness
    q = float(complexity.qvi_analysis(mdp).Q[k - 1, 0, 0].max())
    gap = complexity.qvi_analysis(mdp).gap[k - 1]
    assert m >= math.floor(28 / 3 * q / gap**2 * math.log(2 * 4 * 2**k))
    assert found.upper == pytest.approx(k + math.log2(m))
    rng = np.random.default_rng(0)
    wins = 0
    for _ in range(
        200
    ):  # success of the first choice: prize means 2^-(4-k) for the one good sequence, the lure for the rest
        mean = rng.binomial(m, 2.0 ** -(4 - k)) / m
        wins += mean > 0.2
    assert wins > 190


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: complexity.qvi_depth(DiscountedMDP([[[1.0]]], [[0.0]], 0.5, [1.0])), ParameterError, "EpisodicMDP"),
        (lambda: complexity.qvi_depth(delayed(2, 0.1), exploration=np.full((3, 4, 2), 0.4)), ValueError, "sums to"),
        (
            lambda: complexity.gorp_horizon(instances.random_episodic(3, 2, 2, rng=0)),
            ParameterError,
            "random transitions",
        ),
        (lambda: complexity.gorp_horizon(delayed(2, -0.1)), ParameterError, "rewards must be >= 0"),
        (
            lambda: complexity.qvi_depth(
                EpisodicMDP(np.tile([0.3, 0.3, 0.4], (3, 1, 1)), np.zeros((3, 1)), [1.0, 0.0, 0.0], H=1),
                max_denominator=2,
            ),
            ModelError,
            "max_denominator",
        ),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_analysis_holds_fractions_where_asked_for():
    found = complexity.qvi_analysis(delayed(2, 0.1), max_denominator=10)
    assert isinstance(found.value, Fraction)
    assert found.value == 1
    assert all(isinstance(x, Fraction) for x in found.gap)
