r"""Planning last-switch-dependent bandits: an occupancy program and its roundings.

The relaxation lets every arm run on its own and limits the pulls to one a round on average only. It is a linear program
over the occupancies of the arms' chains, and no schedule earns more than its value LP*. Rounding gives each arm a
*virtual* state that follows its own solution; of the arms whose virtual action is a pull, the one of largest payoff in
its virtual state is pulled. A real state is never below its virtual one, so that monotone payoffs are at least those
promised: the expected payoff of a round is at least :math:`(1 - (1-1/n)^n)` LP*.

Recharging arms, whose payoff depends on the delay since the last pull only, can be interleaved instead: arm i gets
times 1/x_i apart with a random offset, and pulls are made in the order of all times.

Source: Foussoul, Goyal, Papadigenopoulos, Zeevi, ICML 2023 (arXiv 2306.00338).

Deviations from the paper
-------------------------
1. Program and rounding are derived from the ingredients that the abstract names; whether they are the paper's own is
   not known. The guarantees here are proved in docs/papers/lsd-bandits.md.
2. Any number of pulls a round, ``pulls``; the paper has one.
3. ``contention="none"``, ``ties="first"`` and ``when_none="stray"`` are broken on purpose.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ...errors import ParameterError
from ...models import LastSwitchBandit
from ...streams import generator
from ._switch_relaxation import concave_hull, hull_program, occupancy_program
from ._switch_rounding import Rounding, _interleaved_law, _play_interleaved, _play_virtual, _selection
from .switch_results import LastSwitchRelaxation, LastSwitchRuns

__all__ = [
    "arm_cycles",
    "interleaved_value",
    "play_interleaved",
    "play_virtual_states",
    "rate_program",
    "relax_last_switch",
    "rounding_value",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Seed = int | np.random.SeedSequence | np.random.Generator

#: How a round with more candidates than pulls goes.
_CONTENTION = ("payoff", "random", "none")


def require(bandit: LastSwitchBandit, name: str) -> LastSwitchBandit:
    """Return ``bandit`` if it is a LastSwitchBandit."""
    if not isinstance(bandit, LastSwitchBandit):
        raise ParameterError(f"{name} plans a LastSwitchBandit, not a {type(bandit).__name__}")
    return bandit


def relax_last_switch(bandit: LastSwitchBandit, *, pulls: float = 1.0) -> LastSwitchRelaxation:
    r"""Solve the occupancy program: an upper bound on every schedule, with its certificate.

    Maximise :math:`\sum_i\sum_\tau p_i(\tau)\mu_i(\tau,1)` over stationary occupancies of the arms' chains with
    :math:`\sum_i\sum_\tau\mu_i(\tau,1)\le` ``pulls``.

    Parameters
    ----------
    bandit : LastSwitchBandit
    pulls : float
        Pulls a round, positive.

    Returns
    -------
    LastSwitchRelaxation

    Raises
    ------
    CertificateError
        If HiGHS fails, a constraint is violated by more than 1e-8, or the multipliers leave a gap above that.
    """
    require(bandit, "relax_last_switch")
    budget = check.number(pulls, "pulls", low=0.0, open_low=True)
    occupancy, value, upper, price = occupancy_program(bandit.payoffs, bandit.m, budget)
    rates = occupancy[:, :, 1].sum(axis=1)
    for array in (occupancy, rates):
        array.setflags(write=False)
    return LastSwitchRelaxation(occupancy=occupancy, value=value, upper=upper, rates=rates, price=price, pulls=budget)


def arm_cycles(bandit: LastSwitchBandit, arm: int) -> tuple[Ints, Ints, Floats, Floats]:
    """Return what one arm can do over and over: idle j rounds, then be pulled l rounds.

    Parameters
    ----------
    bandit : LastSwitchBandit
    arm : int

    Returns
    -------
    idle, pulled : int arrays, shape (m M + 1,)
        j in 1..M and l in 1..m; the last entry, (0, 1), is the arm pulled in every round.
    rate, payoff : arrays, shape (m M + 1,)
        Pulls a round, ``l / (j + l)``, and payoff a round.
    """
    require(bandit, "arm_cycles")
    i = check.count(arm, "arm", low=0, high=bandit.A - 1)
    p, m, M = bandit.payoffs[i], bandit.m, bandit.M
    j, burst = np.repeat(np.arange(1, M + 1), m), np.tile(np.arange(1, m + 1), M)
    more = np.concatenate([[0.0], np.cumsum(p[m - 1 :: -1])])[:m]
    payoff = (p[m + j - 1] + more[burst - 1]) / (j + burst)
    idle, pulled = np.append(j, 0), np.append(burst, 1)
    return idle, pulled, np.append(burst / (j + burst), 1.0), np.append(payoff, p[0])


def rate_program(curves: Sequence[tuple[npt.ArrayLike, npt.ArrayLike]], *, pulls: float = 1.0) -> float:
    r"""Return the largest :math:`\sum_i G_i(x_i)` with :math:`\sum_i x_i\le` ``pulls``.

    Parameters
    ----------
    curves : sequence of (rate, payoff)
        For each arm the points, arrays of one length, whose concave hull with the origin is its G.
    pulls : float
        Positive.

    Returns
    -------
    float
    """
    budget = check.number(pulls, "pulls", low=0.0, open_low=True)
    hulls = []
    for i, (rate, payoff) in enumerate(curves):
        x = check.as_array(rate, f"curves[{i}] rate", ndim=1, error=ParameterError)
        y = check.as_array(payoff, f"curves[{i}] payoff", ndim=1, error=ParameterError)
        if x.shape != y.shape or x.min() < 0.0:
            raise ParameterError(f"curves[{i}] needs as many payoffs as rates, and rates >= 0")
        hulls.append(concave_hull(x, y))
    return hull_program(hulls, budget)


def _occupancy(plan: "LastSwitchRelaxation | npt.ArrayLike", bandit: LastSwitchBandit) -> Floats:
    """Return occupancies (n, m+M, 2) of the arms' chains, each of mass 1 and in balance."""
    if isinstance(plan, LastSwitchRelaxation):
        mu = plan.occupancy
    else:
        mu = check.as_array(plan, "occupancy", ndim=3, error=ParameterError)
    if mu.shape != (bandit.A, bandit.states, 2):
        raise ParameterError(f"occupancy has shape {mu.shape}; {(bandit.A, bandit.states, 2)} is needed")
    idle, pulled = bandit.successors()
    arrivals = np.zeros((bandit.A, bandit.states))
    for i in range(bandit.A):
        np.add.at(arrivals[i], idle, mu[i, :, 0])
        np.add.at(arrivals[i], pulled, mu[i, :, 1])
    error = max(float(np.abs(arrivals - mu.sum(axis=2)).max()), float(np.abs(mu.sum(axis=(1, 2)) - 1.0).max()))
    if mu.min() < 0.0 or error > 1e-7:
        raise ParameterError(f"occupancy is not stationary: an entry is negative, or a balance is off by {error:.3g}")
    return mu


