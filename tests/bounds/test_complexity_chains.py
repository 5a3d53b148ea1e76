"""Times of chains and models: closed forms, exact fractions, enumeration of policies, periodic and reducible chains."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounds import complexity
from experiments import instances
from tabular import planning
from tabular.errors import ModelError, ParameterError
from tabular.models import AverageRewardMDP, EpisodicMDP
from tabular.testing import average_reward_mdps

RIGHT = np.ones(6, dtype=int)


def cycle_walk(n):
    P = np.zeros((n, n))
    for i in range(n):
        P[i, (i + 1) % n] += 0.5
        P[i, (i - 1) % n] += 0.5
    return P


def path_walk(n):
    P = np.zeros((n + 1, n + 1))
    for i in range(n + 1):
        P[i, min(i + 1, n)] += 0.5
        P[i, max(i - 1, 0)] += 0.5
    P[0], P[n] = np.eye(n + 1)[1], np.eye(n + 1)[n - 1]
    return P


def two_state(p, q):
    return np.array([[1 - p, p], [q, 1 - q]])


@pytest.mark.parametrize(("p", "q"), [(0.25, 0.5), (0.125, 0.125), (1.0, 0.5), (0.75, 1.0)])
def test_two_states_in_closed_form(p, q):
    P = two_state(p, q)
    law = complexity.stationary_law(P, max_denominator=8)
    assert law.exact
    assert law.value.tolist() == [Fraction(q) / Fraction(p + q), Fraction(p) / Fraction(p + q)]
    np.testing.assert_allclose(complexity.stationary_law(P).value.astype(float), law.value.astype(float), rtol=1e-14)
    assert complexity.kemeny_constant(P, max_denominator=8).value == Fraction(1) / Fraction(p + q)
    found = complexity.kemeny_constant(P)
    assert found.lower <= 1 / (p + q) <= found.upper
    assert found.width < 1e-12
    assert complexity.spectral_gap(P) == pytest.approx(1 - abs(1 - p - q), abs=1e-12)
    front, ratio = max(p, q) / (p + q), abs(1 - p - q)
    for eps in (0.25, 0.01):
        time = next(t for t in itertools.count() if front * ratio**t <= eps)
        assert complexity.mixing_time(P, eps=eps).value == time
    cut = complexity.cheeger_constant(P)
    assert cut.lower <= max(p, q) <= cut.upper  # the rarer state is left with the larger probability


@pytest.mark.parametrize("n", [3, 4, 8, 9])
def test_walk_on_a_cycle(n):
    P = cycle_walk(n)
    times = complexity.mean_hitting_times(P, max_denominator=2)
    assert times.exact
    assert times.value.max() == n**2 // 4
    assert complexity.mean_hitting_times(P).value.max() == pytest.approx(n**2 // 4)
    gap = complexity.spectral_gap(P)
    assert gap == (0.0 if n % 2 == 0 else pytest.approx(1 - math.cos(math.pi / n), abs=1e-12))
    assert 1 - np.sort(np.linalg.eigvalsh(P))[-2] == pytest.approx(1 - math.cos(2 * math.pi / n))
    cut = complexity.cheeger_constant(P)
    half = n // 2
    assert cut.value == pytest.approx(1 / half)
    assert len(cut.witness) == half


@pytest.mark.parametrize("n", [1, 2, 7])
def test_reflecting_path_takes_the_square_of_its_length(n):
    assert complexity.mean_hitting_times(path_walk(n), max_denominator=2).value[0, n] == n**2


def test_optimal_chain_of_riverswim():
    river = instances.riverswim(6)
    assert complexity.second_eigenvalue_modulus(river, RIGHT) == pytest.approx(0.805420, abs=5e-7)
    assert complexity.mixing_time(river, RIGHT).value == 13
    exact = complexity.kemeny_constant(river, RIGHT, max_denominator=1000)
    assert exact.value == Fraction(42025, 3361)
    found = complexity.kemeny_constant(river, RIGHT)
    assert found.lower <= exact.value <= found.upper
    assert float(exact.value) == pytest.approx(12.503719, abs=5e-7)


@pytest.mark.parametrize("P", [cycle_walk(4), two_state(1.0, 1.0), np.roll(np.eye(5), 1, axis=1)])
def test_a_periodic_chain_has_no_gap_and_never_mixes(P):
    assert complexity.second_eigenvalue_modulus(P) == 1.0
    assert complexity.spectral_gap(P) == 0.0
    found = complexity.mixing_time(P)
    assert found.lower == found.upper == np.inf
    assert complexity.kemeny_constant(P).upper < np.inf
    assert complexity.stationary_law(P, max_denominator=10).value.tolist() == [Fraction(1, len(P))] * len(P)


def lazy_cycle(n):
    return 0.5 * np.eye(n) + 0.5 * np.roll(np.eye(n), 1, axis=1)


@pytest.mark.parametrize(
    ("P", "gap"),
    [
        (two_state(0.25, 0.5), 0.75),
        (two_state(0.5, 0.5), 1.0),
        (cycle_walk(9), 1 - math.cos(math.pi / 9)),
        (cycle_walk(6), 0.0),
        (np.eye(3), 0.0),
        (np.ones((1, 1)), 1.0),
        (lazy_cycle(5), 1 - math.cos(math.pi / 5)),
        (lazy_cycle(12), 1 - math.cos(math.pi / 12)),
    ],
)
def test_gaps_are_enclosed(P, gap):
    found = complexity.absolute_spectral_gap(P)
    assert found.lower - 1e-15 <= gap <= found.upper + 1e-15
    assert found.width < 1e-6
    if gap == 0.0:
        assert found.upper == 0.0


@given(st.integers(0, 2**16), st.integers(2, 6), st.sampled_from([0.05, 0.3, 1.0]))
def test_enclosed_gaps_contain_the_computed_ones(seed, n, alpha):
    rng = np.random.default_rng(seed)
    P = 0.95 * instances.dirichlet_rows((n, n), alpha, rng) + 0.05 / n
    found = complexity.absolute_spectral_gap(P)
    assert found.lower - 1e-9 <= complexity.spectral_gap(P) <= found.upper + 1e-9
    assert found.width < 0.1


def test_reducible_chains():
    two = np.eye(2)
    assert complexity.spectral_gap(two) == 0.0
    for measure in (complexity.stationary_law, complexity.kemeny_constant, complexity.cheeger_constant):
        with pytest.raises(ModelError, match="recurrent classes"):
            measure(two)
    assert complexity.mean_hitting_times(two).upper[0, 1] == np.inf
    drain = np.array([[0.5, 0.5], [0.0, 1.0]])
    assert complexity.stationary_law(drain).value.tolist() == [0.0, 1.0]
    with pytest.raises(ModelError, match="state 0 is transient"):
        complexity.kemeny_constant(drain)
    assert complexity.cheeger_constant(drain).value == np.inf
    assert complexity.kemeny_constant(np.ones((1, 1))).value == 0.0


def narrowest(P):
    """Cheeger's constant by subsets of Python."""
    law = planning.stationary_distribution(P)
    best = math.inf
    for size in range(1, len(P)):
        for part in itertools.combinations(range(len(P)), size):
            rest = [j for j in range(len(P)) if j not in part]
            mass = law[list(part)].sum()
            if 0 < mass <= 0.5 + 1e-12:
                best = min(best, sum(law[i] * P[i, j] for i in part for j in rest) / mass)
    return best


