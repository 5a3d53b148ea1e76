"""Searches for dual values of one coordinate, met directly: signed weights, every piece, against zooming grids."""

import itertools
import math

import numpy as np
import pytest

from tabular.learning.robust import _dual_kernels as kernels
from tabular.learning.robust._dual_kernels import CHI2_PENALTY, CHI2_RADIUS, TV_RADIUS


def dual(method, y, g, at, level, least, clip, ceiling):
    """The objective of `method` at the thresholds ``at``, from its definition."""
    low = np.minimum(y[:, None], at)
    z, z2 = g @ low, g @ low**2
    if clip:
        z, z2 = np.clip(z, 0.0, ceiling), np.clip(z2, 0.0, ceiling**2)
    if method == TV_RADIUS:
        return z - level * (at - least)
    if method == CHI2_PENALTY:
        return z + (z**2 - z2) / (4.0 * level)
    return z - np.sqrt(level * np.maximum(z2 - z**2, 0.0))


def largest(objective, y, ceiling):
    """The largest value over [0, ceiling]: between neighbours a grid that zooms on its best cells."""
    best = -math.inf
    ends = np.unique(np.concatenate([[0.0, ceiling], y[(y > 0.0) & (y < ceiling)]]))
    for low, high in itertools.pairwise(ends):
        cells = [(low, high)]
        for _ in range(6):
            grid = np.concatenate([np.linspace(a, b, 80) for a, b in cells])
            values, width = objective(grid), (cells[0][1] - cells[0][0]) / 79
            best = max(best, values.max())
            peaks = grid[np.argsort(values)[-3:]]
            cells = [(max(low, p - width), min(high, p + width)) for p in peaks]
    return best


@pytest.mark.parametrize(
    ("method", "clip"), [(TV_RADIUS, False), (CHI2_PENALTY, False), (CHI2_PENALTY, True), (CHI2_RADIUS, False)]
)
def test_the_search_finds_the_largest_value_of_every_piece(method, clip):
    """Weights of both signs, so that each kind of turning point is the answer to some of the problems."""
    rng, inside = np.random.default_rng(17), 0
    for trial in range(150):
        n, ceiling = int(rng.integers(1, 6)), float(rng.choice([0.6, 1.0, 1.7]))
        y = np.sort(rng.choice([0.0, 0.25, *rng.random(4)], size=n))
        g = rng.normal(loc=0.5 * (trial % 2), size=n) / (1.0 + trial % 3)
        level, least = float(rng.choice([0.05, 0.3, 2.0])), float(rng.choice([0.0, 0.25]))
        out = np.empty(2)
        kernels._search(method, y, g, level, least, ceiling, clip, np.empty(8), out)

        def objective(at, y=y, g=g, level=level, least=least, ceiling=ceiling):
            return dual(method, y, g, at, level, least, clip, ceiling)

        slack = 1e-7 if method == CHI2_RADIUS else 1e-9  # the root of a difference that rounds
        assert 0.0 <= out[1] <= ceiling
        assert out[0] == pytest.approx(objective(out[1:2])[0], abs=slack)
        assert out[0] >= largest(objective, y, ceiling) - slack
        inside += out[1] not in (0.0, ceiling, *y)
    assert inside > 10 or method == TV_RADIUS


@pytest.mark.parametrize("coefficients", [(2, -3, 1), (1, 3, -4), (-1, 0.5, 3), (1, 2, 1), (0, 2, -3), (5, 0, -2)])
def test_roots_are_both_and_appended(coefficients):
    out = np.full(4, math.nan)
    out[0] = 7.0
    n = kernels._roots(*map(float, coefficients), out, 1)
    assert out[0] == 7.0
    exact = sorted(np.roots(coefficients).real)
    found = sorted(out[1:n])
    assert [min(abs(x - y) for y in found) for x in exact] == pytest.approx([0.0] * len(exact), abs=1e-7)
    assert [min(abs(x - y) for y in exact) for x in found] == pytest.approx([0.0] * len(found), abs=1e-7)