def rounding_value(
    bandit: LastSwitchBandit,
    plan: "LastSwitchRelaxation | npt.ArrayLike",
    *,
    pulls: int = 1,
    contention: str = "payoff",
    scores: npt.ArrayLike | None = None,
) -> float:
    """Return the expected payoff a round, in the virtual states, of the arms that are pulled; exactly.

    Virtual states are independent between arms and stationary, so that this is a finite sum. With monotone payoffs the
    real payoff is at least this.

    Parameters
    ----------
    bandit : LastSwitchBandit
    plan : LastSwitchRelaxation or array, shape (n, m + M, 2)
        Occupancies ``mu[i, x, a]``, a = 1 for a pull.
    pulls : int
        Real pulls a round, at most.
    contention : {"payoff", "random", "none"}
        Which candidates are pulled where there are too many: those of largest score, uniformly random ones, or none
        at all (broken).
    scores : array, shape (n, m + M), optional
        By what candidates are ordered; the payoffs by default.

    Returns
    -------
    float
    """
    require(bandit, "rounding_value")
    weight = np.ascontiguousarray(_occupancy(plan, bandit)[:, :, 1])
    count = check.count(pulls, "pulls", high=bandit.A)
    kind = check.choice(contention, "contention", _CONTENTION)
    order = _scores(scores, bandit) if kind == "payoff" else np.zeros_like(bandit.payoffs)
    order.setflags(write=False)
    weight.setflags(write=False)
    chance = _selection(order, weight, count, kind == "none")
    return float((chance * weight * bandit.payoffs).sum())


def _scores(scores: npt.ArrayLike | None, bandit: LastSwitchBandit) -> Floats:
    if scores is None:
        return bandit.payoffs
    order = check.as_array(scores, "scores", ndim=2, error=ParameterError)
    if order.shape != bandit.payoffs.shape:
        raise ParameterError(f"scores has shape {order.shape}; {bandit.payoffs.shape} is needed")
    return order


def rounding(
    bandit: LastSwitchBandit, mu: Floats, scores: Floats, pulls: int, contention: str, ties: str, when_none: str
) -> Rounding:
    """Return the solution as kernels play it; a state without mass does not pull."""
    law = mu.sum(axis=2)
    chance = np.divide(mu[:, :, 1], law, out=np.zeros_like(law), where=law > 1e-12)
    chance[chance > 1.0 - 1e-9] = 1.0
    chance[chance < 1e-9] = 0.0
    idle, pulled = bandit.successors()
    order = scores if contention == "payoff" else np.zeros_like(scores)
    for array in (law, chance, idle, pulled, order):
        array.setflags(write=False)
    return Rounding(
        bandit.payoffs, order, law, chance, idle, pulled, pulls, ties == "random", contention == "none",
        when_none == "stray",
    )  # fmt: skip


