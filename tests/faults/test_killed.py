"""Writers that die: nothing finished is lost, nothing is done twice, the evidence is the same."""

import os
import random
import signal
import time

import pytest
import toy_run
from toy_studies import WALK

from experiments import engine

pytestmark = pytest.mark.fault


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    with engine.Store(tmp_path_factory.mktemp("whole")) as store:
        engine.gather([WALK], scale="paper", store=store, backend="serial")
        return toy_run.fingerprint(store, WALK, "paper")


def finish(process, timeout=60):
    out, err = process.communicate(timeout=timeout)
    assert process.returncode == 0, err
    return out


def wait_for(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def lines(path):
    return path.read_text().split() if path.exists() else []


def group(pid):
    """Processes of the session that ``pid`` leads."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as stat:
                    state, _, _, session = stat.read().rpartition(")")[2].split()[:4]
            except OSError:
                continue
            if int(session) == pid and state not in "ZX":
                found.append(int(name))
    return found


@pytest.mark.parametrize("backend", ["serial", "processes"])
def test_kill_nine_again_and_again(tmp_path, reference, backend):
    log = tmp_path / "log"
    moments = random.Random(20)
    workers = 1 if backend == "serial" else 2
    stored = []
    for _ in range(5):
        before = len(lines(log))
        process = toy_run.start(tmp_path, backend=backend, workers=workers, TOY_LOG=log, TOY_SLEEP=0.01)
        wait_for(lambda before=before: len(lines(log)) > before + 1)
        time.sleep(moments.uniform(0.0, 0.06))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with engine.Store(tmp_path) as store:
            keys = list(store.keys())
            assert keys[: len(stored)] == stored
            assert all(store.has(key) for key in keys)
            stored = keys
    wait_for(lambda: all(f"{log}" not in _environ(pid) for pid in _pids()))
    started = len(lines(log))
    finish(toy_run.start(tmp_path, backend=backend, workers=workers, TOY_LOG=log))
    with engine.Store(tmp_path) as store:
        assert toy_run.fingerprint(store, WALK, "paper") == reference
        assert list(store.keys())[: len(stored)] == stored
        assert store.count() == 36
    assert stored
    assert len(lines(log)) - started == 36 - len(stored)


def _pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]


def _environ(pid):
    """Environment of a process; empty for one that is gone. Workers of a killed parent must be gone soon."""
    try:
        with open(f"/proc/{pid}/environ", errors="replace") as text:
            return text.read()
    except OSError:
        return ""


@pytest.mark.parametrize("workers", [2, 4])
def test_several_processes_on_one_store(tmp_path, reference, workers):
    log = tmp_path / "log"
    processes = [toy_run.start(tmp_path, TOY_LOG=log, TOY_SLEEP=0.005) for _ in range(workers)]
    texts = [finish(process) for process in processes]
    with engine.Store(tmp_path) as store:
        assert toy_run.fingerprint(store, WALK, "paper") == reference
        assert store.count() == len(set(store.keys())) == 36
    assert sum(int(text.partition("computed=")[2].partition(",")[0]) for text in texts) == 36
    assert len(lines(log)) == 36


def stored(folder) -> int:
    with engine.Store(folder) as store:
        return store.count()


@pytest.mark.parametrize("backend", ["serial", "threads", "processes"])
def test_ctrl_c_is_quick_and_leaves_nothing_behind(tmp_path, reference, backend):
    import subprocess
    import sys

    log = tmp_path / "log"
    script = str(toy_run.ROOT / "tests" / "toy_cli.py")
    arguments = ["run", "toy", "--scale", "paper", "--backend", backend, "--workers", "2", "--store", str(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, script, *arguments],
        env=toy_run.environment(TOY_LOG=log, TOY_SLEEP=0.3),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a suite in the background may ignore it
    )
    wait_for(lambda: len(lines(log)) >= 3 and stored(tmp_path) >= 1)
    start = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert time.monotonic() - start < 3.0
    assert process.returncode == 130
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith("rl-theorems: interrupted; finished runs are kept")
    wait_for(lambda: not group(process.pid), seconds=3.0)
    with engine.Store(tmp_path) as store:
        kept = store.count()
        assert kept >= 1
        done = engine.gather([WALK], scale="paper", store=store, backend="serial")
        assert done.computed == 36 - kept
        assert toy_run.fingerprint(store, WALK, "paper") == reference
