"""The engine: complete grids, only what is missing, honest summaries."""

from dataclasses import replace

import numpy as np
import pytest
from toy_studies import FRAGILE, WALK, walk, walk_cells

from experiments import engine
from experiments.engine.progress import State, duration, open_progress
from experiments.engine.runner import _Clock, estimate
from experiments.study import Study
from tabular import _source, streams
from tabular.errors import ParameterError, StoreError


@pytest.fixture
def store(tmp_path):
    with engine.Store(tmp_path / "store") as opened:
        yield opened


def gather(store, *studies, scale="quick", **more):
    return engine.gather(studies or (WALK,), scale=scale, store=store, backend="serial", **more)


def test_evidence_is_the_grid_in_order(store):
    summary = gather(store)
    assert (summary.total, summary.kept, summary.computed) == (12, 0, 12)
    evidence = engine.evidence(store, [WALK], "quick")
    assert [dict(record.params) for record in evidence] == walk_cells("quick")
    assert {record.study for record in evidence} == {"toy/walk"}
    for record in evidence:
        assert record.seed == 7
        assert not record.arrays["x"].flags.writeable


def test_a_run_is_addressed_by_seed_study_and_cell(store):
    gather(store)
    record = engine.evidence(store, [WALK], "quick").records[5]
    alone = walk(record.params, streams.stream(7, "toy/walk", engine.plan(WALK, "quick")[5].text))
    for name, array in alone.items():
        np.testing.assert_array_equal(record.arrays[name], array)


def test_runs_of_a_grid_are_independent(store):
    gather(store)
    draws = [record.arrays["x"][0, 0] for record in engine.evidence(store, [WALK], "quick")]
    assert len(set(draws)) == len(draws)
    gather(store, replace(WALK, seed=8))
    other = engine.evidence(store, [replace(WALK, seed=8)], "quick").records[0]
    assert other.arrays["x"][0, 0] != draws[0]


def test_only_what_is_missing_is_run(store, tmp_path, monkeypatch):
    log = tmp_path / "log"
    monkeypatch.setenv("TOY_LOG", str(log))
    gather(store)
    assert len(log.read_text().split()) == 12
    assert gather(store).computed == 0
    summary = gather(store, scale="paper")
    assert (summary.kept, summary.computed) == (12, 24)
    runs = log.read_text().split()
    assert len(runs) == len(set(runs)) == 36
    assert gather(store).outdated == 24


def test_missing_evidence_is_an_error_that_says_what_to_do(store):
    with pytest.raises(StoreError, match=r"lacks 12 of the 12 runs of toy/walk.*rl-theorems run toy --scale quick"):
        engine.evidence(store, [WALK], "quick")
    gather(store)
    with pytest.raises(StoreError, match=r"lacks 24 of the 36"):
        engine.evidence(store, [WALK], "paper")


def test_outdated_runs_are_kept_and_never_served(store, monkeypatch):
    gather(store)
    monkeypatch.setattr(_source, "digest", lambda *_: "edited")
    monkeypatch.setattr("experiments.engine.work.source_of", lambda _: "edited")
    with pytest.raises(StoreError, match="lacks 12"):
        engine.evidence(store, [WALK], "quick")
    summary = gather(store)
    assert (summary.computed, summary.outdated) == (12, 12)
    assert store.count() == 24


def test_other_versions_of_the_libraries_are_other_runs(store, monkeypatch):
    gather(store)
    monkeypatch.setattr("experiments.engine.record.environment", lambda: "{}")
    with pytest.raises(StoreError, match="lacks 12"):
        engine.evidence(store, [WALK], "quick")


def test_an_edit_while_the_process_runs_is_refused(store, monkeypatch):
    gather(store)
    monkeypatch.setattr(_source, "digest", lambda *_: "edited")
    with pytest.raises(ParameterError, match="changed while this process ran"):
        gather(store)


def test_a_worker_with_other_code_or_versions_is_refused(store, monkeypatch):
    from experiments.engine import runner, work

    task = engine.plan(WALK, "quick")[0]
    done = work.run_task(task)
    for change in ({"source": "other"}, {"environment": "{}"}):
        with pytest.raises(StoreError, match="a worker"):
            runner._row(task, replace(done, **change))
    assert runner._row(task, done).key == task.key


