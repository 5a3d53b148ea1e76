"""Instance files: what a search found, as one JSON file that is judged again without the search.

Reals are written as fractions (``"3/64"``) where these are short and as
hexadecimal floats elsewhere, so that a file reads back to the same bits. A file
holds either the arrays of a probe's instance, or the cells and the root seed of
runs of the claim's studies. Reading executes nothing and checks everything.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from bounds import registry
from bounds.claims import Claim, Status, Verdict
from experiments import discovery
from tabular.errors import ParameterError

from .cells import Attempt, judge_runs
from .probe import Probe, Trial, attempt, settle
from .search import Search
from .spaces import Instance

__all__ = ["Judged", "Stored", "from_json", "judge_file", "read_instance", "to_json", "write_instance"]

_FORMAT = "rl-theorems instance"
_VERSION = 1
_SHORT = 2**20


@dataclass(frozen=True, slots=True)
class Stored:
    """An instance read from a file.

    Attributes
    ----------
    claim : Claim
    instance : Instance or None
        Arrays of the claim's probe.
    probe : Probe or None
    runs : tuple
        Pairs of study and cell, where there is no instance.
    seed : int
        Root seed of the runs.
    """

    claim: Claim
    instance: Instance | None
    probe: Probe | None
    runs: tuple[tuple[str, Mapping[str, Any]], ...]
    seed: int


@dataclass(frozen=True, slots=True)
class Judged:
    """A stored instance, judged again.

    Attributes
    ----------
    stored : Stored
    verdict : Verdict
        In rational arithmetic where the probe can be evaluated there (`experiments.falsify.probe.settle`).
    exact : bool
        Whether it was.
    """

    stored: Stored
    verdict: Verdict
    exact: bool

    @property
    def refuted(self) -> bool:
        """Whether the instance breaks the claim."""
        return self.verdict.status is Status.REFUTED


def _number(x: Any) -> Any:
    """Return a number as JSON: integers as they are, reals as text that reads back to the same bits."""
    if isinstance(x, int | np.integer):
        return int(x)
    fraction = Fraction(float(x))
    short = fraction.denominator <= _SHORT and abs(fraction.numerator) <= _SHORT
    return str(fraction) if short and not (x == 0.0 and np.signbit(x)) else float(x).hex()


def _nested(array: np.ndarray[Any, Any]) -> Any:
    return _number(array.item()) if array.ndim == 0 else [_nested(part) for part in array]


def _read_number(text: Any, where: str) -> int | float:
    """Return the number of `_number`; decimals are taken too."""
    if isinstance(text, int) and not isinstance(text, bool):
        return text
    try:
        if isinstance(text, float):
            value = text
        elif isinstance(text, str):
            value = float.fromhex(text) if "x" in text.lower() else float(Fraction(text))
        else:
            raise ValueError
    except (ValueError, OverflowError, ZeroDivisionError):
        raise ParameterError(
            f"{where} holds {text!r}, which is no number; write a fraction, a decimal or a hex float"
        ) from None
    if not np.isfinite(value):
        raise ParameterError(f"{where} holds {text!r}; numbers are finite")
    return value


def _read_nested(data: Any, where: str) -> Any:
    if isinstance(data, list):
        return [_read_nested(part, f"{where}[{i}]") for i, part in enumerate(data)]
    return _read_number(data, where)


def _cell_value(value: Any) -> Any:
    """Return a value of a cell as JSON; a real becomes an object, so that it is not taken for a string."""
    if isinstance(value, tuple | list):
        return [_cell_value(item) for item in value]
    if isinstance(value, bool | str):
        return value
    return int(value) if isinstance(value, int | np.integer) else {"real": _number(value)}


def _read_cell_value(value: Any, where: str) -> Any:
    if isinstance(value, list):
        return tuple(_read_cell_value(item, where) for item in value)
    if isinstance(value, bool | str):
        return value
    if isinstance(value, dict):
        if set(value) != {"real"}:
            raise ParameterError(f"{where} is {value!r}; a real is written {{'real': '1/2'}}")
        return float(_read_number(value["real"], where))
    return _read_number(value, where)


def to_json(found: Search) -> dict[str, Any]:
    """Return what a search found as plain data: the instance, and where it comes from."""
    best = found.best
    body: dict[str, Any]
    if isinstance(best, Trial):
        values = {name: _nested(np.asarray(value)) for name, value in best.instance.values.items()}
        body = {"size": dict(best.instance.size), "values": values}
    else:
        cells = [
            {"study": study, "cell": {name: _cell_value(value) for name, value in cell.items()}}
            for study, cell in best.runs
        ]
        body = {"runs": cells, "seed": best.seed}
    verdict = best.verdict
    return {
        "format": _FORMAT,
        "version": _VERSION,
        "claim": found.claim,
        "instance": body,
        "found": {
            "status": str(verdict.status),
            "ratio": found.ratio,
            "statistic": verdict.statistic,
            "threshold": verdict.threshold,
            "p_value": verdict.p_value,
            "reason": verdict.reason,
            "exact": found.exact,
            "search_seed": found.seed,
            "instances": found.attempts,
            "seconds": round(found.seconds, 3),
        },
    }


def write_instance(found: Search, path: str | os.PathLike[str]) -> Path:
    """Write what a search found, in one step: the file is there as a whole or not at all.

    Parameters
    ----------
    found : Search
    path : path
        Of the file; its folder is made if missing.

    Returns
    -------
    Path
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(to_json(found), indent=1, ensure_ascii=False) + "\n"
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".instance-", suffix=".json")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path


