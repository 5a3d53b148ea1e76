r"""Two estimates of the regularised inverse covariance :math:`(\gamma I+\mathbb E\phi\phi^\top)^{-1}` from draws."""

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ..._jit import kernel
from ...errors import ParameterError
from ._linear_kernels import _add_outer, _inverse

__all__ = ["direct_inverse", "matrix_geometric_resampling", "resampling_mean"]

Floats = npt.NDArray[np.float64]


@kernel
def _direct(features: Floats, gamma: float, out: Floats) -> bool:
    """Invert ``gamma I`` plus the mean outer square of the rows; False for a singular matrix."""
    M, d = features.shape
    matrix = np.zeros((d, d))
    for i in range(d):
        matrix[i, i] = gamma
    for m in range(M):
        _add_outer(1.0 / M, features[m], matrix)
    return _inverse(matrix, np.empty((d, d)), out)


@kernel
def _resampled(features: Floats, gamma: float, c: float, out: Floats) -> None:
    """Average over m of c times the sum over n of the products of (1 - c gamma) I - c phi phi'."""
    M, N, d = features.shape
    product, row = np.empty((d, d)), np.empty(d)
    out[:] = 0.0
    for m in range(M):
        product[:] = 0.0
        for i in range(d):
            product[i, i] = 1.0
            out[i, i] += c / M
        for n in range(N):
            x = features[m, n]
            for i in range(d):
                row[i] = 0.0
                for j in range(d):
                    row[i] += product[i, j] * x[j]
            for i in range(d):
                for j in range(d):
                    product[i, j] = (1.0 - c * gamma) * product[i, j] - c * row[i] * x[j]
                    out[i, j] += c / M * product[i, j]


def _draws(features: npt.ArrayLike, ndim: int) -> Floats:
    array = check.as_array(features, "features", ndim=ndim, error=ParameterError)
    norms = np.sqrt(np.einsum("...d,...d->...", array, array))
    if norms.max() > 1.0 + 1e-9:
        index = tuple(int(i) for i in np.argwhere(norms > 1.0 + 1e-9)[0])
        raise ParameterError(f"features{list(index)} has norm {norms[index]:.12g}; norms are at most 1")
    return array


def direct_inverse(features: npt.ArrayLike, gamma: float) -> Floats:
    r"""Invert the regularised empirical covariance, :math:`(\gamma I+\frac1M\sum_m\phi_m\phi_m^\top)^{-1}`.

    Parameters
    ----------
    features : array, shape (M, d)
        Independent draws of norm at most 1.
    gamma : float
        In [0, 1]; 0 needs draws that span the space.

    Returns
    -------
    ndarray, shape (d, d)
        Symmetric positive definite, at most ``I / gamma``.

    Raises
    ------
    ParameterError
        For a singular covariance (``gamma = 0`` and draws that do not span), or an argument out of range.

    Notes
    -----
    For ``t`` in (0, 1], the inverse lies between 1/(1+t) and 1/(1-t) times the true one except with probability
    :math:`2d\exp(-t^2M\gamma/(3(1+\gamma)))`, proved in docs/papers/ftrl-log-barrier.md.

    Examples
    --------
    >>> direct_inverse([[1.0, 0.0], [0.0, 1.0]], gamma=0.5).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    draws = _draws(features, 2)
    gamma = check.number(gamma, "gamma", low=0.0, high=1.0)
    out = np.empty((draws.shape[1], draws.shape[1]))
    if not _direct(draws, gamma, out):
        raise ParameterError(f"gamma is {gamma:g}; {draws.shape[0]} draws do not span {draws.shape[1]} dimensions")
    return out


def matrix_geometric_resampling(features: npt.ArrayLike, gamma: float, *, c: float = 0.5) -> Floats:
    r"""Estimate the inverse by Matrix Geometric Resampling (Neu and Olkhovskaya 2020; Luo, Wei and Lee 2021).

    With :math:`Y_n=\gamma I+\phi_n\phi_n^\top` and :math:`Z_n=\prod_{j\le n}(I-cY_j)`, each block of draws gives
    :math:`c(I+\sum_{n\le N}Z_n)`; the estimate is their average.

    Parameters
    ----------
    features : array, shape (M, N, d)
        M blocks of N independent draws of norm at most 1.
    gamma : float
        In (0, 1].
    c : float
        Step in (0, 1/2]: then ``cY`` has eigenvalues in [0, 1].

    Returns
    -------
    ndarray, shape (d, d)
        Not symmetric in general; its mean is `resampling_mean`.

    Raises
    ------
    ParameterError
        For an argument out of range.

    Examples
    --------
    >>> matrix_geometric_resampling([[[1.0]]], gamma=1.0).tolist()
    [[0.5]]
    """
    draws = _draws(features, 3)
    gamma = check.number(gamma, "gamma", low=0.0, high=1.0, open_low=True)
    out = np.empty((draws.shape[2], draws.shape[2]))
    _resampled(draws, gamma, check.number(c, "c", low=0.0, high=0.5, open_low=True), out)
    return out


def resampling_mean(covariance: npt.ArrayLike, gamma: float, draws: int, *, c: float = 0.5) -> Floats:
    r"""Return the mean of `matrix_geometric_resampling` with blocks of N ``draws``.

    It is :math:`(\gamma I+\Sigma)^{-1}(I-(I-c(\gamma I+\Sigma))^{N+1})`.

    Parameters
    ----------
    covariance : array, shape (d, d)
        Symmetric positive semi-definite :math:`\Sigma`, at most the identity.
    gamma, c : float
        As in `matrix_geometric_resampling`.
    draws : int
        N >= 0.

    Returns
    -------
    ndarray, shape (d, d)
    """
    sigma = check.as_array(covariance, "covariance", ndim=2, error=ParameterError)
    if sigma.shape[0] != sigma.shape[1] or not np.allclose(sigma, sigma.T, rtol=0.0, atol=1e-12):
        raise ParameterError(f"covariance has shape {sigma.shape}; a symmetric matrix is needed")
    gamma = check.number(gamma, "gamma", low=0.0, high=1.0, open_low=True)
    c = check.number(c, "c", low=0.0, high=0.5, open_low=True)
    values, vectors = np.linalg.eigh(sigma)
    x = gamma + values
    mean = (1.0 - (1.0 - c * x) ** (check.count(draws, "draws", low=0) + 1)) / x
    result: Floats = (vectors * mean) @ vectors.T
    return result
