"""StepMix and EpsMix against plain Python, and the nine invariants of conservative exploration."""

import functools

import naive_stepmix as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.instances import random_episodic
from tabular import EpisodicMDP, ParameterError, PolicyError
from tabular.learning.offline import offline_baseline
from tabular.learning.online import StepMix, budget_exploration, epsmix, kl_ucbvi, stepmix
from tabular.learning.online._counts import _record, counts_of, empty_counts
from tabular.learning.online._evaluators import BERNSTEIN, KL, L1, _bound_policy, radii_of
from tabular.learning.online._stepmix_kernels import (
    Task,
    _assemble,
    _certificate,
    _episode_choice,
    _plan,
    _step_choice,
    learned,
)
from tabular.planning import backward_induction, evaluate
from tabular.simulation import OfflineDataset, sample_trajectories
from tabular.testing import check_online_learner

KINDS = {"kl": (KL, 1.0), "hoeffding": (L1, 1.0), "bernstein": (BERNSTEIN, 1.0), "plug-in": (KL, 0.0)}
RUNS = {"stepmix": stepmix, "epsmix": epsmix}


def trap():
    """Hub, good, bad; the first action moves to good with p_i. The baseline is worth 0.595, the optimum 0.7."""
    p = np.array([0.6, 0.7, 0.5, 0.5, 0.5])
    P, r = np.zeros((3, 5, 3)), np.zeros((3, 5))
    P[0, :, 1], P[0, :, 2], P[1, :, 1], P[2, :, 2] = p, 1.0 - p, 1.0, 1.0
    r[1] = 1.0 / 3.0
    return EpisodicMDP(P, r, [1.0, 0.0, 0.0], H=4), np.tile([0.9, 0.025, 0.025, 0.025, 0.025], (4, 3, 1))


def counts_near(mdp, most, rng):
    """Transition counts (H, S, A, S): log-uniform numbers of visits up to ``most``, one pair in eight unseen."""
    H, S, A = mdp.r.shape
    n = np.where(rng.random((H, S, A)) < 0.125, 0.0, np.floor(most ** rng.random((H, S, A)))).astype(np.int64)
    return np.array([rng.multinomial(n[i], mdp.P[i]) for i in np.ndindex(H, S, A)]).reshape(H, S, A, S)


def setup(seed, most=1e3, S=3, A=2, H=3):
    rng = np.random.default_rng(seed)
    mdp = random_episodic(S, A, H, rng=rng)
    baseline = rng.dirichlet(np.ones(A), (H, S))
    return mdp, baseline, counts_near(mdp, most, rng), rng


def frozen(array):
    """Read-only and contiguous, as the public functions pass arrays: kernels compile once."""
    array = np.array(array, order="C")
    array.setflags(write=False)
    return array


def mind_of(mdp, baseline, N, threshold=0.0, kind=KL, scale=1.0, delta=0.1):
    counts = counts_of(N)
    task = Task(frozen(mdp.r), mdp.mu0, np.ones(mdp.S), frozen(baseline), threshold)
    mind = learned(counts, radii_of(KL, 1.0, delta, counts), radii_of(kind, scale, delta, counts))
    _plan(task, mind)
    return task, mind


def bounds_of(mdp, policy, N, mind, sign, kind=KL, scale=1.0, delta=0.1):
    counts, out = counts_of(N), np.empty((mdp.H + 1, mdp.S))
    radii = radii_of(kind, scale, delta, counts)
    _bound_policy(radii, counts, frozen(mdp.r), frozen(policy), mind.upper, sign, out)
    return out


seeds = st.integers(0, 2**32)
sizes = st.sampled_from((5.0, 1e3, 1e6))
few = settings(max_examples=25)


# --- against the definitions


