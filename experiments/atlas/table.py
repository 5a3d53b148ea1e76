"""The atlas as tables for the terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .families import KINDS
from .numbers import STATUSES, Atlas, Number

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["SIGNS", "seconds", "show"]

_WIDE = 140  # of a file or a pipe, which does not wrap
#: How each status is written.
SIGNS = {
    "exact": "= x",
    "digits": "x",
    "enclosed": "[x, y]",
    "lower": "≥ x",
    "infinite": "∞",
    "uncertified": "?",
}


def seconds(value: float) -> str:
    """Return a time in a unit that leaves few digits."""
    return f"{value:.1f} s" if value >= 1.0 else f"{1e3 * value:.0f} ms" if value >= 9.5e-4 else "< 1 ms"


def _blocks(instances: Sequence[str], widths: Sequence[int], room: int) -> list[list[str]]:
    """Return instances in runs whose columns fit beside each other."""
    blocks: list[list[str]] = [[]]
    used = 0
    for name, width in zip(instances, widths, strict=True):
        if blocks[-1] and used + width + 2 > room:
            blocks.append([])
            used = 0
        blocks[-1].append(name)
        used += width + 2
    return blocks


def _show_kind(console: "Console", atlas: Atlas, kind: str) -> None:
    from rich.table import Table

    numbers: dict[tuple[str, str], Number] = {
        (number.measure, number.instance): number for number in atlas.numbers if number.kind == kind
    }
    instances = list(dict.fromkeys(instance for _, instance in numbers))
    measures = [measure for measure in atlas.measures if any(name == measure.name for name, _ in numbers)]
    widths = [
        max([len(instance), *(len(numbers[key].text) for key in numbers if key[1] == instance)])
        for instance in instances
    ]
    first = max(len(measure.name) for measure in measures)
    for block in _blocks(instances, widths, console.width - first - 12):
        table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left", title=KINDS[kind])
        table.add_column("measure", no_wrap=True)
        for instance in block:
            table.add_column(instance, justify="right", no_wrap=True)
        table.add_column("time", justify="right", style="dim", no_wrap=True)
        for measure in measures:
            cells = [numbers.get((measure.name, instance)) for instance in block]
            table.add_row(
                measure.name,
                *("–" if cell is None else cell.text.replace("[", "\\[") for cell in cells),
                seconds(atlas.seconds(measure.name, kind)),
            )
        console.print(table)
        console.print()


def show(atlas: Atlas) -> None:
    """Print one table a kind of instance, then what the signs mean and how many numbers have each."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)
    for kind in KINDS:
        if any(number.kind == kind for number in atlas.numbers):
            _show_kind(console, atlas, kind)
    for status, count in atlas.counts().items():
        if count:
            console.print(f"{SIGNS[status]:>7}  {count:4d}  {STATUSES[status]}", markup=False, highlight=False)
    line = f"{len(atlas.numbers)} numbers; a dash: not asked for; time: median an instance, on the machine that did it"
    console.print(line, highlight=False)
    for number in atlas.numbers:
        if not number.certified:
            line = f"not certified: {number.measure} of {number.instance}: {number.method}"
            console.print(line, markup=False, soft_wrap=True, style="red")