def play_virtual_states(
    bandit: LastSwitchBandit,
    plan: "LastSwitchRelaxation | npt.ArrayLike",
    *,
    rounds: int,
    runs: int,
    burn: int = 0,
    blocks: int = 1,
    pulls: int = 1,
    contention: str = "payoff",
    ties: str = "random",
    when_none: str = "rest",
    rng: Seed,
) -> LastSwitchRuns:
    """Play mirrored virtual states: every run draws its virtual states anew and starts fully rested.

    Solutions of the program are often cycles, so that a run is periodic once its virtual states are drawn: its average
    over time is not the expectation over draws.

    Parameters
    ----------
    bandit : LastSwitchBandit
    plan : LastSwitchRelaxation or array, shape (n, m + M, 2)
    rounds : int
        Rounds of a block.
    runs : int
        Independent draws of the virtual states.
    burn : int
        Rounds played before the first block.
    blocks : int
        Blocks of a run, one after the other.
    pulls : int
        Real pulls a round, at most.
    contention : {"payoff", "random", "none"}
        As in `rounding_value`.
    ties : {"random", "first"}
        Among equal scores: uniformly random, or the smallest arm.
    when_none : {"rest", "stray"}
        Where no arm is a candidate: nothing is pulled, or a random arm (broken: real states can then fall below
        virtual ones).
    rng : int, SeedSequence or Generator

    Returns
    -------
    LastSwitchRuns
    """
    require(bandit, "play_virtual_states")
    mu = _occupancy(plan, bandit)
    how = rounding(
        bandit,
        mu,
        bandit.payoffs,
        check.count(pulls, "pulls", high=bandit.A),
        check.choice(contention, "contention", _CONTENTION),
        check.choice(ties, "ties", ("random", "first")),
        check.choice(when_none, "when_none", ("rest", "stray")),
    )
    shape = check.count(runs, "runs"), check.count(blocks, "blocks")
    paid, promised, below = np.zeros(shape), np.zeros(shape), np.zeros(shape[0], dtype=np.int64)
    lead = check.count(burn, "burn", low=0)
    each = check.count(rounds, "rounds")
    _play_virtual(how, lead, each, generator(rng), paid, promised, below)
    for array in (paid, promised, below):
        array.setflags(write=False)
    return LastSwitchRuns(payoff=paid, promised=promised, below=below, rounds=each, burn=lead)


def _shares(bandit: LastSwitchBandit, plan: "LastSwitchRelaxation | npt.ArrayLike") -> tuple[Floats, Floats]:
    """Return payoffs by delay (n, M+1), and the pull rates (n,) scaled to sum 1."""
    rates = _occupancy(plan, bandit)[:, :, 1].sum(axis=1)
    rates[rates < 1e-9] = 0.0
    if rates.sum() <= 0.0:
        raise ParameterError("no arm is ever pulled under this occupancy; there is nothing to interleave")
    shares = rates / rates.sum()
    delays = bandit.delays()
    for array in (delays, shares):
        array.setflags(write=False)
    return delays, shares


def interleaved_value(bandit: LastSwitchBandit, plan: "LastSwitchRelaxation | npt.ArrayLike") -> float:
    """Return the expected payoff a round of the interleaved schedule of a recharging bandit; exactly.

    Parameters
    ----------
    bandit : LastSwitchBandit
        Recharging.
    plan : LastSwitchRelaxation or array, shape (n, m + M, 2)
        Its pull rates are scaled to sum 1: the schedule never rests.

    Returns
    -------
    float

    Raises
    ------
    ParameterError
        If the bandit is not recharging, or no arm is pulled.
    """
    require(bandit, "interleaved_value")
    delays, shares = _shares(bandit, plan)
    law = np.empty(delays.shape[1] + 1)
    total = 0.0
    for i in np.flatnonzero(shares):
        _interleaved_law(shares, int(i), law)
        total += float(shares[i] * (law[1:] @ delays[i]))
    return total


def play_interleaved(
    bandit: LastSwitchBandit,
    plan: "LastSwitchRelaxation | npt.ArrayLike",
    *,
    rounds: int,
    runs: int,
    burn: int = 0,
    rng: Seed,
) -> Floats:
    """Play the interleaved schedule; return the mean payoff a round of each run, shape (runs,).

    Parameters
    ----------
    bandit : LastSwitchBandit
        Recharging.
    plan : LastSwitchRelaxation or array, shape (n, m + M, 2)
    rounds, runs, burn : int
        As in `play_virtual_states`; every run draws its offsets anew.
    rng : int, SeedSequence or Generator

    Returns
    -------
    ndarray
    """
    require(bandit, "play_interleaved")
    delays, shares = _shares(bandit, plan)
    out = np.zeros(check.count(runs, "runs"))
    _play_interleaved(
        delays, shares, check.count(burn, "burn", low=0), check.count(rounds, "rounds"), generator(rng), out
    )
    return out
