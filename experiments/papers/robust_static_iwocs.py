"""Studies of robust-static-iwocs: identities, the sequence under every rule, other sets, the windy walk."""

from experiments.study import Study

from . import _iwocs_exact as exact
from . import _iwocs_sets as sets

__all__ = ["STUDIES"]

STUDIES = tuple(
    Study(f"robust-static-iwocs/{name}", title, cells, run)
    for name, title, cells, run in (
        (
            "identities",
            "Policies and kernels of small instances, enumerated",
            exact.identity_cells,
            exact.run_identities,
        ),
        ("sequences", "Every rule on the same random instances", exact.sequence_cells, exact.run_sequences),
        ("search", "Early stops over families and discounts", exact.search_cells, exact.run_search),
        ("named", "Two small instances with early stops", exact.named_cells, exact.run_named),
        ("finite", "Kernels solved on finite joint sets", exact.finite_cells, exact.run_finite),
        ("joint", "Guarantees on two joint kernels", sets.joint_cells, sets.run_joint),
        ("balls", "Balls around a centre", sets.ball_cells, sets.run_balls),
        ("windy", "The windy walk", sets.windy_cells, sets.run_windy),
        ("garnets", "Worst-case values of six methods", sets.garnet_cells, sets.run_garnets),
        ("sampled", "Stopping on estimates", sets.sampled_cells, sets.run_sampled),
    )
)
