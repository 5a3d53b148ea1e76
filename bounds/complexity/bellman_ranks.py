r"""Bellman rank and Bellman eluder dimension of a finite class of value functions.

For value functions :math:`f=(f_h)` with greedy policies :math:`\pi_f`, the average Bellman errors at step h are

.. math::
    W_h(\pi,f)=E_{s\sim d_h^\pi,\,a\sim b}\big[f_h(s,a)-r_h(s,a)-E\max_{a'}f_{h+1}(s',a')\big],

with b the greedy action of f (V-type) or that of the policy (Q-type), and :math:`f_{H+1}=0`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tabular import _check as check
from tabular.errors import ModelError, ParameterError
from tabular.models import EpisodicMDP

from ._fractions import as_fractions, rank_of_fractions
from .certified import Certified
from .eluder_dimensions import MAX_POINTS, distributional_eluder_dimension

__all__ = ["bellman_eluder_dimension", "bellman_error_matrices", "bellman_rank"]

Floats = npt.NDArray[np.float64]
Objects = npt.NDArray[Any]
_EPS = float(np.finfo(float).eps)


def _class(mdp: EpisodicMDP, functions: npt.ArrayLike) -> Floats:
    if not isinstance(mdp, EpisodicMDP):
        raise ParameterError(f"a {type(mdp).__name__} has no Bellman rank here; give an EpisodicMDP")
    f = check.as_array(functions, "functions", ndim=4, error=ParameterError)
    if f.shape[1:] != mdp.r.shape:
        raise ParameterError(
            f"functions has shape {f.shape}; (N, H, S, A) = (N, {', '.join(map(str, mdp.r.shape))}) is needed"
        )
    return f


def _policies(f: Floats, policies: npt.ArrayLike | None) -> npt.NDArray[np.int64]:
    """Return deterministic policies (N, H, S): those given, or the greedy ones."""
    if policies is None:
        return np.asarray(f.argmax(axis=3), dtype=np.int64)
    given = np.asarray(policies)
    if given.ndim != 3 or given.shape[0] == 0:
        raise ParameterError(f"policies has shape {given.shape}; (N, H, S) is needed, with N >= 1")
    return np.stack([check.policy(one, f.shape[1:3], f.shape[3]) for one in given])


def _residuals(P: Any, r: Any, f: Any) -> Any:
    """Return f_h - T_h f_{h+1}, shape (N, H, S, A), in the arithmetic of the arguments."""
    result = f - r
    for h in range(f.shape[1] - 1):
        best = f[:, h + 1].max(axis=2)
        result[:, h] = result[:, h] - np.moveaxis(P[h] @ best.T, 2, 0)
    return result


def _occupancies(P: Any, mu0: Any, policies: npt.NDArray[np.int64]) -> Any:
    """Return the laws of states (N, H, S) under deterministic policies, in the arithmetic of the arguments."""
    N, H, S = policies.shape
    law = np.empty((N, H, S), dtype=np.asarray(mu0).dtype)
    states = np.arange(S)
    for i in range(N):
        law[i, 0] = mu0
        for h in range(H - 1):
            law[i, h + 1] = law[i, h] @ P[h][states, policies[i, h]]
    return law


def _matrices(P: Any, r: Any, mu0: Any, f: Any, policies: Any, kind: str) -> list[Any]:
    error, law = _residuals(P, r, f), _occupancies(P, mu0, policies)
    if kind == "V":
        greedy = f.argmax(axis=3)
        chosen = np.take_along_axis(error, greedy[..., None], axis=3)[..., 0]
        return [law[:, h] @ chosen[:, h].T for h in range(f.shape[1])]
    rows = []
    for h in range(f.shape[1]):
        taken = error[:, h][:, np.arange(f.shape[2])[None, :], policies[:, h]]  # (f, policy, s)
        rows.append((law[None, :, h] * taken).sum(axis=2).T)
    return rows


def bellman_error_matrices(
    mdp: EpisodicMDP,
    functions: npt.ArrayLike,
    *,
    kind: str = "V",
    policies: npt.ArrayLike | None = None,
) -> Floats:
    """Return the average Bellman errors, shape (H, policies, functions).

    Parameters
    ----------
    mdp : EpisodicMDP
    functions : array, shape (N, H, S, A)
        State-action value functions.
    kind : {"V", "Q"}
        Whether the action is greedy for the function or the policy's.
    policies : array of int, shape (M, H, S), optional
        By default the greedy policies of the functions, ties to the smallest action.

    Raises
    ------
    ParameterError
        For shapes that do not fit.

    Examples
    --------
    >>> mdp = EpisodicMDP([[[1.0]]], [[0.5]], [1.0], H=1)
    >>> bellman_error_matrices(mdp, [[[[2.0]]]]).tolist()
    [[[1.5]]]
    """
    f = _class(mdp, functions)
    found = _matrices(mdp.P, mdp.r, mdp.mu0, f, _policies(f, policies), check.choice(kind, "kind", ("V", "Q")))
    return np.asarray(found)


def bellman_rank(
    mdp: EpisodicMDP,
    functions: npt.ArrayLike,
    *,
    kind: str = "V",
    policies: npt.ArrayLike | None = None,
    tol: float = 1e-8,
    max_denominator: int | None = None,
) -> Certified:
    r"""Return the Bellman rank: the largest rank, over steps, of the matrix of average Bellman errors.

    Parameters
    ----------
    mdp, functions, kind, policies
        As in `bellman_error_matrices`.
    tol : float
        Singular values above ``tol`` times the largest count for ``lower``; those above the level of rounding, about
        :math:`10^{-15}` times size and scale, count for ``upper``.
    max_denominator : int, optional
        Read model and functions as the nearest fractions with at most this denominator, and return the exact rank. Cost
        grows fast beyond some twenty functions.

    Returns
    -------
    Certified
        Where ``lower < upper`` the rank is numerically ambiguous. In floats, ``upper`` takes for granted
        that singular values at the level of rounding are zeros. Witness: ``(h, gap)``, the step of the largest rank and
        the ratio of the smallest singular value counted there to the next one (``inf`` where none follows);
        in fractions ``(h, None)``.

    Raises
    ------
    ParameterError
        For shapes that do not fit.
    ModelError
        If the fractions of a row do not sum to 1.

    References
    ----------
    .. [1] Jiang, Krishnamurthy, Agarwal, Langford, Schapire (2017), Contextual decision processes with low
       Bellman rank are PAC-learnable, definition 5.
    """
    f = _class(mdp, functions)
    pi = _policies(f, policies)
    check.choice(kind, "kind", ("V", "Q"))
    threshold = check.number(tol, "tol", low=0.0, high=1.0)
    if max_denominator is not None:
        P, r, mu0, exact = (
            as_fractions(x, name, max_denominator, ndim=x.ndim)
            for x, name in ((mdp.P, "P"), (mdp.r, "r"), (mdp.mu0, "mu0"), (f, "functions"))
        )
        if np.any(P.sum(axis=3) != 1) or mu0.sum() != 1:
            raise ModelError("the fractions of a row do not sum to 1; give a larger max_denominator")
        if policies is None:
            pi = np.asarray(exact.argmax(axis=3), dtype=np.int64)
        ranks = [rank_of_fractions(one) for one in _matrices(P, r, mu0, exact, pi, kind)]
        h = int(np.argmax(ranks))
        return Certified(ranks[h], ranks[h], "elimination in exact fractions", (h, None))
    scale = float(np.abs(mdp.r).max() + 2.0 * np.abs(f).max())
    rounding = scale * _EPS * (8.0 * mdp.S * mdp.A * f.shape[1] + 8.0)
    lower, upper, witness = 0, 0, (0, np.inf)
    for h, matrix in enumerate(_matrices(mdp.P, mdp.r, mdp.mu0, f, pi, kind)):
        values = np.linalg.svd(matrix, compute_uv=False)
        noise = rounding * np.sqrt(matrix.size)
        low = int(np.count_nonzero(values > max(noise, threshold * float(values[0]))))
        high = int(np.count_nonzero(values > noise))
        if low > lower or h == 0:
            following = float(values[low]) if low < values.size else 0.0
            gap = float(values[low - 1]) / following if low and following > 0.0 else np.inf
            witness = (h, gap)
        lower, upper = max(lower, low), max(upper, high)
    return Certified(lower, upper, "singular values, those at the level of rounding taken for zeros", witness)


def bellman_eluder_dimension(
    mdp: EpisodicMDP,
    functions: npt.ArrayLike,
    eps: float,
    *,
    kind: str = "Q",
    families: tuple[str, ...] = ("dirac", "occupancy"),
    max_points: int = MAX_POINTS,
    rng: int | np.random.SeedSequence | np.random.Generator = 0,
) -> Certified:
    r"""Return the Bellman eluder dimension: of Bellman errors, over single pairs or over laws of greedy policies.

    The least over the families of the largest over steps of the distributional eluder dimension of
    :math:`f_h-T_hf_{h+1}` (Q-type, on state-action pairs) or of its value at the greedy action of f (V-type, on
    states).

    Parameters
    ----------
    mdp, functions, kind
        As in `bellman_error_matrices`.
    eps : float
    families : tuple of {"dirac", "occupancy"}
        Distributions: points, or those of the greedy policies of the class.
    max_points, rng
        As in `eluder_dimension`.

    Returns
    -------
    Certified
        Witness: the family that attains ``upper``, and the step.

    Raises
    ------
    ParameterError
        For shapes that do not fit, or no family.

    References
    ----------
    .. [1] Jin, Liu, Miryoosefi (2021), Bellman eluder dimension, definition 8.
    """
    f = _class(mdp, functions)
    check.choice(kind, "kind", ("V", "Q"))
    if not families:
        raise ParameterError("families is empty; name dirac, occupancy or both")
    error, pi = _residuals(mdp.P, mdp.r, f), _policies(f, None)
    law = _occupancies(mdp.P, mdp.mu0, pi)
    best: Certified | None = None
    for family in families:
        check.choice(family, "families", ("dirac", "occupancy"))
        lower, upper, step = 0, 0, 0
        for h in range(f.shape[1]):
            if kind == "V":
                g = np.take_along_axis(error[:, h], pi[:, h][..., None], axis=2)[..., 0]
                points = law[:, h]
            else:
                g = error[:, h].reshape(f.shape[0], -1)
                points = np.zeros((f.shape[0], mdp.S, mdp.A))
                np.put_along_axis(points, pi[:, h][..., None], law[:, h][..., None], axis=2)
                points = points.reshape(f.shape[0], -1)
            laws = np.eye(g.shape[1]) if family == "dirac" else np.unique(points, axis=0)
            found = distributional_eluder_dimension(g, laws, eps, max_points=max_points, rng=rng)
            if found.upper > upper:
                step = h
            lower, upper = max(lower, found.lower), max(upper, found.upper)
        here = Certified(lower, upper, "distributional eluder dimension of the Bellman errors", (family, step))
        if best is None:
            best = here
        else:
            witness = best.witness if best.upper <= here.upper else here.witness
            best = Certified(min(best.lower, lower), min(best.upper, upper), here.method, witness)
    assert best is not None
    return best
