"""Writing figures: PNG, PDF, the plotted numbers as CSV, and a note on where they come from.

A figure is redrawn only when its evidence, its source or a library that draws it has changed: the note holds a key
made of all three, and it is written last.
"""

from __future__ import annotations

import csv
import hashlib
import importlib.metadata
import io
import json
import os
import platform
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bounds.claims import Evidence
from paper_figures import style
from paper_figures.figure import Figure, Table
from tabular import _source
from tabular.errors import ParameterError

__all__ = ["csv_text", "evidence_digest", "render", "render_all"]

SUFFIXES = (".png", ".pdf", ".csv", ".json")
_LIBRARIES = ("matplotlib", "numpy", "scipy", "numba")


def _plain(value: Any) -> Any:
    """Return a parameter of a cell as JSON knows it."""
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def evidence_digest(evidence: Evidence) -> str:
    """Return the SHA-256 hex digest of every cell, seed and array of the evidence, in its order."""
    total = hashlib.sha256()
    for record in evidence:
        cell = {name: _plain(value) for name, value in record.params.items()}
        total.update(json.dumps([record.study, record.seed, cell], sort_keys=True).encode())
        for name in sorted(record.arrays):
            array = np.asarray(record.arrays[name])
            total.update(json.dumps([name, array.dtype.str, array.shape]).encode() + b"\0" + array.tobytes())
    return total.hexdigest()


def _cell(value: Any) -> str:
    """Return one number of the table as text; a float as the shortest text that reads back as itself."""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating):
        return repr(float(value))
    return str(value)


def csv_text(table: Table) -> str:
    """Return the table as CSV: a header of column names, then one line a row, floats exactly.

    Raises
    ------
    ParameterError
        If the table has no column or no row, or its columns are not one-dimensional and of equal length.
    """
    columns = {name: np.asarray(column) for name, column in table.items()}
    shapes = {name: column.shape for name, column in columns.items()}
    if len(set(shapes.values())) != 1 or len(next(iter(shapes.values()))) != 1:
        raise ParameterError(f"the columns of a table are one-dimensional and equally long; got {shapes}")
    if not next(iter(columns.values())).size:
        raise ParameterError("a table needs at least one row")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in zip(*columns.values(), strict=True))
    return out.getvalue()


def _write(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step: a reader sees the old file or the new one."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _paths(figure: Figure, out: Path) -> list[Path]:
    """Return the four files of a figure: ``<out>/<slug>/<name>`` with each suffix."""
    return [out / f"{figure.id}{suffix}" for suffix in SUFFIXES]


def render(figure: Figure, evidence: Evidence, out: Path, *, note: Mapping[str, Any]) -> list[Path]:
    """Draw one figure from its evidence and write it down.

    Parameters
    ----------
    figure : Figure
    evidence : Evidence
        The records of its studies; others are left out.
    out : Path
        Root folder; the files are ``<out>/<slug>/<name>.png`` (200 dpi), ``.pdf``, ``.csv`` and ``.json``.
    note : mapping
        What the caller knows of the run (scale, versions, source digest), kept in the JSON beside what the figure
        says of itself: id, title, caption, studies, seeds, claims, differences, number of records.

    Returns
    -------
    list of Path
        The four files, the note last. Each is replaced in one step; the same evidence gives the same bytes.

    Raises
    ------
    ParameterError
        If a study of the figure has no record, or the table is ragged or empty.
    """
    evidence = Evidence(tuple(record for record in evidence if record.study in figure.studies))
    missing = sorted(set(figure.studies) - {record.study for record in evidence})
    if missing:
        raise ParameterError(f"{figure.id} has no evidence of {', '.join(missing)}")
    table = {name: np.asarray(column) for name, column in figure.table(evidence).items()}
    text = csv_text(table)
    png, pdf = io.BytesIO(), io.BytesIO()
    with style.applied():
        drawing = figure.draw(table)
        drawing.savefig(png, format="png", dpi=200, metadata={"Software": None})
        drawing.savefig(pdf, format="pdf", metadata={"CreationDate": None, "Producer": None, "Creator": None})
        width, height = (round(inches * 200) for inches in drawing.get_size_inches())
    told = {
        **note,
        "id": figure.id,
        "title": figure.title,
        "caption": figure.caption,
        "studies": list(figure.studies),
        "seeds": sorted({record.seed for record in evidence}),
        "records": len(evidence),
        "claims": list(figure.claims),
        "differences": list(figure.differences),
        "columns": list(table),
        "size": [width, height],
    }
    contents = (png.getvalue(), pdf.getvalue(), text.encode(), (json.dumps(told, indent=2) + "\n").encode())
    paths = _paths(figure, out)
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    for path, content in zip(paths, contents, strict=True):
        _write(path, content)
    return paths


def _versions() -> dict[str, str]:
    """Return the versions of what a figure depends on."""
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in _LIBRARIES}}


def _note(figure: Figure, evidence: Evidence, module: str, scale: str) -> dict[str, Any]:
    """Return what `render_all` knows of a figure; its `key` changes whenever the figure might."""
    source = hashlib.sha256((_source.digest(module) + _source.digest(__name__)).encode()).hexdigest()
    told = {"scale": scale, "versions": _versions(), "source": source, "evidence": evidence_digest(evidence)}
    key = hashlib.sha256(json.dumps([figure.id, told], sort_keys=True).encode()).hexdigest()
    return {**told, "key": key}


def _current(paths: list[Path], key: str) -> bool:
    """Whether all files of a figure are there and its note carries `key`."""
    if not all(path.is_file() for path in paths):
        return False
    try:
        return json.loads(paths[-1].read_text()).get("key") == key
    except (ValueError, AttributeError):
        return False


def render_all(slugs: Iterable[str] | None = None, *, scale: str, store: Any, out: Path) -> list[Path]:
    """Write the figures of some papers, or of all, leaving alone those that are up to date.

    Parameters
    ----------
    slugs : iterable of str, optional
        Papers; all that have figures by default.
    scale : str
        ``quick`` or ``paper``.
    store : experiments.engine.Store
        Holds the evidence; nothing is run here.
    out : Path
        Root folder, see `render`.

    Returns
    -------
    list of Path
        The files of every figure asked for, redrawn or not.

    Raises
    ------
    ParameterError
        If a paper is unknown.
    StoreError
        If evidence of a figure is missing from the store.
    """
    from experiments import discovery, engine

    chosen: list[Figure] = []
    for slug in [None] if slugs is None else list(slugs):
        chosen.extend(discovery.figures(slug))
    written: list[Path] = []
    for figure in dict.fromkeys(chosen):
        evidence = engine.evidence(store, tuple(discovery.study(study) for study in figure.studies), scale)
        module = "paper_figures." + figure.id.partition("/")[0].replace("-", "_")
        note = _note(figure, evidence, module, scale)
        paths = _paths(figure, Path(out))
        if not _current(paths, note["key"]):
            paths = render(figure, evidence, Path(out), note=note)
        written.extend(paths)
    return written
