"""What the page of the atlas shows, as plain values: one :class:`KindView` a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments.atlas.families import KINDS
from experiments.atlas.numbers import STATUSES
from experiments.atlas.table import SIGNS, seconds

if TYPE_CHECKING:
    from experiments.atlas.measures import Measure
    from experiments.atlas.numbers import Atlas, Number

__all__ = ["SIGNS", "STATUSES", "CellView", "FamilyView", "KindView", "RowView", "atlas_views"]


@dataclass(frozen=True, slots=True)
class CellView:
    """One number, or None where the measure was not asked for."""

    instance: str
    number: Number | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RowView:
    """One measure on every instance of a kind."""

    measure: Measure
    cells: tuple[CellView, ...]
    time: str


@dataclass(frozen=True, slots=True)
class FamilyView:
    """A family: the names of its instances, and what they are."""

    instances: tuple[str, ...]
    about: str


@dataclass(frozen=True, slots=True)
class KindView:
    """One table."""

    name: str
    title: str
    instances: tuple[str, ...]
    rows: tuple[RowView, ...]
    families: tuple[FamilyView, ...]

    @property
    def absent(self) -> tuple[tuple[str, str, str], ...]:
        """What was not asked for: the measure, the instances, the reason."""
        found: dict[tuple[str, str], list[str]] = {}
        for row in self.rows:
            for cell in row.cells:
                if cell.number is None:
                    found.setdefault((row.measure.title, cell.reason), []).append(cell.instance)
        return tuple((title, ", ".join(names), reason) for (title, reason), names in found.items())


def _kind(atlas: Atlas, kind: str) -> KindView:
    numbers = [number for number in atlas.numbers if number.kind == kind]
    found = {(number.measure, number.instance): number for number in numbers}
    families = {family.name: family for family in atlas.families}
    owners = {number.instance: families[number.family] for number in numbers}
    rows = []
    for measure in atlas.measures:
        if not any(name == measure.name for name, _ in found):
            continue
        cells = tuple(
            CellView(name, found.get((measure.name, name)), owner.without.get(measure.name, ""))
            for name, owner in owners.items()
        )
        rows.append(RowView(measure, cells, seconds(atlas.seconds(measure.name, kind))))
    return KindView(
        kind,
        KINDS[kind],
        tuple(owners),
        tuple(rows),
        tuple(
            FamilyView(tuple(name for name, owner in owners.items() if owner is family), family.about)
            for family in families.values()
            if family.kind == kind
        ),
    )


def atlas_views(atlas: Atlas) -> tuple[KindView, ...]:
    """Return the tables of an atlas, in the order of the kinds."""
    present = {number.kind for number in atlas.numbers}
    return tuple(_kind(atlas, kind) for kind in KINDS if kind in present)
