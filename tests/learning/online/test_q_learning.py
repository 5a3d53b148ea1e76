"""Q-learning with bonuses against plain Python, its weights, and what the theory promises of it."""

import math

import naive_online_values as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.instances import combination_lock, random_episodic
from tabular import EpisodicMDP
from tabular.errors import ParameterError
from tabular.learning.online import QLearning, q_learning_bernstein, q_learning_hoeffding, q_learning_weights
from tabular.learning.online._q_kernels import QRule, _q_update, q_tables
from tabular.learning.online.q_learning import _run
from tabular.planning import backward_induction
from tabular.testing import episodic_mdps

K, DELTA = 60, 0.1


def starts(H, clip):
    return [H if clip == "published" else H - h for h in range(H)]


def bonus_of(mdp, variant, scale):
    H, S, A = mdp.r.shape
    iota = math.log(S * A * H * K / DELTA)
    if variant == "hoeffding":
        return naive.hoeffding_bonus(H, iota, scale)
    return naive.bernstein_bonus(S, A, H, iota, scale * 0.5, scale * 1.5)


def learn(mdp, variant, **options):
    if variant == "hoeffding":
        return q_learning_hoeffding(mdp, episodes=K, delta=DELTA, **options)
    return q_learning_bernstein(mdp, episodes=K, delta=DELTA, c1=0.5, c2=1.5, **options)


@pytest.mark.parametrize("variant", ["hoeffding", "bernstein"])
@pytest.mark.parametrize(
    ("step_size", "clip", "noise", "scale"),
    [
        ("published", "published", "none", 1.0),
        ("published", "remaining", "bernoulli", 0.05),
        ("harmonic", "published", "none", 0.05),
        ("published", "published", "bernoulli", 0.0),
    ],
)
def test_it_is_the_weighted_sum_of_its_targets(variant, step_size, clip, noise, scale):
    mdp = random_episodic(3, 2, 3, rng=4)
    options = {"step_size": step_size, "clip": clip, "scale": scale, "reward_noise": noise}
    run = learn(mdp, variant, rng=11, **options)
    first = starts(mdp.H, clip)
    policies, tables = naive.q_learning(
        mdp, K, bonus_of(mdp, variant, scale), 11, first, first, step_size == "harmonic", noise == "bernoulli"
    )
    np.testing.assert_allclose(run.values, [naive.value(mdp, policy) for policy in policies], atol=1e-12)
    assert np.array_equal(run.policy, policies[-1])
    below = np.minimum.accumulate([(table - backward_induction(mdp).Q).min() for table in tables])
    np.testing.assert_allclose(run.margin, below, atol=1e-9)
    # most cases make the learner change its mind; the published bonus hardly does in so few episodes
    assert scale == 1.0 or len({policy.tobytes() for policy in policies}) > 5


def test_the_branches_of_beta_both_occur():
    """c1 at 1e-3 makes the first branch the smaller one; the tables then differ from those of a capped beta."""
    mdp = random_episodic(3, 2, 3, rng=4)
    iota = math.log(3 * 2 * 3 * K / DELTA)
    bonus = naive.bernstein_bonus(3, 2, 3, iota, 1e-3, 1.5)
    run = q_learning_bernstein(mdp, episodes=K, delta=DELTA, c1=1e-3, c2=1.5, rng=11)
    policies, _ = naive.q_learning(mdp, K, bonus, 11, starts(3, "published"), starts(3, "published"))
    np.testing.assert_allclose(run.values, [naive.value(mdp, policy) for policy in policies], atol=1e-12)
    capped = q_learning_bernstein(mdp, episodes=K, delta=DELTA, c1=1e9, c2=1.5, rng=11)
    assert not np.array_equal(run.values, capped.values)


