"""What every bandit learner does on every bandit: ties, sure arms and single arms included."""

import naive_bandits as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular import AdversarialBandit, BernoulliBandit
from tabular.learning import bandit as learners
from tabular.testing import adversarial_bandits, bandits

ANY = (
    learners.ucb1,
    learners.ucb_delta,
    learners.ucb_asymptotic,
    learners.moss,
    learners.kl_ucb,
    learners.exp3,
    learners.exp3_ix,
    learners.tsallis_inf,
    learners.epsilon_greedy,
)


@pytest.mark.parametrize("learner", ANY, ids=lambda learner: learner.__name__)
@settings(max_examples=40)
@given(model=st.one_of(bandits(), adversarial_bandits()), seed=st.integers(0, 2**32))
def test_regret_stays_within_what_rounds_can_cost(learner, model, seed):
    n = 12 if isinstance(model, BernoulliBandit) else model.T
    run = learner(model, horizon=n, runs=2, rng=seed)
    assert (run.pulls.sum(axis=1) == n).all()
    assert (run.pulls >= 0).all()
    if isinstance(model, AdversarialBandit):
        worst = np.cumsum(model.losses.max(axis=1)) - np.cumsum(model.losses, axis=0).min(axis=1)
        least = np.cumsum(model.losses.min(axis=1)) - np.cumsum(model.losses, axis=0).min(axis=1)
        assert (run.regret <= worst[run.rounds - 1] + 1e-9).all()
        assert (run.regret >= least[run.rounds - 1] - 1e-9).all()
    else:
        assert (run.regret <= np.ptp(model.means) * run.rounds + 1e-9).all()
        assert (np.diff(run.regret, axis=1) >= -1e-12).all()


@given(model=adversarial_bandits(), seed=st.integers(0, 2**32))
def test_exp3_and_tsallis_inf_are_their_definitions(model, seed):
    n, k, losses = model.T, model.A, model.losses
    exp3 = learners.exp3(model, horizon=n, eta=0.5, actions=True, rng=seed)
    actions, _ = naive.play_exp3(
        k, n, 0.5, 0.0, naive.adversarial(losses), naive.stream(seed), lambda t, a: losses[t, a]
    )
    assert exp3.actions[0].tolist() == actions
    for estimator in ("iw", "rv"):
        run = learners.tsallis_inf(model, horizon=n, estimator=estimator, actions=True, rng=seed)
        actions, spent = naive.play_tsallis(
            k, n, estimator, naive.adversarial(losses), naive.stream(seed), lambda t, a: losses[t, a]
        )
        assert run.actions[0].tolist() == actions
        assert run.regret[0, -1] == pytest.approx(spent - losses.sum(axis=0).min(), abs=1e-7)


@given(model=bandits(), seed=st.integers(0, 2**32))
def test_kl_ucb_pulls_the_arm_of_largest_index(model, seed):
    """Exact ties are frequent here: means 0 and 1, and equal arms."""
    run = learners.kl_ucb(model, horizon=40, actions=True, rng=seed)

    def index(t, mean, N):
        return learners.kl_ucb_index(mean, naive.log_f(t) / N)

    expected = naive.play_index(model.A, 40, index, naive.bernoulli(model.means), naive.stream(seed))
    assert run.actions[0].tolist() == expected
