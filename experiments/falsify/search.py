"""One door to both searches: over instances where the claim has a probe, over cells of its studies elsewhere."""

import math
from dataclasses import dataclass

from bounds.claims import Claim, Kind
from experiments import discovery
from experiments.study import Study
from tabular.errors import ParameterError

from .cells import Attempt, CellSearch
from .hunt import Hunt
from .probe import Probe, Trial, attempt

__all__ = ["SEARCHED", "Search", "falsify"]

#: Kinds of claims that one instance can contradict.
SEARCHED = (Kind.INEQUALITY, Kind.HIGH_PROBABILITY, Kind.IDENTITY, Kind.LOWER_BOUND)


@dataclass(frozen=True, slots=True)
class Search:
    """Outcome of a search.

    Attributes
    ----------
    claim : str
    best : Attempt or Trial
        The tightest instance found; after a refutation, the simplest one found that still refutes.
    refuted : bool
        Whether it is a counterexample.
    attempts : int
        Instances on which the claim's assumptions held.
    skipped : int
        Instances on which they did not, or which do not allow a judgement alone.
    seconds : float
    seed : int
        Of the search.
    exact : bool or None
        Of a counterexample: whether it is one in rational arithmetic too; False means that floating point and rational
        arithmetic disagree by more than rounding, so that the code that measures is at fault. None where there is
        no rational arithmetic, or nothing was refuted.
    rounding : int
        Instances that broke the claim in floating point but not in rational arithmetic; they do not count.
    """

    claim: str
    best: Attempt | Trial
    refuted: bool
    attempts: int
    skipped: int
    seconds: float
    seed: int = 0
    exact: bool | None = None
    rounding: int = 0

    @property
    def ratio(self) -> float | None:
        """Largest measured/bound found; for an identity measured is the difference and its bound the tolerance."""
        ratio = self.best.ratio
        return None if ratio is None or not math.isfinite(ratio) else ratio

    @property
    def over(self) -> str:
        """What was searched: ``instances`` or ``cells``."""
        return "instances" if isinstance(self.best, Trial) else "cells"


def falsify(
    claim: Claim,
    *,
    budget: float = 60.0,
    seed: int = 0,
    scale: str = "quick",
    studies: tuple[Study, ...] | None = None,
    probe: Probe | None = None,
    limit: int | None = None,
) -> Search:
    """Search, within a time budget, for the instance that comes closest to breaking a claim.

    Parameters
    ----------
    claim : Claim
        Of kind identity, inequality, high-probability or lower-bound.
    budget : float
        Seconds, > 0. At least one instance is tried; shrinking a counterexample comes on top (20 s at most).
    seed : int
        Of the search. The instances tried are the same for the same seed; how many are tried depends on the machine.
    scale : {"quick", "paper"}
        Whose grids give the starting points and the ranges, where cells are searched.
    studies : tuple of Study, optional
        Instead of the claim's own; cells of them are searched, whether or not the claim has a probe.
    probe : Probe, optional
        Instead of the one that `experiments.probes` holds for the claim.
    limit : int, optional
        Most instances of a probe to try: with it the outcome does not depend on the machine.

    Returns
    -------
    Search

    Raises
    ------
    ParameterError
        If the kind cannot be searched, the budget is not positive, or no instance tried allows a judgement.
    """
    if claim.kind not in SEARCHED:
        kinds = ", ".join(kind.value for kind in SEARCHED)
        raise ParameterError(f"{claim.id} is of kind {claim.kind}; a search needs a claim on instances: {kinds}")
    if not (budget > 0.0 and math.isfinite(budget)):
        raise ParameterError(f"budget is {budget}; it must be a positive number of seconds")
    if probe is None and studies is None:
        probe = discovery.probe(claim.id)
    if probe is not None:
        return _over_instances(claim, probe, budget, seed, limit)
    chosen = [discovery.study(id) for id in claim.studies] if studies is None else list(studies)
    return _over_cells(claim, chosen, scale, budget, seed)


def _over_instances(claim: Claim, probe: Probe, budget: float, seed: int, limit: int | None) -> Search:
    hunt = Hunt(claim, probe, budget, seed, limit)
    hunt.run()
    best, exact = hunt.best, None
    if best is None:
        raise ParameterError(f"none of {hunt.skipped} instances of {claim.id} satisfies its assumptions")
    if hunt.broken is not None:
        best = hunt.shrink(hunt.broken)
        exact = best.exact if probe.exact is not None else None
        if exact:
            best = attempt(claim, probe, best.instance, exact=True) or best
    return Search(
        claim.id, best, hunt.broken is not None, hunt.tried, hunt.skipped, hunt.seconds, seed, exact, hunt.rounding
    )


def _over_cells(claim: Claim, studies: list[Study], scale: str, budget: float, seed: int) -> Search:
    search = CellSearch(claim, studies, scale, budget, seed)
    broken = search.run()
    best = search.best
    if best is None:
        raise ParameterError(
            f"none of {search.skipped} instances of {claim.id} allows a judgement on its own; "
            "it compares several runs (a budget of 5 s or more tries whole grids), or its assumptions fail on all"
        )
    if broken is not None:
        best = search.shrink(broken)
    return Search(claim.id, best, broken is not None, search.attempts, search.skipped, search.seconds, seed)
