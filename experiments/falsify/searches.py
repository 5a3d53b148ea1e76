"""How much search stands behind a claim: one line a search, beside the store.

The file is ``searches.jsonl`` in the store's folder. Every line is one JSON
object with a CRC-32; lines are appended under a lock in a single write, and a line
that is torn or damaged is left out. A search counts for a claim only while the
sources that it ran and the versions underneath are those of today.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib
import json
import math
import os
import time
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bounds.claims import Claim
from experiments import discovery
from experiments.engine.record import environment
from tabular import _source
from tabular.errors import StoreError

from .files import to_json
from .search import Search

__all__ = ["Searched", "Searches", "source"]


def source(claim: Claim) -> str:
    """Return the digest of all that a search of a claim runs: measure, judge, probe or studies, and this package."""
    probe = discovery.probe(claim.id)
    modules = {claim.measure.__module__, f"{__package__}.hunt", f"{__package__}.cells"}
    if probe is not None:
        modules.add(probe.evidence.__module__)
    else:
        modules |= {discovery.study(id).run.__module__ for id in claim.studies}
    parts = [_source.digest(name, importlib.import_module(name).__file__) for name in sorted(modules)]
    return hashlib.sha256("\n".join([*parts, environment()]).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Searched:
    """All searches of one claim with today's code, taken together.

    Attributes
    ----------
    claim : str
    searches : int
    instances : int
        On which the claim was judged.
    seconds : float
    ratio : float or None
        Largest measured/bound found; None where no instance gave one.
    refuted : bool
        Whether one of them found a counterexample.
    exact : bool or None
        Whether the counterexample was confirmed in rational arithmetic.
    over : str
        ``instances`` or ``cells``.
    instance : mapping
        The tightest instance (the counterexample, if there is one), as in an instance file.
    """

    claim: str
    searches: int
    instances: int
    seconds: float
    ratio: float | None
    refuted: bool
    exact: bool | None
    over: str
    instance: Mapping[str, Any]


class Searches:
    """The lines of one file.

    Parameters
    ----------
    store : path
        The store's folder, or its ``.sqlite`` file (`Store.path`).
    """

    def __init__(self, store: str | os.PathLike[str]) -> None:
        path = Path(store)
        if path.name == "store.sqlite":
            path = path.parent
        self.path = path.with_suffix(".searches.jsonl") if path.suffix == ".sqlite" else path / "searches.jsonl"

    def add(self, found: Search, claim: Claim) -> None:
        """Append one finished search.

        Raises
        ------
        StoreError
            If the file cannot be written.
        """
        row = {
            "claim": found.claim,
            "source": source(claim),
            "finished": time.time(),
            "over": found.over,
            "seed": found.seed,
            "instances": found.attempts,
            "skipped": found.skipped,
            "rounding": found.rounding,
            "seconds": found.seconds,
            "ratio": found.ratio,
            "refuted": found.refuted,
            "exact": found.exact,
            "instance": to_json(found),
        }
        text = json.dumps(row, sort_keys=True, separators=(",", ":"), allow_nan=False)
        line = f"{zlib.crc32(text.encode()):08x} {text}\n".encode()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as out:
                fcntl.flock(out, fcntl.LOCK_EX)
                if out.tell() and not self._ends_whole():
                    line = b"\n" + line
                out.write(line)
                out.flush()
                os.fsync(out.fileno())
        except OSError as problem:
            raise StoreError(
                f"cannot write {self.path}: {problem.strerror}; choose another folder with --store"
            ) from problem

    def _ends_whole(self) -> bool:
        with self.path.open("rb") as lines:
            lines.seek(-1, os.SEEK_END)
            return lines.read(1) == b"\n"

    def rows(self) -> list[dict[str, Any]]:
        """Return the intact lines, in the order in which they were written."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as problem:
            raise StoreError(f"cannot read {self.path}: {problem.strerror}") from problem
        found = []
        for line in data.split(b"\n"):
            crc, _, text = line.partition(b" ")
            if crc == f"{zlib.crc32(text):08x}".encode() and text:
                found.append(json.loads(text))
        return found

    def of(self, claims: Iterable[Claim]) -> dict[str, Searched]:
        """Return what stands behind each of some claims; those never searched with today's code are absent."""
        rows: dict[str, list[dict[str, Any]]] = {}
        for row in self.rows():
            rows.setdefault(row["claim"], []).append(row)
        found = {}
        for claim in claims:
            mine = rows.get(claim.id, [])
            if mine:
                today = source(claim)
                mine = [row for row in mine if row["source"] == today]
            if mine:
                found[claim.id] = _summary(claim.id, mine)
        return found


def _summary(claim: str, rows: list[dict[str, Any]]) -> Searched:
    tightest = max(rows, key=lambda row: (row["refuted"], -math.inf if row["ratio"] is None else row["ratio"]))
    return Searched(
        claim=claim,
        searches=len(rows),
        instances=sum(row["instances"] for row in rows),
        seconds=sum(row["seconds"] for row in rows),
        ratio=tightest["ratio"],
        refuted=tightest["refuted"],
        exact=tightest["exact"],
        over=tightest["over"],
        instance=tightest["instance"],
    )
