"""Optimal gain and bias against enumeration in fractions, published numbers, linear programs and broken variants."""

from fractions import Fraction

import naive_average
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings

from experiments import instances
from tabular import planning
from tabular.errors import CertificateError, ModelError, NotConverged, ParameterError
from tabular.models import AverageRewardMDP, DiscountedMDP
from tabular.planning.average_reward_arithmetic import FLOAT, RATIONAL, rational_model
from tabular.planning.average_reward_policy_iteration import howard
from tabular.planning.average_reward_programs import multichain_program, weakly_communicating_program
from tabular.planning.average_reward_relative import gain_bounds

TABLES = naive_average.dyadic_tables()


def shifted(plan):
    return [x - plan.bias[0] for x in plan.bias]


@given(TABLES)
def test_exact_gain_and_bias_equal_enumeration(tables):
    P, r = tables
    plan = planning.exact_average_reward(P, r)
    gain, bias = naive_average.optimal_gain_bias(P, r)
    assert plan.gain.tolist() == gain
    assert plan.bias.tolist() == bias


@given(TABLES)
def test_float_policy_iteration_and_its_enclosure_agree_with_fractions(tables):
    P, r = tables
    exact = planning.exact_average_reward(P, r)
    plan = planning.average_reward(AverageRewardMDP(P, r))
    gain, bias = exact.gain.astype(float), exact.bias.astype(float)
    np.testing.assert_allclose(plan.gain, gain, atol=1e-12)
    np.testing.assert_allclose(plan.bias, bias, atol=1e-10 * max(1.0, np.abs(bias).max()))
    assert plan.policy.tolist() == exact.policy.tolist()
    assert (plan.gain_lower <= gain).all()
    assert (gain <= plan.gain_upper).all()
    assert (plan.gain_upper - plan.gain_lower).max() < 1e-9


@given(TABLES)
def test_multichain_program_gives_the_exact_gain(tables):
    P, r = tables
    gain, h = multichain_program(AverageRewardMDP(P, r))
    exact = planning.exact_average_reward(P, r).gain.astype(float)
    np.testing.assert_allclose(gain, exact, atol=1e-7)
    assert ((P @ gain) <= gain[:, None] + 1e-6).all()
    assert (r + P @ h <= (gain + h)[:, None] + 1e-6 * max(1.0, np.abs(h).max())).all()
    assert planning.average_reward(AverageRewardMDP(P, r), method="linear-program").gain == pytest.approx(exact)


@given(TABLES)
def test_relative_value_iteration_encloses_the_exact_gain_where_it_may_run(tables):
    P, r = tables
    mdp = AverageRewardMDP(P, r)
    if planning.maximal_end_components(mdp).count > 1:
        with pytest.raises(ParameterError, match="end components"):
            planning.average_reward(mdp, method="relative-value-iteration")
        return
    exact = planning.exact_average_reward(P, r)
    plan = planning.average_reward(mdp, method="relative-value-iteration", tol=1e-8)
    assert plan.gain_lower[0] <= exact.gain[0] <= plan.gain_upper[0]
    assert plan.gain_upper[0] - plan.gain_lower[0] < 2e-8
    assert weakly_communicating_program(mdp)[0] == pytest.approx(float(exact.gain[0]), abs=1e-7)


@given(TABLES)
def test_any_vector_bounds_the_gain(tables):
    P, r = tables
    gain = planning.exact_average_reward(P, r).gain
    v = np.linspace(-1.0, 2.0, P.shape[0]) ** 3
    lower, upper = gain_bounds(AverageRewardMDP(P, r), v)
    assert lower <= min(gain)
    assert max(gain) <= upper


@given(TABLES)
def test_optimal_values_solve_the_multichain_optimality_equations(tables):
    P, r = tables
    plan = planning.exact_average_reward(P, r)
    S, A = r.shape
    for s in range(S):
        ahead = [sum(Fraction(P[s, a, t]) * plan.gain[t] for t in range(S)) for a in range(A)]
        assert max(ahead) == plan.gain[s]
        values = [Fraction(r[s, a]) + sum(Fraction(P[s, a, t]) * plan.bias[t] for t in range(S)) for a in range(A)]
        assert max(v for v, g in zip(values, ahead, strict=True) if g == max(ahead)) == plan.gain[s] + plan.bias[s]


