"""One step of robust dynamic programming, for every shape of ambiguity."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _check as check
from ..errors import ParameterError
from ..models import LinearMDP
from . import _robust_kernels as kernels
from ._backup import UNIT, smallest_maximiser
from .robust_operators import DIVERGENCES, operator

__all__ = ["Ambiguity", "DualStep", "Step", "ambiguity", "d_backup", "require_simplex", "rounding", "sa_backup"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One application of the robust Bellman operator; ``error`` bounds that of ``V``."""

    V: Array
    Q: Array
    policy: npt.NDArray[Any]
    worst: Array
    error: float


@dataclass(frozen=True, slots=True, eq=False)
class DualStep(Step):
    """A `Step` with the dual variable of each one-step problem."""

    dual: Array


@dataclass(frozen=True, slots=True, eq=False)
class Ambiguity:
    """Which distributions the adversary may use: a divergence, its form and level, and what it may choose apart.

    Attributes
    ----------
    kind : int
        Code of the operator.
    name : str
        ``"penalty"`` or ``"radius"``.
    levels : array
        One entry a free choice; the first axis is the step.
    rectangularity : {"d", "sa", "s"}
    support : bool
    """

    kind: int
    name: str
    levels: Array
    rectangularity: str
    support: bool

    @property
    def label(self) -> str:
        """``rectangularity`` and operator in words."""
        return f"{self.rectangularity}-rectangular/{DIVERGENCES[self.kind % 3]}-{self.name}"

    def rows(self, q: Array, V: Array, levels: Array) -> tuple[Array, Array, Array]:
        """Worst value, dual variable and distribution for each row of ``q`` (n, S)."""
        n = q.shape[0]
        values, duals, worst = np.empty(n), np.empty(n), np.empty(q.shape)
        kernels._worst_rows(self.kind, q, V, np.ascontiguousarray(levels), self.support, values, duals, worst)
        return values, duals, worst


def rounding(S: int, terms: int, V: Array, Q: Array, r: Array) -> float:
    """Bound on the rounding of one robust backup with exact ``V``: an operator, a reward and ``terms`` products."""
    scale = float(np.abs(V).max())
    operator_error = 8.0 * UNIT * (S + 8) * scale
    return operator_error + 2.0 * UNIT * (terms + 2) * (scale + float(np.abs(r).max()) + float(np.abs(Q).max()))


def ambiguity(
    shapes: dict[str, tuple[int, ...]],
    *,
    divergence: str,
    penalty: npt.ArrayLike | None,
    radius: npt.ArrayLike | None,
    rectangularity: str,
    support: bool,
) -> Ambiguity:
    """Validate the options of a robust planner; ``shapes`` gives the levels of each rectangularity it takes."""
    kind, name = operator(divergence, penalty, radius)
    check.choice(rectangularity, "rectangularity", tuple(shapes))
    shape = shapes[rectangularity]
    given = check.as_array(
        radius if penalty is None else penalty, name, ndim=tuple(range(len(shape) + 1)), error=ParameterError
    )
    wrong = given <= 0.0 if name == "penalty" else given < 0.0
    if wrong.any():
        index = tuple(np.argwhere(wrong)[0]) if given.ndim else ()
        bound = "> 0" if name == "penalty" else ">= 0"
        raise ParameterError(f"{check._at(name, index)} is {given[index]:g}; it must be {bound}")
    try:
        levels = np.ascontiguousarray(np.broadcast_to(given, shape))
    except ValueError:
        raise ParameterError(f"{name} has shape {given.shape}; it must broadcast to {shape}") from None
    return Ambiguity(kind, name, levels, rectangularity, bool(support))


def require_simplex(model: LinearMDP) -> None:
    """Refuse a linear MDP whose features or measures are not distributions, naming the first that is not."""
    for name, table in (("phi", model.phi), ("mu", model.mu)):
        bad = (table < 0.0).any(axis=-1) | ~(np.abs(table.sum(axis=-1) - 1.0) <= check.ROW_TOLERANCE)
        if bad.any():
            index = tuple(np.argwhere(bad)[0])
            negative = np.argwhere(table[index] < 0.0)
            if negative.size:
                index = (*index, negative[0, 0])
                found = f"is {table[index]:.17g}"
            else:
                found = f"sums to {table[index].sum():.12g}"
            raise ParameterError(
                f"{check._at(name, index)} {found}; d-rectangular ambiguity needs features and measures that are "
                "distributions"
            )


def _choose(Q: Array, policy: npt.NDArray[Any] | None, slack: float) -> tuple[Array, npt.NDArray[Any]]:
    """Values of ``policy`` (None: of the greedy one) and the policy itself."""
    if policy is None:
        V = Q.max(axis=1)
        return V, smallest_maximiser(Q, V, slack)
    if policy.ndim == 1:
        return Q[np.arange(Q.shape[0]), policy], policy
    return np.einsum("sa,sa->s", policy, Q), policy


def d_backup(
    model: LinearMDP, h: int, V: Array, nature: Ambiguity, policy: npt.NDArray[Any] | None, error: float
) -> DualStep:
    """Step ``h`` against an adversary that chooses the d measures; ``error`` is that of ``V``."""
    z, dual, worst = nature.rows(model.mu[h], V, nature.levels[h])
    Q = np.empty(model.phi.shape[:2])
    kernels._mixed(model.phi, model.theta[h] + z, Q)
    error = error * (1.0 + 4e-8) + rounding(model.S, model.d, V, Q, model.theta[h])
    values, policy = _choose(Q, policy, 2.0 * error)
    return DualStep(values, Q, policy, worst, error, dual)


def sa_backup(
    P: Array, r: Array, V: Array, nature: Ambiguity, levels: Array, policy: npt.NDArray[Any] | None, error: float
) -> DualStep:
    """One step against an adversary that chooses a distribution for each pair.

    P, r, levels : (S, A, S), (S, A), (S, A); V : (S,); policy : None, (S,) or (S, A); error : of ``V``.
    """
    S, A = r.shape
    z, dual, worst = nature.rows(P.reshape(S * A, S), V, levels.reshape(S * A))
    Q = r + z.reshape(S, A)
    error = error * (1.0 + 2e-8) + rounding(S, 1 if policy is None else A, V, Q, r)
    values, policy = _choose(Q, policy, 2.0 * error)
    return DualStep(values, Q, policy, worst.reshape(S, A, S), error, dual.reshape(S, A))
