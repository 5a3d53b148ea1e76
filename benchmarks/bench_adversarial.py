"""Speed of the steps on the simplex and of the adversarial learners."""

import common

common.single_core(1)

import numpy as np  # noqa: E402

from experiments.instances.adversarial import adversarial_instance  # noqa: E402
from tabular.learning.adversarial import (  # noqa: E402
    hedge_step,
    log_barrier,
    log_barrier_step,
    magnitude_reduced,
    o_reps,
)


def per_call(function, calls=2000):
    """Microseconds of one call."""

    def many():
        for _ in range(calls):
            function()

    return common.seconds(many)[0] / calls * 1e6


def main():
    rng = np.random.default_rng(0)
    rows = []
    for A in (10, 100, 1000, 10_000):
        G = rng.standard_normal(A) * 30.0
        barrier = per_call(lambda G=G: log_barrier_step(G, 0.3))
        hedge = per_call(lambda G=G: hedge_step(G, 0.3))
        rows.append([str(A), f"{barrier:.1f}", f"{hedge:.1f}"])
    common.table("One step, with its certificate, in microseconds", ["arms", "log barrier", "Hedge"], rows)
    rows = []
    for family, H, S, A, d in (("bandit", 1, 1, 4, 3), ("tabular", 2, 3, 2, 6), ("linear", 2, 8, 3, 3)):
        mdp, phi = adversarial_instance(family, "stochastic", K=8192, H=H, S=S, A=A, d=d, gap=0.25, rng=rng)
        times = [
            common.seconds(run, repeats=3)[0] / mdp.K * 1e6
            for run in (
                lambda mdp=mdp, phi=phi: log_barrier(mdp, features=phi, rng=0),
                lambda mdp=mdp, phi=phi: magnitude_reduced(mdp, features=phi, rng=0),
                lambda mdp=mdp: o_reps(mdp, rng=0),
            )
        ]
        rows.append([f"{family}, H={H}, S={S}, A={A}, d={d}", *(f"{time:.1f}" for time in times)])
    common.table("One episode, in microseconds", ["model", "log barrier", "magnitude-reduced", "O-REPS"], rows)


if __name__ == "__main__":
    main()
