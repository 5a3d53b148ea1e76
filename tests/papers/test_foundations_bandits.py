"""Bandit claims of the foundations: bounds as printed, instances as described, faults seen."""

import math

import numpy as np
import pytest
from scipy import optimize

from bounds.claims import Evidence, Record, Status
from bounds.papers import _foundations_bandit_bounds as right_sides
from bounds.papers._foundations_bandits import CLAIMS, LOWER
from experiments.papers import _foundations_bandits as studies
from tabular.learning import bandit as learners
from tabular.streams import stream

BY_NAME = {claim.id.partition("/")[2]: claim for claim in CLAIMS}
GAPS = [0.5, 0.25, 0.0, 0.1]


def record(**cell):
    cell = {"b": 0.0, "delta": 0.0, "broken": False, "runs": 40, "block": 0, **cell}
    return Record("tabular-foundations/bandit-regret", cell, studies.run_regret(cell, stream(0, tuple(cell.items()))))


def judged(name, *records):
    claim = BY_NAME[name]
    return claim.judge.judge(claim.measure(Evidence(records)))


def log_f(n):
    return math.log(1 + n * math.log(n) ** 2)


def test_bounds_are_the_printed_ones():
    n, k = 1000, 4
    d = [0.5, 0.25, 0.1]
    L = math.log(n)
    assert right_sides.ucb1(n, GAPS) == pytest.approx(sum(8 * L / x + (1 + math.pi**2 / 3) * x for x in d))
    assert right_sides.ucb_delta(n, GAPS) == pytest.approx(3 * 0.85 + sum(16 * L / x for x in d))
    assert right_sides.moss(n, GAPS) == pytest.approx(39 * math.sqrt(4000) + 0.85)
    assert right_sides.thompson(n, k) == pytest.approx(math.sqrt(2000 * math.log(4)))
    assert right_sides.exp3(n, k) == pytest.approx(math.sqrt(8000 * math.log(4)))
    assert right_sides.tsallis_iw(n, k) == pytest.approx(4 * math.sqrt(4000) + 1)
    assert right_sides.tsallis_rv(n, k) == pytest.approx(2 * math.sqrt(4000) + 40 * L + 16)
    assert right_sides.tsallis_stochastic(n, GAPS) == pytest.approx(sum((L + 3) / x for x in d) + 20 + 112 * L + 3 + 32)
    plain = math.sqrt(32_000 * math.log(5)) + math.sqrt(2000 / math.log(5)) * math.log(20) + math.log(100)
    assert right_sides.exp3_ix(n, k, 0.05, tuned=False) == pytest.approx(plain)
    tuned = 2 * math.sqrt((2 * math.log(5) + math.log(20)) * 4000) + math.log(100)
    assert right_sides.exp3_ix(n, k, 0.05, tuned=True) == pytest.approx(tuned)


@pytest.mark.parametrize("n", [100, 10_000])
@pytest.mark.parametrize("gap", [0.05, 0.5, 2.0])
def test_bound_of_asymptotic_ucb_is_the_infimum(n, gap):
    c = log_f(n) + math.sqrt(math.pi * log_f(n)) + 1

    def term(eps):
        return gap * (1 + 5 / eps**2 + 2 * c / (gap - eps) ** 2)

    best = optimize.minimize_scalar(
        term, bounds=(1e-6 * gap, gap * (1 - 1e-6)), method="bounded", options={"xatol": 1e-12}
    )
    assert right_sides.ucb_asymptotic(n, [gap, 0.0]) == pytest.approx(best.fun, rel=1e-9)


@pytest.mark.parametrize("gap", [0.1, 0.5])
def test_bound_of_kl_ucb_is_near_its_infimum_and_not_below(gap):
    low, high, n = 0.5 - gap / 2, 0.5 + gap / 2, 10_000

    def term(shares):
        one, two = np.exp(shares) / (1 + np.exp(shares).sum()) * gap
        p, q = low + one, high - two
        kl = p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))
        return gap * (log_f(n) / kl + 0.5 / one**2 + 2 / two**2)

    best = optimize.minimize(term, [-1.0, -1.0], method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-10}).fun
    assert best * (1 - 1e-9) <= right_sides.kl_ucb(n, [low, high]) <= 1.01 * best
    assert right_sides.kl_ucb(n, [low, low, high]) == pytest.approx(2 * right_sides.kl_ucb(n, [low, high]))


