"""Studies and figures are found by module; ids belong to their slug."""

import sys
import types

import pytest

from experiments import discovery
from tabular.errors import ParameterError


@pytest.fixture
def house(tmp_path, monkeypatch):
    """An `experiments.papers` with modules that a test writes."""

    def build(**modules):
        for name, text in modules.items():
            (tmp_path / f"{name}.py").write_text(text)
        return discovery

    package = types.ModuleType("toy_house_package")
    package.__path__ = [str(tmp_path)]
    monkeypatch.setitem(sys.modules, "toy_house_package", package)
    original = discovery._collect
    monkeypatch.setattr(discovery, "_collect", lambda _, slug, what: original("toy_house_package", slug, what))
    monkeypatch.setattr(discovery.slugs, "__defaults__", ("toy_house_package",), raising=False)
    discovery.slugs.cache_clear()
    discovery._exported.cache_clear()
    yield build
    discovery.slugs.cache_clear()
    discovery._exported.cache_clear()
    for name in [name for name in sys.modules if name.startswith("toy_house_package.")]:
        del sys.modules[name]


STUDY = "from experiments.study import Study\nSTUDIES = tuple(Study(i, 't', list, dict) for i in {ids})\n"


def test_modules_are_papers_and_underscores_are_helpers(house):
    found = house(two_words=STUDY.format(ids=["two-words/a", "two-words/b"]), _helper="raise RuntimeError")
    assert [study.id for study in found.studies()] == ["two-words/a", "two-words/b"]
    assert [study.id for study in found.studies("two-words")] == ["two-words/a", "two-words/b"]


def test_unknown_paper_lists_close_matches(house):
    house(pessimism=STUDY.format(ids=["pessimism/a"]))
    with pytest.raises(ParameterError, match=r"unknown paper 'pesimism'; did you mean pessimism\?"):
        discovery.studies("pesimism")
    with pytest.raises(ParameterError, match=r"unknown paper 'zzz'; known: pessimism"):
        discovery.studies("zzz")


@pytest.mark.parametrize("ids", [["other/a"], ["toy/"], ["toy"], ["toy/a", "toy/a"]])
def test_ids_must_belong_to_the_module_and_be_unique(house, ids):
    house(toy=STUDY.format(ids=ids))
    with pytest.raises(ParameterError, match="must be 'toy/<name>' and unique"):
        discovery.studies("toy")


def test_a_module_that_exports_nothing(house):
    house(toy="X = 1\n")
    with pytest.raises(ParameterError, match="exports no STUDIES"):
        discovery.studies()


def test_real_studies_are_found_by_id():
    for study in discovery.studies():
        assert discovery.study(study.id) is study
    with pytest.raises(ParameterError, match="unknown study 'nothing/at-all'"):
        discovery.study("nothing/at-all")


def test_machinery_of_figures_is_no_paper():
    assert not {"figure", "render", "style"} & set(discovery.slugs("paper_figures"))
