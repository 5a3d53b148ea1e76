"""The six one-step operators: enclosed by their own duals and distributions in 60 digits, and by foreign solvers."""

import math

import mpmath as mp
import naive_robust as naive
import numpy as np
import pytest
import scipy.optimize
from hypothesis import given
from hypothesis import strategies as st

from tabular import ParameterError
from tabular.planning import smallest_expectation, worst_case

KINDS = ("tv", "kl", "chi2")
FORMS = ("penalty", "radius")
EPS = 2.0**-52
each_operator = pytest.mark.parametrize(("kind", "form"), [(k, f) for k in KINDS for f in FORMS])


def solve(kind, form, v, q, level, support=False):
    return worst_case(v, q, divergence=kind, support=support, **{form: level})


def precision(v, q, kind="tv", support=False):
    """The error that `worst_case` promises."""
    v, q = np.asarray(v), np.asarray(q)
    seen = v[q > 0]
    low = v.min() if kind == "tv" and not support else seen.min()
    return (4 * (len(v) + 8) * (seen.max() - low) + np.abs(v).max()) * EPS


def draw_problem(rng):
    """Distribution with zeros and tiny entries; values with ties, offsets and any scale; a level of either form."""
    S = int(rng.integers(1, 9))
    q = rng.dirichlet(np.full(S, rng.choice([0.05, 0.3, 1.0, 10.0])))
    if rng.random() < 0.35:
        q[rng.random(S) < 0.4] = 0.0
    if rng.random() < 0.15:
        q[rng.integers(S)] = 10.0 ** -rng.integers(10, 290)
    q = q / q.sum() if q.sum() > 0.0 else np.eye(S)[0]
    q[q < 1e-300] = 0.0
    v = rng.random(S) * 10.0 ** rng.integers(-3, 4)
    shape = rng.random()
    if shape < 0.25:
        v = np.round(4.0 * v) / 4.0
    elif shape < 0.35:
        v = v + 1e6
    elif shape < 0.45:
        v = v * 10.0 ** -rng.integers(0, 17, S)
    elif shape < 0.5:
        v = np.full(S, v[0])
    return v, q, 10.0 ** (rng.uniform(-8.0, 8.0) if rng.random() < 0.5 else rng.uniform(-1.5, 0.5))


@st.composite
def problems(draw):
    return draw_problem(np.random.default_rng(draw(st.integers(0, 2**32))))


@each_operator
def test_it_is_the_optimum_to_the_promised_digits(kind, form):
    rng = np.random.default_rng(KINDS.index(kind) * 2 + FORMS.index(form))
    for _ in range(150):
        v, q, level = draw_problem(rng)
        if form == "penalty":
            level *= max(np.ptp(v), 1e-3)
        support = bool(rng.random() < 0.3)
        found = solve(kind, form, v, q, level, support)
        exact = naive.optimum(kind, v, q, support=support, **{form: level}, digits=200)
        assert abs(float(mp.mpf(found.value) - exact)) <= precision(v, q, kind, support)


@each_operator
def test_500_duals_equal_their_primals(kind, form):
    """The spec's instances: the dual function at ``dual`` and the objective of ``distribution`` close on ``value``."""
    rng = np.random.default_rng(1)
    for trial in range(500):
        S = int(rng.integers(2, 9))
        q = rng.dirichlet(np.ones(S))
        if trial % 3 == 0:
            q[rng.integers(S)] = 0.0
            q /= q.sum()
        v, level = 3.0 * rng.random(S), rng.uniform(0.05, 2.0)
        found = solve(kind, form, v, q, level)
        low, high = naive.enclosure(kind, v, q, found, **{form: level})
        assert -1e-13 <= float(found.value - low) <= 1e-13
        assert -1e-13 <= float(high - found.value) <= 1e-13
        assert found.distribution.min() >= 0.0
        assert found.distribution.sum() == pytest.approx(1.0, abs=1e-15 * (S + 4))


