"""Problems of conservative exploration: the values that their docstrings promise, and what is refused."""

import numpy as np
import pytest

from experiments import instances
from tabular.errors import ParameterError
from tabular.planning import backward_induction, evaluate


@pytest.mark.parametrize("H", [2, 4, 7])
def test_trap_is_worth_what_its_chances_say(H):
    trap = instances.conservative_trap(H=H)
    assert (trap.mdp.S, trap.mdp.A, trap.mdp.H) == (3, 5, H)
    assert trap.baseline_value == pytest.approx(0.595, abs=1e-14)
    assert trap.optimal_value == pytest.approx(0.7, abs=1e-14)
    assert trap.kappa == pytest.approx(0.075, abs=1e-14)
    for action, chance in enumerate((0.6, 0.7, 0.5, 0.5, 0.5)):
        policy = np.full((H, 3), action)
        assert evaluate(trap.mdp, policy).value == pytest.approx(chance, abs=1e-14)


def test_trap_with_a_deterministic_baseline():
    trap = instances.conservative_trap(0.4, chances=(0.6, 0.7), share=1.0)
    assert trap.baseline_value == pytest.approx(0.6)
    assert set(np.unique(trap.baseline)) == {0.0, 1.0}


@pytest.mark.parametrize(("H", "A"), [(1, 3), (3, 3), (4, 5)])
def test_lock_pays_a_half_for_leaving_and_one_for_the_code(H, A):
    lock = instances.conservative_lock(H, A)
    assert lock.optimal_value == pytest.approx(1.0)
    assert evaluate(lock.mdp, np.zeros((H, H + 1), dtype=int)).value == pytest.approx(0.5)
    assert evaluate(lock.mdp, np.full((H, H + 1), 1)).value == pytest.approx(0.0)
    right = np.full((H, H + 1), A - 1)
    assert evaluate(lock.mdp, right).value == pytest.approx(1.0)
    if H > 1:
        left_later = right.copy()
        left_later[-1] = 0
        assert evaluate(lock.mdp, left_later).value == pytest.approx(0.5)
        assert lock.baseline_value == pytest.approx(0.9 * 0.5 + 0.1 / (A - 1) * 0.5)
    assert lock.threshold == pytest.approx(0.7 * lock.baseline_value)


@pytest.mark.parametrize("eta", [0.0, 5.0, 20.0, 1e6])
def test_boltzmann_baseline(eta):
    problem = instances.conservative_random(4, 3, 3, eta=eta, fraction=0.8, rng=7)
    Q = backward_induction(problem.mdp).Q
    log = np.log(np.maximum(problem.baseline, 1e-300))
    odds = log[:, :, 1:] - log[:, :, :1]
    expected = eta * (Q[:, :, 1:] - Q[:, :, :1])
    likely = problem.baseline.min(axis=2) > 1e-250
    np.testing.assert_allclose(odds[likely], expected[likely], atol=1e-9)
    assert problem.threshold == pytest.approx(0.8 * evaluate(problem.mdp, problem.baseline).value)
    assert problem.baseline_value <= problem.optimal_value + 1e-12
    assert problem.mdp.mu0[0] == 1.0


def test_better_inverse_temperature_better_baseline():
    values = [instances.conservative_random(eta=eta, rng=3).baseline_value for eta in (0.0, 5.0, 10.0, 20.0)]
    assert np.all(np.diff(values) > 0)


def test_random_problems_are_functions_of_their_seed():
    first, again, other = (instances.conservative_random(rng=seed) for seed in (1, 1, 2))
    assert first.mdp.fingerprint() == again.mdp.fingerprint() != other.mdp.fingerprint()
    np.testing.assert_array_equal(first.baseline, again.baseline)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: instances.conservative_trap(0.595), "threshold"),
        (lambda: instances.conservative_trap(0.9), "threshold"),
        (lambda: instances.conservative_trap(chances=(0.5,)), "chances"),
        (lambda: instances.conservative_trap(chances=(0.5, 1.2)), "chances"),
        (lambda: instances.conservative_trap(H=1), "H"),
        (lambda: instances.conservative_trap(share=1.5), "share"),
        (lambda: instances.conservative_lock(A=2), "A"),
        (lambda: instances.conservative_lock(fraction=1.0), "fraction"),
        (lambda: instances.conservative_random(eta=-1.0, rng=0), "eta"),
        (lambda: instances.conservative_random(fraction=0.0, rng=0), "fraction"),
    ],
)
def test_bad_problems_are_refused(make, match):
    with pytest.raises(ParameterError, match=match):
        make()


def test_baseline_is_read_only():
    with pytest.raises(ValueError, match="read-only"):
        instances.conservative_trap().baseline[0, 0, 0] = 1.0
