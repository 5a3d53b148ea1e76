"""The compiled parts of robust planning by themselves: closed forms, strong duality, and how fast the searches end."""

import math

import naive_robust as naive
import numpy as np
import pytest

from tabular.planning import _robust_kernels as operators
from tabular.planning import _robust_s_kernels as shared
from tabular.planning import _robust_targets as targets
from tabular.planning import confidence_balls as balls
from tabular.planning import worst_case

KINDS = ("tv", "kl", "chi2")


def spread_values(rng, S):
    """Increasing values in [0, 1] with both ends."""
    return np.concatenate([[0.0], np.sort(rng.random(S - 2)), [1.0]])


def least(kind, w, u, target, lowest=0):
    out = np.empty(len(w))
    w, u = np.array(w), np.array(u)
    d, rate = targets._least(KINDS.index(kind), w, u, lowest, float(w @ u), target, out)
    return d, rate, out


@pytest.mark.parametrize(
    ("target", "moved", "rate", "left"),
    [
        (0.65, 0.0, 0.0, [0.2, 0.3, 0.0, 0.5]),
        (0.35, 0.3, 1.0, [0.5, 0.3, 0.0, 0.2]),
        (0.05, 0.7, 2.0, [0.9, 0.1, 0.0, 0.0]),
        (0.0, 0.8, 2.0, [1.0, 0.0, 0.0, 0.0]),
    ],
)
def test_total_variation_moves_the_largest_values_first(target, moved, rate, left):
    found = least("tv", [0.2, 0.3, 0.0, 0.5], [0.0, 0.5, 0.75, 1.0], target)
    assert found[0] == pytest.approx(moved, abs=1e-15)
    assert (found[1], found[2].tolist()) == (rate, pytest.approx(left, abs=1e-15))


def test_total_variation_in_the_support_moves_to_its_smallest_value():
    moved, rate, left = least("tv", [0.0, 0.5, 0.0, 0.5], [0.0, 0.5, 0.75, 1.0], 0.625, lowest=1)
    assert (moved, rate, left.tolist()) == (0.25, 2.0, [0.0, 0.75, 0.0, 0.25])
    moved, rate, left = least("tv", [0.0, 0.5, 0.0, 0.5], [0.0, 0.5, 0.75, 1.0], 0.5, lowest=1)
    assert (moved, rate, left.tolist()) == (0.5, 2.0, [0.0, 1.0, 0.0, 0.0])


@pytest.mark.parametrize("target", [0.7, 0.45, 0.1, 1e-6])
def test_two_values_have_closed_forms(target):
    """The distribution is (1 - target, target), whatever the divergence."""
    p = 0.75
    d, rate, out = least("kl", [1 - p, p], [0.0, 1.0], target)
    assert out.tolist() == pytest.approx([1 - target, target], rel=1e-13)
    assert rate == pytest.approx(math.log(p / target) + math.log((1 - target) / (1 - p)), rel=1e-12)
    assert d == pytest.approx(
        target * math.log(target / p) + (1 - target) * math.log((1 - target) / (1 - p)), rel=1e-12
    )
    d, rate, out = least("chi2", [1 - p, p], [0.0, 1.0], target)
    assert out.tolist() == pytest.approx([1 - target, target], rel=1e-13)
    assert d == pytest.approx((p - target) ** 2 / (p * (1 - p)), rel=1e-13)
    assert rate == pytest.approx(2 * (p - target) / (p * (1 - p)), rel=1e-13)


