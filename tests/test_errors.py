"""Errors: what they are, what they carry, and that they survive a process boundary."""

import inspect
import pickle

import pytest

from tabular import errors

INPUT = ("ModelError", "PolicyError", "ParameterError")
COMPUTATION = ("NotConverged", "Infeasible", "CertificateError", "StoreError")


def test_every_error_is_exported_and_documented():
    defined = {
        name for name, item in vars(errors).items() if inspect.isclass(item) and item.__module__ == errors.__name__
    }
    assert defined == set(errors.__all__) == {*INPUT, *COMPUTATION, "MissingExtra"}
    assert all(getattr(errors, name).__doc__ for name in defined)


@pytest.mark.parametrize("name", INPUT)
def test_input_errors_are_value_errors(name):
    assert issubclass(getattr(errors, name), ValueError)


@pytest.mark.parametrize("name", COMPUTATION)
def test_failed_computations_are_runtime_errors(name):
    assert issubclass(getattr(errors, name), RuntimeError)


def test_a_missing_extra_says_how_to_install_it():
    problem = errors.MissingExtra("gymnasium", "interop", "from_gymnasium")
    assert isinstance(problem, ImportError)
    assert str(problem).endswith("pip install 'rl-theorems[interop]'")
    assert (problem.package, problem.extra) == ("gymnasium", "interop")


@pytest.mark.parametrize(
    "problem",
    [
        *(getattr(errors, name)("P[0] is 2; allowed: 1") for name in (*INPUT, *COMPUTATION)),
        errors.NotConverged("width 2 after 3 sweeps", partial=(1, 2)),
        errors.MissingExtra("gymnasium", "interop", "from_gymnasium"),
    ],
    ids=lambda problem: type(problem).__name__,
)
def test_errors_survive_a_process_boundary(problem):
    back = pickle.loads(pickle.dumps(problem))  # noqa: S301  (our own bytes)
    assert type(back) is type(problem)
    assert str(back) == str(problem)
    assert vars(back) == vars(problem)
