"""What holds for every bandit learner: pure runs, exact regret, bounded memory, and errors that say what is wrong."""

import math
import tracemalloc

import numpy as np
import pytest

from tabular import AdversarialBandit, BernoulliBandit, GaussianBandit, ModelError, ParameterError
from tabular.learning import bandit as learners

COIN = BernoulliBandit([0.2, 0.8, 0.5])
NORMAL = GaussianBandit([0.0, 1.0, 0.5], [1.0, 1.0, 2.0])
LOSSES = np.random.default_rng(1).random((400, 3))
ADVERSARY = AdversarialBandit(LOSSES)
INDEX = (learners.ucb1, learners.ucb_delta, learners.ucb_asymptotic, learners.moss)
MIXED = (learners.exp3, learners.exp3_ix, learners.tsallis_inf)
EVERY = (*INDEX, learners.kl_ucb, learners.thompson, *MIXED, learners.epsilon_greedy)
PLAYS = {
    **dict.fromkeys((*INDEX, learners.epsilon_greedy), (COIN, NORMAL, ADVERSARY)),
    **dict.fromkeys((learners.kl_ucb, *MIXED), (COIN, ADVERSARY)),
    learners.thompson: (COIN, NORMAL),
}
PAIRS = [(learner, bandit) for learner, bandits in PLAYS.items() for bandit in bandits]


def name(value):
    return getattr(value, "__name__", type(value).__name__)


every = pytest.mark.parametrize("learner", EVERY, ids=name)
pairs = pytest.mark.parametrize(("learner", "bandit"), PAIRS, ids=name)


@pairs
def test_runs_do_not_depend_on_how_they_are_grouped(learner, bandit):
    whole = learner(bandit, horizon=200, runs=6, actions=True, rng=3)
    parts = [learner(bandit, horizon=200, runs=2, first_run=i, actions=True, rng=3) for i in (0, 2, 4)]
    assert np.array_equal(whole.regret, np.concatenate([part.regret for part in parts]))
    assert np.array_equal(whole.actions, np.concatenate([part.actions for part in parts]))
    assert len({tuple(row) for row in whole.actions.tolist()}) > 1 or bandit is ADVERSARY


@pairs
def test_a_run_is_a_pure_function_of_its_arguments(learner, bandit):
    seeds = (5, np.random.SeedSequence(5), np.random.SeedSequence(5))
    found = [learner(bandit, horizon=150, runs=2, rng=seed).regret for seed in seeds]
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[1], found[2])
    generator = np.random.default_rng(5)
    first, second = (learner(bandit, horizon=150, runs=2, rng=generator, actions=True).actions for _ in range(2))
    again = learner(bandit, horizon=150, runs=2, rng=np.random.default_rng(5), actions=True).actions
    assert np.array_equal(first, again)
    deterministic = bandit is ADVERSARY and learner not in (*MIXED, learners.epsilon_greedy)
    assert np.array_equal(first, second) == deterministic


@pairs
def test_regret_is_the_sum_of_costs_less_that_of_the_best_arm(learner, bandit):
    options = {"regret": "pulled"} if learner in MIXED else {}
    run = learner(bandit, horizon=300, runs=3, actions=True, record=range(1, 301), rng=0, **options)
    rows = np.arange(300)
    for i in range(3):
        taken = run.actions[i]
        if bandit is ADVERSARY:
            table = LOSSES[:300]
            expected = np.cumsum(table[rows, taken]) - np.cumsum(table, axis=0).min(axis=1)
        else:
            expected = np.cumsum((bandit.means.max() - bandit.means)[taken])
        assert run.regret[i] == pytest.approx(expected, abs=1e-9)
        assert run.pulls[i].tolist() == np.bincount(taken, minlength=3).tolist()
    assert run.counted == "pulled"
    assert run.mean_regret == pytest.approx(run.regret.mean(axis=0))
    assert run.standard_error == pytest.approx(run.regret.std(axis=0, ddof=1) / math.sqrt(3))


@pairs
def test_recording_changes_nothing_that_happens(learner, bandit):
    every_round = learner(bandit, horizon=300, record=np.arange(1, 301), rng=2)
    few = learner(bandit, horizon=300, record=[1, 17, 200], rng=2)
    default = learner(bandit, horizon=300, rng=2)
    assert np.array_equal(few.regret[0], every_round.regret[0, [0, 16, 199]])
    assert np.array_equal(default.regret[0], every_round.regret[0, default.rounds - 1])
    assert np.array_equal(few.pulls, every_round.pulls)
    assert few.pulls.sum() == 300
    assert default.rounds[0] == 1
    assert default.rounds[-1] == default.horizon == 300


