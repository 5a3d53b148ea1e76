"""Episodic claims of the foundations: bounds as printed, what found means, and faults that the judges see."""

import math

import numpy as np
import pytest

from bounds.claims import Evidence, Record, Status
from bounds.papers import _foundations_episodic as claims
from experiments import instances
from experiments.papers import _foundations_episodic as studies
from tabular import planning
from tabular.errors import ParameterError
from tabular.learning import online
from tabular.streams import stream

BY_NAME = {claim.id.partition("/")[2]: claim for claim in claims.CLAIMS}


def record(study, cell, arrays):
    return Record(f"tabular-foundations/{study}", cell, {name: np.asarray(value) for name, value in arrays.items()})


def judged(name, records):
    claim = BY_NAME[name]
    return claim.judge.judge(claim.measure(Evidence(tuple(records))))


def bound_record(learner, regret, K=10):
    cell = {"learner": learner, "S": 3, "A": 2, "H": 4, "episodes": K, "delta": 0.1, "part": 0}
    return record("ucbvi-bound", cell, {"regret": regret})


def printed(learner, K, S=3, A=2, H=4, delta=0.1):
    L = math.log(5 * H * S * A * K * H / delta)
    if learner == "UCBVI-CH":
        return 20 * H**1.5 * L * math.sqrt(S * A * K) + 250 * H**2 * S**2 * A * L**2
    return 30 * H * L * math.sqrt(S * A * K) + 2500 * H**2 * S**2 * A * L**2 + 4 * H**1.5 * math.sqrt(K * L)


@pytest.mark.parametrize("learner", ["UCBVI-CH", "UCBVI-BF"])
@pytest.mark.parametrize("K", [10, 10**7])
def test_the_bound_is_the_printed_one(learner, K):
    edge = printed(learner, K)
    below = judged("ucbvi-regret", [bound_record(learner, np.full(40, edge * (1 - 1e-9)), K)])
    above = judged("ucbvi-regret", [bound_record(learner, np.full(40, edge * (1 + 1e-9)), K)])
    assert (below.status, above.status) == (Status.SUPPORTED, Status.REFUTED)
    assert below.vacuous == (edge >= 4 * K)


def test_one_run_in_ten_may_fall_below_and_not_more():
    cell = {"learner": "x", "bonus": "published", "model": "random", "runs": 100, "episodes": 1, "delta": 0.1}
    good = record("optimism", cell, {"margin": np.r_[np.full(3, -0.1), np.zeros(97)]})
    bad = record("optimism", cell, {"margin": np.r_[np.full(30, -0.1), np.zeros(70)]})
    assert judged("optimism", [good]).status is Status.SUPPORTED
    assert judged("optimism", [bad]).status is Status.REFUTED


@pytest.mark.parametrize("name", studies.OPTIMISTIC)
def test_the_margin_of_a_learner_is_that_of_its_table(name):
    """A learner that adds nothing falls below the optimum somewhere; the same one at its own bonus does not."""
    cell = {"learner": name, "model": "random", "runs": 3, "episodes": 200, "delta": 0.1}
    margins = [
        studies.run_optimism({**cell, "bonus": bonus}, stream(0, "margin"))["margin"] for bonus in ("published", "none")
    ]
    assert margins[0].shape == (3,)
    assert margins[0].min() >= -1e-9
    assert margins[1].max() < 0.0


def regret_records(exponent, learner="UCBVI-CH", scale=0.01):
    episode = np.unique(np.geomspace(10, 1000, 24).astype(np.int64))
    for name in ("UCBVI-CH", "UCBVI-BF", "KL-UCBVI"):
        for seed in range(8):
            noise = 1 + 0.01 * stream(0, name, seed).random()
            power = exponent if name == learner else 0.2
            cell = {"learner": name, "scale": scale, "S": 5, "H": 12, "episodes": 1000, "seed": seed}
            yield record("riverswim-regret", cell, {"episode": episode, "regret": noise * episode**power})


def test_one_linear_learner_refutes_the_rate():
    assert judged("ucbvi-rate", regret_records(0.45)).status is Status.SUPPORTED
    assert judged("ucbvi-rate", regret_records(1.0)).status is Status.REFUTED
    assert judged("ucbvi-rate", regret_records(1.0, "KL-UCBVI")).status is Status.REFUTED


def test_rates_look_at_the_last_decade_only():
    """A regret that is linear at first and flat later has learned."""
    bent = [
        Record(r.study, r.params, {"episode": r["episode"], "regret": np.minimum(r["episode"] / 100.0, 1.0) * 100})
        for r in regret_records(0.2)
    ]
    assert judged("ucbvi-rate", bent).status is Status.SUPPORTED


def depth_record(found, learner="PSRL", N=4):
    cell = {"model": "lock", "learner": learner, "N": N, "seed": 0}
    return record("depth", cell, {"found": [found], "episodes": [100]})


def test_a_run_that_found_nothing_is_not_a_number():
    evidence = Evidence((depth_record(7, N=3), depth_record(0, N=4), depth_record(9, N=5)))
    with pytest.raises(ParameterError, match="nan"):
        claims._found(evidence, "lock", "PSRL")


@pytest.mark.parametrize("model", ["deep-sea", "lock"])
@pytest.mark.parametrize("N", [2, 3])
def test_epsilon_greedy_finds_the_treasure_with_probability_two_to_the_minus_two_n(model, N):
    """Before the first success its policy succeeds with probability (eps/2)**N exactly."""
    mdp = instances.deep_sea(N, shifted=True) if model == "deep-sea" else instances.combination_lock(N)
    run = online.epsilon_greedy(mdp, episodes=2, epsilon=studies.DITHER, rewards="estimated", rng=0)
    best = planning.backward_induction(mdp).policy
    path = planning.occupancy(mdp, best) > 0.5
    assert path.sum() == N
    policy = run.policy
    assert np.prod(policy[path]) == pytest.approx((studies.DITHER / 2) ** N)


@pytest.mark.parametrize("name", ["UCBVI-CH", "PSRL", "epsilon-greedy"])
def test_found_is_the_first_good_episode(name, monkeypatch):
    cell = {"model": "lock", "learner": name, "N": 3, "seed": 0}
    out = studies.run_depth(cell, stream(0, "found", name))
    seen = []

    def recorded(*args, **kwargs):
        seen.append(learner(*args, **kwargs))
        return seen[-1]

    learner = studies.LEARNERS[name]
    monkeypatch.setattr(studies, "LEARNERS", {name: recorded})
    again = studies.run_depth(cell, stream(0, "found", name))
    assert again["found"] == out["found"]
    values, k = seen[0].values, int(out["found"][0]) - 1
    best = 0.75**3 if name == "epsilon-greedy" else 1.0
    assert values[k] > best / 2
    assert values[:k].max(initial=0.0) < best / 2
