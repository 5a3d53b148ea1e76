r"""IWOCS: a robust policy from a sequence of ordinary decision problems (Zouitine, Geist, Rachelson, 2024).

*Incremental worst-case search*: for ``i = 0, 1, ...`` solve the kernel :math:`T_i`, keep the smallest optimal values so
far, :math:`Q_i(s,a) = \min_{j\le i} Q^\star_{T_j}(s,a)`, act greedily, :math:`\pi_i(s) = \arg\max_a Q_i(s,a)`, and
find a worst kernel of that policy, :math:`T_{i+1}\in\arg\min_T V^{\pi_i}_T(s_0)`. Stop when
:math:`|V^{\pi_i}_{T_{i+1}}(s_0) - \max_a Q_i(s_0,a)|\le\varepsilon`.

Deviations from the paper:

1. Kernels are solved by exact policy iteration and worst kernels found exactly (the paper: value iteration to 1e-3,
   and brute force over a grid with 300 rollouts, which is `iwocs_sampled`).
2. For sa-rectangular sets the worst kernel is one that is worst from every state. After actions that the policy does
   not take it is free, and the paper does not say what it is: that is `completion`.
3. A kernel seen before ends the run: :math:`Q_{i+1} = Q_i`, hence the policy and its worst kernel repeat for ever.
4. ``values="hull"`` is not the paper's: it replaces the minimum of optimal values by the robust optimum of the
   rectangular hull of the kernels so far. With it every run on a `VertexSet` ends in a certificate.
5. The start may be a distribution where the set is sa-rectangular.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ...errors import ParameterError
from ...models import DiscountedMDP
from ...planning._static_kernels import (
    VERTICES,
    _adversary,
    _complete,
    _greedy_policy,
    _optimal_values,
    _policy_values,
    _robust_optimum,
)
from ...planning.uncertainty_sets import BallSet, KernelSet, VertexSet, compiled, require_set
from ...streams import generator
from ._iwocs_kernels import _worst_kernel, _worst_sampled

__all__ = ["IwocsRun", "iwocs", "iwocs_sampled"]

Array = npt.NDArray[np.float64]
Seed = int | np.random.SeedSequence | np.random.Generator

COMPLETIONS = ("keep", "worst", "nominal")
FORMULAS = ("optima", "hull", "latest", "policies")
#: Kernels whose entries differ by no more than this are the same one, and so are values, relative to their size.
_SAME = 1e-12


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class IwocsRun:
    """The sequence of kernels, values and policies of one run with n policies.

    Attributes
    ----------
    kernels : array, shape (n + 1, S, A, S)
        ``T_0, ..., T_n``; ``kernels[i + 1]`` is a worst kernel of ``policies[i]``.
    Q : array, shape (n, S, A)
        ``Q_0, ..., Q_{n-1}``.
    policies : int array, shape (n, S)
        ``policies[i]`` is greedy for ``Q[i]``, smallest action on ties.
    promised : array, shape (n,)
        ``mu0 . max_a Q_i``: with exact worst kernels at least what any policy can guarantee.
    attained : array, shape (n,)
        Value of ``policies[i]`` from ``mu0`` under ``kernels[i + 1]`` (an estimate in `iwocs_sampled`).
    stop : str
        ``"certificate"`` (promised and attained agree), ``"repeat"`` (a kernel came back) or ``"limit"``.
    """

    kernels: Array
    Q: Array
    policies: npt.NDArray[np.int64]
    promised: Array
    attained: Array
    stop: str

    def __post_init__(self) -> None:
        for name in ("kernels", "Q", "policies", "promised", "attained"):
            getattr(self, name).setflags(write=False)

    @property
    def policy(self) -> npt.NDArray[np.int64]:
        """The policy returned: the last one."""
        last: npt.NDArray[np.int64] = self.policies[-1]
        return last

    @property
    def value(self) -> float:
        """What the returned policy attains."""
        return float(self.attained[-1])

    @property
    def gaps(self) -> Array:
        """``|attained - promised|`` of each policy; at most this is lost to the robust optimum."""
        return np.abs(self.attained - self.promised)

    @property
    def iterations(self) -> int:
        """Number of kernels solved."""
        return int(self.policies.shape[0])

    @property
    def best(self) -> int:
        """Index of the policy that attains the most; no later policy makes it smaller."""
        return int(np.argmax(self.attained))


def iwocs(
    mdp: DiscountedMDP,
    uncertainty: VertexSet | BallSet | KernelSet,
    *,
    first: int = 0,
    completion: str = "keep",
    values: str = "optima",
    eps: float = 1e-9,
    iterations: int = 200,
    stop_at_repeat: bool = True,
) -> IwocsRun:
    r"""Run IWOCS with exact solvers.

    Parameters
    ----------
    mdp : DiscountedMDP
        Rewards, discount and start; its kernel plays no part.
    uncertainty : VertexSet, BallSet or KernelSet
        A `KernelSet` is searched by enumeration.
    first : int
        Which kernel (or vertex, at every pair) is T_0; the centre for a `BallSet`.
    completion : {"keep", "worst", "nominal"}
        Rows of T_{i+1} after actions that pi_i does not take: those of T_i, those that minimise the expectation of
        :math:`V^{\pi_i}_{T_{i+1}}`, or those of T_0. Without effect for a `KernelSet`.
    values : {"optima", "hull", "latest", "policies"}
        What Q_i is: the smallest optimal values so far (the paper's), or the robust optimum of the rectangular hull of
        the kernels so far. Broken on purpose: the optimal values of the latest kernel only; the smallest values of the
        previous policy under each kernel.
    eps : float
        Gap at which the run ends with a certificate, >= 0; 1e-12 of the values is added for rounding.
    iterations : int
        Most kernels solved.
    stop_at_repeat : bool
        Whether a kernel seen before ends the run.

    Returns
    -------
    IwocsRun

    Raises
    ------
    ModelError
        For another kind of set, or one of other sizes than the model.
    ParameterError
        For an unknown rule, a negative ``eps``, a ``first`` beyond the set, or a `KernelSet` with an uncertain start
        (then a gap proves nothing).

    Examples
    --------
    >>> mdp = DiscountedMDP([[[1.0, 0.0]], [[0.0, 1.0]]], [[1.0], [0.0]], 0.5, [1.0, 0.0])
    >>> slip = VertexSet([mdp.P, [[[0.0, 1.0]], [[0.0, 1.0]]]])
    >>> run = iwocs(mdp, slip)
    >>> run.promised.tolist(), run.attained.tolist(), run.stop
    ([2.0, 1.0], [1.0, 1.0], 'certificate')
    """
    check.choice(completion, "completion", COMPLETIONS)
    check.choice(values, "values", FORMULAS)
    require_set(uncertainty, mdp, VertexSet, BallSet, KernelSet, solver="iwocs")
    if isinstance(uncertainty, KernelSet):
        _fixed_start(mdp)
    worst = _Exact(mdp, uncertainty, completion)
    return _sequence(mdp, worst, values, first, eps, iterations, bool(stop_at_repeat))


def iwocs_sampled(
    mdp: DiscountedMDP,
    uncertainty: KernelSet,
    *,
    rollouts: int = 300,
    horizon: int | None = None,
    stop: str = "gap",
    delta: float = 0.05,
    first: int = 0,
    eps: float,
    iterations: int = 20,
    rng: Seed,
) -> IwocsRun:
    r"""Run IWOCS with worst kernels found by brute force over estimated values, as in the paper's toy experiment.

    Parameters
    ----------
    mdp : DiscountedMDP
        Rewards, discount and start (one state); its kernel plays no part.
    uncertainty : KernelSet
    rollouts : int
        Simulated returns for each kernel and iteration, >= 2.
    horizon : int, optional
        Length of a rollout; by default what lies beyond is worth less than 1e-6 of the range of values.
    stop : {"gap", "interval"}
        ``"gap"`` stops when the smallest estimate is within ``eps`` of what was promised, as published.
        ``"interval"`` when the lower confidence limit of *every* kernel is at least the promise less ``eps``: with
        probability ``1 - delta`` it never stops at a policy that attains less.
    delta : float
        Failure probability of all limits together: empirical Bernstein bounds [1]_, each at
        ``delta / (size * iterations)``.
    first, eps, iterations
        As in `iwocs`.
    rng : int, SeedSequence or Generator

    Returns
    -------
    IwocsRun
        ``attained`` holds estimates. A kernel may come back with another estimate, which does not end the run.

    Raises
    ------
    ModelError, ParameterError
        As `iwocs`.

    References
    ----------
    .. [1] Maurer and Pontil (2009), Empirical Bernstein Bounds and Sample Variance Penalization, theorem 4.
    """
    require_set(uncertainty, mdp, KernelSet, solver="iwocs_sampled")
    _fixed_start(mdp)
    rollouts = check.count(rollouts, "rollouts", low=2)
    interval = check.choice(stop, "stop", ("gap", "interval")) == "interval"
    default = 1 if mdp.gamma == 0.0 else math.ceil(math.log(1e-6) / math.log(mdp.gamma))
    horizon = default if horizon is None else check.count(horizon, "horizon")
    limits = uncertainty.size * check.count(iterations, "iterations")
    log = math.log(2.0 * limits / check.fraction(delta, "delta"))
    worst = _Sampled(mdp, uncertainty, rollouts, horizon, log, interval, generator(rng))
    return _sequence(mdp, worst, "optima", first, eps, iterations, False)


def _fixed_start(mdp: DiscountedMDP) -> None:
    if np.count_nonzero(mdp.mu0) > 1:
        raise ParameterError("mu0 has several states; a set that is not rectangular needs one first state")


class _Exact:
    """A worst kernel of a policy, completed after the actions that the policy does not take."""

    def __init__(self, mdp: DiscountedMDP, uncertainty: VertexSet | BallSet | KernelSet, completion: str) -> None:
        self.joint = isinstance(uncertainty, KernelSet)
        if isinstance(uncertainty, KernelSet):
            self.P = uncertainty.P.copy()
        else:
            self.kind, self.P, self.level = compiled(uncertainty)
        self.completion = completion
        self.model = (mdp.r.copy(), mdp.gamma)
        self.mu0 = mdp.mu0.copy()
        self.V, self.M, self.work = np.empty(mdp.S), np.empty((mdp.S, mdp.S)), np.empty(mdp.S)

    def __call__(self, policy: Array, first: Array, latest: Array, promised: float, eps: float) -> Any:
        """Return the kernel, the value under it, and whether the gap is a certificate."""
        if self.joint:
            T = self.P[_worst_kernel(self.P, *self.model, self.mu0, policy, self.V, self.M)]
        else:
            T = (first if self.completion == "nominal" else latest).copy()
            nature = (self.kind, self.P, self.level)
            _adversary(*nature, *self.model, policy, T, self.V, self.M, self.work)
            if self.completion == "worst":
                _complete(*nature, policy, self.V, T, self.work)
        value = float(self.mu0 @ self.V)
        rounding = _SAME * max(abs(value), abs(promised))
        return T, value, abs(value - promised) <= eps + rounding


class _Sampled:
    """The kernel of smallest estimated value."""

    def __init__(
        self, mdp: DiscountedMDP, kernels: KernelSet, rollouts: int, horizon: int, log: float, interval: bool, rng: Any
    ) -> None:
        self.P = kernels.P.copy()
        self.model = (mdp.r.copy(), mdp.gamma, mdp.mu0.copy())
        self.sampling = (horizon, rollouts, log, rng)
        self.interval = interval

    def __call__(self, policy: Array, first: Array, latest: Array, promised: float, eps: float) -> Any:
        """Return the kernel, the estimate, and whether the run may stop."""
        choice, value, limit = _worst_sampled(self.P, *self.model, policy.argmax(axis=1), *self.sampling)
        return self.P[choice], value, limit >= promised - eps if self.interval else abs(value - promised) <= eps


def _sequence(
    mdp: DiscountedMDP, worst: Any, values: str, first: Any, eps: Any, iterations: Any, stop_at_repeat: bool
) -> IwocsRun:
    eps, limit = check.number(eps, "eps", low=0.0), check.count(iterations, "iterations", high=10**6)
    made = [worst.P[check.count(first, "first", low=0, high=worst.P.shape[0] - 1)].copy()]
    Q: list[Array] = []
    policies: list[npt.NDArray[np.int64]] = []
    promised, attained = [], []
    stop = "limit"
    while stop == "limit" and len(policies) < limit:
        newest = _values(mdp, made, policies, values)
        Q.append(newest if values == "latest" or not Q else np.minimum(newest, Q[-1]))
        policies.append(np.empty(mdp.S, dtype=np.int64))
        _greedy_policy(Q[-1], policies[-1])
        promised.append(float(mdp.mu0 @ Q[-1][np.arange(mdp.S), policies[-1]]))
        T, value, done = worst(np.eye(mdp.A)[policies[-1]], made[0], made[-1], promised[-1], eps)
        attained.append(value)
        if done:
            stop = "certificate"
        elif stop_at_repeat and any(np.abs(T - other).max() <= _SAME for other in made):
            stop = "repeat"
        made.append(T)
    return IwocsRun(
        kernels=np.array(made),
        Q=np.array(Q),
        policies=np.array(policies),
        promised=np.array(promised),
        attained=np.array(attained),
        stop=stop,
    )


def _values(mdp: DiscountedMDP, made: list[Array], policies: list[npt.NDArray[np.int64]], values: str) -> Array:
    """Return the state-action values that the newest kernel adds."""
    S, A = mdp.S, mdp.A
    r, T, pi = mdp.r.copy(), made[-1].copy(), np.empty((S, A))
    policy, V, Q, M = np.zeros(S, dtype=np.int64), np.empty(S), np.empty((S, A)), np.empty((S, S))
    if values == "hull":
        hull, level = np.array(made), np.zeros((S, A))
        _robust_optimum(VERTICES, hull, level, r, mdp.gamma, policy, pi, T, V, Q, M, np.empty(S))
    elif values == "policies" and policies:
        _policy_values(T, r, mdp.gamma, np.eye(A)[policies[-1]], M, V)
        Q = r + mdp.gamma * (T @ V)
    else:
        _optimal_values(T, r, mdp.gamma, policy, pi, V, Q, M)
    return Q