@few
@given(seeds, sizes, st.sampled_from(tuple(KINDS)))
def test_plan_candidates_and_choice_are_the_definition(seed, most, evaluator):
    mdp, baseline, N, rng = setup(seed, most)
    kind, scale = KINDS[evaluator]
    name = "kl" if evaluator == "plug-in" else evaluator
    task, mind = mind_of(mdp, baseline, N, kind=kind, scale=scale)
    U, Q = naive.optimistic(N, mdp.r, 1.0, 0.1)
    assert mind.upper == pytest.approx(np.array(U), abs=1e-9)
    greedy = np.array(mind.optimistic)
    assert np.take_along_axis(Q, greedy[..., None], axis=2)[..., 0] == pytest.approx(Q.max(axis=2), abs=1e-9)
    H = mdp.H
    lcb = [_certificate(task, mind, h0) for h0 in range(H + 1)]
    threshold = min(lcb) + (max(lcb) - min(lcb)) * rng.uniform(-0.1, 1.1) + 1e-7
    expected, h, rho, certified = naive.choose(N, mdp.r, mdp.mu0, baseline, greedy, U, threshold, name, scale, 0.1)
    assert lcb == pytest.approx(expected, abs=1e-9)
    found = _step_choice(task._replace(threshold=threshold), mind)
    assert (found[0], found[3]) == (h, certified)
    if certified and h:
        assert found[1] * (lcb[h] - lcb[h - 1]) == pytest.approx(rho * (expected[h] - expected[h - 1]), abs=1e-8)


@pytest.mark.parametrize("algorithm", ["stepmix", "epsmix"])
@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_a_run_is_the_algorithm_told_step_by_step(algorithm, scale):
    mdp, baseline = trap()
    threshold, K, H = 0.3, 60, 4
    run = RUNS[algorithm](
        mdp, episodes=K, baseline=baseline, threshold=threshold, delta=0.1, scale=scale, rng=np.random.default_rng(3)
    )
    rng, N = np.random.default_rng(3), np.zeros((4, 3, 5, 3))
    for k in range(K):
        U, Q = naive.optimistic(N, mdp.r, 1.0, 0.1)
        greedy = Q.argmax(axis=2)
        lcb, h, rho, certified = naive.choose(N, mdp.r, mdp.mu0, baseline, greedy, U, threshold, "kl", scale, 0.1)
        optimist, rng_state = np.eye(5)[greedy], rng.random()
        if algorithm == "stepmix":
            policy = naive.candidate(baseline, greedy, h)
            if h:
                policy[h - 1] = (1.0 - rho) * baseline[h - 1] + rho * optimist[h - 1]
            value = naive.value(mdp, policy)
        else:
            sure, certified = lcb[0] >= threshold, max(lcb[0], lcb[H]) >= threshold
            h = 0 if sure else H
            rho = (lcb[H] - threshold) / (lcb[H] - lcb[0]) if certified and not sure else 0.0
            follows = sure or rng.random() < rho
            if sure:
                rng.random()
            policy = optimist if follows else baseline
            both = [naive.value(mdp, optimist), naive.value(mdp, baseline)]
            value = both[0] if sure else rho * both[0] + (1.0 - rho) * both[1]
        assert (run.baseline_steps[k], run.certified[k]) == (h, certified)
        assert run.rho[k] == pytest.approx(rho, abs=1e-7)
        assert run.values[k] == pytest.approx(value, abs=1e-7)
        assert run.optimistic_values[k] == pytest.approx(naive.value(mdp, optimist), abs=1e-12)
        s = int(np.searchsorted(np.cumsum(mdp.mu0), rng_state, side="right"))
        for step in range(H):
            a = int(np.searchsorted(np.cumsum(policy[step, s]), rng.random(), side="right"))
            s_next = int(np.searchsorted(np.cumsum(mdp.P[step, s, a]), rng.random(), side="right"))
            N[step, s, a, s_next] += 1
            s = s_next
    assert run.visits.tolist() == N.sum(axis=3).astype(int).tolist()
    assert run.certified.any() == (scale < 1.0)


