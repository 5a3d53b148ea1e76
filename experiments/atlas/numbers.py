"""The cells of the atlas: numbers with how well they are known, as text, as JSON and as CSV."""

import csv
import io
import json
import math
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Context, Decimal
from typing import TYPE_CHECKING, Any

from experiments import discovery
from experiments.engine.record import decode
from experiments.engine.work import plan
from experiments.study import Study
from tabular.errors import ParameterError, StoreError

from .families import FAMILIES, Family
from .measures import MEASURES, Measure

if TYPE_CHECKING:
    from experiments.engine import Store

__all__ = ["SLUG", "STATUSES", "Atlas", "Number", "choose", "collect"]

#: The paper whose study the atlas is.
SLUG = "complexity-measures"

#: How well a number can be known, and what that means.
STATUSES: Mapping[str, str] = {
    "exact": "both ends agree, given what the method says it takes for granted",
    "digits": "enclosed, and both ends round to the digits shown",
    "enclosed": "enclosed between the two ends shown",
    "lower": "bounded from below only",
    "infinite": "infinite, decided by structure",
    "uncertified": "the answer failed its own certificate, and is not shown",
}
_DIGITS = (6, 5, 4)
_SHORT = 7  # characters of a fraction that is shown as such
_ROUNDING = 1e-9  # below this a width is shown to one digit
_COLUMNS = (
    "kind",
    "family",
    "size",
    "instance",
    "measure",
    "status",
    "lower",
    "upper",
    "fraction",
    "method",
    "seconds",
)


@dataclass(frozen=True, slots=True)
class Number:
    """One measure of one instance.

    Attributes
    ----------
    family, measure : str
        Names.
    size : int
    instance : str
        What the instance is called.
    kind : str
        One of `experiments.atlas.families.KINDS`.
    lower, upper : float
        The truth lies between them; infinite ends are possible.
    certified : bool
        False where the answer failed its own certificate; the ends are then infinite.
    fraction : str
        The value where it is an exact fraction and no integer, else empty.
    method : str
        How the enclosure was obtained.
    seconds : float
        How long it took to build the instance and measure it, where that was done.
    """

    family: str
    size: int
    instance: str
    kind: str
    measure: str
    lower: float
    upper: float
    certified: bool
    fraction: str
    method: str
    seconds: float

    @property
    def status(self) -> str:
        """One of `STATUSES`."""
        if not self.certified:
            return "uncertified"
        if self.lower == self.upper:
            return "infinite" if math.isinf(self.lower) else "exact"
        if self.upper == math.inf:
            return "lower"
        return "digits" if self._shared() else "enclosed"

    def _shared(self) -> str:
        """Return the value to as many digits as both ends round to, empty where these are fewer than four."""
        for digits in _DIGITS:
            text = _shown(self.lower, digits)
            if text == _shown(self.upper, digits):
                return text
        return ""

    @property
    def text(self) -> str:
        """The cell: ``= 5``, ``8.77605``, ``[1, 8.1476]`` rounded outwards, ``≥ 3``, ``∞`` or ``?``."""
        status = self.status
        if status == "uncertified":
            return "?"
        if status == "infinite":
            return _shown(self.lower)
        if status == "exact":
            return f"= {self._exact()}"
        if status == "lower":
            return f"≥ {_cut(self.lower, ROUND_FLOOR)}"
        digits = 1 if max(abs(self.lower), abs(self.upper)) < _ROUNDING else 6
        return self._shared() or f"[{_cut(self.lower, ROUND_FLOOR, digits)}, {_cut(self.upper, ROUND_CEILING, digits)}]"

    def _exact(self) -> str:
        """Return an exact value: a short fraction as it is, more digits than are shown as an ellipsis."""
        if 0 < len(self.fraction) <= _SHORT:
            return self.fraction.replace("-", "−")
        whole = self.lower == int(self.lower) and abs(self.lower) < 1e9
        if whole or (not self.fraction and float(f"{self.lower:.6g}") == self.lower):
            return _shown(int(self.lower) if whole else self.lower)
        return _cut(self.lower, ROUND_DOWN) + "…"

    def to_json(self) -> dict[str, Any]:
        """Return the number as plain values; infinite ends are the strings ``"inf"`` and ``"-inf"``."""
        ends = {"lower": _plain(self.lower), "upper": _plain(self.upper)}
        return {name: ends.get(name, getattr(self, name)) for name in (*_COLUMNS, "certified")}


def _shown(value: float, digits: int = 6) -> str:
    """Return a number to some significant digits, as people write it."""
    text = str(value) if isinstance(value, int) else f"{value:.{digits}g}"
    text = re.sub(r"e\+?(-?)0*", r"e\1", text)
    return text.replace("-", "−").replace("inf", "∞")


