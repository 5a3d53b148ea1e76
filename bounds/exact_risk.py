r"""Exact risks of offline learners with two actions, and exact Bayes risks, by enumeration of sufficient statistics.

N independent rows fall on two arms with probabilities ``mass[0]``, ``mass[1]`` and elsewhere otherwise; arm i pays
``payoff[i]`` with probability ``means[i]`` and 0 otherwise. A learner sees (n_0, n_1, k_0, k_1). Every sum has
non-negative terms, so its relative error is at most about N times the rounding unit.

A contextual bandit is a sum of such problems, one a context, because its risk adds over contexts and only the counts of
a context decide the action there. An MDP whose decisions lead to absorbing states is one too
(`experiments.instances.pessimism`).
"""

import math

import numpy as np
import numpy.typing as npt

from tabular import _check as check
from tabular._jit import kernel
from tabular.errors import ParameterError

__all__ = [
    "bayes_risk",
    "bayes_risk_one_unknown_arm",
    "binomial_pmf",
    "binomial_tail_below_half",
    "cb_upper_term",
    "choice_probability",
    "greedy_trap_risk",
    "missing_mass",
]

Floats = npt.NDArray[np.float64]

_RULES = {"lcb": 0, "empirical": 1, "most-played": 2}


@kernel
def _binomial_window(n: int, p: float, floor: float, out: Floats) -> tuple[int, int]:
    """Write the law of Bin(n, p) to ``out[low:high+1]`` and return (low, high); the rest of `out` is left alone.

    Ratios of neighbours from the mode outwards, then one division: no term exceeds the mode's 1, all are positive, so
    nothing cancels. Terms at most `floor` times the mode's, or below the range of a float, are left out.
    """
    if p <= 0.0 or n == 0:
        out[0] = 1.0
        return 0, 0
    if p >= 1.0:
        out[n] = 1.0
        return n, n
    mode = min(n, int((n + 1) * p))
    odds = p / (1.0 - p)
    out[mode] = 1.0
    total, low, high = 1.0, mode, mode
    while low > 0:
        ratio = out[low] * low / ((n - low + 1) * odds)
        if ratio <= floor:
            break
        low -= 1
        out[low] = ratio
        total += ratio
    while high < n:
        ratio = out[high] * (n - high) * odds / (high + 1)
        if ratio <= floor:
            break
        high += 1
        out[high] = ratio
        total += ratio
    for k in range(low, high + 1):
        out[k] /= total
    return low, high


@kernel
def _binomial_row(n: int, p: float, out: Floats) -> None:
    """Write the whole law of Bin(n, p) to ``out[:n+1]``."""
    for k in range(n + 1):
        out[k] = 0.0
    _binomial_window(n, p, 0.0, out)


@kernel
def _score(n: int, k: int, payoff: float, width: float, rule: int) -> float:
    """Score of an arm with k successes in n plays; must order datasets exactly as the learner does."""
    if rule == 2:
        return float(n)
    if n == 0:
        return -math.inf if rule == 0 else 0.0
    mean = payoff * k / n
    return mean - width / math.sqrt(n) if rule == 0 else mean


@kernel
def _chosen(
    n0: int, n1: int, low0: int, high0: int, low1: int, high1: int, row0: Floats, row1: Floats, payoff0: float,
    payoff1: float, width: float, rule: int,
) -> float:  # fmt: skip
    """Probability that arm 1 is chosen given the two counts; an exact tie counts one half.

    One merge of two sorted lists.
    """
    chosen, below, j = 0.0, 0.0, low0
    for k in range(low1, high1 + 1):
        score = _score(n1, k, payoff1, width, rule)
        while j <= high0 and _score(n0, j, payoff0, width, rule) < score:
            below += row0[j]
            j += 1
        equal, i = 0.0, j
        while i <= high0 and _score(n0, i, payoff0, width, rule) == score:
            equal += row0[i]
            i += 1
        chosen += row1[k] * (below + 0.5 * equal)
    return chosen