def test_a_step_mixture_is_linear_and_a_mixture_at_two_steps_is_not():
    mdp, baseline, N, rng = setup(5)
    task, mind = mind_of(mdp, baseline, N)
    out, values = np.empty(mdp.r.shape), []
    for h0 in range(mdp.H + 1):
        _assemble(task, mind, h0, 0.0, out)
        assert out == pytest.approx(naive.candidate(baseline, mind.optimistic, h0), abs=0.0)
        values.append(evaluate(mdp, out).value)
    for h0 in range(1, mdp.H + 1):
        for rho in rng.random(5):
            _assemble(task, mind, h0, rho, out)
            assert evaluate(mdp, out).value == pytest.approx((1 - rho) * values[h0] + rho * values[h0 - 1], abs=1e-13)
    both = 0.5 * naive.candidate(baseline, mind.optimistic, 0) + 0.5 * naive.candidate(baseline, mind.optimistic, 2)
    assert abs(evaluate(mdp, both).value - 0.5 * values[0] - 0.5 * values[2]) > 1e-4


# --- invariants


@few
@given(seeds, sizes)
def test_invariant_1_rho_is_below_one_and_rows_sum_to_one(seed, most):
    mdp, baseline, N, rng = setup(seed, most)
    task, mind = mind_of(mdp, baseline, N)
    lcb = [_certificate(task, mind, h0) for h0 in range(mdp.H + 1)]
    for threshold in (*lcb, *np.nextafter(lcb, 1e3), rng.uniform(min(lcb), max(lcb))):
        for choose in (_step_choice, _episode_choice):
            h, rho, bound, certified = choose(task._replace(threshold=threshold), mind)
            assert 0.0 <= rho < 1.0
            assert bound >= threshold - 1e-12 if certified else bound < threshold
            out = np.empty(mdp.r.shape)
            _assemble(task, mind, h, rho, out)
            assert out.min() >= 0.0
            assert out.sum(axis=2) == pytest.approx(np.ones(out.shape[:2]), abs=1e-12)
        h, _, _, certified = _step_choice(task._replace(threshold=threshold), mind)
        assert certified == (max(lcb) >= threshold)
        assert all(bound < threshold for bound in lcb[:h])
        assert not certified or lcb[h] >= threshold


@few
@given(seeds, sizes, st.sampled_from(tuple(KINDS)))
def test_invariant_2_lower_plug_in_and_upper_bounds_are_in_order(seed, most, evaluator):
    mdp, baseline, N, _ = setup(seed, most)
    _, mind = mind_of(mdp, baseline, N)
    kind, scale = KINDS[evaluator]
    lower = bounds_of(mdp, baseline, N, mind, -1.0, kind, scale)
    upper = bounds_of(mdp, baseline, N, mind, 1.0, kind, scale)
    assert (lower <= upper + 1e-12).all()
    if N.sum(axis=3).min() > 0:
        n = N.sum(axis=3, keepdims=True)
        plug_in = evaluate(EpisodicMDP(N / n, mdp.r, mdp.mu0), baseline).V
        assert (lower <= plug_in + 1e-12).all()
        assert (plug_in <= upper + 1e-12).all()


@few
@given(seeds, st.sampled_from(("kl", "hoeffding")), st.integers(2, 5))
def test_invariant_3_more_data_of_the_same_frequencies_raise_the_bound(seed, evaluator, factor):
    mdp, baseline, N, _ = setup(seed, 1e3)
    _, mind = mind_of(mdp, baseline, N)
    kind, scale = KINDS[evaluator]
    less = bounds_of(mdp, baseline, N, mind, -1.0, kind, scale)
    more = bounds_of(mdp, baseline, factor * N, mind, -1.0, kind, scale)
    assert (more >= less - 1e-12).all()


@few
@given(seeds, sizes, st.sampled_from(("kl", "hoeffding", "bernstein")))
def test_invariant_4_the_bound_falls_with_delta(seed, most, evaluator):
    mdp, baseline, N, _ = setup(seed, most)
    _, mind = mind_of(mdp, baseline, N)
    kind, scale = KINDS[evaluator]
    bold = bounds_of(mdp, baseline, N, mind, -1.0, kind, scale, delta=0.2)
    careful = bounds_of(mdp, baseline, N, mind, -1.0, kind, scale, delta=0.001)
    assert (careful <= bold + 1e-12).all()
    assert most < 1e3 or evaluator == "bernstein" or (careful < bold - 1e-9).any()