def test_beta_contains_the_variance_of_the_values_used():
    """Only the branch with the variance: beta_t = sqrt((W_t + H) / t), and the bonuses make Q with its weights."""
    ahead = [3.0, 0.0, 1.0, 1.0, 2.0, 0.5]
    tables = q_tables(6, 1, 2, np.array([2.0, 2.0]), np.array([2.0, 2.0]))
    tables.V[1] = ahead
    betas, bonuses = [0.0], []
    for t in range(1, 7):
        _q_update(tables, QRule(False, True, 1e9, 1.0, 0.0), 0, 0, 0, 0.25, t - 1)
        betas.append(math.sqrt((np.var(ahead[:t]) + 2) / t))
        assert tables.beta[0, 0, 0] == pytest.approx(betas[-1], rel=1e-13)
        bonuses.append((betas[-1] - (t - 1) / (2 + t) * betas[-2]) / (2 * 3 / (2 + t)))
        owed = q_learning_weights(2, t) @ (0.25 + np.array(ahead[:t]) + bonuses)
        assert tables.Q[0, 0, 0] == pytest.approx(owed, rel=1e-13)
        assert tables.V[0, 0] == min(2.0, tables.Q[0, 0, 0])


@pytest.mark.parametrize("H", [1, 2, 7])
@pytest.mark.parametrize("t", [1, 2, 30])
def test_weights_are_those_of_the_recursion_and_sum_to_one(H, t):
    weights = q_learning_weights(H, t)
    q = np.zeros(t)  # q[i]: coefficient of the i-th target
    for i in range(1, t + 1):
        alpha = (H + 1) / (H + i)
        q *= 1 - alpha
        q[i - 1] += alpha
    np.testing.assert_allclose(weights, q, rtol=1e-13, atol=1e-300)
    assert weights.sum() == pytest.approx(1.0, abs=1e-14)
    assert (weights**2).sum() <= 2 * H / t + 1e-14
    roots = (weights / np.sqrt(np.arange(1, t + 1))).sum()
    assert 1 / math.sqrt(t) - 1e-14 <= roots <= 2 / math.sqrt(t)


def test_a_sample_counts_one_plus_one_over_h_in_all_but_not_with_harmonic_steps():
    H, i, last = 4, 3, 20_000
    steps = (H + 1) / (H + np.arange(1.0, last + 1))
    total = (steps[i - 1] * np.append(1.0, np.cumprod(1 - steps[i:]))).sum()
    assert total == pytest.approx(1 + 1 / H, rel=1e-6)
    np.testing.assert_allclose(q_learning_weights(H, 9, step_size="harmonic"), np.full(9, 1 / 9), rtol=1e-13)
    assert sum(q_learning_weights(H, t, step_size="harmonic")[i - 1] for t in range(i, 200)) > 2 * (1 + 1 / H)


@pytest.mark.parametrize("seed", range(4))
def test_the_published_bonus_is_optimistic_and_no_bonus_is_not(seed):
    mdp = random_episodic(4, 2, 4, rng=seed)
    assert q_learning_hoeffding(mdp, episodes=3000, rng=seed).margin[-1] >= 0.0
    assert q_learning_bernstein(mdp, episodes=3000, c2=2.0, rng=seed).margin[-1] >= 0.0
    assert q_learning_hoeffding(mdp, episodes=3000, bonus="none", rng=seed).margin[-1] < -0.05


@settings(max_examples=25)
@given(episodic_mdps(), st.sampled_from(["published", "remaining"]), st.sampled_from(["none", "bernoulli"]))
def test_it_starts_optimistic_and_its_record_is_consistent(mdp, clip, noise):
    run = q_learning_hoeffding(mdp, episodes=25, clip=clip, reward_noise=noise, rng=0)
    assert run.margin[0] >= -1e-12
    assert (np.diff(run.margin) <= 0).all()
    assert run.visits.sum(axis=(1, 2)).tolist() == [25] * mdp.H
    assert run.values[-1] == pytest.approx(naive.value(mdp, run.policy), abs=1e-12)
    assert run.values.max() <= run.optimal_value + 1e-12