@given(TABLES)
def test_affine_rewards_and_relabelled_states(tables):
    P, r = tables
    plan = planning.exact_average_reward(P, r)
    changed = planning.exact_average_reward(P, 2 * r + 3)
    assert changed.gain.tolist() == [2 * g + 3 for g in plan.gain]
    assert changed.bias.tolist() == [2 * h for h in plan.bias]
    assert changed.policy.tolist() == plan.policy.tolist()
    order = np.arange(P.shape[0])[::-1]
    renamed = planning.exact_average_reward(P[np.ix_(order, range(P.shape[1]), order)], r[order])
    assert renamed.gain.tolist() == plan.gain[order].tolist()
    assert renamed.bias.tolist() == plan.bias[order].tolist()
    assert renamed.policy.tolist() == plan.policy[order].tolist()


@given(TABLES)
def test_potential_shaping_keeps_gain_and_shifts_the_bias_equation(tables):
    P, r = tables
    phi = np.arange(P.shape[0]) / 2.0
    plan = planning.exact_average_reward(P, r)
    shaped = planning.exact_average_reward(P, r + P @ phi - phi[:, None])
    assert shaped.gain.tolist() == plan.gain.tolist()


@given(naive_average.dyadic_tables(max_actions=3))
def test_another_action_never_lowers_the_gain(tables):
    P, r = tables
    fewer = planning.exact_average_reward(P[:, :1], r[:, :1])
    more = planning.exact_average_reward(P, r)
    assert all(x <= y for x, y in zip(fewer.gain, more.gain, strict=True))


RIVERSWIM = {
    ("osband", 6): ("7203/16805", "106045/7203"),
    ("ucrl3", 6): ("248832/271453", "555245/62208"),
}


@pytest.mark.parametrize(("key", "gain"), [(k, v[0]) for k, v in RIVERSWIM.items()])
def test_riverswim_gain_as_published_in_fractions(key, gain):
    variant, S = key
    plan = planning.exact_average_reward(*instances.riverswim_fractions(S, variant=variant))
    assert set(plan.gain) == {Fraction(gain)}
    assert plan.policy.tolist() == [1] * S


def test_riverswim_bias_and_larger_rivers():
    plan = planning.average_reward(instances.riverswim(6))
    np.testing.assert_allclose(shifted(plan), [0, 0.714371, 2.041059, 3.455222, 4.881880, 6.310324], atol=5e-7)
    for S, variant, gain, span in [
        (12, "osband", 0.428571429005, 14.880952),
        (20, "osband", None, 26.309524),
        (6, "ucrl3", 0.916667, 8.181822),
        (12, "ucrl3", None, 18.181818),
    ]:
        for method in ("policy-iteration", "relative-value-iteration", "linear-program"):
            found = planning.average_reward(instances.riverswim(S, variant=variant), method=method)
            assert found.span == pytest.approx(span, abs=1e-6)
            if gain is not None:
                assert found.scalar_gain == pytest.approx(gain, abs=5e-7 if S == 6 else 5e-13 + 1e-9)


@pytest.mark.parametrize(("delta", "epsilon"), [("1/10", "1/20"), ("1/50", "0"), ("1/3", "1/3")])
def test_two_state_model_in_closed_form(delta, epsilon):
    d, e = Fraction(delta), Fraction(epsilon)
    P = [[[1 - d, d], [1 - d - e, d + e]], [[d, 1 - d], [d, 1 - d]]]
    plan = planning.exact_average_reward(P, [[0, 0], [1, 1]])
    assert plan.gain[0] == (d + e) / (2 * d + e)
    assert plan.span == 1 / (2 * d + e)
    found = planning.average_reward(instances.joa(float(d), float(e)))
    assert found.scalar_gain == pytest.approx(float(plan.gain[0]), rel=1e-13)
    tree = planning.average_reward(instances.joa_tree(3, 2, float(d), float(e)))
    assert tree.scalar_gain == pytest.approx(float(plan.gain[0]), rel=1e-12)


def test_islands_have_a_gain_for_each_shore():
    plan = planning.average_reward(instances.islands())
    assert plan.gain.tolist() == pytest.approx([0.25, 0.25, 0.5, 0.5, 0.5], abs=1e-14)
    assert plan.policy[4] == 1
    assert (plan.gain_upper - plan.gain_lower).max() < 1e-12  # although leaving the sea at once pays 1
    with pytest.raises(ParameterError, match="depends on the state"):
        _ = plan.scalar_gain


