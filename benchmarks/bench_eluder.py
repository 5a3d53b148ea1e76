"""Exact eluder dimension: seconds by class and size, and what search over all scales costs beside one scale.

python benchmarks/bench_eluder.py [--points 14] [--seed 0]

Processor time of one thread, median of three; the first call compiles and is not counted. Nothing is asserted.
"""

import argparse
import statistics
import time

import common
import numpy as np

from bounds.complexity import eluder_dimension

#: Name, number of functions, eps.
ROWS = (
    ("random reals", 8, 0.2),
    ("random reals", 100, 0.2),
    ("random bits", 16, 0.5),
    ("random bits", 200, 0.5),
    ("linear, d=2", 20, 0.2),
    ("linear, d=2", 100, 0.2),
    ("linear, d=3", 50, 0.2),
    ("monotone steps", 100, 0.2),
)


def functions(name, size, n, rng):
    """A class of ``size`` functions on n points."""
    if name == "random bits":
        return rng.integers(0, 2, size=(size, n)).astype(float)
    if name.startswith("linear"):
        d = int(name[-1])
        return rng.normal(size=(size, d)) @ rng.normal(size=(d, n))
    if name == "monotone steps":
        return np.sort(rng.random((size, n)), axis=1)
    return rng.random((size, n))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=14)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    common.single_core(1)
    eluder_dimension(np.eye(3), 0.5)
    rows = []
    for name, size, eps in ROWS:
        f = functions(name, size, options.points, np.random.default_rng(options.seed))
        times = []
        for _ in range(3):
            start = time.process_time()
            found = eluder_dimension(f, eps)
            times.append(time.process_time() - start)
        value = str(found.lower) if found.exact else f"[{found.lower}, {found.upper}]"
        rows.append((name, str(size), f"{eps:g}", value, f"{statistics.median(times):.2f} s"))
    common.table(f"{options.points} points", ("class", "functions", "eps", "dimension", "time"), rows)


if __name__ == "__main__":
    main()