@pytest.mark.parametrize("form", FORMS)
def test_total_variation_against_linear_programs(form):
    rng = np.random.default_rng(2)
    for trial in range(60):
        S = int(rng.integers(2, 9))
        q = rng.dirichlet(np.ones(S))
        if trial % 3 == 0:
            q[rng.integers(S)] = 0.0
            q /= q.sum()
        v, level, support = 3.0 * rng.random(S), rng.uniform(0.05, 2.0), trial % 2 == 1
        price = level if form == "penalty" else 0.0
        cost = np.concatenate([v, np.full(S, price)])  # mu, and t >= mu - q: the mass moved in
        upper = np.hstack([np.eye(S), -np.eye(S)])
        right = q
        if form == "radius":
            upper = np.vstack([upper, np.concatenate([np.zeros(S), np.ones(S)])])
            right = np.append(q, level)
        bounds = [(0.0, 0.0 if support and p == 0.0 else None) for p in q] + [(0.0, None)] * S
        total = np.concatenate([np.ones(S), np.zeros(S)])[None]
        answer = scipy.optimize.linprog(cost, upper, right, total, [1.0], bounds)
        assert solve("tv", form, v, q, level, support).value == pytest.approx(answer.fun, abs=1e-9)


@pytest.mark.parametrize("kind", ["kl", "chi2"])
@pytest.mark.parametrize("form", FORMS)
def test_a_conic_solver_agrees(kind, form):
    import cvxpy as cp

    rng = np.random.default_rng(3)
    for trial in range(8):
        q, v, level = rng.dirichlet(np.ones(5)), 3.0 * rng.random(5), rng.uniform(0.05, 1.0)
        if trial % 2:
            q[int(np.argmin(v))] = 0.0
            q /= q.sum()
        seen = q > 0.0
        p = cp.Variable(int(seen.sum()), nonneg=True)
        spread = (
            cp.sum(cp.rel_entr(p, q[seen])) if kind == "kl" else cp.sum(cp.multiply(1 / q[seen], (p - q[seen]) ** 2))
        )
        cost, rules = p @ v[seen], [cp.sum(p) == 1.0]
        if form == "penalty":
            cost = cost + level * spread
        else:
            rules.append(spread <= level)
        problem = cp.Problem(cp.Minimize(cost), rules)
        problem.solve(solver=cp.CLARABEL)
        assert solve(kind, form, v, q, level).value == pytest.approx(problem.value, abs=1e-6)


@given(problems(), st.sampled_from(KINDS), st.sampled_from(FORMS), st.booleans())
def test_between_the_smallest_value_and_the_mean(problem, kind, form, support):
    v, q, level = problem
    found, slack = solve(kind, form, v, q, level, support), precision(v, q)
    low = v.min() if kind == "tv" and not support else v[q > 0].min()
    assert low <= found.value <= q @ v + slack
    p = found.distribution
    assert p.min() >= 0.0
    assert p.sum() == pytest.approx(1.0, abs=1e-14)
    assert (
        (p @ v <= found.value + slack) if form == "penalty" else (p @ v == pytest.approx(found.value, abs=64 * slack))
    )
    if kind != "tv" or support:
        assert not p[q == 0.0].any()
    if kind != "kl":
        assert low <= found.dual <= v.max()


@given(problems(), st.sampled_from(KINDS), st.sampled_from(FORMS), st.floats(-10.0, 10.0))
def test_shifts_pass_through_and_names_do_not_matter(problem, kind, form, shift):
    v, q, level = problem
    found = solve(kind, form, v, q, level).value
    slack = precision(v, q) + precision(v + shift, q) + EPS * 10.0
    assert solve(kind, form, v + shift, q, level).value == pytest.approx(found + shift, abs=slack)
    order = np.random.default_rng(0).permutation(len(v))
    assert solve(kind, form, v[order], q[order], level).value == pytest.approx(found, abs=2 * precision(v, q))
    times = 2.0 * level if form == "penalty" else level
    assert solve(kind, form, 2.0 * v, q, times).value == pytest.approx(2.0 * found, abs=4 * precision(v, q))