def _mapping(data: Any, key: str, where: str) -> dict[str, Any]:
    value = data.get(key) if isinstance(data, dict) else None
    if not isinstance(value, dict):
        raise ParameterError(f"{where} has no object {key!r}")
    return value


def from_json(data: Any, where: str, claim: Claim | None = None, probe: Probe | None = None) -> Stored:
    """Return the instance that plain data describe.

    Parameters
    ----------
    data : object
        As `to_json` returns it.
    where : str
        Named in messages.
    claim, probe : optional
        Instead of the registered ones.

    Raises
    ------
    ParameterError
        If the data are not an instance, or lie outside the spaces of the probe.
    """
    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        raise ParameterError(f"{where} is not an instance file of rl-theorems")
    if data.get("version") != _VERSION:
        raise ParameterError(f"{where} has version {data.get('version')!r}; this rl-theorems reads {_VERSION}")
    if not isinstance(data.get("claim"), str):
        raise ParameterError(f"{where} names no claim")
    claim = registry.claim(data["claim"]) if claim is None else claim
    body = _mapping(data, "instance", where)
    if "runs" in body:
        return _runs(body, where, claim)
    probe = discovery.probe(claim.id) if probe is None else probe
    if probe is None:
        raise ParameterError(f"{where}: {claim.id} has no probe; its instances are runs of {', '.join(claim.studies)}")
    size, values = _mapping(body, "size", where), _mapping(body, "values", where)
    for axis, length in size.items():
        if not isinstance(length, int) or isinstance(length, bool):
            raise ParameterError(f"{where}: the length of axis {axis} is {length!r}, not a whole number")
    try:
        arrays = {name: np.asarray(_read_nested(value, f"{name}")) for name, value in values.items()}
    except ValueError as problem:
        raise ParameterError(f"{where}: an array is ragged or no number: {problem}") from None
    try:
        instance = probe.check(Instance(size, arrays))
    except ParameterError as problem:
        raise ParameterError(f"{where}: {problem}") from None
    return Stored(claim, instance, probe, (), 0)


def _runs(body: Mapping[str, Any], where: str, claim: Claim) -> Stored:
    seed, listed = body.get("seed"), body["runs"]
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise ParameterError(f"{where}: seed is {seed!r}; a whole number >= 0 is needed")
    if not isinstance(listed, list) or not listed:
        raise ParameterError(f"{where} lists no runs")
    runs = []
    for i, run in enumerate(listed):
        study = run.get("study") if isinstance(run, dict) else None
        if study not in claim.studies:
            raise ParameterError(f"{where}: run {i} is of {study!r}; the studies of {claim.id} are {claim.studies}")
        cell = _mapping(run, "cell", f"{where}: run {i}")
        runs.append((str(study), {name: _read_cell_value(value, f"{name}") for name, value in cell.items()}))
    return Stored(claim, None, None, tuple(runs), seed)


def read_instance(path: str | os.PathLike[str]) -> Stored:
    """Read an instance file.

    Raises
    ------
    ParameterError
        If it cannot be read or is not an instance; the message names the file and what is wrong.
    """
    path = Path(path)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise ParameterError(f"cannot read {path}: {problem.strerror}") from None
    except ValueError as problem:  # UnicodeDecodeError and JSONDecodeError among them
        raise ParameterError(f"{path} is not JSON: {problem}") from None
    except RecursionError:
        raise ParameterError(f"{path} is nested too deeply") from None
    return from_json(data, str(path))


def judge_stored(stored: Stored) -> Judged:
    """Judge an instance again, in rational arithmetic where that is possible.

    Raises
    ------
    ParameterError
        If the claim cannot be judged on it: an assumption fails, or a study refuses the cell.
    """
    claim = stored.claim
    found: Trial | Attempt | None
    exact = False
    if stored.instance is not None and stored.probe is not None:
        found, _ = settle(claim, stored.probe, stored.instance)
        if stored.probe.exact is not None and found is not None and not found.refuted:
            found = attempt(claim, stored.probe, stored.instance, exact=True)
        exact = found is not None and found.exact
    else:
        studies = {id: discovery.study(id) for id, _ in stored.runs}
        found = judge_runs(claim, stored.runs, stored.seed, studies)
    if found is None:
        raise ParameterError(f"{claim.id} cannot be judged on this instance: an assumption fails, or a cell is refused")
    return Judged(stored, found.verdict, exact)


def judge_file(path: str | os.PathLike[str]) -> Judged:
    """Read an instance file and judge it again; errors as `read_instance` and `judge_stored`."""
    return judge_stored(read_instance(path))