def test_invariant_5_the_last_candidate_is_the_baseline():
    mdp, baseline, N, _ = setup(0)
    task, mind = mind_of(mdp, baseline, N)
    out = np.empty(mdp.r.shape)
    _assemble(task, mind, mdp.H, 0.0, out)
    assert (out == baseline).all()
    expected = mdp.mu0 @ bounds_of(mdp, baseline, N, mind, -1.0)[0]
    assert _certificate(task, mind, mdp.H) == pytest.approx(expected, abs=1e-13)


@pytest.mark.parametrize("algorithm", ["stepmix", "epsmix"])
def test_invariant_6_without_a_constraint_it_is_optimistic_from_the_start(algorithm):
    mdp, baseline = trap()
    for threshold in (0.0, -1.0):
        run = RUNS[algorithm](mdp, episodes=50, baseline=baseline, threshold=threshold, rng=0)
        assert not run.baseline_steps.any()
        assert (run.values == run.optimistic_values).all()
        assert run.certified.all()


@few
@given(seeds)
def test_invariant_6_at_the_value_of_the_baseline_only_certified_mixtures_leave_it(seed):
    mdp, baseline, N, _ = setup(seed, 1e6)
    worth = evaluate(mdp, baseline).value
    task, mind = mind_of(mdp, baseline, N, threshold=worth)
    h, rho, bound, certified = _step_choice(task, mind)
    assert bound >= worth - 1e-12 if certified else bound < worth
    assert certified or (h, rho) == (mdp.H, 0.0)


def test_invariant_7_with_certain_transitions_the_bound_tends_to_the_value():
    rng = np.random.default_rng(0)
    P = np.eye(3)[rng.integers(0, 3, (3, 3, 2))]
    mdp, baseline = EpisodicMDP(P, rng.random((3, 3, 2)), [1.0, 0.0, 0.0]), rng.dirichlet(np.ones(2), (3, 3))
    exact, gaps = evaluate(mdp, baseline).V, []
    for n in (1, 100, 10_000, 10_000_000):
        N = n * P.astype(np.int64)
        _, mind = mind_of(mdp, baseline, N)
        gaps.append((exact - bounds_of(mdp, baseline, N, mind, -1.0)).max())
    assert gaps == sorted(gaps, reverse=True)
    assert 0.0 <= gaps[-1] < 2e-4


@settings(max_examples=60)
@given(seeds, sizes, st.sampled_from((1.0, 0.3, 0.02)))
def test_invariant_8_valid_bounds_imply_a_safe_value(seed, most, scale):
    mdp, baseline, N, rng = setup(seed, most)
    task, mind = mind_of(mdp, baseline, N, scale=scale)
    H, out = mdp.H, np.empty(mdp.r.shape)
    lcb = [_certificate(task, mind, h0) for h0 in range(H + 1)]
    exact = []
    for h0 in range(H + 1):
        _assemble(task, mind, h0, 0.0, out)
        exact.append(evaluate(mdp, out).value)
    threshold = min(rng.uniform(min(lcb), max(lcb)), exact[H])
    task = task._replace(threshold=threshold)
    h, rho, _, certified = _step_choice(task, mind)
    _assemble(task, mind, h, rho, out)
    used = ([h] + [h - 1] * (h > 0)) if certified else []
    if all(lcb[i] <= exact[i] for i in used):
        assert evaluate(mdp, out).value >= threshold - 1e-12
    h, rho, _, certified = _episode_choice(task, mind)
    used = ([0] if h == 0 else [0, H]) if certified else []
    if all(lcb[i] <= exact[i] for i in used):
        assert (exact[0] if h == 0 else rho * exact[0] + (1 - rho) * exact[H]) >= threshold - 1e-12