def test_adversaries_are_as_described():
    for kind in studies.ADVERSARIES:
        table = studies.losses(kind, 3, 0.1, 500)
        assert table.shape == (500, 3)
        assert table.min() >= 0.0
        assert table.max() <= 1.0
    assert np.all(studies.losses("alternating", 3, 0.1, 6).argmin(axis=1) == [0, 1, 2, 0, 1, 2])
    phases = studies.losses("phases", 3, 0.1, 500)
    assert np.allclose(phases[:, 1:] - phases[:, :1], 0.1)
    jumps = np.flatnonzero(np.diff(phases[:, 1]))
    assert jumps.size > 5
    assert np.all(np.diff(jumps)[1:] > np.diff(jumps)[:-1])
    constant = studies.losses("constant", 3, 0.2, 4)
    assert np.allclose(constant, [[0.6, 0.6, 0.4]] * 4)


def test_every_learner_has_published_and_broken_cells():
    for scale in ("quick", "paper"):
        cells = studies.regret_cells(scale)
        assert {(cell["learner"], cell["broken"]) for cell in cells} == {
            (name, broken) for name in studies.LEARNERS for broken in (False, True)
        }
        kinds = {
            (
                cell["learner"],
                cell["instance"],
                cell["k"],
                cell["gap"],
                cell["b"],
                cell["n"],
                cell["delta"],
                cell["broken"],
            )
            for cell in cells
        }
        for kind in kinds:
            names = ("learner", "instance", "k", "gap", "b", "n", "delta", "broken")
            runs = sum(cell["runs"] for cell in cells if tuple(cell[name] for name in names) == kind)
            assert runs == 500 if scale == "paper" else runs >= 40


@pytest.mark.parametrize("name", [name for name in BY_NAME if name.startswith("bandit-upper-")])
def test_a_claim_can_be_judged_on_one_record(name):
    learner = "tsallis-rv" if name.endswith("stochastic") else name.removeprefix("bandit-upper-")
    cells = [c for c in studies.regret_cells("quick") if c["learner"] == learner and not c["broken"] and c["n"] == 1000]
    cell = next(c for c in cells if c["instance"] == "bernoulli" or not name.endswith("stochastic"))
    verdict = judged(name, record(**cell))
    assert verdict.status is Status.SUPPORTED
    assert verdict.tightness < 1.0


def test_vacuity_is_measured_against_the_largest_regret():
    assert judged("bandit-upper-moss", record(learner="moss", instance="gaussian", k=5, gap=0.5, n=1000)).vacuous
    short = record(learner="ucb-delta", instance="gaussian", k=2, gap=0.5, n=10_000)
    assert not judged("bandit-upper-ucb-delta", short).vacuous
    # Uniform prior on two arms: pulling at random costs 2/3 - 1/2 a round.
    prior = record(learner="thompson", instance="prior", k=2, gap=1.0, b=1.0, n=1000)
    assert BY_NAME["bandit-upper-thompson"].measure(Evidence((prior,))).trivial[0] == pytest.approx(1000 / 6, rel=1e-3)


def test_blocks_of_a_point_are_pooled():
    one, two = (record(learner="ucb1", instance="bernoulli", k=2, gap=0.5, n=1000, block=block) for block in (0, 1))
    sample = BY_NAME["bandit-upper-ucb1"].measure(Evidence((one, two)))
    assert len(sample.values) == 1
    assert sample.values[0].tolist() == [*one["final"], *two["final"]]
    assert one["final"].tolist() != two["final"].tolist()


FAULTS = {
    "bandit-upper-ucb1": ("ucb1", learners.epsilon_greedy, {"epsilon": 0.2}),
    "bandit-upper-kl-ucb": ("kl-ucb", learners.epsilon_greedy, {"epsilon": 0.2}),
    "bandit-upper-tsallis-stochastic": ("tsallis-rv", learners.epsilon_greedy, {"epsilon": 0.5}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_learner_of_linear_regret_is_seen(name, monkeypatch):
    learner, other, options = FAULTS[name]
    monkeypatch.setitem(studies.LEARNERS, learner, (lambda bandit, **how: other(bandit, **options, **how), {}))
    wrong = record(learner=learner, instance="bernoulli", k=5, gap=0.5, n=10_000)
    assert judged(name, wrong).status is Status.REFUTED


def test_minimax_study_raises_the_arm_pulled_least_and_sees_a_learner_that_beats_the_bound(monkeypatch):
    cell = {"learner": "ucb-delta", "k": 3, "n": 300, "runs": 50, "block": 0}
    found = studies.run_lower(cell, np.random.default_rng(0))
    assert found["least"][0] in (1, 2)
    assert found["half_sum"].mean() > math.sqrt(600) / 27
    lower = Record("tabular-foundations/bandit-minimax", cell, {**found, "half_sum": found["half_sum"] / 50})
    assert LOWER.judge.judge(LOWER.measure(Evidence((lower,)))).status is Status.REFUTED
