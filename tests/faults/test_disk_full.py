"""A full disk ends the sweep with one clear error; what was finished is there afterwards."""

import resource
import shutil
import subprocess
import sys

import pytest
import toy_run
from toy_studies import WALK

from experiments import engine

pytestmark = pytest.mark.fault

SWEEP = """
import resource, signal, sys
from toy_studies import WALK
from experiments import engine
from tabular.errors import StoreError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = engine.Store(sys.argv[1])
engine.gather([WALK], scale="quick", store=store, backend="serial")
limit = int(sys.argv[2])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    engine.gather([WALK], scale="paper", store=store, backend="serial")
except StoreError as problem:
    print(problem)
"""


def sweep(folder, limit, prefix=()):
    command = [*prefix, sys.executable, "-c", SWEEP, str(folder), str(limit)]
    done = subprocess.run(command, env=toy_run.environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def check_usable(folder, whole):
    with engine.Store(folder) as store:
        kept = store.count()
        assert 12 <= kept < 36
        assert engine.gather([WALK], scale="paper", store=store, backend="serial").computed == 36 - kept
        assert toy_run.fingerprint(store, WALK, "paper") == whole


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    with engine.Store(tmp_path_factory.mktemp("whole")) as store:
        engine.gather([WALK], scale="paper", store=store, backend="serial")
        return toy_run.fingerprint(store, WALK, "paper")


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="needs file size limits")
@pytest.mark.parametrize("limit", [150_000, 170_001, 200_000])
def test_write_fails_in_the_middle(tmp_path, whole, limit):
    text = sweep(tmp_path, limit)
    assert f"cannot write {tmp_path / 'store.sqlite'}" in text
    assert "free some space and run again" in text
    check_usable(tmp_path, whole)


def _may_mount():
    if shutil.which("unshare") is None:
        return False
    return (
        subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode == 0
    )


@pytest.mark.skipif(not _may_mount(), reason="may not mount a small file system")
def test_disk_full(tmp_path, whole):
    small, saved = tmp_path / "small", tmp_path / "saved"
    small.mkdir()
    script = tmp_path / "sweep.py"
    script.write_text(SWEEP)
    fill = f"mount -t tmpfs -o size=400k none '{small}' && '{sys.executable}' '{script}' '{small}' 0"
    shell = f"{fill} && cp -r '{small}' '{saved}'"
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", shell], env=toy_run.environment(), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert f"cannot write {small / 'store.sqlite'}: database or disk is full" in done.stdout
    check_usable(saved, whole)
