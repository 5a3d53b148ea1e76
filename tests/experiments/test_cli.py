"""The command line from outside: exit status, one line a mistake, files where they were asked for."""

import csv
import hashlib
import json
import os
import subprocess
import sys
import time

import pytest
import toy_run

ROOT = toy_run.ROOT


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A working directory whose store is filled by the first test that needs it."""
    return tmp_path_factory.mktemp("place")


def cli(*arguments, cwd, script="toy_cli.py", **more):
    command = [sys.executable, str(ROOT / "tests" / script), *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, env=toy_run.environment(**more), capture_output=True, text=True, timeout=120
    )


def fails(done, status, *texts):
    """One line on standard error that says what is wrong, and nothing else."""
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("rl-theorems: ")]
    assert len(lines) == 1
    for text in texts:
        assert text in lines[0]


def test_help_is_instant_and_names_every_command(place):
    command = [sys.executable, "-m", "experiments", "--help"]
    took = []
    for _ in range(3):
        start = time.perf_counter()
        done = subprocess.run(command, cwd=place, env=toy_run.environment(), capture_output=True, text=True)
        took.append(time.perf_counter() - start)
    assert done.returncode == 0
    for name in ("list", "run", "verify", "figures", "report", "atlas", "falsify", "export", "doctor"):
        assert f"\n  {name} " in done.stdout
    assert min(took) < 1.0


def test_help_loads_nothing_heavy():
    code = (
        "import sys, experiments.cli\n"
        "heavy = {'numpy', 'scipy', 'numba', 'matplotlib', 'sympy', 'cvxpy', 'distributed'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env=toy_run.environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_run_resumes_and_says_what_it_did(place):
    first = cli("run", "toy", "--backend", "serial", cwd=place)
    fails(first, 1, "toy/fragile(how=raise, i=9; seed=0) failed: ZeroDivisionError: as asked")
    assert (place / ".rl-theorems" / "store.sqlite").exists()
    again = cli("run", "toy", "--backend", "serial", "--dry-run", cwd=place)
    assert again.returncode == 0
    assert again.stdout.startswith("1 of 19 runs to do")


def test_lines_without_control_characters(tmp_path):
    done = cli("verify", "toy", "--backend", "serial", cwd=tmp_path)
    assert "\x1b" not in done.stdout + done.stderr
    assert "\r" not in done.stdout + done.stderr


def test_verify_toy_supported(place):
    done = cli("verify", "toy", "--json", "ledger.json", "--backend", "processes", "--workers", 2, cwd=place)
    assert done.returncode == 0, done.stderr
    assert "1 claims: 1 supported" in done.stdout
    (entry,) = json.loads((place / "ledger.json").read_text())
    keys = "claim kind status statistic threshold p_value n tightness vacuous control_status provenance finding"
    assert set(keys.split()) <= set(entry)
    assert (entry["claim"], entry["status"], entry["control_status"]) == ("toy/cauchy-schwarz", "supported", "refuted")


def test_verify_by_claim_prints_json_only(place):
    done = cli("verify", "toy/cauchy-schwarz", "--json", "-", cwd=place)
    assert [entry["claim"] for entry in json.loads(done.stdout)] == ["toy/cauchy-schwarz"]


def test_an_unexplained_refutation_fails_the_run(place):
    done = cli("verify", cwd=place)
    assert done.returncode == 1
    assert "unexplained refutation: wrong/negative" in done.stdout
    assert "toy/walk(" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (["run", "tay"], ["unknown paper 'tay'", "did you mean toy?"]),
        (["verify", "toy/cauchy"], ["toy/cauchy-schwarz"]),
        (["verify", "tay"], ["did you mean toy?"]),
        (["figures", "tay"], ["unknown paper 'tay'"]),
        (["falsify", "toy/nothing"], ["toy/nothing"]),
        (["falsify", "toy/cauchy-schwarz", "--budget", "-1"], ["budget"]),
        (["run", "toy", "--backend", "serial", "--scheduler", ""], ["scheduler"]),
    ],
)
def test_unknown_names_and_impossible_values(place, arguments, texts):
    fails(cli(*arguments, cwd=place), 2, *texts)


@pytest.mark.parametrize(
    "arguments",
    [["run"], ["run", "toy", "--scale", "huge"], ["nonsense"], ["run", "toy", "--workers", "0"], ["list", "-x"]],
)
def test_wrong_usage(place, arguments):
    done = cli(*arguments, cwd=place)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "Error" in done.stderr


def test_missing_extra(place, tmp_path):
    (tmp_path / "distributed.py").write_text("raise ImportError('none')\n")
    paths = os.pathsep.join([str(tmp_path), str(ROOT), str(ROOT / "tests")])
    done = cli("run", "toy", "--backend", "dask", "--store", tmp_path / "s", cwd=place, PYTHONPATH=paths)
    fails(done, 2, "rl-theorems[dist]")


def test_a_store_that_cannot_be_used(tmp_path):
    (tmp_path / "store.sqlite").write_text("not a database, but long enough to look like one" * 20)
    fails(cli("run", "toy", "--store", tmp_path, cwd=tmp_path), 3, "store.sqlite is damaged", "move it away")


def test_debug_shows_the_traceback(place):
    done = cli("run", "tay", "--debug", cwd=place)
    assert done.returncode == 2
    assert "Traceback" in done.stderr


def test_list(place):
    done = cli("list", "--json", cwd=place)
    papers = {paper["slug"]: paper for paper in json.loads(done.stdout)}
    assert papers["toy"]["claims"] == [{"id": "toy/cauchy-schwarz", "kind": "inequality", "paper": "toy2000, Thm 1"}]
    assert papers["toy"]["studies"] == ["toy/walk", "toy/fragile"]
    assert papers["toy"]["figures"] == [{"id": "toy/fig_walk", "title": "Walk"}]
    assert "claim   toy/cauchy-schwarz  [inequality]" in cli("list", cwd=place).stdout


def test_figures(place):
    done = cli("figures", "toy", "--out", "drawn", "--backend", "serial", cwd=place)
    assert done.returncode == 0, done.stderr
    paths = done.stdout.split()
    assert {os.path.splitext(path)[1] for path in paths} == {".png", ".pdf", ".csv", ".json"}
    assert all((place / path).stat().st_size for path in paths)


def test_report(place, tmp_path):
    out = tmp_path / "site"
    done = cli("report", "--out", out, "--figures", tmp_path / "f", "--backend", "serial", cwd=place)
    assert done.returncode == 0, done.stderr
    assert "toy/cauchy-schwarz" in (out / "index.html").read_text()


def test_falsify_writes_what_verify_judges_again(place):
    done = cli("falsify", "wrong/negative", "--budget", "1", cwd=place)
    assert done.returncode == 1
    assert "\nrefuted; tightest measured/bound" in done.stdout
    (command,) = [line for line in done.stdout.splitlines() if line.startswith("again: rl-theorems ")]
    again = cli(*command.split()[2:], cwd=place)
    assert again.returncode == 1, again.stderr
    assert "wrong/negative: refuted on the instance of" in again.stdout
    held = cli("falsify", "toy/cauchy-schwarz", "--budget", "0.5", "--keep", "--out", "kept", cwd=place)
    assert held.returncode == 0
    assert "not refuted" in held.stdout
    kept = cli("verify", "--instance", "kept/toy--cauchy-schwarz.json", cwd=place)
    assert kept.returncode == 0, kept.stderr
    lines = (place / ".rl-theorems" / "searches.jsonl").read_text().splitlines()
    assert [json.loads(line.partition(" ")[2])["claim"] for line in lines] == ["wrong/negative", "toy/cauchy-schwarz"]


def test_falsify_goes_through_all_claims_within_one_budget(place, tmp_path):
    done = cli("falsify", "--budget", "2", "--store", tmp_path, "--out", tmp_path / "out", cwd=place)
    assert done.returncode == 1
    assert "toy/cauchy-schwarz: " in done.stdout
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["wrong--negative.json"]


def test_instances_that_cannot_be_judged(place, tmp_path):
    (tmp_path / "x.json").write_text("{}")
    fails(cli("verify", "--instance", tmp_path / "x.json", cwd=place), 2, "x.json is not an instance file")
    fails(cli("verify", "--instance", tmp_path / "y.json", cwd=place), 2, "cannot read", "y.json")
    fails(cli("verify", "toy", "--instance", tmp_path / "x.json", cwd=place), 2, "give --instance alone")


def test_export_reads_back_exactly(place, tmp_path):
    from toy_studies import WALK

    from experiments import engine

    done = cli("export", "toy", "--out", tmp_path, cwd=place)
    fails(done, 3, "toy/fragile")
    table, note = tmp_path / "toy" / "walk.csv", tmp_path / "toy" / "walk.json"
    assert hashlib.sha256(table.read_bytes()).hexdigest() == json.loads(note.read_text())["sha256"]
    with table.open() as lines:
        rows = [row for row in csv.DictReader(lines) if row["array"] == "x" and row["n"] == "50" and row["seed"] == "2"]
    with engine.Store(place / ".rl-theorems") as store:
        (record,) = engine.evidence(store, [WALK], "quick").where(n=50, seed=2)
    assert [float(row["value"]) for row in rows] == record["x"].ravel().tolist()
    assert rows[4]["index"] == "1 1"


def test_doctor(place):
    done = cli("doctor", cwd=place)
    assert done.returncode == 0, done.stdout
    for name in ("numpy", "cpu", "threads", "compiled kernels", "store"):
        assert f"\n{name} " in done.stdout
    assert done.stdout.count("\nok ") == 9


def test_doctor_notices_a_wrong_answer(monkeypatch, capsys):
    from experiments import doctor

    monkeypatch.setattr(doctor, "CHECKS", (("fine", lambda: True), ("off", lambda: False), ("broken", lambda: 1 / 0)))
    assert not doctor.examine()
    assert "\nWRONG off\nWRONG broken (ZeroDivisionError" in capsys.readouterr().out
