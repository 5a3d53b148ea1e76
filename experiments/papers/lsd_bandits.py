"""Studies of lsd-bandits: optimum, relaxation and rounding on random and named instances; simulation; learning."""

from experiments.study import Study

from . import _lsd_exact as exact
from . import _lsd_runs as runs

__all__ = ["STUDIES"]

STUDIES = tuple(
    Study(f"lsd-bandits/{name}", title, cells, run)
    for name, title, cells, run in (
        ("random", "Optimum, relaxation, rounding and simple schedules of random instances", exact.random_cells,
         exact.run_random),
        ("tight", "The family on which the rounding loses most", exact.tight_cells, exact.run_tight),
        ("recharging", "Two programs for recharging arms", exact.recharging_cells, exact.run_recharging),
        ("pulls", "Rounding with several pulls a round", exact.pull_cells, exact.run_pulls),
        ("interleaving", "Interleaved schedules, exactly", exact.interleaving_cells, exact.run_interleaving),
        ("periods", "Periods that clash and periods that do not", exact.period_cells, exact.run_periods),
        ("greedy", "One arm that needs rest", exact.greedy_cells, exact.run_greedy),
        ("cycles", "Cycles of the arms of one instance", exact.cycle_cells, exact.run_cycles),
        ("coupling", "Real states against virtual ones", runs.coupling_cells, runs.run_coupling),
        ("simulation", "Mirrored virtual states, simulated", runs.simulation_cells, runs.run_simulation),
        ("spike", "Payoffs that are not monotone", runs.spike_cells, runs.run_spike),
        ("regret", "Learning the payoffs", runs.regret_cells, runs.run_regret),
    )
)  # fmt: skip
