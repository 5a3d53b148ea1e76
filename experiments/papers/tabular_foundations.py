"""Studies of the foundations: what is measured, on which models, at which scale."""

import functools

from experiments.study import Study

from . import _foundations_average as average
from . import _foundations_bandits as bandits
from . import _foundations_concentration as concentration
from . import _foundations_discounted as discounted
from . import _foundations_episodic as episodic
from . import _foundations_exact as exact
from . import _foundations_identities as identities
from . import _foundations_models as models
from . import _foundations_sequences as sequences

__all__ = ["STUDIES"]

SLUG = "tabular-foundations"

STUDIES = (
    Study(
        f"{SLUG}/operators",
        "Bellman operator, stopping rules and enclosures of value iteration",
        models.cells,
        discounted.run_operators,
    ),
    Study(
        f"{SLUG}/policy-iteration",
        "Howard's policy iteration and modified policy iteration, step by step",
        models.cells,
        discounted.run_policy_iteration,
    ),
    Study(
        f"{SLUG}/linear-programs",
        "Both linear programs, occupancies and their flow",
        models.cells,
        discounted.run_linear_programs,
    ),
    Study(
        f"{SLUG}/identities",
        "Performance difference, simulation lemma, total variance: both sides",
        models.cells,
        identities.run_identities,
    ),
    Study(
        f"{SLUG}/average-reward",
        "Gain, bias, span, diameter and classes",
        functools.partial(models.cells, gammas=(1.0,)),
        average.run_average_reward,
    ),
    Study(
        f"{SLUG}/exact",
        "Policy iteration, enumeration and linear-program bases in rational arithmetic",
        exact.exact_cells,
        exact.run_exact,
    ),
    Study(
        f"{SLUG}/reachability",
        "Value iteration stopped by its change, on the slow chain",
        sequences.reachability_cells,
        sequences.run_reachability,
    ),
    Study(
        f"{SLUG}/coverage-curves",
        "Exact failure probabilities of concentration inequalities against the mean",
        concentration.coverage_cells,
        concentration.run_coverage,
    ),
    Study(
        f"{SLUG}/paths",
        "Gaussian paths that leave a time-uniform bound",
        concentration.path_cells,
        concentration.run_paths,
    ),
    Study(
        f"{SLUG}/elliptical",
        "Elliptical potentials of random, cyclic and adversarial vectors",
        sequences.elliptical_cells,
        sequences.run_elliptical,
    ),
    Study(
        f"{SLUG}/step-sizes",
        "Weights of Q-learning's step sizes as rational numbers",
        exact.step_size_cells,
        exact.run_step_sizes,
    ),
    Study(
        f"{SLUG}/posterior-matching",
        "Every history of posterior sampling on a prior over six models",
        exact.posterior_cells,
        exact.run_posterior_matching,
    ),
    Study(
        f"{SLUG}/optimism",
        "Margin of optimistic learners over the optimal values",
        episodic.optimism_cells,
        episodic.run_optimism,
    ),
    Study(
        f"{SLUG}/riverswim-regret",
        "Regret of learners on RiverSwim, with published and with scaled bonuses",
        episodic.regret_cells,
        episodic.run_regret,
    ),
    Study(
        f"{SLUG}/ucbvi-bound",
        "Regret of UCBVI with its published constants on small random models",
        episodic.bound_cells,
        episodic.run_bound,
    ),
    Study(
        f"{SLUG}/depth",
        "Episodes until the one good policy of DeepSea and of the lock is found",
        episodic.depth_cells,
        episodic.run_depth,
    ),
    Study(
        f"{SLUG}/convergence",
        "Work, error and certificate width of four planners",
        sequences.convergence_cells,
        sequences.run_convergence,
    ),
    Study(
        f"{SLUG}/bandit-regret",
        "Regret of bandit learners and of their broken variants",
        bandits.regret_cells,
        bandits.run_regret,
    ),
    Study(
        f"{SLUG}/bandit-minimax",
        "Regret on the two bandits of the minimax lower bound",
        bandits.lower_cells,
        bandits.run_lower,
    ),
)
