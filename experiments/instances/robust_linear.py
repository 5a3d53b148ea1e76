r"""Linear MDPs of robust reinforcement learning: the five-state simulator of Liu and Xu, and a family of hard bits.

The simulator is that of Liu and Xu (2024) as coded by Tang, Liu and Xu (2025): states x1..x5 are 0..4, the sixteen
actions are the sign vectors of length 4 in the order of `sign_actions`, features lie on the simplex of four
coordinates, and H = 3. Only :math:`b = \xi^\top a` of an action matters, which takes five values.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from tabular import _check as check
from tabular.errors import ModelError, ParameterError
from tabular.models import LinearMDP
from tabular.planning import worst_case
from tabular.simulation import OfflineDataset
from tabular.streams import generator

__all__ = ["HypercubeFamily", "five_state_simulator", "hypercube_family", "modified_nominal", "shifted", "sign_actions"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Seed = int | np.random.SeedSequence | np.random.Generator

#: State x4, worth 0.
FAIL = 3


def sign_actions() -> Ints:
    """Return the sixteen actions of the simulator, shape (16, 4): bit i of the number of an action is entry i."""
    return 2 * (np.arange(16)[:, None] >> np.arange(4) & 1) - 1


def five_state_simulator(xi_norm: float, delta: float = 0.3, p: float = 0.001) -> LinearMDP:
    r"""Return the nominal model of the five-state simulator.

    From x1, x2 and x3 action a leads ahead with probability :math:`1-\delta-b`, :math:`b = \xi^\top a`,
    and to x5, which pays 1 at steps 2 and 3, with :math:`\delta+b`; x4 pays nothing for ever. The step from x1 to x2
    and that from x2 to x3 fail to x4 with probability p.

    Parameters
    ----------
    xi_norm : float
        :math:`\lVert\xi\rVert_1`, at most ``min(delta, 1 - delta)``; ``xi`` has equal entries.
    delta, p : float
        In [0, 1].

    Returns
    -------
    LinearMDP
        S = 5, A = 16, d = 4, H = 3, simplex features, starting in x1.

    Raises
    ------
    ParameterError
        For a parameter out of range.

    Examples
    --------
    >>> from tabular.planning import backward_induction
    >>> round(backward_induction(five_state_simulator(0.2).to_episodic()).value, 5)
    1.62425
    """
    delta = check.number(delta, "delta", low=0.0, high=1.0)
    p = check.number(p, "p", low=0.0, high=1.0)
    xi_norm = check.number(xi_norm, "xi_norm", low=0.0, high=min(delta, 1.0 - delta))
    b = xi_norm / 4.0 * sign_actions().sum(axis=1)
    phi = np.zeros((5, 16, 4))
    for s in range(3):
        phi[s, :, s], phi[s, :, 3] = 1.0 - delta - b, delta + b
    phi[3, :, 2] = phi[4, :, 3] = 1.0
    mu = np.zeros((3, 4, 5))
    mu[:, :3, FAIL] = 1.0  # also what no state reaches at that step
    mu[:, 3, 4] = 1.0
    mu[0, 0], mu[1, 1] = [0.0, 1.0 - p, 0.0, p, 0.0], [0.0, 0.0, 1.0 - p, p, 0.0]
    theta = np.zeros((3, 4))
    theta[1:, 3] = 1.0
    return LinearMDP(phi, mu, theta, np.eye(5)[0])


def _simulator(model: LinearMDP) -> Floats:
    """Return a writable copy of the simulator's measures."""
    if not isinstance(model, LinearMDP) or (model.S, model.d, model.H) != (5, 4, 3):
        raise ParameterError("model is not a five-state simulator; build it with five_state_simulator")
    return np.array(model.mu)


def shifted(model: LinearMDP, q: float) -> LinearMDP:
    """Return the target model: at step 1, coordinate 1 leads to x2 surely, and coordinate 4 to x4 with probability q.

    Parameters
    ----------
    model : LinearMDP
        From `five_state_simulator`.
    q : float
        In [0, 1].

    Returns
    -------
    LinearMDP

    Raises
    ------
    ParameterError
        For another model or a probability out of range.
    """
    q = check.number(q, "q", low=0.0, high=1.0)
    mu = _simulator(model)
    mu[0, 0], mu[0, 3] = [0.0, 1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, q, 1.0 - q]
    return LinearMDP(model.phi, mu, model.theta, model.mu0)


def modified_nominal(model: LinearMDP, leak: float = 0.05) -> LinearMDP:
    """Return the nominal model with one change: at step 1, coordinate 4 leads to x4 with probability `leak`.

    The data then contain what the shift makes frequent, and an adversary of total variation, relative entropy or
    chi-square can work with it.

    Parameters
    ----------
    model : LinearMDP
        From `five_state_simulator`.
    leak : float
        In [0, 1].

    Returns
    -------
    LinearMDP

    Raises
    ------
    ParameterError
        For another model or a probability out of range.
    """
    leak = check.number(leak, "leak", low=0.0, high=1.0)
    mu = _simulator(model)
    mu[0, 3] = [0.0, 0.0, 0.0, leak, 1.0 - leak]
    return LinearMDP(model.phi, mu, model.theta, model.mu0)


