r"""Least squares on a design of few queries: one design for all features, or one for each possible support.

With a design w, :math:`V=\sum w_ax_ax_a^\top`, and rewards within epsilon of a linear function, the weighted
least-squares prediction of every arm is within :math:`\epsilon(1+\sqrt g)` of its reward, g the largest variance of the
design: the linear part is predicted exactly, and
:math:`\lvert x^\top V^{-1}\sum w_bx_b\Delta_b\rvert\le\epsilon\sum w_b\lvert x^\top V^{-1}x_b\rvert\le
\epsilon\lVert x\rVert_{V^{-1}}`.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ...errors import ParameterError
from ...models import LinearBandit
from .optimal_design import OptimalDesign, design_in_span, design_variances, prediction_map
from .query_results import DesignRun, QueryRun, noiseless, outcome

__all__ = ["IndexSetDesigns", "index_set_designs", "index_set_elimination", "one_shot_design"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Steps allowed to each design.
DESIGN_STEPS = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class IndexSetDesigns:
    """One design for each possible support, in lexicographic order; they depend on the features alone.

    Attributes
    ----------
    shape : tuple of int
        Number of arms and of features.
    sparsity : int
    designs : tuple of OptimalDesign
    coordinates : tuple of ndarray
        The features of each support in a basis of their span, (k, rank).
    """

    shape: tuple[int, ...]
    sparsity: int
    designs: tuple[OptimalDesign, ...]
    coordinates: tuple[Floats, ...]


def _columns(columns: Sequence[int] | None, d: int) -> Ints:
    """Return the features used: those given, which are distinct, or all."""
    if columns is None:
        return np.arange(d)
    chosen = [check.count(one, f"columns[{i}]", low=0, high=d - 1) for i, one in enumerate(columns)]
    if not chosen or len(set(chosen)) < len(chosen):
        raise ParameterError(f"columns is {chosen}; at least one feature is needed, and none twice")
    return np.array(chosen, dtype=np.int64)


def _fit(design: OptimalDesign, coordinates: Floats, rewards: Floats) -> Floats:
    """Return predictions (k,) from the rewards of the support; zero features predict 0."""
    if design.d == 0:
        return np.zeros(coordinates.shape[0])
    used = design.support
    z, w = coordinates[used], design.weights[used]
    theta = np.linalg.solve((z * w[:, None]).T @ z, z.T @ (w * rewards[used]))
    return np.asarray(coordinates @ theta)


def one_shot_design(
    bandit: LinearBandit,
    *,
    columns: Sequence[int] | None = None,
    tau: float = 0.01,
    weights: npt.ArrayLike | None = None,
) -> DesignRun:
    r"""Query the support of a G-optimal design once, predict all arms by least squares, put out the best prediction.

    Parameters
    ----------
    bandit : LinearBandit
        Without noise.
    columns : sequence of int, optional
        Features used, distinct; all by default. With the support of theta this is the learner that knows it.
    tau : float
        Accuracy of the design, at least 1e-9: :math:`g\le(1+\tau)r`, r the dimension of the span of the features used.
    weights : array, shape (k,), optional
        A design in place of the optimal one, on arms that span what all arms span.

    Returns
    -------
    DesignRun
        Where theta vanishes outside of ``columns``, every prediction is within :math:`\epsilon(1+\sqrt g)` of its
        reward and the output is :math:`2\epsilon(1+\sqrt g)`-optimal. At most r(r+1)/2 queries.

    Raises
    ------
    ParameterError
        For an argument out of range, or a bandit with noise.

    Examples
    --------
    >>> bandit = LinearBandit([[1.0, 0.0], [0.0, 1.0], [0.4, 0.4]], [0.5, 0.25], 0.0)
    >>> run = one_shot_design(bandit)
    >>> run.arm, run.queries, run.suboptimality
    (0, 2, 0.0)
    """
    rewards = noiseless(bandit, "one_shot_design")
    x = np.ascontiguousarray(bandit.actions[:, _columns(columns, bandit.d)])
    accuracy = check.number(tau, "tau", low=1e-9)
    if weights is None:
        design, coordinates = design_in_span(x, accuracy, DESIGN_STEPS)
        predictions, g = _fit(design, coordinates, rewards), design.g
        w = design.weights if design.d else np.zeros(bandit.A)
    else:
        w = np.array(check.distribution(weights, "weights", bandit.A, error=ParameterError))
        predictions, g = prediction_map(x, w) @ rewards, float(design_variances(x, w).max())
    arm = int(np.argmax(predictions))
    fields = outcome("one-shot design", bandit, arm, np.flatnonzero(w > 0.0), True)
    return DesignRun(**fields, predictions=predictions, weights=w, g=g)


def index_set_designs(actions: npt.ArrayLike, *, sparsity: int, tau: float = 0.01) -> IndexSetDesigns:
    """Return the designs of `index_set_elimination`; runs on the same features can share them.

    Parameters
    ----------
    actions : array, shape (k, d)
    sparsity : int
        Size of the supports, between 1 and d.
    tau : float
        Accuracy of the designs, at least 1e-9.

    Returns
    -------
    IndexSetDesigns

    Raises
    ------
    ParameterError
        For an argument out of range.

    Examples
    --------
    >>> [design.support.tolist() for design in index_set_designs([[1.0, 0.0], [0.0, 1.0]], sparsity=1).designs]
    [[0], [1]]
    """
    x = check.as_array(actions, "actions", ndim=2, error=ParameterError)
    s = check.count(sparsity, "sparsity", high=x.shape[1])
    accuracy = check.number(tau, "tau", low=1e-9)
    found = [
        design_in_span(np.ascontiguousarray(x[:, support]), accuracy, DESIGN_STEPS)
        for support in itertools.combinations(range(x.shape[1]), s)
    ]
    return IndexSetDesigns(x.shape, s, tuple(design for design, _ in found), tuple(z for _, z in found))


def index_set_elimination(
    bandit: LinearBandit,
    *,
    sparsity: int,
    epsilon: float,
    tau: float = 0.01,
    slack: float = 1.0,
    designs: IndexSetDesigns | None = None,
) -> QueryRun:
    r"""Find a nearly optimal arm by elimination of supports, each with its own fit on a design.

    Each support M has a design on the columns M, with largest variance :math:`g_M`, the predictions of its
    least-squares fit, and the certificate :math:`t_M=\epsilon(1+\sqrt{g_M})`. Supports are taken by decreasing best
    prediction, and the first is confirmed whose predicted arm, once queried, falls short by at most ``slack``
    certificates.

    Parameters
    ----------
    bandit : LinearBandit
        Without noise; at most ``sparsity`` entries of theta different from 0.
    sparsity : int
    epsilon : float
        Known bound on the misspecification, >= 0.
    tau : float
        Accuracy of the designs, at least 1e-9.
    slack : float
        Certificates allowed, >= 0; 1 suffices, a smaller one breaks the theorem.
    designs : IndexSetDesigns, optional
        From `index_set_designs` for the same features and sparsity; ``tau`` is then not used.

    Returns
    -------
    QueryRun
        :math:`(1+\mathrm{slack})\max_M t_M`-optimal, for ``slack`` 1 at worst :math:`2\epsilon(1+\sqrt{(1+\tau)s})`,
        with at most :math:`\binom ds(s(s+1)/2+1)` queries.

    Raises
    ------
    ParameterError
        For an argument out of range, a bandit with noise, or designs made for something else.

    Examples
    --------
    >>> bandit = LinearBandit([[1.0, 0.0], [0.0, 1.0]], [0.0, 1.0], 0.0)
    >>> index_set_elimination(bandit, sparsity=1, epsilon=0.1).arm
    1
    """
    rewards = noiseless(bandit, "index_set_elimination")
    s = check.count(sparsity, "sparsity", high=bandit.d)
    eps = check.number(epsilon, "epsilon", low=0.0)
    allowed = check.number(slack, "slack", low=0.0)
    plan = index_set_designs(bandit.actions, sparsity=s, tau=tau) if designs is None else designs
    if plan.shape != bandit.actions.shape or plan.sparsity != s:
        raise ParameterError(f"designs were made for features of shape {plan.shape} and sparsity {plan.sparsity}")
    known: dict[int, None] = {}
    fits = []
    for design, coordinates in zip(plan.designs, plan.coordinates, strict=True):
        predictions = _fit(design, coordinates, rewards)
        if design.d:
            known.update(dict.fromkeys(design.support.tolist()))
        arm = int(np.argmax(predictions))
        fits.append((float(predictions[arm]), arm, eps * (1.0 + np.sqrt(design.g))))
    fits.sort(key=lambda fit: -fit[0])
    for value, arm, certificate in fits:
        known[arm] = None
        if rewards[arm] >= value - allowed * certificate - 1e-12 * max(1.0, abs(value)):
            return QueryRun(**outcome("index-set elimination", bandit, arm, list(known), True))
    best = max(known, key=lambda a: (rewards[a], -a))
    return QueryRun(**outcome("index-set elimination", bandit, best, list(known), False))
