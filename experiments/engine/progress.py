"""What a user sees while evidence is gathered: a live bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

__all__ = ["Progress", "State", "duration", "open_progress"]


@dataclass(frozen=True, slots=True)
class State:
    """How far a sweep is.

    Attributes
    ----------
    total, done, failed : int
        Runs to do in this sweep, finished, failed. Runs found in the store are not counted.
    kept : int
        Runs found in the store.
    elapsed : float
        Seconds since the sweep began.
    left : float or None
        Seconds to go: the expected seconds of what is left (as stored by earlier runs of the cell, else as measured
        on its study so far) over the pace at which expected seconds were worked off; None before anything finished.
    label : str
        The run that finished last.
    """

    total: int
    done: int
    failed: int
    kept: int
    elapsed: float
    left: float | None
    label: str = ""


Progress = Callable[[State], None]


def duration(seconds: float) -> str:
    """Return seconds in words: ``8 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _sentence(state: State) -> str:
    text = f"{state.done}/{state.total} runs"
    if state.failed:
        text += f", {state.failed} failed"
    if state.done + state.failed < state.total:
        text += ", time left unknown" if state.left is None else f", about {duration(state.left)} left"
    else:
        text += f" in {duration(state.elapsed)}"
    return text


class _Plain:
    """Lines without control characters: the first, the last, and one every ``every`` seconds."""

    def __init__(self, stream: TextIO, every: float = 5.0) -> None:
        self.stream = stream
        self.every = every
        self.last = 0.0

    def __call__(self, state: State) -> None:
        over = state.done + state.failed >= state.total
        if over or time.monotonic() - self.last >= self.every:
            self.last = time.monotonic()
            self.stream.write(_sentence(state) + "\n")
            self.stream.flush()


@contextmanager
def open_progress(stream: TextIO | None = None) -> Iterator[Progress]:
    """Yield what shows a `State` on ``stream`` (standard error): a bar on a terminal, plain lines otherwise."""
    stream = sys.stderr if stream is None else stream
    if not stream.isatty():
        yield _Plain(stream)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (BarColumn(), TextColumn("{task.fields[text]}"), TextColumn("[dim]{task.fields[label]}"))
    with Progress(*columns, console=Console(file=stream), transient=True) as bar:
        task = bar.add_task("", total=None, text="", label="")

        def show(state: State) -> None:
            bar.update(
                task,
                total=state.total,
                completed=state.done + state.failed,
                text=_sentence(state),
                label=state.label.replace("[", r"\["),
            )

        yield show