@pytest.mark.parametrize("coefficients", [(1, 0, 1), (2, 1, 1), (0, 0, 3), (0, 0, 0)])
def test_no_real_roots_are_none(coefficients):
    assert kernels._roots(*map(float, coefficients), np.empty(4), 2) == 2


def test_a_double_root_at_zero_is_one():
    out = np.empty(2)
    assert kernels._roots(3.0, 0.0, 0.0, out, 0) == 1
    assert out[0] == 0.0


def descent(y, g, level, ceiling):
    """The walk downhill from the middle, as positions of a fixed ladder."""

    def value(at):
        return dual(CHI2_PENALTY, y, g, np.array([at]), level, 0.0, False, ceiling)[0]

    middle, rung = ceiling / 2, ceiling / 2000
    side = 1 if value(1.05 * middle) < value(middle) else -1 if value(0.95 * middle) < value(middle) else 0
    k = 0
    while side and k < 1000 and value(middle + side * (k + 1) * rung) <= value(middle + side * k * rung):
        k += 1
    return value(middle + side * k * rung), middle + side * k * rung


@pytest.mark.parametrize("level", [0.05, 0.4, 50.0])
def test_the_released_descent_walks_downhill_to_the_end(level):
    """A plateau, a valley on either side, and slopes that end at 0 and at the ceiling."""
    rng, ends = np.random.default_rng(23), []
    problems = [(np.array([0.2, 0.3]), np.array([0.5, 0.5]), 1.5)]
    for ceiling in (0.8, 1.5, 3.0):
        for _ in range(6):
            y = np.sort(rng.random(3) * ceiling)
            problems += [(y, rng.normal(size=3), ceiling)]
        problems += [(y, -np.full(3, 0.3), ceiling), (y, np.full(3, 0.3), ceiling)]
    for y, g, ceiling in problems:
        out = np.empty(2)
        kernels._released_descent(y, g, level, ceiling, out)
        expected, where = descent(y, g, level, ceiling)
        inside = 0.01 < where / ceiling < 0.99  # sums of rungs round: the last one before an end may be missing
        assert out[1] == pytest.approx(where, abs=1e-9 if inside else 1.01 * ceiling / 2000)
        assert not inside or out[0] == pytest.approx(expected, abs=1e-9)
        assert 0.0 <= out[1] <= ceiling
        ends.append(out[1] / ceiling)
    assert ends[0] == 0.5
    assert level < 1.0 or (min(ends) < 1e-3 and max(ends) > 0.999)


def test_brents_method_needs_few_steps_and_ends_at_the_largest_value(monkeypatch):
    """Golden sections alone need 30 steps and more."""
    search = getattr(kernels._temperature_search, "py_func", kernels._temperature_search)
    tempered, steps = kernels._tempered, []

    def counted(*arguments):
        steps[-1] += 1
        return tempered(*arguments)

    monkeypatch.setattr(kernels, "_tempered", counted)
    rng = np.random.default_rng(29)
    for _ in range(60):
        n = int(rng.integers(1, 7))
        y, level = np.sort(rng.random(n)), 10.0 ** rng.uniform(-2, 0)
        g = rng.dirichlet(np.ones(n)) * rng.uniform(0.5, 1.0)
        grid = np.logspace(-4, 0.5, 37)
        values = np.array([tempered(y, g, t, level) for t in grid])
        best = int(values.argmax())
        places = [max(best - 1, 0), best, min(best + 1, 36)]
        out = np.empty(2)
        steps.append(0)
        search(y, g, level, grid[places], values[places], out)
        fine = np.append(np.exp(np.linspace(math.log(grid[places[0]]), math.log(grid[places[2]]), 2001)), out[1])
        exact = -fine * (np.log(np.maximum(1.0 + g @ np.expm1(-y[:, None] / fine), 1e-6)) + level)
        assert out[0] >= exact.max() - 1e-12
        assert out[0] == pytest.approx(exact[-1], abs=1e-12)
        assert grid[places[0]] <= out[1] <= grid[places[2]]
    assert np.mean(steps) < 9.0
    assert max(steps) < 40
