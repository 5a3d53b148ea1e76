"""Named instances: the properties that their docstrings promise."""

import math

import numpy as np
import pytest

from experiments import instances
from tabular import planning
from tabular.errors import ParameterError


@pytest.mark.parametrize("variant", ["osband", "ucrl3"])
@pytest.mark.parametrize("S", [2, 3, 6])
def test_riverswim_floats_are_the_nearest_to_its_fractions(S, variant):
    P, r = instances.riverswim_fractions(S, variant=variant)
    assert all(sum(row) == 1 for row in P.reshape(-1, S))
    river = instances.riverswim(S, variant=variant)
    np.testing.assert_array_equal(river.P, P.astype(float))
    np.testing.assert_array_equal(river.r, r.astype(float))
    assert river.mu0[0] == 1.0
    assert river.row_error < 3e-16


@pytest.mark.parametrize("N", [1, 2, 5, 10])
@pytest.mark.parametrize("grid", [False, True])
def test_deep_sea_pays_only_an_unbroken_dive(N, grid):
    sea = instances.deep_sea(N, grid=grid)
    assert (N, N * N if grid else N) == (sea.H, sea.S)
    plan = planning.backward_induction(sea)
    assert plan.value == pytest.approx(0.99)
    last = sea.S - 1  # the rightmost column of the lowest row
    assert sea.P[0, last, 0, max(last - 1, last - N + 1)] == sea.P[0, last, 1, last] == 1.0
    uniform = np.full((N, sea.S, 2), 0.5)
    assert planning.evaluate(sea, uniform).value == pytest.approx(2.0**-N - 0.005)


@pytest.mark.parametrize(("H", "A"), [(1, 2), (4, 2), (3, 3)])
def test_lock_opens_to_its_code_only(H, A):
    code = np.arange(H) % A
    for lock, digits in [
        (instances.combination_lock(H, A), [A - 1] * H),
        (instances.combination_lock(H, A, code=code), code),
    ]:
        assert planning.backward_induction(lock).value == pytest.approx(1.0)
        assert planning.evaluate(lock, np.full((H, H + 1, A), 1 / A)).value == pytest.approx(float(A) ** -H)
        assert planning.backward_induction(lock).policy[np.arange(H), np.arange(H)].tolist() == list(digits)
    with pytest.raises(ParameterError, match="code"):
        instances.combination_lock(H, A, code=[A] * H)


@pytest.mark.parametrize("n", [1, 2, 10, 30])
def test_slow_reachability_is_a_half_everywhere(n):
    chain = instances.slow_reachability(n)
    gain = planning.average_reward(chain).gain
    np.testing.assert_allclose(gain, [0.5] * n + [1.0, 0.0], atol=1e-13)
    v = chain.r[:, 0].copy()
    for k in range(1, n):
        after = np.maximum(chain.r[:, 0], chain.P[:, 0] @ v)
        assert after[0] == 0.0
        assert np.abs(after - v).max() <= 2.0**-k
        v = after


@pytest.mark.parametrize("n", [2, 5, 12])
def test_haddad_monmege_is_symmetric(n):
    gain = planning.average_reward(instances.haddad_monmege(n)).gain
    np.testing.assert_allclose(gain + gain[::-1], 1.0, atol=1e-12)
    assert gain[n] == pytest.approx(0.5)
    assert (np.diff(gain) > 0).all()


def test_tree_of_two_state_models_has_one_better_copy():
    tree = instances.joa_tree(4, 2, 0.1, 0.05)
    assert (tree.S, tree.A) == (8, 5)
    plain = instances.joa_tree(4, 2, 0.1, 0.0)
    assert planning.average_reward(plain).scalar_gain == pytest.approx(0.5)
    np.testing.assert_array_equal(np.argwhere(tree.P != plain.P), [[3, 1, 3], [3, 1, 7]])
    assert planning.average_reward(tree).scalar_gain == pytest.approx(0.15 / 0.25)
    assert planning.classify(tree).communicating
    assert planning.hitting_times(instances.joa(0.05, 0.0)).max() == pytest.approx(20.0)


def test_minimax_bandits_differ_in_one_arm():
    family = instances.minimax_bandits(4, 0.1)
    assert [int(b.means.argmax()) for b in family] == [0, 1, 2, 3]
    assert all(b.means[0] == 0.1 and (b.means[1:] > 0).sum() <= 1 for b in family)
    with pytest.raises(ParameterError, match="gap"):
        instances.minimax_bandits(4, 0.6)


@pytest.mark.parametrize("alpha", [1e-3, 0.1, 1.0, 50.0])
def test_random_rows_sum_to_one_to_the_last_bits(alpha):
    for width in (9, 500):
        wide = instances.dirichlet_rows((200, width), alpha, 0)
        assert max(abs(1 - math.fsum(row)) for row in wide) <= 2.0**-53
    rows = instances.dirichlet_rows((400, 9), alpha, 0)
    assert rows.min() >= 0.0
    np.testing.assert_allclose(rows.mean(axis=0), 1 / 9, atol=0.1)


def test_random_models_are_functions_of_their_seed():
    for make in (
        lambda rng: instances.random_average_reward(4, 2, rng=rng),
        lambda rng: instances.random_discounted(4, 2, 0.9, rng=rng),
        lambda rng: instances.random_episodic(4, 2, 3, rng=rng),
        lambda rng: instances.random_episodic(4, 2, 3, rng=rng, stationary=True),
    ):
        assert make(1).fingerprint() == make(1).fingerprint() != make(2).fingerprint()
        assert make(1).row_error < 5e-16
    assert instances.random_episodic(4, 2, 3, rng=1, stationary=True).stationary
