"""The linear programs against policy iteration and exact values, and the check of the solver's answer."""

from fractions import Fraction as F

import naive_planning as naive
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings

from tabular import CertificateError, DiscountedMDP, ParameterError
from tabular.planning import evaluate, exact, linear_program, linear_programs, occupancy, policy_iteration

FORMS = [("primal", "highs"), ("dual", "highs"), ("primal", "cvxpy"), ("dual", "cvxpy")]


def random_mdp(S, A, gamma, seed):
    rng = np.random.default_rng(seed)
    return DiscountedMDP(rng.dirichlet(np.full(S, 0.3), (S, A)), rng.random((S, A)), gamma)


@pytest.mark.parametrize(("form", "solver"), FORMS)
def test_all_forms_and_solvers_agree_and_certify(form, solver):
    mdp = random_mdp(12, 3, 0.9, 0)
    plan = linear_program(mdp, form=form, solver=solver)
    best = policy_iteration(mdp)
    np.testing.assert_allclose(plan.V, best.V, atol=1e-7)
    np.testing.assert_array_equal(plan.policy, best.policy)
    assert max(plan.primal_residual, plan.dual_residual, plan.complementarity, plan.gap) <= 1e-8
    assert all(F(a) <= v <= F(b) for a, v, b in zip(plan.lower, exact.solve(mdp).V, plan.upper, strict=True))


@given(table=naive.tables(), gamma=naive.discounts)
@settings(max_examples=20)
def test_highs_primal_encloses_the_enumerated_optimum(table, gamma):
    P, r = table
    truth = naive.optimal_values(P, r, gamma)
    for form in ("primal", "dual"):
        plan = linear_program(DiscountedMDP(P, r, gamma), form=form)
        assert all(F(a) <= v <= F(b) for a, v, b in zip(plan.lower, truth, plan.upper, strict=True))


@pytest.mark.parametrize("form", ["primal", "dual"])
def test_the_occupancy_is_that_of_its_policy_and_complementary(form):
    mdp = random_mdp(8, 3, 0.9, 1)
    plan = linear_program(mdp, form=form)
    np.testing.assert_allclose(plan.d.sum(), 1.0, atol=1e-9)
    pi = plan.d / plan.d.sum(axis=1, keepdims=True)
    pi /= pi.sum(axis=1, keepdims=True)
    uniform = DiscountedMDP(mdp.P, mdp.r, 0.9)
    np.testing.assert_allclose(occupancy(uniform, pi), plan.d, atol=1e-8)
    np.testing.assert_allclose((plan.d * mdp.r).sum() / 0.1, evaluate(uniform, pi).value, atol=1e-7)
    assert (np.count_nonzero(plan.d > 1e-12, axis=1) == 1).all()


def test_rho_moves_the_occupancy_and_not_the_values():
    mdp = random_mdp(5, 2, 0.8, 2)
    rho = np.array([0.6, 0.1, 0.1, 0.1, 0.1])
    plain, moved = linear_program(mdp), linear_program(mdp, rho=rho)
    np.testing.assert_allclose(plain.V, moved.V, atol=1e-9)
    assert np.abs(plain.d - moved.d).max() > 0.01
    np.testing.assert_allclose(moved.d.sum(1) - 0.8 * np.einsum("sa,sax->x", moved.d, mdp.P), 0.2 * rho, atol=1e-9)


def test_dense_and_csr_agree():
    mdp = random_mdp(6, 2, 0.9, 3)
    same = DiscountedMDP(sp.csr_array(mdp.P.reshape(12, 6)), mdp.r, 0.9)
    np.testing.assert_allclose(linear_program(mdp).V, linear_program(same).V, atol=1e-10)


@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        (lambda v, d: (v - 1e-5, d), "primal"),
        (lambda v, d: (v + 1e-5, d), "complementarity"),
        (lambda v, d: (v, d * (1.0 + 1e-4)), "dual"),
        (lambda v, d: (v, d - 1e-6), "dual"),
        (lambda v, d: (v, d[::-1].copy()), "dual"),
    ],
)
def test_a_wrong_answer_of_the_solver_is_refused(monkeypatch, spoil, name):
    honest = linear_programs._by_highs
    monkeypatch.setattr(linear_programs, "_by_highs", lambda program, form: spoil(*honest(program, form)))
    with pytest.raises(CertificateError, match=f"the {name} residual"):
        linear_program(random_mdp(5, 2, 0.9, 4))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"form": "lagrangian"}, "'primal'"),
        ({"solver": "glpk"}, "'highs'"),
        ({"rho": [0.5, 0.5, 0.0]}, r"rho\[2\]"),
        ({"rho": [0.5, 0.5]}, "rho"),
        ({"rho": [0.5, 0.5, 0.5]}, "sums to 1.5"),
    ],
)
def test_bad_options_are_refused(options, match):
    with pytest.raises(ParameterError, match=match):
        linear_program(random_mdp(3, 2, 0.9, 0), **options)


@pytest.mark.parametrize("form", ["primal", "dual"])
def test_transitions_that_the_solver_takes_for_zero_still_count(form):
    """HiGHS drops coefficients below 1e-9; the values must be those of the model as stated."""
    P = np.array([[[1 - 9e-10, 9e-10]], [[0.0, 1.0]]])
    mdp = DiscountedMDP(P, [[0.0], [1.0]], 1 - 1e-6)
    plan = linear_program(mdp, form=form)
    exact = mdp.gamma * 9e-10 * 1e6 / (1 - mdp.gamma * (1 - 9e-10))
    assert plan.V[0] == pytest.approx(exact, rel=1e-6)


def test_highs_is_asked_again_at_its_own_tolerances(monkeypatch):
    from scipy import optimize

    asked = []
    honest = optimize.linprog

    def fails_when_tight(*args, options, **kwargs):
        asked.append(options)
        answer = honest(*args, options=options, **kwargs)
        if options:
            answer.status = 4
        return answer

    monkeypatch.setattr(optimize, "linprog", fails_when_tight)
    mdp = DiscountedMDP([[[0.5, 0.5]], [[0.0, 1.0]]], [[0.0], [1.0]], 0.5)
    np.testing.assert_allclose(linear_program(mdp).V, [2 / 3, 2.0], rtol=1e-12)
    assert len(asked) == 2
    assert asked[1] == {}
