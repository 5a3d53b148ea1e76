"""The strategies generate what they promise, hard cases included."""

import sys

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

import tabular.testing as kit
from tabular import MissingExtra
from tabular.testing import (
    adversarial_bandits,
    average_reward_mdps,
    bandits,
    contextual_bandits,
    discounted_mdps,
    distributions,
    episodic_mdps,
    gaussian_bandits,
    matrix_games,
    offline_datasets,
    policies,
)

QUICK = settings(max_examples=2000, phases=[Phase.generate], derandomize=True, database=None)
MODELS = [episodic_mdps(), discounted_mdps(sparse=None), average_reward_mdps(sparse=None)]


def exists(strategy, condition):
    return find(strategy, condition, settings=QUICK) is not None


def table(mdp):
    return mdp.dense_P() if hasattr(mdp, "dense_P") else mdp.P[0]


def mean(mdp):
    return mdp.r if mdp.r.ndim == 2 else mdp.r[0]


CASES = {
    "impossible and possible successors in one row": lambda m: ((table(m) == 0).any(-1) & (table(m).max(-1) < 1)).any(),
    "sure transition to another state": lambda m: m.S > 1 and table(m)[0, 0, 1] == 1,
    "absorbing state": lambda m: m.S > 1 and (table(m)[0, :, 0] == 1).all(),
    "tied actions": lambda m: m.A > 1 and np.ptp(table(m)[0], axis=0).max() == 0 and np.ptp(mean(m)[0]) == 0,
    "tied rewards, different transitions": lambda m: (
        m.A > 1 and np.ptp(table(m)[0], 0).any() and not np.ptp(mean(m)[0])
    ),
    "one state": lambda m: m.S == 1,
    "one action among several states": lambda m: m.A == 1 and m.S > 1,
    "largest size": lambda m: (m.S, m.A) == (4, 3),
    "rewards at 0 and at 1": lambda m: (mean(m) == 0).any() and (mean(m) == 1).any(),
    "no reward at all": lambda m: (m.r == 0).all() and m.S > 1,
    "sure start": lambda m: m.S > 1 and m.mu0.max() == 1,
    "full support": lambda m: m.S > 1 and (table(m) > 0).all(),
    "a state that nothing enters": lambda m: m.S > 1 and table(m)[:, :, -1].max() == 0,
}


@pytest.mark.parametrize("strategy", MODELS, ids=["episodic", "discounted", "average"])
@pytest.mark.parametrize("case", list(CASES))
def test_models_contain_the_hard_cases(strategy, case):
    assert exists(strategy, CASES[case])


@pytest.mark.parametrize(
    ("strategy", "condition"),
    [
        (episodic_mdps(), lambda m: m.stationary and m.H > 1),
        (episodic_mdps(), lambda m: not m.stationary),
        (episodic_mdps(), lambda m: m.H == 1),
        (discounted_mdps(), lambda m: m.gamma == 0),
        (discounted_mdps(), lambda m: m.gamma == 63 / 64),
        (discounted_mdps(sparse=None), lambda m: m.sparse),
        (discounted_mdps(sparse=None), lambda m: not m.sparse),
        (bandits(), lambda m: m.A == 1),
        (bandits(), lambda m: m.A > 2 and np.ptp(m.means) == 0),
        (bandits(), lambda m: {0.0, 1.0} <= set(m.means.tolist())),
        (gaussian_bandits(), lambda m: m.std.min() == 0 and m.std.max() > 0),
        (gaussian_bandits(), lambda m: m.means.min() < 0),
        (contextual_bandits(), lambda m: m.context_distribution.min() == 0),
        (contextual_bandits(), lambda m: m.S > 1 and m.A > 1 and np.ptp(m.means.argmax(axis=1)) > 0),
        (adversarial_bandits(), lambda m: m.T > 1 and m.A > 1 and np.ptp(m.losses.argmin(axis=1)) > 0),
        (adversarial_bandits(), lambda m: {0.0, 1.0} <= set(m.losses.ravel().tolist())),
        (matrix_games(), lambda m: m.payoff.max(axis=0).min() > m.payoff.min(axis=1).max()),
        (matrix_games(), lambda m: m.A > 1 and m.B > 1 and np.ptp(m.payoff) == 0),
        (matrix_games(), lambda m: m.A != m.B),
        (offline_datasets(), lambda d: d.N == 0),
        (offline_datasets(), lambda d: d.N > 0 and (d.counts() == 0).any()),
        (offline_datasets(), lambda d: d.counts().max() > 2),
        (distributions(3), lambda p: p.max() == 1),
        (distributions(3), lambda p: 0 < p.min() < 1 / 32),
    ],
)
def test_the_special_cases_of_each_strategy_occur(strategy, condition):
    assert exists(strategy, condition)


@pytest.mark.parametrize("strategy", MODELS, ids=["episodic", "discounted", "average"])
def test_dyadic_models_are_exact(strategy):
    @given(strategy)
    def check(mdp):
        assert mdp.row_error == 0.0
        for array, parts in ((table(mdp), 64), (mdp.r, 8), (mdp.mu0, 64)):
            assert np.array_equal(array * parts, np.rint(array * parts))
        assert mdp.reward_range[0] >= 0
        assert mdp.reward_range[1] <= 1
        if hasattr(mdp, "gamma"):
            assert (mdp.gamma * 64).is_integer()

    check()


@given(discounted_mdps(dyadic=False, sparse=None))
def test_other_models_have_rows_within_a_few_ulp(mdp):
    assert mdp.row_error <= 4.5e-16
    assert mdp.r.min() >= 0


def test_other_models_are_not_dyadic():
    assert exists(discounted_mdps(dyadic=False), lambda m: not (m.r * 8).max().is_integer())


@given(st.data())
def test_policies_fit_their_model_in_the_form_that_was_asked(data):
    mdp = data.draw(st.one_of(MODELS))
    stochastic = data.draw(st.sampled_from([None, True, False]))
    policy = data.draw(policies(mdp, stochastic=stochastic))
    assert mdp.policy(policy).shape[: mdp.r.ndim - 1] == mdp.r.shape[:-1]
    if stochastic is not None:
        assert (policy.dtype == np.float64) is stochastic


@given(st.data())
def test_datasets_hold_possible_transitions_of_the_model(data):
    mdp = data.draw(st.one_of(MODELS))
    log = data.draw(offline_datasets(mdp, min_rows=2, max_rows=5))
    assert 2 <= log.N <= 5
    P = mdp.P[log.h] if log.h is not None else np.broadcast_to(mdp.dense_P(), (log.N, mdp.S, mdp.A, mdp.S))
    assert (P[np.arange(log.N), log.s, log.a, log.s_next] > 0).all()


def test_without_hypothesis_the_extra_is_named_and_the_checks_still_load(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "hypothesis"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "tabular.testing.strategies")
    monkeypatch.delitem(vars(kit), "bandits", raising=False)
    with pytest.raises(MissingExtra, match=r"rl-theorems\[test\]"):
        _ = kit.bandits
    assert callable(kit.check_planner)
