"""LSVI-UCB of rlberry-scool on a given instance; run by bench_lsvi.py in an interpreter that has it.

python rlberry_lsvi.py INSTANCE.npz EPISODES    (P[s,a,s'], r[s,a], phi[s,a,d], H)

Prints a JSON list: the seconds that each episode took, planning included.
"""

import json
import logging
import os
import sys
import time

import numpy as np

if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

import rlberry
from rlberry.envs.finite_mdp import FiniteMDP
from rlberry_scool.agents.features import FeatureMap
from rlberry_scool.agents.linear.lsvi_ucb import LSVIUCBAgent

rlberry.logger.setLevel(logging.ERROR)


class Rewards(FiniteMDP):
    """Known mean rewards, without noise."""

    def reward_function(self, state, action, next_state):
        return self.R[state, action]


class Features(FeatureMap):
    """Rows of a table."""

    def __init__(self, table):
        self.table = table
        self.shape = (table.shape[2],)

    def map(self, observation, action):
        return self.table[observation, action]


class Timed(LSVIUCBAgent):
    """The agent, which notes when each episode begins."""

    def run_episode(self):
        self.begun.append(time.perf_counter())
        return super().run_episode()


def main():
    path, episodes = sys.argv[1], int(sys.argv[2])
    with np.load(path) as instance:
        P, r, phi, H = (instance[name] for name in ("P", "r", "phi", "H"))
    env = Rewards(r, P, 0)
    env.reseed(0)
    agent = Timed(
        env, horizon=int(H), feature_map_fn=lambda _: Features(phi), gamma=1.0, bonus_scale_factor=0.1, reg_factor=1.0
    )
    agent.begun = []
    agent.fit(budget=episodes)
    print(json.dumps(np.diff([*agent.begun, time.perf_counter()]).tolist()))


if __name__ == "__main__":
    main()
