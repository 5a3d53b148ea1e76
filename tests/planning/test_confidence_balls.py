"""Extremes over confidence balls: primal solutions, a conic solver, grids, and 60 digits for the side of the error."""

import math

import naive_stepmix as naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabular import ParameterError
from tabular.planning import largest_expectation, smallest_expectation

NAIVE = {"kl": naive.kl_extreme, "l1": naive.l1_extreme}
EXTREME = {1.0: largest_expectation, -1.0: smallest_expectation}


@st.composite
def problems(draw):
    """Centre with zeros, values with ties and of any scale, radius from 1e-8 to 100."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    S = draw(st.integers(2, 6))
    p = rng.dirichlet(np.full(S, draw(st.sampled_from((0.2, 1.0, 10.0)))))
    p[rng.random(S) < draw(st.sampled_from((0.0, 0.4)))] = 0.0
    p = p / p.sum() if p.sum() > 0.0 else np.eye(S)[0]
    v = rng.random(S) * draw(st.sampled_from((1e-3, 1.0, 1e3)))
    if draw(st.booleans()):
        v = np.round(v * 3) / 3
    return p, v, 10.0 ** draw(st.floats(-8.0, 2.0))


@given(problems(), st.sampled_from(("kl", "l1")), st.sampled_from((1.0, -1.0)))
def test_it_is_the_extreme(problem, ball, sign):
    p, v, radius = problem
    if ball == "l1":
        radius = min(radius, 2.5)
    found = EXTREME[sign](p, v, radius=radius, ball=ball)
    assert found.value == pytest.approx(
        NAIVE[ball](p.tolist(), v.tolist(), radius, sign), abs=2e-9 * (1e-3 + np.ptp(v))
    )


@given(problems(), st.sampled_from(("kl", "l1")), st.sampled_from((1.0, -1.0)))
def test_the_distribution_is_in_the_ball_and_encloses_the_extreme(problem, ball, sign):
    p, v, radius = problem
    found = EXTREME[sign](p, v, radius=radius, ball=ball)
    q, slack = found.distribution, 1e-13 * max(np.abs(v).max(), 1e-3)
    assert q.min() >= 0.0
    assert q.sum() == pytest.approx(1.0, abs=1e-12)
    distance = naive.divergence(p, q) if ball == "kl" else np.abs(q - p).sum()
    assert distance <= radius * (1.0 + 1e-6) + 1e-13
    assert sign * (found.value - found.attained) >= -slack
    assert abs(found.value - found.attained) <= 1e-7 * np.ptp(v) + slack


def exact_kl(p, v, radius, sign):
    """Extreme in 60 digits, from the root of the stationarity condition."""
    import mpmath as mp

    with mp.workdps(60):
        best = mp.mpf(float(v.max() if sign > 0 else v.min()))
        kept = [(mp.mpf(float(a)), abs(mp.mpf(float(b)) - best)) for a, b in zip(p, v, strict=True) if a > 0.0]
        total, c = sum(a for a, _ in kept), mp.mpf(float(radius))
        kept = [(a / total, b) for a, b in kept]

        def dual(x):
            if x == 0 and any(b == 0 for _, b in kept):
                return mp.mpf(0)
            return mp.exp(sum(a * mp.log(x + b) for a, b in kept) - c) - x

        def f(x):
            return sum(a * mp.log(x + b) for a, b in kept) + mp.log(sum(a / (x + b) for a, b in kept))

        if len({b for _, b in kept}) == 1 or (all(b > 0 for _, b in kept) and f(mp.mpf(0)) <= c):
            return best - sign * dual(mp.mpf(0)), best
        low, high = mp.mpf(-1200), mp.mpf(60)
        for _ in range(260):
            middle = (low + high) / 2
            low, high = (middle, high) if f(mp.exp(middle)) > c else (low, middle)
        return best - sign * dual(mp.exp(low)), best


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_bound_errs_outwards_in_60_digits(sign):
    rng = np.random.default_rng(0)
    for _ in range(60):
        S = int(rng.integers(2, 6))
        p = rng.multinomial(int(rng.integers(2, 1000)), rng.dirichlet(np.ones(S)))
        p = p / p.sum()
        v = rng.random(S) * 10.0 ** rng.integers(-3, 4)
        radius = 10.0 ** rng.uniform(-9, 1.5)
        found = EXTREME[sign](p, v, radius=radius).value
        exact, _ = exact_kl(p, v, radius, sign)
        error = float(sign * (found - exact)) / np.abs(v).max()
        assert -4.0 * (S + 4) * 2.0**-52 <= error <= 1e-13


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_conic_solver_agrees(sign):
    import cvxpy as cp

    rng = np.random.default_rng(1)
    for radius in (0.003, 0.2, 1.5):
        for zero in (False, True):
            p, v = rng.dirichlet(np.ones(5)), rng.random(5)
            if zero:
                p[int(np.argmax(sign * v))] = 0.0
                p /= p.sum()
            q = cp.Variable(5, nonneg=True)
            inside = [cp.sum(q) == 1.0, cp.sum(cp.rel_entr(p, q)) <= radius]
            problem = cp.Problem(cp.Maximize(sign * (q @ v)), inside)
            problem.solve(solver=cp.CLARABEL)
            assert EXTREME[sign](p, v, radius=radius).value == pytest.approx(sign * problem.value, abs=1e-6)


@pytest.mark.parametrize("ball", ["kl", "l1"])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_no_distribution_of_a_grid_lies_beyond_and_one_lies_near(ball, sign):
    v = np.array([0.3, 1.0, 0.0, 0.6])
    grid = np.array(list(naive.simplex_grid(4, 40)))
    for p in ([0.25, 0.25, 0.25, 0.25], [0.5, 0.0, 0.25, 0.25], [0.0, 0.0, 1.0, 0.0]):
        for radius in (0.1, 0.5, 1.5):
            if ball == "kl":
                with np.errstate(divide="ignore", invalid="ignore"):
                    distance = np.where(np.array(p) > 0.0, np.array(p) * np.log(np.array(p) / grid), 0.0).sum(axis=1)
            else:
                distance = np.abs(grid - p).sum(axis=1)
            best = (sign * grid[distance <= radius] @ v).max()
            found = sign * EXTREME[sign](p, v, radius=radius, ball=ball).value
            assert best <= found + 1e-12
            assert found <= best + 0.06


@given(problems())
def test_pinsker_puts_the_kl_ball_inside_the_l1_ball(problem):
    p, v, radius = problem
    slack = 1e-12 * np.abs(v).max()
    wide = min(math.sqrt(2.0 * radius), 2.0)
    assert (
        largest_expectation(p, v, radius=radius).value
        <= largest_expectation(p, v, radius=wide, ball="l1").value + slack
    )
    assert (
        smallest_expectation(p, v, radius=radius).value
        >= smallest_expectation(p, v, radius=wide, ball="l1").value - slack
    )


@given(problems(), st.sampled_from(("kl", "l1")), st.sampled_from((1.0, -1.0)), st.integers(0, 2**32))
def test_monotone_in_the_radius_affine_and_blind_to_names(problem, ball, sign, seed):
    p, v, radius = problem
    extreme = EXTREME[sign]
    found, scale = extreme(p, v, radius=radius, ball=ball).value, np.abs(v).max()
    assert sign * extreme(p, v, radius=0.5 * radius, ball=ball).value <= sign * found + 1e-12 * scale
    order = np.random.default_rng(seed).permutation(p.shape[0])
    assert extreme(p[order], v[order], radius=radius, ball=ball).value == pytest.approx(found, abs=1e-12 * scale)
    moved = extreme(p, 2.0 * v + 1.0, radius=radius, ball=ball).value
    assert moved == pytest.approx(2.0 * found + 1.0, abs=1e-11 * (1.0 + scale))
    assert -EXTREME[-sign](p, -v, radius=radius, ball=ball).value == pytest.approx(found, abs=1e-12 * scale)


@pytest.mark.parametrize("ball", ["kl", "l1"])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_corner_cases(ball, sign):
    extreme = EXTREME[sign]
    p, v = [0.5, 0.25, 0.25, 0.0], [0.25, 0.5, 0.75, 1.0 if sign > 0 else 0.0]
    assert extreme(p, v, radius=0.0, ball=ball).value == pytest.approx(0.4375, abs=1e-15)
    assert extreme(p, v, radius=math.inf, ball=ball).value == v[3]
    assert extreme(p, v, radius=800.0, ball=ball).value == v[3]
    assert extreme(p, [3.0] * 4, radius=0.3, ball=ball).value == 3.0
    assert extreme([1.0], [7.0], radius=0.3, ball=ball).value == 7.0
    vertex = extreme([1.0, 0.0], [0.0, sign], radius=0.3, ball=ball)
    moved = 1.0 - math.exp(-0.3) if ball == "kl" else 0.15
    assert vertex.value == pytest.approx(sign * moved, abs=1e-15)
    assert vertex.distribution == pytest.approx([1.0 - moved, moved], abs=1e-15)
    tiny = extreme(p, v, radius=1e-200, ball=ball).value
    assert sign * (tiny - 0.4375) >= -1e-15
    assert tiny == pytest.approx(0.4375, abs=1e-12)


def test_the_unseen_extreme_takes_its_mass_only_in_a_large_ball():
    p, v = np.array([0.5, 0.5, 0.0]), np.array([0.2, 0.8, 1.0])
    f = 0.5 * math.log(0.8) + 0.5 * math.log(0.2) + math.log(0.5 / 0.8 + 0.5 / 0.2)
    assert largest_expectation(p, v, radius=0.9 * f).distribution[2] == 0.0
    mass = largest_expectation(p, v, radius=f + 0.2).distribution[2]
    assert mass == pytest.approx(1.0 - math.exp(-0.2), abs=1e-12)


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (([0.5, 0.4], [0.0, 1.0]), {"radius": 1.0}, "sums to 0.9"),
        (([0.5, 0.5], [0.0, 1.0, 2.0]), {"radius": 1.0}, "p has 2 entries; 3"),
        (([0.5, 0.5], [0.0, math.nan]), {"radius": 1.0}, r"v\[1\] is nan"),
        (([0.5, 0.5], [0.0, 1.0]), {"radius": -1.0}, "radius is -1.0"),
        (([0.5, 0.5], [0.0, 1.0]), {"radius": 1.0, "ball": "l2"}, "ball is 'l2'"),
    ],
)
def test_errors(arguments, options, words):
    for extreme in EXTREME.values():
        with pytest.raises(ParameterError, match=words):
            extreme(*arguments, **options)
