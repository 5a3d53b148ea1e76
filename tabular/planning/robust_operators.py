r"""The smallest expectation near a distribution: total variation, relative entropy and chi-squared, priced or bounded.

For a distribution ``q``, values ``V`` and a divergence :math:`D`, an adversary chooses the distribution ``mu`` of

.. math::
   \min_\mu\; \mu\cdot V + \lambda D(\mu\,\|\,q) \qquad\text{or}\qquad
   \min_\mu\; \{\mu\cdot V : D(\mu\,\|\,q)\le\rho\},

the regularised and the constrained operator of robust dynamic programming. The divergences are

* ``"tv"``, half the L1 distance, :math:`\tfrac12\sum_i|\mu_i-q_i|`;
* ``"kl"``, relative entropy :math:`\sum_i\mu_i\log(\mu_i/q_i)`. The *first* argument is free: `smallest_expectation`
  bounds :math:`\mathrm{KL}(q\,\|\,\mu)`, which is another ball;
* ``"chi2"``, :math:`\sum_i(\mu_i-q_i)^2/q_i`.

The last two are infinite unless ``mu`` lives on the support of ``q``. For total variation the mass may move to any
state, or, with ``support=True``, stays in the support as well.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .. import _check as check
from ..errors import ParameterError
from . import _robust_kernels as kernels
from .results import _ReadOnly

__all__ = ["DIVERGENCES", "WorstCase", "operator", "worst_case"]

Array = npt.NDArray[np.float64]

DIVERGENCES = ("tv", "kl", "chi2")
_CODES = {
    ("tv", "penalty"): kernels.TV_PENALTY,
    ("kl", "penalty"): kernels.KL_PENALTY,
    ("chi2", "penalty"): kernels.CHI2_PENALTY,
    ("tv", "radius"): kernels.TV_RADIUS,
    ("kl", "radius"): kernels.KL_RADIUS,
    ("chi2", "radius"): kernels.CHI2_RADIUS,
}


@dataclass(frozen=True, eq=False)
class WorstCase(_ReadOnly):
    """The adversary's best reply to one vector of values.

    Attributes
    ----------
    value : float
        Smallest expectation, price included where there is one.
    dual : float
        A maximiser of the dual: the threshold above which values do not count (``"tv"``, ``"chi2"``), between the
        smallest and the largest value, or the temperature of the tilt (``"kl"``): the penalty itself, or for a radius
        the number from 0 (all mass on the smallest values) to ``inf`` (the nominal distribution).
    distribution : array, shape (S,)
        A minimiser.
    """

    value: float
    dual: float
    distribution: Array


def operator(divergence: str, penalty: object, radius: object) -> tuple[int, str]:
    """Return the kernel's code and which of ``"penalty"`` and ``"radius"`` was given; exactly one must be."""
    check.choice(divergence, "divergence", DIVERGENCES)
    if (penalty is None) == (radius is None):
        found = "neither" if penalty is None else "both"
        raise ParameterError(f"{found} of penalty and radius given; exactly one is needed")
    name = "radius" if penalty is None else "penalty"
    return _CODES[divergence, name], name


def worst_case(
    values: npt.ArrayLike,
    q: npt.ArrayLike,
    *,
    divergence: str,
    penalty: float | None = None,
    radius: float | None = None,
    support: bool = False,
) -> WorstCase:
    r"""Smallest expectation of ``values`` that an adversary near ``q`` reaches, at a price or within a radius.

    * ``"tv"``, penalty: :math:`E_q\min(V, \min V+\lambda)`, in closed form, O(S);
    * ``"kl"``, penalty: :math:`-\lambda\log E_q e^{-V/\lambda}`, in closed form, O(S);
    * ``"chi2"``, penalty: :math:`\max_a E_q[V]_a - \mathrm{Var}_q[V]_a/4\lambda`, by a sort and the root of a piecewise
      linear function, O(S log S);
    * ``"tv"``, radius: :math:`\max_a E_q[V]_a - \rho(a-\min V)`, by a sort, O(S log S);
    * ``"kl"``, radius: :math:`\max_\lambda -\lambda\log E_q e^{-V/\lambda} - \lambda\rho`, by Newton's method in a
      bracket, O(S) a step;
    * ``"chi2"``, radius: :math:`\max_a E_q[V]_a - \sqrt{\rho\,\mathrm{Var}_q[V]_a}`, by a sort and a quadratic equation
      on one piece, O(S log S);

    with :math:`[V]_a = \min(V, a)` and :math:`\min V` over all states (with ``support=True``, over those of ``q``).

    Parameters
    ----------
    values : array, shape (S,)
        Finite; their range too must be finite.
    q : array, shape (S,)
        Nominal distribution. Its sum, 1 within 1e-8, is divided out.
    divergence : {"tv", "kl", "chi2"}
    penalty : float
        Price of a unit of divergence, > 0 (regularised operator).
    radius : float
        Largest divergence, >= 0 (constrained operator); 0 is the nominal expectation. Exactly one of the two.
    support : bool
        Confines the adversary of total variation to the support of ``q``.

    Returns
    -------
    WorstCase

    Raises
    ------
    ParameterError
        A ``q`` that is not a distribution, values that are not finite, a level out of range, both levels or neither.

    Notes
    -----
    With :math:`R` the range of the values that count, ``value`` errs by at most ``4 (S + 8) eps R + eps max|V|``, for
    all six, where the masses of ``q`` are 0 or at least 1e-300 (tested in exact and 60-digit arithmetic, not proved);
    ``distribution`` attains it within a few times that. The L1 ball of radius ``2 rho`` of `smallest_expectation` is
    the total variation ball of radius ``rho``; its kernel costs O(S^2) and rounds outwards, this one costs O(S log S)
    and rounds either way.

    References
    ----------
    .. [1] Tang, Liu and Xu (2025), Robust Offline Reinforcement Learning with Linearly Structured f-Divergence
       Regularization (the regularised duals).
    .. [2] Iyengar (2005), Robust dynamic programming (the constrained duals).

    Examples
    --------
    >>> found = worst_case([0.0, 1.0, 2.0], [0.5, 0.25, 0.25], divergence="tv", penalty=0.5)
    >>> found.value, found.dual, found.distribution.tolist()
    (0.25, 0.5, [1.0, 0.0, 0.0])
    >>> found = worst_case([0.0, 1.0], [0.5, 0.5], divergence="chi2", radius=0.25)
    >>> found.value, found.dual, found.distribution.tolist()
    (0.25, 1.0, [0.75, 0.25])
    """
    kind, name = operator(divergence, penalty, radius)
    if penalty is not None:
        level = check.number(penalty, name, low=0.0, open_low=True)
    else:
        level = check.number(radius, name, low=0.0)
    V = check.as_array(values, "values", ndim=1, error=ParameterError)
    nominal = check.distribution(q, "q", V.shape[0], ParameterError)
    with np.errstate(over="ignore"):
        spread = float(V.max() - V.min())
    if spread == np.inf:
        raise ParameterError(f"values run from {V.min():g} to {V.max():g}; their range must be finite")
    out = np.empty(V.shape[0])
    value, dual = kernels._worst_case(kind, nominal, V, level, bool(support), out)
    return WorstCase(value, dual, out)
