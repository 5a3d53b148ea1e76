"""What learners that act return."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["BestPolicyRun", "ConservativeRun", "LinearRun", "OnlineRun", "OptimisticRun"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class OnlineRun:
    """What a learner did in K episodes of a known model.

    Attributes
    ----------
    algorithm : str
        Name of the learner.
    bonus : str
        Which exploration bonus it used; ``"published"`` is the paper's, with its constants.
    scale : float
        Factor on that bonus; 1 for the published one.
    delta : float or None
        Confidence parameter, where the learner has one.
    values : ndarray, shape (K,)
        Exact value, from the initial distribution, of the policy executed in each episode.
    optimal_value : float
        Exact optimal value.
    policy : ndarray, shape (H, S) or (H, S, A)
        Policy executed in the last episode.
    visits : ndarray of int64, shape (H, S, A)
        How often each action was taken.
    """

    algorithm: str
    bonus: str
    scale: float
    delta: float | None
    values: Floats
    optimal_value: float
    policy: npt.NDArray[np.float64] | Ints
    visits: Ints

    @property
    def episodes(self) -> int:
        """Number of episodes, K."""
        return int(self.values.shape[0])

    @property
    def regret(self) -> Floats:
        """Cumulative regret, shape (K,): the sum of optimal value minus exact value of the executed policy."""
        return np.cumsum(self.optimal_value - self.values)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class OptimisticRun(OnlineRun):
    """An `OnlineRun` of a learner whose table Q is meant to lie above the optimal one.

    Attributes
    ----------
    margin : ndarray, shape (K,)
        Smallest Q_k[h, s, a] - Q*[h, s, a], over all entries, that occurred up to the start of each episode; at least 0
        as long as the learner was optimistic.
    """

    margin: Floats


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LinearRun(OptimisticRun):
    """An `OptimisticRun` of a learner whose Q is linear in features, plus a bonus.

    Attributes
    ----------
    beta : float
        Factor of the bonus, in units of the norm of a feature in the inverse Gram matrix; 0 without bonus.
    ridge : float
        Multiple of the identity that the Gram matrices start from.
    weights : ndarray, shape (H, d)
        Regression weights of the last episode's plan.
    Q : ndarray, shape (H, S, A)
        Optimistic values of the last episode's plan, capped.
    """

    beta: float
    ridge: float
    weights: Floats
    Q: Floats


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class BestPolicyRun(OnlineRun):
    """An `OnlineRun` of a learner that plays until it can certify a policy, K episodes in all.

    Attributes
    ----------
    eps : float
        Accuracy asked for.
    stopped : bool
        Whether the certificate was reached; otherwise the cap on episodes was.
    gap : ndarray, shape (K + 1,)
        The learner's bound on the loss of its policy, at the start of each episode and after the last one.
    best_policy : ndarray of int64, shape (H, S)
        The policy returned, which ``gap[-1]`` is about.
    best_value : float
        Its exact value.
    lower, upper : ndarray, shape (H, S, A)
        Bounds on the optimal Q after the last episode.
    """

    eps: float
    stopped: bool
    gap: Floats
    best_policy: Ints
    best_value: float
    lower: Floats
    upper: Floats


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ConservativeRun(OnlineRun):
    """An `OnlineRun` of a learner that keeps the value of every executed policy above a threshold.

    Where an episode draws between two policies at its start, `values` is the value of that mixture, coin included, and
    `policy` is the one that the last episode drew.

    Attributes
    ----------
    threshold : float
        Smallest value allowed in every episode.
    baseline_value : float
        Exact value of the baseline policy.
    kappa : float
        ``baseline_value - threshold``, the tolerated loss.
    baseline_steps : ndarray of int64, shape (K,)
        Number of first steps that follow the baseline: 0 for the fully optimistic policy, H for the baseline.
    rho : ndarray, shape (K,)
        Probability with which one of them is given to the optimistic policy instead: at the last of the baseline's
        steps for a step mixture, in all of them for an episode mixture. 0 where nothing is mixed.
    lcb : ndarray, shape (K,)
        Lower bound, by the learner's evaluator, on the value of what was executed.
    certified : ndarray of bool, shape (K,)
        Whether the evaluator put the executed policy at or above the threshold; the baseline is executed otherwise.
    optimistic_values : ndarray, shape (K,)
        Exact value of the fully optimistic policy of each episode, executed or not; `values` again for the learners
        that plan by a linear program, which have no such policy.
    """

    threshold: float
    baseline_value: float
    kappa: float
    baseline_steps: Ints
    rho: Floats
    lcb: Floats
    certified: npt.NDArray[np.bool_]
    optimistic_values: Floats

    @property
    def violations(self) -> npt.NDArray[np.bool_]:
        """Episodes whose executed policy has a value below the threshold (by more than 1e-12), shape (K,)."""
        return self.values < self.threshold - 1e-12

    @property
    def pure_baseline(self) -> npt.NDArray[np.bool_]:
        """Episodes that execute the baseline and nothing else, shape (K,)."""
        return (self.baseline_steps == self.policy.shape[0]) & (self.rho == 0.0)
