"""Studies of contextual-bandit-oracles: worst cases of a round, regret, and the batch loop."""

from experiments.study import Study

from . import _contextual_exact as exact
from . import _contextual_fast as fast
from . import _contextual_loop as loop
from . import _contextual_runs as runs

__all__ = ["STUDIES"]

STUDIES = tuple(
    Study(f"contextual-bandit-oracles/{name}", title, cells, run)
    for name, title, cells, run in (
        ("rounds", "Exact worst case of a round, by sampling rule", exact.round_cells, exact.run_rounds),
        ("suprema", "The worst case over the truth, maximised without its formula", exact.supremum_cells,
         exact.run_suprema),
        ("programs", "The smallest worst case over the probabilities", exact.program_cells, exact.run_programs),
        ("value-curve", "Worst case times gamma, over gamma", exact.value_curve_cells, exact.run_value_curve),
        ("fast", "Largest ratio of FastCB's regret to its bound in a round", fast.fast_cells, fast.run_fast),
        ("regret", "Regret over T on random tables", runs.regret_cells, runs.run_regret),
        ("misspecified", "Regret over T with classes that prefer wrong actions", runs.misspecified_cells,
         runs.run_misspecified),
        ("first-order", "Regret over the optimal loss", runs.first_order_cells, runs.run_first_order),
        ("exploration", "Regret of epsilon-greedy over T", runs.exploration_cells, runs.run_exploration),
        ("epochs", "Regret of FALCON over long horizons", runs.epoch_cells, runs.run_epochs),
        ("loops", "Oscillation in the population limit", loop.loop_cells, loop.run_loops),
        ("generations", "Values over generations on one instance", loop.generation_cells, loop.run_generations),
        ("finite-logs", "Diagnostics with 2000 rows a generation", loop.finite_cells, loop.run_finite),
    )
)  # fmt: skip