@kernel
def _choice(
    N: int, mass0: float, mass1: float, mean0: float, mean1: float, payoff0: float, payoff1: float, width: float,
    rule: int, floor: float,
) -> float:  # fmt: skip
    """Probability that arm 1 is chosen; `floor` as in `_binomial_window`."""
    first, second = np.empty(N + 1), np.empty(N + 1)
    row0, row1 = np.empty(N + 1), np.empty(N + 1)
    rest = 1.0 if mass0 + mass1 >= 1.0 - 1e-15 else mass1 / (1.0 - mass0)
    total = 0.0
    low, high = _binomial_window(N, mass0, floor, first)
    for n0 in range(low, high + 1):
        start, stop = _binomial_window(N - n0, rest, floor, second)
        low0, high0 = _binomial_window(n0, mean0, floor, row0)
        for n1 in range(start, stop + 1):
            weight = first[n0] * second[n1]
            if rule == 2:
                total += weight * (1.0 if n1 > n0 else (0.5 if n1 == n0 else 0.0))
                continue
            low1, high1 = _binomial_window(n1, mean1, floor, row1)
            total += weight * _chosen(
                n0, n1, low0, high0, low1, high1, row0, row1, payoff0, payoff1, width, rule
            )  # fmt: skip
    return total


@kernel
def _bayes(N: int, mass: Floats, means: Floats, gap: Floats) -> float:
    """Half the sum over (n_0, k_0, k_1) of the smaller posterior loss; mass, means are ``[instance, arm]``."""
    counts = np.empty((2, N + 1))
    rows = np.empty((2, 2, N + 1))
    for i in range(2):
        _binomial_row(N, mass[i, 0], counts[i])
    total = 0.0
    for n0 in range(N + 1):
        if counts[0, n0] == 0.0 and counts[1, n0] == 0.0:
            continue
        for i in range(2):
            _binomial_row(n0, means[i, 0], rows[i, 0])
            _binomial_row(N - n0, means[i, 1], rows[i, 1])
        for k0 in range(n0 + 1):
            left = counts[0, n0] * rows[0, 0, k0] * gap[0]
            right = counts[1, n0] * rows[1, 0, k0] * gap[1]
            if left == 0.0 and right == 0.0:
                continue
            for k1 in range(N - n0 + 1):
                total += min(left * rows[0, 1, k1], right * rows[1, 1, k1])
    return 0.5 * total


@kernel
def _bayes_one_arm(N: int, mass: float, upper_mean: float, lower_mean: float, floor: float) -> float:
    """Sum over (n, k) of the smaller of the two likelihoods, n ~ Bin(N, mass): 1 minus the total variation."""
    counts, upper, lower = np.empty(N + 1), np.empty(N + 1), np.empty(N + 1)
    low, high = _binomial_window(N, mass, floor, counts)
    total = 0.0
    for n in range(low, high + 1):
        first, last = _binomial_window(n, upper_mean, floor, upper)
        begin, end = _binomial_window(n, lower_mean, floor, lower)
        overlap = 0.0
        for k in range(max(first, begin), min(last, end) + 1):
            overlap += min(upper[k], lower[k])
        total += counts[n] * overlap
    return total


@kernel
def _upper_term(N: int, mass_star: float, mass_other: float, ell: float, c: float, kappa: float, floor: float) -> float:
    """P(n* = 0) + E[min(1, (c+1) sqrt(ell / (2 n*))); 1 <= n* <= kappa nbar] with nbar the count of the other pairs."""
    star, other = np.empty(N + 1), np.empty(N + 1)
    low, high = _binomial_window(N, mass_star, floor, star)
    rest = min(1.0, mass_other / (1.0 - mass_star)) if mass_star < 1.0 else 0.0
    total = star[0] if low == 0 else 0.0
    for n in range(max(low, 1), high + 1):
        start, stop = _binomial_window(N - n, rest, floor, other)
        tail = 0.0
        for m in range(start, stop + 1):
            if kappa * m >= n:
                tail += other[m]
        total += star[n] * min(1.0, (c + 1.0) * math.sqrt(ell / (2.0 * n))) * tail
    return total


