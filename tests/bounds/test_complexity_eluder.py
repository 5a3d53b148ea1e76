"""Eluder dimension and its relatives against all orderings in fractions, closed forms, and their invariants."""

import itertools
from fractions import Fraction

import naive_eluder as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounds import complexity
from bounds.complexity import _eluder_kernels as kernels
from tabular.errors import ParameterError

THREE = [[0, 0, 0], [0.6, 1.1, 0], [1.2, 1.1, 1.1]]


def parities(bits):
    points = list(itertools.product((0, 1), repeat=bits))[1:]
    return [[sum(a * b for a, b in zip(w, x, strict=True)) % 2 for x in points] for w in [(0,) * bits, *points]]


@pytest.mark.parametrize(
    ("functions", "expected"),
    [
        (np.eye(5), 4),
        (np.vstack([np.eye(5), np.zeros(5)]), 5),
        (np.tri(6, 5, -1), 5),
        (list(itertools.product((0, 1), repeat=5)), 5),
        (parities(3), 3),
        (np.eye(2), 1),
        (np.zeros((3, 4)), 0),
        ([[1.0, 2.0]], 0),
    ],
)
def test_closed_forms_at_one_half(functions, expected):
    found = complexity.eluder_dimension(functions, 0.5)
    assert (found.lower, found.upper) == (expected, expected)
    assert len(found.witness.points) == expected


@pytest.mark.parametrize("exact", [None, 10])
def test_the_scale_must_be_searched_and_two_values_are_needed_for_the_bound_by_functions(exact):
    found = complexity.eluder_dimension(THREE, 0.01, max_denominator=exact)
    assert found.value == 3 > len(THREE) - 1
    assert found.witness.level == pytest.approx(1.1)
    rows = [[Fraction(str(x)) for x in row] for row in THREE]
    assert naive.eluder(rows, Fraction("0.01"), larger_scales=False) == 2
    assert "functions" not in complexity.eluder_upper_bounds(THREE, 0.01)
    assert complexity.eluder_upper_bounds(THREE, 0.01)["pairs"] == 3


def test_float_ties_are_left_open_and_fractions_decide_them():
    # at some level the squares of a pair sum to exactly its square: .3^2 + .4^2 = .5^2, not below it
    rows = np.array([[0, 0, 2, 4], [0, 2, 3, 4], [4, 3, 5, 2], [3, 5, 3, 5]]) / 10.0
    floats = complexity.eluder_dimension(rows, 0.0)
    fractions = complexity.eluder_dimension(rows, 0.0, max_denominator=20)
    truth = naive.eluder([[Fraction(str(x)) for x in row] for row in rows.tolist()], 0)
    assert (fractions.lower, fractions.upper) == (truth, truth) == (3, 3)
    assert floats.lower <= truth <= floats.upper
    assert complexity.eluder_dimension(10.0 * rows, 0.0).value == 3
    assert complexity.eluder_dimension([[0.0, 0.0], [0.3, 0.3]], 0.3, max_denominator=10).value == 0


def test_floats_are_exact_unless_sums_of_squares_tie():
    assert complexity.eluder_dimension(0.7 * np.eye(5), 0.5).value == 4
    assert complexity.eluder_dimension(0.7 * np.eye(5), 0.5).exact
    rng = np.random.default_rng(1)
    below = 0
    for _ in range(20):
        f = rng.random((5, 12))
        found = complexity.eluder_dimension(f, 0.1)
        assert found.exact
        below += found.value < min(complexity.eluder_upper_bounds(f, 0.1).values())
    assert below > 10


@st.composite
def classes(draw, points=4, functions=4, top=4):
    n, size = draw(st.integers(1, points)), draw(st.integers(2, functions))
    cell = st.integers(0, draw(st.integers(1, top)))
    return draw(st.lists(st.lists(cell, min_size=n, max_size=n), min_size=size, max_size=size))