@few
@given(seeds, sizes, st.sampled_from(tuple(KINDS)))
def test_invariant_9_names_do_not_matter(seed, most, evaluator):
    mdp, baseline, N, rng = setup(seed, most)
    kind, scale = KINDS[evaluator]
    s, a = rng.permutation(mdp.S), rng.permutation(mdp.A)
    renamed = EpisodicMDP(mdp.P[:, s][:, :, a][..., s], mdp.r[:, s][:, :, a], mdp.mu0[s])
    task, mind = mind_of(mdp, baseline, N, kind=kind, scale=scale)
    again, other = mind_of(renamed, baseline[:, s][:, :, a], N[:, s][:, :, a][..., s], kind=kind, scale=scale)
    assert other.upper == pytest.approx(mind.upper[:, s], abs=1e-9)
    if (a[other.optimistic] == mind.optimistic[:, s]).all():  # but for ties
        for h0 in range(mdp.H + 1):
            assert _certificate(again, other, h0) == pytest.approx(_certificate(task, mind, h0), abs=1e-9)


# --- runs


@pytest.mark.parametrize("algorithm", ["stepmix", "epsmix"])
@pytest.mark.compiled
def test_no_episode_on_the_trap_is_unsafe_but_with_plug_in_values(algorithm):
    mdp, baseline = trap()
    learn = functools.partial(RUNS[algorithm], mdp, episodes=8_000, baseline=baseline, threshold=0.52, delta=0.1)
    for seed in range(3):
        run = learn(rng=seed)
        assert not run.violations.any()
        assert (~run.pure_baseline).any()
        assert learn(evaluator="plug-in", rng=seed).violations.any()
    assert (kl_ucbvi(mdp, episodes=2_000, rng=0).values < 0.52).any()


@pytest.mark.parametrize("algorithm", ["stepmix", "epsmix"])
@pytest.mark.parametrize("planner", ["kl", "bpi"])
@pytest.mark.parametrize("evaluator", tuple(KINDS))
def test_determinism_prefix_and_result(algorithm, planner, evaluator):
    mdp, baseline = trap()
    learn = functools.partial(
        RUNS[algorithm], mdp, baseline=baseline, kappa=0.4, planner=planner, evaluator=evaluator, scale=0.1
    )
    run, again, short = learn(episodes=300, rng=7), learn(episodes=300, rng=7), learn(episodes=100, rng=7)
    for name in ("values", "rho", "lcb", "baseline_steps", "certified", "optimistic_values"):
        assert (getattr(run, name) == getattr(again, name)).all()
        assert (getattr(run, name)[:100] == getattr(short, name)).all()
    assert run.threshold == pytest.approx(0.195)
    assert run.baseline_value == pytest.approx(0.595)
    assert run.visits.sum(axis=(1, 2)).tolist() == [300] * 4
    assert (run.bonus, run.scale, run.algorithm) == (evaluator, 0.1, algorithm)
    assert (run.lcb[run.certified] >= run.threshold - 1e-12).all()
    assert (run.baseline_steps[~run.certified] == 4).all()


@pytest.mark.parametrize("mixture", ["step", "episode"])
def test_the_agent_is_the_run(mixture):
    mdp, baseline = trap()
    options = {"baseline": baseline, "threshold": 0.3, "scale": 0.02}
    learn = stepmix if mixture == "step" else epsmix
    run = learn(mdp, episodes=200, rng=np.random.default_rng(5), **options)
    rng = np.random.default_rng(5)
    agent = StepMix(3, 5, 4, r=mdp.r, mu0=mdp.mu0, mixture=mixture, rng=rng, **options)
    visits = np.zeros((4, 3, 5), dtype=np.int64)
    for k in range(200):
        s = int(np.searchsorted(np.cumsum(mdp.mu0), rng.random(), side="right"))
        for h in range(4):
            a = agent.act(h, s)
            s_next = int(np.searchsorted(np.cumsum(mdp.P[h, s, a]), rng.random(), side="right"))
            agent.observe(h, s, a, mdp.r[h, s, a], s_next)
            visits[h, s, a] += 1
            s = s_next
        record = (agent.baseline_steps, agent.rho, agent.lcb, agent.certified)
        assert record == (run.baseline_steps[k], run.rho[k], run.lcb[k], run.certified[k])
    assert (visits == run.visits).all()
    assert (agent.transitions.sum(axis=3) == visits).all()
    assert (agent.policy == run.policy).all()


