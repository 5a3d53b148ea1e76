"""The linear-Q learners against a plain reference, their contracts, invariants and refusals."""

import math

import naive_adversarial as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.instances.adversarial import ADVERSARIES, adversarial_instance
from tabular import AdversarialMDP, ParameterError, PolicyError
from tabular.learning import adversarial
from tabular.learning.adversarial._linear_kernels import (
    Arena,
    _covariance,
    _dilate_sampled,
    _estimate,
    _inverse,
    _multinomial,
    _negative_part,
    _visit_frequencies,
    _widths,
)
from tabular.testing import adversarial_mdps

LEARNERS = {
    "log-barrier": lambda m, **k: adversarial.log_barrier(m, eta=0.05, beta=0.1, gamma=0.2, **k),
    "magnitude-reduced": lambda m, **k: adversarial.magnitude_reduced(m, eta=0.05, beta=0.1, gamma=0.2, **k),
    "dilated-hedge": adversarial.dilated_hedge,
    "o-reps": adversarial.o_reps,
    "uob-reps": adversarial.uob_reps,
    "covered": lambda m, **k: adversarial.covered_log_barrier(m, cover=1, length=2, **k),
}
SIMULATED = ("log-barrier", "magnitude-reduced", "dilated-hedge")


def instance(family, seed=0, K=40, H=2, S=3, A=2, d=None):
    rng = np.random.default_rng(seed)
    d = S * A if family == "tabular" else (d or 2)
    H, S = (1, S if family == "contextual" else 1) if family in ("bandit", "contextual") else (H, S)
    return adversarial_instance(family, "stochastic", K=K, H=H, S=S, A=A, d=d, gap=0.4, rng=rng)


@pytest.mark.parametrize("reduced", [False, True])
@pytest.mark.parametrize(("family", "H"), [("bandit", 1), ("contextual", 1), ("tabular", 3), ("linear", 2)])
def test_learner_agrees_with_the_plain_one(family, H, reduced):
    mdp, phi = instance(family, seed=3, K=12, H=H, S=2)
    learn = adversarial.magnitude_reduced if reduced else adversarial.log_barrier
    run = learn(mdp, features=phi, eta=0.3, beta=0.2, gamma=0.1, rng=7)
    plain = naive.play(mdp, phi, 0.3, 0.2, 0.1, np.random.default_rng(np.random.SeedSequence(7)), reduced=reduced)
    assert np.allclose(run.losses, plain, rtol=0.0, atol=1e-9)
    assert np.ptp(run.losses - mdp.losses.mean()) > 1e-3


@pytest.mark.parametrize("name", ["log-barrier", "dilated-hedge", "magnitude-reduced", "uncentred", "unexplored"])
def test_simulated_mode_agrees_with_the_plain_one(name):
    """Draw by draw: features and transitions of each step their own, few simulated episodes, every option."""
    mdp, _ = instance("tabular", seed=3, K=10, H=3, S=2)
    phi = np.random.default_rng(8).uniform(-0.5, 0.5, (3, 2, 2, 3))
    if name == "dilated-hedge":  # one table of transitions and one of features for all steps
        mdp, phi = AdversarialMDP(mdp.P[0], mdp.losses, mdp.mu0), phi[0]
    how = {"eta": 0.2, "beta": 0.0 if name == "unexplored" else 0.15, "gamma": 0.3, "trajectories": 5}
    learn = {"log-barrier": adversarial.log_barrier, "dilated-hedge": adversarial.dilated_hedge}
    options = {"correction": "none"} if name == "uncentred" else {}
    run = learn.get(name, adversarial.magnitude_reduced)(mdp, features=phi, rng=7, **how, **options)
    plain = naive.play(
        mdp, phi, rng=np.random.default_rng(np.random.SeedSequence(7)), reduced=name not in learn,
        hedged=name != "log-barrier", centred=name != "uncentred", **how,
    )  # fmt: skip
    assert np.allclose(run.losses, plain, rtol=0.0, atol=1e-9)


