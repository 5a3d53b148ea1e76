"""A bandit as kernels play it, the streams of its runs, and what all learners do around their kernel."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ... import _check as check
from ..._jit import kernel
from ...errors import ParameterError
from ...models import AdversarialBandit, BernoulliBandit, GaussianBandit
from ...streams import generator
from .results import BanditRun

__all__ = ["Arms", "Bandit", "Horizon", "Seed", "play", "playable"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Seed = int | np.random.SeedSequence | np.random.Generator
Bandit = BernoulliBandit | GaussianBandit | AdversarialBandit

BERNOULLI, GAUSSIAN, ADVERSARIAL = 0, 1, 2
#: Number of recorded rounds, at most, where the caller names none.
RECORDED = 200


class Arms(NamedTuple):
    """A bandit as kernels play it; all arrays read-only.

    Row ``t * moves`` of `cost` holds what each arm costs in round t (counted from 0): its loss, or its gap.
    """

    kind: int  # BERNOULLI, GAUSSIAN or ADVERSARIAL
    means: Floats  # (k,)
    std: Floats  # (k,)
    cost: Floats  # (rows, k)
    moves: int  # 1 where costs differ from round to round, else 0


class Horizon(NamedTuple):
    """How long a run lasts and what is kept of it."""

    n: int
    rounds: Ints  # (m,) recorded rounds, increasing
    expected: bool  # whether the conditional expectation of the cost is counted


@kernel
def _reward(arms: Arms, t: int, a: int, rng: np.random.Generator) -> float:
    """Reward of arm ``a`` in round ``t``; a loss l pays 1 - l. One uniform, one normal, or nothing is drawn."""
    if arms.kind == 0:
        return 1.0 if rng.random() < arms.means[a] else 0.0
    if arms.kind == 1:
        return arms.means[a] + arms.std[a] * rng.normal()
    return 1.0 - arms.cost[t, a]


@kernel
def _draw_weighted(weight: Floats, total: float, u: float) -> int:
    """First arm whose cumulative weight exceeds ``u * total``; an arm of weight 0 is never drawn."""
    left = u * total
    last = 0
    for i in range(weight.shape[0]):
        if weight[i] > 0.0:
            last = i
            left -= weight[i]
            if left < 0.0:
                return i
    return last


def playable(bandit: Bandit, name: str, kinds: tuple[type, ...], n: int) -> Arms:
    """Return ``bandit`` as kernels play it for ``n`` rounds, or raise ParameterError."""
    if not isinstance(bandit, kinds):
        wanted = " or ".join(kind.__name__ for kind in kinds)
        raise ParameterError(f"{name} plays a {wanted}, not a {type(bandit).__name__}")
    if isinstance(bandit, AdversarialBandit):
        if n > bandit.T:
            raise ParameterError(f"horizon is {n}, but losses has {bandit.T} rounds")
        nothing = np.zeros(bandit.A)
        nothing.setflags(write=False)
        return Arms(ADVERSARIAL, nothing, nothing, bandit.losses, 1)
    gaps = (bandit.means.max() - bandit.means)[None]
    std = np.array(bandit.std) if isinstance(bandit, GaussianBandit) else np.zeros(bandit.A)
    for part in (gaps, std):
        part.setflags(write=False)
    kind = GAUSSIAN if isinstance(bandit, GaussianBandit) else BERNOULLI
    return Arms(kind, bandit.means, std, gaps, 0)


def _recorded(record: "Sequence[int] | npt.ArrayLike | None", n: int) -> Ints:
    """Return the recorded rounds: those given, or about 200 spaced evenly on a logarithmic scale."""
    if record is None:
        return np.unique(np.geomspace(1, n, min(RECORDED, n)).round().astype(np.int64))
    array = check.as_array(record, "record", ndim=1, error=ParameterError)
    wrong = (array != np.floor(array)) | (array < 1) | (array > n)
    wrong[1:] |= np.diff(array) <= 0
    if wrong.any():
        i = int(np.argmax(wrong))
        raise ParameterError(f"record[{i}] is {array[i]:g}; rounds are whole, increasing, and lie in 1..{n}")
    return array.astype(np.int64)


def _seeds(rng: Seed, first: int, runs: int) -> list[np.random.SeedSequence]:
    """Return the seeds of runs ``first .. first + runs - 1``: children of ``rng`` by index, whoever else is asked for.

    A Generator gives the parent four words, once a call.
    """
    if isinstance(rng, np.random.SeedSequence):
        parent = rng
    elif isinstance(rng, np.random.Generator):
        parent = np.random.SeedSequence(rng.integers(0, 2**32, size=4, dtype=np.uint64).tolist())
    else:
        parent = generator(rng).bit_generator.seed_seq  # type: ignore[assignment]
    return [
        np.random.SeedSequence(parent.entropy, spawn_key=(*parent.spawn_key, i), pool_size=parent.pool_size)
        for i in range(first, first + runs)
    ]


@kernel
def _best_costs(cost: Floats, rounds: Ints, out: Floats) -> None:
    """Fill ``out`` (m,) with the cost of the best arm of the rounds so far, at each recorded round."""
    total = np.zeros(cost.shape[1])
    recorded = 0
    for t in range(rounds[-1]):
        for a in range(total.shape[0]):
            total[a] += cost[t, a]
        if t + 1 == rounds[recorded]:
            out[recorded] = np.min(total)
            recorded += 1


#: What a kernel is given for one run: horizon, stream, and where to write costs (m,), pulls (k,) and actions (n or 0,).
OneRun = Callable[[Horizon, np.random.Generator, Floats, Ints, Ints], None]


def play(
    algorithm: str,
    arms: Arms,
    one_run: OneRun,
    *,
    horizon: int,
    runs: int,
    first_run: int,
    record: "Sequence[int] | npt.ArrayLike | None",
    actions: bool,
    regret: str,
    rng: Seed,
) -> BanditRun:
    """Make the runs, each on its own stream, and wrap them; memory is O(runs (k + m)) unless actions are asked for."""
    count = check.count(runs, "runs")
    first = check.count(first_run, "first_run", low=0)
    if not isinstance(actions, bool | np.bool_):
        raise ParameterError(f"actions is {actions!r}; True or False is needed")
    rounds = _recorded(record, horizon)
    what = Horizon(horizon, rounds, check.choice(regret, "regret", ("pulled", "expected")) == "expected")
    k = arms.cost.shape[1]
    spent = np.empty((count, rounds.shape[0]))
    pulls = np.zeros((count, k), dtype=np.int64)
    history = np.empty((count, horizon if actions else 0), dtype=np.int64)
    for i, seed in enumerate(_seeds(rng, first, count)):
        one_run(what, np.random.Generator(np.random.PCG64(seed)), spent[i], pulls[i], history[i])
    if arms.moves:
        best = np.empty(rounds.shape[0])
        _best_costs(arms.cost, rounds, best)
        spent -= best
    return BanditRun(
        algorithm=algorithm,
        horizon=horizon,
        rounds=rounds,
        regret=spent,
        counted=regret,
        pulls=pulls,
        actions=history,
        first_run=first,
    )
