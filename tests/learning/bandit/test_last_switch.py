"""Last-switch-dependent bandits: the model, planners, roundings, schedules and learners, against the definitions."""

import math

import naive_last_switch as naive
import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from scipy import optimize

from experiments.instances import (
    greedy_trap,
    interleaving_trap,
    learning_bandit,
    near_tie_bandit,
    periodic_bandit,
    random_last_switch,
    spike_bandit,
    tight_bandit,
)
from tabular import CertificateError, LastSwitchBandit, ModelError, ParameterError
from tabular.learning import bandit as learners
from tabular.learning.bandit import last_switch_learning
from tabular.learning.bandit.lsd_bandits import rounding
from tabular.planning import average_reward
from tabular.testing import last_switch_bandits

SMALL = last_switch_bandits(max_arms=2, max_rested=2)
few = settings(max_examples=40)


@given(last_switch_bandits(max_arms=2))
def test_the_product_model_moves_as_the_counters_do(bandit):
    mdp = bandit.to_average_reward()
    P = mdp.dense_P()
    order = naive.counters(bandit.m, bandit.M)
    X = len(order)
    for s in range(mdp.S):
        state = tuple(order[s // X ** (bandit.A - 1 - i) % X] for i in range(bandit.A))
        for a, (r, after) in enumerate(naive.moves(bandit, state)):
            target = 0
            for tau in after:
                target = target * X + order.index(tau)
            assert P[s, a, target] == 1.0
            assert mdp.r[s, a] == r
    assert mdp.mu0[-1] == 1.0


def test_shapes_and_kinds():
    bandit = LastSwitchBandit([[0.0, 0.5, 0.5, 1.0], [0.5, 0.5, 0.25, 1.0]], 2)
    assert (bandit.A, bandit.m, bandit.M, bandit.states, bandit.S) == (2, 2, 2, 4, 16)
    assert not bandit.monotone
    assert not bandit.recharging
    with pytest.raises(ParameterError, match="delays"):
        bandit.delays()
    recharging = LastSwitchBandit([[0.25, 0.25, 0.5, 1.0]], 2)
    assert recharging.monotone
    assert recharging.delays().tolist() == [[0.25, 0.5, 1.0]]
    assert [a.tolist() for a in recharging.successors()] == [[2, 2, 3, 3], [0, 0, 1, 1]]


@pytest.mark.parametrize(
    ("payoffs", "m", "words"),
    [
        ([[0.0, 1.5]], 1, r"payoffs\[0, 1\] is 1.5"),
        ([[0.0, -0.5]], 1, r"payoffs\[0, 1\] is -0.5"),
        ([[0.0, 0.5]], 2, "at least one rested state"),
        ([[0.0, 0.5]], 0, "m is 0"),
        ([0.0, 0.5], 1, "axes"),
    ],
)
def test_a_bandit_that_is_none_is_refused(payoffs, m, words):
    with pytest.raises(ModelError, match=words):
        LastSwitchBandit(payoffs, m)


def test_large_products_are_refused():
    wide = LastSwitchBandit(np.zeros((9, 6)), 2)
    with pytest.raises(ParameterError, match="product"):
        wide.to_average_reward()
    with pytest.raises(ParameterError, match="product"):
        learners.solve_last_switch(wide)


@few
@given(SMALL)
def test_optimum_is_the_largest_cycle_mean(bandit):
    found = learners.solve_last_switch(bandit)
    assert found.gain == pytest.approx(naive.largest_cycle_mean(bandit), abs=1e-9)
    assert found.gain <= found.upper + 1e-12 <= found.gain + 2e-9
    p, state = naive.table(bandit), [bandit.M] * bandit.A
    paid = []
    for t in range(60 * len(found.cycle)):
        a = found.cycle[t % len(found.cycle)]
        paid.append(p[a][state[a]] if a < bandit.A else 0.0)
        state = [naive.step(tau, i == a, bandit.m, bandit.M) for i, tau in enumerate(state)]
    assert np.mean(paid[-len(found.cycle) :]) == pytest.approx(found.gain, abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_optimum_agrees_with_the_average_reward_planner(seed):
    bandit = random_last_switch(3, 2, 3, kind="any", rng=seed)
    plan = average_reward(bandit.to_average_reward())
    assert learners.solve_last_switch(bandit).gain == pytest.approx(plan.scalar_gain, abs=1e-8)


@few
@given(SMALL, st.integers(1, 6))
def test_finite_optimum_by_recursion(bandit, rounds):
    total = learners.finite_last_switch(bandit, rounds)
    assert total == pytest.approx(naive.best_total(bandit, rounds), abs=1e-12)


def test_finite_optimum_grows_with_the_gain():
    bandit = random_last_switch(2, 2, 3, rng=5)
    gain = learners.solve_last_switch(bandit).gain
    assert learners.finite_last_switch(bandit, 500) - learners.finite_last_switch(bandit, 400) == pytest.approx(
        100 * gain, abs=1.0
    )


@few
@given(last_switch_bandits(), st.sampled_from((0.5, 1.0, 2.0)))
def test_relaxation_is_the_best_mixture_of_cycles(bandit, pulls):
    plan = learners.relax_last_switch(bandit, pulls=pulls)
    assert plan.value == pytest.approx(naive.relaxation(bandit, pulls), abs=1e-8)
    assert plan.upper >= plan.value - 1e-12
    curves = [learners.arm_cycles(bandit, i)[2:] for i in range(bandit.A)]
    assert learners.rate_program(curves, pulls=pulls) == pytest.approx(plan.value, abs=1e-8)
    assert plan.rates.sum() <= pulls + 1e-8
    assert plan.occupancy.sum(axis=(1, 2)) == pytest.approx(np.ones(bandit.A))


@few
@given(SMALL)
def test_relaxation_bounds_the_optimum_and_is_it_for_one_arm(bandit):
    opt, lp = learners.solve_last_switch(bandit).gain, learners.relax_last_switch(bandit).value
    assert opt <= lp + 1e-8
    assert lp <= bandit.payoffs.max() + 1e-8
    one = LastSwitchBandit(bandit.payoffs[:1], bandit.m)
    assert learners.relax_last_switch(one).value == pytest.approx(learners.solve_last_switch(one).gain, abs=1e-8)


@few
@given(SMALL, st.integers(0, 3))
def test_more_payoff_more_pulls_and_longer_counters(bandit, more):
    raised = LastSwitchBandit(np.minimum(1.0, bandit.payoffs + more / 8), bandit.m)
    lp, opt = learners.relax_last_switch(bandit).value, learners.solve_last_switch(bandit).gain
    assert learners.relax_last_switch(raised).value >= lp - 1e-8
    assert learners.solve_last_switch(raised).gain >= opt - 1e-9
    assert learners.relax_last_switch(bandit, pulls=1.5).value >= lp - 1e-8
    turned = LastSwitchBandit(bandit.payoffs[::-1], bandit.m)
    assert learners.solve_last_switch(turned).gain == pytest.approx(opt, abs=1e-9)
    p = bandit.payoffs
    longer = LastSwitchBandit(np.hstack([p[:, :1], p, p[:, -1:]]), bandit.m + 1)
    assert learners.solve_last_switch(longer).gain == pytest.approx(opt, abs=1e-9)
    assert learners.relax_last_switch(longer).value == pytest.approx(lp, abs=1e-8)


@pytest.mark.parametrize("fault", ["primal", "dual"])
def test_a_wrong_answer_of_the_solver_is_refused(monkeypatch, fault):
    solve = optimize.linprog

    def wrong(*args, **options):
        result = solve(*args, **options)
        if fault == "primal":
            result.x[np.argmax(result.x)] += 1e-6
        else:
            result.eqlin.marginals[0] += 1e-4
        return result

    monkeypatch.setattr(optimize, "linprog", wrong)
    with pytest.raises(CertificateError):
        learners.relax_last_switch(random_last_switch(2, 2, 3, rng=3))


@few
@given(last_switch_bandits(), st.integers(1, 3), st.sampled_from(("payoff", "random", "none")), st.integers(0, 99))
def test_rounding_value_by_enumeration(bandit, pulls, contention, seed):
    pulls = min(pulls, bandit.A)
    mu = learners.relax_last_switch(bandit, pulls=pulls).occupancy
    scores = np.random.default_rng(seed).integers(0, 3, bandit.payoffs.shape) / 4
    found = learners.rounding_value(bandit, mu, pulls=pulls, contention=contention, scores=scores)
    assert found == pytest.approx(naive.rounding_value(bandit, mu, pulls, contention, scores), abs=1e-9)


@given(last_switch_bandits(max_arms=4, kind="monotone"))
def test_rounding_keeps_its_share(bandit):
    plan, n = learners.relax_last_switch(bandit), bandit.A
    value = learners.rounding_value(bandit, plan)
    assert (1 - (1 - 1 / n) ** n) * plan.value - 1e-8 <= value <= plan.value + 1e-8
    assert value <= learners.solve_last_switch(bandit).gain + 1e-8


@pytest.mark.parametrize("n", range(2, 9))
def test_tight_family(n):
    bandit = tight_bandit(n)
    plan = learners.relax_last_switch(bandit)
    assert plan.value == pytest.approx(1.0, abs=1e-12)
    assert learners.rounding_value(bandit, plan) == pytest.approx(1 - (1 - 1 / n) ** n, abs=1e-12)
    assert learners.round_robin(bandit) == 1.0
    assert learners.earliest_deadline(bandit, rounds=20 * n) == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("pulls", [1, 2])
def test_simulation_is_the_definition(seed, pulls):
    bandit = random_last_switch(3, 2, 3, kind="any", rng=seed)
    coarse = LastSwitchBandit(np.round(bandit.payoffs * 2) / 2, 2)  # ties
    plan = learners.relax_last_switch(coarse, pulls=pulls)
    runs = learners.play_virtual_states(
        coarse, plan, rounds=25, blocks=2, burn=5, runs=1, pulls=pulls, rng=np.random.Generator(np.random.PCG64(seed))
    )
    paid, promised, below = naive.play_virtual(
        coarse, plan.occupancy, 55, pulls, np.random.Generator(np.random.PCG64(seed))
    )
    assert runs.payoff[0] == pytest.approx([paid[5:30].mean(), paid[30:].mean()], abs=1e-12)
    assert runs.promised[0] == pytest.approx([promised[5:30].mean(), promised[30:].mean()], abs=1e-12)
    assert runs.below.tolist() == [below]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "options",
    [{"contention": "random"}, {"contention": "none"}, {"ties": "first"}, {"when_none": "stray"}],
    ids=lambda options: "-".join(options.values()),
)
def test_options_of_the_simulation_are_their_definitions(seed, options):
    """Occupancies mixed from three plans, so that several arms are random and some rounds have no candidate."""
    bandit = random_last_switch(3, 2, 3, kind="any", rng=seed)
    coarse = LastSwitchBandit(np.round(bandit.payoffs * 2) / 2, 2)
    mu = np.mean([learners.relax_last_switch(coarse, pulls=pulls).occupancy for pulls in (0.3, 1.0, 2.0)], axis=0)
    runs = learners.play_virtual_states(
        coarse, mu, rounds=60, runs=1, rng=np.random.Generator(np.random.PCG64(seed)), **options
    )
    paid, promised, below = naive.play_virtual(
        coarse, mu, 60, 1, np.random.Generator(np.random.PCG64(seed)),
        scores=np.zeros((3, 5)) if "contention" in options else None, random_ties="ties" not in options,
        wasteful=options.get("contention") == "none", stray="when_none" in options,
    )  # fmt: skip
    assert runs.payoff[0, 0] == pytest.approx(paid.mean(), abs=1e-12)
    assert runs.promised[0, 0] == pytest.approx(promised.mean(), abs=1e-12)
    assert runs.below.tolist() == [below]


@pytest.mark.parametrize("seed", range(3))
def test_interleaved_runs_are_their_definition(seed):
    bandit = random_last_switch(4, 1, 4, kind="concave", rng=seed)
    mu = np.mean([learners.relax_last_switch(bandit, pulls=pulls).occupancy for pulls in (0.4, 1.0)], axis=0)
    paid = learners.play_interleaved(
        bandit, mu, rounds=40, runs=2, burn=3, rng=np.random.Generator(np.random.PCG64(seed))
    )
    rates, rng = mu[:, :, 1].sum(axis=1), np.random.Generator(np.random.PCG64(seed))
    rates = np.where(rates < 1e-9, 0.0, rates) / rates[rates >= 1e-9].sum()
    expected = [naive.play_interleaved(bandit.delays(), rates, 3, 40, rng) for _ in range(2)]
    assert paid == pytest.approx(expected, abs=1e-12)


@given(last_switch_bandits(max_arms=4), st.integers(1, 3), st.sampled_from(("payoff", "random", "none")))
def test_real_states_are_never_below_virtual_ones(bandit, pulls, contention):
    pulls = min(pulls, bandit.A)
    plan = learners.relax_last_switch(bandit, pulls=pulls)
    runs = learners.play_virtual_states(bandit, plan, rounds=40, runs=5, pulls=pulls, contention=contention, rng=1)
    assert runs.below.sum() == 0


def test_control_stray_pulls_break_the_coupling():
    bandit = tight_bandit(4)
    runs = learners.play_virtual_states(
        bandit, learners.relax_last_switch(bandit), rounds=40, runs=5, when_none="stray", rng=1
    )
    assert runs.below.sum() > 0


def test_one_run_is_periodic_and_blocks_show_it():
    bandit = tight_bandit(2)
    plan = learners.relax_last_switch(bandit)
    runs = learners.play_virtual_states(bandit, plan, rounds=20, runs=200, blocks=3, burn=10, rng=2)
    assert set(np.round(runs.promised, 12).ravel()) == {0.5, 1.0}
    assert np.ptp(runs.promised, axis=1).max() < 1e-12
    assert runs.promised.mean() == pytest.approx(0.75, abs=4 * 0.25 / math.sqrt(200))


@pytest.mark.parametrize("n", [2, 3])
def test_spikes_pay_the_closed_form(n):
    """Arms of one phase: of g, each is pulled in two periods running with probability 1/g."""
    bandit = spike_bandit(n)
    runs = learners.play_virtual_states(
        bandit, learners.relax_last_switch(bandit), rounds=20 * n, runs=20_000, burn=6 * n, rng=n
    )
    law = [math.comb(n, g) * (1 / n) ** g * (1 - 1 / n) ** (n - g) for g in range(n + 1)]
    expected = sum(law[g] / g for g in range(1, n + 1))
    assert runs.payoff.mean() == pytest.approx(expected, abs=4 * runs.payoff.std() / math.sqrt(20_000))


@few
@given(last_switch_bandits(max_arms=4, kind="recharging"))
def test_interleaved_value_by_enumeration(bandit):
    plan = learners.relax_last_switch(bandit)
    if plan.rates.sum() < 1e-6:
        with pytest.raises(ParameterError, match="interleave"):
            learners.interleaved_value(bandit, plan)
        return
    rates = np.where(plan.rates < 1e-9, 0.0, plan.rates)
    expected = naive.interleaved_value(bandit.delays(), rates / rates.sum())
    assert learners.interleaved_value(bandit, plan) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_interleaved_runs_have_the_exact_mean(seed):
    bandit = random_last_switch(4, 1, 4, kind="concave", rng=seed)
    plan = learners.relax_last_switch(bandit)
    paid = learners.play_interleaved(bandit, plan, rounds=600, runs=400, burn=60, rng=seed)
    slack = 5 * paid.std() / math.sqrt(400) + 2e-3  # pulls at the ends of a run
    assert paid.mean() == pytest.approx(learners.interleaved_value(bandit, plan), abs=slack)


def test_interleaving_traps_are_as_described():
    concave, sharp = interleaving_trap(2, 8), interleaving_trap(2, 8, shape="sharp")
    assert np.all(np.diff(concave.delays(), axis=1, n=2) <= 1e-12)
    assert sharp.delays()[0, 0] == 0.0
    for bandit in (concave, sharp):
        plan = learners.relax_last_switch(bandit)
        assert plan.rates == pytest.approx([0.5, *[1 / 16] * 8], abs=1e-8)
    plan = learners.relax_last_switch(concave)
    assert learners.interleaved_value(concave, plan) / plan.value > 1 - 1 / (2 * math.e)
    with pytest.raises(ParameterError, match="multiple"):
        interleaving_trap(3, 5)


def test_greedy_and_lookahead():
    trap = greedy_trap(3, 0.01)
    assert learners.lookahead_last_switch(trap).gain == pytest.approx(0.01, abs=1e-15)
    assert learners.solve_last_switch(trap).gain == pytest.approx(0.25)
    bandit = random_last_switch(2, 2, 3, rng=8)
    p, state, paid = naive.table(bandit), (bandit.M,) * 2, []
    for _ in range(4000):
        a = max(range(2), key=lambda i: (p[i][state[i]], -i))
        paid.append(p[a][state[a]])
        state = tuple(naive.step(tau, i == a, bandit.m, bandit.M) for i, tau in enumerate(state))
    assert learners.lookahead_last_switch(bandit).gain == pytest.approx(np.mean(paid[1000:]), abs=1e-3)
    far = learners.lookahead_last_switch(bandit, depth=40).gain
    assert far == pytest.approx(learners.solve_last_switch(bandit).gain, abs=0.02)


def test_round_robin_is_the_best_subset_played():
    bandit = random_last_switch(3, 2, 2, rng=4)
    p, best = naive.table(bandit), 0.0
    for subset in ([0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]):
        state, paid = [bandit.M] * 3, []
        for t in range(60):
            a = subset[t % len(subset)]
            paid.append(p[a][state[a]])
            state = [naive.step(tau, i == a, bandit.m, bandit.M) for i, tau in enumerate(state)]
        best = max(best, np.mean(paid[24:]))
    assert learners.round_robin(bandit) == pytest.approx(best)


def test_earliest_deadline_keeps_what_can_be_kept():
    assert learners.earliest_deadline(periodic_bandit((2, 4, 4)), rounds=80) == pytest.approx(1.0)
    satiating = LastSwitchBandit([[0.0, 1.0, 1.0]], 2)  # two pulls, one round of rest
    assert learners.earliest_deadline(satiating, rounds=600) == pytest.approx(2 / 3, abs=0.01)
    assert learners.solve_last_switch(satiating).gain == pytest.approx(2 / 3)


@pytest.mark.parametrize("seed", range(12))
def test_earliest_deadline_is_its_definition(seed):
    bandit = random_last_switch(4, 2, 4, kind=("monotone", "recharging", "any")[seed % 3], rng=seed)
    price = learners.relax_last_switch(bandit).price
    cycles = []
    for i in range(4):
        idle, pulled, rate, payoff = learners.arm_cycles(bandit, i)
        best = np.argmax(payoff - price * rate)
        worth = payoff[best] - price * rate[best] > -1e-9
        cycles.append((int(idle[best]), int(pulled[best])) if worth else (-1, 0))
    expected = naive.earliest_deadline(bandit, cycles, 300)
    assert learners.earliest_deadline(bandit, rounds=300) == pytest.approx(expected, abs=1e-12)


@given(st.lists(st.integers(0, 8), min_size=1, max_size=7))
def test_isotonic(values):
    found = last_switch_learning._isotonic(np.array(values) / 8)
    assert found == pytest.approx(np.array(naive.isotonic(np.array(values) / 8)))


@pytest.mark.parametrize(("m", "M"), [(1, 1), (2, 1), (1, 3), (3, 4)])
@pytest.mark.parametrize("everything", [True, False])
def test_a_batch_meets_every_state_once(m, M, everything):
    bandit = random_last_switch(2, m, M, rng=1)
    schedule = [True] * (1 + m)
    for j in range(1, (M - 1 if everything else min(1, M - 1)) + 1):
        schedule += [False] * j + [True]
    schedule += [False] * M
    tau, seen = M, []
    for pulled in schedule:
        if pulled:
            seen.append(tau)
        tau = naive.step(tau, pulled, m, M)
    rounds, paid = last_switch_learning._batch(bandit, everything)
    assert (tau, rounds) == (M, len(schedule))
    assert len(set(seen)) == len(seen)
    if everything:
        assert sorted(seen) == naive.counters(m, M)
    assert paid == pytest.approx([sum(row[tau] for tau in seen) for row in naive.table(bandit)])


def test_commitment_loses_nothing_when_the_estimates_are_exact():
    sure = LastSwitchBandit([[0.0, 0.0, 1.0], [0.0, 1.0, 1.0]], 1)
    run = learners.explore_then_commit_last_switch(sure, horizon=4096, runs=3, rng=0)
    rounds, paid = last_switch_learning._batch(sure, True)
    batches = math.floor(2048 ** (2 / 3) / rounds)
    assert run.regret == pytest.approx(np.full((3, 1), batches * (2 * rounds * run.value - paid.sum())))


def test_learning_sees_rest_that_pays_and_the_broken_one_does_not():
    bandit = learning_bandit()
    options = {"horizon": 2**15, "runs": 10, "rng": 3}
    whole = learners.explore_then_commit_last_switch(bandit, **options).regret.mean()
    blind = learners.explore_then_commit_last_switch(bandit, rested="assumed", **options).regret.mean()
    assert 0 < whole < blind / 3


def test_a_near_tie_is_decided_by_the_program_and_not_by_estimates():
    bandit = near_tie_bandit()
    plan = learners.relax_last_switch(bandit)
    assert plan.rates == pytest.approx([1.0, 0.0, 0.0], abs=1e-8)
    assert learners.rounding_value(bandit, plan) == pytest.approx(0.5 + 2.0**-20, abs=1e-9)
    regret = learners.explore_then_commit_last_switch(bandit, horizon=2**14, runs=20, rng=1).regret
    assert regret.mean() > 0.02 * 2**14


@pytest.mark.parametrize("seed", range(4))
def test_an_optimistic_episode_is_its_definition(seed):
    """Stretches that begin with rest, each a fresh run of the rounding; a 0-1 reward is drawn after each round."""
    bandit = random_last_switch(3, 2, 3, kind="monotone", rng=seed)
    mu = np.mean([learners.relax_last_switch(bandit, pulls=pulls).occupancy for pulls in (0.3, 1.0, 2.0)], axis=0)
    how = rounding(bandit, mu, bandit.payoffs, 2, "payoff", "random", "rest")
    rounds, stretch, rest = 40, 12, 3
    tries, wins = np.zeros((2, 3, 5), dtype=np.int64)
    rng = np.random.Generator(np.random.PCG64(seed))
    paid = last_switch_learning._episode(how, rounds, stretch, rest, tries, wins, rng)
    told, again = [], np.random.Generator(np.random.PCG64(seed))
    for start in range(0, rounds, stretch):
        told += naive.played_with_rewards(bandit, mu, min(stretch, rounds - start) - rest, 2, again)
    expected = np.zeros((2, 3, 5), dtype=np.int64)
    for i, x, won in told:
        expected[0, i, x] += 1
        expected[1, i, x] += won
    assert paid == pytest.approx(sum(bandit.payoffs[i, x] for i, x, _ in told), abs=1e-12)
    assert np.array_equal(tries, expected[0])
    assert np.array_equal(wins, expected[1])
    assert rng.random() == again.random()


def test_optimism_learns():
    run = learners.optimistic_last_switch(learning_bandit(), horizon=2**14, runs=4, rng=5)
    assert run.rounds.tolist() == [2**k for k in range(4, 15)]
    assert run.regret.shape == (4, 11)
    early, late = run.regret[:, 6].mean() / 2**10, (run.regret[:, -1] - run.regret[:, -2]).mean() / 2**13
    assert late < early / 2


def test_runs_are_functions_of_their_arguments():
    bandit = learning_bandit()
    plan = learners.relax_last_switch(bandit)
    for play in (
        lambda: learners.play_virtual_states(bandit, plan, rounds=30, runs=4, rng=7).payoff,
        lambda: learners.explore_then_commit_last_switch(bandit, horizon=2000, runs=4, rng=7).regret,
        lambda: learners.optimistic_last_switch(bandit, horizon=200, runs=2, rng=7).regret,
    ):
        assert np.array_equal(play(), play())


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda b: learners.relax_last_switch(b.to_average_reward()), "LastSwitchBandit"),
        (lambda b: learners.relax_last_switch(b, pulls=0.0), "pulls"),
        (lambda b: learners.rounding_value(b, np.zeros((3, 5, 2))), "stationary"),
        (lambda b: learners.rounding_value(b, np.zeros((3, 4, 2))), "shape"),
        (lambda b: learners.rounding_value(b, learners.relax_last_switch(b), contention="best"), "contention"),
        (lambda b: learners.rounding_value(b, learners.relax_last_switch(b), pulls=4), "pulls"),
        (lambda b: learners.rounding_value(b, learners.relax_last_switch(b), scores=[[0.0]]), "scores"),
        (lambda b: learners.interleaved_value(b, learners.relax_last_switch(b)), "recharging"),
        (lambda b: learners.arm_cycles(b, 3), "arm"),
        (lambda b: learners.rate_program([([1.0], [1.0, 2.0])]), "as many"),
        (lambda b: learners.explore_then_commit_last_switch(b, horizon=20, runs=1, rng=0), "does not fit"),
        (lambda b: learners.optimistic_last_switch(spike_bandit(3), horizon=20, runs=1, rng=0), "monotone"),
        (lambda b: random_last_switch(2, 1, 1, kind="odd", rng=0), "kind"),
    ],
)
def test_what_makes_no_sense_is_refused(call, words):
    with pytest.raises(ParameterError, match=words):
        call(learning_bandit())