@given(problems(), st.sampled_from(KINDS), st.sampled_from(FORMS), st.integers(0, 2**32), st.floats(0.0, 1.0))
def test_monotone_lipschitz_and_concave(problem, kind, form, seed, share):
    v, q, level = problem
    other = v + np.random.default_rng(seed).normal(size=len(v)) * max(np.ptp(v), 1e-3)
    slack = 2 * (precision(v, q) + precision(other, q))
    a, b = solve(kind, form, v, q, level).value, solve(kind, form, other, q, level).value
    upper = solve(kind, form, np.maximum(v, other), q, level).value
    assert max(a, b) <= upper + slack
    assert abs(a - b) <= np.abs(v - other).max() + slack
    middle = solve(kind, form, share * v + (1.0 - share) * other, q, level).value
    assert middle >= share * a + (1.0 - share) * b - slack


@given(problems(), st.sampled_from(KINDS))
def test_a_higher_price_and_a_smaller_ball_help(problem, kind):
    v, q, level = problem
    slack = 2 * precision(v, q)
    assert solve(kind, "penalty", v, q, 0.5 * level).value <= solve(kind, "penalty", v, q, level).value + slack
    assert solve(kind, "radius", v, q, level).value <= solve(kind, "radius", v, q, 0.5 * level).value + slack
    assert solve(kind, "radius", v, q, 0.0).value == pytest.approx(q @ v, abs=slack)
    assert solve(kind, "penalty", v, q, 1e300).value == pytest.approx(q @ v, abs=slack)
    low = v.min() if kind == "tv" else v[q > 0].min()
    assert solve(kind, "radius", v, q, 1e305).value == low
    assert solve(kind, "penalty", v, q, 1e-300).value == pytest.approx(low, abs=slack)


@given(problems(), st.sampled_from(KINDS))
def test_the_constrained_operator_is_the_best_price(problem, kind):
    """Lagrange: no price beats the constrained value, and the price of the minimiser attains it."""
    v, q, radius = problem
    found = solve(kind, "radius", v, q, radius)
    slack = 8 * precision(v, q)
    for price in np.geomspace(1e-3, 1e3, 7) * max(np.ptp(v), 1e-3):
        assert solve(kind, "penalty", v, q, price).value - price * radius <= found.value + slack + 4 * EPS * price
    if kind == "kl" and 0.0 < found.dual < math.inf:
        attained = solve(kind, "penalty", v, q, found.dual).value - found.dual * radius
        assert attained == pytest.approx(found.value, abs=slack + 4 * EPS * found.dual * radius)


@given(problems())
def test_total_variation_is_half_the_l1_ball(problem):
    v, q, radius = problem
    bound = smallest_expectation(q, v, radius=2.0 * radius, ball="l1").value
    assert solve("tv", "radius", v, q, radius).value == pytest.approx(bound, abs=2 * precision(v, q))


def test_the_kl_ball_is_not_that_of_smallest_expectation():
    q, v = [0.9, 0.1], [1.0, 0.0]
    forward = solve("kl", "radius", v, q, 0.3).value
    assert naive.divergence("kl", [forward, 1.0 - forward], q) == pytest.approx(0.3, abs=1e-12)
    assert abs(smallest_expectation(q, v, radius=0.3).value - forward) > 0.02


def test_unvisited_states_attract_only_total_variation():
    v, q = [0.0, 1.0, 2.0], [0.0, 0.5, 0.5]
    assert solve("tv", "penalty", v, q, 0.5).value == 0.5
    assert solve("tv", "penalty", v, q, 0.5, support=True).value == 1.25
    assert solve("tv", "radius", v, q, 0.25).distribution.tolist() == [0.25, 0.5, 0.25]
    assert solve("tv", "radius", v, q, 0.25, support=True).distribution.tolist() == [0.0, 0.75, 0.25]
    assert solve("kl", "radius", v, q, 9.0).value == solve("chi2", "radius", v, q, 9.0).value == 1.0