@pytest.mark.parametrize("planner", ["exact", "least-squares"])
@pytest.mark.parametrize(("seed", "length", "explore"), [(0, 4, 0.5), (1, 5, 0.2), (2, 2, 1.0)])
def test_covered_learner_agrees_with_the_plain_one(planner, seed, length, explore):
    """Blocks of even and odd length, the last one cut short; some states are known and some are not.

    In the second case all steps share one table of transitions and one of features.
    """
    mdp, _ = instance("tabular", seed=seed, K=17, H=3, S=2)
    phi = np.random.default_rng(seed).uniform(-0.6, 0.6, (3, 2, 2, 2))
    if seed == 1:
        mdp, phi = AdversarialMDP(mdp.P[0], mdp.losses, mdp.mu0), phi[0]
    how = {"eta": 0.7, "beta": 0.1, "gamma": 0.2, "explore": explore, "length": length, "threshold": 0.15}
    run = adversarial.covered_log_barrier(mdp, features=phi, cover=4, planner=planner, rng=5, **how)
    losses, policy, known = naive.covered(
        mdp, phi, np.random.default_rng(np.random.SeedSequence(5)), count=4, exact=planner == "exact", **how
    )
    assert np.allclose(run.losses, losses, rtol=0.0, atol=1e-9)
    assert np.allclose(run.policy, policy, rtol=0.0, atol=1e-9)
    assert 0.0 < known < 1.0
    assert dict(run.parameters)["known"] == known


@pytest.mark.parametrize("planner", ["exact", "least-squares"])
@pytest.mark.parametrize("seed", range(3))
def test_cover_agrees_with_the_plain_one(planner, seed):
    mdp, _ = instance("tabular", seed=seed, K=1, H=3, S=3)
    phi = np.random.default_rng(seed).uniform(-0.5, 0.5, (3, 3, 2, 3))
    policies, inverse = adversarial.policy_cover(mdp, policies=12, features=phi, planner=planner, rng=seed)
    plain, square = naive.cover(
        mdp, phi, 12, np.random.default_rng(np.random.SeedSequence(seed)), exact=planner == "exact"
    )
    assert np.array_equal(policies, plain)
    assert np.allclose(inverse, square, rtol=0.0, atol=1e-12)
    assert len(np.unique(policies, axis=0)) > 2


@pytest.mark.parametrize("name", list(LEARNERS))
def test_regret_is_against_the_best_fixed_policy(name):
    mdp, _ = instance("tabular", seed=5, K=15, S=2)
    run = LEARNERS[name](mdp, rng=2)
    assert math.isclose(run.regret[-1], naive.regret(mdp, run.losses), abs_tol=1e-9)
    assert run.losses.shape == run.comparator_losses.shape == (15,)
    assert np.allclose(run.policy.sum(axis=-1), 1.0)


@pytest.mark.parametrize("name", list(LEARNERS))
def test_same_seed_same_run_and_inputs_are_read_only(name):
    mdp, _ = instance("tabular", seed=5, K=12, S=2)
    one, two, other = (LEARNERS[name](mdp, rng=seed) for seed in (2, 2, 3))
    assert np.array_equal(one.losses, two.losses)
    assert not np.array_equal(one.losses, other.losses)


@pytest.mark.parametrize("name", list(LEARNERS))
@settings(max_examples=12)
@given(mdp=adversarial_mdps(max_states=2, max_actions=2, max_horizon=2, max_episodes=4))
def test_any_model_is_played(name, mdp):
    if name == "covered" and mdp.K < 2:
        return
    if name == "dilated-hedge" and (mdp.K < 2 or mdp.A < 2):
        return
    run = LEARNERS[name](mdp, rng=0)
    assert np.all(np.isfinite(run.losses))
    assert np.all((run.losses >= -1e-12) & (run.losses <= mdp.H + 1e-12))
    assert run.regret[-1] >= -mdp.H * mdp.K - 1e-9
    assert np.all((run.policy >= 0.0) & (np.abs(run.policy.sum(axis=-1, keepdims=True) - 1.0) < 1e-9))


