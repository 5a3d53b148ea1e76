"""Spanning capacity: closed forms, brute force over all deterministic models, bounds, limits of the search."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounds import complexity
from experiments import instances
from experiments.papers._complexity_spanning import deterministic_model, singleton_class
from tabular.errors import ParameterError


@st.composite
def classes(draw, max_policies=5, max_layers=3, max_states=2, max_actions=2):
    n, H = draw(st.integers(1, max_policies)), draw(st.integers(1, max_layers))
    sizes = [draw(st.integers(1, max_states)) for _ in range(H)]
    A = draw(st.integers(1, max_actions))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    return [rng.integers(A, size=(n, size)) for size in sizes], A


def by_brute_force(layers, A):
    """Try every start and every next-state table."""
    best = 0
    tables = [
        list(itertools.product(range(after.shape[1]), repeat=layer.shape[1] * A))
        for layer, after in itertools.pairwise(layers)
    ]
    for start in range(layers[0].shape[1]):
        for moves in itertools.product(*tables):
            seen = [set() for _ in layers]
            for i in range(layers[0].shape[0]):
                s = start
                for h, layer in enumerate(layers):
                    a = int(layer[i, s])
                    seen[h].add((s, a))
                    if h + 1 < len(layers):
                        s = moves[h][s * A + a]
            best = max(best, *(len(one) for one in seen))
    return best


@settings(max_examples=40)
@given(classes())
def test_search_equals_brute_force(case):
    layers, A = case
    found = complexity.spanning_capacity(layers, A=A)
    assert found.exact
    assert found.value == by_brute_force(layers, A)


@given(classes(max_policies=8, max_layers=4, max_states=3, max_actions=3), st.integers(0, 2**16))
def test_bounds_monotonicity_and_witness(case, seed):
    layers, A = case
    found = complexity.spanning_capacity(layers, A=A)
    n = layers[0].shape[0]
    assert 1 <= found.value <= min(n, A ** len(layers), max(layer.shape[1] for layer in layers) * A)
    assert complexity.reached_pairs(layers, *found.witness) == found.value
    part = complexity.spanning_capacity([layer[: (n + 1) // 2] for layer in layers], A=A)
    assert part.value <= found.value
    rng = np.random.default_rng(seed)
    moves = [rng.integers(after.shape[1], size=(layer.shape[1], A)) for layer, after in itertools.pairwise(layers)]
    assert complexity.reached_pairs(layers, int(rng.integers(layers[0].shape[1])), moves) <= found.value
    order = [rng.permutation(layer.shape[1]) for layer in layers]
    renamed = [rng.permutation(A)[layer[:, p]] for layer, p in zip(layers, order, strict=True)]
    assert complexity.spanning_capacity(renamed, A=A).value == found.value


@pytest.mark.parametrize(
    ("sizes", "value"),
    [
        ((2, 2), 3),
        ((3, 3, 3), 4),
        ((2, 2, 2), 3),
        ((1, 2), 3),
        ((1, 2, 3), 4),
        ((1, 1), 2),
        ((1, 2, 3, 4), 5),
        ((4,), 2),
    ],
)
def test_singleton_classes(sizes, value):
    assert complexity.spanning_capacity(singleton_class(sizes), A=2).value == value


def test_all_policies_on_one_and_two_states_reach_every_pair():
    every = np.array(list(itertools.product(range(2), repeat=3)))
    assert complexity.spanning_capacity([every[:, :1], every[:, 1:]]).value == 4


def test_one_model_sees_less_than_the_capacity():
    layers = singleton_class((3, 3, 3))
    stay = [np.zeros((3, 2), dtype=int)] * 2
    assert complexity.reached_pairs(layers, 0, stay) == 2
    assert complexity.spanning_capacity(layers).value == 4


@settings(max_examples=25)
@given(classes(max_policies=6, max_layers=3, max_states=3, max_actions=2), st.integers(0, 2**16))
def test_capacity_is_the_worst_coverability_of_the_class(case, seed):
    layers, _ = case
    S = max(layer.shape[1] for layer in layers)
    policies = np.stack([np.pad(x, ((0, 0), (0, S - x.shape[1]))) for x in layers], axis=1)
    found = complexity.spanning_capacity(policies, A=2)
    model = instances.random_episodic(S, 2, len(layers), alpha=0.1, rng=seed)
    assert complexity.coverability(model, policies=policies).lower <= found.value * (1 + 1e-12)
    worst = deterministic_model(found.witness, S, 2)
    assert complexity.coverability(worst, policies=policies).value == pytest.approx(found.value)


def test_a_search_that_is_given_up_says_so_and_encloses():
    layers = singleton_class((3, 3, 3))
    found = complexity.spanning_capacity(layers, max_assignments=10)
    assert not found.exact
    assert found.lower <= 4 <= found.upper
    assert "given up" in found.method
    assert complexity.reached_pairs(layers, *found.witness) == found.lower


def test_repeated_policies_count_once():
    one = np.array([[[0, 1], [1, 0]]])
    assert complexity.spanning_capacity(np.repeat(one, 5, axis=0), A=2).value == 1
    two = np.concatenate([np.repeat(one, 5, axis=0), np.repeat(1 - one, 5, axis=0)])
    assert complexity.spanning_capacity(two, A=2, max_assignments=1).upper == 2


@pytest.mark.parametrize(
    ("policies", "options", "text"),
    [
        ([], {}, "must hold"),
        (np.zeros((2, 2, 2)), {}, "integers"),
        ([np.zeros((2, 2), int), np.zeros((3, 2), int)], {}, "all of them"),
        (np.full((2, 2, 2), 3), {"A": 2}, "outside"),
        (np.full((2, 2, 2), -1), {}, "outside"),
        (np.zeros((2, 2, 2), int), {"max_assignments": 0}, "max_assignments"),
    ],
)
def test_refusals(policies, options, text):
    with pytest.raises(ParameterError, match=text):
        complexity.spanning_capacity(policies, **options)
