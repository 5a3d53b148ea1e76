"""Rendering: exact numbers, the same bytes every time, nothing redrawn for nothing, nothing half written."""

import csv
import dataclasses
import io
import json
import math

import matplotlib as mpl
import numpy as np
import pytest

from bounds.claims import Evidence, Record
from experiments import discovery, engine
from experiments.study import Study
from paper_figures import style
from paper_figures.figure import Figure
from paper_figures.render import csv_text, evidence_digest, render, render_all
from tabular.errors import ParameterError

SLUG = "tabular-foundations"
X = np.array([0.1, 1 / 3, 1e-300, math.pi, 5e-324])


def evidence(y=X, seed=0, name="a"):
    return Evidence((Record(f"{SLUG}/toy", {"name": name, "k": 3}, {"x": X, "y": np.asarray(y)}, seed),))


def table(records):
    return {"x": records.column("x"), "y": records.column("y"), "name": np.array(["a, b", 'q"'] + ["c"] * 3)}


def draw(columns):
    figure, ax = style.new_figure()
    style.band_line(ax, columns["x"], columns["y"], label="toy")
    ax.set_xlabel("x")
    return figure


FIGURE = Figure(
    f"{SLUG}/fig_toy", "Toy", "No band.", (f"{SLUG}/toy",), table, draw, (f"{SLUG}/some-claim",), ("smaller here",)
)


def test_files_hold_the_numbers_and_the_note(tmp_path):
    png, pdf, numbers, note = render(
        FIGURE, evidence(seed=7), tmp_path, note={"scale": "quick", "versions": {"a": "1"}}
    )
    assert png.read_bytes().startswith(b"\x89PNG")
    assert pdf.read_bytes().startswith(b"%PDF")
    rows = list(csv.DictReader(io.StringIO(numbers.read_text())))
    assert [float(row["x"]) for row in rows] == X.tolist()
    assert [row["name"] for row in rows] == ["a, b", 'q"', "c", "c", "c"]
    told = json.loads(note.read_text())
    assert told["id"] == FIGURE.id
    assert told["seeds"] == [7]
    assert told["scale"] == "quick"
    assert told["differences"] == ["smaller here"]
    assert told["claims"] == [f"{SLUG}/some-claim"]
    assert told["records"] == 1
    assert [path.relative_to(tmp_path).as_posix() for path in (png, note)] == [
        f"{SLUG}/fig_toy.png",
        f"{SLUG}/fig_toy.json",
    ]


def test_png_has_200_dots_per_inch(tmp_path):
    png, *_ = render(FIGURE, evidence(), tmp_path, note={})
    width = int.from_bytes(png.read_bytes()[16:20], "big")
    assert width == round(200 * style.WIDTHS["single-column"])


def test_same_evidence_same_bytes_whatever_the_users_settings(tmp_path):
    first = [path.read_bytes() for path in render(FIGURE, evidence(), tmp_path / "a", note={})]
    with mpl.rc_context({"lines.linewidth": 9.0, "font.size": 20.0, "axes.labelpad": 30.0, "xtick.direction": "in"}):
        second = [path.read_bytes() for path in render(FIGURE, evidence(), tmp_path / "b", note={})]
    assert first == second


def test_settings_come_back_after_drawing(tmp_path):
    with mpl.rc_context({"lines.linewidth": 9.0}):
        render(FIGURE, evidence(), tmp_path, note={})
        assert mpl.rcParams["lines.linewidth"] == 9.0


@pytest.mark.parametrize(
    "columns",
    [
        {"x": np.zeros(3), "y": np.zeros(2)},
        {"x": np.zeros((3, 2))},
        {"x": np.zeros(0)},
        {"x": np.float64(1.0)},
        {"x": np.zeros(3), "y": np.zeros((3, 1))},
    ],
    ids=["ragged", "two-dimensional", "empty", "scalar", "column"],
)
def test_ragged_or_empty_tables_are_refused(columns):
    with pytest.raises(ParameterError):
        csv_text(columns)