@pytest.mark.parametrize("name", SIMULATED)
def test_many_simulated_episodes_come_near_exact_mode(name):
    mdp = AdversarialMDP(np.ones((1, 3, 1)), np.random.default_rng(6).random((30, 1, 1, 3)))
    exact, sampled, few = (LEARNERS[name](mdp, trajectories=count, rng=4).losses for count in (None, 10**12, 2))
    # the first episode uses no estimate; the draws of the simulator shift those of later episodes
    assert exact[0] == sampled[0] == few[0]
    assert exact[1] == pytest.approx(sampled[1], abs=1e-6)
    assert abs(few[1] - exact[1]) > 1e-5


def test_adding_the_same_loss_everywhere_leaves_regret_where_it_was_in_law():
    mdp, _ = instance("bandit", seed=1, K=300)
    shifted = AdversarialMDP(mdp.P, 0.5 * mdp.losses + 0.5, mdp.mu0)
    halved = AdversarialMDP(mdp.P, 0.5 * mdp.losses, mdp.mu0)
    runs = [np.mean([adversarial.o_reps(m, rng=seed).regret[-1] for seed in range(40)]) for m in (shifted, halved)]
    assert abs(runs[0] - runs[1]) < 0.5 * max(runs)


@pytest.mark.parametrize("adversary", ADVERSARIES)
@pytest.mark.parametrize("family", ["bandit", "contextual", "tabular", "linear"])
def test_instances_are_linear_with_coefficients_in_range(family, adversary):
    rng = np.random.default_rng(8)
    H, S, A = (1, 4 if family == "contextual" else 1, 4) if family in ("bandit", "contextual") else (3, 4, 2)
    d = S * A if family == "tabular" else 3
    mdp, phi = adversarial_instance(family, adversary, K=6, H=H, S=S, A=A, d=d, rng=rng)
    features = phi.reshape(-1, d)
    assert np.linalg.norm(features, axis=1).max() <= 1.0 + 1e-12
    ahead = np.zeros(S)
    pi = rng.dirichlet(np.ones(A), size=(H, S))
    for h in reversed(range(H)):
        Q = mdp.losses[0, h] + mdp.P[h] @ ahead
        theta, *_ = np.linalg.lstsq(features, Q.ravel(), rcond=None)
        assert np.allclose(features @ theta, Q.ravel(), atol=1e-9)
        assert np.linalg.norm(theta) <= math.sqrt(d) * (H - h) + 1e-9
        ahead = (pi[h] * Q).sum(axis=1)


@settings(max_examples=25)
@given(adversarial_mdps(max_states=2, max_actions=2, max_horizon=3), st.integers(0, 2**31))
def test_dilated_bonus_is_a_sum_over_trajectories(mdp, seed):
    rng = np.random.default_rng(seed)
    shape = (mdp.H, mdp.S, mdp.A)
    pi, b = rng.dirichlet(np.ones(mdp.A), size=shape[:2]), rng.standard_gamma(0.5, size=shape)
    B = adversarial.dilated_bonus(mdp, pi, b)
    assert np.allclose(B, naive.dilated(mdp, pi, b), atol=1e-12)
    assert np.all(b <= B)
    assert B.max() <= ((1 + 1 / mdp.H) ** mdp.H - 1) * mdp.H * b.max() + 1e-12
    assert np.all(adversarial.dilated_bonus(mdp, pi, b + 0.1) >= B)


