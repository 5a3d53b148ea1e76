"""LSVI-UCB in a linear MDP: episodes a second, and whether an episode costs more the more went before.

python benchmarks/bench_lsvi.py [--rlberry PYTHON] [--rlberry-episodes 100]

PYTHON is an interpreter that has rlberry-scool; it plays the same instance. Its variant keeps one Gram matrix for all
steps, has a Bernstein-like bonus, and goes through its history at every plan; it computes no regret. Nothing is
asserted.
"""

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

import common
import numpy as np

from experiments.instances import random_linear_mdp
from tabular.learning.online import lsvi_ucb, lsvi_width
from tabular.learning.online._episodes import dynamics
from tabular.learning.online._lsvi_kernels import _run_lsvi, empty_plan, empty_regression
from tabular.planning import backward_induction

S, A, D, H = 50, 5, 10, 10
SCALE = 0.01
WINDOWS = ((0, 100), (400, 500), (4900, 5000))


def by_hundreds(mdp, episodes):
    """Processor seconds of each hundred episodes of one run, exact regret included; other processes do not count."""
    model = mdp.to_episodic()
    phi = np.ascontiguousarray(mdp.phi.reshape(-1, D).T)
    phi.setflags(write=False)
    played, optimum = dynamics(model), backward_induction(model).Q
    sums, plan = empty_regression(H, S, D, 1.0), empty_plan(H, S, A, D)
    beta = SCALE * lsvi_width(D, H, episodes, 0.05)
    rng = np.random.default_rng(0)
    times = []
    for _ in range(episodes // 100):
        values, margin, visits = np.empty(100), np.empty(100), np.zeros((H, S, A), dtype=np.int64)
        start = time.process_time()
        _run_lsvi(phi, played, sums, plan, 1.0, beta, optimum, 0, rng, values, margin, visits)
        times.append(time.process_time() - start)
    return times


def rlberry(python, mdp, episodes):
    """Seconds of each episode of rlberry-scool, in its own interpreter."""
    model = mdp.to_episodic()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "instance.npz")
        np.savez(path, P=model.P[0], r=model.r[0], phi=mdp.phi, H=H)
        done = subprocess.run(
            [python, str(Path(__file__).with_name("rlberry_lsvi.py")), str(path), str(episodes)],
            check=True,
            capture_output=True,
            text=True,
        )
    return np.array(json.loads(done.stdout.splitlines()[-1]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rlberry", metavar="PYTHON", help="interpreter that has rlberry-scool")
    parser.add_argument("--rlberry-episodes", type=int, default=100)
    options = parser.parse_args()
    common.single_core(1)
    mdp = random_linear_mdp(S, A, D, H, rng=0, stationary=True)
    rows = []
    with common.limited(1):
        for episodes in (500, 5000):
            elapsed, run = common.seconds(lambda K=episodes: lsvi_ucb(mdp, episodes=K, scale=SCALE, rng=0), 5)
            loss = run.optimal_value - run.values[-100:].mean()
            rows.append(("rl-theorems", f"0-{episodes - 1}", f"{episodes / elapsed:.0f}", f"last loss {loss:.3f}"))
        runs = np.median([by_hundreds(mdp, WINDOWS[-1][1]) for _ in range(5)], axis=0)
        for low, high in WINDOWS:
            seconds = runs[low // 100 : high // 100].sum()
            rows.append(("  within one run", f"{low}-{high - 1}", f"{(high - low) / seconds:.0f}", ""))
    if options.rlberry:
        times = rlberry(options.rlberry, mdp, options.rlberry_episodes)
        K = times.size
        rows.append(("rlberry-scool", f"0-{K - 1}", f"{K / times.sum():.1f}", "no regret"))
        tenth = max(1, K // 10)
        for low in (0, K - tenth):
            part = times[low : low + tenth]
            rows.append(("  within one run", f"{low}-{low + tenth - 1}", f"{tenth / part.sum():.1f}", ""))
    common.table(f"LSVI-UCB, S={S} A={A} d={D} H={H}, one core", ("learner", "episodes", "episodes a second", ""), rows)


if __name__ == "__main__":
    main()