@settings(max_examples=60)
@given(classes(), st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(1), Fraction(3, 2)]), st.sampled_from([1, 7]))
def test_dimension_equals_all_orderings_and_its_witness_is_valid(rows, eps, unit):
    scaled = [[Fraction(x, unit) for x in row] for row in rows]
    truth = naive.eluder(scaled, eps / unit)
    floats = [[float(x) for x in row] for row in scaled]
    found = complexity.eluder_dimension(floats, float(eps / unit))
    exact = complexity.eluder_dimension(floats, float(eps / unit), max_denominator=100)
    assert found.lower <= truth <= found.upper
    assert exact.lower == exact.upper == truth
    if unit == 1:
        assert found.exact
    if truth:
        level = Fraction(exact.witness.level).limit_denominator(100)
        squares = sorted(
            {
                Fraction(0),
                *(sum(d[x] ** 2 for x in part) for d in naive.differences(scaled) for part in subsets(len(rows[0]))),
            }
        )
        below = max([square for square in squares if square < level**2] + [(eps / unit) ** 2])
        assert naive.valid(exact.witness.points, naive.differences(scaled), below)


def subsets(n):
    return [part for size in range(1, n + 1) for part in itertools.combinations(range(n), size)]


@settings(max_examples=30)
@given(classes(points=5, functions=6), st.randoms(use_true_random=False))
def test_relabelling_shifts_and_monotonicity(rows, random):
    f = np.array(rows, dtype=float)
    base = complexity.eluder_dimension(f, 0.5).value
    columns, order = list(range(f.shape[1])), list(range(f.shape[0]))
    random.shuffle(columns)
    random.shuffle(order)
    assert complexity.eluder_dimension(f[order][:, columns], 0.5).value == base
    assert complexity.eluder_dimension(f + np.arange(f.shape[1]), 0.5).value == base
    assert complexity.eluder_dimension(4.0 * f, 2.0).value == base
    assert complexity.eluder_dimension(f[:-1], 0.5).value <= base if len(f) > 2 else True
    assert complexity.eluder_dimension(f[:, :-1], 0.5).value <= base if f.shape[1] > 1 else True
    assert complexity.eluder_dimension(f, 0.25).value >= base >= complexity.eluder_dimension(f, 1.0).value
    assert base <= min(complexity.eluder_upper_bounds(f, 0.5).values())


def test_many_points_are_enclosed_by_a_greedy_sequence_and_the_listed_bounds():
    rng = np.random.default_rng(3)
    f = rng.integers(0, 3, size=(7, 12)).astype(float)
    exact = complexity.eluder_dimension(f, 0.5)
    rough = complexity.eluder_dimension(f, 0.5, max_points=5)
    assert "greedy" in rough.method
    assert "greedy" not in exact.method
    assert rough.lower <= exact.value <= rough.upper
    assert rough.upper == min(complexity.eluder_upper_bounds(f, 0.5).values())
    assert complexity.eluder_dimension(rng.random((5, 40)), 0.1).upper <= 10


def test_greedy_alone_may_fall_short_and_is_never_called_exact():
    rng = np.random.default_rng(0)
    short = 0
    for _ in range(60):
        f = rng.integers(0, 4, size=(5, 9)).astype(float)
        exact, rough = (complexity.eluder_dimension(f, 0.5, max_points=limit) for limit in (16, 1))
        assert rough.lower <= exact.value
        short += rough.lower < exact.value
        assert not (rough.exact and rough.lower < exact.value)
    assert short > 0


@settings(max_examples=25)
@given(classes(points=4, functions=5, top=1))
def test_star_and_threshold_equal_their_definitions_and_sandwich(rows):
    star, threshold = complexity.star_number(rows), complexity.threshold_dimension(rows)
    assert (star.value, threshold.value) == (naive.star(rows), naive.threshold(rows))
    dimension = complexity.eluder_dimension(rows, 0.5).value
    assert max(star.value, threshold.value) <= dimension <= 4 ** max(star.value, threshold.value)
    for found in (star, threshold):
        assert len(found.witness[1]) == found.value


