"""Bellman ranks, Bellman eluder dimension and inherent Bellman error against loops, fractions and structure."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounds import complexity
from bounds.complexity._fractions import as_fractions, rank_of_fractions, scaled_integers
from experiments import instances
from experiments.papers._complexity_models import block_model, episodic_model
from tabular import planning
from tabular.errors import ModelError, ParameterError
from tabular.models import DiscountedMDP, EpisodicMDP

SEEDS = st.integers(0, 2**16).map(np.random.default_rng)


def by_loops(mdp, f, kind):
    """Average Bellman errors from their definition."""
    H, S, _ = mdp.r.shape
    out = np.zeros((H, len(f), len(f)))
    for i, j in itertools.product(range(len(f)), repeat=2):
        law = mdp.mu0.copy()
        for h in range(H):
            after = np.zeros(S)
            for s in range(S):
                own, other = int(f[i, h, s].argmax()), int(f[j, h, s].argmax())
                a = other if kind == "V" else own
                target = mdp.r[h, s, a]
                if h + 1 < H:
                    target += sum(mdp.P[h, s, a, t] * max(f[j, h + 1, t]) for t in range(S))
                out[h, i, j] += law[s] * (f[j, h, s, a] - target)
                after += law[s] * mdp.P[h, s, own]
            law = after
    return out


@pytest.mark.parametrize("kind", ["V", "Q"])
@settings(max_examples=15)
@given(rng=SEEDS)
def test_matrices_equal_their_definition_and_ranks_are_exact(kind, rng):
    S, A, H = (int(rng.integers(1, 4)) for _ in range(3))
    mdp = episodic_model(S, A, H, rng)
    f = rng.integers(0, 9, size=(6, H, S, A)) / 8.0
    matrices = complexity.bellman_error_matrices(mdp, f, kind=kind)
    np.testing.assert_allclose(matrices, by_loops(mdp, f, kind), atol=1e-12)
    found = complexity.bellman_rank(mdp, f, kind=kind)
    exact = complexity.bellman_rank(mdp, f, kind=kind, max_denominator=64)
    assert exact.exact
    assert found.lower <= exact.value <= found.upper <= (S if kind == "V" else S * A)
    fewer = complexity.bellman_rank(mdp, f[:4], kind=kind, max_denominator=64)
    assert fewer.value <= exact.value


def test_structure_bounds_the_rank():
    rng = np.random.default_rng(4)
    tabular = instances.random_episodic(4, 3, 3, rng=5)
    f = rng.random((12, *tabular.r.shape))
    assert complexity.bellman_rank(tabular, f).value == tabular.S
    assert complexity.bellman_rank(tabular, f, kind="Q").value > tabular.S
    blocks = block_model(2, 3, 3, 3, rng)
    f = rng.random((12, *blocks.r.shape))
    assert complexity.bellman_rank(blocks, f).upper <= 2 < blocks.S
    linear = instances.random_linear_mdp(6, 3, 2, 3, rng)
    weights = rng.normal(size=(12, 3, 2))
    g = np.einsum("sad,nhd->nhsa", linear.phi, weights)
    for kind in ("V", "Q"):
        assert complexity.bellman_rank(linear.to_episodic(), g, kind=kind).upper <= 2
    # off the linear class the Q-type rank is not bounded by the dimension
    assert complexity.bellman_rank(linear.to_episodic(), rng.random(g.shape), kind="Q").lower > 2


def test_an_ambiguous_rank_is_an_enclosure_with_its_gap():
    mdp = EpisodicMDP(np.array([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]]]), np.zeros((2, 2)), [1.0, 0.0], H=2)
    f = np.zeros((2, 2, 2, 2))
    f[0, 0, 0], f[1, 0, 0] = [1.0, 0.0], [0.0, 1.0]
    f[0, 1, 0] = [1.0, 0.5]
    f[1, 1, 0] = [1.0, 0.5]
    f[1, 1, 1] = [1e-10, 0.0]
    found = complexity.bellman_rank(mdp, f)
    assert (found.lower, found.upper) == (1, 2)
    assert complexity.bellman_rank(mdp, f, tol=1e-12).value == 2
    step, gap = complexity.bellman_rank(mdp, f, tol=0.0).witness
    assert step == 1
    assert gap == np.inf
    assert found.witness[1] > 1e9


def test_bellman_eluder_is_the_lesser_family_and_bounded_by_the_rank():
    rng = np.random.default_rng(2)
    linear = instances.random_linear_mdp(5, 2, 1, 3, rng)
    mdp = linear.to_episodic()
    f = np.einsum("sad,nhd->nhsa", linear.phi, rng.normal(size=(10, 3, 1)))
    both = complexity.bellman_eluder_dimension(mdp, f, 0.05)
    alone = [complexity.bellman_eluder_dimension(mdp, f, 0.05, families=(one,)).value for one in ("dirac", "occupancy")]
    assert both.value == min(alone)
    assert both.witness[0] in ("dirac", "occupancy")
    v_type = complexity.bellman_eluder_dimension(mdp, f, 0.05, kind="V", families=("dirac",))
    assert v_type.upper <= mdp.S
    assert complexity.bellman_eluder_dimension(mdp, f, 100.0).value == 0


@settings(max_examples=20)
@given(SEEDS)
def test_inherent_bellman_error_equals_loops_and_vanishes_on_closed_classes(rng):
    S, A, H = (int(rng.integers(1, 4)) for _ in range(3))
    mdp = episodic_model(S, A, H, rng)
    f = rng.random((4, H, S, A))
    worst = 0.0
    for h in range(H):
        for i in range(4):
            target = mdp.r[h] + (mdp.P[h] @ f[i, h + 1].max(axis=1) if h + 1 < H else 0.0)
            worst = max(worst, min(np.abs(f[j, h] - target).max() for j in range(4)))
    found = complexity.inherent_bellman_error(mdp, f)
    assert found.lower <= worst <= found.upper
    best = planning.backward_induction(mdp).Q
    assert complexity.inherent_bellman_error(mdp, best[None]).upper < 1e-12
    uniform = np.full((H, S, A), 1.0 / (S * A))
    assert complexity.inherent_bellman_error(mdp, f, weights=uniform).lower <= found.upper


def test_linear_classes_are_enclosed():
    rng = np.random.default_rng(1)
    linear = instances.random_linear_mdp(5, 2, 2, 3, rng)
    closed = complexity.linear_bellman_error(linear.to_episodic(), linear.phi, 1.0, tol=0.1)
    assert closed.lower < 1e-9
    assert closed.width <= 0.11 * np.abs(linear.phi).sum(axis=2).max()
    # one feature that is constant: the error is half the range of the backup, largest where rewards differ most
    mdp = EpisodicMDP(np.ones((1, 2, 1)), [[0.0, 0.6]], [1.0], H=2)
    found = complexity.linear_bellman_error(mdp, np.ones((1, 2, 1)), 1.0)
    assert found.lower <= 0.3 <= found.upper
    # f = theta x in state 0, backups of the other state kink: |theta| is not linear
    phi = np.array([[[1.0], [0.0]], [[1.0], [-1.0]]])
    to_second = np.zeros((2, 2, 2))
    to_second[..., 1] = 1.0
    kinked = EpisodicMDP(to_second, np.zeros((2, 2)), [1.0, 0.0], H=2)
    kinked_error = complexity.linear_bellman_error(kinked, phi, 2.0, tol=0.01)
    assert kinked_error.lower <= 2.0 <= kinked_error.upper
    assert kinked_error.width < 0.05


def test_boxes_that_were_not_split_bound_the_error_from_above():
    # everything leads to a state whose values are 0: the class is closed, and what is left is the growth in a box
    phi = np.array([[[1.0], [0.5]], [[0.0], [0.0]]])
    to_second = np.zeros((2, 2, 2))
    to_second[..., 1] = 1.0
    mdp = EpisodicMDP(to_second, np.zeros((2, 2)), [1.0, 0.0], H=2)
    for boxes, half in ((1, 2.0), (3, 1.0), (7, 0.5)):
        found = complexity.linear_bellman_error(mdp, phi, 2.0, tol=0.0, max_boxes=boxes)
        assert found.lower < 1e-9
        assert found.upper == pytest.approx(half)


def test_fractions_have_rank_and_common_denominators():
    rng = np.random.default_rng(0)
    for _ in range(30):
        left, right = rng.integers(-3, 4, size=(5, 2)), rng.integers(-3, 4, size=(2, 6))
        matrix = as_fractions(left @ right / 7.0, "matrix", 7, ndim=2)
        assert rank_of_fractions(matrix) == np.linalg.matrix_rank(left @ right)
    whole, common = scaled_integers(as_fractions([[0.5, 1.0 / 3.0]], "x", 10, ndim=2), "x")
    assert (whole.tolist(), common) == ([[3.0, 2.0]], 6)


MDP = EpisodicMDP([[[1.0]]], [[0.5]], [1.0], H=1)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: complexity.bellman_rank(DiscountedMDP([[[1.0]]], [[0.0]], 0.5, [1.0]), [[[[0.0]]]]),
            ParameterError,
            "Episodic",
        ),
        (lambda: complexity.bellman_rank(MDP, [[[[0.0, 1.0]]]]), ParameterError, "shape"),
        (lambda: complexity.bellman_rank(MDP, [[[[0.0]]]], kind="W"), ParameterError, "kind"),
        (lambda: complexity.bellman_rank(MDP, [[[[0.0]]]], policies=[[0]]), ParameterError, "policies"),
        (lambda: complexity.bellman_rank(MDP, [[[[np.inf]]]]), ParameterError, "functions"),
        (lambda: complexity.bellman_eluder_dimension(MDP, [[[[0.0]]]], 0.1, families=()), ParameterError, "families"),
        (
            lambda: complexity.bellman_eluder_dimension(MDP, [[[[0.0]]]], 0.1, families=("all",)),
            ParameterError,
            "families",
        ),
        (lambda: complexity.inherent_bellman_error(MDP, [[[[0.0]], [[0.0]]]]), ParameterError, "shape"),
        (lambda: complexity.inherent_bellman_error(MDP, [[[[0.0]]]], weights=[[[0.5]]]), ParameterError, "sums to"),
        (lambda: complexity.linear_bellman_error(MDP, [[[1.0], [1.0]]], 1.0), ParameterError, "phi"),
        (lambda: complexity.linear_bellman_error(MDP, [[[1.0]]], 0.0), ParameterError, "radius"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_fractions_of_a_row_must_sum_to_one():
    mdp = EpisodicMDP(np.tile([0.3, 0.3, 0.4], (3, 1, 1)), np.zeros((3, 1)), [1.0, 0.0, 0.0], H=1)
    with pytest.raises(ModelError, match="max_denominator"):
        complexity.bellman_rank(mdp, np.zeros((1, 1, 3, 1)), max_denominator=2)
