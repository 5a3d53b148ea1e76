"""Studies of ftrl-log-barrier: sequences, bonuses, estimates, and regret of the learners."""

from experiments.study import Study

from . import _ftrl_bonuses as bonuses
from . import _ftrl_estimates as estimates
from . import _ftrl_regret as regret
from . import _ftrl_sequences as sequences

__all__ = ["STUDIES"]

STUDIES = tuple(
    Study(f"ftrl-log-barrier/{name}", title, cells, run)
    for name, title, cells, run in (
        ("sequences", "Regret and stability on random and adaptive losses", sequences.sequence_cells,
         sequences.run_sequences),
        ("steps", "Duality gap of the log-barrier step", sequences.step_cells, sequences.run_steps),
        ("one-sided", "Stability over its bound as one loss falls", sequences.one_sided_cells, sequences.run_one_sided),
        ("dilation", "Dilated bonuses on random models", bonuses.dilation_cells, bonuses.run_dilation),
        ("estimates", "Exact moments of plain and magnitude-reduced estimates", estimates.estimate_cells,
         estimates.run_estimates),
        ("resampling", "Exact mean of geometric resampling, by enumeration", estimates.resampling_cells,
         estimates.run_resampling),
        ("concentration", "How often the direct estimate leaves its interval", estimates.concentration_cells,
         estimates.run_concentration),
        ("draws", "Draws that two estimates of an inverse need", estimates.draws_cells, estimates.run_draws),
        ("regret", "Regret at the published tuning, four families", regret.regret_cells, regret.run_regret),
        ("exponents", "Regret over K where one arm is better by 1", regret.exponent_cells, regret.run_exponents),
        ("actions", "Regret over the number of copied arms", regret.action_cells, regret.run_actions),
        ("simulator", "Regret with sampled covariances and bonuses", regret.simulator_cells, regret.run_regret),
        ("without-simulator", "Regret without a simulator", regret.without_cells, regret.run_regret),
        ("ablations", "Broken and practical variants", regret.ablation_cells, regret.run_ablations),
    )
)  # fmt: skip
