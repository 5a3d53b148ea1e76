"""The store of finished runs: one SQLite file, one row a run, one transaction a row.

The file is in write-ahead-log mode, so a killed writer loses at most the run it
was in. Every row carries a CRC-32 over all it holds, its key included: a
damaged row is dropped and computed again, a damaged file is refused, and
neither is ever read as a result. Rows of other sources or versions have other
keys; they are kept and never served.
"""

import json
import os
import sqlite3
import struct
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy.typing as npt

from tabular.errors import StoreError

from .record import SCHEMA, checksum, decode

__all__ = ["Row", "Store", "default_store"]

_APPLICATION = 0x524C5448  # "RLTH"
_WAIT = 60.0
_TABLES = {
    "runs": (
        "CREATE TABLE runs (key BLOB PRIMARY KEY, study TEXT NOT NULL, cell TEXT NOT NULL, seed INTEGER NOT NULL,"
        " source TEXT NOT NULL, environment TEXT NOT NULL, finished REAL NOT NULL, seconds REAL NOT NULL,"
        " arrays BLOB NOT NULL, crc INTEGER NOT NULL)"
    ),
    "leases": "CREATE TABLE leases (key BLOB PRIMARY KEY, owner TEXT NOT NULL)",
}
_NETWORK = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "lustre", "gpfs", "beegfs", "9p", "fuse.sshfs")


def default_store() -> Path:
    """Return where evidence is kept: ``$RL_THEOREMS_STORE``, or ``.rl-theorems`` in the working directory."""
    return Path(os.environ.get("RL_THEOREMS_STORE") or ".rl-theorems")


@dataclass(frozen=True, slots=True)
class Row:
    """One finished run.

    Attributes
    ----------
    key : bytes
        `experiments.engine.record.run_key` of the fields below.
    study, cell : str
        Id of the study; canonical text of the cell.
    seed : int
    source, environment : str
        Digest of the sources; versions underneath.
    seconds : float
        What the run took.
    arrays : bytes
        `experiments.engine.record.encode` of what it measured.
    finished : float
        Seconds since the epoch; informative only.
    """

    key: bytes
    study: str
    cell: str
    seed: int
    source: str
    environment: str
    seconds: float
    arrays: bytes
    finished: float = 0.0

    def crc(self) -> int:
        """CRC-32 over every field."""
        head = json.dumps([self.study, self.cell, self.seed, self.source, self.environment]).encode()
        return checksum(self.key, head, struct.pack("<dd", self.finished, self.seconds), self.arrays)


