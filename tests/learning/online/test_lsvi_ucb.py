"""LSVI-UCB against the definition with its history, its one-hot closed form, exact arithmetic, and its invariants."""

import math
from fractions import Fraction

import naive_lsvi as naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.instances import combination_lock, random_episodic, random_linear_mdp, tabular_as_linear
from tabular import LinearMDP, ParameterError
from tabular.learning.online import LSVIUCB, lsvi_ucb, lsvi_width
from tabular.learning.online._lsvi_kernels import (
    _inverse_root,
    _learn,
    _lsvi,
    _run_lsvi,
    _widths,
    empty_regression,
)
from tabular.planning import backward_induction, evaluate
from tabular.testing import linear_mdps

CASES = [
    dict(S=4, A=3, d=3, H=3, ridge=1.0, scale=0.05, noise="none"),
    dict(S=3, A=2, d=5, H=2, ridge=0.3, scale=0.03, noise="bernoulli"),
    dict(S=2, A=2, d=1, H=4, ridge=2.0, scale=0.1, noise="none"),
    dict(S=5, A=2, d=4, H=1, ridge=1.0, scale=0.1, noise="bernoulli"),
]


def rotation(d, seed):
    """A random orthogonal matrix."""
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((d, d)))[0]


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['S']}x{c['A']}x{c['d']}x{c['H']}-{c['noise']}")
@pytest.mark.parametrize("bonus", ["published", "none"])
def test_it_is_the_algorithm_that_goes_through_its_history(case, bonus):
    K, seed = 60, 7
    mdp = random_linear_mdp(case["S"], case["A"], case["d"], case["H"], rng=3)
    model = mdp.to_episodic()
    run = lsvi_ucb(
        mdp, episodes=K, ridge=case["ridge"], scale=case["scale"], bonus=bonus, reward_noise=case["noise"],
        rng=np.random.default_rng(seed),
    )  # fmt: skip
    assert run.beta == pytest.approx(
        case["scale"] * mdp.d * mdp.H * math.sqrt(math.log(2 * mdp.d * K * mdp.H / 0.05)) if bonus != "none" else 0.0
    )
    w, Q, policies = naive.lsvi(model, mdp.phi, K, run.beta, case["ridge"], seed, case["noise"] == "bernoulli")
    np.testing.assert_allclose(run.weights, w, rtol=0, atol=1e-9)
    np.testing.assert_allclose(run.Q, Q, rtol=0, atol=1e-9)
    assert np.array_equal(run.policy, policies[-1])
    wanted = [evaluate(model, policy).value for policy in policies]
    np.testing.assert_allclose(run.values, wanted, rtol=0, atol=1e-12)
    assert run.visits.sum(axis=(1, 2)).tolist() == [K] * mdp.H


def test_the_cases_make_the_learner_change_its_mind():
    """Otherwise the comparison above would compare constants."""
    for case in CASES:
        mdp = random_linear_mdp(case["S"], case["A"], case["d"], case["H"], rng=3)
        run = lsvi_ucb(mdp, episodes=60, ridge=case["ridge"], scale=case["scale"], rng=7)
        cap = np.arange(case["H"], 0, -1.0)[:, None, None]
        assert (run.Q - cap).min() < 0.0
        assert case["d"] == 1 or len(set(run.values.tolist())) > 2


@pytest.mark.parametrize("ridge", [1.0, 0.25])
def test_one_hot_features_are_optimistic_value_iteration_on_shrunken_means(ridge):
    model = random_episodic(3, 2, 3, rng=5)
    K, seed = 400, 11
    run = lsvi_ucb(tabular_as_linear(model), episodes=K, ridge=ridge, scale=0.02, rng=np.random.default_rng(seed))
    Q, policies = naive.shrunken(model, K, run.beta, ridge, seed)
    np.testing.assert_allclose(run.Q, Q, rtol=0, atol=1e-12)
    wanted = [evaluate(model, policy).value for policy in policies]
    np.testing.assert_allclose(run.values, wanted, rtol=0, atol=1e-12)
    assert len({policy.tobytes() for policy in policies}) > 5