@pytest.mark.parametrize("mixture", ["step", "episode"])
def test_the_agent_keeps_what_every_agent_owes(mixture):
    def agent(S, A, H, rng):
        r, mu0 = np.full((S, A), 0.5), np.full(S, 1.0 / S)
        baseline = np.zeros((H, S), dtype=np.int64)
        return StepMix(S, A, H, r=r, mu0=mu0, baseline=baseline, threshold=0.0, mixture=mixture, rng=rng)

    check_online_learner(agent, interface="agent", consistent=False, instances=1, episodes=40)


@pytest.mark.parametrize("algorithm", ["stepmix", "epsmix"])
def test_it_keeps_what_every_online_learner_owes(algorithm):
    def learn(mdp, *, episodes, rng):
        baseline = np.full(mdp.r.shape, 1.0 / mdp.A)
        return RUNS[algorithm](mdp, episodes=episodes, baseline=baseline, kappa=5.0, rng=rng)

    check_online_learner(learn, instances=1, exact=algorithm == "stepmix", anytime=True)


@pytest.mark.parametrize("algorithm", ["stepmix", "epsmix"])
@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"threshold": 0.6}, ParameterError, "threshold is 0.6"),
        ({"threshold": None}, ParameterError, "exactly one"),
        ({"kappa": 0.1}, ParameterError, "exactly one"),
        ({"threshold": None, "kappa": 0.0}, ParameterError, "kappa is 0.0"),
        ({"baseline": np.full((4, 3, 5), 0.3)}, PolicyError, "baseline"),
        ({"baseline": np.full((4, 3), 5)}, PolicyError, "baseline"),
        ({"episodes": 0}, ParameterError, "episodes"),
        ({"delta": 0.0}, ParameterError, "delta"),
        ({"delta": 1.0}, ParameterError, "delta"),
        ({"planner": "ucb"}, ParameterError, "planner"),
        ({"evaluator": "mc"}, ParameterError, "evaluator"),
        ({"scale": -0.1}, ParameterError, "scale"),
        ({"planner_scale": -0.1}, ParameterError, "planner_scale"),
        ({"initial_data": [1]}, ParameterError, "initial_data is a list"),
        ({"initial_data": OfflineDataset([0], [0], [0.0], [0], 3, 5)}, ParameterError, "initial_data has S=3"),
    ],
)
def test_errors(algorithm, options, error, words):
    mdp, baseline = trap()
    given_ = {"episodes": 3, "baseline": baseline, "threshold": 0.5, "rng": 0} | options
    with pytest.raises(error, match=words):
        RUNS[algorithm](mdp, **given_)


def test_rewards_outside_the_unit_interval_are_refused():
    mdp = EpisodicMDP([[[1.0]]], [[1.5]], H=1)
    with pytest.raises(ParameterError, match=r"r\[0, 0, 0\]"):
        stepmix(mdp, episodes=1, baseline=[[0]], kappa=0.1, rng=0)
    with pytest.raises(ParameterError, match=r"r\[0, 0\] is 1.5"):
        StepMix(1, 1, 1, r=[[1.5]], mu0=[1.0], baseline=[[0]], threshold=0.1, rng=0)


# --- the offline extension


def test_counts_of_transitions_are_those_recorded_one_by_one():
    _, _, N, _ = setup(11, 30.0)
    one_by_one = empty_counts(3, 3, 2)
    for index in np.argwhere(N > 0):
        for _ in range(N[tuple(index)]):
            _record(one_by_one, *index)
    for name, array in counts_of(N)._asdict().items():
        assert array.dtype == getattr(one_by_one, name).dtype, name
        assert array.tolist() == getattr(one_by_one, name).tolist(), name


