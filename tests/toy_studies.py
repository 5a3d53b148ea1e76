"""Studies small enough to be run hundreds of times; importable by worker processes."""

import os
import time
from pathlib import Path

import numpy as np

from experiments.study import Study


def walk(cell, rng):
    """A few numbers of every dtype, from the stream and from BLAS; leaves a mark in $TOY_LOG for each run."""
    log = os.environ.get("TOY_LOG")
    if log:
        with Path(log).open("a") as out:
            out.write(f"{cell['n']}-{cell['seed']}\n")
    time.sleep(float(os.environ.get("TOY_SLEEP", "0")))
    x = rng.normal(size=(cell["n"], 3))
    return {
        "x": x,
        "gram": x.T @ x,
        "count": rng.integers(0, 100, size=4),
        "flags": x[:, 0] > 0,
        "names": np.array(["a", "bcd"]),
        "empty": np.zeros((0, 2)),
        "scalar": np.float64(cell["p"] * x.sum()),
    }


def walk_cells(scale):
    seeds = range(4 if scale == "quick" else 12)
    return [{"n": n, "p": 0.1 * n, "kind": "a", "seed": s} for n in (1, 2, 50) for s in seeds]


def fragile(cell, rng):
    """Dies or raises where the cell says so."""
    if cell["how"] == "die":
        os.kill(os.getpid(), 9)
    if cell["how"] == "raise":
        raise ZeroDivisionError("as asked")
    return {"x": rng.random(2)}


def fragile_cells(scale):
    hows = ["die", "raise"] if scale == "paper" else ["raise"]
    return [{"how": "fine", "i": i} for i in range(6)] + [{"how": how, "i": 9} for how in hows]


WALK = Study("toy/walk", "A walk", walk_cells, walk, seed=7)
FRAGILE = Study("toy/fragile", "What breaks", fragile_cells, fragile)
STUDIES = (WALK, FRAGILE)
