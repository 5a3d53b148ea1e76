"""Episodic learners: episodes a second, with a full plan every episode and the exact regret, beside rlberry's UCBVI.

python benchmarks/bench_online.py [--rlberry PYTHON] [--sizes 10x3x10,50x5x20] [--seconds 1] [--runs 200]

PYTHON is an interpreter that has ``rlberry`` and ``rlberry-scool`` (they need Python 3.10); rlberry computes no regret.
Rates are per second of processor time on one core; ours are medians of three runs. Bonuses are at scale 1, where the
policy rarely changes, and at 0.01, where it changes often and its value is computed anew. One thread and two are
compared in wall time, which needs an idle machine. Nothing is asserted.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import common
import numpy as np

from tabular import EpisodicMDP
from tabular.learning.online import bpi_ucbvi, ucbvi_bf, ucbvi_ch

RLBERRY = """
import json, sys, time
import numpy as np
from rlberry.envs.finite_mdp import FiniteMDP
from rlberry_scool.agents.ucbvi import UCBVIAgent
import rlberry
rlberry.utils.logging.set_level("ERROR")

class Known(FiniteMDP):
    def reward_function(self, state, action, next_state):
        return self.R[state, action]

tables, H, episodes = np.load(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
agent = UCBVIAgent(Known(tables["r"], tables["P"], 0), gamma=1.0, horizon=H)
agent.reseed(0)
agent.fit(budget=1)
start = time.process_time()
agent.fit(budget=episodes)
print(json.dumps(episodes / (time.process_time() - start)))
"""


def dense_instance(S, A, H, seed=0):
    """Rows uniform on the simplex, rewards uniform on [0, 1], one table for all steps."""
    rng = np.random.default_rng((seed, S, A))
    P = rng.standard_exponential((S, A, S))
    return EpisodicMDP(P / P.sum(axis=2, keepdims=True), rng.random((S, A)), np.eye(S)[0], H=H)


def banded_instance(S, A, H, k=5, seed=0):
    """The same with k successors around each state, on a ring."""
    rng = np.random.default_rng((seed, S, A, k))
    P = np.zeros((S, A, S))
    near = (np.arange(S)[:, None] + np.arange(k) - k // 2) % S
    P[np.arange(S)[:, None, None], np.arange(A)[:, None], near[:, None, :]] = rng.dirichlet(np.ones(k), (S, A))
    return EpisodicMDP(P / P.sum(axis=2, keepdims=True), rng.random((S, A)), H=H)


def rate(learn, seconds):
    """Episodes a second of ``learn(episodes)`` on this thread's own time: median of three runs of about ``seconds``."""
    learn(2)
    episodes, elapsed = 32, 0.0
    while elapsed < seconds / 4:
        episodes *= 2
        elapsed = timed(learn, episodes)
    episodes = max(2, int(episodes * seconds / elapsed))
    return episodes / statistics.median(timed(learn, episodes) for _ in range(3))


def timed(learn, episodes):
    start = time.thread_time()
    learn(episodes)
    return time.thread_time() - start


def rlberry_rate(python, mdp):
    """Episodes a second of rlberry's UCBVI with full plans, in a process of its own; None where it cannot run."""
    H, S, A = mdp.r.shape
    episodes = max(5, int(4e6 / (H * S * A * S)))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "tables.npz")
        np.savez(path, P=np.array(mdp.P[0]), r=np.array(mdp.r[0]))
        arguments = [python, "-c", RLBERRY, path, str(H), str(episodes)]
        answer = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if answer.returncode:
        print(answer.stderr.strip().splitlines()[-1])
        return None
    return json.loads(answer.stdout.strip().splitlines()[-1])


def dense(sizes, seconds, python):
    """Random dense models, ours and rlberry's."""
    for S, A, H in sizes:
        mdp = dense_instance(S, A, H)
        peer = rlberry_rate(python, mdp) if python else None
        rows = []
        for name, learner in (("UCBVI-CH", ucbvi_ch), ("UCBVI-BF", ucbvi_bf)):
            for scale in (1.0, 0.01):
                ours = rate(lambda K, m=mdp, f=learner, c=scale: f(m, episodes=K, scale=c, rng=0), seconds)
                rows.append((f"{name}, scale {scale:g}", f"{ours:,.0f}", f"{ours / peer:,.0f}" if peer else "-"))
        ours = rate(lambda K, m=mdp: bpi_ucbvi(m, episodes=K, eps=1e-9, rng=0), seconds)
        rows.append(("BPI-UCBVI (a table a step)", f"{ours:,.0f}", f"{ours / peer:,.0f}" if peer else "-"))
        rows.append(("rlberry UCBVI, full plan", f"{peer:,.1f}" if peer else "not installed", "1" if peer else "-"))
        common.table(
            f"dense S={S} A={A} H={H}, one core", ("learner", "episodes/s, exact regret", "times rlberry"), rows
        )


def sparse(seconds):
    """Five successors a pair: the cost of an episode divided by H S A, and by H S^2 A."""
    rows, (A, H) = [], (4, 20)
    for S in (50, 100, 200, 400):
        mdp = banded_instance(S, A, H)
        warm = ucbvi_ch(mdp, episodes=5000, scale=3e-4, rng=0)
        per_second = rate(lambda K, m=mdp: ucbvi_ch(m, episodes=K, scale=3e-4, rng=0), seconds)
        cost, seen = 1e9 / per_second, int((warm.visits.sum(axis=0) > 0).sum())
        rows.append((str(S), f"{per_second:,.0f}", f"{100 * seen / (S * A):.0f} %", f"{cost / (H * S * A):.2f}",
                     f"{cost / (H * S * A * S):.4f}"))  # fmt: skip
    columns = ("S", "episodes/s", "pairs seen", "ns / (H S A)", "ns / (H S^2 A)")
    common.table(f"five successors a pair, A={A} H={H}, UCBVI-CH", columns, rows)


def two_cores(runs):
    """Independent runs on one thread and on two."""
    mdp = dense_instance(10, 3, 10)

    def one(seed):
        return ucbvi_ch(mdp, episodes=5000, scale=0.01, rng=seed).regret[-1]

    one(0)
    elapsed, answers = [], []
    for workers in (1, 2):
        with ThreadPoolExecutor(workers) as pool:
            start = time.perf_counter()
            answers.append(list(pool.map(one, range(runs))))
            elapsed.append(time.perf_counter() - start)
    same = answers[0] == answers[1]
    print(
        f"{runs} runs of 5000 episodes, dense 10 x 3 x 10: {elapsed[0]:.2f} s on one thread, {elapsed[1]:.2f} s on two "
        f"({elapsed[0] / elapsed[1]:.2f} times), results {'equal' if same else 'DIFFER'}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rlberry", metavar="PYTHON", help="an interpreter that has rlberry and rlberry-scool")
    parser.add_argument("--sizes", default="10x3x10,50x5x20", help="SxAxH, comma separated")
    parser.add_argument("--seconds", type=float, default=1.0, help="length of one measured run")
    parser.add_argument("--runs", type=int, default=200, help="independent runs on one core and on two")
    options = parser.parse_args()
    two_cores(options.runs)
    common.single_core(1)
    with common.limited(1):
        dense([tuple(int(n) for n in size.split("x")) for size in options.sizes.split(",")], options.seconds,
              options.rlberry)  # fmt: skip
        sparse(options.seconds)


if __name__ == "__main__":
    main()