def logged_trap(n, seed):
    mdp, baseline = trap()
    return mdp, sample_trajectories(mdp, baseline, episodes=n, reward_noise="none", rng=seed)


def test_initial_data_count_as_if_they_had_been_seen():
    mdp, data = logged_trap(3_000, 0)
    _, baseline = trap()
    learn = functools.partial(stepmix, mdp, episodes=400, baseline=baseline, threshold=0.52, delta=0.1, rng=1)
    cold, warm = learn(), learn(initial_data=data)
    assert cold.pure_baseline.all()
    assert warm.lcb[0] > cold.lcb[0]
    assert warm.visits.sum() == cold.visits.sum()
    _, mind = mind_of(mdp, baseline, data.transition_counts(by_step=True))
    assert warm.lcb[0] == pytest.approx(
        mdp.mu0 @ bounds_of(mdp, baseline, data.transition_counts(by_step=True), mind, -1.0)[0], abs=1e-12
    )


@pytest.mark.parametrize("evaluator", ["kl", "hoeffding", "bernstein", "plug-in"])
def test_the_offline_baseline_is_greedy_in_its_own_lower_bounds(evaluator):
    mdp, baseline, N, rng = setup(3, 1e7 if evaluator == "bernstein" else 1e3)
    h, s, a, t = np.repeat(np.argwhere(N > 0), np.minimum(N[N > 0], 4000), axis=0).T
    data = OfflineDataset(s, a, mdp.r[h, s, a], t, mdp.S, mdp.A, h=h, H=mdp.H)
    N = data.transition_counts(by_step=True)
    scale = 1e-4 if evaluator == "bernstein" else 1.0
    found = offline_baseline(data, mdp.r, mu0=mdp.mu0, delta=0.1, evaluator=evaluator, scale=scale)
    assert found.lcb == pytest.approx(mdp.mu0 @ found.lower[0], abs=1e-15)
    assert (found.counts == N.sum(axis=3)).all()
    assert found.lower.min() >= 0.0
    if evaluator == "bernstein":
        assert found.lcb > 0.0
        return
    _, mind = mind_of(mdp, baseline, N)
    kind, factor = KINDS[evaluator]
    greedy = np.eye(mdp.A)[found.policy]
    assert found.lower == pytest.approx(bounds_of(mdp, greedy, N, mind, -1.0, kind, factor), abs=1e-13)
    for _ in range(20):
        other = rng.dirichlet(np.ones(mdp.A), (mdp.H, mdp.S))
        assert (bounds_of(mdp, other, N, mind, -1.0, kind, factor) <= found.lower + 1e-12).all()


def test_with_much_data_the_offline_baseline_is_optimal_and_its_certificate_close_and_valid():
    mdp, _ = trap()
    data = sample_trajectories(mdp, np.full((4, 3, 5), 0.2), episodes=20_000, reward_noise="none", rng=0)
    found = offline_baseline(data, mdp.r, mu0=mdp.mu0, delta=0.1)
    assert evaluate(mdp, found.policy).value == pytest.approx(backward_induction(mdp).value)
    assert 0.62 < found.lcb < 0.7
    run = stepmix(mdp, episodes=50, baseline=found.policy, threshold=0.62, initial_data=data, rng=0)
    assert run.certified.all()
    with pytest.raises(ParameterError, match="steps"):
        offline_baseline(OfflineDataset([0], [0], [0.0], [0], 1, 1), [[0.0]], mu0=[1.0])


def test_budget_exploration_and_stepmix_share_their_certificates():
    mdp, baseline = trap()
    one = stepmix(mdp, episodes=1, baseline=baseline, threshold=0.0, rng=0)
    two = budget_exploration(mdp, episodes=1, baseline=baseline, threshold=0.0, rng=0)
    assert one.lcb[0] == two.lcb[0]