def test_without_the_aperiodic_transform_the_two_cycle_never_settles():
    cycle = instances.two_cycle()
    assert planning.average_reward(cycle, method="relative-value-iteration").scalar_gain == pytest.approx(0.5)
    with pytest.raises(NotConverged) as caught:
        planning.average_reward(cycle, method="relative-value-iteration-untransformed", max_sweeps=5000)
    partial = caught.value.partial
    assert partial.gain_upper[0] - partial.gain_lower[0] > 0.9
    assert not partial.converged


def test_bias_optimality_needs_its_own_level():
    # Staying in state 0 and the round trip both have gain 1/2 and are tied in r + P h; only the trip is bias-optimal.
    P = np.zeros((2, 2, 2))
    P[0, 0, 0] = P[0, 1, 1] = 1.0
    P[1, :, 0] = 1.0
    r = np.array([[0.5, 1.0], [0.0, 0.0]])
    best = [Fraction(1, 4), Fraction(-1, 4)]
    assert naive_average.optimal_gain_bias(P, r)[1] == best
    for start in ([0, 0], [1, 0]):
        policy, (gain, bias, _), _ = howard(*rational_model(P, r), np.array(start), RATIONAL)
        assert gain.tolist() == [Fraction(1, 2)] * 2
        assert bias.tolist() == best
        assert policy.tolist() == [1, 0]
    assert planning.gain_bias(AverageRewardMDP(P, r), [0, 0]).bias.tolist() == [0.0, -0.5]


@given(TABLES)
def test_ties_go_to_the_smallest_action_wherever_the_iteration_starts(tables):
    P, r = tables
    doubled = np.concatenate([P, P], axis=1), np.concatenate([r, r], axis=1)
    last = np.full(P.shape[0], doubled[1].shape[1] - 1)
    plan = planning.exact_average_reward(P, r)
    for model, arithmetic in ((rational_model(*doubled), RATIONAL), (doubled, FLOAT)):
        policy, (gain, _, _), _ = howard(*model, last, arithmetic)
        assert policy.tolist() == plan.policy.tolist()
        assert gain.tolist() == pytest.approx(plan.gain.astype(float).tolist(), abs=1e-12)


def test_sparse_model_gives_the_same_answer():
    dense = instances.riverswim(12)
    model = AverageRewardMDP(sp.csr_array(dense.P.reshape(-1, 12)), dense.r)
    for method in ("policy-iteration", "relative-value-iteration", "linear-program"):
        here, there = planning.average_reward(model, method=method), planning.average_reward(dense, method=method)
        np.testing.assert_allclose(here.gain, there.gain, rtol=1e-12)
        np.testing.assert_allclose(here.bias, there.bias, atol=1e-9)


def test_auto_stays_sparse_on_a_large_model():
    S = 3000
    each = np.arange(S)
    ring = sp.csr_array(
        (np.full(2 * S, 0.5), (np.repeat(each, 2), np.stack([each, (each + 1) % S], 1).ravel())), shape=(S, S)
    )
    plan = planning.average_reward(AverageRewardMDP(ring, np.full((S, 1), 0.25)))
    assert plan.method == "relative-value-iteration"
    assert plan.scalar_gain == pytest.approx(0.25)


STORM = {  # rows: state -> list of distributions; published answers of LRA[a] in moves-rwth/storm, LraMdpPrctl tests
    0: [{1: 1}],
    1: [{0: 1}, {2: 1}, {4: "7/10", 6: "3/10"}],
    2: [{0: 1}],
    3: [{4: 1}, {5: "4/5", 9: "1/5"}],
    4: [{3: 1}, {5: 1}],
    5: [{3: 1}],
    6: [{7: 1}],
    7: [{6: 1}, {8: 1}],
    8: [{6: 1}],
    9: [{10: 1}],
    10: [{9: 1}, {11: 1}],
    11: [{9: 1}],
    12: [{5: "2/5", 8: "3/10", 11: "3/10"}],
    13: [{7: "7/10", 12: "3/10"}],
    14: [{12: "1/10", 13: "9/10"}, {12: 1}],
}
LABELLED = (1, 4, 5, 7, 11, 13, 14)


def storm_model(sign):
    S, A = 15, 3
    P = np.full((S, A, S), Fraction(0), dtype=object)
    r = np.full((S, A), Fraction(0), dtype=object)
    for s, choices in STORM.items():
        for a in range(A):
            for t, p in choices[min(a, len(choices) - 1)].items():
                P[s, a, t] = Fraction(p)
        r[s] = Fraction(sign if s in LABELLED else 0)
    return P, r


