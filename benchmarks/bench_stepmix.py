"""StepMix: episodes a second, and what an episode costs relative to one of its planner alone.

python benchmarks/bench_stepmix.py [--episodes 20000]

The comparator (`kl_ucbvi`) plans once an episode and plays; StepMix also certifies up to H + 1 candidates, for which
the bound is H + 2 times one plan. Nothing is asserted.
"""

import argparse

import common

from experiments.instances import conservative_random, conservative_trap
from tabular.learning.online import epsmix, kl_ucbvi, stepmix


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--episodes", type=int, default=20_000)
    options = parser.parse_args()
    common.single_core(1)
    rows, K = [], options.episodes
    problems = {"random": conservative_random(5, 5, 3, rng=0), "trap": conservative_trap(0.52)}
    for name, problem in problems.items():
        mdp = problem.mdp
        alone, _ = common.seconds(lambda mdp=mdp: kl_ucbvi(mdp, episodes=K, delta=0.1, rng=0), repeats=3)
        size = f"{name} ({mdp.S},{mdp.A},{mdp.H})"
        rows.append((size, "KL planner alone", f"{K / alone:,.0f}", "1.0", ""))
        given = {"baseline": problem.baseline, "threshold": problem.threshold, "delta": 0.1, "rng": 0}
        for learner in (stepmix, epsmix):
            for evaluator in ("kl", "hoeffding", "bernstein"):
                took, _ = common.seconds(
                    lambda mdp=mdp, learner=learner, given=given, evaluator=evaluator: learner(
                        mdp, episodes=K, evaluator=evaluator, **given
                    ),
                    repeats=3,
                )
                label = f"{learner.__name__}, {evaluator}"
                rows.append((size, label, f"{K / took:,.0f}", f"{took / alone:.1f}", f"{mdp.H + 2}"))
    columns = ("(S,A,H)", "learner", "episodes/s", "times the planner", "bound H+2")
    common.table(f"conservative exploration, {K} episodes", columns, rows)


if __name__ == "__main__":
    main()