def test_sampled_bonus_is_unbiased():
    mdp, _ = instance("tabular", seed=2, K=1, H=3)
    rng = np.random.default_rng(0)
    shape = (mdp.H, mdp.S, mdp.A)
    pi, b = rng.dirichlet(np.ones(mdp.A), size=shape[:2]), rng.random(shape)
    total, square, B, runs = np.zeros(shape), np.zeros(shape), np.empty(shape), 4000
    for _ in range(runs):
        _dilate_sampled(mdp.transitions(), pi, b, 1.0 + 1.0 / mdp.H, rng, B)
        total += B
        square += B**2
    mean = total / runs
    error = np.sqrt(np.maximum(square / runs - mean**2, 0.0) / runs)
    assert np.all(np.abs(mean - adversarial.dilated_bonus(mdp, pi, b)) <= 5.0 * error + 1e-12)


def test_multinomial_counts_have_their_mean_and_sum():
    rng, out = np.random.default_rng(0), np.empty(4, dtype=np.int64)
    p, runs = np.array([0.0, 0.7, 0.3, 0.0]), 3000
    total = np.zeros(4)
    for _ in range(runs):
        _multinomial(10, p, rng, out)
        assert out.sum() == 10
        assert out[0] == out[3] == 0
        total += out
    assert np.allclose(total / runs / 10, p, atol=0.01)


def test_simulated_frequencies_tend_to_occupancies():
    mdp, phi = instance("tabular", seed=4, K=1, H=3)
    rng = np.random.default_rng(1)
    pi = rng.dirichlet(np.ones(mdp.A), size=(mdp.H, mdp.S))
    arena = Arena(mdp.transitions(), mdp.mu0, mdp.losses, phi[None], np.full((mdp.S, mdp.A), 0.5))
    out = np.empty(pi.shape)
    _visit_frequencies(arena, pi, 10**10, rng, out)
    assert np.allclose(out, naive.occupancies(mdp, pi), atol=1e-4)
    _visit_frequencies(arena, pi, 7, rng, out)
    assert np.allclose(out.sum(axis=(1, 2)), 1.0)


@given(st.integers(0, 2**31), st.integers(1, 6), st.integers(1, 8), st.floats(-5.0, 0.0))
def test_regularised_inverse_and_its_widths(seed, d, n, exponent):
    rng, gamma = np.random.default_rng(seed), 10.0**exponent
    phi = rng.standard_normal((1, n, d))
    phi *= (rng.random(n) / np.linalg.norm(phi[0], axis=1))[None, :, None]
    law = rng.dirichlet(np.ones(n))[None]
    matrix, factor, inverse = np.empty((d, d)), np.empty((d, d)), np.empty((d, d))
    image, width = np.empty((1, n, d)), np.empty((1, n))
    _covariance(law, phi, gamma, matrix)
    assert _inverse(matrix, factor, inverse)
    _widths(phi, inverse, image, width)
    assert np.allclose(inverse @ matrix, np.eye(d), atol=1e-8)
    assert np.array_equal(inverse, inverse.T)
    assert np.all((width >= 0.0) & (width <= (1.0 + 1e-9) / gamma))
    sigma = matrix - gamma * np.eye(d)
    assert np.trace(inverse @ sigma) <= d + 1e-8
    assert math.isclose((law * width).sum(), np.trace(inverse @ sigma), rel_tol=1e-6, abs_tol=1e-9)
    mean = _negative_part(law, phi, image[0, 0])
    assert -math.sqrt(width[0, 0]) - 1e-9 <= mean <= 0.0
    for loss in (0.0, 1.7, 3.0):
        for z in (phi[0] @ image[0, 0]).tolist():
            assert _estimate(z, loss, 3, True, 3.0 * mean) - 3.0 * mean >= 0.0
            assert _estimate(z, loss, 3, False, 9.0) == z * loss


def test_singular_matrices_are_seen():
    matrix = np.array([[1.0, 1.0], [1.0, 1.0]])
    assert not _inverse(matrix, np.empty((2, 2)), np.empty((2, 2)))


