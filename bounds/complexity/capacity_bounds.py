"""Channel capacity and empowerment, by Blahut and Arimoto, with the gap that certifies it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from tabular import _check as check
from tabular._jit import kernel
from tabular.errors import ParameterError

from .certified import Certified

__all__ = ["channel_capacity", "empowerment"]

Floats = npt.NDArray[np.float64]
_EPS = float(np.finfo(float).eps)

#: Factor by which steps grow while they ascend, and steps before Newton's.
GROWTH, FIRST = 1.5, 2000


@kernel
def _divergences(channel: Floats, p: Floats, law: Floats, out: Floats) -> tuple[float, float]:
    """Fill ``out`` with KL(P_a || p P), ``law`` with p P; return their mean under ``p`` and their maximum."""
    mean, largest = 0.0, 0.0
    for y in range(channel.shape[1]):
        law[y] = 0.0
        for a in range(channel.shape[0]):
            law[y] += p[a] * channel[a, y]
    for a in range(channel.shape[0]):
        out[a] = 0.0
        for y in range(channel.shape[1]):
            if channel[a, y] > 0.0:
                out[a] += channel[a, y] * np.log(channel[a, y] / law[y])
        mean += p[a] * out[a]
        largest = max(largest, out[a])
    return mean, largest


@kernel
def _blahut_arimoto(
    channel: Floats, tol: float, limit: int, growth: float, p: Floats, path: Floats
) -> tuple[float, float, int]:
    """Improve the input law ``p`` in place; return ``(lower, upper, steps)`` in nats.

    A step multiplies p_a by exp(eta KL(P_a || p P)): eta = 1 is Blahut and Arimoto's, which ascends. While longer ones
    ascend or close the gap, eta grows by the factor ``growth``; one that does neither is taken back, and eta falls. The
    mean of the divergences is the information of p, their maximum bounds the capacity. ``path`` records the
    former.
    """
    A, n = channel.shape
    law, divergence, trial, ahead = np.empty(n), np.empty(A), np.empty(A), np.empty(A)
    low, high = _divergences(channel, p, law, divergence)
    eta = 1.0
    for step in range(limit):
        if step < path.size:
            path[step] = low
        if high - low <= tol:
            return low, high, step + 1
        total = 0.0
        for a in range(A):
            # a floor keeps every input in play: P_a << p P must go on holding
            trial[a] = max(p[a] * np.exp(eta * (divergence[a] - high)), 1e-300)
            total += trial[a]
        for a in range(A):
            trial[a] /= total
        mean, largest = _divergences(channel, trial, law, ahead)
        # near the maximum the information is flat to rounding, but its gap is not
        if eta > 1.0 and mean < low + 1e-13 and largest - mean > high - low:
            eta = max(1.0, eta / 4.0)
            continue
        low, high, eta = mean, largest, eta * growth
        for a in range(A):
            p[a], divergence[a] = trial[a], ahead[a]
    return low, high, limit


def _polished(channel: Floats, p: Floats) -> tuple[float, float]:
    """Improve ``p`` in place by Newton's method on the inputs in use, whose divergences are equal at the maximum.

    Of all input laws with the same outputs, a vertex of least mean entropy comes first: it uses at most Y inputs.
    """
    from scipy.optimize import linprog

    law, divergence = np.empty(channel.shape[1]), np.empty(channel.shape[0])
    low, high = _divergences(channel, p, law, divergence)
    best = p.copy()
    entropy = special.entr(channel).sum(axis=1)
    vertex = linprog(entropy, A_eq=channel.T, b_eq=law, method="highs")
    if vertex.x is not None and vertex.x.max() > 0.0:
        p[:] = np.maximum(vertex.x, 1e-300)
        p /= p.sum()
        _divergences(channel, p, law, divergence)
    for _ in range(20):
        used = np.flatnonzero(p > 1e-12)
        output = law > 0.0
        part = channel[np.ix_(used, np.flatnonzero(output))]
        system = np.ones((used.size + 1, used.size + 1))
        system[:-1, :-1] = (part / law[output]) @ part.T
        system[-1, -1] = 0.0
        step = np.linalg.lstsq(system, np.append(divergence[used], 0.0), rcond=None)[0][:-1]
        p[used] = np.maximum(p[used] + step, 1e-300)
        p /= p.sum()
        mean, largest = _divergences(channel, p, law, divergence)
        if largest - mean < high - low:
            low, high, best = mean, largest, p.copy()
    p[:] = best
    return low, high


def channel_capacity(channel: npt.ArrayLike, *, tol: float = 1e-9, max_iterations: int = 200_000) -> Certified:
    r"""Return the capacity :math:`\max_pI(a;y)` of a channel, in nats.

    Parameters
    ----------
    channel : array, shape (A, Y)
        ``channel[a]`` is the law of the output under input a.
    tol : float
        Largest width of the enclosure asked for.
    max_iterations : int
        Steps allowed; after them the enclosure is as wide as it is.

    Returns
    -------
    Certified
        :math:`I(p)\le C\le\max_a\mathrm{KL}(P_a\|pP)` with the law p of the last step as witness, shape (A,).

    Raises
    ------
    ParameterError
        If a row is no distribution.

    References
    ----------
    .. [1] Blahut (1972), Computation of channel capacity and rate-distortion functions.
    .. [2] Arimoto (1972), An algorithm for computing the capacity of arbitrary discrete memoryless channels.

    Examples
    --------
    >>> round(channel_capacity([[0.9, 0.1], [0.1, 0.9]]).value, 6)
    0.368064
    """
    rows = check.as_array(channel, "channel", ndim=2, error=ParameterError)
    check.stochastic_rows(rows, "channel", ParameterError)
    accuracy = check.number(tol, "tol", low=0.0)
    limit = check.count(max_iterations, "max_iterations")
    p = np.full(rows.shape[0], 1.0 / rows.shape[0])
    low, high, steps = _blahut_arimoto(rows, accuracy, min(limit, FIRST), GROWTH, p, np.empty(0))
    if high - low > accuracy:
        low, high = _polished(rows, p)
    if high - low > accuracy and limit > FIRST:
        low, high, more = _blahut_arimoto(rows, accuracy, limit - FIRST, GROWTH, p, np.empty(0))
        steps += more
    rounding = 8.0 * _EPS * (rows.size + 8) * max(1.0, np.log(max(rows.shape)))
    p.setflags(write=False)
    return Certified(
        max(0.0, float(low) - rounding),
        float(high) + rounding,
        f"Blahut-Arimoto, {steps} steps, and Newton's method where these are slow, with the dual bound",
        p,
    )


def empowerment(mdp: Any, *, n: int = 1, tol: float = 1e-9) -> Certified:
    """Return the empowerment of every state: the capacity from sequences of n actions to the state after, in nats.

    Parameters
    ----------
    mdp : DiscountedMDP, AverageRewardMDP or array (S, A, S)
        Rewards play no part.
    n : int
        Length of the open-loop sequences; there are A^n of them, at most 10^5.
    tol : float
        As in `channel_capacity`.

    Returns
    -------
    Certified
        Arrays of shape (S,).

    Raises
    ------
    ParameterError
        For too many sequences, or rows that are no distributions.

    References
    ----------
    .. [1] Klyubin, Polani, Nehaniv (2005), Empowerment: a universal agent-centric measure of control.
    """
    P = check.as_array(_transitions(mdp), "P", ndim=3, error=ParameterError)
    length = check.count(n, "n")
    S, A = P.shape[:2]
    if A**length > 10**5:
        raise ParameterError(f"n is {length}: there would be {A}^{length} sequences, at most 10^5 are allowed")
    ahead = np.eye(S)[:, None, :]
    for _ in range(length):
        ahead = np.einsum("sat,tky->saky", P, ahead).reshape(S, -1, S)
    found = [channel_capacity(np.unique(rows, axis=0), tol=tol) for rows in ahead]
    lower, upper = (np.array([getattr(one, end) for one in found]) for end in ("lower", "upper"))
    return Certified(lower, upper, "Blahut-Arimoto for each state, with its dual bound")


def _transitions(mdp: Any) -> Any:
    """Return transitions (S, A, S) of a stationary model, or the array itself."""
    return mdp.dense_P() if hasattr(mdp, "dense_P") else mdp
