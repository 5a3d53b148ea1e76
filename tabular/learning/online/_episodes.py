"""The true model as kernels play it: draws, exact values of policies; cost in the number of successors."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..._jit import kernel
from ...errors import ParameterError
from ...models import EpisodicMDP
from ...simulation.sampling import _draw

__all__ = ["Dynamics", "dynamics", "require_unit_rewards"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Dynamics(NamedTuple):
    """A finite-horizon model in sparse rows, all arrays read-only.

    Row ``(min(h, T - 1) * S + s) * A + a``, with ``T`` = 1 for a stationary model and ``H`` otherwise, lists the
    successors of positive probability, in increasing order, at ``start[row]:start[row + 1]``.
    """

    start: Ints
    successor: Ints
    probability: Floats
    r: Floats  # (H, S, A)
    mu0: Floats


def dynamics(mdp: EpisodicMDP) -> Dynamics:
    """Return ``mdp`` as kernels play it."""
    P = mdp.P[:1] if mdp.P.strides[0] == 0 else mdp.P
    rows = P.reshape(-1, mdp.S)
    row, successor = np.nonzero(rows)
    start = np.concatenate(([0], np.cumsum(np.bincount(row, minlength=rows.shape[0]))))
    parts = (start.astype(np.int64), successor.astype(np.int64), rows[row, successor], np.ascontiguousarray(mdp.r))
    for part in parts:
        part.setflags(write=False)
    return Dynamics(*parts, mdp.mu0)


def require_unit_rewards(mdp: EpisodicMDP) -> None:
    """Raise ParameterError, naming the first entry, where a mean reward lies outside [0, 1]."""
    outside = np.argwhere((mdp.r < 0.0) | (mdp.r > 1.0))
    if outside.size:
        h, s, a = (int(i) for i in outside[0])
        raise ParameterError(f"r[{h}, {s}, {a}] is {float(mdp.r[h, s, a])}; rewards must lie in [0, 1]")


@kernel
def _row(model: Dynamics, h: int, s: int, a: int) -> int:
    """Index of the row of ``(h, s, a)``."""
    _, S, A = model.r.shape
    return s * A + a if model.start.shape[0] == S * A + 1 else (h * S + s) * A + a


@kernel
def _next_state(model: Dynamics, h: int, s: int, a: int, u: float) -> int:
    """Successor that the uniform variate ``u`` selects."""
    row = _row(model, h, s, a)
    low = model.start[row]
    return int(model.successor[low + _draw(model.probability[low : model.start[row + 1]], u)])


@kernel
def _spread(model: Dynamics, h: int, s: int, a: int, mass: float, ahead: Floats) -> None:
    """Add ``mass`` times the transition row of ``(h, s, a)`` to ``ahead`` (S,)."""
    row = _row(model, h, s, a)
    for i in range(model.start[row], model.start[row + 1]):
        ahead[model.successor[i]] += mass * model.probability[i]


@kernel
def _policy_value(model: Dynamics, policy: Ints, occupancy: Floats) -> float:
    """Exact value of a deterministic policy (H, S): rewards summed forward over its occupancy; workspace (2, S)."""
    H, S = policy.shape
    start, successor, probability, r = model.start, model.successor, model.probability, model.r
    A = r.shape[2]
    step = 0 if start.shape[0] == S * A + 1 else S * A  # rows between one step's table and the next
    total = 0.0
    for s in range(S):  # assigning a whole row would compile the text of a broadcasting error
        occupancy[0, s] = model.mu0[s]
    for h in range(H):
        here, ahead = occupancy[h & 1], occupancy[1 - (h & 1)]
        ahead[:] = 0.0
        for s in range(S):
            mass = here[s]
            if mass > 0.0:
                total += mass * r[h, s, policy[h, s]]
                row = h * step + s * A + policy[h, s]
                low, high = start[row], start[row + 1]
                if high - low == S:  # a full row: contiguous, so that the loop vectorises
                    full = probability[low:high]
                    for j in range(S):
                        ahead[j] += mass * full[j]
                else:
                    for i in range(low, high):
                        ahead[successor[i]] += mass * probability[i]
    return total


@kernel
def _stochastic_policy_value(model: Dynamics, policy: Floats, occupancy: Floats) -> float:
    """Exact value of a stochastic policy (H, S, A); workspace (2, S)."""
    H, S, A = model.r.shape
    total = 0.0
    for s in range(S):
        occupancy[0, s] = model.mu0[s]
    for h in range(H):
        here, ahead = occupancy[h & 1], occupancy[1 - (h & 1)]
        ahead[:] = 0.0
        for s in range(S):
            for a in range(A):
                mass = here[s] * policy[h, s, a]
                if mass > 0.0:
                    total += mass * model.r[h, s, a]
                    _spread(model, h, s, a, mass, ahead)
    return total


@kernel
def _same_policy(one: Ints, other: Ints) -> bool:
    """Whether two deterministic policies (H, S) are equal."""
    for h in range(one.shape[0]):
        for s in range(one.shape[1]):
            if one[h, s] != other[h, s]:
                return False
    return True


@kernel
def _margin(Q: Floats, optimal: Floats) -> float:
    """Smallest ``Q - optimal``, both flat; four running minima, so that none waits for the one before."""
    n = Q.shape[0]
    a = b = c = d = np.inf
    for i in range(0, n - 3, 4):
        a = min(a, Q[i] - optimal[i])
        b = min(b, Q[i + 1] - optimal[i + 1])
        c = min(c, Q[i + 2] - optimal[i + 2])
        d = min(d, Q[i + 3] - optimal[i + 3])
    for i in range(n - n % 4, n):
        a = min(a, Q[i] - optimal[i])
    return min(min(a, b), min(c, d))