@pytest.mark.parametrize("seed", range(4))
def test_it_is_optimistic_at_the_published_scale_and_not_without_bonus(seed):
    mdp = random_linear_mdp(2, 2, 2, 2, rng=seed, alpha=1.0)
    run = lsvi_ucb(mdp, episodes=20_000, rng=seed)
    assert (run.Q - np.array([2.0, 1.0])[:, None, None]).min() < -0.01  # the cap alone would be optimistic
    assert run.margin[-1] >= -1e-9
    assert (np.diff(run.margin) <= 0).all()
    for broken in (
        lsvi_ucb(mdp, episodes=2000, bonus="none", rng=seed),
        lsvi_ucb(mdp, episodes=2000, scale=1e-3, rng=seed),
    ):
        assert broken.margin[-1] < -0.01


def test_margin_is_that_of_the_worst_plan_so_far():
    mdp = random_linear_mdp(3, 2, 2, 2, rng=1, alpha=1.0)
    best = backward_induction(mdp.to_episodic()).Q
    run = lsvi_ucb(mdp, episodes=1, rng=0)
    assert run.margin[0] == (run.Q - best).min()
    worst = math.inf
    for K in range(1, 30):
        run = lsvi_ucb(mdp, episodes=K, bonus="none", rng=0)
        worst = min(worst, (run.Q - best).min())
        assert run.margin[-1] == worst


def test_without_bonus_the_lock_stays_shut():
    lock = tabular_as_linear(combination_lock(5))
    assert (lsvi_ucb(lock, episodes=400, bonus="none", rng=0).values == 0.0).all()
    run = lsvi_ucb(lock, episodes=400, scale=0.005, rng=0)
    assert run.values[-50:].min() == 1.0
    assert run.regret[-1] < 200


@pytest.mark.parametrize("seed", range(3))
def test_turning_the_features_changes_nothing(seed):
    mdp = random_linear_mdp(5, 3, 4, 3, rng=seed)
    R = rotation(4, seed)
    turned = LinearMDP(mdp.phi @ R, R.T @ mdp.mu, mdp.theta @ R, mdp.mu0)
    runs = [lsvi_ucb(m, episodes=300, scale=0.02, rng=seed) for m in (mdp, turned)]
    assert np.array_equal(runs[0].visits, runs[1].visits)
    np.testing.assert_allclose(runs[0].values, runs[1].values, rtol=0, atol=1e-12)
    np.testing.assert_allclose(runs[0].Q, runs[1].Q, rtol=0, atol=1e-10)
    np.testing.assert_allclose(runs[0].weights @ R, runs[1].weights, rtol=0, atol=1e-10)
    stretched = lsvi_ucb(mdp, episodes=300, scale=0.02, features=mdp.phi @ np.diag([1, 0.5, 1, 1]), rng=seed)
    assert not np.allclose(runs[0].Q, stretched.Q, atol=1e-3)  # a ridge is invariant under turning only


@given(linear_mdps(max_states=3, max_actions=3, max_horizon=3), st.integers(0, 99))
def test_every_run_keeps_its_books(mdp, seed):
    model = mdp.to_episodic()
    best = backward_induction(model)
    run = lsvi_ucb(mdp, episodes=12, scale=0.05, rng=seed)
    assert run.optimal_value == best.value
    assert (run.values <= best.value + 1e-12).all()
    assert (run.Q - np.arange(mdp.H, 0, -1.0)[:, None, None]).max() <= 0.0
    assert (run.visits.sum(axis=(1, 2)) == 12).all()
    assert (run.visits.sum(axis=2)[0][model.mu0 == 0] == 0).all()
    assert run.margin[-1] <= (run.Q - best.Q).min()
    assert evaluate(model, run.policy).value == pytest.approx(run.values[-1], abs=1e-12)
    flat, Q = mdp.phi.reshape(-1, mdp.d), run.Q.reshape(mdp.H, -1)
    for pair in range(flat.shape[0]):
        same = (flat == flat[pair]).all(axis=1)
        assert (Q[:, same] == Q[:, [pair]]).all()  # bit for bit, so that ties are ties
    assert np.array_equal(run.policy, run.Q.argmax(axis=2))


def test_regret_falls_as_episodes_pass():
    mdp = random_linear_mdp(10, 4, 3, 4, rng=2)
    run = lsvi_ucb(mdp, episodes=4000, scale=0.01, rng=0)
    loss = run.optimal_value - run.values
    assert loss.min() >= -1e-12
    assert loss[-500:].mean() < 0.2 * loss[:500].mean()