def _probability(value: float, name: str) -> float:
    return check.number(value, name, low=0.0, high=1.0)


def binomial_pmf(n: int, p: float) -> Floats:
    """Return P(Bin(n, p) = k) for k = 0..n, to about n rounding units of relative error.

    Parameters
    ----------
    n : int
        At least 0.
    p : float
        In [0, 1].
    """
    out = np.empty(check.count(n, "n", low=0) + 1)
    _binomial_row(n, _probability(p, "p"), out)
    return out


def choice_probability(
    N: int,
    mass: tuple[float, float],
    means: tuple[float, float],
    *,
    rule: str = "lcb",
    width: float = 0.0,
    payoff: tuple[float, float] = (1.0, 1.0),
    floor: float = 0.0,
) -> float:
    r"""Exact probability that a learner chooses arm 1 of two; times the gap it is the exact risk.

    Parameters
    ----------
    N : int
        Rows of data.
    mass : pair of floats
        Probability that a row falls on each arm; the sum is at most 1.
    means, payoff : pairs of floats
        Arm i pays ``payoff[i]`` with probability ``means[i]``.
    rule : {"lcb", "empirical", "most-played"}
        ``"lcb"`` maximises mean minus ``width / sqrt(n)`` over the arms that were played; ``"empirical"`` maximises the
        mean, 0 if unplayed; ``"most-played"`` the count. Ties count one half: a uniformly random order.
    width : float
        At least 0; :math:`c\sqrt{\log(2SA/\delta)/2}` for the learners.
    floor : float
        Terms of a binomial law at most this times its largest are left out, an error of at most ``(N + 1) * floor`` for
        each law; 0 leaves out nothing.

    Raises
    ------
    ParameterError
        For a parameter out of range.

    Notes
    -----
    O(N^2) if the masses sum to 1 and O(N^3) otherwise, with small constants: scores increase with successes, so a merge
    replaces the double sum over successes.
    """
    check.choice(rule, "rule", tuple(_RULES))
    N = check.count(N, "N")
    first, second = (_probability(m, f"mass[{i}]") for i, m in enumerate(mass))
    if first + second > 1.0 + 1e-12:
        raise ParameterError(f"mass sums to {first + second:g}; at most 1 is allowed")
    p0, p1 = (_probability(m, f"means[{i}]") for i, m in enumerate(means))
    width = check.number(width, "width", low=0.0)
    return float(
        _choice(N, first, second, p0, p1, float(payoff[0]), float(payoff[1]), width, _RULES[rule], float(floor))
    )


def bayes_risk(N: int, mass: npt.ArrayLike, means: npt.ArrayLike) -> float:
    r"""Exact Bayes risk of a fair coin between two bandits with two Bernoulli arms.

    Parameters
    ----------
    N : int
    mass, means : array, shape (2, 2)
        ``[instance, arm]``; the rows of ``mass`` sum to 1. Arm 0 is optimal in instance 0, arm 1 in instance 1.

    Returns
    -------
    float
        :math:`\tfrac12\sum_x\min(g_0 p_0(x), g_1 p_1(x))`, with gaps g: no learner, randomised or not, has a smaller
        average risk over the two. O(N^3).

    Raises
    ------
    ParameterError
        For a shape or an optimal arm other than stated.
    """
    rows = check.as_array(mass, "mass", ndim=2, error=ParameterError)
    table = check.as_array(means, "means", ndim=2, error=ParameterError)
    if rows.shape != (2, 2) or table.shape != (2, 2):
        raise ParameterError(f"mass and means have shapes {rows.shape} and {table.shape}; (2, 2) is needed")
    check.stochastic_rows(rows, "mass", ParameterError)
    gap = np.array([table[0, 0] - table[0, 1], table[1, 1] - table[1, 0]])
    if gap.min() < 0.0:
        raise ParameterError("arm 0 must be optimal in instance 0 and arm 1 in instance 1")
    return float(_bayes(check.count(N, "N"), rows, table, gap))


