"""Last-switch-dependent bandits: random families, and the ones that decide a claim."""

import numpy as np
import numpy.typing as npt

from tabular import _check as check
from tabular.errors import ParameterError
from tabular.models import LastSwitchBandit
from tabular.streams import generator

__all__ = [
    "greedy_trap",
    "interleaving_trap",
    "learning_bandit",
    "near_tie_bandit",
    "periodic_bandit",
    "random_last_switch",
    "spike_bandit",
    "tight_bandit",
]

Floats = npt.NDArray[np.float64]
Seed = int | np.random.SeedSequence | np.random.Generator

_KINDS = ("monotone", "recharging", "concave", "satiation", "any")


def random_last_switch(n: int, m: int, M: int, *, kind: str = "monotone", rng: Seed) -> LastSwitchBandit:
    """Return a random bandit.

    Parameters
    ----------
    n, m, M : int
        Arms, satiated and rested states of each.
    kind : {"monotone", "recharging", "concave", "satiation", "any"}
        Uniforms raised to a random power an arm, sorted; the same with equal satiated payoffs; recharging and concave
        in the delay from 0 at delay 0; with equal rested payoffs; or in any order.
    rng : int, SeedSequence or Generator

    Returns
    -------
    LastSwitchBandit
    """
    n, m, M = check.count(n, "n"), check.count(m, "m"), check.count(M, "M")
    shape = check.choice(kind, "kind", _KINDS)
    stream = generator(rng)
    power = stream.choice([0.25, 1.0, 4.0], size=(n, 1))
    p = stream.random((n, m + M)) ** power
    if shape == "any":
        return LastSwitchBandit(p, m)
    if shape == "concave":
        steps = -np.sort(-p[:, : M + 1], axis=1)
        rise = np.cumsum(steps, axis=1)
        top = stream.random((n, 1))
        return LastSwitchBandit(_recharging(top * rise / rise[:, -1:], m), m)
    p = np.sort(p, axis=1)
    if shape == "recharging":
        p[:, :m] = p[:, m - 1 : m]
    elif shape == "satiation":
        p[:, m:] = p[:, m : m + 1]
    return LastSwitchBandit(p, m)


def _recharging(delays: Floats, m: int) -> Floats:
    """Return payoffs by state from payoffs by delay, shape (n, M + 1)."""
    return np.concatenate([np.repeat(delays[:, :1], m, axis=1), delays[:, 1:]], axis=1)


def periodic_bandit(periods: tuple[int, ...]) -> LastSwitchBandit:
    """Return arms that pay 1 iff their last pull was at least a period ago, 0 otherwise.

    Parameters
    ----------
    periods : tuple of int
        Each at least 1.

    Returns
    -------
    LastSwitchBandit
        With m = 1 and M the longest period minus one, at least 1.
    """
    found = [check.count(a, f"periods[{i}]") for i, a in enumerate(periods)]
    M = max(1, max(found) - 1)
    delays = np.array([[float(d >= a) for d in range(1, M + 2)] for a in found])
    return LastSwitchBandit(delays, 1)


def tight_bandit(n: int) -> LastSwitchBandit:
    """Return n >= 2 arms that pay 1 after n - 1 idle rounds: rounding gets 1 - (1 - 1/n)^n of their optimum, 1."""
    n = check.count(n, "n", low=2)
    return periodic_bandit((n,) * n)


def spike_bandit(n: int) -> LastSwitchBandit:
    """Return n >= 2 arms that pay 1 after exactly n - 1 idle rounds and 0 otherwise; payoffs are not monotone."""
    n = check.count(n, "n", low=2)
    p = np.zeros((n, n + 1))
    p[:, n - 1] = 1.0
    return LastSwitchBandit(p, 1)


def greedy_trap(M: int, delta: float) -> LastSwitchBandit:
    """Return one arm that pays 1 when fully rested, after M idle rounds, and ``delta`` otherwise."""
    M = check.count(M, "M")
    small = check.number(delta, "delta", low=0.0, high=1.0)
    return LastSwitchBandit(np.append(np.full(M, small), 1.0)[None], 1)


def interleaving_trap(period: int, others: int, *, small: float = 1e-3, shape: str = "concave") -> LastSwitchBandit:
    """Return a recharging bandit on which interleaving loses: one arm of a short period among many of a long one.

    Arm 0 pays 1 at delays of at least ``period``; the ``others`` share the remaining rounds, each paying ``small`` at
    delays of at least ``others * period / (period - 1)``, which must be whole.

    Parameters
    ----------
    period : int
        At least 2.
    others : int
    small : float
        In (0, 1].
    shape : {"concave", "sharp"}
        Whether payoffs rise linearly up to the period, or are 0 before it; the second is not concave.

    Returns
    -------
    LastSwitchBandit
    """
    a, k = check.count(period, "period", low=2), check.count(others, "others")
    least = check.number(small, "small", low=0.0, high=1.0, open_low=True)
    linear = check.choice(shape, "shape", ("concave", "sharp")) == "concave"
    if k * a % (a - 1):
        raise ParameterError(f"others is {k}; it must be a multiple of period - 1 = {a - 1}")
    periods = np.array([a] + [k * a // (a - 1)] * k)[:, None]
    delay = np.arange(1, max(2, int(periods.max())) + 1)[None]
    p = np.minimum(delay / periods, 1.0) if linear else (delay >= periods).astype(np.float64)
    p[1:] *= least
    return LastSwitchBandit(p, 1)


def learning_bandit() -> LastSwitchBandit:
    """Return three arms, m = 2 and M = 3, on which rest pays: the instance of the regret study."""
    p = np.array([[0.05, 0.1, 0.3, 0.6, 0.9], [0.1, 0.2, 0.4, 0.7, 0.8], [0.05, 0.25, 0.5, 0.55, 0.6]])
    return LastSwitchBandit(p, 2)


def near_tie_bandit(gap: float = 2.0**-20) -> LastSwitchBandit:
    """Return one arm that pays 1/2 + ``gap`` always and two that pay 1/2 after a round of rest, else nothing.

    The program prefers the first by ``gap``; rounding the other two loses a quarter of their payoff.
    """
    more = check.number(gap, "gap", low=0.0, high=0.5, open_low=True)
    return LastSwitchBandit(np.array([[0.5 + more, 0.5 + more], [0.0, 0.5], [0.0, 0.5]]), 1)
