r"""How much observations reveal of the latent state: by singular values, and by the best left inverse.

For emissions E of shape (O, S), whose columns are the laws of observations, :math:`\alpha_\sigma=\sigma_S(E)` and

.. math::
    \alpha_1=1/\min\{\lVert L\rVert_{1\to1}:LE=I\},\qquad\lVert L\rVert_{1\to1}=\max_o\sum_s|L_{so}|.

The minimum is a linear program; the Moore-Penrose inverse is one left inverse, in general not the best. Both constants
are 0 where the columns are linearly dependent: no left inverse exists.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tabular import _check as check
from tabular.errors import CertificateError, ParameterError

from ._fractions import as_fractions, rank_of_fractions
from .certified import Certified

__all__ = ["m_step_emissions", "pseudo_inverse_constant", "revealing_constant"]

Floats = npt.NDArray[np.float64]
_EPS = float(np.finfo(float).eps)


def _emissions(emissions: npt.ArrayLike) -> Floats:
    """Return emissions (H, O, S), nonnegative, without columns of zeros."""
    E = check.as_array(emissions, "emissions", ndim=(2, 3), error=ParameterError)
    if E.min() < 0.0:
        index = tuple(int(i) for i in np.argwhere(E < 0.0)[0])
        raise ParameterError(f"emissions[{', '.join(map(str, index))}] is {E[index]:g}; probabilities must be >= 0")
    total = E.sum(axis=-2)
    if np.ptp(total) > 1e-8 * total.max():
        raise ParameterError("the columns of emissions have different sums; each is the law of what a state emits")
    return E[None] if E.ndim == 2 else E


def revealing_constant(emissions: npt.ArrayLike, *, norm: str = "l1") -> Certified:
    r"""Return the revealing constant of emissions; the least over steps.

    Parameters
    ----------
    emissions : array, shape (O, S) or (H, O, S)
        ``emissions[..., o, s]``: probability of o in state s. Columns have one common sum: 1, or :math:`A^{m-1}` for
        `m_step_emissions`.
    norm : {"l1", "spectral"}
        :math:`\alpha_1` or :math:`\alpha_\sigma`.

    Returns
    -------
    Certified
        0 exactly where some step's columns are linearly dependent as the floats stand. Witness: for ``l1`` the left
        inverse (S, O) whose norm gives ``lower``, of the worst step; for ``spectral`` the step. ``upper`` of ``l1`` is
        a dual bound: for any Y, :math:`\|L\|_{1\to1}\ge\mathrm{tr}Y/\sum_o\max_s|(EY)_{os}|`.

    Raises
    ------
    ParameterError
        For negative entries, or columns with different sums.
    CertificateError
        If the linear program was not solved.

    References
    ----------
    .. [1] Liu, Chung, Szepesvari, Jin (2022), When is partially observable RL not scary?, assumption 1.
    .. [2] Chen, Wang, Xiong, Mei, Bai (2023), Lower bounds for learning in revealing POMDPs, definition 2.

    Examples
    --------
    >>> round(revealing_constant([[0.9, 0.1], [0.1, 0.9]]).value, 9)
    0.8
    """
    E = _emissions(emissions)
    check.choice(norm, "norm", ("l1", "spectral"))
    found = [_dependent(one) or (_best_inverse(one) if norm == "l1" else _smallest(one)) for one in E]
    worst = min(range(len(found)), key=lambda h: found[h].lower)
    lower, upper = min(one.lower for one in found), min(one.upper for one in found)
    witness = found[worst].witness if norm == "l1" else worst
    return Certified(lower, upper, found[worst].method, witness)


def pseudo_inverse_constant(emissions: npt.ArrayLike) -> Certified:
    r"""Return the lower bound :math:`1/\|E^+\|_{1\to1}\le\alpha_1`, with an upper bound by distances of columns.

    Parameters
    ----------
    emissions : array
        As in `revealing_constant`.

    Returns
    -------
    Certified
        ``lower`` is what the Moore-Penrose inverse gives; ``upper`` is :math:`\min_{s\ne s'}\|E_s-E_{s'}\|_1/2`. In
        general an enclosure of :math:`\alpha_1`, not its value. Witness: the pseudo-inverse of the worst step.
    """
    E = _emissions(emissions)
    lower, upper, witness = np.inf, np.inf, None
    for one in E:
        if _dependent(one) is not None:
            return Certified(0.0, 0.0, "linearly dependent columns")
        inverse, norm = _repaired(np.linalg.pinv(one), one)
        if 1.0 / norm < lower:
            lower, witness = 1.0 / norm, inverse
        upper = min(upper, _distances(one))
    return Certified(lower, max(lower, upper), "the Moore-Penrose inverse below, distances of columns above", witness)


def _distances(E: Floats) -> float:
    """Return the least |E v|_1 / |v|_1, an upper bound on alpha_1, over v = e_s and v = e_s - e_t."""
    bound = float(E.sum(axis=0).min())
    for s in range(E.shape[1]):
        for t in range(s):
            bound = min(bound, 0.5 * float(np.abs(E[:, s] - E[:, t]).sum()))
    return bound * (1.0 + 8.0 * _EPS * E.shape[0])


def _noise(E: Floats) -> float:
    return 8.0 * _EPS * max(E.shape) * float(np.linalg.norm(E))


def _dependent(E: Floats) -> Certified | None:
    """Return 0 if the columns are dependent: decided by singular values, exactly where these leave it open."""
    n, S = E.shape
    if n >= S and float(np.linalg.svd(E, compute_uv=False)[-1]) > _noise(E):
        return None
    if n >= S and rank_of_fractions(as_fractions(E, "emissions", None, ndim=2)) == S:
        return None
    return Certified(0.0, 0.0, "linearly dependent columns")


def _smallest(E: Floats) -> Certified:
    value = float(np.linalg.svd(E, compute_uv=False)[-1])
    return Certified(max(0.0, value - _noise(E)), value + _noise(E), "smallest singular value, rounding allowed for")


def _repaired(L: Floats, E: Floats) -> tuple[Floats, float]:
    """Return a left inverse near L with an upper bound on its norm: residual R = L E - I adds |R| |L| / (1 - |R|)."""
    for _ in range(2):
        L = np.asarray(np.linalg.solve(L @ E, L))
    residual = float(np.abs(L @ E - np.eye(E.shape[1])).sum(axis=0).max())
    norm = float(np.abs(L).sum(axis=0).max())
    residual += 4.0 * _EPS * max(E.shape) * norm * float(E.sum(axis=0).max())
    if residual >= 0.5:
        return L, np.inf
    return L, norm * (1.0 + 4.0 * _EPS * E.shape[1]) / (1.0 - residual)


def _best_inverse(E: Floats) -> Certified:
    from scipy import sparse
    from scipy.optimize import linprog

    n, S = E.shape
    size = S * n
    # L = U - W, both (S, n) and >= 0; then t.
    identity = sparse.kron(sparse.eye_array(S), sparse.csr_array(E.T))
    balance: Any = sparse.hstack([identity, -identity, sparse.csr_array((S * S, 1))], format="csr")
    column = sparse.kron(sparse.csr_array(np.ones((1, S))), sparse.eye_array(n))
    limits: Any = sparse.hstack([column, column, sparse.csr_array(-np.ones((n, 1)))], format="csr")
    cost = np.zeros(2 * size + 1)
    cost[-1] = 1.0
    answer = linprog(cost, A_ub=limits, b_ub=np.zeros(n), A_eq=balance, b_eq=np.eye(S).ravel(), method="highs")
    if answer.x is None:
        raise CertificateError(f"HiGHS gave no left inverse: {answer.message}")
    L, norm = _repaired((answer.x[:size] - answer.x[size : 2 * size]).reshape(S, n), E)
    Y = answer.eqlin.marginals.reshape(S, S).T
    weight = float(np.abs(E @ Y).max(axis=1).sum()) * (1.0 + 4.0 * _EPS * (S + n))
    trace = float(np.trace(Y)) - 4.0 * _EPS * S * float(np.abs(np.diag(Y)).sum())
    upper = min(weight / trace if trace > 0.0 else np.inf, _distances(E))
    return Certified(min(1.0 / norm, upper), upper, "linear program: named left inverse below, dual bound above", L)


def m_step_emissions(P: npt.ArrayLike, emissions: npt.ArrayLike, m: int, *, h: int = 0) -> Floats:
    r"""Return the m-step emission-action matrix at step h: laws of m observations under each sequence of m-1 actions.

    Parameters
    ----------
    P : array, shape (S, A, S) or (H, S, A, S)
        Transitions between latent states.
    emissions : array, shape (O, S) or (H, O, S)
        Columns are laws of observations.
    m : int
        Number of observations.
    h : int
        Step, counted from 0; the arrays with a step axis must reach to ``h + m - 1``.

    Returns
    -------
    ndarray, shape (A^(m-1) O^m, S)
        Rows ordered by (a_1, o_1, a_2, ..., o_m) in the order ``o_1, a_1, o_2, ..., a_{m-1}, o_m``; columns sum to
        :math:`A^{m-1}`.

    Raises
    ------
    ParameterError
        For shapes that do not fit, or more than 10^6 rows.

    Examples
    --------
    >>> m_step_emissions([[[0.0, 1.0]], [[1.0, 0.0]]], [[0.5, 1.0], [0.5, 0.0]], 2).tolist()
    [[0.5, 0.5], [0.0, 0.5], [0.5, 0.0], [0.0, 0.0]]
    """
    length, step = check.count(m, "m"), check.count(h, "h", low=0)
    T = check.as_array(P, "P", ndim=(3, 4), error=ParameterError)
    check.stochastic_rows(T, "P", ParameterError)
    E = check.as_array(emissions, "emissions", ndim=(2, 3), error=ParameterError)
    S, A = T.shape[-1], T.shape[-2]
    if T.shape[-3] != S or E.shape[-1] != S:
        raise ParameterError(f"P has shape {T.shape}, emissions {E.shape}; the states must agree")
    _emissions(E)
    if A ** (length - 1) * E.shape[-2] ** length > 10**6:
        raise ParameterError(f"m is {length}: the matrix would have more than 10^6 rows")
    for array, name in ((T, "P"), (E, "emissions")):
        steps = array.shape[0] - (2 if name == "P" else 1) + 1
        if array.ndim == (4 if name == "P" else 3) and step + length - (name == "P") > array.shape[0]:
            raise ParameterError(f"{name} has {steps} steps; step {step} with m = {length} needs more")
    last = E[step + length - 1] if E.ndim == 3 else E
    matrix = np.array(last)
    for t in range(step + length - 2, step - 1, -1):
        move, emit = (T[t] if T.ndim == 4 else T), (E[t] if E.ndim == 3 else E)
        ahead = np.einsum("sat,xt->axs", move, matrix)
        matrix = (emit[:, None, None, :] * ahead[None]).reshape(-1, S)
    return matrix
