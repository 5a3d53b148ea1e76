"""Slow references for exact failure probabilities: every outcome, rational weights, the inequality as printed."""

import itertools
import math
from fractions import Fraction


def kl(x, y):
    total = 0.0
    if x > 0:
        total += x * math.log(x / y)
    if x < 1:
        total += (1 - x) * math.log((1 - x) / (1 - y))
    return total


def fails(name, n, delta, k, p):
    """Whether k ones among n draws of mean p break the inequality, one line each, as printed."""
    x, log = k / n, math.log(1 / delta)
    if name == "hoeffding":
        return p - x > math.sqrt(log / (2 * n))
    if name == "bernstein":
        return p - x > math.sqrt(2 * p * (1 - p) * log / n) + log / (3 * n)
    if name.startswith("maurer-pontil"):
        draws = [1.0] * k + [0.0] * (n - k)
        variance = sum((a - b) ** 2 for a, b in itertools.combinations(draws, 2)) / (n * (n - 1))
        more = 0.0 if name.endswith("no-range-term") else 7 * math.log(2 / delta) / (3 * (n - 1))
        return p - x > math.sqrt(2 * variance * math.log(2 / delta) / n) + more
    if name == "kl-chernoff":
        return x < p and kl(x, p) > log / n
    if name == "kl-chernoff/half-radius":
        return x < p and kl(x, p) > log / n / 2
    raise ValueError(name)


def binomial_failure(name, n, delta, p):
    """Exact up to the final conversion: rational weights of the float p."""
    q = Fraction(p)
    return float(
        sum(
            (math.comb(n, k) * q**k * (1 - q) ** (n - k) for k in range(n + 1) if fails(name, n, delta, k, p)),
            Fraction(0),
        )
    )


def multinomial_failure(n, P, eps):
    weights = [Fraction(p) for p in P]
    total = failed = Fraction(0)
    for counts in itertools.product(range(n + 1), repeat=len(P)):
        if sum(counts) != n:
            continue
        weight = Fraction(math.factorial(n))
        for count, p in zip(counts, weights, strict=True):
            weight *= p**count / Fraction(math.factorial(count))
        total += weight
        if sum(abs(count / n - p) for count, p in zip(counts, P, strict=True)) >= eps:
            failed += weight
    return float(failed / total)


def walk_failure(n, p, breaks):
    """P(breaks(s, K_s) at some s <= n) over all 2^n paths."""
    q = Fraction(p)
    failed = Fraction(0)
    for path in itertools.product((0, 1), repeat=n):
        if any(breaks(s, k) for s, k in enumerate(itertools.accumulate(path), start=1)):
            failed += q ** sum(path) * (1 - q) ** (n - sum(path))
    return float(failed)
