"""Stored evidence as tables that anything can read."""

import csv
import hashlib
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import engine
from .engine.record import environment
from .engine.work import source_of
from .study import Study

if TYPE_CHECKING:
    from .engine import Store

__all__ = ["export"]


def _text(value: Any) -> str:
    """Return a value so that it reads back as itself."""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating):
        return repr(float(value))
    return " ".join(_text(item) for item in value) if isinstance(value, tuple) else str(value)


def export(studies: Iterable[Study], *, scale: str, store: "Store", out: Path) -> list[Path]:
    """Write each study as ``<slug>/<name>.csv``: a row an entry of an array.

    The columns are the parameters of the cell, then ``array``, ``index`` (the
    multi-index, separated by spaces) and ``value``. Beside it
    ``<slug>/<name>.json`` holds what was run, with which sources, versions and
    seed, and the SHA-256 of the table.

    Raises
    ------
    StoreError
        If a run is missing.
    """
    written: list[Path] = []
    for study in studies:
        evidence = engine.evidence(store, [study], scale)
        names = list(dict.fromkeys(name for record in evidence for name in record.params))
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*names, "array", "index", "value"])
        for record in evidence:
            cell = [_text(record.params[name]) if name in record.params else "" for name in names]
            for array, values in record.arrays.items():
                for index in np.ndindex(values.shape):
                    writer.writerow([*cell, array, " ".join(map(str, index)), _text(values[index])])
        data = text.getvalue().encode()
        note = {
            "study": study.id,
            "title": study.title,
            "scale": scale,
            "seed": study.seed,
            "runs": len(evidence),
            "source": source_of(study.run.__module__),
            "environment": json.loads(environment()),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        table = Path(out) / f"{study.id}.csv"
        table.parent.mkdir(parents=True, exist_ok=True)
        table.write_bytes(data)
        about = table.with_suffix(".json")
        about.write_text(json.dumps(note, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        written += [table, about]
    return written
