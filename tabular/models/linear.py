"""Finite-horizon models whose transitions are linear in known features: linear MDPs and linear mixture MDPs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _check as check
from ..errors import ModelError
from ._base import Array, Model, assign, base, start
from .mdp import EpisodicMDP

__all__ = ["LinearMDP", "LinearMixtureMDP"]

#: An implied probability this far below zero is the rounding of a product of features and measures, and counts as 0.
ROUNDING = 1e-12


def _combine(weights: Array, tables: Array) -> Array:
    """Return the sum over i of ``weights[..., i] * tables[i]``, shape ``(*weights.shape[:-1], *tables.shape[1:])``.

    Elementwise in a fixed order, where ``@`` would leave the last bits to the BLAS at hand; a weight of 0 costs
    nothing.
    """
    total = np.zeros((*weights.shape[:-1], *tables.shape[1:]))
    with np.errstate(over="ignore", invalid="ignore"):
        for i in range(tables.shape[0]):
            used = weights[..., i] != 0.0
            total[used] += np.multiply.outer(weights[used, i], tables[i])
    return total


def _refuse(wrong: npt.NDArray[np.bool_], values: Array, table: str, step: tuple[int, ...], what: str) -> None:
    """Raise ModelError for the first entry of ``values`` that is ``wrong``; ``what`` formats it."""
    if wrong.any():
        index = tuple(np.argwhere(wrong)[0])
        place = ", ".join(str(int(i)) for i in (*step, *index))
        raise ModelError(f"{table}[{place}] = {what.format(values[index])}")


def _transitions(features: Array, parameters: Array, step: tuple[int, ...], product: str) -> Array:
    """Return the implied ``P[s, a, s']`` of one step, or refuse it; ``step`` is ``(h,)``, or empty for all steps."""
    product += str(list(step)) if step else ""
    P = _combine(features, parameters)
    _refuse(~np.isfinite(P), P, "P", step, f"{product} is {{:g}}; every probability must be finite")
    _refuse(P < -ROUNDING, P, "P", step, f"{product} is {{:.17g}}; probabilities must be >= 0")
    P = np.maximum(P, 0.0)
    with np.errstate(over="ignore"):
        sums = P.sum(axis=-1)
    expected = f"expected 1 within {check.ROW_TOLERANCE:g}"
    _refuse(np.abs(sums - 1.0) > check.ROW_TOLERANCE, sums, "P", step, f"{product} sums to {{:.12g}}; {expected}")
    return P


def _horizon(H: Any, **tables: tuple[Array, int]) -> int:
    """Return the horizon on which ``H`` and all tables agree; a table is given with the rank of its per-step form."""
    steps = None if H is None else check.count(H, "H", error=ModelError)
    source = f"H is {steps}"
    for name, (table, rank) in tables.items():
        if table.ndim != rank:
            continue
        if steps is None:
            steps, source = int(table.shape[0]), f"{name} has {table.shape[0]}"
        elif table.shape[0] != steps:
            raise ModelError(f"{name} has {table.shape[0]} steps but {source}; they must agree")
    if steps is None:
        raise ModelError(f"{' and '.join(tables)} are stationary; give the horizon H")
    return steps


def _at_every_step(table: Array, rank: int, H: int) -> Array:
    """Return ``table`` with a leading step axis, as a broadcast view where all steps share it."""
    if table.ndim == rank:
        return table
    try:
        return np.broadcast_to(table, (H, *table.shape))
    except ValueError:
        raise ModelError(f"H is {H}; a table of {H} steps of shape {table.shape} cannot be addressed") from None


def _require_shape(name: str, table: Array, wanted: tuple[int, ...], why: str) -> None:
    """Refuse ``table`` unless its last axes are ``wanted``."""
    if table.shape[-len(wanted) :] != wanted:
        raise ModelError(f"{name} has shape {table.shape}; its last axes must be {wanted} to match {why}")


def _largest_norm(vectors: Array, *, mass: int | None = None) -> float:
    """Return the largest Euclidean norm along the last axis, of the absolute sums over axis ``mass`` where given."""
    scale = float(np.abs(vectors).max())
    if scale == 0.0:
        return 0.0
    scaled = vectors / scale  # so that squares neither overflow nor vanish
    if mass is not None:
        scaled = np.abs(scaled).sum(axis=mass)
    return scale * float(np.sqrt(np.square(scaled).sum(axis=-1).max()))


def _step(table: Array, h: int) -> tuple[int, ...]:
    """Return the index that names step ``h`` of ``table``: none where all steps share it."""
    return () if table.strides[0] == 0 else (h,)


def _given(table: Array) -> Array:
    """Return ``table`` as it was given: without the step axis where all steps share one."""
    return table[0] if table.strides[0] == 0 else table


class _Linear(Model):
    """What both models share: sizes, policies, the tabular model."""

    __slots__ = ()
    phi: Array
    theta: Array
    mu0: Array
    H: int

    @property
    def S(self) -> int:
        """Number of states."""
        return int(self.phi.shape[0])

    @property
    def A(self) -> int:
        """Number of actions."""
        return int(self.phi.shape[1])

    @property
    def d(self) -> int:
        """Number of features."""
        return int(self.phi.shape[-1])

    @property
    def theta_norm(self) -> float:
        """Largest Euclidean norm of a ``theta[h]``."""
        return _largest_norm(base(self.theta))

    def policy(self, policy: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return ``policy`` in canonical form, int64 (H, S) or float64 (H, S, A); PolicyError otherwise."""
        return check.policy(policy, (self.H, self.S), self.A)


@dataclass(frozen=True, slots=True, eq=False)
class LinearMDP(_Linear):
    r"""Linear (low-rank) finite-horizon MDP: transitions and rewards are linear in features of the pair.

    .. math:: P_h(s' \mid s,a) = \phi(s,a)^\top \mu_h(s'), \qquad r_h(s,a) = \phi(s,a)^\top \theta_h,

    so that the values :math:`Q^\pi_h` of every policy are linear in :math:`\phi` (Jin, Yang, Wang and Jordan 2020,
    Assumption A and Proposition 2.3).

    Parameters
    ----------
    phi : array, shape (S, A, d)
        Features; any finite numbers. Norms are not restricted: see ``feature_norm``.
    mu : array, shape (H, d, S) or (d, S)
        Measures ``mu[h, i, s']``, signed in general; ``mu[i, s']`` when all steps share them.
    theta : array, shape (H, d) or (d,)
        Reward parameters.
    mu0 : array, shape (S,), optional
        Distribution of the first state; uniform by default.
    H : int, optional
        Horizon, >= 1. Required when both ``mu`` and ``theta`` are stationary; otherwise it must agree with them.

    Attributes
    ----------
    phi, mu, theta : arrays, shapes (S, A, d), (H, d, S), (H, d)
        Read-only; a stationary table is a broadcast view of one step.

    Raises
    ------
    ModelError
        Naming the first offending entry; for the implied transitions and rewards, by ``h`` (where the table has
        one), ``s`` and ``a``. Rows must sum to 1 within 1e-8, and an implied probability may be below 0 by no more
        than 1e-12, the rounding of the product, which counts as 0.

    Examples
    --------
    Two kernels, mixed by the action:

    >>> phi = [[[1.0, 0.0], [0.5, 0.5]], [[1.0, 0.0], [0.0, 1.0]]]
    >>> mdp = LinearMDP(phi, mu=[[1.0, 0.0], [0.0, 1.0]], theta=[0.0, 1.0], mu0=[1.0, 0.0], H=2)
    >>> mdp.S, mdp.A, mdp.d, mdp.H
    (2, 2, 2, 2)
    >>> tabular_form = mdp.to_episodic()
    >>> tabular_form.P[0, 0].tolist(), tabular_form.r[0].tolist()
    ([[1.0, 0.0], [0.5, 0.5]], [[0.0, 0.5], [0.0, 1.0]])
    """

    phi: Array
    mu: Array
    theta: Array
    mu0: Array = None  # type: ignore[assignment]  # uniform when not given; never None afterwards
    H: int = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        phi = check.as_array(self.phi, "phi", ndim=3)
        mu = check.as_array(self.mu, "mu", ndim=(2, 3))
        theta = check.as_array(self.theta, "theta", ndim=(1, 2))
        _require_shape("mu", mu, (phi.shape[2], phi.shape[0]), f"phi, which has shape {phi.shape}")
        _require_shape("theta", theta, (phi.shape[2],), f"phi, which has shape {phi.shape}")
        mu0 = start(self.mu0, phi.shape[0])
        H = _horizon(self.H, mu=(mu, 3), theta=(theta, 2))
        assign(self, phi=phi, mu=_at_every_step(mu, 3, H), theta=_at_every_step(theta, 2, H), mu0=mu0, H=H)
        for h in range(base(self.mu).shape[0]):
            self._transitions(h)
        for h in range(base(self.theta).shape[0]):
            self._rewards(h)

    def _transitions(self, h: int) -> Array:
        return _transitions(self.phi, self.mu[h], _step(self.mu, h), "phi[s, a] . mu")

    def _rewards(self, h: int) -> Array:
        step = _step(self.theta, h)
        product = f"phi[s, a] . theta{list(step) if step else ''}"
        r = _combine(self.phi, self.theta[h])
        _refuse(~np.isfinite(r), r, "r", step, f"{product} is {{:g}}; every reward must be finite")
        return r

    @property
    def stationary(self) -> bool:
        """Whether transitions and rewards are the same at every step."""
        return self.H == 1 or (self.mu.strides[0] == 0 and self.theta.strides[0] == 0)

    @property
    def feature_norm(self) -> float:
        """Largest Euclidean norm of a ``phi[s, a]``; at most 1 in Jin et al.'s Assumption A."""
        return _largest_norm(self.phi)

    @property
    def mu_norm(self) -> float:
        r"""Largest :math:`\lVert\,|\mu_h|(S)\,\rVert_2`, of the total masses of the measures; at most sqrt(d) there."""
        return _largest_norm(base(self.mu), mass=-1)

    @property
    def simplex(self) -> bool:
        """Whether every ``phi[s, a]`` and every ``mu[h, i]`` is a distribution: a mixture of d kernels over states."""
        rows = (self.phi, base(self.mu))
        return all((row >= 0.0).all() and (np.abs(row.sum(axis=-1) - 1.0) <= check.ROW_TOLERANCE).all() for row in rows)

    def to_episodic(self) -> EpisodicMDP:
        """Return the same problem as an `EpisodicMDP`; stationary where the tables are.

        Each entry of ``P`` and ``r`` is a sum over features in their order, correct to about ``d`` roundings; with
        one-hot features it is exact.
        """
        P = self._transitions(0) if self.mu.strides[0] == 0 else np.stack([self._transitions(h) for h in range(self.H)])
        r = self._rewards(0) if self.theta.strides[0] == 0 else np.stack([self._rewards(h) for h in range(self.H)])
        return EpisodicMDP(P, r, self.mu0, self.H)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle tables that all steps share once."""
        return type(self), (self.phi, _given(self.mu), _given(self.theta), self.mu0, self.H)


@dataclass(frozen=True, slots=True, eq=False)
class LinearMixtureMDP(_Linear):
    r"""Linear mixture MDP: transitions are linear in features of the transition, rewards are any table.

    .. math:: P_h(s' \mid s,a) = \phi(s,a,s')^\top \theta_h

    (Ayoub, Jia, Szepesvári, Wang and Yang 2020; Zhou, Gu and Szepesvári 2021). With kernels as features,
    ``phi[s, a, s', i] = P_i(s' | s, a)``, and ``theta`` a distribution, it is a mixture of d known models.

    Parameters
    ----------
    phi : array, shape (S, A, S, d)
        Features ``phi[s, a, s', i]``; any finite numbers. Norms are not restricted: see ``feature_norm``.
    theta : array, shape (H, d) or (d,)
        Parameters; ``theta[i]`` when all steps share them.
    r : array, shape (H, S, A) or (S, A)
        Mean reward of one step; any finite numbers, [0, 1] in most theorems.
    mu0 : array, shape (S,), optional
        Distribution of the first state; uniform by default.
    H : int, optional
        Horizon, >= 1. Required when both ``theta`` and ``r`` are stationary; otherwise it must agree with them.

    Attributes
    ----------
    phi, theta, r : arrays, shapes (S, A, S, d), (H, d), (H, S, A)
        Read-only; a stationary table is a broadcast view of one step.

    Raises
    ------
    ModelError
        Naming the first offending entry; for the implied transitions, by ``h`` (where ``theta`` has one), ``s`` and
        ``a``. Rows must sum to 1 within 1e-8, and an implied probability may be below 0 by no more than 1e-12, the
        rounding of the product, which counts as 0.

    Examples
    --------
    One action; a quarter of the kernel that stays, three quarters of the one that leaves:

    >>> import numpy as np
    >>> stay, leave = np.eye(2), np.eye(2)[::-1]
    >>> mdp = LinearMixtureMDP(np.stack([stay, leave], axis=-1)[:, None], [0.25, 0.75], [[0.0], [1.0]], H=3)
    >>> mdp.S, mdp.A, mdp.d, mdp.H
    (2, 1, 2, 3)
    >>> mdp.to_episodic().P[0, :, 0].tolist()
    [[0.25, 0.75], [0.75, 0.25]]
    """

    phi: Array
    theta: Array
    r: Array
    mu0: Array = None  # type: ignore[assignment]  # uniform when not given; never None afterwards
    H: int = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        phi = check.as_array(self.phi, "phi", ndim=4)
        if phi.shape[0] != phi.shape[2]:
            raise ModelError(
                f"phi has shape {phi.shape}; its first state axis has {phi.shape[0]} entries and its third has "
                f"{phi.shape[2]}, and they must agree (phi[s, a, s', i])"
            )
        theta = check.as_array(self.theta, "theta", ndim=(1, 2))
        r = check.as_array(self.r, "r", ndim=(2, 3))
        _require_shape("theta", theta, (phi.shape[3],), f"phi, which has shape {phi.shape}")
        _require_shape("r", r, phi.shape[:2], f"phi, which has shape {phi.shape}")
        mu0 = start(self.mu0, phi.shape[0])
        H = _horizon(self.H, theta=(theta, 2), r=(r, 3))
        assign(self, phi=phi, theta=_at_every_step(theta, 2, H), r=_at_every_step(r, 3, H), mu0=mu0, H=H)
        for h in range(base(self.theta).shape[0]):
            self._transitions(h)

    def _transitions(self, h: int) -> Array:
        return _transitions(self.phi, self.theta[h], _step(self.theta, h), "phi[s, a, s'] . theta")

    @property
    def stationary(self) -> bool:
        """Whether transitions and rewards are the same at every step."""
        return self.H == 1 or (self.theta.strides[0] == 0 and self.r.strides[0] == 0)

    @property
    def feature_norm(self) -> float:
        r"""Largest :math:`\lVert\sum_{s'}|\phi(s,a,s')|\,\rVert_2` over pairs.

        It bounds :math:`\lVert\sum_{s'}\phi(s,a,s')V(s')\rVert_2` for every :math:`V` with values in [-1, 1], which
        Zhou et al. assume to be at most 1; for features >= 0 it is attained, by the constant 1.
        """
        return _largest_norm(self.phi, mass=2)

    def to_episodic(self) -> EpisodicMDP:
        """Return the same problem as an `EpisodicMDP`; stationary where the tables are.

        Each entry of ``P`` is a sum over features in their order, correct to about ``d`` roundings.
        """
        shared = self.theta.strides[0] == 0
        P = self._transitions(0) if shared else np.stack([self._transitions(h) for h in range(self.H)])
        return EpisodicMDP(P, _given(self.r), self.mu0, self.H)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle tables that all steps share once."""
        return type(self), (self.phi, _given(self.theta), _given(self.r), self.mu0, self.H)
