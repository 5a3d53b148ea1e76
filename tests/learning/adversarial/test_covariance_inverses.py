"""Two estimates of an inverse covariance against their definitions."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular.errors import ParameterError
from tabular.learning.adversarial import direct_inverse, matrix_geometric_resampling, resampling_mean


def unit_rows(rng, *shape):
    x = rng.standard_normal(shape)
    return x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1.0)


@given(st.integers(0, 2**31), st.integers(1, 5), st.integers(1, 20), st.floats(-4.0, 0.0))
def test_direct_inverse_is_the_inverse(seed, d, M, exponent):
    x, gamma = unit_rows(np.random.default_rng(seed), M, d), 10.0**exponent
    found = direct_inverse(x, gamma)
    assert np.allclose(found, np.linalg.inv(gamma * np.eye(d) + x.T @ x / M), rtol=1e-8, atol=1e-8)
    assert np.linalg.eigvalsh(found).max() <= (1.0 + 1e-9) / gamma


@given(st.integers(0, 2**31), st.integers(1, 4), st.integers(1, 5), st.integers(1, 3))
@settings(max_examples=30)
def test_resampling_multiplies_its_matrices_in_order(seed, d, N, M):
    rng = np.random.default_rng(seed)
    x, gamma, c = unit_rows(rng, M, N, d), 0.3, 0.4
    total = np.zeros((d, d))
    for block in x:
        Z = np.eye(d)
        total += c * Z / M
        for row in block:
            Z = Z @ (np.eye(d) - c * (gamma * np.eye(d) + np.outer(row, row)))
            total += c * Z / M
    assert np.allclose(matrix_geometric_resampling(x, gamma, c=c), total, atol=1e-12)


def test_mean_of_resampling_within_four_standard_errors():
    rng = np.random.default_rng(0)
    phi, weights, gamma, N, runs = unit_rows(rng, 3, 2), np.array([0.2, 0.3, 0.5]), 0.1, 6, 20_000
    drawn = phi[np.searchsorted(np.cumsum(weights), rng.random((runs, N)))]
    found = np.array([matrix_geometric_resampling(block[None], gamma) for block in drawn])
    mean = resampling_mean((phi * weights[:, None]).T @ phi, gamma, N)
    error = found.std(axis=0) / math.sqrt(runs)
    assert np.all(np.abs(found.mean(axis=0) - mean) <= 4.0 * error)
    assert np.any(np.abs(found.mean(axis=0) - resampling_mean(phi.T @ phi / 3, gamma, N)) > 4.0 * error)


def test_resampling_mean_tends_to_the_inverse():
    sigma = np.diag([0.5, 0.1])
    assert np.allclose(resampling_mean(sigma, 0.2, 0), 0.5 * np.eye(2))
    assert np.allclose(resampling_mean(sigma, 0.2, 2000), np.diag([1 / 0.7, 1 / 0.3]))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: direct_inverse([[1.0, 0.0]], 0.0), "do not span"),
        (lambda: direct_inverse([[3.0]], 0.5), r"features\[0\] has norm 3"),
        (lambda: direct_inverse([[math.nan]], 0.5), "nan"),
        (lambda: matrix_geometric_resampling([[[1.0]]], 0.0), "gamma is 0.0"),
        (lambda: matrix_geometric_resampling([[[1.0]]], 0.5, c=0.6), "c is 0.6"),
        (lambda: resampling_mean([[0.0, 1.0], [0.0, 0.0]], 0.5, 3), "symmetric"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ParameterError, match=words):
        call()