def test_long_run_averages_published_by_storm():
    most = planning.exact_average_reward(*storm_model(1)).gain
    least = -planning.exact_average_reward(*storm_model(-1)).gain
    wanted = {0: "37/60", 3: "2/3", 6: "1/2", 9: "1/3", 12: "31/60", 13: "101/200", 14: "31/60"}
    assert {s: most[s] for s in wanted} == {s: Fraction(x) for s, x in wanted.items()}
    wanted = {0: "1/10", 3: "0", 6: "1/3", 9: "0", 12: "1/10", 13: "79/300", 14: "1/10"}
    assert {s: least[s] for s in wanted} == {s: Fraction(x) for s, x in wanted.items()}
    P, r = storm_model(1)
    for method in ("policy-iteration", "linear-program"):
        found = planning.average_reward(AverageRewardMDP(P.astype(float), r.astype(float)), method=method)
        np.testing.assert_allclose(found.gain, most.astype(float), atol=1e-12)


@pytest.mark.parametrize(("label", "most", "least"), [((2,), "1/3", "0"), ((0,), "1/2", "1/3"), ((0, 2), "2/3", "1/2")])
def test_three_state_cycle_with_a_choice_published_by_storm(label, most, least):
    P = np.zeros((3, 2, 3))
    P[0, :, 1] = P[1, 0, 0] = P[1, 1, 2] = P[2, :, 0] = 1.0
    r = np.zeros((3, 2))
    r[list(label)] = 1.0
    assert set(planning.exact_average_reward(P, r).gain) == {Fraction(most)}
    assert set(planning.exact_average_reward(P, -r).gain) == {-Fraction(least)}


def discounted_span(P, r, gamma):
    return np.ptp(planning.policy_iteration(DiscountedMDP(P, r, gamma)).V)


def test_span_of_discounted_values_is_within_twice_but_not_once_the_span_of_the_bias():
    rng = np.random.default_rng(0)
    ratios = []
    for _ in range(300):
        S, A = int(rng.integers(2, 6)), int(rng.integers(1, 4))
        mdp = instances.random_average_reward(S, A, alpha=0.1, rng=rng)
        if not planning.classify(mdp).weakly_communicating:
            continue
        span = planning.average_reward(mdp).span
        for gamma in (0.5, 0.9):
            ratios.append(discounted_span(mdp.P, mdp.r, gamma) / span)
    assert max(ratios) <= 2.0 + 1e-9
    assert max(ratios) > 1.0 + 1e-3


def test_refusals_name_the_offence():
    mdp = instances.two_cycle()
    with pytest.raises(ParameterError, match="method"):
        planning.average_reward(mdp, method="magic")
    river = instances.riverswim(6)
    with pytest.raises(ModelError, match=r"P\[1, 1\] sums to 1"):
        planning.exact_average_reward(river.P, river.r)
    assert planning.exact_average_reward(river.P, river.r, max_denominator=1000).gain[0] == Fraction(7203, 16805)
    with pytest.raises(ModelError, match="rational number"):
        planning.exact_average_reward([[["x"]]], [[0]])
    with pytest.raises(ModelError, match="must be >= 0"):
        planning.exact_average_reward([[[2, -1]], [[0, 1]]], [[0], [0]])


def test_a_program_that_lies_is_caught(monkeypatch):
    import scipy.optimize

    honest = scipy.optimize.linprog

    def lying(*args, **options):
        answer = honest(*args, **options)
        answer.x = answer.x - 0.01 * (np.arange(answer.x.size) == 0)
        return answer

    monkeypatch.setattr(scipy.optimize, "linprog", lying)
    with pytest.raises(CertificateError, match="violated"):
        planning.average_reward(instances.riverswim(6), method="linear-program")


@settings(max_examples=20)
@given(TABLES)
def test_unpacking_and_read_only_inputs(tables):
    P, r = tables
    before = P.copy(), r.copy()
    gain, bias, policy, span = planning.average_reward(AverageRewardMDP(P, r))
    assert gain.shape == bias.shape == policy.shape == (P.shape[0],)
    assert span == np.ptp(bias)
    np.testing.assert_array_equal(P, before[0])
    np.testing.assert_array_equal(r, before[1])
