"""UCBVI against its definition, optimism where the theory promises it, and the agent against the run."""

import itertools

import naive_online as naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.instances import combination_lock, random_episodic
from tabular.errors import ParameterError
from tabular.learning.online import UCBVI, ucbvi_bf, ucbvi_ch
from tabular.learning.online._counts import (
    _dense_means,
    _dense_variances,
    _is_dense,
    _record,
    _sparse_means,
    _sparse_variances,
    empty_counts,
)
from tabular.learning.online._ucbvi_kernels import _crowd, _ucbvi_learn, _ucbvi_plan, empty_path, optimist
from tabular.learning.online.ucbvi import _rule
from tabular.models import DiscountedMDP, EpisodicMDP
from tabular.planning import backward_induction
from tabular.testing.strategies import episodic_mdps

LEARNERS = {"ch": ucbvi_ch, "bf": ucbvi_bf}
#: Published constants are so large that Q stays at its clip; scales at which all branches are taken.
SCALES = {"ch": 0.002, "bf": 0.003}


@pytest.mark.parametrize("variant", ["ch", "bf"])
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize("bonus", ["published", "none"])
def test_a_run_is_its_definition(variant, known, apart, bonus):
    mdp = random_episodic(3, 2, 3, rng=5, stationary=not apart)
    K, delta, noisy = 40, 0.1, not known
    values, tables, policies = naive.ucbvi(
        mdp, K, delta, variant, np.random.default_rng(3), noisy=noisy, scale=SCALES[variant], known=known, apart=apart,
        bonus=bonus == "published",
    )  # fmt: skip
    run = LEARNERS[variant](
        mdp, episodes=K, delta=delta, bonus=bonus, scale=SCALES[variant], stage_dependent=apart,
        rewards="known" if known else "estimated", reward_noise="bernoulli" if noisy else "none",
        rng=np.random.default_rng(3),
    )  # fmt: skip
    assert np.allclose(run.values, values, rtol=0, atol=1e-12)
    assert np.array_equal(run.policy, policies[-1])
    optimal = backward_induction(mdp).Q
    margin = np.minimum.accumulate([(Q - optimal).min() for Q in tables])
    assert np.allclose(run.margin, margin, rtol=0, atol=1e-10)
    assert len(np.unique(values)) > 2 or bonus == "none"


@pytest.mark.parametrize("variant", ["ch", "bf"])
def test_the_published_constants_are_the_papers(variant):
    mdp = random_episodic(2, 1, 2, rng=0, stationary=True)
    mdp = EpisodicMDP(mdp.P[0], 0.25 * mdp.r[0], H=2)  # small rewards, room below the clip
    K, delta, rng = 1, 0.9, np.random.default_rng(1)
    rule = _rule(2, 1, 2, K, delta, variant, "published", 1.0, True, False)
    rule = rule._replace(crowd=rule.crowd / 1000)
    me, counts, rows = optimist(mdp.r, 1, 2, 1, 2, True), empty_counts(1, 2, 1), []
    for _ in range(40_000):  # made-up data, enough for the bonus to fall below the clip
        s = int(rng.integers(0, 2))
        rows.append((0, s, 0, 0.0, naive.draw(mdp.P[0, s, 0], rng.random())))
        path = empty_path(2)
        path.s[:2] = s, rows[-1][-1]
        _ucbvi_learn(me, counts, rule, path, 1)
    _ucbvi_plan(me, counts, rule)
    start = np.array([[[2.0]] * 2, [[1.0]] * 2])
    expected, _ = naive.ucbvi_plan(start, rows, mdp.r, K, delta, variant, thin=1000)
    assert np.allclose(me.Q, expected, rtol=1e-12)
    assert (start > me.Q).all()


