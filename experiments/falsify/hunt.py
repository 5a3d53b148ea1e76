"""The search over instances of a probe: corner cases, random restarts, climbing, CMA-ES.

Every restart draws a size, takes the next aspect of the claim, looks at a batch of
corner cases and random instances, and goes on from the best of them for that aspect
(every third time from the best known, if that is better): by local moves, and every
second time by CMA-ES on the coordinates (Hansen 2016).
What breaks the claim in floating point counts only if it also does in rational
arithmetic, where the probe can be evaluated there.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from bounds.claims import Claim
from tabular import streams

from .probe import Probe, Trial, settle
from .spaces import Instance

__all__ = ["Hunt"]

_BATCH = 12
_MISSES = 40
#: Instances that one run of CMA-ES may try.
_EVOLVED = 300
#: CMA-ES is left out in one dimension, where it is not defined, and where its covariance is too large to be learnt.
_DIMENSIONS = (2, 80)
_SHRINK_TRIALS = 4000
#: What a trial without any ratio counts less than one with; the excess over the bound decides among them.
_SILENT = 1e6


class _Spent(Exception):
    """The budget is used up."""


class Hunt:
    """One search.

    Parameters
    ----------
    claim : Claim
    probe : Probe
    budget : float
        Seconds.
    seed : int
    limit : int, optional
        Most instances to try, so that the outcome does not depend on the machine.
    """

    def __init__(self, claim: Claim, probe: Probe, budget: float, seed: int, limit: int | None = None) -> None:
        self.claim = claim
        self.probe = probe
        self.rng = streams.stream(seed, "falsify", claim.id)
        self.budget = budget
        self.limit = math.inf if limit is None else limit
        self.start = time.monotonic()
        self.tried = 0
        self.skipped = 0
        self.rounding = 0
        self.best: Trial | None = None
        self.broken: Trial | None = None
        self._elite: dict[int, Trial] = {}
        self._known_lengths: dict[tuple[int, ...], dict[str, int]] = {}

    @property
    def seconds(self) -> float:
        """Time since the search began."""
        return time.monotonic() - self.start

    def run(self) -> None:
        """Search until something breaks or the budget is spent."""
        turn = 0
        try:
            while self.broken is None:
                self._restart(turn)
                turn += 1
        except _Spent:
            pass

    # ------------------------------------------------------------ judging

    def _look(self, instance: Instance) -> Trial | None:
        """Judge an instance; a confirmed break ends the search."""
        if self.broken is not None or (self.tried and self.seconds > self.budget):
            raise _Spent
        if self.tried + self.skipped >= self.limit:
            raise _Spent
        trial = self.judge(instance)
        if trial is None:
            self.skipped += 1
            return None
        self.tried += 1
        if trial.refuted:
            self.broken = self.best = trial
            raise _Spent
        if self.best is None or (trial.ratio, trial.verdict.statistic) > (self.best.ratio, self.best.verdict.statistic):
            self.best = trial
        return trial

    def judge(self, instance: Instance) -> Trial | None:
        """Return the trial of an instance, and count it if rounding alone broke the claim.

        Rounding decides ties, and with them policies whose values differ by much. So where the two arithmetics
        disagree, the instance is rounded to few digits, on which both see the same ties.
        """
        trial, rounding = settle(self.claim, self.probe, instance)
        if trial is not None and trial.refuted and not trial.exact and self.probe.exact is not None:
            values = {name: space.rounded(instance.values[name]) for name, space in self.probe.spaces.items()}
            trial, rounding = settle(self.claim, self.probe, Instance(instance.size, values))
        self.rounding += rounding
        return trial

    # ------------------------------------------------------------ moving about

    def _size(self) -> dict[str, int]:
        """Draw a length for every axis."""
        return {axis: int(self.rng.integers(low, high + 1)) for axis, (low, high) in self.probe.sizes.items()}

    def _draw(self, size: Mapping[str, int], corners: float) -> Instance:
        """Draw an instance; each array is a corner case with probability ``corners``."""
        values = {
            name: space.corner(size, self.rng) if self.rng.random() < corners else space.sample(size, self.rng)
            for name, space in self.probe.spaces.items()
        }
        return Instance(size, values)

    def _coordinates(self, instance: Instance) -> npt.NDArray[np.float64]:
        parts = [space.encode(instance.values[name]) for name, space in self.probe.spaces.items()]
        return np.concatenate(parts) if parts else np.empty(0)

    def _instance(self, size: Mapping[str, int], x: npt.NDArray[np.float64]) -> Instance:
        values, at = {}, 0
        for name, length in self._lengths(size).items():
            values[name] = self.probe.spaces[name].decode(size, x[at : at + length])
            at += length
        return Instance(size, values)

    def _lengths(self, size: Mapping[str, int]) -> dict[str, int]:
        """Return the number of coordinates of each array, which depends on the size alone."""
        key = tuple(size.values())
        if key not in self._known_lengths:
            rng = streams.stream(0, "lengths")
            spaces = self.probe.spaces.items()
            self._known_lengths[key] = {name: space.encode(space.sample(size, rng)).size for name, space in spaces}
        return self._known_lengths[key]

    def _neighbour(self, instance: Instance) -> Instance:
        """Move some coordinates of one array or of all of them, or put one array in a corner."""
        if self.rng.random() < 0.15:
            name = str(self.rng.choice(list(self.probe.spaces)))
            corner = self.probe.spaces[name].corner(instance.size, self.rng)
            return Instance(instance.size, {**instance.values, name: corner})
        x = self._coordinates(instance)
        step = self.rng.standard_normal(x.size) * 10.0 ** -self.rng.uniform(0.0, 3.0)
        keep = self.rng.random(x.size) < self.rng.choice([0.1, 0.3, 1.0])
        if not keep.any() and x.size:
            keep[int(self.rng.integers(x.size))] = True
        return self._instance(instance.size, x + step * keep)

    def _restart(self, turn: int) -> None:
        size = self._size()
        batch = [self._look(self._draw(size, 0.7 if i % 2 else 0.1)) for i in range(_BATCH)]
        trials = [trial for trial in batch if trial is not None]
        if not trials:
            return
        aspect = (turn // 2) % (len(trials[0].tensions) + 1)

        def value(trial: Trial) -> float:
            ratio = trial.tensions[aspect] if aspect < len(trial.tensions) else trial.ratio
            return ratio if math.isfinite(ratio) else trial.verdict.statistic - _SILENT

        here = max(trials, key=value)
        if len(trials) > 1 and value(here) == min(map(value, trials)):
            return  # a plateau: another draw tells more than a walk on it
        known = self._elite.get(aspect)
        if known is not None and turn % 3 == 2:
            here = max(here, known, key=value)
        found = self._improve(here, turn, value)
        self._elite[aspect] = found if known is None else max(found, known, key=value)

    def _improve(self, here: Trial, turn: int, value: Callable[[Trial], float]) -> Trial:
        """Go on from a trial while that helps; return the best one met."""
        if turn % 2 and _DIMENSIONS[0] <= self._coordinates(here.instance).size <= _DIMENSIONS[1]:
            return self._evolve(here, value)
        misses = 0
        while misses < _MISSES:
            there = self._look(self._neighbour(here.instance))
            if there is not None and value(there) > value(here):
                here, misses = there, 0
            else:
                misses += 1
        return here

    def _evolve(self, here: Trial, value: Callable[[Trial], float]) -> Trial:
        """Run CMA-ES from a trial; what it minimises is minus the ratio, plus a little outside the space."""
        import cma

        x, best = self._coordinates(here.instance), here

        def cost(point: npt.NDArray[np.float64]) -> float:
            nonlocal best
            instance = self._instance(here.instance.size, point)
            trial = self._look(instance)
            outside = float(np.sum((point - self._coordinates(instance)) ** 2))
            if trial is None:
                return _SILENT + outside
            best = max(best, trial, key=value)
            return -value(trial) + 1e-3 * outside

        options = {
            "verbose": -9,
            "seed": math.nan,  # its own generator is not used: the draws below come from the search's stream
            "randn": lambda *shape: self.rng.standard_normal(shape),
            "maxfevals": _EVOLVED,
            "tolfun": 1e-12,
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            strategy = cma.CMAEvolutionStrategy(x, 0.2, options)
            while not strategy.stop():
                points = strategy.ask()
                strategy.tell(points, [cost(point) for point in points])
        return best

    # ------------------------------------------------------------ shrinking

    def shrink(self, found: Trial, seconds: float = 20.0) -> Trial:
        """Return the simplest instance reached from a break by steps that all break the claim."""
        deadline = time.monotonic() + seconds
        trials = 0
        again = True
        while again:
            again = False
            for instance in self._smaller(found.instance):
                if instance.complexity >= found.instance.complexity:
                    continue
                trials += 1
                if trials > _SHRINK_TRIALS or time.monotonic() > deadline:
                    return found
                trial = self.judge(instance)
                if trial is not None and trial.refuted:
                    found, again = trial, True
                    break
        return found

    def _smaller(self, instance: Instance) -> Iterator[Instance]:
        """Yield instances with one index of one axis dropped, then those with simpler numbers in one array."""
        for axis, (low, _) in self.probe.sizes.items():
            for index in range(instance.size[axis] - 1, -1, -1) if instance.size[axis] > low else ():
                values = {
                    name: space.without(instance.values[name], axis, index) for name, space in self.probe.spaces.items()
                }
                yield Instance({**instance.size, axis: instance.size[axis] - 1}, values)
        for name, space in self.probe.spaces.items():
            for value in space.simpler(instance.values[name]):
                yield Instance(instance.size, {**instance.values, name: value})