def test_star_and_threshold_closed_forms():
    spikes = np.vstack([np.zeros(6), np.eye(6)])
    assert (complexity.star_number(spikes).value, complexity.threshold_dimension(spikes).value) == (6, 2)
    steps = np.tri(7, 6, -1)
    assert (complexity.star_number(steps).value, complexity.threshold_dimension(steps).value) == (2, 6)


def test_distributions_replace_points():
    rng = np.random.default_rng(5)
    f = rng.integers(0, 4, size=(5, 4)).astype(float)
    pairs = np.array([a - b for a, b in itertools.combinations(f, 2)])
    diracs = complexity.distributional_eluder_dimension(pairs, np.eye(4), 0.5)
    assert diracs.value == complexity.eluder_dimension(f, 0.5).value
    laws = np.array([[4, 0, 0, 0], [2, 2, 0, 0], [1, 1, 1, 1], [0, 1, 0, 3]]) / 4.0
    expectations = [[Fraction(float(x)) for x in row] for row in pairs @ laws.T]
    found = complexity.distributional_eluder_dimension(pairs, laws, 0.5)
    assert found.value == naive.eluder(None, Fraction(1, 2), pairs=expectations)
    assert complexity.distributional_eluder_dimension(pairs, laws[[0, 0]], 0.5).value <= 1


@settings(max_examples=20)
@given(st.integers(0, 2**16), st.integers(1, 3))
def test_linear_classes_stay_below_their_bound(seed, d):
    rng = np.random.default_rng(seed)
    w, x = rng.uniform(-1, 1, size=(9, d)), rng.uniform(-1, 1, size=(10, d))
    pairs = max(np.linalg.norm(a - b) for a, b in itertools.combinations(w, 2))
    ratio = pairs * np.linalg.norm(x, axis=1).max() / 0.2
    assert complexity.eluder_dimension(w @ x.T, 0.2).upper <= complexity.linear_eluder_bound(d, ratio)


def test_linear_bound_by_hand():
    # n ln 1.5 <= ln(1 + n): n = 3 holds (1.216 <= 1.386), n = 4 does not (1.622 > 1.609)
    assert complexity.linear_eluder_bound(1, 1.0) == 3
    # ratio 2: n ln 1.5 <= ln(1 + 4 n) up to 8; d = 2: n ln 1.5 <= 2 ln(1 + n/2) up to 7
    assert complexity.linear_eluder_bound(1, 2.0) == 8
    assert complexity.linear_eluder_bound(2, 1.0) == 7
    assert complexity.linear_eluder_bound(0, 5.0) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: complexity.eluder_dimension([[0.0, np.nan]], 0.5), "functions"),
        (lambda: complexity.eluder_dimension([0.0, 1.0], 0.5), "functions"),
        (lambda: complexity.eluder_dimension([[0.0], [1.0]], -0.1), "eps"),
        (lambda: complexity.eluder_dimension([[0.0], [1.0]], 0.1, max_points=25), "max_points"),
        (lambda: complexity.eluder_dimension([[0.0], [1e-9]], 0.0, max_denominator=2**60), "denominator"),
        (lambda: complexity.star_number(np.zeros((2, 17))), "17 points"),
        (lambda: complexity.distributional_eluder_dimension([[1.0, 2.0]], [[0.5, 0.6]], 0.1), "sums to"),
        (lambda: complexity.distributional_eluder_dimension([[1.0, 2.0]], [[1.0]], 0.1), "columns"),
        (lambda: complexity.linear_eluder_bound(-1, 1.0), "d is"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ParameterError, match=message):
        call()


def test_one_specialisation_of_each_kernel():
    complexity.eluder_dimension(THREE, 0.01)
    complexity.eluder_dimension(THREE, 0.01, max_denominator=10)
    complexity.distributional_eluder_dimension(THREE, np.eye(3), 0.1)
    for name in kernels.__all__:
        signatures = getattr(getattr(kernels, name), "signatures", [()])
        assert len(signatures) <= 1, name