def test_a_second_plan_from_few_successors_is_its_definition():
    """Two successors a pair among twelve states, read as sparse rows, after an earlier plan has left its values."""
    rng, (H, S, A) = np.random.default_rng(0), (3, 12, 2)
    rule = _rule(S, A, H, 20, 0.1, "bf", "published", 1e-3, True, True)
    r = 0.5 * rng.random((H, S, A))
    me, counts, rows = optimist(r, H, S, A, H, True), empty_counts(H, S, A), []
    expected = np.tile(np.arange(H, 0, -1.0)[:, None, None], (1, S, A))
    for number in (6.0, 12.0):
        for h, s, a in np.ndindex(H, S, A):
            for s_next in rng.integers(1, 3, size=6) + s:
                rows.append((h, s, a, 0.0, int(s_next) % S))
                _record(counts, *rows[-1][:3], rows[-1][-1])
                me.arrivals[h + 1, rows[-1][-1]] += 1.0
        me.known_part[:] = rule.first / np.sqrt(number) + rule.second / number
        me.third_part[:] = rule.third / np.sqrt(number)
        before = expected
        expected, policy = naive.ucbvi_plan(before, rows, r, 20, 0.1, "bf", scale=1e-3, apart=True)
        _ucbvi_plan(me, counts, rule)
        assert (expected < before).mean() > 0.9
        assert np.allclose(me.Q, expected, rtol=0, atol=1e-12)
        assert np.array_equal(me.policy, policy)
    assert not any(_is_dense(counts, h) for h in range(H))


def test_separate_counts_have_more_pairs_to_learn_before_a_state_is_crowded():
    shared, apart = (_rule(4, 3, 5, 20, 0.1, "bf", "published", 1.0, True, steps) for steps in (False, True))
    L = np.log(5 * 4 * 3 * 100 / 0.1)
    assert shared.crowd == pytest.approx(1e4 * 5**3 * 4**2 * 3 * L**2)
    assert apart.crowd == pytest.approx(1e4 * 5**4 * 4**2 * 3 * L**2)


def test_the_crowd_term_falls_below_its_ceiling_where_states_are_crowded():
    arrivals = np.array([[0.0, 0.0], [10.0, 1.0], [0.0, 40.0]])
    share = np.empty((1, 2))
    assert _crowd(arrivals, 1, 20.0, share)
    assert share.tolist() == [[2.0, 4.0]]
    assert not _crowd(arrivals, 0, 20.0, share)
    assert share.tolist() == [[4.0, 4.0]]


@given(st.integers(0, 2**32), st.integers(1, 7), st.integers(1, 3), st.integers(0, 200))
def test_rows_and_columns_give_the_same_bits(seed, S, A, visits):
    rng = np.random.default_rng(seed)
    counts = empty_counts(1, S, A)
    for _ in range(visits):
        _record(counts, 0, int(rng.integers(S)), int(rng.integers(A)), int(rng.integers(S)))
    V = rng.random((2, S))
    n, pairs = counts.n.reshape(1, -1), S * A
    rows = (
        counts.degree.reshape(1, pairs),
        counts.successor.reshape(1, pairs, S),
        counts.weight.reshape(1, pairs, S),
        n,
    )
    one, two, var_one, var_two = (np.empty(pairs) for _ in range(4))
    _dense_means(counts.column, n, 0, V, 1, one)
    _sparse_means(*rows, 0, V, 1, two)
    assert np.array_equal(one, two)
    _dense_variances(counts.column, n, 0, V, 1, one, var_one)
    _sparse_variances(*rows, 0, V, 1, two, var_two)
    assert np.array_equal(var_one, var_two)
    weights = counts.column.reshape(S, pairs).T
    P = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1)
    assert np.allclose(one, P @ V[1], atol=1e-14)
    assert np.allclose(var_one, P @ V[1] ** 2 - (P @ V[1]) ** 2, atol=1e-13)
    assert counts.distinct[0] == counts.degree.sum() == np.count_nonzero(weights)


