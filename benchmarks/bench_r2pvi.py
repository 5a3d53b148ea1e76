"""R2PVI and its baselines on the American put: seconds a fit, and the ratio to PEVI (figure 2 of the paper).

python benchmarks/bench_r2pvi.py [--repeats 5]

In the first table every trajectory starts from its own price, so that no two moves are equal: what a learner costs per
datum. In the second all start from one price, as in the paper: equal moves are counted once, and the number of
trajectories hardly matters. Gathering (features and counts, once a dataset) is timed apart. Hat features have two
entries, which the library uses: a search that visits every coordinate costs more beside that than on dense features.
Published seconds are another machine's. Nothing is asserted.
"""

import argparse

import common
import numpy as np

from bounds.papers._r2pvi_published import TIME_OVER_D, TIME_OVER_N
from experiments.instances import AmericanPut
from tabular.learning.robust import FeatureData, drpvi, drvi_l, pevi, r2pvi

SIZES = ((30, 1000), (60, 1000), (120, 1000), (30, 5000), (30, 10000), (120, 10000))
STEPS = 20
CAP = np.stack([np.arange(STEPS, 0.0, -1.0), np.full(STEPS, np.inf)], axis=1)
SHARED = {"beta": 0.1, "floor": None, "cap": CAP}
ROBUST = {**SHARED, "combine": "l2"}
LEARNERS = {
    "PEVI": lambda view: pevi(view, rewards="known", **SHARED),
    "R2PVI-TV": lambda view: r2pvi(view, divergence="tv", penalty=3.0, minimum="data", **ROBUST),
    "R2PVI-KL": lambda view: r2pvi(view, divergence="kl", penalty=3.0, **ROBUST),
    "R2PVI-chi2": lambda view: r2pvi(view, divergence="chi2", penalty=3.0, **ROBUST),
    "DRPVI": lambda view: drpvi(view, radius=0.03, **ROBUST),
    "DRVI-L": lambda view: drvi_l(view, radius=0.03, **ROBUST),
    "(gathering)": lambda view: FeatureData(view.data, view.phi, r=view.r, fail=view.fail, partial=True),
}


def published(name, d, n):
    """Seconds of the paper's figure, or an empty cell."""
    seconds = TIME_OVER_D.get(name, {}).get(d) if n == 1000 else TIME_OVER_N.get(name, {}).get(n) if d == 30 else None
    return "" if seconds is None else f" [{seconds:.2f}]"


def rows(views, repeats):
    """One row a learner: seconds at each size, the ratio to PEVI's, the published seconds."""
    base, table = {}, []
    for name, fit in LEARNERS.items():
        row = [name]
        for size, view in views.items():
            seconds, _ = common.seconds(lambda fit=fit, view=view: fit(view), repeats)
            base.setdefault(size, seconds)
            row.append(f"{seconds:.4f} ({seconds / base[size]:.2f}){published(name, *size)}")
        table.append(row)
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    common.single_core(1)
    columns = ("learner", *(f"d={d}, N={n}" for d, n in SIZES))
    with common.limited(1):
        for title, sample in (("own starts", AmericanPut.sample_own_starts), ("one start", AmericanPut.sample)):
            views = {(d, n): sample(AmericanPut(d=d, H=STEPS), n, 0) for d, n in SIZES}
            table = rows(views, options.repeats)
            common.table(f"Seconds of a fit, {title}, H={STEPS} (over PEVI's) [published]", columns, table)


if __name__ == "__main__":
    main()