def test_a_failed_run_is_named_and_the_others_are_finished(store):
    with pytest.raises(
        engine.CellError, match=r"toy/fragile\(how=raise, i=9; seed=0\) failed: ZeroDivisionError"
    ) as caught:
        gather(store, FRAGILE)
    assert store.count("toy/fragile") == 6
    assert "in fragile" in caught.value.failures[0][2]
    assert store._select("SELECT COUNT(*) FROM leases") == [(0,)]


def test_a_repeated_study_is_run_once(store):
    assert gather(store, WALK, WALK).total == 12


def _lambda_study():
    return Study("toy/bad", "x", lambda scale: [{"a": 1}], lambda cell, rng: {})


@pytest.mark.parametrize(
    ("study", "message"),
    [
        (_lambda_study(), "top level"),
        (replace(WALK, cells=lambda scale: []), "has no cells"),
        (replace(WALK, cells=lambda scale: [{"n": 1}, {"n": np.int64(1)}]), "twice"),
        (replace(WALK, cells=lambda scale: [{"n": float("nan")}]), "nan"),
    ],
)
def test_grids_that_make_no_sense(store, study, message):
    with pytest.raises(ParameterError, match=message):
        gather(store, study)


@pytest.mark.parametrize(
    "options", [{"scale": "huge"}, {"backend": "gpu"}, {"workers": 0}, {"backend": "serial", "scheduler": "tcp://x:1"}]
)
def test_impossible_options(store, options):
    with pytest.raises(ParameterError):
        engine.gather([WALK], **{"scale": "quick", "store": store, "backend": "serial", **options})


def test_the_longest_runs_come_first_once_they_are_timed(store, tmp_path, monkeypatch):
    gather(store)
    slow = engine.plan(WALK, "quick")[7]
    with store._transaction() as db:
        for key, _ in [(task.key, None) for task in engine.plan(WALK, "quick")]:
            db.execute("UPDATE runs SET seconds=0.01 WHERE key=?", (key,))
        db.execute("UPDATE runs SET seconds=5.0 WHERE key=?", (slow.key,))
    log = tmp_path / "log"
    monkeypatch.setenv("TOY_LOG", str(log))
    again = replace(WALK, seed=99)
    expected = estimate([again], scale="quick", store=store)
    assert (expected.missing, expected.untimed) == (12, 0)
    assert expected.seconds == pytest.approx(5.11)
    gather(store, again)
    assert log.read_text().split()[0] == f"{slow.cell['n']}-{slow.cell['seed']}"


def test_time_left_is_work_left_over_pace(store, monkeypatch):
    tasks = engine.plan(WALK, "quick")
    clock = _Clock(tasks, store)
    assert clock.left() is None
    monkeypatch.setattr(_Clock, "elapsed", property(lambda self: 4.0))
    clock.finish(tasks[0], 2.0)
    clock.finish(tasks[1], 6.0)
    # 8 s of work in 4 s of time; ten runs left of 4 s each: 40 / 2 = 20 s. The second was expected to take 2 s.
    assert clock.left() == pytest.approx(10 * 4.0 * 4.0 / (2.0 + 2.0))


def test_progress_reports_every_run_and_ends_complete(store):
    states = []
    gather(store, progress=states.append)
    assert [state.done for state in states] == list(range(13))
    assert states[-1].total == 12
    assert states[-1].left == 0.0


def test_plain_progress_has_no_control_characters(capsys):
    with open_progress() as progress:
        for done in range(4):
            progress(State(3, done, 0, 0, 1.0, None if done == 0 else 3.0 - done, "x"))
    text = capsys.readouterr().err
    assert text == "0/3 runs, time left unknown\n3/3 runs in 1 s\n"


def test_bar_on_a_terminal_shows_the_time_left():
    import io

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    with open_progress(stream) as progress:
        progress(State(3, 1, 0, 0, 1.0, 200.0, "toy/walk[x]"))
    assert "1/3 runs, about 3 min 20 s left" in stream.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text
