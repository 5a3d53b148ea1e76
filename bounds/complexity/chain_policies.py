"""The worst stationary policy for times of its chain: all policies where they are few, bounds where they are not."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tabular import _check as check
from tabular import planning
from tabular._jit import kernel
from tabular.errors import NotConverged, ParameterError
from tabular.planning.average_reward_arithmetic import FLOAT, _gth

from .certified import Certified
from .chain_mixing import as_chain, mixing_time

__all__ = ["worst_over_policies", "worst_policy_hitting_time", "worst_policy_mixing_time"]

_EPS = float(np.finfo(float).eps)
#: Squarings of the transition matrix: a chain that has not mixed after 2**40 steps counts as never mixing above.
_DOUBLINGS = 41
_MAX_ITERATIONS = 1_000


@kernel
def _settled(edges: Any, squared: Any, inside: Any) -> bool:
    """Whether the powers of a chain converge to one law; ``inside`` becomes its support.

    edges (S, S) bool, used up; squared (S, S) bool: workspace.
    """
    S = edges.shape[0]
    steps = 1
    while steps < S * S:
        for i in range(S):
            for j in range(S):
                squared[i, j] = False
            for k in range(S):
                if edges[i, k]:
                    for j in range(S):
                        if edges[k, j]:
                            squared[i, j] = True
        for i in range(S):
            for j in range(S):
                edges[i, j] = squared[i, j]
        steps *= 2
    found = False
    for j in range(S):
        inside[j] = True
        for i in range(S):
            if not edges[i, j]:
                inside[j] = False
        if inside[j]:
            found = True
    return found


@kernel
def _law(chain: Any, inside: Any, law: Any) -> None:
    """Write the stationary law of a chain whose recurrent states are those ``inside``."""
    S = law.shape[0]
    states = np.empty(S, dtype=np.int64)
    n = 0
    for s in range(S):
        law[s] = 0.0
        if inside[s]:
            states[n] = s
            n += 1
    block, part = np.empty((n, n)), np.empty(n)
    for i in range(n):
        for j in range(n):
            block[i, j] = chain[states[i], states[j]]
    _gth(block, part)
    for i in range(n):
        law[states[i]] = part[i]


@kernel
def _product(x: Any, y: Any, out: Any) -> None:
    """Write the product of two matrices."""
    S = x.shape[0]
    for i in range(S):
        for j in range(S):
            out[i, j] = 0.0
        for k in range(S):
            for j in range(S):
                out[i, j] += x[i, k] * y[k, j]


@kernel
def _distance(power: Any, law: Any) -> float:
    """Largest total-variation distance of a row from ``law``."""
    S = law.shape[0]
    worst = 0.0
    for i in range(S):
        total = 0.0
        for j in range(S):
            total += abs(power[i, j] - law[j])
        if 0.5 * total > worst:
            worst = 0.5 * total
    return worst


@kernel
def _mixing(law: Any, level: float, slack: float, powers: Any, here: Any, ahead: Any) -> float:
    """Least t at which the distance is at most ``level - slack * max(t, 1)``; inf if not within the squarings.

    powers (K, S, S): the first is the chain, the others are written; here, ahead (S, S): workspace.
    """
    S = law.shape[0]
    for i in range(S):
        for j in range(S):
            here[i, j] = 1.0 if i == j else 0.0
    if _distance(here, law) <= level - slack:
        return 0.0
    last = 0
    while _distance(powers[last], law) > level - slack * 2.0**last:
        if last + 1 == powers.shape[0]:
            return np.inf
        _product(powers[last], powers[last], powers[last + 1])
        last += 1
    t = 0.0
    for k in range(last - 1, -1, -1):
        _product(here, powers[k], ahead)
        if _distance(ahead, law) > level - slack * (t + 2.0**k):
            for i in range(S):
                for j in range(S):
                    here[i, j] = ahead[i, j]
            t += 2.0**k
    return t + 1.0


@kernel
def _worst_mixing(P: Any, level: float, slack: float, powers: Any, worst_policy: Any) -> float:
    """Return the largest mixing time over deterministic policies; ``worst_policy`` becomes one that attains it."""
    S, A = P.shape[0], P.shape[1]
    policy = np.zeros(S, dtype=np.int64)
    edges, squared = np.empty((S, S), dtype=np.bool_), np.empty((S, S), dtype=np.bool_)
    here, ahead = np.empty((S, S)), np.empty((S, S))
    inside, law = np.empty(S, dtype=np.bool_), np.empty(S)
    worst = -1.0
    while True:
        for i in range(S):
            for j in range(S):
                powers[0, i, j] = P[i, policy[i], j]
                edges[i, j] = powers[0, i, j] > 0.0
        time = np.inf
        if _settled(edges, squared, inside):
            _law(powers[0], inside, law)
            time = _mixing(law, level, slack, powers, here, ahead)
        if time > worst:
            worst = time
            for i in range(S):
                worst_policy[i] = policy[i]
        s = 0
        while s < S:
            policy[s] += 1
            if policy[s] < A:
                break
            policy[s] = 0
            s += 1
        if s == S or worst == np.inf:
            return worst


def worst_policy_mixing_time(mdp: Any, *, eps: float = 0.25, max_policies: int = 1_000_000) -> Certified:
    r"""Return the largest mixing time of a deterministic stationary policy.

    Parameters
    ----------
    mdp : AverageRewardMDP or DiscountedMDP
        Rewards and discount play no part.
    eps : float
        Total-variation distance in (0, 1), as in `mixing_time`.
    max_policies : int
        Up to this many policies (``A**S``) each is tried.

    Returns
    -------
    Certified
        ``inf`` as soon as some policy's chain is periodic or has several
        recurrent classes. Beyond ``max_policies`` no policy is sampled:
        ``lower`` is the worst of the A policies that repeat one action, and
        ``upper`` follows from the contraction
        :math:`\delta = \max \mathrm{TV}(P(s,a), P(s',a'))` over different states,
        :math:`\lceil \log\varepsilon / \log\delta \rceil`. Witness: the policy that attains ``lower``.
    """
    eps = check.fraction(eps, "eps")
    check.count(max_policies, "max_policies")
    P = mdp.dense_P()
    S, A = mdp.S, mdp.A
    slack = (S + 4) * _EPS
    if max_policies >= A**S:
        policy = np.zeros(S, dtype=np.int64)
        upper = _worst_mixing(np.ascontiguousarray(P), eps, slack, np.empty((_DOUBLINGS, S, S)), policy)
        if upper == np.inf:
            return Certified(np.inf, np.inf, f"{A**S} policies, until one never mixes", policy)
        return Certified(
            min(mixing_time(mdp, policy, eps=eps).lower, upper), int(upper), f"all {A**S} policies", policy
        )
    times = [_single(mdp, a, eps) for a in range(A)]
    worst = int(np.argmax(times))
    contraction = _contraction(P)
    if contraction == 0.0:
        bound = 1.0
    else:
        bound = math.ceil(math.log(eps) / math.log(contraction)) if contraction < 1.0 else math.inf
    method = f"{A} policies of {A**S:.3g} below, contraction {contraction:.3g} above"
    return Certified(min(times[worst], bound), bound, method, np.full(S, worst))


def _contraction(P: Any) -> float:
    """Largest total-variation distance between rows of two different states."""
    S, A = P.shape[:2]
    rows, worst = P.reshape(S * A, S), 0.0
    for s in range(S):
        others = np.arange(S * A) // A > s
        if others.any():
            apart = np.abs(P[s][:, None, :] - rows[others][None, :, :]).sum(axis=2)
            worst = max(worst, float(apart.max()) / 2.0)
    return min(1.0, worst * (1.0 + S * _EPS))


def _single(mdp: Any, action: int, eps: float) -> float:
    """Mixing time of the policy that repeats one action; inf where its chain has several recurrent classes."""
    chain = as_chain(mdp, np.full(mdp.S, action))
    if planning.recurrent_classes(chain).max() > 0:
        return math.inf
    return float(mixing_time(chain, eps=eps).lower)


def worst_policy_hitting_time(mdp: Any) -> Certified:
    """Return the largest expected time between two states over all policies.

    Parameters
    ----------
    mdp : AverageRewardMDP or DiscountedMDP
        Rewards and discount play no part.

    Returns
    -------
    Certified
        ``inf`` unless every policy visits every state (the model is recurrent).
        Then found by policy iteration, for any number of policies, with
        residual bounds. Witness: the pair ``(s, t)``, or None where infinite.

    Raises
    ------
    NotConverged
        If rounding keeps policy iteration from settling.
    """
    P = mdp.dense_P()
    S = mdp.S
    if S == 1:
        return Certified(0.0, 0.0, "one state", (0, 0))
    if not planning.classify(mdp, max_policies=1).recurrent:
        return Certified(np.inf, np.inf, "some policy avoids a state")
    best: tuple[float, float, tuple[int, int]] = (0.0, 0.0, (0, 0))
    for t in range(S):
        X = np.flatnonzero(np.arange(S) != t)
        among, arrive, each = P[X][:, :, X], P[X, :, t], np.arange(S - 1)
        chosen = np.zeros(S - 1, dtype=np.int64)
        for _ in range(_MAX_ITERATIONS):
            x = FLOAT.absorb(among[each, chosen], arrive[each, chosen], np.ones(S - 1))
            q = 1.0 + among @ x
            better = q.max(axis=1) > x * (1.0 + 1e-12)
            if not better.any():
                break
            chosen = np.where(better, q.argmax(axis=1), chosen)
        else:
            raise NotConverged(f"longest times to state {t} are not settled after {_MAX_ITERATIONS} policy iterations")
        rounding = (S + 4) * _EPS * (1.0 + 2.0 * float(x.max()))
        up = max(0.0, float((q.max(axis=1) - x).max())) + rounding
        down = max(0.0, float((x - q[each, chosen]).max())) + rounding
        high = float(x.max()) / (1.0 - up) if up < 1.0 else math.inf
        best = max(best, (high, float(x.max()) / (1.0 + down), (int(X[x.argmax()]), t)))
    return Certified(best[1], best[0], "policy iteration for the longest time, residual bounds", best[2])


def worst_over_policies(
    mdp: Any, measure: Callable[[Any], Certified], *, least: bool = False, max_policies: int = 100_000
) -> Certified:
    """Return the largest (or least) value of a measure of chains over all deterministic stationary policies.

    Parameters
    ----------
    mdp : AverageRewardMDP or DiscountedMDP
    measure : callable
        Takes a transition matrix (S, S), returns a `Certified` scalar; for example `kemeny_constant` or
        `cheeger_constant`.
    least : bool
        Whether to look for the least value instead.
    max_policies : int
        Largest number of policies that is tried.

    Returns
    -------
    Certified
        Witness: a policy that attains it.

    Raises
    ------
    ParameterError
        If there are more policies; nothing is sampled.
    """
    S, A = mdp.S, mdp.A
    if max_policies < A**S:
        raise ParameterError(f"there are {A**S} policies; at most max_policies = {max_policies} are tried")
    sign = -1.0 if least else 1.0
    best: tuple[Any, Any, Any] | None = None
    for policy in itertools.product(range(A), repeat=S):
        found = measure(as_chain(mdp, np.array(policy)))
        low, high = sorted((sign * found.lower, sign * found.upper))
        if best is None:
            best = (low, high, np.array(policy))
        else:
            best = (max(best[0], low), max(best[1], high), np.array(policy) if low > best[0] else best[2])
    assert best is not None
    low, high = sorted((sign * best[0], sign * best[1]))
    return Certified(low, high, f"all {A**S} policies", best[2])
