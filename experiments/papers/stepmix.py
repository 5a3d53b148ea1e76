"""Studies of stepmix: exact events and mixtures, audits at random counts, learning runs on traps and random problems.

How broad they are: `quick` takes about 10 s on two cores. `paper` has the sizes of the experiments that the page names,
with these exceptions: regrets stop at K = 10^5 (instead of 10^6), the broken variants have 40 runs (instead of 200).
"""

from experiments.study import Study

from . import _stepmix_audit as audit
from . import _stepmix_bpi as bpi
from . import _stepmix_exact as exact
from . import _stepmix_offline as offline
from . import _stepmix_rates as rates
from . import _stepmix_runs as runs

STUDIES = tuple(
    Study(f"stepmix/{name}", title, cells, run)
    for name, title, cells, run in (
        ("mixtures", "Values of step mixtures", exact.mixture_cells, exact.run_mixture),
        ("kl-exact", "Exact probability that a row ever leaves its KL ball", exact.event_cells, exact.run_event),
        ("kl-paths", "Simulated rows that leave their KL ball", exact.path_cells, exact.run_paths),
        ("evaluators", "KL bounds of many policies at random counts", audit.evaluator_cells, audit.run_evaluators),
        ("candidates", "What StepMix and EpsMix choose at random counts", audit.candidate_cells, audit.run_candidates),
        ("bpi-optimism", "Tables of BPI-UCBVI at random counts", bpi.optimism_cells, bpi.run_optimism),
        ("bpi-stops", "When BPI-UCBVI stops, and with what", bpi.stop_cells, bpi.run_stops),
        ("safety", "Runs with a violation: learners and broken variants", runs.safety_cells, runs.run_safety),
        ("kappa", "Time with the baseline over the tolerated loss", runs.kappa_cells, runs.run_kappa),
        ("departures", "When learners first leave the baseline", runs.departure_cells, runs.run_departures),
        ("price", "Regret with and without the constraint", rates.price_cells, rates.run_price),
        ("constants", "Runs with the published constants", rates.constant_cells, rates.run_constants),
        ("traces", "Values over episodes, all learners", rates.trace_cells, rates.run_traces),
        ("sweep", "Regret over the quality of the baseline and the threshold", rates.sweep_cells, rates.run_sweep),
        (
            "offline-needs",
            "Logged episodes until a learned baseline is certified",
            offline.need_cells,
            offline.run_needs,
        ),
        ("offline-runs", "StepMix with a baseline learned offline", offline.online_cells, offline.run_online),
    )
)