def test_without_bonus_or_with_a_large_one_the_lock_opens_or_not():
    """Optimistic starting values alone are forgotten too fast with harmonic steps; a bonus at scale 0.05 opens it."""
    lock = combination_lock(6)
    assert q_learning_hoeffding(lock, episodes=3000, scale=0.05, rng=0).values[-500:].mean() > 0.5
    assert q_learning_hoeffding(lock, episodes=3000, scale=1.0, rng=0).values[-500:].mean() < 0.5


def test_a_published_bonus_holds_on_to_the_first_action_because_q_is_not_clipped():
    """One state, one step: r + b exceeds H, the value of an untried action, for about 4 iota visits and more."""
    mdp = EpisodicMDP([[[1.0], [1.0]]], [[0.5, 1.0]], H=1)
    iota = math.log(2 * 2000 / DELTA)
    run = q_learning_hoeffding(mdp, episodes=2000, delta=DELTA, rng=0)
    assert int(np.argmax(run.values == 1.0)) >= 4 * iota


def test_none_is_scale_zero():
    mdp = random_episodic(3, 2, 3, rng=1)
    none = q_learning_bernstein(mdp, episodes=50, bonus="none", rng=3)
    zero = q_learning_bernstein(mdp, episodes=50, scale=0.0, rng=3)
    assert np.array_equal(none.values, zero.values)
    assert (none.bonus, none.scale, zero.bonus, zero.scale) == ("none", 1.0, "published", 0.0)


def test_the_smallest_problem():
    mdp = EpisodicMDP([[[1.0]]], [[0.5]], H=1)
    run = q_learning_bernstein(mdp, episodes=3, rng=0)
    assert run.values.tolist() == [0.5] * 3
    assert run.policy.tolist() == [[0]]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"episodes": 0}, "episodes is 0"),
        ({"delta": 1.0}, "delta is 1.0"),
        ({"bonus": "huge"}, "bonus is 'huge'"),
        ({"scale": -1}, r"scale is -1\.0"),
        ({"step_size": "constant"}, "step_size is 'constant'"),
        ({"clip": "none"}, "clip is 'none'"),
        ({"reward_noise": "gaussian"}, "reward_noise is 'gaussian'"),
        ({"rng": None}, "rng is None"),
        ({"c1": -0.5}, r"c1 is -0\.5"),
        ({"c2": math.nan}, "c2 is nan"),
    ],
)
def test_parameters_out_of_range_are_refused(change, match):
    good = {"episodes": 3, "rng": 0}
    with pytest.raises(ParameterError, match=match):
        q_learning_bernstein(random_episodic(2, 2, 2, rng=0), **(good | change))
    if not change.keys() & {"reward_noise", "rng"}:
        with pytest.raises(ParameterError, match=match):
            QLearning(2, 2, 2, variant="bernstein", **({"episodes": 3} | change))


def test_models_that_do_not_fit_are_refused():
    with pytest.raises(ParameterError, match="mdp is a dict"):
        q_learning_hoeffding({}, episodes=3, rng=0)
    with pytest.raises(ParameterError, match=r"r\[0, 0, 1\] is 1\.5"):
        q_learning_hoeffding(EpisodicMDP([[[1.0], [1.0]]], [[0.0, 1.5]], H=2), episodes=3, rng=0)
    with pytest.raises(ParameterError, match="variant is 'ucb'"):
        QLearning(1, 1, 1, episodes=3, variant="ucb")
    with pytest.raises(ParameterError, match="t is 0"):
        q_learning_weights(1, 0)


@pytest.mark.compiled
def test_the_run_kernel_has_one_specialisation():
    for noise in ("none", "bernoulli"):
        q_learning_hoeffding(random_episodic(2, 2, 2, rng=0), episodes=2, reward_noise=noise, rng=0)
        q_learning_bernstein(combination_lock(2), episodes=2, reward_noise=noise, rng=0)
    assert len(_run.signatures) <= 1