def bayes_risk_one_unknown_arm(N: int, mass: float, d: float, *, base: float = 0.5, floor: float = 0.0) -> float:
    r"""Exact Bayes risk where one arm pays ``base`` and the other ``base + d`` or ``base - d``, a fair coin.

    The unknown arm receives Bin(N, mass) of the rows; the rest says nothing. The result is
    :math:`\tfrac d2(1-\mathrm{TV})`. O(N^2).

    Parameters
    ----------
    N : int
    mass : float
        In [0, 1].
    d, base : float
        ``0 <= base - d`` and ``base + d <= 1``.
    floor : float
        Terms of a binomial law at most this times its largest are left out; that can only lower the result.
    """
    high, low = _probability(base + d, "base + d"), _probability(base - d, "base - d")
    overlap = _bayes_one_arm(check.count(N, "N"), _probability(mass, "mass"), high, low, float(floor))
    return 0.5 * d * float(overlap)


def binomial_tail_below_half(N: int, p: float) -> float:
    """Return P(Bin(N, p) <= N/2): the chance that an arm of mass p is not played by a strict majority of rows."""
    return float(binomial_pmf(N, p)[: N // 2 + 1].sum())


def greedy_trap_risk(N: int, q: float, lam: float) -> float:
    r"""Exact risk of the best empirical arm on the greedy trap (family F1).

    Arm 0 pays just below 1 surely and arm 1 is Bernoulli(1-q), played with probability ``lam / N``. The arm is chosen
    iff it was played and never failed: :math:`q[(1-\lambda q/N)^N-(1-\lambda/N)^N]`, up to the chance
    :math:`(\lambda/N)^N` that arm 0 is not played at all.
    """
    q = _probability(q, "q")
    lam = check.number(lam, "lam", low=0.0, high=float(N))
    return q * (math.pow(1.0 - lam * q / N, N) - math.pow(1.0 - lam / N, N))


def missing_mass(N: int, rho: npt.ArrayLike, probability: npt.ArrayLike | None = None) -> float:
    r"""Return the expected mass of the contexts that N rows do not show, :math:`\sum_s\rho(s)(1-p(s))^N`.

    Parameters
    ----------
    N : int
        At least 0.
    rho : array, shape (S,)
        Weights, >= 0.
    probability : array, shape (S,), optional
        Chance that a row shows each context; ``rho`` by default.
    """
    weight = check.as_array(rho, "rho", ndim=1, error=ParameterError)
    p = weight if probability is None else check.as_array(probability, "probability", ndim=1, error=ParameterError)
    if p.shape != weight.shape or p.min() < 0.0 or p.max() > 1.0 or weight.min() < 0.0:
        raise ParameterError("weights must be >= 0 and probabilities lie in [0, 1], one for each context")
    return float(np.sum(weight * np.power(1.0 - p, check.count(N, "N", low=0))))


def cb_upper_term(N: int, mass_star: float, mass_other: float, ell: float, c: float) -> float:
    r"""One context's part of the semi-exact bound on the risk of CB-LCB with ``unseen="never"``.

    :math:`P(n^*=0)+E[\min(1,(c+1)\sqrt{\ell/(2n^*)});\,1\le n^*\le\kappa_c\bar n]`, with n* the count of the optimal
    action, n̄
    that of all others together and :math:`\kappa_c=((c+1)/(c-1))^2`. The bound is
    :math:`\delta+\sum_s\rho(s)\,\mathrm{term}(s)`; proof in docs/papers/pessimism-lcb.md.

    Parameters
    ----------
    N : int
    mass_star, mass_other : float
        Probability that a row falls on the optimal action of the context, and on its other actions.
    ell : float
        ``log(2SA/delta)``.
    c : float
        Penalty in Hoeffding widths, > 1.

    Notes
    -----
    Terms of a binomial law below 1e-20 of its largest are left out.
    """
    c = check.number(c, "c", low=1.0, open_low=True)
    kappa = ((c + 1.0) / (c - 1.0)) ** 2
    star, other = _probability(mass_star, "mass_star"), _probability(mass_other, "mass_other")
    return float(_upper_term(check.count(N, "N"), star, other, check.number(ell, "ell", low=0.0), c, kappa, 1e-20))
