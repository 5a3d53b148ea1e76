"""Complexity measures: time and width of the enclosure on random sparse models.

python benchmarks/bench_complexity.py [--threads 1|2] [--states 200] [--actions 5] [--horizon 10] [--repeats 3]

The budget line adds coverability, concentrability, diameter and span at the sizes given, after compilation. Nothing is
asserted.
"""

import argparse

import common
import numpy as np

from bounds import complexity
from experiments import instances
from tabular.models import AverageRewardMDP, EpisodicMDP


def measures(S, A, H):
    """Measures as (name, whether it counts for the budget, call)."""
    discounted = instances.random_discounted(S, A, 0.95, alpha=0.1, rng=0)
    average = AverageRewardMDP(discounted.P, discounted.r)
    episodic = EpisodicMDP(discounted.P, discounted.r, discounted.mu0, H=H)
    mu, policy = np.full((S, A), 1.0 / (S * A)), np.zeros(S, dtype=np.int64)
    chain = discounted.dense_P()[:, 0]
    phi = np.random.default_rng(0).normal(size=(S, A, 8))
    yield "coverability, discounted", True, lambda: complexity.coverability(discounted)
    yield (
        "concentrability of one policy, discounted",
        True,
        lambda: complexity.single_policy_concentrability(discounted, mu, policy),
    )
    yield "diameter", True, lambda: complexity.diameter(average)
    yield "span of the bias", True, lambda: complexity.bias_span(average)
    yield (
        "concentrability of all policies, discounted",
        False,
        lambda: complexity.all_policy_concentrability(discounted, mu),
    )
    yield f"coverability, H={H}", False, lambda: complexity.coverability(episodic)
    yield "coverage of 8 features", False, lambda: complexity.feature_coverage(discounted, mu, policy, phi)
    yield "mixing time", False, lambda: complexity.mixing_time(chain)
    yield "Kemeny's constant", False, lambda: complexity.kemeny_constant(chain)
    yield "Cheeger's constant, enclosed", False, lambda: complexity.cheeger_constant(chain)
    yield "value norm", False, lambda: complexity.value_norm(average)


def small():
    """Measures of small models: as `measures`."""
    rng = np.random.default_rng(0)
    ring = instances.dirichlet_rows((16, 16), 0.3, rng)
    few = instances.random_average_reward(10, 2, rng=rng)
    steps = instances.random_episodic(5, 3, 4, rng=rng)
    policies = rng.integers(2, size=(10, 4, 3))
    yield "Cheeger's constant, S=16, every set", lambda: complexity.cheeger_constant(ring)
    yield "worst mixing time, 2^10 policies", lambda: complexity.worst_policy_mixing_time(few)
    yield "gap-visitation, S=5, A=3, H=4", lambda: complexity.gap_visitation(steps, 0.1)
    yield "spanning capacity, 10 policies, H=4, S=3", lambda: complexity.spanning_capacity(policies)


def main():
    """Print the table and the budget line."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, value in (("threads", 1), ("states", 200), ("actions", 5), ("horizon", 10), ("repeats", 3)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    common.single_core(options.threads)
    rows, total = [], 0.0
    with common.limited(options.threads):
        for name, counts, call in measures(options.states, options.actions, options.horizon):
            spent, found = common.seconds(call, options.repeats)
            total += spent * counts
            rows.append((name, f"{1e3 * spent:.1f}", f"{float(np.max(found.value)):.6g}", f"{found.width:.1e}"))
        for name, call in small():
            spent, found = common.seconds(call, options.repeats)
            rows.append((name, f"{1e3 * spent:.1f}", f"{float(np.max(found.value)):.6g}", f"{found.width:.1e}"))
    common.table(
        f"S={options.states}, A={options.actions}, {options.threads} thread(s)",
        ("measure", "ms", "value", "width"),
        rows,
    )
    print(f"coverability + concentrability + diameter + span: {total:.2f} s")


if __name__ == "__main__":
    main()
