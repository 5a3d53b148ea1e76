"""Each obligation of `check_online_learner` is failed by a learner with exactly that fault, and by no sound one."""

import types

import numpy as np
import pytest

from tabular import EpisodicMDP, ParameterError
from tabular.planning import backward_induction
from tabular.testing import ObligationError, check_online_learner
from tabular.testing.obligations import best_value, value
from tabular.testing.online_learners import SIZES, _gaps, model


def start_value(mdp, policy):
    return float(mdp.mu0 @ value(mdp, policy))


def record(mdp, policies, **change):
    """What a run returns of ``policies``; ``change`` maps names to what is returned instead."""
    values = np.array([start_value(mdp, policy) for policy in policies])
    best = float(mdp.mu0 @ best_value(mdp))
    visits = np.zeros(mdp.r.shape, dtype=int)
    visits[:, 0, 0] = len(policies)
    fields = {"values": values, "policy": policies[-1], "optimal_value": best, "visits": visits}
    fields["regret"] = np.cumsum(best - values)
    return types.SimpleNamespace(**(fields | {name: f(fields[name]) for name, f in change.items()}))


def uniform_then_optimal(mdp, episodes, rng=0, **change):
    """Uniform for the first half of the run, then optimal: a caricature of a learner."""
    if not isinstance(mdp, EpisodicMDP):
        raise TypeError(f"{type(mdp).__name__} is no model")
    half = [np.full(mdp.r.shape, 1 / mdp.A)] * (episodes // 2)
    best = np.eye(mdp.A)[backward_induction(mdp).policy]
    return record(mdp, half + [best] * (episodes - len(half)), **change)


def altered(**change):
    def learner(mdp, episodes):
        return uniform_then_optimal(mdp, episodes, **change)

    return learner


def with_policies(mdp, episodes, shift=0.0, action=0):
    run = uniform_then_optimal(mdp, episodes)
    policies = [np.full(mdp.r.shape, 1 / mdp.A)] * (episodes // 2)
    policies += [backward_induction(mdp).policy] * (episodes - len(policies))
    policies[-1] = policies[-1] + action
    return types.SimpleNamespace(policies=_pack(policies, mdp), values=run.values + shift)


def _pack(policies, mdp):
    return np.array([p if p.ndim == 3 else np.eye(mdp.A + 1)[p][..., : mdp.A] for p in policies])


def only_policies(mdp, episodes):
    return types.SimpleNamespace(policies=with_policies(mdp, episodes).policies)


def test_sound_runs_pass():
    for learner in (uniform_then_optimal, with_policies, only_policies):
        check_online_learner(learner, instances=1, episodes=40)
        check_online_learner(learner, instances=1, episodes=40, stationary=True)
    check_online_learner(lambda mdp, episodes: types.SimpleNamespace(values=uniform_then_optimal(mdp, episodes).values))


def stateful():
    calls = []

    def learner(mdp, episodes):
        calls.append(0)
        policy = np.full((mdp.H, mdp.S), len(calls) % mdp.A)
        uniform_then_optimal(mdp, 1)
        return record(mdp, [policy] * episodes)

    return learner


def tampering(mdp, episodes):
    table = mdp.r.base if mdp.r.base is not None else mdp.r
    table.setflags(write=True)
    table *= 0.5
    return uniform_then_optimal(mdp, episodes)


def crash(condition):
    def learner(mdp, episodes):
        return 1 / 0 if condition(mdp, episodes) else uniform_then_optimal(mdp, episodes)

    return learner


def uniform(mdp, episodes):
    uniform_then_optimal(mdp, 1)
    return record(mdp, [np.full(mdp.r.shape, 1 / mdp.A)] * episodes)


def myopic(mdp, episodes):
    uniform_then_optimal(mdp, 1)
    return record(mdp, [mdp.r.argmax(axis=-1)] * episodes)


def trusting(mdp, episodes):
    good = hasattr(mdp, "H")
    return uniform_then_optimal(mdp, episodes) if good else types.SimpleNamespace(values=np.zeros(episodes))


def one_policy_short(mdp, episodes):
    return types.SimpleNamespace(policies=only_policies(mdp, episodes).policies[1:])


def spiked(index, by):
    """Change one value, away from the end, by ``by``."""

    def change(values):
        return np.concatenate((values[:index], values[index : index + 1] + by, values[index + 1 :]))

    return change


BROKEN = {
    "no support for one action": ("runs", crash(lambda mdp, episodes: mdp.A == 1)),
    "no support for one episode": ("runs", crash(lambda mdp, episodes: episodes == 1)),
    "no values": ("values", lambda mdp, episodes: types.SimpleNamespace(policy=backward_induction(mdp).policy)),
    "one value too few": ("values", altered(values=lambda v: v[1:])),
    "a value that is no number": ("values", altered(values=lambda v: v * np.nan)),
    "above the optimum": ("values", altered(values=spiked(-2, 1e-6))),
    "below every policy": ("values", altered(values=spiked(0, -5.0))),
    "values of other policies": ("values", lambda m, episodes: with_policies(m, episodes, shift=-1e-6)),
    "value of another policy at the end": ("values", altered(values=lambda v: v - 1e-6)),
    "policies of too few episodes": ("values", one_policy_short),
    "action out of range": ("valid policy", lambda m, episodes: with_policies(m, episodes, action=m.A)),
    "last policy of the wrong shape": ("valid policy", altered(policy=lambda p: p[1:])),
    "optimum of another model": ("optimal value", altered(optimal_value=lambda v: v + 1e-6)),
    "regret that is not cumulative": ("regret", altered(regret=lambda g: np.append(g[:1], np.diff(g)) + 1e-3)),
    "visits of half the episodes": ("visits", altered(visits=lambda n: n // 2)),
    "hidden state": ("determinism", stateful()),
    "writes into the model": ("inputs untouched", tampering),
    "never learns": ("consistency", uniform),
    "no foresight": ("consistency", myopic),
    "no model needed": ("refusal", trusting),
}  # fmt: skip


@pytest.mark.parametrize("fault", list(BROKEN))
def test_each_fault_of_a_run_fails_the_obligation_it_breaks(fault):
    obligation, learner = BROKEN[fault]
    with pytest.raises(ObligationError) as caught:
        check_online_learner(learner, episodes=40)
    assert caught.value.obligation == obligation


def test_what_is_not_promised_is_not_asked():
    check_online_learner(uniform, episodes=40, consistent=False)
    blurred = altered(policy=lambda p: np.full(p.shape, 1 / p.shape[-1]))
    check_online_learner(blurred, episodes=40, exact=False)
    with pytest.raises(ObligationError) as caught:
        check_online_learner(blurred, episodes=40)
    assert caught.value.obligation == "values"
    with pytest.raises(ObligationError) as caught:
        check_online_learner(uniform_then_optimal, episodes=40, anytime=True)
    assert caught.value.obligation == "anytime"
    check_online_learner(uniform, episodes=40, consistent=False, anytime=True)


class Explorer:
    """Tries everything in turn, and then plays what is best in the means of what it saw."""

    def __init__(self, S, A, H, rounds=60):
        if min(S, A, H) < 1:
            raise ValueError("no sizes")
        self.n = np.zeros((H, S, A, S))
        self.r = np.zeros((H, S, A))
        self.rounds = rounds

    def act(self, h, s):
        n = self.n[h, s].sum(axis=-1)
        if n.min() < self.rounds:
            return int(n.argmin())
        V = np.zeros(self.n.shape[1])
        for t in reversed(range(h, self.n.shape[0])):
            Q = self.r[t] + self.n[t] @ V / np.maximum(self.n[t].sum(axis=-1), 1)
            V = Q.max(axis=1)
        return int(Q[s].argmax())

    def observe(self, h, s, a, r, s_next):
        self.n[h, s, a, s_next] += 1
        self.r[h, s, a] = r


class Crashing(Explorer):
    def observe(self, h, s, a, r, s_next):
        super().observe(h, s, a, r / (self.n.shape[2] - 1), s_next)


class Impatient(Explorer):
    """Cannot bear an episode that ends early."""

    last = None

    def act(self, h, s):
        if h == 0 and self.last not in (None, self.n.shape[0] - 1):
            raise RuntimeError("where is the rest?")
        self.last = h
        return super().act(h, s)


class Overreaching(Explorer):
    def act(self, h, s):
        return super().act(h, s) + (h == self.n.shape[0] - 1) * self.n.shape[2]


class Drawing(Explorer):
    """Keeps state between agents."""

    calls = 0

    def act(self, h, s):
        Drawing.calls += 1
        return Drawing.calls // 7 % self.n.shape[2]


class Uniform(Explorer):
    def act(self, h, s):
        return int(self.n[h, s].sum(axis=-1).argmin())


class Trusting(Explorer):
    def __init__(self, S, A, H):
        super().__init__(max(S, 1), A, H)


@pytest.mark.parametrize(
    ("obligation", "agent"),
    [
        ("runs", lambda S, A, H: 1 / 0),
        ("runs", lambda S, A, H: Crashing(S, A, H)),
        ("runs", Impatient),
        ("valid action", Overreaching),
        ("determinism", Drawing),
        ("consistency", Uniform),
        ("refusal", Trusting),
    ],
)  # fmt: skip
def test_each_fault_of_an_agent_fails_the_obligation_it_breaks(obligation, agent):
    with pytest.raises(ObligationError) as caught, np.errstate(all="raise"):
        check_online_learner(agent, interface="agent", instances=1, episodes=800)
    assert caught.value.obligation == obligation


def test_sound_agents_pass():
    check_online_learner(Explorer, interface="agent", instances=1)
    check_online_learner(Uniform, interface="agent", instances=1, episodes=100, consistent=False)

    def drawing(S, A, H, rng):
        return Explorer(S, A, H, rounds=60 + rng)

    check_online_learner(drawing, interface="agent", instances=1, stationary=True, seed=1)


@pytest.mark.parametrize("stationary", [False, True])
def test_the_models_of_the_check_tell_learners_from_others(stationary):
    """Somewhere a uniform policy, and one without foresight, lose more than twice the tolerance; no action is tied."""
    lost_uniform, lost_myopic = [], []
    for S, A, H in SIZES:
        for index in range(2):
            mdp = model(S, A, H, index, stationary)
            assert mdp.stationary == (stationary or H == 1)
            gaps = _gaps(mdp)
            assert (np.sort(gaps, axis=-1)[..., 1:] > 1e-4).all()
            assert np.array_equal(gaps.argmin(axis=-1), backward_induction(mdp).policy)
            best = float(mdp.mu0 @ best_value(mdp))
            lost_uniform.append(best - start_value(mdp, np.full(mdp.r.shape, 1 / A)))
            lost_myopic.append(best - start_value(mdp, mdp.r.argmax(axis=-1)))
    assert min(max(lost_uniform), max(lost_myopic)) > 0.1


@pytest.mark.parametrize("change", [{"interface": "both"}, {"instances": 0}, {"episodes": 7}, {"tolerance": -1.0}])
def test_bad_arguments_are_refused(change):
    with pytest.raises(ParameterError):
        check_online_learner(uniform_then_optimal, **change)
