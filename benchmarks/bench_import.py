"""Import time and first call, each in a fresh interpreter: medians in seconds."""

import os
import statistics
import subprocess
import sys
import tempfile
import time

from rich.console import Console
from rich.table import Table

FIRST_CALL = """
import numpy as np, tabular
mdp = tabular.DiscountedMDP(np.full((4, 2, 4), 0.25), np.eye(4, 2), 0.9)
tabular.planning.value_iteration(mdp)
"""


def seconds(code: str, repeats: int, cache: str) -> float:
    """Median wall time of a fresh interpreter that runs ``code``."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "RL_THEOREMS_CACHE": cache})
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    """Print the table."""
    table = Table("what", "seconds", title="whole process, median")
    with tempfile.TemporaryDirectory() as cache:
        table.add_row("python -c pass", f"{seconds('pass', 9, cache):.3f}")
        table.add_row("import numpy", f"{seconds('import numpy', 9, cache):.3f}")
        table.add_row("import tabular", f"{seconds('import tabular', 9, cache):.3f}")
        table.add_row(
            "import tabular.planning, numba included",
            f"{seconds('from tabular.planning import value_iteration', 9, cache):.3f}",
        )
        table.add_row("first value iteration, empty kernel cache", f"{seconds(FIRST_CALL, 1, cache):.3f}")
        table.add_row("first value iteration, filled kernel cache", f"{seconds(FIRST_CALL, 9, cache):.3f}")
    Console().print(table)


if __name__ == "__main__":
    main()