def test_dropping_the_truncation_of_chi2_overshoots_below_the_primal():
    v, q, price = np.array([0.0, 1.0, 3.0]), np.array([0.2, 0.5, 0.3]), 0.1
    untruncated = q @ v - (q @ v**2 - (q @ v) ** 2) / (4.0 * price)
    assert untruncated < v.min() < solve("chi2", "penalty", v, q, price).value
    dear = 10.0
    untruncated = q @ v - (q @ v**2 - (q @ v) ** 2) / (4.0 * dear)
    assert solve("chi2", "penalty", v, q, dear).value == pytest.approx(untruncated, abs=1e-15)


@each_operator
@pytest.mark.parametrize("level", [1e-300, 1e-8, 1.0, 1e8, 1e300])
def test_extreme_inputs_stay_finite(kind, form, level):
    for v in (
        [7.0],
        [3.0, 3.0, 3.0],
        [1e300, -7e299, 0.0],
        [5e-324, 0.0, 1e-310],
        [1.0, 1.0 + EPS, 1.0],
        [-1e-300, 1e300],
    ):
        S = len(v)
        for q in (
            np.full(S, 1.0 / S),
            np.eye(S)[0],
            np.eye(S)[-1],
            np.append(np.eye(S)[0][:-1], 5e-324) if S > 1 else [1.0],
        ):
            found = solve(kind, form, v, q, level)
            assert min(v) <= found.value <= max(v)
            assert not math.isnan(found.dual)
            assert found.distribution.min() >= 0.0
            assert found.distribution.sum() == pytest.approx(1.0, abs=1e-15)


def test_a_tiny_mass_far_away_is_weighed_exactly():
    """The mean lies within 1e-8 of the heavy value: without its residual the masses are off in the tenth digit."""
    q, v = np.array([4.196844567068588e-08, 0.9999999580315544]), np.array([0.0, 1.0])
    found = solve("chi2", "radius", v, q, 133538.06981178976)
    _, high = naive.enclosure("chi2", v, q, found, radius=133538.06981178976)
    assert float(high - found.value) <= 1e-14
    assert found.distribution[1] == pytest.approx(found.value, abs=1e-14)


def test_the_results_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        worst_case([0.0, 1.0], [0.5, 0.5], divergence="tv", penalty=1.0).distribution[0] = 1.0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"penalty": 0.0}, r"penalty is 0\.0; it must lie in \(0, inf\]"),
        ({"penalty": -1.0}, r"penalty is -1\.0"),
        ({"penalty": math.nan}, "penalty is nan"),
        ({"penalty": math.inf}, "penalty is inf"),
        ({"penalty": None, "radius": -1e-9}, "radius is -1e-09"),
        ({"penalty": None, "radius": math.inf}, "radius is inf"),
        ({"penalty": None}, "neither of penalty and radius"),
        ({"radius": 1.0}, "both of penalty and radius"),
        ({"penalty": "1"}, "penalty is '1'"),
        ({"divergence": "l1"}, "divergence is 'l1'; choose one of 'tv', 'kl', 'chi2'"),
        ({"q": [0.5, 0.6]}, r"q sums to 1\.1"),
        ({"q": [-0.5, 1.5]}, r"q\[0\] is -0\.5"),
        ({"q": [1.0]}, "q has 1 entries; 2 are needed"),
        ({"q": [math.nan, 1.0]}, r"q\[0\] is nan"),
        ({"values": [0.0, math.inf]}, r"values\[1\] is inf"),
        ({"values": [-1.5e308, 1.5e308]}, "values run from -1.5e.308 to 1.5e.308; their range must be finite"),
        ({"values": [[0.0, 1.0]]}, r"values has shape \(1, 2\)"),
    ],
)
def test_errors(change, words):
    arguments = {"values": [0.0, 1.0], "q": [0.5, 0.5], "divergence": "kl", "penalty": 1.0} | change
    values, q = arguments.pop("values"), arguments.pop("q")
    with pytest.raises(ParameterError, match=words):
        worst_case(values, q, **arguments)
