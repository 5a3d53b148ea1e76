"""Studies of r2pvi: exact operators and plans, audited learners, the paper's simulator and option."""

from experiments.study import Study

from . import _r2pvi_duals as steps
from . import _r2pvi_events as event
from . import _r2pvi_figures as figures
from . import _r2pvi_learners as learners
from . import _r2pvi_lower as lower
from . import _r2pvi_models as models
from . import _r2pvi_rates as rate
from . import _r2pvi_simulator as exact
from . import _r2pvi_timing as timing

STUDIES = tuple(
    Study(f"r2pvi/{name}", title, cells, run)
    for name, title, cells, run in (
        ("duals", "Regularised operators against their primal", steps.duals_cells, steps.duals),
        (
            "constrained",
            "Constrained operators against their primal",
            steps.constrained_cells,
            steps.constrained,
        ),
        ("admissible", "Price and gain of worst-case kernels", models.admissible_cells, models.admissible),
        ("bellman", "Robust recursion against enumeration and search", models.bellman_cells, models.bellman),
        ("rectangles", "One kernel a feature or one a pair", models.rectangles_cells, models.rectangles),
        ("entropic", "KL-regularised value and entropic risk", models.entropic_cells, models.entropic),
        ("ordered", "Robust values over prices and radii", models.ordered_cells, models.ordered),
        ("events", "R2PVI where its good event holds", event.events_cells, event.events),
        ("trap", "The same where the worst case goes elsewhere", event.trap_cells, event.trap),
        ("shrinkage", "R2PVI with one feature a pair", learners.shrinkage_cells, learners.shrinkage),
        ("variance", "VA-R2PVI with unit and estimated variances", learners.variance_cells, learners.variance),
        ("rates", "Suboptimality at the worst gap, and coverage", rate.rates_cells, rate.rates),
        ("hypercube", "Exact Bayes risk of the hypercube", lower.hypercube_cells, lower.hypercube),
        ("first-action", "Exact robust first action in the simulator", exact.first_cells, exact.first),
        (
            "first-action-radius",
            "The radius at which the first action flips",
            exact.constrained_first_cells,
            exact.constrained_first,
        ),
        ("ablation", "The learner of Figure 1 without its caution", learners.ablation_cells, learners.ablation),
        ("simulator", "Figure 1(a) to (c): exact returns", figures.simulator_cells, figures.simulator),
        ("population", "The same with exact plans", figures.population_cells, figures.population),
        ("option", "Figure 1(d): the American put", figures.option_cells, figures.option),
        ("work", "Figure 2: counted arithmetic of a step", timing.work_cells, timing.work),
    )
)
