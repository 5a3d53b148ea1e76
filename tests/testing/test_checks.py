"""Each obligation is failed by an algorithm with exactly that fault, and by no sound one."""

import types

import numpy as np
import pytest

from tabular import DiscountedMDP
from tabular.planning import backward_induction, linear_program, policy_iteration, value_iteration
from tabular.testing import ObligationError, check_offline_learner, check_planner
from tabular.testing.obligations import GAMMA, best_value, instance, value


def certainty_equivalence(data, bonus=0.0):
    """Optimal policy of the empirical model; ``bonus`` < 0 is pessimism about rare pairs."""
    n = data.counts()
    P = data.transition_counts() / np.maximum(n, 1)[..., None]
    P[n == 0] = 1 / data.S
    r = data.mean_rewards() + bonus / np.sqrt(np.maximum(n, 1))
    Q = np.zeros((data.S, data.A))
    for _ in range(200):
        Q = r + GAMMA * P @ Q.max(axis=1)
    return Q.argmax(axis=1)


def by_step(data):
    n = data.counts(by_step=True)
    P = data.transition_counts(by_step=True) / np.maximum(n, 1)[..., None]
    V, policy = np.zeros(data.S), np.zeros(n.shape[:2], dtype=int)
    for h in reversed(range(data.H)):
        Q = data.mean_rewards(by_step=True)[h] + P[h] @ V
        policy[h], V = Q.argmax(axis=1), Q.max(axis=1)
    return types.SimpleNamespace(policy=policy)


def soft(data):
    """A stochastic policy, nearly greedy."""
    greedy = np.eye(data.A)[certainty_equivalence(data)]
    return 0.999 * greedy + 0.001 / data.A


def test_sound_learners_pass():
    check_offline_learner(certainty_equivalence)
    check_offline_learner(lambda data: certainty_equivalence(data, bonus=-1.0))
    check_offline_learner(soft)
    check_offline_learner(by_step, setting="episodic")
    check_offline_learner(lambda data: data.mean_rewards()[0].argmax(), setting="bandit")
    check_offline_learner(lambda data, rng: certainty_equivalence(data) + 0 * np.random.default_rng(rng).integers(1))


def stateful():
    calls = []

    def learner(data):
        calls.append(0)
        policy = certainty_equivalence(data)
        return policy if len(calls) % 2 else (policy + 1) % data.A

    return learner


def tampering(data):
    data.r.setflags(write=True)
    data.r[0] += 1.0
    return certainty_equivalence(data)


def first_name(data):
    return np.zeros(data.S, dtype=int)


BROKEN = {
    "no support for one action": ("runs", lambda d: certainty_equivalence(d) if d.A > 1 else 1 / 0),
    "crash on unseen pairs": ("runs", lambda d: certainty_equivalence(d) if d.counts().min() else 1 / 0),
    "one entry too few": ("valid policy", lambda d: certainty_equivalence(d)[1:]),
    "action out of range": ("valid policy", lambda d: certainty_equivalence(d) + d.A),
    "rows that do not sum to 1": ("valid policy", lambda d: soft(d) * 0.9),
    "hidden state": ("determinism", stateful()),
    "writes into the data": ("inputs untouched", tampering),
    "worst action": ("consistency", lambda d: (certainty_equivalence(d) + 1) % d.A),
    "no foresight": (
        "consistency",
        lambda d: d.mean_rewards().argmax(axis=1),
    ),
    "no data needed": (
        "refusal",
        lambda d: certainty_equivalence(d) if hasattr(d, "counts") else np.zeros(1, dtype=int),
    ),
}


@pytest.mark.parametrize("fault", list(BROKEN))
def test_each_fault_of_a_learner_fails_the_obligation_it_breaks(fault):
    obligation, learner = BROKEN[fault]
    with pytest.raises(ObligationError) as caught:
        check_offline_learner(learner)
    assert caught.value.obligation == obligation
    assert str(caught.value).startswith(obligation)


def test_a_preference_for_a_name_fails_relabelling():
    with pytest.raises(ObligationError) as caught:
        check_offline_learner(first_name, consistent=False)
    assert caught.value.obligation == "relabelling"
    with pytest.raises(ObligationError, match="refusal"):
        check_offline_learner(lambda d: first_name(d) if hasattr(d, "S") else 0, consistent=False, relabelling=False)


def test_a_step_too_late_fails_consistency():
    def late(data):
        return np.roll(by_step(data).policy, 1, axis=0)

    with pytest.raises(ObligationError, match="consistency"):
        check_offline_learner(late, setting="episodic")


def test_sound_planners_pass():
    for planner in (policy_iteration, value_iteration, linear_program):
        check_planner(planner, instances=2)
    check_planner(backward_induction, setting="episodic")


def altered(**change):
    def planner(mdp):
        plan = policy_iteration(mdp)
        fields = {name: getattr(plan, name) for name in ("policy", "V", "lower", "upper")}
        return types.SimpleNamespace(**(fields | {name: f(fields[name], mdp) for name, f in change.items()}))

    return planner


def random_planner(mdp):
    random_planner.calls += 1
    return (policy_iteration(mdp).policy + random_planner.calls) % mdp.A


random_planner.calls = 0


@pytest.mark.parametrize(
    ("obligation", "planner"),
    [
        ("runs", lambda mdp: policy_iteration(mdp) if mdp.S > 1 else 1 / 0),
        ("valid policy", altered(policy=lambda p, m: p[:-1])),
        ("determinism", random_planner),
        ("optimality", altered(policy=lambda p, m: (p + 1) % m.A)),
        ("optimality", lambda m: policy_iteration(DiscountedMDP(m.P, m.r, 0.0)).policy),
        ("values", altered(V=lambda v, m: v + 1e-5)),
        ("enclosure", altered(lower=lambda v, m: v + 1e-5)),
        ("enclosure", altered(upper=lambda v, m: v - 1e-5)),
    ],
)
def test_each_fault_of_a_planner_fails_the_obligation_it_breaks(obligation, planner):
    with pytest.raises(ObligationError) as caught:
        check_planner(planner, instances=2)
    assert caught.value.obligation == obligation


def test_a_planner_that_prefers_a_name_fails_relabelling():
    with pytest.raises(ObligationError, match="relabelling"):
        check_planner(lambda mdp: np.zeros(mdp.S, dtype=int), optimal=False)


@pytest.mark.parametrize("setting", ["discounted", "episodic"])
def test_the_instances_of_the_checks_ask_for_foresight(setting):
    losses = []
    for index in range(3):
        mdp = instance(setting, 3, 2, index)
        losses.append((best_value(mdp) - value(mdp, mdp.r.argmax(axis=-1))).max())
        assert (np.diff(np.sort(mdp.r, axis=-1)) > 1e-4).all()
    assert max(losses) > 0.1


@pytest.mark.parametrize("setting", ["discounted", "episodic"])
def test_the_reference_values_of_the_checks_agree_with_the_planners(setting):
    for index in range(5):
        mdp = instance(setting, 3, 3, index)
        plan = policy_iteration(mdp) if setting == "discounted" else backward_induction(mdp)
        V = plan.V if setting == "discounted" else plan.V[0]
        np.testing.assert_allclose(best_value(mdp), V, atol=1e-10)
        np.testing.assert_allclose(value(mdp, plan.policy), V, atol=1e-10)