def test_tunings_balance_the_bounds():
    tuning = adversarial.published_tuning("log-barrier", episodes=4096, H=2, A=3, d=4)
    assert math.isclose(tuning.eta**2, 3 * math.log(4096) / (4 * 4096 * (13.76 * 16 + 43.5 * 4)))
    assert math.isclose(tuning.beta, 32 * tuning.eta)
    assert math.isclose(tuning.gamma, 6.88 * 4 * tuning.beta * tuning.eta)
    reduced = adversarial.published_tuning("magnitude-reduced", episodes=4096, H=2, A=3, d=4)
    assert math.isclose(reduced.eta**2, math.log(3) / (4 * 4096 * (13.76 * 16 + 87 * 4)))
    assert math.isclose(reduced.gamma, 110.08 * reduced.eta**2 * 16)
    prior = adversarial.published_tuning("dilated-hedge", episodes=1000, H=7, A=3, d=4)
    assert prior.eta <= prior.gamma / 14 + 1e-15
    with pytest.raises(ParameterError, match=r"episodes is 3; .*gamma <= 1"):
        adversarial.published_tuning("log-barrier", episodes=3, H=1, A=40, d=1)


def test_the_published_tuning_is_the_default():
    mdp, phi = instance("bandit", K=200)
    tuning = adversarial.published_tuning("log-barrier", episodes=200, H=1, A=2, d=2)
    default = adversarial.log_barrier(mdp, features=phi, rng=0)
    given_ = adversarial.log_barrier(mdp, features=phi, **tuning._asdict(), rng=0)
    assert np.array_equal(default.losses, given_.losses)
    assert dict(default.parameters)["eta"] == tuning.eta


def test_options_change_what_they_say():
    mdp, phi = instance("bandit", seed=2, K=400, A=3)
    base = adversarial.magnitude_reduced(mdp, features=phi, rng=0)
    assert not np.array_equal(base.losses, adversarial.magnitude_reduced(mdp, features=phi, bonus="none", rng=0).losses)
    assert dict(adversarial.log_barrier(mdp, features=phi, bonus="none", rng=0).parameters)["beta"] == 0.0
    assert not np.array_equal(
        base.losses, adversarial.magnitude_reduced(mdp, features=phi, correction="none", rng=0).losses
    )


def test_learners_learn():
    losses = np.ones((3000, 1, 1, 3))
    losses[..., 1] = 0.0
    mdp = AdversarialMDP(np.ones((1, 3, 1)), losses)
    for run in (
        adversarial.log_barrier(mdp, rng=0),
        adversarial.magnitude_reduced(mdp, rng=0),
        adversarial.dilated_hedge(mdp, rng=0),
        adversarial.linear_exp3(mdp, rng=0),
        adversarial.o_reps(mdp, rng=0),
        adversarial.covered_log_barrier(mdp, rng=0),
    ):
        assert run.regret[-1] < 0.6 * 2000, run.algorithm
        assert run.losses[-100:].mean() < 0.25, run.algorithm


def test_linear_exp3_mixes_its_design():
    mdp, _ = instance("bandit", K=50)
    arms = np.array([[[1.0, 0.0], [0.0, 1.0]]])
    run = adversarial.linear_exp3(mdp, features=arms, eta=0.25, rng=0)
    assert dict(run.parameters)["mixing"] == 0.5
    assert run.policy.min() >= 0.25 * (1.0 - 1e-2)


def test_cover_reaches_what_greedy_play_does_not():
    P = np.zeros((2, 3, 2, 3))
    P[0, 0, 0, 1] = P[0, 0, 1, 2] = 1.0
    P[:, 1:, :, 0] = 1.0
    P[1, 0, :, 0] = 1.0
    mdp = AdversarialMDP(P, np.zeros((1, 2, 3, 2)), [1.0, 0.0, 0.0])
    for planner in ("exact", "least-squares"):
        cover, inverse = adversarial.policy_cover(mdp, policies=40, planner=planner, rng=0)
        visits = np.mean([naive.occupancies(mdp, pi) for pi in cover], axis=0)
        assert visits[1, 1].min() > 0.05, planner
        assert visits[1, 2].min() > 0.05, planner
        seen = np.diag(inverse[1]).reshape(3, 2)
        assert np.all(seen[1:] < 0.4)
        assert np.all(seen[0] == 1.0)


