"""From names of claims to a ledger: gather what is missing, then judge."""

import functools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from bounds import registry
from bounds.claims import Claim, Evidence
from bounds.ledger import Ledger, judge_ledger

from . import discovery, engine
from .engine.progress import Progress
from .study import Study

if TYPE_CHECKING:
    from .engine import Store

__all__ = ["resolve", "studies_of", "verify"]


def resolve(targets: Iterable[str]) -> tuple[Claim, ...]:
    """Return the claims that ``targets`` name, each once: slugs, ids of claims, or nothing for all.

    Raises
    ------
    ParameterError
        If a name is neither; the message lists close matches.
    """
    named = list(targets)
    found = [registry.claims()] if not named else []
    found += [(registry.claim(name),) if "/" in name else registry.claims(name) for name in named]
    return tuple({claim.id: claim for group in found for claim in group}.values())


def studies_of(claims: Sequence[Claim]) -> tuple[Study, ...]:
    """Return the studies that supply the evidence of claims, each once."""
    return tuple(discovery.study(id) for id in dict.fromkeys(id for claim in claims for id in claim.studies))


def verify(
    targets: Iterable[str] = (),
    *,
    scale: str = "quick",
    store: "Store",
    backend: str = "processes",
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    alpha: float = 0.05,
) -> Ledger:
    """Gather the evidence that is missing for some claims and judge them together.

    Parameters
    ----------
    targets : iterable of str
        Slugs and ids of claims; every claim if empty.
    scale : {"quick", "paper"}
    store : Store
    backend, workers, scheduler, progress
        As in `experiments.engine.gather`.
    alpha : float
        Family-wise level of the ledger.

    Returns
    -------
    Ledger

    Raises
    ------
    ParameterError
        For an unknown name or scale.
    CellError
        If a run failed; the others are stored.
    StoreError
        If the store cannot be read or written.
    """
    claims = resolve(targets)
    studies = studies_of(claims)
    engine.gather(
        studies, scale=scale, store=store, backend=backend, workers=workers, scheduler=scheduler, progress=progress
    )

    @functools.cache
    def of_study(id: str) -> Evidence:
        return engine.evidence(store, [discovery.study(id)], scale)

    def of_claim(claim: Claim) -> Evidence:
        return Evidence(tuple(record for id in claim.studies for record in of_study(id)))

    return judge_ledger(claims, of_claim, alpha)
