"""What learners of robust policies from a fixed dataset return."""

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from ... import _check as check
from ...errors import ParameterError
from ._regression_kernels import Fit, Rule, _tables
from .features import FeatureData, points_of, sparse_features

__all__ = ["RobustOfflineResult"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RobustOfflineResult:
    r"""What a learner made of the data: estimated dual values, and the pessimistic values and policy they imply.

    Attributes
    ----------
    algorithm : str
        Name of the learner, with its divergence.
    data : FeatureData
        What it saw.
    weights : ndarray, shape (H, d)
        Estimated dual value of every coordinate (the mean, for PEVI), without the known reward.
    dual : ndarray, shape (H, d)
        The threshold (TV, chi2) or temperature (KL) at which it is attained.
    inverse : ndarray, shape (H, d, d)
        Inverse of the ridge covariance :math:`\Lambda_h`.
    clipped : float
        Fraction of the estimated coordinates whose KL dual value was cut at the ceiling; 0 for other divergences.
    variance : ndarray, shape (moves,)
        Variance that each distinct move of ``data.moves`` was divided by; 1 without variance adaptation.
    """

    algorithm: str
    data: FeatureData
    weights: Floats
    dual: Floats
    inverse: Floats
    clipped: float
    variance: Floats
    _fit: Fit
    _rule: Rule

    @functools.cached_property
    def _evaluated(self) -> tuple[Floats, Floats]:
        shape = (self.data.H, self.data.S, self.data.A)
        Q, width = np.empty(shape), np.empty(shape)
        _tables(self.data.points, self._fit, self._rule, Q, width)
        return Q, width

    @property
    def beta(self) -> float:
        """Factor of the penalty."""
        return self._rule.beta

    @property
    def Q(self) -> Floats:
        """Pessimistic action values, shape (H, S, A); computed at the first access."""
        return self._evaluated[0]

    @property
    def width(self) -> Floats:
        """Uncertainty of every pair, shape (H, S, A): the penalty without its factor."""
        return self._evaluated[1]

    @property
    def penalty(self) -> Floats:
        r"""Penalty :math:`\Gamma_h(s,a)` of every pair, shape (H, S, A)."""
        return self._rule.beta * self.width

    @functools.cached_property
    def policy(self) -> Ints:
        """Greedy policy, shape (H, S); the smallest action on ties."""
        policy: Ints = self.Q.argmax(axis=-1)
        return policy

    @functools.cached_property
    def V(self) -> Floats:
        """Pessimistic values, shape (H + 1, S); 0 at the end."""
        return np.concatenate([self.Q.max(axis=-1), np.zeros((1, self.data.S))])

    @property
    def deviation(self) -> Floats:
        r""":math:`\lVert 1_i\rVert_{\Lambda_h^{-1}}`, shape (H, d)."""
        return np.sqrt(np.diagonal(self.inverse, axis1=1, axis2=2))

    def action_values(self, h: int, phi: "npt.ArrayLike | sp.csr_array", r: npt.ArrayLike | None = None) -> Floats:
        """Pessimistic action values of states that need not be in the data.

        Parameters
        ----------
        h : int
            Step, 0..H-1.
        phi : array, shape (n, A, d), or CSR of shape (n * A, d)
            Features of their pairs, entries >= 0 with sums at most 1.
        r : array, shape (n, A), optional
            Their known rewards; 0 by default. Unused by learners that estimate rewards.

        Returns
        -------
        ndarray, shape (n, A)

        Raises
        ------
        ParameterError
            For a step, features or rewards that do not fit.
        """
        step = check.count(h, "h", low=0, high=self.data.H - 1)
        features = sparse_features(phi, None, self.data.A, True, ParameterError)
        A = self.data.A
        n = features.shape[0] // A
        if features.shape[1] != self.data.d:
            raise ParameterError(f"phi has {features.shape[1]} features; d is {self.data.d}")
        rewards = np.zeros((n, A)) if r is None else check.as_array(r, "r", ndim=2, error=ParameterError)
        if rewards.shape != (n, A):
            raise ParameterError(f"r has shape {rewards.shape}; {(n, A)} is needed to match phi")
        one_step = self._fit._replace(
            weights=self._fit.weights[step : step + 1].copy(), inverse=self._fit.inverse[step : step + 1].copy()
        )
        rule = self._rule._replace(cap=self._rule.cap[step : step + 1].copy())
        values, width = np.empty((1, n, A)), np.empty((1, n, A))
        _tables(points_of(features, rewards[None], np.zeros(n, dtype=np.bool_)), one_step, rule, values, width)
        return values[0]