def test_csv_writes_integers_booleans_and_missing_values_plainly():
    text = csv_text({"i": np.array([1, -2]), "b": np.array([True, False]), "f": np.array([np.nan, -np.inf])})
    assert text == "i,b,f\n1,true,nan\n-2,false,-inf\n"


def test_a_study_without_records_is_refused(tmp_path):
    wider = dataclasses.replace(FIGURE, studies=(f"{SLUG}/toy", f"{SLUG}/other"))
    with pytest.raises(ParameterError, match="other"):
        render(wider, evidence(), tmp_path, note={})
    assert list(tmp_path.rglob("*")) == []


def test_a_failed_drawing_leaves_the_old_files_alone(tmp_path, monkeypatch):
    paths = render(FIGURE, evidence(), tmp_path, note={})
    before = [path.read_bytes() for path in paths]

    def full(*_):
        raise OSError("no space left on device")

    def broken(_):
        raise RuntimeError("cannot draw")

    with pytest.raises(RuntimeError, match="cannot draw"):
        render(dataclasses.replace(FIGURE, draw=broken), evidence(y=2 * X), tmp_path, note={})
    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(OSError, match="no space"):
        render(FIGURE, evidence(y=2 * X), tmp_path, note={})
    assert [path.read_bytes() for path in paths] == before
    assert sorted(path.name for path in paths[0].parent.iterdir()) == sorted(path.name for path in paths)


def test_digest_sees_every_part_of_the_evidence():
    digests = {
        evidence_digest(evidence()),
        evidence_digest(evidence(seed=1)),
        evidence_digest(evidence(name="b")),
        evidence_digest(evidence(y=np.nextafter(X, 1))),
        evidence_digest(evidence(y=X.astype(np.float32))),
        evidence_digest(evidence(y=X.reshape(1, -1))),
        evidence_digest(Evidence(evidence().records * 2)),
    }
    assert len(digests) == 7
    assert evidence_digest(evidence()) == evidence_digest(evidence())


@pytest.fixture
def shop(monkeypatch):
    """A store of one study and its figure; ``state`` holds the evidence and counts the drawings."""
    state = {"evidence": evidence(), "drawn": 0}

    def counted(columns):
        state["drawn"] += 1
        return draw(columns)

    figure = dataclasses.replace(FIGURE, draw=counted)
    study = Study(f"{SLUG}/toy", "toy", lambda scale: [], dict)
    monkeypatch.setattr(discovery, "figures", lambda slug=None: (figure,))
    monkeypatch.setattr(discovery, "study", lambda id: {study.id: study}[id])
    monkeypatch.setattr(engine, "evidence", lambda store, studies, scale: state["evidence"])
    return state


def test_render_all_redraws_only_what_changed(shop, tmp_path):
    def again(scale="quick"):
        return render_all([SLUG], scale=scale, store=None, out=tmp_path)

    paths = again()
    assert shop["drawn"] == 1
    assert again() == paths
    assert shop["drawn"] == 1
    shop["evidence"] = evidence(y=np.nextafter(X, 1))
    again()
    assert shop["drawn"] == 2
    paths[2].unlink()
    again()
    assert shop["drawn"] == 3
    assert paths[2].is_file()
    paths[3].write_text("{ half a no")
    again()
    assert shop["drawn"] == 4
    again("paper")
    assert shop["drawn"] == 5


def test_render_all_redraws_when_source_or_library_changes(shop, tmp_path, monkeypatch):
    render_all([SLUG], scale="quick", store=None, out=tmp_path)
    monkeypatch.setattr("tabular._source.digest", lambda name: "another " + name)
    render_all([SLUG], scale="quick", store=None, out=tmp_path)
    assert shop["drawn"] == 2
    monkeypatch.setattr("importlib.metadata.version", lambda name: "0.0")
    render_all([SLUG], scale="quick", store=None, out=tmp_path)
    assert shop["drawn"] == 3


def test_render_all_draws_a_figure_once_when_asked_twice(shop, tmp_path):
    assert len(render_all([SLUG, SLUG], scale="quick", store=None, out=tmp_path)) == 4
    assert shop["drawn"] == 1