def exact_solution(rows, d, ridge):
    """Inverse Gram matrix and weights in rational arithmetic, from ``(phi, reward, multiplicity)``."""
    M = [[Fraction(ridge) * (i == j) for j in range(d)] + [Fraction(int(i == j)) for j in range(d)] for i in range(d)]
    b = [Fraction(0)] * d
    for phi, reward, times in rows:
        f = [Fraction(x) for x in phi]
        for i in range(d):
            b[i] += times * f[i] * Fraction(reward)
            for j in range(d):
                M[i][j] += times * f[i] * f[j]
    for i in range(d):
        M[i] = [x / M[i][i] for x in M[i]]
        for k in range(d):
            if k != i:
                M[k] = [x - M[k][i] * y for x, y in zip(M[k], M[i], strict=True)]
    inverse = [row[d:] for row in M]
    return inverse, [sum(x * y for x, y in zip(row, b, strict=True)) for row in inverse]


@pytest.mark.parametrize("n", [1, 100, 30_000])
def test_no_error_builds_up_over_nearly_collinear_visits(n):
    """Three features that differ in one part of 64; rows add up exactly, so only the factorisation rounds."""
    phi = np.array([[0.5, 0.5, 0.5], [0.5, 0.5, 0.484375], [0.5, 0.484375, 0.5], [0.25, -0.25, 0.125]])
    times = [n, n // 2 + 1, n // 3 + 1, 1]
    rewards = [0.5, 0.25, 1.0, 0.125]
    columns = np.ascontiguousarray(phi.T)
    columns.setflags(write=False)
    sums = empty_regression(1, 1, 3, 1.0)
    for pair in range(4):
        for _ in range(times[pair]):
            _learn(columns, sums, 0, pair, rewards[pair], 0)
    inverse, w = exact_solution(zip(phi.tolist(), rewards, times, strict=True), 3, 1.0)
    root = np.empty((3, 3))
    _inverse_root(sums.gram[0, :, 0], 1.0, root)
    root = np.tril(root)
    condition = 1.0 + sum(t * float(f @ f) for t, f in zip(times, phi, strict=True))
    eps = np.finfo(float).eps
    scale = float(np.abs(np.array(inverse, dtype=float)).max())
    np.testing.assert_allclose(root.T @ root, np.array(inverse, dtype=float), rtol=0, atol=3 * eps * condition * scale)
    width = np.empty(4)
    _widths(columns, root, np.empty(4), width)
    for pair in range(4):
        f = [Fraction(x) for x in phi[pair].tolist()]
        square = sum(f[i] * inverse[i][j] * f[j] for i in range(3) for j in range(3))
        assert width[pair] == pytest.approx(math.sqrt(square), rel=3 * eps * math.sqrt(condition))
    agent = LSVIUCB(phi[None], 1, episodes=1)
    for pair in range(4):
        for _ in range(times[pair]):
            agent.observe(0, 0, pair, rewards[pair], 0)
    agent.act(0, 0)
    size = max(abs(float(x)) for x in w)
    np.testing.assert_allclose(agent.weights[0], np.array(w, dtype=float), rtol=0, atol=3 * eps * condition * size)


def test_sums_do_not_lose_digits_as_they_grow():
    phi = np.array([[0.1], [-0.7]])
    phi.setflags(write=False)
    sums = empty_regression(2, 3, 2, 1.0)
    n = 20_000
    for _ in range(n):
        _learn(phi, sums, 1, 0, 0.3, 2)
    f = [Fraction(x) for x in phi[:, 0].tolist()]
    assert abs(Fraction(sum([-0.7] * n)) / (n * f[1]) - 1) > 1e-13  # the plain sum
    for i in range(2):
        assert abs(Fraction(sums.reward[1, 0, i]) / (n * f[i] * Fraction(0.3)) - 1) < 3e-16
        assert abs(Fraction(sums.ahead[1, 2, 0, i]) / (n * f[i]) - 1) < 3e-16
        for j in range(i, 2):
            wanted = int(i == j) + n * f[i] * f[j]
            assert abs(Fraction(sums.gram[1, i, 0, j]) / wanted - 1) < 3e-16
    assert not sums.ahead[0].any()
    assert not sums.ahead[1, :2].any()


def test_a_gram_matrix_that_rounding_makes_singular_still_has_a_factor():
    gram = np.array([[1.0, 1.0], [1.0, 1.0 - 2.0**-52]])
    root = np.empty((2, 2))
    _inverse_root(gram, 1e-20, root)
    assert np.isfinite(root).all()
    assert np.tril(root)[1, 1] == 1e10


@pytest.mark.parametrize("noise", ["none", "bernoulli"])
def test_the_agent_is_the_run(noise):
    mdp = random_linear_mdp(4, 3, 3, 3, rng=4)
    model = mdp.to_episodic()
    K = 50
    run = lsvi_ucb(mdp, episodes=K, scale=0.03, reward_noise=noise, rng=np.random.default_rng(9))
    agent = LSVIUCB(mdp.phi, mdp.H, episodes=K, scale=0.03)
    assert agent.beta == run.beta
    rng = np.random.default_rng(9)
    visits = np.zeros_like(run.visits)
    for k in range(K):
        s = naive.draw(mdp.mu0, rng.random())
        for h in range(mdp.H):
            a = agent.act(h, s)
            r = model.r[h, s, a]
            if noise == "bernoulli":
                r = float(rng.random() < r)
            s_next = naive.draw(model.P[h, s, a], rng.random())
            agent.observe(h, s, a, r, s_next)
            visits[h, s, a] += 1
            s = s_next
        assert evaluate(model, agent.policy).value == pytest.approx(run.values[k], abs=1e-12)
    assert np.array_equal(visits, run.visits)
    assert np.array_equal(agent.weights, run.weights)
    assert agent.episode == K


def test_an_episode_may_end_early():
    agent = LSVIUCB(np.eye(4).reshape(2, 2, 4), 3, episodes=200, scale=0.1)
    for _ in range(200):
        a = agent.act(0, 0)
        agent.observe(0, 0, a, 1.0 if a == 1 else 0.0, 1)
    assert agent.act(0, 0) == 1
    assert agent.policy[2].tolist() == [0, 0]  # what was never seen stays tied
    assert agent.act(2, 1) == 0


def test_a_terminated_visit_earns_nothing_more():
    """One feature, three visits of step 0; what follows is worth 1 at step 1 (capped), unless the visit terminated."""
    agents = [LSVIUCB(np.ones((2, 1, 1)), 2, episodes=1, scale=100.0) for _ in range(2)]
    for agent, ends in zip(agents, [(False, False, False), (True, False, True)], strict=True):
        for end in ends:
            agent.observe(0, 0, 0, 0.5, 1, terminated=end)
        agent.act(0, 0)
    assert agents[0].weights[0, 0] == pytest.approx((3 * 0.5 + 3 * 1.0) / 4)
    assert agents[1].weights[0, 0] == pytest.approx((3 * 0.5 + 1 * 1.0) / 4)


@pytest.mark.parametrize("ridge", [1e-8, 1.0, 1e8])
@pytest.mark.parametrize("scale", [0.0, 1e100])
def test_extreme_parameters_give_numbers(ridge, scale):
    """Features of all sizes: a zero one, tiny ones, parallel ones."""
    phi = np.array([[0.0, 0.0], [1e-160, 0.0], [1e-8, 1.0 - 1e-9], [0.0, 1.0], [1.0, 0.0]])[:, None]
    model = random_episodic(5, 1, 2, rng=0)
    run = lsvi_ucb(model, features=phi, episodes=200, ridge=ridge, scale=scale, rng=0)
    assert np.isfinite(run.Q).all()
    assert np.isfinite(run.weights).all()
    assert np.isfinite(run.margin).all()


def test_the_agent_opens_a_lock_in_gymnasium():
    interop = pytest.importorskip("tabular.interop")
    lock = combination_lock(4)
    env = interop.to_gymnasium(lock)
    agent = LSVIUCB(np.eye(10).reshape(5, 2, 10), 4, episodes=300, scale=0.01)
    earned = []
    for k in range(300):
        s, info = env.reset(seed=k)
        over, total = False, 0.0
        while not over:
            h = info["h"]
            a = agent.act(h, s)
            s_next, r, over, _, info = env.step(a)
            agent.observe(h, s, a, r, s_next)
            s, total = s_next, total + r
        earned.append(total)
    assert earned[-30:] == [1.0] * 30
    assert sum(earned[:5]) == 0.0


def test_a_run_is_a_function_of_its_arguments():
    mdp = random_linear_mdp(4, 2, 3, 3, rng=0)
    one, same, other = (lsvi_ucb(mdp, episodes=100, scale=0.02, rng=rng) for rng in (1, 1, 2))
    for field in ("values", "policy", "visits", "weights", "Q", "margin"):
        assert np.array_equal(getattr(one, field), getattr(same, field))
    assert not np.array_equal(one.visits, other.visits)
    short, long = (lsvi_ucb(mdp, episodes=K, bonus="none", rng=1) for K in (40, 100))
    assert np.array_equal(short.values, long.values[:40])


def test_other_features_and_misspecified_ones():
    model = random_episodic(3, 2, 2, rng=0)
    one_hot = np.eye(6).reshape(3, 2, 6)
    a = lsvi_ucb(model, features=one_hot, episodes=50, rng=1)
    b = lsvi_ucb(tabular_as_linear(model), episodes=50, rng=1)
    assert np.array_equal(a.Q, b.Q)
    assert np.array_equal(a.visits, b.visits)
    c = lsvi_ucb(tabular_as_linear(model), features=np.full((3, 2, 1), 0.5), episodes=50, rng=1)
    assert c.weights.shape == (2, 1)
    assert (c.policy == 0).all()  # one feature for all pairs tells nothing apart


def test_the_smallest_problem():
    run = lsvi_ucb(LinearMDP([[[1.0]]], [[1.0]], [1.0], H=1), episodes=3, bonus="none", rng=0)
    assert run.weights[0, 0] == pytest.approx(2 / 3, rel=1e-15)
    assert run.regret.tolist() == [0.0, 0.0, 0.0]


def test_the_width_is_the_published_one():
    assert lsvi_width(3, 4, 100, 0.1) == pytest.approx(12 * math.sqrt(math.log(2 * 3 * 400 / 0.1)))


GOOD = random_linear_mdp(2, 2, 2, 2, rng=0)
CALLS = {
    "episodes is 0": dict(episodes=0),
    "delta is 1": dict(delta=1.0),
    r"ridge is 0.0; it must lie in \[1e-08, inf\]": dict(ridge=0.0),
    "scale is -1": dict(scale=-1.0),
    "bonus is 'off'; choose one of 'published', 'none'": dict(bonus="off"),
    "reward_noise is 'gaussian'": dict(reward_noise="gaussian"),
    "rng is None": dict(rng=None),
    r"features has shape \(2, 1, 2\); .* \(2, 2\) is needed": dict(features=np.zeros((2, 1, 2))),
    r"features\[1, 0\] has norm 1.41421": dict(features=[[[1, 0], [0, 1]], [[1, 1], [0, 0]]]),
    r"features\[0, 1, 1\] is nan": dict(features=[[[1, 0], [0, np.nan]], [[1, 0], [0, 0]]]),
}


@pytest.mark.parametrize("words", list(CALLS))
def test_parameters_out_of_range_are_refused(words):
    with pytest.raises(ParameterError, match=words):
        lsvi_ucb(GOOD, **{"episodes": 5, "rng": 0, **CALLS[words]})


def test_models_that_do_not_fit_are_refused():
    with pytest.raises(ParameterError, match="give the features"):
        lsvi_ucb(GOOD.to_episodic(), episodes=5, rng=0)
    with pytest.raises(ParameterError, match="mdp is a list; give a LinearMDP"):
        lsvi_ucb([1], episodes=5, rng=0)
    with pytest.raises(ParameterError, match=r"rewards from 0 to 2; .* \[0, 1\]"):
        lsvi_ucb(LinearMDP(np.eye(2)[None], [[1.0], [1.0]], [0.0, 2.0], H=1), episodes=5, rng=0)
    agent = LSVIUCB(GOOD.phi, 2, episodes=5)
    with pytest.raises(ParameterError, match="h is 2"):
        agent.act(2, 0)
    with pytest.raises(ParameterError, match="s_next is 2"):
        agent.observe(0, 0, 0, 0.5, 2)
    for reward in (math.nan, -0.5, 1.5):
        with pytest.raises(ParameterError, match=f"r is {reward}"):
            agent.observe(0, 0, 0, reward, 1)


@pytest.mark.compiled
def test_each_kernel_has_one_specialisation():
    lsvi_ucb(GOOD, episodes=2, rng=0, reward_noise="bernoulli", features=np.zeros((2, 2, 1)))
    lsvi_ucb(GOOD.to_episodic(), episodes=2, rng=0, features=GOOD.phi, bonus="none")
    agent = LSVIUCB(GOOD.phi, 2, episodes=5)
    agent.observe(0, 0, agent.act(0, 0), 1, 0)
    for kernel in (_lsvi, _run_lsvi, _learn):
        assert len(kernel.signatures) == 1
