"""Addressable streams: the same in any order, different for different addresses, and no global randomness anywhere."""

import ast
import random
from pathlib import Path

import numpy as np
import pytest

import tabular
from tabular import BernoulliBandit, ParameterError
from tabular.simulation import sample_dataset
from tabular.streams import generator, stream

ROOT = Path(tabular.__file__).parents[1]
SOURCES = [
    path for package in ("tabular", "bounds", "experiments", "paper_figures") for path in (ROOT / package).rglob("*.py")
]


def test_a_run_does_not_depend_on_the_runs_before_it():
    forward = {run: stream(7, "learner", "chain", 0.1, run).random(4).tolist() for run in range(20)}
    backward = {run: stream(7, "learner", "chain", 0.1, run).random(4).tolist() for run in reversed(range(20))}
    assert forward == backward
    assert stream(7, "learner", "chain", 0.1, 17).random(4).tolist() == forward[17]


def test_different_addresses_have_different_streams():
    first = {tuple(stream(0, "run", k).integers(0, 2**63, size=2).tolist()) for k in range(50_000)}
    first |= {tuple(stream(seed, "run").integers(0, 2**63, size=2).tolist()) for seed in range(50_000)}
    assert len(first) == 100_000


@pytest.mark.parametrize(
    ("one", "other"),
    [((1, 23), (12, 3)), (("a", "b"), ("ab",)), ((1,), ("1",)), ((1,), (1.0,)), ((), ("",)), ((True,), (1,)),
     ((1, 2), (2, 1)), (("a\x1fb",), ("a", "b")), (("a', 'b",), ("a", "b")), (((1, 2),), (1, 2))],
)  # fmt: skip
def test_addresses_that_look_alike_are_kept_apart(one, other):
    assert stream(0, *one).random() != stream(0, *other).random()


def test_numpy_seeds_and_a_seed_of_any_size_are_accepted():
    assert stream(np.int64(3), "x").random() == stream(3, "x").random()
    assert stream(2**200, "x").random() != stream(2**201, "x").random()


@pytest.mark.parametrize("seed", [-1, 1.0, True, None, "3", np.float64(1)])
def test_what_is_no_seed_is_refused(seed):
    with pytest.raises(ParameterError, match="seed is"):
        stream(seed)
    with pytest.raises(ParameterError, match="rng is"):
        generator(seed)


def test_a_generator_is_used_and_advanced_and_a_seed_is_not():
    rng = np.random.default_rng(0)
    assert generator(rng) is rng
    bandit = BernoulliBandit([0.5, 0.5])
    drawn = [sample_dataset(bandit, [0.5, 0.5], 50, rng=rng).fingerprint() for _ in range(2)]
    assert drawn[0] != drawn[1]
    for seed in (5, np.uint32(5), np.random.SeedSequence(5)):
        assert generator(seed).random() == generator(5).random()


def legacy_uses(tree):
    """Names that reach a global random state: the ``random`` module, and ``np.random`` beyond its generator classes."""
    allowed = {
        "Generator",
        "PCG64",
        "SeedSequence",
        "BitGenerator",
        "RandomState",
    }  # the last draws other people's data
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "random")
        elif isinstance(node, ast.ImportFrom) and not node.level:
            if node.module == "random":
                yield node.module
            elif node.module == "numpy.random":
                yield from (alias.name for alias in node.names if alias.name not in allowed)
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Attribute)
            and node.value.attr == "random"
            and isinstance(node.value.value, ast.Name)
            and node.value.value.id in ("np", "numpy")
            and node.attr not in allowed
        ):
            yield f"np.random.{node.attr}"


def test_no_module_uses_a_global_random_state():
    assert len(SOURCES) > 20
    found = {str(path.relative_to(ROOT)): list(legacy_uses(ast.parse(path.read_text()))) for path in SOURCES}
    assert {path: uses for path, uses in found.items() if uses} == {}


@pytest.mark.parametrize(
    "source",
    ["import random", "from random import choice", "np.random.seed(0)", "x = numpy.random.rand(3)",
     "np.random.default_rng()", "from numpy.random import randint"],
)  # fmt: skip
def test_the_search_for_global_randomness_finds_it(source):
    assert list(legacy_uses(ast.parse(source)))


def test_sampling_neither_reads_nor_moves_the_global_states():
    bandit = BernoulliBandit([0.25, 0.75])
    results = []
    for poison in (0, 1):
        random.seed(poison)
        np.random.seed(poison)  # noqa: NPY002  (the poison under test)
        before = (random.getstate(), np.random.get_state()[1].tobytes())  # noqa: NPY002
        results.append(sample_dataset(bandit, [0.5, 0.5], 100, rng=1).fingerprint())
        assert before == (random.getstate(), np.random.get_state()[1].tobytes())  # noqa: NPY002
    assert results[0] == results[1]


def test_a_numpy_scalar_addresses_the_stream_of_the_number_it_holds():
    assert stream(0, "run", np.int64(3)).random() == stream(0, "run", 3).random()
    assert stream(0, np.float64(0.5)).random() == stream(0, 0.5).random()
