"""Where runs happen does not show in the evidence."""

import os
import subprocess
import sys

import pytest
import toy_run
from toy_studies import FRAGILE, WALK

from experiments import engine
from tabular.errors import MissingExtra, ParameterError


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    with engine.Store(tmp_path_factory.mktemp("serial")) as store:
        engine.gather([WALK], scale="quick", store=store, backend="serial")
        return toy_run.fingerprint(store, WALK, "quick")


@pytest.mark.parametrize(
    ("backend", "workers"), [("serial", None), ("threads", 1), ("threads", 3), ("processes", 1), ("processes", 2)]
)
def test_evidence_is_bitwise_the_same(tmp_path, reference, backend, workers):
    with engine.Store(tmp_path) as store:
        engine.gather([WALK], scale="quick", store=store, backend=backend, workers=workers)
        assert toy_run.fingerprint(store, WALK, "quick") == reference


@pytest.mark.parametrize("hashseed", ["0", "1", "random"])
def test_hash_seed_and_blas_threads_do_not_matter(tmp_path, reference, hashseed):
    threads = {"0": 1, "1": 2, "random": 4}[hashseed]
    more = {"PYTHONHASHSEED": hashseed, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
    process = toy_run.start(tmp_path, scale="quick", **more)
    assert process.communicate(timeout=60)[1].count("Error") == 0
    with engine.Store(tmp_path) as store:
        assert toy_run.fingerprint(store, WALK, "quick") == reference


def test_a_real_dask_cluster_gives_the_same(tmp_path, reference):
    pytest.importorskip("distributed")
    code = (
        "import sys, toy_run\n"
        "if __name__ == '__main__':\n"
        "    sys.argv[1:] = [sys.argv[1], 'quick', 'dask', '2']\n"
        "    toy_run.main()\n"
    )
    script = tmp_path / "dask_run.py"
    script.write_text(code)
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "store")],
        env=toy_run.environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "computed=12" in done.stdout, done.stderr
    with engine.Store(tmp_path / "store") as store:
        assert toy_run.fingerprint(store, WALK, "quick") == reference


def test_a_scheduler_that_does_not_answer(tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("experiments.engine.backends._PATIENCE", "1s")
    with (
        engine.Store(tmp_path) as store,
        pytest.raises(ParameterError, match=r"no dask scheduler answers at tcp://127"),
    ):
        engine.gather([WALK], scale="quick", store=store, backend="dask", scheduler="tcp://127.0.0.1:9")


def test_dask_that_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with engine.Store(tmp_path) as store, pytest.raises(MissingExtra, match=r"rl-theorems\[dist\]"):
        engine.gather([WALK], scale="quick", store=store, backend="dask")


def test_a_worker_that_dies_is_named_and_the_others_are_finished(tmp_path):
    with engine.Store(tmp_path) as store:
        with pytest.raises(engine.CellError) as caught:
            engine.gather([FRAGILE, WALK], scale="paper", store=store, backend="processes", workers=2)
        assert store.count("toy/fragile") == 6
        assert store.count("toy/walk") == 36
    messages = {label: message for label, message, _ in caught.value.failures}
    assert set(messages) == {"toy/fragile(how=die, i=9; seed=0)", "toy/fragile(how=raise, i=9; seed=0)"}
    assert "the worker process died" in messages["toy/fragile(how=die, i=9; seed=0)"]


def test_workers_have_one_blas_thread(tmp_path):
    from experiments.engine.backends import _Pool

    pool = _Pool(1)
    try:
        pools = pool.executor.submit(_blas_threads).result(timeout=60)
        assert pools
        assert set(pools) == {1}
        assert pool.executor.submit(os.getpid).result() != os.getpid()
    finally:
        pool.close(abandon=True)


def _blas_threads():
    import scipy.linalg  # noqa: F401
    from threadpoolctl import threadpool_info

    return [pool["num_threads"] for pool in threadpool_info()]