@given(st.integers(0, 2**16), st.integers(2, 6))
def test_cheeger_by_subsets_and_by_eigenvector(seed, n):
    rng = np.random.default_rng(seed)
    P = 0.9 * instances.dirichlet_rows((n, n), 0.3, rng) + 0.1 / n
    found, truth = complexity.cheeger_constant(P), narrowest(P)
    assert found.lower <= truth * (1 + 1e-12)
    assert truth <= found.upper * (1 + 1e-12)
    assert found.width < 1e-10
    wide = complexity.cheeger_constant(P, max_states=1)
    assert wide.lower <= truth * (1 + 1e-9)
    assert truth <= wide.upper * (1 + 1e-9)
    part = wide.witness
    law = planning.stationary_distribution(P)
    rest = np.setdiff1d(np.arange(n), part)
    assert (law[part, None] * P[np.ix_(part, rest)]).sum() / law[part].sum() == pytest.approx(wide.upper)


@settings(max_examples=40)
@given(average_reward_mdps(max_states=3, max_actions=2))
def test_worst_policies_by_enumeration(mdp):
    chains = [mdp.dense_P()[np.arange(mdp.S), list(choice)] for choice in itertools.product(range(mdp.A), repeat=mdp.S)]
    mixing, hitting = [], []
    for P in chains:
        one = planning.recurrent_classes(P).max() == 0
        mixing.append(complexity.mixing_time(P).lower if one else np.inf)
        hitting.append(complexity.mean_hitting_times(P).upper.max())
    found = complexity.worst_policy_mixing_time(mdp)
    assert found.lower <= max(mixing) <= found.upper
    assert found.lower == found.upper or found.upper < np.inf
    bounded = complexity.worst_policy_mixing_time(mdp, max_policies=1)
    assert bounded.lower <= max(mixing) <= bounded.upper
    longest = complexity.worst_policy_hitting_time(mdp)
    if max(hitting) == np.inf:
        assert longest.lower == np.inf
    else:
        assert longest.lower <= max(hitting) * (1 + 1e-9)
        assert max(hitting) <= longest.upper * (1 + 1e-9)
        assert longest.width <= 1e-6 * longest.upper + 1e-9


