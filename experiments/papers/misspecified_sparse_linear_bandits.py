"""Studies of misspecified-sparse-linear-bandits: guarantees of elimination, hidden arms, exact worst cases of designs.

`quick` takes a few seconds on two cores; `paper` has the grid of the page.
"""

from experiments.study import Study

from . import _sparse_designs as designs
from . import _sparse_phased as phased
from . import _sparse_queries as queries

STUDIES = tuple(
    Study(f"misspecified-sparse-linear-bandits/{name}", title, cells, run)
    for name, title, cells, run in (
        ("net", "Eliminations on misspecified sparse rewards", queries.net_cells, queries.run_net),
        ("noisy", "Net elimination under noise", queries.noisy_cells, queries.run_noisy),
        ("hidden", "Queries that finding a hidden arm takes", queries.hidden_cells, queries.run_hidden),
        ("family", "Nearly orthogonal families over the dimension", queries.family_cells, queries.run_family),
        ("growth", "Queries of net elimination over d and eps", queries.growth_cells, queries.run_growth),
        ("coherence", "Coherence of random unit vectors", queries.coherence_cells, queries.run_coherence),
        ("design", "Exact worst cases of the one-shot design", designs.design_cells, designs.run_design),
        ("barrier", "Worst predictions on nearly orthogonal arms", designs.barrier_cells, designs.run_barrier),
        ("oracle", "Designs on known and on wrong supports", designs.oracle_cells, designs.run_oracle),
        ("polynomial", "One design where all features are in use", designs.polynomial_cells, designs.run_polynomial),
        ("frontier", "Errors and queries of every learner", designs.frontier_cells, designs.run_frontier),
        ("specified", "Regret without misspecification", phased.specified_cells, phased.run_specified),
        ("misled", "Regret under misleading misspecification", phased.misled_cells, phased.run_misled),
    )
)
