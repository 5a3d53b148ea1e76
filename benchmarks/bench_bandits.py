"""Bandits: steps a second of our learners beside SMPyBandits, 200 runs of 10,000 rounds on 10 coins.

python benchmarks/bench_bandits.py [--threads 1|2] [--runs 200] [--horizon 10000] [--smpybandits PYTHON]

SMPyBandits needs an old Python (3.9 works): ``--smpybandits`` names an interpreter that has it, which is measured in
the same run on ``--peer-runs`` runs and scaled. Times are processor time of one thread, so that a busy machine does not
blur them; with ``--threads 2`` the wall time of the same runs dealt to two threads. Nothing is asserted.
"""

import argparse
import json
import statistics
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import common
import numpy as np

from tabular import BernoulliBandit
from tabular.learning import bandit as learners

ARMS = 10
MEANS = np.linspace(0.1, 0.9, ARMS)[np.random.default_rng(0).permutation(ARMS)]
#: Our learner, its options, and the policy of SMPyBandits that does the same.
ROWS = {
    "UCB1": (learners.ucb1, {}, "UCB"),
    "KL-UCB": (learners.kl_ucb, {}, "klUCB"),
    "MOSS": (learners.moss, {}, "MOSS"),
    "Thompson": (learners.thompson, {}, "Thompson"),
    "EXP3": (learners.exp3, {}, "Exp3"),
    "EXP3-IX": (learners.exp3_ix, {}, None),
    "Tsallis-INF, IW": (learners.tsallis_inf, {"estimator": "iw"}, None),
    "Tsallis-INF, RV": (learners.tsallis_inf, {"estimator": "rv"}, None),
}
PEER = """
import contextlib, io, json, statistics, sys, time
job = json.loads(sys.argv[1])
with contextlib.redirect_stdout(io.StringIO()):
    import numpy as np
    import SMPyBandits.Policies as policies
    from SMPyBandits.Arms import Bernoulli
    arms = [Bernoulli(mean) for mean in job["means"]]
    found = {}
    for name in job["policies"]:
        times = []
        for run in range(job["runs"]):
            np.random.seed(run)
            policy = getattr(policies, name)(len(arms), **({"gamma": 0.01} if name == "Exp3" else {}))
            policy.startGame()
            start = time.process_time()
            for t in range(job["horizon"]):
                arm = policy.choice()
                policy.getReward(arm, arms[arm].draw(t))
            times.append(time.process_time() - start)
        found[name] = statistics.median(times)
print(json.dumps(found))
"""


def ours(learner, options, horizon, runs, threads):
    """Seconds of all runs: processor time on one thread, wall time on several."""
    bandit = BernoulliBandit(MEANS)

    def part(i):
        size = runs // threads
        return learner(bandit, horizon=horizon, runs=size, first_run=i * size, rng=0, **options)

    learner(bandit, horizon=100, rng=0, **options)
    clock = time.process_time if threads == 1 else time.perf_counter
    times = []
    for _ in range(5):
        start = clock()
        if threads == 1:
            part(0)
        else:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(part, range(threads)))
        times.append(clock() - start)
    return statistics.median(times)


def peers(python, horizon, runs):
    """Seconds a run of each policy of SMPyBandits, by name."""
    if python is None:
        return {}
    policies = [policy for _, _, policy in ROWS.values() if policy]
    job = {"means": MEANS.tolist(), "policies": policies, "runs": runs, "horizon": horizon}
    answer = subprocess.run([python, "-c", PEER, json.dumps(job)], check=True, capture_output=True, text=True)
    return json.loads(answer.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--horizon", type=int, default=10_000)
    parser.add_argument("--smpybandits", metavar="PYTHON", help="interpreter that has SMPyBandits")
    parser.add_argument("--peer-runs", type=int, default=3)
    options = parser.parse_args()
    common.single_core(options.threads)
    steps = options.horizon * options.runs
    measured = peers(options.smpybandits, options.horizon, options.peer_runs)
    rows = []
    for name, (learner, extra, policy) in ROWS.items():
        seconds = ours(learner, extra, options.horizon, options.runs, options.threads)
        other, ratio = "not installed" if policy else "has none", "-"
        if policy in measured:
            scaled = measured[policy] * options.runs
            other, ratio = f"{scaled:.1f} s", f"{scaled / seconds:.0f}"
        rows.append((name, f"{steps / seconds / 1e6:.1f} M", f"{1e3 * seconds:.0f} ms", other, ratio))
    common.table(
        f"{options.runs} runs x {options.horizon} rounds, {ARMS} coins, {options.threads} thread(s)",
        ("learner", "steps/s", "all runs", "SMPyBandits, scaled", "ratio"),
        rows,
    )


if __name__ == "__main__":
    main()