@dataclass(frozen=True, slots=True, eq=False)
class HypercubeFamily:
    r"""Models that differ in d signs, each hidden in one coordinate (lower bound of Tang, Liu and Xu 2025).

    An episode starts in a bit state i, uniformly. Action 0 leads to the good state with probability
    :math:`1/2 + \sigma_i\,\mathrm{gap}`, action 1 with probability 1/2; H = 2, and the good state pays 1. Coordinate i
    is that of action 0 in bit state i, coordinate d that of action 1, d + 1 and d + 2 those of the good and the bad
    state.

    Attributes
    ----------
    d : int
        Number of bits.
    gap : float
        In (0, 1/2].
    """

    d: int
    gap: float

    def member(self, signs: npt.ArrayLike) -> LinearMDP:
        """Return the model of ``signs``, shape (d,), entries 1 or -1; ModelError otherwise."""
        sigma = np.asarray(signs)
        if sigma.shape != (self.d,) or not np.isin(sigma, (-1, 1)).all():
            raise ModelError(f"signs must be {self.d} entries of 1 or -1")
        d, good, bad = self.d, self.d, self.d + 1
        phi = np.zeros((d + 2, 2, d + 3))
        phi[np.arange(d), 0, np.arange(d)] = 1.0
        phi[:d, 1, d] = 1.0
        phi[good, :, d + 1] = phi[bad, :, d + 2] = 1.0
        mu = np.zeros((d + 3, d + 2))
        chance = np.append(0.5 + sigma * self.gap, 0.5)
        mu[: d + 1, good], mu[: d + 1, bad] = chance, 1.0 - chance
        mu[d + 1, good] = mu[d + 2, bad] = 1.0
        theta = np.zeros(d + 3)
        theta[d + 1] = 1.0
        return LinearMDP(phi, mu, theta, np.append(np.full(d, 1.0 / d), [0.0, 0.0]), H=2)

    def members(self) -> list[LinearMDP]:
        """Return all ``2**d`` models, the first bit changing slowest, from -1 to 1."""
        return [self.member(signs) for signs in product((-1, 1), repeat=self.d)]

    def dataset(self, signs: npt.ArrayLike, visits: npt.ArrayLike, rng: Seed, *, safe: int = 0) -> OfflineDataset:
        """Draw data that play action 0 in bit state i ``visits[i]`` times, and action 1 ``safe`` times in each.

        The rows have their step; an episode is a bit state and the state that follows.
        """
        model, counts = self.member(signs), self._visits(visits)
        random = generator(rng)
        s = np.concatenate([np.repeat(np.arange(self.d), counts), np.repeat(np.arange(self.d), safe)])
        a = np.concatenate([np.zeros(counts.sum(), dtype=np.int64), np.ones(self.d * safe, dtype=np.int64)])
        chance = model.mu[0, np.where(a == 0, s, self.d), self.d]
        ahead = np.where(random.random(s.size) < chance, self.d, self.d + 1)
        again, step = np.zeros_like(s), np.repeat([0, 1], s.size)
        r = np.append(np.zeros(s.size), ahead == self.d)
        return OfflineDataset(
            np.append(s, ahead), np.append(a, again), r, np.append(ahead, ahead),
            S=self.d + 2, A=2, h=step, H=2,
        )  # fmt: skip

    def stakes(self, divergence: str, penalty: float) -> tuple[float, float]:
        """Return what choosing action 1 loses where the sign is 1, and what action 0 loses where it is -1.

        Exact robust regularised values; one bit, before its probability 1/d.
        """
        return _stakes(self.gap, divergence, penalty)

    def bayes_risk(self, visits: npt.ArrayLike, divergence: str, penalty: float) -> float:
        """Return the smallest expected suboptimality over all algorithms, signs uniform; at most the minimax risk.

        Exact: the numbers of successes of each bit are sufficient and independent, and each decision minimises the
        posterior loss.
        """
        from scipy.stats import binom

        plus, minus = self.stakes(divergence, penalty)
        total = 0.0
        for n in self._visits(visits):
            k = np.arange(n + 1)
            up, down = binom.pmf(k, n, 0.5 + self.gap), binom.pmf(k, n, 0.5 - self.gap)
            total += 0.5 * float(np.minimum(up * plus, down * minus).sum())
        return total / self.d

    def coverage(self, visits: npt.ArrayLike, ridge: float) -> float:
        r"""Return :math:`\mathbb E\sum_i\lVert\phi_i 1_i\rVert_{\Lambda^{-1}}` of step 1, always playing action 0.

        The start does not depend on the adversary, so this is the supremum over kernels.
        """
        return float(np.mean(1.0 / np.sqrt(check.number(ridge, "ridge", low=0.0) + self._visits(visits))))

    def _visits(self, visits: npt.ArrayLike) -> Ints:
        counts = np.asarray(visits)
        if counts.shape != (self.d,) or counts.dtype.kind not in "iu" or counts.min() < 0:
            raise ParameterError(f"visits must be {self.d} counts >= 0")
        return counts.astype(np.int64)


def _stakes(gap: float, divergence: str, penalty: float) -> tuple[float, float]:
    values = np.array([1.0, 0.0])
    low, safe, high = (
        worst_case(values, [chance, 1.0 - chance], divergence=divergence, penalty=penalty).value
        for chance in (0.5 - gap, 0.5, 0.5 + gap)
    )
    return high - safe, safe - low


def hypercube_family(d: int, gap: float) -> HypercubeFamily:
    """Return the family of d hidden signs.

    Parameters
    ----------
    d : int
        Number of bits, >= 1.
    gap : float
        Distance of the unknown chances from 1/2, in (0, 1/2].

    Returns
    -------
    HypercubeFamily

    Raises
    ------
    ParameterError
        For a parameter out of range.
    """
    return HypercubeFamily(check.count(d, "d"), check.number(gap, "gap", low=0.0, high=0.5, open_low=True))