@pytest.mark.parametrize("learner", MIXED, ids=name)
@pytest.mark.parametrize("bandit", [COIN, ADVERSARY], ids=name)
def test_expected_costs_have_the_mean_of_pulled_costs_and_vary_less(learner, bandit):
    expected, pulled = (
        learner(bandit, horizon=300, runs=400, regret=regret, record=[300], rng=4) for regret in ("expected", "pulled")
    )
    difference = pulled.regret[:, 0] - expected.regret[:, 0]
    assert np.array_equal(expected.pulls, pulled.pulls)
    assert abs(difference.mean()) < 4.0 * difference.std() / 20.0
    assert difference.std() > 0.0
    assert expected.counted == "expected"


@every
def test_a_single_arm_is_pulled_without_regret(learner):
    run = learner(BernoulliBandit([0.4]), horizon=20, runs=2, rng=0)
    assert run.pulls.tolist() == [[20], [20]]
    assert not run.regret.any()


@every
@pytest.mark.parametrize("horizon", [1, 2])
def test_horizons_shorter_than_the_number_of_arms(learner, horizon):
    run = learner(COIN, horizon=horizon, rng=0)
    assert run.pulls.sum() == horizon
    assert run.rounds.tolist() == list(range(1, horizon + 1))


@every
@pytest.mark.compiled
def test_memory_does_not_grow_with_the_horizon(learner):
    learner(COIN, horizon=10, rng=0)
    peaks = []
    for horizon in (2_000, 40_000):
        tracemalloc.start()
        learner(COIN, horizon=horizon, runs=2, record=[horizon], rng=0)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 20_000


def test_the_whole_history_is_kept_only_when_asked_for():
    assert learners.ucb1(COIN, horizon=1000, rng=0).actions.size == 0
    assert learners.ucb1(COIN, horizon=1000, runs=2, actions=True, rng=0).actions.shape == (2, 1000)


def test_results_are_frozen():
    run = learners.ucb1(COIN, horizon=10, rng=0)
    with pytest.raises(AttributeError):
        run.horizon = 3
    assert run.standard_error.tolist() == [0.0] * run.rounds.size


COMMON = [
    ({"horizon": 0}, "horizon is 0"),
    ({"horizon": 2.5}, "horizon is 2.5"),
    ({"runs": 0}, "runs is 0"),
    ({"first_run": -1}, "first_run is -1"),
    ({"record": [0]}, r"record\[0\] is 0"),
    ({"record": [1, 3, 3]}, r"record\[2\] is 3"),
    ({"record": [1, 11]}, r"record\[1\] is 11"),
    ({"record": [1.5]}, r"record\[0\] is 1.5"),
    ({"record": []}, "record has shape"),
    ({"record": [math.nan]}, r"record\[0\] is nan"),
    ({"actions": 1}, "actions is 1"),
    ({"rng": None}, "rng is None"),
    ({"rng": -1}, "rng is -1"),
]


@every
@pytest.mark.parametrize(("change", "words"), COMMON, ids=str)
def test_bad_arguments_are_named(learner, change, words):
    with pytest.raises(ParameterError, match=words):
        learner(COIN, **{"horizon": 10, "rng": 0, **change})


@every
@pytest.mark.parametrize("bandit", [None, [0.1, 0.9], object()])
def test_what_is_no_bandit_is_refused(learner, bandit):
    with pytest.raises(ParameterError, match="plays a"):
        learner(bandit, horizon=10, rng=0)


@pytest.mark.parametrize(
    ("learner", "bandit"),
    [(learner, NORMAL) for learner in (learners.kl_ucb, *MIXED)] + [(learners.thompson, ADVERSARY)],
    ids=name,
)
def test_bandits_of_another_kind_are_refused(learner, bandit):
    with pytest.raises(ParameterError, match=f"not a {type(bandit).__name__}"):
        learner(bandit, horizon=10, rng=0)


@pytest.mark.parametrize("learner", [*INDEX, learners.kl_ucb, *MIXED, learners.epsilon_greedy], ids=name)
def test_an_adversary_must_last_as_long_as_the_run(learner):
    with pytest.raises(ParameterError, match="horizon is 401, but losses has 400 rounds"):
        learner(ADVERSARY, horizon=401, rng=0)