def test_worst_over_policies_tries_all_or_none():
    mdp = instances.random_average_reward(4, 2, rng=3)
    chains = [mdp.dense_P()[np.arange(4), list(choice)] for choice in itertools.product(range(2), repeat=4)]
    values = [complexity.kemeny_constant(P).value for P in chains]
    found = complexity.worst_over_policies(mdp, complexity.kemeny_constant)
    assert found.value == pytest.approx(max(values))
    assert complexity.kemeny_constant(mdp, found.witness).value == pytest.approx(max(values))
    least = complexity.worst_over_policies(mdp, complexity.kemeny_constant, least=True)
    assert least.value == pytest.approx(min(values))
    with pytest.raises(ParameterError, match="16 policies"):
        complexity.worst_over_policies(mdp, complexity.kemeny_constant, max_policies=15)


def test_the_worst_policy_of_riverswim_mixes_slowly_and_its_bounds_hold():
    river = instances.riverswim(6)
    found = complexity.worst_policy_mixing_time(river)
    assert found.exact
    assert found.value == 22624 == complexity.mixing_time(river, found.witness).value
    assert complexity.worst_policy_mixing_time(river, max_policies=63).upper == np.inf
    assert complexity.worst_policy_hitting_time(river).value == np.inf


def directed_cycle(n):
    return AverageRewardMDP(np.roll(np.eye(n), 1, axis=1)[:, None, :], np.zeros((n, 1)))


def test_diameters_and_spans_in_closed_form():
    for n in (2, 5, 12):
        assert complexity.diameter(directed_cycle(n), max_denominator=10).value == n - 1
    for delta, epsilon in ((Fraction(1, 8), Fraction(1, 16)), (Fraction(1, 4), Fraction(0))):
        chain = instances.joa(float(delta), float(epsilon))
        # the better action reaches the rich state sooner, but leaving it takes 1/delta
        assert complexity.diameter(chain, max_denominator=100).value == 1 / delta
        assert complexity.bias_span(chain, max_denominator=100).value == 1 / (2 * delta + epsilon)
    assert complexity.bias_span(instances.riverswim(6)).value == pytest.approx(6.310324, abs=5e-7)
    assert complexity.bias_span(instances.riverswim(6, variant="ucrl3")).value == pytest.approx(8.181822, abs=5e-7)
    times = complexity.one_way_times(directed_cycle(4), max_denominator=1).value
    assert times.tolist() == [[(t - s) % 4 for t in range(4)] for s in range(4)]


@given(average_reward_mdps(max_states=4, max_actions=3), st.integers(0, 2**16))
def test_times_ignore_rewards_and_names_and_shrink_with_actions(mdp, seed):
    rng = np.random.default_rng(seed)
    P = mdp.dense_P()
    found = complexity.one_way_times(mdp)
    exact = complexity.one_way_times(mdp, max_denominator=64).value.astype(float)
    assert (found.lower <= exact * (1 + 1e-12)).all()
    assert (exact <= found.upper * (1 + 1e-12)).all()
    states = rng.permutation(mdp.S)
    other = AverageRewardMDP(P[states][:, rng.permutation(mdp.A)][:, :, states], rng.normal(size=mdp.r.shape))
    renamed = complexity.one_way_times(other, max_denominator=64).value.astype(float)
    np.testing.assert_array_equal(renamed, exact[np.ix_(states, states)])
    fewer = complexity.one_way_times(AverageRewardMDP(P[:, :1], mdp.r[:, :1]), max_denominator=64).value.astype(float)
    assert (exact <= fewer * (1 + 1e-12)).all()
    assert complexity.diameter(mdp).upper == found.upper.max()


@given(average_reward_mdps(max_states=4, max_actions=2), st.integers(1, 5))
def test_value_spans_of_steps(mdp, H):
    model = EpisodicMDP(mdp.dense_P(), mdp.r, mdp.mu0, H=H)
    found = complexity.value_span(model)
    V = planning.backward_induction(model).V[:-1]
    assert (found.lower <= np.ptp(V, axis=1)).all()
    assert (np.ptp(V, axis=1) <= found.upper).all()
    assert found.width < 1e-12
    assert (found.lower <= np.ptp(mdp.r) * np.arange(H, 0, -1)).all()


def test_refusals_of_chains():
    with pytest.raises(ModelError, match="sums to"):
        complexity.kemeny_constant(np.array([[0.5, 0.4], [0.5, 0.5]]))
    with pytest.raises(ParameterError, match="max_states"):
        complexity.cheeger_constant(np.eye(1), max_states=30)
    with pytest.raises(ParameterError, match="eps"):
        complexity.worst_policy_mixing_time(instances.riverswim(3), eps=1.0)
