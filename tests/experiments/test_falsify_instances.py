"""Instances of claims: their spaces, how a break shrinks and is made certain, and the files that keep it."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import bounds
from bounds.claims import Record
from bounds.judges import Comparison
from experiments import discovery
from experiments.falsify import Probe, Searches, falsify, judge_file, read_instance, write_instance
from experiments.falsify.files import _number, _read_number
from experiments.falsify.hunt import Hunt
from experiments.falsify.probe import attempt
from experiments.falsify.simplexes import Simplex
from experiments.falsify.spaces import Box, Instance, Whole, bits
from tabular import streams
from tabular.errors import ParameterError, StoreError

CONTRACTION = "tabular-foundations/contraction"
SIZE = {"S": 3, "A": 2}
SPACES = {
    "rows": Simplex(("S", "A"), "S"),
    "reals": Box(("S",), -2.0, 3.0),
    "discount": Box((), 0.0, 0.999, "gap"),
    "level": Box((), 1e-6, 0.5, "log"),
    "policy": Whole(("S",), 0, "A"),
    "count": Whole((), 1, 5000, log=True),
    "seed": Whole((), 0, 100),
}


def rng(*path):
    return streams.stream(0, "test", *path)


def planted(id=CONTRACTION):
    claim = bounds.claim(id)
    return replace(claim, measure=claim.control.measure)


# ---------------------------------------------------------------- spaces


@pytest.mark.parametrize("name", SPACES)
def test_every_draw_corner_and_move_lies_in_the_space(name):
    space, r = SPACES[name], rng(name)
    for _ in range(300):
        for value in (space.sample(SIZE, r), space.corner(SIZE, r)):
            space.check(value, SIZE, name)
            x = space.encode(value)
            moved = space.decode(SIZE, x + r.normal(size=x.size))
            space.check(moved, SIZE, name)
            for simpler in space.simpler(value):
                space.check(simpler, SIZE, name)


@pytest.mark.parametrize("name", SPACES)
def test_coordinates_lead_back_to_the_value(name):
    space, r = SPACES[name], rng(name, "back")
    for _ in range(100):
        value = space.sample(SIZE, r)
        np.testing.assert_allclose(space.decode(SIZE, space.encode(value)), value, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", SPACES)
def test_a_dropped_state_leaves_a_value_of_the_smaller_space(name):
    space, r = SPACES[name], rng(name, "drop")
    for axis in ("S", "A"):
        smaller = {**SIZE, axis: SIZE[axis] - 1}
        for index in range(SIZE[axis]):
            for value in (space.sample(SIZE, r), space.corner(SIZE, r)):
                space.check(space.without(value, axis, index), smaller, name)


def test_corners_hold_what_is_named():
    r = rng("corners")
    rows = [SPACES["rows"].corner(SIZE, r) for _ in range(400)]
    own = np.arange(3)
    assert any(np.all(row[own, :, own] == 1.0) for row in rows), "absorbing states"
    assert any(1e-9 <= 1.0 - row.max(axis=-1).min() <= 1e-6 for row in rows), "almost deterministic rows"
    assert any(np.all(row == row[0, 0]) for row in rows), "ties"
    discounts = [float(SPACES["discount"].corner(SIZE, r)) for _ in range(100)]
    assert {0.0, 0.999} <= set(discounts)


def test_the_projection_reaches_vertices_and_keeps_points():
    space = Simplex((), "S")
    np.testing.assert_array_equal(space.decode(SIZE, np.array([5.0, 0.1, -3.0])), [1.0, 0.0, 0.0])
    np.testing.assert_allclose(space.decode(SIZE, np.array([0.5, 0.3, 0.2])), [0.5, 0.3, 0.2])
    np.testing.assert_allclose(space.decode(SIZE, np.array([0.9, 0.5, 0.1])), [0.7, 0.3, 0.0])


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("rows", np.full((3, 2, 3), 0.5), "sums to 1.5"),
        ("rows", np.full((3, 2), 0.5), "shape"),
        ("rows", np.array([[[1.5, -0.5, 0.0]] * 2] * 3), r"\[0, 0, 1\] is -0.5"),
        ("reals", [0.0, 4.0, 0.0], r"\[1\] is 4; it must lie in \[-2, 3\]"),
        ("reals", [0.0, np.nan, 0.0], r"\[1\] is nan"),
        ("discount", 1.0, "must lie in"),
        ("policy", [0, 2, 0], "whole numbers from 0 to 1"),
        ("policy", [0, 0.5, 0], "whole numbers"),
        ("count", "many", "not an array of numbers"),
    ],
)
def test_what_lies_outside_is_named(name, value, message):
    with pytest.raises(ParameterError, match=message):
        SPACES[name].check(value, SIZE, name)


# ---------------------------------------------------------------- search, shrinking, certainty


def test_a_search_depends_on_its_seed_alone():
    one, two, other = (falsify(bounds.claim(CONTRACTION), budget=60.0, seed=s, limit=60) for s in (1, 1, 2))
    assert one.best.ratio == two.best.ratio
    assert one.best.instance.values.keys() == two.best.instance.values.keys()
    assert all(np.array_equal(v, two.best.instance.values[k]) for k, v in one.best.instance.values.items())
    assert other.best.label != one.best.label


def test_a_counterexample_shrinks_to_one_state_and_short_numbers():
    found = falsify(planted(), budget=10.0, limit=100)
    assert found.refuted
    assert found.exact is True
    assert found.best.instance.size == {"S": 1, "A": 1}
    assert found.best.instance.complexity[1] <= 16
    assert found.best.verdict.threshold == 0.0


def sums(x):
    return (Record("toy/sums", {}, {"left": np.array([x["a"] + x["b"]]), "right": np.array([x["c"]])}),)


def sums_exact(x):
    a, b, c = (np.array([Fraction(x[name])], dtype=object) for name in "abc")
    return (Record("toy/sums", {}, {"left": a + b, "right": c}),)


def at_most(evidence):
    (record,) = evidence
    return Comparison(record["left"], record["right"], exact=True)


def high(record, steps):
    """The record with its left side too large by some roundings."""
    left = record.arrays["left"]
    for _ in range(steps):
        left = np.nextafter(left, 1.0)
    return (Record(record.study, {}, {"left": left, "right": record.arrays["right"]}),)


def test_what_only_rounding_breaks_is_no_counterexample():
    from toy_claims import TRUE

    claim = replace(TRUE, id="toy/sums", studies=("toy/sums",), measure=at_most)
    spaces = {name: Box() for name in "abc"}
    values = {"a": np.asarray(0.5), "b": np.asarray(0.25), "c": np.asarray(0.75)}
    instance = Instance({}, values)
    off = Probe("toy/sums", {}, spaces, lambda x: high(*sums(x), 1), sums_exact)
    assert Hunt(claim, replace(off, exact=None), 1.0, 0).judge(instance).refuted
    hunt = Hunt(claim, off, 1.0, 0)
    assert not hunt.judge(instance).refuted
    assert hunt.rounding == 1


def test_a_fault_in_what_measures_is_a_break_in_floating_point_only(monkeypatch):
    from experiments.papers import _foundations_discounted as study

    dobrushin = study._dobrushin
    monkeypatch.setattr(study, "_dobrushin", lambda mdp: 0.5 * dobrushin(mdp))
    found = falsify(bounds.claim(CONTRACTION), budget=10.0, limit=200)
    assert found.refuted
    assert found.exact is False


def test_every_probe_belongs_to_a_claim_and_both_arithmetics_agree():
    for id, probe in discovery.probes().items():
        claim = bounds.claim(id)
        hunt = Hunt(claim, probe, 60.0, 3)
        size = {axis: low for axis, (low, _) in probe.sizes.items()}
        for _ in range(3):
            instance = probe.check(hunt._draw(size, 0.0))
            trial = hunt.judge(instance)
            assert trial is None or not trial.refuted
            if probe.exact is not None and trial is not None:
                certain = attempt(claim, probe, instance, exact=True)
                assert certain is not None
                assert not certain.refuted


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("x", [0.0, -0.0, 0.5, 1 / 3, 0.1, -1.5e-300, 5e-324, 1.7e308, 3.0, 2.0**-20, 1e6])
def test_reals_read_back_to_the_same_bits(x):
    again = _read_number(_number(x), "x")
    assert float(again).hex() == x.hex()


@pytest.mark.parametrize("text", ["1/0", "nan", "inf", "0x1p5000", "one", None, True, "1/2/3", {}])
def test_no_numbers(text):
    with pytest.raises(ParameterError, match="x holds"):
        _read_number(text, "x")


def test_bits_count_digits():
    assert [bits(x) for x in (0.0, 1.0, 0.5, 0.75, 3.0)] == [0, 1, 2, 4, 2]


def test_a_file_is_judged_again_in_rational_arithmetic(tmp_path):
    found = falsify(bounds.claim(CONTRACTION), budget=5.0, limit=40)
    path = write_instance(found, tmp_path / "new" / "one.json")
    assert [p.name for p in path.parent.iterdir()] == ["one.json"]
    stored = read_instance(path)
    for name, value in found.best.instance.values.items():
        assert stored.instance.values[name].tobytes() == np.asarray(value).tobytes()
    judged = judge_file(path)
    assert judged.exact
    assert not judged.refuted


def test_cells_are_kept_too(tmp_path):
    claim = bounds.claim("pessimism-lcb/cb-regimes")
    found = falsify(claim, budget=0.01)
    assert found.over == "cells"
    path = write_instance(found, tmp_path / "cells.json")
    assert read_instance(path).runs == found.best.runs
    judged = judge_file(path)
    assert judged.verdict == found.best.verdict


def _file(tmp_path, **changes):
    found = falsify(planted(), budget=5.0, limit=20)
    data = json.loads(write_instance(found, tmp_path / "x.json").read_text())
    for key, value in changes.items():
        where = data
        *parents, last = key.split("__")
        for parent in parents:
            where = where[parent]
        where[last] = value
    path = tmp_path / "x.json"
    path.write_text(json.dumps(data))
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "other"}, "not an instance file"),
        ({"version": 99}, "version 99"),
        ({"claim": "tabular-foundations/contracton"}, "contraction"),
        ({"claim": 3}, "names no claim"),
        ({"claim": "pessimism-lcb/cb-regimes"}, "has no probe"),
        ({"instance": []}, "no object 'instance'"),
        ({"instance__size__S": 0}, "S is 0"),
        ({"instance__size__S": "1"}, "length of axis S"),
        ({"instance__size": {}}, "has the axes"),
        ({"instance__values__gamma": "3/2"}, "gamma is 1.5"),
        ({"instance__values__gamma": "abc"}, "gamma holds 'abc'"),
        ({"instance__values__P": [[["1/2"]]]}, "sums to 0.5"),
        ({"instance__values__P": [[["1"], []]]}, "ragged|shape"),
        ({"instance": {"runs": [], "seed": 0}}, "lists no runs"),
        ({"instance": {"runs": [{"study": "x/y", "cell": {}}], "seed": 0}}, "run 0 is of 'x/y'"),
        ({"instance": {"runs": [], "seed": -1}}, "seed"),
    ],
)
def test_bad_files_say_what_is_wrong(tmp_path, changes, message):
    with pytest.raises(ParameterError, match=message):
        judge_file(_file(tmp_path, **changes))


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"3", b'{"format": "rl-theorems instance"}']
)
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(ParameterError, match=r"x\.json"):
        judge_file(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(ParameterError, match="cannot read"):
        judge_file(tmp_path / "none.json")


# ---------------------------------------------------------------- what stands behind a claim


def test_searches_add_up_and_damaged_lines_do_not_count(tmp_path):
    claim = bounds.claim(CONTRACTION)
    searches = Searches(tmp_path)
    assert searches.of([claim]) == {}
    runs = [falsify(claim, budget=5.0, seed=seed, limit=30) for seed in (0, 1)]
    for found in runs:
        searches.add(found, claim)
    together = searches.of([claim])[CONTRACTION]
    assert (together.searches, together.instances) == (2, sum(found.attempts for found in runs))
    assert together.ratio == max(found.ratio for found in runs)
    assert not together.refuted
    data = searches.path.read_bytes()
    searches.path.write_bytes(data[:-40])
    assert searches.of([claim])[CONTRACTION].searches == 1
    searches.add(runs[1], claim)
    assert searches.of([claim])[CONTRACTION].searches == 2
    searches.path.write_bytes(searches.path.read_bytes().replace(b'"instances":30', b'"instances":99'))
    assert searches.of([claim]) == {}


def test_searches_of_other_code_do_not_count(tmp_path, monkeypatch):
    claim = bounds.claim(CONTRACTION)
    searches = Searches(tmp_path / "store.sqlite")
    searches.add(falsify(claim, budget=5.0, limit=5), claim)
    assert searches.path.name == "searches.jsonl"
    assert set(searches.of([claim])) == {CONTRACTION}
    monkeypatch.setattr("experiments.falsify.searches.environment", lambda: "another machine")
    assert searches.of([claim]) == {}


def test_a_counterexample_stands_before_a_tighter_ratio(tmp_path):
    claim = bounds.claim(CONTRACTION)
    searches = Searches(tmp_path)
    searches.add(falsify(claim, budget=5.0, limit=30), claim)
    searches.add(falsify(planted(), budget=5.0, limit=30), claim)
    together = searches.of([claim])[CONTRACTION]
    assert together.refuted
    assert together.exact is True
    assert together.instance["found"]["status"] == "refuted"


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write"):
        Searches(tmp_path / "file" / "store").add(falsify(planted(), budget=1.0, limit=5), planted())
