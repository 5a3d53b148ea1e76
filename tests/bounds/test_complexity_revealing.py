"""Revealing constants against closed forms, an independent program, and what garbling must and need not do."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounds import complexity
from tabular.errors import ParameterError

SEEDS = st.integers(0, 2**16).map(np.random.default_rng)


def emissions(rng, O=None, S=None):  # noqa: E741
    S = S or int(rng.integers(2, 5))
    return rng.dirichlet(np.full(O or int(rng.integers(S, 7)), rng.choice([0.3, 1.0])), size=S).T


@pytest.mark.parametrize("p", [0.0, 0.1, 0.25, 0.49])
def test_binary_symmetric_emissions(p):
    E = [[1 - p, p], [p, 1 - p]]
    for norm in ("l1", "spectral"):
        found = complexity.revealing_constant(E, norm=norm)
        assert found.lower <= 1 - 2 * p + 1e-15
        assert found.upper >= 1 - 2 * p - 1e-15
        assert found.width < 1e-12


@pytest.mark.parametrize("sig", [0.1, 0.3, 1.0])
def test_the_lock_of_a_hidden_sign_vector(sig):
    mu = np.array([1, -1, 1, -1, -1, 1])
    lock = np.stack([np.ones(6), 1 + sig * mu], axis=1) / 6
    assert complexity.revealing_constant(lock).value == pytest.approx(sig / (2 + sig), rel=1e-9)
    symmetric = np.stack([1 - sig * mu, 1 + sig * mu], axis=1) / 6
    assert complexity.revealing_constant(symmetric).value == pytest.approx(sig, rel=1e-9)


@pytest.mark.parametrize(
    "E",
    [np.full((3, 2), 1 / 3), np.full((2, 3), 0.5), [[0.5, 0.5, 0.5], [0.5, 0.0, 0.25], [0.0, 0.5, 0.25]]],
    ids=["uninformative", "too few observations", "a mixture of two states"],
)
def test_dependent_columns_reveal_nothing(E):
    for norm in ("l1", "spectral"):
        found = complexity.revealing_constant(E, norm=norm)
        assert (found.lower, found.upper) == (0.0, 0.0)
    assert complexity.pseudo_inverse_constant(E).upper == 0.0


def test_nearly_dependent_columns_are_not_called_dependent():
    E = np.array([[0.5, 0.5 + 2.0**-30], [0.5, 0.5 - 2.0**-30]])
    found = complexity.revealing_constant(E)
    assert 0.0 < found.lower <= 2.0**-30 * (1 + 1e-6)
    assert found.upper >= 2.0**-30 * (1 - 1e-6)


def by_sign_patterns(E):
    """Least |E v|_1 over |v|_1 = 1 in each orthant, by linear programs: an upper bound on the constant."""
    from scipy.optimize import linprog

    n, S = E.shape
    best = np.inf
    for signs in itertools.product((1.0, -1.0), repeat=S):
        D = E * signs
        answer = linprog(
            np.r_[np.zeros(S), np.ones(n)],
            A_ub=np.block([[D, -np.eye(n)], [-D, -np.eye(n)]]),
            b_ub=np.zeros(2 * n),
            A_eq=np.r_[np.ones(S), np.zeros(n)][None],
            b_eq=[1.0],
        )
        best = min(best, answer.fun)
    return best


@settings(max_examples=20)
@given(SEEDS)
def test_the_enclosure_is_tight_and_named_inverses_prove_it(rng):
    E = emissions(rng)
    found = complexity.revealing_constant(E)
    S = E.shape[1]
    np.testing.assert_allclose(found.witness @ E, np.eye(S), atol=1e-8 / found.lower)
    assert np.abs(found.witness).sum(axis=0).max() <= (1 + 1e-9) / found.lower
    assert found.width <= 1e-8
    assert found.upper <= by_sign_patterns(E) + 1e-8
    spectral = complexity.revealing_constant(E, norm="spectral")
    assert spectral.lower <= np.linalg.svd(E, compute_uv=False)[-1] <= spectral.upper
    assert spectral.lower / np.sqrt(S) <= found.upper
    rough = complexity.pseudo_inverse_constant(E)
    assert rough.lower <= found.upper + 1e-12
    assert rough.upper >= found.lower - 1e-12


def test_the_moore_penrose_inverse_is_not_the_best():
    rng = np.random.default_rng(7)
    falls_short = 0
    for _ in range(20):
        E = emissions(rng, 5, 3)
        found, rough = complexity.revealing_constant(E), complexity.pseudo_inverse_constant(E)
        assert not rough.exact
        falls_short += rough.lower < 0.95 * found.lower
    assert falls_short >= 10


@settings(max_examples=25)
@given(SEEDS)
def test_garbling_and_relabelling(rng):
    E = emissions(rng)
    channel = rng.dirichlet(np.ones(int(rng.integers(1, 7))), size=E.shape[0]).T
    alpha = complexity.revealing_constant(E)
    assert complexity.revealing_constant(channel @ E).lower <= alpha.upper + 1e-9
    shuffled = E[rng.permutation(E.shape[0])][:, rng.permutation(E.shape[1])]
    assert complexity.revealing_constant(shuffled).value == pytest.approx(alpha.value, rel=1e-7, abs=1e-9)
    both = np.stack([E, np.eye(*E.shape)])
    assert complexity.revealing_constant(both).value == pytest.approx(alpha.value, rel=1e-12)


def test_control_garbling_can_raise_the_smallest_singular_value():
    E, merge = np.array([[0.5], [0.5]]), np.array([[1.0, 1.0]])
    before, after = (complexity.revealing_constant(one, norm="spectral").value for one in (E, merge @ E))
    assert before == pytest.approx(np.sqrt(0.5))
    assert after == pytest.approx(1.0)
    assert complexity.revealing_constant(merge @ E).value == pytest.approx(complexity.revealing_constant(E).value)


def by_paths(P, E, m):
    """Laws of m observations under each action sequence, path by path."""
    S, A, n = P.shape[0], P.shape[1], E.shape[0]
    rows = []
    for word in itertools.product(*([range(n)] + [range(A), range(n)] * (m - 1))):
        row = []
        for s in range(S):
            law = np.eye(S)[s] * E[word[0]]
            for a, o in zip(word[1::2], word[2::2], strict=True):
                law = (law @ P[:, a]) * E[o]
            row.append(law.sum())
        rows.append(row)
    return np.array(rows)


@pytest.mark.parametrize("m", [1, 2, 3])
def test_m_step_matrices_equal_paths(m):
    rng = np.random.default_rng(3)
    P, E = rng.dirichlet(np.ones(3), size=(3, 2)), rng.dirichlet(np.ones(2), size=3).T
    matrix = complexity.m_step_emissions(P, E, m)
    np.testing.assert_allclose(matrix, by_paths(P, E, m), atol=1e-15)
    np.testing.assert_allclose(matrix.sum(axis=0), 2.0 ** (m - 1))
    layered = complexity.m_step_emissions(np.stack([P[::-1], P, P]), np.stack([E, E, E, E]), m, h=1)
    np.testing.assert_allclose(layered, matrix)


def test_two_steps_reveal_what_one_does_not():
    # the states emit alike, but only the first stays put under action 0
    P = np.array([[[1.0, 0.0, 0.0]] * 2, [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]], [[0.0, 0.0, 1.0]] * 2])
    E = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert complexity.revealing_constant(E).upper == 0.0
    assert complexity.revealing_constant(complexity.m_step_emissions(P, E, 2)).lower > 0.4


P1, E1 = [[[1.0]]], [[1.0]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: complexity.revealing_constant([[1.5], [-0.5]]), "must be >= 0"),
        (lambda: complexity.revealing_constant([[0.5, 1.0], [0.2, 0.0]]), "different sums"),
        (lambda: complexity.revealing_constant([[1.0]], norm="l2"), "norm"),
        (lambda: complexity.revealing_constant([0.5, 0.5]), "emissions"),
        (lambda: complexity.m_step_emissions(P1, [[0.5, 0.5], [0.5, 0.5]], 2), "states must agree"),
        (lambda: complexity.m_step_emissions([[[0.9]]], E1, 2), "sums to"),
        (lambda: complexity.m_step_emissions(P1, E1, 0), "m is"),
        (lambda: complexity.m_step_emissions([P1], [E1], 3), "needs more"),
        (lambda: complexity.m_step_emissions(P1, [[0.5], [0.5]], 30), "rows"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ParameterError, match=message):
        call()