def _cut(value: float, rounding: str, digits: int = 6) -> str:
    """Return a number to some significant digits, rounded in one direction."""
    if math.isinf(value):
        return _shown(value)
    return _shown(float(Context(prec=digits, rounding=rounding).create_decimal(Decimal(value))), digits)


def _plain(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


@dataclass(frozen=True, slots=True)
class Atlas:
    """Numbers, with the families and measures that they belong to, in the order of the tables."""

    scale: str
    numbers: tuple[Number, ...]

    @property
    def families(self) -> tuple[Family, ...]:
        """Families that have a number."""
        present = {number.family for number in self.numbers}
        return tuple(family for family in FAMILIES if family.name in present)

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Measures that have a number."""
        present = {number.measure for number in self.numbers}
        return tuple(measure for measure in MEASURES if measure.name in present)

    def counts(self) -> dict[str, int]:
        """Return how many numbers have each status."""
        found = [number.status for number in self.numbers]
        return {status: found.count(status) for status in STATUSES}

    def seconds(self, measure: str, kind: str) -> float:
        """Return the median seconds that a measure took on instances of a kind.

        The median, since the first run of a process also loads compiled code.
        """
        return statistics.median_low(n.seconds for n in self.numbers if n.measure == measure and n.kind == kind)

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values that strict JSON can hold."""
        return {
            "scale": self.scale,
            "measures": [
                {
                    "name": measure.name,
                    "title": measure.title,
                    "symbol": measure.symbol,
                    "kinds": list(measure.kinds),
                    "function": f"bounds.complexity.{measure.function}",
                    "source": measure.source,
                    "definition": measure.definition,
                }
                for measure in self.measures
            ],
            "families": [
                {
                    "name": family.name,
                    "kind": family.kind,
                    "about": family.about,
                    "without": dict(family.without),
                }
                for family in self.families
            ],
            "numbers": [number.to_json() for number in self.numbers],
        }

    def json(self) -> str:
        """Return `to_json` as text."""
        return json.dumps(self.to_json(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    def csv(self) -> str:
        """Return a row a number; infinite ends are ``inf`` and ``-inf``."""
        text = io.StringIO()
        writer = csv.DictWriter(text, _COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(number.to_json() for number in self.numbers)
        return text.getvalue()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Atlas":
        """Return the atlas that `to_json` wrote."""
        numbers = []
        for entry in data["numbers"]:
            fields = {name: value for name, value in entry.items() if name != "status"}
            fields |= {"lower": float(entry["lower"]), "upper": float(entry["upper"])}
            numbers.append(Number(**fields))
        return cls(data["scale"], tuple(numbers))


def choose(families: Iterable[str] = (), measures: Iterable[str] = ()) -> Study:
    """Return the part of the atlas's study that some families and measures make up; all of it where none is named.

    Raises
    ------
    ParameterError
        For an unknown name, with close matches, or where no family named has a measure named.
    """
    study = discovery.study(f"{SLUG}/atlas")
    kept: dict[str, set[str]] = {}
    for what, names, known in (
        ("family", families, [family.name for family in FAMILIES]),
        ("measure", measures, [measure.name for measure in MEASURES]),
    ):
        kept[what] = set(names) or set(known)
        for name in sorted(kept[what] - set(known)):
            raise discovery.unknown(what, name, known)

    def cells(scale: str) -> Sequence[Mapping[str, Any]]:
        found = [cell for cell in study.cells(scale) if all(cell[what] in kept[what] for what in kept)]
        if not found:
            raise ParameterError("none of these measures applies to these families")
        return found

    return Study(study.id, study.title, cells, study.run, study.seed)


def collect(study: Study, *, scale: str, store: "Store") -> Atlas:
    """Return the stored numbers of the study, or of the part of it that `choose` returned.

    Raises
    ------
    StoreError
        If one is missing.
    """
    families = {family.name: family for family in FAMILIES}
    numbers = []
    for task in plan(study, scale):
        row = store.row(task.key)
        if row is None:
            raise StoreError(f"{store.path} lacks {task.label}; gather it with: rl-theorems atlas --scale {scale}")
        arrays = decode(row.arrays)
        family = families[task.cell["family"]]
        lower, upper = (float(end) for end in arrays["ends"])
        numbers.append(
            Number(
                family=family.name,
                size=task.cell["size"],
                instance=family.label.format(size=task.cell["size"]),
                kind=family.kind,
                measure=task.cell["measure"],
                lower=lower,
                upper=upper,
                certified=bool(arrays["certified"]),
                fraction=str(arrays["fraction"]),
                method=str(arrays["method"]),
                seconds=row.seconds,
            )
        )
    return Atlas(scale, tuple(numbers))