def planned(mdp, rng, visits, scale, variant="ch", plans=3):
    """Plans from growing tables of counts drawn from the model: the Q after each plan, and the state that made them."""
    H, S, A = mdp.r.shape
    rule = _rule(S, A, H, 1000, 0.1, variant, "published", scale, True, True)
    me, counts = optimist(mdp.r, H, S, A, H, True), empty_counts(H, S, A)
    for _ in range(plans):
        for h, s, a in itertools.product(range(H), range(S), range(A)):
            for _ in range(int(rng.integers(0, visits))):
                s_next = naive.draw(mdp.P[h, s, a], rng.random())
                _record(counts, h, s, a, s_next)
                me.arrivals[h + 1, s_next] += 1.0
        root = np.sqrt(np.maximum(counts.n, 1.0))
        seen = counts.n > 0
        me.known_part[seen] = (rule.first / root + rule.second / root**2)[seen]
        me.third_part[seen] = (rule.third / root)[seen]
        _ucbvi_plan(me, counts, rule)
        yield me.Q.copy(), me, counts


def deviation(mdp, counts):
    """(P - P_hat) V* at each pair, -inf where unseen."""
    V = backward_induction(mdp).V
    H, S, A = mdp.r.shape
    weights = counts.column.reshape(H, S, S, A).transpose(0, 2, 3, 1)
    P_hat = weights / np.maximum(counts.n, 1.0)[..., None]
    error = np.einsum("hsaj,hj->hsa", mdp.P - P_hat, V[1:])
    return np.where(counts.n > 0, error, -np.inf)


@given(episodic_mdps(), st.integers(0, 2**32), st.sampled_from([1.0, 0.02, 0.005]), st.integers(2, 60))
def test_ch_is_optimistic_wherever_the_bonus_covers_the_deviation(mdp, seed, scale, visits):
    optimal = backward_induction(mdp).Q
    good = True
    for Q, me, counts in planned(mdp, np.random.default_rng(seed), visits, scale):
        good = good and bool((deviation(mdp, counts) <= me.known_part).all())
        if good:
            assert (optimal - 1e-12 <= Q).all()
        assert scale < 1.0 or good  # at scale 1 the bonus covers anything that can happen at these counts


def test_control_without_bonus_optimism_breaks():
    mdp = random_episodic(3, 2, 3, rng=1)
    broken = [
        (Q < backward_induction(mdp).Q - 1e-3).any()
        for seed in range(5)
        for Q, _, _ in planned(mdp, np.random.default_rng(seed), 20, 0.0)
    ]
    assert any(broken)


@given(episodic_mdps(), st.integers(0, 2**32), st.sampled_from(["ch", "bf"]))
def test_q_falls_and_stays_below_what_can_be_earned(mdp, seed, variant):
    before = np.broadcast_to(np.arange(mdp.H, 0, -1.0)[:, None, None], mdp.r.shape)
    for Q, _, _ in planned(mdp, np.random.default_rng(seed), 30, 0.01, variant):
        assert (before >= Q).all()
        assert (Q >= 0.0).all()
        before = Q


@pytest.mark.parametrize("variant", ["ch", "bf"])
def test_published_bf_and_ch_stay_optimistic_in_a_run(variant):
    mdp = random_episodic(2, 2, 2, rng=2, stationary=True)
    run = LEARNERS[variant](mdp, episodes=30_000, delta=0.1, rng=0)
    assert run.margin[-1] >= -1e-12
    assert run.margin[-1] < run.margin[0] or variant == "ch"


