"""Optimal and fixed schedules of a last-switch-dependent bandit on its deterministic product graph."""

import numpy as np
import numpy.typing as npt

from ..._jit import kernel

__all__ = ["_finite", "_howard", "_lookahead", "_tables", "_values"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@kernel
def _tables(payoffs: Floats, idle: Ints, pulled: Ints, following: Ints, reward: Floats) -> None:
    """Fill ``following[s, a]`` and ``reward[s, a]``; arm 0 is the highest digit of s, action n rests."""
    n, X = payoffs.shape
    digits = np.zeros(n, dtype=np.int64)
    for s in range(following.shape[0]):
        left = s
        for i in range(n - 1, -1, -1):
            digits[i] = left % X
            left //= X
        for a in range(n + 1):
            to = 0
            for i in range(n):
                to = to * X + (pulled[digits[i]] if i == a else idle[digits[i]])
            following[s, a] = to
            reward[s, a] = payoffs[a, digits[a]] if a < n else 0.0


@kernel
def _values(following: Ints, reward: Floats, policy: Ints, gain: Floats, bias: Floats) -> None:
    """Fill gain and bias of a deterministic policy; on each cycle the bias of the smallest state is 0."""
    S = policy.shape[0]
    mark = np.zeros(S, dtype=np.int64)
    path = np.empty(S, dtype=np.int64)
    for start in range(S):
        if mark[start] != 0:
            continue
        size, s = 0, start
        while mark[s] == 0:
            mark[s] = start + 1
            path[size] = s
            size += 1
            s = following[s, policy[s]]
        if mark[s] == start + 1:
            first, root, total = size, s, 0.0
            while True:
                first -= 1
                total += reward[path[first], policy[path[first]]]
                root = min(root, path[first])
                if path[first] == s:
                    break
            mean = total / (size - first)
            at = first
            while path[at] != root:
                at += 1
            gain[root], bias[root] = mean, 0.0
            for step in range(1, size - first):
                back = at - step
                if back < first:
                    back += size - first
                u = path[back]
                gain[u] = mean
                bias[u] = reward[u, policy[u]] - mean + bias[following[u, policy[u]]]
            size = first
        for at in range(size - 1, -1, -1):
            u = path[at]
            to = following[u, policy[u]]
            gain[u] = gain[to]
            bias[u] = reward[u, policy[u]] - gain[u] + bias[to]


@kernel
def _howard(following: Ints, reward: Floats, policy: Ints, gain: Floats, bias: Floats, limit: int) -> tuple[int, float]:
    """Improve ``policy`` to an optimal one; return the policies evaluated and ``max (reward + h(next) - h)``.

    That maximum bounds every schedule's long-run average from above, for any h.
    """
    S, actions = following.shape
    tolerance = 1e-11
    count = 0
    changed = True
    while changed and count < limit:
        _values(following, reward, policy, gain, bias)
        count += 1
        changed = False
        for s in range(S):
            best = policy[s]
            for a in range(actions):
                if gain[following[s, a]] > gain[following[s, best]] + tolerance:
                    best = a
            if best == policy[s]:
                most = reward[s, best] + bias[following[s, best]]
                for a in range(actions):
                    to = following[s, a]
                    if gain[to] >= gain[s] - tolerance and reward[s, a] + bias[to] > most + tolerance:
                        best, most = a, reward[s, a] + bias[to]
            if best != policy[s]:
                policy[s] = best
                changed = True
    upper = -np.inf
    for s in range(S):
        for a in range(actions):
            upper = max(upper, reward[s, a] + bias[following[s, a]] - bias[s])
    return count, upper


@kernel
def _finite(following: Ints, reward: Floats, rounds: int) -> Floats:
    """Largest total payoff of ``rounds`` rounds from each joint state."""
    S, actions = following.shape
    value, after = np.zeros(S), np.zeros(S)
    for _ in range(rounds):
        value, after = after, value
        for s in range(S):
            best = -np.inf
            for a in range(actions):
                best = max(best, reward[s, a] + after[following[s, a]])
            value[s] = best
    return value


@kernel
def _lookahead(following: Ints, reward: Floats, depth: int, policy: Ints) -> None:
    """Fill the policy that maximises the payoff of the next ``depth`` rounds; the smallest action among ties."""
    after = _finite(following, reward, depth - 1)
    for s in range(policy.shape[0]):
        best = -np.inf
        for a in range(following.shape[1]):
            value = reward[s, a] + after[following[s, a]]
            if value > best:
                policy[s], best = a, value
