"""A damaged store is repaired or refused; it is never read as something else."""

import random
import shutil

import pytest
import toy_run
from toy_studies import WALK

from experiments import engine
from tabular.errors import StoreError

pytestmark = pytest.mark.fault


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Bytes of a complete store of small pages, and the fingerprint of its evidence."""
    folder = tmp_path_factory.mktemp("whole")
    with engine.Store(folder) as store:
        engine.gather([WALK], scale="quick", store=store, backend="serial")
        found = toy_run.fingerprint(store, WALK, "quick")
    return (folder / "store.sqlite").read_bytes(), found


def attempt(folder, reference, *, gather):
    """Read the store, after gathering what is missing if asked to; return the error or None."""
    try:
        with engine.Store(folder) as store:
            if gather:
                engine.gather([WALK], scale="quick", store=store, backend="serial")
            found = toy_run.fingerprint(store, WALK, "quick")
    except StoreError as problem:
        return problem
    assert found == reference, "misread"
    return None


def outcome(folder, data, reference):
    """Put ``data`` in place of the store and use it: ``same``, ``repaired`` by running again, or ``refused``."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "store.sqlite").write_bytes(data)
    problem = attempt(folder, reference, gather=False)
    if problem is None:
        return "same"
    assert str(folder / "store.sqlite") in str(problem)
    problem = attempt(folder, reference, gather=True)
    if problem is None:
        return "repaired"
    assert str(folder / "store.sqlite") in str(problem)
    assert any(word in str(problem) for word in ("move it away", "upgrade", "another folder", "permissions"))
    return "refused"


def test_truncated_anywhere(whole, tmp_path):
    data, reference = whole
    sizes = [0, 1, 15, 16, 99, 100, *range(512, len(data), 512), len(data) - 1]
    found = [outcome(tmp_path / "s", data[:size], reference) for size in sizes]
    assert "same" not in found[: len(found) // 2]  # the last pages may belong to an index that reading does not need
    assert found[0] == "repaired"
    assert "refused" in found


def test_one_bit_flipped_anywhere(whole, tmp_path):
    data, reference = whole
    where = random.Random(5)
    places = [*range(100), *(where.randrange(100, len(data)) for _ in range(250))]
    found = []
    for place in places:
        damaged = bytearray(data)
        damaged[place] ^= 1 << where.randrange(8)
        found.append(outcome(tmp_path / "s", bytes(damaged), reference))
    assert {"same", "repaired"} <= set(found)
    assert found.count("repaired") > 20


def test_a_page_of_rubbish(whole, tmp_path):
    data, reference = whole
    where = random.Random(6)
    found = []
    for start in range(0, len(data), 4096):
        damaged = data[:start] + where.randbytes(4096) + data[start + 4096 :]
        found.append(outcome(tmp_path / "s", damaged, reference))
    assert found[0] == "refused"
    assert found.count("same") <= 2, "only the pages of the empty table of leases hold nothing"


def test_a_damaged_log_loses_runs_but_invents_none(tmp_path, whole):
    _, reference = whole
    source = tmp_path / "source"
    where = random.Random(7)
    with engine.Store(source) as store:
        engine.gather([WALK], scale="quick", store=store, backend="serial")
        main, log = ((source / name).read_bytes() for name in ("store.sqlite", "store.sqlite-wal"))
    assert len(log) > 10_000
    for _ in range(30):
        folder = tmp_path / "s"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        damaged = bytearray(log)
        damaged[where.randrange(len(log))] ^= 1 << where.randrange(8)
        (folder / "store.sqlite").write_bytes(main)
        (folder / "store.sqlite-wal").write_bytes(bytes(damaged[: where.randrange(len(log) // 2, len(log))]))
        with engine.Store(folder) as store:
            engine.gather([WALK], scale="quick", store=store, backend="serial")
            assert toy_run.fingerprint(store, WALK, "quick") == reference


def test_control_without_the_checksum_damage_is_read(whole, tmp_path, monkeypatch):
    data, reference = whole
    monkeypatch.setattr("experiments.engine.store.checksum", lambda *parts: 0)
    with engine.Store(tmp_path / "blind") as store:
        engine.gather([WALK], scale="quick", store=store, backend="serial")
    data = (tmp_path / "blind" / "store.sqlite").read_bytes()
    where = random.Random(5)
    misread = 0
    for _ in range(150):
        damaged = bytearray(data)
        damaged[where.randrange(100, len(data))] ^= 1 << where.randrange(8)
        try:
            outcome(tmp_path / "s", bytes(damaged), reference)
        except AssertionError:
            misread += 1
    assert misread > 10