@pytest.mark.parametrize("variant", ["ch", "bf"])
def test_renaming_states_and_actions_renames_the_plan(variant):
    mdp = random_episodic(4, 3, 3, rng=7)
    states, actions = np.array([2, 0, 3, 1]), np.array([1, 2, 0])
    rng = np.random.default_rng(0)
    rule = _rule(4, 3, 3, 100, 0.1, variant, "published", 0.001, True, True)
    one, counts = optimist(mdp.r, 3, 4, 3, 3, True), empty_counts(3, 4, 3)
    r = np.empty_like(mdp.r)
    r[np.ix_(range(3), states, actions)] = mdp.r
    two, renamed = optimist(r, 3, 4, 3, 3, True), empty_counts(3, 4, 3)
    for _ in range(400):
        path, other = empty_path(3), empty_path(3)
        path.s[:], path.a[:] = rng.integers(0, 4, 4), rng.integers(0, 3, 3)
        other.s[:], other.a[:] = states[path.s], actions[path.a]
        _ucbvi_learn(one, counts, rule, path, 3)
        _ucbvi_learn(two, renamed, rule, other, 3)
    _ucbvi_plan(one, counts, rule)
    _ucbvi_plan(two, renamed, rule)
    assert np.allclose(two.Q[np.ix_(range(3), states, actions)], one.Q, rtol=0, atol=1e-12)
    assert np.array_equal(two.policy[:, states], actions[one.policy])


def test_without_bonus_the_lock_is_never_opened_and_regret_is_linear():
    lock = combination_lock(6)
    blind = ucbvi_ch(lock, episodes=3000, bonus="none", rng=0)
    assert np.allclose(blind.regret, np.arange(1, 3001))
    for learner in (ucbvi_ch, ucbvi_bf):
        run = learner(lock, episodes=3000, scale=0.001, rng=0)
        assert run.regret[-1] < 300
        assert run.regret[-1] == run.regret[-1000]


@pytest.mark.parametrize(("learner", "scale"), [(ucbvi_ch, 0.002), (ucbvi_bf, 0.02)])
@pytest.mark.compiled
def test_regret_of_scaled_bonuses_flattens(learner, scale):
    mdp = random_episodic(4, 3, 4, rng=1, stationary=True)
    regret = np.mean([learner(mdp, episodes=20_000, scale=scale, rng=seed).regret for seed in range(4)], axis=0)
    first, second = regret[9_999], regret[-1] - regret[9_999]
    assert second < (np.sqrt(2.0) - 1.0) * first  # what a square root would give; a line gives 1


def test_a_fixed_stream_gives_a_fixed_run():
    mdp = random_episodic(4, 2, 3, rng=1, stationary=True)
    one, two = (ucbvi_bf(mdp, episodes=300, scale=0.01, rng=4) for _ in range(2))
    assert np.array_equal(one.values, two.values)
    assert np.array_equal(one.visits, two.visits)
    assert not np.array_equal(one.visits, ucbvi_bf(mdp, episodes=300, scale=0.01, rng=5).visits)


@given(episodic_mdps(max_states=3, max_actions=2, max_horizon=3), st.integers(0, 100))
def test_corner_models_run(mdp, seed):
    run = ucbvi_bf(mdp, episodes=20, scale=0.01, stage_dependent=True, rng=seed)
    assert run.visits.sum() == 20 * mdp.H
    assert (run.values <= run.optimal_value + 1e-9).all()


@pytest.mark.parametrize("variant", ["ch", "bf"])
@pytest.mark.parametrize("apart", [True, False])
def test_the_agent_makes_the_choices_of_the_run(variant, apart):
    mdp = random_episodic(4, 3, 3, rng=2, stationary=not apart)
    K = 200
    run = LEARNERS[variant](
        mdp, episodes=K, scale=0.01, rewards="estimated", reward_noise="bernoulli", stage_dependent=apart, rng=9
    )
    agent = UCBVI(4, 3, 3, episodes=K, variant=variant, scale=0.01, stage_dependent=apart)
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(9)))
    visits = np.zeros((3, 4, 3), dtype=int)
    for _ in range(K):
        s = naive.draw(mdp.mu0, rng.random())
        for h in range(3):
            a = agent.act(h, s)
            visits[h, s, a] += 1
            reward = 1.0 if rng.random() < mdp.r[h, s, a] else 0.0
            s_next = naive.draw(mdp.P[h, s, a], rng.random())
            agent.observe(h, s, a, reward, s_next)
            s = s_next
    assert np.array_equal(visits, run.visits)
    assert np.array_equal(agent.policy, run.policy)
    assert agent.episode == K


