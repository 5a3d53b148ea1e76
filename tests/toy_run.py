"""Gather the toy walk: ``toy_run.py STORE SCALE BACKEND WORKERS``; and what tests need to start it."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def environment(**more):
    """Environment of a subprocess that can import the house and the toys."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    return {**os.environ, "PYTHONPATH": paths, **{name: str(value) for name, value in more.items()}}


def start(store, scale="paper", backend="serial", workers=1, script="toy_run.py", **more):
    """Start this script on a store."""
    command = [sys.executable, str(ROOT / "tests" / script), str(store), scale, backend, str(workers)]
    return subprocess.Popen(command, env=environment(**more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def fingerprint(store, study, scale):
    """SHA-256 over every byte of the evidence, names, shapes and types included."""
    from experiments import engine

    total = hashlib.sha256()
    for record in engine.evidence(store, [study], scale):
        total.update(record.label.encode())
        for name, array in record.arrays.items():
            total.update(f"{name}{array.dtype.str}{array.shape}".encode() + array.tobytes())
    return total.hexdigest()


def main():
    """Gather, and print the summary."""
    from toy_studies import WALK

    from experiments import engine

    folder, scale, backend, workers = sys.argv[1:]
    with engine.Store(folder) as store:
        print(engine.gather([WALK], scale=scale, store=store, backend=backend, workers=int(workers)))


if __name__ == "__main__":
    main()
