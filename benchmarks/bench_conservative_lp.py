"""Conservative learners: microseconds an episode, the linear programs beside StepMix and budget exploration.

python benchmarks/bench_conservative_lp.py [--episodes 2000]

``tight`` radii at a small scale, so that the programs are feasible and are solved; "cold" solves the same programs
without the last basis. Nothing is asserted.
"""

import argparse

import common
import numpy as np

from experiments.instances import conservative_random, conservative_trap
from tabular.learning.online import budget_exploration, dope, optpess_lp, stepmix
from tabular.learning.online._occupancy_lp import BoxProgram, OccupancyProgram


def learners(problem, episodes):
    """Our learners as (name, call)."""
    how = dict(episodes=episodes, baseline=problem.baseline, threshold=problem.threshold, rng=0)
    yield "StepMix", lambda: stepmix(problem.mdp, **how)
    yield "budget exploration", lambda: budget_exploration(problem.mdp, **how)
    for replan in ("every", "doubling"):
        for name, learner in (("OptPess-LP", optpess_lp), ("DOPE", dope)):
            yield (
                f"{name}, replan {replan}",
                lambda learner=learner, replan=replan: learner(
                    problem.mdp, bonus="tight", scale=1e-3, replan=replan, **how
                ),
            )


def programs(S, A, H, rng):
    """Seconds of one solve after a small change, warm and cold, of the plain and of the extended program."""
    P, f, g = rng.dirichlet(np.ones(S), (H, S, A)), rng.random((H, S, A)), rng.random((H, S, A))
    start = np.full(S, 1.0 / S)
    for name, program in (
        ("plain", OccupancyProgram(start, H, A, 0.5)),
        ("extended", BoxProgram(start, H, A, 0.5)),
    ):

        def change(program=program, name=name):
            for h in range(H):
                s, a = rng.integers(S), rng.integers(A)
                P[h, s, a] = 0.95 * P[h, s, a] + 0.05 * rng.dirichlet(np.ones(S))
            if name == "plain":
                return program.solve(P, f, g)
            return program.solve(np.maximum(P - 0.05, 0.0), np.minimum(P + 0.05, 1.0), f, g)

        def cold(program=program, change=change):
            program.program.highs.clearSolver()
            return change()

        yield name, common.seconds(change, 50)[0], common.seconds(cold, 50)[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=2000)
    episodes = parser.parse_args().episodes
    common.single_core(1)
    problems = {"trap, S=3 A=5 H=4": conservative_trap(0.52), "random, S=5 A=5 H=3": conservative_random(rng=0)}
    rows = []
    for label, problem in problems.items():
        for name, call in learners(problem, episodes):
            time, run = common.seconds(call, 3)
            left = np.count_nonzero(~run.pure_baseline)
            rows.append((name, label, f"{time / episodes * 1e6:.1f}", f"{left}"))
    common.table("conservative learners", ("learner", "instance", "us an episode", "episodes off the baseline"), rows)
    rows = [
        (f"{name}, S={S} A={A} H={H}", f"{warm * 1e6:.0f}", f"{cold * 1e6:.0f}")
        for S, A, H in ((3, 5, 4), (5, 5, 3), (10, 4, 5))
        for name, warm, cold in programs(S, A, H, np.random.default_rng(0))
    ]
    common.table("one occupancy program", ("program", "us, last basis", "us, cold"), rows)


if __name__ == "__main__":
    main()