def test_the_agent_learns_in_a_gymnasium_environment():
    pytest.importorskip("gymnasium")
    from tabular.interop import to_gymnasium

    mdp = random_episodic(3, 2, 3, rng=0, stationary=True)
    env = to_gymnasium(mdp, reward_noise="bernoulli")
    agent, returns = UCBVI(3, 2, 3, episodes=3000, variant="bf", scale=0.01), []
    for k in range(3000):
        s, _ = env.reset(seed=0 if k == 0 else None)
        total, over, h = 0.0, False, 0
        while not over:
            a = agent.act(h, s)
            s_next, reward, over, _, _ = env.step(a)
            agent.observe(h, s, a, reward, s_next, terminated=over)
            total, s, h = total + reward, s_next, h + 1
        returns.append(total)
    assert naive.value(mdp, agent.policy) > backward_induction(mdp).value - 0.02


def test_an_early_end_is_worth_nothing():
    # action 0 ends the episode in state 1 with nothing; action 1 stays and earns 0.5 a step
    told, untold = (UCBVI(2, 2, 4, episodes=50, scale=0.0) for _ in range(2))
    for agent, tell in ((told, True), (untold, False)):
        for _ in range(50):
            for h in range(4):
                a = agent.act(h, 0)
                agent.observe(h, 0, a, 0.5 * a, 1 - a, terminated=tell and a == 0)
                if a == 0:
                    break
    assert told.policy[:, 0].tolist() == [1, 1, 1, 1]
    assert untold.policy[0, 0] == 0


BAD = [
    ({"episodes": 0}, "episodes"),
    ({"episodes": 2.5}, "episodes"),
    ({"delta": 0.0}, "delta"),
    ({"delta": 1.0}, "delta"),
    ({"scale": -0.1}, "scale"),
    ({"bonus": "hoeffding"}, "bonus"),
    ({"rewards": "guessed"}, "rewards"),
    ({"reward_noise": "bernoulli"}, "known"),
    ({"rng": None}, "rng"),
]


@pytest.mark.parametrize(("arguments", "named"), BAD)
@pytest.mark.parametrize("learner", [ucbvi_ch, ucbvi_bf])
def test_bad_arguments_are_named(learner, arguments, named):
    mdp = random_episodic(2, 2, 2, rng=0, stationary=True)
    with pytest.raises(ParameterError, match=named):
        learner(mdp, **({"episodes": 5, "rng": 0} | arguments))


def test_bad_models_are_refused():
    with pytest.raises(ParameterError, match="DiscountedMDP"):
        ucbvi_ch(DiscountedMDP([[[1.0]]], [[0.0]], 0.5), episodes=5, rng=0)
    with pytest.raises(ParameterError, match=r"r\[0, 0, 1\] is 1\.5"):
        ucbvi_ch(EpisodicMDP([[[1.0], [1.0]]], [[0.0, 1.5]], H=2), episodes=5, rng=0)
    changing = random_episodic(2, 2, 2, rng=0)
    with pytest.raises(ParameterError, match="transitions of mdp differ"):
        ucbvi_bf(changing, episodes=5, rng=0)
    same_P = EpisodicMDP(np.stack([changing.P[0]] * 2), changing.r, changing.mu0)
    ucbvi_bf(same_P, episodes=5, rng=0)
    with pytest.raises(ParameterError, match="rewards of mdp differ"):
        ucbvi_bf(same_P, episodes=5, rewards="estimated", rng=0)
    agent = UCBVI(2, 2, 2, episodes=5)
    agent.act(0, 0)
    with pytest.raises(ParameterError, match=r"r is 1\.5"):
        agent.observe(0, 0, 0, 1.5, 0)
    with pytest.raises(ParameterError, match="h is 1"):
        agent.observe(1, 0, 0, 0.5, 0)
