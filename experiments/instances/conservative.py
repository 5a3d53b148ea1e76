"""Problems of conservative exploration: a model, a baseline policy, and the value no episode may fall below."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tabular import _check as check
from tabular.errors import ParameterError
from tabular.models import EpisodicMDP
from tabular.planning import backward_induction, evaluate
from tabular.streams import generator

from .random_mdp import dirichlet_rows

__all__ = ["ConservativeProblem", "conservative_lock", "conservative_random", "conservative_trap"]

Floats = npt.NDArray[np.float64]
Seed = int | np.random.SeedSequence | np.random.Generator

#: Action probabilities of the baseline of `conservative_trap` and `conservative_lock`: this on action 0.
SHARE = 0.9


@dataclass(frozen=True, slots=True, eq=False)
class ConservativeProblem:
    """A finite-horizon model to be explored without any episode's policy falling below a threshold.

    Attributes
    ----------
    mdp : EpisodicMDP
        One start state, rewards in [0, 1].
    baseline : ndarray, shape (H, S, A)
        The known safe policy, read-only.
    threshold : float
        gamma; below the value of the baseline.

    Raises
    ------
    ParameterError
        If the baseline is not above the threshold.
    """

    mdp: EpisodicMDP
    baseline: Floats
    threshold: float

    def __post_init__(self) -> None:
        policy = check.stochastic_policy(self.baseline, self.mdp.r.shape[:2], self.mdp.A, "baseline")
        object.__setattr__(self, "baseline", policy)
        object.__setattr__(self, "threshold", check.number(self.threshold, "threshold"))
        if not self.kappa > 0.0:
            raise ParameterError(f"threshold is {self.threshold:g}; it must be below {self.baseline_value:g}")

    @property
    def baseline_value(self) -> float:
        """Exact value of the baseline."""
        return evaluate(self.mdp, self.baseline).value

    @property
    def optimal_value(self) -> float:
        """Exact optimal value."""
        return backward_induction(self.mdp).value

    @property
    def kappa(self) -> float:
        """Tolerated loss: value of the baseline minus threshold."""
        return self.baseline_value - self.threshold


def conservative_random(
    S: int = 5, A: int = 5, H: int = 3, *, eta: float = 10.0, fraction: float = 0.9, rng: Seed
) -> ConservativeProblem:
    r"""Return a random model with a Boltzmann baseline (family A).

    Dirichlet(1) transitions at every step, uniform [0, 1] rewards, start in state 0. The baseline is
    :math:`\pi^b_h(a\mid s)\propto\exp(\eta Q^\star_h(s,a))`, the threshold :math:`cV^{\pi^b}`.

    Parameters
    ----------
    S, A, H : int
    eta : float
        Inverse temperature, >= 0; 0 is the uniform policy.
    fraction : float
        c, in (0, 1).
    rng : int, SeedSequence or Generator

    Notes
    -----
    The shape of the experiments of Li, Huang, Shen, Yang (2023) as recalled: S = A = 5, H = 3. Random models have no
    power to refute a learner that is not safe: hardly any policy is much worse than the baseline.
    """
    random = generator(rng)
    S, A, H = check.count(S, "S"), check.count(A, "A"), check.count(H, "H")
    eta = check.number(eta, "eta", low=0.0)
    mdp = EpisodicMDP(dirichlet_rows((H, S, A, S), 1.0, random), random.random((H, S, A)), np.eye(S)[0])
    Q = backward_induction(mdp).Q
    weight = np.exp(eta * (Q - Q.max(axis=2, keepdims=True)))
    baseline = weight / weight.sum(axis=2, keepdims=True)
    return ConservativeProblem(mdp, baseline, check.fraction(fraction, "fraction") * evaluate(mdp, baseline).value)


def conservative_trap(
    threshold: float = 0.52,
    *,
    chances: Sequence[float] = (0.6, 0.7, 0.5, 0.5, 0.5),
    H: int = 4,
    share: float = SHARE,
) -> ConservativeProblem:
    """Return the trap (family B): one choice, and most of the choices are below the threshold.

    In the hub (state 0) action i leads to the good state 1 with probability ``chances[i]`` and to the bad state 2
    otherwise; both are absorbing, and the good one pays ``1/(H-1)`` a step. A policy is worth its average chance.
    The baseline plays action 0 with probability ``share`` in the hub and every other action equally often; elsewhere,
    where all actions are alike, it plays action 0.

    Parameters
    ----------
    threshold : float
    chances : sequence of float
        In [0, 1], at least two. With the default the baseline is worth 0.595, the optimum 0.7, each trap 0.5.
    H : int
        Horizon, at least 2.
    share : float
        In [0, 1]; 1 makes the baseline deterministic.
    """
    p = check.as_array(chances, "chances", ndim=1, error=ParameterError)
    A, H = p.shape[0], check.count(H, "H", low=2)
    if A < 2 or p.min() < 0.0 or p.max() > 1.0:
        raise ParameterError(f"chances is {list(chances)}; at least two numbers in [0, 1] are needed")
    P = np.zeros((3, A, 3))
    P[0, :, 1], P[0, :, 2] = p, 1.0 - p
    P[1, :, 1] = P[2, :, 2] = 1.0
    r = np.zeros((3, A))
    r[1] = 1.0 / (H - 1)
    return ConservativeProblem(EpisodicMDP(P, r, np.eye(3)[0], H=H), _mostly_first(H, 3, A, share), threshold)


def conservative_lock(H: int = 3, A: int = 3, *, fraction: float = 0.7, share: float = SHARE) -> ConservativeProblem:
    """Return the conservative lock (family C): leave for a sure half, or open the lock for 1.

    State ``i < H`` has seen i right digits. Action 0 leaves: it pays 1/2 and ends the game. The right digit, the last
    action, leads on, and pays 1 at the end; any other action loses everything. The baseline leaves with
    probability ``share`` and plays every other action equally often in state 0; in all others it leaves.

    Parameters
    ----------
    H : int
        Number of digits, and horizon.
    A : int
        Number of actions, at least 3.
    fraction : float
        The threshold is this part of the value of the baseline, in (0, 1).
    share : float
        In [0, 1].
    """
    H, A = check.count(H, "H"), check.count(A, "A", low=3)
    P = np.zeros((H + 1, A, H + 1))
    P[:, :, H] = 1.0
    steps = np.arange(H - 1)
    P[steps, A - 1, H], P[steps, A - 1, steps + 1] = 0.0, 1.0
    r = np.zeros((H + 1, A))
    r[:H, 0] = 0.5
    r[H - 1, A - 1] = 1.0
    mdp = EpisodicMDP(P, r, np.eye(H + 1)[0], H=H)
    baseline = _mostly_first(H, H + 1, A, share)
    return ConservativeProblem(mdp, baseline, check.fraction(fraction, "fraction") * evaluate(mdp, baseline).value)


def _mostly_first(H: int, S: int, A: int, share: float) -> Floats:
    """Return the policy (H, S, A) that plays action 0 with probability ``share`` in state 0, and surely elsewhere."""
    share = check.number(share, "share", low=0.0, high=1.0)
    policy = np.zeros((H, S, A))
    policy[:, :, 0] = 1.0
    policy[:, 0] = (1.0 - share) / (A - 1)
    policy[:, 0, 0] = share
    return policy
