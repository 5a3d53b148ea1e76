"""Last-switch-dependent bandits from their definitions, in plain Python; states are the signed counters themselves."""

import itertools
import math

import numpy as np
from scipy import optimize


def step(tau, pulled, m, M):
    """Next counter of an arm."""
    if pulled:
        return -1 if tau > 0 else max(tau - 1, -m)
    return 1 if tau < 0 else min(tau + 1, M)


def counters(m, M):
    return [*range(-m, 0), *range(1, M + 1)]


def table(bandit):
    """Payoffs p[i][tau]."""
    order = counters(bandit.m, bandit.M)
    return [dict(zip(order, row.tolist(), strict=True)) for row in bandit.payoffs]


def moves(bandit, state):
    """All (payoff, next state) of one round: each arm pulled, then none."""
    p = table(bandit)
    for a in range(bandit.A + 1):
        after = tuple(step(tau, i == a, bandit.m, bandit.M) for i, tau in enumerate(state))
        yield (p[a][state[a]] if a < bandit.A else 0.0), after


def best_total(bandit, rounds):
    """Largest total payoff from full rest, by recursion over reachable states."""
    value = {}

    def best(state, left):
        if left == 0:
            return 0.0
        if (state, left) not in value:
            value[state, left] = max(r + best(after, left - 1) for r, after in moves(bandit, state))
        return value[state, left]

    return best((bandit.M,) * bandit.A, rounds)


def largest_cycle_mean(bandit):
    """Karp's algorithm over the states reachable from full rest."""
    start = (bandit.M,) * bandit.A
    states, edges = [start], {}
    for state in states:
        edges[state] = list(moves(bandit, state))
        for _, after in edges[state]:
            if after not in states:
                states.append(after)
    N = len(states)
    walks = [{start: 0.0}]
    for _ in range(N):
        best = {}
        for state, value in walks[-1].items():
            for r, after in edges[state]:
                best[after] = max(best.get(after, -math.inf), value + r)
        walks.append(best)
    return max(
        min((value - walks[k][state]) / (N - k) for k in range(N) if state in walks[k])
        for state, value in walks[N].items()
    )


def simple_cycles(m, M):
    """Every simple cycle of one arm's graph, as lists of (counter, pulled)."""
    found = []

    def walk(start, tau, path, visited):
        for pulled in (False, True):
            after = step(tau, pulled, m, M)
            longer = [*path, (tau, pulled)]
            if after == start:
                found.append(longer)
            elif after > start and after not in visited:
                walk(start, after, longer, visited | {after})

    for start in counters(m, M):
        walk(start, start, [], {start})
    return found


def relaxation(bandit, pulls):
    """LP* as the best mixture of each arm's simple cycles."""
    cycles = simple_cycles(bandit.m, bandit.M)
    p, n = table(bandit), bandit.A
    gain = [sum(p[i][tau] for tau, pulled in c if pulled) / len(c) for i in range(n) for c in cycles]
    rate = [sum(pulled for _, pulled in c) / len(c) for c in cycles] * n
    mass = np.kron(np.eye(n), np.ones(len(cycles)))
    result = optimize.linprog(-np.array(gain), A_ub=[rate], b_ub=[pulls], A_eq=mass, b_eq=np.ones(n))
    return -result.fun


def rounding_value(bandit, mu, pulls, contention, scores):
    """Sum over every combination of the arms' virtual states and actions."""
    n, X = bandit.payoffs.shape
    atoms = [[(None, 1.0 - mu[i, :, 1].sum()), *((x, mu[i, x, 1]) for x in range(X))] for i in range(n)]
    total = 0.0
    for combination in itertools.product(*atoms):
        weight = math.prod(w for _, w in combination)
        candidates = [(i, x) for i, (x, _) in enumerate(combination) if x is not None]
        if weight <= 0.0 or (contention == "none" and len(candidates) > pulls):
            continue
        orders = list(itertools.permutations(candidates))
        for order in orders:
            ranked = sorted(order, key=lambda c: 0.0 if contention == "random" else -scores[c[0], c[1]])
            total += weight / len(orders) * sum(bandit.payoffs[i, x] for i, x in ranked[:pulls])
    return total


def play_virtual(bandit, mu, rounds, pulls, rng, *, scores=None, random_ties=True, wasteful=False, stray=False):
    """One run of mirrored virtual states: what each round pays and promises, and how often real is below virtual.

    Draws in the documented order. Candidates are ranked by ``scores`` (n, X), the payoffs where none are given.
    """
    n, X = bandit.payoffs.shape
    order, p = counters(bandit.m, bandit.M), table(bandit)
    law = mu.sum(axis=2)
    virtual = []
    for i in range(n):
        cumulative = np.cumsum(law[i])
        virtual.append(order[min(int(np.searchsorted(cumulative, rng.random(), side="right")), X - 1)])
    real = [bandit.M] * n
    paid, promised, below = [], [], 0
    for _ in range(rounds):
        candidates = []
        for i in range(n):
            x = order.index(virtual[i])
            q = mu[i, x, 1] / law[i, x] if law[i, x] > 1e-12 else 0.0
            if q > 1 - 1e-9 or (q >= 1e-9 and rng.random() < q):
                candidates.append(i)
        free, chosen = list(candidates), []
        score = [(bandit.payoffs if scores is None else scores)[i][order.index(tau)] for i, tau in enumerate(virtual)]
        for _ in range(0 if wasteful and len(candidates) > pulls else min(pulls, len(candidates))):
            best, ties = None, 0
            for i in free:
                if best is None or score[i] > score[best]:
                    best, ties = i, 1
                elif random_ties and score[i] == score[best]:
                    ties += 1
                    if rng.random() * ties < 1.0:
                        best = i
            free.remove(best)
            chosen.append(best)
        promised.append(sum(p[i][virtual[i]] for i in chosen))
        if stray and not candidates:
            chosen.append(int(rng.random() * n))
        paid.append(sum(p[i][real[i]] for i in chosen))
        virtual = [step(tau, i in candidates, bandit.m, bandit.M) for i, tau in enumerate(virtual)]
        real = [step(tau, i in chosen, bandit.m, bandit.M) for i, tau in enumerate(real)]
        below += sum(tau < other for tau, other in zip(real, virtual, strict=True))
    return np.array(paid), np.array(promised), below


