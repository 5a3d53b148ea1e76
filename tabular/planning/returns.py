"""Variance and full distribution of the return over a finite horizon."""

from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _check as check
from ..errors import ParameterError
from ..models import EpisodicMDP
from .finite_horizon import evaluate_episodic

__all__ = ["return_distribution", "return_variance"]

Array = npt.NDArray[np.float64]


def return_variance(mdp: EpisodicMDP, policy: npt.ArrayLike) -> Array:
    r"""Variance of the return from each step and state, rewards counted at their means.

    With :math:`\mathrm{Var}_h(s)` the variance of :math:`\sum_{k\ge h} r_k(s_k,a_k)`,

    .. math:: \mathrm{Var}_h(s) = \mathrm{Var}_{a\sim\pi}[Q_h(s,a)]
        + \mathbb{E}_{a\sim\pi}\big[\mathrm{Var}_{P}[V_{h+1}] + P\,\mathrm{Var}_{h+1}\big]

    (law of total variance). Every term is a centred second moment, so nothing
    is lost to cancellation and the result is never negative.

    Parameters
    ----------
    mdp : EpisodicMDP
    policy : array
        Deterministic or stochastic, as in `evaluate`.

    Returns
    -------
    array, shape (H + 1, S)
        Zero in the last row.
    """
    pi: npt.NDArray[Any] = mdp.policy(policy)
    values = evaluate_episodic(mdp, pi)
    H, S, A = mdp.r.shape
    variance = np.zeros((H + 1, S))
    states = np.arange(S)
    for h in range(H - 1, -1, -1):
        if pi.ndim == 2:
            P = mdp.P[h, states, pi[h]]
            centred = (values.V[h + 1][None, :] - (P @ values.V[h + 1])[:, None]) ** 2
            variance[h] = np.einsum("sx,sx->s", P, centred) + P @ variance[h + 1]
            continue
        within = np.empty((S, A))
        for a in range(A):
            P = mdp.P[h, :, a]
            centred = (values.V[h + 1][None, :] - (P @ values.V[h + 1])[:, None]) ** 2
            within[:, a] = np.einsum("sx,sx->s", P, centred) + P @ variance[h + 1]
        between = (values.Q[h] - values.V[h][:, None]) ** 2
        variance[h] = np.einsum("sa,sa->s", pi[h], within + between)
    return variance


def return_distribution(
    mdp: EpisodicMDP, policy: npt.ArrayLike, *, step: float, max_atoms: int = 1_000_000
) -> tuple[Array, Array]:
    """Distribution of the return when all rewards are multiples of ``step``.

    Parameters
    ----------
    mdp : EpisodicMDP
        Rewards count at their means.
    policy : array
        Deterministic or stochastic, as in `evaluate`.
    step : float
        Lattice spacing; every ``r[h,s,a]`` must be an integer multiple of it
        within ``1e-9``.
    max_atoms : int
        Refuse lattices with more points between smallest and largest return.

    Returns
    -------
    atoms : array, shape (n,)
        Possible returns, ascending lattice points.
    probabilities : array, shape (n,)
        From a start in ``mu0``; sums to 1.

    Raises
    ------
    ParameterError
        If a reward is off the lattice, naming it, or the lattice is too large.
    """
    step = check.number(step, "step", low=0.0, open_low=True)
    pi: Array = check.stochastic_policy(policy, (int(mdp.r.shape[0]), mdp.S), mdp.A)
    H, S, A = mdp.r.shape
    ratio = np.asarray(mdp.r) / step
    units = np.rint(ratio)
    off = np.abs(ratio - units) > 1e-9 * np.maximum(1.0, np.abs(ratio))
    if off.any():
        h, s, a = np.argwhere(off)[0]
        raise ParameterError(f"r[{h}, {s}, {a}] is {mdp.r[h, s, a]:.17g}; it must be a multiple of step = {step:g}")
    low = units.min(axis=(1, 2))
    size = float((units.max(axis=(1, 2)) - low).sum()) + 1.0
    if size > max_atoms:
        raise ParameterError(
            f"the return has up to {size:.0f} lattice points; at most max_atoms = {max_atoms} are allowed"
        )
    shift = (units - low[:, None, None]).astype(np.int64)
    mass = np.zeros((S, int(size)))
    mass[:, 0] = mdp.mu0
    top = 1
    for h in range(H):
        new = np.zeros_like(mass)
        for s in range(S):
            if not mass[s, :top].any():
                continue
            for a in range(A):
                if pi[h, s, a] == 0.0:
                    continue
                k = int(shift[h, s, a])
                new[:, k : k + top] += np.outer(mdp.P[h, s, a], pi[h, s, a] * mass[s, :top])
        top += int(shift[h].max())
        mass = new
    atoms: Array = np.asarray((np.arange(int(size)) + float(low.sum())) * step, dtype=np.float64)
    probabilities: Array = mass.sum(axis=0)
    return atoms, probabilities
