"""The mutation run: plant faults one at a time and ask whether a test fails.

    python tests/mutation/run.py [--sample N] [--seed N] [--only PATH...] [--tests PATH...] [--survivors FILE]

First the tests run once without a fault, kernels as plain Python, recording which test calls which function. Then each
sampled fault is met by the tests that call its function, the quickest first, until one fails. Exit 1 if fewer than
``--least`` of the faults are caught. Faults listed in ``equivalent.toml`` change nothing that can be observed; they
are counted apart.
"""

import argparse
import collections
import concurrent.futures
import functools
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))

from faults import Fault, faults_of, modules  # noqa: E402

TESTS = ("tests/planning", "tests/models", "tests/learning", "tests/simulation", "tests/bounds", "tests/properties")
SLOWEST = 8.0  # seconds without compilation; a slower test is for compiled kernels and takes no part
BUDGET = 45.0  # seconds of tests, by their recorded durations, that one fault meets
_PYTEST = (
    "-m",
    "pytest",
    "-q",
    "-p",
    "plant",
    "-p",
    "no:cacheprovider",
    "-m",
    "not compiled",
    "-W",
    "ignore::RuntimeWarning",
    "--assert=plain",
)


def _environment(**more: str) -> dict[str, str]:
    path = os.pathsep.join((str(HERE), str(ROOT)))
    return {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **more}


def record(tests: list[str], workers: int) -> dict[str, list[tuple[float, str]]]:
    """Return the tests that call each function, ``file::name``, the quickest first."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, *_PYTEST, "-n", str(workers), "--tb=no", *tests]
        done = subprocess.run(
            command, cwd=ROOT, env=_environment(FAULT_RECORD=folder), capture_output=True, check=False
        )
        if done.returncode not in (0, 1):
            raise RuntimeError(f"pytest ended with {done.returncode}\n{done.stdout.decode()[-4000:]}")
        callers = collections.defaultdict(list)
        for file in Path(folder).glob("*.jsonl"):
            for line in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
                if line["seconds"] <= SLOWEST:
                    for function in line["functions"]:
                        callers[function].append((line["seconds"], line["test"]))
    return {function: sorted(tests) for function, tests in callers.items()}


def _chosen(callers: list[tuple[float, str]]) -> tuple[list[str], float]:
    """Return the quickest tests within the budget, and their time."""
    total, chosen = 0.0, []
    for seconds, test in callers:
        if total + seconds > BUDGET:
            break
        total += seconds
        chosen.append(test)
    return chosen, total


def meet(fault: Fault, callers: list[tuple[float, str]]) -> str:
    """Plant one fault and return what became of it: caught, hung, survived, untested, or broken (not a program)."""
    tests, seconds = _chosen(callers)
    if not tests:
        return "untested"
    with tempfile.TemporaryDirectory() as folder:
        source, arguments = Path(folder, "source.py"), Path(folder, "tests.txt")
        source.write_text(fault.source(), encoding="utf-8")
        arguments.write_text("\n".join(tests), encoding="utf-8")
        try:
            compile(source.read_bytes(), fault.module, "exec")
        except SyntaxError:
            return "broken"
        command = [sys.executable, *_PYTEST, "-x", "-p", "no:xdist", "--tb=line", f"@{arguments}"]
        environment = _environment(FAULT_MODULE=fault.module, FAULT_SOURCE=str(source))
        try:
            done = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, timeout=30.0 + 6.0 * seconds, check=False
            )
        except subprocess.TimeoutExpired:
            return "hung"
    unimportable = b"ERROR collecting" in done.stdout  # the fault stops a test file from being imported
    if done.returncode not in (0, 1, 2) and not unimportable:
        raise RuntimeError(f"pytest ended with {done.returncode} on\n{fault.label}\n{done.stdout.decode()[-2000:]}")
    return "survived" if done.returncode == 0 else "caught"


@functools.cache
def _equivalent() -> dict[tuple[str, str, str], frozenset[str]]:
    """Return, by (module, function, line), what the line may be changed into without any effect."""
    listed = collections.defaultdict(set)
    for one in tomllib.loads((HERE / "equivalent.toml").read_text(encoding="utf-8"))["fault"]:
        listed[one["module"], one["function"], one["before"]].add(one["after"])
    return {line: frozenset(after) for line, after in listed.items()}


def _without_effect(fault: Fault) -> bool:
    known = _equivalent().get((fault.module, fault.function, fault.before))
    return known is not None and fault.after in known


def _sample(faults: list[Fault], size: int, seed: int) -> list[Fault]:
    """Return a sample, all for size 0, by a hash of what is changed: an edit elsewhere leaves it as it is."""
    seen: collections.Counter[str] = collections.Counter()
    rank = {}
    for fault in faults:
        text = f"{seed}|{fault.module}|{fault.function}|{fault.edit}|{fault.before}"
        seen[text] += 1  # the places of one line are drawn apart
        rank[fault] = hashlib.sha256(f"{text}|{seen[text]}".encode()).digest()
    return sorted(faults, key=rank.__getitem__)[: size or None]


def main() -> int:
    """Run and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=0, help="how many faults; 0: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", action="extend", help="file or folder to damage")
    parser.add_argument("--tests", nargs="+", action="extend", help="file or folder of tests that must notice")
    parser.add_argument("--least", type=float, default=0.9, help="share that must be caught")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--survivors", type=Path, help="file for the faults that nothing caught")
    options = parser.parse_args()

    start = time.monotonic()
    every = [
        fault for module in modules(tuple(options.only or ("tabular", "bounds/judges"))) for fault in faults_of(module)
    ]
    observable = [one for one in every if not _without_effect(one)]
    faults = _sample(observable, options.sample, options.seed)
    callers = record(list(options.tests or TESTS), options.workers)
    print(
        f"{len(every)} faults in {len({one.module for one in every})} files, "
        f"{len(every) - len(observable)} of them without effect; {len(faults)} planted; "
        f"tests recorded in {time.monotonic() - start:.0f} s",
        flush=True,
    )

    outcomes: dict[str, list[Fault]] = collections.defaultdict(list)
    with concurrent.futures.ThreadPoolExecutor(options.workers) as pool:
        ended = pool.map(lambda one: meet(one, callers.get(f"{one.module}::{one.function}", [])), faults)
        for fault, outcome in zip(faults, ended, strict=True):
            outcomes[outcome].append(fault)
            if outcome in ("survived", "untested"):
                print(f"{outcome}: {fault.label}", flush=True)

    missed = outcomes["survived"] + outcomes["untested"]
    caught = len(outcomes["caught"]) + len(outcomes["hung"])
    share = caught / max(caught + len(missed), 1)
    by_module = collections.Counter(one.module for one in missed)
    for module, count in by_module.most_common():
        print(f"  {count:4d} missed in {module}")
    print(
        f"{caught} of {caught + len(missed)} caught ({100 * share:.1f} %), {len(outcomes['hung'])} of them by the "
        f"clock; {len(outcomes['untested'])} in functions that no test calls; {len(outcomes['broken'])} not programs; "
        f"{time.monotonic() - start:.0f} s"
    )
    if options.survivors is not None:
        options.survivors.write_text("\n".join(f"{one.label}" for one in missed) + "\n", encoding="utf-8")
    return 0 if share >= options.least else 1


if __name__ == "__main__":
    sys.exit(main())