@pytest.mark.parametrize("kind", ["monotone", "recharging", "concave", "satiation"])
def test_random_families_are_as_described(kind):
    for seed in range(20):
        bandit = random_last_switch(3, 2, 3, kind=kind, rng=seed)
        assert bandit.monotone
        assert bandit.recharging or kind in ("monotone", "satiation")
        if kind == "concave":
            delays = np.hstack([np.zeros((3, 1)), bandit.delays()])
            assert np.all(np.diff(delays, axis=1, n=2) <= 1e-12)
        if kind == "satiation":
            assert np.ptp(bandit.payoffs[:, 2:], axis=1).max() == 0.0


@pytest.mark.parametrize(
    "wanted",
    [
        lambda b: b.A == 1 and b.states == 2,
        lambda b: b.A == 3 and np.ptp(b.payoffs, axis=0).max() == 0.0 and np.ptp(b.payoffs) > 0.0,
        lambda b: b.payoffs.min() == 0.0 and b.payoffs.max() == 1.0,
        lambda b: not b.monotone and b.A == 3,
        lambda b: b.m == 2 and b.M == 3 and np.all(b.payoffs == 0.0),
    ],
)
def test_the_strategy_makes_hard_cases(wanted):
    some = settings(max_examples=3000, phases=[Phase.generate], derandomize=True, database=None)
    assert wanted(find(last_switch_bandits(), wanted, settings=some))


@given(last_switch_bandits(kind="monotone"), last_switch_bandits(kind="recharging"))
def test_the_strategy_keeps_its_kinds(monotone, recharging):
    assert monotone.monotone
    assert recharging.monotone
    assert recharging.recharging