@pytest.mark.parametrize(
    ("learner", "options", "words"),
    [
        (learners.ucb1, {"scale": math.nan}, "scale"),
        (learners.ucb1, {"scale": math.inf}, "scale"),
        (learners.ucb1, {"sigma": 0.0}, "sigma"),
        (learners.ucb1, {"scale": 1e200, "sigma": 1e200}, r"scale \* sigma"),
        (learners.ucb_delta, {"delta": 0.0}, "delta"),
        (learners.ucb_delta, {"delta": 1.1}, "delta"),
        (learners.kl_ucb, {"scale": -0.1}, "scale"),
        (learners.exp3, {"eta": 0.0}, "eta"),
        (learners.exp3, {"eta": -1.0}, "eta"),
        (learners.exp3, {"eta": math.nan}, "eta"),
        (learners.exp3, {"scale": 0.0}, "scale"),
        (learners.exp3, {"eta": 1e300, "scale": 1e300}, r"eta \* scale"),
        (learners.exp3, {"estimator": "rv"}, "estimator"),
        (learners.exp3, {"regret": "realised"}, "regret"),
        (learners.exp3_ix, {"delta": 1.0}, "delta"),
        (learners.exp3_ix, {"gamma": -0.1}, "gamma"),
        (learners.tsallis_inf, {"estimator": "both"}, "estimator"),
        (learners.tsallis_inf, {"scale": 0.0}, "scale"),
        (learners.thompson, {"prior": (1.0, 0.0)}, r"prior\[1\] is 0"),
        (learners.thompson, {"prior": [[1.0, 1.0]] * 2}, r"prior has shape \(2, 2\)"),
        (learners.thompson, {"prior": (1.0, math.inf)}, r"prior\[1\] is inf"),
        (learners.thompson, {"sample": "median"}, "sample"),
        (learners.epsilon_greedy, {"epsilon": 1.5}, "epsilon"),
        (learners.epsilon_greedy, {"gap": 0.0}, "gap"),
        (learners.epsilon_greedy, {"gap": 0.1, "c": -1.0}, "c is"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_bad_options_are_named(learner, options, words):
    with pytest.raises(ParameterError, match=words):
        learner(COIN, horizon=10, rng=0, **options)


def test_bad_normal_priors_are_named():
    with pytest.raises(ParameterError, match="arm 1 is 0"):
        learners.thompson(NORMAL, horizon=10, prior=[[0.0, 1.0], [0.0, 0.0], [0.0, 1.0]], rng=0)
    with pytest.raises(ParameterError, match="1e150 times smaller"):
        learners.thompson(NORMAL, horizon=10, prior=(0.0, 1e-200), rng=0)


@pytest.mark.parametrize("value", [1.0 + 1e-15, -1e-300, math.nan, math.inf, 1e12])
def test_losses_outside_the_unit_interval_are_named(value):
    bad = LOSSES.copy()
    bad[7, 2] = value
    with pytest.raises(ModelError, match=r"losses\[7, 2\] is"):
        AdversarialBandit(bad)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (3,)])
def test_empty_or_flat_losses_are_refused(shape):
    with pytest.raises(ModelError, match="losses has shape"):
        AdversarialBandit(np.zeros(shape))


def test_an_adversary_knows_its_sizes():
    assert (ADVERSARY.T, ADVERSARY.A, ADVERSARY.S) == (400, 3, 1)
    assert ADVERSARY.fingerprint() != AdversarialBandit(LOSSES[:-1]).fingerprint()
    with pytest.raises(ValueError, match="read-only"):
        ADVERSARY.losses[0, 0] = 0.5


EXTREME = [
    (learners.exp3, {"eta": 1e12}),
    (learners.exp3, {"eta": 1e-300}),
    (learners.exp3_ix, {"eta": 1e9, "gamma": 0.0}),
    (learners.tsallis_inf, {"scale": 1e9}),
    (learners.tsallis_inf, {"scale": 1e-9, "estimator": "rv"}),
    (learners.thompson, {"prior": (1e-300, 1e-300)}),
    (learners.thompson, {"prior": (1e15, 1e15)}),
    (learners.epsilon_greedy, {"gap": 1e-300}),
    (learners.ucb_delta, {"delta": 5e-324}),
    (learners.ucb1, {"scale": -1e100}),
    (learners.kl_ucb, {"scale": 1e300}),
]


@pytest.mark.parametrize(("learner", "options"), EXTREME, ids=lambda value: getattr(value, "__name__", str(value)))
def test_extreme_options_are_survived(learner, options):
    for means in ([0.0, 1.0, 0.5], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]):
        run = learner(BernoulliBandit(means), horizon=500, runs=2, rng=0, **options)
        assert np.isfinite(run.regret).all()
        assert (run.regret >= -1e-9).all()
        assert (run.pulls.sum(axis=1) == 500).all()


@pytest.mark.parametrize("learner", INDEX, ids=name)
def test_renaming_the_arms_renames_the_pulls(learner):
    """Without noise nothing is drawn; the last rounds of the start, in order of the arms, aside."""
    means = np.array([0.31, 0.77, 0.52, 0.12])
    order = np.array([2, 0, 3, 1])
    plain = learner(GaussianBandit(means, 0.0), horizon=400, actions=True, rng=0)
    renamed = learner(GaussianBandit(means[order], 0.0), horizon=400, actions=True, rng=0)
    assert order[renamed.actions[0, 4:]].tolist() == plain.actions[0, 4:].tolist()
    assert renamed.pulls[0].tolist() == plain.pulls[0, order].tolist()
