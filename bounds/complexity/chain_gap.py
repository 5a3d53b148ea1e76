"""The second eigenvalue of a finite Markov chain, computed, and the absolute spectral gap, enclosed."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from tabular import planning
from tabular.planning.chains import period, recurrent_classes

from .certified import Certified
from .chain_mixing import as_chain

__all__ = ["absolute_spectral_gap", "second_eigenvalue_modulus", "spectral_gap"]

Array = npt.NDArray[np.float64]
_EPS = float(np.finfo(float).eps)
#: Squarings of the powers: beyond 2**30 steps the k-th root hides every constant.
_DOUBLINGS = 30


def second_eigenvalue_modulus(model: Any, policy: npt.ArrayLike | None = None) -> float:
    """Return the second largest modulus among the eigenvalues of a chain.

    Parameters
    ----------
    model, policy
        As in `mixing_time`.

    Returns
    -------
    float
        Exactly 1.0 for a periodic or multichain one, which the graph tells; 0.0 for one state. Not
        certified otherwise: eigenvalues of a non-normal matrix may be ill-conditioned.
    """
    chain = as_chain(model, policy)
    if recurrent_classes(chain).max() > 0 or period(chain) > 1:
        return 1.0
    moduli = np.sort(np.abs(np.linalg.eigvals(chain)))
    return float(moduli[-2]) if moduli.size > 1 else 0.0


def spectral_gap(model: Any, policy: npt.ArrayLike | None = None) -> float:
    """Return one minus `second_eigenvalue_modulus` (the absolute spectral gap); not certified."""
    return 1.0 - second_eigenvalue_modulus(model, policy)


def absolute_spectral_gap(model: Any, policy: npt.ArrayLike | None = None) -> Certified:
    r"""Return one minus the second largest modulus among the eigenvalues, enclosed.

    `spectral_gap` is the same number from an eigenvalue routine, without a bound on its error.

    Parameters
    ----------
    model, policy
        As in `mixing_time`.

    Returns
    -------
    Certified
        Exactly 0 for a periodic chain and for one with several recurrent
        classes, which the graph tells; exactly 1 for one state.

    Notes
    -----
    Reversible chains: the eigenvalues of the symmetrised matrix, by Weyl's
    inequality. Others: with :math:`N = P - 1\pi^\top`, whose eigenvalues are
    those of P but the first, and 0,
    :math:`(|\mathrm{tr} N^k| / (S-1))^{1/k} \le \rho(N) \le \|N^k\|^{1/k}` for
    every k; powers by squaring, their rounding bounded along the way. The lower
    end of the modulus may stay away from the truth where eigenvalues of equal
    modulus cancel in every trace.
    """
    chain = as_chain(model, policy)
    S = chain.shape[0]
    if S == 1:
        return Certified(1.0, 1.0, "one state")
    if recurrent_classes(chain).max() > 0:
        return Certified(0.0, 0.0, "several recurrent classes")
    if period(chain) > 1:
        return Certified(0.0, 0.0, "the chain is periodic")
    law = planning.stationary_distribution(chain)
    flow = law[:, None] * chain
    if law.min() > 0.0 and np.array_equal(flow > 0.0, flow.T > 0.0):
        skew = np.abs(flow - flow.T) / np.sqrt(law[:, None] * law[None, :])
        slack = float(skew.sum(axis=1).max()) + 16.0 * S * _EPS
        if slack < 1e-10:
            root = np.sqrt(law)
            symmetric = (flow + flow.T) / (2.0 * root[:, None] * root[None, :])
            size = np.linalg.eigvalsh((symmetric + symmetric.T) / 2.0)
            modulus = max(abs(float(size[0])), abs(float(size[-2])))
            return _gap(modulus - slack, modulus + slack, "eigenvalues of the symmetrised matrix")
    return _gap(*_by_powers(chain - law[None, :]), "norms and traces of powers")


def _gap(low: float, high: float, method: str) -> Certified:
    """Return the gap that an enclosure of the modulus leaves."""
    return Certified(max(0.0, 1.0 - high), min(1.0, max(0.0, 1.0 - low)), method)


def _by_powers(N: Array) -> tuple[float, float]:
    """Enclose the spectral radius: ``power = 2**scale * N**k`` with an error of at most ``error`` in row-sum norm."""
    S = N.shape[0]
    power, scale, error = N, 0.0, 4.0 * S * _EPS
    low, high = 0.0, math.inf
    for j in range(_DOUBLINGS):
        k = 2.0**j
        norm = float(np.abs(power).sum(axis=1).max()) * (1.0 + S * _EPS)
        if norm + error == 0.0:
            return low, 0.0
        high = min(high, 2.0 ** ((math.log2(norm + error) - scale) / k) * (1.0 + 4.0 * _EPS))
        trace = (abs(float(np.trace(power))) - S * (error + S * _EPS * norm)) / (S - 1)
        if trace > 0.0:
            low = max(low, 2.0 ** ((math.log2(trace) - scale) / k) * (1.0 - 4.0 * _EPS))
        error = 2.0 * norm * error + error**2 + S * _EPS * norm**2
        power = power @ power
        shift = -math.frexp(norm**2)[1]
        power, error, scale = np.ldexp(power, shift), math.ldexp(error, shift), 2.0 * scale + shift
        if error > 0.1 * float(np.abs(power).sum(axis=1).max()):
            break
    return low, max(low, high)
