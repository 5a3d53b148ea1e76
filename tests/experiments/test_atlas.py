"""The atlas: textbook numbers come through it, filters refuse what they do not know, its data are strict JSON."""

import csv
import dataclasses
import io
import json
import math
import re
from fractions import Fraction
from pathlib import Path

import pytest
from report_ledger import ATLAS, LEDGER, PAPERS, STUDIES

from bounds import complexity
from bounds.complexity import Certified
from experiments import cli, engine
from experiments.atlas import numbers, table
from experiments.atlas.families import FAMILIES, KINDS, instance
from experiments.atlas.measures import MEASURES
from experiments.atlas.numbers import STATUSES, Atlas, Number
from experiments.engine.work import plan
from experiments.papers import _complexity_atlas as study
from experiments.report.mathml import prose
from experiments.report.site import build
from tabular.errors import CertificateError, ParameterError, StoreError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store that holds the atlas at quick scale."""
    with engine.Store(tmp_path_factory.mktemp("store")) as opened:
        engine.gather([numbers.choose()], scale="quick", store=opened, backend="serial")
        yield opened


@pytest.fixture(scope="module")
def atlas(store):
    return numbers.collect(numbers.choose(), scale="quick", store=store)


def of(atlas, family, size, measure):
    (found,) = (n for n in atlas.numbers if (n.family, n.size, n.measure) == (family, size, measure))
    return found


@pytest.mark.parametrize(
    ("family", "size", "measure", "value"),
    [
        ("arms", 5, "coverability", 5),
        ("contexts", 4, "coverability", 3),
        ("tree", 3, "coverability", 8),
        ("lock", 5, "coverability", 6),
        ("deep-sea", 5, "coverability", 10),
        ("random", 4, "bellman-rank-v", 4),
        ("directed-cycle", 6, "diameter", 5),
        ("joa", 10, "diameter", 10),
        ("joa", 10, "bias-span", Fraction(1) / Fraction(25, 100)),
        ("riverswim", 6, "diameter", Fraction(106045, 7203)),
        ("riverswim-ucrl3", 6, "diameter", Fraction(555245, 62208)),
        ("two-states", 50, "kemeny", Fraction(4, 3)),
        ("two-states", 50, "spectral-gap", 0.75),
        ("walk", 9, "hitting-time", 20),
        ("walk", 9, "spectral-gap", 1 - math.cos(math.pi / 9)),
        ("walk", 8, "spectral-gap", 0),
        ("walk", 8, "mixing-time", math.inf),
        ("path", 5, "hitting-time", 25),
        ("riverswim-chain", 6, "mixing-time", 13),
        ("indicators", 6, "eluder", 5),
        ("indicators-and-zero", 6, "eluder", 6),
        ("thresholds", 6, "eluder", 6),
        ("binary", 4, "eluder", 4),
        ("parities", 3, "eluder", 3),
        ("three-functions", 3, "eluder", 3),
        ("singletons", 2, "spanning-capacity", 3),
        ("singletons", 3, "spanning-capacity", 4),
        ("all-policies", 2, "spanning-capacity", 4),
        ("symmetric", 10, "revealing", 0.8),
        ("symmetric", 10, "revealing-spectral", 0.8),
        ("symmetric", 50, "revealing", 0),
        ("identity", 3, "revealing", 1),
        ("basis", 5, "design", 5),
        ("circle", 7, "design", 2),
        ("outcomes", 4, "capacity", math.log(4)),
    ],
)
def test_closed_forms_come_through(atlas, family, size, measure, value):
    found = of(atlas, family, size, measure)
    if isinstance(value, Fraction) and value.denominator > 1:
        assert Fraction(found.fraction) == value
        assert found.status == "exact"
    if math.isfinite(value):
        slack = 1e-9 * max(1.0, abs(float(value)))
        assert found.lower - slack <= float(value) <= found.upper + slack
        assert found.upper - found.lower <= slack
    else:
        assert found.status == "infinite"


@pytest.mark.parametrize(
    ("family", "size", "measure", "published"),
    [
        ("riverswim-20", 6, "coverability", "8.7761"),
        ("riverswim", 6, "bias-span", "6.310324"),
        ("riverswim-ucrl3", 6, "bias-span", "8.181822"),
        ("riverswim", 6, "smallest-gap", ".423622"),
        ("riverswim", 6, "inverse-gaps", "5.425331"),
        ("riverswim", 6, "value-norm", ".795116"),
        ("riverswim-chain", 6, "kemeny", "12.503719"),
        ("riverswim-chain", 6, "spectral-gap", ".194580"),
        ("coins", 2, "dec", ".000625"),
        ("coins", 4, "dec", ".002812"),
        ("coins", 8, "dec", ".007653"),
        ("symmetric-channel", 10, "capacity", ".368064"),
        ("erasure", 30, "capacity", ".485203"),
    ],
)
def test_numbers_known_to_some_digits_come_through(atlas, family, size, measure, published):
    found = of(atlas, family, size, measure)
    half = 0.5 * 10.0 ** -len(published.partition(".")[2])
    assert abs(found.lower - float(published)) <= 1.01 * half
    assert abs(found.upper - float(published)) <= 1.01 * half


def test_every_cell_is_an_enclosure_with_a_method(atlas):
    assert len(atlas.numbers) == len(study.STUDY.cells("quick"))
    for number in atlas.numbers:
        assert number.lower <= number.upper, number
        assert number.method
        assert number.seconds > 0.0
        assert number.certified or (number.lower, number.upper) == (-math.inf, math.inf)
    assert sum(atlas.counts().values()) == len(atlas.numbers)


def test_what_a_certificate_rejects_is_no_number(monkeypatch):
    def broken(x):
        raise CertificateError("prices prove 1, the policy attains 2")

    measure = dataclasses.replace(study._MEASURES["diameter"], of=broken)
    monkeypatch.setitem(study._MEASURES, "diameter", measure)
    found = study.run_atlas({"family": "riverswim", "size": 6, "measure": "diameter"}, None)
    assert found["ends"].tolist() == [-math.inf, math.inf]
    assert not found["certified"]
    assert str(found["method"]) == "prices prove 1, the policy attains 2"
    measure = dataclasses.replace(study._MEASURES["diameter"], of=lambda x: Certified(1, 2, "counted"))
    monkeypatch.setitem(study._MEASURES, "diameter", measure)
    found = study.run_atlas({"family": "riverswim", "size": 6, "measure": "diameter"}, None)
    assert (found["ends"].tolist(), bool(found["certified"]), str(found["method"])) == ([1.0, 2.0], True, "counted")


def number(lower, upper, **given):
    defaults = {"certified": True, "fraction": "", "method": "m", "seconds": 0.1}
    return Number("riverswim", 6, "RiverSwim-6", "average", "diameter", lower, upper, **{**defaults, **given})


@pytest.mark.parametrize(
    ("lower", "upper", "given", "status", "text"),
    [
        (5.0, 5.0, {}, "exact", "= 5"),
        (-3.0, -3.0, {}, "exact", "= −3"),
        (684189.0, 684189.0, {}, "exact", "= 684189"),
        (0.75, 0.75, {}, "exact", "= 0.75"),
        (1 / 3, 1 / 3, {}, "exact", "= 0.333333…"),
        (1 / 3, 1 / 3, {"fraction": "1/3"}, "exact", "= 1/3"),
        (106045 / 7203, 106045 / 7203, {"fraction": "106045/7203"}, "exact", "= 14.7223…"),
        (0.1666666, 0.1666666, {"fraction": "833333/5000000"}, "exact", "= 0.166666…"),
        (9.999999999, 10.0000000001, {}, "digits", "10"),
        (8.77605205, 8.77605206, {}, "digits", "8.77605"),
        (3183.35491, 3183.35540, {}, "digits", "3183.4"),
        (-8.0471896, -8.0471895, {}, "digits", "−8.04719"),
        (8.068331e-7, 8.068332e-7, {}, "digits", "8.06833e−7"),
        (1.280441e6, 1.280442e6, {}, "digits", "1.28044e6"),
        (1.0, 8.14759808, {}, "enclosed", "[1, 8.1476]"),
        (0.28577229, 0.42384451, {}, "enclosed", "[0.285772, 0.423845]"),
        (0.0, 1.6e-14, {}, "enclosed", "[0, 2e−14]"),
        (2.5, math.inf, {}, "lower", "≥ 2.5"),
        (math.inf, math.inf, {}, "infinite", "∞"),
        (-math.inf, math.inf, {"certified": False}, "uncertified", "?"),
    ],
)
def test_signs(lower, upper, given, status, text):
    found = number(lower, upper, **given)
    assert (found.status, found.text) == (status, text)


@pytest.mark.parametrize(("lower", "upper"), [(0.1234567, 0.9876543), (-0.9876543, -0.1234567), (1e-7, 1.0000004)])
def test_ends_are_rounded_outwards(lower, upper):
    low, high = (float(end.replace("−", "-")) for end in number(lower, upper).text.strip("[]").split(","))
    assert low <= lower < upper <= high


def test_json_is_strict_and_reads_back(atlas):
    for one in (atlas, ATLAS):
        text = one.json()
        assert not re.search(r"\b(NaN|-?Infinity)\b", text)

        def refuse(word):
            raise AssertionError(f"{word} is no JSON")

        data = json.loads(text, parse_constant=refuse)
        assert Atlas.from_json(data) == one
    ends = [(entry["lower"], entry["upper"]) for entry in ATLAS.to_json()["numbers"]]
    assert ("inf", "inf") in ends
    assert ("-inf", "inf") in ends


def test_csv_has_a_row_a_number(atlas):
    rows = list(csv.DictReader(io.StringIO(atlas.csv())))
    assert len(rows) == len(atlas.numbers)
    for row, found in zip(rows, atlas.numbers, strict=True):
        assert (float(row["lower"]), float(row["upper"])) == (found.lower, found.upper)
        assert (row["instance"], row["measure"], row["status"]) == (found.instance, found.measure, found.status)


def test_a_part_of_the_atlas_is_the_same_runs(store, atlas):
    part = numbers.choose(["walk", "path"], ["kemeny", "mixing-time"])
    every = {task.key for task in plan(numbers.choose(), "quick")}
    assert {task.key for task in plan(part, "quick")} < every
    found = numbers.collect(part, scale="quick", store=store)
    assert {(n.family, n.measure) for n in found.numbers} == {
        (family, measure) for family in ("walk", "path") for measure in ("kemeny", "mixing-time")
    }
    assert set(found.numbers) < set(atlas.numbers)


def test_a_missing_number_is_an_error(tmp_path):
    with engine.Store(tmp_path) as empty, pytest.raises(StoreError, match="rl-theorems atlas"):
        numbers.collect(numbers.choose(["walk"]), scale="quick", store=empty)


def test_instances_do_not_depend_on_the_measure():
    (family,) = (f for f in FAMILIES if f.name == "random-average")
    one, two = instance(family, 5), instance(family, 5)
    assert (one.mdp.P == two.mdp.P).all()
    assert not (one.mdp.r == instance(family, 6).mdp.r[:5]).all()


def test_the_tables_of_families_and_measures_are_sound():
    keys = set(re.findall(r"@\w+\{\s*([^,\s]+)\s*,", (ROOT / "references.bib").read_text(encoding="utf-8")))
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)
    assert len({measure.name for measure in MEASURES}) == len(MEASURES)
    kinds = {kind for measure in MEASURES for kind in measure.kinds}
    assert kinds == set(KINDS) == {family.kind for family in FAMILIES}
    for measure in MEASURES:
        assert hasattr(complexity, measure.function), measure.name
        assert {key for key in measure.source.split(", ") if key} <= keys, measure.name
        prose(measure.symbol)
        prose(measure.definition)
    for family in FAMILIES:
        assert "{size}" in family.label or len(set(family.quick) | set(family.paper)) == 1
        assert set(family.quick) <= set(family.paper), family.name
        of_kind = {measure.name for measure in MEASURES if family.kind in measure.kinds}
        assert set(family.without) <= of_kind, family.name
    for kind in KINDS:
        labels = [f.label.format(size=s) for f in FAMILIES if f.kind == kind for s in f.paper]
        assert len(set(labels)) == len(labels)


def test_times_are_medians_of_a_kind():
    seconds = (0.3, 0.1, 9.0)
    found = Atlas("quick", tuple(number(1.0, 1.0, seconds=value) for value in seconds))
    assert found.seconds("diameter", "average") == 0.3
    assert [table.seconds(value) for value in (1e-5, 0.0123, 2.34)] == ["< 1 ms", "12 ms", "2.3 s"]


def command(capsys, *arguments):
    status = cli._execute(["atlas", "--backend", "serial", *map(str, arguments)])
    shown = capsys.readouterr()
    return status, shown.out, shown.err


def test_command_prints_the_chosen_table(capsys, store):
    given = ("--store", store.path.parent, "--family", "walk", "--family", "indicators")
    status, out, err = command(capsys, *given, "--measure", "kemeny", "--measure", "eluder")
    assert status == 0
    assert "0 computed" in err
    lines = [line.split() for line in out.splitlines()]
    assert ["measure", "walk", "on", "8-cycle", "walk", "on", "9-cycle", "time"] in lines
    assert any(line[:5] == ["kemeny", "=", "21/2", "=", "40/3"] for line in lines)
    assert any(line[:3] == ["eluder", "=", "5"] for line in lines)
    assert "RiverSwim" not in out
    assert "3 numbers" in out


def test_command_prints_every_kind_and_dashes(capsys, store, atlas):
    status, out, _ = command(capsys, "--store", store.path.parent)
    assert status == 0
    assert max(map(len, out.splitlines())) <= 140
    for title in KINDS.values():
        assert f"\n{title}" in "\n" + out
    assert re.search(r"gorp-horizon .* – ", out)
    for status, count in atlas.counts().items():
        assert not count or re.search(rf" {count}  {re.escape(STATUSES[status])}", out)


def test_command_writes_files_and_streams(capsys, store, tmp_path):
    given = ("--store", store.path.parent, "--family", "walk")
    status, out, _ = command(capsys, *given, "--json", tmp_path / "a.json", "--csv", tmp_path / "a.csv")
    assert status == 0
    assert "Markov chains" in out
    written = Atlas.from_json(json.loads((tmp_path / "a.json").read_text(encoding="utf-8")))
    assert written.families[0].name == "walk"
    assert (tmp_path / "a.csv").read_text(encoding="utf-8") == written.csv()
    status, out, _ = command(capsys, *given, "--json", "-")
    assert status == 0
    assert Atlas.from_json(json.loads(out)) == written


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (["--family", "riverswin"], ["unknown family 'riverswin'", "did you mean", "riverswim"]),
        (["--measure", "eluder-dimension"], ["unknown measure 'eluder-dimension'", "eluder"]),
        (["--family", "walk", "--measure", "zzz"], ["unknown measure 'zzz'", "known:"]),
        (["--family", "walk", "--measure", "eluder"], ["none of these measures applies to these families"]),
    ],
)
def test_unknown_names_and_empty_choices(capsys, tmp_path, arguments, texts):
    status, out, err = command(capsys, "--store", tmp_path, *arguments)
    assert status == 2
    assert out == ""
    for text in texts:
        assert text in err


def test_dry_run_runs_nothing(capsys, tmp_path):
    status, out, _ = command(capsys, "--store", tmp_path, "--family", "walk", "--dry-run")
    assert status == 0
    assert out.startswith("10 of 10 runs to do")


def test_wrong_usage(capsys, tmp_path):
    assert command(capsys, "--store", tmp_path, "--scale", "huge")[0] == 2


def test_names_are_refused_before_anything_is_made(tmp_path):
    with pytest.raises(ParameterError, match="unknown family"):
        numbers.choose(["nothing"])


def test_the_page_shows_every_number_and_what_it_is(tmp_path, atlas):
    out = build(
        LEDGER,
        out=tmp_path / "site",
        scale="quick",
        figures=tmp_path / "none",
        papers=PAPERS,
        studies=STUDIES,
        atlas=atlas,
    ).parent
    page = (out / "atlas.html").read_text(encoding="utf-8")
    body = re.sub(r"\s+", " ", page)
    for status, count in atlas.counts().items():
        assert len(re.findall(rf'<td role="cell" class="num {status}"', page)) == count
    for found in atlas.numbers:
        assert f'data-label="{found.instance}"' in page
    assert 'data-label="RiverSwim-6" title="policy iteration in exact fractions">= 14.7223…</td>' in page
    for measure in atlas.measures:
        assert page.count(f'id="measure-{measure.name}"') == 1
        assert f"bounds.complexity.{measure.function}</code>" in page
    assert '<code class="source">' not in page
    assert "Not asked for: effective horizon, deterministic (4 contexts, DeepSea-5" in body
    assert "; it plays fixed sequences of actions: transitions must be certain" in body
    assert Atlas.from_json(json.loads((out / "atlas.json").read_text(encoding="utf-8"))) == atlas
    assert (out / "atlas.csv").read_text(encoding="utf-8") == atlas.csv()
    index = (out / "index.html").read_text(encoding="utf-8")
    assert f"holds {len(atlas.numbers)} numbers" in index
    assert index.count('href="atlas.html"') == 2


def test_without_an_atlas_nothing_links_to_it(tmp_path):
    out = build(
        LEDGER, out=tmp_path / "site", scale="quick", figures=tmp_path / "none", papers=PAPERS, studies=STUDIES
    ).parent
    assert not (out / "atlas.html").exists()
    assert "atlas" not in (out / "index.html").read_text(encoding="utf-8")
