"""The store: what is put is got, damage is dropped, foreign files are refused."""

import os
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import toy_run

from experiments.engine.record import SCHEMA, encode
from experiments.engine.store import Row, Store, default_store
from tabular.errors import StoreError


def row(i, **changes):
    arrays = encode({"x": np.arange(float(i))}, "")
    base = Row(bytes([i]) * 32, "toy/walk", f'{{"i":{i}}}', 0, "source", "versions", 0.5 + i, arrays)
    return replace(base, **changes)


def test_what_is_put_is_got(tmp_path):
    with Store(tmp_path) as store:
        assert store.put(row(3))
        np.testing.assert_array_equal(store.get(row(3).key)["x"], np.arange(3.0))
        assert store.get(row(4).key) is None
        assert store.has(row(3).key)
        assert not store.has(row(4).key)
    with Store(tmp_path) as store:
        assert store.row(row(3).key).seconds == 3.5
        assert store.count("toy/walk") == store.count() == 1
        assert store.count("toy/other") == 0


def test_a_key_is_written_once(tmp_path):
    with Store(tmp_path) as store:
        assert store.put(row(3))
        assert not store.put(row(3, seconds=9.0))
        assert store.row(row(3).key).seconds == 3.5
        assert store.keys() == [row(3).key]


@pytest.mark.parametrize(
    "change",
    [
        "arrays = zeroblob(length(arrays))",
        "arrays = substr(arrays, 1, length(arrays) - 1)",
        "seconds = 1e6",
        "study = 'toy/other'",
        "cell = '{}'",
        "seed = 1",
        "crc = crc + 1",
        "crc = 'x'",
        "arrays = 'text'",
        "source = 7",
    ],
)
def test_a_damaged_row_is_dropped(tmp_path, change):
    with Store(tmp_path) as store:
        store.put(row(3))
        store.put(row(4))
    with sqlite3.connect(tmp_path / "store.sqlite") as db:
        db.execute(f"UPDATE runs SET {change} WHERE key=?", (row(3).key,))
    db.close()
    with Store(tmp_path) as store:
        assert store.get(row(3).key) is None
        assert store.count() == 1
        assert store.has(row(4).key)


def test_rows_swapped_between_keys_are_not_served(tmp_path):
    with Store(tmp_path) as store:
        store.put(row(3))
    with sqlite3.connect(tmp_path / "store.sqlite") as db:
        db.execute("UPDATE runs SET key=?", (row(4).key,))
    db.close()
    with Store(tmp_path) as store:
        assert store.get(row(4).key) is None


def test_expected_seconds_are_the_latest(tmp_path):
    with Store(tmp_path) as store:
        store.put(row(3, finished=1.0))
        store.put(row(4, cell=row(3).cell, seconds=7.0, finished=2.0))
        assert store.seconds("toy/walk") == {row(3).cell: 7.0}


def test_a_lease_is_respected_while_its_owner_lives(tmp_path):
    code = (
        "import sys; from experiments.engine import Store as S; print(S(sys.argv[1]).claim(b'k'), flush=True); input()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        env=toy_run.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout.readline() == "True\n"
    with Store(tmp_path) as store:
        assert not store.claim(b"k")
        assert store.claim(b"l")
        assert store.claim(b"l")
        other.kill()
        other.wait()
        assert store.claim(b"k")
        store.release()
    other.stdin.close()
    other.stdout.close()


def test_a_lease_from_before_a_reboot_or_of_a_reused_pid_is_void(tmp_path):
    with Store(tmp_path) as store:
        owner = store._owner
        boot, pid, start = owner.split(" ")
        for stale in (f"other-boot {pid} {start}", f"{boot} {pid} 1", f"{boot} 999999999 {start}"):
            with store._transaction() as db:
                db.execute("INSERT OR REPLACE INTO leases VALUES (?,?)", (b"k", stale))
            assert store.claim(b"k")
        with store._transaction() as db:
            db.execute("INSERT OR REPLACE INTO leases VALUES (?,?)", (b"k", owner))
        store._owner = "somebody else 1"
        assert not store.claim(b"k")


def test_newer_layout_is_refused_and_left_alone(tmp_path):
    with Store(tmp_path) as store:
        store.put(row(3))
    path = tmp_path / "store.sqlite"
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version={SCHEMA + 1}")
    db.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"store\.sqlite was written by a newer rl-theorems.*upgrade"):
        Store(tmp_path)
    assert path.read_bytes() == before


def test_a_database_of_something_else_is_refused(tmp_path):
    db = sqlite3.connect(tmp_path / "store.sqlite")
    db.execute("CREATE TABLE t (x)")
    db.close()
    with pytest.raises(StoreError, match="is not a store of rl-theorems"):
        Store(tmp_path)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "store.sqlite").write_bytes(b"hello " * 1000)
    with pytest.raises(StoreError, match=r"store\.sqlite is damaged.*move it away"):
        Store(tmp_path)


def test_changed_tables_are_refused(tmp_path):
    with Store(tmp_path):
        pass
    db = sqlite3.connect(tmp_path / "store.sqlite")
    db.execute("ALTER TABLE runs RENAME COLUMN source TO sauce")
    db.close()
    with pytest.raises(StoreError, match="its tables"):
        Store(tmp_path)


def test_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot make the folder .*file.*--store"):
        Store(tmp_path / "file" / "sub")


def test_path_with_spaces_and_unicode_and_missing_parents(tmp_path):
    folder = tmp_path / "a b" / "größe ∀"
    with Store(folder) as store:
        store.put(row(3))
    with Store(folder / "store.sqlite") as store:
        assert store.has(row(3).key)


@pytest.mark.skipif(not hasattr(os, "geteuid") or shutil.which("setpriv") is None, reason="needs setpriv")
def test_read_only_folder(tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir()
    code = "import sys; from experiments.engine import Store; Store(sys.argv[1])"
    command = [sys.executable, "-c", code, str(folder)]
    folder.chmod(0o555)
    if os.geteuid() == 0:  # root without its capabilities is bound by permissions like anyone
        command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", *command]
    found = subprocess.run(command, env=toy_run.environment(), capture_output=True, text=True)
    assert "StoreError: cannot write" in found.stderr
    assert "permissions" in found.stderr


def test_a_closed_store_says_so(tmp_path):
    store = Store(tmp_path)
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.get(b"k")


def test_default_place(monkeypatch):
    monkeypatch.setenv("RL_THEOREMS_STORE", "/elsewhere")
    assert str(default_store()) == "/elsewhere"
    monkeypatch.delenv("RL_THEOREMS_STORE")
    assert str(default_store()) == ".rl-theorems"