def test_a_target_at_the_smallest_value_takes_all_mass_there():
    w, u = [0.25, 0.25, 0.5], [0.0, 0.0, 1.0]
    d, rate, out = least("kl", w, u, 0.0)
    assert (d, rate, out.tolist()) == (pytest.approx(math.log(2.0), rel=1e-15), 1e150, [0.5, 0.5, 0.0])
    d, rate, out = least("chi2", w, u, 0.0)
    assert (d, rate, out.tolist()) == (1.0, 4.0, [0.5, 0.5, 0.0])
    for kind in KINDS:
        assert least(kind, w, u, 0.6)[:2] == (0.0, 0.0)
        assert least(kind, w, u, 0.6)[2].tolist() == w
        assert least(kind, [0.5, 0.5, 0.0], u, 0.0)[:2] == (0.0, 0.0)
    assert least("kl", w, u, 0.5)[:2] == least("chi2", w, u, 0.5)[:2] == (0.0, 0.0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_price_of_the_target_buys_it(kind):
    """Strong duality: at the price ``1 / rate`` the operator is worth ``target + divergence / rate``."""
    rng = np.random.default_rng(5)
    for trial in range(40):
        S = int(rng.integers(3, 7))
        u, w = spread_values(rng, S), rng.dirichlet(np.full(S, 0.7))
        if trial % 4 == 0:
            w[int(rng.integers(1, S))] = 0.0
            w /= w.sum()
        mean = float(w @ u)
        target = mean * rng.uniform(0.02, 0.98)
        d, rate, out = least(kind, w, u, target)
        assert out.sum() == pytest.approx(1.0, abs=1e-14)
        assert out @ u == pytest.approx(target, abs=1e-13)
        assert d == pytest.approx(float(naive.divergence(kind, naive.exact(out), naive.exact(w))), rel=1e-9)
        priced = worst_case(u, w, divergence=kind, penalty=1.0 / rate).value
        assert priced == pytest.approx(target + d / rate, abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_divergences_are_those_of_the_definition(kind):
    rng = np.random.default_rng(6)
    for distance in (1e-9, 1e-5, 1e-3, 0.02, 0.3, 1.0):
        w = rng.dirichlet(np.ones(5))
        p = w * (1.0 + distance * (rng.random(5) - 0.5))
        p /= p.sum()
        if distance == 1.0:
            p[1] = 0.0
            p /= p.sum()
        q = np.append(3.0 * w, 0.0)
        exact = naive.divergence(kind, naive.exact(np.append(p, 0.0)), [x / 3 for x in naive.exact(q)])
        found = shared._divergence(KINDS.index(kind), np.append(p, 0.0), q, 3.0)
        # a sum that should be 1 is off by rounding, which relative entropy and total variation see to first order
        assert found == pytest.approx(float(exact), rel=1e-6, abs=2e-16)


def test_the_series_of_relative_entropy_near_equality():
    """``(1 + e) log(1 + e) - e`` in 40 digits, at the edge of the series and within."""
    import mpmath as mp

    for e in (0.0099, -0.0099, 0.004, -0.0011, 1e-7):
        ratio = 1.0 + e
        with mp.workdps(40):
            exact = float(mp.mpf(ratio) * mp.log(mp.mpf(ratio)) - (mp.mpf(ratio) - 1))
        assert shared._divergence(1, np.array([ratio]), np.array([1.0]), 1.0) == pytest.approx(
            exact, rel=1e-14, abs=0.0
        )


@pytest.mark.parametrize("beta", [0.0, 1e-9, 1e-4, 0.0185, 1.0, 12.0, 700.0])
def test_a_tilt_is_accurate_to_its_last_digits(beta):
    import mpmath as mp

    w, u = np.array([0.25, 0.125, 0.5, 0.125]), np.array([0.0, 0.25, 0.625, 1.0])
    out = np.empty(4)
    log_total, divergence, mean, variance = operators._tilt(w, u, beta, out)
    with mp.workdps(60):
        tilted = [mp.mpf(a) * mp.exp(-mp.mpf(beta) * mp.mpf(b)) for a, b in zip(w, u, strict=True)]
        total = sum(tilted)
        p = [x / total for x in tilted]
        centre = naive.mean(p, naive.exact(u))
        assert out.tolist() == pytest.approx([float(x) for x in p], rel=1e-14)
        assert log_total == pytest.approx(float(mp.log(total)), rel=1e-14, abs=0.0)
        assert divergence == pytest.approx(float(naive.divergence("kl", p, naive.exact(w))), rel=5e-14, abs=0.0)
        assert mean == pytest.approx(float(centre), rel=1e-14)
        assert variance == pytest.approx(
            float(sum(a * (b - centre) ** 2 for a, b in zip(p, u, strict=True))), rel=1e-12
        )


BY_HAND = [
    # mean 1.75 of values 1, 2, 3 with chances 1/2, 1/4, 1/4: variance 11/16, and 1/4 on the two smallest
    ("tv", {"penalty": 1.0}, 1.5, 2.0, [0.75, 0.25, 0.0, 0.0]),
    ("tv", {"penalty": 2.5}, 1.75, 3.0, [0.5, 0.25, 0.25, 0.0]),
    ("tv", {"radius": 0.0}, 1.75, 3.0, [0.5, 0.25, 0.25, 0.0]),
    ("tv", {"radius": 0.125}, 1.5, 3.0, [0.625, 0.25, 0.125, 0.0]),
    ("tv", {"radius": 0.375}, 1.125, 2.0, [0.875, 0.125, 0.0, 0.0]),
    ("tv", {"radius": 0.75}, 1.0, 1.0, [1.0, 0.0, 0.0, 0.0]),
    ("chi2", {"penalty": 1.0}, 1.75 - 11 / 64, 3.0, [0.6875, 0.21875, 0.09375, 0.0]),
    ("chi2", {"radius": 2.0}, 1.0, 1.0, [1.0, 0.0, 0.0, 0.0]),
    ("kl", {"radius": math.log(2.0)}, 1.0, 0.0, [1.0, 0.0, 0.0, 0.0]),
    ("kl", {"radius": 1.0}, 1.0, 0.0, [1.0, 0.0, 0.0, 0.0]),
    ("kl", {"radius": 0.0}, 1.75, math.inf, [0.5, 0.25, 0.25, 0.0]),
]


@pytest.mark.parametrize(("kind", "level", "value", "dual", "distribution"), BY_HAND)
def test_operators_by_hand(kind, level, value, dual, distribution):
    found = worst_case([1.0, 2.0, 3.0, 9.0], [0.5, 0.25, 0.25, 0.0], divergence=kind, **level)
    assert found.value == pytest.approx(value, abs=1e-15)
    assert found.dual == pytest.approx(dual, abs=1e-15)
    assert found.distribution.tolist() == pytest.approx(distribution, abs=1e-15)


@pytest.mark.parametrize(
    ("kind", "level", "dual"),
    [
        ("tv", {"penalty": 1.0}, 3.0),
        ("tv", {"radius": 1.0}, 3.0),
        ("kl", {"penalty": 1.0}, 1.0),
        ("kl", {"radius": 1.0}, 0.0),
        ("chi2", {"penalty": 1.0}, 3.0),
        ("chi2", {"radius": 1.0}, 3.0),
    ],
)
def test_equal_values_leave_the_adversary_nothing(kind, level, dual):
    found = worst_case([3.0, 3.0, 3.0], [0.25, 0.25, 0.5], divergence=kind, **level)
    assert (found.value, found.dual, found.distribution.tolist()) == (3.0, dual, [0.25, 0.25, 0.5])


SEARCHES = {"root": (balls, balls._kl_root), "beta": (operators, operators._kl_beta), "to": (targets, targets._kl_to)}


@pytest.mark.parametrize("name", sorted(SEARCHES))
def test_newtons_method_needs_few_steps(monkeypatch, name):
    """Eight steps find what all of them find, but on rare plateaus; bisection needs 20 and more."""
    module, search = SEARCHES[name]
    search = getattr(search, "py_func", search)  # its own text reads the constants of its module when called
    rng, slow = np.random.default_rng(9), 0
    for _ in range(40):
        S = int(rng.integers(2, 7))
        w, u = rng.dirichlet(np.full(S, rng.choice([1.0, 10.0]))), rng.random(S)
        u = np.sort((u - u.min()) / np.ptp(u))
        mean, share, radius = float(w @ u), rng.uniform(0.01, 0.99), 10.0 ** rng.uniform(-6, 1)
        arguments = {
            "root": (w, np.arange(S), 1.0, u, 1.0 + 0.5 * (S % 2), radius),
            "beta": (w, u, -math.log(w[0]) * share, w[0], np.empty(S)),
            "to": (w, u, 0, mean, share * mean, np.empty(S)),
        }[name]
        converged = search(*arguments)
        with monkeypatch.context() as few:
            few.setattr(module, "_MOST_STEPS", 8)
            slow += search(*arguments) != pytest.approx(converged, rel=1e-6)
    assert slow <= 2


def state(rng, kind, equal=False):
    """Unnormalised chances, rewards and values of one state of three actions; ``order`` sorts the values."""
    q, r, V = 3.0 * rng.dirichlet(np.full(4, 0.8), 3), rng.random(3), 2.0 * rng.random(4) - 5.0
    if kind != "tv":
        q[0, 1] = 0.0
    if equal:
        V[:] = -5.0
    return q, r, V, np.argsort(V)


def spent(kind, p, q):
    """The divergences of the actions, from their definition."""
    return [float(naive.divergence(kind, naive.exact(a), naive.exact(b / b.sum()))) for a, b in zip(p, q, strict=True)]


def at_price(kind, q, r, V, x, price, support):
    """The smallest mixed value at a price, action by action."""
    return sum(
        share * (r[a] + worst_case(V, q[a] / q[a].sum(), divergence=kind, penalty=price / share, support=support).value)
        for a, share in enumerate(x)
        if share > 1e-12
    )


@pytest.mark.parametrize("support", [False, True])
@pytest.mark.parametrize("constrained", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_state_is_planned_between_its_own_certificates(kind, constrained, support):
    """Below: what the mixture is worth at the price. Above: what the adversary leaves to the best action."""
    rng = np.random.default_rng(11)
    for level in (0.03, 0.3, 1.0, 4.0):
        for _ in range(4):
            q, r, V, order = state(rng, kind)
            x, worst = np.empty(3), np.empty((3, 4))
            lower, upper, price = shared._plan_state(
                KINDS.index(kind), constrained, q, r, V, level, support, order, x, worst
            )
            assert x.sum() == pytest.approx(1.0, abs=1e-12)
            assert x.min() >= 0.0
            assert upper - lower <= 1e-10
            assert worst.sum(axis=1) == pytest.approx(1.0, abs=1e-12)
            used = sum(spent(kind, worst, q))
            left = max(r + worst @ V)
            if constrained:
                assert used <= level * (1.0 + 1e-9)
                assert upper == pytest.approx(left, abs=1e-11)
                if price > 0.0:
                    assert lower == pytest.approx(at_price(kind, q, r, V, x, price, support) - price * level, abs=1e-10)
            else:
                assert price == pytest.approx(level, rel=1e-15)
                assert upper == pytest.approx(left + level * used, abs=1e-10)
                assert lower == pytest.approx(at_price(kind, q, r, V, x, level, support), abs=1e-10)


@pytest.mark.parametrize("support", [False, True])
@pytest.mark.parametrize("constrained", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_mixture_is_evaluated_between_its_own_certificates(kind, constrained, support):
    rng = np.random.default_rng(12)
    for level in (0.03, 0.3, 1.0, 4.0):
        for x in ([0.2, 0.5, 0.3], [0.0, 0.75, 0.25], [0.0, 0.0, 1.0]):
            q, r, V, _ = state(rng, kind)
            worst = np.empty((3, 4))
            lower, upper, price = shared._evaluate_state(
                KINDS.index(kind), constrained, q, r, V, level, support, np.array(x), worst
            )
            assert abs(upper - lower) <= 1e-10
            assert worst.sum(axis=1) == pytest.approx(1.0, abs=1e-12)
            used, left = sum(spent(kind, worst, q)), float(x @ (r + worst @ V))
            if not constrained:
                assert price == level
                assert lower == upper == pytest.approx(at_price(kind, q, r, V, x, level, support), abs=1e-11)
                assert upper == pytest.approx(left + level * used, abs=1e-10)
                continue
            assert used <= level * (1.0 + 1e-9)
            assert upper == pytest.approx(left, abs=1e-10)
            if price > 1e-9:
                assert lower == pytest.approx(at_price(kind, q, r, V, x, price, support) - price * level, abs=1e-9)


@pytest.mark.parametrize("constrained", [False, True])
@pytest.mark.parametrize("best", [0, 1, 2])
def test_where_all_values_are_equal_the_best_reward_is_taken(constrained, best):
    q, _, V, order = state(np.random.default_rng(13), "kl", equal=True)
    r, x, worst = np.zeros(3), np.empty(3), np.empty((3, 4))
    r[best] = 0.75
    found = shared._plan_state(1, constrained, q, r, V, 0.5, False, order, x, worst)
    assert found == (-4.25, -4.25, 0.0 if constrained else 0.5)
    assert x.tolist() == [float(a == best) for a in range(3)]
    assert worst == pytest.approx(q / q.sum(axis=1, keepdims=True), abs=1e-15)
    mixture = np.array([0.25, 0.25, 0.5])
    worst[:] = 0.0
    lower, upper, _ = shared._evaluate_state(1, constrained, q, r, V, 0.5, False, mixture, worst)
    assert lower == upper == -5.0 + 0.75 * mixture[best]
    assert worst == pytest.approx(q / q.sum(axis=1, keepdims=True), abs=1e-15)


def test_an_empty_budget_and_an_ample_one():
    """At radius 0 the plan is nominal; where the budget reaches every vertex the adversary is worth the worst value."""
    q, r, V, order = state(np.random.default_rng(14), "tv")
    x, worst = np.empty(3), np.empty((3, 4))
    nominal = r + q @ V / 3.0
    lower, upper, _ = shared._plan_state(0, True, q, r, V, 0.0, False, order, x, worst)
    assert (lower, upper) == (pytest.approx(max(nominal), abs=1e-9), pytest.approx(max(nominal), abs=1e-12))
    assert x.tolist() == [float(a == np.argmax(nominal)) for a in range(3)]
    lower, upper, price = shared._plan_state(0, True, q, r, V, 3.0, False, order, x, worst)
    assert (lower, upper, price) == (pytest.approx(max(r) + min(V)), pytest.approx(max(r) + min(V)), 0.0)
    assert x.tolist() == [float(a == np.argmax(r)) for a in range(3)]


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_budget_a_mixture_is_worth_what_it_is_in_the_nominal_model(kind):
    """Rounding alone exceeds a budget of 0 at every price; the adversary then keeps to ``q``, made a distribution."""
    rng, x, worst = np.random.default_rng(16), np.array([0.2, 0.5, 0.3]), np.empty((3, 4))
    for _ in range(5):
        q, r, V, _ = state(rng, kind)
        nominal = q / q.sum(axis=1, keepdims=True)
        lower, upper, _ = shared._evaluate_state(KINDS.index(kind), True, q, r, V, 0.0, False, x, worst)
        assert worst == pytest.approx(nominal, abs=1e-12)
        assert upper == pytest.approx(x @ (r + nominal @ V), abs=1e-12)
        assert lower <= upper + 1e-12