def played_with_rewards(bandit, mu, rounds, pulls, rng):
    """Real pulls of a run of mirrored virtual states, as (arm, real state, 0-1 reward).

    Draws virtual states; then in each round random actions, ties, and the rewards of pulled arms in order.
    """
    order, law = counters(bandit.m, bandit.M), mu.sum(axis=2)
    virtual = []
    for row in law:
        virtual.append(order[min(int(np.searchsorted(np.cumsum(row), rng.random(), side="right")), len(order) - 1)])
    real, told = [bandit.M] * len(virtual), []
    for _ in range(rounds):
        candidates = []
        for i, tau in enumerate(virtual):
            x = order.index(tau)
            q = mu[i, x, 1] / law[i, x] if law[i, x] > 1e-12 else 0.0
            if q > 1 - 1e-9 or (q >= 1e-9 and rng.random() < q):
                candidates.append(i)
        chosen = []
        for _ in range(min(pulls, len(candidates))):
            score = {i: bandit.payoffs[i][order.index(virtual[i])] for i in candidates if i not in chosen}
            best, ties, largest = None, 0, -math.inf
            for i, value in score.items():
                if value > largest:
                    best, ties, largest = i, 1, value
                elif value == largest:
                    ties += 1
                    if rng.random() * ties < 1.0:
                        best = i
            chosen.append(best)
        for i in sorted(chosen):
            x = order.index(real[i])
            told.append((i, x, rng.random() < bandit.payoffs[i][x]))
        virtual = [step(tau, i in candidates, bandit.m, bandit.M) for i, tau in enumerate(virtual)]
        real = [step(tau, i in chosen, bandit.m, bandit.M) for i, tau in enumerate(real)]
    return told


def play_interleaved(delays, rates, burn, rounds, rng):
    """Mean payoff of one run: pulls in the order of the times (z + u_i) / x_i."""
    starts = [u / x if x > 0 else math.inf for x, u in ((x, rng.random()) for x in rates)]
    times = sorted(
        (start + z / x, i) for i, (start, x) in enumerate(zip(starts, rates, strict=True)) if x > 0
        for z in range(burn + rounds)
    )  # fmt: skip
    last, paid = {}, []
    for t, (_, i) in enumerate(times[: burn + rounds]):
        top = delays.shape[1]
        paid.append(delays[i][min(t - last.get(i, -top), top) - 1])
        last[i] = t
    return np.mean(paid[burn:])


def interleaved_value(delays, shares):
    """Sum over whether each other arm is met floor or ceil times between two pulls."""
    total = 0.0
    for i in np.flatnonzero(shares):
        others = [j for j in np.flatnonzero(shares) if j != i]
        ys = [shares[j] / shares[i] for j in others]
        for up in itertools.product((0, 1), repeat=len(others)):
            weight = math.prod(y % 1 if u else 1 - y % 1 for y, u in zip(ys, up, strict=True))
            d = 1 + sum(math.floor(y) + u for y, u in zip(ys, up, strict=True))
            total += shares[i] * weight * delays[i][min(d, len(delays[i])) - 1]
    return total


def isotonic(values):
    """Nearest nondecreasing sequence, by its max-min formula."""
    n = len(values)
    return [max(min(np.mean(values[a : b + 1]) for b in range(i, n)) for a in range(i + 1)) for i in range(n)]


def earliest_deadline(bandit, cycles, rounds):
    """Mean payoff of the second half of the rounds; a job of arm i is its pulls, released once it has been idle."""
    p, n = table(bandit), bandit.A
    tau = [j if j > 0 else bandit.M for j, _ in cycles]
    release, running, made, paid = [0] * n, None, 0, 0.0
    for t in range(rounds):
        chosen = running
        if chosen is None:
            due = [i for i in range(n) if cycles[i][0] >= 0 and release[i] <= t]
            chosen = min(due, key=lambda i: (release[i] + sum(cycles[i]), i), default=None)
        if chosen is not None:
            if t >= rounds // 2:
                paid += p[chosen][tau[chosen]]
            made += 1
            j, pulls = cycles[chosen]
            running = chosen
            if made >= pulls and j > 0:
                running, made, release[chosen] = None, 0, t + 1 + j
        tau = [step(x, i == chosen, bandit.m, bandit.M) for i, x in enumerate(tau)]
    return paid / (rounds - rounds // 2)