def _process_start(pid: int) -> str | None:
    """Return when process ``pid`` started, in the kernel's own ticks; None if there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return None
    except OSError:
        return None
    else:
        state, *rest = text.rpartition(")")[2].split()
        return None if state in "ZX" else rest[18]
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return ""


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _owner() -> str:
    return f"{_boot()} {os.getpid()} {_process_start(os.getpid()) or ''}"


def _alive(owner: str) -> bool:
    """Whether the process that wrote ``owner`` still runs on this boot of this machine; no clock is asked."""
    boot, pid, start = owner.split(" ")
    return boot == _boot() and _process_start(int(pid)) == start


def _on_network(folder: Path) -> bool:
    """Whether ``folder`` lies on a network file system, where shared memory beside the file is unsafe."""
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    except OSError:
        return False
    here = folder.resolve()
    holding = [(len(m[1]), m[2]) for m in mounts if here.is_relative_to(m[1].replace("\\040", " "))]
    return bool(holding) and max(holding)[1] in _NETWORK


class Store:
    """Finished runs in ``<folder>/store.sqlite``.

    Parameters
    ----------
    path : path
        A folder, made if missing, or a file ending in ``.sqlite``.

    Raises
    ------
    StoreError
        If the file cannot be opened or written, is damaged, is not a store, or
        was written by a newer version. The message names the path and what to do.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        path = Path(path)
        self.path = path if path.suffix == ".sqlite" else path / "store.sqlite"
        self._owner = _owner()
        self._db: sqlite3.Connection | None = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise StoreError(
                f"cannot make the folder {self.path.parent}: {problem.strerror}; choose another with --store"
            ) from problem
        with self._guard():
            self._open()

    def _open(self) -> None:
        self._db = sqlite3.connect(self.path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
        mode = "DELETE" if _on_network(self.path.parent) else "WAL"
        deadline = time.monotonic() + _WAIT
        while True:
            try:
                self._db.execute(f"PRAGMA journal_mode={mode}")
                break
            except sqlite3.OperationalError as problem:
                # The switch to WAL does not wait for other connections; another process may be making it.
                if "locked" not in str(problem) or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        self._db.execute("PRAGMA synchronous=FULL")
        with self._transaction() as db:
            tables = dict(db.execute("SELECT name, sql FROM sqlite_master WHERE type='table'").fetchall())
            (application,) = db.execute("PRAGMA application_id").fetchone()
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if not tables and application == 0 and version == 0:
                db.execute(f"PRAGMA application_id={_APPLICATION}")
                db.execute(f"PRAGMA user_version={SCHEMA}")
                for sql in _TABLES.values():
                    db.execute(sql)
            elif application != _APPLICATION:
                raise StoreError(f"{self.path} is not a store of rl-theorems; choose another folder with --store")
            elif version > SCHEMA:
                raise StoreError(
                    f"{self.path} was written by a newer rl-theorems (layout {version}, this one reads {SCHEMA}); "
                    "upgrade, or choose another folder with --store"
                )
            elif version != SCHEMA or tables != _TABLES:
                raise self._damaged("its tables are not as they were made")

    def _damaged(self, why: str) -> StoreError:
        return StoreError(
            f"{self.path} is damaged ({why}); move it away, its runs will be computed again, or put back a copy"
        )

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """Turn what SQLite and the file system report into `StoreError`."""
        try:
            yield
        except sqlite3.Error as problem:
            text = str(problem)
            if "full" in text or "disk I/O" in text:
                raise StoreError(
                    f"cannot write {self.path}: {text}; free some space and run again, finished runs are kept"
                ) from problem
            if "locked" in text:
                raise StoreError(f"{self.path} was locked by another process for {_WAIT:.0f} s; run again") from problem
            if any(word in text for word in ("readonly", "unable to open", "authorization denied")):
                raise StoreError(
                    f"cannot write {self.path}: {text}; check its permissions or choose another folder with --store"
                ) from problem
            raise self._damaged(text) from problem
        except (UnicodeDecodeError, OverflowError) as problem:
            raise self._damaged(str(problem)) from problem

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        if self._db is None:
            raise StoreError(f"{self.path} is closed")
        with self._guard():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise

    def _select(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        if self._db is None:
            raise StoreError(f"{self.path} is closed")
        with self._guard():
            return self._db.execute(sql, values).fetchall()

    def row(self, key: bytes) -> Row | None:
        """Return the run stored under ``key``, or None; a damaged row is dropped and counts as absent."""
        found = self._select(
            "SELECT key, study, cell, seed, source, environment, seconds, arrays, finished, crc FROM runs WHERE key=?",
            key,
        )
        for *fields, crc in found:
            try:
                row = Row(*fields)
                if row.key == key and row.crc() == crc:
                    return row
            except (TypeError, ValueError, struct.error):
                pass
            with self._transaction() as db:
                db.execute("DELETE FROM runs WHERE key=?", (key,))
        return None

    def get(self, key: bytes) -> dict[str, npt.NDArray[Any]] | None:
        """Return the arrays stored under ``key``, or None."""
        row = self.row(key)
        return None if row is None else decode(row.arrays)

    def has(self, key: bytes) -> bool:
        """Whether an intact run is stored under ``key``."""
        return self.row(key) is not None

    def put(self, row: Row) -> bool:
        """Write one finished run durably and release its lease; False if it was there already."""
        with self._transaction() as db:
            row = replace(row, finished=row.finished or time.time())
            fields = (row.key, row.study, row.cell, row.seed, row.source, row.environment)
            written = db.execute(
                "INSERT OR IGNORE INTO runs VALUES (?,?,?,?,?,?,?,?,?,?)",
                (*fields, row.finished, row.seconds, row.arrays, row.crc()),
            )
            db.execute("DELETE FROM leases WHERE key=?", (row.key,))
            return written.rowcount == 1

    def claim(self, key: bytes) -> bool:
        """Whether this process may compute ``key``: it is not stored and nobody alive is at it.

        A lease is advice that saves double work; correctness rests on the key being unique.
        """
        with self._transaction() as db:
            if db.execute("SELECT 1 FROM runs WHERE key=?", (key,)).fetchone():
                return False
            holder = db.execute("SELECT owner FROM leases WHERE key=?", (key,)).fetchone()
            if holder is not None and holder[0] != self._owner and _alive(holder[0]):
                return False
            db.execute("INSERT OR REPLACE INTO leases VALUES (?,?)", (key, self._owner))
            return True

    def release(self) -> None:
        """Give back every lease of this process."""
        with self._transaction() as db:
            db.execute("DELETE FROM leases WHERE owner=?", (self._owner,))

    def seconds(self, study: str) -> dict[str, float]:
        """Return what each cell of ``study`` took when it last ran, outdated runs included; for scheduling only."""
        found = self._select("SELECT cell, seconds FROM runs WHERE study=? ORDER BY finished", study)
        return {cell: took for cell, took in found if isinstance(took, float) and 0.0 <= took < 1e9}

    def count(self, study: str | None = None) -> int:
        """Return the number of stored runs, of one study or of all; outdated ones included."""
        where, values = ("", ()) if study is None else (" WHERE study=?", (study,))
        return int(self._select(f"SELECT COUNT(*) FROM runs{where}", *values)[0][0])

    def keys(self, study: str | None = None) -> Iterable[bytes]:
        """Return the keys of the stored runs, in the order they were written."""
        where, values = ("", ()) if study is None else (" WHERE study=?", (study,))
        return [key for (key,) in self._select(f"SELECT key FROM runs{where} ORDER BY rowid", *values)]

    def close(self) -> None:
        """Release what is held; the file is then complete without its log."""
        if self._db is not None:
            db, self._db = self._db, None
            with suppress(sqlite3.Error):
                db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
