"""What the commands share: their options, the store, gathering with progress. Nothing heavy is imported here."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .engine import Store
    from .study import Study

__all__ = [
    "BackendName",
    "BackendOption",
    "DryRunOption",
    "Scale",
    "ScaleOption",
    "SchedulerOption",
    "Slugs",
    "SomeSlugs",
    "StoreOption",
    "WorkersOption",
    "gather",
    "open_store",
    "say",
    "tell_estimate",
]


class Scale(StrEnum):
    """Sizes of the experiments."""

    quick = "quick"
    paper = "paper"


class BackendName(StrEnum):
    """Where runs happen."""

    processes = "processes"
    threads = "threads"
    serial = "serial"
    dask = "dask"


Slugs = Annotated[list[str], typer.Argument(metavar="SLUG...", help="Papers.")]
SomeSlugs = Annotated[list[str] | None, typer.Argument(metavar="[SLUG]...", help="Papers; all by default.")]
ScaleOption = Annotated[Scale, typer.Option(help="quick, or the sizes of the papers.")]
BackendOption = Annotated[BackendName, typer.Option(help="Where runs happen; results do not depend on it.")]
WorkersOption = Annotated[int | None, typer.Option(min=1, help="Processes or threads; all CPUs by default.")]
SchedulerOption = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Dask scheduler (tcp://host:port); implies --backend dask.")
]
StoreOption = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Where evidence is kept [$RL_THEOREMS_STORE or .rl-theorems].")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would be run, and run nothing.")]


def say(text: str) -> None:
    """Write a line for people, beside the output."""
    sys.stderr.write(text + "\n")


def open_store(path: Path | None) -> "Store":
    """Open the store of a folder, or the default one."""
    from .engine import Store, default_store

    return Store(path or default_store())


def gather(
    studies: "Sequence[Study]",
    store: "Store",
    scale: Scale,
    backend: BackendName,
    workers: int | None,
    scheduler: str | None,
) -> None:
    """Gather what is missing, with progress, and say what was done."""
    from . import engine
    from .engine.progress import duration

    name = "dask" if scheduler is not None else backend.value
    with engine.open_progress() as progress:
        done = engine.gather(
            studies,
            scale=scale.value,
            store=store,
            backend=name,
            workers=workers,
            scheduler=scheduler,
            progress=progress,
        )
    old = f", {done.outdated} outdated or not of this grid left aside" if done.outdated else ""
    say(
        f"{done.total} runs: {done.computed} computed, {done.kept} kept{old}; "
        f"{duration(done.seconds)}; store {store.path}"
    )


def tell_estimate(studies: "Sequence[Study]", store: "Store", scale: Scale) -> None:
    """Say what gathering would do, and do nothing."""
    from .engine.progress import duration
    from .engine.runner import estimate

    found = estimate(studies, scale=scale.value, store=store)
    untimed = f", {found.untimed} of them never timed" if found.untimed else ""
    typer.echo(
        f"{found.missing} of {found.total} runs to do{untimed}; "
        f"about {duration(found.seconds)} of work on one CPU for the others"
    )