BAD = {
    "eta is 0.0": lambda m: adversarial.log_barrier(m, eta=0.0, beta=0.1, gamma=0.1, rng=0),
    "eta is nan": lambda m: adversarial.o_reps(m, eta=math.nan, rng=0),
    "gamma is 1.5": lambda m: adversarial.log_barrier(m, eta=0.1, beta=0.1, gamma=1.5, rng=0),
    "gamma is 0.0": lambda m: adversarial.magnitude_reduced(m, eta=0.1, beta=0.1, gamma=0.0, rng=0),
    "beta is -1.0": lambda m: adversarial.log_barrier(m, eta=0.1, beta=-1.0, gamma=0.1, rng=0),
    "bonus is 'big'": lambda m: adversarial.log_barrier(m, bonus="big", rng=0),
    "correction is 'x'": lambda m: adversarial.magnitude_reduced(m, correction="x", rng=0),
    "trajectories is 0": lambda m: adversarial.log_barrier(m, eta=0.1, beta=0.1, gamma=0.1, trajectories=0, rng=0),
    r"features\[1, 0\] has norm 2": lambda m: adversarial.log_barrier(
        m, features=np.eye(6).reshape(3, 2, 6) * [[[1]], [[2]], [[1]]], rng=0
    ),
    r"features has shape": lambda m: adversarial.log_barrier(m, features=np.ones((1, 2, 2)), rng=0),
    "linear_exp3 plays bandits": lambda m: adversarial.linear_exp3(m, rng=0),
    "cover is 9": lambda m: adversarial.covered_log_barrier(m, cover=9, rng=0),
    "explore is 2": lambda m: adversarial.covered_log_barrier(m, explore=2.0, rng=0),
    "planner is 'x'": lambda m: adversarial.policy_cover(m, policies=1, planner="x", rng=0),
    "rng is None": lambda m: adversarial.o_reps(m, rng=None),
    "delta is 1": lambda m: adversarial.uob_reps(m, delta=1.0, rng=0),
    "bonus has shape": lambda m: adversarial.dilated_bonus(m, np.zeros((2, 3), dtype=int), np.zeros((1, 3, 2))),
}  # fmt: skip


@pytest.mark.parametrize("words", list(BAD))
def test_bad_parameters_are_named(words):
    mdp, _ = instance("tabular", K=9)
    with pytest.raises(ParameterError, match=words):
        BAD[words](mdp)


def test_bad_policies_are_policy_errors():
    mdp, _ = instance("tabular", K=9)
    with pytest.raises(PolicyError):
        adversarial.dilated_bonus(mdp, np.full((2, 3), 7), np.zeros((2, 3, 2)))


def test_arms_that_do_not_span_are_refused_by_linear_exp3():
    mdp, _ = instance("bandit", K=9)
    with pytest.raises(ParameterError, match="actions span"):
        adversarial.linear_exp3(mdp, features=np.array([[[0.5, 0.5], [0.3, 0.3]]]), rng=0)


@pytest.mark.compiled
def test_one_specialisation_serves_every_learner_and_model():
    from tabular.learning.adversarial._linear_kernels import _play

    before = len(_play.signatures)
    shared = AdversarialMDP(np.ones((1, 2, 1)), np.ones((5, 1, 1, 2)))
    own = AdversarialMDP(np.ones((1, 1, 2, 1)), np.ones((5, 1, 1, 2)))
    for mdp in (shared, own):
        adversarial.log_barrier(mdp, eta=0.1, beta=0.1, gamma=0.1, rng=0)
        adversarial.magnitude_reduced(mdp, features=np.eye(2)[None], eta=0.1, beta=0.1, gamma=0.1, rng=0)
        adversarial.linear_exp3(mdp, rng=0)
        adversarial.linear_exp3(mdp, features=np.eye(2)[None], rng=0)
    assert max(before, 1) == len(_play.signatures) == 1
